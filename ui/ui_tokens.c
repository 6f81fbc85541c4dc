/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token cursor, a reply paused and steered, and shades.
 *
 * One focus serves both: while a reply is looked at the cursor walks over its tokens; while a reply
 * is paused it stands before the token to come.  Up and Down go through the candidates, Enter takes
 * the one in hand: as the beginning of another reply, or as the next token. */
#include <stdlib.h>
#include <string.h>

#include "ui_state.h"

/* Below this probability a token counts as one the model was not sure of. */
#define UNSURE_BELOW 0.15F
#define BLANK "\xc2\xa0" /* no-break space */

/* What the cursor stands on; NULL: on a paused reply, or nowhere. */
const struct cf_chat_look *ui_look(const struct ui *ui)
{
    return ui->is_looking ? cf_chat_looked(ui->chat) : NULL;
}

/* The candidates that are shown: of the token under the cursor, else of the one that came last. */
const struct cf_choice *ui_choice(const struct ui *ui)
{
    return ui_look(ui) != NULL ? cf_chat_look_choice(ui->chat, ui->token)
                               : cf_chat_choice(ui->chat);
}

static bool find_turn(const struct ui *ui, int64_t message, size_t *turn)
{
    for (size_t i = 0; i < cf_chat_n_turns(ui->chat); i++) {
        if (cf_chat_turn(ui->chat, i)->id == message) {
            *turn = i;
            return true;
        }
    }
    return false;
}

void ui_look_in_view(struct ui *ui)
{
    const struct cf_chat_look *look = ui_look(ui);
    size_t turn;
    if (look != NULL && ui->token < look->n && find_turn(ui, look->message, &turn)) {
        struct ui_transcript_data data = ui_transcript_data(ui);
        ui_transcript_show_byte(&ui->screen.transcript, &data, turn, look->tokens[ui->token].begin);
    }
}

static void show_token(struct ui *ui)
{
    ui_look_in_view(ui);
    ui->candidate = -1;
    ui->is_dirty = true;
}

/* Begins to walk over the tokens of reply TURN. */
static void look_at(struct ui *ui, size_t turn)
{
    struct cf_err err = CF_ERR_INIT;
    if (!ui_check(ui, cf_chat_look_at(ui->chat, turn, &err), &err)) {
        return;
    }
    ui->token = 0;
    ui->is_looking = true;
    ui->has_knobs = true;
    if (ui->focus != UI_FOCUS_CURSOR) {
        ui->cursor_from = ui->focus;
    }
    ui_set_focus(ui, UI_FOCUS_CURSOR);
    show_token(ui);
    const struct cf_chat_look *look = ui_look(ui);
    if (look != NULL && look->state == CF_LOOK_FAILED) {
        ui_say(ui, true, look->error);
    }
}

void ui_look_end(struct ui *ui)
{
    if (ui->is_looking) {
        ui->is_looking = false;
        cf_chat_look_end(ui->chat);
    }
    ui->candidate = -1;
    if (ui->focus == UI_FOCUS_CURSOR) {
        ui_set_focus(ui, ui->cursor_from);
    }
}

/* What the chat has ended by itself: the conversation was changed or left, the reply goes on. */
void ui_look_check(struct ui *ui)
{
    if (ui->is_looking && cf_chat_looked(ui->chat) == NULL) {
        ui->is_looking = false;
        ui->candidate = -1;
    }
    /* It begins once the reply before has ended. */
    bool is_compared = cf_chat_compared(ui->chat, 0) != NULL || ui_is_running(ui);
    if (ui->focus == UI_FOCUS_COMPARE && !is_compared) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    }
    if (ui->focus == UI_FOCUS_CURSOR && !ui->is_looking && !ui_is_running(ui)) {
        ui_set_focus(ui, ui->cursor_from);
    }
}

void ui_act_tokens(struct ui *ui, enum ui_action action)
{
    (void)action;
    size_t turn;
    if (ui->focus == UI_FOCUS_CURSOR) {
        ui_look_end(ui);
    } else if (ui_turn_in_hand(ui, &turn)) {
        if (cf_chat_turn(ui->chat, turn)->role != CF_ROLE_ASSISTANT &&
            turn + 1 < cf_chat_n_turns(ui->chat)) {
            turn++; /* the reply to it */
        }
        look_at(ui, turn);
    }
}

/* --- moving ----------------------------------------------------------------------------------- */

void ui_act_token(struct ui *ui, enum ui_action action)
{
    const struct cf_chat_look *look = ui_look(ui);
    if (look == NULL || look->n == 0) {
        return;
    }
    if (action == UI_TOKEN_LEFT && ui->token > 0) {
        ui->token--;
    } else if (action == UI_TOKEN_RIGHT && ui->token + 1 < look->n) {
        ui->token++;
    }
    show_token(ui);
}

void ui_token_to(struct ui *ui, bool is_end)
{
    const struct cf_chat_look *look = ui_look(ui);
    if (look != NULL && look->n > 0) {
        ui->token = is_end ? look->n - 1 : 0;
        show_token(ui);
    }
}

/* To the next token to the right or left that the model was not sure of. */
void ui_act_unsure(struct ui *ui, enum ui_action action)
{
    ui->is_bracket_open = true; /* a `u' behind the bracket is part of the key */
    if (ui->focus == UI_FOCUS_TRANSCRIPT) {
        ui_act_tokens(ui, UI_TOKENS);
    }
    const struct cf_chat_look *look = ui_look(ui);
    if (look == NULL) {
        return;
    }
    size_t at = ui->token;
    while (action == UI_UNSURE_NEXT ? at + 1 < look->n : at > 0) {
        at = action == UI_UNSURE_NEXT ? at + 1 : at - 1;
        if (look->tokens[at].p_raw < UNSURE_BELOW) {
            ui->token = at;
            show_token(ui);
            return;
        }
    }
    ui_say(ui, false,
           action == UI_UNSURE_NEXT ? "No unsure token further on" : "No unsure token before");
}

/* The likeliest that was not said. */
static int first_other(const struct cf_choice *choice)
{
    for (int i = 0; i < choice->n_candidates; i++) {
        if (choice->candidates[i].id != choice->id) {
            return i;
        }
    }
    return -1;
}

void ui_move_candidate(struct ui *ui, int rows)
{
    const struct cf_choice *choice = ui_choice(ui);
    if (choice == NULL) {
        return;
    }
    int last = choice->n_candidates - 1;
    int at = ui->candidate + rows;
    if (ui->candidate < 0) {
        /* The first step goes to another token than the one that was taken. */
        int other = ui_look(ui) != NULL ? first_other(choice) : 0;
        at = (other < 0 ? 0 : other) + (rows > 1 ? rows - 1 : 0);
    }
    ui->candidate = at < -1 ? -1 : at > last ? last : at;
    ui->is_dirty = true;
}

/* In force, or, of one that was cut, raw; with blanks at which no row is broken. */
static void describe_candidate(const struct ui *ui, const struct cf_candidate *candidate,
                               bool is_in_hand, struct cf_buf *text)
{
    size_t size = 0;
    const char *piece = cf_chat_piece(ui->chat, candidate->id, &size);
    double share = 100 * (double)(candidate->p > 0 ? candidate->p : candidate->p_raw);
    struct cf_buf safe = CF_BUF_INIT;
    ui_knobs_describe_piece(piece, size, &safe);
    cf_buf_add_str(text, is_in_hand ? "[" : "");
    for (size_t i = 0; i < safe.size; i++) {
        if (safe.data[i] == ' ') {
            cf_buf_add_str(text, BLANK);
        } else {
            cf_buf_add_char(text, safe.data[i]);
        }
    }
    cf_buf_addf(text, BLANK "%.*f" BLANK "%%%s  ", share < 0.95 ? 1 : 0, share,
                is_in_hand ? "]" : "");
    cf_buf_release(&safe);
}

/* Where the candidates' pane has no room: the token and its candidates in two rows, the one in hand
 * in brackets, and then those that were cut. */
void ui_describe_token(const struct ui *ui, struct cf_buf *text)
{
    enum { CANDIDATES = 8 };
    const struct cf_chat_look *look = ui_look(ui);
    const struct cf_choice *choice = ui_choice(ui);
    if (look != NULL) {
        cf_buf_addf(text, "token %zu of %zu", ui->token + 1, look->n);
    } else {
        cf_buf_add_str(text, "next token");
    }
    if (choice == NULL) {
        if (look != NULL && ui->token < look->n) {
            const struct cf_chat_look_token *token = &look->tokens[ui->token];
            cf_buf_addf(text, " · #%d · %.1f %% raw", (int)token->rank + 1,
                        (double)token->p_raw * 100);
        }
        return;
    }
    cf_buf_addf(text, " · #%d · %d inside · H %.1f bit\n", (int)choice->rank + 1,
                (int)choice->n_inside, (double)choice->entropy);
    int first = ui->candidate > CANDIDATES / 2 ? ui->candidate - CANDIDATES / 2 : 0;
    bool is_cut_shown = first > 0 && !(choice->candidates[first - 1].p > 0);
    for (int i = first; i < choice->n_candidates && i < first + CANDIDATES; i++) {
        const struct cf_candidate *candidate = &choice->candidates[i];
        bool is_cut = !(candidate->p > 0);
        if (is_cut && !is_cut_shown) {
            cf_buf_add_str(text, "┄" BLANK "cut:" BLANK);
            is_cut_shown = true;
        }
        describe_candidate(ui, candidate, i == ui->candidate, text);
    }
}

/* --- taking ----------------------------------------------------------------------------------- */

static void branch(struct ui *ui, int32_t id)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_chat_look *look = ui_look(ui);
    size_t turn;
    if (!find_turn(ui, look->message, &turn)) {
        ui_say(ui, true, "The reply is no longer there");
        return;
    }
    int32_t token = (int32_t)ui->token;
    if (ui_check(ui, cf_chat_branch(ui->chat, turn, token, id, &err), &err)) {
        ui->was_branched = true;
        ui_look_end(ui);
        ui_transcript_to_end(&ui->screen.transcript);
    }
}

void ui_act_take(struct ui *ui, enum ui_action action)
{
    (void)action;
    const struct cf_choice *choice = ui_choice(ui);
    struct cf_err err = CF_ERR_INIT;
    if (choice == NULL) {
        const struct cf_chat_look *look = ui_look(ui);
        ui_say(ui, look != NULL && look->state == CF_LOOK_FAILED,
               look != NULL && look->state == CF_LOOK_FAILED ? look->error
               : ui_is_running(ui) ? "The candidates come when the reply being written has ended"
                                   : "The candidates are being computed");
        return;
    }
    if (ui->candidate < 0 && ui_look(ui) != NULL) {
        ui->candidate = first_other(choice);
        ui->is_dirty = true;
        return;
    }
    int32_t id = ui->candidate >= 0 ? choice->candidates[ui->candidate].id : -1;
    if (ui_look(ui) != NULL && id == choice->id) {
        ui_say(ui, false, "This is the token that was taken; choose another with Up and Down");
        return;
    }
    ui->candidate = -1;
    if (ui_look(ui) != NULL) {
        branch(ui, id);
    } else {
        ui_check(ui, cf_chat_step(ui->chat, id, &err), &err);
    }
}

/* --- pausing ---------------------------------------------------------------------------------- */

void ui_act_pause(struct ui *ui, enum ui_action action)
{
    struct cf_err err = CF_ERR_INIT;
    if (action == UI_STEP) {
        ui->candidate = -1;
        ui_check(ui, cf_chat_step(ui->chat, -1, &err), &err);
    } else if (cf_chat_status(ui->chat)->is_held) {
        ui->candidate = -1;
        if (ui_check(ui, cf_chat_resume(ui->chat, &err), &err) && ui->focus == UI_FOCUS_CURSOR) {
            ui_set_focus(ui, ui->cursor_from);
        }
    } else if (ui_check(ui, cf_chat_pause(ui->chat, &err), &err)) {
        if (ui->focus == UI_FOCUS_COMPARE) {
            return; /* both stay in view */
        }
        ui_look_end(ui);
        ui->cursor_from = ui->focus;
        ui->has_knobs = true;
        ui->candidate = -1;
        /* What is being typed goes on being typed. */
        if (ui->focus != UI_FOCUS_INPUT || ui_line_is_empty(ui->line)) {
            ui_set_focus(ui, UI_FOCUS_CURSOR);
        }
    }
}

/* --- shades, loops ---------------------------------------------------------------------------- */

void ui_shade(struct ui *ui, bool is_on)
{
    ui->is_shaded = is_on;
    cf_chat_shade(ui->chat, is_on);
    ui->is_dirty = true;
}

void ui_act_shade(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui_shade(ui, !ui->is_shaded);
    ui_say(ui, false,
           ui->is_shaded ? "Each token is shaded by how little the model expected it"
                         : "No shades");
}

/* Another reply with a repeat penalty: for one that went round in circles. */
void ui_act_retry(struct ui *ui, enum ui_action action)
{
    (void)action;
    enum { PENALTY_PERCENT = 115 };
    struct cf_err err = CF_ERR_INIT;
    size_t turn = cf_chat_n_turns(ui->chat);
    if (ui->is_key_held || turn == 0) {
        return;
    }
    double penalty = cf_chat_settings(ui->chat)->sampling.repeat_penalty;
    bool is_high = penalty >= PENALTY_PERCENT / 100.0;
    if (!is_high && !ui_check(ui, cf_chat_set(ui->chat, "repeat-penalty", "1.15", &err), &err)) {
        return;
    }
    if (!ui_check(ui, cf_chat_regenerate(ui->chat, turn - 1, &err), &err)) {
        return;
    }
    if (is_high) {
        ui_sayf(ui, false, "Again, with the repeat penalty of %.2f as it is", penalty);
    } else {
        ui_say(ui, false,
               "repeat-penalty 1.15 from here on; /set repeat-penalty default takes it back");
    }
}
