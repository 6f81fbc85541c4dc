/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the table of words and the full-text index over it together. */
#include "store_db.h"
#include "store_words.h"

static enum cf_code unindex(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_run(store, err,
                                  "INSERT INTO search (search, rowid, words)"
                                  " SELECT 'delete', message, words FROM words WHERE message = ?1",
                                  "i", id);
    if (code == CF_OK) {
        code = cf_db_run(store, err, "DELETE FROM words WHERE message = ?1", "i", id);
    }
    return code;
}

static enum cf_code index_text(struct cf_store *store, int64_t id, const char *text, size_t size,
                               struct cf_err *err)
{
    struct cf_buf words = CF_BUF_INIT;
    enum cf_code code = CF_OK;
    if (cf_words_add(&words, text, size) > 0) {
        code = cf_db_run(store, err, "INSERT INTO words (message, words) VALUES (?1, ?2)", "ix", id,
                         words.data, words.size);
        if (code == CF_OK) {
            code = cf_db_run(store, err, "INSERT INTO search (rowid, words) VALUES (?1, ?2)", "ix",
                             id, words.data, words.size);
        }
    }
    cf_buf_release(&words);
    return code;
}

static enum cf_code index_again(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = unindex(store, id, err);
    if (code != CF_OK) {
        return code;
    }
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    code = cf_db_query(&stmt, store, err, "SELECT text FROM message WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        code = index_text(store, id, text, (size_t)sqlite3_column_bytes(stmt, 0), err);
    }
    cf_db_end(stmt);
    return code;
}

/* What indexes a message's text, TEXT NULL: as it is stored. */
static enum cf_code index_within(struct cf_store *store, int64_t id, const char *text, size_t size,
                                 struct cf_err *err)
{
    if (store->is_index_damaged) {
        return CF_OK;
    }
    enum cf_code code = cf_db_run(store, err, "SAVEPOINT indexing", "");
    if (code != CF_OK) {
        return code;
    }
    code = text != NULL ? index_text(store, id, text, size, err) : index_again(store, id, err);
    if (code == CF_ERR_CORRUPT) {
        store->is_index_damaged = true;
        code = cf_db_run(store, err, "ROLLBACK TO indexing", "");
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err, "RELEASE indexing", "");
    }
    return code;
}

enum cf_code cf_store_index_message(struct cf_store *store, int64_t id, struct cf_err *err)
{
    return index_within(store, id, NULL, 0, err);
}

enum cf_code cf_store_index_new(struct cf_store *store, int64_t id, const char *text, size_t size,
                                struct cf_err *err)
{
    return index_within(store, id, text, size, err);
}

/* Inside: makes an index whose own tables are damaged openable, so that it can be dropped.  What is
 * put there is what FTS5 itself writes for an empty index: no averages, and a structure of no
 * segments. */
static enum cf_code clear_index(struct cf_store *store, struct cf_err *err)
{
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    enum cf_code code =
        cf_db_script(store,
                     "DELETE FROM search_data; DELETE FROM search_idx; DELETE FROM search_docsize;"
                     "INSERT INTO search_data (id, block) VALUES (1, x''), (10, x'00000000000000')",
                     err);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return code;
}

/* Inside: an empty index, made as the schema made it. */
static enum cf_code make_index(struct cf_store *store, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    struct cf_buf sql = CF_BUF_INIT;
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT sql FROM sqlite_schema WHERE name = 'search'", "");
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        cf_buf_add_str(&sql, "DROP TABLE search; ");
        const void *text = sqlite3_column_text(stmt, 0);
        cf_buf_add(&sql, text, (size_t)sqlite3_column_bytes(stmt, 0));
    }
    cf_db_end(stmt);
    if (code == CF_OK) {
        code = cf_db_script(store, sql.data, err);
    }
    cf_buf_release(&sql);
    return code;
}

enum cf_code cf_store_reindex(struct cf_store *store, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_db_run(store, err, "DELETE FROM words", "");
    if (code == CF_OK) {
        code = clear_index(store, err);
    }
    if (code == CF_OK) {
        code = make_index(store, err);
    }
    sqlite3_stmt *stmt = NULL;
    if (code == CF_OK) {
        code = cf_db_query(&stmt, store, err,
                           "SELECT id, text FROM message WHERE state <> 'streaming'", "");
    }
    bool has_row = false;
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        code = index_text(store, sqlite3_column_int64(stmt, 0),
                          (const char *)sqlite3_column_text(stmt, 1),
                          (size_t)sqlite3_column_bytes(stmt, 1), err);
    }
    cf_db_end(stmt);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "INSERT OR REPLACE INTO meta (key, value)"
                         " VALUES ('words', CAST(?1 AS TEXT))",
                         "i", (int64_t)CF_WORDS_VERSION);
    }
    code = cf_db_finish(store, code, err);
    if (code == CF_OK) {
        store->is_index_damaged = false;
    }
    return code;
}
