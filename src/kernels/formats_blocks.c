/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/formats.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/table.h"

enum { F16_NAN = 0x7e00 };

/* ---- Q8_0: a float16 scale d, then 32 signed bytes q; a value is d q ---- */

struct q8_0_block {
    uint16_t d;
    int8_t q[32];
};
static_assert(sizeof(struct q8_0_block) == 34, "no padding");

void cf_q8_0_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
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

/* What a block of 32 values ranges over. */
struct range {
    float least, greatest;
    float farthest; /* the first of the largest size, with its sign */
    bool is_finite;
};

static struct range range_of(const float *values)
{
    struct range range = {.least = values[0], .greatest = values[0], .is_finite = true};
    for (size_t i = 0; i < 32; i++) {
        float value = values[i];
        range.is_finite = range.is_finite && fabsf(value) <= 3.402823466e38f;
        range.least = value < range.least ? value : range.least;
        range.greatest = value > range.greatest ? value : range.greatest;
        range.farthest = fabsf(value) > fabsf(range.farthest) ? value : range.farthest;
    }
    return range;
}

static float inverse_of(float d)
{
    return fabsf(d) >= 0x1p-126f ? 1.0f / d : 0.0f;
}

/* d = greatest / 127, halves away from zero. */
void cf_q8_0_narrow(const struct cf_kernels *kernels, const float *from, size_t n, void *to)
{
    (void)kernels;
    struct q8_0_block *blocks = to;
    for (size_t b = 0; b < n / 32; b++, from += 32) {
        struct range range = range_of(from);
        float d = fabsf(range.farthest) / 127.0f;
        float inverse = range.is_finite ? inverse_of(d) : 0.0f;
        blocks[b].d = range.is_finite ? cf_f32_to_f16(d) : F16_NAN;
        for (size_t i = 0; i < 32; i++) {
            blocks[b].q[i] = range.is_finite ? (int8_t)roundf(from[i] * inverse) : 0;
        }
    }
}

/* ---- Q4_0, Q4_1, Q5_0, Q5_1 ---- */

/* A float16 scale d, with has_min a float16 minimum m, with five bits 32 fifth bits, then 16 bytes:
 * value i stands in the lower half of byte i, value i + 16 in the upper.  A value is d q + m, or d
 * (q - 2^(n_bits - 1)) without a minimum. */
struct small_format {
    int n_bits;
    bool has_min;
};

static size_t small_size(struct small_format format)
{
    return 18 + (format.has_min ? 2u : 0) + (format.n_bits == 5 ? 4u : 0);
}

static void small_widen(struct small_format format, const void *from, size_t n, float *to)
{
    const uint8_t *block = from;
    for (size_t b = 0; b < n / 32; b++, block += small_size(format), to += 32) {
        const uint8_t *q = block + small_size(format) - 16;
        uint16_t half;
        uint32_t fifth = 0;
        memcpy(&half, block, sizeof half);
        float d = cf_f16_to_f32(half);
        float m = 0;
        if (format.has_min) {
            memcpy(&half, block + 2, sizeof half);
            m = cf_f16_to_f32(half);
        }
        if (format.n_bits == 5) {
            memcpy(&fifth, q - 4, sizeof fifth);
        }
        int offset = format.has_min ? 0 : 1 << (format.n_bits - 1);
        for (int i = 0; i < 32; i++) {
            int value = (q[i % 16] >> (i / 16 * 4) & 15) | (int)(fifth >> i & 1) << 4;
            to[i] = d * (float)(value - offset) + m;
        }
    }
}

static void small_narrow(struct small_format format, const float *from, size_t n, void *to)
{
    uint8_t *block = to;
    const int most = (1 << format.n_bits) - 1;
    const float offset = format.has_min ? 0.5f : (float)(1 << (format.n_bits - 1)) + 0.5f;
    for (size_t b = 0; b < n / 32; b++, block += small_size(format), from += 32) {
        uint8_t *q = block + small_size(format) - 16;
        struct range range = range_of(from);
        float m = format.has_min ? range.least : 0;
        float d = format.has_min ? (range.greatest - range.least) / (float)most
                                 : range.farthest / (float)-(1 << (format.n_bits - 1));
        float inverse = range.is_finite ? inverse_of(d) : 0.0f;
        uint16_t halves[2] = {range.is_finite ? cf_f32_to_f16(d) : F16_NAN, cf_f32_to_f16(m)};
        uint32_t fifth = 0;
        memset(q, 0, 16);
        memcpy(block, halves, format.has_min ? 4 : 2);
        for (int i = 0; i < 32 && range.is_finite; i++) {
            int value = (int)((from[i] - m) * inverse + offset);
            value = value < most ? value : most;
            q[i % 16] |= (uint8_t)((value & 15) << (i / 16 * 4));
            fifth |= (uint32_t)(value >> 4) << i;
        }
        if (format.n_bits == 5) {
            memcpy(q - 4, &fifth, sizeof fifth);
        }
    }
}

#define SMALL(name, n_bits, has_min)                                                               \
    void cf_##name##_widen(const struct cf_kernels *kernels, const void *from, size_t n,           \
                           float *to)                                                              \
    {                                                                                              \
        (void)kernels;                                                                             \
        small_widen((struct small_format){n_bits, has_min}, from, n, to);                          \
    }                                                                                              \
    void cf_##name##_narrow(const struct cf_kernels *kernels, const float *from, size_t n,         \
                            void *to)                                                              \
    {                                                                                              \
        (void)kernels;                                                                             \
        small_narrow((struct small_format){n_bits, has_min}, from, n, to);                         \
    }
SMALL(q4_0, 4, false)
SMALL(q4_1, 4, true)
SMALL(q5_0, 5, false)
SMALL(q5_1, 5, true)
#undef SMALL

/* ---- K types: 256 values in eight sub-blocks of 32, or sixteen of 16 ---- */

enum { K_BLOCK = 256 };

/* The 6-bit scale and minimum of sub-block b out of 12 bytes. */
static void k_scales(const uint8_t *packed, int b, int *scale, int *min)
{
    if (b < 4) {
        *scale = packed[b] & 63;
        *min = packed[b + 4] & 63;
    } else {
        *scale = (packed[b + 4] & 15) | packed[b - 4] >> 6 << 4;
        *min = packed[b + 4] >> 4 | packed[b] >> 6 << 4;
    }
}

/* float16 d and dmin, 12 bytes of scales, with five bits 32 bytes of fifth bits, 128 of nibbles; a
 * value is d scale q - dmin min. */
static void q45_k_widen(bool has_fifth, const void *from, size_t n, float *to)
{
    const uint8_t *block = from;
    const size_t size = has_fifth ? 176 : 144;
    for (; n > 0; n -= K_BLOCK, block += size) {
        const uint8_t *fifth = block + 16;
        const uint8_t *nibbles = block + size - 128;
        uint16_t halves[2];
        memcpy(halves, block, sizeof halves);
        for (int b = 0; b < 8; b++) {
            int scale;
            int min;
            k_scales(block + 4, b, &scale, &min);
            float d = cf_f16_to_f32(halves[0]) * (float)scale;
            float m = cf_f16_to_f32(halves[1]) * (float)min;
            for (int i = 0; i < 32; i++) {
                int q = nibbles[b / 2 * 32 + i] >> (b % 2 * 4) & 15;
                q |= has_fifth ? (fifth[i] >> b & 1) << 4 : 0;
                *to++ = d * (float)q - m;
            }
        }
    }
}

void cf_q4_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    q45_k_widen(false, from, n, to);
}

void cf_q5_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    q45_k_widen(true, from, n, to);
}

/* 128 bytes of nibbles, 64 of fifth and sixth bits, 16 signed scales, float16 d; a value is d scale
 * (q - 32). */
void cf_q6_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to)
{
    (void)kernels;
    const uint8_t *block = from;
    for (; n > 0; n -= K_BLOCK, block += 210) {
        uint16_t half;
        memcpy(&half, block + 208, sizeof half);
        float d = cf_f16_to_f32(half);
        for (int k = 0; k < K_BLOCK; k++) {
            const int b = k / 32 % 4; /* in its half of 128 */
            int q = block[k / 128 * 64 + b % 2 * 32 + k % 32] >> (b / 2 * 4) & 15;
            q |= (block[128 + k / 128 * 32 + k % 32] >> (2 * b) & 3) << 4;
            int scale = block[192 + k / 16];
            scale = scale < 128 ? scale : scale - 256;
            *to++ = d * (float)scale * (float)(q - 32);
        }
    }
}
