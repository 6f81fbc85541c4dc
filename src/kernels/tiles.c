/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a file's rows to tiles, and one row back to numbers. */
#include "kernels/tiles.h"

#include <string.h>

#include "kernels/half.h"
#include "kernels/table.h"
#include "kernels/target.h"

bool cf_tiles_take(enum cf_dtype dtype, enum cf_layout layout)
{
    return layout == CF_OUT_IN || (layout == CF_IN_OUT && cf_dtype_n_block(dtype) == 1);
}

size_t cf_tiles_size(enum cf_dtype dtype, int32_t n_out, int32_t n_in)
{
    return cf_round_up((size_t)n_out, CF_TILE_OUTPUTS) / CF_TILE_OUTPUTS *
           cf_tile_panel_size(dtype, n_in);
}

static uint32_t load_4(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return four;
}

static void store_4(uint8_t *p, uint32_t four)
{
    memcpy(p, &four, sizeof four);
}

#define EACH(byte) (UINT32_C(0x01010101) * (byte))

/* Where output O's four bytes of a step or plane stand. */
static uint8_t *place(uint8_t *weights, int step, int o)
{
    return weights + step * CF_TILE_STEP + 4 * o;
}

/* The 32 fifth bits, bit i that of value i, to plane B. */
static void put_fifth_bits(uint8_t *weights, int o, uint32_t bits)
{
    uint32_t plane = 0;
    for (int s = 0; s < CF_TILE_STEPS; s++) {
        uint32_t four = bits >> (4 * s) & 15;
        plane |= ((four * UINT32_C(0x00204081)) & EACH(1)) << s; /* a bit to each byte */
    }
    store_4(place(weights, 4, o), plane);
}

/* Blocks of N_OUTPUTS rows of a type whose blocks are 32 long: the scales as they come, the weights
 * by fours, in the order in which they lie in the record. */
CF_INLINE void put_blocks(enum cf_dtype dtype, const uint8_t *block, size_t row_size, int n_outputs,
                          uint8_t *record)
{
    const bool has_min = cf_tile_has_min(dtype);
    const bool has_fifth = cf_tile_n_bits(dtype) == 5;
    const int n_steps = dtype == CF_Q8_0 ? 8 : 4;
    const size_t values = (has_min ? 4u : 2u) + (has_fifth ? 4u : 0u);
    uint8_t *weights = record + cf_tile_scales_size(dtype);
    for (int o = 0; o < n_outputs; o++) {
        const uint8_t *from = block + (size_t)o * row_size;
        memcpy(record + 2 * o, from, 2);
        if (has_min) {
            memcpy(record + 2 * CF_TILE_OUTPUTS + 2 * o, from + 2, 2);
        }
        if (has_fifth) {
            put_fifth_bits(weights, o, load_4(from + values - 4));
        }
    }
    for (int s = 0; s < n_steps; s++) {
        for (int o = 0; o < n_outputs; o++) {
            store_4(place(weights, s, o),
                    load_4(block + (size_t)o * row_size + values + (size_t)s * 4));
        }
    }
}

/* Of Q4_K and Q5_K the 6-bit scale and minimum of sub-block B: get_scale_min_k4 of GGML. */
static void scale_and_min(const uint8_t *packed, int b, uint8_t *scale, uint8_t *min)
{
    if (b < 4) {
        *scale = packed[b] & 63;
        *min = packed[b + 4] & 63;
    } else {
        *scale = (uint8_t)((packed[b + 4] & 15) | (packed[b - 4] >> 6 << 4));
        *min = (uint8_t)((packed[b + 4] >> 4) | (packed[b] >> 6 << 4));
    }
}

/* Values i and i + 16 of 32 nibbles that stand in the lower (shift 0) or upper (4) halves of 32
 * bytes, by fours, to plane A. */
static void put_nibbles(uint8_t *weights, int o, const uint8_t *nibbles, int shift)
{
    for (int s = 0; s < 4; s++) {
        uint32_t low = load_4(nibbles + 4 * s) >> shift & EACH(15);
        uint32_t high = load_4(nibbles + 16 + 4 * s) >> shift & EACH(15);
        store_4(place(weights, s, o), low | high << 4);
    }
}

/* Q4_K: d, dmin, 12 bytes of scales, 128 of nibbles.  Q5_K: 32 bytes of fifth bits before them. */
static void put_q45_k(enum cf_dtype dtype, const uint8_t *block, uint8_t *head, int o)
{
    const uint8_t *fifth = block + 16;
    const uint8_t *nibbles = block + (dtype == CF_Q5_K ? 48 : 16);
    memcpy(head + 2 * o, block, 2);
    memcpy(head + 2 * CF_TILE_OUTPUTS + 2 * o, block + 2, 2);
    uint8_t *record = head + cf_tile_head_size(dtype);
    for (int b = 0; b < 8; b++, record += cf_tile_record_size(dtype)) {
        uint8_t *weights = record + cf_tile_scales_size(dtype);
        scale_and_min(block + 4, b, record + o, record + CF_TILE_OUTPUTS + o);
        put_nibbles(weights, o, nibbles + b / 2 * 32, b % 2 * 4);
        uint32_t plane = 0;
        for (int s = 0; dtype == CF_Q5_K && s < CF_TILE_STEPS; s++) {
            plane |= (load_4(fifth + 4 * s) >> b & EACH(1)) << s;
        }
        if (dtype == CF_Q5_K) {
            store_4(place(weights, 4, o), plane);
        }
    }
}

/* Q6_K: 128 bytes of nibbles, 64 of upper bits, 16 scales, d; in two halves of four sub-blocks. */
static void put_q6_k(const uint8_t *block, uint8_t *head, int o)
{
    const uint8_t *scales = block + 192;
    memcpy(head + 2 * o, block + 208, 2);
    uint8_t *record = head + cf_tile_head_size(CF_Q6_K);
    for (int b = 0; b < 8; b++, record += cf_tile_record_size(CF_Q6_K)) {
        uint8_t *weights = record + cf_tile_scales_size(CF_Q6_K);
        const uint8_t *upper = block + 128 + b / 4 * 32;
        record[o] = scales[2 * b];
        record[CF_TILE_OUTPUTS + o] = scales[2 * b + 1];
        put_nibbles(weights, o, block + b / 4 * 64 + b % 2 * 32, b % 4 / 2 * 4);
        for (int half = 0; half < 2; half++) {
            uint32_t plane = 0;
            for (int s = 0; s < 4; s++) {
                uint32_t bits = load_4(upper + 16 * half + 4 * s) >> (2 * (b % 4)) & EACH(3);
                plane |= bits << (2 * s);
            }
            store_4(place(weights, 4 + half, o), plane);
        }
    }
}

static void put_k_blocks(enum cf_dtype dtype, const uint8_t *block, size_t row_size, int n_outputs,
                         uint8_t *head)
{
    for (int o = 0; o < n_outputs; o++, block += row_size) {
        if (dtype == CF_Q6_K) {
            put_q6_k(block, head, o);
        } else {
            put_q45_k(dtype, block, head, o);
        }
    }
}

/* N_OUTPUTS rows of blocks, at most CF_TILE_OUTPUTS, to one panel. */
static void put_block_panel(enum cf_dtype dtype, const uint8_t *rows, int n_outputs, int64_t n_in,
                            uint8_t *panel)
{
    const int64_t n_block = (int64_t)cf_dtype_n_block(dtype);
    const size_t block_size = cf_dtype_block_size(dtype);
    const size_t row_size = cf_dtype_row_size(dtype, (size_t)n_in);
    const size_t step = cf_tile_panel_size(dtype, n_block);
    if (n_outputs < CF_TILE_OUTPUTS) {
        memset(panel, 0, cf_tile_panel_size(dtype, n_in));
    }
    for (int64_t b = 0; b < n_in / n_block; b++, panel += step, rows += block_size) {
        if (cf_tile_is_k(dtype)) {
            put_k_blocks(dtype, rows, row_size, n_outputs, panel);
        } else if (dtype == CF_Q8_0 && n_outputs == CF_TILE_OUTPUTS) {
            put_blocks(CF_Q8_0, rows, row_size, CF_TILE_OUTPUTS,
                       panel); /* numbers for the compiler */
        } else {
            put_blocks(dtype, rows, row_size, n_outputs, panel);
        }
    }
}

/* The same for float types, whose values are SIZE bytes. */
CF_INLINE void put_float_rows(size_t size, const uint8_t *rows, size_t row_size, int n_outputs,
                              int64_t n_in, uint8_t *panel)
{
    enum { TOGETHER = 16 }; /* values of k: what a row has in a cache line or half of one */
    for (int64_t k = 0; k < n_in; k += TOGETHER) {
        const int64_t n = n_in - k < TOGETHER ? n_in - k : TOGETHER;
        for (int o = 0; o < n_outputs; o++) {
            const uint8_t *from = rows + (size_t)o * row_size + (size_t)k * size;
            uint8_t *to = panel + ((size_t)k * CF_TILE_OUTPUTS + (size_t)o) * size;
            for (int64_t i = 0; i < n; i++, from += size, to += CF_TILE_OUTPUTS * size) {
                memcpy(to, from, size);
            }
        }
    }
}

/* The same from columns STRIDE bytes apart, those of Conv1D. */
CF_INLINE void put_float_columns(size_t size, const uint8_t *columns, size_t stride, int n_outputs,
                                 int64_t n_in, uint8_t *panel)
{
    for (int64_t k = 0; k < n_in; k++, columns += stride, panel += CF_TILE_OUTPUTS * size) {
        if (n_outputs == CF_TILE_OUTPUTS) {
            memcpy(panel, columns, CF_TILE_OUTPUTS * size);
        } else {
            memcpy(panel, columns, (size_t)n_outputs * size);
        }
    }
}

/* Outputs [output, output + n_outputs) of a float matrix to one panel. */
static void put_float_panel(const struct cf_matrix *w, int64_t output, int n_outputs,
                            uint8_t *panel)
{
    const bool is_wide = w->dtype == CF_F32;
    const size_t size = is_wide ? 4 : 2;
    const uint8_t *data = w->data;
    if (n_outputs < CF_TILE_OUTPUTS) {
        memset(panel, 0, cf_tile_panel_size(w->dtype, w->n_in));
    }
    if (w->layout == CF_OUT_IN) {
        const size_t row_size = (size_t)w->n_in * size;
        const uint8_t *rows = data + (size_t)output * row_size;
        if (is_wide) { /* numbers for the compiler */
            put_float_rows(4, rows, row_size, n_outputs, w->n_in, panel);
        } else {
            put_float_rows(2, rows, row_size, n_outputs, w->n_in, panel);
        }
        return;
    }
    const size_t stride = (size_t)w->n_out * size;
    const uint8_t *columns = data + (size_t)output * size;
    if (is_wide) {
        put_float_columns(4, columns, stride, n_outputs, w->n_in, panel);
    } else {
        put_float_columns(2, columns, stride, n_outputs, w->n_in, panel);
    }
}

/* Outputs from the given one on, as many as a panel has or the matrix has left. */
static void put_panel(const struct cf_matrix *w, int64_t output, uint8_t *panel)
{
    const int64_t left = w->n_out - output;
    const int n = left < CF_TILE_OUTPUTS ? (int)left : CF_TILE_OUTPUTS;
    const size_t row_size = cf_dtype_row_size(w->dtype, (size_t)w->n_in);
    if (cf_dtype_n_block(w->dtype) == 1) {
        put_float_panel(w, output, n, panel);
    } else {
        put_block_panel(w->dtype, (const uint8_t *)w->data + (size_t)output * row_size, n, w->n_in,
                        panel);
    }
}

struct tiles_job {
    const struct cf_matrix *w;
    uint8_t *tiles;
};

static void put_panels(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct tiles_job *job = ctx;
    const size_t panel_size = cf_tile_panel_size(job->w->dtype, job->w->n_in);
    for (int64_t o = begin; o < end; o += CF_TILE_OUTPUTS) {
        put_panel(job->w, o, job->tiles + (size_t)(o / CF_TILE_OUTPUTS) * panel_size);
    }
}

void cf_tiles_make(struct cf_pool *pool, const struct cf_matrix *w, void *tiles)
{
    assert(cf_tiles_take(w->dtype, w->layout));
    assert((size_t)w->n_in % cf_dtype_n_block(w->dtype) == 0);
    struct tiles_job job = {.w = w, .tiles = tiles};
    cf_pool_run(pool, put_panels, &job, w->n_out, CF_TILE_OUTPUTS);
}

/* ---- into another type ---- */

struct convert_job {
    const struct cf_kernels *kernels;
    const struct cf_matrix *w;
    enum cf_dtype dtype;
    uint8_t *tiles;
    char *scratch; /* for each thread a panel's rows as float32, then in DTYPE */
    size_t scratch_size;
};

static size_t convert_floats_size(int32_t n_in)
{
    return cf_round_up((size_t)n_in * CF_TILE_OUTPUTS * sizeof(float), 64);
}

static size_t convert_piece_size(enum cf_dtype dtype, int32_t n_in)
{
    return convert_floats_size(n_in) +
           cf_round_up(CF_TILE_OUTPUTS * cf_dtype_row_size(dtype, (size_t)n_in), 64);
}

size_t cf_tiles_convert_scratch_size(enum cf_dtype dtype, int32_t n_in, int n_threads)
{
    return (size_t)n_threads * convert_piece_size(dtype, n_in);
}

/* Outputs [output, output + n) of a file's matrix as float32 rows. */
static void widen_rows(const struct convert_job *job, int64_t output, int n, float *rows)
{
    const struct cf_matrix *w = job->w;
    const size_t n_in = (size_t)w->n_in;
    if (w->layout == CF_OUT_IN) {
        const size_t row_size = cf_dtype_row_size(w->dtype, n_in);
        cf_to_f32(job->kernels, w->dtype, (const char *)w->data + (size_t)output * row_size,
                  (size_t)n * n_in, rows);
        return;
    }
    const size_t size = cf_dtype_block_size(w->dtype);
    const char *column = (const char *)w->data + (size_t)output * size;
    for (size_t k = 0; k < n_in; k++, column += (size_t)w->n_out * size) {
        float values[CF_TILE_OUTPUTS];
        cf_to_f32(job->kernels, w->dtype, column, (size_t)n, values);
        for (int o = 0; o < n; o++) {
            rows[(size_t)o * n_in + k] = values[o];
        }
    }
}

static void convert_panels(void *ctx, int64_t begin, int64_t end, int thread)
{
    const struct convert_job *job = ctx;
    const struct cf_matrix *w = job->w;
    const size_t panel_size = cf_tile_panel_size(job->dtype, w->n_in);
    char *scratch = job->scratch + (size_t)thread * job->scratch_size;
    float *floats = (float *)(void *)scratch;
    void *rows = scratch + convert_floats_size(w->n_in);
    for (int64_t o = begin; o < end; o += CF_TILE_OUTPUTS) {
        int n = (int)(w->n_out - o < CF_TILE_OUTPUTS ? w->n_out - o : CF_TILE_OUTPUTS);
        const struct cf_matrix converted = {
            .data = rows, .dtype = job->dtype, .layout = CF_OUT_IN, .n_out = n, .n_in = w->n_in};
        widen_rows(job, o, n, floats);
        cf_from_f32(job->kernels, job->dtype, floats, (size_t)n * (size_t)w->n_in, rows);
        put_panel(&converted, 0, job->tiles + (size_t)(o / CF_TILE_OUTPUTS) * panel_size);
    }
}

void cf_tiles_convert(const struct cf_kernels *kernels, struct cf_pool *pool,
                      const struct cf_matrix *w, enum cf_dtype dtype, void *tiles, void *scratch)
{
    assert(cf_tiles_take(w->dtype, w->layout) && cf_from_f32_knows(dtype));
    assert((size_t)w->n_in % cf_dtype_n_block(dtype) == 0);
    struct convert_job job = {.kernels = kernels,
                              .w = w,
                              .dtype = dtype,
                              .tiles = tiles,
                              .scratch = scratch,
                              .scratch_size = convert_piece_size(dtype, w->n_in)};
    cf_pool_run(pool, convert_panels, &job, w->n_out, CF_TILE_OUTPUTS);
}

/* ---- one row back ---- */

static float half_at(const uint8_t *p, int i)
{
    uint16_t half;
    memcpy(&half, p + 2 * i, sizeof half);
    return cf_f16_to_f32(half);
}

/* The integer of value K of the block, without its offset. */
static int weight_at(enum cf_dtype dtype, const uint8_t *weights, int o, int k)
{
    const int step = k / 4;
    const int j = 4 * o + k % 4;
    if (dtype == CF_Q8_0) {
        int value = weights[step * CF_TILE_STEP + j];
        return value < 128 ? value : value - 256;
    }
    int value = weights[step % 4 * CF_TILE_STEP + j] >> (step / 4 * 4) & 15;
    const uint8_t *plane = weights + 4 * CF_TILE_STEP;
    if (cf_tile_n_bits(dtype) == 5) {
        value |= (plane[j] >> step & 1) << 4;
    } else if (cf_tile_n_bits(dtype) == 6) {
        value |= (plane[step / 4 * CF_TILE_STEP + j] >> (step % 4 * 2) & 3) << 4;
    }
    return value;
}

/* The factor and what is added for values [16 half, 16 half + 16) of a record. */
static void factors(enum cf_dtype dtype, const uint8_t *head, const uint8_t *record, int o,
                    int half, float *scale, float *add)
{
    *add = 0;
    if (dtype == CF_Q6_K) {
        int s = record[half * CF_TILE_OUTPUTS + o];
        *scale = half_at(head, o) * (float)(s < 128 ? s : s - 256);
    } else if (cf_tile_is_k(dtype)) {
        *scale = half_at(head, o) * (float)record[o];
        *add = -(half_at(head, CF_TILE_OUTPUTS + o) * (float)record[CF_TILE_OUTPUTS + o]);
    } else {
        *scale = half_at(record, o);
        *add = cf_tile_has_min(dtype) ? half_at(record, CF_TILE_OUTPUTS + o) : 0;
    }
}

static void float_row(const struct cf_matrix *w, int32_t i, float *out)
{
    const size_t size = w->dtype == CF_F32 ? 4 : 2;
    const size_t step = CF_TILE_OUTPUTS * size;
    const uint8_t *at = (const uint8_t *)w->data +
                        (size_t)(i / CF_TILE_OUTPUTS) * (size_t)w->n_in * step +
                        (size_t)(i % CF_TILE_OUTPUTS) * size;
    for (int32_t k = 0; k < w->n_in; k++, at += step) {
        uint16_t half;
        if (w->dtype == CF_F32) {
            memcpy(&out[k], at, sizeof out[k]);
        } else {
            memcpy(&half, at, sizeof half);
            out[k] = w->dtype == CF_F16 ? cf_f16_to_f32(half) : cf_bf16_to_f32(half);
        }
    }
}

void cf_tiles_row(const struct cf_matrix *w, int32_t i, float *out)
{
    const enum cf_dtype dtype = w->dtype;
    if (cf_dtype_n_block(dtype) == 1) {
        float_row(w, i, out);
        return;
    }
    const int o = i % CF_TILE_OUTPUTS;
    const uint8_t *at = (const uint8_t *)w->data +
                        (size_t)(i / CF_TILE_OUTPUTS) * cf_tile_panel_size(dtype, w->n_in);
    const uint8_t *head = at;
    for (int32_t b = 0; b < w->n_in / CF_TILE_BLOCK; b++) {
        if (cf_tile_is_k(dtype) && b % 8 == 0) {
            head = at;
            at += cf_tile_head_size(dtype);
        }
        for (int k = 0; k < CF_TILE_BLOCK; k++) {
            float scale;
            float add;
            factors(dtype, head, at, o, k / 16, &scale, &add);
            int value =
                weight_at(dtype, at + cf_tile_scales_size(dtype), o, k) - cf_tile_offset(dtype);
            out[b * CF_TILE_BLOCK + k] = scale * (float)value + add;
        }
        at += cf_tile_record_size(dtype);
    }
}
