/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timelines at their header: the rule that numbers depend on nothing but weights, types, ids and
 * recorded paths, bit for bit; what is reused; forks, cancels, limits; no allocation in decoding.
 */
#include "model_fixture.h"

#include "random.h"
#include "session_parts.h"

enum { N_IDS = 72 };

/* ---- Allocation is counted: linked with --wrap ---- */

static int n_allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    n_allocations++;
    return __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
    n_allocations++;
    return __real_reallocarray(memory, n, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    n_allocations++;
    return __real_aligned_alloc(align, size);
}

/* ---- Helpers ---- */

static void sync_ids(struct engine *engine, int branch, const int32_t *ids, int32_t n)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_session_sync(engine->session, branch, ids, n, NULL, NULL, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    cf_session_assert_sane(engine->session);
}

static void decode_id(struct engine *engine, int branch, int32_t id)
{
    assert_int_equal(cf_session_decode(engine->session, &branch, &id, 1, NULL, NULL), CF_OK);
}

/* A copy of the runs, which the caller frees. */
static struct cf_eval_run *runs_of(const struct engine *engine, int branch, size_t *n_runs)
{
    const struct cf_eval_run *runs = cf_session_runs(engine->session, branch, n_runs);
    struct cf_eval_run *copy = calloc(*n_runs, sizeof *copy);
    memcpy(copy, runs, *n_runs * sizeof *copy);
    return copy;
}

/* The logits after ids[0..n), evaluated cold in one call along the runs. */
static void replay(const struct cf_model *model, enum cf_dtype kv_type, int n_threads,
                   const int32_t *ids, int32_t n, const struct cf_eval_run *runs, size_t n_runs,
                   float *logits)
{
    struct engine cold = engine_open(model, kv_type, 1, n_threads);
    struct cf_err err = CF_ERR_INIT;
    if (cf_session_sync_runs(cold.session, 0, ids, n, runs, n_runs, NULL, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    cf_session_assert_sane(cold.session);
    memcpy(logits, cf_session_logits(cold.session, 0), (size_t)model->n_vocab * sizeof *logits);
    engine_close(&cold);
}

static void assert_same_bits(const float *a, const float *b, int32_t n, const char *what)
{
    if (memcmp(a, b, (size_t)n * sizeof *a) != 0) {
        fail_msg("not the same bits: %s", what);
    }
}

static void assert_close(const float *a, const float *b, int32_t n, const char *what)
{
    for (int32_t i = 0; i < n; i++) {
        if (!(fabsf(a[i] - b[i]) <= 1e-4F)) {
            fail_msg("%s: logit %d is %g and %g", what, i, (double)a[i], (double)b[i]);
        }
    }
}

static int32_t below(struct test_random *random, int32_t n)
{
    return (int32_t)test_random_below(random, (size_t)n);
}

/* ---- The rule ---- */

/* Reaches all ids by pieces of random sizes, some of them single decodes, some after going back;
 * then a cold replay along the runs must have the same bits, and one free pass be close. */
static void check_cuts(const char *name, enum cf_dtype kv_type, uint64_t seed)
{
    struct test_random random = {seed};
    struct cf_model *model = fixture_open(name);
    struct expect expect;
    expect_open(&expect, name);
    struct engine warm = engine_open(model, kv_type, 1, 1 + (int)(seed % 2));
    int32_t n = 0;
    while (n < N_IDS) {
        int32_t more = 1 + below(&random, below(&random, 2) == 0 ? 3 : 60);
        n = n + more < N_IDS ? n + more : N_IDS;
        if (n > 1 && below(&random, 3) == 0) {
            sync_ids(&warm, 0, expect.ids, n - 1);
            decode_id(&warm, 0, expect.ids[n - 1]);
        } else {
            sync_ids(&warm, 0, expect.ids, n);
        }
        if (n < N_IDS && below(&random, 4) == 0) {
            n -= below(&random, n);
            cf_session_rewind(warm.session, 0, n);
        }
    }
    size_t n_runs;
    struct cf_eval_run *runs = runs_of(&warm, 0, &n_runs);
    const float *logits = cf_session_logits(warm.session, 0);
    float *cold = calloc((size_t)model->n_vocab, sizeof *cold);
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        replay(model, kv_type, n_threads, expect.ids, N_IDS, runs, n_runs, cold);
        assert_same_bits(logits, cold, model->n_vocab, name);
    }
    struct engine free_pass = engine_open(model, kv_type, 1, 2);
    sync_ids(&free_pass, 0, expect.ids, N_IDS);
    const float *one_pass = cf_session_logits(free_pass.session, 0);
    size_t n_free_runs;
    const struct cf_eval_run *free_runs = cf_session_runs(free_pass.session, 0, &n_free_runs);
    bool is_same_path = n_free_runs == n_runs &&
                        cf_session_runs_common(runs, n_runs, free_runs, n_runs, N_IDS) == N_IDS;
    assert_true(is_same_path || cf_dtype_n_block(model->dtype) == 1);
    if (is_same_path) {
        assert_same_bits(logits, one_pass, model->n_vocab, name);
    } else if (kv_type == CF_F32) {
        assert_close(logits, one_pass, model->n_vocab, name);
    }
    free(cold);
    free(runs);
    engine_close(&free_pass);
    engine_close(&warm);
    expect_close(&expect);
    cf_model_free(model);
}

static void session__sync__any_cut_has_the_bits_of_its_replay(void **state)
{
    (void)state;
    for (size_t k = 0; cf_kernels_at(k) != NULL; k++) {
        cf_kernels_use(cf_kernels_at(k));
        for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
            for (uint64_t seed = 0; seed < 4; seed++) {
                check_cuts(fixture_names[i], seed < 2 ? CF_F32 : CF_F16, seed);
            }
        }
    }
    cf_kernels_use(NULL);
}

/* Random paths, walked piece by piece and in one call, have the same bits; also GEMM for weights
 * that a session would not choose it for. */
static void check_paths(const char *name, uint64_t seed)
{
    struct cf_model *model = fixture_open(name);
    if (cf_dtype_n_block(model->dtype) != 1) {
        cf_model_free(model);
        return;
    }
    struct test_random random = {seed};
    struct expect expect;
    expect_open(&expect, name);
    struct cf_eval_run runs[N_IDS];
    size_t n_runs = 0;
    for (int32_t n = 0; n < N_IDS; n_runs++) {
        runs[n_runs].path = (n_runs + seed) % 2 == 0 ? CF_PATH_GEMM : CF_PATH_KERNEL;
        runs[n_runs].n = 1 + below(&random, 30);
        n += runs[n_runs].n;
    }
    struct engine pieces = engine_open(model, CF_F32, 1, 2);
    for (int32_t n = 0; n < N_IDS;) {
        n += 1 + below(&random, 20);
        n = n < N_IDS ? n : N_IDS;
        assert_int_equal(
            cf_session_sync_runs(pieces.session, 0, expect.ids, n, runs, n_runs, NULL, NULL),
            CF_OK);
        cf_session_assert_sane(pieces.session);
    }
    const float *logits = cf_session_logits(pieces.session, 0);
    float *cold = calloc((size_t)model->n_vocab, sizeof *cold);
    replay(model, CF_F32, 1, expect.ids, N_IDS, runs, n_runs, cold);
    assert_same_bits(logits, cold, model->n_vocab, name);
    struct cf_eval_run kernel = {.n = N_IDS, .path = CF_PATH_KERNEL};
    replay(model, CF_F32, 2, expect.ids, N_IDS, &kernel, 1, cold);
    assert_close(logits, cold, model->n_vocab, name);
    free(cold);
    engine_close(&pieces);
    expect_close(&expect);
    cf_model_free(model);
}

static void session__sync_runs__pieces_have_the_bits_of_one_call(void **state)
{
    (void)state;
    for (size_t k = 0; cf_kernels_at(k) != NULL; k++) {
        cf_kernels_use(cf_kernels_at(k));
        for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
            check_paths(fixture_names[i], 2 * k);
            check_paths(fixture_names[i], 2 * k + 1);
        }
    }
    cf_kernels_use(NULL);
}

/* Branches of different lengths and texts, decoded together and each alone. */
static void check_batch(const char *name, int n_branches)
{
    struct cf_model *model = fixture_open(name);
    struct expect expect;
    expect_open(&expect, name);
    struct engine batch = engine_open(model, CF_F16, 8, 2);
    struct engine alone = engine_open(model, CF_F16, 8, 1);
    int branches[8];
    int32_t ids[8];
    for (int b = 0; b < n_branches; b++) {
        branches[b] = n_branches - 1 - b;
        sync_ids(&batch, branches[b], expect.ids + b, 5 + 3 * b);
        sync_ids(&alone, branches[b], expect.ids + b, 5 + 3 * b);
    }
    for (int step = 0; step < 6; step++) {
        for (int b = 0; b < n_branches; b++) {
            ids[b] = expect.ids[40 + step + b];
            decode_id(&alone, branches[b], ids[b]);
        }
        assert_int_equal(cf_session_decode(batch.session, branches, ids, n_branches, NULL, NULL),
                         CF_OK);
        for (int b = 0; b < n_branches; b++) {
            assert_same_bits(cf_session_logits(batch.session, branches[b]),
                             cf_session_logits(alone.session, branches[b]), model->n_vocab, name);
        }
    }
    cf_session_assert_sane(batch.session);
    engine_close(&alone);
    engine_close(&batch);
    expect_close(&expect);
    cf_model_free(model);
}

static void session__decode__batches_of_1_to_8_have_the_bits_of_one(void **state)
{
    (void)state;
    for (size_t k = 0; cf_kernels_at(k) != NULL; k++) {
        cf_kernels_use(cf_kernels_at(k));
        for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
            for (int n = 1; n <= 8; n++) {
                check_batch(fixture_names[i], n);
            }
        }
    }
    cf_kernels_use(NULL);
}

/* eval_all and sync give the same bits where they took the same paths: at the end. */
static void keep_last(void *arg, int32_t position, const float *logits)
{
    const struct expect *expect = ((void **)arg)[0];
    if (position == expect->n_ids - 1) {
        memcpy(((void **)arg)[1], logits, (size_t)expect->n_vocab * sizeof *logits);
    }
}

static void session__eval_all__ends_like_sync(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
        struct cf_model *model = fixture_open(fixture_names[i]);
        struct expect expect;
        expect_open(&expect, fixture_names[i]);
        struct engine engine = engine_open(model, CF_F32, 2, 2);
        float *last = calloc((size_t)model->n_vocab, sizeof *last);
        void *arg[] = {&expect, last};
        sync_ids(&engine, 0, expect.ids, 10);
        assert_int_equal(cf_session_eval_all(engine.session, 0, expect.ids, expect.n_ids, keep_last,
                                             arg, NULL, NULL),
                         CF_OK);
        sync_ids(&engine, 1, expect.ids, expect.n_ids);
        const float *synced = cf_session_logits(engine.session, 1);
        assert_same_bits(last, synced, model->n_vocab, "eval_all");
        assert_same_bits(cf_session_logits(engine.session, 0), synced, model->n_vocab, "logits");
        free(last);
        engine_close(&engine);
        expect_close(&expect);
        cf_model_free(model);
    }
}

/* ---- One small model for the rest ---- */

static struct cf_model *small;
static struct expect small_expect;

static int setup(void **state)
{
    (void)state;
    small = fixture_open("tied-f32");
    expect_open(&small_expect, "tied-f32");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cf_model_free(small);
    expect_close(&small_expect);
    return 0;
}

static void session__sync__evaluates_only_what_is_new(void **state)
{
    (void)state;
    const int32_t *ids = small_expect.ids;
    struct engine engine = engine_open(small, CF_F32, 1, 1);
    int32_t n_reused = -1;
    assert_int_equal(cf_session_sync(engine.session, 0, ids, 20, NULL, &n_reused, NULL), CF_OK);
    assert_int_equal(n_reused, 0);
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 20);
    /* A reply of five tokens, then the second turn's eleven. */
    for (int32_t i = 20; i < 25; i++) {
        decode_id(&engine, 0, ids[i]);
    }
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 25);
    assert_int_equal(cf_session_sync(engine.session, 0, ids, 36, NULL, &n_reused, NULL), CF_OK);
    assert_int_equal(n_reused, 25);
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 36);
    /* An edit at position 30 evaluates from there on. */
    int32_t edited[40];
    memcpy(edited, ids, sizeof edited);
    edited[30] = (edited[30] + 1) % small->n_vocab;
    assert_int_equal(cf_session_sync(engine.session, 0, edited, 40, NULL, &n_reused, NULL), CF_OK);
    assert_int_equal(n_reused, 30);
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 46);
    /* The same again evaluates nothing; after a cut the last position comes again. */
    assert_int_equal(cf_session_sync(engine.session, 0, edited, 40, NULL, &n_reused, NULL), CF_OK);
    assert_int_equal(n_reused, 40);
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 46);
    cf_session_rewind(engine.session, 0, 38);
    assert_null(cf_session_logits(engine.session, 0));
    assert_int_equal(cf_session_sync(engine.session, 0, edited, 38, NULL, &n_reused, NULL), CF_OK);
    assert_int_equal(n_reused, 37);
    assert_int_equal(cf_session_counts(engine.session).n_evaluated, 47);
    assert_non_null(cf_session_logits(engine.session, 0));
    int32_t n;
    const int32_t *held = cf_session_ids(engine.session, 0, &n);
    assert_int_equal(n, 38);
    assert_memory_equal(held, edited, 38 * sizeof *held);
    assert_int_equal(cf_session_counts(engine.session).n_reused, 25 + 30 + 40 + 37);
    engine_close(&engine);
}

static void session__runs__tell_tiles_from_single_positions(void **state)
{
    (void)state;
    size_t n_runs;
    for (size_t t = 1; cf_kernels_at(t) != NULL; t++) {
        cf_kernels_use(cf_kernels_at(t));
        struct engine engine = engine_open(small, CF_F32, 1, 1);
        sync_ids(&engine, 0, small_expect.ids, N_IDS);
        const struct cf_eval_run *runs = cf_session_runs(engine.session, 0, &n_runs);
        assert_int_equal(n_runs, 1);
        assert_int_equal(runs[0].path, CF_PATH_KERNEL);
        engine_close(&engine);
    }
    /* Without vectors a tile of 64 goes through GEMM, the eight positions behind it do not. */
    cf_kernels_use(cf_kernels_at(0));
    struct engine engine = engine_open(small, CF_F32, 1, 1);
    sync_ids(&engine, 0, small_expect.ids, N_IDS);
    const struct cf_eval_run *runs = cf_session_runs(engine.session, 0, &n_runs);
    assert_int_equal(n_runs, 2);
    assert_int_equal(runs[0].n, 64);
    assert_int_equal(runs[0].path, CF_PATH_GEMM);
    assert_int_equal(runs[1].n, 8);
    assert_int_equal(runs[1].path, CF_PATH_KERNEL);
    /* Runs that ask for other paths keep only what was computed so. */
    const struct cf_eval_run wanted[] = {{.n = 40, .path = CF_PATH_GEMM},
                                         {.n = 100, .path = CF_PATH_KERNEL}};
    assert_int_equal(
        cf_session_sync_runs(engine.session, 0, small_expect.ids, N_IDS, wanted, 2, NULL, NULL),
        CF_OK);
    assert_int_equal(cf_session_counts(engine.session).n_reused, 40);
    runs = cf_session_runs(engine.session, 0, &n_runs);
    assert_int_equal(n_runs, 2);
    assert_int_equal(runs[0].n, 40);
    assert_int_equal(runs[1].n, 32);
    cf_session_rewind(engine.session, 0, 0);
    (void)cf_session_runs(engine.session, 0, &n_runs);
    assert_int_equal(n_runs, 0);
    cf_session_assert_sane(engine.session);
    engine_close(&engine);
    cf_kernels_use(NULL);
}

static void session__sync_runs__refuses_what_cannot_be(void **state)
{
    (void)state;
    struct cf_err err = CF_ERR_INIT;
    struct engine engine = engine_open(small, CF_F32, 1, 1);
    struct cf_eval_run runs[] = {{.n = 10, .path = CF_PATH_GEMM}};
    assert_int_equal(
        cf_session_sync_runs(engine.session, 0, small_expect.ids, 11, runs, 1, NULL, &err),
        CF_ERR_RANGE);
    runs[0].n = 0;
    assert_int_equal(
        cf_session_sync_runs(engine.session, 0, small_expect.ids, 1, runs, 1, NULL, &err),
        CF_ERR_RANGE);
    engine_close(&engine);
    struct cf_model *quantised = fixture_open("gguf-q8.gguf");
    engine = engine_open(quantised, CF_F32, 1, 1);
    runs[0].n = 10;
    assert_int_equal(
        cf_session_sync_runs(engine.session, 0, small_expect.ids, 10, runs, 1, NULL, &err),
        CF_ERR_MISMATCH);
    engine_close(&engine);
    cf_model_free(quantised);
}

static void session__fork__continues_like_its_source(void **state)
{
    (void)state;
    const int32_t *ids = small_expect.ids;
    struct engine engine = engine_open(small, CF_F16, 3, 1);
    sync_ids(&engine, 0, ids, 70);
    for (int round = 0; round < 3; round++) {
        /* Into an unused branch, one with another text, one with a common prefix. */
        int to = 1 + round % 2;
        assert_int_equal(cf_session_fork(engine.session, 0, to, NULL), CF_OK);
        cf_session_assert_sane(engine.session);
        assert_same_bits(cf_session_logits(engine.session, 0),
                         cf_session_logits(engine.session, to), small->n_vocab, "fork");
        int branches[] = {0, to};
        int32_t same[] = {ids[71], ids[71]};
        assert_int_equal(cf_session_decode(engine.session, branches, same, 2, NULL, NULL), CF_OK);
        assert_same_bits(cf_session_logits(engine.session, 0),
                         cf_session_logits(engine.session, to), small->n_vocab, "after fork");
        cf_session_rewind(engine.session, to, 30);
        sync_ids(&engine, 3 - to, ids + 1, 40);
        cf_session_rewind(engine.session, 0, 70);
        sync_ids(&engine, 0, ids, 70);
    }
    engine_close(&engine);
}

struct countdown {
    int left;
};

static bool count_down(void *arg)
{
    struct countdown *countdown = arg;
    return countdown->left-- <= 0;
}

static void session__interrupt__leaves_whole_positions(void **state)
{
    (void)state;
    const int32_t *ids = small_expect.ids;
    /* Two passes of two layers. */
    static const struct cf_eval_run runs[] = {{.n = 64, .path = CF_PATH_GEMM},
                                              {.n = N_IDS - 64, .path = CF_PATH_KERNEL}};
    struct engine calm = engine_open(small, CF_F32, 2, 1);
    assert_int_equal(cf_session_sync_runs(calm.session, 0, ids, N_IDS, runs, 2, NULL, NULL), CF_OK);
    for (int left = 0; left < 12; left++) {
        struct engine engine = engine_open(small, CF_F32, 2, 1);
        struct countdown countdown = {.left = left};
        struct cf_interrupt interrupt = {.fn = count_down, .arg = &countdown};
        struct cf_err err = CF_ERR_INIT;
        enum cf_code code =
            cf_session_sync_runs(engine.session, 0, ids, N_IDS, runs, 2, &interrupt, &err);
        cf_session_assert_sane(engine.session);
        int32_t n;
        (void)cf_session_ids(engine.session, 0, &n);
        assert_int_equal(code, left < 4 ? CF_ERR_CANCELLED : CF_OK);
        assert_int_equal(n, left < 2 ? 0 : left < 4 ? 64 : N_IDS);
        assert_true(code == CF_OK || cf_session_logits(engine.session, 0) == NULL);
        assert_int_equal(cf_session_sync_runs(engine.session, 0, ids, N_IDS, runs, 2, NULL, &err),
                         CF_OK);
        assert_same_bits(cf_session_logits(engine.session, 0), cf_session_logits(calm.session, 0),
                         small->n_vocab, "resumed");
        /* A decode that is stopped has advanced nothing. */
        int branch = 0;
        countdown.left = left % 2;
        assert_int_equal(cf_session_decode(engine.session, &branch, &ids[5], 1, &interrupt, &err),
                         CF_ERR_CANCELLED);
        (void)cf_session_ids(engine.session, 0, &n);
        assert_int_equal(n, N_IDS);
        engine_close(&engine);
    }
    engine_close(&calm);
}

static void session__limits__are_errors(void **state)
{
    (void)state;
    struct cf_err err = CF_ERR_INIT;
    struct cf_pool *pool;
    struct cf_session *session = NULL;
    assert_int_equal(cf_pool_new(&pool, 1, NULL), CF_OK);
    struct cf_session_params params = {.n_ctx = 1000, .kv_type = CF_F32, .n_branches = 2};
    assert_int_equal(cf_session_new(&session, small, pool, &params, &err), CF_ERR_RANGE);
    assert_string_equal(err.text, "a context of 1000 tokens is asked for, but the model 'tied-f32' "
                                  "has 256");
    params.n_ctx = 8;
    params.kv_type = CF_Q8_0;
    assert_int_equal(cf_session_new(&session, small, pool, &params, &err), CF_ERR_UNSUPPORTED);
    params.kv_type = CF_F16;
    assert_null(session);
    assert_int_equal(cf_session_new(&session, small, pool, &params, &err), CF_OK);
    assert_int_equal(cf_session_n_ctx(session), 8);
    assert_true(cf_session_memory_size(small, &params) > 2 * 8 * 24 * 2 * 2);
    assert_int_equal(cf_session_sync(session, 0, small_expect.ids, 9, NULL, NULL, &err),
                     CF_ERR_CONTEXT);
    int32_t bad[] = {1, small->n_vocab};
    assert_int_equal(cf_session_sync(session, 0, bad, 2, NULL, NULL, &err), CF_ERR_RANGE);
    bad[1] = -1;
    assert_int_equal(cf_session_sync(session, 0, bad, 2, NULL, NULL, &err), CF_ERR_RANGE);
    assert_int_equal(cf_session_sync(session, 0, small_expect.ids, 8, NULL, NULL, &err), CF_OK);
    assert_int_equal(cf_session_sync(session, 1, small_expect.ids, 3, NULL, NULL, &err), CF_OK);
    /* One full branch keeps the other from advancing. */
    int branches[] = {1, 0};
    int32_t ids[] = {1, 2};
    assert_int_equal(cf_session_decode(session, branches, ids, 2, NULL, &err), CF_ERR_CONTEXT);
    int32_t n;
    (void)cf_session_ids(session, 1, &n);
    assert_int_equal(n, 3);
    assert_non_null(cf_session_logits(session, 1));
    cf_session_assert_sane(session);
    cf_session_free(session);
    cf_pool_free(pool);
}

/* Whatever is guessed, right or wrong, and whatever comes in between, each position has the bits of
 * a decode that guesses nothing. */
static void session__decode_ahead__changes_no_bit(void **state)
{
    (void)state;
    enum { N_STEPS = 120 };
    struct test_random random = {.state = 9};
    for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
        struct cf_model *model = fixture_open(fixture_names[i]);
        struct engine plain = engine_open(model, CF_F16, 2, 1);
        struct engine ahead = engine_open(model, CF_F16, 2, 2);
        int32_t ids[N_STEPS + CF_SESSION_AHEAD_MAX];
        for (size_t k = 0; k < CF_ARRAY_SIZE(ids); k++) {
            ids[k] = below(&random, model->n_vocab);
        }
        int branch = 0;
        sync_ids(&plain, 0, ids, 3);
        sync_ids(&ahead, 0, ids, 3);
        int32_t n = 3;
        for (int step = 1; step < N_STEPS && n + 1 < cf_session_n_ctx(ahead.session); step++, n++) {
            int32_t guess[CF_SESSION_AHEAD_MAX];
            int n_guess = below(&random, CF_SESSION_AHEAD_MAX + 1);
            memcpy(guess, ids + n + 1, sizeof guess);
            if (n_guess > 0 && below(&random, 3) == 0) {
                guess[below(&random, n_guess)] = below(&random, model->n_vocab);
            }
            decode_id(&plain, branch, ids[n]);
            bool is_there = cf_session_has_ahead(ahead.session, branch, ids[n]);
            int64_t n_passes = cf_session_counts(ahead.session).n_passes;
            assert_int_equal(
                cf_session_decode_ahead(ahead.session, branch, ids[n], guess, n_guess, NULL, NULL),
                CF_OK);
            assert_int_equal(cf_session_counts(ahead.session).n_passes - n_passes, !is_there);
            cf_session_assert_sane(ahead.session);
            assert_same_bits(cf_session_logits(ahead.session, branch),
                             cf_session_logits(plain.session, branch), model->n_vocab, "ahead");
            if (step % 17 == 0) { /* what was ahead is gone */
                cf_session_rewind(ahead.session, branch, n - 1);
                cf_session_rewind(plain.session, branch, n - 1);
                n -= 2;
                ids[n + 1] = below(&random, model->n_vocab);
                ids[n + 2] = below(&random, model->n_vocab);
                assert_false(cf_session_has_ahead(ahead.session, branch, ids[n + 1]));
            } else if (step % 23 == 0) {
                assert_int_equal(cf_session_fork(ahead.session, branch, 1 - branch, NULL), CF_OK);
                assert_int_equal(cf_session_fork(plain.session, branch, 1 - branch, NULL), CF_OK);
                branch = 1 - branch;
            }
        }
        assert_true(cf_session_counts(ahead.session).n_ahead > 10);
        engine_close(&ahead);
        engine_close(&plain);
        cf_model_free(model);
    }
}

static void session__decode_ahead__stops_where_the_context_does(void **state)
{
    (void)state;
    struct engine engine = engine_open(small, CF_F32, 1, 1);
    const int32_t n_ctx = cf_session_n_ctx(engine.session);
    int32_t *ids = calloc((size_t)n_ctx, sizeof *ids);
    sync_ids(&engine, 0, ids, n_ctx - 2);
    const int32_t guess[3] = {1, 2, 3};
    assert_int_equal(cf_session_decode_ahead(engine.session, 0, 0, guess, 3, NULL, NULL), CF_OK);
    assert_true(cf_session_has_ahead(engine.session, 0, 1));
    assert_int_equal(cf_session_decode_ahead(engine.session, 0, 1, guess, 3, NULL, NULL), CF_OK);
    assert_false(cf_session_has_ahead(engine.session, 0, 2));
    assert_int_equal(cf_session_decode_ahead(engine.session, 0, 2, guess, 3, NULL, NULL),
                     CF_ERR_CONTEXT);
    const int32_t beyond[1] = {small->n_vocab};
    cf_session_rewind(engine.session, 0, 5);
    assert_int_equal(cf_session_decode_ahead(engine.session, 0, 2, beyond, 1, NULL, NULL),
                     CF_ERR_RANGE);
    free(ids);
    engine_close(&engine);
}

static void session__decode__allocates_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_SIZE(fixture_names); i++) {
        struct cf_model *model = fixture_open(fixture_names[i]);
        struct engine engine = engine_open(model, CF_F16, 4, 2);
        int branches[] = {0, 1, 2, 3};
        int32_t ids[] = {5, 6, 7, 8};
        for (int b = 0; b < 4; b++) {
            sync_ids(&engine, b, ids, 4);
        }
        int before = n_allocations;
        assert_true(before > 0);
        for (int step = 0; step < 20; step++) {
            ids[step % 4] = step;
            assert_int_equal(
                cf_session_decode(engine.session, branches, ids, 1 + step % 4, NULL, NULL), CF_OK);
        }
        assert_int_equal(n_allocations, before);
        for (int step = 0; step < 20; step++) {
            assert_int_equal(
                cf_session_decode_ahead(engine.session, 0, ids[0], ids, step % 4, NULL, NULL),
                CF_OK);
        }
        assert_int_equal(n_allocations, before);
        /* Nor does evaluating more of a branch in use. */
        assert_int_equal(cf_session_sync(engine.session, 0, ids, 3, NULL, NULL, NULL), CF_OK);
        assert_int_equal(n_allocations, before);
        engine_close(&engine);
        cf_model_free(model);
    }
}

int main(void)
{
    cf_kernels_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session__sync__any_cut_has_the_bits_of_its_replay),
        cmocka_unit_test(session__sync_runs__pieces_have_the_bits_of_one_call),
        cmocka_unit_test(session__decode__batches_of_1_to_8_have_the_bits_of_one),
        cmocka_unit_test(session__eval_all__ends_like_sync),
        cmocka_unit_test(session__sync__evaluates_only_what_is_new),
        cmocka_unit_test(session__runs__tell_tiles_from_single_positions),
        cmocka_unit_test(session__sync_runs__refuses_what_cannot_be),
        cmocka_unit_test(session__fork__continues_like_its_source),
        cmocka_unit_test(session__interrupt__leaves_whole_positions),
        cmocka_unit_test(session__limits__are_errors),
        cmocka_unit_test(session__decode_ahead__changes_no_bit),
        cmocka_unit_test(session__decode_ahead__stops_where_the_context_does),
        cmocka_unit_test(session__decode__allocates_nothing),
    };
    return cmocka_run_group_tests_name("session", tests, setup, teardown);
}
