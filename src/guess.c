/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guess.h"

#include <string.h>

enum {
    LONGEST = 4, /* tokens that must have occurred before */
    SHORTEST = 3,
    N_TRIALS = 4,  /* with guesses before they are judged */
    N_PASSED = 64, /* occasions until they are tried again */
};

/* The weight of the newest figure. */
static const double newest = 0.2;

static int find(const int32_t *ids, int32_t n, int32_t id, int length, int32_t *guess, int max)
{
    const int before = length - 1; /* of the tokens that must have occurred these stand in ids */
    for (int32_t at = n - 1; at >= before; at--) {
        if (ids[at] == id &&
            memcmp(ids + at - before, ids + n - before, (size_t)before * sizeof *ids) == 0) {
            int n_found = 0;
            for (int32_t next = at + 1; next <= n && n_found < max; next++) {
                guess[n_found++] = next < n ? ids[next] : id;
            }
            return n_found;
        }
    }
    return 0;
}

int cf_guess_find(const int32_t *ids, int32_t n, int32_t id, int32_t *guess, int max)
{
    int n_found = 0;
    for (int length = LONGEST; length >= SHORTEST && n_found == 0; length--) {
        n_found = n >= length ? find(ids, n, id, length, guess, max) : 0;
    }
    return n_found;
}

bool cf_guess_pays(struct cf_guess *guess)
{
    if (guess->n_trials < N_TRIALS || !(guess->alone_s > 0)) {
        return true;
    }
    if (1 + guess->n_right > guess->guessed_s / guess->alone_s) {
        guess->n_passed_up = 0;
        return true;
    }
    if (++guess->n_passed_up < N_PASSED) {
        return false;
    }
    guess->n_passed_up = 0;
    return true;
}

static void smooth(double *value, double latest, bool is_first)
{
    *value = is_first ? latest : *value + newest * (latest - *value);
}

void cf_guess_learn(struct cf_guess *guess, int n_guessed, int n_right, double seconds)
{
    if (n_guessed == 0) {
        smooth(&guess->alone_s, seconds, !(guess->alone_s > 0));
        return;
    }
    const bool is_first = guess->n_trials == 0;
    smooth(&guess->guessed_s, seconds, is_first);
    smooth(&guess->n_right, n_right, is_first);
    guess->n_trials += guess->n_trials < N_TRIALS;
}
