/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal: modes, signals, children. */
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"
#include "mem.h"
#include "term_parts.h"

extern char **environ;

/* Bracketed paste; alternate scroll, so that the wheel sends arrow keys; the mouse with SGR
 * coordinates.  Ours to undo, since terminfo knows nothing of them. */
static const char paste_on[] = "\033[?2004h";
static const char scroll_on[] = "\033[?1007h";
static const char mouse_on[] = "\033[?1000h\033[?1002h\033[?1006h";
static const char mouse_off[] = "\033[?1006l\033[?1002l\033[?1000l";
static const char all_off[] = "\033[?1006l\033[?1002l\033[?1000l\033[?1007l\033[?2004l\033[?2026l";

static void set_category(int category)
{
    if (setlocale(category, "") == NULL) {
        setlocale(category, "C");
    }
}

void ui_term_set_locale(void)
{
    set_category(LC_MESSAGES);
    set_category(LC_TIME);
    set_category(LC_CTYPE);
    const char *codeset = nl_langinfo(CODESET);
    if (strcasecmp(codeset, "UTF-8") != 0 && strcasecmp(codeset, "utf8") != 0) {
        static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8"};
        for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
            if (setlocale(LC_CTYPE, names[i]) != NULL) {
                break;
            }
        }
    }
}

void ui_term_write(struct ui_term *term, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0 && !term->is_hung_up) {
        ssize_t n = write(STDOUT_FILENO, at, size);
        if (n < 0 && errno != EINTR) {
            return;
        }
        n = n < 0 ? 0 : n;
        at += n;
        size -= (size_t)n;
    }
}

static void write_str(struct ui_term *term, const char *text)
{
    if (term->can.is_xterm) {
        ui_term_write(term, text, strlen(text));
    }
}

/* Raw in, cooked out: no echo, no line editing, no signals from keys, no flow control, eight bits;
 * curses sends its own carriage returns. */
static struct termios raw_modes(const struct termios *original)
{
    struct termios raw = *original;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON | IXOFF);
    raw.c_oflag &= ~(tcflag_t)(ONLCR | OCRNL | ONLRET);
    raw.c_oflag |= OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

static void read_size(struct ui_term *term)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size.ws_col = 80;
        size.ws_row = 24;
    }
    term->width = size.ws_col < UI_GRID_MAX_WIDTH ? size.ws_col : UI_GRID_MAX_WIDTH;
    term->height = size.ws_row < UI_GRID_MAX_HEIGHT ? size.ws_row : UI_GRID_MAX_HEIGHT;
}

static void prepare_crash(struct ui_term *term)
{
    char bytes[sizeof all_off + sizeof term->can.restore];
    size_t n = term->can.is_xterm ? sizeof all_off - 1 : 0;
    memcpy(bytes, all_off, n);
    memcpy(bytes + n, term->can.restore, term->can.n_restore);
    ui_crash_set_terminal(STDOUT_FILENO, &term->original, bytes, n + term->can.n_restore);
}

/* Our modes on; curses draws at the next show. */
static void take_over(struct ui_term *term)
{
    term->raw = raw_modes(&term->original);
    prepare_crash(term);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term->raw);
    ui_term_screen_return(term);
    write_str(term, paste_on);
    write_str(term, term->has_mouse ? mouse_on : scroll_on);
}

/* The terminal as it was. */
static void hand_back(struct ui_term *term)
{
    write_str(term, all_off);
    ui_term_screen_leave(term);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term->original);
    ui_crash_clear_terminal();
}

enum cf_code ui_term_open(struct ui_term **term, const struct ui_term_options *options,
                          struct cf_err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "standard input and output must be a terminal; use 'confab ask'");
    }
    struct ui_term *new_term = cf_calloc(1, sizeof *new_term);
    bool has_signals = false;
    new_term->has_mouse = options->has_mouse;
    new_term->cursor_x = new_term->cursor_y = -2;
    enum cf_code code = CF_OK;
    if (tcgetattr(STDIN_FILENO, &new_term->original) != 0) {
        code = cf_err_set_errno(err, errno, "cannot read the terminal's modes");
        goto fail;
    }
    read_size(new_term);
    /* Before curses, which then leaves these signals alone. */
    code = ui_term_signals_open(err);
    if (code != CF_OK) {
        goto fail;
    }
    has_signals = true;
    code = ui_term_screen_open(new_term, options->is_colorless, err);
    if (code != CF_OK) {
        goto fail;
    }
    ui_crash_install();
    take_over(new_term);
    *term = new_term;
    return CF_OK;
fail:
    if (has_signals) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &new_term->original);
        ui_term_signals_close();
    }
    free(new_term);
    return code;
}

void ui_term_close(struct ui_term *term)
{
    if (term == NULL) {
        return;
    }
    if (!term->is_given) {
        hand_back(term);
    }
    term->is_given = true; /* the screen is left already */
    ui_term_screen_close(term);
    ui_term_signals_close();
    ui_grid_release(&term->shown);
    free(term);
}

const char *ui_term_notice(const struct ui_term *term)
{
    return term->notice[0] != '\0' ? term->notice : NULL;
}

int ui_term_n_colors(const struct ui_term *term)
{
    return term->can.n_colors;
}

void ui_term_set_mouse(struct ui_term *term, bool is_on)
{
    term->has_mouse = is_on;
    if (!term->is_given) {
        write_str(term, is_on ? mouse_on : mouse_off);
    }
}

int ui_term_fd(const struct ui_term *term)
{
    (void)term;
    return ui_term_signals_fd();
}

void ui_term_size(const struct ui_term *term, int *width, int *height)
{
    *width = term->width;
    *height = term->height;
}

/* -- Stopping and going on -------------------------------------------------------------------- */

static bool is_in_background(void)
{
    pid_t foreground = tcgetpgrp(STDIN_FILENO);
    return foreground > 0 && foreground != getpgrp();
}

/* After a stop: what the terminal's modes are now is what we give back later. */
static void resume(struct ui_term *term)
{
    /* Continued by `bg': a screen program can do nothing there but stop again. */
    while (is_in_background()) {
        raise(SIGSTOP);
    }
    struct termios now;
    if (tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & ICANON) != 0) {
        term->original = now;
    }
    read_size(term);
    ui_term_screen_resize(term);
    take_over(term);
    term->events |= UI_TERM_REDRAW | UI_TERM_RESIZED;
}

void ui_term_suspend(struct ui_term *term)
{
    if (term->is_given || term->is_hung_up) {
        return;
    }
    hand_back(term);
    ui_term_signals_stop(SIGTSTP);
    resume(term);
}

/* -- Children --------------------------------------------------------------------------------- */

static enum cf_code spawn(pid_t *child, const char *const argv[], const char *input,
                          struct cf_err *err)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t set;
    ui_term_signals_default(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (input != NULL) {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
    }
    /* execvp never writes to argv; its type is older than const. */
    char *const *args = (char *const *)(uintptr_t)argv;
    int error = posix_spawnp(child, argv[0], &actions, &attributes, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ? CF_OK : cf_err_set_errno(err, error, "cannot run '%s'", argv[0]);
}

enum cf_code ui_term_run(struct ui_term *term, const char *const argv[], const char *input,
                         struct cf_err *err)
{
    assert(!term->is_given);
    hand_back(term);
    enum cf_code code = spawn(&term->child, argv, input, err);
    if (code != CF_OK) {
        take_over(term);
        term->events |= UI_TERM_REDRAW;
        return code;
    }
    term->is_given = true;
    return CF_OK;
}

static void look_after_child(struct ui_term *term)
{
    int status = 0;
    if (!term->is_given || waitpid(term->child, &status, WNOHANG) != term->child) {
        return;
    }
    term->is_given = false;
    term->child_status = status;
    read_size(term);
    ui_term_screen_resize(term);
    take_over(term);
    term->events |= UI_TERM_CHILD | UI_TERM_REDRAW | UI_TERM_RESIZED;
}

bool ui_term_is_given(const struct ui_term *term)
{
    return term->is_given;
}

int ui_term_child_status(const struct ui_term *term)
{
    return term->child_status;
}

/* -- Events ----------------------------------------------------------------------------------- */

static void resized(struct ui_term *term)
{
    read_size(term);
    if (!term->is_given) {
        ui_term_screen_resize(term);
    }
    term->events |= UI_TERM_RESIZED;
}

/* SIGTSTP and SIGINT came from outside, or from the keyboard while a child has the terminal; then
 * they are the child's, and a stop is for all of the group. */
static void interrupted(struct ui_term *term, bool is_stop)
{
    if (!term->is_given) {
        term->events |= is_stop ? UI_TERM_SUSPEND : UI_TERM_INTERRUPT;
    } else if (is_stop) {
        raise(SIGSTOP);
    }
}

unsigned ui_term_take_events(struct ui_term *term)
{
    uint64_t signals = ui_term_signals_take();
    for (int number = 1; signals >> number != 0; number++) {
        if (!(signals >> number & 1)) {
            continue;
        }
        switch (number) {
        case SIGWINCH:
            resized(term);
            break;
        case SIGTERM:
            term->events |= UI_TERM_TERMINATE;
            break;
        case SIGHUP:
            term->is_hung_up = true;
            term->events |= UI_TERM_HANGUP;
            break;
        case SIGINT:
        case SIGTSTP:
            interrupted(term, number == SIGTSTP);
            break;
        case SIGCONT:
            if (!term->is_given && !term->is_hung_up) {
                resume(term);
            }
            break;
        default:
            look_after_child(term);
            break;
        }
    }
    unsigned events = term->events;
    term->events = 0;
    return events;
}
