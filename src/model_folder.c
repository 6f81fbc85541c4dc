/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Hugging Face folder: config.json, the weights in one .safetensors file or in shards with an
 * index, and what tokenizer_config.json and generation_config.json say that is worth knowing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "jsonfile.h"
#include "mapping.h"
#include "model_parts.h"
#include "path.h"

enum {
    CONFIG_MAX_SIZE = 1 << 20,
    INDEX_MAX_SIZE = 16 << 20,
    TOKENIZER_CONFIG_MAX_SIZE = 16 << 20,
    TEMPLATE_MAX_SIZE = 1 << 20,
};

static char *join(const char *folder, const char *name)
{
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s/%s", folder, name);
    return cf_buf_take(&path);
}

static enum cf_code load(json_t **json, const char *folder, const char *name, size_t size_max,
                         struct cf_err *err)
{
    char *path = join(folder, name);
    enum cf_code code = cf_jsonfile_load(json, path, size_max, err);
    free(path);
    return code;
}

static bool exists(const char *folder, const char *name)
{
    char *path = join(folder, name);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

static enum cf_code open_shard(struct cf_model_files *files, const char *path, struct cf_err *err)
{
    struct cf_safetensors *shard;
    enum cf_code code = cf_safetensors_open(&shard, path, err);
    if (code == CF_OK) {
        files->shards =
            cf_realloc_array(files->shards, files->n_shards + 1, sizeof(*files->shards));
        files->shards[files->n_shards++] = shard;
    }
    return code;
}

static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static bool is_open(const struct cf_model_files *files, const char *path)
{
    for (size_t i = 0; i < files->n_shards; i++) {
        if (strcmp(cf_safetensors_path(files->shards[i]), path) == 0) {
            return true;
        }
    }
    return false;
}

static enum cf_code open_shards(struct cf_model_files *files, const char *folder,
                                struct cf_err *err)
{
    static const char index_name[] = "model.safetensors.index.json";
    json_t *index = NULL;
    enum cf_code code = load(&index, folder, index_name, INDEX_MAX_SIZE, err);
    if (code != CF_OK) {
        return code;
    }
    const char *tensor;
    json_t *value;
    json_t *map = json_object_get(index, "weight_map");
    if (json_object_size(map) == 0) {
        code = cf_err_set(err, CF_ERR_FORMAT, "%s/%s: 'weight_map' is missing or empty", folder,
                          index_name);
    }
    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (name == NULL || !is_plain_name(name)) {
            code = cf_err_set(err, CF_ERR_FORMAT,
                              "%s/%s: the file of tensor '%.80s' is no plain file name", folder,
                              index_name, tensor);
            break;
        }
        char *path = join(folder, name);
        if (!is_open(files, path)) {
            code = files->n_shards < MODEL_SHARDS_MAX
                       ? open_shard(files, path, err)
                       : cf_err_set(err, CF_ERR_FORMAT, "%s/%s: more than %d files", folder,
                                    index_name, MODEL_SHARDS_MAX);
        }
        free(path);
        if (code != CF_OK) {
            break;
        }
    }
    json_decref(index);
    return code;
}

static enum cf_code open_weights(struct cf_model_files *files, const char *folder,
                                 struct cf_err *err)
{
    if (exists(folder, "model.safetensors")) {
        char *path = join(folder, "model.safetensors");
        enum cf_code code = open_shard(files, path, err);
        free(path);
        return code;
    }
    if (exists(folder, "model.safetensors.index.json")) {
        return open_shards(files, folder, err);
    }
    if (exists(folder, "pytorch_model.bin") || exists(folder, "tf_model.h5")) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: has its weights in an older form only; save them as "
                          "model.safetensors",
                          folder);
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: has no model.safetensors", folder);
}

/* A chat template is a string, or a list of named ones of which "default" counts. */
static void add_template(struct cf_model_files *files, const json_t *template)
{
    const json_t *text = template;
    size_t i;
    const json_t *item;
    json_array_foreach(template, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name != NULL && strcmp(name, "default") == 0) {
            text = json_object_get(item, "template");
        }
    }
    if (json_is_string(text) && json_string_length(text) <= TEMPLATE_MAX_SIZE) {
        cf_model_add_metadata(files, "tokenizer.chat_template", json_string_value(text),
                              json_string_length(text));
    }
}

/* transformers' newer home of the template; it wins over tokenizer_config.json. */
static enum cf_code read_template(struct cf_model_files *files, const char *folder,
                                  struct cf_err *err)
{
    char *path = join(folder, "chat_template.jinja");
    struct cf_mapping mapping;
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code == CF_OK) {
        if (mapping.size > 0 && mapping.size <= TEMPLATE_MAX_SIZE) {
            cf_model_add_metadata(files, "tokenizer.chat_template", (const char *)mapping.data,
                                  mapping.size);
        }
        cf_mapping_close(&mapping);
    }
    free(path);
    return code;
}

static enum cf_code read_tokenizer_config(struct cf_model_files *files, const char *folder,
                                          struct cf_err *err)
{
    json_t *config = NULL;
    enum cf_code code =
        load(&config, folder, "tokenizer_config.json", TOKENIZER_CONFIG_MAX_SIZE, err);
    if (code == CF_OK) {
        add_template(files, json_object_get(config, "chat_template"));
        json_decref(config);
    }
    return code;
}

static enum cf_code read_generation_config(struct cf_model_files *files, const char *folder,
                                           struct cf_err *err)
{
    static const struct {
        const char *name;
        const char *key;
    } names[] = {
        {"temperature", "confab.temperature"},
        {"top_p", "confab.top_p"},
        {"top_k", "confab.top_k"},
        {"min_p", "confab.min_p"},
        {"typical_p", "confab.typical_p"},
        {"repetition_penalty", "confab.repeat_penalty"},
        {"max_new_tokens", "confab.max_tokens"},
    };
    json_t *config = NULL;
    enum cf_code code = load(&config, folder, "generation_config.json", CONFIG_MAX_SIZE, err);
    if (code != CF_OK) {
        return code;
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        const json_t *value = json_object_get(config, names[i].name);
        if (json_is_number(value) && !json_is_false(json_object_get(config, "do_sample"))) {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
            if (text != NULL) {
                cf_model_add_metadata(files, names[i].key, text, strlen(text));
            }
            free(text);
        }
    }
    json_decref(config);
    return CF_OK;
}

/* The files beside the weights may be absent; one that is there and broken is an error. */
static enum cf_code read_metadata(struct cf_model_files *files, const char *folder,
                                  struct cf_err *err)
{
    enum cf_code (*const readers[])(struct cf_model_files *, const char *, struct cf_err *) = {
        read_template, read_tokenizer_config, read_generation_config};
    for (size_t i = 0; i < CF_ARRAY_SIZE(readers); i++) {
        struct cf_err reader_err = CF_ERR_INIT;
        enum cf_code code = readers[i](files, folder, &reader_err);
        if (code != CF_OK && code != CF_ERR_NOT_FOUND) {
            return cf_err_set(err, code, "%s", reader_err.text);
        }
    }
    return CF_OK;
}

/* What the folder is called, wherever it was named from. */
static char *name_of(const char *folder)
{
    char *real = realpath(folder, NULL);
    const char *whole = real != NULL ? real : folder;
    const char *slash = strrchr(whole, '/');
    char *name = cf_strdup(slash != NULL && slash[1] != '\0' ? slash + 1 : whole);
    free(real);
    return name;
}

enum cf_code cf_model_open_folder(struct cf_model *model, const char *path, bool is_folder,
                                  struct cf_err *err)
{
    struct cf_model_files *files = model->files;
    char *folder = is_folder ? cf_strdup(path) : cf_path_parent(path);
    json_t *config = NULL;
    char *config_path = join(folder, "config.json");
    bool has_head_bias = false;
    enum cf_code code = cf_jsonfile_load(&config, config_path, CONFIG_MAX_SIZE, err);
    if (code == CF_OK) {
        code = cf_model_read_config(model, config, config_path, &has_head_bias, err);
    }
    if (code == CF_OK) {
        code = is_folder ? open_weights(files, folder, err) : open_shard(files, path, err);
    }
    if (code == CF_OK) {
        code = read_metadata(files, folder, err);
    }
    if (code == CF_OK) {
        model->name = name_of(folder);
        code = cf_model_bind(model, has_head_bias, err);
    }
    json_decref(config);
    free(config_path);
    free(folder);
    return code;
}
