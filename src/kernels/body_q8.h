/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_q8: rows of x in 8 bits, times Q8_0 weights.
 *
 * For many rows the words with qt_ name how an instruction set multiplies small integers: qt is a
 * vector of int32, one lane an output, qt_weights and qt_values what is multiplied; a block of 32
 * values takes QT_STEPS steps, each of them a product of 4 bytes of x, the same for all lanes, with
 * 4 bytes of packed weights a lane.  There x lies packed too: for each QT_ROWS rows
 * [block][step][row] 4 bytes, and the scales [block][row].
 */
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
    const size_t n_in = (size_t)job->w->n_in;
    size_t size = (size_t)job->n_rows * n_in;
    if (job->is_many) {
        size = cf_round_up((size_t)job->n_rows, QT_ROWS) * (n_in / CF_Q_BLOCK) * QT_X_SIZE;
    }
    char *scales = (char *)job->prepared + cf_round_up(size, 64);
    return (struct cf_quantised){.values = job->prepared, .scales = (float *)(void *)scales};
}

/* Block b of one of QT_ROWS rows, or of a missing row when x is NULL, to its places. */
CF_INLINE void pack_x_block(const float *x, int64_t row, char *values, float *scales)
{
    int8_t small[CF_Q_BLOCK] = {0};
    char bytes[QT_X_SIZE];
    scales[row] = 0;
    if (x != NULL) {
        quantise_row(x, CF_Q_BLOCK, small, scales + row);
    }
    qt_store_x(bytes, small);
    for (int step = 0; step < QT_STEPS; step++) {
        memcpy(values + (step * QT_ROWS + row) * 4, bytes + 4 * step, 4);
    }
}

static void prepare_q8(const struct cf_linear_job *job, int64_t begin, int64_t end)
{
    const int64_t n_in = job->w->n_in;
    const int64_t n_blocks = n_in / CF_Q_BLOCK;
    const struct cf_quantised to = quantised_of(job);
    if (!job->is_many) {
        quantise_row(job->x + begin * n_in, (end - begin) * n_in,
                     (int8_t *)to.values + begin * n_in, to.scales + begin * n_blocks);
        return;
    }
    const int64_t end_padded = (end + QT_ROWS - 1) / QT_ROWS * QT_ROWS;
    for (int64_t r = begin; r < end_padded; r++) {
        const int64_t group = r / QT_ROWS * n_blocks;
        const float *x = r < job->n_rows ? job->x + r * n_in : NULL;
        for (int64_t b = 0; b < n_blocks; b++) {
            pack_x_block(x != NULL ? x + b * CF_Q_BLOCK : NULL, r % QT_ROWS,
                         (char *)to.values + (group + b) * QT_ROWS * QT_X_SIZE,
                         to.scales + (group + b) * QT_ROWS);
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
            const char *ahead = rows[0] + n_blocks * Q8_BLOCK_SIZE * Q8_OUTPUTS;
            for (int64_t b = 0; b < n_blocks; b++, ahead += Q8_BLOCK_SIZE * Q8_OUTPUTS) {
                CF_UNROLL
                for (int i = 0; r == 0 && i < Q8_BLOCK_SIZE * Q8_OUTPUTS; i += 64) {
                    prefetch(ahead + i);
                }
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
    const char *ahead = rows[0] + n_blocks * Q8_BLOCK_SIZE * QT_OUTPUTS;
    for (int64_t b = 0; b < n_blocks; b++, panel += QT_PANEL_BLOCK_SIZE) {
        for (int i = 0; i < Q8_BLOCK_SIZE * QT_OUTPUTS; i += 64) {
            prefetch(ahead + b * Q8_BLOCK_SIZE * QT_OUTPUTS + i);
        }
        for (int i = 0; i < QT_OUTPUTS; i += 8) {
            vf_store((float *)(void *)panel + i, q8_scales(rows + i, b * Q8_BLOCK_SIZE));
        }
        for (int v = 0; v < QT_VECTORS; v++) {
            qt_pack(rows + v * VT_LANES, b * Q8_BLOCK_SIZE + 2,
                    panel + QT_OUTPUTS * 4 + v * QT_W_SIZE);
        }
    }
}

/* sums[r][QT_OUTPUTS] goes on over n_blocks blocks for QT_ROWS rows.  The sums stay in memory: the
 * registers are for the integers. */
static void tile_q8(const char *panel, int64_t n_blocks, const char *x, const float *scales,
                    float (*sums)[QT_OUTPUTS])
{
    for (int64_t b = 0; b < n_blocks; b++) {
        const char *weights = panel + QT_OUTPUTS * 4;
        qt acc[QT_ROWS][QT_VECTORS];
        CF_UNROLL
        for (int r = 0; r < QT_ROWS; r++) {
            CF_UNROLL
            for (int v = 0; v < QT_VECTORS; v++) {
                acc[r][v] = qt_start(weights + v * QT_W_SIZE);
            }
        }
        CF_UNROLL_BY_4
        for (int step = 0; step < QT_STEPS; step++) {
            qt_weights w[QT_VECTORS];
            CF_UNROLL
            for (int v = 0; v < QT_VECTORS; v++) {
                w[v] = qt_load(weights + v * QT_W_SIZE, step);
            }
            CF_UNROLL
            for (int r = 0; r < QT_ROWS; r++) {
                qt_values a = qt_set(x + (step * QT_ROWS + r) * 4);
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
                vt d = vt_mul(dw, vt_set(scales[r]));
                float *to = sums[r] + v * VT_LANES;
                vt_store(to, vt_fma(d, qt_to_float(acc[r][v]), vt_load(to)));
            }
        }
        panel += QT_PANEL_BLOCK_SIZE;
        x += QT_ROWS * QT_X_SIZE;
        scales += QT_ROWS;
    }
}

/* Rows [row, row + n_rows) through one packed panel; row is a multiple of QT_ROWS. */
static void panel_q8(const struct cf_linear_job *job, const struct cf_quantised *x,
                     const char *panel, int64_t row, int64_t n_rows, float (*sums)[QT_OUTPUTS])
{
    const int64_t n_blocks = job->w->n_in / CF_Q_BLOCK;
    memset(sums, 0, (size_t)(n_rows + QT_ROWS - 1) / QT_ROWS * QT_ROWS * sizeof *sums);
    for (int64_t b = 0; b < n_blocks; b += QT_TOGETHER) {
        const int64_t n = n_blocks - b < QT_TOGETHER ? n_blocks - b : QT_TOGETHER;
        for (int64_t r = 0; r < n_rows; r += QT_ROWS) {
            const int64_t at = (row + r) / QT_ROWS * n_blocks + b;
            tile_q8(panel + b * QT_PANEL_BLOCK_SIZE, n,
                    (const char *)x->values + at * QT_ROWS * QT_X_SIZE, x->scales + at * QT_ROWS,
                    sums + r);
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
