/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gguf at its header: what a sound file holds, and what every kind of broken one gets.  Broken
 * files are made here from the sound one. */
#include "model_fixture.h"

#include "fuzz/model_walk.h"
#include "random.h"

static void assert_refused(const struct fixture_file *file, enum cf_code code, const char *sentence)
{
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(walk_gguf(file->bytes, file->size, &err), 0);
    if (err.code != code || strstr(err.text, sentence) == NULL) {
        fail_msg("'%s' where '%s' is due", err.text, sentence);
    }
    assert_ptr_equal(strstr(err.text, "fuzz: "), err.text);
}

static void gguf__open__finds_metadata_and_tensors(void **state)
{
    (void)state;
    char path[512];
    struct cf_gguf *gguf;
    fixture_path(path, sizeof path, "gguf-q8.gguf");
    assert_int_equal(cf_gguf_open(&gguf, path, NULL), CF_OK);
    assert_string_equal(cf_gguf_path(gguf), path);
    struct cf_gguf_string string;
    int64_t number = 0;
    double real = 0;
    bool is_on = false;
    assert_true(cf_gguf_find_string(gguf, "general.architecture", &string));
    assert_int_equal(string.size, 4);
    assert_memory_equal(string.data, "gpt2", 4);
    assert_true(cf_gguf_find_int(gguf, "gpt2.embedding_length", &number));
    assert_int_equal(number, 64);
    assert_true(cf_gguf_find_float(gguf, "gpt2.attention.layer_norm_epsilon", &real));
    assert_true(fabs(real - 1e-5) < 1e-9);
    assert_false(cf_gguf_find_int(gguf, "gpt2.attention.layer_norm_epsilon", &number));
    assert_false(cf_gguf_find_bool(gguf, "gpt2.embedding_length", &is_on));
    assert_false(cf_gguf_find_string(gguf, "gpt2.embedding_length", &string));
    assert_true(cf_gguf_has(gguf, "general.name"));
    assert_false(cf_gguf_has(gguf, "general.nam"));
    const struct cf_gguf_tensor *tensor = cf_gguf_tensor_find(gguf, "blk.1.ffn_up.weight");
    assert_non_null(tensor);
    assert_int_equal(tensor->type, CF_Q8_0);
    assert_int_equal(tensor->n_dims, 2);
    assert_int_equal(tensor->dims[0], 64);
    assert_int_equal(tensor->dims[1], 96);
    assert_int_equal(tensor->size, 96 * 64 / 32 * 34);
    assert_null(cf_gguf_tensor_find(gguf, "blk.2.ffn_up.weight"));
    for (size_t i = 1; i < cf_gguf_n_tensors(gguf); i++) {
        struct cf_gguf_string a = cf_gguf_tensor(gguf, i - 1)->name;
        struct cf_gguf_string b = cf_gguf_tensor(gguf, i)->name;
        size_t n = a.size < b.size ? a.size : b.size;
        assert_true(memcmp(a.data, b.data, n) <= 0);
    }
    /* Its bytes are known as the mapping's while it is open. */
    assert_string_equal(cf_mapping_find(tensor->data), path);
    const void *data = tensor->data;
    cf_gguf_close(gguf);
    assert_null(cf_mapping_find(data));
}

static void gguf__open__says_what_is_no_gguf(void **state)
{
    (void)state;
    struct cf_gguf *gguf = NULL;
    struct cf_err err = CF_ERR_INIT;
    char path[512];
    assert_int_equal(cf_gguf_open(&gguf, "no-such-file", &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_gguf_open(&gguf, "/dev/null", &err), CF_ERR_FORMAT);
    assert_string_equal(err.text, "/dev/null: not a regular file");
    fixture_path(path, sizeof path, "tied-f32/config.json");
    assert_int_equal(cf_gguf_open(&gguf, path, &err), CF_ERR_FORMAT);
    assert_non_null(strstr(err.text, ": not a GGUF file"));
    assert_null(gguf);
}

static void gguf__parse__refuses_every_cut(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("gguf-f32.gguf");
    size_t header_end = fixture_place(&file, "output_norm.bias") + 4 + 8 + 4 + 8;
    for (size_t size = 0; size < file.size; size += size < header_end ? 1 : 997) {
        struct cf_err err = CF_ERR_INIT;
        unsigned char *cut = malloc(size > 0 ? size : 1);
        memcpy(cut, file.bytes, size);
        assert_int_equal(walk_gguf(cut, size, &err), 0);
        assert_int_equal(err.code, CF_ERR_FORMAT);
        free(cut);
    }
    assert_true(walk_gguf(file.bytes, file.size, NULL) != 0);
    free(file.bytes);
}

static void gguf__parse__refuses_absurd_headers(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("gguf-f32.gguf");
    unsigned char sound[24];
    memcpy(sound, file.bytes, sizeof sound);
    const struct {
        size_t place, size;
        uint64_t value;
        enum cf_code code;
        const char *sentence;
    } cases[] = {
        {4, 4, 1, CF_ERR_UNSUPPORTED, "version 1 of GGUF, but only 2 and 3 are supported"},
        {4, 4, 4, CF_ERR_UNSUPPORTED, "version 4 of GGUF"},
        {4, 4, 0x03000000, CF_ERR_UNSUPPORTED, "a big-endian GGUF file"},
        {8, 8, UINT64_MAX, CF_ERR_FORMAT, "more tensors than it can hold"},
        {8, 8, 60000, CF_ERR_FORMAT, "more tensors than it can hold"},
        {16, 8, UINT64_MAX, CF_ERR_FORMAT, "more metadata than it can hold"},
        {16, 8, UINT64_C(1) << 61, CF_ERR_FORMAT, "more metadata than it can hold"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        fixture_put(&file, cases[i].place, cases[i].value, cases[i].size);
        assert_refused(&file, cases[i].code, cases[i].sentence);
        memcpy(file.bytes, sound, sizeof sound);
    }
    fixture_put(&file, 4, 2, 4);
    assert_true(walk_gguf(file.bytes, file.size, NULL) != 0);
    free(file.bytes);
}

/* A change of one number in the description of a tensor: n_dims, dims, type, offset. */
static void gguf__parse__refuses_broken_tensors(void **state)
{
    (void)state;
    struct fixture_file sound = fixture_load("gguf-f32.gguf");
    size_t place = fixture_place(&sound, "blk.0.ffn_up.weight");
    uint64_t offset;
    memcpy(&offset, sound.bytes + place + 24, sizeof offset);
    const struct {
        size_t place, size;
        uint64_t value;
        const char *sentence;
    } cases[] = {
        {0, 4, 5, "'blk.0.ffn_up.weight' has more than 4 dimensions"},
        {4, 8, 0, "'blk.0.ffn_up.weight' has a dimension of no or negative size"},
        {4, 8, UINT64_MAX, "'blk.0.ffn_up.weight' has an absurd size"},
        {4, 8, UINT64_C(1) << 62, "'blk.0.ffn_up.weight' has an absurd size"},
        {12, 8, UINT64_C(1) << 44, "'blk.0.ffn_up.weight' has an absurd size"},
        {12, 8, UINT64_C(1) << 40, "'blk.0.ffn_up.weight' ends past the end of the file"},
        {12, 8, 100000, "'blk.0.ffn_up.weight' ends past the end of the file"},
        {12, 8, 129, "overlaps tensor"},
        {20, 4, CF_Q6_K, "'blk.0.ffn_up.weight' has rows that are no whole number of blocks"},
        {24, 8, offset + 4, "'blk.0.ffn_up.weight' is misaligned"},
        {24, 8, offset + 1, "'blk.0.ffn_up.weight' is misaligned"},
        {24, 8, offset + 32, "overlaps tensor"},
        {24, 8, 0, "overlaps tensor"},
        {24, 8, UINT64_C(1) << 40, "'blk.0.ffn_up.weight' begins past the end of the file"},
        {24, 8, UINT64_MAX - 31, "'blk.0.ffn_up.weight' begins past the end of the file"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct fixture_file file = fixture_load("gguf-f32.gguf");
        fixture_put(&file, place + cases[i].place, cases[i].value, cases[i].size);
        assert_refused(&file, CF_ERR_FORMAT, cases[i].sentence);
        free(file.bytes);
    }
    /* A type that is not known here is no fault of the file's; who wants the tensor refuses it. */
    fixture_put(&sound, place + 20, 16, 4);
    struct cf_gguf *gguf;
    assert_int_equal(cf_gguf_parse(&gguf, sound.bytes, sound.size, "fuzz", NULL), CF_OK);
    assert_false(cf_gguf_tensor_find(gguf, "blk.0.ffn_up.weight")->is_known);
    assert_null(cf_gguf_tensor_find(gguf, "blk.0.ffn_up.weight")->data);
    cf_gguf_close(gguf);
    free(sound.bytes);
}

/* Builds a file by hand, for what no mutation of the fixture reaches. */
struct builder {
    unsigned char bytes[1024];
    size_t size;
};

static void add(struct builder *builder, uint64_t value, size_t size)
{
    memcpy(builder->bytes + builder->size, &value, size);
    builder->size += size;
}

static void add_string(struct builder *builder, const char *text)
{
    add(builder, strlen(text), 8);
    memcpy(builder->bytes + builder->size, text, strlen(text));
    builder->size += strlen(text);
}

static struct builder begin(uint64_t n_tensors, uint64_t n_entries)
{
    struct builder builder = {.bytes = "GGUF", .size = 4};
    add(&builder, 3, 4);
    add(&builder, n_tensors, 8);
    add(&builder, n_entries, 8);
    return builder;
}

static void assert_built_refused(const struct builder *builder, enum cf_code code,
                                 const char *sentence)
{
    struct fixture_file file = {.bytes = malloc(builder->size), .size = builder->size};
    memcpy(file.bytes, builder->bytes, builder->size);
    assert_refused(&file, code, sentence);
    free(file.bytes);
}

static void gguf__parse__refuses_broken_metadata(void **state)
{
    (void)state;
    const struct {
        uint64_t type, value;
        size_t size;
        enum cf_code code;
        const char *sentence;
    } cases[] = {
        {13, 0, 8, CF_ERR_FORMAT, "the value of 'key' has a type that does not exist"},
        {CF_GGUF_BOOL, 2, 1, CF_ERR_FORMAT, "the value of 'key' is neither true nor false"},
        {CF_GGUF_U64, 0, 7, CF_ERR_FORMAT, "the value of 'key' is cut short"},
        {CF_GGUF_STRING, 1, 8, CF_ERR_FORMAT, "the value of 'key' ends past the end of the file"},
        {CF_GGUF_STRING, UINT64_MAX, 8, CF_ERR_FORMAT, "the value of 'key' ends past the end"},
        {CF_GGUF_ARRAY, CF_GGUF_U8, 8, CF_ERR_FORMAT, "the value of 'key' is cut short"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct builder builder = begin(0, 1);
        add_string(&builder, "key");
        add(&builder, cases[i].type, 4);
        add(&builder, cases[i].value, cases[i].size);
        assert_built_refused(&builder, cases[i].code, cases[i].sentence);
    }
    const struct {
        uint64_t type, n;
        enum cf_code code;
        const char *sentence;
    } arrays[] = {
        {CF_GGUF_ARRAY, 1, CF_ERR_UNSUPPORTED, "is an array of arrays, which is not supported"},
        {CF_GGUF_U32, UINT64_MAX, CF_ERR_FORMAT, "has more elements than the file can hold"},
        {CF_GGUF_STRING, UINT64_C(1) << 60, CF_ERR_FORMAT, "has more elements than the file"},
        {CF_GGUF_STRING, 1, CF_ERR_FORMAT, "has a string that ends past the end of the file"},
        {99, 1, CF_ERR_FORMAT, "is an array of a type that does not exist"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(arrays); i++) {
        struct builder builder = begin(0, 1);
        add_string(&builder, "key");
        add(&builder, CF_GGUF_ARRAY, 4);
        add(&builder, arrays[i].type, 4);
        add(&builder, arrays[i].n, 8);
        add(&builder, 1000, 8);
        assert_built_refused(&builder, arrays[i].code, arrays[i].sentence);
    }
}

static void gguf__parse__refuses_twins_and_odd_alignments(void **state)
{
    (void)state;
    struct builder builder = begin(0, 2);
    for (int i = 0; i < 2; i++) {
        add_string(&builder, "key");
        add(&builder, CF_GGUF_U8, 4);
        add(&builder, 1, 1);
    }
    assert_built_refused(&builder, CF_ERR_FORMAT, "the key 'key' comes twice");

    builder = begin(2, 0);
    for (uint64_t i = 0; i < 2; i++) {
        add_string(&builder, "twin");
        add(&builder, 1, 4);
        add(&builder, 1, 8);
        add(&builder, CF_F32, 4);
        add(&builder, i * 32, 8);
    }
    builder.size += 100;
    assert_built_refused(&builder, CF_ERR_FORMAT, "tensor 'twin' comes twice");

    static const uint64_t alignments[] = {0, 1, 4, 24, 33, UINT32_MAX};
    for (size_t i = 0; i < CF_ARRAY_SIZE(alignments); i++) {
        builder = begin(0, 1);
        add_string(&builder, "general.alignment");
        add(&builder, CF_GGUF_U32, 4);
        add(&builder, alignments[i], 4);
        assert_built_refused(&builder, CF_ERR_FORMAT, "general.alignment is no power of two");
    }
}

static void gguf__arrays__are_walked_in_order(void **state)
{
    (void)state;
    struct builder builder = begin(0, 3);
    add_string(&builder, "texts");
    add(&builder, CF_GGUF_ARRAY, 4);
    add(&builder, CF_GGUF_STRING, 4);
    add(&builder, 3, 8);
    add_string(&builder, "a");
    add_string(&builder, "");
    add_string(&builder, "ccc");
    add_string(&builder, "numbers");
    add(&builder, CF_GGUF_ARRAY, 4);
    add(&builder, CF_GGUF_I16, 4);
    add(&builder, 2, 8);
    add(&builder, (uint16_t)-5, 2);
    add(&builder, 7, 2);
    add_string(&builder, "large");
    add(&builder, CF_GGUF_U64, 4);
    add(&builder, UINT64_MAX, 8);
    _Alignas(8) unsigned char bytes[1024];
    memcpy(bytes, builder.bytes, builder.size);
    struct cf_gguf *gguf;
    assert_int_equal(cf_gguf_parse(&gguf, bytes, builder.size, "built", NULL), CF_OK);
    struct cf_gguf_array array;
    struct cf_gguf_string string;
    int64_t number = 0;
    assert_true(cf_gguf_find_array(gguf, "texts", &array));
    assert_int_equal(array.n, 3);
    assert_false(cf_gguf_array_next_int(&array, &number));
    static const char *const wanted[] = {"a", "", "ccc"};
    for (int i = 0; i < 3; i++) {
        assert_true(cf_gguf_array_next_string(&array, &string));
        assert_int_equal(string.size, strlen(wanted[i]));
        assert_memory_equal(string.data, wanted[i], string.size);
    }
    assert_false(cf_gguf_array_next_string(&array, &string));
    assert_true(cf_gguf_find_array(gguf, "numbers", &array));
    assert_true(cf_gguf_array_next_int(&array, &number));
    assert_int_equal(number, -5);
    assert_true(cf_gguf_array_next_int(&array, &number));
    assert_int_equal(number, 7);
    assert_false(cf_gguf_array_next_int(&array, &number));
    assert_false(cf_gguf_find_int(gguf, "large", &number));
    cf_gguf_close(gguf);
}

static void gguf__parse__survives_any_bytes(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("gguf-f32.gguf");
    size_t header_end = fixture_place(&file, "output_norm.bias") + 4 + 8 + 4 + 8;
    struct test_random random = {1};
    for (int round = 0; round < 3000; round++) {
        size_t places[3];
        unsigned char kept[3];
        for (int i = 0; i < 3; i++) {
            places[i] = test_random_below(&random, header_end);
            kept[i] = file.bytes[places[i]];
            file.bytes[places[i]] = (unsigned char)test_random_next(&random);
        }
        (void)walk_gguf(file.bytes, file.size, NULL);
        for (int i = 2; i >= 0; i--) {
            file.bytes[places[i]] = kept[i];
        }
    }
    assert_true(walk_gguf(file.bytes, file.size, NULL) != 0);
    free(file.bytes);
}

static void gguf__parse__survives_the_corpus(void **state)
{
    (void)state;
    replay_corpus("gguf", walk_gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gguf__open__finds_metadata_and_tensors),
        cmocka_unit_test(gguf__open__says_what_is_no_gguf),
        cmocka_unit_test(gguf__parse__refuses_every_cut),
        cmocka_unit_test(gguf__parse__refuses_absurd_headers),
        cmocka_unit_test(gguf__parse__refuses_broken_tensors),
        cmocka_unit_test(gguf__parse__refuses_broken_metadata),
        cmocka_unit_test(gguf__parse__refuses_twins_and_odd_alignments),
        cmocka_unit_test(gguf__arrays__are_walked_in_order),
        cmocka_unit_test(gguf__parse__survives_any_bytes),
        cmocka_unit_test(gguf__parse__survives_the_corpus),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
