/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The number formats of files, to float32 and from it.  What a format has in one direction only, or
 * in none, says so by a NULL in the table.
 *
 * Source of the block formats: quantize_row_*_ref and dequantize_row_* of GGML's ggml-quants.c. */
#include "kernels/table.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"

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

/* Q8_0: a float16 scale d, then 32 signed bytes q; a value is d q. */
struct q8_0_block {
    uint16_t d;
    int8_t q[32];
};
static_assert(sizeof(struct q8_0_block) == 34, "no padding");

static void q8_0_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    const struct q8_0_block *blocks = from;
    for (size_t b = 0; b < n / 32; b++) {
        float d = cf_f16_to_f32(blocks[b].d);
        for (size_t i = 0; i < 32; i++) {
            to[32 * b + i] = d * (float)blocks[b].q[i];
        }
    }
}

/* As the reference: d = greatest / 127, halves away from zero.  What the reference leaves to chance
 * (a block with a NaN or infinity) gets the scale NaN. */
static void q8_0_narrow(const struct cf_kernels *kernels, const float *from, size_t n, void *to)
{
    (void)kernels;
    struct q8_0_block *blocks = to;
    for (size_t b = 0; b < n / 32; b++, from += 32) {
        float greatest = 0;
        bool is_finite = true;
        for (size_t i = 0; i < 32; i++) {
            float size = fabsf(from[i]);
            is_finite = is_finite && size <= 3.402823466e38f;
            greatest = size > greatest ? size : greatest;
        }
        float d = greatest / 127.0f;
        float inverse = is_finite && d >= 0x1p-126f ? 1.0f / d : 0.0f;
        blocks[b].d = is_finite ? cf_f32_to_f16(d) : 0x7e00;
        for (size_t i = 0; i < 32; i++) {
            blocks[b].q[i] = is_finite ? (int8_t)roundf(from[i] * inverse) : 0;
        }
    }
}

static const struct format {
    to_f32_fn *to_f32;
    from_f32_fn *from_f32;
} formats[] = {
    [CF_F32] = {f32_copy, f32_copy_back},
    [CF_F16] = {f16_widen, f16_narrow},
    [CF_BF16] = {bf16_widen, bf16_narrow},
    [CF_Q8_0] = {q8_0_widen, q8_0_narrow},
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
