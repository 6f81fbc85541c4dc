/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_help.h"

#include <string.h>

#include "wrap.h"

enum { KEY_WIDTH = 22, NARROW = 46 };

static const struct {
    unsigned place;
    const char *heading;
} sections[] = {
    {UI_ANYWHERE, "Anywhere (keys that edit: in panes)"},
    {UI_IN_EMPTY | UI_IN_WAITING, "While the line is empty, and in the panes"},
    {UI_IN_PANES | UI_IN_SEARCHING, "In the panes"},
    {UI_IN_TRANSCRIPT, "In the transcript"},
    {UI_IN_LIST, "In the list of conversations"},
    {UI_IN_TREE | UI_IN_DIFF, "In the tree of branches (b)"},
    {UI_IN_KNOBS, "In the knobs"},
    {UI_IN_SELECT, "While text is selected (v, V)"},
    {UI_IN_COMPARE, "While two replies are compared (/compare)"},
    {UI_IN_CURSOR | UI_IN_PAUSED, "Over a reply's tokens (t), or while it is paused"},
};

/* Where an action is listed: the first section that covers its places. */
static size_t section_of(const struct ui_action_info *info)
{
    if (info->places == UI_ANYWHERE) {
        return 0;
    }
    for (size_t i = CF_ARRAY_SIZE(sections); i-- > 2;) {
        if ((info->places & sections[i].place) == info->places) {
            return i;
        }
    }
    if (info->places & sections[1].place) {
        return 1;
    }
    return info->places & UI_IN_TRANSCRIPT ? 3 : 4;
}

/* A pen that writes rows of which some are in view. */
struct pen {
    const struct ui_paint *paint;
    struct ui_rect rect;
    int top;
    int row;
    int commands; /* the row where they begin */
};

static bool is_in_view(const struct pen *pen)
{
    return pen->row >= pen->top && pen->row < pen->top + pen->rect.height;
}

static void write_heading(struct pen *pen, const char *text)
{
    pen->row += pen->row > 0;
    if (is_in_view(pen)) {
        ui_pane_put(pen->paint, pen->rect.x + 1, pen->rect.y + pen->row - pen->top,
                    pen->rect.x + pen->rect.width, text, UI_STYLE_HEADING);
    }
    pen->row++;
}

/* What something is called, and what it does, wrapped beside or below it. */
static void write_styled(struct pen *pen, const char *name, enum ui_style_name style,
                         const char *help)
{
    int end = pen->rect.x + pen->rect.width;
    bool is_narrow = pen->rect.width < NARROW;
    int indent = is_narrow ? 5 : KEY_WIDTH + 3;
    int name_end = is_narrow ? end : pen->rect.x + 2 + KEY_WIDTH;
    bool is_long = cf_text_width(name, strlen(name), 0) > KEY_WIDTH;
    if (is_in_view(pen)) {
        ui_pane_put(pen->paint, pen->rect.x + 2, pen->rect.y + pen->row - pen->top,
                    is_long ? end : name_end, name, style);
    }
    pen->row += is_narrow || is_long;
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, pen->rect.width - indent - 1);
    ui_wrap_extend(&wrap, help, strlen(help));
    for (size_t i = 0; i < wrap.n_rows; i++, pen->row++) {
        if (is_in_view(pen)) {
            ui_grid_put(pen->paint->grid, pen->rect.x + indent, pen->rect.y + pen->row - pen->top,
                        end, help + wrap.rows[i].begin, wrap.rows[i].end - wrap.rows[i].begin,
                        ui_paint_style(pen->paint, UI_STYLE_TEXT));
        }
    }
    ui_wrap_release(&wrap);
}

static void write_row(struct pen *pen, const char *name, const char *help)
{
    write_styled(pen, name, UI_STYLE_KEY, help);
}

/* What the numbers and colours mean. */
static void write_signs(struct pen *pen)
{
    static const struct {
        const char *sign;
        enum ui_style_name style;
        const char *help;
    } rows[] = {
        {"ctx 214+12/512", UI_STYLE_FOOTER,
         "tokens of the conversation that the model sees, those that the draft adds, and how many "
         "there is room for"},
        {"rep 1.15", UI_STYLE_FOOTER, "a setting that you gave another value than the usual"},
        {"‹2/3›", UI_STYLE_MARK, "the second of three alternatives: h and l walk between them"},
        {"‹T 0.70 → 1.10›", UI_STYLE_MARK, "here a knob was turned (/set marks off hides it)"},
        {"✓", UI_STYLE_MARK, "in the list: marked with Space, dealt with together"},
        {"•", UI_STYLE_MARK, "in the list: the conversation that is on"},
        {"▸", UI_STYLE_MARK, "in the list: a reply is being written there"},
        {"●", UI_STYLE_MARK, "in the list: a reply you have not seen; in the tree: on this branch"},
        {"H 1.9 bit", UI_STYLE_FAINT,
         "how open the choice of the token was: 0 is certain, each bit doubles what it is between"},
        {"61.2 % 70.0 %", UI_STYLE_TEXT,
         "a candidate's probability, and the one in force behind the filters"},
        {"#3", UI_STYLE_BAR_DRAWN, "the token drawn, the third likeliest"},
        {"┄┄ top-p 0.90 ┄┄", UI_STYLE_MARK, "what stands below was cut, by this filter"},
        {"shade", UI_STYLE_SHADE_1, "s: the model gave this token less than 50 %,"},
        {"shade", UI_STYLE_SHADE_2, "less than 20 %,"},
        {"shade", UI_STYLE_SHADE_3, "less than 5 %,"},
        {"shade", UI_STYLE_SHADE_4, "less than 1 %"},
    };
    write_heading(pen, "What the signs mean");
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        write_styled(pen, rows[i].sign, rows[i].style, rows[i].help);
    }
}

static void write_line_keys(struct pen *pen)
{
    static const struct {
        const char *keys;
        const char *help;
    } rows[] = {
#define UI_X(keys, help) {keys, help},
        UI_LINE_KEYS(UI_X)
#undef UI_X
    };
    write_heading(pen, "In the input line (all else as readline and ~/.inputrc say)");
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        write_row(pen, rows[i].keys, rows[i].help);
    }
}

static void write_keys(struct pen *pen, const struct ui_keys *keys)
{
    struct cf_buf names = CF_BUF_INIT;
    for (size_t section = 0; section < CF_ARRAY_SIZE(sections); section++) {
        write_heading(pen, sections[section].heading);
        for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
            const struct ui_action_info *info = ui_action_info((enum ui_action)i);
            cf_buf_clear(&names);
            ui_keys_describe(keys, (enum ui_action)i, UI_ANYWHERE | UI_IN_WAITING | UI_IN_PAUSED,
                             -1, &names);
            if (names.size > 0 && section_of(info) == section) {
                write_row(pen, names.data, info->help);
            }
        }
        if (section == 0) {
            write_line_keys(pen);
        }
    }
    cf_buf_release(&names);
}

static void write_commands(struct pen *pen)
{
    struct cf_buf name = CF_BUF_INIT;
    write_heading(pen, "Commands (// at the beginning sends a slash)");
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        const struct cf_command_info *info = cf_command_info((enum cf_command)i);
        cf_buf_clear(&name);
        cf_buf_addf(&name, "/%s%s%s", info->name, info->usage[0] != '\0' ? " " : "", info->usage);
        write_row(pen, name.data, info->help);
    }
    cf_buf_release(&name);
}

/* The pen as it is behind the last row. */
static struct pen write_all(const struct ui_paint *paint, struct ui_rect rect,
                            const struct ui_keys *keys, int top)
{
    struct pen pen = {.paint = paint, .rect = rect, .top = top};
    write_keys(&pen, keys);
    pen.commands = pen.row + 1; /* below an empty one */
    write_commands(&pen);
    write_signs(&pen);
    return pen;
}

void ui_help_draw(const struct ui_paint *paint, struct ui_rect rect, const struct ui_keys *keys,
                  int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    /* Nothing is in view of a rectangle without rows: this counts them. */
    struct pen all = write_all(paint, (struct ui_rect){rect.x, rect.y, rect.width, 0}, keys, 0);
    int last = all.row > rect.height ? all.row - rect.height : 0;
    *top = *top == UI_HELP_COMMANDS ? all.commands : *top;
    *top = *top < 0 ? 0 : *top > last ? last : *top;
    (void)write_all(paint, rect, keys, *top);
}

void ui_offers_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct cf_completions *offers)
{
    if (rect.height > 1) {
        ui_grid_hline(paint->grid, rect.x, rect.y++, rect.width,
                      ui_paint_style(paint, UI_STYLE_RULE));
        rect.height--;
    }
    int end = rect.x + rect.width;
    int widest = 0;
    for (size_t i = 0; i < offers->n; i++) {
        int width = cf_text_width(offers->items[i].text, strlen(offers->items[i].text), 0);
        widest = width > widest ? width : widest;
    }
    widest = widest > rect.width / 2 ? rect.width / 2 : widest;
    for (int i = 0; i < rect.height && (size_t)i < offers->n; i++) {
        int y = rect.y + i;
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, rect.width, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_TEXT));
        if (i + 1 == rect.height && (size_t)i + 1 < offers->n) {
            ui_grid_putf(paint->grid, rect.x + 2, y, end, ui_paint_style(paint, UI_STYLE_FAINT),
                         "… %zu more", offers->n - (size_t)i);
            return;
        }
        ui_pane_put(paint, rect.x + 2, y, end, offers->items[i].text, UI_STYLE_KEY);
        ui_pane_put(paint, rect.x + 2 + widest + 2, y, end, offers->items[i].help, UI_STYLE_FAINT);
    }
}

static void lay_out(struct ui_wrap *wrap, const struct cf_buf *safe, int width)
{
    ui_wrap_init(wrap, width - 2);
    ui_wrap_extend(wrap, safe->data, safe->size);
}

int ui_answer_height(const char *text, int width)
{
    struct cf_buf safe = CF_BUF_INIT;
    struct ui_wrap wrap;
    cf_text_make_safe(&safe, text, strlen(text));
    lay_out(&wrap, &safe, width);
    int n = (int)wrap.n_rows + 1;
    ui_wrap_release(&wrap);
    cf_buf_release(&safe);
    return n;
}

void ui_answer_draw(const struct ui_paint *paint, struct ui_rect rect, const char *text,
                    enum ui_style_name style)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    struct cf_buf safe = CF_BUF_INIT;
    struct ui_wrap wrap;
    cf_text_make_safe(&safe, text, strlen(text));
    lay_out(&wrap, &safe, rect.width);
    ui_grid_fill(paint->grid, rect, ' ', ui_paint_style(paint, UI_STYLE_TEXT));
    int y = rect.y;
    if (rect.height > 1) {
        ui_grid_hline(paint->grid, rect.x, y++, rect.width, ui_paint_style(paint, UI_STYLE_RULE));
    }
    for (size_t i = 0; i < wrap.n_rows && y < rect.y + rect.height; i++, y++) {
        ui_grid_put(paint->grid, rect.x + 1, y, rect.x + rect.width, safe.data + wrap.rows[i].begin,
                    wrap.rows[i].end - wrap.rows[i].begin, ui_paint_style(paint, style));
    }
    ui_wrap_release(&wrap);
    cf_buf_release(&safe);
}
