/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The edited text in rows. */
#include "line_parts.h"

#include <string.h>

#include "text.h"

/* Rows kept laid out behind the cursor's: nobody sees more. */
enum { ROWS_AHEAD = UI_GRID_MAX_HEIGHT + 1, NO_WIDTH = 1 << 20 };

void ui_line_layout_release(struct ui_line_layout *layout)
{
    cf_buf_release(&layout->raw);
    cf_buf_release(&layout->safe);
    cf_buf_release(&layout->prompt);
    ui_wrap_release(&layout->wrap);
}

/* -- Offsets: of the text, of what is laid out ------------------------------------------------- */

static size_t base_of(const struct ui_line_layout *layout)
{
    return layout->is_flowing ? layout->prompt.size : 0;
}

static size_t to_safe(const struct ui_line_layout *layout, size_t at)
{
    if (layout->is_same) {
        return base_of(layout) + at;
    }
    struct cf_buf before = CF_BUF_INIT;
    cf_text_make_safe(&before, layout->raw.data, at);
    size_t size = before.size;
    cf_buf_release(&before);
    return base_of(layout) + size;
}

static size_t to_raw(const struct ui_line_layout *layout, size_t at)
{
    size_t base = base_of(layout);
    if (at <= base) {
        return 0;
    }
    if (layout->is_same) {
        return at - base;
    }
    struct cf_buf one = CF_BUF_INIT;
    size_t raw = 0;
    size_t safe = base;
    while (raw < layout->raw.size) {
        uint32_t c = 0;
        size_t n = cf_text_decode(&c, layout->raw.data + raw, layout->raw.size - raw);
        cf_buf_clear(&one);
        cf_text_make_safe(&one, layout->raw.data + raw, n);
        if (safe + one.size > at) {
            break;
        }
        safe += one.size;
        raw += n;
    }
    cf_buf_release(&one);
    return raw;
}

/* -- Laying out ------------------------------------------------------------------------------- */

/* The place of the prompt changed, or the text is not what it looks like: from the beginning. */
static void lay_anew(struct ui_line_layout *layout, const struct ui_line_view *view)
{
    cf_buf_clear(&layout->raw);
    cf_buf_add(&layout->raw, view->text, view->size);
    cf_buf_clear(&layout->safe);
    if (layout->is_flowing) {
        cf_buf_add(&layout->safe, layout->prompt.data, layout->prompt.size);
    }
    cf_text_make_safe(&layout->safe, view->text, view->size);
    layout->is_same = cf_text_is_safe(view->text, view->size);
    ui_wrap_reset(&layout->wrap, layout->width - layout->indent);
}

/* The text changed from byte FIRST on, and all of it is safe: what lies before stays. */
static void lay_from(struct ui_line_layout *layout, const struct ui_line_view *view, size_t first)
{
    size_t base = base_of(layout);
    ui_wrap_cut(&layout->wrap, base + first);
    cf_buf_truncate(&layout->raw, first);
    cf_buf_add(&layout->raw, view->text + first, view->size - first);
    cf_buf_truncate(&layout->safe, base + first);
    cf_buf_add(&layout->safe, view->text + first, view->size - first);
}

static size_t first_difference(const struct cf_buf *old, const char *text, size_t size)
{
    size_t n = old->size < size ? old->size : size;
    if (memcmp(old->data, text, n) == 0) {
        return n;
    }
    size_t at = 0;
    while (old->data[at] == text[at]) {
        at++;
    }
    return at;
}

/* Takes the prompt; true when it or the width is another than before. */
static bool place_prompt(struct ui_line_layout *layout, const char *prompt, int width)
{
    struct cf_buf safe = CF_BUF_INIT;
    cf_text_make_safe(&safe, prompt, strlen(prompt));
    bool is_new = width != layout->width || safe.size != layout->prompt.size ||
                  memcmp(safe.data, layout->prompt.data, safe.size) != 0;
    if (is_new) {
        int columns = cf_text_width(safe.data, safe.size, 0);
        layout->width = width;
        layout->is_flowing = columns > width / 2;
        layout->indent = layout->is_flowing ? 0 : columns;
        cf_buf_clear(&layout->prompt);
        cf_buf_add(&layout->prompt, safe.data, safe.size);
    }
    cf_buf_release(&safe);
    return is_new;
}

void ui_line_lay(struct ui_line *line)
{
    struct ui_line_layout *layout = &line->layout;
    struct ui_line_view view;
    ui_line_view(line, &view);
    int width = line->width > 0 ? line->width : NO_WIDTH;
    size_t first = first_difference(&layout->raw, view.text, view.size);
    if (place_prompt(layout, view.prompt, width)) {
        lay_anew(layout, &view);
    } else if (first < layout->raw.size || first < view.size) {
        while (first > 0 && ((unsigned char)view.text[first] & 0xC0) == 0x80) {
            first--;
        }
        if (layout->is_same && cf_text_is_safe(view.text + first, view.size - first)) {
            lay_from(layout, &view, first);
        } else {
            lay_anew(layout, &view);
        }
    }
    size_t cursor = to_safe(layout, view.cursor);
    struct ui_wrap *wrap = &layout->wrap;
    while (!ui_wrap_extend_some(wrap, layout->safe.data, layout->safe.size,
                                wrap->n_rows + ROWS_AHEAD)) {
        if (wrap->size > cursor && wrap->n_rows - ui_wrap_row_of(wrap, cursor) > ROWS_AHEAD) {
            break;
        }
    }
}

/* Row and column of the cursor; a full last row has the cursor on a row of its own. */
static void locate(const struct ui_line *line, size_t cursor, size_t *row, int *column)
{
    const struct ui_line_layout *layout = &line->layout;
    ui_wrap_locate(&layout->wrap, layout->safe.data, to_safe(layout, cursor), row, column);
    if (*column >= layout->wrap.width) {
        if (*row + 1 == layout->wrap.n_rows) {
            ++*row;
            *column = 0;
        } else {
            *column = layout->wrap.width - 1;
        }
    }
}

static size_t n_rows(const struct ui_line_layout *layout)
{
    const struct ui_wrap *wrap = &layout->wrap;
    bool is_full = wrap->rows[wrap->n_rows - 1].width >= wrap->width;
    return wrap->n_rows + (is_full ? 1 : 0);
}

int ui_line_rows(struct ui_line *line, int width)
{
    line->width = width < 1 ? 1 : width;
    ui_line_lay(line);
    return (int)n_rows(&line->layout);
}

bool ui_line_move_rows(struct ui_line *line, int direction, size_t *cursor)
{
    ui_line_lay(line);
    struct ui_line_layout *layout = &line->layout;
    struct ui_line_view view;
    ui_line_view(line, &view);
    size_t row = 0;
    int column = 0;
    locate(line, view.cursor, &row, &column);
    if ((direction < 0 && row == 0) || (direction > 0 && row + 1 >= layout->wrap.n_rows)) {
        return false;
    }
    if (line->goal_column < 0) {
        line->goal_column = column;
    }
    size_t to = direction < 0 ? row - 1 : row + 1;
    *cursor =
        to_raw(layout, ui_wrap_byte_at(&layout->wrap, layout->safe.data, to, line->goal_column));
    return true;
}

/* -- Drawing ---------------------------------------------------------------------------------- */

/* Scrolls so that CURSOR's row is among the HEIGHT rows shown, as little as may be. */
static void scroll(struct ui_line_layout *layout, size_t cursor, size_t height)
{
    size_t all = n_rows(layout);
    size_t last_top = all > height ? all - height : 0;
    if (layout->top > last_top) {
        layout->top = last_top;
    }
    if (cursor < layout->top) {
        layout->top = cursor;
    } else if (cursor >= layout->top + height) {
        layout->top = cursor - height + 1;
    }
}

void ui_line_draw(struct ui_line *line, struct ui_grid *grid, struct ui_rect rect,
                  struct ui_style prompt_style, struct ui_style text_style, int *x, int *y)
{
    *x = *y = -1;
    if (rect.width <= 0 || rect.height <= 0) {
        return;
    }
    ui_line_rows(line, rect.width);
    struct ui_line_layout *layout = &line->layout;
    struct ui_line_view view;
    ui_line_view(line, &view);
    size_t row = 0;
    int column = 0;
    locate(line, view.cursor, &row, &column);
    scroll(layout, row, (size_t)rect.height);
    ui_grid_fill(grid, rect, ' ', text_style);
    int left = rect.x + layout->indent;
    int right = rect.x + rect.width;
    for (size_t i = 0; i < (size_t)rect.height && layout->top + i < layout->wrap.n_rows; i++) {
        const struct ui_row *shown = &layout->wrap.rows[layout->top + i];
        int screen_y = rect.y + (int)i;
        if (layout->top + i == 0 && !layout->is_flowing) {
            ui_grid_put(grid, rect.x, screen_y, left, layout->prompt.data, layout->prompt.size,
                        prompt_style);
        }
        ui_grid_put(grid, left, screen_y, right, layout->safe.data + shown->begin,
                    shown->end - shown->begin, text_style);
    }
    *x = left + column;
    *y = rect.y + (int)(row - layout->top);
}
