/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of worker share: its inside, seen by nobody else. */
#ifndef CF_WORKER_PRIVATE_H
#define CF_WORKER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "guess.h"
#include "worker.h"

enum { CF_WORKER_STEPS_MAX = 256 };

/* Room that a job's events take at most. */
struct cf_batch_bound {
    size_t n_events;
    size_t text_size;
    size_t n_runs;
};

/* The last pass of a reply that guesses, and what guessing has brought so far. */
struct cf_worker_guessing {
    struct cf_guess guess;
    int n;                  /* tokens guessed */
    int64_t n_ahead_before; /* the session's count before them */
    double seconds;         /* that it took; 0: none to learn from */
};

struct cf_worker {
    /* Set before the thread starts. */
    struct cf_worker_params params;
    char *model_path;
    pthread_t thread;

    /* The worker's own; the front reads model to kv_type once it has taken CF_EVENT_LOADED. */
    struct cf_model *owned_model;
    struct cf_tokenizer *owned_tokenizer;
    const struct cf_model *model;
    const struct cf_tokenizer *tokenizer;
    int32_t n_ctx;
    enum cf_dtype kv_type;
    struct cf_pool *pool;
    struct cf_session *session;
    struct cf_sampler *sampler;
    struct cf_worker_guessing guessing;
    size_t piece_size_max;        /* bytes of the longest token */
    struct cf_err load_err;       /* CF_OK: loaded */
    const struct cf_job *running; /* what interrupt is asked for */
    uint32_t knobs_seen;          /* version of the mailbox read last */

    /* Read without the mutex, between layers and tokens. */
    atomic_bool quits;
    _Atomic uint64_t cancelled_to;  /* every job up to this number is to end */
    _Atomic uint64_t newest;        /* number of the job submitted last */
    _Atomic uint32_t knobs_version; /* of the mailbox */
    _Atomic uint64_t held_job;      /* the job that is to pause; 0: none */
    _Atomic double pace;            /* tokens a second at most; 0: any number */

    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* something below or above has changed: look again */
    struct cf_job *first, **last;
    uint64_t knobs_job;
    struct cf_sampling knobs;
    int32_t steps[CF_WORKER_STEPS_MAX]; /* of held_job: tokens to make, -1 a drawn one */
    size_t n_steps;
    bool resumes;                /* held_job is to be freed once its steps are made */
    struct cf_batch *in;         /* filled by the worker */
    struct cf_batch_bound bound; /* room that the next batch must have */

    /* The front's. */
    struct cf_batch batches[2];
    struct cf_batch *out; /* taken last */
    uint64_t next_number;
    bool is_loaded; /* CF_EVENT_LOADED was taken */
};

/* --- worker_batch.c --- */

void cf_batch_release(struct cf_batch *batch);
/* Makes sure that events within BOUND go into the batch without allocating, whenever the front
 * swaps. */
void cf_worker_reserve(struct cf_worker *worker, struct cf_batch_bound bound);
/* Adds an event with its text to the batch; room was reserved. */
void cf_worker_emit(struct cf_worker *worker, const struct cf_event *event, const void *text,
                    size_t text_size);
/* The same with runs. */
void cf_worker_emit_with_runs(struct cf_worker *worker, const struct cf_event *event,
                              const struct cf_buf *text, const struct cf_eval_run *runs,
                              size_t n_runs);
/* Takes the place of an event of the same kind and alternative that is still in the batch behind
 * the last token; else adds it. */
void cf_worker_emit_replacing(struct cf_worker *worker, const struct cf_event *event);

/* --- worker_job.c, worker_reply.c --- */

/* Whether the running job is to stop between two layers: arg is the worker. */
bool cf_worker_is_interrupted(void *arg);
/* Ends a job without having done it. */
void cf_worker_end_unbegun(struct cf_worker *worker, const struct cf_job *job,
                           enum cf_end_reason reason, const struct cf_err *err);
/* Does a job and emits its events, END included. */
void cf_worker_do(struct cf_worker *worker, struct cf_job *job);

/* What a job has come to so far. */
struct cf_progress {
    /* Seconds on the monotonic clock; first and last: of its tokens.  Moved on by what it was held.
     */
    double began, first, last;
    int32_t n_prompt, n_reused;
    int64_t n_evaluated_before; /* by the session, when the job began */
    int32_t n_tokens;           /* new ones, all alternatives together */
    int32_t n_firsts;           /* alternatives that have a token */
    enum cf_end_reason reason;  /* of alternative 0 */
    bool is_paused;             /* as told last */
};
/* The times of a job, or of a reply of it, that ends now: its FIRST token (0: none came), and how
 * many came after. */
struct cf_times cf_worker_times(const struct cf_progress *progress, double first,
                                int32_t n_after_first);
/* Decodes alternatives FIRST to FIRST + N together; branch 0 of branches holds prompt and prefix.
 * CF_ERR_CANCELLED when the job is to end. */
enum cf_code cf_worker_wave(struct cf_worker *worker, const struct cf_job *job, int32_t first,
                            int32_t n, const int *branches, struct cf_progress *progress,
                            struct cf_err *err);

/* worker_guess.c: cf_session_decode of one branch with guesses where they pay. */
enum cf_code cf_worker_decode_guessing(struct cf_worker *worker, int branch, int32_t id,
                                       const struct cf_interrupt *interrupt, struct cf_err *err);

#endif
