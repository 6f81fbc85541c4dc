/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much there is: conversations, messages and tokens, by model and month. */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void cf_store_stats_release(struct cf_store_stats *stats)
{
    cf_arena_release(&stats->arena);
    free(stats->models);
    free(stats->months);
    *stats = (struct cf_store_stats){.n_models = 0};
}

/* The month of the row before, and where it begins and ends: rows come nearly in order of time. */
struct month_cache {
    int64_t begin_ms, end_ms;
    size_t index;
};

static int compare_months(const void *a, const void *b)
{
    const struct cf_stats_month *x = a;
    const struct cf_stats_month *y = b;
    return x->year != y->year ? (x->year < y->year ? -1 : 1) : x->month - y->month;
}

/* The month that a time lies in, by the calendar of this place; NULL: none that a calendar has. */
static struct cf_stats_month *month_of(struct cf_store_stats *stats, struct month_cache *cache,
                                       int64_t ms)
{
    if (ms >= cache->begin_ms && ms < cache->end_ms) {
        return &stats->months[cache->index];
    }
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL) {
        return NULL;
    }
    struct tm begin = {.tm_year = local.tm_year, .tm_mon = local.tm_mon, .tm_mday = 1};
    struct tm end = {.tm_year = local.tm_year, .tm_mon = local.tm_mon + 1, .tm_mday = 1};
    begin.tm_isdst = end.tm_isdst = -1;
    cache->begin_ms = (int64_t)mktime(&begin) * 1000;
    cache->end_ms = (int64_t)mktime(&end) * 1000;
    for (size_t i = 0; i < stats->n_months; i++) {
        if (stats->months[i].year == local.tm_year + 1900 &&
            stats->months[i].month == local.tm_mon + 1) {
            cache->index = i;
            return &stats->months[i];
        }
    }
    stats->months = cf_grow(stats->months, stats->n_months, &stats->months_capacity, 1,
                            sizeof stats->months[0]);
    cache->index = stats->n_months++;
    stats->months[cache->index] =
        (struct cf_stats_month){.year = local.tm_year + 1900, .month = local.tm_mon + 1};
    return &stats->months[cache->index];
}

static struct cf_stats_model *model_of(struct cf_store_stats *stats, const char *name)
{
    for (size_t i = 0; i < stats->n_models; i++) {
        if (strcmp(stats->models[i].name, name) == 0) {
            return &stats->models[i];
        }
    }
    stats->models = cf_grow(stats->models, stats->n_models, &stats->models_capacity, 1,
                            sizeof stats->models[0]);
    struct cf_stats_model *model = &stats->models[stats->n_models++];
    *model = (struct cf_stats_model){.name = cf_arena_strdup(&stats->arena, name)};
    return model;
}

static int compare_models(const void *a, const void *b)
{
    const struct cf_stats_model *x = a;
    const struct cf_stats_model *y = b;
    return x->n_replies != y->n_replies ? (x->n_replies < y->n_replies ? 1 : -1)
                                        : strcmp(x->name, y->name);
}

static enum cf_code count_conversations(struct cf_store_stats *stats, struct cf_store *store,
                                        struct cf_err *err)
{
    struct month_cache cache = {.end_ms = 0};
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(&stmt, store, err,
                                    "SELECT created, archived, trashed IS NOT NULL"
                                    " FROM conversation WHERE import IS NULL",
                                    "");
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        if (sqlite3_column_int(stmt, 2) != 0) {
            stats->n_trashed++;
            continue;
        }
        struct cf_stats_month *month = month_of(stats, &cache, sqlite3_column_int64(stmt, 0));
        stats->n_conversations++;
        stats->n_archived += sqlite3_column_int(stmt, 1) != 0;
        if (month != NULL) {
            month->n_conversations++;
        }
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code count_messages(struct cf_store_stats *stats, struct cf_store *store,
                                   struct cf_err *err)
{
    struct month_cache cache = {.end_ms = 0};
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT created, role, n_tokens, model FROM message WHERE trashed IS NULL"
                    " AND conversation NOT IN (SELECT id FROM conversation"
                    " WHERE trashed IS NOT NULL OR import IS NOT NULL)",
                    "");
    while (code == CF_OK && (code = cf_db_step(&has_row, store, stmt, err)) == CF_OK && has_row) {
        struct cf_stats_month *month = month_of(stats, &cache, sqlite3_column_int64(stmt, 0));
        const char *role = (const char *)sqlite3_column_text(stmt, 1);
        int64_t n_tokens = sqlite3_column_int64(stmt, 2);
        const char *name = (const char *)sqlite3_column_text(stmt, 3);
        bool is_reply = role != NULL && strcmp(role, "assistant") == 0;
        stats->n_messages++;
        stats->n_replies += is_reply;
        stats->n_tokens += n_tokens;
        if (month != NULL) {
            month->n_messages++;
            month->n_tokens += n_tokens;
        }
        if (is_reply) {
            struct cf_stats_model *model = model_of(stats, name != NULL ? name : "");
            model->n_replies++;
            model->n_tokens += n_tokens;
        }
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_stats(struct cf_store_stats *stats, struct cf_store *store,
                            struct cf_err *err)
{
    struct cf_store_stats made = {.n_models = 0};
    struct cf_store_counts counts = {.file_size = 0};
    enum cf_code code = count_conversations(&made, store, err);
    if (code == CF_OK) {
        code = count_messages(&made, store, err);
    }
    if (code != CF_OK) {
        cf_store_stats_release(&made);
        return code;
    }
    (void)cf_store_counts(&counts, store, NULL);
    made.file_size = counts.file_size;
    if (made.n_months > 1) {
        qsort(made.months, made.n_months, sizeof made.months[0], compare_months);
    }
    if (made.n_models > 1) {
        qsort(made.models, made.n_models, sizeof made.models[0], compare_models);
    }
    *stats = made;
    return CF_OK;
}
