/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program in a pseudo-terminal: list, search, tree, and two of it on one database. */
#include "test.h"

#include <jansson.h>

#include "ui_harness.h"

#define TIANQI "\xe5\xa4\xa9\xe6\xb0\x94"                /* 天气 */
#define XIAYU "\xe4\xb8\x8b\xe9\x9b\xa8"                 /* 下雨 */
#define CURRENT "\xe2\x80\xa2"                           /* • */
#define FOCUS(name) "\xe2\x94\x81 " name " \xe2\x94\x81" /* ━ name ━ */

static bool has_title(struct pty *pty, const void *ctx)
{
    const char *title = ctx;
    struct cf_buf row = CF_BUF_INIT;
    pty_row(pty, 0, &row);
    bool is_there = row.size > 0 && strncmp(row.data + 1, title, strlen(title)) == 0;
    cf_buf_release(&row);
    return is_there;
}

/* Waits until the conversation is on; its first message may stand above the screen. */
static void wait_for_title(struct pty *pty, const char *title)
{
    pty_wait(pty, has_title, title, title);
}

/* To a file, and what is in it: every message of every branch. */
static void export_all_branches(struct pty *pty)
{
    char name[2300];
    char text[2400];
    snprintf(name, sizeof name, "%s/branches.json", here);
    snprintf(text, sizeof text, "/export %s\r", name);
    pty_type(pty, text);
    pty_wait_text(pty, "Written to");
    json_t *file = json_load_file(name, 0, NULL);
    assert_non_null(file);
    json_t *conversations = json_object_get(file, "conversations");
    assert_int_equal(json_array_size(conversations), 1);
    json_t *messages = json_object_get(json_array_get(conversations, 0), "messages");
    assert_int_equal(json_array_size(messages), 5);
    const char *first = json_string_value(json_object_get(json_array_get(messages, 0), "text"));
    assert_string_equal(first, "about " TIANQI " and " XIAYU);
    json_decref(file);
}

/* What a person does who looks for something said long ago and goes on from there. */
static void browse__chinese_word__found_branched_deleted_restored(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    send_message(pty, "about " TIANQI " and " XIAYU);
    stop_reply(pty);
    pty_type(pty, "/new\r");
    pty_wait_text(pty, "Write a message");
    send_message(pty, "nothing of the kind");
    stop_reply(pty);
    /* Search: the hits are there while it is typed; one character is enough. */
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "/");
    pty_wait_text(pty, "title:");
    pty_type(pty, " \r"); /* nothing to search for: it is over */
    pty_wait_no_text(pty, "title:");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "/");
    pty_wait_text(pty, "Enter open");
    pty_type(pty, "theme nosuchword");
    pty_wait_text(pty, "back to the line of /commands");
    pty_type(pty, "\025\xe6\xb0\x94");
    pty_wait_text(pty, "(1)");
    pty_wait_text(pty, "about " TIANQI);
    pty_type(pty, "\033[B\033[A\r");
    pty_wait_text(pty, "you   about " TIANQI " and " XIAYU);
    pty_wait_text(pty, FOCUS("transcript"));
    assert_false(pty_has_text(pty, "nothing of the kind"));
    /* Edit it: a branch beside the old one. */
    pty_type(pty, "e");
    pty_wait_text(pty, "edit \xe2\x80\xba about");
    pty_type(pty, ", edited\r");
    pty_wait_text(pty, "Esc stop");
    stop_reply(pty);
    pty_wait_text(pty, "\xe2\x80\xb9"
                       "2/2\xe2\x80\xba");
    /* Regenerate its reply: another branch. */
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "r");
    pty_wait_text(pty, "Esc stop");
    stop_reply(pty);
    /* The tree has them all; to the first one and there. */
    pty_type(pty, "b");
    pty_wait_text(pty, "Branches, 5 messages");
    pty_wait_text(pty, "2/2 about " TIANQI " and " XIAYU ", edited");
    pty_type(pty, "gnN");
    pty_wait_no_text(pty, "No branches part");
    pty_type(pty, "N");
    pty_wait_text(pty, "No branches part");
    pty_type(pty, "gd");
    pty_wait_text(pty, "{+");
    pty_wait_text(pty, "edited");
    pty_type(pty, "q");
    pty_wait_text(pty, "Branches");
    pty_type(pty, "\r");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_wait_text(pty, "1/2");
    pty_wait_no_text(pty, "edited");
    assert_false(pty_has_text(pty, "on another branch"));
    /* A branch to the trash, and back. */
    pty_type(pty, "b");
    pty_wait_text(pty, "Branches, 5 messages");
    pty_type(pty, "Gx");
    pty_wait_text(pty, "Branches, 4 messages");
    pty_wait_text(pty, "Pruned");
    pty_type(pty, "u");
    pty_wait_text(pty, "Branches, 5 messages");
    pty_type(pty, "q");
    pty_wait_text(pty, FOCUS("transcript"));
    /* The conversation to the trash, and back from there. */
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_text(pty, "Today");
    pty_type(pty, "d");
    pty_wait_text(pty, "Deleted");
    pty_type(pty, "v");
    pty_wait_text(pty, "Archive");
    pty_wait_text(pty, "none yet");
    pty_type(pty, "v");
    pty_wait_text(pty, "Trash");
    pty_wait_text(pty, "about ");
    pty_wait_text(pty, "a restore");
    assert_false(pty_has_text(pty, "F4 new"));
    pty_type(pty, "a");
    pty_wait_text(pty, "Restored");
    pty_wait_text(pty, "empty");
    pty_type(pty, "v");
    pty_wait_text(pty, "Conversations");
    pty_wait_text(pty, "about ");
    pty_type(pty, "g\r");
    pty_wait_no_text(pty, FOCUS("list"));
    wait_for_title(pty, "about " TIANQI " and " XIAYU);
    export_all_branches(pty);
    pty_type(pty, "\004");
    leave(pty);
}

static void begin_conversation(struct pty *pty, const char *text)
{
    pty_type(pty, "/new\r");
    pty_wait_text(pty, "Write a message");
    send_message(pty, text);
    stop_reply(pty);
}

/* Another hit than the best is chosen while the search is typed. */
static void browse__search__opens_the_hit_in_hand(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    send_message(pty, "pears and plums and much else that makes it a long message about nothing");
    stop_reply(pty);
    begin_conversation(pty, "tart pears");
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    /* Each asked in other words, so that an answer is not taken for the one before. */
    static const struct {
        const char *query;
        const char *answered;
        const char *steps;
        const char *opened;
    } rows[] = {
        {"role:you pears", "role:you pears (2)", "", "you   tart pears"},
        {"pears role:you", "pears role:you (2)", "\033[B", "you   pears and plums"},
        {"pear* role:you", "pear* role:you (2)", "\033[B\033[B\033[A", "you   tart pears"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        pty_type(pty, "/");
        pty_wait_text(pty, "search \xe2\x80\xba");
        pty_type(pty, rows[i].query);
        pty_wait_text(pty, rows[i].answered);
        pty_type(pty, rows[i].steps);
        pty_type(pty, "\r");
        pty_wait_text(pty, FOCUS("transcript"));
        pty_wait_text(pty, rows[i].opened);
    }
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

/* Several rows at a time; a filter; names. */
static void browse__list__deals_with_several(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    send_message(pty, "apples");
    stop_reply(pty);
    begin_conversation(pty, "pears");
    begin_conversation(pty, "plums");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_text(pty, CURRENT "plums"); /* the list may have been asked for before it was there */
    pty_type(pty, "g  ");
    pty_wait_text(pty, "2 marked");
    pty_type(pty, "d");
    pty_wait_text(pty, "2 conversations deleted");
    pty_wait_no_text(pty, "pears");
    pty_wait_text(pty, "apples");
    pty_type(pty, "u");
    pty_wait_text(pty, "pears");
    pty_wait_text(pty, "plums");
    /* What is typed filters at once; Esc shows all again. */
    pty_type(pty, "/");
    pty_wait_text(pty, "filter \xe2\x80\xba");
    pty_type(pty, "pea");
    pty_wait_text(pty, "with \xe2\x80\x98pea\xe2\x80\x99");
    pty_wait_no_text(pty, "plums");
    pty_type(pty, "\033");
    pty_wait_no_text(pty, "filter \xe2\x80\xba");
    pty_wait_text(pty, "plums");
    pty_type(pty, "/pea");
    pty_wait_no_text(pty, "plums");
    pty_type(pty, "\r");
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "r");
    pty_wait_text(pty, "title \xe2\x80\xba pears");
    pty_type(pty, " and nuts\r");
    pty_wait_text(pty, "pears and nuts");
    /* A title that the filter hides is found all the same. */
    pty_type(pty, "q");
    pty_wait_no_text(pty, FOCUS("list"));
    pty_type(pty, "/open plums\r");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_text(pty, "with \xe2\x80\x98plums\xe2\x80\x99");
    pty_wait_no_text(pty, "apples");
    pty_type(pty, "\033");
    pty_wait_text(pty, "apples");
    pty_type(pty, "q");
    pty_wait_no_text(pty, FOCUS("list"));
    pty_type(pty, "\004");
    leave(pty);
}

enum { SECOND_ROW = 5 }; /* of the list: where it stands on the screen */

static bool is_in_second_row(struct pty *pty, const void *title)
{
    return pty_column_of(pty, SECOND_ROW, title) >= 0;
}

/* Where the mouse is on, a click takes a row in hand and another opens it. */
static void browse__mouse__opens_what_is_clicked(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    send_message(pty, "apples");
    stop_reply(pty);
    begin_conversation(pty, "pears");
    pty_type(pty, "/set mouse on\r");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait(pty, is_in_second_row, "apples", "apples in the second row");
    char click[64];
    (void)snprintf(click, sizeof click, "\033[<0;5;%dM\033[<0;5;%dm", SECOND_ROW + 1,
                   SECOND_ROW + 1);
    pty_type(pty, click);
    pty_type(pty, click);
    wait_for_title(pty, "apples");
    pty_wait_no_text(pty, FOCUS("list"));
    pty_type(pty, "\004");
    leave(pty);
}

/* Two of them on one database: each shows what the other does, and neither ever waits. */
static void browse__two_programs__see_each_other(void **state)
{
    (void)state;
    struct pty *first = start(100, 30);
    struct pty *second = start(100, 30);
    pty_type(second, "\033OR");
    pty_wait_text(second, FOCUS("list"));
    send_message(first, "apples");
    pty_wait_text(second, "\xe2\x96\xb8"
                          "apples"); /* ▸: being written */
    stop_reply(first);
    pty_wait_no_text(second, "\xe2\x96\xb8"
                             "apples");
    pty_type(second, "g\r");
    wait_for_title(second, "apples");
    pty_wait_no_text(second, FOCUS("list"));
    /* The second goes on in the same conversation; the first shows it. */
    send_message(second, "and pears");
    pty_wait_text(first, "you   and pears");
    stop_reply(second);
    /* Both write at once, to the same file. */
    begin_conversation(first, "plums");
    pty_type(first, "on and on\r");
    pty_type(second, "and on\r");
    pty_wait_text(first, "Esc stop");
    pty_wait_text(second, "Esc stop");
    pty_wait_text(second, "\xe2\x96\xb8"
                          "plums");
    stop_reply(first);
    stop_reply(second);
    struct pty *both[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        assert_false(pty_has_output(both[i], "locked"));
        assert_false(pty_has_output(both[i], "another program is writing"));
        pty_type(both[i], "\004");
        leave(both[i]);
    }
}

/* With an argument: the tests whose names match this pattern. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        TEST(browse__chinese_word__found_branched_deleted_restored),
        TEST(browse__search__opens_the_hit_in_hand),
        TEST(browse__list__deals_with_several),
        TEST(browse__mouse__opens_what_is_clicked),
        TEST(browse__two_programs__see_each_other),
    };
    return cmocka_run_group_tests_name("ui browse", tests, make_folder, remove_folder);
}
