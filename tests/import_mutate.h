/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold for an import of any bytes; the fuzz target and the tests share it.
 *
 * A store in a folder of its own takes one file after the other.  What fails leaves nothing behind;
 * after what works the database is sound, the same file once more adds nothing, and a new database
 * is made. */
#ifndef IMPORT_MUTATE_H
#define IMPORT_MUTATE_H

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import.h"

struct import_bed {
    char folder[64];
    char database[96], file[96];
    struct cf_store *store;
    sqlite3 *eye; /* looks at it from outside */
    sqlite3_stmt *count;
    int64_t n_done, n_worked;
};

static inline void import_bed_that(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "import: %s\n", what);
        abort();
    }
}

static inline void import_bed_open(struct import_bed *bed)
{
    struct cf_err err = CF_ERR_INIT;
    import_bed_that(cf_store_open(&bed->store, bed->database, NULL, &err) == CF_OK, err.text);
    import_bed_that(sqlite3_open_v2(bed->database, &bed->eye, SQLITE_OPEN_READONLY, NULL) ==
                        SQLITE_OK,
                    "cannot look at the database");
    import_bed_that(
        sqlite3_prepare_v2(bed->eye,
                           "SELECT (SELECT count(*) FROM conversation), (SELECT count(*) FROM"
                           " message) + (SELECT count(*) FROM recipe) + (SELECT count(*) FROM"
                           " words) + (SELECT count(*) FROM snapshot) + (SELECT count(*) FROM tag)"
                           " + (SELECT count(*) FROM draft) + (SELECT count(*) FROM import)",
                           -1, &bed->count, NULL) == SQLITE_OK,
        "cannot count");
}

static inline void import_bed_close(struct import_bed *bed)
{
    (void)sqlite3_finalize(bed->count);
    (void)sqlite3_close(bed->eye);
    cf_store_close(bed->store);
    (void)unlink(bed->database);
}

static inline void import_bed_init(struct import_bed *bed)
{
    *bed = (struct import_bed){.n_done = 0};
    (void)snprintf(bed->folder, sizeof bed->folder, "%s/confab-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    import_bed_that(mkdtemp(bed->folder) != NULL, "cannot make a folder");
    (void)snprintf(bed->database, sizeof bed->database, "%s/confab.db", bed->folder);
    (void)snprintf(bed->file, sizeof bed->file, "%s/file", bed->folder);
    import_bed_open(bed);
}

static inline void import_bed_release(struct import_bed *bed)
{
    import_bed_close(bed);
    (void)unlink(bed->file);
    (void)rmdir(bed->folder);
}

static inline int64_t import_bed_count(struct import_bed *bed, int64_t *n_conversations)
{
    import_bed_that(sqlite3_step(bed->count) == SQLITE_ROW, "cannot count rows");
    *n_conversations = sqlite3_column_int64(bed->count, 0);
    const int64_t n = *n_conversations + sqlite3_column_int64(bed->count, 1);
    (void)sqlite3_reset(bed->count);
    return n;
}

static inline void import_bed_check_sound(struct import_bed *bed)
{
    struct cf_check_report report;
    import_bed_that(cf_store_check(&report, bed->store, false, NULL) == CF_OK, "cannot check");
    import_bed_that(report.n == 0, report.n > 0 ? report.problems[0] : "");
    cf_check_report_release(&report);
}

/* What worked once works again, and brings nothing. */
static inline void import_bed_take_again(struct import_bed *bed, int64_t n_rows)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_import_report report;
    int64_t n_conversations;
    import_bed_that(cf_import_file(&report, bed->store, bed->file, NULL, &err) == CF_OK, err.text);
    import_bed_that(report.n_conversations == 0 && report.n_messages == 0 && report.n_grown == 0,
                    "something came twice");
    import_bed_that(import_bed_count(bed, &n_conversations) == n_rows, "something was added");
    cf_import_report_release(&report);
}

static inline bool import_bed_take(struct import_bed *bed, const void *bytes, size_t size)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_import_report report;
    const int file = open(bed->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    import_bed_that(file >= 0 && write(file, bytes, size) == (ssize_t)size, "cannot write");
    (void)close(file);
    const enum cf_code code = cf_import_file(&report, bed->store, bed->file, NULL, &err);
    int64_t n_conversations;
    while (cf_store_has_leftover(bed->store)) {
        import_bed_that(cf_store_recover(bed->store, NULL, &err) == CF_OK, err.text);
    }
    const int64_t n_rows = import_bed_count(bed, &n_conversations);
    bed->n_done++;
    if (code != CF_OK) {
        import_bed_that(n_rows == 0, "a failed import left something");
        import_bed_that(strstr(err.text, bed->file) != NULL, "a failure names no file");
        import_bed_that(code == CF_ERR_FORMAT || code == CF_ERR_UNSUPPORTED ||
                            code == CF_ERR_TOO_LARGE || code == CF_ERR_NEWER,
                        err.text);
    } else {
        bed->n_worked++;
        import_bed_that(n_conversations == report.n_conversations, "the report counts otherwise");
        import_bed_check_sound(bed);
        import_bed_take_again(bed, n_rows);
        import_bed_close(bed);
        import_bed_open(bed);
    }
    cf_import_report_release(&report);
    return code == CF_OK;
}

#endif
