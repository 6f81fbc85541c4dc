/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clipboard.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "path.h"

extern char **environ;

enum { TMUX_WAIT_MS = 1000 };

/* RFC 4648, with padding. */
static void add_base64(struct cf_buf *out, const char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (i + k < size ? (unsigned char)bytes[i + k] : 0U);
        }
        for (size_t k = 0; k < 4; k++) {
            cf_buf_add_char(out, i + k > size ? '=' : digits[group >> (18 - 6 * k) & 63]);
        }
    }
}

static enum cf_code copy_to_file(struct ui_clipboard *result, const char *text, size_t size,
                                 struct cf_err *err)
{
    char name[64];
    static int n_copies;
    snprintf(name, sizeof name, "copy-%ld-%d.txt", (long)getpid(), ++n_copies);
    char *path = NULL;
    enum cf_code code = cf_path_in(&path, CF_FOLDER_RUNTIME, name, err);
    if (code == CF_OK) {
        code = cf_path_make_parent(path, err);
    }
    if (code == CF_OK) {
        code = cf_path_write_file(path, text, size, err);
    }
    if (code == CF_OK) {
        result->way = UI_CLIPBOARD_FILE;
        cf_buf_add_str(&result->path, path);
    }
    free(path);
    return code;
}

/* A descriptor that reads TEXT, or -1. */
static int readable(const char *text, size_t size)
{
    int fd = memfd_create("confab-copy", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < size;) {
        ssize_t n = write(fd, text + at, size - at);
        if (n < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool spawn_tmux(pid_t *child, int input)
{
    static const char *const argv[] = {"tmux", "load-buffer", "-w", "-", NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t set;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    char *const *args = (char *const *)(uintptr_t)argv;
    int error = posix_spawnp(child, argv[0], &actions, &attributes, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0;
}

/* Whether CHILD ended well within the time; one that does not is killed. */
static bool ends_well(pid_t child)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    int status = 0;
    for (int waited_ms = 0; waited_ms < TMUX_WAIT_MS; waited_ms++) {
        pid_t pid = waitpid(child, &status, WNOHANG);
        if (pid == child) {
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        if (pid < 0 && errno != EINTR) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return false;
}

static bool copy_to_tmux(const char *text, size_t size)
{
    const char *tmux = getenv("TMUX");
    int fd = tmux != NULL && tmux[0] != '\0' ? readable(text, size) : -1;
    if (fd < 0) {
        return false;
    }
    pid_t child = 0;
    bool is_copied = spawn_tmux(&child, fd) && ends_well(child);
    close(fd);
    return is_copied;
}

enum cf_code ui_clipboard_copy(struct ui_clipboard *result, const char *text, size_t size,
                               struct cf_err *err)
{
    *result = (struct ui_clipboard){.bytes = CF_BUF_INIT, .path = CF_BUF_INIT};
    if (size > UI_CLIPBOARD_MAX) {
        return copy_to_file(result, text, size, err);
    }
    if (copy_to_tmux(text, size)) {
        result->way = UI_CLIPBOARD_TMUX;
        return CF_OK;
    }
    result->way = UI_CLIPBOARD_OSC52;
    cf_buf_add_str(&result->bytes, "\033]52;c;");
    add_base64(&result->bytes, text, size);
    cf_buf_add_str(&result->bytes, "\a");
    return CF_OK;
}

void ui_clipboard_release(struct ui_clipboard *result)
{
    cf_buf_release(&result->bytes);
    cf_buf_release(&result->path);
}
