/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pty_demo: the program that the tests of ui/term and ui/line drive. */
#ifndef PTY_DEMO_H
#define PTY_DEMO_H

/* Runs on standard input and output; returns the exit status. */
int pty_demo_main(void);

#endif
