/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf: growable bytes, always followed by a NUL that is not counted.
 *
 * Invariants (cf_buf_assert_sane):
 *  1. data is never NULL and data[size] is '\0';
 *  2. capacity is 0 (data is a shared constant, nothing allocated) or greater than size.
 * The bytes may hold NULs of their own. */
#ifndef CF_BUF_H
#define CF_BUF_H

#include <stdarg.h>

#include "base.h"

struct cf_buf {
    char *data;
    size_t size;     /* bytes in use, the NUL behind them not counted */
    size_t capacity; /* bytes allocated */
};

extern char cf_buf_empty[];
#define CF_BUF_INIT ((struct cf_buf){.data = cf_buf_empty, .size = 0, .capacity = 0})

void cf_buf_init(struct cf_buf *buf);
/* Frees the bytes; the buffer is then empty and may be used again. */
void cf_buf_release(struct cf_buf *buf);
/* Empties the buffer and keeps its room. */
void cf_buf_clear(struct cf_buf *buf);
/* Makes room for EXTRA more bytes, so that adding them allocates nothing. */
void cf_buf_reserve(struct cf_buf *buf, size_t extra);
/* Cuts the buffer to its first SIZE bytes; SIZE is at most buf->size. */
void cf_buf_truncate(struct cf_buf *buf, size_t size);
/* Removes the first SIZE bytes; SIZE is at most buf->size. */
void cf_buf_consume(struct cf_buf *buf, size_t size);

/* BYTES must not lie inside the buffer. */
void cf_buf_add(struct cf_buf *buf, const void *bytes, size_t size);
void cf_buf_add_str(struct cf_buf *buf, const char *text);
void cf_buf_add_char(struct cf_buf *buf, char byte);
/* Behind an empty line, if something stands before; nothing when SIZE is 0. */
void cf_buf_add_paragraph(struct cf_buf *buf, const char *text, size_t size);
void cf_buf_addf(struct cf_buf *buf, const char *format, ...) CF_PRINTF(2, 3);
void cf_buf_addv(struct cf_buf *buf, const char *format, va_list args) CF_PRINTF(2, 0);

/* Hands the bytes to the caller, who frees them; the buffer is then empty. */
char *cf_buf_take(struct cf_buf *buf) CF_MUST_USE;

void cf_buf_assert_sane(const struct cf_buf *buf);

#endif
