/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_select.h"

#include <string.h>

#include "pane_transcript_parts.h"

/* --- places ----------------------------------------------------------------------------------- */

static const struct ui_block *block_of(struct ui_transcript *view,
                                       const struct ui_transcript_data *data, size_t index)
{
    return ui_transcript_shape_of(view, data, index).block;
}

/* The beginning of the last cluster. */
static size_t last_place(const struct ui_block *block)
{
    return block->plain.size > 0
               ? cf_text_prev_grapheme(block->plain.data, block->plain.size, block->plain.size)
               : 0;
}

/* Brings the ends back to what is there. */
static void clamp(struct ui_transcript *view, const struct ui_transcript_data *data,
                  struct ui_selection *selection)
{
    for (int i = 0; i < 2; i++) {
        if (selection->turn[i] >= data->n_turns) {
            selection->turn[i] = data->n_turns - 1;
            selection->byte[i] = SIZE_MAX;
        }
        size_t last = last_place(block_of(view, data, selection->turn[i]));
        selection->byte[i] = selection->byte[i] < last ? selection->byte[i] : last;
    }
}

static size_t row_of(const struct ui_block *block, size_t plain)
{
    size_t row = ui_wrap_row_of(&block->wrap, ui_block_to_shown(block, plain));
    return row < block->n_rows ? row : block->n_rows - 1;
}

static int column_of(const struct ui_block *block, size_t plain)
{
    const struct ui_row *row = &block->wrap.rows[row_of(block, plain)];
    size_t shown = ui_block_to_shown(block, plain);
    return shown > row->begin ? cf_text_width(block->shown.data + row->begin, shown - row->begin, 0)
                              : 0;
}

/* The place in row ROW of the block that is nearest to COLUMN. */
static size_t place_at(const struct ui_block *block, size_t row, int column)
{
    size_t shown = ui_wrap_byte_at(&block->wrap, block->shown.data, row, column);
    const struct ui_row *of = &block->wrap.rows[row];
    if (shown == of->end && shown > of->begin) {
        shown = cf_text_prev_grapheme(block->shown.data, of->end, of->end);
    }
    size_t plain = ui_block_to_plain(block, shown);
    size_t last = last_place(block);
    return plain < last ? plain : last;
}

static void show_cursor(struct ui_transcript *view, const struct ui_transcript_data *data,
                        const struct ui_selection *selection)
{
    view->selected = data->turns[selection->turn[1]]->id;
    view->selected_index = selection->turn[1];
    ui_transcript_show_plain(view, data, selection->turn[1], selection->byte[1]);
}

void ui_select_begin(struct ui_transcript *view, const struct ui_transcript_data *data,
                     struct ui_selection *selection, size_t index)
{
    assert(index < data->n_turns);
    struct place top = ui_transcript_top_place(view, data);
    struct shape shape = ui_transcript_shape_of(view, data, index);
    size_t head = shape.n - shape.n_text - shape.has_state;
    size_t row = 0;
    if (top.index == index && top.row > head) {
        row = top.row - head < shape.n_text ? top.row - head : shape.n_text - 1;
    }
    size_t byte = place_at(shape.block, row, 0);
    *selection = (struct ui_selection){.turn = {index, index},
                                       .byte = {byte, byte},
                                       .is_lines = selection->is_lines,
                                       .column = -1};
    show_cursor(view, data, selection);
}

/* --- moving ----------------------------------------------------------------------------------- */

void ui_select_rows(struct ui_transcript *view, const struct ui_transcript_data *data,
                    struct ui_selection *selection, int n)
{
    clamp(view, data, selection);
    size_t index = selection->turn[1];
    const struct ui_block *block = block_of(view, data, index);
    size_t from = row_of(block, selection->byte[1]);
    size_t row = from;
    if (selection->column < 0) {
        selection->column = column_of(block, selection->byte[1]);
    }
    for (; n < 0 && (row > 0 || index > 0); n++) {
        if (row > 0) {
            row--;
        } else {
            block = block_of(view, data, --index);
            row = block->n_rows - 1;
        }
    }
    for (; n > 0 && (row + 1 < block->n_rows || index + 1 < data->n_turns); n--) {
        if (row + 1 < block->n_rows) {
            row++;
        } else {
            block = block_of(view, data, ++index);
            row = 0;
        }
    }
    size_t byte = place_at(block, row, selection->column);
    /* A row of nothing but a mark has no place of its own. */
    while (index == selection->turn[1] && row < from && row > 0 && row_of(block, byte) >= from) {
        byte = place_at(block, --row, selection->column);
    }
    selection->turn[1] = index;
    selection->byte[1] = byte;
    show_cursor(view, data, selection);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* A cursor that goes over the messages as if they were one text. */
struct walk {
    struct ui_transcript *view;
    const struct ui_transcript_data *data;
    size_t turn;
    size_t byte;
    const struct ui_block *block;
};

static bool step_right(struct walk *walk)
{
    const struct cf_buf *plain = &walk->block->plain;
    size_t next = cf_text_next_grapheme(plain->data, plain->size, walk->byte);
    if (next < plain->size) {
        walk->byte = next;
        return true;
    }
    if (walk->turn + 1 == walk->data->n_turns) {
        return false;
    }
    walk->block = block_of(walk->view, walk->data, ++walk->turn);
    walk->byte = 0;
    return true;
}

static bool step_left(struct walk *walk)
{
    const struct cf_buf *plain = &walk->block->plain;
    if (walk->byte > 0) {
        walk->byte = cf_text_prev_grapheme(plain->data, plain->size, walk->byte);
        return true;
    }
    if (walk->turn == 0) {
        return false;
    }
    walk->block = block_of(walk->view, walk->data, --walk->turn);
    walk->byte = last_place(walk->block);
    return true;
}

static bool is_in_word(const struct walk *walk)
{
    return walk->byte < walk->block->plain.size && !is_space(walk->block->plain.data[walk->byte]);
}

static void to_word(struct walk *walk)
{
    size_t turn = walk->turn;
    while (walk->turn == turn && is_in_word(walk)) {
        if (!step_right(walk)) {
            return;
        }
    }
    while (!is_in_word(walk) && step_right(walk)) {
    }
}

/* To the last cluster of a word ahead. */
static void to_word_end(struct walk *walk)
{
    if (!step_right(walk)) {
        return;
    }
    while (!is_in_word(walk) && step_right(walk)) {
    }
    for (struct walk ahead = *walk;
         step_right(&ahead) && is_in_word(&ahead) && ahead.turn == walk->turn;) {
        *walk = ahead;
    }
}

static void to_word_back(struct walk *walk)
{
    if (!step_left(walk)) {
        return;
    }
    while (!is_in_word(walk) && step_left(walk)) {
    }
    for (struct walk ahead = *walk;
         step_left(&ahead) && is_in_word(&ahead) && ahead.turn == walk->turn;) {
        *walk = ahead;
    }
}

static void to_line_begin(struct walk *walk)
{
    while (walk->byte > 0 && walk->block->plain.data[walk->byte - 1] != '\n') {
        walk->byte--;
    }
}

static void to_line_end(struct walk *walk)
{
    const struct cf_buf *plain = &walk->block->plain;
    for (;;) {
        size_t next = cf_text_next_grapheme(plain->data, plain->size, walk->byte);
        if (next >= plain->size || plain->data[next] == '\n' || plain->data[walk->byte] == '\n') {
            return;
        }
        walk->byte = next;
    }
}

static void swap_ends(struct ui_selection *selection)
{
    size_t turn = selection->turn[0];
    size_t byte = selection->byte[0];
    selection->turn[0] = selection->turn[1];
    selection->byte[0] = selection->byte[1];
    selection->turn[1] = turn;
    selection->byte[1] = byte;
}

void ui_select_move(struct ui_transcript *view, const struct ui_transcript_data *data,
                    struct ui_selection *selection, enum ui_select_step step)
{
    clamp(view, data, selection);
    selection->column = -1;
    if (step == UI_STEP_OTHER_END) {
        swap_ends(selection);
        show_cursor(view, data, selection);
        return;
    }
    struct walk walk = {view, data, selection->turn[1], selection->byte[1],
                        block_of(view, data, selection->turn[1])};
    switch (step) {
    case UI_STEP_LEFT:
        step_left(&walk);
        break;
    case UI_STEP_RIGHT:
        step_right(&walk);
        break;
    case UI_STEP_WORD_BACK:
        to_word_back(&walk);
        break;
    case UI_STEP_WORD:
        to_word(&walk);
        break;
    case UI_STEP_WORD_END:
        to_word_end(&walk);
        break;
    case UI_STEP_LINE_BEGIN:
        to_line_begin(&walk);
        break;
    case UI_STEP_LINE_END:
        to_line_end(&walk);
        break;
    case UI_STEP_TOP:
        walk.turn = 0;
        walk.byte = 0;
        break;
    case UI_STEP_BOTTOM:
        walk.turn = data->n_turns - 1;
        walk.byte = last_place(block_of(view, data, walk.turn));
        break;
    case UI_STEP_OTHER_END:
        break;
    }
    selection->turn[1] = walk.turn;
    selection->byte[1] = walk.byte;
    show_cursor(view, data, selection);
}

/* --- what is selected ------------------------------------------------------------------------- */

bool ui_select_range(const struct ui_selection *selection, const struct ui_block *block,
                     size_t index, size_t *begin, size_t *end)
{
    const size_t *turn = selection->turn;
    int first =
        turn[0] < turn[1] || (turn[0] == turn[1] && selection->byte[0] <= selection->byte[1]) ? 0
                                                                                              : 1;
    if (index < turn[first] || index > turn[1 - first]) {
        return false;
    }
    const struct cf_buf *plain = &block->plain;
    *begin = index == turn[first] ? selection->byte[first] : 0;
    *end = plain->size;
    if (index == turn[1 - first] && selection->byte[1 - first] < plain->size) {
        *end = cf_text_next_grapheme(plain->data, plain->size, selection->byte[1 - first]);
    }
    *begin = *begin < *end ? *begin : *end;
    if (selection->is_lines) {
        while (*begin > 0 && plain->data[*begin - 1] != '\n') {
            (*begin)--;
        }
        while (*end < plain->size && (*end == 0 || plain->data[*end - 1] != '\n')) {
            (*end)++;
        }
    }
    return true;
}

void ui_select_copy(struct ui_transcript *view, const struct ui_transcript_data *data,
                    const struct ui_selection *selection, struct cf_buf *out)
{
    struct ui_selection sane = *selection;
    clamp(view, data, &sane);
    for (size_t i = 0; i < data->n_turns; i++) {
        size_t begin;
        size_t end;
        if (i < sane.turn[0] && i < sane.turn[1]) {
            continue;
        }
        if (i > sane.turn[0] && i > sane.turn[1]) {
            break;
        }
        const struct ui_block *block = block_of(view, data, i);
        if (ui_select_range(&sane, block, i, &begin, &end)) {
            const struct cf_chat_turn *turn = data->turns[i];
            size_t from = ui_block_raw(block, turn, begin);
            size_t to = ui_block_raw(block, turn, end);
            if (out->size > 0) {
                cf_buf_add_str(out, "\n\n");
            }
            cf_buf_add(out, turn->text + from, to - from);
        }
    }
    /* A line's own newline would send what is pasted into a shell. */
    if (sane.is_lines && out->size > 0 && out->data[out->size - 1] == '\n') {
        cf_buf_truncate(out, out->size - 1);
    }
}
