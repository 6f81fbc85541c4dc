/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file as a whole: copies, the log, its size, and whether others have changed it. */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYS_INOTIFY_H
#include <sys/inotify.h>
#endif

#include "clock.h"
#include "store_schema.h"

/* ---- Copies ---- */

static enum cf_code sync_folder(const char *path, struct cf_err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? cf_memdup_str(path, (size_t)(slash - path) + 1) : cf_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum cf_code code = CF_OK;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
        code = cf_err_set_errno(err, errno, "%s: cannot be made to last", folder);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(folder);
    return code;
}

/* Copies all pages in one go, under one read lock: others may write meanwhile, into the log. */
static enum cf_code copy_pages(struct cf_store *store, sqlite3 *target, const char *path,
                               struct cf_err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", store->db, "main");
    int rc = backup != NULL ? SQLITE_OK : sqlite3_extended_errcode(target);
    int64_t start = cf_clock_ms();
    while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        if (rc != SQLITE_OK) {
            if (cf_clock_ms() - start > store->busy_timeout_ms) {
                break;
            }
            (void)sqlite3_sleep(10);
        }
        rc = sqlite3_backup_step(backup, -1) & 0xFF;
    }
    int finished = sqlite3_backup_finish(backup);
    rc = rc == SQLITE_DONE ? finished : rc;
    if (rc == SQLITE_OK) {
        /* The copy needs no log: one file is all there is of it. */
        rc = sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        return CF_OK;
    }
    if ((rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_BUSY) {
        return cf_db_fail(store, rc, err);
    }
    if ((rc & 0xFF) == SQLITE_FULL) {
        return cf_err_set(err, CF_ERR_FULL, "%s: no space left for the copy", path);
    }
    return cf_err_set(err, CF_ERR_IO, "%s: cannot be written: %s", path, sqlite3_errstr(rc));
}

/* Into an empty file, which is removed when that fails. */
static enum cf_code copy_into(struct cf_store *store, const char *path, struct cf_err *err)
{
    sqlite3 *target = NULL;
    enum cf_code code = CF_OK;
    int rc = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        code = cf_err_set(err, CF_ERR_IO, "%s: cannot be opened: %s", path, sqlite3_errstr(rc));
    }
    if (code == CF_OK) {
        code = copy_pages(store, target, path, err);
    }
    (void)sqlite3_close_v2(target);
    if (code == CF_OK) {
        code = sync_folder(path, err);
    }
    if (code != CF_OK) {
        (void)unlink(path);
    }
    return code;
}

enum cf_code cf_store_copy_file(struct cf_store *store, const char *path, struct cf_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return cf_err_set_errno(err, errno, "%s: cannot be created", path);
    }
    (void)close(fd);
    return copy_into(store, path, err);
}

enum cf_code cf_store_backup(struct cf_store *store, const char *path, bool is_replacing,
                             struct cf_err *err)
{
    struct stat there;
    struct stat own;
    bool exists = stat(path, &there) == 0;
    if (exists && stat(store->path, &own) == 0 && there.st_dev == own.st_dev &&
        there.st_ino == own.st_ino) {
        return cf_err_set(err, CF_ERR_USAGE, "%s: is the database itself; name another file", path);
    }
    if (exists && !is_replacing) {
        return cf_err_set(err, CF_ERR_EXISTS, "%s: is there already", path);
    }
    if (exists && !S_ISREG(there.st_mode)) {
        return cf_err_set(err, CF_ERR_USAGE, "%s: is not a file", path);
    }
    /* Under a name that is nobody's until the copy is whole. */
    struct cf_buf part = CF_BUF_INIT;
    cf_buf_addf(&part, "%s.XXXXXX", path);
    enum cf_code code = CF_OK;
    int fd = mkostemp(part.data, O_CLOEXEC);
    if (fd < 0) {
        code = cf_err_set_errno(err, errno, "%s: cannot be created", path);
    } else {
        (void)close(fd);
        code = copy_into(store, part.data, err);
    }
    if (code == CF_OK && rename(part.data, path) != 0) {
        code = cf_err_set_errno(err, errno, "%s: cannot be written", path);
        (void)unlink(part.data);
    }
    if (code == CF_OK) {
        code = sync_folder(path, err);
    }
    cf_buf_release(&part);
    return code;
}

/* ---- The log ---- */

enum cf_code cf_store_checkpoint(struct cf_store *store, struct cf_err *err)
{
    if (!store->is_wal || store->is_read_only) {
        return CF_OK;
    }
    int rc = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    /* Another process is at it, or reads: what is left goes another time. */
    return rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED
               ? CF_OK
               : cf_db_fail(store, rc, err);
}

/* ---- Changes by others ---- */

int cf_store_watch_fd(struct cf_store *store)
{
#ifdef HAVE_SYS_INOTIFY_H
    if (store->watch_fd >= 0) {
        return store->watch_fd;
    }
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    const char *slash = strrchr(store->path, '/');
    char *folder = slash != NULL ? cf_memdup_str(store->path, (size_t)(slash - store->path) + 1)
                                 : cf_strdup(".");
    if (inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        (void)close(fd);
        fd = -1;
    }
    free(folder);
    store->watch_fd = fd;
    (void)cf_store_is_changed(store);
#endif
    return store->watch_fd;
}

bool cf_store_is_changed(struct cf_store *store)
{
    char events[4096];
    while (store->watch_fd >= 0 && read(store->watch_fd, events, sizeof events) > 0) {
    }
    int64_t version = store->data_version;
    if (cf_db_int(&version, store, NULL, "SELECT data_version FROM pragma_data_version", "") !=
        CF_OK) {
        return false;
    }
    bool is_first = store->data_version == 0;
    bool is_changed = version != store->data_version;
    store->data_version = version;
    return is_changed && !is_first;
}

/* ---- Counts ---- */

static int64_t size_of(const char *path, const char *suffix)
{
    struct cf_buf name = CF_BUF_INIT;
    cf_buf_addf(&name, "%s%s", path, suffix);
    struct stat info;
    int64_t size = stat(name.data, &info) == 0 ? (int64_t)info.st_size : 0;
    cf_buf_release(&name);
    return size;
}

enum cf_code cf_store_counts(struct cf_store_counts *counts, struct cf_store *store,
                             struct cf_err *err)
{
    struct cf_store_counts made = {.n_open = 0};
    const struct {
        const char *sql;
        int64_t *value;
    } steps[] = {
        {"SELECT count(*) FROM conversation WHERE import IS NULL AND trashed IS NULL"
         " AND archived = 0",
         &made.n_open},
        {"SELECT count(*) FROM conversation WHERE import IS NULL AND trashed IS NULL"
         " AND archived = 1",
         &made.n_archived},
        {"SELECT count(*) FROM conversation WHERE import IS NULL AND trashed IS NOT NULL",
         &made.n_trashed},
        {"SELECT count(*) FROM message WHERE trashed IS NULL AND conversation NOT IN"
         " (SELECT id FROM conversation WHERE import IS NOT NULL)",
         &made.n_messages},
    };
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(steps); i++) {
        code = cf_db_int(steps[i].value, store, err, steps[i].sql, "");
    }
    if (code == CF_OK) {
        made.file_size = size_of(store->path, "") + size_of(store->path, "-wal");
        *counts = made;
    }
    return code;
}
