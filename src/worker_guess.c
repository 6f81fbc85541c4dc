/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding with guesses at the tokens to come. */
#include "clock.h"
#include "worker_private.h"

/* What the last pass brought, once it is known: when the next one begins. */
static void learn(struct cf_worker_guessing *guessing, const struct cf_session *session)
{
    if (guessing->seconds > 0) {
        const int64_t n_right = cf_session_counts(session).n_ahead - guessing->n_ahead_before;
        cf_guess_learn(&guessing->guess, guessing->n, (int)n_right, guessing->seconds);
    }
}

enum cf_code cf_worker_decode_guessing(struct cf_worker *worker, int branch, int32_t id,
                                       const struct cf_interrupt *interrupt, struct cf_err *err)
{
    struct cf_worker_guessing *guessing = &worker->guessing;
    struct cf_session *session = worker->session;
    int32_t ahead[CF_GUESS_MAX];
    int n = 0;
    if (!cf_session_has_ahead(session, branch, id)) {
        int32_t n_held = 0;
        const int32_t *held = cf_session_ids(session, branch, &n_held);
        learn(guessing, session);
        guessing->n_ahead_before = cf_session_counts(session).n_ahead;
        n = cf_guess_find(held, n_held, id, ahead, CF_GUESS_MAX);
        n = n > 0 && cf_guess_pays(&guessing->guess) ? n : 0;
        guessing->n = n;
        guessing->seconds = -cf_clock_s();
    }
    enum cf_code code = cf_session_decode_ahead(session, branch, id, ahead, n, interrupt, err);
    if (guessing->seconds < 0) {
        guessing->seconds = code == CF_OK ? guessing->seconds + cf_clock_s() : 0;
    }
    return code;
}
