/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model: the hyper-parameters and weights of one GPT-2, immutable once opened and shared by any
 * number of sessions and threads.
 *
 * Architecture: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", as
 * transformers' GPT2LMHeadModel computes it: pre-LayerNorm, learned positions, causal attention,
 * a GELU, tied or untied head.
 *
 * The file is mapped and big matrices of float types are read in place (but for those that an old
 * .safetensors file holds at unaligned addresses: these are copied); those of block types are
 * arranged in tiles (kernels.h) when the model is opened, over all physical cores if they are many,
 * and vectors (biases, LayerNorm) are widened to float32.  Nothing in the file is trusted: shapes,
 * offsets and sizes are checked before anything is allocated, and every failure names file and
 * tensor. */
#ifndef CF_MODEL_H
#define CF_MODEL_H

#include "dtype.h"
#include "err.h"
#include "matrix.h"

enum cf_gelu {
    CF_GELU_TANH, /* gelu_new, gelu_pytorch_tanh */
    CF_GELU_ERF,  /* gelu */
};

struct cf_layer {
    const float *ln_1_weight, *ln_1_bias; /* [n_embd] */
    struct cf_matrix attn_qkv;            /* c_attn: [3 n_embd, n_embd], q then k then v */
    const float *attn_qkv_bias;           /* [3 n_embd] */
    struct cf_matrix attn_proj;           /* c_proj: [n_embd, n_embd] */
    const float *attn_proj_bias;          /* [n_embd] */
    const float *ln_2_weight, *ln_2_bias; /* [n_embd] */
    struct cf_matrix mlp_up;              /* c_fc: [n_inner, n_embd] */
    const float *mlp_up_bias;             /* [n_inner] */
    struct cf_matrix mlp_down;            /* c_proj: [n_embd, n_inner] */
    const float *mlp_down_bias;           /* [n_embd] */
};

struct cf_model {
    int32_t n_layer, n_head, n_embd, n_ctx, n_vocab, n_inner;
    float layer_norm_epsilon;
    enum cf_gelu gelu;
    enum cf_dtype dtype;     /* the type of most weights: what a person calls the model's type */
    struct cf_matrix wte;    /* [n_vocab, n_embd], CF_OUT_IN or CF_TILES */
    struct cf_matrix wpe;    /* [n_ctx, n_embd], CF_OUT_IN */
    struct cf_layer *layers; /* [n_layer] */
    const float *ln_f_weight, *ln_f_bias; /* [n_embd] */
    struct cf_matrix lm_head;             /* [n_vocab, n_embd]; the same data as wte when tied */
    const float *lm_head_bias;            /* [n_vocab], or NULL */
    bool is_tied;
    int64_t n_parameters;         /* a tied head counted once */
    char *name;                   /* for people: general.name, else the file's or folder's name */
    struct cf_model_files *files; /* what is mapped; private to model.c */
};

/* Opens a Hugging Face folder, a .safetensors file (its config.json beside it) or a .gguf file.
 * CF_ERR_NOT_FOUND, CF_ERR_FORMAT (broken file), CF_ERR_UNSUPPORTED (another architecture, or a
 * setting that is not implemented, named), CF_ERR_IO. */
enum cf_code cf_model_open(struct cf_model **model, const char *path, struct cf_err *err);
/* The same with the weights in another type than the file's, one that cf_from_f32 makes: the
 * numbers are those of the file that cf_model_convert would write.  A model whose type is DTYPE
 * already stays as it is. */
enum cf_code cf_model_open_as(struct cf_model **model, const char *path, enum cf_dtype dtype,
                              struct cf_err *err);
/* What a matrix becomes when a model is converted to DTYPE, here or in a file: embeddings and head
 * have 8 bits at least, since every token is read from them and compared with them, and rows that
 * are no multiple of the type's block become F16. */
enum cf_dtype cf_model_converted_dtype(enum cf_dtype dtype, bool is_head, int32_t n_in);
void cf_model_free(struct cf_model *model);

/* A string of the model's metadata by its GGUF key ("general.name", "general.license",
 * "tokenizer.chat_template", "confab.template.user"), or NULL.  A Hugging Face folder answers the
 * same keys: "tokenizer.chat_template" from tokenizer_config.json or chat_template.jinja,
 * "confab.temperature", "confab.top_p", "confab.top_k", "confab.repeat_penalty" and
 * "confab.max_tokens" from generation_config.json (numbers as text; only what that file sets, and
 * none when it says do_sample false).  Numbers of a GGUF file are given as text too.  Owned by the
 * model. */
const char *cf_model_metadata_find(const struct cf_model *model, const char *key);
/* The same in the form that template and setting ask through: MODEL is a struct cf_model. */
const char *cf_model_metadata_answer(const void *model, const char *key);

/* Bytes of the weights as they lie in the file: what one pass reads.  A tied head counts once. */
int64_t cf_model_size(const struct cf_model *model);

/* Looks through every weight for NaN and infinity: CF_ERR_CORRUPT names file and tensor.  Opening
 * does this for vectors, and for the matrices of models up to 64 MB; a session calls it when logits
 * come out as no numbers, so that no bigger model has to be read whole to start. */
enum cf_code cf_model_check_finite(const struct cf_model *model, struct cf_err *err);

#endif
