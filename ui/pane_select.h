/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_select: a selection in the transcript, as in vim: by characters or by lines, from where it
 * began to where the cursor stands, both included, over any number of messages.  While there is one
 * messages are shown as they were written, so that what is copied is what is seen.
 *
 * Places are a message's index and a byte of its block's plain text, where a cluster begins.  DATA
 * has the selection in it.  A message that has gone or shrunk leaves its end at what is there. */
#ifndef UI_PANE_SELECT_H
#define UI_PANE_SELECT_H

#include "pane_transcript.h"

/* Begins one at message INDEX, at its first row in view. */
void ui_select_begin(struct ui_transcript *view, const struct ui_transcript_data *data,
                     struct ui_selection *selection, size_t index);

enum ui_select_step {
    UI_STEP_LEFT,
    UI_STEP_RIGHT,
    UI_STEP_WORD_BACK,
    UI_STEP_WORD,
    UI_STEP_WORD_END,
    UI_STEP_LINE_BEGIN,
    UI_STEP_LINE_END,
    UI_STEP_TOP, /* of the conversation */
    UI_STEP_BOTTOM,
    UI_STEP_OTHER_END,
};
/* Moves the cursor, and the view no further than needed to show it. */
void ui_select_move(struct ui_transcript *view, const struct ui_transcript_data *data,
                    struct ui_selection *selection, enum ui_select_step step);
/* By rows; up is negative. */
void ui_select_rows(struct ui_transcript *view, const struct ui_transcript_data *data,
                    struct ui_selection *selection, int n);

/* What of message INDEX is selected, as bytes of BLOCK's plain text; false: nothing. */
bool ui_select_range(const struct ui_selection *selection, const struct ui_block *block,
                     size_t index, size_t *begin, size_t *end);
/* Appends what is selected, raw; an empty line between messages. */
void ui_select_copy(struct ui_transcript *view, const struct ui_transcript_data *data,
                    const struct ui_selection *selection, struct cf_buf *out);

#endif
