/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest: SHA-256 (FIPS 180-4), of bytes, of a file and of a model, with a cache on disk so that a
 * large file is read once.  Uses the processor's SHA instructions where it has them. */
#ifndef CF_DIGEST_H
#define CF_DIGEST_H

#include "err.h"

#include <stdatomic.h>

enum { CF_DIGEST_SIZE = 32, CF_DIGEST_TEXT_SIZE = 2 * CF_DIGEST_SIZE + 1 };

struct cf_digest {
    unsigned char bytes[CF_DIGEST_SIZE];
};

/* A running sum: begin, add any number of times, end. */
struct cf_sha256 {
    uint32_t state[8];
    uint64_t n_added; /* bytes so far */
    unsigned char block[64];
};
void cf_sha256_begin(struct cf_sha256 *sum);
void cf_sha256_add(struct cf_sha256 *sum, const void *bytes, size_t size);
void cf_sha256_end(struct cf_sha256 *sum, struct cf_digest *digest);

/* The digest of SIZE bytes in one step. */
void cf_digest_of(struct cf_digest *digest, const void *bytes, size_t size);
bool cf_digest_equal(const struct cf_digest *a, const struct cf_digest *b);
/* 64 lower-case hexadecimal digits and a NUL. */
void cf_digest_format(char text[CF_DIGEST_TEXT_SIZE], const struct cf_digest *digest);
/* Reads 64 hexadecimal digits, either case, the whole of TEXT; false when it is anything else. */
bool cf_digest_parse(struct cf_digest *digest, const char *text);

/* The digest of a regular file's bytes.  CACHE_PATH names the cache file (its folder must exist; it
 * is made when missing, rewritten atomically and never trusted for more than it says; a cache that
 * cannot be read or written only costs time), or is NULL.  An entry holds while device, inode,
 * size, mtime and ctime stand; a file written less than two seconds ago is not entered.
 * CANCEL, if not NULL, ends the work soon after it becomes true.
 * CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO, CF_ERR_BUSY (the file changed meanwhile),
 * CF_ERR_CANCELLED. */
enum cf_code cf_digest_file(struct cf_digest *digest, const char *path, const char *cache_path,
                            const atomic_bool *cancel, struct cf_err *err);

/* The digest of a model: of a file, that of its bytes; of a folder (or a .safetensors file with
 * what lies beside it), that of what sha256sum prints for the files that decide its output, ordered
 * by name as bytes: config.json, vocab.json, merges.txt, tokenizer.json, tokenizer_config.json,
 * special_tokens_map.json and the weights that are loaded: of a folder model.safetensors or, where
 * there is none, model.safetensors.index.json and the files it names.  Other weights that lie there
 * (a second precision, what a download left) change nothing. */
enum cf_code cf_digest_model(struct cf_digest *digest, const char *path, const char *cache_path,
                             const atomic_bool *cancel, struct cf_err *err);

#endif
