/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alternatives of a reply, decoded together token by token.
 *
 * Everything that a wave needs is taken before its first token; from there on nothing allocates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "worker_private.h"

/* Where the text of a token ends that has none: behind everything that may be shown. */
#define NEVER_SHOWN SIZE_MAX

/* One reply being written. */
struct alternative {
    int32_t number; /* within the job */
    int branch;
    int32_t n_tokens; /* prefix counted */
    enum cf_end_reason reason;
    struct cf_detokenizer detokenizer;
    struct cf_stop *stop;
    size_t n_fed; /* bytes given to stop, those held by the detokenizer counted */
    size_t *ends; /* [n_prefix + max_tokens]: n_fed after each token */
    struct cf_sampling sampling;
    struct cf_sampler *sampler; /* of its own, so that all can draw at once */
    struct cf_choice choice;    /* of the token drawn last */
    struct cf_loop loop;
};

struct wave {
    struct cf_worker *worker;
    const struct cf_job *job;
    struct cf_progress *progress;
    struct alternative alternatives[CF_WORKER_BATCH_MAX];
    int32_t n;
    int32_t index;  /* of the token to come in each reply that has not ended */
    int32_t forced; /* what that token is to be; -1: drawn */
    struct cf_sampling sampling;
    bool has_read_knobs; /* what was turned before this wave began is in force */
    size_t n_schedule;   /* runs of the schedule already in force */
    double first;        /* when its first token came, moved on by what it was held; 0: none yet */
    double paced_at;     /* when the last token was due, while there is a pace */
    struct cf_buf whole; /* characters that came out of the detokenizer */
    struct cf_buf shown; /* text that may be shown */
};

static int32_t n_tokens_max(const struct wave *wave)
{
    /* The context ends a reply whatever max_tokens says: room for more would be wasted. */
    int32_t room = wave->worker->n_ctx - (int32_t)wave->job->ids.n + 1;
    return wave->job->max_tokens < room ? wave->job->max_tokens : room;
}

static void wave_init(struct wave *wave, const int *branches, int32_t first)
{
    static const struct cf_texts none;
    const struct cf_job *job = wave->job;
    size_t n_each = (size_t)job->n_prefix + (size_t)n_tokens_max(wave);
    size_t text_size = n_each * wave->worker->piece_size_max;
    for (int32_t i = 0; i < wave->n; i++) {
        struct alternative *alternative = &wave->alternatives[i];
        *alternative = (struct alternative){.number = first + i, .branch = branches[i]};
        alternative->sampling = job->samplings != NULL ? job->samplings[first + i] : wave->sampling;
        alternative->sampler =
            i == 0 ? wave->worker->sampler : cf_sampler_new(wave->worker->model->n_vocab);
        alternative->stop = cf_stop_new(job->stops != NULL ? job->stops : &none);
        alternative->ends = cf_calloc(n_each, sizeof alternative->ends[0]);
    }
    cf_buf_init(&wave->whole);
    cf_buf_init(&wave->shown);
    cf_buf_reserve(&wave->whole, text_size + sizeof(struct cf_detokenizer));
    cf_buf_reserve(&wave->shown, text_size + sizeof(struct cf_detokenizer));
    size_t n_runs = 0;
    (void)cf_session_runs(wave->worker->session, branches[0], &n_runs);
    size_t n = (size_t)wave->n;
    /* Each token may come with one PAUSED of its own and, for all alternatives, one KNOBS and one
     * RESUMED; then PREFIX and FINISHED. */
    size_t n_events = n_each * (2 * n + 2) + 2 * n + 2;
    cf_worker_reserve(wave->worker, (struct cf_batch_bound){.n_events = n_events,
                                                            .text_size = n * (text_size + 16),
                                                            .n_runs = n * (n_runs + 2)});
}

static void wave_release(struct wave *wave)
{
    for (int32_t i = 0; i < wave->n; i++) {
        if (i > 0) {
            cf_sampler_free(wave->alternatives[i].sampler);
        }
        cf_stop_free(wave->alternatives[i].stop);
        free(wave->alternatives[i].ends);
    }
    cf_buf_release(&wave->whole);
    cf_buf_release(&wave->shown);
}

/* Takes a token into the text; what may be shown because of it is wave->shown.  True when a stop
 * text is complete. */
static bool add_text(struct wave *wave, struct alternative *alternative, int32_t id)
{
    const struct cf_tokenizer *tokenizer = wave->worker->tokenizer;
    alternative->n_fed += cf_tokenizer_spelled_size(tokenizer, id);
    alternative->ends[alternative->n_tokens++] = alternative->n_fed;
    cf_buf_clear(&wave->whole);
    cf_buf_clear(&wave->shown);
    cf_detokenizer_add(&alternative->detokenizer, tokenizer, id, &wave->whole);
    return cf_stop_feed(alternative->stop, wave->whole.data, wave->whole.size, &wave->shown);
}

static bool is_stop_id(const struct cf_job *job, int32_t id)
{
    for (size_t i = 0; i < job->n_stop_ids; i++) {
        if (job->stop_ids[i] == id) {
            return true;
        }
    }
    return false;
}

struct cf_times cf_worker_times(const struct cf_progress *progress, double first,
                                int32_t n_after_first)
{
    struct cf_times times = {.all = cf_clock_s() - progress->began};
    double decoding = progress->last - first;
    if (first > 0) {
        times.to_first = first - progress->began;
    }
    if (n_after_first > 0 && decoding > 0) {
        times.tokens_per_second = n_after_first / decoding;
    }
    return times;
}

static void emit_finished(struct wave *wave, struct alternative *alternative)
{
    cf_buf_clear(&wave->whole);
    cf_buf_clear(&wave->shown);
    if (cf_stop_matched(alternative->stop) == NULL) {
        cf_detokenizer_finish(&alternative->detokenizer, &wave->whole);
        (void)cf_stop_feed(alternative->stop, wave->whole.data, wave->whole.size, &wave->shown);
        cf_stop_finish(alternative->stop, &wave->shown);
    }
    size_t n_passed = cf_stop_n_passed(alternative->stop);
    int32_t n_text = 0;
    while (n_text < alternative->n_tokens && alternative->ends[n_text] <= n_passed) {
        n_text++;
    }
    struct cf_event event = {.kind = CF_EVENT_FINISHED,
                             .job = wave->job->number,
                             .alternative = alternative->number,
                             .reason = alternative->reason};
    event.u.finished.n_tokens = alternative->n_tokens;
    event.u.finished.n_text_tokens = n_text;
    event.u.finished.times = cf_worker_times(wave->progress, wave->first,
                                             alternative->n_tokens - wave->job->n_prefix - 1);
    size_t n_runs = 0;
    const struct cf_eval_run *runs =
        cf_session_runs(wave->worker->session, alternative->branch, &n_runs);
    cf_worker_emit_with_runs(wave->worker, &event, &wave->shown, runs, n_runs);
    if (alternative->number == 0) {
        wave->progress->reason = alternative->reason;
    }
}

/* The tokens that are there already, as one text.  A stop text among them ends the reply. */
static void add_prefix(struct wave *wave, struct alternative *alternative)
{
    const struct cf_job *job = wave->job;
    if (job->n_prefix == 0) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_reserve(&text, wave->whole.capacity);
    for (int32_t i = 0; i < job->n_prefix && alternative->reason == CF_END_NONE; i++) {
        if (add_text(wave, alternative, job->prefix[i])) {
            alternative->reason = CF_END_STOP;
        }
        cf_buf_add(&text, wave->shown.data, wave->shown.size);
    }
    const struct cf_event event = {
        .kind = CF_EVENT_PREFIX, .job = job->number, .alternative = alternative->number};
    cf_worker_emit(wave->worker, &event, text.data, text.size);
    cf_buf_release(&text);
    if (alternative->reason != CF_END_NONE) {
        emit_finished(wave, alternative);
    }
}

static void emit_knobs(struct wave *wave, uint32_t version)
{
    struct cf_event event = {
        .kind = CF_EVENT_KNOBS, .job = wave->job->number, .index = wave->index};
    event.u.knobs.version = version;
    event.u.knobs.sampling = wave->sampling;
    cf_worker_emit_replacing(wave->worker, &event);
}

/* Takes over settings that are due at this token.  True when there were any. */
static bool read_knobs(struct wave *wave)
{
    struct cf_worker *worker = wave->worker;
    const struct cf_job *job = wave->job;
    bool is_turned = false;
    while (wave->n_schedule < job->n_schedule &&
           job->schedule[wave->n_schedule].from <= wave->index) {
        wave->sampling = job->schedule[wave->n_schedule++].sampling;
        is_turned = true;
    }
    uint32_t version = 0;
    if (!wave->has_read_knobs ||
        atomic_load_explicit(&worker->knobs_version, memory_order_relaxed) != worker->knobs_seen) {
        /* The first time also what was seen before: by a job or wave that it was not for, or not
         * for alone. */
        wave->has_read_knobs = true;
        pthread_mutex_lock(&worker->mutex);
        worker->knobs_seen = atomic_load(&worker->knobs_version);
        if (worker->knobs_job == job->number) {
            wave->sampling = worker->knobs;
            version = worker->knobs_seen;
            is_turned = true;
        }
        pthread_mutex_unlock(&worker->mutex);
    }
    if (is_turned) {
        for (int32_t i = 0; i < (job->samplings != NULL ? 1 : wave->n); i++) {
            wave->alternatives[i].sampling = wave->sampling;
        }
        emit_knobs(wave, version);
    }
    return is_turned;
}

static uint32_t stream_of(const struct cf_job *job, int32_t number)
{
    return job->samplings != NULL ? 0 : (uint32_t)number;
}

static void sample(const struct wave *wave, struct alternative *alternative)
{
    struct cf_session *session = wave->worker->session;
    struct cf_history history = {.n_prompt = wave->progress->n_prompt};
    history.ids = cf_session_ids(session, alternative->branch, &history.n);
    cf_sampler_sample(alternative->sampler, cf_session_logits(session, alternative->branch),
                      &alternative->sampling, &history, wave->job->seed,
                      wave->job->stream + stream_of(wave->job, alternative->number),
                      (uint32_t)wave->index, wave->forced, &alternative->choice);
}

static void sample_some(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    struct wave *wave = ctx;
    for (int64_t i = begin; i < end; i++) {
        struct alternative *alternative = &wave->alternatives[i];
        if (alternative->reason == CF_END_NONE) {
            sample(wave, alternative);
        }
    }
}

/* The choice of every reply that has not ended. */
static void sample_all(struct wave *wave, int32_t forced)
{
    wave->forced = forced;
    cf_pool_run(wave->worker->pool, sample_some, wave, wave->n, 1);
}

static void emit_paused(struct wave *wave)
{
    wave->progress->is_paused = true;
    sample_all(wave, -1);
    for (int32_t i = 0; i < wave->n; i++) {
        struct alternative *alternative = &wave->alternatives[i];
        if (alternative->reason != CF_END_NONE) {
            continue;
        }
        struct cf_event event = {.kind = CF_EVENT_PAUSED,
                                 .job = wave->job->number,
                                 .alternative = alternative->number,
                                 .index = wave->index};
        event.u.choice = alternative->choice;
        cf_worker_emit_replacing(wave->worker, &event);
    }
}

/* Once it was told that the job is held; it may have been freed while a step was being made. */
static void emit_resumed(struct wave *wave)
{
    if (wave->progress->is_paused) {
        wave->progress->is_paused = false;
        const struct cf_event event = {
            .kind = CF_EVENT_RESUMED, .job = wave->job->number, .index = wave->index};
        cf_worker_emit_replacing(wave->worker, &event);
    }
}

enum order { ORDER_GO, ORDER_STEP, ORDER_LOOK };

/* Waits until the job is freed, gets a step, or has a knob or its end to look at. */
static enum order wait_for_order(struct wave *wave, int32_t *forced)
{
    struct cf_worker *worker = wave->worker;
    enum order order = ORDER_LOOK;
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        if (atomic_load(&worker->held_job) != wave->job->number) {
            order = ORDER_GO;
            break;
        }
        if (worker->n_steps > 0) {
            *forced = worker->steps[0];
            worker->n_steps--;
            memmove(worker->steps, worker->steps + 1, worker->n_steps * sizeof worker->steps[0]);
            order = ORDER_STEP;
            break;
        }
        if (worker->resumes) {
            worker->resumes = false;
            atomic_store(&worker->held_job, 0);
            order = ORDER_GO;
            break;
        }
        if (cf_worker_is_interrupted(worker) ||
            atomic_load(&worker->knobs_version) != worker->knobs_seen) {
            break;
        }
        pthread_cond_wait(&worker->changed, &worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return order;
}

/* Holds until the front has it otherwise.  *forced receives the token to take, -1 for a drawn one.
 */
static enum cf_code wait_held(struct wave *wave, int32_t *forced, struct cf_err *err)
{
    struct cf_worker *worker = wave->worker;
    for (bool is_news = true;;) {
        if (is_news) {
            emit_paused(wave);
        }
        enum order order = wait_for_order(wave, forced);
        if (order != ORDER_LOOK) {
            /* Turned before it was freed: in force for the token that comes now. */
            (void)read_knobs(wave);
        }
        if (order == ORDER_GO) {
            emit_resumed(wave);
            return CF_OK;
        }
        if (order == ORDER_STEP) {
            bool is_token = *forced < worker->model->n_vocab;
            *forced = is_token ? *forced : -1;
            return CF_OK;
        }
        if (cf_worker_is_interrupted(worker)) {
            return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
        }
        is_news = read_knobs(wave);
    }
}

/* The same while the front wants it held; the time that takes is no part of the reply's. */
static enum cf_code hold(struct wave *wave, int32_t *forced, struct cf_err *err)
{
    struct cf_worker *worker = wave->worker;
    if (atomic_load_explicit(&worker->held_job, memory_order_relaxed) != wave->job->number) {
        emit_resumed(wave);
        return CF_OK;
    }
    double from = cf_clock_s();
    enum cf_code code = wait_held(wave, forced, err);
    double held = cf_clock_s() - from;
    wave->progress->began += held;
    wave->progress->first += wave->progress->n_tokens > 0 ? held : 0;
    wave->progress->last += wave->progress->n_tokens > 0 ? held : 0;
    wave->first += wave->first > 0 ? held : 0;
    return code;
}

/* Waits until the next token is due, unless something else is to be done first. */
static void keep_pace(struct wave *wave)
{
    struct cf_worker *worker = wave->worker;
    if (!(atomic_load_explicit(&worker->pace, memory_order_relaxed) > 0)) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        double pace = atomic_load(&worker->pace);
        double now = cf_clock_s();
        double due = pace > 0 ? wave->paced_at + 1 / pace : now;
        if (due <= now) {
            /* One that is late moves those after it. */
            wave->paced_at = now - due < 1e-2 ? due : now;
            break;
        }
        if (cf_worker_is_interrupted(worker) ||
            atomic_load(&worker->held_job) == wave->job->number) {
            break;
        }
        double whole = floor(due);
        struct timespec until = {.tv_sec = (time_t)whole, .tv_nsec = (long)((due - whole) * 1e9)};
        (void)pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    }
    pthread_mutex_unlock(&worker->mutex);
}

/* Why a reply that has just got a token ends, if it does. */
static enum cf_end_reason reason_after(const struct wave *wave, struct alternative *alternative)
{
    const struct cf_choice *choice = &alternative->choice;
    size_t size = 0;
    (void)cf_tokenizer_piece(wave->worker->tokenizer, choice->id, &size);
    if (wave->job->stops_loops &&
        cf_loop_add(&alternative->loop, choice->id, size, choice->entropy)) {
        return CF_END_LOOP;
    }
    if (alternative->n_tokens - wave->job->n_prefix >= wave->job->max_tokens) {
        return CF_END_LENGTH;
    }
    int32_t n_held = 0;
    (void)cf_session_ids(wave->worker->session, alternative->branch, &n_held);
    return n_held >= wave->worker->n_ctx ? CF_END_CONTEXT : CF_END_NONE;
}

/* Takes the token that was chosen. */
static void add_token(struct wave *wave, struct alternative *alternative)
{
    const struct cf_job *job = wave->job;
    struct cf_progress *progress = wave->progress;
    int32_t id = alternative->choice.id;
    bool is_stopped = is_stop_id(job, id);
    if (is_stopped) {
        /* It spells nothing and is no part of the text, even where the file calls it an ordinary
         * token. */
        alternative->ends[alternative->n_tokens++] = NEVER_SHOWN;
        cf_buf_clear(&wave->shown);
    } else {
        is_stopped = add_text(wave, alternative, id);
    }
    progress->last = cf_clock_s();
    progress->first = progress->n_tokens == 0 ? progress->last : progress->first;
    wave->first = wave->first > 0 ? wave->first : progress->last;
    progress->n_firsts += alternative->n_tokens == job->n_prefix + 1;
    progress->n_tokens++;
    struct cf_event event = {.kind = CF_EVENT_TOKEN,
                             .job = job->number,
                             .alternative = alternative->number,
                             .index = wave->index,
                             .origin = wave->forced >= 0 ? CF_TOKEN_FORCED : CF_TOKEN_DRAWN};
    event.u.choice = alternative->choice;
    cf_worker_emit(wave->worker, &event, wave->shown.data, wave->shown.size);
    alternative->reason = is_stopped ? CF_END_STOP : reason_after(wave, alternative);
    if (alternative->reason != CF_END_NONE) {
        emit_finished(wave, alternative);
    }
}

/* One more token in each of n branches.  A reply that is alone and in a hurry may get ahead. */
static enum cf_code decode(struct wave *wave, const int *branches, const int32_t *ids, int n,
                           const struct cf_interrupt *interrupt, struct cf_err *err)
{
    struct cf_worker *worker = wave->worker;
    if (wave->n == 1 && worker->params.guesses &&
        !(atomic_load_explicit(&worker->pace, memory_order_relaxed) > 0)) {
        return cf_worker_decode_guessing(worker, branches[0], ids[0], interrupt, err);
    }
    return cf_session_decode(worker->session, branches, ids, n, interrupt, err);
}

/* One token for every reply that has not ended.  *n_active receives how many go on. */
static enum cf_code step(struct wave *wave, int *n_active, struct cf_err *err)
{
    struct cf_worker *worker = wave->worker;
    const struct cf_job *job = wave->job;
    const struct cf_interrupt interrupt = {.fn = cf_worker_is_interrupted, .arg = worker};
    keep_pace(wave);
    if (cf_worker_is_interrupted(worker)) {
        return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
    }
    (void)read_knobs(wave);
    int32_t forced = -1;
    enum cf_code code = hold(wave, &forced, err);
    int branches[CF_WORKER_BATCH_MAX];
    int32_t ids[CF_WORKER_BATCH_MAX];
    int n = 0;
    if (code == CF_OK) {
        const int32_t n_chosen = wave->index - job->n_prefix;
        sample_all(wave, n_chosen < job->n_forced ? job->forced[n_chosen] : forced);
    }
    for (int32_t i = 0; i < wave->n && code == CF_OK; i++) {
        struct alternative *alternative = &wave->alternatives[i];
        if (alternative->reason != CF_END_NONE) {
            continue;
        }
        add_token(wave, alternative);
        if (alternative->reason == CF_END_NONE) {
            branches[n] = alternative->branch;
            ids[n++] = alternative->choice.id;
        }
    }
    if (code == CF_OK && n > 0) {
        code = decode(wave, branches, ids, n, &interrupt, err);
    }
    wave->index++;
    *n_active = n;
    return code;
}

enum cf_code cf_worker_wave(struct cf_worker *worker, const struct cf_job *job, int32_t first,
                            int32_t n, const int *branches, struct cf_progress *progress,
                            struct cf_err *err)
{
    struct wave wave = {.worker = worker,
                        .job = job,
                        .progress = progress,
                        .n = n,
                        .index = job->n_prefix,
                        .paced_at = -INFINITY,
                        .sampling = job->sampling};
    enum cf_code code = CF_OK;
    for (int32_t i = 1; i < n && code == CF_OK; i++) {
        code = cf_session_fork(worker->session, branches[0], branches[i], err);
    }
    if (code != CF_OK) {
        return code;
    }
    wave_init(&wave, branches, first);
    int n_active = 0;
    for (int32_t i = 0; i < n; i++) {
        add_prefix(&wave, &wave.alternatives[i]);
        n_active += wave.alternatives[i].reason == CF_END_NONE;
    }
    while (n_active > 0 && code == CF_OK) {
        code = step(&wave, &n_active, err);
    }
    for (int32_t i = 0; i < n; i++) {
        struct alternative *alternative = &wave.alternatives[i];
        if (alternative->reason == CF_END_NONE) {
            alternative->reason = code == CF_ERR_CANCELLED ? CF_END_CANCELLED : CF_END_ERROR;
            emit_finished(&wave, alternative);
        }
    }
    wave_release(&wave);
    return code;
}
