/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_parts.h"

#include <string.h>

#include "store_words.h"
#include "text.h"

/* A character that a title shows as a blank: white space, controls, line ends, broken bytes. */
static bool is_blank(uint32_t c, size_t length)
{
    return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x3000 ||
           (c == CF_TEXT_REPLACEMENT && length == 1);
}

void cf_title_clean(struct cf_buf *out, const char *text, size_t size)
{
    size_t start = out->size;
    bool has_gap = false;
    for (size_t at = 0; at < size;) {
        uint32_t c;
        size_t length = cf_text_decode(&c, text + at, size - at);
        if (is_blank(c, length)) {
            has_gap = true;
        } else {
            bool needs_space = has_gap && out->size > start;
            if (out->size - start + length + (needs_space ? 1 : 0) > CF_TITLE_MAX) {
                return;
            }
            if (needs_space) {
                cf_buf_add_char(out, ' ');
            }
            has_gap = false;
            cf_buf_add(out, text + at, length);
        }
        at += length;
    }
}

void cf_title_make(struct cf_buf *out, const char *text, size_t size)
{
    struct cf_buf line = CF_BUF_INIT;
    while (size > 0 && line.size == 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end != NULL ? (size_t)(end - text) : size;
        cf_title_clean(&line, text, length);
        length += end != NULL ? 1 : 0;
        text += length;
        size -= length;
    }
    size_t fit = cf_text_fit(line.data, line.size, CF_TITLE_COLUMNS, NULL);
    if (fit == line.size) {
        cf_buf_add(out, line.data, line.size);
    } else {
        /* At the end of a word, unless that would leave too little. */
        size_t cut = fit;
        while (cut > 0 && line.data[cut] != ' ') {
            cut--;
        }
        cf_buf_add(out, line.data, cut > fit / 2 ? cut : fit);
        cf_buf_add_str(out, "…");
    }
    cf_buf_release(&line);
}
