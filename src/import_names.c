/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_names.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void cf_import_names_release(struct cf_import_names *names)
{
    free(names->bytes);
    free(names->begins);
    free(names->table);
    *names = (struct cf_import_names){.n = 0};
}

void cf_import_names_clear(struct cf_import_names *names)
{
    names->size = names->n = 0;
    if (names->table != NULL) {
        memset(names->table, 0, names->table_size * sizeof *names->table);
    }
}

/* FNV-1a, begun elsewhere in every run, so that no file can be made whose names all collide. */
static uint64_t hash(const struct cf_import_names *names, const char *name, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325u ^ (uint64_t)(uintptr_t)names * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ (unsigned char)name[i]) * 0x100000001b3u;
    }
    return sum ^ sum >> 29;
}

static size_t name_size(const struct cf_import_names *names, uint32_t number)
{
    const size_t end = number + 1 < names->n ? names->begins[number + 1] : names->size;
    return end - names->begins[number] - 1;
}

/* The place of the name in the table, or the free one where it belongs. */
static size_t place_of(const struct cf_import_names *names, const char *name, size_t size)
{
    size_t at = (size_t)hash(names, name, size) & (names->table_size - 1);
    while (names->table[at] != 0) {
        const uint32_t number = names->table[at] - 1;
        if (name_size(names, number) == size &&
            memcmp(names->bytes + names->begins[number], name, size) == 0) {
            break;
        }
        at = (at + 1) & (names->table_size - 1);
    }
    return at;
}

static void grow_table(struct cf_import_names *names)
{
    free(names->table);
    names->table_size = names->table_size > 0 ? names->table_size * 2 : 64;
    names->table = cf_calloc(names->table_size, sizeof *names->table);
    for (uint32_t i = 0; i < names->n; i++) {
        names->table[place_of(names, names->bytes + names->begins[i], name_size(names, i))] = i + 1;
    }
}

uint32_t cf_import_names_add(struct cf_import_names *names, const char *name, size_t size)
{
    if ((names->n + 1) * 2 > names->table_size) {
        grow_table(names);
    }
    const size_t at = place_of(names, name, size);
    if (names->table[at] != 0) {
        return names->table[at] - 1;
    }
    names->begins =
        cf_grow(names->begins, names->n, &names->begins_capacity, 1, sizeof *names->begins);
    names->bytes = cf_grow(names->bytes, names->size, &names->capacity, size + 1, 1);
    names->begins[names->n] = names->size;
    memcpy(names->bytes + names->size, name, size);
    names->bytes[names->size + size] = '\0';
    names->size += size + 1;
    names->table[at] = (uint32_t)++names->n;
    return (uint32_t)names->n - 1;
}
