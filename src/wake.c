/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#ifdef HAVE_SYS_EVENTFD_H
#include <sys/eventfd.h>
#endif

static enum cf_code open_pipe(struct cf_wake *wake, struct cf_err *err)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
        return cf_err_set_errno(err, errno, "cannot make a pipe between threads");
    }
    wake->read_fd = ends[0];
    wake->write_fd = ends[1];
    return CF_OK;
}

enum cf_code cf_wake_open(struct cf_wake *wake, struct cf_err *err)
{
#ifdef HAVE_SYS_EVENTFD_H
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd >= 0) {
        wake->read_fd = fd;
        wake->write_fd = fd;
        return CF_OK;
    }
#endif
    return open_pipe(wake, err);
}

void cf_wake_close(struct cf_wake *wake)
{
    if (wake->write_fd >= 0 && wake->write_fd != wake->read_fd) {
        (void)close(wake->write_fd);
    }
    if (wake->read_fd >= 0) {
        (void)close(wake->read_fd);
    }
    *wake = CF_WAKE_INIT;
}

int cf_wake_fd(const struct cf_wake *wake)
{
    return wake->read_fd;
}

void cf_wake_signal(const struct cf_wake *wake)
{
    int kept = errno;
    /* Eight bytes are one count of an eventfd; a full pipe is readable already. */
    const uint64_t one = 1;
    ssize_t written;
    do {
        written = write(wake->write_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    errno = kept;
}

bool cf_wake_clear(const struct cf_wake *wake)
{
    bool was_signalled = false;
    for (;;) {
        uint64_t counts[64];
        /* An eventfd gives its count in one read and is empty then. */
        size_t room = wake->read_fd == wake->write_fd ? sizeof counts[0] : sizeof counts;
        ssize_t n = read(wake->read_fd, counts, room);
        if (n > 0) {
            was_signalled = true;
        } else if (n == 0 || errno != EINTR) {
            return was_signalled;
        }
    }
}
