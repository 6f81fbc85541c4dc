/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stop at its header. */
#include "test.h"

#include <stdio.h>

#include "random.h"
#include "shared.h"
#include "stop_check.h"

static struct cf_texts texts_of(const char *const *items, size_t n)
{
    struct cf_texts texts = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        cf_texts_add(&texts, items[i]);
    }
    return texts;
}

/* Feeds the pieces and checks what has come out after each, and whether it has stopped. */
struct step {
    const char *piece;
    const char *out; /* all so far */
    bool has_stopped;
};

static void check_steps(const char *const *strings, size_t n, const struct step *steps,
                        size_t n_steps, const char *finished)
{
    struct cf_texts texts = texts_of(strings, n);
    struct cf_stop *stop = cf_stop_new(&texts);
    struct cf_buf out = CF_BUF_INIT;
    for (size_t i = 0; i < n_steps; i++) {
        bool has_stopped = cf_stop_feed(stop, steps[i].piece, strlen(steps[i].piece), &out);
        assert_string_equal(out.data, steps[i].out);
        assert_int_equal(has_stopped, steps[i].has_stopped);
    }
    cf_stop_finish(stop, &out);
    assert_string_equal(out.data, finished);
    cf_buf_release(&out);
    cf_stop_free(stop);
    cf_texts_release(&texts);
}

static void stop__feed__holds_back_a_beginning(void **state)
{
    (void)state;
    const char *const strings[] = {"\nUser:"};
    const struct step steps[] = {
        {" Hello.", " Hello.", false}, {"\n", " Hello.", false},   {"U", " Hello.", false},
        {"se", " Hello.", false},      {"r: hi", " Hello.", true}, {"more", " Hello.", true},
    };
    check_steps(strings, 1, steps, CF_ARRAY_SIZE(steps), " Hello.");
}

static void stop__feed__lets_a_false_beginning_go(void **state)
{
    (void)state;
    const char *const strings[] = {"\nUser:", "", "\n\n\n"};
    const struct step steps[] = {
        {"a\nUs", "a", false},
        {"ual\n", "a\nUsual", false},
        {"\nUser", "a\nUsual\n", false},
        {"\n", "a\nUsual\n\nUser", false},
    };
    check_steps(strings, 3, steps, CF_ARRAY_SIZE(steps), "a\nUsual\n\nUser\n");
}

static void stop__feed__finds_a_match_inside_a_longer_beginning(void **state)
{
    (void)state;
    const char *const strings[] = {"abcde", "cd", "bcd"};
    const struct step steps[] = {{"xab", "x", false}, {"c", "x", false}, {"d", "xa", true}};
    check_steps(strings, 3, steps, CF_ARRAY_SIZE(steps), "xa");
}

static void stop__feed__keeps_characters_whole(void **state)
{
    (void)state;
    const char *const strings[] = {"\u00e9t\u00e9"};
    const struct step steps[] = {
        {"\u00e8", "\u00e8", false},
        {"\u00e9", "\u00e8", false},
        {"t\u00e8", "\u00e8\u00e9t\u00e8", false},
        {"\u00e9t\u00e9!", "\u00e8\u00e9t\u00e8", true},
    };
    check_steps(strings, 1, steps, CF_ARRAY_SIZE(steps), "\u00e8\u00e9t\u00e8");
}

static void stop__feed__passes_everything_without_strings(void **state)
{
    (void)state;
    const struct step steps[] = {{"a", "a", false}, {"", "a", false}, {"bc", "abc", false}};
    check_steps(NULL, 0, steps, CF_ARRAY_SIZE(steps), "abc");
}

static void stop__feed__agrees_with_a_naive_search(void **state)
{
    (void)state;
    struct test_random random = {1};
    for (int round = 0; round < 4000; round++) {
        unsigned char bytes[64];
        size_t n = 0;
        size_t n_strings = (size_t)(round % 6);
        bytes[n++] = (unsigned char)n_strings;
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            size_t value = test_random_below(&random, 1000);
            /* Two letters, so that beginnings overlap; short strings first. */
            bool ends = i < n_strings * 5 && value % 4 == 0;
            bytes[n++] = ends ? 0 : (unsigned char)('a' + value % 2);
        }
        stop_check_bytes(bytes, n);
    }
}

static void stop__corpus__keeps_its_promises(void **state)
{
    (void)state;
    assert_true(test_replay_corpus("stop", stop_check_bytes) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop__feed__holds_back_a_beginning),
        cmocka_unit_test(stop__feed__lets_a_false_beginning_go),
        cmocka_unit_test(stop__feed__finds_a_match_inside_a_longer_beginning),
        cmocka_unit_test(stop__feed__keeps_characters_whole),
        cmocka_unit_test(stop__feed__passes_everything_without_strings),
        cmocka_unit_test(stop__feed__agrees_with_a_naive_search),
        cmocka_unit_test(stop__corpus__keeps_its_promises),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
