/* SPDX-License-Identifier: GPL-3.0-or-later */
/* safetensors at its header: sound files, and every kind of broken one, made here. */
#include "model_fixture.h"

#include "buf.h"
#include "fuzz/model_walk.h"
#include "random.h"

/* A file with this header and so many bytes of data, in memory of exactly its size. */
static unsigned char *make(const char *header, size_t n_data, size_t *size)
{
    uint64_t header_size = strlen(header);
    *size = 8 + (size_t)header_size + n_data;
    unsigned char *bytes = calloc(1, *size);
    memcpy(bytes, &header_size, 8);
    memcpy(bytes + 8, header, (size_t)header_size);
    return bytes;
}

static void assert_refused(const unsigned char *bytes, size_t size, const char *sentence)
{
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(walk_safetensors(bytes, size, &err), 0);
    if (err.code != CF_ERR_FORMAT || strstr(err.text, sentence) == NULL) {
        fail_msg("'%s' where '%s' is due", err.text, sentence);
    }
}

static void safetensors__parse__hands_out_tensors_by_name(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes =
        make("{\"__metadata__\":{\"format\":\"pt\"},"
             "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[8,20]},"
             "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
             "\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[8,8]},"
             "\"new\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[20,23]}}  ",
             23, &size);
    struct cf_safetensors *safetensors;
    struct cf_err err = CF_ERR_INIT;
    if (cf_safetensors_parse(&safetensors, bytes, size, "built", &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(cf_safetensors_n(safetensors), 4);
    assert_string_equal(cf_safetensors_at(safetensors, 0)->name, "a");
    const struct cf_safetensor *tensor = cf_safetensors_find(safetensors, "b");
    assert_non_null(tensor);
    assert_true(tensor->is_known);
    assert_int_equal(tensor->dtype, CF_F16);
    assert_int_equal(tensor->n_dims, 2);
    assert_int_equal(tensor->dims[1], 3);
    assert_int_equal(tensor->size, 12);
    assert_ptr_equal(tensor->data, bytes + size - 15);
    tensor = cf_safetensors_find(safetensors, "a");
    assert_false(tensor->is_known);
    assert_string_equal(tensor->type_name, "I64");
    assert_int_equal(tensor->n_dims, 0);
    assert_false(cf_safetensors_find(safetensors, "new")->is_known);
    assert_null(cf_safetensors_find(safetensors, "c"));
    assert_string_equal(cf_safetensors_path(safetensors), "built");
    cf_safetensors_close(safetensors);
    free(bytes);
}

static void safetensors__parse__refuses_broken_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *sentence;
    } cases[] = {
        {"[]", "not a safetensors file"},
        {"{\"a\":", "its header is no JSON"},
        {"{\"a\":1}", "tensor 'a' is not described by an object"},
        {"{\"a\":{}}", "tensor 'a' has no shape"},
        {"{\"a\":{\"shape\":[2]}}", "tensor 'a' has no sound dtype"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"A_VERY_LONG_NAME\"}}", "has no sound dtype"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\"}}", "has no sound data_offsets"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0]}}", "no sound data_offsets"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[8,0]}}", "sound data_offsets"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[-8,0]}}", "sound data_offsets"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8.0]}}", "sound data_offset"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[1,9]}}",
         "tensor 'a' ends past the end of the file"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,9223372036854775807]}}",
         "tensor 'a' ends past the end of the file"},
        {"{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,99999999999999999999]}}",
         "its header is no JSON"},
        {"{\"a\":{\"shape\":[3],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "do not agree"},
        {"{\"a\":{\"shape\":[-2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
         "has a shape that is no list of sizes"},
        {"{\"a\":{\"shape\":[1.5],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
         "has a shape that is no list of sizes"},
        {"{\"a\":{\"shape\":[4611686018427387904,4],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
         "tensor 'a' has an absurd size"},
        {"{\"a\":{\"shape\":[1,1,1,1,1,1,1,1,2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
         "has more than 8 dimensions"},
        {"{\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[0,4]},"
         "\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[4,8]}}",
         "its header is no JSON"},
        {"{\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[0,4]},"
         "\"b\":{\"shape\":[3],\"dtype\":\"F16\",\"data_offsets\":[2,8]}}",
         "tensor 'b' overlaps tensor 'a'"},
        {"{\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[4,8]}}",
         "tensor 'a' lies behind bytes that belong to no tensor"},
        {"{\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
         "bytes at its end belong to no tensor"},
        {"{\"\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "tensor ''"},
        {"{\"a\\u0000b\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "is no JSON"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        size_t size;
        unsigned char *bytes = make(cases[i].header, 8, &size);
        assert_refused(bytes, size, cases[i].sentence);
        free(bytes);
    }
}

static void safetensors__parse__refuses_absurd_header_sizes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 1000, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 62};
    size_t size;
    unsigned char *bytes =
        make("{\"a\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, &size);
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        memcpy(bytes, &sizes[i], 8);
        assert_refused(bytes, size, "");
    }
    free(bytes);
    /* A header that is there and too large to be one. */
    struct cf_buf header = CF_BUF_INIT;
    cf_buf_add_str(&header, "{\"__metadata__\":{\"x\":\"");
    while (header.size < (9U << 20)) {
        cf_buf_add_str(&header, "0123456789012345678901234567890123456789012345678901234567890123");
    }
    cf_buf_add_str(&header, "\"}}");
    bytes = make(header.data, 0, &size);
    assert_refused(bytes, size, "its header has an absurd size");
    free(bytes);
    cf_buf_release(&header);
}

static unsigned char *load(size_t *size)
{
    char path[512];
    fixture_path(path, sizeof path, "odd-f32/model.safetensors");
    char *text = test_read_file(path, size);
    unsigned char *bytes = malloc(*size);
    memcpy(bytes, text, *size);
    free(text);
    return bytes;
}

static void safetensors__parse__refuses_every_cut(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = load(&size);
    uint64_t header_size;
    memcpy(&header_size, bytes, sizeof header_size);
    for (size_t cut = 0; cut < size; cut += cut < header_size + 16 ? 1 : 1009) {
        unsigned char *part = malloc(cut > 0 ? cut : 1);
        memcpy(part, bytes, cut);
        assert_refused(part, cut, "");
        free(part);
    }
    assert_true(walk_safetensors(bytes, size, NULL) != 0);
    free(bytes);
}

static void safetensors__parse__survives_any_bytes(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = load(&size);
    uint64_t header_size;
    memcpy(&header_size, bytes, sizeof header_size);
    struct test_random random = {2};
    for (int round = 0; round < 1500; round++) {
        size_t place = test_random_below(&random, (size_t)header_size + 8);
        unsigned char kept = bytes[place];
        bytes[place] = (unsigned char)test_random_next(&random);
        (void)walk_safetensors(bytes, size, NULL);
        bytes[place] = kept;
    }
    assert_true(walk_safetensors(bytes, size, NULL) != 0);
    free(bytes);
}

static void safetensors__parse__survives_the_corpus(void **state)
{
    (void)state;
    replay_corpus("safetensors", walk_safetensors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors__parse__hands_out_tensors_by_name),
        cmocka_unit_test(safetensors__parse__refuses_broken_headers),
        cmocka_unit_test(safetensors__parse__refuses_absurd_header_sizes),
        cmocka_unit_test(safetensors__parse__refuses_every_cut),
        cmocka_unit_test(safetensors__parse__survives_any_bytes),
        cmocka_unit_test(safetensors__parse__survives_the_corpus),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
