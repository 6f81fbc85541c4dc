/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diff at its header. */
#include "test.h"

#include <stdlib.h>

#include "buf.h"
#include "diff.h"
#include "random.h"

/* As git's word diff writes it: [-old-]{+new+}. */
static void show(struct cf_buf *out, const char *old, const char *new)
{
    struct cf_diff diff;
    cf_diff_words(&diff, old, strlen(old), new, strlen(new));
    for (size_t i = 0; i < diff.n; i++) {
        const struct cf_diff_piece *piece = &diff.items[i];
        const char *text = piece->kind == CF_DIFF_NEW ? new : old;
        cf_buf_add_str(out, piece->kind == CF_DIFF_SAME  ? ""
                            : piece->kind == CF_DIFF_OLD ? "[-"
                                                         : "{+");
        cf_buf_add(out, text + piece->begin, piece->end - piece->begin);
        cf_buf_add_str(out, piece->kind == CF_DIFF_SAME  ? ""
                            : piece->kind == CF_DIFF_OLD ? "-]"
                                                         : "+}");
    }
    cf_diff_release(&diff);
}

static void diff__words__tells_what_changed(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *shown;
    } cases[] = {
        {"", "", ""},
        {"one", "one", "one"},
        {"", "one two", "{+one two+}"},
        {"one two", "", "[-one two-]"},
        {"I like tea a lot", "I like coffee a lot", "I like[- tea-]{+ coffee+} a lot"},
        {"a b c d e", "a x c y e", "a[- b-]{+ x+} c[- d-]{+ y+} e"},
        {"tea, please", "tea please", "tea[-,-] please"},
        {"one  two", "one two", "one  two"}, /* blanks alone are no change */
        {"\xe5\x96\x9d\xe7\xba\xa2\xe8\x8c\xb6", "\xe5\x96\x9d\xe7\xbb\xbf\xe8\x8c\xb6",
         "\xe5\x96\x9d[-\xe7\xba\xa2-]{+\xe7\xbb\xbf+}\xe8\x8c\xb6"},
        {"concatenate", "cat", "[-concatenate-]{+cat+}"},
        {"\xff\xfe x", "\xff\xfd x", "\xff[-\xfe-]{+\xfd+} x"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_buf out = CF_BUF_INIT;
        show(&out, cases[i].old, cases[i].new);
        assert_string_equal(out.size > 0 ? out.data : "", cases[i].shown);
        cf_buf_release(&out);
    }
}

/* Of any two texts the pieces cover each whole and in order. */
static void diff__words__covers_both_texts(void **state)
{
    (void)state;
    struct test_random random = {7};
    for (int round = 0; round < 300; round++) {
        char old[300];
        char new[300];
        size_t old_size = test_random_text(old, test_random_below(&random, sizeof old), &random);
        size_t new_size = test_random_text(new, test_random_below(&random, sizeof new), &random);
        struct cf_diff diff;
        cf_diff_words(&diff, old, old_size, new, new_size);
        size_t old_at = 0;
        for (size_t i = 0; i < diff.n; i++) {
            const struct cf_diff_piece *piece = &diff.items[i];
            assert_true(piece->end > piece->begin);
            assert_true(i == 0 || piece->kind != diff.items[i - 1].kind);
            if (piece->kind != CF_DIFF_NEW) {
                assert_int_equal(piece->begin, old_at);
                old_at = piece->end;
            } else {
                assert_true(piece->end <= new_size);
            }
        }
        assert_int_equal(old_at, old_size);
        cf_diff_release(&diff);
    }
}

static void diff__words__long_texts_cost_no_more_than_can_be_borne(void **state)
{
    (void)state;
    struct cf_buf old = CF_BUF_INIT;
    struct cf_buf new = CF_BUF_INIT;
    for (int i = 0; i < 100000; i++) {
        cf_buf_addf(&old, "old%d ", i);
        cf_buf_addf(&new, "new%d ", i);
    }
    cf_buf_add_str(&old, "end");
    cf_buf_add_str(&new, "end");
    struct cf_diff diff;
    cf_diff_words(&diff, old.data, old.size, new.data, new.size);
    assert_int_equal(diff.n, 3);
    assert_int_equal(diff.items[2].kind, CF_DIFF_SAME);
    cf_diff_release(&diff);
    cf_buf_release(&old);
    cf_buf_release(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diff__words__tells_what_changed),
        cmocka_unit_test(diff__words__covers_both_texts),
        cmocka_unit_test(diff__words__long_texts_cost_no_more_than_can_be_borne),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
