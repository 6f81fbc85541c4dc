/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat at its header: talking, in memory. */
#include "chat_harness.h"

#include <math.h>

#include "recipe.h"

static void chat__send__streams_a_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    assert_int_equal(cf_chat_status(fixture->chat)->phase, CF_PHASE_LOADING);
    /* Said before the model is open: it waits in the queue. */
    send(fixture, "hello");
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 1);
    assert_string_equal(cf_chat_queued(fixture->chat, 0), "hello");
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->phase, CF_PHASE_READY);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    const struct cf_chat_turn *message = turn_at(fixture, 0);
    assert_int_equal(message->role, CF_ROLE_USER);
    assert_string_equal(message->text, "hello");
    const struct cf_chat_turn *reply = turn_at(fixture, 1);
    assert_int_equal(reply->role, CF_ROLE_ASSISTANT);
    assert_int_equal(reply->state, CF_TURN_COMPLETE);
    assert_int_equal(reply->reason, CF_END_LENGTH);
    assert_int_equal(reply->n_tokens, 20);
    assert_int_equal(reply->n_siblings, 1);
    assert_int_equal(reply->seed, 5);
    assert_int_equal(reply->n_marks, 1);
    assert_int_equal(fixture->n_starts, 1);
    assert_int_equal(fixture->n_tokens, 20);
    assert_int_equal(fixture->n_ends, 1);
    /* What was heard token by token is what stands there, a leading space apart. */
    assert_true(fixture->streamed.size >= reply->size);
    assert_memory_equal(fixture->streamed.data + fixture->streamed.size - reply->size, reply->text,
                        reply->size);
    unsigned wanted = CF_CHANGE_TURNS | CF_CHANGE_TEXT | CF_CHANGE_EVENTS | CF_CHANGE_SETTLED |
                      CF_CHANGE_MODEL | CF_CHANGE_CHOICE;
    assert_int_equal(fixture->changes & wanted, wanted);
    assert_string_equal(cf_chat_status(fixture->chat)->title, "hello");
    assert_non_null(cf_chat_choice(fixture->chat));
}

static void chat__send__refuses_nothing_to_say(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_send(fixture->chat, "", 0, &err), CF_ERR_RANGE);
    assert_int_equal(cf_chat_send(fixture->chat, " \n\t", 3, &err), CF_ERR_RANGE);
    assert_string_equal(err.text, "there is nothing to send");
    assert_int_equal(cf_chat_send_many(fixture->chat, "x", 1, 0, &err), CF_ERR_RANGE);
    /* A NUL is a byte like others. */
    assert_int_equal(cf_chat_send(fixture->chat, "a\0b", 3, &err), CF_OK);
    settle(fixture);
    assert_int_equal(turn_at(fixture, 0)->size, 3);
    assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_COMPLETE);
}

static void chat__second_turn__evaluates_exactly_the_new_tokens(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "hello");
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    int32_t n_first = status->n_prompt;
    assert_int_equal(status->n_evaluated, n_first);
    assert_int_equal(status->n_reused, 0);
    say(fixture, "and more");
    status = cf_chat_status(fixture->chat);
    /* The last token of the reply was drawn, not evaluated yet. */
    int32_t n_known = n_first + 20 - 1;
    assert_int_equal(status->n_reused, n_known);
    assert_int_equal(status->n_evaluated, status->n_prompt - n_known);
    no_notice(fixture);
}

static void chat__edit__evaluates_exactly_from_the_edit(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "hello world");
    int32_t n_before = cf_chat_status(fixture->chat)->n_prompt;
    say(fixture, "again");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_edit(fixture->chat, 0, "hello there", 11, &err), CF_OK);
    settle(fixture);
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    assert_int_equal(status->n_prompt, n_before);
    /* A token is a byte here: "world\nAssistant:" gave way to "there\nAssistant:". */
    const struct cf_chat_turn *edited = turn_at(fixture, 0);
    assert_string_equal(edited->text, "hello there");
    assert_int_equal(status->n_evaluated, (int32_t)strlen("there\nAssistant:"));
    assert_int_equal(status->n_reused, n_before - status->n_evaluated);
    assert_int_equal(edited->n_siblings, 2);
    assert_int_equal(edited->sibling, 1);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_walk(fixture->chat, 0, -1, false, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 0)->text, "hello world");
    assert_int_equal(cf_chat_edit(fixture->chat, 1, "no", 2, &err), CF_ERR_RANGE);
    assert_int_equal(cf_chat_edit(fixture->chat, 9, "no", 2, &err), CF_ERR_NOT_FOUND);
}

static void chat__regenerate__keeps_the_alternatives(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "1.2");
    start(fixture, false);
    say(fixture, "tell me");
    char *first = copy_of(last_turn(fixture));
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    /* The prompt was there but for its last position, whose logits were gone. */
    assert_int_equal(cf_chat_status(fixture->chat)->n_evaluated, 1);
    assert_int_equal(last_turn(fixture)->n_siblings, 2);
    assert_int_equal(last_turn(fixture)->sibling, 1);
    char *second = copy_of(last_turn(fixture));
    assert_string_not_equal(first, second);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, &err), CF_OK);
    assert_string_equal(last_turn(fixture)->text, first);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, &err), CF_ERR_RANGE);
    assert_string_equal(err.text, "this is the first alternative");
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, true, &err), CF_OK);
    assert_string_equal(last_turn(fixture)->text, second);
    /* A key that is held starts nothing; pressed once more it does. */
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, true, &err), CF_ERR_RANGE);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, false, &err), CF_OK);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, false, &err), CF_ERR_RANGE);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_siblings, 3);
    /* Talking goes on from the one that is shown. */
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, &err), CF_OK);
    say(fixture, "go on");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 1)->text, second);
    free(first);
    free(second);
}

static void chat__send_many__makes_siblings_in_one_batch(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "1.2");
    start(fixture, false);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_send_many(fixture->chat, "three", 5, 3, &err), CF_OK);
    settle(fixture);
    assert_int_equal(fixture->n_starts, 3);
    assert_int_equal(fixture->n_tokens, 60);
    assert_int_equal(fixture->n_ends, 3);
    assert_int_equal(last_turn(fixture)->n_siblings, 3);
    assert_int_equal(last_turn(fixture)->sibling, 0);
    char *texts[3];
    for (int i = 0; i < 3; i++) {
        texts[i] = copy_of(last_turn(fixture));
        if (i < 2) {
            assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, true, &err), CF_OK);
        }
    }
    assert_string_not_equal(texts[0], texts[1]);
    assert_string_not_equal(texts[1], texts[2]);
    /* Alternative 2 alone is the same: a batch changes no number. */
    cf_chat_new_conversation(fixture->chat);
    say(fixture, "three");
    assert_string_equal(last_turn(fixture)->text, texts[0]);
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    assert_string_equal(last_turn(fixture)->text, texts[1]);
    for (int i = 0; i < 3; i++) {
        free(texts[i]);
    }
}

static void chat__queue__waits_for_the_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "one", 2);
    send(fixture, "two");
    send(fixture, "three");
    send(fixture, "four");
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 3);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_unqueue(fixture->chat, &err), CF_OK);
    assert_string_equal(cf_chat_draft(fixture->chat), "four");
    assert_int_equal(cf_chat_resume(fixture->chat, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_string_equal(turn_at(fixture, 2)->text, "two");
    assert_string_equal(turn_at(fixture, 4)->text, "three");
    assert_int_equal(cf_chat_unqueue(fixture->chat, &err), CF_ERR_NOT_FOUND);
}

static void chat__stop__holds_what_waited_and_not_what_comes_after(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "one", 2);
    send(fixture, "waits");
    assert_int_equal(cf_chat_stop(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 1);
    send(fixture, "goes");
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
    assert_string_equal(turn_at(fixture, 2)->text, "waits");
    assert_string_equal(turn_at(fixture, 4)->text, "goes");
}

static void chat__queue__held_back_goes_or_comes_back(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "one", 2);
    struct cf_err err = CF_ERR_INIT;
    send(fixture, "two");
    send(fixture, "three");
    assert_false(cf_chat_status(fixture->chat)->is_queue_held);
    assert_int_equal(cf_chat_send_queued(fixture->chat, &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_chat_stop(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 2);
    assert_true(cf_chat_status(fixture->chat)->is_queue_held);

    cf_chat_set_draft(fixture->chat, "typed", 5);
    fixture->changes = 0;
    assert_int_equal(cf_chat_unqueue(fixture->chat, &err), CF_OK);
    pump(fixture);
    assert_true(fixture->changes & CF_CHANGE_DRAFT);
    assert_string_equal(cf_chat_draft(fixture->chat), "three\n\ntyped");
    assert_true(cf_chat_status(fixture->chat)->is_queue_held);

    assert_int_equal(cf_chat_send_queued(fixture->chat, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 2)->text, "two");
    assert_false(cf_chat_status(fixture->chat)->is_queue_held);
    assert_string_equal(cf_chat_draft(fixture->chat), "three\n\ntyped");
}

static void chat__stop_and_continue__is_as_if_never_stopped(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "0.9");
    set_option(fixture, "max-tokens", "100");
    start(fixture, false);
    say(fixture, "a long story");
    assert_int_equal(last_turn(fixture)->n_tokens, 100);
    char *whole = copy_of(last_turn(fixture));
    cf_chat_new_conversation(fixture->chat);
    send_held(fixture, "a long story", 30);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_stop(fixture->chat, &err), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *reply = last_turn(fixture);
    assert_int_equal(reply->n_tokens, 30);
    assert_int_equal(reply->reason, CF_END_CANCELLED);
    assert_int_equal(reply->state, CF_TURN_CANCELLED);
    assert_int_equal(cf_chat_stop(fixture->chat, &err), CF_ERR_NOT_FOUND);
    no_notice(fixture);
    assert_true(reply->can_continue);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    reply = last_turn(fixture);
    assert_int_equal(reply->n_siblings, 1);
    assert_int_equal(reply->n_tokens, 130);
    assert_int_equal(reply->state, CF_TURN_COMPLETE);
    /* The same as without the stop, and then on (the last character may have been half). */
    assert_true(reply->size >= strlen(whole));
    assert_memory_equal(reply->text, whole, strlen(whole) - 3);
    /* Only what was drawn last had not been evaluated. */
    assert_true(cf_chat_status(fixture->chat)->n_evaluated <= 1);
    free(whole);
}

static void chat__knobs__act_on_the_reply_being_written(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "max-tokens", "100");
    start(fixture, false);
    say(fixture, "knobs");
    static int32_t greedy[100];
    for (int k = 0; k < 100; k++) {
        greedy[k] = last_turn(fixture)->tokens[k].id;
    }
    cf_chat_new_conversation(fixture->chat);
    send_held(fixture, "knobs", 20);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "1.5", &err), CF_OK);
    assert_int_equal(cf_chat_nudge(fixture->chat, "top-p", -5, &err), CF_OK);
    assert_int_equal(cf_chat_set(fixture->chat, "temprature", "1", &err), CF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "did you mean temperature"));
    assert_int_equal(cf_chat_set(fixture->chat, "top-p", "2", &err), CF_ERR_RANGE);
    assert_int_equal(cf_chat_set(fixture->chat, "threads", "2", &err), CF_ERR_UNSUPPORTED);
    assert_int_equal(cf_chat_resume(fixture->chat, &err), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *reply = last_turn(fixture);
    assert_int_equal(reply->n_tokens, 100);
    int n_other = 0;
    for (int k = 0; k < 100; k++) {
        n_other += k >= 20 && reply->tokens[k].id != greedy[k];
        assert_true(k >= 20 || reply->tokens[k].id == greedy[k]);
    }
    assert_true(n_other > 0);
    assert_int_equal(reply->n_marks, 2);
    assert_int_equal(reply->marks[0].begin, 0);
    assert_int_equal(reply->marks[1].begin, 20);
    assert_true(reply->marks[1].sampling.temperature > 1.49);
    assert_true(reply->marks[1].sampling.top_p < 0.96);
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature > 1.49);
}

/* What the model reads is told with whose text it is. */
static void chat__prompt__says_whose_text_a_token_spells(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    settle(fixture);
    assert_int_equal(cf_chat_prompt(fixture->chat).n, 0);
    say(fixture, "one");
    say(fixture, "two");
    struct cf_chat_prompt prompt = cf_chat_prompt(fixture->chat);
    assert_int_equal(prompt.n, cf_chat_status(fixture->chat)->n_prompt);
    struct cf_buf texts[3] = {CF_BUF_INIT, CF_BUF_INIT, CF_BUF_INIT};
    size_t n_template = 0;
    for (size_t k = 0; k < prompt.n; k++) {
        size_t size = 0;
        const char *piece = cf_chat_piece(fixture->chat, prompt.ids[k], &size);
        assert_true(prompt.turns[k] >= CF_CHAT_PROMPT_TEMPLATE && prompt.turns[k] < 3);
        if (prompt.turns[k] >= 0) {
            cf_buf_add(&texts[prompt.turns[k]], piece, size);
        } else {
            n_template++;
        }
    }
    assert_true(n_template > 0);
    assert_non_null(strstr(texts[0].data, "one"));
    assert_non_null(strstr(texts[2].data, "two"));
    assert_true(texts[1].size > 0);
    for (size_t i = 0; i < CF_ARRAY_SIZE(texts); i++) {
        cf_buf_release(&texts[i]);
    }
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
}

/* A persona replaces all that one may set; what an option says comes back with the next. */
static void chat__use_persona__replaces_the_one_before(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, true);
    settle(fixture);
    const struct cf_settings *settings = cf_chat_settings(fixture->chat);
    assert_int_equal(cf_chat_set(fixture->chat, "seed", "7", &err), CF_OK);
    assert_int_equal(cf_chat_use_persona(fixture->chat, "story", &err), CF_OK);
    assert_string_equal(cf_chat_status(fixture->chat)->template_name, "plain");
    assert_int_equal(settings->max_tokens, 320);
    assert_int_equal(cf_chat_use_persona(fixture->chat, "questions", &err), CF_OK);
    assert_true(settings->sampling.repeat_penalty < 1.01);
    assert_int_equal(settings->max_tokens, 96);
    assert_true(settings->has_seed && settings->seed == 7);
    assert_non_null(strstr(cf_chat_status(fixture->chat)->system_text, "capital of France"));
    /* An unknown one changes nothing and names those there are. */
    assert_int_equal(cf_chat_use_persona(fixture->chat, "nix", &err), CF_ERR_NOT_FOUND);
    assert_string_equal(err.text,
                        "there is no persona nix; there are chat, story, questions, translate");
    assert_int_equal(settings->max_tokens, 96);
    /* It is kept with the conversation. */
    say(fixture, "why?");
    int64_t id = cf_chat_status(fixture->chat)->conversation;
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
    assert_int_equal(settings->max_tokens, 20);
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    assert_string_equal(cf_chat_status(fixture->chat)->template_name, "questions");
    assert_int_equal(cf_chat_use_persona(fixture->chat, "chat", &err), CF_OK);
    assert_int_equal(settings->max_tokens, 20);
    assert_string_equal(cf_chat_status(fixture->chat)->system_text, "");
}

static void chat__pace__is_of_the_person_and_no_knob_of_the_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, true);
    settle(fixture);
    assert_int_equal(cf_chat_set(fixture->chat, "pace", "20000", &err), CF_OK);
    say(fixture, "pace");
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
    assert_int_equal(last_turn(fixture)->n_marks, 1);
    /* No conversation takes it along. */
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
    assert_int_equal(cf_chat_settings(fixture->chat)->pace, 20000);
    assert_int_equal(cf_chat_nudge(fixture->chat, "pace", -1, &err), CF_OK);
    assert_int_equal(cf_chat_settings(fixture->chat)->pace, 19995);
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_settings(fixture->chat)->pace, 19995);
    assert_int_equal(cf_chat_unset(fixture->chat, "pace", &err), CF_OK);
    assert_int_equal(cf_chat_settings(fixture->chat)->pace, 0);
}

static void chat__knobs__act_on_more_alternatives_than_a_batch(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    settle(fixture);
    struct cf_err err = CF_ERR_INIT;
    cf_chat_start_held(fixture->chat, true);
    assert_int_equal(cf_chat_send_many(fixture->chat, "nine", 4, 9, &err), CF_OK);
    pump_until(fixture, is_paused);
    assert_int_equal(cf_chat_step(fixture->chat, -1, &err), CF_OK);
    while (!has_tokens(fixture, 1)) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "1.5", &err), CF_OK);
    assert_int_equal(cf_chat_resume(fixture->chat, &err), CF_OK);
    settle(fixture);
    const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, 1);
    assert_int_equal(recipe->n_knobs, 2);
    assert_int_equal(recipe->knobs[1].begin, 1);
    /* The last one is of the second wave: turned before it began. */
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 8, true, &err), CF_OK);
    assert_int_equal(last_turn(fixture)->n_tokens, 20);
    recipe = cf_chat_recipe(fixture->chat, 1);
    cf_recipe_assert_sane(recipe);
    assert_int_equal(recipe->n_knobs, 1);
    assert_true(recipe->knobs[0].sampling.temperature > 1.49);
}

static void chat__continue__under_another_template_is_an_alternative(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "go on");
    char *before = copy_of(last_turn(fixture));
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_set(fixture->chat, "template", "alpaca", &err), CF_OK);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_siblings, 2);
    assert_int_equal(last_turn(fixture)->n_tokens, 40);
    assert_memory_equal(last_turn(fixture)->text, before, strlen(before) - 3);
    const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, 1);
    assert_int_equal(recipe->tokens[19].origin, CF_TOKEN_COPIED);
    assert_int_equal(recipe->tokens[20].origin, CF_TOKEN_DRAWN);
    struct cf_digest now = recipe->head.template_digest;
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, true, &err), CF_OK);
    assert_string_equal(last_turn(fixture)->text, before);
    assert_false(cf_digest_equal(&cf_chat_recipe(fixture->chat, 1)->head.template_digest, &now));
    free(before);
}

static void chat__step__takes_the_token_that_is_chosen(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "steer", 3);
    assert_non_null(cf_chat_choice(fixture->chat));
    cf_chat_step(fixture->chat, 'Z', NULL);
    while (!has_tokens(fixture, 4)) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(last_turn(fixture)->tokens[3].id, 'Z');
    assert_int_equal(last_turn(fixture)->tokens[3].origin, CF_TOKEN_FORCED);
    cf_chat_resume(fixture->chat, NULL);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_tokens, 20);
}

static void chat__branch__grows_a_sibling_from_a_token(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "branch");
    static int32_t ids[20];
    for (int k = 0; k < 20; k++) {
        ids[k] = last_turn(fixture)->tokens[k].id;
    }
    int32_t other = ids[8] == 'x' ? 'y' : 'x';
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_branch(fixture->chat, 1, 99, other, &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_chat_branch(fixture->chat, 1, 8, other, &err), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *reply = last_turn(fixture);
    assert_int_equal(reply->n_siblings, 2);
    assert_int_equal(reply->sibling, 1);
    assert_int_equal(reply->n_tokens, 28);
    for (int k = 0; k < 8; k++) {
        assert_int_equal(reply->tokens[k].id, ids[k]);
        assert_int_equal(reply->tokens[k].origin, CF_TOKEN_COPIED);
    }
    assert_int_equal(reply->tokens[8].id, other);
    assert_int_equal(reply->tokens[8].origin, CF_TOKEN_FORCED);
    assert_int_equal(reply->tokens[9].origin, CF_TOKEN_DRAWN);
    /* The cache is cut, not made anew: one token, the last of what is kept. */
    assert_true(cf_chat_status(fixture->chat)->n_evaluated <= 1);
    no_notice(fixture);
}

static void chat__context__forgets_whole_turns_and_says_so(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "ctx", "128");
    set_option(fixture, "max-tokens", "16");
    start(fixture, false);
    bool has_warned = false;
    for (int i = 0; i < 6; i++) {
        say(fixture, "some words for the model");
        no_notice(fixture);
        has_warned |= cf_chat_status(fixture->chat)->drops_next;
    }
    assert_true(has_warned);
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    assert_int_equal(status->n_ctx, 128);
    assert_true(status->n_used <= 128);
    assert_true(status->first_visible > 0);
    for (size_t i = 0; i < cf_chat_n_turns(fixture->chat); i++) {
        assert_int_equal(turn_at(fixture, i)->is_visible, i >= status->first_visible);
    }
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
}

static void chat__context__a_full_one_ends_a_reply_that_can_go_on(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "ctx", "64");
    set_option(fixture, "max-tokens", "500");
    start(fixture, false);
    say(fixture, "hi");
    const struct cf_chat_turn *reply = last_turn(fixture);
    assert_int_equal(reply->reason, CF_END_CONTEXT);
    assert_true(reply->can_continue);
    size_t n = reply->n_tokens;
    char *before = copy_of(reply);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    no_notice(fixture);
    reply = last_turn(fixture);
    assert_true(reply->n_tokens > n);
    assert_int_equal(reply->n_siblings, 1);
    assert_memory_equal(reply->text, before, strlen(before) - 4);
    free(before);
}

static void chat__complete__continues_a_text(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    settle(fixture);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_complete(fixture->chat, "Once", 4, 2, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
    assert_int_equal(fixture->n_starts, 2);
    assert_int_equal(fixture->n_tokens, 40);
    assert_int_equal(fixture->n_ends, 2);
    assert_int_equal(cf_chat_status(fixture->chat)->n_prompt, 4);
    /* An empty one begins with what stands between texts. */
    assert_int_equal(cf_chat_complete(fixture->chat, "", 0, 1, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->n_prompt, 1);
    no_notice(fixture);
}

static void chat__delete_turn__can_be_undone(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "one");
    say(fixture, "two");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 2, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    free(cf_chat_notice_take(fixture->chat, NULL));
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_chat_fork(fixture->chat, 1, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    say(fixture, "in the fork");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_export(fixture->chat, &text);
    assert_non_null(strstr(text.data, "in the fork"));
    assert_non_null(strstr(text.data, "# one"));
    cf_buf_release(&text);
}

/* A chat that evaluates ahead while nothing else is to be done, with its model open. */
static void open_idling(struct chat_fixture *fixture)
{
    struct cf_chat_params params = params_of(fixture, false);
    params.idles = true;
    open_chat(fixture, &params);
    settle(fixture);
}

static void chat__idle_work__leaves_little_for_enter(void **state)
{
    struct chat_fixture *fixture = *state;
    open_idling(fixture);
    const char *draft = "typed at leisure";
    for (size_t n = 1; n <= strlen(draft); n++) {
        cf_chat_set_draft(fixture->chat, draft, n);
    }
    pump(fixture);
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    int32_t n_wanted = (int32_t)strlen("User: typed at leisure\nAssistant:");
    while (status->n_cached != n_wanted) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(status->n_used, n_wanted);
    say(fixture, draft);
    assert_int_equal(status->n_evaluated, 0);
    assert_int_equal(status->n_reused, n_wanted);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
}

static void chat__idle_work__foretells_the_next_message_alone(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "ctx", "128");
    set_option(fixture, "max-tokens", "32");
    open_idling(fixture);
    say(fixture, "twenty characters...");
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    int32_t n_talk = (int32_t)strlen("User: twenty characters...\nAssistant:") + 32;
    while (status->n_used != n_talk) {
        wait_a_little(fixture);
        pump(fixture);
    }
    /* Another reply's room is not free behind it, yet a short message drops nothing. */
    assert_true(n_talk + 32 > 128 - 32);
    assert_false(status->drops_next);
    cf_chat_set_draft(fixture->chat, "x", 1);
    while (status->n_draft == 0) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_false(status->drops_next);
    assert_false(turn_at(fixture, 0)->is_dropped_next);
    assert_true(turn_at(fixture, 0)->is_visible);
}

static void chat__idle_work__takes_no_command_for_a_message(void **state)
{
    struct chat_fixture *fixture = *state;
    open_idling(fixture);
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    static const struct {
        const char *draft, *prompt;
    } cases[] = {{"//tmp", "User: /tmp\nAssistant:"}, {"/temp 0.5", ""}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        cf_chat_set_draft(fixture->chat, cases[i].draft, strlen(cases[i].draft));
        pump(fixture);
        while (status->n_used != (int32_t)strlen(cases[i].prompt)) {
            wait_a_little(fixture);
            pump(fixture);
        }
    }
}

/* The draft becomes a command while its length is being found out. */
static void chat__idle_work__of_an_older_draft_tells_nothing(void **state)
{
    enum { N_ROUNDS = 20, N_LOOKS = 3 };
    struct chat_fixture *fixture = *state;
    open_idling(fixture);
    const struct cf_chat_status *status = cf_chat_status(fixture->chat);
    for (int i = 0; i < N_ROUNDS; i++) {
        cf_chat_set_draft(fixture->chat, "abc", 3);
        pump(fixture);
        cf_chat_set_draft(fixture->chat, "/context", 8);
        pump(fixture);
        for (int look = 0; look < N_LOOKS; look++) {
            wait_a_little(fixture);
            pump(fixture);
        }
        assert_int_equal(status->n_used, 0);
        assert_int_equal(status->n_draft, 0);
        assert_int_equal(status->n_cached, 0);
    }
}

static void chat__model__that_is_not_there_is_said(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_chat_params params = params_of(fixture, false);
    params.model_path = "no/such/model";
    open_chat(fixture, &params);
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->phase, CF_PHASE_NO_MODEL);
    bool is_error = false;
    char *notice = cf_chat_notice_take(fixture->chat, &is_error);
    assert_non_null(notice);
    assert_true(is_error);
    assert_non_null(strstr(notice, "no/such/model"));
    free(notice);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_send(fixture->chat, "x", 1, &err), CF_ERR_NOT_FOUND);
    /* Another one makes it work. */
    assert_int_equal(cf_chat_use_model(fixture->chat, fixture->model, &err), CF_OK);
    while (cf_chat_status(fixture->chat)->phase != CF_PHASE_READY) {
        wait_a_little(fixture);
        pump(fixture);
    }
    say(fixture, "x");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_use_model(fixture->chat, "no/such/model", &err), CF_OK);
    do {
        wait_a_little(fixture);
        pump(fixture);
        notice = cf_chat_notice_take(fixture->chat, &is_error);
    } while (notice == NULL);
    free(notice);
    say(fixture, "still there");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
}

static bool has_ended(const struct chat_fixture *fixture)
{
    return last_turn(fixture)->reason != CF_END_NONE;
}

/* A reply that is led round in circles by hand. */
static void go_in_circles(struct chat_fixture *fixture)
{
    cf_chat_start_held(fixture->chat, true);
    send(fixture, "round and round");
    pump_until(fixture, is_paused);
    cf_chat_start_held(fixture->chat, false);
    for (int k = 0; k < 15; k++) {
        assert_int_equal(cf_chat_step(fixture->chat, "abcde"[k % 5], NULL), CF_OK);
    }
}

static void loop__third_repetition__ends_the_reply(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_chat_params params = params_of(fixture, false);
    params.stops_loops = true;
    open_chat(fixture, &params);
    go_in_circles(fixture);
    pump_until(fixture, has_ended);
    settle(fixture);
    const struct cf_chat_turn *turn = last_turn(fixture);
    assert_int_equal(turn->reason, CF_END_LOOP);
    assert_int_equal(turn->state, CF_TURN_COMPLETE);
    assert_int_equal(turn->n_tokens, 15);
    assert_true(turn->can_continue);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(strstr(notice, "in circles"));
    free(notice);
    /* Switched off, the same goes on. */
    assert_int_equal(cf_chat_set(fixture->chat, "stop-loops", "off", NULL), CF_OK);
    go_in_circles(fixture);
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->reason, CF_END_LENGTH);
}

static void loop__outside_of_a_face__is_nothing(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    go_in_circles(fixture);
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->reason, CF_END_LENGTH);
}

/* What is turned after a preset was chosen stays, whatever else is put back. */
static void chat__preset__leaves_what_is_turned_after_it(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    settle(fixture);
    struct cf_err err = CF_ERR_INIT;
    const struct cf_sampling *sampling = &cf_chat_settings(fixture->chat)->sampling;
    assert_int_equal(cf_chat_use_preset(fixture->chat, "wild", &err), CF_OK);
    assert_true(fabs(sampling->temperature - 1.3) < 1e-9);
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "0.5", &err), CF_OK);
    assert_int_equal(cf_chat_set(fixture->chat, "min-p", "0.1", &err), CF_OK);
    assert_int_equal(cf_chat_unset(fixture->chat, "min-p", &err), CF_OK);
    assert_true(fabs(sampling->temperature - 0.5) < 1e-9);
    assert_true(fabs(sampling->top_p - 0.98) < 1e-9);
    assert_int_equal(cf_chat_unset(fixture->chat, "temperature", &err), CF_OK);
    assert_true(fabs(sampling->temperature - 1.3) < 1e-9);
    /* The model's own, by name. */
    assert_int_equal(cf_chat_use_preset(fixture->chat, "model", &err), CF_OK);
    assert_true(fabs(sampling->temperature - 0.8) < 1e-9);
    assert_int_equal(cf_chat_use_preset(fixture->chat, "no such", &err), CF_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loop__third_repetition__ends_the_reply),
        TEST(loop__outside_of_a_face__is_nothing),
        TEST(chat__send__streams_a_reply),
        TEST(chat__send__refuses_nothing_to_say),
        TEST(chat__second_turn__evaluates_exactly_the_new_tokens),
        TEST(chat__edit__evaluates_exactly_from_the_edit),
        TEST(chat__regenerate__keeps_the_alternatives),
        TEST(chat__send_many__makes_siblings_in_one_batch),
        TEST(chat__queue__waits_for_the_reply),
        TEST(chat__queue__held_back_goes_or_comes_back),
        TEST(chat__stop__holds_what_waited_and_not_what_comes_after),
        TEST(chat__stop_and_continue__is_as_if_never_stopped),
        TEST(chat__knobs__act_on_the_reply_being_written),
        TEST(chat__preset__leaves_what_is_turned_after_it),
        TEST(chat__prompt__says_whose_text_a_token_spells),
        TEST(chat__use_persona__replaces_the_one_before),
        TEST(chat__pace__is_of_the_person_and_no_knob_of_the_reply),
        TEST(chat__knobs__act_on_more_alternatives_than_a_batch),
        TEST(chat__continue__under_another_template_is_an_alternative),
        TEST(chat__step__takes_the_token_that_is_chosen),
        TEST(chat__branch__grows_a_sibling_from_a_token),
        TEST(chat__context__forgets_whole_turns_and_says_so),
        TEST(chat__context__a_full_one_ends_a_reply_that_can_go_on),
        TEST(chat__complete__continues_a_text),
        TEST(chat__delete_turn__can_be_undone),
        TEST(chat__idle_work__leaves_little_for_enter),
        TEST(chat__idle_work__foretells_the_next_message_alone),
        TEST(chat__idle_work__takes_no_command_for_a_message),
        TEST(chat__idle_work__of_an_older_draft_tells_nothing),
        TEST(chat__model__that_is_not_there_is_said),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
