/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store: the conversations on disk, and the only owner of SQL.
 *
 * One SQLite file (schema: data/schema/0001.sql).  A conversation is a tree of messages: editing
 * and regenerating add siblings, text is never changed in place but by the reply that is being
 * streamed. The active leaf says which branch is shown.  Deleting marks; cf_store_purge erases.
 *
 * Promises:
 *  1. When a function returns CF_OK, what it wrote survives a power cut; only cf_store_reply_save
 *     and cf_store_draft_save are synced later, at the latest when 2 s have passed since the last
 *     sync and one of them or cf_store_sync is called.
 *  2. A function that fails has written nothing.
 *  3. Several processes may use one database; a wait for another ends after the busy timeout with
 *     CF_ERR_BUSY and a sentence that says so.
 *  4. Reading goes on where a page is damaged: what can be read is returned, is_damaged tells.
 *
 * A store knows no threads: one thread at a time uses it, another thread opens one of its own.
 *
 * Errors everywhere: CF_ERR_NOT_FOUND (no such conversation or message), CF_ERR_FULL, CF_ERR_BUSY,
 * CF_ERR_CORRUPT, CF_ERR_ACCESS (read-only), CF_ERR_IO, CF_ERR_CANCELLED (interrupted).  Each
 * sentence names the file and what to do.
 *
 * Times are UTC in ms since 1970.  Ids are numbers that are never used again, also after a purge;
 * 0 is none.  Text may hold any bytes, NULs and broken UTF-8 included; titles, names and tags are
 * NUL-terminated. */
#ifndef CF_STORE_H
#define CF_STORE_H

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "mem.h"
#include "reply.h"
#include "role.h"

enum { CF_UUID_SIZE = 37 };

struct cf_store;

/* ---- Opening ---- */

struct cf_store_options {
    bool must_exist;     /* do not create the database: CF_ERR_NOT_FOUND */
    bool makes_folder;   /* create the folder, too, where there is none */
    bool is_read_only;   /* nothing is created, recovered or written; an older schema is brought up
                            to date all the same, since this version reads no other */
    int busy_timeout_ms; /* 0: 10 s */
    const char *vfs;     /* name of an SQLite VFS, for tests; NULL: the default */
};

/* Opens the database at PATH, creating it (0600) unless must_exist, and its folder (0700) if
 * wanted: a name mistyped would make folders anywhere (else CF_ERR_NOT_FOUND); brings an older
 * schema up to date after copying the file to PATH.VERSION.backup; marks replies whose process no
 * longer lives as interrupted.  options may be NULL. CF_ERR_NEWER: written by a newer confab,
 * untouched.  CF_ERR_FORMAT: not a database of confab's. CF_ERR_CORRUPT, CF_ERR_ACCESS,
 * CF_ERR_BUSY, CF_ERR_FULL. */
enum cf_code cf_store_open(struct cf_store **store, const char *path,
                           const struct cf_store_options *options, struct cf_err *err);
/* May be NULL.  What was saved lazily is synced. */
void cf_store_close(struct cf_store *store);
/* SQLite's, "3.40.1". */
const char *cf_store_library_version(void);
/* What opening has to tell a person, one sentence a line (no WAL here, replies recovered, schema
 * brought up to date), or NULL.  Owned by the store. */
const char *cf_store_notice(const struct cf_store *store);
const char *cf_store_path(const struct cf_store *store);
/* Marks replies as interrupted whose process no longer lives, and undoes orphaned imports, as much
 * of them as a quarter of a second allows: nobody sees the rest.  n_recovered may be NULL. */
enum cf_code cf_store_recover(struct cf_store *store, int64_t *n_recovered, struct cf_err *err);
/* Whether it left something to be done by another call. */
bool cf_store_has_leftover(const struct cf_store *store);
/* Whether replies are being written, or imports run, that are not this process's own, so that one
 * may have to be recovered later.  Cheap. */
bool cf_store_has_others(struct cf_store *store);
/* Syncs what was saved lazily; costs nothing when there is nothing. */
enum cf_code cf_store_sync(struct cf_store *store, struct cf_err *err);
/* When something was last saved without being synced, on CLOCK_MONOTONIC in ms; 0: all is synced.
 */
int64_t cf_store_unsynced_since_ms(const struct cf_store *store);
/* While *cancel (which another thread may set) is true, calls end with CF_ERR_CANCELLED, also while
 * they wait for another process.  NULL: none.  It must outlive its use here. */
void cf_store_set_cancel(struct cf_store *store, const atomic_bool *cancel);
/* Moves what stands in the write-ahead log into the database, as far as others allow; for quiet
 * moments (commits do it by themselves only when the log has grown large). */
enum cf_code cf_store_checkpoint(struct cf_store *store, struct cf_err *err);

/* A descriptor that becomes readable when something in the database's folder changes, or -1.  The
 * change itself can be seen up to a sync later: look again for a second or two. */
int cf_store_watch_fd(struct cf_store *store);
/* Whether another connection has changed the database since the last call; drains the descriptor.
 */
bool cf_store_is_changed(struct cf_store *store);

/* ---- Conversations ---- */

struct cf_conversation {
    int64_t id;
    char uuid[CF_UUID_SIZE];
    char *title; /* "" until there is a message to make one from */
    char *model; /* name of the model last used, or NULL; so are the next four */
    char *template_name;
    char *system;
    char *settings;  /* as chat wrote it; opaque here */
    char *origin;    /* program it was imported from */
    char *origin_id; /* its id there */
    int64_t created_ms, updated_ms;
    int64_t trashed_ms;  /* 0: not in the trash */
    int64_t active_leaf; /* message, or 0 */
    int64_t forked_from; /* message of another conversation, or 0 */
    int64_t n_messages;  /* on all branches, the trash not counted */
    bool is_title_own;   /* given by a person: never replaced by a made one */
    bool is_pinned, is_archived;
    bool is_unread;      /* a reply came to its end unseen */
    bool is_streaming;   /* a reply is being written, here or by another process */
    bool is_interrupted; /* the active leaf is a reply whose process ended before it did */
    size_t n_tags;
    char **tags;
};

struct cf_conversations {
    struct cf_arena arena; /* holds everything the items point to */
    struct cf_conversation *items;
    size_t n;
    bool has_more;
    bool is_damaged; /* some could not be read */
};
void cf_conversations_release(struct cf_conversations *conversations);

/* NULL and 0 leave a thing out. */
struct cf_conversation_spec {
    const char *title; /* given by a person */
    const char *model, *template_name, *system, *settings;
    const char *origin, *origin_id; /* both or none */
    int64_t created_ms;             /* 0: now */
};
/* CF_ERR_EXISTS: that origin id is there already (*id is then set all the same). */
enum cf_code cf_store_conversation_create(int64_t *id, struct cf_store *store,
                                          const struct cf_conversation_spec *spec,
                                          struct cf_err *err);

enum cf_shelf { CF_SHELF_OPEN, CF_SHELF_ARCHIVE, CF_SHELF_TRASH, CF_SHELF_ALL };

struct cf_list_query {
    enum cf_shelf shelf;
    const char *tag; /* only those that bear it; NULL: all */
    /* Only those that hold these words, begun ones too: in the title, or in a message (of the
     * CF_SEARCH_RANKED_MAX newest that do); NULL: all. */
    const char *match;
    bool pinned_first;
    size_t limit; /* 0: 50 */
    /* The last one of the page before; NULL: from the start.  Only pin, time and id are looked at.
     */
    const struct cf_conversation *after;
    /* The page that ends before AFTER, the first one of the page behind; NULL: at the end.
     * has_more tells then of newer ones. */
    bool is_backward;
};
/* Newest first by updated_ms, a page at a time, the same at either end. */
enum cf_code cf_store_list(struct cf_conversations *list, struct cf_store *store,
                           const struct cf_list_query *query, struct cf_err *err);

/* REFERENCE is a number, a uuid, the beginning of one (8 characters at least), or "last": the one
 * not in the trash that was last updated.  CF_ERR_NOT_FOUND; CF_ERR_RANGE when it is ambiguous. */
enum cf_code cf_store_conversation_find(int64_t *id, struct cf_store *store, const char *reference,
                                        struct cf_err *err);
/* A page with that one conversation, wherever it is. */
enum cf_code cf_store_conversation_load(struct cf_conversations *one, struct cf_store *store,
                                        int64_t id, struct cf_err *err);

/* Changes what is not NULL; "" takes a thing away.  Does not move the conversation in the list. */
struct cf_conversation_change {
    const char *model, *template_name, *system, *settings;
};
enum cf_code cf_store_conversation_change(struct cf_store *store, int64_t id,
                                          const struct cf_conversation_change *change,
                                          struct cf_err *err);
/* The title is trimmed, its control characters become spaces; "" returns to a made one. */
enum cf_code cf_store_conversation_rename(struct cf_store *store, int64_t id, const char *title,
                                          struct cf_err *err);
enum cf_code cf_store_conversation_set_pinned(struct cf_store *store, int64_t id, bool is_pinned,
                                              struct cf_err *err);
enum cf_code cf_store_conversation_set_archived(struct cf_store *store, int64_t id,
                                                bool is_archived, struct cf_err *err);
enum cf_code cf_store_conversation_set_unread(struct cf_store *store, int64_t id, bool is_unread,
                                              struct cf_err *err);
/* Shows the branch that ends at LEAF (any message of the conversation; 0: none). */
enum cf_code cf_store_conversation_set_leaf(struct cf_store *store, int64_t id, int64_t leaf,
                                            struct cf_err *err);
enum cf_code cf_store_tag_add(struct cf_store *store, int64_t conversation, const char *tag,
                              struct cf_err *err);
enum cf_code cf_store_tag_remove(struct cf_store *store, int64_t conversation, const char *tag,
                                 struct cf_err *err);
/* A new conversation that begins with a copy of the branch from its root to MESSAGE, recipes
 * included; a reply still being written ends there with what is stored of it. */
enum cf_code cf_store_fork(int64_t *id, struct cf_store *store, int64_t message,
                           struct cf_err *err);

/* What was being typed; conversation 0 is the one that is not begun yet.  Saving "" forgets it.
 * CURSOR is a byte offset into the text. */
enum cf_code cf_store_draft_save(struct cf_store *store, int64_t conversation, const char *text,
                                 size_t size, size_t cursor, struct cf_err *err);
/* Appends the draft to text (nothing when there is none); cursor may be NULL. */
enum cf_code cf_store_draft_load(struct cf_buf *text, size_t *cursor, struct cf_store *store,
                                 int64_t conversation, struct cf_err *err);

/* ---- Messages ---- */

struct cf_message {
    int64_t id;
    char uuid[CF_UUID_SIZE];
    int64_t conversation;
    int64_t parent; /* 0: a root */
    enum cf_role role;
    enum cf_message_state state;
    enum cf_end_reason reason;
    char *text; /* NUL behind it, NULs possible inside */
    size_t size;
    char *model;     /* name of the model that wrote it, or NULL */
    char *error;     /* of a failed reply, one sentence, or NULL */
    char *origin_id; /* of an import, or NULL */
    int64_t created_ms, updated_ms, trashed_ms;
    bool is_pinned;
    bool is_damaged;        /* could not be read whole; text is what could */
    int32_t n_tokens;       /* generated */
    int32_t n_prompt;       /* tokens of the prompt */
    int32_t n_cached;       /* of those, found in the cache */
    int64_t first_us;       /* from start to first token */
    int64_t total_us;       /* from start to end */
    int32_t alternative;    /* its number among its siblings that are not in the trash, from 0 */
    int32_t n_alternatives; /* of those, itself included */
    int32_t n_trashed_children;
    size_t recipe_size; /* 0: none, or not asked for */
    const void *recipe; /* blob of recipe.h */
};

struct cf_messages {
    struct cf_arena arena;
    struct cf_message *items;
    size_t n;
    bool has_more;   /* there are earlier ones on the branch */
    bool is_damaged; /* some could not be read, or not whole */
};
void cf_messages_release(struct cf_messages *messages);

struct cf_message_spec {
    int64_t conversation;
    int64_t parent; /* 0: a root */
    enum cf_role role;
    const char *text;
    size_t size;
    const char *model;     /* of an imported reply; NULL */
    const char *origin_id; /* NULL */
    int64_t created_ms;    /* 0: now */
};
/* Adds a complete message and makes it the active leaf.  Makes the conversation's title when there
 * is none and the message is a person's. */
enum cf_code cf_store_message_add(int64_t *id, struct cf_store *store,
                                  const struct cf_message_spec *spec, struct cf_err *err);

/* A conversation together with its first message, whose conversation and parent say nothing: both
 * are there afterwards, or none. */
enum cf_code cf_store_conversation_begin(int64_t *id, int64_t *message, struct cf_store *store,
                                         const struct cf_conversation_spec *spec,
                                         const struct cf_message_spec *first, struct cf_err *err);

/* The branch that ends at MESSAGE, root first: its last LIMIT messages (0: all).  The page before
 * is the branch that ends at items[0].parent. */
enum cf_code cf_store_path_load(struct cf_messages *messages, struct cf_store *store,
                                int64_t message, size_t limit, bool with_recipes,
                                struct cf_err *err);
/* All messages of a conversation that are not in the trash, every one after its parent, siblings
 * oldest first, depth first. */
enum cf_code cf_store_tree_load(struct cf_messages *messages, struct cf_store *store,
                                int64_t conversation, bool with_recipes, struct cf_err *err);
/* Children of PARENT (0: the roots of the conversation), oldest first, the trash left out. */
enum cf_code cf_store_children_load(struct cf_messages *messages, struct cf_store *store,
                                    int64_t conversation, int64_t parent, struct cf_err *err);
enum cf_code cf_store_message_load(struct cf_messages *one, struct cf_store *store, int64_t id,
                                   bool with_recipe, struct cf_err *err);
/* REFERENCE is a number, a uuid, or the beginning of one (8 characters at least). */
enum cf_code cf_store_message_find(int64_t *id, struct cf_store *store, const char *reference,
                                   struct cf_err *err);
/* The leaf one comes to when walking from MESSAGE's sibling STEP places on (-1: the one before),
 * by the children last shown, else the newest.  CF_ERR_RANGE past the first or last. */
enum cf_code cf_store_alternative(int64_t *leaf, struct cf_store *store, int64_t message, int step,
                                  struct cf_err *err);
enum cf_code cf_store_message_set_pinned(struct cf_store *store, int64_t id, bool is_pinned,
                                         struct cf_err *err);
/* Hangs the message and what follows it under another parent (0: as a root) of a conversation that
 * may be another one. */
enum cf_code cf_store_message_move(struct cf_store *store, int64_t id, int64_t conversation,
                                   int64_t parent, struct cf_err *err);

/* ---- A reply while it streams ---- */

struct cf_reply_spec {
    int64_t conversation;
    int64_t parent;            /* the message answered; 0: a root */
    const char *model;         /* name, for people */
    const char *template_text; /* kept by its digest for replay; NULL: none */
    const char *system;        /* likewise */
};
/* Begins N sibling replies owned by this process; ids[n] receives them.  The first becomes the
 * active leaf. */
enum cf_code cf_store_reply_begin(int64_t *ids, size_t n, struct cf_store *store,
                                  const struct cf_reply_spec *spec, struct cf_err *err);
/* Makes a reply that has ended stream again, to be continued: its text stays and grows.
 * CF_ERR_BUSY when a living process is writing it. */
enum cf_code cf_store_reply_resume(struct cf_store *store, int64_t id, struct cf_err *err);

/* What a reply is so far: all of it, not what is new. */
struct cf_reply_state {
    const char *text;
    size_t size;
    const void *recipe; /* blob; NULL with size 0: none */
    size_t recipe_size;
    int32_t n_tokens, n_prompt, n_cached;
    int64_t first_us, total_us;
};
/* Synced lazily. */
enum cf_code cf_store_reply_save(struct cf_store *store, int64_t id,
                                 const struct cf_reply_state *reply, struct cf_err *err);
/* STATE is any but CF_STREAMING.  ERROR is the sentence of a failed reply, else NULL. */
enum cf_code cf_store_reply_finish(struct cf_store *store, int64_t id,
                                   const struct cf_reply_state *reply, enum cf_message_state state,
                                   enum cf_end_reason reason, const char *error,
                                   struct cf_err *err);
/* The text kept under a digest (a template's, a system prompt's), appended to text. */
enum cf_code cf_store_snapshot_load(struct cf_buf *text, struct cf_store *store,
                                    const struct cf_digest *digest, struct cf_err *err);

/* ---- Trash and undo ---- */

enum cf_code cf_store_conversation_delete(struct cf_store *store, int64_t id, struct cf_err *err);
/* Deletes the message and everything after it. */
enum cf_code cf_store_message_delete(struct cf_store *store, int64_t id, struct cf_err *err);
enum cf_code cf_store_conversation_restore(struct cf_store *store, int64_t id, struct cf_err *err);
enum cf_code cf_store_message_restore(struct cf_store *store, int64_t id, struct cf_err *err);

struct cf_purge_result {
    int64_t n_conversations, n_messages;
};
/* Erases the trash for good, so that no byte of it is left in the database's files, and the drafts
 * of what is erased and all migration backups with it.  Waits for other processes to let go of the
 * log; CF_ERR_BUSY when they don't: then all is deleted, but traces may be left in the log until
 * the next purge. */
enum cf_code cf_store_purge(struct cf_purge_result *result, struct cf_store *store,
                            struct cf_err *err);

struct cf_undone {
    int64_t conversation, message; /* that it happened to; message may be 0 */
    char label[128];               /* "deletion of ‘Tea in the rain’" */
};
/* Undoes the newest thing a person did that is not undone (delete, prune, rename, move, archive,
 * pin).  CF_ERR_NOT_FOUND: nothing left. */
enum cf_code cf_store_undo(struct cf_undone *undone, struct cf_store *store, struct cf_err *err);

/* ---- Search ---- */

enum { CF_SEARCH_RANKED_MAX = 5000 };

struct cf_search {
    /* Words, "a phrase", prefix*; all must be there.  "" where there is a filter: the newest
     * messages that pass it, with a title the newest one of each conversation. */
    const char *query;
    bool has_role;
    enum cf_role role;
    int64_t since_ms;     /* messages created at this time or later */
    int64_t until_ms;     /* and before this one; 0: any */
    const char *title;    /* words that the conversation's title holds; NULL: any */
    int64_t conversation; /* only there; 0: everywhere */
    size_t limit;         /* 0: 50 */
};

struct cf_span {
    size_t begin, end; /* bytes */
};

struct cf_hit {
    int64_t conversation, message;
    char *title;
    enum cf_role role;
    int64_t created_ms;
    bool is_archived;
    double score;  /* bm25: the smaller the better */
    char *snippet; /* a piece of the message as it was written, cut at characters' borders */
    size_t snippet_size;
    bool is_cut_before, is_cut_after; /* the message goes on there */
    size_t n_marks;
    struct cf_span *marks; /* in snippet: what matched, ascending, apart */
};

struct cf_hits {
    struct cf_arena arena;
    struct cf_hit *items; /* best first */
    size_t n;
    bool is_limited; /* more than CF_SEARCH_RANKED_MAX match: the best of the newest are here */
    bool has_more;   /* than the limit asked for */
};
void cf_hits_release(struct cf_hits *hits);

/* What a query as people write it comes to: words, and among them the filters role:user,
 * title:word or title:"some words", date:, since:, until: (the day included) and before: with a
 * day, a month, a year, today, yesterday, or 7d, 2w, 3m, 1y before now.  Sets role, title, times
 * and query of SEARCH, which point into TEXT.  CF_ERR_USAGE with a sentence: a filter's value is
 * none; text is released then. */
struct cf_search_text {
    struct cf_buf words, title;
};
enum cf_code cf_search_parse(struct cf_search *search, struct cf_search_text *text,
                             const char *query, int64_t now_ms, struct cf_err *err);
void cf_search_text_release(struct cf_search_text *text);
/* The time from the beginning of a date as above to its end, local time; false: it is none. */
bool cf_store_read_date(const char *text, int64_t now_ms, int64_t *begin_ms, int64_t *end_ms);

/* Where words of QUERY (as cf_search has it) stand in a text: at most MAX spans, ascending, apart;
 * returns how many.  has_all, which may be NULL, tells whether all of the query is there. */
size_t cf_query_find(struct cf_span *spans, size_t max, bool *has_all, const char *query,
                     const char *text, size_t size);

/* CF_ERR_USAGE when the query holds nothing to look for.  What is in the trash is not found. */
enum cf_code cf_store_search(struct cf_hits *hits, struct cf_store *store,
                             const struct cf_search *search, struct cf_err *err);

/* ---- The file as a whole ---- */

/* A consistent copy (0600) while others write.  CF_ERR_EXISTS unless is_replacing. */
enum cf_code cf_store_backup(struct cf_store *store, const char *path, bool is_replacing,
                             struct cf_err *err);

struct cf_check_report {
    struct cf_arena arena;
    char **problems; /* sentences */
    size_t n;
    char *hint; /* how to repair, or NULL when all is well */
};
void cf_check_report_release(struct cf_check_report *report);
/* Looks at everything: pages, foreign keys, search index, recipes, our own invariants.  CF_OK when
 * the looking worked; report->n tells what was found.  A damaged search index is rebuilt when
 * is_repairing and nothing else is damaged: it holds nothing that is not in the messages. */
enum cf_code cf_store_check(struct cf_check_report *report, struct cf_store *store,
                            bool is_repairing, struct cf_err *err);

struct cf_store_counts {
    int64_t n_open, n_archived, n_trashed; /* conversations */
    int64_t n_messages;
    int64_t file_size; /* bytes, log included */
};
enum cf_code cf_store_counts(struct cf_store_counts *counts, struct cf_store *store,
                             struct cf_err *err);

/* ---- Statistics (store_stats.c) ---- */

struct cf_stats_model {
    const char *name; /* "": not known */
    int64_t n_replies, n_tokens;
};
struct cf_stats_month {
    int year, month;         /* 1 to 12, local time */
    int64_t n_conversations; /* begun in it */
    int64_t n_messages, n_tokens;
};
/* What is not in the trash; tokens are those that were generated. */
struct cf_store_stats {
    struct cf_arena arena;
    int64_t n_conversations; /* the archived ones among them */
    int64_t n_archived, n_trashed;
    int64_t n_messages, n_replies, n_tokens;
    int64_t file_size;
    struct cf_stats_model *models; /* most replies first */
    size_t n_models, models_capacity;
    struct cf_stats_month *months; /* those with something in them, oldest first */
    size_t n_months, months_capacity;
};
void cf_store_stats_release(struct cf_store_stats *stats);
/* Reads every message: a second or so for a million. */
enum cf_code cf_store_stats(struct cf_store_stats *stats, struct cf_store *store,
                            struct cf_err *err);

#endif
