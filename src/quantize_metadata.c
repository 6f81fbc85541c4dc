/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The metadata of a GGUF file: what llama.cpp reads for architecture gpt2, the tokenizer, and our
 * own keys for the template and the settings that the model asks for. */
#include "quantize_parts.h"

#include <string.h>

#include "template.h"

/* tokenizer.ggml.token_type; source: llama.cpp's enum llama_token_type. */
enum { TYPE_NORMAL = 1, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5 };

/* What a conversion hands down the functions below. */
struct target {
    struct cf_gguf_writer *writer;
    const struct cf_convert *convert;
};

/* Keys that say something to people, or to confab, and are taken over as they are. */
static const char *const copied_keys[] = {
    "general.author",
    "general.version",
    "general.organization",
    "general.basename",
    "general.description",
    "general.size_label",
    "general.license",
    "general.license.name",
    "general.license.link",
    "general.url",
    "general.source.url",
    "tokenizer.chat_template",
    "confab.temperature",
    "confab.top_p",
    "confab.top_k",
    "confab.min_p",
    "confab.typical_p",
    "confab.repeat_penalty",
    "confab.repeat_last_n",
    "confab.presence_penalty",
    "confab.frequency_penalty",
    "confab.max_tokens",
};

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

enum cf_code cf_quantize_check_metadata(const struct cf_convert *convert, struct cf_err *err)
{
    static const char *const ours[] = {"general.architecture",
                                       "general.type",
                                       "general.file_type",
                                       "general.alignment",
                                       "general.quantization_version",
                                       "confab.activation_function"};
    for (size_t i = 0; i < convert->n_metadata; i++) {
        const char *key = convert->metadata[i].key;
        bool is_free = begins_with(key, "general.") || begins_with(key, "confab.") ||
                       strcmp(key, "tokenizer.chat_template") == 0;
        for (size_t k = 0; k < CF_ARRAY_SIZE(ours); k++) {
            is_free = is_free && strcmp(key, ours[k]) != 0;
        }
        if (!is_free) {
            return cf_err_set(err, CF_ERR_USAGE,
                              "the key \"%s\" cannot be set (general.*, confab.* and "
                              "tokenizer.chat_template can)",
                              key);
        }
    }
    return CF_OK;
}

/* Whether the caller says something of the key: where the last time, into *index. */
static bool is_given(const struct cf_convert *convert, const char *key, size_t *index)
{
    for (size_t i = convert->n_metadata; i > 0; i--) {
        if (strcmp(convert->metadata[i - 1].key, key) == 0) {
            *index = i - 1;
            return true;
        }
    }
    return false;
}

static void put(const struct target *target, const char *key, const char *value)
{
    size_t index = 0;
    if (value != NULL && !is_given(target->convert, key, &index)) {
        cf_gguf_writer_string(target->writer, key, value, strlen(value));
    }
}

static void put_given(const struct target *target)
{
    for (size_t i = 0; i < target->convert->n_metadata; i++) {
        const struct cf_convert_metadata *row = &target->convert->metadata[i];
        size_t last = i;
        if (row->value != NULL && is_given(target->convert, row->key, &last) && last == i) {
            cf_gguf_writer_string(target->writer, row->key, row->value, strlen(row->value));
        }
    }
}

static void put_for_template(void *data, const char *key, const char *value)
{
    put(data, key, value);
}

static const char *find_for_template(const void *model, const char *key)
{
    return cf_model_metadata_find(model, key);
}

/* general.file_type; source: llama.cpp's enum llama_ftype. */
static uint32_t file_type(enum cf_dtype dtype)
{
    return dtype == CF_F16    ? 1
           : dtype == CF_Q4_0 ? 2
           : dtype == CF_Q4_1 ? 3
           : dtype == CF_Q5_0 ? 8
           : dtype == CF_Q5_1 ? 9
           : dtype == CF_Q8_0 ? 7
           : dtype == CF_BF16 ? 32
                              : 0;
}

static void put_sizes(struct cf_gguf_writer *writer, const struct cf_model *model)
{
    cf_gguf_writer_u32(writer, "gpt2.context_length", (uint32_t)model->n_ctx);
    cf_gguf_writer_u32(writer, "gpt2.embedding_length", (uint32_t)model->n_embd);
    cf_gguf_writer_u32(writer, "gpt2.feed_forward_length", (uint32_t)model->n_inner);
    cf_gguf_writer_u32(writer, "gpt2.block_count", (uint32_t)model->n_layer);
    cf_gguf_writer_u32(writer, "gpt2.attention.head_count", (uint32_t)model->n_head);
    cf_gguf_writer_f32(writer, "gpt2.attention.layer_norm_epsilon", model->layer_norm_epsilon);
    cf_gguf_writer_u32(writer, "gpt2.vocab_size", (uint32_t)model->n_vocab);
}

static int32_t token_type(const struct cf_tokenizer *tokenizer, int32_t id)
{
    switch (cf_tokenizer_kind(tokenizer, id)) {
    case CF_TOKEN_NORMAL:
        return TYPE_NORMAL;
    case CF_TOKEN_SPECIAL:
        return TYPE_CONTROL;
    case CF_TOKEN_ADDED:
        return TYPE_USER_DEFINED;
    case CF_TOKEN_NONE:
        break;
    }
    return TYPE_UNUSED;
}

/* A token as files write it: in the byte alphabet, the special and the added ones as they are. */
static void write_token(struct cf_buf *text, const struct cf_tokenizer *tokenizer, int32_t id)
{
    size_t size = 0;
    const char *piece = cf_tokenizer_piece(tokenizer, id, &size);
    if (piece == NULL) {
        cf_buf_addf(text, "[PAD%d]", (int)id); /* as llama.cpp's converter */
    } else if (cf_tokenizer_kind(tokenizer, id) == CF_TOKEN_NORMAL) {
        cf_tokenizer_spell(piece, size, text);
    } else {
        cf_buf_add(text, piece, size);
    }
}

static void put_tokens(struct cf_gguf_writer *writer, const struct cf_tokenizer *tokenizer,
                       int32_t n_vocab)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_gguf_writer_strings(writer, "tokenizer.ggml.tokens", (uint64_t)n_vocab);
    for (int32_t id = 0; id < n_vocab; id++) {
        cf_buf_clear(&text);
        write_token(&text, tokenizer, id);
        cf_gguf_writer_next_string(writer, text.data, text.size);
    }
    cf_gguf_writer_i32s(writer, "tokenizer.ggml.token_type", (uint64_t)n_vocab);
    for (int32_t id = 0; id < n_vocab; id++) {
        cf_gguf_writer_next_i32(writer, token_type(tokenizer, id));
    }
    int32_t n_merges = cf_tokenizer_n_merges(tokenizer);
    cf_gguf_writer_strings(writer, "tokenizer.ggml.merges", (uint64_t)n_merges);
    for (int32_t rank = 0; rank < n_merges; rank++) {
        int32_t left = -1;
        int32_t right = -1;
        cf_tokenizer_merge(tokenizer, rank, &left, &right);
        cf_buf_clear(&text);
        write_token(&text, tokenizer, left);
        cf_buf_add_char(&text, ' ');
        write_token(&text, tokenizer, right);
        cf_gguf_writer_next_string(writer, text.data, text.size);
    }
    cf_buf_release(&text);
}

static void put_tokenizer(struct cf_gguf_writer *writer, const struct cf_tokenizer *tokenizer,
                          int32_t n_vocab)
{
    static const char *const end_keys[] = {"tokenizer.ggml.eot_token_id",
                                           "tokenizer.ggml.eom_token_id"};
    int32_t bos = cf_tokenizer_bos(tokenizer);
    int32_t eos = cf_tokenizer_eos(tokenizer);
    cf_gguf_writer_string(writer, "tokenizer.ggml.model", "gpt2", 4);
    cf_gguf_writer_string(writer, "tokenizer.ggml.pre", "gpt-2", 5);
    put_tokens(writer, tokenizer, n_vocab);
    if (bos >= 0) {
        cf_gguf_writer_u32(writer, "tokenizer.ggml.bos_token_id", (uint32_t)bos);
    }
    if (eos >= 0) {
        cf_gguf_writer_u32(writer, "tokenizer.ggml.eos_token_id", (uint32_t)eos);
    }
    size_t n_ends = 0;
    for (int32_t id = 0; id < n_vocab && n_ends < CF_ARRAY_SIZE(end_keys); id++) {
        if (id != eos && cf_tokenizer_is_end(tokenizer, id)) {
            cf_gguf_writer_u32(writer, end_keys[n_ends], (uint32_t)id);
            n_ends++;
        }
    }
    cf_gguf_writer_bool(writer, "tokenizer.ggml.add_bos_token", cf_tokenizer_adds_bos(tokenizer));
}

void cf_quantize_metadata(struct cf_gguf_writer *writer, const struct cf_model *model,
                          const struct cf_tokenizer *tokenizer, const struct cf_convert *convert)
{
    struct target target = {.writer = writer, .convert = convert};
    enum cf_dtype dtype = convert->dtype;
    cf_gguf_writer_string(writer, "general.architecture", "gpt2", 4);
    cf_gguf_writer_string(writer, "general.type", "model", 5);
    put(&target, "general.name", model->name);
    cf_gguf_writer_u32(writer, "general.file_type", file_type(dtype));
    if (cf_dtype_n_block(dtype) > 1) {
        cf_gguf_writer_u32(writer, "general.quantization_version", 2);
    }
    put_sizes(writer, model);
    if (model->gelu == CF_GELU_ERF) {
        put(&target, "confab.activation_function", "gelu");
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(copied_keys); i++) {
        put(&target, copied_keys[i], cf_model_metadata_find(model, copied_keys[i]));
    }
    struct cf_template template = CF_TEMPLATE_INIT;
    enum cf_template_match match = cf_template_of_model(&template, find_for_template, model);
    if (match == CF_TEMPLATE_OWN || match == CF_TEMPLATE_RECOGNISED) {
        cf_template_metadata(&template, put_for_template, &target);
    }
    cf_template_release(&template);
    put_given(&target);
    put_tokenizer(writer, tokenizer, model->n_vocab);
}
