/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line: the edited line.  Owns standard input: reads and parses every byte, hands each key to the
 * owner first and to readline (with the user's inputrc, $if Confab) if he does not want it; keeps
 * history, completion, draft.  The only file that includes readline, which never touches the
 * terminal here: nothing is drawn but by ui_line_draw or the owner from struct ui_line_view.
 *
 * readline is one for the process, so one struct ui_line at a time.  Front thread only.  Open it
 * before ui_term_open: readline looks into terminfo at its start, which must not happen under
 * curses' feet. */
#ifndef UI_LINE_H
#define UI_LINE_H

#include "buf.h"
#include "err.h"
#include "grid.h"
#include "keys.h"

struct ui_line;

/* readline's, "8.2". */
const char *ui_line_library_version(void);

struct ui_mouse {
    enum { UI_MOUSE_PRESS, UI_MOUSE_RELEASE, UI_MOUSE_DRAG } what;
    int button; /* 0 left, 1 middle, 2 right */
    int x, y;   /* cell, from 0 */
};

/* Words that could stand at [begin, cursor) of the line. */
struct ui_candidates {
    char **words; /* each from malloc, as the array; all freed by ui/line */
    size_t n;
    size_t begin;  /* byte of the line where the word to complete begins */
    bool is_final; /* a space follows a sole candidate */
};

struct ui_line_hooks {
    void *ctx;
    /* Before a key, a paste or a mouse button is dealt with, unless readline is in the middle of
     * something: what one before it left for the line can be set now.  May be NULL. */
    void (*before)(void *ctx);
    /* A key (ui/keys, canonical), before readline sees it; true: it is dealt with.  Not called for
     * what belongs to a search or a sequence that readline has begun (ui_line_is_pending), except
     * for Ctrl-C, Ctrl-L, Ctrl-Z, function keys, the wheel and the focus; nor for Esc in vi insert
     * mode.  Three or more Up or Down that come at once are the wheel (alternate scroll), a
     * UI_KEY_WHEEL_… for every three. */
    bool (*key)(void *ctx, uint32_t key);
    /* A mouse button, while the mouse is on.  May be NULL. */
    void (*mouse)(void *ctx, const struct ui_mouse *mouse);
    /* Enter: the text, not empty, is valid UTF-8 without NUL.  The line is empty afterwards;
     * it has been added to the history. */
    void (*submit)(void *ctx, const char *text, size_t size);
    /* Tab: fill OUT (zeroed, begin = cursor) with what fits the line.  Called from within readline:
     * must not call ui_line functions.  May be NULL. */
    void (*complete)(void *ctx, struct ui_candidates *out, const char *text, size_t cursor);
    /* Ctrl-X Ctrl-E: see ui_line_edit_begin.  May be NULL. */
    void (*edit)(void *ctx);
    /* The text or cursor has changed, by whatever way: draw again, save the draft some time. */
    void (*changed)(void *ctx);
};

struct ui_line_options {
    const char *prompt;       /* copied; "› " for example */
    const char *history_path; /* NULL: no history file.  Created 0600 */
    int history_max;          /* entries kept; 0: 1000 */
    int input_fd;             /* standard input */
    bool is_remote;           /* over SSH: Esc waits longer (300 ms instead of 50) */
    int escape_ms;            /* how long it waits whatever the connection; 0: as above */
};

/* HOOKS is copied.  A history file that cannot be read is no failure: the line works without it,
 * and ui_line_take_notice says why. */
enum cf_code ui_line_open(struct ui_line **line, const struct ui_line_options *options,
                          const struct ui_line_hooks *hooks, struct cf_err *err);
void ui_line_close(struct ui_line *line);

enum ui_line_input {
    UI_LINE_OK,
    UI_LINE_EOF, /* the terminal is gone */
};

/* Reads what is there (input_fd is readable) and acts on it; hooks are called from within. */
enum ui_line_input ui_line_read(struct ui_line *line);
/* How long the loop may wait before ui_line_tick must be called; -1: for ever. */
int ui_line_timeout_ms(const struct ui_line *line);
/* Time has passed: a lone Esc becomes a key, half a sequence is given up. */
void ui_line_tick(struct ui_line *line);
/* Drops bytes read but not acted on (after an editor had the terminal). */
void ui_line_flush(struct ui_line *line);

/* What is to be drawn.  Valid until the next call of any function with this line. */
struct ui_line_view {
    const char *prompt; /* the own one, or readline's: "(reverse-i-search)`x': ", "(arg: 4) " */
    const char *text;   /* as the user typed it: make safe before it is shown */
    size_t size;
    size_t cursor;                 /* byte offset, at a character's border */
    const char *const *candidates; /* of the last Tab, until the next key */
    size_t n_candidates;
    bool is_searching;  /* Ctrl-R is on */
    bool is_vi_command; /* vi mode, not inserting */
};

void ui_line_view(struct ui_line *line, struct ui_line_view *view);
bool ui_line_is_empty(const struct ui_line *line);
/* readline is in the middle of something (search, numeric argument, Ctrl-V, Ctrl-X …): the next
 * key belongs to it. */
bool ui_line_is_pending(const struct ui_line *line);

/* Rows needed to draw prompt and text in WIDTH columns, at least 1 (counting stops somewhere
 * beyond UI_GRID_MAX_HEIGHT).  The width is remembered:
 * Up and Down move by these rows and reach for the history at the first and last one. */
int ui_line_rows(struct ui_line *line, int width);
/* Draws prompt and text into RECT, scrolled so that the cursor shows; the cursor's place goes to
 * *x and *y (grid coordinates inside RECT, or -1 when RECT is empty). */
void ui_line_draw(struct ui_line *line, struct ui_grid *grid, struct ui_rect rect,
                  struct ui_style prompt_style, struct ui_style text_style, int *x, int *y);

/* Sets the text, cursor at its end, nothing to undo (a draft).  Invalid UTF-8 becomes U+FFFD. */
void ui_line_set(struct ui_line *line, const char *text, size_t size);
/* Replaces the text as one undoable change, cursor at its end. */
void ui_line_replace(struct ui_line *line, const char *text, size_t size);
/* Inserts at the cursor as one undoable change. */
void ui_line_insert(struct ui_line *line, const char *text, size_t size);
/* Empties the line, ends a search; undo brings it back. */
void ui_line_clear(struct ui_line *line);
/* Ends a search (the line is as it was before it), a numeric argument or a begun sequence. */
void ui_line_abort(struct ui_line *line);
void ui_line_set_prompt(struct ui_line *line, const char *prompt);
/* Adds to the history without submitting (a /command given otherwise). */
void ui_line_remember(struct ui_line *line, const char *text);

/* A sentence to show once (a paste was cut, the history file can't be written), or NULL; valid
 * until the next call with this line. */
const char *ui_line_take_notice(struct ui_line *line);

/* Appends the shell's command that edits the file "$1": $VISUAL, $EDITOR, editor or vi. */
void ui_line_editor(struct cf_buf *command);
/* Editing in $VISUAL or $EDITOR: begin writes the text to a new file (0600, in the folder
 * CF_FOLDER_RUNTIME of src/path) and gives an argv for ui_term_run, valid until end.  end takes the
 * text back as one undoable change and removes the file; when the editor failed (wait status not
 * 0) or its file can't be used, the line is as before, the file stays, and the sentence names it.
 */
enum cf_code ui_line_edit_begin(struct ui_line *line, const char *const **argv, struct cf_err *err);
enum cf_code ui_line_edit_end(struct ui_line *line, int wait_status, struct cf_err *err);

#endif
