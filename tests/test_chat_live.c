/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat at its header: what can be done with a conversation while a reply is being written. */
#include "chat_harness.h"

static int set_up_long(void **state)
{
    int code = set_up(state);
    set_option(*state, "temperature", "1");
    set_option(*state, "max-tokens", "100");
    return code;
}

static void expect_notice(struct chat_fixture *fixture, const char *part)
{
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    assert_non_null(strstr(notice, part));
    free(notice);
}

static struct cf_err err;

static void ok(enum cf_code code)
{
    if (code != CF_OK) {
        fail_msg("%s", err.text);
    }
}

/* The reply TURN was stopped when it had N tokens or soon after, and can go on. */
static void assert_stopped(const struct chat_fixture *fixture, size_t turn, size_t n)
{
    assert_non_null(cf_chat_recipe(fixture->chat, turn));
    const struct cf_chat_turn *reply = turn_at(fixture, turn);
    assert_int_equal(reply->role, CF_ROLE_ASSISTANT);
    assert_int_equal(reply->state, CF_TURN_CANCELLED);
    assert_true(reply->n_tokens >= n && reply->n_tokens < n + 3);
    assert_true(reply->can_continue);
}

static void assert_whole(const struct chat_fixture *fixture, size_t turn)
{
    assert_non_null(cf_chat_recipe(fixture->chat, turn));
    const struct cf_chat_turn *reply = turn_at(fixture, turn);
    assert_int_equal(reply->state, CF_TURN_COMPLETE);
    assert_int_equal(reply->n_tokens, 100);
}

static void live__regenerate__keeps_what_there_is(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    send_held(fixture, "again", 0);
    /* There is nothing yet that could be told apart from what would begin. */
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_ERR_BUSY);
    assert_non_null(strstr(err.text, "has not begun"));
    assert_int_equal(cf_chat_step(fixture->chat, -1, NULL), CF_OK);
    while (!has_tokens(fixture, 1)) {
        wait_a_little(fixture);
        pump(fixture);
    }
    ok(cf_chat_regenerate(fixture->chat, 1, &err));
    assert_false(cf_chat_is_settled(fixture->chat));
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_ERR_BUSY);
    settle(fixture);
    expect_notice(fixture, "stopped and is kept");
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_whole(fixture, 1);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    assert_int_equal(turn_at(fixture, 1)->sibling, 1);
    restart(fixture);
    open_last(fixture);
    assert_whole(fixture, 1);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    assert_stopped(fixture, 1, 1);
}

/* What waits for an answer waits for its alternative too; another branch gets it not. */
static void live__regenerate__holds_back_what_was_said_to_another(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    send_held(fixture, "one", 2);
    send(fixture, "two");
    ok(cf_chat_regenerate(fixture->chat, 1, &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 2)->text, "two");
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    assert_whole(fixture, 3);
    send_held(fixture, "three", 2);
    send(fixture, "four");
    ok(cf_chat_regenerate(fixture->chat, 1, &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(turn_at(fixture, 1)->sibling, 2);
    assert_true(cf_chat_status(fixture->chat)->is_queue_held);
    assert_string_equal(cf_chat_queued(fixture->chat, 0), "four");
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_stopped(fixture, 5, 2);
}

static void live__edit__stops_and_goes_on_from_there(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    send_held(fixture, "two", 3);
    ok(cf_chat_edit(fixture->chat, 0, "uno", 3, &err));
    settle(fixture);
    expect_notice(fixture, "stopped and is kept");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_string_equal(turn_at(fixture, 0)->text, "uno");
    assert_int_equal(turn_at(fixture, 0)->n_siblings, 2);
    assert_whole(fixture, 1);
    restart(fixture);
    open_last(fixture);
    assert_string_equal(turn_at(fixture, 0)->text, "uno");
    assert_int_equal(cf_chat_walk(fixture->chat, 0, -1, false, NULL), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_stopped(fixture, 3, 3);
    /* Of the message that is being answered. */
    send_held(fixture, "three", 1);
    ok(cf_chat_edit(fixture->chat, 4, "tres", 4, &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_string_equal(turn_at(fixture, 4)->text, "tres");
}

/* Who leaves before the reply has ended finds the text as a draft. */
static void live__edit__is_not_lost_by_leaving_at_once(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    send_held(fixture, "one", 3);
    ok(cf_chat_edit(fixture->chat, 0, "uno", 3, &err));
    cf_chat_new_conversation(fixture->chat);
    open_last(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno");
    assert_string_equal(turn_at(fixture, 0)->text, "one");
    assert_stopped(fixture, 1, 3);
    cf_chat_set_draft(fixture->chat, "", 0);
    send_held(fixture, "two", 3);
    ok(cf_chat_edit(fixture->chat, 2, "dos", 3, &err));
    restart(fixture);
    open_last(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "dos");
    assert_string_equal(turn_at(fixture, 2)->text, "two");
}

static void live__fork__has_what_there_is(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    send_held(fixture, "one", 5);
    int64_t old = cf_chat_status(fixture->chat)->conversation;
    fixture->changes = 0;
    ok(cf_chat_fork(fixture->chat, 1, &err));
    pump_until(fixture, is_open);
    settle(fixture);
    int64_t forked = cf_chat_status(fixture->chat)->conversation;
    assert_int_not_equal(forked, old);
    expect_notice(fixture, "stopped and is kept");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_stopped(fixture, 1, 5);
    assert_int_equal(turn_at(fixture, 1)->reason, CF_END_CANCELLED);
    /* The fork goes on; so can what it came from. */
    ok(go_on(fixture, &err));
    settle(fixture);
    assert_int_equal(turn_at(fixture, 1)->n_tokens, 105);
    fixture->changes = 0;
    cf_chat_open(fixture->chat, old);
    pump_until(fixture, is_open);
    settle(fixture);
    assert_stopped(fixture, 1, 5);

    /* Before the first token there is only the message. */
    send_held(fixture, "two", 0);
    fixture->changes = 0;
    ok(cf_chat_fork(fixture->chat, 3, &err));
    pump_until(fixture, is_open);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 3);
    assert_string_equal(turn_at(fixture, 2)->text, "two");
}

static void live__fork__in_memory_has_what_there_is(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "one", 5);
    ok(cf_chat_fork(fixture->chat, 1, &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_stopped(fixture, 1, 5);
    ok(go_on(fixture, &err));
    settle(fixture);
    assert_true(turn_at(fixture, 1)->n_tokens >= 105);
}

static void live__continue__of_another_reply_stops_this_one(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    send_held(fixture, "two", 2);
    /* Of the one that is held: it goes on; of one that goes on: no. */
    ok(cf_chat_continue(fixture->chat, 3, &err));
    assert_int_equal(cf_chat_continue(fixture->chat, 3, &err), CF_ERR_BUSY);
    ok(cf_chat_continue(fixture->chat, 1, &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    assert_int_equal(turn_at(fixture, 1)->n_tokens, 200);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    /* As far as it had come, be it to its end. */
    assert_true(turn_at(fixture, 3)->n_tokens >= 2);
}

static void live__branch_and_compare__take_its_place(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    send_held(fixture, "two", 2);
    ok(cf_chat_branch(fixture->chat, 1, 4, 'x', &err));
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(turn_at(fixture, 1)->tokens[4].id, 'x');
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    send_held(fixture, "three", 2);
    struct cf_sampling other = cf_chat_settings(fixture->chat)->sampling;
    other.temperature = 0;
    ok(cf_chat_compare(fixture->chat, &other, &err));
    settle(fixture);
    assert_non_null(cf_chat_compared(fixture->chat, 1));
    assert_int_equal(turn_at(fixture, 3)->n_siblings, 3);
    assert_true(cf_chat_compared(fixture->chat, 1)->marks[0].sampling.temperature <= 0);
    assert_whole(fixture, 3);
    /* One of two is chosen before they are whole: the other goes to the trash. */
    ok(cf_chat_compare_end(fixture->chat, -1, &err));
    cf_chat_start_held(fixture->chat, true);
    ok(cf_chat_compare(fixture->chat, &other, &err));
    cf_chat_start_held(fixture->chat, false);
    pump_until(fixture, is_paused);
    assert_int_equal(cf_chat_step(fixture->chat, -1, NULL), CF_OK);
    while (cf_chat_compared(fixture->chat, 1)->n_tokens < 1) {
        wait_a_little(fixture);
        pump(fixture);
    }
    ok(cf_chat_compare_end(fixture->chat, 1, &err));
    settle(fixture);
    assert_null(cf_chat_compared(fixture->chat, 0));
    assert_int_equal(turn_at(fixture, 3)->n_siblings, 4);
    assert_true(turn_at(fixture, 3)->marks[0].sampling.temperature <= 0);
    assert_stopped(fixture, 3, 1);
}

static void live__delete__stops_and_can_be_undone(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    send_held(fixture, "two", 2);
    ok(cf_chat_delete_turn(fixture->chat, 2, &err));
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    ok(cf_chat_undo(fixture->chat, 1, &err));
    settle(fixture);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_stopped(fixture, 3, 2);

    /* The whole conversation. */
    expect_notice(fixture, "undone");
    send_held(fixture, "three", 2);
    ok(cf_chat_delete(fixture->chat, 0, &err));
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
    fixture->changes = 0;
    ok(cf_chat_undo(fixture->chat, 1, &err));
    pump_until(fixture, is_open);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_stopped(fixture, 5, 2);
}

static bool has_four_turns(const struct chat_fixture *fixture)
{
    return cf_chat_n_turns(fixture->chat) == 4;
}

/* What comes back is there at once, and the reply is written on. */
static void live__undo__does_not_wait_for_the_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    say(fixture, "two");
    ok(cf_chat_delete_turn(fixture->chat, 2, &err));
    send_held(fixture, "three", 2);
    assert_int_equal(turn_at(fixture, 2)->n_siblings, 1);
    ok(cf_chat_undo(fixture->chat, 1, &err));
    fixture->changes = 0;
    pump_until(fixture, has_four_turns);
    while (turn_at(fixture, 2)->n_siblings < 2) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_string_equal(turn_at(fixture, 2)->text, "three");
    assert_true(is_paused(fixture));
    ok(cf_chat_walk(fixture->chat, 2, -1, false, &err));
    assert_string_equal(turn_at(fixture, 2)->text, "two");
    ok(cf_chat_resume(fixture->chat, &err));
    settle(fixture);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
}

/* Another conversation, a new one: the reply is kept where it was, and that is said. */
static void live__leaving__keeps_the_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    int64_t first = cf_chat_status(fixture->chat)->conversation;
    cf_chat_new_conversation(fixture->chat);
    no_notice(fixture);
    send_held(fixture, "two", 2);
    ok(cf_chat_rename(fixture->chat, 0, "the second", &err));
    ok(cf_chat_rename(fixture->chat, first, "the first", &err));
    fixture->changes = 0;
    cf_chat_open(fixture->chat, first);
    pump_until(fixture, is_open);
    settle(fixture);
    expect_notice(fixture, "in ‘the second’ was stopped and is kept");
    assert_string_equal(cf_chat_status(fixture->chat)->title, "the first");
    assert_whole(fixture, 1);
}

/* A pause is no part of a reply's time, neither while it is written nor on record. */
static void live__pause__does_not_count(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "max-tokens", "20");
    start(fixture, true);
    send_held(fixture, "one", 3);
    (void)poll(NULL, 0, 1500);
    ok(cf_chat_resume(fixture->chat, &err));
    settle(fixture);
    /* With the pause it could not be that many. */
    assert_true(cf_chat_status(fixture->chat)->tokens_per_second > 17 / 1.5);
    assert_true(turn_at(fixture, 1)->tokens_per_second > 17 / 1.5);
    restart(fixture);
    open_last(fixture);
    assert_true(turn_at(fixture, 1)->tokens_per_second > 17 / 1.5);
}

/* Another model is opened meanwhile, and takes over once the reply has ended. */
static void live__model__changes_when_the_reply_has_ended(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "one", 2);
    const struct cf_model *model = cf_chat_model(fixture->chat);
    fixture->changes = 0;
    ok(cf_chat_use_model(fixture->chat, fixture->model, &err));
    while ((fixture->changes & CF_CHANGE_MODEL) == 0) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_true(is_paused(fixture));
    assert_ptr_equal(cf_chat_model(fixture->chat), model);
    ok(cf_chat_resume(fixture->chat, &err));
    fixture->changes = 0;
    settle(fixture);
    assert_whole(fixture, 1);
    assert_int_not_equal(fixture->changes & CF_CHANGE_MODEL, 0);
    say(fixture, "two");
    assert_whole(fixture, 3);
    no_notice(fixture);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_long, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(live__regenerate__keeps_what_there_is),
        TEST(live__regenerate__holds_back_what_was_said_to_another),
        TEST(live__edit__stops_and_goes_on_from_there),
        TEST(live__edit__is_not_lost_by_leaving_at_once),
        TEST(live__fork__has_what_there_is),
        TEST(live__fork__in_memory_has_what_there_is),
        TEST(live__continue__of_another_reply_stops_this_one),
        TEST(live__branch_and_compare__take_its_place),
        TEST(live__delete__stops_and_can_be_undone),
        TEST(live__undo__does_not_wait_for_the_reply),
        TEST(live__leaving__keeps_the_reply),
        TEST(live__pause__does_not_count),
        TEST(live__model__changes_when_the_reply_has_ended),
    };
    return cmocka_run_group_tests_name("chat_live", tests, NULL, NULL);
}
