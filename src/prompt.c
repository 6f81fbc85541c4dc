/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "prompt_scribe.h"
#include "text.h"

/* Fewer positions than this for a turn's text are no room. */
enum { MIN_ROOM = 8 };

/* What is being built, and what is known of its sizes. */
struct build {
    struct cf_scribe scribe;
    const char *system;
    const struct cf_turn *turns;
    size_t n_turns;
    struct cf_prompt_budget budget;
    int32_t n_reserved;
    int32_t limit;    /* ids that the sequence may have */
    int32_t n_system; /* ids of the system part and what begins a text */
    int32_t *costs;   /* [n_turns] about how many ids a turn takes; from FIRST_KNOWN on */
    size_t first_known;
    size_t last_unit; /* the first turn of what has to be there: the last message, and the reply to
                         it when that is to be continued */
    struct cf_window window;
};

void cf_prompt_release(struct cf_prompt *prompt)
{
    cf_ids_release(&prompt->ids);
    cf_ids_release(&prompt->owners);
    cf_texts_release(&prompt->missing);
    *prompt = CF_PROMPT_INIT;
}

static int32_t count_ids(const struct build *build, const char *text, size_t size)
{
    struct cf_ids ids = {.n = 0};
    cf_tokenizer_encode(build->scribe.tokenizer, text, size, &ids);
    int32_t n = ids.n < INT32_MAX / 4 ? (int32_t)ids.n : INT32_MAX / 4;
    cf_ids_release(&ids);
    return n;
}

/* About how many ids a text takes; of one that is far too long only the end is looked at. */
static int32_t cost_of_text(const struct build *build, const char *text, size_t size)
{
    size_t much = (size_t)build->limit * 16;
    if (size > much) {
        int32_t n = count_ids(build, text + size - much, much);
        if (n > build->limit) {
            return n;
        }
    }
    return count_ids(build, text, size);
}

static int32_t cost_of_turn(const struct build *build, const struct cf_turn *turn)
{
    struct cf_buf rest = CF_BUF_INIT;
    int32_t n = cf_scribe_own_ids(&build->scribe, turn, &rest);
    if (n > 0) {
        n += count_ids(build, rest.data, rest.size);
    } else {
        size_t size = turn->size;
        const char *text = cf_scribe_trim(&build->scribe, turn->text, &size);
        n = cost_of_text(build, text, size);
    }
    cf_buf_release(&rest);
    return n + cf_scribe_overhead(&build->scribe, turn->role);
}

/* Learns what the turns cost, from the last one back until no more can fit. */
static void learn_costs(struct build *build)
{
    build->costs = cf_calloc(build->n_turns, sizeof *build->costs);
    int64_t sum = 0;
    size_t i = build->n_turns;
    /* Where texts meet they may take fewer tokens than alone, but not half as many. */
    while (i > 0 && sum <= 2 * (int64_t)build->limit) {
        i--;
        build->costs[i] = cost_of_turn(build, &build->turns[i]);
        sum += build->costs[i];
    }
    build->first_known = i;
}

/* Whether the turns from START on may fit: no means no. */
static bool may_fit(const struct build *build, size_t start)
{
    int64_t sum = 0;
    for (size_t i = start; i < build->n_turns && start >= build->first_known; i++) {
        sum += build->costs[i];
    }
    return start >= build->first_known && sum <= 2 * (int64_t)build->limit;
}

static void find_last_unit(struct build *build)
{
    size_t i = build->n_turns;
    while (i > 0 && build->turns[i - 1].role == CF_ROLE_ASSISTANT) {
        i--;
    }
    while (i > 0 && build->turns[i - 1].role == CF_ROLE_USER) {
        i--;
    }
    bool has_message = i < build->n_turns;
    build->last_unit = has_message ? i : (build->n_turns > 0 ? build->n_turns - 1 : 0);
}

static int32_t write_window(struct build *build)
{
    cf_scribe_write(&build->scribe, build->system, build->turns, build->n_turns, &build->window);
    return (int32_t)build->scribe.ids.n;
}

static bool fits_from(struct build *build, size_t start)
{
    build->window = (struct cf_window){.start = start};
    return may_fit(build, start) && write_window(build) <= build->limit;
}

/* Whether a window may begin here: at a message, not within a group of them. */
static bool is_beginning(const struct build *build, size_t i)
{
    return build->turns[i].role == CF_ROLE_USER &&
           (i == 0 || build->turns[i - 1].role != CF_ROLE_USER);
}

/* The first turn behind AFTER from which at most MOST ids remain, by their costs; the last unit
 * when there is none before it. */
static size_t find_start(const struct build *build, size_t after, int32_t most)
{
    size_t found = build->last_unit;
    int64_t sum = 0;
    for (size_t i = build->n_turns; i > build->first_known && i > after + 1; i--) {
        sum += build->costs[i - 1];
        if (sum > most) {
            break;
        }
        if (i - 1 < found && is_beginning(build, i - 1)) {
            found = i - 1;
        }
    }
    return found;
}

static size_t next_beginning(const struct build *build, size_t i)
{
    for (i++; i < build->last_unit; i++) {
        if (is_beginning(build, i)) {
            return i;
        }
    }
    return build->last_unit;
}

/* Whether a moved window may begin at START: at most half of the context from there on, so that it
 * stands for a while, or the last unit, however long. */
static bool is_short_from(struct build *build, size_t start)
{
    build->window = (struct cf_window){.start = start, .first_pinned = build->n_turns};
    return may_fit(build, start) &&
           write_window(build) - build->n_system <= build->budget.n_ctx / 2;
}

/* Moves the window on, then leaves out pinned turns, oldest first.  False when even the last unit
 * alone is too long. */
static bool move_window(struct build *build)
{
    size_t start = find_start(build, build->budget.start, build->budget.n_ctx / 2);
    while (start < build->last_unit && !(is_short_from(build, start) && fits_from(build, start))) {
        start = next_beginning(build, start);
    }
    bool fits = fits_from(build, start);
    for (size_t i = 0; !fits && may_fit(build, start) && i < start; i++) {
        if (build->turns[i].is_pinned) {
            build->window.first_pinned = i + 1;
            fits = write_window(build) <= build->limit;
        }
    }
    return fits;
}

/* Cuts the text of the window's first turn so that about N ids of it remain. */
static void cut_text(struct build *build, const struct cf_turn *turn, int32_t n)
{
    struct cf_ids ids = {.n = 0};
    size_t begin = turn->size;
    /* A token has four bytes or so; a text of long ones takes another look. */
    for (size_t much = (size_t)(n + 1) * 8; ids.n < (size_t)n && begin > 0; much *= 16) {
        begin = turn->size > much ? turn->size - much : 0;
        cf_ids_truncate(&ids, 0);
        cf_tokenizer_encode(build->scribe.tokenizer, turn->text + begin, turn->size - begin, &ids);
    }
    size_t cut = begin;
    for (size_t i = 0; i + (size_t)n < ids.n; i++) {
        size_t size = 0;
        (void)cf_tokenizer_piece(build->scribe.tokenizer, ids.data[i], &size);
        cut += size;
    }
    cf_ids_release(&ids);
    while (cut < turn->size && ((unsigned char)turn->text[cut] & 0xC0) == 0x80) {
        cut++; /* not within a character */
    }
    build->window.cut_size = cut;
}

/* Leaves out the first ids of a reply but for about N, not within a character. */
static void cut_reply(struct build *build, const struct cf_turn *turn, int32_t n_own, int32_t n)
{
    int32_t cut = n_own > n ? n_own - n : 0;
    while (cut < n_own) {
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(build->scribe.tokenizer, turn->ids[cut], &size);
        if (size == 0 || ((unsigned char)piece[0] & 0xC0) != 0x80) {
            break;
        }
        cut++;
    }
    size_t bytes = 0;
    for (int32_t i = 0; i < cut; i++) {
        size_t size = 0;
        (void)cf_tokenizer_piece(build->scribe.tokenizer, turn->ids[i], &size);
        bytes += cf_tokenizer_is_special(build->scribe.tokenizer, turn->ids[i]) ? 0 : size;
    }
    build->window.cut_ids = cut;
    build->window.cut_size = bytes < turn->size ? bytes : turn->size;
}

/* Cuts the window's first turn until the sequence has at most TARGET ids.  False when it still has
 * more with nothing left of the turn. */
static bool cut_first(struct build *build, int32_t target)
{
    const struct cf_turn *turn = &build->turns[build->window.start];
    struct cf_buf rest = CF_BUF_INIT;
    int32_t n_own = cf_scribe_own_ids(&build->scribe, turn, &rest);
    cf_buf_release(&rest);
    build->window.cut_size = turn->size;
    build->window.cut_ids = n_own;
    int32_t n_others = write_window(build);
    if (n_others > target) {
        return false;
    }
    /* The seams may take a few more ids than the parts alone. */
    for (int32_t n = target - n_others; n > 0; n--) {
        if (n_own > 0) {
            cut_reply(build, turn, n_own, n);
        } else {
            build->window.cut_ids = 0;
            cut_text(build, turn, n);
        }
        if (write_window(build) <= target) {
            return true;
        }
    }
    build->window.cut_size = turn->size;
    build->window.cut_ids = n_own;
    return write_window(build) <= target;
}

static bool cut_unit(struct build *build, int32_t target)
{
    for (size_t i = build->last_unit; i < build->n_turns; i++) {
        build->window = (struct cf_window){.start = i, .first_pinned = build->n_turns};
        if (cut_first(build, target)) {
            return true;
        }
    }
    return false;
}

/* The last unit alone is too long: its beginning goes, its end stays. */
static enum cf_code cut_last_unit(struct build *build, struct cf_err *err)
{
    /* A reply that is continued needs room to go on; a message gets all that there is. */
    bool is_continued = build->turns[build->n_turns - 1].role == CF_ROLE_ASSISTANT;
    if ((is_continued && cut_unit(build, build->budget.n_ctx / 2)) ||
        cut_unit(build, build->limit)) {
        return CF_OK;
    }
    return cf_err_set(err, CF_ERR_CONTEXT, "the last message has no room in a context of %d tokens",
                      (int)build->budget.n_ctx);
}

static enum cf_code choose_window(struct build *build, struct cf_err *err)
{
    if (build->n_turns == 0) {
        return CF_OK; /* the system part is written */
    }
    learn_costs(build);
    find_last_unit(build);
    if (build->budget.start > build->last_unit) {
        build->budget.start = 0; /* of another conversation, or one that has been cut back */
    }
    if (fits_from(build, 0)) {
        return CF_OK;
    }
    size_t start = build->budget.start;
    if (start > 0 && fits_from(build, start)) {
        return CF_OK;
    }
    return move_window(build) ? CF_OK : cut_last_unit(build, err);
}

/* A reply as long as the room that is kept for one, of some token. */
static void invent_reply(const struct build *build, struct cf_buf *text, struct cf_ids *ids)
{
    int32_t id = 0;
    size_t size = 0;
    const char *piece = cf_tokenizer_piece(build->scribe.tokenizer, id, &size);
    while (cf_tokenizer_is_special(build->scribe.tokenizer, id) || size == 0 ||
           (unsigned char)piece[0] <= ' ' || (unsigned char)piece[0] >= 0x7F) {
        piece = cf_tokenizer_piece(build->scribe.tokenizer, ++id, &size);
    }
    for (int32_t i = 0; i < build->n_reserved; i++) {
        cf_ids_add(ids, id);
        cf_buf_add(text, piece, size);
    }
}

/* Where the window will start when the turns go on with a short message. */
static size_t next_start(const struct build *build, size_t start, bool is_reply_due)
{
    struct build next = *build;
    struct cf_buf text = CF_BUF_INIT;
    struct cf_ids ids = {.n = 0};
    struct cf_turn *turns = cf_calloc(build->n_turns + 2, sizeof *turns);
    memcpy(turns, build->turns, build->n_turns * sizeof *turns);
    if (is_reply_due) {
        invent_reply(build, &text, &ids);
        turns[next.n_turns++] = (struct cf_turn){.role = CF_ROLE_ASSISTANT,
                                                 .text = text.data,
                                                 .size = text.size,
                                                 .ids = ids.data,
                                                 .n_ids = (int32_t)ids.n};
    }
    turns[next.n_turns++] = (struct cf_turn){.role = CF_ROLE_USER, .text = "?", .size = 1};
    next.turns = turns;
    next.budget.start = start;
    next.costs = NULL;
    next.window = (struct cf_window){.start = 0};
    cf_scribe_init(&next.scribe, build->scribe.tokenizer, build->scribe.template);
    enum cf_code code = choose_window(&next, NULL);
    size_t found = code == CF_OK ? next.window.start : build->n_turns;
    free(next.costs);
    cf_scribe_release(&next.scribe);
    cf_ids_release(&ids);
    cf_buf_release(&text);
    free(turns);
    return found < build->n_turns ? found : build->n_turns;
}

/* What the next message will do to the window. */
static void look_ahead(struct build *build, struct cf_prompt *prompt)
{
    prompt->next_start = prompt->start;
    if (build->n_turns > 0) {
        bool is_reply_due = build->turns[build->n_turns - 1].role != CF_ROLE_ASSISTANT;
        int32_t n_about = (int32_t)prompt->ids.n + (is_reply_due ? build->n_reserved : 0) +
                          cf_scribe_overhead(&build->scribe, CF_ROLE_USER) +
                          cf_scribe_overhead(&build->scribe, CF_ROLE_ASSISTANT);
        /* Far from the limit there is nothing to work out: seams take few ids. */
        if (n_about + 2 * MIN_ROOM > build->limit) {
            size_t next = next_start(build, prompt->start, is_reply_due);
            prompt->next_start = next > prompt->start ? next : prompt->start;
        }
    }
    prompt->will_drop = prompt->next_start > prompt->start;
}

static void report(struct build *build, struct cf_prompt *prompt)
{
    const struct cf_window *window = &build->window;
    prompt->start = window->start;
    for (size_t i = 0; i < window->start; i++) {
        bool is_in = build->turns[i].is_pinned && i >= window->first_pinned;
        prompt->n_dropped += !is_in;
        prompt->n_pinned_dropped += build->turns[i].is_pinned && !is_in;
    }
    prompt->is_cut = window->cut_size > 0 || window->cut_ids > 0;
    prompt->cut_turn = prompt->is_cut ? window->start : 0;
    prompt->cut_size = window->cut_size;
    prompt->n_reserved = build->n_reserved;
    int32_t room = build->budget.n_ctx - (int32_t)prompt->ids.n;
    prompt->n_reply = room < build->budget.max_tokens ? room : build->budget.max_tokens;
    prompt->is_system_unused = build->system != NULL && build->system[0] != '\0' &&
                               !build->scribe.has_part[CF_ROLE_SYSTEM];
    look_ahead(build, prompt);
}

/* Names of the form <|name|> in a part that the tokenizer doesn't know. */
static void find_missing(struct cf_texts *missing, const struct cf_tokenizer *tokenizer,
                         const char *part)
{
    for (const char *at = part; at != NULL && (at = strstr(at, "<|")) != NULL; at += 2) {
        const char *end = strstr(at + 2, "|>");
        size_t size = end != NULL ? (size_t)(end - at) + 2 : 0;
        if (size == 0 || size > 64 || memchr(at, ' ', size) != NULL ||
            cf_tokenizer_special_find(tokenizer, at, size) >= 0) {
            continue;
        }
        char *name = cf_memdup_str(at, size);
        bool is_known = false;
        for (size_t i = 0; i < missing->n; i++) {
            is_known = is_known || strcmp(missing->items[i], name) == 0;
        }
        if (!is_known) {
            cf_texts_add(missing, name);
        }
        free(name);
    }
}

/* A sequence needs a token to begin with. */
static enum cf_code begin_text(struct build *build, struct cf_err *err)
{
    if (build->scribe.ids.n > 0) {
        return CF_OK;
    }
    int32_t id = cf_tokenizer_bos(build->scribe.tokenizer);
    id = id >= 0 ? id : cf_tokenizer_eos(build->scribe.tokenizer);
    if (id < 0) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "there is nothing to say to the model: no text at all");
    }
    cf_ids_add(&build->scribe.ids, id);
    cf_ids_add(&build->scribe.owners, -1);
    return CF_OK;
}

static enum cf_code check_system(struct build *build, struct cf_err *err)
{
    static const struct cf_window nothing = {.start = 0};
    cf_scribe_write(&build->scribe, build->system, NULL, 0, &nothing);
    build->n_system = (int32_t)build->scribe.ids.n;
    int32_t least = cf_scribe_overhead(&build->scribe, CF_ROLE_USER) + MIN_ROOM;
    if (build->n_system + least <= build->limit) {
        return CF_OK;
    }
    if (build->n_system == 0) {
        return cf_err_set(err, CF_ERR_CONTEXT,
                          "a context of %d tokens has no room for a message and a reply",
                          (int)build->budget.n_ctx);
    }
    return cf_err_set(err, CF_ERR_CONTEXT,
                      "the system prompt takes %d of the context's %d tokens and leaves no room; "
                      "make it shorter",
                      (int)build->n_system, (int)build->budget.n_ctx);
}

enum cf_code cf_prompt_build(struct cf_prompt *prompt, const struct cf_tokenizer *tokenizer,
                             const struct cf_template *template, const char *system,
                             const struct cf_turn *turns, size_t n_turns,
                             const struct cf_prompt_budget *budget, struct cf_err *err)
{
    struct build build = {.system = system, .turns = turns, .n_turns = n_turns, .budget = *budget};
    int32_t quarter = budget->n_ctx / 4;
    build.n_reserved = budget->max_tokens < quarter ? budget->max_tokens : quarter;
    build.n_reserved = build.n_reserved > 0 ? build.n_reserved : 1;
    build.limit = budget->n_ctx - build.n_reserved;
    cf_scribe_init(&build.scribe, tokenizer, template);
    enum cf_code code = check_system(&build, err);
    if (code == CF_OK) {
        code = choose_window(&build, err);
    }
    if (code == CF_OK) {
        code = begin_text(&build, err);
    }
    if (code == CF_OK) {
        cf_prompt_release(prompt);
        prompt->ids = build.scribe.ids;
        prompt->owners = build.scribe.owners;
        build.scribe.ids = (struct cf_ids){.n = 0};
        build.scribe.owners = (struct cf_ids){.n = 0};
        find_missing(&prompt->missing, tokenizer, template->system);
        find_missing(&prompt->missing, tokenizer, template->user);
        find_missing(&prompt->missing, tokenizer, template->assistant);
        report(&build, prompt);
    }
    free(build.costs);
    cf_scribe_release(&build.scribe);
    return code;
}
