/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prompt_scribe: writes the parts of a template and the texts of turns as one token sequence.
 *
 * Ordinary text gathers in a run until a special token or a reply's own ids end it; then the run is
 * encoded as a whole.  Which turn a token comes from is worked out from the bytes that it covers.
 */
#ifndef CF_PROMPT_SCRIBE_H
#define CF_PROMPT_SCRIBE_H

#include "prompt.h"

/* A stretch of a template's part: ordinary text, or a special token. */
struct cf_stretch {
    const char *text;
    size_t size;
    int32_t special; /* the token, or -1 for text */
};

/* What stands before or behind {text} in a part. */
struct cf_literal {
    struct cf_stretch *stretches;
    size_t n;
};

struct cf_span {
    size_t end; /* in the run */
    int32_t owner;
};

struct cf_scribe {
    const struct cf_tokenizer *tokenizer;
    const struct cf_template *template;
    struct cf_literal before[3], behind[3]; /* by enum cf_role */
    bool has_part[3];
    /* the sequence being written */
    struct cf_ids ids;
    struct cf_ids owners; /* parallel */
    struct cf_buf run;
    struct cf_span *spans;
    size_t n_spans;
    size_t span_capacity;
    enum { CF_AFTER_NOTHING, CF_AFTER_CUE, CF_AFTER_REPLY } state;
};

/* A choice of turns. */
struct cf_window {
    size_t start;        /* the first turn */
    size_t first_pinned; /* pinned turns from here to START come before it */
    size_t cut_size;     /* bytes left out at the beginning of turn START */
    int32_t cut_ids;     /* or ids, when it stands with its own */
};

void cf_scribe_init(struct cf_scribe *scribe, const struct cf_tokenizer *tokenizer,
                    const struct cf_template *template);
void cf_scribe_release(struct cf_scribe *scribe);

/* Writes the whole sequence, from nothing, into scribe->ids and owners. */
void cf_scribe_write(struct cf_scribe *scribe, const char *system, const struct cf_turn *turns,
                     size_t n_turns, const struct cf_window *window);

/* The tokens that the two literals of a role take, roughly: each alone. */
int32_t cf_scribe_overhead(const struct cf_scribe *scribe, enum cf_role role);
/* The ids of a turn when they may stand as they are, and the text that they don't spell; no ids
 * when they don't belong to the text.  REST is appended to. */
int32_t cf_scribe_own_ids(const struct cf_scribe *scribe, const struct cf_turn *turn,
                          struct cf_buf *rest);
/* The part of a text that is written: without white space at its ends, unless verbatim. */
const char *cf_scribe_trim(const struct cf_scribe *scribe, const char *text, size_t *size);

#endif
