/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching: FTS5 finds, the newest hits are ranked, the best are shown as they were written. */
#include "store_parts.h"

#include <stdlib.h>

#include "store_query.h"
#include "store_words.h"

enum { SEARCH_LIMIT = 50 };

struct ranked {
    int64_t message;
    double score;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->score < y->score || x->score > y->score) {
        return x->score < y->score ? -1 : 1;
    }
    return x->message > y->message ? -1 : x->message < y->message ? 1 : 0;
}

/* What besides words a hit must be. */
struct pass {
    const struct cf_search *search;
    struct cf_words_wanted title;
    bool has_title;
};

static bool passes(const struct pass *pass, sqlite3_stmt *stmt, int column)
{
    const char *title = (const char *)sqlite3_column_text(stmt, column);
    return !pass->has_title || cf_words_are_in(&pass->title, title != NULL ? title : "",
                                               (size_t)sqlite3_column_bytes(stmt, column));
}

#define FILTER                                                                                     \
    " AND m.trashed IS NULL AND c.trashed IS NULL AND c.import IS NULL"                            \
    " AND (?2 IS NULL OR m.role = ?2) AND m.created >= ?3 AND (?4 IS NULL OR m.created < ?4)"      \
    " AND (?5 IS NULL OR m.conversation = ?5)"

/* The newest hits with their scores; *n of them, up to one more than are looked at. */
static enum cf_code rank(struct ranked *hits, size_t *n, struct cf_store *store,
                         const struct pass *pass, const char *match, struct cf_err *err)
{
    const struct cf_search *search = pass->search;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT search.rowid, bm25(search), c.title FROM search"
                    " CROSS JOIN message m ON m.id = search.rowid"
                    " CROSS JOIN conversation c ON c.id = m.conversation"
                    " WHERE search MATCH ?1" FILTER " ORDER BY search.rowid DESC",
                    "ttinn", match, search->has_role ? cf_role_name(search->role) : NULL,
                    search->since_ms, search->until_ms, search->conversation);
    while (code == CF_OK && *n <= CF_SEARCH_RANKED_MAX &&
           (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        if (passes(pass, stmt, 2)) {
            hits[*n].message = sqlite3_column_int64(stmt, 0);
            hits[*n].score = sqlite3_column_double(stmt, 1);
            (*n)++;
        }
    }
    cf_db_end(stmt);
    return code;
}

/* The newest messages that pass, where no words are looked for: with a title, one of each
 * conversation that has it. */
static enum cf_code newest(struct ranked *hits, size_t *n, size_t max, struct cf_store *store,
                           const struct pass *pass, struct cf_err *err)
{
    static const char of_all[] =
        "SELECT m.id, c.title FROM message m CROSS JOIN conversation c"
        " ON c.id = m.conversation WHERE ?1 IS NULL" FILTER " ORDER BY m.id DESC";
    static const char of_each[] =
        "SELECT (SELECT m.id FROM message m WHERE m.conversation = c.id" FILTER
        " ORDER BY m.id DESC LIMIT 1), c.title FROM conversation c WHERE ?1 IS NULL"
        " AND c.trashed IS NULL ORDER BY c.updated DESC, c.id DESC";
    const struct cf_search *search = pass->search;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, pass->has_title ? of_each : of_all, "ttinn",
                                    NULL, search->has_role ? cf_role_name(search->role) : NULL,
                                    search->since_ms, search->until_ms, search->conversation);
    while (code == CF_OK && *n < max && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK &&
           has_row) {
        if (passes(pass, stmt, 1) && sqlite3_column_int64(stmt, 0) != 0) {
            hits[*n].message = sqlite3_column_int64(stmt, 0);
            hits[*n].score = (double)*n; /* in this order */
            (*n)++;
        }
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code load_hit(struct cf_hits *hits, struct cf_store *store,
                             const struct cf_query *query, const struct ranked *ranked)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, NULL,
                                    "SELECT m.conversation, m.role, m.created, c.title, c.archived,"
                                    " m.text FROM message m JOIN conversation c"
                                    " ON c.id = m.conversation WHERE m.id = ?1",
                                    "i", ranked->message);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, NULL);
    }
    if (code == CF_OK && has_row) {
        struct cf_hit *hit = &hits->items[hits->n++];
        *hit = (struct cf_hit){.message = ranked->message, .score = ranked->score};
        hit->conversation = sqlite3_column_int64(stmt, 0);
        const char *role = (const char *)sqlite3_column_text(stmt, 1);
        hit->role = CF_ROLE_USER;
        (void)(role != NULL && cf_role_find(&hit->role, role));
        hit->created_ms = sqlite3_column_int64(stmt, 2);
        hit->title = cf_db_text(&hits->arena, stmt, 3, NULL);
        hit->is_archived = sqlite3_column_int(stmt, 4) != 0;
        const char *text = (const char *)sqlite3_column_text(stmt, 5);
        cf_query_snippet(hit, &hits->arena, query, text != NULL ? text : "",
                         (size_t)sqlite3_column_bytes(stmt, 5));
    }
    cf_db_end(stmt);
    /* A hit that cannot be read is none; the others are. */
    return code == CF_ERR_CORRUPT ? CF_OK : code;
}

void cf_hits_release(struct cf_hits *hits)
{
    cf_arena_release(&hits->arena);
    free(hits->items);
    *hits = (struct cf_hits){.n = 0};
}

enum cf_code cf_store_search(struct cf_hits *hits, struct cf_store *store,
                             const struct cf_search *search, struct cf_err *err)
{
    struct cf_query query = {.n = 0};
    struct pass pass = {.search = search};
    bool has_filter =
        search->title != NULL || search->has_role || search->since_ms != 0 || search->until_ms != 0;
    bool has_words = search->query[0] != '\0' || !has_filter;
    enum cf_code code = has_words ? cf_query_init(&query, search->query, err) : CF_OK;
    if (code != CF_OK) {
        return code;
    }
    pass.has_title = search->title != NULL && cf_words_want(&pass.title, search->title);
    size_t limit = search->limit > 0 ? search->limit : SEARCH_LIMIT;
    struct cf_hits made = {.n = 0};
    struct cf_buf match = CF_BUF_INIT;
    struct ranked *ranked = cf_calloc(CF_SEARCH_RANKED_MAX + 1, sizeof *ranked);
    size_t n = 0;
    cf_query_match(&query, &match);
    if (has_words) {
        code = rank(ranked, &n, store, &pass, match.data, err);
    } else {
        size_t max = limit < CF_SEARCH_RANKED_MAX ? limit + 1 : CF_SEARCH_RANKED_MAX;
        code = newest(ranked, &n, max, store, &pass, err);
    }
    if (code == CF_ERR_CORRUPT && has_words) {
        code =
            cf_err_set(err, code, "%s: the search index is damaged; 'confab check' makes it anew",
                       store->path);
    }
    if (code != CF_OK) {
        goto done;
    }
    made.is_limited = n > CF_SEARCH_RANKED_MAX;
    n = made.is_limited ? CF_SEARCH_RANKED_MAX : n;
    qsort(ranked, n, sizeof *ranked, compare_ranked);
    made.has_more = n > limit;
    n = made.has_more ? limit : n;
    made.items = cf_calloc(n, sizeof *made.items);
    for (size_t i = 0; code == CF_OK && i < n; i++) {
        code = load_hit(&made, store, &query, &ranked[i]);
    }
    if (code != CF_OK) {
        (void)cf_err_set(err, code, "%s: what was found cannot be read: %s", store->path,
                         cf_code_text(code));
    }
done:
    free(ranked);
    cf_buf_release(&match);
    cf_query_release(&query);
    if (pass.has_title) {
        cf_words_wanted_release(&pass.title);
    }
    if (code != CF_OK) {
        cf_hits_release(&made);
        return code;
    }
    *hits = made;
    return CF_OK;
}
