/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_block: one turn of the transcript, broken into rows, and a cache of such turns, so that only
 * what is on the screen is laid out and a reply that streams is laid out at its end only.
 *
 * What is shown of a turn is its text made safe, with a thin mark such as "‹T 0.70 → 1.10›" at
 * every place where knobs were turned; marks that are few tokens apart count as one. */
#ifndef UI_PANE_BLOCK_H
#define UI_PANE_BLOCK_H

#include "buf.h"
#include "chat.h"
#include "text.h"
#include "wrap.h"

struct ui_span {
    size_t begin;
    size_t end;
};

/* Invariants: wrap is the layout of shown; marks lie inside shown, in order, apart. */
struct ui_block {
    int64_t id;
    uint32_t version;
    uint64_t last_used;  /* when it was last asked for */
    size_t size;         /* bytes of the turn's text that are in shown */
    size_t n_turn_marks; /* of the turn, when it was laid out */
    bool is_finished;    /* nothing is held back in safe */
    struct cf_buf shown;
    struct cf_text_safe safe;
    struct ui_span *marks;
    size_t n_marks;
    struct ui_wrap wrap;
    size_t n_rows; /* of wrap, without empty ones at the end; at least 1 */
};

enum { UI_BLOCKS_MAX = 256 };

struct ui_blocks {
    struct ui_block items[UI_BLOCKS_MAX];
    size_t n;
    uint64_t clock;
    int width;        /* of the text, columns; all are laid out for this one */
    bool hides_marks; /* what was turned is not shown */
};

/* Zero-initialised is empty. */
void ui_blocks_release(struct ui_blocks *blocks);
/* Columns for the text from now on. */
void ui_blocks_set_width(struct ui_blocks *blocks, int width);
/* Shows no marks from now on, or shows them again. */
void ui_blocks_hide_marks(struct ui_blocks *blocks, bool hides);
/* The turn laid out.  Valid until UI_BLOCKS_MAX others have been asked for. */
const struct ui_block *ui_blocks_get(struct ui_blocks *blocks, const struct cf_chat_turn *turn);

/* Appends what changed from one mark to the next, as in "T 0.70 → 1.10, top-p 0.90 → 0.80". */
void ui_block_describe_mark(const struct cf_sampling *from, const struct cf_sampling *to,
                            struct cf_buf *out);

/* Appends the settings of SAMPLING in which it differs from OTHER, as in "T 0.70  top-p 0.90". */
void ui_block_describe_settings(const struct cf_sampling *sampling, const struct cf_sampling *other,
                                struct cf_buf *out);

#endif
