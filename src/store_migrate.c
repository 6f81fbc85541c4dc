/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_schema.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_db.h"
#include "store_words.h"

enum cf_code cf_store_identify(int *version, struct cf_store *store, int n_schema,
                               struct cf_err *err)
{
    int64_t application_id = 0;
    int64_t user_version = 0;
    int64_t n_objects = 0;
    /* All of one moment: another process may be making it. */
    enum cf_code code = cf_db_run(store, err, "SAVEPOINT identity", "");
    if (code != CF_OK) {
        return code;
    }
    code = cf_db_int(&application_id, store, err,
                     "SELECT application_id FROM pragma_application_id", "");
    if (code == CF_OK) {
        code = cf_db_int(&user_version, store, err, "SELECT user_version FROM pragma_user_version",
                         "");
    }
    if (code == CF_OK) {
        code = cf_db_int(&n_objects, store, err, "SELECT count(*) FROM sqlite_schema", "");
    }
    enum cf_code released = cf_db_run(store, code == CF_OK ? err : NULL, "RELEASE identity", "");
    code = code != CF_OK ? code : released;
    if (code != CF_OK) {
        return code;
    }
    if (application_id == 0 && user_version == 0 && n_objects == 0) {
        *version = 0;
        return CF_OK;
    }
    if (application_id != CF_DB_APPLICATION_ID) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: a database of another program; choose another file with --db",
                          store->path);
    }
    if (user_version > n_schema) {
        return cf_err_set(err, CF_ERR_NEWER,
                          "%s: the database was made by a newer confab (its version is %" PRId64
                          ", this one knows %d); use that one, or choose another file with --db",
                          store->path, user_version, n_schema);
    }
    if (user_version < 1 || n_objects == 0) {
        return cf_err_set(err, CF_ERR_CORRUPT,
                          "%s: the database has lost its tables; restore it from a backup",
                          store->path);
    }
    *version = (int)user_version;
    return CF_OK;
}

static void backup_path(struct cf_buf *path, const struct cf_store *store, int version)
{
    cf_buf_addf(path, "%s.%d.backup", store->path, version);
}

static enum cf_code copy_first(struct cf_store *store, int version, struct cf_err *err)
{
    struct cf_buf path = CF_BUF_INIT;
    backup_path(&path, store, version);
    /* One left by an attempt that failed later is no better than a new one. */
    enum cf_code code = CF_OK;
    if (unlink(path.data) != 0 && errno != ENOENT) {
        code = cf_err_set_errno(err, errno, "%s: cannot replace the old backup", path.data);
    }
    if (code == CF_OK) {
        code = cf_store_copy_file(store, path.data, err);
    }
    cf_buf_release(&path);
    return code;
}

static enum cf_code run_lines(struct cf_store *store, const char *const *lines, struct cf_err *err)
{
    struct cf_buf sql = CF_BUF_INIT;
    for (; *lines != NULL; lines++) {
        cf_buf_add_str(&sql, *lines);
    }
    enum cf_code code = cf_db_script(store, sql.data, err);
    cf_buf_release(&sql);
    return code;
}

static enum cf_code set_up_meta(struct cf_store *store, struct cf_err *err)
{
    char uuid[CF_UUID_SIZE];
    cf_db_uuid(uuid);
    return cf_db_run(
        store, err,
        "INSERT INTO meta (key, value)"
        " VALUES ('uuid', ?1), ('created', CAST(?2 AS TEXT)), ('words', CAST(?3 AS TEXT))",
        "tii", uuid, cf_db_now_ms(), (int64_t)CF_WORDS_VERSION);
}

/* One step, inside a transaction. */
static enum cf_code step_up(struct cf_store *store, int from, const char *const *lines,
                            struct cf_err *err)
{
    int64_t version = -1;
    enum cf_code code =
        cf_db_int(&version, store, err, "SELECT user_version FROM pragma_user_version", "");
    if (code != CF_OK || version != from) {
        return code; /* another process was faster */
    }
    code = run_lines(store, lines, err);
    if (code == CF_OK && from == 0) {
        code = set_up_meta(store, err);
    }
    int64_t n_broken = 0;
    if (code == CF_OK && from > 0) {
        code =
            cf_db_int(&n_broken, store, err, "SELECT count(*) FROM pragma_foreign_key_check", "");
    }
    if (code == CF_OK && n_broken > 0) {
        code = cf_err_set(err, CF_ERR_CORRUPT,
                          "%s: the database cannot be brought up to date, %" PRId64
                          " of its rows refer to nothing; it is unchanged",
                          store->path, n_broken);
    }
    if (code == CF_OK) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                       CF_DB_APPLICATION_ID, from + 1);
        code = cf_db_script(store, sql, err);
    }
    return code;
}

enum cf_code cf_store_migrate(struct cf_store *store, int version, const char *const *const *schema,
                              int n_schema, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    if (version > 0 && version < n_schema) {
        code = copy_first(store, version, err);
        if (code == CF_OK) {
            cf_buf_addf(&store->notice,
                        "%s: brought up to date; the file as it was is kept as %s.%d.backup until "
                        "the next purge\n",
                        store->path, store->path, version);
        }
    }
    for (int from = version; code == CF_OK && from < n_schema; from++) {
        code = cf_db_begin(store, CF_DB_SYNCED, err);
        if (code == CF_OK) {
            code = cf_db_finish(store, step_up(store, from, schema[from], err), err);
        }
    }
    return code;
}

bool cf_store_find_migration_backup(struct cf_buf *path, const struct cf_store *store)
{
    for (int version = cf_store_schema_n; version > 0; version--) {
        cf_buf_clear(path);
        backup_path(path, store, version);
        if (access(path->data, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Is NAME, in the database's folder, BASE.NUMBER.backup? */
static bool is_migration_backup(const char *name, const char *base)
{
    size_t size = strlen(base);
    if (strncmp(name, base, size) != 0 || name[size] != '.') {
        return false;
    }
    const char *rest = name + size + 1;
    size_t n_digits = strspn(rest, "0123456789");
    return n_digits > 0 && strcmp(rest + n_digits, ".backup") == 0;
}

enum cf_code cf_store_remove_migration_backups(struct cf_store *store, struct cf_err *err)
{
    const char *slash = strrchr(store->path, '/');
    const char *base = slash != NULL ? slash + 1 : store->path;
    char *folder = slash != NULL ? cf_memdup_str(store->path, (size_t)(slash - store->path) + 1)
                                 : cf_strdup(".");
    enum cf_code code = CF_OK;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        code = cf_err_set_errno(err, errno, "%s: cannot look for backups", folder);
        goto done;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (is_migration_backup(entry->d_name, base) &&
            unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT) {
            code = cf_err_set_errno(err, errno, "%s: cannot be removed", entry->d_name);
        }
    }
    (void)closedir(dir);
done:
    free(folder);
    return code;
}
