/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_transcript.h"

#include <string.h>
#include <strings.h>

/* Columns from which labels are long, and are there at all; and how long they are at most. */
enum { WIDE = 50, NARROW = 24, LABEL_WIDE = 10, LABEL_NARROW = 4 };

/* A row of the transcript: of message INDEX, its row ROW. */
struct place {
    size_t index;
    size_t row;
};

/* A message's rows, in order: gap, lines about memory, text, state. */
struct shape {
    bool has_gap;
    bool has_forgotten;
    bool has_dropped;
    bool has_state;
    size_t n_text;
    size_t n; /* all of them */
    const struct ui_block *block;
};

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

/* The first word of a model's name, as the label of its turns. */
static void label_of(char label[64], const char *name)
{
    size_t size = strcspn(name, " \t\n");
    size = size < 63 ? size : 63;
    memcpy(label, name, size);
    label[size] = '\0';
}

/* Columns of the labels, with the blanks around them: the same for all messages, and for the same
 * model always. */
static int label_width(int width, const struct ui_transcript_data *data)
{
    if (width < NARROW) {
        return 2;
    }
    const char *name = data->model;
    for (size_t i = data->n_turns; i-- > 0 && name[0] == '\0';) {
        if (data->turns[i]->model_name != NULL) {
            name = data->turns[i]->model_name;
        }
    }
    char label[64];
    label_of(label, name);
    int columns = cf_text_width(label, strlen(label), 0);
    int most = width < WIDE ? LABEL_NARROW : LABEL_WIDE;
    columns = columns < 4 ? 4 : columns > most ? most : columns;
    return 1 + columns + (width < WIDE ? 1 : 2);
}

static int text_width(int width, const struct ui_transcript_data *data)
{
    /* The last column is for the caret. */
    int columns = width - label_width(width, data) - 1;
    return columns < 1 ? 1 : columns;
}

/* --- what the last row of a message says ------------------------------------------------------ */

static void add_part(struct cf_buf *text, const char *part)
{
    cf_buf_addf(text, "%s%s", text->size > 0 ? " · " : "", part);
}

static const char *state_words(const struct cf_chat_turn *turn,
                               const struct ui_transcript_data *data)
{
    switch (turn->state) {
    case CF_TURN_WAITING:
        return turn->role != CF_ROLE_USER ? ""
               : data->is_held ? "held back: Enter on the empty line sends it, Up takes it back"
                               : "waits for the reply to end; Up on the empty line takes it back";
    case CF_TURN_CANCELLED:
        return "stopped";
    case CF_TURN_INTERRUPTED:
        return "interrupted";
    case CF_TURN_FAILED:
        return "failed";
    case CF_TURN_ELSEWHERE:
        return "being written by another confab";
    case CF_TURN_COMPLETE:
        return turn->reason == CF_END_LENGTH    ? "cut at max-tokens, c goes on"
               : turn->reason == CF_END_CONTEXT ? "the context is full"
               : turn->reason == CF_END_LOOP    ? "went round in circles"
                                                : "";
    case CF_TURN_STREAMING:
        break;
    }
    return "";
}

static void describe_state(const struct cf_chat_turn *turn, const struct ui_transcript_data *data,
                           struct cf_buf *text)
{
    if (turn->n_siblings > 1) {
        cf_buf_addf(text, "‹%d/%d›", turn->sibling + 1, turn->n_siblings);
    }
    const char *words = state_words(turn, data);
    if (words[0] != '\0') {
        add_part(text, words);
    }
    if (turn->is_pinned) {
        add_part(text, "pinned");
    }
    if (turn->is_cut) {
        add_part(text, "only its end fits into the model's memory");
    }
    if (!turn->is_saved && data->shows_unsaved) {
        add_part(text, "not saved");
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct shape shape_of(struct ui_transcript *view, const struct ui_transcript_data *data,
                             size_t index)
{
    const struct cf_chat_turn *turn = data->turns[index];
    struct cf_buf state = CF_BUF_INIT;
    describe_state(turn, data, &state);
    struct shape shape = {
        .has_gap = index > 0,
        .has_forgotten = index > 0 && index == data->first_visible,
        .has_dropped = index > 0 && data->turns[index - 1]->is_dropped_next &&
                       !turn->is_dropped_next && index != data->first_visible,
        .has_state = state.size > 0,
        .block = ui_blocks_get(&view->blocks, turn),
    };
    cf_buf_release(&state);
    shape.n_text = shape.block->n_rows;
    shape.n =
        shape.n_text + shape.has_gap + shape.has_forgotten + shape.has_dropped + shape.has_state;
    return shape;
}

/* What row ROW of a message is; for UI_ROW_TEXT *row becomes the row of its text. */
static enum ui_row_kind kind_of(const struct shape *shape, size_t *row)
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
        place.row = shape_of(view, data, place.index).n - 1;
        n++;
    }
    while (n > 0) {
        size_t left = shape_of(view, data, place.index).n - 1 - place.row;
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
    struct place place = {last, shape_of(view, data, last).n - 1};
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

/* The row that the anchor names now. */
static struct place anchor_place(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    struct place place = {0, 0};
    if (!find_turn(data, view->anchor_id, &place.index)) {
        place.index = view->anchor_index < data->n_turns ? view->anchor_index : data->n_turns - 1;
    }
    struct shape shape = shape_of(view, data, place.index);
    size_t head = (size_t)shape.has_gap + shape.has_forgotten + shape.has_dropped;
    switch (view->anchor_kind) {
    case UI_ROW_GAP:
        break;
    case UI_ROW_FORGOTTEN:
    case UI_ROW_DROPPED:
        place.row = head > 0 ? head - 1 : 0;
        break;
    case UI_ROW_TEXT: {
        size_t row = ui_wrap_row_of(&shape.block->wrap, view->anchor_byte);
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
    struct shape shape = shape_of(view, data, place.index);
    size_t row = place.row;
    view->anchor_id = data->turns[place.index]->id;
    view->anchor_index = place.index;
    view->anchor_kind = kind_of(&shape, &row);
    view->anchor_byte = view->anchor_kind == UI_ROW_TEXT ? shape.block->wrap.rows[row].begin : 0;
}

/* Remembers how much there was, for ui_transcript_news. */
static void note_seen(struct ui_transcript *view, const struct ui_transcript_data *data)
{
    view->n_seen_turns = data->n_turns;
    view->n_seen_tokens = data->turns[data->n_turns - 1]->n_tokens;
}

/* The row at the top of the view. */
static struct place top_place(struct ui_transcript *view, const struct ui_transcript_data *data)
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
        show_from(view, data, move(view, data, top_place(view, data), rows));
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
    struct place top = top_place(view, data);
    struct place bottom = move(view, data, top, view->height > 1 ? view->height - 1 : 0);
    struct shape shape = shape_of(view, data, index);
    struct place first = {index, shape.has_gap};
    struct place last = {index, shape.n - 1};
    if (is_before(first, top)) {
        show_from(view, data, first);
    } else if (is_before(bottom, last)) {
        struct place place = move(view, data, last, -(view->height > 1 ? view->height - 1 : 0));
        show_from(view, data, is_before(first, place) ? first : place);
    }
}

void ui_transcript_show_byte(struct ui_transcript *view, const struct ui_transcript_data *data,
                             size_t index, size_t byte)
{
    assert(index < data->n_turns);
    struct shape shape = shape_of(view, data, index);
    size_t shown = ui_block_shown(shape.block, data->turns[index], byte);
    size_t row = ui_wrap_row_of(&shape.block->wrap, shown);
    struct place place = {index, shape.n - shape.n_text - shape.has_state + row};
    struct place top = top_place(view, data);
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
    struct place top = top_place(view, data);
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

/* The next word of a query: where it begins, its size; 0 at the end. */
static const char *next_word(const char *query, size_t *size)
{
    query += strspn(query, " \t\"*");
    *size = strcspn(query, " \t\"*");
    return query;
}

bool ui_transcript_matches(const struct cf_chat_turn *turn, const char *query)
{
    size_t size;
    for (const char *word = next_word(query, &size); size > 0;
         word = next_word(word + size, &size)) {
        for (size_t at = 0; at + size <= turn->size; at++) {
            if (strncasecmp(turn->text + at, word, size) == 0) {
                return true;
            }
        }
    }
    return false;
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

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_line(const struct ui_paint *paint, struct ui_rect rect, int y, const char *text)
{
    struct ui_style style = ui_paint_style(paint, UI_STYLE_MARK);
    for (int x = rect.x; x < rect.x + rect.width; x++) {
        ui_grid_put_str(paint->grid, x, y, rect.x + rect.width, "┄", style);
    }
    int width = cf_text_width(text, strlen(text), 0);
    int x = rect.x + (rect.width - width - 2) / 2;
    if (rect.width >= width + 4) {
        ui_grid_putf(paint->grid, x, y, rect.x + rect.width, style, " %s ", text);
    }
}

static void draw_label(const struct ui_paint *paint, struct ui_rect rect, int y,
                       const struct cf_chat_turn *turn, const struct ui_transcript_data *data)
{
    int width = label_width(rect.width, data);
    int end = rect.x + (width < rect.width ? width : rect.width);
    enum ui_style_name style = UI_STYLE_ASSISTANT;
    const char *name = turn->model_name != NULL ? turn->model_name : data->model;
    if (turn->role == CF_ROLE_USER) {
        style = UI_STYLE_USER;
        name = "you";
    } else if (turn->role == CF_ROLE_SYSTEM) {
        style = UI_STYLE_SYSTEM;
        name = "system";
    }
    if (width < 4) {
        name = turn->role == CF_ROLE_USER ? "›" : "";
        ui_pane_put(paint, rect.x, y, end, name, style);
        return;
    }
    char label[64];
    label_of(label, name);
    ui_pane_put(paint, rect.x + 1, y, end - 1, label, style);
}

/* The style of what is shown at byte AT, and where it ends at most. */
static enum ui_style_name style_at(const struct ui_block *block, const struct ui_tints *tints,
                                   size_t at, size_t *end, enum ui_style_name plain)
{
    for (size_t i = 0; i < block->n_marks; i++) {
        if (at < block->marks[i].begin) {
            *end = block->marks[i].begin < *end ? block->marks[i].begin : *end;
            break;
        }
        if (at < block->marks[i].end) {
            *end = block->marks[i].end < *end ? block->marks[i].end : *end;
            return UI_STYLE_MARK;
        }
    }
    return ui_tints_at(tints, at, end, plain);
}

/* Draws [begin, end) of the shown text in the pieces that marks and tints cut it into.  A cluster
 * that a piece ends within belongs to it whole. */
static int draw_pieces(const struct ui_paint *paint, const struct ui_block *block,
                       const struct ui_tints *tints, int x, int y, int right, size_t begin,
                       size_t end, enum ui_style_name plain)
{
    int origin = x;
    const char *text = block->shown.data;
    while (begin < end) {
        size_t piece = end;
        enum ui_style_name style = style_at(block, tints, begin, &piece, plain);
        size_t at = begin;
        while (at < piece) {
            at = cf_text_next_grapheme(text, end, at);
        }
        x = ui_grid_put_from(paint->grid, x, y, right, origin, text + begin, at - begin,
                             ui_paint_style(paint, style));
        begin = at;
    }
    return x;
}

/* Shows the words of QUERY in what was just drawn of [begin, end). */
static void draw_hits(const struct ui_paint *paint, const struct ui_block *block, int x, int y,
                      int right, size_t begin, size_t end, const char *query)
{
    struct ui_style style = ui_paint_style(paint, UI_STYLE_HIT);
    size_t size;
    for (const char *word = next_word(query, &size); size > 0;
         word = next_word(word + size, &size)) {
        for (size_t at = begin; at + size <= end; at++) {
            if (strncasecmp(block->shown.data + at, word, size) == 0) {
                int column = cf_text_width(block->shown.data + begin, at - begin, 0);
                ui_grid_put(paint->grid, x + column, y, right, block->shown.data + at, size, style);
            }
        }
    }
}

static void draw_text(const struct ui_paint *paint, struct ui_rect rect, int y,
                      const struct cf_chat_turn *turn, const struct ui_transcript_data *data,
                      const struct shape *shape, const struct ui_tints *tints, size_t row)
{
    int x = rect.x + label_width(rect.width, data);
    int right = rect.x + rect.width;
    if (row == 0) {
        draw_label(paint, rect, y, turn, data);
    }
    const struct ui_row *line = &shape->block->wrap.rows[row];
    enum ui_style_name name = !turn->is_visible              ? UI_STYLE_FORGOTTEN
                              : turn->role == CF_ROLE_SYSTEM ? UI_STYLE_SYSTEM
                                                             : UI_STYLE_TEXT;
    int behind = draw_pieces(paint, shape->block, tints, x, y, right, line->begin, line->end, name);
    if (data->query != NULL) {
        draw_hits(paint, shape->block, x, y, right, line->begin, line->end, data->query);
    }
    if (row + 1 == shape->n_text && turn->role == CF_ROLE_ASSISTANT &&
        (turn->state == CF_TURN_STREAMING || turn->state == CF_TURN_WAITING)) {
        ui_grid_put_str(paint->grid, behind, y, right, "▌", ui_paint_style(paint, UI_STYLE_CARET));
    }
}

static void draw_row(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct ui_transcript_data *data, const struct shape *shape,
                     const struct ui_tints *tints, struct place place, bool is_selected)
{
    const struct cf_chat_turn *turn = data->turns[place.index];
    size_t row = place.row;
    enum ui_row_kind kind = kind_of(shape, &row);
    switch (kind) {
    case UI_ROW_GAP:
        return;
    case UI_ROW_FORGOTTEN:
        draw_line(paint, rect, y,
                  rect.width >= 52   ? "the model remembers nothing of what is above"
                  : rect.width >= 36 ? "what is above is forgotten"
                                     : "forgotten");
        return;
    case UI_ROW_DROPPED:
        draw_line(paint, rect, y,
                  rect.width >= 64   ? "from your next message on, the model forgets what is above"
                  : rect.width >= 36 ? "what is above is forgotten next"
                                     : "forgotten next");
        return;
    case UI_ROW_TEXT:
        draw_text(paint, rect, y, turn, data, shape, tints, row);
        break;
    case UI_ROW_STATE: {
        struct cf_buf text = CF_BUF_INIT;
        describe_state(turn, data, &text);
        bool is_alarming = turn->state == CF_TURN_INTERRUPTED || turn->state == CF_TURN_FAILED;
        ui_pane_put(paint, rect.x + label_width(rect.width, data), y, rect.x + rect.width,
                    text.data, is_alarming ? UI_STYLE_STATE : UI_STYLE_MARK);
        cf_buf_release(&text);
        break;
    }
    }
    if (is_selected) {
        ui_grid_put_str(paint->grid, rect.x, y, rect.x + rect.width, "▎",
                        ui_paint_style(paint, UI_STYLE_RULE_FOCUS));
    }
}

static void draw_welcome(const struct ui_paint *paint, struct ui_rect rect,
                         const struct ui_transcript_data *data)
{
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, rect.width - 2);
    int y = rect.y;
    for (size_t i = 0; i < data->n_welcome; i++) {
        const char *text = data->welcome[i];
        ui_wrap_reset(&wrap, rect.width - 2);
        ui_wrap_extend(&wrap, text, strlen(text));
        for (size_t row = 0; row < wrap.n_rows && y < rect.y + rect.height; row++, y++) {
            ui_grid_put(paint->grid, rect.x + 1, y, rect.x + rect.width,
                        text + wrap.rows[row].begin, wrap.rows[row].end - wrap.rows[row].begin,
                        ui_paint_style(paint, UI_STYLE_FAINT));
        }
    }
    ui_wrap_release(&wrap);
}

static void make_tints(struct ui_tints *tints, const struct ui_transcript_data *data, size_t index,
                       const struct ui_block *block)
{
    const struct cf_chat_turn *turn = data->turns[index];
    const struct cf_chat_look *look =
        data->look != NULL && data->look->message == turn->id ? data->look : NULL;
    size_t n = 0;
    const struct cf_turn_shade *shades =
        data->shades != NULL ? data->shades(data->context, index, &n) : NULL;
    ui_tints_make(tints, block, turn, shades, n, look, data->look_token);
}

void ui_transcript_draw(struct ui_transcript *view, const struct ui_paint *paint,
                        struct ui_rect rect, const struct ui_transcript_data *data)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    if (view->width != rect.width || view->height != rect.height) {
        view->is_at_end = false;
    }
    view->width = rect.width;
    view->height = rect.height;
    ui_blocks_set_width(&view->blocks, text_width(rect.width, data));
    ui_blocks_hide_marks(&view->blocks, data->hides_marks);
    if (data->n_turns == 0) {
        draw_welcome(paint, rect, data);
        return;
    }
    size_t selected = data->n_turns;
    ui_transcript_selected(view, data, &selected);
    struct place place = top_place(view, data);
    struct ui_tints tints = {0};
    for (int y = rect.y; y < rect.y + rect.height && place.index < data->n_turns;) {
        struct shape shape = shape_of(view, data, place.index);
        make_tints(&tints, data, place.index, shape.block);
        bool is_selected = data->has_focus && selected == place.index;
        for (; place.row < shape.n && y < rect.y + rect.height; place.row++, y++) {
            draw_row(paint, rect, y, data, &shape, &tints, place, is_selected);
        }
        place = (struct place){place.index + 1, 0};
    }
    ui_tints_release(&tints);
}
