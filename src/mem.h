/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mem: allocation that never returns NULL, and an arena.
 *
 * A process that has run out of memory can do nothing useful with the news, so these functions end
 * it: the handler set by cf_mem_on_exhausted runs first (main uses it to restore the terminal),
 * then a sentence goes to standard error and the process aborts.  Sizes that come from a file must
 * be checked against what the file can hold before they reach these functions. */
#ifndef CF_MEM_H
#define CF_MEM_H

#include "base.h"

void *cf_malloc(size_t size) CF_MUST_USE;
/* Zeroed room for n objects of size bytes; the product is checked for overflow. */
void *cf_calloc(size_t n, size_t size) CF_MUST_USE;
/* Resizes memory to n objects of size bytes; the product is checked for overflow. */
void *cf_realloc_array(void *memory, size_t n, size_t size) CF_MUST_USE;
/* ITEMS with room for EXTRA more than the n there are, of size bytes each; *capacity at least
 * doubles when it must grow. */
void *cf_grow(void *items, size_t n, size_t *capacity, size_t extra, size_t size) CF_MUST_USE;
char *cf_strdup(const char *text) CF_MUST_USE;
/* A copy of SIZE bytes with a NUL behind it. */
char *cf_memdup_str(const char *bytes, size_t size) CF_MUST_USE;
/* Room aligned to 64 bytes (a cache line, an AVX-512 register); freed by free(). */
void *cf_aligned_alloc(size_t size) CF_MUST_USE;

/* HANDLER runs once before the process ends for want of memory; it must not allocate. */
void cf_mem_on_exhausted(void (*handler)(void));

/* An arena: pieces that are all released together.  Zero-initialised is empty. */
struct cf_arena {
    struct cf_arena_block *blocks;
};

/* Room for SIZE bytes, aligned for any object, zeroed, valid until cf_arena_release. */
void *cf_arena_alloc(struct cf_arena *arena, size_t size) CF_MUST_USE;
char *cf_arena_strdup(struct cf_arena *arena, const char *text) CF_MUST_USE;
void cf_arena_release(struct cf_arena *arena);

#endif
