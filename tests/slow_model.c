/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slow_model.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"

enum { N_VOCAB = 257, N_EMBD = 256, N_LAYER = 12, EOS = 256 };

/* Where a tensor lies among the data. */
static size_t add_tensor(struct cf_buf *header, size_t *end, const char *name, int n_rows,
                         int n_columns)
{
    size_t begin = *end;
    *end += (size_t)n_rows * (size_t)(n_columns > 0 ? n_columns : 1) * sizeof(float);
    cf_buf_addf(header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d", header->size > 1 ? "," : "",
                name, n_rows);
    if (n_columns > 0) {
        cf_buf_addf(header, ",%d", n_columns);
    }
    cf_buf_addf(header, "],\"data_offsets\":[%zu,%zu]}", begin, *end);
    return begin;
}

static void add_layer(struct cf_buf *header, size_t *end, int layer)
{
    static const struct {
        const char *name;
        int n_rows, n_columns;
    } tensors[] = {
        {"ln_1.weight", N_EMBD, 0},
        {"ln_1.bias", N_EMBD, 0},
        {"attn.c_attn.weight", N_EMBD, 3 * N_EMBD},
        {"attn.c_attn.bias", 3 * N_EMBD, 0},
        {"attn.c_proj.weight", N_EMBD, N_EMBD},
        {"attn.c_proj.bias", N_EMBD, 0},
        {"ln_2.weight", N_EMBD, 0},
        {"ln_2.bias", N_EMBD, 0},
        {"mlp.c_fc.weight", N_EMBD, 4 * N_EMBD},
        {"mlp.c_fc.bias", 4 * N_EMBD, 0},
        {"mlp.c_proj.weight", 4 * N_EMBD, N_EMBD},
        {"mlp.c_proj.bias", N_EMBD, 0},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(tensors); i++) {
        char name[64];
        snprintf(name, sizeof name, "h.%d.%s", layer, tensors[i].name);
        add_tensor(header, end, name, tensors[i].n_rows, tensors[i].n_columns);
    }
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

static void poke(FILE *file, size_t offset, float value)
{
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
}

/* The final norm gives the same for everything: one in the first place, zero elsewhere.  So the
 * first column of wte, which is the head too, holds the logits: 0 for letters and space. */
static void write_weights(const char *folder)
{
    struct cf_buf header = CF_BUF_INIT;
    cf_buf_add_char(&header, '{');
    size_t end = 0;
    size_t wte = add_tensor(&header, &end, "wte.weight", N_VOCAB, N_EMBD);
    add_tensor(&header, &end, "wpe.weight", SLOW_N_CTX, N_EMBD);
    for (int layer = 0; layer < N_LAYER; layer++) {
        add_layer(&header, &end, layer);
    }
    add_tensor(&header, &end, "ln_f.weight", N_EMBD, 0);
    size_t bias = add_tensor(&header, &end, "ln_f.bias", N_EMBD, 0);
    cf_buf_add_char(&header, '}');
    while (header.size % 8 != 0) {
        cf_buf_add_char(&header, ' ');
    }
    FILE *file = open_in(folder, "model.safetensors");
    uint64_t size = header.size;
    assert_int_equal(fwrite(&size, sizeof size, 1, file), 1);
    assert_int_equal(fwrite(header.data, 1, header.size, file), header.size);
    size_t data = sizeof size + header.size;
    for (size_t id = 0; id < N_VOCAB; id++) {
        bool is_letter = (id >= 'a' && id <= 'z') || id == ' ';
        poke(file, data + wte + id * N_EMBD * sizeof(float), is_letter ? 0.0f : -100.0f);
    }
    poke(file, data + bias, 1.0f);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(ftruncate(fileno(file), (off_t)(data + end)), 0);
    assert_int_equal(fclose(file), 0);
    cf_buf_release(&header);
}

/* The alphabet in which GPT-2's vocabulary writes bytes. */
static void write_vocab(const char *folder)
{
    FILE *file = open_in(folder, "vocab.json");
    fputs("{", file);
    unsigned next = 256;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        fprintf(file, "\"\\u%04x\":%u,", is_plain ? byte : next++, byte);
    }
    fprintf(file, "\"<|endoftext|>\":%d}", EOS);
    assert_int_equal(fclose(file), 0);
    file = open_in(folder, "merges.txt");
    fputs("#version: 0.2\n", file);
    assert_int_equal(fclose(file), 0);
}

void slow_model_write(const char *folder)
{
    write_weights(folder);
    write_vocab(folder);
    FILE *file = open_in(folder, "config.json");
    fprintf(file,
            "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"vocab_size\":%d,"
            "\"n_positions\":%d,\"n_ctx\":%d,\"n_embd\":%d,\"n_layer\":%d,\"n_head\":4,"
            "\"activation_function\":\"gelu_new\",\"layer_norm_epsilon\":1e-5,"
            "\"bos_token_id\":%d,\"eos_token_id\":%d,\"tie_word_embeddings\":true}",
            N_VOCAB, SLOW_N_CTX, SLOW_N_CTX, N_EMBD, N_LAYER, EOS, EOS);
    assert_int_equal(fclose(file), 0);
}
