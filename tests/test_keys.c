/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys: the table of actions and what a config file may do to it. */
#include "test.h"

#include <stdio.h>

#include "keys.h"

static uint32_t key_of(const char *text)
{
    uint32_t key = 0;
    assert_true(ui_key_parse(&key, text, strlen(text)));
    return key;
}

static void key__parse__reads_what_format_writes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "r",    "G",   "?",         "Ctrl-N", "Alt-Up",  "Shift-Tab",      "F5", "Space",
        "PgUp", "Esc", "Alt-Enter", "-",      "Ctrl-\\", "Ctrl-Alt-Right", "ü",  "正"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(texts); i++) {
        char text[UI_KEY_TEXT_SIZE];
        ui_key_format(text, key_of(texts[i]));
        assert_string_equal(text, texts[i]);
    }
    assert_int_equal(key_of("ctrl-n"), UI_KEY_CTRL | 'n');
    assert_int_equal(key_of("C-N"), UI_KEY_CTRL | 'n');
    assert_int_equal(key_of("M-up"), UI_KEY_ALT | UI_KEY_UP);
    assert_int_equal(key_of("pageup"), UI_KEY_PAGE_UP);
    assert_int_equal(key_of("Shift-G"), 'G');
    assert_int_equal(key_of("Ctrl--"), UI_KEY_CTRL | '-');
}

static void key__parse__refuses_what_is_no_key(void **state)
{
    (void)state;
    static const char *const texts[] = {"",  "rr",   "F13",  "Ctrl-",    "Hyper-x",     "\x01",
                                        " ", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(texts); i++) {
        uint32_t key = 42;
        assert_false(ui_key_parse(&key, texts[i], strlen(texts[i])));
        assert_int_equal(key, 42);
    }
}

static void key__canonical__names_control_bytes(void **state)
{
    (void)state;
    assert_int_equal(ui_key_canonical('\r'), UI_KEY_ENTER);
    assert_int_equal(ui_key_canonical('\n'), UI_KEY_CTRL | 'j');
    assert_int_equal(ui_key_canonical('\t'), UI_KEY_TAB);
    assert_int_equal(ui_key_canonical(0x1b), UI_KEY_ESC);
    assert_int_equal(ui_key_canonical(0x7f), UI_KEY_BACKSPACE);
    assert_int_equal(ui_key_canonical(0x03), UI_KEY_CTRL | 'c');
    assert_int_equal(ui_key_canonical(0x1f), UI_KEY_CTRL | '_');
    assert_int_equal(ui_key_canonical(UI_KEY_ALT | '\r'), UI_KEY_ALT | UI_KEY_ENTER);
}

static void keys__init__has_no_conflict(void **state)
{
    (void)state;
    struct ui_keys keys;
    ui_keys_init(&keys);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_keys_check(&keys, NULL, &err), CF_OK);
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        const struct ui_action_info *info = ui_action_info((enum ui_action)i);
        assert_int_equal(ui_action_find(info->name), i);
        assert_true(strlen(info->help) > 0);
        assert_true(keys.of[i].n > 0);
    }
}

/* What types in the line must type: only the keys named in the design hold there. */
static void keys__find__leaves_the_line_alone(void **state)
{
    (void)state;
    struct ui_keys keys;
    ui_keys_init(&keys);
    for (uint32_t c = 0x20; c < 0x3000; c++) {
        assert_int_equal(ui_keys_find(&keys, UI_IN_INPUT | UI_IN_EMPTY, c), UI_NONE);
    }
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        enum ui_action action = ui_keys_find(&keys, UI_IN_INPUT, UI_KEY_CTRL | c);
        assert_true((action != UI_NONE) == (c == 'c' || c == 'l' || c == 'z'));
    }
    static const struct {
        const char *key;
        enum ui_action in_line;
        enum ui_action in_empty_line;
        enum ui_action in_transcript;
    } rows[] = {
        {"Esc", UI_STOP, UI_STOP, UI_STOP},
        {"Alt-Up", UI_TEMPERATURE_UP, UI_TEMPERATURE_UP, UI_TEMPERATURE_UP},
        {"F7", UI_TOP_P_DOWN, UI_TOP_P_DOWN, UI_TOP_P_DOWN},
        {"Up", UI_NONE, UI_NONE, UI_UP},
        {"Tab", UI_NONE, UI_NEXT_PANE, UI_NEXT_PANE},
        {"Shift-Tab", UI_NONE, UI_PREVIOUS_PANE, UI_PREVIOUS_PANE},
        {"Home", UI_NONE, UI_TOP, UI_TOP},
        {"Ctrl-D", UI_NONE, UI_QUIT, UI_HALF_DOWN},
        {"Ctrl-N", UI_NONE, UI_NONE, UI_NEW},
        {"?", UI_NONE, UI_NONE, UI_HELP},
        {"F1", UI_HELP, UI_HELP, UI_HELP},
        {"h", UI_NONE, UI_NONE, UI_PREVIOUS_ALTERNATIVE},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        uint32_t key = key_of(rows[i].key);
        assert_int_equal(ui_keys_find(&keys, UI_IN_INPUT, key), rows[i].in_line);
        assert_int_equal(ui_keys_find(&keys, UI_IN_INPUT | UI_IN_EMPTY, key),
                         rows[i].in_empty_line);
        assert_int_equal(ui_keys_find(&keys, UI_IN_TRANSCRIPT, key), rows[i].in_transcript);
    }
    /* While messages wait, the empty line has these two for them, and all others as before. */
    unsigned waiting = UI_IN_INPUT | UI_IN_EMPTY | UI_IN_WAITING;
    assert_int_equal(ui_keys_find(&keys, waiting, UI_KEY_UP), UI_UNQUEUE);
    assert_int_equal(ui_keys_find(&keys, waiting, UI_KEY_ENTER), UI_SEND_WAITING);
    assert_int_equal(ui_keys_find(&keys, UI_IN_INPUT | UI_IN_EMPTY, UI_KEY_ENTER), UI_NONE);
    assert_int_equal(ui_keys_find(&keys, waiting, key_of("Ctrl-D")), UI_QUIT);
    /* While a search is typed, Up and Down walk what it found; all others type as before. */
    unsigned searching = UI_IN_INPUT | UI_IN_SEARCHING;
    assert_int_equal(ui_keys_find(&keys, searching, UI_KEY_UP), UI_UP);
    assert_int_equal(ui_keys_find(&keys, searching, UI_KEY_DOWN), UI_DOWN);
    assert_int_equal(ui_keys_find(&keys, searching, 'k'), UI_NONE);
    assert_int_equal(ui_keys_find(&keys, searching, UI_KEY_ENTER), UI_NONE);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_keys_bind(&keys, "up", "K", &err), CF_OK);
    assert_int_equal(ui_keys_find(&keys, searching, 'K'), UI_NONE);
    assert_int_equal(ui_keys_find(&keys, UI_IN_LIST, 'K'), UI_UP);
}

static void keys__bind__follows_the_config_file(void **state)
{
    (void)state;
    struct ui_keys keys;
    ui_keys_init(&keys);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_keys_bind(&keys, "regenerate", "X  F12", &err), CF_OK);
    assert_int_equal(ui_keys_find(&keys, UI_IN_TRANSCRIPT, 'X'), UI_REGENERATE);
    assert_int_equal(ui_keys_find(&keys, UI_IN_TRANSCRIPT, UI_KEY_F12), UI_REGENERATE);
    assert_int_equal(ui_keys_find(&keys, UI_IN_TRANSCRIPT, 'r'), UI_NONE);
    assert_int_equal(ui_keys_find(&keys, UI_IN_LIST, 'r'), UI_RENAME);
    assert_int_equal(ui_keys_check(&keys, NULL, &err), CF_OK);
    struct cf_buf buf = CF_BUF_INIT;
    ui_keys_describe(&keys, UI_REGENERATE, UI_ANYWHERE, -1, &buf);
    assert_string_equal(buf.data, "X F12");
    cf_buf_clear(&buf);
    ui_keys_describe(&keys, UI_HELP, UI_IN_INPUT, -1, &buf);
    assert_string_equal(buf.data, "F1");
    cf_buf_release(&buf);
    assert_int_equal(ui_keys_bind(&keys, "yank", "", &err), CF_OK);
    assert_int_equal(ui_keys_find(&keys, UI_IN_TRANSCRIPT, 'y'), UI_NONE);
}

static void keys__bind__refuses_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *keys;
        const char *text;
    } rows[] = {
        {"fly", "x", "[keys]: there is no action 'fly'"},
        {"regenerate", "rr", "[keys] regenerate: 'rr' is not a key"},
        {"regenerate", "x Ctrl-S", "[keys] regenerate: Ctrl-S can't be bound"},
        {"regenerate", "F11", "[keys] regenerate: F11 can't be bound"},
        {"regenerate", "a b c d e f g h i", "[keys] regenerate: more than 8 keys"},
        {"quit", "x", "[keys] quit: x belongs to the input line, where this action holds"},
    };
    struct ui_keys keys;
    ui_keys_init(&keys);
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        struct cf_err err = CF_ERR_INIT;
        struct ui_keys before = keys;
        assert_int_not_equal(ui_keys_bind(&keys, rows[i].name, rows[i].keys, &err), CF_OK);
        assert_string_equal(err.text, rows[i].text);
        assert_memory_equal(&before, &keys, sizeof keys);
    }
}

static void keys__check__names_both_actions(void **state)
{
    (void)state;
    struct ui_keys keys;
    ui_keys_init(&keys);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_keys_bind(&keys, "yank", "c", &err), CF_OK);
    enum ui_action both[2] = {UI_NONE, UI_NONE};
    assert_int_equal(ui_keys_check(&keys, both, &err), CF_ERR_EXISTS);
    assert_true(both[0] == UI_YANK ? both[1] == UI_CONTINUE
                                   : both[0] == UI_CONTINUE && both[1] == UI_YANK);
    assert_string_equal(err.text, "[keys]: c stands for both 'continue' and 'yank'");
    /* An exchange is no conflict. */
    assert_int_equal(ui_keys_bind(&keys, "continue", "y", &err), CF_OK);
    assert_int_equal(ui_keys_check(&keys, NULL, &err), CF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key__parse__reads_what_format_writes),
        cmocka_unit_test(key__parse__refuses_what_is_no_key),
        cmocka_unit_test(key__canonical__names_control_bytes),
        cmocka_unit_test(keys__init__has_no_conflict),
        cmocka_unit_test(keys__find__leaves_the_line_alone),
        cmocka_unit_test(keys__bind__follows_the_config_file),
        cmocka_unit_test(keys__bind__refuses_by_name),
        cmocka_unit_test(keys__check__names_both_actions),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
