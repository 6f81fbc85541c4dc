/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_scorer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024 * 1024 };

struct scoring {
    struct cf_token_score *scores; /* of the whole sequence */
    const int32_t *ids;
    size_t n;
    size_t window_begin;
    size_t scored_end; /* tokens before this have their score */
    int32_t n_vocab;
};

static void score_token(struct cf_token_score *score, const float *logits, int32_t n_vocab,
                        int32_t id)
{
    double max = (double)logits[0];
    for (int32_t i = 1; i < n_vocab; i++) {
        max = (double)logits[i] > max ? (double)logits[i] : max;
    }
    /* With z = sum e^(l - max): ln p = l - max - ln z, and the entropy is
     * ln z - sum (l - max) e^(l - max) / z. */
    double z = 0;
    double weighted = 0;
    int32_t rank = 0;
    for (int32_t i = 0; i < n_vocab; i++) {
        double below = (double)logits[i] - max;
        double e = exp(below);
        z += e;
        weighted += e > 0 ? below * e : 0;
        rank += logits[i] > logits[id] || (logits[i] == logits[id] && i < id);
    }
    score->id = id;
    score->rank = rank;
    score->nats = log(z) - ((double)logits[id] - max);
    score->p = exp(-score->nats);
    score->entropy = (log(z) - weighted / z) / log(2.0);
}

static void take_logits(void *arg, int32_t position, const float *logits)
{
    struct scoring *scoring = arg;
    size_t next = scoring->window_begin + (size_t)position + 1;
    if (next < scoring->n && next >= scoring->scored_end) {
        score_token(&scoring->scores[next], logits, scoring->n_vocab, scoring->ids[next]);
    }
}

enum cf_code cf_score_ids(struct cf_token_score *scores, struct cf_engine *engine,
                          const int32_t *ids, size_t n, int32_t stride, struct cf_err *err)
{
    const size_t n_ctx = (size_t)cf_session_n_ctx(engine->session);
    const size_t step = stride > 0 ? (size_t)stride : (n_ctx + 1) / 2;
    if (step > n_ctx) {
        return cf_err_set(err, CF_ERR_RANGE, "the stride must be at most the context of %zu",
                          n_ctx);
    }
    struct scoring scoring = {
        .scores = scores, .ids = ids, .n = n, .scored_end = 1, .n_vocab = engine->model->n_vocab};
    if (n > 0) {
        scores[0] = (struct cf_token_score){.id = ids[0], .p = -1};
    }
    struct cf_interrupt interrupt = cf_engine_interrupt();
    /* The last token of the sequence is predicted, never fed. */
    for (size_t begin = 0; scoring.scored_end < n; begin += step) {
        size_t size = n - 1 - begin < n_ctx ? n - 1 - begin : n_ctx;
        scoring.window_begin = begin;
        enum cf_code code = cf_session_eval_all(engine->session, 0, ids + begin, (int32_t)size,
                                                take_logits, &scoring, &interrupt, err);
        if (code != CF_OK) {
            return code;
        }
        scoring.scored_end = begin + size + 1;
    }
    return CF_OK;
}

double cf_score_perplexity(const struct cf_score_sum *sum)
{
    return sum->n_tokens > 0 ? exp(sum->nats / (double)sum->n_tokens) : (double)NAN;
}

double cf_score_bits_per_byte(const struct cf_score_sum *sum)
{
    return sum->n_bytes > 0 ? sum->nats / log(2.0) / (double)sum->n_bytes : (double)NAN;
}

enum cf_code cf_cli_read_file(struct cf_buf *text, const struct cf_cli *cli, int argument,
                              struct cf_err *err)
{
    if (cli->n_args <= argument || strcmp(cli->args[argument], "-") == 0) {
        return cf_cli_read_text(text, cli, cli->n_args, false, err);
    }
    const char *path = cli->args[argument];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cf_err_set_errno(err, errno, "cannot read %s", path);
    }
    enum cf_code code = CF_OK;
    for (;;) {
        cf_buf_reserve(text, 256 * 1024);
        ssize_t n = read(fd, text->data + text->size, 256 * 1024);
        if (n < 0 && errno == EINTR && cf_cli_signal() == 0) {
            continue;
        }
        if (n < 0) {
            code = cf_err_set_errno(err, errno, "cannot read %s", path);
        }
        if (n <= 0) {
            break;
        }
        text->size += (size_t)n;
        text->data[text->size] = '\0';
        if (text->size > FILE_MAX) {
            code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s is larger than %d MB", path,
                              FILE_MAX / (1024 * 1024));
            break;
        }
    }
    close(fd);
    return code;
}
