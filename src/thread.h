/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thread: starts threads that leave the signals to the front.
 *
 * All signals are blocked in them but those of a crash of their own (SIGSEGV, SIGBUS, SIGILL,
 * SIGFPE, SIGABRT): blocked, these would end the process without the handler that restores the
 * terminal and names the file that changed while it was mapped. */
#ifndef CF_THREAD_H
#define CF_THREAD_H

#include "base.h"

#include <pthread.h>
#include <signal.h>

/* 0 or an errno, as pthread_create. */
int cf_thread_start(pthread_t *thread, void *(*run)(void *), void *ctx) CF_MUST_USE;

/* Fills SET with the signals that are blocked. */
void cf_thread_signals(sigset_t *set);

#endif
