/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simd_avx2: the vocabulary of the body_*.h files in AVX2, FMA and F16C.  simd_generic.h says what
 * the words mean. */
#ifndef CF_KERNELS_SIMD_AVX2_H
#define CF_KERNELS_SIMD_AVX2_H

typedef __m256 vf;

CF_INLINE vf vf_zero(void)
{
    return _mm256_setzero_ps();
}

CF_INLINE vf vf_set(float a)
{
    return _mm256_set1_ps(a);
}

CF_INLINE vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

CF_INLINE void vf_store(float *p, vf a)
{
    _mm256_storeu_ps(p, a);
}

CF_INLINE __m256i lanes_below(int n)
{
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(mask + 8 - n));
}

CF_INLINE vf vf_load_part(const float *p, int n)
{
    return _mm256_maskload_ps(p, lanes_below(n));
}

CF_INLINE void vf_store_part(float *p, vf a, int n)
{
    _mm256_maskstore_ps(p, lanes_below(n), a);
}

CF_INLINE vf vf_keep(vf a, int n)
{
    return _mm256_and_ps(a, _mm256_castsi256_ps(lanes_below(n)));
}

CF_INLINE vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

CF_INLINE vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

CF_INLINE vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

CF_INLINE vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

CF_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

CF_INLINE vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

CF_INLINE vf vf_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

CF_INLINE vf vf_zero_if_less(vf a, vf x, vf y)
{
    return _mm256_andnot_ps(_mm256_cmp_ps(x, y, _CMP_LT_OQ), a);
}

CF_INLINE vf vf_if_negative(vf x, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, x);
}

CF_INLINE vf vf_exp2_of_magic(vf t)
{
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(0x3f800000)));
}

CF_INLINE float vf_sum(vf a)
{
    __m256 pairs = _mm256_hadd_ps(a, a);
    __m256 fours = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(
        _mm_add_ss(_mm256_castps256_ps128(fours), _mm256_extractf128_ps(fours, 1)));
}

CF_INLINE vf vf_sums(const vf a[8])
{
    __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    __m256 high = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                         _mm256_permute2f128_ps(low, high, 0x31));
}

CF_INLINE float vf_max_across(vf a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

/* ---- 16-bit floats ---- */

CF_INLINE __m128i load_8_halves(const uint16_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

CF_INLINE vf vf_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(load_8_halves(p));
}

CF_INLINE void vf_store_f16(uint16_t *p, vf a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

CF_INLINE vf vf_load_bf16(const uint16_t *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_8_halves(p)), 16));
}

/* ---- 8 bits ---- */

CF_INLINE __m256i load_32_bytes(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* y[i] to integers, to nearest and ties to even; |y[i]| <= 127.5. */
CF_INLINE void q8_store(int8_t *p, const vf y[4])
{
    __m256i a = _mm256_packs_epi32(_mm256_cvtps_epi32(y[0]), _mm256_cvtps_epi32(y[1]));
    __m256i b = _mm256_packs_epi32(_mm256_cvtps_epi32(y[2]), _mm256_cvtps_epi32(y[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
    _mm256_storeu_si256((__m256i *)(void *)p, bytes);
}

CF_INLINE void q8_sums(const int8_t *p, int32_t sums[2])
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), load_32_bytes(p));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    fours = _mm256_hadd_epi32(fours, fours);
    fours = _mm256_hadd_epi32(fours, fours);
    sums[0] = _mm256_cvtsi256_si32(fours);
    sums[1] = _mm_cvtsi128_si32(_mm256_extracti128_si256(fours, 1));
}

#endif
