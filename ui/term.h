/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term: the terminal's screen: modes, size, signals, and showing a grid by its differences.  The
 * only file that includes curses, which is used for output alone; input belongs to ui/line.
 *
 * One terminal at a time, from the front thread.  Order: ui_term_set_locale first in main, all
 * signals blocked before other threads start, ui_line_open, ui_term_open.
 *
 * States: open (we own the screen) -> given (a child owns it: ui_term_run) -> open.
 * While given, ui_term_show does nothing. */
#ifndef UI_TERM_H
#define UI_TERM_H

#include "err.h"
#include "grid.h"

struct ui_term;

/* LC_CTYPE, LC_MESSAGES and LC_TIME from the environment, all else stays C; a codeset other than
 * UTF-8 becomes C.UTF-8.  Before any thread starts. */
void ui_term_set_locale(void);

struct ui_term_options {
    bool has_mouse;    /* mouse reports on; else the wheel sends arrow keys (alternate scroll) */
    bool is_colorless; /* no colours; so too when NO_COLOR is set and not empty */
};

/* Takes over standard input and output: raw mode, alternate screen, bracketed paste; installs
 * ui/crash and the handlers of SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGCHLD (and
 * unblocks these in the calling thread); ignores SIGPIPE and SIGXFSZ.
 * CF_ERR_UNSUPPORTED: not a terminal, or one that cannot move its cursor. */
enum cf_code ui_term_open(struct ui_term **term, const struct ui_term_options *options,
                          struct cf_err *err);
/* Gives the terminal back as it was.  What follows is saving, and must not be cut short: SIGTERM,
 * SIGHUP and SIGINT are ignored from here on.  NULL is allowed. */
void ui_term_close(struct ui_term *term);

/* "ncurses 6.4.20221231". */
const char *ui_term_library(void);
/* A sentence to show once (the name in TERM is unknown), or NULL. */
const char *ui_term_notice(const struct ui_term *term);
/* The number of colours: 256, 16, 8 or 0. */
int ui_term_n_colors(const struct ui_term *term);
void ui_term_set_mouse(struct ui_term *term, bool is_on);

/* Readable when a signal has come.  For poll. */
int ui_term_fd(const struct ui_term *term);

enum {
    UI_TERM_RESIZED = 1,   /* ui_term_size has the new size; draw again */
    UI_TERM_TERMINATE = 2, /* SIGTERM: save and end */
    UI_TERM_HANGUP = 4,    /* SIGHUP: the terminal is gone; save and end, draw no more */
    UI_TERM_INTERRUPT = 8, /* SIGINT from outside (Ctrl-C comes as a key) */
    UI_TERM_SUSPEND = 16,  /* SIGTSTP from outside: call ui_term_suspend */
    UI_TERM_REDRAW = 32,   /* came back from a stop: the screen was restored; draw again */
    UI_TERM_CHILD = 64,    /* the child of ui_term_run ended; see ui_term_child_status */
};

/* Takes what has happened since the last call, as a set of UI_TERM_…; never blocks. */
unsigned ui_term_take_events(struct ui_term *term);

void ui_term_size(const struct ui_term *term, int *width, int *height);

/* Brings the screen to what GRID shows, with the cursor at (x, y), hidden when x is negative.
 * The write is one synchronized update where the terminal knows that. */
void ui_term_show(struct ui_term *term, const struct ui_grid *grid, int cursor_x, int cursor_y);
/* Makes the next ui_term_show paint every cell (Ctrl-L). */
void ui_term_forget(struct ui_term *term);
/* Writes bytes to the terminal past curses, such as OSC 52; must not move the cursor. */
void ui_term_write(struct ui_term *term, const void *bytes, size_t size);

/* Stops the process group as Ctrl-Z does, the terminal restored meanwhile; returns after SIGCONT
 * with the screen taken back.  UI_TERM_REDRAW follows. */
void ui_term_suspend(struct ui_term *term);

/* Hands the terminal to a child that runs ARGV (an editor, a pager) and returns at once; the loop
 * goes on, without reading standard input, until UI_TERM_CHILD.  INPUT, when not NULL, names a
 * file for its standard input. */
enum cf_code ui_term_run(struct ui_term *term, const char *const argv[], const char *input,
                         struct cf_err *err);
bool ui_term_is_given(const struct ui_term *term);
/* The wait status of the last child, as of waitpid. */
int ui_term_child_status(const struct ui_term *term);

#endif
