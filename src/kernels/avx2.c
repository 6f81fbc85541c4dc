/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/table.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

CF_TARGET_BEGIN("avx2,fma,f16c")

#include "kernels/simd_avx2.h"

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

/* Pairs of int16: a multiplication adds two products. */
typedef __m256i qt, qt_weights, qt_values;
enum { QT_ROWS = 4, QT_VECTORS = 2, QT_STEPS = 16, QT_X_SIZE = 64, QT_W_SIZE = 512 };

CF_INLINE void qt_store_x(char *p, const int8_t *values)
{
    __m256i *to = (__m256i *)(void *)p;
    const __m128i *from = (const __m128i *)(const void *)values;
    _mm256_storeu_si256(to, _mm256_cvtepi8_epi16(_mm_loadu_si128(from)));
    _mm256_storeu_si256(to + 1, _mm256_cvtepi8_epi16(_mm_loadu_si128(from + 1)));
}

CF_INLINE void qt_pack(const char *const *rows, int64_t offset, char *to)
{
    for (int half = 0; half < 2; half++) {
        __m256i r[8];
        CF_UNROLL
        for (int i = 0; i < 8; i++) {
            const __m128i *p = (const __m128i *)(const void *)(rows[i] + offset + 16 * half);
            r[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
        }
        turn_8_by_8(r);
        CF_UNROLL
        for (int i = 0; i < 8; i++) {
            _mm256_storeu_si256((__m256i *)(void *)(to + 32 * (8 * half + i)), r[i]);
        }
    }
}

CF_INLINE qt qt_start(const char *packed)
{
    (void)packed;
    return _mm256_setzero_si256();
}

CF_INLINE qt qt_load(const char *packed, int step)
{
    return load_32_bytes(packed + 32 * step);
}

CF_INLINE qt qt_set(const char *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

CF_INLINE qt qt_add_product(qt sum, qt w, qt x)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x));
}

CF_INLINE vt qt_to_float(qt a)
{
    return _mm256_cvtepi32_ps(a);
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_avx2 = CF_TABLE("avx2");

CF_TARGET_END

#endif
