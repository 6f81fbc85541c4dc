/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void cf_look_release(struct cf_look *look)
{
    size_t n = look->histories != NULL ? look->reply.recipe->n_tokens : 0;
    for (size_t i = 0; i < n; i++) {
        cf_ids_release(&look->histories[i]);
    }
    free(look->histories);
    free(look->tokens);
    free(look->logits);
    free(look->origins);
    free(look->n_prompts);
    *look = (struct cf_look){.n_cut_if = -1};
}

static void keep(void *arg, const struct cf_replay_token *token)
{
    struct cf_look *look = arg;
    int32_t k = token->index;
    look->tokens[k].is_known = true;
    look->tokens[k].choice = *token->choice;
    look->tokens[k].p_if = token->choice->p;
    /* A difference would show another token: what is on record is what was said. */
    look->tokens[k].choice.id = look->reply.recipe->tokens[k].id;
    if (look->logits == NULL) {
        return;
    }
    memcpy(look->logits + (size_t)k * (size_t)look->n_vocab, token->logits,
           (size_t)look->n_vocab * sizeof look->logits[0]);
    look->n_prompts[k] = token->history->n_prompt;
    bool goes_on = k > 0 && look->tokens[k - 1].is_known &&
                   look->n_prompts[k - 1] == token->history->n_prompt &&
                   look->histories[look->origins[k - 1]].n + (size_t)(k - look->origins[k - 1]) ==
                       (size_t)token->history->n;
    look->origins[k] = goes_on ? look->origins[k - 1] : k;
    if (!goes_on) {
        cf_ids_add_all(&look->histories[k], token->history->ids, (size_t)token->history->n);
    }
}

enum cf_code cf_look_run(struct cf_look *look, struct cf_session *session, int branch,
                         const struct cf_tokenizer *tokenizer, const struct cf_interrupt *interrupt,
                         struct cf_err *err)
{
    const struct cf_replay_reply reply = look->reply;
    size_t n = reply.recipe->n_tokens;
    cf_look_release(look);
    look->reply = reply;
    look->n_vocab = cf_session_model(session)->n_vocab;
    look->tokens = cf_calloc(n + 1, sizeof look->tokens[0]);
    size_t logits_size = n * (size_t)look->n_vocab * sizeof look->logits[0];
    if (n > 0 && logits_size <= CF_LOOK_LOGITS_MAX) {
        look->logits = cf_malloc(logits_size);
        look->histories = cf_calloc(n, sizeof look->histories[0]);
        look->origins = cf_calloc(n, sizeof look->origins[0]);
        look->n_prompts = cf_calloc(n, sizeof look->n_prompts[0]);
    }
    return cf_replay_run(&look->result, &look->reply, session, branch, tokenizer, keep, look,
                         interrupt, err);
}

enum cf_code cf_look_if(struct cf_look *look, struct cf_sampler *sampler,
                        const struct cf_sampling *sampling, const struct cf_interrupt *interrupt,
                        struct cf_err *err)
{
    if (look->logits == NULL) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "the reply is too long to try other settings on");
    }
    const struct cf_recipe *recipe = look->reply.recipe;
    struct cf_ids ids = {0};
    int32_t n_cut = 0;
    enum cf_code code = CF_OK;
    for (size_t k = 0; k < recipe->n_tokens && code == CF_OK; k++) {
        struct cf_look_token *token = &look->tokens[k];
        if (!token->is_known) {
            continue;
        }
        if (interrupt != NULL && interrupt->fn(interrupt->arg)) {
            code = cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
            break;
        }
        size_t from = (size_t)look->origins[k];
        if (from == k) {
            cf_ids_truncate(&ids, 0);
            cf_ids_add_all(&ids, look->histories[k].data, look->histories[k].n);
        }
        const struct cf_history history = {
            .ids = ids.data, .n = (int32_t)ids.n, .n_prompt = look->n_prompts[k]};
        struct cf_choice choice;
        cf_sampler_sample(sampler, look->logits + k * (size_t)look->n_vocab, sampling, &history, 0,
                          0, 0, recipe->tokens[k].id, &choice);
        token->p_if = choice.p;
        n_cut += choice.p <= 0 && recipe->tokens[k].origin != CF_TOKEN_FORCED;
        memcpy(token->choice.candidates, choice.candidates, sizeof choice.candidates);
        token->choice.n_candidates = choice.n_candidates;
        token->choice.n_inside = choice.n_inside;
        token->choice.cut = choice.cut;
        cf_ids_add(&ids, recipe->tokens[k].id);
    }
    cf_ids_release(&ids);
    if (code == CF_OK) {
        look->n_cut_if = n_cut;
    }
    return code;
}

struct scoring {
    float *p;
    const int32_t *ids;
    int32_t n;
    struct cf_sampler *sampler;
};

static void score_position(void *arg, int32_t position, const float *logits)
{
    const struct scoring *scoring = arg;
    if (position + 1 >= scoring->n) {
        return;
    }
    static const struct cf_sampling raw = {
        .temperature = 1, .top_p = 1, .typical_p = 1, .repeat_penalty = 1};
    const struct cf_history history = {.ids = scoring->ids, .n = position + 1};
    struct cf_choice choice;
    cf_sampler_sample(scoring->sampler, logits, &raw, &history, 0, 0, 0, scoring->ids[position + 1],
                      &choice);
    scoring->p[position + 1] = choice.p_raw;
}

enum cf_code cf_look_score(float *p, struct cf_session *session, int branch,
                           struct cf_sampler *sampler, const int32_t *ids, int32_t n,
                           const struct cf_interrupt *interrupt, struct cf_err *err)
{
    struct scoring scoring = {.p = p, .ids = ids, .n = n, .sampler = sampler};
    for (int32_t i = 0; i < n; i++) {
        p[i] = -1;
    }
    return cf_session_eval_all(session, branch, ids, n, score_position, &scoring, interrupt, err);
}
