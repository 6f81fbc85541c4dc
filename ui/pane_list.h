/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_list: the conversations, and the hits of a search: rows of which one is in hand. */
#ifndef UI_PANE_LIST_H
#define UI_PANE_LIST_H

#include "chat.h"
#include "pane.h"

struct ui_list_data {
    const struct cf_chat_list_item *items;
    size_t n;
    bool is_asked;    /* the answer has not come yet */
    int64_t now_ms;   /* for the dates */
    int64_t current;  /* id of the conversation that is on; 0: none */
    int64_t selected; /* id of the row in hand */
    bool has_focus;
};

/* *top is the first row shown, kept by the caller from one drawing to the next. */
void ui_list_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_list_data *data, int *top);

struct ui_search_data {
    const struct cf_chat_hit *hits;
    size_t n;
    bool is_asked;
    int64_t now_ms;
    const char *query;
    size_t selected;
};
void ui_search_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_search_data *data, int *top);

enum { UI_DATE_SIZE = 24 };
/* The time of day for today, day and month for this year, else the date; local time. */
void ui_date_format(char text[UI_DATE_SIZE], int64_t ms, int64_t now_ms);

#endif
