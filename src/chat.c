/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making, pumping, status, notices.  The other files are listed in chat_private.h. */
#include "chat.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_private.h"
#include "clock.h"
#include "cpu.h"
#include "mem.h"

int64_t cf_chat_utc_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t cf_chat_reserve_ids(struct cf_chat *chat, size_t n)
{
    if (cf_chat_saves(chat)) {
        return cf_storage_reserve(chat->storage, n);
    }
    int64_t first = chat->last_local_id - 1;
    chat->last_local_id -= (int64_t)n;
    return first;
}

/* --- making and freeing --- */

static enum cf_code start_worker(struct cf_chat *chat, struct cf_worker **worker,
                                 const struct cf_chat_params *params, struct cf_err *err)
{
    const struct cf_settings *settings = &chat->base;
    struct cf_worker_params wanted = {.model_path = params->model_path,
                                      .model = params->model,
                                      .tokenizer = params->tokenizer,
                                      .n_threads = settings->threads,
                                      .n_ctx = settings->ctx,
                                      .guesses = settings->speculate,
                                      .has_kv_type = settings->kv != CF_KV_AUTO,
                                      .kv_type = settings->kv == CF_KV_F16 ? CF_F16 : CF_F32,
                                      .wake = &chat->wake};
    wanted.has_dtype = cf_settings_weights(&wanted.dtype, settings);
    if (wanted.n_threads == 0) {
        wanted.n_threads = cf_cpu_n_cores();
    }
    return cf_worker_new(worker, &wanted, err);
}

static enum cf_code open_threads(struct cf_chat *chat, const struct cf_chat_params *params,
                                 struct cf_err *err)
{
    enum cf_code code = cf_wake_open(&chat->wake, err);
    if (code == CF_OK) {
        code = start_worker(chat, &chat->worker, params, err);
    }
    if (code == CF_OK && params->db_path != NULL) {
        const struct cf_storage_params storage = {
            .path = params->db_path,
            .wake = &chat->wake,
            .store = {.makes_folder = params->makes_db_folder},
            .test_commit_delay_ms = params->test_commit_delay_ms};
        code = cf_storage_open(&chat->storage, &storage, err);
    }
    return code;
}

static void free_chat(struct cf_chat *chat)
{
    cf_chat_stop_digest(chat);
    cf_worker_free(chat->next_worker);
    cf_worker_free(chat->worker);
    cf_chat_look_release(chat);
    while (chat->works != NULL) {
        struct cf_chat_work *next = chat->works->next;
        cf_chat_work_free(chat->works);
        chat->works = next;
    }
    (void)cf_storage_close(chat->storage, chat->is_flushed ? 0 : CF_CHAT_FREE_MS, NULL);
    chat->n_unfinished = 0;
    cf_chat_free_retired(chat);
    cf_chat_tree_free(chat->tree);
    cf_chat_release_opening(chat);
    cf_chat_release_browse(chat);
    cf_chat_release_graph(chat);
    cf_chat_clear_queue(chat);
    free(chat->due.text);
    cf_wake_close(&chat->wake);
    cf_settings_release(&chat->base);
    cf_settings_release(&chat->settings);
    cf_settings_release(&chat->own);
    cf_presets_release(&chat->presets);
    cf_presets_release(&chat->personas);
    cf_ids_release(&chat->prompt_ids);
    cf_ids_release(&chat->prompt_turns);
    cf_template_release(&chat->model_template);
    cf_buf_release(&chat->event_text);
    for (size_t i = 0; i < chat->n_notices; i++) {
        free(chat->notices[i].text);
    }
    free(chat->model_path);
    free(chat->next_model_path);
    free(chat->model_name);
    free(chat->digest_cache_path);
    free(chat->title);
    free(chat->draft);
    free(chat->left_draft);
    free(chat->queue);
    free(chat->unfinished);
    free(chat->trashed);
    free(chat->pending);
    free(chat->events);
    free(chat->event_texts);
    free(chat->notices);
    free(chat);
}

enum cf_code cf_chat_new(struct cf_chat **chat, const struct cf_chat_params *params,
                         struct cf_err *err)
{
    struct cf_chat *made = cf_calloc(1, sizeof *made);
    made->wake = CF_WAKE_INIT;
    made->event_text = CF_BUF_INIT;
    made->failure = CF_ERR_INIT;
    made->list.listing.match = "";
    made->findings.words = made->findings.note = "";
    made->config = params->config;
    made->awaits_ids = params->awaits_ids;
    made->idles = params->idles;
    made->stops_loops = params->stops_loops;
    made->keeps_drafts = params->keeps_drafts;
    made->title = cf_strdup("");
    made->draft = cf_strdup("");
    made->model_name = cf_strdup("");
    made->model_path = params->model_path != NULL ? cf_strdup(params->model_path) : NULL;
    if (params->digest_cache_path != NULL) {
        made->digest_cache_path = cf_strdup(params->digest_cache_path);
    }
    cf_settings_init(&made->base);
    cf_settings_init(&made->settings);
    cf_settings_init(&made->own);
    cf_settings_copy(&made->base, params->settings);
    cf_presets_init(&made->presets);
    cf_personas_init(&made->personas);
    made->tree = cf_chat_tree_new();
    cf_chat_reset_settings(made, NULL, NULL);
    enum cf_code code = open_threads(made, params, err);
    if (code != CF_OK) {
        free_chat(made);
        return code;
    }
    cf_chat_ask_first_draft(made);
    cf_chat_mark(made, CF_CHANGE_STATUS | CF_CHANGE_SETTINGS);
    *chat = made;
    return CF_OK;
}

/* Whether something is still on its way to the disk; a model being opened is not waited for. */
static bool is_saving(const struct cf_chat *chat)
{
    bool is_answer_due =
        cf_chat_saves(chat) && !chat->is_held_up && chat->n_pending > chat->n_imports;
    return chat->reply != NULL || chat->n_unfinished > 0 || is_answer_due;
}

/* Pumps until all is saved, at most until DEADLINE. */
static void settle(struct cf_chat *chat, double deadline)
{
    cf_chat_pump(chat);
    while (is_saving(chat) && cf_clock_s() < deadline) {
        if (chat->reply == NULL && cf_chat_saves(chat)) {
            /* What is left to be saved is not left to be synced some time later. */
            (void)cf_storage_flush(chat->storage, 100, NULL);
        }
        struct pollfd fd = {.fd = cf_chat_fd(chat), .events = POLLIN};
        (void)poll(&fd, 1, 20);
        cf_chat_pump(chat);
    }
}

enum cf_code cf_chat_flush(struct cf_chat *chat, int timeout_ms, struct cf_err *err)
{
    double deadline = cf_clock_s() + timeout_ms * 1e-3;
    chat->idles = false;
    if (chat->reply != NULL) {
        (void)cf_chat_stop(chat, NULL);
    }
    cf_chat_drop_due(chat);
    cf_chat_give_up_opening(chat);
    chat->is_queue_held = chat->n_queue > 0;
    cf_chat_save_settings(chat);
    cf_chat_save_draft(chat);
    /* A digest that does not end must not use up the time that the storage needs. */
    settle(chat, deadline - timeout_ms * 0.25e-3);
    cf_chat_save_draft(chat); /* one that was kept back for its answer */
    chat->is_flushed = true;
    if (!cf_chat_saves(chat)) {
        return CF_OK;
    }
    /* Better whole without the model's digest than taken for interrupted. */
    cf_chat_finish_waiting(chat);
    double left_ms = (deadline - cf_clock_s()) * 1e3;
    return cf_storage_flush(chat->storage, left_ms > 100 ? (int)left_ms : 100, err);
}

void cf_chat_free(struct cf_chat *chat)
{
    if (chat == NULL) {
        return;
    }
    if (!chat->is_flushed) {
        (void)cf_chat_flush(chat, CF_CHAT_FREE_MS, NULL);
    }
    free_chat(chat);
}

/* --- pumping --- */

int cf_chat_fd(const struct cf_chat *chat)
{
    return cf_wake_fd(&chat->wake);
}

static void earlier(double *due, bool is_wanted, double at)
{
    if (is_wanted && (*due < 0 || at < *due)) {
        *due = at;
    }
}

int cf_chat_timeout_ms(const struct cf_chat *chat)
{
    if (chat->changes != 0) {
        return 0;
    }
    double due = -1;
    const struct cf_chat_work *reply = chat->reply;
    bool is_dirty = false;
    for (int32_t i = 0; reply != NULL && i < reply->n; i++) {
        is_dirty |= reply->is_started && !reply->is_detached && cf_chat_saves(chat) &&
                    reply->nodes[i]->is_dirty;
    }
    earlier(&due, is_dirty, is_dirty ? reply->saved_at + CF_CHAT_SAVE_MS * 1e-3 : 0);
    earlier(&due, chat->is_draft_dirty && cf_chat_saves_drafts(chat),
            chat->draft_dirty_at + CF_CHAT_DRAFT_MS * 1e-3);
    earlier(&due, chat->is_settings_dirty && cf_chat_saves(chat),
            chat->settings_dirty_at + CF_CHAT_SETTINGS_MS * 1e-3);
    if (due < 0) {
        return -1;
    }
    double left = (due - cf_clock_s()) * 1e3;
    return left > 0 ? (int)left + 1 : 0;
}

static void do_what_is_due(struct cf_chat *chat)
{
    double now = cf_clock_s();
    cf_chat_end_unsubmitted(chat);
    cf_chat_do_due(chat);
    cf_chat_save_reply(chat, false);
    if (chat->is_settings_dirty && now >= chat->settings_dirty_at + CF_CHAT_SETTINGS_MS * 1e-3) {
        cf_chat_save_settings(chat);
    }
    if (chat->is_draft_dirty && now >= chat->draft_dirty_at + CF_CHAT_DRAFT_MS * 1e-3) {
        cf_chat_save_draft(chat);
    }
    cf_chat_reload_due(chat);
    cf_chat_switch_model(chat);
    if (cf_chat_take_digest(chat)) {
        cf_chat_finish_waiting(chat);
    }
    cf_chat_start_queued(chat);
    cf_chat_idle(chat);
    cf_chat_look_step(chat);
    cf_chat_shade_step(chat);
    cf_chat_free_retired(chat);
}

unsigned cf_chat_pump(struct cf_chat *chat)
{
    chat->n_events = 0;
    cf_buf_clear(&chat->event_text);
    (void)cf_wake_clear(&chat->wake);
    cf_chat_handle_worker(chat, chat->worker);
    if (chat->next_worker != NULL) {
        cf_chat_handle_worker(chat, chat->next_worker);
    }
    if (chat->storage != NULL) {
        cf_chat_handle_storage(chat);
    }
    do_what_is_due(chat);
    for (size_t i = 0; i < chat->n_events; i++) {
        chat->events[i].text = chat->event_text.data + chat->event_texts[i];
    }
    if (chat->n_events > 0) {
        cf_chat_mark(chat, CF_CHANGE_EVENTS);
    }
    bool is_settled = cf_chat_is_settled(chat);
    if (is_settled && !chat->was_settled) {
        chat->changes |= CF_CHANGE_SETTLED;
    }
    chat->was_settled = is_settled;
    unsigned changes = chat->changes;
    chat->changes = 0;
    return changes;
}

/* --- status --- */

bool cf_chat_saves(const struct cf_chat *chat)
{
    return chat->storage != NULL && !chat->is_storage_failed;
}

bool cf_chat_is_open(const struct cf_chat *chat)
{
    return chat->is_loaded && !chat->opening.is_on && !chat->is_partial &&
           (chat->storage == NULL || chat->is_storage_ready || chat->is_storage_failed);
}

bool cf_chat_can_start(const struct cf_chat *chat)
{
    return chat->reply == NULL && chat->due.kind == CF_DUE_NONE && cf_chat_is_open(chat);
}

static enum cf_chat_phase phase_of(const struct cf_chat *chat)
{
    const struct cf_chat_work *reply = chat->reply;
    if (reply != NULL) {
        if (!reply->is_submitted) {
            return CF_PHASE_SAVING;
        }
        if (!reply->is_started) {
            return CF_PHASE_EVALUATING;
        }
        return reply->is_paused ? CF_PHASE_PAUSED : CF_PHASE_STREAMING;
    }
    if (cf_chat_is_changing(chat)) {
        return CF_PHASE_OPENING;
    }
    if (!chat->is_loaded) {
        return chat->is_load_failed ? CF_PHASE_NO_MODEL : CF_PHASE_LOADING;
    }
    bool is_opening = chat->storage != NULL && !chat->is_storage_ready && !chat->is_storage_failed;
    return is_opening ? CF_PHASE_OPENING : CF_PHASE_READY;
}

static void update_status(struct cf_chat *chat)
{
    struct cf_chat_status *status = &chat->status;
    status->phase = phase_of(chat);
    status->conversation = chat->conversation;
    status->title = chat->title;
    status->model_name = chat->model_name;
    status->template_name = cf_chat_template(chat)->name;
    status->system_text = chat->settings.system != NULL ? chat->settings.system : "";
    status->is_held = chat->reply != NULL && chat->reply->is_held;
    status->saves = chat->storage != NULL;
    status->is_unsaved = chat->is_storage_failed || chat->is_held_up;
    status->is_retrying = chat->is_held_up;
    status->n_queued = chat->n_queue;
    status->is_queue_held = chat->is_queue_held && chat->n_queue > 0;
    status->n_ctx = chat->is_loaded ? cf_worker_n_ctx(chat->worker) : 0;
    if (status->template_name == NULL) {
        status->template_name = "";
    }
}

void cf_chat_mark(struct cf_chat *chat, unsigned changes)
{
    chat->changes |= changes;
    update_status(chat);
}

const struct cf_chat_status *cf_chat_status(const struct cf_chat *chat)
{
    return &chat->status;
}

bool cf_chat_is_settled(const struct cf_chat *chat)
{
    if (chat->reply != NULL || chat->due.kind != CF_DUE_NONE || chat->opening.is_on ||
        chat->n_unfinished > 0) {
        return false;
    }
    if (!chat->is_loaded && !chat->is_load_failed) {
        return false;
    }
    if (chat->n_queue > 0 && chat->is_loaded && !chat->is_queue_held) {
        return false;
    }
    return !cf_chat_saves(chat) || chat->is_held_up || chat->n_pending == 0;
}

size_t cf_chat_n_turns(const struct cf_chat *chat)
{
    return chat->tree->n_path;
}

const struct cf_chat_turn *cf_chat_turn(const struct cf_chat *chat, size_t i)
{
    assert(i < chat->tree->n_path);
    return &chat->tree->path[i]->turn;
}

const struct cf_recipe *cf_chat_recipe(const struct cf_chat *chat, size_t turn)
{
    assert(turn < chat->tree->n_path);
    struct cf_chat_node *node = chat->tree->path[turn];
    cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
    return node->recipe.n_jobs > 0 ? &node->recipe : NULL;
}

const struct cf_choice *cf_chat_choice(const struct cf_chat *chat)
{
    return chat->has_choice ? &chat->choice : NULL;
}

const char *cf_chat_piece(const struct cf_chat *chat, int32_t id, size_t *size)
{
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(chat);
    if (tokenizer == NULL) {
        *size = 0;
        return NULL;
    }
    return cf_tokenizer_piece(tokenizer, id, size);
}

const struct cf_settings *cf_chat_settings(const struct cf_chat *chat)
{
    return &chat->settings;
}

const char *cf_chat_queued(const struct cf_chat *chat, size_t i)
{
    assert(i < chat->n_queue);
    return chat->queue[i].text;
}

const char *cf_chat_draft(const struct cf_chat *chat)
{
    return chat->draft;
}

const struct cf_chat_event *cf_chat_events(const struct cf_chat *chat, size_t *n)
{
    *n = chat->n_events;
    return chat->events;
}

const struct cf_err *cf_chat_failure(const struct cf_chat *chat)
{
    return &chat->failure;
}

const struct cf_model *cf_chat_model(const struct cf_chat *chat)
{
    return chat->is_loaded ? cf_worker_model(chat->worker) : NULL;
}

const struct cf_tokenizer *cf_chat_tokenizer(const struct cf_chat *chat)
{
    return chat->is_loaded ? cf_worker_tokenizer(chat->worker) : NULL;
}

/* --- notices --- */

void cf_chat_say(struct cf_chat *chat, bool is_error, const char *format, ...)
{
    struct cf_buf text = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&text, format, args);
    va_end(args);
    /* The same failure of every save of a reply is said once. */
    if (chat->n_notices > 0 && strcmp(chat->notices[chat->n_notices - 1].text, text.data) == 0) {
        cf_buf_release(&text);
        return;
    }
    chat->notices = cf_grow(chat->notices, chat->n_notices, &chat->notices_capacity, 1,
                            sizeof chat->notices[0]);
    chat->notices[chat->n_notices++] =
        (struct cf_chat_notice){.text = cf_buf_take(&text), .is_error = is_error};
    cf_chat_mark(chat, CF_CHANGE_NOTICE);
}

char *cf_chat_notice_take(struct cf_chat *chat, bool *is_error)
{
    if (chat->n_notices == 0) {
        return NULL;
    }
    struct cf_chat_notice notice = chat->notices[0];
    chat->n_notices--;
    memmove(chat->notices, chat->notices + 1, chat->n_notices * sizeof chat->notices[0]);
    if (is_error != NULL) {
        *is_error = notice.is_error;
    }
    return notice.text;
}

enum cf_code cf_chat_use_model(struct cf_chat *chat, const char *path, struct cf_err *err)
{
    if (chat->next_worker != NULL) {
        return cf_err_set(err, CF_ERR_BUSY, "another model is being opened");
    }
    const struct cf_chat_params params = {.model_path = path};
    enum cf_code code = start_worker(chat, &chat->next_worker, &params, err);
    if (code == CF_OK) {
        free(chat->next_model_path);
        chat->next_model_path = cf_strdup(path);
        cf_chat_mark(chat, CF_CHANGE_STATUS);
    }
    return code;
}
