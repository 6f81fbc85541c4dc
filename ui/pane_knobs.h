/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_knobs: the candidates of the next token as bars with the line where they were cut, and below
 * them every knob with its slider. */
#ifndef UI_PANE_KNOBS_H
#define UI_PANE_KNOBS_H

#include "chat.h"
#include "pane.h"
#include "wrap.h"

/* Settings that are knobs, in the order of the table. */
size_t ui_knobs_n(void);
enum cf_setting ui_knobs_at(size_t i); /* i is less than ui_knobs_n */

struct ui_knobs_data {
    const struct cf_settings *settings;
    const struct cf_choice *choice; /* NULL: none yet */
    /* The bytes of a token, as cf_chat_piece. */
    const char *(*piece)(const void *context, int32_t id, size_t *size);
    const void *context;
    const struct cf_chat_look *look; /* the choice is of its token TOKEN; NULL: of the reply that is
                                        being written, or was */
    size_t token;
    int candidate;   /* in hand; -1: none */
    bool is_running; /* a reply is being written: a look waits for it */
    bool is_steered; /* the keys choose among the candidates */
    size_t selected; /* knob in hand */
    bool has_focus;
};

/* A token's bytes as part of a row: its own leading space kept, newlines and tabs visible. */
void ui_knobs_describe_piece(const char *piece, size_t size, struct cf_buf *text);

void ui_knobs_draw(const struct ui_paint *paint, struct ui_rect rect,
                   const struct ui_knobs_data *data, int *top);

#endif
