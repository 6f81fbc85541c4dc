/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wrap: a growing text broken into rows of a width.
 *
 * Breaks are those of UAX 14; a word longer than the width is broken between grapheme clusters.
 * Spaces at a soft break hang: they belong to the row but are not drawn and may stand past the
 * edge.  A row holds at least one character, whatever the width.
 *
 * Each row is found from its first byte alone, so laying out more text touches the last row only,
 * and laying out in pieces gives the same rows as laying out at once (tested).
 *
 * Lines may hang: the rows that go on such a line are indented, at most to half the width.
 *
 * The text belongs to the caller, who hands it in whole each time; the bytes already laid out must
 * be the same as before.  Hand in text that cf_text_make_safe has made (a piece that ends within a
 * character would be laid out as invalid bytes). */
#ifndef UI_WRAP_H
#define UI_WRAP_H

#include "base.h"

struct ui_row {
    size_t begin; /* first byte */
    size_t end;   /* behind the last byte to draw: no newline, no hanging spaces */
    size_t next;  /* the next row's begin, or the text's size */
    int width;    /* columns of [begin, end) */
    int indent;   /* columns before it */
    bool is_hard; /* a newline ends it */
};

/* Of the lines from the one that begins at BEGIN on. */
struct ui_hang {
    size_t begin;
    int indent;  /* of the rows that go on a line */
    bool is_cut; /* at the edge, not between words; nothing hangs over it */
};

struct ui_wrap {
    int width;
    struct ui_row *rows; /* at least one once something was laid out, also of an empty text */
    size_t n_rows;
    size_t capacity;
    size_t size;     /* bytes laid out */
    uint8_t *breaks; /* room for one row's */
    size_t breaks_capacity;
    const struct ui_hang *hangs; /* ascending; the caller's, who may set others for text not laid
                                  * out yet */
    size_t n_hangs;
};

/* WIDTH below 1 counts as 1. */
void ui_wrap_init(struct ui_wrap *wrap, int width);
void ui_wrap_release(struct ui_wrap *wrap);
/* Forgets the rows and what hangs, for another text or width; keeps the memory. */
void ui_wrap_reset(struct ui_wrap *wrap, int width);
/* Lays out TEXT, of which the first wrap->size bytes are known; returns the first row that is new
 * or changed. */
size_t ui_wrap_extend(struct ui_wrap *wrap, const char *text, size_t size);
/* The same, but stops once there are MAX_ROWS rows or more; false when text is left. */
bool ui_wrap_extend_some(struct ui_wrap *wrap, const char *text, size_t size, size_t max_rows);

/* Forgets the rows that a change of the text from byte AT on may touch. */
void ui_wrap_cut(struct ui_wrap *wrap, size_t at);

/* The row that holds byte AT; a position at a break belongs to the row that begins there. */
size_t ui_wrap_row_of(const struct ui_wrap *wrap, size_t at);
/* The line, of those that hang, that byte AT is on; NULL: of none. */
const struct ui_hang *ui_wrap_hang_of(const struct ui_wrap *wrap, size_t at);
/* Row and column of byte AT, its indent counted; in hanging spaces the column is the width at most.
 */
void ui_wrap_locate(const struct ui_wrap *wrap, const char *text, size_t at, size_t *row,
                    int *column);
/* The byte of ROW at COLUMN or the nearest before it, at a grapheme's beginning. */
size_t ui_wrap_byte_at(const struct ui_wrap *wrap, const char *text, size_t row, int column);

void ui_wrap_assert_sane(const struct ui_wrap *wrap);

#endif
