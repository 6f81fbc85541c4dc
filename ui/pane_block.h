/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_block: one turn of the transcript, broken into rows, and a cache of such turns, so that only
 * what is on the screen is laid out and a reply that streams is laid out at its end only.
 *
 * What is shown of a turn is its text made safe (its plain text), as Markdown unless it is wanted
 * raw, with a thin mark such as "‹T 0.70 → 1.10›" at every place where knobs were turned; marks
 * that are few tokens apart count as one.  Pieces say which bytes of one are which of the other. */
#ifndef UI_PANE_BLOCK_H
#define UI_PANE_BLOCK_H

#include "buf.h"
#include "chat.h"
#include "markdown.h"
#include "text.h"
#include "wrap.h"

/* Flags of a piece beside enum ui_markdown_flag. */
enum { UI_PIECE_KNOBS = 1 << 15 };

struct ui_piece {
    size_t plain,
        plain_end; /* bytes of the plain text; as many as are shown, or others stand there */
    size_t shown, shown_end;
    unsigned flags;
};

/* Invariants: wrap is the layout of shown; pieces cover shown, in order, and ascend in plain. */
struct ui_block {
    int64_t id;
    uint32_t version;
    uint64_t last_used;  /* when it was last asked for */
    size_t size;         /* bytes of the turn's text that are in plain */
    size_t n_turn_marks; /* of the turn, when it was laid out */
    bool is_finished;    /* nothing is held back in safe */
    bool is_raw;         /* not rendered as Markdown */
    struct cf_buf plain;
    struct cf_buf shown;
    struct cf_text_safe safe;
    size_t *mark_places; /* in plain, of the turn's marks from the second on */
    struct ui_piece *pieces;
    size_t n_pieces, pieces_capacity;
    struct ui_hang *hangs;
    size_t n_hangs, hangs_capacity;
    struct ui_wrap wrap;
    size_t n_rows; /* of wrap, without empty ones at the end; at least 1 */
};

enum { UI_BLOCKS_MAX = 256 };

struct ui_blocks {
    struct ui_block items[UI_BLOCKS_MAX];
    size_t n;
    uint64_t clock;
    int width;           /* of the text, columns; all are laid out for this one */
    bool hides_marks;    /* what was turned is not shown */
    struct cf_buf shown; /* and pieces: of a block, while it is made */
    struct ui_markdown markdown;
};

/* Zero-initialised is empty. */
void ui_blocks_release(struct ui_blocks *blocks);
/* Columns for the text from now on. */
void ui_blocks_set_width(struct ui_blocks *blocks, int width);
/* Shows no marks from now on, or shows them again. */
void ui_blocks_hide_marks(struct ui_blocks *blocks, bool hides);
/* The turn laid out, as Markdown or raw.  Valid until UI_BLOCKS_MAX others have been asked for. */
const struct ui_block *ui_blocks_get(struct ui_blocks *blocks, const struct cf_chat_turn *turn,
                                     bool is_raw);

/* The piece at byte AT of shown; NULL behind the last. */
const struct ui_piece *ui_block_piece_at(const struct ui_block *block, size_t at);
/* Where byte PLAIN of the plain text is shown, or would be; and the other way round. */
size_t ui_block_to_shown(const struct ui_block *block, size_t plain);
size_t ui_block_to_plain(const struct ui_block *block, size_t shown);

/* Appends what changed from one mark to the next, as in "T 0.70 → 1.10, top-p 0.90 → 0.80". */
void ui_block_describe_mark(const struct cf_sampling *from, const struct cf_sampling *to,
                            struct cf_buf *out);

/* Appends the settings of SAMPLING in which it differs from OTHER, as in "T 0.70  top-p 0.90". */
void ui_block_describe_settings(const struct cf_sampling *sampling, const struct cf_sampling *other,
                                struct cf_buf *out);

#endif
