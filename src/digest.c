/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest_cache.h"
#include "mem.h"

enum { READ_SIZE = 1 << 20 };

void cf_digest_of(struct cf_digest *digest, const void *bytes, size_t size)
{
    struct cf_sha256 sum;
    cf_sha256_begin(&sum);
    cf_sha256_add(&sum, bytes, size);
    cf_sha256_end(&sum, digest);
}

bool cf_digest_equal(const struct cf_digest *a, const struct cf_digest *b)
{
    return memcmp(a->bytes, b->bytes, CF_DIGEST_SIZE) == 0;
}

void cf_digest_format(char text[CF_DIGEST_TEXT_SIZE], const struct cf_digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CF_DIGEST_SIZE; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    text[CF_DIGEST_TEXT_SIZE - 1] = '\0';
}

static int digit_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

bool cf_digest_parse(struct cf_digest *digest, const char *text)
{
    struct cf_digest parsed;
    for (size_t i = 0; i < CF_DIGEST_SIZE; i++) {
        int high = digit_value(text[2 * i]);
        int low = high >= 0 ? digit_value(text[2 * i + 1]) : -1;
        if (low < 0) {
            return false;
        }
        parsed.bytes[i] = (unsigned char)(high << 4 | low);
    }
    if (text[CF_DIGEST_TEXT_SIZE - 1] != '\0') {
        return false;
    }
    *digest = parsed;
    return true;
}

/* ---- a file ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum cf_code sum_file(struct cf_digest *digest, int file, const char *path,
                             const atomic_bool *cancel, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    unsigned char *bytes = cf_malloc(READ_SIZE);
    struct cf_sha256 sum;
    cf_sha256_begin(&sum);
    for (;;) {
        if (cancel != NULL && atomic_load(cancel)) {
            code = cf_err_set(err, CF_ERR_CANCELLED, "%s: cancelled", path);
            break;
        }
        ssize_t n = read(file, bytes, READ_SIZE);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            code = cf_err_set_errno(err, errno, "%s", path);
            break;
        }
        if (n == 0) {
            cf_sha256_end(&sum, digest);
            break;
        }
        cf_sha256_add(&sum, bytes, (size_t)n);
    }
    free(bytes);
    return code;
}

enum cf_code cf_digest_file(struct cf_digest *digest, const char *path, const char *cache_path,
                            const atomic_bool *cancel, struct cf_err *err)
{
    /* Not to wait for a writer of a pipe that somebody put there. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    enum cf_code code = CF_OK;
    struct cf_digest sum;
    struct stat before;
    struct stat after;
    if (fstat(file, &before) != 0) {
        code = cf_err_set_errno(err, errno, "%s", path);
    } else if (!S_ISREG(before.st_mode)) {
        code = cf_err_set(err, CF_ERR_IO, "%s: not a regular file", path);
    } else if (cache_path == NULL || !cf_digest_cache_find(&sum, cache_path, &before)) {
        code = sum_file(&sum, file, path, cancel, err);
        if (code == CF_OK && (fstat(file, &after) != 0 || !is_same(&before, &after))) {
            code = cf_err_set(err, CF_ERR_BUSY, "%s: changed while it was read", path);
        }
        if (code == CF_OK && cache_path != NULL) {
            cf_digest_cache_add(cache_path, &before, &sum);
        }
    }
    (void)close(file);
    if (code == CF_OK) {
        *digest = sum;
    }
    return code;
}
