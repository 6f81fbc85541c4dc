/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line in an editor: out to a file of one's own and back. */
#include "line_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "path.h"

enum { EDIT_MAX = UI_DECODE_PASTE_MAX };

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

void ui_line_editor(struct cf_buf *command)
{
    const char *wanted = editor();
    if (wanted != NULL) {
        cf_buf_addf(command, "%s \"$1\"", wanted);
    } else {
        cf_buf_add_str(command, "command -v editor >/dev/null && exec editor \"$1\"; exec vi "
                                "\"$1\"");
    }
}

/* A name for a new file in the folder that only we can read; files that an earlier failure left
 * there stay.  The caller frees it. */
static enum cf_code new_path(char **path, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    for (int i = 0;; i++) {
        char name[64];
        snprintf(name, sizeof name, "message-%ld-%d.md", (long)getpid(), i);
        code = cf_path_in(path, CF_FOLDER_RUNTIME, name, err);
        if (code != CF_OK || access(*path, F_OK) != 0) {
            break;
        }
        free(*path);
        *path = NULL;
    }
    if (code == CF_OK) {
        code = cf_path_make_parent(*path, err);
    }
    return code;
}

enum cf_code ui_line_edit_begin(struct ui_line *line, const char *const **argv, struct cf_err *err)
{
    assert(line->edit_path == NULL);
    char *path = NULL;
    enum cf_code code = new_path(&path, err);
    if (code == CF_OK) {
        struct ui_line_view view;
        struct cf_buf text = CF_BUF_INIT;
        ui_line_view(line, &view);
        cf_buf_add(&text, view.text, view.size);
        if (text.size > 0) {
            cf_buf_add_char(&text, '\n');
        }
        code = cf_path_write_file(path, text.data, text.size, err);
        cf_buf_release(&text);
    }
    if (code != CF_OK) {
        free(path);
        return code;
    }
    line->edit_path = path;
    cf_buf_clear(&line->edit_command);
    ui_line_editor(&line->edit_command);
    const char *const args[] = {"sh", "-c", line->edit_command.data, "sh", line->edit_path, NULL};
    memcpy(line->edit_argv, args, sizeof args);
    *argv = line->edit_argv;
    return CF_OK;
}

enum cf_code ui_line_edit_end(struct ui_line *line, int wait_status, struct cf_err *err)
{
    assert(line->edit_path != NULL);
    struct cf_buf text = CF_BUF_INIT;
    enum cf_code code = CF_OK;
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
        code = cf_err_set(err, CF_ERR_IO, "the editor failed; its file is %s", line->edit_path);
    } else {
        code = cf_path_read_file(&text, line->edit_path, EDIT_MAX, err);
    }
    if (code == CF_OK) {
        /* The newline that editors put at the end. */
        size_t end = text.size > 0 && text.data[text.size - 1] == '\n' ? 1 : 0;
        ui_line_replace(line, text.data, text.size - end);
        unlink(line->edit_path);
    }
    free(line->edit_path);
    line->edit_path = NULL;
    cf_buf_release(&text);
    return code;
}
