/* SPDX-License-Identifier: GPL-3.0-or-later */
/* data/model.gguf, the bundled model: it is whole, brings its tokenizer, template and settings, and
 * is what data/MODEL.md says. */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "digest.h"
#include "model.h"
#include "shared.h"
#include "template.h"
#include "tokenizer.h"

/* As in data/MODEL.md. */
static const struct {
    const char *key, *value;
} metadata[] = {
    {"general.description", "confab's small model: small talk in English, trained from scratch"},
    {"general.license", "cc-by-4.0"},
    {"general.license.link", "https://creativecommons.org/licenses/by/4.0/"},
};

static void data_path(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/data/%s", TEST_SRCDIR, name);
}

static void model__open__has_the_shape_of_its_card(void **state)
{
    (void)state;
    char path[1024];
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    data_path(path, sizeof path, "model.gguf");
    if (cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(model->name, "confab-3");
    assert_int_equal(model->n_layer, 6);
    assert_int_equal(model->n_head, 4);
    assert_int_equal(model->n_embd, 256);
    assert_int_equal(model->n_ctx, 512);
    assert_int_equal(model->n_vocab, 8192);
    assert_int_equal(model->n_parameters, 6967296);
    assert_int_equal(model->dtype, CF_Q8_0);
    assert_true(model->is_tied);
    assert_int_equal(model->gelu, CF_GELU_TANH);
    assert_string_equal(cf_model_metadata_find(model, "confab.temperature"), "0.3");
    assert_string_equal(cf_model_metadata_find(model, "confab.top_p"), "0.9");
    for (size_t i = 0; i < CF_ARRAY_SIZE(metadata); i++) {
        assert_string_equal(cf_model_metadata_find(model, metadata[i].key), metadata[i].value);
    }
    cf_model_free(model);
}

static void model__template__is_its_own(void **state)
{
    (void)state;
    char path[1024];
    struct cf_model *model = NULL;
    data_path(path, sizeof path, "model.gguf");
    assert_int_equal(cf_model_open(&model, path, NULL), CF_OK);
    struct cf_template template = CF_TEMPLATE_INIT;
    assert_int_equal(cf_template_of_model(&template, cf_model_metadata_answer, model),
                     CF_TEMPLATE_OWN);
    assert_string_equal(template.user, "<|user|>{text}<|endoftext|><|assistant|>");
    assert_string_equal(template.assistant, "{text}<|endoftext|>");
    assert_int_equal(template.stop.n, 1);
    assert_string_equal(template.stop.items[0], "<|endoftext|>");
    cf_template_release(&template);
    cf_model_free(model);
}

static void model__tokenizer__knows_the_roles(void **state)
{
    (void)state;
    static const char prompt[] = "<|user|>Hello!<|endoftext|><|assistant|>";
    static const int32_t expected[] = {8190, 1348, 0, 8189, 8191};
    char path[1024];
    struct cf_tokenizer *tokenizer = NULL;
    struct cf_ids ids = {0};
    data_path(path, sizeof path, "model.gguf");
    assert_int_equal(cf_tokenizer_open(&tokenizer, path, NULL), CF_OK);
    assert_int_equal(cf_tokenizer_n_vocab(tokenizer), 8192);
    assert_int_equal(cf_tokenizer_eos(tokenizer), 8189);
    cf_tokenizer_encode_special(tokenizer, prompt, sizeof prompt - 1, &ids);
    assert_int_equal(ids.n, CF_ARRAY_SIZE(expected));
    assert_memory_equal(ids.data, expected, sizeof expected);
    cf_ids_truncate(&ids, 0);
    cf_tokenizer_encode(tokenizer, prompt, sizeof prompt - 1, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        assert_false(cf_tokenizer_is_special(tokenizer, ids.data[i]));
    }
    cf_ids_release(&ids);
    cf_tokenizer_free(tokenizer);
}

static void card__digest__is_that_of_the_file(void **state)
{
    (void)state;
    char path[1024];
    char hex[CF_DIGEST_TEXT_SIZE];
    size_t size = 0;
    struct cf_digest digest;
    data_path(path, sizeof path, "model.gguf");
    assert_int_equal(cf_digest_file(&digest, path, NULL, NULL, NULL), CF_OK);
    cf_digest_format(hex, &digest);
    data_path(path, sizeof path, "MODEL.md");
    char *card = test_read_file(path, &size);
    if (strstr(card, hex) == NULL) {
        fail_msg("data/MODEL.md does not name %s", hex);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(metadata); i++) {
        assert_non_null(strstr(card, metadata[i].value));
    }
    free(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model__open__has_the_shape_of_its_card),
        cmocka_unit_test(model__template__is_its_own),
        cmocka_unit_test(model__tokenizer__knows_the_roles),
        cmocka_unit_test(card__digest__is_that_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
