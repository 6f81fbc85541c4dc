/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold of any bytes taken for a tokenizer's files or for a text.  The first byte says
 * which: vocab.json and merges.txt (a NUL between them), tokenizer.json, the files beside them,
 * GGUF, or a text for a tokenizer of our own. */
#ifndef TOKENIZER_CHECK_H
#define TOKENIZER_CHECK_H

#include <base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "tokenizer_parts.h"

/* Whatever was loaded encodes any bytes and gives them back. */
static inline void tokenizer_check_text(const struct cf_tokenizer *tokenizer, const uint8_t *bytes,
                                        size_t size)
{
    for (int with_special = 0; with_special < 2; with_special++) {
        struct cf_ids ids = {0};
        struct cf_buf back = CF_BUF_INIT;
        struct cf_buf shown = CF_BUF_INIT;
        struct cf_detokenizer state = {0};
        if (with_special == 1) {
            cf_tokenizer_encode_special(tokenizer, bytes, size, &ids);
        } else {
            cf_tokenizer_encode(tokenizer, bytes, size, &ids);
        }
        bool has_special = false;
        for (size_t i = 0; i < ids.n; i++) {
            has_special |= cf_tokenizer_is_special(tokenizer, ids.data[i]);
            cf_detokenizer_add(&state, tokenizer, ids.data[i], &shown);
        }
        cf_detokenizer_finish(&state, &shown);
        cf_tokenizer_decode(tokenizer, ids.data, ids.n, &back);
        if (back.size != size || memcmp(back.data, bytes, size) != 0 ||
            (!has_special && (shown.size != size || memcmp(shown.data, bytes, size) != 0))) {
            abort();
        }
        cf_buf_release(&back);
        cf_buf_release(&shown);
        cf_ids_release(&ids);
    }
}

/* All bytes, some merges, a special and an added token. */
static inline void tokenizer_check_words(struct cf_tokenizer_build *build)
{
    static const char *const merges[] = {"a a", "aa aa", "a b", "t h", "th e", "aa b"};
    static const char *const words[] = {"aa", "aaaa", "ab", "th", "the", "aab"};
    for (int byte = 0; byte < 256; byte++) {
        unsigned char one = (unsigned char)byte;
        (void)cf_tokenizer_build_token(build, byte, &one, 1, CF_TOKEN_NORMAL, NULL);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(words); i++) {
        (void)cf_tokenizer_build_spelled(build, 256 + (int64_t)i, words[i], strlen(words[i]), NULL);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(merges); i++) {
        (void)cf_tokenizer_build_merge_line(build, merges[i], strlen(merges[i]), NULL);
    }
    (void)cf_tokenizer_build_word(build, 300, "<|end|>", 7, CF_TOKEN_SPECIAL, NULL);
    (void)cf_tokenizer_build_word(build, 301, "[x]", 3, CF_TOKEN_ADDED, NULL);
}

static inline enum cf_code tokenizer_check_load(struct cf_tokenizer_build *build, uint8_t way,
                                                const uint8_t *bytes, size_t size,
                                                struct cf_err *err)
{
    const uint8_t *border = way == 0 ? memchr(bytes, '\0', size) : NULL;
    size_t n_json = border != NULL ? (size_t)(border - bytes) : size;
    json_t *json =
        way <= 2 ? json_loadb((const char *)bytes, n_json, JSON_REJECT_DUPLICATES, NULL) : NULL;
    enum cf_code code = CF_OK;
    if (way > 1) {
        tokenizer_check_words(build);
    }
    if (json_is_object(json)) {
        code = way == 0   ? cf_tokenizer_load_vocab(build, json, err)
               : way == 1 ? cf_tokenizer_load_json(build, json, err)
                          : cf_tokenizer_load_config(build, json, err);
        if (code == CF_OK && border != NULL) {
            code = cf_tokenizer_load_merges(build, border + 1, size - n_json - 1, err);
        }
        if (code == CF_OK && way == 2) {
            cf_tokenizer_load_ids(build, json);
            code = cf_tokenizer_load_added(build, json, err);
        }
    }
    json_decref(json);
    return code;
}

static inline enum cf_code tokenizer_check_gguf(struct cf_tokenizer_build *build,
                                                const uint8_t *bytes, size_t size,
                                                struct cf_err *err)
{
    void *aligned = cf_aligned_alloc(size + 1);
    memcpy(aligned, bytes, size);
    struct cf_gguf *gguf = NULL;
    enum cf_code code = cf_gguf_parse(&gguf, aligned, size, "fuzz", err);
    if (code == CF_OK) {
        code = cf_tokenizer_load_gguf(build, gguf, err);
        cf_gguf_close(gguf);
    }
    free(aligned);
    return code;
}

static inline void tokenizer_check_bytes(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return;
    }
    uint8_t way = bytes[0] % 5;
    struct cf_err err = CF_ERR_INIT;
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_tokenizer_build build;
    cf_tokenizer_build_init(&build, "fuzz");
    enum cf_code code = way == 3 ? tokenizer_check_gguf(&build, bytes + 1, size - 1, &err)
                                 : tokenizer_check_load(&build, way, bytes + 1, size - 1, &err);
    if (code == CF_OK) {
        code = cf_tokenizer_build_finish(&tokenizer, &build, &err);
    }
    if ((code == CF_OK) != (err.text[0] == '\0')) {
        abort();
    }
    if (code == CF_OK) {
        tokenizer_check_text(tokenizer, bytes + 1, size - 1);
    }
    cf_tokenizer_free(tokenizer);
    cf_tokenizer_build_release(&build);
}

#endif
