/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timelines.  Invariants:
 *  1. those of struct session_branch (session_parts.h) hold between any two public calls, whatever
 *     failed;
 *  2. a position is appended to its branch only after a pass over all layers has evaluated it, so
 *     that a cancelled pass leaves no trace but unread KV behind position n;
 *  3. after memory for a branch was taken (first use), sync and decode allocate nothing. */
#include "session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ids.h"
#include "mem.h"
#include "session_parts.h"

void cf_session_assert_sane(const struct cf_session *session)
{
    for (int i = 0; i < session->n_branches; i++) {
        const struct session_branch *branch = &session->branches[i];
        int32_t covered = 0;
        for (size_t k = 0; k < branch->n_runs; k++) {
            assert(branch->runs[k].n > 0);
            assert(k == 0 || branch->runs[k].path != branch->runs[k - 1].path);
            covered += branch->runs[k].n;
        }
        assert(covered == branch->n && branch->n <= session->n_ctx);
        assert(branch->kv != NULL || branch->n == 0);
        assert(!branch->has_logits || branch->n > 0);
    }
}

static size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Scratch of the kernels that any call of a session needs. */
static size_t scratch_size(const struct cf_model *model, int32_t n_ctx, int32_t n_rows,
                           int32_t n_head_rows, bool has_gemm, int n_threads)
{
    size_t size = cf_attend_scratch_size(n_ctx, model->n_embd / model->n_head, n_threads);
    size = size_max(size, cf_linear_scratch_size(&model->lm_head, n_head_rows, n_threads));
    for (int32_t i = 0; i < model->n_layer; i++) {
        const struct cf_layer *layer = &model->layers[i];
        const struct cf_matrix *const matrices[] = {&layer->attn_qkv, &layer->attn_proj,
                                                    &layer->mlp_up, &layer->mlp_down};
        for (size_t k = 0; k < CF_ARRAY_SIZE(matrices); k++) {
            size = size_max(size, cf_linear_scratch_size(matrices[k], n_rows, n_threads));
            if (has_gemm) {
                size = size_max(size, cf_linear_gemm_scratch_size(matrices[k], n_threads));
            }
        }
    }
    return size;
}

/* Whether the layers can go through GEMM: all of their matrices are floats. */
static bool can_gemm(const struct cf_model *model)
{
    for (int32_t i = 0; i < model->n_layer; i++) {
        const struct cf_layer *layer = &model->layers[i];
        if (cf_dtype_n_block(layer->attn_qkv.dtype) != 1 ||
            cf_dtype_n_block(layer->attn_proj.dtype) != 1 ||
            cf_dtype_n_block(layer->mlp_up.dtype) != 1 ||
            cf_dtype_n_block(layer->mlp_down.dtype) != 1) {
            return false;
        }
    }
    return true;
}

/* Own kernels beat GEMM in tiles (one thread of Zen 3, 512 rows of F32: 86 and 69 GFLOP/s), and
 * what they compute depends on no path.  Kernels without vectors are no match. */
static int32_t gemm_rows_min(const struct cf_session *session)
{
    bool is_worth_it = strcmp(cf_kernels_name(session->kernels), "generic") == 0;
    return session->has_gemm && is_worth_it ? SESSION_GEMM_ROWS_MIN : INT32_MAX;
}

static int32_t rows_max(int n_branches)
{
    return n_branches > SESSION_ROWS ? n_branches : SESSION_ROWS;
}

static int32_t head_rows_max(int n_branches)
{
    return n_branches > SESSION_HEAD_ROWS ? n_branches : SESSION_HEAD_ROWS;
}

static size_t memory_size(const struct cf_model *model, const struct cf_session_params *params,
                          int n_threads)
{
    int32_t n_ctx = params->n_ctx > 0 ? params->n_ctx : model->n_ctx;
    size_t n_rows = (size_t)rows_max(params->n_branches);
    size_t n_head_rows = (size_t)head_rows_max(params->n_branches);
    size_t row = (size_t)model->n_embd * 5 + (size_t)model->n_inner;
    size_t branch = cf_session_kv_size(model, n_ctx, params->kv_type) +
                    (size_t)n_ctx * (sizeof(int32_t) + sizeof(struct cf_eval_run)) +
                    (size_t)model->n_vocab * sizeof(float);
    return branch * (size_t)params->n_branches + n_rows * row * sizeof(float) +
           n_rows * (sizeof(struct session_row) + sizeof(struct cf_query)) +
           n_head_rows * (size_t)model->n_vocab * sizeof(float) +
           scratch_size(model, n_ctx, (int32_t)n_rows, (int32_t)n_head_rows, can_gemm(model),
                        n_threads);
}

size_t cf_session_memory_size(const struct cf_model *model, const struct cf_session_params *params)
{
    return memory_size(model, params, 1);
}

/* More than the machine has would be granted, and the process killed when it is used. */
static bool fits_machine(size_t size)
{
    long n_pages = sysconf(_SC_PHYS_PAGES);
    long page_size = sysconf(_SC_PAGESIZE);
    return n_pages <= 0 || page_size <= 0 || size / (size_t)page_size < (size_t)n_pages;
}

enum cf_code cf_session_no_memory(const struct cf_session *session, struct cf_err *err)
{
    size_t size = cf_session_kv_size(session->model, session->n_ctx, session->attention.kv_type);
    return cf_err_set(
        err, CF_ERR_TOO_LARGE,
        "no memory for a context of %ld tokens, which takes %zu MB; use a smaller one",
        (long)session->n_ctx, (size >> 20) + 1);
}

static bool take_scratch(struct cf_session *session)
{
    const struct cf_model *model = session->model;
    size_t n_rows = (size_t)session->n_rows_max;
    size_t n_embd = (size_t)model->n_embd;
    session->rows = cf_session_alloc(n_rows, sizeof *session->rows);
    session->queries = cf_session_alloc(n_rows, sizeof *session->queries);
    session->x = cf_session_alloc(n_rows * n_embd, sizeof(float));
    session->h = cf_session_alloc(n_rows * n_embd, sizeof(float));
    session->qkv = cf_session_alloc(n_rows * 3 * n_embd, sizeof(float));
    session->inner = cf_session_alloc(n_rows * (size_t)model->n_inner, sizeof(float));
    session->logits =
        cf_session_alloc((size_t)session->n_head_rows * (size_t)model->n_vocab, sizeof(float));
    session->scratch = cf_session_alloc(scratch_size(model, session->n_ctx, session->n_rows_max,
                                                     session->n_head_rows, session->has_gemm,
                                                     cf_pool_n_threads(session->pool)),
                                        1);
    return session->rows != NULL && session->queries != NULL && session->x != NULL &&
           session->h != NULL && session->qkv != NULL && session->inner != NULL &&
           session->logits != NULL && session->scratch != NULL;
}

enum cf_code cf_session_new(struct cf_session **session, const struct cf_model *model,
                            struct cf_pool *pool, const struct cf_session_params *params,
                            struct cf_err *err)
{
    assert(params->n_branches >= 1);
    if (params->n_ctx < 0 || params->n_ctx > model->n_ctx) {
        return cf_err_set(err, CF_ERR_RANGE,
                          "a context of %ld tokens is asked for, but the model '%s' has %ld",
                          (long)params->n_ctx, model->name, (long)model->n_ctx);
    }
    if (params->kv_type != CF_F32 && params->kv_type != CF_F16) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED, "a KV cache of type %s is not supported",
                          cf_dtype_name(params->kv_type));
    }
    int32_t d_head = model->n_embd / model->n_head;
    struct cf_session *fresh = cf_calloc(1, sizeof *fresh);
    fresh->model = model;
    fresh->pool = pool;
    fresh->kernels = cf_kernels_current();
    fresh->n_ctx = params->n_ctx > 0 ? params->n_ctx : model->n_ctx;
    fresh->attention = (struct cf_attention){.n_head = model->n_head,
                                             .d_head = d_head,
                                             .head_stride = (int64_t)fresh->n_ctx * d_head,
                                             .kv_type = params->kv_type,
                                             .scale = 1.0F / sqrtf((float)d_head)};
    fresh->has_gemm = can_gemm(model);
    fresh->gemm_rows_min = gemm_rows_min(fresh);
    fresh->n_rows_max = rows_max(params->n_branches);
    fresh->n_head_rows = head_rows_max(params->n_branches);
    fresh->n_branches = params->n_branches;
    fresh->branches = cf_calloc((size_t)params->n_branches, sizeof *fresh->branches);
    struct cf_session_params one = *params;
    one.n_branches = 1;
    if (!fits_machine(memory_size(model, &one, 1)) || !take_scratch(fresh)) {
        enum cf_code code = cf_session_no_memory(fresh, err);
        cf_session_free(fresh);
        return code;
    }
    *session = fresh;
    return CF_OK;
}

void cf_session_free(struct cf_session *session)
{
    if (session == NULL) {
        return;
    }
    for (int i = 0; i < session->n_branches; i++) {
        cf_session_branch_release(&session->branches[i]);
    }
    free(session->branches);
    free(session->rows);
    free(session->queries);
    free(session->x);
    free(session->h);
    free(session->qkv);
    free(session->inner);
    free(session->logits);
    free(session->scratch);
    free(session);
}

enum cf_code cf_session_check_ids(const struct cf_session *session, const int32_t *ids, int32_t n,
                                  struct cf_err *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= session->model->n_vocab) {
            return cf_err_set(err, CF_ERR_RANGE, "token id %ld is not between 0 and %ld",
                              (long)ids[i], (long)session->model->n_vocab - 1);
        }
    }
    return CF_OK;
}

/* What must hold before n ids are evaluated in a branch. */
static enum cf_code prepare(struct cf_session *session, struct session_branch *branch,
                            const int32_t *ids, int32_t n, struct cf_err *err)
{
    assert(n >= 1);
    if (n > session->n_ctx) {
        return cf_err_set(err, CF_ERR_CONTEXT, "%ld tokens do not fit into a context of %ld",
                          (long)n, (long)session->n_ctx);
    }
    enum cf_code code = cf_session_check_ids(session, ids, n, err);
    if (code == CF_OK && !cf_session_branch_alloc(session, branch)) {
        code = cf_session_no_memory(session, err);
    }
    return code;
}

/* How positions from BEGIN on are evaluated, and the end of those that are evaluated alike: by
 * runs, or else through GEMM in tiles that have enough new positions. */
static enum cf_eval_path plan(const struct cf_session *session, const struct cf_eval_run *runs,
                              size_t n_runs, int32_t begin, int32_t end, int32_t *same_end)
{
    if (n_runs > 0) {
        enum cf_eval_path path = cf_session_runs_path(runs, n_runs, begin, same_end);
        *same_end = *same_end < end ? *same_end : end;
        return path;
    }
    if (session->gemm_rows_min > CF_GEMM_ROWS) {
        *same_end = end;
        return CF_PATH_KERNEL;
    }
    int32_t tile_end = begin - begin % CF_GEMM_ROWS + CF_GEMM_ROWS;
    *same_end = tile_end < end ? tile_end : end;
    if (*same_end - begin < session->gemm_rows_min) {
        return CF_PATH_KERNEL;
    }
    /* Whole tiles that follow, and the last one if it has enough. */
    int32_t whole = (end - *same_end) / CF_GEMM_ROWS * CF_GEMM_ROWS;
    *same_end += whole;
    if (end - *same_end >= session->gemm_rows_min) {
        *same_end = end;
    }
    return CF_PATH_GEMM;
}

/* One pass over positions [begin, end) of a branch, which holds those before. */
static enum cf_code evaluate(struct cf_session *session, struct session_branch *branch,
                             const int32_t *ids, int32_t begin, int32_t end, enum cf_eval_path path,
                             const struct cf_interrupt *interrupt, struct cf_err *err)
{
    session->ahead.branch = NULL;
    for (int32_t i = begin; i < end; i++) {
        session->rows[i - begin] =
            (struct session_row){.branch = branch, .position = i, .id = ids[i]};
    }
    enum cf_code code = cf_session_forward(session, end - begin, path, interrupt, err);
    if (code != CF_OK) {
        return code;
    }
    for (int32_t i = begin; i < end; i++) {
        cf_session_branch_append(branch, ids[i], path);
    }
    session->counts.n_evaluated += end - begin;
    return CF_OK;
}

/* The end of the next pass: as many rows as fit, at the border of a tile. */
static int32_t pass_end(int32_t begin, int32_t end)
{
    int32_t border = (begin - begin % CF_GEMM_ROWS) + SESSION_ROWS;
    return border < end ? border : end;
}

/* What is done after each pass with the rows of x that it filled; fn may be NULL. */
struct after_pass {
    enum cf_code (*fn)(void *arg, struct cf_session *session, int32_t begin, int32_t end,
                       struct cf_err *err);
    void *arg;
};

/* Evaluates ids[branch->n..n); the branch holds those before. */
static enum cf_code extend(struct cf_session *session, struct session_branch *branch,
                           const int32_t *ids, int32_t n, const struct cf_eval_run *runs,
                           size_t n_runs, struct after_pass after,
                           const struct cf_interrupt *interrupt, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    while (branch->n < n && code == CF_OK) {
        int32_t same_end;
        int32_t begin = branch->n;
        enum cf_eval_path path = plan(session, runs, n_runs, begin, n, &same_end);
        int32_t end = pass_end(begin, same_end);
        code = evaluate(session, branch, ids, begin, end, path, interrupt, err);
        if (code == CF_OK && after.fn != NULL) {
            code = after.fn(after.arg, session, begin, end, err);
        }
    }
    return code;
}

/* sync with kept positions already cut. */
static enum cf_code finish_sync(struct cf_session *session, struct session_branch *branch,
                                const int32_t *ids, int32_t n, const struct cf_eval_run *runs,
                                size_t n_runs, const struct cf_interrupt *interrupt,
                                struct cf_err *err)
{
    if (branch->n == n) {
        return CF_OK; /* with its logits */
    }
    enum cf_code code =
        extend(session, branch, ids, n, runs, n_runs, (struct after_pass){0}, interrupt, err);
    if (code == CF_OK) {
        /* x still holds the last pass, whose last row is position n - 1. */
        int32_t last = session->n_rows - 1;
        code = cf_session_head(session, last, 1, branch->logits, err);
        branch->has_logits = code == CF_OK;
    }
    return code;
}

/* Cuts a branch to what may be kept of it: at most KEEP, and one less without logits. */
static int32_t keep_prefix(struct cf_session *session, struct session_branch *branch, int32_t keep,
                           int32_t n)
{
    session->ahead.branch = NULL;
    if (keep == n && !(branch->n == n && branch->has_logits)) {
        keep = n - 1;
    }
    cf_session_branch_truncate(branch, keep);
    session->counts.n_reused += keep;
    return keep;
}

enum cf_code cf_session_sync(struct cf_session *session, int branch_number, const int32_t *ids,
                             int32_t n, const struct cf_interrupt *interrupt, int32_t *n_reused,
                             struct cf_err *err)
{
    struct session_branch *branch = cf_session_branch_at(session, branch_number);
    enum cf_code code = prepare(session, branch, ids, n, err);
    if (code != CF_OK) {
        return code;
    }
    int32_t common = (int32_t)cf_ids_common_prefix(branch->ids, (size_t)branch->n, ids, (size_t)n);
    int32_t kept = keep_prefix(session, branch, common, n);
    if (n_reused != NULL) {
        *n_reused = kept;
    }
    return finish_sync(session, branch, ids, n, NULL, 0, interrupt, err);
}

static enum cf_code check_runs(const struct cf_session *session, const struct cf_eval_run *runs,
                               size_t n_runs, int32_t n, struct cf_err *err)
{
    int64_t covered = 0;
    for (size_t i = 0; i < n_runs; i++) {
        if (runs[i].n < 1 || (runs[i].path != CF_PATH_KERNEL && runs[i].path != CF_PATH_GEMM)) {
            return cf_err_set(err, CF_ERR_RANGE, "a run of positions makes no sense");
        }
        if (runs[i].path == CF_PATH_GEMM && covered < n && !session->has_gemm) {
            return cf_err_set(err, CF_ERR_MISMATCH,
                              "positions were evaluated through GEMM, which weights of type %s of "
                              "the model '%s' never are",
                              cf_dtype_name(session->model->dtype), session->model->name);
        }
        covered += runs[i].n;
    }
    if (covered < n) {
        return cf_err_set(err, CF_ERR_RANGE, "the runs cover %lld of %ld positions",
                          (long long)covered, (long)n);
    }
    return CF_OK;
}

enum cf_code cf_session_sync_runs(struct cf_session *session, int branch_number, const int32_t *ids,
                                  int32_t n, const struct cf_eval_run *runs, size_t n_runs,
                                  const struct cf_interrupt *interrupt, struct cf_err *err)
{
    struct session_branch *branch = cf_session_branch_at(session, branch_number);
    enum cf_code code = check_runs(session, runs, n_runs, n, err);
    if (code == CF_OK) {
        code = prepare(session, branch, ids, n, err);
    }
    if (code != CF_OK) {
        return code;
    }
    int32_t common = (int32_t)cf_ids_common_prefix(branch->ids, (size_t)branch->n, ids, (size_t)n);
    common = cf_session_runs_common(branch->runs, branch->n_runs, runs, n_runs, common);
    (void)keep_prefix(session, branch, common, n);
    return finish_sync(session, branch, ids, n, runs, n_runs, interrupt, err);
}

struct all_logits {
    void (*fn)(void *arg, int32_t position, const float *logits);
    void *arg;
    struct session_branch *branch;
};

static enum cf_code give_logits(void *arg, struct cf_session *session, int32_t begin, int32_t end,
                                struct cf_err *err)
{
    const struct all_logits *all = arg;
    size_t n_vocab = (size_t)session->model->n_vocab;
    for (int32_t first = begin; first < end; first += SESSION_HEAD_ROWS) {
        int32_t n = end - first < SESSION_HEAD_ROWS ? end - first : SESSION_HEAD_ROWS;
        enum cf_code code = cf_session_head(session, first - begin, n, session->logits, err);
        if (code != CF_OK) {
            return code;
        }
        for (int32_t i = 0; i < n; i++) {
            all->fn(all->arg, first + i, session->logits + (size_t)i * n_vocab);
        }
        memcpy(all->branch->logits, session->logits + (size_t)(n - 1) * n_vocab,
               n_vocab * sizeof(float));
    }
    all->branch->has_logits = true;
    return CF_OK;
}

enum cf_code cf_session_eval_all(struct cf_session *session, int branch_number, const int32_t *ids,
                                 int32_t n,
                                 void (*fn)(void *arg, int32_t position, const float *logits),
                                 void *arg, const struct cf_interrupt *interrupt,
                                 struct cf_err *err)
{
    struct session_branch *branch = cf_session_branch_at(session, branch_number);
    enum cf_code code = prepare(session, branch, ids, n, err);
    if (code != CF_OK) {
        return code;
    }
    session->ahead.branch = NULL;
    cf_session_branch_truncate(branch, 0);
    struct all_logits all = {.fn = fn, .arg = arg, .branch = branch};
    struct after_pass after = {.fn = give_logits, .arg = &all};
    return extend(session, branch, ids, n, NULL, 0, after, interrupt, err);
}

const float *cf_session_logits(const struct cf_session *session, int branch_number)
{
    const struct session_branch *branch = cf_session_branch_at(session, branch_number);
    return branch->has_logits ? branch->logits : NULL;
}

const int32_t *cf_session_ids(const struct cf_session *session, int branch_number, int32_t *n)
{
    const struct session_branch *branch = cf_session_branch_at(session, branch_number);
    *n = branch->n;
    return branch->ids;
}

void cf_session_rewind(struct cf_session *session, int branch_number, int32_t n)
{
    assert(n >= 0);
    session->ahead.branch = NULL;
    cf_session_branch_truncate(cf_session_branch_at(session, branch_number), n);
}

enum cf_code cf_session_fork(struct cf_session *session, int from_number, int to_number,
                             struct cf_err *err)
{
    const struct session_branch *from = cf_session_branch_at(session, from_number);
    struct session_branch *to = cf_session_branch_at(session, to_number);
    if (from == to) {
        return CF_OK;
    }
    session->ahead.branch = NULL;
    if (!cf_session_branch_alloc(session, to)) {
        return cf_session_no_memory(session, err);
    }
    int32_t common =
        (int32_t)cf_ids_common_prefix(to->ids, (size_t)to->n, from->ids, (size_t)from->n);
    common = cf_session_runs_common(to->runs, to->n_runs, from->runs, from->n_runs, common);
    if (from->n > 0) {
        cf_session_branch_copy_kv(session, to, from, common, from->n);
        memcpy(to->ids, from->ids, (size_t)from->n * sizeof *to->ids);
        memcpy(to->runs, from->runs, from->n_runs * sizeof *to->runs);
        memcpy(to->logits, from->logits, (size_t)session->model->n_vocab * sizeof(float));
    }
    to->n = from->n;
    to->n_runs = from->n_runs;
    to->has_logits = from->has_logits;
    return CF_OK;
}

const struct cf_eval_run *cf_session_runs(const struct cf_session *session, int branch_number,
                                          size_t *n_runs)
{
    const struct session_branch *branch = cf_session_branch_at(session, branch_number);
    *n_runs = branch->n_runs;
    return branch->runs;
}

struct cf_session_counts cf_session_counts(const struct cf_session *session)
{
    return session->counts;
}

int32_t cf_session_n_ctx(const struct cf_session *session)
{
    return session->n_ctx;
}

const struct cf_model *cf_session_model(const struct cf_session *session)
{
    return session->model;
}
