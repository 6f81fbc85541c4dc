/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line against its contract, with the bundled model. */
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "program.h"
#include "recipe.h"
#include "store.h"

/* Line I of the JSON lines in TEXT; a new reference. */
static json_t *json_line(const struct cf_buf *text, size_t i)
{
    const char *at = text->data;
    for (; i > 0 && at != NULL; i--) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    assert_non_null(at);
    size_t size = strcspn(at, "\n");
    json_error_t error;
    json_t *value = json_loadb(at, size, 0, &error);
    assert_non_null(value);
    return value;
}

static size_t n_lines(const struct cf_buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->size; i++) {
        n += text->data[i] == '\n';
    }
    return n;
}

static void cli__usage__is_status_two_and_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *args[4];
        const char *sentence;
    } cases[] = {
        {{"--no-such", NULL}, "confab: unknown option --no-such"},
        {{"nonsense", NULL}, "confab: unknown command nonsense"},
        {{"-p", "1.5", "list"}, "confab: top-p must be"},
        {{"show", NULL}, "confab: show needs ID"},
        {{"list", "--count", "2"}, "confab: option --count does not belong to list"},
        {{"list", "extra", NULL}, "confab: list takes no further argument: extra"},
        {{"-t", NULL}, "confab: option -t needs an argument"},
        {{"ask", "--count=0", "x"}, "confab: --count must be a whole number"},
        {{"model", NULL}, "confab: model needs"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct program_result result;
        const char *args[5] = {NULL};
        memcpy(args, cases[i].args, sizeof cases[i].args);
        program_run(&result, args, NULL, 0);
        if (strncmp(result.err.data, cases[i].sentence, strlen(cases[i].sentence)) != 0) {
            print_message("# expected %s, got %s\n", cases[i].sentence, result.err.data);
        }
        assert_int_equal(result.status, 2);
        assert_int_equal(strncmp(result.err.data, cases[i].sentence, strlen(cases[i].sentence)), 0);
        assert_non_null(strstr(result.err.data, "\nTry 'confab --help'.\n"));
        assert_int_equal(result.out.size, 0);
        program_release(&result);
    }
}

static void cli__help_and_version__go_to_stdout(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "--help");
    assert_non_null(strstr(result.out.data, "--temperature"));
    assert_non_null(strstr(result.out.data, "detokenize"));
    assert_int_equal(result.err.size, 0);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "ask", "--help");
    assert_non_null(strstr(result.out.data, "--count"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-V");
    assert_non_null(strstr(result.out.data, PACKAGE_VERSION));
    assert_non_null(strstr(result.out.data, "kernels: "));
    assert_non_null(strstr(result.out.data, cf_kernels_name(cf_kernels_current())));
    static const char *const libraries[] = {"SQLite 3.",     "OpenBLAS ", "libcurl ", "jansson 2.",
                                            "libunistring ", "readline ", "ncurses ", "md4c "};
    for (size_t i = 0; i < CF_ARRAY_SIZE(libraries); i++) {
        const char *at = strstr(result.out.data, libraries[i]);
        assert_non_null(at);
        assert_true(at[strlen(libraries[i])] > ' ');
    }
    program_release(&result);
}

static void cli__ask__is_reproducible_and_ends_with_one_newline(void **state)
{
    (void)state;
    struct program_result first;
    struct program_result second;
    PROGRAM(&first, 0, NULL, "ask", "--seed", "7", "-n", "30", "Hello, how are you?");
    PROGRAM(&second, 0, "Hello, how are you?\n", "-n30", "--seed=7", "--threads", "1");
    assert_true(first.out.size > 1);
    assert_string_equal(first.out.data, second.out.data);
    assert_int_equal(first.out.data[first.out.size - 1], '\n');
    assert_int_not_equal(first.out.data[first.out.size - 2], '\n');
    assert_int_equal(first.err.size, 0);
    program_release(&first);
    program_release(&second);
}

static void cli__ask__joins_input_and_argument(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, "piped text\n", "ask", "-n", "4", "what is that?");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "show", "last");
    assert_non_null(strstr(result.out.data, "piped text\n\nwhat is that?"));
    program_release(&result);
}

static void cli__ask__json_tells_every_token(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "ask", "--json", "-n", "6", "--seed", "3", "Hello!");
    size_t n = n_lines(&result.out);
    json_t *start = json_line(&result.out, 0);
    assert_string_equal(json_string_value(json_object_get(start, "event")), "start");
    assert_int_equal(json_integer_value(json_object_get(start, "seed")), 3);
    assert_true(json_integer_value(json_object_get(start, "prompt_tokens")) > 0);
    assert_true(json_is_object(json_object_get(start, "settings")));
    assert_true(json_integer_value(json_object_get(start, "conversation")) > 0);
    int64_t message = json_integer_value(json_object_get(start, "message"));
    json_decref(start);
    for (size_t i = 1; i + 1 < n; i++) {
        json_t *token = json_line(&result.out, i);
        assert_string_equal(json_string_value(json_object_get(token, "event")), "token");
        assert_int_equal(json_integer_value(json_object_get(token, "index")), i - 1);
        assert_true(json_number_value(json_object_get(token, "p")) > 0);
        json_decref(token);
    }
    json_t *end = json_line(&result.out, n - 1);
    assert_string_equal(json_string_value(json_object_get(end, "event")), "end");
    assert_int_equal(json_integer_value(json_object_get(end, "tokens")), n - 2);
    json_decref(end);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "show", "last", "--json");
    json_t *reply = json_line(&result.out, 1);
    assert_int_equal(json_integer_value(json_object_get(reply, "id")), message);
    json_decref(reply);
    program_release(&result);
}

static void cli__ask__count_gives_siblings(void **state)
{
    (void)state;
    struct program_result many;
    struct program_result one;
    PROGRAM(&many, 0, NULL, "ask", "--count", "3", "-n", "8", "--seed", "5", "-t", "1.2", "Hi!");
    PROGRAM(&one, 0, NULL, "ask", "-n", "8", "--seed", "5", "-t", "1.2", "Hi!");
    size_t n_separators = 0;
    for (const char *at = strstr(many.out.data, "---\n"); at != NULL;
         at = strstr(at + 1, "---\n")) {
        n_separators++;
    }
    assert_int_equal(n_separators, 2);
    /* The first alternative is what one alone gives. */
    assert_int_equal(strncmp(many.out.data, one.out.data, one.out.size), 0);
    program_release(&many);
    program_release(&one);
    PROGRAM(&many, 0, NULL, "show", "1", "--all", "--json");
    assert_int_equal(n_lines(&many.out), 4);
    program_release(&many);
}

static void cli__ask__goes_on_with_a_conversation(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "ask", "-n", "5", "Hello!");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "ask", "-c", "last", "-n", "5", "And now?");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "show", "1", "--json");
    assert_int_equal(n_lines(&result.out), 4);
    program_release(&result);
    PROGRAM(&result, 1, NULL, "ask", "-c", "99", "x");
    program_release(&result);
}

/* A stored reply during which temperature and top-k were turned. */
static void store_turned_reply(const char *path)
{
    struct cf_store *store = NULL;
    int64_t conversation = 0;
    int64_t reply = 0;
    const struct cf_conversation_spec spec = {.title = "turned"};
    assert_int_equal(cf_store_open(&store, path, NULL, NULL), CF_OK);
    assert_int_equal(cf_store_conversation_create(&conversation, store, &spec, NULL), CF_OK);
    const struct cf_reply_spec begun = {.conversation = conversation};
    assert_int_equal(cf_store_reply_begin(&reply, 1, store, &begun, NULL), CF_OK);
    struct cf_recipe recipe;
    const struct cf_recipe_head head = {.dtype = CF_F32, .kv_type = CF_F32, .n_ctx = 64};
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    cf_recipe_init(&recipe, &head);
    cf_recipe_add_job(&recipe, &(struct cf_recipe_job){.max_tokens = 9, .n_prompt = 1});
    for (int k = 0; k < 5; k++) {
        if (k == 3) {
            sampling.temperature = 0.5;
            sampling.top_k = 40;
        }
        cf_recipe_add_knobs(&recipe, k, &sampling);
        cf_recipe_add_token(&recipe, &(struct cf_recipe_token){.id = k, .p = 1, .p_raw = 1});
    }
    struct cf_buf blob = CF_BUF_INIT;
    cf_recipe_encode(&recipe, &blob);
    const struct cf_reply_state state = {
        .text = "turned", .size = 6, .recipe = blob.data, .recipe_size = blob.size, .n_tokens = 5};
    assert_int_equal(
        cf_store_reply_finish(store, reply, &state, CF_MESSAGE_COMPLETE, CF_END_LENGTH, NULL, NULL),
        CF_OK);
    cf_buf_release(&blob);
    cf_recipe_release(&recipe);
    cf_store_close(store);
}

static void cli__show__tells_what_was_turned(void **state)
{
    (void)state;
    const char *path = program_path("turned.db");
    store_turned_reply(path);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "show", "last", "--json", "-d", path);
    json_t *reply = json_line(&result.out, 0);
    const json_t *changes = json_object_get(reply, "changes");
    assert_int_equal(json_array_size(changes), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *change = json_array_get(changes, i);
        bool is_top_k = strcmp(json_string_value(json_object_get(change, "name")), "top-k") == 0;
        assert_int_equal(json_integer_value(json_object_get(change, "token")), 3);
        assert_true(json_number_value(json_object_get(change, "from")) == (is_top_k ? 0 : 1));
        assert_true(json_number_value(json_object_get(change, "to")) == (is_top_k ? 40 : 0.5));
    }
    json_decref(reply);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "show", "last", "-v", "-d", path);
    assert_non_null(strstr(result.out.data, "from token 3 on: temperature 0.5, before 1\n"));
    assert_non_null(strstr(result.out.data, "from token 3 on: top-k 40, before 0\n"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "show", "last", "-d", path);
    assert_null(strstr(result.out.data, "from token"));
    program_release(&result);
}

/* A process that dies over a reply. */
static int die_over_reply(const char *path)
{
    struct cf_store *store = NULL;
    int64_t conversation = 0;
    int64_t reply = 0;
    const struct cf_conversation_spec spec = {.title = "cut"};
    enum cf_code code = cf_store_open(&store, path, NULL, NULL);
    if (code == CF_OK) {
        code = cf_store_conversation_create(&conversation, store, &spec, NULL);
    }
    const struct cf_reply_spec begun = {.conversation = conversation};
    if (code == CF_OK) {
        code = cf_store_reply_begin(&reply, 1, store, &begun, NULL);
    }
    return code == CF_OK ? 0 : 1;
}

/* What the store has to tell is one sentence a line. */
static void cli__ask__tells_of_a_reply_cut_short(void **state)
{
    (void)state;
    const char *path = program_path("cut.db");
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        _exit(die_over_reply(path));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "ask", "-n", "2", "-d", path, "Hello!");
    assert_non_null(strstr(result.err.data, "can be continued\n"));
    assert_null(strstr(result.err.data, "\\n"));
    program_release(&result);
}

static void cli__complete__saves_nothing(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "complete", "-n", "8", "-t", "0", "Once upon a time");
    assert_true(result.out.size > 1);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "complete", "--echo", "-n", "8", "-t", "0", "Once upon a time");
    assert_int_equal(strncmp(result.out.data, "Once upon a time", 16), 0);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "complete", "--echo", "--count", "2", "-n", "4", "Once upon a time");
    assert_non_null(strstr(result.out.data, "\n---\nOnce upon a time"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list");
    assert_int_equal(result.out.size, 0);
    program_release(&result);
}

static void cli__tokenize__round_trips_every_byte(void **state)
{
    (void)state;
    char bytes[512];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7 + i / 256);
    }
    struct program_result ids;
    struct program_result text;
    program_run(&ids, (const char *const[]){"tokenize", NULL}, bytes, sizeof bytes);
    assert_int_equal(ids.status, 0);
    program_run(&text, (const char *const[]){"detokenize", NULL}, ids.out.data, ids.out.size);
    assert_int_equal(text.status, 0);
    assert_int_equal(text.out.size, sizeof bytes);
    assert_memory_equal(text.out.data, bytes, sizeof bytes);
    program_release(&ids);
    program_release(&text);
}

static void cli__tokenize__takes_special_names_as_text(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, "<|endoftext|>", "tokenize", "--json");
    assert_true(n_lines(&result.out) > 1);
    assert_null(strstr(result.out.data, "\"special\":true"));
    program_release(&result);
}

/* A question about a text gives the conversation its name, not the text. */
static void cli__ask__is_called_by_the_question(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, "commit 0123456789\n", "ask", "-n", "3", "What was changed?\nIn short.");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list");
    assert_non_null(strstr(result.out.data, "What was changed?"));
    assert_null(strstr(result.out.data, "commit 0123"));
    assert_null(strstr(result.out.data, "In short"));
    program_release(&result);
}

static void cli__logits__have_the_promised_shape(void **state)
{
    (void)state;
    struct program_result all;
    struct program_result last;
    PROGRAM(&all, 0, NULL, "logits", "--ids", "1,2,3,4,5");
    PROGRAM(&last, 0, NULL, "logits", "--ids", "1,2,3,4,5", "--last");
    assert_int_equal(all.out.size, 5 * last.out.size);
    assert_memory_equal(all.out.data + 4 * last.out.size, last.out.data, last.out.size);
    program_release(&all);
    program_release(&last);
    PROGRAM(&all, 1, NULL, "logits", "--ids", "1,99999999");
    program_release(&all);
    PROGRAM(&all, 2, NULL, "logits");
    program_release(&all);
}

static void cli__bench__writes_a_line_a_test(void **state)
{
    (void)state;
    static const struct {
        const char *test;
        int n, depth;
    } expected[] = {{"prompt", 5, 0}, {"prompt", 9, 0}, {"gen", 3, 0},
                    {"prompt", 5, 7}, {"prompt", 9, 7}, {"gen", 3, 7}};
    struct program_result result;
    PROGRAM(&result, 0, NULL, "bench", "--prompt", "5,9", "--gen", "3", "--depth", "0,7", "--reps",
            "2", "--threads", "2", "--json");
    assert_int_equal(n_lines(&result.out), CF_ARRAY_SIZE(expected));
    for (size_t i = 0; i < CF_ARRAY_SIZE(expected); i++) {
        json_t *line = json_line(&result.out, i);
        const char *test = NULL;
        const char *type = NULL;
        int n = 0;
        int depth = 0;
        int threads = 0;
        double speed = 0;
        double spread = 0;
        double size = 0;
        double bandwidth = 0;
        double share = 0;
        assert_int_equal(json_unpack(line, "{s:s, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f !}",
                                     "test", &test, "n", &n, "depth", &depth, "threads", &threads,
                                     "type", &type, "tokens_per_second", &speed, "spread", &spread,
                                     "bytes_per_token", &size, "bandwidth", &bandwidth,
                                     "bandwidth_share", &share),
                         0);
        assert_string_equal(test, expected[i].test);
        assert_int_equal(n, expected[i].n);
        assert_int_equal(depth, expected[i].depth);
        assert_int_equal(threads, 2);
        assert_true(speed > 0 && spread >= 0 && size > 0 && bandwidth > 0);
        assert_true(fabs(share - speed * size / bandwidth) < 1e-6 * share);
        json_decref(line);
    }
    program_release(&result);
    PROGRAM(&result, 0, NULL, "bench", "--gen", "2", "--reps", "1");
    const char *row = strstr(result.out.data, "\ngen ");
    assert_non_null(row);
    double size = 0;
    double share = 0;
    char sign = 0;
    int n_read = sscanf(row, " gen %*d %*d %*f %*f %lf %*f %lf %c", &size, &share, &sign);
    if (n_read == 1) {
        assert_non_null(strstr(row, " -\n"));
    } else {
        /* Of what lies in a cache no share is told, whatever its size is here. */
        assert_true(n_read == 3 && sign == '%' && share <= 100);
        assert_true(size * 1e6 > (double)sysconf(_SC_LEVEL3_CACHE_SIZE));
    }
    assert_null(strstr(result.out.data, "\nprompt "));
    assert_non_null(strstr(result.out.data, "\nkernels alone "));
    program_release(&result);
    PROGRAM(&result, 2, NULL, "bench", "--prompt", "5,x");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "bench", "--gen", "3", "--depth", "999999");
    program_release(&result);
}

static void cli__score__agrees_with_logits(void **state)
{
    (void)state;
    struct program_result score;
    struct program_result logits;
    struct program_result ids;
    PROGRAM(&score, 0, "The cat sat.", "score", "--json");
    PROGRAM(&logits, 0, NULL, "logits", "--text", "The cat sat.");
    PROGRAM(&ids, 0, NULL, "tokenize", "The cat sat.");
    size_t n = n_lines(&score.out) - 1;
    size_t n_vocab = logits.out.size / sizeof(float) / n;
    const char *at = ids.out.data;
    for (size_t i = 0; i < n; i++) {
        char *end = NULL;
        long id = strtol(at, &end, 10);
        at = end;
        json_t *line = json_line(&score.out, i);
        assert_int_equal(json_integer_value(json_object_get(line, "id")), id);
        if (i > 0) {
            const char *bytes = logits.out.data + (i - 1) * n_vocab * sizeof(float);
            double z = 0;
            double own = 0;
            for (size_t k = 0; k < n_vocab; k++) {
                float logit;
                memcpy(&logit, bytes + k * sizeof logit, sizeof logit);
                z += exp((double)logit);
                own = (long)k == id ? exp((double)logit) : own;
            }
            double p = json_number_value(json_object_get(line, "p"));
            assert_true(fabs(p - own / z) < 1e-6);
        }
        json_decref(line);
    }
    program_release(&score);
    program_release(&logits);
    program_release(&ids);
}

static void cli__score__chat_tells_roles_apart(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"},"
            "{\"role\":\"assistant\",\"content\":\"Hi! How are you?\"}]}\n",
            "score", "--chat", "--json");
    json_t *total = json_line(&result.out, 1);
    assert_int_equal(json_integer_value(json_object_get(total, "bytes")), 6 + 16);
    assert_true(json_number_value(json_object_get(total, "assistant")) > 0);
    assert_true(json_number_value(json_object_get(total, "user")) > 0);
    json_decref(total);
    program_release(&result);
    PROGRAM(&result, 1, "{\"messages\":3}\n", "score", "--chat");
    assert_non_null(strstr(result.err.data, "line 1"));
    program_release(&result);
}

static void cli__shelves__delete_restore_purge(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "ask", "-n", "4", "A word: xylophone.");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "rename", "1", "On", "instruments");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list");
    assert_non_null(strstr(result.out.data, "On instruments"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "search", "xylophone");
    assert_non_null(strstr(result.out.data, "[xylophone]"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "delete", "last");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list");
    assert_int_equal(result.out.size, 0);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list", "--trash");
    assert_int_equal(n_lines(&result.out), 1);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "restore", "1");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "archive", "1");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list", "--archived");
    assert_int_equal(n_lines(&result.out), 1);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "delete", "1");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "purge");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "purge", "--yes");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "check");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "show", "1");
    program_release(&result);
}

static void cli__list__stats_count_what_is_stored(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "list", "--stats"); /* nothing yet */
    program_release(&result);
    PROGRAM(&result, 0, NULL, "ask", "-n", "5", "-q", "one");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "ask", "-n", "5", "-q", "-c", "last", "two");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list", "--stats");
    assert_non_null(strstr(result.out.data, "messages                   4\n"));
    assert_non_null(strstr(result.out.data, "\u2588"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list", "--stats", "--json");
    json_t *object = json_loads(result.out.data, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "conversations")), 1);
    assert_int_equal(json_integer_value(json_object_get(object, "messages")), 4);
    json_t *models = json_object_get(object, "models");
    assert_int_equal(json_array_size(models), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(models, 0), "replies")), 2);
    assert_int_equal(json_array_size(json_object_get(object, "months")), 1);
    json_decref(object);
    program_release(&result);
}

static void cli__backup__is_a_database(void **state)
{
    (void)state;
    struct program_result result;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/copy.db", program_home());
    PROGRAM(&result, 0, NULL, "ask", "-n", "4", "Hello!");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "backup", path);
    program_release(&result);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    PROGRAM(&result, 0, NULL, "-d", path, "list");
    assert_int_equal(n_lines(&result.out), 1);
    program_release(&result);
    PROGRAM(&result, 1, NULL, "backup", path);
    program_release(&result);
}

static void cli__template__must_be_known(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 1, NULL, "ask", "--template", "nope", "Hi");
    assert_non_null(strstr(result.err.data, "there is no template 'nope'"));
    assert_int_equal(result.out.size, 0);
    program_release(&result);
    /* Presets that are built in need no config file either. */
    PROGRAM(&result, 0, NULL, "config", "--preset", "precise");
    assert_non_null(strstr(result.out.data, "option --preset, preset precise"));
    program_release(&result);
    PROGRAM(&result, 1, NULL, "config", "--preset", "nope");
    program_release(&result);
}

static void cli__config__says_where_values_come_from(void **state)
{
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/config", program_home());
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("temperature = 0.3\n[preset mine]\ntop-p = 0.5\n", file);
    fclose(file);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "--config", path, "-k", "9", "config", "--json");
    assert_non_null(strstr(result.out.data, "\"name\":\"temperature\",\"value\":\"0.3\""));
    assert_non_null(strstr(result.out.data, ":1"));
    assert_non_null(strstr(result.out.data, "option -k"));
    program_release(&result);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs("\ntemperatur = 0.3\n", file);
    fclose(file);
    PROGRAM(&result, 1, NULL, "--config", path, "list");
    assert_non_null(strstr(result.err.data, "config:2"));
    program_release(&result);
}

/* What the [keys] mean is known to the terminal interface alone; a mistake there is told by all. */
static void cli__config__refuses_keys_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"[keys]\nfly = x\n", "config:2: [keys]: there is no action 'fly'"},
        {"[keys]\nyank = Y\nfork = rr\n", "config:3: [keys] fork: 'rr' is not a key"},
        {"\n[keys]\nyank = c\n", "config:3: [keys]: c stands for both "},
        {"[keys]\nfork = F\nyank = x\ncontinue = x\nedit = E\n", "config:4: [keys]: x stands "},
    };
    char path[256];
    (void)snprintf(path, sizeof path, "%s/config", program_home());
    for (size_t i = 0; i <= CF_ARRAY_SIZE(rows); i++) {
        bool is_good = i == CF_ARRAY_SIZE(rows);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(is_good ? "[keys]\nyank = c\ncontinue = y\n" : rows[i].text, file);
        fclose(file);
        struct program_result result;
        PROGRAM(&result, is_good ? 0 : 1, NULL, "--config", path, "list");
        assert_true(is_good || strstr(result.err.data, rows[i].message) != NULL);
        program_release(&result);
    }
}

static void cli__model_info__tells_the_shape(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, NULL, "model", "info", "--json");
    json_t *facts = json_line(&result.out, 0);
    assert_string_equal(json_string_value(json_object_get(facts, "architecture")), "gpt2");
    assert_true(json_integer_value(json_object_get(facts, "n_layer")) > 0);
    assert_int_equal(strlen(json_string_value(json_object_get(facts, "digest"))), 64);
    json_decref(facts);
    program_release(&result);
    PROGRAM(&result, 1, NULL, "model", "info", "no-such-model");
    assert_non_null(strstr(result.err.data, "no-such-model"));
    program_release(&result);
}

static void cli__model_convert__takes_metadata(void **state)
{
    (void)state;
    struct program_result result;
    char out[128];
    char bundled[1024];
    (void)snprintf(out, sizeof out, "%s/out.gguf", program_home());
    (void)snprintf(bundled, sizeof bundled, "%s/model.gguf", getenv("CONFAB_DATADIR"));
    PROGRAM(&result, 0, NULL, "model", "convert", bundled, out, "--type", "q8_0",
            "general.license=mit", "general.description=");
    assert_int_equal(result.out.size, 0);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "model", "info", "--json", out);
    assert_non_null(strstr(result.out.data, "\"licence\":\"mit\""));
    assert_null(strstr(result.out.data, "\"description\""));
    program_release(&result);
    PROGRAM(&result, 1, NULL, "model", "convert", bundled, out); /* it is there */
    program_release(&result);
    static const char *const wrong[] = {"license", "=mit"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(wrong); i++) {
        PROGRAM(&result, 2, NULL, "model", "convert", "-y", bundled, out, wrong[i]);
        program_release(&result);
    }
}

static void cli__output__full_disk_is_an_error(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 1, NULL, "logits", "--ids", "1,2", "-o", "/dev/full");
    assert_non_null(strstr(result.err.data, "confab: "));
    program_release(&result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(cli__usage__is_status_two_and_a_hint),
        TEST(cli__help_and_version__go_to_stdout),
        TEST(cli__ask__is_reproducible_and_ends_with_one_newline),
        TEST(cli__ask__joins_input_and_argument),
        TEST(cli__ask__json_tells_every_token),
        TEST(cli__ask__count_gives_siblings),
        TEST(cli__ask__goes_on_with_a_conversation),
        TEST(cli__show__tells_what_was_turned),
        TEST(cli__ask__tells_of_a_reply_cut_short),
        TEST(cli__complete__saves_nothing),
        TEST(cli__tokenize__round_trips_every_byte),
        TEST(cli__tokenize__takes_special_names_as_text),
        TEST(cli__ask__is_called_by_the_question),
        TEST(cli__logits__have_the_promised_shape),
        TEST(cli__bench__writes_a_line_a_test),
        TEST(cli__score__agrees_with_logits),
        TEST(cli__score__chat_tells_roles_apart),
        TEST(cli__shelves__delete_restore_purge),
        TEST(cli__list__stats_count_what_is_stored),
        TEST(cli__backup__is_a_database),
        TEST(cli__template__must_be_known),
        TEST(cli__config__refuses_keys_by_line),
        TEST(cli__config__says_where_values_come_from),
        TEST(cli__model_info__tells_the_shape),
        TEST(cli__model_convert__takes_metadata),
        TEST(cli__output__full_disk_is_an_error),
    };
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
