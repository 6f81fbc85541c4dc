/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model pull: the model of a Hugging Face repository, into the folder of installed models.
 *
 * The hub's API (https://huggingface.co/docs/hub/api, GET
 * /api/models/REPO/revision/main?blobs=true) tells the commit, the files, their sizes and the
 * SHA-256 of those in large file storage; they are then fetched of that commit
 * (/REPO/resolve/COMMIT/FILE).  A folder is gathered under a name that begins with a dot, which no
 * other command looks at, and gets its own when it is whole. */
#include "base.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_engine.h"
#include "cli_out.h"
#include "cli_progress.h"
#include "download.h"
#include "mem.h"
#include "model.h"
#include "path.h"

enum {
    ANSWER_MAX_SIZE = 32 << 20,
    INDEX_MAX_SIZE = 16 << 20,
    CONFIG_MAX_SIZE = 1 << 20,
    NAME_MAX_SIZE = 200,
};

static const char default_endpoint[] = "https://huggingface.co";

struct pull {
    const struct cf_cli *cli;
    char *endpoint;
    char *repo;
    const char *file;   /* the one that was named, or NULL */
    char *models;       /* the folder of installed models */
    struct cf_buf path; /* what is being made: a folder or a file in it */
    json_t *answer;     /* of the API */
    const char *commit;
    struct cf_cli_progress progress;
};

/* ---- Names ---- */

/* Letters that need no quoting in a URL and name nothing but a file. */
static bool is_plain(const char *name, size_t size, bool may_have_slash)
{
    if (size == 0 || size > NAME_MAX_SIZE || name[0] == '/' || name[size - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool begins = i == 0 || name[i - 1] == '/';
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '-' && c != '_' && !(c == '.' && !begins) &&
            !(c == '/' && may_have_slash && !begins)) {
            return false;
        }
    }
    return true;
}

static enum cf_code read_reference(struct pull *pull, struct cf_err *err)
{
    const char *text = pull->cli->args[0];
    const char *endpoint = pull->cli->values[CF_CLI_ENDPOINT];
    const char *colon = strchr(text, ':');
    size_t n_repo = colon != NULL ? (size_t)(colon - text) : strlen(text);
    const char *slash = memchr(text, '/', n_repo);
    bool has_one_slash =
        slash == NULL || memchr(slash + 1, '/', n_repo - (size_t)(slash + 1 - text)) == NULL;
    if (!is_plain(text, n_repo, true) || !has_one_slash) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "%s is no repository: OWNER/NAME, such as openai-community/gpt2", text);
    }
    if (colon != NULL && (!is_plain(colon + 1, strlen(colon + 1), true) ||
                          !cf_path_has_ending(colon + 1, ".gguf"))) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "%s: only a GGUF file can be pulled alone; without a file comes what the "
                          "model needs",
                          text);
    }
    pull->repo = cf_memdup_str(text, n_repo);
    pull->file = colon != NULL ? colon + 1 : NULL;
    pull->endpoint =
        cf_strdup(endpoint != NULL && endpoint[0] != '\0' ? endpoint : default_endpoint);
    size_t n = strlen(pull->endpoint);
    while (n > 0 && pull->endpoint[n - 1] == '/') {
        pull->endpoint[--n] = '\0';
    }
    return CF_OK;
}

/* ---- What the repository holds ---- */

static enum cf_code ask_hub(struct pull *pull, struct cf_err *err)
{
    struct cf_buf url = CF_BUF_INIT;
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&url, "%s/api/models/%s/revision/main?blobs=true", pull->endpoint, pull->repo);
    enum cf_code code = cf_download_text(&text, url.data, ANSWER_MAX_SIZE, err);
    if (code == CF_OK) {
        pull->answer = json_loadb(text.data, text.size, 0, NULL);
        pull->commit = json_string_value(json_object_get(pull->answer, "sha"));
        if (pull->commit == NULL || !is_plain(pull->commit, strlen(pull->commit), false) ||
            !json_is_array(json_object_get(pull->answer, "siblings"))) {
            code = cf_err_set(err, CF_ERR_FORMAT, "%s: this is not the answer of a model hub",
                              url.data);
        }
    }
    cf_buf_release(&url);
    cf_buf_release(&text);
    return code;
}

static const json_t *find_file(const struct pull *pull, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(pull->answer, "siblings"), i, row)
    {
        const char *file = json_string_value(json_object_get(row, "rfilename"));
        if (file != NULL && strcmp(file, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* What there is instead, for the one who asked for something else. */
static void list_gguf(const struct pull *pull, struct cf_buf *names)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(pull->answer, "siblings"), i, row)
    {
        const char *file = json_string_value(json_object_get(row, "rfilename"));
        if (file != NULL && cf_path_has_ending(file, ".gguf") && names->size < NAME_MAX_SIZE) {
            cf_buf_addf(names, "%s%s", names->size > 0 ? ", " : "", file);
        }
    }
}

/* ---- Fetching ---- */

static bool report(void *data, int64_t done, int64_t size)
{
    struct pull *pull = data;
    cf_cli_progress_show(&pull->progress, done, size);
    return cf_cli_signal() == 0;
}

/* A file of the repository to PATH. */
static enum cf_code fetch(struct pull *pull, const char *name, const char *path, struct cf_err *err)
{
    const json_t *row = find_file(pull, name);
    if (row == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s has no file %s", pull->repo, name);
    }
    struct cf_digest digest;
    struct cf_buf url = CF_BUF_INIT;
    const json_t *size = json_object_get(row, "size");
    const char *sum = json_string_value(json_object_get(json_object_get(row, "lfs"), "sha256"));
    cf_buf_addf(&url, "%s/%s/resolve/%s/%s", pull->endpoint, pull->repo, pull->commit, name);
    const struct cf_download download = {
        .url = url.data,
        .path = path,
        .size =
            json_is_integer(size) && json_integer_value(size) >= 0 ? json_integer_value(size) : -1,
        .digest = sum != NULL && cf_digest_parse(&digest, sum) ? &digest : NULL,
        .report = report,
        .data = pull,
    };
    char note[32];
    (void)snprintf(note, sizeof note, " of %.1f MB", (double)download.size / 1e6);
    cf_cli_progress_init(&pull->progress, pull->cli, name, note, download.size > 0);
    enum cf_code code = cf_download_file(&download, err);
    if (code == CF_OK && pull->progress.percent >= 0) {
        (void)report(pull, download.size, download.size);
    }
    cf_cli_progress_end(&pull->progress, true);
    cf_buf_release(&url);
    return code;
}

static enum cf_code fetch_into(struct pull *pull, const char *name, struct cf_err *err)
{
    char *path = cf_path_join(pull->path.data, name);
    enum cf_code code = fetch(pull, name, path, err);
    free(path);
    return code;
}

static enum cf_code load(json_t **json, const struct pull *pull, const char *name, size_t max_size,
                         struct cf_err *err)
{
    struct cf_buf text = CF_BUF_INIT;
    char *path = cf_path_join(pull->path.data, name);
    enum cf_code code = cf_path_read_file(&text, path, max_size, err);
    if (code == CF_OK) {
        *json = json_loadb(text.data, text.size, 0, NULL);
        if (*json == NULL) {
            code = cf_err_set(err, CF_ERR_FORMAT, "%s: %s is no JSON", pull->repo, name);
        }
    }
    free(path);
    cf_buf_release(&text);
    return code;
}

/* Before gigabytes come: whether confab can run it. */
static enum cf_code check_architecture(const struct pull *pull, struct cf_err *err)
{
    json_t *config = NULL;
    enum cf_code code = load(&config, pull, "config.json", CONFIG_MAX_SIZE, err);
    const char *type = json_string_value(json_object_get(config, "model_type"));
    if (code == CF_OK && (type == NULL || strcmp(type, "gpt2") != 0)) {
        code = cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: the architecture '%.60s' is not supported, only gpt2", pull->repo,
                          type != NULL ? type : "");
    }
    json_decref(config);
    return code;
}

static enum cf_code fetch_shards(struct pull *pull, const char *index_name, struct cf_err *err)
{
    json_t *index = NULL;
    const char *tensor;
    json_t *value;
    enum cf_code code = fetch_into(pull, index_name, err);
    if (code == CF_OK) {
        code = load(&index, pull, index_name, INDEX_MAX_SIZE, err);
    }
    struct cf_texts done = {0};
    json_object_foreach(json_object_get(index, "weight_map"), tensor, value)
    {
        const char *name = json_string_value(value);
        bool is_new = name != NULL && is_plain(name, strlen(name), false);
        for (size_t i = 0; i < done.n && is_new; i++) {
            is_new = strcmp(done.items[i], name) != 0;
        }
        if (code == CF_OK && is_new) {
            cf_texts_add(&done, name);
            code = fetch_into(pull, name, err);
        }
    }
    cf_texts_release(&done);
    json_decref(index);
    return code;
}

static enum cf_code fetch_folder(struct pull *pull, struct cf_err *err)
{
    static const char *const beside[] = {"generation_config.json",
                                         "vocab.json",
                                         "merges.txt",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "chat_template.jinja"};
    static const char whole[] = "model.safetensors";
    static const char index[] = "model.safetensors.index.json";
    bool is_whole = find_file(pull, whole) != NULL;
    if (find_file(pull, "config.json") == NULL || (!is_whole && find_file(pull, index) == NULL)) {
        struct cf_buf names = CF_BUF_INIT;
        list_gguf(pull, &names);
        enum cf_code code = cf_err_set(
            err, CF_ERR_NOT_FOUND, "%s has no config.json with model.safetensors%s%s", pull->repo,
            names.size > 0 ? "; name one of its GGUF files behind a colon: " : "", names.data);
        cf_buf_release(&names);
        return code;
    }
    enum cf_code code = cf_path_make_folder(pull->path.data, err);
    if (code == CF_OK) {
        code = fetch_into(pull, "config.json", err);
    }
    if (code == CF_OK) {
        code = check_architecture(pull, err);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(beside) && code == CF_OK; i++) {
        if (find_file(pull, beside[i]) != NULL) {
            code = fetch_into(pull, beside[i], err);
        }
    }
    if (code == CF_OK) {
        code = is_whole ? fetch_into(pull, whole, err) : fetch_shards(pull, index, err);
    }
    return code;
}

/* Opens what came, and gives it its name. */
static enum cf_code install(struct pull *pull, const char *path, struct cf_err *err)
{
    struct cf_model *model = NULL;
    enum cf_code code = cf_model_open(&model, pull->path.data, err);
    if (code == CF_OK) {
        cf_model_free(model);
        if (rename(pull->path.data, path) != 0) {
            code = cf_err_set_errno(err, errno, "cannot rename %s to %s", pull->path.data, path);
        }
    }
    return code;
}

static enum cf_code run(struct pull *pull, struct cf_buf *path, struct cf_err *err)
{
    enum cf_code code = read_reference(pull, err);
    if (code == CF_OK) {
        code = cf_path_in(&pull->models, CF_FOLDER_DATA, "models", err);
    }
    if (code != CF_OK) {
        return code;
    }
    const char *name = cf_path_base(pull->file != NULL ? pull->file : pull->repo);
    cf_buf_addf(path, "%s/%s", pull->models, name);
    cf_buf_addf(&pull->path, "%s/.%s.pulling", pull->models, name);
    if (access(path->data, F_OK) == 0) {
        return cf_err_set(err, CF_ERR_EXISTS, "%s is installed already; remove it to pull it again",
                          path->data);
    }
    code = cf_path_make_folder(pull->models, err);
    if (code == CF_OK) {
        code = ask_hub(pull, err);
    }
    if (code == CF_OK) {
        code = pull->file != NULL ? fetch(pull, pull->file, pull->path.data, err)
                                  : fetch_folder(pull, err);
    }
    return code == CF_OK ? install(pull, path->data, err) : code;
}

enum cf_exit cf_cli_model_pull(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_buf path = CF_BUF_INIT;
    struct pull pull = {.cli = cli, .path = CF_BUF_INIT};
    cf_cli_catch_signals();
    enum cf_code code = run(&pull, &path, &err);
    if (code == CF_OK) {
        struct cf_out out;
        cf_out_init(&out, STDOUT_FILENO);
        cf_out_add_text(&out, path.data, path.size);
        cf_out_end_text(&out);
        cf_out_add(&out, "\n", 1);
        code = cf_out_finish(&out, &err);
    }
    json_decref(pull.answer);
    free(pull.endpoint);
    free(pull.repo);
    free(pull.models);
    cf_buf_release(&pull.path);
    cf_buf_release(&path);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
