/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_names: names (uuids, ids of nodes) as small numbers, 0, 1, 2, ... in the order in which
 * they were first seen.  Zero-initialised is empty. */
#ifndef CF_IMPORT_NAMES_H
#define CF_IMPORT_NAMES_H

#include "base.h"

struct cf_import_names {
    char *bytes; /* all names, a NUL behind each */
    size_t size, capacity;
    size_t *begins; /* [n] */
    size_t n, begins_capacity;
    uint32_t *table; /* [table_size], a power of two: number + 1, 0 is free */
    size_t table_size;
};

void cf_import_names_release(struct cf_import_names *names);
/* Forgets the names and keeps the room. */
void cf_import_names_clear(struct cf_import_names *names);
/* The number of NAME, which is a new one when it was not seen before: then equal to n before. */
uint32_t cf_import_names_add(struct cf_import_names *names, const char *name, size_t size);

#endif
