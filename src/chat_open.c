/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a conversation and leaving it; drafts. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "clock.h"
#include "command.h"
#include "mem.h"

/* --- drafts --- */

bool cf_chat_is_changing(const struct cf_chat *chat)
{
    return chat->opening.is_on && !chat->opening.is_refresh;
}

bool cf_chat_saves_drafts(const struct cf_chat *chat)
{
    return chat->keeps_drafts && cf_chat_saves(chat) && !cf_chat_is_changing(chat) &&
           !chat->is_first_draft_due;
}

void cf_chat_add_message(struct cf_buf *text, const struct cf_chat_message *message)
{
    cf_buf_add_str(text, text->size > 0 ? "\n\n" : message->text[0] == '/' ? "/" : "");
    cf_buf_add(text, message->text, message->size);
}

/* What was typed; behind something else a slash at its beginning need not be doubled. */
static void add_typed(struct cf_buf *text, const char *typed)
{
    typed = text->size > 0 ? cf_command_text(typed) : typed;
    cf_buf_add_paragraph(text, typed, strlen(typed));
}

/* What waits to be sent and what is being typed, as one draft. */
static void add_unsent(struct cf_buf *text, const struct cf_chat *chat)
{
    for (size_t i = 0; i < chat->n_queue; i++) {
        cf_chat_add_message(text, &chat->queue[i]);
    }
    add_typed(text, chat->draft);
}

void cf_chat_save_draft(struct cf_chat *chat)
{
    if (!chat->is_draft_dirty || !cf_chat_saves_drafts(chat)) {
        return;
    }
    chat->is_draft_dirty = false;
    if (chat->is_first_draft_over) {
        chat->is_first_draft_over = false;
        (void)cf_storage_draft_save(chat->storage, 0, "", 0, 0);
    }
    struct cf_buf text = CF_BUF_INIT;
    add_unsent(&text, chat);
    (void)cf_storage_draft_save(chat->storage, chat->conversation, text.data, text.size, text.size);
    cf_buf_release(&text);
}

void cf_chat_set_draft(struct cf_chat *chat, const char *text, size_t size)
{
    if (strlen(chat->draft) == size && memcmp(chat->draft, text, size) == 0) {
        return;
    }
    free(chat->draft);
    chat->draft = cf_memdup_str(text, size);
    chat->draft_dirty_at = chat->is_draft_dirty ? chat->draft_dirty_at : cf_clock_s();
    chat->is_draft_dirty = true;
    cf_chat_idle_later(chat);
    cf_chat_idle(chat);
}

static void put_draft(struct cf_chat *chat, char *draft)
{
    free(chat->draft);
    chat->draft = draft;
    cf_chat_mark(chat, CF_CHANGE_DRAFT);
}

void cf_chat_ask_first_draft(struct cf_chat *chat)
{
    if (cf_chat_saves_drafts(chat)) {
        chat->is_first_draft_due = true;
        cf_chat_expect(chat, cf_storage_draft_load(chat->storage, 0), CF_WHAT_DRAFT, NULL);
    }
}

/* The draft that was kept, before what has been typed meanwhile. */
static void put_kept_draft(struct cf_chat *chat, const char *kept)
{
    if (kept[0] != '\0' && chat->draft[0] != '\0') {
        cf_chat_say(chat, false, "the draft that was kept here stands before what you typed");
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, kept);
    add_typed(&text, chat->draft);
    put_draft(chat, cf_buf_take(&text));
}

/* Nothing was saved over it since it was asked for: what was typed meanwhile stands behind it. */
static void take_first_draft(struct cf_chat *chat, const char *draft)
{
    chat->is_first_draft_due = false;
    if (draft[0] == '\0') {
        return;
    }
    if (cf_chat_is_changing(chat)) {
        free(chat->left_draft);
        chat->left_draft = cf_strdup(draft);
        return;
    }
    bool is_typed = chat->draft[0] != '\0' || chat->n_queue > 0;
    put_kept_draft(chat, draft);
    if (is_typed) {
        chat->is_draft_dirty = true;
        cf_chat_save_draft(chat);
    }
}

/* What waited or was being typed stays with the conversation that is left; where it can't be kept,
 * or was meant for one whose draft is not there yet, it goes along. */
static void leave(struct cf_chat *chat)
{
    if (chat->reply != NULL && !chat->reply->is_cancelled) {
        cf_chat_say_kept(chat);
        cf_chat_cancel_reply(chat);
    }
    cf_chat_drop_due(chat);
    cf_chat_save_settings(chat);
    cf_chat_save_draft(chat);
    struct cf_buf unsent = CF_BUF_INIT;
    add_unsent(&unsent, chat);
    cf_chat_clear_queue(chat);
    if (!cf_chat_is_changing(chat)) {
        free(chat->left_draft);
        chat->left_draft = NULL;
    }
    if (cf_chat_saves_drafts(chat)) {
        chat->left_draft = cf_buf_take(&unsent);
        put_draft(chat, cf_strdup(""));
        chat->is_draft_dirty = false;
    } else {
        put_draft(chat, cf_buf_take(&unsent));
    }
    chat->is_queue_held = false;
    chat->is_reload_due = false;
}

static void set_title(struct cf_chat *chat, const char *title, bool is_own)
{
    free(chat->title);
    chat->title = cf_strdup(title != NULL ? title : "");
    chat->is_title_own = is_own;
    cf_chat_mark(chat, CF_CHANGE_TITLE);
}

void cf_chat_new_conversation(struct cf_chat *chat)
{
    leave(chat);
    chat->opening.is_on = false;
    chat->is_partial = false;
    chat->conversation = 0;
    chat->has_choice = false;
    set_title(chat, "", false);
    cf_chat_replace_tree(chat, cf_chat_tree_new());
    cf_chat_reset_settings(chat, NULL, NULL);
    cf_chat_ask_first_draft(chat);
    cf_chat_mark(chat, CF_CHANGE_OPENED | CF_CHANGE_TURNS | CF_CHANGE_QUEUE | CF_CHANGE_STATUS);
}

/* --- opening --- */

void cf_chat_release_opening(struct cf_chat *chat)
{
    struct cf_chat_opening *opening = &chat->opening;
    cf_conversations_release(&opening->load);
    cf_messages_release(&opening->tail);
    cf_messages_release(&opening->tree);
    free(opening->draft);
    *opening = (struct cf_chat_opening){0};
}

void cf_chat_give_up_opening(struct cf_chat *chat)
{
    bool was_changing = cf_chat_is_changing(chat);
    cf_chat_release_opening(chat);
    if (!was_changing) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, chat->left_draft != NULL ? chat->left_draft : "");
    add_unsent(&text, chat);
    cf_chat_clear_queue(chat);
    put_draft(chat, cf_buf_take(&text));
    cf_chat_mark(chat, CF_CHANGE_QUEUE);
}

static void ask_for(struct cf_chat *chat, int64_t conversation)
{
    struct cf_chat_opening *opening = &chat->opening;
    opening->conversation = conversation;
    struct cf_storage *storage = chat->storage;
    cf_chat_expect_about(chat, cf_storage_load(storage, conversation, CF_CHAT_TAIL, true),
                         CF_WHAT_LOAD, conversation);
    opening->has_draft = opening->is_refresh || !chat->keeps_drafts;
    if (!opening->has_draft) {
        cf_chat_expect_about(chat, cf_storage_draft_load(storage, conversation), CF_WHAT_DRAFT,
                             conversation);
    }
    /* Last, since it may take long. */
    cf_chat_expect_about(chat, cf_storage_tree(storage, conversation, true), CF_WHAT_TREE,
                         conversation);
}

/* The branch that NODE is on; the one that is on stays where it ends.  True: it is another one. */
static bool show_node(struct cf_chat *chat, struct cf_chat_node *node)
{
    for (size_t i = 0; i < chat->tree->n_path; i++) {
        if (chat->tree->path[i] == node) {
            return false;
        }
    }
    cf_chat_tree_show(chat->tree, node);
    cf_chat_save_leaf(chat);
    return true;
}

static void show_found(struct cf_chat *chat, struct cf_chat_node *node)
{
    if (show_node(chat, node)) {
        cf_chat_say(chat, false,
                    "the message is on another branch: h and l walk between them where they part");
    }
}

static void start_opening(struct cf_chat *chat, int64_t conversation, int64_t message)
{
    if (!cf_chat_saves(chat)) {
        cf_err_set(&chat->failure, CF_ERR_NOT_FOUND, "%s",
                   chat->storage == NULL ? "nothing is stored, with --no-save"
                                         : "the database could not be opened");
        cf_chat_say(chat, true, "%s", chat->failure.text);
        return;
    }
    leave(chat);
    cf_chat_release_opening(chat);
    chat->opening.is_on = true;
    chat->opening.message = message;
    if (conversation == CF_CHAT_LAST) {
        const struct cf_list_query query = {.shelf = CF_SHELF_OPEN, .limit = 1};
        cf_chat_expect(chat, cf_storage_list(chat->storage, &query), CF_WHAT_LAST, NULL);
    } else {
        ask_for(chat, conversation);
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_QUEUE);
}

void cf_chat_open(struct cf_chat *chat, int64_t conversation)
{
    start_opening(chat, conversation, 0);
}

void cf_chat_open_at(struct cf_chat *chat, int64_t conversation, int64_t message)
{
    struct cf_chat_node *node = NULL;
    if (conversation == chat->conversation && !chat->opening.is_on) {
        node = cf_chat_tree_find(chat->tree, message);
    }
    if (node == NULL) {
        start_opening(chat, conversation, message);
        return;
    }
    show_found(chat, node);
    cf_chat_after_path_change(chat);
    cf_chat_mark(chat, CF_CHANGE_OPENED);
}

void cf_chat_show_branch(struct cf_chat *chat, int64_t message)
{
    struct cf_chat_node *node = cf_chat_tree_find(chat->tree, message);
    if (node != NULL && !chat->opening.is_on) {
        show_node(chat, node);
        cf_chat_after_path_change(chat);
        cf_chat_mark(chat, CF_CHANGE_OPENED);
    }
}

void cf_chat_reload(struct cf_chat *chat)
{
    chat->is_reload_due = chat->conversation != 0 && cf_chat_saves(chat);
    cf_chat_reload_due(chat);
}

void cf_chat_reload_due(struct cf_chat *chat)
{
    /* While writes are held up the screen knows more than the disk. */
    if (!chat->is_reload_due || chat->conversation <= 0 || chat->reply != NULL ||
        chat->opening.is_on || chat->n_unfinished > 0 || chat->is_held_up) {
        return;
    }
    chat->is_reload_due = false;
    cf_chat_release_opening(chat);
    chat->opening.is_on = true;
    chat->opening.is_refresh = true;
    ask_for(chat, chat->conversation);
}

void cf_chat_ask_title(struct cf_chat *chat)
{
    if (chat->conversation != 0 && cf_chat_saves(chat)) {
        uint64_t job = cf_storage_load(chat->storage, chat->conversation, 1, false);
        cf_chat_expect(chat, job, CF_WHAT_TITLE, NULL);
    }
}

static void fail_opening(struct cf_chat *chat, const struct cf_err *err)
{
    bool is_told = !chat->opening.is_refresh || chat->is_partial;
    cf_chat_give_up_opening(chat);
    if (is_told) {
        chat->failure = *err;
        cf_chat_say(chat, true, "%s", err->text);
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS);
}

/* What is known of the conversation besides its messages is on from now on. */
static void take_conversation(struct cf_chat *chat)
{
    struct cf_chat_opening *opening = &chat->opening;
    const struct cf_conversation *conversation = &opening->load.items[0];
    chat->conversation = conversation->id;
    set_title(chat, conversation->title, conversation->is_title_own);
    chat->wants_title = false;
    if (conversation->is_unread) {
        uint64_t job = cf_storage_conversation_set_unread(chat->storage, conversation->id, false);
        cf_chat_expect(chat, job, CF_WHAT_SHELF, NULL);
    }
    if (opening->is_refresh) {
        return;
    }
    cf_chat_reset_settings(chat, conversation->settings, conversation->system);
    chat->is_first_draft_due = false; /* it stays where it is */
    put_kept_draft(chat, opening->draft != NULL ? opening->draft : "");
    chat->has_choice = false;
    cf_chat_mark(chat, CF_CHANGE_OPENED | CF_CHANGE_CHOICE);
}

/* The end of a long conversation is shown at once, while the whole of it is still being read. */
static void show_tail(struct cf_chat *chat)
{
    struct cf_chat_opening *opening = &chat->opening;
    const struct cf_conversation *conversation = &opening->load.items[0];
    if (opening->is_refresh || opening->message != 0 || opening->tail.n == 0 ||
        conversation->n_messages < CF_CHAT_TAIL_FROM) {
        return;
    }
    cf_chat_replace_tree(chat, cf_chat_tree_load(chat, &opening->tail, conversation->active_leaf));
    take_conversation(chat);
    opening->is_refresh = true;
    chat->is_partial = true;
    cf_chat_mark(chat, CF_CHANGE_TURNS | CF_CHANGE_STATUS);
}

static void finish_opening(struct cf_chat *chat)
{
    struct cf_chat_opening *opening = &chat->opening;
    if (opening->has_load && opening->has_draft && !opening->has_tree) {
        show_tail(chat);
    }
    if (!opening->has_load || !opening->has_tree || !opening->has_draft) {
        return;
    }
    if (opening->is_refresh && chat->is_held_up) {
        cf_chat_release_opening(chat); /* read past what is held up */
        chat->is_reload_due = true;
        return;
    }
    int64_t leaf = opening->load.items[0].active_leaf;
    struct cf_chat_tree *tree = cf_chat_tree_load(chat, &opening->tree, leaf);
    if (opening->is_refresh) {
        cf_chat_renew_tree(chat, tree);
    } else {
        cf_chat_replace_tree(chat, tree);
    }
    take_conversation(chat);
    chat->is_partial = false;
    if (chat->reply != NULL || chat->n_unfinished > 0) {
        chat->is_reload_due = true; /* a reply of ours that is in there may be without its end */
    }
    struct cf_chat_node *wanted = cf_chat_tree_find(chat->tree, opening->message);
    if (wanted != NULL) {
        show_found(chat, wanted);
    }
    if (opening->load.is_damaged || chat->tree->messages.is_damaged) {
        cf_chat_say(chat, true,
                    "part of the conversation could not be read: the database is "
                    "damaged (confab check)");
    }
    cf_chat_release_opening(chat);
    cf_chat_idle_later(chat);
    cf_chat_mark(chat, CF_CHANGE_TURNS | CF_CHANGE_STATUS);
}

void cf_chat_handle_title(struct cf_chat *chat, const struct cf_storage_event *event)
{
    if (event->code == CF_OK && event->conversations.n > 0 &&
        event->conversations.items[0].id == chat->conversation) {
        set_title(chat, event->conversations.items[0].title,
                  event->conversations.items[0].is_title_own);
        chat->wants_title = false;
    }
}

void cf_chat_handle_opening(struct cf_chat *chat, const struct cf_chat_pending *pending,
                            struct cf_storage_event *event)
{
    struct cf_chat_opening *opening = &chat->opening;
    if (!opening->is_on || pending->target != opening->conversation) {
        return;
    }
    if (event->code != CF_OK) {
        fail_opening(chat, &event->err);
        return;
    }
    if (pending->what == CF_WHAT_LOAD) {
        if (event->conversations.n == 0) {
            struct cf_err err = CF_ERR_INIT;
            cf_err_set(&err, CF_ERR_NOT_FOUND, "there is no conversation %lld",
                       (long long)opening->conversation);
            fail_opening(chat, &err);
            return;
        }
        opening->load = event->conversations;
        opening->tail = event->messages;
        event->conversations = (struct cf_conversations){0};
        event->messages = (struct cf_messages){0};
        opening->has_load = true;
    } else {
        opening->tree = event->messages;
        event->messages = (struct cf_messages){0};
        opening->has_tree = true;
    }
    finish_opening(chat);
}

/* Once more, in case that helps; with FALSE and a sentence the second time. */
static bool asks_again(struct cf_chat *chat, const struct cf_chat_pending *pending,
                       const struct cf_err *err)
{
    if (chat->is_storage_failed) {
        return false; /* which was said */
    }
    if (pending->is_repeated) {
        cf_chat_say(chat, true, "the draft that was kept here could not be read: %s", err->text);
        return false;
    }
    uint64_t job = cf_storage_draft_load(chat->storage, pending->target);
    cf_chat_expect_about(chat, job, CF_WHAT_DRAFT, pending->target);
    chat->pending[chat->n_pending - 1].is_repeated = true;
    return true;
}

void cf_chat_handle_draft(struct cf_chat *chat, const struct cf_chat_pending *pending,
                          struct cf_storage_event *event)
{
    struct cf_chat_opening *opening = &chat->opening;
    bool is_first = pending->target == 0;
    bool is_wanted = is_first ? chat->is_first_draft_due
                              : opening->is_on && pending->target == opening->conversation;
    if (!is_wanted || (event->code != CF_OK && asks_again(chat, pending, &event->err))) {
        return;
    }
    char *draft = event->text != NULL ? event->text : cf_strdup("");
    event->text = NULL;
    if (is_first) {
        take_first_draft(chat, draft);
        free(draft);
    } else {
        free(opening->draft);
        opening->draft = draft;
        opening->has_draft = true;
        finish_opening(chat);
    }
}

void cf_chat_handle_last(struct cf_chat *chat, const struct cf_storage_event *event)
{
    if (!chat->opening.is_on || chat->opening.conversation != 0) {
        return; /* another was asked for since */
    }
    if (event->code != CF_OK) {
        fail_opening(chat, &event->err);
    } else if (event->conversations.n == 0) {
        struct cf_err err = CF_ERR_INIT;
        cf_err_set(&err, CF_ERR_NOT_FOUND, "there is no conversation yet");
        fail_opening(chat, &err);
    } else {
        ask_for(chat, event->conversations.items[0].id);
    }
}
