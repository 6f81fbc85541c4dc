/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation of ChatGPT's own export (conversations.json, an array of them):
 *
 *   {"title":..., "create_time":SECONDS, "update_time":SECONDS, "mapping":{ID:NODE, ...},
 *    "current_node":ID, "conversation_id":ID, "is_archived":..., "is_starred":...}
 *   NODE {"id":ID, "message":MESSAGE or null, "parent":ID or null, "children":[ID, ...]}
 *   MESSAGE {"author":{"role":...}, "create_time":SECONDS, "content":{"content_type":...,
 *    "parts":[...]}, "recipient":"all", "metadata":{"model_slug":...,
 *    "is_visually_hidden_from_conversation":...}}
 *
 * All branches come along, and the current node's is the one that is shown.  What a person never
 * saw as a message is left out, and what hangs on it hangs on what that hung on: nodes without
 * message or text, hidden ones, the model's thoughts, what it sent to tools and what they answered.
 * The system's first visible text is the system prompt. */
#include "import_parts.h"

#include <stdlib.h>
#include <string.h>

/* A node of the mapping; places are index + 1, 0 is none. */
struct node {
    const char *id;
    const json_t *value;
    size_t parent, first_child, last_child, next_sibling;
    size_t kept; /* place in the tree of it or of the nearest above it that came along */
    bool is_hung, is_seen;
};

struct walk {
    struct cf_import *import;
    struct cf_import_tree *tree;
    struct node *nodes;
    size_t n;
    const char *why;
};

/* ---- Messages ---- */

static bool is_shown(const json_t *message)
{
    const json_t *metadata = json_object_get(message, "metadata");
    const char *recipient = json_string_value(json_object_get(message, "recipient"));
    return !json_is_true(json_object_get(metadata, "is_visually_hidden_from_conversation")) &&
           (recipient == NULL || strcmp(recipient, "all") == 0);
}

/* The text that a person saw; false: there is none. */
static bool read_text(struct cf_buf *text, const json_t *message)
{
    static const char *const unseen[] = {"thoughts", "reasoning_recap", "user_editable_context",
                                         "model_editable_context", "execution_output"};
    const json_t *content = json_object_get(message, "content");
    const char *type = json_string_value(json_object_get(content, "content_type"));
    for (size_t i = 0; type != NULL && i < CF_ARRAY_SIZE(unseen); i++) {
        if (strcmp(type, unseen[i]) == 0) {
            return false;
        }
    }
    const json_t *parts = json_object_get(content, "parts");
    if (parts == NULL) {
        parts = json_object_get(content, "text");
    }
    return cf_import_content(text, parts != NULL ? parts : content) && text->size > 0;
}

static void keep(struct walk *walk, struct node *node, const json_t *message, enum cf_role role,
                 const struct cf_buf *text)
{
    struct cf_import_tree *tree = walk->tree;
    int64_t created_ms;
    if (!cf_import_seconds(&created_ms, json_object_get(message, "create_time"))) {
        walk->why = "a message in it has a time that is none of the years 1970 to 9999";
        return;
    }
    char *copy = cf_arena_alloc(&tree->arena, text->size + 1);
    memcpy(copy, text->data, text->size);
    if (role == CF_ROLE_SYSTEM && node->kept == 0) {
        if (tree->conversation.system == NULL) {
            tree->conversation.system = copy;
        }
        return;
    }
    const json_t *metadata = json_object_get(message, "metadata");
    const struct cf_import_node made = {
        .parent = node->kept,
        .role = role,
        .text = copy,
        .size = text->size,
        .created_ms = created_ms,
        .model = role == CF_ROLE_ASSISTANT
                     ? json_string_value(json_object_get(metadata, "model_slug"))
                     : NULL,
        .origin_id = node->id};
    cf_import_tree_add(tree, &made);
    node->kept = tree->n;
}

/* The node's message into the tree, if it has one that belongs there. */
static void read_node(struct walk *walk, struct node *node)
{
    const json_t *message = json_object_get(node->value, "message");
    node->kept = node->parent > 0 ? walk->nodes[node->parent - 1].kept : 0;
    if (message == NULL || json_is_null(message)) {
        return;
    }
    enum cf_role role;
    const char *name =
        json_string_value(json_object_get(json_object_get(message, "author"), "role"));
    if (name == NULL) {
        walk->why = "a message in it says not who speaks";
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    if (cf_role_find(&role, name) && is_shown(message) && read_text(&text, message)) {
        keep(walk, node, message, role, &text);
    } else if (strcmp(name, "system") != 0) {
        walk->tree->n_left_out++;
    }
    cf_buf_release(&text);
}

/* ---- The mapping ---- */

/* The place of a node by its id; 0: there is none. */
static size_t place_of(struct walk *walk, const json_t *id)
{
    if (!json_is_string(id)) {
        return 0;
    }
    const uint32_t index =
        cf_import_names_add(&walk->import->names, json_string_value(id), json_string_length(id));
    return index < walk->n ? index + 1 : 0;
}

static void hang(struct walk *walk, size_t place)
{
    struct node *node = &walk->nodes[place - 1];
    if (node->is_hung || node->parent == 0) {
        return;
    }
    struct node *parent = &walk->nodes[node->parent - 1];
    node->is_hung = true;
    if (parent->last_child > 0) {
        walk->nodes[parent->last_child - 1].next_sibling = place;
    } else {
        parent->first_child = place;
    }
    parent->last_child = place;
}

static void read_mapping(struct walk *walk, json_t *mapping)
{
    const char *id;
    json_t *value;
    cf_import_names_clear(&walk->import->names);
    json_object_foreach(mapping, id, value)
    {
        (void)cf_import_names_add(&walk->import->names, id, strlen(id));
        struct node *node = &walk->nodes[walk->n++];
        *node = (struct node){.id = id, .value = value};
        if (!json_is_object(value)) {
            walk->why = "a node of its mapping is no object";
        }
    }
    for (size_t i = 0; i < walk->n && walk->why == NULL; i++) {
        const json_t *parent = json_object_get(walk->nodes[i].value, "parent");
        walk->nodes[i].parent = place_of(walk, parent);
        if (walk->nodes[i].parent == 0 && parent != NULL && !json_is_null(parent)) {
            walk->why = "a message in it hangs on one that is not there";
        }
    }
    /* Siblings in the order in which their parent names them, then those that it does not. */
    for (size_t i = 0; i < walk->n && walk->why == NULL; i++) {
        size_t k;
        const json_t *child;
        json_array_foreach(json_object_get(walk->nodes[i].value, "children"), k, child)
        {
            const size_t place = place_of(walk, child);
            if (place > 0 && walk->nodes[place - 1].parent == i + 1) {
                hang(walk, place);
            }
        }
    }
    for (size_t i = 0; i < walk->n && walk->why == NULL; i++) {
        hang(walk, i + 1);
    }
}

/* Depth first from a root. */
static size_t descend(struct walk *walk, size_t root)
{
    size_t n = 0;
    for (size_t at = root; at != 0 && walk->why == NULL;) {
        struct node *node = &walk->nodes[at - 1];
        if (!node->is_seen) {
            node->is_seen = true;
            n++;
            read_node(walk, node);
        }
        if (node->first_child > 0) {
            const size_t child = node->first_child;
            node->first_child = 0;
            at = child;
        } else if (at == root) {
            at = 0;
        } else {
            at = node->next_sibling > 0 ? node->next_sibling : 0;
            for (size_t up = node->parent; at == 0 && up != root && up != 0;) {
                at = walk->nodes[up - 1].next_sibling;
                up = walk->nodes[up - 1].parent;
            }
        }
    }
    return n;
}

static void read_tree(struct walk *walk)
{
    size_t n_seen = 0;
    for (size_t i = 0; i < walk->n && walk->why == NULL; i++) {
        if (walk->nodes[i].parent == 0) {
            n_seen += descend(walk, i + 1);
        }
    }
    if (walk->why == NULL && n_seen < walk->n) {
        walk->why = "messages in it hang on each other in a circle";
    }
}

/* ---- The conversation ---- */

static const char *read_head(struct cf_import_tree *tree, const json_t *value)
{
    struct cf_conversation *conversation = &tree->conversation;
    if (!cf_import_seconds(&conversation->created_ms, json_object_get(value, "create_time")) ||
        !cf_import_seconds(&conversation->updated_ms, json_object_get(value, "update_time"))) {
        return "it has a time that is none of the years 1970 to 9999";
    }
    const char *title = json_string_value(json_object_get(value, "title"));
    if (title != NULL && title[0] != '\0') {
        conversation->title = cf_arena_strdup(&tree->arena, title);
        conversation->is_title_own = true;
    }
    const char *model = json_string_value(json_object_get(value, "default_model_slug"));
    conversation->model = model != NULL ? cf_arena_strdup(&tree->arena, model) : NULL;
    conversation->is_archived = json_is_true(json_object_get(value, "is_archived"));
    conversation->is_pinned = json_is_true(json_object_get(value, "is_starred"));
    const char *id = json_string_value(json_object_get(value, "conversation_id"));
    if (id == NULL) {
        id = json_string_value(json_object_get(value, "id"));
    }
    if (id == NULL || id[0] == '\0') {
        return "it has no id";
    }
    conversation->origin = cf_arena_strdup(&tree->arena, "chatgpt");
    conversation->origin_id = cf_arena_strdup(&tree->arena, id);
    return NULL;
}

const char *cf_import_read_chatgpt(struct cf_import *import, struct cf_import_tree *tree,
                                   const json_t *value)
{
    json_t *mapping = json_object_get(value, "mapping");
    struct walk walk = {.import = import, .tree = tree};
    walk.why = read_head(tree, value);
    if (walk.why == NULL && json_object_size(mapping) > CF_IMPORT_MESSAGES_MAX) {
        walk.why = "it has too many messages";
    }
    if (walk.why == NULL) {
        walk.nodes = cf_calloc(json_object_size(mapping) + 1, sizeof *walk.nodes);
        read_mapping(&walk, mapping);
        read_tree(&walk);
    }
    const json_t *current = json_object_get(value, "current_node");
    const size_t place = walk.why == NULL ? place_of(&walk, current) : 0;
    tree->leaf = place > 0 ? walk.nodes[place - 1].kept : 0;
    free(walk.nodes);
    return walk.why;
}
