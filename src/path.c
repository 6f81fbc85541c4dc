/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"

/* An environment variable that holds an absolute path, or NULL. */
static const char *absolute_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

static enum cf_code find_home(char **home, struct cf_err *err)
{
    const char *value = absolute_variable("HOME");
    if (value != NULL) {
        *home = cf_strdup(value);
        return CF_OK;
    }
    struct passwd entry;
    struct passwd *found = NULL;
    size_t size = 16384;
    char *room = cf_malloc(size);
    int failure = getpwuid_r(getuid(), &entry, room, size, &found);
    if (failure != 0 || found == NULL || found->pw_dir == NULL || found->pw_dir[0] != '/') {
        free(room);
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no home folder: HOME is not set");
    }
    *home = cf_strdup(found->pw_dir);
    free(room);
    return CF_OK;
}

static enum cf_code find_folder(struct cf_buf *path, enum cf_folder folder, struct cf_err *err)
{
    static const struct {
        const char *variable;
        const char *below_home;
    } places[] = {
        [CF_FOLDER_DATA] = {"XDG_DATA_HOME", ".local/share"},
        [CF_FOLDER_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
        [CF_FOLDER_STATE] = {"XDG_STATE_HOME", ".local/state"},
        [CF_FOLDER_CACHE] = {"XDG_CACHE_HOME", ".cache"},
        [CF_FOLDER_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
    };
    const char *value = absolute_variable(places[folder].variable);
    if (value == NULL && places[folder].below_home == NULL) {
        return find_folder(path, CF_FOLDER_CACHE, err);
    }
    if (value != NULL) {
        cf_buf_add_str(path, value);
    } else {
        char *home = NULL;
        enum cf_code code = find_home(&home, err);
        if (code != CF_OK) {
            return code;
        }
        char *joined = cf_path_join(home, places[folder].below_home);
        cf_buf_add_str(path, joined);
        free(joined);
        free(home);
    }
    return CF_OK;
}

enum cf_code cf_path_in(char **path, enum cf_folder folder, const char *name, struct cf_err *err)
{
    struct cf_buf found = CF_BUF_INIT;
    enum cf_code code = find_folder(&found, folder, err);
    if (code == CF_OK) {
        char *own = cf_path_join(found.data, "confab");
        *path = name != NULL ? cf_path_join(own, name) : cf_strdup(own);
        free(own);
    }
    cf_buf_release(&found);
    return code;
}

char *cf_path_join(const char *dir, const char *name)
{
    struct cf_buf path = CF_BUF_INIT;
    if (name[0] != '/' && dir[0] != '\0') {
        cf_buf_add_str(&path, dir);
        if (path.data[path.size - 1] != '/') {
            cf_buf_add_char(&path, '/');
        }
    }
    cf_buf_add_str(&path, name);
    return cf_buf_take(&path);
}

enum cf_code cf_path_expand(char **path, const char *from, struct cf_err *err)
{
    if (from[0] != '~' || (from[1] != '/' && from[1] != '\0')) {
        *path = cf_strdup(from);
        return CF_OK;
    }
    char *home = NULL;
    enum cf_code code = find_home(&home, err);
    if (code != CF_OK) {
        return code;
    }
    const char *rest = from + 1 + strspn(from + 1, "/");
    *path = rest[0] != '\0' ? cf_path_join(home, rest) : cf_strdup(home);
    free(home);
    return CF_OK;
}

const char *cf_path_base(const char *path)
{
    const char *base = path;
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '/' && at[1] != '/' && at[1] != '\0') {
            base = at + 1;
        }
    }
    return base;
}

bool cf_path_has_ending(const char *path, const char *ending)
{
    size_t size = strlen(path);
    size_t n_ending = strlen(ending);
    return size > n_ending && strcmp(path + size - n_ending, ending) == 0;
}

char *cf_path_parent(const char *path)
{
    size_t size = (size_t)(cf_path_base(path) - path);
    if (size == 0) {
        return cf_strdup(path[0] == '/' ? "/" : ".");
    }
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    return cf_memdup_str(path, size);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

enum cf_code cf_path_make_folder(const char *path, struct cf_err *err)
{
    char *part = cf_strdup(path);
    size_t size = strlen(part);
    enum cf_code code = CF_OK;
    for (size_t i = 1; i <= size && code == CF_OK; i++) {
        if (part[i] != '/' && part[i] != '\0') {
            continue;
        }
        char end = part[i];
        part[i] = '\0';
        /* What exists may refuse mkdir for reasons of its own (read-only, automounted). */
        if (!is_folder(part) && mkdir(part, 0700) != 0) {
            int reason = errno;
            if (reason != EEXIST || !is_folder(part)) {
                code = cf_err_set_errno(err, reason, "cannot make the folder %s", part);
            }
        }
        part[i] = end;
    }
    free(part);
    return code;
}

enum cf_code cf_path_make_parent(const char *path, struct cf_err *err)
{
    char *parent = cf_path_parent(path);
    enum cf_code code = cf_path_make_folder(parent, err);
    free(parent);
    return code;
}
