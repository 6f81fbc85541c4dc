/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From turns to a prompt, on the worker's thread; idle work; what the model sees of the path. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "command.h"
#include "mem.h"

/* Longer than any token: more text than this for each position cannot be in a prompt. */
enum { TOKEN_SIZE_MAX = 256 };

/* --- making a plan --- */

/* Decodes what was recorded of those turns that a prompt may hold, so that a long conversation
 * costs no more than a full context.  The others need no ids. */
static void open_recipes(const struct cf_chat *chat, size_t n_path)
{
    size_t room = (size_t)cf_worker_n_ctx(chat->worker) * TOKEN_SIZE_MAX;
    size_t size = 0;
    for (size_t i = n_path; i > 0; i--) {
        struct cf_chat_node *node = chat->tree->path[i - 1];
        if (size < room || node->turn.is_pinned) {
            cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
        }
        size += node->text.size;
    }
}

/* Where the window started for the last reply of the path, as an index of the path. */
static size_t window_start(const struct cf_chat *chat, size_t n_path)
{
    for (size_t i = n_path; i > 0; i--) {
        const struct cf_recipe *recipe = &chat->tree->path[i - 1]->recipe;
        if (recipe->n_jobs > 0) {
            return (size_t)recipe->jobs[recipe->n_jobs - 1].window_start;
        }
    }
    return 0;
}

static void add_turn(struct cf_chat_plan *plan, const struct cf_turn *turn, size_t place,
                     struct cf_chat_node *node)
{
    plan->turns[plan->n_turns] = *turn;
    plan->sources[plan->n_turns++] = (struct cf_chat_source){.place = place, .node = node};
}

static void add_path(struct cf_chat_plan *plan, const struct cf_chat *chat, size_t n_path)
{
    open_recipes(chat, n_path);
    size_t start = window_start(chat, n_path);
    for (size_t i = 0; i < n_path; i++) {
        struct cf_chat_node *node = chat->tree->path[i];
        if (i == start) {
            plan->budget.start = plan->n_turns;
        }
        /* A reply that failed before its first token says nothing. */
        if (node->text.size == 0) {
            continue;
        }
        const struct cf_turn turn = {.role = node->turn.role,
                                     .is_pinned = node->turn.is_pinned,
                                     .text = node->text.data,
                                     .size = node->text.size,
                                     .ids = node->ids.data,
                                     .n_ids = (int32_t)node->ids.n};
        add_turn(plan, &turn, i, node);
    }
}

/* The last reply may go on, and change, while this plan is still being cancelled. */
static void copy_last(struct cf_chat_plan *plan)
{
    if (plan->n_turns == 0) {
        return;
    }
    struct cf_turn *last = &plan->turns[plan->n_turns - 1];
    plan->last_text = cf_memdup_str(last->text, last->size);
    cf_ids_add_all(&plan->last_ids, last->ids, (size_t)last->n_ids);
    last->text = plan->last_text;
    last->ids = plan->last_ids.data;
}

/* What the draft would be as a message: a command is none. */
static const char *message_of_draft(const struct cf_chat *chat)
{
    return cf_command_is(chat->draft) ? "" : cf_command_text(chat->draft);
}

void cf_chat_plan_init(struct cf_chat_plan *plan, const struct cf_chat *chat, size_t n_path,
                       bool with_draft, struct cf_job *job)
{
    *plan = (struct cf_chat_plan){.job = job, .prompt = CF_PROMPT_INIT};
    plan->turns = cf_calloc(n_path + 2, sizeof plan->turns[0]);
    plan->sources = cf_calloc(n_path + 2, sizeof plan->sources[0]);
    plan->template = CF_TEMPLATE_INIT;
    cf_template_copy(&plan->template, cf_chat_template(chat));
    plan->system = chat->settings.system != NULL ? cf_strdup(chat->settings.system) : NULL;
    plan->budget.n_ctx = cf_worker_n_ctx(chat->worker);
    plan->budget.max_tokens = chat->settings.max_tokens;
    add_path(plan, chat, n_path);
    copy_last(plan);
    if (with_draft && message_of_draft(chat)[0] != '\0') {
        plan->draft = cf_strdup(message_of_draft(chat));
        const struct cf_turn turn = {
            .role = CF_ROLE_USER, .text = plan->draft, .size = strlen(plan->draft)};
        add_turn(plan, &turn, 0, NULL);
    }
}

void cf_chat_plan_add_reply(struct cf_chat_plan *plan, const struct cf_chat *chat,
                            const struct cf_ids *prefix)
{
    if (prefix->n == 0) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_tokenizer_decode(cf_chat_tokenizer(chat), prefix->data, prefix->n, &text);
    size_t size = text.size;
    plan->draft = cf_buf_take(&text);
    const struct cf_turn turn = {.role = CF_ROLE_ASSISTANT,
                                 .text = plan->draft,
                                 .size = size,
                                 .ids = prefix->data,
                                 .n_ids = (int32_t)prefix->n};
    add_turn(plan, &turn, 0, NULL);
    plan->is_open_reply = true;
}

void cf_chat_plan_release(struct cf_chat_plan *plan)
{
    free(plan->turns);
    free(plan->sources);
    free(plan->last_text);
    cf_ids_release(&plan->last_ids);
    free(plan->draft);
    free(plan->system);
    cf_template_release(&plan->template);
    cf_prompt_release(&plan->prompt);
}

/* --- on the worker's thread --- */

enum cf_code cf_chat_plan_build(void *arg, const struct cf_worker_engine *engine,
                                struct cf_ids *ids, struct cf_err *err)
{
    struct cf_chat_plan *plan = arg;
    enum cf_code code =
        cf_prompt_build(&plan->prompt, engine->tokenizer, &plan->template, plan->system,
                        plan->turns, plan->n_turns, &plan->budget, err);
    if (code != CF_OK) {
        return code;
    }
    cf_ids_add_all(ids, plan->prompt.ids.data, plan->prompt.ids.n);
    if (plan->is_open_reply) {
        plan->job->n_own = (int32_t)cf_prompt_n_open(
            &plan->prompt, plan->n_turns - 1, plan->job->prefix, (size_t)plan->job->n_prefix);
    }
    cf_recipe_digest_ids(&plan->ids_digest, ids->data, ids->n - (size_t)plan->job->n_own);
    return CF_OK;
}

/* --- what the model sees --- */

/* What a person would wonder about, once. */
static void tell_oddities(struct cf_chat *chat, const struct cf_chat_plan *plan)
{
    const struct cf_prompt *prompt = &plan->prompt;
    if (chat->is_prompt_told) {
        return;
    }
    if (prompt->is_system_unused) {
        cf_chat_say(chat, false, "the template %s has no place for a system prompt: it is not used",
                    plan->template.name);
    }
    if (prompt->missing.n > 0) {
        cf_chat_say(chat, false, "%s has no token %s, which the template %s uses", chat->model_name,
                    prompt->missing.items[0], plan->template.name);
    }
    if (prompt->n_pinned_dropped > 0) {
        cf_chat_say(chat, false, "%zu pinned messages no longer fit into what the model sees",
                    prompt->n_pinned_dropped);
    }
    chat->is_prompt_told =
        prompt->is_system_unused || prompt->missing.n > 0 || prompt->n_pinned_dropped > 0;
}

/* What the draft adds behind the last token of another turn: its own and those of the template. */
static int32_t n_draft_ids(const struct cf_chat_plan *plan)
{
    const struct cf_ids *owners = &plan->prompt.owners;
    int32_t draft = (int32_t)plan->n_turns - 1;
    size_t at = owners->n;
    if (plan->draft == NULL || plan->is_open_reply) {
        return 0;
    }
    while (at > 0 && (owners->data[at - 1] == draft || owners->data[at - 1] < 0)) {
        at--;
    }
    return (int32_t)(owners->n - at);
}

/* Keeps what the model reads, by the turns of the path. */
static void keep_prompt(struct cf_chat *chat, const struct cf_chat_plan *plan)
{
    const struct cf_prompt *prompt = &plan->prompt;
    chat->prompt_ids.n = 0;
    chat->prompt_turns.n = 0;
    cf_ids_add_all(&chat->prompt_ids, prompt->ids.data, prompt->ids.n);
    for (size_t k = 0; k < prompt->owners.n; k++) {
        int32_t owner = prompt->owners.data[k];
        if (owner >= 0) {
            const struct cf_chat_source *source = &plan->sources[owner];
            owner = source->node != NULL ? (int32_t)source->place : CF_CHAT_PROMPT_NEXT;
        }
        cf_ids_add(&chat->prompt_turns, owner);
    }
}

struct cf_chat_prompt cf_chat_prompt(const struct cf_chat *chat)
{
    return (struct cf_chat_prompt){
        .ids = chat->prompt_ids.data, .turns = chat->prompt_turns.data, .n = chat->prompt_ids.n};
}

void cf_chat_take_plan(struct cf_chat *chat, const struct cf_chat_plan *plan)
{
    const struct cf_prompt *prompt = &plan->prompt;
    struct cf_chat_status *status = &chat->status;
    status->n_used = (int32_t)prompt->ids.n;
    status->n_draft = n_draft_ids(plan);
    /* A draft is the next message itself: where it drops anything, that is not visible already. */
    bool is_draft = plan->draft != NULL && !plan->is_open_reply;
    bool drops_next = prompt->will_drop && !is_draft;
    status->drops_next = drops_next;
    status->first_visible = 0;
    for (size_t i = 0; i < plan->n_turns; i++) {
        const struct cf_chat_source *source = &plan->sources[i];
        if (source->node == NULL) {
            continue;
        }
        struct cf_chat_turn *turn = &source->node->turn;
        turn->is_visible = i >= prompt->start || turn->is_pinned;
        turn->is_dropped_next =
            i >= prompt->start && drops_next && i < prompt->next_start && !turn->is_pinned;
        turn->is_cut = prompt->is_cut && prompt->cut_turn == i;
        if (i == prompt->start) {
            status->first_visible = source->place;
        }
    }
    keep_prompt(chat, plan);
    tell_oddities(chat, plan);
    cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_TURN);
}

/* --- idle work --- */

/* What is under way tells of a draft that is no more. */
static void detach_idle_work(struct cf_chat *chat)
{
    for (struct cf_chat_work *work = chat->works; work != NULL; work = work->next) {
        work->is_detached |= work->job.kind == CF_JOB_EVALUATE;
    }
}

void cf_chat_idle_later(struct cf_chat *chat)
{
    chat->is_idle_due = true;
    chat->is_shade_due = true;
}

void cf_chat_idle(struct cf_chat *chat)
{
    if (!chat->is_idle_due || !chat->idles || !cf_chat_can_start(chat) || chat->n_queue > 0) {
        return;
    }
    chat->is_idle_due = false;
    if (chat->tree->n_path == 0 && message_of_draft(chat)[0] == '\0') {
        detach_idle_work(chat);
        chat->status.n_used = 0;
        chat->prompt_ids.n = 0;
        chat->prompt_turns.n = 0;
        chat->status.n_draft = 0;
        chat->status.n_cached = 0;
        cf_chat_mark(chat, CF_CHANGE_STATUS);
        return;
    }
    struct cf_chat_work *work = cf_chat_work_new(chat);
    cf_chat_plan_init(&work->plan, chat, chat->tree->n_path, true, &work->job);
    work->job.kind = CF_JOB_EVALUATE;
    work->job.build = cf_chat_plan_build;
    work->job.arg = &work->plan;
    work->is_submitted = true;
    /* What was being evaluated for an older draft gives way. */
    (void)cf_worker_submit(chat->worker, &work->job);
}
