/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/confab-test-XXXXXX";

const char *program_home(void)
{
    return home;
}

void program_begin(void)
{
    memcpy(home + strlen(home) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(home));
    setenv("HOME", home, 1);
    static const char *const variables[] = {"XDG_DATA_HOME",  "XDG_CONFIG_HOME", "XDG_STATE_HOME",
                                            "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CONFAB_DB",
                                            "CONFAB_MODEL",   "CONFAB_CONFIG"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(variables); i++) {
        unsetenv(variables[i]);
    }
    char data[PATH_MAX];
    char joined[PATH_MAX];
    (void)snprintf(joined, sizeof joined, "%s/data", TEST_SRCDIR);
    assert_non_null(realpath(joined, data));
    setenv("CONFAB_DATADIR", data, 1);
    signal(SIGPIPE, SIG_IGN);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void program_end(void)
{
    (void)nftw(home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* In the child: becomes confab. */
static void become_program(const char *const *args, const int in[2], const int out[2],
                           const int err[2])
{
    const char *program = getenv("CONFAB_PROGRAM");
    const char *argv[64] = {"confab"};
    int n = 1;
    for (; args[n - 1] != NULL && n < 63; n++) {
        argv[n] = args[n - 1];
    }
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (int fd = 3; fd < 64; fd++) {
        close(fd);
    }
    signal(SIGPIPE, SIG_DFL);
    execv(program != NULL ? program : "./confab", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static bool read_some(int *fd, struct cf_buf *buf)
{
    char bytes[16384];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0) {
        cf_buf_add(buf, bytes, (size_t)n);
        return true;
    }
    if (n == 0 || errno != EINTR) {
        close(*fd);
        *fd = -1;
    }
    return false;
}

void program_run(struct program_result *result, const char *const *args, const void *input,
                 size_t input_size)
{
    *result = (struct program_result){.out = CF_BUF_INIT, .err = CF_BUF_INIT};
    int in[2];
    int out[2];
    int err[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    if (input != NULL) {
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    } else {
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        in[1] = -1;
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become_program(args, in, out, err);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    size_t written = 0;
    while (out[0] >= 0 || err[0] >= 0) {
        struct pollfd fds[3] = {{.fd = out[0], .events = POLLIN},
                                {.fd = err[0], .events = POLLIN},
                                {.fd = in[1], .events = POLLOUT}};
        if (poll(fds, 3, -1) < 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            read_some(&out[0], &result->out);
        }
        if (fds[1].revents != 0) {
            read_some(&err[0], &result->err);
        }
        if (fds[2].revents != 0) {
            size_t left = input_size - written;
            ssize_t n = left > 0
                            ? write(in[1], (const char *)input + written, left < 4096 ? left : 4096)
                            : 0;
            written += n > 0 ? (size_t)n : 0;
            if (n <= 0 || written == input_size) {
                close(in[1]);
                in[1] = -1;
            }
        }
    }
    if (in[1] >= 0) {
        close(in[1]);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void program_release(struct program_result *result)
{
    cf_buf_release(&result->out);
    cf_buf_release(&result->err);
}

void program_expect(struct program_result *result, int status, const char *input,
                    const char *const *args, const char *file, int line)
{
    program_run(result, args, input, input != NULL ? strlen(input) : 0);
    if (result->status != status) {
        print_message("# %s:%d: confab %s ended with %d, standard error: %s\n", file, line, args[0],
                      result->status, result->err.data);
    }
    assert_int_equal(result->status, status);
}
