/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest at its header: the vectors of FIPS 180-4, files, folders, the cache. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "digest_sha256.h"

static char dir[] = "/tmp/confab-digest-XXXXXX";
static char path[512];
static char cache[512];

static void assert_digest(const struct cf_digest *digest, const char *hex)
{
    char text[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(text, digest);
    assert_string_equal(text, hex);
}

static void write_file(const char *file, const char *text)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

/* Sets a file's time of writing; its ctime stays that of the call. */
static void set_mtime(const char *file, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
}

static void digest__of__gives_the_standard_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
         "klmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(vectors); i++) {
        struct cf_digest digest;
        cf_digest_of(&digest, vectors[i].text, strlen(vectors[i].text));
        assert_digest(&digest, vectors[i].hex);
    }
}

static void sha256__add__takes_pieces_of_any_size(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    struct cf_sha256 sum;
    struct cf_digest digest;
    memset(bytes, 'a', sizeof bytes);
    /* A million of "a", in pieces of 1, 2, 3... bytes. */
    cf_sha256_begin(&sum);
    size_t n_left = 1000000;
    for (size_t n = 1; n_left > 0; n = n % 200 + 1) {
        n = n < n_left ? n : n_left;
        cf_sha256_add(&sum, bytes, n);
        n_left -= n;
    }
    cf_sha256_end(&sum, &digest);
    assert_digest(&digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    /* Every length around the padding, against one sum of all of them made by hashlib. */
    struct cf_sha256 all;
    cf_sha256_begin(&all);
    for (size_t n = 0; n < 300; n++) {
        cf_digest_of(&digest, bytes, n);
        cf_sha256_add(&all, digest.bytes, sizeof digest.bytes);
    }
    cf_sha256_end(&all, &digest);
    assert_digest(&digest, "80e953e3b006c4bab43fd5d792f8bd29c122f6cf1497318365fe66bf2d61398d");
}

static void sha256__blocks__agree_however_they_are_done(void **state)
{
    (void)state;
    unsigned char data[64 * 5];
    uint32_t plain[8] = {1, 2, 3, 4, 5, 6, 7, 0xFFFFFFFF};
    uint32_t best[8];
    memcpy(best, plain, sizeof best);
    uint32_t random = 1;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof data; i++) {
            random = random * 1664525 + 1013904223;
            data[i] = (unsigned char)(random >> 24);
        }
        cf_sha256_blocks_plain(plain, data, 5);
        cf_sha256_blocks(best, data, 5);
        assert_memory_equal(plain, best, sizeof plain);
    }
}

static void digest__parse__takes_64_digits_only(void **state)
{
    (void)state;
    const char *hex = "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct cf_digest digest;
    struct cf_digest abc;
    cf_digest_of(&abc, "abc", 3);
    assert_true(cf_digest_parse(&digest, hex));
    assert_true(cf_digest_equal(&digest, &abc));
    char text[CF_DIGEST_TEXT_SIZE + 1];
    assert_false(cf_digest_parse(&digest, ""));
    (void)snprintf(text, sizeof text, "%.63s", hex);
    assert_false(cf_digest_parse(&digest, text));
    (void)snprintf(text, sizeof text, "%s0", hex);
    assert_false(cf_digest_parse(&digest, text));
    (void)snprintf(text, sizeof text, "%.63sg", hex);
    assert_false(cf_digest_parse(&digest, text));
    assert_true(cf_digest_equal(&digest, &abc));
}

static void digest__file__says_what_is_wrong(void **state)
{
    (void)state;
    struct cf_digest digest;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_digest_file(&digest, "/nonexistent/x", NULL, NULL, &err), CF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/x"));
    assert_int_equal(cf_digest_file(&digest, dir, NULL, NULL, &err), CF_ERR_IO);
    atomic_bool cancel = true;
    write_file(path, "abc");
    assert_int_equal(cf_digest_file(&digest, path, NULL, &cancel, &err), CF_ERR_CANCELLED);
    atomic_store(&cancel, false);
    assert_int_equal(cf_digest_file(&digest, path, NULL, &cancel, &err), CF_OK);
    assert_digest(&digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The cache holds what only its own lines say: one is planted for the file as it stands. */
static void plant(const char *hex)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    char text[512];
    (void)snprintf(text, sizeof text, "confab digests 1\n%s %ju %ju %jd %jd%09ld %jd%09ld\n", hex,
                   (uintmax_t)status.st_dev, (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                   (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                   (intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    write_file(cache, text);
}

static const char abc_hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char other_hex[] = "1111111111111111111111111111111111111111111111111111111111111111";

static void cache__find__believes_a_file_that_stands(void **state)
{
    (void)state;
    struct cf_digest digest;
    write_file(path, "abc");
    plant(other_hex);
    assert_int_equal(cf_digest_file(&digest, path, cache, NULL, NULL), CF_OK);
    assert_digest(&digest, other_hex);
    set_mtime(path, 1000); /* the same size, another time */
    assert_int_equal(cf_digest_file(&digest, path, cache, NULL, NULL), CF_OK);
    assert_digest(&digest, abc_hex);
}

static void cache__find__survives_damage(void **state)
{
    (void)state;
    static const char *const damaged[] = {"",
                                          "\n",
                                          "confab digests 2\nx\n",
                                          "confab digests 1\n",
                                          "confab digests 1\nhalf a line",
                                          "confab digests 1\n\n\n1 2 3 4 5 6\n"};
    struct cf_digest digest;
    write_file(path, "abc");
    for (size_t i = 0; i < CF_ARRAY_SIZE(damaged); i++) {
        write_file(cache, damaged[i]);
        assert_int_equal(cf_digest_file(&digest, path, cache, NULL, NULL), CF_OK);
        assert_digest(&digest, abc_hex);
    }
    assert_int_equal(cf_digest_file(&digest, path, "/nonexistent/cache", NULL, NULL), CF_OK);
    assert_digest(&digest, abc_hex);
}

static void cache__add__leaves_fresh_files_out(void **state)
{
    (void)state;
    struct cf_digest digest;
    struct stat status;
    write_file(path, "abc");
    (void)unlink(cache);
    assert_int_equal(cf_digest_file(&digest, path, cache, NULL, NULL), CF_OK);
    assert_int_not_equal(stat(cache, &status), 0);
}

static void cache__add__remembers_the_newest(void **state)
{
    (void)state;
    /* A file that nobody has touched for a while. */
    const char *old = "/etc/passwd";
    struct stat status;
    if (stat(old, &status) != 0 || time(NULL) - status.st_ctim.tv_sec < 60) {
        skip();
    }
    char *text = malloc(300 * 100);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "confab digests 1\n");
    for (int i = 0; i < 300; i++) {
        n += (size_t)sprintf(text + n, "%s 1 %d 1 1 1\n", other_hex, i);
    }
    write_file(cache, text);
    free(text);
    struct cf_digest first;
    struct cf_digest second;
    assert_int_equal(cf_digest_file(&first, old, cache, NULL, NULL), CF_OK);
    assert_int_equal(cf_digest_file(&second, old, cache, NULL, NULL), CF_OK);
    assert_true(cf_digest_equal(&first, &second));
    FILE *in = fopen(cache, "r");
    assert_non_null(in);
    char line[256];
    char last[256] = "";
    int n_lines = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        n_lines++;
        memcpy(last, line, sizeof last);
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(n_lines, 257);
    char hex[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(hex, &first);
    assert_memory_equal(last, hex, 64);
}

/* A model folder of files that hold their own names. */
static void make_folder(char folder[512], const char *const *files)
{
    (void)snprintf(folder, 512, "%s/model", dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (; *files != NULL; files++) {
        char name[600];
        (void)snprintf(name, sizeof name, "%s/%s", folder, *files);
        write_file(name, *files);
    }
}

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(unlinkat(dirfd(entries), entry->d_name, 0), 0);
        }
    }
    assert_int_equal(closedir(entries), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void add_file(const char *folder, const char *file, const char *text)
{
    char name[600];
    (void)snprintf(name, sizeof name, "%s/%s", folder, file);
    write_file(name, text);
}

static void digest__model__sums_a_folder_as_sha256sum_does(void **state)
{
    (void)state;
    struct cf_digest digest;
    struct cf_digest again;
    struct cf_err err = CF_ERR_INIT;
    char folder[512];
    make_folder(folder, (const char *const[]){"config.json", "vocab.json", "README.md", NULL});
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_ERR_NOT_FOUND);
    add_file(folder, "model.safetensors", "model.safetensors");
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_OK);
    assert_digest(&digest, "a4144364c8ec9dd044a65a6f382abfaab6ca7c20876a4cf110f664761dc16481");
    char name[600];
    (void)snprintf(name, sizeof name, "%s/model.safetensors", folder);
    assert_int_equal(cf_digest_model(&again, name, NULL, NULL, &err), CF_OK);
    assert_true(cf_digest_equal(&digest, &again));
    remove_folder(folder);
    write_file(path, "abc");
    assert_int_equal(cf_digest_model(&digest, path, NULL, NULL, &err), CF_OK);
    assert_digest(&digest, abc_hex);
}

static void digest__model__takes_the_weights_that_are_loaded(void **state)
{
    (void)state;
    struct cf_digest digest;
    struct cf_digest again;
    struct cf_err err = CF_ERR_INIT;
    char folder[512];
    make_folder(folder,
                (const char *const[]){"config.json", "a.safetensors", "b.safetensors", NULL});
    add_file(folder, "model.safetensors.index.json",
             "{\"weight_map\": {\"x\": \"b.safetensors\", \"y\": \"a.safetensors\","
             " \"z\": \"a.safetensors\"}}");
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_OK);
    /* What nobody loads. */
    add_file(folder, "other.safetensors", "other");
    add_file(folder, "other.safetensors.index.json", "{}");
    assert_int_equal(cf_digest_model(&again, folder, NULL, NULL, &err), CF_OK);
    assert_true(cf_digest_equal(&digest, &again));
    /* What is. */
    add_file(folder, "a.safetensors", "another");
    assert_int_equal(cf_digest_model(&again, folder, NULL, NULL, &err), CF_OK);
    assert_false(cf_digest_equal(&digest, &again));
    /* One file in its place, then the shards don't count. */
    add_file(folder, "model.safetensors", "model.safetensors");
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_OK);
    assert_false(cf_digest_equal(&digest, &again));
    add_file(folder, "a.safetensors", "a.safetensors");
    assert_int_equal(cf_digest_model(&again, folder, NULL, NULL, &err), CF_OK);
    assert_true(cf_digest_equal(&digest, &again));
    /* One file by its name. */
    char name[600];
    (void)snprintf(name, sizeof name, "%s/a.safetensors", folder);
    assert_int_equal(cf_digest_model(&digest, name, NULL, NULL, &err), CF_OK);
    add_file(folder, "model.safetensors", "changed");
    assert_int_equal(cf_digest_model(&again, name, NULL, NULL, &err), CF_OK);
    assert_true(cf_digest_equal(&digest, &again));
    remove_folder(folder);
    make_folder(folder, (const char *const[]){"config.json", NULL});
    add_file(folder, "model.safetensors.index.json", "{\"weight_map\": {\"x\": \"gone\"}}");
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_ERR_NOT_FOUND);
    add_file(folder, "model.safetensors.index.json", "{");
    assert_int_equal(cf_digest_model(&digest, folder, NULL, NULL, &err), CF_ERR_FORMAT);
    remove_folder(folder);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/file", dir);
    (void)snprintf(cache, sizeof cache, "%s/cache", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(cache);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest__of__gives_the_standard_vectors),
        cmocka_unit_test(sha256__add__takes_pieces_of_any_size),
        cmocka_unit_test(sha256__blocks__agree_however_they_are_done),
        cmocka_unit_test(digest__parse__takes_64_digits_only),
        cmocka_unit_test(digest__file__says_what_is_wrong),
        cmocka_unit_test(cache__find__believes_a_file_that_stands),
        cmocka_unit_test(cache__find__survives_damage),
        cmocka_unit_test(cache__add__leaves_fresh_files_out),
        cmocka_unit_test(cache__add__remembers_the_newest),
        cmocka_unit_test(digest__model__sums_a_folder_as_sha256sum_does),
        cmocka_unit_test(digest__model__takes_the_weights_that_are_loaded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
