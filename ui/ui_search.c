/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching: while it is typed, the hits, and from hit to hit in the transcript. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "ui_state.h"

enum { HITS_LIMIT = 200 };

bool ui_search_is_blank(const char *query)
{
    return query[strspn(query, " \t")] == '\0';
}

void ui_search_as_typed(struct ui *ui, const char *query)
{
    char *copy = cf_strdup(query);
    free(ui->query);
    ui->query = copy;
    ui->hit_selected = 0;
    ui->opens_hit = false;
    ui->screen.search_top = 0;
    ui->is_dirty = true;
    if (!ui_search_is_blank(copy)) {
        cf_chat_search(ui->chat, copy, HITS_LIMIT);
    }
}

void ui_search_open(struct ui *ui, const char *query)
{
    if (ui->query == NULL || strcmp(ui->query, query) != 0) {
        ui_search_as_typed(ui, query);
    }
    ui_set_focus(ui, UI_FOCUS_SEARCH);
    ui->opens_hit = true;
    ui_search_answered(ui);
}

void ui_search_answered(struct ui *ui)
{
    struct ui_search_data data = ui_search_data(ui);
    if (data.is_asked) {
        return;
    }
    if (ui->opens_hit && ui->focus == UI_FOCUS_SEARCH && data.selected < data.n) {
        ui_open_hit(ui, &data.hits[data.selected]);
    }
    ui->opens_hit = false;
}

void ui_search(struct ui *ui, const char *query)
{
    ui_search_as_typed(ui, query);
    ui_set_focus(ui, UI_FOCUS_SEARCH);
}

struct ui_search_data ui_search_data(const struct ui *ui)
{
    struct ui_search_data data = {
        .is_asked = cf_chat_is_searching(ui->chat),
        .findings = cf_chat_findings(ui->chat),
        .query = ui->query != NULL && !ui_search_is_blank(ui->query) ? ui->query : "",
        .selected = ui->hit_selected};
    /* While nothing is typed yet, what was found before is no answer. */
    if (data.query[0] != '\0') {
        data.hits = cf_chat_found(ui->chat, &data.n);
    }
    return data;
}

void ui_open_hit(struct ui *ui, const struct cf_chat_hit *hit)
{
    ui->wanted_message = hit->message;
    cf_chat_open_at(ui->chat, hit->conversation, hit->message);
    ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
}

void ui_search_click(struct ui *ui, int y)
{
    size_t n;
    const struct cf_chat_hit *hits = cf_chat_found(ui->chat, &n);
    const struct ui_rect rows = ui_search_rows(ui->layout.whole);
    size_t at = (size_t)(ui->screen.search_top + y - rows.y);
    if (y < rows.y || at >= n) {
        return;
    }
    if (at == ui->hit_selected) {
        ui_open_hit(ui, &hits[at]);
    }
    ui->hit_selected = at;
}

/* The next message of this conversation that holds the words, behind FROM; to the end only, unless
 * it may go round. */
static bool find_here(struct ui *ui, const struct ui_transcript_data *data, size_t from, int step,
                      bool goes_round, size_t *found)
{
    const char *words = cf_chat_findings(ui->chat)->words;
    for (size_t i = 1; i <= data->n_turns; i++) {
        size_t at = step > 0 ? from + i : from + data->n_turns - i;
        bool is_round = step > 0 ? at >= data->n_turns : at < data->n_turns;
        at %= data->n_turns;
        if (is_round && !goes_round) {
            return false;
        }
        if (ui_transcript_matches(data->turns[at], words)) {
            *found = at;
            return true;
        }
    }
    return false;
}

/* The next hit of another conversation. */
static const struct cf_chat_hit *find_elsewhere(struct ui *ui, int step)
{
    size_t n;
    const struct cf_chat_hit *hits = cf_chat_found(ui->chat, &n);
    int64_t here = cf_chat_status(ui->chat)->conversation;
    for (size_t at = ui->hit_selected + (size_t)step; at < n; at += (size_t)step) {
        if (hits[at].conversation != here) {
            ui->hit_selected = at;
            return &hits[at];
        }
    }
    return NULL;
}

void ui_move_hit(struct ui *ui, int step)
{
    const char *words = cf_chat_findings(ui->chat)->words;
    struct ui_transcript_data data = ui_transcript_data(ui);
    size_t index = 0;
    size_t found = 0;
    if (words[0] == '\0') {
        ui_say(ui, false, "Nothing was searched for yet; / searches");
        return;
    }
    if (data.n_turns == 0) {
        return;
    }
    if (!ui_transcript_selected(&ui->screen.transcript, &data, &index)) {
        index = step > 0 ? data.n_turns - 1 : 0;
    }
    const struct cf_chat_hit *hit = NULL;
    if (find_here(ui, &data, index, step, false, &found)) {
        ui_transcript_select(&ui->screen.transcript, &data, found);
    } else if ((hit = find_elsewhere(ui, step)) != NULL) {
        ui_open_hit(ui, hit);
    } else if (find_here(ui, &data, index, step, true, &found)) {
        ui_transcript_select(&ui->screen.transcript, &data, found);
        ui_say(ui, false, step > 0 ? "From the beginning again" : "From the end again");
    } else {
        ui_sayf(ui, false, "No message here has \"%s\"", words);
    }
    ui->is_dirty = true;
}
