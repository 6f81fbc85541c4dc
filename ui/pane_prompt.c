/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_prompt.h"

#include <stdio.h>
#include <string.h>

#include "config_file.h"
#include "pane_knobs.h"
#include "template.h"
#include "wrap.h"

enum { LABEL_WIDTH = 13, LABEL_NARROW = 2, NARROW = 36 };

/* A pen that writes rows of which some are in view. */
struct pen {
    const struct ui_paint *paint;
    struct ui_rect rect;
    int top;
    int row;
    int column; /* in the row */
};

static int label_width(const struct pen *pen)
{
    return pen->rect.width < NARROW ? LABEL_NARROW : LABEL_WIDTH;
}

static bool is_in_view(const struct pen *pen)
{
    return pen->row >= pen->top && pen->row < pen->top + pen->rect.height;
}

static void put(struct pen *pen, int column, const char *text, enum ui_style_name style)
{
    if (is_in_view(pen)) {
        ui_pane_put(pen->paint, pen->rect.x + column, pen->rect.y + pen->row - pen->top,
                    pen->rect.x + pen->rect.width, text, style);
    }
}

static void next_row(struct pen *pen)
{
    pen->row++;
    pen->column = label_width(pen);
}

static void write_label(struct pen *pen, const char *label)
{
    if (label_width(pen) == LABEL_NARROW) {
        put(pen, 1, label, UI_STYLE_FAINT);
        next_row(pen);
    } else {
        put(pen, 1, label, UI_STYLE_FAINT);
    }
}

/* A part of the template, or another text, wrapped beside its name. */
static void write_part(struct pen *pen, const char *name, const char *text)
{
    write_label(pen, name);
    struct cf_buf safe = CF_BUF_INIT;
    struct ui_wrap wrap;
    cf_text_make_safe(&safe, text, strlen(text));
    ui_wrap_init(&wrap, pen->rect.width - label_width(pen) - 1);
    ui_wrap_extend(&wrap, safe.data, safe.size);
    for (size_t i = 0; i < wrap.n_rows; i++, next_row(pen)) {
        if (is_in_view(pen)) {
            ui_grid_put(pen->paint->grid, pen->rect.x + label_width(pen),
                        pen->rect.y + pen->row - pen->top, pen->rect.x + pen->rect.width,
                        safe.data + wrap.rows[i].begin, wrap.rows[i].end - wrap.rows[i].begin,
                        ui_paint_style(pen->paint, UI_STYLE_TEXT));
        }
    }
    ui_wrap_release(&wrap);
    cf_buf_release(&safe);
}

static void write_quoted(struct pen *pen, const char *name, const char *text)
{
    struct cf_buf quoted = CF_BUF_INIT;
    cf_config_quote(text, &quoted);
    write_part(pen, name, quoted.data);
    cf_buf_release(&quoted);
}

static void write_template(struct pen *pen, const struct ui_prompt_data *data)
{
    const struct cf_template *template = data->template;
    write_part(pen, "template", template->name != NULL ? template->name : "of the model");
    if (template->system != NULL && template->system[0] != '\0') {
        write_quoted(pen, "  system", template->system);
    }
    write_quoted(pen, "  user", template->user);
    write_quoted(pen, "  assistant", template->assistant);
    for (size_t i = 0; i < template->stop.n; i++) {
        write_quoted(pen, "  stop", template->stop.items[i]);
    }
    struct cf_buf text = CF_BUF_INIT;
    if (data->prompt->n == 0) {
        cf_buf_add_str(&text, data->n_ctx == 0 ? "no model is open yet" : "nothing yet");
    } else {
        cf_buf_addf(&text, "%zu of %d tokens: each with its id, by whose text it spells",
                    data->prompt->n, (int)data->n_ctx);
        if (data->first_visible > 0) {
            cf_buf_addf(&text, "; the model's memory begins at message %zu",
                        data->first_visible + 1);
        }
    }
    write_part(pen, "it reads", text.data);
    cf_buf_release(&text);
    pen->row++;
}

/* Whose text the tokens of OWNER spell, as "you 3". */
static void describe_owner(const struct ui_prompt_data *data, int32_t owner, char label[32])
{
    if (owner == CF_CHAT_PROMPT_TEMPLATE) {
        (void)snprintf(label, 32, "template");
    } else if (owner < 0 || (size_t)owner >= data->n_turns) {
        (void)snprintf(label, 32, "next");
    } else {
        enum cf_role role = data->turns[owner]->role;
        (void)snprintf(label, 32, "%s %d",
                       role == CF_ROLE_USER        ? "you"
                       : role == CF_ROLE_ASSISTANT ? "model"
                                                   : "system",
                       (int)owner + 1);
    }
}

static void write_token(struct pen *pen, const struct ui_prompt_data *data, size_t k)
{
    size_t size = 0;
    const char *piece = data->piece(data->context, data->prompt->ids[k], &size);
    bool is_template = data->prompt->turns[k] == CF_CHAT_PROMPT_TEMPLATE;
    struct cf_buf text = CF_BUF_INIT;
    char id[16];
    ui_knobs_describe_piece(piece, size, &text);
    (void)snprintf(id, sizeof id, "%d", (int)data->prompt->ids[k]);
    /* A blank is a part of its token: it must be seen. */
    struct cf_buf seen = CF_BUF_INIT;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ' ') {
            cf_buf_add_str(&seen, "·");
        } else {
            cf_buf_add_char(&seen, text.data[i]);
        }
    }
    int width = cf_text_width(seen.data, seen.size, 0);
    int needed = width + 1 + (int)strlen(id) + 2;
    if (pen->column > label_width(pen) && pen->column + needed > pen->rect.width) {
        next_row(pen);
    }
    put(pen, pen->column, seen.data, is_template ? UI_STYLE_BULLET : UI_STYLE_TEXT);
    put(pen, pen->column + width + 1, id, UI_STYLE_FAINT);
    pen->column += needed;
    cf_buf_release(&seen);
    cf_buf_release(&text);
}

/* Whether token K's own text ends a line. */
static bool ends_line(const struct ui_prompt_data *data, size_t k)
{
    size_t size = 0;
    const char *piece = data->piece(data->context, data->prompt->ids[k], &size);
    return piece != NULL && size > 0 && piece[size - 1] == '\n';
}

static int write_all(const struct ui_paint *paint, struct ui_rect rect,
                     const struct ui_prompt_data *data, int top)
{
    struct pen pen = {.paint = paint, .rect = rect, .top = top};
    pen.column = label_width(&pen);
    write_template(&pen, data);
    for (size_t k = 0; k < data->prompt->n; k++) {
        int32_t owner = data->prompt->turns[k];
        if (k == 0 || owner != data->prompt->turns[k - 1]) {
            char label[32];
            if (pen.column > label_width(&pen)) {
                next_row(&pen);
            }
            describe_owner(data, owner, label);
            write_label(&pen, label);
        } else if (ends_line(data, k - 1) && pen.column > label_width(&pen)) {
            next_row(&pen);
        }
        write_token(&pen, data, k);
    }
    return pen.row + (data->prompt->n > 0);
}

void ui_prompt_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_prompt_data *data, int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    /* Nothing is in view of a rectangle without rows: this counts them. */
    int n = write_all(paint, (struct ui_rect){rect.x, rect.y, rect.width, 0}, data, 0);
    int last = n > rect.height ? n - rect.height : 0;
    *top = *top < 0 ? 0 : *top > last ? last : *top;
    write_all(paint, rect, data, *top);
}
