/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

enum cf_code cf_path_read_file(struct cf_buf *bytes, const char *path, size_t max_size,
                               struct cf_err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return cf_err_set_errno(err, errno, "cannot open %s", path);
    }
    size_t before = bytes->size;
    enum cf_code code = CF_OK;
    for (;;) {
        enum { PIECE = 65536 };
        cf_buf_reserve(bytes, PIECE);
        ssize_t got = read(file, bytes->data + bytes->size, PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            code = cf_err_set_errno(err, errno, "cannot read %s", path);
            break;
        }
        if (got == 0) {
            break;
        }
        bytes->size += (size_t)got;
        if (bytes->size - before > max_size) {
            code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max_size);
            break;
        }
    }
    (void)close(file);
    if (bytes->capacity > 0) {
        cf_buf_truncate(bytes, code == CF_OK ? bytes->size : before);
    }
    return code;
}

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(file, bytes, size);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        }
    }
    return true;
}

/* Makes the new name last a power cut; a folder that can't be synced is no failure. */
static void sync_folder(const char *path)
{
    char *folder = cf_path_parent(path);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        (void)close(file);
    }
    free(folder);
}

/* Writes TEMPORARY, a template for mkstemp, and moves it to TARGET. */
static enum cf_code write_beside(char *temporary, const char *target, const void *bytes,
                                 size_t size, struct cf_err *err)
{
    struct stat status;
    mode_t mode = stat(target, &status) == 0 ? status.st_mode & 07777 : 0600;
    int file = mkstemp(temporary);
    if (file < 0) {
        return cf_err_set_errno(err, errno, "cannot write beside %s", target);
    }
    bool is_written = fchmod(file, mode) == 0 && write_all(file, bytes, size) && fsync(file) == 0;
    int reason = errno;
    if (close(file) != 0 && is_written) {
        is_written = false;
        reason = errno;
    }
    if (is_written && rename(temporary, target) != 0) {
        is_written = false;
        reason = errno;
    }
    if (!is_written) {
        (void)unlink(temporary);
        return cf_err_set_errno(err, reason, "cannot write %s", target);
    }
    sync_folder(target);
    return CF_OK;
}

enum cf_code cf_path_write_file(const char *path, const void *bytes, size_t size,
                                struct cf_err *err)
{
    char *resolved = realpath(path, NULL);
    if (resolved == NULL && errno != ENOENT) {
        return cf_err_set_errno(err, errno, "cannot write %s", path);
    }
    char *target = resolved != NULL ? resolved : cf_strdup(path);
    struct cf_buf temporary = CF_BUF_INIT;
    cf_buf_addf(&temporary, "%s.XXXXXX", target);
    enum cf_code code = write_beside(temporary.data, target, bytes, size, err);
    cf_buf_release(&temporary);
    free(target);
    return code;
}
