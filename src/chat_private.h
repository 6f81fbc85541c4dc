/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of chat share: its inside, seen by nobody else.
 *
 * chat.c         making, pumping, status, notices
 * chat_tree.c    the tree of messages and the path through it
 * chat_send.c    what starts a reply: a message, the queue; and its job
 * chat_again.c   what starts one from what was said before, or instead of one being written
 * chat_reply.c   a reply while it is written, and its saving
 * chat_plan.c    turns to prompt; idle work; what the model sees
 * chat_knobs.c   settings, template, presets
 * chat_disk.c    what the storage answers
 * chat_browse.c  the list of conversations; searching
 * chat_graph.c   the tree as rows; two branches compared
 * chat_open.c    opening a conversation and leaving it; drafts
 * chat_edit.c    what changes the tree without a reply: walk, delete, pin, fork, undo
 * chat_recipe.c  what is recorded of a reply; the model's digest
 * chat_look.c    a reply looked at token by token
 * chat_shade.c   how likely each token of the text is
 * chat_spell.c   where the tokens of a reply stand in its text, and whose they are
 * chat_export.c  the path as Markdown
 * chat_port.c    files in and out */
#ifndef CF_CHAT_PRIVATE_H
#define CF_CHAT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "chat.h"
#include "config_file.h"
#include "digest.h"
#include "ids.h"
#include "look.h"
#include "prompt.h"
#include "recipe.h"
#include "storage.h"
#include "template.h"
#include "wake.h"
#include "worker.h"

enum {
    CF_CHAT_SAVE_MS = 250,
    CF_CHAT_SAVE_TOKENS = 32,
    CF_CHAT_DRAFT_MS = 1000,
    CF_CHAT_SETTINGS_MS = 500,
    CF_CHAT_FREE_MS = 5000,
    CF_CHAT_TAIL = 100,       /* messages that are shown before the others are there */
    CF_CHAT_TAIL_FROM = 1000, /* where there are so many of them that one would wait */
};

/* A message in the tree.  The tree's root is a node without a message. */
struct cf_chat_node {
    struct cf_chat_node *parent;
    struct cf_chat_node **children;
    size_t n_children, children_capacity;
    struct cf_chat_node *shown; /* the child seen last; NULL: the newest */
    struct cf_chat_turn turn;   /* points into what follows */
    struct cf_buf text;         /* as stored: a reply's with its leading space */
    struct cf_recipe recipe;    /* of a reply; empty until it is asked for */
    const void *blob;           /* the recipe as it was loaded, in the tree's messages */
    size_t blob_size;
    struct cf_ids
        ids; /* of the tokens that spell the text, for prompts; empty while it is written */
    struct cf_turn_mark *marks;
    size_t n_marks;
    struct cf_turn_shade *shades; /* as far as they were made */
    size_t n_shades, shades_capacity;
    size_t *ends; /* of the tokens, as far as they were walked over: bytes of text; they may lie
                   * beyond what of it was let out */
    size_t n_ends, ends_capacity;
    bool is_foreign; /* the tokens are of a tokenizer that spells otherwise than the one at hand */
    char *model_name;
    char *error;
    bool is_trashed;
    int32_t n_trash;   /* children in the trash already when it was loaded: they are not here */
    bool is_begun;     /* the database has a row of it, or is about to */
    bool is_dirty;     /* differs from what was last given to the storage */
    int32_t n_unsaved; /* tokens since */
    int32_t n_prompt, n_cached;
    bool is_finished;     /* its end was given to the storage, or waits for the digest */
    double seconds;       /* from start to end */
    size_t end_size;      /* bytes of text that came with the end */
    int32_t n_end_tokens; /* tokens at the end, prefix counted */
};

struct cf_chat_tree {
    struct cf_chat_node *root;
    struct cf_chat_node **nodes; /* all of them, the root included */
    size_t n_nodes, nodes_capacity;
    struct cf_chat_node **path; /* from the first message to the active leaf */
    size_t n_path, path_capacity;
    struct cf_messages messages; /* what it was loaded from */
    struct cf_chat_tree *next;   /* in the list of retired ones */
};

/* Where a turn of a prompt comes from; node is NULL for a draft and for a reply that goes on. */
struct cf_chat_source {
    struct cf_chat_node *node;
    size_t place; /* in the path */
};

/* What a prompt is made from and what came of it.  The turns point into nodes, which are not
 * changed or freed while a job is under way; only the last one, which might go on, is a copy. */
struct cf_chat_plan {
    struct cf_turn *turns;
    struct cf_chat_source *sources; /* parallel */
    size_t n_turns;
    char *last_text;
    struct cf_ids last_ids;
    char *draft;
    struct cf_template template;
    char *system;
    struct cf_prompt_budget budget;
    struct cf_job *job;
    bool is_open_reply; /* the last turn is the reply that is to go on */
    struct cf_prompt prompt;
    struct cf_digest ids_digest; /* of the ids before the reply's own */
};

/* A job under way, from its making until its end was taken. */
struct cf_chat_work {
    struct cf_job job;
    struct cf_chat_plan plan;
    struct cf_stops stops;
    int32_t forced;
    struct cf_ids prefix;
    struct cf_sampling samplings[2]; /* of a comparison */
    struct cf_chat_node **nodes;     /* the replies; none for idle work */
    int32_t n;
    bool is_detached; /* the nodes are in no tree and not saved: complete; of idle work: there is no
                       * longer anything to foretell */
    bool is_submitted;
    bool is_cancelled; /* asked to end; not submitted yet: the next pump ends it */
    bool is_started;
    bool is_held; /* a pause was asked for */
    bool is_paused;
    uint64_t commit;          /* storage job that must be answered before it may start; 0: none */
    double saved_at;          /* when it was last given to the storage */
    double made_at, first_at; /* when it was made, and its first token taken; moved on by what it
                               * was held */
    double held_at;           /* while it is paused: since when */
    int32_t n_tokens;         /* of alternative 0, new ones */
    int32_t n_timed;          /* of them, those behind the first that came unheld */
    struct cf_chat_tree *tree;
    /* Of a CALL: takes its results, once it is over. */
    void (*finish)(struct cf_chat *chat, struct cf_chat_work *work, enum cf_end_reason reason,
                   const char *sentence);
    struct cf_chat_looking *looking; /* NULL: it is no look */
    float *scores;                   /* of a shading: [plan.prompt.ids.n]; NULL */
    struct cf_chat_work *next;
};

/* A reply being looked at.  The worker uses recipe, turns, template, system, look and the flags
 * behind them while a job is under way; the front may read them once it is over. */
struct cf_chat_looking {
    const struct cf_chat_node *node;
    struct cf_recipe recipe;
    struct cf_turn *turns;
    char **texts;       /* of the turns */
    struct cf_ids *ids; /* and their tokens */
    size_t n_turns;
    struct cf_template template;
    char *system;
    bool has_template, has_system;
    struct cf_look look;
    struct cf_sampling sampling_if; /* for the what-if */
    bool wants_if;                  /* it has not been done yet */
    bool is_evaluated;              /* look has run */
    /* The front's own: */
    bool is_under_way;
    bool is_turned;  /* knobs are no longer those last asked for */
    bool is_dropped; /* nobody looks any more: free it when the job is over */
    struct cf_err err;
    struct cf_chat_look view;
    struct cf_chat_look_token *tokens;
};

struct cf_chat_message {
    char *text;
    size_t size;
    int32_t n; /* alternatives asked for */
};

/* What a storage job was for. */
enum cf_chat_what {
    CF_WHAT_CREATE, /* of the conversation, and of node, its first message */
    CF_WHAT_COMMIT, /* of node */
    CF_WHAT_BEGIN,  /* of the replies: node is the first, the others are its next siblings */
    CF_WHAT_FINISH, /* of node */
    CF_WHAT_LIST,
    CF_WHAT_LAST, /* which conversation is the newest */
    CF_WHAT_SEARCH,
    CF_WHAT_STATS,
    CF_WHAT_LOAD,  /* of opening */
    CF_WHAT_TREE,  /* of opening */
    CF_WHAT_DRAFT, /* of opening, or of a new conversation */
    CF_WHAT_TITLE,
    CF_WHAT_FORK,
    CF_WHAT_UNDO,
    CF_WHAT_SHELF,    /* a rename, delete, pin, archive or resume: the list changes */
    CF_WHAT_SNAPSHOT, /* of looking: target 0 the template, 1 the system prompt */
    CF_WHAT_PORT,     /* an export or import */
    CF_WHAT_OTHER,    /* only a failure is of interest */
};

struct cf_chat_pending {
    uint64_t job;
    enum cf_chat_what what;
    struct cf_chat_node *node;
    int64_t conversation; /* that was on when it was submitted */
    int64_t target;       /* that is asked for: LOAD, TREE, DRAFT; UNDO: how many follow it */
    bool is_repeated;     /* DRAFT: it was asked for before, in vain */
};

struct cf_chat_opening {
    bool is_on;
    bool is_refresh; /* the same conversation again: another process changed it, or undo */
    int64_t conversation;
    int64_t message; /* to be shown; 0: the branch seen last */
    bool has_load, has_tree, has_draft;
    struct cf_conversations load;
    struct cf_messages tail; /* of the branch seen last */
    struct cf_messages tree;
    char *draft;
};

/* The digest of the model's files, computed by a thread of its own. */
struct cf_chat_digest {
    pthread_t thread;
    bool is_running; /* the thread is to be joined */
    atomic_bool is_done;
    atomic_bool is_cancelled;
    char *path, *cache_path;
    const struct cf_wake *wake;
    enum cf_code code;
    struct cf_digest digest;
    bool is_known; /* taken over; zeros when it could not be computed */
};

struct cf_chat_start {
    struct cf_chat_node *parent;   /* the message answered; the root: none */
    struct cf_chat_node *go_on;    /* the reply that goes on; NULL: new ones */
    const struct cf_chat_node *of; /* whose first n_prefix tokens a new one inherits; NULL */
    int32_t n_prefix;
    int32_t forced;                  /* the token then; -1: none */
    int32_t n;                       /* alternatives */
    const struct cf_sampling *other; /* of the second one, in a comparison; NULL: it is none */
    uint64_t commit;                 /* of the message answered; 0: it is in the database */
};
enum cf_chat_due_kind { CF_DUE_NONE, CF_DUE_REPLY, CF_DUE_EDIT, CF_DUE_DELETE, CF_DUE_KEEP };

/* What is carried out once the reply being written, which was stopped for it, has ended. */
struct cf_chat_due {
    enum cf_chat_due_kind kind;
    struct cf_chat_start start; /* REPLY */
    struct cf_sampling other;   /* REPLY: what start.other points to */
    struct cf_chat_node *node;  /* EDIT: what the message answers; DELETE */
    char *text;                 /* EDIT: of size bytes */
    size_t size;
    int keeps; /* KEEP: which of the replies compared */
};

struct cf_chat_notice {
    char *text;
    bool is_error;
};

enum cf_chat_list_part {
    CF_LIST_AGAIN, /* where it is */
    CF_LIST_TOP,
    CF_LIST_END,
    CF_LIST_OLDER,
    CF_LIST_NEWER,
};

enum { CF_CHAT_LIST_PAGE = 200, CF_CHAT_LIST_PAGES = 4 };

/* Pages of conversations, neighbours in the order of the list. */
struct cf_chat_list {
    uint64_t job; /* asked for; 0: nothing is */
    enum cf_chat_list_part part;
    char *match; /* NULL: all */
    struct cf_conversations pages[CF_CHAT_LIST_PAGES + 1];
    size_t n_pages;
    struct cf_chat_list_item *items;
    struct cf_chat_listing listing;
};

/* The tree as rows, and what of it is still to be added. */
struct cf_chat_graph_node {
    struct cf_chat_node *node;
    int32_t depth;
    bool is_branch;
};

struct cf_chat_graph {
    struct cf_chat_graph_node *rows, *stack;
    size_t n, capacity, n_stack, stack_capacity;
};

struct cf_chat_diff_state {
    struct cf_arena arena;
    struct cf_chat_diff_turn *turns;
    struct cf_chat_diff view;
};

struct cf_chat {
    struct cf_wake wake;
    struct cf_worker *worker;
    struct cf_worker *next_worker; /* of another model, being opened */
    bool is_next_loaded, is_next_failed;
    char *model_path, *next_model_path;
    struct cf_storage *storage; /* NULL: nothing is saved */
    bool is_storage_ready;
    bool is_storage_failed; /* it could not be opened */
    bool is_held_up;        /* writes are failing for now */
    const struct cf_config *config;
    struct cf_presets presets, personas; /* where there is no config */
    bool awaits_ids;
    bool stops_loops;
    bool idles;
    bool keeps_drafts;

    bool is_loaded;
    bool is_load_failed;
    struct cf_err failure;
    char *model_name;
    struct cf_template model_template;
    struct cf_chat_digest digest;
    char *digest_cache_path;

    /* The conversation. */
    int64_t conversation; /* 0: not begun */
    char *title;
    bool is_title_own;
    struct cf_settings base;     /* as given */
    struct cf_settings settings; /* in force */
    struct cf_settings own;      /* what belongs to the conversation */
    bool is_settings_dirty;
    double settings_dirty_at;
    struct cf_chat_tree *tree;
    struct cf_chat_tree *retired;
    struct cf_chat_node **trashed; /* deleted from this tree, in order */
    size_t n_trashed, trashed_capacity;
    char *draft;
    char *left_draft; /* of the conversation that was left last, as it was left */
    bool is_draft_dirty;
    bool is_first_draft_due;  /* that of the conversation not begun: asked for, saved by nobody */
    bool is_first_draft_over; /* the same: the conversation has begun since */
    double draft_dirty_at;
    struct cf_chat_message *queue;
    size_t n_queue, queue_capacity;
    bool is_queue_held; /* the person stopped a reply: wait for the next message */
    struct cf_chat_opening opening;
    bool is_reload_due;
    bool is_partial;       /* only the end of the branch is here yet: it can be read, not changed */
    int64_t last_local_id; /* negative ids where there is no storage */
    uint32_t next_version;
    bool wants_title;
    char undone[128]; /* of several undone together, the first; told with the last */
    size_t n_undone;
    struct cf_ids prompt_ids, prompt_turns; /* of the last plan, parallel: see cf_chat_prompt */
    bool is_prompt_told; /* what is odd about the prompt was said for these settings */

    /* Jobs. */
    struct cf_chat_work *works;       /* all under way */
    struct cf_chat_work *reply;       /* the one that writes, among them; NULL */
    struct cf_chat_due due;           /* then */
    struct cf_chat_node *compared[2]; /* NULL: nothing is */
    struct cf_chat_looking *looking;  /* NULL: nothing is looked at */
    bool shades;                      /* wanted */
    bool is_shade_due;                /* what the model sees changed since the texts were scored */
    bool starts_held;
    bool is_idle_due;                 /* the conversation or draft changed: evaluate anew */
    struct cf_chat_node **unfinished; /* ended, but the digest for their recipes is not there yet */
    size_t n_unfinished, unfinished_capacity;
    struct cf_chat_pending *pending;
    size_t n_pending, pending_capacity;
    size_t n_imports; /* of those pending: leaving does not wait for them */

    /* For the faces. */
    unsigned changes;
    bool was_settled;
    bool is_flushed; /* the end was prepared: nothing more is waited for */
    struct cf_chat_status status;
    struct cf_choice choice;
    bool has_choice;
    struct cf_chat_event *events;
    size_t *event_texts; /* parallel: offset into event_text */
    size_t n_events, events_capacity;
    struct cf_buf event_text;
    struct cf_chat_notice *notices;
    size_t n_notices, notices_capacity;
    struct cf_chat_list list;
    struct cf_chat_graph graph;
    struct cf_chat_diff_state diff;
    uint64_t search_job; /* 0: none is on its way */
    struct cf_chat_findings findings;
    char *found_words, *found_note;
    struct cf_store_stats stats;
    struct cf_hits hits;
    struct cf_chat_hit *hit_items;
    struct cf_chat_span *hit_marks;
};

/* --- chat.c --- */

int64_t cf_chat_utc_ms(void);
/* Remembers what changed and brings the status up to date. */
void cf_chat_mark(struct cf_chat *chat, unsigned changes);
void cf_chat_say(struct cf_chat *chat, bool is_error, const char *format, ...) CF_PRINTF(3, 4);
/* Whether model and conversation are there. */
bool cf_chat_is_open(const struct cf_chat *chat);
/* Whether a message or reply may be started now. */
bool cf_chat_can_start(const struct cf_chat *chat);
/* Whether anything can be written: there is a storage and it could be opened. */
bool cf_chat_saves(const struct cf_chat *chat);
/* N neighbouring ids for things that are not in the database yet, the first of them. */
int64_t cf_chat_reserve_ids(struct cf_chat *chat, size_t n);

/* --- chat_tree.c --- */

struct cf_chat_tree *cf_chat_tree_new(void);
void cf_chat_tree_free(struct cf_chat_tree *tree);
struct cf_chat_node *cf_chat_node_new(struct cf_chat *chat, enum cf_role role);
void cf_chat_node_free(struct cf_chat_node *node);
/* Hangs a new node under PARENT and makes it the one that is shown. */
void cf_chat_tree_add(struct cf_chat_tree *tree, struct cf_chat_node *parent,
                      struct cf_chat_node *node);
/* Builds the tree from stored messages, which it takes over; LEAF is the active one. */
struct cf_chat_tree *cf_chat_tree_load(struct cf_chat *chat, struct cf_messages *messages,
                                       int64_t leaf);
/* Makes the path lead through NODE and on to what was last seen behind it. */
void cf_chat_tree_show(struct cf_chat_tree *tree, struct cf_chat_node *node);
/* The path again, after nodes came or went, and every turn's place among its siblings. */
void cf_chat_tree_refresh(struct cf_chat_tree *tree);
/* The last node of the path; the root when it is empty. */
struct cf_chat_node *cf_chat_tree_leaf(const struct cf_chat_tree *tree);
/* The message with this id; NULL: it is not there, or in the trash. */
struct cf_chat_node *cf_chat_tree_find(const struct cf_chat_tree *tree, int64_t id);
/* Siblings that are not in the trash, oldest first: the one STEP places from NODE, or NULL. */
struct cf_chat_node *cf_chat_node_sibling(const struct cf_chat_node *node, int step);
/* The sibling made right after NODE, in the trash or not; NULL: none. */
struct cf_chat_node *cf_chat_node_next(const struct cf_chat_node *node);
/* Brings the turn's place among its siblings up to date. */
void cf_chat_count_siblings(struct cf_chat_node *node);
/* The end of the branch that goes on from NODE by what was seen last. */
struct cf_chat_node *cf_chat_leaf_below(struct cf_chat_node *node);
/* How many children of NODE are there, those in the trash included where wanted. */
size_t cf_chat_node_n_children(const struct cf_chat_node *node, bool with_trash);
/* Brings node->turn up to date with text, recipe and state. */
void cf_chat_node_update(struct cf_chat_node *node);
/* Decodes the recipe, if there is one that was not decoded yet, and what follows from it. */
void cf_chat_node_open_recipe(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer);
/* Sets node->ids to the tokens that spell the text. */
void cf_chat_node_set_ids(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer);
/* Retires the conversation's tree, to be freed when nothing under way uses it, and puts TREE in its
 * place. */
void cf_chat_replace_tree(struct cf_chat *chat, struct cf_chat_tree *tree);
/* The same where TREE is the same conversation loaded anew: what is looked at and compared stays
 * so, unless it is gone or says something else now. */
void cf_chat_renew_tree(struct cf_chat *chat, struct cf_chat_tree *tree);
/* Frees the retired trees if nothing uses them. */
void cf_chat_free_retired(struct cf_chat *chat);

/* --- chat_send.c --- */

/* Starts the oldest queued message, if it may. */
void cf_chat_start_queued(struct cf_chat *chat);
void cf_chat_clear_queue(struct cf_chat *chat);
void cf_chat_push(struct cf_chat *chat, const char *text, size_t size, int32_t n);
/* Adds a message below PARENT, and its N replies. */
void cf_chat_start_message(struct cf_chat *chat, struct cf_chat_node *parent, const char *text,
                           size_t size, int32_t n);
/* A prompt with half a sentence of a reply that goes on elsewhere could not be made again.  What is
 * refused has the branch read anew: that reply may have ended since. */
enum cf_code cf_chat_check_branch(struct cf_chat *chat, const struct cf_chat_node *leaf,
                                  struct cf_err *err);
/* The model could not be opened. */
enum cf_code cf_chat_check_model(const struct cf_chat *chat, struct cf_err *err);
/* It says something, and could be answered. */
enum cf_code cf_chat_check_message(const struct cf_chat *chat, const char *text, size_t size,
                                   struct cf_err *err);
/* Ends the reply being written; there is one. */
void cf_chat_cancel_reply(struct cf_chat *chat);

/* Makes the replies and their job, and submits it as soon as it may start. */
void cf_chat_start_reply(struct cf_chat *chat, const struct cf_chat_start *start);
/* Hands the job over to the worker. */
void cf_chat_submit(struct cf_chat *chat, struct cf_chat_work *work);

/* --- chat_again.c --- */

/* Model and conversation are there. */
enum cf_code cf_chat_check_ready(const struct cf_chat *chat, struct cf_err *err);
/* Nothing is to be done yet once the reply being written has ended. */
enum cf_code cf_chat_check_due(const struct cf_chat *chat, struct cf_err *err);
/* Stops the reply being written (there is one, and nothing is due yet) for DUE, whose text is
 * taken.
 */
void cf_chat_put_off(struct cf_chat *chat, const struct cf_chat_due *due);
/* Carries out what is due, if it may. */
void cf_chat_do_due(struct cf_chat *chat);
/* The conversation is left: what was to be sent is queued, and so a draft. */
void cf_chat_drop_due(struct cf_chat *chat);
/* Says that the reply being written is stopped, for the conversation is left. */
void cf_chat_say_kept(struct cf_chat *chat);

/* --- chat_reply.c --- */

void cf_chat_handle_worker(struct cf_chat *chat, struct cf_worker *worker);
/* Gives the storage what it does not have yet; ALL: not only what is due. */
void cf_chat_save_reply(struct cf_chat *chat, bool all);
/* Everything about the alternatives that are over is saved, once the model's digest is known. */
void cf_chat_finish_nodes(struct cf_chat *chat, struct cf_chat_work *work);
/* Takes a reply that goes on out of those that wait for the digest; false: it is not among them. */
bool cf_chat_take_unfinished(struct cf_chat *chat, const struct cf_chat_node *node);
/* The digest is known, or never will be: finishes what waited for it. */
void cf_chat_finish_waiting(struct cf_chat *chat);
/* Ends a reply that was cancelled before it was given to the worker. */
void cf_chat_end_unsubmitted(struct cf_chat *chat);
struct cf_chat_work *cf_chat_work_new(struct cf_chat *chat);
void cf_chat_work_free(struct cf_chat_work *work);

/* --- chat_plan.c --- */

/* Sets up PLAN from the first N_PATH turns of the path and the draft, if wanted. */
void cf_chat_plan_init(struct cf_chat_plan *plan, const struct cf_chat *chat, size_t n_path,
                       bool with_draft, struct cf_job *job);
/* The reply that PREFIX begins is the last turn and stays open; nothing for an empty prefix. */
void cf_chat_plan_add_reply(struct cf_chat_plan *plan, const struct cf_chat *chat,
                            const struct cf_ids *prefix);
void cf_chat_plan_release(struct cf_chat_plan *plan);
/* A job's build function; arg is the plan. */
enum cf_code cf_chat_plan_build(void *plan, const struct cf_worker_engine *engine,
                                struct cf_ids *ids, struct cf_err *err);
/* Marks the turns that the model sees. */
void cf_chat_take_plan(struct cf_chat *chat, const struct cf_chat_plan *plan);
/* Submits idle work if it is due. */
void cf_chat_idle(struct cf_chat *chat);
/* Conversation or draft changed. */
void cf_chat_idle_later(struct cf_chat *chat);

/* --- chat_knobs.c --- */

/* Settings of a conversation that is opened: SETTINGS is JSON, SYSTEM its system prompt; both may
 * be NULL. */
void cf_chat_reset_settings(struct cf_chat *chat, const char *settings, const char *system);
/* A model was opened: its name, its settings, its digest in time. */
void cf_chat_take_model(struct cf_chat *chat);
/* Puts the next worker in the place of the one before, when it is ready and nothing is written. */
void cf_chat_switch_model(struct cf_chat *chat);
/* The template in force.  Never NULL. */
/* Appends what is to be stored with the conversation. */
void cf_chat_format_settings(struct cf_chat *chat, struct cf_buf *json);
void cf_chat_save_settings(struct cf_chat *chat);

/* --- chat_disk.c --- */

void cf_chat_handle_storage(struct cf_chat *chat);
void cf_chat_expect(struct cf_chat *chat, uint64_t job, enum cf_chat_what what,
                    struct cf_chat_node *node);
/* An answer about conversation TARGET, which need not be the one that is on. */
void cf_chat_expect_about(struct cf_chat *chat, uint64_t job, enum cf_chat_what what,
                          int64_t target);
/* Nothing pending refers to nodes any more. */
void cf_chat_forget_nodes(struct cf_chat *chat);

/* --- chat_browse.c --- */

void cf_chat_handle_list(struct cf_chat *chat, struct cf_storage_event *event);
void cf_chat_handle_search(struct cf_chat *chat, struct cf_storage_event *event);
void cf_chat_handle_stats(struct cf_chat *chat, struct cf_storage_event *event);
void cf_chat_release_browse(struct cf_chat *chat);

/* --- chat_graph.c --- */

void cf_chat_release_graph(struct cf_chat *chat);

/* --- chat_port.c --- */

/* Its progress and its end. */
void cf_chat_handle_port(struct cf_chat *chat, const struct cf_storage_event *event);

/* --- chat_open.c --- */

/* Asks for the conversation that is on once more: it was changed elsewhere, or by an undo.  As soon
 * as that can be: while a reply is being written, say, nothing is read over it. */
void cf_chat_reload(struct cf_chat *chat);
void cf_chat_reload_due(struct cf_chat *chat);
void cf_chat_release_opening(struct cf_chat *chat);
/* If another conversation was being opened, the one that was on stays on: its draft comes back, and
 * what was typed and sent meanwhile stands behind it. */
void cf_chat_give_up_opening(struct cf_chat *chat);
/* Answers of the storage. */
void cf_chat_handle_last(struct cf_chat *chat, const struct cf_storage_event *event);
void cf_chat_handle_opening(struct cf_chat *chat, const struct cf_chat_pending *pending,
                            struct cf_storage_event *event);
void cf_chat_handle_draft(struct cf_chat *chat, const struct cf_chat_pending *pending,
                          struct cf_storage_event *event);
void cf_chat_handle_title(struct cf_chat *chat, const struct cf_storage_event *event);
/* Asks for the title as the store has made or trimmed it. */
void cf_chat_ask_title(struct cf_chat *chat);
/* Another conversation is being opened, and nothing of it is there yet.  What is typed and sent
 * meanwhile is meant for that one, and its own draft is still to come. */
bool cf_chat_is_changing(const struct cf_chat *chat);
/* Adds a message that waits to a draft, as it would be typed. */
void cf_chat_add_message(struct cf_buf *text, const struct cf_chat_message *message);
/* Whether the draft can be saved: drafts are, and the one on the disk is known. */
bool cf_chat_saves_drafts(const struct cf_chat *chat);
/* Asks for the draft of the conversation that has not begun. */
void cf_chat_ask_first_draft(struct cf_chat *chat);
/* Writes draft and queue, if they changed. */
void cf_chat_save_draft(struct cf_chat *chat);

/* --- chat_edit.c --- */

/* The database shows the same branch from now on. */
void cf_chat_save_leaf(struct cf_chat *chat);
/* The path goes another way. */
void cf_chat_after_path_change(struct cf_chat *chat);
/* Puts a message into the trash, with what follows it. */
void cf_chat_trash(struct cf_chat *chat, struct cf_chat_node *node);

/* --- chat_look.c --- */

/* Goes on with the look when nothing else is to be done. */
void cf_chat_look_step(struct cf_chat *chat);
void cf_chat_look_take_snapshot(struct cf_chat *chat, bool is_system,
                                const struct cf_storage_event *event);
/* The tree was loaded anew, with the reply looked at as NODE (NULL: no more). */
void cf_chat_look_move(struct cf_chat *chat, struct cf_chat_node *node);
/* Frees it, once the worker is gone; touches nothing of that. */
void cf_chat_look_release(struct cf_chat *chat);
/* A knob was turned. */
void cf_chat_look_turned(struct cf_chat *chat);

/* --- chat_spell.c --- */

/* Walks over the tokens that came since. */
void cf_chat_node_spell(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer);
/* The byte of turn.text where the first N tokens end; 0 where that is not known. */
size_t cf_chat_node_end(const struct cf_chat_node *node, size_t n);
/* What follows from recipe and tokenizer (NULL: there is none): ends, marks, ids.  Not of a reply
 * being written, nor while a job is under way that could use it. */
void cf_chat_node_place(struct cf_chat_node *node, const struct cf_tokenizer *tokenizer);
/* Whether the model at hand wrote what has this head: by the digests or, as long as one of them is
 * not known, by the name. */
enum cf_code cf_chat_check_same_model(const struct cf_chat *chat, const struct cf_recipe_head *head,
                                      const char *name, struct cf_err *err);

/* --- chat_shade.c --- */

/* Scores what the model sees when nothing else is to be done, if shades are wanted. */
void cf_chat_shade_step(struct cf_chat *chat);

/* --- chat_recipe.c --- */

/* What computed the numbers, as far as it is known now. */
void cf_chat_fill_head(struct cf_chat *chat, struct cf_recipe_head *head);
/* Whether a reply begun under HEAD may go on under the same: template, system prompt, types,
 * kernels and context are what they were. */
bool cf_chat_holds_head(struct cf_chat *chat, const struct cf_recipe_head *head);
/* The settings that an alternative begins with. */
const struct cf_sampling *cf_chat_sampling_of(const struct cf_chat_work *work, int32_t alternative);
/* A job of NODE began, whose prompt PLAN made. */
void cf_chat_record_job(struct cf_chat_node *node, const struct cf_chat_work *work,
                        int32_t alternative);
/* How the positions behind the last job's tokens were computed. */
void cf_chat_record_paths(struct cf_chat_node *node, const struct cf_eval_run *runs, size_t n);
/* Which model writes the reply, if that is known yet. */
void cf_chat_record_digest(const struct cf_chat *chat, struct cf_chat_node *node);
void cf_chat_start_digest(struct cf_chat *chat);
/* True once, when the thread has come to its end; the reply being written has the digest then. */
bool cf_chat_take_digest(struct cf_chat *chat);
void cf_chat_stop_digest(struct cf_chat *chat);

#endif
