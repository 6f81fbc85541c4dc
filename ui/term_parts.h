/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term_parts: what the files of ui/term share. */
#ifndef UI_TERM_PARTS_H
#define UI_TERM_PARTS_H

#include "term.h"

#include <signal.h>
#include <termios.h>

/* What the terminal can do, found once. */
struct ui_term_can {
    char name[64];     /* the terminfo entry in use */
    int n_colors;      /* 256, 16, 8 or 0 */
    bool has_sync;     /* mode 2026: synchronized updates */
    bool is_xterm;     /* knows xterm's private modes */
    char restore[512]; /* bytes that undo all we have set, for a crash */
    size_t n_restore;
};

struct ui_term {
    struct screen *screen; /* curses' SCREEN */
    struct termios original;
    struct termios raw;
    struct ui_term_can can;
    int width, height;
    struct ui_grid shown;   /* what curses was told, row by row */
    bool is_forgotten;      /* the next show paints everything */
    int cursor_x, cursor_y; /* as shown */
    bool has_mouse;
    bool is_given;
    bool is_hung_up;
    pid_t child; /* while given */
    int child_status;
    unsigned events; /* UI_TERM_… not yet taken */
    char notice[160];
};

/* -- term_signal.c: handlers that write into a pipe ------------------------------------------- */

/* Installs the handlers, keeping what was there. */
enum cf_code ui_term_signals_open(struct cf_err *err);
void ui_term_signals_close(void);
int ui_term_signals_fd(void);
/* Takes the signals that came, as a bit set of 1 << number; never blocks. */
uint64_t ui_term_signals_take(void);
/* Sends this process group SIGNAL_NUMBER with its default action and returns when continued; the
 * SIGCONT that did it is dealt with then. */
void ui_term_signals_stop(int signal_number);
/* For a child: the mask and the dispositions as they were before open. */
void ui_term_signals_default(sigset_t *set);

/* -- term_show.c: the only calls that draw ---------------------------------------------------- */

/* Starts curses on the terminal; the screen is not touched before the first show. */
enum cf_code ui_term_screen_open(struct ui_term *term, bool is_colorless, struct cf_err *err);
void ui_term_screen_close(struct ui_term *term);
/* Gives the screen back and takes it again. */
void ui_term_screen_leave(struct ui_term *term);
void ui_term_screen_return(struct ui_term *term);
void ui_term_screen_resize(struct ui_term *term);

#endif
