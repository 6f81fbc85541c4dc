/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_file and path at their headers. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "config_file.h"
#include "mem.h"
#include "path.h"
#include "random.h"
#include "shared.h"

/* A folder of this test alone, removed with all that it holds. */
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_config.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[256];
    (void)snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", folder, folder);
    return system(command);
}

static char *in_folder(const char *name)
{
    return cf_path_join(folder, name);
}

static enum cf_code parse(struct cf_config *config, const char *text, struct cf_err *err)
{
    return cf_config_parse(config, "f", text, strlen(text), err);
}

static void assert_setting(const struct cf_config *config, enum cf_setting setting,
                           const char *value, const char *source)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_settings_format(&config->settings, setting, &text);
    assert_string_equal(text.data, value);
    cf_buf_clear(&text);
    cf_settings_format_source(&config->settings, setting, &text);
    assert_string_equal(text.data, source);
    cf_buf_release(&text);
}

static void config__parse__reads_options_with_their_lines(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf# a comment\r\n"
                               "temperature=0.5\r\n"
                               "\n"
                               "  top-p = \t0.25   # behind it\n"
                               "; another\n"
                               "system = \"Say \\\"hi\\\"\\n\\tto \\u{1F600}; # all\" ; a comment\n"
                               "stop = a;b#c\n"
                               "stop = \" \"\n"
                               "mouse = yes\n"
                               "template = chatml";
    struct cf_config config;
    cf_config_init(&config);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_config_parse(&config, "f", text, sizeof text - 1, &err), CF_OK);
    assert_setting(&config, CF_SETTING_TEMPERATURE, "0.5", "config f:2");
    assert_setting(&config, CF_SETTING_TOP_P, "0.25", "config f:4");
    assert_setting(&config, CF_SETTING_SYSTEM, "Say \"hi\"\n\tto \U0001F600; # all", "config f:6");
    assert_setting(&config, CF_SETTING_STOP, "\"a;b#c\" \" \"", "config f:8");
    assert_setting(&config, CF_SETTING_MOUSE, "on", "config f:9");
    assert_setting(&config, CF_SETTING_TEMPLATE, "chatml", "config f:10");
    assert_setting(&config, CF_SETTING_TOP_K, "50", "default");
    cf_config_release(&config);
}

static void config__parse__reads_sections(void **state)
{
    (void)state;
    static const char text[] = "preset = mild\ntemplate = bot\n"
                               "[preset mild]\n"
                               "temperature = 0.4\n"
                               "min_p = 0.1\n"
                               "[ template  bot ]  # Bot\n"
                               "user      = \"User: {text}\\nBot:\"\n"
                               "assistant = \" {text}<|endoftext|>\\n\"\n"
                               "stop      = \"<|endoftext|>\"\n"
                               "stop      = \"\\nUser:\"\n"
                               "[keys]\n"
                               "regenerate = \"r\"\n"
                               "quit = Ctrl-D\n";
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(parse(&config, text, NULL), CF_OK);
    const struct cf_preset *mild = cf_presets_find(&config.presets, "mild");
    assert_non_null(mild);
    assert_string_equal(mild->detail, "f:3");
    assert_int_equal(mild->names.n, 2);
    assert_string_equal(mild->names.items[1], "min-p");
    assert_non_null(cf_presets_find(&config.presets, "wild"));
    const struct cf_template *bot = NULL;
    assert_int_equal(cf_config_find_template(&bot, &config, "bot", NULL), CF_OK);
    assert_string_equal(bot->user, "User: {text}\nBot:");
    assert_string_equal(bot->assistant, " {text}<|endoftext|>\n");
    assert_null(bot->system);
    assert_int_equal(bot->stop.n, 2);
    assert_int_equal(cf_config_find_template(&bot, &config, "plain", NULL), CF_OK);
    assert_ptr_equal(bot, cf_template_builtin("plain"));
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_config_find_template(&bot, &config, "x", &err), CF_ERR_NOT_FOUND);
    assert_string_equal(err.text, "there is no template 'x'; there are bot, transcript, dialogpt, "
                                  "chatml, alpaca, questions, examples and plain");
    assert_int_equal(config.n_keys, 2);
    assert_string_equal(config.keys[0].action, "regenerate");
    assert_string_equal(config.keys[0].key, "r");
    assert_int_equal(config.keys[1].line, 13);
    assert_int_equal(cf_settings_apply_preset(&config.settings, &config.presets, NULL), CF_OK);
    assert_setting(&config, CF_SETTING_MIN_P, "0.1", "config f:1, preset mild");
    cf_config_release(&config);
}

static void config__parse__reads_personas(void **state)
{
    (void)state;
    static const char text[] = "[persona poet]\n"
                               "about = \"verses, of a kind\"\n"
                               "system = \"Roses are red.\\n\"\n"
                               "template = verse\n"
                               "stop = \"\\n\\n\"\n"
                               "stop = END\n"
                               "top_k = 7\n"
                               "[persona story]\n"
                               "preset = wild\n"
                               "[template verse]\n"
                               "user = \"{text}\"\n"
                               "assistant = \"{text}\"\n";
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(parse(&config, text, NULL), CF_OK);
    const struct cf_preset *poet = cf_presets_find(&config.personas, "poet");
    assert_non_null(poet);
    assert_string_equal(poet->about, "verses, of a kind");
    assert_int_equal(poet->names.n, 5);
    assert_string_equal(poet->names.items[4], "top-k");
    assert_string_equal(poet->values.items[0], "Roses are red.\n");
    /* One of the same name takes the place of a built-in one, whole. */
    const struct cf_preset *story = cf_presets_find(&config.personas, "story");
    assert_string_equal(story->detail, "f:8");
    assert_null(story->about);
    assert_int_equal(story->names.n, 1);
    assert_non_null(cf_presets_find(&config.personas, "translate"));
    cf_config_release(&config);
}

static void config__parse__names_file_and_line_of_a_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"\n\ntemprature = 1",
         "f:3: there is no setting 'temprature'; did you mean 'temperature'?"},
        {"# x\ntop-p = 1.5", "f:2: top-p must be greater than 0 and at most 1, not 1.5"},
        {"json = on", "f:1: json cannot be set here"},
        {"temperature", "f:1: a line must be NAME = VALUE"},
        {" = 3", "f:1: a line must be NAME = VALUE"},
        {"temperature : 3", "f:1: a line must be NAME = VALUE"},
        {"temperature : x = 3", "f:1: there is no setting 'temperature : x'"},
        {"temperature =", "f:1: temperature must be a number, at least 0 and at most 1000000, "
                          "not empty"},
        {"system = \"abc", "f:1: the closing quote is missing"},
        {"system = \"abc\\\"", "f:1: the closing quote is missing"},
        {"system = \"abc\" def", "f:1: there is more behind the closing quote: def"},
        {"system = \"\\x\"",
         "f:1: after a backslash stands n, t, \", \\ or u{...}, the number of a "
         "character in hexadecimal"},
        {"system = \"\\u{d800}\"", "f:1: after a backslash stands n, t, \", \\ or u{...}, the "
                                   "number of a character in hexadecimal"},
        {"system = \"\\u{0}\"", "f:1: after a backslash stands n, t, \", \\ or u{...}, the number "
                                "of a character in hexadecimal"},
        {"system = \xff", "f:1: the line is not UTF-8 text"},
        {"[preset x]\nsystem = a", "f:2: system cannot be set here"},
        {"[preset x]\n[preset x]", "f:2: preset x is there already, at f:1"},
        {"[template t]\nuser = a", "f:2: the user part of a template needs {text} once"},
        {"[template t]\nuser = {text}\n\n[keys]\n", "f:4: the template t has no assistant part"},
        {"[template t]\nuser = {text}", "f: the template t has no assistant part"},
        {"[template t]\nuser={text}\nassistant={text}\n[template t]",
         "f:4: template t is there already"},
        {"[keys", "f:1: the ] of the section is missing"},
        {"[keys] x", "f:1: there is more behind the section's ]"},
        {"[colours]", "f:1: there is no section [colours], only [preset NAME], [persona NAME], "
                      "[template NAME] and [keys]"},
        {"[preset ]", "f:1: there is no section [preset], only [preset NAME], [persona NAME], "
                      "[template NAME] and [keys]"},
        {"[preset 0123456789012345678901234567890123456789012345]",
         "f:1: the section's name is longer than 49 bytes"},
        {"\ntemplate = nix", "f:2: there is no template 'nix'; there are transcript, dialogpt, "
                             "chatml, alpaca, questions, examples and plain"},
        {"[persona p]\nseed = 3", "f:2: 'seed' can't be set by a persona"},
        {"[persona p]\ntheme = dark", "f:2: 'theme' can't be set by a persona"},
        {"[persona p]\ntemperature = -1",
         "f:2: temperature must be at least 0 and at most 1000000, not -1"},
        {"[persona p]\n[persona p]", "f:2: persona p is there already, at f:1"},
        {"[persona p]\npreset = nix", "f:1: persona p: there is no preset 'nix'"},
        {"\n[persona p]\ntemplate = nix",
         "f:2: persona p: there is no template 'nix'; there are transcript, dialogpt, chatml, "
         "alpaca, questions, examples and plain"},
        {"\npreset = nix", "f:2: there is no preset 'nix'"},
    };
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(parse(&config, "top-k = 3", NULL), CF_OK);
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct cf_err err = CF_ERR_INIT;
        assert_true(parse(&config, cases[i].text, &err) != CF_OK);
        assert_string_equal(err.text, cases[i].sentence);
        assert_setting(&config, CF_SETTING_TOP_K, "3", "config f:1");
    }
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_config_parse(&config, "f", "a = \0b", 6, &err), CF_ERR_FORMAT);
    assert_string_equal(err.text, "f:1: the line is not UTF-8 text");
    cf_config_release(&config);
}

static void config__parse__takes_long_lines_up_to_a_limit(void **state)
{
    (void)state;
    struct cf_buf text = CF_BUF_INIT;
    struct cf_config config;
    cf_config_init(&config);
    for (int extra = 0; extra < 2; extra++) {
        cf_buf_clear(&text);
        cf_buf_add_str(&text, "system = ");
        while (text.size < (size_t)CF_CONFIG_MAX_LINE + (size_t)extra) {
            cf_buf_add_char(&text, 'x');
        }
        cf_buf_add_str(&text, "\ntop-k = 3\n");
        struct cf_err err = CF_ERR_INIT;
        enum cf_code code = cf_config_parse(&config, "f", text.data, text.size, &err);
        assert_int_equal(code, extra == 0 ? CF_OK : CF_ERR_TOO_LARGE);
        assert_int_equal(strlen(config.settings.system), CF_CONFIG_MAX_LINE - 9);
        assert_setting(&config, CF_SETTING_TOP_K, "3", "config f:2");
        assert_string_equal(err.text, extra == 0 ? "" : "f:1: the line is longer than 65536 bytes");
    }
    cf_buf_release(&text);
    cf_config_release(&config);
}

static void config__parse__survives_any_bytes(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\n",  "=",    "[", "]",    "\"", "\\",   "#",      "temperature", "preset", "template",
        "0.5", "keys", " ", "\xff", "\t", "user", "{text}", ";",           ":",      "u{41}"};
    struct test_random random = {3};
    int n_good = 0;
    for (int round = 0; round < 5000; round++) {
        struct cf_buf text = CF_BUF_INIT;
        for (size_t n = test_random_below(&random, 16); n > 0; n--) {
            cf_buf_add_str(&text, pieces[test_random_below(&random, CF_ARRAY_SIZE(pieces))]);
        }
        struct cf_config config;
        cf_config_init(&config);
        struct cf_err err = CF_ERR_INIT;
        enum cf_code code = cf_config_parse(&config, "f", text.data, text.size, &err);
        assert_int_equal(code, err.code);
        assert_int_equal(code == CF_OK, err.text[0] == '\0');
        n_good += code == CF_OK;
        cf_config_release(&config);
        cf_buf_release(&text);
    }
    assert_true(n_good > 100 && n_good < 4900);
}

static void config__quote__comes_back(void **state)
{
    (void)state;
    static const char *const plain[] = {"a", "a b", "a;b", "C:\\x", "\u6b63"};
    static const char *const special[] = {"",   " a",           "a ",           "\"a\"", "a ;b",
                                          "#a", "a\nb\tc\\\"d", "\x1b[31m\x7f", "a #"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(plain) + CF_ARRAY_SIZE(special); i++) {
        bool is_plain = i < CF_ARRAY_SIZE(plain);
        const char *text = is_plain ? plain[i] : special[i - CF_ARRAY_SIZE(plain)];
        struct cf_buf quoted = CF_BUF_INIT;
        struct cf_buf again = CF_BUF_INIT;
        cf_config_quote(text, &quoted);
        assert_int_equal(quoted.data[0] != '"', is_plain);
        assert_int_equal(cf_config_unquote(&again, quoted.data, NULL), CF_OK);
        assert_string_equal(again.data, text);
        cf_buf_release(&quoted);
        cf_buf_release(&again);
    }
}

/* The file that is shipped is all comments; without its marks it is a file that can be read. */
static void config__example__can_be_read(void **state)
{
    (void)state;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/data/config", TEST_SRCDIR);
    struct cf_buf text = CF_BUF_INIT;
    assert_int_equal(cf_path_read_file(&text, path, 1 << 20, NULL), CF_OK);
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(cf_config_parse(&config, "f", text.data, text.size, NULL), CF_OK);
    struct cf_buf bare = CF_BUF_INIT;
    bool is_header = true; /* up to the first empty line */
    for (const char *at = text.data; *at != '\0';) {
        size_t size = strcspn(at, "\n");
        is_header = is_header && size > 0;
        bool is_example = !is_header && size > 2 && at[0] == '#' && at[1] == ' ';
        if (is_example) {
            cf_buf_add(&bare, at + 2, size - 2);
        }
        cf_buf_add_char(&bare, '\n');
        at += size + (at[size] == '\n');
    }
    struct cf_err err = CF_ERR_INIT;
    enum cf_code code = cf_config_parse(&config, "f", bare.data, bare.size, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, CF_OK);
    /* Every setting that may stand in a config file is shown, but for two of the moment. */
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        bool is_of_the_moment = i == CF_SETTING_QUIET || i == CF_SETTING_VERBOSE;
        assert_int_equal(config.settings.sources[i].origin == CF_ORIGIN_CONFIG,
                         (info->flags & CF_SET_CONFIG) != 0 && !is_of_the_moment);
    }
    assert_non_null(cf_presets_find(&config.presets, "careful"));
    assert_int_equal(config.n_keys, 1);
    cf_config_release(&config);
    cf_buf_release(&bare);
    cf_buf_release(&text);
}

static void assert_file(const char *path, const char *expected)
{
    struct cf_buf text = CF_BUF_INIT;
    assert_int_equal(cf_path_read_file(&text, path, 1 << 20, NULL), CF_OK);
    assert_string_equal(text.data, expected);
    cf_buf_release(&text);
}

#define KNOBS                                                                                      \
    "temperature = 1.25\ntop-p = 0.95\ntop-k = 50\nmin-p = 0\ntypical-p = 1\nrepeat-penalty = 1\n" \
    "repeat-last-n = 64\npresence-penalty = 0\nfrequency-penalty = 0\n"

static void config__save_preset__keeps_everything_else(void **state)
{
    (void)state;
    char *path = in_folder("new/config");
    struct cf_settings settings;
    cf_settings_init(&settings);
    cf_settings_set(&settings, CF_SETTING_TEMPERATURE, "1.25", CF_ORIGIN_USER, NULL, NULL);
    assert_int_equal(cf_config_save_preset(path, "mine", &settings, NULL), CF_OK);
    assert_file(path, "[preset mine]\n" KNOBS);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);

    static const char before[] = "# top\nmodel = x\n\n [preset  mine ] # old\ntop-k = 1\n# kept?\n"
                                 "seedless = 1\n\n# of the next\n[keys]\nquit = q";
    assert_int_equal(cf_path_write_file(path, before, sizeof before - 1, NULL), CF_OK);
    assert_int_equal(chmod(path, 0640), 0);
    char *link_path = in_folder("link");
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(cf_config_save_preset(link_path, "mine", &settings, NULL), CF_OK);
    assert_file(path,
                "# top\nmodel = x\n\n[preset mine]\n" KNOBS "\n# of the next\n[keys]\nquit = q");
    assert_int_equal(lstat(link_path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(cf_config_save_preset(path, "other", &settings, NULL), CF_OK);
    assert_file(path, "# top\nmodel = x\n\n[preset mine]\n" KNOBS
                      "\n# of the next\n[keys]\nquit = q\n\n[preset other]\n" KNOBS);
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(cf_config_read(&config, path, NULL), CF_OK);
    assert_non_null(cf_presets_find(&config.presets, "other"));
    cf_config_release(&config);
    static const char *const bad[] = {
        "", " x", "x ", "a]b", "[", "a\nb", "\xff", "0123456789012345678901234567890123456789x"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(bad); i++) {
        assert_int_equal(cf_config_save_preset(path, bad[i], &settings, NULL), CF_ERR_USAGE);
    }
    cf_settings_release(&settings);
    free(link_path);
    free(path);
}

static void config__read__tells_why_not(void **state)
{
    (void)state;
    struct cf_config config;
    cf_config_init(&config);
    struct cf_err err = CF_ERR_INIT;
    char *path = in_folder("nix");
    assert_int_equal(cf_config_read(&config, path, &err), CF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    assert_true(cf_config_read(&config, folder, &err) != CF_OK);
    assert_non_null(strstr(err.text, folder));
    free(path);
    cf_config_release(&config);
}

static void assert_in(enum cf_folder of, const char *name, const char *expected)
{
    char *path = NULL;
    assert_int_equal(cf_path_in(&path, of, name, NULL), CF_OK);
    assert_string_equal(path, expected);
    free(path);
}

static void path__in__follows_the_specification(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/ada", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "", 1), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", "/cache/", 1), 0);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_in(CF_FOLDER_DATA, "confab.db", "/data/confab/confab.db");
    assert_in(CF_FOLDER_CONFIG, "config", "/home/ada/.config/confab/config");
    assert_in(CF_FOLDER_STATE, NULL, "/home/ada/.local/state/confab");
    assert_in(CF_FOLDER_CACHE, "digests", "/cache/confab/digests");
    assert_in(CF_FOLDER_RUNTIME, NULL, "/cache/confab");
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
    assert_in(CF_FOLDER_RUNTIME, "x", "/run/user/7/confab/x");
    char *path = NULL;
    assert_int_equal(cf_path_expand(&path, "~/a/b", NULL), CF_OK);
    assert_string_equal(path, "/home/ada/a/b");
    free(path);
    assert_int_equal(cf_path_expand(&path, "~", NULL), CF_OK);
    assert_string_equal(path, "/home/ada");
    free(path);
    assert_int_equal(cf_path_expand(&path, "~ada/a", NULL), CF_OK);
    assert_string_equal(path, "~ada/a");
    free(path);
    struct cf_config config;
    cf_config_init(&config);
    assert_int_equal(parse(&config, "model = ~/gpt2\n", NULL), CF_OK);
    assert_string_equal(config.settings.model, "/home/ada/gpt2");
    cf_config_release(&config);
    /* Without HOME the password file tells it: this process's user has an entry or not. */
    assert_int_equal(unsetenv("HOME"), 0);
    struct cf_err err = CF_ERR_INIT;
    enum cf_code code = cf_path_in(&path, CF_FOLDER_CONFIG, NULL, &err);
    assert_true(code == CF_OK || code == CF_ERR_NOT_FOUND);
    if (code == CF_OK) {
        assert_int_equal(path[0], '/');
        free(path);
    }
}

static void path__parts(void **state)
{
    (void)state;
    static const struct {
        const char *path, *parent, *base;
    } cases[] = {{"/a/b", "/a", "b"}, {"a", ".", "a"}, {"/a", "/", "a"}, {"a/b/", "a", "b/"},
                 {"a//b", "a", "b"},  {"/", "/", "/"}, {"", ".", ""}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        char *parent = cf_path_parent(cases[i].path);
        assert_string_equal(parent, cases[i].parent);
        assert_string_equal(cf_path_base(cases[i].path), cases[i].base);
        free(parent);
    }
    char *joined = cf_path_join("a/", "b");
    assert_string_equal(joined, "a/b");
    free(joined);
    joined = cf_path_join("a", "/b");
    assert_string_equal(joined, "/b");
    free(joined);
}

static void path__make_folder__makes_what_is_missing(void **state)
{
    (void)state;
    char *deep = in_folder("one/two//three/");
    assert_int_equal(cf_path_make_folder(deep, NULL), CF_OK);
    assert_int_equal(cf_path_make_folder(deep, NULL), CF_OK);
    struct stat status;
    char *two = in_folder("one/two");
    assert_int_equal(stat(two, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    /* A file in the way. */
    char *file = in_folder("file");
    assert_int_equal(cf_path_write_file(file, "x", 1, NULL), CF_OK);
    char *below = in_folder("file/sub/f");
    struct cf_err err = CF_ERR_INIT;
    assert_true(cf_path_make_parent(below, &err) != CF_OK);
    assert_non_null(strstr(err.text, file));
    assert_true(cf_path_write_file(below, "x", 1, &err) != CF_OK);
    assert_file(file, "x");
    free(below);
    free(file);
    free(two);
    free(deep);
}

static void path__read_file__is_bounded(void **state)
{
    (void)state;
    char *path = in_folder("bytes");
    assert_int_equal(cf_path_write_file(path, "0123456789", 10, NULL), CF_OK);
    struct cf_buf bytes = CF_BUF_INIT;
    cf_buf_add_str(&bytes, "x");
    assert_int_equal(cf_path_read_file(&bytes, path, 10, NULL), CF_OK);
    assert_string_equal(bytes.data, "x0123456789");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_path_read_file(&bytes, path, 9, &err), CF_ERR_TOO_LARGE);
    assert_string_equal(bytes.data, "x0123456789");
    cf_buf_assert_sane(&bytes);
    cf_buf_release(&bytes);
    assert_int_equal(cf_path_write_file(path, "", 0, NULL), CF_OK);
    assert_int_equal(cf_path_read_file(&bytes, path, 9, &err), CF_OK);
    assert_int_equal(bytes.size, 0);
    cf_buf_assert_sane(&bytes);
    cf_buf_release(&bytes);
    free(path);
}

static void config__corpus__keeps_every_rule(void **state)
{
    (void)state;
    assert_true(test_replay_corpus("config", config_check_bytes) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__parse__reads_options_with_their_lines),
        cmocka_unit_test(config__parse__reads_sections),
        cmocka_unit_test(config__parse__reads_personas),
        cmocka_unit_test(config__parse__names_file_and_line_of_a_mistake),
        cmocka_unit_test(config__parse__takes_long_lines_up_to_a_limit),
        cmocka_unit_test(config__parse__survives_any_bytes),
        cmocka_unit_test(config__quote__comes_back),
        cmocka_unit_test(config__example__can_be_read),
        cmocka_unit_test(config__save_preset__keeps_everything_else),
        cmocka_unit_test(config__read__tells_why_not),
        cmocka_unit_test(path__in__follows_the_specification),
        cmocka_unit_test(path__parts),
        cmocka_unit_test(path__make_folder__makes_what_is_missing),
        cmocka_unit_test(path__read_file__is_bounded),
        cmocka_unit_test(config__corpus__keeps_every_rule),
    };
    return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
