/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quantize_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "gguf.h"
#include "mem.h"

enum {
    ALIGNMENT = 32, /* the format's default */
    BUFFER_SIZE = 1 << 20,
};

struct cf_gguf_writer {
    char *path;
    char *temporary; /* the name until then */
    bool may_replace;
    int file; /* -1: closed */
    struct cf_buf metadata;
    uint64_t n_keys;
    struct cf_buf tensors;
    uint64_t n_tensors;
    uint64_t data_size; /* of all tensors, padding included */
    uint64_t done;
    struct cf_buf pending; /* bytes not yet given to the system */
};

static void add_bytes(struct cf_buf *buf, const void *bytes, size_t size)
{
    cf_buf_add(buf, bytes, size); /* the machine is little-endian, as the file is */
}

static void add_u32(struct cf_buf *buf, uint32_t value)
{
    add_bytes(buf, &value, sizeof value);
}

static void add_u64(struct cf_buf *buf, uint64_t value)
{
    add_bytes(buf, &value, sizeof value);
}

static void add_string(struct cf_buf *buf, const void *bytes, size_t size)
{
    add_u64(buf, size);
    add_bytes(buf, bytes, size);
}

enum cf_code cf_gguf_writer_open(struct cf_gguf_writer **writer, const char *path, bool may_replace,
                                 struct cf_err *err)
{
    if (!may_replace && access(path, F_OK) == 0) {
        return cf_err_set(err, CF_ERR_EXISTS, "%s: exists already", path);
    }
    /* Not mkstemp: the file shall have the permissions that any new file gets. */
    struct cf_buf temporary = CF_BUF_INIT;
    cf_buf_addf(&temporary, "%s.%ld.part", path, (long)getpid());
    int file = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        enum cf_code code = cf_err_set_errno(err, errno, "%s: cannot be made", temporary.data);
        cf_buf_release(&temporary);
        return code;
    }
    *writer = cf_calloc(1, sizeof **writer);
    (*writer)->path = cf_strdup(path);
    (*writer)->temporary = cf_buf_take(&temporary);
    (*writer)->may_replace = may_replace;
    (*writer)->file = file;
    cf_buf_init(&(*writer)->metadata);
    cf_buf_init(&(*writer)->tensors);
    cf_buf_init(&(*writer)->pending);
    return CF_OK;
}

void cf_gguf_writer_free(struct cf_gguf_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->file >= 0) {
        (void)close(writer->file);
        (void)unlink(writer->temporary);
    }
    free(writer->path);
    free(writer->temporary);
    cf_buf_release(&writer->metadata);
    cf_buf_release(&writer->tensors);
    cf_buf_release(&writer->pending);
    free(writer);
}

/* ---- metadata ---- */

static void add_key(struct cf_gguf_writer *writer, const char *key, enum cf_gguf_type type)
{
    add_string(&writer->metadata, key, strlen(key));
    add_u32(&writer->metadata, type);
    writer->n_keys++;
}

void cf_gguf_writer_string(struct cf_gguf_writer *writer, const char *key, const void *bytes,
                           size_t size)
{
    add_key(writer, key, CF_GGUF_STRING);
    add_string(&writer->metadata, bytes, size);
}

void cf_gguf_writer_u32(struct cf_gguf_writer *writer, const char *key, uint32_t value)
{
    add_key(writer, key, CF_GGUF_U32);
    add_u32(&writer->metadata, value);
}

void cf_gguf_writer_f32(struct cf_gguf_writer *writer, const char *key, float value)
{
    add_key(writer, key, CF_GGUF_F32);
    add_bytes(&writer->metadata, &value, sizeof value);
}

void cf_gguf_writer_bool(struct cf_gguf_writer *writer, const char *key, bool value)
{
    add_key(writer, key, CF_GGUF_BOOL);
    cf_buf_add_char(&writer->metadata, value ? 1 : 0);
}

static void add_array(struct cf_gguf_writer *writer, const char *key, enum cf_gguf_type type,
                      uint64_t n)
{
    add_key(writer, key, CF_GGUF_ARRAY);
    add_u32(&writer->metadata, type);
    add_u64(&writer->metadata, n);
}

void cf_gguf_writer_strings(struct cf_gguf_writer *writer, const char *key, uint64_t n)
{
    add_array(writer, key, CF_GGUF_STRING, n);
}

void cf_gguf_writer_i32s(struct cf_gguf_writer *writer, const char *key, uint64_t n)
{
    add_array(writer, key, CF_GGUF_I32, n);
}

void cf_gguf_writer_next_string(struct cf_gguf_writer *writer, const void *bytes, size_t size)
{
    add_string(&writer->metadata, bytes, size);
}

void cf_gguf_writer_next_i32(struct cf_gguf_writer *writer, int32_t value)
{
    add_bytes(&writer->metadata, &value, sizeof value);
}

/* ---- tensors ---- */

static uint64_t padding(uint64_t size)
{
    return (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;
}

void cf_gguf_writer_tensor(struct cf_gguf_writer *writer, const char *name, enum cf_dtype dtype,
                           int64_t n, int64_t n_rows)
{
    add_string(&writer->tensors, name, strlen(name));
    add_u32(&writer->tensors, n_rows > 0 ? 2 : 1);
    add_u64(&writer->tensors, (uint64_t)n);
    if (n_rows > 0) {
        add_u64(&writer->tensors, (uint64_t)n_rows);
    }
    add_u32(&writer->tensors, dtype);
    add_u64(&writer->tensors, writer->data_size);
    writer->n_tensors++;
    uint64_t size =
        (uint64_t)cf_dtype_row_size(dtype, (size_t)n) * (n_rows > 0 ? (uint64_t)n_rows : 1);
    writer->data_size += size + padding(size);
}

/* Magic, version and the two counts. */
enum { HEAD_SIZE = 4 + 4 + 8 + 8 };

static uint64_t data_start(const struct cf_gguf_writer *writer)
{
    uint64_t size = HEAD_SIZE + writer->metadata.size + writer->tensors.size;
    return size + padding(size);
}

uint64_t cf_gguf_writer_total(const struct cf_gguf_writer *writer)
{
    return data_start(writer) + writer->data_size;
}

uint64_t cf_gguf_writer_done(const struct cf_gguf_writer *writer)
{
    return writer->done;
}

static enum cf_code flush(struct cf_gguf_writer *writer, struct cf_err *err)
{
    const char *bytes = writer->pending.data;
    size_t n_left = writer->pending.size;
    while (n_left > 0) {
        ssize_t n = write(writer->file, bytes, n_left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cf_err_set_errno(err, errno, "%s: cannot be written", writer->path);
        }
        bytes += n;
        n_left -= (size_t)n;
    }
    cf_buf_clear(&writer->pending);
    return CF_OK;
}

enum cf_code cf_gguf_writer_data(struct cf_gguf_writer *writer, const void *bytes, size_t size,
                                 struct cf_err *err)
{
    add_bytes(&writer->pending, bytes, size);
    writer->done += size;
    return writer->pending.size >= BUFFER_SIZE ? flush(writer, err) : CF_OK;
}

enum cf_code cf_gguf_writer_end_tensor(struct cf_gguf_writer *writer, struct cf_err *err)
{
    static const char zeros[ALIGNMENT];
    return cf_gguf_writer_data(writer, zeros, padding(writer->done), err);
}

enum cf_code cf_gguf_writer_begin_data(struct cf_gguf_writer *writer, struct cf_err *err)
{
    struct cf_buf head = CF_BUF_INIT;
    add_bytes(&head, "GGUF", 4);
    add_u32(&head, 3);
    add_u64(&head, writer->n_tensors);
    add_u64(&head, writer->n_keys);
    const struct cf_buf *const parts[] = {&head, &writer->metadata, &writer->tensors};
    enum cf_code code = CF_OK;
    for (size_t i = 0; i < CF_ARRAY_SIZE(parts) && code == CF_OK; i++) {
        code = cf_gguf_writer_data(writer, parts[i]->data, parts[i]->size, err);
    }
    cf_buf_release(&head);
    return code == CF_OK ? cf_gguf_writer_end_tensor(writer, err) : code;
}

/* ---- the end ---- */

/* Gives the file its name only where none is: by a link, and where there are no links after a
 * look. */
static int place_new(const struct cf_gguf_writer *writer)
{
    if (link(writer->temporary, writer->path) == 0) {
        return unlink(writer->temporary);
    }
    if (errno == EEXIST) {
        return -1;
    }
    if (access(writer->path, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(writer->temporary, writer->path);
}

/* Makes the new name last; what has no folder to sync is left to the system. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? cf_memdup_str(path, (size_t)(slash - path) + 1) : cf_strdup(".");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        (void)close(file);
    }
    free(folder);
}

enum cf_code cf_gguf_writer_commit(struct cf_gguf_writer *writer, struct cf_err *err)
{
    assert(writer->done == cf_gguf_writer_total(writer));
    enum cf_code code = flush(writer, err);
    if (code != CF_OK) {
        return code;
    }
    if (fsync(writer->file) != 0) {
        return cf_err_set_errno(err, errno, "%s: cannot be written", writer->path);
    }
    int closed = close(writer->file);
    writer->file = -1;
    int placed = closed != 0           ? -1
                 : writer->may_replace ? rename(writer->temporary, writer->path)
                                       : place_new(writer);
    if (placed != 0) {
        int reason = errno;
        (void)unlink(writer->temporary);
        return cf_err_set_errno(err, reason, "%s: cannot be written", writer->path);
    }
    sync_folder(writer->path);
    return CF_OK;
}
