/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "line_parts.h"
#include "mem.h"

enum { READ_SIZE = 64 * 1024 };

enum cf_code ui_line_open(struct ui_line **line, const struct ui_line_options *options,
                          const struct ui_line_hooks *hooks, struct cf_err *err)
{
    assert(ui_line_the == NULL);
    struct ui_line *new_line = cf_calloc(1, sizeof *new_line);
    new_line->hooks = *hooks;
    new_line->input_fd = options->input_fd;
    new_line->history_max = options->history_max > 0 ? options->history_max : 1000;
    new_line->goal_column = -1;
    ui_decoder_init(&new_line->decoder, options->is_remote);
    new_line->decoder.escape_ms = options->escape_ms;
    struct cf_buf *const bufs[] = {
        &new_line->queue,         &new_line->prompt,       &new_line->shown_prompt,
        &new_line->submitted,     &new_line->layout.raw,   &new_line->layout.safe,
        &new_line->layout.prompt, &new_line->edit_command,
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(bufs); i++) {
        cf_buf_init(bufs[i]);
    }
    ui_wrap_init(&new_line->layout.wrap, 1);
    cf_buf_add_str(&new_line->prompt, options->prompt);
    if (options->history_path != NULL) {
        new_line->history_path = cf_strdup(options->history_path);
    }
    ui_line_the = new_line;
    enum cf_code code = ui_line_readline_open(new_line, err);
    if (code != CF_OK) {
        ui_line_close(new_line);
        return code;
    }
    struct cf_err history_err = CF_ERR_INIT;
    if (ui_line_history_load(new_line, &history_err) != CF_OK) {
        snprintf(new_line->notice, sizeof new_line->notice, "%.255s", history_err.text);
    }
    *line = new_line;
    return CF_OK;
}

void ui_line_close(struct ui_line *line)
{
    if (line == NULL) {
        return;
    }
    ui_line_readline_close(line);
    ui_line_drop_candidates(line);
    ui_line_layout_release(&line->layout);
    ui_decoder_release(&line->decoder);
    cf_buf_release(&line->queue);
    cf_buf_release(&line->prompt);
    cf_buf_release(&line->shown_prompt);
    cf_buf_release(&line->submitted);
    cf_buf_release(&line->edit_command);
    free(line->history_path);
    free(line->edit_path);
    free(line);
    ui_line_the = NULL;
}

/* -- Keys ------------------------------------------------------------------------------------- */

/* Keys that a search or a begun sequence of readline's does not take away from the owner. */
static bool is_for_owner_always(uint32_t key)
{
    uint32_t code = key & UI_KEY_CODE;
    return (code >= UI_KEY_F1 && code <= UI_KEY_F12) ||
           (code >= UI_KEY_WHEEL_UP && code < UI_KEY_AFTER_LAST) || key == (UI_KEY_CTRL | 'c') ||
           key == (UI_KEY_CTRL | 'l') || key == (UI_KEY_CTRL | 'z');
}

static bool owner_takes(struct ui_line *line, uint32_t key)
{
    bool is_pending = ui_line_is_pending(line);
    if (is_pending && !is_for_owner_always(key)) {
        return false;
    }
    if (key == UI_KEY_ESC && ui_line_is_vi_inserting()) {
        return false;
    }
    return line->hooks.key(line->hooks.ctx, key);
}

static void tell_before(struct ui_line *line)
{
    if (line->hooks.before != NULL && !ui_line_is_pending(line)) {
        line->hooks.before(line->hooks.ctx);
    }
}

/* What readline's commands asked for is done once it has returned. */
static void after_feeding(struct ui_line *line)
{
    if (line->has_submitted) {
        line->has_submitted = false;
        ui_line_history_add(line, line->submitted.data);
        line->hooks.submit(line->hooks.ctx, line->submitted.data, line->submitted.size);
    }
    if (line->wants_edit) {
        line->wants_edit = false;
        if (line->hooks.edit != NULL) {
            line->hooks.edit(line->hooks.ctx);
        }
    }
}

static void handle_key(struct ui_line *line, const struct ui_input *input)
{
    if (owner_takes(line, input->key)) {
        return;
    }
    if (is_for_owner_always(input->key) && (input->key & UI_KEY_CODE) >= UI_KEY_BEFORE_FIRST) {
        return; /* means nothing to readline either */
    }
    line->has_candidates = false;
    ui_line_feed(line, input);
    after_feeding(line);
    line->hooks.changed(line->hooks.ctx);
}

static void handle_paste(struct ui_line *line, const struct ui_input *input)
{
    if (input->is_paste_cut) {
        snprintf(line->notice, sizeof line->notice,
                 "the paste was larger than 16 MB: its end is missing");
    }
    line->has_candidates = false;
    ui_line_insert(line, input->paste, input->paste_size);
    line->hooks.changed(line->hooks.ctx);
}

static void handle_all(struct ui_line *line)
{
    struct ui_input input;
    while (!line->has_ended && ui_decoder_next(&line->decoder, &input, cf_clock_ms())) {
        tell_before(line);
        switch (input.kind) {
        case UI_INPUT_KEY:
            handle_key(line, &input);
            break;
        case UI_INPUT_PASTE:
            handle_paste(line, &input);
            break;
        case UI_INPUT_MOUSE:
            if (line->hooks.mouse != NULL) {
                line->hooks.mouse(line->hooks.ctx, &input.mouse);
            }
            break;
        }
    }
}

/* The wheel, where the terminal turns it into arrow keys: three or more of one arrow in one read,
 * which no finger types.  Every three are a step. */
static bool handle_wheel(struct ui_line *line, const char *bytes, size_t size)
{
    if (size < 9 || size % 3 != 0 || bytes[0] != '\x1b' || (bytes[1] != '[' && bytes[1] != 'O') ||
        (bytes[2] != 'A' && bytes[2] != 'B') || line->decoder.bytes.size > 0 ||
        line->decoder.is_pasting) {
        return false;
    }
    for (size_t i = 3; i < size; i++) {
        if (bytes[i] != bytes[i - 3]) {
            return false;
        }
    }
    uint32_t key = bytes[2] == 'A' ? UI_KEY_WHEEL_UP : UI_KEY_WHEEL_DOWN;
    for (size_t i = 0; i < size; i += 9) {
        line->hooks.key(line->hooks.ctx, key);
    }
    return true;
}

enum ui_line_input ui_line_read(struct ui_line *line)
{
    static char bytes[READ_SIZE];
    ssize_t n = read(line->input_fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return UI_LINE_OK;
    }
    if (n <= 0) {
        line->has_ended = true;
        return UI_LINE_EOF;
    }
    if (!handle_wheel(line, bytes, (size_t)n)) {
        ui_decoder_add(&line->decoder, bytes, (size_t)n, cf_clock_ms());
        handle_all(line);
    }
    return line->has_ended ? UI_LINE_EOF : UI_LINE_OK;
}

int ui_line_timeout_ms(const struct ui_line *line)
{
    return ui_decoder_timeout_ms(&line->decoder, cf_clock_ms());
}

void ui_line_tick(struct ui_line *line)
{
    /* On a busy machine the rest may have come before we found the time to look at the clock. */
    struct pollfd poll_fd = {.fd = line->input_fd, .events = POLLIN};
    if (poll(&poll_fd, 1, 0) > 0) {
        (void)ui_line_read(line);
    } else {
        handle_all(line);
    }
}

void ui_line_flush(struct ui_line *line)
{
    ui_decoder_clear(&line->decoder);
    cf_buf_clear(&line->queue);
    line->n_taken = 0;
}

void ui_line_remember(struct ui_line *line, const char *text)
{
    ui_line_history_add(line, text);
}

const char *ui_line_take_notice(struct ui_line *line)
{
    if (line->notice[0] == '\0') {
        return NULL;
    }
    memcpy(line->taken_notice, line->notice, sizeof line->notice);
    line->notice[0] = '\0';
    return line->taken_notice;
}
