/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading: going to a message, selecting, and copying out: to the clipboard, a file, a command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "markdown.h"
#include "mem.h"
#include "pane_select.h"
#include "path.h"
#include "ui_state.h"
#include "when.h"

/* --- going ------------------------------------------------------------------------------------ */

/* Takes message INDEX in hand and says which it is. */
static void show_message(struct ui *ui, const struct ui_transcript_data *data, size_t index)
{
    ui_transcript_show_message(&ui->screen.transcript, data, index, false);
    ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
    time_t seconds = (time_t)(data->turns[index]->created_ms / 1000);
    struct tm local;
    char date[64] = "";
    if (data->turns[index]->created_ms != 0 && localtime_r(&seconds, &local) != NULL) {
        strftime(date, sizeof date, ", %A %Y-%m-%d %H:%M", &local);
    }
    ui_sayf(ui, false, "Message %zu of %zu%s", index + 1, data->n_turns, date);
    ui->is_dirty = true;
}

/* To the first message since MS; the last one when there is none. */
static void go_to_moment(struct ui *ui, const struct ui_transcript_data *data, int64_t ms)
{
    size_t index = 0;
    while (index + 1 < data->n_turns && data->turns[index]->created_ms < ms) {
        index++;
    }
    show_message(ui, data, index);
}

/* A number of a message or a share of them all ("50%"); false: neither. */
static bool find_number(const char *text, size_t n_turns, size_t *index)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || text[0] < '0' || text[0] > '9') {
        return false;
    }
    if (end[0] == '%' && end[1] == '\0') {
        number = number < 100 ? number : 100;
        *index = (size_t)number * (n_turns - 1) / 100;
        return true;
    }
    number = number < 1 ? 1 : number > n_turns ? n_turns : number;
    *index = (size_t)number - 1;
    return *end == '\0';
}

void ui_do_goto(struct ui *ui, const char *argument)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    int64_t ms;
    size_t index;
    if (data.n_turns == 0) {
        ui_say(ui, false, "There is no message yet");
    } else if (find_number(argument, data.n_turns, &index)) {
        show_message(ui, &data, index);
    } else if (cf_when_parse(&ms, argument, (int64_t)time(NULL) * 1000)) {
        go_to_moment(ui, &data, ms);
    } else {
        ui_sayf(ui, true, "\"%.40s\" is neither a day such as %s, nor a message's number", argument,
                CF_WHEN_FORMS);
    }
}

void ui_act_goto(struct ui *ui, enum ui_action action)
{
    (void)action;
    ui_ask(ui, UI_ASK_GOTO, 0, "");
}

void ui_act_jump(struct ui *ui, enum ui_action action)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    struct ui_transcript *view = &ui->screen.transcript;
    size_t index;
    if (!ui_transcript_selected(view, &data, &index)) {
        return;
    }
    ui->is_dirty = true;
    if (action == UI_MESSAGE_BEGIN || action == UI_MESSAGE_END) {
        ui_transcript_show_message(view, &data, index, action == UI_MESSAGE_END);
        return;
    }
    bool is_next = action == UI_NEXT_YOURS;
    while (is_next ? index + 1 < data.n_turns : index > 0) {
        index = is_next ? index + 1 : index - 1;
        if (data.turns[index]->role == CF_ROLE_USER) {
            ui_transcript_show_message(view, &data, index, false);
            return;
        }
    }
    ui_say(ui, false, is_next ? "No message of yours further on" : "No message of yours before");
}

/* --- selecting -------------------------------------------------------------------------------- */

void ui_act_select(struct ui *ui, enum ui_action action)
{
    bool is_lines = action == UI_SELECT_LINES;
    if (ui->focus == UI_FOCUS_SELECT && ui->selection.is_lines == is_lines) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
        return;
    }
    size_t index;
    struct ui_transcript_data data = ui_transcript_data(ui);
    bool was_selecting = ui->focus == UI_FOCUS_SELECT;
    if (!ui_transcript_selected(&ui->screen.transcript, &data, &index)) {
        return;
    }
    ui->selection.is_lines = is_lines;
    if (!was_selecting) {
        ui_set_focus(ui, UI_FOCUS_SELECT);
        data = ui_transcript_data(ui); /* now raw */
        ui_select_begin(&ui->screen.transcript, &data, &ui->selection, index);
    }
    ui->is_dirty = true;
}

void ui_act_select_move(struct ui *ui, enum ui_action action)
{
    static const struct {
        enum ui_action action;
        enum ui_select_step step;
    } steps[] = {{UI_SELECT_LEFT, UI_STEP_LEFT},
                 {UI_SELECT_RIGHT, UI_STEP_RIGHT},
                 {UI_SELECT_WORD_BACK, UI_STEP_WORD_BACK},
                 {UI_SELECT_WORD, UI_STEP_WORD},
                 {UI_SELECT_WORD_END, UI_STEP_WORD_END},
                 {UI_SELECT_BEGIN, UI_STEP_LINE_BEGIN},
                 {UI_SELECT_END, UI_STEP_LINE_END},
                 {UI_SELECT_OTHER, UI_STEP_OTHER_END},
                 {UI_TOP, UI_STEP_TOP},
                 {UI_END, UI_STEP_BOTTOM}};
    struct ui_transcript_data data = ui_transcript_data(ui);
    for (size_t i = 0; i < CF_ARRAY_SIZE(steps) && data.n_turns > 0; i++) {
        if (steps[i].action == action) {
            ui_select_move(&ui->screen.transcript, &data, &ui->selection, steps[i].step);
        }
    }
    ui->is_dirty = true;
}

void ui_select_scroll(struct ui *ui, int rows)
{
    struct ui_transcript_data data = ui_transcript_data(ui);
    if (data.n_turns > 0) {
        ui_select_rows(&ui->screen.transcript, &data, &ui->selection, rows);
    }
}

/* --- copying out ------------------------------------------------------------------------------ */

/* What a key acts on: the selection, which is then over, or the message in hand. */
static bool take_text(struct ui *ui)
{
    size_t turn;
    cf_buf_clear(&ui->held);
    if (ui->focus == UI_FOCUS_SELECT) {
        struct ui_transcript_data data = ui_transcript_data(ui);
        ui_select_copy(&ui->screen.transcript, &data, &ui->selection, &ui->held);
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
        return true;
    }
    if (!ui_turn_in_hand(ui, &turn)) {
        return false;
    }
    const struct cf_chat_turn *data = cf_chat_turn(ui->chat, turn);
    cf_buf_add(&ui->held, data->text, data->size);
    return true;
}

void ui_act_yank_selected(struct ui *ui, enum ui_action action)
{
    (void)action;
    if (take_text(ui)) {
        ui_copy(ui, ui->held.data, ui->held.size);
    }
}

void ui_act_write(struct ui *ui, enum ui_action action)
{
    (void)action;
    if (take_text(ui)) {
        ui_ask(ui, UI_ASK_WRITE, 0, "");
    }
}

void ui_act_pipe(struct ui *ui, enum ui_action action)
{
    (void)action;
    if (take_text(ui)) {
        ui_ask(ui, UI_ASK_PIPE, 0, ui->piped_to != NULL ? ui->piped_to : "");
    }
}

/* Asks again with what was answered. */
static void ask_again(struct ui *ui, const char *text)
{
    ui_put_back(ui, cf_strdup(text));
}

static void write_held(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    char *path = NULL;
    enum cf_code code = cf_path_expand(&path, name, &err);
    if (code == CF_OK) {
        if (ui->held.size > 0 && ui->held.data[ui->held.size - 1] != '\n') {
            cf_buf_add_char(&ui->held, '\n');
        }
        code = ui_write_new(path, &ui->held, &err);
    }
    if (ui_check(ui, code, &err)) {
        ui_ask_end(ui);
        ui_sayf(ui, false, "Written to %s", path);
    } else {
        ask_again(ui, name);
    }
    free(path);
}

/* A file of our own with what is held, for a command to read. */
static enum cf_code make_input(char **path, const struct cf_buf *text, struct cf_err *err)
{
    char name[64];
    static int n_pipes;
    (void)snprintf(name, sizeof name, "pipe-%ld-%d.txt", (long)getpid(), ++n_pipes);
    enum cf_code code = cf_path_in(path, CF_FOLDER_RUNTIME, name, err);
    if (code == CF_OK) {
        code = cf_path_make_parent(*path, err);
    }
    return code == CF_OK ? cf_path_write_file(*path, text->data, text->size, err) : code;
}

static void pipe_held(struct ui *ui, const char *command)
{
    static const char script[] =
        "eval \"$1\"\nstatus=$?\n{ if [ $status = 0 ]; then printf '\\n'; else printf '\\n[%d] ' "
        "$status; fi\nprintf 'Enter goes back to confab '; read -r answer; } </dev/tty >/dev/tty "
        "2>&1\n"
        "exit $status";
    struct cf_err err = CF_ERR_INIT;
    ui_ask_end(ui);
    if (command[strspn(command, " \t")] == '\0') {
        return;
    }
    free(ui->piped_to);
    ui->piped_to = cf_strdup(command);
    enum cf_code code = make_input(&ui->child_path, &ui->held, &err);
    if (code == CF_OK) {
        const char *const argv[] = {"sh", "-c", script, "sh", command, NULL};
        ui->child = UI_CHILD_PIPE;
        code = ui_term_run(ui->term, argv, ui->child_path, &err);
    }
    if (!ui_check(ui, code, &err)) {
        ui_pipe_end(ui, 0);
    }
}

void ui_pipe_end(struct ui *ui, int wait_status)
{
    ui->child = UI_CHILD_LINE;
    if (ui->child_path != NULL) {
        unlink(ui->child_path);
        free(ui->child_path);
        ui->child_path = NULL;
    }
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0) {
        ui_sayf(ui, true, "The command failed with status %d", WEXITSTATUS(wait_status));
    } else if (WIFSIGNALED(wait_status)) {
        ui_sayf(ui, true, "The command was ended by signal %d", WTERMSIG(wait_status));
    }
    cf_buf_clear(&ui->held);
}

/* --- blocks of code --------------------------------------------------------------------------- */

enum { CODES_MAX = 64 };

/* Copies block I (from 0) of the message TURN, or asks which when I is negative and there are
 * several. */
static bool yank_code(struct ui *ui, const struct cf_chat_turn *turn, long i)
{
    struct ui_markdown markdown = {.n_spans = 0};
    struct ui_markdown_code codes[CODES_MAX];
    size_t n = 0;
    if (ui_markdown_render(&markdown, turn->text, turn->size, false)) {
        n = ui_markdown_codes(&markdown, codes, CODES_MAX);
    }
    n = n < CODES_MAX ? n : CODES_MAX;
    struct cf_buf text = CF_BUF_INIT;
    bool is_done = true;
    if (n == 0) {
        ui_say(ui, false, "There is no block of code in this message");
    } else if (n == 1 || (i >= 0 && (size_t)i < n)) {
        ui_markdown_copy_code(&markdown, turn->text, &codes[n == 1 ? 0 : i], &text);
        ui_copy(ui, text.data, text.size);
    } else if (i >= 0) {
        ui_sayf(ui, true, "There are blocks 1 to %zu", n);
        is_done = false;
    } else {
        struct cf_buf list = CF_BUF_INIT;
        for (size_t k = 0; k < n; k++) {
            cf_buf_clear(&text);
            ui_markdown_copy_code(&markdown, turn->text, &codes[k], &text);
            size_t size = strcspn(text.data, "\n");
            cf_buf_addf(&list, "%s%3zu  %.*s%s", k > 0 ? "\n" : "", k + 1, (int)size, text.data,
                        size + 1 < text.size ? " …" : "");
        }
        ui_ask(ui, UI_ASK_CODE, turn->id, "");
        ui_answer_take(ui, cf_buf_take(&list));
    }
    cf_buf_release(&text);
    ui_markdown_release(&markdown);
    return is_done;
}

void ui_act_yank_code(struct ui *ui, enum ui_action action)
{
    (void)action;
    size_t turn;
    if (ui_turn_in_hand(ui, &turn)) {
        yank_code(ui, cf_chat_turn(ui->chat, turn), -1);
    }
}

static void choose_code(struct ui *ui, const char *text)
{
    int64_t id = ui->asked_id;
    for (size_t i = 0; i < cf_chat_n_turns(ui->chat); i++) {
        const struct cf_chat_turn *turn = cf_chat_turn(ui->chat, i);
        long number = strtol(text, NULL, 10);
        if (turn->id == id && text[0] != '\0') {
            if (yank_code(ui, turn, number < 1 ? CODES_MAX : number - 1)) {
                ui_ask_end(ui);
            }
            return;
        }
    }
    ui_ask_end(ui);
}

void ui_submit_asked(struct ui *ui, const char *text)
{
    if (ui->asking == UI_ASK_CODE) {
        choose_code(ui, text);
    } else if (ui->asking == UI_ASK_PIPE) {
        pipe_held(ui, text);
    } else if (text[0] == '\0') {
        ui_ask_end(ui);
    } else if (ui->asking == UI_ASK_WRITE) {
        write_held(ui, text);
    } else {
        assert(ui->asking == UI_ASK_GOTO);
        ui_ask_end(ui);
        ui_do_goto(ui, text);
    }
}
