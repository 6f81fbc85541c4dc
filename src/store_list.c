/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of conversations: pages in both directions, and those that hold some words. */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "store_query.h"
#include "store_words.h"

enum { LIST_LIMIT = 50, PREFIX_MIN = 2 };

#define TAGGED(id, name)                                                                           \
    "SELECT 1 FROM conversation_tag ct JOIN tag t ON t.id = ct.tag"                                \
    " WHERE ct.conversation = " id " AND t.name = " name

/* ?1 the shelf, ?2 the tag, ?3 pinned, ?4 and ?5 time and id of the last one before */
#define SELECT                                                                                     \
    "SELECT c.id, c.title FROM conversation c WHERE c.import IS NULL"                              \
    " AND CASE ?1 WHEN 0 THEN c.trashed IS NULL AND c.archived = 0"                                \
    " WHEN 1 THEN c.trashed IS NULL AND c.archived = 1"                                            \
    " WHEN 2 THEN c.trashed IS NOT NULL ELSE 1 END"                                                \
    " AND (?2 IS NULL OR EXISTS (" TAGGED("c.id", "?2") "))"

/* By whether the pinned ones come first, and the direction. */
static const char *const orders[2][2] = {
    {SELECT " AND (c.updated, c.id) < (?4, ?5) AND ?3 = ?3 ORDER BY c.updated DESC, c.id DESC",
     SELECT " AND (c.updated, c.id) > (?4, ?5) AND ?3 = ?3 ORDER BY c.updated, c.id"},
    {SELECT " AND (c.pinned, c.updated, c.id) < (?3, ?4, ?5)"
            " ORDER BY c.pinned DESC, c.updated DESC, c.id DESC",
     SELECT " AND (c.pinned, c.updated, c.id) > (?3, ?4, ?5) ORDER BY c.pinned, c.updated, c.id"},
};

/* ---- What matches ---- */

/* The words wanted, and the conversations with a message that holds them. */
struct filter {
    bool is_on;
    struct cf_words_wanted words;
    int64_t *ids; /* ascending */
    size_t n;
};

static int compare_ids(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Conversations of messages that hold what is looked for. */
static enum cf_code find_texts(struct filter *filter, struct cf_store *store, const char *match,
                               struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    filter->ids = cf_calloc(CF_SEARCH_RANKED_MAX, sizeof *filter->ids);
    enum cf_code code = cf_db_query(&stmt, store, err,
                                    "SELECT m.conversation FROM search"
                                    " CROSS JOIN message m ON m.id = search.rowid"
                                    " WHERE search MATCH ?1 AND m.trashed IS NULL"
                                    " ORDER BY search.rowid DESC LIMIT ?2",
                                    "ti", match, (int64_t)CF_SEARCH_RANKED_MAX);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        filter->ids[filter->n++] = sqlite3_column_int64(stmt, 0);
    }
    cf_db_end(stmt);
    if (filter->n > 1) {
        qsort(filter->ids, filter->n, sizeof *filter->ids, compare_ids);
    }
    /* Titles can be filtered without an index. */
    return code == CF_ERR_CORRUPT ? CF_OK : code;
}

static enum cf_code filter_init(struct filter *filter, struct cf_store *store, const char *match,
                                struct cf_err *err)
{
    *filter = (struct filter){.is_on = false};
    if (match == NULL || !cf_words_want(&filter->words, match)) {
        return CF_OK; /* nothing but blanks and signs: all */
    }
    filter->is_on = true;
    struct cf_query query;
    if (cf_query_init(&query, match, NULL) != CF_OK) {
        return CF_OK;
    }
    /* The last word may still be being typed, one letter alone stands for too many. */
    struct cf_query_item *last = &query.items[query.n - 1];
    last->is_prefix = last->is_prefix || last->size >= PREFIX_MIN;
    struct cf_buf text = CF_BUF_INIT;
    cf_query_match(&query, &text);
    enum cf_code code = find_texts(filter, store, text.data, err);
    cf_buf_release(&text);
    cf_query_release(&query);
    return code;
}

static void filter_release(struct filter *filter)
{
    cf_words_wanted_release(&filter->words);
    free(filter->ids);
}

static bool is_wanted(const struct filter *filter, int64_t id, const char *title, size_t size)
{
    return !filter->is_on || bsearch(&id, filter->ids, filter->n, sizeof id, compare_ids) != NULL ||
           cf_words_are_in(&filter->words, title, size);
}

/* ---- Listing ---- */

static void reverse(struct cf_conversations *list)
{
    for (size_t i = 0, j = list->n; i + 1 < j; i++) {
        j--;
        struct cf_conversation swapped = list->items[i];
        list->items[i] = list->items[j];
        list->items[j] = swapped;
    }
}

static enum cf_code list_in_order(struct cf_conversations *list, struct cf_store *store,
                                  const struct cf_list_query *query, const struct filter *filter,
                                  struct cf_err *err)
{
    const struct cf_conversation *after = query->after;
    size_t limit = query->limit > 0 ? query->limit : LIST_LIMIT;
    int64_t edge = query->is_backward ? INT64_MIN : INT64_MAX;
    int64_t pin_edge = query->is_backward ? -1 : 2;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(
        &stmt, store, err, orders[query->pinned_first][query->is_backward], "itiii",
        (int64_t)query->shelf, query->tag, after != NULL ? (int64_t)after->is_pinned : pin_edge,
        after != NULL ? after->updated_ms : edge, after != NULL ? after->id : edge);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        const char *title = (const char *)sqlite3_column_text(stmt, 1);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
        if (!is_wanted(filter, id, title != NULL ? title : "", size)) {
            continue;
        }
        if (list->n == limit) {
            list->has_more = true;
            break;
        }
        code = cf_store_read_conversation(list, store, id, err);
    }
    cf_db_end(stmt);
    if (query->is_backward) {
        reverse(list);
    }
    return code;
}

static bool is_on_shelf(const struct cf_list_query *query, const struct cf_conversation *item)
{
    switch (query->shelf) {
    case CF_SHELF_OPEN:
        return item->trashed_ms == 0 && !item->is_archived;
    case CF_SHELF_ARCHIVE:
        return item->trashed_ms == 0 && item->is_archived;
    case CF_SHELF_TRASH:
        return item->trashed_ms != 0;
    case CF_SHELF_ALL:
        break;
    }
    return true;
}

/* Where the tags themselves can't be read, one too many is better than one too few. */
static bool may_have_tag(struct cf_store *store, int64_t id, const char *tag)
{
    int64_t is_tagged = 1;
    (void)cf_db_int(&is_tagged, store, NULL, "SELECT EXISTS (" TAGGED("?1", "?2") ")", "it", id,
                    tag);
    return is_tagged != 0;
}

static int compare_newest(const void *a, const void *b)
{
    const struct cf_conversation *x = a;
    const struct cf_conversation *y = b;
    if (x->updated_ms != y->updated_ms) {
        return x->updated_ms < y->updated_ms ? 1 : -1;
    }
    return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static int compare_pinned_first(const void *a, const void *b)
{
    const struct cf_conversation *x = a;
    const struct cf_conversation *y = b;
    return x->is_pinned != y->is_pinned ? (x->is_pinned ? -1 : 1) : compare_newest(a, b);
}

/* A page of the file is damaged: each conversation by itself, those that can't be read left out.
 * All of what follows that can be read comes at once, in one page. */
static enum cf_code list_one_by_one(struct cf_conversations *list, struct cf_store *store,
                                    const struct cf_list_query *query, const struct filter *filter,
                                    struct cf_err *err)
{
    int (*const compare)(const void *a, const void *b) =
        query->pinned_first ? compare_pinned_first : compare_newest;
    int64_t last = 0;
    /* The counter of AUTOINCREMENT, the index and the table: whichever can be read. */
    static const char *const counters[] = {
        "SELECT seq FROM sqlite_sequence WHERE name = 'conversation'",
        "SELECT max(id) FROM conversation INDEXED BY conversation_updated",
        "SELECT max(id) FROM conversation NOT INDEXED",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(counters) && last == 0; i++) {
        if (cf_db_int(&last, store, NULL, counters[i], "") == CF_ERR_CANCELLED) {
            return cf_db_fail(store, SQLITE_INTERRUPT, err);
        }
    }
    list->is_damaged = true;
    for (int64_t id = last; id > 0; id--) {
        size_t n_before = list->n;
        enum cf_code code = cf_store_read_conversation(list, store, id, NULL);
        if (code == CF_ERR_CANCELLED) {
            return cf_db_fail(store, SQLITE_INTERRUPT, err);
        }
        if (list->n == n_before) {
            continue;
        }
        const struct cf_conversation *item = &list->items[n_before];
        const int order = query->after != NULL ? compare(item, query->after) : 0;
        const bool is_due = query->after == NULL || (query->is_backward ? order < 0 : order > 0);
        if (!is_due || !is_on_shelf(query, item) ||
            !is_wanted(filter, id, item->title, strlen(item->title)) ||
            (query->tag != NULL && !may_have_tag(store, id, query->tag))) {
            list->n = n_before;
        }
    }
    if (list->n > 1) {
        qsort(list->items, list->n, sizeof *list->items, compare);
    }
    return CF_OK;
}

enum cf_code cf_store_list(struct cf_conversations *list, struct cf_store *store,
                           const struct cf_list_query *query, struct cf_err *err)
{
    struct cf_conversations made = {.n = 0};
    struct filter filter;
    enum cf_code code = filter_init(&filter, store, query->match, err);
    if (code == CF_OK) {
        code = list_in_order(&made, store, query, &filter, err);
    }
    if (code == CF_ERR_CORRUPT) {
        cf_conversations_release(&made);
        code = list_one_by_one(&made, store, query, &filter, err);
    }
    filter_release(&filter);
    if (code != CF_OK) {
        cf_conversations_release(&made);
        return code;
    }
    *list = made;
    return CF_OK;
}
