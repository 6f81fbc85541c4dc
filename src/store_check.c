/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at everything in a database and saying what is wrong with it. */
#include "store_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "recipe.h"
#include "store_words.h"

enum { PROBLEMS_MAX = 100 };

void cf_check_report_release(struct cf_check_report *report)
{
    cf_arena_release(&report->arena);
    free(report->problems);
    *report = (struct cf_check_report){.n = 0};
}

static void add_problem(struct cf_check_report *report, const char *format, ...) CF_PRINTF(2, 3);

static void add_problem(struct cf_check_report *report, const char *format, ...)
{
    if (report->n == PROBLEMS_MAX) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&text, format, args);
    va_end(args);
    if (report->problems == NULL) {
        report->problems = cf_calloc(PROBLEMS_MAX, sizeof *report->problems);
    }
    report->problems[report->n++] = cf_arena_strdup(&report->arena, text.data);
    cf_buf_release(&text);
}

/* A failure to look is no failure of the check when it is the damage that was looked for. */
static enum cf_code note_damage(struct cf_check_report *report, enum cf_code code,
                                const char *where)
{
    if (code == CF_ERR_CORRUPT || code == CF_ERR_FORMAT) {
        add_problem(report, "%s cannot be read: a page is damaged", where);
        return CF_OK;
    }
    return code;
}

/* Each row of SQL is a problem: its first column is put into FORMAT's %s. */
static enum cf_code rows_are_problems(struct cf_check_report *report, struct cf_store *store,
                                      const char *sql, const char *before, const char *after,
                                      struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "");
    while (code == CF_OK && report->n < PROBLEMS_MAX &&
           (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        const char *what = (const char *)sqlite3_column_text(stmt, 0);
        add_problem(report, "%s%s%s", before, what != NULL ? what : "?", after);
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code check_pages(struct cf_check_report *report, struct cf_store *store,
                                struct cf_err *err)
{
    enum cf_code code = rows_are_problems(
        report, store,
        "SELECT replace(replace(integrity_check, '*** in database main ***' || char(10), ''),"
        " char(10), '; ') FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok'"
        " AND integrity_check NOT LIKE '%malformed inverted index for FTS5%'",
        "the file: ", "", err);
    if (code == CF_OK) {
        code = rows_are_problems(report, store,
                                 "SELECT format('%s %s', \"table\", rowid)"
                                 " FROM pragma_foreign_key_check LIMIT 100",
                                 "", " refers to something that is not there", err);
    }
    return code;
}

/* ---- Our own invariants ---- */

static const struct {
    const char *sql, *before, *after;
} invariants[] = {
    {"SELECT c.id FROM conversation c JOIN message m ON m.id = c.active_leaf"
     " WHERE m.conversation <> c.id OR (m.trashed IS NOT NULL AND c.trashed IS NULL)",
     "conversation ", " shows a message that is deleted or of another conversation"},
    {"SELECT m.id FROM message m JOIN message p ON p.id = m.parent"
     " WHERE m.trashed IS NULL AND p.trashed IS NOT NULL",
     "message ", " hangs on a deleted one"},
    {"SELECT DISTINCT m.conversation FROM message m WHERE m.id NOT IN ("
     " WITH RECURSIVE down (id) AS (SELECT id FROM message WHERE parent IS NULL"
     " UNION SELECT c.id FROM down JOIN message p ON p.id = down.id"
     " JOIN message c ON c.conversation = p.conversation AND c.parent = p.id)"
     " SELECT id FROM down)",
     "conversation ", " holds messages that hang on themselves"},
    {"SELECT r.message FROM recipe r WHERE (r.template IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM snapshot s WHERE s.digest = r.template)) OR (r.system IS NOT NULL"
     " AND NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.digest = r.system))",
     "reply ", " cannot be made again: the template or system prompt it was made with is gone"},
};

static enum cf_code check_snapshots(struct cf_check_report *report, struct cf_store *store,
                                    struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, "SELECT id, digest, text FROM snapshot", "");
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        struct cf_digest digest;
        const void *text = sqlite3_column_text(stmt, 2);
        cf_digest_of(&digest, text != NULL ? text : "", (size_t)sqlite3_column_bytes(stmt, 2));
        const void *stored = sqlite3_column_blob(stmt, 1);
        if (stored == NULL || sqlite3_column_bytes(stmt, 1) != CF_DIGEST_SIZE ||
            memcmp(stored, digest.bytes, CF_DIGEST_SIZE) != 0) {
            add_problem(report, "snapshot %" PRId64 " is not the text that was stored",
                        (int64_t)sqlite3_column_int64(stmt, 0));
        }
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code check_recipes(struct cf_check_report *report, struct cf_store *store,
                                  struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err,
                                    "SELECT message, body FROM recipe WHERE body IS NOT NULL", "");
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        struct cf_recipe recipe;
        struct cf_err why = CF_ERR_INIT;
        enum cf_code decoded = cf_recipe_decode(&recipe, sqlite3_column_blob(stmt, 1),
                                                (size_t)sqlite3_column_bytes(stmt, 1), &why);
        if (decoded == CF_OK) {
            cf_recipe_release(&recipe);
        } else if (decoded != CF_ERR_NEWER) {
            add_problem(report, "reply %" PRId64 " cannot be made again: %s",
                        (int64_t)sqlite3_column_int64(stmt, 0), why.text);
        }
    }
    cf_db_end(stmt);
    return code;
}

/* The words kept are those of the text, as this version sees it. */
static enum cf_code check_words(bool *is_damaged, struct cf_store *store, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    struct cf_buf words = CF_BUF_INIT;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT m.text, w.words FROM message m LEFT JOIN words w ON w.message = m.id"
                    " WHERE m.state <> 'streaming'",
                    "");
    while (code == CF_OK && !*is_damaged &&
           (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        cf_buf_clear(&words);
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        cf_words_add(&words, text != NULL ? text : "", (size_t)sqlite3_column_bytes(stmt, 0));
        const void *stored = sqlite3_column_text(stmt, 1);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
        *is_damaged = size != words.size || (size > 0 && memcmp(stored, words.data, size) != 0);
    }
    cf_db_end(stmt);
    cf_buf_release(&words);
    return code;
}

static enum cf_code check_index(struct cf_check_report *report, struct cf_store *store,
                                bool is_repairing, struct cf_err *err)
{
    bool is_damaged = store->is_index_damaged;
    enum cf_code code = CF_OK;
    if (!store->is_read_only) {
        code = cf_db_run(store, err,
                         "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)", "");
        code = code == CF_ERR_ACCESS ? CF_OK : code; /* the file allows no writing */
    }
    if (code == CF_OK) {
        code = check_words(&is_damaged, store, err);
    }
    if (code == CF_ERR_CORRUPT) {
        is_damaged = true;
        code = CF_OK;
    }
    if (code != CF_OK || !is_damaged) {
        return code;
    }
    struct cf_err why = CF_ERR_INIT;
    if (is_repairing && cf_store_reindex(store, &why) == CF_OK) {
        add_problem(report, "the search index was damaged and has been made anew");
    } else {
        add_problem(report, "the search index is damaged%s%s", why.text[0] != '\0' ? ": " : "",
                    why.text);
    }
    return CF_OK;
}

static const char hint[] =
    "Copy the file first, and those beside it that end in -wal and -shm. What can be read goes "
    "into "
    "a new database: confab export --all --format json -o saved.json, then confab --db NEW import "
    "saved.json. Or go back to a copy that confab backup made.";

enum cf_code cf_store_check(struct cf_check_report *report, struct cf_store *store,
                            bool is_repairing, struct cf_err *err)
{
    struct cf_check_report made = {.n = 0};
    struct cf_err why = CF_ERR_INIT; /* err stays untouched when looking works */
    enum cf_code code = note_damage(&made, check_pages(&made, store, &why), "the file");
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(invariants); i++) {
        code = note_damage(&made,
                           rows_are_problems(&made, store, invariants[i].sql, invariants[i].before,
                                             invariants[i].after, &why),
                           "some messages");
    }
    if (code == CF_OK) {
        code = note_damage(&made, check_snapshots(&made, store, &why), "the snapshots");
    }
    if (code == CF_OK) {
        code = note_damage(&made, check_recipes(&made, store, &why), "some recipes");
    }
    size_t n_serious = made.n;
    if (code == CF_OK) {
        /* Nothing is written into a file that is damaged elsewhere. */
        is_repairing = is_repairing && n_serious == 0 && !store->is_read_only;
        code = check_index(&made, store, is_repairing, &why);
    }
    if (code != CF_OK) {
        cf_check_report_release(&made);
        return cf_err_set(err, code, "%s", why.text);
    }
    if (n_serious > 0) {
        made.hint = cf_arena_strdup(&made.arena, hint);
    } else if (made.n > 0) {
        made.hint = cf_arena_strdup(
            &made.arena, "Nothing is lost: the index holds only what stands in the messages.");
    }
    *report = made;
    return CF_OK;
}
