/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokenizer in a GGUF file's metadata. */
#include "tokenizer_parts.h"

#include <string.h>

#include "gguf.h"

/* tokenizer.ggml.token_type; source: llama.cpp's enum llama_token_type. */
enum {
    GGUF_TOKEN_NORMAL = 1,
    GGUF_TOKEN_UNKNOWN = 2,
    GGUF_TOKEN_CONTROL = 3,
    GGUF_TOKEN_USER_DEFINED = 4,
    GGUF_TOKEN_UNUSED = 5,
    GGUF_TOKEN_BYTE = 6,
};

static bool is_equal(struct cf_gguf_string string, const char *text)
{
    return string.size == strlen(text) && memcmp(string.data, text, string.size) == 0;
}

static enum cf_code check_kind(const struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                               struct cf_err *err)
{
    /* Names under which llama.cpp splits by GPT-2's pattern; files made before it kept any name, or
     * whose maker knew none ("default"), are taken for GPT-2's. */
    static const char *const splits[] = {"default", "gpt-2", "gpt2", "phi-2", "mellum", "gigachat"};
    struct cf_gguf_string model = {0};
    if (!cf_gguf_find_string(gguf, "tokenizer.ggml.model", &model)) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: no tokenizer in it", build->file);
    }
    if (!is_equal(model, "gpt2")) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: tokenizer.ggml.model \"%.*s\" is not supported, only \"gpt2\"",
                          build->file, (int)(model.size < 40 ? model.size : 40), model.data);
    }
    struct cf_gguf_string split = {0};
    bool is_known = !cf_gguf_find_string(gguf, "tokenizer.ggml.pre", &split);
    for (size_t i = 0; i < CF_ARRAY_SIZE(splits) && !is_known; i++) {
        is_known = is_equal(split, splits[i]);
    }
    if (!is_known) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: tokenizer.ggml.pre \"%.*s\" is not supported, only \"gpt-2\"",
                          build->file, (int)(split.size < 40 ? split.size : 40), split.data);
    }
    bool has_prefix = false;
    if (cf_gguf_find_bool(gguf, "tokenizer.ggml.add_space_prefix", &has_prefix) && has_prefix) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: tokenizer.ggml.add_space_prefix is not supported", build->file);
    }
    return CF_OK;
}

static enum cf_code load_tokens(struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                                struct cf_err *err)
{
    struct cf_gguf_array tokens = {0};
    struct cf_gguf_array types = {0};
    if (!cf_gguf_find_array(gguf, "tokenizer.ggml.tokens", &tokens) ||
        tokens.type != CF_GGUF_STRING) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: no array of strings tokenizer.ggml.tokens",
                          build->file);
    }
    bool has_types = cf_gguf_find_array(gguf, "tokenizer.ggml.token_type", &types);
    if (has_types && types.n != tokens.n) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: tokenizer.ggml.token_type is not as long as tokenizer.ggml.tokens",
                          build->file);
    }
    struct cf_gguf_string word;
    for (int64_t id = 0; cf_gguf_array_next_string(&tokens, &word); id++) {
        int64_t type = GGUF_TOKEN_NORMAL;
        if (has_types && !cf_gguf_array_next_int(&types, &type)) {
            return cf_err_set(err, CF_ERR_FORMAT,
                              "%s: tokenizer.ggml.token_type is no array of integers", build->file);
        }
        enum cf_code code = CF_OK;
        if (type == GGUF_TOKEN_UNKNOWN || type == GGUF_TOKEN_CONTROL) {
            code = cf_tokenizer_build_token(build, id, word.data, word.size, CF_TOKEN_SPECIAL, err);
        } else if (type == GGUF_TOKEN_USER_DEFINED) {
            code = cf_tokenizer_build_token(build, id, word.data, word.size, CF_TOKEN_ADDED, err);
        } else if (type != GGUF_TOKEN_UNUSED) {
            /* A row of the embedding that is unused has no token. */
            code = cf_tokenizer_build_spelled(build, id, word.data, word.size, err);
        }
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

static enum cf_code load_merges(struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                                struct cf_err *err)
{
    struct cf_gguf_array merges = {0};
    if (!cf_gguf_find_array(gguf, "tokenizer.ggml.merges", &merges) ||
        merges.type != CF_GGUF_STRING) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: no array of strings tokenizer.ggml.merges",
                          build->file);
    }
    struct cf_gguf_string line;
    while (cf_gguf_array_next_string(&merges, &line)) {
        enum cf_code code = cf_tokenizer_build_merge_line(build, line.data, line.size, err);
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

/* The token whose id stands under a key, or -1. */
static int32_t id_of(const struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                     const char *key)
{
    int64_t id = -1;
    if (!cf_gguf_find_int(gguf, key, &id) || id < 0 || id >= build->tokenizer->n_tokens) {
        return -1;
    }
    return build->tokenizer->tokens[id].kind != CF_TOKEN_NONE ? (int32_t)id : -1;
}

enum cf_code cf_tokenizer_load_gguf(struct cf_tokenizer_build *build, const struct cf_gguf *gguf,
                                    struct cf_err *err)
{
    enum cf_code code = check_kind(build, gguf, err);
    if (code == CF_OK) {
        code = load_tokens(build, gguf, err);
    }
    if (code == CF_OK) {
        code = load_merges(build, gguf, err);
    }
    if (code != CF_OK) {
        return code;
    }
    build->tokenizer->bos = id_of(build, gguf, "tokenizer.ggml.bos_token_id");
    build->tokenizer->eos = id_of(build, gguf, "tokenizer.ggml.eos_token_id");
    (void)cf_gguf_find_bool(gguf, "tokenizer.ggml.add_bos_token", &build->tokenizer->adds_bos);
    cf_tokenizer_build_end(build, build->tokenizer->eos);
    cf_tokenizer_build_end(build, id_of(build, gguf, "tokenizer.ggml.eot_token_id"));
    cf_tokenizer_build_end(build, id_of(build, gguf, "tokenizer.ggml.eom_token_id"));
    return CF_OK;
}
