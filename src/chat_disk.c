/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the storage answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

void cf_chat_expect(struct cf_chat *chat, uint64_t job, enum cf_chat_what what,
                    struct cf_chat_node *node)
{
    chat->pending = cf_grow(chat->pending, chat->n_pending, &chat->pending_capacity, 1,
                            sizeof chat->pending[0]);
    chat->pending[chat->n_pending++] = (struct cf_chat_pending){
        .job = job, .what = what, .node = node, .conversation = chat->conversation};
}

void cf_chat_expect_about(struct cf_chat *chat, uint64_t job, enum cf_chat_what what,
                          int64_t target)
{
    cf_chat_expect(chat, job, what, NULL);
    chat->pending[chat->n_pending - 1].target = target;
}

static bool take_pending(struct cf_chat *chat, uint64_t job, struct cf_chat_pending *pending)
{
    for (size_t i = 0; i < chat->n_pending; i++) {
        if (chat->pending[i].job == job) {
            *pending = chat->pending[i];
            chat->n_pending--;
            memmove(&chat->pending[i], &chat->pending[i + 1],
                    (chat->n_pending - i) * sizeof chat->pending[0]);
            return true;
        }
    }
    return false;
}

void cf_chat_forget_nodes(struct cf_chat *chat)
{
    for (size_t i = 0; i < chat->n_pending; i++) {
        const struct cf_chat_node *node = chat->pending[i].node;
        while (node != NULL && node->parent != NULL) {
            node = node->parent;
        }
        if (node != chat->tree->root) {
            chat->pending[i].node = NULL;
        }
    }
}

/* --- events --- */

/* What the reply waited for is on the disk, or never will be: it may start. */
static void submit_waiting(struct cf_chat *chat, uint64_t job)
{
    if (chat->reply != NULL && chat->reply->commit == job && !chat->reply->is_submitted) {
        cf_chat_submit(chat, chat->reply);
    }
}

static void handle_commit(struct cf_chat *chat, const struct cf_chat_pending *pending,
                          const struct cf_storage_event *event, int64_t id)
{
    if (pending->node != NULL && event->code == CF_OK) {
        pending->node->turn.id = id;
        pending->node->turn.is_saved = true;
        cf_chat_mark(chat, CF_CHANGE_TURN);
    }
    submit_waiting(chat, event->job);
    if (event->code == CF_OK && chat->wants_title) {
        cf_chat_ask_title(chat);
    }
}

static void handle_begin(struct cf_chat *chat, const struct cf_chat_pending *pending,
                         const struct cf_storage_event *event)
{
    struct cf_chat_node *node = event->code == CF_OK ? pending->node : NULL;
    for (size_t i = 0; i < event->n_ids && node != NULL; i++) {
        node->turn.id = event->ids[i];
        node = cf_chat_node_next(node);
    }
    submit_waiting(chat, event->job);
}

/* A message is there again beside the reply being written, which stays in view; what else the disk
 * knows is read once that has ended. */
static void bring_back(struct cf_chat *chat, int64_t message)
{
    for (size_t i = 1; i < chat->tree->n_nodes; i++) {
        struct cf_chat_node *node = chat->tree->nodes[i];
        if (node->turn.id == message && node->is_trashed) {
            node->is_trashed = false;
            cf_chat_tree_refresh(chat->tree);
            cf_chat_after_path_change(chat);
            return;
        }
    }
}

/* Several undone together are told in one sentence, once the last one is: of N_LEFT are still to
 * come. */
static void say_undone(struct cf_chat *chat, const char *label, int64_t n_left)
{
    if (label != NULL && chat->n_undone++ == 0) {
        (void)snprintf(chat->undone, sizeof chat->undone, "%s", label);
    }
    if (n_left > 0 || chat->n_undone == 0) {
        return;
    }
    if (chat->n_undone > 1) {
        cf_chat_say(chat, false, "undone: %s and %zu more", chat->undone, chat->n_undone - 1);
    } else {
        cf_chat_say(chat, false, "undone: %s", chat->undone);
    }
    chat->n_undone = 0;
}

static void handle_undo(struct cf_chat *chat, const struct cf_storage_event *event, int64_t n_left)
{
    say_undone(chat, event->code == CF_OK ? event->undone.label : NULL, n_left);
    if (event->code != CF_OK) {
        cf_chat_say(chat, event->code != CF_ERR_NOT_FOUND, "%s", event->err.text);
        return;
    }
    bool is_nothing_on = chat->conversation == 0 && chat->tree->n_path == 0 && !chat->opening.is_on;
    if (event->undone.conversation == chat->conversation) {
        if (chat->reply != NULL) {
            bring_back(chat, event->undone.message);
        }
        cf_chat_reload(chat);
    } else if (is_nothing_on && event->undone.message == 0) {
        cf_chat_open(chat, event->undone.conversation); /* it was on when it was deleted */
    }
    cf_chat_mark(chat, CF_CHANGE_LIST_OLD);
}

static void handle_answer(struct cf_chat *chat, const struct cf_chat_pending *pending,
                          struct cf_storage_event *event)
{
    switch (pending->what) {
    case CF_WHAT_CREATE:
        if (event->code == CF_OK && chat->conversation == pending->conversation) {
            chat->conversation = event->id;
            cf_chat_mark(chat, CF_CHANGE_STATUS | CF_CHANGE_LIST_OLD);
        }
        handle_commit(chat, pending, event, event->message);
        break;
    case CF_WHAT_COMMIT:
        handle_commit(chat, pending, event, event->id);
        break;
    case CF_WHAT_BEGIN:
        handle_begin(chat, pending, event);
        break;
    case CF_WHAT_FINISH:
        if (pending->node != NULL && event->code == CF_OK) {
            pending->node->turn.is_saved = true;
            cf_chat_mark(chat, CF_CHANGE_TURN);
        }
        cf_chat_mark(chat, CF_CHANGE_LIST_OLD); /* also where its conversation has been left */
        break;
    case CF_WHAT_LIST:
        cf_chat_handle_list(chat, event);
        if (event->code == CF_ERR_CANCELLED) {
            return; /* another question took its place */
        }
        break;
    case CF_WHAT_LAST:
        cf_chat_handle_last(chat, event);
        break;
    case CF_WHAT_STATS:
        cf_chat_handle_stats(chat, event);
        break;
    case CF_WHAT_SEARCH:
        cf_chat_handle_search(chat, event);
        return;
    case CF_WHAT_LOAD:
    case CF_WHAT_TREE:
        cf_chat_handle_opening(chat, pending, event);
        return;
    case CF_WHAT_SNAPSHOT:
        cf_chat_look_take_snapshot(chat, pending->target != 0, event);
        return;
    case CF_WHAT_TITLE:
        cf_chat_handle_title(chat, event);
        return;
    case CF_WHAT_DRAFT:
        cf_chat_handle_draft(chat, pending, event);
        return;
    case CF_WHAT_FORK:
        if (event->code == CF_OK) {
            cf_chat_open(chat, event->id);
            cf_chat_say(chat, false, "this is the fork; what it was made of stays in the list");
            cf_chat_mark(chat, CF_CHANGE_LIST_OLD);
        }
        break;
    case CF_WHAT_UNDO:
        handle_undo(chat, event, pending->target);
        return;
    case CF_WHAT_SHELF:
        cf_chat_mark(chat, CF_CHANGE_LIST_OLD);
        break;
    case CF_WHAT_PORT:
        cf_chat_handle_port(chat, event);
        return;
    case CF_WHAT_OTHER:
        break;
    }
    if (event->code != CF_OK && !event->is_sequel && !chat->is_storage_failed &&
        pending->what != CF_WHAT_LAST) {
        chat->failure = event->err;
        cf_chat_say(chat, true, "%s", event->err.text);
    }
}

/* Nothing can be written: the conversation goes on in memory, and the person knows. */
static void handle_open_failed(struct cf_chat *chat, const struct cf_storage_event *event)
{
    chat->is_storage_failed = true;
    chat->failure = event->err;
    cf_chat_say(chat, true, "%s; what is said now is not saved", event->err.text);
    cf_chat_give_up_opening(chat);
    if (chat->reply != NULL) {
        cf_chat_submit(chat, chat->reply);
    }
    chat->n_unfinished = 0;
    cf_chat_mark(chat, CF_CHANGE_STATUS);
}

/* The store's notice has a sentence a line: each is one of ours. */
static void say_lines(struct cf_chat *chat, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        if (size > 0) {
            cf_chat_say(chat, false, "%.*s", (int)size, text);
        }
        text += size + (text[size] == '\n');
    }
}

static void handle_own_event(struct cf_chat *chat, const struct cf_storage_event *event)
{
    if (event->kind == CF_STORAGE_OPENED) {
        chat->is_storage_ready = event->code == CF_OK;
        if (event->code != CF_OK) {
            handle_open_failed(chat, event);
        } else if (event->text != NULL) {
            say_lines(chat, event->text);
        }
    } else if (event->kind == CF_STORAGE_CHANGED) {
        cf_chat_reload(chat);
        cf_chat_mark(chat, CF_CHANGE_LIST_OLD);
    } else if (event->kind == CF_STORAGE_HELD_UP) {
        chat->is_held_up = true;
        chat->failure = event->err;
        cf_chat_say(chat, true, "%s; it is kept in memory and tried again", event->err.text);
        if (chat->reply != NULL) {
            cf_chat_submit(chat, chat->reply);
        }
    } else if (event->kind == CF_STORAGE_RESUMED) {
        chat->is_held_up = false;
        cf_chat_say(chat, false, "saving works again");
        cf_chat_reload(chat);
    }
    cf_chat_mark(chat, CF_CHANGE_STATUS);
}

void cf_chat_handle_storage(struct cf_chat *chat)
{
    struct cf_storage_events events = {0};
    cf_storage_take(chat->storage, &events);
    for (size_t i = 0; i < events.n; i++) {
        struct cf_storage_event *event = &events.items[i];
        struct cf_chat_pending pending;
        if (event->job == 0) {
            handle_own_event(chat, event);
        } else if (event->kind == CF_STORAGE_PROGRESS) {
            cf_chat_handle_port(chat, event);
        } else if (take_pending(chat, event->job, &pending)) {
            handle_answer(chat, &pending, event);
        } else if (event->code != CF_OK && !event->is_sequel && !chat->is_storage_failed) {
            cf_chat_say(chat, true, "%s", event->err.text);
        }
    }
    cf_storage_events_release(&events);
}
