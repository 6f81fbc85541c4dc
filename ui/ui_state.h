/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui_state: what the parts of the face share.  Private to ui/ui*.c. */
#ifndef UI_UI_STATE_H
#define UI_UI_STATE_H

#include "clock.h"
#include "line.h"
#include "pane_screen.h"
#include "term.h"
#include "ui.h"

enum ui_focus {
    UI_FOCUS_INPUT,
    UI_FOCUS_TRANSCRIPT,
    UI_FOCUS_LIST,
    UI_FOCUS_KNOBS,
    UI_FOCUS_SEARCH,
    UI_FOCUS_HELP,
    UI_FOCUS_CURSOR,
    UI_FOCUS_COMPARE,
    UI_FOCUS_TREE,
    UI_FOCUS_DIFF,
    UI_FOCUS_SELECT,
};

/* What the input line is for. */
enum ui_asking {
    UI_ASK_MESSAGE,
    UI_ASK_EDIT,
    UI_ASK_TITLE,
    UI_ASK_SEARCH,
    UI_ASK_VALUE,
    UI_ASK_FILTER,
    UI_ASK_GOTO,
    UI_ASK_CODE,
    UI_ASK_WRITE,
    UI_ASK_PIPE,
};

/* What a child that has the terminal does: edits the line or the system prompt, reads a text. */
enum ui_child { UI_CHILD_LINE, UI_CHILD_PIPE, UI_CHILD_SYSTEM };

enum { UI_NOTICES_MAX = 8 };

struct ui_notice {
    char *text;
    bool is_error;
    bool is_answer; /* to a key or a submission */
};

struct ui {
    const struct ui_params *params;
    struct cf_chat *chat;
    struct ui_line *line;
    struct ui_term *term;
    struct ui_keys keys;
    struct ui_theme theme;
    char *theme_name;
    struct ui_grid grid;
    struct ui_screen screen;
    struct ui_layout layout; /* of the last picture */

    enum ui_focus focus;
    enum ui_focus focus_before; /* help or search */
    enum ui_focus home;         /* input or transcript: the one that had it last */
    bool has_list;
    bool has_knobs;

    enum ui_asking asking;
    /* UI_ASK_EDIT, UI_ASK_CODE: the message; UI_ASK_TITLE: the conversation, 0 this one;
     * UI_ASK_VALUE: the setting. */
    int64_t asked_id;
    size_t asked_turn; /* UI_ASK_EDIT: its place, while its id is still to come */
    enum ui_focus asked_from;
    char *kept_draft;    /* while another thing is asked */
    char *put_back;      /* text that goes into the line as soon as it is free */
    char *waiting_draft; /* for the line to be empty; NULL: none, see ui_draft.c */
    bool has_begun_new;  /* a conversation, and a question that stands is about that one already */
    bool is_refused;     /* an error was said in answer to what the person does */
    bool is_setting_line;

    int64_t list_selected;
    int64_t *tagged; /* conversations to be dealt with together */
    size_t n_tagged, tagged_capacity;
    int list_edge;   /* to come into hand once the list is there: 1 the last row, -1 the first */
    size_t n_undoes; /* what u takes back together: rows dealt with at once */
    bool is_list_asked;
    bool is_list_asked_again; /* what is asked for is what was at hand */
    bool is_list_known;       /* has been asked for once, and it is over */
    bool has_opened;          /* a conversation was opened, or begun with /new, since the start */
    bool has_conversations;   /* some were listed */
    int64_t tree_selected;    /* message */
    size_t tree_row;          /* where it was last */
    int64_t tree_tagged;      /* message; 0: none */
    size_t knob_selected;
    bool is_looking;           /* at a reply, token by token */
    size_t token;              /* where the cursor stands */
    int candidate;             /* in hand; -1: none */
    bool is_bracket_open;      /* ] or [ was the last key */
    bool was_branched;         /* the reply being written began in another: say what was reused */
    enum ui_focus cursor_from; /* where the cursor was begun, or a pause asked for: it ends there */
    bool is_shaded;
    bool hides_marks;
    bool shows_prompt; /* what the model reads, in the place of the help */
    struct ui_prompt_data prompt;
    struct cf_chat_prompt prompt_ids;
    bool is_raw;                   /* no Markdown */
    struct ui_selection selection; /* while the focus is on it */
    struct cf_buf held;            /* what is to be written to a file or given to a command */
    char *piped_to;                /* the last command */
    enum ui_child child;
    char *child_path;         /* a file that it reads, ours to remove */
    struct cf_buf token_text; /* of ui_describe_token, while it is shown */
    char *query;              /* as it was typed */
    size_t hit_selected;
    bool opens_hit; /* Enter came before the answer: the hit in hand is opened when it is there */
    int64_t wanted_message; /* to take in hand once the conversation is open; 0: none */

    struct cf_completions offers;
    char *answer;
    bool wants_stats; /* asked for, and no key since */

    struct ui_notice notices[UI_NOTICES_MAX]; /* the first one is shown */
    size_t n_notices;
    bool is_acting; /* within a key or a submission */
    int64_t notice_since_ms;
    int64_t notice_until_ms;

    /* Turns of the chat and, behind them, messages that wait. */
    const struct cf_chat_turn **turns;
    size_t n_turns;
    size_t turns_capacity;
    struct cf_chat_turn *waiting;
    size_t waiting_capacity;

    int64_t interrupted_ms; /* of the last Ctrl-C that found nothing to clear */
    uint32_t last_key;
    int64_t last_key_ms;
    bool is_key_held;

    bool is_dirty;
    bool is_urgent; /* a key was pressed: draw now */
    int64_t drawn_ms;
    bool is_done;
    bool is_hung_up;
};

/* --- ui_view.c --- */
void ui_draw(struct ui *ui);
/* The transcript's data, fresh from the chat. */
struct ui_transcript_data ui_transcript_data(struct ui *ui);
/* Where keys are looked up now: of enum ui_place. */
unsigned ui_place(const struct ui *ui);
bool ui_is_running(const struct ui *ui);
/* What the input line asks for; NULL: a message. */
const char *ui_asking_word(const struct ui *ui);

struct ui_list_data ui_list_data(struct ui *ui);

/* --- ui_notice.c --- */
/* Shows a sentence for a while; TEXT is copied. */
void ui_say(struct ui *ui, bool is_error, const char *text);
void ui_sayf(struct ui *ui, bool is_error, const char *format, ...) CF_PRINTF(3, 4);
/* Drops the notices; those that answer no key and no command. */
void ui_hush(struct ui *ui);
void ui_hush_told(struct ui *ui);
/* A key or a submission begins to act: what the one before was answered is over. */
void ui_act(struct ui *ui);
/* Shows err's sentence when code is not CF_OK; returns whether it was. */
bool ui_check(struct ui *ui, enum cf_code code, const struct cf_err *err);
/* Shows a longer text until the next key; TEXT is taken. */
void ui_answer_take(struct ui *ui, char *text);
/* Drops the notice whose time is over; returns the time until the next one's is, -1: never. */
int ui_notice_tick(struct ui *ui);

/* --- ui_moves.c --- */
void ui_set_focus(struct ui *ui, enum ui_focus focus);
void ui_ask(struct ui *ui, enum ui_asking asking, int64_t id, const char *text);
void ui_ask_end(struct ui *ui);
/* Another conversation is on: what was asked about the one before is over. */
void ui_drop_question(struct ui *ui);
void ui_toggle_list(struct ui *ui);
void ui_toggle_knobs(struct ui *ui);
void ui_toggle_help(struct ui *ui);
void ui_leave(struct ui *ui);
/* To where the pane in hand was come to from; from the transcript to the input line. */
void ui_go_back(struct ui *ui);
void ui_go_round(struct ui *ui, int step);
/* Moves what is in hand, or the view, by rows; up is negative. */
void ui_move_rows(struct ui *ui, int rows);
int ui_page_rows(const struct ui *ui);
void ui_move_to(struct ui *ui, bool is_end);
/* The previous or next message, or row. */
void ui_move_message(struct ui *ui, int step);

/* --- ui.c --- */
/* Text or cursor of the line have changed. */
void ui_heed_line(void *context);

/* --- ui_draft.c --- */
void ui_set_line(struct ui *ui, const char *text);
/* TEXT, which is taken over, goes into the line as soon as that is free. */
void ui_put_back(struct ui *ui, char *text);
/* Tells the chat what the message is. */
void ui_send_draft(struct ui *ui);
/* Shows the draft, if the chat has changed it: the one of another conversation, say. */
void ui_show_draft(struct ui *ui);
/* Brings line and draft in step, and puts back what is to go into the line.  Not from within what a
 * key or a submission does. */
void ui_settle_line(struct ui *ui);

/* --- ui_actions.c --- */
bool ui_key(void *context, uint32_t key);
void ui_new_conversation(struct ui *ui);
void ui_copy(struct ui *ui, const char *text, size_t size);
void ui_edit_turn(struct ui *ui, size_t turn);
void ui_mouse(void *context, const struct ui_mouse *mouse);

/* Says how what was deleted comes back: WHAT, as in "Deleted" or "3 conversations deleted", and the
 * TITLE of the one it was, if any. */
void ui_say_deleted(struct ui *ui, const char *what, const char *title);

/* --- ui_list.c --- */
void ui_open_list(struct ui *ui);
/* Asks for a shelf; with MATCH, for those only that hold these words. */
void ui_ask_list(struct ui *ui, enum cf_chat_shelf shelf, const char *match);
/* The same once more. */
void ui_ask_list_again(struct ui *ui);
void ui_take_list(struct ui *ui);
/* All again, if only some were shown; false: they were not. */
bool ui_drop_filter(struct ui *ui);
void ui_move_in_list(struct ui *ui, int rows);
void ui_list_to(struct ui *ui, bool is_end);
void ui_list_click(struct ui *ui, int y);
void ui_act_list(struct ui *ui, enum ui_action action);
/* To the trash, and says how it comes back; 0: the one that is on. */
void ui_delete_conversation(struct ui *ui, int64_t id);
void ui_act_undo(struct ui *ui, enum ui_action action);

/* --- ui_tree.c --- */
struct ui_tree_data ui_tree_data(struct ui *ui);
void ui_open_tree(struct ui *ui, const char *argument);
void ui_move_in_tree(struct ui *ui, int rows);
void ui_tree_click(struct ui *ui, int y);
void ui_act_tree(struct ui *ui, enum ui_action action);
void ui_act_tree_walk(struct ui *ui, enum ui_action action);
void ui_act_tree_fork(struct ui *ui, enum ui_action action);
void ui_act_branch(struct ui *ui, enum ui_action action);
void ui_act_diff_walk(struct ui *ui, enum ui_action action);

/* The index of the message in hand in the chat; false with a sentence when there is none. */
bool ui_turn_in_hand(struct ui *ui, size_t *index);

/* --- ui_tokens.c, ui_compare.c --- */
const struct cf_chat_look *ui_look(const struct ui *ui);
const struct cf_choice *ui_choice(const struct ui *ui);
void ui_look_end(struct ui *ui);
/* The token under the cursor comes into view. */
void ui_look_in_view(struct ui *ui);
void ui_look_check(struct ui *ui);
void ui_token_to(struct ui *ui, bool is_end);
void ui_describe_token(const struct ui *ui, struct cf_buf *text);
void ui_move_candidate(struct ui *ui, int rows);
void ui_shade(struct ui *ui, bool is_on);
void ui_act_tokens(struct ui *ui, enum ui_action action);
void ui_act_token(struct ui *ui, enum ui_action action);
void ui_act_unsure(struct ui *ui, enum ui_action action);
void ui_act_take(struct ui *ui, enum ui_action action);
void ui_act_pause(struct ui *ui, enum ui_action action);
void ui_act_shade(struct ui *ui, enum ui_action action);
void ui_act_keep(struct ui *ui, enum ui_action action);
void ui_do_compare(struct ui *ui, const char *argument);
void ui_act_retry(struct ui *ui, enum ui_action action);

/* --- ui_commands.c --- */
void ui_show_stats(struct ui *ui);
void ui_submit(void *context, const char *text, size_t size);
/* --- ui_search.c --- */
/* Asks for what is found with QUERY, as it is typed. */
bool ui_search_is_blank(const char *query);
void ui_search_as_typed(struct ui *ui, const char *query);
/* The same, and goes to the hits. */
void ui_search(struct ui *ui, const char *query);
/* Enter behind QUERY: opens the hit in hand, also one that is still being looked for. */
void ui_search_open(struct ui *ui, const char *query);
/* What was asked for last is found. */
void ui_search_answered(struct ui *ui);
struct ui_search_data ui_search_data(const struct ui *ui);
void ui_open_hit(struct ui *ui, const struct cf_chat_hit *hit);
void ui_search_click(struct ui *ui, int y);
/* The previous or next that the search found, also in other conversations. */
void ui_move_hit(struct ui *ui, int step);

/* Writes a new file; an existing one is left alone. */
enum cf_code ui_write_new(const char *path, const struct cf_buf *text, struct cf_err *err);

/* --- ui_pager.c --- */
void ui_do_goto(struct ui *ui, const char *argument);
void ui_act_goto(struct ui *ui, enum ui_action action);
void ui_act_jump(struct ui *ui, enum ui_action action);
void ui_act_select(struct ui *ui, enum ui_action action);
void ui_act_select_move(struct ui *ui, enum ui_action action);
void ui_select_scroll(struct ui *ui, int rows);
void ui_act_yank_selected(struct ui *ui, enum ui_action action);
void ui_act_yank_code(struct ui *ui, enum ui_action action);
void ui_act_write(struct ui *ui, enum ui_action action);
void ui_act_pipe(struct ui *ui, enum ui_action action);
/* The command that was piped to has ended. */
void ui_pipe_end(struct ui *ui, int wait_status);
/* An answer to what ui_pager.c asked. */
void ui_submit_asked(struct ui *ui, const char *text);

/* --- ui_persona.c --- */
void ui_do_system(struct ui *ui, const char *text);
void ui_act_system(struct ui *ui, enum ui_action action);
/* The editor of the system prompt has ended. */
void ui_system_end(struct ui *ui, int wait_status);
void ui_do_persona(struct ui *ui, const char *name);

/* --- ui_settings.c --- */
/* Sets a setting; shows it where VALUE is empty. */
void ui_set(struct ui *ui, const char *name, const char *value);
void ui_do_set(struct ui *ui, const char *argument);
void ui_do_temperature(struct ui *ui, const char *value);
void ui_do_top_p(struct ui *ui, const char *value);
void ui_do_seed(struct ui *ui, const char *value);
void ui_do_template(struct ui *ui, const char *name);
void ui_do_model(struct ui *ui, const char *name);
void ui_do_preset(struct ui *ui, const char *name);
void ui_do_save_preset(struct ui *ui, const char *name);
void ui_do_theme(struct ui *ui, const char *name);
enum cf_code ui_use_theme(struct ui *ui, const char *name, struct cf_err *err);

/* --- ui_offers.c --- */
void ui_complete(void *context, struct ui_candidates *out, const char *text, size_t cursor);

#endif
