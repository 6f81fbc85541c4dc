/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is recorded of a reply, and the digest of the model, which a thread of its own computes: it
 * reads the whole file, the first time that a model is used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "kernels/kernels.h"
#include "mem.h"
#include "thread.h"

void cf_chat_fill_head(struct cf_chat *chat, struct cf_recipe_head *head)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_config_format_template(cf_chat_template(chat), &text);
    cf_digest_of(&head->template_digest, text.data, text.size);
    cf_buf_release(&text);
    const char *system = chat->settings.system != NULL ? chat->settings.system : "";
    cf_digest_of(&head->system_digest, system, strlen(system));
    if (chat->digest.is_known) {
        head->model_digest = chat->digest.digest;
    }
    head->dtype = cf_chat_model(chat)->dtype;
    head->kv_type = cf_worker_kv_type(chat->worker);
    const char *name = cf_kernels_name(cf_kernels_current());
    char gemm[CF_RECIPE_NAME_SIZE - sizeof "generic, "] = "";
    if (cf_dtype_n_block(head->dtype) == 1) {
        cf_gemm_name(gemm, sizeof gemm);
    }
    (void)snprintf(head->instruction_set, sizeof head->instruction_set, "%.7s%s%s", name,
                   gemm[0] != '\0' ? ", " : "", gemm);
    head->kernel_version = CF_KERNELS_VERSION;
    head->sampler_version = CF_SAMPLER_VERSION;
    head->n_ctx = cf_worker_n_ctx(chat->worker);
}

bool cf_chat_holds_head(struct cf_chat *chat, const struct cf_recipe_head *head)
{
    struct cf_recipe_head now = {0};
    cf_chat_fill_head(chat, &now);
    return cf_digest_equal(&now.template_digest, &head->template_digest) &&
           cf_digest_equal(&now.system_digest, &head->system_digest) && now.dtype == head->dtype &&
           now.kv_type == head->kv_type &&
           strcmp(now.instruction_set, head->instruction_set) == 0 &&
           now.kernel_version == head->kernel_version &&
           now.sampler_version == head->sampler_version && now.n_ctx == head->n_ctx;
}

/* The turns before the window that the prompt holds: the owners of its tokens tell. */
static void record_pinned(struct cf_chat_node *node, const struct cf_chat_plan *plan)
{
    int32_t last = -1;
    for (size_t i = 0; i < plan->prompt.owners.n; i++) {
        int32_t owner = plan->prompt.owners.data[i];
        if (owner > last && (size_t)owner < plan->prompt.start) {
            cf_recipe_add_pinned(&node->recipe, (int32_t)plan->sources[owner].place);
            last = owner;
        }
    }
}

const struct cf_sampling *cf_chat_sampling_of(const struct cf_chat_work *work, int32_t alternative)
{
    const struct cf_job *job = &work->job;
    return job->samplings != NULL ? &job->samplings[alternative] : &job->sampling;
}

void cf_chat_record_job(struct cf_chat_node *node, const struct cf_chat_work *work,
                        int32_t alternative)
{
    const struct cf_chat_plan *plan = &work->plan;
    size_t start = plan->prompt.start;
    size_t place = start < plan->n_turns ? plan->sources[start].place : 0;
    const struct cf_recipe_job job = {.max_tokens = work->job.max_tokens,
                                      .started_ms = cf_chat_utc_ms(),
                                      .seed = work->job.seed,
                                      .stream = work->job.samplings != NULL
                                                    ? work->job.stream
                                                    : work->job.stream + (uint32_t)alternative,
                                      .first_draw = (uint32_t)node->recipe.n_tokens,
                                      .window_start = (int32_t)place,
                                      .n_prompt = (int32_t)work->job.ids.n - work->job.n_own,
                                      .prompt_digest = plan->ids_digest};
    cf_recipe_add_job(&node->recipe, &job);
    record_pinned(node, plan);
    cf_recipe_add_knobs(&node->recipe, (int32_t)node->recipe.n_tokens,
                        cf_chat_sampling_of(work, alternative));
}

void cf_chat_record_paths(struct cf_chat_node *node, const struct cf_eval_run *runs, size_t n)
{
    struct cf_recipe_path *paths = cf_calloc(n, sizeof paths[0]);
    for (size_t i = 0; i < n; i++) {
        paths[i] = (struct cf_recipe_path){.n = runs[i].n, .path = (uint8_t)runs[i].path};
    }
    cf_recipe_set_paths(&node->recipe, paths, n);
    free(paths);
}

/* --- the digest --- */

static void *run_digest(void *arg)
{
    struct cf_chat_digest *digest = arg;
    digest->code = cf_digest_model(&digest->digest, digest->path, digest->cache_path,
                                   &digest->is_cancelled, NULL);
    atomic_store(&digest->is_done, true);
    cf_wake_signal(digest->wake);
    return NULL;
}

void cf_chat_start_digest(struct cf_chat *chat)
{
    struct cf_chat_digest *digest = &chat->digest;
    cf_chat_stop_digest(chat);
    if (chat->model_path == NULL) {
        digest->is_known = true;
        return;
    }
    digest->path = cf_strdup(chat->model_path);
    digest->cache_path =
        chat->digest_cache_path != NULL ? cf_strdup(chat->digest_cache_path) : NULL;
    digest->wake = &chat->wake;
    digest->is_running = cf_thread_start(&digest->thread, run_digest, digest) == 0;
    digest->is_known = !digest->is_running;
}

static void join_digest(struct cf_chat_digest *digest)
{
    pthread_join(digest->thread, NULL);
    digest->is_running = false;
    free(digest->path);
    free(digest->cache_path);
    digest->path = NULL;
    digest->cache_path = NULL;
}

void cf_chat_record_digest(const struct cf_chat *chat, struct cf_chat_node *node)
{
    if (chat->digest.is_known) {
        node->recipe.head.model_digest = chat->digest.digest;
    }
}

/* Those being written hear of it at once: a kill may be all the end they have. */
static void record_in_reply(struct cf_chat *chat)
{
    const struct cf_chat_work *work = chat->reply;
    for (int32_t i = 0; work != NULL && !work->is_detached && i < work->n; i++) {
        if (!work->nodes[i]->is_finished) {
            cf_chat_record_digest(chat, work->nodes[i]);
            work->nodes[i]->is_dirty = true;
        }
    }
}

bool cf_chat_take_digest(struct cf_chat *chat)
{
    struct cf_chat_digest *digest = &chat->digest;
    if (!digest->is_running || !atomic_load(&digest->is_done)) {
        return false;
    }
    join_digest(digest);
    if (digest->code != CF_OK) {
        digest->digest = (struct cf_digest){0};
    }
    digest->is_known = true;
    record_in_reply(chat);
    return true;
}

void cf_chat_stop_digest(struct cf_chat *chat)
{
    struct cf_chat_digest *digest = &chat->digest;
    if (digest->is_running) {
        atomic_store(&digest->is_cancelled, true);
        join_digest(digest);
    }
    digest->digest = (struct cf_digest){0};
    digest->is_known = false;
    atomic_store(&digest->is_done, false);
    atomic_store(&digest->is_cancelled, false);
}
