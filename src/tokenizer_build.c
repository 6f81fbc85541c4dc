/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tokenizer_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_alphabet.h"
#include "tokenizer_merge.h"

/* How much of a hostile word an error sentence shows. */
enum { N_SHOWN = 40 };

static int shown(size_t size)
{
    return (int)(size < N_SHOWN ? size : N_SHOWN);
}

void cf_tokenizer_build_init(struct cf_tokenizer_build *build, const char *file)
{
    struct cf_tokenizer *tokenizer = cf_calloc(1, sizeof *tokenizer);
    tokenizer->bos = -1;
    tokenizer->eos = -1;
    *build = (struct cf_tokenizer_build){.tokenizer = tokenizer, .file = file};
}

void cf_tokenizer_build_release(struct cf_tokenizer_build *build)
{
    cf_tokenizer_free(build->tokenizer);
    free(build->by_bytes);
    build->tokenizer = NULL;
    build->by_bytes = NULL;
}

/* ---- ids by their bytes ---- */

/* FNV-1a, 64 bits. */
static size_t hash_bytes(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001B3);
    }
    return (size_t)(hash ^ hash >> 32);
}

/* The slot of these bytes: it holds their id, or is empty. */
static int32_t *slot_of(const struct cf_tokenizer_build *build, const void *bytes, size_t size)
{
    size_t at = hash_bytes(bytes, size) & build->by_bytes_mask;
    for (;; at = (at + 1) & build->by_bytes_mask) {
        int32_t *slot = &build->by_bytes[at];
        if (*slot < 0) {
            return slot;
        }
        const struct cf_token *token = &build->tokenizer->tokens[*slot];
        if (token->size == size && memcmp(token->bytes, bytes, size) == 0) {
            return slot;
        }
    }
}

static void grow_by_bytes(struct cf_tokenizer_build *build)
{
    int32_t *old = build->by_bytes;
    size_t n_old = old != NULL ? build->by_bytes_mask + 1 : 0;
    size_t n_slots = n_old > 0 ? 2 * n_old : 1024;
    build->by_bytes = cf_realloc_array(NULL, n_slots, sizeof *build->by_bytes);
    memset(build->by_bytes, 0xFF, n_slots * sizeof *build->by_bytes);
    build->by_bytes_mask = n_slots - 1;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i] >= 0) {
            const struct cf_token *token = &build->tokenizer->tokens[old[i]];
            *slot_of(build, token->bytes, token->size) = old[i];
        }
    }
    free(old);
}

/* Of several tokens with the same bytes the one named first is found. */
static void name(struct cf_tokenizer_build *build, int32_t id)
{
    if (build->by_bytes == NULL || 2 * build->n_named > build->by_bytes_mask) {
        grow_by_bytes(build);
    }
    const struct cf_token *token = &build->tokenizer->tokens[id];
    int32_t *slot = slot_of(build, token->bytes, token->size);
    if (*slot < 0) {
        *slot = id;
        build->n_named++;
    }
}

int32_t cf_tokenizer_build_find(const struct cf_tokenizer_build *build, const void *bytes,
                                size_t size)
{
    return build->by_bytes != NULL ? *slot_of(build, bytes, size) : -1;
}

/* ---- tokens ---- */

static void set_bytes(struct cf_tokenizer_build *build, int32_t id, const void *bytes, size_t size)
{
    char *copy = cf_arena_alloc(&build->tokenizer->text, size + 1);
    memcpy(copy, bytes, size);
    build->tokenizer->tokens[id].bytes = copy;
    build->tokenizer->tokens[id].size = (uint32_t)size;
    name(build, id);
}

static void make_room(struct cf_tokenizer_build *build, int32_t id)
{
    struct cf_tokenizer *tokenizer = build->tokenizer;
    size_t n = (size_t)id + 1;
    if (n > build->n_capacity) {
        size_t capacity = 2 * build->n_capacity > n ? 2 * build->n_capacity : n;
        tokenizer->tokens =
            cf_realloc_array(tokenizer->tokens, capacity, sizeof *tokenizer->tokens);
        memset(tokenizer->tokens + build->n_capacity, 0,
               (capacity - build->n_capacity) * sizeof *tokenizer->tokens);
        build->n_capacity = capacity;
    }
    if (id >= tokenizer->n_tokens) {
        tokenizer->n_tokens = id + 1;
    }
}

enum cf_code cf_tokenizer_build_token(struct cf_tokenizer_build *build, int64_t id,
                                      const void *bytes, size_t size, enum cf_token_kind kind,
                                      struct cf_err *err)
{
    if (id < 0 || id > CF_TOKENIZER_ID_MAX) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: token id %lld is out of range", build->file,
                          (long long)id);
    }
    if (size == 0 || size > INT_MAX) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: token %lld is %s", build->file, (long long)id,
                          size == 0 ? "empty" : "too long");
    }
    if (cf_tokenizer_kind(build->tokenizer, (int32_t)id) != CF_TOKEN_NONE) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: token id %lld is given twice", build->file,
                          (long long)id);
    }
    make_room(build, (int32_t)id);
    build->tokenizer->tokens[id].kind = kind;
    set_bytes(build, (int32_t)id, bytes, size);
    return CF_OK;
}

enum cf_code cf_tokenizer_build_spelled(struct cf_tokenizer_build *build, int64_t id,
                                        const char *word, size_t size, struct cf_err *err)
{
    unsigned char few[256];
    unsigned char *bytes = size <= sizeof few ? few : cf_malloc(size);
    size_t n = 0;
    bool is_spelled = cf_alphabet_read(bytes, &n, word, size);
    enum cf_code code = cf_tokenizer_build_token(build, id, is_spelled ? (const void *)bytes : word,
                                                 is_spelled ? n : size, CF_TOKEN_NORMAL, err);
    if (bytes != few) {
        free(bytes);
    }
    return code;
}

/* The token whose word in the byte alphabet is WORD, or -1. */
static int32_t find_spelled(const struct cf_tokenizer_build *build, const char *word, size_t size)
{
    unsigned char few[256];
    unsigned char *bytes = size <= sizeof few ? few : cf_malloc(size);
    size_t n = 0;
    bool is_spelled = cf_alphabet_read(bytes, &n, word, size);
    int32_t id = is_spelled ? cf_tokenizer_build_find(build, bytes, n)
                            : cf_tokenizer_build_find(build, word, size);
    if (bytes != few) {
        free(bytes);
    }
    return id;
}

enum cf_code cf_tokenizer_build_word(struct cf_tokenizer_build *build, int64_t id, const char *text,
                                     size_t size, enum cf_token_kind kind, struct cf_err *err)
{
    struct cf_token *tokens = build->tokenizer->tokens;
    int32_t known = cf_tokenizer_build_find(build, text, size);
    if (known < 0) {
        /* A vocabulary that spells it in the byte alphabet although it is no such word. */
        known = find_spelled(build, text, size);
    }
    if (known < 0 && id < 0) {
        return CF_OK;
    }
    if (known < 0) {
        return cf_tokenizer_build_token(build, id, text, size, kind, err);
    }
    if (id >= 0 && known != id) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: \"%.*s\" is both token %lld and token %d",
                          build->file, shown(size), text, (long long)id, (int)known);
    }
    tokens[known].kind = kind;
    if (tokens[known].size != size || memcmp(tokens[known].bytes, text, size) != 0) {
        set_bytes(build, known, text, size);
    }
    return CF_OK;
}

void cf_tokenizer_build_end(struct cf_tokenizer_build *build, int64_t id)
{
    struct cf_tokenizer *tokenizer = build->tokenizer;
    if (id >= 0 && id < tokenizer->n_tokens && tokenizer->n_ends < CF_TOKENIZER_ENDS_MAX &&
        tokenizer->tokens[id].kind != CF_TOKEN_NONE &&
        !cf_tokenizer_is_end(tokenizer, (int32_t)id)) {
        tokenizer->ends[tokenizer->n_ends] = (int32_t)id;
        tokenizer->n_ends++;
    }
}

/* ---- merges ---- */

static enum cf_code unknown_word(const struct cf_tokenizer_build *build, const char *word,
                                 size_t size, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_FORMAT,
                      "%s: merge %d names \"%.*s\", which is not in the vocabulary", build->file,
                      (int)build->tokenizer->n_merges + 1, shown(size), word);
}

enum cf_code cf_tokenizer_build_merge(struct cf_tokenizer_build *build, const char *left,
                                      size_t n_left, const char *right, size_t n_right,
                                      struct cf_err *err)
{
    struct cf_tokenizer *tokenizer = build->tokenizer;
    struct cf_merge_pair pair = {.left = find_spelled(build, left, n_left),
                                 .right = find_spelled(build, right, n_right)};
    if (pair.left < 0) {
        return unknown_word(build, left, n_left, err);
    }
    if (pair.right < 0) {
        return unknown_word(build, right, n_right, err);
    }
    if (tokenizer->n_merges == INT32_MAX - 1) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "%s: too many merges", build->file);
    }
    if ((size_t)tokenizer->n_merges == build->n_merge_room) {
        build->n_merge_room = build->n_merge_room > 0 ? 2 * build->n_merge_room : 1024;
        tokenizer->merges =
            cf_realloc_array(tokenizer->merges, build->n_merge_room, sizeof *tokenizer->merges);
    }
    tokenizer->merges[tokenizer->n_merges] = pair;
    tokenizer->n_merges++;
    return CF_OK;
}

enum cf_code cf_tokenizer_build_merge_line(struct cf_tokenizer_build *build, const char *line,
                                           size_t size, struct cf_err *err)
{
    const char *blank = size > 0 ? memchr(line, ' ', size) : NULL;
    size_t n_left = blank != NULL ? (size_t)(blank - line) : 0;
    size_t n_right = blank != NULL ? size - n_left - 1 : 0;
    if (n_left == 0 || n_right == 0 || memchr(blank + 1, ' ', n_right) != NULL) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: merge %d, \"%.*s\", is not two words with a blank between",
                          build->file, (int)build->tokenizer->n_merges + 1, shown(size), line);
    }
    return cf_tokenizer_build_merge(build, line, n_left, blank + 1, n_right, err);
}

/* Finds what each merge makes.  Of two merges of one pair the later holds, as in the tokenizers
 * library. */
static enum cf_code fill_slots(struct cf_tokenizer_build *build, struct cf_err *err)
{
    struct cf_tokenizer *tokenizer = build->tokenizer;
    size_t n_slots = 16;
    while (n_slots < 2 * (size_t)tokenizer->n_merges) {
        n_slots *= 2;
    }
    tokenizer->slots = cf_realloc_array(NULL, n_slots, sizeof *tokenizer->slots);
    tokenizer->slot_mask = n_slots - 1;
    for (size_t i = 0; i < n_slots; i++) {
        tokenizer->slots[i].pair = CF_NO_PAIR;
    }
    enum cf_code code = CF_OK;
    struct cf_buf both = CF_BUF_INIT;
    for (int32_t rank = 0; rank < tokenizer->n_merges && code == CF_OK; rank++) {
        struct cf_merge_pair pair = tokenizer->merges[rank];
        const struct cf_token *left = &tokenizer->tokens[pair.left];
        const struct cf_token *right = &tokenizer->tokens[pair.right];
        cf_buf_clear(&both);
        cf_buf_add(&both, left->bytes, left->size);
        cf_buf_add(&both, right->bytes, right->size);
        int32_t id = cf_tokenizer_build_find(build, both.data, both.size);
        if (id < 0) {
            code = cf_err_set(err, CF_ERR_FORMAT,
                              "%s: merge %d makes token %d and token %d into a word that is not in "
                              "the vocabulary",
                              build->file, (int)rank + 1, (int)pair.left, (int)pair.right);
            break;
        }
        if (tokenizer->tokens[id].kind == CF_TOKEN_SPECIAL) {
            continue; /* what a person types never becomes a special token */
        }
        uint64_t key = cf_merge_pair(pair.left, pair.right);
        size_t at = cf_merge_hash(key) & tokenizer->slot_mask;
        while (tokenizer->slots[at].pair != CF_NO_PAIR && tokenizer->slots[at].pair != key) {
            at = (at + 1) & tokenizer->slot_mask;
        }
        tokenizer->slots[at] = (struct cf_merge_slot){.pair = key, .rank = rank, .id = id};
    }
    cf_buf_release(&both);
    return code;
}

/* ---- the whole ---- */

static enum cf_code fill_bytes(struct cf_tokenizer_build *build, struct cf_err *err)
{
    for (int byte = 0; byte < 256; byte++) {
        unsigned char one = (unsigned char)byte;
        int32_t id = cf_tokenizer_build_find(build, &one, 1);
        if (id < 0) {
            return cf_err_set(err, CF_ERR_FORMAT,
                              "%s: the vocabulary has no token for byte 0x%02X, so that not every "
                              "text could be encoded",
                              build->file, (unsigned)byte);
        }
        build->tokenizer->byte_ids[byte] = id;
    }
    return CF_OK;
}

struct word {
    const struct cf_token *token;
    int32_t id;
};

static int compare_words(const void *a, const void *b)
{
    const struct word *one = a;
    const struct word *other = b;
    int first = (unsigned char)one->token->bytes[0];
    int second = (unsigned char)other->token->bytes[0];
    if (first != second) {
        return first < second ? -1 : 1;
    }
    if (one->token->size != other->token->size) {
        return one->token->size > other->token->size ? -1 : 1;
    }
    return one->id < other->id ? -1 : 1;
}

static void fill_words(struct cf_tokenizer *tokenizer)
{
    size_t n = 0;
    for (int32_t id = 0; id < tokenizer->n_tokens; id++) {
        n += tokenizer->tokens[id].kind >= CF_TOKEN_SPECIAL;
    }
    struct word *words = cf_calloc(n, sizeof *words);
    tokenizer->words = cf_calloc(n, sizeof *tokenizer->words);
    n = 0;
    for (int32_t id = 0; id < tokenizer->n_tokens; id++) {
        const struct cf_token *token = &tokenizer->tokens[id];
        if (token->kind >= CF_TOKEN_SPECIAL) {
            words[n] = (struct word){.token = token, .id = id};
            n++;
            tokenizer->has_added |= token->kind == CF_TOKEN_ADDED;
        }
    }
    if (n > 1) {
        qsort(words, n, sizeof *words, compare_words);
    }
    for (size_t i = 0; i < n; i++) {
        tokenizer->words[i] = words[i].id;
        tokenizer->words_of[(unsigned char)words[i].token->bytes[0] + 1]++;
    }
    for (size_t byte = 0; byte < 256; byte++) {
        tokenizer->words_of[byte + 1] += tokenizer->words_of[byte];
    }
    free(words);
}

enum cf_code cf_tokenizer_build_finish(struct cf_tokenizer **tokenizer,
                                       struct cf_tokenizer_build *build, struct cf_err *err)
{
    enum cf_code code = fill_bytes(build, err);
    if (code == CF_OK) {
        code = fill_slots(build, err);
    }
    if (code != CF_OK) {
        return code;
    }
    fill_words(build->tokenizer);
    cf_tokenizer_build_end(build, build->tokenizer->eos);
    *tokenizer = build->tokenizer;
    build->tokenizer = NULL;
    return CF_OK;
}
