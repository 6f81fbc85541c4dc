/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for any bytes in any pieces: of text, wrap, grid and the decoder of the input.  Used
 * by the fuzz target and by a test that replays random texts. */
#ifndef TEXT_CHECK_H
#define TEXT_CHECK_H

#include <base.h>

#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "line_decode.h"
#include "text.h"
#include "wrap.h"

/* Ends the process, also where assert is compiled out. */
static inline void text_check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static inline void text_check_graphemes(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t next = cf_text_next_grapheme(text, size, at);
        text_check(next > at && next <= size);
        text_check(cf_text_prev_grapheme(text, size, next) == at);
        at = next;
    }
}

/* Cells cover the text; what fits and how wide it is agree. */
static inline void text_check_cells(const char *text, size_t size, int columns)
{
    struct cf_cell_text cell;
    size_t n = 0;
    for (size_t at = 0; at < size; at += n) {
        n = cf_text_next_cell(&cell, text + at, size - at);
        text_check(n > 0 && n <= size - at);
        text_check(cell.n_chars >= 0 && cell.n_chars <= CF_TEXT_CELL_CHARS);
        text_check((cell.n_chars == 0) == (cell.width == 0) && cell.width <= 2);
    }
    int used = 0;
    size_t n_fit = cf_text_fit(text, size, columns, &used);
    text_check(n_fit <= size && used <= columns && used == cf_text_width(text, n_fit, 0));
}

static inline void text_check_grid(const char *text, size_t size, int x)
{
    struct ui_grid grid = {0};
    ui_grid_resize(&grid, 13, 2);
    ui_grid_put(&grid, x - 3, 0, 12, text, size, UI_STYLE_PLAIN);
    ui_grid_put(&grid, 2, 0, 5, text + size / 2, size - size / 2, UI_STYLE_PLAIN);
    ui_grid_assert_sane(&grid);
    ui_grid_release(&grid);
}

/* Safe text and its rows are the same in pieces and at once. */
static inline void text_check_pieces(const char *text, size_t size, size_t n_piece, int width)
{
    struct cf_buf whole = CF_BUF_INIT;
    struct cf_buf pieces = CF_BUF_INIT;
    struct cf_text_safe safe = {0};
    struct ui_wrap once;
    struct ui_wrap grown;
    ui_wrap_init(&once, width);
    ui_wrap_init(&grown, width);
    cf_text_make_safe(&whole, text, size);
    for (size_t at = 0; at < size; at += n_piece) {
        cf_text_safe_add(&safe, &pieces, text + at, n_piece < size - at ? n_piece : size - at);
        ui_wrap_extend(&grown, pieces.data, pieces.size);
        ui_wrap_assert_sane(&grown);
    }
    cf_text_safe_finish(&safe, &pieces);
    ui_wrap_extend(&grown, pieces.data, pieces.size);
    ui_wrap_extend(&once, whole.data, whole.size);
    text_check(cf_text_is_safe(whole.data, whole.size));
    text_check(cf_text_is_valid(whole.data, whole.size));
    text_check(pieces.size == whole.size && memcmp(pieces.data, whole.data, whole.size) == 0);
    text_check(grown.n_rows == once.n_rows);
    for (size_t i = 0; i < once.n_rows; i++) {
        text_check(memcmp(&grown.rows[i].begin, &once.rows[i].begin, 3 * sizeof(size_t)) == 0);
        text_check(grown.rows[i].width == once.rows[i].width);
        text_check(grown.rows[i].is_hard == once.rows[i].is_hard);
    }
    ui_wrap_release(&once);
    ui_wrap_release(&grown);
    cf_buf_release(&whole);
    cf_buf_release(&pieces);
}

/* The decoder never stays stuck with anything but a paste. */
static inline void text_check_decoder(const char *bytes, size_t size, size_t n_piece)
{
    struct ui_decoder decoder;
    struct ui_input input;
    int64_t now_ms = 0;
    ui_decoder_init(&decoder, false);
    for (size_t at = 0; at < size; at += n_piece) {
        ui_decoder_add(&decoder, bytes + at, n_piece < size - at ? n_piece : size - at, now_ms);
        while (ui_decoder_next(&decoder, &input, now_ms)) {
            text_check(input.kind != UI_INPUT_PASTE ||
                       cf_text_is_valid(input.paste, input.paste_size));
        }
        now_ms += 30;
    }
    now_ms += 100000;
    while (ui_decoder_next(&decoder, &input, now_ms)) {
    }
    text_check(decoder.is_pasting || decoder.bytes.size == 0);
    ui_decoder_release(&decoder);
}

/* The first byte chooses sizes, the rest is the text. */
static inline void text_check_bytes(const uint8_t *bytes, size_t size)
{
    if (size < 2) {
        return;
    }
    const char *text = (const char *)bytes + 1;
    size--;
    size_t n_piece = 1 + bytes[0] % 5U;
    int width = 1 + bytes[0] / 5 % 24;
    uint8_t *breaks = malloc(size);
    text_check(breaks != NULL);
    cf_text_line_breaks(breaks, text, size);
    for (size_t i = 0; i < size; i++) {
        text_check((breaks[i] == CF_BREAK_MUST) == (i > 0 && text[i - 1] == '\n'));
    }
    free(breaks);
    text_check_graphemes(text, size);
    text_check_cells(text, size, width);
    text_check_grid(text, size, width);
    text_check_pieces(text, size, n_piece, width);
    text_check_decoder(text, size, n_piece);
}

#endif
