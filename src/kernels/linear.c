/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_linear: prepares the rows, then hands pieces of the outputs to the pool's threads. */
#include "kernels/table.h"

static bool is_block_type(const struct cf_matrix *w)
{
    return cf_dtype_n_block(w->dtype) > 1;
}

/* Above how many rows the weights are unpacked before they are used: where that has been measured
 * to be faster. */
static bool is_many(const struct cf_matrix *w, int64_t n_rows)
{
    return n_rows > (is_block_type(w) ? CF_TILES_FEW_ROWS : CF_FEW_ROWS);
}

/* Room for the prepared rows, whatever the table. */
static size_t prepared_size(const struct cf_matrix *w, int64_t n_rows)
{
    size_t n = (size_t)n_rows * (size_t)w->n_in;
    return !is_block_type(w)
               ? 0
               : cf_round_up(n, 64) + cf_round_up(n / CF_Q_BLOCK * sizeof(float), 64) +
                     cf_round_up(n / CF_Q_BLOCK * 2 * sizeof(int32_t), 64);
}

/* Room for one thread, whatever the table. */
static size_t piece_scratch_size(const struct cf_matrix *w, int64_t n_rows)
{
    const bool has_many = is_many(w, n_rows);
    if (is_block_type(w)) {
        return has_many ? (size_t)w->n_in * CF_TILE_OUTPUTS : 0;
    }
    size_t n_floats = cf_float_sums(has_many);
    if (has_many && w->dtype != CF_F32) {
        n_floats += (size_t)(cf_float_panels(w->n_in) * w->n_in) * CF_TILE_OUTPUTS;
    }
    return cf_round_up(n_floats * sizeof(float), 64);
}

size_t cf_linear_scratch_size(const struct cf_matrix *w, int64_t n_rows, int n_threads)
{
    return prepared_size(w, n_rows) + (size_t)n_threads * piece_scratch_size(w, n_rows);
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct cf_linear_job *job = ctx;
    job->kernels->prepare(job, begin, end);
}

static void linear_piece(void *ctx, int64_t begin, int64_t end, int thread)
{
    const struct cf_linear_job *job = ctx;
    job->kernels->linear(job, begin, end, job->scratch + (size_t)thread * job->scratch_size);
}

void cf_linear(const struct cf_kernels *kernels, struct cf_pool *pool, const struct cf_matrix *w,
               const float *bias, enum cf_then then, const float *x, int64_t n_rows, float *y,
               void *scratch)
{
    enum { PREPARE_GRAIN = 4 }; /* a row takes a microsecond */
    assert(w->layout == CF_TILES);
    assert((size_t)w->n_in % cf_dtype_n_block(w->dtype) == 0);
    if (n_rows <= 0) {
        return;
    }
    struct cf_linear_job job = {.kernels = kernels,
                                .w = w,
                                .bias = bias,
                                .then = then,
                                .x = x,
                                .y = y,
                                .n_rows = n_rows,
                                .is_many = is_many(w, n_rows),
                                .prepared = scratch};
    job.scratch = (char *)scratch + prepared_size(w, n_rows);
    job.scratch_size = piece_scratch_size(w, n_rows);
    if (is_block_type(w)) {
        cf_pool_run(pool, prepare_rows, &job, n_rows, PREPARE_GRAIN);
    }
    cf_pool_run(pool, linear_piece, &job, w->n_out, CF_TILE_OUTPUTS);
}
