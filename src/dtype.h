/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dtype: the element types of weights and KV cache, and the geometry of their blocks.
 *
 * Values are GGML's type numbers, so that a GGUF file's tensor type is a dtype as it stands.
 * Source: the GGUF specification, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#ifndef CF_DTYPE_H
#define CF_DTYPE_H

#include "base.h"

/* dtype, number in GGUF, name, elements a block, bytes a block */
#define CF_DTYPES(X)                                                                               \
    X(CF_F32, 0, "f32", 1, 4)                                                                      \
    X(CF_F16, 1, "f16", 1, 2)                                                                      \
    X(CF_Q4_0, 2, "q4_0", 32, 18)                                                                  \
    X(CF_Q4_1, 3, "q4_1", 32, 20)                                                                  \
    X(CF_Q5_0, 6, "q5_0", 32, 22)                                                                  \
    X(CF_Q5_1, 7, "q5_1", 32, 24)                                                                  \
    X(CF_Q8_0, 8, "q8_0", 32, 34)                                                                  \
    X(CF_Q4_K, 12, "q4_k", 256, 144)                                                               \
    X(CF_Q5_K, 13, "q5_k", 256, 176)                                                               \
    X(CF_Q6_K, 14, "q6_k", 256, 210)                                                               \
    X(CF_BF16, 30, "bf16", 1, 2)

enum cf_dtype {
#define CF_X(dtype, number, name, n_block, block_size) dtype = number,
    CF_DTYPES(CF_X)
#undef CF_X
};

/* Whether NUMBER, read from a file, is a dtype known here. */
bool cf_dtype_is_known(uint32_t number);
/* "f32", "q8_0" and so on; "?" for what is unknown. */
const char *cf_dtype_name(enum cf_dtype dtype);
/* Finds a dtype by its name, in either case; false when there is none. */
bool cf_dtype_find(enum cf_dtype *dtype, const char *name);
/* Elements in one block: 1 for the float types. */
size_t cf_dtype_n_block(enum cf_dtype dtype);
/* Bytes in one block. */
size_t cf_dtype_block_size(enum cf_dtype dtype);
/* Bytes in a row of n elements; n must be a multiple of cf_dtype_n_block. */
size_t cf_dtype_row_size(enum cf_dtype dtype, size_t n);

#endif
