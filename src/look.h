/* SPDX-License-Identifier: GPL-3.0-or-later */
/* look: what a model might have said at each token of a reply, what other settings would have left
 * of it, and how surprising each token of a text is.
 *
 * These are jobs for the thread that has the session (the worker); their results are read by the
 * front once that job is over. */
#ifndef CF_LOOK_H
#define CF_LOOK_H

#include "replay.h"

/* Logits are kept for what-if up to this many bytes a reply. */
enum { CF_LOOK_LOGITS_MAX = 96 * 1024 * 1024 };

/* A token of the reply, looked at. */
struct cf_look_token {
    bool is_known;           /* it could be evaluated again; else only what is on record is there */
    struct cf_choice choice; /* as it was made, of the token on record */
    float p_if;              /* probability in force under the settings of the last cf_look_if */
};

struct cf_look {
    /* Given; all of it stays as it is until the job is over. */
    struct cf_replay_reply reply;
    /* Found.  Zero-initialised before. */
    struct cf_replay_result result;
    struct cf_look_token *tokens; /* [reply.recipe->n_tokens] */
    int32_t n_cut_if;             /* of the drawn tokens, how many have p_if 0; -1: not asked yet */
    /* Private: for what-if. */
    int32_t n_vocab;
    float *logits; /* [n_tokens, n_vocab]; NULL: they would take too much */
    struct cf_ids
        *histories;     /* [n_tokens]; ids of the token that begins a job's, empty for others */
    int32_t *origins;   /* [n_tokens]: the token whose history holds this one's beginning */
    int32_t *n_prompts; /* [n_tokens] */
};

void cf_look_release(struct cf_look *look);

/* Replays the reply in BRANCH, and keeps what each token was chosen from.  Fails as cf_replay_run.
 */
enum cf_code cf_look_run(struct cf_look *look, struct cf_session *session, int branch,
                         const struct cf_tokenizer *tokenizer, const struct cf_interrupt *interrupt,
                         struct cf_err *err);
/* What SAMPLING would have made of each known token: p_if and n_cut_if, with no forward pass. After
 * cf_look_run.  CF_ERR_TOO_LARGE when the logits were not kept; CF_ERR_CANCELLED. */
enum cf_code cf_look_if(struct cf_look *look, struct cf_sampler *sampler,
                        const struct cf_sampling *sampling, const struct cf_interrupt *interrupt,
                        struct cf_err *err);

/* The raw probability of each of ids[0..n) after those before it: p[n]; p[0] is -1, nothing stands
 * before it.  Clears BRANCH.  n is at most the session's n_ctx. */
enum cf_code cf_look_score(float *p, struct cf_session *session, int branch,
                           struct cf_sampler *sampler, const int32_t *ids, int32_t n,
                           const struct cf_interrupt *interrupt, struct cf_err *err);

#endif
