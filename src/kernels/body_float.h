/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_float: any number of rows of x times float weights in tiles (tiles.h).
 *
 * Words with vt_ are like those with vf_, VT_LANES wide: the widest the instruction set has.  A
 * lane is an output here, so the width changes no result.  VT_ROWS rows times CF_TILE_OUTPUTS
 * outputs are what the registers hold the sums of. */
#ifndef CF_KERNELS_BODY_FLOAT_H
#define CF_KERNELS_BODY_FLOAT_H

enum { TILE_VECTORS = CF_TILE_OUTPUTS / VT_LANES };

static_assert((int)VT_ROWS <= (int)CF_TILE_ROWS_MAX, "tables know the tallest tile");

/* VT_LANES weights as float32. */
CF_INLINE vt load_weights(enum cf_dtype dtype, const char *p)
{
    return dtype == CF_F32   ? vt_load((const float *)(const void *)p)
           : dtype == CF_F16 ? vt_load_halves(p)
                             : vt_load_bf16(p);
}

/* The chains of one block of N_K values of k for N_ROWS rows of x: sums[r * stride + output] is set
 * to them, or they are added to it. */
CF_INLINE void panel_block(enum cf_dtype dtype, int n_rows, const char *panel, const float *x,
                           int64_t n_in, int64_t n_k, bool is_first, float *sums, int64_t stride)
{
    enum { AHEAD = 2048 }; /* bytes that are asked for before they are read */
    const int size = dtype == CF_F32 ? 4 : 2;
    vt acc[VT_ROWS > 4 ? VT_ROWS : 4][TILE_VECTORS];
    CF_UNROLL
    for (int r = 0; r < n_rows; r++) {
        CF_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            acc[r][v] = vt_zero();
        }
    }
    for (int64_t k = 0; k < n_k; k++, panel += CF_TILE_OUTPUTS * size) {
        vt w[TILE_VECTORS];
        __builtin_prefetch(panel + AHEAD, 0, 3);
        CF_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            w[v] = load_weights(dtype, panel + v * VT_LANES * size);
        }
        CF_UNROLL
        for (int r = 0; r < n_rows; r++) {
            vt a = vt_set(x[r * n_in + k]);
            CF_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++) {
                acc[r][v] = vt_fma(a, w[v], acc[r][v]);
            }
        }
    }
    CF_UNROLL
    for (int r = 0; r < n_rows; r++) {
        CF_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            float *to = sums + r * stride + v * VT_LANES;
            vt_store(to, is_first ? acc[r][v] : vt_add(vt_load(to), acc[r][v]));
        }
    }
}

/* The same for as many of N_ROWS rows as go together; returns how many. */
CF_INLINE int64_t panel_block_some(enum cf_dtype dtype, int64_t n_rows, const char *panel,
                                   const float *x, int64_t n_in, int64_t n_k, bool is_first,
                                   float *sums, int64_t stride)
{
    if (n_rows >= VT_ROWS) {
        panel_block(dtype, VT_ROWS, panel, x, n_in, n_k, is_first, sums, stride);
        return VT_ROWS;
    }
    if (VT_ROWS > 4 && n_rows >= 4) {
        panel_block(dtype, 4, panel, x, n_in, n_k, is_first, sums, stride);
        return 4;
    }
    if (VT_ROWS > 2 && n_rows >= 2) {
        panel_block(dtype, 2, panel, x, n_in, n_k, is_first, sums, stride);
        return 2;
    }
    panel_block(dtype, 1, panel, x, n_in, n_k, is_first, sums, stride);
    return 1;
}

/* N_ROWS rows through n_panels neighbouring panels: sums[r][n_panels * CF_TILE_OUTPUTS]. */
CF_INLINE void panels_float(enum cf_dtype dtype, const char *panels, int64_t n_panels,
                            const float *x, int64_t n_in, int64_t n_rows, float *sums)
{
    const int64_t step = CF_TILE_OUTPUTS * (dtype == CF_F32 ? 4 : 2); /* bytes of one k */
    const int64_t stride = n_panels * CF_TILE_OUTPUTS;
    for (int64_t k = 0; k < n_in; k += CF_SUM_BLOCK) {
        const int64_t n_k = n_in - k < CF_SUM_BLOCK ? n_in - k : CF_SUM_BLOCK;
        for (int64_t p = 0; p < n_panels; p++) {
            const char *panel = panels + (p * n_in + k) * step;
            for (int64_t r = 0; r < n_rows;) {
                r += panel_block_some(dtype, n_rows - r, panel, x + r * n_in + k, n_in, n_k, k == 0,
                                      sums + r * stride + p * CF_TILE_OUTPUTS, stride);
            }
        }
    }
}

/* Weights as float32, n of them, a multiple of CF_TILE_OUTPUTS. */
CF_INLINE void widen(enum cf_dtype dtype, const char *from, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i += VT_LANES) {
        vt_store(to + i, load_weights(dtype, from + i * 2));
    }
}

/* Where there are many rows, several panels share the reads of x, and halves are widened once. */
CF_INLINE void linear_float(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                            int64_t end, void *scratch)
{
    const int64_t n_in = job->w->n_in;
    const int64_t size = dtype == CF_F32 ? 4 : 2;
    const bool is_widened = job->is_many && dtype != CF_F32;
    float *sums = scratch;
    float *wide = sums + cf_float_sums(job->is_many);
    const int64_t n_together =
        job->is_many ? cf_float_panels(n_in) * CF_TILE_OUTPUTS : (int64_t)CF_TILE_OUTPUTS;
    for (int64_t output = begin; output < end; output += n_together) {
        const int64_t n = end - output < n_together ? end - output : n_together;
        const int64_t n_panels = (n - 1) / CF_TILE_OUTPUTS + 1;
        const char *panels = (const char *)job->w->data + output * n_in * size;
        if (is_widened) {
            widen(dtype, panels, n_panels * CF_TILE_OUTPUTS * n_in, wide);
        }
        for (int64_t row = 0; row < job->n_rows; row += CF_SUPER_ROWS) {
            const int64_t left = job->n_rows - row;
            const int64_t n_rows = left < CF_SUPER_ROWS ? left : CF_SUPER_ROWS;
            const float *x = job->x + row * n_in;
            if (is_widened) {
                panels_float(CF_F32, (const char *)wide, n_panels, x, n_in, n_rows, sums);
            } else {
                panels_float(dtype, panels, n_panels, x, n_in, n_rows, sums);
            }
            for (int64_t r = 0; r < n_rows; r++) {
                finish(job->then, sums + r * n_panels * CF_TILE_OUTPUTS,
                       job->bias != NULL ? job->bias + output : NULL, (size_t)n,
                       job->y + (row + r) * job->w->n_out + output);
            }
        }
    }
}

#define LINEAR_OF(dtype, name)                                                                     \
    static void linear_##name(const struct cf_linear_job *job, int64_t begin, int64_t end,         \
                              void *scratch)                                                       \
    {                                                                                              \
        linear_float(dtype, job, begin, end, scratch);                                             \
    }
LINEAR_OF(CF_F32, f32)
LINEAR_OF(CF_F16, f16)
LINEAR_OF(CF_BF16, bf16)
#undef LINEAR_OF

#endif
