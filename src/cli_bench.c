/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: the speed of prompt and generation on this machine. */
#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "cli_engine.h"
#include "cli_json.h"
#include "clock.h"
#include "cpu.h"
#include "ids.h"
#include "kernels/kernels.h"

enum { REPS = 5, REPS_MAX = 1000, FIRST_PROMPT = 20, TOKENS_MAX = 1 << 22 };

struct bench {
    const struct cf_cli *cli;
    char *path;
    struct cf_model *model;
    struct cf_pool *pool;
    struct cf_session *session;
    enum cf_dtype kv_type;
    int n_threads;
    int n_reps;
    double load_seconds;
    double bandwidth; /* bytes a second */
    struct cf_ids prompts;
    struct cf_ids gens;
    struct cf_ids depths;
    struct cf_out out;
};

/* The list "N,N" of an option, or the defaults, of which only what the model has room for. */
static enum cf_code read_list(struct cf_ids *list, const struct bench *b, enum cf_cli_option option,
                              int32_t least, const int32_t *defaults, size_t n_defaults,
                              struct cf_err *err)
{
    const char *text = b->cli->values[option];
    for (size_t i = 0; text == NULL && i < n_defaults; i++) {
        if (defaults[i] <= cf_session_n_ctx(b->session)) {
            cf_ids_add(list, defaults[i]);
        }
    }
    while (text != NULL) {
        char *end = NULL;
        errno = 0;
        long number = strtol(text, &end, 10);
        if (errno != 0 || end == text || (*end != ',' && *end != '\0') || number < least ||
            number > TOKENS_MAX) {
            return cf_err_set(err, CF_ERR_USAGE,
                              "--%s must be whole numbers from %ld to %ld with commas between",
                              cf_cli_option_info(option)->name, (long)least, (long)TOKENS_MAX);
        }
        cf_ids_add(list, (int32_t)number);
        text = *end == ',' ? end + 1 : NULL;
    }
    return CF_OK;
}

static enum cf_code read_lists(struct bench *b, struct cf_err *err)
{
    static const int32_t prompts[] = {128, 512};
    static const int32_t gens[] = {128};
    static const int32_t depths[] = {0};
    /* Who asks for one kind of test alone gets no other. */
    bool has_prompt = cf_cli_has(b->cli, CF_CLI_PROMPT);
    bool has_gen = cf_cli_has(b->cli, CF_CLI_GEN);
    enum cf_code code = read_list(&b->prompts, b, CF_CLI_PROMPT, 1, prompts,
                                  has_gen ? 0 : CF_ARRAY_SIZE(prompts), err);
    if (code == CF_OK) {
        code =
            read_list(&b->gens, b, CF_CLI_GEN, 1, gens, has_prompt ? 0 : CF_ARRAY_SIZE(gens), err);
    }
    if (code == CF_OK) {
        code = read_list(&b->depths, b, CF_CLI_DEPTH, 0, depths, CF_ARRAY_SIZE(depths), err);
    }
    return code;
}

/* The session that a chat would have. */
static enum cf_code open_session(struct bench *b, struct cf_err *err)
{
    const struct cf_settings *settings = &b->cli->settings;
    double start = cf_clock_s();
    b->n_threads = settings->threads > 0 ? settings->threads : cf_cpu_n_cores();
    enum cf_code code = cf_cli_model_path(&b->path, b->cli, err);
    if (code == CF_OK) {
        code = cf_cli_open_model(&b->model, b->cli, b->path, err);
    }
    if (code == CF_OK) {
        code = cf_pool_new(&b->pool, b->n_threads, err);
    }
    if (code != CF_OK) {
        return code;
    }
    bool is_f32 =
        settings->kv == CF_KV_F32 || (settings->kv == CF_KV_AUTO && b->model->dtype == CF_F32);
    b->kv_type = is_f32 ? CF_F32 : CF_F16;
    const struct cf_session_params params = {
        .n_ctx = settings->ctx, .kv_type = b->kv_type, .n_branches = 1};
    code = cf_session_new(&b->session, b->model, b->pool, &params, err);
    b->load_seconds = cf_clock_s() - start;
    return code;
}

static void close_session(struct bench *b)
{
    cf_session_free(b->session);
    cf_pool_free(b->pool);
    cf_model_free(b->model);
    cf_ids_release(&b->prompts);
    cf_ids_release(&b->gens);
    cf_ids_release(&b->depths);
    free(b->path);
}

/* What is read from a cache, as far as the system tells of its size, has no share of the memory's
 * bandwidth. */
static bool is_share_of_memory(double size, double share)
{
    long cache = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
    cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
    return size > (double)cache && share <= 1;
}

static void write_test(struct bench *b, bool is_gen, int32_t n, int32_t depth,
                       const struct cf_bench_speed *speed, double size)
{
    double share = size * speed->tokens_per_second / b->bandwidth;
    if (b->cli->settings.json) {
        json_t *line = json_pack("{s:s, s:i, s:i, s:i, s:s}", "test", is_gen ? "gen" : "prompt",
                                 "n", n, "depth", depth, "threads", b->n_threads, "type",
                                 cf_dtype_name(b->model->dtype));
        json_object_set_new(line, "tokens_per_second", json_real(speed->tokens_per_second));
        json_object_set_new(line, "spread", json_real(speed->spread));
        json_object_set_new(line, "bytes_per_token", json_real(size));
        json_object_set_new(line, "bandwidth", json_real(b->bandwidth));
        json_object_set_new(line, "bandwidth_share", json_real(share));
        cf_out_add_json(&b->out, line);
    } else {
        char text[32] = "-";
        if (is_share_of_memory(size, share)) {
            (void)snprintf(text, sizeof text, "%.1f %%", share * 100);
        }
        cf_out_addf(&b->out, "%-7s %6d %6d %10.1f %8.1f %10.2f %8.1f %8s\n",
                    is_gen ? "gen" : "prompt", (int)n, (int)depth, speed->tokens_per_second,
                    speed->spread, size * 1e-6, b->bandwidth * 1e-9, text);
    }
    cf_out_flush(&b->out);
}

static enum cf_code run_test(struct bench *b, bool is_gen, int32_t n, int32_t depth,
                             struct cf_err *err)
{
    struct cf_interrupt interrupt = cf_engine_interrupt();
    struct cf_bench_speed speed;
    /* Beside each test: what a shared machine has to give changes. */
    b->bandwidth = cf_bench_bandwidth(b->model, b->pool, 3);
    enum cf_code code =
        is_gen ? cf_bench_gen(&speed, b->session, n, depth, b->n_reps, &interrupt, err)
               : cf_bench_prompt(&speed, b->session, n, depth, b->n_reps, &interrupt, err);
    if (code == CF_OK) {
        double size = cf_bench_pass_size(b->model) * speed.passes_per_token;
        if (is_gen) {
            double n_before = depth + 0.5 * (n - 1); /* on average */
            size += n_before * cf_bench_position_size(b->model, b->kv_type);
        }
        write_test(b, is_gen, n, depth, &speed, size);
    }
    return code;
}

/* A depth that only one of several tests has room for is no reason to refuse all: a test that was
 * not asked for by its numbers is passed over. */
static enum cf_code run_tests(struct bench *b, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    for (size_t d = 0; d < b->depths.n && code == CF_OK; d++) {
        for (size_t i = 0; i < b->prompts.n + b->gens.n && code == CF_OK; i++) {
            bool is_gen = i >= b->prompts.n;
            int32_t n = is_gen ? b->gens.data[i - b->prompts.n] : b->prompts.data[i];
            bool was_asked = cf_cli_has(b->cli, is_gen ? CF_CLI_GEN : CF_CLI_PROMPT);
            if (was_asked || (int64_t)n + b->depths.data[d] <= cf_session_n_ctx(b->session)) {
                code = run_test(b, is_gen, n, b->depths.data[d], err);
            }
        }
    }
    return code;
}

static void write_head(struct bench *b)
{
    cf_out_add_text(&b->out, b->model->name, strlen(b->model->name));
    cf_out_end_text(&b->out);
    cf_out_addf(&b->out, ", %s, KV %s, %d threads, %s\n\n", cf_dtype_name(b->model->dtype),
                cf_dtype_name(b->kv_type), b->n_threads, cf_kernels_name(cf_kernels_current()));
    cf_out_addf(&b->out, "%-7s %6s %6s %10s %8s %10s %8s %8s\n", "test", "n", "depth", "tokens/s",
                "spread", "MB/token", "GB/s", "share");
    cf_out_flush(&b->out);
}

static enum cf_code write_foot(struct bench *b, struct cf_err *err)
{
    struct cf_interrupt interrupt = cf_engine_interrupt();
    struct rusage usage;
    double first = 0;
    int32_t n =
        cf_session_n_ctx(b->session) < FIRST_PROMPT ? cf_session_n_ctx(b->session) : FIRST_PROMPT;
    enum cf_code code = cf_bench_first_token(&first, b->session, n, b->n_reps, &interrupt, err);
    if (code != CF_OK) {
        return code;
    }
    double size = cf_bench_pass_size(b->model);
    double bare = cf_bench_bare(b->model, b->pool, 3 * b->n_reps);
    double bandwidth = cf_bench_bandwidth(b->model, b->pool, 3);
    double share = bare * size / bandwidth;
    cf_out_addf(&b->out, "\nkernels alone   %.1f tokens/s", bare);
    if (is_share_of_memory(size, share)) {
        cf_out_addf(&b->out, ", %.1f %% of the bandwidth", share * 100);
    }
    cf_out_addf(&b->out, "\n");
    cf_out_addf(&b->out, "first token     %.1f ms for a prompt of %d tokens\n", first * 1e3,
                (int)n);
    cf_out_addf(&b->out, "load            %.1f ms\n", b->load_seconds * 1e3);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        cf_out_addf(&b->out, "peak memory     %.1f MB\n", (double)usage.ru_maxrss * 1024e-6);
    }
    return CF_OK;
}

enum cf_exit cf_cli_bench(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct bench b = {.cli = cli};
    int64_t n_reps = 0;
    cf_out_init(&b.out, STDOUT_FILENO);
    cf_cli_catch_signals();
    enum cf_code code = cf_cli_number(&n_reps, cli, CF_CLI_REPS, 1, REPS_MAX, REPS, &err);
    b.n_reps = (int)n_reps;
    if (code == CF_OK) {
        code = open_session(&b, &err);
    }
    if (code == CF_OK) {
        code = read_lists(&b, &err);
    }
    if (code == CF_OK && !cli->settings.json) {
        write_head(&b);
    }
    if (code == CF_OK) {
        code = run_tests(&b, &err);
    }
    if (code == CF_OK && !cli->settings.json) {
        code = write_foot(&b, &err);
    }
    enum cf_code written = cf_out_finish(&b.out, code == CF_OK ? &err : NULL);
    code = code != CF_OK ? code : written;
    close_session(&b);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
