/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of messages and the path through it.
 *
 * Invariants:
 *  1. every node but the root has a parent, which has it among its children;
 *  2. the path is root's shown child, that one's shown child and so on, to a node without children
 *     outside the trash;
 *  3. turn.sibling and turn.n_siblings of a node on the path count those outside the trash. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

struct cf_chat_tree *cf_chat_tree_new(void)
{
    struct cf_chat_tree *tree = cf_calloc(1, sizeof *tree);
    tree->root = cf_calloc(1, sizeof *tree->root);
    tree->root->text = CF_BUF_INIT;
    tree->nodes = cf_grow(tree->nodes, 0, &tree->nodes_capacity, 1, sizeof tree->nodes[0]);
    tree->nodes[tree->n_nodes++] = tree->root;
    return tree;
}

void cf_chat_node_free(struct cf_chat_node *node)
{
    free(node->children);
    cf_buf_release(&node->text);
    cf_recipe_release(&node->recipe);
    cf_ids_release(&node->ids);
    free(node->marks);
    free(node->shades);
    free(node->ends);
    free(node->model_name);
    free(node->error);
    free(node);
}

void cf_chat_tree_free(struct cf_chat_tree *tree)
{
    for (size_t i = 0; i < tree->n_nodes; i++) {
        cf_chat_node_free(tree->nodes[i]);
    }
    free(tree->nodes);
    free(tree->path);
    cf_messages_release(&tree->messages);
    free(tree);
}

struct cf_chat_node *cf_chat_node_new(struct cf_chat *chat, enum cf_role role)
{
    struct cf_chat_node *node = cf_calloc(1, sizeof *node);
    node->text = CF_BUF_INIT;
    node->turn.role = role;
    node->turn.n_siblings = 1;
    node->turn.is_visible = true;
    node->turn.version = ++chat->next_version;
    node->turn.created_ms = cf_chat_utc_ms();
    cf_chat_node_update(node);
    return node;
}

static void add_child(struct cf_chat_tree *tree, struct cf_chat_node *parent,
                      struct cf_chat_node *node)
{
    node->parent = parent;
    parent->children = cf_grow(parent->children, parent->n_children, &parent->children_capacity, 1,
                               sizeof parent->children[0]);
    parent->children[parent->n_children++] = node;
    tree->nodes =
        cf_grow(tree->nodes, tree->n_nodes, &tree->nodes_capacity, 1, sizeof tree->nodes[0]);
    tree->nodes[tree->n_nodes++] = node;
}

void cf_chat_tree_add(struct cf_chat_tree *tree, struct cf_chat_node *parent,
                      struct cf_chat_node *node)
{
    add_child(tree, parent, node);
    parent->shown = node;
    cf_chat_tree_refresh(tree);
}

struct cf_chat_node *cf_chat_tree_find(const struct cf_chat_tree *tree, int64_t id)
{
    for (size_t i = 1; i < tree->n_nodes; i++) {
        const struct cf_chat_node *above = tree->nodes[i];
        if (above->turn.id == id) {
            while (above != NULL && !above->is_trashed) {
                above = above->parent;
            }
            return above == NULL ? tree->nodes[i] : NULL;
        }
    }
    return NULL;
}

size_t cf_chat_node_n_children(const struct cf_chat_node *node, bool with_trash)
{
    size_t n = with_trash ? (size_t)node->n_trash : 0;
    for (size_t i = 0; i < node->n_children; i++) {
        n += with_trash || !node->children[i]->is_trashed;
    }
    return n;
}

struct cf_chat_node *cf_chat_node_sibling(const struct cf_chat_node *node, int step)
{
    const struct cf_chat_node *parent = node->parent;
    size_t at = 0;
    while (parent->children[at] != node) {
        at++;
    }
    int direction = step < 0 ? -1 : 1;
    while (step != 0) {
        if ((direction < 0 && at == 0) || (direction > 0 && at + 1 == parent->n_children)) {
            return NULL;
        }
        at = direction < 0 ? at - 1 : at + 1;
        step -= parent->children[at]->is_trashed ? 0 : direction;
    }
    return parent->children[at];
}

struct cf_chat_node *cf_chat_node_next(const struct cf_chat_node *node)
{
    const struct cf_chat_node *parent = node->parent;
    size_t at = 0;
    while (parent->children[at] != node) {
        at++;
    }
    return at + 1 < parent->n_children ? parent->children[at + 1] : NULL;
}

/* The child that a path goes on with: the one seen last, else the newest; NULL: none. */
static struct cf_chat_node *child_shown(const struct cf_chat_node *node)
{
    if (node->shown != NULL && !node->shown->is_trashed) {
        return node->shown;
    }
    for (size_t i = node->n_children; i > 0; i--) {
        if (!node->children[i - 1]->is_trashed) {
            return node->children[i - 1];
        }
    }
    return NULL;
}

void cf_chat_count_siblings(struct cf_chat_node *node)
{
    node->turn.n_siblings = (int32_t)cf_chat_node_n_children(node->parent, false);
    node->turn.sibling = 0;
    for (size_t i = 0; node->parent->children[i] != node; i++) {
        node->turn.sibling += !node->parent->children[i]->is_trashed;
    }
}

void cf_chat_tree_refresh(struct cf_chat_tree *tree)
{
    tree->n_path = 0;
    struct cf_chat_node *node = child_shown(tree->root);
    for (; node != NULL; node = child_shown(node)) {
        tree->path =
            cf_grow(tree->path, tree->n_path, &tree->path_capacity, 1, sizeof tree->path[0]);
        tree->path[tree->n_path++] = node;
        cf_chat_count_siblings(node);
    }
}

struct cf_chat_node *cf_chat_leaf_below(struct cf_chat_node *node)
{
    for (struct cf_chat_node *next = node; next != NULL; next = child_shown(node)) {
        node = next;
    }
    return node;
}

void cf_chat_tree_show(struct cf_chat_tree *tree, struct cf_chat_node *node)
{
    for (; node->parent != NULL; node = node->parent) {
        node->parent->shown = node;
    }
    cf_chat_tree_refresh(tree);
}

struct cf_chat_node *cf_chat_tree_leaf(const struct cf_chat_tree *tree)
{
    return tree->n_path > 0 ? tree->path[tree->n_path - 1] : tree->root;
}

static enum cf_turn_state state_of(const struct cf_message *message)
{
    switch (message->state) {
    case CF_MESSAGE_STREAMING:
        return CF_TURN_ELSEWHERE;
    case CF_MESSAGE_CANCELLED:
        return CF_TURN_CANCELLED;
    case CF_MESSAGE_INTERRUPTED:
        return CF_TURN_INTERRUPTED;
    case CF_MESSAGE_FAILED:
        return CF_TURN_FAILED;
    case CF_MESSAGE_COMPLETE:
        break;
    }
    return CF_TURN_COMPLETE;
}

static struct cf_chat_node *node_of(struct cf_chat *chat, const struct cf_message *message)
{
    struct cf_chat_node *node = cf_chat_node_new(chat, message->role);
    cf_buf_add(&node->text, message->text, message->size);
    node->turn.id = message->id;
    node->turn.state = state_of(message);
    node->turn.reason = message->reason;
    node->turn.is_pinned = message->is_pinned;
    node->turn.is_saved = true;
    node->turn.created_ms = message->created_ms;
    node->is_begun = true;
    node->blob = message->recipe;
    node->blob_size = message->recipe_size;
    node->model_name = message->model != NULL ? cf_strdup(message->model) : NULL;
    node->error = message->error != NULL ? cf_strdup(message->error) : NULL;
    node->n_trash = message->n_trashed_children;
    node->n_prompt = message->n_prompt;
    node->n_cached = message->n_cached;
    node->seconds = (double)message->total_us * 1e-6;
    node->turn.seconds_to_first = (double)message->first_us * 1e-6;
    double decoding = (double)(message->total_us - message->first_us) * 1e-6;
    if (message->n_tokens > 1 && decoding > 0) {
        node->turn.tokens_per_second = (message->n_tokens - 1) / decoding;
    }
    return node;
}

struct id_place {
    int64_t id;
    struct cf_chat_node *node;
};

static int compare_ids(const void *a, const void *b)
{
    const struct id_place *left = a;
    const struct id_place *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static struct cf_chat_node *find_place(const struct id_place *places, size_t n, int64_t id)
{
    const struct id_place key = {.id = id};
    const struct id_place *found = bsearch(&key, places, n, sizeof places[0], compare_ids);
    return found != NULL ? found->node : NULL;
}

struct cf_chat_tree *cf_chat_tree_load(struct cf_chat *chat, struct cf_messages *messages,
                                       int64_t leaf)
{
    struct cf_chat_tree *tree = cf_chat_tree_new();
    size_t n = messages->n;
    struct id_place *places = cf_calloc(n, sizeof places[0]);
    for (size_t i = 0; i < n; i++) {
        places[i].id = messages->items[i].id;
        places[i].node = node_of(chat, &messages->items[i]);
    }
    qsort(places, n, sizeof places[0], compare_ids);
    for (size_t i = 0; i < n; i++) {
        /* A message whose parent is gone begins the conversation rather than vanish. */
        struct cf_chat_node *node = find_place(places, n, messages->items[i].id);
        struct cf_chat_node *parent = find_place(places, n, messages->items[i].parent);
        add_child(tree, parent != NULL && parent != node ? parent : tree->root, node);
    }
    struct cf_chat_node *shown = find_place(places, n, leaf);
    free(places);
    tree->messages = *messages;
    *messages = (struct cf_messages){0};
    for (size_t i = 1; i < tree->n_nodes; i++) {
        cf_chat_node_update(tree->nodes[i]);
    }
    if (shown != NULL) {
        cf_chat_tree_show(tree, shown);
    }
    cf_chat_tree_refresh(tree);
    return tree;
}

static bool can_continue(const struct cf_chat_node *node)
{
    if (node->turn.role != CF_ROLE_ASSISTANT || node->turn.state == CF_TURN_WAITING ||
        node->turn.state == CF_TURN_STREAMING || node->turn.state == CF_TURN_ELSEWHERE) {
        return false;
    }
    bool has_tokens = node->recipe.n_tokens > 0 || node->blob_size > 0;
    return has_tokens && node->turn.reason != CF_END_STOP;
}

void cf_chat_node_update(struct cf_chat_node *node)
{
    struct cf_chat_turn *turn = &node->turn;
    size_t hidden = 0;
    if (turn->role == CF_ROLE_ASSISTANT) {
        hidden = cf_prompt_n_leading_space(node->text.data, node->text.size);
    }
    turn->text = node->text.data + hidden;
    turn->size = node->text.size - hidden;
    turn->model_name = node->model_name;
    turn->error = node->error;
    turn->tokens = node->recipe.tokens;
    turn->n_tokens = node->recipe.n_tokens;
    turn->marks = node->marks;
    turn->n_marks = node->n_marks;
    if (node->recipe.n_jobs > 0) {
        turn->seed = node->recipe.jobs[node->recipe.n_jobs - 1].seed;
    }
    turn->can_continue = can_continue(node);
}

void cf_chat_node_set_ids(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer)
{
    cf_ids_truncate(&node->ids, 0);
    if (tokenizer != NULL) {
        cf_prompt_reply_ids(&node->ids, tokenizer, &node->recipe, node->text.data, node->text.size);
    }
}

void cf_chat_node_open_recipe(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer)
{
    if (node->blob == NULL) {
        return;
    }
    /* What cannot be read is as if nothing had been recorded: the text is there all the same. */
    struct cf_recipe recipe = {0};
    if (cf_recipe_decode(&recipe, node->blob, node->blob_size, NULL) == CF_OK) {
        cf_recipe_release(&node->recipe);
        node->recipe = recipe;
    } else {
        cf_recipe_release(&recipe);
    }
    node->blob = NULL;
    node->blob_size = 0;
    cf_chat_node_place(node, tokenizer);
}

static void put_tree(struct cf_chat *chat, struct cf_chat_tree *tree)
{
    assert(chat->due.kind == CF_DUE_NONE);
    chat->tree->next = chat->retired;
    chat->retired = chat->tree;
    chat->tree = tree;
    chat->n_trashed = 0;
    cf_chat_free_retired(chat);
}

void cf_chat_replace_tree(struct cf_chat *chat, struct cf_chat_tree *tree)
{
    cf_chat_look_end(chat);
    chat->compared[0] = chat->compared[1] = NULL;
    put_tree(chat, tree);
}

/* The message of NODE in TREE, if it still says the same. */
static struct cf_chat_node *find_same(const struct cf_chat_tree *tree,
                                      const struct cf_chat_node *node)
{
    struct cf_chat_node *found = cf_chat_tree_find(tree, node->turn.id);
    bool is_same = found != NULL && found->text.size == node->text.size &&
                   memcmp(found->text.data, node->text.data, node->text.size) == 0;
    return is_same ? found : NULL;
}

void cf_chat_renew_tree(struct cf_chat *chat, struct cf_chat_tree *tree)
{
    struct cf_chat_node *looked =
        chat->looking != NULL ? find_same(tree, chat->looking->node) : NULL;
    struct cf_chat_node *compared[2] = {NULL, NULL};
    for (int i = 0; i < 2 && chat->compared[0] != NULL; i++) {
        compared[i] = find_same(tree, chat->compared[i]);
    }
    bool is_whole = compared[0] != NULL && compared[1] != NULL;
    for (int i = 0; i < 2; i++) {
        chat->compared[i] = is_whole ? compared[i] : NULL;
        if (is_whole) {
            cf_chat_node_open_recipe(compared[i], cf_chat_tokenizer(chat));
        }
    }
    put_tree(chat, tree);
    if (chat->looking != NULL) {
        cf_chat_look_move(chat, looked);
    }
}

void cf_chat_free_retired(struct cf_chat *chat)
{
    if (chat->works != NULL || chat->n_unfinished > 0) {
        return;
    }
    if (chat->retired != NULL) {
        cf_chat_forget_nodes(chat);
    }
    while (chat->retired != NULL) {
        struct cf_chat_tree *next = chat->retired->next;
        cf_chat_tree_free(chat->retired);
        chat->retired = next;
    }
}
