/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

char cf_buf_empty[1];

void cf_buf_assert_sane(const struct cf_buf *buf)
{
    assert(buf->data != NULL);
    assert(buf->capacity == 0 || buf->size < buf->capacity);
    assert(buf->capacity != 0 || (buf->data == cf_buf_empty && buf->size == 0));
    assert(buf->data[buf->size] == '\0');
}

void cf_buf_init(struct cf_buf *buf)
{
    *buf = CF_BUF_INIT;
}

void cf_buf_release(struct cf_buf *buf)
{
    if (buf->capacity > 0) {
        free(buf->data);
    }
    cf_buf_init(buf);
}

void cf_buf_clear(struct cf_buf *buf)
{
    cf_buf_truncate(buf, 0);
}

void cf_buf_reserve(struct cf_buf *buf, size_t extra)
{
    size_t needed = extra < SIZE_MAX / 2 - buf->size ? buf->size + extra + 1 : SIZE_MAX;
    if (needed <= buf->capacity) {
        return;
    }
    size_t capacity = buf->capacity + buf->capacity / 2;
    if (capacity < needed) {
        capacity = needed < 32 ? 32 : needed;
    }
    buf->data = cf_realloc_array(buf->capacity > 0 ? buf->data : NULL, capacity, 1);
    buf->capacity = capacity;
    buf->data[buf->size] = '\0';
}

void cf_buf_truncate(struct cf_buf *buf, size_t size)
{
    assert(size <= buf->size);
    buf->size = size;
    if (buf->capacity > 0) {
        buf->data[size] = '\0';
    }
}

void cf_buf_consume(struct cf_buf *buf, size_t size)
{
    assert(size <= buf->size);
    if (size > 0) {
        memmove(buf->data, buf->data + size, buf->size - size);
        cf_buf_truncate(buf, buf->size - size);
    }
}

void cf_buf_add(struct cf_buf *buf, const void *bytes, size_t size)
{
    if (size == 0) {
        return;
    }
    cf_buf_reserve(buf, size);
    memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void cf_buf_add_str(struct cf_buf *buf, const char *text)
{
    cf_buf_add(buf, text, strlen(text));
}

void cf_buf_add_char(struct cf_buf *buf, char byte)
{
    cf_buf_add(buf, &byte, 1);
}

void cf_buf_add_paragraph(struct cf_buf *buf, const char *text, size_t size)
{
    if (size > 0) {
        cf_buf_add_str(buf, buf->size > 0 ? "\n\n" : "");
        cf_buf_add(buf, text, size);
    }
}

void cf_buf_addf(struct cf_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cf_buf_addv(buf, format, args);
    va_end(args);
}

void cf_buf_addv(struct cf_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size > 0) {
        cf_buf_reserve(buf, (size_t)size);
        (void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
        buf->size += (size_t)size;
    }
    va_end(again);
}

char *cf_buf_take(struct cf_buf *buf)
{
    char *bytes = buf->capacity > 0 ? buf->data : cf_strdup("");
    cf_buf_init(buf);
    return bytes;
}
