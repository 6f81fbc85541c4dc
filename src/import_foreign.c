/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations as OpenAI's fine-tuning files and ShareGPT write them: one message after the other.
 *
 * OpenAI    {"messages":[{"role":"user","content":"..."}, ...]}
 * ShareGPT  {"conversations":[{"from":"human","value":"..."}, ...], "id":..., "title":...}; what
 *           others made of it: "conversation", "items", "dialogue" or "messages", with "role",
 *           "speaker" or "author", and "content", "text" or "message".
 *
 * A leading message of the system is the system prompt.  What tools said, and calls of them, have
 * no place here and are left out.  Neither format has ids that mean anything outside one file, so
 * what a conversation says is what it is known by: its origin id is the SHA-256 of its texts and
 * roles. */
#include "import_parts.h"

#include <math.h>
#include <string.h>

/* ---- Parts that all have ---- */

bool cf_import_seconds(int64_t *ms, const json_t *value)
{
    *ms = 0;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    const double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0) ||
        seconds > (double)(CF_IMPORT_TIME_MAX / 1000)) {
        return false;
    }
    *ms = (int64_t)llround(seconds * 1000);
    return true;
}

static void add_part(struct cf_buf *text, const char *bytes, size_t size)
{
    if (text->size > 0 && size > 0) {
        cf_buf_add_str(text, "\n\n");
    }
    cf_buf_add(text, bytes, size);
}

/* A part that is an object: its text, or what it is. */
static void add_object(struct cf_buf *text, const json_t *part)
{
    const json_t *inner = json_object_get(part, "text");
    const char *type = json_string_value(json_object_get(part, "type"));
    if (type == NULL) {
        type = json_string_value(json_object_get(part, "content_type"));
    }
    if (json_is_string(inner)) {
        add_part(text, json_string_value(inner), json_string_length(inner));
    } else {
        struct cf_buf name = CF_BUF_INIT;
        cf_buf_addf(&name, "[%s]", type != NULL ? type : "something that is no text");
        add_part(text, name.data, name.size);
        cf_buf_release(&name);
    }
}

bool cf_import_content(struct cf_buf *text, const json_t *content)
{
    if (json_is_string(content)) {
        cf_buf_add(text, json_string_value(content), json_string_length(content));
        return true;
    }
    size_t i;
    const json_t *part;
    json_array_foreach(content, i, part)
    {
        if (json_is_string(part)) {
            add_part(text, json_string_value(part), json_string_length(part));
        } else if (json_is_object(part)) {
            add_object(text, part);
        }
    }
    return json_is_array(content);
}

/* ---- Who speaks ---- */

enum speaker { SPEAKER_SYSTEM, SPEAKER_USER, SPEAKER_ASSISTANT, SPEAKER_TOOL, SPEAKER_UNKNOWN };

static enum speaker speaker_of(const char *name)
{
    static const struct {
        const char *name;
        enum speaker speaker;
    } names[] = {
        {"user", SPEAKER_USER},          {"human", SPEAKER_USER},
        {"prompter", SPEAKER_USER},      {"assistant", SPEAKER_ASSISTANT},
        {"gpt", SPEAKER_ASSISTANT},      {"chatgpt", SPEAKER_ASSISTANT},
        {"bot", SPEAKER_ASSISTANT},      {"model", SPEAKER_ASSISTANT},
        {"ai", SPEAKER_ASSISTANT},       {"bard", SPEAKER_ASSISTANT},
        {"system", SPEAKER_SYSTEM},      {"developer", SPEAKER_SYSTEM},
        {"tool", SPEAKER_TOOL},          {"function", SPEAKER_TOOL},
        {"function_call", SPEAKER_TOOL}, {"function_response", SPEAKER_TOOL},
        {"observation", SPEAKER_TOOL},
    };
    for (size_t i = 0; name != NULL && i < CF_ARRAY_SIZE(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].speaker;
        }
    }
    return SPEAKER_UNKNOWN;
}

/* The value of the first of these keys (NULL behind the last) that is there. */
static const json_t *first_of(const json_t *object, const char *const *keys)
{
    const json_t *value = NULL;
    for (; value == NULL && *keys != NULL; keys++) {
        value = json_object_get(object, *keys);
    }
    return value;
}

/* ---- A list of messages ---- */

static char *copy_text(struct cf_import_tree *tree, const struct cf_buf *text)
{
    char *copy = cf_arena_alloc(&tree->arena, text->size + 1);
    memcpy(copy, text->data, text->size);
    return copy;
}

static void set_system(struct cf_import_tree *tree, const struct cf_buf *text)
{
    /* The rest would be cut off at a NUL in any case. */
    tree->conversation.system = copy_text(tree, text);
}

static const char *read_message(struct cf_import_tree *tree, const json_t *message)
{
    static const char *const role_keys[] = {"role", "from", "speaker", "author", NULL};
    static const char *const text_keys[] = {"content", "value", "text", "message", NULL};
    if (!json_is_object(message)) {
        return "a message in it is no object";
    }
    const enum speaker speaker = speaker_of(json_string_value(first_of(message, role_keys)));
    if (speaker == SPEAKER_UNKNOWN) {
        return "a message in it says not who speaks";
    }
    if (speaker == SPEAKER_TOOL) {
        tree->n_left_out++;
        return NULL;
    }
    struct cf_buf text = CF_BUF_INIT;
    const json_t *content = first_of(message, text_keys);
    const bool is_call = content == NULL || json_is_null(content);
    const char *why = NULL;
    if (!is_call && !cf_import_content(&text, content)) {
        why = "a message in it has no text";
    } else if (is_call && json_object_get(message, "tool_calls") == NULL &&
               json_object_get(message, "function_call") == NULL) {
        why = "a message in it has no text";
    } else if (text.size == 0) {
        tree->n_left_out++;
    } else if (speaker == SPEAKER_SYSTEM && tree->n == 0 && tree->conversation.system == NULL) {
        set_system(tree, &text);
    } else {
        const struct cf_import_node node = {.parent = tree->n,
                                            .role = speaker == SPEAKER_USER     ? CF_ROLE_USER
                                                    : speaker == SPEAKER_SYSTEM ? CF_ROLE_SYSTEM
                                                                                : CF_ROLE_ASSISTANT,
                                            .text = copy_text(tree, &text),
                                            .size = text.size};
        cf_import_tree_add(tree, &node);
    }
    cf_buf_release(&text);
    return why;
}

static const char *read_list(struct cf_import_tree *tree, const json_t *list)
{
    size_t i;
    const json_t *message;
    const char *why = NULL;
    json_array_foreach(list, i, message)
    {
        why = read_message(tree, message);
        if (why != NULL) {
            break;
        }
    }
    return why != NULL ? why : tree->n > CF_IMPORT_MESSAGES_MAX ? "it has too many messages" : NULL;
}

static void name_by_content(struct cf_import_tree *tree, const char *origin)
{
    struct cf_sha256 sum;
    struct cf_digest digest;
    char text[CF_DIGEST_TEXT_SIZE];
    const char *system = tree->conversation.system != NULL ? tree->conversation.system : "";
    cf_sha256_begin(&sum);
    cf_sha256_add(&sum, system, strlen(system) + 1);
    for (size_t i = 0; i < tree->n; i++) {
        const struct cf_import_node *node = &tree->nodes[i];
        const char *role = cf_role_name(node->role);
        const uint64_t size = node->size;
        unsigned char size_bytes[8];
        for (size_t k = 0; k < sizeof size_bytes; k++) {
            size_bytes[k] = (unsigned char)(size >> 8 * k);
        }
        cf_sha256_add(&sum, role, strlen(role) + 1);
        cf_sha256_add(&sum, size_bytes, sizeof size_bytes);
        cf_sha256_add(&sum, node->text, node->size);
    }
    cf_sha256_end(&sum, &digest);
    cf_digest_format(text, &digest);
    tree->conversation.origin = cf_arena_strdup(&tree->arena, origin);
    tree->conversation.origin_id = cf_arena_strdup(&tree->arena, text);
}

/* ---- Which it is ---- */

static void take_texts(struct cf_import_tree *tree, const json_t *value)
{
    const char *title = json_string_value(json_object_get(value, "title"));
    const char *system = json_string_value(json_object_get(value, "system"));
    const char *model = json_string_value(json_object_get(value, "model"));
    if (title != NULL && title[0] != '\0') {
        tree->conversation.title = cf_arena_strdup(&tree->arena, title);
        tree->conversation.is_title_own = true;
    }
    if (system != NULL && system[0] != '\0') {
        tree->conversation.system = cf_arena_strdup(&tree->arena, system);
    }
    if (model != NULL && model[0] != '\0') {
        tree->conversation.model = cf_arena_strdup(&tree->arena, model);
    }
}

const char *cf_import_read_foreign(struct cf_import *import, struct cf_import_tree *tree,
                                   const json_t *value)
{
    static const char *const list_keys[] = {"conversations", "conversation", "items",
                                            "dialogue",      "dialog",       NULL};
    const char *format = json_string_value(json_object_get(value, "format"));
    if (format != NULL && strcmp(format, "confab") == 0) {
        return "the json of export, but another program has put its members into another order: "
               "\"format\" must come first, and \"messages\" last";
    }
    if (json_is_object(json_object_get(value, "mapping"))) {
        import->report->format = "chatgpt";
        return cf_import_read_chatgpt(import, tree, value);
    }
    const json_t *list = json_object_get(value, "messages");
    const bool is_openai = json_is_array(list);
    if (!is_openai) {
        list = first_of(value, list_keys);
    }
    if (!json_is_array(list)) {
        return "no conversation of a kind that is known here: neither of export, OpenAI, ShareGPT "
               "nor ChatGPT";
    }
    import->report->format = is_openai ? "openai" : "sharegpt";
    take_texts(tree, value);
    const char *why = read_list(tree, list);
    if (why == NULL) {
        name_by_content(tree, import->report->format);
    }
    return why;
}
