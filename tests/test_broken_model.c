/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that are broken, as a person meets them: the program ends at once with status 1 and one
 * sentence that names the file and, where one is at fault, the tensor; and it never asks for the
 * memory that the file claims to need.  (test_model, test_gguf and test_safetensors look closer.)
 */
#include "model_fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "program.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESERVES_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RESERVES_ADDRESSES 1
#endif
#endif

enum { MEMORY_MAX = 1 << 30, CPU_SECONDS_MAX = 20 };

static void limit(void *arg)
{
    (void)arg;
#ifndef RESERVES_ADDRESSES
    const struct rlimit memory = {.rlim_cur = MEMORY_MAX, .rlim_max = MEMORY_MAX};
    (void)setrlimit(RLIMIT_AS, &memory);
#endif
    const struct rlimit cpu = {.rlim_cur = CPU_SECONDS_MAX, .rlim_max = CPU_SECONDS_MAX};
    (void)setrlimit(RLIMIT_CPU, &cpu);
}

static void assert_refused_by(const char *const *args, const char *path, const char *sentence)
{
    struct program program;
    program_start(&program, args, limit, NULL);
    program_wait(&program);
    const struct program_result *result = &program.result;
    const char *text = result->err.data;
    if (result->status != 1 || strncmp(text, "confab: ", 8) != 0 || strstr(text, path) == NULL ||
        strstr(text, sentence) == NULL || strchr(text, '\n') != text + result->err.size - 1) {
        fail_msg("confab %s ended with %d and said: %swanted: %s", args[0], result->status, text,
                 sentence);
    }
    assert_int_equal(result->out.size, 0);
    program_release(&program.result);
}

static void assert_refused(const char *path, const char *sentence)
{
    assert_refused_by((const char *const[]){"logits", "-m", path, "--ids", "1,2", NULL}, path,
                      sentence);
}

static void home_path(char path[512], const char *name)
{
    (void)snprintf(path, 512, "%s/%s", program_home(), name);
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* ---- GGUF ---- */

static void gguf__cut_short__is_refused(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("gguf-f32.gguf");
    char path[512];
    home_path(path, "model.gguf");
    for (size_t size = 0; size < file.size; size += 1 + size / 2) {
        write_bytes(path, file.bytes, size);
        assert_refused(path, "");
    }
    write_bytes(path, file.bytes, file.size - 1);
    assert_refused(path, "tensor 'output_norm.bias'");
    write_bytes(path, file.bytes, file.size);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "logits", "-m", path, "--ids", "1,2");
    program_release(&result);
    free(file.bytes);
}

/* One value of the file is another. */
struct change {
    const char *key; /* a tensor's or metadata's name; NULL: OFFSET is from the file's beginning */
    size_t offset, size;
    uint64_t value;
    const char *sentence;
};

/* What follows a tensor's name: dimensions of a vector and of a matrix. */
enum { N_DIMS = 0, DIM_0 = 4, DIM_1 = 12, V_TYPE = 12, V_OFFSET = 16, M_TYPE = 20, M_OFFSET = 24 };

static const struct change changes[] = {
    /* places */
    {"blk.0.ffn_up.weight", M_OFFSET, 8, 1 << 20, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", M_OFFSET, 8, UINT64_MAX - 31, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", M_OFFSET, 8, INT64_MAX - 31, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", M_OFFSET, 8, 0, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", M_OFFSET, 8, 54656 + 4, "'blk.0.ffn_up.weight'"},
    {"output_norm.bias", V_OFFSET, 8, 88064 + 32, "'output_norm.bias'"},
    /* shapes */
    {"blk.0.ffn_up.weight", N_DIMS, 4, 1, ""},
    {"blk.0.ffn_up.weight", N_DIMS, 4, 0xFFFFFFFF, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", DIM_0, 8, 64, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", DIM_0, 8, 0, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", DIM_0, 8, UINT64_C(1) << 62, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.weight", DIM_1, 8, UINT64_MAX, "'blk.0.ffn_up.weight'"},
    {"token_embd.weight", DIM_1, 8, UINT64_C(1) << 40, "'token_embd.weight'"},
    /* types */
    {"blk.0.ffn_up.weight", M_TYPE, 4, 99, "'blk.0.ffn_up.weight'"},
    {"blk.0.ffn_up.bias", V_TYPE, 4, CF_Q8_0, "'blk.0.ffn_up.bias'"},
    /* names: the first byte is another */
    {"blk.0.ffn_up.weigh", 0, 1, 'x', "'blk.0.ffn_up.weight' is missing"},
    {"general.architecture", 12, 4, 0x616D6C6C, "the architecture 'llma' is not supported"},
    /* sizes */
    {"gpt2.block_count", 4, 4, 0x7FFFFFFF, "'gpt2.block_count'"},
    {"gpt2.block_count", 4, 4, 0xFFFFFFFF, "'gpt2.block_count'"},
    {"gpt2.block_count", 4, 4, 2, "'blk.1."},
    {"gpt2.context_length", 4, 4, 0x7FFFFFFF, "'gpt2.context_length'"},
    {"gpt2.context_length", 4, 4, 4000000, "'position_embd.weight'"},
    {"gpt2.embedding_length", 4, 4, 0x7FFFFFF0, ""},
    {"gpt2.feed_forward_length", 4, 4, 0x7FFFFFF0, ""},
    {"gpt2.attention.head_count", 4, 4, 0x7FFFFFFF, "'gpt2.attention.head_count'"},
    {"general.name", 4, 8, UINT64_C(1) << 62, ""},
    /* the file's head: magic, version, number of tensors and of keys */
    {NULL, 0, 1, 'X', ""},
    {NULL, 4, 4, 77, "77"},
    {NULL, 8, 8, UINT64_C(1) << 60, ""},
    {NULL, 16, 8, UINT64_C(1) << 60, ""},
};

/* The name itself is where it ends. */
static size_t place_of(const struct fixture_file *file, const struct change *change)
{
    if (change->key == NULL) {
        return change->offset;
    }
    if (strcmp(change->key, "blk.0.ffn_up.weigh") == 0) {
        return fixture_place(file, "blk.0.ffn_up.weight") - 1;
    }
    return fixture_place(file, change->key) + change->offset;
}

static void gguf__changed__is_refused(void **state)
{
    (void)state;
    char path[512];
    home_path(path, "model.gguf");
    for (size_t i = 0; i < CF_ARRAY_SIZE(changes); i++) {
        struct fixture_file file = fixture_load("gguf-f32.gguf");
        fixture_put(&file, place_of(&file, &changes[i]), changes[i].value, changes[i].size);
        write_bytes(path, file.bytes, file.size);
        assert_refused(path, changes[i].sentence);
        free(file.bytes);
    }
}

static void gguf__weights_that_are_no_numbers__are_refused(void **state)
{
    (void)state;
    enum { DATA = 1280 };
    static const char *const names[] = {"blk.0.ffn_up.weight", "blk.0.ffn_norm.weight"};
    static const size_t offsets[] = {M_OFFSET, V_OFFSET};
    static const uint32_t values[] = {0x7FC00000, 0x7F800000, 0xFF800000};
    char path[512];
    home_path(path, "model.gguf");
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        for (size_t k = 0; k < CF_ARRAY_SIZE(values); k++) {
            struct fixture_file file = fixture_load("gguf-f32.gguf");
            uint64_t at;
            memcpy(&at, file.bytes + fixture_place(&file, names[i]) + offsets[i], sizeof at);
            fixture_put(&file, DATA + (size_t)at + 12, values[k], sizeof values[k]);
            write_bytes(path, file.bytes, file.size);
            assert_refused(path, names[i]);
            free(file.bytes);
        }
    }
}

/* Whatever is asked of it. */
static void gguf__broken__is_refused_by_every_command(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("gguf-f32.gguf");
    char path[512];
    char out[512];
    home_path(path, "model.gguf");
    home_path(out, "out.gguf");
    write_bytes(path, file.bytes, file.size / 2);
    const char *const commands[][6] = {
        {"ask", "-m", path, "--no-save", "hello", NULL}, {"complete", "-m", path, "hello", NULL},
        {"score", "-m", path, "/dev/null", NULL},        {"model", "info", path, NULL},
        {"model", "convert", path, out, NULL},           {"tokenize", "-m", path, "hello", NULL},
        {"detokenize", "-m", path, "1", NULL},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(commands); i++) {
        assert_refused_by(commands[i], path, "");
    }
    assert_int_not_equal(access(out, F_OK), 0);
    free(file.bytes);
}

/* ---- A folder of Hugging Face's form ---- */

static void fill_folder(char folder[512], const void *weights, size_t size, const char *config)
{
    char path[640];
    home_path(folder, "model");
    (void)mkdir(folder, 0700);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    write_bytes(path, weights, size);
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    write_bytes(path, config, strlen(config));
}

static const char sound_config[] =
    "{\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_head\": 3, \"n_embd\": 24,"
    " \"n_positions\": 256, \"vocab_size\": 97, \"activation_function\": \"gelu_new\","
    " \"layer_norm_epsilon\": 1e-05, \"n_inner\": null, \"tie_word_embeddings\": true}";

static void folder__cut_short__is_refused(void **state)
{
    (void)state;
    struct fixture_file file = fixture_load("tied-f32/model.safetensors");
    char folder[512];
    for (size_t size = 0; size < file.size; size += 1 + size / 2) {
        fill_folder(folder, file.bytes, size, sound_config);
        assert_refused(folder, "model.safetensors");
    }
    fill_folder(folder, file.bytes, file.size - 1, sound_config);
    assert_refused(folder, "model.safetensors");
    fill_folder(folder, file.bytes, file.size, sound_config);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "logits", "-m", folder, "--ids", "1,2");
    program_release(&result);
    free(file.bytes);
}

/* The header with FROM replaced by TO, its size told anew, the data as they were. */
static void replace_in_header(struct cf_buf *out, const struct fixture_file *file, const char *from,
                              const char *to)
{
    uint64_t size;
    memcpy(&size, file->bytes, sizeof size);
    char *header = cf_memdup_str((const char *)file->bytes + sizeof size, (size_t)size);
    const char *at = strstr(header, from);
    assert_non_null(at);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_add(&text, header, (size_t)(at - header));
    cf_buf_add_str(&text, to);
    cf_buf_add_str(&text, at + strlen(from));
    while (text.size % 8 != 0) {
        cf_buf_add_char(&text, ' ');
    }
    uint64_t new_size = text.size;
    cf_buf_add(out, &new_size, sizeof new_size);
    cf_buf_add(out, text.data, text.size);
    cf_buf_add(out, file->bytes + sizeof size + size, file->size - sizeof size - (size_t)size);
    cf_buf_release(&text);
    free(header);
}

#define WEIGHT "transformer.h.0.attn.c_proj.weight"
#define OLD "\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[24,24],\"data_offsets\":[7296,9600]}"

static void folder__changed_weights__are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *to, *sentence;
    } cases[] = {
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[24,24],\"data_offsets\":[91880,94184]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[24,24],"
         "\"data_offsets\":[9223372036854773504,9223372036854775808]}",
         "model.safetensors"},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[24,24],\"data_offsets\":[7292,9596]}",
         "'transformer."},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[24,24],\"data_offsets\":[9600,7296]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[23,24],\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[12,48],\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],"
         "\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F32\",\"shape\":[-24,-24],\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"I32\",\"shape\":[24,24],\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"" WEIGHT "\":{\"dtype\":\"F77\",\"shape\":[24,24],\"data_offsets\":[7296,9600]}",
         WEIGHT},
        {"\"transformer.h.0.attn.c_prox.weight\":{\"dtype\":\"F32\",\"shape\":[24,24],"
         "\"data_offsets\":[7296,9600]}",
         "c_pro"},
        {"\"" WEIGHT "\":7", WEIGHT},
    };
    struct fixture_file file = fixture_load("tied-f32/model.safetensors");
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        char folder[512];
        struct cf_buf bytes = CF_BUF_INIT;
        replace_in_header(&bytes, &file, OLD, cases[i].to);
        fill_folder(folder, bytes.data, bytes.size, sound_config);
        assert_refused(folder, cases[i].sentence);
        cf_buf_release(&bytes);
    }
    /* A header that is larger than anything; weights that are no numbers. */
    char folder[512];
    fixture_put(&file, 0, UINT64_C(1) << 62, 8);
    fill_folder(folder, file.bytes, file.size, sound_config);
    assert_refused(folder, "model.safetensors");
    free(file.bytes);
    file = fixture_load("tied-f32/model.safetensors");
    uint64_t header;
    memcpy(&header, file.bytes, sizeof header);
    fixture_put(&file, 8 + (size_t)header + 7296, 0x7FC00000, 4);
    fill_folder(folder, file.bytes, file.size, sound_config);
    assert_refused(folder, WEIGHT);
    free(file.bytes);
}

static void folder__changed_config__is_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"\"gpt2\"", "\"llama\"", "llama"},
        {"\"n_layer\": 2", "\"n_layer\": 2000000000", "'n_layer'"},
        {"\"n_layer\": 2", "\"n_layer\": 3", "transformer.h.2."},
        {"\"n_layer\": 2", "\"n_layer\": -2", "'n_layer'"},
        {"\"n_head\": 3", "\"n_head\": 5", "n_head"},
        {"\"n_embd\": 24", "\"n_embd\": 2147483640", ""},
        {"\"n_positions\": 256", "\"n_positions\": 2147483647", ""},
        {"\"vocab_size\": 97", "\"vocab_size\": 2147483647", ""},
        {"\"vocab_size\": 97", "\"vocab_size\": 9e99", "'vocab_size'"},
        {"\"n_inner\": null", "\"n_inner\": 2147483647", ""},
        {"\"gelu_new\"", "\"relu\"", "relu"},
        {"1e-05", "\"small\"", "'layer_norm_epsilon'"},
        {"{", "", "config.json"},
        {"true}", "true", "config.json"},
    };
    struct fixture_file file = fixture_load("tied-f32/model.safetensors");
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        char folder[512];
        struct cf_buf config = CF_BUF_INIT;
        const char *at = strstr(sound_config, cases[i][0]);
        assert_non_null(at);
        cf_buf_add(&config, sound_config, (size_t)(at - sound_config));
        cf_buf_add_str(&config, cases[i][1]);
        cf_buf_add_str(&config, at + strlen(cases[i][0]));
        fill_folder(folder, file.bytes, file.size, config.data);
        assert_refused(folder, cases[i][2]);
        cf_buf_release(&config);
    }
    free(file.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gguf__cut_short__is_refused),
        TEST(gguf__changed__is_refused),
        TEST(gguf__weights_that_are_no_numbers__are_refused),
        TEST(gguf__broken__is_refused_by_every_command),
        TEST(folder__cut_short__is_refused),
        TEST(folder__changed_weights__are_refused),
        TEST(folder__changed_config__is_refused),
    };
    return cmocka_run_group_tests_name("broken_model", tests, NULL, NULL);
}
