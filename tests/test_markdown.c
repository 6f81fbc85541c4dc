/* SPDX-License-Identifier: GPL-3.0-or-later */
/* markdown, and pane_block where it is about places in what is rendered. */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "markdown_check.h"
#include "random.h"
#include "shared.h"

/* A text as it is shown, with ‹› around nothing: signs in place, hidden bytes gone. */
static char *shown(const char *text, bool is_growing)
{
    struct ui_blocks blocks = {0};
    struct cf_chat_turn turn = {.id = 1,
                                .text = text,
                                .size = strlen(text),
                                .state = is_growing ? CF_TURN_STREAMING : CF_TURN_COMPLETE};
    ui_blocks_set_width(&blocks, 20);
    const struct ui_block *block = ui_blocks_get(&blocks, &turn, false);
    markdown_check_places(block);
    ui_markdown_assert_sane(&blocks.markdown, block->plain.data, block->plain.size);
    struct cf_buf copy = CF_BUF_INIT;
    cf_buf_add(&copy, block->shown.data, block->shown.size);
    ui_blocks_release(&blocks);
    return cf_buf_take(&copy);
}

static void assert_shows(const char *text, const char *expected)
{
    char *actual = shown(text, false);
    assert_string_equal(actual, expected);
    free(actual);
}

static void assert_shows_growing(const char *text, const char *expected)
{
    char *actual = shown(text, true);
    assert_string_equal(actual, expected);
    free(actual);
}

static void markdown__render__shows_text_without_marks(void **state)
{
    (void)state;
    assert_shows("", "");
    assert_shows("plain\n\ntext\n", "plain\n\ntext\n");
    assert_shows("a **bold** _b_ ***c*** `d`", "a bold b c d");
    assert_shows("\\*no\\* snake_case 2*3*4 `` a`b ``", "*no* snake_case 2*3*4 a`b");
    assert_shows("**中文**和*斜体*", "中文和斜体");
    assert_shows("# One\n## Two ##\ntext", "One\nTwo\ntext");
    assert_shows("One\n===\nTwo\n---\ntext", "One\nTwo\ntext");
    assert_shows("- a\n* b\n+ c\n  - d\n1. e\n2) f", "• a\n• b\n• c\n  • d\n1. e\n2) f");
    assert_shows("> a\n> > b\n>c", "▎ a\n▎ ▎ b\n▎ c");
    assert_shows("> - a\n>   b\n> 1. c", "▎ • a\n▎   b\n▎ 1. c");
    assert_shows("a\n\n---\n* * *\nb", "a\n\n────────────────────\n────────────────────\nb");
    assert_shows("- ***\n", "• ──────────────────\n");
}

static void markdown__render__shows_links_with_their_addresses(void **state)
{
    (void)state;
    assert_shows("[a](b) c", "a (b) c");
    assert_shows("[**a**](<b c> \"d\")!", "a (<b c> \"d\")!");
    assert_shows("![a](b.png)", "a (b.png)");
    assert_shows("[![a](b)](c)", "a (b) (c)");
    assert_shows("[a]() [](b)", "a  (b)");
    assert_shows("<http://a.b/c> http://d.e/f", "http://a.b/c http://d.e/f");
    assert_shows("[a](b(c)d \"(\")e", "a (b(c)d \"(\")e");
    /* What is not closed, and references, which would be gone. */
    assert_shows("[a](b", "[a](b");
    assert_shows("[a]: /b \"c\"\n\n[a] [d][a]", "[a]: /b \"c\"\n\n[a] [d][a]");
}

static void markdown__render__shows_code_as_it_is(void **state)
{
    (void)state;
    assert_shows("```\na\n  *b*\n\n```\nc", "│ a\n│   *b*\n│ \nc");
    assert_shows("~~~ c++\nint\n~~~", "‹c++›\n│ int\n");
    assert_shows("- a\n  ```\n  b\n\n    c\n  ```\n- d", "• a\n  │ b\n  │ \n  │   c\n• d");
    assert_shows("- ```\n  b\n- c", "• \n  │ b\n• c");
    assert_shows("> ```\n> b\n> ```\nc", "▎ │ b\nc");
    /* Not closed, empty, one behind the other. */
    assert_shows("```py\na\n", "‹py›\n│ a\n");
    assert_shows("```\n```\na", "a");
    assert_shows("```\na\n```\n```\nb\n```\n", "│ a\n│ b\n");
    assert_shows("    not code", "    not code");
    assert_shows("a\n```\n", "a\n");
}

static void markdown__render__leaves_what_it_does_not_know(void **state)
{
    (void)state;
    assert_shows("<b>a</b> &amp; &#35;", "<b>a</b> &amp; &#35;");
    assert_shows("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |");
    assert_shows("~~a~~ [x] ~b~ $c$", "~~a~~ [x] ~b~ $c$");
    assert_shows("#\n#no\n####### seven", "#\n#no\n####### seven");
    assert_shows("a  \nb\\\nc", "a\nb\nc");
}

static void markdown__render__keeps_what_is_not_closed_while_it_grows(void **state)
{
    (void)state;
    assert_shows_growing("a **b", "a **b");
    assert_shows_growing("a **b**", "a b");
    /* A line that may become a list, a rule or the end of a heading is none yet. */
    assert_shows_growing("Things:\n-", "Things:\n-");
    assert_shows_growing("Things:\n- a", "Things:\n• a");
    assert_shows_growing("Things:\n---", "Things:\n---");
    assert_shows_growing("Things:\n---\n", "Things:\n");
    assert_shows_growing("1.", "1.");
    assert_shows_growing("```", "```");
    assert_shows_growing("```py", "‹py›");
    assert_shows_growing("```\na\n``", "│ a\n│ ``");
    assert_shows_growing("```\na\n```", "│ a\n│ ```");
    assert_shows_growing("```\na\n```\n", "│ a\n");
}

/* The rows above the last block are those that they will be. */
static void markdown__render__moves_nothing_above_the_last_block(void **state)
{
    (void)state;
    static const char text[] =
        "# A heading\n\nSome **bold words** and a [link](http://a.b) in a paragraph.\n\n- one "
        "item\n- "
        "another `item` of some more words\n\n```c\nint main(void);\n\nreturn 0;\n```\n\n> a quote "
        "of "
        "*some* words\n> and more\n\n1. one\n2. two\n\nThe end\n---\n\nor *not*.\n";
    struct ui_blocks blocks = {0};
    struct cf_chat_turn turn = {.id = 1, .text = text, .state = CF_TURN_STREAMING};
    ui_blocks_set_width(&blocks, 24);
    struct cf_buf before = CF_BUF_INIT;
    for (turn.size = 1; turn.size < sizeof text; turn.size++) {
        const struct ui_block *block = ui_blocks_get(&blocks, &turn, false);
        /* Up to the last empty line that is not within code: it begins a block. */
        size_t stable = 0;
        for (size_t i = 0; i + 1 < before.size; i++) {
            stable = before.data[i] == '\n' && before.data[i + 1] == '\n' ? i : stable;
        }
        assert_true(block->shown.size >= stable);
        assert_memory_equal(block->shown.data, before.data, stable);
        cf_buf_clear(&before);
        cf_buf_add(&before, block->shown.data, block->shown.size);
    }
    cf_buf_release(&before);
    ui_blocks_release(&blocks);
}

static void markdown__places__lead_there_and_back(void **state)
{
    (void)state;
    static const char text[] = "a **bold** [x](y)";
    struct ui_blocks blocks = {0};
    struct cf_chat_turn turn = {.id = 1, .text = text, .size = sizeof text - 1};
    ui_blocks_set_width(&blocks, 40);
    const struct ui_block *block = ui_blocks_get(&blocks, &turn, false);
    assert_string_equal(block->shown.data, "a bold x (y)");
    /* b, the second star before it, the star behind, x, y */
    static const size_t places[][2] = {{4, 2}, {3, 2}, {8, 6}, {12, 7}, {15, 10}, {17, 12}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(places); i++) {
        assert_int_equal(ui_block_to_shown(block, places[i][0]), places[i][1]);
    }
    assert_int_equal(ui_block_to_plain(block, 3), 5);
    assert_int_equal(ui_block_to_plain(block, 12), sizeof text - 1);
    ui_blocks_release(&blocks);
}

static void markdown__marks_of_knobs__stand_at_their_token(void **state)
{
    (void)state;
    static const char text[] = "a **bold** end";
    struct cf_turn_mark marks[] = {{.sampling = CF_SAMPLING_INIT},
                                   {.begin = 20, .offset = 6, .sampling = CF_SAMPLING_INIT},
                                   {.begin = 40, .offset = 9, .sampling = CF_SAMPLING_INIT},
                                   {.begin = 60, .offset = 14, .sampling = CF_SAMPLING_INIT}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(marks); i++) {
        marks[i].sampling.temperature = 0.5 + 0.1 * (double)i;
    }
    struct ui_blocks blocks = {0};
    struct cf_chat_turn turn = {
        .id = 1, .text = text, .size = sizeof text - 1, .marks = marks, .n_marks = 4};
    ui_blocks_set_width(&blocks, 80);
    assert_string_equal(ui_blocks_get(&blocks, &turn, false)->shown.data,
                        "a bo‹T 0.50 → 0.60›ld‹T 0.60 → 0.70› end‹T 0.70 → 0.80›");
    markdown_check_places(ui_blocks_get(&blocks, &turn, false));
    assert_string_equal(ui_blocks_get(&blocks, &turn, true)->shown.data,
                        "a **bo‹T 0.50 → 0.60›ld*‹T 0.60 → 0.70›* end‹T 0.70 → 0.80›");
    ui_blocks_release(&blocks);
}

static void markdown__codes__are_found_and_copied(void **state)
{
    (void)state;
    static const char text[] = "a\n```c\nint a;\n\n  int b;\n```\n- l\n  ```\n  c\n  ```\n`no`";
    struct ui_markdown markdown = {0};
    struct ui_markdown_code codes[4];
    assert_true(ui_markdown_render(&markdown, text, sizeof text - 1, false));
    assert_int_equal(ui_markdown_codes(&markdown, codes, CF_ARRAY_SIZE(codes)), 2);
    assert_int_equal(ui_markdown_codes(&markdown, codes, 1), 2);
    ui_markdown_codes(&markdown, codes, CF_ARRAY_SIZE(codes));
    struct cf_buf out = CF_BUF_INIT;
    ui_markdown_copy_code(&markdown, text, &codes[0], &out);
    assert_string_equal(out.data, "int a;\n\n  int b;\n");
    cf_buf_clear(&out);
    ui_markdown_copy_code(&markdown, text, &codes[1], &out);
    assert_string_equal(out.data, "c\n");
    cf_buf_release(&out);
    ui_markdown_release(&markdown);
}

static void markdown__render__stands_any_bytes(void **state)
{
    (void)state;
    static const char *const marks[] = {
        "*",  "**", "_",  "`", "```", "~~~", "\n",  "\n\n", "# ", "- ",    "1. ", "> ",  "[",
        "](", ")",  "\\", "<", ">",   "  ",  "---", "===",  "!",  "&amp;", "\t",  "    "};
    struct test_random random = {.state = 11};
    for (int round = 0; round < 3000; round++) {
        char text[400];
        size_t size = 0;
        while (size < 300 && test_random_below(&random, 40) != 0) {
            const char *mark = marks[test_random_below(&random, CF_ARRAY_SIZE(marks))];
            if (test_random_below(&random, 3) == 0) {
                size += test_random_text(text + size, 1 + test_random_below(&random, 12), &random);
            } else {
                memcpy(text + size, mark, strlen(mark));
                size += strlen(mark);
            }
        }
        markdown_check(text, size, 1 + (int)test_random_below(&random, 40),
                       1 + test_random_below(&random, 50));
    }
}

static int64_t spent_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whatever is nested and repeated, the face does not stand still for it. */
static void markdown__render__takes_little_time(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "[",     "]",     "![[()", "*a_b",    "`a``b```c", "<",         "&",    "> ",       "- ",
        "1) ",   "\\",    "**a ",  "[a](b",   "[a](",      "](",        "<a:",  "[a]: b\n", "a\n- ",
        "> - ",  "``` ",  "~~~\n", "*_",      "[](",       "[](a)",     "((((", "[a](<b",   "#\n",
        "- -\n", "---\n", "- \n ", "```\n\n", "# a\n",     "http://a ", "\n",   "[a](\n",   "_\n"};
    size_t size = UI_MARKDOWN_MAX;
    char *text = malloc(size);
    struct ui_markdown markdown = {0};
    for (size_t i = 0; i < CF_ARRAY_SIZE(pieces); i++) {
        for (size_t at = 0; at < size; at++) {
            text[at] = pieces[i][at % strlen(pieces[i])];
        }
        int64_t begin = spent_ms();
        assert_true(ui_markdown_render(&markdown, text, size, true));
        int64_t spent = spent_ms() - begin;
        if (spent >= 30000) { /* far below what a square of the size takes, also under valgrind */
            print_error("%s: %lld ms\n", pieces[i], (long long)spent);
            fail();
        }
        ui_markdown_assert_sane(&markdown, text, size);
    }
    assert_false(ui_markdown_render(&markdown, text, size + 1, false));
    ui_markdown_release(&markdown);
    free(text);
}

static void markdown__corpus__is_replayed(void **state)
{
    (void)state;
    assert_true(test_replay_corpus("markdown", markdown_check_bytes) >= 7);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown__render__shows_text_without_marks),
        cmocka_unit_test(markdown__render__shows_links_with_their_addresses),
        cmocka_unit_test(markdown__render__shows_code_as_it_is),
        cmocka_unit_test(markdown__render__leaves_what_it_does_not_know),
        cmocka_unit_test(markdown__render__keeps_what_is_not_closed_while_it_grows),
        cmocka_unit_test(markdown__render__moves_nothing_above_the_last_block),
        cmocka_unit_test(markdown__places__lead_there_and_back),
        cmocka_unit_test(markdown__marks_of_knobs__stand_at_their_token),
        cmocka_unit_test(markdown__codes__are_found_and_copied),
        cmocka_unit_test(markdown__render__stands_any_bytes),
        cmocka_unit_test(markdown__render__takes_little_time),
        cmocka_unit_test(markdown__corpus__is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
