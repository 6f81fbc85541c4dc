/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_tint: what of a turn's text is shown in a style of its own, token by token: how surprising
 * it was, what other settings would have cut, and where the token cursor stands. */
#ifndef UI_PANE_TINT_H
#define UI_PANE_TINT_H

#include "pane_block.h"
#include "theme.h"

/* Bytes of the block's shown text. */
struct ui_tint {
    size_t begin;
    size_t end;
    enum ui_style_name style;
};

/* Ascending, apart from each other. */
struct ui_tints {
    struct ui_tint *items;
    size_t n, capacity;
};

void ui_tints_release(struct ui_tints *tints);
/* The tints of TURN as BLOCK shows it.  SHADES may be NULL; LOOK, NULL or the one at this turn,
 * with the cursor on its token TOKEN.  Replaces what tints held. */
void ui_tints_make(struct ui_tints *tints, const struct ui_block *block,
                   const struct cf_chat_turn *turn, const struct cf_turn_shade *shades,
                   size_t n_shades, const struct cf_chat_look *look, size_t token);
/* The style at byte AT, FALLBACK where there is none; *end receives where that ends, at most what
 * it was. */
enum ui_style_name ui_tints_at(const struct ui_tints *tints, size_t at, size_t *end,
                               enum ui_style_name fallback);

/* Where the byte RAW of a turn's text stands in what BLOCK shows of it. */
size_t ui_block_shown(const struct ui_block *block, const struct cf_chat_turn *turn, size_t raw);
/* The byte of a turn's text whose rendering holds byte PLAIN of the block's plain text. */
size_t ui_block_raw(const struct ui_block *block, const struct cf_chat_turn *turn, size_t plain);
/* The style of a token of that probability: UI_STYLE_TEXT for a likely one. */
enum ui_style_name ui_shade_style(float p);

#endif
