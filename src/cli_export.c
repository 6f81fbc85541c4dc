/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export: conversations to standard output or into a file. */
#include "base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_engine.h"
#include "cli_out.h"
#include "cli_progress.h"
#include "cli_store.h"
#include "export.h"
#include "mem.h"

static enum cf_code write_out(void *context, const char *bytes, size_t size, struct cf_err *err)
{
    struct cf_out *out = context;
    cf_out_add_text(out, bytes, size);
    /* A reader who has gone away wants no more of it. */
    return out->is_closed ? cf_err_set(err, CF_ERR_CANCELLED, "nobody reads on") : CF_OK;
}

static bool go_on(void *context, int64_t n_done, int64_t n_all)
{
    cf_cli_progress_show(context, n_done, n_all);
    return cf_cli_signal() == 0;
}

static enum cf_code find_ids(int64_t **ids, const struct cf_cli *cli, struct cf_store *store,
                             struct cf_err *err)
{
    const size_t n = (size_t)cli->n_args;
    *ids = cf_calloc(n > 0 ? n : 1, sizeof **ids);
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < n; i++) {
        code = store != NULL
                   ? cf_store_conversation_find(&(*ids)[i], store, cli->args[i], err)
                   : cf_err_set(err, CF_ERR_NOT_FOUND, "there is no conversation %s", cli->args[i]);
    }
    return code;
}

static enum cf_code read_command(struct cf_export_spec *spec, const struct cf_cli *cli,
                                 struct cf_err *err)
{
    const char *format = cli->values[CF_CLI_FORMAT];
    const char *path = cli->values[CF_CLI_OUTPUT];
    spec->is_all = cf_cli_has(cli, CF_CLI_ALL);
    if (spec->is_all == (cli->n_args > 0)) {
        return cf_err_set(err, CF_ERR_USAGE, "export needs the ids of conversations, or --all");
    }
    spec->format = CF_EXPORT_MARKDOWN;
    if (format == NULL && path != NULL) {
        return cf_export_format_choose(&spec->format, path, ", or choose one with --format", err);
    }
    return format == NULL || cf_export_format_find(&spec->format, format)
               ? CF_OK
               : cf_err_set(err, CF_ERR_USAGE, "--format must be %s, not %s",
                            cf_export_format_names, format);
}

static enum cf_code write_it(struct cf_export_report *report, const struct cf_cli *cli,
                             struct cf_store *store, const struct cf_export_spec *spec,
                             struct cf_err *err)
{
    const char *path = cli->values[CF_CLI_OUTPUT];
    if (path != NULL && strcmp(path, "-") != 0) {
        return cf_export_file(report, store, spec, path, true, err);
    }
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    const struct cf_export_sink sink = {.write = write_out, .context = &out};
    enum cf_code code = cf_export_run(report, store, spec, &sink, err);
    const bool is_closed = out.is_closed;
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? err : NULL);
    code = code != CF_OK ? code : written;
    return code == CF_ERR_CANCELLED && is_closed ? CF_OK : code;
}

/* Which conversations are not there, or not whole. */
static void warn_of_damage(const struct cf_cli *cli, const struct cf_export_report *report)
{
    for (int64_t i = 0; i < report->n_lost && i < CF_EXPORT_LOST_MAX; i++) {
        cf_cli_warn(cli, "conversation %" PRId64 " could not be read and is left out",
                    report->lost[i]);
    }
    if (report->n_lost > CF_EXPORT_LOST_MAX) {
        cf_cli_warn(cli, "and %" PRId64 " more conversations", report->n_lost - CF_EXPORT_LOST_MAX);
    }
    if (report->n_loose > 0) {
        cf_cli_warn(cli,
                    "messages whose parent could not be read, and which begin a branch now: "
                    "%" PRId64,
                    report->n_loose);
    }
}

enum cf_exit cf_cli_export(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_export_report report = {0};
    struct cf_cli_progress progress;
    int64_t *ids = NULL;
    cf_cli_progress_init(&progress, cli, "export", "", cli->values[CF_CLI_OUTPUT] != NULL);
    struct cf_export_spec spec = {.on_progress = go_on, .context = &progress};
    cf_cli_catch_signals();
    enum cf_code code = read_command(&spec, cli, &err);
    if (code == CF_OK) {
        /* Without a database there is nothing that --all could miss. */
        code = cf_cli_store_open(&store, cli, CF_CLI_READS, &err);
    }
    if (code == CF_OK) {
        code = find_ids(&ids, cli, store, &err);
    }
    if (code == CF_OK && store == NULL) {
        code = cf_err_set(&err, CF_ERR_NOT_FOUND, "%s: there is no database yet", cli->db_path);
    }
    if (code == CF_OK) {
        spec.ids = ids;
        spec.n_ids = (size_t)cli->n_args;
        code = write_it(&report, cli, store, &spec, &err);
        cf_cli_progress_end(&progress, false);
    }
    if (code == CF_OK) {
        warn_of_damage(cli, &report);
    }
    free(ids);
    cf_store_close(store);
    if (code == CF_OK && report.n_lost + report.n_damaged > 0) {
        return cf_cli_fail_with(CF_ERR_CORRUPT,
                                "the export is not whole: %s is damaged, and %" PRId64
                                " conversations and %" PRId64
                                " messages or parts of some could not be read; "
                                "confab check tells more",
                                cli->db_path, report.n_lost, report.n_damaged);
    }
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
