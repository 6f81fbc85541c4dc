/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wrap.h"

#include <stdlib.h>

#include "mem.h"
#include "text.h"

void ui_wrap_init(struct ui_wrap *wrap, int width)
{
    *wrap = (struct ui_wrap){.width = width < 1 ? 1 : width};
}

void ui_wrap_release(struct ui_wrap *wrap)
{
    free(wrap->rows);
    free(wrap->breaks);
    *wrap = (struct ui_wrap){.width = 1};
}

void ui_wrap_reset(struct ui_wrap *wrap, int width)
{
    wrap->width = width < 1 ? 1 : width;
    wrap->n_rows = 0;
    wrap->size = 0;
    wrap->hangs = NULL;
    wrap->n_hangs = 0;
}

static void add_row(struct ui_wrap *wrap, struct ui_row row)
{
    if (wrap->n_rows == wrap->capacity) {
        wrap->capacity = wrap->capacity < 16 ? 16 : wrap->capacity * 2;
        wrap->rows = cf_realloc_array(wrap->rows, wrap->capacity, sizeof *wrap->rows);
    }
    wrap->rows[wrap->n_rows++] = row;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Columns of CELL at COLUMN of a row. */
static int cell_width(const struct cf_cell_text *cell, int column)
{
    return cell->chars[0] == '\t' ? CF_TEXT_TAB - column % CF_TEXT_TAB : cell->width;
}

/* Where a row that begins at BEGIN and runs over at the cell [over, over_end) is to be broken. */
static size_t soft_break(struct ui_wrap *wrap, const char *text, size_t begin, size_t over,
                         size_t over_end)
{
    size_t size = over_end - begin;
    if (size > wrap->breaks_capacity) {
        wrap->breaks_capacity = size * 2;
        wrap->breaks = cf_realloc_array(wrap->breaks, wrap->breaks_capacity, 1);
    }
    cf_text_line_breaks(wrap->breaks, text + begin, size);
    for (size_t at = over; at > begin; at--) {
        if (wrap->breaks[at - begin] != CF_BREAK_NO) {
            return at;
        }
    }
    /* A word longer than the row: before the grapheme that runs over, or within it when it is
     * alone. */
    size_t grapheme = begin;
    for (;;) {
        size_t next = cf_text_next_grapheme(text, over_end, grapheme);
        if (next > over) {
            break;
        }
        grapheme = next;
    }
    return grapheme > begin ? grapheme : over;
}

/* Ends the row at BREAK_AT: the spaces before it, with what stands on them, hang. */
static struct ui_row soft_row(const char *text, size_t begin, size_t break_at)
{
    struct ui_row row = {.begin = begin, .end = begin, .next = break_at};
    int column = 0;
    struct cf_cell_text cell;
    for (size_t at = begin; at < break_at;) {
        bool is_hanging = is_space(text[at]);
        at += cf_text_next_cell(&cell, text + at, break_at - at);
        column += cell_width(&cell, column);
        if (!is_hanging) {
            row.end = at;
            row.width = column;
        }
    }
    return row;
}

const struct ui_hang *ui_wrap_hang_of(const struct ui_wrap *wrap, size_t at)
{
    size_t low = 0;
    size_t high = wrap->n_hangs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wrap->hangs[middle].begin <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &wrap->hangs[low - 1] : NULL;
}

/* Ends a row that runs over at the cell [over, over_end): before the cluster that does. */
static struct ui_row cut_row(const char *text, struct ui_row row, size_t over, size_t over_end)
{
    size_t at = row.begin;
    for (;;) {
        size_t next = cf_text_next_grapheme(text, over_end, at);
        if (next > over) {
            break;
        }
        at = next;
    }
    row.end = row.next = at > row.begin ? at : over;
    row.width = cf_text_width(text + row.begin, row.end - row.begin, 0);
    return row;
}

/* The row that begins at BEGIN; nothing before it matters but whether it begins its line. */
static struct ui_row lay_row(struct ui_wrap *wrap, const char *text, size_t size, size_t begin)
{
    struct ui_row row = {.begin = begin, .end = begin};
    const struct ui_hang *hang = ui_wrap_hang_of(wrap, begin);
    bool is_cut = hang != NULL && hang->is_cut;
    if (hang != NULL && begin > 0 && text[begin - 1] != '\n') {
        row.indent = hang->indent < wrap->width / 2 ? hang->indent : wrap->width / 2;
    }
    const int full = wrap->width - row.indent;
    int column = 0;
    size_t at = begin;
    struct cf_cell_text cell;
    while (at < size) {
        size_t n = cf_text_next_cell(&cell, text + at, size - at);
        if (cell.chars[0] == '\n') {
            row.next = at + n;
            row.is_hard = true;
            return row;
        }
        int width = cell_width(&cell, column);
        if (is_cut && column > 0 && width > full - column) {
            return cut_row(text, row, at, at + n);
        }
        if (!is_space(text[at]) && column > 0 && width > full - column) {
            int indent = row.indent;
            row = soft_row(text, begin, soft_break(wrap, text, begin, at, at + n));
            row.indent = indent;
            return row;
        }
        at += n;
        /* A run of spaces may be of any length; beyond the edge only that counts. */
        column = column > full ? column : column + width;
        if (column <= full || row.end == begin) {
            row.end = at;
            row.width = column;
        }
    }
    row.next = size;
    return row;
}

bool ui_wrap_extend_some(struct ui_wrap *wrap, const char *text, size_t size, size_t max_rows)
{
    assert(size >= wrap->size);
    size_t at = 0;
    if (wrap->n_rows > 0) {
        const struct ui_row *last = &wrap->rows[wrap->n_rows - 1];
        at = last->is_hard ? last->next : last->begin;
        wrap->n_rows -= last->is_hard ? 0 : 1;
    }
    for (;;) {
        struct ui_row row = lay_row(wrap, text, size, at);
        add_row(wrap, row);
        at = row.next;
        wrap->size = at;
        if (at == size && !row.is_hard) {
            return true;
        }
        if (wrap->n_rows >= max_rows) {
            return false;
        }
    }
}

size_t ui_wrap_extend(struct ui_wrap *wrap, const char *text, size_t size)
{
    size_t first = wrap->n_rows;
    if (first > 0 && !wrap->rows[first - 1].is_hard) {
        first--;
    }
    ui_wrap_extend_some(wrap, text, size, SIZE_MAX);
    return first;
}

void ui_wrap_cut(struct ui_wrap *wrap, size_t at)
{
    if (wrap->n_rows == 0) {
        return;
    }
    /* The break above the row may change with the word behind it, and so may the one before, which
     * the row's first cell can have decided; extend lays out the last row that is left again. */
    wrap->n_rows = ui_wrap_row_of(wrap, at);
    wrap->n_rows -= wrap->n_rows > 0;
    wrap->size = wrap->n_rows > 0 ? wrap->rows[wrap->n_rows - 1].next : 0;
}

size_t ui_wrap_row_of(const struct ui_wrap *wrap, size_t at)
{
    assert(wrap->n_rows > 0);
    size_t low = 0;
    size_t high = wrap->n_rows;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (wrap->rows[middle].begin <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void ui_wrap_locate(const struct ui_wrap *wrap, const char *text, size_t at, size_t *row,
                    int *column)
{
    *row = ui_wrap_row_of(wrap, at);
    const struct ui_row *found = &wrap->rows[*row];
    size_t end = at < found->next ? at : found->next;
    int width = found->indent + cf_text_width(text + found->begin, end - found->begin, 0);
    *column = width < wrap->width ? width : wrap->width;
}

size_t ui_wrap_byte_at(const struct ui_wrap *wrap, const char *text, size_t row, int column)
{
    const struct ui_row *found = &wrap->rows[row];
    bool is_last = row + 1 == wrap->n_rows;
    size_t at = found->begin;
    while (at < found->end) {
        size_t next = cf_text_next_grapheme(text, found->end, at);
        if (cf_text_width(text + found->begin, next - found->begin, 0) > column - found->indent ||
            (next == found->next && !is_last)) {
            break;
        }
        at = next;
    }
    return at;
}

void ui_wrap_assert_sane(const struct ui_wrap *wrap)
{
    assert(wrap->width >= 1);
    for (size_t i = 0; i < wrap->n_rows; i++) {
        const struct ui_row *row = &wrap->rows[i];
        assert(row->begin == (i == 0 ? 0 : row[-1].next));
        assert(row->begin <= row->end && row->end <= row->next);
        assert(row->next > row->begin || i + 1 == wrap->n_rows);
    }
    if (wrap->n_rows > 0) {
        assert(wrap->rows[wrap->n_rows - 1].next == wrap->size);
    }
}
