/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_tree: the conversation's branches as a graph, a message a row: its lane, who wrote it, its
 * first words, and of a reply the settings, model and speed.  At the bottom the one in hand. */
#ifndef UI_PANE_TREE_H
#define UI_PANE_TREE_H

#include "chat.h"
#include "pane.h"

struct ui_tree_data {
    size_t n; /* rows */
    /* Row I, which is less than n. */
    void (*at)(void *context, size_t i, struct cf_chat_graph_row *row);
    void *context;
    const char *model; /* name, for replies that have none */
    size_t selected;
    int64_t tagged; /* id of the message marked for a comparison; 0: none */
};

/* *top is the first row shown, kept by the caller from one drawing to the next. */
void ui_tree_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_tree_data *data, int *top);
/* The row drawn in row Y of the grid; false: none is. */
bool ui_tree_at(struct ui_rect rect, const struct ui_tree_data *data, int top, int y, size_t *row);

#endif
