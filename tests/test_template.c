/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template at its header. */
#include "test.h"

#include "roles_jinja.h"
#include "template.h"

/* A model's metadata, for cf_template_of_model. */
struct pairs {
    struct cf_texts keys;
    struct cf_texts values;
};

static const char *pairs_find(const void *model, const char *key)
{
    const struct pairs *pairs = model;
    for (size_t i = 0; i < pairs->keys.n; i++) {
        if (strcmp(pairs->keys.items[i], key) == 0) {
            return pairs->values.items[i];
        }
    }
    return NULL;
}

static void pairs_add(void *arg, const char *key, const char *value)
{
    struct pairs *pairs = arg;
    cf_texts_add(&pairs->keys, key);
    cf_texts_add(&pairs->values, value);
}

static void pairs_release(struct pairs *pairs)
{
    cf_texts_release(&pairs->keys);
    cf_texts_release(&pairs->values);
}

static void assert_same_template(const struct cf_template *a, const struct cf_template *b)
{
    assert_string_equal(a->user, b->user);
    assert_string_equal(a->assistant, b->assistant);
    assert_int_equal(a->system == NULL, b->system == NULL);
    if (a->system != NULL) {
        assert_string_equal(a->system, b->system);
    }
    assert_int_equal(a->is_verbatim, b->is_verbatim);
    assert_int_equal(a->stop.n, b->stop.n);
    for (size_t i = 0; i < a->stop.n; i++) {
        assert_string_equal(a->stop.items[i], b->stop.items[i]);
    }
}

static void template__builtins__are_whole(void **state)
{
    (void)state;
    size_t n = 0;
    for (; cf_template_builtin_at(n) != NULL; n++) {
        const struct cf_template *builtin = cf_template_builtin_at(n);
        assert_ptr_equal(cf_template_builtin(builtin->name), builtin);
        assert_int_equal(cf_template_check(builtin, NULL), CF_OK);
        /* And it comes back from a model's metadata. */
        struct pairs pairs = {.keys = {.n = 0}};
        cf_template_metadata(builtin, pairs_add, &pairs);
        struct cf_template own = CF_TEMPLATE_INIT;
        assert_int_equal(cf_template_of_model(&own, pairs_find, &pairs), CF_TEMPLATE_OWN);
        assert_same_template(&own, builtin);
        assert_string_equal(own.name, builtin->name);
        cf_template_release(&own);
        pairs_release(&pairs);
    }
    assert_int_equal(n, 7);
    assert_null(cf_template_builtin("nix"));
}

static void template__set__refuses_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *sentence;
    } cases[] = {
        {"user", "no slot", "the user part of a template needs {text} once"},
        {"assistant", "{text}{text}", "the assistant part of a template needs {text} once"},
        {"stop", "", "the stop text of a template is empty"},
        {"verbatim", "yes", "verbatim must be on or off, not yes"},
        {"usr", "{text}",
         "a template has no 'usr', only system, user, assistant, stop and verbatim"},
    };
    struct cf_template template = CF_TEMPLATE_INIT;
    struct cf_err err = CF_ERR_INIT;
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        assert_true(cf_template_set(&template, cases[i].key, cases[i].value, &err) != CF_OK);
        assert_string_equal(err.text, cases[i].sentence);
    }
    assert_int_equal(cf_template_set(&template, "user", "{text}", NULL), CF_OK);
    assert_int_equal(cf_template_set(&template, "system", "", NULL), CF_OK);
    assert_int_equal(cf_template_check(&template, &err), CF_ERR_FORMAT);
    assert_string_equal(err.text, "the template of the model has no assistant part");
    cf_template_release(&template);
}

static void template__of_model__recognises_or_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *jinja;
        const char *name;
        enum cf_template_match match;
    } cases[] = {
        {NULL, "transcript", CF_TEMPLATE_NONE},
        {test_roles_jinja, "roles", CF_TEMPLATE_RECOGNISED},
        {"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
         "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt "
         "%}{{ '<|im_start|>assistant\\n' }}{% endif %}",
         "chatml", CF_TEMPLATE_RECOGNISED},
        {"{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}",
         "dialogpt", CF_TEMPLATE_RECOGNISED},
        {"{%- for message in messages -%}\n{{ message['content'] + eos_token }}\n{%- endfor -%}",
         "dialogpt", CF_TEMPLATE_RECOGNISED},
        {"{% for m in messages %}{{ '### Instruction:\\n' + m.content + '### Response:\\n'}}",
         "alpaca", CF_TEMPLATE_RECOGNISED},
        {"{{ 'User: ' + m['content'] + '\\nAssistant:' }}", "transcript", CF_TEMPLATE_RECOGNISED},
        {"[INST] {{ m['content'] }} [/INST]", "transcript", CF_TEMPLATE_UNKNOWN},
        /* The same tokens with line ends between them are another form. */
        {"<|user|>\\n{{ m['content'] + eos_token }}\\n<|assistant|>\\n", "transcript",
         CF_TEMPLATE_UNKNOWN},
        {"", "transcript", CF_TEMPLATE_UNKNOWN},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct pairs pairs = {.keys = {.n = 0}};
        if (cases[i].jinja != NULL) {
            pairs_add(&pairs, "tokenizer.chat_template", cases[i].jinja);
        }
        struct cf_template template = CF_TEMPLATE_INIT;
        assert_int_equal(cf_template_of_model(&template, pairs_find, &pairs), cases[i].match);
        assert_string_equal(template.name, cases[i].name);
        assert_int_equal(cf_template_check(&template, NULL), CF_OK);
        cf_template_release(&template);
        pairs_release(&pairs);
    }
    /* Keys of our own that make no template don't hide the other. */
    struct pairs pairs = {.keys = {.n = 0}};
    pairs_add(&pairs, "confab.template.user", "no slot");
    pairs_add(&pairs, "tokenizer.chat_template", test_roles_jinja);
    struct cf_template template = CF_TEMPLATE_INIT;
    assert_int_equal(cf_template_of_model(&template, pairs_find, &pairs), CF_TEMPLATE_RECOGNISED);
    assert_string_equal(template.user, "<|user|>{text}<|endoftext|><|assistant|>");
    cf_template_release(&template);
    pairs_release(&pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template__builtins__are_whole),
        cmocka_unit_test(template__set__refuses_with_a_sentence),
        cmocka_unit_test(template__of_model__recognises_or_says_so),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
