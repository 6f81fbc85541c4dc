/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What chat records of a reply is enough to make it again, bit for bit, by the worker alone:
 * settings turned midway, tokens chosen by hand, a stop and a continuation after a restart, a fork,
 * alternatives of a batch. */
#include "chat_harness.h"

#include "digest.h"
#include "prompt.h"
#include "recipe.h"
#include "template.h"
#include "worker.h"

struct replay {
    struct cf_wake wake;
    struct cf_worker *worker;
    int32_t ids[1024];
    int32_t n;
};

static void replay_start(struct replay *replay, const struct chat_fixture *fixture, int n_threads)
{
    *replay = (struct replay){.wake = CF_WAKE_INIT};
    assert_int_equal(cf_wake_open(&replay->wake, NULL), CF_OK);
    const struct cf_worker_params params = {
        .model_path = fixture->model, .n_threads = n_threads, .wake = &replay->wake};
    assert_int_equal(cf_worker_new(&replay->worker, &params, NULL), CF_OK);
    while (cf_worker_tokenizer(replay->worker) == NULL) {
        struct pollfd fd = {.fd = cf_wake_fd(&replay->wake), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        (void)cf_worker_take(replay->worker);
    }
}

static void replay_stop(struct replay *replay)
{
    cf_worker_free(replay->worker);
    cf_wake_close(&replay->wake);
}

/* The ids before the reply's own: those of the turns before it. */
static void build_prompt(struct cf_prompt *prompt, const struct replay *replay,
                         const struct chat_fixture *fixture, size_t n_turns)
{
    struct cf_turn turns[16];
    struct cf_ids ids[16] = {{0}};
    assert_true(n_turns <= CF_ARRAY_SIZE(turns));
    for (size_t i = 0; i < n_turns; i++) {
        const struct cf_chat_turn *from = turn_at(fixture, i);
        for (size_t k = 0; k < from->n_tokens; k++) {
            cf_ids_add(&ids[i], from->tokens[k].id);
        }
        turns[i] = (struct cf_turn){.role = from->role,
                                    .text = from->text,
                                    .size = from->size,
                                    .ids = ids[i].data,
                                    .n_ids = (int32_t)ids[i].n};
    }
    const struct cf_prompt_budget budget = {.n_ctx = 512, .max_tokens = 20};
    assert_int_equal(cf_prompt_build(prompt, cf_worker_tokenizer(replay->worker),
                                     cf_template_builtin("transcript"), NULL, turns, n_turns,
                                     &budget, NULL),
                     CF_OK);
    for (size_t i = 0; i < n_turns; i++) {
        cf_ids_release(&ids[i]);
    }
}

static void run(struct replay *replay, struct cf_job *job)
{
    uint64_t number = cf_worker_submit(replay->worker, job);
    for (bool is_over = false; !is_over;) {
        struct pollfd fd = {.fd = cf_wake_fd(&replay->wake), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        (void)cf_wake_clear(&replay->wake);
        const struct cf_batch *batch = cf_worker_take(replay->worker);
        for (size_t i = 0; i < batch->n_events; i++) {
            const struct cf_event *event = &batch->events[i];
            if (event->kind == CF_EVENT_TOKEN) {
                replay->ids[replay->n++] = event->u.choice.id;
            }
            if (event->kind == CF_EVENT_END && event->job == number) {
                assert_int_not_equal(event->reason, CF_END_ERROR);
                is_over = true;
            }
        }
    }
}

/* Job J of a recipe again, as it stands recorded; replay->ids has the tokens before it. */
static void replay_job(struct replay *replay, const struct cf_recipe *recipe, size_t j,
                       const struct cf_prompt *prompt)
{
    const struct cf_recipe_job *from = &recipe->jobs[j];
    int32_t end = j + 1 < recipe->n_jobs ? recipe->jobs[j + 1].begin : (int32_t)recipe->n_tokens;
    if (end == from->begin) {
        return;
    }
    struct cf_sampling_run schedule[16];
    assert_true(recipe->n_knobs <= CF_ARRAY_SIZE(schedule));
    for (size_t i = 0; i < recipe->n_knobs; i++) {
        schedule[i] = (struct cf_sampling_run){recipe->knobs[i].begin, recipe->knobs[i].sampling};
    }
    struct cf_eval_run runs[64];
    size_t path = 0;
    for (size_t i = 0; i < j; i++) {
        path += recipe->jobs[i].n_paths;
    }
    assert_true(from->n_paths <= CF_ARRAY_SIZE(runs));
    for (size_t i = 0; i < from->n_paths; i++) {
        runs[i] = (struct cf_eval_run){.n = recipe->paths[path + i].n,
                                       .path = (enum cf_eval_path)recipe->paths[path + i].path};
    }
    /* What was chosen by hand comes at the beginning of a job here. */
    int32_t forced[16];
    int32_t n_forced = 0;
    while (from->begin + n_forced < end &&
           recipe->tokens[from->begin + n_forced].origin == CF_TOKEN_FORCED) {
        forced[n_forced] = recipe->tokens[from->begin + n_forced].id;
        n_forced++;
    }
    struct cf_job job = {.kind = CF_JOB_GENERATE,
                         .seed = from->seed,
                         .stream = from->stream,
                         .max_tokens = end - from->begin,
                         .schedule = schedule,
                         .n_schedule = recipe->n_knobs,
                         .runs = runs,
                         .n_runs = from->n_paths,
                         .prefix = replay->ids,
                         .n_prefix = from->begin,
                         .n_own = from->begin,
                         .forced = forced,
                         .n_forced = n_forced};
    int32_t prefix[1024];
    memcpy(prefix, replay->ids, (size_t)from->begin * sizeof prefix[0]);
    job.prefix = prefix;
    assert_int_equal(prompt->ids.n, from->n_prompt);
    cf_ids_add_all(&job.ids, prompt->ids.data, prompt->ids.n);
    cf_ids_add_all(&job.ids, prefix, (size_t)from->begin);
    replay->n = from->begin;
    run(replay, &job);
    cf_ids_release(&job.ids);
}

/* Turn I of the fixture's path, made again with 1 and with 2 threads. */
static void check_replay(struct chat_fixture *fixture, size_t i)
{
    const struct cf_recipe *recipe = cf_chat_recipe(fixture->chat, i);
    assert_non_null(recipe);
    cf_recipe_assert_sane(recipe);
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        struct replay replay;
        replay_start(&replay, fixture, n_threads);
        struct cf_prompt prompt = CF_PROMPT_INIT;
        build_prompt(&prompt, &replay, fixture, i);
        for (size_t j = 0; j < recipe->n_jobs; j++) {
            replay_job(&replay, recipe, j, &prompt);
        }
        assert_int_equal(replay.n, recipe->n_tokens);
        for (int32_t k = 0; k < replay.n; k++) {
            assert_int_equal(replay.ids[k], recipe->tokens[k].id);
        }
        cf_prompt_release(&prompt);
        replay_stop(&replay);
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

static bool is_open(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_OPENED) != 0;
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
    assert_int_equal(cf_chat_continue(fixture->chat, NULL), CF_OK);
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
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
