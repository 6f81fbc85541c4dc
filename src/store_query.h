/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_query: what a person looks for, and the piece of a message that shows it.  Private to the
 * store.
 *
 * A query is items with blanks between: a word, "a phrase", prefix* or "a phrase whose last word
 * goes on"*.  All must be found.  Nothing else has a meaning: no operator and no quote reaches FTS5
 * but those written here. */
#ifndef CF_STORE_QUERY_H
#define CF_STORE_QUERY_H

#include "store.h"

enum { CF_QUERY_ITEMS_MAX = 32 };

struct cf_query_item {
    char *words; /* folded, a space between two, NUL behind */
    size_t size, n_words;
    bool is_prefix; /* the last word may go on */
};

struct cf_query {
    struct cf_arena arena;
    struct cf_query_item items[CF_QUERY_ITEMS_MAX];
    size_t n;
};

/* Reads a query.  CF_ERR_USAGE: it holds no word; CF_ERR_TOO_LARGE: too many. */
enum cf_code cf_query_init(struct cf_query *query, const char *text, struct cf_err *err);
void cf_query_release(struct cf_query *query);
/* Appends the query in FTS5's language. */
void cf_query_match(const struct cf_query *query, struct cf_buf *match);

/* Sets the snippet of a hit: the piece of text in which most of the query is found, with what
 * matches marked.  Its memory is of the arena. */
void cf_query_snippet(struct cf_hit *hit, struct cf_arena *arena, const struct cf_query *query,
                      const char *text, size_t size);

#endif
