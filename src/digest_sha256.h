/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest_sha256: the compression of SHA-256, each way it is done.  Private to digest and its
 * tests. */
#ifndef CF_DIGEST_SHA256_H
#define CF_DIGEST_SHA256_H

#include "digest.h"

/* Adds n_blocks blocks of 64 bytes to a state: in plain C, and the best way of this CPU. */
void cf_sha256_blocks_plain(uint32_t state[8], const unsigned char *data, size_t n_blocks);
void cf_sha256_blocks(uint32_t state[8], const unsigned char *data, size_t n_blocks);

#endif
