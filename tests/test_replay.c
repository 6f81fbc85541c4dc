/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What chat records of a reply is enough to make it again, bit for bit, in a session of its own:
 * settings turned midway, tokens chosen by hand, a stop and a continuation after a restart, a fork,
 * alternatives of a batch. */
#include "chat_harness.h"

#include "config_file.h"
#include "pool.h"
#include "random.h"
#include "replay.h"

/* What was said before turn I, as a replay wants it. */
struct before {
    struct cf_turn turns[512];
    struct cf_ids ids[512];
    struct cf_buf texts[512];
    size_t n;
};

static void before_init(struct before *before, const struct chat_fixture *fixture, size_t n)
{
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(fixture->chat);
    assert_true(n <= CF_ARRAY_SIZE(before->turns));
    *before = (struct before){.n = n};
    for (size_t i = 0; i < n; i++) {
        const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, i);
        const struct cf_chat_turn *from = turn_at(fixture, i);
        struct cf_buf *text = &before->texts[i];
        cf_buf_init(text);
        if (recipe != NULL) {
            /* As it is stored, with the leading space that a turn does not show. */
            for (size_t k = 0; k < recipe->n_tokens; k++) {
                cf_tokenizer_decode(tokenizer, &recipe->tokens[k].id, 1, text);
            }
            cf_prompt_reply_ids(&before->ids[i], tokenizer, recipe, text->data, text->size);
        } else {
            cf_buf_add(text, from->text, from->size);
        }
        before->turns[i] = (struct cf_turn){.role = from->role,
                                            .text = text->data,
                                            .size = text->size,
                                            .ids = before->ids[i].data,
                                            .n_ids = (int32_t)before->ids[i].n};
    }
}

static void before_release(struct before *before)
{
    for (size_t i = 0; i < before->n; i++) {
        cf_ids_release(&before->ids[i]);
        cf_buf_release(&before->texts[i]);
    }
}

static enum cf_code replay_with(struct cf_replay_result *result, const struct chat_fixture *fixture,
                                const struct cf_recipe *recipe, size_t i, int n_threads,
                                cf_replay_fn *fn, void *arg, struct cf_err *err)
{
    static struct before before;
    before_init(&before, fixture, i);
    const struct cf_replay_reply reply = {.recipe = recipe,
                                          .template = cf_template_builtin("transcript"),
                                          .turns = before.turns,
                                          .n_turns = i};
    const struct cf_model *model = cf_chat_model(fixture->chat);
    struct cf_pool *pool = NULL;
    struct cf_session *session = NULL;
    const struct cf_session_params params = {
        .n_ctx = recipe->head.n_ctx, .kv_type = recipe->head.kv_type, .n_branches = 1};
    assert_int_equal(cf_pool_new(&pool, n_threads, NULL), CF_OK);
    assert_int_equal(cf_session_new(&session, model, pool, &params, NULL), CF_OK);
    enum cf_code code = cf_replay_check(recipe, model, err);
    if (code == CF_OK) {
        code = cf_replay_run(result, &reply, session, 0, cf_chat_tokenizer(fixture->chat), fn, arg,
                             NULL, err);
    }
    cf_session_free(session);
    cf_pool_free(pool);
    before_release(&before);
    return code;
}

/* Turn I of the fixture's path, made again with 1 and with 2 threads. */
static void check_replay(struct chat_fixture *fixture, size_t i)
{
    const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, i);
    assert_non_null(recipe);
    cf_recipe_assert_sane(recipe);
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        struct cf_err err = CF_ERR_INIT;
        struct cf_replay_result result;
        if (replay_with(&result, fixture, recipe, i, n_threads, NULL, NULL, &err) != CF_OK) {
            fail_msg("%s", err.text);
        }
        int32_t n_drawn = 0;
        for (size_t k = 0; k < recipe->n_tokens; k++) {
            n_drawn += recipe->tokens[k].origin == CF_TOKEN_DRAWN;
        }
        assert_int_equal(result.first, -1);
        assert_int_equal(result.n_compared, n_drawn);
        assert_int_equal(result.n_same, n_drawn);
        assert_int_equal(result.n_p_same, n_drawn);
        assert_int_equal(result.n_tokens, recipe->n_tokens);
    }
}

static int set_up_hot(void **state)
{
    int code = set_up(state);
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "1.1");
    return code;
}

static void replay__plain__is_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "a first message that is long enough for the other path");
    say(fixture, "second");
    check_replay(fixture, 1);
    check_replay(fixture, 3);
}

static void replay__turned__is_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    send_held(fixture, "turn", 7);
    cf_chat_set(fixture->chat, "temperature", "2", NULL);
    cf_chat_set(fixture->chat, "repeat-penalty", "1.3", NULL);
    cf_chat_resume(fixture->chat, NULL);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_marks, 2);
    check_replay(fixture, 1);
}

static void replay__alternatives__are_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    assert_int_equal(cf_chat_send_many(fixture->chat, "many", 4, 4, NULL), CF_OK);
    settle(fixture);
    for (int j = 0; j < 4; j++) {
        check_replay(fixture, 1);
        cf_chat_walk(fixture->chat, 1, 1, true, NULL);
    }
    cf_chat_regenerate(fixture->chat, 1, NULL);
    settle(fixture);
    check_replay(fixture, 1);
}

static void replay__continued_after_a_restart__is_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    send_held(fixture, "continue me, after an interruption", 18);
    cf_chat_stop(fixture->chat, NULL);
    settle(fixture);
    restart(fixture);
    settle(fixture);
    fixture->changes = 0;
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    pump_until(fixture, is_open);
    settle(fixture);
    assert_int_equal(go_on(fixture, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_tokens, 38);
    check_replay(fixture, 1);
}

static void replay__fork__is_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "fork");
    int32_t other = last_turn(fixture)->tokens[9].id == 'x' ? 'y' : 'x';
    assert_int_equal(cf_chat_branch(fixture->chat, 1, 9, other, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->n_tokens, 29);
    check_replay(fixture, 1);
}

/* From the greedy reply's 20 tokens on the temperature is another one. */
static void replay__turned_at_token_20_of_100__is_as_recorded(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "0");
    set_option(fixture, "max-tokens", "100");
    start(fixture, true);
    say(fixture, "greedy");
    int32_t greedy[20];
    for (int k = 0; k < 20; k++) {
        greedy[k] = last_turn(fixture)->tokens[k].id;
    }
    cf_chat_new_conversation(fixture->chat);
    send_held(fixture, "greedy", 20);
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "1.5", NULL), CF_OK);
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, 1);
    assert_int_equal(recipe->n_tokens, 100);
    int n_unlike = 0;
    for (int k = 0; k < 100; k++) {
        if (k < 20) {
            assert_int_equal(recipe->tokens[k].id, greedy[k]);
            assert_int_equal(recipe->tokens[k].rank, 0);
        }
        n_unlike += recipe->tokens[k].rank > 0;
    }
    assert_true(n_unlike > 20);
    assert_int_equal(recipe->n_knobs, 2);
    assert_int_equal(recipe->knobs[1].begin, 20);
    assert_true(recipe->knobs[1].sampling.temperature > 1.49);
    check_replay(fixture, 1);
}

/* --- side by side --- */

static void compare__same_settings__are_the_same(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "compare");
    const struct cf_sampling same = cf_chat_settings(fixture->chat)->sampling;
    assert_int_equal(cf_chat_compare(fixture->chat, &same, NULL), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *left = cf_chat_compared(fixture->chat, 0);
    const struct cf_chat_turn *right = cf_chat_compared(fixture->chat, 1);
    assert_string_equal(left->text, right->text);
    assert_int_equal(left->n_siblings, 3);
    assert_int_equal(cf_chat_compare_end(fixture->chat, -1, NULL), CF_OK);
    assert_null(cf_chat_compared(fixture->chat, 0));
    assert_int_equal(last_turn(fixture)->n_siblings, 3);
}

static void compare__two_settings__share_beginning_and_draws(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "compare these two");
    struct cf_sampling greedy = cf_chat_settings(fixture->chat)->sampling;
    greedy.top_k = 1;
    assert_int_equal(cf_chat_compare(fixture->chat, &greedy, NULL), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *right = cf_chat_compared(fixture->chat, 1);
    for (size_t k = 0; k < right->n_tokens; k++) {
        assert_int_equal(right->tokens[k].rank, 0);
    }
    assert_int_equal(right->marks[0].sampling.top_k, 1);
    assert_string_not_equal(right->text, cf_chat_compared(fixture->chat, 0)->text);
    check_replay(fixture, 1);
    int64_t id = right->id;
    assert_int_equal(cf_chat_compare_end(fixture->chat, 1, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->id, id);
    assert_int_equal(last_turn(fixture)->n_siblings, 2);
    check_replay(fixture, 1);
    no_notice(fixture);
}

/* --- everything at random --- */

static void turn_a_knob(struct chat_fixture *fixture, struct test_random *random)
{
    static const char *const knobs[][4] = {
        {"temperature", "0", "0.7", "1.8"},
        {"top-p", "1", "0.9", "0.5"},
        {"top-k", "0", "40", "3"},
        {"min-p", "0", "0.05", "0.3"},
        {"repeat-penalty", "1", "1.3", "0.8"},
        {"typical-p", "1", "0.9", "0.4"},
        {"presence-penalty", "0", "0.5", "-0.5"},
        {"frequency-penalty", "0", "0.4", "1"},
        {"repeat-last-n", "64", "-1", "0"},
    };
    const char *const *knob = knobs[test_random_below(random, CF_ARRAY_SIZE(knobs))];
    const char *value = knob[1 + test_random_below(random, 3)];
    assert_int_equal(cf_chat_set(fixture->chat, knob[0], value, NULL), CF_OK);
}

/* A reply steered by hand: held, moved on by steps, some of them chosen, knobs turned between. */
static void steer(struct chat_fixture *fixture, struct test_random *random, bool stops)
{
    cf_chat_start_held(fixture->chat, true);
    send(fixture, "steer this one");
    pump_until(fixture, is_paused);
    cf_chat_start_held(fixture->chat, false);
    size_t n = 1 + test_random_below(random, 8);
    for (size_t k = 0; k < n; k++) {
        if (test_random_below(random, 3) == 0) {
            turn_a_knob(fixture, random);
        }
        int32_t id =
            test_random_below(random, 3) == 0 ? (int32_t)test_random_below(random, 256) : -1;
        assert_int_equal(cf_chat_step(fixture->chat, id, NULL), CF_OK);
        while (!has_tokens(fixture, k + 1)) {
            wait_a_little(fixture);
            pump(fixture);
        }
    }
    if (stops) {
        assert_int_equal(cf_chat_stop(fixture->chat, NULL), CF_OK);
    } else {
        assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    }
    settle(fixture);
}

static size_t last_index(const struct chat_fixture *fixture)
{
    return cf_chat_n_turns(fixture->chat) - 1;
}

/* One thing that a person may do; returns how many replies came of it. */
static int32_t do_something(struct chat_fixture *fixture, struct test_random *random)
{
    size_t last = cf_chat_n_turns(fixture->chat) > 0 ? last_index(fixture) : 0;
    turn_a_knob(fixture, random);
    switch (test_random_below(random, last > 0 ? 7 : 2)) {
    case 0: {
        char text[200];
        size_t size = test_random_text(text, sizeof text, random);
        int32_t n = 1 + (int32_t)test_random_below(random, 10);
        text[0] = 'w';
        assert_int_equal(cf_chat_send_many(fixture->chat, text, size > 0 ? size : 1, n, NULL),
                         CF_OK);
        settle(fixture);
        return n;
    }
    case 1:
        steer(fixture, random, false);
        return 1;
    case 2:
        steer(fixture, random, true);
        turn_a_knob(fixture, random);
        assert_int_equal(go_on(fixture, NULL), CF_OK);
        break;
    case 3:
        assert_int_equal(cf_chat_regenerate(fixture->chat, last, NULL), CF_OK);
        break;
    case 4:
        assert_int_equal(cf_chat_edit(fixture->chat, last - 1, "other words", 11, NULL), CF_OK);
        break;
    case 5:
        cf_chat_new_conversation(fixture->chat);
        return 0;
    default: {
        size_t n = cf_chat_recipe(fixture->chat, last)->n_tokens;
        int32_t k = (int32_t)test_random_below(random, n);
        int32_t id =
            test_random_below(random, 4) == 0 ? -1 : (int32_t)test_random_below(random, 256);
        assert_int_equal(cf_chat_branch(fixture->chat, last, k, id, NULL), CF_OK);
        break;
    }
    }
    settle(fixture);
    return 1;
}

static void replay__two_hundred_at_random__are_identical(void **state)
{
    struct chat_fixture *fixture = *state;
    struct test_random random = {.state = 4711};
    set_option(fixture, "max-tokens", "12");
    start(fixture, false);
    for (int32_t n_replies = 0; n_replies < 200;) {
        int32_t n = do_something(fixture, &random);
        for (int32_t j = 0; j < n; j++) {
            check_replay(fixture, last_index(fixture));
            cf_chat_walk(fixture->chat, last_index(fixture), 1, true, NULL);
        }
        n_replies += n;
    }
    no_notice(fixture);
}

/* --- what cannot be repeated, and says so --- */

static void replay__another_token__is_named(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "what is recorded is not what was drawn");
    struct cf_recipe recipe;
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(cf_chat_recipe(fixture->chat, 1), &blob);
    assert_int_equal(cf_recipe_decode(&recipe, blob.data, blob.size, NULL), CF_OK);
    int32_t id = recipe.tokens[13].id;
    recipe.tokens[13].id = id == 'x' ? 'y' : 'x';
    struct cf_replay_result result;
    assert_int_equal(replay_with(&result, fixture, &recipe, 1, 1, NULL, NULL, NULL), CF_OK);
    assert_int_equal(result.first, 13);
    assert_int_equal(result.id, recipe.tokens[13].id);
    assert_int_equal(result.id_now, id);
    assert_true(result.n_same < result.n_compared);
    cf_recipe_release(&recipe);
    cf_buf_release(&blob);
}

static void replay__other_words_before_it__is_refused(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "these words");
    struct cf_recipe *recipe = (struct cf_recipe *)(uintptr_t)cf_chat_recipe(fixture->chat, 1);
    recipe->jobs[0].prompt_digest.bytes[0] ^= 1;
    struct cf_err err = CF_ERR_INIT;
    struct cf_replay_result result;
    assert_int_equal(replay_with(&result, fixture, recipe, 1, 1, NULL, NULL, &err),
                     CF_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "has changed since"));
    recipe->jobs[0].prompt_digest.bytes[0] ^= 1;
}

static void replay__other_versions__are_refused_by_name(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "a version");
    const struct cf_model *model = cf_chat_model(fixture->chat);
    struct cf_recipe recipe = *cf_chat_recipe(fixture->chat, 1);
    const struct cf_recipe_head head = recipe.head;
    struct cf_err err = CF_ERR_INIT;
    recipe.head.kernel_version++;
    assert_int_equal(cf_replay_check(&recipe, model, &err), CF_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "kernels"));
    recipe.head = head;
    recipe.head.sampler_version++;
    assert_int_equal(cf_replay_check(&recipe, model, &err), CF_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "sampler"));
    recipe.head = head;
    recipe.head.dtype = CF_Q8_0;
    assert_int_equal(cf_replay_check(&recipe, model, &err), CF_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "q8_0"));
}

/* --- the choice behind each token --- */

static void count_choice(void *arg, const struct cf_replay_token *token)
{
    int32_t *n = arg;
    assert_int_equal(token->index, *n);
    assert_true(token->choice->n_candidates > 0);
    assert_true(token->history->n >= token->history->n_prompt + token->index);
    (*n)++;
}

static void replay__told_of_each_token__hears_of_all_in_order(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "every token");
    int32_t n = 0;
    struct cf_replay_result result;
    assert_int_equal(replay_with(&result, fixture, cf_chat_recipe(fixture->chat, 1), 1, 1,
                                 count_choice, &n, NULL),
                     CF_OK);
    assert_int_equal(n, result.n_tokens);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_hot, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replay__plain__is_identical),
        TEST(replay__turned__is_identical),
        TEST(replay__alternatives__are_identical),
        TEST(replay__continued_after_a_restart__is_identical),
        TEST(replay__fork__is_identical),
        TEST(replay__turned_at_token_20_of_100__is_as_recorded),
        TEST(compare__same_settings__are_the_same),
        TEST(compare__two_settings__share_beginning_and_draws),
        TEST(replay__two_hundred_at_random__are_identical),
        TEST(replay__another_token__is_named),
        TEST(replay__other_words_before_it__is_refused),
        TEST(replay__other_versions__are_refused_by_name),
        TEST(replay__told_of_each_token__hears_of_all_in_order),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
