/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer files: every form they come in gives the same tokenizer, and broken ones one
 * sentence. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/tokenizer_check.h"
#include "shared.h"
#include "tokenizer.h"

static char dir[] = "/tmp/confab-tokenizer-XXXXXX";
static json_t *vocab; /* of the fixture */
static char *merges;  /* the same, the file */
static size_t n_merges;

static const char *const all_names[] = {"vocab.json",
                                        "merges.txt",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "config.json",
                                        "generation_config.json",
                                        "added_tokens.json",
                                        "vocab.txt",
                                        "model.gguf"};

static void fixture_path(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/tests/fixtures/tokenizer/%s", TEST_SRCDIR, name);
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void write_json(const char *name, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    assert_non_null(text);
    write_text(name, text);
    free(text);
}

static void clear_dir(void)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(all_names); i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", dir, all_names[i]);
        (void)unlink(path);
    }
}

static struct cf_tokenizer *open_good(const char *path)
{
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_tokenizer_open(&tokenizer, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return tokenizer;
}

/* Opening what lies in the folder fails with this code and a sentence that holds these words. */
static void assert_refused(enum cf_code code, const char *words)
{
    static struct cf_tokenizer *const untouched = (struct cf_tokenizer *)&vocab;
    struct cf_tokenizer *tokenizer = untouched;
    struct cf_err err = CF_ERR_INIT;
    enum cf_code got = cf_tokenizer_open(&tokenizer, dir, &err);
    if (got != code || strstr(err.text, words) == NULL || strstr(err.text, dir) == NULL) {
        fail_msg("expected \"%s\" (%d), got \"%s\" (%d)", words, (int)code, err.text, (int)got);
    }
    assert_ptr_equal(tokenizer, untouched);
    clear_dir();
}

static void assert_same(const struct cf_tokenizer *one, const struct cf_tokenizer *other)
{
    static const char text[] = "The license's terms,  don't you [tool] see?\n<|user|>x 字🙂\xFF";
    struct cf_ids ids = {0};
    assert_int_equal(cf_tokenizer_n_vocab(one), cf_tokenizer_n_vocab(other));
    assert_int_equal(cf_tokenizer_n_merges(one), cf_tokenizer_n_merges(other));
    assert_int_equal(cf_tokenizer_eos(one), cf_tokenizer_eos(other));
    for (int32_t id = 0; id < cf_tokenizer_n_vocab(one); id++) {
        size_t n_one = 0;
        size_t n_other = 0;
        const char *piece_one = cf_tokenizer_piece(one, id, &n_one);
        const char *piece_other = cf_tokenizer_piece(other, id, &n_other);
        assert_int_equal(n_one, n_other);
        assert_memory_equal(piece_one, piece_other, n_one);
        assert_int_equal(cf_tokenizer_kind(one, id), cf_tokenizer_kind(other, id));
    }
    cf_tokenizer_encode(one, text, sizeof text - 1, &ids);
    cf_tokenizer_encode_special(one, text, sizeof text - 1, &ids);
    size_t n = ids.n;
    cf_tokenizer_encode(other, text, sizeof text - 1, &ids);
    cf_tokenizer_encode_special(other, text, sizeof text - 1, &ids);
    assert_int_equal(ids.n, 2 * n);
    assert_memory_equal(ids.data, ids.data + n, n * sizeof *ids.data);
    cf_ids_release(&ids);
}

/* ---- forms ---- */

/* tokenizer.json of the fixture; merges as pairs or as strings. */
static json_t *make_tokenizer_json(bool as_pairs)
{
    json_t *list = json_array();
    for (const char *line = strchr(merges, '\n') + 1; *line != '\0';) {
        const char *blank = strchr(line, ' ');
        const char *end = strchr(line, '\n');
        size_t n_left = (size_t)(blank - line);
        size_t n_right = (size_t)(end - blank - 1);
        json_t *merge = as_pairs ? json_pack("[s%s%]", line, n_left, blank + 1, n_right)
                                 : json_stringn(line, (size_t)(end - line));
        assert_int_equal(json_array_append_new(list, merge), 0);
        line = end + 1;
    }
    json_t *words = json_array();
    static const char *const names[] = {"<|endoftext|>", "<|user|>", "<|user|>x", "[tool]"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        json_t *word = json_pack("{s:O, s:s, s:b}", "id", json_object_get(vocab, names[i]),
                                 "content", names[i], "special", names[i][0] == '<');
        assert_int_equal(json_array_append_new(words, word), 0);
    }
    return json_pack("{s:s, s:n, s:{s:s, s:b, s:b}, s:o, s:{s:s, s:n, s:s, s:b, s:O, s:o}}",
                     "version", "1.0", "normalizer", "pre_tokenizer", "type", "ByteLevel",
                     "add_prefix_space", 0, "use_regex", 1, "added_tokens", words, "model", "type",
                     "BPE", "dropout", "continuing_subword_prefix", "", "byte_fallback", 0, "vocab",
                     vocab, "merges", list);
}

static void open__tokenizer_json__is_the_same(void **state)
{
    (void)state;
    char path[1024];
    fixture_path(path, sizeof path, "small");
    struct cf_tokenizer *small = open_good(path);
    for (int as_pairs = 0; as_pairs < 2; as_pairs++) {
        json_t *json = make_tokenizer_json(as_pairs == 1);
        write_json("tokenizer.json", json);
        struct cf_tokenizer *tokenizer = open_good(dir);
        assert_same(small, tokenizer);
        cf_tokenizer_free(tokenizer);
        /* Pre-tokenizers that say the same in other words. */
        static const char *const same[] = {
            "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"}]}",
            "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
            "\"'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|"
            "\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":false},"
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}",
        };
        for (size_t i = 0; i < CF_ARRAY_SIZE(same); i++) {
            json_t *step = json_loads(same[i], 0, NULL);
            assert_non_null(step);
            assert_int_equal(json_object_set_new(json, "pre_tokenizer", step), 0);
            write_json("tokenizer.json", json);
            tokenizer = open_good(dir);
            assert_same(small, tokenizer);
            cf_tokenizer_free(tokenizer);
        }
        json_decref(json);
        clear_dir();
    }
    cf_tokenizer_free(small);
}

static void open__special_tokens_map__names_them(void **state)
{
    (void)state;
    char path[256];
    char fixture[1024];
    fixture_path(fixture, sizeof fixture, "small");
    struct cf_tokenizer *small = open_good(fixture);
    write_json("vocab.json", vocab);
    write_text("merges.txt", merges);
    write_text("added_tokens.json", "{\"[tool]\": 1459}");
    write_text("special_tokens_map.json",
               "{\"eos_token\": {\"content\": \"<|endoftext|>\", \"lstrip\": false},"
               "\"pad_token\": \"not there\", \"unk_token\": null,"
               "\"additional_special_tokens\": [\"<|user|>\", {\"content\": \"<|user|>x\"}]}");
    struct cf_tokenizer *tokenizer = open_good(dir);
    assert_same(small, tokenizer);
    cf_tokenizer_free(tokenizer);
    /* The folder is also meant by a file of weights in it. */
    (void)snprintf(path, sizeof path, "%s/model.safetensors", dir);
    write_text("model.safetensors", "");
    tokenizer = open_good(path);
    assert_same(small, tokenizer);
    assert_int_equal(unlink(path), 0);
    cf_tokenizer_free(tokenizer);
    cf_tokenizer_free(small);
    clear_dir();
}

static void open__ids_of_config__end_the_text(void **state)
{
    (void)state;
    write_json("vocab.json", vocab);
    write_text("merges.txt", merges);
    write_text("config.json", "{\"eos_token_id\": 5, \"bos_token_id\": 7}");
    write_text("generation_config.json", "{\"eos_token_id\": [5, 9, -1, 99999999, \"x\"]}");
    struct cf_tokenizer *tokenizer = open_good(dir);
    assert_int_equal(cf_tokenizer_eos(tokenizer), 5);
    assert_int_equal(cf_tokenizer_bos(tokenizer), 7);
    assert_true(cf_tokenizer_is_end(tokenizer, 5));
    assert_true(cf_tokenizer_is_end(tokenizer, 9));
    assert_false(cf_tokenizer_is_end(tokenizer, 7));
    cf_tokenizer_free(tokenizer);
    clear_dir();
}

/* What a person types never becomes a special token, not even by merges. */
static void open__merges_that_spell_a_special_token__do_nothing(void **state)
{
    (void)state;
    json_t *words = json_deep_copy(vocab);
    json_int_t n = (json_int_t)json_object_size(words);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add_str(&text, merges);
    static const char name[] = "<|endoftext|>";
    for (int size = 2; size < (int)sizeof name; size++) {
        char word[sizeof name];
        (void)snprintf(word, sizeof word, "%.*s", size, name);
        if (json_object_get(words, word) == NULL) {
            (void)json_object_set_new(words, word, json_integer(n));
            n++;
        }
        cf_buf_addf(&text, "%.*s %c\n", size - 1, name, name[size - 1]);
    }
    write_json("vocab.json", words);
    write_text("merges.txt", text.data);
    struct cf_tokenizer *tokenizer = open_good(dir);
    struct cf_ids ids = {0};
    cf_tokenizer_encode(tokenizer, name, sizeof name - 1, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        assert_false(cf_tokenizer_is_special(tokenizer, ids.data[i]));
    }
    cf_ids_release(&ids);
    cf_tokenizer_free(tokenizer);
    cf_buf_release(&text);
    json_decref(words);
    clear_dir();
}

/* ---- what is wrong with them ---- */

static void open__nothing_there__is_said(void **state)
{
    (void)state;
    assert_refused(CF_ERR_NOT_FOUND, "no tokenizer there");
    write_json("vocab.json", vocab);
    assert_refused(CF_ERR_NOT_FOUND, "no merges.txt");
    write_text("merges.txt", merges);
    assert_refused(CF_ERR_NOT_FOUND, "no vocab.json");
    write_text("vocab.txt", "[PAD]\n");
    assert_refused(CF_ERR_UNSUPPORTED, "vocab.txt");
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_tokenizer_open(&tokenizer, "/nonexistent", &err), CF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent"));
}

static void open__broken_vocab__is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *value; /* JSON; NULL removes the key */
        enum cf_code code;
        const char *words;
    } rows[] = {
        {"a", "-1", CF_ERR_FORMAT, "out of range"},
        {"a", "2147483648", CF_ERR_FORMAT, "out of range"},
        {"a", "9223372036854775807", CF_ERR_FORMAT, "out of range"},
        {"a", "1.5", CF_ERR_FORMAT, "no integer"},
        {"a", "\"7\"", CF_ERR_FORMAT, "no integer"},
        {"a", "null", CF_ERR_FORMAT, "no integer"},
        {"new", "7", CF_ERR_FORMAT, "given twice"},
        {"", "5000", CF_ERR_FORMAT, "empty"},
        {"\xC4\xA0t", NULL, CF_ERR_FORMAT, "vocabulary"},
        {"\xC4\xA0", NULL, CF_ERR_FORMAT, "vocabulary"},
        {"\xC3\xBF", NULL, CF_ERR_FORMAT, "byte 0xFF"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        json_t *words = json_deep_copy(vocab);
        if (rows[i].value == NULL) {
            assert_int_equal(json_object_del(words, rows[i].key), 0);
        } else {
            json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
            assert_int_equal(json_object_set_new(words, rows[i].key, value), 0);
        }
        write_json("vocab.json", words);
        write_text("merges.txt", merges);
        json_decref(words);
        assert_refused(rows[i].code, rows[i].words);
    }
}

static void open__broken_json__is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "JSON"},
        {"{", "JSON"},
        {"[]", "no JSON object"},
        {"{\"a\": 1, \"a\": 2}", "JSON"},
        {"{\"\\ud800\": 1}", "JSON"},
        {"{\"a\\u0000b\": 1}", "JSON"},
        {"{\"a\": 99999999999999999999}", "JSON"},
        {"{\"\xFF\": 1}", "JSON"},
        {"{}", "byte 0x00"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        write_text("vocab.json", rows[i].text);
        write_text("merges.txt", "");
        assert_refused(CF_ERR_FORMAT, rows[i].words);
    }
    struct cf_buf deep = CF_BUF_INIT;
    for (int i = 0; i < 100000; i++) {
        cf_buf_add_str(&deep, "{\"a\":");
    }
    write_text("vocab.json", deep.data);
    write_text("merges.txt", "");
    assert_refused(CF_ERR_FORMAT, "JSON");
    cf_buf_release(&deep);
}

static void open__broken_merges__are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"a", "merge 1"},
        {"#version: 0.2\na b c", "merge 1"},
        {" a", "merge 1"},
        {"a ", "merge 1"},
        {"#version: 0.2\n#version: 0.2", "not in the vocabulary"},
        {"a nowhere", "\"nowhere\", which is not in the vocabulary"},
        {"nowhere a", "\"nowhere\""},
        {"\xFF a", "not in the vocabulary"},
        {"Q Z", "not in the vocabulary"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        write_json("vocab.json", vocab);
        write_text("merges.txt", rows[i].text);
        assert_refused(CF_ERR_FORMAT, rows[i].words);
    }
    /* What is odd but sound: no merges, an empty line, lines that end as on Windows. */
    static const char *const sound[] = {"", "\n\n", "#version: 0.2\r\n\xC4\xA0 t\r\n"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sound); i++) {
        write_json("vocab.json", vocab);
        write_text("merges.txt", sound[i]);
        cf_tokenizer_free(open_good(dir));
    }
    clear_dir();
}

static void open__foreign_tokenizer_json__is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *where, *key, *value;
        enum cf_code code;
        const char *words;
    } rows[] = {
        {"model", "type", "\"WordPiece\"", CF_ERR_UNSUPPORTED, "BPE"},
        {"model", "byte_fallback", "true", CF_ERR_UNSUPPORTED, "byte_fallback"},
        {"model", "ignore_merges", "true", CF_ERR_UNSUPPORTED, "ignore_merges"},
        {"model", "end_of_word_suffix", "\"</w>\"", CF_ERR_UNSUPPORTED, "end_of_word_suffix"},
        {"model", "dropout", "0.1", CF_ERR_UNSUPPORTED, "dropout"},
        {"model", "vocab", "[]", CF_ERR_FORMAT, "vocab"},
        {"model", "merges", "{}", CF_ERR_FORMAT, "merges"},
        {"model", "merges", "[[\"a\"]]", CF_ERR_FORMAT, "merge 1"},
        {"model", "merges", "[[\"a\", 1]]", CF_ERR_FORMAT, "merge 1"},
        {"model", "merges", "[7]", CF_ERR_FORMAT, "merge 1"},
        {NULL, "model", "7", CF_ERR_FORMAT, "model"},
        {NULL, "normalizer", "{\"type\":\"NFC\"}", CF_ERR_UNSUPPORTED, "normalizer"},
        {NULL, "pre_tokenizer", "null", CF_ERR_UNSUPPORTED, "pre_tokenizer"},
        {NULL, "pre_tokenizer", "{\"type\":\"Whitespace\"}", CF_ERR_UNSUPPORTED, "pre_tokenizer"},
        {NULL, "pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[]}", CF_ERR_UNSUPPORTED,
         "pre_tokenizer"},
        {NULL, "pre_tokenizer", "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
         CF_ERR_UNSUPPORTED, "add_prefix_space"},
        {NULL, "pre_tokenizer", "{\"type\":\"ByteLevel\",\"use_regex\":false}", CF_ERR_UNSUPPORTED,
         "pattern"},
        {NULL, "added_tokens", "[{\"id\":3}]", CF_ERR_FORMAT, "content"},
        {NULL, "added_tokens", "[{\"content\":\"x\"}]", CF_ERR_FORMAT, "id"},
        {NULL, "added_tokens", "[{\"id\":3,\"content\":\"new\"}]", CF_ERR_FORMAT, "given twice"},
        {NULL, "added_tokens", "[{\"id\":3,\"content\":\"[tool]\"}]", CF_ERR_FORMAT, "both"},
        {NULL, "added_tokens", "[{\"id\":99999999,\"content\":\"new\"}]", CF_ERR_FORMAT, "range"},
        {NULL, "added_tokens", "[{\"id\":5000,\"content\":\"new\",\"lstrip\":true}]",
         CF_ERR_UNSUPPORTED, "lstrip"},
    };
    json_t *good = make_tokenizer_json(true);
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        json_t *json = json_deep_copy(good);
        json_t *where = rows[i].where != NULL ? json_object_get(json, rows[i].where) : json;
        json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        assert_int_equal(json_object_set_new(where, rows[i].key, value), 0);
        write_json("tokenizer.json", json);
        json_decref(json);
        assert_refused(rows[i].code, rows[i].words);
    }
    json_decref(good);
}

static void open__broken_config__is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        enum cf_code code;
        const char *words;
    } rows[] = {
        {"tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}",
         CF_ERR_FORMAT, "sound id"},
        {"tokenizer_config.json",
         "{\"added_tokens_decoder\":{\"99999999999999999999\":"
         "{\"content\":\"y\"}}}",
         CF_ERR_FORMAT, "sound id"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\":{\"1\":7}}", CF_ERR_FORMAT, "content"},
        {"tokenizer_config.json", "{\"add_prefix_space\":true}", CF_ERR_UNSUPPORTED,
         "add_prefix_space"},
        {"tokenizer_config.json", "nonsense", CF_ERR_FORMAT, "JSON"},
        {"special_tokens_map.json", "[1]", CF_ERR_FORMAT, "JSON"},
        {"added_tokens.json", "{\"x\":-1}", CF_ERR_FORMAT, "no integer"},
        {"added_tokens.json", "{\"zzz\":1}", CF_ERR_FORMAT, "given twice"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        write_json("vocab.json", vocab);
        write_text("merges.txt", merges);
        write_text(rows[i].name, rows[i].text);
        assert_refused(rows[i].code, rows[i].words);
    }
}

/* Cut anywhere and with any byte changed, the GGUF file is refused or gives a sound tokenizer. */
static void open__damaged_gguf__is_refused_or_sound(void **state)
{
    (void)state;
    char path[1024];
    size_t size = 0;
    fixture_path(path, sizeof path, "small.gguf");
    char *bytes = test_read_file(path, &size);
    (void)snprintf(path, sizeof path, "%s/model.gguf", dir);
    int n_refused = 0;
    for (size_t i = 0; i < 300; i++) {
        struct cf_tokenizer *tokenizer = NULL;
        struct cf_err err = CF_ERR_INIT;
        size_t at = i < 150 ? i * 4 : size * (i - 150) / 150;
        char before = bytes[at];
        bytes[at] = (char)(before ^ (i % 2 == 0 ? 0xFF : 0x01));
        write_bytes("model.gguf", bytes, i % 3 == 0 ? at : size);
        if (cf_tokenizer_open(&tokenizer, path, &err) != CF_OK) {
            assert_non_null(strstr(err.text, path));
            n_refused++;
        } else {
            struct cf_ids ids = {0};
            struct cf_buf back = CF_BUF_INIT;
            cf_tokenizer_encode_special(tokenizer, bytes, 2000, &ids);
            cf_tokenizer_decode(tokenizer, ids.data, ids.n, &back);
            assert_int_equal(back.size, 2000);
            assert_memory_equal(back.data, bytes, 2000);
            cf_buf_release(&back);
            cf_ids_release(&ids);
        }
        cf_tokenizer_free(tokenizer);
        bytes[at] = before;
    }
    assert_true(n_refused > 100);
    free(bytes);
    clear_dir();
}

static void open__corpus__is_refused_or_sound(void **state)
{
    (void)state;
    assert_true(test_replay_corpus("tokenizer", tokenizer_check_bytes) >= 10);
}

static int set_up(void **state)
{
    (void)state;
    char path[1024];
    fixture_path(path, sizeof path, "small/vocab.json");
    vocab = json_load_file(path, 0, NULL);
    fixture_path(path, sizeof path, "small/merges.txt");
    merges = test_read_file(path, &n_merges);
    return vocab != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clear_dir();
    json_decref(vocab);
    free(merges);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__tokenizer_json__is_the_same),
        cmocka_unit_test(open__special_tokens_map__names_them),
        cmocka_unit_test(open__ids_of_config__end_the_text),
        cmocka_unit_test(open__merges_that_spell_a_special_token__do_nothing),
        cmocka_unit_test(open__nothing_there__is_said),
        cmocka_unit_test(open__broken_vocab__is_refused),
        cmocka_unit_test(open__broken_json__is_refused),
        cmocka_unit_test(open__broken_merges__are_refused),
        cmocka_unit_test(open__foreign_tokenizer_json__is_refused_by_name),
        cmocka_unit_test(open__broken_config__is_refused),
        cmocka_unit_test(open__damaged_gguf__is_refused_or_sound),
        cmocka_unit_test(open__corpus__is_refused_or_sound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
