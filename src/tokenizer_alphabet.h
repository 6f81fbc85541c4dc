/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer_alphabet: GPT-2's byte alphabet.  The 188 bytes that are printable in Latin-1, but the
 * blank and the soft hyphen, stand for themselves as code points; the other 68, in order, are
 * U+0100 to U+0143.  Private to the tokenizer.
 *
 * Source: bytes_to_unicode in https://github.com/openai/gpt-2/blob/master/src/encoder.py */
#ifndef CF_TOKENIZER_ALPHABET_H
#define CF_TOKENIZER_ALPHABET_H

#include "base.h"

enum { CF_ALPHABET_LIMIT = 0x144 };

/* The code point that a byte is written as. */
uint32_t cf_alphabet_code(unsigned char byte);
/* Reads a word back into at most SIZE bytes; false when it holds anything else. */
bool cf_alphabet_read(unsigned char *bytes, size_t *n, const char *word, size_t size);

#endif
