/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_transcript: the conversation, and the reader's place in it.
 *
 * Invariants:
 *  1. the reader's place never moves by itself: while it does not follow, the row at the top of the
 *     view stays where it is in its message, whatever is added below, removed, or resized;
 *  2. it follows when its end is in view, and then the end stays in view;
 *  3. only messages that are on the screen, or within one screen of its end, are laid out. */
#ifndef UI_PANE_TRANSCRIPT_H
#define UI_PANE_TRANSCRIPT_H

#include "pane.h"
#include "pane_block.h"
#include "pane_tint.h"

/* What a row of a message's place in the view is. */
enum ui_row_kind {
    UI_ROW_GAP,       /* between messages */
    UI_ROW_FORGOTTEN, /* "the model remembers nothing of what is above" */
    UI_ROW_DROPPED,   /* "the next message makes it forget what is above" */
    UI_ROW_TEXT,
    UI_ROW_STATE, /* 2/5, interrupted, ... */
};

struct ui_transcript {
    struct ui_blocks blocks;
    int width; /* of the last drawing */
    int height;
    bool is_scrolled; /* the reader has left the end */
    bool is_at_end;   /* nevertheless it is in view, since the last change of size: it follows */
    /* The row at the top of the view, while is_scrolled. */
    int64_t anchor_id;
    size_t anchor_index; /* of the message, for when its id is gone */
    enum ui_row_kind anchor_kind;
    size_t anchor_byte;                  /* of the block's plain text, for UI_ROW_TEXT */
    size_t anchor_before, anchor_behind; /* and how far from there, among what is only shown */
    /* What there was when following ended. */
    size_t n_seen_turns;
    size_t n_seen_tokens;
    int cursor_x, cursor_y; /* of a selection, in the last drawing; -1: not in view */
    int64_t selected;       /* id of the message in hand; 0: none */
    size_t selected_index;  /* where it was last: what stands there when its id is gone */
};

/* A selection (pane_select.h): where it began, where the cursor stands. */
struct ui_selection {
    size_t turn[2];
    size_t byte[2];
    bool is_lines; /* whole lines */
    int column;    /* that moves up and down keep to; -1: the cursor's */
};

struct ui_transcript_data {
    const struct cf_chat_turn *const *turns;
    size_t n_turns;
    const char *model;    /* name, for the label of its turns that have none */
    size_t first_visible; /* where the model's memory begins */
    bool has_focus;
    bool hides_marks;   /* of knobs turned */
    bool is_raw;        /* no Markdown; what is looked at token by token is raw always */
    bool is_held;       /* messages that wait do so until they are sent by hand */
    bool shows_unsaved; /* the disk refuses: say of which messages it does */
    /* How likely each token of turn TURN was; NULL: not to be shown. */
    const struct cf_turn_shade *(*shades)(void *context, size_t turn, size_t *n);
    void *context;
    const struct cf_chat_look *look;      /* the reply under the token cursor; NULL: none */
    size_t look_token;                    /* where it stands */
    const struct ui_selection *selection; /* NULL: none is being made */
    const char *query;                    /* words to show as found; NULL or "": none */
    const char *const *welcome;           /* lines for an empty conversation */
    size_t n_welcome;
};

/* Zero-initialised is empty and follows. */
void ui_transcript_release(struct ui_transcript *view);
/* Another conversation, or something new was said: back to its end, nothing selected. */
void ui_transcript_reset(struct ui_transcript *view);

void ui_transcript_draw(struct ui_transcript *view, const struct ui_paint *paint,
                        struct ui_rect rect, const struct ui_transcript_data *data);

/* What has come since the reader left the end, as "↓ 12 new tokens"; false: nothing. */
bool ui_transcript_news(const struct ui_transcript *view, const struct ui_transcript_data *data,
                        struct cf_buf *text);

/* Moves the view by rows of the last drawing; up is negative. */
void ui_transcript_scroll(struct ui_transcript *view, const struct ui_transcript_data *data,
                          int rows);
void ui_transcript_to_top(struct ui_transcript *view, const struct ui_transcript_data *data);
void ui_transcript_to_end(struct ui_transcript *view);

/* The index of the message in hand, or of the one that took its place (another alternative);
 * false when there is none. */
bool ui_transcript_selected(struct ui_transcript *view, const struct ui_transcript_data *data,
                            size_t *index);
/* Takes message INDEX in hand and moves the view no further than needed to show it. */
void ui_transcript_select(struct ui_transcript *view, const struct ui_transcript_data *data,
                          size_t index);
/* Takes message INDEX in hand and moves the view to its beginning, or its end. */
void ui_transcript_show_message(struct ui_transcript *view, const struct ui_transcript_data *data,
                                size_t index, bool is_end);
/* Moves the view no further than needed to show the byte BYTE of message INDEX's text. */
void ui_transcript_show_byte(struct ui_transcript *view, const struct ui_transcript_data *data,
                             size_t index, size_t byte);
/* The same of the plain text as it is laid out. */
void ui_transcript_show_plain(struct ui_transcript *view, const struct ui_transcript_data *data,
                              size_t index, size_t plain);
/* Takes a message in hand that is in view, the last one, unless the one in hand is. */
void ui_transcript_select_in_view(struct ui_transcript *view,
                                  const struct ui_transcript_data *data);

/* Whether the message holds all of QUERY, folded as the search index does. */
bool ui_transcript_matches(const struct cf_chat_turn *turn, const char *query);

#endif
