/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which table is in force, and the functions that are no more than a call into it. */
#include "kernels/table.h"

#include <cblas.h>
#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Slowest first. */
static const struct cf_kernels *const tables[] = {
    &cf_kernels_generic,
#if defined(__x86_64__)
    &cf_kernels_avx2,
    &cf_kernels_avx512,
#elif defined(__aarch64__)
    &cf_kernels_neon,
#endif
};

static _Atomic(const struct cf_kernels *) table_in_force;

static bool can_run(const struct cf_kernels *kernels)
{
#if defined(__x86_64__)
    /* __builtin_cpu_supports also asks whether the system saves the registers. */
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    bool has_f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 29 & 1) != 0;
    bool has_avx2 = has_f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (kernels == &cf_kernels_avx2) {
        return has_avx2;
    }
    if (kernels == &cf_kernels_avx512) {
        return has_avx2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    }
#else
    (void)kernels; /* NEON is part of every aarch64 */
#endif
    return true;
}

const struct cf_kernels *cf_kernels_at(size_t i)
{
    for (size_t t = 0; t < CF_ARRAY_SIZE(tables); t++) {
        if (can_run(tables[t]) && i-- == 0) {
            return tables[t];
        }
    }
    return NULL;
}

const struct cf_kernels *cf_kernels_find(const char *name)
{
    for (size_t t = 0; t < CF_ARRAY_SIZE(tables); t++) {
        if (strcmp(tables[t]->name, name) == 0) {
            return can_run(tables[t]) ? tables[t] : NULL;
        }
    }
    return NULL;
}

const struct cf_kernels *cf_kernels_current(void)
{
    const struct cf_kernels *kernels = atomic_load(&table_in_force);
    if (kernels != NULL) {
        return kernels;
    }
    for (size_t t = CF_ARRAY_SIZE(tables) - 1; t > 0; t--) {
        if (can_run(tables[t])) {
            return tables[t];
        }
    }
    return tables[0];
}

void cf_kernels_use(const struct cf_kernels *kernels)
{
    assert(kernels == NULL || can_run(kernels));
    atomic_store(&table_in_force, kernels);
}

const char *cf_kernels_name(const struct cf_kernels *kernels)
{
    return kernels->name;
}

void cf_kernels_init(void)
{
    openblas_set_num_threads(1);
}

void cf_add(const struct cf_kernels *kernels, float *y, const float *x, size_t n)
{
    kernels->finish(CF_THEN_ADD, x, NULL, n, y);
}

void cf_gelu_tanh(const struct cf_kernels *kernels, const float *x, size_t n, float *y)
{
    kernels->finish(CF_THEN_GELU_TANH, x, NULL, n, y);
}

void cf_gelu_erf(const struct cf_kernels *kernels, const float *x, size_t n, float *y)
{
    kernels->finish(CF_THEN_GELU_ERF, x, NULL, n, y);
}

void cf_matrix_row(const struct cf_kernels *kernels, const struct cf_matrix *w, int32_t i,
                   float *out)
{
    assert(w->layout != CF_IN_OUT && i >= 0 && i < w->n_out);
    if (w->layout == CF_TILES) {
        cf_tiles_row(w, i, out);
        return;
    }
    size_t n = (size_t)w->n_in;
    const char *row = (const char *)w->data + (size_t)i * cf_dtype_row_size(w->dtype, n);
    cf_to_f32(kernels, w->dtype, row, n, out);
}

/* ---- Over the pool ---- */

struct layer_norm_job {
    const struct cf_kernels *kernels;
    const float *x;
    const float *weight;
    const float *bias;
    float *y;
    float epsilon;
    int32_t n;
};

static void layer_norm_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct layer_norm_job *job = ctx;
    for (int64_t i = begin; i < end; i++) {
        job->kernels->layer_norm(job->x + i * job->n, job->n, job->weight, job->bias, job->epsilon,
                                 job->y + i * job->n);
    }
}

void cf_layer_norm(const struct cf_kernels *kernels, struct cf_pool *pool, const float *x,
                   int64_t n_rows, int32_t n, const float *weight, const float *bias, float epsilon,
                   float *y)
{
    struct layer_norm_job job = {.kernels = kernels,
                                 .x = x,
                                 .weight = weight,
                                 .bias = bias,
                                 .y = y,
                                 .epsilon = epsilon,
                                 .n = n};
    cf_pool_run(pool, layer_norm_rows, &job, n_rows, 8); /* fewer are not worth waking a thread */
}

size_t cf_attend_scratch_size(int32_t n_ctx, int32_t d_head, int n_threads)
{
    (void)d_head;
    return (size_t)n_threads * CF_ATTEND_ROWS * cf_round_up((size_t)n_ctx, 16) * sizeof(float);
}

/* Unit i is CF_ATTEND_ROWS neighbouring rows of one head; all units of a head follow each other, so
 * that its keys stay in the cache. */
static void attend_units(void *ctx, int64_t begin, int64_t end, int thread)
{
    const struct cf_attend_job *job = ctx;
    float *scratch = job->scratch + thread * CF_ATTEND_ROWS * job->n_scores;
    const int64_t n_groups = (job->n_rows - 1) / CF_ATTEND_ROWS + 1;
    for (int64_t unit = begin; unit < end; unit++) {
        int32_t head = (int32_t)(unit / n_groups);
        int64_t row = unit % n_groups * CF_ATTEND_ROWS;
        int64_t n = job->n_rows - row < CF_ATTEND_ROWS ? job->n_rows - row : CF_ATTEND_ROWS;
        const struct cf_query *rows = job->rows + row;
        bool is_one_timeline = true;
        for (int64_t i = 1; i < n; i++) {
            is_one_timeline = is_one_timeline && rows[i].k == rows[0].k && rows[i].v == rows[0].v &&
                              rows[i].n_seen >= rows[i - 1].n_seen;
        }
        if (is_one_timeline) {
            job->kernels->attend(job, head, row, n, scratch);
            continue;
        }
        for (int64_t i = 0; i < n; i++) {
            job->kernels->attend(job, head, row + i, 1, scratch);
        }
    }
}

void cf_attend(const struct cf_kernels *kernels, struct cf_pool *pool,
               const struct cf_attention *attention, const struct cf_query *rows, int64_t n_rows,
               void *scratch)
{
    if (n_rows <= 0) {
        return;
    }
    struct cf_attend_job job = {.kernels = kernels,
                                .attention = attention,
                                .rows = rows,
                                .n_rows = n_rows,
                                .scratch = scratch};
    for (int64_t i = 0; i < n_rows; i++) {
        assert(rows[i].n_seen >= 1);
        job.n_scores = rows[i].n_seen > job.n_scores ? rows[i].n_seen : job.n_scores;
    }
    job.n_scores = (int64_t)cf_round_up((size_t)job.n_scores, 16);
    const int64_t n_groups = (n_rows - 1) / CF_ATTEND_ROWS + 1;
    cf_pool_run(pool, attend_units, &job, attention->n_head * n_groups, 1);
}
