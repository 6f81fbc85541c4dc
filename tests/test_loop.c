/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a repeating text is found to be a loop: bytes as tokens, or words as tokens. */
#include "test.h"

#include "loop.h"
#include "random.h"

/* At which token a text of words (tokens; the same word, the same id) is found to loop; -1: never.
 */
static int loops_at(const char *text, float entropy)
{
    struct cf_loop loop = {0};
    int index = 0;
    for (const char *at = text; *at != '\0'; index++) {
        size_t size = strcspn(at + 1, " ") + 1;
        int32_t id = 0;
        for (size_t i = 0; i < size; i++) {
            id = (id * 31 + (unsigned char)at[i]) & 0xFFFFFF;
        }
        if (cf_loop_add(&loop, id, size, entropy)) {
            return index;
        }
        at += size;
    }
    return -1;
}

static void loop__three_sentences_in_a_row__ends_with_the_third(void **state)
{
    (void)state;
    static const char text[] = " so it was. She was so happy. She was so happy. She was so happy. "
                               "She was so happy.";
    assert_int_equal(loops_at(text, 3), 14);
}

static void loop__two_sentences_in_a_row__is_none(void **state)
{
    (void)state;
    assert_int_equal(loops_at(" She was so happy. She was so happy. And then it rained.", 3), -1);
}

static void loop__one_word__needs_a_dozen(void **state)
{
    (void)state;
    assert_int_equal(loops_at(" ha ha ha ha ha ha ha ha ha", 3), -1);
    assert_int_equal(loops_at(" ha ha ha ha ha ha ha ha ha ha ha ha ha ha", 3), 11);
}

static void loop__passage_between_others__is_found_the_third_time(void **state)
{
    (void)state;
    static const char text[] =
        " One day she wanted to play in the garden with her friends and her toys. It rained."
        " Then she wanted to play in the garden with her friends and her toys. It snowed a lot."
        " Now she wanted to play in the garden with her friends and her toys. The end.";
    int at = loops_at(text, 3);
    assert_true(at > 37);
    /* Twice is not enough. */
    char twice[sizeof text];
    memcpy(twice, text, sizeof text);
    *strstr(twice, " Now she") = '\0';
    assert_int_equal(loops_at(twice, 3), -1);
}

static void loop__short_passage__counts_where_nothing_is_in_doubt(void **state)
{
    (void)state;
    static const char text[] = " one play with her friends today, two three four five six"
                               " play with her friends today, seven eight nine ten eleven"
                               " play with her friends today, twelve";
    assert_int_equal(loops_at(text, 3), -1);
    assert_true(loops_at(text, 0.01F) > 0);
}

static void loop__overlapping_repetition__counts_once(void **state)
{
    (void)state;
    /* Eleven times the same: within itself that is many passages, but they overlap. */
    assert_int_equal(loops_at(" averylongwordthatgoesonandonandonandonandonandonandon no", 3), -1);
}

static void loop__random_text__is_none(void **state)
{
    (void)state;
    struct test_random random = {.state = 1};
    struct cf_loop loop = {0};
    for (int i = 0; i < 100000; i++) {
        assert_false(cf_loop_add(&loop, (int32_t)test_random_below(&random, 5000), 4, 5));
    }
}

static void loop__long_period__is_found_within_the_span(void **state)
{
    (void)state;
    struct cf_loop loop = {0};
    int at = -1;
    for (int i = 0; i < 300 && at < 0; i++) {
        if (cf_loop_add(&loop, i % 80, 1, 5)) {
            at = i;
        }
    }
    assert_int_equal(at, 80 * 2 + 47); /* 48 bytes, the third time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop__three_sentences_in_a_row__ends_with_the_third),
        cmocka_unit_test(loop__two_sentences_in_a_row__is_none),
        cmocka_unit_test(loop__one_word__needs_a_dozen),
        cmocka_unit_test(loop__passage_between_others__is_found_the_third_time),
        cmocka_unit_test(loop__short_passage__counts_where_nothing_is_in_doubt),
        cmocka_unit_test(loop__overlapping_repetition__counts_once),
        cmocka_unit_test(loop__random_text__is_none),
        cmocka_unit_test(loop__long_period__is_found_within_the_span),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
