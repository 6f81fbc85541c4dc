/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply: the few words about a reply that worker, store, chat and both faces share. */
#ifndef CF_REPLY_H
#define CF_REPLY_H

#include "base.h"

/* Why a reply ended: value, name in JSON and in the database. */
#define CF_END_REASONS(X)                                                                          \
    X(CF_END_NONE, "")               /* not ended */                                               \
    X(CF_END_DONE, "done")           /* idle work that came to its end */                          \
    X(CF_END_STOP, "stop")           /* a stop text or an end token */                             \
    X(CF_END_LENGTH, "length")       /* max-tokens */                                              \
    X(CF_END_CONTEXT, "context")     /* no position left */                                        \
    X(CF_END_LOOP, "loop")           /* it went round in circles */                                \
    X(CF_END_CANCELLED, "cancelled") /* by a person; idle work: by something to do */              \
    X(CF_END_ERROR, "error")

enum cf_end_reason {
#define CF_X(value, name) value,
    CF_END_REASONS(CF_X)
#undef CF_X
};

/* A constant. */
const char *cf_end_reason_name(enum cf_end_reason reason);
/* False, and reason unchanged, when no reason is called NAME. */
bool cf_end_reason_find(enum cf_end_reason *reason, const char *name);

/* How a stored message stands: value, name in the database.  A person's are always complete. */
#define CF_MESSAGE_STATES(X)                                                                       \
    X(CF_MESSAGE_STREAMING, "streaming")     /* being written by a living process */               \
    X(CF_MESSAGE_COMPLETE, "complete")       /* came to its end by itself */                       \
    X(CF_MESSAGE_CANCELLED, "cancelled")     /* stopped by a person; can be continued */           \
    X(CF_MESSAGE_INTERRUPTED, "interrupted") /* its process died; can be continued */              \
    X(CF_MESSAGE_FAILED, "failed")           /* ended by an error, which is stored with it */

enum cf_message_state {
#define CF_X(value, name) value,
    CF_MESSAGE_STATES(CF_X)
#undef CF_X
};

/* A constant. */
const char *cf_message_state_name(enum cf_message_state state);
/* False, and state unchanged, when no state is called NAME. */
bool cf_message_state_find(enum cf_message_state *state, const char *name);

/* How a token of a reply came about. */
enum cf_token_origin {
    CF_TOKEN_DRAWN,  /* by the sampler */
    CF_TOKEN_FORCED, /* chosen by hand */
    CF_TOKEN_COPIED, /* inherited by a fork */
};

#endif
