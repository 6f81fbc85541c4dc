/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix: what a weight matrix looks like in memory.  It owns nothing: data points into a mapped
 * file or a buffer that someone else keeps. */
#ifndef CF_MATRIX_H
#define CF_MATRIX_H

#include "dtype.h"

/* A weight matrix W, y = W x + b.  Element (out, in) is
 *   data[out][in] when layout is CF_OUT_IN (GGUF, embeddings, lm_head), rows in blocks of dtype;
 *   data[in][out] when layout is CF_IN_OUT (transformers' Conv1D; float types only);
 *   in tiles when layout is CF_TILES: the file's bits, arranged for the kernels as
 *   kernels/tiles.h says. */
enum cf_layout { CF_OUT_IN, CF_IN_OUT, CF_TILES };

struct cf_matrix {
    const void *data; /* aligned to 2 bytes at least; float types to their own size, tiles to 64 */
    enum cf_dtype dtype;
    enum cf_layout layout;
    int32_t n_out;
    int32_t n_in;
};

#endif
