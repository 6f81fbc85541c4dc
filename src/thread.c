/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "thread.h"

void cf_thread_signals(sigset_t *set)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    (void)sigfillset(set);
    for (size_t i = 0; i < CF_ARRAY_SIZE(crashes); i++) {
        (void)sigdelset(set, crashes[i]);
    }
}

int cf_thread_start(pthread_t *thread, void *(*run)(void *), void *ctx)
{
    sigset_t blocked;
    sigset_t before;
    cf_thread_signals(&blocked);
    int error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (error != 0) {
        return error;
    }
    error = pthread_create(thread, NULL, run, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
