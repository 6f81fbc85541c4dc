/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "guess.h"
#include "kernels/kernels.h"
#include "mem.h"

/* --- whether it can be done --- */

/* All tables with fused multiply-add give the same bits (kernels.h): the plain one stands apart. */
static bool is_generic(const char *name, size_t size)
{
    static const char generic[] = "generic";
    return size == sizeof generic - 1 && memcmp(name, generic, size) == 0;
}

static bool has_gemm(const struct cf_recipe *recipe)
{
    for (size_t i = 0; i < recipe->n_paths; i++) {
        if (recipe->paths[i].path == CF_PATH_GEMM) {
            return true;
        }
    }
    return false;
}

static enum cf_code check_instruction_set(const struct cf_recipe *recipe, struct cf_err *err)
{
    const char *recorded = recipe->head.instruction_set;
    size_t size = strcspn(recorded, ",");
    cf_kernels_use(NULL);
    if (is_generic(recorded, size)) {
        cf_kernels_use(cf_kernels_find("generic"));
    } else {
        const char *now = cf_kernels_name(cf_kernels_current());
        if (is_generic(now, strlen(now))) {
            return cf_err_set(err, CF_ERR_MISMATCH,
                              "the reply was computed with %s, which this processor cannot do",
                              recorded);
        }
    }
    if (!has_gemm(recipe)) {
        return CF_OK;
    }
    char gemm[CF_RECIPE_NAME_SIZE] = "";
    cf_gemm_name(gemm, sizeof gemm);
    const char *then = recorded[size] != '\0' ? recorded + size + 1 : "";
    then += *then == ' ';
    size_t n_then = strlen(then);
    if (strncmp(gemm, then, n_then) != 0 || n_then == 0) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "part of the reply was computed with OpenBLAS %s, here it is %s (the "
                          "environment variable OPENBLAS_CORETYPE chooses)",
                          then, gemm);
    }
    return CF_OK;
}

enum cf_code cf_replay_check(const struct cf_recipe *recipe, const struct cf_model *model,
                             struct cf_err *err)
{
    const struct cf_recipe_head *head = &recipe->head;
    if (head->dtype != model->dtype) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "the reply was made with weights of type %s, those of %s are %s",
                          cf_dtype_name(head->dtype), model->name, cf_dtype_name(model->dtype));
    }
    if (head->kernel_version != CF_KERNELS_VERSION) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "the reply was computed by version %u of the kernels, this is version %d",
                          (unsigned)head->kernel_version, (int)CF_KERNELS_VERSION);
    }
    if (head->sampler_version != CF_SAMPLER_VERSION) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "the reply was drawn by version %u of the sampler, this is version %d",
                          (unsigned)head->sampler_version, (int)CF_SAMPLER_VERSION);
    }
    return check_instruction_set(recipe, err);
}

/* --- a job --- */

struct replay {
    const struct cf_replay_reply *reply;
    const struct cf_recipe *recipe;
    struct cf_session *session;
    int branch;
    const struct cf_tokenizer *tokenizer;
    struct cf_sampler *sampler;
    const struct cf_interrupt *interrupt;
    cf_replay_fn *fn;
    void *arg;
    struct cf_replay_result *result;
    int32_t *own;      /* the reply's ids, [n_tokens] */
    size_t j;          /* the job */
    size_t path;       /* its first run among the recipe's */
    size_t pinned;     /* and its first pinned place */
    struct cf_ids ids; /* its prompt, and then the reply's own that are in the context */
};

static int32_t job_end(const struct cf_recipe *recipe, size_t j)
{
    return j + 1 < recipe->n_jobs ? recipe->jobs[j + 1].begin : (int32_t)recipe->n_tokens;
}

/* The turns that the job's prompt was made from, as chat gave them: without those that say
 * nothing, the beginning of the reply at the end.  *start receives where the window began. */
static size_t collect_turns(const struct replay *replay, struct cf_turn *turns, size_t *start,
                            const struct cf_buf *begun)
{
    const struct cf_recipe_job *job = &replay->recipe->jobs[replay->j];
    size_t n = 0;
    *start = 0;
    size_t pinned = replay->pinned;
    for (size_t i = 0; i < replay->reply->n_turns; i++) {
        const struct cf_turn *turn = &replay->reply->turns[i];
        if ((int32_t)i == job->window_start) {
            *start = n;
        }
        if (turn->size == 0) {
            continue;
        }
        turns[n] = *turn;
        turns[n].is_pinned =
            pinned < replay->pinned + job->n_pinned && replay->recipe->pinned[pinned] == (int32_t)i;
        pinned += turns[n].is_pinned;
        n++;
    }
    if (job->begin > 0) {
        turns[n++] = (struct cf_turn){.role = CF_ROLE_ASSISTANT,
                                      .text = begun->data,
                                      .size = begun->size,
                                      .ids = replay->own,
                                      .n_ids = job->begin};
    }
    return n;
}

/* Builds the job's ids and sees that they are those on record. */
static enum cf_code build_prompt(struct replay *replay, struct cf_err *err)
{
    const struct cf_replay_reply *reply = replay->reply;
    const struct cf_recipe_job *job = &replay->recipe->jobs[replay->j];
    struct cf_turn *turns = cf_calloc(reply->n_turns + 1, sizeof *turns);
    struct cf_buf begun = CF_BUF_INIT;
    struct cf_prompt prompt = CF_PROMPT_INIT;
    cf_tokenizer_decode(replay->tokenizer, replay->own, (size_t)job->begin, &begun);
    struct cf_prompt_budget budget = {.n_ctx = replay->recipe->head.n_ctx,
                                      .max_tokens = job->max_tokens};
    size_t n_turns = collect_turns(replay, turns, &budget.start, &begun);
    enum cf_code code = cf_prompt_build(&prompt, replay->tokenizer, reply->template, reply->system,
                                        turns, n_turns, &budget, err);
    if (code == CF_OK) {
        size_t n_own = job->begin > 0
                           ? cf_prompt_n_open(&prompt, n_turns - 1, replay->own, (size_t)job->begin)
                           : 0;
        size_t n_prompt = prompt.ids.n - n_own;
        struct cf_digest digest;
        cf_recipe_digest_ids(&digest, prompt.ids.data, n_prompt);
        if (n_prompt != (size_t)job->n_prompt || !cf_digest_equal(&digest, &job->prompt_digest)) {
            code = cf_err_set(err, CF_ERR_MISMATCH,
                              "what the model was given is no longer what it was: a message before "
                              "the reply has changed since");
        }
    }
    if (code == CF_OK) {
        cf_ids_truncate(&replay->ids, 0);
        cf_ids_add_all(&replay->ids, prompt.ids.data, prompt.ids.n);
    }
    cf_prompt_release(&prompt);
    cf_buf_release(&begun);
    free(turns);
    return code;
}

/* Evaluates what stands before the job's first token, the way it was done then. */
static enum cf_code evaluate(struct replay *replay, struct cf_err *err)
{
    const struct cf_recipe_job *job = &replay->recipe->jobs[replay->j];
    struct cf_eval_run *runs = cf_calloc(job->n_paths + 1, sizeof *runs);
    int32_t n_covered = 0;
    for (size_t i = 0; i < job->n_paths; i++) {
        const struct cf_recipe_path *path = &replay->recipe->paths[replay->path + i];
        runs[i] = (struct cf_eval_run){.n = path->n, .path = (enum cf_eval_path)path->path};
        n_covered += path->n;
    }
    enum cf_code code =
        n_covered < (int32_t)replay->ids.n
            ? cf_err_set(err, CF_ERR_MISMATCH,
                         "nothing was recorded of how the prompt was evaluated: the reply was cut "
                         "short too early")
            : cf_session_sync_runs(replay->session, replay->branch, replay->ids.data,
                                   (int32_t)replay->ids.n, runs, job->n_paths, replay->interrupt,
                                   err);
    free(runs);
    return code;
}

static void compare(struct replay *replay, int32_t k, const struct cf_choice *choice)
{
    struct cf_replay_result *result = replay->result;
    const struct cf_recipe_token *token = &replay->recipe->tokens[k];
    result->n_compared++;
    if (choice->id == token->id) {
        result->n_same++;
        result->n_p_same += memcmp(&choice->p, &token->p, sizeof token->p) == 0 &&
                            memcmp(&choice->p_raw, &token->p_raw, sizeof token->p_raw) == 0;
        return;
    }
    if (result->first < 0) {
        result->first = k;
        result->id = token->id;
        result->id_now = choice->id;
        result->p = token->p;
        result->p_now = 0;
        for (int32_t i = 0; i < choice->n_candidates; i++) {
            if (choice->candidates[i].id == token->id) {
                result->p_now = choice->candidates[i].p;
            }
        }
    }
}

/* Draws token K again and feeds the one on record. */
static enum cf_code make_token(struct replay *replay, int32_t k, bool is_last, struct cf_err *err)
{
    const struct cf_recipe *recipe = replay->recipe;
    const struct cf_recipe_job *job = &recipe->jobs[replay->j];
    const struct cf_recipe_token *token = &recipe->tokens[k];
    bool is_drawn = token->origin == CF_TOKEN_DRAWN;
    struct cf_history history = {.n_prompt = job->n_prompt};
    history.ids = cf_session_ids(replay->session, replay->branch, &history.n);
    const float *logits = cf_session_logits(replay->session, replay->branch);
    struct cf_choice choice;
    cf_sampler_sample(replay->sampler, logits, cf_recipe_sampling_at(recipe, k), &history,
                      job->seed, job->stream, (uint32_t)(k - job->begin) + job->first_draw,
                      is_drawn ? -1 : token->id, &choice);
    if (is_drawn) {
        compare(replay, k, &choice);
    }
    if (replay->fn != NULL) {
        const struct cf_replay_token told = {
            .index = k, .choice = &choice, .logits = logits, .history = &history};
        replay->fn(replay->arg, &told);
    }
    if (is_last) {
        return CF_OK;
    }
    /* What comes next is on record: it goes along in the same pass. */
    const int32_t end = job_end(recipe, replay->j);
    const int32_t n_left = end - 1 - (k + 1);
    /* With the one compared as many rows as kernels take at once. */
    const int n_ahead = n_left < CF_GUESS_MAX ? (int)n_left : CF_GUESS_MAX;
    return cf_session_decode_ahead(replay->session, replay->branch, token->id, replay->own + k + 1,
                                   n_ahead, replay->interrupt, err);
}

/* What a fork inherited whole needs no doing: the next job's prompt holds it. */
static bool has_drawn(const struct cf_recipe *recipe, int32_t begin, int32_t end)
{
    while (begin < end && recipe->tokens[begin].origin != CF_TOKEN_DRAWN) {
        begin++;
    }
    return begin < end;
}

static enum cf_code do_job(struct replay *replay, struct cf_err *err)
{
    int32_t begin = replay->recipe->jobs[replay->j].begin;
    int32_t end = job_end(replay->recipe, replay->j);
    bool is_compared = has_drawn(replay->recipe, begin, end);
    if (begin == end || (!is_compared && replay->fn == NULL)) {
        return CF_OK;
    }
    enum cf_code code = build_prompt(replay, is_compared ? err : NULL);
    if (code == CF_ERR_MISMATCH && !is_compared) {
        return CF_OK;
    }
    if (code == CF_OK) {
        code = evaluate(replay, err);
    }
    for (int32_t k = begin; k < end && code == CF_OK; k++) {
        code = make_token(replay, k, k + 1 == end, err);
    }
    return code;
}

enum cf_code cf_replay_run(struct cf_replay_result *result, const struct cf_replay_reply *reply,
                           struct cf_session *session, int branch,
                           const struct cf_tokenizer *tokenizer, cf_replay_fn *fn, void *arg,
                           const struct cf_interrupt *interrupt, struct cf_err *err)
{
    const struct cf_recipe *recipe = reply->recipe;
    struct cf_replay_result found = {.n_tokens = (int32_t)recipe->n_tokens, .first = -1};
    struct replay replay = {.reply = reply,
                            .recipe = recipe,
                            .session = session,
                            .branch = branch,
                            .tokenizer = tokenizer,
                            .interrupt = interrupt,
                            .fn = fn,
                            .arg = arg,
                            .result = &found};
    replay.sampler = cf_sampler_new(cf_session_model(session)->n_vocab);
    replay.own = cf_calloc(recipe->n_tokens + 1, sizeof replay.own[0]);
    for (size_t i = 0; i < recipe->n_tokens; i++) {
        replay.own[i] = recipe->tokens[i].id;
    }
    enum cf_code code = CF_OK;
    for (; replay.j < recipe->n_jobs && code == CF_OK; replay.j++) {
        code = do_job(&replay, err);
        replay.path += recipe->jobs[replay.j].n_paths;
        replay.pinned += recipe->jobs[replay.j].n_pinned;
    }
    cf_sampler_free(replay.sampler);
    cf_ids_release(&replay.ids);
    free(replay.own);
    if (code == CF_OK) {
        *result = found;
    }
    return code;
}
