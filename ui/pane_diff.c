/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_diff.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "wrap.h"

struct span {
    size_t begin, end; /* bytes of the shown text */
    enum ui_style_name style;
};

/* All turns as one text, with what of it has a style of its own. */
struct text {
    struct cf_buf bytes;
    struct span *spans;
    size_t n_spans, capacity;
    struct ui_wrap wrap;
};

static void add_span(struct text *text, size_t begin, enum ui_style_name style)
{
    text->spans = cf_grow(text->spans, text->n_spans, &text->capacity, 1, sizeof text->spans[0]);
    text->spans[text->n_spans++] = (struct span){begin, text->bytes.size, style};
}

static void add_piece(struct text *text, const struct cf_chat_diff_turn *turn,
                      const struct cf_diff_piece *piece)
{
    static const struct {
        const char *before, *after;
        enum ui_style_name style;
    } looks[] = {[CF_DIFF_SAME] = {"", "", UI_STYLE_TEXT},
                 [CF_DIFF_OLD] = {"[-", "-]", UI_STYLE_REMOVED},
                 [CF_DIFF_NEW] = {"{+", "+}", UI_STYLE_ADDED}};
    const char *bytes = piece->kind == CF_DIFF_NEW ? turn->new : turn->old;
    size_t begin = piece->begin;
    /* The blank before a word is in both texts, or no matter. */
    while (piece->kind != CF_DIFF_SAME && begin < piece->end && bytes[begin] == ' ') {
        cf_buf_add_char(&text->bytes, ' ');
        begin++;
    }
    size_t start = text->bytes.size;
    cf_buf_add_str(&text->bytes, looks[piece->kind].before);
    cf_text_make_safe(&text->bytes, bytes + begin, piece->end - begin);
    cf_buf_add_str(&text->bytes, looks[piece->kind].after);
    add_span(text, start, looks[piece->kind].style);
}

static void text_make(struct text *text, const struct ui_diff_data *data, int width)
{
    *text = (struct text){.bytes = CF_BUF_INIT};
    for (size_t i = 0; i < data->diff->n; i++) {
        const struct cf_chat_diff_turn *turn = &data->diff->turns[i];
        size_t begin = text->bytes.size;
        cf_buf_addf(&text->bytes, "%s\n",
                    turn->role == CF_ROLE_USER     ? "you"
                    : turn->role == CF_ROLE_SYSTEM ? "system"
                                                   : "model");
        add_span(text, begin, turn->role == CF_ROLE_USER ? UI_STYLE_USER : UI_STYLE_ASSISTANT);
        for (size_t k = 0; k < turn->diff.n; k++) {
            add_piece(text, turn, &turn->diff.items[k]);
        }
        cf_buf_add_str(&text->bytes, "\n\n");
    }
    ui_wrap_init(&text->wrap, width);
    ui_wrap_extend(&text->wrap, text->bytes.size > 0 ? text->bytes.data : "", text->bytes.size);
}

static void text_release(struct text *text)
{
    cf_buf_release(&text->bytes);
    free(text->spans);
    ui_wrap_release(&text->wrap);
}

static void draw_row(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct text *text, size_t row)
{
    int x = rect.x + 1;
    size_t at = text->wrap.rows[row].begin;
    size_t end = text->wrap.rows[row].end;
    for (size_t i = 0; i < text->n_spans && at < end; i++) {
        const struct span *span = &text->spans[i];
        if (span->end <= at) {
            continue;
        }
        /* What lies between spans is blanks and ends of lines. */
        size_t to = span->begin > at ? span->begin : span->end;
        to = to < end ? to : end;
        enum ui_style_name style = span->begin > at ? UI_STYLE_TEXT : span->style;
        x = ui_grid_put_from(paint->grid, x, y, rect.x + rect.width, rect.x + 1,
                             text->bytes.data + at, to - at, ui_paint_style(paint, style));
        at = to;
        i -= at == span->begin;
    }
}

static int text_width(int width)
{
    return width > 2 ? width - 2 : 1;
}

void ui_diff_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_diff_data *data, int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    if (rect.height >= 3) {
        struct cf_buf heading = CF_BUF_INIT;
        cf_buf_addf(&heading,
                    "Two branches, behind %zu message%s both have: ", data->diff->n_common,
                    data->diff->n_common == 1 ? "" : "s");
        int x = ui_pane_put(paint, rect.x + 1, rect.y, rect.x + rect.width, heading.data,
                            UI_STYLE_HEADING);
        x = ui_pane_put(paint, x, rect.y, rect.x + rect.width, "[-the first-]", UI_STYLE_REMOVED);
        ui_pane_put(paint, x + 1, rect.y, rect.x + rect.width, "{+the second+}", UI_STYLE_ADDED);
        cf_buf_release(&heading);
        rect.y++;
        rect.height--;
    }
    struct text text;
    text_make(&text, data, text_width(rect.width));
    int last = (int)text.wrap.n_rows - rect.height;
    *top = *top > last ? last : *top;
    *top = *top < 0 ? 0 : *top;
    for (int i = 0; i < rect.height && *top + i < (int)text.wrap.n_rows; i++) {
        draw_row(paint, rect, rect.y + i, &text, (size_t)(*top + i));
    }
    text_release(&text);
}

int ui_diff_next(const struct ui_diff_data *data, int width, int top, int step)
{
    struct text text;
    text_make(&text, data, text_width(width));
    int found = top;
    for (size_t i = 0; i < text.n_spans; i++) {
        const struct span *span = &text.spans[step > 0 ? i : text.n_spans - 1 - i];
        int row = (int)ui_wrap_row_of(&text.wrap, span->begin);
        bool is_change = span->style == UI_STYLE_REMOVED || span->style == UI_STYLE_ADDED;
        if (is_change && (step > 0 ? row > top : row < top)) {
            found = row;
            break;
        }
    }
    text_release(&text);
    return found;
}
