/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long list, long conversations, searches and scrolling take where ten years of conversations
 * are stored.
 *
 *   bench_store make FILE [CONVERSATIONS MESSAGES]
 *       makes a database, of 100,000 conversations and 2,000,000 messages unless told otherwise, in
 *       English and Chinese.  One conversation has a hundredth of the messages (20,000), its
 *       replies with recipes; every tenth reply has an alternative.
 *   bench_store measure FILE
 *       prints a line a measurement, in milliseconds, and the peak memory.  Everything goes through
 *       the chat, as a face does it, without a model.  A second run has the file in the cache.
 *   bench_store start FILE PROGRAM
 *       prints how long PROGRAM takes until its screen is drawn, and until it shows the
 *       conversation that was on last.
 */
#include "base.h"

#include <inttypes.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"
#include "chat.h"
#include "clock.h"
#include "mem.h"
#include "recipe.h"
#include "store.h"
#include "store_words.h"
#include "text.h"

enum { CONVERSATIONS = 100000, MESSAGES = 2000000, N_ROOTS = 24000, N_HAN = 3000 };

#define DAY_MS INT64_C(86400000)

CF_NORETURN static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, why);
    exit(1);
}

/* ---- Texts ---- */

static const char *const common[] = {
    "the",  "of",   "and",   "to",    "a",    "in",   "that",  "it",    "is",     "was",
    "for",  "on",   "with",  "as",    "you",  "this", "have",  "not",   "are",    "but",
    "from", "what", "which", "there", "when", "tea",  "rain",  "model", "memory", "river",
    "time", "year", "house", "water", "word", "open", "write", "story", "number", "question"};
/* Words of two characters that people look for. */
static const char *const han_words[] = {"天气", "你好", "中国", "喝茶", "下雨", "模型",
                                        "学习", "今天", "明天", "世界", "问题", "朋友"};

/* Places in a list of which the k-th is taken with a weight of 1 / k (Zipf). */
struct zipf {
    double *sums;
    size_t n;
};

static struct zipf zipf_new(size_t n)
{
    struct zipf zipf = {.sums = cf_calloc(n, sizeof(double)), .n = n};
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += 1.0 / (double)(i + 1);
        zipf.sums[i] = sum;
    }
    return zipf;
}

static size_t zipf_draw(const struct zipf *zipf, struct test_random *random)
{
    double u = (double)(test_random_next(random) >> 11) * 0x1p-53 * zipf->sums[zipf->n - 1];
    size_t low = 0;
    size_t high = zipf->n - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zipf->sums[middle] < u) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct writer {
    struct test_random random;
    struct zipf words, han;
};

/* The K-th word of a language that has as many as wanted. */
static void add_word(struct cf_buf *text, size_t k)
{
    static const char *const syllables[] = {"ba", "ce", "di",  "fo",  "gu",  "ha",  "ke",  "li",
                                            "mo", "nu", "pa",  "re",  "si",  "to",  "vu",  "wa",
                                            "xe", "zi", "sho", "tra", "ple", "ing", "ous", "ent"};
    if (k < CF_ARRAY_SIZE(common)) {
        cf_buf_add_str(text, common[k]);
        return;
    }
    for (; k > 0; k /= CF_ARRAY_SIZE(syllables)) {
        cf_buf_add_str(text, syllables[k % CF_ARRAY_SIZE(syllables)]);
    }
}

static void add_english(struct writer *writer, struct cf_buf *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cf_buf_add_str(text, i > 0 ? " " : "");
        add_word(text, zipf_draw(&writer->words, &writer->random));
    }
    cf_buf_add_str(text, ".");
}

static void add_chinese(struct writer *writer, struct cf_buf *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (test_random_below(&writer->random, 6) == 0) {
            cf_buf_add_str(text,
                           han_words[test_random_below(&writer->random, CF_ARRAY_SIZE(han_words))]);
            continue;
        }
        char bytes[4];
        size_t size =
            cf_text_encode(bytes, 0x4E00 + (uint32_t)zipf_draw(&writer->han, &writer->random));
        cf_buf_add(text, bytes, size);
    }
    cf_buf_add_str(text, "。");
}

static void add_text(struct writer *writer, struct cf_buf *text, bool is_chinese, bool is_reply)
{
    size_t n = 4 + test_random_below(&writer->random, is_reply ? 50 : 16);
    if (is_chinese) {
        add_chinese(writer, text, n);
    } else {
        add_english(writer, text, n);
    }
}

/* ---- Making a database ---- */

struct maker {
    sqlite3 *db;
    sqlite3_stmt *conversation, *leaf, *message, *words, *search, *recipe;
    struct writer writer;
    struct cf_buf text, folded, blob;
    int64_t now_ms, id, n_left;
};

static void run(struct maker *maker, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(maker->db, sql, NULL, NULL, &why) != SQLITE_OK) {
        die(sql, why);
    }
}

static sqlite3_stmt *prepare(struct maker *maker, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(maker->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        die(sql, sqlite3_errmsg(maker->db));
    }
    return stmt;
}

static void step(struct maker *maker, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        die("inserting", sqlite3_errmsg(maker->db));
    }
    sqlite3_reset(stmt);
}

static void bind_uuid(sqlite3_stmt *stmt, int index, int kind, int64_t n)
{
    char uuid[CF_UUID_SIZE];
    (void)snprintf(uuid, sizeof uuid, "0190%04x-0000-7000-8000-%012" PRIx64,
                   (unsigned)kind & 0xFFFFU, (uint64_t)n & UINT64_C(0xFFFFFFFFFFFF));
    sqlite3_bind_text(stmt, index, uuid, -1, SQLITE_TRANSIENT);
}

/* What stands in the long conversation's replies: a recipe of 60 tokens. */
static void make_recipe(struct maker *maker)
{
    struct cf_recipe recipe;
    const struct cf_recipe_head head = {.instruction_set = "avx2", .n_ctx = 1024};
    const struct cf_recipe_job job = {.max_tokens = 256, .seed = 5, .n_prompt = 500};
    const struct cf_sampling sampling = CF_SAMPLING_INIT;
    cf_recipe_init(&recipe, &head);
    cf_recipe_add_job(&recipe, &job);
    cf_recipe_add_knobs(&recipe, 0, &sampling);
    for (int32_t i = 0; i < 60; i++) {
        const struct cf_recipe_token token = {
            .id = i * 17, .rank = i % 7, .p_raw = 0.25F, .p = 0.5F, .origin = CF_TOKEN_DRAWN};
        cf_recipe_add_token(&recipe, &token);
    }
    cf_recipe_encode(&recipe, &maker->blob);
    cf_recipe_release(&recipe);
}

static int64_t make_message(struct maker *maker, int64_t conversation, int64_t parent,
                            bool is_reply, bool is_chinese, int64_t at_ms, bool has_recipe)
{
    int64_t id = ++maker->id;
    maker->n_left--;
    cf_buf_clear(&maker->text);
    cf_buf_clear(&maker->folded);
    add_text(&maker->writer, &maker->text, is_chinese, is_reply);
    cf_words_add(&maker->folded, maker->text.data, maker->text.size);
    sqlite3_stmt *stmt = maker->message;
    sqlite3_bind_int64(stmt, 1, id);
    bind_uuid(stmt, 2, 2, id);
    sqlite3_bind_int64(stmt, 3, conversation);
    if (parent != 0) {
        sqlite3_bind_int64(stmt, 4, parent);
    } else {
        sqlite3_bind_null(stmt, 4);
    }
    sqlite3_bind_text(stmt, 5, is_reply ? "assistant" : "user", -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 6, at_ms);
    sqlite3_bind_int(stmt, 7, is_reply ? 60 : 0);
    if (is_reply) {
        sqlite3_bind_text(stmt, 8, "gpt2 124M q8_0", -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(stmt, 8);
    }
    sqlite3_bind_text(stmt, 9, maker->text.data, (int)maker->text.size, SQLITE_STATIC);
    step(maker, stmt);
    sqlite3_bind_int64(maker->words, 1, id);
    sqlite3_bind_text(maker->words, 2, maker->folded.data, (int)maker->folded.size, SQLITE_STATIC);
    step(maker, maker->words);
    sqlite3_bind_int64(maker->search, 1, id);
    sqlite3_bind_text(maker->search, 2, maker->folded.data, (int)maker->folded.size, SQLITE_STATIC);
    step(maker, maker->search);
    if (has_recipe) {
        sqlite3_bind_int64(maker->recipe, 1, id);
        sqlite3_bind_blob(maker->recipe, 2, maker->blob.data, (int)maker->blob.size, SQLITE_STATIC);
        step(maker, maker->recipe);
    }
    return id;
}

static void make_conversation(struct maker *maker, int64_t id, int64_t n, int64_t n_all)
{
    bool is_chinese = test_random_below(&maker->writer.random, 10) < 4;
    bool is_long = id == n_all / 2;
    /* Over ten years, the newest last. */
    int64_t at_ms = maker->now_ms - (n_all - id) * (3650 * DAY_MS / n_all);
    struct cf_buf title = CF_BUF_INIT;
    add_text(&maker->writer, &title, is_chinese, false);
    sqlite3_stmt *stmt = maker->conversation;
    sqlite3_bind_int64(stmt, 1, id);
    bind_uuid(stmt, 2, 1, id);
    sqlite3_bind_int64(stmt, 3, at_ms);
    sqlite3_bind_int(stmt, 4, id % 20000 == 7);
    sqlite3_bind_int(stmt, 5, id % 50 == 3);
    sqlite3_bind_text(stmt, 6, title.data, (int)title.size, SQLITE_STATIC);
    step(maker, stmt);
    cf_buf_release(&title);
    int64_t leaf = 0;
    for (int64_t i = 0; i < n; i++) {
        bool is_reply = i % 2 == 1;
        int64_t parent = leaf;
        leaf = make_message(maker, id, parent, is_reply, is_chinese, at_ms + i * 1000,
                            is_long && is_reply);
        if (is_reply && i % 20 == 9 && i + 1 < n) {
            leaf =
                make_message(maker, id, parent, true, is_chinese, at_ms + i * 1000 + 500, is_long);
            i++;
        }
    }
    sqlite3_bind_int64(maker->leaf, 1, leaf);
    sqlite3_bind_int64(maker->leaf, 2, id);
    step(maker, maker->leaf);
}

static void begin_making(struct maker *maker, const char *path)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    if (access(path, F_OK) == 0) {
        die(path, "exists already");
    }
    if (cf_store_open(&store, path, NULL, &err) != CF_OK) {
        die(path, err.text);
    }
    cf_store_close(store);
    if (sqlite3_open(path, &maker->db) != SQLITE_OK) {
        die(path, sqlite3_errmsg(maker->db));
    }
    run(maker, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;"
               "PRAGMA foreign_keys = OFF; BEGIN");
    maker->conversation = prepare(
        maker, "INSERT INTO conversation (id, uuid, created, updated, pinned, archived, title,"
               " model) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, 'gpt2 124M q8_0')");
    maker->leaf = prepare(maker, "UPDATE conversation SET active_leaf = ?1 WHERE id = ?2");
    maker->message = prepare(
        maker, "INSERT INTO message (id, uuid, conversation, parent, role, state, reason, created,"
               " updated, n_tokens, n_prompt, first_us, total_us, model, text) VALUES (?1, ?2, ?3,"
               " ?4, ?5, 'complete', 'stop', ?6, ?6, ?7, 500, 90000, 900000, ?8, ?9)");
    maker->words = prepare(maker, "INSERT INTO words (message, words) VALUES (?1, ?2)");
    maker->search = prepare(maker, "INSERT INTO search (rowid, words) VALUES (?1, ?2)");
    maker->recipe = prepare(maker, "INSERT INTO recipe (message, body) VALUES (?1, ?2)");
    maker->writer =
        (struct writer){.random = {11}, .words = zipf_new(N_ROOTS), .han = zipf_new(N_HAN)};
    maker->text = maker->folded = maker->blob = CF_BUF_INIT;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    maker->now_ms = (int64_t)now.tv_sec * 1000;
    make_recipe(maker);
}

static void make(const char *path, int64_t n_conversations, int64_t n_messages)
{
    struct maker maker = {.n_left = n_messages};
    double begin = cf_clock_s();
    begin_making(&maker, path);
    int64_t n_long = n_messages / 100;
    for (int64_t id = 1; id <= n_conversations; id++) {
        int64_t n_after = n_conversations - id + 1;
        int64_t n_others = maker.n_left - (id <= n_conversations / 2 ? n_long : 0);
        int64_t n = id == n_conversations / 2 ? n_long : n_others / n_after;
        make_conversation(&maker, id, n, n_conversations);
        if (id % 10000 == 0) {
            (void)fprintf(stderr, "%" PRId64 " conversations, %.0f s\n", id, cf_clock_s() - begin);
        }
    }
    run(&maker, "COMMIT");
    sqlite3_stmt *all[] = {maker.conversation, maker.leaf,   maker.message,
                           maker.words,        maker.search, maker.recipe};
    for (size_t i = 0; i < CF_ARRAY_SIZE(all); i++) {
        sqlite3_finalize(all[i]);
    }
    run(&maker, "PRAGMA journal_mode = WAL");
    sqlite3_close(maker.db);
    free(maker.writer.words.sums);
    free(maker.writer.han.sums);
    cf_buf_release(&maker.text);
    cf_buf_release(&maker.folded);
    cf_buf_release(&maker.blob);
}

/* ---- Measuring ---- */

static double cpu_ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* What the front's thread computed in the longest call of cf_chat_pump. */
static double longest_pump;

/* Pumps until one of WANTED has changed; how many ms that took. */
static double wait_for(struct cf_chat *chat, unsigned wanted)
{
    double begin = cf_clock_s();
    for (;;) {
        double before = cpu_ms_of(CLOCK_THREAD_CPUTIME_ID);
        unsigned changes = cf_chat_pump(chat);
        double pump = cpu_ms_of(CLOCK_THREAD_CPUTIME_ID) - before;
        longest_pump = pump > longest_pump ? pump : longest_pump;
        if ((changes & wanted) != 0) {
            return (cf_clock_s() - begin) * 1000;
        }
        for (char *notice; (notice = cf_chat_notice_take(chat, NULL)) != NULL; free(notice)) {
            if (strstr(notice, "nonexistent") == NULL) {
                die("the chat says", notice);
            }
        }
        struct pollfd fd = {.fd = cf_chat_fd(chat), .events = POLLIN};
        (void)poll(&fd, 1, 1000);
        if (cf_clock_s() - begin > 60) {
            die("waiting", "no answer");
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* With what of it this process computed itself since the report before, where others take their
 * share of the machine. */
static void report(const char *what, double ms)
{
    static double before;
    double cpu = cpu_ms_of(CLOCK_PROCESS_CPUTIME_ID);
    printf("%-46s %8.1f ms%s  (%.1f ms computing)\n", what, ms, ms < 100 ? "" : "   too slow",
           cpu - before);
    (void)fflush(stdout);
    before = cpu_ms_of(CLOCK_PROCESS_CPUTIME_ID);
}

static const char *const queries[] = {
    /* common words */
    "the", "of", "tea", "rain", "model", "memory", "river", "time", "question", "number",
    /* rarer ones */
    "fobadi", "wakeli", "shotra", "plemoce", "ingnudi", "vusibagu", "zixexe", "entousba",
    "parecedi", "trahake",
    /* several, phrases, prefixes */
    "tea rain", "river memory time", "the model", "\"of the\"", "\"tea and\"", "\"the rain\"",
    "\"a house\"", "que*", "mem* riv*", "\"it is\" water",
    /* one Chinese character */
    "一", "丁", "七", "万", "上", "倀", "亮", "个", "佛", "不",
    /* two and more */
    "天气", "你好", "中国", "喝茶", "下雨", "模型 学习", "今天", "明天天气", "世界问题", "朋友"};

static void measure_searches(struct cf_chat *chat)
{
    double all[CF_ARRAY_SIZE(queries)];
    size_t n = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(queries); i++) {
        cf_chat_search(chat, queries[i], 50);
        all[i] = wait_for(chat, CF_CHANGE_FOUND);
        (void)cf_chat_found(chat, &n);
        printf("  search %-36s %8.1f ms  %zu\n", queries[i], all[i], n);
    }
    qsort(all, CF_ARRAY_SIZE(all), sizeof all[0], compare_doubles);
    report("search, median of 50", all[CF_ARRAY_SIZE(all) / 2]);
    printf("%-46s %8.1f ms\n", "search, slowest of 50", all[CF_ARRAY_SIZE(all) - 1]);
}

static const struct cf_chat_list_query all_open = {.shelf = CF_CHAT_SHELF_ACTIVE};

/* A page further at either end of the list, and what filtering takes. */
static void measure_list(struct cf_chat *chat)
{
    static const char *const filters[] = {"t", "te", "tea", "wakeli", "天", "天气", "nosuchword"};
    cf_chat_list_more(chat, 1);
    report("list: a page on from the top", wait_for(chat, CF_CHANGE_LIST));
    cf_chat_list_edge(chat, true);
    report("list: to its end", wait_for(chat, CF_CHANGE_LIST));
    cf_chat_list_more(chat, -1);
    report("list: a page back from the end", wait_for(chat, CF_CHANGE_LIST));
    double all[CF_ARRAY_SIZE(filters)];
    for (size_t i = 0; i < CF_ARRAY_SIZE(filters); i++) {
        const struct cf_chat_list_query query = {.match = filters[i]};
        cf_chat_list(chat, &query);
        all[i] = wait_for(chat, CF_CHANGE_LIST);
        printf("  filter %-36s %8.1f ms  %zu\n", filters[i], all[i], cf_chat_listing(chat)->n);
    }
    qsort(all, CF_ARRAY_SIZE(all), sizeof all[0], compare_doubles);
    report("list: filter, median of 7", all[CF_ARRAY_SIZE(all) / 2]);
}

static void measure(const char *path)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_settings settings;
    cf_settings_init(&settings);
    const struct cf_chat_params params = {.model_path = "/nonexistent",
                                          .db_path = path,
                                          .settings = &settings,
                                          .idles = true,
                                          .keeps_drafts = true};
    struct cf_chat *chat = NULL;
    double begin = cf_clock_s();
    if (cf_chat_new(&chat, &params, &err) != CF_OK) {
        die(path, err.text);
    }
    cf_chat_list(chat, &all_open);
    (void)wait_for(chat, CF_CHANGE_LIST);
    report("start: database opened, list", (cf_clock_s() - begin) * 1000);
    cf_chat_list(chat, &all_open);
    report("list", wait_for(chat, CF_CHANGE_LIST));
    measure_list(chat);
    cf_chat_open(chat, CF_CHAT_LAST);
    report("open the last conversation", wait_for(chat, CF_CHANGE_OPENED));
    cf_chat_open(chat, CONVERSATIONS / 2);
    report("open the conversation of 20,000 messages", wait_for(chat, CF_CHANGE_OPENED));
    size_t n_shown = cf_chat_n_turns(chat);
    double rest = n_shown < 1000 ? wait_for(chat, CF_CHANGE_TURNS) : 0;
    printf("  %zu turns at once; all %zu after %.1f ms more\n", n_shown, cf_chat_n_turns(chat),
           rest);
    measure_searches(chat);
    cf_chat_open_at(chat, CONVERSATIONS / 2, n_shown > 0 ? cf_chat_turn(chat, 0)->id : 0);
    report("go to the first of the 20,000 messages", wait_for(chat, CF_CHANGE_OPENED));
    cf_chat_free(chat);
    cf_settings_release(&settings);
    report("longest computing of the front at once", longest_pump);
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("%-46s %8.1f MB%s\n", "peak memory", (double)usage.ru_maxrss / 1024,
           usage.ru_maxrss < 100 * 1024 ? "" : "   too much");
}

/* ---- The program's start ---- */

/* How many ms PROGRAM takes until it has written the bytes WANTED; negative: it never does. */
static double time_program(const char *path, const char *program, const char *wanted)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int fd = -1;
    double begin = cf_clock_s();
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    if (pid == 0) {
        (void)setenv("TERM", "xterm-256color", 1);
        (void)execl(program, program, "--db", path, (char *)NULL);
        _exit(127);
    }
    struct cf_buf seen = CF_BUF_INIT;
    double ms = -1;
    while (ms < 0 && cf_clock_s() - begin < 30) {
        char bytes[4096];
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&poller, 1, 100) > 0 ? read(fd, bytes, sizeof bytes) : 0;
        if (got < 0) {
            break;
        }
        cf_buf_add(&seen, bytes, (size_t)got);
        if (seen.size > 0 && strstr(seen.data, wanted) != NULL) {
            ms = (cf_clock_s() - begin) * 1000;
        }
    }
    (void)kill(pid, SIGTERM);
    (void)close(fd);
    (void)waitpid(pid, NULL, 0);
    cf_buf_release(&seen);
    return ms;
}

/* The beginning of the title of the conversation that was on last. */
static char *last_title(const char *path)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_conversations list = {0};
    const struct cf_store_options options = {.is_read_only = true};
    const struct cf_list_query query = {.shelf = CF_SHELF_OPEN, .limit = 1};
    if (cf_store_open(&store, path, &options, &err) != CF_OK ||
        cf_store_list(&list, store, &query, &err) != CF_OK || list.n == 0) {
        die(path, err.text);
    }
    const char *title = list.items[0].title;
    char *beginning = cf_memdup_str(title, cf_text_fit(title, strlen(title), 10, NULL));
    cf_conversations_release(&list);
    cf_store_close(store);
    return beginning;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "make") == 0) {
        make(argv[2], argc > 3 ? atoll(argv[3]) : CONVERSATIONS,
             argc > 4 ? atoll(argv[4]) : MESSAGES);
    } else if (argc == 3 && strcmp(argv[1], "measure") == 0) {
        measure(argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "start") == 0) {
        report("start to first screen", time_program(argv[2], argv[3], "\342\200\272"));
        char *title = last_title(argv[2]);
        report("start to the last conversation", time_program(argv[2], argv[3], title));
        free(title);
    } else {
        die("usage", "make FILE | measure FILE | start FILE PROGRAM");
    }
    return 0;
}
