/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wrap at its header. */
#include "test.h"

#include "random.h"
#include "shared.h"
#include "text.h"
#include "text_check.h"
#include "wrap.h"

#define ZHENG "\xE6\xAD\xA3"
#define FAMILY "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7"

/* Lays TEXT out and compares the rows, each followed by a newline; '$' ends a hard row. */
static void assert_rows(const char *text, int width, const char *expected)
{
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, width);
    ui_wrap_extend(&wrap, text, strlen(text));
    ui_wrap_assert_sane(&wrap);
    struct cf_buf out = CF_BUF_INIT;
    for (size_t i = 0; i < wrap.n_rows; i++) {
        const struct ui_row *row = &wrap.rows[i];
        cf_buf_add(&out, text + row->begin, row->end - row->begin);
        cf_buf_add_str(&out, row->is_hard ? "$\n" : "\n");
        assert_int_equal(row->width, cf_text_width(text + row->begin, row->end - row->begin, 0));
    }
    assert_string_equal(out.data, expected);
    cf_buf_release(&out);
    ui_wrap_release(&wrap);
}

static void wrap__extend__breaks_between_words(void **state)
{
    (void)state;
    assert_rows("", 10, "\n");
    assert_rows("tea in the rain", 10, "tea in the\nrain\n");
    assert_rows("tea in the rain", 9, "tea in\nthe rain\n");
    assert_rows("tea\nrain\n", 10, "tea$\nrain$\n\n");
    assert_rows("\n\n", 10, "$\n$\n\n");
    assert_rows("tea, coffee", 5, "tea,\ncoffe\ne\n");
}

static void wrap__extend__breaks_long_words_between_graphemes(void **state)
{
    (void)state;
    assert_rows("abcdefgh", 3, "abc\ndef\ngh\n");
    assert_rows("ab e\xCC\x81"
                "e\xCC\x81"
                "e\xCC\x81",
                2,
                "ab\ne\xCC\x81"
                "e\xCC\x81\ne\xCC\x81\n");
    assert_rows("a" FAMILY "b", 4, "a\n" FAMILY "\nb\n");
    assert_rows("http://example.com/a/b", 12, "http://\nexample.com/\na/b\n");
    assert_rows("abc", 1, "a\nb\nc\n");
    assert_rows("abc", 0, "a\nb\nc\n");
}

static void wrap__extend__keeps_the_rules_of_han(void **state)
{
    (void)state;
    assert_rows(ZHENG ZHENG ZHENG, 4, ZHENG ZHENG "\n" ZHENG "\n");
    assert_rows(ZHENG ZHENG ZHENG, 5, ZHENG ZHENG "\n" ZHENG "\n");
    /* A full stop never begins a row, a bracket never ends one. */
    assert_rows(ZHENG ZHENG "\xE3\x80\x82", 4, ZHENG "\n" ZHENG "\xE3\x80\x82\n");
    assert_rows(ZHENG "\xE3\x80\x8C" ZHENG, 4, ZHENG "\n\xE3\x80\x8C" ZHENG "\n");
    assert_rows(ZHENG ZHENG, 1, ZHENG "\n" ZHENG "\n");
}

static void wrap__extend__lets_spaces_hang(void **state)
{
    (void)state;
    assert_rows("tea   rain", 4, "tea\nrain\n");
    assert_rows("tea     ", 5, "tea  \n");
    assert_rows("tea     \nx", 5, "tea  $\nx\n");
    assert_rows("    x", 3, "\nx\n");
    assert_rows("a\tb", 9, "a\tb\n");
    assert_rows("a\tb", 8, "a\nb\n");
}

/* Rows that go on a line that hangs are indented; of code they are cut at the edge. */
static void wrap__extend__indents_what_hangs(void **state)
{
    (void)state;
    const char *text = "- tea in the rain\nall in all\n| int  main(void);\nend";
    const struct ui_hang hangs[] = {{0, 2, false}, {18, 0, false}, {29, 2, true}, {48, 0, false}};
    static const struct {
        const char *row;
        int indent;
    } rows[] = {{"- tea in", 0}, {"the", 2},    {"rain", 2}, {"all in", 0}, {"all", 0},
                {"| int  m", 0}, {"ain(vo", 2}, {"id);", 2}, {"end", 0}};
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, 8);
    wrap.hangs = hangs;
    wrap.n_hangs = CF_ARRAY_SIZE(hangs);
    ui_wrap_extend(&wrap, text, strlen(text));
    ui_wrap_assert_sane(&wrap);
    assert_int_equal(wrap.n_rows, CF_ARRAY_SIZE(rows));
    for (size_t i = 0; i < wrap.n_rows; i++) {
        const struct ui_row *row = &wrap.rows[i];
        assert_int_equal(row->end - row->begin, strlen(rows[i].row));
        assert_memory_equal(text + row->begin, rows[i].row, strlen(rows[i].row));
        assert_int_equal(row->indent, rows[i].indent);
    }
    size_t row = 0;
    int column = 0;
    ui_wrap_locate(&wrap, text, 10, &row, &column);
    assert_int_equal(row, 1);
    assert_int_equal(column, 3);
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 1, 3), 10);
    /* The indent takes half of a narrow screen at most. */
    ui_wrap_reset(&wrap, 3);
    assert_int_equal(wrap.n_hangs, 0);
    wrap.hangs = hangs;
    wrap.n_hangs = CF_ARRAY_SIZE(hangs);
    ui_wrap_extend(&wrap, text, strlen(text));
    ui_wrap_assert_sane(&wrap);
    assert_int_equal(wrap.rows[1].indent, 1);
    ui_wrap_release(&wrap);
}

/* What a cut row was decided by may stand two rows on. */
static void wrap__cut__lays_out_what_a_change_touches(void **state)
{
    (void)state;
    struct test_random random = {.state = 21};
    for (int round = 0; round < 3000; round++) {
        char first[120];
        char raw[120];
        struct cf_buf text = CF_BUF_INIT;
        struct cf_buf other = CF_BUF_INIT;
        size_t size = test_random_text(first, sizeof first, &random);
        cf_text_make_safe(&text, first, size);
        size_t at = 0;
        for (size_t n = test_random_below(&random, 20); n > 0; n--) {
            at = cf_text_next_grapheme(text.data, text.size, at);
        }
        cf_buf_add(&other, text.data, at);
        size = test_random_text(raw, sizeof raw, &random);
        cf_text_make_safe(&other, raw, size);
        struct ui_wrap changed;
        struct ui_wrap whole;
        int width = 1 + (int)test_random_below(&random, 9);
        ui_wrap_init(&changed, width);
        ui_wrap_init(&whole, width);
        ui_wrap_extend(&changed, text.data, text.size);
        ui_wrap_cut(&changed, at);
        ui_wrap_extend(&changed, other.data, other.size);
        ui_wrap_extend(&whole, other.data, other.size);
        assert_int_equal(changed.n_rows, whole.n_rows);
        for (size_t i = 0; i < whole.n_rows; i++) {
            assert_int_equal(changed.rows[i].begin, whole.rows[i].begin);
            assert_int_equal(changed.rows[i].end, whole.rows[i].end);
        }
        ui_wrap_release(&changed);
        ui_wrap_release(&whole);
        cf_buf_release(&text);
        cf_buf_release(&other);
    }
}

static void wrap__locate__finds_row_and_column(void **state)
{
    (void)state;
    const char *text = "tea in   the " ZHENG "\nx";
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, 6);
    ui_wrap_extend(&wrap, text, strlen(text));
    static const struct {
        size_t at, row;
        int column;
    } cases[] = {{0, 0, 0},  {4, 0, 4},  {6, 0, 6},  {8, 0, 6},  {9, 1, 0},
                 {12, 1, 3}, {13, 1, 4}, {16, 1, 6}, {17, 2, 0}, {18, 2, 1}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        size_t row = 99;
        int column = -1;
        ui_wrap_locate(&wrap, text, cases[i].at, &row, &column);
        assert_int_equal(row, cases[i].row);
        assert_int_equal(column, cases[i].column);
    }
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 0, 4), 4);
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 0, 99), 6);
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 1, 5), 13);
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 1, 6), 16);
    assert_int_equal(ui_wrap_byte_at(&wrap, text, 2, 6), 18);
    /* No position at the end of a row that belongs to the next one. */
    ui_wrap_reset(&wrap, 3);
    ui_wrap_extend(&wrap, "abcdef", 6);
    assert_int_equal(ui_wrap_byte_at(&wrap, "abcdef", 0, 3), 2);
    ui_wrap_release(&wrap);
}

static void assert_equal_wraps(const struct ui_wrap *a, const struct ui_wrap *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (size_t i = 0; i < a->n_rows; i++) {
        assert_int_equal(a->rows[i].begin, b->rows[i].begin);
        assert_int_equal(a->rows[i].end, b->rows[i].end);
        assert_int_equal(a->rows[i].next, b->rows[i].next);
        assert_int_equal(a->rows[i].width, b->rows[i].width);
        assert_int_equal(a->rows[i].is_hard, b->rows[i].is_hard);
    }
}

static void wrap__extend__in_pieces_equals_at_once(void **state)
{
    (void)state;
    struct test_random random = {.state = 4};
    for (int round = 0; round < 1500; round++) {
        char raw[400];
        size_t n_raw = test_random_text(raw, sizeof raw, &random);
        int width = 1 + (int)test_random_below(&random, 24);
        struct cf_buf text = CF_BUF_INIT;
        struct cf_text_safe safe = {0};
        struct ui_wrap pieces;
        ui_wrap_init(&pieces, width);
        for (size_t at = 0; at < n_raw;) {
            size_t n = 1 + test_random_below(&random, 9);
            n = n < n_raw - at ? n : n_raw - at;
            cf_text_safe_add(&safe, &text, raw + at, n);
            if (at + n == n_raw) {
                cf_text_safe_finish(&safe, &text);
            }
            size_t n_known = pieces.n_rows;
            size_t first = ui_wrap_extend(&pieces, text.data, text.size);
            assert_true(first + 1 >= n_known);
            ui_wrap_assert_sane(&pieces);
            at += n;
        }
        struct ui_wrap whole;
        ui_wrap_init(&whole, width);
        ui_wrap_extend(&whole, text.data, text.size);
        if (n_raw > 0) {
            assert_equal_wraps(&pieces, &whole);
        }
        ui_wrap_reset(&pieces, width);
        for (size_t n = 1; !ui_wrap_extend_some(&pieces, text.data, text.size, n); n += 2) {
            assert_true(pieces.n_rows >= n);
        }
        assert_equal_wraps(&pieces, &whole);
        for (size_t i = 0; i < whole.n_rows; i++) {
            const struct ui_row *row = &whole.rows[i];
            struct cf_cell_text cell;
            bool is_one_cell = row->begin == row->end ||
                               cf_text_next_cell(&cell, text.data + row->begin,
                                                 row->end - row->begin) == row->end - row->begin;
            assert_true(row->width <= width || is_one_cell);
        }
        ui_wrap_release(&pieces);
        ui_wrap_release(&whole);
        cf_buf_release(&text);
    }
}

static void wrap__cut__lets_the_text_be_edited_anywhere(void **state)
{
    (void)state;
    struct test_random random = {.state = 5};
    struct cf_buf text = CF_BUF_INIT;
    struct ui_wrap edited;
    ui_wrap_init(&edited, 12);
    for (int round = 0; round < 3000; round++) {
        char raw[40];
        struct cf_buf piece = CF_BUF_INIT;
        cf_text_make_safe(&piece, raw, test_random_text(raw, sizeof raw, &random));
        size_t at = test_random_below(&random, text.size + 1);
        while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80) {
            at--;
        }
        struct cf_buf tail = CF_BUF_INIT;
        size_t n_gone = text.size > 300 ? text.size - at : 0;
        cf_buf_add(&tail, text.data + at + n_gone, text.size - at - n_gone);
        cf_buf_truncate(&text, at);
        cf_buf_add(&text, piece.data, piece.size);
        cf_buf_add(&text, tail.data, tail.size);
        ui_wrap_cut(&edited, at);
        ui_wrap_extend(&edited, text.data, text.size);
        ui_wrap_assert_sane(&edited);
        struct ui_wrap whole;
        ui_wrap_init(&whole, 12);
        ui_wrap_extend(&whole, text.data, text.size);
        assert_equal_wraps(&edited, &whole);
        ui_wrap_release(&whole);
        cf_buf_release(&piece);
        cf_buf_release(&tail);
    }
    ui_wrap_release(&edited);
    cf_buf_release(&text);
}

static void text__any_bytes__keep_every_rule(void **state)
{
    (void)state;
    struct test_random random = {.state = 7};
    for (int round = 0; round < 600; round++) {
        char bytes[300];
        bytes[0] = (char)test_random_below(&random, 256);
        text_check_bytes((const uint8_t *)bytes,
                         1 + test_random_text(bytes + 1, sizeof bytes - 1, &random));
    }
}

static void text__corpus__keeps_every_rule(void **state)
{
    (void)state;
    assert_true(test_replay_corpus("text", text_check_bytes) >= 10);
}

static void wrap__extend__of_one_long_word_stays_linear(void **state)
{
    (void)state;
    /* A token at a time, half a megabyte without a break: were each piece to lay out the paragraph
     * again, this would never end. */
    enum { SIZE = 1 << 19, PIECE = 4 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'a', SIZE);
    struct ui_wrap wrap;
    ui_wrap_init(&wrap, 80);
    for (size_t size = PIECE; size <= SIZE; size += PIECE) {
        ui_wrap_extend(&wrap, text, size);
    }
    assert_int_equal(wrap.n_rows, (SIZE + 79) / 80);
    ui_wrap_release(&wrap);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrap__extend__breaks_between_words),
        cmocka_unit_test(wrap__extend__breaks_long_words_between_graphemes),
        cmocka_unit_test(wrap__extend__keeps_the_rules_of_han),
        cmocka_unit_test(wrap__extend__lets_spaces_hang),
        cmocka_unit_test(wrap__extend__indents_what_hangs),
        cmocka_unit_test(wrap__cut__lays_out_what_a_change_touches),
        cmocka_unit_test(wrap__locate__finds_row_and_column),
        cmocka_unit_test(wrap__extend__in_pieces_equals_at_once),
        cmocka_unit_test(wrap__cut__lets_the_text_be_edited_anywhere),
        cmocka_unit_test(text__any_bytes__keep_every_rule),
        cmocka_unit_test(text__corpus__keeps_every_rule),
        cmocka_unit_test(wrap__extend__of_one_long_word_stays_linear),
    };
    return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
