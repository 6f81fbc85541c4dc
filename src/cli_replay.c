/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay: a stored reply generated again and compared. */
#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "cli_engine.h"
#include "cli_json.h"
#include "kernels/kernels.h"
#include "mem.h"
#include "path.h"
#include "replay.h"
#include "store.h"

/* The reply and the branch before it, as they are stored. */
struct stored {
    struct cf_messages one, before;
    struct cf_recipe recipe;
    struct cf_template template;
    struct cf_buf system;
};

static void release(struct stored *stored)
{
    cf_messages_release(&stored->one);
    cf_messages_release(&stored->before);
    cf_recipe_release(&stored->recipe);
    cf_template_release(&stored->template);
    cf_buf_release(&stored->system);
}

static enum cf_code load_snapshots(struct stored *stored, struct cf_store *store,
                                   struct cf_err *err)
{
    const struct cf_recipe_head *head = &stored->recipe.head;
    struct cf_buf text = CF_BUF_INIT;
    enum cf_code code = cf_store_snapshot_load(&text, store, &head->template_digest, err);
    if (code == CF_OK) {
        code = cf_config_parse_template(&stored->template, text.data, text.size, err);
    }
    cf_buf_release(&text);
    struct cf_digest none;
    cf_digest_of(&none, "", 0);
    if (code == CF_OK && !cf_digest_equal(&head->system_digest, &none)) {
        code = cf_store_snapshot_load(&stored->system, store, &head->system_digest, err);
    }
    return code;
}

static enum cf_code load(struct stored *stored, struct cf_store *store, const char *reference,
                         struct cf_err *err)
{
    int64_t id = 0;
    enum cf_code code = cf_store_message_find(&id, store, reference, err);
    if (code == CF_OK) {
        code = cf_store_message_load(&stored->one, store, id, true, err);
    }
    if (code != CF_OK) {
        return code;
    }
    const struct cf_message *message = &stored->one.items[0];
    if (message->role != CF_ROLE_ASSISTANT) {
        return cf_err_set(err, CF_ERR_MISMATCH, "message %lld is no reply: its role is %s",
                          (long long)id, cf_role_name(message->role));
    }
    if (message->state == CF_MESSAGE_STREAMING) {
        return cf_err_set(err, CF_ERR_BUSY, "reply %lld is still being written", (long long)id);
    }
    if (message->recipe_size == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND,
                          "nothing was recorded of reply %lld that it could be made again from",
                          (long long)id);
    }
    code = cf_recipe_decode(&stored->recipe, message->recipe, message->recipe_size, err);
    if (code == CF_OK && message->parent != 0) {
        code = cf_store_path_load(&stored->before, store, message->parent, 0, true, err);
    }
    return code == CF_OK ? load_snapshots(stored, store, err) : code;
}

/* ---- the model that wrote it ---- */

static bool is_digest_of(const struct cf_digest *digest, const char *path, const char *cache_path)
{
    struct cf_digest found;
    return cf_digest_model(&found, path, cache_path, NULL, NULL) == CF_OK &&
           cf_digest_equal(&found, digest);
}

/* The path of the model with that digest: USUAL (may be NULL), one that is installed, or the
 * bundled one; NULL when it is none of them.  The caller frees it. */
static char *find_by_digest(const struct cf_digest *digest, const char *usual)
{
    struct cf_texts names = {0};
    struct cf_texts paths = {0};
    char *bundled = NULL;
    char *cache_path = NULL;
    char *found = NULL;
    (void)cf_path_in(&cache_path, CF_FOLDER_CACHE, "digests", NULL);
    (void)cf_catalog_list(&names, &paths, NULL);
    if (cf_catalog_find(&bundled, NULL, NULL) == CF_OK &&
        (usual == NULL || strcmp(bundled, usual) != 0)) {
        cf_texts_add(&paths, bundled);
    }
    if (usual != NULL && is_digest_of(digest, usual, cache_path)) {
        found = cf_strdup(usual);
    }
    for (size_t i = 0; i < paths.n && found == NULL; i++) {
        if (is_digest_of(digest, paths.items[i], cache_path)) {
            found = cf_strdup(paths.items[i]);
        }
    }
    cf_texts_release(&names);
    cf_texts_release(&paths);
    free(bundled);
    free(cache_path);
    return found;
}

/* The path of a model at hand with the recorded digest: the one that --model names, else any.  A
 * reply that was cut off before the digest was known can be tried with the usual model only. */
static enum cf_code find_model(char **path, const struct cf_cli *cli, const struct stored *stored,
                               struct cf_err *err)
{
    static const struct cf_digest unknown;
    const struct cf_digest *digest = &stored->recipe.head.model_digest;
    if (cf_digest_equal(digest, &unknown)) {
        enum cf_code found = cf_cli_model_path(path, cli, err);
        if (found == CF_OK) {
            cf_cli_warn(cli,
                        "the digest of the model that wrote reply %lld was not recorded: trying "
                        "with %s",
                        (long long)stored->one.items[0].id, *path);
        }
        return found;
    }
    char *usual = NULL;
    enum cf_code code = cf_cli_model_path(&usual, cli, err);
    const char *name = stored->one.items[0].model;
    char hex[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(hex, digest);
    if (code != CF_OK && cli->settings.model != NULL) {
        struct cf_err why = *err;
        return cf_err_set(err, code, "%s; the reply was written by %s with the SHA-256 %s",
                          why.text, name != NULL ? name : "an unnamed model", hex);
    }
    *path = find_by_digest(digest, usual);
    free(usual);
    if (*path != NULL) {
        return CF_OK;
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND,
                      "the model that wrote the reply is not here: %s with the SHA-256 %s "
                      "(--model names a file)",
                      name != NULL ? name : "unnamed", hex);
}

static enum cf_code open_engine(struct cf_engine *engine, const struct cf_cli *cli,
                                const struct stored *stored, struct cf_err *err)
{
    const struct cf_recipe_head *head = &stored->recipe.head;
    char *path = NULL;
    enum cf_code code = find_model(&path, cli, stored, err);
    if (code == CF_OK) {
        code = cf_engine_open_model(engine, path, NULL, true, err);
    }
    if (code == CF_OK && engine->model->dtype != head->dtype && cf_from_f32_knows(head->dtype)) {
        cf_engine_close(engine); /* the reply's weights were converted when they were loaded */
        code = cf_engine_open_model(engine, path, &head->dtype, true, err);
    }
    free(path);
    if (code == CF_OK) {
        code = cf_replay_check(&stored->recipe, engine->model, err);
    }
    if (code == CF_OK) {
        const struct cf_session_params params = {
            .n_ctx = head->n_ctx, .kv_type = head->kv_type, .n_branches = 1};
        code = cf_engine_start(engine, cli, &params, err);
    }
    return code;
}

/* ---- the comparison ---- */

static enum cf_code run(struct cf_replay_result *result, const struct stored *stored,
                        const struct cf_engine *engine, struct cf_err *err)
{
    size_t n = stored->before.n;
    struct cf_turn *turns = cf_calloc(n + 1, sizeof *turns);
    struct cf_ids *ids = cf_calloc(n + 1, sizeof *ids);
    enum cf_code code = CF_OK;
    for (size_t i = 0; i < n; i++) {
        const struct cf_message *message = &stored->before.items[i];
        struct cf_recipe recipe = {0};
        if (message->recipe_size > 0 &&
            cf_recipe_decode(&recipe, message->recipe, message->recipe_size, NULL) == CF_OK) {
            cf_prompt_reply_ids(&ids[i], engine->tokenizer, &recipe, message->text, message->size);
        }
        cf_recipe_release(&recipe);
        turns[i] = (struct cf_turn){.role = message->role,
                                    .text = message->text,
                                    .size = message->size,
                                    .ids = ids[i].data,
                                    .n_ids = (int32_t)ids[i].n};
    }
    const struct cf_replay_reply reply = {.recipe = &stored->recipe,
                                          .template = &stored->template,
                                          .system = stored->system.data,
                                          .turns = turns,
                                          .n_turns = n};
    const struct cf_interrupt interrupt = cf_engine_interrupt();
    code = cf_replay_run(result, &reply, engine->session, 0, engine->tokenizer, NULL, NULL,
                         &interrupt, err);
    for (size_t i = 0; i < n; i++) {
        cf_ids_release(&ids[i]);
    }
    free(ids);
    free(turns);
    return code;
}

static void add_piece(struct cf_out *out, const struct cf_engine *engine, int32_t id)
{
    size_t size = 0;
    const char *piece = cf_tokenizer_piece(engine->tokenizer, id, &size);
    cf_out_addf(out, "“");
    cf_out_add_piece(out, piece != NULL ? piece : "", size);
    cf_out_addf(out, "”");
}

static void write_lines(struct cf_out *out, const struct cf_replay_result *result,
                        const struct cf_engine *engine)
{
    int32_t n_given = result->n_tokens - result->n_compared;
    if (result->first < 0) {
        cf_out_addf(out, "identical, %d of %d tokens", result->n_same, result->n_compared);
        if (n_given > 0) {
            cf_out_addf(out, " (%d more were inherited or chosen by hand)", n_given);
        }
        cf_out_add(out, "\n", 1);
        return;
    }
    cf_out_addf(out, "differs from token %d of %d on: ", result->first + 1, result->n_tokens);
    add_piece(out, engine, result->id);
    cf_out_addf(out, " (%.4f) then, ", (double)result->p);
    add_piece(out, engine, result->id_now);
    cf_out_addf(out, " now, where the first would have %.4f; %d of %d tokens are the same\n",
                (double)result->p_now, result->n_same, result->n_compared);
}

static void write_json(struct cf_out *out, const struct cf_replay_result *result, int64_t message)
{
    json_t *object =
        json_pack("{s:I, s:b, s:i, s:i, s:i, s:i}", "message", (json_int_t)message, "identical",
                  result->first < 0, "tokens", result->n_tokens, "compared", result->n_compared,
                  "same", result->n_same, "same_probability", result->n_p_same);
    if (result->first >= 0) {
        json_object_set_new(object, "first", json_integer(result->first));
        json_object_set_new(object, "id", json_integer(result->id));
        json_object_set_new(object, "p", json_real((double)result->p));
        json_object_set_new(object, "id_now", json_integer(result->id_now));
        json_object_set_new(object, "p_now", json_real((double)result->p_now));
    }
    cf_out_add_json(out, object);
}

enum cf_exit cf_cli_replay(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct stored stored = {.template = CF_TEMPLATE_INIT};
    struct cf_engine engine = {0};
    struct cf_replay_result result = {.first = -1};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    cf_cli_catch_signals();
    const struct cf_store_options options = {.must_exist = true, .is_read_only = true};
    enum cf_code code = cf_store_open(&store, cli->db_path, &options, &err);
    if (code == CF_OK) {
        code = load(&stored, store, cli->args[0], &err);
        cf_store_close(store);
    }
    if (code == CF_OK) {
        code = open_engine(&engine, cli, &stored, &err);
    }
    if (code == CF_OK) {
        code = run(&result, &stored, &engine, &err);
    }
    if (code == CF_OK && cli->settings.json) {
        write_json(&out, &result, stored.one.items[0].id);
    } else if (code == CF_OK) {
        write_lines(&out, &result, &engine);
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
    code = code != CF_OK ? code : written;
    cf_engine_close(&engine);
    release(&stored);
    if (code != CF_OK) {
        return cf_cli_fail(&err);
    }
    return result.first < 0 ? CF_EXIT_DONE : CF_EXIT_FAILED;
}
