/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "catalog.h"
#include "cpu.h"
#include "mem.h"

static volatile sig_atomic_t caught;
static volatile sig_atomic_t n_interrupts;
static pthread_t front; /* the thread that waits for signals */

static void remember(int number)
{
    /* OpenBLAS has threads of its own that block nothing: what they take would not wake ours. */
    if (!pthread_equal(pthread_self(), front)) {
        (void)pthread_kill(front, number);
        return;
    }
    caught = number;
    n_interrupts += number == SIGINT && n_interrupts < 2;
}

void cf_cli_catch_signals(void)
{
    front = pthread_self();
    /* Without SA_RESTART: a read or poll that is waiting ends. */
    struct sigaction action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

int cf_cli_signal(void)
{
    return caught;
}

int cf_cli_n_interrupts(void)
{
    return n_interrupts;
}

static bool is_interrupted(void *arg)
{
    (void)arg;
    return caught != 0;
}

struct cf_interrupt cf_engine_interrupt(void)
{
    return (struct cf_interrupt){.fn = is_interrupted, .arg = NULL};
}

enum cf_code cf_cli_model_path(char **path, const struct cf_cli *cli, struct cf_err *err)
{
    return cf_catalog_find(path, cli->settings.model, err);
}

enum cf_code cf_engine_open_tokenizer(struct cf_engine *engine, const struct cf_cli *cli,
                                      struct cf_err *err)
{
    *engine = (struct cf_engine){0};
    enum cf_code code = cf_cli_model_path(&engine->path, cli, err);
    if (code == CF_OK) {
        code = cf_tokenizer_open(&engine->tokenizer, engine->path, err);
    }
    if (code != CF_OK) {
        cf_engine_close(engine);
    }
    return code;
}

static enum cf_code open_model(struct cf_model **model, const char *path,
                               const enum cf_dtype *dtype, struct cf_err *err)
{
    return dtype != NULL ? cf_model_open_as(model, path, *dtype, err)
                         : cf_model_open(model, path, err);
}

enum cf_code cf_cli_open_model(struct cf_model **model, const struct cf_cli *cli, const char *path,
                               struct cf_err *err)
{
    enum cf_dtype dtype;
    return open_model(model, path, cf_settings_weights(&dtype, &cli->settings) ? &dtype : NULL,
                      err);
}

enum cf_code cf_engine_open_model(struct cf_engine *engine, const char *path,
                                  const enum cf_dtype *dtype, bool needs_tokenizer,
                                  struct cf_err *err)
{
    *engine = (struct cf_engine){.path = cf_strdup(path)};
    enum cf_code code = open_model(&engine->model, path, dtype, err);
    if (code == CF_OK) {
        code = cf_tokenizer_open(&engine->tokenizer, path, needs_tokenizer ? err : NULL);
        if (!needs_tokenizer) {
            code = CF_OK;
        }
    }
    if (code == CF_OK && needs_tokenizer) {
        code = cf_tokenizer_check_model(engine->tokenizer, engine->model->n_vocab, path, err);
    }
    if (code != CF_OK) {
        cf_engine_close(engine);
    }
    return code;
}

enum cf_code cf_engine_start(struct cf_engine *engine, const struct cf_cli *cli,
                             const struct cf_session_params *params, struct cf_err *err)
{
    int n_threads = cli->settings.threads > 0 ? cli->settings.threads : cf_cpu_n_cores();
    enum cf_code code = cf_pool_new(&engine->pool, n_threads, err);
    if (code == CF_OK) {
        code = cf_session_new(&engine->session, engine->model, engine->pool, params, err);
    }
    if (code != CF_OK) {
        cf_engine_close(engine);
    }
    return code;
}

enum cf_code cf_engine_open(struct cf_engine *engine, const struct cf_cli *cli,
                            bool needs_tokenizer, struct cf_err *err)
{
    *engine = (struct cf_engine){0};
    char *path = NULL;
    enum cf_dtype dtype;
    bool has_dtype = cf_settings_weights(&dtype, &cli->settings);
    enum cf_code code = cf_cli_model_path(&path, cli, err);
    cf_cli_catch_signals();
    if (code == CF_OK) {
        code = cf_engine_open_model(engine, path, has_dtype ? &dtype : NULL, needs_tokenizer, err);
    }
    free(path);
    if (code == CF_OK) {
        const struct cf_session_params params = {
            .n_ctx = cli->settings.ctx,
            .kv_type = cli->settings.kv == CF_KV_F16 ? CF_F16 : CF_F32,
            .n_branches = 1,
        };
        code = cf_engine_start(engine, cli, &params, err);
    }
    return code;
}

void cf_engine_close(struct cf_engine *engine)
{
    if (engine->session != NULL) {
        cf_session_free(engine->session);
    }
    if (engine->pool != NULL) {
        cf_pool_free(engine->pool);
    }
    if (engine->tokenizer != NULL) {
        cf_tokenizer_free(engine->tokenizer);
    }
    if (engine->model != NULL) {
        cf_model_free(engine->model);
    }
    free(engine->path);
    *engine = (struct cf_engine){0};
}
