/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampler: from logits and settings to one token and the choice it was made from.
 *
 * The order is transformers' (generation/logits_process.py): repetition, presence and frequency
 * penalty, temperature, top-k, top-p, min-p, typical-p.  Everything is computed in double with our
 * own exp and log, so the same logits, settings and seed give the same token on every machine.
 * Draws: Philox4x32-10 (Salmon et al. 2011), a counter: draw k of stream j under a seed needs no
 * state. */
#ifndef CF_SAMPLER_H
#define CF_SAMPLER_H

#include "base.h"

/* Raised when any result may change; part of a reply's recipe. */
enum { CF_SAMPLER_VERSION = 1 };

/* The settings in force for one token. */
struct cf_sampling {
    double temperature;       /* >= 0; 0: the arg-max */
    double top_p;             /* (0, 1]; 1: off */
    double min_p;             /* [0, 1]; 0: off */
    double typical_p;         /* (0, 1]; 1: off */
    double repeat_penalty;    /* > 0; 1: off (Keskar et al. 2019) */
    double presence_penalty;  /* 0: off; over generated tokens only */
    double frequency_penalty; /* 0: off; over generated tokens only */
    int32_t top_k;            /* 0: off; ties at the border are kept */
    int32_t repeat_last_n;    /* 64 by default; 0: off; -1: everything, prompt included */
};
#define CF_SAMPLING_INIT                                                                           \
    ((struct cf_sampling){.temperature = 1.0,                                                      \
                          .top_p = 1.0,                                                            \
                          .typical_p = 1.0,                                                        \
                          .repeat_penalty = 1.0,                                                   \
                          .repeat_last_n = 64})

enum { CF_CHOICE_MAX = 32 };

struct cf_candidate {
    int32_t id;
    float p_raw; /* softmax of the raw logits */
    float p;     /* in force: after penalties and filters; 0 when cut */
};

/* What leaves tokens out, in the order of the sampler. */
enum cf_cut {
    CF_CUT_NONE,
    CF_CUT_BEST, /* temperature 0: the arg-max alone */
    CF_CUT_TOP_K,
    CF_CUT_TOP_P,
    CF_CUT_MIN_P,
    CF_CUT_TYPICAL_P
};

/* What a token was chosen from. */
struct cf_choice {
    int32_t id;
    int32_t rank;     /* of the chosen token by raw probability, 0 the likeliest; ties by id */
    float p_raw;      /* of the chosen token under the raw model */
    float p;          /* of the chosen token in force */
    float entropy;    /* of the raw distribution, bits */
    int32_t n_inside; /* tokens that the filters left */
    enum cf_cut cut;  /* the last one that left any out: what the border was drawn by */
    int32_t n_candidates;
    struct cf_candidate candidates[CF_CHOICE_MAX]; /* the likeliest by raw probability, in order */
};

struct cf_sampler; /* scratch for one vocabulary; one thread at a time */

struct cf_sampler *cf_sampler_new(int32_t n_vocab);
void cf_sampler_free(struct cf_sampler *sampler);

/* The tokens before the one to be drawn: prompt and generated, in order. */
struct cf_history {
    const int32_t *ids;
    int32_t n;
    int32_t n_prompt; /* of those n, how many are prompt */
};

/* Chooses a token.  logits [n_vocab]; NaN counts as -inf.  The random number is draw INDEX of
 * stream STREAM (the alternative's number) under SEED.  FORCED >= 0 takes that token instead of
 * drawing; the choice then describes it.  Allocates nothing.
 *
 * False when no logit is above -inf (a broken model): nothing can be drawn, the choice is token 0
 * or FORCED with every probability 0. */
bool cf_sampler_sample(struct cf_sampler *sampler, const float *logits,
                       const struct cf_sampling *sampling, const struct cf_history *history,
                       uint64_t seed, uint32_t stream, uint32_t index, int32_t forced,
                       struct cf_choice *choice);

/* The distribution in force: probabilities [n_vocab], those cut 0.  False when all are 0 because no
 * logit is above -inf. */
bool cf_sampler_distribution(struct cf_sampler *sampler, const float *logits,
                             const struct cf_sampling *sampling, const struct cf_history *history,
                             double *probabilities);

#endif
