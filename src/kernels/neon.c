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

CF_INLINE int32_t q8_dot_neon(const int8_t *w, const int8_t *x)
{
    int32x4_t sum = vdupq_n_s32(0);
    CF_UNROLL
    for (int i = 0; i < CF_Q_BLOCK; i += 8) { /* |w x| <= 128 * 127 fits 16 bits */
        sum = vpadalq_s16(sum, vmull_s8(vld1_s8(w + i), vld1_s8(x + i)));
    }
    return vaddvq_s32(sum);
}
#define Q8_DOT q8_dot_neon

#define CF_OWN_TILES
#include "kernels/simd_generic.h"

/* ---- Tiles ---- */

typedef vf vt;
enum { VT_LANES = 8, VT_ROWS = 6, VT_VECTORS = 2 };
#define vt_zero vf_zero
#define vt_set vf_set
#define vt_load vf_load
#define vt_store vf_store
#define vt_add vf_add
#define vt_mul vf_mul
#define vt_fma vf_fma

/* Of a step's two values of k the eight lanes' weights lie apart: [step][2][lane] int16. */
typedef struct {
    int32x4_t low, high;
} qt;
typedef struct {
    int16x8_t k[2];
} qt_weights;
typedef int16x4_t qt_values;
enum { QT_ROWS = 4, QT_VECTORS = 2, QT_STEPS = 16, QT_X_SIZE = 64, QT_W_SIZE = 512 };

CF_INLINE void qt_store_x(char *p, const int8_t *values)
{
    for (int i = 0; i < CF_Q_BLOCK; i += 8) {
        int16x8_t wide = vmovl_s8(vld1_s8(values + i));
        memcpy(p + 2 * i, &wide, sizeof wide);
    }
}

CF_INLINE void qt_pack(const char *const *rows, int64_t offset, char *to)
{
    for (int lane = 0; lane < VT_LANES; lane++) {
        for (int i = 0; i < CF_Q_BLOCK; i++) {
            int16_t value = ((const int8_t *)rows[lane] + offset)[i];
            memcpy(to + (i * VT_LANES + lane) * 2, &value, sizeof value);
        }
    }
}

CF_INLINE qt qt_start(const char *packed)
{
    (void)packed;
    return (qt){vdupq_n_s32(0), vdupq_n_s32(0)};
}

CF_INLINE qt_weights qt_load(const char *packed, int step)
{
    qt_weights w;
    memcpy(&w, packed + 32 * step, sizeof w);
    return w;
}

CF_INLINE qt_values qt_set(const char *x)
{
    qt_values pair = vdup_n_s16(0);
    memcpy(&pair, x, 4);
    return pair;
}

CF_INLINE qt qt_add_product(qt sum, qt_weights w, qt_values x)
{
    sum.low = vmlal_lane_s16(sum.low, vget_low_s16(w.k[0]), x, 0);
    sum.high = vmlal_lane_s16(sum.high, vget_high_s16(w.k[0]), x, 0);
    sum.low = vmlal_lane_s16(sum.low, vget_low_s16(w.k[1]), x, 1);
    sum.high = vmlal_lane_s16(sum.high, vget_high_s16(w.k[1]), x, 1);
    return sum;
}

CF_INLINE vt qt_to_float(qt a)
{
    return (vt){(v4)vcvtq_f32_s32(a.low), (v4)vcvtq_f32_s32(a.high)};
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_neon = CF_TABLE("neon");

#endif
