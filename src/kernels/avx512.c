/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AVX-512: what is eight lanes by definition stays in AVX2's words, with the dot product of VNNI
 * for bytes; tiles are sixteen lanes wide. */
#include "kernels/table.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

CF_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

/* vpdpbusd adds all four products of a lane at once, exactly. */
#define CF_Q8_DOT(w, x)                                                                            \
    _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_abs_epi8(w), _mm256_sign_epi8(x, w))

#include "kernels/simd_avx2.h"

/* ---- Tiles ---- */

typedef __m512 vt;
enum { VT_LANES = 16, VT_ROWS = 8, VT_VECTORS = 3 };

CF_INLINE vt vt_zero(void)
{
    return _mm512_setzero_ps();
}

CF_INLINE vt vt_set(float a)
{
    return _mm512_set1_ps(a);
}

CF_INLINE vt vt_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

CF_INLINE void vt_store(float *p, vt a)
{
    _mm512_storeu_ps(p, a);
}

CF_INLINE vt vt_add(vt a, vt b)
{
    return _mm512_add_ps(a, b);
}

CF_INLINE vt vt_mul(vt a, vt b)
{
    return _mm512_mul_ps(a, b);
}

CF_INLINE vt vt_fma(vt a, vt b, vt c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* vpdpbusd wants x unsigned: x + 128 is stored, and every sum begins at -128 times the sum of the
 * weights, which is packed behind them. */
typedef __m512i qt, qt_weights, qt_values;
enum { QT_ROWS = 8, QT_VECTORS = 2, QT_STEPS = 8, QT_X_SIZE = 32, QT_W_SIZE = 512 + 64 };

CF_INLINE void qt_store_x(char *p, const int8_t *values)
{
    __m256i flipped = _mm256_xor_si256(load_32_bytes(values), _mm256_set1_epi8(-128));
    _mm256_storeu_si256((__m256i *)(void *)p, flipped);
}

CF_INLINE void qt_pack(const char *const *rows, int64_t offset, char *to)
{
    for (int half = 0; half < 2; half++) {
        __m256i r[8];
        __m256i sum = _mm256_setzero_si256();
        CF_UNROLL
        for (int i = 0; i < 8; i++) {
            r[i] = load_32_bytes(rows[8 * half + i] + offset);
        }
        turn_8_by_8(r);
        CF_UNROLL
        for (int i = 0; i < 8; i++) {
            sum = _mm256_dpbusd_epi32(sum, _mm256_set1_epi8(1), r[i]);
            _mm256_storeu_si256((__m256i *)(void *)(to + 64 * i + 32 * half), r[i]);
        }
        sum = _mm256_mullo_epi32(sum, _mm256_set1_epi32(-128));
        _mm256_storeu_si256((__m256i *)(void *)(to + 512 + 32 * half), sum);
    }
}

CF_INLINE qt qt_start(const char *packed)
{
    return _mm512_loadu_si512(packed + 512);
}

CF_INLINE qt qt_load(const char *packed, int step)
{
    return _mm512_loadu_si512(packed + 64 * step);
}

CF_INLINE qt qt_set(const char *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

CF_INLINE qt qt_add_product(qt sum, qt w, qt x)
{
    return _mm512_dpbusd_epi32(sum, x, w);
}

CF_INLINE vt qt_to_float(qt a)
{
    return _mm512_cvtepi32_ps(a);
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_avx512 = CF_TABLE("avx512");

CF_TARGET_END

#endif
