/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the kernels are, beside what memory gives: `make tests/bench/bench_kernels', then
 *   tests/bench/bench_kernels [THREADS [TABLE]]
 * Decode figures are bytes of weights a second over matrices that together exceed every cache;
 * prefill figures are floating-point operations a second.  Each is the best of several runs. */
#include <base.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernels/kernels.h"
#include "mem.h"

enum { N_REPEATS = 5, N_ROWS_MAX = 512 };
static const size_t n_bytes_streamed = (size_t)192 << 20;

/* One thread is timed by its own clock, which does not count the time that others took the CPU. */
static clockid_t bench_clock = CLOCK_MONOTONIC;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(bench_clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void bytes_read(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const uint64_t *words = ctx;
    uint64_t sum[8] = {0};
    for (int64_t i = begin; i < end; i++) {
        for (int j = 0; j < 8; j++) {
            sum[j] += words[8 * i + j];
        }
    }
    for (int j = 1; j < 8; j++) {
        sum[0] += sum[j];
    }
    __asm__ volatile("" : : "r"(sum[0])); /* the sum is wanted */
}

static double read_gb_per_s(struct cf_pool *pool, void *bytes, size_t size)
{
    double best = INFINITY;
    for (int i = 0; i < N_REPEATS; i++) {
        double start = seconds_now();
        cf_pool_run(pool, bytes_read, bytes, (int64_t)(size / 64), 4096);
        best = fmin(best, seconds_now() - start);
    }
    return (double)size / best * 1e-9;
}

struct bench {
    const struct cf_kernels *kernels;
    struct cf_pool *pool;
    char *bytes;
    float *x;
    float *y;
    float *bias;
    void *scratch;
    bool is_gemm;
};

/* The best time of one product with n_rows rows, over matrices of this shape that follow each other
 * in the streamed bytes. */
static double product_seconds(const struct bench *b, struct cf_matrix w, int64_t n_rows)
{
    size_t size = cf_dtype_row_size(w.dtype, (size_t)w.n_in) * (size_t)w.n_out;
    size_t n_matrices = n_rows > 8 ? 2 : n_bytes_streamed / size;
    double best = INFINITY;
    for (int i = 0; i < N_REPEATS; i++) {
        double start = seconds_now();
        for (size_t m = 0; m < n_matrices; m++) {
            w.data = b->bytes + m * size;
            if (b->is_gemm) {
                cf_linear_gemm(b->kernels, b->pool, &w, b->bias, CF_THEN_STORE, b->x, n_rows, 0,
                               b->y, b->scratch);
            } else {
                cf_linear(b->kernels, b->pool, &w, b->bias, CF_THEN_STORE, b->x, n_rows, b->y,
                          b->scratch);
            }
        }
        best = fmin(best, (seconds_now() - start) / (double)n_matrices);
    }
    return best;
}

static const int32_t shapes[][2] = {
    {2304, 768}, {768, 3072}, {3072, 768}, {768, 768}, {50257, 768}};

static void bench_decode(struct bench *b, enum cf_dtype dtype)
{
    static const int64_t rows[] = {1, 2, 4, 8};
    for (size_t s = 0; s < CF_ARRAY_SIZE(shapes); s++) {
        struct cf_matrix w = {
            .dtype = dtype, .layout = CF_TILES, .n_out = shapes[s][0], .n_in = shapes[s][1]};
        double gb = (double)w.n_out * (double)cf_dtype_row_size(dtype, (size_t)w.n_in) * 1e-9;
        printf("%-5s %5d x %-5d", cf_dtype_name(dtype), (int)w.n_out, (int)w.n_in);
        for (size_t r = 0; r < CF_ARRAY_SIZE(rows); r++) {
            printf("  %d: %5.1f GB/s", (int)rows[r], gb / product_seconds(b, w, rows[r]));
        }
        printf("\n");
    }
}

static void bench_prefill(struct bench *b, enum cf_dtype dtype)
{
    static const int64_t rows[] = {16, 64, 128, 512};
    for (size_t s = 0; s < 2; s++) {
        struct cf_matrix w = {
            .dtype = dtype, .layout = CF_TILES, .n_out = shapes[s][0], .n_in = shapes[s][1]};
        for (int is_gemm = 0; is_gemm < (cf_dtype_n_block(dtype) > 1 ? 1 : 2); is_gemm++) {
            b->is_gemm = is_gemm != 0;
            printf("%-5s %5d x %-5d %s", cf_dtype_name(dtype), (int)w.n_out, (int)w.n_in,
                   is_gemm != 0 ? "gemm" : "own ");
            for (size_t r = 0; r < CF_ARRAY_SIZE(rows); r++) {
                double gflop = 2e-9 * (double)w.n_out * (double)w.n_in * (double)rows[r];
                printf("  %3d: %5.1f GF/s", (int)rows[r], gflop / product_seconds(b, w, rows[r]));
            }
            printf("\n");
        }
    }
    b->is_gemm = false;
}

static void bench_attention(const struct bench *b, enum cf_dtype kv_type, int64_t n_rows)
{
    enum { N_HEAD = 12, D_HEAD = 64, N_CTX = 1024 };
    struct cf_attention attention = {.n_head = N_HEAD,
                                     .d_head = D_HEAD,
                                     .head_stride = N_CTX * D_HEAD,
                                     .kv_type = kv_type,
                                     .scale = 0.125f};
    size_t kv_size = cf_dtype_row_size(kv_type, N_HEAD * N_CTX * D_HEAD);
    struct cf_query *rows = cf_calloc((size_t)n_rows, sizeof *rows);
    double best = INFINITY;
    for (int i = 0; i < 2 * N_REPEATS; i++) {
        for (int64_t r = 0; r < n_rows; r++) {
            rows[r] = (struct cf_query){.q = b->x + r * N_HEAD * D_HEAD,
                                        .out = b->y + r * N_HEAD * D_HEAD,
                                        .k = b->bytes + (size_t)(2 * i) * kv_size,
                                        .v = b->bytes + (size_t)(2 * i + 1) * kv_size,
                                        .n_seen = (int32_t)(N_CTX - n_rows + r + 1)};
        }
        double start = seconds_now();
        cf_attend(b->kernels, b->pool, &attention, rows, n_rows, b->scratch);
        best = fmin(best, seconds_now() - start);
    }
    double gb = 2e-9 * (double)kv_size;
    double gflop = 4e-9 * N_HEAD * D_HEAD * (N_CTX - (double)n_rows / 2) * (double)n_rows;
    printf("attention over 1024, kv %s, %3d rows: %.0f us, %.1f GB/s, %.1f GF/s\n",
           cf_dtype_name(kv_type), (int)n_rows, best * 1e6, gb / best, gflop / best);
    free(rows);
}

static void bench_rows(const struct bench *b)
{
    enum { N = 3072 };
    double times[3] = {INFINITY, INFINITY, INFINITY};
    for (int i = 0; i < 100; i++) {
        double start = seconds_now();
        cf_gelu_tanh(b->kernels, b->x, N, b->y);
        double middle = seconds_now();
        cf_gelu_erf(b->kernels, b->x, N, b->y);
        double after = seconds_now();
        cf_layer_norm(b->kernels, b->pool, b->x, 1, N, b->bias, b->bias, 1e-5f, b->y);
        times[2] = fmin(times[2], seconds_now() - after);
        times[1] = fmin(times[1], after - middle);
        times[0] = fmin(times[0], middle - start);
    }
    printf("3072 values: gelu tanh %.2f us, gelu erf %.2f us, layer norm %.2f us\n", times[0] * 1e6,
           times[1] * 1e6, times[2] * 1e6);
}

int main(int argc, char **argv)
{
    struct bench b = {.kernels = cf_kernels_current()};
    int n_threads = argc > 1 ? atoi(argv[1]) : 1;
    if (n_threads == 1) {
        bench_clock = CLOCK_THREAD_CPUTIME_ID;
    }
    if (argc > 2) {
        b.kernels = cf_kernels_find(argv[2]);
    }
    cf_kernels_init();
    if (n_threads < 1 || b.kernels == NULL || cf_pool_new(&b.pool, n_threads, NULL) != CF_OK) {
        fprintf(stderr, "usage: bench_kernels [THREADS [TABLE]]\n");
        return 2;
    }
    const size_t n_floats = (size_t)50304 * N_ROWS_MAX / 8;
    struct cf_matrix largest = {.dtype = CF_F16, .layout = CF_TILES, .n_out = 50257, .n_in = 3072};
    b.bytes = mmap(NULL, n_bytes_streamed + 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b.bytes == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    (void)madvise(b.bytes, n_bytes_streamed, MADV_HUGEPAGE); /* as model keeps them */
    memset(b.bytes, 0x21, n_bytes_streamed); /* small values in every format */
    b.x = cf_calloc(n_floats, sizeof *b.x);
    b.y = cf_calloc(n_floats, sizeof *b.y);
    b.bias = cf_calloc(50304, sizeof *b.bias);
    for (size_t i = 0; i < n_floats; i++) {
        b.x[i] = (float)(i % 127) * 0.01f - 0.5f;
    }
    size_t size = cf_linear_scratch_size(&largest, N_ROWS_MAX, n_threads);
    size_t gemm_size = cf_linear_gemm_scratch_size(&largest, n_threads);
    b.scratch = cf_aligned_alloc(size > gemm_size ? size : gemm_size);
    printf("%s, %d threads; memory is read at %.1f GB/s\n", cf_kernels_name(b.kernels), n_threads,
           read_gb_per_s(b.pool, b.bytes, n_bytes_streamed));
    static const enum cf_dtype dtypes[] = {CF_F32,  CF_F16,  CF_BF16, CF_Q8_0,
                                           CF_Q4_0, CF_Q4_K, CF_Q6_K};
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtypes); i++) {
        bench_decode(&b, dtypes[i]);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtypes); i++) {
        bench_prefill(&b, dtypes[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        bench_attention(&b, i % 2 == 0 ? CF_F32 : CF_F16, i < 2 ? 1 : 64);
    }
    bench_rows(&b);
    printf("memory is read at %.1f GB/s\n", read_gb_per_s(b.pool, b.bytes, n_bytes_streamed));
    cf_pool_free(b.pool);
    free(b.scratch);
    free(b.bias);
    free(b.y);
    free(b.x);
    (void)munmap(b.bytes, n_bytes_streamed + 4096);
    return 0;
}
