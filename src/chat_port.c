/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in and out, carried by the storage. */
#include <inttypes.h>

#include "chat_private.h"
#include "export.h"
#include "path.h"

/* From memory: there is no database, or it cannot be written and has not everything. */
static enum cf_code write_markdown(struct cf_chat *chat, const char *path, struct cf_err *err)
{
    struct cf_path_file file;
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_export(chat, &text);
    enum cf_code code = cf_path_file_open(&file, path, err);
    if (code == CF_OK) {
        code = cf_path_file_add(&file, text.data, text.size, err);
        if (code == CF_OK) {
            code = cf_path_file_commit(&file, false, err);
        } else {
            cf_path_file_abandon(&file);
        }
    }
    cf_buf_release(&text);
    if (code == CF_OK) {
        cf_chat_say(chat, false, "written to %s", path);
    }
    return code;
}

enum cf_code cf_chat_export_file(struct cf_chat *chat, const char *path, struct cf_err *err)
{
    enum cf_export_format format;
    if (chat->tree->n_path == 0) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "nothing was said yet that could be exported");
    }
    enum cf_code code = cf_export_format_choose(&format, path, "", err);
    if (code != CF_OK) {
        return code;
    }
    if (cf_chat_saves(chat) && !chat->is_held_up) {
        cf_chat_expect(chat, cf_storage_export(chat->storage, chat->conversation, format, path),
                       CF_WHAT_PORT, NULL);
        return CF_OK;
    }
    if (format != CF_EXPORT_MARKDOWN) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "a conversation that is not saved can only be written as Markdown, into "
                          "a file that ends with .md");
    }
    return write_markdown(chat, path, err);
}

enum cf_code cf_chat_import(struct cf_chat *chat, const char *path, struct cf_err *err)
{
    if (!cf_chat_saves(chat)) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "nothing is saved here, so nothing can be imported");
    }
    cf_chat_expect(chat, cf_storage_import(chat->storage, path), CF_WHAT_PORT, NULL);
    chat->n_imports++;
    return CF_OK;
}

static void tell_export(struct cf_chat *chat, const char *path,
                        const struct cf_export_report *report)
{
    if (report->n_damaged == 0) {
        cf_chat_say(chat, false, "written to %s", path);
    } else {
        cf_chat_say(chat, true,
                    "written to %s, but not whole: %" PRId64
                    " message%s could not be read whole; see confab check",
                    path, report->n_damaged, report->n_damaged == 1 ? "" : "s");
    }
}

static void tell_import(struct cf_chat *chat, const char *path,
                        const struct cf_import_report *report)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "%" PRId64 " conversation%s with %" PRId64 " message%s came from %s",
                report->n_conversations, report->n_conversations == 1 ? "" : "s",
                report->n_messages, report->n_messages == 1 ? "" : "s", path);
    if (report->n_known > 0) {
        cf_buf_addf(&text, "; %" PRId64 " %s there already", report->n_known,
                    report->n_known == 1 ? "was" : "were");
    }
    if (report->n_grown > 0) {
        cf_buf_addf(&text, ", %" PRId64 " of them with new messages", report->n_grown);
    }
    if (report->n_skipped > 0) {
        cf_buf_addf(&text, "; %" PRId64 " left out, the first in line %" PRIu64 ": %s",
                    report->n_skipped, report->skips[0].line, report->skips[0].why);
    }
    cf_chat_say(chat, false, "%s", text.data);
    cf_buf_release(&text);
}

void cf_chat_handle_port(struct cf_chat *chat, const struct cf_storage_event *event)
{
    const char *path = event->text;
    chat->n_imports -= event->kind == CF_STORAGE_IMPORT;
    if (event->kind == CF_STORAGE_PROGRESS) {
        cf_chat_say(chat, false, "%s: %d %%", path, (int)event->count);
    } else if (event->code != CF_OK) {
        cf_chat_say(chat, true, "%s", event->err.text);
    } else if (event->kind == CF_STORAGE_EXPORT) {
        tell_export(chat, path, &event->exported);
    } else {
        tell_import(chat, path, &event->imported);
        cf_chat_mark(chat, CF_CHANGE_LIST_OLD);
    }
}
