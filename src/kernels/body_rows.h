/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_rows: LayerNorm, what becomes of sums, conversions of rows. */
#ifndef CF_KERNELS_BODY_ROWS_H
#define CF_KERNELS_BODY_ROWS_H

/* Sums over a row: lane j of four accumulators in turn takes the values whose index is j modulo 8,
 * then the accumulators are added by pairs, then the lanes. */
struct row_sum {
    vf lanes[4];
};

CF_INLINE float row_sum_total(const struct row_sum *sum)
{
    return vf_sum(
        vf_add(vf_add(sum->lanes[0], sum->lanes[1]), vf_add(sum->lanes[2], sum->lanes[3])));
}

static void layer_norm(const float *x, int32_t n, const float *weight, const float *bias,
                       float epsilon, float *y)
{
    const int tail = n % 8;
    const int32_t n_whole = n - tail;
    struct row_sum sum = {{vf_zero(), vf_zero(), vf_zero(), vf_zero()}};
    for (int32_t i = 0; i < n; i += 8) {
        vf a = i < n_whole ? vf_load(x + i) : vf_load_part(x + i, tail);
        sum.lanes[i / 8 % 4] = vf_add(sum.lanes[i / 8 % 4], a);
    }
    vf mean = vf_set(row_sum_total(&sum) / (float)n);
    struct row_sum squares = {{vf_zero(), vf_zero(), vf_zero(), vf_zero()}};
    for (int32_t i = 0; i < n; i += 8) {
        vf a = i < n_whole ? vf_sub(vf_load(x + i), mean)
                           : vf_keep(vf_sub(vf_load_part(x + i, tail), mean), tail);
        squares.lanes[i / 8 % 4] = vf_fma(a, a, squares.lanes[i / 8 % 4]);
    }
    vf scale = vf_set(1.0f / sqrtf(row_sum_total(&squares) / (float)n + epsilon));
    for (int32_t i = 0; i < n_whole; i += 8) {
        vf a = vf_mul(vf_sub(vf_load(x + i), mean), scale);
        vf_store(y + i, vf_fma(a, vf_load(weight + i), vf_load(bias + i)));
    }
    if (tail > 0) {
        vf a = vf_mul(vf_sub(vf_load_part(x + n_whole, tail), mean), scale);
        vf b = vf_load_part(bias + n_whole, tail);
        vf_store_part(y + n_whole, vf_fma(a, vf_load_part(weight + n_whole, tail), b), tail);
    }
}

CF_INLINE vf finished(enum cf_then then, vf sum, vf y)
{
    switch (then) {
    case CF_THEN_STORE:
        break;
    case CF_THEN_ADD:
        return vf_add(y, sum);
    case CF_THEN_GELU_TANH:
        return vf_gelu_tanh(sum);
    case CF_THEN_GELU_ERF:
        return vf_gelu_erf(sum);
    }
    return sum;
}

CF_INLINE void finish_as(enum cf_then then, const float *sums, const float *bias, size_t n,
                         float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        vf b = bias != NULL ? vf_load(bias + i) : vf_zero();
        vf old = then == CF_THEN_ADD ? vf_load(y + i) : vf_zero();
        vf_store(y + i, finished(then, vf_add(vf_load(sums + i), b), old));
    }
    int tail = (int)(n - i);
    if (tail > 0) {
        vf b = bias != NULL ? vf_load_part(bias + i, tail) : vf_zero();
        vf old = then == CF_THEN_ADD ? vf_load_part(y + i, tail) : vf_zero();
        vf_store_part(y + i, finished(then, vf_add(vf_load_part(sums + i, tail), b), old), tail);
    }
}

static void finish(enum cf_then then, const float *sums, const float *bias, size_t n, float *y)
{
    switch (then) {
    case CF_THEN_STORE:
        finish_as(CF_THEN_STORE, sums, bias, n, y);
        break;
    case CF_THEN_ADD:
        finish_as(CF_THEN_ADD, sums, bias, n, y);
        break;
    case CF_THEN_GELU_TANH:
        finish_as(CF_THEN_GELU_TANH, sums, bias, n, y);
        break;
    case CF_THEN_GELU_ERF:
        finish_as(CF_THEN_GELU_ERF, sums, bias, n, y);
        break;
    }
}

static void f16_to_f32(const uint16_t *from, size_t n, float *to)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        vf_store(to + i, vf_load_f16(from + i));
    }
    for (; i < n; i++) {
        to[i] = cf_f16_to_f32(from[i]);
    }
}

static void f32_to_f16(const float *from, size_t n, uint16_t *to)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        vf_store_f16(to + i, vf_load(from + i));
    }
    for (; i < n; i++) {
        to[i] = cf_f32_to_f16(from[i]);
    }
}

#endif
