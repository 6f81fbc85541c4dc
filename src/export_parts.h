/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_parts: what the files of export lend each other. */
#ifndef CF_EXPORT_PARTS_H
#define CF_EXPORT_PARTS_H

#include "export.h"
#include "store_port.h"

/* An export under way.  The document is a head, conversations with their messages, and a foot. */
struct cf_export {
    struct cf_store *store;
    const struct cf_export_spec *spec;
    const struct cf_export_sink *sink;
    struct cf_buf out;
    struct cf_export_report *report;
    const struct cf_conversation *conversation; /* at hand */
    size_t n_messages;                          /* of it, so far */
    int64_t n_all;                              /* messages, about */
    bool is_cut;                                /* the conversation holds damage */
    const struct cf_export_nodes *nodes;        /* of a conversation that holds damage; else NULL */
    struct cf_buf digests; /* of snapshots that were named; cf_digest, ascending, each once */
};

/* What a format does at each step; NULL: nothing. */
struct cf_export_style {
    bool is_branch; /* only the active branch, and no trash */
    void (*begin)(struct cf_export *export);
    enum cf_code (*begin_conversation)(struct cf_export *export, struct cf_err *err);
    void (*message)(struct cf_export *export, const struct cf_message_row *row);
    void (*end_conversation)(struct cf_export *export);
    enum cf_code (*end)(struct cf_export *export, struct cf_err *err);
};
extern const struct cf_export_style cf_export_style_json;
extern const struct cf_export_style cf_export_style_markdown;
extern const struct cf_export_style cf_export_style_text;
extern const struct cf_export_style cf_export_style_jsonl;
extern const struct cf_export_style cf_export_style_sharegpt;
extern const struct cf_export_style cf_export_style_html;

/* The messages of a damaged conversation that can be written, ascending by id. */
struct cf_export_node {
    int64_t id, parent;
    bool is_trashed;
    char uuid[CF_UUID_SIZE];
};
struct cf_export_nodes {
    struct cf_export_node *items;
    size_t n, capacity;
};
/* The node of a message, or NULL. */
const struct cf_export_node *cf_export_node_find(const struct cf_export_nodes *nodes, int64_t id);

/* Damage is counted and passed over: CF_OK for CF_ERR_CORRUPT. */
enum cf_code cf_export_pass_damage(struct cf_export *export, enum cf_code code);

/* Gives the sink what has gathered, if it is much. */
enum cf_code cf_export_flush_large(struct cf_export *export, struct cf_err *err);

/* A string of JSON with its quotes; what is no valid UTF-8 becomes U+FFFD. */
void cf_export_json_string(struct cf_buf *out, const char *text, size_t size);

/* The text as people read it: without the leading space of a reply, which belongs to its first
 * token. */
const char *cf_export_text(size_t *size, enum cf_role role, const char *text, size_t whole);
/* "2026-01-31 12:00", local time. */
enum { CF_EXPORT_DATE_SIZE = 32 };
void cf_export_date(char date[CF_EXPORT_DATE_SIZE], int64_t ms);

#endif
