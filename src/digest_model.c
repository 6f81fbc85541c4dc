/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The digest of a model: one file, or the files of a folder that decide its output. */
#include "digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "jsonfile.h"
#include "mem.h"
#include "path.h"

enum { INDEX_MAX_SIZE = 16 << 20, FILES_MAX = 1100 };

static const char whole_name[] = "model.safetensors";
static const char index_name[] = "model.safetensors.index.json";

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **data;
    size_t n;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->data[i], name) == 0) {
            return;
        }
    }
    names->data = cf_realloc_array(names->data, names->n + 1, sizeof *names->data);
    names->data[names->n++] = cf_strdup(name);
}

static bool is_there(const char *folder, const char *name)
{
    char *path = cf_path_join(folder, name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

/* The files that the index shares the weights out to. */
static enum cf_code add_shards(struct names *names, const char *folder, struct cf_err *err)
{
    char *path = cf_path_join(folder, index_name);
    json_t *index = NULL;
    enum cf_code code = cf_jsonfile_load(&index, path, INDEX_MAX_SIZE, err);
    const char *tensor;
    json_t *value;
    json_object_foreach(json_object_get(index, "weight_map"), tensor, value)
    {
        const char *name = json_string_value(value);
        if (name != NULL && strchr(name, '/') == NULL && names->n < FILES_MAX) {
            add_name(names, name);
        }
    }
    json_decref(index);
    free(path);
    return code;
}

/* WEIGHTS: the one file that was named, or NULL. */
static enum cf_code list_names(struct names *names, const char *folder, const char *weights,
                               struct cf_err *err)
{
    static const char *const beside[] = {"config.json",
                                         "vocab.json",
                                         "merges.txt",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(beside); i++) {
        if (is_there(folder, beside[i])) {
            add_name(names, beside[i]);
        }
    }
    enum cf_code code = CF_OK;
    if (weights != NULL || is_there(folder, whole_name)) {
        add_name(names, weights != NULL ? weights : whole_name);
    } else if (is_there(folder, index_name)) {
        add_name(names, index_name);
        code = add_shards(names, folder, err);
    } else {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "%s: has no %s", folder, whole_name);
    }
    if (names->n > 0) {
        qsort(names->data, names->n, sizeof *names->data, compare_names);
    }
    return code;
}

static enum cf_code digest_folder(struct cf_digest *digest, const char *folder, const char *weights,
                                  const char *cache_path, const atomic_bool *cancel,
                                  struct cf_err *err)
{
    struct names names = {0};
    struct cf_buf lines = CF_BUF_INIT;
    enum cf_code code = list_names(&names, folder, weights, err);
    for (size_t i = 0; i < names.n && code == CF_OK; i++) {
        struct cf_digest sum;
        char *path = cf_path_join(folder, names.data[i]);
        code = cf_digest_file(&sum, path, cache_path, cancel, err);
        free(path);
        if (code == CF_OK) {
            char hex[CF_DIGEST_TEXT_SIZE];
            cf_digest_format(hex, &sum);
            cf_buf_addf(&lines, "%s  %s\n", hex, names.data[i]);
        }
    }
    if (code == CF_OK) {
        cf_digest_of(digest, lines.data, lines.size);
    }
    for (size_t i = 0; i < names.n; i++) {
        free(names.data[i]);
    }
    free(names.data);
    cf_buf_release(&lines);
    return code;
}

enum cf_code cf_digest_model(struct cf_digest *digest, const char *path, const char *cache_path,
                             const atomic_bool *cancel, struct cf_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return digest_folder(digest, path, NULL, cache_path, cancel, err);
    }
    if (!cf_path_has_ending(path, ".safetensors")) {
        return cf_digest_file(digest, path, cache_path, cancel, err);
    }
    char *folder = cf_path_parent(path);
    enum cf_code code = digest_folder(digest, folder, cf_path_base(path), cache_path, cancel, err);
    free(folder);
    return code;
}
