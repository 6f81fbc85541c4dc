/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gguf: the metadata and tensors of a GGUF file, versions 2 and 3, little-endian, read in place.
 *
 * Nothing in the file is trusted.  Everything is checked when it is opened: afterwards every
 * string, array and tensor that this header hands out lies inside the file, and walking it needs no
 * checks. All of it belongs to the gguf and dies with it.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#ifndef CF_GGUF_H
#define CF_GGUF_H

#include "dtype.h"
#include "err.h"

struct cf_gguf;

/* type, number in the file, bytes of a value (0: varies) */
#define CF_GGUF_TYPES(X)                                                                           \
    X(CF_GGUF_U8, 0, 1)                                                                            \
    X(CF_GGUF_I8, 1, 1)                                                                            \
    X(CF_GGUF_U16, 2, 2)                                                                           \
    X(CF_GGUF_I16, 3, 2)                                                                           \
    X(CF_GGUF_U32, 4, 4)                                                                           \
    X(CF_GGUF_I32, 5, 4)                                                                           \
    X(CF_GGUF_F32, 6, 4)                                                                           \
    X(CF_GGUF_BOOL, 7, 1)                                                                          \
    X(CF_GGUF_STRING, 8, 0)                                                                        \
    X(CF_GGUF_ARRAY, 9, 0)                                                                         \
    X(CF_GGUF_U64, 10, 8)                                                                          \
    X(CF_GGUF_I64, 11, 8)                                                                          \
    X(CF_GGUF_F64, 12, 8)

enum cf_gguf_type {
#define CF_X(type, number, size) type = number,
    CF_GGUF_TYPES(CF_X)
#undef CF_X
};

enum { CF_GGUF_DIMS_MAX = 4 };

/* Bytes in the file, without a NUL behind them; they may hold NULs and invalid UTF-8. */
struct cf_gguf_string {
    const char *data;
    size_t size;
};

struct cf_gguf_tensor {
    struct cf_gguf_string name; /* unique, not empty, without NULs */
    uint32_t type;              /* as in the file */
    bool is_known;              /* cf_dtype_is_known(type); if not, data is NULL and size 0 */
    int n_dims;
    int64_t dims[CF_GGUF_DIMS_MAX]; /* dims[0] varies fastest; each >= 1, unused ones are 1 */
    const void *data;               /* aligned to general.alignment in the file */
    size_t size;                    /* bytes */
};

/* A walk over an array of the metadata; a copy of it is an independent walk. */
struct cf_gguf_array {
    enum cf_gguf_type type; /* of the elements; never CF_GGUF_ARRAY */
    uint64_t n;             /* elements not yet walked */
    const unsigned char *next;
};

/* Maps and checks the file at path.  CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO; CF_ERR_FORMAT when
 * it is broken (the sentence names key or tensor); CF_ERR_UNSUPPORTED for version 1, a big-endian
 * file or an array of arrays. */
enum cf_code cf_gguf_open(struct cf_gguf **gguf, const char *path, struct cf_err *err);
/* The same for bytes in memory, 8-byte aligned, which must outlive the gguf; path is for the
 * sentences. */
enum cf_code cf_gguf_parse(struct cf_gguf **gguf, const void *bytes, size_t size, const char *path,
                           struct cf_err *err);
void cf_gguf_close(struct cf_gguf *gguf);
/* Whether the first SIZE bytes of a file, at least 4, are those of a GGUF file. */
bool cf_gguf_is_magic(const void *bytes, size_t size);

const char *cf_gguf_path(const struct cf_gguf *gguf);

/* Metadata by key.  False, and the result unchanged, when the key is absent or its value is of
 * another kind; cf_gguf_has tells the two apart. */
bool cf_gguf_has(const struct cf_gguf *gguf, const char *key);
bool cf_gguf_find_string(const struct cf_gguf *gguf, const char *key, struct cf_gguf_string *value);
/* Any integer type; false when it does not fit. */
bool cf_gguf_find_int(const struct cf_gguf *gguf, const char *key, int64_t *value);
/* F32 or F64. */
bool cf_gguf_find_float(const struct cf_gguf *gguf, const char *key, double *value);
bool cf_gguf_find_bool(const struct cf_gguf *gguf, const char *key, bool *value);
bool cf_gguf_find_array(const struct cf_gguf *gguf, const char *key, struct cf_gguf_array *value);

/* Steps of a walk: false at the end, or when the elements are of another kind. */
bool cf_gguf_array_next_string(struct cf_gguf_array *array, struct cf_gguf_string *value);
bool cf_gguf_array_next_int(struct cf_gguf_array *array, int64_t *value);
bool cf_gguf_array_next_float(struct cf_gguf_array *array, double *value);

/* The keys, in the order of their bytes. */
size_t cf_gguf_n_keys(const struct cf_gguf *gguf);
struct cf_gguf_string cf_gguf_key(const struct cf_gguf *gguf, size_t index,
                                  enum cf_gguf_type *type);

/* The tensors, in the order of their names. */
size_t cf_gguf_n_tensors(const struct cf_gguf *gguf);
const struct cf_gguf_tensor *cf_gguf_tensor(const struct cf_gguf *gguf, size_t index);
const struct cf_gguf_tensor *cf_gguf_tensor_find(const struct cf_gguf *gguf, const char *name);

#endif
