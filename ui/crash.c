/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "mapping.h"
#include "mem.h"

enum { STACK_SIZE = 64 * 1024 };

/* What a handler needs, written before and only read there.  `is_set` comes last when it is set
 * and first when it is cleared, so that a handler never sees half. */
static struct {
    atomic_bool is_set;
    int fd;
    struct termios modes;
    char bytes[1024];
    size_t size;
} terminal;

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

static void write_str(const char *text)
{
    write_all(STDERR_FILENO, text, strlen(text));
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

/* The path goes to a terminal: what could act there is left out. */
static void say_that_file_changed(const char *path)
{
    write_str("confab: ");
    for (; *path != '\0'; path++) {
        bool acts = (unsigned char)*path < ' ' || *path == 0x7F || (unsigned char)*path == 0xC2;
        write_all(STDERR_FILENO, acts ? "?" : path, 1);
    }
    write_str(" changed while in use\n");
}

static void handle_crash(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    ui_crash_restore();
    const char *path =
        signal_number == SIGBUS && info->si_code > 0 ? cf_mapping_find(info->si_addr) : NULL;
    if (path != NULL) {
        say_that_file_changed(path);
    } else {
        write_str(sentence_of(signal_number));
    }
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
