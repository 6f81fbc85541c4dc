/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_transcript.h"

#include <string.h>
#include <strings.h>

#include "pane_transcript_parts.h"

void ui_transcript_release(struct ui_transcript *view)
{
    ui_blocks_release(&view->blocks);
    *view = (struct ui_transcript){0};
}

void ui_transcript_reset(struct ui_transcript *view)
{
    view->is_scrolled = false;
    view->selected = 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

bool ui_transcript_is_raw(const struct ui_transcript_data *data, const struct cf_chat_turn *turn)
{
    return data->is_raw || data->selection != NULL || data->shades != NULL ||
           (data->look != NULL && data->look->message == turn->id);
}

struct shape ui_transcript_shape_of(struct ui_transcript *view,
                                    const struct ui_transcript_data *data, size_t index)
{
    const struct cf_chat_turn *turn = data->turns[index];
    struct cf_buf state = CF_BUF_INIT;
    ui_transcript_describe_state(turn, data, &state);
    struct shape shape = {
        .has_gap = index > 0,
        .has_forgotten = index > 0 && index == data->first_visible,
        .has_dropped = index > 0 && data->turns[index - 1]->is_dropped_next &&
                       !turn->is_dropped_next && index != data->first_visible,
        .has_state = state.size > 0,
        .block = ui_blocks_get(&view->blocks, turn, ui_transcript_is_raw(data, turn)),
    };
    cf_buf_release(&state);
    shape.n_text = shape.block->n_rows;
    shape.n =
        shape.n_text + shape.has_gap + shape.has_forgotten + shape.has_dropped + shape.has_state;
    return shape;
}

enum ui_row_kind ui_transcript_kind_of(const struct shape *shape, size_t *row)
{
    const struct {
        bool is_there;
        enum ui_row_kind kind;
    } head[] = {{shape->has_gap, UI_ROW_GAP},
                {shape->has_forgotten, UI_ROW_FORGOTTEN},
                {shape->has_dropped, UI_ROW_DROPPED}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(head); i++) {
        if (head[i].is_there && (*row)-- == 0) {
            *row = 0;
            return head[i].kind;
        }
    }
    return *row < shape->n_text ? UI_ROW_TEXT : UI_ROW_STATE;
}

/* Moves PLACE by up to N rows, up when negative; stops at the first and the last row. */
static struct place move(struct ui_transcript *view, const struct ui_transcript_data *data,
                         struct place place, int n)
{
    while (n < 0) {
        if (place.row >= (size_t)-n) {
            place.row -= (size_t)-n;
            return place;
        }
        n += (int)place.row;
        place.row = 0;
        if (place.index == 0) {
            return place;
        }
        place.index--;
        place.row = ui_transcript_shape_of(view, data, place.index).n - 1;
        n++;
    }
    while (n > 0) {
        size_t left = ui_transcript_shape_of(view, data, place.index).n - 1 - place.row;
        if ((size_t)n <= left) {
            place.row += (size_t)n;
            return place;
        }
        if (place.index + 1 == data->n_turns) {
            place.row += left;
            return place;
        }
        n -= (int)left + 1;
        place.index++;
        place.row = 0;
    }
    return place;
}

static bool is_before(struct place a, struct place b)
{
    return a.index != b.index ? a.index < b.index : a.row < b.row;
}

/* The top row of a view that ends with the last row. */
static struct place end_place(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    size_t last = data->n_turns - 1;
    struct place place = {last, ui_transcript_shape_of(view, data, last).n - 1};
    return move(view, data, place, -(view->height > 1 ? view->height - 1 : 0));
}

static bool find_turn(const struct ui_transcript_data *data, int64_t id, size_t *index)
{
    for (size_t i = data->n_turns; i-- > 0;) {
        if (data->turns[i]->id == id) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* The row of the block that the anchor names. */
static size_t anchor_row(const struct ui_transcript *view, const struct ui_block *block)
{
    size_t shown = ui_block_to_shown(block, view->anchor_byte);
    if (view->anchor_before > 0) {
        shown -= view->anchor_before < shown ? view->anchor_before : shown;
    }
    return ui_wrap_row_of(&block->wrap, shown + view->anchor_behind);
}

/* The row that the anchor names now. */
static struct place anchor_place(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    struct place place = {0, 0};
    if (!find_turn(data, view->anchor_id, &place.index)) {
        place.index = view->anchor_index < data->n_turns ? view->anchor_index : data->n_turns - 1;
    }
    struct shape shape = ui_transcript_shape_of(view, data, place.index);
    size_t head = (size_t)shape.has_gap + shape.has_forgotten + shape.has_dropped;
    switch (view->anchor_kind) {
    case UI_ROW_GAP:
        break;
    case UI_ROW_FORGOTTEN:
    case UI_ROW_DROPPED:
        place.row = head > 0 ? head - 1 : 0;
        break;
    case UI_ROW_TEXT: {
        size_t row = anchor_row(view, shape.block);
        place.row = head + (row < shape.n_text ? row : shape.n_text - 1);
        break;
    }
    case UI_ROW_STATE:
        place.row = shape.n - 1;
        break;
    }
    return place;
}

static void set_anchor(struct ui_transcript *view, const struct ui_transcript_data *data,
                       struct place place)
{
    struct shape shape = ui_transcript_shape_of(view, data, place.index);
    size_t row = place.row;
    view->anchor_id = data->turns[place.index]->id;
    view->anchor_index = place.index;
    view->anchor_kind = ui_transcript_kind_of(&shape, &row);
    view->anchor_byte = 0;
    view->anchor_before = 0;
    view->anchor_behind = 0;
    if (view->anchor_kind == UI_ROW_TEXT) {
        size_t begin = shape.block->wrap.rows[row].begin;
        view->anchor_byte = ui_block_to_plain(shape.block, begin);
        size_t shown = ui_block_to_shown(shape.block, view->anchor_byte);
        view->anchor_before = shown > begin ? shown - begin : 0;
        view->anchor_behind = begin > shown ? begin - shown : 0;
    }
}

/* Remembers how much there was, for ui_transcript_news. */
static void note_seen(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    view->n_seen_turns = data->n_turns;
    view->n_seen_tokens = data->turns[data->n_turns - 1]->n_tokens;
}

struct place ui_transcript_top_place(struct ui_transcript *view,
                                     const struct ui_transcript_data *data)
{
    struct place end = end_place(view, data);
    if (!view->is_scrolled) {
        return end;
    }
    struct place place = anchor_place(view, data);
    if (view->is_at_end || !is_before(place, end)) {
        view->is_at_end = true;
        note_seen(view, data);
        return end;
    }
    return place;
}

/* Puts the top of the view at PLACE. */
static void show_from(struct ui_transcript *view, const struct ui_transcript_data *data,
                      struct place place)
{
    if (!is_before(place, end_place(view, data))) {
        view->is_scrolled = false;
        return;
    }
    if (!view->is_scrolled) {
        note_seen(view, data);
    }
    view->is_scrolled = true;
    view->is_at_end = false;
    set_anchor(view, data, place);
}

void ui_transcript_scroll(struct ui_transcript *view, const struct ui_transcript_data *data,
                          int rows)
{
    if (data->n_turns > 0) {
        show_from(view, data, move(view, data, ui_transcript_top_place(view, data), rows));
    }
}

void ui_transcript_to_top(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    if (data->n_turns > 0) {
        show_from(view, data, (struct place){0, 0});
    }
}

void ui_transcript_to_end(struct ui_transcript *view)
{
    view->is_scrolled = false;
}

bool ui_transcript_selected(struct ui_transcript *view, const struct ui_transcript_data *data,
                            size_t *index)
{
    if (view->selected == 0 || data->n_turns == 0) {
        return false;
    }
    if (!find_turn(data, view->selected, &view->selected_index)) {
        size_t last = data->n_turns - 1;
        view->selected_index = view->selected_index < last ? view->selected_index : last;
        view->selected = data->turns[view->selected_index]->id;
    }
    *index = view->selected_index;
    return true;
}

void ui_transcript_select(struct ui_transcript *view, const struct ui_transcript_data *data,
                          size_t index)
{
    assert(index < data->n_turns);
    view->selected = data->turns[index]->id;
    view->selected_index = index;
    struct place top = ui_transcript_top_place(view, data);
    struct place bottom = move(view, data, top, view->height > 1 ? view->height - 1 : 0);
    struct shape shape = ui_transcript_shape_of(view, data, index);
    struct place first = {index, shape.has_gap};
    struct place last = {index, shape.n - 1};
    if (is_before(first, top)) {
        show_from(view, data, first);
    } else if (is_before(bottom, last)) {
        struct place place = move(view, data, last, -(view->height > 1 ? view->height - 1 : 0));
        show_from(view, data, is_before(first, place) ? first : place);
    }
}

void ui_transcript_show_message(struct ui_transcript *view, const struct ui_transcript_data *data,
                                size_t index, bool is_end)
{
    assert(index < data->n_turns);
    view->selected = data->turns[index]->id;
    view->selected_index = index;
    struct shape shape = ui_transcript_shape_of(view, data, index);
    struct place place = {index, is_end ? shape.n - 1 : shape.has_gap};
    if (is_end) {
        place = move(view, data, place, 1 - (view->height > 1 ? view->height : 1));
    }
    show_from(view, data, place);
}

void ui_transcript_show_byte(struct ui_transcript *view, const struct ui_transcript_data *data,
                             size_t index, size_t byte)
{
    assert(index < data->n_turns);
    const struct ui_block *block = ui_transcript_shape_of(view, data, index).block;
    size_t shown = ui_block_shown(block, data->turns[index], byte);
    ui_transcript_show_plain(view, data, index, ui_block_to_plain(block, shown));
}

void ui_transcript_show_plain(struct ui_transcript *view, const struct ui_transcript_data *data,
                              size_t index, size_t plain)
{
    struct shape shape = ui_transcript_shape_of(view, data, index);
    size_t row = ui_wrap_row_of(&shape.block->wrap, ui_block_to_shown(shape.block, plain));
    row = row < shape.n_text ? row : shape.n_text - 1;
    struct place place = {index, shape.n - shape.n_text - shape.has_state + row};
    struct place top = ui_transcript_top_place(view, data);
    int height = view->height > 1 ? view->height : 1;
    if (is_before(place, top)) {
        show_from(view, data, place);
    } else if (is_before(move(view, data, top, height - 1), place)) {
        show_from(view, data, move(view, data, place, 1 - height));
    }
}

void ui_transcript_select_in_view(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    if (data->n_turns == 0) {
        view->selected = 0;
        return;
    }
    struct place top = ui_transcript_top_place(view, data);
    struct place bottom = move(view, data, top, view->height > 1 ? view->height - 1 : 0);
    size_t index;
    if (!ui_transcript_selected(view, data, &index) || index > bottom.index) {
        index = bottom.index;
    } else if (index < top.index) {
        index = top.index;
    }
    view->selected = data->turns[index]->id;
    view->selected_index = index;
}

bool ui_transcript_matches(const struct cf_chat_turn *turn, const char *query)
{
    bool has_all = false;
    struct cf_chat_span span;
    cf_chat_find(&span, 1, &has_all, query, turn->text, turn->size);
    return has_all;
}

bool ui_transcript_news(const struct ui_transcript *view, const struct ui_transcript_data *data,
                        struct cf_buf *text)
{
    if (!view->is_scrolled || view->is_at_end || data->n_turns == 0) {
        return false;
    }
    if (data->n_turns > view->n_seen_turns) {
        size_t n = data->n_turns - view->n_seen_turns;
        cf_buf_addf(text, "↓ %zu new message%s", n, n == 1 ? "" : "s");
        return true;
    }
    size_t n_tokens = data->turns[data->n_turns - 1]->n_tokens;
    if (data->n_turns == view->n_seen_turns && n_tokens > view->n_seen_tokens) {
        size_t n = n_tokens - view->n_seen_tokens;
        cf_buf_addf(text, "↓ %zu new token%s", n, n == 1 ? "" : "s");
        return true;
    }
    return false;
}
