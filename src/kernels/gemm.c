/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_linear_gemm: OpenBLAS in tiles of fixed shape. */
#include "kernels/table.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

enum { GEMM_COLUMNS = 128 };

struct gemm_job {
    const struct cf_kernels *kernels;
    const struct cf_matrix *w;
    const float *bias;
    const float *x;
    float *y;
    char *scratch;
    int64_t n_rows;
    int64_t offset; /* of the first row in its tile */
    enum cf_then then;
};

/* A thread's scratch. */
struct gemm_scratch {
    float *x;       /* [CF_GEMM_ROWS][n_in] */
    float *weights; /* [n_in][GEMM_COLUMNS] */
    float *result;  /* [CF_GEMM_ROWS][GEMM_COLUMNS] */
};

void cf_gemm_name(char *name, size_t capacity)
{
    /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
    char version[16] = "";
    (void)sscanf(openblas_get_config(), "OpenBLAS %15s", version);
    (void)snprintf(name, capacity, "%s %s", openblas_get_corename(), version);
}

static size_t gemm_thread_floats(const struct cf_matrix *w)
{
    return cf_round_up(
        (size_t)w->n_in * (CF_GEMM_ROWS + GEMM_COLUMNS) + CF_GEMM_ROWS * GEMM_COLUMNS, 16);
}

size_t cf_linear_gemm_scratch_size(const struct cf_matrix *w, int n_threads)
{
    return (size_t)n_threads * gemm_thread_floats(w) * sizeof(float);
}

/* The weights of GEMM_COLUMNS outputs from the given one on, a multiple of them, as float32
 * [n_in][GEMM_COLUMNS]; those beyond the last panel are left alone. */
static void gemm_weights(const struct gemm_job *job, int64_t output, float *to)
{
    const struct cf_matrix *w = job->w;
    const size_t step = CF_TILE_OUTPUTS * cf_dtype_block_size(w->dtype);
    const char *from = (const char *)w->data + (size_t)(output / CF_TILE_OUTPUTS * w->n_in) * step;
    for (int64_t g = 0; g < GEMM_COLUMNS && output + g < w->n_out; g += CF_TILE_OUTPUTS) {
        for (int64_t k = 0; k < w->n_in; k++, from += step) {
            cf_to_f32(job->kernels, w->dtype, from, CF_TILE_OUTPUTS, to + k * GEMM_COLUMNS + g);
        }
    }
}

/* Rows [row, row + n) of x stand in rows [place, place + n) of a tile whose other rows are 0. */
static const float *gemm_rows(const struct gemm_job *job, int64_t row, int64_t n, int64_t place,
                              float *scratch)
{
    const int64_t n_in = job->w->n_in;
    const float *x = job->x + row * n_in;
    if (n == CF_GEMM_ROWS) {
        return x;
    }
    memset(scratch, 0, (size_t)(CF_GEMM_ROWS * n_in) * sizeof *scratch);
    memcpy(scratch + place * n_in, x, (size_t)(n * n_in) * sizeof *scratch);
    return scratch;
}

static void gemm_columns(const struct gemm_job *job, int64_t output,
                         const struct gemm_scratch *scratch)
{
    const struct cf_matrix *w = job->w;
    const int64_t n = w->n_out - output < GEMM_COLUMNS ? w->n_out - output : GEMM_COLUMNS;
    const float *bias = job->bias != NULL ? job->bias + output : NULL;
    gemm_weights(job, output, scratch->weights);
    int64_t place = job->offset;
    for (int64_t row = 0; row < job->n_rows;) {
        int64_t left = job->n_rows - row;
        int64_t n_rows = left < CF_GEMM_ROWS - place ? left : CF_GEMM_ROWS - place;
        const float *x = gemm_rows(job, row, n_rows, place, scratch->x);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, CF_GEMM_ROWS, (blasint)n,
                    (blasint)w->n_in, 1.0f, x, (blasint)w->n_in, scratch->weights, GEMM_COLUMNS,
                    0.0f, scratch->result, GEMM_COLUMNS);
        for (int64_t r = 0; r < n_rows; r++) {
            job->kernels->finish(job->then, scratch->result + (place + r) * GEMM_COLUMNS, bias,
                                 (size_t)n, job->y + (row + r) * w->n_out + output);
        }
        row += n_rows;
        place = 0;
    }
}

static void gemm_piece(void *ctx, int64_t begin, int64_t end, int thread)
{
    const struct gemm_job *job = ctx;
    const size_t n_in = (size_t)job->w->n_in;
    struct gemm_scratch scratch;
    scratch.x = (float *)(void *)job->scratch + (size_t)thread * gemm_thread_floats(job->w);
    scratch.weights = scratch.x + n_in * CF_GEMM_ROWS;
    scratch.result = scratch.weights + n_in * GEMM_COLUMNS;
    for (int64_t output = begin; output < end; output += GEMM_COLUMNS) {
        gemm_columns(job, output, &scratch);
    }
}

void cf_linear_gemm(const struct cf_kernels *kernels, struct cf_pool *pool,
                    const struct cf_matrix *w, const float *bias, enum cf_then then, const float *x,
                    int64_t n_rows, int64_t first_row, float *y, void *scratch)
{
    assert(cf_dtype_n_block(w->dtype) == 1 && w->layout == CF_TILES && first_row >= 0);
    if (n_rows <= 0) {
        return;
    }
    struct gemm_job job = {.kernels = kernels,
                           .w = w,
                           .bias = bias,
                           .x = x,
                           .y = y,
                           .scratch = scratch,
                           .n_rows = n_rows,
                           .offset = first_row % CF_GEMM_ROWS,
                           .then = then};
    cf_pool_run(pool, gemm_piece, &job, w->n_out, GEMM_COLUMNS);
}
