/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setting and number at their headers. */
#include "test.h"

#include <jansson.h>
#include <locale.h>

#include "number.h"
#include "random.h"
#include "setting.h"
#include "template.h"

static void assert_format(const struct cf_settings *settings, enum cf_setting setting,
                          const char *expected)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_settings_format(settings, setting, &text);
    assert_string_equal(text.data, expected);
    cf_buf_release(&text);
}

static void assert_source(const struct cf_settings *settings, enum cf_setting setting,
                          const char *expected)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_settings_format_source(settings, setting, &text);
    assert_string_equal(text.data, expected);
    cf_buf_release(&text);
}

static void number__real__is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},      {"1.5", 1.5},   {"-.25", -0.25}, {"+3.", 3},
                {"1e3", 1000}, {"2E-2", 0.02}, {"0001", 1},     {"1e-400", 0}};
    static const char *const bad[] = {"",      " 1",  "1 ",    "0,8",     "1.5x", ".",
                                      "e5",    "1e",  "1e+",   "nan",     "inf",  "0x10",
                                      "1e999", "--1", "1.2.3", "\xd9\xa1"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(good); i++) {
        double value = -7;
        assert_true(cf_number_real(&value, good[i].text));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(bad); i++) {
        double value = -7;
        assert_false(cf_number_real(&value, bad[i]));
        assert_true(value == -7);
    }
}

static void number__format__reads_back_the_same(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.8, "0.8"},
                 {256, "256"},
                 {1e6, "1000000"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1e-7, "1e-07"},
                 {-2, "-2"},
                 {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(known); i++) {
        struct cf_buf text = CF_BUF_INIT;
        cf_number_format(known[i].value, &text);
        assert_string_equal(text.data, known[i].text);
        cf_buf_release(&text);
    }
    struct test_random random = {1};
    for (int i = 0; i < 2000; i++) {
        double value = (double)(test_random_next(&random) >> 11) * 0x1p-40;
        double again = 0;
        struct cf_buf text = CF_BUF_INIT;
        cf_number_format(value, &text);
        assert_true(cf_number_real(&again, text.data));
        assert_true(again == value);
        cf_buf_release(&text);
    }
}

static void number__int__tells_range_from_nonsense(void **state)
{
    (void)state;
    int64_t value = 5;
    bool is_number = false;
    assert_true(cf_number_int(&value, "-1", -1, 10, &is_number));
    assert_int_equal(value, -1);
    assert_false(cf_number_int(&value, "11", -1, 10, &is_number));
    assert_true(is_number);
    assert_false(cf_number_int(&value, "99999999999999999999", -1, INT64_MAX, &is_number));
    assert_true(is_number);
    assert_false(cf_number_int(&value, "1.5", -1, 10, &is_number));
    assert_false(is_number);
    assert_int_equal(value, -1);
    uint64_t seed = 0;
    assert_true(cf_number_uint64(&seed, "18446744073709551615"));
    assert_true(seed == UINT64_MAX);
    assert_false(cf_number_uint64(&seed, "18446744073709551616"));
    assert_false(cf_number_uint64(&seed, "-1"));
    assert_false(cf_number_uint64(&seed, ""));
}

static void setting__table__is_consistent(void **state)
{
    (void)state;
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        assert_int_equal(info->setting, i);
        assert_ptr_equal(cf_setting_find(info->name), info);
        if (info->letter != 0) {
            assert_ptr_equal(cf_setting_find_letter(info->letter), info);
        }
        assert_true(info->help[0] != '\0' && info->help[strlen(info->help) - 1] != '.');
        assert_int_equal(info->type == CF_TYPE_SWITCH, info->argument[0] == '\0');
        bool has_range = info->type == CF_TYPE_INT || info->type == CF_TYPE_REAL;
        assert_int_equal(has_range, info->least < info->greatest);
        assert_int_equal(info->type == CF_TYPE_CHOICE, info->choices[0] != '\0');
        /* What is live is a knob, and a preset holds nothing but knobs of a conversation. */
        bool is_live = (info->flags & CF_SET_LIVE) != 0;
        bool is_of_conversation = (info->flags & CF_SET_CONVERSATION) != 0;
        assert_true(!is_live || info->step > 0);
        assert_int_equal(is_live && is_of_conversation, (info->flags & CF_SET_PRESET) != 0);
    }
    assert_ptr_equal(cf_setting_find("top_p"), cf_setting_find("top-p"));
    assert_null(cf_setting_find("top"));
    assert_null(cf_setting_find("top-p "));
    assert_null(cf_setting_find_letter('\0'));
}

static void settings__init__has_the_defaults(void **state)
{
    (void)state;
    struct cf_settings settings;
    cf_settings_init(&settings);
    assert_true(settings.sampling.temperature == 0.8 && settings.sampling.top_p == 0.95);
    assert_int_equal(settings.sampling.top_k, 50);
    assert_int_equal(settings.sampling.repeat_last_n, 64);
    assert_int_equal(settings.max_tokens, 256);
    assert_false(settings.has_seed);
    assert_null(settings.system);
    assert_int_equal(settings.threads, 0);
    assert_int_equal(settings.kv, CF_KV_AUTO);
    assert_format(&settings, CF_SETTING_SYSTEM, "");
    assert_format(&settings, CF_SETTING_THREADS, "");
    assert_format(&settings, CF_SETTING_SEED, "random");
    assert_format(&settings, CF_SETTING_KV, "auto");
    assert_source(&settings, CF_SETTING_KV, "default");
    cf_settings_release(&settings);
}

static void settings__set__refuses_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *sentence;
    } cases[] = {
        {"top-p", "1.5", "top-p must be greater than 0 and at most 1, not 1.5"},
        {"top-p", "0", "top-p must be greater than 0 and at most 1, not 0"},
        {"temperature", "-0.1", "temperature must be at least 0 and at most 1000000, not -0.1"},
        {"temperature", "0,8",
         "temperature must be a number, at least 0 and at most 1000000, not 0,8"},
        {"top-k", "1.5", "top-k must be a whole number, at least 0 and at most 1000000, not 1.5"},
        {"max-tokens", "0", "max-tokens must be at least 1 and at most 1000000, not 0"},
        {"max-tokens", "",
         "max-tokens must be a whole number, at least 1 and at most 1000000, "
         "not empty"},
        {"max-tokens", NULL, "max-tokens needs a value"},
        {"seed", "-1",
         "seed must be a whole number from 0 to 18446744073709551615, or random, "
         "not -1"},
        {"mouse", "maybe", "mouse must be on or off, not maybe"},
        {"kv", "f64", "kv must be auto, f32 or f16, not f64"},
        {"system", "\xff", "system is not valid UTF-8"},
        {"model", "", "model must not be empty"},
        {"temprature", "1", "there is no setting 'temprature'; did you mean 'temperature'?"},
        {"qqqqqqqq", "1", "there is no setting 'qqqqqqqq'"},
    };
    struct cf_settings settings;
    cf_settings_init(&settings);
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_err err = CF_ERR_INIT;
        assert_true(cf_settings_set_by_name(&settings, cases[i].name, ~0U, cases[i].text,
                                            CF_ORIGIN_OPTION, "-x", &err) != CF_OK);
        assert_string_equal(err.text, cases[i].sentence);
    }
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_settings_set_by_name(&settings, "help", CF_SET_CONFIG, NULL,
                                             CF_ORIGIN_CONFIG, NULL, &err),
                     CF_ERR_NOT_FOUND);
    assert_string_equal(err.text, "help cannot be set here");
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        assert_source(&settings, (enum cf_setting)i, "default");
    }
    cf_settings_release(&settings);
}

static void settings__set__keeps_the_greatest_origin_in_any_order(void **state)
{
    (void)state;
    static const enum cf_origin orders[][3] = {
        {CF_ORIGIN_OPTION, CF_ORIGIN_CONFIG, CF_ORIGIN_ENVIRONMENT},
        {CF_ORIGIN_CONFIG, CF_ORIGIN_ENVIRONMENT, CF_ORIGIN_OPTION},
        {CF_ORIGIN_ENVIRONMENT, CF_ORIGIN_OPTION, CF_ORIGIN_CONFIG},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(orders); i++) {
        struct cf_settings settings;
        cf_settings_init(&settings);
        for (size_t k = 0; k < 3; k++) {
            enum cf_origin origin = orders[i][k];
            const char *text = origin == CF_ORIGIN_OPTION   ? "0.1"
                               : origin == CF_ORIGIN_CONFIG ? "0.2"
                                                            : "0.3";
            assert_int_equal(cf_settings_set(&settings, CF_SETTING_TEMPERATURE, text, origin,
                                             origin == CF_ORIGIN_OPTION ? "-t" : NULL, NULL),
                             CF_OK);
            assert_int_equal(cf_settings_set(&settings, CF_SETTING_STOP, text, origin, NULL, NULL),
                             CF_OK);
            assert_int_equal(cf_settings_set(&settings, CF_SETTING_STOP, "x", origin, NULL, NULL),
                             CF_OK);
        }
        assert_format(&settings, CF_SETTING_TEMPERATURE, "0.1");
        assert_source(&settings, CF_SETTING_TEMPERATURE, "option -t");
        assert_format(&settings, CF_SETTING_STOP, "\"0.1\" \"x\"");
        /* A mistake is one also where it would not count. */
        assert_int_equal(
            cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "-3", CF_ORIGIN_CONFIG, NULL, NULL),
            CF_ERR_RANGE);
        /* By hand, the last one holds. */
        cf_settings_set(&settings, CF_SETTING_STOP, "a", CF_ORIGIN_USER, NULL, NULL);
        cf_settings_set(&settings, CF_SETTING_STOP, "b\n\"", CF_ORIGIN_USER, NULL, NULL);
        assert_format(&settings, CF_SETTING_STOP, "\"b\\n\\\"\"");
        assert_int_equal(
            cf_settings_set(&settings, CF_SETTING_STOP, "\xff", CF_ORIGIN_USER, NULL, NULL),
            CF_ERR_RANGE);
        assert_format(&settings, CF_SETTING_STOP, "\"b\\n\\\"\"");
        cf_settings_release(&settings);
    }
}

static void settings__set__does_not_care_for_the_locale(void **state)
{
    (void)state;
    /* Where a locale with a decimal comma is installed; the result must not change anyway. */
    (void)(setlocale(LC_ALL, "de_DE.UTF-8") != NULL || setlocale(LC_ALL, "fr_FR.UTF-8") != NULL);
    struct cf_settings settings;
    cf_settings_init(&settings);
    assert_true(settings.sampling.temperature == 0.8);
    assert_int_equal(
        cf_settings_set(&settings, CF_SETTING_TOP_P, "0.75", CF_ORIGIN_OPTION, NULL, NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TOP_P, "0.75");
    assert_int_equal(
        cf_settings_set(&settings, CF_SETTING_TOP_P, "0,75", CF_ORIGIN_OPTION, NULL, NULL),
        CF_ERR_RANGE);
    cf_settings_release(&settings);
    (void)setlocale(LC_ALL, "C");
}

static void settings__turn__steps_within_the_range(void **state)
{
    (void)state;
    struct cf_settings settings;
    cf_settings_init(&settings);
    assert_true(cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, 1, CF_ORIGIN_USER));
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.85");
    assert_true(cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, -100, CF_ORIGIN_USER));
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0");
    assert_false(cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, -1, CF_ORIGIN_USER));
    for (int i = 0; i < 100; i++) {
        cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, 1, CF_ORIGIN_USER);
    }
    assert_format(&settings, CF_SETTING_TEMPERATURE, "2");
    assert_true(cf_settings_slider(&settings, CF_SETTING_TEMPERATURE) == 1.0);
    /* A value beyond the slider comes back step by step. */
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "7.5", CF_ORIGIN_USER, NULL, NULL);
    assert_false(cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, 1, CF_ORIGIN_USER));
    assert_true(cf_settings_turn(&settings, CF_SETTING_TEMPERATURE, -1, CF_ORIGIN_USER));
    assert_format(&settings, CF_SETTING_TEMPERATURE, "7.45");
    /* An open end is not reached. */
    cf_settings_turn(&settings, CF_SETTING_TOP_P, -1000, CF_ORIGIN_USER);
    assert_format(&settings, CF_SETTING_TOP_P, "0.01");
    cf_settings_set(&settings, CF_SETTING_TOP_P, "0.001", CF_ORIGIN_USER, NULL, NULL);
    assert_false(cf_settings_turn(&settings, CF_SETTING_TOP_P, -1, CF_ORIGIN_USER));
    cf_settings_turn(&settings, CF_SETTING_REPEAT_LAST_N, -1000, CF_ORIGIN_USER);
    assert_format(&settings, CF_SETTING_REPEAT_LAST_N, "-1");
    assert_false(cf_settings_turn(&settings, CF_SETTING_SYSTEM, 1, CF_ORIGIN_USER));
    assert_false(cf_settings_turn(&settings, CF_SETTING_CTX, 1, CF_ORIGIN_USER));
    cf_settings_release(&settings);
}

static const char *recommend_top_p(const void *model, const char *key)
{
    (void)model;
    return strcmp(key, "confab.top_p") == 0 ? "0.6" : NULL;
}

static void settings__preset__leaves_explicit_values_alone(void **state)
{
    (void)state;
    struct cf_presets presets;
    cf_presets_init(&presets);
    struct cf_preset *own = cf_presets_put(&presets, "own", "f:1");
    assert_int_equal(cf_preset_set(own, "min_p", "0.25", NULL), CF_OK);
    assert_int_equal(cf_preset_set(own, "temperature", "0.5", NULL), CF_OK);
    assert_int_equal(cf_preset_set(own, "min-p", "7", NULL), CF_ERR_RANGE);
    assert_int_equal(cf_preset_set(own, "system", "x", NULL), CF_ERR_NOT_FOUND);

    struct cf_settings settings;
    cf_settings_init(&settings);
    cf_settings_set(&settings, CF_SETTING_TOP_P, "0.6", CF_ORIGIN_MODEL, NULL, NULL);
    cf_settings_set(&settings, CF_SETTING_TOP_K, "7", CF_ORIGIN_CONFIG, "f:9", NULL);
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "1.1", CF_ORIGIN_OPTION, "-t", NULL);
    assert_int_equal(cf_settings_apply_preset(&settings, &presets, NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TOP_P, "0.6");
    cf_settings_set(&settings, CF_SETTING_PRESET_NAME, "wild", CF_ORIGIN_CONFIG, "f:3", NULL);
    assert_int_equal(cf_settings_apply_preset(&settings, &presets, NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TOP_P, "0.98");
    assert_source(&settings, CF_SETTING_TOP_P, "config f:3, preset wild");
    assert_format(&settings, CF_SETTING_TOP_K, "7");
    assert_format(&settings, CF_SETTING_TEMPERATURE, "1.1");
    /* By hand it replaces everything, and the next one undoes what only this one set. */
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "1.7", CF_ORIGIN_USER, NULL, NULL);
    assert_int_equal(cf_settings_use_preset(&settings, &presets, "own", NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.5");
    assert_format(&settings, CF_SETTING_MIN_P, "0.25");
    assert_int_equal(cf_settings_use_preset(&settings, &presets, "precise", NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.3");
    assert_format(&settings, CF_SETTING_MIN_P, "0");
    /* What is turned after it stays. */
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "0.4", CF_ORIGIN_USER, NULL, NULL);
    assert_int_equal(cf_settings_apply_preset(&settings, &presets, NULL), CF_OK);
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.4");
    assert_format(&settings, CF_SETTING_TOP_P, "0.9");
    /* Back to what the model recommends. */
    assert_int_equal(cf_settings_use_preset(&settings, &presets, "model", NULL), CF_OK);
    cf_settings_take_model(&settings, recommend_top_p, NULL);
    assert_format(&settings, CF_SETTING_TOP_P, "0.6");
    assert_source(&settings, CF_SETTING_TOP_P, "model");
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.8");
    assert_format(&settings, CF_SETTING_TOP_K, "50");
    struct cf_err err = CF_ERR_INIT;
    cf_settings_set(&settings, CF_SETTING_PRESET_NAME, "nix", CF_ORIGIN_USER, NULL, NULL);
    assert_int_equal(cf_settings_apply_preset(&settings, &presets, &err), CF_ERR_NOT_FOUND);
    assert_string_equal(err.text,
                        "there is no preset 'nix'; there are precise, balanced, wild, model, own");
    assert_format(&settings, CF_SETTING_TEMPERATURE, "0.8");
    cf_settings_release(&settings);
    cf_presets_release(&presets);
}

/* The built-in personas are whole: each names what there is, and says what it is for. */
static void settings__personas__name_what_there_is(void **state)
{
    (void)state;
    static const char *const names[] = {"chat", "story", "questions", "translate"};
    struct cf_presets personas;
    cf_personas_init(&personas);
    assert_int_equal(personas.n, CF_ARRAY_SIZE(names));
    for (size_t i = 0; i < personas.n; i++) {
        const struct cf_preset *persona = &personas.items[i];
        assert_string_equal(persona->name, names[i]);
        assert_true(strlen(persona->about) > 10 && strlen(persona->about) < 70);
        for (size_t k = 0; k < persona->names.n; k++) {
            if (strcmp(persona->names.items[k], "template") == 0) {
                const struct cf_template *template = cf_template_builtin(persona->values.items[k]);
                assert_non_null(template);
                assert_non_null(template->system);
            }
        }
    }
    struct cf_preset *own = cf_presets_put(&personas, "own", "f:1");
    assert_int_equal(cf_persona_set(own, "system", "x", NULL), CF_OK);
    assert_int_equal(cf_persona_set(own, "about", "y", NULL), CF_OK);
    assert_int_equal(cf_persona_set(own, "about", "z", NULL), CF_OK);
    assert_string_equal(own->about, "z");
    assert_int_equal(cf_persona_set(own, "top-p", "2", NULL), CF_ERR_RANGE);
    assert_int_equal(cf_persona_set(own, "model", "m", NULL), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_persona_set(own, "nix", "m", NULL), CF_ERR_NOT_FOUND);
    assert_int_equal(own->names.n, 1);
    cf_presets_release(&personas);
}

static void settings__preset__defaults_are_the_preset_balanced(void **state)
{
    (void)state;
    struct cf_presets presets;
    cf_presets_init(&presets);
    const struct cf_preset *balanced = cf_presets_find(&presets, "balanced");
    struct cf_settings settings;
    cf_settings_init(&settings);
    for (size_t i = 0; i < balanced->names.n; i++) {
        assert_format(&settings, cf_setting_find(balanced->names.items[i])->setting,
                      balanced->values.items[i]);
    }
    cf_settings_release(&settings);
    cf_presets_release(&presets);
}

static void settings__json__comes_back(void **state)
{
    (void)state;
    struct cf_settings settings;
    cf_settings_init(&settings);
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "0.7", CF_ORIGIN_OPTION, "-t", NULL);
    cf_settings_set(&settings, CF_SETTING_TOP_P, "0.30000000000000004", CF_ORIGIN_USER, NULL, NULL);
    cf_settings_set(&settings, CF_SETTING_SYSTEM, "Du \"bist\"\n\U0001F600", CF_ORIGIN_CONFIG, NULL,
                    NULL);
    cf_settings_set(&settings, CF_SETTING_STOP, "\nUser:", CF_ORIGIN_OPTION, NULL, NULL);
    cf_settings_set(&settings, CF_SETTING_STOP, "b", CF_ORIGIN_OPTION, NULL, NULL);
    cf_settings_set(&settings, CF_SETTING_SEED, "18446744073709551615", CF_ORIGIN_OPTION, NULL,
                    NULL);
    cf_settings_set(&settings, CF_SETTING_MOUSE, NULL, CF_ORIGIN_USER, NULL, NULL);
    struct cf_buf text = CF_BUF_INIT;
    cf_settings_to_json_text(&settings, CF_SET_CONVERSATION, true, &text);
    assert_string_equal(text.data,
                        "{\"temperature\":0.7,\"top-p\":0.30000000000000004,"
                        "\"seed\":\"18446744073709551615\",\"stop\":[\"\\nUser:\",\"b\"],"
                        "\"system\":\"Du \\\"bist\\\"\\n\U0001F600\"}");
    struct cf_settings again;
    cf_settings_init(&again);
    for (int round = 0; round < 2; round++) {
        /* The second time it replaces, and adds nothing to the lists. */
        assert_int_equal(
            cf_settings_from_json_text(&again, text.data, CF_ORIGIN_CONVERSATION, NULL), CF_OK);
        struct cf_buf copy = CF_BUF_INIT;
        cf_settings_to_json_text(&again, CF_SET_CONVERSATION, true, &copy);
        assert_string_equal(copy.data, text.data);
        cf_buf_release(&copy);
    }
    assert_true(again.has_seed && again.seed == UINT64_MAX);
    assert_source(&again, CF_SETTING_STOP, "conversation");
    assert_false(again.mouse);
    cf_buf_release(&text);
    /* All of them, and the object itself. */
    json_t *object = cf_settings_to_json(&again, CF_SET_CONVERSATION, false);
    assert_int_equal(json_integer_value(json_object_get(object, "max-tokens")), 256);
    assert_true(json_real_value(json_object_get(object, "temperature")) == 0.7);
    json_decref(object);
    cf_settings_release(&again);
    cf_settings_release(&settings);
}

static void settings__json__is_taken_whole_or_not(void **state)
{
    (void)state;
    struct cf_settings settings;
    cf_settings_init(&settings);
    static const struct {
        const char *text;
        enum cf_code code;
    } bad[] = {{"", CF_ERR_FORMAT},
               {"[1]", CF_ERR_FORMAT},
               {"{\"temperature\":0.1,", CF_ERR_FORMAT},
               {"{\"temperature\":0.1,\"top-p\":9}", CF_ERR_RANGE},
               {"{\"temperature\":0.1,\"top-p\":null}", CF_ERR_FORMAT},
               {"{\"temperature\":0.1,\"top-p\":[1]}", CF_ERR_FORMAT},
               {"{\"temperature\":0.1,\"stop\":[1]}", CF_ERR_FORMAT},
               {"{\"temperature\":0.1,\"max-tokens\":1.5}", CF_ERR_RANGE}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(bad); i++) {
        assert_int_equal(
            cf_settings_from_json_text(&settings, bad[i].text, CF_ORIGIN_CONVERSATION, NULL),
            bad[i].code);
        assert_format(&settings, CF_SETTING_TEMPERATURE, "0.8");
    }
    /* A newer confab's settings, and those that no conversation has. */
    assert_int_equal(cf_settings_from_json_text(&settings,
                                                "{\"warp\":[9],\"db\":\"/x\",\"temperature\":1}",
                                                CF_ORIGIN_CONVERSATION, NULL),
                     CF_OK);
    assert_format(&settings, CF_SETTING_TEMPERATURE, "1");
    assert_null(settings.db);
    /* What was given on the command line stays. */
    cf_settings_set(&settings, CF_SETTING_STOP, "a", CF_ORIGIN_OPTION, NULL, NULL);
    assert_int_equal(
        cf_settings_from_json_text(&settings, "{\"stop\":[\"b\"]}", CF_ORIGIN_CONVERSATION, NULL),
        CF_OK);
    assert_format(&settings, CF_SETTING_STOP, "\"a\"");
    cf_settings_release(&settings);
}

static void settings__copy__and_take_over(void **state)
{
    (void)state;
    struct cf_settings a, b;
    cf_settings_init(&a);
    cf_settings_init(&b);
    cf_settings_set(&a, CF_SETTING_SYSTEM, "one", CF_ORIGIN_CONFIG, "f:1", NULL);
    cf_settings_set(&a, CF_SETTING_TOP_K, "9", CF_ORIGIN_OPTION, "-k", NULL);
    cf_settings_set(&b, CF_SETTING_TOP_K, "3", CF_ORIGIN_USER, NULL, NULL);
    cf_settings_set(&b, CF_SETTING_THREADS, "3", CF_ORIGIN_OPTION, NULL, NULL);
    cf_settings_take_over(&b, &a, CF_ORIGIN_CONFIG);
    cf_settings_take_over(&b, &a, CF_ORIGIN_OPTION);
    assert_format(&b, CF_SETTING_SYSTEM, "one");
    assert_source(&b, CF_SETTING_SYSTEM, "config f:1");
    assert_format(&b, CF_SETTING_TOP_K, "3");
    assert_format(&b, CF_SETTING_THREADS, "3");
    cf_settings_copy(&b, &a);
    assert_format(&b, CF_SETTING_TOP_K, "9");
    assert_format(&b, CF_SETTING_THREADS, "");
    cf_settings_reset(&b, CF_SETTING_SYSTEM);
    assert_null(b.system);
    assert_string_equal(a.system, "one");
    cf_settings_release(&a);
    cf_settings_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number__real__is_strict),
        cmocka_unit_test(number__format__reads_back_the_same),
        cmocka_unit_test(number__int__tells_range_from_nonsense),
        cmocka_unit_test(setting__table__is_consistent),
        cmocka_unit_test(settings__init__has_the_defaults),
        cmocka_unit_test(settings__set__refuses_with_a_sentence),
        cmocka_unit_test(settings__set__keeps_the_greatest_origin_in_any_order),
        cmocka_unit_test(settings__set__does_not_care_for_the_locale),
        cmocka_unit_test(settings__turn__steps_within_the_range),
        cmocka_unit_test(settings__preset__leaves_explicit_values_alone),
        cmocka_unit_test(settings__personas__name_what_there_is),
        cmocka_unit_test(settings__preset__defaults_are_the_preset_balanced),
        cmocka_unit_test(settings__json__comes_back),
        cmocka_unit_test(settings__json__is_taken_whole_or_not),
        cmocka_unit_test(settings__copy__and_take_over),
    };
    return cmocka_run_group_tests_name("setting", tests, NULL, NULL);
}
