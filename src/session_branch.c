/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A branch's memory and bookkeeping: ids, runs and KV, nothing of arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "session_parts.h"

void *cf_session_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    return aligned_alloc(64, bytes > 0 ? (bytes + 63) / 64 * 64 : 64);
}

size_t cf_session_kv_size(const struct cf_model *model, int32_t n_ctx, enum cf_dtype kv_type)
{
    return (size_t)model->n_layer * 2 *
           cf_dtype_row_size(kv_type, (size_t)n_ctx * (size_t)model->n_embd);
}

size_t cf_session_kv_offset(const struct cf_session *session, int32_t layer, int part)
{
    size_t plane = cf_dtype_row_size(session->attention.kv_type,
                                     (size_t)session->n_ctx * (size_t)session->model->n_embd);
    return ((size_t)layer * 2 + (size_t)part) * plane;
}

bool cf_session_branch_alloc(struct cf_session *session, struct session_branch *branch)
{
    if (branch->kv != NULL) {
        return true;
    }
    size_t n_ctx = (size_t)session->n_ctx;
    struct session_branch fresh = {
        .kv = cf_session_alloc(
            cf_session_kv_size(session->model, session->n_ctx, session->attention.kv_type), 1),
        .ids = cf_session_alloc(n_ctx, sizeof(int32_t)),
        .runs = cf_session_alloc(n_ctx, sizeof(struct cf_eval_run)),
        .logits = cf_session_alloc((size_t)session->model->n_vocab, sizeof(float)),
    };
    if (fresh.kv == NULL || fresh.ids == NULL || fresh.runs == NULL || fresh.logits == NULL) {
        cf_session_branch_release(&fresh);
        return false;
    }
    *branch = fresh;
    return true;
}

void cf_session_branch_release(struct session_branch *branch)
{
    free(branch->kv);
    free(branch->ids);
    free(branch->runs);
    free(branch->logits);
    *branch = (struct session_branch){0};
}

void cf_session_branch_append(struct session_branch *branch, int32_t id, enum cf_eval_path path)
{
    branch->ids[branch->n++] = id;
    if (branch->n_runs > 0 && branch->runs[branch->n_runs - 1].path == path) {
        branch->runs[branch->n_runs - 1].n++;
    } else {
        branch->runs[branch->n_runs++] = (struct cf_eval_run){.n = 1, .path = path};
    }
    branch->has_logits = false;
}

void cf_session_branch_truncate(struct session_branch *branch, int32_t n)
{
    if (n >= branch->n) {
        return;
    }
    int32_t excess = branch->n - n;
    while (excess > 0) {
        struct cf_eval_run *last = &branch->runs[branch->n_runs - 1];
        int32_t cut = last->n < excess ? last->n : excess;
        last->n -= cut;
        excess -= cut;
        branch->n_runs -= last->n == 0;
    }
    branch->n = n;
    branch->has_logits = false;
}

enum cf_eval_path cf_session_runs_path(const struct cf_eval_run *runs, size_t n_runs,
                                       int32_t position, int32_t *end)
{
    int64_t covered = 0;
    for (size_t i = 0; i < n_runs; i++) {
        covered += runs[i].n;
        if (position < covered) {
            *end = covered < INT32_MAX ? (int32_t)covered : INT32_MAX;
            return runs[i].path;
        }
    }
    *end = INT32_MAX;
    return CF_PATH_KERNEL;
}

int32_t cf_session_runs_common(const struct cf_eval_run *a, size_t n_a, const struct cf_eval_run *b,
                               size_t n_b, int32_t n)
{
    int32_t position = 0;
    while (position < n) {
        int32_t end_a;
        int32_t end_b;
        if (cf_session_runs_path(a, n_a, position, &end_a) !=
            cf_session_runs_path(b, n_b, position, &end_b)) {
            return position;
        }
        position = end_a < end_b ? end_a : end_b;
    }
    return n;
}

void cf_session_branch_copy_kv(const struct cf_session *session, struct session_branch *to,
                               const struct session_branch *from, int32_t begin, int32_t end)
{
    const struct cf_attention *attention = &session->attention;
    size_t head_size = cf_dtype_row_size(attention->kv_type, (size_t)attention->head_stride);
    size_t row_size = cf_dtype_row_size(attention->kv_type, (size_t)attention->d_head);
    /* Layers, k and v, and heads lie one after the other: all are rows of n_ctx positions. */
    size_t n_heads = (size_t)session->model->n_layer * 2 * (size_t)attention->n_head;
    for (size_t i = 0; i < n_heads; i++) {
        size_t offset = i * head_size + (size_t)begin * row_size;
        memcpy((unsigned char *)to->kv + offset, (const unsigned char *)from->kv + offset,
               (size_t)(end - begin) * row_size);
    }
}
