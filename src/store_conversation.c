/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations: making, reading and finding them. */
#include "store_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { UUID_PREFIX_MIN = 8 };

#define OWN_COLUMNS                                                                                \
    "c.id, c.uuid, c.title, c.model, c.template, c.system, c.settings, c.origin, c.origin_id,"     \
    " c.created, c.updated, c.trashed, c.active_leaf, c.forked_from, c.title_is_own, c.pinned,"    \
    " c.archived, c.unread"

#define COLUMNS                                                                                    \
    OWN_COLUMNS                                                                                    \
    ", (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.trashed IS NULL),"        \
    " (SELECT m.owner FROM message m WHERE m.conversation = c.id AND m.state = 'streaming'"        \
    "  ORDER BY m.id DESC LIMIT 1),"                                                               \
    " (SELECT m.state FROM message m WHERE m.id = c.active_leaf),"                                 \
    " (SELECT group_concat(t.name, char(10)) FROM conversation_tag ct JOIN tag t ON t.id = ct.tag" \
    "  WHERE ct.conversation = c.id)"

/* What stands in the conversation's own row: other pages are not needed. */
static const char sql_bare[] =
    "SELECT " OWN_COLUMNS ", 0, NULL, NULL, NULL FROM conversation c WHERE c.id = ?1 AND"
    " c.import IS NULL";
static const char sql_one[] =
    "SELECT " COLUMNS " FROM conversation c WHERE c.id = ?1 AND c.import IS NULL";

void cf_conversations_release(struct cf_conversations *conversations)
{
    cf_arena_release(&conversations->arena);
    free(conversations->items);
    *conversations = (struct cf_conversations){.n = 0};
}

static struct cf_conversation *add_item(struct cf_conversations *list)
{
    /* Doubles at powers of two, so that no capacity has to be kept. */
    if ((list->n & (list->n - 1)) == 0) {
        list->items =
            cf_realloc_array(list->items, list->n > 0 ? list->n * 2 : 1, sizeof *list->items);
    }
    struct cf_conversation *item = &list->items[list->n++];
    *item = (struct cf_conversation){.id = 0};
    return item;
}

static void split_tags(struct cf_arena *arena, struct cf_conversation *item, char *names)
{
    if (names == NULL) {
        return;
    }
    item->n_tags = 1;
    for (const char *at = names; (at = strchr(at, '\n')) != NULL; at++) {
        item->n_tags++;
    }
    item->tags = cf_arena_alloc(arena, item->n_tags * sizeof *item->tags);
    for (size_t i = 0; i < item->n_tags; i++) {
        item->tags[i] = names;
        names = strchr(names, '\n');
        if (names != NULL) {
            *names++ = '\0';
        }
    }
}

static void read_row(struct cf_conversations *list, sqlite3_stmt *stmt)
{
    struct cf_arena *arena = &list->arena;
    struct cf_conversation *item = add_item(list);
    item->id = sqlite3_column_int64(stmt, 0);
    const char *uuid = (const char *)sqlite3_column_text(stmt, 1);
    if (uuid != NULL) {
        (void)strncpy(item->uuid, uuid, sizeof item->uuid - 1);
    }
    item->title = cf_db_text(arena, stmt, 2, NULL);
    if (item->title == NULL) {
        item->title = cf_arena_strdup(arena, "");
    }
    item->model = cf_db_text(arena, stmt, 3, NULL);
    item->template_name = cf_db_text(arena, stmt, 4, NULL);
    item->system = cf_db_text(arena, stmt, 5, NULL);
    item->settings = cf_db_text(arena, stmt, 6, NULL);
    item->origin = cf_db_text(arena, stmt, 7, NULL);
    item->origin_id = cf_db_text(arena, stmt, 8, NULL);
    item->created_ms = sqlite3_column_int64(stmt, 9);
    item->updated_ms = sqlite3_column_int64(stmt, 10);
    item->trashed_ms = sqlite3_column_int64(stmt, 11);
    item->active_leaf = sqlite3_column_int64(stmt, 12);
    item->forked_from = sqlite3_column_int64(stmt, 13);
    item->is_title_own = sqlite3_column_int(stmt, 14) != 0;
    item->is_pinned = sqlite3_column_int(stmt, 15) != 0;
    item->is_archived = sqlite3_column_int(stmt, 16) != 0;
    item->is_unread = sqlite3_column_int(stmt, 17) != 0;
    item->n_messages = sqlite3_column_int64(stmt, 18);
    const char *owner = (const char *)sqlite3_column_text(stmt, 19);
    item->is_streaming = owner != NULL && cf_owner_is_alive(owner, item->updated_ms);
    const char *state = (const char *)sqlite3_column_text(stmt, 20);
    bool is_left = state != NULL && strcmp(state, "streaming") == 0 && !item->is_streaming;
    item->is_interrupted = is_left || (state != NULL && strcmp(state, "interrupted") == 0);
    split_tags(arena, item, cf_db_text(arena, stmt, 21, NULL));
}

/* ---- Reading one ---- */

/* Adds the conversation, if there is such a one. */
static enum cf_code read_with(struct cf_conversations *list, struct cf_store *store,
                              const char *sql, int64_t id, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        read_row(list, stmt);
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_read_conversation(struct cf_conversations *list, struct cf_store *store,
                                        int64_t id, struct cf_err *err)
{
    enum cf_code code = read_with(list, store, sql_one, id, err);
    if (code == CF_ERR_CORRUPT) {
        list->is_damaged = true;
        code = read_with(list, store, sql_bare, id, err);
    }
    return code;
}

enum cf_code cf_store_conversation_load(struct cf_conversations *one, struct cf_store *store,
                                        int64_t id, struct cf_err *err)
{
    struct cf_conversations made = {.n = 0};
    enum cf_code code = cf_store_read_conversation(&made, store, id, err);
    if (code == CF_OK && made.n == 0) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no conversation %" PRId64, id);
    }
    if (code != CF_OK) {
        cf_conversations_release(&made);
        return code;
    }
    *one = made;
    return CF_OK;
}

/* ---- Finding ---- */

enum cf_code cf_store_need_conversation(struct cf_store *store, int64_t id, struct cf_err *err)
{
    int64_t found = 0;
    enum cf_code code =
        cf_db_int(&found, store, err,
                  "SELECT id FROM conversation WHERE id = ?1 AND import IS NULL", "i", id);
    if (code == CF_OK && found == 0) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no conversation %" PRId64, id);
    }
    return code;
}

enum cf_code cf_store_find_uuid(int64_t *id, struct cf_store *store, const char *sql,
                                const char *what, const char *reference, struct cf_err *err)
{
    size_t size = strlen(reference);
    if (size < UUID_PREFIX_MIN || size >= CF_UUID_SIZE ||
        strspn(reference, "0123456789abcdef-") != size) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no %s ‘%s’", what, reference);
    }
    sqlite3_stmt *stmt = NULL;
    int64_t found[2] = {0, 0};
    bool has_row = true;
    char end[CF_UUID_SIZE + 1];
    (void)memcpy(end, reference, size);
    end[size] = 'g'; /* behind every digit */
    end[size + 1] = '\0';
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "tt", reference, end);
    for (int i = 0; code == CF_OK && has_row && i < 2; i++) {
        code = cf_db_step(&has_row, store, stmt, err);
        if (code == CF_OK && has_row) {
            found[i] = sqlite3_column_int64(stmt, 0);
        }
    }
    cf_db_end(stmt);
    if (code != CF_OK) {
        return code;
    }
    if (found[0] == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no %s ‘%s’", what, reference);
    }
    if (found[1] != 0) {
        return cf_err_set(err, CF_ERR_RANGE, "more than one %s begins with ‘%s’", what, reference);
    }
    *id = found[0];
    return CF_OK;
}

/* A number that is not too long to be one. */
static bool is_number(const char *reference)
{
    size_t size = strlen(reference);
    return size > 0 && size <= 18 && strspn(reference, "0123456789") == size;
}

/* A damaged page is no reason not to find what others hold. */
static enum cf_code find_last(int64_t *id, struct cf_store *store, struct cf_err *err)
{
    enum cf_code code =
        cf_db_int(id, store, err,
                  "SELECT id FROM conversation WHERE trashed IS NULL AND import IS NULL"
                  " ORDER BY updated DESC, id DESC LIMIT 1",
                  "");
    if (code == CF_ERR_CORRUPT) {
        static const struct cf_list_query all = {.shelf = CF_SHELF_ALL, .limit = SIZE_MAX};
        struct cf_conversations list = {.n = 0};
        code = cf_store_list(&list, store, &all, err);
        for (size_t i = 0; i < list.n && *id == 0; i++) {
            *id = list.items[i].trashed_ms == 0 ? list.items[i].id : 0;
        }
        cf_conversations_release(&list);
    }
    if (code == CF_OK && *id == 0) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no conversation yet");
    }
    return code;
}

enum cf_code cf_store_conversation_find(int64_t *id, struct cf_store *store, const char *reference,
                                        struct cf_err *err)
{
    int64_t found = 0;
    enum cf_code code = CF_OK;
    if (strcmp(reference, "last") == 0) {
        code = find_last(&found, store, err);
    } else {
        if (is_number(reference)) {
            code = cf_db_int(&found, store, err,
                             "SELECT id FROM conversation WHERE id = ?1 AND import IS NULL", "i",
                             (int64_t)strtoll(reference, NULL, 10));
        }
        if (code == CF_OK && found == 0) {
            code = cf_store_find_uuid(&found, store,
                                      "SELECT id FROM conversation WHERE uuid >= ?1 AND uuid < ?2"
                                      " AND import IS NULL LIMIT 2",
                                      "conversation", reference, err);
        }
    }
    if (code == CF_OK) {
        *id = found;
    }
    return code;
}

enum cf_code cf_store_message_find(int64_t *id, struct cf_store *store, const char *reference,
                                   struct cf_err *err)
{
    int64_t found = 0;
    enum cf_code code = CF_OK;
    if (is_number(reference)) {
        code = cf_db_int(&found, store, err,
                         "SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation"
                         " WHERE m.id = ?1 AND c.import IS NULL",
                         "i", (int64_t)strtoll(reference, NULL, 10));
    }
    if (code == CF_OK && found == 0) {
        code = cf_store_find_uuid(&found, store,
                                  "SELECT m.id FROM message m JOIN conversation c"
                                  " ON c.id = m.conversation WHERE m.uuid >= ?1 AND m.uuid < ?2"
                                  " AND c.import IS NULL LIMIT 2",
                                  "message", reference, err);
    }
    if (code == CF_OK) {
        *id = found;
    }
    return code;
}

/* ---- Making ---- */

enum cf_code cf_store_create_inside(int64_t *id, struct cf_store *store,
                                    const struct cf_conversation_spec *spec, struct cf_err *err)
{
    struct cf_buf title = CF_BUF_INIT;
    if (spec->title != NULL) {
        cf_title_clean(&title, spec->title, strlen(spec->title));
    }
    int64_t existing = 0;
    enum cf_code code = CF_OK;
    if (spec->origin != NULL) {
        code = cf_db_int(&existing, store, err,
                         "SELECT id FROM conversation WHERE origin = ?1 AND origin_id = ?2", "tt",
                         spec->origin, spec->origin_id);
        if (code == CF_OK && existing != 0) {
            *id = existing;
            code = cf_err_set(err, CF_ERR_EXISTS, "the conversation ‘%s’ of %s is there already",
                              spec->origin_id, spec->origin);
        }
    }
    if (code == CF_OK) {
        char uuid[CF_UUID_SIZE];
        cf_db_uuid(uuid);
        int64_t now = spec->created_ms > 0 ? spec->created_ms : cf_db_now_ms();
        code = cf_db_run(store, err,
                         "INSERT INTO conversation (uuid, created, updated, title_is_own, title,"
                         " model, template, settings, system, origin, origin_id)"
                         " VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                         "tiixtttttt", uuid, now, (int64_t)(title.size > 0), title.data, title.size,
                         spec->model, spec->template_name, spec->settings, spec->system,
                         spec->origin, spec->origin_id);
        *id = code == CF_OK ? sqlite3_last_insert_rowid(store->db) : *id;
    }
    cf_buf_release(&title);
    return code;
}

enum cf_code cf_store_conversation_create(int64_t *id, struct cf_store *store,
                                          const struct cf_conversation_spec *spec,
                                          struct cf_err *err)
{
    int64_t made = 0;
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code == CF_OK) {
        code = cf_db_finish(store, cf_store_create_inside(&made, store, spec, err), err);
    }
    if (code == CF_OK || (code == CF_ERR_EXISTS && made != 0)) {
        *id = made;
    }
    return code;
}
