/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_parts: what the files of import lend each other. */
#ifndef CF_IMPORT_PARTS_H
#define CF_IMPORT_PARTS_H

#include "import.h"
#include "import_names.h"
#include "import_scan.h"
#include "store_port.h"

/* The last moment of the year 9999: later ones no program can show. */
#define CF_IMPORT_TIME_MAX INT64_C(253402300799999)

/* What the messages of a conversation of export say of each other; the index is the name's. */
struct cf_import_link {
    int64_t id;      /* 0: only named so far */
    uint32_t parent; /* index + 1, as all here; 0: none */
    uint32_t shown, trash_root;
    bool is_late; /* the parent came behind it */
    bool is_trashed;
    bool is_there, is_here; /* before the import; and so that others may hang on it */
    bool is_dropped;        /* it stays away */
};

/* A conversation that is there, for which new messages wait. */
struct cf_import_more {
    int64_t conversation; /* 0: none is at hand */
    int64_t waiting;      /* where they wait; 0: there are none yet */
};

struct cf_import {
    struct cf_store_import *rows;
    struct cf_scan scan;
    struct cf_import_report *report;
    struct cf_import_names names; /* of the conversation at hand */
    struct cf_import_link *links; /* [names.n] */
    struct cf_import_more more;
    struct cf_import_names digests; /* of snapshots that recipes of the file name */
    size_t n_links, links_capacity;
};

/* ---- The json of export (import_own.c) ---- */

/* From the document's first bracket to its end. */
enum cf_code cf_import_own(struct cf_import *import, struct cf_err *err);

/* ---- More of a conversation (import_more.c) ---- */

/* Looks for a message by its uuid, or ("") its origin id. */
enum cf_code cf_import_find(struct cf_import_link *link, struct cf_import *import, const char *uuid,
                            const char *origin_id, struct cf_err *err);
/* Readies a message that is new for being added: where it waits and hangs (PARENT NULL: a root).
 * link->is_dropped: it is not to be added. */
enum cf_code cf_import_ready(struct cf_message_row *row, struct cf_import_link *link,
                             const struct cf_import_link *parent, struct cf_import *import,
                             struct cf_err *err);
/* Once it is added; is_shown: it is the child that PARENT shows. */
void cf_import_hang(struct cf_import *import, const struct cf_import_link *link,
                    const struct cf_import_link *parent, bool is_shown);
/* The conversation at hand has all its messages; LEAF may be NULL. */
void cf_import_grown(struct cf_import *import, const struct cf_import_link *leaf,
                     int64_t updated_ms, int64_t n_new);

/* ---- Conversations of other programs ---- */

/* A message; text and the others belong to the tree's arena or to the JSON value. */
struct cf_import_node {
    size_t parent; /* index + 1 of one before it; 0: a root */
    enum cf_role role;
    const char *text;
    size_t size;
    int64_t created_ms; /* 0: unknown */
    const char *model, *origin_id;
};

struct cf_import_tree {
    struct cf_arena arena;
    struct cf_conversation conversation; /* times 0: unknown; title NULL: none */
    struct cf_import_node *nodes;
    size_t n, capacity;
    size_t leaf; /* index + 1; 0: the last one */
    int64_t n_left_out;
};
void cf_import_tree_release(struct cf_import_tree *tree);
void cf_import_tree_add(struct cf_import_tree *tree, const struct cf_import_node *node);

/* What the value is a conversation of: sets the report's format and fills the tree.  NULL when that
 * worked, else the sentence why it makes no sense. */
const char *cf_import_read_foreign(struct cf_import *import, struct cf_import_tree *tree,
                                   const json_t *value);
/* ChatGPT's, in import_chatgpt.c. */
const char *cf_import_read_chatgpt(struct cf_import *import, struct cf_import_tree *tree,
                                   const json_t *value);
/* The text of a message's content: a string, or an array of strings and parts; what is no text is
 * named in brackets.  False: it holds nothing of the kind. */
bool cf_import_content(struct cf_buf *text, const json_t *content);
/* Seconds since 1970 as ms, 0 for null and what is not there; false when it is out of range. */
bool cf_import_seconds(int64_t *ms, const json_t *value);

#endif
