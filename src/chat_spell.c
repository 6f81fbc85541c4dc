/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokens of a reply and its text: where each of them stands in it, and which model's they are.
 */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "mem.h"

void cf_chat_node_spell(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer)
{
    const struct cf_recipe *recipe = &node->recipe;
    if (tokenizer == NULL || node->is_foreign) {
        return;
    }
    if (node->n_ends > recipe->n_tokens) {
        node->n_ends = 0; /* it was begun anew */
    }
    size_t at = node->n_ends > 0 ? node->ends[node->n_ends - 1] : 0;
    node->ends = cf_grow(node->ends, node->n_ends, &node->ends_capacity,
                         recipe->n_tokens - node->n_ends, sizeof node->ends[0]);
    while (node->n_ends < recipe->n_tokens) {
        int32_t id = recipe->tokens[node->n_ends].id;
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(tokenizer, id, &size);
        size = cf_tokenizer_spelled_size(tokenizer, id);
        /* The last ones may spell more than was let out. */
        size_t left = at < node->text.size ? node->text.size - at : 0;
        if (piece == NULL ||
            (left > 0 && memcmp(piece, node->text.data + at, size < left ? size : left) != 0)) {
            node->is_foreign = true;
            node->n_ends = 0;
            return;
        }
        at += size;
        node->ends[node->n_ends++] = at;
    }
}

size_t cf_chat_node_end(const struct cf_chat_node *node, size_t n)
{
    size_t hidden = (size_t)(node->turn.text - node->text.data);
    size_t end =
        n > 0 && node->n_ends > 0 ? node->ends[(n < node->n_ends ? n : node->n_ends) - 1] : 0;
    end = end > hidden ? end - hidden : 0;
    return end < node->turn.size ? end : node->turn.size;
}

/* Where each change of settings stands in the text; where that is not known, only what the reply
 * began with. */
static void set_marks(struct cf_chat_node *node)
{
    const struct cf_recipe *recipe = &node->recipe;
    free(node->marks);
    node->marks = cf_calloc(recipe->n_knobs, sizeof node->marks[0]);
    node->n_marks = 0;
    for (size_t i = 0; i < recipe->n_knobs; i++) {
        const struct cf_recipe_knobs *knobs = &recipe->knobs[i];
        if (knobs->begin == 0 || node->n_ends > 0) {
            node->marks[node->n_marks++] =
                (struct cf_turn_mark){.begin = knobs->begin,
                                      .offset = cf_chat_node_end(node, (size_t)knobs->begin),
                                      .sampling = knobs->sampling};
        }
    }
}

void cf_chat_node_place(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer)
{
    node->is_foreign = false;
    node->n_ends = 0;
    node->n_shades = 0;
    cf_chat_node_spell(node, tokenizer);
    set_marks(node);
    cf_chat_node_set_ids(node, tokenizer);
    cf_chat_node_update(node);
}

enum cf_code cf_chat_check_same_model(const struct cf_chat *chat, const struct cf_recipe_head *head,
                                      const char *name, struct cf_err *err)
{
    static const struct cf_digest unknown;
    const struct cf_digest *wrote = &head->model_digest;
    bool is_recorded = !cf_digest_equal(wrote, &unknown);
    bool is_same = name == NULL || strcmp(name, chat->model_name) == 0;
    if (chat->digest.is_known && is_recorded && !cf_digest_equal(&chat->digest.digest, &unknown)) {
        is_same = cf_digest_equal(wrote, &chat->digest.digest);
    }
    if (is_same && chat->is_loaded) {
        return CF_OK;
    }
    char hex[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(hex, wrote);
    return cf_err_set(err, CF_ERR_MISMATCH, "%s: %s%s%s (/model opens it)",
                      chat->is_loaded ? "another model wrote this reply"
                                      : "the model that wrote this reply is not open",
                      name != NULL ? name : "unnamed", is_recorded ? ", SHA-256 " : "",
                      is_recorded ? hex : "");
}
