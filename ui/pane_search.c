/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_search.h"

#include <string.h>

#include "command.h"
#include "pane_list.h"

static void draw_message(const struct ui_paint *paint, struct ui_rect rect, int y, const char *text)
{
    if (y < rect.y + rect.height) {
        ui_pane_put(paint, rect.x + 1, y, rect.x + rect.width, text, UI_STYLE_FAINT);
    }
}

struct ui_rect ui_search_rows(struct ui_rect rect)
{
    if (rect.height >= 3) {
        rect.y++;
        rect.height--;
    }
    return rect;
}

/* A heading in the first row; returns what is left for the rows. */
static struct ui_rect draw_heading(const struct ui_paint *paint, struct ui_rect rect,
                                   const char *text)
{
    struct ui_rect rows = ui_search_rows(rect);
    if (rows.y > rect.y) {
        ui_pane_put(paint, rect.x + 1, rect.y, rect.x + rect.width, text, UI_STYLE_HEADING);
    }
    return rows;
}

/* Draws bytes [begin, end) of a snippet in one row; line breaks become spaces. */
static int draw_part(const struct ui_paint *paint, int x, int y, int right,
                     const struct cf_chat_hit *hit, size_t begin, size_t end,
                     enum ui_style_name style)
{
    struct cf_buf safe = CF_BUF_INIT;
    if (begin < end) {
        cf_text_make_safe(&safe, hit->snippet + begin, end - begin);
    }
    for (size_t i = 0; i < safe.size; i++) {
        if (safe.data[i] == '\n' || safe.data[i] == '\t') {
            safe.data[i] = ' ';
        }
    }
    x = ui_grid_put(paint->grid, x, y, right, safe.data, safe.size, ui_paint_style(paint, style));
    cf_buf_release(&safe);
    return x;
}

/* Where to begin so that the first word found is seen within ROOM columns, some of what is before
 * it too. */
static size_t snippet_begin(const struct cf_chat_hit *hit, int room)
{
    size_t begin = 0;
    size_t found = hit->n_marks > 0 ? hit->marks[0].begin : 0;
    bool fits = hit->n_marks == 0 || cf_text_width(hit->snippet, hit->marks[0].end, 0) < room;
    while (!fits && begin < found) {
        do {
            begin++;
        } while (begin < found && ((unsigned char)hit->snippet[begin] & 0xc0) == 0x80);
        fits = cf_text_width(hit->snippet + begin, hit->marks[0].end - begin, 0) < room / 2;
    }
    return begin;
}

static void draw_snippet(const struct ui_paint *paint, int x, int y, int end,
                         const struct cf_chat_hit *hit, bool is_selected)
{
    enum ui_style_name plain = is_selected ? UI_STYLE_SELECTED : UI_STYLE_TEXT;
    size_t at = snippet_begin(hit, end - x - 1);
    if (hit->is_cut_before || at > 0) {
        x = ui_pane_put(paint, x, y, end, "…", plain);
    }
    for (size_t i = 0; i < hit->n_marks; i++) {
        x = draw_part(paint, x, y, end, hit, at, hit->marks[i].begin, plain);
        x = draw_part(paint, x, y, end, hit, hit->marks[i].begin, hit->marks[i].end, UI_STYLE_HIT);
        at = hit->marks[i].end;
    }
    x = draw_part(paint, x, y, end, hit, at, hit->snippet_size, plain);
    if (hit->is_cut_after) {
        ui_pane_put(paint, x, y, end, "…", plain);
    }
}

static void draw_hit(const struct ui_paint *paint, struct ui_rect rect, int y,
                     const struct cf_chat_hit *hit, const struct ui_search_data *data,
                     bool is_selected)
{
    int end = rect.x + rect.width;
    if (is_selected) {
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, rect.width, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_SELECTED));
    }
    char date[UI_DATE_SIZE];
    ui_date_format(date, hit->created_ms, data->now_ms);
    int date_width = rect.width >= 40 ? (int)strlen(date) + 2 : 1;
    int x = rect.x + 1;
    if (rect.width >= 60) {
        int title_end = x + rect.width / 4;
        ui_pane_put(paint, x, y, title_end, hit->title[0] != '\0' ? hit->title : "Untitled",
                    is_selected ? UI_STYLE_SELECTED : UI_STYLE_HEADING);
        x = title_end + 2;
        ui_pane_put(paint, x, y, end - date_width,
                    hit->role == CF_ROLE_USER        ? "you"
                    : hit->role == CF_ROLE_ASSISTANT ? "model"
                                                     : "system",
                    is_selected ? UI_STYLE_SELECTED : UI_STYLE_FAINT);
        x += 7;
    }
    draw_snippet(paint, x, y, end - date_width, hit, is_selected);
    if (date_width > 1) {
        ui_pane_put(paint, end - date_width + 1, y, end, date,
                    is_selected ? UI_STYLE_SELECTED : UI_STYLE_FAINT);
    }
}

/* Whether it was meant for the input line: the first word is a command's name. */
static bool names_command(const char *query)
{
    enum cf_command command;
    return cf_command_find(&command, query, strcspn(query, " "));
}

void ui_search_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_search_data *data, int *top)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    struct cf_buf heading = CF_BUF_INIT;
    cf_buf_addf(&heading, "Search: %s", data->query);
    if (!data->is_asked && data->n > 0) {
        cf_buf_addf(&heading, " (%zu%s)", data->n, data->findings->has_more ? "+" : "");
    }
    if (data->findings->is_limited && data->n > 0) {
        cf_buf_add_str(&heading, ", the best of the newest 5,000");
    }
    struct ui_rect rows = draw_heading(paint, rect, heading.data);
    cf_buf_release(&heading);
    if (data->n == 0) {
        draw_message(paint, rows, rows.y,
                     data->query[0] == '\0'            ? "words, \"a phrase\", prefix*, role:you, "
                                                         "title:, since:2026-01"
                     : data->findings->note[0] != '\0' ? data->findings->note
                     : data->is_asked                  ? "…"
                                                       : "nothing found");
        if (data->findings->note[0] == '\0' && !data->is_asked && names_command(data->query)) {
            draw_message(paint, rows, rows.y + 1, "Esc, q: back to the line of /commands");
        }
        return;
    }
    *top = ui_pane_scroll(*top, (int)data->selected, (int)data->n, rows.height);
    for (int i = 0; i < rows.height && *top + i < (int)data->n; i++) {
        size_t index = (size_t)(*top + i);
        draw_hit(paint, rows, rows.y + i, &data->hits[index], data, index == data->selected);
    }
}
