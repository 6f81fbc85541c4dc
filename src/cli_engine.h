/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_engine: the model opened in the command's own thread, for the commands that look into it. */
#ifndef CF_CLI_ENGINE_H
#define CF_CLI_ENGINE_H

#include "cli.h"
#include "model.h"
#include "pool.h"
#include "session.h"
#include "tokenizer.h"

struct cf_engine {
    char *path;
    struct cf_model *model;
    struct cf_tokenizer *tokenizer;
    struct cf_pool *pool;
    struct cf_session *session; /* one branch, KV in float32 unless --kv says otherwise */
};

/* Opens the tokenizer of --model alone. */
enum cf_code cf_engine_open_tokenizer(struct cf_engine *engine, const struct cf_cli *cli,
                                      struct cf_err *err);
/* Opens a model file as the settings say: with its own type of weights or another. */
enum cf_code cf_cli_open_model(struct cf_model **model, const struct cf_cli *cli, const char *path,
                               struct cf_err *err);
/* Opens model and tokenizer of PATH, no session yet, the weights as DTYPE unless it is NULL.
 * needs_tokenizer as below. */
enum cf_code cf_engine_open_model(struct cf_engine *engine, const char *path,
                                  const enum cf_dtype *dtype, bool needs_tokenizer,
                                  struct cf_err *err);
/* Makes pool and session for them; on a failure all is closed. */
enum cf_code cf_engine_start(struct cf_engine *engine, const struct cf_cli *cli,
                             const struct cf_session_params *params, struct cf_err *err);
/* Opens everything --model names.  needs_tokenizer false: a model without one will do, tokenizer is
 * then NULL. */
enum cf_code cf_engine_open(struct cf_engine *engine, const struct cf_cli *cli,
                            bool needs_tokenizer, struct cf_err *err);
void cf_engine_close(struct cf_engine *engine);

/* True once Ctrl-C, SIGTERM or SIGHUP has come: for cf_session_*. */
struct cf_interrupt cf_engine_interrupt(void);
/* The signal that has come, or 0. */
int cf_cli_signal(void);
/* How many SIGINT were caught: 0, 1, or 2 for more than one. */
int cf_cli_n_interrupts(void);
/* Catches SIGINT, SIGTERM and SIGHUP from now on: cf_cli_signal tells. */
void cf_cli_catch_signals(void);

#endif
