/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From names to weights.  Invariants:
 *  1. a weight is bound only when its shape is exactly what the hyper-parameters say and its type
 * is one that the kernels know in its layout;
 *  2. a vector in memory is finite float32; a matrix is aligned to its elements;
 *  3. a tensor that belongs to the decoder but has no place in it (a layer too many, an adapter, a
 *     scale of some quantisation) is an error: what it does would be ignored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "model_parts.h"

/* The tensors of a layer under both names; in shards behind "PREFIXh.N.", in GGUF "blk.N.". */
enum part {
    LN_1_WEIGHT,
    LN_1_BIAS,
    ATTN_QKV_WEIGHT,
    ATTN_QKV_BIAS,
    ATTN_PROJ_WEIGHT,
    ATTN_PROJ_BIAS,
    LN_2_WEIGHT,
    LN_2_BIAS,
    MLP_UP_WEIGHT,
    MLP_UP_BIAS,
    MLP_DOWN_WEIGHT,
    MLP_DOWN_BIAS,
    N_LAYER_PARTS,
    /* and those that come once */
    WTE = N_LAYER_PARTS,
    WPE,
    LN_F_WEIGHT,
    LN_F_BIAS,
    LM_HEAD_WEIGHT,
    LM_HEAD_BIAS,
    N_PARTS,
};

static const struct {
    const char *folder;
    const char *gguf;
} part_names[N_PARTS] = {
    [LN_1_WEIGHT] = {"ln_1.weight", "attn_norm.weight"},
    [LN_1_BIAS] = {"ln_1.bias", "attn_norm.bias"},
    [ATTN_QKV_WEIGHT] = {"attn.c_attn.weight", "attn_qkv.weight"},
    [ATTN_QKV_BIAS] = {"attn.c_attn.bias", "attn_qkv.bias"},
    [ATTN_PROJ_WEIGHT] = {"attn.c_proj.weight", "attn_output.weight"},
    [ATTN_PROJ_BIAS] = {"attn.c_proj.bias", "attn_output.bias"},
    [LN_2_WEIGHT] = {"ln_2.weight", "ffn_norm.weight"},
    [LN_2_BIAS] = {"ln_2.bias", "ffn_norm.bias"},
    [MLP_UP_WEIGHT] = {"mlp.c_fc.weight", "ffn_up.weight"},
    [MLP_UP_BIAS] = {"mlp.c_fc.bias", "ffn_up.bias"},
    [MLP_DOWN_WEIGHT] = {"mlp.c_proj.weight", "ffn_down.weight"},
    [MLP_DOWN_BIAS] = {"mlp.c_proj.bias", "ffn_down.bias"},
    [WTE] = {"wte.weight", "token_embd.weight"},
    [WPE] = {"wpe.weight", "position_embd.weight"},
    [LN_F_WEIGHT] = {"ln_f.weight", "output_norm.weight"},
    [LN_F_BIAS] = {"ln_f.bias", "output_norm.bias"},
    [LM_HEAD_WEIGHT] = {"lm_head.weight", "output.weight"},
    [LM_HEAD_BIAS] = {"lm_head.bias", "output.bias"},
};

/* Buffers that older transformers saved: the causal mask and what is put where it masks. */
static const char *const buffers[] = {"attn.bias", "attn.masked_bias"};

struct binder {
    struct cf_model *model;
    struct cf_model_files *files;
    const struct cf_kernels *kernels;
    int64_t n_elements[CF_BF16 + 1]; /* of the matrices of each dtype */
    struct cf_err *err;
};

/* The name of a part; layer counts only for parts of a layer. */
static void name_part(const struct cf_model_files *files, enum part part, int32_t layer,
                      char name[MODEL_NAME_SIZE])
{
    bool is_gguf = files->gguf != NULL;
    const char *prefix = is_gguf || part >= LM_HEAD_WEIGHT ? "" : files->prefix;
    const char *text = is_gguf ? part_names[part].gguf : part_names[part].folder;
    if (part < N_LAYER_PARTS) {
        (void)snprintf(name, MODEL_NAME_SIZE, "%s%s.%ld.%s", prefix, is_gguf ? "blk" : "h",
                       (long)layer, text);
    } else {
        (void)snprintf(name, MODEL_NAME_SIZE, "%s%s", prefix, text);
    }
}

static void from_gguf(struct model_tensor *tensor, const struct cf_gguf_tensor *found,
                      const char *path)
{
    tensor->path = path;
    tensor->is_known = found->is_known;
    tensor->dtype = found->is_known ? (enum cf_dtype)found->type : CF_F32;
    if (found->is_known) {
        (void)snprintf(tensor->type_name, sizeof tensor->type_name, "%s",
                       cf_dtype_name(tensor->dtype));
    } else {
        (void)snprintf(tensor->type_name, sizeof tensor->type_name, "%u", (unsigned)found->type);
    }
    tensor->n_dims = found->n_dims;
    for (int i = 0; i < found->n_dims; i++) {
        tensor->dims[i] = found->dims[found->n_dims - 1 - i];
    }
    tensor->data = found->data;
    tensor->size = found->size;
}

static void from_shard(struct model_tensor *tensor, const struct cf_safetensor *found,
                       const char *path)
{
    tensor->path = path;
    tensor->is_known = found->is_known;
    tensor->dtype = found->dtype;
    memcpy(tensor->type_name, found->type_name, sizeof found->type_name);
    tensor->n_dims = found->n_dims;
    memcpy(tensor->dims, found->dims, sizeof found->dims);
    tensor->data = found->data;
    tensor->size = found->size;
}

enum cf_code cf_model_tensor_find(bool *found, struct model_tensor *tensor,
                                  const struct cf_model_files *files, const char *name,
                                  struct cf_err *err)
{
    *found = false;
    struct model_tensor result = {.path = NULL};
    (void)snprintf(result.name, sizeof result.name, "%s", name);
    if (files->gguf != NULL) {
        const struct cf_gguf_tensor *in_gguf = cf_gguf_tensor_find(files->gguf, name);
        if (in_gguf != NULL) {
            from_gguf(&result, in_gguf, cf_gguf_path(files->gguf));
            *found = true;
        }
    }
    for (size_t i = 0; i < files->n_shards; i++) {
        const struct cf_safetensor *in_shard = cf_safetensors_find(files->shards[i], name);
        if (in_shard == NULL) {
            continue;
        }
        const char *path = cf_safetensors_path(files->shards[i]);
        if (*found) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: tensor '%s' is in %s too", path, name,
                              result.path);
        }
        from_shard(&result, in_shard, path);
        *found = true;
    }
    if (*found) {
        *tensor = result;
    }
    return CF_OK;
}

/* Of the file that would hold what is missing. */
static const char *main_path(const struct cf_model_files *files)
{
    return files->n_shards == 1 ? cf_safetensors_path(files->shards[0]) : files->path;
}

static enum cf_code find_part(const struct binder *binder, struct model_tensor *tensor,
                              enum part part, int32_t layer)
{
    char name[MODEL_NAME_SIZE];
    bool found;
    name_part(binder->files, part, layer, name);
    enum cf_code code = cf_model_tensor_find(&found, tensor, binder->files, name, binder->err);
    if (code == CF_OK && !found) {
        code = cf_err_set(binder->err, CF_ERR_FORMAT, "%s: tensor '%s' is missing",
                          main_path(binder->files), name);
    }
    return code;
}

static enum cf_code check_shape(const struct binder *binder, const struct model_tensor *tensor,
                                int64_t n_rows, int64_t n_columns)
{
    bool is_vector = n_rows == 0;
    bool fits = is_vector ? tensor->n_dims == 1 && tensor->dims[0] == n_columns
                          : tensor->n_dims == 2 && tensor->dims[0] == n_rows &&
                                tensor->dims[1] == n_columns;
    /* GGML drops a first dimension of one. */
    if (!fits && binder->files->gguf != NULL && n_rows == 1 && tensor->n_dims == 1) {
        fits = tensor->dims[0] == n_columns;
    }
    if (fits) {
        return CF_OK;
    }
    char found[CF_SAFETENSORS_DIMS_MAX * 24] = "";
    size_t used = 0;
    for (int i = 0; i < tensor->n_dims; i++) {
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%lld", i > 0 ? ", " : "",
                                 (long long)tensor->dims[i]);
    }
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, is_vector ? "%.0lld%lld" : "%lld, %lld",
                   (long long)n_rows, (long long)n_columns);
    return cf_err_set(binder->err, CF_ERR_FORMAT, "%s: tensor '%s' is [%s] and not [%s]",
                      tensor->path, tensor->name, found, wanted);
}

static enum cf_code refuse_type(const struct binder *binder, const struct model_tensor *tensor)
{
    return cf_err_set(binder->err, CF_ERR_UNSUPPORTED,
                      "%s: tensor '%s' has type %s, which is not supported%s", tensor->path,
                      tensor->name, tensor->type_name, tensor->is_known ? " for it" : "");
}

/* Aligned memory that lives as long as the model. */
static void *keep(struct cf_model_files *files, size_t size)
{
    void *memory = cf_aligned_alloc(size);
    files->copies = cf_realloc_array(files->copies, files->n_copies + 1, sizeof *files->copies);
    files->copies[files->n_copies++] = memory;
    return memory;
}

/* The data, copied when its elements are not aligned. */
static const void *aligned(struct cf_model_files *files, const struct model_tensor *tensor)
{
    size_t element = tensor->dtype == CF_F32 ? sizeof(float) : sizeof(uint16_t);
    if ((uintptr_t)tensor->data % element == 0) {
        return tensor->data;
    }
    void *copy = keep(files, tensor->size);
    memcpy(copy, tensor->data, tensor->size);
    return copy;
}

static void add_weight(const struct binder *binder, const struct model_tensor *tensor,
                       const void *data, int64_t n)
{
    struct cf_model_files *files = binder->files;
    files->weights = cf_realloc_array(files->weights, files->n_weights + 1, sizeof *files->weights);
    files->weights[files->n_weights++] =
        (struct model_weight){.name = cf_arena_strdup(&files->arena, tensor->name),
                              .path = tensor->path,
                              .dtype = tensor->dtype,
                              .data = data,
                              .n = n};
    binder->model->n_parameters += n;
}

static enum cf_code bind_vector(const struct binder *binder, const float **vector, enum part part,
                                int32_t layer, int32_t n)
{
    struct model_tensor tensor;
    enum cf_code code = find_part(binder, &tensor, part, layer);
    if (code == CF_OK) {
        code = check_shape(binder, &tensor, 0, n);
    }
    if (code != CF_OK) {
        return code;
    }
    if (!tensor.is_known || cf_dtype_n_block(tensor.dtype) != 1 || !cf_to_f32_knows(tensor.dtype)) {
        return refuse_type(binder, &tensor);
    }
    const void *data = aligned(binder->files, &tensor);
    if (!cf_model_is_finite(tensor.dtype, data, n)) {
        return cf_err_set(binder->err, CF_ERR_CORRUPT,
                          "%s: tensor '%s' holds NaN or infinity where weights should be",
                          tensor.path, tensor.name);
    }
    float *wide = keep(binder->files, (size_t)n * sizeof *wide);
    cf_to_f32(binder->kernels, tensor.dtype, data, (size_t)n, wide);
    add_weight(binder, &tensor, data, n);
    *vector = wide;
    return CF_OK;
}

/* Bound as y = W x + b; the tensor is [n_out, n_in], or [n_in, n_out] in Conv1D's layout. */
static enum cf_code bind_matrix(struct binder *binder, struct cf_matrix *matrix, enum part part,
                                int32_t layer, int32_t n_out, int32_t n_in)
{
    bool is_conv = part < N_LAYER_PARTS && binder->files->gguf == NULL;
    struct model_tensor tensor;
    enum cf_code code = find_part(binder, &tensor, part, layer);
    if (code == CF_OK) {
        code = check_shape(binder, &tensor, is_conv ? n_in : n_out, is_conv ? n_out : n_in);
    }
    if (code != CF_OK) {
        return code;
    }
    enum cf_layout layout = is_conv ? CF_IN_OUT : CF_OUT_IN;
    bool is_embedding = part == WTE || part == WPE;
    bool is_linear = part != WPE && (part != WTE || binder->model->is_tied);
    if (!tensor.is_known || (is_embedding && !cf_to_f32_knows(tensor.dtype)) ||
        (is_linear && !cf_tiles_take(tensor.dtype, layout))) {
        return refuse_type(binder, &tensor);
    }
    matrix->data = aligned(binder->files, &tensor);
    matrix->dtype = tensor.dtype;
    matrix->layout = layout;
    matrix->n_out = n_out;
    matrix->n_in = n_in;
    int64_t n = (int64_t)n_out * n_in;
    add_weight(binder, &tensor, matrix->data, n);
    binder->n_elements[tensor.dtype] += n;
    return CF_OK;
}

static enum cf_code bind_layer(struct binder *binder, int32_t i)
{
    const struct cf_model *model = binder->model;
    struct cf_layer *layer = &model->layers[i];
    int32_t n_embd = model->n_embd;
    const struct {
        enum part part;
        const float **vector;
        int32_t n;
    } vectors[] = {
        {LN_1_WEIGHT, &layer->ln_1_weight, n_embd},
        {LN_1_BIAS, &layer->ln_1_bias, n_embd},
        {ATTN_QKV_BIAS, &layer->attn_qkv_bias, 3 * n_embd},
        {ATTN_PROJ_BIAS, &layer->attn_proj_bias, n_embd},
        {LN_2_WEIGHT, &layer->ln_2_weight, n_embd},
        {LN_2_BIAS, &layer->ln_2_bias, n_embd},
        {MLP_UP_BIAS, &layer->mlp_up_bias, model->n_inner},
        {MLP_DOWN_BIAS, &layer->mlp_down_bias, n_embd},
    };
    const struct {
        enum part part;
        struct cf_matrix *matrix;
        int32_t n_out, n_in;
    } matrices[] = {
        {ATTN_QKV_WEIGHT, &layer->attn_qkv, 3 * n_embd, n_embd},
        {ATTN_PROJ_WEIGHT, &layer->attn_proj, n_embd, n_embd},
        {MLP_UP_WEIGHT, &layer->mlp_up, model->n_inner, n_embd},
        {MLP_DOWN_WEIGHT, &layer->mlp_down, n_embd, model->n_inner},
    };
    enum cf_code code = CF_OK;
    for (size_t k = 0; k < CF_ARRAY_SIZE(matrices) && code == CF_OK; k++) {
        code = bind_matrix(binder, matrices[k].matrix, matrices[k].part, i, matrices[k].n_out,
                           matrices[k].n_in);
    }
    for (size_t k = 0; k < CF_ARRAY_SIZE(vectors) && code == CF_OK; k++) {
        code = bind_vector(binder, vectors[k].vector, vectors[k].part, i, vectors[k].n);
    }
    return code;
}

/* A file may hold a copy of the embedding as a tied head.  One that differs would be ignored; its
 * ends tell without reading all of it. */
static enum cf_code check_tied(const struct binder *binder)
{
    enum { END_SIZE = 4096 };
    char name[MODEL_NAME_SIZE];
    bool found;
    struct model_tensor head;
    struct model_tensor embedding;
    name_part(binder->files, LM_HEAD_WEIGHT, 0, name);
    enum cf_code code = cf_model_tensor_find(&found, &head, binder->files, name, binder->err);
    if (code != CF_OK || !found) {
        return code;
    }
    code = find_part(binder, &embedding, WTE, 0);
    if (code != CF_OK) {
        return code;
    }
    size_t n = head.size < END_SIZE ? head.size : END_SIZE;
    if (head.size == embedding.size && memcmp(head.data, embedding.data, n) == 0 &&
        memcmp((const char *)head.data + head.size - n,
               (const char *)embedding.data + head.size - n, n) == 0) {
        return CF_OK;
    }
    return cf_err_set(binder->err, CF_ERR_FORMAT,
                      "%s: tensor '%s' differs from '%s', though config.json ties the two",
                      head.path, head.name, embedding.name);
}

static enum cf_code bind_head(struct binder *binder, bool needs_bias)
{
    struct cf_model *model = binder->model;
    enum cf_code code = CF_OK;
    if (model->is_tied) {
        model->lm_head = model->wte;
        code = check_tied(binder);
    } else {
        code =
            bind_matrix(binder, &model->lm_head, LM_HEAD_WEIGHT, 0, model->n_vocab, model->n_embd);
    }
    if (code != CF_OK) {
        return code;
    }
    char name[MODEL_NAME_SIZE];
    bool has_bias;
    struct model_tensor tensor;
    name_part(binder->files, LM_HEAD_BIAS, 0, name);
    code = cf_model_tensor_find(&has_bias, &tensor, binder->files, name, binder->err);
    if (code == CF_OK && (has_bias || needs_bias)) {
        code = bind_vector(binder, &model->lm_head_bias, LM_HEAD_BIAS, 0, model->n_vocab);
    }
    return code;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Whether the name is one of the decoder's and not, say, of another head beside ours. */
static bool is_of_decoder(const struct cf_model_files *files, const char *name)
{
    static const char *const bare[] = {"h.", "wte.", "wpe.", "ln_f."};
    if (files->gguf != NULL || begins_with(name, "lm_head.")) {
        return true;
    }
    if (files->prefix[0] != '\0') {
        return begins_with(name, files->prefix);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(bare); i++) {
        if (begins_with(name, bare[i])) {
            return true;
        }
    }
    return false;
}

/* Whether the decoder has a place for a tensor called NAME, or may pass over it. */
static bool has_place(const struct cf_model *model, const char *name)
{
    const struct cf_model_files *files = model->files;
    char wanted[MODEL_NAME_SIZE];
    const char *prefix = files->gguf != NULL ? "" : files->prefix;
    const char *layers = files->gguf != NULL ? "blk." : "h.";
    int32_t layer = 0;
    if (begins_with(name, prefix) && begins_with(name + strlen(prefix), layers)) {
        unsigned long parsed = strtoul(name + strlen(prefix) + strlen(layers), NULL, 10);
        layer = parsed < (unsigned long)model->n_layer ? (int32_t)parsed : 0;
    }
    for (enum part part = 0; part < N_PARTS; part++) {
        name_part(files, part, layer, wanted);
        if (strcmp(name, wanted) == 0) {
            return true;
        }
    }
    for (size_t i = 0; files->gguf == NULL && i < CF_ARRAY_SIZE(buffers); i++) {
        (void)snprintf(wanted, sizeof wanted, "%sh.%ld.%s", files->prefix, (long)layer, buffers[i]);
        if (strcmp(name, wanted) == 0) {
            return true;
        }
    }
    return !is_of_decoder(files, name);
}

static enum cf_code refuse_strangers(const struct binder *binder)
{
    const struct cf_model_files *files = binder->files;
    static const char sentence[] = "%s: tensor '%.80s' has no place in this model";
    for (size_t i = 0; files->gguf != NULL && i < cf_gguf_n_tensors(files->gguf); i++) {
        struct cf_gguf_string string = cf_gguf_tensor(files->gguf, i)->name;
        char *name = cf_memdup_str(string.data, string.size);
        enum cf_code code = CF_OK;
        if (!has_place(binder->model, name)) {
            code = cf_err_set(binder->err, CF_ERR_UNSUPPORTED, sentence, files->path, name);
        }
        free(name);
        if (code != CF_OK) {
            return code;
        }
    }
    for (size_t k = 0; k < files->n_shards; k++) {
        const struct cf_safetensors *shard = files->shards[k];
        for (size_t i = 0; i < cf_safetensors_n(shard); i++) {
            const char *name = cf_safetensors_at(shard, i)->name;
            if (!has_place(binder->model, name)) {
                return cf_err_set(binder->err, CF_ERR_UNSUPPORTED, sentence,
                                  cf_safetensors_path(shard), name);
            }
        }
    }
    return CF_OK;
}

static enum cf_code find_prefix(struct binder *binder)
{
    struct cf_model_files *files = binder->files;
    static const char *const prefixes[] = {"transformer.", ""};
    bool found = files->gguf != NULL;
    enum cf_code code = CF_OK;
    for (size_t i = 0; i < CF_ARRAY_SIZE(prefixes) && !found && code == CF_OK; i++) {
        struct model_tensor tensor;
        char name[MODEL_NAME_SIZE];
        files->prefix = prefixes[i];
        name_part(files, WTE, 0, name);
        code = cf_model_tensor_find(&found, &tensor, files, name, binder->err);
    }
    if (code == CF_OK && !found) {
        code = cf_err_set(binder->err, CF_ERR_FORMAT,
                          "%s: tensor 'transformer.wte.weight' is missing", main_path(files));
    }
    return code;
}

enum cf_code cf_model_bind(struct cf_model *model, bool needs_head_bias, struct cf_err *err)
{
    struct binder binder = {
        .model = model, .files = model->files, .kernels = cf_kernels_current(), .err = err};
    enum cf_code code = find_prefix(&binder);
    if (code == CF_OK) {
        code = bind_matrix(&binder, &model->wte, WTE, 0, model->n_vocab, model->n_embd);
    }
    if (code == CF_OK) {
        code = bind_matrix(&binder, &model->wpe, WPE, 0, model->n_ctx, model->n_embd);
    }
    if (code == CF_OK) {
        model->layers = cf_calloc((size_t)model->n_layer, sizeof *model->layers);
    }
    for (int32_t i = 0; i < model->n_layer && code == CF_OK; i++) {
        code = bind_layer(&binder, i);
    }
    if (code == CF_OK) {
        code = bind_vector(&binder, &model->ln_f_weight, LN_F_WEIGHT, 0, model->n_embd);
    }
    if (code == CF_OK) {
        code = bind_vector(&binder, &model->ln_f_bias, LN_F_BIAS, 0, model->n_embd);
    }
    if (code == CF_OK) {
        code = bind_head(&binder, needs_head_bias);
    }
    if (code == CF_OK) {
        code = refuse_strangers(&binder);
    }
    for (enum cf_dtype dtype = CF_F32; dtype <= CF_BF16; dtype++) {
        if (binder.n_elements[dtype] > binder.n_elements[model->dtype]) {
            model->dtype = dtype;
        }
    }
    return code;
}
