/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The focus, what the input line is for, and moving in panes. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "ui_state.h"

/* --- focus, and what the line is for ---------------------------------------------------------- */

/* Takes a message in hand that is in view, if the one in hand is not. */
static void select_in_view(struct ui *ui)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    ui_transcript_select_in_view(&ui->screen.transcript, &data);
}

void ui_set_focus(struct ui *ui, enum ui_focus focus)
{
    if (ui->focus == focus) {
        return;
    }
    if (focus == UI_FOCUS_HELP || focus == UI_FOCUS_SEARCH) {
        ui->focus_before = ui->focus == UI_FOCUS_HELP     ? ui->focus_before
                           : ui->focus == UI_FOCUS_SELECT ? UI_FOCUS_TRANSCRIPT
                                                          : ui->focus;
    }
    if (focus == UI_FOCUS_LIST) {
        ui->list_selected = cf_chat_status(ui->chat)->conversation;
    }
    ui->focus = focus;
    ui->shows_prompt = false;
    if (focus == UI_FOCUS_INPUT || focus == UI_FOCUS_TRANSCRIPT) {
        ui->home = focus;
    }
    if (focus == UI_FOCUS_TRANSCRIPT) {
        select_in_view(ui);
    }
    ui->is_dirty = true;
}

static void show_prompt(struct ui *ui)
{
    struct cf_buf prompt = CF_BUF_INIT;
    const char *word = ui_asking_word(ui);
    cf_buf_addf(&prompt, "%s%s› ", word != NULL ? word : "", word != NULL ? " " : "");
    ui_line_set_prompt(ui->line, prompt.data);
    cf_buf_release(&prompt);
}

void ui_ask(struct ui *ui, enum ui_asking asking, int64_t id, const char *text)
{
    if (ui->asking == UI_ASK_MESSAGE) {
        struct ui_line_view view;
        ui_line_view(ui->line, &view);
        free(ui->kept_draft);
        /* What is still to go back into the line, after the question before, is the draft. */
        ui->kept_draft = ui->put_back != NULL ? ui->put_back : cf_memdup_str(view.text, view.size);
        ui->put_back = NULL;
    }
    if (ui->asking == UI_ASK_MESSAGE) {
        ui->asked_from = ui->focus == UI_FOCUS_HELP || ui->focus == UI_FOCUS_SEARCH
                             ? ui->focus_before
                         : ui->focus == UI_FOCUS_SELECT ? UI_FOCUS_TRANSCRIPT
                                                        : ui->focus;
    }
    ui_hush(ui);
    ui->asking = asking;
    ui->asked_id = id;
    show_prompt(ui);
    ui_set_line(ui, text);
    ui_set_focus(ui, UI_FOCUS_INPUT);
    ui->is_dirty = true;
}

void ui_ask_end(struct ui *ui)
{
    if (ui->asking == UI_ASK_MESSAGE) {
        return;
    }
    ui_set_focus(ui, ui->asked_from);
    if (ui->focus == UI_FOCUS_LIST && ui->asking == UI_ASK_TITLE) {
        ui->list_selected = ui->asked_id;
    }
    ui->asking = UI_ASK_MESSAGE;
    show_prompt(ui);
    /* Not now: the line may be in the middle of a submission. */
    ui_put_back(ui, ui->kept_draft != NULL ? ui->kept_draft : cf_strdup(""));
    ui->kept_draft = NULL;
    ui->is_dirty = true;
}

void ui_drop_question(struct ui *ui)
{
    enum ui_focus focus = ui->focus;
    if (ui->asking != UI_ASK_MESSAGE) {
        ui_ask_end(ui);
        ui_set_focus(ui, focus);
    }
}

void ui_toggle_list(struct ui *ui)
{
    if (ui->focus == UI_FOCUS_LIST) {
        ui->has_list = false;
        ui_set_focus(ui, ui->home);
    } else {
        ui_open_list(ui);
    }
}

void ui_toggle_knobs(struct ui *ui)
{
    bool was_open = ui->focus == UI_FOCUS_KNOBS;
    ui->has_knobs = !was_open;
    ui_set_focus(ui, was_open ? ui->home : UI_FOCUS_KNOBS);
}

void ui_toggle_help(struct ui *ui)
{
    ui->screen.help_top = 0;
    ui_set_focus(ui, ui->focus == UI_FOCUS_HELP ? ui->focus_before : UI_FOCUS_HELP);
}

void ui_go_back(struct ui *ui)
{
    if (ui->focus == UI_FOCUS_HELP || ui->focus == UI_FOCUS_SEARCH) {
        ui_set_focus(ui, ui->focus_before);
    } else if (ui->focus == UI_FOCUS_SELECT) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    } else if (ui->focus == UI_FOCUS_DIFF) {
        ui_set_focus(ui, UI_FOCUS_TREE);
    } else if (ui->focus == UI_FOCUS_TREE) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    } else {
        ui_set_focus(ui, ui->focus == UI_FOCUS_TRANSCRIPT ? UI_FOCUS_INPUT : ui->home);
    }
}

void ui_leave(struct ui *ui)
{
    ui_look_end(ui);
    if (ui->focus == UI_FOCUS_HELP) {
        ui_set_focus(ui, ui->focus_before);
    } else if (ui->focus == UI_FOCUS_DIFF || ui->focus == UI_FOCUS_TREE) {
        ui_go_back(ui);
    } else {
        ui_set_focus(ui, UI_FOCUS_INPUT);
    }
}

void ui_go_round(struct ui *ui, int step)
{
    enum ui_focus ring[4] = {UI_FOCUS_INPUT, UI_FOCUS_TRANSCRIPT};
    int n = 2;
    if (ui->has_list) {
        ring[n++] = UI_FOCUS_LIST;
    }
    if (ui->has_knobs) {
        ring[n++] = UI_FOCUS_KNOBS;
    }
    int at = 0;
    for (int i = 0; i < n; i++) {
        at = ring[i] == ui->focus ? i : at;
    }
    ui_set_focus(ui, ring[(at + step + n) % n]);
}

/* --- moving ----------------------------------------------------------------------------------- */

static void move_index(size_t *index, size_t n, int rows)
{
    if (n > 0) {
        int at = (int)*index + rows;
        *index = at < 0 ? 0 : at >= (int)n ? n - 1 : (size_t)at;
    }
}

/* Moves what is in hand, or the view, by rows; up is negative. */
void ui_move_rows(struct ui *ui, int rows)
{
    size_t n;
    struct ui_transcript_data data;
    switch (ui_place(ui) & UI_IN_SEARCHING ? UI_FOCUS_SEARCH : ui->focus) {
    case UI_FOCUS_LIST:
        ui_move_in_list(ui, rows);
        break;
    case UI_FOCUS_COMPARE:
        ui_compare_scroll(&ui->screen.compare, rows);
        break;
    case UI_FOCUS_TREE:
        ui_move_in_tree(ui, rows);
        break;
    case UI_FOCUS_DIFF:
        ui->screen.diff_top += rows;
        break;
    case UI_FOCUS_SELECT:
        ui_select_scroll(ui, rows);
        break;
    case UI_FOCUS_CURSOR:
        ui_move_candidate(ui, rows);
        break;
    case UI_FOCUS_KNOBS:
        move_index(&ui->knob_selected, ui_knobs_n(), rows);
        break;
    case UI_FOCUS_SEARCH:
        cf_chat_found(ui->chat, &n);
        move_index(&ui->hit_selected, n, rows);
        break;
    case UI_FOCUS_HELP:
        ui->screen.help_top += rows;
        break;
    case UI_FOCUS_INPUT:
    case UI_FOCUS_TRANSCRIPT:
        data = ui_transcript_data(ui);
        ui_transcript_scroll(&ui->screen.transcript, &data, rows);
        if (ui->focus == UI_FOCUS_TRANSCRIPT) {
            select_in_view(ui);
        }
        break;
    }
    ui->is_dirty = true;
}

int ui_page_rows(const struct ui *ui)
{
    int rows = ui->screen.transcript.height > 2 ? ui->screen.transcript.height - 1 : 1;
    if (ui->focus == UI_FOCUS_COMPARE) {
        return ui->screen.compare.height > 2 ? ui->screen.compare.height - 1 : 1;
    }
    bool is_whole = ui->focus == UI_FOCUS_HELP || ui->focus == UI_FOCUS_SEARCH ||
                    ui->focus == UI_FOCUS_TREE || ui->focus == UI_FOCUS_DIFF;
    return is_whole && ui->grid.height > 7 ? ui->grid.height - 6 : rows;
}

void ui_move_to(struct ui *ui, bool is_end)
{
    if (ui->focus == UI_FOCUS_CURSOR) {
        ui_token_to(ui, is_end);
        return;
    }
    if (ui->focus == UI_FOCUS_SELECT) {
        ui_act_select_move(ui, is_end ? UI_END : UI_TOP);
        return;
    }
    if (ui->focus == UI_FOCUS_LIST) {
        ui_list_to(ui, is_end);
        ui->is_dirty = true;
        return;
    }
    if (ui->focus != UI_FOCUS_INPUT && ui->focus != UI_FOCUS_TRANSCRIPT) {
        ui_move_rows(ui, is_end ? 100000 : -100000);
        return;
    }
    struct ui_transcript_data data = ui_transcript_data(ui);
    if (is_end) {
        ui_transcript_to_end(&ui->screen.transcript);
    } else {
        ui_transcript_to_top(&ui->screen.transcript, &data);
    }
    if (ui->focus == UI_FOCUS_TRANSCRIPT && data.n_turns > 0) {
        ui_transcript_select(&ui->screen.transcript, &data, is_end ? data.n_turns - 1 : 0);
    }
    ui->is_dirty = true;
}

/* The previous or next message, or row. */
void ui_move_message(struct ui *ui, int step)
{
    if (ui->focus != UI_FOCUS_TRANSCRIPT) {
        ui_move_rows(ui, step);
        return;
    }
    struct ui_transcript_data data = ui_transcript_data(ui);
    size_t index;
    if (!ui_transcript_selected(&ui->screen.transcript, &data, &index)) {
        select_in_view(ui);
        return;
    }
    if (step > 0 && index + 1 == data.n_turns) {
        ui_transcript_to_end(&ui->screen.transcript);
    } else if (step < 0 && index == 0) {
        ui_transcript_to_top(&ui->screen.transcript, &data);
    } else {
        ui_transcript_select(&ui->screen.transcript, &data, step > 0 ? index + 1 : index - 1);
    }
    ui->is_dirty = true;
}
