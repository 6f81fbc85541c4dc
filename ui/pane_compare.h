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

/* Draws into RECT; of a text that is too long its end is shown. */
void ui_compare_draw(const struct ui_paint *paint, struct ui_rect rect,
                     const struct ui_compare_data *data);
/* How many bytes both texts begin with, whole grapheme clusters. */
size_t ui_compare_common(const struct cf_chat_turn *left, const struct cf_chat_turn *right);

#endif
