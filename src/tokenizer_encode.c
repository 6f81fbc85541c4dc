/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text to ids.  In each piece of the split pattern, the pair with the lowest rank, of equal ones
 * the leftmost, is merged until none is left: as tiktoken and the tokenizers library do it. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer_merge.h"
#include "tokenizer_parts.h"
#include "tokenizer_split.h"

enum {
    N_SHORT = 48,          /* bytes up to which a plain search for the best pair is fastest */
    N_PIECE_MAX = 1 << 30, /* longer pieces are cut; places in a piece are 32-bit */
};
#define NO_RANK INT32_MAX

/* The best pair is looked for anew after each merge: no allocation, all in the first-level cache.
 */
static void encode_short(const struct cf_tokenizer *tokenizer, const unsigned char *piece, size_t n,
                         struct cf_ids *ids)
{
    int32_t id[N_SHORT];
    int32_t rank[N_SHORT]; /* of merging i with i + 1 */
    int32_t into[N_SHORT]; /* what that makes */
    for (size_t i = 0; i < n; i++) {
        id[i] = tokenizer->byte_ids[piece[i]];
    }
    for (size_t i = 0; i + 1 < n; i++) {
        const struct cf_merge_slot *slot = cf_merge_find(tokenizer, id[i], id[i + 1]);
        rank[i] = slot != NULL ? slot->rank : NO_RANK;
        into[i] = slot != NULL ? slot->id : -1;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++) {
            if (rank[i] < rank[best]) {
                best = i;
            }
        }
        if (rank[best] == NO_RANK) {
            break;
        }
        id[best] = into[best];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            id[i] = id[i + 1];
            rank[i - 1] = rank[i];
            into[i - 1] = into[i];
        }
        for (size_t i = best > 0 ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const struct cf_merge_slot *slot = cf_merge_find(tokenizer, id[i], id[i + 1]);
            rank[i] = slot != NULL ? slot->rank : NO_RANK;
            into[i] = slot != NULL ? slot->id : -1;
        }
    }
    cf_ids_add_all(ids, id, n);
}

struct node {
    int32_t id; /* -1: merged into its left neighbour */
    int32_t prev, next;
};

struct candidate {
    int32_t rank;
    int32_t at; /* the left node */
};

/* A long piece: nodes in a list, candidate pairs in a binary heap. */
struct long_piece {
    const struct cf_tokenizer *tokenizer;
    struct node *nodes;
    struct candidate *heap;
    size_t n_heap;
};

static bool is_before(struct candidate a, struct candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void sift_up(struct long_piece *piece, size_t at)
{
    struct candidate candidate = piece->heap[at];
    while (at > 0 && is_before(candidate, piece->heap[(at - 1) / 2])) {
        piece->heap[at] = piece->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    piece->heap[at] = candidate;
}

static void sift_down(struct long_piece *piece, size_t at)
{
    struct candidate candidate = piece->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < piece->n_heap && is_before(piece->heap[child + 1], piece->heap[child])) {
            child++;
        }
        if (child >= piece->n_heap || !is_before(piece->heap[child], candidate)) {
            break;
        }
        piece->heap[at] = piece->heap[child];
        at = child;
    }
    piece->heap[at] = candidate;
}

static const struct cf_merge_slot *pair_at(const struct long_piece *piece, int32_t at)
{
    const struct node *node = &piece->nodes[at];
    return node->id < 0 || node->next < 0
               ? NULL
               : cf_merge_find(piece->tokenizer, node->id, piece->nodes[node->next].id);
}

static void push(struct long_piece *piece, int32_t at)
{
    const struct cf_merge_slot *slot = at >= 0 ? pair_at(piece, at) : NULL;
    if (slot != NULL) {
        piece->heap[piece->n_heap] = (struct candidate){.rank = slot->rank, .at = at};
        piece->n_heap++;
        sift_up(piece, piece->n_heap - 1);
    }
}

static struct candidate pop(struct long_piece *piece)
{
    struct candidate first = piece->heap[0];
    piece->n_heap--;
    if (piece->n_heap > 0) {
        piece->heap[0] = piece->heap[piece->n_heap];
        sift_down(piece, 0);
    }
    return first;
}

static void encode_long(const struct cf_tokenizer *tokenizer, const unsigned char *bytes, size_t n,
                        struct cf_ids *ids)
{
    /* A merge takes one candidate out and puts two in at most; there are at most n - 1 merges. */
    struct long_piece piece = {
        .tokenizer = tokenizer,
        .nodes = cf_realloc_array(NULL, n, sizeof *piece.nodes),
        .heap = cf_realloc_array(NULL, 2 * n, sizeof *piece.heap),
    };
    for (size_t i = 0; i < n; i++) {
        piece.nodes[i] = (struct node){.id = tokenizer->byte_ids[bytes[i]],
                                       .prev = (int32_t)i - 1,
                                       .next = i + 1 < n ? (int32_t)i + 1 : -1};
    }
    for (size_t i = 0; i + 1 < n; i++) {
        push(&piece, (int32_t)i);
    }
    while (piece.n_heap > 0) {
        struct candidate best = pop(&piece);
        /* A pair that changed meanwhile has been pushed anew. */
        const struct cf_merge_slot *slot = pair_at(&piece, best.at);
        if (slot == NULL || slot->rank != best.rank) {
            continue;
        }
        struct node *left = &piece.nodes[best.at];
        struct node *right = &piece.nodes[left->next];
        left->id = slot->id;
        right->id = -1;
        left->next = right->next;
        if (left->next >= 0) {
            piece.nodes[left->next].prev = best.at;
        }
        push(&piece, left->prev);
        push(&piece, best.at);
    }
    for (int32_t i = 0; i >= 0; i = piece.nodes[i].next) {
        cf_ids_add(ids, piece.nodes[i].id);
    }
    free(piece.nodes);
    free(piece.heap);
}

static void encode_piece(const struct cf_tokenizer *tokenizer, const unsigned char *piece, size_t n,
                         struct cf_ids *ids)
{
    if (n == 1) {
        cf_ids_add(ids, tokenizer->byte_ids[piece[0]]);
    } else if (n <= N_SHORT) {
        encode_short(tokenizer, piece, n, ids);
    } else {
        encode_long(tokenizer, piece, n, ids);
    }
}

/* Text without special or added tokens. */
static void encode_plain(const struct cf_tokenizer *tokenizer, const unsigned char *text,
                         size_t size, struct cf_ids *ids)
{
    for (size_t start = 0; start < size;) {
        size_t end = cf_split_next(text, size, start);
        while (end - start > N_PIECE_MAX) {
            encode_piece(tokenizer, text + start, N_PIECE_MAX, ids);
            start += N_PIECE_MAX;
        }
        encode_piece(tokenizer, text + start, end - start, ids);
        start = end;
    }
}

/* The token whose name stands at the beginning of text, or -1. */
static int32_t word_at(const struct cf_tokenizer *tokenizer, const unsigned char *text, size_t size,
                       bool with_special)
{
    for (uint32_t i = tokenizer->words_of[text[0]]; i < tokenizer->words_of[text[0] + 1]; i++) {
        const struct cf_token *token = &tokenizer->tokens[tokenizer->words[i]];
        if ((with_special || token->kind == CF_TOKEN_ADDED) && token->size <= size &&
            memcmp(token->bytes, text, token->size) == 0) {
            return tokenizer->words[i];
        }
    }
    return -1;
}

static void encode_words(const struct cf_tokenizer *tokenizer, const unsigned char *text,
                         size_t size, bool with_special, struct cf_ids *ids)
{
    size_t start = 0;
    for (size_t at = 0; at < size;) {
        int32_t id = word_at(tokenizer, text + at, size - at, with_special);
        if (id < 0) {
            at++;
            continue;
        }
        encode_plain(tokenizer, text + start, at - start, ids);
        cf_ids_add(ids, id);
        at += tokenizer->tokens[id].size;
        start = at;
    }
    encode_plain(tokenizer, text + start, size - start, ids);
}

void cf_tokenizer_encode(const struct cf_tokenizer *tokenizer, const void *text, size_t size,
                         struct cf_ids *ids)
{
    if (tokenizer->has_added) {
        encode_words(tokenizer, text, size, false, ids);
    } else {
        encode_plain(tokenizer, text, size, ids);
    }
}

void cf_tokenizer_encode_special(const struct cf_tokenizer *tokenizer, const void *text,
                                 size_t size, struct cf_ids *ids)
{
    encode_words(tokenizer, text, size, true, ids);
}
