/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_prompt: what the model reads before its next reply: the template, and the tokens one by one
 * with their ids, by whose text they spell. */
#ifndef UI_PANE_PROMPT_H
#define UI_PANE_PROMPT_H

#include "chat.h"
#include "pane.h"

struct ui_prompt_data {
    const struct cf_template *template;
    const char *system; /* "" for none */
    const struct cf_chat_prompt *prompt;
    /* The bytes of a token, as cf_chat_piece. */
    const char *(*piece)(const void *context, int32_t id, size_t *size);
    const void *context;
    const struct cf_chat_turn *const *turns; /* whose roles name the parts */
    size_t n_turns;
    size_t first_visible; /* where the model's memory begins */
    int32_t n_ctx;        /* 0: no model is open */
};

void ui_prompt_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_prompt_data *data, int *top);

#endif
