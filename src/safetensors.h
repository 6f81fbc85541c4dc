/* SPDX-License-Identifier: GPL-3.0-or-later */
/* safetensors: the tensors of a .safetensors file, read in place.
 *
 * Nothing in the file is trusted.  Everything is checked when it is opened: afterwards every tensor
 * lies inside the file and no two overlap.  All of it belongs to the safetensors and dies with it.
 *
 * Source: https://github.com/huggingface/safetensors, "Format" */
#ifndef CF_SAFETENSORS_H
#define CF_SAFETENSORS_H

#include "dtype.h"
#include "err.h"

struct cf_safetensors;

enum { CF_SAFETENSORS_DIMS_MAX = 8 };

struct cf_safetensor {
    char *name;                            /* unique, not empty */
    char type_name[12];                    /* as in the file: "F32", "I64" */
    bool is_known;                         /* whether it is one of F32, F16, BF16 */
    enum cf_dtype dtype;                   /* if so, which */
    int n_dims;                            /* 0 for a scalar */
    int64_t dims[CF_SAFETENSORS_DIMS_MAX]; /* the last varies fastest; each >= 0 */
    const void *data; /* NOT always aligned: old files have headers of any length */
    size_t size;      /* bytes */
};

/* Maps and checks the file at path.  CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO, CF_ERR_FORMAT. */
enum cf_code cf_safetensors_open(struct cf_safetensors **safetensors, const char *path,
                                 struct cf_err *err);
/* The same for bytes in memory, which must outlive the safetensors; path is for the sentences. */
enum cf_code cf_safetensors_parse(struct cf_safetensors **safetensors, const void *bytes,
                                  size_t size, const char *path, struct cf_err *err);
void cf_safetensors_close(struct cf_safetensors *safetensors);

const char *cf_safetensors_path(const struct cf_safetensors *safetensors);
/* The tensors, in the order of their names. */
size_t cf_safetensors_n(const struct cf_safetensors *safetensors);
const struct cf_safetensor *cf_safetensors_at(const struct cf_safetensors *safetensors,
                                              size_t index);
const struct cf_safetensor *cf_safetensors_find(const struct cf_safetensors *safetensors,
                                                const char *name);

#endif
