/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_scorer: how well a model predicted the tokens of a sequence of any length.
 *
 * A sequence longer than the context is read in windows that move on by STRIDE tokens; each token
 * is scored once, in the first window that holds it, so behind the first window every token sees at
 * least n_ctx - stride tokens before it.  The first token of a sequence has nothing before it and
 * is not scored. */
#ifndef CF_CLI_SCORER_H
#define CF_CLI_SCORER_H

#include "cli_engine.h"

struct cf_token_score {
    int32_t id;
    int32_t rank;   /* 0: the model thought it likeliest; ties by id */
    double p;       /* probability under the raw model; negative: not scored */
    double nats;    /* -ln p */
    double entropy; /* of the distribution it was predicted from, bits */
};

/* Scores ids[n] into scores[n].  stride 0: half of the context. */
enum cf_code cf_score_ids(struct cf_token_score *scores, struct cf_engine *engine,
                          const int32_t *ids, size_t n, int32_t stride, struct cf_err *err);

/* What many tokens come to. */
struct cf_score_sum {
    int64_t n_tokens; /* scored */
    int64_t n_bytes;  /* of the text they stand for */
    double nats;
};
/* 2^(bits a token); NaN where nothing was scored.  The same for bits a byte. */
double cf_score_perplexity(const struct cf_score_sum *sum);
double cf_score_bits_per_byte(const struct cf_score_sum *sum);

/* Reads the file that is the command's argument, or standard input. */
enum cf_code cf_cli_read_file(struct cf_buf *text, const struct cf_cli *cli, int argument,
                              struct cf_err *err);

/* score --chat: see cli_score.c. */
enum cf_code cf_score_chat(const struct cf_cli *cli, struct cf_engine *engine, int32_t stride,
                           struct cf_err *err);

#endif
