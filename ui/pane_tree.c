/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_tree.h"

#include <stdio.h>
#include <string.h>

#include "pane_block.h"
#include "wrap.h"

enum {
    LANE_WIDTH = 2,
    LABEL_WIDTH = 7,
    NUMBERS_FROM = 60, /* columns from which a row has them */
    MODEL_FROM = 90,
    MODEL_WIDTH = 18,
    DETAIL_FROM = 12,
    DETAIL_HEIGHT = 5, /* a rule, the numbers, and what is said */
    FIRST_WORDS = 400, /* bytes of a text that a row can show */
};

/* The lanes left of a row and the row's own mark; those that do not fit give way to a "…". */
static int draw_lanes(const struct ui_paint *paint, struct ui_rect rect, int y,
                      const struct cf_chat_graph_row *row, bool is_first, bool is_selected)
{
    enum ui_style_name lane = is_selected ? UI_STYLE_SELECTED : UI_STYLE_RULE_FOCUS;
    int end = rect.x + rect.width;
    int room = rect.width / 3 / LANE_WIDTH;
    int hidden = row->depth > room ? row->depth - room : 0;
    int x = rect.x + 1;
    for (int i = hidden; i < row->depth; i++, x += LANE_WIDTH) {
        bool is_own = row->is_branch && i + 1 == row->depth;
        const char *text = is_own && is_first ? "┌─" : is_own ? "├─" : "│ ";
        ui_pane_put(paint, x, y, end, i == hidden && hidden > 0 ? "… " : text, lane);
    }
    enum ui_style_name mark = is_selected     ? UI_STYLE_SELECTED
                              : row->is_shown ? UI_STYLE_KEY
                                              : UI_STYLE_MARK;
    return ui_pane_put(paint, x, y, end, row->is_shown ? "● " : "○ ", mark);
}

static const char *label_of(const struct cf_chat_turn *turn)
{
    return turn->role == CF_ROLE_USER ? "you" : turn->role == CF_ROLE_SYSTEM ? "system" : "model";
}

static enum ui_style_name style_of(const struct cf_chat_turn *turn)
{
    return turn->role == CF_ROLE_USER     ? UI_STYLE_USER
           : turn->role == CF_ROLE_SYSTEM ? UI_STYLE_SYSTEM
                                          : UI_STYLE_ASSISTANT;
}

static const char *state_of(const struct cf_chat_turn *turn)
{
    switch (turn->state) {
    case CF_TURN_WAITING:
    case CF_TURN_STREAMING:
    case CF_TURN_ELSEWHERE:
        return "being written";
    case CF_TURN_CANCELLED:
        return "stopped";
    case CF_TURN_INTERRUPTED:
        return "interrupted";
    case CF_TURN_FAILED:
        return "failed";
    case CF_TURN_COMPLETE:
        break;
    }
    return "";
}

/* Temperature and top-p as they were at first, and the speed. */
static void describe_numbers(const struct cf_chat_turn *turn, struct cf_buf *text)
{
    if (turn->n_marks > 0) {
        const struct cf_sampling *sampling = &turn->marks[0].sampling;
        cf_buf_addf(text, "T %.2f  top-p %.2f", sampling->temperature, sampling->top_p);
    }
    if (turn->tokens_per_second > 0) {
        cf_buf_addf(text, "%s%5.*f tok/s", text->size > 0 ? "  " : "",
                    turn->tokens_per_second < 9.95 ? 1 : 0, turn->tokens_per_second);
    }
}

/* What stands at the right of a reply's row; returns the column where it begins. */
static int draw_numbers(const struct ui_paint *paint, struct ui_rect rect, int y,
                        const struct cf_chat_turn *turn, const struct ui_tree_data *data,
                        enum ui_style_name style)
{
    int end = rect.x + rect.width - 1;
    if (turn->role != CF_ROLE_ASSISTANT || rect.width < NUMBERS_FROM) {
        return end;
    }
    struct cf_buf text = CF_BUF_INIT;
    describe_numbers(turn, &text);
    int width = cf_text_width(text.data, text.size, 0);
    ui_pane_put(paint, end - width, y, end, text.size > 0 ? text.data : "", style);
    cf_buf_release(&text);
    end -= width + 2;
    if (rect.width >= MODEL_FROM) {
        const char *model = turn->model_name != NULL ? turn->model_name : data->model;
        ui_pane_put(paint, end - MODEL_WIDTH, y, end, model, style);
        end -= MODEL_WIDTH + 2;
    }
    return end;
}

/* The beginning of a text as one line. */
static void add_first_words(struct cf_buf *text, const struct cf_chat_turn *turn)
{
    size_t size = turn->size < FIRST_WORDS ? turn->size : FIRST_WORDS;
    size -= size < turn->size ? cf_text_unfinished(turn->text, size) : 0;
    size_t begin = text->size;
    cf_text_make_safe(text, turn->text, size);
    for (size_t i = begin; i < text->size; i++) {
        if (text->data[i] == '\n' || text->data[i] == '\t') {
            text->data[i] = ' ';
        }
    }
}

static void draw_row(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct cf_chat_graph_row *row, const struct ui_tree_data *data,
                     size_t index)
{
    const struct cf_chat_turn *turn = row->turn;
    bool is_selected = index == data->selected;
    if (is_selected) {
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, rect.width, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_SELECTED));
    }
    enum ui_style_name faint = is_selected ? UI_STYLE_SELECTED : UI_STYLE_FAINT;
    int end = draw_numbers(paint, rect, y, turn, data, faint);
    int x = draw_lanes(paint, rect, y, row, index == 0, is_selected);
    if (data->tagged == turn->id) {
        ui_pane_put(paint, rect.x, y, rect.x + rect.width, "✓",
                    is_selected ? UI_STYLE_SELECTED : UI_STYLE_MARK);
    }
    ui_pane_put(paint, x, y, end, label_of(turn), is_selected ? UI_STYLE_SELECTED : style_of(turn));
    x += LABEL_WIDTH;
    struct cf_buf text = CF_BUF_INIT;
    if (turn->n_siblings > 1) {
        cf_buf_addf(&text, "%d/%d ", turn->sibling + 1, turn->n_siblings);
    }
    if (state_of(turn)[0] != '\0') {
        cf_buf_addf(&text, "(%s) ", state_of(turn));
    }
    if (text.size > 0) {
        x = ui_pane_put(paint, x, y, end, text.data,
                        is_selected ? UI_STYLE_SELECTED : UI_STYLE_MARK);
        cf_buf_clear(&text);
    }
    add_first_words(&text, turn);
    ui_pane_put(paint, x, y, end, text.size > 0 ? text.data : "",
                is_selected     ? UI_STYLE_SELECTED
                : row->is_shown ? UI_STYLE_TEXT
                                : UI_STYLE_FORGOTTEN);
    cf_buf_release(&text);
}

/* The message in hand with all its numbers, and as much of its text as there is room for. */
static void draw_detail(const struct ui_paint *paint, struct ui_rect rect,
                        const struct cf_chat_turn *turn, const struct ui_tree_data *data)
{
    struct cf_buf text = CF_BUF_INIT;
    int end = rect.x + rect.width;
    ui_grid_hline(paint->grid, rect.x, rect.y, rect.width, ui_paint_style(paint, UI_STYLE_RULE));
    if (turn->role == CF_ROLE_ASSISTANT) {
        const struct cf_sampling usual = CF_SAMPLING_INIT;
        cf_buf_add_str(&text, turn->model_name != NULL ? turn->model_name : data->model);
        if (turn->n_marks > 0) {
            cf_buf_add_str(&text, " · ");
            ui_block_describe_settings(&turn->marks[0].sampling, &usual, &text);
        }
        if (turn->n_tokens > 0) {
            cf_buf_addf(&text, " · %zu tokens", turn->n_tokens);
        }
        if (turn->tokens_per_second > 0) {
            cf_buf_addf(&text, ", %.*f tok/s", turn->tokens_per_second < 9.95 ? 1 : 0,
                        turn->tokens_per_second);
        }
    } else {
        cf_buf_add_str(&text, turn->role == CF_ROLE_USER ? "you" : "system");
    }
    cf_buf_addf(&text, " · %d of %d", turn->sibling + 1, turn->n_siblings);
    ui_pane_put(paint, rect.x + 1, rect.y + 1, end, text.data, UI_STYLE_FAINT);
    cf_buf_clear(&text);
    size_t size = turn->size < 2000 ? turn->size : 2000;
    cf_text_make_safe(&text, turn->text, size);
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, rect.width - 2);
    ui_wrap_extend_some(&wrap, text.size > 0 ? text.data : "", text.size, DETAIL_HEIGHT);
    for (size_t i = 0; i < wrap.n_rows && (int)i < rect.height - 2; i++) {
        ui_grid_put(paint->grid, rect.x + 1, rect.y + 2 + (int)i, end,
                    text.data + wrap.rows[i].begin, wrap.rows[i].end - wrap.rows[i].begin,
                    ui_paint_style(paint, UI_STYLE_TEXT));
    }
    ui_wrap_release(&wrap);
    cf_buf_release(&text);
}

void ui_tree_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_tree_data *data, int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    struct ui_pane_places places = ui_pane_divide(rect, DETAIL_FROM, DETAIL_HEIGHT);
    if (places.heading.height > 0) {
        struct cf_buf text = CF_BUF_INIT;
        cf_buf_addf(&text, "Branches, %zu message%s", data->n, data->n == 1 ? "" : "s");
        ui_pane_put(paint, rect.x + 1, rect.y, rect.x + rect.width, text.data, UI_STYLE_HEADING);
        cf_buf_release(&text);
    }
    if (data->n == 0) {
        if (places.rows.height > 0) {
            ui_pane_put(paint, rect.x + 1, places.rows.y, rect.x + rect.width,
                        "nothing was said yet", UI_STYLE_FAINT);
        }
        return;
    }
    *top = ui_pane_scroll(*top, (int)data->selected, (int)data->n, places.rows.height);
    struct cf_chat_graph_row row;
    for (int i = 0; i < places.rows.height && *top + i < (int)data->n; i++) {
        data->at(data->context, (size_t)(*top + i), &row);
        draw_row(paint, places.rows, places.rows.y + i, &row, data, (size_t)(*top + i));
    }
    if (places.detail.height > 0) {
        data->at(data->context, data->selected, &row);
        draw_detail(paint, places.detail, row.turn, data);
    }
}

bool ui_tree_at(struct ui_rect rect, const struct ui_tree_data *data, int top, int y, size_t *row)
{
    struct ui_pane_places places = ui_pane_divide(rect, DETAIL_FROM, DETAIL_HEIGHT);
    int at = top + y - places.rows.y;
    if (y < places.rows.y || y >= places.rows.y + places.rows.height || at >= (int)data->n) {
        return false;
    }
    *row = (size_t)at;
    return true;
}
