/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changes tree or conversation without a reply: walking, deleting, pinning, naming, undo. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

/* Only the end of a long conversation may be there so far. */
static enum cf_code check_whole(const struct cf_chat *chat, struct cf_err *err)
{
    return chat->is_partial
               ? cf_err_set(err, CF_ERR_BUSY,
                            "the conversation is still being read; try again in a moment")
               : CF_OK;
}

static enum cf_code node_at(struct cf_chat_node **node, const struct cf_chat *chat, size_t turn,
                            struct cf_err *err)
{
    if (turn >= chat->tree->n_path) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no such message");
    }
    *node = chat->tree->path[turn];
    return check_whole(chat, err);
}

static bool is_being_written(const struct cf_chat *chat, const struct cf_chat_node *node)
{
    if (chat->reply == NULL || chat->reply->is_detached) {
        return false;
    }
    for (const struct cf_chat_node *reply = chat->reply->nodes[0]; reply != NULL;
         reply = reply->parent) {
        if (reply == node) {
            return true;
        }
    }
    for (int32_t i = 1; i < chat->reply->n; i++) {
        if (chat->reply->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

void cf_chat_save_leaf(struct cf_chat *chat)
{
    if (cf_chat_saves(chat) && chat->conversation != 0) {
        int64_t leaf = cf_chat_tree_leaf(chat->tree)->turn.id;
        uint64_t job = cf_storage_conversation_set_leaf(chat->storage, chat->conversation, leaf);
        cf_chat_expect(chat, job, CF_WHAT_OTHER, NULL);
    }
}

void cf_chat_after_path_change(struct cf_chat *chat)
{
    cf_chat_idle_later(chat);
    cf_chat_mark(chat, CF_CHANGE_TURNS | CF_CHANGE_STATUS);
}

/* --- walking --- */

enum cf_code cf_chat_walk(struct cf_chat *chat, size_t turn, int step, bool is_repeated,
                          struct cf_err *err)
{
    struct cf_chat_node *node = NULL;
    enum cf_code code = node_at(&node, chat, turn, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_chat_node *sibling = cf_chat_node_sibling(node, step);
    if (sibling != NULL) {
        cf_chat_tree_show(chat->tree, sibling);
        cf_chat_save_leaf(chat);
        cf_chat_after_path_change(chat);
        return CF_OK;
    }
    bool may_make = step > 0 && node->turn.role == CF_ROLE_ASSISTANT && !is_repeated;
    if (!may_make || chat->reply != NULL) {
        return cf_err_set(err, CF_ERR_RANGE, "this is the %s alternative",
                          step > 0 ? "last" : "first");
    }
    return cf_chat_regenerate(chat, turn, err);
}

/* --- messages --- */

static void trash(struct cf_chat *chat, struct cf_chat_node *node)
{
    node->is_trashed = true;
    chat->trashed =
        cf_grow(chat->trashed, chat->n_trashed, &chat->trashed_capacity, 1, sizeof(void *));
    chat->trashed[chat->n_trashed++] = node;
    cf_chat_tree_refresh(chat->tree);
    if (cf_chat_saves(chat)) {
        uint64_t job = cf_storage_message_delete(chat->storage, node->turn.id);
        cf_chat_expect(chat, job, CF_WHAT_OTHER, NULL);
    }
}

void cf_chat_trash(struct cf_chat *chat, struct cf_chat_node *node)
{
    trash(chat, node);
    cf_chat_save_leaf(chat);
    cf_chat_after_path_change(chat);
}

static enum cf_code prune(struct cf_chat *chat, struct cf_chat_node *node, struct cf_err *err)
{
    if (!is_being_written(chat, node)) {
        cf_chat_trash(chat, node);
        return CF_OK;
    }
    enum cf_code code = cf_chat_check_due(chat, err);
    if (code == CF_OK) {
        const struct cf_chat_due due = {.kind = CF_DUE_DELETE, .node = node};
        cf_chat_put_off(chat, &due);
    }
    return code;
}

enum cf_code cf_chat_delete_turn(struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    struct cf_chat_node *node = NULL;
    enum cf_code code = node_at(&node, chat, turn, err);
    return code == CF_OK ? prune(chat, node, err) : code;
}

enum cf_code cf_chat_prune(struct cf_chat *chat, int64_t message, struct cf_err *err)
{
    struct cf_chat_node *node = cf_chat_tree_find(chat->tree, message);
    if (node == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no such message");
    }
    enum cf_code code = check_whole(chat, err);
    return code == CF_OK ? prune(chat, node, err) : code;
}

enum cf_code cf_chat_pin(struct cf_chat *chat, size_t turn, bool is_pinned, struct cf_err *err)
{
    struct cf_chat_node *node = NULL;
    enum cf_code code = node_at(&node, chat, turn, err);
    if (code != CF_OK) {
        return code;
    }
    node->turn.is_pinned = is_pinned;
    if (cf_chat_saves(chat)) {
        uint64_t job = cf_storage_message_set_pinned(chat->storage, node->turn.id, is_pinned);
        cf_chat_expect(chat, job, CF_WHAT_OTHER, NULL);
    }
    cf_chat_idle_later(chat);
    cf_chat_mark(chat, CF_CHANGE_TURN);
    return CF_OK;
}

/* In memory: what hangs under other messages is cut off, the path stays.  A reply being written
 * ends there with what it has. */
static void fork_in_memory(struct cf_chat *chat, size_t turn)
{
    struct cf_chat_tree *tree = cf_chat_tree_new();
    struct cf_chat_node *parent = tree->root;
    for (size_t i = 0; i <= turn; i++) {
        struct cf_chat_node *from = chat->tree->path[i];
        cf_chat_node_open_recipe(from, cf_chat_tokenizer(chat));
        struct cf_chat_node *node = cf_chat_node_new(chat, from->turn.role);
        cf_buf_add(&node->text, from->text.data, from->text.size);
        uint32_t version = node->turn.version;
        node->turn = from->turn;
        node->turn.version = version;
        node->turn.id = cf_chat_reserve_ids(chat, 1);
        node->model_name = from->model_name != NULL ? cf_strdup(from->model_name) : NULL;
        cf_recipe_init(&node->recipe, &from->recipe.head);
        if (from->recipe.n_tokens > 0) {
            cf_recipe_copy_prefix(&node->recipe, &from->recipe, (int32_t)from->recipe.n_tokens);
        }
        cf_ids_add_all(&node->ids, from->ids.data, from->ids.n);
        if (from->turn.state == CF_TURN_STREAMING) {
            node->turn.state = CF_TURN_CANCELLED;
            node->turn.reason = CF_END_CANCELLED;
            cf_chat_node_set_ids(node, cf_chat_tokenizer(chat));
        }
        cf_chat_node_update(node);
        cf_chat_tree_add(tree, parent, node);
        parent = node;
    }
    chat->conversation = cf_chat_reserve_ids(chat, 1);
    cf_chat_replace_tree(chat, tree);
    cf_chat_mark(chat, CF_CHANGE_OPENED);
    cf_chat_after_path_change(chat);
}

enum cf_code cf_chat_fork(struct cf_chat *chat, size_t turn, struct cf_err *err)
{
    struct cf_chat_node *node = NULL;
    enum cf_code code = node_at(&node, chat, turn, err);
    if (code != CF_OK) {
        return code;
    }
    if (is_being_written(chat, node) && node->turn.role == CF_ROLE_ASSISTANT && turn > 0 &&
        node->recipe.n_tokens == 0) {
        node = chat->tree->path[--turn]; /* there is nothing of it yet */
    }
    if (!cf_chat_saves(chat)) {
        if (chat->reply != NULL) {
            (void)cf_chat_stop(chat, NULL);
        }
        cf_chat_drop_due(chat);
        fork_in_memory(chat, turn);
        return CF_OK;
    }
    /* Of a reply being written the copy has what there is of it now. */
    cf_chat_save_reply(chat, true);
    uint64_t job = cf_storage_fork(chat->storage, cf_chat_reserve_ids(chat, 1), node->turn.id);
    cf_chat_expect(chat, job, CF_WHAT_FORK, NULL);
    return CF_OK;
}

/* --- conversations --- */

static bool is_current(const struct cf_chat *chat, int64_t conversation)
{
    return conversation == 0 || conversation == chat->conversation;
}

/* Who names none while one is being opened means that one, which is not known yet. */
static enum cf_code check_named(const struct cf_chat *chat, int64_t conversation,
                                struct cf_err *err)
{
    if (conversation == 0 && cf_chat_is_changing(chat)) {
        return cf_err_set(err, CF_ERR_BUSY, "the conversation is still being opened");
    }
    return CF_OK;
}

static void expect_shelf(struct cf_chat *chat, uint64_t job)
{
    cf_chat_expect(chat, job, CF_WHAT_SHELF, NULL);
}

static enum cf_code check_stored(const struct cf_chat *chat, int64_t *conversation,
                                 struct cf_err *err)
{
    if (*conversation == 0) {
        *conversation = chat->conversation;
    }
    if (*conversation == 0 || !cf_chat_saves(chat)) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "the conversation is not stored%s",
                          chat->storage == NULL ? ": nothing is, with --no-save" : " yet");
    }
    return CF_OK;
}

enum cf_code cf_chat_rename(struct cf_chat *chat, int64_t conversation, const char *title,
                            struct cf_err *err)
{
    enum cf_code code = check_named(chat, conversation, err);
    if (code == CF_OK && is_current(chat, conversation)) {
        free(chat->title);
        chat->title = cf_strdup(title);
        chat->is_title_own = title[0] != '\0';
        cf_chat_mark(chat, CF_CHANGE_TITLE | CF_CHANGE_STATUS);
        if (chat->conversation == 0 || !cf_chat_saves(chat)) {
            return CF_OK;
        }
    }
    code = code == CF_OK ? check_stored(chat, &conversation, err) : code;
    if (code == CF_OK) {
        expect_shelf(chat, cf_storage_conversation_rename(chat->storage, conversation, title));
        cf_chat_ask_title(chat);
    }
    return code;
}

enum cf_code cf_chat_delete(struct cf_chat *chat, int64_t conversation, struct cf_err *err)
{
    enum cf_code code = check_named(chat, conversation, err);
    bool is_on = is_current(chat, conversation);
    if (code == CF_OK && is_on && !cf_chat_saves(chat)) {
        cf_chat_new_conversation(chat);
        return CF_OK;
    }
    code = code == CF_OK ? check_stored(chat, &conversation, err) : code;
    if (code != CF_OK) {
        return code;
    }
    if (is_on && chat->reply != NULL) {
        cf_chat_cancel_reply(chat); /* with nothing said of its being kept */
    }
    if (is_on) {
        cf_chat_new_conversation(chat);
    }
    expect_shelf(chat, cf_storage_conversation_delete(chat->storage, conversation));
    return CF_OK;
}

enum cf_code cf_chat_pin_conversation(struct cf_chat *chat, int64_t conversation, bool is_pinned,
                                      struct cf_err *err)
{
    enum cf_code code = check_stored(chat, &conversation, err);
    if (code == CF_OK) {
        expect_shelf(chat,
                     cf_storage_conversation_set_pinned(chat->storage, conversation, is_pinned));
    }
    return code;
}

enum cf_code cf_chat_archive(struct cf_chat *chat, int64_t conversation, bool is_archived,
                             struct cf_err *err)
{
    enum cf_code code = check_stored(chat, &conversation, err);
    if (code == CF_OK) {
        expect_shelf(
            chat, cf_storage_conversation_set_archived(chat->storage, conversation, is_archived));
    }
    return code;
}

enum cf_code cf_chat_restore(struct cf_chat *chat, int64_t conversation, struct cf_err *err)
{
    enum cf_code code = check_stored(chat, &conversation, err);
    if (code == CF_OK) {
        expect_shelf(chat, cf_storage_conversation_restore(chat->storage, conversation));
    }
    return code;
}

/* Without a storage only deleted messages can come back. */
static enum cf_code undo_in_memory(struct cf_chat *chat, struct cf_err *err)
{
    if (chat->n_trashed == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is nothing to undo");
    }
    struct cf_chat_node *node = chat->trashed[--chat->n_trashed];
    node->is_trashed = false;
    cf_chat_tree_show(chat->tree, node);
    cf_chat_say(chat, false, "the message is back");
    cf_chat_after_path_change(chat);
    return CF_OK;
}

enum cf_code cf_chat_undo(struct cf_chat *chat, size_t n, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    for (size_t i = 0; i < n && code == CF_OK; i++) {
        if (cf_chat_saves(chat)) {
            cf_chat_expect_about(chat, cf_storage_undo(chat->storage), CF_WHAT_UNDO,
                                 (int64_t)(n - 1 - i));
        } else {
            code = undo_in_memory(chat, err);
        }
    }
    return code;
}
