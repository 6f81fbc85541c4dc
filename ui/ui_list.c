/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of conversations: what is shown of them, and what keys do there. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "ui_state.h"

enum { MORE_FROM = 60 }; /* rows from either end at which more are asked for */

/* --- what is listed --------------------------------------------------------------------------- */

void ui_ask_list(struct ui *ui, enum cf_chat_shelf shelf, const char *match)
{
    const struct cf_chat_list_query query = {.shelf = shelf, .match = match};
    ui->is_list_asked = true;
    ui->is_list_asked_again = false;
    cf_chat_list(ui->chat, &query);
}

void ui_ask_list_again(struct ui *ui)
{
    ui->is_list_asked_again = ui->is_list_asked_again || !ui->is_list_asked;
    ui->is_list_asked = true;
    cf_chat_list_again(ui->chat);
}

/* Of the marked ones, those that are still listed. */
static void mind_tags(struct ui *ui)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    size_t n = 0;
    for (size_t i = 0; i < ui->n_tagged; i++) {
        bool is_listed = listing->has_newer || listing->has_older || ui->is_list_asked;
        for (size_t k = 0; k < listing->n && !is_listed; k++) {
            is_listed = listing->items[k].id == ui->tagged[i];
        }
        if (is_listed) {
            ui->tagged[n++] = ui->tagged[i];
        }
    }
    ui->n_tagged = n;
}

void ui_take_list(struct ui *ui)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    if (ui->list_edge != 0 && listing->n > 0) {
        ui->list_selected = listing->items[ui->list_edge > 0 ? listing->n - 1 : 0].id;
    }
    ui->list_edge = 0;
    ui->has_conversations = ui->has_conversations || listing->n > 0;
    mind_tags(ui);
}

bool ui_drop_filter(struct ui *ui)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    if (listing->match[0] == '\0') {
        return false;
    }
    ui_ask_list(ui, listing->shelf, NULL);
    return true;
}

void ui_open_list(struct ui *ui)
{
    ui->has_list = true;
    ui_ask_list_again(ui);
    ui_set_focus(ui, UI_FOCUS_LIST);
}

static const struct cf_chat_list_item *find_item(const struct ui *ui, int64_t id)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    for (size_t i = 0; i < listing->n; i++) {
        if (listing->items[i].id == id) {
            return &listing->items[i];
        }
    }
    return NULL;
}

static const struct cf_chat_list_item *item_in_hand(const struct ui *ui)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    const struct cf_chat_list_item *item = find_item(ui, ui->list_selected);
    return item == NULL && listing->n > 0 ? &listing->items[0] : item;
}

struct ui_list_data ui_list_data(struct ui *ui)
{
    return (struct ui_list_data){.listing = cf_chat_listing(ui->chat),
                                 .is_asked = !ui->is_list_known || ui->is_list_asked,
                                 .current = cf_chat_status(ui->chat)->conversation,
                                 .selected = ui->list_selected,
                                 .tagged = ui->tagged,
                                 .n_tagged = ui->n_tagged,
                                 .has_focus =
                                     ui->focus == UI_FOCUS_LIST || ui->asking == UI_ASK_FILTER};
}

/* --- moving ----------------------------------------------------------------------------------- */

void ui_move_in_list(struct ui *ui, int rows)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    int n = (int)listing->n;
    if (n == 0) {
        return;
    }
    int at = 0;
    for (int i = 0; i < n; i++) {
        at = listing->items[i].id == ui->list_selected ? i : at;
    }
    at += rows;
    at = at < 0 ? 0 : at >= n ? n - 1 : at;
    ui->list_selected = listing->items[at].id;
    if (at + MORE_FROM >= n) {
        cf_chat_list_more(ui->chat, 1);
    } else if (at < MORE_FROM) {
        cf_chat_list_more(ui->chat, -1);
    }
}

void ui_list_to(struct ui *ui, bool is_end)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    if (is_end ? listing->has_older : listing->has_newer) {
        ui->list_edge = is_end ? 1 : -1;
        ui->is_list_asked = true;
        ui->is_list_asked_again = false;
        cf_chat_list_edge(ui->chat, is_end);
    }
    ui_move_in_list(ui, is_end ? (int)listing->n : -(int)listing->n);
}

/* --- several at a time ------------------------------------------------------------------------ */

static size_t tag_of(const struct ui *ui, int64_t id)
{
    size_t i = 0;
    while (i < ui->n_tagged && ui->tagged[i] != id) {
        i++;
    }
    return i;
}

static void toggle_tag(struct ui *ui, int64_t id)
{
    size_t at = tag_of(ui, id);
    if (at < ui->n_tagged) {
        ui->n_tagged--;
        memmove(&ui->tagged[at], &ui->tagged[at + 1], (ui->n_tagged - at) * sizeof ui->tagged[0]);
    } else {
        ui->tagged =
            cf_grow(ui->tagged, ui->n_tagged, &ui->tagged_capacity, 1, sizeof ui->tagged[0]);
        ui->tagged[ui->n_tagged++] = id;
    }
    ui_move_in_list(ui, 1);
}

/* The next row that is not dealt with comes into hand, the one before when there is none. */
static void step_aside(struct ui *ui)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    const struct cf_chat_list_item *item = item_in_hand(ui);
    size_t at = item != NULL ? (size_t)(item - listing->items) : 0;
    for (size_t i = 1; i < listing->n; i++) {
        size_t other = at + i < listing->n ? at + i : listing->n - 1 - i;
        if (tag_of(ui, listing->items[other].id) == ui->n_tagged) {
            ui->list_selected = listing->items[other].id;
            return;
        }
    }
}

static enum cf_code deal_with(struct ui *ui, enum ui_action action, int64_t id, bool value,
                              struct cf_err *err)
{
    enum cf_chat_shelf shelf = cf_chat_listing(ui->chat)->shelf;
    if (action == UI_DELETE) {
        return cf_chat_delete(ui->chat, id, err);
    }
    if (action == UI_PIN) {
        return cf_chat_pin_conversation(ui->chat, id, value, err);
    }
    assert(action == UI_ARCHIVE);
    return shelf == CF_CHAT_SHELF_TRASH ? cf_chat_restore(ui->chat, id, err)
                                        : cf_chat_archive(ui->chat, id, value, err);
}

static void say_done(struct ui *ui, enum ui_action action, size_t n, bool value, const char *title)
{
    enum cf_chat_shelf shelf = cf_chat_listing(ui->chat)->shelf;
    const char *word = action == UI_DELETE            ? "deleted"
                       : action == UI_PIN             ? (value ? "pinned" : "unpinned")
                       : shelf == CF_CHAT_SHELF_TRASH ? "restored"
                       : value                        ? "archived"
                                                      : "taken out of the archive";
    struct cf_buf text = CF_BUF_INIT;
    if (n > 1) {
        cf_buf_addf(&text, "%zu conversations %s", n, word);
    } else {
        cf_buf_addf(&text, "%c%s", word[0] - 'a' + 'A', word + 1);
    }
    bool can_undo = action != UI_ARCHIVE || shelf != CF_CHAT_SHELF_TRASH;
    if (can_undo && action != UI_PIN) {
        ui_say_deleted(ui, text.data, n > 1 ? NULL : title);
    } else if (action != UI_PIN || n > 1) {
        ui_say(ui, false, text.data);
    }
    cf_buf_release(&text);
}

/* Deletes, pins, archives or restores what is marked, else the row in hand. */
static void deal_with_rows(struct ui *ui, enum ui_action action,
                           const struct cf_chat_list_item *item)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    if (action == UI_DELETE && listing->shelf == CF_CHAT_SHELF_TRASH) {
        ui_say(ui, false, "It is in the trash already; confab purge erases the trash for good");
        return;
    }
    bool value = action == UI_PIN ? !item->is_pinned : listing->shelf == CF_CHAT_SHELF_ACTIVE;
    bool is_on = item->id == cf_chat_status(ui->chat)->conversation;
    /* The list may not know its new title yet. */
    char *title = cf_strdup(is_on ? cf_chat_status(ui->chat)->title : item->title);
    size_t n = ui->n_tagged > 0 ? ui->n_tagged : 1;
    int64_t *ids = cf_calloc(n, sizeof *ids);
    ids[0] = item->id;
    if (ui->n_tagged > 0) {
        memcpy(ids, ui->tagged, n * sizeof *ids);
    }
    if (action != UI_PIN) {
        step_aside(ui);
    }
    size_t n_done = 0;
    while (n_done < n && ui_check(ui, deal_with(ui, action, ids[n_done], value, &err), &err)) {
        n_done++;
    }
    if (n_done == n) {
        ui->n_tagged = 0;
        say_done(ui, action, n, value, title);
    }
    ui->n_undoes = n_done;
    free(ids);
    free(title);
}

void ui_delete_conversation(struct ui *ui, int64_t id)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    const struct cf_chat_list_item *item = find_item(ui, id);
    bool is_on = id == 0 || id == status->conversation;
    char *title = cf_strdup(is_on || item == NULL ? status->title : item->title);
    if (ui_check(ui, cf_chat_delete(ui->chat, id, &err), &err)) {
        ui_say_deleted(ui, "Deleted", title);
    }
    free(title);
}

void ui_act_undo(struct ui *ui, enum ui_action action)
{
    (void)action;
    struct cf_err err = CF_ERR_INIT;
    size_t n = ui->n_undoes > 1 ? ui->n_undoes : 1;
    ui->n_undoes = 0;
    ui_check(ui, cf_chat_undo(ui->chat, n, &err), &err);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void open_item(struct ui *ui, const struct cf_chat_list_item *item)
{
    struct cf_err err = CF_ERR_INIT;
    int64_t id = item->id;
    if (item->is_trashed) {
        if (!ui_check(ui, cf_chat_restore(ui->chat, id, &err), &err)) {
            return;
        }
        ui_say(ui, false, "Restored");
    }
    cf_chat_open(ui->chat, id);
    ui_set_focus(ui, UI_FOCUS_INPUT);
}

static void next_shelf(struct ui *ui)
{
    enum cf_chat_shelf shelf = cf_chat_listing(ui->chat)->shelf;
    ui->n_tagged = 0;
    ui->list_edge = -1;
    ui_ask_list(ui,
                shelf == CF_CHAT_SHELF_ACTIVE     ? CF_CHAT_SHELF_ARCHIVED
                : shelf == CF_CHAT_SHELF_ARCHIVED ? CF_CHAT_SHELF_TRASH
                                                  : CF_CHAT_SHELF_ACTIVE,
                NULL);
}

void ui_act_list(struct ui *ui, enum ui_action action)
{
    const struct cf_chat_list_item *item = item_in_hand(ui);
    if (action == UI_SHELF) {
        next_shelf(ui);
    } else if (action == UI_FILTER) {
        char *match = cf_strdup(cf_chat_listing(ui->chat)->match);
        ui_ask(ui, UI_ASK_FILTER, ui->list_selected, match);
        free(match);
    } else if (item == NULL) {
        ui_say(ui, false, "There is no conversation here");
    } else if (action == UI_OPEN) {
        open_item(ui, item);
    } else if (action == UI_RENAME) {
        char *title = cf_strdup(item->title);
        ui_ask(ui, UI_ASK_TITLE, item->id, title);
        free(title);
    } else if (action == UI_TAG) {
        toggle_tag(ui, item->id);
    } else if (!ui->is_key_held) {
        deal_with_rows(ui, action, item);
    }
}

void ui_list_click(struct ui *ui, int y)
{
    const struct ui_list_data data = ui_list_data(ui);
    int64_t id = ui_list_at(ui->layout.list, &data, &ui->screen.list, y);
    bool was_in_hand = ui->focus == UI_FOCUS_LIST && id == ui->list_selected;
    ui_set_focus(ui, UI_FOCUS_LIST);
    if (id == 0) {
        return;
    }
    ui->list_selected = id;
    if (was_in_hand) {
        open_item(ui, find_item(ui, id));
    }
}
