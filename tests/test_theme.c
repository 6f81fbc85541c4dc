/* SPDX-License-Identifier: GPL-3.0-or-later */
/* theme: the compiled-in themes and what a theme file may hold. */
#include "test.h"

#include "theme.h"

static void theme__builtin__reads_every_one(void **state)
{
    (void)state;
    size_t n = 0;
    for (; ui_theme_name(n) != NULL; n++) {
        struct cf_err err = CF_ERR_INIT;
        struct ui_theme theme;
        assert_int_equal(ui_theme_builtin(&theme, ui_theme_name(n), &err), CF_OK);
        assert_string_equal(err.text, "");
        /* What is selected must be seen, and nobody repaints the ground of plain text. */
        const struct ui_style *selected = &theme.styles[UI_STYLE_SELECTED];
        assert_true(selected->bg != UI_COLOR_DEFAULT || selected->attrs != 0);
        assert_int_equal(theme.styles[UI_STYLE_TEXT].fg, UI_COLOR_DEFAULT);
        assert_int_equal(theme.styles[UI_STYLE_TEXT].bg, UI_COLOR_DEFAULT);
    }
    assert_int_equal(n, 4);
}

static void theme__builtin__mono_has_no_colour(void **state)
{
    (void)state;
    struct ui_theme theme;
    assert_int_equal(ui_theme_builtin(&theme, "mono", NULL), CF_OK);
    for (size_t i = 0; i < UI_N_STYLES; i++) {
        assert_int_equal(theme.styles[i].fg, UI_COLOR_DEFAULT);
        assert_int_equal(theme.styles[i].bg, UI_COLOR_DEFAULT);
    }
}

/* A terminal of 16 colours gets the nearest ones. */
static void theme__shades__are_of_the_256_colours(void **state)
{
    (void)state;
    static const char *const names[] = {"auto", "dark", "light"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        struct ui_theme theme;
        assert_int_equal(ui_theme_builtin(&theme, names[i], NULL), CF_OK);
        for (int k = UI_STYLE_SHADE_1; k <= UI_STYLE_SHADE_4; k++) {
            assert_true(theme.styles[k].fg >= 16);
            assert_true(k == UI_STYLE_SHADE_1 || theme.styles[k].fg != theme.styles[k - 1].fg);
        }
    }
}

static void theme__builtin__names_those_there_are(void **state)
{
    (void)state;
    struct ui_theme theme;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_theme_builtin(&theme, "pink", &err), CF_ERR_NOT_FOUND);
    assert_string_equal(err.text, "there is no theme 'pink'; there are auto, dark, light, mono");
}

static void theme__parse__reads_attributes_and_colours(void **state)
{
    (void)state;
    struct ui_theme theme;
    assert_int_equal(ui_theme_parse(&theme,
                                    "title = bold underline bright-red on 17\n"
                                    "; a remark\n"
                                    "user = default\n"
                                    "bar = dim on white\n"
                                    "hit = reverse italic\n",
                                    "my.theme", NULL),
                     CF_OK);
    const struct ui_style *style = &theme.styles[UI_STYLE_TITLE];
    assert_int_equal(style->fg, 9);
    assert_int_equal(style->bg, 17);
    assert_int_equal(style->attrs, UI_ATTR_BOLD | UI_ATTR_UNDERLINE);
    style = &theme.styles[UI_STYLE_BAR];
    assert_int_equal(style->fg, UI_COLOR_DEFAULT);
    assert_int_equal(style->bg, 7);
    assert_int_equal(style->attrs, UI_ATTR_DIM);
    assert_int_equal(theme.styles[UI_STYLE_HIT].attrs, UI_ATTR_REVERSE | UI_ATTR_ITALIC);
    assert_int_equal(theme.styles[UI_STYLE_KEY].attrs, 0);
    assert_int_equal(theme.styles[UI_STYLE_KEY].fg, UI_COLOR_DEFAULT);
}

static void theme__parse__names_file_line_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"title = bold\nuser = pink\n", "t:2: user: 'pink' is neither an attribute nor a colour"},
        {"title = 256\n", "t:1: title: '256' is neither an attribute nor a colour"},
        {"title = red blue\n", "t:1: title: 'blue' is neither an attribute nor a colour"},
        {"title = red on\n", "t:1: title: 'on' is neither an attribute nor a colour"},
        {"title = red on bold\n", "t:1: title: 'bold' is neither an attribute nor a colour"},
        {"head = red\n", "t:1: there is no style 'head'"},
        {"[x]\ntitle = red\n", "t:2: a theme has no sections"},
        {"title\n", "t:1: not a line `NAME = STYLE'"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        struct ui_theme theme;
        memset(&theme, 42, sizeof theme);
        struct ui_theme before = theme;
        struct cf_err err = CF_ERR_INIT;
        assert_int_equal(ui_theme_parse(&theme, rows[i].text, "t", &err), CF_ERR_FORMAT);
        assert_string_equal(err.text, rows[i].sentence);
        assert_memory_equal(&before, &theme, sizeof theme);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(theme__shades__are_of_the_256_colours),
        cmocka_unit_test(theme__builtin__reads_every_one),
        cmocka_unit_test(theme__builtin__mono_has_no_colour),
        cmocka_unit_test(theme__builtin__names_those_there_are),
        cmocka_unit_test(theme__parse__reads_attributes_and_colours),
        cmocka_unit_test(theme__parse__names_file_line_and_word),
    };
    return cmocka_run_group_tests_name("theme", tests, NULL, NULL);
}
