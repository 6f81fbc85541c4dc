/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of other programs, files made to harm, and imports that end before their end. */
#include "port_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "import_mutate.h"
#include "import_samples.h"
#include "random.h"
#include "shared.h"

/* ---- Other programs ---- */

static void take(struct cf_import_report *report, struct cf_store *store, const struct place *place,
                 const char *text)
{
    assert_ok(port_import(report, store, place, text, strlen(text), err));
}

static struct cf_conversations load(struct cf_store *store, int64_t id)
{
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, id, err));
    return one;
}

static void chatgpt__branches__come_along(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_import_report report;
    take(&report, store, place, sample_chatgpt);
    assert_string_equal(report.format, "chatgpt");
    assert_int_equal(report.n_conversations, 2);
    assert_int_equal(report.n_messages, 5);
    assert_int_equal(report.n_left_out, 3); /* a call, its answer, thoughts */
    assert_int_equal(report.n_skipped, 0);
    cf_import_report_release(&report);
    struct cf_conversations one = load(store, 1);
    assert_string_equal(one.items[0].title, "Rain 🌧 \xEF\xBF\xBD");
    assert_true(one.items[0].is_title_own && one.items[0].is_archived && one.items[0].is_pinned);
    assert_int_equal(one.items[0].created_ms, 1700000000500);
    assert_int_equal(one.items[0].updated_ms, 1700000500250);
    assert_string_equal(one.items[0].origin, "chatgpt");
    assert_string_equal(one.items[0].origin_id, "6543-abc");
    assert_branch(store, one.items[0].active_leaf,
                  "[image_asset_pointer]\n\nWhat is it? A|It is\n\nrain.|And snow?");
    cf_conversations_release(&one);
    struct cf_messages tree;
    assert_ok(cf_store_tree_load(&tree, store, 1, false, err));
    assert_int_equal(tree.n, 4);
    /* Alternatives in the order in which their parent names them. */
    assert_string_equal(tree.items[1].text, "A picture.");
    assert_string_equal(tree.items[1].model, "gpt-4");
    assert_int_equal(tree.items[1].n_alternatives, 2);
    assert_string_equal(tree.items[2].model, "gpt-4o");
    assert_int_equal(tree.items[2].created_ms, 1700000010750);
    assert_string_equal(tree.items[2].origin_id, "a1");
    assert_int_equal(tree.items[3].created_ms, 1700000010750); /* none told: its parent's */
    cf_messages_release(&tree);
    one = load(store, 2);
    assert_string_equal(one.items[0].title, "Hello there");
    assert_false(one.items[0].is_title_own);
    cf_conversations_release(&one);
    assert_sound(store);
    take(&report, store, place, sample_chatgpt);
    assert_int_equal(report.n_known, 2);
    assert_int_equal(report.n_conversations, 0);
    cf_import_report_release(&report);
    cf_store_close(store);
}

static void openai__lines__come_once(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_import_report report;
    take(&report, store, place, sample_openai);
    assert_string_equal(report.format, "openai");
    /* The third says what the first does, but under no system prompt: another conversation. */
    assert_int_equal(report.n_conversations, 3);
    assert_int_equal(report.n_left_out, 2);
    cf_import_report_release(&report);
    struct cf_conversations one = load(store, 2);
    assert_string_equal(one.items[0].system, "Use tools.");
    assert_string_equal(one.items[0].model, "gpt-x");
    assert_string_equal(one.items[0].title, "Look");
    assert_branch(store, one.items[0].active_leaf, "Look\n\n[image_url]|It is 42.");
    cf_conversations_release(&one);
    for (int i = 0; i < 2; i++) {
        take(&report, store, place, sample_openai);
        assert_int_equal(report.n_known, 3);
        assert_int_equal(report.n_conversations, 0);
        cf_import_report_release(&report);
    }
    assert_sound(store);
    cf_store_close(store);
}

static void sharegpt__spellings__are_known(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_import_report report;
    take(&report, store, place, sample_sharegpt);
    assert_string_equal(report.format, "sharegpt");
    assert_int_equal(report.n_conversations, 3);
    assert_int_equal(report.n_left_out, 1);
    cf_import_report_release(&report);
    assert_branch(store, active_leaf(store, 1), "Who are you?|A model.");
    struct cf_conversations one = load(store, 2);
    assert_string_equal(one.items[0].title, "Tea");
    assert_string_equal(one.items[0].system, "Like tea.");
    cf_conversations_release(&one);
    one = load(store, 3);
    assert_string_equal(one.items[0].system, "Sys");
    assert_branch(store, one.items[0].active_leaf, "Q|A");
    cf_conversations_release(&one);
    cf_store_close(store);
}

/* What export writes in a format, import reads: the active branch, its texts and the system. */
static void formats__that_can_be_read__come_back(void **state)
{
    static const enum cf_export_format formats[] = {CF_EXPORT_JSONL, CF_EXPORT_SHAREGPT};
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    port_fill_tree(store);
    for (size_t i = 0; i < CF_ARRAY_SIZE(formats); i++) {
        struct cf_buf out = CF_BUF_INIT;
        struct cf_buf again = CF_BUF_INIT;
        const int64_t id = 1;
        struct cf_export_spec spec = {.format = formats[i], .ids = &id, .n_ids = 1};
        port_export(&out, store, &spec);
        struct place other;
        place_init(&other);
        struct cf_store *there = open_store(&other);
        port_import_ok(there, &other, out.data, out.size, 1, 0);
        port_export(&again, there, &spec);
        const char *texts = strstr(out.data, "\"conversations\"");
        const char *texts_again = strstr(again.data, "\"conversations\"");
        assert_string_equal(formats[i] == CF_EXPORT_JSONL ? again.data : texts_again,
                            formats[i] == CF_EXPORT_JSONL ? out.data : texts);
        cf_store_close(there);
        place_release(&other);
        cf_buf_release(&out);
        cf_buf_release(&again);
    }
    cf_store_close(store);
}

static void foreign__one_that_makes_no_sense__is_left_out(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_import_report report;
    take(&report, store, place,
         "{\"messages\":[{\"role\":\"user\",\"content\":\"good\"}]}\n"
         "{\"messages\":[{\"role\":\"king\",\"content\":\"bad\"}]}\n"
         "{\"other\":1}\n");
    assert_int_equal(report.n_conversations, 1);
    assert_int_equal(report.n_skipped, 2);
    assert_int_equal(report.skips[0].line, 2);
    assert_int_equal(report.skips[0].byte, 49);
    assert_non_null(strstr(report.skips[0].why, "who speaks"));
    assert_int_equal(report.skips[1].line, 3);
    assert_non_null(strstr(report.skips[1].why, "no conversation of a kind"));
    cf_import_report_release(&report);
    cf_store_close(store);
}

/* ---- Files made to harm ---- */

#define OWN(rest) "{\"format\":\"confab\",\"version\":1,\"conversations\":[" rest
#define UUID_A "01a22200-0d0b-75b5-8c91-0cd281d644f8"
#define UUID_B "01a22200-0d0b-75b5-8c91-0cd281d644f9"
#define UUID_C "01a22200-0d0b-75b5-8c91-0cd281d644fa"
#define HEAD "{\"uuid\":\"" UUID_A "\",\"created\":1,\"updated\":1,\"title\":\"t\",\"messages\":["
#define MESSAGE(uuid, rest)                                                                        \
    "{\"uuid\":\"" uuid                                                                            \
    "\",\"role\":\"user\",\"state\":\"complete\",\"created\":1,\"updated\":1,\"text\":\"x\"" rest  \
    "}"

static const struct {
    const char *text, *words;
    enum cf_code code;
} harmful[] = {
    {"", "is empty", CF_ERR_FORMAT},
    {" \n\t ", "is empty", CF_ERR_FORMAT},
    {"hello", "is no JSON", CF_ERR_UNSUPPORTED},
    {"PK\x03\x04zip", "is a zip archive; unpack it", CF_ERR_UNSUPPORTED},
    {"\xff\xfe{\"a\"", "is no JSON", CF_ERR_UNSUPPORTED},
    {"[1,2]", "line 1, byte 2: no conversation of a kind", CF_ERR_FORMAT},
    {"[{\"mapping\":{}", "the file ends in the middle", CF_ERR_FORMAT},
    {"[{\"mapping\":{}}", "the file ends in the middle", CF_ERR_FORMAT},
    {"[{\"a\":1},]", "line 1, byte 10: a value is expected behind the comma", CF_ERR_FORMAT},
    {"[{\"a\":1} {\"a\":1}]", "a comma or the closing bracket", CF_ERR_FORMAT},
    {"[{\"a\":1]}", "line 1, byte 8: a bracket that does not match", CF_ERR_FORMAT},
    {"\n\n[\n{\"a\":tru}]", "line 4, byte ", CF_ERR_FORMAT},
    {"[{\"a\":\"\xff\xfe\"}]", "UTF-8", CF_ERR_FORMAT},
    {"[{\"a\":\"\x01\"}]", "control character", CF_ERR_FORMAT},
    {"[{\"a\":123456789012345678901234567890}]", "too big integer", CF_ERR_FORMAT},
    {"[{\"a\":1e999}]", "real number overflow", CF_ERR_FORMAT},
    {"[{\"a\":1,\"a\":2}]", "duplicate object key", CF_ERR_FORMAT},
    {"{\"messages\":[]}", "no message in it", CF_ERR_FORMAT},
    {"{\"conversations\":[],\"format\":\"confab\"}", "\"format\" must come first", CF_ERR_FORMAT},
    {"{\"messages\":[{\"role\":\"user\"}]}", "has no text", CF_ERR_FORMAT},
    {"{\"messages\":[{\"role\":\"user\",\"content\":7}]}", "has no text", CF_ERR_FORMAT},
    {"{\"messages\":[7]}", "is no object", CF_ERR_FORMAT},
    /* ChatGPT: a circle, one that hangs on itself, on nothing, times that are none. */
    {"[{\"id\":\"c\",\"mapping\":{\"a\":{\"parent\":\"b\",\"children\":[\"b\"]},"
     "\"b\":{\"parent\":\"a\",\"children\":[\"a\"]}}}]",
     "in a circle", CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"mapping\":{\"a\":{\"parent\":\"a\",\"children\":[\"a\"]}}}]", "in a circle",
     CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"mapping\":{\"a\":{\"parent\":\"z\",\"children\":[]}}}]",
     "hangs on one that is not there", CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"mapping\":{\"a\":7}}]", "is no object", CF_ERR_FORMAT},
    {"[{\"mapping\":{}}]", "has no id", CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"create_time\":1200798777600,\"mapping\":{}}]", "1970 to 9999",
     CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"create_time\":-5,\"mapping\":{}}]", "1970 to 9999", CF_ERR_FORMAT},
    {"[{\"id\":\"c\",\"create_time\":\"today\",\"mapping\":{}}]", "1970 to 9999", CF_ERR_FORMAT},
    /* The json of export. */
    {"{\"format\":\"other\",\"version\":1}", "not known here", CF_ERR_UNSUPPORTED},
    {"{\"format\":\"confab\",\"version\":2,\"conversations\":[]}", "newer confab", CF_ERR_NEWER},
    {"{\"format\":\"confab\",\"version\":1}", "\"conversations\" is not there", CF_ERR_FORMAT},
    {OWN("7]}"), "an object is expected", CF_ERR_FORMAT},
    {OWN("{}]}"), "without \"messages\"", CF_ERR_FORMAT},
    {OWN("{\"messages\":[]}]}"), "\"uuid\" must be a uuid", CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"01A22200-0D0B-75B5-8C91-0CD281D644F8\",\"messages\":[]}]}"),
     "\"uuid\" must be a uuid", CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"created\":1200798777600000,\"messages\":[]}]}"),
     "\"created\" must be a moment of the years 1970 to 9999", CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"created\":1.5,\"messages\":[]}]}"), "\"created\" must be",
     CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"pinned\":1,\"messages\":[]}]}"), "\"pinned\" must be true",
     CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"title\":\"a\\u0000b\",\"messages\":[]}]}"),
     "\"title\" holds a NUL", CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"tags\":[7],\"messages\":[]}]}"), "\"tags\" must hold names",
     CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"origin\":\"x\",\"messages\":[]}]}"), "go together",
     CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"messages\":[],\"title\":\"t\"}]}"), "must be the last",
     CF_ERR_FORMAT},
    {OWN(HEAD "7]}]}"), "a message must be an object", CF_ERR_FORMAT},
    {OWN(HEAD "{\"uuid\":\"" UUID_B "\"}]}]}"), "\"role\" must be", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, "") ",\n" MESSAGE(UUID_B, "") "]}]}"), "stands there twice",
     CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"parent\":\"" UUID_B "\"") "]}]}"), "in a circle", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"parent\":\"" UUID_C
                              "\"") ",\n" MESSAGE(UUID_C, ",\"parent\":\"" UUID_B "\"") "]}]}"),
     "line 2, byte ", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"parent\":\"" UUID_C "\"") "]}]}"), "does not hold",
     CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"trashed\":5") "," MESSAGE(UUID_C,
                                                            ",\"parent\":\"" UUID_B "\"") "]}]}"),
     "hangs on one in the trash", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"tokens\":3000000000") "]}]}"), "\"tokens\" must be",
     CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"tokens\":-1") "]}]}"), "\"tokens\" must be", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"text_base64\":\"x\"") "]}]}"), "must be base64", CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"recipe\":{\"body\":\"AAAA\"}") "]}]}"), "is no recipe",
     CF_ERR_FORMAT},
    {OWN(HEAD MESSAGE(UUID_B, ",\"origin_id\":\"n\"") "," MESSAGE(UUID_C,
                                                                  ",\"origin_id\":\"n\"") "]}]}"),
     "is that of another message", CF_ERR_FORMAT},
    {OWN("{\"uuid\":\"" UUID_A "\",\"active\":\"" UUID_B "\",\"messages\":[]}]}"),
     "the active message", CF_ERR_FORMAT},
    {OWN("],\"snapshots\":[{\"digest\":\"00\",\"text\":\"x\"}]}"), "\"digest\" must be",
     CF_ERR_FORMAT},
    {OWN("],\"snapshots\":[{\"digest\":"
         "\"6ac13e069ccd2a2dc25b58c793200fec954bfcf549114972ad3ee0296c47"
         "3038\",\"text\":\"x\"}]}"),
     "is not that of the text", CF_ERR_FORMAT},
    {OWN("]} {}"), "something stands behind the end", CF_ERR_FORMAT},
};

static void harmful__files__fail_with_a_place_and_leave_nothing(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    char *empty = port_dump(place->path);
    for (size_t i = 0; i < CF_ARRAY_SIZE(harmful); i++) {
        struct cf_import_report report;
        struct cf_err why = CF_ERR_INIT;
        const char *text = harmful[i].text;
        enum cf_code code = port_import(&report, store, place, text, strlen(text), &why);
        if (code != harmful[i].code || strstr(why.text, harmful[i].words) == NULL ||
            strstr(why.text, "/import") == NULL) {
            fail_msg("%s\ngave code %d: %s", text, (int)code, why.text);
        }
        cf_import_report_release(&report);
        port_assert_holds(place->path, empty);
    }
    assert_sound(store);
    free(empty);
    cf_store_close(store);
}

/* What comes before the fault is not kept either, however many transactions it took. */
static void harmful__fault_at_the_end__undoes_everything(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    (void)add_text(store, new_conversation(store), 0, CF_ROLE_USER, "mine");
    char *before = port_dump(place->path);
    struct cf_buf file = CF_BUF_INIT;
    for (int i = 0; i < 1500; i++) {
        cf_buf_addf(&file,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"question number %d\"},"
                    "{\"role\":\"assistant\",\"content\":\"answer number %d\"}]}\n",
                    i, i);
    }
    cf_buf_add_str(&file, "{\"messages\":[");
    struct cf_import_report report;
    assert_code(CF_ERR_FORMAT, port_import(&report, store, place, file.data, file.size, err));
    cf_import_report_release(&report);
    recover_all(store);
    port_assert_holds(place->path, before);
    assert_sound(store);
    cf_buf_truncate(&file, file.size - 13);
    port_import_ok(store, place, file.data, file.size, 1500, 0);
    assert_sound(store);
    cf_buf_release(&file);
    free(before);
    cf_store_close(store);
}

static void harmful__deep_and_large__are_bounded(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_import_report report;
    struct cf_buf file = CF_BUF_INIT;
    cf_buf_add_str(&file, "[{\"a\":");
    for (int i = 0; i < 100000; i++) {
        cf_buf_add_char(&file, i % 2 == 0 ? '[' : '{');
    }
    struct cf_err why = CF_ERR_INIT;
    assert_int_equal(port_import(&report, store, place, file.data, file.size, &why), CF_ERR_FORMAT);
    assert_non_null(strstr(why.text, "nested too deep"));
    cf_import_report_release(&report);
    cf_buf_clear(&file);
    cf_buf_add_str(&file, "[{\"a\":[");
    for (int i = 0; i < CF_IMPORT_PARTS_MAX + 10; i++) {
        cf_buf_add_str(&file, "1,");
    }
    assert_int_equal(port_import(&report, store, place, file.data, file.size, &why),
                     CF_ERR_TOO_LARGE);
    assert_non_null(strstr(why.text, "too large"));
    cf_import_report_release(&report);
    /* A long chain of messages is no depth, and hangs in the right order. */
    cf_buf_clear(&file);
    cf_buf_add_str(&file, "[{\"id\":\"long\",\"current_node\":\"n7999\",\"mapping\":{");
    for (int i = 7999; i >= 0; i--) {
        cf_buf_addf(&file, "%s\"n%d\":{\"parent\":", i < 7999 ? "," : "", i);
        cf_buf_addf(&file, i > 0 ? "\"n%d\"" : "null", i - 1);
        cf_buf_addf(
            &file,
            ",\"message\":{\"author\":{\"role\":\"user\"},\"content\":{\"parts\":[\"%d\"]}},"
            "\"children\":[\"n%d\"]}",
            i, i + 1);
    }
    cf_buf_add_str(&file, "}}]");
    port_import_ok(store, place, file.data, file.size, 1, 0);
    struct cf_messages branch;
    assert_ok(cf_store_path_load(&branch, store, active_leaf(store, 1), 0, false, err));
    assert_int_equal(branch.n, 8000);
    assert_string_equal(branch.items[5432].text, "5432");
    cf_messages_release(&branch);
    cf_buf_release(&file);
    cf_store_close(store);
}

/* ---- 1,000 files with random faults ---- */

enum { MUTANTS = 1000 };

static void mutate(struct cf_buf *bytes, struct test_random *random)
{
    static const char *const pieces[] = {"\"",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ",",
                                         ":",
                                         "null",
                                         "true",
                                         "-1",
                                         "1e400",
                                         "9e15",
                                         "\\u0000",
                                         "\\ud800",
                                         "\xff",
                                         "\"uuid\":",
                                         "\x00",
                                         "99999999999999999999",
                                         "\"parent\":\"u1\",",
                                         "\\",
                                         "\xEF\xBB\xBF"};
    const size_t n = 1 + test_random_below(random, 4);
    for (size_t i = 0; i < n && bytes->size > 0; i++) {
        const size_t at = test_random_below(random, bytes->size);
        const size_t rest = bytes->size - at;
        const char *piece = pieces[test_random_below(random, CF_ARRAY_SIZE(pieces))];
        const size_t size = strlen(piece);
        struct cf_buf tail = CF_BUF_INIT;
        switch (test_random_below(random, 6)) {
        case 0: /* a bit */
            bytes->data[at] = (char)(bytes->data[at] ^ (1 << test_random_below(random, 8)));
            break;
        case 1: /* the end */
            cf_buf_truncate(bytes, at);
            break;
        case 2: /* a piece more */
            cf_buf_add(&tail, bytes->data + at, rest);
            cf_buf_truncate(bytes, at);
            cf_buf_add(bytes, piece, size);
            cf_buf_add(bytes, tail.data, tail.size);
            break;
        case 3: /* a piece instead */
            memcpy(bytes->data + at, piece, size < rest ? size : rest);
            break;
        case 4: /* something less */
            cf_buf_add(&tail, bytes->data + at, rest);
            cf_buf_truncate(bytes, at);
            cf_buf_consume(&tail, test_random_below(random, tail.size < 40 ? tail.size + 1 : 40));
            cf_buf_add(bytes, tail.data, tail.size);
            break;
        default: /* something twice */
            cf_buf_add(&tail, bytes->data + at, rest < 200 ? rest : 200);
            cf_buf_add(bytes, tail.data, tail.size);
            break;
        }
        cf_buf_release(&tail);
    }
}

static void mutants__thousand__leave_all_or_nothing(void **state)
{
    const struct place *place = *state;
    struct test_random random = {.state = 20260101};
    struct import_bed bed;
    struct cf_buf own = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&own, store);
    cf_store_close(store);
    const char *const seeds[] = {own.data, sample_chatgpt, sample_openai, sample_sharegpt};
    import_bed_init(&bed);
    for (size_t i = 0; i < CF_ARRAY_SIZE(seeds); i++) {
        assert_true(import_bed_take(&bed, seeds[i], strlen(seeds[i])));
    }
    for (int i = 0; i < MUTANTS; i++) {
        const char *seed = seeds[i % (int)CF_ARRAY_SIZE(seeds)];
        struct cf_buf bytes = CF_BUF_INIT;
        cf_buf_add_str(&bytes, seed);
        mutate(&bytes, &random);
        (void)import_bed_take(&bed, bytes.data, bytes.size);
        cf_buf_release(&bytes);
    }
    /* Both kinds are there, or this tests little. */
    assert_true(bed.n_worked > MUTANTS / 20 && bed.n_worked < MUTANTS * 19 / 20);
    import_bed_release(&bed);
    cf_buf_release(&own);
}

static struct import_bed corpus_bed;

static void take_corpus_file(const uint8_t *bytes, size_t size)
{
    (void)import_bed_take(&corpus_bed, bytes, size);
}

static void corpus__replayed__keeps_every_rule(void **state)
{
    (void)state;
    import_bed_init(&corpus_bed);
    assert_true(test_replay_corpus("import", take_corpus_file) >= 15);
    assert_true(corpus_bed.n_worked >= 5);
    import_bed_release(&corpus_bed);
}

/* ---- Imports that end before their end, and those beside them ---- */

static void many_lines(struct cf_buf *file, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        cf_buf_addf(file,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"what is number %d, pray?\"},"
                    "{\"role\":\"assistant\",\"content\":\"It is %d.\"}]}\n",
                    i, i);
    }
}

struct watch {
    struct cf_store *other;
    int n_looks;
    bool stops;
};

static int64_t n_listed(struct cf_store *store)
{
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    return counts.n_open + counts.n_archived + counts.n_trashed;
}

static bool look(void *context, int64_t n_done, int64_t size)
{
    struct watch *watch = context;
    assert_true(n_done >= 0 && n_done <= size);
    assert_int_equal(n_listed(watch->other), 1);
    struct cf_hits hits;
    const struct cf_search search = {.query = "pray"};
    assert_ok(cf_store_search(&hits, watch->other, &search, err));
    assert_int_equal(hits.n, 0);
    cf_hits_release(&hits);
    int64_t id = 0;
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_find(&id, watch->other, "2", err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_find(&id, watch->other, "2", err));
    watch->n_looks++;
    return !(watch->stops && watch->n_looks == 3);
}

static void import__under_way__is_not_seen(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct watch watch = {.other = open_store(place), .stops = true};
    (void)add_text(store, new_conversation(store), 0, CF_ROLE_USER, "mine");
    char *before = port_dump(place->path);
    struct cf_buf file = CF_BUF_INIT;
    many_lines(&file, 0, 8000);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/lines.jsonl", place->folder);
    write_file(path, file.data, file.size);
    const struct cf_import_options options = {.on_progress = look, .context = &watch};
    struct cf_import_report report;
    assert_code(CF_ERR_CANCELLED, cf_import_file(&report, store, path, &options, err));
    cf_import_report_release(&report);
    assert_int_equal(watch.n_looks, 3);
    assert_int_equal(n_listed(watch.other), 1);
    recover_all(store);
    port_assert_holds(place->path, before);
    watch.stops = false;
    assert_ok(cf_import_file(&report, store, path, &options, err));
    assert_int_equal(report.n_messages, 16000);
    cf_import_report_release(&report);
    assert_int_equal(n_listed(watch.other), 8001);
    cf_store_close(watch.other);
    cf_store_close(store);
    cf_buf_release(&file);
    free(before);
}

struct neighbour {
    const struct place *place;
    atomic_bool is_done;
    atomic_int n;
    int64_t longest_ms;
};

static void *write_beside(void *context)
{
    struct neighbour *neighbour = context;
    struct cf_store *store = open_store(neighbour->place);
    const int64_t conversation = new_conversation(store);
    while (!atomic_load(&neighbour->is_done)) {
        const int64_t begin = cf_clock_ms();
        (void)add_text(store, conversation, 0, CF_ROLE_USER, "written beside the import");
        const int64_t took = cf_clock_ms() - begin;
        neighbour->longest_ms = took > neighbour->longest_ms ? took : neighbour->longest_ms;
        atomic_fetch_add(&neighbour->n, 1);
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    cf_store_close(store);
    return NULL;
}

static void import__leaves_room_for_others(void **state)
{
    const struct place *place = *state;
    struct neighbour neighbour = {.place = place};
    struct cf_store *store = open_store(place);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_beside, &neighbour), 0);
    /* Beside one import, which is made longer on a machine that ends it too soon. */
    int n_beside = 0;
    for (int n = 4000, from = 0; n_beside < 5 && n <= 64000; from += n, n *= 2) {
        struct cf_buf file = CF_BUF_INIT;
        many_lines(&file, from, n);
        const int n_before = atomic_load(&neighbour.n);
        port_import_ok(store, place, file.data, file.size, n, 0);
        n_beside = atomic_load(&neighbour.n) - n_before;
        cf_buf_release(&file);
    }
    atomic_store(&neighbour.is_done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(n_beside >= 5);
    /* The busy timeout is 10 s; on a machine under load, far less is still far from it. */
    assert_true(neighbour.longest_ms < 5000);
    assert_sound(store);
    cf_store_close(store);
}

static void import__killed__is_undone_when_next_opened(void **state)
{
    const struct place *place = *state;
    struct cf_buf file = CF_BUF_INIT;
    many_lines(&file, 0, 20000);
    struct cf_store *store = open_store(place);
    (void)add_text(store, new_conversation(store), 0, CF_ROLE_USER, "mine");
    cf_store_close(store);
    char *before = port_dump(place->path);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/lines.jsonl", place->folder);
    write_file(path, file.data, file.size);
    for (int round = 0; round < 4; round++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct cf_import_report report;
            struct cf_store *mine = NULL;
            const bool is_open = cf_store_open(&mine, place->path, NULL, NULL) == CF_OK;
            _exit(is_open && cf_import_file(&report, mine, path, NULL, NULL) == CF_OK ? 0 : 1);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = (30 + 60 * round) * 1000000L}, NULL);
        (void)kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        store = open_store(place);
        assert_int_equal(n_listed(store), 1);
        recover_all(store);
        assert_sound(store);
        cf_store_close(store);
        port_assert_holds(place->path, before);
    }
    cf_buf_release(&file);
    free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chatgpt__branches__come_along),
        TEST(openai__lines__come_once),
        TEST(sharegpt__spellings__are_known),
        TEST(formats__that_can_be_read__come_back),
        TEST(foreign__one_that_makes_no_sense__is_left_out),
        TEST(harmful__files__fail_with_a_place_and_leave_nothing),
        TEST(harmful__fault_at_the_end__undoes_everything),
        TEST(harmful__deep_and_large__are_bounded),
        TEST(mutants__thousand__leave_all_or_nothing),
        cmocka_unit_test(corpus__replayed__keeps_every_rule),
        TEST(import__under_way__is_not_seen),
        TEST(import__leaves_room_for_others),
        TEST(import__killed__is_undone_when_next_opened),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
