/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AVX-512: what is eight lanes by definition stays in AVX2's words; tiles are sixteen lanes wide,
 * with the dot product of VNNI for bytes. */
#include "kernels/table.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

CF_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

#define CF_OWN_TILES
#include "kernels/simd_avx2.h"

/* ---- Tiles ---- */

typedef __m512 vt;
enum { VT_LANES = 16, VT_ROWS = 12 };

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

/* ---- Small integers: vpdpbusd adds the four products of unsigned with signed bytes ---- */

typedef __m512i qb, qx, qi, qs;
enum { TILE_ROWS = 8, QB_OFFSET = 128 };
#define Q_PIN(a) __asm__("" : "+v"(a))
#define QS_STEPS(n_bits) 8

CF_INLINE qb qb_load(const char *p)
{
    return _mm512_loadu_si512(p);
}

CF_INLINE void qb_store(char *p, qb a)
{
    _mm512_storeu_si512(p, a);
}

CF_INLINE qb qb_low(qb a)
{
    return _mm512_and_si512(a, _mm512_set1_epi8(15));
}

CF_INLINE qb qb_high(qb a)
{
    return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15));
}

CF_INLINE qb qb_or(qb a, qb b)
{
    return _mm512_or_si512(a, b);
}

CF_INLINE qb qb_bits(qb plane, int index, int n)
{
    const int right = index * n - 4;
    /* The words with a number differ between compilers in its sign. */
    __m512i moved = right >= 0 ? _mm512_srl_epi16(plane, _mm_cvtsi32_si128(right))
                               : _mm512_sll_epi16(plane, _mm_cvtsi32_si128(-right));
    return _mm512_and_si512(moved, _mm512_set1_epi8((char)(((1 << n) - 1) << 4)));
}

CF_INLINE qx qx_load(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

CF_INLINE qi qi_set(int32_t a)
{
    return _mm512_set1_epi32(a);
}

CF_INLINE qi qi_load_bytes(const char *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

CF_INLINE qi qi_add(qi a, qi b)
{
    return _mm512_add_epi32(a, b);
}

CF_INLINE qi qi_mul(qi a, qi b)
{
    return _mm512_mullo_epi32(a, b);
}

/* w + 128 is unsigned; the sums begin with -128 times that of x. */
CF_INLINE qi qi_add_signed(qi sum, qb w, qx x)
{
    return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(w, _mm512_set1_epi8(-128)), x);
}

CF_INLINE qs qs_zero(void)
{
    return _mm512_setzero_si512();
}

CF_INLINE qs qs_add(qs sum, qb w, qx x)
{
    return _mm512_dpbusd_epi32(sum, w, x);
}

CF_INLINE qi qi_add_qs(qi sum, qs part)
{
    return _mm512_add_epi32(sum, part);
}

CF_INLINE vt qi_to_float(qi a)
{
    return _mm512_cvtepi32_ps(a);
}

CF_INLINE vt vt_load_halves(const char *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

CF_INLINE vt vt_load_bf16(const char *p)
{
    __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

CF_INLINE vt vt_load_bytes(const char *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

#include "kernels/body.h"

const struct cf_kernels cf_kernels_avx512 = CF_TABLE("avx512");

CF_TARGET_END

#endif
