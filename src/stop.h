/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stop: finds stop strings in a text that arrives in pieces, and holds back what may be the start
 * of one, so that no part of a stop string is ever shown.
 *
 * Each string is matched by Knuth, Morris and Pratt (1977), so the cost a byte does not depend on
 * what is held.  The first string to be complete stops the text; of several complete at the same
 * byte the longest counts.  Bytes are bytes: where strings and text are UTF-8, whole characters go
 * in and whole characters come out.
 *
 * Invariants: (1) what was let through, then what is held, is what was fed; (2) what is held is a
 * proper prefix of one of the strings; (3) after the match nothing more is let through. */
#ifndef CF_STOP_H
#define CF_STOP_H

#include "buf.h"
#include "texts.h"

struct cf_stop;

/* Empty strings are left out.  With no string at all everything passes at once. */
struct cf_stop *cf_stop_new(const struct cf_texts *strings);
void cf_stop_free(struct cf_stop *stop);
/* Back to the start of a text.  Allocates nothing. */
void cf_stop_reset(struct cf_stop *stop);

/* Takes SIZE more bytes and appends to OUT those that can no longer be part of a stop string; they
 * are at most cf_stop_max_held + SIZE.  True when a string is complete: then OUT has all before it,
 * the rest of BYTES is ignored, and so is all that is fed until the reset.  Allocates nothing
 * itself; OUT grows unless it has room. */
bool cf_stop_feed(struct cf_stop *stop, const void *bytes, size_t size, struct cf_buf *out);
/* The text has ended: appends what is held, unless a string was complete. */
void cf_stop_finish(struct cf_stop *stop, struct cf_buf *out);

/* The string that was complete, or NULL.  Owned by stop. */
const char *cf_stop_matched(const struct cf_stop *stop);
/* Bytes let through since the reset.  A token whose bytes end at or before this is before the
 * stop. */
size_t cf_stop_n_passed(const struct cf_stop *stop);
/* Bytes held now, and the most that can be. */
size_t cf_stop_n_held(const struct cf_stop *stop);
size_t cf_stop_max_held(const struct cf_stop *stop);

#endif
