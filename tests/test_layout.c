/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout: every size gives rectangles that lie inside the screen and apart from one another. */
#include "test.h"

#include "layout.h"

static void assert_sane_layout(const struct ui_layout *layout, const struct ui_layout_want *want)
{
    const struct ui_rect *rects[] = {
        &layout->header,     &layout->rule_above, &layout->list,  &layout->list_line,
        &layout->transcript, &layout->knobs_line, &layout->knobs, &layout->rule_below,
        &layout->input,      &layout->footer,
    };
    static unsigned char seen[210 * 70];
    memset(seen, 0, sizeof seen);
    int covered = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(rects); i++) {
        const struct ui_rect *r = rects[i];
        assert_true(r->width >= 0 && r->height >= 0);
        assert_true(r->x >= 0 && r->y >= 0);
        if (r->width == 0 || r->height == 0) {
            continue;
        }
        assert_true(r->x + r->width <= want->width && r->y + r->height <= want->height);
        for (int y = r->y; y < r->y + r->height; y++) {
            for (int x = r->x; x < r->x + r->width; x++) {
                assert_int_equal(seen[y * want->width + x]++, 0);
                covered++;
            }
        }
    }
    assert_int_equal(covered, want->width * want->height);
    assert_true(layout->input.width == want->width && layout->input.height >= 1);
    assert_int_equal(layout->over.y + layout->over.height, layout->input.y);
    assert_true(layout->over.height <= want->n_over_rows);
    assert_true(layout->over.y >= layout->whole.y);
}

static void layout__make__covers_any_screen_once(void **state)
{
    (void)state;
    for (int width = 1; width <= 200; width += width < 8 ? 1 : 13) {
        for (int height = 1; height <= 61; height += height < 10 ? 1 : 10) {
            for (int bits = 0; bits < 4 * 5; bits++) {
                for (int rows = 0; rows <= 30; rows += 6) {
                    struct ui_layout_want want = {.width = width,
                                                  .height = height,
                                                  .has_list = bits & 1,
                                                  .has_knobs = bits & 2,
                                                  .focus = (enum ui_pane)(bits / 4),
                                                  .n_input_rows = rows / 2,
                                                  .n_over_rows = rows};
                    struct ui_layout layout;
                    ui_layout_make(&layout, &want);
                    assert_sane_layout(&layout, &want);
                }
            }
        }
    }
}

static void layout__make__stands_as_in_the_picture(void **state)
{
    (void)state;
    struct ui_layout_want want = {.width = 80, .height = 24, .has_knobs = true, .n_input_rows = 1};
    struct ui_layout layout;
    ui_layout_make(&layout, &want);
    assert_int_equal(layout.header.y, 0);
    assert_int_equal(layout.rule_above.y, 1);
    assert_int_equal(layout.transcript.y, 2);
    assert_int_equal(layout.transcript.height, 19);
    assert_int_equal(layout.knobs.x, 56);
    assert_int_equal(layout.knobs_line.x, 55);
    assert_int_equal(layout.rule_below.y, 21);
    assert_int_equal(layout.input.y, 22);
    assert_int_equal(layout.footer.y, 23);
    assert_int_equal(layout.list.width, 0);
}

static void layout__make__shows_one_thing_when_narrow(void **state)
{
    (void)state;
    struct ui_layout_want want = {.width = 59, .height = 24, .has_knobs = true, .has_list = true};
    struct ui_layout layout;
    ui_layout_make(&layout, &want);
    assert_int_equal(layout.transcript.width, 59);
    assert_int_equal(layout.knobs.width, 0);
    want.focus = UI_PANE_KNOBS;
    ui_layout_make(&layout, &want);
    assert_int_equal(layout.knobs.width, 59);
    assert_int_equal(layout.transcript.width, 0);
    want.focus = UI_PANE_LIST;
    ui_layout_make(&layout, &want);
    assert_int_equal(layout.list.width, 59);
}

static void layout__make__drops_the_pane_out_of_focus(void **state)
{
    (void)state;
    struct ui_layout_want want = {.width = 64, .height = 24, .has_knobs = true, .has_list = true};
    struct ui_layout layout;
    ui_layout_make(&layout, &want);
    assert_int_equal(layout.list.width, 0);
    assert_true(layout.knobs.width > 0);
    want.focus = UI_PANE_LIST;
    ui_layout_make(&layout, &want);
    assert_true(layout.list.width > 0);
    assert_int_equal(layout.knobs.width, 0);
    want.width = 120;
    ui_layout_make(&layout, &want);
    assert_true(layout.list.width > 0 && layout.knobs.width > 0);
}

static void layout__make__gives_up_room_in_order(void **state)
{
    (void)state;
    struct ui_layout_want want = {.width = 20, .n_input_rows = 1};
    struct ui_layout layout;
    static const int transcript[] = {0, 0, 1, 1, 1, 2, 3, 4, 3};
    for (int height = 1; height <= 8; height++) {
        want.height = height;
        ui_layout_make(&layout, &want);
        assert_int_equal(layout.transcript.height, transcript[height]);
        assert_int_equal(layout.input.height, 1);
        assert_int_equal(layout.footer.height, height >= 3);
        assert_int_equal(layout.header.height, height >= 4);
        assert_int_equal(layout.rule_below.height, height >= 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout__make__covers_any_screen_once),
        cmocka_unit_test(layout__make__stands_as_in_the_picture),
        cmocka_unit_test(layout__make__shows_one_thing_when_narrow),
        cmocka_unit_test(layout__make__drops_the_pane_out_of_focus),
        cmocka_unit_test(layout__make__gives_up_room_in_order),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
