/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt_scribe.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

static const char slot[] = "{text}";

static void add_stretch(struct cf_literal *literal, const char *text, size_t size, int32_t special)
{
    if (size == 0) {
        return;
    }
    literal->stretches =
        cf_realloc_array(literal->stretches, literal->n + 1, sizeof *literal->stretches);
    literal->stretches[literal->n++] =
        (struct cf_stretch){.text = text, .size = size, .special = special};
}

/* Finds the special tokens in TEXT: the tokenizer names them, their pieces tell where they are. */
static void divide(struct cf_literal *literal, const struct cf_tokenizer *tokenizer,
                   const char *text, size_t size)
{
    struct cf_ids ids = {.n = 0};
    cf_tokenizer_encode_special(tokenizer, text, size, &ids);
    size_t at = 0;
    size_t written = 0;
    for (size_t i = 0; i < ids.n; i++) {
        size_t piece_size = 0;
        (void)cf_tokenizer_piece(tokenizer, ids.data[i], &piece_size);
        if (cf_tokenizer_is_special(tokenizer, ids.data[i])) {
            add_stretch(literal, text + written, at - written, -1);
            add_stretch(literal, text + at, piece_size, ids.data[i]);
            written = at + piece_size;
        }
        at += piece_size;
    }
    add_stretch(literal, text + written, size - written, -1);
    cf_ids_release(&ids);
}

void cf_scribe_init(struct cf_scribe *scribe, const struct cf_tokenizer *tokenizer,
                    const struct cf_template *template)
{
    *scribe = (struct cf_scribe){.tokenizer = tokenizer, .template = template};
    cf_buf_init(&scribe->run);
    const char *const parts[3] = {
        [CF_ROLE_SYSTEM] = template->system,
        [CF_ROLE_USER] = template->user,
        [CF_ROLE_ASSISTANT] = template->assistant,
    };
    for (int role = 0; role < 3; role++) {
        const char *part = parts[role];
        const char *middle = part != NULL ? strstr(part, slot) : NULL;
        if (middle != NULL) {
            const char *rest = middle + sizeof slot - 1;
            scribe->has_part[role] = true;
            divide(&scribe->before[role], tokenizer, part, (size_t)(middle - part));
            divide(&scribe->behind[role], tokenizer, rest, strlen(rest));
        }
    }
}

void cf_scribe_release(struct cf_scribe *scribe)
{
    for (int role = 0; role < 3; role++) {
        free(scribe->before[role].stretches);
        free(scribe->behind[role].stretches);
    }
    cf_ids_release(&scribe->ids);
    cf_ids_release(&scribe->owners);
    cf_buf_release(&scribe->run);
    free(scribe->spans);
}

static void add_id(struct cf_scribe *scribe, int32_t id, int32_t owner)
{
    cf_ids_add(&scribe->ids, id);
    cf_ids_add(&scribe->owners, owner);
}

/* Encodes the run and finds each token's owner: the first turn that a byte of it comes from. */
static void end_run(struct cf_scribe *scribe)
{
    size_t first = scribe->ids.n;
    cf_tokenizer_encode(scribe->tokenizer, scribe->run.data, scribe->run.size, &scribe->ids);
    size_t begin = 0;
    size_t span = 0;
    for (size_t i = first; i < scribe->ids.n; i++) {
        size_t size = 0;
        (void)cf_tokenizer_piece(scribe->tokenizer, scribe->ids.data[i], &size);
        while (span + 1 < scribe->n_spans && scribe->spans[span].end <= begin) {
            span++;
        }
        int32_t owner = -1;
        for (size_t k = span; k < scribe->n_spans && owner < 0; k++) {
            owner = scribe->spans[k].owner;
            if (scribe->spans[k].end >= begin + size) {
                break;
            }
        }
        cf_ids_add(&scribe->owners, owner);
        begin += size;
    }
    cf_buf_clear(&scribe->run);
    scribe->n_spans = 0;
}

static void add_text(struct cf_scribe *scribe, const char *text, size_t size, int32_t owner)
{
    if (size == 0) {
        return;
    }
    cf_buf_add(&scribe->run, text, size);
    if (scribe->n_spans > 0 && scribe->spans[scribe->n_spans - 1].owner == owner) {
        scribe->spans[scribe->n_spans - 1].end = scribe->run.size;
        return;
    }
    if (scribe->n_spans == scribe->span_capacity) {
        scribe->span_capacity = scribe->span_capacity == 0 ? 16 : 2 * scribe->span_capacity;
        scribe->spans =
            cf_realloc_array(scribe->spans, scribe->span_capacity, sizeof *scribe->spans);
    }
    scribe->spans[scribe->n_spans++] = (struct cf_span){.end = scribe->run.size, .owner = owner};
}

static void add_literal(struct cf_scribe *scribe, const struct cf_literal *literal)
{
    for (size_t i = 0; i < literal->n; i++) {
        const struct cf_stretch *stretch = &literal->stretches[i];
        if (stretch->special >= 0) {
            end_run(scribe);
            add_id(scribe, stretch->special, -1);
        } else {
            add_text(scribe, stretch->text, stretch->size, -1);
        }
    }
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t cf_prompt_n_leading_space(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && is_space(text[n])) {
        n++;
    }
    return n;
}

const char *cf_scribe_trim(const struct cf_scribe *scribe, const char *text, size_t *size)
{
    if (scribe->template->is_verbatim) {
        return text;
    }
    size_t begin = cf_prompt_n_leading_space(text, *size);
    size_t end = *size;
    while (end > begin && is_space(text[end - 1])) {
        end--;
    }
    *size = end - begin;
    return text + begin;
}

/* What the ids spell on the screen; false when one of them is no token.  HOLDS tells that the last
 * character is unfinished and missing. */
static bool spell(const struct cf_scribe *scribe, const struct cf_turn *turn, struct cf_buf *text,
                  bool *holds)
{
    struct cf_detokenizer state = {.n_held = 0};
    for (int32_t i = 0; i < turn->n_ids; i++) {
        if (cf_tokenizer_kind(scribe->tokenizer, turn->ids[i]) == CF_TOKEN_NONE) {
            return false;
        }
        cf_detokenizer_add(&state, scribe->tokenizer, turn->ids[i], text);
    }
    *holds = state.n_held > 0;
    return true;
}

int32_t cf_scribe_own_ids(const struct cf_scribe *scribe, const struct cf_turn *turn,
                          struct cf_buf *rest)
{
    if (turn->role != CF_ROLE_ASSISTANT || turn->n_ids <= 0) {
        return 0;
    }
    struct cf_buf raw = CF_BUF_INIT;
    struct cf_buf spelled = CF_BUF_INIT; /* broken bytes may be stored as U+FFFD */
    struct cf_buf stored = CF_BUF_INIT;
    bool holds = false;
    bool are_tokens = spell(scribe, turn, &raw, &holds);
    cf_text_make_valid(&spelled, raw.data, raw.size);
    cf_text_make_valid(&stored, turn->text, turn->size);
    size_t skip_spelled = 0;
    size_t skip_stored = 0;
    if (stored.size < spelled.size || memcmp(stored.data, spelled.data, spelled.size) != 0) {
        skip_spelled = cf_prompt_n_leading_space(spelled.data, spelled.size);
        skip_stored = cf_prompt_n_leading_space(stored.data, stored.size);
    }
    size_t size = spelled.size - skip_spelled;
    bool agree = are_tokens && stored.size - skip_stored >= size &&
                 memcmp(stored.data + skip_stored, spelled.data + skip_spelled, size) == 0;
    if (agree && !holds) {
        cf_buf_add(rest, stored.data + skip_stored + size, stored.size - skip_stored - size);
    }
    cf_buf_release(&raw);
    cf_buf_release(&spelled);
    cf_buf_release(&stored);
    return agree ? turn->n_ids : 0;
}

/* A reply: as it was generated, or as text behind what the template puts before one.  CUT_SIZE
 * bytes or CUT_IDS ids at its beginning are left out. */
static void add_reply(struct cf_scribe *scribe, const struct cf_turn *turn, int32_t owner,
                      const struct cf_window *cut, bool is_first)
{
    struct cf_buf rest = CF_BUF_INIT;
    int32_t n_ids = cf_scribe_own_ids(scribe, turn, &rest);
    if (n_ids > 0) {
        end_run(scribe);
        for (int32_t i = cut->cut_ids; i < n_ids; i++) {
            add_id(scribe, turn->ids[i], owner);
        }
        add_text(scribe, rest.data, rest.size, owner);
    } else {
        size_t size = turn->size - cut->cut_size;
        const char *text = cf_scribe_trim(scribe, turn->text + cut->cut_size, &size);
        if (is_first && size > 0) {
            add_literal(scribe, &scribe->before[CF_ROLE_ASSISTANT]);
        }
        add_text(scribe, text, size, owner);
    }
    cf_buf_release(&rest);
}

/* Ends what stands open, so that a user or system part may begin. */
static void close_exchange(struct cf_scribe *scribe)
{
    if (scribe->state != CF_AFTER_NOTHING) {
        add_literal(scribe, &scribe->behind[CF_ROLE_ASSISTANT]);
    }
    scribe->state = CF_AFTER_NOTHING;
}

/* The texts of N turns of one role as one part; turns[k] is number owners[k]. */
struct group {
    const struct cf_turn *turns;
    const size_t *owners;
    size_t n;
    enum cf_role role;
};

static void add_group(struct cf_scribe *scribe, const struct group *group,
                      const struct cf_window *window)
{
    static const struct cf_window whole = {.start = 0};
    enum cf_role role = group->role;
    bool is_reply = role == CF_ROLE_ASSISTANT;
    if (!scribe->has_part[role]) {
        return;
    }
    if (!is_reply) {
        close_exchange(scribe);
        add_literal(scribe, &scribe->before[role]);
    } else if (scribe->state == CF_AFTER_NOTHING) {
        add_literal(scribe, &scribe->before[CF_ROLE_USER]);
        add_literal(scribe, &scribe->behind[CF_ROLE_USER]);
    }
    for (size_t i = 0; i < group->n; i++) {
        size_t number = group->owners[i];
        const struct cf_turn *turn = &group->turns[number];
        const struct cf_window *cut = number == window->start ? window : &whole;
        if (i > 0) {
            add_text(scribe, "\n\n", 2, -1);
        }
        if (is_reply) {
            add_reply(scribe, turn, (int32_t)number, cut, i == 0);
        } else {
            size_t size = turn->size - cut->cut_size;
            const char *text = cf_scribe_trim(scribe, turn->text + cut->cut_size, &size);
            add_text(scribe, text, size, (int32_t)number);
        }
    }
    if (!is_reply) {
        add_literal(scribe, &scribe->behind[role]);
    }
    scribe->state = is_reply               ? CF_AFTER_REPLY
                    : role == CF_ROLE_USER ? CF_AFTER_CUE
                                           : CF_AFTER_NOTHING;
}

void cf_scribe_write(struct cf_scribe *scribe, const char *system, const struct cf_turn *turns,
                     size_t n_turns, const struct cf_window *window)
{
    cf_ids_truncate(&scribe->ids, 0);
    cf_ids_truncate(&scribe->owners, 0);
    cf_buf_clear(&scribe->run);
    scribe->n_spans = 0;
    scribe->state = CF_AFTER_NOTHING;
    if (cf_tokenizer_adds_bos(scribe->tokenizer) && cf_tokenizer_bos(scribe->tokenizer) >= 0) {
        add_id(scribe, cf_tokenizer_bos(scribe->tokenizer), -1);
    }
    if (system != NULL && scribe->has_part[CF_ROLE_SYSTEM]) {
        size_t size = strlen(system);
        const char *text = cf_scribe_trim(scribe, system, &size);
        if (size > 0) {
            add_literal(scribe, &scribe->before[CF_ROLE_SYSTEM]);
            add_text(scribe, text, size, -1);
            add_literal(scribe, &scribe->behind[CF_ROLE_SYSTEM]);
        }
    }
    size_t *owners = cf_calloc(n_turns, sizeof *owners);
    struct group group = {.turns = turns, .owners = owners};
    size_t first = window->first_pinned < window->start ? window->first_pinned : window->start;
    for (size_t i = first; i < n_turns; i++) {
        if (i < window->start && !turns[i].is_pinned) {
            continue;
        }
        if (group.n > 0 && turns[i].role != group.role) {
            add_group(scribe, &group, window);
            group.n = 0;
        }
        group.role = turns[i].role;
        owners[group.n++] = i;
    }
    if (group.n > 0) {
        add_group(scribe, &group, window);
    }
    free(owners);
    end_run(scribe);
}

static int32_t count_literal(const struct cf_scribe *scribe, const struct cf_literal *literal)
{
    struct cf_ids ids = {.n = 0};
    for (size_t i = 0; i < literal->n; i++) {
        if (literal->stretches[i].special >= 0) {
            cf_ids_add(&ids, literal->stretches[i].special);
        } else {
            cf_tokenizer_encode(scribe->tokenizer, literal->stretches[i].text,
                                literal->stretches[i].size, &ids);
        }
    }
    int32_t n = (int32_t)ids.n;
    cf_ids_release(&ids);
    return n;
}

int32_t cf_scribe_overhead(const struct cf_scribe *scribe, enum cf_role role)
{
    return count_literal(scribe, &scribe->before[role]) +
           count_literal(scribe, &scribe->behind[role]);
}
