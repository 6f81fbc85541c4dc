/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The conversation's tree as rows of a graph, and two of its branches compared. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

/* --- the graph --- */

static void add_row(struct cf_chat_graph *graph, struct cf_chat_node *node, int32_t depth,
                    bool is_branch)
{
    graph->rows = cf_grow(graph->rows, graph->n, &graph->capacity, 1, sizeof graph->rows[0]);
    graph->rows[graph->n++] =
        (struct cf_chat_graph_node){.node = node, .depth = depth, .is_branch = is_branch};
}

/* The children of NODE that are not in the trash onto the stack, the first one on top; the last
 * one goes on straight below, the others a lane further to the right. */
static void push_children(struct cf_chat_graph *graph, const struct cf_chat_node *node,
                          int32_t depth)
{
    bool is_last = true;
    for (size_t i = node->n_children; i > 0; i--) {
        struct cf_chat_node *child = node->children[i - 1];
        if (child->is_trashed) {
            continue;
        }
        graph->stack = cf_grow(graph->stack, graph->n_stack, &graph->stack_capacity, 1,
                               sizeof graph->stack[0]);
        graph->stack[graph->n_stack++] = (struct cf_chat_graph_node){
            .node = child, .depth = is_last ? depth : depth + 1, .is_branch = !is_last};
        is_last = false;
    }
}

size_t cf_chat_graph_rows(struct cf_chat *chat)
{
    struct cf_chat_graph *graph = &chat->graph;
    graph->n = 0;
    graph->n_stack = 0;
    push_children(graph, chat->tree->root, 0);
    while (graph->n_stack > 0) {
        const struct cf_chat_graph_node top = graph->stack[--graph->n_stack];
        add_row(graph, top.node, top.depth, top.is_branch);
        push_children(graph, top.node, top.depth);
    }
    return graph->n;
}

void cf_chat_graph_at(struct cf_chat *chat, size_t i, struct cf_chat_graph_row *row)
{
    assert(i < chat->graph.n);
    const struct cf_chat_graph_node *at = &chat->graph.rows[i];
    struct cf_chat_node *node = at->node;
    cf_chat_node_open_recipe(node, cf_chat_tokenizer(chat));
    *row = (struct cf_chat_graph_row){
        .turn = &node->turn,
        .depth = at->depth,
        .is_branch = at->is_branch,
        .is_leaf = cf_chat_node_n_children(node, false) == 0,
    };
    for (size_t k = 0; k < chat->tree->n_path && !row->is_shown; k++) {
        row->is_shown = chat->tree->path[k] == node;
    }
    cf_chat_count_siblings(node);
}

int64_t cf_chat_graph_id(const struct cf_chat *chat, size_t i)
{
    assert(i < chat->graph.n);
    return chat->graph.rows[i].node->turn.id;
}

bool cf_chat_graph_find(const struct cf_chat *chat, int64_t id, size_t *row)
{
    for (size_t i = 0; i < chat->graph.n; i++) {
        if (chat->graph.rows[i].node->turn.id == id) {
            *row = i;
            return true;
        }
    }
    return false;
}

bool cf_chat_graph_sibling(const struct cf_chat *chat, size_t i, int step, size_t *row)
{
    assert(i < chat->graph.n);
    const struct cf_chat_node *sibling = cf_chat_node_sibling(chat->graph.rows[i].node, step);
    return sibling != NULL && cf_chat_graph_find(chat, sibling->turn.id, row);
}

/* --- two branches compared --- */

static void release_diff(struct cf_chat_diff_state *state)
{
    for (size_t i = 0; i < state->view.n; i++) {
        struct cf_chat_diff_turn *turn = &state->turns[i];
        cf_diff_release(&turn->diff);
    }
    free(state->turns);
    cf_arena_release(&state->arena);
    *state = (struct cf_chat_diff_state){.turns = NULL};
}

void cf_chat_release_graph(struct cf_chat *chat)
{
    release_diff(&chat->diff);
    free(chat->graph.rows);
    free(chat->graph.stack);
}

static size_t depth_of(const struct cf_chat_node *node)
{
    size_t depth = 0;
    for (; node->parent != NULL; node = node->parent) {
        depth++;
    }
    return depth;
}

/* The messages of the branch that ends at LEAF below the first N. */
static struct cf_chat_node **branch_below(struct cf_chat_node *leaf, size_t n, size_t *n_below)
{
    *n_below = depth_of(leaf) - n;
    struct cf_chat_node **nodes = cf_calloc(*n_below, sizeof *nodes);
    for (size_t i = *n_below; i > 0; i--) {
        nodes[i - 1] = leaf;
        leaf = leaf->parent;
    }
    return nodes;
}

/* How many messages both branches begin with. */
static size_t common_depth(const struct cf_chat_node *a, const struct cf_chat_node *b)
{
    size_t a_depth = depth_of(a);
    size_t b_depth = depth_of(b);
    for (; a_depth > b_depth; a_depth--) {
        a = a->parent;
    }
    for (; b_depth > a_depth; b_depth--) {
        b = b->parent;
    }
    for (; a != b; a_depth--) {
        a = a->parent;
        b = b->parent;
    }
    return a_depth;
}

static void add_pair(struct cf_chat_diff_state *state, const struct cf_chat_node *old,
                     const struct cf_chat_node *new)
{
    struct cf_chat_diff_turn *turn = &state->turns[state->view.n++];
    *turn = (struct cf_chat_diff_turn){.role = (old != NULL ? old : new)->turn.role,
                                       .old_id = old != NULL ? old->turn.id : 0,
                                       .new_id = new != NULL ? new->turn.id : 0,
                                       .old = "",
                                       .new = ""};
    size_t old_size = old != NULL ? old->turn.size : 0;
    size_t new_size = new != NULL ? new->turn.size : 0;
    if (old != NULL) {
        char *text = cf_arena_alloc(&state->arena, old_size + 1);
        memcpy(text, old->turn.text, old_size);
        turn->old = text;
    }
    if (new != NULL) {
        char *text = cf_arena_alloc(&state->arena, new_size + 1);
        memcpy(text, new->turn.text, new_size);
        turn->new = text;
    }
    cf_diff_words(&turn->diff, turn->old, old_size, turn->new, new_size);
}

enum cf_code cf_chat_diff(struct cf_chat *chat, int64_t old, int64_t new, struct cf_err *err)
{
    struct cf_chat_node *a = cf_chat_tree_find(chat->tree, old);
    struct cf_chat_node *b = cf_chat_tree_find(chat->tree, new);
    if (a == NULL || b == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no such message");
    }
    a = cf_chat_leaf_below(a);
    b = cf_chat_leaf_below(b);
    if (a == b) {
        return cf_err_set(err, CF_ERR_RANGE, "both are on the same branch: mark one on another");
    }
    struct cf_chat_diff_state *state = &chat->diff;
    release_diff(state);
    size_t n_common = common_depth(a, b);
    size_t n_old = 0;
    size_t n_new = 0;
    struct cf_chat_node **olds = branch_below(a, n_common, &n_old);
    struct cf_chat_node **news = branch_below(b, n_common, &n_new);
    state->turns = cf_calloc(n_old + n_new, sizeof state->turns[0]);
    /* Turn by turn; one that has no partner of its role stands alone. */
    for (size_t i = 0, k = 0; i < n_old || k < n_new;) {
        bool are_pair = i < n_old && k < n_new && olds[i]->turn.role == news[k]->turn.role;
        bool takes_old =
            are_pair || (i < n_old && (k == n_new || olds[i]->turn.role != CF_ROLE_USER));
        add_pair(state, takes_old ? olds[i] : NULL, are_pair || !takes_old ? news[k] : NULL);
        i += takes_old;
        k += are_pair || !takes_old;
    }
    free(olds);
    free(news);
    state->view.turns = state->turns;
    state->view.n_common = n_common;
    return CF_OK;
}

const struct cf_chat_diff *cf_chat_diffed(const struct cf_chat *chat)
{
    return &chat->diff.view;
}
