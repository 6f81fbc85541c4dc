/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum { NUMBER_SIZE = 32, NAME_COLUMNS = 18, WIDTH_MIN = 40, BAR_MAX = 40 };

/* "1,234,567" */
static void format_number(char text[NUMBER_SIZE], int64_t n)
{
    char digits[NUMBER_SIZE];
    int size = snprintf(digits, sizeof digits, "%" PRId64, n);
    int out = 0;
    for (int i = 0; i < size && out + 2 < NUMBER_SIZE; i++) {
        text[out++] = digits[i];
        bool is_border = (size - i) % 3 == 1 && i + 1 < size && digits[i] != '-';
        if (is_border) {
            text[out++] = ',';
        }
    }
    text[out] = '\0';
}

static void add_total(struct cf_buf *out, const char *what, int64_t n, const char *behind)
{
    char number[NUMBER_SIZE];
    format_number(number, n);
    cf_buf_addf(out, "%-14s %13s%s\n", what, number, behind);
}

static void add_padded(struct cf_buf *out, const char *text, int columns)
{
    struct cf_buf cut = CF_BUF_INIT;
    cf_text_ellipsize(&cut, text, strlen(text), columns);
    int used = cf_text_width(cut.data, cut.size, 0);
    cf_buf_add(out, cut.data, cut.size);
    cf_buf_addf(out, "%*s", columns > used ? columns - used : 0, "");
    cf_buf_release(&cut);
}

/* N of MOST as blocks, by eighths; MOST is not 0. */
static void add_bar(struct cf_buf *out, int64_t n, int64_t most, int columns)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int64_t eighths = (n * columns * 8 + most - 1) / most;
    for (int64_t i = 0; i < eighths / 8; i++) {
        cf_buf_add_str(out, "█");
    }
    cf_buf_add_str(out, parts[eighths % 8]);
}

static void add_row(struct cf_buf *out, int width, int64_t n, int64_t most, int64_t n_tokens)
{
    char number[NUMBER_SIZE];
    char tokens[NUMBER_SIZE];
    format_number(number, n);
    format_number(tokens, n_tokens);
    cf_buf_addf(out, "%10s", number);
    bool has_tokens = width >= 52;
    if (has_tokens) {
        cf_buf_addf(out, " %13s", tokens);
    }
    int bar = width - NAME_COLUMNS - 10 - (has_tokens ? 14 : 0) - 2;
    bar = bar < BAR_MAX ? bar : BAR_MAX;
    if (bar > 3 && n > 0 && most > 0) {
        cf_buf_add_str(out, "  ");
        add_bar(out, n, most, bar);
    }
    cf_buf_add_str(out, "\n");
}

static void add_models(struct cf_buf *out, const struct cf_store_stats *stats, int width)
{
    int64_t most = stats->n_models > 0 ? stats->models[0].n_replies : 0;
    struct cf_stats_model others = {.n_replies = 0};
    for (size_t i = 0; i < stats->n_models; i++) {
        const struct cf_stats_model *model = &stats->models[i];
        if (i >= CF_STATS_MODELS) {
            others.n_replies += model->n_replies;
            others.n_tokens += model->n_tokens;
            continue;
        }
        add_padded(out, model->name[0] != '\0' ? model->name : "unknown", NAME_COLUMNS);
        add_row(out, width, model->n_replies, most, model->n_tokens);
    }
    if (others.n_replies > 0) {
        add_padded(out, "others", NAME_COLUMNS);
        add_row(out, width, others.n_replies, most, others.n_tokens);
    }
}

static void add_months(struct cf_buf *out, const struct cf_store_stats *stats, int width,
                       size_t n_months)
{
    size_t first = stats->n_months > n_months ? stats->n_months - n_months : 0;
    int64_t most = 0;
    struct cf_stats_month before = {.n_messages = 0};
    for (size_t i = 0; i < stats->n_months; i++) {
        const struct cf_stats_month *month = &stats->months[i];
        if (i >= first) {
            most = month->n_messages > most ? month->n_messages : most;
        } else {
            before.n_messages += month->n_messages;
            before.n_tokens += month->n_tokens;
        }
    }
    if (first > 0) {
        add_padded(out, "before", NAME_COLUMNS);
        add_row(out, width, before.n_messages, 0, before.n_tokens); /* it would dwarf the others */
    }
    for (size_t i = first; i < stats->n_months; i++) {
        const struct cf_stats_month *month = &stats->months[i];
        char name[NUMBER_SIZE];
        snprintf(name, sizeof name, "%04d-%02d", month->year, month->month);
        add_padded(out, name, NAME_COLUMNS);
        add_row(out, width, month->n_messages, most, month->n_tokens);
    }
}

void cf_stats_write(struct cf_buf *out, const struct cf_store_stats *stats, int width,
                    size_t n_months)
{
    width = width > WIDTH_MIN ? width : WIDTH_MIN;
    add_total(out, "conversations", stats->n_conversations, "");
    if (stats->n_archived > 0) {
        add_total(out, "  archived", stats->n_archived, "");
    }
    if (stats->n_trashed > 0) {
        add_total(out, "  in the trash", stats->n_trashed, "");
    }
    add_total(out, "messages", stats->n_messages, "");
    add_total(out, "replies", stats->n_replies, "");
    add_total(out, "tokens", stats->n_tokens, " generated");
    add_total(out, "file", stats->file_size / 1024, " KiB");
    if (stats->n_models > 0) {
        cf_buf_addf(out, "\n%-18s%10s%s\n", "model", "replies",
                    width >= 52 ? "        tokens" : "");
        add_models(out, stats, width);
    }
    if (stats->n_months > 0) {
        cf_buf_addf(out, "\n%-18s%10s%s\n", "month", "messages",
                    width >= 52 ? "        tokens" : "");
        add_months(out, stats, width, n_months);
    }
}
