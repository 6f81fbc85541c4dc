/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.json of a Hugging Face folder.  Source: transformers, configuration_gpt2.py.
 *
 * What changes the numbers and is not implemented is refused by name; what only matters in training
 * (dropout, initialisation) or to other heads (summary_*, labels) is passed over. */
#include <math.h>
#include <string.h>

#include "model_parts.h"

struct config {
    const json_t *json;
    const char *path;
    struct cf_err *err;
};

/* An integer under NAME or, as transformers allows, under ALIAS. */
static enum cf_code read_int(const struct config *config, const char *name, const char *alias,
                             int32_t max, int32_t *value)
{
    const json_t *json = json_object_get(config->json, name);
    if (json == NULL && alias != NULL) {
        json = json_object_get(config->json, alias);
    }
    if (json == NULL) {
        return cf_err_set(config->err, CF_ERR_FORMAT, "%s: '%s' is missing", config->path, name);
    }
    if (!json_is_integer(json)) {
        return cf_err_set(config->err, CF_ERR_FORMAT, "%s: '%s' is no whole number", config->path,
                          name);
    }
    json_int_t number = json_integer_value(json);
    if (number < 1 || number > max) {
        return cf_err_set(config->err, CF_ERR_FORMAT, "%s: '%s' is %lld, not between 1 and %ld",
                          config->path, name, (long long)number, (long)max);
    }
    *value = (int32_t)number;
    return CF_OK;
}

/* A switch that is implemented in one position only. */
static enum cf_code want_bool(const struct config *config, const char *name, bool wanted)
{
    const json_t *json = json_object_get(config->json, name);
    if (json == NULL || json_is_null(json)) {
        return CF_OK;
    }
    if (!json_is_boolean(json)) {
        return cf_err_set(config->err, CF_ERR_FORMAT, "%s: '%s' is neither true nor false",
                          config->path, name);
    }
    if (json_is_true(json) != wanted) {
        return cf_err_set(config->err, CF_ERR_UNSUPPORTED, "%s: '%s' set to %s is not supported",
                          config->path, name, wanted ? "false" : "true");
    }
    return CF_OK;
}

/* A setting that must be absent, null or empty. */
static enum cf_code want_nothing(const struct config *config, const char *name)
{
    const json_t *json = json_object_get(config->json, name);
    if (json == NULL || json_is_null(json) || json_is_false(json) ||
        (json_is_object(json) && json_object_size(json) == 0) ||
        (json_is_array(json) && json_array_size(json) == 0)) {
        return CF_OK;
    }
    return cf_err_set(config->err, CF_ERR_UNSUPPORTED, "%s: '%s' is not supported", config->path,
                      name);
}

static enum cf_code read_bool(const struct config *config, const char *name, bool *value)
{
    const json_t *json = json_object_get(config->json, name);
    if (json != NULL && !json_is_null(json)) {
        if (!json_is_boolean(json)) {
            return cf_err_set(config->err, CF_ERR_FORMAT, "%s: '%s' is neither true nor false",
                              config->path, name);
        }
        *value = json_is_true(json);
    }
    return CF_OK;
}

static enum cf_code check_kind(const struct config *config)
{
    const char *type = json_string_value(json_object_get(config->json, "model_type"));
    if (type == NULL) {
        return cf_err_set(config->err, CF_ERR_FORMAT, "%s: 'model_type' is missing", config->path);
    }
    if (strcmp(type, "gpt2") != 0) {
        return cf_err_set(config->err, CF_ERR_UNSUPPORTED,
                          "%s: a model of type '%.60s' is not supported, only 'gpt2'", config->path,
                          type);
    }
    const json_t *kinds = json_object_get(config->json, "architectures");
    static const char *const known[] = {"GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel"};
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *kind = json_string_value(json_array_get(kinds, i));
        for (size_t k = 0; kind != NULL && k < CF_ARRAY_SIZE(known); k++) {
            if (strcmp(kind, known[k]) == 0) {
                return CF_OK;
            }
        }
        return cf_err_set(config->err, CF_ERR_UNSUPPORTED,
                          "%s: the architecture '%.60s' is not supported, only GPT2LMHeadModel",
                          config->path, kind != NULL ? kind : "?");
    }
    return CF_OK;
}

static enum cf_code check_switches(const struct config *config)
{
    static const struct {
        const char *name;
        bool wanted;
    } switches[] = {
        {"scale_attn_weights", true},       {"scale_attn_by_inverse_layer_idx", false},
        {"reorder_and_upcast_attn", false}, {"add_cross_attention", false},
        {"is_encoder_decoder", false},      {"tie_encoder_decoder", false},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(switches); i++) {
        enum cf_code code = want_bool(config, switches[i].name, switches[i].wanted);
        if (code != CF_OK) {
            return code;
        }
    }
    static const char *const nothings[] = {
        "pruned_heads",        "quantization_config", "rope_scaling",    "rope_parameters",
        "rope_theta",          "sliding_window",      "n_kv_head",       "alibi",
        "num_key_value_heads", "attention_layers",    "attention_types", "window_size",
        "parallel_attn",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(nothings); i++) {
        enum cf_code code = want_nothing(config, nothings[i]);
        if (code != CF_OK) {
            return code;
        }
    }
    const char *positions = json_string_value(json_object_get(config->json, //
                                                              "position_embedding_type"));
    if (positions != NULL && strcmp(positions, "absolute") != 0) {
        return cf_err_set(config->err, CF_ERR_UNSUPPORTED,
                          "%s: 'position_embedding_type' set to '%.60s' is not supported",
                          config->path, positions);
    }
    return CF_OK;
}

static enum cf_code read_gelu(const struct config *config, enum cf_gelu *gelu)
{
    static const struct {
        const char *name;
        enum cf_gelu gelu;
    } names[] = {
        {"gelu_new", CF_GELU_TANH},
        {"gelu_pytorch_tanh", CF_GELU_TANH},
        {"gelu", CF_GELU_ERF},
    };
    const json_t *json = json_object_get(config->json, "activation_function");
    const char *name = json == NULL ? "gelu_new" : json_string_value(json);
    for (size_t i = 0; name != NULL && i < CF_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i].name) == 0) {
            *gelu = names[i].gelu;
            return CF_OK;
        }
    }
    return cf_err_set(config->err, CF_ERR_UNSUPPORTED,
                      "%s: 'activation_function' set to '%.60s' is not supported, only gelu_new, "
                      "gelu_pytorch_tanh and gelu",
                      config->path, name != NULL ? name : "?");
}

static enum cf_code read_epsilon(const struct config *config, float *epsilon)
{
    const json_t *json = json_object_get(config->json, "layer_norm_epsilon");
    double value = json == NULL ? 1e-5 : json_number_value(json);
    if (!(value > 0 && value < 1)) {
        return cf_err_set(config->err, CF_ERR_FORMAT,
                          "%s: 'layer_norm_epsilon' is no number between 0 and 1", config->path);
    }
    *epsilon = (float)value;
    return CF_OK;
}

static enum cf_code read_sizes(const struct config *config, struct cf_model *model)
{
    const json_t *positions = json_object_get(config->json, "n_positions");
    const json_t *inner = json_object_get(config->json, "n_inner");
    const struct {
        const char *name;
        const char *alias;
        int32_t max;
        int32_t *value;
    } sizes[] = {
        {"n_layer", "num_hidden_layers", MODEL_LAYERS_MAX, &model->n_layer},
        {"n_embd", "hidden_size", MODEL_EMBD_MAX, &model->n_embd},
        {"n_head", "num_attention_heads", MODEL_EMBD_MAX, &model->n_head},
        {"vocab_size", NULL, MODEL_VOCAB_MAX, &model->n_vocab},
        {positions != NULL ? "n_positions" : "n_ctx", "max_position_embeddings", MODEL_CTX_MAX,
         &model->n_ctx},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        enum cf_code code =
            read_int(config, sizes[i].name, sizes[i].alias, sizes[i].max, sizes[i].value);
        if (code != CF_OK) {
            return code;
        }
    }
    if (inner != NULL && !json_is_null(inner)) {
        return read_int(config, "n_inner", NULL, MODEL_INNER_MAX, &model->n_inner);
    }
    model->n_inner = 4 * model->n_embd;
    return CF_OK;
}

enum cf_code cf_model_read_config(struct cf_model *model, const json_t *json, const char *path,
                                  bool *has_head_bias, struct cf_err *err)
{
    const struct config config = {.json = json, .path = path, .err = err};
    enum cf_code code = check_kind(&config);
    if (code == CF_OK) {
        code = check_switches(&config);
    }
    if (code == CF_OK) {
        code = read_sizes(&config, model);
    }
    if (code == CF_OK) {
        code = read_gelu(&config, &model->gelu);
    }
    if (code == CF_OK) {
        code = read_epsilon(&config, &model->layer_norm_epsilon);
    }
    if (code == CF_OK) {
        model->is_tied = true;
        code = read_bool(&config, "tie_word_embeddings", &model->is_tied);
    }
    if (code == CF_OK) {
        *has_head_bias = false;
        code = read_bool(&config, "lm_head_bias", has_head_bias);
    }
    if (code == CF_OK && model->n_embd % model->n_head != 0) {
        code = cf_err_set(err, CF_ERR_FORMAT, "%s: 'n_embd' %ld is no multiple of 'n_head' %ld",
                          path, (long)model->n_embd, (long)model->n_head);
    }
    return code;
}
