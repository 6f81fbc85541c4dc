/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_many: any number of rows of x times float weights, in tiles that fit the caches.
 *
 * Words with vt_ are like those with vf_, VT_LANES wide: the widest the instruction set has.  A
 * lane is an output here, so the width changes no result. */
#ifndef CF_KERNELS_BODY_MANY_H
#define CF_KERNELS_BODY_MANY_H

enum {
    PANEL = VT_VECTORS * VT_LANES,
    PREPARE_ROWS = VT_ROWS, /* that can be prepared apart from others */
};

static_assert((int)PANEL <= (int)CF_PANEL_MAX && (int)VT_ROWS <= (int)CF_TILE_ROWS_MAX &&
                  (int)CF_SUPER_ROWS % (int)VT_ROWS == 0,
              "tiles fit the scratch");

/* x packed: for each VT_ROWS rows [k][VT_ROWS], missing rows 0. */
static void prepare_float(const struct cf_linear_job *job, int64_t begin, int64_t end)
{
    const int64_t n_in = job->w->n_in;
    for (int64_t row = begin; row < end; row += VT_ROWS) {
        float *to = (float *)job->prepared + row * n_in;
        for (int r = 0; r < VT_ROWS; r++) {
            if (row + r >= job->n_rows) {
                for (int64_t k = 0; k < n_in; k++) {
                    to[k * VT_ROWS + r] = 0;
                }
                continue;
            }
            const float *x = job->x + (row + r) * n_in;
            for (int64_t k = 0; k < n_in; k++) {
                to[k * VT_ROWS + r] = x[k];
            }
        }
    }
}

/* PANEL outputs from the given one on as [k][PANEL] float32. */
CF_INLINE void pack_out_in(enum cf_dtype dtype, const struct cf_matrix *w, int64_t output,
                           float *panel)
{
    const int step = turn_step(dtype);
    for (int g = 0; g < PANEL; g += 8) {
        const char *rows[8];
        weight_rows(w, cf_dtype_row_size(dtype, (size_t)w->n_in), output + g, 8, rows);
        const int64_t group_size = 8 * (dtype == CF_F32 ? 4 : 2);
        const char *ahead = rows[0] + w->n_in * group_size;
        int64_t k = 0;
        for (; k + step <= w->n_in; k += step) {
            prefetch(ahead + k * group_size);
            prefetch(ahead + k * group_size + 64);
            turned block = turn(dtype, rows, k);
            CF_UNROLL
            for (int i = 0; i < step; i++) {
                vf_store(panel + (k + i) * PANEL + g, turned_column(dtype, &block, i));
            }
        }
        for (; k < w->n_in; k++) {
            vf_store(panel + k * PANEL + g, gather_column(dtype, rows, k));
        }
    }
}

/* n_panels neighbouring panels at once, because the file's rows run along the outputs. */
CF_INLINE void pack_in_out(enum cf_dtype dtype, const struct cf_matrix *w, int64_t output,
                           int64_t n_panels, float *tile)
{
    enum { ROWS_AHEAD = 16 };
    const int64_t size = dtype == CF_F32 ? 4 : 2;
    const int64_t stride = w->n_out * size;
    const char *row = (const char *)w->data + output * size;
    for (int64_t k = 0; k < w->n_in; k++, row += stride) {
        for (int64_t g = 0; g < n_panels * PANEL; g += 8) {
            const int64_t left = w->n_out - output - g;
            const char *p = row + g * size;
            if (g * size % 64 == 0) {
                prefetch(p + ROWS_AHEAD * stride);
            }
            vf a = left >= 8  ? load_weights(dtype, p)
                   : left > 0 ? load_weights_part(dtype, p, (int)left)
                              : vf_zero();
            vf_store(tile + (g / PANEL * w->n_in + k) * PANEL + g % PANEL, a);
        }
    }
}

/* The chains of one block of n_k values of k for VT_ROWS rows and PANEL outputs; they are stored,
 * or added to what is there. */
static void tile_float(const float *x, const float *panel, int64_t n_k, bool is_first, float *sums,
                       int64_t stride)
{
    vt acc[VT_ROWS][VT_VECTORS];
    CF_UNROLL
    for (int r = 0; r < VT_ROWS; r++) {
        CF_UNROLL
        for (int v = 0; v < VT_VECTORS; v++) {
            acc[r][v] = vt_zero();
        }
    }
    for (int64_t k = 0; k < n_k; k++) {
        vt w[VT_VECTORS];
        CF_UNROLL
        for (int v = 0; v < VT_VECTORS; v++) {
            w[v] = vt_load(panel + k * PANEL + v * VT_LANES);
        }
        CF_UNROLL
        for (int r = 0; r < VT_ROWS; r++) {
            vt a = vt_set(x[k * VT_ROWS + r]);
            CF_UNROLL
            for (int v = 0; v < VT_VECTORS; v++) {
                acc[r][v] = vt_fma(a, w[v], acc[r][v]);
            }
        }
    }
    CF_UNROLL
    for (int r = 0; r < VT_ROWS; r++) {
        CF_UNROLL
        for (int v = 0; v < VT_VECTORS; v++) {
            float *to = sums + r * stride + v * VT_LANES;
            vt_store(to, is_first ? acc[r][v] : vt_add(vt_load(to), acc[r][v]));
        }
    }
}

/* Rows [row, row + n_rows) through n_panels packed panels: sums[r][n_panels * PANEL]. */
static void tiles_float(const struct cf_linear_job *job, const float *tile, int64_t n_panels,
                        int64_t row, int64_t n_rows, float *sums)
{
    const int64_t n_in = job->w->n_in;
    const int64_t stride = n_panels * PANEL;
    const float *x = (const float *)job->prepared + row * n_in;
    for (int64_t k = 0; k < n_in; k += CF_SUM_BLOCK) {
        const int64_t n_k = n_in - k < CF_SUM_BLOCK ? n_in - k : CF_SUM_BLOCK;
        for (int64_t p = 0; p < n_panels; p++) {
            const float *panel = tile + (p * n_in + k) * PANEL;
            for (int64_t r = 0; r < n_rows; r += VT_ROWS) {
                tile_float(x + r * n_in + k * VT_ROWS, panel, n_k, k == 0,
                           sums + r * stride + p * PANEL, stride);
            }
        }
    }
}

CF_INLINE void many_float(enum cf_dtype dtype, const struct cf_linear_job *job, int64_t begin,
                          int64_t end, void *scratch)
{
    const struct cf_matrix *w = job->w;
    float *sums = scratch; /* [CF_SUPER_ROWS][up to CF_TILE_MAX] */
    float *tile = sums + CF_SUPER_ROWS * CF_TILE_MAX;
    int64_t n_panels = CF_TILE_FLOATS / w->n_in / PANEL;
    n_panels = n_panels < 1 ? 1 : n_panels > CF_TILE_MAX / PANEL ? CF_TILE_MAX / PANEL : n_panels;
    for (int64_t output = begin; output < end; output += n_panels * PANEL) {
        const int64_t n = end - output < n_panels * PANEL ? end - output : n_panels * PANEL;
        const int64_t n_used = (n - 1) / PANEL + 1;
        if (w->layout == CF_IN_OUT) {
            pack_in_out(dtype, w, output, n_used, tile);
        }
        for (int64_t p = 0; p < n_used && w->layout == CF_OUT_IN; p++) {
            pack_out_in(dtype, w, output + p * PANEL, tile + p * w->n_in * PANEL);
        }
        for (int64_t row = 0; row < job->n_rows; row += CF_SUPER_ROWS) {
            int64_t n_rows = job->n_rows - row < CF_SUPER_ROWS ? job->n_rows - row : CF_SUPER_ROWS;
            tiles_float(job, tile, n_used, row, n_rows, sums);
            for (int64_t r = 0; r < n_rows; r++) {
                finish(job->then, sums + r * n_used * PANEL,
                       job->bias != NULL ? job->bias + output : NULL, (size_t)n,
                       job->y + (row + r) * w->n_out + output);
            }
        }
    }
}

static void many_f32(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    many_float(CF_F32, job, begin, end, scratch);
}

static void many_f16(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    many_float(CF_F16, job, begin, end, scratch);
}

static void many_bf16(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    many_float(CF_BF16, job, begin, end, scratch);
}

#endif
