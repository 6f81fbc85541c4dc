/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store at its header: conversations, the tree of messages, replies while they stream. */
#include "store_test.h"

#include <inttypes.h>

/* ---- Conversations ---- */

static void conversation__create__gives_it_back(void **state)
{
    struct cf_store *store = open_store(*state);
    const struct cf_conversation_spec spec = {.title = "  Tea\tin\n the rain ",
                                              .model = "gpt2",
                                              .template_name = "chatml",
                                              .system = "be kind",
                                              .settings = "temperature = 0.8\n",
                                              .origin = "chatgpt",
                                              .origin_id = "x-1",
                                              .created_ms = 1000};
    int64_t id = 0;
    assert_ok(cf_store_conversation_create(&id, store, &spec, err));
    int64_t again = 0;
    assert_code(CF_ERR_EXISTS, cf_store_conversation_create(&again, store, &spec, err));
    assert_int_equal(again, id);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    const struct cf_conversation *item = &one.items[0];
    assert_string_equal(item->title, "Tea in the rain");
    assert_true(item->is_title_own);
    assert_string_equal(item->model, "gpt2");
    assert_string_equal(item->template_name, "chatml");
    assert_string_equal(item->system, "be kind");
    assert_string_equal(item->settings, "temperature = 0.8\n");
    assert_string_equal(item->origin, "chatgpt");
    assert_string_equal(item->origin_id, "x-1");
    assert_int_equal(item->created_ms, 1000);
    assert_int_equal(strlen(item->uuid), 36);
    assert_int_equal(item->uuid[14], '7');
    assert_int_equal(item->n_messages, 0);
    cf_conversations_release(&one);
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_load(&one, store, id + 1, err));
    cf_store_close(store);
}

static void conversation__title__is_made_from_the_first_words(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t first = add_text(store, id, 0, CF_ROLE_USER,
                             "\n  What should I drink when it rains all day and the shops of the "
                             "town are closed?\nPlease.");
    add_text(store, id, first, CF_ROLE_USER, "Another");
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_string_equal(one.items[0].title,
                        "What should I drink when it rains all day and the shops of…");
    assert_false(one.items[0].is_title_own);
    cf_conversations_release(&one);
    assert_ok(cf_store_conversation_rename(store, id, "Mine\x1b[31m", err));
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_string_equal(one.items[0].title, "Mine [31m");
    cf_conversations_release(&one);
    /* "" gives the made one back. */
    assert_ok(cf_store_conversation_rename(store, id, " \n", err));
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_memory_equal(one.items[0].title, "What should", 11);
    assert_false(one.items[0].is_title_own);
    cf_conversations_release(&one);
    int64_t chinese = new_conversation(store);
    add_text(store, chinese, 0, CF_ROLE_USER,
             "我正在学习人工智能我正在学习人工智能我正在学习人工智能我正在学习人工智能");
    assert_ok(cf_store_conversation_load(&one, store, chinese, err));
    assert_int_equal(strlen(one.items[0].title), 30 * 3 + 3);
    cf_conversations_release(&one);
    cf_store_close(store);
}

static void conversation__list__pages_newest_first(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t ids[25];
    for (int i = 0; i < 25; i++) {
        /* Pairs of equal times: the id decides. */
        const struct cf_conversation_spec spec = {.title = i % 2 != 0 ? "odd one" : "even one",
                                                  .created_ms = 1000 + i / 2};
        assert_ok(cf_store_conversation_create(&ids[i], store, &spec, err));
    }
    for (int pinned = 0; pinned < 2; pinned++) {
        struct cf_list_query query = {.limit = 7, .pinned_first = pinned != 0};
        struct cf_conversation last;
        int seen = 0;
        for (bool has_more = true; has_more;) {
            struct cf_conversations list;
            assert_ok(cf_store_list(&list, store, &query, err));
            for (size_t i = 0; i < list.n; i++) {
                int wanted = pinned == 0  ? 24 - seen
                             : seen == 0  ? 3
                             : seen <= 21 ? 25 - seen
                                          : 24 - seen;
                assert_int_equal(list.items[i].id, ids[wanted]);
                seen++;
            }
            has_more = list.has_more;
            last = list.items[list.n - 1];
            query.after = &last;
            cf_conversations_release(&list);
        }
        assert_int_equal(seen, 25);
        if (pinned == 0) {
            assert_ok(cf_store_conversation_set_pinned(store, ids[3], true, err));
        }
    }
    struct cf_conversations list;
    const struct cf_list_query odd = {.match = "ONE od", .limit = 100};
    assert_ok(cf_store_list(&list, store, &odd, err));
    assert_int_equal(list.n, 12);
    cf_conversations_release(&list);
    cf_store_close(store);
}

static void conversation__shelves__hold_what_belongs_there(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t a = new_conversation(store);
    int64_t b = new_conversation(store);
    int64_t c = new_conversation(store);
    assert_ok(cf_store_conversation_set_archived(store, b, true, err));
    assert_ok(cf_store_conversation_delete(store, c, err));
    assert_ok(cf_store_conversation_set_unread(store, a, true, err));
    assert_ok(cf_store_tag_add(store, a, "Work ", err));
    assert_ok(cf_store_tag_add(store, a, "a\nb", err));
    assert_ok(cf_store_tag_add(store, a, "work", err));
    assert_code(CF_ERR_USAGE, cf_store_tag_add(store, a, " \t", err));
    const int64_t wanted[] = {a, b, c};
    for (int shelf = 0; shelf < 3; shelf++) {
        const struct cf_list_query query = {.shelf = (enum cf_shelf)shelf};
        struct cf_conversations list;
        assert_ok(cf_store_list(&list, store, &query, err));
        assert_int_equal(list.n, 1);
        assert_int_equal(list.items[0].id, wanted[shelf]);
        assert_int_equal(list.items[0].is_archived, shelf == 1);
        assert_int_equal(list.items[0].trashed_ms != 0, shelf == 2);
        cf_conversations_release(&list);
    }
    struct cf_conversations list;
    const struct cf_list_query tagged = {.tag = "WORK"};
    assert_ok(cf_store_list(&list, store, &tagged, err));
    assert_int_equal(list.n, 1);
    assert_true(list.items[0].is_unread);
    assert_int_equal(list.items[0].n_tags, 2);
    assert_true(strcmp(list.items[0].tags[0], "Work") == 0 ||
                strcmp(list.items[0].tags[1], "Work") == 0);
    cf_conversations_release(&list);
    assert_ok(cf_store_tag_remove(store, a, "wOrk", err));
    assert_ok(cf_store_list(&list, store, &tagged, err));
    assert_int_equal(list.n, 0);
    cf_conversations_release(&list);
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    assert_int_equal(counts.n_open, 1);
    assert_int_equal(counts.n_archived, 1);
    assert_int_equal(counts.n_trashed, 1);
    assert_true(counts.file_size > 0);
    assert_sound(store);
    cf_store_close(store);
}

static void conversation__find__by_number_uuid_and_last(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t found = 0;
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_find(&found, store, "last", err));
    int64_t a = new_conversation(store);
    int64_t b = new_conversation(store);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, a, err));
    char uuid[CF_UUID_SIZE];
    memcpy(uuid, one.items[0].uuid, sizeof uuid);
    cf_conversations_release(&one);
    assert_ok(cf_store_conversation_find(&found, store, uuid, err));
    assert_int_equal(found, a);
    /* Made in one millisecond or the next: the beginnings may be the same. */
    char prefix[CF_UUID_SIZE];
    memcpy(prefix, uuid, sizeof prefix);
    prefix[24] = '\0';
    assert_ok(cf_store_conversation_find(&found, store, prefix, err));
    assert_int_equal(found, a);
    prefix[8] = '\0';
    assert_code(CF_ERR_RANGE, cf_store_conversation_find(&found, store, prefix, err));
    prefix[7] = '\0';
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_find(&found, store, prefix, err));
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, b);
    assert_ok(cf_store_conversation_find(&found, store, number, err));
    assert_int_equal(found, b);
    assert_ok(cf_store_conversation_find(&found, store, "last", err));
    assert_int_equal(found, b);
    add_text(store, a, 0, CF_ROLE_USER, "newer");
    int64_t third = new_conversation(store);
    assert_ok(cf_store_conversation_delete(store, third, err));
    const char *const none[] = {"", "99999", "x", "' OR 1=1 --", "9999999999999999999999"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(none); i++) {
        assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_find(&found, store, none[i], err));
        assert_code(CF_ERR_NOT_FOUND, cf_store_message_find(&found, store, none[i], err));
    }
    cf_store_close(store);
}

static void conversation__change__sets_and_takes_away(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    const struct cf_conversation_change set = {.system = "be brief", .settings = "top-p = 0.5"};
    assert_ok(cf_store_conversation_change(store, id, &set, err));
    const struct cf_conversation_change unset = {.system = "", .template_name = "alpaca"};
    assert_ok(cf_store_conversation_change(store, id, &unset, err));
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_null(one.items[0].system);
    assert_string_equal(one.items[0].settings, "top-p = 0.5");
    assert_string_equal(one.items[0].template_name, "alpaca");
    assert_string_equal(one.items[0].model, "tiny");
    cf_conversations_release(&one);
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_change(store, 99, &set, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_rename(store, 99, "x", err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_set_pinned(store, 99, true, err));
    cf_store_close(store);
}

static void draft__save__survives(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    assert_ok(cf_store_draft_save(store, 0, "not begun", 9, 3, err));
    assert_ok(cf_store_draft_save(store, id, "first", 5, 5, err));
    assert_ok(cf_store_draft_save(store, id, "sec\0nd", 6, 2, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_draft_save(store, 99, "x", 1, 0, err));
    cf_store_close(store);
    store = open_store(*state);
    struct cf_buf text = CF_BUF_INIT;
    size_t cursor = 99;
    assert_ok(cf_store_draft_load(&text, &cursor, store, id, err));
    assert_int_equal(text.size, 6);
    assert_memory_equal(text.data, "sec\0nd", 6);
    assert_int_equal(cursor, 2);
    cf_buf_clear(&text);
    assert_ok(cf_store_draft_load(&text, NULL, store, 0, err));
    assert_string_equal(text.data, "not begun");
    assert_ok(cf_store_draft_save(store, 0, "", 0, 0, err));
    cf_buf_clear(&text);
    assert_ok(cf_store_draft_load(&text, &cursor, store, 0, err));
    assert_int_equal(text.size, 0);
    assert_int_equal(cursor, 0);
    cf_buf_release(&text);
    cf_store_close(store);
}

/* ---- The tree ---- */

static void message__add__keeps_every_byte(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    const char bytes[] = "a\0b\xff\xfe\x1b[2J\r\n\xe6\x88";
    const struct cf_message_spec spec = {.conversation = id,
                                         .role = CF_ROLE_USER,
                                         .text = bytes,
                                         .size = sizeof bytes - 1,
                                         .origin_id = "m1",
                                         .created_ms = 77};
    int64_t message = 0;
    assert_ok(cf_store_message_add(&message, store, &spec, err));
    int64_t again = 0;
    assert_code(CF_ERR_EXISTS, cf_store_message_add(&again, store, &spec, err));
    assert_int_equal(again, message);
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, store, message, true, err));
    assert_int_equal(one.items[0].size, sizeof bytes - 1);
    assert_memory_equal(one.items[0].text, bytes, sizeof bytes - 1);
    assert_int_equal(one.items[0].created_ms, 77);
    assert_int_equal(one.items[0].state, CF_MESSAGE_COMPLETE);
    assert_string_equal(one.items[0].origin_id, "m1");
    assert_int_equal(one.items[0].recipe_size, 0);
    int64_t found = 0;
    assert_ok(cf_store_message_find(&found, store, one.items[0].uuid, err));
    assert_int_equal(found, message);
    cf_messages_release(&one);
    cf_store_close(store);
}

static void message__add__refuses_what_does_not_fit(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t a = new_conversation(store);
    int64_t b = new_conversation(store);
    int64_t in_a = add_text(store, a, 0, CF_ROLE_USER, "one");
    struct cf_message_spec spec = {.conversation = b, .parent = in_a, .role = CF_ROLE_USER};
    int64_t id = -5;
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_add(&id, store, &spec, err));
    spec.conversation = 99;
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_add(&id, store, &spec, err));
    spec.conversation = a;
    spec.parent = 4711;
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_add(&id, store, &spec, err));
    assert_int_equal(id, -5);
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_set_leaf(store, b, in_a, err));
    assert_sound(store);
    cf_store_close(store);
}

static void tree__alternatives__are_walked(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "q");
    int64_t a = add_text(store, id, question, CF_ROLE_ASSISTANT, "a");
    int64_t b = add_text(store, id, question, CF_ROLE_ASSISTANT, "b");
    int64_t c = add_text(store, id, question, CF_ROLE_ASSISTANT, "c");
    int64_t a1 = add_text(store, id, a, CF_ROLE_USER, "a1");
    int64_t a2 = add_text(store, id, a, CF_ROLE_USER, "a2");
    assert_int_equal(active_leaf(store, id), a2);
    assert_branch(store, a2, "q|a|a2");
    int64_t leaf = 0;
    assert_ok(cf_store_alternative(&leaf, store, a, 1, err));
    assert_int_equal(leaf, b);
    assert_ok(cf_store_alternative(&leaf, store, a, 2, err));
    assert_int_equal(leaf, c);
    assert_code(CF_ERR_RANGE, cf_store_alternative(&leaf, store, c, 1, err));
    assert_code(CF_ERR_RANGE, cf_store_alternative(&leaf, store, a, -1, err));
    /* Back to a: the child last shown, not the newest. */
    assert_ok(cf_store_conversation_set_leaf(store, id, a1, err));
    assert_ok(cf_store_conversation_set_leaf(store, id, c, err));
    assert_ok(cf_store_alternative(&leaf, store, c, -2, err));
    assert_int_equal(leaf, a1);
    struct cf_messages messages;
    assert_ok(cf_store_path_load(&messages, store, b, 0, false, err));
    assert_int_equal(messages.n, 2);
    assert_int_equal(messages.items[1].alternative, 1);
    assert_int_equal(messages.items[1].n_alternatives, 3);
    assert_int_equal(messages.items[0].n_alternatives, 1);
    cf_messages_release(&messages);
    assert_ok(cf_store_children_load(&messages, store, id, question, err));
    assert_int_equal(messages.n, 3);
    assert_int_equal(messages.items[2].id, c);
    cf_messages_release(&messages);
    assert_ok(cf_store_children_load(&messages, store, id, 0, err));
    assert_int_equal(messages.n, 1);
    cf_messages_release(&messages);
    const int64_t order[] = {question, a, a1, a2, b, c};
    assert_ok(cf_store_tree_load(&messages, store, id, false, err));
    assert_int_equal(messages.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(messages.items[i].id, order[i]);
    }
    cf_messages_release(&messages);
    assert_sound(store);
    cf_store_close(store);
}

static void path__load__goes_page_by_page(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t ids[40];
    for (int i = 0; i < 40; i++) {
        ids[i] = add_text(store, id, i > 0 ? ids[i - 1] : 0,
                          i % 2 != 0 ? CF_ROLE_ASSISTANT : CF_ROLE_USER, "x");
    }
    int seen = 40;
    for (int64_t leaf = ids[39]; leaf != 0;) {
        struct cf_messages page;
        assert_ok(cf_store_path_load(&page, store, leaf, 12, false, err));
        for (size_t i = page.n; i > 0; i--) {
            assert_int_equal(page.items[i - 1].id, ids[--seen]);
        }
        assert_int_equal(page.has_more, seen > 0);
        leaf = page.items[0].parent;
        cf_messages_release(&page);
    }
    assert_int_equal(seen, 0);
    struct cf_messages none;
    assert_code(CF_ERR_NOT_FOUND, cf_store_path_load(&none, store, 4711, 0, false, err));
    cf_store_close(store);
}

static void fork__copies__branch_and_recipes(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "q");
    int64_t reply = begin_reply(store, id, question);
    struct cf_reply_state text = reply_text("answer");
    text.recipe = "blob";
    text.recipe_size = 4;
    assert_ok(
        cf_store_reply_finish(store, reply, &text, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL, err));
    add_text(store, id, reply, CF_ROLE_USER, "not copied");
    int64_t fork = 0;
    assert_ok(cf_store_fork(&fork, store, reply, err));
    assert_int_not_equal(fork, id);
    int64_t second = 0;
    assert_ok(cf_store_fork(&second, store, reply, err));
    struct cf_conversations other;
    assert_ok(cf_store_conversation_load(&other, store, second, err));
    assert_string_equal(other.items[0].title, "q (3)");
    cf_conversations_release(&other);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, fork, err));
    assert_int_equal(one.items[0].forked_from, reply);
    assert_int_equal(one.items[0].n_messages, 2);
    assert_string_equal(one.items[0].title, "q (2)");
    int64_t leaf = one.items[0].active_leaf;
    cf_conversations_release(&one);
    assert_branch(store, leaf, "q|answer");
    struct cf_messages messages;
    assert_ok(cf_store_message_load(&messages, store, leaf, true, err));
    assert_int_equal(messages.items[0].recipe_size, 4);
    assert_int_equal(messages.items[0].reason, CF_END_STOP);
    cf_messages_release(&messages);
    cf_store_close(store);
}

/* ---- Replies ---- */

static void reply__stream__is_saved_and_ends(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "q");
    int64_t reply = begin_reply(store, id, question);
    assert_int_equal(active_leaf(store, id), reply);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_true(one.items[0].is_streaming);
    cf_conversations_release(&one);
    struct cf_reply_state text = reply_text("An");
    text.recipe = "r1";
    text.recipe_size = 2;
    text.n_tokens = 1;
    assert_ok(cf_store_reply_save(store, reply, &text, err));
    assert_true(cf_store_unsynced_since_ms(store) != 0);
    assert_ok(cf_store_sync(store, err));
    assert_int_equal(cf_store_unsynced_since_ms(store), 0);
    text = (struct cf_reply_state){.text = "An answer",
                                   .size = 9,
                                   .recipe = "r123",
                                   .recipe_size = 4,
                                   .n_tokens = 3,
                                   .n_prompt = 20,
                                   .n_cached = 15,
                                   .first_us = 1234,
                                   .total_us = 99999};
    assert_ok(cf_store_reply_finish(store, reply, &text, CF_MESSAGE_FAILED, CF_END_ERROR,
                                    "it broke", err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_reply_save(store, reply, &text, err));
    struct cf_messages messages;
    assert_ok(cf_store_message_load(&messages, store, reply, true, err));
    const struct cf_message *item = &messages.items[0];
    assert_string_equal(item->text, "An answer");
    assert_int_equal(item->state, CF_MESSAGE_FAILED);
    assert_int_equal(item->reason, CF_END_ERROR);
    assert_string_equal(item->error, "it broke");
    assert_string_equal(item->model, "tiny");
    assert_int_equal(item->n_tokens, 3);
    assert_int_equal(item->n_prompt, 20);
    assert_int_equal(item->n_cached, 15);
    assert_int_equal(item->first_us, 1234);
    assert_int_equal(item->total_us, 99999);
    assert_int_equal(item->recipe_size, 4);
    assert_memory_equal(item->recipe, "r123", 4);
    cf_messages_release(&messages);
    cf_store_close(store);
}

static void reply__resume__goes_on_in_place(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "q");
    int64_t reply = begin_reply(store, id, question);
    assert_code(CF_ERR_BUSY, cf_store_reply_resume(store, reply, err));
    struct cf_reply_state text = reply_text("half");
    assert_ok(cf_store_reply_finish(store, reply, &text, CF_MESSAGE_CANCELLED, CF_END_CANCELLED,
                                    NULL, err));
    assert_ok(cf_store_reply_resume(store, reply, err));
    finish_reply(store, reply, "half and whole");
    assert_branch(store, reply, "q|half and whole");
    assert_code(CF_ERR_RANGE, cf_store_reply_resume(store, question, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_reply_resume(store, 4711, err));
    cf_store_close(store);
}

static void reply__begin__makes_siblings_and_keeps_texts(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "q");
    const struct cf_reply_spec spec = {.conversation = id,
                                       .parent = question,
                                       .template_text = "User: {text}\n",
                                       .system = "be brief"};
    int64_t ids[3];
    assert_ok(cf_store_reply_begin(ids, 3, store, &spec, err));
    assert_int_equal(active_leaf(store, id), ids[0]);
    for (int i = 0; i < 3; i++) {
        finish_reply(store, ids[i], "x");
    }
    struct cf_messages messages;
    assert_ok(cf_store_children_load(&messages, store, id, question, err));
    assert_int_equal(messages.n, 3);
    cf_messages_release(&messages);
    struct cf_digest digest;
    cf_digest_of(&digest, "User: {text}\n", 13);
    struct cf_buf text = CF_BUF_INIT;
    assert_ok(cf_store_snapshot_load(&text, store, &digest, err));
    assert_string_equal(text.data, "User: {text}\n");
    cf_digest_of(&digest, "other", 5);
    assert_code(CF_ERR_NOT_FOUND, cf_store_snapshot_load(&text, store, &digest, err));
    cf_buf_release(&text);
    assert_sound(store);
    cf_store_close(store);
}

static void trashed__talked_to__comes_back(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t id = new_conversation(store);
    int64_t a = add_text(store, id, 0, CF_ROLE_USER, "a");
    int64_t b = add_text(store, id, a, CF_ROLE_ASSISTANT, "b");
    assert_ok(cf_store_message_delete(store, a, err));
    assert_ok(cf_store_conversation_delete(store, id, err));
    /* Another window does not know yet. */
    int64_t c = add_text(store, id, b, CF_ROLE_USER, "c");
    assert_branch(store, c, "a|b|c");
    assert_int_equal(active_leaf(store, id), c);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    assert_int_equal(one.items[0].trashed_ms, 0);
    cf_conversations_release(&one);
    assert_sound(store);
    cf_store_close(store);
}

static void conversation__whose_first_message_fails__is_not_there(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    const struct cf_conversation_spec spec = {.model = "tiny"};
    const struct cf_message_spec first = {.role = CF_ROLE_USER, .text = "hello", .size = 5};
    int64_t id = 0;
    int64_t message = 0;
    assert_ok(cf_store_conversation_begin(&id, &message, store, &spec, &first, err));
    assert_int_equal(active_leaf(store, id), message);
    struct cf_conversations list;
    const struct cf_list_query query = {.limit = 9};
    assert_ok(cf_store_list(&list, store, &query, err));
    size_t n = list.n;
    cf_conversations_release(&list);
    /* No index can take this in. */
    run_sql(place->path, "CREATE UNIQUE INDEX one_text ON message (text)");
    int64_t second = 0;
    assert_true(cf_store_conversation_begin(&second, &message, store, &spec, &first, NULL) !=
                CF_OK);
    assert_int_equal(second, 0);
    run_sql(place->path, "DROP INDEX one_text");
    assert_ok(cf_store_list(&list, store, &query, err));
    assert_int_equal(list.n, n);
    cf_conversations_release(&list);
    cf_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(conversation__whose_first_message_fails__is_not_there),
        TEST(conversation__create__gives_it_back),
        TEST(conversation__title__is_made_from_the_first_words),
        TEST(conversation__list__pages_newest_first),
        TEST(conversation__shelves__hold_what_belongs_there),
        TEST(conversation__find__by_number_uuid_and_last),
        TEST(conversation__change__sets_and_takes_away),
        TEST(draft__save__survives),
        TEST(message__add__keeps_every_byte),
        TEST(message__add__refuses_what_does_not_fit),
        TEST(tree__alternatives__are_walked),
        TEST(path__load__goes_page_by_page),
        TEST(fork__copies__branch_and_recipes),
        TEST(reply__stream__is_saved_and_ends),
        TEST(reply__resume__goes_on_in_place),
        TEST(reply__begin__makes_siblings_and_keeps_texts),
        TEST(trashed__talked_to__comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
