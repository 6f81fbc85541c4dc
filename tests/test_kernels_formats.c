/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Number formats: every float16, rounding, and Q8_0 as GGML's reference makes it. */
#include "test_kernels.h"

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double f16_value(uint32_t half)
{
    int exponent = (int)(half >> 10 & 31);
    double fraction = (double)(half & 1023) / 1024;
    double size = exponent == 0 ? ldexp(fraction, -14) : ldexp(1 + fraction, exponent - 15);
    return (half & 0x8000) != 0 ? -size : size;
}

enum { N_HALVES = 65536 };

static void f16__all_values__widen_exactly_and_return(void **state)
{
    (void)state;
    static uint16_t halves[N_HALVES];
    static uint16_t again[N_HALVES];
    static float wide[N_HALVES];
    for (size_t i = 0; i < N_HALVES; i++) {
        halves[i] = (uint16_t)i;
    }
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        cf_to_f32(cf_kernels_at(t), CF_F16, halves, N_HALVES, wide);
        cf_from_f32(cf_kernels_at(t), CF_F16, wide, N_HALVES, again);
        for (uint32_t i = 0; i < N_HALVES; i++) {
            if ((i & 0x7c00) != 0x7c00) {
                assert_true((double)wide[i] == f16_value(i));
                assert_int_equal(signbit(wide[i]) != 0, i >> 15);
                assert_int_equal(again[i], i);
            } else if ((i & 0x3ff) == 0) {
                assert_true(wide[i] == ((i & 0x8000) != 0 ? -INFINITY : INFINITY));
                assert_int_equal(again[i], i);
            } else { /* quiet, with sign and payload */
                assert_int_equal(bits_of(wide[i]),
                                 (i & 0x8000) << 16 | 0x7fc00000 | (i & 0x3ff) << 13);
                assert_int_equal(again[i], i | 0x200);
            }
        }
    }
}

/* Around each float16 h and the midpoint to its neighbour. */
static void f16__halfway__rounds_to_even(void **state)
{
    (void)state;
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (uint32_t h = 0; h < 0x7c00; h += 8) {
            float values[24];
            uint16_t halves[24];
            for (uint32_t i = 0; i < 8; i++) {
                double next = h + i + 1 == 0x7c00 ? 65536 : f16_value(h + i + 1);
                float middle = (float)((f16_value(h + i) + next) / 2); /* exact */
                values[i] = middle;
                values[8 + i] = -nextafterf(middle, 0);
                values[16 + i] = nextafterf(middle, INFINITY);
            }
            cf_from_f32(cf_kernels_at(t), CF_F16, values, 24, halves);
            for (uint32_t i = 0; i < 8; i++) {
                assert_int_equal(halves[i], (h + i + 1) & ~1u);
                assert_int_equal(halves[8 + i], (h + i) | 0x8000);
                assert_int_equal(halves[16 + i], h + i + 1);
            }
        }
        const float beyond[5] = {65520, -1e30f, INFINITY, -INFINITY, 1e-30f};
        const uint16_t expected[5] = {0x7c00, 0xfc00, 0x7c00, 0xfc00, 0};
        uint16_t halves[5];
        cf_from_f32(cf_kernels_at(t), CF_F16, beyond, 5, halves);
        assert_memory_equal(halves, expected, sizeof expected);
    }
}

static void f16__tables__agree_on_every_length(void **state)
{
    (void)state;
    for (size_t t = 0; cf_kernels_at(t) != NULL; t++) {
        for (size_t n = 0; n < 30; n++) {
            float *values = test_random_floats(n, n);
            uint16_t first[30];
            uint16_t halves[31] = {0};
            float wide[31];
            halves[n] = 0x1234;
            wide[n] = 7;
            cf_from_f32(cf_kernels_at(0), CF_F16, values, n, first);
            cf_from_f32(cf_kernels_at(t), CF_F16, values, n, halves);
            assert_memory_equal(halves, first, n * sizeof *first);
            cf_to_f32(cf_kernels_at(t), CF_F16, halves, n, wide);
            assert_true(halves[n] == 0x1234 && wide[n] == 7);
            for (size_t i = 0; i < n; i++) {
                assert_true((double)wide[i] == f16_value(halves[i]));
            }
            free(values);
        }
    }
}

static void bf16__all_values__widen_exactly_and_round_to_even(void **state)
{
    (void)state;
    const struct cf_kernels *kernels = cf_kernels_current();
    for (uint32_t i = 0; i < N_HALVES; i++) {
        uint16_t half = (uint16_t)i;
        uint16_t rounded[4];
        float wide;
        cf_to_f32(kernels, CF_BF16, &half, 1, &wide);
        assert_int_equal(bits_of(wide), i << 16);
        if (isnan(wide)) {
            cf_from_f32(kernels, CF_BF16, &wide, 1, rounded);
            assert_int_equal(rounded[0], i | 0x40);
            continue;
        }
        const float near[4] = {wide, float_of(i << 16 | 0x7fff), float_of(i << 16 | 0x8000),
                               float_of(i << 16 | 0x8001)};
        cf_from_f32(kernels, CF_BF16, near, 4, rounded);
        assert_int_equal(rounded[0], i);
        if ((i & 0x7f80) != 0x7f80) {
            assert_int_equal(rounded[1], i);
            assert_int_equal(rounded[2], (i + 1) & ~1u);
            assert_int_equal(rounded[3], i + 1);
        }
    }
}

struct q8_0 {
    uint16_t d;
    int8_t q[32];
};

/* quantize_row_q8_0_ref of ggml-quants.c, written out. */
static void q8_0__blocks__are_those_of_the_reference(void **state)
{
    (void)state;
    enum { N_BLOCKS = 50 };
    float *x = test_random_floats(N_BLOCKS * 32, 3);
    struct q8_0 blocks[N_BLOCKS];
    float wide[N_BLOCKS * 32];
    for (size_t i = 0; i < 32; i++) {
        x[i] = 0;
        x[32 + i] = i < 2 ? -127.0f : (float)i - 15.5f; /* d = 1: halves away from zero */
        x[64 + i] *= 1e-3f;
    }
    cf_from_f32(cf_kernels_current(), CF_Q8_0, x, N_BLOCKS * 32, blocks);
    cf_to_f32(cf_kernels_current(), CF_Q8_0, blocks, N_BLOCKS * 32, wide);
    for (size_t b = 0; b < N_BLOCKS; b++) {
        float greatest = 0;
        for (size_t i = 0; i < 32; i++) {
            greatest = fmaxf(greatest, fabsf(x[32 * b + i]));
        }
        const float d = greatest / 127.0f;
        const float inverse = d != 0 ? 1.0f / d : 0.0f;
        uint16_t half;
        cf_from_f32(cf_kernels_at(0), CF_F16, &d, 1, &half);
        assert_int_equal(blocks[b].d, half);
        for (size_t i = 0; i < 32; i++) {
            assert_int_equal(blocks[b].q[i], (int8_t)roundf(x[32 * b + i] * inverse));
            assert_true((double)wide[32 * b + i] == f16_value(half) * blocks[b].q[i]);
        }
    }
    assert_int_equal(blocks[1].q[2], -14); /* -13.5 */
    assert_int_equal(blocks[1].q[16], 1);  /* 0.5 */
    free(x);
}

static void q8_0__nan_and_extremes__are_defined(void **state)
{
    (void)state;
    float x[4 * 32] = {0};
    struct q8_0 blocks[4];
    float wide[4 * 32];
    x[3] = NAN;
    x[32 + 4] = INFINITY;
    x[64 + 5] = 1e-42f;
    x[96 + 6] = -3.4e38f;
    cf_from_f32(cf_kernels_current(), CF_Q8_0, x, 4 * 32, blocks);
    cf_to_f32(cf_kernels_current(), CF_Q8_0, blocks, 4 * 32, wide);
    assert_true(isnan(wide[0]) && isnan(wide[32 + 4]));
    assert_true(wide[64 + 5] == 0);
    assert_true(wide[96 + 6] == -INFINITY);
}

static void matrix_row__any_type__is_the_embedding(void **state)
{
    (void)state;
    static const enum cf_dtype dtypes[] = {CF_F32, CF_F16, CF_BF16, CF_Q8_0};
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtypes); i++) {
        struct test_matrix m = test_matrix_make(dtypes[i], CF_OUT_IN, 5, 96, i);
        for (int32_t r = 0; r < 5; r++) {
            float row[96];
            assert_true(cf_to_f32_knows(dtypes[i]) && cf_from_f32_knows(dtypes[i]));
            cf_matrix_row(cf_kernels_current(), &m.in_file, r, row);
            assert_memory_equal(row, m.exact + r * 96, sizeof row);
            memset(row, 0, sizeof row);
            cf_matrix_row(cf_kernels_current(), &m.w, r, row);
            assert_memory_equal(row, m.exact + r * 96, sizeof row);
        }
        test_matrix_release(&m);
    }
    assert_false(cf_to_f32_knows((enum cf_dtype)4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16__all_values__widen_exactly_and_return),
        cmocka_unit_test(f16__halfway__rounds_to_even),
        cmocka_unit_test(f16__tables__agree_on_every_length),
        cmocka_unit_test(bf16__all_values__widen_exactly_and_round_to_even),
        cmocka_unit_test(q8_0__blocks__are_those_of_the_reference),
        cmocka_unit_test(q8_0__nan_and_extremes__are_defined),
        cmocka_unit_test(matrix_row__any_type__is_the_embedding),
    };
    return cmocka_run_group_tests_name("kernels formats", tests, NULL, NULL);
}
