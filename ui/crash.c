/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

enum { N_WATCHES = 64, SENTENCE_SIZE = 512, STACK_SIZE = 64 * 1024 };

/* What a handler needs, written before and only read there.  `is_set` comes last when it is set
 * and first when it is cleared, so that a handler never sees half. */
static struct {
    atomic_bool is_set;
    int fd;
    struct termios modes;
    char bytes[1024];
    size_t size;
} terminal;

static struct {
    atomic_bool is_set;
    uintptr_t begin, end;
    char sentence[SENTENCE_SIZE];
} watches[N_WATCHES];

static _Alignas(16) char handler_stack[STACK_SIZE];

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        bytes += n;
        size -= (size_t)n;
    }
}

void ui_crash_restore(void)
{
    if (atomic_exchange(&terminal.is_set, false)) {
        write_all(terminal.fd, terminal.bytes, terminal.size);
        tcsetattr(terminal.fd, TCSANOW, &terminal.modes);
    }
}

static const char *sentence_of(int signal_number)
{
    switch (signal_number) {
    case SIGSEGV:
        return "confab: crashed (segmentation fault)\n";
    case SIGBUS:
        return "confab: crashed (bus error)\n";
    case SIGILL:
        return "confab: crashed (illegal instruction)\n";
    case SIGFPE:
        return "confab: crashed (arithmetic error)\n";
    default:
        return "confab: aborted\n";
    }
}

static void handle_crash(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    ui_crash_restore();
    const char *sentence = sentence_of(signal_number);
    uintptr_t address = (uintptr_t)info->si_addr;
    for (size_t i = 0; signal_number == SIGBUS && info->si_code > 0 && i < N_WATCHES; i++) {
        if (atomic_load(&watches[i].is_set) && address >= watches[i].begin &&
            address < watches[i].end) {
            sentence = watches[i].sentence;
        }
    }
    write_all(STDERR_FILENO, sentence, strlen(sentence));
    /* SA_RESETHAND has brought back the default action, SA_NODEFER lets it come now. */
    raise(signal_number);
}

void ui_crash_install(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < CF_ARRAY_SIZE(signals); i++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = handle_crash;
        action.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, NULL);
    }
    cf_mem_on_exhausted(ui_crash_restore);
}

void ui_crash_set_terminal(int fd, const struct termios *modes, const char *bytes, size_t size)
{
    atomic_store(&terminal.is_set, false);
    size = size < sizeof terminal.bytes ? size : sizeof terminal.bytes;
    terminal.fd = fd;
    terminal.modes = *modes;
    memcpy(terminal.bytes, bytes, size);
    terminal.size = size;
    atomic_store(&terminal.is_set, true);
}

void ui_crash_clear_terminal(void)
{
    atomic_store(&terminal.is_set, false);
}

bool ui_crash_watch(const void *begin, size_t size, const char *file)
{
    for (size_t i = 0; i < N_WATCHES; i++) {
        if (!atomic_load(&watches[i].is_set)) {
            watches[i].begin = (uintptr_t)begin;
            watches[i].end = (uintptr_t)begin + size;
            snprintf(watches[i].sentence, SENTENCE_SIZE - 1, "confab: %s changed while in use",
                     file);
            strcat(watches[i].sentence, "\n");
            atomic_store(&watches[i].is_set, true);
            return true;
        }
    }
    return false;
}

void ui_crash_unwatch(const void *begin)
{
    for (size_t i = 0; i < N_WATCHES; i++) {
        if (watches[i].begin == (uintptr_t)begin) {
            atomic_store(&watches[i].is_set, false);
        }
    }
}
