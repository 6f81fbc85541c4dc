/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BLOCK_SIZE = 16 * 1024 - 64 };

struct cf_arena_block {
    struct cf_arena_block *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) unsigned char data[];
};

static _Atomic(void (*)(void)) exhausted_handler;

void cf_mem_on_exhausted(void (*handler)(void))
{
    atomic_store(&exhausted_handler, handler);
}

static CF_NORETURN void exhausted(void)
{
    void (*handler)(void) = atomic_exchange(&exhausted_handler, NULL);
    if (handler != NULL) {
        handler();
    }
    static const char sentence[] = "confab: out of memory\n";
    ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written;
    abort();
}

void *cf_malloc(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) {
        exhausted();
    }
    return memory;
}

void *cf_calloc(size_t n, size_t size)
{
    void *memory = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);
    if (memory == NULL) {
        exhausted();
    }
    return memory;
}

void *cf_realloc_array(void *memory, size_t n, size_t size)
{
    void *grown = n > 0 && size > 0 ? reallocarray(memory, n, size) : realloc(memory, 1);
    if (grown == NULL) {
        exhausted();
    }
    return grown;
}

void *cf_grow(void *items, size_t n, size_t *capacity, size_t extra, size_t size)
{
    enum { LEAST = 8 };
    if (*capacity - n >= extra) {
        return items;
    }
    size_t wanted = n + extra > *capacity * 2 ? n + extra : *capacity * 2;
    *capacity = wanted < LEAST ? LEAST : wanted;
    return cf_realloc_array(items, *capacity, size);
}

char *cf_strdup(const char *text)
{
    return cf_memdup_str(text, strlen(text));
}

char *cf_memdup_str(const char *bytes, size_t size)
{
    if (size == SIZE_MAX) {
        exhausted();
    }
    char *copy = cf_malloc(size + 1);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\0';
    return copy;
}

void *cf_aligned_alloc(size_t size)
{
    if (size > SIZE_MAX - 64) {
        exhausted();
    }
    size_t rounded = size > 0 ? (size + 63) / 64 * 64 : 64;
    void *memory = aligned_alloc(64, rounded);
    if (memory == NULL) {
        exhausted();
    }
    return memory;
}

void *cf_arena_alloc(struct cf_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        exhausted();
    }
    size = (size + align - 1) / align * align;
    struct cf_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE;
        block = cf_calloc(1, sizeof *block + room);
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

char *cf_arena_strdup(struct cf_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = cf_arena_alloc(arena, size);
    memcpy(copy, text, size);
    return copy;
}

void cf_arena_release(struct cf_arena *arena)
{
    struct cf_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct cf_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
}
