/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_transcript_parts: what the transcript's places and its drawing share.  Private to
 * ui/pane_transcript*.c. */
#ifndef UI_PANE_TRANSCRIPT_PARTS_H
#define UI_PANE_TRANSCRIPT_PARTS_H

#include "pane_transcript.h"

/* A row of the transcript: of message INDEX, its row ROW. */
struct place {
    size_t index;
    size_t row;
};

/* A message's rows, in order: gap, lines about memory, text, state. */
struct shape {
    bool has_gap;
    bool has_forgotten;
    bool has_dropped;
    bool has_state;
    size_t n_text;
    size_t n; /* all of them */
    const struct ui_block *block;
};

/* Whether the turn is shown as it was written. */
bool ui_transcript_is_raw(const struct ui_transcript_data *data, const struct cf_chat_turn *turn);
struct shape ui_transcript_shape_of(struct ui_transcript *view,
                                    const struct ui_transcript_data *data, size_t index);
/* What row ROW of a message is; for UI_ROW_TEXT *row becomes the row of its text. */
enum ui_row_kind ui_transcript_kind_of(const struct shape *shape, size_t *row);
/* The row at the top of the view. */
struct place ui_transcript_top_place(struct ui_transcript *view,
                                     const struct ui_transcript_data *data);

/* Columns of the labels, with the blanks around them: the same for all messages, and for the same
 * model always. */
int ui_transcript_label_width(int width, const struct ui_transcript_data *data);
/* What the last row of a message says; nothing: there is no such row. */
void ui_transcript_describe_state(const struct cf_chat_turn *turn,
                                  const struct ui_transcript_data *data, struct cf_buf *text);

#endif
