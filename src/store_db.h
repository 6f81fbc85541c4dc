/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_db: the connection that the files of the store share: statements, transactions and what
 * SQLite's codes mean to a person.  Private to the store.
 *
 * Invariants:
 *  1. outside a transaction no statement is active, so that a commit is never held up by a reader
 *     of our own and a checkpoint can run;
 *  2. unsynced_since_ms is 0 exactly when every commit of this connection is known to be on the
 * disk.
 *
 * Arguments of a statement are described by a format, a letter each: i int64_t; n int64_t, 0 is
 * NULL; t const char *, NULL is NULL; x const char * and size_t, any bytes; b const void * and
 * size_t, NULL is NULL.  They must stay until the statement has ended.  SQL is always a constant:
 * its address is the key under which the statement is kept. */
#ifndef CF_STORE_DB_H
#define CF_STORE_DB_H

#include "store.h" /* first: config.h before what the system has */

#include <sqlite3.h>
#include <stdatomic.h>

enum {
    CF_DB_APPLICATION_ID = 0x63666162, /* "cfab" */
    CF_DB_SYNC_MS = 1500,              /* what was saved lazily is synced after this time */
    CF_OWNER_SIZE = 128,
};

struct cf_db_statement {
    const char *sql;
    sqlite3_stmt *stmt;
};

struct cf_store {
    sqlite3 *db;
    char *path;
    char owner[CF_OWNER_SIZE]; /* of the replies this process writes */
    struct cf_db_statement *statements;
    size_t n_statements, statements_capacity;
    struct cf_buf notice;
    const atomic_bool *cancel; /* may be NULL */
    int64_t busy_timeout_ms;
    int64_t busy_since_ms; /* of the wait under way */
    int64_t unsynced_since_ms;
    int64_t data_version;
    int synchronous; /* as last set: 1 NORMAL, 2 FULL */
    int watch_fd;    /* inotify, or -1 */
    bool is_read_only;
    bool is_wal;
    bool has_leftover;     /* an import was not undone whole for want of time */
    bool is_index_damaged; /* messages are stored without it until it is rebuilt */
};

/* Records what RC means and returns its code; RC is of the last call on the connection. */
enum cf_code cf_db_fail(struct cf_store *store, int rc, struct cf_err *err);

/* A statement ready to be stepped; it must be ended before the same SQL is begun again. */
enum cf_code cf_db_query(sqlite3_stmt **stmt, struct cf_store *store, struct cf_err *err,
                         const char *sql, const char *format, ...);
enum cf_code cf_db_step(bool *has_row, struct cf_store *store, sqlite3_stmt *stmt,
                        struct cf_err *err);
/* stmt may be NULL. */
void cf_db_end(sqlite3_stmt *stmt);
/* A statement from beginning to end. */
enum cf_code cf_db_run(struct cf_store *store, struct cf_err *err, const char *sql,
                       const char *format, ...);
/* The first column of the first row; CF_OK and *value unchanged when there is no row or it is NULL.
 */
enum cf_code cf_db_int(int64_t *value, struct cf_store *store, struct cf_err *err, const char *sql,
                       const char *format, ...);
/* Rows changed by the statement that ended last. */
int64_t cf_db_n_changed(struct cf_store *store);
/* SQL that may hold several statements and is not kept. */
enum cf_code cf_db_script(struct cf_store *store, const char *sql, struct cf_err *err);

enum cf_db_sync { CF_DB_SYNCED, CF_DB_LAZY };
/* Begins writing. */
enum cf_code cf_db_begin(struct cf_store *store, enum cf_db_sync sync, struct cf_err *err);
/* Commits when CODE is CF_OK, else rolls back; returns what came of it. */
enum cf_code cf_db_finish(struct cf_store *store, enum cf_code code, struct cf_err *err);
void cf_db_close(struct cf_store *store);

/* Text of a column into the arena; NULL for NULL.  size may be NULL. */
char *cf_db_text(struct cf_arena *arena, sqlite3_stmt *stmt, int column, size_t *size);

int64_t cf_db_now_ms(void); /* UTC */
/* A new uuid (RFC 9562, version 7: they ascend with time). */
void cf_db_uuid(char uuid[CF_UUID_SIZE]);

/* ---- Owners of streaming replies ---- */

/* This process: "BOOT-ID PID-NAMESPACE PID START-TIME". */
void cf_owner_self(char owner[CF_OWNER_SIZE]);
/* Whether the process lives.  SAVED_MS is when its reply was last saved, by which it is judged when
 * it cannot be seen from here (another container). */
bool cf_owner_is_alive(const char *owner, int64_t saved_ms);

#endif
