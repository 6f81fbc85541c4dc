/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets and the tests that replay their corpora do with a file that opened: read
 * all of what the header hands out, so that a sanitizer sees any byte that is not there. */
#ifndef MODEL_WALK_H
#define MODEL_WALK_H

#include <base.h>

#include "gguf.h"
#include "safetensors.h"

static inline unsigned walk_bytes(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

static inline unsigned walk_array(struct cf_gguf_array array)
{
    unsigned sum = 0;
    struct cf_gguf_string string;
    int64_t number;
    double real;
    while (cf_gguf_array_next_string(&array, &string)) {
        sum += walk_bytes(string.data, string.size);
    }
    while (cf_gguf_array_next_int(&array, &number)) {
        sum += (unsigned)number;
    }
    while (cf_gguf_array_next_float(&array, &real)) {
        sum += real > 0;
    }
    return sum;
}

/* Parses and walks; the sum keeps the reads from being optimised away. */
static inline unsigned walk_gguf(const void *bytes, size_t size, struct cf_err *err)
{
    struct cf_gguf *gguf;
    if (cf_gguf_parse(&gguf, bytes, size, "fuzz", err) != CF_OK) {
        return 0;
    }
    unsigned sum = 1;
    for (size_t i = 0; i < cf_gguf_n_keys(gguf); i++) {
        enum cf_gguf_type type;
        struct cf_gguf_string key = cf_gguf_key(gguf, i, &type);
        char name[256];
        struct cf_gguf_string string;
        struct cf_gguf_array array;
        sum += walk_bytes(key.data, key.size);
        if (key.size >= sizeof name) {
            continue;
        }
        for (size_t k = 0; k < key.size; k++) {
            name[k] = key.data[k];
        }
        name[key.size] = '\0';
        if (cf_gguf_find_string(gguf, name, &string)) {
            sum += walk_bytes(string.data, string.size);
        } else if (cf_gguf_find_array(gguf, name, &array)) {
            sum += walk_array(array);
        }
    }
    for (size_t i = 0; i < cf_gguf_n_tensors(gguf); i++) {
        const struct cf_gguf_tensor *tensor = cf_gguf_tensor(gguf, i);
        sum += walk_bytes(tensor->name.data, tensor->name.size);
        sum += walk_bytes(tensor->data, tensor->size);
    }
    cf_gguf_close(gguf);
    return sum;
}

static inline unsigned walk_safetensors(const void *bytes, size_t size, struct cf_err *err)
{
    struct cf_safetensors *safetensors;
    if (cf_safetensors_parse(&safetensors, bytes, size, "fuzz", err) != CF_OK) {
        return 0;
    }
    unsigned sum = 1;
    for (size_t i = 0; i < cf_safetensors_n(safetensors); i++) {
        const struct cf_safetensor *tensor = cf_safetensors_at(safetensors, i);
        sum += walk_bytes(tensor->data, tensor->size);
        sum += cf_safetensors_find(safetensors, tensor->name) == tensor;
    }
    cf_safetensors_close(safetensors);
    return sum;
}

#endif
