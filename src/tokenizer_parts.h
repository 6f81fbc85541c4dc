/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer_parts: what a tokenizer is made of and how one is built from a file's words.  Private
 * to the tokenizer and its tests. */
#ifndef CF_TOKENIZER_PARTS_H
#define CF_TOKENIZER_PARTS_H

#include "mem.h"
#include "tokenizer.h"

#include <jansson.h>

struct cf_gguf;

enum {
    CF_TOKENIZER_ID_MAX = (1 << 20) - 1, /* four times the largest vocabularies there are */
    CF_TOKENIZER_ENDS_MAX = 8,
};

struct cf_token {
    const char *bytes;
    uint32_t size;
    enum cf_token_kind kind;
};

/* An open-addressed table, a power of two of slots, never full; an empty slot's pair is
 * CF_NO_PAIR. */
struct cf_merge_slot {
    uint64_t pair; /* left id in the upper half, right id in the lower */
    int32_t rank;
    int32_t id; /* of what the pair becomes */
};
#define CF_NO_PAIR UINT64_MAX

struct cf_merge_pair {
    int32_t left, right;
};

struct cf_tokenizer {
    struct cf_arena text;    /* the bytes of the tokens */
    struct cf_token *tokens; /* [n_tokens] */
    int32_t n_tokens;
    int32_t byte_ids[256];
    struct cf_merge_pair *merges; /* [n_merges] in order of rank */
    int32_t n_merges;
    struct cf_merge_slot *slots;
    size_t slot_mask;
    /* Special and added tokens by first byte, then the longest first; those that begin with byte b
     * are words[words_of[b]] to words[words_of[b + 1]]. */
    int32_t *words;
    uint32_t words_of[257];
    bool has_added;
    bool adds_bos;
    int32_t bos, eos;
    int32_t ends[CF_TOKENIZER_ENDS_MAX];
    int32_t n_ends;
};

/* A tokenizer in the making. */
struct cf_tokenizer_build {
    struct cf_tokenizer *tokenizer;
    const char *file;     /* what the sentences name; borrowed */
    size_t n_capacity;    /* of tokenizer->tokens */
    size_t n_merge_room;  /* of tokenizer->merges */
    int32_t *by_bytes;    /* ids by their bytes, -1 for none; open-addressed */
    size_t by_bytes_mask; /* slots - 1 */
    size_t n_named;
};

void cf_tokenizer_build_init(struct cf_tokenizer_build *build, const char *file);
void cf_tokenizer_build_release(struct cf_tokenizer_build *build);

/* Adds a token; its id must be free.  CF_ERR_FORMAT. */
enum cf_code cf_tokenizer_build_token(struct cf_tokenizer_build *build, int64_t id,
                                      const void *bytes, size_t size, enum cf_token_kind kind,
                                      struct cf_err *err);
/* The same for a word in GPT-2's byte alphabet; a word with other characters stands for itself. */
enum cf_code cf_tokenizer_build_spelled(struct cf_tokenizer_build *build, int64_t id,
                                        const char *word, size_t size, struct cf_err *err);
/* Makes the token called NAME, written as it is, special or added.  With id -1 the name must be
 * known, else nothing happens; otherwise the token is added when it is missing. */
enum cf_code cf_tokenizer_build_word(struct cf_tokenizer_build *build, int64_t id, const char *name,
                                     size_t size, enum cf_token_kind kind, struct cf_err *err);
/* Adds the next merge, two words in the byte alphabet. */
enum cf_code cf_tokenizer_build_merge(struct cf_tokenizer_build *build, const char *left,
                                      size_t n_left, const char *right, size_t n_right,
                                      struct cf_err *err);
/* The same for "LEFT RIGHT". */
enum cf_code cf_tokenizer_build_merge_line(struct cf_tokenizer_build *build, const char *line,
                                           size_t size, struct cf_err *err);
/* The id of the token with these bytes, or -1. */
int32_t cf_tokenizer_build_find(const struct cf_tokenizer_build *build, const void *bytes,
                                size_t size);
/* A token that ends a text; what is no token, or is known, is left out. */
void cf_tokenizer_build_end(struct cf_tokenizer_build *build, int64_t id);
/* Checks the whole and hands it over. */
enum cf_code cf_tokenizer_build_finish(struct cf_tokenizer **tokenizer,
                                       struct cf_tokenizer_build *build, struct cf_err *err);

/* From a file's contents into the build. */
enum cf_code cf_tokenizer_load_vocab(struct cf_tokenizer_build *build, json_t *json,
                                     struct cf_err *err);
enum cf_code cf_tokenizer_load_merges(struct cf_tokenizer_build *build, const void *text,
                                      size_t size, struct cf_err *err);
/* tokenizer.json: vocabulary, merges, added tokens; what is not GPT-2's way is refused. */
enum cf_code cf_tokenizer_load_json(struct cf_tokenizer_build *build, json_t *json,
                                    struct cf_err *err);
/* tokenizer_config.json or special_tokens_map.json. */
enum cf_code cf_tokenizer_load_config(struct cf_tokenizer_build *build, json_t *json,
                                      struct cf_err *err);
/* added_tokens.json. */
enum cf_code cf_tokenizer_load_added(struct cf_tokenizer_build *build, json_t *json,
                                     struct cf_err *err);
/* config.json or generation_config.json: the ids of eos and bos, where still unknown. */
void cf_tokenizer_load_ids(struct cf_tokenizer_build *build, json_t *json);
enum cf_code cf_tokenizer_load_gguf(struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                                    struct cf_err *err);

/* A tokenizer from a folder of files. */
enum cf_code cf_tokenizer_open_folder(struct cf_tokenizer **tokenizer, const char *folder,
                                      struct cf_err *err);

#endif
