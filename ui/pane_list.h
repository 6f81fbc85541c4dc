/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_list: the conversations in groups by date, and at the bottom what is to be known of the one
 * in hand. */
#ifndef UI_PANE_LIST_H
#define UI_PANE_LIST_H

#include "chat.h"
#include "pane.h"

struct ui_list_data {
    const struct cf_chat_listing *listing;
    bool is_asked;         /* the answer has not come yet */
    int64_t now_ms;        /* for the dates */
    int64_t current;       /* id of the conversation that is on; 0: none */
    int64_t selected;      /* id of the row in hand; where it is not listed, the first is */
    const int64_t *tagged; /* ids marked to be dealt with together */
    size_t n_tagged;
    bool has_focus;
};

/* The reader's place: the row at the top is that of an item, or the heading before it, so that it
 * stays where it is when others come and go above. */
struct ui_list_view {
    int64_t top;
    bool is_heading;
};

void ui_list_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_list_data *data, struct ui_list_view *view);
/* The id of the conversation that is drawn in row Y of the grid; 0: none is. */
int64_t ui_list_at(struct ui_rect rect, const struct ui_list_data *data,
                   const struct ui_list_view *view, int y);

enum { UI_DATE_SIZE = 24, UI_GROUP_SIZE = 64 };
/* The time of day for today, day and month for this year, else the date; local time. */
void ui_date_format(char text[UI_DATE_SIZE], int64_t ms, int64_t now_ms);
/* "Today", "Yesterday", "This week", "Last week", "November 2026". */
void ui_date_group(char text[UI_GROUP_SIZE], int64_t ms, int64_t now_ms);

#endif
