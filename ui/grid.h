/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grid: a picture of the screen: rows of cells with a style.  Panes draw here and nowhere else;
 * ui/term shows a grid; tests dump it as text.
 *
 * Invariants (ui_grid_assert_sane):
 *  1. a cell of width 2 is followed, in its row, by a cell of width 0 with the same style;
 *  2. a cell of width 0 follows a cell of width 2; all others have width 1 or 2;
 *  3. chars[0] of a cell of width 1 or 2 is printable (space if empty), the rest are marks or 0.
 * Drawing over half a wide character turns its other half into a space.  Everything is clipped:
 * any position and size may be passed, also negative ones.  Nothing drawn can hold a control. */
#ifndef UI_GRID_H
#define UI_GRID_H

#include "buf.h"
#include "text.h"

enum {
    UI_COLOR_DEFAULT = -1, /* the terminal's own; others are palette colours 0 to 255 */
};

enum {
    UI_ATTR_BOLD = 1,
    UI_ATTR_DIM = 2,
    UI_ATTR_ITALIC = 4,
    UI_ATTR_UNDERLINE = 8,
    UI_ATTR_REVERSE = 16,
};

/* ui/term maps colours to what the terminal has: the nearest of 16 or 8, or none. */
struct ui_style {
    int16_t fg;
    int16_t bg;
    uint16_t attrs; /* UI_ATTR_… */
};

#define UI_STYLE_PLAIN ((struct ui_style){.fg = UI_COLOR_DEFAULT, .bg = UI_COLOR_DEFAULT})

struct ui_cell {
    uint32_t chars[CF_TEXT_CELL_CHARS];
    struct ui_style style;
    uint16_t width; /* 1, 2, or 0 for the right half of a wide character */
};

struct ui_grid {
    int width, height;     /* in cells, 0 allowed */
    struct ui_cell *cells; /* [height][width], NULL when there are none */
};

struct ui_rect {
    int x, y, width, height;
};

enum { UI_GRID_MAX_WIDTH = 1000, UI_GRID_MAX_HEIGHT = 500 };

/* Zero-initialised is an empty grid of 0 x 0. */
void ui_grid_release(struct ui_grid *grid);
/* Sets the size (cut to the largest) and clears everything; keeps the memory where it fits. */
void ui_grid_resize(struct ui_grid *grid, int width, int height);
void ui_grid_clear(struct ui_grid *grid);
void ui_grid_copy(struct ui_grid *to, const struct ui_grid *from);
bool ui_grid_row_equal(const struct ui_grid *a, const struct ui_grid *b, int y);
/* The cell at a position inside the grid. */
const struct ui_cell *ui_grid_at(const struct ui_grid *grid, int x, int y);

/* Draws TEXT from column X of row Y to the edge of the grid or, at most, column END (exclusive),
 * and returns the column behind what was drawn (also what would have been drawn left of column 0
 * is counted).  A wide character that does not fit whole is left out and ends the text, its first
 * column blank.  Tabs go to the next of the stops counted from ORIGIN; a newline ends the text. */
int ui_grid_put_from(struct ui_grid *grid, int x, int y, int end, int origin, const char *text,
                     size_t size, struct ui_style style);
/* The same with tab stops counted from X. */
int ui_grid_put(struct ui_grid *grid, int x, int y, int end, const char *text, size_t size,
                struct ui_style style);
int ui_grid_put_str(struct ui_grid *grid, int x, int y, int end, const char *text,
                    struct ui_style style);
int ui_grid_putf(struct ui_grid *grid, int x, int y, int end, struct ui_style style,
                 const char *format, ...) CF_PRINTF(6, 7);
/* Draws TEXT so that it ends before column END, cut at its beginning no further than BEGIN. */
void ui_grid_put_right(struct ui_grid *grid, int begin, int y, int end, const char *text,
                       struct ui_style style);

/* Fills a rectangle with a character of width 1. */
void ui_grid_fill(struct ui_grid *grid, struct ui_rect rect, uint32_t c, struct ui_style style);
/* Changes the style of what is drawn there already. */
void ui_grid_restyle(struct ui_grid *grid, struct ui_rect rect, struct ui_style style);
/* Adds attributes to what is drawn there already (a selection, a cursor of our own). */
void ui_grid_add_attrs(struct ui_grid *grid, struct ui_rect rect, uint16_t attrs);
/* ─, │ and a border of ┌┐└┘ inside RECT. */
void ui_grid_hline(struct ui_grid *grid, int x, int y, int width, struct ui_style style);
void ui_grid_vline(struct ui_grid *grid, int x, int y, int height, struct ui_style style);
void ui_grid_box(struct ui_grid *grid, struct ui_rect rect, struct ui_style style);

/* The grid as text for golden tests: one line a row, spaces at the end of rows removed. */
void ui_grid_dump(const struct ui_grid *grid, struct cf_buf *out);
/* The same with every change of style marked: {fg bg attrs} as in "{4 - bu}", "{}" for plain. */
void ui_grid_dump_styled(const struct ui_grid *grid, struct cf_buf *out);

void ui_grid_assert_sane(const struct ui_grid *grid);

#endif
