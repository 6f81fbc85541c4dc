/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/table.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

CF_TARGET_BEGIN("avx2,fma,f16c")

#define CF_OWN_TILES
#include "kernels/simd_avx2.h"

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

typedef __m256i qb, qx, qi;
typedef __m256i qs; /* int16: two products a lane */
enum { TILE_ROWS = 4, QB_OFFSET = 0 };
/* 127 times the greatest weight, twice a step, fits 15 bits so often. */
#define Q_PIN(a) __asm__("" : "+x"(a))
#define QS_STEPS(n_bits) ((n_bits) == 4 ? 8 : (n_bits) == 5 ? 4 : 2)

CF_INLINE qb qb_load(const char *p)
{
    return load_32_bytes(p);
}

CF_INLINE void qb_store(char *p, qb a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, a);
}

CF_INLINE qb qb_low(qb a)
{
    return _mm256_and_si256(a, _mm256_set1_epi8(15));
}

CF_INLINE qb qb_high(qb a)
{
    return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15));
}

CF_INLINE qb qb_or(qb a, qb b)
{
    return _mm256_or_si256(a, b);
}

CF_INLINE qb qb_bits(qb plane, int index, int n)
{
    const int right = index * n - 4;
    __m256i moved = right >= 0 ? _mm256_srli_epi16(plane, right) : _mm256_slli_epi16(plane, -right);
    return _mm256_and_si256(moved, _mm256_set1_epi8((char)(((1 << n) - 1) << 4)));
}

CF_INLINE qx qx_load(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

CF_INLINE qi qi_set(int32_t a)
{
    return _mm256_set1_epi32(a);
}

CF_INLINE qi qi_load_bytes(const char *p)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

CF_INLINE qi qi_add(qi a, qi b)
{
    return _mm256_add_epi32(a, b);
}

CF_INLINE qi qi_mul(qi a, qi b)
{
    return _mm256_mullo_epi32(a, b);
}

/* The sign of w goes over to x: |w| <= 128 and |x| <= 127, so that no pair overflows 16 bits. */
CF_INLINE qi qi_add_signed(qi sum, qb w, qx x)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

CF_INLINE qs qs_zero(void)
{
    return _mm256_setzero_si256();
}

CF_INLINE qs qs_add(qs sum, qb w, qx x)
{
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
}

CF_INLINE qi qi_add_qs(qi sum, qs part)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(part, _mm256_set1_epi16(1)));
}

CF_INLINE vt qi_to_float(qi a)
{
    return _mm256_cvtepi32_ps(a);
}

CF_INLINE vt vt_load_halves(const char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

CF_INLINE vt vt_load_bf16(const char *p)
{
    return vf_load_bf16((const uint16_t *)(const void *)p);
}

CF_INLINE vt vt_load_bytes(const char *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_avx2 = CF_TABLE("avx2");

CF_TARGET_END

#endif
