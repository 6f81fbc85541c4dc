/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_linear: prepares the rows, then hands pieces of the outputs to the pool's threads. */
#include "kernels/table.h"

bool cf_linear_knows(enum cf_dtype dtype, enum cf_layout layout)
{
    switch (dtype) {
    case CF_F32:
    case CF_F16:
    case CF_BF16:
        return true;
    case CF_Q8_0:
        return layout == CF_OUT_IN;
    case CF_Q4_0:
    case CF_Q4_1:
    case CF_Q5_0:
    case CF_Q5_1:
    case CF_Q4_K:
    case CF_Q5_K:
    case CF_Q6_K:
        break;
    }
    return false;
}

/* Above how many rows the weights are packed in tiles: where that has been measured to be faster.
 */
static bool is_many(const struct cf_matrix *w, int64_t n_rows)
{
    return n_rows > (w->dtype == CF_Q8_0 ? 2 : CF_FEW_ROWS);
}

/* Room for the prepared rows, whatever the table. */
static size_t prepared_size(const struct cf_matrix *w, int64_t n_rows)
{
    const size_t n_in = (size_t)w->n_in;
    if (cf_dtype_n_block(w->dtype) == 1) {
        size_t n_padded = (size_t)n_rows + CF_TILE_ROWS_MAX - 1; /* tiles of any height */
        return is_many(w, n_rows) ? cf_round_up(n_padded * n_in * sizeof(float), 64) : 0;
    }
    size_t n_padded = (size_t)n_rows + (is_many(w, n_rows) ? CF_TILE_ROWS_MAX - 1 : 0);
    size_t n_scales = n_padded * (n_in / CF_Q_BLOCK);
    return cf_round_up(n_padded * n_in * 2, 64) + cf_round_up(n_scales * sizeof(float), 64);
}

/* Room for one thread, whatever the table. */
static size_t piece_scratch_size(const struct cf_matrix *w, int64_t n_rows)
{
    const size_t n_in = (size_t)w->n_in;
    const bool is_float = cf_dtype_n_block(w->dtype) == 1;
    size_t few = 0;
    if (is_float && w->layout == CF_IN_OUT) {
        few = sizeof(float) * 2 * CF_FEW_ROWS * CF_SEGMENT;
    }
    if (!is_many(w, n_rows)) {
        return few;
    }
    size_t tile = 0;
    if (is_float) {
        size_t panel = n_in * CF_PANEL_MAX;
        tile = sizeof(float) * (panel > CF_TILE_FLOATS ? panel : CF_TILE_FLOATS);
    } else { /* 16-bit values, and for each block a scale and perhaps a sum */
        tile = CF_PANEL_MAX * (n_in * 2 + n_in / CF_Q_BLOCK * 8);
    }
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
    if (job.is_many) {
        cf_pool_run(pool, prepare_rows, &job, n_rows, kernels->prepare_rows);
    } else if (cf_dtype_n_block(w->dtype) > 1) {
        cf_pool_run(pool, prepare_rows, &job, n_rows, 2); /* a row takes a microsecond */
    }
    cf_pool_run(pool, linear_piece, &job, w->n_out, piece_grain(&job, n_threads));
}
