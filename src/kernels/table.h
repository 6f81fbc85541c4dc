/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table: what an instruction set's file gives to the rest of the room.
 *
 * The orders of summation, the same in every table, and in every table with fused multiply-add bit
 * for bit the same result:
 *   float weights   one output is a chain of x[k] * w[k] + sum over CF_SUM_BLOCK values of k in
 *                   ascending order, begun at 0; the chains' results are added up in order
 *   block types     one output is a chain over blocks of 32 in ascending order, begun at 0: (dw *
 *                   dx) * isum + sum, then for types with a minimum m * (dx * xsum) + sum; isum and
 *                   xsum are exact integers, dw and m exact float32 numbers
 *   attention       see body_attend.h; eight lanes on every instruction set
 * The bias is added last. */
#ifndef CF_KERNELS_TABLE_H
#define CF_KERNELS_TABLE_H

#include "kernels/kernels.h"
#include "kernels/tiles.h"

enum {
    CF_SUM_BLOCK = 256,
    CF_FEW_ROWS = 8,         /* up to so many rows float weights are used as they are */
    CF_TILES_FEW_ROWS = 15,  /* the same for block types */
    CF_SUPER_ROWS = 96,      /* rows that go through some panels of float weights at a time */
    CF_PANEL_FLOATS = 65536, /* that those panels should have at the most, to stay in the cache */
    CF_PANELS_MAX = 9,
    CF_TILE_ROWS_MAX = 16, /* most rows in a register tile of any table */
    CF_ATTEND_ROWS = 4,
    CF_Q_BLOCK = 32, /* values that share a scale in quantised activations */
};

/* One cf_linear.  x, y and w as there. */
struct cf_linear_job {
    const struct cf_kernels *kernels;
    const struct cf_matrix *w;
    const float *bias;
    enum cf_then then;
    const float *x;
    float *y;
    int64_t n_rows;
    bool is_many;
    void *prepared; /* what prepare made of x; block types */
    char *scratch;  /* n_threads pieces of scratch_size */
    size_t scratch_size;
};

/* Where prepare puts quantised activations. */
struct cf_quantised {
    int8_t *values; /* [n_rows][n_in] */
    float *scales;  /* [n_rows][n_in / 32] */
    int32_t *sums;  /* [n_rows][n_in / 32][2]: of the values of each half of a block */
};

struct cf_attend_job {
    const struct cf_kernels *kernels;
    const struct cf_attention *attention;
    const struct cf_query *rows;
    int64_t n_rows;
    float *scratch; /* CF_ATTEND_ROWS rows of n_scores for each thread */
    int64_t n_scores;
};

struct cf_kernels {
    const char *name;
    /* Rows [begin, end) of x, for block types. */
    void (*prepare)(const struct cf_linear_job *job, int64_t begin, int64_t end);
    /* Outputs [begin, end) of all rows, begin a multiple of CF_TILE_OUTPUTS. */
    void (*linear)(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch);
    /* One head of rows [row, row + n), n <= CF_ATTEND_ROWS, which share k and v when n > 1. */
    void (*attend)(const struct cf_attend_job *job, int32_t head, int64_t row, int64_t n,
                   float *scores);
    void (*layer_norm)(const float *x, int32_t n, const float *weight, const float *bias,
                       float epsilon, float *y);
    /* y[i] = then(sums[i] + bias[i]), n elements; bias may be NULL. */
    void (*finish)(enum cf_then then, const float *sums, const float *bias, size_t n, float *y);
    void (*f16_to_f32)(const uint16_t *from, size_t n, float *to);
    void (*f32_to_f16)(const float *from, size_t n, uint16_t *to);
};

extern const struct cf_kernels cf_kernels_generic;
#if defined(__x86_64__)
extern const struct cf_kernels cf_kernels_avx2;
extern const struct cf_kernels cf_kernels_avx512;
#elif defined(__aarch64__)
extern const struct cf_kernels cf_kernels_neon;
#endif

static inline size_t cf_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Of float weights the panels that many rows go through together. */
static inline int64_t cf_float_panels(int64_t n_in)
{
    int64_t n = CF_PANEL_FLOATS / CF_TILE_OUTPUTS / n_in;
    return n < 1 ? 1 : n > CF_PANELS_MAX ? CF_PANELS_MAX : n;
}

/* Floats for the sums of one piece. */
static inline size_t cf_float_sums(bool is_many)
{
    return is_many ? CF_SUPER_ROWS * CF_PANELS_MAX * CF_TILE_OUTPUTS
                   : CF_FEW_ROWS * CF_TILE_OUTPUTS;
}

#endif
