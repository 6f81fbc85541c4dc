/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stop.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* One string: after each of its bytes, the longest proper prefix that ends there. */
struct pattern {
    const char *bytes;
    size_t size;
    size_t *fall_back;
    size_t n_matched; /* of its bytes, at the end of the text so far */
};

struct cf_stop {
    struct cf_texts strings; /* without empty ones */
    struct pattern *patterns;
    size_t max_size;
    size_t n_held;    /* the longest n_matched */
    const char *held; /* the pattern whose beginning is held */
    size_t n_passed;
    const char *matched;
};

static void learn(struct pattern *pattern, const char *bytes)
{
    pattern->bytes = bytes;
    pattern->size = strlen(bytes);
    pattern->fall_back = cf_calloc(pattern->size, sizeof *pattern->fall_back);
    size_t border = 0;
    for (size_t i = 1; i < pattern->size; i++) {
        while (border > 0 && bytes[i] != bytes[border]) {
            border = pattern->fall_back[border - 1];
        }
        border += bytes[i] == bytes[border];
        pattern->fall_back[i] = border;
    }
}

struct cf_stop *cf_stop_new(const struct cf_texts *strings)
{
    struct cf_stop *stop = cf_calloc(1, sizeof *stop);
    for (size_t i = 0; i < strings->n; i++) {
        if (strings->items[i][0] != '\0') {
            cf_texts_add(&stop->strings, strings->items[i]);
        }
    }
    stop->patterns = cf_calloc(stop->strings.n, sizeof *stop->patterns);
    for (size_t i = 0; i < stop->strings.n; i++) {
        learn(&stop->patterns[i], stop->strings.items[i]);
        size_t size = stop->patterns[i].size;
        stop->max_size = size > stop->max_size ? size : stop->max_size;
    }
    cf_stop_reset(stop);
    return stop;
}

void cf_stop_free(struct cf_stop *stop)
{
    if (stop == NULL) {
        return;
    }
    for (size_t i = 0; i < stop->strings.n; i++) {
        free(stop->patterns[i].fall_back);
    }
    free(stop->patterns);
    cf_texts_release(&stop->strings);
    free(stop);
}

void cf_stop_reset(struct cf_stop *stop)
{
    for (size_t i = 0; i < stop->strings.n; i++) {
        stop->patterns[i].n_matched = 0;
    }
    stop->n_held = 0;
    stop->held = "";
    stop->n_passed = 0;
    stop->matched = NULL;
}

/* Follows the patterns over one byte; a complete one goes to stop->matched, the longest of them. */
static void follow(struct cf_stop *stop, char byte)
{
    size_t longest = 0;
    stop->n_held = 0;
    for (size_t i = 0; i < stop->strings.n; i++) {
        struct pattern *pattern = &stop->patterns[i];
        while (pattern->n_matched > 0 && byte != pattern->bytes[pattern->n_matched]) {
            pattern->n_matched = pattern->fall_back[pattern->n_matched - 1];
        }
        pattern->n_matched += byte == pattern->bytes[pattern->n_matched];
        if (pattern->n_matched == pattern->size && pattern->size > longest) {
            longest = pattern->size;
            stop->matched = pattern->bytes;
        }
        if (pattern->n_matched > stop->n_held) {
            stop->n_held = pattern->n_matched;
            stop->held = pattern->bytes;
        }
    }
}

/* Lets the first SIZE bytes through of what is held (HELD, N_HELD) and then of BYTES. */
static void let_through(struct cf_stop *stop, const char *held, size_t n_held, const char *bytes,
                        size_t size, struct cf_buf *out)
{
    size_t n_old = size < n_held ? size : n_held;
    cf_buf_add(out, held, n_old);
    cf_buf_add(out, bytes, size - n_old);
    stop->n_passed += size;
}

bool cf_stop_feed(struct cf_stop *stop, const void *bytes, size_t size, struct cf_buf *out)
{
    if (stop->matched != NULL) {
        return true;
    }
    const char *held = stop->held; /* the text since the last release: held, then bytes */
    size_t n_held = stop->n_held;
    const char *text = bytes;
    for (size_t i = 0; i < size; i++) {
        follow(stop, text[i]);
        if (stop->matched != NULL) {
            /* The match may begin in what was held, and what is held may be longer than it. */
            let_through(stop, held, n_held, text, n_held + i + 1 - strlen(stop->matched), out);
            stop->n_held = 0;
            return true;
        }
    }
    let_through(stop, held, n_held, text, n_held + size - stop->n_held, out);
    return false;
}

void cf_stop_finish(struct cf_stop *stop, struct cf_buf *out)
{
    if (stop->matched == NULL) {
        let_through(stop, stop->held, stop->n_held, "", stop->n_held, out);
    }
    stop->n_held = 0;
    for (size_t i = 0; i < stop->strings.n; i++) {
        stop->patterns[i].n_matched = 0;
    }
}

const char *cf_stop_matched(const struct cf_stop *stop)
{
    return stop->matched;
}

size_t cf_stop_n_passed(const struct cf_stop *stop)
{
    return stop->n_passed;
}

size_t cf_stop_n_held(const struct cf_stop *stop)
{
    return stop->n_held;
}

size_t cf_stop_max_held(const struct cf_stop *stop)
{
    return stop->max_size > 0 ? stop->max_size - 1 : 0;
}
