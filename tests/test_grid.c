/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grid at its header. */
#include "test.h"

#include "grid.h"
#include "random.h"

#define ZHENG "\xE6\xAD\xA3"

static const struct ui_style red = {.fg = 1, .bg = UI_COLOR_DEFAULT, .attrs = UI_ATTR_BOLD};

static void assert_dump(const struct ui_grid *grid, const char *expected)
{
    struct cf_buf out = CF_BUF_INIT;
    ui_grid_assert_sane(grid);
    ui_grid_dump(grid, &out);
    assert_string_equal(out.data, expected);
    cf_buf_release(&out);
}

static struct ui_grid new_grid(int width, int height)
{
    struct ui_grid grid = {0};
    ui_grid_resize(&grid, width, height);
    return grid;
}

static void grid__put__clips_at_every_edge(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(6, 3);
    assert_int_equal(ui_grid_put_str(&grid, 3, 0, 100, "abcdef", red), 6);
    assert_int_equal(ui_grid_put_str(&grid, -2, 1, 100, "abcdef", red), 4);
    assert_int_equal(ui_grid_put_str(&grid, 0, 2, 2, "abcdef", red), 2);
    assert_int_equal(ui_grid_put_str(&grid, 0, 3, 100, "abc", red), 3);
    assert_int_equal(ui_grid_put_str(&grid, 0, -1, 100, "abc", red), 3);
    assert_int_equal(ui_grid_put_str(&grid, 9, 0, 100, "abc", red), 9);
    assert_dump(&grid, "   abc\ncdef\nab\n");
    ui_grid_release(&grid);
}

static void grid__put__keeps_wide_characters_whole(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(5, 4);
    /* Two fit, the third is left out and its column is blank. */
    assert_int_equal(ui_grid_put_str(&grid, 0, 0, 5, ".....", red), 5);
    assert_int_equal(ui_grid_put_str(&grid, 0, 0, 5, ZHENG ZHENG ZHENG, red), 5);
    /* Half of one is overwritten from either side. */
    ui_grid_put_str(&grid, 0, 1, 5, ZHENG ZHENG, red);
    ui_grid_put_str(&grid, 1, 1, 5, "x", UI_STYLE_PLAIN);
    ui_grid_put_str(&grid, 0, 2, 5, ZHENG ZHENG, red);
    ui_grid_put_str(&grid, 1, 2, 5, ZHENG, red);
    /* Cut by the left edge. */
    ui_grid_put_str(&grid, -1, 3, 5, ZHENG "a", red);
    assert_dump(&grid, ZHENG ZHENG "\n x" ZHENG "\n " ZHENG "\n a\n");
    ui_grid_release(&grid);
}

static void grid__put__knows_tabs_marks_and_controls(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(20, 3);
    ui_grid_put_str(&grid, 2, 0, 20, "a\tb\nno", red);
    ui_grid_put_from(&grid, 5, 1, 20, 2, "a\tb", 3, red);
    ui_grid_put_str(&grid, 0, 2, 20, "e\xCC\x81\xE2\x80\x8D\x1b[\xFFz", red);
    assert_dump(&grid, "  a       b\n     a    b\ne\xCC\x81\xEF\xBF\xBD[\xEF\xBF\xBDz\n");
    ui_grid_release(&grid);
}

static void grid__put_right__ends_where_told(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(10, 2);
    ui_grid_put_right(&grid, 0, 0, 9, "abc", red);
    ui_grid_put_right(&grid, 2, 1, 7, "abcdefgh" ZHENG, red);
    assert_dump(&grid, "      abc\n  fgh" ZHENG "\n");
    ui_grid_release(&grid);
}

static void grid__box__fits_its_rectangle(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(6, 4);
    ui_grid_box(&grid, (struct ui_rect){.x = 1, .y = 0, .width = 4, .height = 3}, red);
    ui_grid_box(&grid, (struct ui_rect){.x = 0, .y = 0, .width = 1, .height = 9}, red);
    ui_grid_fill(&grid, (struct ui_rect){.x = 4, .y = 3, .width = 99, .height = 99}, '#', red);
    assert_dump(&grid, " \xE2\x94\x8C\xE2\x94\x80\xE2\x94\x80\xE2\x94\x90\n"
                       " \xE2\x94\x82  \xE2\x94\x82\n"
                       " \xE2\x94\x94\xE2\x94\x80\xE2\x94\x80\xE2\x94\x98\n"
                       "    ##\n");
    ui_grid_fill(&grid, (struct ui_rect){.x = 0, .y = 0, .width = 6, .height = 4}, 0x6B63, red);
    ui_grid_assert_sane(&grid);
    assert_int_equal(ui_grid_at(&grid, 0, 0)->chars[0], CF_TEXT_REPLACEMENT);
    ui_grid_release(&grid);
}

static void grid__restyle__takes_wide_characters_whole(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(5, 1);
    ui_grid_put_str(&grid, 0, 0, 5, ZHENG ZHENG "x", UI_STYLE_PLAIN);
    ui_grid_restyle(&grid, (struct ui_rect){.x = 1, .y = 0, .width = 2, .height = 1}, red);
    ui_grid_add_attrs(&grid, (struct ui_rect){.x = 3, .y = 0, .width = 1, .height = 1},
                      UI_ATTR_REVERSE);
    ui_grid_assert_sane(&grid);
    struct cf_buf out = CF_BUF_INIT;
    ui_grid_dump_styled(&grid, &out);
    assert_string_equal(out.data, "{1 - b}" ZHENG "{1 - br}" ZHENG "{}x\n");
    cf_buf_release(&out);
    ui_grid_release(&grid);
}

static void grid__resize__takes_any_size(void **state)
{
    (void)state;
    struct ui_grid grid = new_grid(0, 7);
    assert_dump(&grid, "\n\n\n\n\n\n\n");
    ui_grid_put_str(&grid, 0, 0, 9, "x", red);
    static const int sizes[][2] = {{1, 1}, {7, 0}, {-3, 4}, {5000, 5000}, {3, 2}, {2, 3}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        ui_grid_resize(&grid, sizes[i][0], sizes[i][1]);
        ui_grid_assert_sane(&grid);
        ui_grid_put_str(&grid, 0, 0, 9, ZHENG ZHENG, red);
        ui_grid_assert_sane(&grid);
        struct ui_grid copy = {0};
        ui_grid_copy(&copy, &grid);
        for (int y = 0; y < grid.height; y++) {
            assert_true(ui_grid_row_equal(&copy, &grid, y));
        }
        if (grid.width > 1 && grid.height > 0) {
            ui_grid_put_str(&copy, 1, 0, 9, "!", red);
            assert_false(ui_grid_row_equal(&copy, &grid, 0));
        }
        ui_grid_release(&copy);
    }
    assert_int_equal(grid.width, 2);
    ui_grid_release(&grid);
}

static void grid__anything__stays_sane(void **state)
{
    (void)state;
    struct test_random random = {.state = 3};
    struct ui_grid grid = {0};
    for (int round = 0; round < 4000; round++) {
        if (round % 100 == 0) {
            ui_grid_resize(&grid, (int)test_random_below(&random, 30),
                           (int)test_random_below(&random, 6));
        }
        char text[80];
        size_t size = test_random_text(text, sizeof text, &random);
        int x = (int)test_random_below(&random, 40) - 6;
        int y = (int)test_random_below(&random, 8) - 1;
        int n = (int)test_random_below(&random, 12) - 1;
        struct ui_rect rect = {.x = x, .y = y, .width = n, .height = n / 2};
        switch (test_random_below(&random, 5)) {
        case 0:
            ui_grid_fill(&grid, rect, '.', red);
            break;
        case 1:
            ui_grid_restyle(&grid, rect, red);
            break;
        case 2:
            ui_grid_box(&grid, rect, UI_STYLE_PLAIN);
            break;
        default:
            ui_grid_put(&grid, x, y, x + n, text, size, UI_STYLE_PLAIN);
            break;
        }
        ui_grid_assert_sane(&grid);
    }
    ui_grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid__put__clips_at_every_edge),
        cmocka_unit_test(grid__put__keeps_wide_characters_whole),
        cmocka_unit_test(grid__put__knows_tabs_marks_and_controls),
        cmocka_unit_test(grid__put_right__ends_where_told),
        cmocka_unit_test(grid__box__fits_its_rectangle),
        cmocka_unit_test(grid__restyle__takes_wide_characters_whole),
        cmocka_unit_test(grid__resize__takes_any_size),
        cmocka_unit_test(grid__anything__stays_sane),
    };
    return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
