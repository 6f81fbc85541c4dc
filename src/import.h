/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import: conversations of a file into a store.
 *
 * Recognised are the json of export (export.h), OpenAI's jsonl ({"messages":[...]} a line),
 * ShareGPT's json and ChatGPT's conversations.json; of the last three also a single conversation,
 * an array of them, and one behind the other.  What each of them becomes stands at the head of the
 * file that reads it.
 *
 * The file is read in pieces, a conversation (of the json of export: a message) at a time.  It
 * comes whole or not at all: nothing is seen before the end (store_port.h), and what fails in
 * between is undone.  A file that is no sound JSON fails, and so does everything that does not fit
 * in one of export, which is to lose nothing; a conversation of another program that makes no sense
 * is left out, and the report says why and where.  What is there already, by uuid, by origin or by
 * what it says, is not brought again. */
#ifndef CF_IMPORT_H
#define CF_IMPORT_H

#include "store.h"

enum {
    CF_IMPORT_DEPTH_MAX = 200,               /* nesting of the JSON */
    CF_IMPORT_VALUE_MAX = 256 * 1024 * 1024, /* bytes of a value that is read at once */
    CF_IMPORT_PARTS_MAX = 4 * 1024 * 1024,   /* values in one */
    CF_IMPORT_MESSAGES_MAX = 1000000,        /* of a conversation */
    CF_IMPORT_SKIPS_MAX = 100,               /* sentences kept */
};

/* Something that was left out. */
struct cf_import_skip {
    uint64_t line, byte; /* where it begins, from 1 */
    char *why;
};

struct cf_import_report {
    const char
        *format; /* "confab", "chatgpt", "sharegpt", "openai"; of several the last; or NULL */
    int64_t n_conversations, n_messages; /* that came */
    int64_t n_known;                     /* conversations that were there already */
    int64_t n_grown;    /* of those, how many got new messages, which n_messages counts */
    int64_t n_left_out; /* messages without a place here: of tools, hidden ones, empty ones */
    int64_t n_skipped;  /* conversations that make no sense; the first of them: */
    struct cf_import_skip *skips;
    size_t n_skips;
};
void cf_import_report_release(struct cf_import_report *report);

struct cf_import_options {
    /* May be NULL; false ends the import with CF_ERR_CANCELLED.  Bytes; size 0: unknown. */
    bool (*on_progress)(void *context, int64_t n_done, int64_t size);
    void *context;
};

/* PATH "-" is standard input.  The report is to be released, also after a failure.
 * CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO; CF_ERR_FORMAT, CF_ERR_TOO_LARGE, CF_ERR_RANGE with
 * file, line and byte; CF_ERR_UNSUPPORTED for what is none of these formats; CF_ERR_NEWER;
 * CF_ERR_CANCELLED; what the store says. */
enum cf_code cf_import_file(struct cf_import_report *report, struct cf_store *store,
                            const char *path, const struct cf_import_options *options,
                            struct cf_err *err);

#endif
