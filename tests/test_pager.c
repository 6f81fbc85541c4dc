/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transcript as a pager: Markdown, and moving in long conversations. */
#include "test.h"

#include <time.h>

#include "pane_golden.h"

static const char answer[] =
    "# Tea in the rain\n"
    "There are **three** kinds, *as far as I know*, and a [list](https://example.com/tea) of "
    "them:\n\n"
    "1. black tea, which is made of leaves that were left alone for a while before they were "
    "dried\n"
    "2. green tea: `drink(hot)`\n"
    "   - sencha\n"
    "   - 龙井茶，一种很有名的绿茶，产于中国杭州，色绿香郁\n\n"
    "> Tea is **better** than no tea, said a person who had some and who went on about it.\n\n"
    "```c\n"
    "int main(void)\n"
    "{\n"
    "    return puts(\"a line of code that is too long for a narrow screen and is cut there\"); \n"
    "\n"
    "}\n"
    "```\n"
    "---\n"
    "最后：**喝茶** 👩‍👩‍👧 🍵 and *cafe\u0301* \\*not this\\*, 2*3*4.";

static void talk(struct fake_chat *chat)
{
    fake_init(chat);
    fake_say(chat, CF_ROLE_USER, "Tell me about *tea*");
    fake_say(chat, CF_ROLE_ASSISTANT, answer);
    chat->data.transcript.has_focus = true;
    chat->data.footer.place = UI_IN_TRANSCRIPT;
    chat->data.focus = UI_PANE_TRANSCRIPT;
}

static void to_top(struct fake_chat *chat)
{
    ui_transcript_to_top(&chat->screen.transcript, &chat->data.transcript);
}

static void markdown__draw__renders_blocks_and_words(void **state)
{
    (void)state;
    static struct fake_chat chat;
    talk(&chat);
    check_scene(&chat, to_top, "markdown");
}

/* With colours and without: what is bold, underlined, or of a colour of its own. */
static void markdown__draw__has_styles_in_every_theme(void **state)
{
    (void)state;
    static const char *const themes[] = {"auto", "dark", "light", "mono"};
    struct cf_buf out = CF_BUF_INIT;
    for (size_t i = 0; i < CF_ARRAY_SIZE(themes); i++) {
        static struct fake_chat chat;
        struct ui_grid grid = {0};
        struct ui_layout layout;
        talk(&chat);
        assert_int_equal(ui_theme_builtin(&chat.theme, themes[i], NULL), CF_OK);
        draw(&chat, 60, 34, &grid, &layout);
        cf_buf_addf(&out, "=== %s\n", themes[i]);
        ui_grid_dump_styled(&grid, &out);
        ui_grid_release(&grid);
        fake_release(&chat);
    }
    assert_golden("markdown-styles", &out);
    cf_buf_release(&out);
}

/* Raw and back: the reader's place stays in the words it was at. */
static void markdown__toggle__keeps_the_place(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    talk(&chat);
    draw(&chat, 60, 12, &grid, &layout);
    to_top(&chat);
    ui_transcript_scroll(&chat.screen.transcript, &chat.data.transcript, 5);
    struct cf_buf before = CF_BUF_INIT;
    struct cf_buf raw = CF_BUF_INIT;
    struct cf_buf after = CF_BUF_INIT;
    draw(&chat, 60, 12, &grid, &layout);
    ui_grid_dump(&grid, &before);
    chat.data.transcript.is_raw = true;
    draw(&chat, 60, 12, &grid, &layout);
    ui_grid_dump(&grid, &raw);
    chat.data.transcript.is_raw = false;
    draw(&chat, 60, 12, &grid, &layout);
    ui_grid_dump(&grid, &after);
    assert_string_equal(before.data, after.data);
    assert_null(strstr(before.data, "**"));
    assert_non_null(strstr(raw.data, "`drink(hot)`"));
    cf_buf_release(&before);
    cf_buf_release(&raw);
    cf_buf_release(&after);
    ui_grid_release(&grid);
    fake_release(&chat);
}

/* Every row can be scrolled to and away from, whatever signs it begins with. */
static void markdown__scroll__goes_every_row_both_ways(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    for (int width = 12; width < 70; width += 9) {
        struct cf_buf down[200];
        talk(&chat);
        draw(&chat, width, 8, &grid, &layout);
        to_top(&chat);
        size_t n = 0;
        do {
            down[n] = CF_BUF_INIT;
            draw(&chat, width, 8, &grid, &layout);
            ui_grid_dump(&grid, &down[n++]);
            ui_transcript_scroll(&chat.screen.transcript, &chat.data.transcript, 1);
        } while (chat.screen.transcript.is_scrolled && n < CF_ARRAY_SIZE(down));
        assert_true(n < CF_ARRAY_SIZE(down));
        while (n-- > 0) {
            struct cf_buf up = CF_BUF_INIT;
            ui_transcript_scroll(&chat.screen.transcript, &chat.data.transcript, -1);
            draw(&chat, width, 8, &grid, &layout);
            ui_grid_dump(&grid, &up);
            assert_string_equal(up.data, down[n].data);
            cf_buf_release(&up);
            cf_buf_release(&down[n]);
        }
        fake_release(&chat);
    }
    ui_grid_release(&grid);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown__draw__renders_blocks_and_words),
        cmocka_unit_test(markdown__draw__has_styles_in_every_theme),
        cmocka_unit_test(markdown__toggle__keeps_the_place),
        cmocka_unit_test(markdown__scroll__goes_every_row_both_ways),
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}
