/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The number formats of files, to float32 and from it.  What a format has in one direction only, or
 * in none, says so by a NULL in the table. */
#include "kernels/formats.h"

#include <string.h>

#include "kernels/half.h"
#include "kernels/table.h"

typedef void to_f32_fn(const struct cf_kernels *kernels, const void *from, size_t n, float *to);
typedef void from_f32_fn(const struct cf_kernels *kernels, const float *from, size_t n, void *to);

static void f32_copy(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    memcpy(to, from, n * sizeof *to);
}

static void f32_copy_back(const struct cf_kernels *kernels, const float *from, size_t n, void *to)
{
    (void)kernels;
    memcpy(to, from, n * sizeof *from);
}

static void f16_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    kernels->f16_to_f32(from, n, to);
}

static void f16_narrow(const struct cf_kernels *kernels, const float *from, size_t n, void *to)
{
    kernels->f32_to_f16(from, n, to);
}

static void bf16_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    const uint16_t *halves = from;
    for (size_t i = 0; i < n; i++) {
        to[i] = cf_bf16_to_f32(halves[i]);
    }
}

static void bf16_narrow(const struct cf_kernels *kernels, const float *from, size_t n, void *to)
{
    (void)kernels;
    uint16_t *halves = to;
    for (size_t i = 0; i < n; i++) {
        halves[i] = cf_f32_to_bf16(from[i]);
    }
}

static const struct format {
    to_f32_fn *to_f32;
    from_f32_fn *from_f32;
} formats[] = {
    [CF_F32] = {f32_copy, f32_copy_back},        [CF_F16] = {f16_widen, f16_narrow},
    [CF_BF16] = {bf16_widen, bf16_narrow},       [CF_Q4_0] = {cf_q4_0_widen, cf_q4_0_narrow},
    [CF_Q4_1] = {cf_q4_1_widen, cf_q4_1_narrow}, [CF_Q5_0] = {cf_q5_0_widen, cf_q5_0_narrow},
    [CF_Q5_1] = {cf_q5_1_widen, cf_q5_1_narrow}, [CF_Q8_0] = {cf_q8_0_widen, cf_q8_0_narrow},
    [CF_Q4_K] = {cf_q4_k_widen, NULL},           [CF_Q5_K] = {cf_q5_k_widen, NULL},
    [CF_Q6_K] = {cf_q6_k_widen, NULL},
};

static struct format format_of(enum cf_dtype dtype)
{
    return (size_t)dtype < CF_ARRAY_SIZE(formats) ? formats[dtype] : (struct format){0};
}

bool cf_to_f32_knows(enum cf_dtype dtype)
{
    return format_of(dtype).to_f32 != NULL;
}

bool cf_from_f32_knows(enum cf_dtype dtype)
{
    return format_of(dtype).from_f32 != NULL;
}

void cf_to_f32(const struct cf_kernels *kernels, enum cf_dtype dtype, const void *from, size_t n,
               float *to)
{
    assert(cf_to_f32_knows(dtype) && n % cf_dtype_n_block(dtype) == 0);
    format_of(dtype).to_f32(kernels, from, n, to);
}

void cf_from_f32(const struct cf_kernels *kernels, enum cf_dtype dtype, const float *from, size_t n,
                 void *to)
{
    assert(cf_from_f32_knows(dtype) && n % cf_dtype_n_block(dtype) == 0);
    format_of(dtype).from_f32(kernels, from, n, to);
}
