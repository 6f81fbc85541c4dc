/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_compare: two replies to one message in two columns, as they are written; what they have in
 * common at the beginning is faint.  Where two columns have no room they stand one above the other.
 */
#ifndef UI_PANE_COMPARE_H
#define UI_PANE_COMPARE_H

#include "chat.h"
#include "pane.h"

struct ui_compare_data {
    const struct cf_chat_turn *turns[2];
};

/* The reader's place, the same in both columns.  Zero-initialised follows the end of each. */
struct ui_compare_view {
    bool is_scrolled; /* the reader has left the end */
    int top;          /* row at the top of the columns; of one that ends before, its last ones */
    int height;       /* rows of text in a column, of the last drawing */
};

/* Draws into RECT. */
void ui_compare_draw(struct ui_compare_view *view, const struct ui_paint *paint,
                     struct ui_rect rect, const struct ui_compare_data *data);
/* Moves both columns by rows of the last drawing; up is negative. */
void ui_compare_scroll(struct ui_compare_view *view, int rows);
/* How many bytes both texts begin with, whole grapheme clusters. */
size_t ui_compare_common(const struct cf_chat_turn *left, const struct cf_chat_turn *right);

#endif
