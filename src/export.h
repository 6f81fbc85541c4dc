/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export: conversations of a store as a file.
 *
 * One conversation after the other and one message after the other, from one snapshot of the
 * database, so memory holds a message and the numbers of a conversation's messages, never more.
 *
 * The format `json` is the one that loses nothing; what else reads only the active branch gets only
 * that.  It is one object:
 *
 *   {"format":"confab","version":1,"program":"confab 0.1",
 *    "conversations":[CONVERSATION, ...],
 *    "snapshots":[{"digest":"64 hexadecimal digits","created":MS,"text":"..."}, ...],
 *    "draft":DRAFT}
 *
 *   CONVERSATION  uuid, created, updated, title, title_is_own, pinned, archived, unread, trashed,
 *                 model, template, system, settings (text, as chat wrote it), origin, origin_id,
 *                 tags [name, ...], forked_from (uuid of a message), draft DRAFT,
 *                 active (uuid of the active leaf), messages [MESSAGE, ...]
 *   MESSAGE       uuid, parent (uuid; absent: a root), role, state, reason, created, updated,
 *                 pinned, trashed, trash_root (uuid), shown (uuid of the child last shown), tokens,
 *                 prompt_tokens, cached_tokens, first_us, total_us, model, error, origin_id, text,
 *                 recipe {template, system (digests of snapshots), body (recipe.h's blob, base64)}
 *   DRAFT         {"text":"...","cursor":BYTES,"updated":MS}
 *
 * Times are ms since 1970, UTC.  What is NULL, false, 0 or empty is left out.  Messages stand in
 * the order in which they were made, which is the order of alternatives.  "format" is the first key
 * of the document, "messages" the last of a conversation, so that a reader can go through a file of
 * any size.  A text that is no valid UTF-8 stands twice: readable under its key, exact as base64
 * under its key with "_base64" behind.  Every conversation and every message has a line of its own.
 * A reply that is still being written is "interrupted" here.  The journal of undo is left out. */
#ifndef CF_EXPORT_H
#define CF_EXPORT_H

#include "store.h"

enum { CF_EXPORT_VERSION = 1 };

/* format, name, endings of files */
#define CF_EXPORT_FORMATS(X)                                                                       \
    X(CF_EXPORT_MARKDOWN, "markdown", ".md .markdown")                                             \
    X(CF_EXPORT_JSON, "json", ".json")                                                             \
    X(CF_EXPORT_JSONL, "jsonl", ".jsonl")                                                          \
    X(CF_EXPORT_SHAREGPT, "sharegpt", ".sharegpt")                                                 \
    X(CF_EXPORT_TEXT, "text", ".txt .text")                                                        \
    X(CF_EXPORT_HTML, "html", ".html .htm")

enum cf_export_format {
#define CF_X(format, name, endings) format,
    CF_EXPORT_FORMATS(CF_X)
#undef CF_X
};

/* False, and format unchanged, when no format is called NAME. */
bool cf_export_format_find(enum cf_export_format *format, const char *name);
/* By the ending of a file's name, in any case; false when it says nothing. */
bool cf_export_format_of_path(enum cf_export_format *format, const char *path);
/* The same, Markdown for a name without an ending; an ending that is no format's is an error
 * (CF_ERR_USAGE) that names those there are, and after them REMEDY. */
enum cf_code cf_export_format_choose(enum cf_export_format *format, const char *path,
                                     const char *remedy, struct cf_err *err);
/* "markdown, json, jsonl, sharegpt, text or html" */
extern const char cf_export_format_names[];

struct cf_export_spec {
    enum cf_export_format format;
    const int64_t *ids; /* conversations, in this order */
    size_t n_ids;
    bool is_all; /* instead: all there are, oldest first; for formats other than json without the
                    trash and without empty ones */
    /* May be NULL; false ends the export with CF_ERR_CANCELLED.  Counts messages. */
    bool (*on_progress)(void *context, int64_t n_done, int64_t n_all);
    void *context;
};

enum { CF_EXPORT_LOST_MAX = 20 };
struct cf_export_report {
    int64_t n_conversations, n_messages;
    int64_t n_damaged; /* messages and other things that could not be read, or not whole */
    int64_t n_loose;   /* messages made a beginning, as what they hung on could not be read */
    int64_t n_lost;    /* conversations that could not be read; the ids of the first ones */
    int64_t lost[CF_EXPORT_LOST_MAX];
};

/* Where it goes, in pieces of some 64 kB; of json a conversation at once. */
struct cf_export_sink {
    enum cf_code (*write)(void *context, const char *bytes, size_t size, struct cf_err *err);
    void *context;
};

/* CF_ERR_NOT_FOUND, CF_ERR_CANCELLED, what the sink says. */
enum cf_code cf_export_run(struct cf_export_report *report, struct cf_store *store,
                           const struct cf_export_spec *spec, const struct cf_export_sink *sink,
                           struct cf_err *err);
/* The same into a file, which is there whole or not at all (cf_path_file_open).  CF_ERR_EXISTS when
 * it is there and not is_replacing. */
enum cf_code cf_export_file(struct cf_export_report *report, struct cf_store *store,
                            const struct cf_export_spec *spec, const char *path, bool is_replacing,
                            struct cf_err *err);

/* ---- Markdown of a conversation that is held in memory ---- */

/* system may be NULL or "". */
void cf_export_markdown_head(struct cf_buf *out, const char *title, const char *system);
/* model may be NULL. */
void cf_export_markdown_message(struct cf_buf *out, enum cf_role role, const char *model,
                                const char *text, size_t size);

#endif
