/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rename, archive, delete, restore, purge, backup and check: the database as a whole and its
 * shelves. */
#include "base.h"

#include <string.h>
#include <unistd.h>

#include "cli_json.h"
#include "cli_store.h"

/* What opening had to say is for those whose command has worked; the others have a sentence. */
static enum cf_exit finish(const struct cf_cli *cli, struct cf_store *store, enum cf_code code,
                           const struct cf_err *err)
{
    const char *notice = code == CF_OK ? cf_store_notice(store) : NULL;
    while (notice != NULL && *notice != '\0') {
        size_t size = strcspn(notice, "\n");
        cf_cli_warn(cli, "%.*s", (int)size, notice);
        notice += size + (notice[size] == '\n');
    }
    cf_store_close(store);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(err);
}

enum cf_exit cf_cli_rename(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_buf title = CF_BUF_INIT;
    int64_t id = 0;
    for (int i = 1; i < cli->n_args; i++) {
        cf_buf_addf(&title, "%s%s", i > 1 ? " " : "", cli->args[i]);
    }
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_WRITES, &err);
    if (code == CF_OK) {
        code = cf_store_conversation_find(&id, store, cli->args[0], &err);
    }
    if (code == CF_OK) {
        code = cf_store_conversation_rename(store, id, title.data, &err);
    }
    cf_buf_release(&title);
    return finish(cli, store, code, &err);
}

/* Does something to each conversation that the arguments name.  All are looked up first, so that a
 * wrong one leaves the others alone. */
static enum cf_exit for_each(const struct cf_cli *cli,
                             enum cf_code (*apply)(struct cf_store *store, int64_t id,
                                                   struct cf_err *err))
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    int64_t id = 0;
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_WRITES, &err);
    for (int i = 0; code == CF_OK && i < cli->n_args; i++) {
        code = cf_store_conversation_find(&id, store, cli->args[i], &err);
    }
    for (int i = 0; code == CF_OK && i < cli->n_args; i++) {
        code = cf_store_conversation_find(&id, store, cli->args[i], &err);
        if (code == CF_OK) {
            code = apply(store, id, &err);
        }
    }
    return finish(cli, store, code, &err);
}

static enum cf_code archive(struct cf_store *store, int64_t id, struct cf_err *err)
{
    return cf_store_conversation_set_archived(store, id, true, err);
}

enum cf_exit cf_cli_archive(const struct cf_cli *cli)
{
    return for_each(cli, archive);
}

enum cf_exit cf_cli_delete(const struct cf_cli *cli)
{
    return for_each(cli, cf_store_conversation_delete);
}

/* Out of wherever it was put: the trash first, else the archive. */
static enum cf_code restore(struct cf_store *store, int64_t id, struct cf_err *err)
{
    struct cf_conversations one = {0};
    enum cf_code code = cf_store_conversation_load(&one, store, id, err);
    if (code == CF_OK && one.items[0].trashed_ms != 0) {
        code = cf_store_conversation_restore(store, id, err);
    } else if (code == CF_OK && one.items[0].is_archived) {
        code = cf_store_conversation_set_archived(store, id, false, err);
    }
    cf_conversations_release(&one);
    return code;
}

enum cf_exit cf_cli_restore(const struct cf_cli *cli)
{
    return for_each(cli, restore);
}

enum cf_exit cf_cli_purge(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_purge_result result = {0};
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_WRITES, &err);
    if (code == CF_OK && !cf_cli_confirm(cli, "Erase the trash for good?")) {
        cf_store_close(store);
        return CF_EXIT_FAILED;
    }
    if (code == CF_OK) {
        code = cf_store_purge(&result, store, &err);
    }
    if (code == CF_OK && !cli->settings.quiet) {
        struct cf_out out;
        cf_out_init(&out, STDOUT_FILENO);
        if (cli->settings.json) {
            cf_out_add_json(&out, json_pack("{s:I, s:I}", "conversations",
                                            (json_int_t)result.n_conversations, "messages",
                                            (json_int_t)result.n_messages));
        } else {
            cf_out_addf(&out, "erased %lld conversation%s and %lld message%s\n",
                        (long long)result.n_conversations, result.n_conversations == 1 ? "" : "s",
                        (long long)result.n_messages, result.n_messages == 1 ? "" : "s");
        }
        code = cf_out_finish(&out, &err);
    }
    return finish(cli, store, code, &err);
}

/* A copy of damage is no backup to rely on. */
static void warn_of_damage(const struct cf_cli *cli, struct cf_store *store)
{
    struct cf_check_report report = {0};
    const enum cf_code code = cf_store_check(&report, store, false, NULL);
    if (code == CF_ERR_CORRUPT || (code == CF_OK && report.n > 0)) {
        cf_cli_warn(cli,
                    "%s: the database is damaged, and so is the copy; keep older copies, and run "
                    "confab check",
                    cli->db_path);
    }
    cf_check_report_release(&report);
}

enum cf_exit cf_cli_backup(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_LOOKS, &err);
    if (code == CF_OK) {
        code = cf_store_backup(store, cli->args[0], cli->settings.yes, &err);
    }
    if (code == CF_ERR_EXISTS && isatty(STDIN_FILENO) == 1 &&
        cf_cli_confirm(cli, "The file exists. Replace it?")) {
        code = cf_store_backup(store, cli->args[0], true, &err);
    }
    if (code == CF_OK) {
        warn_of_damage(cli, store);
    }
    return finish(cli, store, code, &err);
}

static void write_report(struct cf_out *out, const struct cf_cli *cli,
                         const struct cf_check_report *report)
{
    if (cli->settings.json) {
        json_t *problems = json_array();
        for (size_t i = 0; i < report->n; i++) {
            json_array_append_new(problems, cf_json_string(report->problems[i]));
        }
        json_t *object = json_object();
        json_object_set_new(object, "problems", problems);
        json_object_set_new(object, "hint", cf_json_string(report->hint));
        cf_out_add_json(out, object);
        return;
    }
    for (size_t i = 0; i < report->n; i++) {
        cf_out_add_text(out, report->problems[i], strlen(report->problems[i]));
        cf_out_end_text(out);
        cf_out_add(out, "\n", 1);
    }
    if (report->n == 0) {
        cf_out_addf(out, "no problems found\n");
    } else if (report->hint != NULL) {
        cf_out_addf(out, "%s\n", report->hint);
    }
}

enum cf_exit cf_cli_check(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_check_report report = {0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_LOOKS, &err);
    if (code == CF_OK) {
        code = cf_store_check(&report, store, true, &err);
    }
    if (code == CF_OK) {
        write_report(&out, cli, &report);
        code = cf_out_finish(&out, &err);
    }
    bool has_problems = report.n > 0;
    cf_check_report_release(&report);
    /* What opening had to say, the report says better. */
    cf_store_close(store);
    if (code != CF_OK) {
        return cf_cli_fail(&err);
    }
    return has_problems ? CF_EXIT_FAILED : CF_EXIT_DONE;
}
