/* SPDX-License-Identifier: GPL-3.0-or-later */
/* download: fetches over HTTP.  The only room that uses libcurl.
 *
 * Only http and https, also after a redirection; the environment's proxies hold.  A transfer that
 * stands still for a minute is given up.  Nothing a server says about sizes is trusted: what is
 * longer than was promised ends the transfer.  For one thread at a time. */
#ifndef CF_DOWNLOAD_H
#define CF_DOWNLOAD_H

#include "buf.h"
#include "digest.h"
#include "err.h"

/* libcurl's, "7.88.1". */
const char *cf_download_library_version(void);

/* Appends what URL answers, at most MAX_SIZE bytes.  CF_ERR_NOT_FOUND (404), CF_ERR_ACCESS (401,
 * 403), CF_ERR_TOO_LARGE, CF_ERR_IO; each sentence names the URL. */
enum cf_code cf_download_text(struct cf_buf *text, const char *url, size_t max_size,
                              struct cf_err *err);

struct cf_download {
    const char *url;
    const char *path;               /* where the file is to be; its folder exists */
    int64_t size;                   /* promised bytes; -1: not known */
    const struct cf_digest *digest; /* promised; NULL: not known */
    /* Told of the bytes that are there, of those promised; false ends it with CF_ERR_CANCELLED.
     * Called every now and then also while nothing comes.  May be NULL. */
    bool (*report)(void *data, int64_t done, int64_t size);
    void *data;
};

/* Fetches a file.  It grows as PATH.part, is synced, and gets its name when it is whole and right.
 * What an earlier call left in PATH.part is gone on with where there is a digest to prove the whole
 * and the server can, else begun again; it stays there after CF_ERR_CANCELLED, CF_ERR_FULL and
 * CF_ERR_IO.  A file that is there already with size and digest as promised is left alone.
 * CF_ERR_MISMATCH: size or digest is not what was promised, and PATH.part is gone.  The rest as
 * above. */
enum cf_code cf_download_file(const struct cf_download *download, struct cf_err *err);

#endif
