/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns.
 *
 * The width of a code point is libunistring's uc_width with these exceptions, which make it equal
 * to glibc 2.36's wcwidth in C.UTF-8 on every code point (tests/test_text.c compares them all):
 *  - unassigned code points, line and paragraph separators and controls have none (-1);
 *  - non-spacing and enclosing marks (Mn, Me) are 0;
 *  - the prepended concatenation marks (Arabic number signs and their like) and the soft hyphen,
 *    format characters all, are 1;
 *  - the circled numbers on black squares and the hexagrams are 2, as glibc keeps them.
 * libvterm 0.1.4, which knows Unicode 9, agrees on Han, Kana, Hangul syllables, fullwidth forms and
 * the emoji of its time; it counts younger emoji, the hexagrams, Tangut and a few circled numbers
 * as 1, younger marks as 1 instead of 0, and Kana's own marks as 2. */
#include "text.h"

#include <string.h>

#include <unictype.h>
#include <uniwidth.h>

/* Prepended_Concatenation_Mark of PropList.txt, which libunistring 1.0 lacks. */
static bool is_prepended_mark(uint32_t c)
{
    return (c >= 0x600 && c <= 0x605) || c == 0x6DD || c == 0x70F || c == 0x890 || c == 0x891 ||
           c == 0x8E2 || c == 0x110BD || c == 0x110CD;
}

int cf_text_char_width(uint32_t c)
{
    if (c < 0x7F) {
        return c >= 0x20 ? 1 : -1;
    }
    if (c > 0x10FFFF) {
        return -1;
    }
    uint32_t category = uc_general_category(c).bitmask;
    if (category & (UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Cs |
                    UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp)) {
        return -1;
    }
    if (category & (UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me)) {
        return 0;
    }
    if (category & UC_CATEGORY_MASK_Cf) {
        return c == 0xAD || is_prepended_mark(c) ? 1 : 0;
    }
    if ((c >= 0x3248 && c <= 0x324F) || (c >= 0x4DC0 && c <= 0x4DFF)) {
        return 2;
    }
    int width = uc_width(c, "UTF-8");
    return width < 0 ? -1 : width;
}

/* Seen only by its effect: joiners, variation selectors, fillers, bidirectional and other format
 * characters, the soft hyphen. */
static bool is_left_out(uint32_t c, int width)
{
    if (c == 0xAD) {
        return true;
    }
    return width == 0 && c >= 0x300 &&
           (uc_is_property_default_ignorable_code_point(c) ||
            uc_is_general_category(c, UC_CATEGORY_Cf));
}

static size_t plain_cell(struct cf_cell_text *cell, uint32_t c, size_t n)
{
    *cell = (struct cf_cell_text){.chars = {c}, .n_chars = 1, .width = 1};
    return n;
}

size_t cf_text_next_cell(struct cf_cell_text *cell, const char *text, size_t size)
{
    *cell = (struct cf_cell_text){0};
    size_t at = 0;
    while (at < size) {
        /* Most text: a letter of ASCII before another byte of ASCII. */
        unsigned char byte = (unsigned char)text[at];
        if (cell->n_chars == 0 && byte >= 0x20 && byte < 0x7F &&
            (at + 1 == size || (unsigned char)text[at + 1] < 0x80)) {
            return plain_cell(cell, byte, at + 1);
        }
        uint32_t c = 0;
        size_t n = cf_text_decode(&c, text + at, size - at);
        if (c == '\n' || c == '\t') {
            return at > 0 ? at : plain_cell(cell, c, n);
        }
        int width = cf_text_char_width(c);
        if (is_left_out(c, width)) {
            at += n;
            continue;
        }
        if (width != 0 && cell->n_chars > 0) {
            break;
        }
        at += n;
        if (cell->n_chars == 0) {
            cell->chars[0] = width < 0 ? CF_TEXT_REPLACEMENT : width == 0 ? ' ' : c;
            cell->n_chars = 1;
            cell->width = width == 2 ? 2 : 1;
        }
        if (width == 0 && cell->n_chars < CF_TEXT_CELL_CHARS) {
            cell->chars[cell->n_chars++] = c;
        }
    }
    return at;
}

/* Columns that CELL takes when it begins at COLUMN. */
static int cell_columns(const struct cf_cell_text *cell, int column)
{
    if (cell->chars[0] == '\t') {
        return CF_TEXT_TAB - column % CF_TEXT_TAB;
    }
    return cell->width;
}

int cf_text_width(const char *text, size_t size, int column)
{
    int begin = column;
    struct cf_cell_text cell;
    for (size_t at = 0; at < size;) {
        at += cf_text_next_cell(&cell, text + at, size - at);
        column += cell_columns(&cell, column);
    }
    return column - begin;
}

size_t cf_text_fit(const char *text, size_t size, int columns, int *used)
{
    int column = 0;
    size_t at = 0;
    struct cf_cell_text cell;
    while (at < size) {
        size_t n = cf_text_next_cell(&cell, text + at, size - at);
        int width = cell_columns(&cell, column);
        if (width > columns - column) {
            break;
        }
        column += width;
        at += n;
    }
    if (used != NULL) {
        *used = column;
    }
    return at;
}

/* Appends TEXT with tabs and newlines as spaces. */
static void add_one_line(struct cf_buf *out, const char *text, size_t size)
{
    size_t start = out->size;
    cf_buf_add(out, text, size);
    for (size_t i = start; i < out->size; i++) {
        if (out->data[i] == '\t' || out->data[i] == '\n') {
            out->data[i] = ' ';
        }
    }
}

void cf_text_ellipsize(struct cf_buf *out, const char *text, size_t size, int columns)
{
    struct cf_buf line = CF_BUF_INIT;
    add_one_line(&line, text, size);
    size_t n = cf_text_fit(line.data, line.size, columns, NULL);
    if (n == line.size) {
        cf_buf_add(out, line.data, line.size);
    } else if (columns > 0) {
        n = cf_text_fit(line.data, line.size, columns - 1, NULL);
        cf_buf_add(out, line.data, n);
        cf_buf_add_str(out, "\xE2\x80\xA6");
    }
    cf_buf_release(&line);
}
