/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_few: up to CF_FEW_ROWS rows of x times float weights, which stream past once. */
#ifndef CF_KERNELS_BODY_FEW_H
#define CF_KERNELS_BODY_FEW_H

enum { FEW_OUTPUTS = 16, FEW_TOGETHER = 4 };

CF_INLINE int turn_step(enum cf_dtype dtype)
{
    return dtype == CF_F32 ? 4 : 8;
}

/* Column k of eight rows, one by one: the last values of a row. */
CF_INLINE vf gather_column(enum cf_dtype dtype, const char *const *rows, int64_t k)
{
    float lanes[8];
    uint16_t half;
    for (int i = 0; i < 8; i++) {
        if (dtype == CF_F32) {
            memcpy(&lanes[i], rows[i] + k * 4, sizeof lanes[i]);
        } else {
            memcpy(&half, rows[i] + k * 2, sizeof half);
            lanes[i] = dtype == CF_F16 ? cf_f16_to_f32(half) : cf_bf16_to_f32(half);
        }
    }
    return vf_load(lanes);
}

/* Asks for the cache line of P, which need not be mapped, to come to the second cache. */
CF_INLINE void prefetch(const char *p)
{
    __builtin_prefetch(p, 0, 2);
}

/* The chains of one block of k, [begin, end): acc[r * n_groups + g] for N_ROWS rows of x and
 * N_GROUPS groups of eight rows of weights. */
CF_INLINE void chain_out_in(enum cf_dtype dtype, int n_rows, int n_groups, const char *const *rows,
                            const float *x, int64_t n_in, int64_t begin, int64_t end, vf *acc)
{
    const int step = turn_step(dtype);
    const int64_t group_size = 8 * n_groups * (dtype == CF_F32 ? 4 : 2);
    const char *ahead = rows[0] + (n_in + begin) * group_size;
    int64_t k = begin;
    for (; k + step <= end; k += step) {
        const char *next = ahead + (k - begin) * group_size;
        CF_UNROLL
        for (int i = 0; i < 2 * n_groups; i++) {
            prefetch(next + 64 * i);
        }
        CF_UNROLL
        for (int g = 0; g < n_groups; g++) {
            turned block = turn(dtype, rows + 8 * g, k);
            CF_UNROLL
            for (int i = 0; i < step; i++) {
                vf w = turned_column(dtype, &block, i);
                CF_UNROLL
                for (int r = 0; r < n_rows; r++) {
                    vf a = vf_set(x[r * n_in + k + i]);
                    acc[r * n_groups + g] = vf_fma(a, w, acc[r * n_groups + g]);
                }
            }
        }
    }
    for (; k < end; k++) {
        CF_UNROLL
        for (int g = 0; g < n_groups; g++) {
            vf w = gather_column(dtype, rows + 8 * g, k);
            CF_UNROLL
            for (int r = 0; r < n_rows; r++) {
                acc[r * n_groups + g] = vf_fma(vf_set(x[r * n_in + k]), w, acc[r * n_groups + g]);
            }
        }
    }
}

/* sums[r][16]: N_ROWS rows of x times 16 rows of weights. */
CF_INLINE void sums_out_in(enum cf_dtype dtype, int n_rows, const char *const *rows, const float *x,
                           int64_t n_in, float (*sums)[FEW_OUTPUTS])
{
    const int n_groups = n_rows == 1 ? 2 : 1; /* two chains at a time hide each other's latency */
    for (int g = 0; g < FEW_OUTPUTS / 8; g += n_groups) {
        vf total[FEW_TOGETHER];
        CF_UNROLL
        for (int i = 0; i < FEW_TOGETHER; i++) {
            total[i] = vf_zero();
        }
        for (int64_t begin = 0; begin < n_in; begin += CF_SUM_BLOCK) {
            int64_t end = begin + CF_SUM_BLOCK < n_in ? begin + CF_SUM_BLOCK : n_in;
            vf acc[FEW_TOGETHER];
            CF_UNROLL
            for (int i = 0; i < n_rows * n_groups; i++) {
                acc[i] = vf_zero();
            }
            chain_out_in(dtype, n_rows, n_groups, rows + 8 * g, x, n_in, begin, end, acc);
            CF_UNROLL
            for (int i = 0; i < n_rows * n_groups; i++) {
                total[i] = begin == 0 ? acc[i] : vf_add(total[i], acc[i]);
            }
        }
        CF_UNROLL
        for (int i = 0; i < n_rows * n_groups; i++) {
            vf_store(sums[i / n_groups] + 8 * (g + i % n_groups), total[i]);
        }
    }
}

/* The rows of weights of n outputs from the given one on, the last repeated where there are fewer.
 */
CF_INLINE void weight_rows(const struct cf_matrix *w, size_t row_size, int64_t output, int n,
                           const char **rows)
{
    for (int i = 0; i < n; i++) {
        int64_t at = output + i < w->n_out ? output + i : w->n_out - 1;
        rows[i] = (const char *)w->data + (size_t)at * row_size;
    }
}

CF_INLINE void few_out_in(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                          int64_t end)
{
    const struct cf_matrix *w = job->w;
    const size_t row_size = cf_dtype_row_size(dtype, (size_t)w->n_in);
    for (int64_t output = begin; output < end; output += FEW_OUTPUTS) {
        const char *rows[FEW_OUTPUTS];
        weight_rows(w, row_size, output, FEW_OUTPUTS, rows);
        size_t n = (size_t)(end - output < FEW_OUTPUTS ? end - output : FEW_OUTPUTS);
        for (int64_t row = 0; row < job->n_rows;) {
            const float *x = job->x + row * w->n_in;
            float sums[FEW_TOGETHER][FEW_OUTPUTS];
            int64_t left = job->n_rows - row;
            int n_together = 1;
            if (left >= FEW_TOGETHER) {
                n_together = FEW_TOGETHER;
                sums_out_in(dtype, FEW_TOGETHER, rows, x, w->n_in, sums);
            } else if (left >= 2) {
                n_together = 2;
                sums_out_in(dtype, 2, rows, x, w->n_in, sums);
            } else {
                sums_out_in(dtype, 1, rows, x, w->n_in, sums);
            }
            for (int i = 0; i < n_together; i++) {
                finish(job->then, sums[i], job->bias != NULL ? job->bias + output : NULL, n,
                       job->y + (row + i) * w->n_out + output);
            }
            row += n_together;
        }
    }
}

CF_INLINE vf load_weights(enum cf_dtype dtype, const char *p)
{
    if (dtype == CF_F32) {
        return vf_load((const float *)(const void *)p);
    }
    const uint16_t *halves = (const uint16_t *)(const void *)p;
    return dtype == CF_F16 ? vf_load_f16(halves) : vf_load_bf16(halves);
}

CF_INLINE vf load_weights_part(enum cf_dtype dtype, const char *p, int n)
{
    if (dtype == CF_F32) {
        return vf_load_part((const float *)(const void *)p, n);
    }
    uint16_t halves[8] = {0};
    memcpy(halves, p, (size_t)n * sizeof *halves);
    return dtype == CF_F16 ? vf_load_f16(halves) : vf_load_bf16(halves);
}

/* Eight outputs, or a tail of n, of every row's chains gain N_K links: acc[r][...] for n_rows rows,
 * x[r][k] * w[k][...], rows of w STRIDE bytes apart. */
CF_INLINE void links_eight(enum cf_dtype dtype, int n_k, int64_t n_rows, const float *x,
                           int64_t n_in, const char *w, size_t stride, int n, bool is_first,
                           float *acc)
{
    vf ws[8];
    CF_UNROLL
    for (int k = 0; k < n_k; k++) {
        const char *p = w + (size_t)k * stride;
        ws[k] = n == 8 ? load_weights(dtype, p) : load_weights_part(dtype, p, n);
    }
    for (int64_t r = 0; r < n_rows; r++, x += n_in, acc += CF_SEGMENT) {
        vf a = is_first ? vf_zero() : n == 8 ? vf_load(acc) : vf_load_part(acc, n);
        CF_UNROLL
        for (int k = 0; k < n_k; k++) {
            a = vf_fma(vf_set(x[k]), ws[k], a);
        }
        if (n == 8) {
            vf_store(acc, a);
        } else {
            vf_store_part(acc, a, n);
        }
    }
}

/* The same for outputs [0, n).  The lines of the next links are asked for. */
CF_INLINE void links_in_out(enum cf_dtype dtype, int n_k, int64_t n_rows, const float *x,
                            int64_t n_in, const char *w, size_t stride, int64_t n, bool is_first,
                            float *acc)
{
    const int size = dtype == CF_F32 ? 4 : 2;
    int64_t j = 0;
    for (; j + 8 <= n; j += 8) {
        const char *p = w + j * size;
        if (j % (64 / size) == 0) {
            CF_UNROLL
            for (int k = 0; k < n_k; k++) {
                prefetch(p + (size_t)(n_k + k) * stride);
            }
        }
        links_eight(dtype, n_k, n_rows, x, n_in, p, stride, 8, is_first, acc + j);
    }
    if (j < n) {
        links_eight(dtype, n_k, n_rows, x, n_in, w + j * size, stride, (int)(n - j), is_first,
                    acc + j);
    }
}

static void add_to(float *total, const float *part, int64_t n, bool is_first)
{
    if (is_first) {
        memcpy(total, part, (size_t)n * sizeof *total);
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        total[j] += part[j];
    }
}

/* scratch: for each row CF_SEGMENT chains and CF_SEGMENT totals. */
CF_INLINE void few_in_out(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                          int64_t end, float *scratch)
{
    const struct cf_matrix *w = job->w;
    const size_t size = dtype == CF_F32 ? 4 : 2;
    const size_t stride = (size_t)w->n_out * size;
    const int64_t n = end - begin;
    const int64_t n_in = w->n_in;
    float *totals = scratch + job->n_rows * CF_SEGMENT;
    for (int64_t k = 0; k < n_in;) {
        const char *weights = (const char *)w->data + (size_t)k * stride + (size_t)begin * size;
        const int64_t n_left = CF_SUM_BLOCK - k % CF_SUM_BLOCK;
        const bool has_eight = n_in - k >= 8 && n_left >= 8;
        const int n_k = has_eight ? 8 : 1;
        const bool is_first = k % CF_SUM_BLOCK == 0;
        if (has_eight && job->n_rows == 1) {
            links_in_out(dtype, 8, 1, job->x + k, n_in, weights, stride, n, is_first, scratch);
        } else if (has_eight) {
            links_in_out(dtype, 8, job->n_rows, job->x + k, n_in, weights, stride, n, is_first,
                         scratch);
        } else {
            links_in_out(dtype, 1, job->n_rows, job->x + k, n_in, weights, stride, n, is_first,
                         scratch);
        }
        k += n_k;
        if (k % CF_SUM_BLOCK == 0 || k == n_in) {
            for (int64_t r = 0; r < job->n_rows; r++) {
                add_to(totals + r * CF_SEGMENT, scratch + r * CF_SEGMENT, n, k <= CF_SUM_BLOCK);
            }
        }
    }
    for (int64_t r = 0; r < job->n_rows; r++) {
        finish(job->then, totals + r * CF_SEGMENT, job->bias != NULL ? job->bias + begin : NULL,
               (size_t)n, job->y + r * w->n_out + begin);
    }
}

CF_INLINE void few_float(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                         int64_t end, void *scratch)
{
    if (job->w->layout == CF_OUT_IN) {
        few_out_in(dtype, job, begin, end);
        return;
    }
    for (int64_t output = begin; output < end; output += CF_SEGMENT) {
        few_in_out(dtype, job, output, output + CF_SEGMENT < end ? output + CF_SEGMENT : end,
                   scratch);
    }
}

static void few_f32(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    few_float(CF_F32, job, begin, end, scratch);
}

static void few_f16(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    few_float(CF_F16, job, begin, end, scratch);
}

static void few_bf16(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    few_float(CF_BF16, job, begin, end, scratch);
}

#endif
