/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Line breaks: UAX 14 as libunistring has it, and rule LB29, which libunistring 1.0 lacks: no break
 * between a full stop, comma, colon or semicolon and a letter right behind it ("e.g."). */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include <unictype.h>
#include <unilbrk.h>

#include "mem.h"

/* What libunistring must not see as it is: invalid bytes, and line ends other than newline, which
 * are drawn as U+FFFD and break nothing. */
static size_t odd_size(const char *text, size_t size)
{
    uint32_t c = 0;
    size_t n = cf_text_decode(&c, text, size);
    bool is_odd = (c == CF_TEXT_REPLACEMENT && n == 1) || (c < 0x20 && c != '\n' && c != '\t') ||
                  c == 0x85 || c == 0x2028 || c == 0x2029;
    return is_odd ? n : 0;
}

/* A copy of TEXT, byte for byte as long, with letters in the place of what is odd; NULL when
 * nothing is. */
static char *ordinary_copy(const char *text, size_t size)
{
    char *copy = NULL;
    for (size_t at = 0; at < size;) {
        unsigned char byte = (unsigned char)text[at];
        if (byte >= 0x20 && byte < 0x7F) {
            at++;
            continue;
        }
        uint32_t c = 0;
        size_t n = odd_size(text + at, size - at);
        if (n == 0) {
            at += cf_text_decode(&c, text + at, size - at);
            continue;
        }
        if (copy == NULL) {
            copy = cf_memdup_str(text, size);
        }
        memset(copy + at, 'x', n);
        at += n;
    }
    return copy;
}

/* LB29 at byte AT, which is not the first. */
static bool is_infix(const char *text, size_t size, size_t at)
{
    if (strchr(".,:;", text[at - 1]) == NULL) {
        return false;
    }
    uint32_t c = 0;
    cf_text_decode(&c, text + at, size - at);
    return uc_is_alpha(c) && cf_text_char_width(c) == 1 && !cf_text_is_unspaced_script(c);
}

void cf_text_line_breaks(uint8_t *breaks, const char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    char *copy = ordinary_copy(text, size);
    const char *ordinary = copy != NULL ? copy : text;
    u8_possible_linebreaks((const uint8_t *)ordinary, size, "UTF-8", (char *)breaks);
    for (size_t i = size; i-- > 0;) {
        if (i > 0 && ordinary[i - 1] == '\n') {
            breaks[i] = CF_BREAK_MUST;
        } else if (i > 0 && breaks[i] == UC_BREAK_POSSIBLE && !is_infix(ordinary, size, i)) {
            breaks[i] = CF_BREAK_MAY;
        } else {
            breaks[i] = CF_BREAK_NO;
        }
    }
    free(copy);
}
