/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wake: a descriptor that becomes readable when another thread has something to say.
 *
 * An eventfd, or a pipe where there is none.  Any number of signals before the next clear count as
 * one.  Whoever waits clears first and looks for news afterwards, so that none is missed. */
#ifndef CF_WAKE_H
#define CF_WAKE_H

#include "err.h"

struct cf_wake {
    int read_fd;
    int write_fd; /* the same as read_fd for an eventfd */
};
#define CF_WAKE_INIT ((struct cf_wake){.read_fd = -1, .write_fd = -1})

/* Both ends are non-blocking and closed on exec. */
enum cf_code cf_wake_open(struct cf_wake *wake, struct cf_err *err);
/* The wake is CF_WAKE_INIT afterwards; closing that again does nothing. */
void cf_wake_close(struct cf_wake *wake);

/* To be polled for reading. */
int cf_wake_fd(const struct cf_wake *wake);
/* Makes the descriptor readable.  Any thread, also a signal handler; never blocks; keeps errno. */
void cf_wake_signal(const struct cf_wake *wake);
/* Makes it unreadable again and tells whether there was a signal.  Never blocks. */
bool cf_wake_clear(const struct cf_wake *wake);

#endif
