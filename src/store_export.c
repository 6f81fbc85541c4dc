/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as they are, for export. */
#include "store_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store_port.h"

/* A branch that seems longer hangs on itself, which only damage can do. */
enum { BRANCH_MAX = 1000000 };

enum cf_code cf_store_freeze(struct cf_store *store, struct cf_err *err)
{
    enum cf_code code = cf_db_run(store, err, "BEGIN", "");
    int64_t any = 0;
    /* The snapshot is of the first read. */
    return code == CF_OK ? cf_db_int(&any, store, err, "SELECT 1 FROM meta LIMIT 1", "") : code;
}

void cf_store_thaw(struct cf_store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    }
}

enum cf_code cf_store_conversation_next(int64_t *id, struct cf_store *store, int64_t after,
                                        struct cf_err *err)
{
    *id = 0;
    enum cf_code code = cf_db_int(id, store, err,
                                  "SELECT id FROM conversation WHERE id > ?1 AND import IS NULL"
                                  " ORDER BY id LIMIT 1",
                                  "i", after);
    int64_t last = 0;
    if (code == CF_ERR_CORRUPT &&
        cf_db_int(&last, store, NULL, "SELECT seq FROM sqlite_sequence WHERE name = 'conversation'",
                  "") == CF_OK) {
        *id = after < last ? after + 1 : 0; /* each by itself: those behind can be read */
        code = CF_OK;
    }
    return code;
}

enum cf_code cf_store_message_count(int64_t *n, struct cf_store *store, struct cf_err *err)
{
    return cf_db_int(n, store, err, "SELECT count(*) FROM message", "");
}

static enum cf_code find_ids(struct cf_buf *ids, struct cf_store *store, const char *sql,
                             int64_t conversation, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    cf_buf_clear(ids);
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "i", conversation);
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        const int64_t id = sqlite3_column_int64(stmt, 0);
        cf_buf_add(ids, &id, sizeof id);
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_message_ids(struct cf_buf *ids, struct cf_store *store, int64_t conversation,
                                  struct cf_err *err)
{
    /* Of two indexes, one may be damaged. */
    enum cf_code code =
        find_ids(ids, store, "SELECT id FROM message WHERE conversation = ?1 ORDER BY id",
                 conversation, err);
    return code == CF_ERR_CORRUPT
               ? find_ids(ids, store,
                          "SELECT id FROM message INDEXED BY message_tree WHERE conversation = ?1"
                          " ORDER BY id",
                          conversation, err)
               : code;
}

static void reverse(struct cf_buf *ids)
{
    const size_t n = ids->size / sizeof(int64_t);
    for (size_t i = 0; i < n / 2; i++) {
        int64_t low;
        int64_t high;
        char *a = ids->data + i * sizeof low;
        char *b = ids->data + (n - 1 - i) * sizeof low;
        memcpy(&low, a, sizeof low);
        memcpy(&high, b, sizeof high);
        memcpy(a, &high, sizeof high);
        memcpy(b, &low, sizeof low);
    }
}

enum cf_code cf_store_branch_ids(struct cf_buf *ids, struct cf_store *store, int64_t leaf,
                                 struct cf_err *err)
{
    enum cf_code code = CF_OK;
    int n = 0;
    for (int64_t at = leaf; code == CF_OK && at != 0 && n < BRANCH_MAX; n++) {
        struct cf_place place;
        cf_buf_add(ids, &at, sizeof at);
        code = cf_store_need_message(&place, store, at, n == 0 ? err : NULL);
        at = code == CF_OK ? place.parent : 0;
    }
    if (n > 1 && (code == CF_ERR_CORRUPT || code == CF_ERR_NOT_FOUND)) {
        code = CF_OK; /* what is above it cannot be reached */
    }
    reverse(ids);
    return code;
}

static const char sql_row[] =
    "SELECT " CF_MESSAGE_COLUMNS ", (SELECT p.uuid FROM message p WHERE p.id = m.parent),"
    " (SELECT s.uuid FROM message s WHERE s.id = m.shown_child AND s.parent = m.id),"
    " (SELECT t.uuid FROM message t WHERE t.id = m.trash_root AND t.conversation = m.conversation),"
    " r.message, r.template, r.system, r.body, m.text"
    " FROM message m LEFT JOIN recipe r ON r.message = m.id WHERE m.id = ?1";

/* The same without what stands in the rows of other messages. */
static const char sql_alone[] =
    "SELECT " CF_MESSAGE_COLUMNS ", NULL, NULL, NULL, r.message, r.template, r.system, r.body,"
    " m.text FROM message m LEFT JOIN recipe r ON r.message = m.id WHERE m.id = ?1";

enum {
    COLUMN_PARENT = CF_MESSAGE_N_COLUMNS,
    COLUMN_SHOWN,
    COLUMN_TRASH_ROOT,
    COLUMN_RECIPE,
    COLUMN_TEMPLATE,
    COLUMN_SYSTEM,
    COLUMN_BODY, /* and behind it the text */
};

static void read_uuid(char uuid[CF_UUID_SIZE], sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    uuid[0] = '\0';
    if (text != NULL) {
        (void)strncpy(uuid, text, CF_UUID_SIZE - 1);
        uuid[CF_UUID_SIZE - 1] = '\0';
    }
}

static bool read_digest(struct cf_digest *digest, sqlite3_stmt *stmt, int column)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    const bool is_one = bytes != NULL && sqlite3_column_bytes(stmt, column) == CF_DIGEST_SIZE;
    if (is_one) {
        memcpy(digest->bytes, bytes, CF_DIGEST_SIZE);
    }
    return is_one;
}

static void read_row(struct cf_message_row *row, struct cf_arena *arena, sqlite3_stmt *stmt)
{
    cf_store_read_message(&row->message, arena, stmt);
    cf_store_read_body(&row->message, arena, stmt, COLUMN_BODY);
    read_uuid(row->parent, stmt, COLUMN_PARENT);
    read_uuid(row->shown, stmt, COLUMN_SHOWN);
    read_uuid(row->trash_root, stmt, COLUMN_TRASH_ROOT);
    row->has_recipe = sqlite3_column_type(stmt, COLUMN_RECIPE) != SQLITE_NULL;
    row->has_template = read_digest(&row->template_digest, stmt, COLUMN_TEMPLATE);
    row->has_system = read_digest(&row->system_digest, stmt, COLUMN_SYSTEM);
}

/* What is left of a message whose uuid cannot be read: it and those that hang on it get the same.
 */
static void make_up_uuid(char uuid[CF_UUID_SIZE], int64_t id)
{
    (void)snprintf(uuid, CF_UUID_SIZE, "00000000-0000-7000-8000-%012" PRIx64,
                   (uint64_t)id & 0xFFFFFFFFFFFFu);
}

enum cf_code cf_store_message_uuid(char uuid[CF_UUID_SIZE], struct cf_store *store, int64_t id,
                                   struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    uuid[0] = '\0';
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT uuid FROM message WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        read_uuid(uuid, stmt, 0);
    }
    cf_db_end(stmt);
    if (code == CF_ERR_CORRUPT) {
        make_up_uuid(uuid, id);
        code = CF_OK;
    }
    return code;
}

static enum cf_code read_with(struct cf_message_row *row, struct cf_arena *arena,
                              struct cf_store *store, const char *sql, int64_t id,
                              struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && has_row) {
        read_row(row, arena, stmt);
    } else if (code == CF_OK) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no message %" PRId64, id);
    }
    cf_db_end(stmt);
    return code;
}

static char *copy(struct cf_arena *arena, const char *text)
{
    return text != NULL ? cf_arena_strdup(arena, text) : NULL;
}

/* What cf_store_message_load saves of a row that cannot be read whole. */
static enum cf_code salvage(struct cf_message_row *row, struct cf_arena *arena,
                            struct cf_store *store, int64_t id, struct cf_err *err)
{
    struct cf_messages one = {.n = 0};
    enum cf_code code = cf_store_message_load(&one, store, id, false, err);
    if (code != CF_OK) {
        return code;
    }
    const struct cf_message *from = &one.items[0];
    row->message = *from;
    row->message.is_damaged = true;
    row->message.model = copy(arena, from->model);
    row->message.error = copy(arena, from->error);
    row->message.origin_id = copy(arena, from->origin_id);
    row->message.text = cf_arena_alloc(arena, from->size + 1);
    memcpy(row->message.text, from->text, from->size);
    cf_messages_release(&one);
    if (row->message.uuid[0] == '\0') {
        make_up_uuid(row->message.uuid, id);
    }
    return CF_OK;
}

enum cf_code cf_store_row_load(struct cf_message_row *row, struct cf_arena *arena,
                               struct cf_store *store, int64_t id, struct cf_err *err)
{
    *row = (struct cf_message_row){.message = {.id = id}};
    enum cf_code code = read_with(row, arena, store, sql_row, id, err);
    if (code != CF_ERR_CORRUPT) {
        return code;
    }
    *row = (struct cf_message_row){.message = {.id = id}};
    code = read_with(row, arena, store, sql_alone, id, err);
    if (code == CF_ERR_CORRUPT) {
        code = salvage(row, arena, store, id, err);
    }
    if (code == CF_OK && row->message.parent != 0) {
        code = cf_store_message_uuid(row->parent, store, row->message.parent, err);
    }
    row->is_cut = true;
    return code;
}

/* ---- Snapshots and drafts ---- */

static enum cf_code read_snapshot(struct cf_snapshot_row *row, struct cf_arena *arena,
                                  struct cf_store *store, sqlite3_stmt *stmt, struct cf_err *err)
{
    bool has_row = false;
    enum cf_code code = cf_db_step(&has_row, store, stmt, err);
    *row = (struct cf_snapshot_row){.id = 0};
    if (code == CF_OK && has_row && read_digest(&row->digest, stmt, 1)) {
        row->id = sqlite3_column_int64(stmt, 0);
        row->created_ms = sqlite3_column_int64(stmt, 2);
        row->text = cf_db_text(arena, stmt, 3, &row->size);
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_snapshot_next(struct cf_snapshot_row *row, struct cf_arena *arena,
                                    struct cf_store *store, int64_t after, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum cf_code code = cf_db_query(&stmt, store, err,
                                    "SELECT id, digest, created, text FROM snapshot WHERE id > ?1"
                                    " ORDER BY id LIMIT 1",
                                    "i", after);
    return code == CF_OK ? read_snapshot(row, arena, store, stmt, err) : code;
}

enum cf_code cf_store_snapshot_find(struct cf_snapshot_row *row, struct cf_arena *arena,
                                    struct cf_store *store, const struct cf_digest *digest,
                                    struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum cf_code code = cf_db_query(
        &stmt, store, err, "SELECT id, digest, created, text FROM snapshot WHERE digest = ?1", "b",
        digest->bytes, sizeof digest->bytes);
    return code == CF_OK ? read_snapshot(row, arena, store, stmt, err) : code;
}

enum cf_code cf_store_draft_row(bool *has_one, struct cf_draft_row *row, struct cf_arena *arena,
                                struct cf_store *store, int64_t conversation, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(
        &stmt, store, err, "SELECT cursor, updated, text FROM draft WHERE conversation IS ?1", "n",
        conversation);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    *has_one = code == CF_OK && has_row;
    if (*has_one) {
        row->cursor = sqlite3_column_int64(stmt, 0);
        row->updated_ms = sqlite3_column_int64(stmt, 1);
        row->text = cf_db_text(arena, stmt, 2, &row->size);
    }
    cf_db_end(stmt);
    return code;
}
