/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

enum { CONNECT_S = 30, STALL_S = 60, REDIRECTIONS_MAX = 10 };

const char *cf_download_library_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static enum cf_code curl_new(CURL **curl, const char *url, char error[CURL_ERROR_SIZE],
                             struct cf_err *err)
{
    static bool is_ready;
    is_ready = is_ready || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURL *made = is_ready ? curl_easy_init() : NULL;
    if (made == NULL) {
        return cf_err_set(err, CF_ERR_IO, "%s: libcurl cannot be used", url);
    }
    error[0] = '\0';
    curl_easy_setopt(made, CURLOPT_URL, url);
    curl_easy_setopt(made, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(made, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
    curl_easy_setopt(made, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(made, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(made, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(made, CURLOPT_MAXREDIRS, (long)REDIRECTIONS_MAX);
    curl_easy_setopt(made, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(made, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(made, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(made, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(made, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    *curl = made;
    return CF_OK;
}

static enum cf_code fail_http(CURL *curl, CURLcode result, const char *url, const char *error,
                              struct cf_err *err)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    const char *why = error[0] != '\0' ? error : curl_easy_strerror(result);
    if (result != CURLE_HTTP_RETURNED_ERROR) {
        return cf_err_set(err, CF_ERR_IO, "%s: %s", url, why);
    }
    switch (status) {
    case 404:
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: there is no such thing", url);
    case 401:
    case 403:
        return cf_err_set(err, CF_ERR_ACCESS, "%s: not there, or not for everybody (%ld)", url,
                          status);
    default:
        return cf_err_set(err, CF_ERR_IO, "%s: the server answers with %ld", url, status);
    }
}

/* ---- Into memory ---- */

struct text {
    struct cf_buf *out;
    size_t begin, max_size;
    bool is_too_large;
};

static size_t take_text(char *bytes, size_t size, size_t n, void *data)
{
    struct text *text = data;
    if (size * n > text->max_size - (text->out->size - text->begin)) {
        text->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    cf_buf_add(text->out, bytes, size * n);
    return size * n;
}

enum cf_code cf_download_text(struct cf_buf *out, const char *url, size_t max_size,
                              struct cf_err *err)
{
    char error[CURL_ERROR_SIZE];
    CURL *curl = NULL;
    struct text text = {.out = out, .begin = out->size, .max_size = max_size};
    enum cf_code code = curl_new(&curl, url, error, err);
    if (code != CF_OK) {
        return code;
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
    CURLcode result = curl_easy_perform(curl);
    if (text.is_too_large) {
        code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s: longer than %zu bytes", url, max_size);
    } else if (result != CURLE_OK) {
        code = fail_http(curl, result, url, error, err);
    }
    if (code != CF_OK) {
        cf_buf_truncate(out, text.begin);
    }
    curl_easy_cleanup(curl);
    return code;
}

/* ---- Into a file ---- */

struct transfer {
    const struct cf_download *download;
    CURL *curl;
    int fd;
    int64_t begin; /* bytes that were there before */
    int64_t size;  /* bytes in the file */
    int write_errno;
    bool has_begun, is_cancelled, is_too_long;
};

/* The first bytes: a server that knows no ranges sends the file from its beginning. */
static bool begin_answer(struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    transfer->has_begun = true;
    if (transfer->begin > 0 && status != 206) {
        transfer->size = 0;
        if (ftruncate(transfer->fd, 0) != 0 || lseek(transfer->fd, 0, SEEK_SET) != 0) {
            transfer->write_errno = errno;
            return false;
        }
    }
    return true;
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *data)
{
    struct transfer *transfer = data;
    if (!transfer->has_begun && !begin_answer(transfer)) {
        return CURL_WRITEFUNC_ERROR;
    }
    int64_t promised = transfer->download->size;
    if (promised >= 0 && (int64_t)(size * n) > promised - transfer->size) {
        transfer->is_too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    for (size_t done = 0; done < size * n;) {
        ssize_t written = write(transfer->fd, bytes + done, size * n - done);
        if (written < 0 && errno != EINTR) {
            transfer->write_errno = errno;
            return CURL_WRITEFUNC_ERROR;
        }
        done += written > 0 ? (size_t)written : 0;
        transfer->size += written > 0 ? written : 0;
    }
    return size * n;
}

static int report(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                  curl_off_t up_now)
{
    struct transfer *transfer = data;
    const struct cf_download *download = transfer->download;
    (void)total, (void)now, (void)up_total, (void)up_now;
    transfer->is_cancelled = download->report != NULL &&
                             !download->report(download->data, transfer->size, download->size);
    return transfer->is_cancelled ? 1 : 0;
}

/* One request for what is missing. */
static enum cf_code request(struct transfer *transfer, bool *is_beyond, struct cf_err *err)
{
    const struct cf_download *download = transfer->download;
    char error[CURL_ERROR_SIZE];
    *is_beyond = false;
    enum cf_code code = curl_new(&transfer->curl, download->url, error, err);
    if (code != CF_OK) {
        return code;
    }
    transfer->has_begun = false;
    transfer->begin = transfer->size;
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(transfer->curl, CURLOPT_XFERINFOFUNCTION, report);
    curl_easy_setopt(transfer->curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(transfer->curl, CURLOPT_NOPROGRESS, 0L);
    char range[32];
    if (transfer->begin > 0) {
        /* Not CURLOPT_RESUME_FROM: that fails where ranges are not known. */
        (void)snprintf(range, sizeof range, "%" PRId64 "-", transfer->begin);
        curl_easy_setopt(transfer->curl, CURLOPT_RANGE, range);
    }
    CURLcode result = curl_easy_perform(transfer->curl);
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->is_cancelled) {
        code = cf_err_set(err, CF_ERR_CANCELLED, "%s: stopped at %" PRId64 " bytes; again goes on",
                          download->path, transfer->size);
    } else if (transfer->is_too_long) {
        code = cf_err_set(err, CF_ERR_MISMATCH, "%s: longer than the %" PRId64 " bytes promised",
                          download->url, download->size);
    } else if (transfer->write_errno != 0) {
        code = cf_err_set_errno(err, transfer->write_errno, "cannot write %s", download->path);
    } else if (result == CURLE_HTTP_RETURNED_ERROR && status == 416 && transfer->begin > 0) {
        *is_beyond = true;
    } else if (result != CURLE_OK) {
        code = fail_http(transfer->curl, result, download->url, error, err);
    }
    curl_easy_cleanup(transfer->curl);
    return code;
}

static enum cf_code check(const struct cf_download *download, const char *path, struct cf_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    if (download->size >= 0 && status.st_size != download->size) {
        return cf_err_set(err, CF_ERR_MISMATCH,
                          "%s: has %lld bytes and not the %" PRId64 " promised", download->url,
                          (long long)status.st_size, download->size);
    }
    if (download->digest == NULL) {
        return CF_OK;
    }
    struct cf_digest digest;
    char is[CF_DIGEST_TEXT_SIZE];
    char wanted[CF_DIGEST_TEXT_SIZE];
    enum cf_code code = cf_digest_file(&digest, path, NULL, NULL, err);
    if (code == CF_OK && !cf_digest_equal(&digest, download->digest)) {
        cf_digest_format(is, &digest);
        cf_digest_format(wanted, download->digest);
        code = cf_err_set(err, CF_ERR_MISMATCH, "%s: its SHA-256 is %s and not %s", download->url,
                          is, wanted);
    }
    return code;
}

/* What is missing in the open file, and all of it on the disk. */
static enum cf_code fill(const struct cf_download *download, int fd, struct cf_err *err)
{
    struct stat status;
    struct transfer transfer = {.download = download, .fd = fd};
    if (fstat(fd, &status) != 0 || lseek(fd, 0, SEEK_END) < 0) {
        return cf_err_set_errno(err, errno, "%s", download->path);
    }
    transfer.size = status.st_size;
    bool is_beyond = download->size >= 0 && transfer.size > download->size;
    enum cf_code code = CF_OK;
    for (int attempt = 0; attempt < 2 && code == CF_OK; attempt++) {
        if (is_beyond) {
            transfer.size = 0;
            if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
                return cf_err_set_errno(err, errno, "%s", download->path);
            }
        }
        if (transfer.size == download->size) {
            break;
        }
        code = request(&transfer, &is_beyond, err);
        if (!is_beyond) {
            break;
        }
    }
    if (code == CF_OK && fsync(fd) != 0) {
        code = cf_err_set_errno(err, errno, "cannot write %s", download->path);
    }
    return code;
}

enum cf_code cf_download_file(const struct cf_download *download, struct cf_err *err)
{
    bool is_promised = download->size >= 0 || download->digest != NULL;
    if (is_promised && access(download->path, F_OK) == 0 &&
        check(download, download->path, NULL) == CF_OK) {
        return CF_OK;
    }
    struct cf_buf part = CF_BUF_INIT;
    cf_buf_addf(&part, "%s.part", download->path);
    /* What cannot be proved afterwards is not gone on with: it may be of another version. */
    int fd = open(
        part.data,
        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (download->digest == NULL ? O_TRUNC : 0), 0666);
    enum cf_code code = fd < 0 ? cf_err_set_errno(err, errno, "cannot write %s", part.data)
                               : fill(download, fd, err);
    if (fd >= 0 && close(fd) != 0 && code == CF_OK) {
        code = cf_err_set_errno(err, errno, "cannot write %s", part.data);
    }
    if (code == CF_OK) {
        code = check(download, part.data, err);
    }
    if (code == CF_ERR_MISMATCH) {
        (void)unlink(part.data);
    }
    if (code == CF_OK && rename(part.data, download->path) != 0) {
        code = cf_err_set_errno(err, errno, "cannot rename %s", part.data);
    }
    cf_buf_release(&part);
    return code;
}
