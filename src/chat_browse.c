/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of conversations, a few pages of it at a time; searching. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"
#include "stats.h"

/* --- asking for the list --- */

static void forget_pages(struct cf_chat_list *list, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cf_conversations_release(&list->pages[first + i]);
    }
    memmove(&list->pages[first], &list->pages[first + n],
            (list->n_pages - first - n) * sizeof list->pages[0]);
    list->n_pages -= n;
}

static const struct cf_conversation *edge_item(const struct cf_chat_list *list, bool is_last)
{
    for (size_t i = 0; i < list->n_pages; i++) {
        const struct cf_conversations *page = &list->pages[is_last ? list->n_pages - 1 - i : i];
        if (page->n > 0) {
            return &page->items[is_last ? page->n - 1 : 0];
        }
    }
    return NULL;
}

static void ask(struct cf_chat *chat, enum cf_chat_list_part part)
{
    static const enum cf_shelf shelves[] = {[CF_CHAT_SHELF_ACTIVE] = CF_SHELF_OPEN,
                                            [CF_CHAT_SHELF_ARCHIVED] = CF_SHELF_ARCHIVE,
                                            [CF_CHAT_SHELF_TRASH] = CF_SHELF_TRASH};
    struct cf_chat_list *list = &chat->list;
    if (!cf_chat_saves(chat)) {
        cf_chat_mark(chat, CF_CHANGE_LIST);
        return;
    }
    struct cf_list_query query = {.shelf = shelves[list->listing.shelf],
                                  .match = list->match,
                                  .pinned_first = true,
                                  .limit = CF_CHAT_LIST_PAGE};
    struct cf_conversation from = {0};
    if (part == CF_LIST_AGAIN) {
        query.limit = list->listing.n > query.limit ? list->listing.n : query.limit;
        const struct cf_conversation *first = edge_item(list, false);
        if (list->listing.has_newer && first != NULL) {
            from = *first;
            from.id++; /* right before the first one */
            query.after = &from;
        }
    } else if (part == CF_LIST_OLDER) {
        query.after = edge_item(list, true);
    } else if (part == CF_LIST_NEWER || part == CF_LIST_END) {
        query.after = part == CF_LIST_NEWER ? edge_item(list, false) : NULL;
        query.is_backward = true;
    }
    if (list->job != 0) {
        cf_storage_cancel(chat->storage, list->job);
    }
    list->part = part;
    list->job = cf_storage_list(chat->storage, &query);
    cf_chat_expect(chat, list->job, CF_WHAT_LIST, NULL);
}

void cf_chat_list(struct cf_chat *chat, const struct cf_chat_list_query *query)
{
    struct cf_chat_list *list = &chat->list;
    bool is_filtered = query->match != NULL && query->match[0] != '\0';
    char *match = is_filtered ? cf_strdup(query->match) : NULL;
    free(list->match);
    list->match = match;
    list->listing.shelf = query->shelf;
    list->listing.match = match != NULL ? match : "";
    ask(chat, CF_LIST_TOP);
}

void cf_chat_list_again(struct cf_chat *chat)
{
    /* What is on its way may be older than the change; where it is, is not known yet. */
    ask(chat,
        chat->list.job != 0 && chat->list.part != CF_LIST_OLDER && chat->list.part != CF_LIST_NEWER
            ? chat->list.part
            : CF_LIST_AGAIN);
}

void cf_chat_list_more(struct cf_chat *chat, int step)
{
    const struct cf_chat_listing *listing = &chat->list.listing;
    if (chat->list.job == 0 && (step > 0 ? listing->has_older : listing->has_newer)) {
        ask(chat, step > 0 ? CF_LIST_OLDER : CF_LIST_NEWER);
    }
}

void cf_chat_list_edge(struct cf_chat *chat, bool is_end)
{
    const struct cf_chat_listing *listing = &chat->list.listing;
    if (is_end ? listing->has_older : listing->has_newer) {
        ask(chat, is_end ? CF_LIST_END : CF_LIST_TOP);
    }
}

const struct cf_chat_listing *cf_chat_listing(const struct cf_chat *chat)
{
    return &chat->list.listing;
}

/* --- the answer --- */

/* Puts the page where it belongs; pages at the other end are let go. */
static void take_page(struct cf_chat_list *list, struct cf_conversations *page)
{
    struct cf_chat_listing *listing = &list->listing;
    bool has_more = page->has_more;
    if (list->part == CF_LIST_OLDER || list->part == CF_LIST_NEWER) {
        size_t at = list->part == CF_LIST_OLDER ? list->n_pages : 0;
        memmove(&list->pages[at + 1], &list->pages[at],
                (list->n_pages - at) * sizeof list->pages[0]);
        list->pages[at] = *page;
        list->n_pages++;
        bool is_full = list->n_pages > CF_CHAT_LIST_PAGES;
        if (list->part == CF_LIST_OLDER) {
            listing->has_older = has_more;
            listing->has_newer = listing->has_newer || is_full;
        } else {
            listing->has_newer = has_more;
            listing->has_older = listing->has_older || is_full;
        }
        if (is_full) {
            forget_pages(list, list->part == CF_LIST_OLDER ? 0 : list->n_pages - 1, 1);
        }
    } else {
        forget_pages(list, 0, list->n_pages);
        list->pages[list->n_pages++] = *page;
        bool is_end = list->part == CF_LIST_END;
        listing->has_older = !is_end && has_more;
        listing->has_newer = list->part == CF_LIST_AGAIN ? listing->has_newer : is_end && has_more;
    }
    *page = (struct cf_conversations){0};
}

static const struct cf_chat_list_item *find_item(const struct cf_chat_list *list, int64_t id)
{
    for (size_t i = 0; i < list->listing.n; i++) {
        if (list->items[i].id == id) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* A reply that another confab was writing has come to its end: nobody has seen it here.  One that
 * is on the screen is seen. */
static void mind_unread(struct cf_chat *chat, const struct cf_conversation *now)
{
    const struct cf_chat_list_item *before = find_item(&chat->list, now->id);
    bool is_on = now->id == chat->conversation;
    bool is_ended = before != NULL && before->is_streaming && !now->is_streaming;
    if (is_on ? now->is_unread : is_ended && !now->is_unread) {
        uint64_t job = cf_storage_conversation_set_unread(chat->storage, now->id, !is_on);
        cf_chat_expect(chat, job, CF_WHAT_SHELF, NULL);
    }
}

static struct cf_chat_list_item item_of(const struct cf_conversation *from)
{
    return (struct cf_chat_list_item){.id = from->id,
                                      .title = from->title,
                                      .model = from->model != NULL ? from->model : "",
                                      .updated_ms = from->updated_ms,
                                      .n_messages = (int32_t)from->n_messages,
                                      .is_pinned = from->is_pinned,
                                      .is_archived = from->is_archived,
                                      .is_trashed = from->trashed_ms != 0,
                                      .is_unread = from->is_unread,
                                      .is_streaming = from->is_streaming,
                                      .is_interrupted = from->is_interrupted,
                                      .tags = (const char *const *)from->tags,
                                      .n_tags = from->n_tags};
}

void cf_chat_handle_list(struct cf_chat *chat, struct cf_storage_event *event)
{
    struct cf_chat_list *list = &chat->list;
    if (event->job != list->job) {
        return;
    }
    list->job = 0;
    cf_chat_mark(chat, CF_CHANGE_LIST);
    if (event->code != CF_OK) {
        return;
    }
    for (size_t i = 0; i < event->conversations.n; i++) {
        mind_unread(chat, &event->conversations.items[i]);
    }
    take_page(list, &event->conversations);
    size_t n = 0;
    for (size_t i = 0; i < list->n_pages; i++) {
        n += list->pages[i].n;
    }
    list->items = cf_realloc_array(list->items, n, sizeof list->items[0]);
    n = 0;
    for (size_t i = 0; i < list->n_pages; i++) {
        for (size_t k = 0; k < list->pages[i].n; k++) {
            list->items[n++] = item_of(&list->pages[i].items[k]);
        }
    }
    list->listing.items = list->items;
    list->listing.n = n;
}

/* --- searching --- */

static void set_findings(struct cf_chat *chat, const char *words, const char *note)
{
    char *new_words = cf_strdup(words);
    char *new_note = cf_strdup(note);
    free(chat->found_words);
    free(chat->found_note);
    chat->found_words = new_words;
    chat->found_note = new_note;
    chat->findings = (struct cf_chat_findings){.words = new_words, .note = new_note};
}

static void drop_hits(struct cf_chat *chat)
{
    cf_hits_release(&chat->hits);
    chat->search_job = 0;
    cf_chat_mark(chat, CF_CHANGE_FOUND);
}

void cf_chat_search(struct cf_chat *chat, const char *query, size_t limit)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_search search = {.limit = limit};
    struct cf_search_text text;
    if (!cf_chat_saves(chat)) {
        set_findings(chat, "", "nothing is stored that could be searched");
        drop_hits(chat);
    } else if (cf_search_parse(&search, &text, query, cf_chat_utc_ms(), &err) != CF_OK) {
        set_findings(chat, "", err.text);
        drop_hits(chat);
    } else {
        set_findings(chat, search.query, "");
        chat->search_job = cf_storage_search(chat->storage, &search);
        cf_chat_expect(chat, chat->search_job, CF_WHAT_SEARCH, NULL);
        cf_search_text_release(&text);
    }
}

const struct cf_chat_findings *cf_chat_findings(const struct cf_chat *chat)
{
    return &chat->findings;
}

size_t cf_chat_find(struct cf_chat_span *spans, size_t max, bool *has_all, const char *words,
                    const char *text, size_t size)
{
    struct cf_span *found = cf_calloc(max, sizeof *found);
    size_t n = cf_query_find(found, max, has_all, words, text, size);
    for (size_t i = 0; i < n; i++) {
        spans[i] = (struct cf_chat_span){found[i].begin, found[i].end};
    }
    free(found);
    return n;
}

void cf_chat_handle_search(struct cf_chat *chat, struct cf_storage_event *event)
{
    if (event->job != chat->search_job || event->code == CF_ERR_CANCELLED) {
        return;
    }
    drop_hits(chat);
    chat->hits = event->hits;
    event->hits = (struct cf_hits){0};
    size_t n_marks = 0;
    for (size_t i = 0; i < chat->hits.n; i++) {
        n_marks += chat->hits.items[i].n_marks;
    }
    chat->hit_items = cf_realloc_array(chat->hit_items, chat->hits.n, sizeof chat->hit_items[0]);
    chat->hit_marks = cf_realloc_array(chat->hit_marks, n_marks, sizeof chat->hit_marks[0]);
    n_marks = 0;
    for (size_t i = 0; i < chat->hits.n; i++) {
        const struct cf_hit *from = &chat->hits.items[i];
        struct cf_chat_span *marks = chat->hit_marks + n_marks;
        for (size_t k = 0; k < from->n_marks; k++) {
            marks[k] =
                (struct cf_chat_span){.begin = from->marks[k].begin, .end = from->marks[k].end};
        }
        n_marks += from->n_marks;
        chat->hit_items[i] = (struct cf_chat_hit){.conversation = from->conversation,
                                                  .message = from->message,
                                                  .role = from->role,
                                                  .title = from->title,
                                                  .snippet = from->snippet,
                                                  .snippet_size = from->snippet_size,
                                                  .is_cut_before = from->is_cut_before,
                                                  .is_cut_after = from->is_cut_after,
                                                  .marks = marks,
                                                  .n_marks = from->n_marks,
                                                  .created_ms = from->created_ms};
    }
    chat->findings.has_more = chat->hits.has_more;
    chat->findings.is_limited = chat->hits.is_limited;
    if (event->code != CF_OK) {
        char *words = cf_strdup(chat->found_words);
        set_findings(chat, words, event->err.text);
        free(words);
    }
}

bool cf_chat_is_searching(const struct cf_chat *chat)
{
    return chat->search_job != 0;
}

const struct cf_chat_hit *cf_chat_found(const struct cf_chat *chat, size_t *n)
{
    *n = chat->hits.n;
    return chat->hit_items;
}

/* --- counting --- */

void cf_chat_count(struct cf_chat *chat)
{
    if (cf_chat_saves(chat)) {
        cf_chat_expect(chat, cf_storage_stats(chat->storage), CF_WHAT_STATS, NULL);
    } else {
        cf_chat_say(chat, false, "nothing is stored that could be counted");
    }
}

void cf_chat_handle_stats(struct cf_chat *chat, struct cf_storage_event *event)
{
    if (event->code == CF_OK) {
        cf_store_stats_release(&chat->stats);
        chat->stats = event->stats;
        event->stats = (struct cf_store_stats){.n_models = 0};
        cf_chat_mark(chat, CF_CHANGE_STATS);
    }
}

void cf_chat_counted(const struct cf_chat *chat, int width, size_t n_months, struct cf_buf *text)
{
    cf_stats_write(text, &chat->stats, width, n_months);
}

void cf_chat_release_browse(struct cf_chat *chat)
{
    forget_pages(&chat->list, 0, chat->list.n_pages);
    free(chat->list.items);
    free(chat->list.match);
    cf_hits_release(&chat->hits);
    free(chat->hit_items);
    free(chat->hit_marks);
    free(chat->found_words);
    free(chat->found_note);
    cf_store_stats_release(&chat->stats);
}
