/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout: where everything stands on a screen of any size, down to 1x1.
 *
 * From top to bottom: header, rule, body, rule, input, footer; an answer or what Tab offers lies
 * over the bottom of the body, so that nothing moves when it comes and goes.  The body is the
 * list on the left, the transcript, and the knobs on the right, with a column for a line between
 * neighbours.  What has no room has width or height 0 and is not drawn.  Room is given up in this
 * order as the screen gets lower: rules, header, footer, transcript; the input line goes last.
 * Below UI_LAYOUT_NARROW columns the body shows one thing: the pane that has the focus, else the
 * transcript. */
#ifndef UI_LAYOUT_H
#define UI_LAYOUT_H

#include "grid.h"

enum { UI_LAYOUT_NARROW = 60 };

/* What the body may show. */
enum ui_pane {
    UI_PANE_TRANSCRIPT,
    UI_PANE_LIST,
    UI_PANE_KNOBS,
    UI_PANE_SEARCH,
    UI_PANE_HELP,
    UI_PANE_COMPARE,
    UI_PANE_TREE,
    UI_PANE_DIFF
};

struct ui_layout_want {
    int width;
    int height;
    bool has_list;      /* left pane open */
    bool has_knobs;     /* right pane open */
    enum ui_pane focus; /* search, help, comparison, tree and diff take the whole body then */
    int n_input_rows;   /* rows that the edited text takes at this width, at least 1 */
    int n_over_rows;    /* rows over the body's bottom that something would like, 0: none */
};

struct ui_layout {
    struct ui_rect header;
    struct ui_rect rule_above;
    struct ui_rect list;
    struct ui_rect list_line; /* the column between list and transcript */
    struct ui_rect transcript;
    struct ui_rect knobs_line;
    struct ui_rect knobs;
    struct ui_rect whole; /* the body's rectangle, for search and help */
    struct ui_rect rule_below;
    struct ui_rect over; /* over the bottom of whole and rule_below */
    struct ui_rect input;
    struct ui_rect footer;
};

/* Rectangles for WANT: they lie inside the screen and none overlaps another but over. */
void ui_layout_make(struct ui_layout *layout, const struct ui_layout_want *want);

#endif
