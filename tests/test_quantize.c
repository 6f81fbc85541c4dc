/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantize at its header: a folder of random weights becomes a GGUF file that says the same; what
 * cannot be written leaves nothing behind. */
#include "test.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "kernels/kernels.h"
#include "model.h"
#include "quantize.h"
#include "random.h"
#include "shared.h"
#include "tokenizer.h"

/* Rows of 40 are no multiple of a block, rows of 96 are. */
enum { N_VOCAB = 1462, N_CTX = 24, N_EMBD = 40, N_INNER = 96, N_LAYER = 2 };

static char dir[] = "/tmp/confab-quantize-XXXXXX";
static char source[256];
static char target[256];

struct shape {
    const char *name;
    int n_rows, n;
};

static const struct shape shapes[] = {
    {"wte.weight", N_VOCAB, N_EMBD},
    {"wpe.weight", N_CTX, N_EMBD},
    {"ln_f.weight", 0, N_EMBD},
    {"ln_f.bias", 0, N_EMBD},
    {"lm_head.weight", N_VOCAB, N_EMBD},
    {"ln_1.weight", 0, N_EMBD},
    {"ln_1.bias", 0, N_EMBD},
    {"attn.c_attn.weight", N_EMBD, 3 * N_EMBD},
    {"attn.c_attn.bias", 0, 3 * N_EMBD},
    {"attn.c_proj.weight", N_EMBD, N_EMBD},
    {"attn.c_proj.bias", 0, N_EMBD},
    {"ln_2.weight", 0, N_EMBD},
    {"ln_2.bias", 0, N_EMBD},
    {"mlp.c_fc.weight", N_EMBD, N_INNER},
    {"mlp.c_fc.bias", 0, N_INNER},
    {"mlp.c_proj.weight", N_INNER, N_EMBD},
    {"mlp.c_proj.bias", 0, N_EMBD},
};
enum { FIRST_OF_LAYER = 5 };

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", source, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void add_tensor(struct cf_buf *header, struct cf_buf *data, const char *name,
                       const struct shape *shape, struct test_random *random)
{
    size_t start = data->size;
    int n = shape->n * (shape->n_rows > 0 ? shape->n_rows : 1);
    for (int i = 0; i < n; i++) {
        float value = (float)test_random_below(random, 2000) / 1000.0F - 1.0F;
        cf_buf_add(data, &value, sizeof value);
    }
    cf_buf_addf(header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", header->size > 1 ? "," : "",
                name);
    if (shape->n_rows > 0) {
        cf_buf_addf(header, "%d,", shape->n_rows);
    }
    cf_buf_addf(header, "%d],\"data_offsets\":[%zu,%zu]}", shape->n, start, data->size);
}

/* The weights, with one number put in the place of another. */
static void write_weights(size_t place, float number)
{
    struct test_random random = {.state = 5};
    struct cf_buf header = CF_BUF_INIT;
    struct cf_buf data = CF_BUF_INIT;
    cf_buf_add_char(&header, '{');
    for (size_t i = 0; i < FIRST_OF_LAYER; i++) {
        add_tensor(&header, &data, shapes[i].name, &shapes[i], &random);
    }
    for (int layer = 0; layer < N_LAYER; layer++) {
        for (size_t i = FIRST_OF_LAYER; i < CF_ARRAY_SIZE(shapes); i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "h.%d.%s", layer, shapes[i].name);
            add_tensor(&header, &data, name, &shapes[i], &random);
        }
    }
    cf_buf_add_char(&header, '}');
    while (header.size % 8 != 0) {
        cf_buf_add_char(&header, ' ');
    }
    if (place > 0) {
        memcpy(data.data + place * sizeof number, &number, sizeof number);
    }
    struct cf_buf file = CF_BUF_INIT;
    uint64_t n_header = header.size;
    cf_buf_add(&file, &n_header, sizeof n_header);
    cf_buf_add(&file, header.data, header.size);
    cf_buf_add(&file, data.data, data.size);
    write_file("model.safetensors", file.data, file.size);
    cf_buf_release(&file);
    cf_buf_release(&header);
    cf_buf_release(&data);
}

static void copy_fixture(const char *name)
{
    char path[1024];
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/tokenizer/small/%s", TEST_SRCDIR, name);
    char *bytes = test_read_file(path, &size);
    write_file(name, bytes, size);
    free(bytes);
}

static int n_files(const char *folder)
{
    DIR *open_dir = opendir(folder);
    assert_non_null(open_dir);
    int n = 0;
    for (const struct dirent *entry = readdir(open_dir); entry != NULL; entry = readdir(open_dir)) {
        n += entry->d_name[0] != '.';
    }
    (void)closedir(open_dir);
    return n;
}

static struct cf_model *open_model(const char *path)
{
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

/* Row OUT of any matrix. */
static void read_row(const struct cf_matrix *matrix, int out, float row[N_INNER])
{
    cf_matrix_row(cf_kernels_current(), matrix, out, row);
}

static void assert_matrix(const struct cf_matrix *one, const struct cf_matrix *other,
                          enum cf_dtype dtype)
{
    assert_int_equal(one->n_out, other->n_out);
    assert_int_equal(one->n_in, other->n_in);
    assert_int_equal(other->dtype, dtype);
    /* Weights lie between -1 and 1. */
    double bound = dtype == CF_F32    ? 0.0
                   : dtype == CF_F16  ? 0x1p-12
                   : dtype == CF_BF16 ? 0x1p-9
                   : dtype == CF_Q4_0 ? 1.0 / 8 + 0x1p-9
                   : dtype == CF_Q4_1 ? 1.0 / 15 + 0x1p-9
                   : dtype == CF_Q5_0 ? 1.0 / 16 + 0x1p-9
                   : dtype == CF_Q5_1 ? 1.0 / 31 + 0x1p-9
                                      : 0.5 / 127 + 0x1p-10;
    for (int out = 0; out < one->n_out; out++) {
        float a[N_INNER];
        float b[N_INNER];
        read_row(one, out, a);
        read_row(other, out, b);
        for (int in = 0; in < one->n_in; in++) {
            if (!(fabs((double)a[in] - (double)b[in]) <= bound)) {
                fail_msg("(%d, %d): %g became %g", out, in, (double)a[in], (double)b[in]);
            }
        }
    }
}

static void assert_vector(const float *one, const float *other, size_t n)
{
    assert_memory_equal(one, other, n * sizeof *one);
}

static void assert_models(const struct cf_model *one, const struct cf_model *other,
                          enum cf_dtype dtype)
{
    enum cf_dtype odd = cf_dtype_n_block(dtype) > 1 ? CF_F16 : dtype; /* of rows of 40 */
    assert_int_equal(one->n_layer, other->n_layer);
    assert_int_equal(one->n_head, other->n_head);
    assert_int_equal(one->n_ctx, other->n_ctx);
    assert_int_equal(one->n_inner, other->n_inner);
    assert_int_equal(one->gelu, other->gelu);
    assert_int_equal(one->is_tied, other->is_tied);
    assert_true(one->layer_norm_epsilon <= other->layer_norm_epsilon &&
                one->layer_norm_epsilon >= other->layer_norm_epsilon);
    assert_matrix(&one->wte, &other->wte, odd);
    assert_matrix(&one->wpe, &other->wpe, CF_F32);
    assert_matrix(&one->lm_head, &other->lm_head, odd);
    assert_vector(one->ln_f_weight, other->ln_f_weight, N_EMBD);
    assert_vector(one->ln_f_bias, other->ln_f_bias, N_EMBD);
    for (int i = 0; i < N_LAYER; i++) {
        const struct cf_layer *a = &one->layers[i];
        const struct cf_layer *b = &other->layers[i];
        assert_matrix(&a->attn_qkv, &b->attn_qkv, odd);
        assert_matrix(&a->attn_proj, &b->attn_proj, odd);
        assert_matrix(&a->mlp_up, &b->mlp_up, odd);
        assert_matrix(&a->mlp_down, &b->mlp_down, dtype);
        assert_vector(a->ln_1_weight, b->ln_1_weight, N_EMBD);
        assert_vector(a->ln_1_bias, b->ln_1_bias, N_EMBD);
        assert_vector(a->ln_2_weight, b->ln_2_weight, N_EMBD);
        assert_vector(a->ln_2_bias, b->ln_2_bias, N_EMBD);
        assert_vector(a->attn_qkv_bias, b->attn_qkv_bias, 3 * N_EMBD);
        assert_vector(a->attn_proj_bias, b->attn_proj_bias, N_EMBD);
        assert_vector(a->mlp_up_bias, b->mlp_up_bias, N_INNER);
        assert_vector(a->mlp_down_bias, b->mlp_down_bias, N_EMBD);
    }
}

static void assert_tokenizers(const char *one_path, const char *other_path)
{
    struct cf_tokenizer *one = NULL;
    struct cf_tokenizer *other = NULL;
    assert_int_equal(cf_tokenizer_open(&one, one_path, NULL), CF_OK);
    assert_int_equal(cf_tokenizer_open(&other, other_path, NULL), CF_OK);
    assert_int_equal(cf_tokenizer_eos(one), cf_tokenizer_eos(other));
    assert_int_equal(cf_tokenizer_bos(one), cf_tokenizer_bos(other));
    assert_int_equal(cf_tokenizer_n_merges(one), cf_tokenizer_n_merges(other));
    for (int32_t rank = 0; rank < cf_tokenizer_n_merges(one); rank++) {
        int32_t a[2];
        int32_t b[2];
        cf_tokenizer_merge(one, rank, &a[0], &a[1]);
        cf_tokenizer_merge(other, rank, &b[0], &b[1]);
        assert_memory_equal(a, b, sizeof a);
    }
    for (int32_t id = 0; id < N_VOCAB; id++) {
        size_t n_one = 0;
        size_t n_other = 0;
        const char *piece = cf_tokenizer_piece(one, id, &n_one);
        const char *piece_other = cf_tokenizer_piece(other, id, &n_other);
        assert_int_equal(cf_tokenizer_kind(one, id), cf_tokenizer_kind(other, id));
        assert_int_equal(n_one, n_other);
        assert_true(n_one == 0 || memcmp(piece, piece_other, n_one) == 0);
    }
    cf_tokenizer_free(one);
    cf_tokenizer_free(other);
}

static void convert__every_type__says_the_same(void **state)
{
    (void)state;
    static const enum cf_dtype dtypes[] = {CF_F32,  CF_F16,  CF_BF16, CF_Q8_0,
                                           CF_Q4_0, CF_Q4_1, CF_Q5_0, CF_Q5_1};
    struct cf_model *model = open_model(source);
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtypes); i++) {
        struct cf_convert convert = {.dtype = dtypes[i], .may_replace = true};
        struct cf_err err = CF_ERR_INIT;
        if (cf_model_convert(source, target, &convert, &err) != CF_OK) {
            fail_msg("%s", err.text);
        }
        struct cf_model *converted = open_model(target);
        assert_models(model, converted, dtypes[i]);
        assert_tokenizers(source, target);
        cf_model_free(converted);
    }
    cf_model_free(model);
    assert_int_equal(n_files(dir), 2); /* source and target */
}

/* Converted when it is loaded, a matrix has the bits of the file converted before. */
static void assert_same_matrix(const struct cf_matrix *one, const struct cf_matrix *other)
{
    assert_int_equal(one->dtype, other->dtype);
    for (int out = 0; out < one->n_out; out++) {
        float a[N_INNER];
        float b[N_INNER];
        read_row(one, out, a);
        read_row(other, out, b);
        assert_memory_equal(a, b, (size_t)one->n_in * sizeof *a);
    }
}

static void open_as__any_type__is_the_converted_file(void **state)
{
    (void)state;
    static const enum cf_dtype dtypes[] = {CF_F32, CF_F16, CF_BF16, CF_Q8_0, CF_Q4_0, CF_Q5_1};
    for (size_t i = 0; i < CF_ARRAY_SIZE(dtypes); i++) {
        const struct cf_convert convert = {.dtype = dtypes[i], .may_replace = true};
        struct cf_model *loaded = NULL;
        assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
        assert_int_equal(cf_model_open_as(&loaded, source, dtypes[i], NULL), CF_OK);
        struct cf_model *converted = open_model(target);
        assert_int_equal(loaded->dtype, dtypes[i]);
        assert_same_matrix(&loaded->wte, &converted->wte);
        assert_same_matrix(&loaded->lm_head, &converted->lm_head);
        for (int layer = 0; layer < N_LAYER; layer++) {
            const struct cf_layer *a = &loaded->layers[layer];
            const struct cf_layer *b = &converted->layers[layer];
            assert_same_matrix(&a->attn_qkv, &b->attn_qkv);
            assert_same_matrix(&a->attn_proj, &b->attn_proj);
            assert_same_matrix(&a->mlp_up, &b->mlp_up);
            assert_same_matrix(&a->mlp_down, &b->mlp_down);
        }
        cf_model_free(converted);
        cf_model_free(loaded);
    }
    struct cf_model *none = NULL;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_model_open_as(&none, source, CF_Q4_K, &err), CF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "converted to q4_k"));
    assert_null(none);
}

static void convert__gguf_to_gguf__keeps_everything(void **state)
{
    (void)state;
    char again[300];
    size_t n_one = 0;
    size_t n_other = 0;
    (void)snprintf(again, sizeof again, "%s.again", target);
    struct cf_convert convert = {.dtype = CF_Q8_0, .may_replace = true};
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    assert_int_equal(rename(target, again), 0);
    assert_int_equal(cf_model_convert(again, target, &convert, NULL), CF_OK);
    char *one = test_read_file(again, &n_one);
    char *other = test_read_file(target, &n_other);
    assert_int_equal(n_one, n_other);
    assert_memory_equal(one, other, n_one);
    free(one);
    free(other);
    assert_int_equal(unlink(again), 0);
}

static const char *metadata_of(const struct cf_model *model, const char *key)
{
    const char *value = cf_model_metadata_find(model, key);
    return value != NULL ? value : "(none)";
}

static void convert__metadata__can_be_given(void **state)
{
    (void)state;
    const struct cf_convert_metadata rows[] = {
        {"general.license", "mit"},
        {"general.name", "first"},
        {"general.name", "Small"},
        {"confab.temperature", NULL},
        {"confab.template.user", "<|user|>{text}<|endoftext|>"},
    };
    struct cf_convert convert = {
        .dtype = CF_F16, .may_replace = true, .metadata = rows, .n_metadata = CF_ARRAY_SIZE(rows)};
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    struct cf_model *model = open_model(target);
    assert_string_equal(model->name, "Small");
    assert_string_equal(metadata_of(model, "general.license"), "mit");
    assert_string_equal(metadata_of(model, "general.file_type"), "1");
    assert_string_equal(metadata_of(model, "confab.temperature"), "(none)");
    assert_string_equal(metadata_of(model, "confab.top_p"), "0.9");
    assert_string_equal(metadata_of(model, "confab.template.user"), "<|user|>{text}<|endoftext|>");
    cf_model_free(model);
    static const char *const ours[] = {"general.architecture", "gpt2.block_count", "general.type",
                                       "tokenizer.ggml.model", ""};
    for (size_t i = 0; i < CF_ARRAY_SIZE(ours); i++) {
        const struct cf_convert_metadata row = {ours[i], "x"};
        struct cf_err err = CF_ERR_INIT;
        convert.metadata = &row;
        convert.n_metadata = 1;
        assert_int_equal(cf_model_convert(source, target, &convert, &err), CF_ERR_USAGE);
        assert_non_null(strstr(err.text, ours[i]));
    }
}

/* ---- what leaves nothing behind ---- */

static void assert_fails(enum cf_code code, const char *words, const struct cf_convert *convert)
{
    struct cf_err err = CF_ERR_INIT;
    (void)unlink(target);
    enum cf_code got = cf_model_convert(source, target, convert, &err);
    if (got != code || strstr(err.text, words) == NULL) {
        fail_msg("expected \"%s\" (%d), got \"%s\" (%d)", words, (int)code, err.text, (int)got);
    }
    assert_int_equal(n_files(dir), 1); /* the source */
}

static void convert__existing_file__is_kept(void **state)
{
    (void)state;
    struct cf_convert convert = {.dtype = CF_F32};
    struct cf_err err = CF_ERR_INIT;
    size_t size = 0;
    (void)unlink(target);
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    char *before = test_read_file(target, &size);
    free(before);
    convert.dtype = CF_F16;
    assert_int_equal(cf_model_convert(source, target, &convert, &err), CF_ERR_EXISTS);
    assert_non_null(strstr(err.text, target));
    size_t size_after = 0;
    free(test_read_file(target, &size_after));
    assert_int_equal(size, size_after);
    convert.may_replace = true;
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    free(test_read_file(target, &size_after));
    assert_true(size_after < size);
}

/* The model that was bundled first, made again from the weights it came from. */
static void convert__trained_weights__are_the_same_to_the_byte(void **state)
{
    (void)state;
    static const struct cf_convert_metadata rows[] = {
        {"general.description", "Small talk in English, trained from scratch"},
        {"general.license", "cc-by-sa-4.0"},
        {"general.license.link", "https://creativecommons.org/licenses/by-sa/4.0/"},
    };
    char from[1024];
    char hex[CF_DIGEST_TEXT_SIZE];
    struct cf_digest digest;
    struct cf_err err = CF_ERR_INIT;
    if (!test_shared_path(from, sizeof from, "models/chat-v0")) {
        skip();
    }
    struct cf_convert convert = {
        .dtype = CF_Q8_0, .may_replace = true, .metadata = rows, .n_metadata = CF_ARRAY_SIZE(rows)};
    enum cf_code code = cf_model_convert(from, target, &convert, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, CF_OK);
    assert_int_equal(cf_digest_file(&digest, target, NULL, NULL, NULL), CF_OK);
    cf_digest_format(hex, &digest);
    assert_string_equal(hex, "7644462f66e1b7f6588acae0a6bdc05c45772387f1283f6c176b0aa11be19cd0");
}

struct watch {
    uint64_t done, total;
    int n_calls, n_allowed;
};

static bool watch_progress(void *data, uint64_t done, uint64_t total)
{
    struct watch *watch = data;
    assert_true(done >= watch->done && done <= total);
    watch->done = done;
    watch->total = total;
    watch->n_calls++;
    return watch->n_calls <= watch->n_allowed;
}

static void convert__progress__tells_and_cancels(void **state)
{
    (void)state;
    struct watch watch = {.n_allowed = 3};
    struct cf_convert convert = {.dtype = CF_F32, .progress = {watch_progress, &watch}};
    assert_fails(CF_ERR_CANCELLED, source, &convert);
    assert_int_equal(watch.n_calls, 4);
    watch = (struct watch){.n_allowed = INT32_MAX};
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    struct stat status;
    assert_int_equal(stat(target, &status), 0);
    assert_int_equal(status.st_size, watch.total);
}

static void convert__no_room__is_said(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {.rlim_cur = 20000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct cf_convert convert = {.dtype = CF_F32};
    struct cf_err err = CF_ERR_INIT;
    (void)unlink(target);
    enum cf_code code = cf_model_convert(source, target, &convert, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(code, CF_ERR_IO);
    assert_non_null(strstr(err.text, target));
    assert_int_equal(n_files(dir), 1);
    assert_int_equal(cf_model_convert(source, "/nonexistent/x.gguf", &convert, &err),
                     CF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/x.gguf"));
}

static void convert__bad_weights__are_refused(void **state)
{
    (void)state;
    struct cf_convert convert = {.dtype = CF_F16};
    write_weights(500, 70000.0F);
    assert_fails(CF_ERR_RANGE, "token_embd.weight is too large for f16", &convert);
    convert.dtype = CF_F32;
    assert_int_equal(cf_model_convert(source, target, &convert, NULL), CF_OK);
    write_weights(500, NAN);
    assert_fails(CF_ERR_CORRUPT, "wte.weight", &convert);
    write_weights(0, 0);
    convert.dtype = CF_Q6_K;
    assert_fails(CF_ERR_UNSUPPORTED, "q6_k", &convert);
}

static void convert__too_few_rows__are_refused(void **state)
{
    (void)state;
    struct cf_convert convert = {.dtype = CF_F16};
    write_file("added_tokens.json", "{\"extra\":1462}", 14);
    assert_fails(CF_ERR_MISMATCH, "1463 tokens, the model only 1462", &convert);
    write_file("added_tokens.json", "{}", 2);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(source, sizeof source, "%s/source", dir);
    (void)snprintf(target, sizeof target, "%s/target.gguf", dir);
    if (mkdir(source, 0700) != 0) {
        return -1;
    }
    copy_fixture("vocab.json");
    copy_fixture("merges.txt");
    copy_fixture("tokenizer_config.json");
    static const char config[] =
        "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"n_layer\":2,"
        "\"n_head\":4,\"n_embd\":40,\"n_inner\":96,\"n_positions\":24,\"vocab_size\":1462,"
        "\"activation_function\":\"gelu\",\"layer_norm_epsilon\":1e-5,"
        "\"tie_word_embeddings\":false}";
    static const char generation[] = "{\"do_sample\":true,\"temperature\":0.7,\"top_p\":0.9}";
    write_file("config.json", config, sizeof config - 1);
    write_file("generation_config.json", generation, sizeof generation - 1);
    write_weights(0, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"vocab.json",        "merges.txt",
                                        "config.json",       "tokenizer_config.json",
                                        "model.safetensors", "generation_config.json",
                                        "added_tokens.json"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", source, names[i]);
        (void)unlink(path);
    }
    (void)unlink(target);
    return rmdir(source) == 0 && rmdir(dir) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert__every_type__says_the_same),
        cmocka_unit_test(open_as__any_type__is_the_converted_file),
        cmocka_unit_test(convert__gguf_to_gguf__keeps_everything),
        cmocka_unit_test(convert__metadata__can_be_given),
        cmocka_unit_test(convert__existing_file__is_kept),
        cmocka_unit_test(convert__trained_weights__are_the_same_to_the_byte),
        cmocka_unit_test(convert__progress__tells_and_cancels),
        cmocka_unit_test(convert__no_room__is_said),
        cmocka_unit_test(convert__bad_weights__are_refused),
        cmocka_unit_test(convert__too_few_rows__are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
