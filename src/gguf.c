/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader.  Invariants:
 *  1. pos <= size at all times; every read first asks whether pos + n <= size in the form
 *     n <= size - pos, which cannot overflow;
 *  2. a count from the file is believed only after it was compared with what the rest of the file
 *     can hold at the smallest size of an element; only then is memory taken for it;
 *  3. every string and every element of an array was walked once and lies inside the file;
 *  4. keys and tensor names are unique, not empty, at most NAME_MAX_SIZE bytes and hold no NUL;
 *  5. a tensor's offset is a multiple of the alignment, its end lies inside the file, no two
 * tensors share a byte; the product of its dimensions is at most ELEMENTS_MAX;
 *  6. the alignment is a power of two, at least 8: an element is never misaligned. */
#include "gguf.h"

#include <stdlib.h>

#include "gguf_parts.h"
#include "mem.h"

enum {
    NAME_MAX_SIZE = 65535,
    ENTRIES_MAX = 1 << 16,
    TENSORS_MAX = 1 << 16,
    ENTRY_SIZE_MIN = 8 + 1 + 4 + 1,          /* key, type, value */
    TENSOR_SIZE_MIN = 8 + 1 + 4 + 8 + 4 + 8, /* name, number of dimensions, one, type, offset */
    ALIGNMENT_DEFAULT = 32,
    ALIGNMENT_MIN = 8,
    ALIGNMENT_MAX = 1 << 30,
};
#define ELEMENTS_MAX (INT64_C(1) << 48)

/* For the sentences: a name of the file, cut to what can be read. */
#define NAME_FORMAT "'%.*s'"
#define NAME_ARGS(name) ((name).size < 80 ? (int)(name).size : 80), (name).data

struct reader {
    const unsigned char *bytes;
    size_t size;
    size_t pos;
    const char *path;
    struct cf_err *err;
};

static enum cf_code broken(const struct reader *reader, const char *what)
{
    return cf_err_set(reader->err, CF_ERR_FORMAT, "%s: not a sound GGUF file: %s", reader->path,
                      what);
}

static bool take(struct reader *reader, size_t n, const unsigned char **bytes)
{
    if (n > reader->size - reader->pos) {
        return false;
    }
    *bytes = reader->bytes + reader->pos;
    reader->pos += n;
    return true;
}

static bool take_u32(struct reader *reader, uint32_t *value)
{
    const unsigned char *bytes;
    if (!take(reader, sizeof *value, &bytes)) {
        return false;
    }
    memcpy(value, bytes, sizeof *value);
    return true;
}

static bool take_u64(struct reader *reader, uint64_t *value)
{
    const unsigned char *bytes;
    if (!take(reader, sizeof *value, &bytes)) {
        return false;
    }
    *value = gguf_load_u64(bytes);
    return true;
}

static bool take_string(struct reader *reader, struct cf_gguf_string *string)
{
    uint64_t size;
    const unsigned char *bytes;
    if (!take_u64(reader, &size) || size > reader->size || !take(reader, (size_t)size, &bytes)) {
        return false;
    }
    *string = (struct cf_gguf_string){.data = (const char *)bytes, .size = (size_t)size};
    return true;
}

static bool is_name(struct cf_gguf_string name)
{
    return name.size > 0 && name.size <= NAME_MAX_SIZE &&
           memchr(name.data, '\0', name.size) == NULL;
}

static enum cf_code bad_value(const struct reader *reader, const struct gguf_entry *entry,
                              const char *what)
{
    return cf_err_set(reader->err, CF_ERR_FORMAT,
                      "%s: not a sound GGUF file: the value of " NAME_FORMAT " %s", reader->path,
                      NAME_ARGS(entry->key), what);
}

static enum cf_code read_array(struct reader *reader, struct gguf_entry *entry)
{
    uint32_t type;
    uint64_t n;
    if (!take_u32(reader, &type) || !take_u64(reader, &n)) {
        return bad_value(reader, entry, "is cut short");
    }
    if (type == CF_GGUF_ARRAY) {
        return cf_err_set(reader->err, CF_ERR_UNSUPPORTED,
                          "%s: the value of " NAME_FORMAT
                          " is an array of arrays, which is not supported",
                          reader->path, NAME_ARGS(entry->key));
    }
    size_t element_size = type == CF_GGUF_STRING ? sizeof(uint64_t) : cf_gguf_type_size(type);
    if (element_size == 0) {
        return bad_value(reader, entry, "is an array of a type that does not exist");
    }
    if (n > (reader->size - reader->pos) / element_size) {
        return bad_value(reader, entry, "has more elements than the file can hold");
    }
    entry->array = (struct cf_gguf_array){
        .type = (enum cf_gguf_type)type, .n = n, .next = reader->bytes + reader->pos};
    if (type != CF_GGUF_STRING) {
        reader->pos += (size_t)n * element_size;
        return CF_OK;
    }
    for (uint64_t i = 0; i < n; i++) {
        struct cf_gguf_string element;
        if (!take_string(reader, &element)) {
            return bad_value(reader, entry, "has a string that ends past the end of the file");
        }
    }
    return CF_OK;
}

static enum cf_code read_entry(struct reader *reader, struct gguf_entry *entry)
{
    uint32_t type;
    if (!take_string(reader, &entry->key) || !is_name(entry->key)) {
        return broken(reader, "a metadata key is cut short, empty, too long or holds a NUL");
    }
    if (!take_u32(reader, &type)) {
        return bad_value(reader, entry, "is cut short");
    }
    entry->type = (enum cf_gguf_type)type;
    entry->value = reader->bytes + reader->pos;
    if (type == CF_GGUF_ARRAY) {
        return read_array(reader, entry);
    }
    if (type == CF_GGUF_STRING) {
        struct cf_gguf_string value;
        return take_string(reader, &value)
                   ? CF_OK
                   : bad_value(reader, entry, "ends past the end of the file");
    }
    const unsigned char *value;
    size_t size = cf_gguf_type_size(type);
    if (size == 0) {
        return bad_value(reader, entry, "has a type that does not exist");
    }
    if (!take(reader, size, &value)) {
        return bad_value(reader, entry, "is cut short");
    }
    if (type == CF_GGUF_BOOL && *value > 1) {
        return bad_value(reader, entry, "is neither true nor false");
    }
    return CF_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const struct gguf_entry *left = a;
    const struct gguf_entry *right = b;
    return cf_gguf_string_compare(left->key, right->key);
}

static int compare_tensors(const void *a, const void *b)
{
    const struct cf_gguf_tensor *left = a;
    const struct cf_gguf_tensor *right = b;
    return cf_gguf_string_compare(left->name, right->name);
}

static enum cf_code read_metadata(struct reader *reader, struct cf_gguf *gguf, uint64_t n)
{
    gguf->entries = cf_calloc((size_t)n, sizeof *gguf->entries);
    for (uint64_t i = 0; i < n; i++) {
        enum cf_code code = read_entry(reader, &gguf->entries[i]);
        if (code != CF_OK) {
            return code;
        }
        gguf->n_entries++;
    }
    qsort(gguf->entries, gguf->n_entries, sizeof *gguf->entries, compare_entries);
    for (size_t i = 1; i < gguf->n_entries; i++) {
        if (compare_entries(&gguf->entries[i - 1], &gguf->entries[i]) == 0) {
            return cf_err_set(reader->err, CF_ERR_FORMAT,
                              "%s: not a sound GGUF file: the key " NAME_FORMAT " comes twice",
                              reader->path, NAME_ARGS(gguf->entries[i].key));
        }
    }
    return CF_OK;
}

static enum cf_code bad_tensor(const struct reader *reader, const struct cf_gguf_tensor *tensor,
                               const char *what)
{
    return cf_err_set(reader->err, CF_ERR_FORMAT, "%s: tensor " NAME_FORMAT " %s", reader->path,
                      NAME_ARGS(tensor->name), what);
}

/* The bytes of a tensor of a known type, from its dimensions. */
static enum cf_code measure(const struct reader *reader, struct cf_gguf_tensor *tensor)
{
    int64_t n = 1;
    for (int i = 0; i < tensor->n_dims; i++) {
        if (tensor->dims[i] < 1) {
            return bad_tensor(reader, tensor, "has a dimension of no or negative size");
        }
        if (tensor->dims[i] > ELEMENTS_MAX / n) {
            return bad_tensor(reader, tensor, "has an absurd size");
        }
        n *= tensor->dims[i];
    }
    tensor->is_known = cf_dtype_is_known(tensor->type);
    if (!tensor->is_known) {
        return CF_OK;
    }
    enum cf_dtype dtype = (enum cf_dtype)tensor->type;
    if (tensor->dims[0] % (int64_t)cf_dtype_n_block(dtype) != 0) {
        return bad_tensor(reader, tensor, "has rows that are no whole number of blocks");
    }
    tensor->size = cf_dtype_row_size(dtype, (size_t)n);
    return CF_OK;
}

/* The offset goes into *offset; it is checked when all of them are known. */
static enum cf_code read_tensor(struct reader *reader, struct cf_gguf_tensor *tensor,
                                uint64_t *offset)
{
    if (!take_string(reader, &tensor->name) || !is_name(tensor->name)) {
        return broken(reader, "a tensor name is cut short, empty, too long or holds a NUL");
    }
    uint32_t n_dims;
    if (!take_u32(reader, &n_dims)) {
        return bad_tensor(reader, tensor, "is cut short");
    }
    if (n_dims > CF_GGUF_DIMS_MAX) {
        return bad_tensor(reader, tensor, "has more than 4 dimensions");
    }
    tensor->n_dims = (int)n_dims;
    for (int i = 0; i < CF_GGUF_DIMS_MAX; i++) {
        uint64_t dim = 1;
        if (i < tensor->n_dims && !take_u64(reader, &dim)) {
            return bad_tensor(reader, tensor, "is cut short");
        }
        if (dim > INT64_MAX) {
            return bad_tensor(reader, tensor, "has an absurd size");
        }
        tensor->dims[i] = (int64_t)dim;
    }
    if (!take_u32(reader, &tensor->type) || !take_u64(reader, offset)) {
        return bad_tensor(reader, tensor, "is cut short");
    }
    return measure(reader, tensor);
}

static int compare_places(const void *a, const void *b)
{
    const struct cf_gguf_tensor *left = *(const struct cf_gguf_tensor *const *)a;
    const struct cf_gguf_tensor *right = *(const struct cf_gguf_tensor *const *)b;
    uintptr_t left_begin = (uintptr_t)left->data;
    uintptr_t right_begin = (uintptr_t)right->data;
    return (left_begin > right_begin) - (left_begin < right_begin);
}

static enum cf_code check_overlap(const struct reader *reader, const struct cf_gguf *gguf)
{
    const struct cf_gguf_tensor **places = cf_calloc(gguf->n_tensors, sizeof *places);
    size_t n = 0;
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        if (gguf->tensors[i].data != NULL) {
            places[n++] = &gguf->tensors[i];
        }
    }
    qsort(places, n, sizeof *places, compare_places);
    enum cf_code code = CF_OK;
    for (size_t i = 1; i < n && code == CF_OK; i++) {
        uintptr_t gap = (uintptr_t)places[i]->data - (uintptr_t)places[i - 1]->data;
        if (gap < places[i - 1]->size) {
            code =
                cf_err_set(reader->err, CF_ERR_FORMAT,
                           "%s: tensor " NAME_FORMAT " overlaps tensor " NAME_FORMAT, reader->path,
                           NAME_ARGS(places[i]->name), NAME_ARGS(places[i - 1]->name));
        }
    }
    free(places);
    return code;
}

static enum cf_code place_tensor(const struct reader *reader, struct cf_gguf_tensor *tensor,
                                 uint64_t offset, size_t data_begin, size_t alignment)
{
    if (offset % alignment != 0) {
        return bad_tensor(reader, tensor, "is misaligned");
    }
    if (data_begin > reader->size || offset > reader->size - data_begin) {
        return bad_tensor(reader, tensor,
                          "begins past the end of the file, which may be cut short");
    }
    size_t begin = data_begin + (size_t)offset;
    if (tensor->size > reader->size - begin) {
        return bad_tensor(reader, tensor, "ends past the end of the file, which may be cut short");
    }
    if (tensor->is_known) {
        tensor->data = reader->bytes + begin;
    }
    return CF_OK;
}

static enum cf_code read_alignment(const struct reader *reader, const struct cf_gguf *gguf,
                                   size_t *alignment)
{
    int64_t value = ALIGNMENT_DEFAULT;
    if (cf_gguf_has(gguf, "general.alignment") &&
        !cf_gguf_find_int(gguf, "general.alignment", &value)) {
        return broken(reader, "general.alignment is no number");
    }
    if (value < ALIGNMENT_MIN || value > ALIGNMENT_MAX || (value & (value - 1)) != 0) {
        return broken(reader, "general.alignment is no power of two from 8 on");
    }
    *alignment = (size_t)value;
    return CF_OK;
}

static enum cf_code read_tensors(struct reader *reader, struct cf_gguf *gguf, uint64_t n)
{
    size_t alignment = ALIGNMENT_DEFAULT;
    enum cf_code code = read_alignment(reader, gguf, &alignment);
    if (code != CF_OK) {
        return code;
    }
    gguf->tensors = cf_calloc((size_t)n, sizeof *gguf->tensors);
    uint64_t *offsets = cf_calloc((size_t)n, sizeof *offsets);
    for (size_t i = 0; i < n && code == CF_OK; i++) {
        code = read_tensor(reader, &gguf->tensors[i], &offsets[i]);
    }
    /* pos is at most SIZE_MAX / 2 (a mapping's size), so that this cannot overflow. */
    size_t data_begin = (reader->pos + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < n && code == CF_OK; i++) {
        code = place_tensor(reader, &gguf->tensors[i], offsets[i], data_begin, alignment);
        gguf->n_tensors++;
    }
    free(offsets);
    if (code != CF_OK) {
        return code;
    }
    code = check_overlap(reader, gguf);
    if (code != CF_OK) {
        return code;
    }
    qsort(gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, compare_tensors);
    for (size_t i = 1; i < gguf->n_tensors; i++) {
        if (compare_tensors(&gguf->tensors[i - 1], &gguf->tensors[i]) == 0) {
            return bad_tensor(reader, &gguf->tensors[i], "comes twice");
        }
    }
    return CF_OK;
}

bool cf_gguf_is_magic(const void *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "GGUF", 4) == 0;
}

static enum cf_code read_all(struct reader *reader, struct cf_gguf *gguf)
{
    if (!cf_gguf_is_magic(reader->bytes, reader->size)) {
        return cf_err_set(reader->err, CF_ERR_FORMAT, "%s: not a GGUF file", reader->path);
    }
    reader->pos = 4;
    uint32_t version;
    uint64_t n_tensors = 0;
    uint64_t n_entries = 0;
    if (!take_u32(reader, &version) || !take_u64(reader, &n_tensors) ||
        !take_u64(reader, &n_entries)) {
        return broken(reader, "it is cut short");
    }
    if (version != 2 && version != 3) {
        bool is_big_endian = version != 0 && (version & 0xFFFF) == 0;
        return cf_err_set(reader->err, CF_ERR_UNSUPPORTED,
                          is_big_endian ? "%s: a big-endian GGUF file, which is not supported"
                                        : "%s: version %u of GGUF, but only 2 and 3 are supported",
                          reader->path, (unsigned)version);
    }
    size_t rest = reader->size - reader->pos;
    if (n_entries > ENTRIES_MAX || n_entries > rest / ENTRY_SIZE_MIN) {
        return broken(reader, "it claims more metadata than it can hold");
    }
    if (n_tensors > TENSORS_MAX || n_tensors > rest / TENSOR_SIZE_MIN) {
        return broken(reader, "it claims more tensors than it can hold");
    }
    enum cf_code code = read_metadata(reader, gguf, n_entries);
    return code == CF_OK ? read_tensors(reader, gguf, n_tensors) : code;
}

enum cf_code cf_gguf_parse(struct cf_gguf **gguf, const void *bytes, size_t size, const char *path,
                           struct cf_err *err)
{
    assert((uintptr_t)bytes % ALIGNMENT_MIN == 0 && size <= SIZE_MAX / 2);
    struct cf_gguf *parsed = cf_calloc(1, sizeof *parsed);
    parsed->path = cf_strdup(path);
    struct reader reader = {.bytes = bytes, .size = size, .path = path, .err = err};
    enum cf_code code = read_all(&reader, parsed);
    if (code != CF_OK) {
        cf_gguf_close(parsed);
        return code;
    }
    *gguf = parsed;
    return CF_OK;
}

enum cf_code cf_gguf_open(struct cf_gguf **gguf, const char *path, struct cf_err *err)
{
    struct cf_mapping mapping;
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_gguf *opened;
    code = cf_gguf_parse(&opened, mapping.data, mapping.size, path, err);
    if (code != CF_OK) {
        cf_mapping_close(&mapping);
        return code;
    }
    opened->mapping = mapping;
    *gguf = opened;
    return CF_OK;
}

void cf_gguf_close(struct cf_gguf *gguf)
{
    if (gguf == NULL) {
        return;
    }
    cf_mapping_close(&gguf->mapping);
    free(gguf->entries);
    free(gguf->tensors);
    free(gguf->path);
    free(gguf);
}
