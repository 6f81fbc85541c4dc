/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ids: a growable array of token ids.  Zero-initialised is empty. */
#ifndef CF_IDS_H
#define CF_IDS_H

#include "base.h"

struct cf_ids {
    int32_t *data; /* NULL when nothing is allocated */
    size_t n;
    size_t capacity;
};

/* Makes room for EXTRA more ids, so that adding them allocates nothing. */
void cf_ids_reserve(struct cf_ids *ids, size_t extra);
void cf_ids_add(struct cf_ids *ids, int32_t id);
void cf_ids_add_all(struct cf_ids *ids, const int32_t *more, size_t n);
/* Cuts to the first N ids; N is at most ids->n.  Keeps the room. */
void cf_ids_truncate(struct cf_ids *ids, size_t n);
/* The number of ids at which A and B first differ, or the shorter length. */
size_t cf_ids_common_prefix(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b);
/* Frees the ids; the array is then empty and may be used again. */
void cf_ids_release(struct cf_ids *ids);

#endif
