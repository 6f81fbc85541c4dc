/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main: chooses the face, and is the only one who exits. */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "cli.h"
#include "crash.h"
#include "kernels/kernels.h"
#include "line.h"
#include "markdown.h"
#include "mem.h"
#include "path.h"
#include "term.h"
#include "thread.h"
#include "ui.h"
#include "ui_bind.h"

/* Tokens a second of the bundled model in the terminal interface. */
#define BUNDLED_PACE "20"

/* A standard stream that was closed is given to the next file opened, and what is written to it
 * would land there.  In its place stands the null device, opened the other way round: reading
 * standard input and writing the others fail as they do on a closed stream. */
static void occupy_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            /* The lowest free descriptor is this one. */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

/* Writes what is still in stdio's hands; a full disk must not go unnoticed. */
static enum cf_exit flush_stdout(enum cf_exit status)
{
    struct cf_err err = CF_ERR_INIT;
    if (fflush(stdout) != 0 && errno != EPIPE && status == CF_EXIT_DONE) {
        (void)cf_err_set_errno(&err, errno, "cannot write the output");
        return cf_cli_fail(&err);
    }
    return status;
}

/* The config file's path, also where there is none yet: presets are saved there.  NULL: nowhere. */
static char *config_path(const struct cf_cli *cli)
{
    char *path = NULL;
    if (cli->settings.config != NULL) {
        return cf_strdup(cli->settings.config);
    }
    return cf_path_in(&path, CF_FOLDER_CONFIG, "config", NULL) == CF_OK ? path : NULL;
}

/* CONFAB_TEST_COMMIT_DELAY_MS makes the disk slow, for tests. */
static int test_delay_ms(void)
{
    const char *text = getenv("CONFAB_TEST_COMMIT_DELAY_MS");
    return text != NULL ? atoi(text) : 0;
}

static bool is_any_unsaved(const struct cf_chat *chat)
{
    for (size_t i = 0; i < cf_chat_n_turns(chat); i++) {
        if (!cf_chat_turn(chat, i)->is_saved) {
            return true;
        }
    }
    return false;
}

/* Writes the conversation as Markdown beside the database or, where that is refused too, into the
 * folder for temporary files. */
static enum cf_code rescue(struct cf_buf *path, const struct cf_chat *chat, const char *db_path)
{
    char *beside = cf_path_parent(db_path);
    const char *temporary = getenv("TMPDIR");
    const char *folders[] = {beside, temporary != NULL && *temporary == '/' ? temporary : "/tmp"};
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_export(chat, &text);
    enum cf_code code = CF_ERR_IO;
    for (size_t i = 0; i < CF_ARRAY_SIZE(folders) && code != CF_OK; i++) {
        cf_buf_clear(path);
        cf_buf_addf(path, "%s/confab-%lld-%d.md", folders[i], (long long)time(NULL), (int)getpid());
        code = cf_path_write_file(path->data, text.data, text.size, NULL);
    }
    cf_buf_release(&text);
    free(beside);
    return code;
}

/* Waits until all is on the disk; what cannot get there is written elsewhere. */
static enum cf_code save_all(struct cf_chat *chat, const char *db_path, struct cf_err *err)
{
    enum { SAVE_MS = 5000 };
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = cf_chat_flush(chat, SAVE_MS, &why);
    if (code == CF_OK && cf_chat_status(chat)->is_unsaved) {
        code = cf_err_set(&why, CF_ERR_IO, "%s: the database could not be opened", db_path);
    }
    if (code == CF_OK || !cf_chat_status(chat)->saves || !is_any_unsaved(chat)) {
        return CF_OK;
    }
    struct cf_buf path = CF_BUF_INIT;
    if (rescue(&path, chat, db_path) == CF_OK) {
        (void)cf_err_set(err, code, "%s; the conversation was written to %s instead", why.text,
                         path.data);
    } else {
        (void)cf_err_set(err, code, "%s; the end of the conversation was not saved", why.text);
    }
    cf_buf_release(&path);
    return code;
}

/* Whether a model that is not there was asked for on the command line by a name: then there is
 * nothing to open, and the sentence with the names that there are must not be lost. */
static bool is_mistyped_model(const struct cf_settings *settings)
{
    return settings->sources[CF_SETTING_MODEL].origin == CF_ORIGIN_OPTION &&
           strchr(settings->model, '/') == NULL;
}

/* The terminal interface over a chat. */
static enum cf_exit run_face(struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_chat *chat = NULL;
    char *model_path = NULL;
    char *cache_path = NULL;
    char *config = config_path(cli);
    bool is_bundled = cli->settings.model == NULL;
    /* No thread but this one is to take a signal, and this one only while it polls; but a crash
     * is handled wherever it happens, so that the terminal is given back. */
    sigset_t all;
    cf_thread_signals(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)cf_path_in(&cache_path, CF_FOLDER_CACHE, "digests", NULL);
    enum cf_code code = cf_cli_model_path(&model_path, cli, &err);
    if (code != CF_OK && !is_bundled && !is_mistyped_model(&cli->settings)) {
        /* Without it one can read, search and look at what was said; the face says what is missing.
         */
        model_path = cf_strdup(cli->settings.model);
        code = CF_OK;
    }
    if (is_bundled) {
        /* It ends a reply before a person could turn a knob or read along. */
        (void)cf_settings_set(&cli->settings, CF_SETTING_PACE, BUNDLED_PACE, CF_ORIGIN_MODEL, NULL,
                              NULL);
    }
    if (code == CF_OK) {
        const struct cf_chat_params params = {
            .model_path = model_path,
            .db_path = cli->settings.no_save ? NULL : cli->db_path,
            .makes_db_folder = cli->settings.db == NULL,
            .digest_cache_path = cache_path,
            .settings = &cli->settings,
            .config = &cli->config,
            .stops_loops = true,
            .idles = true,
            .keeps_drafts = true,
            .test_commit_delay_ms = test_delay_ms(),
        };
        code = cf_chat_new(&chat, &params, &err);
    }
    if (code == CF_OK) {
        const struct ui_params params = {
            .chat = chat,
            .settings = &cli->settings,
            .config = &cli->config,
            .config_path = config,
            .is_model_bundled = is_bundled,
        };
        code = ui_run(&params, &err);
        struct cf_err unsaved = CF_ERR_INIT;
        enum cf_code saved = save_all(chat, cli->db_path, &unsaved);
        if (code == CF_OK && saved != CF_OK) {
            code = saved;
            err = unsaved;
        }
        cf_chat_free(chat);
    }
    free(model_path);
    free(cache_path);
    free(config);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}

static enum cf_exit run(struct cf_cli *cli)
{
    if (cli->settings.help) {
        cf_cli_print_help(cli->command);
        return flush_stdout(CF_EXIT_DONE);
    }
    if (cli->settings.version) {
        char readline[32];
        (void)snprintf(readline, sizeof readline, "readline %s", ui_line_library_version());
        const char *const face[] = {readline, ui_term_library(), ui_markdown_library(), NULL};
        cf_cli_print_version(face);
        return flush_stdout(CF_EXIT_DONE);
    }
    struct ui_keys keys;
    struct cf_err err = CF_ERR_INIT;
    /* A mistake in the file is one whatever is run. */
    if (ui_bind_keys(&keys, &cli->config, &err) != CF_OK) {
        return cf_cli_fail(&err);
    }
    if (cli->command != NULL) {
        return cli->command->run(cli);
    }
    if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1) {
        return run_face(cli);
    }
    return cf_cli_ask(cli);
}

int main(int argc, char *argv[])
{
    occupy_streams();
    /* Before any other thread: OpenBLAS starts its own when it is loaded. */
    cf_kernels_init();
    ui_term_set_locale();
    ui_crash_install();
    /* A write to a reader that is gone, or past a size limit, is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    struct cf_cli cli;
    struct cf_err err = CF_ERR_INIT;
    enum cf_exit status =
        cf_cli_parse(&cli, argc, argv, &err) == CF_OK ? run(&cli) : cf_cli_fail(&err);
    cf_cli_release(&cli);
    return (int)status;
}
