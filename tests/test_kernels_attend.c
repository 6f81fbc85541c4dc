/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cf_attend, on every instruction set that this CPU has. */
#include "test_kernels.h"

enum { N_CTX = 83 };

/* A layer's KV for one timeline, and queries at its last positions. */
struct timeline {
    struct cf_attention attention;
    void *k;
    void *v;
    float *k_exact;
    float *v_exact;
};

static const int32_t shapes[][2] = {{1, 1},  {3, 5},  {4, 8},
                                    {2, 20}, {3, 64}, {2, 85}}; /* heads, d */

static void *kv_make(const struct cf_attention *attention, size_t n, uint64_t seed, float **exact)
{
    const struct cf_kernels *kernels = cf_kernels_at(0);
    *exact = test_random_floats(n, seed);
    void *kv = malloc(cf_dtype_row_size(attention->kv_type, n));
    cf_from_f32(kernels, attention->kv_type, *exact, n, kv);
    cf_to_f32(kernels, attention->kv_type, kv, n, *exact);
    return kv;
}

static struct timeline timeline_make(const int32_t *shape, enum cf_dtype kv_type, uint64_t seed)
{
    struct timeline t;
    t.attention = (struct cf_attention){.n_head = shape[0],
                                        .d_head = shape[1],
                                        .head_stride = N_CTX * shape[1],
                                        .kv_type = kv_type,
                                        .scale = 3.0f / sqrtf((float)shape[1])};
    size_t n = (size_t)(shape[0] * t.attention.head_stride);
    t.k = kv_make(&t.attention, n, seed, &t.k_exact);
    t.v = kv_make(&t.attention, n, seed + 1, &t.v_exact);
    return t;
}

static void timeline_release(struct timeline *t)
{
    free(t->k);
    free(t->v);
    free(t->k_exact);
    free(t->v_exact);
}

static void expect_attention(const struct timeline *t, const float *q, int32_t n_seen,
                             const float *out)
{
    const int64_t d_head = t->attention.d_head;
    double weights[N_CTX];
    for (int64_t h = 0; h < t->attention.n_head; h++) {
        const float *k = t->k_exact + h * t->attention.head_stride;
        const float *v = t->v_exact + h * t->attention.head_stride;
        double greatest = -INFINITY;
        double sum = 0;
        for (int64_t p = 0; p < n_seen; p++) {
            double score = 0;
            for (int64_t d = 0; d < d_head; d++) {
                score += (double)q[h * d_head + d] * (double)k[p * d_head + d];
            }
            weights[p] = score * (double)t->attention.scale;
            greatest = fmax(greatest, weights[p]);
        }
        for (int64_t p = 0; p < n_seen; p++) {
            weights[p] = exp(weights[p] - greatest);
            sum += weights[p];
        }
        for (int64_t d = 0; d < d_head; d++) {
            double expected = 0;
            for (int64_t p = 0; p < n_seen; p++) {
                expected += weights[p] / sum * (double)v[p * d_head + d];
            }
            double error = fabs(expected - (double)out[h * d_head + d]);
            if (!(error <= 3e-6)) {
                fail_msg("head %d, %d seen: off by %g", (int)h, (int)n_seen, error);
            }
        }
    }
}

/* N_CTX rows, one for each position; row i alone, by one thread. */
static void attend_alone(const struct cf_kernels *kernels, struct cf_pool *pool,
                         const struct timeline *t, const float *q, float *out, void *scratch)
{
    const int64_t width = t->attention.n_head * t->attention.d_head;
    for (int32_t i = 0; i < N_CTX; i++) {
        struct cf_query row = {
            .q = q + i * width, .out = out + i * width, .k = t->k, .v = t->v, .n_seen = i + 1};
        cf_attend(kernels, pool, &t->attention, &row, 1, scratch);
    }
}

static void attend__each_position__matches_double_whatever_the_grouping(void **state)
{
    (void)state;
    struct cf_pool *pools[3] = {test_pool(1), test_pool(2), test_pool(3)};
    for (size_t c = 0; cf_kernels_at(c / 12) != NULL; c++) {
        const struct cf_kernels *kernels = cf_kernels_at(c / 12);
        struct timeline t = timeline_make(shapes[c % 12 / 2], c % 2 == 0 ? CF_F32 : CF_F16, 10 * c);
        const int64_t width = t.attention.n_head * t.attention.d_head;
        float *q = test_random_floats((size_t)(N_CTX * width), c);
        float *alone = test_random_floats((size_t)(N_CTX * width), 1);
        void *scratch = cf_aligned_alloc(cf_attend_scratch_size(N_CTX, t.attention.d_head, 3));
        attend_alone(kernels, pools[0], &t, q, alone, scratch);
        for (int32_t i = 0; i < N_CTX; i++) {
            expect_attention(&t, q + i * width, i + 1, alone + i * width);
        }
        for (int64_t n = 2; n <= N_CTX; n = n < 9 ? n + 1 : n * 3) {
            float *out = test_random_floats((size_t)(N_CTX * width), 2);
            struct cf_query rows[N_CTX];
            for (int32_t i = 0; i < N_CTX; i++) {
                rows[i] = (struct cf_query){.q = q + i * width,
                                            .out = out + i * width,
                                            .k = t.k,
                                            .v = t.v,
                                            .n_seen = i + 1};
            }
            for (int64_t i = 0; i < N_CTX; i += n) {
                cf_attend(kernels, pools[n % 3], &t.attention, rows + i,
                          N_CTX - i < n ? N_CTX - i : n, scratch);
            }
            assert_memory_equal(out, alone, (size_t)(N_CTX * width) * sizeof *out);
            free(out);
        }
        free(scratch);
        free(alone);
        free(q);
        timeline_release(&t);
    }
    for (int i = 0; i < 3; i++) {
        cf_pool_free(pools[i]);
    }
}

/* Rows of several timelines, in any order of lengths, as a batch of branches has them. */
static void attend__rows_of_many_timelines__equal_each_alone(void **state)
{
    (void)state;
    enum { N_LINES = 3, N = 9, WIDTH = 2 * 20 };
    static const int line_of[N] = {0, 0, 1, 2, 2, 2, 2, 1, 0};
    static const int32_t n_seen[N] = {5, 3, 83, 1, 2, 2, 9, 70, 40};
    struct cf_pool *pool = test_pool(2);
    struct timeline lines[N_LINES];
    for (int i = 0; i < N_LINES; i++) {
        lines[i] = timeline_make(shapes[3], CF_F16, (uint64_t)i * 10);
    }
    for (size_t c = 0; cf_kernels_at(c) != NULL; c++) {
        float *q = test_random_floats(N * WIDTH, c);
        float out[N * WIDTH];
        float alone[N * WIDTH];
        struct cf_query rows[N];
        void *scratch = cf_aligned_alloc(cf_attend_scratch_size(N_CTX, 20, 2));
        for (int i = 0; i < N; i++) {
            rows[i] = (struct cf_query){.q = q + i * WIDTH,
                                        .out = alone + i * WIDTH,
                                        .k = lines[line_of[i]].k,
                                        .v = lines[line_of[i]].v,
                                        .n_seen = n_seen[i]};
            cf_attend(cf_kernels_at(c), pool, &lines[0].attention, &rows[i], 1, scratch);
            rows[i].out = out + i * WIDTH;
        }
        cf_attend(cf_kernels_at(c), pool, &lines[0].attention, rows, N, scratch);
        assert_memory_equal(out, alone, sizeof out);
        free(scratch);
        free(q);
    }
    for (int i = 0; i < N_LINES; i++) {
        timeline_release(&lines[i]);
    }
    cf_pool_free(pool);
}

/* With fused multiply-add the width of the registers changes no bit. */
static void attend__tables__agree(void **state)
{
    (void)state;
    struct cf_pool *pool = test_pool(1);
    struct timeline t = timeline_make(shapes[5], CF_F16, 3);
    const size_t n = (size_t)(N_CTX * t.attention.n_head * t.attention.d_head);
    float *q = test_random_floats(n, 1);
    float *first = test_random_floats(n, 2);
    float *out = test_random_floats(n, 2);
    void *scratch = cf_aligned_alloc(cf_attend_scratch_size(N_CTX, t.attention.d_head, 1));
    for (size_t c = 1; cf_kernels_at(c) != NULL; c++) {
        attend_alone(cf_kernels_at(c), pool, &t, q, c == 1 ? first : out, scratch);
        assert_memory_equal(c == 1 ? first : out, first, n * sizeof *out);
    }
    free(scratch);
    free(out);
    free(first);
    free(q);
    timeline_release(&t);
    cf_pool_free(pool);
}

static void attend__nan_and_infinity__stay_in_their_row(void **state)
{
    (void)state;
    enum { N = 4, WIDTH = 3 * 5 };
    struct cf_pool *pool = test_pool(1);
    struct timeline t = timeline_make(shapes[1], CF_F32, 3);
    for (size_t c = 0; cf_kernels_at(c) != NULL; c++) {
        float *q = test_random_floats(N * WIDTH, 1);
        float out[N * WIDTH];
        struct cf_query rows[N];
        void *scratch = cf_aligned_alloc(cf_attend_scratch_size(N_CTX, 5, 1));
        for (int32_t i = 0; i < N; i++) {
            rows[i] = (struct cf_query){
                .q = q + i * WIDTH, .out = out + i * WIDTH, .k = t.k, .v = t.v, .n_seen = 60 + i};
        }
        q[1 * WIDTH] = NAN;
        q[2 * WIDTH + 1] = INFINITY;
        cf_attend(cf_kernels_at(c), pool, &t.attention, rows, N, scratch);
        for (int i = 0; i < N * WIDTH; i++) {
            bool is_poisoned = (i / WIDTH == 1 || i / WIDTH == 2) && i % WIDTH < 5;
            assert_int_equal(isnan(out[i]) != 0, is_poisoned);
        }
        free(scratch);
        free(q);
    }
    timeline_release(&t);
    cf_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attend__each_position__matches_double_whatever_the_grouping),
        cmocka_unit_test(attend__rows_of_many_timelines__equal_each_alone),
        cmocka_unit_test(attend__tables__agree),
        cmocka_unit_test(attend__nan_and_infinity__stay_in_their_row),
    };
    return cmocka_run_group_tests_name("kernels attend", tests, NULL, NULL);
}
