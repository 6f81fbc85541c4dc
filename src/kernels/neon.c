/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NEON, as every aarch64 has it: the generic file's words, whose halves are NEON's registers, with
 * fused multiply-add and what the compiler does not find by itself. */
#include "kernels/table.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

#define V4_FMA(a, b, c) ((v4)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define V4_OF_F16(p) ((v4)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))))
#define F16_OF_V4(p, a) vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)(a))))

#define CF_OWN_TILES
#include "kernels/simd_generic.h"

/* ---- Tiles ---- */

typedef vf vt;
enum { VT_LANES = 8, VT_ROWS = 6 };
#define vt_zero vf_zero
#define vt_set vf_set
#define vt_load vf_load
#define vt_store vf_store
#define vt_add vf_add
#define vt_mul vf_mul
#define vt_fma vf_fma

/* ---- Small integers ---- */

typedef struct {
    int32x4_t low, high;
} qi, qs;
typedef int8x8_t qx; /* twice the four bytes */
enum { TILE_ROWS = 4, QB_OFFSET = 0 };
#define Q_PIN(a) ((void)0)
#define QS_STEPS(n_bits) 8

CF_INLINE qx qx_load(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return vreinterpret_s8_s32(vdup_n_s32(four));
}

CF_INLINE qi qi_set(int32_t a)
{
    return (qi){vdupq_n_s32(a), vdupq_n_s32(a)};
}

CF_INLINE qi qi_load_bytes(const char *p)
{
    int16x8_t wide = vmovl_s8(vld1_s8((const int8_t *)p));
    return (qi){vmovl_s16(vget_low_s16(wide)), vmovl_s16(vget_high_s16(wide))};
}

CF_INLINE qi qi_add(qi a, qi b)
{
    return (qi){vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)};
}

CF_INLINE qi qi_mul(qi a, qi b)
{
    return (qi){vmulq_s32(a.low, b.low), vmulq_s32(a.high, b.high)};
}

/* Two products together are at most 2 * 128 * 127 and fit 16 bits. */
CF_INLINE int32x4_t add_fours(int32x4_t sum, v16 w, int8x8_t x)
{
    int8x16_t bytes = (int8x16_t)w;
    int16x8_t first = vmull_s8(vget_low_s8(bytes), x);
    int16x8_t second = vmull_s8(vget_high_s8(bytes), x);
    return vpadalq_s16(sum, vpaddq_s16(first, second));
}

CF_INLINE qi qi_add_signed(qi sum, qb w, qx x)
{
    return (qi){add_fours(sum.low, w.low, x), add_fours(sum.high, w.high, x)};
}

CF_INLINE qs qs_zero(void)
{
    return qi_set(0);
}

#define qs_add qi_add_signed
#define qi_add_qs qi_add

CF_INLINE vt qi_to_float(qi a)
{
    return (vt){(v4)vcvtq_f32_s32(a.low), (v4)vcvtq_f32_s32(a.high)};
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_neon = CF_TABLE("neon");

#endif
