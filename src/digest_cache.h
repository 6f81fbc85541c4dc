/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest_cache: the digests of files by what stat says of them, as text: a first line with the
 * version, then DIGEST DEVICE INODE SIZE MTIME CTIME a line (times in nanoseconds), the oldest
 * first.  Private to digest. */
#ifndef CF_DIGEST_CACHE_H
#define CF_DIGEST_CACHE_H

#include "digest.h"

#include <sys/stat.h>

/* Whether the cache knows the file. */
bool cf_digest_cache_find(struct cf_digest *digest, const char *cache_path,
                          const struct stat *status);
/* Enters a file, unless it was written so lately that it may be written again within the same tick
 * of its clock.  Does nothing when the cache cannot be written. */
void cf_digest_cache_add(const char *cache_path, const struct stat *status,
                         const struct cf_digest *digest);

#endif
