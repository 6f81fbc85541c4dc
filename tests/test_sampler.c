/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampler at its header: distributions against transformers' processors (fixtures), draws against
 * the distribution, random numbers and exponentials against known values. */
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "mem.h"
#include "random.h"
#include "sampler.h"
#include "sampler_math.h"

static float random_logit(struct test_random *random)
{
    float sum = 0.0F;
    for (int i = 0; i < 6; i++) {
        sum += (float)(test_random_below(random, 10000)) / 10000.0F;
    }
    return (sum - 3.0F) * 4.0F;
}

static void math__exp_and_log__are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int i = 0; i <= 20000; i++) {
        double distance = i < 10000 ? i * 0.001 : (i - 10000) * 0.0707;
        double weight = 0.0;
        cf_exp_down(&distance, &weight, 1);
        assert_true(fabs(weight / exp(-distance) - 1.0) < 1e-15);
        double value = exp(distance / 2.0 - 100.0) + 1e-3 * i;
        assert_true(fabs(cf_log(value) - log(value)) <= 1e-15 * fabs(log(value)) + 1e-300);
    }
    const double edges[] = {0.0, CF_EXP_END, 1e300, (double)INFINITY};
    double weights[4];
    cf_exp_down(edges, weights, 4);
    assert_true(weights[0] == 1.0 && weights[1] == 0.0 && weights[2] == 0.0 && weights[3] == 0.0);
    assert_true(cf_log(1.0) == 0.0);
}

static void math__philox__gives_the_known_answers(void **state)
{
    (void)state;
    /* Random123's kat_vectors, philox4x32 10. */
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(known); i++) {
        uint32_t words[4];
        cf_philox(known[i].counter, known[i].key, words);
        assert_memory_equal(words, known[i].words, sizeof words);
    }
    uint64_t bits = ((uint64_t)0xe169c58d << 32 | 0x6627e8d5) >> 11;
    assert_true(cf_uniform(0, 0, 0) == (double)bits / 9007199254740992.0);
}

/* The fixture file, read front to back. */
struct reader {
    FILE *file;
};

static void read_all(struct reader *reader, void *into, size_t size)
{
    assert_int_equal(fread(into, 1, size, reader->file), size);
}

static int32_t read_int(struct reader *reader)
{
    int32_t value;
    read_all(reader, &value, sizeof value);
    return value;
}

static double read_double(struct reader *reader)
{
    double value;
    read_all(reader, &value, sizeof value);
    return value;
}

static void check_case(struct reader *reader, const float *vectors, int32_t n_vocab,
                       struct cf_sampler *sampler)
{
    const float *logits = vectors + (ptrdiff_t)read_int(reader) * n_vocab;
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.top_k = read_int(reader);
    sampling.repeat_last_n = read_int(reader);
    struct cf_history history = {.n = read_int(reader)};
    history.n_prompt = read_int(reader);
    sampling.temperature = read_double(reader);
    sampling.top_p = read_double(reader);
    sampling.min_p = read_double(reader);
    sampling.typical_p = read_double(reader);
    sampling.repeat_penalty = read_double(reader);
    sampling.presence_penalty = read_double(reader);
    sampling.frequency_penalty = read_double(reader);
    int32_t past[100];
    assert_true(history.n <= 100);
    read_all(reader, past, (size_t)history.n * sizeof *past);
    history.ids = past;
    int32_t n_kept = read_int(reader);
    int32_t *ids = cf_calloc((size_t)n_kept, sizeof *ids);
    float *expected = cf_calloc((size_t)n_kept, sizeof *expected);
    read_all(reader, ids, (size_t)n_kept * sizeof *ids);
    read_all(reader, expected, (size_t)n_kept * sizeof *expected);

    double *probabilities = cf_calloc((size_t)n_vocab, sizeof *probabilities);
    assert_true(cf_sampler_distribution(sampler, logits, &sampling, &history, probabilities));
    double sum = 0.0;
    int32_t at = 0;
    for (int32_t id = 0; id < n_vocab; id++) {
        sum += probabilities[id];
        bool is_kept = at < n_kept && ids[at] == id;
        if (is_kept) {
            assert_true(fabs(probabilities[id] - (double)expected[at]) < 1e-6);
            at++;
        } else {
            assert_true(probabilities[id] == 0.0);
        }
    }
    assert_true(fabs(sum - 1.0) < 1e-12);
    struct cf_choice choice;
    assert_true(cf_sampler_sample(sampler, logits, &sampling, &history, 5, 0, 1, -1, &choice));
    assert_int_equal(choice.n_inside, n_kept);
    assert_true(probabilities[choice.id] > 0.0);
    assert_true(fabs((double)choice.p - probabilities[choice.id]) < 1e-6);
    for (int32_t i = 0; i < choice.n_candidates; i++) {
        assert_true(fabs((double)choice.candidates[i].p - probabilities[choice.candidates[i].id]) <
                    1e-6);
    }
    free(probabilities);
    free(expected);
    free(ids);
}

static void sampler__distribution__equals_transformers(void **state)
{
    (void)state;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/sampler/sampler.bin", TEST_SRCDIR);
    struct reader reader = {.file = fopen(path, "rb")};
    assert_non_null(reader.file);
    int32_t n_vocab = read_int(&reader);
    int32_t n_vectors = read_int(&reader);
    int32_t n_cases = read_int(&reader);
    assert_int_equal(n_cases, 200);
    size_t size = (size_t)n_vocab * (size_t)n_vectors * sizeof(float);
    float *vectors = cf_malloc(size);
    read_all(&reader, vectors, size);
    struct cf_sampler *sampler = cf_sampler_new(n_vocab);
    for (int32_t i = 0; i < n_cases; i++) {
        check_case(&reader, vectors, n_vocab, sampler);
    }
    assert_int_equal(fgetc(reader.file), EOF);
    cf_sampler_free(sampler);
    free(vectors);
    (void)fclose(reader.file);
}

/* The same filters, naively: sorts everything. */
static int32_t naive_top_p(const double *weights, int32_t n, double p, bool *kept)
{
    double mass = 0.0;
    for (int32_t i = 0; i < n; i++) {
        mass += weights[i];
        kept[i] = false;
    }
    double total = 0.0;
    int32_t n_kept = 0;
    while (n_kept < n && total < p * mass) {
        int32_t best = -1;
        for (int32_t i = 0; i < n; i++) {
            if (!kept[i] && (best < 0 || weights[i] > weights[best])) {
                best = i;
            }
        }
        kept[best] = true;
        total += weights[best];
        n_kept++;
    }
    return n_kept;
}

static void sampler__top_p__finds_the_same_border_as_a_sort(void **state)
{
    (void)state;
    enum { N = 3000 };
    static float logits[N];
    static double weights[N];
    static double probabilities[N];
    static bool kept[N];
    struct test_random random = {7};
    struct cf_sampler *sampler = cf_sampler_new(N);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < N; i++) {
            /* Smooth, with ties everywhere, nearly flat, wholly flat, and with outliers. */
            float logit = random_logit(&random);
            logit = round == 1 ? floorf(logit * 4.0F) : logit;
            logit = round == 2 ? logit * 1e-4F : logit;
            logit = round == 3 ? 1.5F : logit;
            logit = round == 4 && i % 97 == 0 ? -1e30F : logit;
            logits[i] = round == 5 && i == 1234 ? 3e38F : logit;
            weights[i] = 0.0;
        }
        float best = -FLT_MAX;
        for (int i = 0; i < N; i++) {
            best = logits[i] > best ? logits[i] : best;
        }
        for (int i = 0; i < N; i++) {
            weights[i] = exp((double)logits[i] - (double)best);
        }
        struct cf_sampling sampling = CF_SAMPLING_INIT;
        sampling.top_p = 0.731;
        cf_sampler_distribution(sampler, logits, &sampling, NULL, probabilities);
        int32_t n_kept = naive_top_p(weights, N, 0.731, kept);
        int32_t n_inside = 0;
        for (int i = 0; i < N; i++) {
            assert_int_equal(probabilities[i] > 0.0, kept[i]);
            n_inside += probabilities[i] > 0.0;
        }
        assert_int_equal(n_inside, n_kept);
    }
    cf_sampler_free(sampler);
}

static void sampler__top_k__keeps_ties(void **state)
{
    (void)state;
    const float logits[] = {1, 3, 2, 3, 2, 2, 0};
    struct cf_sampler *sampler = cf_sampler_new(7);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    struct cf_choice choice;
    static const int32_t inside[] = {0, 2, 2, 5, 5, 5, 6, 7, 7};
    for (int32_t k = 1; k <= 8; k++) {
        sampling.top_k = k;
        assert_true(cf_sampler_sample(sampler, logits, &sampling, NULL, 1, 0, 0, -1, &choice));
        assert_int_equal(choice.n_inside, inside[k]);
    }
    cf_sampler_free(sampler);
}

static void sampler__cut__is_the_last_filter_that_left_any_out(void **state)
{
    (void)state;
    const float logits[] = {2.0F, 1.5F, 1.0F, 0.5F, 0.0F, -1.0F, -INFINITY};
    struct cf_sampler *sampler = cf_sampler_new(7);
    static const struct {
        double temperature, top_p, min_p, typical_p;
        int32_t top_k, n_inside;
        enum cf_cut cut;
    } cases[] = {
        {1, 1, 0, 1, 0, 6, CF_CUT_NONE},
        {1, 1, 0, 1, 6, 6, CF_CUT_NONE}, /* the seventh cannot be drawn anyhow */
        {1, 1, 0, 1, 5, 5, CF_CUT_TOP_K},
        {1, 0.99, 0, 1, 5, 5, CF_CUT_TOP_K}, /* of what is left, the fifth is above that */
        {1, 0.99, 0.3, 1, 0, 3, CF_CUT_MIN_P},
        {1, 0.5, 0.3, 1, 0, 2, CF_CUT_TOP_P},
        {1, 0.99, 0.3, 0.3, 0, 1, CF_CUT_TYPICAL_P},
        {0, 0.5, 0.3, 0.3, 3, 1, CF_CUT_BEST},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_sampling sampling = CF_SAMPLING_INIT;
        sampling.temperature = cases[i].temperature;
        sampling.top_p = cases[i].top_p;
        sampling.min_p = cases[i].min_p;
        sampling.typical_p = cases[i].typical_p;
        sampling.top_k = cases[i].top_k;
        struct cf_choice choice;
        assert_true(cf_sampler_sample(sampler, logits, &sampling, NULL, 1, 0, 0, -1, &choice));
        assert_int_equal(choice.n_inside, cases[i].n_inside);
        assert_int_equal(choice.cut, cases[i].cut);
    }
    cf_sampler_free(sampler);
}

static void sampler__greedy__takes_the_best_with_the_lowest_id(void **state)
{
    (void)state;
    const float logits[] = {-1, 4, 2, 4, NAN};
    struct cf_sampler *sampler = cf_sampler_new(5);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.temperature = 0.0;
    sampling.top_k = 3;
    sampling.top_p = 0.5;
    sampling.typical_p = 0.5;
    sampling.min_p = 0.5;
    struct cf_choice choice;
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(cf_sampler_sample(sampler, logits, &sampling, NULL, i, i, i, -1, &choice));
        assert_int_equal(choice.id, 1);
        assert_int_equal(choice.rank, 0);
        assert_int_equal(choice.n_inside, 1);
        assert_true(choice.p == 1.0F && choice.p_raw < 0.5F);
    }
    /* A penalty can move the arg-max. */
    sampling.repeat_penalty = 3.0;
    const int32_t past[] = {1, 3};
    struct cf_history history = {.ids = past, .n = 2, .n_prompt = 2};
    assert_true(cf_sampler_sample(sampler, logits, &sampling, &history, 1, 1, 1, -1, &choice));
    assert_int_equal(choice.id, 2);
    assert_int_equal(choice.rank, 2);
    cf_sampler_free(sampler);
}

static void sampler__sample__describes_a_forced_token(void **state)
{
    (void)state;
    const float logits[] = {2, 1, 0, -1};
    struct cf_sampler *sampler = cf_sampler_new(4);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.top_k = 2;
    struct cf_choice choice;
    assert_true(cf_sampler_sample(sampler, logits, &sampling, NULL, 1, 0, 0, 3, &choice));
    double mass = exp(2) + exp(1) + 1 + exp(-1);
    assert_int_equal(choice.id, 3);
    assert_int_equal(choice.rank, 3);
    assert_true(choice.p == 0.0F);
    assert_true(fabs((double)choice.p_raw - exp(-1) / mass) < 1e-7);
    assert_int_equal(choice.n_candidates, 4);
    assert_int_equal(choice.candidates[0].id, 0);
    assert_int_equal(choice.candidates[3].id, 3);
    assert_true(fabs((double)choice.candidates[0].p - exp(2) / (exp(2) + exp(1))) < 1e-7);
    double entropy = 0.0;
    for (int i = 0; i < 4; i++) {
        double p = exp((double)logits[i]) / mass;
        entropy -= p * log2(p);
    }
    assert_true(fabs((double)choice.entropy - entropy) < 1e-6);
    cf_sampler_free(sampler);
}

static void sampler__candidates__are_the_likeliest_in_order(void **state)
{
    (void)state;
    enum { N = 1111 };
    float logits[N];
    struct test_random random = {3};
    struct cf_sampler *sampler = cf_sampler_new(N);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    struct cf_choice choice;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < N; i++) {
            logits[i] = round % 3 == 0 ? floorf(random_logit(&random)) : random_logit(&random);
        }
        cf_sampler_sample(sampler, logits, &sampling, NULL, 9, 0, (uint32_t)round, -1, &choice);
        assert_int_equal(choice.n_candidates, CF_CHOICE_MAX);
        for (int k = 0; k < CF_CHOICE_MAX; k++) {
            int32_t id = choice.candidates[k].id;
            int32_t rank = 0;
            for (int i = 0; i < N; i++) {
                rank += logits[i] > logits[id] || (i < id && logits[i] >= logits[id]);
            }
            assert_int_equal(rank, k);
        }
    }
    cf_sampler_free(sampler);
}

static void sampler__sample__survives_broken_logits(void **state)
{
    (void)state;
    float logits[200];
    struct cf_sampler *sampler = cf_sampler_new(200);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.top_k = 5;
    sampling.top_p = 0.9;
    sampling.min_p = 0.1;
    sampling.typical_p = 0.9;
    sampling.repeat_penalty = 1.2;
    struct cf_choice choice;
    double probabilities[200];
    for (int i = 0; i < 200; i++) {
        logits[i] = i % 2 == 0 ? NAN : -INFINITY;
    }
    assert_false(cf_sampler_sample(sampler, logits, &sampling, NULL, 1, 0, 0, -1, &choice));
    assert_int_equal(choice.id, 0);
    assert_int_equal(choice.n_inside, 0);
    assert_true(choice.p == 0.0F && choice.p_raw == 0.0F && choice.entropy == 0.0F);
    assert_false(cf_sampler_distribution(sampler, logits, &sampling, NULL, probabilities));
    logits[77] = -5.0F;
    assert_true(cf_sampler_sample(sampler, logits, &sampling, NULL, 1, 0, 0, -1, &choice));
    assert_int_equal(choice.id, 77);
    assert_true(choice.p == 1.0F && choice.p_raw == 1.0F);
    logits[78] = INFINITY;
    logits[79] = INFINITY;
    const int32_t past[] = {-3, 77, 5000, 78};
    struct cf_history history = {.ids = past, .n = 4, .n_prompt = 1};
    sampling.temperature = 1e-300;
    sampling.repeat_penalty = 1.0;
    assert_true(cf_sampler_sample(sampler, logits, &sampling, &history, 1, 0, 0, -1, &choice));
    assert_true(choice.id == 78 || choice.id == 79);
    assert_true(choice.p == 0.5F && choice.p_raw == 0.5F);
    cf_sampler_free(sampler);
}

/* Draws many tokens and adds up the squared deviations over the cells that are expected at least
 * five times; the seed is fixed, so this cannot come out otherwise tomorrow. */
static double chi_square(struct cf_sampler *sampler, const float *logits, int32_t n,
                         const struct cf_sampling *sampling, uint64_t seed, bool is_by_stream,
                         int *n_cells)
{
    enum { DRAWS = 20000 };
    double *probabilities = cf_calloc((size_t)n, sizeof *probabilities);
    int *counts = cf_calloc((size_t)n, sizeof *counts);
    cf_sampler_distribution(sampler, logits, sampling, NULL, probabilities);
    struct cf_choice choice;
    for (uint32_t i = 0; i < DRAWS; i++) {
        cf_sampler_sample(sampler, logits, sampling, NULL, seed, is_by_stream ? i : 3,
                          is_by_stream ? 17 : i, -1, &choice);
        counts[choice.id]++;
    }
    double sum = 0.0;
    double rest_expected = 0.0;
    int rest_count = 0;
    *n_cells = 0;
    for (int32_t id = 0; id < n; id++) {
        double expected = probabilities[id] * DRAWS;
        if (expected >= 5.0) {
            sum += (counts[id] - expected) * (counts[id] - expected) / expected;
            ++*n_cells;
        } else {
            rest_expected += expected;
            rest_count += counts[id];
            assert_true(expected > 0.0 || counts[id] == 0);
        }
    }
    if (rest_expected >= 5.0) {
        sum += (rest_count - rest_expected) * (rest_count - rest_expected) / rest_expected;
        ++*n_cells;
    }
    free(counts);
    free(probabilities);
    return sum;
}

static void sampler__draws__follow_the_distribution(void **state)
{
    (void)state;
    enum { N = 97 };
    float logits[N];
    struct test_random random = {11};
    for (int i = 0; i < N; i++) {
        logits[i] = random_logit(&random) * 0.7F;
    }
    struct cf_sampler *sampler = cf_sampler_new(N);
    for (uint64_t round = 0; round < 6; round++) {
        struct cf_sampling sampling = CF_SAMPLING_INIT;
        sampling.temperature = round % 2 == 0 ? 1.0 : 0.8;
        sampling.top_k = round == 2 ? 20 : 0;
        sampling.top_p = round == 3 ? 0.9 : 1.0;
        int n_cells;
        double sum =
            chi_square(sampler, logits, N, &sampling, round << 40 | 5, round > 3, &n_cells);
        /* Wilson and Hilferty's cube root: a normal deviate; both tails at about one in 1,000. */
        double freedom = n_cells - 1;
        double spread = 2.0 / (9.0 * freedom);
        double deviate = (cbrt(sum / freedom) - (1.0 - spread)) / sqrt(spread);
        assert_true(n_cells > 10);
        assert_true(fabs(deviate) < 3.1);
    }
    cf_sampler_free(sampler);
}

static void sampler__sample__is_a_function_of_its_arguments(void **state)
{
    (void)state;
    enum { N = 500, TOKENS = 60 };
    float logits[N];
    struct cf_sampler *one = cf_sampler_new(N);
    struct cf_sampler *other = cf_sampler_new(N);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.repeat_penalty = 1.1;
    sampling.top_p = 0.97;
    int32_t first[TOKENS];
    int differs_by_seed = 0, differs_by_stream = 0;
    for (int32_t k = 0; k < TOKENS; k++) {
        struct test_random random = {(uint64_t)k};
        for (int i = 0; i < N; i++) {
            logits[i] = random_logit(&random);
        }
        struct cf_history history = {.ids = first, .n = k, .n_prompt = 0};
        struct cf_choice a, b;
        uint32_t index = (uint32_t)k;
        cf_sampler_sample(one, logits, &sampling, &history, 42, 0, index, -1, &a);
        first[k] = a.id;
        /* Another scratch, with other work in between. */
        cf_sampler_sample(other, logits, &sampling, NULL, 1, 1, 1, 3, &b);
        cf_sampler_sample(other, logits, &sampling, &history, 42, 0, index, -1, &b);
        assert_int_equal(a.id, b.id);
        assert_true(a.p == b.p && a.p_raw == b.p_raw && a.entropy == b.entropy);
        cf_sampler_sample(other, logits, &sampling, &history, 43, 0, index, -1, &b);
        differs_by_seed += a.id != b.id;
        cf_sampler_sample(other, logits, &sampling, &history, 42, 1, index, -1, &b);
        differs_by_stream += a.id != b.id;
    }
    assert_true(differs_by_seed > TOKENS / 4 && differs_by_stream > TOKENS / 4);
    cf_sampler_free(one);
    cf_sampler_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(math__exp_and_log__are_those_of_the_c_library),
        cmocka_unit_test(math__philox__gives_the_known_answers),
        cmocka_unit_test(sampler__distribution__equals_transformers),
        cmocka_unit_test(sampler__top_p__finds_the_same_border_as_a_sort),
        cmocka_unit_test(sampler__top_k__keeps_ties),
        cmocka_unit_test(sampler__cut__is_the_last_filter_that_left_any_out),
        cmocka_unit_test(sampler__greedy__takes_the_best_with_the_lowest_id),
        cmocka_unit_test(sampler__sample__describes_a_forced_token),
        cmocka_unit_test(sampler__candidates__are_the_likeliest_in_order),
        cmocka_unit_test(sampler__sample__survives_broken_logits),
        cmocka_unit_test(sampler__draws__follow_the_distribution),
        cmocka_unit_test(sampler__sample__is_a_function_of_its_arguments),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
