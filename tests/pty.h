/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pty: runs a program in a pseudo-terminal and looks at the screen it draws, as libvterm sees it.
 *
 * The program is a job of a tiny shell that the harness makes: it can be stopped by Ctrl-Z and
 * continued as with fg.  Waiting is always for something to be seen, never for time: a condition
 * that does not come within the deadline (20 s; PTY_DEADLINE_S in the environment) fails the test
 * and prints the screen.  So a test is as fast as the program and never flaky. */
#ifndef PTY_H
#define PTY_H

#include "test.h"

#include <sys/types.h>
#include <termios.h>

#include "buf.h"

struct pty;

struct pty_options {
    int width, height;      /* 0: 80 x 24 */
    const char *const *env; /* "NAME=VALUE" to set, "NAME" to unset; NULL ends it; may be NULL */
    const char *folder;     /* where it runs; NULL: here */
};

/* Starts ARGV; fails the test when that can't be done.  TERM is xterm-256color, unless the
 * environment in OPTIONS says otherwise. */
struct pty *pty_start(const char *const argv[], const struct pty_options *options);
/* Kills what is left and frees; NULL is allowed. */
void pty_end(struct pty *pty);
/* The pty being used, so that a test's teardown can end it after a failure. */
extern struct pty *pty_current;

/* -- Input ------------------------------------------------------------------------------------ */

void pty_type(struct pty *pty, const char *text);
void pty_send(struct pty *pty, const char *bytes, size_t size);
/* Lets MS milliseconds pass, drawing what comes; only for input that is about time. */
void pty_pause_ms(struct pty *pty, int ms);
/* Types FIRST and, after a pause, SECOND; returns how many milliseconds really lay between: more
 * than PAUSE_MS on a busy machine, and a test whose outcome hangs on that must begin again. */
int pty_type_split(struct pty *pty, const char *first, int pause_ms, const char *second);
void pty_resize(struct pty *pty, int width, int height);
/* Sends a signal to the program (not to the shell), if it has not ended. */
void pty_signal(struct pty *pty, int signal_number);
/* As the shell's fg. */
void pty_foreground(struct pty *pty);
/* The terminal is closed: the program gets SIGHUP and can read and write no more. */
void pty_hang_up(struct pty *pty);

/* -- Waiting ---------------------------------------------------------------------------------- */

typedef bool pty_condition(struct pty *pty, const void *ctx);
/* WHAT names the condition in the message of a failure. */
void pty_wait(struct pty *pty, pty_condition *condition, const void *ctx, const char *what);
void pty_wait_text(struct pty *pty, const char *text);
void pty_wait_no_text(struct pty *pty, const char *text);
/* Row Y, spaces at its end removed, is TEXT. */
void pty_wait_row(struct pty *pty, int y, const char *text);
void pty_wait_cursor(struct pty *pty, int x, int y);
/* The program has taken the terminal over: it draws on the alternate screen. */
void pty_wait_alternate(struct pty *pty);
/* Keys arrive as they are typed: the terminal does not collect lines. */
void pty_wait_raw(struct pty *pty);
void pty_wait_stopped(struct pty *pty);
/* Waits for the end and returns the wait status. */
int pty_wait_exit(struct pty *pty);
/* True once the program has ended or stopped, looked at without waiting. */
bool pty_has_ended(struct pty *pty);

/* -- Looking ---------------------------------------------------------------------------------- */

/* The screen: a line a row, spaces at the end removed.  A wide character stands once. */
void pty_screen(struct pty *pty, struct cf_buf *out);
void pty_row(struct pty *pty, int y, struct cf_buf *out);
bool pty_has_text(struct pty *pty, const char *text);
/* The column at which TEXT begins in row Y; -1: nowhere. */
int pty_column_of(struct pty *pty, int y, const char *text);
void pty_cursor(struct pty *pty, int *x, int *y);
bool pty_is_cursor_shown(struct pty *pty);
bool pty_is_alternate(struct pty *pty);
/* Whether the cell is drawn reversed, bold, or in a colour not the default. */
bool pty_is_styled(struct pty *pty, int x, int y);
/* Whether the program has ever written these bytes. */
bool pty_has_output(struct pty *pty, const char *bytes);
/* Where in all that it has written these bytes stand last; -1: nowhere. */
long pty_last_output(struct pty *pty, const char *bytes);
/* The number of bytes written so far. */
size_t pty_n_output(struct pty *pty);
/* The terminal's modes now, and before the program started. */
void pty_modes(struct pty *pty, struct termios *modes);
void pty_assert_modes_as_before(struct pty *pty);

#endif
