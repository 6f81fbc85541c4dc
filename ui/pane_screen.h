/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_screen: all panes put together: const data and the reader's places to one picture, the
 * input line left out (its owner draws it). */
#ifndef UI_PANE_SCREEN_H
#define UI_PANE_SCREEN_H

#include "layout.h"
#include "pane_compare.h"
#include "pane_diff.h"
#include "pane_footer.h"
#include "pane_help.h"
#include "pane_knobs.h"
#include "pane_list.h"
#include "pane_prompt.h"
#include "pane_search.h"
#include "pane_transcript.h"
#include "pane_tree.h"

/* The reader's place in each pane. */
struct ui_screen {
    struct ui_transcript transcript;
    struct ui_list_view list;
    int knobs_top;
    int search_top;
    int tree_top;
    int diff_top;
    int help_top;
    struct ui_compare_view compare;
};

struct ui_screen_data {
    bool has_list;
    bool has_knobs;
    enum ui_pane focus;
    int n_input_rows;
    struct ui_transcript_data transcript;
    struct ui_list_data list;
    struct ui_knobs_data knobs;
    struct ui_compare_data compare;
    const struct ui_prompt_data
        *prompt; /* instead of the help, while that has the focus; or NULL */
    struct ui_search_data search;
    struct ui_tree_data tree;
    struct ui_diff_data diff;
    struct ui_footer_data footer;        /* status, settings and keys of it serve all */
    const struct cf_completions *offers; /* NULL or empty: none */
    const char *answer;                  /* NULL: none; offers go before it */
    bool makes_room; /* the answer is about what the transcript shows, which ends above it */
};

void ui_screen_release(struct ui_screen *screen);
/* Clears the grid of PAINT and draws it; *layout says where the input line has its place. */
void ui_screen_draw(struct ui_screen *screen, const struct ui_paint *paint,
                    const struct ui_screen_data *data, struct ui_layout *layout);

#endif
