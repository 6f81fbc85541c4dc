/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line in an editor: out to a file of one's own and back. */
#include "line_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EDIT_MAX = UI_DECODE_PASTE_MAX };

/* The folder for the file: one that only we can read, if there is one. */
static const char *folder(void)
{
    static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        const char *path = getenv(names[i]);
        if (path != NULL && path[0] == '/' && access(path, W_OK | X_OK) == 0) {
            return path;
        }
    }
    return "/tmp";
}

static const char *editor(void)
{
    static const char *const names[] = {"VISUAL", "EDITOR"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        const char *command = getenv(names[i]);
        if (command != NULL && command[0] != '\0') {
            return command;
        }
    }
    return NULL;
}

static bool write_text(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        n = n < 0 ? 0 : n;
        text += n;
        size -= (size_t)n;
    }
    return true;
}

enum cf_code ui_line_edit_begin(struct ui_line *line, const char *const **argv, struct cf_err *err)
{
    assert(line->edit_path[0] == '\0');
    char path[sizeof line->edit_path];
    int n = snprintf(path, sizeof path, "%s/confab-XXXXXX.md", folder());
    if (n < 0 || (size_t)n >= sizeof path) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "the name of the folder for $EDITOR is too long");
    }
    int fd = mkostemps(path, 3, O_CLOEXEC);
    if (fd < 0) {
        return cf_err_set_errno(err, errno, "cannot make a file for $EDITOR in %s", folder());
    }
    struct ui_line_view view;
    ui_line_view(line, &view);
    bool is_written =
        write_text(fd, view.text, view.size) && (view.size == 0 || write_text(fd, "\n", 1));
    int error = errno;
    if (close(fd) != 0 || !is_written) {
        unlink(path);
        return cf_err_set_errno(err, is_written ? errno : error, "cannot write %s", path);
    }
    memcpy(line->edit_path, path, sizeof path);
    const char *command = editor();
    cf_buf_clear(&line->edit_command);
    if (command != NULL) {
        cf_buf_addf(&line->edit_command, "%s \"$1\"", command);
    } else {
        cf_buf_add_str(&line->edit_command, "command -v editor >/dev/null && exec editor \"$1\"; "
                                            "exec vi \"$1\"");
    }
    const char *const args[] = {"sh", "-c", line->edit_command.data, "sh", line->edit_path, NULL};
    memcpy(line->edit_argv, args, sizeof args);
    *argv = line->edit_argv;
    return CF_OK;
}

/* Reads the edited file, without the newline that editors put at its end. */
static enum cf_code read_text(struct cf_buf *out, const char *path, struct cf_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return cf_err_set_errno(err, error, "cannot read %s", path);
    }
    enum cf_code code = CF_OK;
    if (!S_ISREG(status.st_mode) || status.st_size > EDIT_MAX) {
        code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s is no text of at most 16 MB", path);
    }
    while (code == CF_OK) {
        char bytes[16 * 1024];
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n == 0) {
            break;
        }
        if (n > 0) {
            cf_buf_add(out, bytes, (size_t)n);
        } else if (errno != EINTR) {
            code = cf_err_set_errno(err, errno, "cannot read %s", path);
        }
    }
    close(fd);
    if (code == CF_OK && out->size > 0 && out->data[out->size - 1] == '\n') {
        cf_buf_truncate(out, out->size - 1);
    }
    return code;
}

enum cf_code ui_line_edit_end(struct ui_line *line, int wait_status, struct cf_err *err)
{
    assert(line->edit_path[0] != '\0');
    struct cf_buf text = CF_BUF_INIT;
    enum cf_code code = CF_OK;
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
        code = cf_err_set(err, CF_ERR_IO, "the editor failed; its file is %s", line->edit_path);
    } else {
        code = read_text(&text, line->edit_path, err);
    }
    if (code == CF_OK) {
        ui_line_replace(line, text.data, text.size);
        unlink(line->edit_path);
    }
    line->edit_path[0] = '\0';
    cf_buf_release(&text);
    return code;
}
