/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model at its header: what is read from every form of file, and one sentence that names file and
 * tensor or setting for whatever is wrong with it.  Wrong files are made here from sound ones. */
#include "model_fixture.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "gguf.h"
#include "safetensors.h"

/* ---- Folders made for one test ---- */

static char folder[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "test_model.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json",
                                        "model.safetensors",
                                        "model.safetensors.index.json",
                                        "tokenizer_config.json",
                                        "generation_config.json",
                                        "chat_template.jinja",
                                        "model.gguf",
                                        "pytorch_model.bin",
                                        "other.safetensors"};
    char path[256];
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* The fixture's config.json with one key set to a JSON value (NULL: removed). */
static void write_config(const char *fixture, const char *key, const char *value)
{
    char path[512];
    char name[128];
    (void)snprintf(name, sizeof name, "%s/config.json", fixture);
    fixture_path(path, sizeof path, name);
    json_t *config = json_load_file(path, 0, NULL);
    assert_non_null(config);
    if (key != NULL && value != NULL) {
        json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(parsed);
        json_object_set_new(config, key, parsed);
    } else if (key != NULL) {
        json_object_del(config, key);
    }
    char *text = json_dumps(config, 0);
    write_text("config.json", text);
    free(text);
    json_decref(config);
}

/* How a copy of the fixture's weights differs from it; zero is not at all. */
struct edit {
    const char *tensor;      /* the one that is changed */
    const char *rename;      /* its name instead; "" drops it */
    const char *dtype;       /* its dtype instead, of the same size */
    bool is_turned;          /* its two dimensions change places */
    const char *spoil;       /* a bit pattern for its element 5: "nan", "inf" */
    const char *extra;       /* one more tensor: a copy of TENSOR under this name */
    bool is_extra_different; /* with another first element */
    size_t n_spaces;         /* behind the header, which moves the data */
};

static void add_shape(struct cf_buf *header, const struct cf_safetensor *tensor, bool is_turned)
{
    for (int i = 0; i < tensor->n_dims; i++) {
        int from = is_turned ? tensor->n_dims - 1 - i : i;
        cf_buf_addf(header, "%s%lld", i > 0 ? "," : "", (long long)tensor->dims[from]);
    }
}

static void add_tensor(struct cf_buf *header, struct cf_buf *data,
                       const struct cf_safetensor *tensor, const char *name, const char *dtype,
                       bool is_turned)
{
    cf_buf_addf(header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", header->size > 1 ? "," : "", name,
                dtype);
    add_shape(header, tensor, is_turned);
    cf_buf_addf(header, "],\"data_offsets\":[%zu,%zu]}", data->size, data->size + tensor->size);
    cf_buf_add(data, tensor->data, tensor->size);
}

static void write_weights(const char *file, const char *fixture, const struct edit *edit)
{
    char path[512];
    char name[128];
    (void)snprintf(name, sizeof name, "%s/model.safetensors", fixture);
    fixture_path(path, sizeof path, name);
    struct cf_safetensors *sound;
    assert_int_equal(cf_safetensors_open(&sound, path, NULL), CF_OK);
    struct cf_buf header = CF_BUF_INIT;
    struct cf_buf data = CF_BUF_INIT;
    cf_buf_add_char(&header, '{');
    bool is_found = edit->tensor == NULL;
    for (size_t i = 0; i < cf_safetensors_n(sound); i++) {
        const struct cf_safetensor *tensor = cf_safetensors_at(sound, i);
        if (edit->tensor == NULL || strcmp(tensor->name, edit->tensor) != 0) {
            add_tensor(&header, &data, tensor, tensor->name, tensor->type_name, false);
            continue;
        }
        is_found = true;
        size_t begin = data.size;
        if (edit->rename == NULL || edit->rename[0] != '\0') {
            add_tensor(&header, &data, tensor, edit->rename != NULL ? edit->rename : tensor->name,
                       edit->dtype != NULL ? edit->dtype : tensor->type_name, edit->is_turned);
        }
        if (edit->spoil != NULL) {
            float value = strcmp(edit->spoil, "nan") == 0 ? NAN : -INFINITY;
            memcpy(data.data + begin + 20, &value, sizeof value);
        }
        if (edit->extra != NULL) {
            begin = data.size;
            add_tensor(&header, &data, tensor, edit->extra, tensor->type_name, false);
            data.data[begin] = (char)(data.data[begin] ^ (edit->is_extra_different ? 1 : 0));
        }
    }
    assert_true(is_found);
    cf_buf_add_char(&header, '}');
    while (header.size % 8 != edit->n_spaces) {
        cf_buf_add_char(&header, ' ');
    }
    struct cf_buf whole = CF_BUF_INIT;
    uint64_t header_size = header.size;
    cf_buf_add(&whole, &header_size, sizeof header_size);
    cf_buf_add(&whole, header.data, header.size);
    cf_buf_add(&whole, data.data, data.size);
    write_file(file, whole.data, whole.size);
    cf_buf_release(&whole);
    cf_buf_release(&data);
    cf_buf_release(&header);
    cf_safetensors_close(sound);
}

static void assert_refused(const char *path, enum cf_code code, const char *sentence)
{
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    enum cf_code found = cf_model_open(&model, path, &err);
    if (found != code || strstr(err.text, sentence) == NULL || strstr(err.text, path) == NULL) {
        fail_msg("%d, '%s' where %d, '%s' is due", (int)found, err.text, (int)code, sentence);
    }
    assert_null(model);
}

static struct cf_model *assert_opens(const char *path)
{
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

/* ---- What is read ---- */

static void model__open__reads_hyper_parameters(void **state)
{
    (void)state;
    struct cf_model *model = fixture_open("bias-f16");
    assert_int_equal(model->n_layer, 2);
    assert_int_equal(model->n_head, 2);
    assert_int_equal(model->n_embd, 40);
    assert_int_equal(model->n_inner, 64);
    assert_int_equal(model->n_ctx, 224);
    assert_int_equal(model->n_vocab, 101);
    assert_int_equal(model->gelu, CF_GELU_TANH);
    assert_int_equal(model->dtype, CF_F16);
    assert_false(model->is_tied);
    assert_non_null(model->lm_head_bias);
    assert_string_equal(model->name, "bias-f16");
    assert_int_equal(model->layers[1].mlp_up.layout, CF_TILES);
    assert_int_equal(model->layers[1].mlp_up.n_out, 64);
    assert_int_equal(cf_model_size(model), 2 * model->n_parameters);
    assert_int_equal(cf_model_check_finite(model, NULL), CF_OK);
    cf_model_free(model);

    model = fixture_open("shards-f32");
    assert_int_equal(model->gelu, CF_GELU_ERF);
    assert_int_equal(model->n_layer, 3);
    assert_int_equal(model->n_inner, 37);
    cf_model_free(model);

    model = fixture_open("odd-f32/model.safetensors");
    assert_string_equal(model->name, "odd-f32");
    assert_true(fabsf(model->layer_norm_epsilon - 1e-3F) < 1e-9F);
    assert_true(model->is_tied);
    assert_ptr_equal(model->lm_head.data, model->wte.data);
    cf_model_free(model);
    cf_model_free(NULL);
}

static void model__open__reads_gguf(void **state)
{
    (void)state;
    struct cf_model *model = fixture_open("gguf-f16.gguf");
    assert_int_equal(model->gelu, CF_GELU_ERF);
    assert_int_equal(model->n_head, 3);
    assert_int_equal(model->dtype, CF_F16);
    assert_false(model->is_tied);
    assert_non_null(model->lm_head_bias);
    assert_int_equal(model->layers[0].attn_qkv.layout, CF_TILES);
    assert_string_equal(model->name, "gguf-f16");
    assert_string_equal(cf_model_metadata_find(model, "general.license"), "CC0-1.0");
    assert_string_equal(cf_model_metadata_find(model, "gpt2.block_count"), "1");
    assert_null(cf_model_metadata_find(model, "general.licence"));
    cf_model_free(model);
    model = fixture_open("gguf-q8.gguf");
    assert_int_equal(model->dtype, CF_Q8_0);
    assert_int_equal(model->wpe.dtype, CF_F32);
    assert_true(model->is_tied);
    cf_model_free(model);
}

static void model__open__reads_what_lies_beside_the_weights(void **state)
{
    (void)state;
    write_config("odd-f32", NULL, NULL);
    write_weights("model.safetensors", "odd-f32", &(struct edit){0});
    write_text("tokenizer_config.json",
               "{\"chat_template\": [{\"name\": \"tool\", \"template\": \"no\"},"
               " {\"name\": \"default\", \"template\": \"{{ yes }}\"}]}");
    write_text("generation_config.json",
               "{\"do_sample\": true, \"temperature\": 0.7, \"top_k\": 40, \"top_p\": 1,"
               " \"max_new_tokens\": 120, \"eos_token_id\": 5}");
    struct cf_model *model = assert_opens(folder);
    assert_string_equal(cf_model_metadata_find(model, "tokenizer.chat_template"), "{{ yes }}");
    assert_string_equal(cf_model_metadata_find(model, "confab.temperature"), "0.7");
    assert_string_equal(cf_model_metadata_find(model, "confab.top_k"), "40");
    assert_string_equal(cf_model_metadata_find(model, "confab.top_p"), "1");
    assert_string_equal(cf_model_metadata_find(model, "confab.max_tokens"), "120");
    assert_null(cf_model_metadata_find(model, "confab.repeat_penalty"));
    cf_model_free(model);

    write_text("chat_template.jinja", "newer");
    write_text("generation_config.json", "{\"do_sample\": false, \"temperature\": 0.7}");
    model = assert_opens(folder);
    assert_string_equal(cf_model_metadata_find(model, "tokenizer.chat_template"), "newer");
    assert_null(cf_model_metadata_find(model, "confab.temperature"));
    cf_model_free(model);

    write_text("generation_config.json", "{\"temperature\": ");
    assert_refused(folder, CF_ERR_FORMAT, "generation_config.json, line 1: no sound JSON");
}

/* ---- What is refused ---- */

static void model__config__refuses_what_is_not_implemented(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        enum cf_code code;
        const char *sentence;
    } cases[] = {
        {"model_type", "\"gpt_neo\"", CF_ERR_UNSUPPORTED, "type 'gpt_neo' is not supported"},
        {"model_type", NULL, CF_ERR_FORMAT, "'model_type' is missing"},
        {"architectures", "[\"GPT2ForSequenceClassification\"]", CF_ERR_UNSUPPORTED,
         "'GPT2ForSequenceClassification' is not supported"},
        {"scale_attn_weights", "false", CF_ERR_UNSUPPORTED,
         "'scale_attn_weights' set to false is not supported"},
        {"scale_attn_by_inverse_layer_idx", "true", CF_ERR_UNSUPPORTED,
         "'scale_attn_by_inverse_layer_idx' set to true is not supported"},
        {"reorder_and_upcast_attn", "true", CF_ERR_UNSUPPORTED, "'reorder_and_upcast_attn' set"},
        {"add_cross_attention", "true", CF_ERR_UNSUPPORTED, "'add_cross_attention' set to true"},
        {"add_cross_attention", "1", CF_ERR_FORMAT, "'add_cross_attention' is neither true nor"},
        {"activation_function", "\"relu\"", CF_ERR_UNSUPPORTED,
         "'activation_function' set to 'relu' is not supported"},
        {"activation_function", "null", CF_ERR_UNSUPPORTED, "'activation_function' set to '?'"},
        {"quantization_config", "{\"bits\": 4}", CF_ERR_UNSUPPORTED, "'quantization_config'"},
        {"pruned_heads", "{\"0\": [1]}", CF_ERR_UNSUPPORTED, "'pruned_heads' is not supported"},
        {"position_embedding_type", "\"rotary\"", CF_ERR_UNSUPPORTED, "set to 'rotary'"},
        {"n_layer", NULL, CF_ERR_FORMAT, "'n_layer' is missing"},
        {"n_layer", "0", CF_ERR_FORMAT, "'n_layer' is 0, not between 1 and 1024"},
        {"n_layer", "100000", CF_ERR_FORMAT, "'n_layer' is 100000, not between"},
        {"n_embd", "\"35\"", CF_ERR_FORMAT, "'n_embd' is no whole number"},
        {"n_embd", "35.0", CF_ERR_FORMAT, "'n_embd' is no whole number"},
        {"n_embd", "9000000000", CF_ERR_FORMAT, "'n_embd' is 9000000000, not between"},
        {"n_head", "3", CF_ERR_FORMAT, "'n_embd' 35 is no multiple of 'n_head' 3"},
        {"n_positions", "-5", CF_ERR_FORMAT, "'n_positions' is -5"},
        {"vocab_size", "2000000000", CF_ERR_FORMAT, "'vocab_size' is 2000000000"},
        {"layer_norm_epsilon", "0", CF_ERR_FORMAT, "'layer_norm_epsilon' is no number between"},
        {"layer_norm_epsilon", "\"tiny\"", CF_ERR_FORMAT, "'layer_norm_epsilon' is no number"},
        {"tie_word_embeddings", "0", CF_ERR_FORMAT, "'tie_word_embeddings' is neither true nor"},
    };
    write_weights("model.safetensors", "odd-f32", &(struct edit){0});
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        write_config("odd-f32", cases[i].key, cases[i].value);
        assert_refused(folder, cases[i].code, cases[i].sentence);
    }
    static const struct {
        const char *key, *value;
    } harmless[] = {
        {"pruned_heads", "{}"},    {"n_ctx", "96"},
        {"summary_type", "\"x\""}, {"quantization_config", "null"},
        {"resid_pdrop", "0.1"},    {"activation_function", "\"gelu_pytorch_tanh\""},
        {"n_inner", "51"},         {"architectures", "[\"GPT2Model\"]"},
        {"architectures", "[]"},   {"scale_attn_weights", "true"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(harmless); i++) {
        write_config("odd-f32", harmless[i].key, harmless[i].value);
        cf_model_free(assert_opens(folder));
    }
    write_text("config.json", "{\"model_type\": \"gpt2\",");
    assert_refused(folder, CF_ERR_FORMAT, "config.json, line 1: no sound JSON");
    write_text("config.json", "[]");
    assert_refused(folder, CF_ERR_FORMAT, "config.json: no JSON object");
}

static void model__config__sizes_must_fit_the_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *sentence;
    } cases[] = {
        {"n_layer", "2", "tensor 'transformer.h.1.attn.c_attn.weight' is missing"},
        {"n_embd", "70", "tensor 'transformer.wte.weight' is [59, 35] and not [59, 70]"},
        {"vocab_size", "60", "tensor 'transformer.wte.weight' is [59, 35] and not [60, 35]"},
        {"n_positions", "4000000",
         "tensor 'transformer.wpe.weight' is [96, 35] and not [4000000, "},
        {"n_inner", "1000000",
         "'transformer.h.0.mlp.c_fc.weight' is [35, 51] and not [35, 1000000"},
        {"n_inner", "null", "'transformer.h.0.mlp.c_fc.weight' is [35, 51] and not [35, 140]"},
        {"tie_word_embeddings", "false", "tensor 'lm_head.weight' is missing"},
        {"lm_head_bias", "true", "tensor 'lm_head.bias' is missing"},
    };
    write_weights("model.safetensors", "odd-f32", &(struct edit){0});
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        write_config("odd-f32", cases[i].key, cases[i].value);
        assert_refused(folder, CF_ERR_FORMAT, cases[i].sentence);
    }
}

static void model__weights__refuse_what_has_no_place(void **state)
{
    (void)state;
    static const struct {
        struct edit edit;
        enum cf_code code;
        const char *sentence;
    } cases[] = {
        {{.tensor = "transformer.h.0.ln_2.bias", .rename = ""},
         CF_ERR_FORMAT,
         "model.safetensors: tensor 'transformer.h.0.ln_2.bias' is missing"},
        {{.tensor = "transformer.wte.weight", .rename = "transformer.wt.weight"},
         CF_ERR_FORMAT,
         "tensor 'transformer.wte.weight' is missing"},
        {{.tensor = "transformer.h.0.mlp.c_fc.weight", .is_turned = true},
         CF_ERR_FORMAT,
         "tensor 'transformer.h.0.mlp.c_fc.weight' is [51, 35] and not [35, 51]"},
        {{.tensor = "transformer.h.0.mlp.c_fc.weight", .dtype = "I32"},
         CF_ERR_UNSUPPORTED,
         "tensor 'transformer.h.0.mlp.c_fc.weight' has type I32, which is not supported"},
        {{.tensor = "transformer.ln_f.bias", .dtype = "U32"},
         CF_ERR_UNSUPPORTED,
         "tensor 'transformer.ln_f.bias' has type U32, which is not supported"},
        {{.tensor = "transformer.h.0.ln_1.bias", .extra = "transformer.h.1.ln_1.bias"},
         CF_ERR_UNSUPPORTED,
         "tensor 'transformer.h.1.ln_1.bias' has no place in this model"},
        {{.tensor = "transformer.h.0.ln_1.bias", .extra = "transformer.h.0.adapter.bias"},
         CF_ERR_UNSUPPORTED,
         "tensor 'transformer.h.0.adapter.bias' has no place"},
        {{.tensor = "transformer.h.0.ln_1.bias", .extra = "transformer.h.00.ln_1.bias"},
         CF_ERR_UNSUPPORTED,
         "tensor 'transformer.h.00.ln_1.bias' has no place"},
        {{.tensor = "transformer.wte.weight",
          .extra = "lm_head.weight",
          .is_extra_different = true},
         CF_ERR_FORMAT,
         "tensor 'lm_head.weight' differs from 'transformer.wte.weight'"},
        {{.tensor = "transformer.ln_f.weight", .spoil = "nan"},
         CF_ERR_CORRUPT,
         "tensor 'transformer.ln_f.weight' holds NaN or infinity"},
        {{.tensor = "transformer.h.0.attn.c_proj.weight", .spoil = "nan"},
         CF_ERR_CORRUPT,
         "tensor 'transformer.h.0.attn.c_proj.weight' holds NaN or infinity"},
        {{.tensor = "transformer.wpe.weight", .spoil = "inf"},
         CF_ERR_CORRUPT,
         "tensor 'transformer.wpe.weight' holds NaN or infinity"},
    };
    write_config("odd-f32", NULL, NULL);
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        write_weights("model.safetensors", "odd-f32", &cases[i].edit);
        assert_refused(folder, cases[i].code, cases[i].sentence);
    }
    static const struct edit harmless[] = {
        {.tensor = "transformer.wte.weight", .extra = "lm_head.weight"},
        {.tensor = "transformer.ln_f.bias", .extra = "score.bias"},
        {.tensor = "transformer.ln_f.bias", .extra = "transformer.h.0.attn.masked_bias"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(harmless); i++) {
        write_weights("model.safetensors", "odd-f32", &harmless[i]);
        cf_model_free(assert_opens(folder));
    }
}

/* Files of before 2023 have headers of any length, so that elements lie anywhere. */
static void model__weights__may_be_unaligned(void **state)
{
    (void)state;
    struct cf_model *sound = fixture_open("odd-f32");
    write_config("odd-f32", NULL, NULL);
    for (size_t n_spaces = 1; n_spaces < 8; n_spaces += 2) {
        write_weights("model.safetensors", "odd-f32", &(struct edit){.n_spaces = n_spaces});
        struct cf_model *model = assert_opens(folder);
        const struct cf_matrix *matrix = &model->layers[0].mlp_down;
        assert_int_equal((uintptr_t)matrix->data % sizeof(float), 0);
        assert_memory_equal(matrix->data, sound->layers[0].mlp_down.data, 35 * 51 * sizeof(float));
        assert_memory_equal(model->ln_f_bias, sound->ln_f_bias, 35 * sizeof(float));
        cf_model_free(model);
    }
    cf_model_free(sound);
}

static void model__folder__must_hold_its_files(void **state)
{
    (void)state;
    assert_refused("no-such-model", CF_ERR_NOT_FOUND, "No such file");
    assert_refused(folder, CF_ERR_NOT_FOUND, "config.json: No such file");
    write_config("odd-f32", NULL, NULL);
    assert_refused(folder, CF_ERR_NOT_FOUND, "has no model.safetensors");
    write_text("pytorch_model.bin", "x");
    assert_refused(folder, CF_ERR_UNSUPPORTED, "has its weights in an older form only");
    write_text("model.safetensors.index.json", "{\"weight_map\": {}}");
    assert_refused(folder, CF_ERR_FORMAT, "'weight_map' is missing or empty");
    write_text("model.safetensors.index.json",
               "{\"weight_map\": {\"transformer.wte.weight\": \"../model.safetensors\"}}");
    assert_refused(folder, CF_ERR_FORMAT,
                   "the file of tensor 'transformer.wte.weight' is no plain file name");
    write_text("model.safetensors.index.json",
               "{\"weight_map\": {\"transformer.wte.weight\": \"other.safetensors\"}}");
    assert_refused(folder, CF_ERR_NOT_FOUND, "other.safetensors: No such file");
    write_text("other.safetensors", "{}");
    assert_refused(folder, CF_ERR_FORMAT, "other.safetensors: not a safetensors file");
    write_weights("other.safetensors", "odd-f32", &(struct edit){0});
    cf_model_free(assert_opens(folder));
    /* The same tensors in two shards. */
    write_text("model.safetensors.index.json",
               "{\"weight_map\": {\"a\": \"other.safetensors\", \"b\": \"model.safetensors\"}}");
    write_weights("model.safetensors", "odd-f32", &(struct edit){0});
    char path[256];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    cf_model_free(assert_opens(folder));
    assert_int_equal(unlink(path), 0);
    write_text("model.safetensors.index.json",
               "{\"weight_map\": {\"a\": \"other.safetensors\", \"b\": \"model.gguf\"}}");
    write_weights("model.gguf", "odd-f32", &(struct edit){0});
    assert_refused(folder, CF_ERR_FORMAT, "tensor 'transformer.wte.weight' is in ");
    /* What is no model at all. */
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    assert_refused(path, CF_ERR_FORMAT, "neither a GGUF file, a .safetensors file nor");
}

/* One change to the sound GGUF file: at the place behind KEY plus OFFSET. */
static void model__gguf__refuses_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t offset, size;
        uint64_t value;
        enum cf_code code;
        const char *sentence;
    } cases[] = {
        /* a string's value follows its type and its length */
        {"general.architecture", 12, 4, 0x616D6C6C, CF_ERR_UNSUPPORTED,
         "the architecture 'llma' is not supported, only gpt2"},
        {"general.architecture", 0, 4, CF_GGUF_I64, CF_ERR_FORMAT, ""},
        {"gpt2.block_count", 4, 4, 3, CF_ERR_FORMAT, "tensor 'blk.1.attn_qkv.weight' is missing"},
        {"gpt2.block_count", 4, 4, 0, CF_ERR_FORMAT, "'gpt2.block_count' is 0, not between"},
        {"gpt2.block_count", 4, 4, 1 << 30, CF_ERR_FORMAT, "'gpt2.block_count' is 1073741824"},
        {"gpt2.block_count", 0, 4, CF_GGUF_F32, CF_ERR_FORMAT,
         "'gpt2.block_count' is no whole number"},
        {"gpt2.attention.head_count", 4, 4, 5, CF_ERR_FORMAT, "is no multiple of "},
        {"gpt2.context_length", 4, 4, 225, CF_ERR_FORMAT,
         "tensor 'position_embd.weight' is [224, 32] and not [225, 32]"},
        {"gpt2.attention.layer_norm_epsilon", 4, 4, 0x7FC00000, CF_ERR_FORMAT,
         "'gpt2.attention.layer_norm_epsilon' is no number between 0 and 1"},
        /* a tensor's dimensions, type and offset follow the number of dimensions */
        {"blk.0.ffn_up.weight", 20, 4, 16, CF_ERR_UNSUPPORTED,
         "tensor 'blk.0.ffn_up.weight' has type 16, which is not supported"},
        {"blk.0.ffn_up.weight", 4, 4, 16, CF_ERR_FORMAT,
         "tensor 'blk.0.ffn_up.weight' is [128, 16] and not [128, 32]"},
        {"blk.0.ffn_up.bias", 12, 4, CF_Q8_0, CF_ERR_UNSUPPORTED,
         "tensor 'blk.0.ffn_up.bias' has type q8_0, which is not supported"},
        {"blk.0.ffn_up.bias", 4, 8, 127, CF_ERR_FORMAT,
         "tensor 'blk.0.ffn_up.bias' is [127] and not [128]"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct fixture_file file = fixture_load("gguf-f32.gguf");
        char path[256];
        size_t place = fixture_place(&file, cases[i].key);
        fixture_put(&file, place + cases[i].offset, cases[i].value, cases[i].size);
        write_file("model.gguf", file.bytes, file.size);
        (void)snprintf(path, sizeof path, "%s/model.gguf", folder);
        assert_refused(path, cases[i].code, cases[i].sentence);
        free(file.bytes);
    }
    /* A block's scale that is no number. */
    struct fixture_file file = fixture_load("gguf-q8.gguf");
    char path[256];
    struct cf_gguf *gguf;
    (void)snprintf(path, sizeof path, "%s/model.gguf", folder);
    assert_int_equal(cf_gguf_parse(&gguf, file.bytes, file.size, path, NULL), CF_OK);
    const unsigned char *data = cf_gguf_tensor_find(gguf, "blk.1.attn_output.weight")->data;
    fixture_put(&file, (size_t)(data - file.bytes) + 34 * 7, 0x7C00, 2);
    cf_gguf_close(gguf);
    write_file("model.gguf", file.bytes, file.size);
    assert_refused(path, CF_ERR_CORRUPT, "tensor 'blk.1.attn_output.weight' holds NaN or infinity");
    free(file.bytes);
}

/* A big model is not looked through when it is opened; then the logits tell. */
static void model__nan__is_found_at_the_first_evaluation(void **state)
{
    (void)state;
    write_config("odd-f32", NULL, NULL);
    write_weights("model.safetensors", "odd-f32", &(struct edit){0});
    struct cf_model *model = assert_opens(folder);
    struct engine engine = engine_open(model, CF_F32, 1, 1);
    struct cf_err err = CF_ERR_INIT;
    const int32_t ids[] = {1, 2, 3};
    assert_int_equal(cf_session_sync(engine.session, 0, ids, 2, NULL, NULL, &err), CF_OK);
    /* The file changes under the mapping, which shows it. */
    char path[256];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    size_t size;
    char *bytes = test_read_file(path, &size);
    const struct cf_matrix *wpe = &model->wpe; /* the one matrix that is read where it is mapped */
    const char *third = (const char *)wpe->data + 2 * (size_t)wpe->n_in * sizeof(float);
    float nan_value = NAN;
    for (size_t i = 8; i + 16 <= size; i++) {
        if (memcmp(bytes + i, third, 16) == 0) {
            FILE *file = fopen(path, "r+b");
            assert_non_null(file);
            assert_int_equal(fseek(file, (long)i, SEEK_SET), 0);
            assert_int_equal(fwrite(&nan_value, sizeof nan_value, 1, file), 1);
            assert_int_equal(fclose(file), 0);
        }
    }
    free(bytes);
    assert_int_equal(cf_session_sync(engine.session, 0, ids, 3, NULL, NULL, &err), CF_ERR_CORRUPT);
    assert_non_null(strstr(err.text, "tensor 'transformer.wpe.weight' holds NaN"));
    assert_non_null(strstr(err.text, path));
    assert_null(cf_session_logits(engine.session, 0));
    int branch = 0;
    assert_int_equal(cf_session_decode(engine.session, &branch, ids, 1, NULL, &err),
                     CF_ERR_CORRUPT);
    int32_t n;
    (void)cf_session_ids(engine.session, 0, &n);
    assert_int_equal(n, 3);
    engine_close(&engine);
    cf_model_free(model);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(model__open__reads_hyper_parameters),
        TEST(model__open__reads_gguf),
        TEST(model__open__reads_what_lies_beside_the_weights),
        TEST(model__config__refuses_what_is_not_implemented),
        TEST(model__config__sizes_must_fit_the_tensors),
        TEST(model__weights__refuse_what_has_no_place),
        TEST(model__weights__may_be_unaligned),
        TEST(model__folder__must_hold_its_files),
        TEST(model__gguf__refuses_what_is_wrong),
        TEST(model__nan__is_found_at_the_first_evaluation),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
