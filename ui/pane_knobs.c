/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_knobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CANDIDATES = 6,    /* bars shown where there is room */
    PIECE_WIDTH = 9,   /* columns of a candidate's text */
    NUMBER_WIDTH = 8,  /* of its percentage, a blank before it included */
    FORCE_WIDTH = 9,   /* the same of the one in force, where its label stands beside another */
    BOTH_FROM = 34,    /* columns from which the percentage in force stands behind the raw one */
    STEERED_KNOBS = 6, /* rows left for the knobs while candidates are chosen from */
    ROOMY_FROM = 24,   /* rows from which all the candidates stand over the knobs */
    ONE_ROW_FROM = 44  /* columns from which a knob's slider stands beside its value */
};

static bool is_knob(enum cf_setting setting)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    return info->step > 0 && info->flags & CF_SET_SLASH &&
           info->flags & (CF_SET_CONVERSATION | CF_SET_LIVE);
}

size_t ui_knobs_n(void)
{
    size_t n = 0;
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        n += is_knob((enum cf_setting)i);
    }
    return n;
}

enum cf_setting ui_knobs_at(size_t i)
{
    for (int k = 0; k < CF_N_SETTINGS; k++) {
        if (is_knob((enum cf_setting)k) && i-- == 0) {
            return (enum cf_setting)k;
        }
    }
    assert(false); /* the caller asks for no more than there are */
    return CF_SETTING_TEMPERATURE;
}

/* A bar of WIDTH columns filled to SHARE, in eighths of a column. */
static void draw_bar(const struct ui_paint *paint, int x, int y, int width, double share,
                     enum ui_style_name style)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int filled = (int)(share * width * 8 + 0.5);
    filled = filled < 0 ? 0 : filled > width * 8 ? width * 8 : filled;
    if (filled == 0 && share > 0) {
        filled = 1;
    }
    for (int i = 0; i < filled / 8; i++) {
        ui_grid_put_str(paint->grid, x + i, y, x + width, "█", ui_paint_style(paint, style));
    }
    ui_grid_put_str(paint->grid, x + filled / 8, y, x + width, eighths[filled % 8],
                    ui_paint_style(paint, style));
}

void ui_knobs_describe_piece(const char *piece, size_t size, struct cf_buf *text)
{
    struct cf_buf safe = CF_BUF_INIT;
    cf_text_make_safe(&safe, piece != NULL ? piece : "", size);
    for (size_t i = 0; i < safe.size; i++) {
        if (safe.data[i] == '\n') {
            cf_buf_add_str(text, "⏎");
        } else if (safe.data[i] == '\t') {
            cf_buf_add_str(text, "⇥");
        } else {
            cf_buf_add_char(text, safe.data[i]);
        }
    }
    cf_buf_release(&safe);
}

/* The rank of the token drawn, at the end of its bar's [BEGIN, END): a bar that is longer shows
 * through. */
static void draw_rank(const struct ui_paint *paint, int begin, int y, int end, int32_t rank)
{
    char text[16];
    snprintf(text, sizeof text, "#%d", (int)rank + 1);
    if ((int)strlen(text) > end - begin) {
        snprintf(text, sizeof text, "%d", (int)rank + 1);
    }
    int x = end - (int)strlen(text);
    x = x < begin ? begin : x;
    for (size_t i = 0; text[i] != '\0' && x < end; i++, x++) {
        struct ui_style style = ui_paint_style(paint, UI_STYLE_BAR_DRAWN);
        if (ui_grid_at(paint->grid, x, y)->chars[0] == 0x2588) { /* █ */
            style.attrs ^= UI_ATTR_REVERSE;
        }
        ui_grid_put(paint->grid, x, y, end, &text[i], 1, style);
    }
}

/* A probability as a percentage, flush right before column END. */
static void draw_share(const struct ui_paint *paint, int begin, int y, int end, double share,
                       enum ui_style_name style)
{
    char number[16];
    snprintf(number, sizeof number, "%.1f %%", share * 100);
    ui_pane_put_right(paint, begin, y, end, number, style);
}

static void draw_candidate(const struct ui_paint *paint, struct ui_rect rect, int y,
                           const struct ui_knobs_data *data, const struct cf_candidate *candidate,
                           bool is_in_hand)
{
    bool is_drawn = candidate->id == data->choice->id;
    bool is_cut = !(candidate->p > 0);
    enum ui_style_name style = is_drawn ? UI_STYLE_BAR_DRAWN
                               : is_cut ? UI_STYLE_BAR_CUT
                                        : UI_STYLE_BAR;
    enum ui_style_name plain = is_in_hand ? UI_STYLE_SELECTED
                               : is_drawn ? UI_STYLE_BAR_DRAWN
                               : is_cut   ? UI_STYLE_FAINT
                                          : UI_STYLE_TEXT;
    struct cf_buf text = CF_BUF_INIT;
    size_t size = 0;
    const char *piece = data->piece(data->context, candidate->id, &size);
    ui_knobs_describe_piece(piece, size, &text);
    bool has_both = rect.width >= BOTH_FROM;
    int bar = rect.x + 1 + PIECE_WIDTH;
    int end = rect.x + rect.width;
    int bar_end = end - 1 - NUMBER_WIDTH - (has_both ? FORCE_WIDTH : 0);
    if (is_in_hand) {
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, bar - rect.x, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_SELECTED));
    }
    ui_pane_put(paint, rect.x + 1, y, bar < end ? bar - 1 : end, text.data, plain);
    cf_buf_release(&text);
    if (bar < bar_end) {
        draw_bar(paint, bar, y, bar_end - bar, (double)candidate->p_raw, style);
        if (is_drawn) {
            draw_rank(paint, bar, y, bar_end, data->choice->rank);
        }
    }
    /* Where only one number has room it is the one that a turned knob changes; the bar is the raw
     * one. */
    if (has_both) {
        draw_share(paint, bar, y, end - 1 - FORCE_WIDTH, (double)candidate->p_raw, UI_STYLE_FAINT);
    }
    if (!is_cut) {
        draw_share(paint, bar, y, end - 1, (double)candidate->p, UI_STYLE_TEXT);
    } else {
        ui_pane_put_right(paint, bar, y, end - 1, "–", UI_STYLE_FAINT);
    }
}

/* The filter that drew the border, with its value. */
static void describe_cut(const struct ui_knobs_data *data, char *text, size_t size)
{
    const struct cf_sampling *sampling = &data->settings->sampling;
    const struct {
        const char *name;
        double value;
    } cuts[] = {
        /* Nothing was left out: what is this unlikely, the temperature made so. */
        [CF_CUT_NONE] = {"temperature", sampling->temperature},
        [CF_CUT_TOP_P] = {"top-p", sampling->top_p},
        [CF_CUT_MIN_P] = {"min-p", sampling->min_p},
        [CF_CUT_TYPICAL_P] = {"typical-p", sampling->typical_p},
    };
    enum cf_cut cut = data->choice->cut;
    if (cut == CF_CUT_BEST) {
        snprintf(text, size, "the likeliest");
    } else if (cut == CF_CUT_TOP_K) {
        snprintf(text, size, "top-k %d", sampling->top_k);
    } else {
        double hundredths = cuts[cut].value * 100;
        bool is_short = hundredths - (int)(hundredths + 0.5) < 1e-6 &&
                        hundredths - (int)(hundredths + 0.5) > -1e-6;
        snprintf(text, size, is_short ? "%s %.2f" : "%s %g", cuts[cut].name, cuts[cut].value);
    }
}

static void draw_cut(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct ui_knobs_data *data)
{
    char text[56];
    describe_cut(data, text, sizeof text);
    int end = rect.x + rect.width;
    for (int x = rect.x + 1; x < end - 1; x++) {
        ui_grid_put_str(paint->grid, x, y, end, "┄", ui_paint_style(paint, UI_STYLE_MARK));
    }
    int width = cf_text_width(text, strlen(text), 0) + 2;
    int x = end - 1 - 4 - width;
    ui_grid_putf(paint->grid, x > rect.x ? x : rect.x + 1, y, end,
                 ui_paint_style(paint, UI_STYLE_MARK), " %s ", text);
}

/* What is said of a look, below its candidates: the verdict of the replay and what the settings of
 * now would have done. */
static int look_lines(const struct ui_knobs_data *data, int width, struct cf_buf lines[2])
{
    const struct cf_chat_look *look = data->look;
    int n = 0;
    if (look == NULL) {
        return 0;
    }
    switch (look->state) {
    case CF_LOOK_READING:
        cf_buf_add_str(&lines[n++],
                       data->is_running ? "more once the reply ends" : "reading it again …");
        break;
    case CF_LOOK_FAILED:
        cf_buf_add_str(&lines[n++], look->error);
        break;
    case CF_LOOK_DONE:
        if (look->first_other < 0) {
            cf_buf_addf(&lines[n++], "identical, %d of %d%s", look->n_same, look->n_compared,
                        width < 30 ? "" : " tokens");
        } else {
            cf_buf_addf(&lines[n++], "differs from token %d on: %.4f then, %.4f now",
                        look->first_other + 1, (double)look->p_other, (double)look->p_other_now);
        }
        break;
    }
    if (look->n_cut_if >= 0) {
        cf_buf_addf(&lines[n++], "as set now: %d of %zu cut", look->n_cut_if, look->n);
    }
    return n;
}

/* What stands in a row of the list where it is no candidate. */
enum { STORED_ROWS = 3, ROW_CUT = -1, ROW_DRAWN = -2, ROWS_MAX = CF_CHOICE_MAX + 2 };

/* The rows of the list: candidates by their number, the cut, and behind them the token drawn where
 * it is none of them. */
static int list_rows(const struct cf_choice *choice, int rows[ROWS_MAX])
{
    int n = 0;
    bool is_cut_shown = false;
    bool is_drawn_there = false;
    for (int i = 0; i < choice->n_candidates; i++) {
        if (!(choice->candidates[i].p > 0) && !is_cut_shown) {
            rows[n++] = ROW_CUT;
            is_cut_shown = true;
        }
        rows[n++] = i;
        is_drawn_there |= choice->candidates[i].id == choice->id;
    }
    if (!is_drawn_there) {
        rows[n++] = ROW_DRAWN;
    }
    return n;
}

static bool is_row_drawn(const struct cf_choice *choice, int row)
{
    return row == ROW_DRAWN || (row >= 0 && choice->candidates[row].id == choice->id);
}

/* Rows that the candidates take of HEIGHT, a blank one behind them included. */
static int candidates_height(const struct ui_knobs_data *data, int height)
{
    if (data->is_steered || data->look != NULL) {
        int most = height - STEERED_KNOBS;
        int rows[ROWS_MAX];
        int n = data->choice != NULL ? list_rows(data->choice, rows)
                : data->look != NULL ? STORED_ROWS
                                     : 0;
        int wish = n + 5;
        return wish < most ? wish : most > 3 ? most : height < 3 ? height : 3;
    }
    int wish = CANDIDATES + (height < ROOMY_FROM ? 3 : 4);
    return data->choice == NULL || height < wish + 5 ? 0 : wish;
}

static void draw_title(const struct ui_paint *paint, struct ui_rect rect,
                       const struct ui_knobs_data *data)
{
    int end = rect.x + rect.width;
    char text[40] = "next token";
    if (data->look != NULL) {
        snprintf(text, sizeof text, "token %zu of %zu", data->token + 1, data->look->n);
    }
    int x = ui_pane_put(paint, rect.x + 1, rect.y, end, text, UI_STYLE_HEADING);
    if (data->choice == NULL) {
        return;
    }
    snprintf(text, sizeof text, "H %.1f bit", (double)data->choice->entropy);
    if (x + 1 + (int)strlen(text) > end - 1) {
        text[strlen(text) - strlen(" bit")] = '\0';
    }
    ui_pane_put_right(paint, x + 1, rect.y, end - 1, text, UI_STYLE_FAINT);
}

/* How many are inside, and what the numbers are. */
static void draw_labels(const struct ui_paint *paint, struct ui_rect rect, int y,
                        const struct cf_choice *choice)
{
    char text[40];
    int end = rect.x + rect.width;
    snprintf(text, sizeof text, "%d inside", (int)choice->n_inside);
    int x = ui_pane_put(paint, rect.x + 1, y, end, text, UI_STYLE_FAINT);
    ui_pane_put_right(paint, x + 1, y, end - 1, "in force", UI_STYLE_FAINT);
    if (rect.width >= BOTH_FROM) {
        ui_pane_put_right(paint, x + 1, y, end - 1 - FORCE_WIDTH, "raw", UI_STYLE_FAINT);
    }
}

static void draw_row(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct ui_knobs_data *data, int row)
{
    const struct cf_choice *choice = data->choice;
    if (row == ROW_CUT) {
        draw_cut(paint, rect, y, data);
    } else if (row == ROW_DRAWN) {
        const struct cf_candidate drawn = {choice->id, choice->p_raw, choice->p};
        draw_candidate(paint, rect, y, data, &drawn, false);
    } else {
        draw_candidate(paint, rect, y, data, &choice->candidates[row], row == data->candidate);
    }
}

/* Rows [y, last) of the list, so that the candidate in hand is among them; the token drawn takes
 * the last one when it is further down. */
static void draw_rows(const struct ui_paint *paint, struct ui_rect rect, int y, int last,
                      const struct ui_knobs_data *data)
{
    int rows[ROWS_MAX];
    int n = list_rows(data->choice, rows);
    int in_hand = 0;
    int drawn = 0;
    for (int i = 0; i < n; i++) {
        in_hand = data->candidate >= 0 && rows[i] == data->candidate ? i : in_hand;
        drawn = is_row_drawn(data->choice, rows[i]) ? i : drawn;
    }
    int height = last - y;
    int top = ui_pane_scroll(0, in_hand, n, height);
    bool is_below = drawn >= top + height && height > 1;
    if (is_below) {
        height--;
        top = ui_pane_scroll(0, in_hand, n, height);
    }
    for (int i = 0; i < height && top + i < n; i++) {
        draw_row(paint, rect, y + i, data, rows[top + i]);
    }
    if (is_below) {
        draw_row(paint, rect, last - 1, data, rows[drawn]);
    }
}

/* What was stored of the token under the cursor, while that is all there is. */
static void draw_stored(const struct ui_paint *paint, struct ui_rect rect, int y, int last,
                        const struct ui_knobs_data *data)
{
    static const char *const origins[] = {[CF_TOKEN_DRAWN] = "drawn",
                                          [CF_TOKEN_FORCED] = "chosen by hand",
                                          [CF_TOKEN_COPIED] = "inherited"};
    if (data->look == NULL || data->token >= data->look->n) {
        return;
    }
    const struct cf_chat_look_token *token = &data->look->tokens[data->token];
    char rows[STORED_ROWS][64];
    snprintf(rows[0], sizeof rows[0], "%s · rank %d", origins[token->origin], (int)token->rank + 1);
    snprintf(rows[1], sizeof rows[1], "%.1f %% by the model", (double)token->p_raw * 100);
    snprintf(rows[2], sizeof rows[2], "%.1f %% as it was set", (double)token->p * 100);
    for (int i = 0; i < STORED_ROWS && y + i < last; i++) {
        ui_pane_put(paint, rect.x + 1, y + i, rect.x + rect.width - 1, rows[i], UI_STYLE_TEXT);
    }
}

static void draw_candidates(const struct ui_paint *paint, struct ui_rect rect, int height,
                            const struct ui_knobs_data *data)
{
    struct cf_buf lines[2] = {CF_BUF_INIT, CF_BUF_INIT};
    int n_lines = look_lines(data, rect.width, lines);
    draw_title(paint, rect, data);
    int last = rect.y + height - 1; /* left blank */
    int rows_end = last - n_lines > rect.y + 1 ? last - n_lines : last;
    if (data->choice != NULL) {
        bool has_labels = rows_end - rect.y >= 4;
        if (has_labels) {
            draw_labels(paint, rect, rect.y + 1, data->choice);
        }
        draw_rows(paint, rect, rect.y + 1 + has_labels, rows_end, data);
    } else {
        draw_stored(paint, rect, rect.y + 1, rows_end, data);
    }
    for (int i = 0; i < n_lines && rows_end + i < last; i++) {
        ui_pane_put(paint, rect.x + 1, rows_end + i, rect.x + rect.width - 1, lines[i].data,
                    data->look->state == CF_LOOK_FAILED && i == 0 ? UI_STYLE_ERROR
                                                                  : UI_STYLE_NOTICE);
    }
    cf_buf_release(&lines[0]);
    cf_buf_release(&lines[1]);
}

static void draw_slider(const struct ui_paint *paint, int x, int y, int width, double at,
                        bool is_selected)
{
    if (width < 2) {
        return;
    }
    int knob = (int)(at * (width - 1) + 0.5);
    knob = knob < 0 ? 0 : knob >= width ? width - 1 : knob;
    for (int i = 0; i < width; i++) {
        ui_grid_put_str(paint->grid, x + i, y, x + width,
                        i == knob  ? "●"
                        : i < knob ? "━"
                                   : "─",
                        ui_paint_style(paint, i < knob || (i == knob && !is_selected)
                                                  ? UI_STYLE_SLIDER
                                              : i == knob ? UI_STYLE_RULE_FOCUS
                                                          : UI_STYLE_RULE));
    }
}

/* A value as it stands beside its name: two digits where they say all. */
static void describe_value(const struct ui_knobs_data *data, const struct cf_setting_info *info,
                           struct cf_buf *text)
{
    cf_settings_format(data->settings, info->setting, text);
    char *end;
    double value = strtod(text->data, &end);
    const char *point = strchr(text->data, '.');
    bool is_short = point == NULL || strlen(point) <= 3;
    if (info->type == CF_TYPE_REAL && *end == '\0' && is_short && strchr(text->data, 'e') == NULL) {
        cf_buf_clear(text);
        cf_buf_addf(text, "%.2f", value);
    }
}

static void draw_knob(const struct ui_paint *paint, struct ui_rect rect, int y, int n_rows,
                      const struct ui_knobs_data *data, size_t index)
{
    enum cf_setting setting = ui_knobs_at(index);
    const struct cf_setting_info *info = cf_setting_info(setting);
    bool is_selected = data->has_focus && index == data->selected;
    int end = rect.x + rect.width;
    int name_end = n_rows == 1 && rect.width >= ONE_ROW_FROM ? rect.x + 28 : end;
    if (is_selected) {
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, name_end - rect.x, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_SELECTED));
    }
    struct cf_buf value = CF_BUF_INIT;
    describe_value(data, info, &value);
    int width = cf_text_width(value.data, value.size, 0);
    enum ui_style_name plain = is_selected ? UI_STYLE_SELECTED : UI_STYLE_TEXT;
    ui_pane_put(paint, rect.x + 1, y, name_end - width - 2, info->name, plain);
    ui_pane_put_right(paint, rect.x + 1, y, name_end - 1, value.data, plain);
    cf_buf_release(&value);
    double at = cf_settings_slider(data->settings, setting);
    if (n_rows > 1) {
        draw_slider(paint, rect.x + 1, y + 1, rect.width - 2, at, is_selected);
    } else if (name_end < end) {
        draw_slider(paint, name_end + 1, y, end - name_end - 2, at, is_selected);
    }
}

/* The help of the knob in hand, at the bottom; returns the rows it took. */
static int draw_help(const struct ui_paint *paint, struct ui_rect rect,
                     const struct ui_knobs_data *data)
{
    if (!data->has_focus || rect.height < 8 || rect.width < 12) {
        return 0;
    }
    const char *help = cf_setting_info(ui_knobs_at(data->selected))->help;
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, rect.width - 2);
    ui_wrap_extend(&wrap, help, strlen(help));
    int most = rect.height < 10 ? rect.height / 3 : 4;
    int n = (int)wrap.n_rows < most ? (int)wrap.n_rows : most;
    for (int i = 0; i < n; i++) {
        ui_grid_put(paint->grid, rect.x + 1, rect.y + rect.height - n + i, rect.x + rect.width,
                    help + wrap.rows[i].begin, wrap.rows[i].end - wrap.rows[i].begin,
                    ui_paint_style(paint, UI_STYLE_FAINT));
    }
    ui_wrap_release(&wrap);
    return n;
}

void ui_knobs_draw(const struct ui_paint *paint, struct ui_rect rect,
                   const struct ui_knobs_data *data, int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    int taken = candidates_height(data, rect.height);
    if (taken > 0) {
        draw_candidates(paint, rect, taken, data);
    }
    rect.y += taken;
    rect.height -= taken;
    rect.height -= draw_help(paint, rect, data);
    int n = (int)ui_knobs_n();
    int n_rows = rect.width < ONE_ROW_FROM && rect.height >= 6 ? 2 : 1;
    int n_shown = rect.height / n_rows;
    *top = ui_pane_scroll(*top, (int)data->selected, n, n_shown);
    for (int i = 0; i < n_shown && *top + i < n; i++) {
        draw_knob(paint, rect, rect.y + i * n_rows, n_rows, data, (size_t)(*top + i));
    }
}
