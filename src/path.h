/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path: the folders of a person's files, as the XDG Base Directory Specification has them
 * (https://specifications.freedesktop.org/basedir-spec/latest/), and their making.
 *
 * XDG variables that are unset, empty or relative are passed over for the specification's
 * fallbacks; where HOME is unset the password file tells it.  These functions read the environment
 * (XDG_*, HOME); what CONFAB_* variables say is the business of who calls. */
#ifndef CF_PATH_H
#define CF_PATH_H

#include "buf.h"
#include "err.h"

enum cf_folder {
    CF_FOLDER_DATA,   /* $XDG_DATA_HOME/confab, ~/.local/share/confab: database, models */
    CF_FOLDER_CONFIG, /* $XDG_CONFIG_HOME/confab, ~/.config/confab */
    CF_FOLDER_STATE,  /* $XDG_STATE_HOME/confab, ~/.local/state/confab: history of the input line */
    CF_FOLDER_CACHE,  /* $XDG_CACHE_HOME/confab, ~/.cache/confab: digests, repacked weights */
    CF_FOLDER_RUNTIME, /* $XDG_RUNTIME_DIR/confab, else the cache folder: files for the editor */
};

/* The path of file NAME in a folder, or of the folder itself when NAME is NULL; nothing is created.
 * The caller frees it.  CF_ERR_NOT_FOUND when there is no home folder. */
enum cf_code cf_path_in(char **path, enum cf_folder folder, const char *name, struct cf_err *err);

/* "DIR/NAME", or NAME alone when it is absolute or DIR is empty.  The caller frees it. */
char *cf_path_join(const char *dir, const char *name) CF_MUST_USE;
/* A copy of PATH, with a leading "~/" (or "~" alone) replaced by the home folder, as in a config
 * file.  The caller frees it. */
enum cf_code cf_path_expand(char **path, const char *from, struct cf_err *err);
/* A copy of the part before the last slash: "." when there is none.  The caller frees it. */
char *cf_path_parent(const char *path) CF_MUST_USE;
/* The part after the last slash that is not at the end; points into PATH. */
const char *cf_path_base(const char *path);
/* Whether PATH ends with ENDING, such as ".gguf", and has something before it. */
bool cf_path_has_ending(const char *path, const char *ending);

/* Makes the folder PATH and those above it where they are missing, with mode 0700.  Folders that
 * exist are left as they are.  CF_ERR_ACCESS, CF_ERR_FULL, CF_ERR_IO. */
enum cf_code cf_path_make_folder(const char *path, struct cf_err *err);
/* The same for the folder that is to hold the file PATH. */
enum cf_code cf_path_make_parent(const char *path, struct cf_err *err);

/* Appends the bytes of the file PATH, at most MAX_SIZE of them.  CF_ERR_NOT_FOUND,
 * CF_ERR_TOO_LARGE, CF_ERR_ACCESS, CF_ERR_IO. */
enum cf_code cf_path_read_file(struct cf_buf *bytes, const char *path, size_t max_size,
                               struct cf_err *err);
/* A file that is written as a whole or not at all: piece by piece under a name of its own beside
 * its target, which is what it was until cf_path_file_commit.  A symbolic link is followed, the mode
 * of a file that exists is kept, a new one gets 0600.  What is no regular file (a pipe, /dev/null)
 * is written to directly. */
struct cf_path_file {
    int fd;
    char *target, *temporary; /* temporary NULL: written to directly */
};
enum cf_code cf_path_file_open(struct cf_path_file *file, const char *path, struct cf_err *err);
enum cf_code cf_path_file_add(struct cf_path_file *file, const void *bytes, size_t size,
                              struct cf_err *err);
/* Syncs and names it, and closes in any case.  CF_ERR_EXISTS when there is a file of that name and
 * not is_replacing. */
enum cf_code cf_path_file_commit(struct cf_path_file *file, bool is_replacing, struct cf_err *err);
/* Closes it and leaves nothing behind. */
void cf_path_file_abandon(struct cf_path_file *file);

/* Replaces the file PATH as a whole: it is never seen half written, and after a failure it is what
 * it was.  A symbolic link is followed, the mode of a file that exists is kept, a new one gets
 * 0600. */
enum cf_code cf_path_write_file(const char *path, const void *bytes, size_t size,
                                struct cf_err *err);

#endif
