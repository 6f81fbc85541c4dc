/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tiles: how a matrix lies in memory that cf_linear multiplies with.
 *
 * CF_TILE_OUTPUTS outputs make a panel; the last one's missing outputs are 0.  Of a float type the
 * panel is [n_in][CF_TILE_OUTPUTS].  Of a block type it goes through n_in in blocks of 32 values of
 * k, for each of which it has a record; K types have a head before every eight records.  In a
 * record stand first the scales, 16 outputs side by side, then the weights, byte (step, output, j)
 * being value k = 4 step + j of the block:
 *
 *   type        head            scales          weights
 *   Q8_0                        d f16           int8 [8][16][4]
 *   Q4_0                        d f16           A
 *   Q4_1                        d, m f16        A
 *   Q5_0                        d f16           A, B
 *   Q5_1                        d, m f16        A, B
 *   Q4_K        d, dmin f16     s, m u8         A
 *   Q5_K        d, dmin f16     s, m u8         A, B
 *   Q6_K        d f16           s int8 [2]      A, C
 *
 * A is uint8 [4][16][4]: step s in the lower four bits, step s + 4 in the upper.  B is uint8
 * [16][4]: bit s is the fifth bit of step s.  C is uint8 [2][16][4]: of step s the fifth and sixth
 * bit stand in half s / 4 from bit 2 (s % 4) on.  So a vector of an instruction set holds four
 * neighbouring k of each of its outputs, a dot product needs no sum across lanes, and a panel is
 * read from its beginning to its end.  The bits are those of the file, no more and no fewer. */
#ifndef CF_KERNELS_TILES_H
#define CF_KERNELS_TILES_H

#include "matrix.h"

enum {
    CF_TILE_OUTPUTS = 16,
    CF_TILE_BLOCK = 32,
    CF_TILE_STEPS = 8,
    CF_TILE_STEP = 4 * CF_TILE_OUTPUTS, /* bytes of a step, and of a plane of bits */
};

static inline bool cf_tile_is_k(enum cf_dtype dtype)
{
    return dtype == CF_Q4_K || dtype == CF_Q5_K || dtype == CF_Q6_K;
}

/* Whether a value is a scale times the integer plus a minimum. */
static inline bool cf_tile_has_min(enum cf_dtype dtype)
{
    return dtype == CF_Q4_1 || dtype == CF_Q5_1 || dtype == CF_Q4_K || dtype == CF_Q5_K;
}

static inline int cf_tile_n_bits(enum cf_dtype dtype)
{
    return dtype == CF_Q8_0                                           ? 8
           : dtype == CF_Q6_K                                         ? 6
           : dtype == CF_Q5_0 || dtype == CF_Q5_1 || dtype == CF_Q5_K ? 5
                                                                      : 4;
}

/* What is taken from the integer before it is scaled. */
static inline int cf_tile_offset(enum cf_dtype dtype)
{
    return dtype == CF_Q4_0 ? 8 : dtype == CF_Q5_0 ? 16 : dtype == CF_Q6_K ? 32 : 0;
}

static inline size_t cf_tile_head_size(enum cf_dtype dtype)
{
    return !cf_tile_is_k(dtype) ? 0 : CF_TILE_OUTPUTS * (dtype == CF_Q6_K ? 2 : 4);
}

static inline size_t cf_tile_scales_size(enum cf_dtype dtype)
{
    return CF_TILE_OUTPUTS * (dtype == CF_Q4_1 || dtype == CF_Q5_1 ? 4 : 2);
}

static inline size_t cf_tile_record_size(enum cf_dtype dtype)
{
    return cf_tile_scales_size(dtype) + (size_t)cf_tile_n_bits(dtype) * CF_TILE_STEP;
}

static inline size_t cf_tile_panel_size(enum cf_dtype dtype, int64_t n_in)
{
    if (cf_dtype_n_block(dtype) == 1) {
        return (size_t)n_in * CF_TILE_OUTPUTS * cf_dtype_block_size(dtype);
    }
    return (size_t)n_in / CF_TILE_BLOCK * cf_tile_record_size(dtype) +
           (size_t)n_in / 256 * cf_tile_head_size(dtype);
}

/* Row i of a matrix in tiles as float32, out [n_in]. */
void cf_tiles_row(const struct cf_matrix *w, int32_t i, float *out);

#endif
