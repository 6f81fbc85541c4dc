/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tiny_model.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "random.h"

enum { N_EMBD = 16, N_HEAD = 2 };

char *tiny_folder(void)
{
    char template[] = "tiny.XXXXXX";
    assert_non_null(mkdtemp(template));
    return cf_strdup(template);
}

static void write_file(const char *folder, const char *name, const struct cf_buf *bytes)
{
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.data, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->size, file), bytes->size);
    assert_int_equal(fclose(file), 0);
    cf_buf_release(&path);
}

void tiny_model_remove(char *path)
{
    DIR *folder = opendir(path);
    if (folder != NULL) {
        const struct dirent *entry;
        while ((entry = readdir(folder)) != NULL) {
            struct cf_buf name = CF_BUF_INIT;
            cf_buf_addf(&name, "%s/%s", path, entry->d_name);
            (void)unlink(name.data);
            cf_buf_release(&name);
        }
        closedir(folder);
    }
    (void)rmdir(path);
    free(path);
}

/* Tensors in the order they are added; the header comes before the data. */
struct weights {
    struct cf_buf header;
    struct cf_buf data;
    struct test_random random;
};

static float *add_tensor(struct weights *weights, const char *name, int n_rows, int n_columns)
{
    size_t n = (size_t)n_rows * (size_t)(n_columns > 0 ? n_columns : 1);
    size_t begin = weights->data.size;
    cf_buf_addf(&weights->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d",
                weights->header.size > 1 ? "," : "", name, n_rows);
    if (n_columns > 0) {
        cf_buf_addf(&weights->header, ",%d", n_columns);
    }
    cf_buf_addf(&weights->header, "],\"data_offsets\":[%zu,%zu]}", begin,
                begin + n * sizeof(float));
    cf_buf_reserve(&weights->data, n * sizeof(float));
    const float zero = 0;
    for (size_t i = 0; i < n; i++) {
        cf_buf_add(&weights->data, &zero, sizeof zero);
    }
    return (float *)(void *)(weights->data.data + begin);
}

/* Roughly normal: the sum of twelve uniform numbers. */
static void add_random(struct weights *weights, const char *name, int n_rows, int n_columns,
                       double deviation, double mean)
{
    float *values = add_tensor(weights, name, n_rows, n_columns);
    size_t n = (size_t)n_rows * (size_t)(n_columns > 0 ? n_columns : 1);
    for (size_t i = 0; i < n; i++) {
        double sum = -6;
        for (int k = 0; k < 12; k++) {
            sum += (double)(test_random_next(&weights->random) >> 11) * 0x1p-53;
        }
        values[i] = (float)(mean + deviation * sum);
    }
}

static void add_layer(struct weights *weights, int layer)
{
    static const struct {
        const char *name;
        int n_rows, n_columns;
        double deviation, mean;
    } tensors[] = {
        {"ln_1.weight", N_EMBD, 0, 0.1, 1},
        {"ln_1.bias", N_EMBD, 0, 0.1, 0},
        {"attn.c_attn.weight", N_EMBD, 3 * N_EMBD, 0.4, 0},
        {"attn.c_attn.bias", 3 * N_EMBD, 0, 0.1, 0},
        {"attn.c_proj.weight", N_EMBD, N_EMBD, 0.3, 0},
        {"attn.c_proj.bias", N_EMBD, 0, 0.1, 0},
        {"ln_2.weight", N_EMBD, 0, 0.1, 1},
        {"ln_2.bias", N_EMBD, 0, 0.1, 0},
        {"mlp.c_fc.weight", N_EMBD, 4 * N_EMBD, 0.4, 0},
        {"mlp.c_fc.bias", 4 * N_EMBD, 0, 0.1, 0},
        {"mlp.c_proj.weight", 4 * N_EMBD, N_EMBD, 0.2, 0},
        {"mlp.c_proj.bias", N_EMBD, 0, 0.1, 0},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(tensors); i++) {
        struct cf_buf name = CF_BUF_INIT;
        cf_buf_addf(&name, "transformer.h.%d.%s", layer, tensors[i].name);
        add_random(weights, name.data, tensors[i].n_rows, tensors[i].n_columns,
                   tensors[i].deviation, tensors[i].mean);
        cf_buf_release(&name);
    }
}

static void write_weights(const char *folder, const struct tiny_spec *spec, int n_layer, int n_ctx)
{
    struct weights weights = {
        .header = CF_BUF_INIT, .data = CF_BUF_INIT, .random = {.state = spec->seed}};
    cf_buf_add_char(&weights.header, '{');
    add_random(&weights, "transformer.wte.weight", TINY_N_VOCAB, N_EMBD, 0.6, 0);
    add_random(&weights, "transformer.wpe.weight", n_ctx, N_EMBD, 0.4, 0);
    for (int layer = 0; layer < n_layer; layer++) {
        add_layer(&weights, layer);
    }
    add_random(&weights, "transformer.ln_f.weight", N_EMBD, 0, 0.1, 1);
    add_random(&weights, "transformer.ln_f.bias", N_EMBD, 0, 0.1, 0);
    add_random(&weights, "lm_head.weight", TINY_N_VOCAB, N_EMBD, 0.8, 0);
    float *bias = add_tensor(&weights, "lm_head.bias", TINY_N_VOCAB, 0);
    bias[TINY_EOS] = spec->eos_bias;
    if (spec->has_nan) {
        /* Too large for a float once the hidden state is added, without being NaN in the file. */
        float *head = (float *)(void *)bias - TINY_N_VOCAB * N_EMBD;
        for (int i = 0; i < N_EMBD; i++) {
            head[7 * N_EMBD + i] = 3.0e38f;
        }
    }
    cf_buf_add_char(&weights.header, '}');
    while (weights.header.size % 8 != 0) {
        cf_buf_add_char(&weights.header, ' ');
    }
    struct cf_buf file = CF_BUF_INIT;
    uint64_t size = weights.header.size;
    cf_buf_add(&file, &size, sizeof size);
    cf_buf_add(&file, weights.header.data, weights.header.size);
    cf_buf_add(&file, weights.data.data, weights.data.size);
    write_file(folder, "model.safetensors", &file);
    cf_buf_release(&file);
    cf_buf_release(&weights.header);
    cf_buf_release(&weights.data);
}

/* GPT-2 writes each byte as a character that can be seen: those that can stand for themselves, the
 * others follow from U+0100 on. */
static void write_tokenizer(const char *folder)
{
    struct cf_buf vocab = CF_BUF_INIT;
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_itself = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
        unsigned c = is_itself ? byte : next++;
        cf_buf_addf(&vocab, "%s\"\\u%04x\":%u", byte > 0 ? "," : "{", c, byte);
    }
    cf_buf_addf(&vocab, ",\"<|endoftext|>\":%d}", TINY_EOS);
    write_file(folder, "vocab.json", &vocab);
    cf_buf_release(&vocab);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, "#version: 0.2\n");
    write_file(folder, "merges.txt", &text);
    cf_buf_clear(&text);
    cf_buf_add_str(&text, "{\"eos_token\":\"<|endoftext|>\"}");
    write_file(folder, "tokenizer_config.json", &text);
    cf_buf_release(&text);
}

char *tiny_model_write(const struct tiny_spec *spec)
{
    int n_ctx = spec->n_ctx > 0 ? spec->n_ctx : TINY_N_CTX;
    int n_layer = spec->n_layer > 0 ? spec->n_layer : 2;
    char *folder = tiny_folder();
    struct cf_buf config = CF_BUF_INIT;
    cf_buf_addf(&config,
                "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],"
                "\"n_layer\":%d,\"n_head\":%d,\"n_embd\":%d,\"n_positions\":%d,\"n_ctx\":%d,"
                "\"vocab_size\":%d,\"activation_function\":\"gelu_new\","
                "\"layer_norm_epsilon\":1e-5,\"tie_word_embeddings\":false,"
                "\"eos_token_id\":%d}",
                n_layer, N_HEAD, N_EMBD, n_ctx, n_ctx, TINY_N_VOCAB, TINY_EOS);
    write_file(folder, "config.json", &config);
    cf_buf_release(&config);
    write_weights(folder, spec, n_layer, n_ctx);
    write_tokenizer(folder);
    return folder;
}
