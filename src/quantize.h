/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantize: writes a model with its tokenizer as one GGUF file in another element type.
 *
 * The file follows the GGUF specification, version 3, and llama.cpp's names for architecture
 * "gpt2"; llama.cpp and what builds on it load it.  Tensors are converted row by row and streamed:
 * a few rows are in memory beside the mapped source.  The output appears under its name only when
 * it is complete and on the disk (temporary file beside it, fsync, rename). */
#ifndef CF_QUANTIZE_H
#define CF_QUANTIZE_H

#include "dtype.h"
#include "err.h"

/* How far the work has come, in bytes written of the bytes there will be.  Returning false ends it
 * with CF_ERR_CANCELLED and leaves no file behind. */
struct cf_progress {
    bool (*report)(void *data, uint64_t done, uint64_t total);
    void *data;
};

/* A key and value put into the file in place of what the source says; value NULL leaves the key
 * out.  Keys are GGUF's, such as "general.name" or "confab.template.user". */
struct cf_convert_metadata {
    const char *key;
    const char *value;
};

struct cf_convert {
    enum cf_dtype dtype; /* what cf_from_f32_knows: CF_F32, CF_F16, CF_BF16, CF_Q8_0... */
    bool may_replace;    /* else an existing file is CF_ERR_EXISTS */
    const struct cf_convert_metadata *metadata;
    size_t n_metadata;
    struct cf_progress progress; /* report may be NULL */
};

/* Converts the model and tokenizer at IN_PATH (as cf_model_open and cf_tokenizer_open take it) to
 * the file OUT_PATH.  Matrices get the type asked for, a matrix whose rows are no multiple of the
 * type's block gets F16; vectors and the position embedding are F32.  What is already quantised is
 * widened first.
 * The errors of cf_model_open and cf_tokenizer_open; CF_ERR_UNSUPPORTED (a type that is not
 * written, a model that GGUF's gpt2 cannot express, named), CF_ERR_EXISTS, CF_ERR_FULL, CF_ERR_IO,
 * CF_ERR_CANCELLED. */
enum cf_code cf_model_convert(const char *in_path, const char *out_path,
                              const struct cf_convert *convert, struct cf_err *err);

#endif
