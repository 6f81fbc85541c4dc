/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for tests: those of the source tree, and those of ../shared, which need not be there. */
#ifndef SHARED_H
#define SHARED_H

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* The path of a file of the shared folder ($CONFAB_SHARED, else ../shared beside the source tree);
 * false, with a note, when it is not there: the test is then skipped. */
static inline bool test_shared_path(char *path, size_t size, const char *name)
{
    const char *folder = getenv("CONFAB_SHARED");
    int n = folder != NULL ? snprintf(path, size, "%s/%s", folder, name)
                           : snprintf(path, size, "%s/../shared/%s", TEST_SRCDIR, name);
    if (n > 0 && (size_t)n < size && access(path, R_OK) == 0) {
        return true;
    }
    print_message("# %s is not there\n", name);
    return false;
}

/* The whole of a file, with a NUL behind it; the caller frees it. */
static inline char *test_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be read", path);
    }
    char *bytes = NULL;
    size_t n = 0;
    for (size_t room = 1 << 16;; room *= 2) {
        bytes = realloc(bytes, room + 1);
        assert_non_null(bytes);
        n += fread(bytes + n, 1, room - n, file);
        if (n < room) {
            break;
        }
    }
    assert_int_equal(ferror(file), 0);
    assert_int_equal(fclose(file), 0);
    bytes[n] = '\0';
    *size = n;
    return bytes;
}

/* Gives FN the bytes of each file of a fuzzing corpus in tests/fuzz/corpus; returns how many. */
static inline int test_replay_corpus(const char *name,
                                     void (*fn)(const uint8_t *bytes, size_t size))
{
    char folder[1024];
    (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", TEST_SRCDIR, name);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int n_files = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[1280];
        size_t size = 0;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *bytes = test_read_file(path, &size);
        fn((const uint8_t *)bytes, size);
        free(bytes);
        n_files++;
    }
    (void)closedir(dir);
    return n_files;
}

#endif
