/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantize_writer: a GGUF file, version 3, little-endian, written from front to back: metadata and
 * the list of tensors first, in memory, then the data of each tensor in the order of the list.
 *
 * The file is written beside its place under a name of its own and takes its place, complete and
 * on the disk, in one step.  Private to quantize and its tests.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#ifndef CF_QUANTIZE_WRITER_H
#define CF_QUANTIZE_WRITER_H

#include "dtype.h"
#include "err.h"

struct cf_gguf_writer;

/* CF_ERR_EXISTS when the file is there and may not be replaced, CF_ERR_ACCESS, CF_ERR_IO. */
enum cf_code cf_gguf_writer_open(struct cf_gguf_writer **writer, const char *path, bool may_replace,
                                 struct cf_err *err);
/* Removes what was written, unless it was committed.  NULL is allowed. */
void cf_gguf_writer_free(struct cf_gguf_writer *writer);

/* ---- metadata ---- */

void cf_gguf_writer_string(struct cf_gguf_writer *writer, const char *key, const void *bytes,
                           size_t size);
void cf_gguf_writer_u32(struct cf_gguf_writer *writer, const char *key, uint32_t value);
void cf_gguf_writer_f32(struct cf_gguf_writer *writer, const char *key, float value);
void cf_gguf_writer_bool(struct cf_gguf_writer *writer, const char *key, bool value);
/* An array of n elements, which must follow, by the two functions below. */
void cf_gguf_writer_strings(struct cf_gguf_writer *writer, const char *key, uint64_t n);
void cf_gguf_writer_i32s(struct cf_gguf_writer *writer, const char *key, uint64_t n);
void cf_gguf_writer_next_string(struct cf_gguf_writer *writer, const void *bytes, size_t size);
void cf_gguf_writer_next_i32(struct cf_gguf_writer *writer, int32_t value);

/* ---- tensors ---- */

/* Enters a tensor of n_rows rows of n elements (n_rows 0: a vector) into the list. */
void cf_gguf_writer_tensor(struct cf_gguf_writer *writer, const char *name, enum cf_dtype dtype,
                           int64_t n, int64_t n_rows);
/* The bytes that the file will have, once all is entered. */
uint64_t cf_gguf_writer_total(const struct cf_gguf_writer *writer);
/* The bytes written so far. */
uint64_t cf_gguf_writer_done(const struct cf_gguf_writer *writer);
/* Writes metadata and list; nothing can be entered afterwards. */
enum cf_code cf_gguf_writer_begin_data(struct cf_gguf_writer *writer, struct cf_err *err);
/* Writes some of a tensor's bytes. */
enum cf_code cf_gguf_writer_data(struct cf_gguf_writer *writer, const void *bytes, size_t size,
                                 struct cf_err *err);
/* The tensor is complete: the next one begins aligned. */
enum cf_code cf_gguf_writer_end_tensor(struct cf_gguf_writer *writer, struct cf_err *err);
/* Puts the complete file in its place. */
enum cf_code cf_gguf_writer_commit(struct cf_gguf_writer *writer, struct cf_err *err);

#endif
