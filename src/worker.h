/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker: the inference thread.  Jobs go in, events come out, orders reach a job while it runs.
 *
 * One thread (the front) calls every function here; the worker's own thread loads the model, holds
 * session and samplers and does all of the work.  No function here waits for the model but
 * cf_worker_free.
 *
 * Invariants:
 *  1. every job submitted gets exactly one CF_EVENT_END, the last event that names it, also when it
 *     failed, was cancelled before it began, or was pre-empted;
 *  2. a job's events are bounded in number, and room for all of them is taken before its first
 *     token: while decoding nothing allocates, blocks or is dropped;
 *  3. the only mutex is held to copy; the wake is signalled only when the batch was empty;
 *  4. events come in order; token K of an alternative comes after its token K - 1;
 *  5. cancelling a job cancels those submitted before it and never one submitted after it.
 *
 * Numbers: what a job yields depends on its ids, settings, seed and stream, and on nothing else
 * (DESIGN section 5): neither on threads, nor on the number of alternatives decoded beside it. */
#ifndef CF_WORKER_H
#define CF_WORKER_H

#include "buf.h"
#include "err.h"
#include "ids.h"
#include "model.h"
#include "reply.h"
#include "sampler.h"
#include "session.h"
#include "stop.h"
#include "tokenizer.h"
#include "wake.h"

struct cf_worker;

/* Alternatives that are decoded together; a job of more goes in waves. */
enum { CF_WORKER_BATCH_MAX = 8, CF_WORKER_ALTERNATIVES_MAX = 64 };

struct cf_worker_params {
    const char *model_path; /* opened on the worker's thread; copied */
    /* Or, with model_path NULL, both given and outliving the worker. */
    const struct cf_model *model;
    const struct cf_tokenizer *tokenizer;
    bool has_dtype; /* the file's weights are converted to dtype when they are loaded */
    enum cf_dtype dtype;
    bool guesses;     /* next tokens are guessed (src/guess.h), where that is faster */
    int n_threads;    /* at least 1 */
    int32_t n_ctx;    /* 0: the model's */
    bool has_kv_type; /* else F32 for F32 weights and F16 for all others */
    enum cf_dtype kv_type;
    const struct cf_wake *wake; /* signalled when events are ready; outlives the worker */
};

enum cf_job_kind {
    CF_JOB_GENERATE, /* evaluates the prompt and makes tokens */
    CF_JOB_CALL,     /* calls build, which may use session, branch and sampler as it likes, and no
                        more; gives way like idle work */
    CF_JOB_EVALUATE, /* idle work: evaluates the prompt, so that it is in the cache; pre-empted
                        within a layer by anything submitted after it */
};

/* The sampling settings in force from token FROM of the reply on. */
struct cf_sampling_run {
    int32_t from;
    struct cf_sampling sampling;
};

/* What build may use.  All of it stays with the worker. */
struct cf_worker_engine {
    const struct cf_model *model;
    const struct cf_tokenizer *tokenizer;
    int32_t n_ctx;
    enum cf_dtype kv_type;
    struct cf_interrupt interrupt; /* true: something else is to be done; give up */
    /* For a CF_JOB_CALL: */
    struct cf_session *session;
    int branch; /* the one that replies use last */
    struct cf_sampler *sampler;
};

/* A job.  The front owns it and all it points to, and leaves it alone from cf_worker_submit until
 * it has taken the job's CF_EVENT_END (or cf_worker_free has returned).  Zero-initialised is a job
 * without anything in it. */
struct cf_job {
    enum cf_job_kind kind;

    /* What is evaluated before the first token: ids, or, when BUILD is given, what build appends to
     * ids.  Build runs on the worker's thread before anything is evaluated and may write to what
     * ARG points to and to ids, n_own, prefix and n_prefix of the job; the front may read all of
     * that once it has taken CF_EVENT_BUILT or CF_EVENT_END. */
    struct cf_ids ids;
    enum cf_code (*build)(void *arg, const struct cf_worker_engine *engine, struct cf_ids *ids,
                          struct cf_err *err);
    void *arg;

    /* The beginning of the reply, if it has one: tokens that are there already (a continuation, a
     * fork).  They get no events of their own but CF_EVENT_PREFIX.  The last n_own of ids are its
     * last ones; fewer than n_prefix only where the context has no room for all. */
    const int32_t *prefix;
    int32_t n_prefix;
    int32_t n_own;
    /* Tokens that are taken instead of drawn, from token n_prefix on. */
    const int32_t *forced;
    int32_t n_forced;

    int32_t n_alternatives; /* 0 counts as 1 */
    uint64_t seed;
    uint32_t stream;    /* of alternative 0; alternative j draws from stream + j */
    int32_t max_tokens; /* new tokens of one alternative, prefix not counted; at least 1 */
    struct cf_sampling sampling;
    /* A comparison: each alternative has settings of its own, [n_alternatives], and all draw from
     * the one stream.  Knobs turned meanwhile are alternative 0's.  NULL: all share sampling. */
    const struct cf_sampling *samplings;
    /* Settings known ahead (a replay), ascending by FROM; they take the place of sampling. */
    const struct cf_sampling_run *schedule;
    size_t n_schedule;

    const struct cf_texts *stops; /* texts that end the reply and are no part of it; NULL: none */
    const int32_t *stop_ids;      /* tokens that do */
    size_t n_stop_ids;

    /* How the positions of prompt and prefix are evaluated (a replay); n_runs 0: freely. */
    const struct cf_eval_run *runs;
    size_t n_runs;
    bool starts_paused;
    bool stops_loops; /* a reply that goes round in circles (loop.h) ends with CF_END_LOOP */

    uint64_t number;     /* set by cf_worker_submit */
    struct cf_job *next; /* the worker's */
};

enum cf_event_kind {
    CF_EVENT_LOADED,      /* model and tokenizer are open: cf_worker_model and so on answer */
    CF_EVENT_LOAD_FAILED, /* err; jobs end with that error from now on */
    CF_EVENT_BUILT,       /* build has succeeded; the prompt is about to be evaluated */
    CF_EVENT_STARTED,     /* the prompt is evaluated (GENERATE only) */
    CF_EVENT_PREFIX,      /* of an alternative: text is what may be shown of the prefix */
    CF_EVENT_TOKEN,  /* of an alternative: choice, origin and what may be shown because of it */
    CF_EVENT_KNOBS,  /* settings in force from token INDEX of the reply on */
    CF_EVENT_PAUSED, /* before token INDEX; choice is what would be drawn.  Comes again, taking
                        the place of one not yet taken, when a knob is turned meanwhile */
    CF_EVENT_RESUMED,
    CF_EVENT_FINISHED, /* of an alternative: reason, and the text that was still held back */
    CF_EVENT_END,      /* of the job */
};

/* In seconds on the worker's clock; what a reply was held does not count. */
struct cf_times {
    double to_first;          /* from when the job began to its first token; 0 without one */
    double all;               /* from when it began to the end */
    double tokens_per_second; /* after the first token; 0: unknown */
};

struct cf_event {
    enum cf_event_kind kind;
    enum cf_end_reason reason; /* FINISHED, END */
    uint64_t job;              /* 0: LOADED, LOAD_FAILED */
    int32_t alternative;       /* PREFIX, TOKEN, PAUSED, FINISHED */
    int32_t index;             /* TOKEN, KNOBS, PAUSED: of the token in the reply, prefix counted */
    enum cf_token_origin origin;
    size_t text_offset; /* of the text in the batch's: PREFIX, TOKEN, FINISHED, errors */
    size_t text_size;
    size_t runs_offset; /* STARTED, FINISHED: how positions were evaluated, first first; in the
                           batch's runs */
    size_t n_runs;
    union {
        struct cf_choice choice; /* TOKEN, PAUSED */
        struct {
            uint32_t version; /* what cf_worker_turn returned; 0: from the schedule */
            struct cf_sampling sampling;
        } knobs;
        struct {
            int32_t n_prompt;    /* tokens of the prompt, those of the reply itself not counted */
            int32_t n_reused;    /* positions found in the cache */
            int32_t n_evaluated; /* positions evaluated before the first token */
            double seconds;      /* that it took */
        } started;
        struct {
            int32_t n_tokens;      /* of the reply, prefix counted */
            int32_t n_text_tokens; /* of those, how many lie wholly before the stop */
            struct cf_times times; /* after its own first token */
        } finished;
        struct {
            int32_t n_tokens;    /* new tokens, all alternatives together */
            int32_t n_evaluated; /* positions evaluated in all */
            int32_t n_reused;
            struct cf_times times; /* after the first token of each alternative */
        } end;
    } u;
    enum cf_code code; /* LOAD_FAILED, END with CF_END_ERROR: the text is the sentence */
};

/* What has happened since the last take. */
struct cf_batch {
    struct cf_event *events;
    size_t n_events;
    struct cf_buf text;
    struct cf_eval_run *runs;
    size_t n_runs;
    size_t events_capacity, runs_capacity;
};

/* Starts the thread, which opens the model at once.  CF_ERR_IO when no thread can be made. */
enum cf_code cf_worker_new(struct cf_worker **worker, const struct cf_worker_params *params,
                           struct cf_err *err);
/* Cancels everything, waits for the thread (a layer at most; for a model being opened, until it is
 * open) and frees the worker with the model it opened. */
void cf_worker_free(struct cf_worker *worker);

/* Gives the job a number, greater than all before.  Jobs are done in order; idle work gives way to
 * everything submitted after it. */
uint64_t cf_worker_submit(struct cf_worker *worker, struct cf_job *job);
/* Ends job NUMBER and every one before it, between two layers.  What was evaluated stays cached. */
void cf_worker_cancel(struct cf_worker *worker, uint64_t number);
/* Settings for the next token of job NUMBER, if that runs or waits.  Returns the version that the
 * event KNOBS answers with; turns that follow each other within one token are answered once. */
uint32_t cf_worker_turn(struct cf_worker *worker, uint64_t number,
                        const struct cf_sampling *sampling);

/* Tokens a second that replies get at most from now on; 0, as it begins: as fast as they can.  It
 * changes nothing of what a job yields; orders reach a job that waits for its next token at once,
 * and knobs hold for that token. */
void cf_worker_set_pace(struct cf_worker *worker, double tokens_per_second);

/* Holds job NUMBER before its next token. */
void cf_worker_pause(struct cf_worker *worker, uint64_t number);
void cf_worker_resume(struct cf_worker *worker, uint64_t number);
/* Paused: makes one token, FORCED >= 0 that one, and holds again.  Steps add up; those asked for
 * before a resume are made first. */
void cf_worker_step(struct cf_worker *worker, uint64_t number, int32_t forced);

/* Everything that has happened since the last call; valid until the next call.  Never NULL. */
const struct cf_batch *cf_worker_take(struct cf_worker *worker);

/* After CF_EVENT_LOADED, else NULL and 0.  Const, for any thread, until cf_worker_free. */
const struct cf_model *cf_worker_model(const struct cf_worker *worker);
const struct cf_tokenizer *cf_worker_tokenizer(const struct cf_worker *worker);
int32_t cf_worker_n_ctx(const struct cf_worker *worker);
enum cf_dtype cf_worker_kv_type(const struct cf_worker *worker);

#endif
