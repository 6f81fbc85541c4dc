/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernels/kernels.h"
#include "mem.h"
#include "model.h"
#include "quantize_parts.h"
#include "tokenizer.h"

enum { N_ROWS = 64 /* converted at a time */ };

/* A tensor of the file and where it comes from: a matrix or a vector. */
struct job {
    char name[64];
    const struct cf_matrix *matrix;
    const float *vector;
    int64_t n;           /* elements of the vector */
    enum cf_dtype dtype; /* in the file */
};

struct jobs {
    struct job *data;
    size_t n;
    size_t capacity;
};

/* ---- what is written ---- */

static struct job *add_job(struct jobs *jobs, int32_t layer, const char *name)
{
    if (jobs->n == jobs->capacity) {
        jobs->capacity = jobs->capacity > 0 ? 2 * jobs->capacity : 64;
        jobs->data = cf_realloc_array(jobs->data, jobs->capacity, sizeof *jobs->data);
    }
    struct job *job = &jobs->data[jobs->n];
    jobs->n++;
    *job = (struct job){.dtype = CF_F32};
    if (layer >= 0) {
        (void)snprintf(job->name, sizeof job->name, "blk.%d.%s", (int)layer, name);
    } else {
        (void)snprintf(job->name, sizeof job->name, "%s", name);
    }
    return job;
}

static void add_vector(struct jobs *jobs, int32_t layer, const char *name, const float *vector,
                       int64_t n)
{
    struct job *job = add_job(jobs, layer, name);
    job->vector = vector;
    job->n = n;
}

static void add_matrix(struct jobs *jobs, int32_t layer, const char *name,
                       const struct cf_matrix *matrix, enum cf_dtype dtype, bool is_head)
{
    struct job *job = add_job(jobs, layer, name);
    job->matrix = matrix;
    job->dtype = cf_model_converted_dtype(dtype, is_head, matrix->n_in);
}

/* Names and shapes: llama.cpp's for LLM_ARCH_GPT2. */
static void list_jobs(struct jobs *jobs, const struct cf_model *model, enum cf_dtype dtype)
{
    int64_t n_embd = model->n_embd;
    add_matrix(jobs, -1, "token_embd.weight", &model->wte, dtype, true);
    add_matrix(jobs, -1, "position_embd.weight", &model->wpe, CF_F32, false);
    add_vector(jobs, -1, "output_norm.weight", model->ln_f_weight, n_embd);
    add_vector(jobs, -1, "output_norm.bias", model->ln_f_bias, n_embd);
    if (!model->is_tied) {
        add_matrix(jobs, -1, "output.weight", &model->lm_head, dtype, true);
    }
    if (model->lm_head_bias != NULL) {
        add_vector(jobs, -1, "output.bias", model->lm_head_bias, model->n_vocab);
    }
    for (int32_t i = 0; i < model->n_layer; i++) {
        const struct cf_layer *layer = &model->layers[i];
        add_vector(jobs, i, "attn_norm.weight", layer->ln_1_weight, n_embd);
        add_vector(jobs, i, "attn_norm.bias", layer->ln_1_bias, n_embd);
        add_matrix(jobs, i, "attn_qkv.weight", &layer->attn_qkv, dtype, false);
        add_vector(jobs, i, "attn_qkv.bias", layer->attn_qkv_bias, 3 * n_embd);
        add_matrix(jobs, i, "attn_output.weight", &layer->attn_proj, dtype, false);
        add_vector(jobs, i, "attn_output.bias", layer->attn_proj_bias, n_embd);
        add_vector(jobs, i, "ffn_norm.weight", layer->ln_2_weight, n_embd);
        add_vector(jobs, i, "ffn_norm.bias", layer->ln_2_bias, n_embd);
        add_matrix(jobs, i, "ffn_up.weight", &layer->mlp_up, dtype, false);
        add_vector(jobs, i, "ffn_up.bias", layer->mlp_up_bias, model->n_inner);
        add_matrix(jobs, i, "ffn_down.weight", &layer->mlp_down, dtype, false);
        add_vector(jobs, i, "ffn_down.bias", layer->mlp_down_bias, n_embd);
    }
}

/* ---- rows ---- */

/* Rows [first, first + n_rows) of a matrix as float32, rows of n_in. */
static void read_rows(const struct cf_matrix *matrix, int64_t first, int64_t n_rows, float *rows)
{
    for (int64_t i = 0; i < n_rows; i++) {
        cf_matrix_row(cf_kernels_current(), matrix, (int32_t)(first + i),
                      rows + (size_t)i * (size_t)matrix->n_in);
    }
}

/* What would be infinite or nothing at all in the file is refused before it gets there. */
static enum cf_code check_values(const struct job *job, const float *values, size_t n,
                                 const char *path, struct cf_err *err)
{
    float limit = job->dtype == CF_F16 ? 65504.0F : 3.4e38F;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return cf_err_set(err, CF_ERR_CORRUPT, "%s: the weights of %s are not all numbers",
                              path, job->name);
        }
        if (fabsf(values[i]) > limit) {
            return cf_err_set(err, CF_ERR_RANGE, "%s: a weight of %s is too large for %s", path,
                              job->name, cf_dtype_name(job->dtype));
        }
    }
    return CF_OK;
}

struct scratch {
    float *values;
    unsigned char *packed;
};

static enum cf_code write_values(struct cf_gguf_writer *writer, const struct job *job,
                                 const float *values, size_t n, const struct scratch *scratch,
                                 const char *path, struct cf_err *err)
{
    enum cf_code code = check_values(job, values, n, path, err);
    if (code != CF_OK) {
        return code;
    }
    size_t size = cf_dtype_row_size(job->dtype, n);
    if (job->dtype == CF_F32) {
        return cf_gguf_writer_data(writer, values, size, err);
    }
    cf_from_f32(cf_kernels_current(), job->dtype, values, n, scratch->packed);
    return cf_gguf_writer_data(writer, scratch->packed, size, err);
}

static enum cf_code report(const struct cf_convert *convert, const struct cf_gguf_writer *writer,
                           const char *path, struct cf_err *err)
{
    const struct cf_progress *progress = &convert->progress;
    if (progress->report != NULL && !progress->report(progress->data, cf_gguf_writer_done(writer),
                                                      cf_gguf_writer_total(writer))) {
        return cf_err_set(err, CF_ERR_CANCELLED, "%s: cancelled", path);
    }
    return CF_OK;
}

static enum cf_code write_job(struct cf_gguf_writer *writer, const struct job *job,
                              const struct cf_convert *convert, const struct scratch *scratch,
                              const char *path, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    if (job->vector != NULL) {
        code = write_values(writer, job, job->vector, (size_t)job->n, scratch, path, err);
    } else {
        int64_t n_out = job->matrix->n_out;
        for (int64_t row = 0; row < n_out && code == CF_OK; row += N_ROWS) {
            int64_t n_rows = n_out - row < N_ROWS ? n_out - row : N_ROWS;
            size_t n = (size_t)n_rows * (size_t)job->matrix->n_in;
            read_rows(job->matrix, row, n_rows, scratch->values);
            code = write_values(writer, job, scratch->values, n, scratch, path, err);
            if (code == CF_OK) {
                code = report(convert, writer, path, err);
            }
        }
    }
    return code == CF_OK ? cf_gguf_writer_end_tensor(writer, err) : code;
}

static enum cf_code write_jobs(struct cf_gguf_writer *writer, const struct jobs *jobs,
                               const struct cf_convert *convert, const char *path,
                               struct cf_err *err)
{
    size_t n_in = 1;
    for (size_t i = 0; i < jobs->n; i++) {
        const struct cf_matrix *matrix = jobs->data[i].matrix;
        n_in = matrix != NULL && (size_t)matrix->n_in > n_in ? (size_t)matrix->n_in : n_in;
    }
    struct scratch scratch = {.values = cf_realloc_array(NULL, N_ROWS * n_in, sizeof(float)),
                              .packed = cf_realloc_array(NULL, N_ROWS * n_in, 2)};
    enum cf_code code = cf_gguf_writer_begin_data(writer, err);
    for (size_t i = 0; i < jobs->n && code == CF_OK; i++) {
        code = write_job(writer, &jobs->data[i], convert, &scratch, path, err);
    }
    free(scratch.values);
    free(scratch.packed);
    return code;
}

/* ---- the whole ---- */

static enum cf_code check_dtype(enum cf_dtype dtype, struct cf_err *err)
{
    if (cf_from_f32_knows(dtype)) {
        return CF_OK;
    }
    struct cf_buf known = CF_BUF_INIT;
    static const enum cf_dtype all[] = {
#define CF_X(name, number, text, n_block, size) name,
        CF_DTYPES(CF_X)
#undef CF_X
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(all); i++) {
        if (cf_from_f32_knows(all[i])) {
            cf_buf_addf(&known, "%s%s", known.size > 0 ? ", " : "", cf_dtype_name(all[i]));
        }
    }
    enum cf_code code =
        cf_err_set(err, CF_ERR_UNSUPPORTED, "models cannot be written in the type %s, only in %s",
                   cf_dtype_name(dtype), known.data);
    cf_buf_release(&known);
    return code;
}

static enum cf_code write_model(const struct cf_model *model, const struct cf_tokenizer *tokenizer,
                                const char *in_path, const char *out_path,
                                const struct cf_convert *convert, struct cf_err *err)
{
    struct cf_gguf_writer *writer = NULL;
    struct jobs jobs = {0};
    enum cf_code code = cf_gguf_writer_open(&writer, out_path, convert->may_replace, err);
    if (code != CF_OK) {
        return code;
    }
    cf_quantize_metadata(writer, model, tokenizer, convert);
    list_jobs(&jobs, model, convert->dtype);
    for (size_t i = 0; i < jobs.n; i++) {
        const struct job *job = &jobs.data[i];
        cf_gguf_writer_tensor(writer, job->name, job->dtype,
                              job->matrix != NULL ? job->matrix->n_in : job->n,
                              job->matrix != NULL ? job->matrix->n_out : 0);
    }
    code = write_jobs(writer, &jobs, convert, in_path, err);
    if (code == CF_OK) {
        code = cf_gguf_writer_commit(writer, err);
    }
    cf_gguf_writer_free(writer);
    free(jobs.data);
    return code;
}

enum cf_code cf_model_convert(const char *in_path, const char *out_path,
                              const struct cf_convert *convert, struct cf_err *err)
{
    struct cf_model *model = NULL;
    struct cf_tokenizer *tokenizer = NULL;
    enum cf_code code = check_dtype(convert->dtype, err);
    if (code == CF_OK) {
        code = cf_quantize_check_metadata(convert, err);
    }
    if (code == CF_OK) {
        code = cf_model_open(&model, in_path, err);
    }
    if (code == CF_OK) {
        code = cf_tokenizer_open(&tokenizer, in_path, err);
    }
    if (code == CF_OK) {
        code = cf_tokenizer_check_model(tokenizer, model->n_vocab, in_path, err);
    }
    if (code == CF_OK) {
        code = write_model(model, tokenizer, in_path, out_path, convert, err);
    }
    cf_tokenizer_free(tokenizer);
    cf_model_free(model);
    return code;
}
