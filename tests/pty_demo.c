/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest program over ui/term and ui/line: what is sent stands above, the line below. */
#include "pty_demo.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "mapping.h"
#include "mem.h"
#include "term.h"
#include "thread.h"

enum { N_LINES = 200 };

struct demo {
    struct ui_line *line;
    struct ui_term *term;
    struct ui_grid grid;
    char *lines[N_LINES];
    size_t n_lines;
    char note[128];
    bool is_over;
};

static bool is_over(const struct demo *demo)
{
    return demo->is_over;
}

static void draw(struct demo *demo)
{
    int width = 0;
    int height = 0;
    ui_term_size(demo->term, &width, &height);
    ui_grid_resize(&demo->grid, width, height);
    struct ui_grid *grid = &demo->grid;
    int n_rows = ui_line_rows(demo->line, width);
    n_rows = n_rows < height - 2 ? n_rows : height - 2;
    n_rows = n_rows < 1 ? 1 : n_rows;
    int top = height - n_rows;
    struct ui_style bold = {.fg = 4, .bg = UI_COLOR_DEFAULT, .attrs = UI_ATTR_BOLD};
    ui_grid_putf(grid, 0, 0, width, bold, "demo %dx%d colours %d", width, height,
                 ui_term_n_colors(demo->term));
    size_t n_shown = top > 2 ? (size_t)top - 2 : 0;
    size_t first = demo->n_lines > n_shown ? demo->n_lines - n_shown : 0;
    for (size_t i = first; i < demo->n_lines; i++) {
        ui_grid_put_str(grid, 0, 1 + (int)(i - first), width, demo->lines[i], UI_STYLE_PLAIN);
    }
    if (top > 1) {
        ui_grid_put_str(grid, 0, top - 1, width, demo->note, UI_STYLE_PLAIN);
    }
    int x = -1;
    int y = -1;
    struct ui_rect rect = {.y = top, .width = width, .height = n_rows};
    ui_line_draw(demo->line, grid, rect, bold, UI_STYLE_PLAIN, &x, &y);
    ui_term_show(demo->term, grid, x, y);
}

static void note(struct demo *demo, const char *text)
{
    snprintf(demo->note, sizeof demo->note, "%s", text);
}

/* -- What can be typed --------------------------------------------------------------------------
 */

/* Reads, in a thread as the model's are, from a mapped file that was cut short. */
static void *read_mapping(void *ctx)
{
    const struct cf_mapping *mapping = ctx;
    volatile const unsigned char *bytes = mapping->data;
    fputc(bytes[mapping->size - 1], stderr);
    return NULL;
}

static void read_cut_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct cf_mapping mapping = {0};
    pthread_t thread;
    if (fd >= 0 && ftruncate(fd, 8192) == 0 && cf_mapping_open(&mapping, path, NULL) == CF_OK &&
        ftruncate(fd, 0) == 0 && cf_thread_start(&thread, read_mapping, &mapping) == 0) {
        pthread_join(thread, NULL);
    }
}

static void act(struct demo *demo, const char *text)
{
    if (strcmp(text, ":abort") == 0) {
        abort();
    } else if (strcmp(text, ":crash") == 0) {
        raise(SIGSEGV);
    } else if (strncmp(text, ":bus ", 5) == 0) {
        read_cut_file(text + 5);
    } else if (strcmp(text, ":quit") == 0) {
        demo->is_over = true;
    } else if (strncmp(text, ":run ", 5) == 0) {
        const char *argv[] = {"sh", "-c", text + 5, NULL};
        struct cf_err err = CF_ERR_INIT;
        if (ui_term_run(demo->term, argv, NULL, &err) != CF_OK) {
            note(demo, err.text);
        }
    }
}

static bool on_key(void *ctx, uint32_t key)
{
    struct demo *demo = ctx;
    uint32_t code = key & UI_KEY_CODE;
    if (key == (UI_KEY_CTRL | 'z')) {
        ui_term_suspend(demo->term);
    } else if (key == (UI_KEY_CTRL | 'd') && ui_line_is_empty(demo->line)) {
        demo->is_over = true;
    } else if (key == (UI_KEY_CTRL | 'c')) {
        ui_line_clear(demo->line);
    } else if (key == (UI_KEY_CTRL | 'l')) {
        ui_term_forget(demo->term);
    } else if (key == UI_KEY_ESC || (code >= UI_KEY_F1 && code <= UI_KEY_F12) ||
               (key & UI_KEY_ALT && code >= UI_KEY_UP && code <= UI_KEY_RIGHT)) {
        char name[UI_KEY_TEXT_SIZE];
        ui_key_format(name, key);
        snprintf(demo->note, sizeof demo->note, "key %s", name);
    } else {
        return false;
    }
    return true;
}

static void on_submit(void *ctx, const char *text, size_t size)
{
    struct demo *demo = ctx;
    (void)size;
    if (demo->n_lines < N_LINES) {
        demo->lines[demo->n_lines++] = cf_strdup(text);
    }
    act(demo, text);
}

static void on_edit(void *ctx)
{
    struct demo *demo = ctx;
    const char *const *argv = NULL;
    struct cf_err err = CF_ERR_INIT;
    enum cf_code code = ui_line_edit_begin(demo->line, &argv, &err);
    if (code == CF_OK) {
        code = ui_term_run(demo->term, argv, NULL, &err);
    }
    if (code != CF_OK) {
        note(demo, err.text);
    }
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

/* -- The loop -----------------------------------------------------------------------------------
 */

static void on_events(struct demo *demo, unsigned events)
{
    if (events & UI_TERM_CHILD) {
        struct cf_err err = CF_ERR_INIT;
        note(demo, "child ended");
        struct ui_line_view view;
        ui_line_view(demo->line, &view);
        if (view.size > 0 &&
            ui_line_edit_end(demo->line, ui_term_child_status(demo->term), &err) != CF_OK) {
            note(demo, err.text);
        }
    }
    if (events & UI_TERM_SUSPEND) {
        ui_term_suspend(demo->term);
    }
    if (events & UI_TERM_INTERRUPT) {
        note(demo, "interrupted");
    }
    demo->is_over = demo->is_over || (events & (UI_TERM_TERMINATE | UI_TERM_HANGUP));
}

static void loop(struct demo *demo)
{
    while (!is_over(demo)) {
        draw(demo);
        bool is_given = ui_term_is_given(demo->term);
        struct pollfd fds[] = {{.fd = is_given ? -1 : STDIN_FILENO, .events = POLLIN},
                               {.fd = ui_term_fd(demo->term), .events = POLLIN}};
        int n_ready = poll(fds, 2, is_given ? -1 : ui_line_timeout_ms(demo->line));
        if (n_ready == 0) {
            ui_line_tick(demo->line);
        }
        if (n_ready > 0 && fds[1].revents != 0) {
            on_events(demo, ui_term_take_events(demo->term));
        }
        if (n_ready > 0 && fds[0].revents != 0 && !ui_term_is_given(demo->term) &&
            ui_line_read(demo->line) == UI_LINE_EOF) {
            demo->is_over = true;
        }
    }
}

int pty_demo_main(void)
{
    struct demo demo = {.note = "ready"};
    struct ui_line_hooks hooks = {
        .ctx = &demo, .key = on_key, .submit = on_submit, .edit = on_edit, .changed = on_changed};
    struct ui_line_options line_options = {.prompt = "> ", .input_fd = STDIN_FILENO};
    struct ui_term_options term_options = {0};
    struct cf_err err = CF_ERR_INIT;
    ui_term_set_locale();
    enum cf_code code = ui_line_open(&demo.line, &line_options, &hooks, &err);
    if (code == CF_OK) {
        code = ui_term_open(&demo.term, &term_options, &err);
    }
    if (code == CF_OK) {
        if (ui_term_notice(demo.term) != NULL) {
            note(&demo, ui_term_notice(demo.term));
        }
        loop(&demo);
    }
    ui_term_close(demo.term);
    ui_line_close(demo.line);
    ui_grid_release(&demo.grid);
    for (size_t i = 0; i < demo.n_lines; i++) {
        free(demo.lines[i]);
    }
    if (code != CF_OK) {
        fprintf(stderr, "demo: %s\n", err.text);
        return 1;
    }
    return 0;
}
