/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simd_generic: the vocabulary of the body_*.h files, in C for any CPU.  A file for a CPU whose
 * registers hold four lanes may give its own V4_FMA, V4_OF_F16 and F16_OF_V4, and with
 * CF_OWN_TILES its own tiles.
 *
 * vf is eight float32 lanes on every instruction set, so that sums over lanes have one order.
 * vf_fma(a, b, c) is a * b + c, rounded once where the CPU has it and twice here.  vf_max(a, b) is
 * a > b ? a : b, so b when either is a NaN.  _part loads and stores the first n lanes, n from 0 to
 * 8; the other lanes are 0, and their memory is not touched. */
#ifndef CF_KERNELS_SIMD_GENERIC_H
#define CF_KERNELS_SIMD_GENERIC_H

/* Two halves, because four lanes are a register nearly everywhere. */
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));

typedef struct {
    v4 low, high;
} vf;

CF_INLINE v4 v4_set(float a)
{
    return (v4){a, a, a, a};
}

CF_INLINE v4 v4_load(const float *p)
{
    v4 a;
    memcpy(&a, p, sizeof a);
    return a;
}

#ifndef V4_FMA
#define V4_FMA(a, b, c) ((a) * (b) + (c))
#endif

CF_INLINE v4 v4_choose(v4i mask, v4 a, v4 b)
{
    return (v4)((mask & (v4i)a) | (~mask & (v4i)b));
}

CF_INLINE vf vf_set(float a)
{
    return (vf){v4_set(a), v4_set(a)};
}

CF_INLINE vf vf_zero(void)
{
    return vf_set(0);
}

CF_INLINE vf vf_load(const float *p)
{
    return (vf){v4_load(p), v4_load(p + 4)};
}

CF_INLINE void vf_store(float *p, vf a)
{
    memcpy(p, &a.low, sizeof a.low);
    memcpy(p + 4, &a.high, sizeof a.high);
}

CF_INLINE vf vf_load_part(const float *p, int n)
{
    float lanes[8] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vf_load(lanes);
}

CF_INLINE void vf_store_part(float *p, vf a, int n)
{
    float lanes[8];
    vf_store(lanes, a);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}

/* The first n lanes, 0 in the others. */
CF_INLINE vf vf_keep(vf a, int n)
{
    float lanes[8];
    vf_store(lanes, a);
    return vf_load_part(lanes, n);
}

CF_INLINE vf vf_add(vf a, vf b)
{
    return (vf){a.low + b.low, a.high + b.high};
}

CF_INLINE vf vf_sub(vf a, vf b)
{
    return (vf){a.low - b.low, a.high - b.high};
}

CF_INLINE vf vf_mul(vf a, vf b)
{
    return (vf){a.low * b.low, a.high * b.high};
}

CF_INLINE vf vf_div(vf a, vf b)
{
    return (vf){a.low / b.low, a.high / b.high};
}

CF_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return (vf){V4_FMA(a.low, b.low, c.low), V4_FMA(a.high, b.high, c.high)};
}

CF_INLINE vf vf_max(vf a, vf b)
{
    return (vf){v4_choose(a.low > b.low, a.low, b.low), v4_choose(a.high > b.high, a.high, b.high)};
}

CF_INLINE vf vf_abs(vf a)
{
    v4i mask = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
    return (vf){(v4)((v4i)a.low & mask), (v4)((v4i)a.high & mask)};
}

/* a, but 0 where x < y. */
CF_INLINE vf vf_zero_if_less(vf a, vf x, vf y)
{
    return (vf){(v4)((v4i)a.low & ~(x.low < y.low)), (v4)((v4i)a.high & ~(x.high < y.high))};
}

/* a where x has its sign bit set, else b. */
CF_INLINE vf vf_if_negative(vf x, vf a, vf b)
{
    return (vf){v4_choose((v4i)x.low >> 31, a.low, b.low),
                v4_choose((v4i)x.high >> 31, a.high, b.high)};
}

/* 2^n from t = n + 1.5 * 2^23, for -126 <= n <= 127: n stands in the lowest bits of t. */
CF_INLINE vf vf_exp2_of_magic(vf t)
{
    typedef uint32_t v4u __attribute__((vector_size(16)));
    v4u one = {0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000};
    return (vf){(v4)(((v4u)t.low << 23) + one), (v4)(((v4u)t.high << 23) + one)};
}

/* ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) */
CF_INLINE float vf_sum(vf a)
{
    return ((a.low[0] + a.low[1]) + (a.low[2] + a.low[3])) +
           ((a.high[0] + a.high[1]) + (a.high[2] + a.high[3]));
}

/* Lane i: vf_sum(a[i]). */
CF_INLINE vf vf_sums(const vf a[8])
{
    float sums[8];
    for (int i = 0; i < 8; i++) {
        sums[i] = vf_sum(a[i]);
    }
    return vf_load(sums);
}

CF_INLINE float vf_max_across(vf a)
{
    v4 b = v4_choose(a.low > a.high, a.low, a.high);
    float x = b[0] > b[2] ? b[0] : b[2];
    float y = b[1] > b[3] ? b[1] : b[3];
    return x > y ? x : y;
}

/* ---- 16-bit floats ---- */

#ifndef V4_OF_F16
#define V4_OF_F16(p)                                                                               \
    ((v4){cf_f16_to_f32((p)[0]), cf_f16_to_f32((p)[1]), cf_f16_to_f32((p)[2]),                     \
          cf_f16_to_f32((p)[3])})
#define F16_OF_V4(p, a)                                                                            \
    do {                                                                                           \
        for (int lane = 0; lane < 4; lane++) {                                                     \
            (p)[lane] = cf_f32_to_f16((a)[lane]);                                                  \
        }                                                                                          \
    } while (0)
#endif

/* Four values of any float type from the byte offset of P on. */
CF_INLINE v4 v4_load_as(enum cf_dtype dtype, const char *p)
{
    if (dtype == CF_F32) {
        return v4_load((const float *)(const void *)p);
    }
    uint16_t halves[4];
    memcpy(halves, p, sizeof halves);
    if (dtype == CF_F16) {
        return V4_OF_F16(halves);
    }
    return (v4)(v4i){(int32_t)((uint32_t)halves[0] << 16), (int32_t)((uint32_t)halves[1] << 16),
                     (int32_t)((uint32_t)halves[2] << 16), (int32_t)((uint32_t)halves[3] << 16)};
}

CF_INLINE vf vf_load_f16(const uint16_t *p)
{
    return (vf){V4_OF_F16(p), V4_OF_F16(p + 4)};
}

CF_INLINE void vf_store_f16(uint16_t *p, vf a)
{
    F16_OF_V4(p, a.low);
    F16_OF_V4(p + 4, a.high);
}

CF_INLINE vf vf_load_bf16(const uint16_t *p)
{
    return (vf){v4_load_as(CF_BF16, (const char *)p), v4_load_as(CF_BF16, (const char *)(p + 4))};
}

/* Eight float16, bfloat16 or unsigned bytes, from any address. */
CF_INLINE vf vt_load_halves(const char *p)
{
    uint16_t halves[8];
    memcpy(halves, p, sizeof halves);
    return vf_load_f16(halves);
}

CF_INLINE vf vt_load_bf16(const char *p)
{
    uint16_t halves[8];
    memcpy(halves, p, sizeof halves);
    return vf_load_bf16(halves);
}

CF_INLINE vf vt_load_bytes(const char *p)
{
    float lanes[8];
    for (int i = 0; i < 8; i++) {
        lanes[i] = (float)((const uint8_t *)p)[i];
    }
    return vf_load(lanes);
}

/* ---- 8 bits ---- */

/* y[i] to integers, to nearest and ties to even; |y[i]| <= 127.5: adding 1.5 * 2^23 leaves the
 * integer in the lowest bits. */
CF_INLINE void q8_store(int8_t *p, const vf y[4])
{
    for (int i = 0; i < 4; i++) {
        float lanes[8];
        vf_store(lanes, vf_add(y[i], vf_set(0x1.8p23f)));
        for (int j = 0; j < 8; j++) {
            int32_t n = (int32_t)(cf_bits_of_float(lanes[j]) & 0xff);
            p[8 * i + j] = (int8_t)(n > 127 ? n - 256 : n);
        }
    }
}

/* The sums of the first and the last 16 of 32 values. */
CF_INLINE void q8_sums(const int8_t *p, int32_t sums[2])
{
    sums[0] = 0;
    sums[1] = 0;
    for (int i = 0; i < 16; i++) {
        sums[0] += p[i];
        sums[1] += p[16 + i];
    }
}

/* ---- Bytes of weights: two registers' worth ---- */

typedef uint8_t v16 __attribute__((vector_size(16)));

typedef struct {
    v16 low, high;
} qb;

CF_INLINE qb qb_load(const char *p)
{
    qb a;
    memcpy(&a.low, p, 16);
    memcpy(&a.high, p + 16, 16);
    return a;
}

CF_INLINE void qb_store(char *p, qb a)
{
    memcpy(p, &a.low, 16);
    memcpy(p + 16, &a.high, 16);
}

CF_INLINE qb qb_low(qb a)
{
    return (qb){a.low & 15, a.high & 15};
}

CF_INLINE qb qb_high(qb a)
{
    return (qb){a.low >> 4, a.high >> 4};
}

CF_INLINE qb qb_or(qb a, qb b)
{
    return (qb){a.low | b.low, a.high | b.high};
}

/* Bits [index * n, index * n + n) of every byte, moved to bit 4. */
CF_INLINE qb qb_bits(qb plane, int index, int n)
{
    const int right = index * n;
    const uint8_t mask = (uint8_t)((1 << n) - 1);
    return (qb){((plane.low >> right) & mask) << 4, ((plane.high >> right) & mask) << 4};
}

#ifndef CF_OWN_TILES

/* ---- Tiles ---- */

typedef vf vt;
enum { VT_LANES = 8, VT_ROWS = 2 };
#define vt_zero vf_zero
#define vt_set vf_set
#define vt_load vf_load
#define vt_store vf_store
#define vt_add vf_add
#define vt_mul vf_mul
#define vt_fma vf_fma

typedef struct {
    int32_t lanes[8];
} qi, qs;
typedef const int8_t *qx;
enum { TILE_ROWS = 2, QB_OFFSET = 0 };
#define Q_PIN(a) ((void)0)
#define QS_STEPS(n_bits) 8

CF_INLINE qx qx_load(const int8_t *x)
{
    return x;
}

CF_INLINE qi qi_set(int32_t a)
{
    return (qi){{a, a, a, a, a, a, a, a}};
}

CF_INLINE qi qi_load_bytes(const char *p)
{
    qi a;
    for (int i = 0; i < 8; i++) {
        a.lanes[i] = ((const int8_t *)p)[i];
    }
    return a;
}

CF_INLINE qi qi_add(qi a, qi b)
{
    for (int i = 0; i < 8; i++) {
        a.lanes[i] += b.lanes[i];
    }
    return a;
}

CF_INLINE qi qi_mul(qi a, qi b)
{
    for (int i = 0; i < 8; i++) {
        a.lanes[i] *= b.lanes[i];
    }
    return a;
}

CF_INLINE qi qi_add_signed(qi sum, qb w, qx x)
{
    int8_t bytes[32];
    memcpy(bytes, &w, sizeof bytes);
    for (int i = 0; i < 8; i++) {
        const int8_t *four = bytes + 4 * i;
        sum.lanes[i] += four[0] * x[0] + four[1] * x[1] + four[2] * x[2] + four[3] * x[3];
    }
    return sum;
}

CF_INLINE qs qs_zero(void)
{
    return qi_set(0);
}

#define qs_add qi_add_signed
#define qi_add_qs qi_add

CF_INLINE vt qi_to_float(qi a)
{
    float lanes[8];
    for (int i = 0; i < 8; i++) {
        lanes[i] = (float)a.lanes[i];
    }
    return vf_load(lanes);
}

#endif

#endif
