/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who the model is to be: the system prompt, typed or edited in $EDITOR, and personas. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "path.h"
#include "ui_state.h"

enum { SYSTEM_MAX = 1024 * 1024 };

/* --- the system prompt ------------------------------------------------------------------------ */

static void set_system(struct ui *ui, const char *text)
{
    struct cf_err err = CF_ERR_INIT;
    bool is_empty = text[strspn(text, " \t\n")] == '\0';
    enum cf_code code = is_empty ? cf_chat_unset(ui->chat, "system", &err)
                                 : cf_chat_set(ui->chat, "system", text, &err);
    if (ui_check(ui, code, &err)) {
        ui_say(ui, false,
               is_empty ? "No system prompt of its own"
                        : "The system prompt holds from the next reply on");
    }
}

/* A new file of our own, for the editor. */
static enum cf_code make_file(char **path, const char *text, struct cf_err *err)
{
    char name[64];
    static int n_edits;
    (void)snprintf(name, sizeof name, "system-%ld-%d.md", (long)getpid(), ++n_edits);
    enum cf_code code = cf_path_in(path, CF_FOLDER_RUNTIME, name, err);
    if (code == CF_OK) {
        code = cf_path_make_parent(*path, err);
    }
    if (code == CF_OK) {
        struct cf_buf file = CF_BUF_INIT;
        cf_buf_addf(&file, "%s%s", text, text[0] != '\0' ? "\n" : "");
        code = cf_path_write_file(*path, file.data, file.size, err);
        cf_buf_release(&file);
    }
    return code;
}

static void edit_system(struct ui *ui)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_buf command = CF_BUF_INIT;
    enum cf_code code = make_file(&ui->child_path, cf_chat_status(ui->chat)->system_text, &err);
    if (code == CF_OK) {
        ui_line_editor(&command);
        const char *const argv[] = {"sh", "-c", command.data, "sh", ui->child_path, NULL};
        ui->child = UI_CHILD_SYSTEM;
        code = ui_term_run(ui->term, argv, NULL, &err);
    }
    if (!ui_check(ui, code, &err)) {
        ui->child = UI_CHILD_LINE;
        free(ui->child_path);
        ui->child_path = NULL;
    }
    cf_buf_release(&command);
}

void ui_system_end(struct ui *ui, int wait_status)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_buf text = CF_BUF_INIT;
    char *path = ui->child_path;
    ui->child = UI_CHILD_LINE;
    ui->child_path = NULL;
    ui_act(ui);
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
        ui_sayf(ui, true, "the editor failed; its file is %s", path);
    } else if (ui_check(ui, cf_path_read_file(&text, path, SYSTEM_MAX, &err), &err)) {
        unlink(path);
        while (text.size > 0 && text.data[text.size - 1] == '\n') {
            cf_buf_truncate(&text, text.size - 1);
        }
        if (strlen(text.data) != text.size) {
            ui_say(ui, true, "The system prompt has a NUL byte in it and is left as it was");
        } else if (strcmp(text.data, cf_chat_status(ui->chat)->system_text) != 0) {
            set_system(ui, text.data);
        }
    }
    ui->is_acting = false;
    cf_buf_release(&text);
    free(path);
}

void ui_act_system(struct ui *ui, enum ui_action action)
{
    (void)action;
    edit_system(ui);
}

void ui_do_system(struct ui *ui, const char *text)
{
    const char *now = cf_chat_status(ui->chat)->system_text;
    if (text[0] == '\0') {
        struct cf_buf answer = CF_BUF_INIT;
        cf_buf_addf(&answer, "System prompt: %s", now[0] != '\0' ? now : "none");
        ui_answer_take(ui, cf_buf_take(&answer));
    } else if (strcmp(text, "edit") == 0) {
        edit_system(ui);
    } else {
        set_system(ui, strcmp(text, "none") == 0 ? "" : text);
    }
}

/* --- personas --------------------------------------------------------------------------------- */

/* Whether the conversation has the system prompt and template that the persona gives. */
static bool is_in_force(const struct ui *ui, const struct cf_preset *persona)
{
    const struct cf_settings *settings = cf_chat_settings(ui->chat);
    const char *system = "";
    const char *template = "";
    for (size_t i = 0; i < persona->names.n; i++) {
        enum cf_setting setting = cf_setting_find(persona->names.items[i])->setting;
        system = setting == CF_SETTING_SYSTEM ? persona->values.items[i] : system;
        template = setting == CF_SETTING_TEMPLATE ? persona->values.items[i] : template;
    }
    return strcmp(system, settings->system != NULL ? settings->system : "") == 0 &&
           strcmp(template, settings->template_name != NULL ? settings->template_name : "") == 0;
}

void ui_do_persona(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    if (name[0] != '\0') {
        if (ui_check(ui, cf_chat_use_persona(ui->chat, name, &err), &err)) {
            ui_sayf(ui, false, "Persona %s, from the next reply on", name);
        }
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    const struct cf_preset *persona;
    int width = 0;
    for (size_t i = 0; (persona = cf_chat_persona(ui->chat, i)) != NULL; i++) {
        int columns = cf_text_width(persona->name, strlen(persona->name), 0);
        width = columns > width ? columns : width;
    }
    for (size_t i = 0; (persona = cf_chat_persona(ui->chat, i)) != NULL; i++) {
        int columns = cf_text_width(persona->name, strlen(persona->name), 0);
        cf_buf_addf(&text, "%s%s %s%*s  %s", i > 0 ? "\n" : "",
                    is_in_force(ui, persona) ? "●" : " ", persona->name, width - columns, "",
                    persona->about != NULL ? persona->about : "");
    }
    ui_answer_take(ui, cf_buf_take(&text));
}
