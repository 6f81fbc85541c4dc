/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model pull against a hub of our own on this machine: what is fetched, what is gone on with, and
 * what is refused. */
#include "test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "digest.h"
#include "path.h"
#include "program.h"
#include "shared.h"

/* ---- The hub ---- */

enum { FILES_MAX = 8 };

struct file {
    const char *name; /* in the repository */
    struct cf_buf bytes;
    bool is_large; /* its SHA-256 is told */
};

/* How it behaves; all zero is well. */
struct manners {
    size_t cut_at;        /* the connection breaks after so many bytes of a large file */
    bool knows_no_ranges; /* always sends all */
    bool is_other;        /* the last byte is not the one that was promised */
    int size_error;       /* the size that is told is off by this */
    bool redirects;       /* to another place */
};

static struct file files[FILES_MAX];
static size_t n_files;
static pid_t hub = -1;
static char endpoint[64];

static void log_path(char path[512])
{
    (void)snprintf(path, 512, "%s/requests", program_home());
}

static void send_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        done += (size_t)n;
    }
}

static void answer(int fd, const char *status, const char *fields, const void *bytes, size_t size,
                   size_t size_told)
{
    struct cf_buf head = CF_BUF_INIT;
    cf_buf_addf(&head, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status,
                size_told, fields);
    send_all(fd, head.data, head.size);
    send_all(fd, bytes, size);
    cf_buf_release(&head);
}

static void answer_api(int fd, const struct manners *manners)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "{\"sha\": \"0123abcd\", \"siblings\": [{\"rfilename\": \"../evil\"}");
    for (size_t i = 0; i < n_files; i++) {
        struct cf_digest digest;
        char hex[CF_DIGEST_TEXT_SIZE];
        cf_digest_of(&digest, files[i].bytes.data, files[i].bytes.size);
        cf_digest_format(hex, &digest);
        long long size = (long long)files[i].bytes.size + manners->size_error;
        cf_buf_addf(&text, ", {\"rfilename\": \"%s\", \"size\": %lld", files[i].name, size);
        if (files[i].is_large) {
            cf_buf_addf(&text, ", \"lfs\": {\"sha256\": \"%s\", \"size\": %lld}", hex, size);
        }
        cf_buf_add_str(&text, "}");
    }
    cf_buf_add_str(&text, "]}");
    answer(fd, "200 OK", "", text.data, text.size, text.size);
    cf_buf_release(&text);
}

static void answer_file(int fd, const struct file *file, const char *request,
                        const struct manners *manners)
{
    const char *range = strstr(request, "\r\nRange: bytes=");
    struct cf_buf bytes = CF_BUF_INIT;
    size_t begin = 0;
    cf_buf_add(&bytes, file->bytes.data, file->bytes.size);
    if (manners->is_other && file->is_large) {
        bytes.data[bytes.size - 1] ^= 1;
    }
    if (range != NULL && !manners->knows_no_ranges) {
        begin = (size_t)strtoul(range + strlen("\r\nRange: bytes="), NULL, 10);
    }
    size_t left = bytes.size - (begin < bytes.size ? begin : bytes.size);
    size_t size =
        manners->cut_at > 0 && file->is_large && left > manners->cut_at ? manners->cut_at : left;
    if (range != NULL && left == 0) {
        answer(fd, "416 Range Not Satisfiable", "", "", 0, 0);
    } else {
        answer(fd, begin > 0 ? "206 Partial Content" : "200 OK", "", bytes.data + begin, size,
               left);
    }
    cf_buf_release(&bytes);
}

static void answer_request(int fd, const struct manners *manners)
{
    struct cf_buf request = CF_BUF_INIT;
    char bytes[4096];
    while (strstr(request.data, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0) {
            cf_buf_release(&request);
            return;
        }
        cf_buf_add(&request, bytes, (size_t)n);
    }
    char path[512];
    log_path(path);
    FILE *log = fopen(path, "a");
    if (log != NULL) {
        (void)fputs(request.data, log);
        (void)fclose(log);
    }
    char target[512] = "";
    (void)sscanf(request.data, "GET %511s", target);
    const char *file_path = strstr(target, "/resolve/0123abcd/");
    bool is_elsewhere = strncmp(target, "/elsewhere", 10) == 0;
    if (strcmp(target, "/api/models/owner/tiny/revision/main?blobs=true") == 0) {
        answer_api(fd, manners);
    } else if (file_path != NULL && manners->redirects && !is_elsewhere) {
        struct cf_buf field = CF_BUF_INIT;
        cf_buf_addf(&field, "Location: /elsewhere%s\r\n", target);
        answer(fd, "302 Found", field.data, "", 0, 0);
        cf_buf_release(&field);
    } else {
        size_t i = 0;
        while (i < n_files && (file_path == NULL || strcmp(file_path + 18, files[i].name) != 0)) {
            i++;
        }
        if (i < n_files) {
            answer_file(fd, &files[i], request.data, manners);
        } else {
            answer(fd, "404 Not Found", "", "", 0, 0);
        }
    }
    cf_buf_release(&request);
}

static void hub_end(void)
{
    if (hub > 0) {
        kill(hub, SIGKILL);
        (void)waitpid(hub, NULL, 0);
    }
    hub = -1;
}

static void hub_begin(const struct manners *manners)
{
    hub_end();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server >= 0);
    assert_int_equal(bind(server, (struct sockaddr *)(void *)&address, size), 0);
    assert_int_equal(listen(server, 8), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)(void *)&address, &size), 0);
    (void)snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    hub = fork();
    assert_true(hub >= 0);
    if (hub == 0) {
        for (;;) {
            int fd = accept(server, NULL, NULL);
            if (fd >= 0) {
                answer_request(fd, manners);
                close(fd);
            }
        }
    }
    close(server);
}

/* ---- Repositories ---- */

static void add_bytes(const char *name, const void *bytes, size_t size, bool is_large)
{
    assert_true(n_files < FILES_MAX);
    files[n_files] = (struct file){.name = name, .bytes = CF_BUF_INIT, .is_large = is_large};
    cf_buf_add(&files[n_files++].bytes, bytes, size);
}

static void add_fixture(const char *name, const char *fixture, bool is_large)
{
    char path[1024];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/model/%s", TEST_SRCDIR, fixture);
    char *bytes = test_read_file(path, &size);
    add_bytes(name, bytes, size, is_large);
    free(bytes);
}

static void add_folder(void)
{
    add_fixture("config.json", "tied-f32/config.json", false);
    add_fixture("model.safetensors", "tied-f32/model.safetensors", true);
    add_bytes("vocab.json", "{}", 2, false);
    add_bytes("pytorch_model.bin", "not wanted", 10, true);
}

static int set_up(void **state)
{
    (void)state;
    program_begin();
    static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(proxies); i++) {
        unsetenv(proxies[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hub_end();
    for (size_t i = 0; i < n_files; i++) {
        cf_buf_release(&files[i].bytes);
    }
    n_files = 0;
    program_end();
    return 0;
}

static void models_path(char path[512], const char *name)
{
    (void)snprintf(path, 512, "%s/.local/share/confab/models/%s", program_home(), name);
}

static void pull(int status, const char *reference, const char *said)
{
    struct program_result result;
    PROGRAM(&result, status, NULL, "model", "pull", reference, "--endpoint", endpoint);
    if (strstr(status == 0 ? result.out.data : result.err.data, said) == NULL) {
        fail_msg("said: %s%s", result.out.data, result.err.data);
    }
    program_release(&result);
}

static void assert_same(const struct file *file, const char *path)
{
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_int_equal(size, file->bytes.size);
    assert_memory_equal(bytes, file->bytes.data, size);
    free(bytes);
}

/* What lies in the folder of models, hidden things too. */
static int n_entries(void)
{
    char path[512];
    int n = 0;
    models_path(path, "");
    DIR *dir = opendir(path);
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static void assert_installed(void)
{
    char path[512];
    models_path(path, "tiny/config.json");
    assert_same(&files[0], path);
    models_path(path, "tiny/model.safetensors");
    assert_same(&files[1], path);
    assert_int_equal(n_entries(), 1);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "logits", "-m", "tiny", "--ids", "1,2");
    program_release(&result);
}

static bool was_asked(const char *words)
{
    char path[512];
    size_t size;
    log_path(path);
    char *text = test_read_file(path, &size);
    bool is_found = strstr(text, words) != NULL;
    free(text);
    return is_found;
}

static void pull__folder__brings_what_the_model_needs(void **state)
{
    (void)state;
    add_folder();
    hub_begin(&(struct manners){0});
    pull(0, "owner/tiny", "/models/tiny\n");
    assert_installed();
    char path[512];
    models_path(path, "tiny/vocab.json");
    assert_same(&files[2], path);
    assert_false(was_asked("pytorch_model"));
    pull(1, "owner/tiny", "is installed already");
    struct program_result result;
    PROGRAM(&result, 0, NULL, "model", "list");
    assert_non_null(strstr(result.out.data, "tiny\t"));
    program_release(&result);
}

static void pull__shards__come_by_their_index(void **state)
{
    (void)state;
    add_fixture("config.json", "shards-f32/config.json", false);
    add_fixture("model.safetensors.index.json", "shards-f32/model.safetensors.index.json", false);
    add_fixture("model-00001-of-00003.safetensors", "shards-f32/model-00001-of-00003.safetensors",
                true);
    add_fixture("model-00002-of-00003.safetensors", "shards-f32/model-00002-of-00003.safetensors",
                true);
    add_fixture("model-00003-of-00003.safetensors", "shards-f32/model-00003-of-00003.safetensors",
                true);
    hub_begin(&(struct manners){.redirects = true});
    pull(0, "owner/tiny", "/models/tiny\n");
    struct program_result result;
    PROGRAM(&result, 0, NULL, "logits", "-m", "tiny", "--ids", "1,2");
    program_release(&result);
}

static void pull__gguf__comes_alone(void **state)
{
    (void)state;
    add_fixture("sub/small.gguf", "gguf-f16.gguf", true);
    hub_begin(&(struct manners){.redirects = true});
    pull(1, "owner/tiny", "name one of its GGUF files behind a colon: sub/small.gguf");
    pull(0, "owner/tiny:sub/small.gguf", "/models/small.gguf\n");
    char path[512];
    models_path(path, "small.gguf");
    assert_same(&files[0], path);
    assert_int_equal(n_entries(), 1);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "logits", "-m", "small", "--ids", "1,2");
    program_release(&result);
}

static void pull__broken_off__is_gone_on_with(void **state)
{
    (void)state;
    add_folder();
    hub_begin(&(struct manners){.cut_at = 50000});
    pull(1, "owner/tiny", "model.safetensors: ");
    char path[512];
    models_path(path, "tiny");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_false(was_asked("Range:"));
    hub_begin(&(struct manners){0});
    pull(0, "owner/tiny", "/models/tiny\n");
    assert_true(was_asked("Range: bytes=50000-\r\n"));
    assert_installed();
}

static void pull__broken_off__begins_again_where_ranges_are_not_known(void **state)
{
    (void)state;
    add_folder();
    hub_begin(&(struct manners){.cut_at = 50000});
    pull(1, "owner/tiny", "model.safetensors: ");
    hub_begin(&(struct manners){.knows_no_ranges = true});
    pull(0, "owner/tiny", "/models/tiny\n");
    assert_true(was_asked("Range: bytes=50000-\r\n"));
    assert_installed();
}

/* What was left is longer than the file, or of another version. */
static void pull__broken_off__does_not_trust_what_is_left(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000, 94440, 200000};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        char path[512];
        n_files = 0;
        add_folder();
        hub_begin(&(struct manners){.cut_at = 50000});
        pull(1, "owner/tiny", "model.safetensors: ");
        models_path(path, ".tiny.pulling/model.safetensors.part");
        char *garbage = calloc(1, sizes[i]);
        assert_int_equal(cf_path_write_file(path, garbage, sizes[i], NULL), CF_OK);
        free(garbage);
        hub_begin(&(struct manners){0});
        if (sizes[i] <= files[1].bytes.size) {
            pull(1, "owner/tiny", "its SHA-256 is ");
            assert_int_not_equal(access(path, F_OK), 0);
        }
        pull(0, "owner/tiny", "/models/tiny\n");
        assert_installed();
        for (size_t k = 0; k < n_files; k++) {
            cf_buf_release(&files[k].bytes);
        }
        char command[700];
        models_path(path, "tiny");
        (void)snprintf(command, sizeof command, "rm -r '%s'", path);
        assert_int_equal(system(command), 0);
    }
    n_files = 0;
}

static void pull__other_bytes__are_refused(void **state)
{
    (void)state;
    add_folder();
    hub_begin(&(struct manners){.is_other = true});
    pull(1, "owner/tiny", "its SHA-256 is ");
    hub_begin(&(struct manners){.size_error = -1});
    pull(1, "owner/tiny", "longer than the ");
    hub_begin(&(struct manners){.size_error = 1});
    pull(1, "owner/tiny", "promised");
    char path[512];
    models_path(path, "tiny");
    assert_int_not_equal(access(path, F_OK), 0);
    models_path(path, ".tiny.pulling/model.safetensors.part");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void pull__what_cannot_run__is_refused_before_its_weights(void **state)
{
    (void)state;
    static const char config[] = "{\"model_type\": \"llama\"}";
    add_bytes("config.json", config, strlen(config), false);
    add_fixture("model.safetensors", "tied-f32/model.safetensors", true);
    hub_begin(&(struct manners){0});
    pull(1, "owner/tiny", "the architecture 'llama' is not supported");
    assert_false(was_asked("model.safetensors"));
}

static void pull__index__names_nothing_outside(void **state)
{
    (void)state;
    static const char index[] =
        "{\"weight_map\": {\"a\": \"../evil\", \"b\": \".x\", \"c\": \"/e\"}}";
    add_fixture("config.json", "shards-f32/config.json", false);
    add_bytes("model.safetensors.index.json", index, strlen(index), false);
    hub_begin(&(struct manners){0});
    pull(1, "owner/tiny", "is no plain file name");
    assert_false(was_asked("evil"));
}

static void pull__nothing_there__is_said(void **state)
{
    (void)state;
    hub_begin(&(struct manners){0});
    pull(1, "owner/other", "/api/models/owner/other/revision/main?blobs=true: there is no such");
    pull(1, "owner/tiny", "has no config.json with model.safetensors");
    pull(1, "owner/tiny:x.gguf", "has no file x.gguf");
    static const char *const wrong[] = {"a/b/c", "../x",    "a b",         "",
                                        "a/",    "x:y.bin", "x:../y.gguf", "x:"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(wrong); i++) {
        pull(2, wrong[i], "Try 'confab --help'");
    }
    hub_end();
    pull(1, "owner/tiny", "confab: http://127.0.0.1:");
    struct program_result result;
    PROGRAM(&result, 1, NULL, "model", "pull", "owner/tiny", "--endpoint", "file:///etc");
    program_release(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pull__folder__brings_what_the_model_needs),
        TEST(pull__shards__come_by_their_index),
        TEST(pull__gguf__comes_alone),
        TEST(pull__broken_off__is_gone_on_with),
        TEST(pull__broken_off__begins_again_where_ranges_are_not_known),
        TEST(pull__broken_off__does_not_trust_what_is_left),
        TEST(pull__other_bytes__are_refused),
        TEST(pull__what_cannot_run__is_refused_before_its_weights),
        TEST(pull__index__names_nothing_outside),
        TEST(pull__nothing_there__is_said),
    };
    return cmocka_run_group_tests_name("pull", tests, NULL, NULL);
}
