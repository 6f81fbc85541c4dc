/* SPDX-License-Identifier: GPL-3.0-or-later */
/* readline: kept from the terminal altogether.  Its input is a queue, its output goes nowhere, its
 * redisplay does nothing; what is to be drawn is read from its variables. */
#include "line_parts.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "mem.h"
#include "text.h"

struct ui_line *ui_line_the;

static struct ui_line *the(void)
{
    assert(ui_line_the != NULL);
    return ui_line_the;
}

/* -- Bytes in --------------------------------------------------------------------------------- */

bool ui_line_has_queued(const struct ui_line *line)
{
    return line->n_taken < line->queue.size;
}

static int input_available(void)
{
    return ui_line_has_queued(the());
}

/* A command of readline's that wants another key in the middle of its work, outside of the callback
 * interface: the loop can't help, so wait for it here. */
static bool refill(struct ui_line *line)
{
    while (!ui_line_has_queued(line)) {
        struct ui_input input;
        if (ui_decoder_next(&line->decoder, &input, cf_clock_ms())) {
            if (input.kind == UI_INPUT_KEY) {
                cf_buf_add(&line->queue, input.raw, input.n_raw);
            }
            continue;
        }
        struct pollfd poll_fd = {.fd = line->input_fd, .events = POLLIN};
        int timeout_ms = ui_decoder_timeout_ms(&line->decoder, cf_clock_ms());
        int n_ready = poll(&poll_fd, 1, timeout_ms);
        if (n_ready < 0 && errno != EINTR) {
            return false;
        }
        if (n_ready > 0) {
            char bytes[256];
            ssize_t n = read(line->input_fd, bytes, sizeof bytes);
            if (n <= 0) {
                line->has_ended = true;
                return false;
            }
            ui_decoder_add(&line->decoder, bytes, (size_t)n, cf_clock_ms());
        }
    }
    return true;
}

static int get_byte(FILE *stream)
{
    (void)stream;
    struct ui_line *line = the();
    if (!refill(line)) {
        return EOF;
    }
    int byte = (unsigned char)line->queue.data[line->n_taken++];
    if (line->n_taken == line->queue.size) {
        cf_buf_clear(&line->queue);
        line->n_taken = 0;
    }
    return byte;
}

/* -- Commands of our own, bindable in inputrc by these names ---------------------------------- */

static int newline(int count, int key)
{
    (void)key;
    for (int i = 0; i < count; i++) {
        rl_insert_text("\n");
    }
    return 0;
}

static int row_up(int count, int key);
static int row_down(int count, int key);

static int move_rows(int count, int key, int direction)
{
    struct ui_line *line = the();
    if (rl_last_func != row_up && rl_last_func != row_down) {
        line->goal_column = -1;
    }
    if (count < 0) {
        count = -count;
        direction = -direction;
    }
    for (int i = 0; i < count; i++) {
        size_t cursor = 0;
        if (ui_line_move_rows(line, direction, &cursor)) {
            rl_point = (int)cursor;
        } else if (direction < 0) {
            rl_get_previous_history(1, key);
        } else {
            rl_get_next_history(1, key);
        }
    }
    return 0;
}

static int row_up(int count, int key)
{
    return move_rows(count, key, -1);
}

static int row_down(int count, int key)
{
    return move_rows(count, key, 1);
}

static int edit(int count, int key)
{
    (void)count;
    (void)key;
    the()->wants_edit = true;
    return 0;
}

/* -- What readline calls ---------------------------------------------------------------------- */

static void line_done(char *text)
{
    struct ui_line *line = the();
    if (text != NULL && text[0] != '\0') {
        line->has_submitted = true;
        cf_buf_clear(&line->submitted);
        cf_text_make_valid(&line->submitted, text, strlen(text));
    }
    free(text);
}

static void draw_nothing(void)
{
}

static void prepare_nothing(int meta_flag)
{
    (void)meta_flag;
}

void ui_line_drop_candidates(struct ui_line *line)
{
    for (size_t i = 0; i < line->candidates.n; i++) {
        free(line->candidates.words[i]);
    }
    free(line->candidates.words);
    line->candidates = (struct ui_candidates){0};
    line->has_candidates = false;
}

/* The bytes that all words begin with, whole characters. */
static size_t common_prefix(const struct ui_candidates *candidates)
{
    const char *first = candidates->words[0];
    size_t n = strlen(first);
    for (size_t i = 1; i < candidates->n; i++) {
        size_t k = 0;
        while (k < n && candidates->words[i][k] == first[k]) {
            k++;
        }
        n = k;
    }
    return n - cf_text_unfinished(first, n);
}

/* The line before the word that is completed, then N bytes of WORD. */
static char *whole_line(size_t begin, const char *word, size_t n)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add(&text, rl_line_buffer, begin);
    cf_buf_add(&text, word, n);
    return cf_buf_take(&text);
}

/* readline is told that the line up to the cursor is one word (it breaks words nowhere), so each
 * match is a line too.  The result is from malloc, as it wants. */
static char **complete(const char *text, int start, int end)
{
    (void)text;
    struct ui_line *line = the();
    rl_attempted_completion_over = 1;
    ui_line_drop_candidates(line);
    if (line->hooks.complete == NULL || start != 0) {
        return NULL;
    }
    struct ui_candidates *candidates = &line->candidates;
    candidates->begin = (size_t)end;
    line->hooks.complete(line->hooks.ctx, candidates, rl_line_buffer, (size_t)end);
    if (candidates->n == 0 || candidates->begin > (size_t)end) {
        return NULL;
    }
    rl_completion_append_character = candidates->is_final ? ' ' : '\0';
    rl_completion_suppress_append = !candidates->is_final;
    rl_filename_completion_desired = 0;
    rl_sort_completion_matches = 0;
    size_t n = candidates->n == 1 ? 0 : candidates->n;
    char **matches = cf_calloc(n + 2, sizeof *matches);
    /* Words may fit by other than their beginning: then nothing of what was typed is taken away. */
    size_t n_common = common_prefix(candidates);
    matches[0] = candidates->begin + n_common < (size_t)end
                     ? whole_line((size_t)end, "", 0)
                     : whole_line(candidates->begin, candidates->words[0], n_common);
    for (size_t i = 0; i < n; i++) {
        const char *word = candidates->words[i];
        matches[i + 1] = whole_line(candidates->begin, word, strlen(word));
    }
    return matches;
}

static void show_matches(char **matches, int n_matches, int longest)
{
    (void)matches;
    (void)n_matches;
    (void)longest;
    the()->has_candidates = true;
}

/* -- Start ------------------------------------------------------------------------------------ */

/* Keys that are bound before the inputrc is read, so that it may bind them otherwise. */
static void bind_keys(void)
{
    /* Those of the terminal's keys too that readline would look up in terminfo. */
    static const struct {
        const char *keys;
        rl_command_func_t *function;
    } bindings[] = {
        {"\\C-j", newline},         {"\\e\\C-m", newline},         {"\\e[A", row_up},
        {"\\eOA", row_up},          {"\\e[B", row_down},           {"\\eOB", row_down},
        {"\\C-x\\C-e", edit},       {"\\e[3~", rl_delete},         {"\\e[1~", rl_beg_of_line},
        {"\\e[4~", rl_end_of_line}, {"\\e[1;5C", rl_forward_word}, {"\\e[1;5D", rl_backward_word},
        {"\\e[3;5~", rl_kill_word},
    };
    rl_add_defun("confab-newline", newline, -1);
    rl_add_defun("confab-row-up", row_up, -1);
    rl_add_defun("confab-row-down", row_down, -1);
    rl_add_defun("confab-edit", edit, -1);
    Keymap maps[] = {rl_get_keymap_by_name("emacs"), rl_get_keymap_by_name("vi-insert"),
                     rl_get_keymap_by_name("vi-command")};
    for (size_t m = 0; m < CF_ARRAY_SIZE(maps); m++) {
        for (size_t i = 0; i < CF_ARRAY_SIZE(bindings); i++) {
            rl_bind_keyseq_in_map(bindings[i].keys, bindings[i].function, maps[m]);
        }
    }
    rl_bind_key_in_map('v', edit, maps[2]);
}

/* Variables that no inputrc may change, since they would write to the terminal, wait for it, or
 * break characters apart. */
static void fix_variables(void)
{
    static const char *const variables[][2] = {
        {"bell-style", "none"},
        {"blink-matching-paren", "off"},
        {"enable-bracketed-paste", "off"},
        {"input-meta", "on"},
        {"output-meta", "on"},
        {"convert-meta", "off"},
        {"completion-query-items", "0"},
        {"show-mode-in-prompt", "off"},
        {"enable-active-region", "off"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(variables); i++) {
        rl_variable_bind(variables[i][0], variables[i][1]);
    }
}

/* readline asks the environment through this function of its own, made to be replaced, and sets
 * the process's locale from what it hears, at every new line.  Ours is not always that of the
 * environment (C becomes C.UTF-8), so this is what it hears. */
char *sh_get_env_value(const char *name);

char *sh_get_env_value(const char *name)
{
    static char locale[64];
    if (strcmp(name, "LC_ALL") != 0 || ui_line_the == NULL) {
        return getenv(name);
    }
    const char *ours = setlocale(LC_CTYPE, NULL);
    if (ours == NULL || strlen(ours) >= sizeof locale) {
        return getenv(name);
    }
    strcpy(locale, ours);
    return locale;
}

enum cf_code ui_line_readline_open(struct ui_line *line, struct cf_err *err)
{
    line->nowhere = fopen("/dev/null", "we");
    if (line->nowhere == NULL) {
        return cf_err_set_errno(err, errno, "/dev/null");
    }
    rl_readline_name = "confab";
    rl_terminal_name = "dumb";
    rl_outstream = line->nowhere;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = get_byte;
    rl_input_available_hook = input_available;
    rl_redisplay_function = draw_nothing;
    rl_prep_term_function = prepare_nothing;
    rl_deprep_term_function = draw_nothing;
    rl_attempted_completion_function = complete;
    rl_completion_display_matches_hook = show_matches;
    rl_basic_word_break_characters = "";
    rl_completer_word_break_characters = "";
    rl_completer_quote_characters = NULL;
    rl_variable_bind("show-all-if-ambiguous", "on");
    bind_keys();
    static bool has_started;
    if (has_started) {
        rl_re_read_init_file(1, 0);
    }
    has_started = true;
    rl_initialize();
    fix_variables();
    rl_callback_handler_install(line->prompt.data, line_done);
    return CF_OK;
}

void ui_line_readline_close(struct ui_line *line)
{
    ui_line_abort(line);
    rl_callback_handler_remove();
    clear_history();
    rl_outstream = stdout;
    if (line->nowhere != NULL) {
        fclose(line->nowhere);
    }
}

/* -- State ------------------------------------------------------------------------------------ */

bool ui_line_is_vi_inserting(void)
{
    return rl_editing_mode == 0 && rl_get_keymap() == rl_get_keymap_by_name("vi-insert");
}

bool ui_line_is_pending(const struct ui_line *line)
{
    return line->is_quoting ||
           RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG |
                      RL_STATE_MULTIKEY | RL_STATE_CHARSEARCH | RL_STATE_VIMOTION);
}

/* -- The text --------------------------------------------------------------------------------- */

/* Ends what readline is in the middle of and keeps what the line shows. */
static void end_pending(struct ui_line *line)
{
    if (RL_ISSTATE(RL_STATE_NUMERICARG)) {
        /* What readline forgets to put back then: the prompt. */
        rl_restore_prompt();
        rl_clear_message();
    }
    rl_callback_sigcleanup();
    line->is_quoting = false;
    if (rl_last_func == rl_quoted_insert) {
        rl_last_func = NULL;
    }
}

void ui_line_abort(struct ui_line *line)
{
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) {
        /* Ctrl-G, which brings back the line from before the search. */
        cf_buf_add_char(&line->queue, '\a');
        rl_callback_read_char();
    }
    end_pending(line);
}

/* TEXT as readline can hold it: valid, without NUL. */
static void add_storable(struct cf_buf *out, const char *text, size_t size)
{
    cf_text_make_valid(out, text, size);
    size_t to = 0;
    for (size_t i = 0; i < out->size; i++) {
        if (out->data[i] != '\0') {
            out->data[to++] = out->data[i];
        }
    }
    cf_buf_truncate(out, to);
}

void ui_line_set(struct ui_line *line, const char *text, size_t size)
{
    struct cf_buf copy = CF_BUF_INIT;
    add_storable(&copy, text, size);
    end_pending(line);
    using_history();
    rl_replace_line(copy.data, 1);
    rl_point = rl_end;
    rl_mark = 0;
    cf_buf_release(&copy);
}

static void replace(struct ui_line *line, const char *text, size_t size, bool is_insert)
{
    struct cf_buf copy = CF_BUF_INIT;
    add_storable(&copy, text, size);
    end_pending(line);
    rl_begin_undo_group();
    if (!is_insert) {
        rl_delete_text(0, rl_end);
        rl_point = 0;
    }
    rl_insert_text(copy.data);
    rl_end_undo_group();
    cf_buf_release(&copy);
}

void ui_line_replace(struct ui_line *line, const char *text, size_t size)
{
    replace(line, text, size, false);
}

void ui_line_insert(struct ui_line *line, const char *text, size_t size)
{
    replace(line, text, size, true);
}

void ui_line_clear(struct ui_line *line)
{
    replace(line, "", 0, false);
}

void ui_line_set_prompt(struct ui_line *line, const char *prompt)
{
    cf_buf_clear(&line->prompt);
    cf_buf_add_str(&line->prompt, prompt);
    rl_set_prompt(line->prompt.data);
}

bool ui_line_is_empty(const struct ui_line *line)
{
    (void)line;
    return rl_end == 0;
}

/* readline's prompt without the marks around what is invisible. */
static const char *shown_prompt(struct cf_buf *out)
{
    cf_buf_clear(out);
    for (const char *p = rl_display_prompt != NULL ? rl_display_prompt : ""; *p != '\0'; p++) {
        if (*p != RL_PROMPT_START_IGNORE && *p != RL_PROMPT_END_IGNORE) {
            cf_buf_add_char(out, *p);
        }
    }
    return out->data;
}

void ui_line_view(struct ui_line *line, struct ui_line_view *view)
{
    *view = (struct ui_line_view){
        .prompt = shown_prompt(&line->shown_prompt),
        .text = rl_line_buffer,
        .size = (size_t)rl_end,
        .cursor = (size_t)rl_point,
        .is_searching = RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) != 0,
        .is_vi_command = rl_editing_mode == 0 && !ui_line_is_vi_inserting(),
    };
    if (line->has_candidates) {
        view->candidates = (const char *const *)line->candidates.words;
        view->n_candidates = line->candidates.n;
    }
}

const char *ui_line_library_version(void)
{
    return rl_library_version;
}
