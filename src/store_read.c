/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading messages: a branch, a tree, one; and as much as can be read where a page is damaged. */
#include "store_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SALVAGE_PIECE = 256 };

#define OWN_COLUMNS CF_MESSAGE_COLUMNS
#define SIBLINGS                                                                                   \
    "(SELECT count(*) FROM message s WHERE s.conversation = m.conversation"                        \
    " AND s.parent IS m.parent AND s.trashed IS NULL"
/* ?1 id, ?2 whether the recipe is wanted */
#define COLUMNS                                                                                    \
    OWN_COLUMNS ", " SIBLINGS " AND s.id < m.id), " SIBLINGS                                       \
                "), (SELECT count(*) FROM message c WHERE c.conversation = m.conversation"         \
                " AND c.parent = m.id AND c.trashed IS NOT NULL), CASE WHEN ?2 THEN (SELECT "      \
                "r.body FROM recipe r WHERE r.message = m.id) END,"                                \
                " m.text"

static const char sql_one[] = "SELECT " COLUMNS " FROM message m WHERE m.id = ?1";
/* Without text and what stands on other pages. */
static const char sql_bare[] = "SELECT " OWN_COLUMNS ", 0, 1, 0, NULL, '' FROM message m"
                               " WHERE m.id = ?1";

enum {
    COLUMN_ALTERNATIVE = CF_MESSAGE_N_COLUMNS,
    COLUMN_N_ALTERNATIVES,
    COLUMN_N_TRASHED_CHILDREN,
    COLUMN_RECIPE, /* and behind it the text */
};

void cf_messages_release(struct cf_messages *messages)
{
    cf_arena_release(&messages->arena);
    free(messages->items);
    *messages = (struct cf_messages){.n = 0};
}

static struct cf_message *add_item(struct cf_messages *messages)
{
    /* Doubles at powers of two, so that no capacity has to be kept. */
    if ((messages->n & (messages->n - 1)) == 0) {
        messages->items = cf_realloc_array(messages->items, messages->n > 0 ? messages->n * 2 : 1,
                                           sizeof *messages->items);
    }
    struct cf_message *item = &messages->items[messages->n++];
    *item = (struct cf_message){.n_alternatives = 1};
    return item;
}

void cf_store_read_message(struct cf_message *item, struct cf_arena *arena, sqlite3_stmt *stmt)
{
    item->id = sqlite3_column_int64(stmt, 0);
    const char *uuid = (const char *)sqlite3_column_text(stmt, 1);
    if (uuid != NULL) {
        (void)strncpy(item->uuid, uuid, sizeof item->uuid - 1);
    }
    item->conversation = sqlite3_column_int64(stmt, 2);
    item->parent = sqlite3_column_int64(stmt, 3);
    /* Words that a later version may have added leave the default. */
    const char *role = (const char *)sqlite3_column_text(stmt, 4);
    const char *state = (const char *)sqlite3_column_text(stmt, 5);
    const char *reason = (const char *)sqlite3_column_text(stmt, 6);
    item->role = CF_ROLE_USER;
    item->state = CF_MESSAGE_COMPLETE;
    (void)(role != NULL && cf_role_find(&item->role, role));
    (void)(state != NULL && cf_message_state_find(&item->state, state));
    (void)(reason != NULL && cf_end_reason_find(&item->reason, reason));
    item->is_pinned = sqlite3_column_int(stmt, 7) != 0;
    item->created_ms = sqlite3_column_int64(stmt, 8);
    item->updated_ms = sqlite3_column_int64(stmt, 9);
    item->trashed_ms = sqlite3_column_int64(stmt, 10);
    item->n_tokens = sqlite3_column_int(stmt, 11);
    item->n_prompt = sqlite3_column_int(stmt, 12);
    item->n_cached = sqlite3_column_int(stmt, 13);
    item->first_us = sqlite3_column_int64(stmt, 14);
    item->total_us = sqlite3_column_int64(stmt, 15);
    item->model = cf_db_text(arena, stmt, 16, NULL);
    item->error = cf_db_text(arena, stmt, 17, NULL);
    item->origin_id = cf_db_text(arena, stmt, 18, NULL);
    if (item->state == CF_MESSAGE_STREAMING) {
        /* A reader writes nothing, but sees what the next one who does will find. */
        const char *owner = (const char *)sqlite3_column_text(stmt, 19);
        bool is_alive = owner != NULL && cf_owner_is_alive(owner, item->updated_ms);
        item->state = is_alive ? CF_MESSAGE_STREAMING : CF_MESSAGE_INTERRUPTED;
    }
}

void cf_store_read_body(struct cf_message *item, struct cf_arena *arena, sqlite3_stmt *stmt,
                        int column)
{
    const void *recipe = sqlite3_column_blob(stmt, column);
    if (recipe != NULL) {
        item->recipe_size = (size_t)sqlite3_column_bytes(stmt, column);
        void *copy = cf_arena_alloc(arena, item->recipe_size);
        memcpy(copy, recipe, item->recipe_size);
        item->recipe = copy;
    }
    item->text = cf_db_text(arena, stmt, column + 1, &item->size);
    if (item->text == NULL) {
        item->text = cf_arena_strdup(arena, "");
    }
}

static void read_row(struct cf_messages *messages, sqlite3_stmt *stmt)
{
    struct cf_message *item = add_item(messages);
    cf_store_read_message(item, &messages->arena, stmt);
    item->alternative = sqlite3_column_int(stmt, COLUMN_ALTERNATIVE);
    item->n_alternatives = sqlite3_column_int(stmt, COLUMN_N_ALTERNATIVES);
    item->n_trashed_children = sqlite3_column_int(stmt, COLUMN_N_TRASHED_CHILDREN);
    cf_store_read_body(item, &messages->arena, stmt, COLUMN_RECIPE);
}

static enum cf_code read_with(struct cf_messages *messages, struct cf_store *store, const char *sql,
                              int64_t id, bool with_recipe, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = sql == sql_one
                            ? cf_db_query(&stmt, store, err, sql, "ii", id, (int64_t)with_recipe)
                            : cf_db_query(&stmt, store, err, sql, "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && has_row) {
        read_row(messages, stmt);
    } else if (code == CF_OK) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no message %" PRId64, id);
    }
    cf_db_end(stmt);
    return code;
}

/* ---- Where a page is damaged ---- */

/* The text of a message as far as its pages can be read. */
static void salvage_text(struct cf_messages *messages, struct cf_store *store,
                         struct cf_message *item)
{
    sqlite3_blob *blob = NULL;
    struct cf_buf text = CF_BUF_INIT;
    if (sqlite3_blob_open(store->db, "main", "message", "text", item->id, 0, &blob) == SQLITE_OK) {
        int size = sqlite3_blob_bytes(blob);
        char piece[SALVAGE_PIECE];
        for (int at = 0; at < size; at += SALVAGE_PIECE) {
            int n = size - at < SALVAGE_PIECE ? size - at : SALVAGE_PIECE;
            if (sqlite3_blob_read(blob, piece, n, at) != SQLITE_OK) {
                break;
            }
            cf_buf_add(&text, piece, (size_t)n);
        }
    }
    (void)sqlite3_blob_close(blob);
    item->text = cf_arena_alloc(&messages->arena, text.size + 1);
    memcpy(item->text, text.data, text.size);
    item->size = text.size;
    cf_buf_release(&text);
}

/* The row itself cannot be read; the index still knows where it hangs. */
static bool salvage_place(struct cf_messages *messages, struct cf_store *store, int64_t id)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    if (cf_db_query(&stmt, store, NULL,
                    "SELECT conversation, parent FROM message INDEXED BY message_tree"
                    " WHERE +id = ?1",
                    "i", id) == CF_OK) {
        (void)cf_db_step(&has_row, store, stmt, NULL);
    }
    if (has_row) {
        struct cf_message *item = add_item(messages);
        item->id = id;
        item->conversation = sqlite3_column_int64(stmt, 0);
        item->parent = sqlite3_column_int64(stmt, 1);
        item->role = CF_ROLE_USER;
        item->state = CF_MESSAGE_FAILED;
        item->text = cf_arena_strdup(&messages->arena, "");
        item->error =
            cf_arena_strdup(&messages->arena, "this message is damaged and cannot be read");
    }
    cf_db_end(stmt);
    return has_row;
}

static enum cf_code read_message(struct cf_messages *messages, struct cf_store *store, int64_t id,
                                 bool with_recipe, struct cf_err *err)
{
    enum cf_code code = read_with(messages, store, sql_one, id, with_recipe, err);
    if (code != CF_ERR_CORRUPT) {
        return code;
    }
    if (read_with(messages, store, sql_bare, id, false, NULL) == CF_OK) {
        salvage_text(messages, store, &messages->items[messages->n - 1]);
    } else if (!salvage_place(messages, store, id)) {
        return code;
    }
    messages->items[messages->n - 1].is_damaged = true;
    messages->is_damaged = true;
    return CF_OK;
}

/* ---- Loading ---- */

enum cf_code cf_store_message_load(struct cf_messages *one, struct cf_store *store, int64_t id,
                                   bool with_recipe, struct cf_err *err)
{
    struct cf_messages made = {.n = 0};
    enum cf_code code = read_message(&made, store, id, with_recipe, err);
    if (code != CF_OK) {
        cf_messages_release(&made);
        return code;
    }
    *one = made;
    return CF_OK;
}

static void reverse(struct cf_messages *messages)
{
    for (size_t i = 0, j = messages->n; i + 1 < j; i++) {
        j--;
        struct cf_message swapped = messages->items[i];
        messages->items[i] = messages->items[j];
        messages->items[j] = swapped;
    }
}

/* Parents are followed one by one: a recursive query would read no more cleverly, and could not go
 * on behind a damaged page.  A circle of parents, which only damage can make, is noticed when a
 * message comes again that was seen at the last power of two (Brent 1980). */
enum cf_code cf_store_path_load(struct cf_messages *messages, struct cf_store *store,
                                int64_t message, size_t limit, bool with_recipes,
                                struct cf_err *err)
{
    struct cf_messages made = {.n = 0};
    int64_t landmark = 0;
    enum cf_code code = CF_OK;
    for (int64_t id = message; id != 0;) {
        if (limit > 0 && made.n == limit) {
            made.has_more = true;
            break;
        }
        code = read_message(&made, store, id, with_recipes, made.n == 0 ? err : NULL);
        if (code == CF_ERR_CANCELLED) {
            code = cf_db_fail(store, SQLITE_INTERRUPT, err);
            break;
        }
        if (code != CF_OK && made.n > 0) {
            made.is_damaged = true; /* what is above it is lost; what was read is not */
            code = CF_OK;
            break;
        }
        if (code != CF_OK) {
            break;
        }
        id = made.items[made.n - 1].parent;
        if (id == landmark && id != 0) {
            made.is_damaged = true;
            break;
        }
        if ((made.n & (made.n - 1)) == 0) {
            landmark = id;
        }
    }
    if (code != CF_OK) {
        cf_messages_release(&made);
        return code;
    }
    reverse(&made);
    *messages = made;
    return CF_OK;
}

/* Reads the messages that a query of ids gives, in its order. */
static enum cf_code read_all(struct cf_messages *messages, struct cf_store *store, const char *sql,
                             int64_t conversation, int64_t parent, bool with_recipes,
                             struct cf_err *err)
{
    struct cf_buf ids = CF_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "in", conversation, parent);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        cf_buf_add(&ids, &id, sizeof id);
    }
    cf_db_end(stmt);
    if (code == CF_ERR_CORRUPT && ids.size > 0) {
        messages->is_damaged = true;
        code = CF_OK;
    }
    for (size_t at = 0; code == CF_OK && at < ids.size; at += sizeof(int64_t)) {
        int64_t id;
        memcpy(&id, ids.data + at, sizeof id);
        code = read_message(messages, store, id, with_recipes, err);
        if (code == CF_ERR_CORRUPT || code == CF_ERR_NOT_FOUND) {
            messages->is_damaged = true;
            code = CF_OK;
        }
    }
    cf_buf_release(&ids);
    return code;
}

enum cf_code cf_store_children_load(struct cf_messages *messages, struct cf_store *store,
                                    int64_t conversation, int64_t parent, struct cf_err *err)
{
    struct cf_messages made = {.n = 0};
    enum cf_code code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK) {
        code = read_all(&made, store,
                        "SELECT id FROM message INDEXED BY message_tree WHERE conversation = ?1"
                        " AND parent IS ?2 AND trashed IS NULL ORDER BY id",
                        conversation, parent, false, err);
    }
    if (code != CF_OK) {
        cf_messages_release(&made);
        return code;
    }
    *messages = made;
    return CF_OK;
}

/* ---- The tree in order ---- */

struct tree_node {
    int64_t id, parent;
    size_t index; /* in items */
};

static int compare_nodes(const void *a, const void *b)
{
    const struct tree_node *x = a;
    const struct tree_node *y = b;
    if (x->parent != y->parent) {
        return x->parent < y->parent ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id ? 1 : 0;
}

/* The first of n nodes (ordered by parent) whose parent is at least PARENT. */
static size_t first_child(const struct tree_node *nodes, size_t n, int64_t parent)
{
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nodes[middle].parent < parent) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where the messages stand in items, by id. */
struct place_of {
    int64_t id;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place_of *x = a;
    const struct place_of *y = b;
    return x->id < y->id ? -1 : x->id > y->id ? 1 : 0;
}

static struct place_of *sort_places(const struct cf_messages *messages)
{
    struct place_of *places = cf_calloc(messages->n, sizeof *places);
    for (size_t i = 0; i < messages->n; i++) {
        places[i] = (struct place_of){.id = messages->items[i].id, .index = i};
    }
    qsort(places, messages->n, sizeof *places, compare_places);
    return places;
}

/* The index in items; n: it is not there. */
static size_t find_place(const struct place_of *places, size_t n, int64_t id)
{
    const struct place_of key = {.id = id};
    const struct place_of *found = bsearch(&key, places, n, sizeof key, compare_places);
    return found != NULL ? found->index : n;
}

/* Depth first, siblings by id.  A message whose parent is not there becomes a root, so that nothing
 * that was read is left out. */
static void order_tree(struct cf_messages *messages)
{
    size_t n = messages->n;
    struct tree_node *nodes = cf_calloc(n, sizeof *nodes);
    struct cf_message *ordered = cf_calloc(n, sizeof *ordered);
    size_t *stack = cf_calloc(n, sizeof *stack);
    struct place_of *places = sort_places(messages);
    bool *is_seen = cf_calloc(n, sizeof *is_seen);
    for (size_t i = 0; i < n; i++) {
        const struct cf_message *item = &messages->items[i];
        bool is_there = find_place(places, n, item->parent) < n;
        nodes[i] =
            (struct tree_node){.id = item->id, .parent = is_there ? item->parent : 0, .index = i};
    }
    qsort(nodes, n, sizeof *nodes, compare_nodes);
    size_t n_stack = 0;
    size_t n_ordered = 0;
    /* Last sibling first onto the stack, so that the first comes off first; nothing twice, whatever
     * damaged numbers say. */
    for (size_t begin = 0, end = first_child(nodes, n, 1);;) {
        for (size_t i = end; i > begin; i--) {
            if (!is_seen[i - 1]) {
                is_seen[i - 1] = true;
                stack[n_stack++] = i - 1;
            }
        }
        if (n_stack == 0) {
            break;
        }
        const struct tree_node *node = &nodes[stack[--n_stack]];
        ordered[n_ordered++] = messages->items[node->index];
        begin = first_child(nodes, n, node->id);
        end = node->id < INT64_MAX ? first_child(nodes, n, node->id + 1) : n;
    }
    /* What a circle of parents keeps from being reached was damaged anyway. */
    messages->is_damaged = messages->is_damaged || n_ordered < n;
    memcpy(messages->items, ordered, n_ordered * sizeof *ordered);
    messages->n = n_ordered;
    free(is_seen);
    free(places);
    free(stack);
    free(ordered);
    free(nodes);
}

/* Counts alternatives, and takes in how many below each are in the trash:
 * counting them in SQL, row by row, is what a conversation of thousands would wait for. */
static enum cf_code count_siblings(struct cf_messages *messages, struct cf_store *store,
                                   int64_t conversation, struct cf_err *err)
{
    size_t n = messages->n;
    struct tree_node *nodes = cf_calloc(n, sizeof *nodes);
    for (size_t i = 0; i < n; i++) {
        const struct cf_message *item = &messages->items[i];
        nodes[i] = (struct tree_node){.id = item->id, .parent = item->parent, .index = i};
    }
    qsort(nodes, n, sizeof *nodes, compare_nodes);
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && nodes[end].parent == nodes[begin].parent; end++) {
        }
        for (size_t i = begin; i < end; i++) {
            messages->items[nodes[i].index].alternative = (int32_t)(i - begin);
            messages->items[nodes[i].index].n_alternatives = (int32_t)(end - begin);
        }
    }
    free(nodes);
    struct place_of *places = sort_places(messages);
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT parent, count(*) FROM message INDEXED BY message_tree"
                    " WHERE conversation = ?1 AND trashed IS NOT NULL AND parent IS NOT NULL"
                    " GROUP BY parent",
                    "i", conversation);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        size_t at = find_place(places, n, sqlite3_column_int64(stmt, 0));
        if (at < n) {
            messages->items[at].n_trashed_children = sqlite3_column_int(stmt, 1);
        }
    }
    free(places);
    cf_db_end(stmt);
    return code;
}

/* All rows of a conversation in one go; CF_ERR_CORRUPT where one can't be read. */
static enum cf_code read_rows(struct cf_messages *messages, struct cf_store *store,
                              int64_t conversation, bool with_recipes, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(
        &stmt, store, err,
        "SELECT " OWN_COLUMNS ", 0, 1, 0, CASE WHEN ?2 THEN (SELECT r.body FROM recipe r"
        " WHERE r.message = m.id) END, m.text FROM message m INDEXED BY message_tree"
        " WHERE m.conversation = ?1 AND m.trashed IS NULL",
        "ii", conversation, (int64_t)with_recipes);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        read_row(messages, stmt);
    }
    cf_db_end(stmt);
    if (code == CF_OK && messages->n > 0) {
        code = count_siblings(messages, store, conversation, err);
    }
    return code;
}

enum cf_code cf_store_tree_load(struct cf_messages *messages, struct cf_store *store,
                                int64_t conversation, bool with_recipes, struct cf_err *err)
{
    struct cf_messages made = {.n = 0};
    enum cf_code code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK) {
        code = read_rows(&made, store, conversation, with_recipes, err);
    }
    if (code == CF_ERR_CORRUPT) {
        cf_messages_release(&made);
        code = read_all(&made, store,
                        "SELECT id FROM message INDEXED BY message_tree WHERE conversation = ?1"
                        " AND trashed IS NULL AND ?2 IS NULL ORDER BY id",
                        conversation, 0, with_recipes, err);
    }
    if (code != CF_OK) {
        cf_messages_release(&made);
        return code;
    }
    if (made.n > 1) {
        order_tree(&made);
    }
    *messages = made;
    return CF_OK;
}
