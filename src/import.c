/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"

void cf_import_report_release(struct cf_import_report *report)
{
    for (size_t i = 0; i < report->n_skips; i++) {
        free(report->skips[i].why);
    }
    free(report->skips);
    *report = (struct cf_import_report){.format = NULL};
}

/* The value taken last is left out. */
static void skip(struct cf_import *import, const char *why)
{
    struct cf_import_report *report = import->report;
    report->n_skipped++;
    if (report->n_skips == CF_IMPORT_SKIPS_MAX) {
        return;
    }
    if (report->skips == NULL) {
        report->skips = cf_calloc(CF_IMPORT_SKIPS_MAX, sizeof *report->skips);
    }
    report->skips[report->n_skips++] = (struct cf_import_skip){
        .line = import->scan.value_line,
        .byte = import->scan.value_byte,
        .why = cf_strdup(why),
    };
}

/* ---- A tree into the store ---- */

void cf_import_tree_release(struct cf_import_tree *tree)
{
    cf_arena_release(&tree->arena);
    free(tree->nodes);
    *tree = (struct cf_import_tree){.n = 0};
}

void cf_import_tree_add(struct cf_import_tree *tree, const struct cf_import_node *node)
{
    assert(node->parent <= tree->n);
    tree->nodes = cf_grow(tree->nodes, tree->n, &tree->capacity, 1, sizeof *tree->nodes);
    tree->nodes[tree->n++] = *node;
}

/* Times where none are told: a message's is its parent's, a conversation's those of its messages.
 */
static void settle_times(struct cf_import_tree *tree, int64_t now_ms)
{
    struct cf_conversation *conversation = &tree->conversation;
    int64_t first = conversation->created_ms;
    for (size_t i = 0; i < tree->n && first == 0; i++) {
        first = tree->nodes[i].created_ms;
    }
    first = first != 0 ? first : now_ms;
    int64_t last = first;
    for (size_t i = 0; i < tree->n; i++) {
        struct cf_import_node *node = &tree->nodes[i];
        if (node->created_ms == 0) {
            node->created_ms = node->parent > 0 ? tree->nodes[node->parent - 1].created_ms : first;
        }
        last = node->created_ms > last ? node->created_ms : last;
    }
    conversation->created_ms = first;
    if (conversation->updated_ms == 0) {
        conversation->updated_ms = last;
    }
}

/* Text, model and origin are only read. */
static struct cf_message_row row_of(const struct cf_import_node *node, int64_t conversation,
                                    int64_t parent)
{
    return (struct cf_message_row){.message = {.conversation = conversation,
                                               .parent = parent,
                                               .role = node->role,
                                               .state = CF_MESSAGE_COMPLETE,
                                               .text = (char *)(uintptr_t)node->text,
                                               .size = node->size,
                                               .model = (char *)(uintptr_t)node->model,
                                               .origin_id = (char *)(uintptr_t)node->origin_id,
                                               .created_ms = node->created_ms,
                                               .updated_ms = node->created_ms}};
}

static enum cf_code put_nodes(struct cf_import *import, const struct cf_import_tree *tree,
                              int64_t conversation, struct cf_err *err)
{
    int64_t *ids = cf_calloc(tree->n > 0 ? tree->n : 1, sizeof *ids);
    const bool has_title = tree->conversation.title != NULL && tree->conversation.title[0] != '\0';
    enum cf_code code = CF_OK;
    bool is_titled = has_title;
    for (size_t i = 0; code == CF_OK && i < tree->n; i++) {
        const struct cf_import_node *node = &tree->nodes[i];
        const int64_t parent = node->parent > 0 ? ids[node->parent - 1] : 0;
        const struct cf_message_row row = row_of(node, conversation, parent);
        code = cf_store_import_message(&ids[i], import->rows, &row, err);
        if (code == CF_OK && !is_titled && node->role == CF_ROLE_USER) {
            code = cf_store_import_title(import->rows, conversation, node->text, node->size, err);
            is_titled = true;
        }
    }
    if (code == CF_OK && tree->n > 0) {
        const size_t leaf = tree->leaf > 0 ? tree->leaf - 1 : tree->n - 1;
        code = cf_store_import_leaf(import->rows, conversation, ids[leaf], true, err);
    }
    free(ids);
    return code;
}

/* A node of a conversation that is there, if it is new. */
static enum cf_code put_more(bool *is_new, struct cf_import *import,
                             const struct cf_import_node *node, struct cf_import_link *links,
                             size_t i, struct cf_err *err)
{
    struct cf_import_link *link = &links[i];
    const struct cf_import_link *parent = node->parent > 0 ? &links[node->parent - 1] : NULL;
    enum cf_code code = cf_import_find(link, import, "", node->origin_id, err);
    if (code != CF_OK || link->is_there) {
        return code;
    }
    struct cf_message_row row = row_of(node, 0, parent != NULL ? parent->id : 0);
    code = cf_import_ready(&row, link, parent, import, err);
    if (code != CF_OK || link->is_dropped) {
        return code;
    }
    *is_new = true;
    code = cf_store_import_message(&link->id, import->rows, &row, err);
    if (code == CF_OK) {
        cf_import_hang(import, link, parent, false);
    }
    return code;
}

/* What has come to a conversation since it was imported.  One that is known by what it says cannot
 * have changed. */
static enum cf_code grow(struct cf_import *import, const struct cf_import_tree *tree,
                         int64_t conversation, struct cf_err *err)
{
    struct cf_import_link *links = cf_calloc(tree->n + 1, sizeof *links);
    int64_t n_new = 0;
    enum cf_code code = CF_OK;
    import->more = (struct cf_import_more){.conversation = conversation};
    for (size_t i = 0; code == CF_OK && i < tree->n && tree->nodes[i].origin_id != NULL; i++) {
        bool is_new = false;
        code = put_more(&is_new, import, &tree->nodes[i], links, i, err);
        n_new += is_new;
    }
    if (code == CF_OK) {
        const size_t leaf = tree->leaf > 0 ? tree->leaf - 1 : tree->n - 1;
        cf_import_grown(import, &links[leaf], tree->conversation.updated_ms, n_new);
    }
    free(links);
    return code;
}

static enum cf_code put_tree(struct cf_import *import, struct cf_import_tree *tree,
                             struct cf_err *err)
{
    int64_t id = 0;
    settle_times(tree, (int64_t)time(NULL) * 1000);
    enum cf_code code = cf_store_import_conversation(&id, import->rows, &tree->conversation, err);
    if (code == CF_ERR_EXISTS) {
        return grow(import, tree, id, err);
    }
    if (code == CF_OK) {
        code = put_nodes(import, tree, id, err);
    }
    if (code == CF_OK) {
        import->report->n_conversations++;
        import->report->n_messages += (int64_t)tree->n;
        import->report->n_left_out += tree->n_left_out;
    }
    return code;
}

static enum cf_code take_one(struct cf_import *import, struct cf_err *err)
{
    json_t *value = NULL;
    struct cf_import_tree tree = {.n = 0};
    enum cf_code code = cf_scan_take(&value, &import->scan, err);
    if (code == CF_OK) {
        const char *why = cf_import_read_foreign(import, &tree, value);
        if (why == NULL && tree.n == 0) {
            why = "no message in it can be shown here";
        }
        if (why != NULL) {
            skip(import, why);
        } else {
            code = put_tree(import, &tree, err);
        }
    }
    cf_import_tree_release(&tree);
    json_decref(value);
    return code;
}

/* ---- The file ---- */

/* The document is an array of conversations, or there is one value behind the other. */
static enum cf_code take_all(struct cf_import *import, struct cf_err *err)
{
    struct cf_scan *scan = &import->scan;
    char next;
    enum cf_code code = cf_scan_peek(&next, scan, err);
    while (code == CF_OK && next != '\0') {
        if (next == '[') {
            bool has_one = true;
            code = cf_scan_enter(scan, '[', err);
            while (code == CF_OK && has_one) {
                code = cf_scan_next(&has_one, scan, err);
                if (code == CF_OK && has_one) {
                    code = take_one(import, err);
                }
            }
        } else {
            code = take_one(import, err);
        }
        if (code == CF_OK) {
            code = cf_scan_peek(&next, scan, err);
        }
    }
    return code;
}

/* Whether an object with "format" as its first key comes: the json of export. */
static enum cf_code is_own(bool *result, struct cf_scan *scan, struct cf_err *err)
{
    char next;
    enum cf_code code = cf_scan_peek(&next, scan, err);
    *result = false;
    if (code == CF_OK && next == '{') {
        /* The first key stands in the first chunk, as export writes it. */
        const char *bytes = scan->chunk + scan->at + 1;
        size_t size = scan->end - scan->at - 1;
        while (size > 0 && strchr(" \t\r\n", *bytes) != NULL && *bytes != '\0') {
            bytes++;
            size--;
        }
        static const char key[] = "\"format\"";
        *result = size >= sizeof key - 1 && memcmp(bytes, key, sizeof key - 1) == 0;
    }
    return code;
}

static enum cf_code check_begin(struct cf_scan *scan, struct cf_err *err)
{
    char next;
    if (cf_scan_is_ahead(scan, "PK\x03\x04")) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s is a zip archive; unpack it and import the conversations.json in it",
                          scan->path);
    }
    enum cf_code code = cf_scan_peek(&next, scan, NULL);
    if (code == CF_OK && next == '\0') {
        return cf_err_set(err, CF_ERR_FORMAT, "%s is empty", scan->path);
    }
    if (code != CF_OK || (next != '{' && next != '[')) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s is no JSON; what can be imported is the json of export, OpenAI's "
                          "jsonl, ShareGPT's json and ChatGPT's conversations.json",
                          scan->path);
    }
    return CF_OK;
}

/* A file of which nothing came has failed, and the first reason is as good as any. */
static enum cf_code check_end(const struct cf_import *import, struct cf_err *err)
{
    const struct cf_import_report *report = import->report;
    if (report->n_skips == 0 || report->n_conversations > 0 || report->n_known > 0) {
        return CF_OK;
    }
    return cf_err_set(err, CF_ERR_FORMAT, "%s, line %" PRIu64 ", byte %" PRIu64 ": %s",
                      import->scan.path, report->skips[0].line, report->skips[0].byte,
                      report->skips[0].why);
}

/* First goes what imports left whose process died: most often one of the same file, come again. */
static enum cf_code clear_way(struct cf_import *import, struct cf_store *store, struct cf_err *err)
{
    const struct cf_scan *scan = &import->scan;
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = CF_OK;
    while (code == CF_OK && cf_store_has_leftover(store)) {
        code = scan->on_progress == NULL || scan->on_progress(scan->context, 0, 0)
                   ? cf_store_recover(store, NULL, &why)
                   : cf_err_set(&why, CF_ERR_CANCELLED, "cancelled");
    }
    return code == CF_OK || code == CF_ERR_CORRUPT ? CF_OK : cf_err_set(err, code, "%s", why.text);
}

static enum cf_code read_file(struct cf_import *import, struct cf_store *store, struct cf_err *err)
{
    bool is_ours = false;
    enum cf_code code = check_begin(&import->scan, err);
    if (code == CF_OK) {
        code = is_own(&is_ours, &import->scan, err);
    }
    if (code == CF_OK) {
        code = clear_way(import, store, err);
    }
    if (code == CF_OK) {
        code = cf_store_import_begin(&import->rows, store, import->scan.path, err);
    }
    if (code != CF_OK) {
        return code;
    }
    code = is_ours ? cf_import_own(import, err) : take_all(import, err);
    if (code == CF_OK) {
        code = check_end(import, err);
    }
    if (code != CF_OK) {
        cf_store_import_undo(import->rows);
        return code;
    }
    return cf_store_import_finish(import->rows, err);
}

enum cf_code cf_import_file(struct cf_import_report *report, struct cf_store *store,
                            const char *path, const struct cf_import_options *options,
                            struct cf_err *err)
{
    struct cf_import import = {.report = report};
    *report = (struct cf_import_report){.format = NULL};
    enum cf_code code = cf_scan_open(&import.scan, path, err);
    if (code != CF_OK) {
        return code;
    }
    if (options != NULL) {
        import.scan.on_progress = options->on_progress;
        import.scan.context = options->context;
    }
    code = read_file(&import, store, err);
    if (code != CF_OK) {
        report->n_conversations = report->n_messages = report->n_grown = 0;
    }
    cf_scan_close(&import.scan);
    cf_import_names_release(&import.names);
    cf_import_names_release(&import.digests);
    free(import.links);
    return code;
}
