/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "path.h"

#define BUNDLED_MODEL "model.gguf"

/* The folder the program lies in, or NULL. */
static char *program_folder(void)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0) {
        return NULL;
    }
    path[size] = '\0';
    return cf_path_parent(path);
}

/* The first of FOLDER's candidates that exists in a build tree, or NULL. */
static char *find_in_build_tree(const char *folder, const char *name)
{
    char *status = cf_path_join(folder, "config.status");
    bool is_build_tree = access(status, F_OK) == 0;
    free(status);
    static const char *const places[] = {"data", "../data"};
    for (size_t i = 0; is_build_tree && i < CF_ARRAY_SIZE(places); i++) {
        char *place = cf_path_join(folder, places[i]);
        char *path = cf_path_join(place, name);
        free(place);
        if (access(path, R_OK) == 0) {
            return path;
        }
        free(path);
    }
    return NULL;
}

enum cf_code cf_catalog_data_file(char **path, const char *name, struct cf_err *err)
{
    const char *datadir = getenv("CONFAB_DATADIR");
    char *found = NULL;
    if (datadir != NULL && datadir[0] != '\0') {
        found = cf_path_join(datadir, name);
    } else {
        char *folder = program_folder();
        if (folder != NULL) {
            found = find_in_build_tree(folder, name);
            free(folder);
        }
        if (found == NULL) {
            found = cf_path_join(CF_DATADIR, name);
        }
    }
    if (access(found, R_OK) != 0) {
        enum cf_code code =
            cf_err_set_errno(err, errno, "cannot read %s, which comes with confab", found);
        free(found);
        return code;
    }
    *path = found;
    return CF_OK;
}

/* Whether folder PATH holds a model in Hugging Face's form. */
static bool is_model_folder(const char *path)
{
    char *config = cf_path_join(path, "config.json");
    bool is_there = access(config, R_OK) == 0;
    free(config);
    return is_there;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

enum cf_code cf_catalog_list(struct cf_texts *names, struct cf_texts *paths, struct cf_err *err)
{
    char *folder = NULL;
    enum cf_code code = cf_path_in(&folder, CF_FOLDER_DATA, "models", err);
    if (code != CF_OK) {
        return code;
    }
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        code = errno == ENOENT ? CF_OK : cf_err_set_errno(err, errno, "cannot read %s", folder);
        free(folder);
        return code;
    }
    struct cf_texts files = {0};
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char *path = cf_path_join(folder, entry->d_name);
        struct stat status;
        if (entry->d_name[0] != '.' && stat(path, &status) == 0 &&
            (S_ISDIR(status.st_mode) ? is_model_folder(path)
                                     : cf_path_has_ending(entry->d_name, ".gguf"))) {
            cf_texts_add(&files, entry->d_name);
        }
        free(path);
    }
    closedir(dir);
    if (files.n > 0) {
        qsort(files.items, files.n, sizeof *files.items, compare_names);
    }
    for (size_t i = 0; i < files.n; i++) {
        char *path = cf_path_join(folder, files.items[i]);
        cf_texts_add(paths, path);
        free(path);
        if (cf_path_has_ending(files.items[i], ".gguf")) {
            files.items[i][strlen(files.items[i]) - strlen(".gguf")] = '\0';
        }
        cf_texts_add(names, files.items[i]);
    }
    cf_texts_release(&files);
    free(folder);
    return CF_OK;
}

enum cf_code cf_catalog_find(char **path, const char *model, struct cf_err *err)
{
    if (model == NULL || model[0] == '\0') {
        return cf_catalog_data_file(path, BUNDLED_MODEL, err);
    }
    if (access(model, F_OK) == 0) {
        *path = cf_strdup(model);
        return CF_OK;
    }
    int missing = errno;
    if (strchr(model, '/') != NULL || cf_path_has_ending(model, ".gguf") ||
        cf_path_has_ending(model, ".safetensors")) {
        return cf_err_set_errno(err, missing, "cannot open model %s", model);
    }
    struct cf_texts names = {0};
    struct cf_texts paths = {0};
    enum cf_code code = cf_catalog_list(&names, &paths, err);
    bool is_found = false;
    for (size_t i = 0; code == CF_OK && i < names.n && !is_found; i++) {
        if (strcmp(names.items[i], model) == 0) {
            *path = cf_strdup(paths.items[i]);
            is_found = true;
        }
    }
    if (code == CF_OK && !is_found) {
        struct cf_buf known = CF_BUF_INIT;
        for (size_t i = 0; i < names.n; i++) {
            cf_buf_addf(&known, "%s%s", i > 0 ? ", " : "", names.items[i]);
        }
        code = cf_err_set(err, CF_ERR_NOT_FOUND,
                          "there is no file, folder or installed model called %s (installed: %s)",
                          model, known.size > 0 ? known.data : "none");
        cf_buf_release(&known);
    }
    cf_texts_release(&names);
    cf_texts_release(&paths);
    return code;
}
