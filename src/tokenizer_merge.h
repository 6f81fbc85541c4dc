/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer_merge: the table of merges, looked up for every pair of neighbours.  Private to the
 * tokenizer. */
#ifndef CF_TOKENIZER_MERGE_H
#define CF_TOKENIZER_MERGE_H

#include "tokenizer_parts.h"

static inline uint64_t cf_merge_pair(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static inline size_t cf_merge_hash(uint64_t pair)
{
    pair *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(pair ^ pair >> 29);
}

/* What becomes of a pair, or NULL. */
static inline const struct cf_merge_slot *cf_merge_find(const struct cf_tokenizer *tokenizer,
                                                        int32_t left, int32_t right)
{
    uint64_t pair = cf_merge_pair(left, right);
    size_t at = cf_merge_hash(pair) & tokenizer->slot_mask;
    for (;;) {
        const struct cf_merge_slot *slot = &tokenizer->slots[at];
        if (slot->pair == pair) {
            return slot;
        }
        if (slot->pair == CF_NO_PAIR) {
            return NULL;
        }
        at = (at + 1) & tokenizer->slot_mask;
    }
}

#endif
