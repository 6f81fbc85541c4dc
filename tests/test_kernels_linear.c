/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_linear and cf_linear_gemm, on every instruction set that this CPU has: against sums in double,
 * and row by row bit for bit. */
#include "test_kernels.h"

enum { N_POOLS = 4, N_ROWS_MAX = 65 };

struct kind {
    enum cf_dtype dtype;
    enum cf_layout layout; /* in the file */
};

static bool is_block_type(enum cf_dtype dtype)
{
    return cf_dtype_n_block(dtype) > 1;
}

static const struct kind kinds[] = {
    {CF_F32, CF_OUT_IN},  {CF_F16, CF_OUT_IN},  {CF_BF16, CF_OUT_IN}, {CF_F32, CF_IN_OUT},
    {CF_F16, CF_IN_OUT},  {CF_BF16, CF_IN_OUT}, {CF_Q8_0, CF_OUT_IN}, {CF_Q4_0, CF_OUT_IN},
    {CF_Q4_1, CF_OUT_IN}, {CF_Q5_0, CF_OUT_IN}, {CF_Q5_1, CF_OUT_IN}, {CF_Q4_K, CF_OUT_IN},
    {CF_Q5_K, CF_OUT_IN}, {CF_Q6_K, CF_OUT_IN},
};

/* n_out, n_in; n_in is rounded up to whole blocks.  Nothing divides what the kernels like. */
static const int32_t shapes[][2] = {{1, 1}, {7, 3}, {19, 64}, {53, 77}, {145, 300}, {600, 31}};

static struct cf_pool *pools[N_POOLS];

static int pools_start(void **state)
{
    (void)state;
    for (int i = 0; i < N_POOLS; i++) {
        pools[i] = test_pool(i + 1);
    }
    return 0;
}

static int pools_end(void **state)
{
    (void)state;
    for (int i = 0; i < N_POOLS; i++) {
        cf_pool_free(pools[i]);
    }
    return 0;
}

static struct test_matrix matrix_of(const struct kind *kind, const int32_t *shape, uint64_t seed)
{
    const int32_t n_block = (int32_t)cf_dtype_n_block(kind->dtype);
    const int32_t n_in = (shape[1] + n_block - 1) / n_block * n_block;
    return test_matrix_make(kind->dtype, kind->layout, shape[0], n_in, seed);
}

/* What x looks like to the weights: to block types in 8 bits, block by block. */
static void activation_of(enum cf_dtype dtype, const float *x, int64_t n, double *seen)
{
    for (int64_t i = 0; i < n; i++) {
        seen[i] = (double)x[i];
    }
    for (int64_t b = 0; is_block_type(dtype) && b < n; b += 32) {
        float greatest = 0;
        for (int i = 0; i < 32; i++) {
            greatest = fmaxf(greatest, fabsf(x[b + i]));
        }
        float d = greatest / 127.0f;
        for (int i = 0; i < 32 && d > 0; i++) {
            seen[b + i] = (double)d * (double)nearbyintf(x[b + i] * (1.0f / d));
        }
    }
}

static void expect_row(const struct test_matrix *m, const float *bias, enum cf_then then,
                       const float *x, const float *before, const float *y)
{
    const int64_t n_in = m->w.n_in;
    double *seen = cf_calloc((size_t)n_in, sizeof *seen);
    activation_of(m->w.dtype, x, n_in, seen);
    for (int64_t out = 0; out < m->w.n_out; out++) {
        double sum = bias != NULL ? (double)bias[out] : 0;
        double size = fabs(sum) + 1;
        for (int64_t in = 0; in < n_in; in++) {
            double product = (double)m->exact[out * n_in + in] * seen[in];
            sum += product;
            size += fabs(product);
        }
        double expected = then == CF_THEN_STORE ? sum
                          : then == CF_THEN_ADD ? (double)before[out] + sum
                                                : test_gelu(sum, then == CF_THEN_GELU_ERF);
        if (!(fabs(expected - (double)y[out]) <= 3e-6 * size)) {
            fail_msg("output %d of %s: %.9g, expected %.9g", (int)out, cf_dtype_name(m->w.dtype),
                     (double)y[out], expected);
        }
    }
    free(seen);
}

static void linear__any_kind__matches_double(void **state)
{
    (void)state;
    static const int64_t row_counts[] = {1, 2, 3, 4, 7, 8, 9, 20};
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        const struct cf_kernels *kernels = cf_kernels_at(t);
        for (size_t i = 0; i < CF_ARRAY_SIZE(kinds) * CF_ARRAY_SIZE(shapes); i++) {
            const struct kind *kind = &kinds[i % CF_ARRAY_SIZE(kinds)];
            struct test_matrix m = matrix_of(kind, shapes[i / CF_ARRAY_SIZE(kinds)], i);
            const size_t n_out = (size_t)m.w.n_out;
            const size_t n_in = (size_t)m.w.n_in;
            const int64_t n_rows = row_counts[(i + t) % CF_ARRAY_SIZE(row_counts)];
            const enum cf_then then = (enum cf_then)(i % 4);
            struct cf_pool *pool = pools[i % N_POOLS];
            float *x = test_random_floats((size_t)n_rows * n_in, i + 1);
            float *before = test_random_floats((size_t)n_rows * n_out, i + 2);
            float *y = test_random_floats((size_t)n_rows * n_out, i + 2);
            float *bias = i % 3 == 0 ? NULL : test_random_floats(n_out, i + 3);
            void *scratch =
                cf_aligned_alloc(cf_linear_scratch_size(&m.w, n_rows, cf_pool_n_threads(pool)) + 1);
            cf_linear(kernels, pool, &m.w, bias, then, x, n_rows, y, scratch);
            for (int64_t r = 0; r < n_rows; r++) {
                expect_row(&m, bias, then, x + r * m.w.n_in, before + r * m.w.n_out,
                           y + r * m.w.n_out);
            }
            free(scratch);
            free(bias);
            free(y);
            free(before);
            free(x);
            test_matrix_release(&m);
        }
    }
}

/* Row r of the result of each way to compute it equals the row computed alone by one thread. */
static void expect_same_rows(const struct cf_kernels *kernels, const struct test_matrix *m,
                             enum cf_then then)
{
    static const int64_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 65};
    const int64_t n_in = m->w.n_in;
    const int64_t n_out = m->w.n_out;
    float *x = test_random_floats((size_t)(N_ROWS_MAX * n_in), 5);
    float *bias = test_random_floats((size_t)n_out, 6);
    float *alone = test_random_floats((size_t)(N_ROWS_MAX * n_out), 7);
    void *scratch = cf_aligned_alloc(cf_linear_scratch_size(&m->w, N_ROWS_MAX, N_POOLS));
    for (int64_t r = 0; r < N_ROWS_MAX; r++) {
        cf_linear(kernels, pools[0], &m->w, bias, then, x + r * n_in, 1, alone + r * n_out,
                  scratch);
    }
    for (size_t c = 0; c < CF_ARRAY_SIZE(counts); c++) {
        const int64_t n = counts[c];
        const int64_t first = (int64_t)(c * 7) % (N_ROWS_MAX - n + 1);
        for (int p = 0; p < N_POOLS; p++) {
            float *y = test_random_floats((size_t)(N_ROWS_MAX * n_out), 7);
            cf_linear(kernels, pools[p], &m->w, bias, then, x + first * n_in, n, y + first * n_out,
                      scratch);
            assert_memory_equal(y + first * n_out, alone + first * n_out,
                                (size_t)(n * n_out) * sizeof *y);
            free(y);
        }
    }
    free(scratch);
    free(alone);
    free(bias);
    free(x);
}

static void linear__row__depends_on_itself_alone(void **state)
{
    (void)state;
    static const int32_t odd[][2] = {{61, 67}, {35, 800}};
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (size_t k = 0; k < CF_ARRAY_SIZE(kinds); k++) {
            for (size_t s = 0; s < CF_ARRAY_SIZE(odd); s++) {
                struct test_matrix m = matrix_of(&kinds[k], odd[s], k + 11);
                expect_same_rows(cf_kernels_at(t), &m, k % 2 == 0 ? CF_THEN_ADD : CF_THEN_STORE);
                test_matrix_release(&m);
            }
        }
    }
}

/* The layout of the file and the width of the registers change no bit where the CPU has fused
 * multiply-add. */
static void linear__layouts_and_tables__agree(void **state)
{
    (void)state;
    enum { N_OUT = 61, N_IN = 300, N = 10 };
    float *x = test_random_floats(N * N_IN, 1);
    float first[N * N_OUT];
    float y[N * N_OUT];
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (int l = 0; l < 2; l++) {
            struct test_matrix m = test_matrix_make(CF_F32, CF_OUT_IN, N_OUT, N_IN, 3);
            struct cf_matrix w = m.w;
            float *turned = cf_aligned_alloc(sizeof(float) * N_OUT * N_IN);
            for (int i = 0; i < N_OUT * N_IN; i++) {
                turned[i % N_IN * N_OUT + i / N_IN] = m.exact[i];
            }
            if (l == 1) {
                struct cf_matrix columns = m.in_file;
                columns.layout = CF_IN_OUT;
                columns.data = turned;
                cf_tiles_make(pools[1], &columns, m.tiles);
            }
            void *scratch = cf_aligned_alloc(cf_linear_scratch_size(&w, N, 1));
            cf_linear(cf_kernels_at(t), pools[0], &w, NULL, CF_THEN_GELU_TANH, x, N, y, scratch);
            if (l == 0 && t <= 1) {
                memcpy(first, y, sizeof y);
            }
            assert_memory_equal(y, first, sizeof y);
            free(scratch);
            free(turned);
            test_matrix_release(&m);
        }
    }
    free(x);
}

static void linear__nan_and_infinity__stay_in_their_row(void **state)
{
    (void)state;
    enum { N_OUT = 21, N_IN = 256, N_ROWS = 20 };
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (size_t k = 0; k < CF_ARRAY_SIZE(kinds); k++) {
            for (int64_t n_rows = 3; n_rows <= N_ROWS; n_rows += N_ROWS - 3) {
                const int32_t shape[2] = {N_OUT, N_IN};
                struct test_matrix m = matrix_of(&kinds[k], shape, k);
                float *x = test_random_floats(N_ROWS * N_IN, 1);
                float y[N_ROWS * N_OUT];
                void *scratch = cf_aligned_alloc(cf_linear_scratch_size(&m.w, n_rows, 2));
                x[0 * N_IN + 63] = NAN;
                x[2 * N_IN + 5] = -INFINITY;
                cf_linear(cf_kernels_at(t), pools[1], &m.w, NULL, CF_THEN_STORE, x, n_rows, y,
                          scratch);
                for (int64_t i = 0; i < n_rows * N_OUT; i++) {
                    bool is_finite = isfinite(y[i]) != 0;
                    assert_int_equal(is_finite, i / N_OUT != 0 && i / N_OUT != 2);
                    assert_true(i / N_OUT != 0 || isnan(y[i]));
                }
                free(scratch);
                free(x);
                test_matrix_release(&m);
            }
        }
    }
}

static void linear__zero_rows__do_nothing(void **state)
{
    (void)state;
    struct test_matrix m = test_matrix_make(CF_F32, CF_OUT_IN, 3, 4, 1);
    float y = 7;
    cf_linear(cf_kernels_current(), pools[1], &m.w, NULL, CF_THEN_STORE, &y, 0, &y, &y);
    cf_linear_gemm(cf_kernels_current(), pools[1], &m.w, NULL, CF_THEN_STORE, &y, 0, 0, &y, &y);
    assert_true(y == 7);
    assert_false(cf_tiles_take(CF_Q8_0, CF_IN_OUT));
    assert_false(cf_tiles_take(CF_F16, CF_TILES));
    test_matrix_release(&m);
}

static void gemm__any_kind__matches_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_SIZE(kinds) * CF_ARRAY_SIZE(shapes); i++) {
        const struct kind *kind = &kinds[i % CF_ARRAY_SIZE(kinds)];
        if (is_block_type(kind->dtype)) {
            continue;
        }
        struct test_matrix m = matrix_of(kind, shapes[i / CF_ARRAY_SIZE(kinds)], i);
        const int64_t n_rows = 1 + (int64_t)(i * 13 % 70);
        const enum cf_then then = (enum cf_then)(i % 4);
        struct cf_pool *pool = pools[i % N_POOLS];
        const size_t n_y = (size_t)(n_rows * m.w.n_out);
        float *x = test_random_floats((size_t)(n_rows * m.w.n_in), i + 1);
        float *before = test_random_floats(n_y, i + 2);
        float *y = test_random_floats(n_y, i + 2);
        float *bias = test_random_floats((size_t)m.w.n_out, i + 3);
        void *scratch =
            cf_aligned_alloc(cf_linear_gemm_scratch_size(&m.w, cf_pool_n_threads(pool)));
        cf_linear_gemm(cf_kernels_current(), pool, &m.w, bias, then, x, n_rows, (int64_t)i, y,
                       scratch);
        for (int64_t r = 0; r < n_rows; r++) {
            expect_row(&m, bias, then, x + r * m.w.n_in, before + r * m.w.n_out, y + r * m.w.n_out);
        }
        free(scratch);
        free(bias);
        free(y);
        free(before);
        free(x);
        test_matrix_release(&m);
    }
}

/* However a timeline is cut into calls, and by however many threads, a position's result is the
 * same; this also holds for variants of OpenBLAS in which it depends on the place in the tile. */
static void gemm__row__depends_on_its_position_alone(void **state)
{
    (void)state;
    enum { N_OUT = 300, N_IN = 290, N = 150 };
    static const int64_t cuts[][5] = {{0, N, N, N, N}, {0, 37, 64, 100, N}, {0, 1, 2, 127, N}};
    for (size_t k = 0; k < CF_ARRAY_SIZE(kinds); k++) {
        if (is_block_type(kinds[k].dtype)) {
            continue;
        }
        struct test_matrix m = test_matrix_make(kinds[k].dtype, kinds[k].layout, N_OUT, N_IN, k);
        float *x = test_random_floats(N * N_IN, 1);
        float *whole = test_random_floats(N * N_OUT, 2);
        float *y = test_random_floats(N * N_OUT, 2);
        void *scratch = cf_aligned_alloc(cf_linear_gemm_scratch_size(&m.w, N_POOLS));
        for (size_t c = 0; c < CF_ARRAY_SIZE(cuts); c++) {
            for (int i = 0; i < 4; i++) {
                int64_t first = cuts[c][i];
                cf_linear_gemm(cf_kernels_current(), pools[c], &m.w, NULL, CF_THEN_STORE,
                               x + first * N_IN, cuts[c][i + 1] - first, first,
                               (c == 0 ? whole : y) + first * N_OUT, scratch);
            }
            if (c > 0) {
                assert_memory_equal(y, whole, sizeof(float) * N * N_OUT);
            }
        }
        free(scratch);
        free(y);
        free(whole);
        free(x);
        test_matrix_release(&m);
    }
}

int main(void)
{
    cf_kernels_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear__any_kind__matches_double),
        cmocka_unit_test(linear__row__depends_on_itself_alone),
        cmocka_unit_test(linear__layouts_and_tables__agree),
        cmocka_unit_test(linear__nan_and_infinity__stay_in_their_row),
        cmocka_unit_test(linear__zero_rows__do_nothing),
        cmocka_unit_test(gemm__any_kind__matches_double),
        cmocka_unit_test(gemm__row__depends_on_its_position_alone),
    };
    return cmocka_run_group_tests_name("kernels linear", tests, pools_start, pools_end);
}
