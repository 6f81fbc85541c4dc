/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds of markdown and pane_block for any bytes in any pieces; the test program and the fuzz
 * target both ask it. */
#ifndef MARKDOWN_CHECK_H
#define MARKDOWN_CHECK_H

#include <base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pane_block.h"

#define MARKDOWN_CHECK(truth)                                                                      \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            fprintf(stderr, "line %d\n", __LINE__);                                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Pieces cover what is shown and ascend; places go there and back. */
static inline void markdown_check_places(const struct ui_block *block)
{
    size_t shown = 0;
    size_t plain = 0;
    for (size_t i = 0; i < block->n_pieces; i++) {
        const struct ui_piece *piece = &block->pieces[i];
        MARKDOWN_CHECK(piece->shown == shown && piece->shown_end > shown);
        MARKDOWN_CHECK(piece->plain >= plain && piece->plain_end >= piece->plain);
        shown = piece->shown_end;
        plain = piece->plain_end;
    }
    MARKDOWN_CHECK(shown == block->shown.size && plain <= block->plain.size);
    MARKDOWN_CHECK(cf_text_is_safe(block->shown.data, block->shown.size));
    size_t before = 0;
    for (size_t at = 0; at <= block->plain.size; at++) {
        size_t there = ui_block_to_shown(block, at);
        MARKDOWN_CHECK(there >= before && there <= block->shown.size);
        MARKDOWN_CHECK(ui_block_to_shown(block, ui_block_to_plain(block, there)) == there);
        before = there;
    }
}

static inline void markdown_check_same(const struct ui_block *a, const struct ui_block *b)
{
    MARKDOWN_CHECK(a->shown.size == b->shown.size &&
                   memcmp(a->shown.data, b->shown.data, a->shown.size) == 0);
    MARKDOWN_CHECK(a->wrap.n_rows == b->wrap.n_rows && a->n_rows == b->n_rows);
    for (size_t i = 0; i < a->wrap.n_rows; i++) {
        const struct ui_row *left = &a->wrap.rows[i];
        const struct ui_row *right = &b->wrap.rows[i];
        MARKDOWN_CHECK(left->begin == right->begin && left->end == right->end &&
                       left->indent == right->indent && left->width == right->width);
        struct cf_cell_text cell;
        const char *text = a->shown.data + left->begin;
        MARKDOWN_CHECK(left->indent + left->width <= a->wrap.width ||
                       cf_text_next_cell(&cell, text, left->end - left->begin) ==
                           left->end - left->begin);
    }
}

/* A reply of these bytes that comes in pieces is, whole, what it is when it comes at once. */
static inline void markdown_check(const char *text, size_t size, int width, size_t step)
{
    struct ui_blocks grown = {0};
    struct ui_blocks whole = {0};
    struct cf_chat_turn turn = {.id = 1, .role = CF_ROLE_ASSISTANT, .text = text};
    ui_blocks_set_width(&grown, width);
    ui_blocks_set_width(&whole, width);
    turn.state = CF_TURN_STREAMING;
    for (; turn.size + step < size; turn.size += step) {
        const struct ui_block *block = ui_blocks_get(&grown, &turn, false);
        ui_wrap_assert_sane(&block->wrap);
        markdown_check_places(block);
    }
    turn.size = size;
    ui_blocks_get(&grown, &turn, false);
    turn.state = CF_TURN_COMPLETE;
    const struct ui_block *a = ui_blocks_get(&grown, &turn, false);
    const struct ui_block *b = ui_blocks_get(&whole, &turn, false);
    markdown_check_places(b);
    markdown_check_same(a, b);
    ui_markdown_assert_sane(&whole.markdown, b->plain.data, b->plain.size);
    ui_blocks_release(&grown);
    ui_blocks_release(&whole);
}

/* The first byte chooses width and pieces. */
static inline void markdown_check_bytes(const unsigned char *bytes, size_t size)
{
    if (size > 0) {
        size_t step = size / (1 + bytes[0] % 16U) + 1;
        markdown_check((const char *)bytes + 1, size - 1, 1 + bytes[0] / 4, step);
    }
}

#endif
