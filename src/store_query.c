/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_query.h"

#include <stdlib.h>
#include <string.h>

#include "store_words.h"
#include "text.h"

enum { SNIPPET_SIZE = 240, SNIPPET_BEFORE = 60, TRIM_MAX = 24 };

/* ---- Reading a query ---- */

static bool is_blank(uint32_t c)
{
    return c <= 0x20 || c == 0xA0 || c == 0x3000;
}

/* Quotes as keyboards and input methods write them. */
static bool is_quote(uint32_t c)
{
    return c == '"' || c == 0x201C || c == 0x201D || c == 0x201E || c == 0xFF02;
}

/* The end of an item that begins at TEXT, *next behind it and its quote. */
static size_t item_end(const char *text, size_t size, bool is_phrase, size_t *next)
{
    size_t at = 0;
    while (at < size) {
        uint32_t c;
        size_t length = cf_text_decode(&c, text + at, size - at);
        if (is_phrase ? is_quote(c) : is_blank(c) || is_quote(c)) {
            *next = is_phrase ? at + length : at;
            return at;
        }
        at += length;
    }
    *next = size;
    return size;
}

enum cf_code cf_query_init(struct cf_query *query, const char *text, struct cf_err *err)
{
    *query = (struct cf_query){.n = 0};
    size_t size = strlen(text);
    enum cf_code code = CF_OK;
    for (size_t at = 0; at < size && code == CF_OK;) {
        uint32_t c;
        size_t length = cf_text_decode(&c, text + at, size - at);
        if (is_blank(c)) {
            at += length;
            continue;
        }
        bool is_phrase = is_quote(c);
        at += is_phrase ? length : 0;
        size_t next;
        size_t end = item_end(text + at, size - at, is_phrase, &next);
        struct cf_buf words = CF_BUF_INIT;
        struct cf_query_item item = {.n_words = cf_words_add(&words, text + at, end)};
        item.is_prefix = is_phrase ? at + next < size && text[at + next] == '*'
                                   : end > 0 && text[at + end - 1] == '*';
        at += next;
        if (item.n_words > 0 && query->n == CF_QUERY_ITEMS_MAX) {
            code = cf_err_set(err, CF_ERR_TOO_LARGE, "too many words to look for; %d at most",
                              CF_QUERY_ITEMS_MAX);
        } else if (item.n_words > 0) {
            item.words = cf_arena_strdup(&query->arena, words.data);
            item.size = words.size;
            query->items[query->n++] = item;
        }
        cf_buf_release(&words);
    }
    if (code == CF_OK && query->n == 0) {
        code = cf_err_set(err, CF_ERR_USAGE, "there is no word to look for in ‘%s’", text);
    }
    if (code != CF_OK) {
        cf_query_release(query);
    }
    return code;
}

void cf_query_release(struct cf_query *query)
{
    cf_arena_release(&query->arena);
    query->n = 0;
}

void cf_query_match(const struct cf_query *query, struct cf_buf *match)
{
    for (size_t i = 0; i < query->n; i++) {
        /* Folded words hold letters, digits, marks and symbols beyond ASCII: never a quote. */
        assert(strchr(query->items[i].words, '"') == NULL);
        cf_buf_addf(match, "%s\"%s\"%s", i > 0 ? " AND " : "", query->items[i].words,
                    query->items[i].is_prefix ? "*" : "");
    }
}

/* ---- Snippets ---- */

struct found {
    struct cf_span span;
    size_t item;
};

struct found_list {
    struct found *items;
    size_t n, capacity;
};

/* The words of a text with where they stand. */
struct word_list {
    struct cf_buf bytes;
    struct word {
        size_t at, size; /* in bytes */
        struct cf_span span;
    } * items;
    size_t n, capacity;
};

static void split(struct word_list *list, const char *text, size_t size)
{
    struct cf_words words;
    cf_words_init(&words, text, size);
    while (cf_words_next(&words)) {
        list->items = cf_grow(list->items, list->n, &list->capacity, 1, sizeof *list->items);
        list->items[list->n++] = (struct word){
            .at = list->bytes.size, .size = words.word.size, .span = {words.begin, words.end}};
        cf_buf_add(&list->bytes, words.word.data, words.word.size);
    }
    cf_words_release(&words);
}

/* Whether the item stands at word FIRST of the list. */
static bool stands_at(const struct cf_query_item *item, const struct word_list *list, size_t first)
{
    if (list->n - first < item->n_words) {
        return false;
    }
    const char *wanted = item->words;
    for (size_t i = 0; i < item->n_words; i++) {
        const struct word *word = &list->items[first + i];
        size_t size = strcspn(wanted, " ");
        bool may_go_on = item->is_prefix && i + 1 == item->n_words;
        if ((may_go_on ? word->size < size : word->size != size) ||
            memcmp(list->bytes.data + word->at, wanted, size) != 0) {
            return false;
        }
        wanted += size + (wanted[size] == ' ' ? 1 : 0);
    }
    return true;
}

static void find_all(struct found_list *found, const struct cf_query *query,
                     const struct word_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        for (size_t j = 0; j < query->n; j++) {
            const struct cf_query_item *item = &query->items[j];
            if (!stands_at(item, list, i)) {
                continue;
            }
            found->items =
                cf_grow(found->items, found->n, &found->capacity, 1, sizeof *found->items);
            found->items[found->n++] = (struct found){
                .item = j,
                .span = {list->items[i].span.begin, list->items[i + item->n_words - 1].span.end}};
        }
    }
}

/* The first match of the window that holds most of the query. */
static size_t best_window(const struct found_list *found)
{
    size_t best = 0;
    size_t best_worth = 0;
    for (size_t i = 0; i < found->n; i++) {
        uint32_t seen = 0;
        size_t worth = 0;
        for (size_t j = i;
             j < found->n && found->items[j].span.begin <
                                 found->items[i].span.begin + SNIPPET_SIZE - SNIPPET_BEFORE;
             j++) {
            bool is_new = (seen & (1U << found->items[j].item)) == 0;
            worth += is_new ? 1000 : 1;
            seen |= 1U << found->items[j].item;
        }
        if (worth > best_worth) {
            best_worth = worth;
            best = i;
        }
    }
    return best;
}

static bool is_inside_character(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xC0) == 0x80;
}

/* The piece of text to show, around byte FOCUS. */
static struct cf_span cut(const char *text, size_t size, size_t focus)
{
    struct cf_span piece = {.begin = focus > SNIPPET_BEFORE ? focus - SNIPPET_BEFORE : 0};
    piece.end = size - piece.begin > SNIPPET_SIZE ? piece.begin + SNIPPET_SIZE : size;
    if (size - focus < SNIPPET_SIZE - SNIPPET_BEFORE && size > SNIPPET_SIZE) {
        piece.begin = size - SNIPPET_SIZE;
    }
    while (piece.begin > 0 && piece.begin < focus && is_inside_character(text, piece.begin)) {
        piece.begin++;
    }
    while (piece.end < size && piece.end > focus && is_inside_character(text, piece.end)) {
        piece.end--;
    }
    /* At the borders of words, where there are any near by. */
    for (size_t i = piece.begin; piece.begin > 0 && i < focus && i < piece.begin + TRIM_MAX; i++) {
        if (text[i] == ' ' || text[i] == '\n') {
            piece.begin = i + 1;
            break;
        }
    }
    for (size_t i = piece.end; piece.end < size && i > focus && i + TRIM_MAX > piece.end; i--) {
        if (text[i - 1] == ' ' || text[i - 1] == '\n') {
            piece.end = i - 1;
            break;
        }
    }
    return piece;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;
    if (x->span.begin != y->span.begin) {
        return x->span.begin < y->span.begin ? -1 : 1;
    }
    return x->span.end < y->span.end ? -1 : x->span.end > y->span.end ? 1 : 0;
}

/* What lies in the piece, joined where it overlaps. */
static void mark(struct cf_hit *hit, struct cf_arena *arena, const struct found_list *found,
                 struct cf_span piece)
{
    hit->marks = cf_arena_alloc(arena, (found->n + 1) * sizeof *hit->marks);
    for (size_t i = 0; i < found->n; i++) {
        struct cf_span span = found->items[i].span;
        if (span.end <= piece.begin || span.begin >= piece.end) {
            continue;
        }
        span.begin = span.begin > piece.begin ? span.begin - piece.begin : 0;
        span.end = (span.end < piece.end ? span.end : piece.end) - piece.begin;
        struct cf_span *last = hit->n_marks > 0 ? &hit->marks[hit->n_marks - 1] : NULL;
        if (last != NULL && span.begin <= last->end) {
            last->end = span.end > last->end ? span.end : last->end;
        } else {
            hit->marks[hit->n_marks++] = span;
        }
    }
}

void cf_query_snippet(struct cf_hit *hit, struct cf_arena *arena, const struct cf_query *query,
                      const char *text, size_t size)
{
    struct word_list list = {.bytes = CF_BUF_INIT};
    struct found_list found = {.n = 0};
    split(&list, text, size);
    find_all(&found, query, &list);
    if (found.n > 1) {
        qsort(found.items, found.n, sizeof *found.items, compare_found);
    }
    size_t focus = found.n > 0 ? found.items[best_window(&found)].span.begin : 0;
    struct cf_span piece = cut(text, size, focus);
    hit->snippet_size = piece.end - piece.begin;
    hit->snippet = cf_arena_alloc(arena, hit->snippet_size + 1);
    memcpy(hit->snippet, text + piece.begin, hit->snippet_size);
    hit->is_cut_before = piece.begin > 0;
    hit->is_cut_after = piece.end < size;
    mark(hit, arena, &found, piece);
    free(found.items);
    free(list.items);
    cf_buf_release(&list.bytes);
}

size_t cf_query_find(struct cf_span *spans, size_t max, bool *has_all, const char *query,
                     const char *text, size_t size)
{
    struct cf_query wanted;
    struct word_list list = {.bytes = CF_BUF_INIT};
    struct found_list found = {.n = 0};
    uint32_t seen = 0;
    size_t n = 0;
    bool is_query = cf_query_init(&wanted, query, NULL) == CF_OK;
    if (is_query) {
        split(&list, text, size);
        find_all(&found, &wanted, &list);
    }
    if (found.n > 1) {
        qsort(found.items, found.n, sizeof *found.items, compare_found);
    }
    for (size_t i = 0; i < found.n; i++) {
        const struct cf_span *span = &found.items[i].span;
        seen |= 1U << found.items[i].item;
        if (n > 0 && span->begin <= spans[n - 1].end) {
            spans[n - 1].end = span->end > spans[n - 1].end ? span->end : spans[n - 1].end;
        } else if (n < max) {
            spans[n++] = *span;
        }
    }
    if (has_all != NULL) {
        *has_all = is_query && seen == (wanted.n < 32 ? (1U << wanted.n) - 1 : UINT32_MAX);
    }
    if (is_query) {
        cf_query_release(&wanted);
    }
    free(found.items);
    free(list.items);
    cf_buf_release(&list.bytes);
    return n;
}
