/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching: what is found, what is not, and how it is shown. */
#include "store_test.h"

#include <time.h>

#include "store_query.h"
#include "store_words.h"

struct fixture {
    struct place place;
    struct cf_store *store;
    int64_t conversation;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    place_init(&f->place);
    f->store = open_store(&f->place);
    f->conversation = new_conversation(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cf_store_close(f->store);
    place_release(&f->place);
    free(f);
    return 0;
}

static int64_t add(struct fixture *f, const char *text)
{
    return add_text(f->store, f->conversation, 0, CF_ROLE_USER, text);
}

/* How many messages the query finds; at most one page. */
static size_t count(struct fixture *f, const char *query)
{
    const struct cf_search search = {.query = query};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    size_t n = hits.n;
    cf_hits_release(&hits);
    return n;
}

/* The snippet of the first hit with [marks]; "…" where it is cut. */
static void assert_snippet(struct fixture *f, const char *query, const char *wanted)
{
    const struct cf_search search = {.query = query};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    assert_true(hits.n > 0);
    const struct cf_hit *hit = &hits.items[0];
    struct cf_buf shown = CF_BUF_INIT;
    cf_buf_add_str(&shown, hit->is_cut_before ? "…" : "");
    size_t at = 0;
    for (size_t i = 0; i < hit->n_marks; i++) {
        assert_true(hit->marks[i].begin >= at && hit->marks[i].end > hit->marks[i].begin);
        cf_buf_add(&shown, hit->snippet + at, hit->marks[i].begin - at);
        cf_buf_add_char(&shown, '[');
        cf_buf_add(&shown, hit->snippet + hit->marks[i].begin,
                   hit->marks[i].end - hit->marks[i].begin);
        cf_buf_add_char(&shown, ']');
        at = hit->marks[i].end;
    }
    assert_true(at <= hit->snippet_size);
    cf_buf_add(&shown, hit->snippet + at, hit->snippet_size - at);
    cf_buf_add_str(&shown, hit->is_cut_after ? "…" : "");
    assert_string_equal(shown.data, wanted);
    cf_buf_release(&shown);
    cf_hits_release(&hits);
}

static void assert_words(const char *text, size_t size, const char *wanted)
{
    struct cf_buf words = CF_BUF_INIT;
    cf_words_add(&words, text, size);
    assert_string_equal(words.data, wanted);
    cf_buf_release(&words);
}

#define WORDS(text, wanted) assert_words((text), sizeof(text) - 1, (wanted))

static void words__of_many_scripts__are_folded(void **state)
{
    (void)state;
    WORDS("", "");
    WORDS(" ,.;\n", "");
    WORDS("Don't PANIC 42", "don t panic 42");
    WORDS("Crème BRÛLÉE, naïve", "creme brulee naive");
    WORDS("cre\xcc\x80me", "creme"); /* e and a combining grave */
    WORDS("Straße STRASSE", "strasse strasse");
    WORDS("ﬁne Ｆｕｌｌ ｗｉｄｔｈ", "fine full width");
    WORDS("我在学 AI！", "我 在 学 ai");
    WORDS("カタカナ ｶﾞ", "カ タ カ ナ ガ");
    WORDS("が", "が"); /* not か */
    WORDS("แมว", "แ ม ว");
    WORDS("ก็ดี", "ก็ ดี");
    WORDS("한국어 단어", "한국어 단어");
    WORDS("हिन्दी", "हिन्दी");
    WORDS("שָׁלוֹם", "שלום");
    WORDS("مُحَمَّد", "محمد");
    WORDS("ΣΊΣΥΦΟΣ ς", "σισυφοσ σ");
    WORDS("Ёлка", "елка");
    WORDS("tea🍵time", "tea 🍵 time");
    WORDS("a\0b\xff\xfe"
          "c\xe6\x88",
          "a b c");
    WORDS("\xcc\x81", ""); /* a mark alone */
}

static void words__of_any_bytes__keep_their_places(void **state)
{
    (void)state;
    uint32_t random = 1;
    char text[400];
    static const char *const pieces[] = {"a", "Z", " ",    "é", "我", "\xff", "ก็", "\xcc\x81", "🍵",
                                         "ß", "ﬁ", "\xe6", "-", "7",  "が",   "½", "\0",       "ß"};
    for (int round = 0; round < 300; round++) {
        size_t size = 0;
        while (size < 300) {
            random = random * 1664525U + 1013904223U;
            const char *piece = pieces[(random >> 16) % CF_ARRAY_SIZE(pieces)];
            size_t length = *piece != '\0' ? strlen(piece) : 1;
            memcpy(text + size, piece, length);
            size += length;
        }
        struct cf_words words;
        cf_words_init(&words, text, size);
        size_t at = 0;
        while (cf_words_next(&words)) {
            assert_true(words.word.size > 0 && words.word.size <= CF_WORD_MAX + CF_WORDS_UNIT_SIZE);
            assert_true(words.begin < words.end && words.end <= size);
            assert_true(words.begin >= at || words.begin + 8 > at); /* a ligature gives several */
            at = words.begin;
            /* Folding what is folded changes nothing. */
            struct cf_buf again = CF_BUF_INIT;
            cf_words_add(&again, words.word.data, words.word.size);
            assert_string_equal(again.data, words.word.data);
            cf_buf_release(&again);
        }
        cf_words_release(&words);
    }
}

static void search__chinese__finds_one_and_two_characters(void **state)
{
    struct fixture *f = *state;
    add(f, "我正在学习人工智能。");
    add(f, "人力资源");
    assert_int_equal(count(f, "人"), 2);
    assert_int_equal(count(f, "学习"), 1);
    assert_int_equal(count(f, "习学"), 0);
    assert_int_equal(count(f, "人工智能"), 1);
    assert_int_equal(count(f, "人 智"), 1);
    assert_int_equal(count(f, "人能"), 0);
    assert_int_equal(count(f, "\"人工\""), 1);
    assert_snippet(f, "学习", "我正在[学习]人工智能。");
    assert_snippet(f, "人工 能", "我正在学习[人工]智[能]。");
}

static void search__latin__finds_words_and_no_parts(void **state)
{
    struct fixture *f = *state;
    add(f, "strings to concatenate");
    add(f, "The cat, a CAT and two cats.");
    add(f, "Crème brûlée for the naïve");
    assert_int_equal(count(f, "cat"), 1);
    assert_int_equal(count(f, "CAT"), 1);
    assert_int_equal(count(f, "cat*"), 1);
    assert_int_equal(count(f, "concat*"), 1);
    assert_int_equal(count(f, "creme"), 1);
    assert_int_equal(count(f, "CRÈME"), 1);
    assert_int_equal(count(f, "brulee naive"), 1);
    assert_int_equal(count(f, "\"two cats\""), 1);
    assert_int_equal(count(f, "\"cats two\""), 0);
    assert_int_equal(count(f, "“two cats”"), 1);
    assert_int_equal(count(f, "\"two ca\"*"), 1);
    assert_int_equal(count(f, "\"two ca\""), 0);
    assert_snippet(f, "cat*", "The [cat], a [CAT] and two [cats].");
    assert_snippet(f, "creme", "[Crème] brûlée for the naïve");
    assert_snippet(f, "\"two cats\" the", "[The] cat, a CAT and [two cats].");
}

static void search__emoji_and_mixed__are_found(void **state)
{
    struct fixture *f = *state;
    add(f, "a cup of 🍵 please");
    add(f, "GPT模型很好");
    assert_int_equal(count(f, "🍵"), 1);
    assert_int_equal(count(f, "gpt模型"), 1);
    assert_int_equal(count(f, "gpt"), 1);
    assert_snippet(f, "🍵", "a cup of [🍵] please");
}

static void search__syntax_of_fts__is_text(void **state)
{
    struct fixture *f = *state;
    add(f, "words AND or NOT near things");
    static const char *const queries[] = {
        "AND",
        "OR",
        "NOT",
        "near",
        "NEAR(words things)",
        "words AND",
        "words:",
        "{words}: things",
        "^words",
        "words + things",
        "(words",
        "words)",
        "\"words",
        "wor*ds\"",
        "-words",
        "a\"b\"c",
        "words*things*",
        "search:words",
        "'; DROP TABLE message; --",
        "\" OR 1=1 *",
        "* words",
        "\\\"words",
        "words \"\"",
        "%words%",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(queries); i++) {
        const struct cf_search search = {.query = queries[i]};
        struct cf_hits hits = {.n = 0};
        assert_ok(cf_store_search(&hits, f->store, &search, err));
        cf_hits_release(&hits);
    }
    assert_int_equal(count(f, "AND NOT"), 1);
    assert_int_equal(count(f, "words OR"), 1);
    assert_int_equal(count(f, "words nothing"), 0);
    static const char *const empty[] = {"", "  ", "\"\"", "*", "!?", "\"*\" - ()"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(empty); i++) {
        const struct cf_search search = {.query = empty[i]};
        struct cf_hits hits;
        assert_code(CF_ERR_USAGE, cf_store_search(&hits, f->store, &search, err));
    }
    struct cf_buf many = CF_BUF_INIT;
    for (int i = 0; i <= CF_QUERY_ITEMS_MAX; i++) {
        cf_buf_add_str(&many, "word ");
    }
    const struct cf_search search = {.query = many.data};
    struct cf_hits hits;
    assert_code(CF_ERR_TOO_LARGE, cf_store_search(&hits, f->store, &search, err));
    cf_buf_release(&many);
    assert_sound(f->store);
}

static void search__filters__hold(void **state)
{
    struct fixture *f = *state;
    struct cf_message_spec spec = {.conversation = f->conversation,
                                   .role = CF_ROLE_ASSISTANT,
                                   .text = "tea",
                                   .size = 3,
                                   .created_ms = 5000};
    int64_t old = 0;
    assert_ok(cf_store_message_add(&old, f->store, &spec, err));
    int64_t mine = add(f, "tea");
    int64_t other = new_conversation(f->store);
    int64_t there = add_text(f->store, other, 0, CF_ROLE_USER, "tea");
    const struct {
        struct cf_search search;
        size_t n;
        int64_t first;
    } cases[] = {
        {{.query = "tea"}, 3, 0},
        {{.query = "tea", .has_role = true, .role = CF_ROLE_ASSISTANT}, 1, old},
        {{.query = "tea", .since_ms = 5001, .conversation = f->conversation}, 1, mine},
        {{.query = "tea", .since_ms = 5000}, 3, 0},
        {{.query = "tea", .conversation = other}, 1, there},
        {{.query = "tea", .limit = 2}, 2, 0},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_hits hits;
        assert_ok(cf_store_search(&hits, f->store, &cases[i].search, err));
        assert_int_equal(hits.n, cases[i].n);
        assert_int_equal(hits.has_more, cases[i].search.limit == 2);
        if (cases[i].first != 0) {
            assert_int_equal(hits.items[0].message, cases[i].first);
        }
        cf_hits_release(&hits);
    }
    /* The trash is not found; what comes back is. */
    assert_ok(cf_store_message_delete(f->store, mine, err));
    assert_int_equal(count(f, "tea"), 2);
    assert_ok(cf_store_conversation_delete(f->store, other, err));
    assert_int_equal(count(f, "tea"), 1);
    assert_ok(cf_store_conversation_restore(f->store, other, err));
    assert_ok(cf_store_message_restore(f->store, mine, err));
    assert_int_equal(count(f, "tea"), 3);
}

static void search__reply__is_found_when_it_ends(void **state)
{
    struct fixture *f = *state;
    int64_t question = add(f, "question");
    int64_t reply = begin_reply(f->store, f->conversation, question);
    const struct cf_reply_state half = reply_text("oolong");
    assert_ok(cf_store_reply_save(f->store, reply, &half, err));
    assert_int_equal(count(f, "oolong"), 0);
    finish_reply(f->store, reply, "oolong and sencha");
    assert_int_equal(count(f, "oolong"), 1);
    assert_ok(cf_store_reply_resume(f->store, reply, err));
    finish_reply(f->store, reply, "oolong and sencha, matcha");
    assert_int_equal(count(f, "oolong"), 1);
    assert_int_equal(count(f, "matcha"), 1);
    assert_sound(f->store);
}

static void search__ranking__prefers_what_is_about_it(void **state)
{
    struct fixture *f = *state;
    int64_t best = add(f, "tea tea tea");
    add(f, "tea is mentioned once in this longer message about coffee and the weather of today");
    add(f, "coffee");
    const struct cf_search search = {.query = "tea"};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    assert_int_equal(hits.n, 2);
    assert_int_equal(hits.items[0].message, best);
    assert_true(hits.items[0].score < hits.items[1].score);
    assert_false(hits.is_limited);
    cf_hits_release(&hits);
}

static void snippet__of_a_long_text__is_cut_at_words(void **state)
{
    struct fixture *f = *state;
    struct cf_buf text = CF_BUF_INIT;
    for (int i = 0; i < 100; i++) {
        cf_buf_addf(&text, "filler%d ", i);
    }
    cf_buf_add_str(&text, "the needle is here ");
    for (int i = 0; i < 100; i++) {
        cf_buf_addf(&text, "filler%d ", i);
    }
    add(f, text.data);
    const struct cf_search search = {.query = "needle"};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    const struct cf_hit *hit = &hits.items[0];
    assert_true(hit->is_cut_before && hit->is_cut_after);
    assert_true(hit->snippet_size <= 240);
    assert_memory_equal(hit->snippet, "filler", 6);
    assert_int_equal(hit->n_marks, 1);
    assert_memory_equal(hit->snippet + hit->marks[0].begin, "needle", 6);
    cf_hits_release(&hits);
    /* Text without a blank, whose characters have three bytes, is cut between them. */
    cf_buf_clear(&text);
    for (int i = 0; i < 300; i++) {
        cf_buf_add_str(&text, i == 150 ? "针" : "草");
    }
    add(f, text.data);
    const struct cf_search chinese = {.query = "针"};
    assert_ok(cf_store_search(&hits, f->store, &chinese, err));
    hit = &hits.items[0];
    assert_int_equal(hit->snippet_size % 3, 0);
    assert_int_equal(hit->n_marks, 1);
    assert_memory_equal(hit->snippet + hit->marks[0].begin, "针", 3);
    cf_hits_release(&hits);
    cf_buf_release(&text);
}

static void search__of_more_than_is_ranked__says_so(void **state)
{
    struct fixture *f = *state;
    /* One long branch is as good as many conversations; one transaction would be quicker, but the
     * header has none: a copy of a branch makes many messages at once. */
    int64_t leaf = 0;
    for (int i = 0; i < 110; i++) {
        leaf = add_text(f->store, f->conversation, leaf, CF_ROLE_USER, "tea");
    }
    for (int i = 0; i < 46; i++) {
        int64_t fork = 0;
        assert_ok(cf_store_fork(&fork, f->store, leaf, err));
    }
    const struct cf_search search = {.query = "tea", .limit = 10};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    assert_int_equal(hits.n, 10);
    assert_true(hits.is_limited);
    assert_true(hits.has_more);
    /* All rank the same: the newest come first. */
    assert_true(hits.items[0].message > hits.items[1].message);
    cf_hits_release(&hits);
}

static void search__cancelled__ends(void **state)
{
    struct fixture *f = *state;
    int64_t leaf = 0;
    for (int i = 0; i < 50; i++) {
        leaf = add_text(f->store, f->conversation, leaf, CF_ROLE_USER, "tea");
    }
    for (int i = 0; i < 30; i++) {
        int64_t fork = 0;
        assert_ok(cf_store_fork(&fork, f->store, leaf, err));
    }
    atomic_bool cancel = true;
    cf_store_set_cancel(f->store, &cancel);
    const struct cf_search search = {.query = "tea"};
    struct cf_hits hits;
    assert_code(CF_ERR_CANCELLED, cf_store_search(&hits, f->store, &search, err));
    atomic_store(&cancel, false);
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    cf_hits_release(&hits);
    cf_store_set_cancel(f->store, NULL);
}

/* 2026-11-24 14:20 UTC, a Tuesday. */
#define NOW_MS INT64_C(1795530000000)

static void filter__dates__are_days_months_years_and_spans(void **state)
{
    (void)state;
    int64_t begin = 0;
    int64_t end = 0;
    const int64_t day = 86400000;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    assert_true(cf_store_read_date("2026-11-24", NOW_MS, &begin, &end));
    assert_int_equal(begin, INT64_C(1795478400000));
    assert_int_equal(end - begin, day);
    assert_true(cf_store_read_date("today", NOW_MS, &begin, &end));
    assert_int_equal(begin, INT64_C(1795478400000));
    assert_true(cf_store_read_date("yesterday", NOW_MS, &begin, &end));
    assert_int_equal(end, INT64_C(1795478400000));
    assert_int_equal(end - begin, day);
    assert_true(cf_store_read_date("2024-02", NOW_MS, &begin, &end));
    assert_int_equal(end - begin, 29 * day);
    assert_true(cf_store_read_date("2024", NOW_MS, &begin, &end));
    assert_int_equal(end - begin, 366 * day);
    assert_true(cf_store_read_date("2w", NOW_MS, &begin, &end));
    assert_int_equal(begin, INT64_C(1795478400000) - 14 * day);
    const char *const none[] = {"",   "2026-13", "2026-02-30", "20260101", "d",
                                "3x", "now",     "3dd",        "x2026-1",  "20266"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(none); i++) {
        if (cf_store_read_date(none[i], NOW_MS, &begin, &end)) {
            fail_msg("%s", none[i]);
        }
    }
}

static void filter__parse__takes_filters_out_of_the_words(void **state)
{
    (void)state;
    static const struct {
        const char *query, *words, *title;
    } cases[] = {
        {"tea", "tea", NULL},
        {" tea  rain ", "tea rain", NULL},
        {"role:user tea", "tea", NULL},
        {"tea title:\"in the rain\" cold title:x", "tea cold", "in the rain x"},
        {"\"role:user\"* tea", "\"role:user\"* tea", NULL}, /* quoted: words */
        {"role: tea", "role: tea", NULL},                   /* no value: words */
        {"http://x title:", "http://x title:", NULL},
        {"TITLE:Tea", "", "Tea"},
        {"title:\"open", "", "open"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_search search = {.limit = 5};
        struct cf_search_text text;
        assert_ok(cf_search_parse(&search, &text, cases[i].query, NOW_MS, err));
        assert_string_equal(search.query, cases[i].words);
        assert_string_equal(search.title != NULL ? search.title : "-",
                            cases[i].title != NULL ? cases[i].title : "-");
        cf_search_text_release(&text);
    }
    const char *const wrong[] = {"role:nobody", "since:20", "tea date:tomorrow", "until:2026-99"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(wrong); i++) {
        struct cf_search search = {.limit = 5};
        struct cf_search_text text;
        assert_code(CF_ERR_USAGE, cf_search_parse(&search, &text, wrong[i], NOW_MS, err));
    }
}

static size_t n_found(struct fixture *f, const char *query)
{
    struct cf_search search = {.limit = 50};
    struct cf_search_text text;
    struct cf_hits hits;
    assert_ok(cf_search_parse(&search, &text, query, (int64_t)time(NULL) * 1000, err));
    assert_ok(cf_store_search(&hits, f->store, &search, err));
    size_t n = hits.n;
    cf_hits_release(&hits);
    cf_search_text_release(&text);
    return n;
}

static void search__with_filters__finds_less(void **state)
{
    struct fixture *f = *state;
    int64_t other = new_conversation(f->store);
    int64_t user = add_text(f->store, f->conversation, 0, CF_ROLE_USER, "tea in the rain");
    (void)add_text(f->store, f->conversation, user, CF_ROLE_ASSISTANT, "hot tea");
    (void)add_text(f->store, other, 0, CF_ROLE_USER, "tea again");
    assert_ok(cf_store_conversation_rename(f->store, other, "Über Kräuter \u5929\u6c14", err));
    assert_int_equal(n_found(f, "tea"), 3);
    assert_int_equal(n_found(f, "tea role:model"), 1);
    assert_int_equal(n_found(f, "tea title:uber"), 1);
    assert_int_equal(n_found(f, "tea title:\u5929"), 1);
    assert_int_equal(n_found(f, "tea title:krauter role:model"), 0);
    assert_int_equal(n_found(f, "tea since:today"), 3);
    assert_int_equal(n_found(f, "tea before:today"), 0);
    assert_int_equal(n_found(f, "tea until:today"), 3);
    assert_int_equal(n_found(f, "tea date:2020"), 0);
    /* Filters alone: the newest; with a title, one of each conversation. */
    assert_int_equal(n_found(f, "role:user"), 2);
    assert_int_equal(n_found(f, "since:today"), 3);
    assert_int_equal(n_found(f, "title:uber"), 1);
    assert_int_equal(n_found(f, "title:\"tea in\""), 1);
    assert_int_equal(n_found(f, "title:nothing"), 0);
    assert_ok(cf_store_conversation_delete(f->store, other, err));
    assert_int_equal(n_found(f, "title:uber"), 0);
    assert_int_equal(n_found(f, "role:user"), 1);
}

static void query__find__marks_what_matches(void **state)
{
    (void)state;
    struct cf_span spans[4];
    bool has_all = false;
    const char *text = "The Caf\u00e9 by the caf\u00e9teria; a cafe. \u4e0b\u96e8";
    assert_int_equal(cf_query_find(spans, 4, &has_all, "cafe", text, strlen(text)), 2);
    assert_true(has_all);
    assert_int_equal(spans[0].begin, 4);
    assert_int_equal(spans[0].end, 9);
    assert_int_equal(cf_query_find(spans, 4, &has_all, "cafe* \u96e8", text, strlen(text)), 4);
    assert_true(has_all);
    assert_int_equal(cf_query_find(spans, 1, &has_all, "cafe tea", text, strlen(text)), 1);
    assert_false(has_all);
    assert_int_equal(cf_query_find(spans, 4, &has_all, "", text, strlen(text)), 0);
    assert_false(has_all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words__of_many_scripts__are_folded),
        cmocka_unit_test(words__of_any_bytes__keep_their_places),
        TEST(search__chinese__finds_one_and_two_characters),
        TEST(search__latin__finds_words_and_no_parts),
        TEST(search__emoji_and_mixed__are_found),
        TEST(search__syntax_of_fts__is_text),
        TEST(search__filters__hold),
        TEST(search__reply__is_found_when_it_ends),
        TEST(search__ranking__prefers_what_is_about_it),
        TEST(snippet__of_a_long_text__is_cut_at_words),
        TEST(search__of_more_than_is_ranked__says_so),
        TEST(search__cancelled__ends),
        cmocka_unit_test(filter__dates__are_days_months_years_and_spans),
        cmocka_unit_test(filter__parse__takes_filters_out_of_the_words),
        TEST(search__with_filters__finds_less),
        cmocka_unit_test(query__find__marks_what_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
