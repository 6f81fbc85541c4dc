/* SPDX-License-Identifier: GPL-3.0-or-later */
/* half: float16 and bfloat16 one at a time, in integers, as IEEE 754 and F16C have it: to nearest,
 * ties to even; a NaN keeps its sign and what fits of its payload and becomes quiet. */
#ifndef CF_KERNELS_HALF_H
#define CF_KERNELS_HALF_H

#include "base.h"

#include <string.h>

static inline float cf_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t cf_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float cf_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) { /* infinity, or a NaN made quiet */
        uint32_t quiet = magnitude > 0x7c00u ? 0x400000u : 0;
        return cf_float_of_bits(sign | 0x7f800000u | quiet | (magnitude << 13 & 0x7fffffu));
    }
    /* The exponent is off by 127 - 15; the multiplication mends it, also for subnormals. */
    float value = cf_float_of_bits(magnitude << 13) * 0x1p112f;
    return cf_float_of_bits(cf_bits_of_float(value) | sign);
}

static inline uint16_t cf_f32_to_f16(float value)
{
    uint32_t bits = cf_bits_of_float(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
    }
    if (magnitude >= 0x477ff000u) { /* rounds to 2^16 or more */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude < 0x38800000u) { /* subnormal: adding 0.5 rounds at the right bit */
        float shifted = cf_float_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (cf_bits_of_float(shifted) - 0x3f000000u));
    }
    uint32_t rounded = magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | rounded >> 13);
}

static inline float cf_bf16_to_f32(uint16_t half)
{
    return cf_float_of_bits((uint32_t)half << 16);
}

static inline uint16_t cf_f32_to_bf16(float value)
{
    uint32_t bits = cf_bits_of_float(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x40u);
    }
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
