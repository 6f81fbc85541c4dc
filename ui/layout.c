/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout.h"

#include <string.h>

enum {
    LIST_MIN = 24,
    KNOBS_MIN = 24,
    SIDE_MAX = 44,
    LIST_MAX = 60,
    TRANSCRIPT_MIN = 30, /* beside two open panes; below, the one without the focus gives way */
    FOOTER_FROM = 3,     /* heights from which these are there */
    HEADER_FROM = 4,
    RULES_FROM = 8,
};

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* A row's worth of rectangle at the top of what is left. */
static struct ui_rect take_top(struct ui_rect *left, int height)
{
    struct ui_rect rect = {left->x, left->y, left->width, height};
    left->y += height;
    left->height -= height;
    return rect;
}

static struct ui_rect take_bottom(struct ui_rect *left, int height)
{
    left->height -= height;
    return (struct ui_rect){left->x, left->y + left->height, left->width, height};
}

static struct ui_rect take_left(struct ui_rect *left, int width)
{
    struct ui_rect rect = {left->x, left->y, width, left->height};
    left->x += width;
    left->width -= width;
    return rect;
}

static struct ui_rect take_right(struct ui_rect *left, int width)
{
    left->width -= width;
    return (struct ui_rect){left->x + left->width, left->y, width, left->height};
}

/* One thing at a time: the pane that has the focus. */
static void split_narrow(struct ui_layout *layout, enum ui_pane focus)
{
    switch (focus) {
    case UI_PANE_LIST:
        layout->list = layout->whole;
        break;
    case UI_PANE_KNOBS:
        layout->knobs = layout->whole;
        break;
    case UI_PANE_TRANSCRIPT:
    case UI_PANE_SEARCH:
    case UI_PANE_HELP:
    case UI_PANE_COMPARE:
    case UI_PANE_TREE:
    case UI_PANE_DIFF:
        layout->transcript = layout->whole;
        break;
    }
}

static void split_wide(struct ui_layout *layout, const struct ui_layout_want *want)
{
    struct ui_rect left = layout->whole;
    int list_width = want->has_list ? clamp(want->width * 3 / 10, LIST_MIN, LIST_MAX) : 0;
    int knobs_width = want->has_knobs ? clamp(want->width * 3 / 10, KNOBS_MIN, SIDE_MAX) : 0;
    if (list_width > 0 && knobs_width > 0 &&
        left.width - list_width - knobs_width - 2 < TRANSCRIPT_MIN) {
        if (want->focus == UI_PANE_LIST) {
            knobs_width = 0;
        } else {
            list_width = 0;
        }
    }
    if (list_width > 0) {
        layout->list = take_left(&left, list_width);
        layout->list_line = take_left(&left, 1);
    }
    if (knobs_width > 0) {
        layout->knobs = take_right(&left, knobs_width);
        layout->knobs_line = take_right(&left, 1);
    }
    layout->transcript = left;
}

void ui_layout_make(struct ui_layout *layout, const struct ui_layout_want *want)
{
    memset(layout, 0, sizeof *layout);
    if (want->width < 1 || want->height < 1) {
        return;
    }
    int height = want->height;
    struct ui_rect left = {0, 0, want->width, height};
    if (height >= HEADER_FROM) {
        layout->header = take_top(&left, 1);
    }
    if (height >= RULES_FROM) {
        layout->rule_above = take_top(&left, 1);
    }
    if (height >= FOOTER_FROM) {
        layout->footer = take_bottom(&left, 1);
    }
    layout->input = take_bottom(&left, clamp(want->n_input_rows, 1, height < 3 ? 1 : height / 3));
    if (height >= RULES_FROM && left.height > 1) {
        layout->rule_below = take_bottom(&left, 1);
    }
    layout->whole = left;
    int room = left.height + layout->rule_below.height;
    int n_over = clamp(want->n_over_rows, 0, room > 2 ? room - 1 : room);
    layout->over = (struct ui_rect){0, left.y + room - n_over, want->width, n_over};
    if (want->width < UI_LAYOUT_NARROW) {
        split_narrow(layout, want->focus);
    } else if (want->focus == UI_PANE_SEARCH || want->focus == UI_PANE_HELP ||
               want->focus == UI_PANE_COMPARE || want->focus == UI_PANE_TREE ||
               want->focus == UI_PANE_DIFF) {
        layout->transcript = layout->whole;
    } else {
        split_wide(layout, want);
    }
}
