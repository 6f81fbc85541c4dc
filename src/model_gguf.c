/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A GGUF file of architecture gpt2, as llama.cpp's converter writes it.  Two things of our own make
 * it hold models that llama.cpp's gpt2 cannot: the tensor output.bias, and the key
 * "confab.activation_function" with "gelu" for the exact GELU (absent: the tanh form). */
#include <string.h>

#include "buf.h"
#include "model_parts.h"
#include "path.h"

enum { VALUE_MAX_SIZE = 1 << 20 };

static bool is_equal(struct cf_gguf_string string, const char *text)
{
    return string.size == strlen(text) && memcmp(string.data, text, string.size) == 0;
}

static enum cf_code read_int(const struct cf_gguf *gguf, const char *key, int32_t max,
                             int32_t *value, struct cf_err *err)
{
    int64_t number;
    if (!cf_gguf_find_int(gguf, key, &number)) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          cf_gguf_has(gguf, key) ? "%s: '%s' is no whole number"
                                                 : "%s: '%s' is missing",
                          cf_gguf_path(gguf), key);
    }
    if (number < 1 || number > max) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: '%s' is %lld, not between 1 and %ld",
                          cf_gguf_path(gguf), key, (long long)number, (long)max);
    }
    *value = (int32_t)number;
    return CF_OK;
}

static enum cf_code check_kind(const struct cf_gguf *gguf, struct cf_err *err)
{
    struct cf_gguf_string arch;
    const char *path = cf_gguf_path(gguf);
    if (!cf_gguf_find_string(gguf, "general.architecture", &arch)) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: 'general.architecture' is missing", path);
    }
    if (!is_equal(arch, "gpt2")) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: the architecture '%.*s' is not supported, only gpt2", path,
                          (int)(arch.size < 60 ? arch.size : 60), arch.data);
    }
    int64_t n_parts;
    if (cf_gguf_find_int(gguf, "split.count", &n_parts) && n_parts > 1) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: one of %lld parts of a model, which is not supported; merge them",
                          path, (long long)n_parts);
    }
    return CF_OK;
}

/* What gpt2 has none of and changes the numbers. */
static enum cf_code check_switches(const struct cf_gguf *gguf, int32_t n_head, struct cf_err *err)
{
    const char *path = cf_gguf_path(gguf);
    int64_t n_head_kv;
    if (cf_gguf_has(gguf, "gpt2.attention.head_count_kv") &&
        (!cf_gguf_find_int(gguf, "gpt2.attention.head_count_kv", &n_head_kv) ||
         n_head_kv != n_head)) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: 'gpt2.attention.head_count_kv' other than the number of heads is "
                          "not supported",
                          path);
    }
    static const char *const refused[] = {
        "gpt2.attention.sliding_window", "gpt2.attention.scale",   "gpt2.attention.clamp_kqv",
        "gpt2.attention.max_alibi_bias", "gpt2.logit_scale",       "gpt2.embedding_scale",
        "gpt2.residual_scale",           "gpt2.expert_count",      "gpt2.rope.dimension_count",
        "gpt2.rope.freq_base",           "gpt2.rope.scaling.type",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(refused); i++) {
        int64_t number;
        double real;
        bool is_zero = (cf_gguf_find_int(gguf, refused[i], &number) && number == 0) ||
                       (cf_gguf_find_float(gguf, refused[i], &real) && !(real > 0 || real < 0));
        if (cf_gguf_has(gguf, refused[i]) && !is_zero) {
            return cf_err_set(err, CF_ERR_UNSUPPORTED, "%s: '%s' is not supported", path,
                              refused[i]);
        }
    }
    bool is_causal;
    if (cf_gguf_find_bool(gguf, "gpt2.attention.causal", &is_causal) && !is_causal) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: 'gpt2.attention.causal' set to false is not supported", path);
    }
    return CF_OK;
}

static enum cf_code read_gelu(const struct cf_gguf *gguf, enum cf_gelu *gelu, struct cf_err *err)
{
    static const char key[] = "confab.activation_function";
    struct cf_gguf_string name;
    *gelu = CF_GELU_TANH;
    if (!cf_gguf_has(gguf, key)) {
        return CF_OK;
    }
    if (cf_gguf_find_string(gguf, key, &name)) {
        if (is_equal(name, "gelu")) {
            *gelu = CF_GELU_ERF;
            return CF_OK;
        }
        if (is_equal(name, "gelu_new") || is_equal(name, "gelu_pytorch_tanh")) {
            return CF_OK;
        }
    }
    return cf_err_set(err, CF_ERR_UNSUPPORTED,
                      "%s: '%s' is neither gelu_new, gelu_pytorch_tanh nor gelu",
                      cf_gguf_path(gguf), key);
}

static enum cf_code read_sizes(struct cf_model *model, const struct cf_gguf *gguf,
                               struct cf_err *err)
{
    const struct {
        const char *key;
        int32_t max;
        int32_t *value;
    } sizes[] = {
        {"gpt2.block_count", MODEL_LAYERS_MAX, &model->n_layer},
        {"gpt2.embedding_length", MODEL_EMBD_MAX, &model->n_embd},
        {"gpt2.attention.head_count", MODEL_EMBD_MAX, &model->n_head},
        {"gpt2.feed_forward_length", MODEL_INNER_MAX, &model->n_inner},
        {"gpt2.context_length", MODEL_CTX_MAX, &model->n_ctx},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        enum cf_code code = read_int(gguf, sizes[i].key, sizes[i].max, sizes[i].value, err);
        if (code != CF_OK) {
            return code;
        }
    }
    const char *path = cf_gguf_path(gguf);
    if (model->n_embd % model->n_head != 0) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: 'gpt2.embedding_length' %ld is no multiple of "
                          "'gpt2.attention.head_count' %ld",
                          path, (long)model->n_embd, (long)model->n_head);
    }
    double epsilon;
    if (!cf_gguf_find_float(gguf, "gpt2.attention.layer_norm_epsilon", &epsilon) ||
        !(epsilon > 0 && epsilon < 1)) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: 'gpt2.attention.layer_norm_epsilon' is no number between 0 and 1",
                          path);
    }
    model->layer_norm_epsilon = (float)epsilon;

    /* The vocabulary's size is that of its embedding; a key that says otherwise is wrong. */
    const struct cf_gguf_tensor *embedding = cf_gguf_tensor_find(gguf, "token_embd.weight");
    if (embedding == NULL) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: tensor 'token_embd.weight' is missing", path);
    }
    if (embedding->dims[1] > MODEL_VOCAB_MAX) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: tensor 'token_embd.weight' has an absurd size",
                          path);
    }
    model->n_vocab = (int32_t)embedding->dims[1];
    int64_t n_vocab;
    if (cf_gguf_find_int(gguf, "gpt2.vocab_size", &n_vocab) && n_vocab != model->n_vocab) {
        return cf_err_set(err, CF_ERR_FORMAT,
                          "%s: 'gpt2.vocab_size' is %lld, but tensor 'token_embd.weight' has %ld "
                          "rows",
                          path, (long long)n_vocab, (long)model->n_vocab);
    }
    return CF_OK;
}

static void add_entry(struct cf_model_files *files, struct cf_gguf_string name)
{
    char *key = cf_memdup_str(name.data, name.size);
    struct cf_gguf_string text;
    int64_t number;
    double real;
    bool is_on;
    struct cf_buf value = CF_BUF_INIT;
    if (cf_gguf_find_string(files->gguf, key, &text)) {
        if (text.size <= VALUE_MAX_SIZE) {
            cf_model_add_metadata(files, key, text.data, text.size);
        }
    } else if (cf_gguf_find_int(files->gguf, key, &number)) {
        cf_buf_addf(&value, "%lld", (long long)number);
    } else if (cf_gguf_find_float(files->gguf, key, &real)) {
        cf_buf_addf(&value, "%.9g", real);
    } else if (cf_gguf_find_bool(files->gguf, key, &is_on)) {
        cf_buf_add_str(&value, is_on ? "true" : "false");
    }
    if (value.size > 0) {
        cf_model_add_metadata(files, key, value.data, value.size);
    }
    cf_buf_release(&value);
    free(key);
}

static char *name_of(const struct cf_model_files *files)
{
    struct cf_gguf_string name;
    if (cf_gguf_find_string(files->gguf, "general.name", &name) && name.size > 0 &&
        name.size < 256 && memchr(name.data, '\0', name.size) == NULL) {
        return cf_memdup_str(name.data, name.size);
    }
    const char *slash = strrchr(files->path, '/');
    const char *base = slash != NULL ? slash + 1 : files->path;
    size_t size = strlen(base);
    if (cf_path_has_ending(base, ".gguf")) {
        size -= strlen(".gguf");
    }
    return cf_memdup_str(base, size);
}

enum cf_code cf_model_open_gguf(struct cf_model *model, const char *path, struct cf_err *err)
{
    struct cf_model_files *files = model->files;
    enum cf_code code = cf_gguf_open(&files->gguf, path, err);
    if (code == CF_OK) {
        code = check_kind(files->gguf, err);
    }
    if (code == CF_OK) {
        code = read_sizes(model, files->gguf, err);
    }
    if (code == CF_OK) {
        code = check_switches(files->gguf, model->n_head, err);
    }
    if (code == CF_OK) {
        code = read_gelu(files->gguf, &model->gelu, err);
    }
    if (code != CF_OK) {
        return code;
    }
    for (size_t i = 0; i < cf_gguf_n_keys(files->gguf); i++) {
        enum cf_gguf_type type;
        struct cf_gguf_string key = cf_gguf_key(files->gguf, i, &type);
        if (type != CF_GGUF_ARRAY) {
            add_entry(files, key);
        }
    }
    model->name = name_of(files);
    model->is_tied = cf_gguf_tensor_find(files->gguf, "output.weight") == NULL;
    return cf_model_bind(model, false, err);
}
