/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_db.h"
#include "clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int64_t cf_db_now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return 0;
    }
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void cf_db_uuid(char uuid[CF_UUID_SIZE])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        sqlite3_randomness((int)sizeof bytes, bytes);
    }
    uint64_t now = (uint64_t)cf_db_now_ms();
    for (int i = 0; i < 6; i++) {
        bytes[i] = (unsigned char)(now >> (40 - 8 * i));
    }
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    static const char digits[] = "0123456789abcdef";
    char *out = uuid;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

/* ---- Failure ---- */

static enum cf_code fail_io(struct cf_store *store, int rc, struct cf_err *err)
{
    int system_errno = sqlite3_system_errno(store->db);
    if (system_errno == ENOSPC || system_errno == EDQUOT) {
        return cf_err_set(err, CF_ERR_FULL,
                          "%s: no space left on the disk; free some and try again", store->path);
    }
    if (rc == SQLITE_IOERR_CORRUPTFS) {
        return cf_err_set(err, CF_ERR_CORRUPT, "%s: the file system is damaged", store->path);
    }
    if (system_errno != 0) {
        return cf_err_set_errno(err, system_errno, "%s: cannot read or write the database",
                                store->path);
    }
    return cf_err_set(err, CF_ERR_IO, "%s: cannot read or write the database: %s", store->path,
                      sqlite3_errstr(rc));
}

enum cf_code cf_db_fail(struct cf_store *store, int rc, struct cf_err *err)
{
    const char *path = store->path;
    switch (rc & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return cf_err_set(err, CF_ERR_BUSY,
                          "%s: another program is writing to the database; try again in a moment",
                          path);
    case SQLITE_INTERRUPT:
        return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
    case SQLITE_FULL:
        return cf_err_set(err, CF_ERR_FULL,
                          "%s: no space left on the disk; free some and try again", path);
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_DBMOVED) {
            return cf_err_set(err, CF_ERR_IO,
                              "%s: the database was moved or deleted while in use; start again",
                              path);
        }
        return cf_err_set(err, CF_ERR_ACCESS,
                          "%s: the database cannot be written; make it and its folder writable, or "
                          "choose another with --db",
                          path);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return cf_err_set(err, CF_ERR_ACCESS, "%s: no permission to use the database", path);
    case SQLITE_CANTOPEN:
        if (sqlite3_system_errno(store->db) != 0) {
            return cf_err_set_errno(err, sqlite3_system_errno(store->db),
                                    "%s: cannot open the database", path);
        }
        return cf_err_set(err, CF_ERR_ACCESS, "%s: cannot open the database", path);
    case SQLITE_NOTADB:
        return cf_err_set(err, CF_ERR_FORMAT, "%s: not a database; choose another file with --db",
                          path);
    case SQLITE_CORRUPT:
        return cf_err_set(
            err, CF_ERR_CORRUPT,
            "%s: the database is damaged; 'confab check' says how to save what is left", path);
    case SQLITE_TOOBIG:
        return cf_err_set(err, CF_ERR_TOO_LARGE, "%s: too large to be stored", path);
    case SQLITE_NOMEM:
        return cf_err_set(err, CF_ERR_IO, "%s: not enough memory", path);
    case SQLITE_IOERR:
        return fail_io(store, rc, err);
    default:
        return cf_err_set(err, CF_ERR_IO, "%s: %s", path, sqlite3_errmsg(store->db));
    }
}

/* ---- Statements ---- */

static enum cf_code statement(sqlite3_stmt **stmt, struct cf_store *store, const char *sql,
                              struct cf_err *err)
{
    for (size_t i = 0; i < store->n_statements; i++) {
        if (store->statements[i].sql == sql) {
            *stmt = store->statements[i].stmt;
            assert(!sqlite3_stmt_busy(*stmt));
            return CF_OK;
        }
    }
    sqlite3_stmt *made = NULL;
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL);
    if (rc != SQLITE_OK) {
        return cf_db_fail(store, rc, err);
    }
    store->statements = cf_grow(store->statements, store->n_statements, &store->statements_capacity,
                                1, sizeof *store->statements);
    store->statements[store->n_statements++] = (struct cf_db_statement){.sql = sql, .stmt = made};
    *stmt = made;
    return CF_OK;
}

static int bind_bytes(sqlite3_stmt *stmt, int index, const void *bytes, size_t size, bool is_text)
{
    if (bytes == NULL) {
        /* No text is empty text to the caller who gave a size with it. */
        return is_text ? sqlite3_bind_text(stmt, index, "", 0, SQLITE_STATIC)
                       : sqlite3_bind_null(stmt, index);
    }
    return is_text ? sqlite3_bind_text64(stmt, index, bytes, size, SQLITE_STATIC, SQLITE_UTF8)
                   : sqlite3_bind_blob64(stmt, index, bytes, size, SQLITE_STATIC);
}

static enum cf_code query(sqlite3_stmt **stmt, struct cf_store *store, struct cf_err *err,
                          const char *sql, const char *format, va_list args)
{
    sqlite3_stmt *made = NULL;
    enum cf_code code = statement(&made, store, sql, err);
    if (code != CF_OK) {
        return code;
    }
    assert(sqlite3_bind_parameter_count(made) == (int)strlen(format));
    int rc = SQLITE_OK;
    for (int i = 1; *format != '\0' && rc == SQLITE_OK; i++, format++) {
        switch (*format) {
        case 'i':
            rc = sqlite3_bind_int64(made, i, va_arg(args, int64_t));
            break;
        case 'n': {
            int64_t id = va_arg(args, int64_t);
            rc = id != 0 ? sqlite3_bind_int64(made, i, id) : sqlite3_bind_null(made, i);
            break;
        }
        case 't': {
            const char *text = va_arg(args, const char *);
            rc = text != NULL ? bind_bytes(made, i, text, strlen(text), true)
                              : sqlite3_bind_null(made, i);
            break;
        }
        default: {
            assert(*format == 'x' || *format == 'b');
            const void *bytes = va_arg(args, const void *);
            size_t size = va_arg(args, size_t);
            rc = bind_bytes(made, i, bytes, size, *format == 'x');
            break;
        }
        }
    }
    if (rc != SQLITE_OK) {
        cf_db_end(made);
        return cf_db_fail(store, rc, err);
    }
    *stmt = made;
    return CF_OK;
}

enum cf_code cf_db_query(sqlite3_stmt **stmt, struct cf_store *store, struct cf_err *err,
                         const char *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum cf_code code = query(stmt, store, err, sql, format, args);
    va_end(args);
    return code;
}

enum cf_code cf_db_step(bool *has_row, struct cf_store *store, sqlite3_stmt *stmt,
                        struct cf_err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return cf_db_fail(store, rc, err);
    }
    *has_row = rc == SQLITE_ROW;
    return CF_OK;
}

void cf_db_end(sqlite3_stmt *stmt)
{
    if (stmt != NULL) {
        (void)sqlite3_reset(stmt);
        (void)sqlite3_clear_bindings(stmt);
    }
}

enum cf_code cf_db_run(struct cf_store *store, struct cf_err *err, const char *sql,
                       const char *format, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;
    va_start(args, format);
    enum cf_code code = query(&stmt, store, err, sql, format, args);
    va_end(args);
    for (bool has_row = true; code == CF_OK && has_row;) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_db_int(int64_t *value, struct cf_store *store, struct cf_err *err, const char *sql,
                       const char *format, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;
    va_start(args, format);
    enum cf_code code = query(&stmt, store, err, sql, format, args);
    va_end(args);
    bool has_row = false;
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        *value = sqlite3_column_int64(stmt, 0);
    }
    cf_db_end(stmt);
    return code;
}

int64_t cf_db_n_changed(struct cf_store *store)
{
    return sqlite3_changes64(store->db);
}

enum cf_code cf_db_script(struct cf_store *store, const char *sql, struct cf_err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? CF_OK : cf_db_fail(store, rc, err);
}

char *cf_db_text(struct cf_arena *arena, sqlite3_stmt *stmt, int column, size_t *size)
{
    const void *bytes = sqlite3_column_text(stmt, column);
    size_t n = (size_t)sqlite3_column_bytes(stmt, column);
    if (size != NULL) {
        *size = bytes != NULL ? n : 0;
    }
    if (bytes == NULL) {
        return NULL;
    }
    char *copy = cf_arena_alloc(arena, n + 1);
    memcpy(copy, bytes, n);
    return copy;
}

/* ---- Transactions ---- */

enum cf_code cf_db_begin(struct cf_store *store, enum cf_db_sync sync, struct cf_err *err)
{
    if (store->is_read_only) {
        return cf_db_fail(store, SQLITE_READONLY, err);
    }
    bool is_due =
        store->unsynced_since_ms != 0 && cf_clock_ms() - store->unsynced_since_ms >= CF_DB_SYNC_MS;
    /* With a rollback journal an unsynced commit could tear the file: never there. */
    int wanted = sync == CF_DB_LAZY && store->is_wal && !is_due ? 1 : 2;
    enum cf_code code = CF_OK;
    if (wanted != store->synchronous) {
        code = cf_db_script(
            store, wanted == 1 ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", err);
        store->synchronous = code == CF_OK ? wanted : 0;
    }
    return code == CF_OK ? cf_db_run(store, err, "BEGIN IMMEDIATE", "") : code;
}

enum cf_code cf_db_finish(struct cf_store *store, enum cf_code code, struct cf_err *err)
{
    if (code == CF_OK) {
        code = cf_db_run(store, err, "COMMIT", "");
    }
    if (code != CF_OK) {
        /* After some errors SQLite has rolled back by itself. */
        if (!sqlite3_get_autocommit(store->db)) {
            (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        }
        return code;
    }
    if (store->synchronous == 2) {
        store->unsynced_since_ms = 0;
    } else if (store->unsynced_since_ms == 0) {
        store->unsynced_since_ms = cf_clock_ms();
    }
    return CF_OK;
}

enum cf_code cf_store_sync(struct cf_store *store, struct cf_err *err)
{
    if (store->unsynced_since_ms == 0) {
        return CF_OK;
    }
    /* In WAL mode a commit is a piece of the log: syncing the log is all that FULL would do. */
    sqlite3_file *log = NULL;
    int rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (rc == SQLITE_OK && log != NULL && log->pMethods != NULL) {
        rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    }
    if (rc != SQLITE_OK) {
        return cf_db_fail(store, rc, err);
    }
    store->unsynced_since_ms = 0;
    return CF_OK;
}

int64_t cf_store_unsynced_since_ms(const struct cf_store *store)
{
    return store->unsynced_since_ms;
}

void cf_db_close(struct cf_store *store)
{
    for (size_t i = 0; i < store->n_statements; i++) {
        (void)sqlite3_finalize(store->statements[i].stmt);
    }
    free(store->statements);
    store->statements = NULL;
    store->n_statements = store->statements_capacity = 0;
    (void)sqlite3_close_v2(store->db);
    store->db = NULL;
}
