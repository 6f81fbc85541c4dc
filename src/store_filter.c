/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filters that people write among the words they look for. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mem.h"
#include "store.h"
#include "when.h"

bool cf_store_read_date(const char *text, int64_t now_ms, int64_t *begin_ms, int64_t *end_ms)
{
    struct cf_buf day = CF_BUF_INIT;
    size_t size = strlen(text);
    bool is_year = size == 4 && strspn(text, "0123456789") == 4;
    bool is_month = size == 7 && text[4] == '-';
    int64_t ms = 0;
    cf_buf_addf(&day, is_year ? "%s-01-01" : "%s", text);
    bool is_date = cf_when_parse(&ms, day.data, now_ms);
    cf_buf_release(&day);
    time_t begin = (time_t)(ms / 1000);
    struct tm next;
    if (!is_date || localtime_r(&begin, &next) == NULL) {
        return false;
    }
    next.tm_year += is_year;
    next.tm_mon += is_month;
    next.tm_mday += !is_year && !is_month;
    next.tm_isdst = -1;
    time_t end = mktime(&next);
    if (end == (time_t)-1) {
        return false;
    }
    *begin_ms = ms;
    *end_ms = (int64_t)end * 1000;
    return true;
}

static enum cf_code set_role(struct cf_search *search, const char *value, struct cf_err *err)
{
    static const struct {
        const char *name;
        enum cf_role role;
    } others[] = {{"you", CF_ROLE_USER}, {"me", CF_ROLE_USER}, {"model", CF_ROLE_ASSISTANT}};
    search->has_role = cf_role_find(&search->role, value);
    for (size_t i = 0; i < CF_ARRAY_SIZE(others) && !search->has_role; i++) {
        if (strcasecmp(others[i].name, value) == 0) {
            search->role = others[i].role;
            search->has_role = true;
        }
    }
    return search->has_role ? CF_OK
                            : cf_err_set(err, CF_ERR_USAGE,
                                         "role: needs user, assistant or system, not ‘%s’", value);
}

static enum cf_code set_date(struct cf_search *search, const char *name, const char *value,
                             int64_t now_ms, struct cf_err *err)
{
    int64_t begin_ms = 0;
    int64_t end_ms = 0;
    if (!cf_store_read_date(value, now_ms, &begin_ms, &end_ms)) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "%s: needs a day, month or year such as 2026, 2026-11, %s, not ‘%s’",
                          name, CF_WHEN_FORMS, value);
    }
    if (strcmp(name, "until") != 0 && strcmp(name, "before") != 0) {
        search->since_ms = begin_ms;
    }
    if (strcmp(name, "date") == 0 || strcmp(name, "until") == 0) {
        search->until_ms = end_ms;
    } else if (strcmp(name, "before") == 0) {
        search->until_ms = begin_ms;
    }
    return CF_OK;
}

/* The end of an item, and its value without quotes. */
static const char *read_item(const char *at, struct cf_buf *value)
{
    bool is_quoted = *at == '"';
    at += is_quoted;
    size_t size = is_quoted ? strcspn(at, "\"") : strcspn(at, " \t");
    cf_buf_clear(value);
    cf_buf_add(value, at, size);
    at += size;
    return at + (is_quoted && *at == '"');
}

static enum cf_code set_filter(struct cf_search *search, struct cf_buf *title, const char *name,
                               const char *value, int64_t now_ms, struct cf_err *err)
{
    if (strcmp(name, "role") == 0) {
        return set_role(search, value, err);
    }
    if (strcmp(name, "title") == 0) {
        cf_buf_addf(title, "%s%s", title->size > 0 ? " " : "", value);
        return CF_OK;
    }
    return set_date(search, name, value, now_ms, err);
}

enum cf_code cf_search_parse(struct cf_search *search, struct cf_search_text *text,
                             const char *query, int64_t now_ms, struct cf_err *err)
{
    static const char *const names[] = {"role", "title", "date", "since", "until", "before"};
    struct cf_buf value = CF_BUF_INIT;
    enum cf_code code = CF_OK;
    *text = (struct cf_search_text){.words = CF_BUF_INIT, .title = CF_BUF_INIT};
    cf_buf_add_str(&text->words, "");
    for (const char *at = query; *at != '\0' && code == CF_OK;) {
        const char *name = NULL;
        size_t n_blanks = strspn(at, " \t");
        if (n_blanks > 0) {
            bool ends_word = text->words.size > 0 && text->words.data[text->words.size - 1] != ' ';
            cf_buf_add_str(&text->words, ends_word ? " " : "");
            at += n_blanks;
            continue;
        }
        for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
            size_t size = strlen(names[i]);
            if (strncasecmp(at, names[i], size) == 0 && at[size] == ':' && at[size + 1] != '\0' &&
                strchr(" \t", at[size + 1]) == NULL) {
                name = names[i];
            }
        }
        if (name != NULL) {
            at = read_item(at + strlen(name) + 1, &value);
            code = set_filter(search, &text->title, name, value.size > 0 ? value.data : "", now_ms,
                              err);
        } else if (*at == '"') {
            size_t size = 1 + strcspn(at + 1, "\"");
            size += at[size] == '"';
            size += at[size] == '*';
            cf_buf_add(&text->words, at, size);
            at += size;
        } else {
            size_t size = strcspn(at, " \t\"");
            cf_buf_add(&text->words, at, size);
            at += size;
        }
    }
    cf_buf_release(&value);
    while (text->words.size > 0 && text->words.data[text->words.size - 1] == ' ') {
        text->words.data[--text->words.size] = '\0';
    }
    search->query = text->words.data != NULL ? text->words.data : "";
    search->title = text->title.size > 0 ? text->title.data : NULL;
    if (code != CF_OK) {
        cf_search_text_release(text);
    }
    return code;
}

void cf_search_text_release(struct cf_search_text *text)
{
    cf_buf_release(&text->words);
    cf_buf_release(&text->title);
}
