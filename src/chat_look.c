/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reply looked at token by token: what is on record at once, the candidates by making it again in
 * the worker while nothing else is to be done, and what the settings of now would have made of it.
 */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

static void free_looking(struct cf_chat_looking *looking)
{
    cf_look_release(&looking->look);
    for (size_t i = 0; i < looking->n_turns; i++) {
        cf_ids_release(&looking->ids[i]);
        free(looking->texts[i]);
    }
    free(looking->ids);
    free(looking->texts);
    free(looking->turns);
    cf_recipe_release(&looking->recipe);
    cf_template_release(&looking->template);
    free(looking->system);
    free(looking->tokens);
    free(looking);
}

void cf_chat_look_end(struct cf_chat *chat)
{
    struct cf_chat_looking *looking = chat->looking;
    if (looking == NULL) {
        return;
    }
    chat->looking = NULL;
    looking->is_dropped = true;
    if (!looking->is_under_way) {
        free_looking(looking);
    } else {
        for (struct cf_chat_work *work = chat->works; work != NULL; work = work->next) {
            if (work->looking == looking) {
                cf_worker_cancel(chat->worker, work->job.number);
            }
        }
    }
    cf_chat_mark(chat, CF_CHANGE_LOOK);
}

void cf_chat_look_move(struct cf_chat *chat, struct cf_chat_node *node)
{
    struct cf_chat_looking *looking = chat->looking;
    size_t turn = 0;
    while (turn < chat->tree->n_path && chat->tree->path[turn] != node) {
        turn++;
    }
    if (turn == chat->tree->n_path) {
        cf_chat_look_end(chat);
    } else if (turn == looking->n_turns) {
        looking->node = node;
    } else if (cf_chat_look_at(chat, turn, NULL) != CF_OK) { /* more is known of what precedes it */
        cf_chat_look_end(chat);
    }
}

void cf_chat_look_release(struct cf_chat *chat)
{
    for (struct cf_chat_work *work = chat->works; work != NULL; work = work->next) {
        struct cf_chat_looking *looking = work->looking;
        if (looking != NULL) {
            looking->is_under_way = false;
            if (looking->is_dropped) {
                free_looking(looking);
            }
        }
    }
    if (chat->looking != NULL) {
        free_looking(chat->looking);
        chat->looking = NULL;
        chat->changes |= CF_CHANGE_LOOK;
    }
}

const struct cf_chat_look *cf_chat_looked(const struct cf_chat *chat)
{
    return chat->looking != NULL ? &chat->looking->view : NULL;
}

const struct cf_choice *cf_chat_look_choice(const struct cf_chat *chat, size_t k)
{
    const struct cf_chat_looking *looking = chat->looking;
    /* While a job is under way, all that it found is the worker's. */
    bool is_known = looking != NULL && !looking->is_under_way && looking->is_evaluated &&
                    k < looking->view.n && looking->look.tokens[k].is_known;
    return is_known ? &looking->look.tokens[k].choice : NULL;
}

/* --- what is on record --- */

static void list_tokens(struct cf_chat_looking *looking)
{
    const struct cf_recipe *recipe = &looking->recipe;
    const struct cf_chat_node *node = looking->node;
    looking->tokens = cf_calloc(recipe->n_tokens + 1, sizeof looking->tokens[0]);
    for (size_t k = 0; k < recipe->n_tokens; k++) {
        const struct cf_recipe_token *from = &recipe->tokens[k];
        looking->tokens[k] = (struct cf_chat_look_token){.begin = cf_chat_node_end(node, k),
                                                         .end = cf_chat_node_end(node, k + 1),
                                                         .id = from->id,
                                                         .rank = from->rank,
                                                         .p_raw = from->p_raw,
                                                         .p = from->p,
                                                         .p_if = -1,
                                                         .origin = from->origin};
    }
    looking->view = (struct cf_chat_look){.message = node->turn.id,
                                          .tokens = looking->tokens,
                                          .n = recipe->n_tokens,
                                          .is_placed = node->n_ends > 0,
                                          .first_other = -1,
                                          .n_cut_if = -1};
}

static void copy_recipe(struct cf_recipe *to, const struct cf_recipe *from)
{
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(from, &blob);
    enum cf_code code = cf_recipe_decode(to, blob.data, blob.size, NULL);
    assert(code == CF_OK);
    (void)code;
    cf_buf_release(&blob);
}

static void fail(struct cf_chat *chat, struct cf_chat_looking *looking, const struct cf_err *err)
{
    looking->err = *err;
    looking->view.state = CF_LOOK_FAILED;
    looking->view.error = looking->err.text;
    cf_chat_mark(chat, CF_CHANGE_LOOK);
}

static bool is_same_model(const struct cf_chat *chat, const struct cf_chat_looking *looking,
                          struct cf_err *err)
{
    return cf_chat_check_same_model(chat, &looking->recipe.head, looking->node->model_name, err) ==
           CF_OK;
}

/* Whether the model at hand is known not to be the one that wrote the reply, which ends the look:
 * what is on record is there all the same. */
static bool fails_by_model(struct cf_chat *chat, struct cf_chat_looking *looking)
{
    struct cf_err err = CF_ERR_INIT;
    if (is_same_model(chat, looking, &err)) {
        return false;
    }
    if (chat->is_loaded && looking->view.is_placed && !chat->digest.is_known) {
        return false; /* so far only the names differ */
    }
    fail(chat, looking, &err);
    return true;
}

/* Template and system prompt are those in force, or come from the database. */
static void ask_for_texts(struct cf_chat *chat, struct cf_chat_looking *looking)
{
    const struct cf_recipe_head *head = &looking->recipe.head;
    struct cf_recipe_head now = {0};
    cf_chat_fill_head(chat, &now);
    looking->has_template = cf_digest_equal(&now.template_digest, &head->template_digest);
    looking->has_system = cf_digest_equal(&now.system_digest, &head->system_digest);
    if (looking->has_template) {
        cf_template_copy(&looking->template, cf_chat_template(chat));
    }
    if (looking->has_system && chat->settings.system != NULL) {
        looking->system = cf_strdup(chat->settings.system);
    }
    struct cf_digest none;
    cf_digest_of(&none, "", 0);
    looking->has_system = looking->has_system || cf_digest_equal(&none, &head->system_digest);
    for (int is_system = 0; is_system < 2; is_system++) {
        if (is_system != 0 ? looking->has_system : looking->has_template) {
            continue;
        }
        if (!cf_chat_saves(chat)) {
            struct cf_err err = CF_ERR_INIT;
            cf_err_set(&err, CF_ERR_MISMATCH,
                       "the reply was made with another template or system prompt, which nothing "
                       "keeps without a database");
            fail(chat, looking, &err);
            return;
        }
        cf_chat_expect_about(chat,
                             cf_storage_snapshot_load(chat->storage, is_system != 0
                                                                         ? &head->system_digest
                                                                         : &head->template_digest),
                             CF_WHAT_SNAPSHOT, is_system);
    }
}

void cf_chat_look_take_snapshot(struct cf_chat *chat, bool is_system,
                                const struct cf_storage_event *event)
{
    struct cf_chat_looking *looking = chat->looking;
    if (looking == NULL || looking->view.state != CF_LOOK_READING) {
        return;
    }
    struct cf_err err = event->err;
    enum cf_code code = event->code;
    const struct cf_recipe_head *head = &looking->recipe.head;
    struct cf_digest digest;
    cf_digest_of(&digest, event->text != NULL ? event->text : "", event->size);
    if (code == CF_OK &&
        !cf_digest_equal(&digest, is_system ? &head->system_digest : &head->template_digest)) {
        return; /* an answer to what was looked at before */
    }
    if (code == CF_OK && is_system) {
        free(looking->system);
        looking->system = cf_memdup_str(event->text, event->size);
        looking->has_system = true;
    } else if (code == CF_OK) {
        code = cf_config_parse_template(&looking->template, event->text, event->size, &err);
        looking->has_template = code == CF_OK;
    }
    if (code != CF_OK) {
        fail(chat, looking, &err);
    }
}

/* Only what differs from the settings a token was made with is worth telling. */
static bool is_as_made(const struct cf_chat *chat, const struct cf_chat_looking *looking)
{
    const struct cf_recipe *recipe = &looking->recipe;
    for (size_t i = 0; i < recipe->n_knobs; i++) {
        if (memcmp(&recipe->knobs[i].sampling, &chat->settings.sampling,
                   sizeof recipe->knobs[i].sampling) != 0) {
            return false;
        }
    }
    return true;
}

enum cf_code cf_chat_look_at(struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    assert(turn < chat->tree->n_path);
    struct cf_chat_node *node = chat->tree->path[turn];
    if (node->turn.role != CF_ROLE_ASSISTANT) {
        return cf_err_set(err, CF_ERR_RANGE, "only a reply has tokens to look at");
    }
    if (node->turn.state == CF_TURN_STREAMING || node->turn.state == CF_TURN_WAITING) {
        return cf_err_set(err, CF_ERR_BUSY, "the reply is still being written");
    }
    for (size_t i = 0; i <= turn; i++) {
        cf_chat_node_open_recipe(chat->tree->path[i], cf_chat_tokenizer(chat));
    }
    if (!chat->is_loaded && !chat->is_load_failed) {
        return cf_err_set(err, CF_ERR_BUSY, "the model is still being opened");
    }
    if (node->recipe.n_tokens == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "nothing was recorded of this reply's tokens");
    }
    cf_chat_look_end(chat);
    struct cf_chat_looking *looking = cf_calloc(1, sizeof *looking);
    looking->node = node;
    looking->err = CF_ERR_INIT;
    looking->template = CF_TEMPLATE_INIT;
    copy_recipe(&looking->recipe, &node->recipe);
    looking->turns = cf_calloc(turn + 1, sizeof looking->turns[0]);
    looking->texts = cf_calloc(turn + 1, sizeof looking->texts[0]);
    looking->ids = cf_calloc(turn + 1, sizeof looking->ids[0]);
    looking->n_turns = turn;
    for (size_t i = 0; i < turn; i++) {
        const struct cf_chat_node *before = chat->tree->path[i];
        cf_ids_add_all(&looking->ids[i], before->ids.data, before->ids.n);
        looking->texts[i] = cf_memdup_str(before->text.data, before->text.size);
        looking->turns[i] = (struct cf_turn){.role = before->turn.role,
                                             .text = looking->texts[i],
                                             .size = before->text.size,
                                             .ids = looking->ids[i].data,
                                             .n_ids = (int32_t)looking->ids[i].n};
    }
    cf_chat_node_spell(node, cf_chat_tokenizer(chat));
    list_tokens(looking);
    looking->is_turned = !is_as_made(chat, looking);
    chat->looking = looking;
    if (!fails_by_model(chat, looking)) {
        ask_for_texts(chat, looking);
    }
    cf_chat_mark(chat, CF_CHANGE_LOOK);
    return CF_OK;
}

/* --- on the worker's thread --- */

static enum cf_code check_engine(const struct cf_chat_looking *looking,
                                 const struct cf_worker_engine *engine, struct cf_err *err)
{
    const struct cf_recipe_head *head = &looking->recipe.head;
    if (head->n_ctx != engine->n_ctx || head->kv_type != engine->kv_type) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "the reply was made with another --ctx or --kv (%d positions of %s)",
                          (int)head->n_ctx, cf_dtype_name(head->kv_type));
    }
    return cf_replay_check(&looking->recipe, engine->model, err);
}

static enum cf_code run_look(void *arg, const struct cf_worker_engine *engine, struct cf_ids *ids,
                             struct cf_err *err)
{
    (void)ids;
    struct cf_chat_looking *looking = arg;
    enum cf_code code = CF_OK;
    if (!looking->is_evaluated) {
        code = check_engine(looking, engine, err);
        looking->look.reply = (struct cf_replay_reply){.recipe = &looking->recipe,
                                                       .template = &looking->template,
                                                       .system = looking->system,
                                                       .turns = looking->turns,
                                                       .n_turns = looking->n_turns};
        if (code == CF_OK) {
            code = cf_look_run(&looking->look, engine->session, engine->branch, engine->tokenizer,
                               &engine->interrupt, err);
        }
        looking->is_evaluated = code == CF_OK;
    }
    if (code == CF_OK && looking->wants_if) {
        code = cf_look_if(&looking->look, engine->sampler, &looking->sampling_if,
                          &engine->interrupt, err);
        looking->wants_if = code == CF_ERR_CANCELLED;
    }
    return code;
}

/* --- the front --- */

static void take(struct cf_chat *chat, struct cf_chat_work *work, enum cf_end_reason reason,
                 const char *sentence)
{
    struct cf_chat_looking *looking = work->looking;
    looking->is_under_way = false;
    if (looking->is_dropped) {
        free_looking(looking);
        return;
    }
    struct cf_chat_look *view = &looking->view;
    if (reason == CF_END_ERROR && !looking->is_evaluated) {
        struct cf_err err = CF_ERR_INIT;
        cf_err_set(&err, CF_ERR_MISMATCH, "%s", sentence);
        fail(chat, looking, &err);
        return;
    }
    if (!looking->is_evaluated) {
        return;
    }
    const struct cf_replay_result *result = &looking->look.result;
    view->state = CF_LOOK_DONE;
    view->n_compared = result->n_compared;
    view->n_same = result->n_same;
    view->first_other = result->first;
    view->p_other = result->p;
    view->p_other_now = result->p_now;
    view->n_cut_if = is_as_made(chat, looking) ? -1 : looking->look.n_cut_if;
    for (size_t k = 0; k < view->n; k++) {
        const struct cf_look_token *token = &looking->look.tokens[k];
        looking->tokens[k].p_if = token->is_known ? token->p_if : -1;
    }
    cf_chat_mark(chat, CF_CHANGE_LOOK);
}

/* It may have been deleted, or another alternative be shown. */
static bool is_in_view(const struct cf_chat *chat, const struct cf_chat_looking *looking)
{
    const struct cf_chat_tree *tree = chat->tree;
    return looking->n_turns < tree->n_path && tree->path[looking->n_turns] == looking->node;
}

void cf_chat_look_step(struct cf_chat *chat)
{
    struct cf_chat_looking *looking = chat->looking;
    if (looking != NULL && !is_in_view(chat, looking)) {
        cf_chat_look_end(chat);
        return;
    }
    if (looking == NULL || looking->is_under_way || chat->works != NULL || !looking->has_template ||
        !looking->has_system || !cf_chat_can_start(chat) || looking->view.state == CF_LOOK_FAILED) {
        return;
    }
    if (looking->is_turned) {
        looking->is_turned = false;
        looking->wants_if = true;
        looking->sampling_if = chat->settings.sampling;
    }
    if (looking->is_evaluated && !looking->wants_if) {
        return;
    }
    if (fails_by_model(chat, looking) || !is_same_model(chat, looking, NULL)) {
        return; /* or waits for the digest */
    }
    struct cf_chat_work *work = cf_chat_work_new(chat);
    work->looking = looking;
    work->finish = take;
    work->job.kind = CF_JOB_CALL;
    work->job.build = run_look;
    work->job.arg = looking;
    work->is_submitted = true;
    looking->is_under_way = true;
    (void)cf_worker_submit(chat->worker, &work->job);
}

void cf_chat_look_turned(struct cf_chat *chat)
{
    if (chat->looking != NULL) {
        chat->looking->is_turned = true;
    }
}
