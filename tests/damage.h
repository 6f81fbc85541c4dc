/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files written whole, and databases with a page that was destroyed. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared.h"

static inline void write_file(const char *path, const char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

enum { PAGE = 4096 }; /* of the database */

/* Overwrites the pages of a database that hold the text; pages given back may be among them. */
static inline void damage_pages_of(const char *path, const char *text, bool is_end_kept)
{
    size_t size;
    char *bytes = test_read_file(path, &size);
    char *found = memmem(bytes, size, text, strlen(text));
    assert_non_null(found);
    while (found != NULL) {
        const size_t page = (size_t)(found - bytes) / PAGE * PAGE;
        assert_true(page > 0);
        memset(bytes + page, 0xA5, is_end_kept ? 64 : PAGE);
        found = memmem(bytes + page + PAGE, size - page - PAGE, text, strlen(text));
    }
    write_file(path, bytes, size);
    free(bytes);
}

#endif
