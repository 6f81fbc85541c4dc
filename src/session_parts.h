/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_parts: what the files of session share. */
#ifndef CF_SESSION_PARTS_H
#define CF_SESSION_PARTS_H

#include "kernels/kernels.h"
#include "session.h"

enum {
    /* Positions in one pass of a prefill: two tiles of GEMM.  More would read the weights less
     * often, but an interrupted pass is lost, and one of this size takes a fraction of a second. */
    SESSION_ROWS = 2 * CF_GEMM_ROWS,
    /* New positions in a tile from which GEMM, which computes all 64 rows whatever there are, is
     * chosen by a CPU without vectors. */
    SESSION_GEMM_ROWS_MIN = 32,
    /* Rows of logits that are computed at a time when all of them are wanted. */
    SESSION_HEAD_ROWS = 1 + CF_SESSION_AHEAD_MAX,
};

/* Invariants: ids[0..n) are what the positions [0, n) of kv hold; the runs cover exactly n
 * positions, none is empty, neighbours differ in path; has_logits implies n > 0 and that logits
 * are those after position n - 1. */
struct session_branch {
    void *kv;     /* [n_layer][k, v][n_head][n_ctx][d_head] of kv_type; NULL: not used yet, and
                     everything below is NULL or 0 too */
    int32_t *ids; /* [n_ctx] */
    int32_t n;
    struct cf_eval_run *runs; /* [n_ctx] */
    size_t n_runs;
    float *logits; /* [n_vocab] */
    bool has_logits;
};

/* Positions evaluated beyond a branch's end.  Invariant: when branch is not NULL, ids[next..n)
 * would stand at its positions from branch->n on, the KV there is theirs, and row i + 1 of the
 * session's logits are those after ids[i]. */
struct session_ahead {
    const struct session_branch *branch; /* NULL: none */
    int32_t ids[CF_SESSION_AHEAD_MAX];
    int n;
    int next;
};

/* One row of a pass. */
struct session_row {
    struct session_branch *branch;
    int32_t position;
    int32_t id;
};

struct cf_session {
    const struct cf_model *model;
    struct cf_pool *pool;
    const struct cf_kernels *kernels;
    int32_t n_ctx;
    struct cf_attention attention;
    bool has_gemm;         /* whether the layers' weights are floats: GEMM is possible */
    int32_t gemm_rows_min; /* new positions in a tile from which it is chosen; INT32_MAX: never */
    struct session_branch *branches;
    int n_branches;
    struct cf_session_counts counts;
    struct session_ahead ahead;

    /* Scratch; n_rows_max rows. */
    int32_t n_rows_max;
    int32_t n_rows; /* of the last pass */
    struct session_row *rows;
    struct cf_query *queries;
    float *x;      /* [n_rows_max][n_embd] the residual stream */
    float *h;      /* [n_rows_max][n_embd] normed, then attended */
    float *qkv;    /* [n_rows_max][3 n_embd] */
    float *inner;  /* [n_rows_max][n_inner] */
    float *logits; /* [n_head_rows][n_vocab] */
    int32_t n_head_rows;
    void *scratch; /* of the kernels */
};

/* session_forward.c: evaluates rows[0..n_rows) through all layers into x and their branches' KV.
 * With CF_PATH_GEMM they are consecutive positions of one branch.  CF_ERR_CANCELLED. */
enum cf_code cf_session_forward(struct cf_session *session, int32_t n_rows, enum cf_eval_path path,
                                const struct cf_interrupt *interrupt, struct cf_err *err);
/* The logits of n rows of x from FIRST on, n at most n_head_rows: into logits [n][n_vocab].
 * CF_ERR_CORRUPT when they are no numbers. */
enum cf_code cf_session_head(struct cf_session *session, int32_t first, int32_t n, float *logits,
                             struct cf_err *err);

static inline struct session_branch *cf_session_branch_at(const struct cf_session *session,
                                                          int branch)
{
    assert(branch >= 0 && branch < session->n_branches);
    return &session->branches[branch];
}

/* session.c: CF_ERR_RANGE for an id that the model does not have; CF_ERR_TOO_LARGE. */
enum cf_code cf_session_check_ids(const struct cf_session *session, const int32_t *ids, int32_t n,
                                  struct cf_err *err);
enum cf_code cf_session_no_memory(const struct cf_session *session, struct cf_err *err);

/* session_branch.c */
bool cf_session_branch_alloc(struct cf_session *session, struct session_branch *branch);
void cf_session_branch_release(struct session_branch *branch);
void cf_session_branch_append(struct session_branch *branch, int32_t id, enum cf_eval_path path);
void cf_session_branch_truncate(struct session_branch *branch, int32_t n);
/* The first position from which two lists of runs differ, at most n. */
int32_t cf_session_runs_common(const struct cf_eval_run *a, size_t n_a, const struct cf_eval_run *b,
                               size_t n_b, int32_t n);
/* The path of a position, and in *end the first position of another path, at most INT32_MAX. */
enum cf_eval_path cf_session_runs_path(const struct cf_eval_run *runs, size_t n_runs,
                                       int32_t position, int32_t *end);
/* Copies positions [begin, end) of one branch's KV to another's. */
void cf_session_branch_copy_kv(const struct cf_session *session, struct session_branch *to,
                               const struct session_branch *from, int32_t begin, int32_t end);
/* Bytes of one branch's KV. */
size_t cf_session_kv_size(const struct cf_model *model, int32_t n_ctx, enum cf_dtype kv_type);
/* Where the k (part 0) or v (part 1) of a layer begin in a branch's KV, in bytes. */
size_t cf_session_kv_offset(const struct cf_session *session, int32_t layer, int part);
/* Aligned memory, or NULL. */
void *cf_session_alloc(size_t n, size_t size);

void cf_session_assert_sane(const struct cf_session *session);

#endif
