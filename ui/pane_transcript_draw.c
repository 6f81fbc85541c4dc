/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <strings.h>

#include "pane_select.h"
#include "pane_transcript_parts.h"

/* Columns from which labels are long, and are there at all; and how long they are at most. */
enum { WIDE = 50, NARROW = 24, LABEL_WIDE = 10, LABEL_NARROW = 4 };

/* The first word of a model's name, as the label of its turns. */
static void label_of(char label[64], const char *name)
{
    size_t size = strcspn(name, " \t\n");
    size = size < 63 ? size : 63;
    memcpy(label, name, size);
    label[size] = '\0';
}

int ui_transcript_label_width(int width, const struct ui_transcript_data *data)
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
    int columns = width - ui_transcript_label_width(width, data) - 1;
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

void ui_transcript_describe_state(const struct cf_chat_turn *turn,
                                  const struct ui_transcript_data *data, struct cf_buf *text)
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
    int width = ui_transcript_label_width(rect.width, data);
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

/* Adds to STYLE what the theme's NAME has; colours only where they are told apart. */
static void blend(const struct ui_paint *paint, struct ui_style *style, enum ui_style_name name,
                  bool has_colors)
{
    struct ui_style more = ui_paint_style(paint, name);
    style->attrs = (uint16_t)(style->attrs | more.attrs);
    if (has_colors && more.fg != UI_COLOR_DEFAULT) {
        style->fg = more.fg;
    }
    if (has_colors && more.bg != UI_COLOR_DEFAULT) {
        style->bg = more.bg;
    }
}

/* The style of a piece on a text of style PLAIN. */
static struct ui_style style_of(const struct ui_paint *paint, unsigned flags,
                                enum ui_style_name plain)
{
    static const struct {
        unsigned flag;
        enum ui_style_name name;
    } styles[] = {
        {UI_MARKDOWN_QUOTE, UI_STYLE_QUOTE},       {UI_MARKDOWN_HEADING, UI_STYLE_HEADLINE},
        {UI_MARKDOWN_TITLE, UI_STYLE_HEADLINE_1},  {UI_MARKDOWN_STRONG, UI_STYLE_STRONG},
        {UI_MARKDOWN_EMPHASIS, UI_STYLE_EMPHASIS}, {UI_MARKDOWN_LINK, UI_STYLE_LINK},
        {UI_MARKDOWN_CODE, UI_STYLE_CODE},         {UI_MARKDOWN_BLOCK, UI_STYLE_CODE_BLOCK},
    };
    struct ui_style style = ui_paint_style(paint, plain);
    if (flags & UI_PIECE_KNOBS) {
        return ui_paint_style(paint, UI_STYLE_MARK);
    }
    bool has_colors = plain != UI_STYLE_FORGOTTEN;
    if (flags & (UI_MARKDOWN_MARK | UI_MARKDOWN_FAINT)) {
        blend(paint, &style, flags & UI_MARKDOWN_MARK ? UI_STYLE_BULLET : UI_STYLE_FAINT,
              has_colors);
        return style;
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(styles); i++) {
        if (flags & styles[i].flag) {
            blend(paint, &style, styles[i].name, has_colors);
        }
    }
    return style;
}

/* Draws [begin, end) of the shown text in the pieces that marks, Markdown and tints cut it into.  A
 * cluster that a piece ends within belongs to it whole. */
static int draw_pieces(const struct ui_paint *paint, const struct ui_block *block,
                       const struct ui_tints *tints, int x, int y, int right, size_t begin,
                       size_t end, enum ui_style_name plain)
{
    int origin = x;
    const char *text = block->shown.data;
    while (begin < end) {
        const struct ui_piece *piece = ui_block_piece_at(block, begin);
        size_t stop = piece != NULL && piece->shown_end < end ? piece->shown_end : end;
        unsigned flags = piece != NULL ? piece->flags : 0;
        enum ui_style_name tint =
            flags & UI_PIECE_KNOBS ? UI_N_STYLES : ui_tints_at(tints, begin, &stop, UI_N_STYLES);
        size_t at = begin;
        while (at < stop) {
            at = cf_text_next_grapheme(text, end, at);
        }
        struct ui_style style =
            tint != UI_N_STYLES ? ui_paint_style(paint, tint) : style_of(paint, flags, plain);
        x = ui_grid_put_from(paint->grid, x, y, right, origin, text + begin, at - begin, style);
        begin = at;
    }
    return x;
}

/* Before a row that goes on a line: the bars of quotes again, for code its own sign. */
static void draw_hang(const struct ui_paint *paint, const struct ui_block *block,
                      const struct ui_row *row, int x, int y, int right)
{
    const struct ui_hang *hang = ui_wrap_hang_of(&block->wrap, row->begin);
    if (row->indent == 0 || hang == NULL) {
        return;
    }
    size_t line = ui_wrap_row_of(&block->wrap, row->begin);
    while (line > 0 && block->wrap.rows[line].indent > 0) {
        line--;
    }
    size_t at = block->wrap.rows[line].begin;
    struct ui_style style = ui_paint_style(paint, UI_STYLE_BULLET);
    struct cf_cell_text cell;
    int code = -1;
    for (int column = 0; column < row->indent && at < block->shown.size; column += cell.width) {
        at += cf_text_next_cell(&cell, block->shown.data + at, block->shown.size - at);
        if (cell.chars[0] == 0x258e) {
            ui_grid_put_str(paint->grid, x + column, y, right, UI_MARKDOWN_QUOTE_BAR, style);
        } else if (cell.chars[0] == 0x2502) {
            code = column;
        }
    }
    if (hang->is_cut && code >= 0) {
        ui_grid_put_str(paint->grid, x + code, y, right, UI_MARKDOWN_CODE_ON, style);
    }
}

/* Shows the words of QUERY in what was just drawn of [begin, end); a word or phrase may go on in
 * the neighbouring rows. */
static void draw_hits(const struct ui_paint *paint, const struct ui_block *block, int x, int y,
                      int right, size_t begin, size_t end, const char *query)
{
    enum { AROUND = 120, SPANS_MAX = 64 };
    const char *text = block->shown.data;
    size_t from = begin > AROUND ? begin - AROUND : 0;
    size_t to = block->shown.size - end > AROUND ? end + AROUND : block->shown.size;
    while (from > 0 && ((unsigned char)text[from] & 0xc0) == 0x80) {
        from--;
    }
    while (to < block->shown.size && ((unsigned char)text[to] & 0xc0) == 0x80) {
        to++;
    }
    struct cf_chat_span spans[SPANS_MAX];
    size_t n = cf_chat_find(spans, SPANS_MAX, NULL, query, text + from, to - from);
    struct ui_style style = ui_paint_style(paint, UI_STYLE_HIT);
    for (size_t i = 0; i < n; i++) {
        size_t first = spans[i].begin + from > begin ? spans[i].begin + from : begin;
        size_t last = spans[i].end + from < end ? spans[i].end + from : end;
        if (first < last) {
            int column = cf_text_width(text + begin, first - begin, 0);
            ui_grid_put(paint->grid, x + column, y, right, text + first, last - first, style);
        }
    }
}

/* Shows what of a row is selected, and notes where the cursor stands in it. */
static void draw_selection(struct ui_transcript *view, const struct ui_paint *paint,
                           const struct ui_block *block, const struct ui_row *row, int x, int y,
                           int right, const struct ui_selection *selection, size_t index)
{
    const char *text = block->shown.data;
    size_t begin;
    size_t end;
    bool is_last = row == &block->wrap.rows[block->n_rows - 1];
    if (selection->turn[1] == index) {
        size_t at = ui_block_to_shown(block, selection->byte[1]);
        if (at >= row->begin && (at < row->next || is_last)) {
            int column = at > row->begin ? cf_text_width(text + row->begin, at - row->begin, 0) : 0;
            view->cursor_x = x + column < right ? x + column : right - 1;
            view->cursor_y = y;
        }
    }
    if (!ui_select_range(selection, block, index, &begin, &end)) {
        return;
    }
    begin = ui_block_to_shown(block, begin);
    end = ui_block_to_shown(block, end);
    begin = begin > row->begin ? begin : row->begin;
    bool has_end = end > row->end || (end == row->end && row->end == row->begin);
    end = end < row->end ? end : row->end;
    if (begin > row->end || (begin >= end && !has_end)) {
        return;
    }
    int from = cf_text_width(text + row->begin, begin - row->begin, 0);
    int to = begin < end ? cf_text_width(text + row->begin, end - row->begin, 0) : from;
    /* An empty line shows that it belongs to it. */
    to += to == from && has_end;
    struct ui_rect rect = {x + from, y, to - from, 1};
    rect.width = rect.x + rect.width > right ? right - rect.x : rect.width;
    ui_grid_restyle(paint->grid, rect, ui_paint_style(paint, UI_STYLE_SELECTED));
}

static void draw_text(struct ui_transcript *view, const struct ui_paint *paint, struct ui_rect rect,
                      int y, const struct ui_transcript_data *data, const struct shape *shape,
                      const struct ui_tints *tints, size_t index, size_t row)
{
    const struct cf_chat_turn *turn = data->turns[index];
    int x = rect.x + ui_transcript_label_width(rect.width, data);
    int right = rect.x + rect.width;
    if (row == 0) {
        draw_label(paint, rect, y, turn, data);
    }
    const struct ui_row *line = &shape->block->wrap.rows[row];
    draw_hang(paint, shape->block, line, x, y, right);
    x += line->indent;
    enum ui_style_name name = !turn->is_visible              ? UI_STYLE_FORGOTTEN
                              : turn->role == CF_ROLE_SYSTEM ? UI_STYLE_SYSTEM
                                                             : UI_STYLE_TEXT;
    int behind = draw_pieces(paint, shape->block, tints, x, y, right, line->begin, line->end, name);
    if (data->query != NULL && data->query[0] != '\0') {
        draw_hits(paint, shape->block, x, y, right, line->begin, line->end, data->query);
    }
    if (data->selection != NULL) {
        draw_selection(view, paint, shape->block, line, x, y, right, data->selection, index);
    }
    if (row + 1 == shape->n_text && turn->role == CF_ROLE_ASSISTANT &&
        (turn->state == CF_TURN_STREAMING || turn->state == CF_TURN_WAITING)) {
        ui_grid_put_str(paint->grid, behind, y, right, "▌", ui_paint_style(paint, UI_STYLE_CARET));
    }
}

static void draw_row(struct ui_transcript *view, const struct ui_paint *paint, struct ui_rect rect,
                     int y, const struct ui_transcript_data *data, const struct shape *shape,
                     const struct ui_tints *tints, struct place place, bool is_selected)
{
    const struct cf_chat_turn *turn = data->turns[place.index];
    size_t row = place.row;
    enum ui_row_kind kind = ui_transcript_kind_of(shape, &row);
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
        draw_text(view, paint, rect, y, data, shape, tints, place.index, row);
        break;
    case UI_ROW_STATE: {
        struct cf_buf text = CF_BUF_INIT;
        ui_transcript_describe_state(turn, data, &text);
        bool is_alarming = turn->state == CF_TURN_INTERRUPTED || turn->state == CF_TURN_FAILED;
        ui_pane_put(paint, rect.x + ui_transcript_label_width(rect.width, data), y,
                    rect.x + rect.width, text.data, is_alarming ? UI_STYLE_STATE : UI_STYLE_MARK);
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
    view->cursor_x = -1;
    view->cursor_y = -1;
    ui_blocks_set_width(&view->blocks, text_width(rect.width, data));
    ui_blocks_hide_marks(&view->blocks, data->hides_marks);
    if (data->n_turns == 0) {
        draw_welcome(paint, rect, data);
        return;
    }
    size_t selected = data->n_turns;
    ui_transcript_selected(view, data, &selected);
    struct place place = ui_transcript_top_place(view, data);
    struct ui_tints tints = {0};
    for (int y = rect.y; y < rect.y + rect.height && place.index < data->n_turns;) {
        struct shape shape = ui_transcript_shape_of(view, data, place.index);
        make_tints(&tints, data, place.index, shape.block);
        bool is_selected = data->has_focus && data->selection == NULL && selected == place.index;
        for (; place.row < shape.n && y < rect.y + rect.height; place.row++, y++) {
            draw_row(view, paint, rect, y, data, &shape, &tints, place, is_selected);
        }
        place = (struct place){place.index + 1, 0};
    }
    ui_tints_release(&tints);
}
