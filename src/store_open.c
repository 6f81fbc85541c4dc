/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "store_schema.h"
#include "store_words.h"

enum {
    BUSY_TIMEOUT_MS = 10000,
    PROGRESS_OPS = 4000, /* how often a long statement asks whether it is cancelled */
    CHECKPOINT_PAGES = 4000,
    RECOVER_MS = 250, /* for undoing an orphaned import */
};

static bool is_cancelled(const struct cf_store *store)
{
    return store->cancel != NULL && atomic_load_explicit(store->cancel, memory_order_relaxed);
}

static int on_progress(void *arg)
{
    return is_cancelled(arg) ? 1 : 0;
}

/* Waits a little for another process, longer each time, until the timeout. */
static int on_busy(void *arg, int n_before)
{
    struct cf_store *store = arg;
    int64_t now = cf_clock_ms();
    if (n_before == 0) {
        store->busy_since_ms = now;
    }
    if (is_cancelled(store) || now - store->busy_since_ms >= store->busy_timeout_ms) {
        return 0;
    }
    long ms = n_before < 10 ? 1 + n_before : 10 + n_before % 16;
    struct timespec pause = {.tv_nsec = ms * 1000000L};
    (void)nanosleep(&pause, NULL);
    return 1;
}

void cf_store_set_cancel(struct cf_store *store, const atomic_bool *cancel)
{
    store->cancel = cancel;
}

/* ---- The file ---- */

static enum cf_code make_folder(const char *path, struct cf_err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return CF_OK;
    }
    char *folder = cf_memdup_str(path, (size_t)(slash - path));
    enum cf_code code = CF_OK;
    for (char *end = folder + 1; code == CF_OK; end++) {
        if (*end != '/' && *end != '\0') {
            continue;
        }
        bool is_last = *end == '\0';
        *end = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
            /* A parent that cannot be written may still hold the rest of the path. */
            int mkdir_errno = errno;
            struct stat info;
            if (stat(folder, &info) != 0) {
                code = cf_err_set_errno(err, mkdir_errno, "%s: cannot create the folder", folder);
            }
        }
        if (is_last) {
            break;
        }
        *end = '/';
    }
    free(folder);
    return code;
}

/* Makes sure that there is a file, and one that only its owner can read when it is new. */
static enum cf_code make_file(const char *path, const struct cf_store_options *options,
                              struct cf_err *err)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: is a folder, not a database", path);
        }
        if (!S_ISREG(info.st_mode)) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: is no file that could be a database", path);
        }
        return CF_OK;
    }
    if (errno != ENOENT) {
        return cf_err_set_errno(err, errno, "%s: cannot open the database", path);
    }
    if (options->must_exist || options->is_read_only) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: there is no database yet", path);
    }
    enum cf_code code = options->makes_folder ? make_folder(path, err) : CF_OK;
    if (code != CF_OK) {
        return code;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        return cf_err_set(err, CF_ERR_NOT_FOUND,
                          "%s: there is no such folder to create the database in", path);
    }
    if (fd < 0 && errno != EEXIST) {
        return cf_err_set_errno(err, errno, "%s: cannot create the database", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return CF_OK;
}

/* File systems of other machines, where the shared memory of a write-ahead log does not reach. */
static bool is_network(const char *path)
{
    static const unsigned long kinds[] = {
        0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x01021997,
        0x5346414F, 0x73757245, 0x00C36400, 0x564C,     0x0BD00BD0,
    };
    struct statfs info;
    if (statfs(path, &info) != 0) {
        return false;
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(kinds); i++) {
        if ((unsigned long)info.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

/* ---- The connection ---- */

/* SQLite itself would take a short file of any bytes for an empty database.  The file is read
 * through the connection: opening and closing it here would drop the locks that another connection
 * of this process has on it. */
static enum cf_code look_at_header(struct cf_store *store, struct cf_err *err)
{
    enum { HEADER_SIZE = 100, MAGIC_SIZE = 16 };
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    char header[HEADER_SIZE];
    int rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK) {
        rc = file->pMethods->xFileSize(file, &size);
    }
    if (rc == SQLITE_OK && size >= HEADER_SIZE) {
        rc = file->pMethods->xRead(file, header, HEADER_SIZE, 0);
    }
    if (rc != SQLITE_OK) {
        return cf_db_fail(store, rc, err);
    }
    bool is_ours = size >= HEADER_SIZE && memcmp(header, "SQLite format 3", MAGIC_SIZE) == 0;
    return size == 0 || is_ours ? CF_OK : cf_db_fail(store, SQLITE_NOTADB, err);
}

static enum cf_code connect_file(struct cf_store *store, const char *vfs, bool is_immutable,
                                 struct cf_err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
                (store->is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    struct cf_buf name = CF_BUF_INIT;
    if (is_immutable) {
        flags |= SQLITE_OPEN_URI;
        cf_buf_add_str(&name, "file:");
        for (const char *byte = store->path; *byte != '\0'; byte++) {
            if (strchr("%?#", *byte) != NULL) {
                cf_buf_addf(&name, "%%%02X", (unsigned)(unsigned char)*byte);
            } else {
                cf_buf_add_char(&name, *byte);
            }
        }
        cf_buf_add_str(&name, "?immutable=1");
    } else {
        cf_buf_add_str(&name, store->path);
    }
    int rc = sqlite3_open_v2(name.data, &store->db, flags, vfs);
    cf_buf_release(&name);
    if (store->db == NULL) {
        return cf_err_set(err, CF_ERR_IO, "%s: not enough memory", store->path);
    }
    if (rc != SQLITE_OK) {
        return cf_db_fail(store, rc, err);
    }
    enum cf_code code = look_at_header(store, err);
    if (code != CF_OK) {
        return code;
    }
    (void)sqlite3_busy_handler(store->db, on_busy, store);
    sqlite3_progress_handler(store->db, PROGRESS_OPS, on_progress, store);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_wal_autocheckpoint(store->db, CHECKPOINT_PAGES);
    return cf_db_script(store,
                        "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
                        "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                        "PRAGMA mmap_size = 0",
                        err);
}

static enum cf_code set_journal_mode(struct cf_store *store, struct cf_err *err)
{
    bool wants_wal = !is_network(store->path);
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    wants_wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE", "");
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        store->is_wal = mode != NULL && strcmp(mode, "wal") == 0;
    }
    cf_db_end(stmt);
    if (code == CF_ERR_IO && wants_wal) {
        code = CF_OK; /* the shared memory is refused: the rollback journal stays */
    }
    if (code == CF_OK) {
        code = cf_db_script(store, "PRAGMA journal_size_limit = 4194304", err);
    }
    return code;
}

/* Says once a database, not once a start, that there is no write-ahead log. */
static enum cf_code tell_journal_mode(struct cf_store *store, struct cf_err *err)
{
    if (store->is_wal || store->is_read_only) {
        return CF_OK;
    }
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_db_run(store, err,
                     "INSERT OR IGNORE INTO meta (key, value) VALUES ('told_no_wal', '1')", "");
    bool is_news = code == CF_OK && cf_db_n_changed(store) > 0;
    code = cf_db_finish(store, code, err);
    if (code == CF_OK && is_news) {
        cf_buf_addf(
            &store->notice,
            "%s: this file system allows no write-ahead log; saving works, but takes longer, "
            "and two programs may wait for each other\n",
            store->path);
    }
    return code;
}

/* Recovery and the like, which damage must not keep a person from reading the rest. */
static enum cf_code settle(struct cf_store *store, struct cf_err *err)
{
    struct cf_err why = CF_ERR_INIT;
    int64_t words = CF_WORDS_VERSION;
    int64_t n_recovered = 0;
    enum cf_code code = tell_journal_mode(store, &why);
    if (code == CF_OK) {
        code = cf_db_int(&words, store, &why,
                         "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'words'", "");
    }
    if (code == CF_OK && words != CF_WORDS_VERSION) {
        code = cf_store_reindex(store, &why);
    }
    if (code == CF_OK) {
        code = cf_store_recover(store, &n_recovered, &why);
    }
    if (code == CF_ERR_CORRUPT) {
        cf_buf_addf(&store->notice, "%s\n", why.text);
        return CF_OK;
    }
    if (n_recovered > 0) {
        cf_buf_addf(
            &store->notice,
            n_recovered == 1
                ? "%" PRId64 " reply was interrupted when confab ended; it is kept and can be "
                  "continued\n"
                : "%" PRId64 " replies were interrupted when confab ended; they are kept and "
                  "can be continued\n",
            n_recovered);
    }
    return code == CF_OK ? CF_OK : cf_err_set(err, code, "%s", why.text);
}

static enum cf_code open_for_writing(struct cf_store *store, int version,
                                     const char *const *const *schema, int n_schema,
                                     struct cf_err *err)
{
    enum cf_code code = set_journal_mode(store, err);
    if (code == CF_OK) {
        code = cf_store_migrate(store, version, schema, n_schema, err);
    }
    return code == CF_OK ? settle(store, err) : code;
}

static enum cf_code open_for_reading(bool *is_older, struct cf_store *store, const char *vfs,
                                     int n_schema, struct cf_err *err)
{
    int version = 0;
    enum cf_code code = cf_store_identify(&version, store, n_schema, err);
    if (code == CF_ERR_ACCESS || code == CF_ERR_IO || code == CF_ERR_NOT_FOUND) {
        /* A folder that cannot be written has no room for the files of a write-ahead log.  Without
         * a log nobody is writing, and the file can be read as it is. */
        struct cf_buf log = CF_BUF_INIT;
        cf_buf_addf(&log, "%s-wal", store->path);
        struct stat info;
        bool has_log = stat(log.data, &info) == 0 && info.st_size > 0;
        cf_buf_release(&log);
        if (has_log) {
            return code;
        }
        cf_db_close(store);
        code = connect_file(store, vfs, true, err);
        if (code == CF_OK) {
            code = cf_store_identify(&version, store, n_schema, err);
        }
    }
    if (code == CF_OK && version == 0) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "%s: there is nothing in the database yet",
                          store->path);
    }
    *is_older = code == CF_OK && version < n_schema;
    return code;
}

static enum cf_code too_damaged(const struct cf_store *store, struct cf_err *err)
{
    struct cf_buf copy = CF_BUF_INIT;
    enum cf_code code = CF_ERR_CORRUPT;
    if (cf_store_find_migration_backup(&copy, store)) {
        code = cf_err_set(err, code,
                          "%s: the database is too damaged to be opened; go back to a copy that "
                          "confab backup made, or to %s, the file as it was before an update",
                          store->path, copy.data);
    } else {
        code = cf_err_set(err, code,
                          "%s: the database is too damaged to be opened; go back to a copy that "
                          "confab backup made",
                          store->path);
    }
    cf_buf_release(&copy);
    return code;
}

enum cf_code cf_store_open_schema(struct cf_store **store, const char *path,
                                  const struct cf_store_options *options,
                                  const char *const *const *schema, int n_schema,
                                  struct cf_err *err)
{
    static const struct cf_store_options defaults;
    options = options != NULL ? options : &defaults;
    struct cf_store *made = cf_calloc(1, sizeof *made);
    made->path = cf_strdup(path);
    made->watch_fd = -1;
    made->is_read_only = options->is_read_only;
    made->busy_timeout_ms =
        options->busy_timeout_ms > 0 ? options->busy_timeout_ms : BUSY_TIMEOUT_MS;
    cf_buf_init(&made->notice);
    cf_owner_self(made->owner);
    int version = 0;
    bool is_older = false;
    enum cf_code code = make_file(path, options, err);
    if (code == CF_OK) {
        code = connect_file(made, options->vfs, false, err);
    }
    if (code == CF_OK) {
        code = made->is_read_only ? open_for_reading(&is_older, made, options->vfs, n_schema, err)
                                  : cf_store_identify(&version, made, n_schema, err);
    }
    if (is_older) {
        /* This version reads no older one: once for writing, then as was asked. */
        cf_store_close(made);
        struct cf_store_options writing = *options;
        struct cf_store *updated = NULL;
        writing.is_read_only = false;
        code = cf_store_open_schema(&updated, path, &writing, schema, n_schema, err);
        cf_store_close(updated);
        return code == CF_OK ? cf_store_open_schema(store, path, options, schema, n_schema, err)
                             : code;
    }
    if (code == CF_OK && !made->is_read_only) {
        code = open_for_writing(made, version, schema, n_schema, err);
    }
    if (code == CF_ERR_CORRUPT) {
        code = too_damaged(made, err);
    }
    if (code != CF_OK) {
        cf_store_close(made);
        return code;
    }
    *store = made;
    return CF_OK;
}

enum cf_code cf_store_open(struct cf_store **store, const char *path,
                           const struct cf_store_options *options, struct cf_err *err)
{
    /* Processes that make a database at the same moment meet locks that SQLite reports without
     * asking its busy handler (the change to WAL): one of them has to come again. */
    const int wanted_ms = options != NULL ? options->busy_timeout_ms : 0;
    const int timeout_ms = wanted_ms > 0 ? wanted_ms : BUSY_TIMEOUT_MS;
    const int64_t start_ms = cf_clock_ms();
    for (;;) {
        enum cf_code code =
            cf_store_open_schema(store, path, options, cf_store_schema, cf_store_schema_n, err);
        if (code != CF_ERR_BUSY || cf_clock_ms() - start_ms >= timeout_ms) {
            return code;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

void cf_store_close(struct cf_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL) {
        (void)cf_store_sync(store, NULL);
        cf_db_close(store);
    }
    if (store->watch_fd >= 0) {
        (void)close(store->watch_fd);
    }
    cf_buf_release(&store->notice);
    free(store->path);
    free(store);
}

const char *cf_store_notice(const struct cf_store *store)
{
    return store->notice.size > 0 ? store->notice.data : NULL;
}

const char *cf_store_path(const struct cf_store *store)
{
    return store->path;
}

/* ---- Recovery ---- */

/* Ids of what dead processes left behind, from a query of id, owner, time. */
static enum cf_code find_dead(struct cf_buf *ids, struct cf_store *store, const char *sql,
                              struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err, sql, "");
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        const char *owner = (const char *)sqlite3_column_text(stmt, 1);
        if (owner == NULL || !cf_owner_is_alive(owner, sqlite3_column_int64(stmt, 2))) {
            cf_buf_add(ids, &id, sizeof id);
        }
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code interrupt_reply(struct cf_store *store, int64_t id, int64_t *n_recovered,
                                    struct cf_err *err)
{
    enum cf_code code = cf_db_run(store, err,
                                  "UPDATE message SET state = 'interrupted', owner = NULL"
                                  " WHERE id = ?1 AND state = 'streaming'",
                                  "i", id);
    if (code == CF_OK && cf_db_n_changed(store) > 0) {
        (*n_recovered)++;
        code = cf_store_index_message(store, id, err);
    }
    return code;
}

enum cf_code cf_store_recover(struct cf_store *store, int64_t *n_recovered, struct cf_err *err)
{
    struct cf_buf replies = CF_BUF_INIT;
    struct cf_buf imports = CF_BUF_INIT;
    int64_t n = 0;
    store->has_leftover = false;
    enum cf_code code = find_dead(
        &replies, store, "SELECT id, owner, updated FROM message WHERE state = 'streaming'", err);
    if (code == CF_OK) {
        code = find_dead(&imports, store, "SELECT id, owner, started FROM import", err);
    }
    /* The common case costs no transaction. */
    if (code == CF_OK && replies.size > 0) {
        code = cf_db_begin(store, CF_DB_SYNCED, err);
        if (code == CF_OK) {
            for (size_t at = 0; code == CF_OK && at < replies.size; at += sizeof(int64_t)) {
                int64_t id;
                memcpy(&id, replies.data + at, sizeof id);
                code = interrupt_reply(store, id, &n, err);
            }
            code = cf_db_finish(store, code, err);
        }
    }
    for (size_t at = 0; code == CF_OK && at < imports.size; at += sizeof(int64_t)) {
        int64_t id;
        memcpy(&id, imports.data + at, sizeof id);
        code = cf_store_import_erase(store, id, RECOVER_MS, err);
    }
    cf_buf_release(&replies);
    cf_buf_release(&imports);
    if (code == CF_OK && n_recovered != NULL) {
        *n_recovered = n;
    }
    return code;
}

bool cf_store_has_leftover(const struct cf_store *store)
{
    return store->has_leftover;
}

const char *cf_store_library_version(void)
{
    return sqlite3_libversion();
}

bool cf_store_has_others(struct cf_store *store)
{
    int64_t has_any = 0;
    (void)cf_db_int(&has_any, store, NULL,
                    "SELECT EXISTS (SELECT 1 FROM message WHERE state = 'streaming'"
                    " AND owner IS NOT ?1) OR EXISTS (SELECT 1 FROM import WHERE owner IS NOT ?1)",
                    "t", store->owner);
    return has_any != 0;
}
