/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels: the arithmetic of a GPT-2 decoder, one table of functions for each instruction set.
 *
 * The rule (DESIGN section 5): row i of a result depends on row i of the input, the weights, their
 * dtype and layout, the instruction set and CF_KERNELS_VERSION, and on nothing else: not on the
 * number of rows, the row's place in the call, the pool's threads or the pieces they take.  So one
 * row alone and the same row among a thousand come out bit for bit alike.  The one exception says
 * so: cf_linear_gemm.  Every table with fused multiply-add (all but "generic") gives the same bits,
 * so what one CPU computed another can repeat.
 *
 * All are pure functions that allocate nothing: scratch is the caller's, aligned to 64 bytes
 * (cf_aligned_alloc), of at least the size that the function beside tells (which grows with n_rows
 * and n_threads); it carries nothing from call to call.  Matrices of numbers are row-major and
 * contiguous unless a stride is named.  NaN and infinity in the input make NaN or infinity in the
 * output, never undefined behaviour.  Inputs and outputs must not overlap except where it is said.
 *
 * Thread: any number of threads may call at once, each with its own pool and scratch. */
#ifndef CF_KERNELS_H
#define CF_KERNELS_H

#include "matrix.h"
#include "pool.h"

/* Raised when a bit of any result may change; part of a reply's recipe. */
enum { CF_KERNELS_VERSION = 1 };

/* One instruction set's arithmetic: constant, never freed. */
struct cf_kernels;

/* Tells OpenBLAS to use the calling thread only.  First thing in main, before other threads start;
 * a second call does nothing. */
void cf_kernels_init(void);

/* The table in force: the best that this CPU can run, or what cf_kernels_use said.  A session keeps
 * the one it found when it was made. */
const struct cf_kernels *cf_kernels_current(void);
/* For tests, and for replaying what another CPU computed: the table in force from now on; NULL puts
 * the best one back. */
void cf_kernels_use(const struct cf_kernels *kernels);
/* The tables that this CPU can run, slowest first, "generic" being number 0; NULL past the last. */
const struct cf_kernels *cf_kernels_at(size_t i);
/* By name; NULL when there is none of that name or this CPU cannot run it. */
const struct cf_kernels *cf_kernels_find(const char *name);
/* The name for a recipe: "generic", "avx2", "avx512", "neon". */
const char *cf_kernels_name(const struct cf_kernels *kernels);
/* The same for cf_linear_gemm: OpenBLAS' kernels on this CPU and its version, such as
 * "Zen 0.3.21". */
void cf_gemm_name(char *name, size_t capacity);

/* ---- Matrix times rows ---- */

/* What becomes of v = x W^T + b. */
enum cf_then {
    CF_THEN_STORE,     /* y = v */
    CF_THEN_ADD,       /* y = y + v: the residual stream */
    CF_THEN_GELU_TANH, /* y = gelu_new(v) */
    CF_THEN_GELU_ERF,  /* y = gelu(v), the exact one */
};

/* x [n_rows][n_in] f32, y [n_rows][n_out] f32, bias [n_out] or NULL, w in tiles.  For decode, batch
 * and prefill alike, which on AVX2 is as fast as OpenBLAS or faster, and exact as the rule says.
 * For block types x is first quantised row by row to 8 bits a value (blocks of 32 with a float32
 * scale). */
void cf_linear(const struct cf_kernels *kernels, struct cf_pool *pool, const struct cf_matrix *w,
               const float *bias, enum cf_then then, const float *x, int64_t n_rows, float *y,
               void *scratch);
/* Scratch for one call of up to n_rows rows. */
size_t cf_linear_scratch_size(const struct cf_matrix *w, int64_t n_rows, int n_threads);

/* Rows in a tile of cf_linear_gemm. */
enum { CF_GEMM_ROWS = 64 };

/* The same for F32, F16 and BF16 weights through OpenBLAS: for prefill.  Rows go in tiles of
 * CF_GEMM_ROWS, the first row being row first_row % CF_GEMM_ROWS of its tile and missing ones zero;
 * columns in tiles that depend on the matrix alone.  A row's result depends on its place in the
 * tile and on the CPU's variant of OpenBLAS, so give the row's position in the timeline as
 * first_row; it differs from cf_linear's in the last bits. */
void cf_linear_gemm(const struct cf_kernels *kernels, struct cf_pool *pool,
                    const struct cf_matrix *w, const float *bias, enum cf_then then, const float *x,
                    int64_t n_rows, int64_t first_row, float *y, void *scratch);
size_t cf_linear_gemm_scratch_size(const struct cf_matrix *w, int n_threads);

/* ---- Tiles: weights as the kernels read them ---- */

/* Whether tiles can be made of a file's matrix of this dtype in this layout. */
bool cf_tiles_take(enum cf_dtype dtype, enum cf_layout layout);
/* Bytes of a matrix in tiles: those of the file, outputs rounded up to 16. */
size_t cf_tiles_size(enum cf_dtype dtype, int32_t n_out, int32_t n_in);
/* W, in layout CF_OUT_IN or CF_IN_OUT as a file has it, into tiles, over the pool. */
void cf_tiles_make(struct cf_pool *pool, const struct cf_matrix *w, void *tiles);
/* The same into tiles of another type, one that cf_from_f32 makes: the bits that a file converted
 * to that type would give. */
void cf_tiles_convert(const struct cf_kernels *kernels, struct cf_pool *pool,
                      const struct cf_matrix *w, enum cf_dtype dtype, void *tiles, void *scratch);
size_t cf_tiles_convert_scratch_size(enum cf_dtype dtype, int32_t n_in, int n_threads);

/* ---- Attention ---- */

/* One row of queries, all heads, with the timeline it looks at.  The KV of one layer and branch is
 * contiguous by head, in it by position: element (head, position, d) of k and of v lies at
 * (head * head_stride + position * d_head + d). */
struct cf_query {
    const float *q; /* [n_head * d_head] */
    float *out;     /* [n_head * d_head]; may not be q */
    const void *k;
    const void *v;
    int32_t n_seen; /* positions attended to: [0, n_seen), at least 1 */
};

struct cf_attention {
    int32_t n_head;
    int32_t d_head;
    int64_t head_stride;   /* elements from one head's KV to the next: n_ctx * d_head */
    enum cf_dtype kv_type; /* CF_F32 or CF_F16 */
    float scale;           /* scores are scale * (q . k): 1 / sqrt(d_head) */
};

/* out = softmax(scale * q k^T) v for every row and head, over the pool.  Neighbouring rows with the
 * same k share its reads (prefill). */
void cf_attend(const struct cf_kernels *kernels, struct cf_pool *pool,
               const struct cf_attention *attention, const struct cf_query *rows, int64_t n_rows,
               void *scratch);
/* n_ctx bounds every row's n_seen. */
size_t cf_attend_scratch_size(int32_t n_ctx, int32_t d_head, int n_threads);

/* ---- Rows and elements ---- */

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias for each of n_rows rows of n; y may be
 * x.  The variance is that of the population. */
void cf_layer_norm(const struct cf_kernels *kernels, struct cf_pool *pool, const float *x,
                   int64_t n_rows, int32_t n, const float *weight, const float *bias, float epsilon,
                   float *y);

/* y += x, n elements. */
void cf_add(const struct cf_kernels *kernels, float *y, const float *x, size_t n);
/* y = gelu(x), n elements; y may be x. */
void cf_gelu_tanh(const struct cf_kernels *kernels, const float *x, size_t n, float *y);
void cf_gelu_erf(const struct cf_kernels *kernels, const float *x, size_t n, float *y);

/* Row i of a matrix in layout CF_OUT_IN or CF_TILES as float32, out [n_in]: an embedding.  Both
 * give the same bits. */
void cf_matrix_row(const struct cf_kernels *kernels, const struct cf_matrix *w, int32_t i,
                   float *out);

/* ---- Number formats (the same bits on every instruction set) ---- */

/* n elements of dtype to float32, exactly; n is a multiple of the dtype's block. */
void cf_to_f32(const struct cf_kernels *kernels, enum cf_dtype dtype, const void *from, size_t n,
               float *to);
/* n float32 to dtype, to nearest, ties to even for F16 and BF16; block types as GGML's reference
 * quantises them.  n is a multiple of the dtype's block. */
void cf_from_f32(const struct cf_kernels *kernels, enum cf_dtype dtype, const float *from, size_t n,
                 void *to);
/* Whether cf_to_f32 and cf_from_f32 know the dtype. */
bool cf_to_f32_knows(enum cf_dtype dtype);
bool cf_from_f32_knows(enum cf_dtype dtype);

#endif
