/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do where: the focus, questions in the input line, messages that wait, alternatives. */
#include "ui_harness.h"

#define CURRENT "\xe2\x80\xa2"       /* • */
#define BEING_WRITTEN "\xe2\x96\xb8" /* ▸ */
/* The rule above the pane that has the focus. */
#define FOCUS(pane) "\xe2\x94\x81 " pane " \xe2\x94\x81"
#define CARET "\xe2\x96\x8c" /* at the end of a reply being written */
#define WAITS "waits for the reply to end; Up on the empty line takes it back"
#define HELD "held back: Enter on the empty line sends it, Up takes it back"

static void ui__focus__is_shown_and_goes_back(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "focus");
    stop_reply(pty);
    assert_false(pty_has_text(pty, "\xe2\x94\x81"));
    /* Without any colour too: the rule is heavy and names the pane, the footer has its keys. */
    pty_type(pty, "/theme mono\rdraft");
    pty_wait_text(pty, "\xe2\x80\xba draft");
    pty_type(pty, "\033OQ"); /* F2 */
    pty_wait_text(pty, FOCUS("knobs"));
    pty_wait_text(pty, "Left down  Right up  q back");
    assert_false(pty_is_cursor_shown(pty));
    pty_type(pty, "\033OQ");
    pty_wait_no_text(pty, FOCUS("knobs"));
    pty_wait_text(pty, "F2 knobs");
    assert_true(pty_has_text(pty, "\xe2\x80\xba draft"));
    /* Esc goes back to where it was come from, step by step. */
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "\033OQ");
    pty_wait_text(pty, FOCUS("knobs"));
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    assert_true(pty_has_text(pty, "temperature"));
    pty_type(pty, "\033OR"); /* F3 */
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "\033");
    pty_wait_no_text(pty, FOCUS("transcript"));
    pty_type(pty, "\003\004");
    leave(pty);
}

/* They stand beside the line, which looks as alive as ever: nothing that is written gets lost. */
static void ui__letters_in_the_knobs__go_to_the_line(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    pty_wait_text(pty, "T 0.80");
    pty_type(pty, "\033OQ"); /* F2 */
    pty_wait_text(pty, FOCUS("knobs"));
    pty_type(pty, "hello, \xe4\xbd\xa0 there");
    pty_wait_text(pty, "\xe2\x80\xba hello, \xe4\xbd\xa0 there");
    assert_false(pty_has_text(pty, FOCUS("knobs")));
    assert_true(pty_has_text(pty, "T 0.80"));
    pty_type(pty, "\003\033OQ\xe4\xbd\xa0\xe5\xa5\xbd");
    pty_wait_text(pty, "\xe2\x80\xba \xe4\xbd\xa0\xe5\xa5\xbd");
    pty_type(pty, "\003\004");
    leave(pty);
}

static void ui__question__ends_by_esc_and_nothing_else_does(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "questions");
    stop_reply(pty);
    pty_type(pty, "\033"); /* to the transcript */
    pty_wait_text(pty, "r again");
    pty_type(pty, "r");
    pty_wait_text(pty, "Esc stop");
    static const struct {
        const char *key, *prompt;
    } questions[] = {{"/", "search \xe2\x80\xba"}, {"e", "edit \xe2\x80\xba"}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(questions); i++) {
        pty_type(pty, questions[i].key);
        pty_wait_text(pty, questions[i].prompt);
        pty_type(pty, "\033");
        pty_wait_no_text(pty, questions[i].prompt);
        pty_wait_text(pty, FOCUS("transcript"));
        pty_wait_text(pty, "Esc stop");
    }
    /* The title, from the list; the value of a knob. */
    pty_type(pty, "\033OR");
    pty_wait_text(pty, FOCUS("list"));
    pty_wait_text(pty, BEING_WRITTEN "questions");
    pty_type(pty, "r");
    pty_wait_text(pty, "title \xe2\x80\xba questions");
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("list"));
    pty_type(pty, "\033OQ\r");
    pty_wait_text(pty, "temperature \xe2\x80\xba");
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("knobs"));
    pty_type(pty, "\r");
    pty_wait_text(pty, "temperature \xe2\x80\xba");
    pty_type(pty, "1.35\r");
    pty_wait_text(pty, "T 1.35");
    pty_wait_text(pty, FOCUS("knobs"));
    /* A digit begins a value, Shift turns further, 0 is the default. */
    pty_type(pty, "2");
    pty_wait_text(pty, "temperature \xe2\x80\xba 2");
    pty_type(pty, "\r");
    pty_wait_text(pty, "T 2.00");
    pty_type(pty, "\033[1;2D");
    pty_wait_text(pty, "T 1.50");
    pty_type(pty, "0");
    pty_wait_no_text(pty, "T 1.50");
    pty_wait_text(pty, FOCUS("knobs"));
    pty_type(pty, "q");
    pty_wait_no_text(pty, FOCUS("knobs"));
    pty_wait_text(pty, "Esc stop");
    stop_reply(pty);
    pty_type(pty, "\004");
    leave(pty);
}

/* A question ends with its conversation, and the draft stays where it belongs. */
static void ui__question__is_over_in_another_conversation(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "drafts");
    stop_reply(pty);
    pty_type(pty, "\033OR");
    pty_wait_text(pty, CURRENT "drafts"); /* /open knows what is listed */
    pty_type(pty, "\033OR");
    pty_wait_no_text(pty, FOCUS("list"));
    pty_type(pty, "mine");
    pty_wait_text(pty, "\xe2\x80\xba mine");
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "/");
    pty_wait_text(pty, "search \xe2\x80\xba");
    pty_type(pty, "\033OS"); /* F4 */
    pty_wait_text(pty, "New conversation");
    pty_wait_row(pty, 22, "\xe2\x80\xba");
    pty_type(pty, "/open drafts\r");
    pty_wait_text(pty, "\xe2\x80\xba mine");
    pty_type(pty, "\003\004");
    leave(pty);
}

static void ui__waiting__is_taken_back_or_sent(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "first");
    pty_type(pty, "one that waits\r");
    pty_wait_text(pty, WAITS);
    pty_type(pty, "\033[A");
    pty_wait_text(pty, "\xe2\x80\xba one that waits");
    pty_wait_no_text(pty, "1 waiting");
    pty_type(pty, " longer\r");
    pty_wait_text(pty, WAITS);
    pty_type(pty, "\r");
    pty_wait_text(pty, "It is sent when the reply has ended");
    pty_type(pty, "\033");
    pty_wait_text(pty, HELD);
    pty_wait_text(pty, "Enter send  Up take back");
    pty_type(pty, "\033[A");
    pty_wait_text(pty, "\xe2\x80\xba one that waits longer");
    pty_wait_no_text(pty, "held back");
    send_message(pty, "!");
    pty_wait_text(pty, "you   one that waits longer!");
    pty_type(pty, "another\r");
    pty_wait_text(pty, WAITS);
    pty_type(pty, "\033");
    pty_wait_text(pty, HELD);
    pty_wait_no_text(pty, CARET);
    pty_type(pty, "\r");
    pty_wait_text(pty, CARET);
    pty_wait_no_text(pty, HELD);
    pty_wait_no_text(pty, WAITS);
    stop_reply(pty);
    pty_type(pty, "\004");
    leave(pty);
}

static bool has_letters_before_caret(struct pty *pty, const void *ctx)
{
    (void)ctx;
    struct cf_buf screen = CF_BUF_INIT;
    pty_screen(pty, &screen);
    const char *caret = strstr(screen.data, CARET);
    bool has_letters = caret != NULL && caret >= screen.data + 4;
    for (int i = 1; has_letters && i <= 4; i++) {
        has_letters = caret[-i] >= 'a' && caret[-i] <= 'z';
    }
    cf_buf_release(&screen);
    return has_letters;
}

/* The reply being written, wherever it stands, has some tokens. */
static void wait_for_letters(struct pty *pty)
{
    pty_wait(pty, has_letters_before_caret, NULL, "letters of a reply");
}

/* Another reply, an edit, a fork, the trash: none of them asks for the reply being written to be
 * stopped first, and it is kept. */
static void ui__streaming__is_no_reason_to_wait(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "hello");
    wait_for_letters(pty);
    pty_type(pty, "\033[Z");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "r");
    pty_wait_text(pty, "The reply before was stopped and is kept");
    pty_wait_text(pty, "2/2");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "h");
    pty_wait_text(pty, "1/2");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "l");
    pty_wait_text(pty, "2/2");
    wait_for_letters(pty);
    pty_type(pty, "e");
    pty_wait_text(pty, "edit \xe2\x80\xba hello");
    pty_type(pty, "\025goodbye\r");
    pty_wait_text(pty, "you   goodbye");
    pty_wait_no_text(pty, "edit \xe2\x80\xba");
    pty_wait_text(pty, "Esc stop");
    wait_for_letters(pty);
    pty_type(pty, "/fork\r");
    pty_wait_text(pty, "The reply in");
    pty_wait_text(pty, "was stopped and is kept");
    pty_wait_no_text(pty, "Esc stop");
    pty_wait_text(pty, "  stopped");
    pty_type(pty, "/continue\r");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\033[Z");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "d");
    pty_wait_text(pty, "Deleted; u brings it back");
    pty_wait_no_text(pty, "Esc stop");
    pty_type(pty, "u");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "q");
    pty_wait_no_text(pty, FOCUS("transcript"));
    pty_type(pty, "/retry\r");
    pty_wait_text(pty, "2/2");
    pty_wait_text(pty, "Esc stop");
    wait_for_letters(pty);
    pty_type(pty, "/delete\r");
    pty_wait_text(pty, "/undo brings it back");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\004");
    leave(pty);
}

/* A key that is held makes one more reply, not a row of them. */
static void ui__again__held_makes_one_reply(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "hello");
    wait_for_letters(pty);
    pty_type(pty, "\033[Z");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "rrrrrrrr");
    pty_wait_text(pty, "A reply is being written; pressed once more, the key makes another");
    pty_wait_text(pty, "2/2");
    wait_for_letters(pty);
    pty_type(pty, "RRRR");
    pty_wait_text(pty, "3/3");
    pty_wait_text(pty, "rep 1.15");
    /* What R sets it says, and how that is undone. */
    pty_type(pty, "\003");
    pty_wait_no_text(pty, "Esc stop");
    pty_type(pty, "\033[Z\033[Z");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "q/set repeat-penalty default\r");
    pty_wait_no_text(pty, "rep 1.15");
    pty_type(pty, "\033[Z");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "R");
    pty_wait_text(pty,
                  "repeat-penalty 1.15 from here on; /set repeat-penalty default takes it back");
    pty_wait_text(pty, "4/4");
    pty_type(pty, "\003\003");
    leave(pty);
}

static void ui__alternatives__of_ones_own_messages_too(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "as it was");
    stop_reply(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "ge");
    pty_wait_text(pty, "edit \xe2\x80\xba as it was");
    pty_type(pty, "\025as it is\r");
    pty_wait_text(pty, "you   as it is");
    pty_wait_text(pty, "Esc stop");
    stop_reply(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "gh");
    pty_wait_text(pty, "you   as it was");
    pty_type(pty, "l");
    pty_wait_text(pty, "you   as it is");
    /* A key that is held makes no reply. */
    pty_type(pty, "jll");
    pty_wait_text(pty, "Esc stop");
    stop_reply(pty);
    pty_wait_text(pty, "2/2");
    /* What was in hand is not once something new was said: then it is the last message. */
    pty_type(pty, "gi");
    pty_wait_no_text(pty, FOCUS("transcript"));
    send_message(pty, "new");
    stop_reply(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, FOCUS("transcript"));
    pty_type(pty, "d");
    pty_wait_text(pty, "Deleted; u brings it back");
    assert_true(pty_has_text(pty, "you   new"));
    pty_type(pty, "jd");
    pty_wait_no_text(pty, "you   new");
    pty_type(pty, "hlll");
    pty_wait_text(pty, "pressed once more, the key makes another");
    pty_wait_text(pty, "2/2");
    pty_type(pty, "q\004");
    leave(pty);
}

/* Numbers of the footer: the conversation, and what the draft would add. */
static void ui__context__tells_the_draft_apart(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    pty_type(pty, "abc");
    pty_wait_text(pty, "0+");
    pty_wait_text(pty, "/4096");
    pty_type(pty, "\025/context");
    pty_wait_text(pty, " 0/4096");
    pty_type(pty, "\r");
    pty_wait_text(pty, "0 of 4096 tokens are in use");
    pty_type(pty, "\004");
    leave(pty);
}

/* With an argument: the tests whose names match this pattern. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        TEST(ui__focus__is_shown_and_goes_back),
        TEST(ui__letters_in_the_knobs__go_to_the_line),
        TEST(ui__question__ends_by_esc_and_nothing_else_does),
        TEST(ui__question__is_over_in_another_conversation),
        TEST(ui__waiting__is_taken_back_or_sent),
        TEST(ui__streaming__is_no_reason_to_wait),
        TEST(ui__again__held_makes_one_reply),
        TEST(ui__alternatives__of_ones_own_messages_too),
        TEST(ui__context__tells_the_draft_apart),
    };
    return cmocka_run_group_tests_name("ui_keys", tests, make_folder, remove_folder);
}
