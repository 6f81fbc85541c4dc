/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_parts: what the files of model share: where weights come from, and how they are bound. */
#ifndef CF_MODEL_PARTS_H
#define CF_MODEL_PARTS_H

#include <jansson.h>

#include "gguf.h"
#include "mem.h"
#include "model.h"
#include "safetensors.h"

/* Limits that no GPT-2 comes near; what is above them is refused before anything is allocated. */
enum {
    MODEL_LAYERS_MAX = 1024,
    MODEL_EMBD_MAX = 1 << 16,
    MODEL_CTX_MAX = 1 << 22,
    MODEL_VOCAB_MAX = 1 << 24,
    MODEL_INNER_MAX = 1 << 20,
    MODEL_SHARDS_MAX = 1024,
    MODEL_NAME_SIZE = 128, /* of a tensor that we ask for */
};

/* A tensor of either kind of file, dimensions outermost first. */
struct model_tensor {
    char name[MODEL_NAME_SIZE];
    const char *path; /* of the file it lies in */
    bool is_known;
    enum cf_dtype dtype;
    char type_name[12];
    int n_dims;
    int64_t dims[CF_SAFETENSORS_DIMS_MAX];
    const void *data;
    size_t size;
};

/* A weight in use, for what looks at all of them. */
struct model_weight {
    const char *name;
    const char *path;
    enum cf_dtype dtype;
    const void *data;
    int64_t n;
};

struct model_entry {
    const char *key;
    const char *value;
};

struct cf_model_files {
    char *path;
    struct cf_gguf *gguf; /* or NULL and: */
    struct cf_safetensors **shards;
    size_t n_shards;
    const char *prefix;    /* of the names in shards: "transformer." or "" */
    struct cf_arena arena; /* strings */
    void **copies;         /* [n_copies] aligned memory: widened vectors, unaligned matrices */
    size_t n_copies;
    void *tiles; /* the memory of what model_tiles.c arranged, or NULL */
    size_t tiles_size;
    struct model_weight *weights; /* [n_weights] */
    size_t n_weights;
    struct model_entry *entries; /* [n_entries] metadata, in the order of finding */
    size_t n_entries;
};

/* Appends a piece of metadata; the first of a key counts. */
void cf_model_add_metadata(struct cf_model_files *files, const char *key, const char *value,
                           size_t size);

/* model_folder.c: opens the files and fills in the hyper-parameters.  PATH is a folder or a
 * .safetensors file. */
enum cf_code cf_model_open_folder(struct cf_model *model, const char *path, bool is_folder,
                                  struct cf_err *err);
/* model_config.c: config.json. */
enum cf_code cf_model_read_config(struct cf_model *model, const json_t *config, const char *path,
                                  bool *has_head_bias, struct cf_err *err);
/* model_gguf.c */
enum cf_code cf_model_open_gguf(struct cf_model *model, const char *path, struct cf_err *err);

/* model_bind.c: finds, checks and binds every weight that the hyper-parameters ask for. */
enum cf_code cf_model_bind(struct cf_model *model, bool needs_head_bias, struct cf_err *err);
/* Whether one of the files has a tensor of exactly this name; CF_ERR_FORMAT when two have. */
enum cf_code cf_model_tensor_find(bool *found, struct model_tensor *tensor,
                                  const struct cf_model_files *files, const char *name,
                                  struct cf_err *err);

/* model_tiles.c: arranges the matrices for the kernels, converted to DTYPE if the model's is
 * another. */
enum cf_code cf_model_tile(struct cf_model *model, enum cf_dtype dtype, struct cf_err *err);
void cf_model_tiles_free(struct cf_model_files *files);

/* model_check.c: whether none of n elements from data on, aligned, is NaN or infinite. */
bool cf_model_is_finite(enum cf_dtype dtype, const void *data, int64_t n);

#endif
