/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mapping.h"
#include "model_parts.h"
#include "path.h"

/* Models up to this size are looked through for NaN when opened: a matter of 20 ms. */
#define CHECK_MAX_SIZE (INT64_C(64) << 20)

void cf_model_add_metadata(struct cf_model_files *files, const char *key, const char *value,
                           size_t size)
{
    if (memchr(value, '\0', size) != NULL) {
        return; /* no text */
    }
    char *copy = cf_arena_alloc(&files->arena, size + 1);
    memcpy(copy, value, size);
    files->entries = cf_realloc_array(files->entries, files->n_entries + 1, sizeof *files->entries);
    files->entries[files->n_entries++] =
        (struct model_entry){.key = cf_arena_strdup(&files->arena, key), .value = copy};
}

const char *cf_model_metadata_find(const struct cf_model *model, const char *key)
{
    for (size_t i = 0; i < model->files->n_entries; i++) {
        if (strcmp(model->files->entries[i].key, key) == 0) {
            return model->files->entries[i].value;
        }
    }
    return NULL;
}

const char *cf_model_metadata_answer(const void *model, const char *key)
{
    return cf_model_metadata_find(model, key);
}

static void files_free(struct cf_model_files *files)
{
    for (size_t i = 0; i < files->n_shards; i++) {
        cf_safetensors_close(files->shards[i]);
    }
    for (size_t i = 0; i < files->n_copies; i++) {
        free(files->copies[i]);
    }
    cf_model_tiles_free(files);
    cf_gguf_close(files->gguf);
    cf_arena_release(&files->arena);
    free(files->shards);
    free(files->copies);
    free(files->weights);
    free(files->entries);
    free(files->path);
    free(files);
}

void cf_model_free(struct cf_model *model)
{
    if (model == NULL) {
        return;
    }
    files_free(model->files);
    free(model->layers);
    free(model->name);
    free(model);
}

static enum cf_code open_file(struct cf_model *model, const char *path, struct cf_err *err)
{
    if (cf_path_has_ending(path, ".safetensors")) {
        return cf_model_open_folder(model, path, false, err);
    }
    struct cf_mapping mapping;
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code != CF_OK) {
        return code;
    }
    bool is_gguf = cf_gguf_is_magic(mapping.data, mapping.size);
    cf_mapping_close(&mapping);
    if (is_gguf || cf_path_has_ending(path, ".gguf")) {
        return cf_model_open_gguf(model, path, err);
    }
    return cf_err_set(err, CF_ERR_FORMAT,
                      "%s: neither a GGUF file, a .safetensors file nor a model folder", path);
}

/* DTYPE is NULL for the file's own. */
static enum cf_code open_model(struct cf_model **model, const char *path,
                               const enum cf_dtype *dtype, struct cf_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    struct cf_model *opened = cf_calloc(1, sizeof *opened);
    opened->files = cf_calloc(1, sizeof *opened->files);
    opened->files->path = cf_strdup(path);
    enum cf_code code = S_ISDIR(status.st_mode) ? cf_model_open_folder(opened, path, true, err)
                                                : open_file(opened, path, err);
    if (code == CF_OK && cf_model_size(opened) <= CHECK_MAX_SIZE) {
        code = cf_model_check_finite(opened, err);
    }
    if (code == CF_OK) {
        code = cf_model_tile(opened, dtype != NULL ? *dtype : opened->dtype, err);
    }
    if (code != CF_OK) {
        cf_model_free(opened);
        return code;
    }
    *model = opened;
    return CF_OK;
}

enum cf_code cf_model_open(struct cf_model **model, const char *path, struct cf_err *err)
{
    return open_model(model, path, NULL, err);
}

enum cf_code cf_model_open_as(struct cf_model **model, const char *path, enum cf_dtype dtype,
                              struct cf_err *err)
{
    return open_model(model, path, &dtype, err);
}
