/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prompt: turns to tokens, under a context budget.
 *
 * The parts of the template and the texts of the turns make one sequence.  Special tokens come from
 * the template's parts alone: the same characters in a text stay text.  Between two special tokens
 * all neighbouring ordinary text is encoded as one run, across the borders of parts and turns.  A
 * reply that this model made stands with its own ids, as it was generated: it is not encoded again,
 * and a run ends before it and begins after it.  So the prompt of a turn, followed by the ids of
 * the reply, is the beginning of the next turn's prompt as long as the window does not move, and
 * the KV cache holds.
 *
 * Turns of the same role that follow each other count as one whose texts are a blank line apart.  A
 * reply without a message before it gets an empty one.  When the last turn is a reply, it is left
 * open, to be continued.
 *
 * Pure functions of their arguments; any thread. */
#ifndef CF_PROMPT_H
#define CF_PROMPT_H

#include "err.h"
#include "ids.h"
#include "role.h"
#include "template.h"
#include "tokenizer.h"

struct cf_turn {
    enum cf_role role;
    bool is_pinned;     /* stays before the window when that has moved past it */
    const char *text;   /* as stored: a reply's with its leading space */
    size_t size;        /* bytes */
    const int32_t *ids; /* of a reply by this very model: its own tokens, the one that stopped it
                           and all later ones left out; what of text they don't spell follows them
                           as text.  Ids that spell something else are passed over for the text. */
    int32_t n_ids;      /* 0: none */
};

struct cf_prompt_budget {
    int32_t n_ctx;
    int32_t max_tokens; /* of the reply to come */
    size_t start;       /* where the window started for the last reply; 0 at first */
};

struct cf_prompt {
    struct cf_ids ids;       /* the sequence; never empty */
    struct cf_ids owners;    /* parallel: the turn that the token's text comes from, -1 for the
                                template's and the system prompt's; a token of both is the turn's */
    size_t start;            /* the first turn in the window: store it with the reply */
    size_t n_dropped;        /* turns before it that are not in the sequence (pinned ones are) */
    size_t n_pinned_dropped; /* pinned turns for which there was no room either */
    bool is_cut;             /* turn CUT_TURN was too long: its first CUT_SIZE bytes are left out */
    size_t cut_turn;
    size_t cut_size;
    int32_t n_reserved; /* kept free for the reply: min(max_tokens, n_ctx / 4) */
    int32_t n_reply;    /* the longest reply that there is room for: at most max_tokens */
    bool will_drop; /* the next message, if short, will move the window; where the last turn is no
                       reply, one of n_reserved tokens is taken to come before it */
    size_t
        next_start; /* to here: turns from start to this will be dropped, n_turns when all will */
    bool is_system_unused;   /* there is a system prompt, the template has no place for it */
    struct cf_texts missing; /* names like <|user|> in the template that the tokenizer lacks: they
                                went in as ordinary text */
};
#define CF_PROMPT_INIT ((struct cf_prompt){.start = 0})

void cf_prompt_release(struct cf_prompt *prompt);

/* Builds the sequence.  system may be NULL.  PROMPT is initialised; what it held is freed.
 * CF_ERR_USAGE when there is nothing to say to the model (no turns, no system prompt, and no token
 * that begins a text); CF_ERR_CONTEXT when the system prompt alone leaves no room. */
enum cf_code cf_prompt_build(struct cf_prompt *prompt, const struct cf_tokenizer *tokenizer,
                             const struct cf_template *template, const char *system,
                             const struct cf_turn *turns, size_t n_turns,
                             const struct cf_prompt_budget *budget, struct cf_err *err);

/* The first bytes of a reply that are white space: not shown, kept in the stored text. */
size_t cf_prompt_n_leading_space(const char *text, size_t size);

/* Sets IDS (initialised) to those of the recorded tokens that spell a reply's text of SIZE bytes,
 * for cf_turn.ids: up to the first special one and the first that reaches beyond the text.  None
 * where they are of a tokenizer that spells otherwise. */
struct cf_recipe;
void cf_prompt_reply_ids(struct cf_ids *ids, const struct cf_tokenizer *tokenizer,
                         const struct cf_recipe *recipe, const char *text, size_t size);
/* How many of the last ids of a prompt whose last turn TURN is a reply left open are the last ones
 * of that reply's ids[0..n): fewer than n only where the context had no room for all. */
size_t cf_prompt_n_open(const struct cf_prompt *prompt, size_t turn, const int32_t *ids, size_t n);

/* What ends a reply. */
struct cf_stops {
    struct cf_ids ids;       /* tokens */
    struct cf_texts strings; /* for cf_stop_new */
};
/* Collects it: the token that ends a text; those of the template's stop strings that are a special
 * token; the others as strings, or instead of those the CUSTOM ones (may be NULL; a custom one that
 * names a special token counts as both).  STOPS is initialised (zero) or released. */
void cf_stops_collect(struct cf_stops *stops, const struct cf_tokenizer *tokenizer,
                      const struct cf_template *template, const struct cf_texts *custom);
void cf_stops_release(struct cf_stops *stops);
bool cf_stops_has_id(const struct cf_stops *stops, int32_t id);

#endif
