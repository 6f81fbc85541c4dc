/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vterm.h>

#include "text.h"

/* What the shell tells: a letter, then the wait status. */
struct report {
    char what; /* 'p' the program's pid, 's' stopped, 'e' ended */
    int value;
};

struct pty {
    int master;
    int reports;  /* from the shell */
    int commands; /* to the shell: 'f' foreground */
    pid_t shell;
    pid_t program;
    struct termios before;
    VTerm *vterm;
    VTermScreen *screen;
    int width, height;
    bool is_alternate;
    bool is_cursor_shown;
    bool is_stopped;
    bool has_ended;
    int status;
    struct cf_buf output; /* all of it */
};

struct pty *pty_current;

/* -- The shell: a process of its own that has the terminal ------------------------------------- */

static void tell(int fd, char what, int value)
{
    struct report report = {.what = what, .value = value};
    if (write(fd, &report, sizeof report) != (ssize_t)sizeof report) {
        _exit(126);
    }
}

static void run_program(const char *const argv[], const struct pty_options *options)
{
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    signal(SIGTTOU, SIG_DFL);
    setenv("TERM", "xterm-256color", 1);
    for (size_t i = 0; options->env != NULL && options->env[i] != NULL; i++) {
        if (strchr(options->env[i], '=') != NULL) {
            putenv(strdup(options->env[i]));
        } else {
            unsetenv(options->env[i]);
        }
    }
    if (options->folder != NULL && chdir(options->folder) != 0) {
        _exit(126);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Waits for the program; when it stops, takes the terminal until told to continue it. */
static void watch_program(pid_t program, const struct termios *ours, int reports, int commands)
{
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(program, &status, WUNTRACED);
        if (pid < 0 && errno == EINTR) {
            continue;
        }
        tcsetpgrp(STDIN_FILENO, getpgrp());
        if (pid != program || !WIFSTOPPED(status)) {
            tell(reports, 'e', status);
            return;
        }
        struct termios stopped;
        tcgetattr(STDIN_FILENO, &stopped);
        tcsetattr(STDIN_FILENO, TCSADRAIN, ours);
        tell(reports, 's', status);
        char command = 0;
        if (read(commands, &command, 1) != 1) {
            kill(-program, SIGKILL);
            return;
        }
        tcsetattr(STDIN_FILENO, TCSADRAIN, &stopped);
        tcsetpgrp(STDIN_FILENO, program);
        kill(-program, SIGCONT);
    }
}

static void run_shell(int slave, int reports, int commands, const char *const argv[],
                      const struct pty_options *options)
{
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    dup2(slave, STDIN_FILENO);
    dup2(slave, STDOUT_FILENO);
    dup2(slave, STDERR_FILENO);
    if (slave > STDERR_FILENO) {
        close(slave);
    }
    signal(SIGTTOU, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    struct termios ours;
    tcgetattr(STDIN_FILENO, &ours);
    pid_t program = fork();
    if (program == 0) {
        signal(SIGHUP, SIG_DFL);
        close(reports);
        close(commands);
        run_program(argv, options);
    }
    setpgid(program, program);
    tcsetpgrp(STDIN_FILENO, program);
    tell(reports, 'p', (int)program);
    watch_program(program, &ours, reports, commands);
    /* The terminal stays open until the harness has looked at its modes. */
    char command = 0;
    while (read(commands, &command, 1) == 1) {
    }
    _exit(0);
}

/* -- Starting and ending ----------------------------------------------------------------------- */

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    struct pty *pty = user;
    if (property == VTERM_PROP_ALTSCREEN) {
        pty->is_alternate = value->boolean;
    } else if (property == VTERM_PROP_CURSORVISIBLE) {
        pty->is_cursor_shown = value->boolean;
    }
    return 1;
}

static int open_terminal(struct pty *pty, int width, int height)
{
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(pty->master >= 0);
    assert_int_equal(grantpt(pty->master), 0);
    assert_int_equal(unlockpt(pty->master), 0);
    const char *name = ptsname(pty->master);
    assert_non_null(name);
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(tcgetattr(slave, &pty->before), 0);
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    assert_int_equal(ioctl(pty->master, TIOCSWINSZ, &size), 0);
    assert_int_equal(fcntl(pty->master, F_SETFL, O_NONBLOCK), 0);
    return slave;
}

static void open_screen(struct pty *pty, int width, int height)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    pty->width = width;
    pty->height = height;
    pty->vterm = vterm_new(height, width);
    vterm_set_utf8(pty->vterm, 1);
    pty->screen = vterm_obtain_screen(pty->vterm);
    vterm_screen_set_callbacks(pty->screen, &callbacks, pty);
    vterm_screen_enable_altscreen(pty->screen, 1);
    vterm_screen_reset(pty->screen, 1);
    pty->is_cursor_shown = true;
}

struct pty *pty_start(const char *const argv[], const struct pty_options *options)
{
    static const struct pty_options none;
    options = options != NULL ? options : &none;
    struct pty *pty = calloc(1, sizeof *pty);
    assert_non_null(pty);
    cf_buf_init(&pty->output);
    int width = options->width > 0 ? options->width : 80;
    int height = options->height > 0 ? options->height : 24;
    int slave = open_terminal(pty, width, height);
    open_screen(pty, width, height);
    int reports[2];
    int commands[2];
    assert_int_equal(pipe2(reports, O_CLOEXEC), 0);
    assert_int_equal(pipe2(commands, O_CLOEXEC), 0);
    fflush(NULL);
    pty->shell = fork();
    assert_true(pty->shell >= 0);
    if (pty->shell == 0) {
        close(commands[1]);
        close(reports[0]);
        close(pty->master);
        run_shell(slave, reports[1], commands[0], argv, options);
    }
    close(slave);
    close(reports[1]);
    close(commands[0]);
    pty->reports = reports[0];
    pty->commands = commands[1];
    struct report report;
    assert_int_equal(read(pty->reports, &report, sizeof report), (ssize_t)sizeof report);
    assert_int_equal(report.what, 'p');
    pty->program = report.value;
    assert_int_equal(fcntl(pty->reports, F_SETFL, O_NONBLOCK), 0);
    pty_current = pty;
    return pty;
}

void pty_end(struct pty *pty)
{
    if (pty == NULL) {
        return;
    }
    if (!pty->has_ended) {
        kill(-pty->program, SIGKILL);
    }
    close(pty->commands);
    if (pty->master >= 0) {
        close(pty->master);
    }
    close(pty->reports);
    kill(pty->shell, SIGKILL);
    waitpid(pty->shell, NULL, 0);
    vterm_free(pty->vterm);
    cf_buf_release(&pty->output);
    if (pty_current == pty) {
        pty_current = NULL;
    }
    free(pty);
}

/* -- The terminal's side ----------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Draws what has been written; false when there was nothing. */
static bool take_output(struct pty *pty)
{
    char bytes[16 * 1024];
    ssize_t n = pty->master < 0 ? -1 : read(pty->master, bytes, sizeof bytes);
    if (n <= 0) {
        return false;
    }
    cf_buf_add(&pty->output, bytes, (size_t)n);
    vterm_input_write(pty->vterm, bytes, (size_t)n);
    /* What the terminal answers goes back, as it would. */
    size_t n_answer = vterm_output_read(pty->vterm, bytes, sizeof bytes);
    if (n_answer > 0) {
        (void)!write(pty->master, bytes, n_answer);
    }
    return true;
}

static void take_reports(struct pty *pty)
{
    struct report report;
    while (read(pty->reports, &report, sizeof report) == (ssize_t)sizeof report) {
        if (report.what == 's') {
            pty->is_stopped = true;
        } else if (report.what == 'e') {
            pty->has_ended = true;
            pty->status = report.value;
        }
    }
}

enum { READS_MAX = 16 };

/* Waits for news, TIMEOUT_MS at most, and takes them. */
static void take_news(struct pty *pty, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = pty->master, .events = POLLIN},
                           {.fd = pty->has_ended ? -1 : pty->reports, .events = POLLIN}};
    poll(fds, 2, timeout_ms);
    /* Not to its end: a program that writes faster than this reads has none. */
    for (int i = 0; i < READS_MAX && take_output(pty); i++) {
    }
    take_reports(pty);
}

void pty_send(struct pty *pty, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(pty->master, bytes, size);
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
            continue;
        }
        /* Full: the program is to read first, and may have to write for that. */
        assert_true(errno == EAGAIN || errno == EINTR);
        struct pollfd fd = {.fd = pty->master, .events = POLLIN | POLLOUT};
        poll(&fd, 1, 100);
        while (take_output(pty)) {
        }
    }
}

void pty_type(struct pty *pty, const char *text)
{
    pty_send(pty, text, strlen(text));
}

void pty_pause_ms(struct pty *pty, int ms)
{
    for (int64_t end = now_ms() + ms; now_ms() < end;) {
        take_news(pty, (int)(end - now_ms()));
    }
}

int pty_type_split(struct pty *pty, const char *first, int pause_ms, const char *second)
{
    int64_t begin = now_ms();
    pty_type(pty, first);
    pty_pause_ms(pty, pause_ms);
    pty_type(pty, second);
    return (int)(now_ms() - begin);
}

void pty_resize(struct pty *pty, int width, int height)
{
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    while (take_output(pty)) {
    }
    vterm_set_size(pty->vterm, height, width);
    pty->width = width;
    pty->height = height;
    assert_int_equal(ioctl(pty->master, TIOCSWINSZ, &size), 0);
}

void pty_signal(struct pty *pty, int signal_number)
{
    assert_true(kill(pty->program, signal_number) == 0 || errno == ESRCH);
}

void pty_foreground(struct pty *pty)
{
    pty->is_stopped = false;
    assert_int_equal(write(pty->commands, "f", 1), 1);
}

void pty_hang_up(struct pty *pty)
{
    while (take_output(pty)) {
    }
    close(pty->master);
    pty->master = -1;
    /* The session's leader, our shell, ignores the kernel's SIGHUP and passes it on. */
    kill(-pty->program, SIGHUP);
}

/* -- Waiting ----------------------------------------------------------------------------------- */

static int64_t deadline_ms(void)
{
    const char *seconds = getenv("PTY_DEADLINE_S");
    return now_ms() + (seconds != NULL ? atoi(seconds) : 20) * INT64_C(1000);
}

/* Row by row: cmocka cuts what is longer than a kilobyte. */
static void print_screen(struct pty *pty)
{
    struct cf_buf screen = CF_BUF_INIT;
    int x = 0;
    int y = 0;
    pty_screen(pty, &screen);
    pty_cursor(pty, &x, &y);
    print_error("the screen (cursor at %d,%d%s):\n", x, y, pty->has_ended ? ", ended" : "");
    for (const char *row = screen.data; *row != '\0';) {
        size_t size = strcspn(row, "\n");
        print_error("%.*s\n", (int)size, row);
        row += size + (row[size] != '\0');
    }
    cf_buf_release(&screen);
}

void pty_wait(struct pty *pty, pty_condition *condition, const void *ctx, const char *what)
{
    int64_t end = deadline_ms();
    take_news(pty, 0);
    while (!condition(pty, ctx)) {
        if (now_ms() >= end) {
            print_screen(pty);
            fail_msg("waited in vain for %s", what);
        }
        take_news(pty, 50);
    }
}

static bool has_text(struct pty *pty, const void *ctx)
{
    return pty_has_text(pty, ctx);
}

static bool has_no_text(struct pty *pty, const void *ctx)
{
    return !pty_has_text(pty, ctx);
}

void pty_wait_text(struct pty *pty, const char *text)
{
    pty_wait(pty, has_text, text, text);
}

void pty_wait_no_text(struct pty *pty, const char *text)
{
    pty_wait(pty, has_no_text, text, text);
}

struct wanted_row {
    int y;
    const char *text;
};

static bool is_row(struct pty *pty, const void *ctx)
{
    const struct wanted_row *wanted = ctx;
    struct cf_buf row = CF_BUF_INIT;
    pty_row(pty, wanted->y, &row);
    bool is_equal = strcmp(row.data, wanted->text) == 0;
    cf_buf_release(&row);
    return is_equal;
}

void pty_wait_row(struct pty *pty, int y, const char *text)
{
    struct wanted_row wanted = {.y = y, .text = text};
    pty_wait(pty, is_row, &wanted, text);
}

static bool is_cursor_at(struct pty *pty, const void *ctx)
{
    const int *wanted = ctx;
    int x = 0;
    int y = 0;
    pty_cursor(pty, &x, &y);
    return x == wanted[0] && y == wanted[1];
}

void pty_wait_cursor(struct pty *pty, int x, int y)
{
    int wanted[2] = {x, y};
    char what[64];
    snprintf(what, sizeof what, "the cursor at %d,%d", x, y);
    pty_wait(pty, is_cursor_at, wanted, what);
}

static bool is_alternate(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return pty->is_alternate;
}

void pty_wait_alternate(struct pty *pty)
{
    pty_wait(pty, is_alternate, NULL, "the alternate screen");
}

static bool is_raw(struct pty *pty, const void *ctx)
{
    (void)ctx;
    struct termios modes;
    pty_modes(pty, &modes);
    return (modes.c_lflag & ICANON) == 0;
}

void pty_wait_raw(struct pty *pty)
{
    pty_wait(pty, is_raw, NULL, "the raw mode");
}

static bool is_stopped(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return pty->is_stopped;
}

void pty_wait_stopped(struct pty *pty)
{
    pty_wait(pty, is_stopped, NULL, "the program to stop");
}

static bool has_ended(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return pty->has_ended;
}

int pty_wait_exit(struct pty *pty)
{
    pty_wait(pty, has_ended, NULL, "the program to end");
    take_news(pty, 0);
    return pty->status;
}

bool pty_has_ended(struct pty *pty)
{
    take_news(pty, 0);
    return pty->has_ended;
}

/* -- Looking ----------------------------------------------------------------------------------- */

/* Adds row Y; *columns, when given, gets the column of each byte. */
static void add_row(struct pty *pty, int y, struct cf_buf *out, int *columns, size_t n_columns)
{
    size_t begin = out->size;
    size_t end = begin;
    for (int x = 0; x < pty->width;) {
        VTermScreenCell cell;
        VTermPos pos = {.row = y, .col = x};
        if (!vterm_screen_get_cell(pty->screen, pos, &cell)) {
            break;
        }
        size_t at = out->size;
        if (cell.chars[0] == 0) {
            cf_buf_add_char(out, ' ');
        }
        for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++) {
            char bytes[4];
            cf_buf_add(out, bytes, cf_text_encode(bytes, cell.chars[i]));
        }
        for (; at < out->size && columns != NULL && at - begin < n_columns; at++) {
            columns[at - begin] = x;
        }
        if (cell.chars[0] != 0 && cell.chars[0] != ' ') {
            end = out->size;
        }
        x += cell.width > 0 ? cell.width : 1;
    }
    cf_buf_truncate(out, end);
}

void pty_row(struct pty *pty, int y, struct cf_buf *out)
{
    add_row(pty, y, out, NULL, 0);
}

void pty_screen(struct pty *pty, struct cf_buf *out)
{
    for (int y = 0; y < pty->height; y++) {
        pty_row(pty, y, out);
        cf_buf_add_char(out, '\n');
    }
}

bool pty_has_text(struct pty *pty, const char *text)
{
    struct cf_buf screen = CF_BUF_INIT;
    pty_screen(pty, &screen);
    bool is_there = strstr(screen.data, text) != NULL;
    cf_buf_release(&screen);
    return is_there;
}

int pty_column_of(struct pty *pty, int y, const char *text)
{
    static int columns[8192];
    struct cf_buf row = CF_BUF_INIT;
    add_row(pty, y, &row, columns, CF_ARRAY_SIZE(columns));
    const char *at = strstr(row.data, text);
    int column = at != NULL ? columns[at - row.data] : -1;
    cf_buf_release(&row);
    return column;
}

void pty_cursor(struct pty *pty, int *x, int *y)
{
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(pty->vterm), &pos);
    *x = pos.col;
    *y = pos.row;
}

bool pty_is_cursor_shown(struct pty *pty)
{
    return pty->is_cursor_shown;
}

bool pty_is_alternate(struct pty *pty)
{
    return pty->is_alternate;
}

bool pty_is_styled(struct pty *pty, int x, int y)
{
    VTermScreenCell cell;
    VTermPos pos = {.row = y, .col = x};
    if (!vterm_screen_get_cell(pty->screen, pos, &cell)) {
        return false;
    }
    return cell.attrs.bold || cell.attrs.reverse || !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) ||
           !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg);
}

bool pty_has_output(struct pty *pty, const char *bytes)
{
    return strstr(pty->output.data, bytes) != NULL;
}

long pty_last_output(struct pty *pty, const char *bytes)
{
    long last = -1;
    const char *at = pty->output.data;
    while ((at = strstr(at, bytes)) != NULL) {
        last = at++ - pty->output.data;
    }
    return last;
}

size_t pty_n_output(struct pty *pty)
{
    return pty->output.size;
}

void pty_modes(struct pty *pty, struct termios *modes)
{
    assert_int_equal(tcgetattr(pty->master, modes), 0);
}

void pty_assert_modes_as_before(struct pty *pty)
{
    struct termios now;
    pty_modes(pty, &now);
    assert_int_equal(now.c_iflag, pty->before.c_iflag);
    assert_int_equal(now.c_oflag, pty->before.c_oflag);
    assert_int_equal(now.c_cflag, pty->before.c_cflag);
    assert_int_equal(now.c_lflag, pty->before.c_lflag);
    assert_memory_equal(now.c_cc, pty->before.c_cc, sizeof now.c_cc);
}
