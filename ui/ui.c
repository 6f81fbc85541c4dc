/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "path.h"
#include "ui_bind.h"
#include "ui_state.h"

enum { FRAME_MS = 16 };

/* How long passes of the loop took, from the return of poll to the next call: by the clock, and of
 * this thread's own work (on a busy machine others take their time between). */
struct loop_log {
    const char *path; /* NULL: not asked for */
    int64_t begin_us;
    int64_t begin_cpu_us;
    struct {
        int64_t n;
        int64_t longest_us;
        int64_t longest_cpu_us;
    } passes[2]; /* all others, and those while a reply streamed */
};

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void begin_pass(struct loop_log *log)
{
    log->begin_us = clock_us(CLOCK_MONOTONIC);
    log->begin_cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static void end_pass(struct loop_log *log, bool is_streaming)
{
    int64_t us = clock_us(CLOCK_MONOTONIC) - log->begin_us;
    int64_t cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID) - log->begin_cpu_us;
    log->passes[is_streaming].n++;
    if (us > log->passes[is_streaming].longest_us) {
        log->passes[is_streaming].longest_us = us;
    }
    if (cpu_us > log->passes[is_streaming].longest_cpu_us) {
        log->passes[is_streaming].longest_cpu_us = cpu_us;
    }
}

static void write_log(const struct loop_log *log)
{
    static const char *const names[] = {"other", "streaming"};
    FILE *file = log->path != NULL ? fopen(log->path, "we") : NULL;
    for (int i = 0; file != NULL && i < 2; i++) {
        fprintf(file, "%s %lld longest_us %lld longest_cpu_us %lld\n", names[i],
                (long long)log->passes[i].n, (long long)log->passes[i].longest_us,
                (long long)log->passes[i].longest_cpu_us);
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* --- hooks of the input line ------------------------------------------------------------------ */

void ui_heed_line(void *context)
{
    struct ui *ui = context;
    ui->is_dirty = true;
    if (ui->is_setting_line) {
        return;
    }
    ui->is_urgent = true;
    if (!ui_line_is_empty(ui->line)) {
        ui_set_focus(ui, UI_FOCUS_INPUT); /* something was pasted while a pane had it */
    }
    if (ui->asking == UI_ASK_MESSAGE) {
        /* What a search finds stands there for the moment only. */
        if (ui->put_back == NULL && !ui_line_is_pending(ui->line)) {
            ui_send_draft(ui);
        }
    } else if (ui->asking == UI_ASK_FILTER) {
        struct ui_line_view view;
        ui_line_view(ui->line, &view);
        ui->list_edge = -1;
        ui_ask_list(ui, cf_chat_listing(ui->chat)->shelf, view.text);
    } else if (ui->asking == UI_ASK_SEARCH) {
        struct ui_line_view view;
        ui_line_view(ui->line, &view);
        ui_search_as_typed(ui, view.text);
    }
}

static void line_edit(void *context)
{
    struct ui *ui = context;
    struct cf_err err = CF_ERR_INIT;
    const char *const *argv;
    enum cf_code code = ui_line_edit_begin(ui->line, &argv, &err);
    if (code == CF_OK) {
        code = ui_term_run(ui->term, argv, NULL, &err);
    }
    ui_check(ui, code, &err);
}

/* --- what the chat says ----------------------------------------------------------------------- */

/* Shows the message that a search led to. */
static void show_wanted(struct ui *ui)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    for (size_t i = 0; i < data.n_turns; i++) {
        if (data.turns[i]->id == ui->wanted_message) {
            ui_transcript_select(&ui->screen.transcript, &data, i);
        }
    }
    ui->wanted_message = 0;
}

static void take_notices(struct ui *ui)
{
    bool is_error;
    for (char *text; (text = cf_chat_notice_take(ui->chat, &is_error)) != NULL; free(text)) {
        ui_say(ui, is_error, text);
    }
}

/* Goes on where it was left, unless the person has begun something in the meantime. */
static void open_last(struct ui *ui)
{
    size_t n = cf_chat_listing(ui->chat)->n;
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    bool has_begun = ui->has_opened || status->conversation != 0 || status->title[0] != '\0' ||
                     status->phase == CF_PHASE_OPENING || status->n_queued > 0 ||
                     cf_chat_n_turns(ui->chat) > 0 || !ui_line_is_empty(ui->line);
    if (!ui->is_list_known && n > 0 && !has_begun) {
        cf_chat_open(ui->chat, CF_CHAT_LAST);
    }
}

static void react(struct ui *ui, unsigned changes)
{
    if (changes == 0) {
        return;
    }
    ui->is_dirty = true;
    if (changes & CF_CHANGE_OPENED) {
        ui->has_opened = true;
        if (!ui->has_begun_new) {
            ui_drop_question(ui); /* it was about the conversation before */
        }
        ui->has_begun_new = false;
        ui_transcript_reset(&ui->screen.transcript);
        if (ui->focus == UI_FOCUS_SELECT) {
            ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
        }
        if (ui->focus == UI_FOCUS_TRANSCRIPT && ui->wanted_message == 0) {
            ui_set_focus(ui, UI_FOCUS_INPUT);
        }
    }
    if (changes & CF_CHANGE_DRAFT) {
        ui_show_draft(ui);
    }
    if (changes & CF_CHANGE_SETTINGS && !(changes & (CF_CHANGE_NOTICE | CF_CHANGE_OPENED))) {
        ui_hush_told(ui); /* what was turned is to be seen */
    }
    if (changes & CF_CHANGE_LIST) {
        ui->is_list_asked = false;
        ui->is_list_asked_again = false;
        open_last(ui);
        ui_take_list(ui);
        ui->is_list_known = true;
    }
    if (changes & CF_CHANGE_LIST_OLD) {
        ui_ask_list_again(ui);
    }
    ui_look_check(ui);
    if (ui->was_branched && cf_chat_status(ui->chat)->phase == CF_PHASE_STREAMING) {
        ui->was_branched = false;
        ui_sayf(ui, false, "From here on: %d tokens reused, %d evaluated",
                (int)cf_chat_status(ui->chat)->n_reused,
                (int)cf_chat_status(ui->chat)->n_evaluated);
    }
    if (changes & CF_CHANGE_STATS && ui->wants_stats) {
        ui->wants_stats = false;
        ui_show_stats(ui);
    }
    if (changes & CF_CHANGE_FOUND) {
        ui_search_answered(ui);
    }
    if (changes & CF_CHANGE_NOTICE) {
        take_notices(ui);
    }
    if (ui->wanted_message != 0 && changes & CF_CHANGE_OPENED) {
        show_wanted(ui);
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

static int least_timeout(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static int timeout_of(struct ui *ui)
{
    int timeout = least_timeout(ui_line_timeout_ms(ui->line), cf_chat_timeout_ms(ui->chat));
    timeout = least_timeout(timeout, ui_notice_tick(ui));
    if (ui->is_dirty) {
        int64_t left = ui->drawn_ms + FRAME_MS - cf_clock_ms();
        timeout = least_timeout(timeout, left > 0 && !ui->is_urgent ? (int)left : 0);
    }
    return timeout;
}

static void take_signals(struct ui *ui)
{
    unsigned events = ui_term_take_events(ui->term);
    if (events & UI_TERM_CHILD) {
        struct cf_err err = CF_ERR_INIT;
        ui_line_flush(ui->line);
        if (ui->child == UI_CHILD_PIPE) {
            ui_pipe_end(ui, ui_term_child_status(ui->term));
        } else if (ui->child == UI_CHILD_SYSTEM) {
            ui_system_end(ui, ui_term_child_status(ui->term));
        } else {
            ui_check(ui, ui_line_edit_end(ui->line, ui_term_child_status(ui->term), &err), &err);
            ui_heed_line(ui);
        }
    }
    if (events & UI_TERM_SUSPEND) {
        ui_term_suspend(ui->term);
    }
    if (events & UI_TERM_INTERRUPT) {
        ui_key(ui, UI_KEY_CTRL | 'c');
    }
    if (events & (UI_TERM_RESIZED | UI_TERM_REDRAW | UI_TERM_CHILD)) {
        ui->is_dirty = true;
        ui->is_urgent = true;
    }
    if (events & (UI_TERM_TERMINATE | UI_TERM_HANGUP)) {
        ui->is_done = true;
        ui->is_hung_up = ui->is_hung_up || events & UI_TERM_HANGUP;
    }
}

static void take_line_notice(struct ui *ui)
{
    const char *text = ui_line_take_notice(ui->line);
    if (text != NULL) {
        ui_say(ui, true, text);
    }
}

static void read_line(struct ui *ui)
{
    if (ui_line_read(ui->line) == UI_LINE_EOF) {
        ui->is_done = true;
        ui->is_hung_up = true;
    }
    take_line_notice(ui);
}

/* A whole row of keys may come in one read: each finds the line as the one before has left it. */
static void before_key(void *context)
{
    ui_settle_line(context);
}

/* One pass: input, signals, the chat, a picture. */
static void pass(struct ui *ui, const struct pollfd *fds)
{
    if (!ui_term_is_given(ui->term)) {
        if (fds[0].revents != 0) {
            read_line(ui);
        }
        ui_line_tick(ui->line);
        ui_settle_line(ui);
    }
    take_signals(ui);
    react(ui, cf_chat_pump(ui->chat));
    ui_settle_line(ui);
    bool is_due = ui->is_urgent || cf_clock_ms() >= ui->drawn_ms + FRAME_MS;
    if (ui->is_dirty && is_due && !ui->is_hung_up && !ui->is_done) {
        ui_draw(ui);
    }
}

static enum cf_code loop(struct ui *ui, struct cf_err *err)
{
    struct loop_log log = {.path = getenv("CONFAB_TEST_LOOP_LOG")};
    while (!ui->is_done) {
        struct pollfd fds[3] = {
            {.fd = ui_term_is_given(ui->term) ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = ui_term_fd(ui->term), .events = POLLIN},
            {.fd = cf_chat_fd(ui->chat), .events = POLLIN},
        };
        if (poll(fds, CF_ARRAY_SIZE(fds), timeout_of(ui)) < 0 && errno != EINTR) {
            return cf_err_set_errno(err, errno, "poll");
        }
        begin_pass(&log);
        bool was_streaming = cf_chat_status(ui->chat)->phase == CF_PHASE_STREAMING;
        pass(ui, fds);
        end_pass(&log, was_streaming);
    }
    write_log(&log);
    return CF_OK;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static enum cf_code open_line(struct ui *ui, struct cf_err *err)
{
    char *history = NULL;
    struct cf_err trouble = CF_ERR_INIT;
    if (!ui->params->settings->no_save &&
        cf_path_in(&history, CF_FOLDER_STATE, "history", &trouble) == CF_OK &&
        cf_path_make_parent(history, &trouble) != CF_OK) {
        free(history);
        history = NULL;
    }
    struct ui_line_options options = {
        .prompt = "› ",
        .history_path = history,
        .input_fd = STDIN_FILENO,
        .is_remote = getenv("SSH_CONNECTION") != NULL,
        .escape_ms = ui->params->settings->escape_ms,
    };
    struct ui_line_hooks hooks = {
        .ctx = ui,
        .before = before_key,
        .key = ui_key,
        .mouse = ui_mouse,
        .submit = ui_submit,
        .complete = ui_complete,
        .edit = line_edit,
        .changed = ui_heed_line,
    };
    enum cf_code code = ui_line_open(&ui->line, &options, &hooks, err);
    free(history);
    return code;
}

static void release(struct ui *ui)
{
    ui_screen_release(&ui->screen);
    ui_grid_release(&ui->grid);
    cf_completions_release(&ui->offers);
    for (size_t i = 0; i < ui->n_notices; i++) {
        free(ui->notices[i].text);
    }
    free(ui->answer);
    free(ui->query);
    free(ui->kept_draft);
    free(ui->put_back);
    free(ui->waiting_draft);
    free(ui->theme_name);
    free(ui->turns);
    free(ui->tagged);
    free(ui->waiting);
    cf_buf_release(&ui->token_text);
    cf_buf_release(&ui->held);
    free(ui->piped_to);
    if (ui->child_path != NULL) {
        unlink(ui->child_path);
        free(ui->child_path);
    }
    free(ui);
}

/* The first picture's contents: what can be said before anything was answered. */
static void begin(struct ui *ui)
{
    const struct cf_settings *settings = ui->params->settings;
    struct cf_err err = CF_ERR_INIT;
    const char *theme = settings->theme != NULL ? settings->theme : "auto";
    if (!ui_check(ui, ui_use_theme(ui, theme, &err), &err)) {
        ui_use_theme(ui, "auto", NULL);
    }
    ui->has_list = settings->show_list;
    ui->has_knobs = settings->show_knobs;
    ui->candidate = -1;
    ui->hides_marks = !settings->marks;
    ui->is_raw = !settings->markdown;
    ui_shade(ui, settings->surprise);
    if (ui_term_notice(ui->term) != NULL) {
        ui_say(ui, false, ui_term_notice(ui->term));
    }
    ui_ask_list(ui, CF_CHAT_SHELF_ACTIVE, NULL);
    ui_show_draft(ui);
    take_line_notice(ui);
    ui->is_dirty = true;
    ui->is_urgent = true;
}

enum cf_code ui_run(const struct ui_params *params, struct cf_err *err)
{
    struct ui *ui = cf_calloc(1, sizeof *ui);
    ui->params = params;
    ui->chat = params->chat;
    ui->token_text = CF_BUF_INIT;
    ui->held = CF_BUF_INIT;
    enum cf_code code = ui_bind_keys(&ui->keys, ui->params->config, err);
    if (code == CF_OK) {
        code = open_line(ui, err);
    }
    if (code == CF_OK) {
        struct ui_term_options options = {.has_mouse = params->settings->mouse};
        code = ui_term_open(&ui->term, &options, err);
    }
    if (code == CF_OK) {
        begin(ui);
        code = loop(ui, err);
    }
    ui_term_close(ui->term);
    ui_line_close(ui->line);
    release(ui);
    return code;
}
