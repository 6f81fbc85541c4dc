/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "kernels/kernels.h"
#include "mem.h"

static int32_t *ids_new(const struct cf_session *session, int32_t n)
{
    const int64_t n_vocab = cf_session_model(session)->n_vocab;
    int32_t *ids = cf_calloc((size_t)n + 1, sizeof *ids);
    for (int32_t i = 0; i < n; i++) {
        ids[i] = (int32_t)((i * INT64_C(7919) + 13) % n_vocab);
    }
    return ids;
}

/* The mean and its standard deviation of what n_reps measurements gave. */
static struct cf_bench_speed speed_of(const double *speeds, int n_reps)
{
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n_reps; i++) {
        sum += speeds[i];
    }
    double mean = sum / n_reps;
    for (int i = 0; i < n_reps; i++) {
        squares += (speeds[i] - mean) * (speeds[i] - mean);
    }
    return (struct cf_bench_speed){.tokens_per_second = mean,
                                   .spread = n_reps > 1 ? sqrt(squares / (n_reps - 1)) : 0};
}

/* Evaluates ids[0..n) in branch 0, of which the first DEPTH stay from time to time. */
typedef enum cf_code run_fn(struct cf_session *session, const int32_t *ids, int32_t depth,
                            int32_t n, const struct cf_interrupt *interrupt, struct cf_err *err);

static enum cf_code run_prompt(struct cf_session *session, const int32_t *ids, int32_t depth,
                               int32_t n, const struct cf_interrupt *interrupt, struct cf_err *err)
{
    return cf_session_sync(session, 0, ids, depth + n, interrupt, NULL, err);
}

static enum cf_code run_gen(struct cf_session *session, const int32_t *ids, int32_t depth,
                            int32_t n, const struct cf_interrupt *interrupt, struct cf_err *err)
{
    static const int branch = 0;
    enum cf_code code = CF_OK;
    for (int32_t i = 0; i < n && code == CF_OK; i++) {
        code = cf_session_decode(session, &branch, ids + depth + i, 1, interrupt, err);
    }
    return code;
}

static enum cf_code measure(struct cf_bench_speed *speed, struct cf_session *session, run_fn *run,
                            int32_t n, int32_t depth, int n_reps,
                            const struct cf_interrupt *interrupt, struct cf_err *err)
{
    assert(n >= 1 && depth >= 0 && n_reps >= 1);
    if ((int64_t)n + depth > cf_session_n_ctx(session)) {
        return cf_err_set(err, CF_ERR_CONTEXT, "%ld tokens do not fit into a context of %ld",
                          (long)n + depth, (long)cf_session_n_ctx(session));
    }
    int32_t *ids = ids_new(session, depth + n);
    double *speeds = cf_calloc((size_t)n_reps, sizeof *speeds);
    cf_session_rewind(session, 0, 0);
    double passes = 0;
    enum cf_code code = CF_OK;
    if (depth > 0) {
        code = cf_session_sync(session, 0, ids, depth, interrupt, NULL, err);
    }
    for (int i = -1; i < n_reps && code == CF_OK; i++) { /* the first warms up */
        cf_session_rewind(session, 0, depth);
        int64_t n_passes = cf_session_counts(session).n_passes;
        double start = cf_clock_s();
        code = run(session, ids, depth, n, interrupt, err);
        if (i >= 0) {
            speeds[i] = n / (cf_clock_s() - start);
            passes += (double)(cf_session_counts(session).n_passes - n_passes);
        }
    }
    if (code == CF_OK) {
        *speed = speed_of(speeds, n_reps);
        speed->passes_per_token = passes / n_reps / n;
    }
    free(speeds);
    free(ids);
    return code;
}

enum cf_code cf_bench_prompt(struct cf_bench_speed *speed, struct cf_session *session, int32_t n,
                             int32_t depth, int n_reps, const struct cf_interrupt *interrupt,
                             struct cf_err *err)
{
    return measure(speed, session, run_prompt, n, depth, n_reps, interrupt, err);
}

enum cf_code cf_bench_gen(struct cf_bench_speed *speed, struct cf_session *session, int32_t n,
                          int32_t depth, int n_reps, const struct cf_interrupt *interrupt,
                          struct cf_err *err)
{
    return measure(speed, session, run_gen, n, depth, n_reps, interrupt, err);
}

enum cf_code cf_bench_first_token(double *seconds, struct cf_session *session, int32_t n,
                                  int n_reps, const struct cf_interrupt *interrupt,
                                  struct cf_err *err)
{
    double best = INFINITY;
    enum cf_code code = CF_OK;
    for (int i = 0; i < n_reps && code == CF_OK; i++) {
        struct cf_bench_speed speed;
        code = measure(&speed, session, run_prompt, n, 0, 1, interrupt, err);
        if (code == CF_OK) {
            best = fmin(best, n / speed.tokens_per_second);
        }
    }
    if (code == CF_OK) {
        *seconds = best;
    }
    return code;
}

/* ---- what there is to read ---- */

enum { PER_LAYER = 4 };

static int32_t n_matrices(const struct cf_model *model)
{
    return model->n_layer * PER_LAYER + 1;
}

/* The matrices that a token is multiplied with, in the order of a pass. */
static const struct cf_matrix *matrix_at(const struct cf_model *model, int32_t i)
{
    if (i == model->n_layer * PER_LAYER) {
        return &model->lm_head;
    }
    const struct cf_layer *layer = &model->layers[i / PER_LAYER];
    const struct cf_matrix *const of_layer[PER_LAYER] = {&layer->attn_qkv, &layer->attn_proj,
                                                         &layer->mlp_up, &layer->mlp_down};
    return of_layer[i % PER_LAYER];
}

static size_t matrix_size(const struct cf_matrix *w)
{
    return cf_dtype_row_size(w->dtype, (size_t)w->n_in) * (size_t)w->n_out;
}

double cf_bench_pass_size(const struct cf_model *model)
{
    double size = 0;
    for (int32_t i = 0; i < n_matrices(model); i++) {
        size += (double)matrix_size(matrix_at(model, i));
    }
    return size;
}

double cf_bench_position_size(const struct cf_model *model, enum cf_dtype kv_type)
{
    return (double)cf_dtype_row_size(kv_type, (size_t)model->n_embd) * 2 * model->n_layer;
}

enum { LINE = 64, LINES_GRAIN = 1024 };

static void read_lines(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    typedef uint64_t words __attribute__((vector_size(LINE), aligned(2), may_alias));
    const unsigned char *bytes = ctx;
    words sums[4] = {0};
    int64_t i = begin;
    for (; i + 4 <= end; i += 4) {
        for (int k = 0; k < 4; k++) {
            sums[k] += *(const words *)(const void *)(bytes + (i + k) * LINE);
        }
    }
    for (; i < end; i++) {
        sums[0] += *(const words *)(const void *)(bytes + i * LINE);
    }
    sums[0] += sums[1] + sums[2] + sums[3];
    __asm__ volatile("" : : "r"(sums[0][0])); /* the sum is wanted */
}

double cf_bench_bandwidth(const struct cf_model *model, struct cf_pool *pool, int n_reps)
{
    double best = INFINITY;
    for (int rep = 0; rep <= n_reps; rep++) { /* the first warms up */
        double start = cf_clock_s();
        for (int32_t i = 0; i < n_matrices(model); i++) {
            const struct cf_matrix *w = matrix_at(model, i);
            union {
                const void *data;
                void *ctx;
            } bytes = {.data = w->data};
            cf_pool_run(pool, read_lines, bytes.ctx, (int64_t)(matrix_size(w) / LINE), LINES_GRAIN);
        }
        best = rep > 0 ? fmin(best, cf_clock_s() - start) : best;
    }
    return cf_bench_pass_size(model) / best;
}

double cf_bench_bare(const struct cf_model *model, struct cf_pool *pool, int n_reps)
{
    const struct cf_kernels *kernels = cf_kernels_current();
    size_t n_most = 0;
    size_t scratch_size = 64;
    for (int32_t i = 0; i < n_matrices(model); i++) {
        const struct cf_matrix *w = matrix_at(model, i);
        size_t size = cf_linear_scratch_size(w, 1, cf_pool_n_threads(pool));
        size_t n = (size_t)(w->n_in > w->n_out ? w->n_in : w->n_out);
        n_most = n > n_most ? n : n_most;
        scratch_size = size > scratch_size ? size : scratch_size;
    }
    float *x = cf_aligned_alloc(n_most * sizeof *x);
    float *y = cf_aligned_alloc(n_most * sizeof *y);
    void *scratch = cf_aligned_alloc(scratch_size);
    for (size_t i = 0; i < n_most; i++) {
        x[i] = (float)(i % 127) * 0x1p-6f - 1;
    }
    double best = INFINITY;
    for (int rep = 0; rep <= n_reps; rep++) {
        double start = cf_clock_s();
        for (int32_t i = 0; i < n_matrices(model); i++) {
            cf_linear(kernels, pool, matrix_at(model, i), NULL, CF_THEN_STORE, x, 1, y, scratch);
        }
        best = rep > 0 ? fmin(best, cf_clock_s() - start) : best;
    }
    free(scratch);
    free(y);
    free(x);
    return 1 / best;
}
