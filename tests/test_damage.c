/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases that cannot be used, or not wholly: one sentence, nothing lost, nothing overwritten,
 * and the reply is printed all the same. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "random.h"

enum { PAGE_SIZE = 4096, NOBODY = 65534 };

static int set_up(void **state)
{
    (void)state;
    program_begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)chmod(program_path("shelf"), 0700);
    program_end();
    return 0;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A database with a conversation or two, in one file. */
static void make_database(const char *path, int n)
{
    struct program_result result;
    for (int i = 0; i < n; i++) {
        PROGRAM(&result, 0, NULL, "-d", path, "ask", "-n", "20", "Hello, what is new?");
        program_release(&result);
    }
    run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* Every command on a database that cannot be used. */
static void assert_refused(const char *path, const char *part)
{
    static const char *const commands[][5] = {
        {"list"},
        {"show", "last"},
        {"search", "hello"},
        {"rename", "1", "x"},
        {"check"},
        {"ask", "-c", "last", "-n2", "Hi."},
    };
    size_t size = 0;
    struct stat status;
    bool is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    char *before = is_file ? program_read_file(path, &size) : NULL;
    struct program_result result;
    for (size_t i = 0; i < CF_ARRAY_SIZE(commands); i++) {
        const char *args[8] = {"-d", path};
        memcpy(args + 2, commands[i], sizeof commands[i]);
        program_run(&result, args, NULL, 0);
        program_assert_failed(&result, 1, part);
        assert_non_null(strstr(result.err.data, path));
        program_release(&result);
    }
    /* A new conversation can be held, but not kept. */
    PROGRAM(&result, 1, NULL, "-d", path, "ask", "-n", "2", "-t", "0", "Hi.");
    program_assert_failed(&result, 1, "what is said now is not saved");
    assert_true(result.out.size > 1);
    program_release(&result);
    if (is_file) {
        size_t size_after = 0;
        char *after = program_read_file(path, &size_after);
        assert_int_equal(size, size_after);
        assert_memory_equal(before, after, size);
        free(after);
        free(before);
    }
}

static void database__that_is_none__is_refused_untouched(void **state)
{
    (void)state;
    const char *text = program_path("diary.txt");
    static const char diary[] = "Dear diary, today it rained again, and I had tea.\n";
    program_write_file(text, diary, sizeof diary - 1);
    assert_refused(text, "not a database");

    const char *foreign = program_path("other.db");
    run_sql(foreign, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    assert_refused(foreign, "a database of another program");

    const char *folder = program_path("folder");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_refused(folder, "is a folder");

    const char *fifo = program_path("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, "is no file that could be a database");

    assert_refused("/dev/null", "is no file that could be a database");
}

static void database__newer__is_refused_untouched(void **state)
{
    (void)state;
    const char *path = program_path("newer.db");
    make_database(path, 1);
    run_sql(path, "PRAGMA user_version = 99; PRAGMA journal_mode = DELETE");
    assert_refused(path, "made by a newer confab");
}

static void database__cut_short__is_refused_untouched(void **state)
{
    (void)state;
    const char *path = program_path("good.db");
    const char *cut = program_path("cut.db");
    make_database(path, 1);
    run_sql(path, "PRAGMA journal_mode = DELETE");
    size_t size = 0;
    char *bytes = program_read_file(path, &size);
    static const size_t sizes[] = {50, 5000, 40000};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        assert_true(sizes[i] < size);
        program_write_file(cut, bytes, sizes[i]);
        /* A file of less than a header may be anything. */
        assert_refused(cut, sizes[i] < 100 ? "database" : "damaged");
    }
    /* check says what can be done. */
    struct program_result result;
    PROGRAM(&result, 1, NULL, "-d", cut, "check");
    assert_non_null(strstr(result.err.data, "a copy that confab backup made"));
    program_release(&result);
    free(bytes);
}

/* Each line of standard error is a sentence. */
static void assert_sentences(const struct program_result *result)
{
    const char *at = result->err.data;
    while (*at != '\0') {
        assert_int_equal(strncmp(at, "confab: ", 8), 0);
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
}

static void database__damaged_inside__serves_what_it_can(void **state)
{
    (void)state;
    const char *path = program_path("good.db");
    const char *copy = program_path("copy.db");
    int n_warned = 0;
    make_database(path, 4);
    run_sql(path, "PRAGMA journal_mode = DELETE");
    size_t size = 0;
    char *good = program_read_file(path, &size);
    struct test_random random = {.state = 11};
    for (size_t page = 2; page < size / PAGE_SIZE; page += 3) {
        char *bad = malloc(size);
        memcpy(bad, good, size);
        for (size_t i = 0; i < PAGE_SIZE; i++) {
            bad[page * PAGE_SIZE + i] = (char)test_random_next(&random);
        }
        program_write_file(path, bad, size);
        free(bad);
        struct program_result result;
        program_run(&result, (const char *const[]){"-d", path, "list", NULL}, NULL, 0);
        assert_true(result.status == 0 || result.status == 1);
        assert_sentences(&result);
        program_release(&result);
        /* A copy of damage is made, but not without a word. */
        program_run(&result, (const char *const[]){"-d", path, "--yes", "backup", copy, NULL}, NULL,
                    0);
        const bool is_copied = result.status == 0;
        const bool is_warned = strstr(result.err.data, "and so is the copy") != NULL;
        n_warned += is_warned;
        assert_sentences(&result);
        program_release(&result);
        program_run(&result, (const char *const[]){"-d", path, "check", NULL}, NULL, 0);
        assert_true(result.status == 0 || result.status == 1);
        assert_true(!is_copied || is_warned == (result.status == 1));
        assert_true(result.out.size > 0 ||
                    strstr(result.err.data, "too damaged to be opened") != NULL);
        assert_sentences(&result);
        program_release(&result);
        program_run(&result,
                    (const char *const[]){"-d", path, "ask", "-n", "2", "-t", "0", "Hi.", NULL},
                    NULL, 0);
        if (result.status > 1 || result.out.size < 2 ||
            (result.status == 1 && result.err.size == 0)) {
            fail_msg("page %zu: status %d, %s%s", page, result.status, result.out.data,
                     result.err.data);
        }
        assert_sentences(&result);
        program_release(&result);
    }
    assert_true(n_warned > 0);
    free(good);
}

static void database__with_garbage_for_a_log__keeps_what_it_has(void **state)
{
    (void)state;
    const char *path = program_path("good.db");
    const char *log = program_path("good.db-wal");
    make_database(path, 1);
    char garbage[3 * PAGE_SIZE];
    struct test_random random = {.state = 5};
    for (size_t i = 0; i < sizeof garbage; i++) {
        garbage[i] = (char)test_random_next(&random);
    }
    program_write_file(log, garbage, sizeof garbage);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "-d", path, "ask", "-c", "last", "-n", "2", "And?");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", path, "show", "last");
    assert_non_null(strstr(result.out.data, "Hello, what is new?"));
    assert_non_null(strstr(result.out.data, "And?"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", path, "check");
    program_release(&result);
}

static void database__locked_for_a_while__is_waited_for(void **state)
{
    (void)state;
    const char *path = program_path("good.db");
    make_database(path, 1);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        sqlite3 *db = NULL;
        const struct timespec pause = {.tv_nsec = 600 * 1000000L};
        bool is_held = sqlite3_open(path, &db) == SQLITE_OK &&
                       sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        (void)!write(ready[1], is_held ? "y" : "n", 1);
        nanosleep(&pause, NULL);
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        sqlite3_close(db);
        _exit(0);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    struct program_result result;
    /* Reading does not wait for writing. */
    PROGRAM(&result, 0, NULL, "-d", path, "list");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", path, "ask", "-n", "2", "Still there?");
    assert_int_equal(result.err.size, 0);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", path, "show", "last");
    assert_non_null(strstr(result.out.data, "Still there?"));
    program_release(&result);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    close(ready[0]);
    close(ready[1]);
}

static void limit_files(void *arg)
{
    struct rlimit limit = {.rlim_cur = *(rlim_t *)arg, .rlim_max = *(rlim_t *)arg};
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void disk__full__loses_nothing_stored(void **state)
{
    (void)state;
    const char *path = program_path("good.db");
    make_database(path, 1);
    /* Little of a new log fits, or nothing of it. */
    const rlim_t limits[] = {6 * PAGE_SIZE, 0};
    for (size_t i = 0; i < CF_ARRAY_SIZE(limits); i++) {
        rlim_t limit = limits[i];
        struct program program;
        program_start(
            &program,
            (const char *const[]){"-d", path, "ask", "-q", "-n", "40", "Is it full?", NULL},
            limit_files, &limit);
        program_wait(&program);
        program_assert_failed(&program.result, 1, path);
        assert_true(program.result.out.size > 1);
        program_release(&program.result);
        struct program_result result;
        PROGRAM(&result, 0, NULL, "-d", path, "check");
        program_release(&result);
        PROGRAM(&result, 0, NULL, "-d", path, "show", "1");
        assert_non_null(strstr(result.out.data, "Hello, what is new?"));
        program_release(&result);
    }
}

/* ---- Without permission ---- */

static void become_nobody(void *arg)
{
    (void)arg;
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
        _exit(127);
    }
}

static void run_as_nobody(struct program_result *result, const char *const *args)
{
    struct program program;
    program_start(&program, args, become_nobody, NULL);
    program_wait(&program);
    *result = program.result;
}

/* The home and what is in it belongs to nobody, who then may do what its modes say; root may do
 * everything. */
static void give_away(const char *path)
{
    if (geteuid() == 0) {
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    }
}

static void permission__missing__is_said(void **state)
{
    (void)state;
    struct program_result result;
    give_away(program_home());
    run_as_nobody(&result, (const char *const[]){"model", "info", NULL});
    bool can_run = result.status == 0;
    program_release(&result);
    if (!can_run) {
        print_message("# another user cannot reach the program\n");
        skip();
    }
    const char *shelf = program_path("shelf");
    const char *path = program_path("shelf/good.db");
    assert_int_equal(mkdir(shelf, 0700), 0);
    make_database(path, 1);
    run_sql(path, "PRAGMA journal_mode = DELETE");
    run_sql(path, "PRAGMA journal_mode = WAL");
    give_away(shelf);
    give_away(path);
    const struct {
        mode_t folder, file;
        int reads; /* the status of those that only read */
        const char *part;
    } cases[] = {
        {0500, 0600, 0, "cannot be written"},
        {0500, 0400, 0, "cannot be written"},
        {0700, 0000, 1, "Permission denied"},
        {0000, 0600, 1, "Permission denied"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        assert_int_equal(chmod(path, cases[i].file), 0);
        assert_int_equal(chmod(shelf, cases[i].folder), 0);
        static const char *const readers[][2] = {
            {"list"}, {"show", "1"}, {"search", "hello"}, {"check"}};
        for (size_t k = 0; k < CF_ARRAY_SIZE(readers); k++) {
            run_as_nobody(&result,
                          (const char *const[]){"-d", path, readers[k][0], readers[k][1], NULL});
            assert_int_equal(result.status, cases[i].reads);
            assert_true(cases[i].reads != 0 || result.out.size > 0);
            program_release(&result);
        }
        run_as_nobody(&result, (const char *const[]){"-d", path, "rename", "1", "x", NULL});
        program_assert_failed(&result, 1, cases[i].part);
        program_release(&result);
        run_as_nobody(&result, (const char *const[]){"-d", path, "ask", "-q", "-n2", "Hi.", NULL});
        program_assert_failed(&result, 1, cases[i].part);
        assert_true(result.out.size > 1);
        program_release(&result);
        assert_int_equal(chmod(shelf, 0700), 0);
    }
    /* A home that may not be written, and one that is not there. */
    assert_int_equal(chmod(program_home(), 0500), 0);
    run_as_nobody(&result, (const char *const[]){"ask", "-n2", "Hi.", NULL});
    program_assert_failed(&result, 1, "what is said now is not saved");
    assert_true(result.out.size > 1);
    program_release(&result);
    assert_int_equal(chmod(program_home(), 0700), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(database__that_is_none__is_refused_untouched),
        TEST(database__newer__is_refused_untouched),
        TEST(database__cut_short__is_refused_untouched),
        TEST(database__damaged_inside__serves_what_it_can),
        TEST(database__with_garbage_for_a_log__keeps_what_it_has),
        TEST(database__locked_for_a_while__is_waited_for),
        TEST(disk__full__loses_nothing_stored),
        TEST(permission__missing__is_said),
    };
    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
