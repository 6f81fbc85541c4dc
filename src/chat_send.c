/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What starts a reply: a message, the queue, completing; and the job of a reply. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chat_private.h"
#include "clock.h"
#include "mem.h"
#include "text.h"

enum { TITLE_COLUMNS = 60 };

/* --- the conversation --- */

/* The conversation enters the database together with its first message: a disk that is full for the
 * one leaves no empty one behind. */
static uint64_t begin_conversation(struct cf_chat *chat, int64_t message,
                                   const struct cf_message_spec *first)
{
    struct cf_buf json = CF_BUF_INIT;
    cf_chat_format_settings(chat, &json);
    const struct cf_conversation_spec spec = {.title = chat->is_title_own ? chat->title : NULL,
                                              .model = chat->model_name,
                                              .template_name = cf_chat_template(chat)->name,
                                              .system = chat->settings.system,
                                              .settings = json.data};
    uint64_t job =
        cf_storage_conversation_begin(chat->storage, chat->conversation, &spec, message, first);
    cf_buf_release(&json);
    chat->is_settings_dirty = false;
    chat->wants_title = true;
    return job;
}

/* Until the store has made one, and where there is no store. */
static void make_title(struct cf_chat *chat, const char *text, size_t size)
{
    if (chat->title[0] != '\0') {
        return;
    }
    struct cf_buf title = CF_BUF_INIT;
    cf_text_ellipsize(&title, text, size, TITLE_COLUMNS);
    free(chat->title);
    chat->title = cf_buf_take(&title);
    cf_chat_mark(chat, CF_CHANGE_TITLE);
}

/* --- the queue --- */

void cf_chat_push(struct cf_chat *chat, const char *text, size_t size, int32_t n)
{
    chat->queue =
        cf_grow(chat->queue, chat->n_queue, &chat->queue_capacity, 1, sizeof chat->queue[0]);
    chat->queue[chat->n_queue++] =
        (struct cf_chat_message){.text = cf_memdup_str(text, size), .size = size, .n = n};
    chat->is_draft_dirty = true;
    cf_chat_save_draft(chat);
    cf_chat_mark(chat, CF_CHANGE_QUEUE | CF_CHANGE_STATUS);
}

void cf_chat_clear_queue(struct cf_chat *chat)
{
    for (size_t i = 0; i < chat->n_queue; i++) {
        free(chat->queue[i].text);
    }
    chat->n_queue = 0;
}

enum cf_code cf_chat_unqueue(struct cf_chat *chat, struct cf_err *err)
{
    if (chat->n_queue == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "no message is waiting");
    }
    struct cf_chat_message *last = &chat->queue[--chat->n_queue];
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_add_message(&text, last);
    cf_buf_add_paragraph(&text, chat->draft, strlen(chat->draft));
    free(last->text);
    free(chat->draft);
    chat->draft = cf_buf_take(&text);
    chat->is_queue_held = chat->is_queue_held && chat->n_queue > 0;
    chat->is_draft_dirty = true;
    cf_chat_save_draft(chat);
    cf_chat_mark(chat, CF_CHANGE_QUEUE | CF_CHANGE_DRAFT | CF_CHANGE_STATUS);
    return CF_OK;
}

/* --- starting --- */

static struct cf_chat_node *add_message(struct cf_chat *chat, struct cf_chat_node *parent,
                                        const char *text, size_t size, uint64_t *commit)
{
    bool is_first = chat->conversation == 0;
    if (is_first) {
        chat->conversation = cf_chat_reserve_ids(chat, 1);
        /* One that is still to come stays for the next one. */
        chat->is_first_draft_over = !chat->is_first_draft_due;
        chat->is_first_draft_due = false;
        cf_settings_take_over(&chat->own, &chat->settings, CF_ORIGIN_OPTION);
    }
    struct cf_chat_node *node = cf_chat_node_new(chat, CF_ROLE_USER);
    cf_buf_add(&node->text, text, size);
    node->turn.id = cf_chat_reserve_ids(chat, 1);
    cf_chat_node_update(node);
    *commit = 0;
    if (cf_chat_saves(chat)) {
        const struct cf_message_spec spec = {.conversation = chat->conversation,
                                             .parent = parent->turn.id,
                                             .role = CF_ROLE_USER,
                                             .text = text,
                                             .size = size,
                                             .created_ms = node->turn.created_ms};
        *commit = is_first ? begin_conversation(chat, node->turn.id, &spec)
                           : cf_storage_message_add(chat->storage, node->turn.id, &spec);
        cf_chat_expect(chat, *commit, is_first ? CF_WHAT_CREATE : CF_WHAT_COMMIT, node);
        node->is_begun = true;
    }
    cf_chat_tree_add(chat->tree, parent, node);
    make_title(chat, text, size);
    return node;
}

void cf_chat_start_message(struct cf_chat *chat, struct cf_chat_node *parent, const char *text,
                           size_t size, int32_t n)
{
    struct cf_chat_start start = {.n = n, .forced = -1};
    start.parent = add_message(chat, parent, text, size, &start.commit);
    /* What was sent is no draft any more: a kill from here on leaves it in one place only. */
    chat->is_draft_dirty = true;
    cf_chat_save_draft(chat);
    cf_chat_start_reply(chat, &start);
}

enum cf_code cf_chat_check_branch(struct cf_chat *chat, const struct cf_chat_node *leaf,
                                  struct cf_err *err)
{
    for (const struct cf_chat_node *node = leaf; node != NULL; node = node->parent) {
        if (node->turn.state == CF_TURN_ELSEWHERE) {
            cf_chat_reload(chat);
            return cf_err_set(err, CF_ERR_BUSY,
                              "the reply is still being written by another confab: try again when "
                              "it has ended");
        }
    }
    return CF_OK;
}

void cf_chat_start_queued(struct cf_chat *chat)
{
    if (chat->n_queue == 0 || chat->is_queue_held || !cf_chat_can_start(chat)) {
        return;
    }
    struct cf_err err = CF_ERR_INIT;
    if (cf_chat_check_branch(chat, cf_chat_tree_leaf(chat->tree), &err) != CF_OK) {
        chat->is_queue_held = true;
        cf_chat_say(chat, true, "%s", err.text);
        cf_chat_mark(chat, CF_CHANGE_QUEUE | CF_CHANGE_STATUS);
        return;
    }
    struct cf_chat_message message = chat->queue[0];
    chat->n_queue--;
    memmove(chat->queue, chat->queue + 1, chat->n_queue * sizeof chat->queue[0]);
    cf_chat_start_message(chat, cf_chat_tree_leaf(chat->tree), message.text, message.size,
                          message.n);
    free(message.text);
    cf_chat_mark(chat, CF_CHANGE_QUEUE | CF_CHANGE_STATUS);
}

enum cf_code cf_chat_send_queued(struct cf_chat *chat, struct cf_err *err)
{
    if (chat->n_queue == 0 || !chat->is_queue_held) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "no message is held back");
    }
    if (cf_chat_check_branch(chat, cf_chat_tree_leaf(chat->tree), err) != CF_OK) {
        return err->code;
    }
    chat->is_queue_held = false;
    cf_chat_start_queued(chat);
    cf_chat_mark(chat, CF_CHANGE_QUEUE | CF_CHANGE_STATUS);
    return CF_OK;
}

enum cf_code cf_chat_check_model(const struct cf_chat *chat, struct cf_err *err)
{
    if (!chat->is_load_failed) {
        return CF_OK;
    }
    return cf_err_set(err, chat->failure.code, "%s", chat->failure.text);
}

enum cf_code cf_chat_check_message(const struct cf_chat *chat, const char *text, size_t size,
                                   struct cf_err *err)
{
    size_t at = 0;
    while (at < size && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
        at++;
    }
    if (at == size) {
        return cf_err_set(err, CF_ERR_RANGE, "there is nothing to send");
    }
    return cf_chat_check_model(chat, err);
}

enum cf_code cf_chat_send_many(struct cf_chat *chat, const char *text, size_t size, int32_t n,
                               struct cf_err *err)
{
    enum cf_code code = cf_chat_check_message(chat, text, size, err);
    if (code != CF_OK) {
        return code;
    }
    if (n < 1 || n > CF_WORKER_ALTERNATIVES_MAX) {
        return cf_err_set(err, CF_ERR_RANGE, "the number of alternatives must be 1 to %d, not %d",
                          CF_WORKER_ALTERNATIVES_MAX, (int)n);
    }
    /* What is sent to a conversation that is only being opened waits, and is looked at then. */
    if (!cf_chat_is_changing(chat)) {
        code = cf_chat_check_branch(chat, cf_chat_tree_leaf(chat->tree), err);
    }
    if (code != CF_OK) {
        return code;
    }
    char *sent = chat->draft; /* TEXT may be that very draft */
    chat->draft = cf_strdup("");
    chat->is_queue_held = false;
    if (chat->n_queue == 0 && cf_chat_can_start(chat)) {
        cf_chat_start_message(chat, cf_chat_tree_leaf(chat->tree), text, size, n);
    } else {
        cf_chat_push(chat, text, size, n);
        cf_chat_start_queued(chat);
    }
    free(sent);
    return CF_OK;
}

enum cf_code cf_chat_send(struct cf_chat *chat, const char *text, size_t size, struct cf_err *err)
{
    return cf_chat_send_many(chat, text, size, 1, err);
}

void cf_chat_cancel_reply(struct cf_chat *chat)
{
    struct cf_chat_work *reply = chat->reply;
    reply->is_cancelled = true;
    if (reply->is_submitted) {
        cf_worker_cancel(chat->worker, reply->job.number);
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS);
}

enum cf_code cf_chat_stop(struct cf_chat *chat, struct cf_err *err)
{
    if (chat->reply == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "no reply is being written");
    }
    chat->is_queue_held = chat->n_queue > 0;
    cf_chat_cancel_reply(chat);
    return CF_OK;
}

/* --- making the job --- */

static uint64_t seed_of(const struct cf_chat *chat)
{
    uint64_t seed = chat->settings.seed;
    if (!chat->settings.has_seed &&
        getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint64_t)(cf_clock_s() * 1e9) ^ (uint64_t)cf_chat_utc_ms();
    }
    return seed;
}

/* The replies in the tree, and in the database a row for each. */
static void add_replies(struct cf_chat *chat, struct cf_chat_work *work,
                        const struct cf_chat_start *start)
{
    int64_t first = cf_chat_reserve_ids(chat, (size_t)start->n);
    for (int32_t i = 0; i < start->n; i++) {
        struct cf_chat_node *node = cf_chat_node_new(chat, CF_ROLE_ASSISTANT);
        node->turn.id = first - i;
        node->turn.state = CF_TURN_WAITING;
        node->model_name = cf_strdup(chat->model_name);
        struct cf_recipe_head head = {0};
        cf_chat_fill_head(chat, &head);
        cf_recipe_init(&node->recipe, &head);
        if (start->n_prefix > 0) {
            cf_recipe_copy_prefix(&node->recipe, &start->of->recipe, start->n_prefix);
        }
        node->is_begun = cf_chat_saves(chat);
        cf_chat_tree_add(chat->tree, start->parent, node);
        cf_chat_node_update(node);
        work->nodes[i] = node;
    }
    cf_chat_tree_show(chat->tree, work->nodes[0]);
    if (cf_chat_saves(chat)) {
        struct cf_buf text = CF_BUF_INIT;
        cf_config_format_template(cf_chat_template(chat), &text);
        const struct cf_reply_spec spec = {.conversation = chat->conversation,
                                           .parent = start->parent->turn.id,
                                           .model = chat->model_name,
                                           .template_text = text.data,
                                           .system = chat->settings.system};
        uint64_t job = cf_storage_reply_begin(chat->storage, first, (size_t)start->n, &spec);
        cf_chat_expect(chat, job, CF_WHAT_BEGIN, work->nodes[0]);
        work->commit = chat->awaits_ids ? job : work->commit;
        cf_buf_release(&text);
    }
}

static void go_on(struct cf_chat *chat, struct cf_chat_work *work, struct cf_chat_node *node)
{
    work->nodes[0] = node;
    node->turn.state = CF_TURN_WAITING;
    node->turn.reason = CF_END_NONE;
    node->is_finished = false;
    free(node->error);
    node->error = NULL;
    cf_chat_record_digest(chat, node);
    cf_chat_node_update(node);
    /* One that still waits to be finished was never given up. */
    bool is_ours = cf_chat_take_unfinished(chat, node);
    if (cf_chat_saves(chat) && !is_ours) {
        uint64_t job = cf_storage_reply_resume(chat->storage, node->turn.id);
        cf_chat_expect(chat, job, CF_WHAT_SHELF, NULL);
    }
}

static void set_sampling(const struct cf_chat *chat, struct cf_chat_work *work)
{
    cf_worker_set_pace(chat->worker, chat->settings.pace);
    struct cf_job *job = &work->job;
    job->kind = CF_JOB_GENERATE;
    job->n_alternatives = work->n;
    job->max_tokens = chat->settings.max_tokens;
    job->sampling = chat->settings.sampling;
    job->stops = &work->stops.strings;
    job->stop_ids = work->stops.ids.data;
    job->n_stop_ids = work->stops.ids.n;
    job->seed = seed_of(chat);
    job->starts_paused = chat->starts_held;
    work->is_held = chat->starts_held;
    job->stops_loops = chat->stops_loops && chat->settings.stop_loops;
}

static const struct cf_texts *own_stops(const struct cf_chat *chat)
{
    bool is_own = chat->settings.sources[CF_SETTING_STOP].origin > CF_ORIGIN_MODEL;
    return is_own ? &chat->settings.stop : NULL;
}

/* A stream of draws that no other alternative has, also where some of them were purged. */
static uint32_t next_stream(const struct cf_chat *chat, const struct cf_chat_node *parent)
{
    uint32_t next = (uint32_t)cf_chat_node_n_children(parent, true);
    for (size_t i = 0; i < parent->n_children; i++) {
        struct cf_chat_node *node = parent->children[i];
        cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
        for (size_t k = 0; k < node->recipe.n_jobs; k++) {
            uint32_t stream = node->recipe.jobs[k].stream;
            next = stream >= next && stream < UINT32_MAX / 2 ? stream + 1 : next;
        }
    }
    return next;
}

void cf_chat_start_reply(struct cf_chat *chat, const struct cf_chat_start *start)
{
    struct cf_chat_work *work = cf_chat_work_new(chat);
    work->n = start->n;
    work->nodes = cf_calloc((size_t)start->n, sizeof work->nodes[0]);
    work->commit = start->commit;
    uint32_t stream = next_stream(chat, start->parent);
    for (int32_t i = 0; i < start->n_prefix; i++) {
        cf_ids_add(&work->prefix, start->of->recipe.tokens[i].id);
    }
    if (start->go_on != NULL) {
        go_on(chat, work, start->go_on);
    } else {
        add_replies(chat, work, start);
    }
    cf_stops_collect(&work->stops, cf_chat_tokenizer(chat), cf_chat_template(chat),
                     own_stops(chat));
    set_sampling(chat, work);
    if (start->other != NULL) {
        work->samplings[0] = chat->settings.sampling;
        work->samplings[1] = *start->other;
        work->job.samplings = work->samplings;
    }
    work->job.stream = stream;
    const struct cf_recipe *recipe = &work->nodes[0]->recipe;
    if (start->go_on != NULL && recipe->n_jobs > 0) {
        /* The same draws, as if it had never stopped. */
        work->job.seed = recipe->jobs[recipe->n_jobs - 1].seed;
        work->job.stream = recipe->jobs[recipe->n_jobs - 1].stream;
    }
    work->job.prefix = work->prefix.data;
    work->job.n_prefix = (int32_t)work->prefix.n;
    work->forced = start->forced;
    work->job.forced = &work->forced;
    work->job.n_forced = start->forced >= 0;
    chat->reply = work;
    for (int i = 0; i < 2 && start->other != NULL; i++) {
        chat->compared[i] = work->nodes[i];
    }
    /* The path up to the message answered, and what the reply has already. */
    size_t n_path = 0;
    while (n_path < chat->tree->n_path && chat->tree->path[n_path] != work->nodes[0]) {
        n_path++;
    }
    cf_chat_plan_init(&work->plan, chat, n_path, false, &work->job);
    cf_chat_plan_add_reply(&work->plan, chat, &work->prefix);
    work->job.build = cf_chat_plan_build;
    work->job.arg = &work->plan;
    chat->has_choice = false;
    cf_chat_mark(chat, CF_CHANGE_TURNS | CF_CHANGE_STATUS | CF_CHANGE_CHOICE);
    if (work->commit == 0 || chat->is_held_up) {
        cf_chat_submit(chat, work);
    }
}

void cf_chat_submit(struct cf_chat *chat, struct cf_chat_work *work)
{
    if (work->is_submitted || work->is_cancelled) {
        return;
    }
    work->is_submitted = true;
    work->saved_at = cf_clock_s();
    (void)cf_worker_submit(chat->worker, &work->job);
    cf_chat_mark(chat, CF_CHANGE_STATUS);
}

enum cf_code cf_chat_complete(struct cf_chat *chat, const char *text, size_t size, int32_t n,
                              struct cf_err *err)
{
    enum cf_code code = chat->reply != NULL
                            ? cf_err_set(err, CF_ERR_BUSY, "a reply is being written")
                            : cf_chat_check_ready(chat, err);
    if (code != CF_OK) {
        return code;
    }
    if (n < 1 || n > CF_WORKER_ALTERNATIVES_MAX) {
        return cf_err_set(err, CF_ERR_RANGE, "the number of alternatives must be 1 to %d, not %d",
                          CF_WORKER_ALTERNATIVES_MAX, (int)n);
    }
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(chat);
    struct cf_ids ids = {0};
    cf_tokenizer_encode(tokenizer, text, size, &ids);
    if (ids.n == 0 && cf_tokenizer_eos(tokenizer) >= 0) {
        /* What stands between texts also begins one. */
        cf_ids_add(&ids, cf_tokenizer_eos(tokenizer));
    }
    struct cf_chat_work *work = cf_chat_work_new(chat);
    work->n = n;
    work->is_detached = true;
    work->nodes = cf_calloc((size_t)n, sizeof work->nodes[0]);
    for (int32_t i = 0; i < n; i++) {
        work->nodes[i] = cf_chat_node_new(chat, CF_ROLE_ASSISTANT);
        work->nodes[i]->turn.state = CF_TURN_WAITING;
    }
    cf_stops_collect(&work->stops, tokenizer, cf_template_builtin("plain"), own_stops(chat));
    set_sampling(chat, work);
    work->job.ids = ids;
    chat->reply = work;
    cf_chat_submit(chat, work);
    return CF_OK;
}
