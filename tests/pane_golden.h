/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_golden: scenes drawn at many sizes and compared with tests/fixtures/ui/SCENE.txt.  With
 * CONFAB_UPDATE_GOLDEN=1 in the environment the files are written instead: look at the difference
 * before it is committed. */
#ifndef PANE_GOLDEN_H
#define PANE_GOLDEN_H

#include <stdio.h>

#include "fake_chat.h"

static const struct {
    int width;
    int height;
} sizes[] = {{80, 24}, {60, 20}, {40, 10}, {120, 40}, {200, 60}, {20, 5}};

static inline void draw(struct fake_chat *chat, int width, int height, struct ui_grid *grid,
                        struct ui_layout *layout)
{
    struct ui_paint paint = {grid, &chat->theme};
    fake_fill(chat);
    ui_grid_resize(grid, width, height);
    ui_screen_draw(&chat->screen, &paint, &chat->data, layout);
    ui_grid_assert_sane(grid);
}

/* The scene at all sizes, from a fresh place of the reader each time unless PREPARE moves it. */
static inline void dump_scene(struct fake_chat *chat, void (*prepare)(struct fake_chat *chat),
                              struct cf_buf *out)
{
    struct ui_grid grid = {0};
    struct ui_layout layout;
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        ui_screen_release(&chat->screen);
        memset(&chat->screen, 0, sizeof chat->screen);
        draw(chat, sizes[i].width, sizes[i].height, &grid, &layout);
        if (prepare != NULL) {
            prepare(chat);
            draw(chat, sizes[i].width, sizes[i].height, &grid, &layout);
        }
        ui_grid_put_str(&grid, 0, layout.input.y, grid.width, "› and when it snows?",
                        UI_STYLE_PLAIN);
        cf_buf_addf(out, "=== %dx%d\n", sizes[i].width, sizes[i].height);
        ui_grid_dump(&grid, out);
    }
    /* Whatever the size: nothing falls over, nothing is drawn outside. */
    for (int width = 0; width <= 12; width++) {
        for (int height = 0; height <= 9; height++) {
            draw(chat, width, height, &grid, &layout);
        }
    }
    ui_grid_release(&grid);
}

static inline void read_file(const char *path, struct cf_buf *text)
{
    FILE *file = fopen(path, "r");
    char piece[4096];
    for (size_t n; file != NULL && (n = fread(piece, 1, sizeof piece, file)) > 0;) {
        cf_buf_add(text, piece, n);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static inline void assert_golden(const char *scene, const struct cf_buf *actual)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/fixtures/ui/%s.txt", TEST_SRCDIR, scene);
    if (getenv("CONFAB_UPDATE_GOLDEN") != NULL) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(actual->data, 1, actual->size, file), actual->size);
        assert_int_equal(fclose(file), 0);
        return;
    }
    struct cf_buf expected = CF_BUF_INIT;
    read_file(path, &expected);
    assert_string_equal(actual->data, expected.data);
    cf_buf_release(&expected);
}

static inline void check_scene(struct fake_chat *chat, void (*prepare)(struct fake_chat *chat),
                               const char *scene)
{
    struct cf_buf text = CF_BUF_INIT;
    dump_scene(chat, prepare, &text);
    assert_golden(scene, &text);
    cf_buf_release(&text);
    fake_release(chat);
}

#endif
