/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reply's own ids: those that a later prompt holds, and those that a prompt left open ends with.
 */
#include "prompt.h"

#include <string.h>

#include "recipe.h"

void cf_prompt_reply_ids(struct cf_ids *ids, const struct cf_tokenizer *tokenizer,
                         const struct cf_recipe *recipe, const char *text, size_t size)
{
    cf_ids_truncate(ids, 0);
    size_t end = 0;
    for (size_t i = 0; i < recipe->n_tokens; i++) {
        int32_t id = recipe->tokens[i].id;
        size_t piece_size = 0;
        const char *piece = cf_tokenizer_piece(tokenizer, id, &piece_size);
        end += piece_size;
        if (end > size || cf_tokenizer_is_special(tokenizer, id)) {
            break;
        }
        if (piece == NULL || memcmp(text + end - piece_size, piece, piece_size) != 0) {
            cf_ids_truncate(ids, 0);
            break;
        }
        cf_ids_add(ids, id);
    }
}

size_t cf_prompt_n_open(const struct cf_prompt *prompt, size_t turn, const int32_t *ids, size_t n)
{
    size_t n_open = 0;
    size_t at = prompt->ids.n;
    while (at > 0 && n_open < n && prompt->owners.data[at - 1] == (int32_t)turn &&
           prompt->ids.data[at - 1] == ids[n - 1 - n_open]) {
        at--;
        n_open++;
    }
    return n_open;
}
