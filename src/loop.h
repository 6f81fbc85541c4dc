/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop: notices that a reply goes round in circles, token by token.
 *
 * A loop is found at the end of a third repetition: of a block of tokens that follows upon itself
 * twice (CF_LOOP_TOKENS_MIN tokens in all at least, so that a few dots are none), or of a passage
 * of CF_LOOP_BYTES_MIN bytes that has stood there twice before within the last CF_LOOP_SPAN tokens.
 * Where the model has next to no doubt left (a mean entropy under CF_LOOP_ENTROPY over the last
 * tokens), half of that is enough.
 *
 * A plain value: no allocation, no thread. */
#ifndef CF_LOOP_H
#define CF_LOOP_H

#include "base.h"

enum {
    CF_LOOP_SPAN = 256,      /* tokens it looks back */
    CF_LOOP_TOKENS_MIN = 12, /* of the three blocks together */
    CF_LOOP_BYTES_MIN = 48,  /* of a passage */
    CF_LOOP_RECENT = 16,     /* tokens of the mean entropy */
};
#define CF_LOOP_ENTROPY 0.3 /* bits */

/* Zero-initialised: no token yet. */
struct cf_loop {
    int64_t n; /* tokens so far; token k is at k % CF_LOOP_SPAN */
    int32_t ids[CF_LOOP_SPAN];
    int64_t begins[CF_LOOP_SPAN]; /* the byte of the reply where the token's text begins */
    int64_t size;                 /* bytes so far */
    float entropies[CF_LOOP_RECENT];
    int32_t same[CF_LOOP_SPAN]; /* [d]: how many tokens at the end equal those d before them */
};

/* Takes token ID, which spells SIZE bytes and was drawn from a distribution of ENTROPY bits.  True
 * when it completes a third repetition. */
bool cf_loop_add(struct cf_loop *loop, int32_t id, size_t size, float entropy);

#endif
