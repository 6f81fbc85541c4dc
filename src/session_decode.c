/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One token for each of some branches, or for one branch and what may follow it. */
#include <string.h>

#include "session_parts.h"

/* Row i of the pass that comes is to be the branch's position n + OFFSET. */
static enum cf_code add_row(struct cf_session *session, int i, struct session_branch *branch,
                            int32_t offset, int32_t id, struct cf_err *err)
{
    if (branch->n + offset >= session->n_ctx) {
        return cf_err_set(err, CF_ERR_CONTEXT, "the context of %ld tokens is full",
                          (long)session->n_ctx);
    }
    if (!cf_session_branch_alloc(session, branch)) {
        return cf_session_no_memory(session, err);
    }
    session->rows[i] =
        (struct session_row){.branch = branch, .position = branch->n + offset, .id = id};
    return CF_OK;
}

/* The rows that stand ready, and their logits. */
static enum cf_code decode_rows(struct cf_session *session, int n,
                                const struct cf_interrupt *interrupt, struct cf_err *err)
{
    enum cf_code code = cf_session_forward(session, n, CF_PATH_KERNEL, interrupt, err);
    if (code == CF_OK) {
        code = cf_session_head(session, 0, n, session->logits, err);
    }
    session->counts.n_evaluated += code == CF_OK ? n : 0;
    return code;
}

/* The branch gets a token whose logits are row ROW of the session's. */
static void advance(struct cf_session *session, struct session_branch *branch, int32_t id, int row)
{
    size_t n_vocab = (size_t)session->model->n_vocab;
    cf_session_branch_append(branch, id, CF_PATH_KERNEL);
    memcpy(branch->logits, session->logits + (size_t)row * n_vocab, n_vocab * sizeof(float));
    branch->has_logits = true;
}

bool cf_session_has_ahead(const struct cf_session *session, int branch, int32_t id)
{
    const struct session_ahead *ahead = &session->ahead;
    return ahead->branch == cf_session_branch_at(session, branch) && ahead->next < ahead->n &&
           ahead->ids[ahead->next] == id;
}

/* Whether the token was evaluated ahead; then the branch has it. */
static bool take_ahead(struct cf_session *session, int branch_number, int32_t id)
{
    struct session_ahead *ahead = &session->ahead;
    if (!cf_session_has_ahead(session, branch_number, id)) {
        return false;
    }
    ahead->next++;
    advance(session, cf_session_branch_at(session, branch_number), id, ahead->next);
    session->counts.n_ahead++;
    return true;
}

enum cf_code cf_session_decode(struct cf_session *session, const int *branches, const int32_t *ids,
                               int n, const struct cf_interrupt *interrupt, struct cf_err *err)
{
    assert(n >= 1 && n <= session->n_branches);
    enum cf_code code = cf_session_check_ids(session, ids, n, err);
    if (code == CF_OK && n == 1 && take_ahead(session, branches[0], ids[0])) {
        return CF_OK;
    }
    session->ahead.branch = NULL;
    for (int i = 0; i < n && code == CF_OK; i++) {
        for (int k = 0; k < i; k++) {
            assert(branches[k] != branches[i]);
        }
        code = add_row(session, i, cf_session_branch_at(session, branches[i]), 0, ids[i], err);
    }
    if (code == CF_OK) {
        code = decode_rows(session, n, interrupt, err);
    }
    for (int i = 0; i < n && code == CF_OK; i++) {
        advance(session, session->rows[i].branch, ids[i], i);
    }
    return code;
}

enum cf_code cf_session_decode_ahead(struct cf_session *session, int branch_number, int32_t id,
                                     const int32_t *ahead, int n_ahead,
                                     const struct cf_interrupt *interrupt, struct cf_err *err)
{
    assert(n_ahead >= 0 && n_ahead <= CF_SESSION_AHEAD_MAX);
    struct session_branch *branch = cf_session_branch_at(session, branch_number);
    enum cf_code code = cf_session_check_ids(session, &id, 1, err);
    if (code == CF_OK) {
        code = cf_session_check_ids(session, ahead, n_ahead, err);
    }
    if (code == CF_OK && take_ahead(session, branch_number, id)) {
        return CF_OK;
    }
    session->ahead.branch = NULL;
    if (code == CF_OK) {
        code = add_row(session, 0, branch, 0, id, err);
    }
    const int32_t room = session->n_ctx - branch->n - 1;
    const int n = n_ahead < room ? n_ahead : (int)room;
    for (int i = 0; i < n && code == CF_OK; i++) {
        code = add_row(session, 1 + i, branch, 1 + i, ahead[i], err);
    }
    if (code == CF_OK) {
        code = decode_rows(session, 1 + n, interrupt, err);
    }
    if (code == CF_OK) {
        advance(session, branch, id, 0);
        session->ahead = (struct session_ahead){.branch = branch, .n = n};
        memcpy(session->ahead.ids, ahead, (size_t)n * sizeof *ahead);
    }
    return code;
}
