/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_q8: rows of x in 8 bits, times Q8_0 weights.
 *
 * For many rows the words with qt_ name how an instruction set multiplies small integers: qt is a
 * vector of int32, one lane an output; a block of 32 values takes QT_STEPS steps, each of them a
 * product of 4 bytes of x, the same for all lanes, with 4 bytes of packed weights a lane. */
#ifndef CF_KERNELS_BODY_Q8_H
#define CF_KERNELS_BODY_Q8_H

/* One row of x in blocks of 32: the scale is d = greatest / 127, the values x / d to nearest, ties
 * to even, from -127 to 127.  A block that holds a NaN or infinity has the scale NaN, one whose
 * scale would be subnormal is 0. */
static void quantise_row(const float *x, int64_t n, int8_t *values, float *scales)
{
    for (int64_t b = 0; b < n / CF_Q_BLOCK; b++, x += CF_Q_BLOCK, values += CF_Q_BLOCK) {
        vf greatest = vf_zero();
        vf nothing = vf_zero(); /* or NaN */
        CF_UNROLL
        for (int i = 0; i < CF_Q_BLOCK; i += 8) {
            vf a = vf_load(x + i);
            greatest = vf_max(greatest, vf_abs(a));
            nothing = vf_fma(a, vf_zero(), nothing);
        }
        const float d = vf_max_across(greatest) / 127.0f;
        const float poison = vf_sum(nothing);
        if (poison != poison || d < 0x1p-126f) {
            scales[b] = poison;
            memset(values, 0, CF_Q_BLOCK);
            continue;
        }
        scales[b] = d;
        const vf inverse = vf_set(1.0f / d);
        vf scaled[4];
        CF_UNROLL
        for (int i = 0; i < 4; i++) {
            scaled[i] = vf_mul(vf_load(x + 8 * i), inverse);
        }
        q8_store(values, scaled);
    }
}

static struct cf_quantised quantised_of(const struct cf_linear_job *job)
{
    size_t n = (size_t)job->n_rows * (size_t)job->w->n_in;
    char *values = job->prepared;
    char *scales = values + cf_round_up(job->is_many ? n * 2 : n, 64);
    return (struct cf_quantised){.values = values, .scales = (float *)(void *)scales};
}

static void prepare_q8(const struct cf_linear_job *job, int64_t begin, int64_t end)
{
    const int64_t n_in = job->w->n_in;
    const struct cf_quantised to = quantised_of(job);
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * n_in;
        float *scales = to.scales + r * (n_in / CF_Q_BLOCK);
        if (!job->is_many) {
            quantise_row(x, n_in, (int8_t *)to.values + r * n_in, scales);
            continue;
        }
        char *row = (char *)to.values + r * n_in / CF_Q_BLOCK * QT_X_SIZE;
        for (int64_t b = 0; b < n_in / CF_Q_BLOCK; b++) {
            int8_t values[CF_Q_BLOCK];
            quantise_row(x + b * CF_Q_BLOCK, CF_Q_BLOCK, values, scales + b);
            qt_store_x(row + b * QT_X_SIZE, values);
        }
    }
}

enum { Q8_OUTPUTS = 8 };

static void few_q8(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const struct cf_matrix *w = job->w;
    const int64_t n_blocks = w->n_in / CF_Q_BLOCK;
    const struct cf_quantised x = quantised_of(job);
    for (int64_t output = begin; output < end; output += Q8_OUTPUTS) {
        const char *rows[Q8_OUTPUTS];
        weight_rows(w, (size_t)n_blocks * Q8_BLOCK_SIZE, output, Q8_OUTPUTS, rows);
        size_t n = (size_t)(end - output < Q8_OUTPUTS ? end - output : Q8_OUTPUTS);
        for (int64_t r = 0; r < job->n_rows; r++) {
            const int8_t *values = (const int8_t *)x.values + r * w->n_in;
            const float *scales = x.scales + r * n_blocks;
            vf sum = vf_zero();
            for (int64_t b = 0; b < n_blocks; b++) {
                vf d = vf_mul(q8_scales(rows, b * Q8_BLOCK_SIZE), vf_set(scales[b]));
                vf dots = q8_dots(rows, b * Q8_BLOCK_SIZE, values + b * CF_Q_BLOCK);
                sum = vf_fma(d, dots, sum);
            }
            float sums[Q8_OUTPUTS];
            vf_store(sums, sum);
            finish(job->then, sums, job->bias != NULL ? job->bias + output : NULL, n,
                   job->y + r * w->n_out + output);
        }
    }
}

enum {
    QT_OUTPUTS = QT_VECTORS * VT_LANES,
    QT_TOGETHER = 8, /* blocks of k that stay in the first cache */
};

/* How a panel of QT_OUTPUTS outputs lies packed: for each block the scales, then the weights. */
enum { QT_PANEL_BLOCK_SIZE = QT_OUTPUTS * 4 + QT_VECTORS * QT_W_SIZE };

static void pack_q8(const struct cf_matrix *w, int64_t output, char *panel)
{
    const int64_t n_blocks = w->n_in / CF_Q_BLOCK;
    const char *rows[QT_OUTPUTS];
    weight_rows(w, (size_t)n_blocks * Q8_BLOCK_SIZE, output, QT_OUTPUTS, rows);
    for (int64_t b = 0; b < n_blocks; b++, panel += QT_PANEL_BLOCK_SIZE) {
        for (int i = 0; i < QT_OUTPUTS; i += 8) {
            vf_store((float *)(void *)panel + i, q8_scales(rows + i, b * Q8_BLOCK_SIZE));
        }
        for (int v = 0; v < QT_VECTORS; v++) {
            qt_pack(rows + v * VT_LANES, b * Q8_BLOCK_SIZE + 2,
                    panel + QT_OUTPUTS * 4 + v * QT_W_SIZE);
        }
    }
}

/* sums[r][QT_OUTPUTS] goes on over n_blocks blocks for QT_ROWS rows; x[r] and scales[r] point at
 * the first block. */
static void tile_q8(const char *panel, int64_t n_blocks, const char *const *x,
                    const float *const *scales, bool is_first, float *const *sums)
{
    vt total[QT_ROWS][QT_VECTORS];
    CF_UNROLL
    for (int r = 0; r < QT_ROWS; r++) {
        CF_UNROLL
        for (int v = 0; v < QT_VECTORS; v++) {
            total[r][v] = is_first ? vt_zero() : vt_load(sums[r] + v * VT_LANES);
        }
    }
    for (int64_t b = 0; b < n_blocks; b++, panel += QT_PANEL_BLOCK_SIZE) {
        const char *weights = panel + QT_OUTPUTS * 4;
        qt acc[QT_ROWS][QT_VECTORS];
        CF_UNROLL
        for (int r = 0; r < QT_ROWS; r++) {
            CF_UNROLL
            for (int v = 0; v < QT_VECTORS; v++) {
                acc[r][v] = qt_start(weights + v * QT_W_SIZE);
            }
        }
        for (int step = 0; step < QT_STEPS; step++) {
            qt w[QT_VECTORS];
            CF_UNROLL
            for (int v = 0; v < QT_VECTORS; v++) {
                w[v] = qt_load(weights + v * QT_W_SIZE, step);
            }
            CF_UNROLL
            for (int r = 0; r < QT_ROWS; r++) {
                qt a = qt_set(x[r] + b * QT_X_SIZE, step);
                CF_UNROLL
                for (int v = 0; v < QT_VECTORS; v++) {
                    acc[r][v] = qt_add_product(acc[r][v], w[v], a);
                }
            }
        }
        CF_UNROLL
        for (int v = 0; v < QT_VECTORS; v++) {
            vt dw = vt_load((const float *)(const void *)panel + v * VT_LANES);
            CF_UNROLL
            for (int r = 0; r < QT_ROWS; r++) {
                vt d = vt_mul(dw, vt_set(scales[r][b]));
                total[r][v] = vt_fma(d, qt_to_float(acc[r][v]), total[r][v]);
            }
        }
    }
    CF_UNROLL
    for (int r = 0; r < QT_ROWS; r++) {
        CF_UNROLL
        for (int v = 0; v < QT_VECTORS; v++) {
            vt_store(sums[r] + v * VT_LANES, total[r][v]);
        }
    }
}

/* Rows [row, row + n_rows) through one packed panel. */
static void panel_q8(const struct cf_linear_job *job, const struct cf_quantised *x,
                     const char *panel, int64_t row, int64_t n_rows, float (*sums)[QT_OUTPUTS])
{
    const int64_t n_blocks = job->w->n_in / CF_Q_BLOCK;
    for (int64_t b = 0; b < n_blocks; b += QT_TOGETHER) {
        const int64_t n = n_blocks - b < QT_TOGETHER ? n_blocks - b : QT_TOGETHER;
        for (int64_t first = 0; first < n_rows; first += QT_ROWS) {
            const char *xs[QT_ROWS];
            const float *scales[QT_ROWS];
            float *to[QT_ROWS];
            for (int r = 0; r < QT_ROWS; r++) { /* past the last row: the last once more */
                int64_t at = row + (first + r < n_rows ? first + r : n_rows - 1);
                xs[r] = (const char *)x->values + (at * n_blocks + b) * QT_X_SIZE;
                scales[r] = x->scales + at * n_blocks + b;
                to[r] = sums[first + r];
            }
            tile_q8(panel + b * QT_PANEL_BLOCK_SIZE, n, xs, scales, b == 0, to);
        }
    }
}

static void many_q8(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    const struct cf_matrix *w = job->w;
    const struct cf_quantised x = quantised_of(job);
    float(*sums)[QT_OUTPUTS] = scratch;
    char *panel = (char *)scratch + sizeof(float[CF_SUPER_ROWS][QT_OUTPUTS]);
    for (int64_t output = begin; output < end; output += QT_OUTPUTS) {
        const int64_t n = end - output < QT_OUTPUTS ? end - output : QT_OUTPUTS;
        pack_q8(w, output, panel);
        for (int64_t row = 0; row < job->n_rows; row += CF_SUPER_ROWS) {
            int64_t n_rows = job->n_rows - row < CF_SUPER_ROWS ? job->n_rows - row : CF_SUPER_ROWS;
            panel_q8(job, &x, panel, row, n_rows, sums);
            for (int64_t r = 0; r < n_rows; r++) {
                finish(job->then, sums[r], job->bias != NULL ? job->bias + output : NULL, (size_t)n,
                       job->y + (row + r) * w->n_out + output);
            }
        }
    }
}

#endif
