/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LayerNorm, the GELUs, cf_add and the choice of a table, on every instruction set of this CPU. */
#include "test_kernels.h"

static void kernels__tables__are_found_by_name(void **state)
{
    (void)state;
    size_t n = 0;
    for (; cf_kernels_at(n) != NULL; n++) {
        const struct cf_kernels *kernels = cf_kernels_at(n);
        assert_ptr_equal(cf_kernels_find(cf_kernels_name(kernels)), kernels);
        cf_kernels_use(kernels);
        assert_ptr_equal(cf_kernels_current(), kernels);
    }
    cf_kernels_use(NULL);
    assert_ptr_equal(cf_kernels_current(), cf_kernels_at(n - 1));
    assert_string_equal(cf_kernels_name(cf_kernels_at(0)), "generic");
    assert_null(cf_kernels_find("mmx"));
    assert_null(cf_kernels_find(""));
}

static void expect_layer_norm(const float *x, int32_t n, const float *weight, const float *bias,
                              const float *y)
{
    double mean = 0;
    double variance = 0;
    for (int32_t i = 0; i < n; i++) {
        mean += (double)x[i] / n;
    }
    for (int32_t i = 0; i < n; i++) {
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / n;
    }
    for (int32_t i = 0; i < n; i++) {
        double expected = ((double)x[i] - mean) / sqrt(variance + (double)1e-5f);
        expected = expected * (double)weight[i] + (double)bias[i];
        if (!(fabs(expected - (double)y[i]) <= 2e-6 * (1 + fabs(expected)))) {
            fail_msg("%d of %d: %.9g, expected %.9g", i, n, (double)y[i], expected);
        }
    }
}

static void layer_norm__any_width__matches_double(void **state)
{
    (void)state;
    static const int32_t widths[] = {1, 2, 7, 8, 9, 31, 33, 64, 100, 768};
    enum { N_ROWS = 21, WIDTH_MAX = 768 };
    struct cf_pool *pools[2] = {test_pool(1), test_pool(2)};
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        const struct cf_kernels *kernels = cf_kernels_at(t);
        for (size_t c = 0; c < CF_ARRAY_SIZE(widths); c++) {
            const int32_t n = widths[c];
            float *x = test_random_floats((size_t)(N_ROWS * n), c);
            float *weight = test_random_floats((size_t)n, c + 1);
            float *bias = test_random_floats((size_t)n, c + 2);
            float *y = test_random_floats((size_t)(N_ROWS * n), c);
            float alone[WIDTH_MAX];
            for (int32_t i = 0; i < N_ROWS * n; i++) {
                x[i] = 3 * x[i] + 2;
            }
            cf_layer_norm(kernels, pools[c % 2], x, N_ROWS, n, weight, bias, 1e-5f, y);
            for (int32_t r = 0; r < N_ROWS; r++) {
                expect_layer_norm(x + r * n, n, weight, bias, y + r * n);
                cf_layer_norm(kernels, pools[0], x + r * n, 1, n, weight, bias, 1e-5f, alone);
                assert_memory_equal(alone, y + r * n, (size_t)n * sizeof *y);
            }
            cf_layer_norm(kernels, pools[1], x, N_ROWS, n, weight, bias, 1e-5f, x);
            assert_memory_equal(x, y, (size_t)(N_ROWS * n) * sizeof *y);
            free(x);
            free(weight);
            free(bias);
            free(y);
        }
    }
    cf_pool_free(pools[0]);
    cf_pool_free(pools[1]);
}

/* From -14 to 14 and beyond in steps, with the values where something ends. */
enum { N_GELU = 4001 };

static void gelu_inputs(float *x)
{
    static const float special[] = {0.0f,  -0.0f,  1e-30f, -1e-30f, 1e-40f, -1e-40f, 1e20f, -1e20f,
                                    3e38f, -3e38f, 13.19f, -13.19f, 40.0f,  -40.0f,  5.0f,  -5.0f};
    for (int i = 0; i < N_GELU; i++) {
        x[i] = (float)(i - N_GELU / 2) * (14.0f / (N_GELU / 2));
    }
    memcpy(x, special, sizeof special);
}

static void gelu__both_forms__match_double_in_any_lane(void **state)
{
    (void)state;
    float x[N_GELU];
    float y[N_GELU];
    float shifted[N_GELU];
    gelu_inputs(x);
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (int is_erf = 0; is_erf < 2; is_erf++) {
            void (*gelu)(const struct cf_kernels *, const float *, size_t, float *) =
                is_erf != 0 ? cf_gelu_erf : cf_gelu_tanh;
            gelu(cf_kernels_at(t), x, N_GELU, y);
            for (int i = 0; i < N_GELU; i++) {
                double expected = test_gelu((double)x[i], is_erf != 0);
                double bound = 4e-7 * fabs(expected) + 1e-7 * fmin(fabs((double)x[i]), 1);
                if (!(fabs(expected - (double)y[i]) <= bound)) {
                    fail_msg("gelu(%.9g): %.9g, expected %.9g", (double)x[i], (double)y[i],
                             expected);
                }
            }
            for (size_t first = 0; first < 9; first++) {
                gelu(cf_kernels_at(t), x + first, N_GELU - first, shifted);
                assert_memory_equal(shifted, y + first, (N_GELU - first) * sizeof *y);
            }
            const float beyond[3] = {NAN, INFINITY, -INFINITY};
            gelu(cf_kernels_at(t), beyond, 3, shifted);
            assert_true(isnan(shifted[0]) && shifted[1] == INFINITY && !isfinite(shifted[2]));
        }
    }
}

static void add__any_length__adds(void **state)
{
    (void)state;
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (size_t n = 0; n < 40; n++) {
            float *x = test_random_floats(n, n);
            float *y = test_random_floats(n, n + 1);
            float *before = test_random_floats(n, n + 1);
            cf_add(cf_kernels_at(t), y, x, n);
            for (size_t i = 0; i < n; i++) {
                assert_true(y[i] == before[i] + x[i]);
            }
            free(x);
            free(y);
            free(before);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels__tables__are_found_by_name),
        cmocka_unit_test(layer_norm__any_width__matches_double),
        cmocka_unit_test(gelu__both_forms__match_double_in_any_lane),
        cmocka_unit_test(add__any_length__adds),
    };
    return cmocka_run_group_tests_name("kernels rows", tests, NULL, NULL);
}
