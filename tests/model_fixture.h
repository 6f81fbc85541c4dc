/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of models and sessions share: the fixtures of tests/fixtures/model and what they must
 * compute (make_model_fixtures.py tells the form of a .expect file). */
#ifndef MODEL_FIXTURE_H
#define MODEL_FIXTURE_H

#include "test.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>

#include "kernels/kernels.h"
#include "mapping.h"
#include "model.h"
#include "session.h"
#include "shared.h"

/* The models, folders first. */
static const char *const fixture_names[] = {
    "tied-f32",  "shards-f32",    "odd-f32",       "bias-f16",
    "bare-bf16", "gguf-f32.gguf", "gguf-f16.gguf", "gguf-q8.gguf",
};

struct expect {
    struct cf_mapping mapping;
    int32_t n_vocab, n_ids, n_prompt, n_greedy;
    const int32_t *ids;
    const int32_t *greedy;
    const float *logits;
    const float *quantised; /* of a quantised model, else NULL */
    float mean_kl;
};

static CF_UNUSED void fixture_path(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/tests/fixtures/model/%s", TEST_SRCDIR, name);
}

/* A copy of the fixture, exactly as large as the file, that tests may break. */
struct fixture_file {
    unsigned char *bytes;
    size_t size;
};

static CF_UNUSED struct fixture_file fixture_load(const char *name)
{
    char path[512];
    fixture_path(path, sizeof path, name);
    struct fixture_file file;
    char *bytes = test_read_file(path, &file.size);
    file.bytes = malloc(file.size);
    memcpy(file.bytes, bytes, file.size);
    free(bytes);
    return file;
}

/* The place behind a length-prefixed string, from which its value or tensor description follows. */
static CF_UNUSED size_t fixture_place(const struct fixture_file *file, const char *name)
{
    uint64_t size = strlen(name);
    for (size_t i = 0; i + sizeof size + size <= file->size; i++) {
        if (memcmp(file->bytes + i, &size, sizeof size) == 0 &&
            memcmp(file->bytes + i + sizeof size, name, size) == 0) {
            return i + sizeof size + size;
        }
    }
    fail_msg("no %s", name);
    return 0;
}

static CF_UNUSED void fixture_put(const struct fixture_file *file, size_t place, uint64_t value,
                                  size_t size)
{
    assert_true(place + size <= file->size);
    memcpy(file->bytes + place, &value, size);
}

static CF_UNUSED struct cf_model *fixture_open(const char *name)
{
    char path[512];
    struct cf_err err = CF_ERR_INIT;
    struct cf_model *model = NULL;
    fixture_path(path, sizeof path, name);
    if (cf_model_open(&model, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

static CF_UNUSED void expect_open(struct expect *expect, const char *name)
{
    char path[512];
    char stem[64];
    struct cf_err err = CF_ERR_INIT;
    (void)snprintf(stem, sizeof stem, "%s", name);
    char *dot = strstr(stem, ".gguf");
    if (dot != NULL) {
        *dot = '\0';
    }
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/model/%s.expect", TEST_SRCDIR, stem);
    if (cf_mapping_open(&expect->mapping, path, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    assert_memory_equal(expect->mapping.data, "CFX1", 4);
    const void *words = expect->mapping.data;
    const int32_t *header = words;
    expect->n_vocab = header[1];
    expect->n_ids = header[2];
    expect->n_prompt = header[3];
    expect->n_greedy = header[4];
    expect->ids = header + 5;
    expect->greedy = expect->ids + expect->n_ids;
    const void *floats = expect->greedy + expect->n_greedy;
    expect->logits = floats;
    size_t n_logits = (size_t)expect->n_ids * (size_t)expect->n_vocab;
    size_t n_words = 5 + (size_t)expect->n_ids + (size_t)expect->n_greedy + n_logits;
    expect->quantised = NULL;
    expect->mean_kl = 0;
    if (expect->mapping.size != n_words * 4) {
        assert_int_equal(expect->mapping.size, (n_words + 1 + n_logits) * 4);
        expect->mean_kl = expect->logits[n_logits];
        expect->quantised = expect->logits + n_logits + 1;
    }
}

static CF_UNUSED void expect_close(struct expect *expect)
{
    cf_mapping_close(&expect->mapping);
}

/* Hands every file of tests/fuzz/corpus/NAME to fn, in memory of exactly its size. */
static CF_UNUSED void replay_corpus(const char *name, unsigned (*fn)(const void *bytes, size_t size,
                                                                     struct cf_err *err))
{
    char folder[512];
    int n_files = 0;
    (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", TEST_SRCDIR, name);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[1024];
        size_t size;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *text = test_read_file(path, &size);
        unsigned char *bytes = malloc(size > 0 ? size : 1);
        memcpy(bytes, text, size);
        /* A sum of the file's bytes, at least 1, when it is sound. */
        bool is_sound = strncmp(entry->d_name, "sound", 5) == 0;
        unsigned sum = fn(bytes, size, NULL);
        assert_true(!is_sound || sum != 0);
        n_files++;
        free(bytes);
        free(text);
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(n_files >= 10);
}

/* An engine: a session with its pool. */
struct engine {
    struct cf_pool *pool;
    struct cf_session *session;
};

static CF_UNUSED struct engine engine_open(const struct cf_model *model, enum cf_dtype kv_type,
                                           int n_branches, int n_threads)
{
    struct engine engine;
    struct cf_err err = CF_ERR_INIT;
    struct cf_session_params params = {.kv_type = kv_type, .n_branches = n_branches};
    if (cf_pool_new(&engine.pool, n_threads, &err) != CF_OK ||
        cf_session_new(&engine.session, model, engine.pool, &params, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return engine;
}

static CF_UNUSED void engine_close(struct engine *engine)
{
    cf_session_free(engine->session);
    cf_pool_free(engine->pool);
}

static CF_UNUSED int32_t arg_max(const float *logits, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

#endif
