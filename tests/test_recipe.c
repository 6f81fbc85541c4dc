/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe at its header.  Run as `test_recipe --make FILE` it writes the blob that versions to come
 * must go on reading: tests/fuzz/corpus/recipe/v1. */
#include "test.h"

#include <stdio.h>

#include "recipe_check.h"

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return *random >> 8;
}

static void fill_digest(struct cf_digest *digest, unsigned char first)
{
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        digest->bytes[i] = (unsigned char)(first + i);
    }
}

/* A reply of two jobs, with knobs turned, a forced token, and every field away from its default. */
static void make_golden(struct cf_recipe *recipe)
{
    struct cf_recipe_head head = {.dtype = CF_Q8_0,
                                  .kv_type = CF_F16,
                                  .instruction_set = "avx2",
                                  .kernel_version = 3,
                                  .sampler_version = 300,
                                  .n_ctx = 1024};
    fill_digest(&head.model_digest, 1);
    fill_digest(&head.template_digest, 60);
    fill_digest(&head.system_digest, 200);
    cf_recipe_init(recipe, &head);
    struct cf_recipe_job job = {.max_tokens = 256,
                                .started_ms = 1700000000123,
                                .seed = 0xFEDCBA9876543210U,
                                .stream = 2,
                                .first_draw = 0,
                                .window_start = 4,
                                .n_prompt = 700};
    fill_digest(&job.prompt_digest, 90);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    sampling.temperature = 0.8;
    sampling.top_p = 0.95;
    sampling.top_k = 50;
    cf_recipe_add_job(recipe, &job);
    cf_recipe_add_pinned(recipe, 0);
    cf_recipe_add_pinned(recipe, 3);
    cf_recipe_add_knobs(recipe, 0, &sampling);
    const struct cf_recipe_token tokens[] = {
        {.id = 0, .rank = 0, .p_raw = 0.5F, .p = 0.75F, .origin = CF_TOKEN_DRAWN},
        {.id = 50256, .rank = 50256, .p_raw = 1e-30F, .p = 0.0F, .origin = CF_TOKEN_FORCED},
        {.id = INT32_MAX, .rank = 127, .p_raw = 1.0F, .p = 1.0F, .origin = CF_TOKEN_COPIED},
        {.id = 128, .rank = 128, .p_raw = 0.1F, .p = 0.2F, .origin = CF_TOKEN_DRAWN},
    };
    const struct cf_recipe_path paths[] = {{.n = 640, .path = 1}, {.n = 62, .path = 0}};
    cf_recipe_add_token(recipe, &tokens[0]);
    cf_recipe_add_token(recipe, &tokens[1]);
    cf_recipe_set_paths(recipe, paths, 2);
    sampling = (struct cf_sampling){.temperature = 0.0,
                                    .top_p = 0.1,
                                    .min_p = 0.05,
                                    .typical_p = 0.9,
                                    .repeat_penalty = 1.1,
                                    .presence_penalty = -0.25,
                                    .frequency_penalty = 1.0 / 3.0,
                                    .top_k = 0,
                                    .repeat_last_n = -1};
    cf_recipe_add_knobs(recipe, 2, &sampling);
    job.started_ms = -5;
    job.seed = 1;
    job.first_draw = 2;
    cf_recipe_add_job(recipe, &job);
    cf_recipe_set_paths(recipe, &paths[1], 1);
    cf_recipe_add_token(recipe, &tokens[2]);
    cf_recipe_add_token(recipe, &tokens[3]);
    sampling.temperature = 1.5;
    cf_recipe_add_knobs(recipe, 4, &sampling);
}

static void assert_same_sampling(const struct cf_sampling *a, const struct cf_sampling *b)
{
    assert_true(a->temperature == b->temperature && a->top_p == b->top_p && a->min_p == b->min_p &&
                a->typical_p == b->typical_p && a->repeat_penalty == b->repeat_penalty &&
                a->presence_penalty == b->presence_penalty &&
                a->frequency_penalty == b->frequency_penalty && a->top_k == b->top_k &&
                a->repeat_last_n == b->repeat_last_n);
}

static void assert_same_job(const struct cf_recipe_job *a, const struct cf_recipe_job *b)
{
    assert_int_equal(a->begin, b->begin);
    assert_int_equal(a->max_tokens, b->max_tokens);
    assert_true(a->started_ms == b->started_ms && a->seed == b->seed);
    assert_int_equal(a->stream, b->stream);
    assert_int_equal(a->first_draw, b->first_draw);
    assert_int_equal(a->window_start, b->window_start);
    assert_int_equal(a->n_prompt, b->n_prompt);
    assert_int_equal(a->n_paths, b->n_paths);
    assert_int_equal(a->n_pinned, b->n_pinned);
    assert_true(cf_digest_equal(&a->prompt_digest, &b->prompt_digest));
}

static void assert_same(const struct cf_recipe *a, const struct cf_recipe *b)
{
    assert_true(cf_digest_equal(&a->head.model_digest, &b->head.model_digest));
    assert_true(cf_digest_equal(&a->head.template_digest, &b->head.template_digest));
    assert_true(cf_digest_equal(&a->head.system_digest, &b->head.system_digest));
    assert_int_equal(a->head.dtype, b->head.dtype);
    assert_int_equal(a->head.kv_type, b->head.kv_type);
    assert_string_equal(a->head.instruction_set, b->head.instruction_set);
    assert_int_equal(a->head.kernel_version, b->head.kernel_version);
    assert_int_equal(a->head.sampler_version, b->head.sampler_version);
    assert_int_equal(a->head.n_ctx, b->head.n_ctx);
    assert_int_equal(a->n_tokens, b->n_tokens);
    assert_int_equal(a->n_knobs, b->n_knobs);
    assert_int_equal(a->n_jobs, b->n_jobs);
    assert_int_equal(a->n_paths, b->n_paths);
    for (size_t i = 0; i < a->n_tokens; i++) {
        assert_int_equal(a->tokens[i].id, b->tokens[i].id);
        assert_int_equal(a->tokens[i].rank, b->tokens[i].rank);
        assert_int_equal(a->tokens[i].origin, b->tokens[i].origin);
        assert_memory_equal(&a->tokens[i].p_raw, &b->tokens[i].p_raw, sizeof(float));
        assert_memory_equal(&a->tokens[i].p, &b->tokens[i].p, sizeof(float));
    }
    for (size_t i = 0; i < a->n_knobs; i++) {
        assert_int_equal(a->knobs[i].begin, b->knobs[i].begin);
        assert_same_sampling(&a->knobs[i].sampling, &b->knobs[i].sampling);
    }
    for (size_t i = 0; i < a->n_jobs; i++) {
        assert_same_job(&a->jobs[i], &b->jobs[i]);
    }
    for (size_t i = 0; i < a->n_paths; i++) {
        assert_int_equal(a->paths[i].n, b->paths[i].n);
        assert_int_equal(a->paths[i].path, b->paths[i].path);
    }
    assert_int_equal(a->n_pinned, b->n_pinned);
    for (size_t i = 0; i < a->n_pinned; i++) {
        assert_int_equal(a->pinned[i], b->pinned[i]);
    }
}

static size_t read_golden(unsigned char *bytes, size_t capacity)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/recipe/v1", TEST_SRCDIR);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, capacity, file);
    (void)fclose(file);
    return size;
}

static void golden__of_version_1__is_read_for_ever(void **state)
{
    (void)state;
    unsigned char bytes[4096];
    size_t size = read_golden(bytes, sizeof bytes);
    struct cf_recipe wanted;
    struct cf_recipe recipe;
    make_golden(&wanted);
    assert_int_equal(cf_recipe_decode(&recipe, bytes, size, NULL), CF_OK);
    cf_recipe_assert_sane(&recipe);
    assert_same(&recipe, &wanted);
    assert_int_equal(cf_recipe_job_at(&recipe, 1), 0);
    assert_int_equal(cf_recipe_job_at(&recipe, 2), 1);
    assert_true(cf_recipe_sampling_at(&recipe, 1)->temperature == 0.8);
    assert_true(cf_recipe_sampling_at(&recipe, 3)->temperature == 0.0);
    assert_true(cf_recipe_sampling_at(&recipe, 4)->temperature == 1.5);
    struct cf_recipe_head head;
    assert_int_equal(cf_recipe_decode_head(&head, bytes, size, NULL), CF_OK);
    assert_string_equal(head.instruction_set, "avx2");
    assert_int_equal(head.n_ctx, 1024);
    /* This version still writes it so. */
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&wanted, &blob);
    assert_int_equal(blob.size, size);
    assert_memory_equal(blob.data, bytes, size);
    cf_buf_release(&blob);
    cf_recipe_release(&recipe);
    cf_recipe_release(&wanted);
}

static void decode__broken_bytes__are_refused(void **state)
{
    (void)state;
    unsigned char bytes[4096];
    size_t size = read_golden(bytes, sizeof bytes);
    struct cf_recipe recipe;
    struct cf_recipe_head head;
    struct cf_err err = CF_ERR_INIT;
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(cf_recipe_decode(&recipe, bytes, i, NULL), CF_ERR_CORRUPT);
        recipe_check_bytes(bytes, i);
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            enum cf_code code = cf_recipe_decode(&recipe, bytes, size, NULL);
            assert_true(code == CF_ERR_CORRUPT || (i == 3 && code == CF_ERR_NEWER));
            recipe_check_bytes(bytes, size);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    }
    bytes[3] = CF_RECIPE_VERSION + 1;
    assert_int_equal(cf_recipe_decode(&recipe, bytes, size, &err), CF_ERR_NEWER);
    assert_non_null(strstr(err.text, "newer confab"));
    assert_int_equal(cf_recipe_decode_head(&head, bytes, size, NULL), CF_ERR_NEWER);
    bytes[3] = 0;
    assert_int_equal(cf_recipe_decode(&recipe, bytes, size, NULL), CF_ERR_CORRUPT);
    assert_int_equal(cf_recipe_decode(&recipe, "", 0, NULL), CF_ERR_CORRUPT);
}

static void decode__absurd_counts__allocate_nothing(void **state)
{
    (void)state;
    /* A head, and then counts of everything up to 2^63: refused by what is there, not by malloc. */
    struct cf_recipe recipe;
    const struct cf_recipe_head head = {.instruction_set = "x"};
    cf_recipe_init(&recipe, &head);
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&recipe, &blob);
    cf_recipe_release(&recipe);
    enum { TAIL = 4 + 8 }; /* four counts and the check sum */
    for (size_t count = 0; count < 4; count++) {
        struct cf_buf bad = CF_BUF_INIT;
        cf_buf_add(&bad, blob.data, blob.size - TAIL + count);
        cf_buf_add(&bad, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9);
        cf_buf_add(&bad, blob.data + blob.size - 8, 8);
        recipe_check_bytes((const uint8_t *)bad.data, bad.size);
        struct cf_digest check;
        cf_digest_of(&check, bad.data, bad.size - 8);
        memcpy(bad.data + bad.size - 8, check.bytes, 8);
        assert_int_equal(cf_recipe_decode(&recipe, bad.data, bad.size, NULL), CF_ERR_CORRUPT);
        cf_buf_release(&bad);
    }
    cf_buf_release(&blob);
}

static void encode__token_by_token__is_what_is_there(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (int round = 0; round < 40; round++) {
        struct cf_recipe_head head = {.dtype = CF_F32, .kv_type = CF_F32};
        (void)snprintf(head.instruction_set, sizeof head.instruction_set, "set%d", round);
        struct cf_recipe recipe;
        cf_recipe_init(&recipe, &head);
        struct cf_sampling sampling = CF_SAMPLING_INIT;
        struct cf_recipe_job job = {.seed = random};
        cf_recipe_add_job(&recipe, &job);
        cf_recipe_add_knobs(&recipe, 0, &sampling);
        for (int i = 0; i < 60; i++) {
            uint32_t what = next_random(&random) % 16;
            if (what == 0) {
                job.seed = next_random(&random);
                cf_recipe_add_job(&recipe, &job);
            } else if (what == 1) {
                sampling.temperature = (double)(next_random(&random) % 4) / 3.0;
                cf_recipe_add_knobs(&recipe, (int32_t)recipe.n_tokens, &sampling);
            } else if (what == 2) {
                const struct cf_recipe_path paths[] = {
                    {.n = (int32_t)(next_random(&random) % 3), .path = 1},
                    {.n = 5, .path = (uint8_t)(next_random(&random) % 2)},
                    {.n = (int32_t)(next_random(&random) % 2), .path = 0},
                };
                cf_recipe_set_paths(&recipe, paths, 3);
            } else {
                const struct cf_recipe_token token = {
                    .id = (int32_t)(next_random(&random) % 60000),
                    .rank = (int32_t)(next_random(&random) % 300),
                    .p_raw = (float)next_random(&random) / 16777216.0F,
                    .p = (float)next_random(&random) / 16777216.0F,
                    .origin = (enum cf_token_origin)(next_random(&random) % 3)};
                cf_recipe_add_token(&recipe, &token);
            }
            cf_recipe_assert_sane(&recipe);
        }
        struct cf_buf blob = CF_BUF_INIT;
        struct cf_recipe decoded;
        cf_buf_add_str(&blob, "before"); /* it is appended */
        cf_recipe_encode(&recipe, &blob);
        assert_int_equal(cf_recipe_decode(&decoded, blob.data + 6, blob.size - 6, NULL), CF_OK);
        assert_same(&decoded, &recipe);
        recipe_check_round_trip(&decoded);
        cf_recipe_release(&decoded);
        cf_buf_release(&blob);
        cf_recipe_release(&recipe);
    }
}

static void knobs__turned__become_runs(void **state)
{
    (void)state;
    struct cf_recipe recipe;
    const struct cf_recipe_head head = {.n_ctx = 1};
    const struct cf_recipe_job job = {.seed = 1};
    const struct cf_recipe_token token = {.id = 1};
    cf_recipe_init(&recipe, &head);
    cf_recipe_add_job(&recipe, &job);
    struct cf_sampling a = CF_SAMPLING_INIT;
    struct cf_sampling b = a;
    b.temperature = 0.5;
    cf_recipe_add_knobs(&recipe, 0, &a);
    cf_recipe_add_token(&recipe, &token);
    cf_recipe_add_knobs(&recipe, 1, &a); /* nothing new */
    assert_int_equal(recipe.n_knobs, 1);
    cf_recipe_add_knobs(&recipe, 1, &b);
    assert_int_equal(recipe.n_knobs, 2);
    cf_recipe_add_knobs(&recipe, 1, &a); /* and back before the token */
    assert_int_equal(recipe.n_knobs, 1);
    /* A job that made no token leaves nothing, its paths neither. */
    const struct cf_recipe_path path = {.n = 3, .path = 0};
    cf_recipe_add_job(&recipe, &job);
    cf_recipe_set_paths(&recipe, &path, 1);
    cf_recipe_add_job(&recipe, &job);
    assert_int_equal(recipe.n_jobs, 2);
    assert_int_equal(recipe.n_paths, 0);
    cf_recipe_release(&recipe);
}

static void fork__of_a_prefix__is_copied_with_what_made_it(void **state)
{
    (void)state;
    struct cf_recipe from;
    make_golden(&from);
    for (int32_t n = 0; n <= 4; n++) {
        struct cf_recipe to;
        cf_recipe_init(&to, &from.head);
        cf_recipe_copy_prefix(&to, &from, n);
        assert_int_equal(to.n_tokens, n);
        assert_int_equal(to.n_jobs, n == 0 ? 0 : n <= 2 ? 1 : 2);
        assert_int_equal(to.n_knobs, to.n_jobs);
        assert_int_equal(to.n_paths, n == 0 ? 0 : n <= 2 ? 2 : 3);
        for (int32_t i = 0; i < n; i++) {
            assert_int_equal(to.tokens[i].id, from.tokens[i].id);
            assert_int_equal(to.tokens[i].origin, CF_TOKEN_COPIED);
        }
        /* And it goes on. */
        const struct cf_recipe_job job = {.seed = 5};
        const struct cf_recipe_token token = {.id = 9};
        const struct cf_sampling sampling = CF_SAMPLING_INIT;
        cf_recipe_add_job(&to, &job);
        cf_recipe_add_knobs(&to, n, &sampling);
        cf_recipe_add_token(&to, &token);
        assert_int_equal(cf_recipe_job_at(&to, n), to.n_jobs - 1);
        recipe_check_round_trip(&to);
        cf_recipe_release(&to);
    }
    cf_recipe_release(&from);
}

static void encode__a_long_reply__is_compact(void **state)
{
    (void)state;
    struct cf_recipe recipe;
    const struct cf_recipe_head head = {.instruction_set = "avx512"};
    const struct cf_recipe_job job = {.seed = 1};
    const struct cf_sampling sampling = CF_SAMPLING_INIT;
    cf_recipe_init(&recipe, &head);
    cf_recipe_add_job(&recipe, &job);
    cf_recipe_add_knobs(&recipe, 0, &sampling);
    cf_recipe_reserve(&recipe, 1000);
    const struct cf_recipe_token *before = recipe.tokens;
    for (int32_t i = 0; i < 1000; i++) {
        const struct cf_recipe_token token = {.id = i * 50, .rank = i % 40, .p = 0.5F};
        cf_recipe_add_token(&recipe, &token);
    }
    assert_ptr_equal(before, recipe.tokens); /* what was reserved was enough */
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&recipe, &blob);
    assert_true(blob.size < 1000 * 12 + 250);
    cf_buf_release(&blob);
    cf_recipe_release(&recipe);
}

static int make(const char *path)
{
    struct cf_recipe recipe;
    struct cf_buf blob = CF_BUF_INIT;
    make_golden(&recipe);
    cf_recipe_encode(&recipe, &blob);
    FILE *file = fopen(path, "wb");
    bool is_written = file != NULL && fwrite(blob.data, 1, blob.size, file) == blob.size;
    is_written = file != NULL && fclose(file) == 0 && is_written;
    cf_buf_release(&blob);
    cf_recipe_release(&recipe);
    return is_written ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--make") == 0) {
        return make(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden__of_version_1__is_read_for_ever),
        cmocka_unit_test(decode__broken_bytes__are_refused),
        cmocka_unit_test(decode__absurd_counts__allocate_nothing),
        cmocka_unit_test(encode__token_by_token__is_what_is_there),
        cmocka_unit_test(knobs__turned__become_runs),
        cmocka_unit_test(fork__of_a_prefix__is_copied_with_what_made_it),
        cmocka_unit_test(encode__a_long_reply__is_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
