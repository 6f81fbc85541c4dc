/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How likely each token of the transcript is: of a reply what is on record, of a person's words
 * what the model makes of the prompt as it stands, scored in one pass while nothing else is to be
 * done. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

static void add_shade(struct cf_chat_node *node, size_t end, float p)
{
    node->shades =
        cf_grow(node->shades, node->n_shades, &node->shades_capacity, 1, sizeof node->shades[0]);
    node->shades[node->n_shades++] = (struct cf_turn_shade){.end = end, .p = p};
}

/* Of a reply: one shade a recorded token. */
static void shade_reply(struct cf_chat_node *node)
{
    node->n_shades = 0;
    for (size_t k = 0; k < node->n_ends; k++) {
        add_shade(node, cf_chat_node_end(node, k + 1), node->recipe.tokens[k].p_raw);
    }
}

void cf_chat_shade(struct cf_chat *chat, bool is_on)
{
    chat->shades = is_on;
    chat->is_shade_due = is_on;
    cf_chat_mark(chat, CF_CHANGE_LOOK);
}

const struct cf_turn_shade *cf_chat_shades(struct cf_chat *chat, size_t turn, size_t *n)
{
    assert(turn < chat->tree->n_path);
    struct cf_chat_node *node = chat->tree->path[turn];
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(chat);
    if (node->turn.role == CF_ROLE_ASSISTANT && tokenizer != NULL) {
        cf_chat_node_open_recipe(node, tokenizer);
        cf_chat_node_spell(node, tokenizer);
        shade_reply(node);
    }
    *n = node->n_shades;
    return node->shades;
}

/* --- a person's words --- */

static enum cf_code run_scores(void *arg, const struct cf_worker_engine *engine, struct cf_ids *ids,
                               struct cf_err *err)
{
    struct cf_chat_work *work = arg;
    struct cf_prompt *prompt = &work->plan.prompt;
    enum cf_code code = cf_chat_plan_build(&work->plan, engine, ids, err);
    if (code == CF_OK) {
        work->scores = cf_calloc(prompt->ids.n, sizeof work->scores[0]);
        code = cf_look_score(work->scores, engine->session, engine->branch, engine->sampler,
                             prompt->ids.data, (int32_t)prompt->ids.n, &engine->interrupt, err);
    }
    return code;
}

/* The shades of turn I of the plan: its tokens spell the text somewhere within what they spell,
 * since a token may belong to the template too. */
static void shade_turn(const struct cf_chat *chat, const struct cf_chat_work *work, size_t i)
{
    struct cf_chat_node *node = work->plan.sources[i].node;
    const struct cf_prompt *prompt = &work->plan.prompt;
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(chat);
    const char *text = node->turn.text;
    size_t size = node->turn.size;
    size_t n_blank = 0;
    while (n_blank < size && strchr(" \t\r\n", text[n_blank]) != NULL && text[n_blank] != '\0') {
        n_blank++;
    }
    struct cf_buf spelled = CF_BUF_INIT;
    for (size_t k = 0; k < prompt->ids.n; k++) {
        if (prompt->owners.data[k] == (int32_t)i) {
            cf_tokenizer_decode(tokenizer, &prompt->ids.data[k], 1, &spelled);
        }
    }
    /* What stands there may be only the end of a long message, or without its blanks. */
    size_t wanted = size - n_blank;
    while (wanted > 0 && strchr(" \t\r\n", text[n_blank + wanted - 1]) != NULL) {
        wanted--;
    }
    const char *found = wanted > 0 && spelled.size >= wanted
                            ? memmem(spelled.data, spelled.size, text + n_blank, wanted)
                            : NULL;
    node->n_shades = 0;
    if (found != NULL) {
        size_t before = (size_t)(found - spelled.data);
        size_t end = 0;
        if (n_blank > 0) {
            add_shade(node, n_blank, -1);
        }
        for (size_t k = 0; k < prompt->ids.n; k++) {
            if (prompt->owners.data[k] != (int32_t)i) {
                continue;
            }
            size_t piece = 0;
            (void)cf_tokenizer_piece(tokenizer, prompt->ids.data[k], &piece);
            end += piece;
            size_t at = end > before ? end - before : 0;
            if (at > 0) {
                add_shade(node, n_blank + (at < wanted ? at : wanted), work->scores[k]);
            }
        }
    }
    cf_buf_release(&spelled);
}

static void take(struct cf_chat *chat, struct cf_chat_work *work, enum cf_end_reason reason,
                 const char *sentence)
{
    (void)sentence;
    if (reason == CF_END_CANCELLED) {
        chat->is_shade_due = true; /* something else was to be done first */
    }
    if (reason != CF_END_DONE || work->tree != chat->tree) {
        return;
    }
    for (size_t i = 0; i < work->plan.n_turns; i++) {
        const struct cf_chat_node *node = work->plan.sources[i].node;
        if (node != NULL && node->turn.role != CF_ROLE_ASSISTANT) {
            shade_turn(chat, work, i);
        }
    }
    cf_chat_mark(chat, CF_CHANGE_LOOK);
}

void cf_chat_shade_step(struct cf_chat *chat)
{
    if (!chat->shades || !chat->is_shade_due || chat->works != NULL || !cf_chat_can_start(chat) ||
        chat->tree->n_path == 0) {
        return;
    }
    chat->is_shade_due = false;
    struct cf_chat_work *work = cf_chat_work_new(chat);
    cf_chat_plan_init(&work->plan, chat, chat->tree->n_path, false, &work->job);
    work->finish = take;
    work->job.kind = CF_JOB_CALL;
    work->job.build = run_scores;
    work->job.arg = work;
    work->is_submitted = true;
    (void)cf_worker_submit(chat->worker, &work->job);
}
