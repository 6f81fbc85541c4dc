/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do. */
#include <stdlib.h>
#include <string.h>

#include "clipboard.h"
#include "mem.h"
#include "ui_state.h"

enum {
    QUIT_MS = 2000, /* within which a second Ctrl-C quits */
    HELD_MS = 700,  /* the same key again within this time counts as held */
    WHEEL_ROWS = 3,
    FAR_STEPS = 10,
};

/* --- turns ------------------------------------------------------------------------------------ */

bool ui_turn_in_hand(struct ui *ui, size_t *index)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    if (!ui_transcript_selected(&ui->screen.transcript, &data, index)) {
        ui_say(ui, false, "There is no message in hand; k and j choose one");
        return false;
    }
    if (*index >= cf_chat_n_turns(ui->chat)) {
        ui_say(ui, false, "This message waits for the reply to end");
        return false;
    }
    return true;
}

void ui_copy(struct ui *ui, const char *text, size_t size)
{
    struct ui_clipboard clipboard = {.bytes = CF_BUF_INIT, .path = CF_BUF_INIT};
    struct cf_err err = CF_ERR_INIT;
    if (ui_check(ui, ui_clipboard_copy(&clipboard, text, size, &err), &err)) {
        if (clipboard.way == UI_CLIPBOARD_OSC52) {
            ui_term_write(ui->term, clipboard.bytes.data, clipboard.bytes.size);
        }
        if (clipboard.way == UI_CLIPBOARD_FILE) {
            ui_sayf(ui, false, "Too long for the clipboard: written to %s", clipboard.path.data);
        } else {
            ui_say(ui, false, "Copied");
        }
    }
    ui_clipboard_release(&clipboard);
}

void ui_edit_turn(struct ui *ui, size_t turn)
{
    /* Of a reply: the message it answers. */
    while (turn > 0 && cf_chat_turn(ui->chat, turn)->role != CF_ROLE_USER) {
        turn--;
    }
    const struct cf_chat_turn *edited = cf_chat_turn(ui->chat, turn);
    if (edited->role != CF_ROLE_USER) {
        ui_say(ui, false, "Only your own messages can be edited");
        return;
    }
    char *text = cf_memdup_str(edited->text, edited->size);
    ui->asked_turn = turn;
    ui_ask(ui, UI_ASK_EDIT, edited->id, text);
    free(text);
}

void ui_say_deleted(struct ui *ui, const char *what, const char *title)
{
    enum { TITLE_COLUMNS = 36 };
    ui->n_undoes = 0;
    struct cf_buf key = CF_BUF_INIT;
    struct cf_buf name = CF_BUF_INIT;
    if (title != NULL) {
        cf_buf_add_str(&name, " ‘");
        cf_text_ellipsize(&name, title, strlen(title), TITLE_COLUMNS);
        cf_buf_add_str(&name, "’");
    }
    ui_keys_describe(&ui->keys, UI_UNDO, ui_place(ui), 1, &key);
    ui_sayf(ui, false, "%s%s; %s brings it back", what, name.size > 0 ? name.data : "",
            key.size > 0 ? key.data : "/undo");
    cf_buf_release(&key);
    cf_buf_release(&name);
}

/* To another alternative; past the last reply a new one is made, but not by a key that is held. */
static void walk(struct ui *ui, size_t turn, int step)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_chat_turn *data = cf_chat_turn(ui->chat, turn);
    bool is_last = step > 0 && data->sibling + 1 == data->n_siblings;
    if (is_last && data->role == CF_ROLE_ASSISTANT && ui->is_key_held && !ui_is_running(ui)) {
        ui_say(ui, false, "This is the last alternative; pressed once more, the key makes another");
        return;
    }
    ui_check(ui, cf_chat_walk(ui->chat, turn, step, ui->is_key_held, &err), &err);
}

/* A key that is held starts no row of replies, each of them stopped by the next. */
static bool is_repeat(struct ui *ui)
{
    if (ui->is_key_held) {
        ui_say(ui, false,
               ui_is_running(ui)
                   ? "A reply is being written; pressed once more, the key makes another"
                   : "The reply has ended already; pressed once more, the key makes another");
    }
    return ui->is_key_held;
}

static void act_on_turn(struct ui *ui, enum ui_action action, size_t turn)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_chat_turn *data = cf_chat_turn(ui->chat, turn);
    enum cf_code code = CF_OK;
    if (action == UI_EDIT) {
        ui_edit_turn(ui, turn);
    } else if (action == UI_YANK) {
        ui_copy(ui, data->text, data->size);
    } else if (action == UI_REGENERATE) {
        code = is_repeat(ui) ? CF_OK : cf_chat_regenerate(ui->chat, turn, &err);
    } else if (action == UI_CONTINUE) {
        code = is_repeat(ui) ? CF_OK : cf_chat_continue(ui->chat, turn, &err);
    } else if (action == UI_FORK) {
        code = ui->is_key_held ? CF_OK : cf_chat_fork(ui->chat, turn, &err);
    } else if (action == UI_DELETE) {
        code = ui->is_key_held ? CF_OK : cf_chat_delete_turn(ui->chat, turn, &err);
    } else if (action == UI_PIN) {
        code = cf_chat_pin(ui->chat, turn, !data->is_pinned, &err);
    } else {
        assert(action == UI_PREVIOUS_ALTERNATIVE || action == UI_NEXT_ALTERNATIVE);
        walk(ui, turn, action == UI_NEXT_ALTERNATIVE ? 1 : -1);
    }
    if (ui_check(ui, code, &err) && action == UI_DELETE && !ui->is_key_held) {
        ui_say_deleted(ui, "Deleted", NULL);
    }
}

/* --- the knobs, the hits -----------------------------------------------------------------------
 */

static void act_on_knob(struct ui *ui, enum ui_action action)
{
    enum cf_setting setting = ui_knobs_at(ui->knob_selected);
    const char *name = cf_setting_info(setting)->name;
    struct cf_err err = CF_ERR_INIT;
    if (action == UI_KNOB_SET) {
        ui_ask(ui, UI_ASK_VALUE, setting, "");
    } else if (action == UI_KNOB_RESET) {
        ui_check(ui, cf_chat_unset(ui->chat, name, &err), &err);
    } else {
        int step = action == UI_KNOB_UP || action == UI_KNOB_UP_FAR ? 1 : -1;
        bool is_far = action == UI_KNOB_DOWN_FAR || action == UI_KNOB_UP_FAR;
        ui_check(ui, cf_chat_nudge(ui->chat, name, is_far ? FAR_STEPS * step : step, &err), &err);
    }
}

static void nudge(struct ui *ui, const char *name, int step)
{
    struct cf_err err = CF_ERR_INIT;
    ui_check(ui, cf_chat_nudge(ui->chat, name, step, &err), &err);
}

static void open_in_hand(struct ui *ui, enum ui_action action)
{
    (void)action;
    if (ui->focus == UI_FOCUS_LIST) {
        ui_act_list(ui, UI_OPEN);
        return;
    }
    size_t n;
    const struct cf_chat_hit *hits = cf_chat_found(ui->chat, &n);
    if (ui->hit_selected < n) {
        ui_open_hit(ui, &hits[ui->hit_selected]);
    }
}

/* --- stopping --------------------------------------------------------------------------------- */

static void stop_or_leave(struct ui *ui, enum ui_action action)
{
    (void)action;
    struct cf_err err = CF_ERR_INIT;
    if (ui->focus == UI_FOCUS_INPUT && ui->asking != UI_ASK_MESSAGE) {
        bool was_filter = ui->asking == UI_ASK_FILTER;
        ui_ask_end(ui); /* the question, and nothing behind it */
        if (was_filter) {
            (void)ui_drop_filter(ui);
        }
    } else if (ui->is_looking && ui->focus == UI_FOCUS_CURSOR) {
        if (ui->candidate >= 0) {
            ui->candidate = -1;
        } else {
            ui_look_end(ui);
        }
    } else if (ui->focus == UI_FOCUS_SELECT) {
        ui_go_back(ui);
    } else if (ui_is_running(ui)) {
        ui_check(ui, cf_chat_stop(ui->chat, &err), &err);
    } else if (ui->focus == UI_FOCUS_COMPARE) {
        ui_act_keep(ui, UI_KEEP_BOTH);
    } else if (ui->focus == UI_FOCUS_LIST && ui_drop_filter(ui)) {
        ui->is_dirty = true;
    } else if (ui->focus != UI_FOCUS_INPUT) {
        ui_go_back(ui);
    } else if (cf_chat_n_turns(ui->chat) > 0) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    }
}

static void interrupt(struct ui *ui, enum ui_action action)
{
    (void)action;
    struct cf_err err = CF_ERR_INIT;
    int64_t now_ms = cf_clock_ms();
    if (ui_line_is_pending(ui->line)) {
        ui_line_abort(ui->line);
        ui_heed_line(ui);
        return;
    }
    if (!ui_line_is_empty(ui->line)) {
        ui_line_clear(ui->line);
        ui_heed_line(ui);
        return;
    }
    if (ui->interrupted_ms != 0 && now_ms - ui->interrupted_ms < QUIT_MS) {
        ui->is_done = true;
        return;
    }
    ui->interrupted_ms = now_ms;
    if (ui_is_running(ui)) {
        ui_check(ui, cf_chat_stop(ui->chat, &err), &err);
    }
    ui_ask_end(ui);
    ui_say(ui, false, "Ctrl-C again quits");
}

void ui_new_conversation(struct ui *ui)
{
    cf_chat_new_conversation(ui->chat);
    ui_drop_question(ui);
    ui->has_begun_new = true;
    ui_show_draft(ui);
}

static void new_conversation(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui_new_conversation(ui);
    ui_set_focus(ui, UI_FOCUS_INPUT);
}

/* --- dispatch --------------------------------------------------------------------------------- */

static void act_temperature(struct ui *ui, enum ui_action action)
{
    nudge(ui, "temperature", action == UI_TEMPERATURE_UP ? 1 : -1);
}

static void act_top_p(struct ui *ui, enum ui_action action)
{
    nudge(ui, "top-p", action == UI_TOP_P_UP ? 1 : -1);
}

static void act_quit(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui->is_done = true;
}

static void act_pane(struct ui *ui, enum ui_action action)
{
    if (action == UI_HELP) {
        ui_toggle_help(ui);
    } else if (action == UI_KNOBS) {
        ui_toggle_knobs(ui);
    } else if (action == UI_LIST) {
        ui_toggle_list(ui);
    } else if (action == UI_LEAVE) {
        ui_leave(ui);
    } else {
        ui_go_round(ui, action == UI_NEXT_PANE ? 1 : -1);
    }
}

static void act_move(struct ui *ui, enum ui_action action)
{
    int page = ui_page_rows(ui);
    if (action == UI_PAGE_UP || action == UI_PAGE_DOWN) {
        ui_move_rows(ui, action == UI_PAGE_UP ? -page : page);
    } else if (action == UI_HALF_UP || action == UI_HALF_DOWN) {
        ui_move_rows(ui, action == UI_HALF_UP ? -(page / 2 + 1) : page / 2 + 1);
    } else if (action == UI_UP || action == UI_DOWN) {
        ui_move_rows(ui, action == UI_UP ? -1 : 1);
    } else if (action == UI_TOP || action == UI_END) {
        ui_move_to(ui, action == UI_END);
    } else if (action == UI_PREVIOUS || action == UI_NEXT) {
        ui_move_message(ui, action == UI_NEXT ? 1 : -1);
    } else {
        ui_move_hit(ui, action == UI_NEXT_HIT ? 1 : -1);
    }
}

static void act_screen(struct ui *ui, enum ui_action action)
{
    if (action == UI_SUSPEND) {
        ui_term_suspend(ui->term);
    } else {
        ui_term_forget(ui->term);
    }
}

static void act_raw(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui->is_raw = !ui->is_raw;
    ui_say(ui, false, ui->is_raw ? "Messages as they were written" : "Messages as Markdown");
}

static void act_search(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui_ask(ui, UI_ASK_SEARCH, 0, "");
}

/* On the message in hand, or, in the list, the conversation. */
static void act_in_hand(struct ui *ui, enum ui_action action)
{
    size_t turn;
    if (ui->focus == UI_FOCUS_LIST) {
        ui_act_list(ui, action);
    } else if (ui_turn_in_hand(ui, &turn)) {
        act_on_turn(ui, action, turn);
    }
}

static void act_tag(struct ui *ui, enum ui_action action)
{
    if (ui->focus == UI_FOCUS_TREE) {
        ui_act_branch(ui, action);
    } else {
        ui_act_list(ui, action);
    }
}

static void act_waiting(struct ui *ui, enum ui_action action)
{
    struct cf_err err = CF_ERR_INIT;
    if (action == UI_UNQUEUE) {
        ui_check(ui, cf_chat_unqueue(ui->chat, &err), &err);
    } else if (cf_chat_status(ui->chat)->is_queue_held) {
        ui_check(ui, cf_chat_send_queued(ui->chat, &err), &err);
    } else {
        ui_say(ui, false, "It is sent when the reply has ended; Esc stops that");
    }
}

static void (*const handlers[UI_N_ACTIONS])(struct ui *ui, enum ui_action action) = {
    [UI_STOP] = stop_or_leave,
    [UI_INTERRUPT] = interrupt,
    [UI_QUIT] = act_quit,
    [UI_TEMPERATURE_UP] = act_temperature,
    [UI_TEMPERATURE_DOWN] = act_temperature,
    [UI_TOP_P_UP] = act_top_p,
    [UI_TOP_P_DOWN] = act_top_p,
    [UI_HELP] = act_pane,
    [UI_KNOBS] = act_pane,
    [UI_LIST] = act_pane,
    [UI_NEW] = new_conversation,
    [UI_UNQUEUE] = act_waiting,
    [UI_SEND_WAITING] = act_waiting,
    [UI_NEXT_PANE] = act_pane,
    [UI_PREVIOUS_PANE] = act_pane,
    [UI_PAGE_UP] = act_move,
    [UI_PAGE_DOWN] = act_move,
    [UI_TOP] = act_move,
    [UI_END] = act_move,
    [UI_REDRAW] = act_screen,
    [UI_SUSPEND] = act_screen,
    [UI_SEARCH] = act_search,
    [UI_LEAVE] = act_pane,
    [UI_UP] = act_move,
    [UI_DOWN] = act_move,
    [UI_PREVIOUS] = act_move,
    [UI_NEXT] = act_move,
    [UI_HALF_UP] = act_move,
    [UI_HALF_DOWN] = act_move,
    [UI_NEXT_HIT] = act_move,
    [UI_PREVIOUS_HIT] = act_move,
    [UI_PREVIOUS_ALTERNATIVE] = act_in_hand,
    [UI_NEXT_ALTERNATIVE] = act_in_hand,
    [UI_EDIT] = act_in_hand,
    [UI_REGENERATE] = act_in_hand,
    [UI_CONTINUE] = act_in_hand,
    [UI_FORK] = act_in_hand,
    [UI_YANK] = act_in_hand,
    [UI_DELETE] = act_in_hand,
    [UI_UNDO] = ui_act_undo,
    [UI_PIN] = act_in_hand,
    [UI_OPEN] = open_in_hand,
    [UI_RENAME] = act_in_hand,
    [UI_FILTER] = ui_act_list,
    [UI_ARCHIVE] = ui_act_list,
    [UI_SHELF] = ui_act_list,
    [UI_TAG] = act_tag,
    [UI_TREE] = ui_act_tree,
    [UI_GO] = ui_act_branch,
    [UI_TREE_PREVIOUS] = ui_act_tree_walk,
    [UI_TREE_NEXT] = ui_act_tree_walk,
    [UI_FORK_NEXT] = ui_act_tree_fork,
    [UI_FORK_PREVIOUS] = ui_act_tree_fork,
    [UI_DIFF] = ui_act_branch,
    [UI_PRUNE] = ui_act_branch,
    [UI_DIFF_NEXT] = ui_act_diff_walk,
    [UI_DIFF_PREVIOUS] = ui_act_diff_walk,
    [UI_PAUSE] = ui_act_pause,
    [UI_STEP] = ui_act_pause,
    [UI_TOKENS] = ui_act_tokens,
    [UI_SHADE] = ui_act_shade,
    [UI_PREVIOUS_YOURS] = ui_act_jump,
    [UI_NEXT_YOURS] = ui_act_jump,
    [UI_MESSAGE_BEGIN] = ui_act_jump,
    [UI_MESSAGE_END] = ui_act_jump,
    [UI_GOTO] = ui_act_goto,
    [UI_YANK_CODE] = ui_act_yank_code,
    [UI_WRITE] = ui_act_write,
    [UI_PIPE] = ui_act_pipe,
    [UI_SELECT] = ui_act_select,
    [UI_SELECT_LINES] = ui_act_select,
    [UI_SELECT_LEFT] = ui_act_select_move,
    [UI_SELECT_RIGHT] = ui_act_select_move,
    [UI_SELECT_WORD_BACK] = ui_act_select_move,
    [UI_SELECT_WORD] = ui_act_select_move,
    [UI_SELECT_WORD_END] = ui_act_select_move,
    [UI_SELECT_BEGIN] = ui_act_select_move,
    [UI_SELECT_END] = ui_act_select_move,
    [UI_SELECT_OTHER] = ui_act_select_move,
    [UI_SELECT_YANK] = ui_act_yank_selected,
    [UI_SELECT_WRITE] = ui_act_write,
    [UI_EDIT_SYSTEM] = ui_act_system,
    [UI_RAW] = act_raw,
    [UI_TOKEN_LEFT] = ui_act_token,
    [UI_TOKEN_RIGHT] = ui_act_token,
    [UI_UNSURE_NEXT] = ui_act_unsure,
    [UI_UNSURE_PREVIOUS] = ui_act_unsure,
    [UI_TAKE] = ui_act_take,
    [UI_RETRY] = ui_act_retry,
    [UI_KEEP_FIRST] = ui_act_keep,
    [UI_KEEP_SECOND] = ui_act_keep,
    [UI_KEEP_BOTH] = ui_act_keep,
    [UI_KNOB_DOWN] = act_on_knob,
    [UI_KNOB_UP] = act_on_knob,
    [UI_KNOB_DOWN_FAR] = act_on_knob,
    [UI_KNOB_UP_FAR] = act_on_knob,
    [UI_KNOB_RESET] = act_on_knob,
    [UI_KNOB_SET] = act_on_knob,
};

static bool is_inside(struct ui_rect rect, const struct ui_mouse *mouse)
{
    return mouse->x >= rect.x && mouse->x < rect.x + rect.width && mouse->y >= rect.y &&
           mouse->y < rect.y + rect.height;
}

void ui_mouse(void *context, const struct ui_mouse *mouse)
{
    struct ui *ui = context;
    bool is_whole =
        ui->focus == UI_FOCUS_HELP || ui->focus == UI_FOCUS_COMPARE || ui->focus == UI_FOCUS_DIFF;
    if (mouse->what != UI_MOUSE_PRESS || mouse->button != 0 || ui->asking != UI_ASK_MESSAGE) {
        return;
    }
    ui->is_urgent = true;
    ui->is_dirty = true;
    if (is_inside(ui->layout.input, mouse)) {
        ui_set_focus(ui, UI_FOCUS_INPUT);
    } else if (is_whole || is_inside(ui->layout.over, mouse)) {
        return;
    } else if (is_inside(ui->layout.list, mouse)) {
        ui_list_click(ui, mouse->y);
    } else if (ui->focus == UI_FOCUS_SEARCH) {
        ui_search_click(ui, mouse->y);
    } else if (ui->focus == UI_FOCUS_TREE) {
        ui_tree_click(ui, mouse->y);
    } else if (is_inside(ui->layout.knobs, mouse)) {
        ui_set_focus(ui, UI_FOCUS_KNOBS);
    } else if (is_inside(ui->layout.transcript, mouse)) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    }
}

static bool begins_number(uint32_t key)
{
    return (key >= '1' && key <= '9') || key == '.' || key == '-';
}

bool ui_key(void *context, uint32_t key)
{
    struct ui *ui = context;
    int64_t now_ms = cf_clock_ms();
    ui->is_key_held = key == ui->last_key && now_ms - ui->last_key_ms < HELD_MS;
    ui->last_key = key;
    ui->last_key_ms = now_ms;
    ui->wants_stats = false;
    ui->is_urgent = true;
    ui->is_dirty = true;
    if (key == UI_KEY_WHEEL_UP || key == UI_KEY_WHEEL_DOWN) {
        ui_move_rows(ui, key == UI_KEY_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS);
        return true;
    }
    bool ends_bracket = ui->is_bracket_open && key == 'u';
    ui->is_bracket_open = false;
    if (ends_bracket) {
        return true;
    }
    enum ui_action action = ui_keys_find(&ui->keys, ui_place(ui), key);
    if (action != UI_INTERRUPT) {
        ui->interrupted_ms = 0;
    }
    if (ui->answer != NULL) {
        ui_answer_take(ui, NULL);
        if (action == UI_STOP && ui->asking == UI_ASK_MESSAGE) {
            return true;
        }
    }
    if (action == UI_NONE && ui->focus == UI_FOCUS_KNOBS && begins_number(key)) {
        const char digit[] = {(char)key, '\0'};
        ui_ask(ui, UI_ASK_VALUE, ui_knobs_at(ui->knob_selected), digit);
        return true;
    }
    if (action == UI_NONE) {
        /* The knobs stand beside the line: who writes there means the line.  In other panes nothing
         * types. */
        if (ui->focus == UI_FOCUS_KNOBS && key < UI_KEY_BEFORE_FIRST) {
            ui_set_focus(ui, UI_FOCUS_INPUT);
        }
        return ui->focus != UI_FOCUS_INPUT;
    }
    ui_act(ui);
    handlers[action](ui, action);
    ui->is_acting = false;
    return true;
}
