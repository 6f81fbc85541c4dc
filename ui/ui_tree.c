/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of branches: what is shown of it, and what keys do there; two branches compared. */
#include "ui_state.h"

/* --- data ------------------------------------------------------------------------------------- */

static void row_at(void *context, size_t i, struct cf_chat_graph_row *row)
{
    struct ui *ui = context;
    cf_chat_graph_at(ui->chat, i, row);
}

/* The graph as it stands, and the row in hand: where its message is gone, what took its place. */
static size_t draw_graph(struct ui *ui)
{
    size_t n = cf_chat_graph_rows(ui->chat);
    if (!cf_chat_graph_find(ui->chat, ui->tree_selected, &ui->tree_row)) {
        ui->tree_row = ui->tree_row < n ? ui->tree_row : n > 0 ? n - 1 : 0;
        ui->tree_selected = n > 0 ? cf_chat_graph_id(ui->chat, ui->tree_row) : 0;
    }
    size_t row;
    if (ui->tree_tagged != 0 && !cf_chat_graph_find(ui->chat, ui->tree_tagged, &row)) {
        ui->tree_tagged = 0;
    }
    return n;
}

struct ui_tree_data ui_tree_data(struct ui *ui)
{
    struct ui_tree_data data = {.at = row_at,
                                .context = ui,
                                .model = cf_chat_status(ui->chat)->model_name,
                                .tagged = ui->tree_tagged};
    if (ui->focus == UI_FOCUS_TREE) {
        data.n = draw_graph(ui);
        data.selected = ui->tree_row;
    }
    return data;
}

/* --- moving ----------------------------------------------------------------------------------- */

static void take_row(struct ui *ui, size_t row)
{
    ui->tree_row = row;
    ui->tree_selected = cf_chat_graph_id(ui->chat, row);
    ui->is_dirty = true;
}

void ui_move_in_tree(struct ui *ui, int rows)
{
    int n = (int)draw_graph(ui);
    int at = (int)ui->tree_row + rows;
    if (n > 0) {
        take_row(ui, (size_t)(at < 0 ? 0 : at >= n ? n - 1 : at));
    }
}

void ui_act_tree_walk(struct ui *ui, enum ui_action action)
{
    size_t row;
    int step = action == UI_TREE_NEXT ? 1 : -1;
    if (draw_graph(ui) == 0) {
        return;
    }
    if (cf_chat_graph_sibling(ui->chat, ui->tree_row, step, &row)) {
        take_row(ui, row);
    } else {
        ui_say(ui, false,
               step > 0 ? "This is the last alternative" : "This is the first alternative");
    }
}

/* To the next alternative of whatever message, also thousands of rows away. */
void ui_act_tree_fork(struct ui *ui, enum ui_action action)
{
    size_t n = draw_graph(ui);
    size_t step = action == UI_FORK_NEXT ? 1 : (size_t)-1;
    size_t other;
    for (size_t i = ui->tree_row + step; i < n; i += step) {
        if (cf_chat_graph_sibling(ui->chat, i, 1, &other) ||
            cf_chat_graph_sibling(ui->chat, i, -1, &other)) {
            take_row(ui, i);
            return;
        }
    }
    ui_say(ui, false, "No branches part beyond this one");
}

/* --- opening ---------------------------------------------------------------------------------- */

void ui_open_tree(struct ui *ui, const char *argument)
{
    (void)argument;
    size_t turn;
    struct ui_transcript_data data = ui_transcript_data(ui);
    if (cf_chat_n_turns(ui->chat) == 0) {
        ui_say(ui, false, "Nothing was said yet that could branch");
        return;
    }
    bool has_one = ui->focus == UI_FOCUS_TRANSCRIPT &&
                   ui_transcript_selected(&ui->screen.transcript, &data, &turn) &&
                   turn < cf_chat_n_turns(ui->chat);
    turn = has_one ? turn : cf_chat_n_turns(ui->chat) - 1;
    ui->tree_selected = cf_chat_turn(ui->chat, turn)->id;
    ui->tree_tagged = 0;
    ui_set_focus(ui, UI_FOCUS_TREE);
}

void ui_act_tree(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui_open_tree(ui, "");
}

/* To the message in hand: its branch becomes the one that is on. */
static void go_there(struct ui *ui)
{
    ui->wanted_message = ui->tree_selected;
    cf_chat_show_branch(ui->chat, ui->tree_selected);
    ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
}

static void compare(struct ui *ui)
{
    struct cf_err err = CF_ERR_INIT;
    size_t n = cf_chat_n_turns(ui->chat);
    int64_t other = ui->tree_tagged;
    if (other == 0) {
        other = cf_chat_turn(ui->chat, n - 1)->id; /* the branch that is on */
    }
    if (ui_check(ui, cf_chat_diff(ui->chat, other, ui->tree_selected, &err), &err)) {
        ui->screen.diff_top = 0;
        ui_set_focus(ui, UI_FOCUS_DIFF);
    }
}

void ui_act_branch(struct ui *ui, enum ui_action action)
{
    struct cf_err err = CF_ERR_INIT;
    if (draw_graph(ui) == 0) {
        ui_say(ui, false, "Nothing was said yet that could branch");
    } else if (action == UI_GO) {
        go_there(ui);
    } else if (action == UI_DIFF) {
        compare(ui);
    } else if (action == UI_TAG) {
        ui->tree_tagged = ui->tree_tagged == ui->tree_selected ? 0 : ui->tree_selected;
    } else if (!ui->is_key_held) {
        assert(action == UI_PRUNE);
        if (ui_check(ui, cf_chat_prune(ui->chat, ui->tree_selected, &err), &err)) {
            ui_say_deleted(ui, "Pruned", NULL);
        }
    }
}

void ui_act_diff_walk(struct ui *ui, enum ui_action action)
{
    const struct ui_diff_data data = {.diff = cf_chat_diffed(ui->chat)};
    ui->screen.diff_top = ui_diff_next(&data, ui->layout.whole.width, ui->screen.diff_top,
                                       action == UI_DIFF_NEXT ? 1 : -1);
}

void ui_tree_click(struct ui *ui, int y)
{
    const struct ui_tree_data data = ui_tree_data(ui);
    size_t row;
    if (!ui_tree_at(ui->layout.whole, &data, ui->screen.tree_top, y, &row)) {
        return;
    }
    if (row == ui->tree_row) {
        go_there(ui);
    } else {
        take_row(ui, row);
    }
}
