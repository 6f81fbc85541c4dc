/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_diff: two branches of a conversation as one text: what only the first one says in
 * [-brackets-], what only the second one says in {+braces+}, both coloured. */
#ifndef UI_PANE_DIFF_H
#define UI_PANE_DIFF_H

#include "chat.h"
#include "pane.h"

struct ui_diff_data {
    const struct cf_chat_diff *diff;
};

/* *top is the first row shown; it is kept within what there is. */
void ui_diff_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_diff_data *data, int *top);
/* The row of the next difference below row TOP, at a width (STEP 1), or above it (-1); TOP where
 * there is none. */
int ui_diff_next(const struct ui_diff_data *data, int width, int top, int step);

#endif
