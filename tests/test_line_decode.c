/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line_decode at its header. */
#include "test.h"

#include <stdio.h>

#include "line_decode.h"
#include "random.h"
#include "text.h"

/* Adds what comes out of the decoder now, as text: keys by their names, pastes as "paste(…)". */
static void log_inputs(struct ui_decoder *decoder, int64_t now_ms, struct cf_buf *log)
{
    struct ui_input input;
    while (ui_decoder_next(decoder, &input, now_ms)) {
        char name[UI_KEY_TEXT_SIZE];
        if (log->size > 0) {
            cf_buf_add_char(log, ' ');
        }
        switch (input.kind) {
        case UI_INPUT_KEY:
            ui_key_format(name, input.key);
            cf_buf_add_str(log, name);
            break;
        case UI_INPUT_PASTE:
            cf_buf_addf(log, "paste(%s)", input.paste);
            assert_true(cf_text_is_valid(input.paste, input.paste_size));
            break;
        case UI_INPUT_MOUSE:
            cf_buf_addf(log, "mouse(%d %d %d,%d)", (int)input.mouse.what, input.mouse.button,
                        input.mouse.x, input.mouse.y);
            break;
        }
    }
}

/* What BYTES give: at once, and LATE_MS afterwards. */
static void assert_keys(const char *bytes, size_t size, int late_ms, const char *expected)
{
    struct ui_decoder decoder;
    ui_decoder_init(&decoder, false);
    struct cf_buf log = CF_BUF_INIT;
    ui_decoder_add(&decoder, bytes, size, 1000);
    log_inputs(&decoder, 1000, &log);
    log_inputs(&decoder, 1000 + late_ms, &log);
    assert_string_equal(log.data, expected);
    /* One byte at a time gives the same, as long as no time passes. */
    cf_buf_clear(&log);
    ui_decoder_clear(&decoder);
    for (size_t i = 0; i < size; i++) {
        ui_decoder_add(&decoder, bytes + i, 1, 5000);
        log_inputs(&decoder, 5000, &log);
    }
    log_inputs(&decoder, 5000 + 1000, &log);
    if (late_ms == 0 || late_ms == 1000) {
        assert_string_equal(log.data, expected);
    }
    cf_buf_release(&log);
    ui_decoder_release(&decoder);
}

static void decode__next__knows_the_keys_of_many_terminals(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *keys;
    } cases[] = {
        {"a\xC3\xA9\xE6\xAD\xA3\xF0\x9F\x98\x80", "a \xC3\xA9 \xE6\xAD\xA3 \xF0\x9F\x98\x80"},
        {"\r\t\x7f\x01\x0a", "Enter Tab Backspace Ctrl-A Ctrl-J"},
        {"\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", "Up Down Right Left Home End"},
        {"\x1bOA\x1bOH\x1bOP\x1bOS", "Up Home F1 F4"},
        {"\x1b[1~\x1b[2~\x1b[3~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~",
         "Home Insert Delete End PgUp PgDn Home End"},
        {"\x1b[11~\x1b[15~\x1b[17~\x1b[24~\x1b[[A\x1b[[E", "F1 F5 F6 F12 F1 F5"},
        {"\x1b[1;3A\x1b[1;5C\x1b[1;2D\x1b[5;5~\x1b[1;4P",
         "Alt-Up Ctrl-Right Shift-Left Ctrl-PgUp Alt-Shift-F1"},
        {"\x1b\x1b[A\x1b\x1bOC\x1b\x1b[5~", "Alt-Up Alt-Right Alt-PgUp"},
        {"\x1b[Z\x1b[a\x1bOa\x1b[3^\x1b[3$\x1b[3@",
         "Shift-Tab Shift-Up Ctrl-Up Ctrl-Delete Shift-Delete Ctrl-Shift-Delete"},
        {"\x1b"
         "b\x1b\r\x1b\x7f\x1b\xE6\xAD\xA3\x1b\x02",
         "Alt-b Alt-Enter Alt-Backspace Alt-\xE6\xAD\xA3 Ctrl-Alt-B"},
        {"\x1b[13;3u\x1b[97;5u\x1b[27;5;98~", "Alt-Enter Ctrl-A Ctrl-B"},
        {"\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<32;5;6M\x1b[<64;1;1M\x1b[<65;1;1M",
         "mouse(0 0 2,3) mouse(1 0 2,3) mouse(2 0 4,5) WheelUp WheelDown"},
        {"\x1b[I\x1b[O", "FocusIn FocusOut"},
        {"\x1bOj\x1bOM", "* Enter"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        assert_keys(cases[i].bytes, strlen(cases[i].bytes), 0, cases[i].keys);
    }
    assert_keys("\0", 1, 0, "Ctrl-Space");
}

static void decode__next__swallows_what_is_no_key(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "\x1b[?1;2c",
        "\x1b[>41;354;0c",
        "\x1b[24;80R",
        "\x1b[?2026;2$y",
        "\x1b]11;rgb:1e1e/1e1e/1e1e\x07",
        "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
        "\x1bP>|xterm(390)\x1b\\",
        "\x1b_Gi=1;OK\x1b\\",
        "\x1b[25~",
        "\x1b[57399u",
        "\x1b[1;2;3;4;5;6;7;8;9;10;11z",
        "\x1b[99999999999999999999~",
        "\x1b[M !!",
        "\x1b[201~",
        "\xC2\x9B",
        "\x1b[12\x18",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(answers); i++) {
        char bytes[128];
        snprintf(bytes, sizeof bytes, "a%sb", answers[i]);
        bool is_broken_off = bytes[strlen(bytes) - 2] == 0x18;
        assert_keys(bytes, strlen(bytes), 0, is_broken_off ? "a Ctrl-X b" : "a b");
    }
}

static void decode__next__waits_for_the_rest(void **state)
{
    (void)state;
    /* Nothing yet; then what it is when nothing follows. */
    assert_keys("\x1b", 1, 49, "");
    assert_keys("\x1b", 1, 50, "Esc");
    assert_keys("\x1b\x1b", 2, 50, "Esc Esc");
    assert_keys("\x1b[", 2, 999, "");
    assert_keys("\x1b[", 2, 1000, "Alt-[");
    assert_keys("\x1bO", 2, 1000, "Alt-O");
    assert_keys("\x1b[1;", 4, 1000, "");
    assert_keys("\x1b]", 2, 50, "Alt-]");
    assert_keys("\xE6\xAD", 2, 999, "");
    assert_keys("\xE6\xAD", 2, 1000, "\xEF\xBF\xBD \xEF\xBF\xBD");
    assert_keys("\x1b\x1bx", 3, 0, "Esc Alt-x");
    assert_keys("a\xFF"
                "b",
                3, 0, "a \xEF\xBF\xBD b");
}

static void decode__next__learns_that_sequences_come_in_parts(void **state)
{
    (void)state;
    struct ui_decoder decoder;
    ui_decoder_init(&decoder, false);
    struct cf_buf log = CF_BUF_INIT;
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 0), -1);
    ui_decoder_add(&decoder, "\x1b", 1, 0);
    log_inputs(&decoder, 0, &log);
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 10), 40);
    ui_decoder_add(&decoder, "[C", 2, 40);
    log_inputs(&decoder, 40, &log);
    assert_string_equal(log.data, "Right");
    /* From now on Esc has more patience. */
    ui_decoder_add(&decoder, "\x1b", 1, 1000);
    log_inputs(&decoder, 1299, &log);
    assert_string_equal(log.data, "Right");
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 1299), 1);
    log_inputs(&decoder, 1300, &log);
    assert_string_equal(log.data, "Right Esc");
    ui_decoder_release(&decoder);
    ui_decoder_init(&decoder, true);
    ui_decoder_add(&decoder, "\x1b", 1, 0);
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 0), 300);
    cf_buf_release(&log);
    ui_decoder_release(&decoder);
}

#define PASTE(text) "\x1b[200~" text "\x1b[201~"

static void decode__paste__is_one_input_without_controls(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *inputs;
    } cases[] = {
        {"x" PASTE("hello") "y", "x paste(hello) y"},
        {PASTE("a\rb\r\nc\nd\r\re"), "paste(a\nb\nc\nd\n\ne)"},
        {PASTE("a\tb\x1b[31mc\x03\x7f\xC2\x85."), "paste(a\tb[31mc.)"},
        {PASTE("\xE6\xAD\xA3\xFF\xE6"), "paste(\xE6\xAD\xA3\xEF\xBF\xBD\xEF\xBF\xBD)"},
        {PASTE(""), "paste()"},
        {PASTE("\x1b[201\x1b[20") "z", "paste([201[20) z"},
        {PASTE("one") PASTE("two"), "paste(one) paste(two)"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        assert_keys(cases[i].bytes, strlen(cases[i].bytes), 0, cases[i].inputs);
    }
}

static void decode__paste__that_pauses_never_becomes_keys(void **state)
{
    (void)state;
    struct ui_decoder decoder;
    ui_decoder_init(&decoder, false);
    struct cf_buf log = CF_BUF_INIT;
    ui_decoder_add(&decoder, "\x1b[200~one\r\xE6\xAD", 12, 0);
    log_inputs(&decoder, 999, &log);
    assert_string_equal(log.data, "");
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 999), 1);
    log_inputs(&decoder, 1000, &log);
    assert_string_equal(log.data, "paste(one\n)");
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 1000), -1);
    ui_decoder_add(&decoder, "\xA3two\r", 5, 9000);
    log_inputs(&decoder, 9000, &log);
    ui_decoder_add(&decoder, "\x1b[20", 4, 9001);
    log_inputs(&decoder, 10001, &log);
    assert_string_equal(log.data, "paste(one\n) paste(\xE6\xAD\xA3two\n)");
    assert_int_equal(ui_decoder_timeout_ms(&decoder, 99999), -1);
    /* The end was lost: Ctrl-C after a pause is the way out. */
    ui_decoder_add(&decoder, "\x03", 1, 20000);
    log_inputs(&decoder, 20000, &log);
    ui_decoder_add(&decoder, "k", 1, 20000);
    log_inputs(&decoder, 20000, &log);
    assert_string_equal(log.data, "paste(one\n) paste(\xE6\xAD\xA3two\n) paste() k");
    cf_buf_release(&log);
    ui_decoder_release(&decoder);
}

static void decode__paste__ends_at_16_megabytes(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20 };
    char *piece = malloc(PIECE);
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    struct ui_decoder decoder;
    ui_decoder_init(&decoder, false);
    struct ui_input input;
    ui_decoder_add(&decoder, "\x1b[200~", 6, 0);
    for (int i = 0; i < 18; i++) {
        ui_decoder_add(&decoder, piece, PIECE, 0);
        assert_false(ui_decoder_next(&decoder, &input, 0));
    }
    ui_decoder_add(&decoder, "\x1b[201~k", 7, 0);
    assert_true(ui_decoder_next(&decoder, &input, 0));
    assert_int_equal(input.paste_size, UI_DECODE_PASTE_MAX);
    assert_true(input.is_paste_cut);
    assert_true(ui_decoder_next(&decoder, &input, 0));
    assert_int_equal(input.key, 'k');
    ui_decoder_release(&decoder);
    free(piece);
}

static void decode__next__survives_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] =
        "\x1b\x1b\x1b[[O];0123456789~<?$ABCMmuZ\\P\x07\r\n\xE6\xAD\xA3 ax\xFF\x18";
    struct test_random random = {.state = 6};
    struct ui_decoder decoder;
    ui_decoder_init(&decoder, false);
    int64_t now_ms = 0;
    size_t n_inputs = 0;
    for (int round = 0; round < 20000; round++) {
        char bytes[16];
        size_t n = test_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < n; i++) {
            bytes[i] = alphabet[test_random_below(&random, sizeof alphabet - 1)];
        }
        ui_decoder_add(&decoder, bytes, n, now_ms);
        now_ms += (int64_t)test_random_below(&random, 4) * 40;
        struct ui_input input;
        while (ui_decoder_next(&decoder, &input, now_ms)) {
            n_inputs++;
            assert_true(input.n_raw <= sizeof input.raw);
        }
        if (test_random_below(&random, 50) == 0) {
            now_ms += 2000;
            while (ui_decoder_next(&decoder, &input, now_ms)) {
                n_inputs++;
            }
            assert_true(decoder.is_pasting || decoder.bytes.size == 0);
            ui_decoder_clear(&decoder);
        }
    }
    assert_true(n_inputs > 1000);
    ui_decoder_release(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__next__knows_the_keys_of_many_terminals),
        cmocka_unit_test(decode__next__swallows_what_is_no_key),
        cmocka_unit_test(decode__next__waits_for_the_rest),
        cmocka_unit_test(decode__next__learns_that_sequences_come_in_parts),
        cmocka_unit_test(decode__paste__is_one_input_without_controls),
        cmocka_unit_test(decode__paste__that_pauses_never_becomes_keys),
        cmocka_unit_test(decode__paste__ends_at_16_megabytes),
        cmocka_unit_test(decode__next__survives_any_bytes),
    };
    return cmocka_run_group_tests_name("line_decode", tests, NULL, NULL);
}
