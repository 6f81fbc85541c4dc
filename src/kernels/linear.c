/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_linear: prepares the rows, then hands pieces of the outputs to the pool's threads. */
#include "kernels/table.h"

bool cf_linear_knows(enum cf_dtype dtype, enum cf_layout layout)
{
    return cf_tiles_know(dtype) == (layout == CF_TILES);
}

/* Above how many rows the weights are unpacked before they are used: where that has been measured
 * to be faster. */
static bool is_many(const struct cf_matrix *w, int64_t n_rows)
{
    return n_rows > (w->layout == CF_TILES ? CF_TILES_FEW_ROWS : CF_FEW_ROWS);
}

/* Room for the prepared rows, whatever the table. */
static size_t prepared_size(const struct cf_matrix *w, int64_t n_rows)
{
    const size_t n_in = (size_t)w->n_in;
    if (w->layout != CF_TILES) {
        size_t n_padded = (size_t)n_rows + CF_TILE_ROWS_MAX - 1; /* tiles of any height */
        return is_many(w, n_rows) ? cf_round_up(n_padded * n_in * sizeof(float), 64) : 0;
    }
    size_t n = (size_t)n_rows * n_in;
    return cf_round_up(n, 64) + cf_round_up(n / CF_Q_BLOCK * sizeof(float), 64) +
           cf_round_up(n / CF_Q_BLOCK * 2 * sizeof(int32_t), 64);
}

/* Room for one thread, whatever the table. */
static size_t piece_scratch_size(const struct cf_matrix *w, int64_t n_rows)
{
    const size_t n_in = (size_t)w->n_in;
    if (w->layout == CF_TILES) {
        return is_many(w, n_rows) ? n_in * CF_TILE_OUTPUTS : 0;
    }
    size_t few = w->layout == CF_IN_OUT ? sizeof(float) * 2 * CF_FEW_ROWS * CF_SEGMENT : 0;
    if (!is_many(w, n_rows)) {
        return few;
    }
    size_t panel = n_in * CF_PANEL_MAX;
    size_t tile = sizeof(float) * (panel > CF_TILE_FLOATS ? panel : CF_TILE_FLOATS);
    size_t many = sizeof(float) * CF_SUPER_ROWS * CF_TILE_MAX + tile;
    return cf_round_up(few > many ? few : many, 64);
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
    void *scratch = job->scratch + (size_t)thread * job->scratch_size;
    if (job->is_many) {
        job->kernels->many(job, begin, end, scratch);
    } else {
        job->kernels->few(job, begin, end, scratch);
    }
}

/* Outputs that a piece should have a multiple of. */
static int64_t piece_grain(const struct cf_linear_job *job, int n_threads)
{
    if (job->w->layout == CF_TILES) {
        return CF_TILE_OUTPUTS;
    }
    if (job->is_many) {
        return job->kernels->panel;
    }
    if (job->w->layout == CF_OUT_IN) {
        return 16;
    }
    /* The file's rows run along the outputs, so long pieces read long runs; but the chains of all
     * rows of x should stay in the first cache. */
    int64_t grain = (int64_t)cf_round_up((size_t)((job->w->n_out - 1) / n_threads + 1), 64);
    int64_t most = job->n_rows <= 2   ? CF_SEGMENT
                   : job->n_rows <= 4 ? CF_SEGMENT / 2
                                      : CF_SEGMENT / 4;
    return grain < most ? grain : most;
}

void cf_linear(const struct cf_kernels *kernels, struct cf_pool *pool, const struct cf_matrix *w,
               const float *bias, enum cf_then then, const float *x, int64_t n_rows, float *y,
               void *scratch)
{
    assert(cf_linear_knows(w->dtype, w->layout));
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
    const int n_threads = cf_pool_n_threads(pool);
    if (w->layout == CF_TILES) {
        cf_pool_run(pool, prepare_rows, &job, n_rows, 4); /* a row takes a microsecond */
    } else if (job.is_many) {
        cf_pool_run(pool, prepare_rows, &job, n_rows, kernels->prepare_rows);
    }
    cf_pool_run(pool, linear_piece, &job, w->n_out, piece_grain(&job, n_threads));
}
