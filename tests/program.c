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
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

static char home[] = "/tmp/confab-test-XXXXXX";

const char *program_home(void)
{
    return home;
}

const char *program_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % CF_ARRAY_SIZE(paths)];
    (void)snprintf(path, PATH_MAX, "%s/%s", home, name);
    return path;
}

void program_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

char *program_read_file(const char *path, size_t *size)
{
    struct cf_buf bytes = CF_BUF_INIT;
    char piece[16384];
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;) {
        cf_buf_add(&bytes, piece, n);
    }
    assert_int_equal(fclose(file), 0);
    *size = bytes.size;
    return cf_buf_take(&bytes);
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
static void become_program(const char *const *argv, const int fds[3], void (*prepare)(void *arg),
                           void *arg)
{
    const char *program = getenv("CONFAB_PROGRAM");
    for (int i = 0; i < 3; i++) {
        dup2(fds[i], i);
    }
    for (int fd = 3; fd < 64; fd++) {
        close(fd);
    }
    /* Also where the tests run in the background, which ignores some. */
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < CF_ARRAY_SIZE(signals); i++) {
        signal(signals[i], SIG_DFL);
    }
    if (prepare != NULL) {
        prepare(arg);
    }
    execv(program != NULL ? program : "./confab", (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Starts it with a pipe, or the null device, as standard input. */
static void start(struct program *program, const char *const *args, bool has_input,
                  void (*prepare)(void *arg), void *arg)
{
    int in[2] = {-1, -1};
    int out[2];
    int err[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    if (has_input) {
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    } else {
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    size_t n = 0;
    while (args[n] != NULL) {
        n++;
    }
    const char **argv = cf_calloc(n + 2, sizeof *argv);
    argv[0] = "confab";
    memcpy(argv + 1, args, n * sizeof *argv);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become_program(argv, (const int[3]){in[0], out[1], err[1]}, prepare, arg);
    }
    free(argv);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    *program = (struct program){.pid = child,
                                .in = in[1],
                                .out = out[0],
                                .err = err[0],
                                .result = {.out = CF_BUF_INIT, .err = CF_BUF_INIT}};
}

void program_start(struct program *program, const char *const *args, void (*prepare)(void *arg),
                   void *arg)
{
    start(program, args, true, prepare, arg);
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void program_close_input(struct program *program)
{
    close_end(&program->in);
}

static void read_some(int *fd, struct cf_buf *buf)
{
    char bytes[16384];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0) {
        cf_buf_add(buf, bytes, (size_t)n);
    } else if (n == 0 || errno != EINTR) {
        close_end(fd);
    }
}

bool program_read(struct program *program, int timeout_ms)
{
    if (program->out < 0 && program->err < 0) {
        return false;
    }
    struct pollfd fds[2] = {{.fd = program->out, .events = POLLIN},
                            {.fd = program->err, .events = POLLIN}};
    if (poll(fds, 2, timeout_ms) > 0) {
        if (fds[0].revents != 0) {
            read_some(&program->out, &program->result.out);
        }
        if (fds[1].revents != 0) {
            read_some(&program->err, &program->result.err);
        }
    }
    return program->out >= 0 || program->err >= 0;
}

void program_wait(struct program *program)
{
    enum { STEP_MS = 100, LIMIT_MS = 240000 };
    program_close_input(program);
    int waited_ms = 0;
    int status = 0;
    struct rusage usage;
    bool has_ended = false;
    while (!has_ended && waited_ms < LIMIT_MS) {
        struct timespec before;
        struct timespec after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        bool is_open = program_read(program, STEP_MS);
        has_ended = !is_open && wait4(program->pid, &status, WNOHANG, &usage) == program->pid;
        if (!is_open && !has_ended) {
            (void)poll(NULL, 0, 1);
        }
        clock_gettime(CLOCK_MONOTONIC, &after);
        waited_ms += (int)((after.tv_sec - before.tv_sec) * 1000 +
                           (after.tv_nsec - before.tv_nsec) / 1000000);
    }
    if (!has_ended) {
        kill(program->pid, SIGKILL);
        (void)waitpid(program->pid, &status, 0);
        fail_msg("confab hangs, standard error: %s", program->result.err.data);
    }
    program->result.peak_kb = usage.ru_maxrss;
    program->result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads and writes by turns, so that neither side waits for the other. */
static void feed(struct program *program, const char *input, size_t size)
{
    size_t written = 0;
    while (program->in >= 0 && written < size) {
        struct pollfd fds[3] = {{.fd = program->in, .events = POLLOUT},
                                {.fd = program->out, .events = POLLIN},
                                {.fd = program->err, .events = POLLIN}};
        (void)poll(fds, 3, -1);
        if (fds[1].revents != 0 || fds[2].revents != 0) {
            (void)program_read(program, 0);
        }
        if (fds[0].revents != 0) {
            size_t left = size - written;
            ssize_t n = write(program->in, input + written, left < 4096 ? left : 4096);
            if (n <= 0) {
                return;
            }
            written += (size_t)n;
        }
    }
}

void program_run(struct program_result *result, const char *const *args, const void *input,
                 size_t input_size)
{
    struct program program;
    start(&program, args, input != NULL, NULL, NULL);
    if (input != NULL) {
        feed(&program, input, input_size);
    }
    program_wait(&program);
    *result = program.result;
}

void program_release(struct program_result *result)
{
    cf_buf_release(&result->out);
    cf_buf_release(&result->err);
}

void program_assert_failed(const struct program_result *result, int status, const char *part)
{
    static const char hint[] = "Try 'confab --help'.\n";
    const char *text = result->err.data;
    const char *newline = strchr(text, '\n');
    bool is_right = result->status == status && strncmp(text, "confab: ", 8) == 0 &&
                    newline != NULL && strcmp(newline + 1, status == 2 ? hint : "") == 0 &&
                    strstr(text, part) != NULL;
    if (!is_right) {
        fail_msg("status %d and '%s' expected, not %d and: %s", status, part, result->status, text);
    }
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

int program_set_up(void **state)
{
    (void)state;
    program_begin();
    return 0;
}

int program_tear_down(void **state)
{
    (void)state;
    program_end();
    return 0;
}
