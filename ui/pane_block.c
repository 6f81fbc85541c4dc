/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_block.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* A held key turns a knob at every token: what is turned within so many tokens is one mark. */
enum { MARK_SPAN = 4 };

static void release_block(struct ui_block *block)
{
    cf_buf_release(&block->plain);
    cf_buf_release(&block->shown);
    free(block->mark_places);
    free(block->pieces);
    free(block->hangs);
    ui_wrap_release(&block->wrap);
}

void ui_blocks_release(struct ui_blocks *blocks)
{
    for (size_t i = 0; i < blocks->n; i++) {
        release_block(&blocks->items[i]);
    }
    ui_markdown_release(&blocks->markdown);
    cf_buf_release(&blocks->shown);
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

/* The last mark of the group that begins with mark I. */
static size_t group_end(const struct cf_chat_turn *turn, size_t i)
{
    size_t end = i;
    while (end + 1 < turn->n_marks &&
           turn->marks[end + 1].begin - turn->marks[i].begin < MARK_SPAN) {
        end++;
    }
    return end;
}

/* Adds the turn's text from block->size up to byte END. */
static void add_text(struct ui_block *block, const struct cf_chat_turn *turn, size_t end)
{
    if (end > block->size) {
        cf_text_safe_add(&block->safe, &block->plain, turn->text + block->size, end - block->size);
        block->size = end;
    }
}

static bool is_growing(const struct cf_chat_turn *turn)
{
    return turn->state == CF_TURN_STREAMING || turn->state == CF_TURN_WAITING;
}

/* --- what is shown ---------------------------------------------------------------------------- */

/* A block's shown text, while it is made. */
struct compose {
    struct ui_blocks *blocks;
    struct ui_block *block;
    const struct cf_chat_turn *turn;
    size_t mark; /* the next of the turn's marks */
    size_t n_pieces, n_hangs;
    size_t hangs_from; /* byte of shown from which lines hang otherwise than they did */
};

static void add_piece(struct compose *compose, struct ui_piece piece)
{
    struct ui_block *block = compose->block;
    if (compose->n_pieces == block->pieces_capacity) {
        block->pieces_capacity = block->pieces_capacity > 0 ? 2 * block->pieces_capacity : 8;
        block->pieces =
            cf_realloc_array(block->pieces, block->pieces_capacity, sizeof block->pieces[0]);
    }
    block->pieces[compose->n_pieces++] = piece;
}

/* Shows TEXT, which stands for the plain bytes from PLAIN to PLAIN_END. */
static void put(struct compose *compose, const char *text, size_t size, size_t plain,
                size_t plain_end, unsigned flags)
{
    if (size > 0) {
        struct cf_buf *shown = &compose->blocks->shown;
        struct ui_piece piece = {plain, plain_end, shown->size, shown->size + size, flags};
        add_piece(compose, piece);
        cf_buf_add(shown, text, size);
    }
}

/* Shows the marks of knobs turned up to PLAIN. */
static void put_marks(struct compose *compose, size_t plain)
{
    const struct cf_chat_turn *turn = compose->turn;
    while (compose->mark < turn->n_marks && !compose->blocks->hides_marks) {
        size_t place = compose->block->mark_places[compose->mark];
        if (place > plain) {
            return;
        }
        size_t last = group_end(turn, compose->mark);
        struct cf_buf text = CF_BUF_INIT;
        ui_block_describe_mark(&turn->marks[compose->mark - 1].sampling,
                               &turn->marks[last].sampling, &text);
        if (text.size > 0) {
            struct cf_buf mark = CF_BUF_INIT;
            cf_buf_addf(&mark, "‹%s›", text.data);
            put(compose, mark.data, mark.size, place, place, UI_PIECE_KNOBS);
            cf_buf_release(&mark);
        }
        cf_buf_release(&text);
        compose->mark = last + 1;
    }
}

/* Shows the plain text from PLAIN to END as it is, with the marks within. */
static void put_plain(struct compose *compose, size_t plain, size_t end, unsigned flags)
{
    const struct ui_block *block = compose->block;
    while (plain < end) {
        put_marks(compose, plain);
        size_t stop = end;
        if (compose->mark < compose->turn->n_marks && !compose->blocks->hides_marks &&
            block->mark_places[compose->mark] < end) {
            stop = block->mark_places[compose->mark];
        }
        put(compose, block->plain.data + plain, stop - plain, plain, stop, flags);
        plain = stop;
    }
}

/* A line across, from here to the edge. */
static void put_rule(struct compose *compose, const struct ui_markdown_span *span)
{
    const struct cf_buf *shown = &compose->blocks->shown;
    size_t begin = shown->size;
    while (begin > 0 && shown->data[begin - 1] != '\n') {
        begin--;
    }
    int width = cf_text_width(shown->data + begin, shown->size - begin, 0);
    struct cf_buf rule = CF_BUF_INIT;
    do {
        cf_buf_add_str(&rule, "─");
    } while (++width < compose->blocks->width);
    put(compose, rule.data, rule.size, span->begin, span->end, span->flags);
    cf_buf_release(&rule);
}

static void put_span(struct compose *compose, const struct ui_markdown_span *span)
{
    switch ((enum ui_markdown_kind)span->kind) {
    case UI_MARKDOWN_SHOWN:
        put_plain(compose, span->begin, span->end, span->flags);
        break;
    case UI_MARKDOWN_HIDDEN:
        break;
    case UI_MARKDOWN_SIGN:
        put_marks(compose, span->begin);
        put(compose, span->sign, strlen(span->sign), span->begin, span->end, span->flags);
        break;
    case UI_MARKDOWN_RULE:
        put_marks(compose, span->begin);
        put_rule(compose, span);
        break;
    }
}

/* Lines hang otherwise from byte AT on. */
static void note_hang(struct compose *compose, size_t at)
{
    compose->hangs_from = at < compose->hangs_from ? at : compose->hangs_from;
}

static void add_hang(struct compose *compose, struct ui_hang hang)
{
    struct ui_block *block = compose->block;
    const struct ui_hang *last = compose->n_hangs > 0 ? &block->hangs[compose->n_hangs - 1] : NULL;
    if (hang.indent == (last != NULL ? last->indent : 0) &&
        hang.is_cut == (last != NULL && last->is_cut)) {
        return;
    }
    if (compose->n_hangs == block->hangs_capacity) {
        block->hangs_capacity = block->hangs_capacity > 0 ? 2 * block->hangs_capacity : 8;
        block->hangs =
            cf_realloc_array(block->hangs, block->hangs_capacity, sizeof block->hangs[0]);
    }
    struct ui_hang *place = &block->hangs[compose->n_hangs];
    bool is_known = compose->n_hangs++ < block->n_hangs;
    if (is_known && (place->begin != hang.begin || place->indent != hang.indent ||
                     place->is_cut != hang.is_cut)) {
        note_hang(compose, place->begin);
        is_known = false;
    }
    if (!is_known) {
        note_hang(compose, hang.begin);
    }
    *place = hang;
}

static void put_markdown(struct compose *compose)
{
    const struct ui_markdown *markdown = &compose->blocks->markdown;
    const struct cf_buf *shown = &compose->blocks->shown;
    size_t line = 0; /* the next line whose prefix is to end */
    size_t line_shown = 0;
    for (size_t i = 0; i < markdown->n_spans; i++) {
        const struct ui_markdown_span *span = &markdown->spans[i];
        if (line < markdown->n_lines && markdown->lines[line].begin == span->begin &&
            (i == 0 || span[-1].begin < span->begin)) {
            line_shown = shown->size;
        }
        bool is_prefix = line < markdown->n_lines && span->end <= markdown->lines[line].hang &&
                         span->begin >= markdown->lines[line].begin;
        if (line < markdown->n_lines && !is_prefix && span->begin >= markdown->lines[line].begin) {
            const struct ui_hang hang = {
                line_shown, cf_text_width(shown->data + line_shown, shown->size - line_shown, 0),
                markdown->lines[line].is_code};
            add_hang(compose, hang);
            line++;
        }
        put_span(compose, span);
    }
}

/* Makes what is shown of plain, and lays it out from where it is another. */
static void compose_block(struct ui_blocks *blocks, struct ui_block *block,
                          const struct cf_chat_turn *turn)
{
    struct compose compose = {
        .blocks = blocks, .block = block, .turn = turn, .mark = 1, .hangs_from = SIZE_MAX};
    struct cf_buf before = block->shown;
    if (blocks->shown.data == NULL) {
        blocks->shown = CF_BUF_INIT;
    }
    cf_buf_clear(&blocks->shown);
    if (block->is_raw || !ui_markdown_render(&blocks->markdown, block->plain.data,
                                             block->plain.size, is_growing(turn))) {
        put_plain(&compose, 0, block->plain.size, 0);
    } else {
        put_markdown(&compose);
    }
    put_marks(&compose, SIZE_MAX);
    if (compose.n_hangs < block->n_hangs) {
        note_hang(&compose, block->hangs[compose.n_hangs].begin);
    }
    block->n_pieces = compose.n_pieces;
    block->n_hangs = compose.n_hangs;
    block->shown = blocks->shown;
    blocks->shown = before;
    size_t same = 0;
    while (same < before.size && same < block->shown.size &&
           before.data[same] == block->shown.data[same]) {
        same++;
    }
    same = same < compose.hangs_from ? same : compose.hangs_from;
    if (same < before.size) {
        ui_wrap_cut(&block->wrap, same);
    }
    block->wrap.hangs = block->hangs;
    block->wrap.n_hangs = block->n_hangs;
    ui_wrap_extend(&block->wrap, block->shown.data, block->shown.size);
    block->n_rows = block->wrap.n_rows;
    while (block->n_rows > 1 &&
           block->wrap.rows[block->n_rows - 1].begin == block->wrap.rows[block->n_rows - 1].end) {
        block->n_rows--;
    }
}

/* Lays out what TURN has more than block. */
static void extend(struct ui_blocks *blocks, struct ui_block *block,
                   const struct cf_chat_turn *turn)
{
    add_text(block, turn, turn->size);
    if (!is_growing(turn) && !block->is_finished) {
        cf_text_safe_finish(&block->safe, &block->plain);
        block->is_finished = true;
    }
    compose_block(blocks, block, turn);
}

static void build(struct ui_blocks *blocks, struct ui_block *block, const struct cf_chat_turn *turn,
                  bool is_raw)
{
    block->id = turn->id;
    block->version = turn->version;
    block->size = 0;
    block->n_turn_marks = turn->n_marks;
    block->is_finished = false;
    block->is_raw = is_raw;
    cf_buf_clear(&block->plain);
    cf_buf_clear(&block->shown);
    block->safe = (struct cf_text_safe){0};
    block->mark_places =
        cf_realloc_array(block->mark_places, turn->n_marks + 1, sizeof block->mark_places[0]);
    /* The first mark is what the reply began with. */
    for (size_t i = 1; i < turn->n_marks; i++) {
        size_t offset = turn->marks[i].offset;
        add_text(block, turn, offset < turn->size ? offset : turn->size);
        block->mark_places[i] = block->plain.size;
    }
    ui_wrap_reset(&block->wrap, blocks->width);
    extend(blocks, block, turn);
}

/* --- places ----------------------------------------------------------------------------------- */

const struct ui_piece *ui_block_piece_at(const struct ui_block *block, size_t at)
{
    size_t low = 0;
    size_t high = block->n_pieces;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (block->pieces[middle].shown_end <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < block->n_pieces ? &block->pieces[low] : NULL;
}

size_t ui_block_to_shown(const struct ui_block *block, size_t plain)
{
    size_t low = 0;
    size_t high = block->n_pieces;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (block->pieces[middle].plain_end <= plain) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* What is only added stands for nothing. */
    while (low < block->n_pieces && block->pieces[low].plain == block->pieces[low].plain_end) {
        low++;
    }
    if (low == block->n_pieces) {
        return block->shown.size;
    }
    const struct ui_piece *piece = &block->pieces[low];
    bool is_inside =
        plain > piece->plain && piece->plain_end - piece->plain == piece->shown_end - piece->shown;
    return piece->shown + (is_inside ? plain - piece->plain : 0);
}

size_t ui_block_to_plain(const struct ui_block *block, size_t shown)
{
    const struct ui_piece *piece = ui_block_piece_at(block, shown);
    if (piece == NULL) {
        return block->plain.size;
    }
    bool is_same = piece->plain_end - piece->plain == piece->shown_end - piece->shown;
    return piece->plain + (is_same ? shown - piece->shown : 0);
}

/* --- the cache -------------------------------------------------------------------------------- */

/* Room for one more block: a new one, or that which was not asked for the longest. */
static struct ui_block *take_block(struct ui_blocks *blocks)
{
    if (blocks->n < UI_BLOCKS_MAX) {
        struct ui_block *block = &blocks->items[blocks->n++];
        *block = (struct ui_block){.plain = CF_BUF_INIT, .shown = CF_BUF_INIT};
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

const struct ui_block *ui_blocks_get(struct ui_blocks *blocks, const struct cf_chat_turn *turn,
                                     bool is_raw)
{
    struct ui_block *block = NULL;
    for (size_t i = 0; i < blocks->n && block == NULL; i++) {
        if (blocks->items[i].id == turn->id) {
            block = &blocks->items[i];
        }
    }
    if (block == NULL) {
        block = take_block(blocks);
        build(blocks, block, turn, is_raw);
    } else if (block->version != turn->version || block->size > turn->size ||
               block->n_turn_marks != turn->n_marks || block->is_raw != is_raw ||
               (block->is_finished && block->size != turn->size)) {
        build(blocks, block, turn, is_raw);
    } else if (block->size != turn->size || (!is_growing(turn) && !block->is_finished)) {
        extend(blocks, block, turn);
    }
    block->last_used = ++blocks->clock;
    return block;
}
