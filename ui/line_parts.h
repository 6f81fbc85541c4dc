/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line_parts: what the files of ui/line share.  readline has one state for the process, so there
 * is one ui_line, and readline's callbacks find it in ui_line_the. */
#ifndef UI_LINE_PARTS_H
#define UI_LINE_PARTS_H

#include "clock.h"
#include "line.h"

#include "line_decode.h"
#include "wrap.h"
#include <stdio.h>

/* How the text is laid out: a cache, brought up to date by ui_line_lay. */
struct ui_line_layout {
    struct cf_buf raw;    /* the text as it was laid out */
    struct cf_buf safe;   /* the same, safe to show */
    struct cf_buf prompt; /* safe */
    bool is_same;         /* what lies behind the prompt in safe equals raw, so offsets do too */
    bool is_flowing;      /* the prompt is too wide to stand beside: it is the beginning of safe */
    struct ui_wrap wrap;  /* of safe */
    int indent;           /* columns of the prompt, 0 when it flows */
    int width;            /* of prompt and text */
    size_t top;           /* first row shown */
};

struct ui_line {
    struct ui_line_hooks hooks;
    struct ui_decoder decoder;
    struct cf_buf queue;  /* bytes on their way to readline */
    size_t n_taken;       /* of them taken */
    struct cf_buf prompt; /* the owner's */
    struct cf_buf shown_prompt;
    int input_fd;
    int width; /* of the last ui_line_rows; 0: not known */
    bool has_ended;
    bool is_quoting; /* the next key is to be inserted as it is (Ctrl-V) */
    bool wants_edit; /* Ctrl-X Ctrl-E was pressed */
    bool has_submitted;
    struct cf_buf submitted;
    struct ui_candidates candidates;
    bool has_candidates; /* to be shown */
    char *history_path;
    int history_max;
    char notice[256];
    char taken_notice[256];
    struct cf_buf edit_command;
    struct ui_line_layout layout;
    int goal_column; /* Up and Down keep to it; -1: none */
    char *edit_path; /* while an editor has the text, else NULL */
    const char *edit_argv[6];
    FILE *nowhere;
};

extern struct ui_line *ui_line_the;

/* -- line_readline.c -------------------------------------------------------------------------- */

/* Starts readline: names, keys, hooks, the user's inputrc. */
enum cf_code ui_line_readline_open(struct ui_line *line, struct cf_err *err);
void ui_line_readline_close(struct ui_line *line);
bool ui_line_has_queued(const struct ui_line *line);
bool ui_line_is_vi_inserting(void);
void ui_line_drop_candidates(struct ui_line *line);

/* -- line_feed.c ------------------------------------------------------------------------------ */

/* Gives one key to readline, in the bytes that it knows it by. */
void ui_line_feed(struct ui_line *line, const struct ui_input *input);

/* -- line_draw.c ------------------------------------------------------------------------------ */

/* Lays out the text for line->width; rows after the cursor's may be left for later. */
void ui_line_lay(struct ui_line *line);
/* The byte a row above (-1) or below (1) the cursor, in the same column or line->goal_column;
 * false when there is no such row. */
bool ui_line_move_rows(struct ui_line *line, int direction, size_t *cursor);
void ui_line_layout_release(struct ui_line_layout *layout);

/* -- line_history.c --------------------------------------------------------------------------- */

/* Reads the history file into readline's history. */
enum cf_code ui_line_history_load(struct ui_line *line, struct cf_err *err);
/* Adds to readline's history and to the file, unless it equals the last entry. */
void ui_line_history_add(struct ui_line *line, const char *text);

#endif
