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

/* ---- A file as a whole ---- */

static void release(struct cf_path_file *file)
{
    free(file->target);
    free(file->temporary);
    *file = (struct cf_path_file){.fd = -1};
}

static enum cf_code open_temporary(struct cf_path_file *file, mode_t mode, struct cf_err *err)
{
    struct cf_buf name = CF_BUF_INIT;
    cf_buf_addf(&name, "%s.XXXXXX", file->target);
    file->temporary = cf_buf_take(&name);
    file->fd = mkstemp(file->temporary);
    if (file->fd < 0) {
        return cf_err_set_errno(err, errno, "cannot write beside %s", file->target);
    }
    if (fchmod(file->fd, mode) != 0) {
        const int reason = errno;
        (void)close(file->fd);
        (void)unlink(file->temporary);
        return cf_err_set_errno(err, reason, "cannot write %s", file->target);
    }
    return CF_OK;
}

enum cf_code cf_path_file_open(struct cf_path_file *file, const char *path, struct cf_err *err)
{
    char *resolved = realpath(path, NULL);
    if (resolved == NULL && errno != ENOENT) {
        return cf_err_set_errno(err, errno, "cannot write %s", path);
    }
    *file =
        (struct cf_path_file){.fd = -1, .target = resolved != NULL ? resolved : cf_strdup(path)};
    struct stat status;
    const bool is_there = stat(file->target, &status) == 0;
    enum cf_code code = CF_OK;
    if (!is_there || S_ISREG(status.st_mode)) {
        code = open_temporary(file, is_there ? status.st_mode & 07777 : 0600, err);
    } else {
        file->fd = open(file->target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (file->fd < 0) {
            code = cf_err_set_errno(err, errno, "cannot write %s", file->target);
        }
    }
    if (code != CF_OK) {
        release(file);
    }
    return code;
}

enum cf_code cf_path_file_add(struct cf_path_file *file, const void *bytes, size_t size,
                              struct cf_err *err)
{
    return write_all(file->fd, bytes, size)
               ? CF_OK
               : cf_err_set_errno(err, errno, "cannot write %s", file->target);
}

/* Gives the temporary file its name, if nothing has it. */
static bool name_new(const struct cf_path_file *file)
{
    if (link(file->temporary, file->target) == 0) {
        (void)unlink(file->temporary);
        return true;
    }
    /* File systems without hard links: not quite as sure, but there is nothing better. */
    return errno != EEXIST && access(file->target, F_OK) != 0 &&
           rename(file->temporary, file->target) == 0;
}

enum cf_code cf_path_file_commit(struct cf_path_file *file, bool is_replacing, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    const bool is_synced = file->temporary == NULL || fsync(file->fd) == 0;
    int reason = errno;
    bool is_done = close(file->fd) == 0 && is_synced;
    reason = is_done || !is_synced ? reason : errno;
    if (is_done && file->temporary != NULL) {
        is_done = is_replacing ? rename(file->temporary, file->target) == 0 : name_new(file);
        reason = errno;
    }
    if (!is_done) {
        if (file->temporary != NULL) {
            (void)unlink(file->temporary);
        }
        code = !is_replacing && access(file->target, F_OK) == 0
                   ? cf_err_set(err, CF_ERR_EXISTS, "%s exists already; choose another name",
                                file->target)
                   : cf_err_set_errno(err, reason, "cannot write %s", file->target);
    } else if (file->temporary != NULL) {
        sync_folder(file->target);
    }
    release(file);
    return code;
}

void cf_path_file_abandon(struct cf_path_file *file)
{
    (void)close(file->fd);
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    release(file);
}

enum cf_code cf_path_write_file(const char *path, const void *bytes, size_t size,
                                struct cf_err *err)
{
    struct cf_path_file file;
    enum cf_code code = cf_path_file_open(&file, path, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_path_file_add(&file, bytes, size, err);
    if (code != CF_OK) {
        cf_path_file_abandon(&file);
        return code;
    }
    return cf_path_file_commit(&file, true, err);
}
