/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker at its header: what jobs yield and how they end. */
#include "worker_harness.h"

/* --- what is generated --- */

static void worker__generate__equals_the_session_by_hand(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("hello", 40);
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_LENGTH);
    assert_int_equal(outcome->n_ids[0], 40);
    assert_int_equal(outcome->n_evaluated, 5);

    struct cf_pool *pool = NULL;
    struct cf_session *session = NULL;
    assert_int_equal(cf_pool_new(&pool, 1, NULL), CF_OK);
    const struct cf_session_params params = {.kv_type = CF_F32, .n_branches = 1};
    assert_int_equal(cf_session_new(&session, fixture->model, pool, &params, NULL), CF_OK);
    assert_int_equal(cf_session_sync(session, 0, job.ids.data, 5, NULL, NULL, NULL), CF_OK);
    for (int k = 0; k < 40; k++) {
        const float *logits = cf_session_logits(session, 0);
        int32_t best = 0;
        for (int32_t id = 1; id < TINY_N_VOCAB; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        assert_int_equal(outcome->ids[0][k], best);
        const int branch = 0;
        assert_int_equal(cf_session_decode(session, &branch, &best, 1, NULL, NULL), CF_OK);
    }
    cf_session_free(session);
    cf_pool_free(pool);
    cf_ids_release(&job.ids);
}

static void worker__generate__same_seed_same_tokens_however_it_runs(void **state)
{
    struct fixture *fixture = *state;
    static int32_t expected[5][60];
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        restart_worker(fixture, n_threads);
        struct cf_job job = job_of("once upon a time", 60);
        job.sampling = CF_SAMPLING_INIT;
        job.sampling.top_p = 0.95;
        job.sampling.repeat_penalty = 1.1;
        job.seed = 42;
        job.n_alternatives = 5;
        const struct outcome *together = run_job(fixture, &job);
        assert_int_equal(together->n_finished, 5);
        for (int j = 0; j < 5; j++) {
            assert_int_equal(together->n_ids[j], 60);
            if (n_threads == 1) {
                memcpy(expected[j], together->ids[j], sizeof expected[j]);
            }
            assert_memory_equal(together->ids[j], expected[j], sizeof expected[j]);
        }
        cf_ids_release(&job.ids);
        /* One by one, cold and warm. */
        for (uint32_t j = 0; j < 5; j++) {
            struct cf_job single = job_of("once upon a time", 60);
            single.sampling = job.sampling;
            single.seed = 42;
            single.stream = j;
            const struct outcome *alone = run_job(fixture, &single);
            assert_memory_equal(alone->ids[0], expected[j], sizeof expected[j]);
            cf_ids_release(&single.ids);
        }
    }
    assert_memory_not_equal(expected[0], expected[1], sizeof expected[0]);
}

/* The same seed gives the same tokens whether some are guessed or not. */
static void worker__generate__guesses_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const prompts[] = {"abcabcabcabc", "to be or not to be or not", "xyz"};
    static int32_t expected[60];
    for (size_t i = 0; i < CF_ARRAY_SIZE(prompts) * 4; i++) {
        struct cf_job job = job_of(prompts[i / 4], 60);
        job.sampling = CF_SAMPLING_INIT;
        job.sampling.temperature = 0.4 * (double)(i % 4);
        job.seed = i;
        for (int guesses = 0; guesses < 2; guesses++) {
            fixture->is_plain = guesses == 0;
            restart_worker(fixture, 1);
            const struct outcome *outcome = run_job(fixture, &job);
            assert_int_equal(outcome->n_ids[0], 60);
            if (guesses == 0) {
                memcpy(expected, outcome->ids[0], sizeof expected);
            }
            assert_memory_equal(outcome->ids[0], expected, sizeof expected);
        }
        cf_ids_release(&job.ids);
    }
}

static void worker__generate__more_than_a_batch_goes_in_waves(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("waves", 12);
    job.sampling.temperature = 1;
    job.n_alternatives = CF_WORKER_BATCH_MAX + 3;
    struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->n_finished, job.n_alternatives);
    static int32_t ids[REPLIES_MAX][12];
    for (int j = 0; j < job.n_alternatives; j++) {
        assert_int_equal(outcome->n_ids[j], 12);
        memcpy(ids[j], outcome->ids[j], sizeof ids[j]);
    }
    for (uint32_t j = 0; j < CF_WORKER_BATCH_MAX + 3; j++) {
        struct cf_job single = job_of("waves", 12);
        single.sampling.temperature = 1;
        single.stream = j;
        outcome = run_job(fixture, &single);
        assert_memory_equal(outcome->ids[0], ids[j], sizeof ids[j]);
        cf_ids_release(&single.ids);
    }
    cf_ids_release(&job.ids);
}

static void worker__generate__goes_on_from_a_prefix_as_if_never_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job whole = job_of("prefix", 50);
    whole.sampling.temperature = 0.9;
    whole.sampling.presence_penalty = 0.5;
    whole.seed = 7;
    struct outcome *outcome = run_job(fixture, &whole);
    static int32_t ids[50];
    memcpy(ids, outcome->ids[0], sizeof ids);
    char *text = cf_memdup_str(outcome->text[0].data, outcome->text[0].size);
    size_t size = outcome->text[0].size;

    struct cf_job rest = job_of("prefix", 30);
    rest.sampling = whole.sampling;
    rest.seed = 7;
    rest.prefix = ids;
    rest.n_prefix = rest.n_own = 20;
    cf_ids_add_all(&rest.ids, ids, 20);
    outcome = run_job(fixture, &rest);
    assert_int_equal(outcome->n_ids[0], 30);
    assert_memory_equal(outcome->ids[0], ids + 20, 30 * sizeof ids[0]);
    assert_int_equal(outcome->text[0].size, size);
    assert_memory_equal(outcome->text[0].data, text, size);
    /* The cache had it all; only the last position's logits were not at hand. */
    assert_true(outcome->n_evaluated <= 1);
    free(text);
    cf_ids_release(&whole.ids);
    cf_ids_release(&rest.ids);
}

static void worker__generate__takes_forced_tokens(void **state)
{
    struct fixture *fixture = *state;
    const int32_t forced[] = {'x', 'y'};
    struct cf_job job = job_of("force", 10);
    job.forced = forced;
    job.n_forced = 2;
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->ids[0][0], 'x');
    assert_int_equal(outcome->ids[0][1], 'y');
    assert_int_equal(outcome->n_ids[0], 10);
    cf_ids_release(&job.ids);
}

static void worker__generate__follows_recorded_runs(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job =
        job_of("a prompt that is long enough to be evaluated in one matrix product, "
               "not one by one",
               20);
    job.sampling.temperature = 1;
    struct outcome *outcome = run_job(fixture, &job);
    static int32_t ids[20];
    memcpy(ids, outcome->ids[0], sizeof ids);
    struct cf_eval_run runs[64];
    size_t n_runs = outcome->n_runs;
    memcpy(runs, outcome->runs, n_runs * sizeof runs[0]);
    assert_true(n_runs > 0);
    restart_worker(fixture, 2);
    job.runs = runs;
    job.n_runs = n_runs;
    outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_LENGTH);
    assert_memory_equal(outcome->ids[0], ids, sizeof ids);
    assert_int_equal(outcome->n_runs, n_runs);
    cf_ids_release(&job.ids);
}

/* --- ends --- */

static void worker__end__stop_text_is_not_shown(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("stop", 60);
    struct outcome *outcome = run_job(fixture, &job);
    /* Some piece of what it says, no character at its border split by chance. */
    assert_int_equal(outcome->n_ids[0], 60);
    char stop[4] = {(char)outcome->ids[0][30], (char)outcome->ids[0][31], (char)outcome->ids[0][32],
                    '\0'};
    char said[61];
    for (int i = 0; i < 60; i++) {
        said[i] = (char)outcome->ids[0][i];
    }
    said[60] = '\0';
    const char *at = strstr(said, stop);
    assert_non_null(at);
    size_t before = (size_t)(at - said);
    struct cf_texts stops = {0};
    cf_texts_add(&stops, stop);
    job.stops = &stops;
    outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_STOP);
    assert_int_equal(outcome->text[0].size, before);
    assert_memory_equal(outcome->text[0].data, said, before);
    assert_int_equal(outcome->n_text_tokens[0], before);
    assert_int_equal(outcome->n_ids[0], before + 3);
    cf_texts_release(&stops);
    cf_ids_release(&job.ids);
}

static void worker__end__stop_id_and_context(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("stop", 500);
    struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_CONTEXT);
    assert_int_equal(outcome->n_ids[0], TINY_N_CTX - 4 + 1);
    int32_t stop = outcome->ids[0][10];
    int32_t first = 0;
    while (outcome->ids[0][first] != stop) {
        first++;
    }
    job.stop_ids = &stop;
    job.n_stop_ids = 1;
    outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_STOP);
    assert_int_equal(outcome->n_ids[0], first + 1);
    assert_int_equal(outcome->n_text_tokens[0], first);
    /* It is not shown, though to the tokenizer it is an ordinary token. */
    struct cf_detokenizer detokenizer = {.n_held = 0};
    struct cf_buf text = CF_BUF_INIT;
    for (int32_t i = 0; i < first; i++) {
        cf_detokenizer_add(&detokenizer, fixture->tokenizer, outcome->ids[0][i], &text);
    }
    cf_detokenizer_finish(&detokenizer, &text);
    assert_int_equal(outcome->text[0].size, text.size);
    assert_memory_equal(outcome->text[0].data, text.data, text.size);
    cf_buf_release(&text);
    cf_ids_release(&job.ids);
}

static void worker__end__errors_are_sentences(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job empty = job_of("", 5);
    const struct outcome *outcome = run_job(fixture, &empty);
    assert_int_equal(outcome->reason, CF_END_ERROR);
    assert_string_equal(outcome->err.text, "the prompt is empty");
    struct cf_job longer = job_of("", 5);
    for (int i = 0; i <= TINY_N_CTX; i++) {
        cf_ids_add(&longer.ids, 'a');
    }
    outcome = run_job(fixture, &longer);
    assert_int_equal(outcome->err.code, CF_ERR_CONTEXT);
    assert_non_null(strstr(outcome->err.text, "the prompt has 129 tokens"));
    struct cf_job foreign = job_of("", 5);
    cf_ids_add(&foreign.ids, TINY_N_VOCAB);
    outcome = run_job(fixture, &foreign);
    assert_int_equal(outcome->err.code, CF_ERR_RANGE);
    cf_ids_release(&longer.ids);
    cf_ids_release(&foreign.ids);
}

static void worker__end__broken_model_is_named(void **state)
{
    struct fixture *fixture = *state;
    const struct tiny_spec spec = {.seed = 11, .has_nan = true};
    char *folder = tiny_model_write(&spec);
    struct cf_model *broken = open_model(folder);
    const struct cf_worker_params params = {
        .model = broken, .tokenizer = fixture->tokenizer, .n_threads = 1, .wake = &fixture->wake};
    cf_worker_free(fixture->worker);
    assert_int_equal(cf_worker_new(&fixture->worker, &params, NULL), CF_OK);
    struct cf_job job = job_of("nan", 5);
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_ERROR);
    assert_int_equal(outcome->err.code, CF_ERR_CORRUPT);
    assert_non_null(strstr(outcome->err.text, broken->name));
    assert_int_equal(outcome->n_ids[0], 0);
    cf_worker_free(fixture->worker);
    fixture->worker = NULL;
    cf_model_free(broken);
    cf_ids_release(&job.ids);
    tiny_model_remove(folder);
}

static void worker__load__says_why_it_failed(void **state)
{
    struct fixture *fixture = *state;
    const struct cf_worker_params params = {
        .model_path = "no/such/model", .n_threads = 1, .wake = &fixture->wake};
    cf_worker_free(fixture->worker);
    assert_int_equal(cf_worker_new(&fixture->worker, &params, NULL), CF_OK);
    struct cf_job job = job_of("x", 1);
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->reason, CF_END_ERROR);
    assert_int_equal(outcome->err.code, CF_ERR_NOT_FOUND);
    assert_null(cf_worker_model(fixture->worker));
    cf_ids_release(&job.ids);
}

static void worker__load__opens_the_folder_itself(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("hello", 20);
    static int32_t expected[20];
    memcpy(expected, run_job(fixture, &job)->ids[0], sizeof expected);
    cf_worker_free(fixture->worker);
    const struct cf_worker_params params = {
        .model_path = fixture->folder, .n_threads = 2, .wake = &fixture->wake, .n_ctx = 64};
    assert_int_equal(cf_worker_new(&fixture->worker, &params, NULL), CF_OK);
    assert_memory_equal(run_job(fixture, &job)->ids[0], expected, sizeof expected);
    assert_int_equal(cf_worker_n_ctx(fixture->worker), 64);
    assert_int_equal(cf_worker_model(fixture->worker)->n_vocab, TINY_N_VOCAB);
    assert_int_equal(cf_worker_kv_type(fixture->worker), CF_F32);
    cf_ids_release(&job.ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(worker__generate__equals_the_session_by_hand),
        TEST(worker__generate__same_seed_same_tokens_however_it_runs),
        TEST(worker__generate__guesses_change_nothing),
        TEST(worker__generate__more_than_a_batch_goes_in_waves),
        TEST(worker__generate__goes_on_from_a_prefix_as_if_never_stopped),
        TEST(worker__generate__takes_forced_tokens),
        TEST(worker__generate__follows_recorded_runs),
        TEST(worker__end__stop_text_is_not_shown),
        TEST(worker__end__stop_id_and_context),
        TEST(worker__end__errors_are_sentences),
        TEST(worker__end__broken_model_is_named),
        TEST(worker__load__says_why_it_failed),
        TEST(worker__load__opens_the_folder_itself),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
