/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_import: an import under way, what its two files share.  Private to the store. */
#ifndef CF_STORE_IMPORT_H
#define CF_STORE_IMPORT_H

#include "store_parts.h"
#include "store_port.h"

/* What is resolved in the end: the message that a conversation was forked from; messages that wait
 * for a conversation; a message that hangs on one that was there before. */
struct cf_import_fork {
    int64_t conversation;
    char uuid[CF_UUID_SIZE];
};

struct cf_import_merge {
    int64_t waiting, conversation, leaf, updated_ms;
    bool is_later; /* found out in the end: than what was said here */
};

struct cf_import_hang {
    int64_t message, parent;
    size_t merge; /* whose message it is */
    bool is_shown;
};

struct cf_store_import {
    struct cf_store *store;
    int64_t id;
    int64_t begun_ms; /* of the transaction that is open; 0: none is */
    int64_t alive_ms; /* when the last sign of life was written */
    struct cf_import_fork *forks;
    size_t n_forks, forks_capacity;
    struct cf_import_merge *merges;
    size_t n_merges, merges_capacity;
    struct cf_import_hang *hangs;
    size_t n_hangs, hangs_capacity;
    bool has_draft; /* of the conversation that is not begun */
    struct cf_draft_row draft;
    char *draft_text;
};

/* Inside the last transaction: what waits comes to where it belongs. */
enum cf_code cf_import_merge_all(struct cf_store_import *import, struct cf_err *err);

#endif
