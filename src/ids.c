/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ids.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void cf_ids_reserve(struct cf_ids *ids, size_t extra)
{
    size_t needed = ids->n + extra;
    if (needed <= ids->capacity) {
        return;
    }
    size_t capacity = ids->capacity + ids->capacity / 2;
    if (capacity < needed) {
        capacity = needed < 16 ? 16 : needed;
    }
    ids->data = cf_realloc_array(ids->data, capacity, sizeof *ids->data);
    ids->capacity = capacity;
}

void cf_ids_add(struct cf_ids *ids, int32_t id)
{
    cf_ids_reserve(ids, 1);
    ids->data[ids->n++] = id;
}

void cf_ids_add_all(struct cf_ids *ids, const int32_t *more, size_t n)
{
    if (n == 0) {
        return;
    }
    cf_ids_reserve(ids, n);
    memcpy(ids->data + ids->n, more, n * sizeof *more);
    ids->n += n;
}

void cf_ids_truncate(struct cf_ids *ids, size_t n)
{
    assert(n <= ids->n);
    ids->n = n;
}

size_t cf_ids_common_prefix(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
    size_t n = n_a < n_b ? n_a : n_b;
    size_t same = 0;
    while (same < n && a[same] == b[same]) {
        same++;
    }
    return same;
}

void cf_ids_release(struct cf_ids *ids)
{
    free(ids->data);
    *ids = (struct cf_ids){0};
}
