/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the kernels share: numbers that look random and matrices of every kind. */
#ifndef TEST_KERNELS_H
#define TEST_KERNELS_H

#include "test.h"

#include <math.h>

#include "kernels/kernels.h"
#include "mem.h"
#include "random.h"

/* n numbers in [-1, 1), aligned to 64 bytes. */
static inline float *test_random_floats(size_t n, uint64_t seed)
{
    struct test_random random = {.state = seed};
    float *values = cf_aligned_alloc(n * sizeof *values + 1);
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(int32_t)(test_random_next(&random) >> 32) * 0x1p-31f;
    }
    return values;
}

struct test_matrix {
    struct cf_matrix w;       /* in tiles */
    struct cf_matrix in_file; /* in the layout that was asked for */
    void *data;
    void *tiles;
    float *exact; /* the elements widened, [n_out][n_in] */
};

/* Blocks of a K type, which nothing here can make from numbers: random bits, but for the float16
 * scales, which are small numbers of either sign. */
static inline void test_fill_k_blocks(enum cf_dtype dtype, size_t n, uint64_t seed, void *data)
{
    struct test_random random = {.state = seed};
    const size_t size = cf_dtype_block_size(dtype);
    unsigned char *block = data;
    for (size_t b = 0; b < n / 256; b++, block += size) {
        for (size_t i = 0; i < size; i++) {
            block[i] = (unsigned char)(test_random_next(&random) >> 40);
        }
        unsigned char *scales = block + (dtype == CF_Q6_K ? 208 : 0);
        for (size_t i = 0; i < (dtype == CF_Q6_K ? 1u : 2u); i++) {
            scales[2 * i + 1] = (unsigned char)((scales[2 * i + 1] & 0x83) | 0x10); /* 2^-11 */
        }
    }
}

/* The memory is exactly as large as the matrix, so that sanitizers see a read beyond it. */
static inline struct test_matrix test_matrix_make(enum cf_dtype dtype, enum cf_layout layout,
                                                  int32_t n_out, int32_t n_in, uint64_t seed)
{
    const struct cf_kernels *kernels = cf_kernels_at(0);
    struct test_matrix m = {.tiles = NULL};
    const size_t n = (size_t)n_out * (size_t)n_in;
    float *values = test_random_floats(n, seed);
    m.data = malloc(cf_dtype_row_size(dtype, n));
    if (cf_from_f32_knows(dtype)) {
        cf_from_f32(kernels, dtype, values, n, m.data);
    } else {
        test_fill_k_blocks(dtype, n, seed, m.data);
    }
    cf_to_f32(kernels, dtype, m.data, n, values);
    m.exact = values;
    if (layout == CF_IN_OUT) {
        m.exact = cf_aligned_alloc(n * sizeof *m.exact);
        for (size_t in = 0; in < (size_t)n_in; in++) {
            for (size_t out = 0; out < (size_t)n_out; out++) {
                m.exact[out * (size_t)n_in + in] = values[in * (size_t)n_out + out];
            }
        }
        free(values);
    }
    m.in_file = (struct cf_matrix){
        .data = m.data, .dtype = dtype, .layout = layout, .n_out = n_out, .n_in = n_in};
    struct cf_pool *pool = NULL;
    assert_true(cf_tiles_take(dtype, layout));
    assert_int_equal(cf_pool_new(&pool, 1, NULL), CF_OK);
    m.tiles = cf_aligned_alloc(cf_tiles_size(dtype, n_out, n_in));
    cf_tiles_make(pool, &m.in_file, m.tiles);
    m.w = m.in_file;
    m.w.layout = CF_TILES;
    m.w.data = m.tiles;
    cf_pool_free(pool);
    return m;
}

static inline void test_matrix_release(struct test_matrix *m)
{
    free(m->data);
    free(m->tiles);
    free(m->exact);
}

static inline struct cf_pool *test_pool(int n_threads)
{
    struct cf_pool *pool = NULL;
    assert_int_equal(cf_pool_new(&pool, n_threads, NULL), CF_OK);
    return pool;
}

static inline double test_gelu(double x, bool is_erf)
{
    return is_erf ? 0.5 * x * (1 + erf(x / sqrt(2)))
                  : 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

#endif
