/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer_split: GPT-2's pattern,
 *
 *     '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * by hand rather than through a regular expression library: it needs no memory, cannot fail, and
 * its ids depend on our tables alone, not on the Unicode version of an installed library (PCRE2
 * 10.42 knows Unicode 14, the tokenizers of models Unicode 16).  Private to the tokenizer. */
#ifndef CF_TOKENIZER_SPLIT_H
#define CF_TOKENIZER_SPLIT_H

#include "base.h"

enum cf_split_class {
    CF_SPLIT_OTHER,
    CF_SPLIT_LETTER,
    CF_SPLIT_NUMBER,
    CF_SPLIT_SPACE,
    CF_SPLIT_END,    /* the end of the text */
    CF_SPLIT_BROKEN, /* a byte that belongs to no valid character */
};

enum { CF_SPLIT_BLOCK = 128, CF_SPLIT_LIMIT = 0x40000 };

/* The class of code point C below CF_SPLIT_LIMIT (above, all are CF_SPLIT_OTHER) lies in block
 * cf_split_block_of[C / CF_SPLIT_BLOCK], 2 bits each. */
extern const uint8_t cf_split_block_of[CF_SPLIT_LIMIT / CF_SPLIT_BLOCK];
extern const uint32_t cf_split_blocks[][CF_SPLIT_BLOCK / 16];

/* Where the piece ends that begins at start, start < size.  A broken byte is a piece of its own and
 * counts as the end of the text before it. */
size_t cf_split_next(const unsigned char *text, size_t size, size_t start);

#endif
