/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

/* What a signal handler may look at.  A slot is free while begin is 0, being filled while it is 1;
 * size and path are set before begin and cleared after it. */
static struct slot {
    atomic_uintptr_t begin;
    atomic_size_t size;
    _Atomic(const char *) path;
} slots[64];

static void slot_take(const struct cf_mapping *mapping)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(slots); i++) {
        uintptr_t unused = 0;
        if (atomic_compare_exchange_strong(&slots[i].begin, &unused, 1)) {
            atomic_store(&slots[i].size, mapping->size);
            atomic_store(&slots[i].path, mapping->path);
            atomic_store(&slots[i].begin, (uintptr_t)mapping->data);
            return;
        }
    }
}

static void slot_give(const struct cf_mapping *mapping)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(slots); i++) {
        uintptr_t begin = (uintptr_t)mapping->data;
        if (atomic_compare_exchange_strong(&slots[i].begin, &begin, 1)) {
            atomic_store(&slots[i].path, NULL);
            atomic_store(&slots[i].begin, 0);
            return;
        }
    }
}

const char *cf_mapping_find(const void *address)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(slots); i++) {
        uintptr_t begin = atomic_load(&slots[i].begin);
        if (begin > 1 && (uintptr_t)address >= begin &&
            (uintptr_t)address - begin < atomic_load(&slots[i].size)) {
            return atomic_load(&slots[i].path);
        }
    }
    return NULL;
}

static enum cf_code map_file(struct cf_mapping *mapping, int fd, const char *path,
                             struct cf_err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: not a regular file", path);
    }
    if ((uintmax_t)status.st_size > SIZE_MAX / 2) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "%s: too large to map", path);
    }
    size_t size = (size_t)status.st_size;
    const unsigned char *data = NULL;
    if (size > 0) {
        void *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory == MAP_FAILED) {
            return cf_err_set_errno(err, errno, "%s", path);
        }
        data = memory;
    }
    *mapping = (struct cf_mapping){.data = data, .size = size, .path = cf_strdup(path)};
    return CF_OK;
}

enum cf_code cf_mapping_open(struct cf_mapping *mapping, const char *path, struct cf_err *err)
{
    /* O_NONBLOCK, so that a named pipe is refused and not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    enum cf_code code = map_file(mapping, fd, path, err);
    (void)close(fd);
    if (code == CF_OK && mapping->data != NULL) {
        slot_take(mapping);
    }
    return code;
}

void cf_mapping_close(struct cf_mapping *mapping)
{
    if (mapping->data != NULL) {
        slot_give(mapping);
        /* munmap takes what mmap gave, which is not const. */
        (void)munmap((void *)(uintptr_t)mapping->data, mapping->size);
    }
    free(mapping->path);
    *mapping = (struct cf_mapping){0};
}

void cf_mapping_forget(const void *data, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)data + size) / page * page;
    if (begin < end && cf_mapping_find(data) != NULL) {
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
}
