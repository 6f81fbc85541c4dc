/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guess: the next tokens, guessed from what stands in the conversation already.
 *
 * Small models and people repeat names, phrases and lines.  When the last few tokens have occurred
 * before, what followed them then is a guess at what follows now; a session evaluates it along with
 * the next token at little more than the cost of one (cf_session_decode_ahead), and what is drawn
 * does not depend on it.  Source: prompt lookup decoding,
 * https://github.com/apoorvumang/prompt-lookup-decoding */
#ifndef CF_GUESS_H
#define CF_GUESS_H

#include "base.h"

/* Most tokens guessed at a time: with the next one four rows, which a kernel takes together. */
enum { CF_GUESS_MAX = 3 };

/* What came after the latest earlier occurrence of the last four tokens of ids[0..n) and ID behind
 * them, else of the last three: up to MAX tokens into guess[]; returns how many, 0 when there is
 * none. */
int cf_guess_find(const int32_t *ids, int32_t n, int32_t id, int32_t *guess, int max);

/* Whether guessing pays, by what it has brought here so far: a model that lies in the processor's
 * caches gains nothing from rows that share a read, one that is read from memory does. */
struct cf_guess {
    double alone_s;   /* a pass without guesses takes, smoothed; 0: not known yet */
    double guessed_s; /* one with guesses */
    double n_right;   /* of its guesses so many come true */
    int n_trials;     /* passes with guesses so far, up to what makes the figures known */
    int n_passed_up;  /* occasions since guessing stopped paying */
};

/* Whether to guess now. */
bool cf_guess_pays(struct cf_guess *guess);
/* A pass took SECONDS, and so many of its guesses came true. */
void cf_guess_learn(struct cf_guess *guess, int n_guessed, int n_right, double seconds);

#endif
