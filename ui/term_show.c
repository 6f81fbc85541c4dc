/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Showing a grid through curses, which finds the shortest way from the last picture to this. */
#define NCURSES_WIDECHAR 1
#include "term_parts.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termcap.h>
#include <unistd.h>
#include <wchar.h>

static const char begin_sync[] = "\033[?2026h";
static const char end_sync[] = "\033[?2026l";

/* -- Colours ---------------------------------------------------------------------------------- */

struct rgb {
    int r, g, b;
};

/* xterm's palette: 16 colours, a cube of 6 x 6 x 6, 24 greys. */
static struct rgb rgb_of(int color)
{
    static const struct rgb basic[16] = {
        {0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0},
        {0, 0, 238},     {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
        {127, 127, 127}, {255, 0, 0},   {0, 255, 0},   {255, 255, 0},
        {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
    };
    if (color < 16) {
        return basic[color];
    }
    if (color >= 232) {
        int grey = 8 + (color - 232) * 10;
        return (struct rgb){grey, grey, grey};
    }
    static const int steps[6] = {0, 95, 135, 175, 215, 255};
    color -= 16;
    return (struct rgb){steps[color / 36], steps[color / 6 % 6], steps[color % 6]};
}

/* The nearest of the first N_COLORS colours. */
static int nearest(int color, int n_colors)
{
    if (color < 0) {
        return -1;
    }
    if (color < n_colors || n_colors == 256) {
        return color & 0xFF;
    }
    struct rgb wanted = rgb_of(color & 0xFF);
    int best = 0;
    int best_distance = 1 << 30;
    for (int i = 0; i < n_colors; i++) {
        struct rgb have = rgb_of(i);
        int r = wanted.r - have.r;
        int g = wanted.g - have.g;
        int b = wanted.b - have.b;
        int distance = r * r + g * g + b * b;
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

static attr_t attrs_of(unsigned attrs)
{
    static const struct {
        unsigned ours;
        attr_t theirs;
    } pairs[] = {
        {UI_ATTR_BOLD, A_BOLD},           {UI_ATTR_DIM, A_DIM},         {UI_ATTR_ITALIC, A_ITALIC},
        {UI_ATTR_UNDERLINE, A_UNDERLINE}, {UI_ATTR_REVERSE, A_REVERSE},
    };
    attr_t result = A_NORMAL;
    for (size_t i = 0; i < CF_ARRAY_SIZE(pairs); i++) {
        result |= attrs & pairs[i].ours ? pairs[i].theirs : A_NORMAL;
    }
    return result;
}

static int pair_of(const struct ui_term *term, struct ui_style style)
{
    int n_colors = term->can.n_colors;
    if (n_colors == 0 || (style.fg < 0 && style.bg < 0)) {
        return 0;
    }
    int pair = alloc_pair(nearest(style.fg, n_colors), nearest(style.bg, n_colors));
    return pair > 0 ? pair : 0;
}

/* -- Cells ------------------------------------------------------------------------------------ */

static void put_char(const struct ui_term *term, const wchar_t *chars, struct ui_style style)
{
    cchar_t cell;
    int pair = pair_of(term, style);
    if (setcchar(&cell, chars, attrs_of(style.attrs), 0, &pair) != ERR) {
        /* ERR in the last cell of the screen, where the cursor can't move on: drawn all the same.
         */
        (void)add_wch(&cell);
    }
}

/* Where the C library's width (which curses goes by) is not ours, U+FFFD keeps the columns right.
 */
static void put_cell(const struct ui_term *term, const struct ui_cell *cell)
{
    wchar_t chars[CF_TEXT_CELL_CHARS + 1] = {(wchar_t)cell->chars[0]};
    if (wcwidth(chars[0]) != cell->width) {
        put_char(term, L"\xFFFD", cell->style);
        if (cell->width == 2) {
            put_char(term, L" ", cell->style);
        }
        return;
    }
    size_t n = 1;
    for (size_t i = 1; i < CF_TEXT_CELL_CHARS && cell->chars[i] != 0; i++) {
        if (wcwidth((wchar_t)cell->chars[i]) == 0) {
            chars[n++] = (wchar_t)cell->chars[i];
        }
    }
    put_char(term, chars, cell->style);
}

static void put_row(const struct ui_term *term, const struct ui_grid *grid, int y)
{
    for (int x = 0; x < grid->width; x++) {
        const struct ui_cell *cell = ui_grid_at(grid, x, y);
        if (cell->width > 0) {
            move(y, x);
            put_cell(term, cell);
        }
    }
}

/* Whether GRID and cursor are on the screen already. */
static bool is_shown(const struct ui_term *term, const struct ui_grid *grid, int x, int y)
{
    if (term->is_forgotten || x != term->cursor_x || y != term->cursor_y) {
        return false;
    }
    for (int row = 0; row < grid->height; row++) {
        if (!ui_grid_row_equal(grid, &term->shown, row)) {
            return false;
        }
    }
    return true;
}

void ui_term_show(struct ui_term *term, const struct ui_grid *grid, int cursor_x, int cursor_y)
{
    if (term->is_given || term->is_hung_up) {
        return;
    }
    if (grid->width != term->shown.width || grid->height != term->shown.height) {
        ui_grid_resize(&term->shown, grid->width, grid->height);
        term->is_forgotten = true;
    }
    bool has_cursor =
        cursor_x >= 0 && cursor_x < term->width && cursor_y >= 0 && cursor_y < term->height;
    cursor_x = has_cursor ? cursor_x : -1;
    cursor_y = has_cursor ? cursor_y : -1;
    if (is_shown(term, grid, cursor_x, cursor_y)) {
        return;
    }
    if (term->is_forgotten) {
        erase();
        clearok(curscr, TRUE);
    }
    for (int y = 0; y < grid->height && y < term->height; y++) {
        if (term->is_forgotten || !ui_grid_row_equal(grid, &term->shown, y)) {
            put_row(term, grid, y);
        }
    }
    if (has_cursor) {
        move(cursor_y, cursor_x);
    }
    curs_set(has_cursor ? 1 : 0);
    wnoutrefresh(stdscr);
    if (term->can.has_sync) {
        ui_term_write(term, begin_sync, sizeof begin_sync - 1);
    }
    doupdate();
    if (term->can.has_sync) {
        ui_term_write(term, end_sync, sizeof end_sync - 1);
    }
    ui_grid_copy(&term->shown, grid);
    term->is_forgotten = false;
    term->cursor_x = cursor_x;
    term->cursor_y = cursor_y;
}

void ui_term_forget(struct ui_term *term)
{
    term->is_forgotten = true;
}

/* -- The screen as a whole -------------------------------------------------------------------- */

/* Appends a terminfo string without its padding. */
static void add_capability(struct ui_term_can *can, const char *name)
{
    const char *text = tigetstr(name);
    if (text == NULL || text == (char *)-1) {
        return;
    }
    while (*text != '\0' && can->n_restore < sizeof can->restore) {
        if (text[0] == '$' && text[1] == '<' && strchr(text, '>') != NULL) {
            text = strchr(text, '>') + 1;
        } else {
            can->restore[can->n_restore++] = *text++;
        }
    }
}

static bool has_string(const char *name)
{
    const char *text = tigetstr(name);
    return text != NULL && text != (char *)-1;
}

/* Whether NAME's terminal understands xterm's private modes, or at least swallows them. */
static bool is_like_xterm(const char *name)
{
    static const char *const families[] = {
        "xterm", "tmux", "screen",  "foot",    "alacritty", "kitty", "rxvt",   "konsole", "gnome",
        "vte",   "st",   "wezterm", "contour", "ghostty",   "putty", "mlterm", "iterm",   "nsterm"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(families); i++) {
        if (strncmp(name, families[i], strlen(families[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void find_abilities(struct ui_term *term, bool is_colorless)
{
    struct ui_term_can *can = &term->can;
    int n_colors = tigetnum("colors");
    /* More than 256: numbers above 7 are RGB values there, not palette entries. */
    can->n_colors = n_colors > 256    ? 8
                    : n_colors == 256 ? 256
                    : n_colors >= 16  ? 16
                    : n_colors >= 8   ? 8
                                      : 0;
    const char *no_color = getenv("NO_COLOR");
    if (is_colorless || (no_color != NULL && no_color[0] != '\0')) {
        can->n_colors = 0;
    }
    can->is_xterm = is_like_xterm(can->name);
    can->has_sync = has_string("Sync") || strncmp(can->name, "xterm", 5) == 0;
    can->n_restore = 0;
    add_capability(can, "sgr0");
    add_capability(can, "rmkx");
    add_capability(can, "rmcup");
    add_capability(can, "cnorm"); /* last: see ui_term_screen_leave */
}

/* Starts curses with TERM's terminfo entry, or xterm-256color in the place of one unknown. */
static enum cf_code start_curses(struct ui_term *term, struct cf_err *err)
{
    static const char fallback[] = "xterm-256color";
    const char *wanted = getenv("TERM");
    wanted = wanted != NULL ? wanted : "";
    struct cf_buf shown = CF_BUF_INIT;
    cf_text_make_safe(&shown, wanted, strnlen(wanted, 60));
    const char *name = wanted;
    if (wanted[0] == '\0' || tgetent(NULL, wanted) != 1) {
        name = fallback;
        snprintf(term->notice, sizeof term->notice,
                 "the terminal '%.100s' is unknown here; using %s", shown.data, name);
    }
    enum cf_code code = CF_OK;
    if (name == fallback && tgetent(NULL, name) != 1) {
        code = cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "no description of the terminal '%s' is installed", shown.data);
    } else if (!has_string("cup") || !has_string("clear")) {
        code = cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "the terminal '%s' cannot move its cursor; use 'confab ask' there",
                          shown.data);
    } else {
        /* Curses begins with the entry's size, which a Linux console's does not have. */
        use_tioctl(tigetnum("lines") <= 0 || tigetnum("cols") <= 0);
        term->screen = newterm(name, stdout, stdin);
        if (term->screen == NULL) {
            code = cf_err_set(err, CF_ERR_UNSUPPORTED, "cannot use the terminal '%s'", shown.data);
        }
    }
    snprintf(term->can.name, sizeof term->can.name, "%.63s", name);
    cf_buf_release(&shown);
    return code;
}

enum cf_code ui_term_screen_open(struct ui_term *term, bool is_colorless, struct cf_err *err)
{
    /* The size is the terminal's own, not what LINES and COLUMNS once were. */
    use_env(FALSE);
    enum cf_code code = start_curses(term, err);
    if (code != CF_OK) {
        return code;
    }
    set_term(term->screen);
    find_abilities(term, is_colorless);
    if (term->can.n_colors > 0) {
        start_color();
        use_default_colors();
    }
    /* Never look at the input, which is not ours; never scroll. */
    typeahead(-1);
    scrollok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    nonl();
    term->is_forgotten = true;
    ui_term_screen_resize(term);
    return CF_OK;
}

void ui_term_screen_resize(struct ui_term *term)
{
    if (!is_term_resized(term->height, term->width)) {
        return;
    }
    resize_term(term->height, term->width);
    term->is_forgotten = true;
}

void ui_term_screen_leave(struct ui_term *term)
{
    (void)term;
    curs_set(1);
    endwin();
    /* Leaving the other screen restores what was saved last, and curses saves when it scrolls: in
     * some terminals that is a hidden cursor. */
    if (!has_string("rmcup") && has_string("el")) {
        /* There is no other screen to leave: the last row is the shell's now. */
        putp(tigetstr("el"));
        fflush(stdout);
    }
    const char *cnorm = tigetstr("cnorm");
    if (has_string("cnorm")) {
        putp(cnorm);
        fflush(stdout);
    }
}

void ui_term_screen_return(struct ui_term *term)
{
    def_prog_mode();
    term->is_forgotten = true;
    term->cursor_x = term->cursor_y = -2;
}

void ui_term_screen_close(struct ui_term *term)
{
    if (term->screen != NULL) {
        if (!term->is_given) {
            ui_term_screen_leave(term);
        }
        delscreen(term->screen);
        term->screen = NULL;
    }
}

const char *ui_term_library(void)
{
    return curses_version();
}
