/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history file: an entry a line, oldest first, newlines as \n and backslashes as \\ .  Each
 * entry is appended by itself, so that two confabs share the file; it is rewritten, through a
 * second file and a rename, only when it has grown to twice what is kept. */
#include "line_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>

#include "path.h"
#include "text.h"

enum {
    ENTRY_MAX = 64 * 1024, /* what is longer is not worth recalling */
    FILE_MAX = 64 * 1024 * 1024,
};

static void add_escaped(struct cf_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            cf_buf_add_str(out, "\\n");
        } else if (*text == '\\') {
            cf_buf_add_str(out, "\\\\");
        } else {
            cf_buf_add_char(out, *text);
        }
    }
    cf_buf_add_char(out, '\n');
}

/* Adds the entry of one line of the file to readline's history. */
static void add_line(const char *text, size_t size)
{
    struct cf_buf raw = CF_BUF_INIT;
    struct cf_buf entry = CF_BUF_INIT;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\' && i + 1 < size) {
            i++;
            cf_buf_add_char(&raw, text[i] == 'n' ? '\n' : text[i]);
        } else if (text[i] != '\0') {
            cf_buf_add_char(&raw, text[i]);
        }
    }
    cf_text_make_valid(&entry, raw.data, raw.size);
    if (entry.size > 0) {
        add_history(entry.data);
    }
    cf_buf_release(&raw);
    cf_buf_release(&entry);
}

static bool write_all(int fd, const struct cf_buf *bytes)
{
    for (size_t at = 0; at < bytes->size;) {
        ssize_t n = write(fd, bytes->data + at, bytes->size - at);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Replaces the file by what readline has. */
static enum cf_code rewrite(const struct ui_line *line, struct cf_err *err)
{
    struct cf_buf bytes = CF_BUF_INIT;
    for (int i = history_base; i < history_base + history_length; i++) {
        const HIST_ENTRY *entry = history_get(i);
        if (entry != NULL) {
            add_escaped(&bytes, entry->line);
        }
    }
    enum cf_code code = cf_path_write_file(line->history_path, bytes.data, bytes.size, err);
    cf_buf_release(&bytes);
    return code;
}

/* Makes the file where it is missing; nobody else is to read what a person types, whoever made it.
 */
static enum cf_code prepare(const char *path, struct cf_err *err)
{
    enum cf_code code = cf_path_make_parent(path, err);
    if (code != CF_OK) {
        return code;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return cf_err_set_errno(err, errno, "cannot open the history file %s", path);
    }
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0 &&
        fchmod(fd, 0600) != 0) {
        code = cf_err_set_errno(err, errno, "others can read the history file %s", path);
    }
    close(fd);
    return code;
}

enum cf_code ui_line_history_load(struct ui_line *line, struct cf_err *err)
{
    using_history();
    stifle_history(line->history_max);
    if (line->history_path == NULL) {
        return CF_OK;
    }
    struct cf_buf bytes = CF_BUF_INIT;
    enum cf_code code = prepare(line->history_path, err);
    if (code == CF_OK) {
        code = cf_path_read_file(&bytes, line->history_path, FILE_MAX, err);
    }
    int n_lines = 0;
    for (size_t at = 0; at < bytes.size; n_lines++) {
        const char *end = memchr(bytes.data + at, '\n', bytes.size - at);
        size_t n = end != NULL ? (size_t)(end - bytes.data) - at : bytes.size - at;
        add_line(bytes.data + at, n);
        at += n + 1;
    }
    using_history();
    if (code == CF_OK && n_lines > 2 * line->history_max) {
        code = rewrite(line, err);
    }
    cf_buf_release(&bytes);
    return code;
}

static void append(struct ui_line *line, const char *text)
{
    struct cf_buf bytes = CF_BUF_INIT;
    add_escaped(&bytes, text);
    int fd = open(line->history_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || !write_all(fd, &bytes)) {
        snprintf(line->notice, sizeof line->notice, "cannot write the history file: %s",
                 strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    cf_buf_release(&bytes);
}

void ui_line_history_add(struct ui_line *line, const char *text)
{
    const HIST_ENTRY *last = history_get(history_base + history_length - 1);
    if (text[0] == '\0' || strlen(text) > ENTRY_MAX ||
        (last != NULL && strcmp(last->line, text) == 0)) {
        using_history();
        return;
    }
    add_history(text);
    using_history();
    if (line->history_path != NULL) {
        append(line, text);
    }
}
