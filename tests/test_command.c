/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command: the table of /commands, parsing, nearest names and completion. */
#include "test.h"

#include <stdio.h>

#include "command.h"

static void command__table__has_no_name_twice(void **state)
{
    (void)state;
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        const struct cf_command_info *info = cf_command_info((enum cf_command)i);
        assert_true(strlen(info->help) > 0);
        assert_true((info->usage[0] == '\0') == (info->argument == CF_ARGUMENT_NONE));
        char words[200];
        snprintf(words, sizeof words, "%s %s", info->name, info->synonyms);
        for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
            enum cf_command found;
            assert_true(cf_command_find(&found, word, strlen(word)));
            assert_int_equal(found, i);
        }
    }
}

static void command__is__tells_slash_from_slashes(void **state)
{
    (void)state;
    assert_true(cf_command_is("/help"));
    assert_true(cf_command_is("/"));
    assert_false(cf_command_is("//help"));
    assert_false(cf_command_is(" /help"));
    assert_false(cf_command_is("help"));
    assert_false(cf_command_is(""));
    assert_string_equal(cf_command_text("//help"), "/help");
    assert_string_equal(cf_command_text("///"), "//");
    assert_string_equal(cf_command_text("a//b"), "a//b");
}

static void command__parse__finds_command_and_argument(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum cf_command command;
        const char *argument;
    } rows[] = {
        {"/new", CF_COMMAND_NEW, ""},
        {"/NEW  Tea in the rain \n", CF_COMMAND_NEW, "Tea in the rain"},
        {"/q", CF_COMMAND_QUIT, ""},
        {"/title\tone\ntwo", CF_COMMAND_RENAME, "one\ntwo"},
        {"/set top-p 0.5", CF_COMMAND_SET, "top-p 0.5"},
        {"/?", CF_COMMAND_HELP, ""},
        {"/temp 0.9", CF_COMMAND_TEMPERATURE, "0.9"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        struct cf_command_line line;
        struct cf_err err = CF_ERR_INIT;
        assert_int_equal(cf_command_parse(&line, rows[i].line, &err), CF_OK);
        assert_int_equal(line.command, rows[i].command);
        assert_int_equal(line.size, strlen(rows[i].argument));
        assert_memory_equal(line.argument, rows[i].argument, line.size);
    }
}

static void command__parse__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum cf_code code;
        const char *sentence;
    } rows[] = {
        {"/serach tea", CF_ERR_NOT_FOUND,
         "There is no command /serach; did you mean /search? (// sends a slash)"},
        {"/renmae x", CF_ERR_NOT_FOUND,
         "There is no command /renmae; did you mean /rename? (// sends a slash)"},
        {"/retyr", CF_ERR_NOT_FOUND,
         "There is no command /retyr; did you mean /retry? (// sends a slash)"},
        {"/regenrate", CF_ERR_NOT_FOUND,
         "There is no command /regenrate; did you mean /retry? (// sends a slash)"},
        {"/sys", CF_ERR_NOT_FOUND,
         "There is no command /sys; did you mean /system? (// sends a slash)"},
        {"/home/me/file is lost", CF_ERR_NOT_FOUND,
         "There is no command /home/me/file; /help lists them (// sends a slash)"},
        {"/", CF_ERR_NOT_FOUND, "There is no command /; /help lists them (// sends a slash)"},
        {"/search", CF_ERR_USAGE, "Usage: /search WORDS"},
        {"/undo all", CF_ERR_USAGE, "/undo takes no argument"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        struct cf_command_line line;
        struct cf_err err = CF_ERR_INIT;
        assert_int_equal(cf_command_parse(&line, rows[i].line, &err), rows[i].code);
        assert_string_equal(err.text, rows[i].sentence);
    }
    char line[5000];
    memset(line, 'x', sizeof line);
    line[0] = '/';
    line[sizeof line - 1] = '\0';
    struct cf_command_line parsed;
    assert_int_equal(cf_command_parse(&parsed, line, NULL), CF_ERR_NOT_FOUND);
}

static void offer_values(void *context, enum cf_argument kind, const char *setting,
                         struct cf_completions *completions)
{
    (void)context;
    if (kind == CF_ARGUMENT_SETTING) {
        cf_completions_offer(completions, "temperature", "", false);
        cf_completions_offer(completions, "top-k", "", false);
        cf_completions_offer(completions, "top-p", "", false);
    } else if (kind == CF_ARGUMENT_VALUE) {
        cf_completions_offer(completions, setting, "", false);
    } else if (kind == CF_ARGUMENT_CONVERSATION) {
        cf_completions_offer(completions, "12", "Tea in the rain", true);
        cf_completions_offer(completions, "7", "茶と雨", true);
    }
}

/* The offers for LINE up to its end, as "begin: a|b". */
static void assert_completes(const char *line, const char *expected)
{
    struct cf_completions completions;
    cf_command_complete(&completions, line, strlen(line), offer_values, NULL);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "%zu:", completions.begin);
    for (size_t i = 0; i < completions.n; i++) {
        cf_buf_addf(&text, "%s%s", i > 0 ? "|" : " ", completions.items[i].text);
    }
    assert_string_equal(text.data, expected);
    assert_int_equal(completions.end, strlen(line));
    cf_buf_release(&text);
    cf_completions_release(&completions);
}

static void command__complete__offers_names_and_values(void **state)
{
    (void)state;
    assert_completes("/se", "0: /set |/seed |/search ");
    assert_completes("/SAVE", "0: /save-preset ");
    assert_completes("/un", "0: /undo");
    assert_completes("/xyz", "0:");
    assert_completes("//se", "0:");
    assert_completes("se", "0:");
    assert_completes("", "0:");
    assert_completes("/set ", "5: temperature|top-k|top-p");
    assert_completes("/set to", "5: top-k|top-p");
    assert_completes("/set top-p ", "11: top-p");
    assert_completes("/set top-p 0", "11:");
    assert_completes("/open 1", "6: 12");
    assert_completes("/open tea", "6: 12");
    assert_completes("/open  雨", "7: 7");
    assert_completes("/help sea", "6: search");
    assert_completes("/temp ", "6: temperature");
    assert_completes("/undo x", "6:");
    assert_completes("/nothing x", "0:");
}

static void command__complete__looks_no_further_than_the_cursor(void **state)
{
    (void)state;
    struct cf_completions completions;
    cf_command_complete(&completions, "/search tea", 4, offer_values, NULL);
    assert_int_equal(completions.n, 1);
    assert_string_equal(completions.items[0].text, "/search ");
    assert_int_equal(completions.end, 4);
    cf_completions_release(&completions);
    cf_command_complete(&completions, "/set top-p 0.9", 8, offer_values, NULL);
    assert_int_equal(completions.n, 2);
    assert_int_equal(completions.begin, 5);
    cf_completions_release(&completions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command__table__has_no_name_twice),
        cmocka_unit_test(command__is__tells_slash_from_slashes),
        cmocka_unit_test(command__parse__finds_command_and_argument),
        cmocka_unit_test(command__parse__says_what_is_wrong),
        cmocka_unit_test(command__complete__offers_names_and_values),
        cmocka_unit_test(command__complete__looks_no_further_than_the_cursor),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
