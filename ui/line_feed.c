/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys to the bytes that readline knows them by. */
#include "line_parts.h"

#include <stdio.h>
#include <string.h>

#include <readline/readline.h>

#include "text.h"

/* Whether readline has something bound to these bytes. */
static bool is_bound(const char *bytes, size_t size)
{
    int type = 0;
    rl_command_func_t *function = rl_function_of_keyseq_len(bytes, size, NULL, &type);
    return function != NULL && type != ISKMAP;
}

/* The bytes by which xterm and readline's own bindings know a named key; 0: it has none. */
static size_t usual_bytes(char out[16], uint32_t key)
{
    static const struct {
        uint32_t code;
        const char *before, *after;
    } names[] = {
        {UI_KEY_UP, "1", "A"},        {UI_KEY_DOWN, "1", "B"},   {UI_KEY_RIGHT, "1", "C"},
        {UI_KEY_LEFT, "1", "D"},      {UI_KEY_HOME, "1", "H"},   {UI_KEY_END, "1", "F"},
        {UI_KEY_INSERT, "2", "~"},    {UI_KEY_DELETE, "3", "~"}, {UI_KEY_PAGE_UP, "5", "~"},
        {UI_KEY_PAGE_DOWN, "6", "~"},
    };
    int mods =
        (key & UI_KEY_SHIFT ? 1 : 0) + (key & UI_KEY_ALT ? 2 : 0) + (key & UI_KEY_CTRL ? 4 : 0);
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        if (names[i].code != (key & UI_KEY_CODE)) {
            continue;
        }
        bool is_letter = names[i].after[0] != '~';
        int n = mods != 0
                    ? snprintf(out, 16, "\x1b[%s;%d%s", names[i].before, mods + 1, names[i].after)
                : is_letter ? snprintf(out, 16, "\x1b[%s", names[i].after)
                            : snprintf(out, 16, "\x1b[%s%s", names[i].before, names[i].after);
        return n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The byte of a control character, or -1. */
static int control_byte(uint32_t code)
{
    if (code >= 'a' && code <= 'z') {
        return (int)(code - 'a' + 1);
    }
    if (code >= '@' && code <= '_') {
        return (int)(code - '@');
    }
    return code == ' ' ? 0 : code == '?' ? 0x7F : -1;
}

/* The bytes of a character or of Enter, Tab, Backspace, Esc, with Ctrl and Alt; 0: none. */
static size_t typed_bytes(char out[16], uint32_t key)
{
    size_t n = 0;
    uint32_t code = key & UI_KEY_CODE;
    if (key & UI_KEY_ALT) {
        out[n++] = '\x1b';
    }
    switch (code) {
    case UI_KEY_ENTER:
        out[n++] = '\r';
        return n;
    case UI_KEY_TAB:
        out[n++] = '\t';
        return key & UI_KEY_SHIFT ? 0 : n;
    case UI_KEY_BACKSPACE:
        out[n++] = key & UI_KEY_CTRL ? '\b' : '\x7f';
        return n;
    case UI_KEY_ESC:
        out[n++] = '\x1b';
        return n;
    default:
        break;
    }
    if (code >= UI_KEY_BEFORE_FIRST) {
        return 0;
    }
    if (key & UI_KEY_CTRL) {
        int byte = control_byte(code);
        out[n] = (char)byte;
        return byte < 0 ? 0 : n + 1;
    }
    return n + cf_text_encode(out + n, code);
}

static void queue_key(struct ui_line *line, const struct ui_input *input)
{
    char bytes[16];
    bool is_sequence =
        input->n_raw > 2 && input->raw[0] == '\x1b' && memchr("[O\x1b", input->raw[1], 3) != NULL;
    if (is_sequence && is_bound(input->raw, input->n_raw)) {
        cf_buf_add(&line->queue, input->raw, input->n_raw);
        return;
    }
    size_t n = typed_bytes(bytes, input->key);
    if (n == 0) {
        n = usual_bytes(bytes, input->key);
        n = n > 0 && is_bound(bytes, n) ? n : 0;
    }
    bool is_alt_letter = n > 2 && bytes[0] == '\x1b' && (unsigned char)bytes[1] >= 0x80;
    if (is_alt_letter && !is_bound(bytes, n)) {
        /* Readline would take the first byte for the key and the rest for text. */
        cf_buf_add(&line->queue, bytes + 1, n - 1);
        return;
    }
    cf_buf_add(&line->queue, bytes, n);
}

void ui_line_feed(struct ui_line *line, const struct ui_input *input)
{
    bool was_quoting = line->is_quoting;
    line->is_quoting = false;
    if (was_quoting) {
        /* Ctrl-V takes one character; the rest of a sequence would be taken for keys. */
        rl_last_func = NULL;
        size_t n = input->n_raw;
        cf_buf_add(&line->queue, input->raw, n > 0 && input->raw[0] == '\x1b' ? 1 : n);
    } else {
        queue_key(line, input);
    }
    while (ui_line_has_queued(line) && !line->has_ended) {
        rl_callback_read_char();
    }
    line->is_quoting = !was_quoting && rl_last_func == rl_quoted_insert;
}
