/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The json of export, as export.h describes it.  Nothing in it is trusted, and nothing of it is
 * left out: what does not fit ends the import. */
#include "import_members.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "export.h"
#include "recipe.h"
#include "text.h"

/* ---- Links ---- */

/* index + 1 of a uuid; 0 for "". */
static uint32_t link_of(struct cf_import *import, const char *uuid)
{
    if (uuid[0] == '\0') {
        return 0;
    }
    const uint32_t index = cf_import_names_add(&import->names, uuid, strlen(uuid));
    if (index == import->n_links) {
        import->links = cf_grow(import->links, import->n_links, &import->links_capacity, 1,
                                sizeof *import->links);
        import->links[import->n_links++] = (struct cf_import_link){.id = 0};
    }
    return index + 1;
}

/* Every message hangs on one that is there, and none on itself: following parents from anywhere
 * ends.  Those seen on the way are marked by the round they were seen in. */
static enum cf_code check_links(struct cf_import *import, struct cf_err *err)
{
    size_t *rounds = cf_calloc(import->n_links > 0 ? import->n_links : 1, sizeof *rounds);
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < import->n_links; i++) {
        if (import->links[i].id == 0 || !import->links[i].is_late) {
            continue;
        }
        for (size_t at = i; code == CF_OK && rounds[at] == 0;) {
            rounds[at] = i + 1;
            const uint32_t parent = import->links[at].parent;
            if (parent == 0) {
                break;
            }
            at = parent - 1;
            if (import->links[at].is_dropped) {
                break;
            }
            if (import->links[at].id == 0) {
                code = cf_scan_fail(&import->scan, CF_ERR_FORMAT, err,
                                    "a message hangs on %s, which its conversation does not hold",
                                    import->names.bytes + import->names.begins[at]);
            } else if (rounds[at] == i + 1) {
                code = cf_scan_fail(&import->scan, CF_ERR_FORMAT, err,
                                    "messages hang on each other in a circle, among them %s",
                                    import->names.bytes + import->names.begins[at]);
            }
        }
    }
    free(rounds);
    return code;
}

static int64_t id_of(const struct cf_import *import, uint32_t link)
{
    return link > 0 ? import->links[link - 1].id : 0;
}

/* What is not deleted hangs on nothing that is. */
static enum cf_code check_trash(struct cf_import *import, struct cf_err *err)
{
    for (size_t i = 0; i < import->n_links; i++) {
        const struct cf_import_link *link = &import->links[i];
        if (link->id != 0 && link->parent > 0 && !link->is_trashed &&
            import->links[link->parent - 1].is_trashed) {
            return cf_scan_fail(&import->scan, CF_ERR_FORMAT, err,
                                "the message %s hangs on one in the trash and is not there itself",
                                import->names.bytes + import->names.begins[i]);
        }
    }
    return CF_OK;
}

static enum cf_code put_link(struct cf_import *import, size_t i, struct cf_err *err)
{
    const struct cf_import_link *link = &import->links[i];
    const struct cf_import_link *late = link->is_late ? &import->links[link->parent - 1] : NULL;
    const int64_t parent = late != NULL && !late->is_there ? late->id : 0;
    const bool is_child =
        link->shown > 0 && import->links[link->shown - 1].parent == (uint32_t)i + 1;
    const int64_t shown = is_child ? id_of(import, link->shown) : 0;
    int64_t root = link->is_trashed ? id_of(import, link->trash_root) : 0;
    root = root != 0 || !link->is_trashed ? root : link->id;
    enum cf_code code = CF_OK;
    if (parent != 0 || shown != 0 || root != 0) {
        code = cf_store_import_link(import->rows, link->id, parent, shown, root, err);
    }
    if (code == CF_OK) {
        cf_import_hang(import, link, late, late != NULL && late->shown == (uint32_t)i + 1);
    }
    return code;
}

static enum cf_code put_links(struct cf_import *import, struct cf_err *err)
{
    enum cf_code code = check_links(import, err);
    if (code == CF_OK) {
        code = check_trash(import, err);
    }
    for (size_t i = 0; code == CF_OK && i < import->n_links; i++) {
        const struct cf_import_link *link = &import->links[i];
        if (link->id != 0 && !link->is_there) {
            code = put_link(import, i, err);
        }
    }
    return code;
}

/* ---- Messages ---- */

static void read_words(struct cf_import_members *members, struct cf_message *message)
{
    const char *role = json_string_value(cf_import_member(members, "role"));
    const char *state = json_string_value(cf_import_member(members, "state"));
    const json_t *reason = cf_import_member(members, "reason");
    message->state = CF_MESSAGE_COMPLETE;
    if (role == NULL || !cf_role_find(&message->role, role)) {
        cf_import_wrong(members, "role", "must be user, assistant or system");
    }
    if (state == NULL || !cf_message_state_find(&message->state, state) ||
        message->state == CF_MESSAGE_STREAMING) {
        message->state = CF_MESSAGE_COMPLETE;
        cf_import_wrong(members, "state", "must be complete, cancelled, interrupted or failed");
    }
    if (reason != NULL && (!json_is_string(reason) ||
                           !cf_end_reason_find(&message->reason, json_string_value(reason)))) {
        cf_import_wrong(members, "reason", "must be a reason why a reply ends");
    }
}

static void read_recipe(struct cf_import_members *members, struct cf_message_row *row)
{
    const json_t *recipe = cf_import_member(members, "recipe");
    if (recipe == NULL) {
        return;
    }
    if (!json_is_object(recipe)) {
        cf_import_wrong(members, "recipe", "must be an object");
        return;
    }
    struct cf_import_members inner = *members;
    inner.object = recipe;
    row->has_recipe = true;
    row->has_template = cf_import_get_digest(&inner, "template", &row->template_digest);
    row->has_system = cf_import_get_digest(&inner, "system", &row->system_digest);
    struct cf_import_names *digests = &members->import->digests;
    if (row->has_template) {
        (void)cf_import_names_add(digests, (char *)row->template_digest.bytes, CF_DIGEST_SIZE);
    }
    if (row->has_system) {
        (void)cf_import_names_add(digests, (char *)row->system_digest.bytes, CF_DIGEST_SIZE);
    }
    const json_t *body = cf_import_member(&inner, "body");
    struct cf_buf blob = CF_BUF_INIT;
    struct cf_recipe decoded;
    if (body != NULL && (!json_is_string(body) || !cf_base64_decode(&blob, json_string_value(body),
                                                                    json_string_length(body)))) {
        cf_import_wrong(&inner, "body", "must be base64");
    } else if (body != NULL) {
        if (cf_recipe_decode(&decoded, blob.data, blob.size, NULL) != CF_OK) {
            cf_import_wrong(&inner, "body",
                            "is no recipe that this confab reads, or a damaged one");
        } else {
            cf_recipe_release(&decoded);
        }
        void *copy = cf_arena_alloc(members->arena, blob.size);
        memcpy(copy, blob.data, blob.size);
        row->message.recipe = copy;
        row->message.recipe_size = blob.size;
    }
    cf_buf_release(&blob);
    members->code = inner.code;
}

static void read_message(struct cf_import_members *members, struct cf_message_row *row)
{
    struct cf_message *message = &row->message;
    size_t size;
    cf_import_get_uuid(message->uuid, members, "uuid", true);
    cf_import_get_uuid(row->parent, members, "parent", false);
    cf_import_get_uuid(row->shown, members, "shown", false);
    cf_import_get_uuid(row->trash_root, members, "trash_root", false);
    read_words(members, message);
    message->created_ms = cf_import_get_time(members, "created");
    message->updated_ms = cf_import_get_time(members, "updated");
    message->trashed_ms = cf_import_get_time(members, "trashed");
    message->is_pinned = cf_import_get_flag(members, "pinned");
    message->n_tokens = (int32_t)cf_import_get_number(members, "tokens", INT32_MAX);
    message->n_prompt = (int32_t)cf_import_get_number(members, "prompt_tokens", INT32_MAX);
    message->n_cached = (int32_t)cf_import_get_number(members, "cached_tokens", INT32_MAX);
    message->first_us = cf_import_get_number(members, "first_us", INT64_MAX);
    message->total_us = cf_import_get_number(members, "total_us", INT64_MAX);
    message->model = cf_import_get_text(members, "model");
    message->error = cf_import_get_text(members, "error");
    message->origin_id = cf_import_get_text(members, "origin_id");
    const char *text = cf_import_get_bytes(members, "text", &size);
    if (text == NULL) {
        cf_import_wrong(members, "text", "must be a text");
    }
    message->text = (char *)(uintptr_t)text;
    message->size = size;
    read_recipe(members, row);
}

/* The uuid stands once in the conversation, and the parent is another. */
static enum cf_code place_message(uint32_t *index, struct cf_import *import,
                                  struct cf_message_row *row, struct cf_err *err)
{
    const uint32_t own = link_of(import, row->message.uuid);
    const uint32_t parent = link_of(import, row->parent);
    const uint32_t shown = link_of(import, row->shown);
    const uint32_t root = link_of(import, row->trash_root);
    struct cf_import_link *link = &import->links[own - 1];
    if (link->id != 0 || link->is_dropped) {
        return cf_scan_fail(&import->scan, CF_ERR_FORMAT, err, "the message %s stands there twice",
                            row->message.uuid);
    }
    *link = (struct cf_import_link){.parent = parent,
                                    .shown = shown,
                                    .trash_root = root,
                                    .is_late = parent > 0 && id_of(import, parent) == 0,
                                    .is_trashed = row->message.trashed_ms != 0};
    row->message.parent = id_of(import, parent);
    *index = own - 1;
    return CF_OK;
}

/* Of a conversation that is there only what is new. */
static enum cf_code put_message(bool *is_new, struct cf_import *import, struct cf_message_row *row,
                                uint32_t index, struct cf_err *err)
{
    struct cf_import_link *link = &import->links[index];
    const struct cf_import_link *parent =
        link->parent > 0 ? &import->links[link->parent - 1] : NULL;
    const bool is_more = import->more.conversation != 0;
    enum cf_code code = CF_OK;
    if (is_more) {
        code = cf_import_find(link, import, row->message.uuid, NULL, err);
    }
    if (code == CF_OK && is_more && !link->is_there) {
        code = cf_import_ready(row, link, parent, import, err);
    }
    *is_new = code == CF_OK && !link->is_there && !link->is_dropped;
    if (!*is_new) {
        return code;
    }
    code = cf_store_import_message(&link->id, import->rows, row, err);
    if (code == CF_ERR_EXISTS) {
        code = cf_scan_fail(&import->scan, CF_ERR_FORMAT, err,
                            "\"origin_id\" is that of another message");
    }
    if (code == CF_OK && is_more) {
        cf_import_hang(import, link, parent, parent != NULL && parent->shown == index + 1);
    }
    return code;
}

static enum cf_code take_message(struct cf_import *import, int64_t conversation, int64_t *n,
                                 int64_t *n_new, struct cf_err *err)
{
    json_t *value = NULL;
    struct cf_arena arena = {.blocks = NULL};
    struct cf_message_row row = {.message = {.conversation = conversation}};
    uint32_t index = 0;
    bool is_new = false;
    enum cf_code code = cf_scan_take(&value, &import->scan, err);
    if (code == CF_OK && !json_is_object(value)) {
        code = cf_scan_fail(&import->scan, CF_ERR_FORMAT, err, "a message must be an object");
    }
    if (code == CF_OK && ++*n > CF_IMPORT_MESSAGES_MAX) {
        code = cf_scan_fail(&import->scan, CF_ERR_TOO_LARGE, err,
                            "a conversation of more than %d messages", CF_IMPORT_MESSAGES_MAX);
    }
    if (code == CF_OK) {
        struct cf_import_members members = {
            .import = import, .object = value, .arena = &arena, .err = err, .code = CF_OK};
        read_message(&members, &row);
        code = members.code;
    }
    if (code == CF_OK) {
        code = place_message(&index, import, &row, err);
    }
    if (code == CF_OK) {
        code = put_message(&is_new, import, &row, index, err);
        *n_new += is_new;
    }
    cf_arena_release(&arena);
    json_decref(value);
    return code;
}

/* ---- Conversations ---- */

static void read_draft(struct cf_import_members *members, struct cf_draft_row *draft)
{
    size_t size;
    const char *text = cf_import_get_bytes(members, "text", &size);
    if (text == NULL) {
        cf_import_wrong(members, "text", "must be a text");
    }
    *draft = (struct cf_draft_row){.text = text,
                                   .size = size,
                                   .cursor = cf_import_get_number(members, "cursor", INT64_MAX),
                                   .updated_ms = cf_import_get_time(members, "updated")};
}

/* Of a conversation, or of the one not begun. */
static enum cf_code put_draft(struct cf_import *import, const json_t *value, int64_t conversation,
                              struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_draft_row draft;
    struct cf_import_members members = {
        .import = import, .object = value, .arena = &arena, .err = err, .code = CF_OK};
    if (!json_is_object(value)) {
        cf_import_wrong(&members, "draft", "must be an object");
    } else {
        read_draft(&members, &draft);
    }
    if (members.code == CF_OK) {
        members.code = cf_store_import_draft(import->rows, conversation, &draft, err);
    }
    cf_arena_release(&arena);
    return members.code;
}

static void read_tags(struct cf_import_members *members, struct cf_conversation *conversation)
{
    const json_t *tags = cf_import_member(members, "tags");
    if (tags == NULL) {
        return;
    }
    if (!json_is_array(tags)) {
        cf_import_wrong(members, "tags", "must be an array");
        return;
    }
    const size_t n = json_array_size(tags);
    conversation->tags = cf_arena_alloc(members->arena, (n + 1) * sizeof *conversation->tags);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(tags, i));
        struct cf_buf clean = CF_BUF_INIT;
        if (name != NULL) {
            cf_text_make_valid(&clean, name, strlen(name));
        }
        if (clean.size == 0 || strspn(clean.data, " \t\r\n") == clean.size) {
            cf_import_wrong(members, "tags", "must hold names");
        }
        conversation->tags[conversation->n_tags++] = cf_arena_strdup(members->arena, clean.data);
        cf_buf_release(&clean);
    }
}

static void read_conversation(struct cf_import_members *members,
                              struct cf_conversation *conversation)
{
    cf_import_get_uuid(conversation->uuid, members, "uuid", true);
    conversation->created_ms = cf_import_get_time(members, "created");
    conversation->updated_ms = cf_import_get_time(members, "updated");
    conversation->trashed_ms = cf_import_get_time(members, "trashed");
    conversation->title = cf_import_get_text(members, "title");
    conversation->is_title_own = cf_import_get_flag(members, "title_is_own");
    conversation->is_pinned = cf_import_get_flag(members, "pinned");
    conversation->is_archived = cf_import_get_flag(members, "archived");
    conversation->is_unread = cf_import_get_flag(members, "unread");
    conversation->model = cf_import_get_text(members, "model");
    conversation->template_name = cf_import_get_text(members, "template");
    conversation->system = cf_import_get_text(members, "system");
    conversation->settings = cf_import_get_text(members, "settings");
    conversation->origin = cf_import_get_text(members, "origin");
    conversation->origin_id = cf_import_get_text(members, "origin_id");
    if ((conversation->origin == NULL) != (conversation->origin_id == NULL)) {
        cf_import_wrong(members, "origin", "and \"origin_id\" go together");
    }
    read_tags(members, conversation);
}

/* Everything before the messages; CF_ERR_EXISTS: *id is the conversation that is there. */
static enum cf_code put_conversation(int64_t *id, struct cf_import *import, const json_t *fields,
                                     struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_conversation conversation = {.id = 0};
    char fork[CF_UUID_SIZE];
    struct cf_import_members members = {
        .import = import, .object = fields, .arena = &arena, .err = err, .code = CF_OK};
    read_conversation(&members, &conversation);
    cf_import_get_uuid(fork, &members, "forked_from", false);
    enum cf_code code = members.code;
    *id = 0;
    if (code == CF_OK) {
        int64_t made = 0;
        code = cf_store_import_conversation(&made, import->rows, &conversation, err);
        *id = code == CF_OK || code == CF_ERR_EXISTS ? made : 0;
    }
    if (code == CF_OK && fork[0] != '\0') {
        code = cf_store_import_fork(import->rows, *id, fork, err);
    }
    const json_t *draft = cf_import_member(&members, "draft");
    if (code == CF_OK && draft != NULL) {
        code = put_draft(import, draft, *id, err);
    }
    cf_arena_release(&arena);
    return code;
}

/* The active message is there, and is deleted only when the whole conversation is. */
static enum cf_code put_leaf(struct cf_import *import, const json_t *fields, int64_t id,
                             int64_t n_new, struct cf_err *err)
{
    char leaf[CF_UUID_SIZE];
    struct cf_import_members members = {
        .import = import, .object = fields, .err = err, .code = CF_OK};
    cf_import_get_uuid(leaf, &members, "active", false);
    const bool is_gone = cf_import_get_time(&members, "trashed") != 0;
    if (members.code != CF_OK) {
        return members.code;
    }
    const uint32_t link = link_of(import, leaf);
    const struct cf_import_link *found = link > 0 ? &import->links[link - 1] : NULL;
    if (found != NULL &&
        ((found->id == 0 && !found->is_dropped) || (found->is_trashed && !is_gone))) {
        return cf_scan_fail(&import->scan, CF_ERR_FORMAT, err,
                            "the active message %s is none of the conversation, or in the trash",
                            leaf);
    }
    if (import->more.conversation != 0) {
        cf_import_grown(import, found, cf_import_get_time(&members, "updated"), n_new);
        return CF_OK;
    }
    import->report->n_messages += n_new;
    return cf_store_import_leaf(import->rows, id, id_of(import, link), false, err);
}

static enum cf_code take_messages(struct cf_import *import, const json_t *fields, int64_t id,
                                  struct cf_err *err)
{
    struct cf_scan *scan = &import->scan;
    int64_t n = 0;
    int64_t n_new = 0;
    bool has_one = true;
    import->n_links = 0;
    cf_import_names_clear(&import->names);
    enum cf_code code = cf_scan_enter(scan, '[', err);
    while (code == CF_OK && has_one) {
        code = cf_scan_next(&has_one, scan, err);
        if (code == CF_OK && has_one) {
            code = take_message(import, id, &n, &n_new, err);
        }
    }
    if (code == CF_OK) {
        code = put_links(import, err);
    }
    if (code == CF_OK) {
        code = put_leaf(import, fields, id, n_new, err);
    }
    return code;
}

static enum cf_code take_conversation(struct cf_import *import, struct cf_err *err)
{
    struct cf_scan *scan = &import->scan;
    struct cf_buf key = CF_BUF_INIT;
    json_t *fields = json_object();
    bool has_one = true;
    bool has_messages = false;
    enum cf_code code = cf_scan_enter(scan, '{', err);
    while (code == CF_OK && (code = cf_scan_next(&has_one, scan, err)) == CF_OK && has_one) {
        code = cf_scan_key(&key, scan, err);
        if (code == CF_OK && has_messages) {
            code = cf_scan_fail(scan, CF_ERR_FORMAT, err,
                                "\"messages\" must be the last of a conversation");
        } else if (code == CF_OK && strcmp(key.data, "messages") == 0) {
            int64_t id;
            has_messages = true;
            code = put_conversation(&id, import, fields, err);
            if (code == CF_ERR_EXISTS) {
                import->more = (struct cf_import_more){.conversation = id};
                code = CF_OK;
            } else if (code == CF_OK) {
                import->report->n_conversations++;
            }
            if (code == CF_OK) {
                code = take_messages(import, fields, id, err);
            }
        } else if (code == CF_OK) {
            json_t *value = NULL;
            code = cf_scan_take(&value, scan, err);
            if (code == CF_OK && json_object_get(fields, key.data) != NULL) {
                code =
                    cf_scan_fail(scan, CF_ERR_FORMAT, err, "\"%s\" stands there twice", key.data);
            }
            if (code == CF_OK) {
                (void)json_object_set_new(fields, key.data, value);
            } else {
                json_decref(value);
            }
        }
    }
    if (code == CF_OK && !has_messages) {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "a conversation without \"messages\"");
    }
    json_decref(fields);
    cf_buf_release(&key);
    return code;
}

/* ---- The document ---- */

static enum cf_code take_snapshot(struct cf_import *import, struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_snapshot_row row = {.id = 0};
    struct cf_digest real;
    json_t *value = NULL;
    enum cf_code code = cf_scan_take(&value, &import->scan, err);
    struct cf_import_members members = {
        .import = import, .object = value, .arena = &arena, .err = err, .code = code};
    row.text = cf_import_get_bytes(&members, "text", &row.size);
    row.created_ms = cf_import_get_time(&members, "created");
    if (!cf_import_get_digest(&members, "digest", &row.digest) || row.text == NULL) {
        cf_import_wrong(&members, "snapshots", "must be objects with \"digest\" and \"text\"");
    } else {
        cf_digest_of(&real, row.text, row.size);
        if (!cf_digest_equal(&real, &row.digest)) {
            cf_import_wrong(&members, "digest", "is not that of the text");
        }
    }
    code = members.code;
    if (code == CF_OK) {
        code = cf_store_import_snapshot(import->rows, &row, err);
    }
    cf_arena_release(&arena);
    json_decref(value);
    return code;
}

static enum cf_code take_array(struct cf_import *import,
                               enum cf_code (*take)(struct cf_import *import, struct cf_err *err),
                               struct cf_err *err)
{
    bool has_one = true;
    enum cf_code code = cf_scan_enter(&import->scan, '[', err);
    while (code == CF_OK && (code = cf_scan_next(&has_one, &import->scan, err)) == CF_OK &&
           has_one) {
        code = take(import, err);
    }
    return code;
}

static enum cf_code take_plain(struct cf_import *import, const char *key, struct cf_err *err)
{
    json_t *value = NULL;
    struct cf_scan *scan = &import->scan;
    enum cf_code code = cf_scan_take(&value, scan, err);
    if (code == CF_OK && strcmp(key, "format") == 0) {
        const char *name = json_string_value(value);
        if (name == NULL || strcmp(name, "confab") != 0) {
            code = cf_scan_fail(scan, CF_ERR_UNSUPPORTED, err, "a format that is not known here");
        }
    } else if (code == CF_OK && strcmp(key, "version") == 0) {
        if (!json_is_integer(value) || json_integer_value(value) < 1) {
            code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "\"version\" must be a whole number");
        } else if (json_integer_value(value) > CF_EXPORT_VERSION) {
            code =
                cf_scan_fail(scan, CF_ERR_NEWER, err, "written by a newer confab; update this one");
        }
    } else if (code == CF_OK && strcmp(key, "draft") == 0) {
        code = put_draft(import, value, 0, err);
    }
    json_decref(value);
    return code;
}

enum cf_code cf_import_own(struct cf_import *import, struct cf_err *err)
{
    struct cf_scan *scan = &import->scan;
    struct cf_buf key = CF_BUF_INIT;
    bool has_one = true;
    bool has_conversations = false;
    char next = '\0';
    import->report->format = "confab";
    enum cf_code code = cf_scan_enter(scan, '{', err);
    while (code == CF_OK && (code = cf_scan_next(&has_one, scan, err)) == CF_OK && has_one) {
        code = cf_scan_key(&key, scan, err);
        if (code == CF_OK && strcmp(key.data, "conversations") == 0) {
            has_conversations = true;
            code = take_array(import, take_conversation, err);
        } else if (code == CF_OK && strcmp(key.data, "snapshots") == 0) {
            code = take_array(import, take_snapshot, err);
        } else if (code == CF_OK) {
            code = take_plain(import, key.data, err);
        }
    }
    if (code == CF_OK && !has_conversations) {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "\"conversations\" is not there");
    }
    for (size_t i = 0; code == CF_OK && i < import->digests.n; i++) {
        struct cf_digest digest;
        memcpy(digest.bytes, import->digests.bytes + import->digests.begins[i], CF_DIGEST_SIZE);
        code = cf_store_import_without(import->rows, &digest, err);
    }
    if (code == CF_OK) {
        code = cf_scan_peek(&next, scan, err);
    }
    if (code == CF_OK && next != '\0') {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "something stands behind the end");
    }
    cf_buf_release(&key);
    return code;
}
