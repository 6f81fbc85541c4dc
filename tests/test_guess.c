/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "guess.h"

static void find__repeated__gives_what_followed(void **state)
{
    (void)state;
    int32_t guess[CF_GUESS_MAX];
    const int32_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3};
    const int32_t n = (int32_t)CF_ARRAY_SIZE(ids);
    assert_int_equal(cf_guess_find(ids, n, 4, guess, 3), 3);
    assert_int_equal(guess[0], 5);
    assert_int_equal(guess[1], 6);
    assert_int_equal(guess[2], 7);
    assert_int_equal(cf_guess_find(ids, n, 4, guess, 1), 1);
    assert_int_equal(cf_guess_find(ids, n, 9, guess, 3), 0);
    assert_int_equal(cf_guess_find(ids, n, 5, guess, 3), 0);
    assert_int_equal(cf_guess_find(ids, 3, 4, guess, 3), 0);
    assert_int_equal(cf_guess_find(ids, 0, 4, guess, 3), 0);
}

static void find__several__takes_the_longest_then_the_latest(void **state)
{
    (void)state;
    int32_t guess[CF_GUESS_MAX];
    /* 1 2 3 twice, the later time 9 before it; 8 1 2 3 once. */
    const int32_t ids[] = {8, 1, 2, 3, 10, 9, 1, 2, 3, 11, 8, 1, 2};
    assert_int_equal(cf_guess_find(ids, 13, 3, guess, 1), 1);
    assert_int_equal(guess[0], 10);
    const int32_t other[] = {8, 1, 2, 3, 10, 9, 1, 2, 3, 11, 7, 1, 2};
    assert_int_equal(cf_guess_find(other, 13, 3, guess, 1), 1);
    assert_int_equal(guess[0], 11);
}

static void find__a_run__goes_on_with_it(void **state)
{
    (void)state;
    int32_t guess[CF_GUESS_MAX];
    const int32_t ids[] = {5, 5, 5, 5, 5};
    assert_int_equal(cf_guess_find(ids, 5, 5, guess, 3), 1); /* what is known ends with it */
    assert_int_equal(guess[0], 5);
    const int32_t two[] = {1, 2, 1, 2, 1};
    assert_int_equal(cf_guess_find(two, 5, 2, guess, 3), 2);
    assert_int_equal(guess[0], 1);
    assert_int_equal(guess[1], 2);
}

static void pays__decides_by_what_it_brought(void **state)
{
    (void)state;
    struct cf_guess guess = {0};
    for (int i = 0; i < 20; i++) {
        assert_true(cf_guess_pays(&guess));
        cf_guess_learn(&guess, 0, 0, 0.010);
        cf_guess_learn(&guess, 3, 2, 0.012);
    }
    /* In a cache four rows take four times as long. */
    guess = (struct cf_guess){0};
    for (int i = 0; i < 20; i++) {
        cf_guess_learn(&guess, 0, 0, 0.001);
        cf_guess_learn(&guess, 3, 1, 0.004);
    }
    int n = 0;
    for (int i = 0; i < 1000; i++) {
        n += cf_guess_pays(&guess);
    }
    assert_in_range(n, 1, 20); /* looked at again now and then */
    for (int i = 0; i < 40; i++) {
        cf_guess_learn(&guess, 3, 3, 0.0015);
    }
    assert_true(cf_guess_pays(&guess));
    /* Nothing it says comes true. */
    for (int i = 0; i < 40; i++) {
        cf_guess_learn(&guess, 3, 0, 0.0011);
    }
    assert_false(cf_guess_pays(&guess));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__repeated__gives_what_followed),
        cmocka_unit_test(find__several__takes_the_longest_then_the_latest),
        cmocka_unit_test(find__a_run__goes_on_with_it),
        cmocka_unit_test(pays__decides_by_what_it_brought),
    };
    return cmocka_run_group_tests_name("guess", tests, NULL, NULL);
}
