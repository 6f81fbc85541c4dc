/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: timelines of one model: for each branch the token ids fed so far, their KV cache and the
 * logits of the last position.
 *
 * A branch is a timeline; branches of one session share every weight read when decoded together.
 * Numbers follow DESIGN section 5: a position's KV and logits are a function of weights, types,
 * instruction set, kernel version, the ids up to it and (for F32, F16 and BF16 weights only) the
 * paths recorded in the branch's runs; never of threads, chunking, batch or cache.
 *
 * Not thread-safe: one thread at a time uses a session. */
#ifndef CF_SESSION_H
#define CF_SESSION_H

#include "err.h"
#include "model.h"
#include "pool.h"

struct cf_session;

struct cf_session_params {
    int32_t n_ctx;         /* positions a branch can hold; 0: the model's */
    enum cf_dtype kv_type; /* CF_F32 or CF_F16 */
    int n_branches;        /* at least 1; a branch's KV is allocated when it is first used, and its
                              pages are touched as positions fill it */
};

/* Asked between layers; true stops the work with CF_ERR_CANCELLED.  What was evaluated whole stays
 * usable, the branch is consistent. */
struct cf_interrupt {
    bool (*fn)(void *arg);
    void *arg;
};

/* How a position's KV was computed. */
enum cf_eval_path {
    CF_PATH_KERNEL, /* own kernels */
    CF_PATH_GEMM,   /* OpenBLAS in fixed tiles of 64 rows aligned to the position: chosen for float
                       weights by CPUs without vectors where a tile has at least 32 new positions;
                       any float weights can be replayed through it */
};

struct cf_eval_run {
    int32_t n; /* positions */
    enum cf_eval_path path;
};

/* What a session has evaluated since it was made. */
struct cf_session_counts {
    int64_t n_evaluated; /* positions evaluated */
    int64_t n_reused;    /* positions that sync found in the cache */
    int64_t n_passes;    /* times the weights were read */
    int64_t n_ahead;     /* positions that had been evaluated ahead when they were asked for */
};

/* model and pool must outlive the session.  CF_ERR_RANGE when n_ctx exceeds the model's. */
enum cf_code cf_session_new(struct cf_session **session, const struct cf_model *model,
                            struct cf_pool *pool, const struct cf_session_params *params,
                            struct cf_err *err);
void cf_session_free(struct cf_session *session);

/* Everything that evaluates also fails with CF_ERR_RANGE for an id that the model does not have,
 * with CF_ERR_TOO_LARGE when there is no memory for a branch used for the first time, and with
 * CF_ERR_CORRUPT, naming the model (and the tensor at fault when one is), when logits come out as
 * NaN or infinity.  After any failure each branch holds what was evaluated whole; decode advances
 * all its branches or none. */

/* Makes branch hold exactly ids[0..n) with logits of the last: keeps the longest common prefix with
 * what it holds (of that at most n - 1 positions when the logits are not at hand) and evaluates the
 * rest.  n >= 1.  CF_ERR_CONTEXT when n exceeds n_ctx, CF_ERR_CANCELLED.
 * n_reused (may be NULL) receives how many positions were kept. */
enum cf_code cf_session_sync(struct cf_session *session, int branch, const int32_t *ids, int32_t n,
                             const struct cf_interrupt *interrupt, int32_t *n_reused,
                             struct cf_err *err);

/* Like sync, but each position is evaluated through the path that runs[] says, and only positions
 * that were are kept: for a replay.  The runs must cover n positions at least, else CF_ERR_RANGE;
 * CF_ERR_MISMATCH when they ask for CF_PATH_GEMM and the model's weights are in blocks. */
enum cf_code cf_session_sync_runs(struct cf_session *session, int branch, const int32_t *ids,
                                  int32_t n, const struct cf_eval_run *runs, size_t n_runs,
                                  const struct cf_interrupt *interrupt, struct cf_err *err);

/* One more token for each of n branches, in one pass over the weights.  The branches are distinct.
 * CF_ERR_CONTEXT when one of them is full; then none has advanced. */
enum cf_code cf_session_decode(struct cf_session *session, const int *branches, const int32_t *ids,
                               int n, const struct cf_interrupt *interrupt, struct cf_err *err);

/* Most tokens that decode_ahead evaluates beyond the next one. */
enum { CF_SESSION_AHEAD_MAX = 7 };

/* Like decode for one branch, and in the same pass what would follow if the next tokens were
 * ahead[0..n_ahead).  The branch holds ID alone; but as long as the tokens then given to decode or
 * decode_ahead are those, and nothing else is evaluated, cut or forked in between, they are there
 * at no cost.  Nothing that is computed depends on it.  What has no room in the context is left
 * out. */
enum cf_code cf_session_decode_ahead(struct cf_session *session, int branch, int32_t id,
                                     const int32_t *ahead, int n_ahead,
                                     const struct cf_interrupt *interrupt, struct cf_err *err);
/* Whether ID, given next, would be there at no cost. */
bool cf_session_has_ahead(const struct cf_session *session, int branch, int32_t id);

/* Evaluates ids[0..n) in a cleared branch and hands every position's logits to fn in order:
 * logits [n_vocab] float32, valid during the call. */
enum cf_code cf_session_eval_all(struct cf_session *session, int branch, const int32_t *ids,
                                 int32_t n,
                                 void (*fn)(void *arg, int32_t position, const float *logits),
                                 void *arg, const struct cf_interrupt *interrupt,
                                 struct cf_err *err);

/* The logits [n_vocab] after the branch's last token, or NULL when none are at hand (empty branch,
 * after rewind).  Valid until the next call that evaluates in this session. */
const float *cf_session_logits(const struct cf_session *session, int branch);
/* The ids the branch holds, and their number. */
const int32_t *cf_session_ids(const struct cf_session *session, int branch, int32_t *n);
/* Cuts the branch to its first n positions. */
void cf_session_rewind(struct cf_session *session, int branch, int32_t n);
/* Makes branch TO equal to branch FROM, logits and runs included, by copying the KV that TO does
 * not hold already.  CF_ERR_TOO_LARGE when there is no memory for TO's KV; then TO is as it was. */
enum cf_code cf_session_fork(struct cf_session *session, int from, int to, struct cf_err *err);

/* The runs of a branch, first position first; valid until the branch changes. */
const struct cf_eval_run *cf_session_runs(const struct cf_session *session, int branch,
                                          size_t *n_runs);
struct cf_session_counts cf_session_counts(const struct cf_session *session);
int32_t cf_session_n_ctx(const struct cf_session *session);
const struct cf_model *cf_session_model(const struct cf_session *session);
/* Bytes that a session of these params takes for KV and scratch. */
size_t cf_session_memory_size(const struct cf_model *model, const struct cf_session_params *params);

#endif
