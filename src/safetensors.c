/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader.  Invariants:
 *  1. the header's size is at most HEADER_MAX_SIZE and at most what follows it in the file, before
 *     anything is parsed or allocated;
 *  2. a tensor's offsets are ordered and inside the data; for a type whose size is known here they
 *     are exactly as far apart as the shape says; the product of a shape is at most ELEMENTS_MAX;
 *  3. no two tensors share a byte, and every byte behind the header belongs to one: the format
 *     forbids holes, and a hole is what a header of another file would show;
 *  4. names are unique (a repeated key is refused by the JSON parser) and hold no NUL. */
#include "safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "mem.h"

enum { HEADER_MAX_SIZE = 8 << 20, PREFIX_SIZE = 8 };
#define ELEMENTS_MAX (INT64_C(1) << 48)

struct cf_safetensors {
    struct cf_mapping mapping; /* empty when the bytes are the caller's */
    char *path;
    struct cf_safetensor *tensors; /* [n], by name */
    size_t n;
};

static const struct type_row {
    const char *name;
    int64_t size;
    bool is_known;
    enum cf_dtype dtype;
} type_rows[] = {
    {"F32", 4, true, CF_F32},   {"F16", 2, true, CF_F16},      {"BF16", 2, true, CF_BF16},
    {"BOOL", 1, false, CF_F32}, {"U8", 1, false, CF_F32},      {"I8", 1, false, CF_F32},
    {"U16", 2, false, CF_F32},  {"I16", 2, false, CF_F32},     {"U32", 4, false, CF_F32},
    {"I32", 4, false, CF_F32},  {"U64", 8, false, CF_F32},     {"I64", 8, false, CF_F32},
    {"F64", 8, false, CF_F32},  {"F8_E4M3", 1, false, CF_F32}, {"F8_E5M2", 1, false, CF_F32},
};

static const struct type_row *type_find(const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(type_rows); i++) {
        if (strcmp(type_rows[i].name, name) == 0) {
            return &type_rows[i];
        }
    }
    return NULL;
}

static enum cf_code bad_tensor(const char *path, const char *name, const char *what,
                               struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_FORMAT, "%s: tensor '%.80s' %s", path, name, what);
}

/* The shape, and the number of elements it makes. */
static enum cf_code read_shape(struct cf_safetensor *tensor, const json_t *shape, int64_t *n,
                               const char *path, struct cf_err *err)
{
    if (!json_is_array(shape)) {
        return bad_tensor(path, tensor->name, "has no shape", err);
    }
    if (json_array_size(shape) > CF_SAFETENSORS_DIMS_MAX) {
        return bad_tensor(path, tensor->name, "has more than 8 dimensions", err);
    }
    tensor->n_dims = (int)json_array_size(shape);
    *n = 1;
    for (int i = 0; i < tensor->n_dims; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) {
            return bad_tensor(path, tensor->name, "has a shape that is no list of sizes", err);
        }
        tensor->dims[i] = json_integer_value(dim);
        if (tensor->dims[i] > 0 && *n > ELEMENTS_MAX / tensor->dims[i]) {
            return bad_tensor(path, tensor->name, "has an absurd size", err);
        }
        *n *= tensor->dims[i];
    }
    return CF_OK;
}

static enum cf_code read_type(struct cf_safetensor *tensor, const json_t *type,
                              int64_t *element_size, const char *path, struct cf_err *err)
{
    const char *name = json_string_value(type);
    if (name == NULL || strlen(name) >= sizeof tensor->type_name) {
        return bad_tensor(path, tensor->name, "has no sound dtype", err);
    }
    memcpy(tensor->type_name, name, strlen(name) + 1);
    const struct type_row *row = type_find(name);
    *element_size = row != NULL ? row->size : 0;
    tensor->is_known = row != NULL && row->is_known;
    tensor->dtype = row != NULL ? row->dtype : CF_F32;
    return CF_OK;
}

static enum cf_code read_tensor(struct cf_safetensor *tensor, const char *name, const json_t *value,
                                const unsigned char *data, size_t data_size, const char *path,
                                struct cf_err *err)
{
    tensor->name = cf_strdup(name);
    int64_t n = 0;
    int64_t element_size = 0;
    enum cf_code code = read_shape(tensor, json_object_get(value, "shape"), &n, path, err);
    if (code == CF_OK) {
        code = read_type(tensor, json_object_get(value, "dtype"), &element_size, path, err);
    }
    if (code != CF_OK) {
        return code;
    }
    const json_t *offsets = json_object_get(value, "data_offsets");
    const json_t *first = json_array_get(offsets, 0);
    const json_t *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last)) {
        return bad_tensor(path, name, "has no sound data_offsets", err);
    }
    json_int_t begin = json_integer_value(first);
    json_int_t end = json_integer_value(last);
    if (begin < 0 || end < begin) {
        return bad_tensor(path, name, "has no sound data_offsets", err);
    }
    if ((uint64_t)end > data_size) {
        return bad_tensor(path, name, "ends past the end of the file, which may be cut short", err);
    }
    if (element_size > 0 && end - begin != n * element_size) {
        return bad_tensor(path, name, "has a shape and data_offsets that do not agree", err);
    }
    tensor->data = data + begin;
    tensor->size = (size_t)(end - begin);
    return CF_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct cf_safetensor *)a)->name, ((const struct cf_safetensor *)b)->name);
}

/* An empty tensor comes before one that begins where it lies. */
static int compare_places(const void *a, const void *b)
{
    const struct cf_safetensor *left = a;
    const struct cf_safetensor *right = b;
    uintptr_t left_begin = (uintptr_t)left->data;
    uintptr_t right_begin = (uintptr_t)right->data;
    if (left_begin != right_begin) {
        return left_begin < right_begin ? -1 : 1;
    }
    return (left->size > right->size) - (left->size < right->size);
}

static enum cf_code check_cover(struct cf_safetensors *safetensors, const unsigned char *data,
                                size_t data_size, struct cf_err *err)
{
    qsort(safetensors->tensors, safetensors->n, sizeof *safetensors->tensors, compare_places);
    size_t covered = 0;
    for (size_t i = 0; i < safetensors->n; i++) {
        const struct cf_safetensor *tensor = &safetensors->tensors[i];
        size_t begin = (size_t)((const unsigned char *)tensor->data - data);
        if (begin < covered) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: tensor '%.80s' overlaps tensor '%.80s'",
                              safetensors->path, tensor->name, safetensors->tensors[i - 1].name);
        }
        if (begin > covered) {
            return bad_tensor(safetensors->path, tensor->name,
                              "lies behind bytes that belong to no tensor", err);
        }
        covered = begin + tensor->size;
    }
    if (covered != data_size) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: not a sound safetensors file: bytes at its end belong to no tensor",
                          safetensors->path);
    }
    return CF_OK;
}

static enum cf_code read_tensors(struct cf_safetensors *safetensors, json_t *header,
                                 const unsigned char *data, size_t data_size, struct cf_err *err)
{
    safetensors->tensors = cf_calloc(json_object_size(header), sizeof *safetensors->tensors);
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        if (!json_is_object(value) || name[0] == '\0') {
            return bad_tensor(safetensors->path, name, "is not described by an object", err);
        }
        enum cf_code code = read_tensor(&safetensors->tensors[safetensors->n++], name, value, data,
                                        data_size, safetensors->path, err);
        if (code != CF_OK) {
            return code;
        }
    }
    enum cf_code code = check_cover(safetensors, data, data_size, err);
    qsort(safetensors->tensors, safetensors->n, sizeof *safetensors->tensors, compare_names);
    return code;
}

static enum cf_code read_all(struct cf_safetensors *safetensors, const unsigned char *bytes,
                             size_t size, struct cf_err *err)
{
    const char *path = safetensors->path;
    uint64_t header_size;
    if (size < PREFIX_SIZE + 2) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: not a safetensors file: too short", path);
    }
    memcpy(&header_size, bytes, sizeof header_size);
    if (bytes[PREFIX_SIZE] != '{') {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: not a safetensors file", path);
    }
    if (header_size > size - PREFIX_SIZE) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: not a sound safetensors file: its header ends past the end of the "
                          "file, which may be cut short",
                          path);
    }
    if (header_size > HEADER_MAX_SIZE) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: not a sound safetensors file: its header has an absurd size", path);
    }
    json_error_t json_err;
    json_t *header = json_loadb((const char *)bytes + PREFIX_SIZE, (size_t)header_size,
                                JSON_REJECT_DUPLICATES, &json_err);
    if (!json_is_object(header)) {
        json_decref(header);
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: not a sound safetensors file: its header is no JSON: %s", path,
                          json_err.text);
    }
    size_t data_begin = PREFIX_SIZE + (size_t)header_size;
    enum cf_code code =
        read_tensors(safetensors, header, bytes + data_begin, size - data_begin, err);
    json_decref(header);
    return code;
}

enum cf_code cf_safetensors_parse(struct cf_safetensors **safetensors, const void *bytes,
                                  size_t size, const char *path, struct cf_err *err)
{
    struct cf_safetensors *parsed = cf_calloc(1, sizeof *parsed);
    parsed->path = cf_strdup(path);
    enum cf_code code = read_all(parsed, bytes, size, err);
    if (code != CF_OK) {
        cf_safetensors_close(parsed);
        return code;
    }
    *safetensors = parsed;
    return CF_OK;
}

enum cf_code cf_safetensors_open(struct cf_safetensors **safetensors, const char *path,
                                 struct cf_err *err)
{
    struct cf_mapping mapping;
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_safetensors *opened;
    code = cf_safetensors_parse(&opened, mapping.data, mapping.size, path, err);
    if (code != CF_OK) {
        cf_mapping_close(&mapping);
        return code;
    }
    opened->mapping = mapping;
    *safetensors = opened;
    return CF_OK;
}

void cf_safetensors_close(struct cf_safetensors *safetensors)
{
    if (safetensors == NULL) {
        return;
    }
    for (size_t i = 0; i < safetensors->n; i++) {
        free(safetensors->tensors[i].name);
    }
    free(safetensors->tensors);
    cf_mapping_close(&safetensors->mapping);
    free(safetensors->path);
    free(safetensors);
}

const char *cf_safetensors_path(const struct cf_safetensors *safetensors)
{
    return safetensors->path;
}

size_t cf_safetensors_n(const struct cf_safetensors *safetensors)
{
    return safetensors->n;
}

const struct cf_safetensor *cf_safetensors_at(const struct cf_safetensors *safetensors,
                                              size_t index)
{
    assert(index < safetensors->n);
    return &safetensors->tensors[index];
}

static int compare_key(const void *name, const void *tensor)
{
    return strcmp(name, ((const struct cf_safetensor *)tensor)->name);
}

const struct cf_safetensor *cf_safetensors_find(const struct cf_safetensors *safetensors,
                                                const char *name)
{
    return bsearch(name, safetensors->tensors, safetensors->n, sizeof *safetensors->tensors,
                   compare_key);
}
