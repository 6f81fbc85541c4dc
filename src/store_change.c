/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person changes about a conversation: title, pin, archive, tags, branch, draft. */
#include "store_parts.h"

#include <string.h>

/* An UPDATE of one conversation, its id the last argument. */
#define SET(column) "UPDATE conversation SET " column " = NULLIF(?1, '') WHERE id = ?2"

enum cf_code cf_store_conversation_change(struct cf_store *store, int64_t id,
                                          const struct cf_conversation_change *change,
                                          struct cf_err *err)
{
    const struct {
        const char *sql, *value;
    } steps[] = {
        {SET("model"), change->model},
        {SET("template"), change->template_name},
        {SET("system"), change->system},
        {SET("settings"), change->settings},
    };
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, id, err);
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(steps); i++) {
        if (steps[i].value != NULL) {
            code = cf_db_run(store, err, steps[i].sql, "ti", steps[i].value, id);
        }
    }
    return cf_db_finish(store, code, err);
}

/* The first words of the conversation, for a title that is made. */
static enum cf_code make_title(struct cf_buf *title, struct cf_store *store, int64_t id,
                               struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err,
                                    "SELECT text FROM message WHERE conversation = ?1"
                                    " AND role = 'user' AND trashed IS NULL ORDER BY id LIMIT 1",
                                    "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        cf_title_make(title, text, (size_t)sqlite3_column_bytes(stmt, 0));
    }
    cf_db_end(stmt);
    return code;
}

/* Inside: what the title is now goes into the journal. */
static enum cf_code journal_title(struct cf_store *store, int64_t id, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    struct cf_arena arena = {.blocks = NULL};
    enum cf_code code = cf_db_query(
        &stmt, store, err, "SELECT title, title_is_own FROM conversation WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    struct cf_undo_entry entry = {.action = "rename", .conversation = id};
    if (has_row) {
        entry.title = cf_db_text(&arena, stmt, 0, NULL);
        entry.flag = sqlite3_column_int64(stmt, 1);
    }
    cf_db_end(stmt);
    if (code == CF_OK) {
        code = cf_store_journal(store, &entry, err);
    }
    cf_arena_release(&arena);
    return code;
}

enum cf_code cf_store_conversation_rename(struct cf_store *store, int64_t id, const char *title,
                                          struct cf_err *err)
{
    struct cf_buf clean = CF_BUF_INIT;
    cf_title_clean(&clean, title, strlen(title));
    int64_t is_own = clean.size > 0;
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code == CF_OK) {
        code = cf_store_need_conversation(store, id, err);
        if (code == CF_OK) {
            code = journal_title(store, id, err);
        }
        if (code == CF_OK && !is_own) {
            code = make_title(&clean, store, id, err);
        }
        if (code == CF_OK) {
            code = cf_db_run(store, err,
                             "UPDATE conversation SET title = ?1, title_is_own = ?2 WHERE id = ?3",
                             "xii", clean.data, clean.size, is_own, id);
        }
        code = cf_db_finish(store, code, err);
    }
    cf_buf_release(&clean);
    return code;
}

/* Sets a flag of a conversation; ACTION NULL is not undone. */
static enum cf_code set_flag(struct cf_store *store, int64_t id, const char *sql,
                             const char *action, bool value, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, id, err);
    if (code == CF_OK) {
        code = cf_db_run(store, err, sql, "ii", (int64_t)value, id);
    }
    if (code == CF_OK && action != NULL && cf_db_n_changed(store) > 0) {
        struct cf_undo_entry entry = {.action = action, .conversation = id, .flag = !value};
        code = cf_store_journal(store, &entry, err);
    }
    return cf_db_finish(store, code, err);
}

enum cf_code cf_store_conversation_set_pinned(struct cf_store *store, int64_t id, bool is_pinned,
                                              struct cf_err *err)
{
    return set_flag(store, id, "UPDATE conversation SET pinned = ?1 WHERE id = ?2 AND pinned <> ?1",
                    "pin", is_pinned, err);
}

enum cf_code cf_store_conversation_set_archived(struct cf_store *store, int64_t id,
                                                bool is_archived, struct cf_err *err)
{
    return set_flag(store, id,
                    "UPDATE conversation SET archived = ?1 WHERE id = ?2 AND archived <> ?1",
                    "archive", is_archived, err);
}

enum cf_code cf_store_conversation_set_unread(struct cf_store *store, int64_t id, bool is_unread,
                                              struct cf_err *err)
{
    return set_flag(store, id, "UPDATE conversation SET unread = ?1 WHERE id = ?2 AND unread <> ?1",
                    NULL, is_unread, err);
}

enum cf_code cf_store_conversation_set_leaf(struct cf_store *store, int64_t id, int64_t leaf,
                                            struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, id, err);
    if (code == CF_OK) {
        code = cf_store_show_leaf(store, id, leaf, err);
    }
    return cf_db_finish(store, code, err);
}

/* ---- Tags ---- */

enum cf_code cf_store_tag_inside(struct cf_store *store, int64_t conversation, const char *name,
                                 size_t size, struct cf_err *err)
{
    enum cf_code code =
        cf_db_run(store, err, "INSERT OR IGNORE INTO tag (name) VALUES (?1)", "x", name, size);
    return code == CF_OK ? cf_db_run(store, err,
                                     "INSERT OR IGNORE INTO conversation_tag (conversation, tag)"
                                     " SELECT ?1, id FROM tag WHERE name = ?2",
                                     "ix", conversation, name, size)
                         : code;
}

enum cf_code cf_store_tag_add(struct cf_store *store, int64_t conversation, const char *tag,
                              struct cf_err *err)
{
    struct cf_buf clean = CF_BUF_INIT;
    cf_title_clean(&clean, tag, strlen(tag));
    enum cf_code code = CF_OK;
    if (clean.size == 0) {
        code = cf_err_set(err, CF_ERR_USAGE, "a tag needs a name");
        goto done;
    }
    code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        goto done;
    }
    code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK) {
        code = cf_store_tag_inside(store, conversation, clean.data, clean.size, err);
    }
    code = cf_db_finish(store, code, err);
done:
    cf_buf_release(&clean);
    return code;
}

enum cf_code cf_store_tag_remove(struct cf_store *store, int64_t conversation, const char *tag,
                                 struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "DELETE FROM conversation_tag WHERE conversation = ?1"
                         " AND tag = (SELECT id FROM tag WHERE name = ?2)",
                         "it", conversation, tag);
    }
    if (code == CF_OK) {
        code =
            cf_db_run(store, err,
                      "DELETE FROM tag WHERE name = ?1"
                      " AND NOT EXISTS (SELECT 1 FROM conversation_tag ct WHERE ct.tag = tag.id)",
                      "t", tag);
    }
    return cf_db_finish(store, code, err);
}

/* ---- Drafts ---- */

enum cf_code cf_store_draft_save(struct cf_store *store, int64_t conversation, const char *text,
                                 size_t size, size_t cursor, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_LAZY, err);
    if (code != CF_OK) {
        return code;
    }
    if (conversation != 0) {
        code = cf_store_need_conversation(store, conversation, err);
    }
    if (code == CF_OK) {
        code =
            cf_db_run(store, err, "DELETE FROM draft WHERE conversation IS ?1", "n", conversation);
    }
    if (code == CF_OK && size > 0) {
        code = cf_db_run(store, err,
                         "INSERT INTO draft (conversation, cursor, updated, text)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         "niix", conversation, (int64_t)cursor, cf_db_now_ms(), text, size);
    }
    return cf_db_finish(store, code, err);
}

enum cf_code cf_store_draft_load(struct cf_buf *text, size_t *cursor, struct cf_store *store,
                                 int64_t conversation, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT text, cursor FROM draft WHERE conversation IS ?1",
                    "n", conversation);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    size_t at = 0;
    if (code == CF_OK && has_row) {
        const char *bytes = (const char *)sqlite3_column_text(stmt, 0);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 0);
        cf_buf_add(text, bytes, size);
        int64_t stored = sqlite3_column_int64(stmt, 1);
        at = stored >= 0 && (uint64_t)stored <= size ? (size_t)stored : size;
    }
    if (code == CF_OK && cursor != NULL) {
        *cursor = at;
    }
    cf_db_end(stmt);
    return code;
}
