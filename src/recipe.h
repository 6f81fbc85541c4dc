/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe: everything that is needed to make a reply again, bit for bit, as one compact versioned
 * blob that the store keeps beside the reply's text.
 *
 * The head says what computed the numbers and from which prompt; then comes one entry a generated
 * token; then runs: which settings were in force from which token on, where one job ended and the
 * next began, and how each position's KV was computed.  A token that ended the reply (end of text)
 * is an entry like any other; tokens held back or cut off by a stop string are entries too, the
 * stored text says what was shown.
 *
 * Invariants (cf_recipe_assert_sane):
 *  1. the first settings run begins at token 0, borders strictly ascend and lie inside [0,
 * n_tokens] (a knob turned before the next token is a run that begins at n_tokens);
 *  2. the same holds for the jobs, of which there is at least one once a token exists;
 *  3. every path run has at least one position and belongs to a job.
 *
 * Format and its promise: recipe.c.  A blob of a newer version is refused with CF_ERR_NEWER, broken
 * bytes with CF_ERR_CORRUPT; nothing in it is trusted and no count in it is allocated before the
 * bytes that it announces were seen to be there. */
#ifndef CF_RECIPE_H
#define CF_RECIPE_H

#include "buf.h"
#include "digest.h"
#include "dtype.h"
#include "err.h"
#include "reply.h"
#include "sampler.h"

enum { CF_RECIPE_VERSION = 1, CF_RECIPE_NAME_SIZE = 32 };

struct cf_recipe_token {
    int32_t id;
    int32_t rank; /* by raw probability, 0 the likeliest */
    float p_raw;  /* probability under the raw model */
    float p;      /* probability in force; 0 for a forced token that the filters had cut */
    enum cf_token_origin origin; /* of a copied one the numbers are the original's */
};

/* The sampling settings in force from token BEGIN to the next run's. */
struct cf_recipe_knobs {
    int32_t begin;
    struct cf_sampling sampling;
};

/* A job that generated tokens from BEGIN on: a reply that was stopped and continued has several.
 * Draw k of a job is draw k - begin + first_draw of its stream. */
struct cf_recipe_job {
    int32_t begin;
    int32_t max_tokens; /* the limit that held for this job */
    int64_t started_ms; /* UTC */
    uint64_t seed;
    uint32_t stream; /* the alternative's number */
    uint32_t first_draw;
    int32_t window_start; /* index in the branch of the first turn that the prompt holds; 0: all */
    int32_t n_prompt;     /* tokens of the prompt (for a continuation: without the reply's own) */
    struct cf_digest prompt_digest; /* SHA-256 of the n_prompt ids, each as
                                                           4 bytes little endian */
    size_t n_paths;  /* runs in the recipe's paths, behind those of the jobs before: how every
                        position up to the job's last token was computed; what a job before made may
                        have been evaluated again, another way */
    size_t n_pinned; /* places in the recipe's pinned, behind those of the jobs before: the turns
                        before window_start that the prompt holds because they were pinned */
};

/* How the KV of the next n positions was computed, each job beginning at position 0: an enum
 * cf_eval_path. */
struct cf_recipe_path {
    int32_t n;
    uint8_t path;
};

struct cf_recipe_head {
    struct cf_digest model_digest;    /* SHA-256 of the model's files */
    struct cf_digest template_digest; /* of the template's text as stored */
    struct cf_digest system_digest;   /* of the system prompt; of "" if none */
    enum cf_dtype dtype;              /* type the weights were loaded as */
    enum cf_dtype kv_type;
    char instruction_set[CF_RECIPE_NAME_SIZE]; /* name of the kernels, NUL-terminated; for weights
                                                  that may go through GEMM also of OpenBLAS':
                                                  "avx2, Zen 0.3.21" */
    uint32_t kernel_version;
    uint32_t sampler_version;
    int32_t n_ctx; /* positions the session could hold */
};

/* Zero-initialised is empty.  The arrays are the recipe's own; read them freely, grow them through
 * the functions below. */
struct cf_recipe {
    struct cf_recipe_head head;
    struct cf_recipe_token *tokens;
    size_t n_tokens, tokens_capacity;
    struct cf_recipe_knobs *knobs;
    size_t n_knobs, knobs_capacity;
    struct cf_recipe_job *jobs;
    size_t n_jobs, jobs_capacity;
    struct cf_recipe_path *paths;
    size_t n_paths, paths_capacity;
    int32_t *pinned; /* indexes in the branch, ascending within a job */
    size_t n_pinned, pinned_capacity;
    struct cf_buf token_bytes; /* the entries encoded so far; private */
};

void cf_recipe_init(struct cf_recipe *recipe, const struct cf_recipe_head *head);
void cf_recipe_release(struct cf_recipe *recipe);
/* Makes room for EXTRA more tokens, so that adding them allocates nothing. */
void cf_recipe_reserve(struct cf_recipe *recipe, size_t extra);

/* A job begins at the next token; job->begin, n_paths and n_pinned are set here. */
void cf_recipe_add_job(struct cf_recipe *recipe, const struct cf_recipe_job *job);
/* The settings in force from token BEGIN on, which is at most n_tokens and at least the last run's
 * begin: equal replaces that run, settings equal to those already in force add nothing. */
void cf_recipe_add_knobs(struct cf_recipe *recipe, int32_t begin,
                         const struct cf_sampling *sampling);
void cf_recipe_add_token(struct cf_recipe *recipe, const struct cf_recipe_token *token);
/* Replaces the path runs of the last job, of which there is one, by paths[0..n). */
void cf_recipe_set_paths(struct cf_recipe *recipe, const struct cf_recipe_path *paths, size_t n);
/* Adds the place of a pinned turn to the last job, of which there is one: greater than those the
 * job has already. */
void cf_recipe_add_pinned(struct cf_recipe *recipe, int32_t place);
/* The first N tokens of FROM, marked as copied, with the settings and jobs that made them, as the
 * beginning of TO, which holds a head and no tokens: a fork. */
void cf_recipe_copy_prefix(struct cf_recipe *to, const struct cf_recipe *from, int32_t n);
/* The digest of a prompt's ids as cf_recipe_job has it. */
void cf_recipe_digest_ids(struct cf_digest *digest, const int32_t *ids, size_t n);
/* The settings in force for token K. */
const struct cf_sampling *cf_recipe_sampling_at(const struct cf_recipe *recipe, int32_t k);
/* The index of the job that made token K. */
size_t cf_recipe_job_at(const struct cf_recipe *recipe, int32_t k);

/* Appends the blob to blob.  Costs a copy of the bytes, not an encoding of all tokens: calling it
 * every few tokens of a long reply is cheap. */
void cf_recipe_encode(const struct cf_recipe *recipe, struct cf_buf *blob);
/* CF_ERR_NEWER, CF_ERR_CORRUPT; *recipe is to be released. */
enum cf_code cf_recipe_decode(struct cf_recipe *recipe, const void *blob, size_t size,
                              struct cf_err *err);
/* Only the head, for the store and lists. */
enum cf_code cf_recipe_decode_head(struct cf_recipe_head *head, const void *blob, size_t size,
                                   struct cf_err *err);

void cf_recipe_assert_sane(const struct cf_recipe *recipe);

#endif
