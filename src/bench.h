/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: how fast a session is on this machine, beside what memory and kernels alone would give.
 *
 * Measures only, prints nothing.  Each measurement is made once to warm up and then N_REPS times.
 * The ids are always the same ones, spread over the vocabulary.  Whatever fails in the session
 * (CF_ERR_CONTEXT for too long a prompt, CF_ERR_CANCELLED) comes back as it is. */
#ifndef CF_BENCH_H
#define CF_BENCH_H

#include "session.h"

struct cf_bench_speed {
    double tokens_per_second; /* the mean over the repetitions */
    double spread;            /* their standard deviation; 0 for one repetition */
    double passes_per_token;  /* how often all weights were read for a token */
};

/* Evaluates a prompt of n tokens behind depth others, n >= 1. */
enum cf_code cf_bench_prompt(struct cf_bench_speed *speed, struct cf_session *session, int32_t n,
                             int32_t depth, int n_reps, const struct cf_interrupt *interrupt,
                             struct cf_err *err);
/* Decodes n tokens one by one behind depth others, n >= 1. */
enum cf_code cf_bench_gen(struct cf_bench_speed *speed, struct cf_session *session, int32_t n,
                          int32_t depth, int n_reps, const struct cf_interrupt *interrupt,
                          struct cf_err *err);

/* Seconds from a cold timeline to the logits behind a prompt of n tokens: the best of n_reps. */
enum cf_code cf_bench_first_token(double *seconds, struct cf_session *session, int32_t n,
                                  int n_reps, const struct cf_interrupt *interrupt,
                                  struct cf_err *err);

/* Bytes of the matrices that a pass reads once. */
double cf_bench_pass_size(const struct cf_model *model);
/* Bytes of KV that a token reads from each position before it. */
double cf_bench_position_size(const struct cf_model *model, enum cf_dtype kv_type);

/* Bytes a second at which the pool reads the model's matrices, doing nothing with them: the best of
 * n_reps.  A model that fits a cache is read from there. */
double cf_bench_bandwidth(const struct cf_model *model, struct cf_pool *pool, int n_reps);
/* Tokens a second of the bare kernels: every matrix times one row, without anything between.  The
 * best of n_reps. */
double cf_bench_bare(const struct cf_model *model, struct cf_pool *pool, int n_reps);

#endif
