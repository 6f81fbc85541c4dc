/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals become bytes in a pipe that the loop polls. */
#include "term_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const int handled[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGCHLD};
static const int ignored[] = {SIGPIPE, SIGXFSZ};
enum { N_HANDLED = CF_ARRAY_SIZE(handled), N_IGNORED = CF_ARRAY_SIZE(ignored) };

static int pipe_fds[2] = {-1, -1};
static struct sigaction before_handled[N_HANDLED];
static struct sigaction before_ignored[N_IGNORED];
static sigset_t mask_before;

static void handle(int signal_number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)signal_number;
    /* A full pipe holds the same news already. */
    if (write(pipe_fds[1], &byte, 1) < 0) {
        errno = saved;
    }
    errno = saved;
}

static void install(int signal_number, void (*handler)(int), struct sigaction *before)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, before);
}

enum cf_code ui_term_signals_open(struct cf_err *err)
{
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return cf_err_set_errno(err, errno, "cannot make a pipe for signals");
    }
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < N_HANDLED; i++) {
        install(handled[i], handle, &before_handled[i]);
        sigaddset(&set, handled[i]);
    }
    for (size_t i = 0; i < N_IGNORED; i++) {
        install(ignored[i], SIG_IGN, &before_ignored[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, &mask_before);
    return CF_OK;
}

void ui_term_signals_close(void)
{
    pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    for (size_t i = 0; i < N_HANDLED; i++) {
        /* Blocking is not enough: a library may have made threads that block nothing. */
        bool is_end = handled[i] == SIGTERM || handled[i] == SIGHUP || handled[i] == SIGINT;
        if (is_end) {
            install(handled[i], SIG_IGN, &before_handled[i]);
        } else {
            sigaction(handled[i], &before_handled[i], NULL);
        }
    }
    for (size_t i = 0; i < N_IGNORED; i++) {
        sigaction(ignored[i], &before_ignored[i], NULL);
    }
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    pipe_fds[0] = pipe_fds[1] = -1;
}

int ui_term_signals_fd(void)
{
    return pipe_fds[0];
}

uint64_t ui_term_signals_take(void)
{
    uint64_t set = 0;
    unsigned char bytes[64];
    ssize_t n;
    while ((n = read(pipe_fds[0], bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            set |= UINT64_C(1) << (bytes[i] & 63);
        }
    }
    return set;
}

void ui_term_signals_stop(int signal_number)
{
    struct sigaction ours;
    install(signal_number, SIG_DFL, &ours);
    kill(0, signal_number);
    sigaction(signal_number, &ours, NULL);
    uint64_t others = ui_term_signals_take() & ~(UINT64_C(1) << SIGCONT);
    for (int number = 1; others >> number != 0; number++) {
        if (others >> number & 1) {
            handle(number);
        }
    }
}

void ui_term_signals_default(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < N_HANDLED; i++) {
        sigaddset(set, handled[i]);
    }
    for (size_t i = 0; i < N_IGNORED; i++) {
        sigaddset(set, ignored[i]);
    }
}
