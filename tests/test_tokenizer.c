/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer at its header: the ids of the tokenizers library and tiktoken, bytes that come back,
 * streaming, and with ../shared the vocabulary of GPT-2 and the values of llama.cpp. */
#include "test.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>

#include "digest.h"
#include "random.h"
#include "shared.h"
#include "tokenizer.h"

static struct cf_tokenizer *small;
static char **snippets;
static size_t *snippet_sizes;
static size_t n_snippets;

static char *read_fixture(const char *name, size_t *size)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/tokenizer/%s", TEST_SRCDIR, name);
    return test_read_file(path, size);
}

static struct cf_tokenizer *open_fixture(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/tokenizer/%s", TEST_SRCDIR, name);
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_tokenizer_open(&tokenizer, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return tokenizer;
}

static uint32_t word_at(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

typedef void encode_fn(const struct cf_tokenizer *tokenizer, const void *text, size_t size,
                       struct cf_ids *ids);

/* Encodes every case of a fixture and compares; decoding gives the text back. */
static void check_cases(const struct cf_tokenizer *tokenizer, const char *name, encode_fn *encode)
{
    size_t size = 0;
    char *cases = read_fixture(name, &size);
    size_t n_cases = 0;
    for (size_t at = 0; at < size; n_cases++) {
        size_t n_text = word_at(cases + at);
        const char *text = cases + at + 4;
        at += 4 + n_text;
        size_t n_ids = word_at(cases + at);
        const char *expected = cases + at + 4;
        at += 4 + 4 * n_ids;
        struct cf_ids ids = {0};
        struct cf_buf back = CF_BUF_INIT;
        encode(tokenizer, text, n_text, &ids);
        if (ids.n != n_ids ||
            (n_ids > 0 && memcmp(ids.data, expected, n_ids * sizeof *ids.data) != 0)) {
            fail_msg("%s, case %zu \"%.*s\": other ids", name, n_cases, (int)n_text, text);
        }
        cf_tokenizer_decode(tokenizer, ids.data, ids.n, &back);
        assert_int_equal(back.size, n_text);
        assert_memory_equal(back.data, text, n_text);
        cf_buf_release(&back);
        cf_ids_release(&ids);
    }
    assert_true(n_cases > 100);
    free(cases);
}

/* ---- random strings, as make_tokenizer_fixtures.py makes them ---- */

static void add_scalar(struct cf_buf *text, size_t number)
{
    uint32_t code = (uint32_t)(number < 0xD800 ? number : number + 0x800);
    if (code < 0x80) {
        cf_buf_add_char(text, (char)code);
    } else if (code < 0x800) {
        char bytes[] = {(char)(0xC0 | code >> 6), (char)(0x80 | (code & 0x3F))};
        cf_buf_add(text, bytes, sizeof bytes);
    } else if (code < 0x10000) {
        char bytes[] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3F)),
                        (char)(0x80 | (code & 0x3F))};
        cf_buf_add(text, bytes, sizeof bytes);
    } else {
        char bytes[] = {(char)(0xF0 | code >> 18), (char)(0x80 | (code >> 12 & 0x3F)),
                        (char)(0x80 | (code >> 6 & 0x3F)), (char)(0x80 | (code & 0x3F))};
        cf_buf_add(text, bytes, sizeof bytes);
    }
}

static void add_random_string(struct cf_buf *text, uint64_t seed)
{
    struct test_random random = {.state = seed};
    size_t kind = test_random_below(&random, 6);
    size_t n = test_random_below(&random, 60);
    for (size_t i = 0; i < n; i++) {
        size_t way = kind == 5 ? test_random_below(&random, 5) : kind;
        if (way == 0) {
            add_scalar(text, test_random_below(&random, 0x110000 - 0x800));
        } else if (way == 1) {
            add_scalar(text, test_random_below(&random, 0x10000 - 0x800));
        } else if (way == 2) {
            add_scalar(text, test_random_below(&random, 0x34000 - 0x800));
        } else if (way == 3) {
            cf_buf_add_char(text, (char)test_random_below(&random, 128));
        } else {
            size_t at = test_random_below(&random, n_snippets);
            cf_buf_add(text, snippets[at], snippet_sizes[at]);
        }
    }
}

/* What has come out so far is never half a character, and in the end it is the text. */
static void check_streaming(const struct cf_tokenizer *tokenizer, const struct cf_buf *text,
                            const struct cf_ids *ids, bool is_valid)
{
    struct cf_detokenizer state = {0};
    struct cf_buf out = CF_BUF_INIT;
    for (size_t i = 0; i < ids->n; i++) {
        cf_detokenizer_add(&state, tokenizer, ids->data[i], &out);
        assert_true(state.n_held <= 3);
        assert_true(out.size <= text->size);
        if (is_valid) {
            /* The next byte of the text begins a character. */
            assert_int_not_equal((unsigned char)text->data[out.size] & 0xC0, 0x80);
        }
    }
    if (is_valid) {
        assert_int_equal(state.n_held, 0);
    }
    cf_detokenizer_finish(&state, &out);
    assert_int_equal(state.n_held, 0);
    assert_int_equal(out.size, text->size);
    assert_memory_equal(out.data, text->data, text->size);
    cf_buf_release(&out);
}

/* 500 random strings: their ids by digest, their bytes by streaming. */
static void digest_group(const struct cf_tokenizer *tokenizer, uint64_t group,
                         struct cf_digest *digest)
{
    struct cf_sha256 sum;
    struct cf_buf text = CF_BUF_INIT;
    struct cf_ids ids = {0};
    cf_sha256_begin(&sum);
    for (uint64_t seed = 500 * group; seed < 500 * group + 500; seed++) {
        cf_buf_clear(&text);
        cf_ids_truncate(&ids, 0);
        add_random_string(&text, seed);
        cf_tokenizer_encode(tokenizer, text.data, text.size, &ids);
        uint32_t n = (uint32_t)ids.n;
        cf_sha256_add(&sum, &n, sizeof n);
        if (ids.n > 0) {
            cf_sha256_add(&sum, ids.data, ids.n * sizeof *ids.data);
        }
        check_streaming(tokenizer, &text, &ids, true);
    }
    cf_sha256_end(&sum, digest);
    cf_buf_release(&text);
    cf_ids_release(&ids);
}

static void check_digests(const struct cf_tokenizer *tokenizer, const char *name)
{
    size_t size = 0;
    char *lines = read_fixture("digests.txt", &size);
    size_t n_name = strlen(name);
    uint64_t group = 0;
    for (char *line = lines; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strncmp(line, name, n_name) == 0 && line[n_name] == ' ') {
            struct cf_digest expected;
            struct cf_digest digest;
            assert_true(cf_digest_parse(&expected, line + n_name + 1));
            digest_group(tokenizer, group, &digest);
            if (!cf_digest_equal(&digest, &expected)) {
                fail_msg("%s: other ids in group %d", name, (int)group);
            }
            group++;
        }
        line = end + 1;
    }
    assert_int_equal(group, 20);
    free(lines);
}

/* ---- ids ---- */

static void encode__torture__gives_the_same_ids(void **state)
{
    (void)state;
    check_cases(small, "torture.bin", cf_tokenizer_encode);
}

static void encode__special__recognises_their_names(void **state)
{
    (void)state;
    check_cases(small, "special.bin", cf_tokenizer_encode_special);
}

static void encode__gguf__gives_the_same_ids(void **state)
{
    (void)state;
    struct cf_tokenizer *gguf = open_fixture("small.gguf");
    check_cases(gguf, "torture.bin", cf_tokenizer_encode);
    check_cases(gguf, "special.bin", cf_tokenizer_encode_special);
    assert_int_equal(cf_tokenizer_n_vocab(gguf), cf_tokenizer_n_vocab(small));
    assert_int_equal(cf_tokenizer_n_merges(gguf), cf_tokenizer_n_merges(small));
    for (int32_t id = 0; id < cf_tokenizer_n_vocab(small); id++) {
        size_t n_one = 0;
        size_t n_other = 0;
        const char *one = cf_tokenizer_piece(small, id, &n_one);
        const char *other = cf_tokenizer_piece(gguf, id, &n_other);
        assert_int_equal(n_one, n_other);
        assert_memory_equal(one, other, n_one);
        assert_int_equal(cf_tokenizer_kind(small, id), cf_tokenizer_kind(gguf, id));
    }
    cf_tokenizer_free(gguf);
}

static void encode__random_strings__gives_the_same_ids(void **state)
{
    (void)state;
    check_digests(small, "small");
}

static void encode__a_long_word__is_not_quadratic(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    static const char *const words[] = {"a", "ab", "=", " ", "\n", "\xFF", "\xE5\xAD\x97", "<|"};
    char *text = malloc(N);
    assert_non_null(text);
    for (size_t i = 0; i < CF_ARRAY_SIZE(words); i++) {
        size_t n = strlen(words[i]);
        for (size_t at = 0; at < N; at++) {
            text[at] = words[i][at % n];
        }
        struct cf_ids ids = {0};
        struct cf_buf back = CF_BUF_INIT;
        cf_tokenizer_encode(small, text, N, &ids);
        cf_tokenizer_decode(small, ids.data, ids.n, &back);
        assert_int_equal(back.size, N);
        assert_memory_equal(back.data, text, N);
        cf_buf_release(&back);
        cf_ids_release(&ids);
    }
    free(text);
}

/* Where two tokens meet, the pieces before a broken byte are those of the text alone. */
static void encode__broken_bytes__stand_alone(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "\xFF",         "\x80",     "\xC3",         "\xE5\xAD",
        "\xF0\x9F\x99", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"};
    static const char before[] = "license  ";
    static const char after[] = " the end";
    for (size_t i = 0; i < CF_ARRAY_SIZE(broken); i++) {
        struct cf_ids whole = {0};
        struct cf_ids parts = {0};
        struct cf_buf text = CF_BUF_INIT;
        cf_buf_addf(&text, "%s%s%s", before, broken[i], after);
        cf_tokenizer_encode(small, text.data, text.size, &whole);
        cf_tokenizer_encode(small, before, strlen(before), &parts);
        for (const char *byte = broken[i]; *byte != '\0'; byte++) {
            cf_tokenizer_encode(small, byte, 1, &parts);
        }
        cf_tokenizer_encode(small, after, strlen(after), &parts);
        assert_int_equal(whole.n, parts.n);
        assert_memory_equal(whole.data, parts.data, whole.n * sizeof *whole.data);
        check_streaming(small, &text, &whole, false);
        cf_buf_release(&text);
        cf_ids_release(&whole);
        cf_ids_release(&parts);
    }
}

static void decode__random_bytes__gives_every_byte_back(void **state)
{
    (void)state;
    struct test_random random = {.state = 7};
    for (int round = 0; round < 500; round++) {
        struct cf_buf text = CF_BUF_INIT;
        struct cf_ids ids = {0};
        size_t n = test_random_below(&random, 200);
        for (size_t i = 0; i < n; i++) {
            /* Lead and continuation bytes more often than by chance. */
            size_t byte = test_random_below(&random, 256);
            cf_buf_add_char(&text, (char)(round % 2 == 0 ? byte : byte | 0x80));
        }
        cf_tokenizer_encode(small, text.data, text.size, &ids);
        check_streaming(small, &text, &ids, false);
        cf_tokenizer_encode_special(small, text.data, text.size, &ids);
        cf_buf_release(&text);
        cf_ids_release(&ids);
    }
}

/* ---- pieces and special tokens ---- */

static void special__find__knows_exact_names(void **state)
{
    (void)state;
    int32_t end = cf_tokenizer_special_find(small, "<|endoftext|>", 13);
    assert_int_equal(end, cf_tokenizer_eos(small));
    assert_int_equal(end, cf_tokenizer_bos(small));
    assert_true(cf_tokenizer_is_special(small, end));
    assert_true(cf_tokenizer_is_end(small, end));
    assert_false(cf_tokenizer_is_end(small, end + 1));
    assert_false(cf_tokenizer_is_end(small, -1));
    assert_false(cf_tokenizer_adds_bos(small));
    assert_int_equal(cf_tokenizer_special_find(small, "<|endoftext|>", 12), -1);
    assert_int_equal(cf_tokenizer_special_find(small, "<|endoftext|> ", 14), -1);
    assert_int_equal(cf_tokenizer_special_find(small, "", 0), -1);
    assert_int_equal(cf_tokenizer_special_find(small, "a", 1), -1);
    /* An added word is no special token. */
    assert_int_equal(cf_tokenizer_special_find(small, "[tool]", 6), -1);
    assert_int_equal(cf_tokenizer_kind(small, cf_tokenizer_n_vocab(small) - 1), CF_TOKEN_ADDED);
}

static void piece__any_id__is_checked(void **state)
{
    (void)state;
    static const int32_t outside[] = {-1, INT32_MIN, INT32_MAX};
    size_t size = 1;
    for (size_t i = 0; i < CF_ARRAY_SIZE(outside); i++) {
        assert_null(cf_tokenizer_piece(small, outside[i], &size));
        assert_int_equal(size, 0);
        assert_int_equal(cf_tokenizer_kind(small, outside[i]), CF_TOKEN_NONE);
        assert_false(cf_tokenizer_is_special(small, outside[i]));
    }
    assert_null(cf_tokenizer_piece(small, cf_tokenizer_n_vocab(small), &size));
    const char *piece = cf_tokenizer_piece(small, cf_tokenizer_eos(small), &size);
    assert_int_equal(size, 13);
    assert_memory_equal(piece, "<|endoftext|>", 13);
    struct cf_buf bytes = CF_BUF_INIT;
    int32_t ids[] = {-5, cf_tokenizer_eos(small), INT32_MAX};
    cf_tokenizer_decode(small, ids, 3, &bytes);
    assert_string_equal(bytes.data, "<|endoftext|>");
    cf_buf_release(&bytes);
}

static void detokenizer__add__passes_special_tokens_over(void **state)
{
    (void)state;
    struct cf_detokenizer stream = {0};
    struct cf_buf out = CF_BUF_INIT;
    struct cf_ids ids = {0};
    cf_tokenizer_encode(small, "\xF0\x9F", 2, &ids);
    cf_ids_add(&ids, cf_tokenizer_eos(small));
    cf_tokenizer_encode(small, "\x99\x82!", 3, &ids);
    cf_ids_add(&ids, INT32_MAX);
    for (size_t i = 0; i < ids.n; i++) {
        cf_detokenizer_add(&stream, small, ids.data[i], &out);
    }
    assert_string_equal(out.data, "\xF0\x9F\x99\x82!");
    cf_ids_release(&ids);
    cf_buf_release(&out);
}

static void merges__spell__is_what_the_file_says(void **state)
{
    (void)state;
    size_t size = 0;
    char *file = read_fixture("small/merges.txt", &size);
    struct cf_buf written = CF_BUF_INIT;
    cf_buf_add_str(&written, "#version: 0.2\n");
    for (int32_t rank = 0; rank < cf_tokenizer_n_merges(small); rank++) {
        int32_t pair[2];
        cf_tokenizer_merge(small, rank, &pair[0], &pair[1]);
        for (int i = 0; i < 2; i++) {
            size_t n = 0;
            const char *piece = cf_tokenizer_piece(small, pair[i], &n);
            cf_tokenizer_spell(piece, n, &written);
            cf_buf_add_char(&written, i == 0 ? ' ' : '\n');
        }
    }
    assert_int_equal(written.size, size);
    assert_memory_equal(written.data, file, size);
    cf_buf_release(&written);
    free(file);
}

/* ---- threads ---- */

static void *encode_in_thread(void *data)
{
    struct cf_digest *digest = data;
    digest_group(small, 3, digest);
    return NULL;
}

static void encode__four_threads__share_a_tokenizer(void **state)
{
    (void)state;
    enum { N = 4 };
    pthread_t threads[N];
    struct cf_digest digests[N];
    struct cf_digest expected;
    digest_group(small, 3, &expected);
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, encode_in_thread, &digests[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(cf_digest_equal(&digests[i], &expected));
    }
}

/* ---- with ../shared ---- */

static struct cf_tokenizer *open_shared(const char *name)
{
    char path[1024];
    if (!test_shared_path(path, sizeof path, name)) {
        return NULL;
    }
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_tokenizer_open(&tokenizer, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return tokenizer;
}

static void gpt2__random_strings__gives_the_same_ids(void **state)
{
    (void)state;
    struct cf_tokenizer *gpt2 = open_shared("models/gpt2-tokenizer");
    if (gpt2 == NULL) {
        skip();
    }
    assert_int_equal(cf_tokenizer_n_vocab(gpt2), 50257);
    assert_int_equal(cf_tokenizer_eos(gpt2), 50256);
    assert_true(cf_tokenizer_is_special(gpt2, 50256));
    check_digests(gpt2, "gpt2");
    cf_tokenizer_free(gpt2);
}

/* llama.cpp's own test: texts, and their ids a line. */
static void check_llama(const struct cf_tokenizer *tokenizer)
{
    static const char border[] = "\n__ggml_vocab_test__\n";
    char path[1024];
    size_t n_texts = 0;
    size_t n_ids = 0;
    assert_true(test_shared_path(path, sizeof path, "goldens/llama.cpp-ggml-vocab-gpt-2.gguf.inp"));
    char *texts = test_read_file(path, &n_texts);
    assert_true(test_shared_path(path, sizeof path, "goldens/llama.cpp-ggml-vocab-gpt-2.gguf.out"));
    char *lines = test_read_file(path, &n_ids);
    const char *line = lines;
    int n_cases = 0;
    for (const char *text = texts; text != NULL; n_cases++) {
        const char *end = strstr(text, border);
        size_t size = end != NULL ? (size_t)(end - text) : strlen(text);
        struct cf_ids ids = {0};
        struct cf_buf written = CF_BUF_INIT;
        cf_tokenizer_encode(tokenizer, text, size, &ids);
        for (size_t i = 0; i < ids.n; i++) {
            cf_buf_addf(&written, " %d", (int)ids.data[i]);
        }
        const char *newline = strchr(line, '\n');
        size_t n_line = newline != NULL ? (size_t)(newline - line) : strlen(line);
        assert_int_equal(written.size, n_line);
        assert_memory_equal(written.data, line, n_line);
        line += n_line + (newline != NULL);
        text = end != NULL ? end + sizeof border - 1 : NULL;
        cf_buf_release(&written);
        cf_ids_release(&ids);
    }
    assert_int_equal(n_cases, 47);
    free(texts);
    free(lines);
}

static void gpt2__llama_cases__gives_the_same_ids(void **state)
{
    (void)state;
    static const char *const names[] = {"models/gpt2-tokenizer",
                                        "goldens/llama.cpp-ggml-vocab-gpt-2.gguf"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        struct cf_tokenizer *tokenizer = open_shared(names[i]);
        if (tokenizer == NULL) {
            skip();
        }
        check_llama(tokenizer);
        cf_tokenizer_free(tokenizer);
    }
}

static void chat_models__golden_prompts__gives_the_same_ids(void **state)
{
    (void)state;
    static const struct {
        const char *model, *goldens;
    } rows[] = {
        {"models/tinytalk-3m", "goldens/tinytalk-3m-logits.json"},
        {"models/chat-v0", "goldens/chat-v0-logits.json"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        char path[1024];
        struct cf_tokenizer *tokenizer = open_shared(rows[i].model);
        if (tokenizer == NULL || !test_shared_path(path, sizeof path, rows[i].goldens)) {
            skip();
        }
        json_t *goldens = json_load_file(path, 0, NULL);
        assert_true(json_array_size(goldens) > 0);
        size_t at;
        json_t *golden;
        json_array_foreach(goldens, at, golden)
        {
            const char *prompt = json_string_value(json_object_get(golden, "prompt"));
            json_t *expected = json_object_get(golden, "ids");
            struct cf_ids ids = {0};
            cf_tokenizer_encode_special(tokenizer, prompt, strlen(prompt), &ids);
            assert_int_equal(ids.n, json_array_size(expected));
            for (size_t k = 0; k < ids.n; k++) {
                assert_int_equal(ids.data[k], json_integer_value(json_array_get(expected, k)));
            }
            cf_ids_release(&ids);
        }
        json_decref(goldens);
        cf_tokenizer_free(tokenizer);
    }
}

static int set_up(void **state)
{
    (void)state;
    small = open_fixture("small");
    size_t size = 0;
    char *bytes = read_fixture("snippets.bin", &size);
    snippets = calloc(size, sizeof *snippets);
    snippet_sizes = calloc(size, sizeof *snippet_sizes);
    for (size_t at = 0; at < size; n_snippets++) {
        snippet_sizes[n_snippets] = (unsigned char)bytes[at];
        snippets[n_snippets] = calloc(1, snippet_sizes[n_snippets] + 1);
        memcpy(snippets[n_snippets], bytes + at + 1, snippet_sizes[n_snippets]);
        at += 1 + snippet_sizes[n_snippets];
    }
    free(bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cf_tokenizer_free(small);
    for (size_t i = 0; i < n_snippets; i++) {
        free(snippets[i]);
    }
    free(snippets);
    free(snippet_sizes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__torture__gives_the_same_ids),
        cmocka_unit_test(encode__special__recognises_their_names),
        cmocka_unit_test(encode__gguf__gives_the_same_ids),
        cmocka_unit_test(encode__random_strings__gives_the_same_ids),
        cmocka_unit_test(encode__a_long_word__is_not_quadratic),
        cmocka_unit_test(encode__broken_bytes__stand_alone),
        cmocka_unit_test(decode__random_bytes__gives_every_byte_back),
        cmocka_unit_test(special__find__knows_exact_names),
        cmocka_unit_test(piece__any_id__is_checked),
        cmocka_unit_test(detokenizer__add__passes_special_tokens_over),
        cmocka_unit_test(merges__spell__is_what_the_file_says),
        cmocka_unit_test(encode__four_threads__share_a_tokenizer),
        cmocka_unit_test(gpt2__random_strings__gives_the_same_ids),
        cmocka_unit_test(gpt2__llama_cases__gives_the_same_ids),
        cmocka_unit_test(chat_models__golden_prompts__gives_the_same_ids),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
