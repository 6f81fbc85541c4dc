/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What starts a reply from what was said before: an edit, another alternative, going on, branching,
 * comparing.  While a reply is being written, that one is stopped for it and kept; the new one
 * begins as soon as it has ended. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"
#include "text.h"

enum { TITLE_COLUMNS = 36 };

/* --- instead of the reply being written --- */

void cf_chat_say_kept(struct cf_chat *chat)
{
    struct cf_buf title = CF_BUF_INIT;
    if (chat->title[0] != '\0') {
        cf_buf_add_str(&title, " in ‘");
        cf_text_ellipsize(&title, chat->title, strlen(chat->title), TITLE_COLUMNS);
        cf_buf_add_str(&title, "’");
    }
    cf_chat_say(chat, false, "the reply%s was stopped and is kept",
                title.size > 0 ? title.data : "");
    cf_buf_release(&title);
}

void cf_chat_put_off(struct cf_chat *chat, const struct cf_chat_due *due)
{
    struct cf_chat_work *reply = chat->reply;
    bool is_alternative = due->kind == CF_DUE_REPLY && due->start.parent == reply->nodes[0]->parent;
    chat->due = *due;
    if (due->kind == CF_DUE_REPLY && due->start.other != NULL) {
        chat->due.other = *due->start.other;
        chat->due.start.other = &chat->due.other;
    }
    /* What waits for an answer waits for its alternative too, but not for what takes its place. */
    chat->is_queue_held |= chat->n_queue > 0 && !is_alternative;
    if (!reply->is_cancelled && (due->kind == CF_DUE_REPLY || due->kind == CF_DUE_EDIT)) {
        cf_chat_say(chat, false, "the reply before was stopped and is kept");
    }
    cf_chat_cancel_reply(chat);
}

void cf_chat_drop_due(struct cf_chat *chat)
{
    struct cf_chat_due due = chat->due;
    chat->due = (struct cf_chat_due){0};
    if (due.kind == CF_DUE_EDIT) {
        cf_chat_push(chat, due.text, due.size, 1);
    }
    free(due.text);
}

void cf_chat_do_due(struct cf_chat *chat)
{
    struct cf_chat_due due = chat->due;
    if (due.kind == CF_DUE_NONE || chat->reply != NULL ||
        cf_chat_check_ready(chat, NULL) != CF_OK) {
        return;
    }
    chat->due = (struct cf_chat_due){0};
    switch (due.kind) {
    case CF_DUE_REPLY:
        due.start.other = due.start.other != NULL ? &due.other : NULL;
        cf_chat_start_reply(chat, &due.start);
        break;
    case CF_DUE_EDIT:
        cf_chat_start_message(chat, due.node, due.text, due.size, 1);
        break;
    case CF_DUE_DELETE:
        cf_chat_trash(chat, due.node);
        break;
    case CF_DUE_KEEP:
        (void)cf_chat_compare_end(chat, due.keeps, NULL);
        break;
    case CF_DUE_NONE:
        break;
    }
    free(due.text);
}

static enum cf_code start(struct cf_chat *chat, const struct cf_chat_start *wanted)
{
    if (chat->reply == NULL) {
        cf_chat_start_reply(chat, wanted);
    } else {
        const struct cf_chat_due due = {.kind = CF_DUE_REPLY, .start = *wanted};
        cf_chat_put_off(chat, &due);
    }
    return CF_OK;
}

/* --- checks --- */

enum cf_code cf_chat_check_due(const struct cf_chat *chat, struct cf_err *err)
{
    if (chat->due.kind != CF_DUE_NONE || (chat->reply != NULL && chat->reply->is_detached)) {
        return cf_err_set(err, CF_ERR_BUSY, "the reply before has not ended yet");
    }
    return CF_OK;
}

enum cf_code cf_chat_check_ready(const struct cf_chat *chat, struct cf_err *err)
{
    enum cf_code code = cf_chat_check_model(chat, err);
    if (code == CF_OK && !cf_chat_is_open(chat)) {
        return cf_err_set(err, CF_ERR_BUSY, "%s is still being opened",
                          chat->is_loaded ? "the conversation" : "the model");
    }
    return code;
}

/* Why no reply can be started: what is asked for here does not queue. */
static enum cf_code check_start(const struct cf_chat *chat, struct cf_err *err)
{
    enum cf_code code = cf_chat_check_due(chat, err);
    return code == CF_OK ? cf_chat_check_ready(chat, err) : code;
}

static enum cf_code check_turn(const struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    if (turn >= chat->tree->n_path) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no such message");
    }
    return CF_OK;
}

/* Whether a reply may begin, at a turn that there is. */
static enum cf_code check_start_at(const struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    enum cf_code code = check_start(chat, err);
    return code == CF_OK ? check_turn(chat, turn, err) : code;
}

/* Whether NODE is a reply being written, and nobody has asked for its end. */
static bool is_running(const struct cf_chat *chat, const struct cf_chat_node *node)
{
    const struct cf_chat_work *reply = chat->reply;
    for (int32_t i = 0; reply != NULL && !reply->is_cancelled && i < reply->n; i++) {
        if (reply->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static struct cf_chat_start start_below(struct cf_chat_node *parent)
{
    return (struct cf_chat_start){.parent = parent, .n = 1, .forced = -1};
}

/* --- what can be asked for --- */

enum cf_code cf_chat_compare(struct cf_chat *chat, const struct cf_sampling *other,
                             struct cf_err *err)
{
    enum cf_code code = check_start(chat, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_chat_node *leaf = cf_chat_tree_leaf(chat->tree);
    if (leaf->parent == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no message to reply to yet");
    }
    struct cf_chat_start wanted =
        start_below(leaf->turn.role == CF_ROLE_ASSISTANT ? leaf->parent : leaf);
    code = cf_chat_check_branch(chat, wanted.parent, err);
    if (code != CF_OK) {
        return code;
    }
    wanted.n = 2;
    wanted.other = other;
    return start(chat, &wanted);
}

const struct cf_chat_turn *cf_chat_compared(const struct cf_chat *chat, int i)
{
    return chat->compared[i] != NULL ? &chat->compared[i]->turn : NULL;
}

enum cf_code cf_chat_compare_end(struct cf_chat *chat, int keeps, struct cf_err *err)
{
    if (chat->compared[0] == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "nothing is being compared");
    }
    struct cf_chat_node *nodes[] = {chat->compared[0], chat->compared[1]};
    if (keeps >= 0 && chat->reply != NULL) {
        enum cf_code code = cf_chat_check_due(chat, err);
        if (code == CF_OK) {
            const struct cf_chat_due due = {.kind = CF_DUE_KEEP, .keeps = keeps};
            cf_chat_put_off(chat, &due);
        }
        return code;
    }
    chat->compared[0] = chat->compared[1] = NULL;
    if (keeps >= 0) {
        cf_chat_trash(chat, nodes[1 - keeps]);
        cf_chat_tree_show(chat->tree, nodes[keeps]);
        cf_chat_save_leaf(chat);
    }
    cf_chat_after_path_change(chat);
    return CF_OK;
}

enum cf_code cf_chat_regenerate(struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    enum cf_code code = check_start_at(chat, turn, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_chat_node *node = chat->tree->path[turn];
    bool is_reply = node->turn.role == CF_ROLE_ASSISTANT;
    const struct cf_chat_start wanted = start_below(is_reply ? node->parent : node);
    const struct cf_chat_work *reply = chat->reply;
    if (reply != NULL && !reply->is_cancelled && reply->n_tokens == 0 &&
        reply->nodes[0]->parent == wanted.parent) {
        return cf_err_set(err, CF_ERR_BUSY, "the reply has not begun yet");
    }
    code = cf_chat_check_branch(chat, wanted.parent, err);
    return code == CF_OK ? start(chat, &wanted) : code;
}

enum cf_code cf_chat_continue(struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    enum cf_code code = check_start(chat, err);
    if (code != CF_OK) {
        return code;
    }
    size_t n = chat->tree->n_path;
    turn += turn < n && chat->tree->path[turn]->turn.role == CF_ROLE_USER;
    if (turn >= n || chat->tree->path[turn]->turn.role != CF_ROLE_ASSISTANT) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no reply to continue");
    }
    struct cf_chat_node *node = chat->tree->path[turn];
    if (is_running(chat, node)) {
        return chat->reply->is_held ? cf_chat_resume(chat, err)
                                    : cf_err_set(err, CF_ERR_BUSY, "the reply goes on already");
    }
    cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
    code = cf_chat_check_same_model(chat, &node->recipe.head, node->model_name, err);
    if (code == CF_OK) {
        code = cf_chat_check_branch(chat, node, err);
    }
    if (code != CF_OK) {
        return code;
    }
    if (!node->turn.can_continue) {
        return cf_err_set(err, CF_ERR_RANGE, "%s",
                          node->turn.reason == CF_END_STOP
                              ? "the reply came to its own end: regenerate it instead"
                              : "nothing was recorded of this reply that it could go on from");
    }
    struct cf_chat_start wanted = start_below(node->parent);
    /* A recipe has one head: under another template, model type or processor the reply goes on as
     * an alternative that inherits its tokens, so that both can be made again.  So it does when
     * something follows, also in the trash: that was said to the reply as it is. */
    bool may_grow =
        cf_chat_holds_head(chat, &node->recipe.head) && cf_chat_node_n_children(node, true) == 0;
    wanted.go_on = may_grow ? node : NULL;
    wanted.of = node;
    wanted.n_prefix = (int32_t)node->recipe.n_tokens;
    return start(chat, &wanted);
}

enum cf_code cf_chat_edit(struct cf_chat *chat, size_t turn, const char *text, size_t size,
                          struct cf_err *err)
{
    enum cf_code code = check_start(chat, err);
    if (code == CF_OK) {
        code = check_turn(chat, turn, err);
    }
    if (code == CF_OK) {
        code = cf_chat_check_message(chat, text, size, err);
    }
    if (code != CF_OK) {
        return code;
    }
    struct cf_chat_node *node = chat->tree->path[turn];
    if (node->turn.role != CF_ROLE_USER) {
        return cf_err_set(err, CF_ERR_RANGE, "only your own messages can be edited");
    }
    code = cf_chat_check_branch(chat, node->parent, err);
    if (code != CF_OK) {
        return code;
    }
    if (chat->reply == NULL) {
        cf_chat_start_message(chat, node->parent, text, size, 1);
    } else {
        const struct cf_chat_due due = {.kind = CF_DUE_EDIT,
                                        .node = node->parent,
                                        .text = cf_memdup_str(text, size),
                                        .size = size};
        cf_chat_put_off(chat, &due);
    }
    return CF_OK;
}

enum cf_code cf_chat_branch(struct cf_chat *chat, size_t turn, int32_t token, int32_t id,
                            struct cf_err *err)
{
    enum cf_code code = check_start_at(chat, turn, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_chat_node *node = chat->tree->path[turn];
    cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
    if (node->turn.role != CF_ROLE_ASSISTANT || token < 0 ||
        (size_t)token >= node->recipe.n_tokens) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no token %d in that message",
                          (int)token);
    }
    code = cf_chat_check_same_model(chat, &node->recipe.head, node->model_name, err);
    if (code == CF_OK) {
        code = cf_chat_check_branch(chat, node->parent, err);
    }
    if (code != CF_OK) {
        return code;
    }
    if (id >= cf_chat_model(chat)->n_vocab) {
        return cf_err_set(err, CF_ERR_RANGE, "the model has no token %d", (int)id);
    }
    struct cf_chat_start wanted = start_below(node->parent);
    wanted.of = node;
    wanted.n_prefix = token;
    wanted.forced = id;
    return start(chat, &wanted);
}
