/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message in the input line and the draft that is kept of it: whatever comes between, neither
 * gets lost, and neither gets into another conversation. */
#include "ui_harness.h"

#include <signal.h>
#include <sys/stat.h>

#define CURRENT "\xe2\x80\xa2" /* • */
#define PROMPT "\xe2\x80\xba " /* › */
/* The rule above the pane that has the focus. */
#define FOCUS(pane) "\xe2\x94\x81 " pane " \xe2\x94\x81"

/* A conversation "first" with the draft "uno"; one that has not begun is on, and the list has the
 * focus. */
static struct pty *start_with_draft(const char *const more[])
{
    struct pty *pty = start_with(100, 24, more);
    pty_wait_text(pty, "0/4096");
    send_message(pty, "first");
    stop_reply(pty);
    pty_type(pty, "uno\033OS"); /* F4 */
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\033OR"); /* F3 */
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_text(pty, "first");
    return pty;
}

/* However fast keys come, each finds the line as the one before has left it; and a /command that is
 * being typed is not taken for a draft, nor does one take its place. */
static void draft__keys_in_one_read__find_the_line_as_it_is_left(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "drafts");
    stop_reply(pty);
    pty_type(pty, "\033OR");
    pty_wait_text(pty, CURRENT "drafts");
    pty_type(pty, "\033OS"); /* F4 */
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "mine");
    pty_wait_text(pty, "\xe2\x80\xba mine");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "\rhi");
    pty_wait_text(pty, "\xe2\x80\xba hi");
    pty_wait_text(pty, CURRENT "drafts");
    assert_false(pty_has_text(pty, "mine"));
    pty_type(pty, "\033OS");
    pty_wait_text(pty, "\xe2\x80\xba mine");
    /* What is refused comes back before what is typed next. */
    pty_type(pty, "\025/nosuch\rx");
    pty_wait_text(pty, "\xe2\x80\xba /nosuchx");
    pty_type(pty, "\003/open drafts\r/set top-p");
    pty_wait_text(pty, CURRENT "drafts");
    pty_wait_text(pty, "\xe2\x80\xba /set top-p");
    pty_type(pty, " 0.5\r");
    pty_wait_text(pty, "\xe2\x80\xba hi");
    /* What Ctrl-C has cleared is no draft. */
    pty_type(pty, "\003");
    pty_wait_no_text(pty, "\xe2\x80\xba hi");
    pty_type(pty, "\033OS/open drafts\r");
    pty_wait_text(pty, CURRENT "drafts");
    pty_wait_no_text(pty, "/open");
    pty_type(pty, ".");
    pty_wait_text(pty, "\xe2\x80\xba .");
    pty_type(pty, "\003\004");
    leave(pty);
}

/* A draft that came while a command was typed waits, whatever is done to the command. */
static void draft__behind_a_command__outlives_history_and_search(void **state)
{
    (void)state;
    struct pty *pty = start_with_draft(NULL);
    pty_type(pty, "\r/set top-p 0");
    pty_wait_text(pty, CURRENT "first");
    pty_wait_text(pty, PROMPT "/set top-p 0");
    pty_type(pty, "\033[A");
    pty_wait_text(pty, PROMPT "first");
    pty_type(pty, "\033[B");
    pty_wait_text(pty, PROMPT "/set top-p 0");
    pty_type(pty, "\022fir"); /* Ctrl-R */
    pty_wait_text(pty, "`fir': first");
    pty_type(pty, "\007");
    pty_wait_text(pty, PROMPT "/set top-p 0");
    pty_type(pty, "\025");
    pty_wait_text(pty, PROMPT "uno");
    /* The same where the command becomes a message. */
    pty_type(pty, "\033OS");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "\r/");
    pty_wait_text(pty, CURRENT "first");
    pty_type(pty, "/etc is a folder\r");
    pty_wait_text(pty, "you   /etc is a folder");
    pty_wait_text(pty, PROMPT "uno");
    stop_reply(pty);
    pty_type(pty, "\003\004");
    leave(pty);
}

/* What Ctrl-R finds stands in the line for the moment, and is no draft. */
static void draft__search__is_none(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "first");
    stop_reply(pty);
    pty_type(pty, "precious");
    pty_wait_text(pty, PROMPT "precious");
    pty_type(pty, "\022fir");
    pty_wait_text(pty, "`fir': first");
    pty_type(pty, "\033OS");
    pty_wait_text(pty, "New conversation");
    pty_wait_no_text(pty, "`fir'");
    pty_type(pty, "/open first\r");
    pty_wait_text(pty, PROMPT "precious");
    pty_wait_no_text(pty, "being written by another confab");
    pty_type(pty, "\022fir");
    pty_wait_text(pty, "`fir': /open first");
    pty_signal(pty, SIGTERM);
    (void)pty_wait_exit(pty);
    pty_end(pty);
    pty = start_with(100, 24, NULL);
    pty_wait_text(pty, "you   first");
    pty_wait_text(pty, PROMPT "precious");
    pty_type(pty, "\003\004");
    leave(pty);
}

/* A draft that comes while an editor has the line waits until what was edited is sent. */
static void draft__behind_an_editor__waits(void **state)
{
    (void)state;
    char path[2200];
    char variable[2300];
    char done[2300];
    (void)snprintf(path, sizeof path, "%s/editor", here);
    (void)snprintf(done, sizeof done, "%s/go", here);
    (void)snprintf(variable, sizeof variable, "VISUAL=%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "#!/bin/sh\necho EDITING\nwhile ! test -e %s; do sleep 0.05; done\n"
            "echo edited > \"$1\"\n",
            done);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    const char *more[] = {variable, NULL};
    struct pty *pty = start_with_draft(more);
    pty_type(pty, "\r\030\005"); /* Ctrl-X Ctrl-E */
    pty_wait_text(pty, "EDITING");
    file = fopen(done, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    pty_wait_text(pty, PROMPT "edited");
    pty_wait_text(pty, CURRENT "first");
    pty_type(pty, "\r");
    pty_wait_text(pty, "you   edited");
    pty_wait_text(pty, PROMPT "uno");
    stop_reply(pty);
    pty_type(pty, "\003\004");
    leave(pty);
}

/* A question that is asked right behind F4 is about the new conversation; one that stood is over,
 * and brings no draft along. */
static void draft__question__keeps_to_its_conversation(void **state)
{
    (void)state;
    struct pty *pty = start_with_draft(NULL);
    pty_type(pty, "\r");
    pty_wait_text(pty, PROMPT "uno");
    pty_type(pty, "\033OQ"); /* F2 */
    pty_wait_text(pty, FOCUS("knobs"));
    pty_type(pty, ".5");
    pty_wait_text(pty, "temperature " PROMPT ".5");
    pty_type(pty, "\033OS\rz");
    pty_wait_text(pty, PROMPT "z");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\003\033OS\033OR/fir");
    pty_wait_text(pty, "filter " PROMPT "fir");
    pty_type(pty, "s");
    pty_wait_text(pty, "filter " PROMPT "firs");
    pty_type(pty, "\033");
    pty_wait_no_text(pty, "filter " PROMPT);
    pty_type(pty, "q\003\004");
    leave(pty);
}

/* What was listed says nothing of what is asked for now. */
static void draft__open__does_not_act_on_the_trash(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "gone");
    stop_reply(pty);
    pty_type(pty, "/delete\r");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "vv");
    pty_wait_text(pty, "gone");
    pty_type(pty, "vq/open gon\r.");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_no_text(pty, "/open");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "q\003\004");
    leave(pty);
}

/* With an argument: the tests whose names match this pattern. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        TEST(draft__keys_in_one_read__find_the_line_as_it_is_left),
        TEST(draft__behind_a_command__outlives_history_and_search),
        TEST(draft__search__is_none),
        TEST(draft__behind_an_editor__waits),
        TEST(draft__question__keeps_to_its_conversation),
        TEST(draft__open__does_not_act_on_the_trash),
    };
    return cmocka_run_group_tests_name("ui_draft", tests, make_folder, remove_folder);
}
