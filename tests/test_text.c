/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text at its header. */
#include "test.h"

#include <locale.h>
#include <stdio.h>
#include <wchar.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#include <vterm.h>

#include "random.h"
#include "text.h"

#define ZWJ "\xE2\x80\x8D"
#define VS16 "\xEF\xB8\x8F"

static void text__decode__gives_every_byte_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t c;
        size_t n;
    } cases[] = {
        {"a", 'a', 1},
        {"\xC3\xA9", 0xE9, 2},
        {"\xE6\xAD\xA3", 0x6B63, 3},
        {"\xF0\x9F\x98\x80", 0x1F600, 4},
        {"\xEF\xBF\xBD", 0xFFFD, 3},
        {"\xE6\xAD", CF_TEXT_REPLACEMENT, 1},         /* unfinished */
        {"\xAD", CF_TEXT_REPLACEMENT, 1},             /* stray continuation */
        {"\xC0\x80", CF_TEXT_REPLACEMENT, 1},         /* overlong NUL */
        {"\xE0\x80\x80", CF_TEXT_REPLACEMENT, 1},     /* overlong */
        {"\xED\xA0\x80", CF_TEXT_REPLACEMENT, 1},     /* surrogate */
        {"\xF4\x90\x80\x80", CF_TEXT_REPLACEMENT, 1}, /* above U+10FFFF */
        {"\xF8\x88\x80\x80\x80", CF_TEXT_REPLACEMENT, 1},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        uint32_t c = 0;
        assert_int_equal(cf_text_decode(&c, cases[i].text, strlen(cases[i].text)), cases[i].n);
        assert_int_equal(c, cases[i].c);
    }
    uint32_t c = 1;
    assert_int_equal(cf_text_decode(&c, "", 0), 0);
    assert_int_equal(cf_text_decode(&c, "\0", 1), 1);
    assert_int_equal(c, 0);
}

static void text__encode__is_the_inverse(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        size_t n = cf_text_encode(bytes, c);
        uint32_t back = 0;
        assert_int_equal(cf_text_decode(&back, bytes, n), n);
        assert_int_equal(back, c >= 0xD800 && c < 0xE000 ? CF_TEXT_REPLACEMENT : c);
    }
    char bytes[4];
    assert_int_equal(cf_text_encode(bytes, 0x110000), 3);
    assert_memory_equal(bytes, "\xEF\xBF\xBD", 3);
}

static void text__unfinished__holds_only_what_may_become_valid(void **state)
{
    (void)state;
    assert_int_equal(cf_text_unfinished("ab", 2), 0);
    assert_int_equal(cf_text_unfinished("a\xE6", 2), 1);
    assert_int_equal(cf_text_unfinished("a\xE6\xAD", 3), 2);
    assert_int_equal(cf_text_unfinished("a\xE6\xAD\xA3", 4), 0);
    assert_int_equal(cf_text_unfinished("\xF0\x9F\x98", 3), 3);
    assert_int_equal(cf_text_unfinished("\xE0\x80", 2), 0);
    assert_int_equal(cf_text_unfinished("\xED\xA0", 2), 0);
    assert_int_equal(cf_text_unfinished("\xF4\x90", 2), 0);
    assert_int_equal(cf_text_unfinished("\xC0", 1), 0);
    assert_int_equal(cf_text_unfinished("\xFF", 1), 0);
    assert_int_equal(cf_text_unfinished("\x80\x80\x80", 3), 0);
    assert_int_equal(cf_text_unfinished("", 0), 0);
}

static void text__make_valid__replaces_each_bad_byte(void **state)
{
    (void)state;
    struct cf_buf out = CF_BUF_INIT;
    cf_text_make_valid(&out, "a\xFF\xE6\xAD z\xED\xA0\x80", 9);
    assert_string_equal(out.data, "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD z\xEF\xBF\xBD\xEF\xBF\xBD"
                                  "\xEF\xBF\xBD");
    assert_true(cf_text_is_valid(out.data, out.size));
    assert_false(cf_text_is_valid("\xE6\xAD", 2));
    cf_buf_release(&out);
}

static void text__grapheme__follows_uax29(void **state)
{
    (void)state;
    /* Clusters separated by '|', from GraphemeBreakTest.txt and the emoji sequences. */
    static const char *const cases[] = {
        "a|b",
        "e\xCC\x81|x",
        "\r\n|a",
        "a|\r\n",
        "\n|\r",
        "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8|a",
        "\xEA\xB0\x80\xE1\x86\xA8|\xE1\x84\x80",
        "\xEA\xB0\x81\xE1\x86\xA8|\xEA\xB0\x81",
        "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA|\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA|\xF0\x9F\x87\xA9",
        "\xF0\x9F\x91\xA9" ZWJ "\xF0\x9F\x91\xA9" ZWJ "\xF0\x9F\x91\xA7|a",
        "\xF0\x9F\x91\xA9\xF0\x9F\x8F\xBD" ZWJ "\xF0\x9F\x91\xA9|\xF0\x9F\x91\xA9",
        "a" ZWJ "|\xF0\x9F\x91\xA9",
        "\xF0\x9F\x91\xA9" ZWJ ZWJ "|\xF0\x9F\x91\xA9",
        "\xF0\x9F\x87\xA9" ZWJ "|\xF0\x9F\x87\xAA",
        "\xE0\xA4\x95\xE0\xA4\xBF|a",
        "\xD8\x80\xD9\xA1|a",
        "\xFF|\xFF|a",
        "1" VS16 "\xE2\x83\xA3|2",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        char text[128];
        size_t ends[16];
        size_t n = 0;
        size_t size = 0;
        for (const char *p = cases[i]; *p != '\0'; p++) {
            if (*p == '|') {
                ends[n++] = size;
            } else {
                text[size++] = *p;
            }
        }
        ends[n++] = size;
        size_t at = 0;
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(cf_text_prev_grapheme(text, size, ends[k]), at);
            at = cf_text_next_grapheme(text, size, at);
            if (at != ends[k]) {
                fail_msg("case %zu: cluster %zu ends at %zu, not %zu", i, k, at, ends[k]);
            }
        }
    }
    assert_int_equal(cf_text_next_grapheme("a", 1, 1), 1);
    assert_int_equal(cf_text_prev_grapheme("a", 1, 0), 0);
}

static void text__grapheme__goes_back_as_it_went(void **state)
{
    (void)state;
    struct test_random random = {.state = 1};
    for (int round = 0; round < 2000; round++) {
        char text[300];
        size_t size = test_random_text(text, sizeof text, &random);
        for (size_t at = 0; at < size;) {
            size_t next = cf_text_next_grapheme(text, size, at);
            assert_true(next > at && next <= size);
            assert_int_equal(cf_text_prev_grapheme(text, size, next), at);
            at = next;
        }
    }
}

static void text__unspaced_script__knows_its_scripts(void **state)
{
    (void)state;
    static const uint32_t yes[] = {0x6B63, 0x3042, 0x30AB, 0x30FC,  0x3005, 0x0E01,
                                   0x0E81, 0x1780, 0x1000, 0x20000, 0x3105, 0xFF76};
    static const uint32_t no[] = {'a',    0xE9,   0xAC00,  0x0410, 0x0915,
                                  0x3000, 0x3002, 0x1F600, 0xFF01};
    for (size_t i = 0; i < CF_ARRAY_SIZE(yes); i++) {
        assert_true(cf_text_is_unspaced_script(yes[i]));
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(no); i++) {
        assert_false(cf_text_is_unspaced_script(no[i]));
    }
}

static void text__char_width__equals_wcwidth(void **state)
{
    (void)state;
#ifdef __GLIBC__
    if (strcmp(gnu_get_libc_version(), "2.36") == 0 && setlocale(LC_CTYPE, "C.UTF-8") != NULL) {
        for (uint32_t c = 1; c < 0x110000; c++) {
            if (wcwidth((wchar_t)c) != cf_text_char_width(c)) {
                setlocale(LC_CTYPE, "C");
                fail_msg("U+%04X: %d, wcwidth says %d", c, cf_text_char_width(c),
                         wcwidth((wchar_t)c));
            }
        }
        setlocale(LC_CTYPE, "C");
        return;
    }
#endif
    skip();
}

static void text__char_width__needs_no_locale(void **state)
{
    (void)state;
    assert_string_equal(setlocale(LC_CTYPE, NULL), "C");
    assert_int_equal(cf_text_char_width(0x6B63), 2);
    assert_int_equal(cf_text_char_width(0x1F600), 2);
    assert_int_equal(cf_text_char_width(0x301), 0);
    assert_int_equal(cf_text_char_width(0xE9), 1);
    assert_int_equal(cf_text_char_width(0), -1);
    assert_int_equal(cf_text_char_width(0x9B), -1);
    assert_int_equal(cf_text_char_width(0x378), -1);
    assert_int_equal(cf_text_char_width(0x110000), -1);
}

/* What libvterm makes of C, in columns. */
static int vterm_width(VTerm *vterm, uint32_t c)
{
    char bytes[8] = "\rx";
    size_t n = 2 + cf_text_encode(bytes + 2, c);
    vterm_input_write(vterm, bytes, n);
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(vterm), &pos);
    return pos.col - 1;
}

static void text__char_width__agrees_with_libvterm_where_it_matters(void **state)
{
    (void)state;
    /* Emoji up to Unicode 9, which is what libvterm 0.1.4 knows; without the tone and Kana marks
     * U+302A to U+302D, U+3099 and U+309A, which it counts as 2. */
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x20, 0x7E},       {0xA0, 0xAC},       {0xAE, 0x36F},      {0x400, 0x482},
        {0x1100, 0x11FF},   {0x2010, 0x2027},   {0x2500, 0x25FF},   {0x2E80, 0x2E99},
        {0x3000, 0x3029},   {0x3041, 0x3096},   {0x309B, 0x30FF},   {0x3131, 0x318E},
        {0x3400, 0x4DB5},   {0x4E00, 0x9FEA},   {0xAC00, 0xD7A3},   {0xF900, 0xFA6D},
        {0xFF01, 0xFFBE},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6D2}, {0x1F910, 0x1F91E},
        {0x1F920, 0x1F927}, {0x1F930, 0x1F930}, {0x1F933, 0x1F93A}, {0x1F940, 0x1F945},
        {0x1F947, 0x1F94B}, {0x1F950, 0x1F95E}, {0x1F980, 0x1F991}, {0x1F9C0, 0x1F9C0},
        {0x20000, 0x2A6D6},
    };
    VTerm *vterm = vterm_new(2, 20);
    vterm_set_utf8(vterm, 1);
    vterm_screen_reset(vterm_obtain_screen(vterm), 1);
    for (size_t i = 0; i < CF_ARRAY_SIZE(ranges); i++) {
        for (uint32_t c = ranges[i].first; c <= ranges[i].last; c++) {
            int width = cf_text_char_width(c);
            if (width >= 0 && width != vterm_width(vterm, c)) {
                fail_msg("U+%04X: %d, libvterm says %d", c, width, vterm_width(vterm, c));
            }
        }
    }
    vterm_free(vterm);
}

static void text__next_cell__keeps_base_and_four_marks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        uint32_t chars[CF_TEXT_CELL_CHARS];
        int n_chars, width;
    } cases[] = {
        {"ab", 1, {'a'}, 1, 1},
        {"e\xCC\x81x", 3, {'e', 0x301}, 2, 1},
        {"\xE6\xAD\xA3x", 3, {0x6B63}, 1, 2},
        {"a\xCC\x81\xCC\x82\xCC\x83\xCC\x84\xCC\x85\xCC\x86z",
         13,
         {'a', 0x301, 0x302, 0x303, 0x304},
         5,
         1},
        {"\xF0\x9F\x91\xA9" ZWJ "\xF0\x9F\x91\xA7", 7, {0x1F469}, 1, 2},
        {"\xE2\x9D\xA4" VS16 "!", 6, {0x2764}, 1, 1},
        {"a\xC2\xAD-", 3, {'a'}, 1, 1},
        {"\xCC\x81x", 2, {' ', 0x301}, 2, 1},
        {"\xC2\xAD\xC2\xAD", 4, {0}, 0, 0},
        {"\xC2\xAD\n", 2, {0}, 0, 0},
        {"\t\xCC\x81", 1, {'\t'}, 1, 1},
        {"\n", 1, {'\n'}, 1, 1},
        {"\x1b[", 1, {0xFFFD}, 1, 1},
        {"\xFF", 1, {0xFFFD}, 1, 1},
        {"\xCD\xB8", 2, {0xFFFD}, 1, 1},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_cell_text cell;
        assert_int_equal(cf_text_next_cell(&cell, cases[i].text, strlen(cases[i].text)),
                         cases[i].n);
        assert_int_equal(cell.n_chars, cases[i].n_chars);
        assert_int_equal(cell.width, cases[i].width);
        assert_memory_equal(cell.chars, cases[i].chars, sizeof cell.chars);
    }
}

static void text__width__counts_columns(void **state)
{
    (void)state;
    assert_int_equal(cf_text_width("abc", 3, 0), 3);
    assert_int_equal(cf_text_width("\xE6\xAD\xA3 a", 5, 0), 4);
    assert_int_equal(cf_text_width("a\tb", 3, 0), 9);
    assert_int_equal(cf_text_width("\t", 1, 5), 3);
    int used = -1;
    assert_int_equal(cf_text_fit("\xE6\xAD\xA3\xE6\xAD\xA3", 6, 3, &used), 3);
    assert_int_equal(used, 2);
    assert_int_equal(cf_text_fit("abc", 3, 0, &used), 0);
    assert_int_equal(cf_text_fit("abc", 3, -4, &used), 0);
    struct cf_buf out = CF_BUF_INIT;
    cf_text_ellipsize(&out, "tea\nin the rain", 15, 8);
    assert_string_equal(out.data, "tea in \xE2\x80\xA6");
    cf_buf_clear(&out);
    cf_text_ellipsize(&out, "tea", 3, 3);
    assert_string_equal(out.data, "tea");
    cf_buf_clear(&out);
    cf_text_ellipsize(&out, "\xE6\xAD\xA3\xE6\xAD\xA3", 6, 2);
    assert_string_equal(out.data, "\xE2\x80\xA6");
    cf_buf_clear(&out);
    cf_text_ellipsize(&out, "tea", 3, 0);
    assert_string_equal(out.data, "");
    cf_buf_release(&out);
}

static void text__line_breaks__stand_where_uax14_says(void **state)
{
    (void)state;
    /* '|' may break, '!' must. */
    static const char *const cases[] = {
        "a |b",
        "ab",
        "a\n!b",
        "\n!\n!",
        "\xE6\xAD\xA3|\xE5\x9C\xA8",
        "\xE6\xAD\xA3\xE3\x80\x82|a",
        "a |(b) |c",
        "http://|a.b/|c",
        "e.g. |this",
        "a,b",
        "3.14",
        "a.|\xE6\xAD\xA3",
        "well-|known",
        "$1,000.00 |x",
        "a\xC2\xA0"
        "b",
        "\xF0\x9F\x91\xA9" ZWJ "\xF0\x9F\x91\xA7",
        "a\r",
        "\xFF\xFF",
        "a \xFF",
        "a\tb",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        char text[64];
        uint8_t expected[64] = {0};
        size_t size = 0;
        for (const char *p = cases[i]; *p != '\0'; p++) {
            if (*p == '|' || *p == '!') {
                expected[size] = *p == '|' ? CF_BREAK_MAY : CF_BREAK_MUST;
            } else {
                text[size++] = *p;
            }
        }
        if (strstr(cases[i], "a \xFF") != NULL) {
            expected[2] = CF_BREAK_MAY;
        } else if (strstr(cases[i], "a\tb") != NULL) {
            expected[2] = CF_BREAK_MAY;
        }
        uint8_t breaks[64];
        cf_text_line_breaks(breaks, text, size);
        for (size_t k = 0; k < size; k++) {
            if (breaks[k] != expected[k]) {
                fail_msg("case %zu (%s): %d before byte %zu, not %d", i, cases[i], breaks[k], k,
                         expected[k]);
            }
        }
    }
}

static void text__make_safe__escapes_what_acts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"plain \xE6\xAD\xA3\n\tok", "plain \xE6\xAD\xA3\n\tok"},
        {"\x1b[2J", "\\x1b[2J"},
        {"a\rb\x7f\x08", "a\\x0db\\x7f\\x08"},
        {"\xC2\x9B", "\\u{9b}"},
        {"\x9B", "\\x9b"},
        {"\xE2\x80\xA8\xE2\x80\xA9", "\\u{2028}\\u{2029}"},
        {"\xD8\x9C\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\xAA\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9",
         "\\u{61c}\\u{200e}\\u{200f}\\u{202a}\\u{202e}\\u{2066}\\u{2069}"},
        {"\xF3\xA0\x80\x81\xF3\xA0\x81\xBF", "\\u{e0001}\\u{e007f}"},
        {"\xEF\xBF\xBE\xEF\xB7\x90\xF4\x8F\xBF\xBF", "\\u{fffe}\\u{fdd0}\\u{10ffff}"},
        {"\xE6\xAD", "\\xe6\\xad"},
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
        {ZWJ VS16 "\xC2\xAD", ZWJ VS16 "\xC2\xAD"},
        {"\\x1b", "\\x1b"},
    };
    struct cf_buf out = CF_BUF_INIT;
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        cf_buf_clear(&out);
        cf_text_make_safe(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(out.data, cases[i].safe);
        assert_true(cf_text_is_safe(out.data, out.size));
        assert_int_equal(cf_text_is_safe(cases[i].text, strlen(cases[i].text)),
                         strcmp(cases[i].text, cases[i].safe) == 0);
    }
    cf_buf_clear(&out);
    cf_text_make_safe(&out, "a\0b", 3);
    assert_string_equal(out.data, "a\\x00b");
    cf_buf_release(&out);
}

static void text__safe_add__equals_the_whole_in_any_pieces(void **state)
{
    (void)state;
    struct test_random random = {.state = 2};
    for (int round = 0; round < 3000; round++) {
        char text[200];
        size_t size = test_random_text(text, sizeof text, &random);
        struct cf_buf whole = CF_BUF_INIT;
        struct cf_buf pieces = CF_BUF_INIT;
        cf_text_make_safe(&whole, text, size);
        struct cf_text_safe safe = {0};
        for (size_t at = 0; at < size;) {
            size_t n = 1 + test_random_below(&random, 4);
            n = n < size - at ? n : size - at;
            cf_text_safe_add(&safe, &pieces, text + at, n);
            assert_true(cf_text_is_safe(pieces.data, pieces.size));
            at += n;
        }
        cf_text_safe_finish(&safe, &pieces);
        assert_int_equal(pieces.size, whole.size);
        assert_memory_equal(pieces.data, whole.data, whole.size);
        cf_buf_release(&whole);
        cf_buf_release(&pieces);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__decode__gives_every_byte_its_place),
        cmocka_unit_test(text__encode__is_the_inverse),
        cmocka_unit_test(text__unfinished__holds_only_what_may_become_valid),
        cmocka_unit_test(text__make_valid__replaces_each_bad_byte),
        cmocka_unit_test(text__grapheme__follows_uax29),
        cmocka_unit_test(text__grapheme__goes_back_as_it_went),
        cmocka_unit_test(text__unspaced_script__knows_its_scripts),
        cmocka_unit_test(text__char_width__equals_wcwidth),
        cmocka_unit_test(text__char_width__needs_no_locale),
        cmocka_unit_test(text__char_width__agrees_with_libvterm_where_it_matters),
        cmocka_unit_test(text__next_cell__keeps_base_and_four_marks),
        cmocka_unit_test(text__width__counts_columns),
        cmocka_unit_test(text__line_breaks__stand_where_uax14_says),
        cmocka_unit_test(text__make_safe__escapes_what_acts),
        cmocka_unit_test(text__safe_add__equals_the_whole_in_any_pieces),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
