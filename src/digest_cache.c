/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "digest_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"

enum {
    N_ENTRIES_MAX = 256,
    FILE_SIZE_MAX = 256 * 1024, /* more is not of our making */
    FRESH_S = 2,
};

static const char version_line[] = "confab digests 1\n";

/* What a line says of a file, behind the digest, with the newline. */
static void describe(struct cf_buf *text, const struct stat *status)
{
    cf_buf_addf(text,
                " %" PRIuMAX " %" PRIuMAX " %" PRIdMAX " %" PRIdMAX "%09ld %" PRIdMAX "%09ld\n",
                (uintmax_t)status->st_dev, (uintmax_t)status->st_ino, (intmax_t)status->st_size,
                (intmax_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec,
                (intmax_t)status->st_ctim.tv_sec, status->st_ctim.tv_nsec);
}

/* The lines behind the first, only whole ones; nothing when the file is no cache. */
static void read_cache(struct cf_buf *lines, const char *cache_path)
{
    int file = open(cache_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return;
    }
    struct cf_buf text = CF_BUF_INIT;
    while (text.size <= FILE_SIZE_MAX) {
        char some[4096];
        ssize_t n = read(file, some, sizeof some);
        if (n <= 0) {
            break;
        }
        cf_buf_add(&text, some, (size_t)n);
    }
    (void)close(file);
    size_t n_version = sizeof version_line - 1;
    while (text.size > 0 && text.data[text.size - 1] != '\n') {
        cf_buf_truncate(&text, text.size - 1);
    }
    if (text.size <= FILE_SIZE_MAX && text.size > n_version &&
        memcmp(text.data, version_line, n_version) == 0) {
        cf_buf_add(lines, text.data + n_version, text.size - n_version);
    }
    cf_buf_release(&text);
}

/* Reads the digest of the line at LINE if it is about the file described as SUFFIX. */
static bool read_line(struct cf_digest *digest, const char *line, size_t size,
                      const struct cf_buf *suffix)
{
    const size_t n_hex = CF_DIGEST_TEXT_SIZE - 1;
    char hex[CF_DIGEST_TEXT_SIZE];
    if (size != n_hex + suffix->size || memcmp(line + n_hex, suffix->data, suffix->size) != 0) {
        return false;
    }
    memcpy(hex, line, n_hex);
    hex[n_hex] = '\0';
    return cf_digest_parse(digest, hex);
}

bool cf_digest_cache_find(struct cf_digest *digest, const char *cache_path,
                          const struct stat *status)
{
    struct cf_buf lines = CF_BUF_INIT;
    struct cf_buf suffix = CF_BUF_INIT;
    read_cache(&lines, cache_path);
    describe(&suffix, status);
    bool is_found = false;
    for (size_t at = 0; at < lines.size && !is_found;) {
        const char *newline = memchr(lines.data + at, '\n', lines.size - at);
        size_t size = (size_t)(newline + 1 - (lines.data + at));
        is_found = read_line(digest, lines.data + at, size, &suffix);
        at += size;
    }
    cf_buf_release(&lines);
    cf_buf_release(&suffix);
    return is_found;
}

static bool is_fresh(const struct stat *status)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) != 0 ||
           now.tv_sec - status->st_mtim.tv_sec < FRESH_S ||
           now.tv_sec - status->st_ctim.tv_sec < FRESH_S;
}

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* Puts TEXT in the place of the cache in one step.  A cache needs no fsync: if it is lost or torn,
 * its lines no longer hold and files are read again. */
static void replace(const char *cache_path, const struct cf_buf *text)
{
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s.XXXXXX", cache_path);
    int file = mkostemp(path.data, O_CLOEXEC);
    if (file >= 0) {
        bool is_written = write_all(file, text->data, text->size);
        is_written = close(file) == 0 && is_written;
        if (!is_written || rename(path.data, cache_path) != 0) {
            (void)unlink(path.data);
        }
    }
    cf_buf_release(&path);
}

void cf_digest_cache_add(const char *cache_path, const struct stat *status,
                         const struct cf_digest *digest)
{
    if (is_fresh(status)) {
        return;
    }
    struct cf_buf lines = CF_BUF_INIT;
    read_cache(&lines, cache_path);
    size_t n_lines = 0;
    for (size_t i = 0; i < lines.size; i++) {
        n_lines += lines.data[i] == '\n';
    }
    while (n_lines >= N_ENTRIES_MAX) {
        const char *newline = memchr(lines.data, '\n', lines.size);
        cf_buf_consume(&lines, (size_t)(newline + 1 - lines.data));
        n_lines--;
    }
    char hex[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(hex, digest);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, version_line);
    cf_buf_add(&text, lines.data, lines.size);
    cf_buf_add_str(&text, hex);
    describe(&text, status);
    replace(cache_path, &text);
    cf_buf_release(&text);
    cf_buf_release(&lines);
}
