/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching: FTS5 finds, the newest hits are ranked, the best are shown as they were written. */
#include "store_parts.h"

#include <stdlib.h>

#include "store_query.h"

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

/* The newest hits with their scores; *n of them, up to one more than are looked at. */
static enum cf_code rank(struct ranked *hits, size_t *n, struct cf_store *store,
                         const struct cf_search *search, const char *match, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT search.rowid, bm25(search) FROM search"
                    " CROSS JOIN message m ON m.id = search.rowid"
                    " CROSS JOIN conversation c ON c.id = m.conversation"
                    " WHERE search MATCH ?1 AND m.trashed IS NULL AND c.trashed IS NULL"
                    " AND c.import IS NULL AND (?2 IS NULL OR m.role = ?2) AND m.created >= ?3"
                    " AND (?4 IS NULL OR m.conversation = ?4)"
                    " ORDER BY search.rowid DESC LIMIT ?5",
                    "ttini", match, search->has_role ? cf_role_name(search->role) : NULL,
                    search->since_ms, search->conversation, (int64_t)CF_SEARCH_RANKED_MAX + 1);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        assert(*n <= CF_SEARCH_RANKED_MAX);
        hits[*n].message = sqlite3_column_int64(stmt, 0);
        hits[*n].score = sqlite3_column_double(stmt, 1);
        (*n)++;
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
    struct cf_query query;
    enum cf_code code = cf_query_init(&query, search->query, err);
    if (code != CF_OK) {
        return code;
    }
    size_t limit = search->limit > 0 ? search->limit : SEARCH_LIMIT;
    struct cf_hits made = {.n = 0};
    struct cf_buf match = CF_BUF_INIT;
    struct ranked *ranked = cf_calloc(CF_SEARCH_RANKED_MAX + 1, sizeof *ranked);
    size_t n = 0;
    cf_query_match(&query, &match);
    code = rank(ranked, &n, store, search, match.data, err);
    if (code == CF_ERR_CORRUPT) {
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
    if (code != CF_OK) {
        cf_hits_release(&made);
        return code;
    }
    *hits = made;
    return CF_OK;
}
