/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat: one conversation being held, without a face.  Both faces, the command line and the screen,
 * draw from it and act through it only.
 *
 * The front's thread calls everything here, and nothing here waits for the disk or the model but
 * cf_chat_flush and _free: an operation starts something and returns; the front polls cf_chat_fd
 * and calls cf_chat_pump, which says what has changed.  What cf_chat_* getters return is const and
 * stays valid until the next call of an operation or of cf_chat_pump.
 *
 * Operations return a code and a sentence when they can be refused at once ("no reply is being
 * written").  What fails later, on the disk or in the model, arrives as a notice
 * (CF_CHANGE_NOTICE), and the conversation stays as it was.
 *
 * Invariants:
 *  1. a user's message is committed before its reply is started;
 *  2. a reply being written is given to the storage every 250 ms or 32 tokens, whichever is first;
 *  3. nothing on the screen is lost because the disk refuses: the turns stay here, are marked as
 *     not saved, and are written again with the next save that succeeds;
 *  4. at most one reply is written at a time; what is sent meanwhile waits in the queue, and what
 *     else begins a reply (regenerate, edit, continue, branch, compare) stops it: it is kept as it
 *     is, which a notice says, and the new one begins as soon as it has ended;
 *  5. text of a message never changes in place: edit and regenerate make siblings.
 *
 * A path is the conversation from its first message to the active leaf; a turn is one message of
 * it.  Turns are addressed by their index in the path. */
#ifndef CF_CHAT_H
#define CF_CHAT_H

#include "buf.h"
#include "diff.h"
#include "err.h"
#include "recipe.h"
#include "reply.h"
#include "role.h"
#include "sampler.h"
#include "setting.h"

struct cf_chat;
struct cf_config;
struct cf_model;
struct cf_template;
struct cf_tokenizer;

struct cf_chat_params {
    const char *model_path; /* opened behind the first screen; copied */
    /* Or, with model_path NULL, both given and outliving the chat (tests). */
    const struct cf_model *model;
    const struct cf_tokenizer *tokenizer;
    const char *db_path;           /* NULL: nothing is saved, all is kept in memory (--no-save) */
    bool makes_db_folder;          /* the folder of db_path, too, where there is none */
    const char *digest_cache_path; /* NULL: no cache */
    /* What was set by defaults, configuration, environment and options; copied. */
    const struct cf_settings *settings;
    const struct cf_config *config; /* templates and presets of the person; may be NULL; outlives
                                       the chat */
    bool awaits_ids;  /* a reply starts only when it has its id in the database, so that START tells
                       * it */
    bool stops_loops; /* as far as the setting stop-loops allows (a face) */
    bool idles; /* evaluate conversation and draft while nothing else is to be done (a face) */
    bool keeps_drafts; /* load and save what is being typed (a face); else drafts are left alone */
    int test_commit_delay_ms; /* a slow disk, for tests */
};

/* Opens nothing that could take long: the database and the model are opened by their threads. */
enum cf_code cf_chat_new(struct cf_chat **chat, const struct cf_chat_params *params,
                         struct cf_err *err);
/* Stops a reply, keeps what it has, holds back what is queued (it comes again as the draft), and
 * waits until everything is on the disk: CF_OK, or what kept it from there within TIMEOUT_MS; may
 * be tried again.  The last thing before cf_chat_free. */
enum cf_code cf_chat_flush(struct cf_chat *chat, int timeout_ms, struct cf_err *err);
/* Frees everything; flushes (for some seconds at most) unless that was done.  May be NULL. */
void cf_chat_free(struct cf_chat *chat);

/* To be polled for reading. */
int cf_chat_fd(const struct cf_chat *chat);
/* How long the front may sleep at most, in milliseconds; -1: until the descriptor is readable. */
int cf_chat_timeout_ms(const struct cf_chat *chat);

/* What a pump or an operation changed. */
enum cf_change {
    CF_CHANGE_TURNS = 1 << 0,  /* turns came, went or were replaced: draw them all again */
    CF_CHANGE_TEXT = 1 << 1,   /* the last turn's text grew (its version says whether at the end) */
    CF_CHANGE_TURN = 1 << 2,   /* some turn's state, count of siblings, pin or numbers */
    CF_CHANGE_STATUS = 1 << 3, /* phase, rates, context meter */
    CF_CHANGE_SETTINGS = 1 << 4, /* also template and system prompt */
    CF_CHANGE_TITLE = 1 << 5,
    CF_CHANGE_QUEUE = 1 << 6,
    CF_CHANGE_DRAFT = 1 << 7,    /* by the chat, not the person: put it into the input line */
    CF_CHANGE_OPENED = 1 << 8,   /* another conversation is on */
    CF_CHANGE_LIST = 1 << 9,     /* cf_chat_listing has an answer, or got none */
    CF_CHANGE_FOUND = 1 << 10,   /* cf_chat_found has an answer */
    CF_CHANGE_CHOICE = 1 << 11,  /* cf_chat_choice */
    CF_CHANGE_MODEL = 1 << 12,   /* a model was opened, or could not be */
    CF_CHANGE_NOTICE = 1 << 13,  /* cf_chat_notice_take */
    CF_CHANGE_EVENTS = 1 << 14,  /* cf_chat_events */
    CF_CHANGE_SETTLED = 1 << 15, /* cf_chat_is_settled turned true */
    CF_CHANGE_LOOK = 1 << 16,    /* cf_chat_looked, or a turn's shades */
    CF_CHANGE_STATS = 1 << 17,   /* cf_chat_counted has an answer */
    CF_CHANGE_LIST_OLD = 1 << 18 /* what is listed has changed since: cf_chat_list_again */
};

/* Takes in what worker and storage have to say and goes on with what follows from it.  Returns the
 * changes since the last pump, those of operations included: a set of enum cf_change. */
unsigned cf_chat_pump(struct cf_chat *chat);

/* --- what is on the screen --- */

enum cf_chat_phase {
    CF_PHASE_OPENING,    /* the database answers first */
    CF_PHASE_LOADING,    /* the model is being opened */
    CF_PHASE_NO_MODEL,   /* it could not be; reading, searching and so on work */
    CF_PHASE_READY,      /* waits for a message */
    CF_PHASE_SAVING,     /* a message is being committed, its reply follows */
    CF_PHASE_EVALUATING, /* the prompt is being read */
    CF_PHASE_STREAMING,
    CF_PHASE_PAUSED,
};

enum cf_turn_state {
    CF_TURN_COMPLETE,
    CF_TURN_WAITING, /* a reply without a token yet */
    CF_TURN_STREAMING,
    CF_TURN_CANCELLED,   /* stopped by a person; can be continued */
    CF_TURN_INTERRUPTED, /* confab ended while it was being written; can be continued */
    CF_TURN_FAILED,
    CF_TURN_ELSEWHERE, /* being written by another confab */
};

/* From token BEGIN on these settings were in force. */
struct cf_turn_mark {
    int32_t begin;
    size_t offset; /* the byte of text where that token's text begins */
    struct cf_sampling sampling;
};

struct cf_chat_turn {
    int64_t id; /* of the message in the database; negative while it has none */
    enum cf_role role;
    enum cf_turn_state state;
    enum cf_end_reason reason; /* of a reply; CF_END_NONE while it is being written */
    const char *text;          /* as it was written or generated, raw; a reply's leading space is
                                  not in it; NUL-terminated */
    size_t size;
    uint32_t version; /* differs whenever text is another one; equal: it grew at its end at most */
    bool is_pinned;
    bool is_saved;        /* false: only here so far */
    bool is_visible;      /* within what the model sees of the conversation as it stands */
    bool is_dropped_next; /* visible now, but no more once the next turn is sent */
    bool is_cut;          /* too long: only its end is seen by the model */
    bool can_continue;    /* a reply that could go on from where it ends */
    int32_t n_siblings;   /* alternatives, itself included; at least 1 */
    int32_t sibling;      /* its place among them, from 0 */
    int64_t created_ms;   /* UTC */
    /* Of a reply; NULL and 0 where nothing is known.  Tokens, marks and seed of a stored one are
     * there once a prompt or cf_chat_recipe has asked for them. */
    const char *error; /* of a failed one: the sentence */
    const char *model_name;
    const struct cf_recipe_token *tokens; /* those generated, end tokens included */
    size_t n_tokens;
    const struct cf_turn_mark *marks; /* the first is the settings it began with */
    size_t n_marks;
    uint64_t seed;
    double seconds_to_first;
    double tokens_per_second;
};

size_t cf_chat_n_turns(const struct cf_chat *chat);
/* i is less than cf_chat_n_turns. */
const struct cf_chat_turn *cf_chat_turn(const struct cf_chat *chat, size_t i);

/* All that was recorded of the reply TURN; NULL when it is none, or nothing was. */
const struct cf_recipe *cf_chat_recipe(const struct cf_chat *chat, size_t turn);

struct cf_chat_status {
    enum cf_chat_phase phase;
    int64_t conversation;   /* id; 0 while nothing was said in a new one */
    const char *title;      /* "" while there is none */
    const char *model_name; /* for people: name and type; "" while none is open */
    const char *template_name;
    const char *system_text; /* "" for none */
    bool is_held;            /* a pause was asked for: PAUSED follows, if it is not there yet */
    bool saves;              /* false: --no-save */
    bool is_unsaved;  /* the database cannot be opened or written: what is said is only here */
    bool is_retrying; /* it cannot be written for now, and this is tried again and again */
    size_t n_queued;
    bool is_queue_held; /* a stop or failure holds them back: they wait for the next message sent,
                         * or for cf_chat_send_queued, and no longer for the reply */
    double tokens_per_second; /* of the reply being written, else of the last; 0: unknown */
    double seconds_to_first;
    int32_t n_used;  /* tokens of the conversation as the model sees it, with the draft */
    int32_t n_draft; /* of n_used, how many the draft adds */
    int32_t n_ctx;
    int32_t n_cached;     /* of n_used, how many are evaluated already */
    int32_t n_prompt;     /* of the last reply: tokens of its prompt */
    int32_t n_reused;     /* and of those, how many were in the cache */
    int32_t n_evaluated;  /* and how many had to be evaluated for it */
    size_t first_visible; /* index of the turn where the model's memory begins */
    bool drops_next;      /* a short next message makes the model forget some; no draft is there */
};
const struct cf_chat_status *cf_chat_status(const struct cf_chat *chat);

/* What the model reads before its next reply, as it was last built: the ids, and whose text each of
 * them spells: the index of a turn, or one of these. */
enum {
    CF_CHAT_PROMPT_TEMPLATE = -1, /* the template's or the system prompt's */
    CF_CHAT_PROMPT_NEXT = -2,     /* the draft's, or the reply's that goes on */
};
struct cf_chat_prompt {
    const int32_t *ids;
    const int32_t *turns;
    size_t n; /* 0: nothing was built yet */
};
struct cf_chat_prompt cf_chat_prompt(const struct cf_chat *chat);
/* The template in force; a reply's next turn is made with it. */
const struct cf_template *cf_chat_template(const struct cf_chat *chat);

/* The candidates of the token that came last, or, paused, of the one that would come; NULL before
 * there is one. */
const struct cf_choice *cf_chat_choice(const struct cf_chat *chat);
/* The bytes of token ID, size into *size; NULL and 0 when there is none.  Raw. */
const char *cf_chat_piece(const struct cf_chat *chat, int32_t id, size_t *size);

/* The settings of the conversation, each with its origin. */
const struct cf_settings *cf_chat_settings(const struct cf_chat *chat);

/* Messages that wait for the reply being written (or longer: status.is_queue_held), in order;
 * NUL-terminated. */
const char *cf_chat_queued(const struct cf_chat *chat, size_t i);
const char *cf_chat_draft(const struct cf_chat *chat);

/* The oldest sentence for the person not taken yet, or NULL; *is_error may be NULL.  The caller
 * frees it. */
char *cf_chat_notice_take(struct cf_chat *chat, bool *is_error);

/* --- what happened, token by token (for streams of text and JSON) --- */

enum cf_chat_event_kind {
    CF_CHAT_EVENT_START, /* the prompt is evaluated */
    CF_CHAT_EVENT_TOKEN,
    CF_CHAT_EVENT_END, /* one for each alternative */
};

struct cf_chat_event {
    enum cf_chat_event_kind kind;
    int32_t alternative;
    int64_t conversation; /* START: 0 where nothing is saved */
    int64_t message;  /* START: of alternative's reply; negative where it is not saved, or not yet
                       * and not waited for (awaits_ids) */
    uint64_t seed;    /* START */
    int32_t n_prompt; /* START */
    int32_t n_reused; /* START */
    int32_t index;    /* TOKEN: in the reply; END: number of tokens */
    int32_t id;       /* TOKEN */
    int32_t rank;     /* TOKEN */
    float p;          /* TOKEN: in force */
    const char *text; /* TOKEN, END: what may be shown because of it; raw, NUL-terminated */
    size_t size;
    enum cf_end_reason reason; /* END */
    double seconds_to_first;   /* END */
    double tokens_per_second;  /* END */
};
/* The events taken in by the last pump; START comes once for each alternative.  Valid until the
 * next pump. */
const struct cf_chat_event *cf_chat_events(const struct cf_chat *chat, size_t *n);
/* The sentence behind reason CF_END_ERROR, or behind a model that could not be opened; CF_OK when
 * there was no failure. */
const struct cf_err *cf_chat_failure(const struct cf_chat *chat);

/* Nothing runs, waits for an answer or is still to be saved, a draft apart: a command that has what
 * it wanted can leave (by cf_chat_flush). */
bool cf_chat_is_settled(const struct cf_chat *chat);

/* --- conversations --- */

/* An empty one; it enters the database with its first message (or title).  A reply being written is
 * stopped and kept.  The draft stays with the conversation that is left, and the one that was kept
 * for a conversation not begun comes into its place (CF_CHANGE_DRAFT), before what has been typed
 * until then. */
void cf_chat_new_conversation(struct cf_chat *chat);
enum { CF_CHAT_LAST = -1 };
/* Opens a conversation by its id, or the one changed last.  A reply being written is stopped and
 * kept.  The draft is put away at once, and what is typed and sent from now on belongs to the
 * conversation that is opened; its own draft comes before it.  Answered by CF_CHANGE_OPENED, or by
 * a notice: then the conversation before stays, its draft comes back, and what was typed and sent
 * meanwhile stands behind it, unsent. */
void cf_chat_open(struct cf_chat *chat, int64_t conversation);
/* The same with the branch that MESSAGE (a hit of a search) is on, which becomes the one seen last.
 * In the conversation that is on it stops no reply. */
void cf_chat_open_at(struct cf_chat *chat, int64_t conversation, int64_t message);
/* Shows the branch of a message of this conversation that was chosen among the branches. */
void cf_chat_show_branch(struct cf_chat *chat, int64_t message);

/* For id 0: the one that is on. */
enum cf_code cf_chat_rename(struct cf_chat *chat, int64_t conversation, const char *title,
                            struct cf_err *err);
/* To the trash; when it is on, a new one takes its place, and a reply being written is stopped. */
enum cf_code cf_chat_delete(struct cf_chat *chat, int64_t conversation, struct cf_err *err);
enum cf_code cf_chat_pin_conversation(struct cf_chat *chat, int64_t conversation, bool is_pinned,
                                      struct cf_err *err);
enum cf_code cf_chat_archive(struct cf_chat *chat, int64_t conversation, bool is_archived,
                             struct cf_err *err);
/* Takes back the N things that were deleted, renamed or moved last; answered by one notice that
 * says what. */
enum cf_code cf_chat_undo(struct cf_chat *chat, size_t n, struct cf_err *err);

/* Out of the trash again. */
enum cf_code cf_chat_restore(struct cf_chat *chat, int64_t conversation, struct cf_err *err);

struct cf_chat_list_item {
    int64_t id;
    const char *title;
    const char *model; /* the one last used, "" where it is not known */
    int64_t updated_ms;
    int32_t n_messages;
    bool is_pinned, is_archived, is_trashed;
    bool is_unread;      /* a reply came to its end while nobody saw it */
    bool is_streaming;   /* a reply is being written, here or by another confab */
    bool is_interrupted; /* the last reply was cut short by the end of a confab */
    const char *const *tags;
    size_t n_tags;
};
enum cf_chat_shelf { CF_CHAT_SHELF_ACTIVE, CF_CHAT_SHELF_ARCHIVED, CF_CHAT_SHELF_TRASH };

struct cf_chat_list_query {
    enum cf_chat_shelf shelf;
    const char *match; /* only those with these words in title or text; NULL or "": all */
};

/* What is listed: a stretch of the conversations of a shelf, the pinned ones first, then newest
 * first.  It grows at both ends as it is asked for, and is cut at the other one, so that one gets
 * from end to end of any number. */
struct cf_chat_listing {
    const struct cf_chat_list_item *items;
    size_t n;
    enum cf_chat_shelf shelf;
    const char *match;         /* "": all */
    bool has_newer, has_older; /* than those in items */
};

/* Asks for the first ones; answered by CF_CHANGE_LIST.  A later question takes the place of an
 * earlier one. */
void cf_chat_list(struct cf_chat *chat, const struct cf_chat_list_query *query);
/* The same stretch once more: something has changed. */
void cf_chat_list_again(struct cf_chat *chat);
/* More of them, older ones (STEP 1) or newer ones (-1); nothing where there are none, or where
 * something was asked for and is not there yet. */
void cf_chat_list_more(struct cf_chat *chat, int step);
/* The stretch at the end, or the first ones again. */
void cf_chat_list_edge(struct cf_chat *chat, bool is_end);
const struct cf_chat_listing *cf_chat_listing(const struct cf_chat *chat);

struct cf_chat_span {
    size_t begin, end; /* bytes */
};

struct cf_chat_hit {
    int64_t conversation, message;
    enum cf_role role;
    const char *title;
    const char *snippet; /* a piece of the message, raw */
    size_t snippet_size;
    bool is_cut_before, is_cut_after; /* the message goes on there */
    const struct cf_chat_span *marks; /* in snippet: what matched, ascending */
    size_t n_marks;
    int64_t created_ms;
};
/* Asks for messages that match, best first; answered by CF_CHANGE_FOUND.  The query is as
 * cf_search_parse of store.h reads it: words, "a phrase", prefix*, role:, title:, date:, since:,
 * until:, before:.  A later question takes the place of an earlier one, so that one can ask while
 * it is typed. */
void cf_chat_search(struct cf_chat *chat, const char *query, size_t limit);
const struct cf_chat_hit *cf_chat_found(const struct cf_chat *chat, size_t *n);
/* Whether the last question has no answer yet: cf_chat_found is still that of one before. */
bool cf_chat_is_searching(const struct cf_chat *chat);

struct cf_chat_findings {
    const char *words; /* of the query answered last, without its filters */
    const char *note; /* a sentence on what is wrong with the query, or ""; nothing is found then */
    bool has_more;    /* than the limit asked for */
    bool is_limited;  /* so many match that only the newest of them were ranked */
};
const struct cf_chat_findings *cf_chat_findings(const struct cf_chat *chat);

/* Where WORDS, as they stand in a query, are in a text: at most MAX spans, ascending; returns how
 * many.  has_all, which may be NULL, tells whether all of them are there. */
size_t cf_chat_find(struct cf_chat_span *spans, size_t max, bool *has_all, const char *words,
                    const char *text, size_t size);

/* Counts conversations, messages and tokens, by model and month; answered by CF_CHANGE_STATS or a
 * notice. */
void cf_chat_count(struct cf_chat *chat);
/* Appends what was counted last as lines of at most WIDTH columns, the last N_MONTHS months. */
void cf_chat_counted(const struct cf_chat *chat, int width, size_t n_months, struct cf_buf *text);

/* --- the tree --- */

/* A message in the tree drawn as a graph: depth first, the last of a message's alternatives
 * straight below it, those before it each a lane further to the right. */
struct cf_chat_graph_row {
    const struct cf_chat_turn *turn;
    int32_t depth;  /* lanes to its left, all of which go on below */
    bool is_branch; /* it leaves the lane to its left */
    bool is_leaf;
    bool is_shown; /* on the path */
};

/* Draws the graph of the conversation as it stands and returns the number of its rows. */
size_t cf_chat_graph_rows(struct cf_chat *chat);
/* Row I of the graph drawn last, with all that was recorded of a reply. */
void cf_chat_graph_at(struct cf_chat *chat, size_t i, struct cf_chat_graph_row *row);
int64_t cf_chat_graph_id(const struct cf_chat *chat, size_t i);
/* The row of a message; false: it has none. */
bool cf_chat_graph_find(const struct cf_chat *chat, int64_t id, size_t *row);
/* The row of the alternative STEP places from row I's; false: there is none. */
bool cf_chat_graph_sibling(const struct cf_chat *chat, size_t i, int step, size_t *row);

/* Puts a message and all that follows it into the trash, wherever in the tree it is. */
enum cf_code cf_chat_prune(struct cf_chat *chat, int64_t message, struct cf_err *err);

/* A turn of two branches beside each other; what has no partner is compared with "". */
struct cf_chat_diff_turn {
    enum cf_role role;
    int64_t old_id, new_id; /* 0: there is none */
    const char *old, *new;  /* raw */
    struct cf_diff diff;
};

struct cf_chat_diff {
    const struct cf_chat_diff_turn *turns; /* behind the messages that both have */
    size_t n;
    size_t n_common; /* messages that both branches begin with */
};

/* Compares the branches that go on from two messages, word by word.  CF_ERR_RANGE: it is the same
 * branch. */
enum cf_code cf_chat_diff(struct cf_chat *chat, int64_t old, int64_t new, struct cf_err *err);
/* What was compared last. */
const struct cf_chat_diff *cf_chat_diffed(const struct cf_chat *chat);

/* --- talking --- */

/* Sends a message and starts its reply, or queues it while one is being written or the model is
 * being opened.  Empty text is refused with CF_ERR_RANGE, what would answer a reply that another
 * confab is still writing with CF_ERR_BUSY, as by all that starts a reply.  The draft is empty
 * afterwards. */
enum cf_code cf_chat_send(struct cf_chat *chat, const char *text, size_t size, struct cf_err *err);
/* The same with N alternatives of the reply, decoded together; the first is the active one. */
enum cf_code cf_chat_send_many(struct cf_chat *chat, const char *text, size_t size, int32_t n,
                               struct cf_err *err);
/* Takes the last queued message back: it becomes the draft, before what stands there. */
enum cf_code cf_chat_unqueue(struct cf_chat *chat, struct cf_err *err);
/* Ends the reply being written; what it has is kept.  Queued messages are held back until the next
 * one is sent or cf_chat_send_queued. */
enum cf_code cf_chat_stop(struct cf_chat *chat, struct cf_err *err);
/* Lets queued messages that are held back go.  CF_ERR_NOT_FOUND: none is. */
enum cf_code cf_chat_send_queued(struct cf_chat *chat, struct cf_err *err);
/* Goes on with the reply TURN (or the reply to TURN, when that is a user's) where it ended; as a
 * new alternative that begins with it when template, system prompt, context or what computes are no
 * longer those it was begun with, or when something follows it, be it in the trash. */
enum cf_code cf_chat_continue(struct cf_chat *chat, size_t turn, struct cf_err *err);
/* Another alternative of the reply TURN (or of the reply to TURN, when that is a user's).  One that
 * is being written and has no token yet is not stopped for it: CF_ERR_BUSY. */
enum cf_code cf_chat_regenerate(struct cf_chat *chat, size_t turn, struct cf_err *err);
/* Two more replies to the last message, side by side: one with the settings in force, the other
 * with OTHER, and both with the same random numbers, decoded together.  Both are kept as
 * alternatives. */
enum cf_code cf_chat_compare(struct cf_chat *chat, const struct cf_sampling *other,
                             struct cf_err *err);
/* The first (I = 0) or second reply being compared, also once they are written; NULL: none, or no
 * more. */
const struct cf_chat_turn *cf_chat_compared(const struct cf_chat *chat, int i);
/* Ends the comparison and shows reply KEEPS (0 or 1), the other going to the trash; -1: both stay
 * as alternatives.  Replies of which one is to be kept are stopped if they are being written. */
enum cf_code cf_chat_compare_end(struct cf_chat *chat, int keeps, struct cf_err *err);
/* A sibling of the user's message TURN with other text, and a reply to it. */
enum cf_code cf_chat_edit(struct cf_chat *chat, size_t turn, const char *text, size_t size,
                          struct cf_err *err);
/* The path up to and with TURN as a new conversation, which is then on; of a reply being written
 * what there is of it, and the original is stopped and kept. */
enum cf_code cf_chat_fork(struct cf_chat *chat, size_t turn, struct cf_err *err);
/* A sibling of the reply TURN that has its first TOKEN tokens, then token ID (negative: draws
 * again), then goes on freely. */
enum cf_code cf_chat_branch(struct cf_chat *chat, size_t turn, int32_t token, int32_t id,
                            struct cf_err *err);
/* Shows the next (STEP 1) or previous (-1) alternative of TURN.  Past the last reply it makes one
 * more, unless IS_REPEATED says that a key is being held, and never while one is being written. */
enum cf_code cf_chat_walk(struct cf_chat *chat, size_t turn, int step, bool is_repeated,
                          struct cf_err *err);
/* To the trash, with what follows; a reply being written among that is stopped first. */
enum cf_code cf_chat_delete_turn(struct cf_chat *chat, size_t turn, struct cf_err *err);
enum cf_code cf_chat_pin(struct cf_chat *chat, size_t turn, bool is_pinned, struct cf_err *err);

/* Replies begin held before their first token from now on, to be steered from there. */
void cf_chat_start_held(struct cf_chat *chat, bool is_held);
/* Holds, frees, and moves a held reply one token on (ID >= 0: that one). */
enum cf_code cf_chat_pause(struct cf_chat *chat, struct cf_err *err);
enum cf_code cf_chat_resume(struct cf_chat *chat, struct cf_err *err);
enum cf_code cf_chat_step(struct cf_chat *chat, int32_t id, struct cf_err *err);

/* --- looking at tokens --- */

enum cf_look_state {
    CF_LOOK_READING, /* what is on record is there; the rest is being evaluated again, while nothing
                        else is to be done */
    CF_LOOK_DONE,
    CF_LOOK_FAILED, /* error says why; what is on record is there */
};

struct cf_chat_look_token {
    size_t begin, end; /* bytes of the turn's text that it spells; equal where that is not shown */
    int32_t id;
    int32_t rank;
    float p_raw, p;
    float p_if; /* in force under the settings of now; what was cut has 0; -1: not known */
    enum cf_token_origin origin;
};

/* A reply token by token. */
struct cf_chat_look {
    int64_t message;
    enum cf_look_state state;
    const char *error;
    const struct cf_chat_look_token *tokens;
    size_t n;
    bool is_placed; /* else the model that knows what the tokens spell is not open: their begins and
                     * ends are 0, and cf_chat_piece tells of other tokens */
    /* Once done, the replay's verdict: */
    int32_t n_compared, n_same;
    int32_t first_other;        /* the first token that came out otherwise; -1: none */
    float p_other, p_other_now; /* its probability in force then, and now */
    int32_t n_cut_if; /* of the tokens drawn, how many the settings of now would have cut; -1: not
                         known, or they are those it was made with */
};

/* Looks at the reply TURN, until another is looked at, it is ended, or the reply is no longer among
 * the turns (a pump ends it then).  What the
 * settings of now would have done is kept up to date as knobs are turned. */
enum cf_code cf_chat_look_at(struct cf_chat *chat, size_t turn, struct cf_err *err);
void cf_chat_look_end(struct cf_chat *chat);
/* NULL: nothing is looked at. */
const struct cf_chat_look *cf_chat_looked(const struct cf_chat *chat);
/* What token K of it was chosen from, under the settings of now once n_cut_if is known; NULL while
 * that is not known. */
const struct cf_choice *cf_chat_look_choice(const struct cf_chat *chat, size_t k);

/* How likely the text of a turn was, token by token: the bytes from the end before to END had the
 * raw probability P, or an unknown one: -1. */
struct cf_turn_shade {
    size_t end;
    float p;
};
/* Wants shades of what is not on record (a person's words) to be made from now on, while nothing
 * else is to be done, or no more. */
void cf_chat_shade(struct cf_chat *chat, bool is_on);
/* The shades of TURN, up to where they are known; valid until the next pump or operation. */
const struct cf_turn_shade *cf_chat_shades(struct cf_chat *chat, size_t turn, size_t *n);

/* What stands in the input line; saved with the conversation now and then, though not before the
 * draft that was kept for it is known.  Idle work evaluates it. */
void cf_chat_set_draft(struct cf_chat *chat, const char *text, size_t size);

/* Continues TEXT without a template, N alternatives; nothing is saved and no turns come of it:
 * cf_chat_events tells. */
enum cf_code cf_chat_complete(struct cf_chat *chat, const char *text, size_t size, int32_t n,
                              struct cf_err *err);

/* --- settings --- */

/* Sets option NAME of the conversation from text.  Sampling is in force from the next token of a
 * reply being written, everything else from the next reply. */
enum cf_code cf_chat_set(struct cf_chat *chat, const char *name, const char *value,
                         struct cf_err *err);
/* Back to what it was without the conversation's own value. */
enum cf_code cf_chat_unset(struct cf_chat *chat, const char *name, struct cf_err *err);
/* Moves a number by N of its steps, within its range. */
enum cf_code cf_chat_nudge(struct cf_chat *chat, const char *name, int n, struct cf_err *err);
enum cf_code cf_chat_use_preset(struct cf_chat *chat, const char *name, struct cf_err *err);
/* What that would make of SETTINGS. */
enum cf_code cf_chat_try_preset(const struct cf_chat *chat, struct cf_settings *settings,
                                const char *name, struct cf_err *err);
/* The I-th persona, those of the config file included; NULL behind the last. */
const struct cf_preset *cf_chat_persona(const struct cf_chat *chat, size_t i);
/* Gives the conversation all that a persona names, and takes back all else that a persona may: its
 * system prompt, template, stop texts, longest reply and knobs.  CF_ERR_NOT_FOUND names those there
 * are. */
enum cf_code cf_chat_use_persona(struct cf_chat *chat, const char *name, struct cf_err *err);
/* Opens another model, in force once no reply is being written; answered by CF_CHANGE_MODEL, a
 * notice when it could not be opened (then the one before stays). */
enum cf_code cf_chat_use_model(struct cf_chat *chat, const char *path, struct cf_err *err);

/* --- out --- */

/* Appends the active path as Markdown, from memory: works when the disk is full. */
void cf_chat_export(const struct cf_chat *chat, struct cf_buf *text);
/* Writes the conversation into a new file, in the format that its name ends with (export.h), else
 * as Markdown; answered by a notice.  What is not saved can only become Markdown, of the active
 * path. CF_ERR_NOT_FOUND: nothing was said yet; CF_ERR_EXISTS. */
enum cf_code cf_chat_export_file(struct cf_chat *chat, const char *path, struct cf_err *err);
/* Brings the conversations of a file (import.h) into the database; notices tell how far it is and
 * what came of it.  Leaving while it runs ends it, and nothing of it comes.  CF_ERR_UNSUPPORTED
 * when nothing is saved. */
enum cf_code cf_chat_import(struct cf_chat *chat, const char *path, struct cf_err *err);

/* Const for any thread while the chat lives; NULL before CF_CHANGE_MODEL. */
const struct cf_model *cf_chat_model(const struct cf_chat *chat);
const struct cf_tokenizer *cf_chat_tokenizer(const struct cf_chat *chat);

#endif
