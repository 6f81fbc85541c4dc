/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block types beside llama.cpp on the same file, for trained models of ../shared: as near to the
 * F32 weights as llama.cpp is, and with the same best token where the choice is clear.
 *
 * The two round activations alike but for the last bits of what they round, and one value that
 * falls the other way is felt in every logit behind it.  So they differ as two draws do: on a text
 * of 32 tokens the one's divergence is 0.6 to 3 times the other's, either way; over 141 texts ours
 * is 0.97
 * +- 0.02 of llama.cpp's.  llama.cpp itself does the same: decoding one by one it departs from its
 * own batch as far as we do, and has another best token as often (own_differs in the fixture).
 * Hence the mean over many texts is held to the bound, and a best token to a gap that no rounding
 * bridges. */
#include "model_fixture.h"

#include <jansson.h>
#include <unistd.h>

#include "quantize.h"

static char folder[] = "test_llama.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct cf_model *convert(const char *from, enum cf_dtype dtype)
{
    char path[256];
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    const struct cf_convert how = {.dtype = dtype, .may_replace = true};
    (void)snprintf(path, sizeof path, "%s/model.gguf", folder);
    if (cf_model_convert(from, path, &how, &err) != CF_OK ||
        cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    /* It stays mapped. */
    assert_int_equal(unlink(path), 0);
    return model;
}

/* What comes out over all texts. */
struct sums {
    double kl, wanted_kl;
    int n, n_differs, n_differs_clearly;
};

struct text {
    float *exact; /* [position][n_vocab], logarithms of the F32 weights' probabilities */
    int32_t n_vocab;
    const json_t *best, *gap;
    struct sums *sums;
};

static double log_sum(const float *logits, int32_t n)
{
    double top = (double)logits[arg_max(logits, n)];
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - top);
    }
    return top + log(sum);
}

static void keep(void *arg, int32_t position, const float *logits)
{
    const struct text *text = arg;
    float *exact = text->exact + (size_t)position * (size_t)text->n_vocab;
    double sum = log_sum(logits, text->n_vocab);
    for (int32_t i = 0; i < text->n_vocab; i++) {
        exact[i] = (float)((double)logits[i] - sum);
    }
}

static void compare(void *arg, int32_t position, const float *logits)
{
    enum { GAP = 100, CLEAR_GAP = 500 }; /* thousandths */
    const struct text *text = arg;
    int32_t n = text->n_vocab;
    const float *exact = text->exact + (size_t)position * (size_t)n;
    double sum = log_sum(logits, n);
    for (int32_t i = 0; i < n; i++) {
        double log_p = (double)exact[i];
        text->sums->kl += exp(log_p) * (log_p - ((double)logits[i] - sum));
    }
    json_int_t best = json_integer_value(json_array_get(text->best, (size_t)position));
    json_int_t gap = json_integer_value(json_array_get(text->gap, (size_t)position));
    if (best != arg_max(logits, n)) {
        text->sums->n_differs += gap > GAP;
        text->sums->n_differs_clearly += gap > CLEAR_GAP;
    }
    text->sums->n++;
}

static void eval(const struct engine *engine, const json_t *ids,
                 void (*fn)(void *arg, int32_t position, const float *logits), struct text *text)
{
    int32_t list[256];
    int32_t n = (int32_t)json_array_size(ids);
    struct cf_err err = CF_ERR_INIT;
    assert_true(n > 0 && n <= 256);
    for (int32_t i = 0; i < n; i++) {
        list[i] = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
    }
    if (cf_session_eval_all(engine->session, 0, list, n, fn, text, NULL, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
}

static void check(const char *name, enum cf_dtype dtype)
{
    char path[1024];
    char file[128];
    (void)snprintf(file, sizeof file, "models/%s", name);
    if (!test_shared_path(path, sizeof path, file)) {
        skip();
        return;
    }
    struct cf_model *exact = convert(path, CF_F32);
    struct cf_model *quantised = convert(path, dtype);
    struct engine exact_engine = engine_open(exact, CF_F32, 1, 2);
    struct engine engine = engine_open(quantised, CF_F16, 1, 2);
    const bool is_q8 = dtype == CF_Q8_0;
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/llama/%s%s%s.json", TEST_SRCDIR, name,
                   is_q8 ? "" : "-", is_q8 ? "" : cf_dtype_name(dtype));
    json_t *fixture = json_load_file(path, 0, NULL);
    const json_t *texts = json_object_get(fixture, "texts");
    assert_true(json_array_size(texts) >= 12);
    struct sums sums = {.n = 0};
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *row = json_array_get(texts, i);
        const json_t *ids = json_object_get(row, "ids");
        size_t size = json_array_size(ids) * (size_t)exact->n_vocab * sizeof(float);
        struct text text = {.exact = malloc(size),
                            .n_vocab = exact->n_vocab,
                            .best = json_object_get(row, "best"),
                            .gap = json_object_get(row, "gap"),
                            .sums = &sums};
        assert_non_null(text.exact);
        eval(&exact_engine, ids, keep, &text);
        eval(&engine, ids, compare, &text);
        free(text.exact);
        sums.wanted_kl +=
            json_number_value(json_object_get(row, "kl")) * (double)json_array_size(ids);
    }
    double kl = sums.kl / sums.n;
    double wanted = sums.wanted_kl / sums.n;
    json_int_t own = json_integer_value(json_object_get(fixture, "own_differs"));
    print_message(
        "# %s %s: divergence %.3g, llama.cpp's %.3g, ratio %.3f; another best token at %d of"
        " %d clear positions, llama.cpp's own %d\n",
        name, cf_dtype_name(dtype), kl, wanted, kl / wanted, sums.n_differs, sums.n, (int)own);
    assert_true(kl <= 1.05 * wanted + 1e-5);
    assert_int_equal(sums.n_differs_clearly, 0);
    assert_true(sums.n_differs * 200 <= sums.n);
    json_decref(fixture);
    engine_close(&exact_engine);
    engine_close(&engine);
    cf_model_free(exact);
    cf_model_free(quantised);
}

static void q8__chat_v0__is_as_near_as_llama_cpp(void **state)
{
    (void)state;
    check("chat-v0", CF_Q8_0);
}

static void q8__tinytalk__is_as_near_as_llama_cpp(void **state)
{
    (void)state;
    check("tinytalk-3m", CF_Q8_0);
}

static void small__chat_v0__is_as_near_as_llama_cpp(void **state)
{
    (void)state;
    check("chat-v0", CF_Q4_0);
    check("chat-v0", CF_Q4_1);
    check("chat-v0", CF_Q5_0);
    check("chat-v0", CF_Q5_1);
}

int main(void)
{
    cf_kernels_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q8__chat_v0__is_as_near_as_llama_cpp),
        cmocka_unit_test(q8__tinytalk__is_as_near_as_llama_cpp),
        cmocka_unit_test(small__chat_v0__is_as_near_as_llama_cpp),
    };
    return cmocka_run_group_tests_name("llama", tests, set_up, tear_down);
}
