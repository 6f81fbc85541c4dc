/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grid.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct ui_cell blank(struct ui_style style)
{
    return (struct ui_cell){.chars = {' '}, .style = style, .width = 1};
}

static struct ui_cell *cell_at(const struct ui_grid *grid, int x, int y)
{
    return grid->cells + (size_t)y * (size_t)grid->width + (size_t)x;
}

static bool is_inside(const struct ui_grid *grid, int x, int y)
{
    return x >= 0 && x < grid->width && y >= 0 && y < grid->height;
}

/* The part of RECT that lies inside the grid; width and height are not negative. */
static struct ui_rect clip(const struct ui_grid *grid, struct ui_rect rect)
{
    int left = rect.x > 0 ? rect.x : 0;
    int top = rect.y > 0 ? rect.y : 0;
    int64_t right = (int64_t)rect.x + rect.width;
    int64_t bottom = (int64_t)rect.y + rect.height;
    right = right < grid->width ? right : grid->width;
    bottom = bottom < grid->height ? bottom : grid->height;
    return (struct ui_rect){.x = left,
                            .y = top,
                            .width = right > left ? (int)right - left : 0,
                            .height = bottom > top ? (int)bottom - top : 0};
}

void ui_grid_release(struct ui_grid *grid)
{
    free(grid->cells);
    *grid = (struct ui_grid){0};
}

static int limit(int value, int max)
{
    return value < 0 ? 0 : value > max ? max : value;
}

void ui_grid_resize(struct ui_grid *grid, int width, int height)
{
    width = limit(width, UI_GRID_MAX_WIDTH);
    height = limit(height, UI_GRID_MAX_HEIGHT);
    size_t n = (size_t)width * (size_t)height;
    if (n == 0) {
        free(grid->cells);
        grid->cells = NULL;
    } else if (n != (size_t)grid->width * (size_t)grid->height || grid->cells == NULL) {
        grid->cells = cf_realloc_array(grid->cells, n, sizeof *grid->cells);
    }
    grid->width = width;
    grid->height = height;
    ui_grid_clear(grid);
}

void ui_grid_clear(struct ui_grid *grid)
{
    size_t n = (size_t)grid->width * (size_t)grid->height;
    for (size_t i = 0; i < n; i++) {
        grid->cells[i] = blank(UI_STYLE_PLAIN);
    }
}

void ui_grid_copy(struct ui_grid *to, const struct ui_grid *from)
{
    if (to->width != from->width || to->height != from->height) {
        ui_grid_resize(to, from->width, from->height);
    }
    size_t n = (size_t)from->width * (size_t)from->height;
    if (n > 0) {
        memcpy(to->cells, from->cells, n * sizeof *from->cells);
    }
}

static bool style_equal(struct ui_style a, struct ui_style b)
{
    return a.fg == b.fg && a.bg == b.bg && a.attrs == b.attrs;
}

bool ui_grid_row_equal(const struct ui_grid *a, const struct ui_grid *b, int y)
{
    assert(a->width == b->width && y >= 0 && y < a->height && y < b->height);
    /* A cell has no padding: three kinds of members, widest first. */
    _Static_assert(sizeof(struct ui_cell) == CF_TEXT_CELL_CHARS * 4 + 8, "ui_cell has no padding");
    return a->width == 0 ||
           memcmp(cell_at(a, 0, y), cell_at(b, 0, y), (size_t)a->width * sizeof *a->cells) == 0;
}

const struct ui_cell *ui_grid_at(const struct ui_grid *grid, int x, int y)
{
    assert(is_inside(grid, x, y));
    return cell_at(grid, x, y);
}

/* Before the columns [x, x + width) of a row, all inside, are overwritten: wide characters that
 * reach across their edges lose the half outside. */
static void cut_edges(struct ui_grid *grid, int x, int y, int width)
{
    if (x > 0 && cell_at(grid, x, y)->width == 0) {
        struct ui_cell *left = cell_at(grid, x - 1, y);
        *left = blank(left->style);
    }
    if (x + width < grid->width && cell_at(grid, x + width, y)->width == 0) {
        struct ui_cell *right = cell_at(grid, x + width, y);
        *right = blank(right->style);
    }
}

/* Overwrites columns [x, x + width) of row Y, wherever they lie, with blanks. */
static void blank_columns(struct ui_grid *grid, int x, int y, int width, struct ui_style style)
{
    ui_grid_fill(grid, (struct ui_rect){.x = x, .y = y, .width = width, .height = 1}, ' ', style);
}

static void put_cell(struct ui_grid *grid, int x, int y, const struct cf_cell_text *text,
                     struct ui_style style)
{
    if (!is_inside(grid, x, y) || x + text->width > grid->width) {
        blank_columns(grid, x, y, text->width, style);
        return;
    }
    cut_edges(grid, x, y, text->width);
    struct ui_cell *cell = cell_at(grid, x, y);
    memcpy(cell->chars, text->chars, sizeof cell->chars);
    cell->style = style;
    cell->width = (uint16_t)text->width;
    if (text->width == 2) {
        cell[1] = (struct ui_cell){.style = style};
    }
}

/* The first tab stop behind X, stops counted from ORIGIN. */
static int next_stop(int x, int origin)
{
    int column = x - origin;
    int over = (column % CF_TEXT_TAB + CF_TEXT_TAB) % CF_TEXT_TAB;
    return x + CF_TEXT_TAB - over;
}

int ui_grid_put_from(struct ui_grid *grid, int x, int y, int end, int origin, const char *text,
                     size_t size, struct ui_style style)
{
    end = end < grid->width ? end : grid->width;
    struct cf_cell_text cell;
    for (size_t at = 0; at < size && x < end;) {
        at += cf_text_next_cell(&cell, text + at, size - at);
        if (cell.chars[0] == '\n') {
            break;
        }
        int next = cell.chars[0] == '\t' ? next_stop(x, origin) : x + cell.width;
        if (cell.chars[0] == '\t' || next > end) {
            next = next < end ? next : end;
            blank_columns(grid, x, y, next - x, style);
            if (cell.chars[0] != '\t') {
                return next;
            }
        } else if (cell.width > 0) {
            put_cell(grid, x, y, &cell, style);
        }
        x = next;
    }
    return x;
}

int ui_grid_put(struct ui_grid *grid, int x, int y, int end, const char *text, size_t size,
                struct ui_style style)
{
    return ui_grid_put_from(grid, x, y, end, x, text, size, style);
}

int ui_grid_put_str(struct ui_grid *grid, int x, int y, int end, const char *text,
                    struct ui_style style)
{
    return ui_grid_put(grid, x, y, end, text, strlen(text), style);
}

int ui_grid_putf(struct ui_grid *grid, int x, int y, int end, struct ui_style style,
                 const char *format, ...)
{
    struct cf_buf text = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&text, format, args);
    va_end(args);
    x = ui_grid_put(grid, x, y, end, text.data, text.size, style);
    cf_buf_release(&text);
    return x;
}

void ui_grid_put_right(struct ui_grid *grid, int begin, int y, int end, const char *text,
                       struct ui_style style)
{
    size_t size = strlen(text);
    int width = cf_text_width(text, size, 0);
    struct cf_cell_text cell;
    while (width > end - begin && size > 0) {
        size_t n = cf_text_next_cell(&cell, text, size);
        text += n;
        size -= n;
        width = cf_text_width(text, size, 0);
    }
    ui_grid_put(grid, end - width, y, end, text, size, style);
}

void ui_grid_fill(struct ui_grid *grid, struct ui_rect rect, uint32_t c, struct ui_style style)
{
    rect = clip(grid, rect);
    if (rect.width == 0) {
        return;
    }
    struct ui_cell cell = blank(style);
    cell.chars[0] = cf_text_char_width(c) == 1 ? c : CF_TEXT_REPLACEMENT;
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        cut_edges(grid, rect.x, y, rect.width);
        struct ui_cell *row = cell_at(grid, rect.x, y);
        for (int x = 0; x < rect.width; x++) {
            row[x] = cell;
        }
    }
}

/* RECT clipped and, on row Y, widened so that it holds wide characters whole. */
static struct ui_rect whole_cells(const struct ui_grid *grid, struct ui_rect rect, int y)
{
    if (rect.width > 0 && cell_at(grid, rect.x, y)->width == 0) {
        rect.x--;
        rect.width++;
    }
    if (rect.width > 0 && rect.x + rect.width < grid->width &&
        cell_at(grid, rect.x + rect.width, y)->width == 0) {
        rect.width++;
    }
    return rect;
}

void ui_grid_restyle(struct ui_grid *grid, struct ui_rect rect, struct ui_style style)
{
    rect = clip(grid, rect);
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        struct ui_rect row = whole_cells(grid, rect, y);
        for (int x = row.x; x < row.x + row.width; x++) {
            cell_at(grid, x, y)->style = style;
        }
    }
}

void ui_grid_add_attrs(struct ui_grid *grid, struct ui_rect rect, uint16_t attrs)
{
    rect = clip(grid, rect);
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        struct ui_rect row = whole_cells(grid, rect, y);
        for (int x = row.x; x < row.x + row.width; x++) {
            cell_at(grid, x, y)->style.attrs |= attrs;
        }
    }
}

void ui_grid_hline(struct ui_grid *grid, int x, int y, int width, struct ui_style style)
{
    ui_grid_fill(grid, (struct ui_rect){.x = x, .y = y, .width = width, .height = 1}, 0x2500,
                 style);
}

void ui_grid_vline(struct ui_grid *grid, int x, int y, int height, struct ui_style style)
{
    ui_grid_fill(grid, (struct ui_rect){.x = x, .y = y, .width = 1, .height = height}, 0x2502,
                 style);
}

static void put_char(struct ui_grid *grid, int x, int y, uint32_t c, struct ui_style style)
{
    ui_grid_fill(grid, (struct ui_rect){.x = x, .y = y, .width = 1, .height = 1}, c, style);
}

void ui_grid_box(struct ui_grid *grid, struct ui_rect rect, struct ui_style style)
{
    if (rect.width < 2 || rect.height < 2) {
        return;
    }
    int right = rect.x + rect.width - 1;
    int bottom = rect.y + rect.height - 1;
    ui_grid_hline(grid, rect.x, rect.y, rect.width, style);
    ui_grid_hline(grid, rect.x, bottom, rect.width, style);
    ui_grid_vline(grid, rect.x, rect.y, rect.height, style);
    ui_grid_vline(grid, right, rect.y, rect.height, style);
    put_char(grid, rect.x, rect.y, 0x250C, style);
    put_char(grid, right, rect.y, 0x2510, style);
    put_char(grid, rect.x, bottom, 0x2514, style);
    put_char(grid, right, bottom, 0x2518, style);
}

static void dump_style(struct ui_style style, struct cf_buf *out)
{
    cf_buf_add_char(out, '{');
    if (!style_equal(style, UI_STYLE_PLAIN)) {
        const int16_t colors[] = {style.fg, style.bg};
        for (size_t i = 0; i < 2; i++) {
            if (colors[i] == UI_COLOR_DEFAULT) {
                cf_buf_add_str(out, "- ");
            } else {
                cf_buf_addf(out, "%d ", colors[i]);
            }
        }
        static const char letters[] = "bdiur";
        for (size_t i = 0; letters[i] != '\0'; i++) {
            if (style.attrs & (1U << i)) {
                cf_buf_add_char(out, letters[i]);
            }
        }
    }
    cf_buf_add_char(out, '}');
}

static void dump_row(const struct ui_grid *grid, int y, bool has_style, struct cf_buf *out)
{
    struct ui_style style = UI_STYLE_PLAIN;
    size_t end = out->size;
    for (int x = 0; x < grid->width; x++) {
        const struct ui_cell *cell = cell_at(grid, x, y);
        if (has_style && !style_equal(style, cell->style)) {
            style = cell->style;
            dump_style(style, out);
            end = out->size;
        }
        for (int i = 0; i < CF_TEXT_CELL_CHARS && cell->chars[i] != 0; i++) {
            char bytes[4];
            cf_buf_add(out, bytes, cf_text_encode(bytes, cell->chars[i]));
        }
        if (cell->width != 1 || cell->chars[0] != ' ' || cell->chars[1] != 0) {
            end = out->size;
        }
    }
    cf_buf_truncate(out, end);
    cf_buf_add_char(out, '\n');
}

void ui_grid_dump(const struct ui_grid *grid, struct cf_buf *out)
{
    for (int y = 0; y < grid->height; y++) {
        dump_row(grid, y, false, out);
    }
}

void ui_grid_dump_styled(const struct ui_grid *grid, struct cf_buf *out)
{
    for (int y = 0; y < grid->height; y++) {
        dump_row(grid, y, true, out);
    }
}

static void assert_sane_cell(const struct ui_grid *grid, int x, int y)
{
    const struct ui_cell *cell = cell_at(grid, x, y);
    if (cell->width == 0) {
        assert(x > 0 && cell[-1].width == 2);
        assert(cell->chars[0] == 0);
        return;
    }
    assert(cell->width == 1 || cell->width == 2);
    assert(cf_text_char_width(cell->chars[0]) == cell->width);
    for (int i = 1; i < CF_TEXT_CELL_CHARS; i++) {
        assert(cell->chars[i] == 0 || cf_text_char_width(cell->chars[i]) == 0);
    }
    if (cell->width == 2) {
        assert(x + 1 < grid->width && cell[1].width == 0);
        assert(style_equal(cell->style, cell[1].style));
    }
}

void ui_grid_assert_sane(const struct ui_grid *grid)
{
    assert(grid->width >= 0 && grid->width <= UI_GRID_MAX_WIDTH);
    assert(grid->height >= 0 && grid->height <= UI_GRID_MAX_HEIGHT);
    for (int y = 0; y < grid->height; y++) {
        for (int x = 0; x < grid->width; x++) {
            assert_sane_cell(grid, x, y);
        }
    }
}
