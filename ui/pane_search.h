/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_search: the hits of a search, one of them in hand. */
#ifndef UI_PANE_SEARCH_H
#define UI_PANE_SEARCH_H

#include "chat.h"
#include "pane.h"

struct ui_search_data {
    const struct cf_chat_hit *hits;
    size_t n;
    bool is_asked;
    int64_t now_ms;
    const struct cf_chat_findings *findings;
    const char *query; /* as it was typed */
    size_t selected;
};
void ui_search_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_search_data *data, int *top);

/* Where the hits are drawn in RECT: a row each. */
struct ui_rect ui_search_rows(struct ui_rect rect);

#endif
