/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forward pass.  Everything in it goes row by row in the sense of kernels.h: what is computed
 * for a row does not depend on the rows beside it. */
#include <string.h>

#include "session_parts.h"

static void embed(const struct cf_session *session, int32_t n_rows)
{
    const struct cf_model *model = session->model;
    size_t n_embd = (size_t)model->n_embd;
    for (int32_t i = 0; i < n_rows; i++) {
        const struct session_row *row = &session->rows[i];
        float *x = session->x + (size_t)i * n_embd;
        float *position = session->h; /* free until the first layer */
        cf_matrix_row(session->kernels, &model->wte, row->id, x);
        cf_matrix_row(session->kernels, &model->wpe, row->position, position);
        cf_add(session->kernels, x, position, n_embd);
    }
}

struct kv_store {
    const struct cf_session *session;
    size_t k_offset;
    size_t v_offset;
};

/* Writes k and v of rows [begin, end) of qkv to their places. */
static void store_kv(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct kv_store *store = ctx;
    const struct cf_session *session = store->session;
    const struct cf_attention *attention = &session->attention;
    size_t d_head = (size_t)attention->d_head;
    size_t n_embd = (size_t)session->model->n_embd;
    size_t row_size = cf_dtype_row_size(attention->kv_type, d_head);
    size_t head_size = cf_dtype_row_size(attention->kv_type, (size_t)attention->head_stride);
    for (int64_t i = begin; i < end; i++) {
        const struct session_row *row = &session->rows[i];
        const float *k = session->qkv + (size_t)i * 3 * n_embd + n_embd;
        const float *v = k + n_embd;
        unsigned char *place = (unsigned char *)row->branch->kv + (size_t)row->position * row_size;
        for (size_t head = 0; head < (size_t)attention->n_head; head++) {
            unsigned char *in_head = place + head * head_size;
            cf_from_f32(session->kernels, attention->kv_type, k + head * d_head, d_head,
                        in_head + store->k_offset);
            cf_from_f32(session->kernels, attention->kv_type, v + head * d_head, d_head,
                        in_head + store->v_offset);
        }
    }
}

/* qkv to h. */
static void attend(struct cf_session *session, int32_t layer, int32_t n_rows)
{
    enum { STORE_GRAIN = 8 };
    size_t n_embd = (size_t)session->model->n_embd;
    struct kv_store store = {.session = session,
                             .k_offset = cf_session_kv_offset(session, layer, 0),
                             .v_offset = cf_session_kv_offset(session, layer, 1)};
    if (n_rows > STORE_GRAIN) {
        cf_pool_run(session->pool, store_kv, &store, n_rows, STORE_GRAIN);
    } else {
        store_kv(&store, 0, n_rows, 0);
    }
    for (int32_t i = 0; i < n_rows; i++) {
        const struct session_row *row = &session->rows[i];
        const unsigned char *kv = row->branch->kv;
        session->queries[i] = (struct cf_query){.q = session->qkv + (size_t)i * 3 * n_embd,
                                                .out = session->h + (size_t)i * n_embd,
                                                .k = kv + store.k_offset,
                                                .v = kv + store.v_offset,
                                                .n_seen = row->position + 1};
    }
    cf_attend(session->kernels, session->pool, &session->attention, session->queries, n_rows,
              session->scratch);
}

static void linear(struct cf_session *session, enum cf_eval_path path, const struct cf_matrix *w,
                   const float *bias, enum cf_then then, const float *x, int32_t n_rows, float *y)
{
    if (path == CF_PATH_GEMM) {
        cf_linear_gemm(session->kernels, session->pool, w, bias, then, x, n_rows,
                       session->rows[0].position, y, session->scratch);
    } else {
        cf_linear(session->kernels, session->pool, w, bias, then, x, n_rows, y, session->scratch);
    }
}

static void norm(struct cf_session *session, const float *weight, const float *bias, const float *x,
                 int32_t n_rows)
{
    cf_layer_norm(session->kernels, session->pool, x, n_rows, session->model->n_embd, weight, bias,
                  session->model->layer_norm_epsilon, session->h);
}

static void evaluate_layer(struct cf_session *session, int32_t i, int32_t n_rows,
                           enum cf_eval_path path)
{
    const struct cf_layer *layer = &session->model->layers[i];
    enum cf_then gelu = session->model->gelu == CF_GELU_ERF ? CF_THEN_GELU_ERF : CF_THEN_GELU_TANH;
    norm(session, layer->ln_1_weight, layer->ln_1_bias, session->x, n_rows);
    linear(session, path, &layer->attn_qkv, layer->attn_qkv_bias, CF_THEN_STORE, session->h, n_rows,
           session->qkv);
    attend(session, i, n_rows);
    linear(session, path, &layer->attn_proj, layer->attn_proj_bias, CF_THEN_ADD, session->h, n_rows,
           session->x);
    norm(session, layer->ln_2_weight, layer->ln_2_bias, session->x, n_rows);
    linear(session, path, &layer->mlp_up, layer->mlp_up_bias, gelu, session->h, n_rows,
           session->inner);
    linear(session, path, &layer->mlp_down, layer->mlp_down_bias, CF_THEN_ADD, session->inner,
           n_rows, session->x);
}

enum cf_code cf_session_forward(struct cf_session *session, int32_t n_rows, enum cf_eval_path path,
                                const struct cf_interrupt *interrupt, struct cf_err *err)
{
    assert(n_rows >= 1 && n_rows <= session->n_rows_max);
    session->n_rows = n_rows;
    embed(session, n_rows);
    for (int32_t i = 0; i < session->model->n_layer; i++) {
        if (interrupt != NULL && interrupt->fn(interrupt->arg)) {
            return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
        }
        evaluate_layer(session, i, n_rows, path);
    }
    session->counts.n_passes++;
    return CF_OK;
}

/* All ones in the exponent: NaN or infinity. */
static bool is_finite(const float *values, size_t n)
{
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        found |= (bits & 0x7F800000U) == 0x7F800000U;
    }
    return found == 0;
}

enum cf_code cf_session_head(struct cf_session *session, int32_t first, int32_t n, float *logits,
                             struct cf_err *err)
{
    const struct cf_model *model = session->model;
    assert(n >= 1 && n <= session->n_head_rows);
    norm(session, model->ln_f_weight, model->ln_f_bias,
         session->x + (size_t)first * (size_t)model->n_embd, n);
    /* Always through own kernels: logits depend on a path only through what they are made from. */
    cf_linear(session->kernels, session->pool, &model->lm_head, model->lm_head_bias, CF_THEN_STORE,
              session->h, n, logits, session->scratch);
    if (is_finite(logits, (size_t)n * (size_t)model->n_vocab)) {
        return CF_OK;
    }
    enum cf_code code = cf_model_check_finite(model, err);
    if (code != CF_OK) {
        return code;
    }
    return cf_err_set(err, CF_ERR_CORRUPT,
                      "the model '%s' computes logits that are no numbers, though its weights are",
                      model->name);
}
