/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The digest of a model: one file, or the files of a folder that decide its output. */
#include "digest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "mem.h"

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t n_end = strlen(end);
    return size >= n_end && strcmp(text + size - n_end, end) == 0;
}

static bool decides(const char *name)
{
    static const char *const names[] = {"config.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return ends_with(name, ".safetensors") || ends_with(name, ".safetensors.index.json");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **data;
    size_t n;
};

static enum cf_code list_names(struct names *names, const char *folder, struct cf_err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return cf_err_set_errno(err, errno, "%s", folder);
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (decides(entry->d_name)) {
            names->data = cf_realloc_array(names->data, names->n + 1, sizeof *names->data);
            names->data[names->n] = cf_strdup(entry->d_name);
            names->n++;
        }
    }
    (void)closedir(dir);
    if (names->n == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: no model there", folder);
    }
    qsort(names->data, names->n, sizeof *names->data, compare_names);
    return CF_OK;
}

static enum cf_code digest_folder(struct cf_digest *digest, const char *folder,
                                  const char *cache_path, const atomic_bool *cancel,
                                  struct cf_err *err)
{
    struct names names = {0};
    struct cf_buf lines = CF_BUF_INIT;
    struct cf_buf path = CF_BUF_INIT;
    enum cf_code code = list_names(&names, folder, err);
    for (size_t i = 0; i < names.n && code == CF_OK; i++) {
        struct cf_digest sum;
        cf_buf_clear(&path);
        cf_buf_addf(&path, "%s/%s", folder, names.data[i]);
        code = cf_digest_file(&sum, path.data, cache_path, cancel, err);
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
    cf_buf_release(&path);
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
        return digest_folder(digest, path, cache_path, cancel, err);
    }
    if (!ends_with(path, ".safetensors")) {
        return cf_digest_file(digest, path, cache_path, cancel, err);
    }
    struct cf_buf folder = CF_BUF_INIT;
    const char *slash = strrchr(path, '/');
    cf_buf_add(&folder, slash != NULL ? path : ".", slash != NULL ? (size_t)(slash - path) + 1 : 1);
    enum cf_code code = digest_folder(digest, folder.data, cache_path, cancel, err);
    cf_buf_release(&folder);
    return code;
}
