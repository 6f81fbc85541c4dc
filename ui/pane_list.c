/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"

enum {
    GROUPS_FROM = 6,   /* rows from which there are headings of groups */
    DETAIL_FROM = 12,  /* and from which the one in hand is told of */
    DETAIL_HEIGHT = 4, /* a rule among them */
    MODEL_FROM = 52,   /* columns from which every row names its model */
    MODEL_WIDTH = 18,
    COUNT_FROM = 28,
    DATE_FROM = 20,
    DAYS_OF_WEEK = 7,
};

/* ---- Dates ---- */

static bool local_time(struct tm *local, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    return localtime_r(&seconds, local) != NULL;
}

void ui_date_format(char text[UI_DATE_SIZE], int64_t ms, int64_t now_ms)
{
    struct tm then_tm;
    struct tm now_tm;
    text[0] = '\0';
    if (!local_time(&then_tm, ms) || !local_time(&now_tm, now_ms)) {
        return;
    }
    size_t n;
    if (then_tm.tm_year != now_tm.tm_year) {
        n = strftime(text, UI_DATE_SIZE, "%Y-%m-%d", &then_tm);
    } else if (then_tm.tm_yday == now_tm.tm_yday) {
        n = strftime(text, UI_DATE_SIZE, "%H:%M", &then_tm);
    } else {
        n = strftime(text, UI_DATE_SIZE, "%e %b", &then_tm);
    }
    if (n == 0) {
        text[0] = '\0';
    }
}

/* The number of the day, from some day on (Hinnant's days_from_civil). */
static int64_t day_of(const struct tm *local)
{
    int64_t year = (int64_t)local->tm_year + 1900 - (local->tm_mon < 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (local->tm_mon + 10) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + local->tm_mday - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
}

void ui_date_group(char text[UI_GROUP_SIZE], int64_t ms, int64_t now_ms)
{
    struct tm then_tm;
    struct tm now_tm;
    text[0] = '\0';
    if (!local_time(&then_tm, ms) || !local_time(&now_tm, now_ms)) {
        return;
    }
    int64_t days = day_of(&now_tm) - day_of(&then_tm);
    int since_monday = (now_tm.tm_wday + DAYS_OF_WEEK - 1) % DAYS_OF_WEEK;
    const char *word = days == 0                             ? "Today"
                       : days == 1                           ? "Yesterday"
                       : days < 0                            ? NULL
                       : days <= since_monday                ? "This week"
                       : days <= since_monday + DAYS_OF_WEEK ? "Last week"
                                                             : NULL;
    if (word != NULL) {
        memcpy(text, word, strlen(word) + 1);
    } else if (strftime(text, UI_GROUP_SIZE, "%B %Y", &then_tm) == 0) {
        text[0] = '\0';
    }
}

/* ---- Rows ---- */

/* What stands in a row: an item, or the heading before it. */
struct row {
    size_t item;
    bool is_heading;
};

struct rows {
    struct row *items;
    size_t n;
    size_t selected; /* item */
};

static void group_of(char text[UI_GROUP_SIZE], const struct cf_chat_list_item *item,
                     const struct ui_list_data *data)
{
    if (item->is_pinned) {
        memcpy(text, "Pinned", sizeof "Pinned");
    } else {
        ui_date_group(text, item->updated_ms, data->now_ms);
    }
}

static void make_rows(struct rows *rows, const struct ui_list_data *data, int height)
{
    const struct cf_chat_listing *listing = data->listing;
    char before[UI_GROUP_SIZE] = "";
    char group[UI_GROUP_SIZE];
    *rows = (struct rows){.items = cf_calloc(listing->n * 2, sizeof *rows->items)};
    for (size_t i = 0; i < listing->n; i++) {
        group_of(group, &listing->items[i], data);
        if (height >= GROUPS_FROM && strcmp(group, before) != 0) {
            rows->items[rows->n++] = (struct row){i, true};
            memcpy(before, group, sizeof group);
        }
        rows->items[rows->n++] = (struct row){i, false};
        if (listing->items[i].id == data->selected) {
            rows->selected = i;
        }
    }
}

/* The first row in view: where the reader left it, moved no further than needed. */
static int find_top(const struct rows *rows, const struct ui_list_data *data,
                    const struct ui_list_view *view, int height)
{
    int top = 0;
    int selected = 0;
    bool is_found = false;
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->items[i];
        bool is_same = row->is_heading == view->is_heading || !row->is_heading;
        if (!is_found && is_same && data->listing->items[row->item].id == view->top) {
            top = (int)i;
            is_found = true;
        }
        if (row->item == rows->selected && !row->is_heading) {
            selected = (int)i;
        }
    }
    /* The heading of the first item in view is better seen than not. */
    bool has_heading = selected > 0 && rows->items[selected - 1].is_heading && height > 1;
    top = ui_pane_scroll(top, selected, (int)rows->n, height);
    return has_heading ? ui_pane_scroll(top, selected - 1, (int)rows->n, height) : top;
}

static bool is_tagged(const struct ui_list_data *data, int64_t id)
{
    for (size_t i = 0; i < data->n_tagged; i++) {
        if (data->tagged[i] == id) {
            return true;
        }
    }
    return false;
}

/* ---- Drawing ---- */

static void draw_message(const struct ui_paint *paint, struct ui_rect rect, const char *text)
{
    if (rect.height > 0) {
        ui_pane_put(paint, rect.x + 1, rect.y, rect.x + rect.width, text, UI_STYLE_FAINT);
    }
}

static void draw_heading(const struct ui_paint *paint, struct ui_rect rect,
                         const struct ui_list_data *data)
{
    static const char *const names[] = {[CF_CHAT_SHELF_ACTIVE] = "Conversations",
                                        [CF_CHAT_SHELF_ARCHIVED] = "Archive",
                                        [CF_CHAT_SHELF_TRASH] = "Trash"};
    if (rect.height < 1) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, names[data->listing->shelf]);
    if (data->n_tagged > 0) {
        cf_buf_addf(&text, ", %zu marked", data->n_tagged);
    }
    if (data->listing->match[0] != '\0') {
        cf_buf_addf(&text, " with ‘%s’", data->listing->match);
    }
    ui_pane_put(paint, rect.x + 1, rect.y, rect.x + rect.width, text.data, UI_STYLE_HEADING);
    cf_buf_release(&text);
}

static const char *mark_of(const struct cf_chat_list_item *item, const struct ui_list_data *data)
{
    return is_tagged(data, item->id)   ? "✓"
           : item->is_streaming        ? "▸"
           : item->is_interrupted      ? "!"
           : item->is_unread           ? "●"
           : item->id == data->current ? "•"
                                       : " ";
}

static enum ui_style_name style_of(const struct cf_chat_list_item *item,
                                   const struct ui_list_data *data)
{
    bool is_state = item->is_interrupted && !item->is_streaming && !is_tagged(data, item->id);
    return is_state ? UI_STYLE_STATE : UI_STYLE_MARK;
}

/* What stands at the right: model, number of messages, date, as far as there is room; returns the
 * column where they begin. */
static int draw_columns(const struct ui_paint *paint, struct ui_rect rect, int y,
                        const struct cf_chat_list_item *item, const struct ui_list_data *data,
                        enum ui_style_name style)
{
    int end = rect.x + rect.width - 1;
    char date[UI_DATE_SIZE];
    char count[24];
    if (rect.width < DATE_FROM) {
        return end;
    }
    ui_date_format(date, item->updated_ms, data->now_ms);
    if (rect.width < 30 && strlen(date) == 10) {
        date[4] = '\0'; /* the year alone */
    }
    end -= (int)strlen(date);
    ui_pane_put(paint, end, y, rect.x + rect.width, date, style);
    if (rect.width >= COUNT_FROM) {
        snprintf(count, sizeof count, "%" PRId32, item->n_messages);
        int width = (int)strlen(count) > 3 ? (int)strlen(count) : 3;
        ui_pane_put_right(paint, end - 1 - width, y, end - 1, count, style);
        end -= 1 + width;
    }
    if (rect.width >= MODEL_FROM) {
        ui_pane_put(paint, end - 1 - MODEL_WIDTH, y, end - 1, item->model, style);
        end -= 1 + MODEL_WIDTH;
    }
    return end - 1;
}

static void draw_item(const struct ui_paint *paint, struct ui_rect rect, int y,
                      const struct cf_chat_list_item *item, const struct ui_list_data *data,
                      bool is_selected)
{
    int end = rect.x + rect.width;
    if (is_selected) {
        ui_grid_fill(paint->grid, (struct ui_rect){rect.x, y, rect.width, 1}, ' ',
                     ui_paint_style(paint, UI_STYLE_SELECTED));
    }
    int title_end =
        draw_columns(paint, rect, y, item, data, is_selected ? UI_STYLE_SELECTED : UI_STYLE_FAINT);
    ui_pane_put(paint, rect.x, y, end, mark_of(item, data),
                is_selected ? UI_STYLE_SELECTED : style_of(item, data));
    int x = rect.x + 1;
    if (item->is_pinned) {
        x = ui_pane_put(paint, x, y, title_end, "* ",
                        is_selected ? UI_STYLE_SELECTED : UI_STYLE_KEY);
    }
    ui_pane_put(paint, x, y, title_end, item->title[0] != '\0' ? item->title : "Untitled",
                is_selected ? UI_STYLE_SELECTED : UI_STYLE_TEXT);
}

/* What is to be known of the one in hand, its title and model in full as far as that can be. */
static void draw_detail(const struct ui_paint *paint, struct ui_rect rect,
                        const struct cf_chat_list_item *item, const struct ui_list_data *data)
{
    int x = rect.x + 1;
    int end = rect.x + rect.width;
    struct cf_buf text = CF_BUF_INIT;
    char date[UI_DATE_SIZE];
    ui_grid_hline(paint->grid, rect.x, rect.y, rect.width, ui_paint_style(paint, UI_STYLE_RULE));
    ui_pane_put(paint, x, rect.y + 1, end, item->title[0] != '\0' ? item->title : "Untitled",
                UI_STYLE_TEXT);
    ui_pane_put(paint, x, rect.y + 2, end, item->model[0] != '\0' ? item->model : "no model yet",
                UI_STYLE_FAINT);
    ui_date_format(date, item->updated_ms, data->now_ms);
    cf_buf_addf(&text, "%" PRId64 " · %" PRId32 " message%s · %s", item->id, item->n_messages,
                item->n_messages == 1 ? "" : "s", date[0] == ' ' ? date + 1 : date);
    for (size_t i = 0; i < item->n_tags; i++) {
        cf_buf_addf(&text, " #%s", item->tags[i]);
    }
    if (item->is_streaming || item->is_interrupted || item->is_unread) {
        cf_buf_addf(&text, " · %s",
                    item->is_streaming     ? "being written"
                    : item->is_interrupted ? "interrupted"
                                           : "unread");
    }
    ui_pane_put(paint, x, rect.y + 3, end, text.data, UI_STYLE_FAINT);
    cf_buf_release(&text);
}

static void draw_rows(const struct ui_paint *paint, const struct ui_pane_places *places,
                      const struct ui_list_data *data, struct ui_list_view *view)
{
    struct rows rows;
    make_rows(&rows, data, places->rows.height);
    int top = find_top(&rows, data, view, places->rows.height);
    for (int i = 0; i < places->rows.height && top + i < (int)rows.n; i++) {
        const struct row *row = &rows.items[top + i];
        const struct cf_chat_list_item *item = &data->listing->items[row->item];
        int y = places->rows.y + i;
        if (row->is_heading) {
            char group[UI_GROUP_SIZE];
            group_of(group, item, data);
            ui_pane_put(paint, places->rows.x + 1, y, places->rows.x + places->rows.width, group,
                        UI_STYLE_MARK);
        } else {
            draw_item(paint, places->rows, y, item, data,
                      data->has_focus && row->item == rows.selected);
        }
    }
    if (rows.n > 0) {
        view->top = data->listing->items[rows.items[top].item].id;
        view->is_heading = rows.items[top].is_heading;
    }
    if (places->detail.height > 0) {
        draw_detail(paint, places->detail, &data->listing->items[rows.selected], data);
    }
    free(rows.items);
}

void ui_list_draw(const struct ui_paint *paint, struct ui_rect rect,
                  const struct ui_list_data *data, struct ui_list_view *view)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    struct ui_pane_places places = ui_pane_divide(rect, DETAIL_FROM, DETAIL_HEIGHT);
    draw_heading(paint, places.heading, data);
    if (data->listing->n == 0) {
        bool is_filtered = data->listing->match[0] != '\0';
        draw_message(paint, places.rows,
                     data->is_asked                                ? "…"
                     : is_filtered                                 ? "nothing like that"
                     : data->listing->shelf == CF_CHAT_SHELF_TRASH ? "empty"
                                                                   : "none yet");
        return;
    }
    draw_rows(paint, &places, data, view);
}

int64_t ui_list_at(struct ui_rect rect, const struct ui_list_data *data,
                   const struct ui_list_view *view, int y)
{
    struct ui_pane_places places = ui_pane_divide(rect, DETAIL_FROM, DETAIL_HEIGHT);
    struct rows rows;
    make_rows(&rows, data, places.rows.height);
    int at = find_top(&rows, data, view, places.rows.height) + y - places.rows.y;
    bool is_inside = y >= places.rows.y && y < places.rows.y + places.rows.height &&
                     at < (int)rows.n && !rows.items[at].is_heading;
    int64_t id = is_inside ? data->listing->items[rows.items[at].item].id : 0;
    free(rows.items);
    return id;
}
