/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane: what the panes have in common.  A pane is a function from const data to cells in a
 * rectangle of a grid; it knows no terminal, no chat and no time but what it is given.  Every
 * rectangle is allowed, also an empty one; nothing is drawn outside of it. */
#ifndef UI_PANE_H
#define UI_PANE_H

#include "grid.h"
#include "theme.h"

struct ui_paint {
    struct ui_grid *grid;
    const struct ui_theme *theme;
};

static inline struct ui_style ui_paint_style(const struct ui_paint *paint, enum ui_style_name name)
{
    return paint->theme->styles[name];
}

/* Draws TEXT, from anywhere, into one row from X to END (exclusive), made safe to show and cut with
 * "…" where it does not fit; returns the column behind it. */
int ui_pane_put(const struct ui_paint *paint, int x, int y, int end, const char *text,
                enum ui_style_name style);
/* The same, but it ends before END and begins at BEGIN or right of it. */
void ui_pane_put_right(const struct ui_paint *paint, int begin, int y, int end, const char *text,
                       enum ui_style_name style);

/* The first row to show, so that row SELECTED of N is within HEIGHT, moved from TOP no further than
 * needed. */
int ui_pane_scroll(int top, int selected, int n, int height);

/* A pane of rows below a heading, above what there is to say of the chosen one; what there is no
 * room for is empty. */
struct ui_pane_places {
    struct ui_rect heading, rows, detail;
};
/* A rectangle of 3 rows has a heading, one of DETAIL_FROM a detail of DETAIL_HEIGHT rows. */
struct ui_pane_places ui_pane_divide(struct ui_rect rect, int detail_from, int detail_height);

#endif
