/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transcript as a pager: Markdown, and moving in long conversations. */
#include "test.h"

#include <time.h>

#include "pane_golden.h"
#include "pane_select.h"
#include "random.h"
#include "template.h"

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

/* --- going and selecting ---------------------------------------------------------------------- */

static void transcript__show_message__goes_to_either_end(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    talk(&chat);
    fake_say(&chat, CF_ROLE_USER, "Thanks");
    draw(&chat, 60, 12, &grid, &layout);
    ui_transcript_show_message(&chat.screen.transcript, &chat.data.transcript, 1, false);
    draw(&chat, 60, 12, &grid, &layout);
    struct cf_buf text = CF_BUF_INIT;
    ui_grid_dump(&grid, &text);
    assert_non_null(strstr(text.data, "▎gpt2  Tea in the rain"));
    cf_buf_clear(&text);
    ui_transcript_show_message(&chat.screen.transcript, &chat.data.transcript, 1, true);
    draw(&chat, 60, 12, &grid, &layout);
    ui_grid_dump(&grid, &text);
    assert_non_null(strstr(text.data, "最后：喝茶"));
    assert_null(strstr(text.data, "Thanks"));
    cf_buf_release(&text);
    ui_grid_release(&grid);
    fake_release(&chat);
}

/* Draws the selection and compares what it copies. */
static void assert_selects(struct fake_chat *chat, struct ui_selection *selection,
                           const char *expected)
{
    struct ui_grid grid = {0};
    struct ui_layout layout;
    struct cf_buf out = CF_BUF_INIT;
    chat->data.transcript.selection = selection;
    draw(chat, 40, 14, &grid, &layout);
    assert_true(chat->screen.transcript.cursor_x >= 6);
    assert_true(chat->screen.transcript.cursor_y >= 0);
    ui_select_copy(&chat->screen.transcript, &chat->data.transcript, selection, &out);
    assert_string_equal(out.data, expected);
    cf_buf_release(&out);
    ui_grid_release(&grid);
}

static void step(struct fake_chat *chat, struct ui_selection *selection, const char *steps)
{
    static const struct {
        char key;
        enum ui_select_step step;
    } keys[] = {{'h', UI_STEP_LEFT},     {'l', UI_STEP_RIGHT},    {'b', UI_STEP_WORD_BACK},
                {'w', UI_STEP_WORD},     {'e', UI_STEP_WORD_END}, {'0', UI_STEP_LINE_BEGIN},
                {'$', UI_STEP_LINE_END}, {'g', UI_STEP_TOP},      {'G', UI_STEP_BOTTOM},
                {'o', UI_STEP_OTHER_END}};
    struct ui_transcript *view = &chat->screen.transcript;
    for (; *steps != '\0'; steps++) {
        if (*steps == 'j' || *steps == 'k') {
            ui_select_rows(view, &chat->data.transcript, selection, *steps == 'j' ? 1 : -1);
        }
        for (size_t i = 0; i < CF_ARRAY_SIZE(keys); i++) {
            if (keys[i].key == *steps) {
                ui_select_move(view, &chat->data.transcript, selection, keys[i].step);
            }
        }
    }
}

static void select__move__goes_over_words_lines_and_messages(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct ui_selection selection = {.column = -1};
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "Tea *or* 咖啡?");
    fake_say(&chat, CF_ROLE_ASSISTANT, "Tea.\n\n- \033hot\n- with milk, which is white and warm");
    fake_say(&chat, CF_ROLE_USER, "");
    fake_say(&chat, CF_ROLE_USER, "Good");
    chat.data.transcript.selection = &selection;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 40, 14, &grid, &layout);
    static const struct {
        size_t message;
        bool is_lines;
        const char *steps;
        const char *expected;
    } cases[] = {
        {0, false, "", "T"},
        {0, false, "e", "Tea"},
        {0, false, "w", "Tea *"},
        {0, false, "wwl", "Tea *or* 咖啡"},
        {0, false, "$", "Tea *or* 咖啡?"},
        {0, false, "$h", "Tea *or* 咖啡"},
        {0, false, "wwob", "Tea *or* 咖"},
        {0, false, "wwwe", "Tea *or* 咖啡?\n\nTea."},
        {0, true, "", "Tea *or* 咖啡?"},
        {0, true, "j", "Tea *or* 咖啡?\n\nTea."},
        {1, false, "ww$", "Tea.\n\n- \033hot"},
        {1, true, "jjl", "Tea.\n\n- \033hot"},
        {1, true, "j", "Tea.\n"},
        {1, false, "j", "Tea.\n\n"},
        {1, true, "jjjj", "Tea.\n\n- \033hot\n- with milk, which is white and warm"},
        {1, false, "jjjeee0", "Tea.\n\n- \033hot\n-"},
        {3, false, "b", "warm\n\n\n\nG"},
        {3, true, "kk", "- with milk, which is white and warm\n\n\n\nGood"},
        {3, false, "Gg",
         "Tea *or* 咖啡?\n\nTea.\n\n- \033hot\n- with milk, which is white and "
         "warm\n\n\n\nG"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        selection.is_lines = cases[i].is_lines;
        ui_select_begin(&chat.screen.transcript, &chat.data.transcript, &selection,
                        cases[i].message);
        step(&chat, &selection, cases[i].steps);
        assert_selects(&chat, &selection, cases[i].expected);
    }
    ui_grid_release(&grid);
    fake_release(&chat);
}

/* From the end of a long reply upwards, every row is passed once, and the column kept. */
static void select__rows__pass_every_row(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct ui_selection selection = {.column = -1};
    struct ui_grid grid = {0};
    struct ui_layout layout;
    talk(&chat);
    chat.data.transcript.selection = &selection;
    draw(&chat, 60, 14, &grid, &layout);
    ui_select_begin(&chat.screen.transcript, &chat.data.transcript, &selection, 0);
    step(&chat, &selection, "$G");
    size_t n = 0;
    size_t before[2] = {selection.turn[1] + 1, 0};
    while (selection.turn[1] != before[0] || selection.byte[1] != before[1]) {
        before[0] = selection.turn[1];
        before[1] = selection.byte[1];
        step(&chat, &selection, "k");
        n++;
        assert_true(n < 100);
    }
    assert_int_equal(selection.turn[1], 0);
    assert_int_equal(ui_transcript_selected(&chat.screen.transcript, &chat.data.transcript, &n),
                     true);
    ui_grid_release(&grid);
    fake_release(&chat);
}

/* Messages that change, shrink or go under a selection leave it at what is there. */
static void select__any_moves__stay_within_what_is_there(void **state)
{
    (void)state;
    static const char keys[] = "hlbwe0$gGojk";
    static struct fake_chat chat;
    struct test_random random = {.state = 5};
    struct ui_selection selection = {.column = -1};
    struct ui_grid grid = {0};
    struct ui_layout layout;
    struct cf_buf out = CF_BUF_INIT;
    talk(&chat);
    for (int i = 0; i < 6; i++) {
        fake_say(&chat, i % 2 == 0 ? CF_ROLE_USER : CF_ROLE_ASSISTANT,
                 i == 3 ? "" : "x\xe6\xad \033[1m\n\n咖啡 e\xcc\x81 end");
    }
    chat.data.transcript.selection = &selection;
    draw(&chat, 30, 9, &grid, &layout);
    ui_select_begin(&chat.screen.transcript, &chat.data.transcript, &selection, 1);
    for (int round = 0; round < 4000; round++) {
        char one[2] = {keys[test_random_below(&random, sizeof keys - 1)], '\0'};
        if (test_random_below(&random, 100) == 0) {
            chat.n = chat.n > 1 ? chat.n - 1 : chat.n;
            chat.turns[chat.n - 1].size /= 2;
            chat.turns[chat.n - 1].version++;
            fake_fill(&chat);
        }
        selection.is_lines = test_random_below(&random, 2) == 0;
        step(&chat, &selection, one);
        draw(&chat, 30, 9, &grid, &layout);
        cf_buf_clear(&out);
        ui_select_copy(&chat.screen.transcript, &chat.data.transcript, &selection, &out);
    }
    cf_buf_release(&out);
    ui_grid_release(&grid);
    fake_release(&chat);
}

static void select__draw__marks_lines(void **state)
{
    (void)state;
    static struct fake_chat chat;
    static struct ui_selection selection = {
        .turn = {0, 1}, .byte = {0, 40}, .is_lines = true, .column = -1};
    talk(&chat);
    chat.data.footer.place = UI_IN_SELECT;
    chat.data.transcript.selection = &selection;
    struct cf_buf out = CF_BUF_INIT;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    static const int sizes_drawn[][2] = {{80, 24}, {60, 20}, {40, 10}, {120, 40}, {200, 60}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes_drawn); i++) {
        ui_screen_release(&chat.screen);
        draw(&chat, sizes_drawn[i][0], sizes_drawn[i][1], &grid, &layout);
        to_top(&chat);
        draw(&chat, sizes_drawn[i][0], sizes_drawn[i][1], &grid, &layout);
        cf_buf_addf(&out, "=== %dx%d\n", sizes_drawn[i][0], sizes_drawn[i][1]);
        ui_grid_dump_styled(&grid, &out);
    }
    assert_golden("selection", &out);
    cf_buf_release(&out);
    ui_grid_release(&grid);
    fake_release(&chat);
}

/* --- what the model reads --------------------------------------------------------------------- */

static const char *odd_piece(const void *context, int32_t id, size_t *size)
{
    static const char *const pieces[] = {"User",  ":",        " tea",    "\n", "Assistant",
                                         " 咖啡", "\xe6\xad", "\033[1m", "\t", " or"};
    (void)context;
    *size = strlen(pieces[id]);
    return pieces[id];
}

static void prompt__draw__shows_each_token_and_whose_it_is(void **state)
{
    (void)state;
    static const int32_t ids[] = {4, 3, 0, 1, 2, 9, 5, 6, 7, 8, 3, 4, 1, 2, 2, 2, 3, 2,
                                  3, 0, 1, 2, 9, 5, 2, 9, 5, 2, 9, 5, 2, 9, 5, 3, 4, 1};
    static const int32_t turns[] = {-1, -1, -1, -1, 0,  0,  0,  0,  0,  0,  -1, -1,
                                    -1, 1,  1,  1,  1,  1,  -1, -1, -1, 2,  2,  2,
                                    2,  2,  2,  -2, -2, -2, -2, -2, -2, -1, -1, -1};
    static const struct cf_chat_prompt prompt = {ids, turns, CF_ARRAY_SIZE(ids)};
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "tea or");
    fake_say(&chat, CF_ROLE_ASSISTANT, "tea");
    fake_say(&chat, CF_ROLE_USER, "tea or");
    const struct ui_prompt_data data = {.template = cf_template_builtin("transcript"),
                                        .system = "",
                                        .prompt = &prompt,
                                        .piece = odd_piece,
                                        .turns = chat.pointers,
                                        .n_turns = chat.n,
                                        .first_visible = 1,
                                        .n_ctx = 1024};
    chat.data.focus = UI_PANE_HELP;
    chat.data.footer.place = UI_IN_HELP;
    chat.data.prompt = &data;
    check_scene(&chat, NULL, "prompt");
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
        cmocka_unit_test(transcript__show_message__goes_to_either_end),
        cmocka_unit_test(select__move__goes_over_words_lines_and_messages),
        cmocka_unit_test(select__rows__pass_every_row),
        cmocka_unit_test(select__any_moves__stay_within_what_is_there),
        cmocka_unit_test(select__draw__marks_lines),
        cmocka_unit_test(prompt__draw__shows_each_token_and_whose_it_is),
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}
