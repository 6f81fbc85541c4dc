/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gguf_parts: what gguf.c (reads and checks) and gguf_find.c (hands out) share. */
#ifndef CF_GGUF_PARTS_H
#define CF_GGUF_PARTS_H

#include <string.h>

#include "gguf.h"
#include "mapping.h"

struct gguf_entry {
    struct cf_gguf_string key;
    enum cf_gguf_type type;
    const unsigned char *value; /* a plain value, the length of a string, the first element */
    struct cf_gguf_array array; /* when type is CF_GGUF_ARRAY */
};

struct cf_gguf {
    struct cf_mapping mapping; /* empty when the bytes are the caller's */
    char *path;
    struct gguf_entry *entries; /* [n_entries], by key */
    size_t n_entries;
    struct cf_gguf_tensor *tensors; /* [n_tensors], by name */
    size_t n_tensors;
};

static inline uint64_t gguf_load_u64(const unsigned char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Bytes of a value of a plain type, 0 for a string or an array or an unknown type. */
size_t cf_gguf_type_size(uint32_t type);
/* By bytes, the shorter first. */
int cf_gguf_string_compare(struct cf_gguf_string a, struct cf_gguf_string b);

#endif
