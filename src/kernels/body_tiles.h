/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_tiles: any number of rows of x, in 8 bits, times weights of block types in tiles (tiles.h).
 *
 * The words with q name how an instruction set multiplies small integers.  VT_LANES outputs make a
 * vector: qb holds four bytes an output, qx four bytes of x, the same for all outputs, qi an int32
 * an output.  qi_add_signed adds the four products of signed bytes (x at least -127, and from a sum
 * that began QB_OFFSET times the sum of x below what it should be).  qs is where products of x with
 * weights of up to 6 bits are added, of at most QS_STEPS(bits) steps, before qi_add_qs takes the
 * sum on.  Q_PIN keeps the compiler from adding in another order: it would make trees of the sums,
 * for which there are not registers enough. */
#ifndef CF_KERNELS_BODY_TILES_H
#define CF_KERNELS_BODY_TILES_H

/* Unrolled, the sums live in registers; where these words are loops themselves it would only make
 * the compiler work for minutes. */
#ifdef CF_OWN_TILES
#define TILE_UNROLL CF_UNROLL
#else
#define TILE_UNROLL
#endif

static_assert((int)CF_Q_BLOCK == (int)CF_TILE_BLOCK, "blocks of x are blocks of k");

/* One row of x in blocks of 32: the scale is d = greatest / 127, the values x / d to nearest, ties
 * to even, from -127 to 127; sums are those of the values of each half of a block.  A block that
 * holds a NaN or infinity has the scale NaN, one whose scale would be subnormal is 0. */
static void quantise_row(const float *x, int64_t n, int8_t *values, float *scales, int32_t *sums)
{
    for (int64_t b = 0; b < n / CF_Q_BLOCK; b++, x += CF_Q_BLOCK, values += CF_Q_BLOCK) {
        vf greatest = vf_zero();
        vf nothing = vf_zero(); /* or NaN */
        TILE_UNROLL
        for (int i = 0; i < CF_Q_BLOCK; i += 8) {
            vf a = vf_load(x + i);
            greatest = vf_max(greatest, vf_abs(a));
            nothing = vf_fma(a, vf_zero(), nothing);
        }
        const float d = vf_max_across(greatest) / 127.0f;
        const float poison = vf_sum(nothing);
        if (poison != poison || d < 0x1p-126f) {
            scales[b] = poison;
            sums[2 * b] = 0;
            sums[2 * b + 1] = 0;
            memset(values, 0, CF_Q_BLOCK);
            continue;
        }
        scales[b] = d;
        const vf inverse = vf_set(1.0f / d);
        vf scaled[4];
        TILE_UNROLL
        for (int i = 0; i < 4; i++) {
            scaled[i] = vf_mul(vf_load(x + 8 * i), inverse);
        }
        q8_store(values, scaled);
        q8_sums(values, sums + 2 * b);
    }
}

static struct cf_quantised quantised_of(const struct cf_linear_job *job)
{
    const size_t n = (size_t)job->n_rows * (size_t)job->w->n_in;
    char *scales = (char *)job->prepared + cf_round_up(n, 64);
    char *sums = scales + cf_round_up(n / CF_Q_BLOCK * sizeof(float), 64);
    return (struct cf_quantised){.values = job->prepared,
                                 .scales = (float *)(void *)scales,
                                 .sums = (int32_t *)(void *)sums};
}

static void prepare_tiles(const struct cf_linear_job *job, int64_t begin, int64_t end)
{
    const int64_t n_in = job->w->n_in;
    const int64_t n_blocks = n_in / CF_Q_BLOCK;
    const struct cf_quantised to = quantised_of(job);
    quantise_row(job->x + begin * n_in, (end - begin) * n_in, to.values + begin * n_in,
                 to.scales + begin * n_blocks, to.sums + 2 * begin * n_blocks);
}

/* Vector v of a step: where there are many rows from a byte a value, else as the record has it. */
CF_INLINE qb step_weights(enum cf_dtype dtype, bool is_many, const char *weights, int step, int v)
{
    const int at = v * VT_LANES * 4;
    if (is_many || dtype == CF_Q8_0) {
        return qb_load(weights + step * CF_TILE_STEP + at);
    }
    qb a = qb_load(weights + step % 4 * CF_TILE_STEP + at);
    a = step < 4 ? qb_low(a) : qb_high(a);
    if (cf_tile_n_bits(dtype) == 5) {
        return qb_or(a, qb_bits(qb_load(weights + 4 * CF_TILE_STEP + at), step, 1));
    }
    if (cf_tile_n_bits(dtype) == 6) {
        qb plane = qb_load(weights + (4 + step / 4) * CF_TILE_STEP + at);
        return qb_or(a, qb_bits(plane, step % 4, 2));
    }
    return a;
}

/* The exact sums of N_STEPS steps from the given one on for N_ROWS rows; n_x is the sum of the same
 * values of x for each row. */
CF_INLINE void integers(enum cf_dtype dtype, bool is_many, int n_rows, const char *weights,
                        int step, int n_steps, const int8_t *x, int64_t stride, const int32_t *n_x,
                        qi (*acc)[TILE_VECTORS])
{
    const int offset = dtype == CF_Q8_0 ? QB_OFFSET : cf_tile_offset(dtype);
    TILE_UNROLL
    for (int r = 0; r < n_rows; r++) {
        TILE_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            acc[r][v] = offset != 0 ? qi_set(-offset * n_x[r]) : qi_set(0);
        }
    }
    if (dtype == CF_Q8_0) {
        TILE_UNROLL
        for (int s = step; s < step + n_steps; s++) {
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                qb w = step_weights(dtype, is_many, weights, s, v);
                TILE_UNROLL
                for (int r = 0; r < n_rows; r++) {
                    acc[r][v] = qi_add_signed(acc[r][v], w, qx_load(x + r * stride + 4 * s));
                    Q_PIN(acc[r][v]);
                }
            }
        }
        return;
    }
    const int most = QS_STEPS(cf_tile_n_bits(dtype));
    TILE_UNROLL
    for (int first = step; first < step + n_steps; first += most) {
        qs part[CF_TILE_ROWS_MAX][TILE_VECTORS];
        const int end = first + most < step + n_steps ? first + most : step + n_steps;
        TILE_UNROLL
        for (int r = 0; r < n_rows; r++) {
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                part[r][v] = qs_zero();
            }
        }
        TILE_UNROLL
        for (int s = first; s < end; s++) {
            qb w[TILE_VECTORS];
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                w[v] = step_weights(dtype, is_many, weights, s, v);
            }
            TILE_UNROLL
            for (int r = 0; r < n_rows; r++) {
                qx a = qx_load(x + r * stride + 4 * s);
                TILE_UNROLL
                for (int v = 0; v < TILE_VECTORS; v++) {
                    part[r][v] = qs_add(part[r][v], w[v], a);
                    Q_PIN(part[r][v]);
                }
            }
        }
        TILE_UNROLL
        for (int r = 0; r < n_rows; r++) {
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                acc[r][v] = qi_add_qs(acc[r][v], part[r][v]);
            }
        }
    }
}

/* Where a panel is read, and the rows of x. */
struct tile_input {
    const char *panel;
    const char *unpacked; /* many rows, unless the record has it so: [block][step][output][4] */
    const int8_t *x;
    const float *scales;
    const int32_t *sums;
    int64_t n_in;
};

/* One record for N_ROWS rows: total += (dw * dx) * integer, and where the type has one += minimum *
 * (dx * sum of x). */
CF_INLINE void tile_record(enum cf_dtype dtype, bool is_many, int n_rows, const char *head,
                           const char *record, const char *weights, const struct tile_input *in,
                           int64_t b, vt (*total)[TILE_VECTORS])
{
    const int64_t n_blocks = in->n_in / CF_Q_BLOCK;
    const int8_t *x = in->x + b * CF_Q_BLOCK;
    int32_t n_x[CF_TILE_ROWS_MAX];
    qi acc[CF_TILE_ROWS_MAX][TILE_VECTORS];
    if (dtype == CF_Q6_K) { /* a scale for each half */
        for (int half = 0; half < 2; half++) {
            qi part[CF_TILE_ROWS_MAX][TILE_VECTORS];
            TILE_UNROLL
            for (int r = 0; r < n_rows; r++) {
                n_x[r] = in->sums[2 * (r * n_blocks + b) + half];
            }
            integers(dtype, is_many, n_rows, weights, 4 * half, 4, x, in->n_in, n_x, part);
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                qi s = qi_load_bytes(record + half * CF_TILE_OUTPUTS + v * VT_LANES);
                TILE_UNROLL
                for (int r = 0; r < n_rows; r++) {
                    qi scaled = qi_mul(part[r][v], s);
                    acc[r][v] = half == 0 ? scaled : qi_add(acc[r][v], scaled);
                }
            }
        }
    } else {
        TILE_UNROLL
        for (int r = 0; r < n_rows; r++) {
            const int32_t *sums = in->sums + 2 * (r * n_blocks + b);
            n_x[r] = sums[0] + sums[1];
        }
        integers(dtype, is_many, n_rows, weights, 0, CF_TILE_STEPS, x, in->n_in, n_x, acc);
    }
    TILE_UNROLL
    for (int v = 0; v < TILE_VECTORS; v++) {
        const int at = v * VT_LANES;
        vt dw = vt_load_halves((cf_tile_is_k(dtype) ? head : record) + 2 * at);
        vt min = vt_zero();
        if (dtype == CF_Q4_K || dtype == CF_Q5_K) {
            dw = vt_mul(dw, vt_load_bytes(record + at));
            min = vt_mul(vt_load_halves(head + 2 * (CF_TILE_OUTPUTS + at)),
                         vt_load_bytes(record + CF_TILE_OUTPUTS + at));
        } else if (cf_tile_has_min(dtype)) {
            min = vt_load_halves(record + 2 * (CF_TILE_OUTPUTS + at));
        }
        TILE_UNROLL
        for (int r = 0; r < n_rows; r++) {
            const float dx = in->scales[r * n_blocks + b];
            vt d = vt_mul(dw, vt_set(dx));
            total[r][v] = vt_fma(d, qi_to_float(acc[r][v]), total[r][v]);
            if (cf_tile_has_min(dtype)) {
                float shift = dx * (float)n_x[r];
                shift = cf_tile_is_k(dtype) ? -shift : shift;
                total[r][v] = vt_fma(min, vt_set(shift), total[r][v]);
            }
        }
    }
}

/* sums[r][16]: N_ROWS rows through a whole panel. */
CF_INLINE void tile_rows(enum cf_dtype dtype, bool is_many, int n_rows, const struct tile_input *in,
                         float (*sums)[CF_TILE_OUTPUTS])
{
    enum { AHEAD = 2048 }; /* bytes that are asked for before they are read */
    const size_t record_size = cf_tile_record_size(dtype);
    const char *at = in->panel;
    const char *head = at;
    const char *unpacked = in->unpacked;
    vt total[CF_TILE_ROWS_MAX][TILE_VECTORS];
    TILE_UNROLL
    for (int r = 0; r < n_rows; r++) {
        TILE_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            total[r][v] = vt_zero();
        }
    }
    for (int64_t b = 0; b < in->n_in / CF_TILE_BLOCK; b++) {
        if (cf_tile_is_k(dtype) && b % 8 == 0) {
            head = at;
            at += cf_tile_head_size(dtype);
        }
        TILE_UNROLL
        for (size_t i = 0; !is_many && i < record_size; i += 64) {
            __builtin_prefetch(at + AHEAD + i, 0, 3);
        }
        const bool is_unpacked = is_many && dtype != CF_Q8_0;
        const char *weights = is_unpacked ? unpacked : at + cf_tile_scales_size(dtype);
        tile_record(dtype, is_many, n_rows, head, at, weights, in, b, total);
        at += record_size;
        unpacked = is_unpacked ? unpacked + CF_TILE_STEPS * CF_TILE_STEP : NULL;
    }
    TILE_UNROLL
    for (int r = 0; r < n_rows; r++) {
        TILE_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            vt_store(sums[r] + v * VT_LANES, total[r][v]);
        }
    }
}

/* A panel's weights, a byte a value. */
CF_INLINE void unpack_panel(enum cf_dtype dtype, const char *panel, int64_t n_in, char *to)
{
    for (int64_t b = 0; b < n_in / CF_TILE_BLOCK; b++) {
        panel += cf_tile_is_k(dtype) && b % 8 == 0 ? cf_tile_head_size(dtype) : 0;
        TILE_UNROLL
        for (int step = 0; step < CF_TILE_STEPS; step++) {
            TILE_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++, to += 4 * VT_LANES) {
                qb_store(to,
                         step_weights(dtype, false, panel + cf_tile_scales_size(dtype), step, v));
            }
        }
        panel += cf_tile_record_size(dtype);
    }
}

/* Up to TILE_ROWS rows from the given one on through a panel; returns how many. */
CF_INLINE int tile_some(enum cf_dtype dtype, const struct cf_linear_job *job,
                        const struct cf_quantised *x, const char *panel, const char *unpacked,
                        int64_t row, float (*sums)[CF_TILE_OUTPUTS])
{
    const int64_t n_in = job->w->n_in;
    const int64_t n_blocks = n_in / CF_Q_BLOCK;
    const int64_t left = job->n_rows - row;
    const struct tile_input in = {.panel = panel,
                                  .unpacked = unpacked,
                                  .x = x->values + row * n_in,
                                  .scales = x->scales + row * n_blocks,
                                  .sums = x->sums + 2 * row * n_blocks,
                                  .n_in = n_in};
    if (left >= TILE_ROWS && job->is_many) {
        tile_rows(dtype, true, TILE_ROWS, &in, sums);
        return TILE_ROWS;
    }
    if (left >= TILE_ROWS) {
        tile_rows(dtype, false, TILE_ROWS, &in, sums);
        return TILE_ROWS;
    }
    if (left >= 2) {
        tile_rows(dtype, false, 2, &in, sums);
        return 2;
    }
    tile_rows(dtype, false, 1, &in, sums);
    return 1;
}

CF_INLINE void tiles(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                     int64_t end, void *scratch)
{
    const struct cf_matrix *w = job->w;
    const struct cf_quantised x = quantised_of(job);
    const size_t panel_size = cf_tile_panel_size(dtype, w->n_in);
    const char *panel = (const char *)w->data + (size_t)(begin / CF_TILE_OUTPUTS) * panel_size;
    for (int64_t output = begin; output < end; output += CF_TILE_OUTPUTS, panel += panel_size) {
        const int64_t left = end - output;
        const size_t n = (size_t)(left < CF_TILE_OUTPUTS ? left : CF_TILE_OUTPUTS);
        const char *unpacked = NULL;
        if (job->is_many && dtype != CF_Q8_0) {
            unpack_panel(dtype, panel, w->n_in, scratch);
            unpacked = scratch;
        }
        for (int64_t row = 0; row < job->n_rows;) {
            float sums[TILE_ROWS][CF_TILE_OUTPUTS];
            int n_rows = tile_some(dtype, job, &x, panel, unpacked, row, sums);
            for (int r = 0; r < n_rows; r++) {
                finish(job->then, sums[r], job->bias != NULL ? job->bias + output : NULL, n,
                       job->y + (row + r) * w->n_out + output);
            }
            row += n_rows;
        }
    }
}

#define TILES_OF(dtype, name)                                                                      \
    static void tiles_##name(const struct cf_linear_job *job, int64_t begin, int64_t end,          \
                             void *scratch)                                                        \
    {                                                                                              \
        tiles(dtype, job, begin, end, scratch);                                                    \
    }
TILES_OF(CF_Q8_0, q8_0)
TILES_OF(CF_Q4_0, q4_0)
TILES_OF(CF_Q4_1, q4_1)
TILES_OF(CF_Q5_0, q5_0)
TILES_OF(CF_Q5_1, q5_1)
TILES_OF(CF_Q4_K, q4_k)
TILES_OF(CF_Q5_K, q5_k)
TILES_OF(CF_Q6_K, q6_k)
#undef TILES_OF

#endif
