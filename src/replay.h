/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay: a stored reply made again from its recipe, to prove that it comes out the same.
 *
 * Each job of the recipe is gone through as it was: its prompt is built anew from the turns before
 * the reply and compared with the digest on record, the positions are evaluated through the paths
 * on record, and every token is drawn again from its logits with the settings, seed and stream that
 * were in force.  What is fed on is always the token on record, so that one difference does not
 * hide how many there are.  Tokens chosen by hand or inherited by a fork are fed and not compared.
 *
 * Any thread, with a session of its own. */
#ifndef CF_REPLAY_H
#define CF_REPLAY_H

#include "err.h"
#include "model.h"
#include "prompt.h"
#include "recipe.h"
#include "sampler.h"
#include "session.h"
#include "template.h"
#include "tokenizer.h"

/* A reply and what came before it.  All of it is the caller's. */
struct cf_replay_reply {
    const struct cf_recipe *recipe;
    const struct cf_template *template; /* those of the recipe's head, by their digests */
    const char *system;                 /* NULL or "": none */
    const struct cf_turn *turns; /* the branch before the reply, every message of it: an index
                                    in the branch is one here */
    size_t n_turns;
};

struct cf_replay_result {
    int32_t n_tokens;   /* of the reply */
    int32_t n_compared; /* drawn by the model */
    int32_t n_same;     /* of those, drawn again */
    int32_t first;      /* the first that was not; -1: all were */
    int32_t id, id_now; /* what was drawn at FIRST, and what is drawn now */
    float p, p_now;     /* the probability in force of ID, then and now */
    int32_t n_p_same;   /* of the compared, whose probability is the same to the last bit */
};

/* What a token was chosen from: valid during the call. */
struct cf_replay_token {
    int32_t index; /* in the reply */
    const struct cf_choice *choice;
    const float *logits; /* [n_vocab] */
    const struct cf_history *history;
};
/* Called for each token of the jobs that are done again, in order. */
typedef void cf_replay_fn(void *arg, const struct cf_replay_token *token);

/* Whether this program on this CPU can make the reply again with MODEL: CF_ERR_MISMATCH names what
 * differs (type of the weights, version of kernels or sampler, instruction set, OpenBLAS) and what
 * can be done.  On success the instruction set that the session must be made under is in force
 * (cf_kernels_use).  The model's digest is the caller's to compare. */
enum cf_code cf_replay_check(const struct cf_recipe *recipe, const struct cf_model *model,
                             struct cf_err *err);

/* Makes the reply again in BRANCH of SESSION, whose KV type and n_ctx are the recipe's.  A job
 * whose tokens were all inherited or chosen by hand has nothing to compare: it is done only where
 * FN (may be NULL) wants to hear of it, and passed over when its prompt can't be made again.
 * CF_ERR_MISMATCH when a prompt does not come out as it was (the digest differs): something before
 * the reply is no longer what it was then; CF_ERR_CANCELLED; what evaluating can fail with. */
enum cf_code cf_replay_run(struct cf_replay_result *result, const struct cf_replay_reply *reply,
                           struct cf_session *session, int branch,
                           const struct cf_tokenizer *tokenizer, cf_replay_fn *fn, void *arg,
                           const struct cf_interrupt *interrupt, struct cf_err *err);

#endif
