/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tokenizer_alphabet.h"

#include "tokenizer.h"

static bool is_itself(uint32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

uint32_t cf_alphabet_code(unsigned char byte)
{
    if (is_itself(byte)) {
        return byte;
    }
    /* The bytes that are not themselves: 00-20, 7F-A0, AD. */
    if (byte <= 0x20) {
        return 0x100U + byte;
    }
    return byte == 0xAD ? 0x143U : 0x121U + byte - 0x7FU;
}

/* The byte written as a code point below CF_ALPHABET_LIMIT, or -1. */
static int byte_of(uint32_t code)
{
    if (code < 0x100) {
        return is_itself(code) ? (int)code : -1;
    }
    if (code <= 0x120) {
        return (int)(code - 0x100);
    }
    return code == 0x143 ? 0xAD : (int)(code - 0x121 + 0x7F);
}

bool cf_alphabet_read(unsigned char *bytes, size_t *n, const char *word, size_t size)
{
    size_t n_read = 0;
    for (size_t i = 0; i < size;) {
        unsigned char lead = (unsigned char)word[i];
        uint32_t code = lead;
        if (lead < 0x80) {
            i++;
        } else if (lead >= 0xC2 && lead <= 0xC5 && i + 1 < size &&
                   ((unsigned char)word[i + 1] & 0xC0) == 0x80) {
            code = (uint32_t)(lead & 0x1F) << 6 | ((unsigned char)word[i + 1] & 0x3F);
            i += 2;
        } else {
            return false;
        }
        int byte = code < CF_ALPHABET_LIMIT ? byte_of(code) : -1;
        if (byte < 0) {
            return false;
        }
        bytes[n_read] = (unsigned char)byte;
        n_read++;
    }
    *n = n_read;
    return true;
}

void cf_tokenizer_spell(const void *bytes, size_t size, struct cf_buf *text)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        uint32_t code = cf_alphabet_code(byte[i]);
        if (code < 0x80) {
            cf_buf_add_char(text, (char)code);
        } else {
            char two[2] = {(char)(0xC0 | code >> 6), (char)(0x80 | (code & 0x3F))};
            cf_buf_add(text, two, 2);
        }
    }
}
