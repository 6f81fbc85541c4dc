/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_block.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Knobs turned within so many tokens of each other are shown as one mark. */
enum { MARK_GAP = 8 };

static void release_block(struct ui_block *block)
{
    cf_buf_release(&block->shown);
    free(block->marks);
    ui_wrap_release(&block->wrap);
}

void ui_blocks_release(struct ui_blocks *blocks)
{
    for (size_t i = 0; i < blocks->n; i++) {
        release_block(&blocks->items[i]);
    }
    *blocks = (struct ui_blocks){0};
}

/* All are to be laid out anew. */
static void forget(struct ui_blocks *blocks)
{
    const struct ui_blocks kept = {
        .clock = blocks->clock, .width = blocks->width, .hides_marks = blocks->hides_marks};
    ui_blocks_release(blocks);
    blocks->clock = kept.clock;
    blocks->width = kept.width;
    blocks->hides_marks = kept.hides_marks;
}

void ui_blocks_set_width(struct ui_blocks *blocks, int width)
{
    width = width < 1 ? 1 : width;
    if (blocks->width == width) {
        return;
    }
    forget(blocks);
    blocks->width = width;
}

void ui_blocks_hide_marks(struct ui_blocks *blocks, bool hides)
{
    if (blocks->hides_marks != hides) {
        forget(blocks);
        blocks->hides_marks = hides;
    }
}

static void describe_number(struct cf_buf *out, const char *name, int digits, double from,
                            double to)
{
    if (from < to || from > to) {
        cf_buf_addf(out, "%s%s %.*f → %.*f", out->size > 0 ? ", " : "", name, digits, from, digits,
                    to);
    }
}

static void describe_value(struct cf_buf *out, const char *name, int digits, double value,
                           double other)
{
    if (value < other || value > other) {
        cf_buf_addf(out, "%s%s %.*f", out->size > 0 ? "  " : "", name, digits, value);
    }
}

/* Calls SHOW for each setting that may differ, with its name and digits. */
static void
each_setting(const struct cf_sampling *a, const struct cf_sampling *b, struct cf_buf *out,
             void (*show)(struct cf_buf *out, const char *name, int digits, double a, double b))
{
    show(out, "T", 2, a->temperature, b->temperature);
    show(out, "top-p", 2, a->top_p, b->top_p);
    show(out, "top-k", 0, a->top_k, b->top_k);
    show(out, "min-p", 2, a->min_p, b->min_p);
    show(out, "typical-p", 2, a->typical_p, b->typical_p);
    show(out, "repeat", 2, a->repeat_penalty, b->repeat_penalty);
    show(out, "last-n", 0, a->repeat_last_n, b->repeat_last_n);
    show(out, "presence", 2, a->presence_penalty, b->presence_penalty);
    show(out, "frequency", 2, a->frequency_penalty, b->frequency_penalty);
}

void ui_block_describe_settings(const struct cf_sampling *sampling, const struct cf_sampling *other,
                                struct cf_buf *out)
{
    struct cf_buf text = CF_BUF_INIT;
    each_setting(sampling, other, &text, describe_value);
    cf_buf_add(out, text.data, text.size);
    cf_buf_release(&text);
}

void ui_block_describe_mark(const struct cf_sampling *from, const struct cf_sampling *to,
                            struct cf_buf *out)
{
    struct cf_buf text = CF_BUF_INIT;
    each_setting(from, to, &text, describe_number);
    cf_buf_add(out, text.data, text.size);
    cf_buf_release(&text);
}

/* The last mark of the group that begins with mark I: each at most MARK_GAP tokens behind the one
 * before. */
static size_t group_end(const struct cf_chat_turn *turn, size_t i)
{
    while (i + 1 < turn->n_marks && turn->marks[i + 1].begin - turn->marks[i].begin <= MARK_GAP) {
        i++;
    }
    return i;
}

static void add_mark(struct ui_block *block, const struct cf_sampling *from,
                     const struct cf_sampling *to)
{
    struct cf_buf text = CF_BUF_INIT;
    ui_block_describe_mark(from, to, &text);
    if (text.size > 0) {
        cf_text_safe_finish(&block->safe, &block->shown);
        struct ui_span span = {.begin = block->shown.size};
        cf_buf_addf(&block->shown, "‹%s›", text.data);
        span.end = block->shown.size;
        block->marks = cf_realloc_array(block->marks, block->n_marks + 1, sizeof block->marks[0]);
        block->marks[block->n_marks++] = span;
    }
    cf_buf_release(&text);
}

/* Adds the turn's text from block->size up to byte END. */
static void add_text(struct ui_block *block, const struct cf_chat_turn *turn, size_t end)
{
    if (end > block->size) {
        cf_text_safe_add(&block->safe, &block->shown, turn->text + block->size, end - block->size);
        block->size = end;
    }
}

static bool is_growing(const struct cf_chat_turn *turn)
{
    return turn->state == CF_TURN_STREAMING || turn->state == CF_TURN_WAITING;
}

/* Lays out what TURN has more than block. */
static void extend(const struct ui_blocks *blocks, struct ui_block *block,
                   const struct cf_chat_turn *turn)
{
    /* The first mark is what the reply began with. */
    for (size_t i = 1; i < turn->n_marks && !blocks->hides_marks;) {
        size_t last = group_end(turn, i);
        size_t offset = turn->marks[i].offset;
        if (block->n_turn_marks < turn->n_marks) {
            add_text(block, turn, offset < turn->size ? offset : turn->size);
            add_mark(block, &turn->marks[i - 1].sampling, &turn->marks[last].sampling);
        }
        i = last + 1;
    }
    block->n_turn_marks = turn->n_marks;
    add_text(block, turn, turn->size);
    if (!is_growing(turn) && !block->is_finished) {
        cf_text_safe_finish(&block->safe, &block->shown);
        block->is_finished = true;
    }
    ui_wrap_extend(&block->wrap, block->shown.data, block->shown.size);
    block->n_rows = block->wrap.n_rows;
    while (block->n_rows > 1 &&
           block->wrap.rows[block->n_rows - 1].begin == block->wrap.rows[block->n_rows - 1].end) {
        block->n_rows--;
    }
}

static void build(struct ui_blocks *blocks, struct ui_block *block, const struct cf_chat_turn *turn)
{
    block->id = turn->id;
    block->version = turn->version;
    block->size = 0;
    block->n_turn_marks = 0;
    block->is_finished = false;
    cf_buf_clear(&block->shown);
    block->safe = (struct cf_text_safe){0};
    block->n_marks = 0;
    ui_wrap_reset(&block->wrap, blocks->width);
    extend(blocks, block, turn);
}

/* Room for one more block: a new one, or that which was not asked for the longest. */
static struct ui_block *take_block(struct ui_blocks *blocks)
{
    if (blocks->n < UI_BLOCKS_MAX) {
        struct ui_block *block = &blocks->items[blocks->n++];
        *block = (struct ui_block){.shown = CF_BUF_INIT};
        ui_wrap_init(&block->wrap, blocks->width);
        return block;
    }
    size_t oldest = 0;
    for (size_t i = 1; i < blocks->n; i++) {
        if (blocks->items[i].last_used < blocks->items[oldest].last_used) {
            oldest = i;
        }
    }
    return &blocks->items[oldest];
}

const struct ui_block *ui_blocks_get(struct ui_blocks *blocks, const struct cf_chat_turn *turn)
{
    struct ui_block *block = NULL;
    for (size_t i = 0; i < blocks->n && block == NULL; i++) {
        if (blocks->items[i].id == turn->id) {
            block = &blocks->items[i];
        }
    }
    if (block == NULL) {
        block = take_block(blocks);
        build(blocks, block, turn);
    } else if (block->version != turn->version || block->size > turn->size ||
               block->n_turn_marks != turn->n_marks ||
               (block->is_finished && block->size != turn->size)) {
        build(blocks, block, turn);
    } else if (block->size != turn->size || (!is_growing(turn) && !block->is_finished)) {
        extend(blocks, block, turn);
    }
    block->last_used = ++blocks->clock;
    return block;
}
