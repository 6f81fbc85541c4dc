/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat at its header: branches, with a database of its own. */
#include "chat_harness.h"

/* Two questions; the second reply of the first one was never answered. */
static void make_branches(struct chat_fixture *fixture)
{
    set_option(fixture, "temperature", "1");
    start(fixture, true);
    say(fixture, "first");
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    say(fixture, "second");
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
}

static void open_at(struct chat_fixture *fixture, int64_t conversation, int64_t message)
{
    fixture->changes = 0;
    cf_chat_open_at(fixture->chat, conversation, message);
    pump_until(fixture, is_open);
    settle(fixture);
}

static void chat__open_at__shows_the_branch_of_a_message(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    int64_t conversation = cf_chat_status(fixture->chat)->conversation;
    int64_t shown = turn_at(fixture, 1)->id;
    int64_t second = turn_at(fixture, 2)->id;
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, false, NULL), CF_OK);
    int64_t hidden = turn_at(fixture, 1)->id;
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);

    /* In the conversation that is on. */
    open_at(fixture, conversation, shown);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    assert_non_null(strstr(notice, "on another branch"));
    free(notice);
    assert_int_equal(turn_at(fixture, 1)->id, shown);

    /* From another one; what comes behind the message stays in view. */
    cf_chat_new_conversation(fixture->chat);
    open_at(fixture, conversation, hidden);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(turn_at(fixture, 1)->id, hidden);
    restart(fixture);
    open_last(fixture);
    assert_int_equal(turn_at(fixture, 1)->id, hidden);
    open_at(fixture, conversation, second);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);

    /* One that is not there is no reason not to open. */
    cf_chat_new_conversation(fixture->chat);
    while ((notice = cf_chat_notice_take(fixture->chat, NULL)) != NULL) {
        free(notice);
    }
    open_at(fixture, conversation, 999);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    no_notice(fixture);
}

static void chat__open_at__stops_no_reply_of_its_own(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    int64_t conversation = cf_chat_status(fixture->chat)->conversation;
    int64_t first = turn_at(fixture, 0)->id;
    send_held(fixture, "third", 2);
    cf_chat_open_at(fixture->chat, conversation, first);
    pump(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_true(is_paused(fixture));
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
    assert_int_equal(last_turn(fixture)->n_tokens, 20);
}

/* What was said to the reply, as it was, may come back. */
static void chat__continue__of_a_reply_with_a_deleted_answer_is_an_alternative(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    struct cf_err err = CF_ERR_INIT;
    char *before = copy_of(turn_at(fixture, 1));
    int64_t id = turn_at(fixture, 1)->id;
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 2, &err), CF_OK);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    assert_int_not_equal(last_turn(fixture)->id, id);
    assert_int_equal(last_turn(fixture)->n_siblings, 3);
    assert_int_equal(last_turn(fixture)->n_tokens, 40);
    assert_memory_equal(last_turn(fixture)->text, before, strlen(before) - 3);

    /* Also where the deletion was in another life. */
    restart(fixture);
    open_at(fixture, 1, id);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_siblings, 4);
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    open_at(fixture, 1, id);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 1)->text, before);
    free(before);
}

/* So may come what follows in sight. */
static void chat__continue__in_the_middle_is_an_alternative(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    struct cf_err err = CF_ERR_INIT;
    size_t n_turns = cf_chat_n_turns(fixture->chat);
    char *before = copy_of(turn_at(fixture, 1));
    int64_t id = turn_at(fixture, 1)->id;
    for (size_t turn = 0; turn < 2; turn++) { /* by the message that it answers; itself */
        assert_int_equal(cf_chat_continue(fixture->chat, turn, &err), CF_OK);
        settle(fixture);
        assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
        assert_int_not_equal(last_turn(fixture)->id, id);
        assert_int_equal(last_turn(fixture)->n_tokens, 40);
        assert_memory_equal(last_turn(fixture)->text, before, strlen(before) - 3);
        while (turn_at(fixture, 1)->id != id) {
            assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, true, &err), CF_OK);
        }
        assert_int_equal(cf_chat_n_turns(fixture->chat), n_turns);
        assert_string_equal(turn_at(fixture, 1)->text, before);
    }
    free(before);
}

static void chat__regenerate__draws_anew_whatever_was_deleted(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, false, NULL), CF_OK);
    char *kept = copy_of(turn_at(fixture, 1));
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 1, &err), CF_OK);
    restart(fixture);
    open_last(fixture);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 1);
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    assert_string_not_equal(turn_at(fixture, 1)->text, kept);
    free(kept);
}

static bool has_notice(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_NOTICE) != 0;
}

/* Nothing is read over a reply being written; what came back is there once it has ended. */
static void chat__undo__while_a_reply_is_written_shows_when_it_has_ended(void **state)
{
    struct chat_fixture *fixture = *state;
    make_branches(fixture);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 2, &err), CF_OK);
    send_held(fixture, "another second", 2);
    fixture->changes = 0;
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    pump_until(fixture, has_notice);
    free(cf_chat_notice_take(fixture->chat, NULL));
    assert_true(is_paused(fixture));
    assert_int_equal(turn_at(fixture, 3)->n_tokens, 2);
    assert_int_equal(cf_chat_resume(fixture->chat, &err), CF_OK);
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_int_equal(turn_at(fixture, 2)->n_siblings, 2);
}

static void chat__open__takes_the_one_asked_for_last(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "the older one");
    int64_t older = cf_chat_status(fixture->chat)->conversation;
    cf_chat_new_conversation(fixture->chat);
    say(fixture, "the newer one");
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    fixture->changes = 0;
    cf_chat_open(fixture->chat, older);
    pump_until(fixture, is_open);
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->conversation, older);
    assert_string_equal(turn_at(fixture, 0)->text, "the older one");
    no_notice(fixture);
}

enum { N_ALTERNATIVES = 4 };

/* How many alternatives of the first reply are in STATE; the one shown last is the first in it, if
 * there is one. */
static int count_in_state(struct chat_fixture *fixture, enum cf_turn_state state)
{
    int n = 0;
    int first = -1;
    while (turn_at(fixture, 1)->sibling > 0) {
        assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, true, NULL), CF_OK);
    }
    for (int i = 0; i < N_ALTERNATIVES; i++) {
        bool is_in_state = turn_at(fixture, 1)->state == state;
        first = is_in_state && first < 0 ? i : first;
        n += is_in_state;
        (void)cf_chat_walk(fixture->chat, 1, 1, true, NULL);
    }
    while (first >= 0 && turn_at(fixture, 1)->sibling > first) {
        assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, true, NULL), CF_OK);
    }
    return n;
}

static bool is_saved(const struct chat_fixture *fixture)
{
    return turn_at(fixture, 1)->is_saved;
}

/* A kill of the others later does not make it interrupted. */
static void chat__alternative__that_has_ended_is_stored_while_the_others_go_on(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "2");
    set_option(fixture, "max-tokens", "200");
    for (char c = 'a'; c <= 'p'; c++) {
        set_option(fixture, "stop", (const char[]){c, '\0'});
    }
    start(fixture, true);
    cf_chat_start_held(fixture->chat, true);
    assert_int_equal(cf_chat_send_many(fixture->chat, "many", 4, N_ALTERNATIVES, NULL), CF_OK);
    pump_until(fixture, is_paused);
    int n_complete = 0;
    for (int k = 0; n_complete == 0 && k < 200; k++) {
        int n_tokens = fixture->n_tokens;
        assert_int_equal(cf_chat_step(fixture->chat, -1, NULL), CF_OK);
        while (fixture->n_tokens < n_tokens + N_ALTERNATIVES) {
            wait_a_little(fixture);
            pump(fixture);
        }
        n_complete = count_in_state(fixture, CF_TURN_COMPLETE);
    }
    assert_in_range(n_complete, 1, N_ALTERNATIVES - 1);
    pump_until(fixture, is_saved);
    assert_true(is_paused(fixture));
    assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_COMPLETE);

    struct cf_chat *ours = fixture->chat;
    start(fixture, true);
    open_last(fixture);
    assert_int_equal(count_in_state(fixture, CF_TURN_ELSEWHERE), N_ALTERNATIVES - n_complete);
    assert_int_equal(count_in_state(fixture, CF_TURN_COMPLETE), n_complete);
    assert_int_equal(turn_at(fixture, 1)->reason, CF_END_STOP);
    cf_chat_free(fixture->chat);
    fixture->chat = ours;

    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(count_in_state(fixture, CF_TURN_COMPLETE), N_ALTERNATIVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__open_at__shows_the_branch_of_a_message),
        TEST(chat__open_at__stops_no_reply_of_its_own),
        TEST(chat__continue__of_a_reply_with_a_deleted_answer_is_an_alternative),
        TEST(chat__continue__in_the_middle_is_an_alternative),
        TEST(chat__regenerate__draws_anew_whatever_was_deleted),
        TEST(chat__undo__while_a_reply_is_written_shows_when_it_has_ended),
        TEST(chat__open__takes_the_one_asked_for_last),
        TEST(chat__alternative__that_has_ended_is_stored_while_the_others_go_on),
    };
    return cmocka_run_group_tests_name("chat tree", tests, NULL, NULL);
}
