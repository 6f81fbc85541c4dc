/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reply while it is written: the worker's events become text, tokens and recipe, and go to the
 * storage. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "clock.h"
#include "mem.h"

struct cf_chat_work *cf_chat_work_new(struct cf_chat *chat)
{
    struct cf_chat_work *work = cf_calloc(1, sizeof *work);
    work->made_at = cf_clock_s();
    work->tree = chat->tree;
    work->next = chat->works;
    chat->works = work;
    return work;
}

void cf_chat_work_free(struct cf_chat_work *work)
{
    if (work->is_detached) {
        for (int32_t i = 0; i < work->n; i++) {
            cf_chat_node_free(work->nodes[i]);
        }
    }
    cf_chat_plan_release(&work->plan);
    cf_stops_release(&work->stops);
    cf_ids_release(&work->prefix);
    cf_ids_release(&work->job.ids);
    free(work->nodes);
    free(work->scores);
    free(work);
}

/* --- what the faces hear --- */

static struct cf_chat_event *add_event(struct cf_chat *chat, enum cf_chat_event_kind kind,
                                       int32_t alternative, const char *text, size_t size)
{
    if (chat->n_events == chat->events_capacity) {
        size_t capacity = chat->events_capacity;
        chat->events = cf_grow(chat->events, chat->n_events, &capacity, 1, sizeof chat->events[0]);
        chat->event_texts = cf_grow(chat->event_texts, chat->n_events, &chat->events_capacity, 1,
                                    sizeof chat->event_texts[0]);
    }
    chat->event_texts[chat->n_events] = chat->event_text.size;
    cf_buf_add(&chat->event_text, text, size);
    cf_buf_add_char(&chat->event_text, '\0');
    struct cf_chat_event *event = &chat->events[chat->n_events++];
    *event = (struct cf_chat_event){.kind = kind, .alternative = alternative, .size = size};
    return event;
}

/* --- text and tokens --- */

static void add_text(struct cf_chat_node *node, const char *text, size_t size)
{
    cf_buf_add(&node->text, text, size);
    node->is_dirty = true;
}

static void add_mark(struct cf_chat_node *node, int32_t begin, const struct cf_sampling *sampling)
{
    if (node->n_marks == 0 || node->marks[node->n_marks - 1].begin != begin) {
        node->marks = cf_realloc_array(node->marks, node->n_marks + 1, sizeof node->marks[0]);
        node->n_marks++;
    }
    node->marks[node->n_marks - 1] =
        (struct cf_turn_mark){.begin = begin, .offset = node->turn.size, .sampling = *sampling};
}

static void handle_started(struct cf_chat *chat, struct cf_chat_work *work,
                           const struct cf_event *event, const struct cf_batch *batch)
{
    work->is_started = true;
    work->saved_at = cf_clock_s();
    struct cf_chat_status *status = &chat->status;
    status->n_prompt = event->u.started.n_prompt;
    status->n_reused = event->u.started.n_reused;
    status->n_evaluated = event->u.started.n_evaluated;
    status->n_used = (int32_t)work->job.ids.n;
    status->n_draft = 0;
    status->n_cached = status->n_used;
    for (int32_t i = 0; i < work->n; i++) {
        struct cf_chat_node *node = work->nodes[i];
        node->turn.state = CF_TURN_STREAMING;
        node->n_prompt = event->u.started.n_prompt;
        node->n_cached = event->u.started.n_reused;
        if (!work->is_detached) {
            cf_chat_record_job(node, work, i);
            cf_chat_record_paths(node, batch->runs + event->runs_offset, event->n_runs);
        }
        add_mark(node, work->job.n_prefix, cf_chat_sampling_of(work, i));
        cf_chat_node_update(node);
        struct cf_chat_event *heard = add_event(chat, CF_CHAT_EVENT_START, i, "", 0);
        heard->conversation = cf_chat_saves(chat) && !work->is_detached ? chat->conversation : 0;
        heard->message = heard->conversation != 0 ? node->turn.id : 0;
        heard->seed = work->job.seed;
        heard->n_prompt = event->u.started.n_prompt;
        heard->n_reused = event->u.started.n_reused;
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_TURN);
}

static void handle_prefix(struct cf_chat *chat, struct cf_chat_node *node, const char *text,
                          size_t size)
{
    /* The text is a function of the tokens: what an earlier end let out may have been more. */
    if (node->text.size > size || memcmp(node->text.data, text, node->text.size) != 0) {
        node->turn.version = ++chat->next_version;
    }
    cf_buf_clear(&node->text);
    add_text(node, text, size);
    cf_chat_node_update(node);
    cf_chat_mark(chat, CF_CHANGE_TEXT | CF_CHANGE_TURN);
}

static const double TIMED_FROM_S = 0.05; /* before that a speed says nothing */

/* What a reply was held is no part of its time. */
static void add_held(struct cf_chat_work *work)
{
    double now = cf_clock_s();
    if (work->is_paused) {
        work->made_at += now - work->held_at;
        work->first_at += work->n_tokens > 0 ? now - work->held_at : 0;
    }
    work->held_at = now;
}

static void time_token(struct cf_chat *chat, struct cf_chat_work *work)
{
    add_held(work);
    double now = cf_clock_s();
    if (work->n_tokens++ == 0) {
        work->first_at = now;
        chat->status.seconds_to_first = now - work->made_at;
    } else if (!work->is_paused) {
        work->n_timed++;
        /* Tokens that were taken in one go would have come at a million a second. */
        if (now >= work->first_at + TIMED_FROM_S) {
            chat->status.tokens_per_second = work->n_timed / (now - work->first_at);
        }
    }
}

static void handle_token(struct cf_chat *chat, struct cf_chat_work *work,
                         const struct cf_event *event, const char *text)
{
    struct cf_chat_node *node = work->nodes[event->alternative];
    const struct cf_choice *choice = &event->u.choice;
    if (!work->is_detached) {
        const struct cf_recipe_token token = {.id = choice->id,
                                              .rank = choice->rank,
                                              .p_raw = choice->p_raw,
                                              .p = choice->p,
                                              .origin = event->origin};
        cf_recipe_add_token(&node->recipe, &token);
        node->n_unsaved++;
    }
    add_text(node, text, event->text_size);
    cf_chat_node_update(node);
    struct cf_chat_event *heard =
        add_event(chat, CF_CHAT_EVENT_TOKEN, event->alternative, text, event->text_size);
    heard->index = event->index;
    heard->id = choice->id;
    heard->rank = choice->rank;
    heard->p = choice->p;
    if (event->alternative == 0) {
        chat->choice = *choice;
        chat->has_choice = true;
        time_token(chat, work);
        chat->status.n_used = (int32_t)work->job.ids.n + work->n_tokens;
    }
    cf_chat_mark(chat, CF_CHANGE_TEXT | CF_CHANGE_CHOICE | CF_CHANGE_STATUS);
}

static void handle_knobs(struct cf_chat *chat, struct cf_chat_work *work,
                         const struct cf_event *event)
{
    for (int32_t i = 0; i < (work->job.samplings != NULL ? 1 : work->n); i++) {
        struct cf_chat_node *node = work->nodes[i];
        /* Those that wait for a wave of their own hear of it when that begins. */
        bool is_there = work->is_detached || (size_t)event->index == node->recipe.n_tokens;
        if (node->turn.state != CF_TURN_STREAMING || !is_there) {
            continue;
        }
        if (!work->is_detached) {
            cf_recipe_add_knobs(&node->recipe, event->index, &event->u.knobs.sampling);
        }
        add_mark(node, event->index, &event->u.knobs.sampling);
        cf_chat_node_update(node);
    }
    cf_chat_mark(chat, CF_CHANGE_TURN);
}

static enum cf_turn_state state_for(enum cf_end_reason reason)
{
    switch (reason) {
    case CF_END_CANCELLED:
        return CF_TURN_CANCELLED;
    case CF_END_ERROR:
        return CF_TURN_FAILED;
    case CF_END_NONE:
    case CF_END_DONE:
    case CF_END_STOP:
    case CF_END_LENGTH:
    case CF_END_CONTEXT:
    case CF_END_LOOP:
        break;
    }
    return CF_TURN_COMPLETE;
}

static void end_node(struct cf_chat *chat, struct cf_chat_work *work, int32_t alternative,
                     enum cf_end_reason reason)
{
    struct cf_chat_node *node = work->nodes[alternative];
    node->turn.reason = reason;
    node->turn.state = state_for(reason);
    node->is_dirty = true;
    if (!work->is_detached) {
        cf_chat_node_set_ids(node, cf_chat_tokenizer(chat));
    }
    cf_chat_node_update(node);
    cf_chat_mark(chat, CF_CHANGE_TURN | CF_CHANGE_STATUS);
}

static void set_times(struct cf_chat_node *node, const struct cf_times *times)
{
    node->seconds = times->all;
    node->turn.seconds_to_first = times->to_first;
    node->turn.tokens_per_second = times->tokens_per_second;
}

static void handle_finished(struct cf_chat *chat, struct cf_chat_work *work,
                            const struct cf_event *event, const struct cf_batch *batch)
{
    struct cf_chat_node *node = work->nodes[event->alternative];
    const char *text = batch->text.data + event->text_offset;
    add_text(node, text, event->text_size);
    if (!work->is_detached) {
        cf_chat_record_paths(node, batch->runs + event->runs_offset, event->n_runs);
    }
    node->end_size = event->text_size;
    node->n_end_tokens = event->u.finished.n_tokens;
    set_times(node, &event->u.finished.times);
    end_node(chat, work, event->alternative, event->reason);
    cf_chat_mark(chat, CF_CHANGE_TEXT);
}

/* The job is over: what never got an end of its own gets the job's, and all get its times. */
static void end_all(struct cf_chat *chat, struct cf_chat_work *work, const struct cf_event *event,
                    const char *sentence)
{
    for (int32_t i = 0; i < work->n; i++) {
        struct cf_chat_node *node = work->nodes[i];
        if (node->turn.reason == CF_END_NONE) {
            node->n_end_tokens = (int32_t)node->recipe.n_tokens;
            end_node(chat, work, i, event->reason);
        }
        if (node->turn.state == CF_TURN_FAILED && node->error == NULL) {
            node->error = cf_strdup(sentence);
        }
        if (!node->is_finished) {
            set_times(node, &event->u.end.times);
        }
        cf_chat_node_update(node);
        struct cf_chat_event *heard =
            add_event(chat, CF_CHAT_EVENT_END, i,
                      node->text.data + node->text.size - node->end_size, node->end_size);
        heard->index = node->n_end_tokens;
        heard->reason = node->turn.reason;
        heard->seconds_to_first = event->u.end.times.to_first;
        heard->tokens_per_second = event->u.end.times.tokens_per_second;
        node->end_size = 0;
    }
}

static void handle_reply_end(struct cf_chat *chat, struct cf_chat_work *work,
                             const struct cf_event *event, const char *sentence)
{
    end_all(chat, work, event, sentence);
    if (event->u.end.times.tokens_per_second > 0) {
        chat->status.tokens_per_second = event->u.end.times.tokens_per_second;
    }
    if (event->reason == CF_END_LOOP) {
        cf_chat_say(
            chat, false,
            "the reply went round in circles and was ended; R in the transcript tries again "
            "with a repeat penalty");
    }
    if (event->reason == CF_END_ERROR) {
        cf_err_set(&chat->failure, event->code, "%s", sentence);
        cf_chat_say(chat, true, "%s", sentence);
    }
    /* A stop holds what waited at that moment; what was sent since goes on. */
    chat->is_queue_held |= chat->n_queue > 0 && event->reason == CF_END_ERROR;
    cf_chat_finish_nodes(chat, work);
    chat->reply = NULL;
    cf_chat_idle_later(chat);
    cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_TURN);
}

static void remove_work(struct cf_chat *chat, struct cf_chat_work *work)
{
    struct cf_chat_work **link = &chat->works;
    while (*link != work) {
        link = &(*link)->next;
    }
    *link = work->next;
    cf_chat_work_free(work);
}

void cf_chat_end_unsubmitted(struct cf_chat *chat)
{
    struct cf_chat_work *work = chat->reply;
    if (work == NULL || work->is_submitted || !work->is_cancelled) {
        return;
    }
    const struct cf_event event = {.kind = CF_EVENT_END, .reason = CF_END_CANCELLED};
    handle_reply_end(chat, work, &event, "");
    remove_work(chat, work);
}

static void handle_end(struct cf_chat *chat, struct cf_chat_work *work,
                       const struct cf_event *event, const char *sentence)
{
    if (work == chat->reply) {
        handle_reply_end(chat, work, event, sentence);
    } else if (work->finish != NULL) {
        work->finish(chat, work, event->reason, sentence);
    } else if (event->reason == CF_END_DONE && !work->is_detached) {
        chat->status.n_cached = (int32_t)work->job.ids.n;
        cf_chat_mark(chat, CF_CHANGE_STATUS);
    }
    remove_work(chat, work);
}

/* --- events --- */

static void handle_paused(struct cf_chat *chat, struct cf_chat_work *work,
                          const struct cf_event *event)
{
    add_held(work);
    work->is_paused = event->kind == CF_EVENT_PAUSED;
    if (work->is_paused && event->alternative == 0) {
        chat->choice = event->u.choice;
        chat->has_choice = true;
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_CHOICE);
}

static void handle_loaded(struct cf_chat *chat, struct cf_worker *worker,
                          const struct cf_event *event, const char *sentence)
{
    bool is_next = worker == chat->next_worker;
    if (event->kind == CF_EVENT_LOADED) {
        chat->is_next_loaded = is_next;
        if (!is_next) {
            chat->is_loaded = true;
            cf_chat_take_model(chat);
        }
    } else if (is_next) {
        cf_chat_say(chat, true, "%s", sentence);
        chat->is_next_failed = true;
    } else {
        chat->is_load_failed = true;
        cf_err_set(&chat->failure, event->code, "%s", sentence);
        cf_chat_say(chat, true, "%s", sentence);
    }
    cf_chat_mark(chat, CF_CHANGE_MODEL | CF_CHANGE_STATUS);
}

static struct cf_chat_work *find_work(const struct cf_chat *chat, uint64_t number)
{
    struct cf_chat_work *work = chat->works;
    while (work != NULL && (!work->is_submitted || work->job.number != number)) {
        work = work->next;
    }
    return work;
}

static void handle_event(struct cf_chat *chat, struct cf_worker *worker,
                         const struct cf_batch *batch, const struct cf_event *event)
{
    /* Sentences are not NUL-terminated in the batch. */
    const char *text = batch->text.data + event->text_offset;
    char sentence[CF_ERR_TEXT_SIZE];
    size_t size = event->text_size < sizeof sentence ? event->text_size : sizeof sentence - 1;
    memcpy(sentence, text, size);
    sentence[size] = '\0';
    struct cf_chat_work *work = find_work(chat, event->job);
    switch (event->kind) {
    case CF_EVENT_LOADED:
    case CF_EVENT_LOAD_FAILED:
        handle_loaded(chat, worker, event, sentence);
        break;
    case CF_EVENT_BUILT:
        if (!work->is_detached && work->tree == chat->tree) {
            cf_chat_take_plan(chat, &work->plan);
        }
        break;
    case CF_EVENT_STARTED:
        handle_started(chat, work, event, batch);
        break;
    case CF_EVENT_PREFIX:
        handle_prefix(chat, work->nodes[event->alternative], text, event->text_size);
        break;
    case CF_EVENT_TOKEN:
        handle_token(chat, work, event, text);
        break;
    case CF_EVENT_KNOBS:
        handle_knobs(chat, work, event);
        break;
    case CF_EVENT_PAUSED:
    case CF_EVENT_RESUMED:
        handle_paused(chat, work, event);
        break;
    case CF_EVENT_FINISHED:
        handle_finished(chat, work, event, batch);
        break;
    case CF_EVENT_END:
        handle_end(chat, work, event, sentence);
        break;
    }
}

void cf_chat_handle_worker(struct cf_chat *chat, struct cf_worker *worker)
{
    const struct cf_batch *batch = cf_worker_take(worker);
    for (size_t i = 0; i < batch->n_events; i++) {
        handle_event(chat, worker, batch, &batch->events[i]);
    }
}

/* --- saving --- */

static struct cf_reply_state state_of(const struct cf_chat_node *node, const struct cf_buf *blob)
{
    return (struct cf_reply_state){.text = node->text.data,
                                   .size = node->text.size,
                                   .recipe = blob->data,
                                   .recipe_size = blob->size,
                                   .n_tokens = (int32_t)node->recipe.n_tokens,
                                   .n_prompt = node->n_prompt,
                                   .n_cached = node->n_cached,
                                   .first_us = (int64_t)(node->turn.seconds_to_first * 1e6),
                                   .total_us = (int64_t)(node->seconds * 1e6)};
}

static void save_node(struct cf_chat *chat, struct cf_chat_node *node)
{
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&node->recipe, &blob);
    const struct cf_reply_state state = state_of(node, &blob);
    (void)cf_storage_reply_save(chat->storage, node->turn.id, &state);
    cf_buf_release(&blob);
    node->is_dirty = false;
    node->n_unsaved = 0;
}

void cf_chat_save_reply(struct cf_chat *chat, bool all)
{
    struct cf_chat_work *work = chat->reply;
    if (work == NULL || work->is_detached || !work->is_started || !cf_chat_saves(chat)) {
        return;
    }
    /* An alternative that has come to its end is not interrupted by what happens to the others. */
    cf_chat_finish_nodes(chat, work);
    double now = cf_clock_s();
    bool is_due = all || now >= work->saved_at + CF_CHAT_SAVE_MS * 1e-3;
    for (int32_t i = 0; i < work->n; i++) {
        is_due |= work->nodes[i]->n_unsaved >= CF_CHAT_SAVE_TOKENS;
    }
    if (!is_due) {
        return;
    }
    for (int32_t i = 0; i < work->n; i++) {
        if (work->nodes[i]->is_dirty) {
            save_node(chat, work->nodes[i]);
        }
    }
    work->saved_at = now;
}

static enum cf_message_state stored_state(enum cf_turn_state state)
{
    switch (state) {
    case CF_TURN_CANCELLED:
        return CF_MESSAGE_CANCELLED;
    case CF_TURN_INTERRUPTED:
        return CF_MESSAGE_INTERRUPTED;
    case CF_TURN_FAILED:
        return CF_MESSAGE_FAILED;
    case CF_TURN_COMPLETE:
    case CF_TURN_WAITING:
    case CF_TURN_STREAMING:
    case CF_TURN_ELSEWHERE:
        break;
    }
    return CF_MESSAGE_COMPLETE;
}

static void finish_node(struct cf_chat *chat, struct cf_chat_node *node)
{
    cf_chat_record_digest(chat, node);
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&node->recipe, &blob);
    const struct cf_reply_state state = state_of(node, &blob);
    uint64_t job =
        cf_storage_reply_finish(chat->storage, node->turn.id, &state,
                                stored_state(node->turn.state), node->turn.reason, node->error);
    cf_chat_expect(chat, job, CF_WHAT_FINISH, node);
    cf_buf_release(&blob);
    node->is_dirty = false;
    node->n_unsaved = 0;
}

void cf_chat_finish_nodes(struct cf_chat *chat, struct cf_chat_work *work)
{
    if (work->is_detached || !cf_chat_saves(chat)) {
        return;
    }
    for (int32_t i = 0; i < work->n; i++) {
        struct cf_chat_node *node = work->nodes[i];
        if (node->is_finished || node->turn.reason == CF_END_NONE) {
            continue;
        }
        node->is_finished = true;
        if (chat->digest.is_known) {
            finish_node(chat, node);
            continue;
        }
        save_node(chat, node);
        chat->unfinished = cf_grow(chat->unfinished, chat->n_unfinished, &chat->unfinished_capacity,
                                   1, sizeof chat->unfinished[0]);
        chat->unfinished[chat->n_unfinished++] = node;
    }
}

bool cf_chat_take_unfinished(struct cf_chat *chat, const struct cf_chat_node *node)
{
    for (size_t i = 0; i < chat->n_unfinished; i++) {
        if (chat->unfinished[i] == node) {
            chat->n_unfinished--;
            memmove(&chat->unfinished[i], &chat->unfinished[i + 1],
                    (chat->n_unfinished - i) * sizeof(void *));
            return true;
        }
    }
    return false;
}

void cf_chat_finish_waiting(struct cf_chat *chat)
{
    for (size_t i = 0; i < chat->n_unfinished; i++) {
        finish_node(chat, chat->unfinished[i]);
    }
    chat->n_unfinished = 0;
}

/* --- holding --- */

void cf_chat_start_held(struct cf_chat *chat, bool is_held)
{
    chat->starts_held = is_held;
}

static enum cf_code check_running(const struct cf_chat *chat, struct cf_err *err)
{
    if (chat->reply == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "no reply is being written");
    }
    return CF_OK;
}

enum cf_code cf_chat_pause(struct cf_chat *chat, struct cf_err *err)
{
    enum cf_code code = check_running(chat, err);
    if (code != CF_OK) {
        return code;
    }
    chat->reply->is_held = true;
    if (chat->reply->is_submitted) {
        cf_worker_pause(chat->worker, chat->reply->job.number);
    } else {
        chat->reply->job.starts_paused = true;
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS);
    return CF_OK;
}

enum cf_code cf_chat_resume(struct cf_chat *chat, struct cf_err *err)
{
    enum cf_code code = check_running(chat, err);
    if (code != CF_OK) {
        return code;
    }
    chat->reply->is_held = false;
    if (chat->reply->is_submitted) {
        cf_worker_resume(chat->worker, chat->reply->job.number);
    } else {
        chat->reply->job.starts_paused = false;
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS);
    return CF_OK;
}

enum cf_code cf_chat_step(struct cf_chat *chat, int32_t id, struct cf_err *err)
{
    enum cf_code code = check_running(chat, err);
    if (code == CF_OK && chat->reply->is_submitted) {
        cf_worker_step(chat->worker, chat->reply->job.number, id);
    }
    return code;
}
