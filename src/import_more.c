/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation that is there and may have grown since: which of its messages are new, and where
 * they hang. */
#include "import_parts.h"

enum cf_code cf_import_find(struct cf_import_link *link, struct cf_import *import, const char *uuid,
                            const char *origin_id, struct cf_err *err)
{
    enum cf_code code = cf_store_import_find(&link->id, &link->is_here, import->rows,
                                             import->more.conversation, uuid, origin_id, err);
    link->is_there = code == CF_OK && link->id != 0;
    return code;
}

enum cf_code cf_import_ready(struct cf_message_row *row, struct cf_import_link *link,
                             const struct cf_import_link *parent, struct cf_import *import,
                             struct cf_err *err)
{
    struct cf_import_more *more = &import->more;
    enum cf_code code = CF_OK;
    /* Deleted here, moved away, or below something of that kind. */
    link->is_dropped =
        parent != NULL && (parent->is_dropped || (parent->is_there && !parent->is_here));
    if (!link->is_dropped && more->waiting == 0) {
        code = cf_store_import_waiting(&more->waiting, import->rows, more->conversation, err);
    }
    row->message.conversation = more->waiting;
    if (parent != NULL && parent->is_there) {
        row->message.parent = 0; /* until the end */
    }
    return code;
}

void cf_import_hang(struct cf_import *import, const struct cf_import_link *link,
                    const struct cf_import_link *parent, bool is_shown)
{
    if (parent != NULL && parent->is_here) {
        cf_store_import_hang(import->rows, link->id, parent->id, is_shown);
    }
}

void cf_import_grown(struct cf_import *import, const struct cf_import_link *leaf,
                     int64_t updated_ms, int64_t n_new)
{
    struct cf_import_more *more = &import->more;
    if (more->waiting != 0) {
        const bool is_new = leaf != NULL && !leaf->is_there && !leaf->is_trashed;
        cf_store_import_waited(import->rows, more->waiting, is_new ? leaf->id : 0, updated_ms);
        import->report->n_grown++;
        import->report->n_messages += n_new;
    }
    import->report->n_known++;
    *more = (struct cf_import_more){.conversation = 0};
}
