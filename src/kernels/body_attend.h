/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_attend: one head's attention of up to CF_ATTEND_ROWS rows over one timeline, in two passes.
 *
 * A score is a sum of d_head products in eight lanes (lane j takes d = j modulo 8, ascending), the
 * lanes added as vf_sum does.  The weights exp(score - greatest) are added in eight lanes (lane j
 * takes positions j modulo 8, ascending).  A value is a chain over all positions in ascending
 * order, divided by the weights' sum at the end.  So a row's result depends on its own query and
 * n_seen, and not on the rows it is computed with. */
#ifndef CF_KERNELS_BODY_ATTEND_H
#define CF_KERNELS_BODY_ATTEND_H

enum { VALUE_VECTORS = 8 }; /* vectors of d that one row accumulates at a time */

CF_INLINE vf kv_load(enum cf_dtype type, const void *p, int64_t i)
{
    return type == CF_F32 ? vf_load((const float *)p + i) : vf_load_f16((const uint16_t *)p + i);
}

CF_INLINE vf kv_load_part(enum cf_dtype type, const void *p, int64_t i, int n)
{
    if (type == CF_F32) {
        return vf_load_part((const float *)p + i, n);
    }
    uint16_t halves[8] = {0};
    memcpy(halves, (const uint16_t *)p + i, (size_t)n * sizeof *halves);
    return vf_load_f16(halves);
}

/* The scores of 8 / ROWS positions from position P on for ROWS rows.  Positions past LAST are
 * computed from LAST. */
CF_INLINE void score_some(enum cf_dtype type, int n_rows, const float *const *q, const void *k,
                          int32_t d_head, int64_t position, int64_t last, vf scale,
                          float *const *scores)
{
    const int n_positions = 8 / n_rows;
    vf sums[8];
    int64_t at[8];
    CF_UNROLL
    for (int j = 0; j < n_positions; j++) {
        at[j] = (position + j < last ? position + j : last) * d_head;
    }
    CF_UNROLL
    for (int i = 0; i < 8; i++) {
        sums[i] = vf_zero();
    }
    const int tail = d_head % 8;
    int32_t d = 0;
    for (; d + 8 <= d_head; d += 8) {
        CF_UNROLL
        for (int j = 0; j < n_positions; j++) {
            vf a = kv_load(type, k, at[j] + d);
            CF_UNROLL
            for (int r = 0; r < n_rows; r++) {
                sums[r * n_positions + j] = vf_fma(vf_load(q[r] + d), a, sums[r * n_positions + j]);
            }
        }
    }
    if (tail > 0) {
        CF_UNROLL
        for (int j = 0; j < n_positions; j++) {
            vf a = kv_load_part(type, k, at[j] + d, tail);
            CF_UNROLL
            for (int r = 0; r < n_rows; r++) {
                sums[r * n_positions + j] =
                    vf_fma(vf_load_part(q[r] + d, tail), a, sums[r * n_positions + j]);
            }
        }
    }
    float found[8];
    vf_store(found, vf_mul(vf_sums(sums), scale));
    for (int r = 0; r < n_rows; r++) {
        memcpy(scores[r] + position, found + r * n_positions, (size_t)n_positions * sizeof *found);
    }
}

/* Scores to weights in place; returns 1 / their sum. */
CF_INLINE float softmax(float *scores, int32_t n)
{
    const int tail = n % 8;
    const int32_t n_whole = n - tail;
    vf greatest = vf_set(-INFINITY);
    for (int32_t i = 0; i < n_whole; i += 8) {
        greatest = vf_max(greatest, vf_load(scores + i));
    }
    float most = vf_max_across(greatest);
    for (int32_t i = n_whole; i < n; i++) {
        most = most > scores[i] ? most : scores[i];
    }
    vf shift = vf_set(most);
    vf sum = vf_zero();
    for (int32_t i = 0; i < n_whole; i += 8) {
        vf w = vf_exp_of_negative(vf_sub(vf_load(scores + i), shift));
        vf_store(scores + i, w);
        sum = vf_add(sum, w);
    }
    if (tail > 0) {
        vf part = vf_sub(vf_load_part(scores + n_whole, tail), shift);
        vf w = vf_keep(vf_exp_of_negative(part), tail);
        vf_store_part(scores + n_whole, w, tail);
        sum = vf_add(sum, w);
    }
    return 1.0f / vf_sum(sum);
}

/* acc[r][j] gains positions [begin, end) of N_VECTORS vectors of d from d on; the last vector has
 * only TAIL lanes unless tail is 0. */
CF_INLINE void values_add(enum cf_dtype type, int n_rows, int n_vectors, int tail,
                          const float *const *weights, const void *v, int32_t d_head, int32_t d,
                          int64_t begin, int64_t end, vf *acc)
{
    for (int64_t p = begin; p < end; p++) {
        CF_UNROLL
        for (int j = 0; j < n_vectors; j++) {
            int64_t at = p * d_head + d + 8 * j;
            vf a = tail > 0 && j == n_vectors - 1 ? kv_load_part(type, v, at, tail)
                                                  : kv_load(type, v, at);
            CF_UNROLL
            for (int r = 0; r < n_rows; r++) {
                acc[r * n_vectors + j] = vf_fma(vf_set(weights[r][p]), a, acc[r * n_vectors + j]);
            }
        }
    }
}

/* N_VECTORS vectors of the output of N_ROWS rows that see at least n_common positions. */
CF_INLINE void values_some(enum cf_dtype type, int n_rows, int n_vectors, int tail,
                           const float *const *weights, const float *inverse, const int32_t *n_seen,
                           const void *v, int32_t d_head, int32_t d, float *const *out)
{
    vf acc[8];
    CF_UNROLL
    for (int i = 0; i < n_rows * n_vectors; i++) {
        acc[i] = vf_zero();
    }
    values_add(type, n_rows, n_vectors, tail, weights, v, d_head, d, 0, n_seen[0], acc);
    CF_UNROLL
    for (int r = 0; r < n_rows; r++) {
        if (r > 0) {
            values_add(type, 1, n_vectors, tail, weights + r, v, d_head, d, n_seen[0], n_seen[r],
                       acc + r * n_vectors);
        }
        CF_UNROLL
        for (int j = 0; j < n_vectors; j++) {
            vf a = vf_mul(acc[r * n_vectors + j], vf_set(inverse[r]));
            float *to = out[r] + d + 8 * j;
            if (tail > 0 && j == n_vectors - 1) {
                vf_store_part(to, a, tail);
            } else {
                vf_store(to, a);
            }
        }
    }
}

CF_INLINE void values(enum cf_dtype type, int n_rows, const float *const *weights,
                      const float *inverse, const int32_t *n_seen, const void *v, int32_t d_head,
                      float *const *out)
{
    const int n_vectors = VALUE_VECTORS / n_rows;
    int32_t d = 0;
    for (; d + 8 * n_vectors <= d_head; d += 8 * n_vectors) {
        values_some(type, n_rows, n_vectors, 0, weights, inverse, n_seen, v, d_head, d, out);
    }
    for (; d + 8 <= d_head; d += 8) {
        values_some(type, n_rows, 1, 0, weights, inverse, n_seen, v, d_head, d, out);
    }
    if (d < d_head) {
        values_some(type, n_rows, 1, d_head - d, weights, inverse, n_seen, v, d_head, d, out);
    }
}

/* n_seen ascends from row to row, or all rows are taken one by one. */
CF_INLINE void attend_rows(enum cf_dtype type, int n_rows, const struct cf_attend_job *job,
                           int32_t head, int64_t row, float *scratch)
{
    const struct cf_attention *attention = job->attention;
    const struct cf_query *rows = job->rows + row;
    const size_t size = type == CF_F32 ? sizeof(float) : sizeof(uint16_t);
    const size_t head_offset = (size_t)head * (size_t)attention->head_stride * size;
    const void *k = (const char *)rows[0].k + head_offset;
    const void *v = (const char *)rows[0].v + head_offset;
    const float *q[CF_ATTEND_ROWS];
    float *scores[CF_ATTEND_ROWS];
    float *out[CF_ATTEND_ROWS];
    int32_t n_seen[CF_ATTEND_ROWS];
    float inverse[CF_ATTEND_ROWS];
    for (int r = 0; r < n_rows; r++) {
        q[r] = rows[r].q + (int64_t)head * attention->d_head;
        out[r] = rows[r].out + (int64_t)head * attention->d_head;
        scores[r] = scratch + r * job->n_scores;
        n_seen[r] = rows[r].n_seen;
    }
    const vf scale = vf_set(attention->scale);
    const int64_t last = n_seen[n_rows - 1] - 1;
    for (int64_t p = 0; p <= last; p += 8 / n_rows) {
        score_some(type, n_rows, q, k, attention->d_head, p, last, scale, scores);
    }
    for (int r = 0; r < n_rows; r++) {
        inverse[r] = softmax(scores[r], n_seen[r]);
    }
    values(type, n_rows, (const float *const *)scores, inverse, n_seen, v, attention->d_head, out);
}

static void attend(const struct cf_attend_job *job, int32_t head, int64_t row, int64_t n,
                   float *scratch)
{
    bool is_f32 = job->attention->kv_type == CF_F32;
    if (n == CF_ATTEND_ROWS) {
        if (is_f32) {
            attend_rows(CF_F32, CF_ATTEND_ROWS, job, head, row, scratch);
        } else {
            attend_rows(CF_F16, CF_ATTEND_ROWS, job, head, row, scratch);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (is_f32) {
            attend_rows(CF_F32, 1, job, head, row + i, scratch);
        } else {
            attend_rows(CF_F16, 1, job, head, row + i, scratch);
        }
    }
}

#endif
