/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine computes, against transformers (float64) on every position of tiny random models,
 * and against published values of trained ones where ../shared is there. */
#include "model_fixture.h"

#include <jansson.h>

static float tolerance_of(enum cf_dtype dtype)
{
    return dtype == CF_F32 ? 1e-3F : 2e-3F;
}

struct comparison {
    const struct expect *expect;
    float worst;
    double kl_sum;
    double quantised_sum; /* of the distances to the quantised logits */
    int32_t n_seen;
};

static double log_sum_exp(const float *logits, int32_t n)
{
    double best = (double)logits[arg_max(logits, n)];
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - best);
    }
    return best + log(sum);
}

static void compare(void *arg, int32_t position, const float *logits)
{
    struct comparison *comparison = arg;
    int32_t n_vocab = comparison->expect->n_vocab;
    const float *wanted = comparison->expect->logits + (size_t)position * (size_t)n_vocab;
    const float *quantised = comparison->expect->quantised;
    assert_int_equal(position, comparison->n_seen);
    comparison->n_seen++;
    double p_total = log_sum_exp(wanted, n_vocab);
    double q_total = log_sum_exp(logits, n_vocab);
    for (int32_t i = 0; i < n_vocab; i++) {
        comparison->worst = fmaxf(comparison->worst, fabsf(logits[i] - wanted[i]));
        if (quantised != NULL) {
            comparison->quantised_sum +=
                (double)fabsf(logits[i] - quantised[position * n_vocab + i]);
        }
        double log_p = (double)wanted[i] - p_total;
        comparison->kl_sum += exp(log_p) * (log_p - ((double)logits[i] - q_total));
    }
}

static void check_logits(const char *name, const struct cf_kernels *kernels)
{
    cf_kernels_use(kernels);
    struct cf_model *model = fixture_open(name);
    struct expect expect;
    expect_open(&expect, name);
    assert_int_equal(model->n_vocab, expect.n_vocab);
    struct engine engine = engine_open(model, CF_F32, 1, 2);
    struct comparison comparison = {.expect = &expect};
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_session_eval_all(engine.session, 0, expect.ids, expect.n_ids, compare,
                                         &comparison, NULL, &err),
                     CF_OK);
    assert_int_equal(comparison.n_seen, expect.n_ids);
    double kl = comparison.kl_sum / expect.n_ids;
    double distance = comparison.quantised_sum / expect.n_ids / expect.n_vocab;
    if (expect.quantised == NULL && !(comparison.worst <= tolerance_of(model->dtype))) {
        fail_msg("%s, %s: off by %g", name, cf_kernels_name(kernels), (double)comparison.worst);
    }
    /* A rounding that falls the other way moves single logits by more. */
    if (!(distance <= 1e-4)) {
        fail_msg("%s, %s: off by %g", name, cf_kernels_name(kernels), distance);
    }
    /* The two roundings are equally good; over so few positions their luck differs by a tenth. */
    if (expect.quantised != NULL && !(kl <= 1.25 * (double)expect.mean_kl)) {
        fail_msg("%s, %s: divergence %g, llama.cpp's arithmetic has %g", name,
                 cf_kernels_name(kernels), kl, (double)expect.mean_kl);
    }
    engine_close(&engine);
    expect_close(&expect);
    cf_model_free(model);
    cf_kernels_use(NULL);
}

static void logits__eval_all__agrees_with_transformers(void **state)
{
    (void)state;
    for (size_t k = 0; cf_kernels_at(k) != NULL; k++) {
        for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
            check_logits(fixture_names[i], cf_kernels_at(k));
        }
    }
}

static void logits__decode__makes_the_same_200_greedy_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
        struct cf_model *model = fixture_open(fixture_names[i]);
        struct expect expect;
        expect_open(&expect, fixture_names[i]);
        struct engine engine = engine_open(model, CF_F32, 1, 1);
        assert_int_equal(
            cf_session_sync(engine.session, 0, expect.ids, expect.n_prompt, NULL, NULL, NULL),
            CF_OK);
        for (int32_t k = 0; k < expect.n_greedy; k++) {
            int32_t id = arg_max(cf_session_logits(engine.session, 0), model->n_vocab);
            if (id != expect.greedy[k]) {
                fail_msg("%s: token %d is %d and not %d", fixture_names[i], k, id,
                         expect.greedy[k]);
            }
            int branch = 0;
            if (k + 1 < expect.n_greedy) {
                assert_int_equal(cf_session_decode(engine.session, &branch, &id, 1, NULL, NULL),
                                 CF_OK);
            }
        }
        engine_close(&engine);
        expect_close(&expect);
        cf_model_free(model);
    }
}

/* A model of ../shared against one of its goldens files. */
struct golden {
    struct cf_model *model;
    json_t *cases;
};

static bool golden_open(struct golden *golden, const char *model_name, const char *file)
{
    char path[1024];
    char name[256];
    struct cf_err err = CF_ERR_INIT;
    (void)snprintf(name, sizeof name, "models/%s", model_name);
    if (!test_shared_path(path, sizeof path, name)) {
        return false;
    }
    if (cf_model_open(&golden->model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    (void)snprintf(name, sizeof name, "goldens/%s", file);
    assert_true(test_shared_path(path, sizeof path, name));
    golden->cases = json_load_file(path, 0, NULL);
    assert_non_null(golden->cases);
    return true;
}

static void check_case(struct cf_session *session, const json_t *golden, const char *top_name,
                       double tolerance)
{
    int32_t ids[512];
    const json_t *list = json_object_get(golden, "ids");
    int32_t n = (int32_t)json_array_size(list);
    for (int32_t i = 0; i < n; i++) {
        ids[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
    }
    assert_int_equal(cf_session_sync(session, 0, ids, n, NULL, NULL, NULL), CF_OK);
    const float *logits = cf_session_logits(session, 0);
    const json_t *top = json_object_get(golden, top_name);
    assert_true(json_array_size(top) >= 10);
    for (size_t i = 0; i < json_array_size(top); i++) {
        const json_t *pair = json_array_get(top, i);
        json_int_t id = json_integer_value(json_array_get(pair, 0));
        double wanted = json_number_value(json_array_get(pair, 1));
        if (!(fabs((double)logits[id] - wanted) <= tolerance)) {
            fail_msg("logit %d is %g and not %g", (int)id, (double)logits[id], wanted);
        }
    }
    double sum = 0;
    int32_t n_vocab = cf_session_model(session)->n_vocab;
    for (int32_t i = 0; i < n_vocab; i++) {
        sum += (double)logits[i];
    }
    assert_true(fabs(sum - json_number_value(json_object_get(golden, "sum"))) <=
                tolerance * n_vocab);
}

static void check_goldens(const char *model_name, const char *file, const char *top_name,
                          double tolerance)
{
    struct golden golden;
    if (!golden_open(&golden, model_name, file)) {
        skip();
        return;
    }
    struct engine engine = engine_open(golden.model, CF_F32, 1, 2);
    for (size_t i = 0; i < json_array_size(golden.cases); i++) {
        check_case(engine.session, json_array_get(golden.cases, i), top_name, tolerance);
    }
    engine_close(&engine);
    json_decref(golden.cases);
    cf_model_free(golden.model);
}

static void logits__tinytalk__agrees_with_its_golden(void **state)
{
    (void)state;
    check_goldens("tinytalk-3m", "tinytalk-3m-logits.json", "top10", 1e-3);
}

static void logits__chat_v0__agrees_with_its_golden(void **state)
{
    (void)state;
    check_goldens("chat-v0", "chat-v0-logits.json", "top20", 2e-3);
}

/* Exact GELU, an untied head with a bias.  The values were computed by transformers in float64 for
 * ids[i] = (37 i + 11) mod 4096. */
static void logits__dos_chat__agrees_with_transformers(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"n\": 1, \"sum\": -6890.587, \"top\": [[60, 13.845344], [117, 11.783722],"
        " [107, 11.78214], [111, 10.331535], [2682, 10.283088], [48, 9.821131], [3000, 8.948912],"
        " [103, 8.629762], [108, 8.582583], [810, 7.427378]]}",
        "{\"n\": 70, \"sum\": -21286.6325, \"top\": [[0, 14.248391], [494, 13.039576],"
        " [258, 12.309449], [266, 11.589391], [307, 10.961247], [112, 10.023936], [668, 9.707144],"
        " [682, 9.65635], [261, 9.536974], [294, 9.447924]]}",
    };
    char path[512];
    struct cf_err err = CF_ERR_INIT;
    struct cf_model *model = NULL;
    if (!test_shared_path(path, sizeof path, "models/dos-chat")) {
        skip();
        return;
    }
    if (cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(model->gelu, CF_GELU_ERF);
    struct engine engine = engine_open(model, CF_F32, 1, 2);
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        json_t *golden = json_loads(cases[i], 0, NULL);
        assert_non_null(golden);
        json_t *ids = json_array();
        for (json_int_t k = 0; k < json_integer_value(json_object_get(golden, "n")); k++) {
            json_array_append_new(ids, json_integer((37 * k + 11) % 4096));
        }
        json_object_set_new(golden, "ids", ids);
        check_case(engine.session, golden, "top", 1e-3);
        json_decref(golden);
    }
    engine_close(&engine);
    cf_model_free(model);
}

int main(void)
{
    cf_kernels_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits__eval_all__agrees_with_transformers),
        cmocka_unit_test(logits__decode__makes_the_same_200_greedy_tokens),
        cmocka_unit_test(logits__tinytalk__agrees_with_its_golden),
        cmocka_unit_test(logits__chat_v0__agrees_with_its_golden),
        cmocka_unit_test(logits__dos_chat__agrees_with_transformers),
    };
    return cmocka_run_group_tests_name("logits", tests, NULL, NULL);
}
