/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tokenizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gguf.h"
#include "path.h"
#include "tokenizer_parts.h"

static enum cf_code open_gguf(struct cf_tokenizer **tokenizer, const char *path, struct cf_err *err)
{
    struct cf_gguf *gguf = NULL;
    enum cf_code code = cf_gguf_open(&gguf, path, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_tokenizer_build build;
    cf_tokenizer_build_init(&build, path);
    code = cf_tokenizer_load_gguf(&build, gguf, err);
    if (code == CF_OK) {
        code = cf_tokenizer_build_finish(tokenizer, &build, err);
    }
    cf_tokenizer_build_release(&build);
    cf_gguf_close(gguf);
    return code;
}

enum cf_code cf_tokenizer_open(struct cf_tokenizer **tokenizer, const char *path,
                               struct cf_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return cf_tokenizer_open_folder(tokenizer, path, err);
    }
    if (!cf_path_has_ending(path, ".safetensors")) {
        return open_gguf(tokenizer, path, err);
    }
    char *folder = cf_path_parent(path);
    enum cf_code code = cf_tokenizer_open_folder(tokenizer, folder, err);
    free(folder);
    return code;
}

void cf_tokenizer_free(struct cf_tokenizer *tokenizer)
{
    if (tokenizer == NULL) {
        return;
    }
    cf_arena_release(&tokenizer->text);
    free(tokenizer->tokens);
    free(tokenizer->merges);
    free(tokenizer->slots);
    free(tokenizer->words);
    free(tokenizer);
}

int32_t cf_tokenizer_n_vocab(const struct cf_tokenizer *tokenizer)
{
    return tokenizer->n_tokens;
}

enum cf_code cf_tokenizer_check_model(const struct cf_tokenizer *tokenizer, int32_t n_vocab,
                                      const char *name, struct cf_err *err)
{
    if (cf_tokenizer_n_vocab(tokenizer) <= n_vocab) {
        return CF_OK;
    }
    return cf_err_set(
        err, CF_ERR_MISMATCH,
        "%s: the tokenizer has %d tokens, the model only %d: they don't belong together", name,
        (int)cf_tokenizer_n_vocab(tokenizer), (int)n_vocab);
}

int32_t cf_tokenizer_eos(const struct cf_tokenizer *tokenizer)
{
    return tokenizer->eos;
}

int32_t cf_tokenizer_bos(const struct cf_tokenizer *tokenizer)
{
    return tokenizer->bos;
}

bool cf_tokenizer_adds_bos(const struct cf_tokenizer *tokenizer)
{
    return tokenizer->adds_bos;
}

bool cf_tokenizer_is_end(const struct cf_tokenizer *tokenizer, int32_t id)
{
    for (int32_t i = 0; i < tokenizer->n_ends; i++) {
        if (tokenizer->ends[i] == id) {
            return true;
        }
    }
    return false;
}

enum cf_token_kind cf_tokenizer_kind(const struct cf_tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && id < tokenizer->n_tokens ? tokenizer->tokens[id].kind : CF_TOKEN_NONE;
}

bool cf_tokenizer_is_special(const struct cf_tokenizer *tokenizer, int32_t id)
{
    return cf_tokenizer_kind(tokenizer, id) == CF_TOKEN_SPECIAL;
}

int32_t cf_tokenizer_special_find(const struct cf_tokenizer *tokenizer, const char *name,
                                  size_t size)
{
    if (size == 0) {
        return -1;
    }
    unsigned char first = (unsigned char)name[0];
    for (uint32_t i = tokenizer->words_of[first]; i < tokenizer->words_of[first + 1]; i++) {
        const struct cf_token *token = &tokenizer->tokens[tokenizer->words[i]];
        if (token->kind == CF_TOKEN_SPECIAL && token->size == size &&
            memcmp(token->bytes, name, size) == 0) {
            return tokenizer->words[i];
        }
    }
    return -1;
}

const char *cf_tokenizer_piece(const struct cf_tokenizer *tokenizer, int32_t id, size_t *size)
{
    if (cf_tokenizer_kind(tokenizer, id) == CF_TOKEN_NONE) {
        *size = 0;
        return NULL;
    }
    *size = tokenizer->tokens[id].size;
    return tokenizer->tokens[id].bytes;
}

size_t cf_tokenizer_spelled_size(const struct cf_tokenizer *tokenizer, int32_t id)
{
    size_t size = 0;
    if (!cf_tokenizer_is_special(tokenizer, id)) {
        (void)cf_tokenizer_piece(tokenizer, id, &size);
    }
    return size;
}

void cf_tokenizer_decode(const struct cf_tokenizer *tokenizer, const int32_t *ids, size_t n,
                         struct cf_buf *bytes)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(tokenizer, ids[i], &size);
        if (piece != NULL) {
            cf_buf_add(bytes, piece, size);
        }
    }
}

int32_t cf_tokenizer_n_merges(const struct cf_tokenizer *tokenizer)
{
    return tokenizer->n_merges;
}

void cf_tokenizer_merge(const struct cf_tokenizer *tokenizer, int32_t rank, int32_t *left,
                        int32_t *right)
{
    assert(rank >= 0 && rank < tokenizer->n_merges);
    *left = tokenizer->merges[rank].left;
    *right = tokenizer->merges[rank].right;
}

/* How many bytes at the end of text are the beginning of a character that may still become whole
 * (Unicode, table 3-7). */
static size_t unfinished(const unsigned char *text, size_t size)
{
    for (size_t n = 1; n <= 3 && n <= size; n++) {
        unsigned char lead = text[size - n];
        if ((lead & 0xC0) == 0x80) {
            continue;
        }
        size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
        if (n >= length) {
            return 0;
        }
        if (n == 1) {
            return 1;
        }
        unsigned char second = text[size - n + 1];
        bool is_broken = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                         (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
        return is_broken ? 0 : n;
    }
    return 0;
}

void cf_detokenizer_add(struct cf_detokenizer *state, const struct cf_tokenizer *tokenizer,
                        int32_t id, struct cf_buf *text)
{
    size_t size = 0;
    const char *piece = cf_tokenizer_piece(tokenizer, id, &size);
    if (size == 0 || tokenizer->tokens[id].kind == CF_TOKEN_SPECIAL) {
        return;
    }
    size_t start = text->size;
    cf_buf_add(text, state->held, state->n_held);
    cf_buf_add(text, piece, size);
    size_t n = unfinished((const unsigned char *)text->data + start, text->size - start);
    if (n > 0) {
        memcpy(state->held, text->data + text->size - n, n);
    }
    state->n_held = (unsigned)n;
    cf_buf_truncate(text, text->size - n);
}

void cf_detokenizer_finish(struct cf_detokenizer *state, struct cf_buf *text)
{
    cf_buf_add(text, state->held, state->n_held);
    state->n_held = 0;
}
