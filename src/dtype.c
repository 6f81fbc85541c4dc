/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dtype.h"

#include <strings.h>

static const struct dtype_row {
    enum cf_dtype dtype;
    const char *name;
    size_t n_block;
    size_t block_size;
} dtype_rows[] = {
#define CF_X(dtype, number, name, n_block, block_size) {dtype, name, n_block, block_size},
    CF_DTYPES(CF_X)
#undef CF_X
};

static const struct dtype_row *row_find(uint32_t number)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtype_rows); i++) {
        if ((uint32_t)dtype_rows[i].dtype == number) {
            return &dtype_rows[i];
        }
    }
    return NULL;
}

bool cf_dtype_is_known(uint32_t number)
{
    return row_find(number) != NULL;
}

const char *cf_dtype_name(enum cf_dtype dtype)
{
    const struct dtype_row *row = row_find((uint32_t)dtype);
    return row != NULL ? row->name : "?";
}

bool cf_dtype_find(enum cf_dtype *dtype, const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtype_rows); i++) {
        if (strcasecmp(dtype_rows[i].name, name) == 0) {
            *dtype = dtype_rows[i].dtype;
            return true;
        }
    }
    return false;
}

size_t cf_dtype_n_block(enum cf_dtype dtype)
{
    const struct dtype_row *row = row_find((uint32_t)dtype);
    assert(row != NULL);
    return row->n_block;
}

size_t cf_dtype_block_size(enum cf_dtype dtype)
{
    const struct dtype_row *row = row_find((uint32_t)dtype);
    assert(row != NULL);
    return row->block_size;
}

size_t cf_dtype_row_size(enum cf_dtype dtype, size_t n)
{
    const struct dtype_row *row = row_find((uint32_t)dtype);
    assert(row != NULL && n % row->n_block == 0);
    return n / row->n_block * row->block_size;
}
