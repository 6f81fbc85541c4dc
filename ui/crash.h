/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crash: what happens when the program dies by a signal: the terminal is restored, a sentence is
 * written, then the signal's default action follows (a core dump, an exit status that tells).
 * Everything that runs in a handler was prepared before: tcsetattr and write are all it calls. */
#ifndef UI_CRASH_H
#define UI_CRASH_H

#include "base.h"

#include <termios.h>

/* Handlers of SEGV, BUS, ABRT, ILL and FPE, on an alternate stack in the calling thread.  Also
 * useful without a screen: a SIGBUS in a file mapped by src/mapping says that it changed while in
 * use.  Doing it again is harmless. */
void ui_crash_install(void);

/* From now on a crash also restores FD to MODES and writes BYTES there (copied, at most 1024). */
void ui_crash_set_terminal(int fd, const struct termios *modes, const char *bytes, size_t size);
void ui_crash_clear_terminal(void);
/* Restores the terminal now; safe in a signal handler and when memory is exhausted. */
void ui_crash_restore(void);

#endif
