/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look-up and walks.  Everything here was checked by gguf.c, so that nothing is checked again. */
#include <stdlib.h>

#include "gguf_parts.h"

size_t cf_gguf_type_size(uint32_t type)
{
    switch (type) {
#define CF_X(name, number, size)                                                                   \
    case number:                                                                                   \
        return size;
        CF_GGUF_TYPES(CF_X)
#undef CF_X
    default:
        return 0;
    }
}

int cf_gguf_string_compare(struct cf_gguf_string a, struct cf_gguf_string b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static struct cf_gguf_string string_of(const char *text)
{
    return (struct cf_gguf_string){.data = text, .size = strlen(text)};
}

static int compare_key(const void *key, const void *entry)
{
    return cf_gguf_string_compare(string_of(key), ((const struct gguf_entry *)entry)->key);
}

static int compare_name(const void *name, const void *tensor)
{
    return cf_gguf_string_compare(string_of(name), ((const struct cf_gguf_tensor *)tensor)->name);
}

static const struct gguf_entry *entry_find(const struct cf_gguf *gguf, const char *key)
{
    return bsearch(key, gguf->entries, gguf->n_entries, sizeof *gguf->entries, compare_key);
}

const char *cf_gguf_path(const struct cf_gguf *gguf)
{
    return gguf->path;
}

bool cf_gguf_has(const struct cf_gguf *gguf, const char *key)
{
    return entry_find(gguf, key) != NULL;
}

static struct cf_gguf_string load_string(const unsigned char *bytes)
{
    return (struct cf_gguf_string){.data = (const char *)bytes + sizeof(uint64_t),
                                   .size = (size_t)gguf_load_u64(bytes)};
}

/* False for what is no integer, or greater than INT64_MAX. */
static bool load_int(enum cf_gguf_type type, const unsigned char *bytes, int64_t *value)
{
    size_t size = cf_gguf_type_size(type);
    uint64_t raw = 0;
    if (size == 0) {
        return false;
    }
    memcpy(&raw, bytes, size);
    switch (type) {
    case CF_GGUF_U8:
    case CF_GGUF_U16:
    case CF_GGUF_U32:
    case CF_GGUF_U64:
        if (raw > INT64_MAX) {
            return false;
        }
        *value = (int64_t)raw;
        return true;
    case CF_GGUF_I8:
        *value = (int8_t)raw;
        return true;
    case CF_GGUF_I16:
        *value = (int16_t)raw;
        return true;
    case CF_GGUF_I32:
        *value = (int32_t)raw;
        return true;
    case CF_GGUF_I64:
        *value = (int64_t)raw;
        return true;
    case CF_GGUF_F32:
    case CF_GGUF_F64:
    case CF_GGUF_BOOL:
    case CF_GGUF_STRING:
    case CF_GGUF_ARRAY:
        break;
    }
    return false;
}

static bool load_float(enum cf_gguf_type type, const unsigned char *bytes, double *value)
{
    if (type == CF_GGUF_F32) {
        float single;
        memcpy(&single, bytes, sizeof single);
        *value = (double)single;
        return true;
    }
    if (type == CF_GGUF_F64) {
        memcpy(value, bytes, sizeof *value);
        return true;
    }
    return false;
}

bool cf_gguf_find_string(const struct cf_gguf *gguf, const char *key, struct cf_gguf_string *value)
{
    const struct gguf_entry *entry = entry_find(gguf, key);
    if (entry == NULL || entry->type != CF_GGUF_STRING) {
        return false;
    }
    *value = load_string(entry->value);
    return true;
}

bool cf_gguf_find_int(const struct cf_gguf *gguf, const char *key, int64_t *value)
{
    const struct gguf_entry *entry = entry_find(gguf, key);
    return entry != NULL && load_int(entry->type, entry->value, value);
}

bool cf_gguf_find_float(const struct cf_gguf *gguf, const char *key, double *value)
{
    const struct gguf_entry *entry = entry_find(gguf, key);
    return entry != NULL && load_float(entry->type, entry->value, value);
}

bool cf_gguf_find_bool(const struct cf_gguf *gguf, const char *key, bool *value)
{
    const struct gguf_entry *entry = entry_find(gguf, key);
    if (entry == NULL || entry->type != CF_GGUF_BOOL) {
        return false;
    }
    *value = *entry->value != 0;
    return true;
}

bool cf_gguf_find_array(const struct cf_gguf *gguf, const char *key, struct cf_gguf_array *value)
{
    const struct gguf_entry *entry = entry_find(gguf, key);
    if (entry == NULL || entry->type != CF_GGUF_ARRAY) {
        return false;
    }
    *value = entry->array;
    return true;
}

bool cf_gguf_array_next_string(struct cf_gguf_array *array, struct cf_gguf_string *value)
{
    if (array->n == 0 || array->type != CF_GGUF_STRING) {
        return false;
    }
    *value = load_string(array->next);
    array->next += sizeof(uint64_t) + value->size;
    array->n--;
    return true;
}

static bool array_step(struct cf_gguf_array *array)
{
    array->next += cf_gguf_type_size(array->type);
    array->n--;
    return true;
}

bool cf_gguf_array_next_int(struct cf_gguf_array *array, int64_t *value)
{
    return array->n > 0 && load_int(array->type, array->next, value) && array_step(array);
}

bool cf_gguf_array_next_float(struct cf_gguf_array *array, double *value)
{
    return array->n > 0 && load_float(array->type, array->next, value) && array_step(array);
}

size_t cf_gguf_n_keys(const struct cf_gguf *gguf)
{
    return gguf->n_entries;
}

struct cf_gguf_string cf_gguf_key(const struct cf_gguf *gguf, size_t index, enum cf_gguf_type *type)
{
    assert(index < gguf->n_entries);
    *type = gguf->entries[index].type;
    return gguf->entries[index].key;
}

size_t cf_gguf_n_tensors(const struct cf_gguf *gguf)
{
    return gguf->n_tensors;
}

const struct cf_gguf_tensor *cf_gguf_tensor(const struct cf_gguf *gguf, size_t index)
{
    assert(index < gguf->n_tensors);
    return &gguf->tensors[index];
}

const struct cf_gguf_tensor *cf_gguf_tensor_find(const struct cf_gguf *gguf, const char *name)
{
    return bsearch(name, gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, compare_name);
}
