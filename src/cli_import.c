/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import: conversations of files into the database. */
#include "base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_engine.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_store.h"
#include "import.h"
#include "path.h"

static bool go_on(void *context, int64_t n_done, int64_t size)
{
    cf_cli_progress_show(context, n_done, size);
    return cf_cli_signal() == 0;
}

static void write_json(struct cf_out *out, const char *path, const struct cf_import_report *report)
{
    json_t *skipped = json_array();
    for (size_t i = 0; i < report->n_skips; i++) {
        const struct cf_import_skip *skip = &report->skips[i];
        json_t *one =
            json_pack("{s:I, s:I}", "line", (json_int_t)skip->line, "byte", (json_int_t)skip->byte);
        json_object_set_new(one, "why", cf_json_string(skip->why));
        json_array_append_new(skipped, one);
    }
    json_t *object =
        json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "format", report->format,
                  "conversations", (json_int_t)report->n_conversations, "messages",
                  (json_int_t)report->n_messages, "known", (json_int_t)report->n_known, "grown",
                  (json_int_t)report->n_grown, "left_out", (json_int_t)report->n_left_out,
                  "n_skipped", (json_int_t)report->n_skipped, "skipped", skipped);
    json_object_set_new(object, "file", cf_json_string(path));
    cf_out_add_json(out, object);
}

static void write_line(struct cf_out *out, const char *path, const struct cf_import_report *report)
{
    cf_out_add_text(out, path, strlen(path));
    cf_out_end_text(out);
    cf_out_addf(out, ": %" PRId64 " conversation%s, %" PRId64 " message%s", report->n_conversations,
                report->n_conversations == 1 ? "" : "s", report->n_messages,
                report->n_messages == 1 ? "" : "s");
    if (report->n_known > 0) {
        cf_out_addf(out, "; %" PRId64 " %s there already", report->n_known,
                    report->n_known == 1 ? "was" : "were");
    }
    if (report->n_grown > 0) {
        cf_out_addf(out, ", %" PRId64 " of them with new messages", report->n_grown);
    }
    if (report->n_skipped > 0) {
        cf_out_addf(out, "; %" PRId64 " left out", report->n_skipped);
    }
    cf_out_add(out, "\n", 1);
}

static void warn_of_rest(const struct cf_cli *cli, const char *path,
                         const struct cf_import_report *report)
{
    for (size_t i = 0; i < report->n_skips; i++) {
        const struct cf_import_skip *skip = &report->skips[i];
        cf_cli_warn(cli, "%s, line %" PRIu64 ", byte %" PRIu64 ": left out: %s", path, skip->line,
                    skip->byte, skip->why);
    }
    if (report->n_skipped > (int64_t)report->n_skips) {
        cf_cli_warn(cli, "%s: and %" PRId64 " more", path,
                    report->n_skipped - (int64_t)report->n_skips);
    }
    if (report->n_left_out > 0) {
        cf_cli_warn(cli,
                    "%s: %" PRId64 " messages of tools, hidden or empty ones have no place "
                    "here",
                    path, report->n_left_out);
    }
}

static enum cf_code import_one(struct cf_out *out, const struct cf_cli *cli, struct cf_store *store,
                               const char *path, struct cf_err *err)
{
    struct cf_import_report report = {.format = NULL};
    struct cf_cli_progress progress;
    cf_cli_progress_init(&progress, cli, cf_path_base(path), "", true);
    const struct cf_import_options options = {.on_progress = go_on, .context = &progress};
    enum cf_code code = cf_import_file(&report, store, path, &options, err);
    cf_cli_progress_end(&progress, false);
    if (code == CF_OK) {
        if (cli->settings.json) {
            write_json(out, path, &report);
        } else {
            write_line(out, path, &report);
            warn_of_rest(cli, path, &report);
        }
        cf_out_flush(out);
    }
    cf_import_report_release(&report);
    return code;
}

/* What could not be taken back at once.  It is not seen and could wait, but a person who has only
 * commands would carry it along for long. */
static void take_back_rest(const struct cf_cli *cli, struct cf_store *store)
{
    const int n_before = cf_cli_n_interrupts();
    if (cf_store_has_leftover(store)) {
        cf_cli_warn(cli, "taking back what had come; Ctrl-C leaves the rest of that for later");
    }
    while (cf_store_has_leftover(store) && cf_cli_n_interrupts() == n_before &&
           cf_store_recover(store, NULL, NULL) == CF_OK) {
    }
}

/* Names mistyped make no database: a file is there. */
static enum cf_code open_store(struct cf_store **store, const struct cf_cli *cli,
                               struct cf_err *err)
{
    int i = 0;
    while (i < cli->n_args && strcmp(cli->args[i], "-") != 0 && access(cli->args[i], R_OK) != 0) {
        i++;
    }
    if (i == cli->n_args) {
        const int why = access(cli->args[0], R_OK) != 0 ? errno : ENOENT;
        return cf_err_set_errno(err, why, "cannot open %s", cli->args[0]);
    }
    const struct cf_store_options options = {.makes_folder = cli->settings.db == NULL};
    return cf_store_open(store, cli->db_path, &options, err);
}

/* What is wrong with one file is nothing to the others; what is wrong with the database is. */
static bool is_of_file(enum cf_code code)
{
    return code != CF_ERR_CANCELLED && code != CF_ERR_FULL && code != CF_ERR_CORRUPT &&
           code != CF_ERR_BUSY;
}

enum cf_exit cf_cli_import(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_out out;
    enum cf_exit result = CF_EXIT_DONE;
    cf_out_init(&out, STDOUT_FILENO);
    cf_cli_catch_signals();
    enum cf_code code = open_store(&store, cli, &err);
    for (int i = 0; code == CF_OK && i < cli->n_args; i++) {
        code = import_one(&out, cli, store, cli->args[i], &err);
        if (code != CF_OK && is_of_file(code) && i + 1 < cli->n_args && !out.is_closed) {
            (void)cf_cli_fail(&err);
            result = CF_EXIT_FAILED;
            code = CF_OK;
        }
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
    code = code != CF_OK ? code : written;
    if (store != NULL) {
        take_back_rest(cli, store);
    }
    cf_store_close(store);
    return code == CF_OK ? result : cf_cli_fail(&err);
}
