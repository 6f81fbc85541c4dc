/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_tint.h"

#include <stdlib.h>

#include "mem.h"

void ui_tints_release(struct ui_tints *tints)
{
    free(tints->items);
    *tints = (struct ui_tints){0};
}

enum ui_style_name ui_shade_style(float p)
{
    return p < 0        ? UI_STYLE_TEXT
           : p >= 0.5F  ? UI_STYLE_TEXT
           : p >= 0.2F  ? UI_STYLE_SHADE_1
           : p >= 0.05F ? UI_STYLE_SHADE_2
           : p >= 0.01F ? UI_STYLE_SHADE_3
                        : UI_STYLE_SHADE_4;
}

/* From bytes of a turn's text to bytes shown, going forward. */
struct walk {
    const struct ui_block *block;
    const struct cf_chat_turn *turn;
    struct cf_text_safe safe;
    struct cf_buf out;
    size_t raw;
    size_t n_out; /* plain bytes up to raw */
};

static size_t walk_to(struct walk *walk, size_t raw)
{
    raw = raw < walk->turn->size ? raw : walk->turn->size;
    if (raw > walk->raw) {
        cf_buf_clear(&walk->out);
        cf_text_safe_add(&walk->safe, &walk->out, walk->turn->text + walk->raw, raw - walk->raw);
        if (raw == walk->turn->size && walk->block->is_finished) {
            cf_text_safe_finish(&walk->safe, &walk->out);
        }
        walk->n_out += walk->out.size;
        walk->raw = raw;
    }
    return ui_block_to_shown(walk->block, walk->n_out);
}

size_t ui_block_shown(const struct ui_block *block, const struct cf_chat_turn *turn, size_t raw)
{
    struct walk walk = {.block = block, .turn = turn, .out = CF_BUF_INIT};
    size_t shown = walk_to(&walk, raw);
    cf_buf_release(&walk.out);
    return shown;
}

size_t ui_block_raw(const struct ui_block *block, const struct cf_chat_turn *turn, size_t plain)
{
    if (plain >= block->plain.size) {
        return turn->size;
    }
    if (block->plain.size == turn->size) {
        return plain; /* what is made safe gets longer */
    }
    struct cf_text_safe safe = {.n_held = 0};
    struct cf_buf out = CF_BUF_INIT;
    size_t n_out = 0;
    size_t raw = 0;
    while (raw < turn->size) {
        uint32_t c;
        size_t n = cf_text_decode(&c, turn->text + raw, turn->size - raw);
        cf_buf_clear(&out);
        cf_text_safe_add(&safe, &out, turn->text + raw, n);
        n_out += out.size;
        if (n_out > plain) {
            break;
        }
        raw += n;
    }
    cf_buf_release(&out);
    return raw;
}

static void add(struct ui_tints *tints, size_t begin, size_t end, enum ui_style_name style)
{
    if (begin >= end || style == UI_STYLE_TEXT) {
        return;
    }
    if (tints->n == tints->capacity) {
        tints->capacity = tints->capacity > 0 ? 2 * tints->capacity : 64;
        tints->items = cf_realloc_array(tints->items, tints->capacity, sizeof tints->items[0]);
    }
    tints->items[tints->n++] = (struct ui_tint){begin, end, style};
}

static enum ui_style_name style_of_token(const struct cf_chat_look *look, size_t k, size_t token,
                                         bool is_shaded)
{
    const struct cf_chat_look_token *of = &look->tokens[k];
    if (k == token) {
        return UI_STYLE_CURSOR;
    }
    if (look->n_cut_if > 0 && of->p_if <= 0 && of->p_if > -1) {
        return UI_STYLE_CUT;
    }
    return is_shaded ? ui_shade_style(of->p_raw) : UI_STYLE_TEXT;
}

void ui_tints_make(struct ui_tints *tints, const struct ui_block *block,
                   const struct cf_chat_turn *turn, const struct cf_turn_shade *shades,
                   size_t n_shades, const struct cf_chat_look *look, size_t token)
{
    struct walk walk = {.block = block, .turn = turn, .out = CF_BUF_INIT};
    tints->n = 0;
    size_t begin = 0;
    size_t n = look != NULL ? look->n : n_shades;
    for (size_t k = 0; k < n; k++) {
        size_t end = walk_to(&walk, look != NULL ? look->tokens[k].end : shades[k].end);
        add(tints, begin, end,
            look != NULL ? style_of_token(look, k, token, shades != NULL)
                         : ui_shade_style(shades[k].p));
        begin = end > begin ? end : begin;
    }
    cf_buf_release(&walk.out);
}

enum ui_style_name ui_tints_at(const struct ui_tints *tints, size_t at, size_t *end,
                               enum ui_style_name fallback)
{
    /* The first that ends behind AT. */
    size_t low = 0;
    size_t high = tints->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tints->items[middle].end <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == tints->n) {
        return fallback;
    }
    const struct ui_tint *tint = &tints->items[low];
    if (tint->begin > at) {
        *end = tint->begin < *end ? tint->begin : *end;
        return fallback;
    }
    *end = tint->end < *end ? tint->end : *end;
    return tint->style;
}
