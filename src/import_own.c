/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The json of export, as export.h describes it.  Nothing in it is trusted, and nothing of it is
 * left out: what does not fit ends the import. */
#include "import_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "export.h"
#include "recipe.h"
#include "text.h"

/* A reader of members: the first thing that is wrong stays. */
struct members {
    struct cf_import *import;
    const json_t *object;
    struct cf_arena *arena;
    struct cf_err *err;
    enum cf_code code;
};

static void wrong(struct members *members, const char *key, const char *what)
{
    if (members->code == CF_OK) {
        members->code = cf_scan_fail(&members->import->scan, CF_ERR_FORMAT, members->err,
                                     "\"%s\" %s", key, what);
    }
}

static const json_t *member(const struct members *members, const char *key)
{
    const json_t *value = json_object_get(members->object, key);
    return json_is_null(value) ? NULL : value;
}

/* A text of any bytes, perhaps beside itself as base64; NULL when it is not there. */
static const char *get_bytes(struct members *members, const char *key, size_t *size)
{
    char exact[32];
    (void)strncpy(exact, key, sizeof exact - 1);
    exact[sizeof exact - 1] = '\0';
    (void)strncat(exact, "_base64", sizeof exact - strlen(exact) - 1);
    const json_t *encoded = member(members, exact);
    const json_t *text = member(members, key);
    *size = 0;
    if (encoded != NULL) {
        struct cf_buf bytes = CF_BUF_INIT;
        char *copy = NULL;
        if (!json_is_string(encoded) ||
            !cf_base64_decode(&bytes, json_string_value(encoded), json_string_length(encoded))) {
            wrong(members, exact, "must be base64");
        } else {
            *size = bytes.size;
            copy = cf_arena_alloc(members->arena, bytes.size + 1);
            memcpy(copy, bytes.data, bytes.size);
        }
        cf_buf_release(&bytes);
        return copy;
    }
    if (text != NULL && !json_is_string(text)) {
        wrong(members, key, "must be a text");
        return NULL;
    }
    *size = text != NULL ? json_string_length(text) : 0;
    return text != NULL ? json_string_value(text) : NULL;
}

/* Not const, since rows are not; nothing is written to it. */
static char *get_text(struct members *members, const char *key)
{
    size_t size;
    const char *text = get_bytes(members, key, &size);
    if (text != NULL && memchr(text, '\0', size) != NULL) {
        wrong(members, key, "holds a NUL, which it must not");
        return NULL;
    }
    return (char *)(uintptr_t)text;
}

static int64_t get_number(struct members *members, const char *key, int64_t greatest)
{
    const json_t *value = member(members, key);
    if (value == NULL) {
        return 0;
    }
    const int64_t number = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
    if (number < 0 || number > greatest) {
        wrong(members, key,
              greatest == CF_IMPORT_TIME_MAX
                  ? "must be a moment of the years 1970 to 9999 in ms"
                  : "must be a whole number that is not negative and not too large");
        return 0;
    }
    return number;
}

static int64_t get_time(struct members *members, const char *key)
{
    return get_number(members, key, CF_IMPORT_TIME_MAX);
}

static bool get_flag(struct members *members, const char *key)
{
    const json_t *value = member(members, key);
    if (value != NULL && !json_is_boolean(value)) {
        wrong(members, key, "must be true or false");
    }
    return json_is_true(value);
}

/* Lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12. */
static bool is_uuid(const char *text, size_t size)
{
    bool is_one = size == CF_UUID_SIZE - 1;
    for (size_t i = 0; is_one && i < size; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        is_one = is_dash ? text[i] == '-' : text[i] != '\0' && strchr("0123456789abcdef", text[i]);
    }
    return is_one;
}

static void get_uuid(char uuid[CF_UUID_SIZE], struct members *members, const char *key,
                     bool is_needed)
{
    const json_t *value = member(members, key);
    uuid[0] = '\0';
    if (value == NULL ? is_needed
                      : !is_uuid(json_string_value(value) != NULL ? json_string_value(value) : "",
                                 json_string_length(value))) {
        wrong(members, key, "must be a uuid");
    } else if (value != NULL) {
        memcpy(uuid, json_string_value(value), CF_UUID_SIZE);
    }
}

static bool get_digest(struct members *members, const char *key, struct cf_digest *digest)
{
    const json_t *value = member(members, key);
    if (value == NULL) {
        return false;
    }
    if (!json_is_string(value) || !cf_digest_parse(digest, json_string_value(value))) {
        wrong(members, key, "must be a SHA-256 of 64 hexadecimal digits");
        return false;
    }
    return true;
}

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

static enum cf_code put_links(struct cf_import *import, struct cf_err *err)
{
    enum cf_code code = check_links(import, err);
    for (size_t i = 0; code == CF_OK && i < import->n_links; i++) {
        const struct cf_import_link *link = &import->links[i];
        if (link->id == 0) {
            continue;
        }
        const int64_t parent = link->is_late ? id_of(import, link->parent) : 0;
        const bool is_child =
            link->shown > 0 && import->links[link->shown - 1].parent == (uint32_t)i + 1;
        const int64_t shown = is_child ? id_of(import, link->shown) : 0;
        int64_t root = link->is_trashed ? id_of(import, link->trash_root) : 0;
        root = root != 0 || !link->is_trashed ? root : link->id;
        if (parent != 0 || shown != 0 || root != 0) {
            code = cf_store_import_link(import->rows, link->id, parent, shown, root, err);
        }
    }
    return code;
}

/* ---- Messages ---- */

static void read_words(struct members *members, struct cf_message *message)
{
    const char *role = json_string_value(member(members, "role"));
    const char *state = json_string_value(member(members, "state"));
    const json_t *reason = member(members, "reason");
    message->state = CF_MESSAGE_COMPLETE;
    if (role == NULL || !cf_role_find(&message->role, role)) {
        wrong(members, "role", "must be user, assistant or system");
    }
    if (state == NULL || !cf_message_state_find(&message->state, state) ||
        message->state == CF_MESSAGE_STREAMING) {
        message->state = CF_MESSAGE_COMPLETE;
        wrong(members, "state", "must be complete, cancelled, interrupted or failed");
    }
    if (reason != NULL && (!json_is_string(reason) ||
                           !cf_end_reason_find(&message->reason, json_string_value(reason)))) {
        wrong(members, "reason", "must be a reason why a reply ends");
    }
}

static void read_recipe(struct members *members, struct cf_message_row *row)
{
    const json_t *recipe = member(members, "recipe");
    if (recipe == NULL) {
        return;
    }
    if (!json_is_object(recipe)) {
        wrong(members, "recipe", "must be an object");
        return;
    }
    struct members inner = *members;
    inner.object = recipe;
    row->has_recipe = true;
    row->has_template = get_digest(&inner, "template", &row->template_digest);
    row->has_system = get_digest(&inner, "system", &row->system_digest);
    const json_t *body = member(&inner, "body");
    struct cf_buf blob = CF_BUF_INIT;
    struct cf_recipe decoded;
    struct cf_err why = CF_ERR_INIT;
    if (body != NULL && (!json_is_string(body) || !cf_base64_decode(&blob, json_string_value(body),
                                                                    json_string_length(body)))) {
        wrong(&inner, "body", "must be base64");
    } else if (body != NULL) {
        const enum cf_code code = cf_recipe_decode(&decoded, blob.data, blob.size, &why);
        if (code == CF_OK) {
            cf_recipe_release(&decoded);
        } else if (code != CF_ERR_NEWER) {
            wrong(&inner, "body", "is no recipe of a reply, or a damaged one");
        }
        void *copy = cf_arena_alloc(members->arena, blob.size);
        memcpy(copy, blob.data, blob.size);
        row->message.recipe = copy;
        row->message.recipe_size = blob.size;
    }
    cf_buf_release(&blob);
    members->code = inner.code;
}

static void read_message(struct members *members, struct cf_message_row *row)
{
    struct cf_message *message = &row->message;
    size_t size;
    get_uuid(message->uuid, members, "uuid", true);
    get_uuid(row->parent, members, "parent", false);
    get_uuid(row->shown, members, "shown", false);
    get_uuid(row->trash_root, members, "trash_root", false);
    read_words(members, message);
    message->created_ms = get_time(members, "created");
    message->updated_ms = get_time(members, "updated");
    message->trashed_ms = get_time(members, "trashed");
    message->is_pinned = get_flag(members, "pinned");
    message->n_tokens = (int32_t)get_number(members, "tokens", INT32_MAX);
    message->n_prompt = (int32_t)get_number(members, "prompt_tokens", INT32_MAX);
    message->n_cached = (int32_t)get_number(members, "cached_tokens", INT32_MAX);
    message->first_us = get_number(members, "first_us", INT64_MAX);
    message->total_us = get_number(members, "total_us", INT64_MAX);
    message->model = get_text(members, "model");
    message->error = get_text(members, "error");
    message->origin_id = get_text(members, "origin_id");
    const char *text = get_bytes(members, "text", &size);
    if (text == NULL) {
        wrong(members, "text", "must be a text");
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
    if (link->id != 0) {
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

static enum cf_code take_message(struct cf_import *import, int64_t conversation, int64_t *n,
                                 struct cf_err *err)
{
    json_t *value = NULL;
    struct cf_arena arena = {.blocks = NULL};
    struct cf_message_row row = {.message = {.conversation = conversation}};
    uint32_t index = 0;
    enum cf_code code = cf_scan_take(&value, &import->scan, err);
    if (code == CF_OK && !json_is_object(value)) {
        code = cf_scan_fail(&import->scan, CF_ERR_FORMAT, err, "a message must be an object");
    }
    if (code == CF_OK && ++*n > CF_IMPORT_MESSAGES_MAX) {
        code = cf_scan_fail(&import->scan, CF_ERR_TOO_LARGE, err,
                            "a conversation of more than %d messages", CF_IMPORT_MESSAGES_MAX);
    }
    if (code == CF_OK) {
        struct members members = {
            .import = import, .object = value, .arena = &arena, .err = err, .code = CF_OK};
        read_message(&members, &row);
        code = members.code;
    }
    if (code == CF_OK) {
        code = place_message(&index, import, &row, err);
    }
    if (code == CF_OK) {
        code = cf_store_import_message(&import->links[index].id, import->rows, &row, err);
    }
    cf_arena_release(&arena);
    json_decref(value);
    return code;
}

/* ---- Conversations ---- */

static void read_draft(struct members *members, struct cf_draft_row *draft)
{
    size_t size;
    const char *text = get_bytes(members, "text", &size);
    if (text == NULL) {
        wrong(members, "text", "must be a text");
    }
    *draft = (struct cf_draft_row){.text = text,
                                   .size = size,
                                   .cursor = get_number(members, "cursor", INT64_MAX),
                                   .updated_ms = get_time(members, "updated")};
}

/* Of a conversation, or of the one not begun. */
static enum cf_code put_draft(struct cf_import *import, const json_t *value, int64_t conversation,
                              struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_draft_row draft;
    struct members members = {
        .import = import, .object = value, .arena = &arena, .err = err, .code = CF_OK};
    if (!json_is_object(value)) {
        wrong(&members, "draft", "must be an object");
    } else {
        read_draft(&members, &draft);
    }
    if (members.code == CF_OK) {
        members.code = cf_store_import_draft(import->rows, conversation, &draft, err);
    }
    cf_arena_release(&arena);
    return members.code;
}

static void read_tags(struct members *members, struct cf_conversation *conversation)
{
    const json_t *tags = member(members, "tags");
    if (tags == NULL) {
        return;
    }
    if (!json_is_array(tags)) {
        wrong(members, "tags", "must be an array");
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
            wrong(members, "tags", "must hold names");
        }
        conversation->tags[conversation->n_tags++] = cf_arena_strdup(members->arena, clean.data);
        cf_buf_release(&clean);
    }
}

static void read_conversation(struct members *members, struct cf_conversation *conversation)
{
    get_uuid(conversation->uuid, members, "uuid", true);
    conversation->created_ms = get_time(members, "created");
    conversation->updated_ms = get_time(members, "updated");
    conversation->trashed_ms = get_time(members, "trashed");
    conversation->title = get_text(members, "title");
    conversation->is_title_own = get_flag(members, "title_is_own");
    conversation->is_pinned = get_flag(members, "pinned");
    conversation->is_archived = get_flag(members, "archived");
    conversation->is_unread = get_flag(members, "unread");
    conversation->model = get_text(members, "model");
    conversation->template_name = get_text(members, "template");
    conversation->system = get_text(members, "system");
    conversation->settings = get_text(members, "settings");
    conversation->origin = get_text(members, "origin");
    conversation->origin_id = get_text(members, "origin_id");
    if ((conversation->origin == NULL) != (conversation->origin_id == NULL)) {
        wrong(members, "origin", "and \"origin_id\" go together");
    }
    read_tags(members, conversation);
}

/* Everything before the messages; *id 0: it is there already. */
static enum cf_code put_conversation(int64_t *id, struct cf_import *import, const json_t *fields,
                                     struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_conversation conversation = {.id = 0};
    char fork[CF_UUID_SIZE];
    struct members members = {
        .import = import, .object = fields, .arena = &arena, .err = err, .code = CF_OK};
    read_conversation(&members, &conversation);
    get_uuid(fork, &members, "forked_from", false);
    enum cf_code code = members.code;
    *id = 0;
    if (code == CF_OK) {
        int64_t made = 0;
        code = cf_store_import_conversation(&made, import->rows, &conversation, err);
        *id = code == CF_OK ? made : 0;
    }
    if (code == CF_OK && fork[0] != '\0') {
        code = cf_store_import_fork(import->rows, *id, fork, err);
    }
    const json_t *draft = member(&members, "draft");
    if (code == CF_OK && draft != NULL) {
        code = put_draft(import, draft, *id, err);
    }
    cf_arena_release(&arena);
    return code;
}

static enum cf_code take_messages(struct cf_import *import, const json_t *fields, int64_t id,
                                  struct cf_err *err)
{
    struct cf_scan *scan = &import->scan;
    int64_t n = 0;
    bool has_one = true;
    import->n_links = 0;
    cf_import_names_clear(&import->names);
    enum cf_code code = cf_scan_enter(scan, '[', err);
    while (code == CF_OK && has_one) {
        code = cf_scan_next(&has_one, scan, err);
        if (code == CF_OK && has_one) {
            code = take_message(import, id, &n, err);
        }
    }
    if (code == CF_OK) {
        code = put_links(import, err);
    }
    char leaf[CF_UUID_SIZE];
    struct members members = {.import = import, .object = fields, .err = err, .code = code};
    get_uuid(leaf, &members, "active", false);
    code = members.code;
    const int64_t leaf_id = id_of(import, link_of(import, leaf));
    if (code == CF_OK && leaf[0] != '\0' && leaf_id == 0) {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err,
                            "the active message %s is none of the conversation", leaf);
    }
    if (code == CF_OK) {
        code = cf_store_import_leaf(import->rows, id, leaf_id, false, err);
        import->report->n_messages += n;
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
                import->report->n_known++;
                code = cf_scan_pass(scan, err);
            } else if (code == CF_OK) {
                import->report->n_conversations++;
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
    struct members members = {
        .import = import, .object = value, .arena = &arena, .err = err, .code = code};
    row.text = get_bytes(&members, "text", &row.size);
    row.created_ms = get_time(&members, "created");
    if (!get_digest(&members, "digest", &row.digest) || row.text == NULL) {
        wrong(&members, "snapshots", "must be objects with \"digest\" and \"text\"");
    } else {
        cf_digest_of(&real, row.text, row.size);
        if (!cf_digest_equal(&real, &row.digest)) {
            wrong(&members, "digest", "is not that of the text");
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
    if (code == CF_OK) {
        code = cf_scan_peek(&next, scan, err);
    }
    if (code == CF_OK && next != '\0') {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "something stands behind the end");
    }
    cf_buf_release(&key);
    return code;
}
