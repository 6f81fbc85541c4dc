/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { PENDING_MAX = 64 * 1024 };

void cf_out_init(struct cf_out *out, int fd)
{
    *out = (struct cf_out){.fd = fd, .is_terminal = isatty(fd) == 1, .pending = CF_BUF_INIT};
}

void cf_out_flush(struct cf_out *out)
{
    size_t done = 0;
    while (done < out->pending.size && out->error == 0 && !out->is_closed) {
        ssize_t n = write(out->fd, out->pending.data + done, out->pending.size - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EPIPE) {
            out->is_closed = true;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* Somebody shares the pipe and has made it non-blocking. */
            struct pollfd pollfd = {.fd = out->fd, .events = POLLOUT};
            (void)poll(&pollfd, 1, -1);
        } else if (errno != EINTR) {
            out->error = errno;
        }
    }
    cf_buf_clear(&out->pending);
}

static void flush_when_large(struct cf_out *out)
{
    if (out->pending.size >= PENDING_MAX) {
        cf_out_flush(out);
    }
}

enum cf_code cf_out_finish(struct cf_out *out, struct cf_err *err)
{
    cf_out_end_text(out);
    cf_out_flush(out);
    cf_buf_release(&out->pending);
    if (out->error != 0) {
        return cf_err_set_errno(err, out->error, "cannot write the output");
    }
    return CF_OK;
}

void cf_out_addf(struct cf_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cf_buf_addv(&out->pending, format, args);
    va_end(args);
    flush_when_large(out);
}

void cf_out_add(struct cf_out *out, const void *bytes, size_t size)
{
    cf_buf_add(&out->pending, bytes, size);
    flush_when_large(out);
}

void cf_out_add_text(struct cf_out *out, const char *text, size_t size)
{
    if (out->is_terminal) {
        cf_text_safe_add(&out->safe, &out->pending, text, size);
    } else {
        cf_buf_add(&out->pending, text, size);
    }
    flush_when_large(out);
}

void cf_out_end_text(struct cf_out *out)
{
    if (out->is_terminal) {
        cf_text_safe_finish(&out->safe, &out->pending);
    }
}

void cf_out_add_piece(struct cf_out *out, const char *piece, size_t size)
{
    struct cf_buf escaped = CF_BUF_INIT;
    struct cf_buf safe = CF_BUF_INIT;
    for (size_t i = 0; i < size; i++) {
        switch (piece[i]) {
        case '\n':
            cf_buf_add_str(&escaped, "\\n");
            break;
        case '\t':
            cf_buf_add_str(&escaped, "\\t");
            break;
        case '\\':
            cf_buf_add_str(&escaped, "\\\\");
            break;
        default:
            cf_buf_add_char(&escaped, piece[i]);
            break;
        }
    }
    cf_text_make_safe(&safe, escaped.data, escaped.size);
    cf_out_add(out, safe.data, safe.size);
    cf_buf_release(&escaped);
    cf_buf_release(&safe);
}
