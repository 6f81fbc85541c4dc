/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_compare.h"

#include <string.h>

#include "pane_block.h"
#include "wrap.h"

enum { COLUMN_MIN = 24 };

size_t ui_compare_common(const struct cf_chat_turn *left, const struct cf_chat_turn *right)
{
    size_t size = left->size < right->size ? left->size : right->size;
    size_t n = 0;
    while (n < size && left->text[n] == right->text[n]) {
        n++;
    }
    /* Not within a cluster that goes on differently. */
    size_t at = 0;
    while (at < n) {
        size_t next = cf_text_next_grapheme(left->text, left->size, at);
        if (next > n || cf_text_next_grapheme(right->text, right->size, at) > n) {
            break;
        }
        at = next;
    }
    return at;
}

/* The settings of a reply that the other does not have. */
static void describe(const struct ui_compare_data *data, int i, struct cf_buf *text)
{
    const struct cf_chat_turn *turn = data->turns[i];
    const struct cf_chat_turn *other = data->turns[1 - i];
    cf_buf_addf(text, "%d  ", i + 1);
    size_t before = text->size;
    if (turn->n_marks > 0 && other->n_marks > 0) {
        const struct cf_sampling *mine = &turn->marks[turn->n_marks - 1].sampling;
        const struct cf_sampling *theirs = &other->marks[0].sampling;
        ui_block_describe_settings(mine, theirs, text);
    }
    if (text->size == before) {
        cf_buf_add_str(text, i == 0 ? "as set" : "the same");
    }
    const char *state = turn->state == CF_TURN_STREAMING || turn->state == CF_TURN_WAITING ? "…"
                        : turn->state == CF_TURN_CANCELLED ? "stopped"
                                                           : "";
    cf_buf_addf(text, "  %zu tokens %s", turn->n_tokens, state);
}

/* A reply as it is laid out. */
struct column {
    struct ui_rect rect;
    struct cf_buf shown;
    size_t n_faint; /* bytes of it, the beginning that both have */
    struct ui_wrap wrap;
};

static void lay_out(struct column *column, const struct cf_chat_turn *turn, size_t n_common)
{
    cf_text_make_safe(&column->shown, turn->text, n_common);
    column->n_faint = column->shown.size;
    cf_text_make_safe(&column->shown, turn->text + n_common, turn->size - n_common);
    ui_wrap_init(&column->wrap, column->rect.width > 2 ? column->rect.width - 2 : 1);
    ui_wrap_extend(&column->wrap, column->shown.data, column->shown.size);
}

/* Rows of text that fit. */
static int text_height(const struct column *column)
{
    return column->rect.height > 1 ? column->rect.height - 1 : 0;
}

/* The top row of a column that shows its end. */
static int end_top(const struct column *column)
{
    int n = (int)column->wrap.n_rows - text_height(column);
    return n > 0 ? n : 0;
}

static void draw_column(const struct ui_paint *paint, const struct column *column,
                        const struct ui_compare_data *data, int i, int top)
{
    struct ui_rect rect = column->rect;
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    int right = rect.x + rect.width;
    struct cf_buf head = CF_BUF_INIT;
    describe(data, i, &head);
    ui_pane_put(paint, rect.x + 1, rect.y, right, head.data, UI_STYLE_HEADING);
    cf_buf_release(&head);
    for (int row = 0; row < text_height(column) && top + row < (int)column->wrap.n_rows; row++) {
        int y = rect.y + 1 + row;
        size_t begin = column->wrap.rows[top + row].begin;
        size_t end = column->wrap.rows[top + row].end;
        size_t n_faint = column->n_faint;
        size_t middle = n_faint < begin ? begin : n_faint > end ? end : n_faint;
        int x = ui_grid_put_from(paint->grid, rect.x + 1, y, right, rect.x + 1,
                                 column->shown.data + begin, middle - begin,
                                 ui_paint_style(paint, UI_STYLE_FAINT));
        ui_grid_put_from(paint->grid, x, y, right, rect.x + 1, column->shown.data + middle,
                         end - middle, ui_paint_style(paint, UI_STYLE_TEXT));
    }
}

void ui_compare_scroll(struct ui_compare_view *view, int rows)
{
    view->top = view->top + rows > 0 ? view->top + rows : 0;
    view->is_scrolled = true; /* until the drawing finds the end in view */
}

void ui_compare_draw(struct ui_compare_view *view, const struct ui_paint *paint,
                     struct ui_rect rect, const struct ui_compare_data *data)
{
    if (data->turns[0] == NULL || data->turns[1] == NULL) {
        return;
    }
    size_t n_common = ui_compare_common(data->turns[0], data->turns[1]);
    struct ui_rect first = rect;
    struct ui_rect second = rect;
    if (rect.width >= 2 * COLUMN_MIN + 1) {
        first.width = (rect.width - 1) / 2;
        second.x += first.width + 1;
        second.width -= first.width + 1;
        for (int y = rect.y; y < rect.y + rect.height; y++) {
            ui_grid_put_str(paint->grid, rect.x + first.width, y, rect.x + rect.width, "│",
                            ui_paint_style(paint, UI_STYLE_RULE));
        }
    } else {
        first.height = rect.height / 2;
        second.y += first.height;
        second.height -= first.height;
    }
    struct column columns[2] = {{.rect = first, .shown = CF_BUF_INIT},
                                {.rect = second, .shown = CF_BUF_INIT}};
    lay_out(&columns[0], data->turns[0], n_common);
    lay_out(&columns[1], data->turns[1], n_common);
    int ends[2] = {end_top(&columns[0]), end_top(&columns[1])};
    int end = ends[0] > ends[1] ? ends[0] : ends[1];
    if (!view->is_scrolled || view->top >= end) {
        view->is_scrolled = false;
        view->top = end;
    }
    view->height = text_height(&columns[0]);
    for (int i = 0; i < 2; i++) {
        draw_column(paint, &columns[i], data, i, view->top < ends[i] ? view->top : ends[i]);
        ui_wrap_release(&columns[i].wrap);
        cf_buf_release(&columns[i].shown);
    }
}
