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

static void draw_column(const struct ui_paint *paint, struct ui_rect rect,
                        const struct ui_compare_data *data, int i, size_t n_common)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    const struct cf_chat_turn *turn = data->turns[i];
    int right = rect.x + rect.width;
    struct cf_buf head = CF_BUF_INIT;
    describe(data, i, &head);
    ui_pane_put(paint, rect.x + 1, rect.y, right, head.data, UI_STYLE_HEADING);
    cf_buf_release(&head);
    struct cf_buf shown = CF_BUF_INIT;
    cf_text_make_safe(&shown, turn->text, n_common);
    size_t n_faint = shown.size;
    cf_text_make_safe(&shown, turn->text + n_common, turn->size - n_common);
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, rect.width > 2 ? rect.width - 2 : 1);
    ui_wrap_extend(&wrap, shown.data, shown.size);
    size_t height = (size_t)rect.height - 1;
    size_t top = wrap.n_rows > height ? wrap.n_rows - height : 0;
    for (size_t row = top; row < wrap.n_rows; row++) {
        int y = rect.y + 1 + (int)(row - top);
        size_t begin = wrap.rows[row].begin;
        size_t end = wrap.rows[row].end;
        size_t middle = n_faint < begin ? begin : n_faint > end ? end : n_faint;
        int x = ui_grid_put_from(paint->grid, rect.x + 1, y, right, rect.x + 1, shown.data + begin,
                                 middle - begin, ui_paint_style(paint, UI_STYLE_FAINT));
        ui_grid_put_from(paint->grid, x, y, right, rect.x + 1, shown.data + middle, end - middle,
                         ui_paint_style(paint, UI_STYLE_TEXT));
    }
    ui_wrap_release(&wrap);
    cf_buf_release(&shown);
}

void ui_compare_draw(const struct ui_paint *paint, struct ui_rect rect,
                     const struct ui_compare_data *data)
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
    draw_column(paint, first, data, 0, n_common);
    draw_column(paint, second, data, 1, n_common);
}
