/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token cursor, pausing and steering, as a person uses them: the program in a pseudo-terminal.
 */
#include "ui_harness.h"

/* A stopped reply of some tokens, and the transcript in hand. */
static struct pty *begin_with_a_reply(int width, int height)
{
    struct pty *pty = start(width, height);
    pty_wait_text(pty, "Write a message");
    send_message(pty, "hello there");
    wait_for_tokens(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_wait_no_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_text(pty, "t tokens");
    return pty;
}

static void tokens__cursor__walks_looks_and_branches(void **state)
{
    (void)state;
    struct pty *pty = begin_with_a_reply(100, 30);
    pty_type(pty, "t");
    pty_wait_text(pty, "token 1 of ");
    pty_type(pty, "\033[C");
    pty_wait_text(pty, "token 2 of ");
    pty_type(pty, "l");
    pty_wait_text(pty, "token 3 of ");
    pty_type(pty, "h");
    pty_wait_text(pty, "token 2 of ");
    /* It has been made again, and is the same. */
    pty_wait_text(pty, "identical, ");
    /* Another setting cuts all but the likeliest. */
    pty_type(pty, "\033[1;3B");
    pty_wait_text(pty, "as set now: ");
    /* Take another one: a reply beside this one. */
    pty_type(pty, "\r");
    pty_type(pty, "\r");
    pty_wait_text(pty, "tokens reused");
    pty_wait_text(pty, "2/2");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

/* Nothing shuts out the likeliest, and it is what was taken: Down goes past it, Up back to it. */
static void tokens__choosing__begins_beside_the_one_taken(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    pty_wait_text(pty, "Write a message");
    pty_type(pty, "/set temperature 0\r");
    pty_wait_text(pty, "T 0.00");
    pty_type(pty, "/set stop-loops off\r");
    send_message(pty, "hello there");
    pty_wait_text(pty, "tok/s");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_wait_no_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_text(pty, "t tokens");
    pty_type(pty, "t");
    pty_wait_text(pty, "identical, ");
    pty_type(pty, "\033[B\033[A\r");
    pty_wait_text(pty, "This is the token that was taken");
    pty_type(pty, "\033[B\r");
    pty_wait_text(pty, "2/2");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

static void tokens__paused__are_drawn_and_taken_one_by_one(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    pty_wait_text(pty, "Write a message");
    send_message(pty, "hello there");
    pty_wait_text(pty, "tok/s");
    pty_type(pty, "\033[20~");
    pty_wait_text(pty, "paused");
    pty_wait_text(pty, "n draw one");
    pty_type(pty, "n");
    pty_type(pty, "\033[B\033[B\r");
    pty_wait_text(pty, "paused");
    /* Turning a knob re-cuts what is held, with no token drawn. */
    pty_type(pty, "\033[1;3A");
    pty_wait_text(pty, "paused");
    pty_type(pty, " ");
    pty_wait_text(pty, "tok/s");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    /* The keyboard is back where the pause was asked for. */
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

static void tokens__narrow__are_told_in_two_rows(void **state)
{
    (void)state;
    struct pty *pty = begin_with_a_reply(100, 30);
    pty_resize(pty, 50, 14);
    pty_wait_text(pty, "r again");
    pty_type(pty, "t");
    pty_wait_text(pty, "token 1 of ");
    pty_wait_text(pty, "bit");
    pty_type(pty, "\033[C\033[B");
    pty_wait_text(pty, "token 2 of ");
    pty_wait_text(pty, "\xc2\xa0%]");
    pty_type(pty, "q");
    pty_wait_text(pty, "F2 knobs");
    pty_type(pty, "\004");
    leave(pty);
}

/* Where a reply is paused its end is in view, above what is said of the token to come. */
static void tokens__narrow__leave_the_end_of_a_paused_reply_in_view(void **state)
{
    (void)state;
    struct pty *pty = start(40, 10);
    pty_wait_text(pty, "Write a message");
    send_message(pty, "hello there");
    pty_wait_text(pty, "T 0.80");
    wait_for_tokens(pty);
    pty_type(pty, "\033[20~");
    pty_wait_text(pty, "next token");
    pty_wait_text(pty, " bit");
    pty_wait_text(pty, "\xe2\x96\x8c");
    pty_type(pty, "nnn");
    pty_wait_text(pty, "\xe2\x96\x8c");
    pty_type(pty, " ");
    pty_wait_no_text(pty, "next token");
    pty_type(pty, "\003\003");
    leave(pty);
}

static void compare__two_settings__keep_one_and_undo(void **state)
{
    (void)state;
    struct pty *pty = begin_with_a_reply(100, 30);
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "/compare temperature 1.5\r");
    pty_wait_text(pty, "1  T ");
    pty_wait_text(pty, "2  T 1.50");
    pty_wait_text(pty, "Esc stop  1 keep 1  2 keep 2");
    /* A pause leaves both in view. */
    pty_type(pty, "\033[20~");
    pty_wait_text(pty, "paused");
    pty_wait_text(pty, "2  T 1.50");
    pty_type(pty, "\033[20~");
    pty_wait_no_text(pty, "paused");
    /* One of them is chosen while they stream. */
    pty_wait_text(pty, "2  T 1.50");
    pty_type(pty, "2");
    pty_wait_text(pty, "The other one is in the trash");
    pty_wait_text(pty, "2/2");
    pty_type(pty, "u");
    pty_wait_text(pty, "/3");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

static void tokens__shades__come_and_go(void **state)
{
    (void)state;
    struct pty *pty = begin_with_a_reply(80, 24);
    pty_type(pty, "s");
    pty_wait_text(pty, "shaded by");
    pty_type(pty, "s");
    pty_wait_text(pty, "No shades");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens__cursor__walks_looks_and_branches),
        TEST(tokens__choosing__begins_beside_the_one_taken),
        TEST(tokens__paused__are_drawn_and_taken_one_by_one),
        TEST(tokens__narrow__are_told_in_two_rows),
        TEST(tokens__narrow__leave_the_end_of_a_paused_reply_in_view),
        TEST(compare__two_settings__keep_one_and_undo),
        TEST(tokens__shades__come_and_go),
    };
    return cmocka_run_group_tests_name("ui_tokens", tests, make_folder, remove_folder);
}
