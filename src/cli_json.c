/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *cf_json_text(const char *text, size_t size)
{
    struct cf_buf valid = CF_BUF_INIT;
    cf_text_make_valid(&valid, text, size);
    json_t *string = json_stringn(valid.data, valid.size);
    cf_buf_release(&valid);
    return string;
}

json_t *cf_json_string(const char *text)
{
    return text != NULL ? cf_json_text(text, strlen(text)) : json_null();
}

json_t *cf_json_id(int64_t id)
{
    return id != 0 ? json_integer(id) : json_null();
}

json_t *cf_json_date(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char date[32];
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        return json_null();
    }
    return json_sprintf("%s.%03dZ", date, (int)(ms % 1000));
}

json_t *cf_json_seed(uint64_t seed)
{
    if (seed <= INT64_MAX) {
        return json_integer((json_int_t)seed);
    }
    return json_sprintf("%llu", (unsigned long long)seed);
}

void cf_out_add_json(struct cf_out *out, json_t *object)
{
    /* 15 digits bring 0.7 out as 0.7, and every float32 back as it was. */
    char *line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    json_decref(object);
    if (line == NULL) {
        return;
    }
    /* The one control character that JSON leaves as it is. */
    const char *at = line;
    for (const char *del; (del = strchr(at, 0x7F)) != NULL; at = del + 1) {
        cf_out_add(out, at, (size_t)(del - at));
        cf_out_add(out, "\\u007F", 6);
    }
    cf_out_addf(out, "%s\n", at);
    free(line);
}
