/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tokenizer_split.h"

struct place {
    enum cf_split_class class;
    size_t length; /* bytes of the character */
};

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The character at text, whose first byte is not ASCII: its length, or 0 when it is none (Unicode,
 * table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t decode(const unsigned char *text, size_t size, uint32_t *code)
{
    unsigned char lead = text[0];
    if (lead >= 0xC2 && lead <= 0xDF && size >= 2 && is_continuation(text[1])) {
        *code = (uint32_t)(lead & 0x1F) << 6 | (text[1] & 0x3F);
        return 2;
    }
    if (lead >= 0xE0 && lead <= 0xEF && size >= 3 && is_continuation(text[1]) &&
        is_continuation(text[2])) {
        *code = (uint32_t)(lead & 0x0F) << 12 | (uint32_t)(text[1] & 0x3F) << 6 | (text[2] & 0x3F);
        return *code < 0x800 || (*code >= 0xD800 && *code < 0xE000) ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4 && size >= 4 && is_continuation(text[1]) &&
        is_continuation(text[2]) && is_continuation(text[3])) {
        *code = (uint32_t)(lead & 0x07) << 18 | (uint32_t)(text[1] & 0x3F) << 12 |
                (uint32_t)(text[2] & 0x3F) << 6 | (text[3] & 0x3F);
        return *code < 0x10000 || *code > 0x10FFFF ? 0 : 4;
    }
    return 0;
}

static enum cf_split_class class_of(uint32_t code)
{
    if (code >= CF_SPLIT_LIMIT) {
        return CF_SPLIT_OTHER;
    }
    const uint32_t *block = cf_split_blocks[cf_split_block_of[code / CF_SPLIT_BLOCK]];
    return (enum cf_split_class)(block[code % CF_SPLIT_BLOCK / 16] >> (code % 16 * 2) & 3);
}

static struct place look(const unsigned char *text, size_t size, size_t at)
{
    if (at >= size) {
        return (struct place){.class = CF_SPLIT_END, .length = 0};
    }
    if (text[at] < 0x80) {
        return (struct place){.class = class_of(text[at]), .length = 1};
    }
    uint32_t code = 0;
    size_t length = decode(text + at, size - at, &code);
    if (length == 0) {
        return (struct place){.class = CF_SPLIT_BROKEN, .length = 1};
    }
    return (struct place){.class = class_of(code), .length = length};
}

/* Where the characters of a class that begin at AT end. */
static size_t run_end(const unsigned char *text, size_t size, size_t at, enum cf_split_class class)
{
    struct place place = look(text, size, at);
    while (place.class == class) {
        at += place.length;
        place = look(text, size, at);
    }
    return at;
}

/* The length of 's 't 'm 'd 'll 've 're at an apostrophe, or 0. */
static size_t contraction(const unsigned char *text, size_t size)
{
    if (size < 2) {
        return 0;
    }
    switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return 2;
    case 'l':
        return size > 2 && text[2] == 'l' ? 3 : 0;
    case 'v':
    case 'r':
        return size > 2 && text[2] == 'e' ? 3 : 0;
    default:
        return 0;
    }
}

static bool is_visible(enum cf_split_class class)
{
    return class == CF_SPLIT_LETTER || class == CF_SPLIT_NUMBER || class == CF_SPLIT_OTHER;
}

/* White space at start that is not one blank before a visible character. */
static size_t space_end(const unsigned char *text, size_t size, size_t start)
{
    size_t last = start;
    size_t at = start;
    struct place place = look(text, size, at);
    while (place.class == CF_SPLIT_SPACE) {
        last = at;
        at += place.length;
        place = look(text, size, at);
    }
    /* \s+(?!\S): before a visible character the last one is left to the next piece. */
    return is_visible(place.class) && last > start ? last : at;
}

size_t cf_split_next(const unsigned char *text, size_t size, size_t start)
{
    assert(start < size);
    if (text[start] == '\'') {
        size_t length = contraction(text + start, size - start);
        if (length > 0) {
            return start + length;
        }
    }
    struct place place = look(text, size, start);
    if (place.class == CF_SPLIT_BROKEN) {
        return start + 1;
    }
    if (place.class != CF_SPLIT_SPACE) {
        return run_end(text, size, start, place.class);
    }
    if (text[start] == ' ') {
        struct place next = look(text, size, start + 1);
        if (is_visible(next.class)) {
            return run_end(text, size, start + 1, next.class);
        }
    }
    return space_end(text, size, start);
}
