/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* The blob, version 1.  Numbers are LEB128, seven bits a byte, low first; signed ones zigzag; fixed
 * widths little endian.
 *
 *   "cfr" version(1)
 *   model(32) template(32) system(32) dtype kv-type name-size name kernel sampler n-ctx
 *   n-jobs  { begin max-tokens started-ms(signed) seed(8) stream first-draw window-start n-prompt
 *             prompt(32) n-paths-of-the-job n-pinned-of-the-job }
 *   n-knobs { begin mask { value of each field in the mask } }
 *   n-paths { n path(1) }
 *   n-pinned { place }
 *   n-tokens { id * 4 + origin, rank, p-raw(4), p(4) }
 *   the first 8 bytes of the SHA-256 of all before
 *
 * A run of settings holds what differs from the run before, the first one what differs from
 * CF_SAMPLING_INIT: bits 0 to 6 are the doubles (8 bytes each) in the order of struct cf_sampling,
 * bit 7 top-k (signed), bit 8 repeat-last-n (signed).
 *
 * Version 1 is read for ever.  What a later one adds gets a new version number; enum values that
 * stand in the blob never change their numbers. */

enum {
    MAGIC_SIZE = 4,
    CHECK_SIZE = 8,
    N_DOUBLES = 7,
    MASK_TOP_K = 1 << 7,
    MASK_LAST_N = 1 << 8,
    MASK_ALL = (1 << 9) - 1,
    /* The fewest bytes that one of each can take. */
    JOB_SIZE_MIN = 8 + 9 + CF_DIGEST_SIZE,
    KNOBS_SIZE_MIN = 2,
    PATH_SIZE_MIN = 2,
    PINNED_SIZE_MIN = 1,
    TOKEN_SIZE_MIN = 10,
    HEAD_SIZE_MIN = 3 * CF_DIGEST_SIZE,
};

/* A field that is added to the settings belongs into the blob, under a new version. */
_Static_assert(sizeof(struct cf_sampling) == N_DOUBLES * sizeof(double) + 2 * sizeof(int32_t),
               "the blob holds every field of the settings");

/* ---- Building ---- */

void cf_recipe_init(struct cf_recipe *recipe, const struct cf_recipe_head *head)
{
    *recipe = (struct cf_recipe){.head = *head};
    recipe->head.instruction_set[CF_RECIPE_NAME_SIZE - 1] = '\0';
    cf_buf_init(&recipe->token_bytes);
}

void cf_recipe_release(struct cf_recipe *recipe)
{
    free(recipe->tokens);
    free(recipe->knobs);
    free(recipe->jobs);
    free(recipe->paths);
    free(recipe->pinned);
    if (recipe->token_bytes.data != NULL) {
        cf_buf_release(&recipe->token_bytes);
    }
    *recipe = (struct cf_recipe){.n_tokens = 0};
}

void cf_recipe_reserve(struct cf_recipe *recipe, size_t extra)
{
    enum { TOKEN_SIZE_MAX = 10 + 5 + 8 };
    recipe->tokens = cf_grow(recipe->tokens, recipe->n_tokens, &recipe->tokens_capacity, extra,
                             sizeof *recipe->tokens);
    cf_buf_reserve(&recipe->token_bytes, extra * TOKEN_SIZE_MAX);
}

void cf_recipe_add_job(struct cf_recipe *recipe, const struct cf_recipe_job *job)
{
    int32_t begin = (int32_t)recipe->n_tokens;
    bool is_empty = recipe->n_jobs > 0 && recipe->jobs[recipe->n_jobs - 1].begin == begin;
    if (is_empty) {
        /* The job before made no token. */
        const struct cf_recipe_job *before = &recipe->jobs[--recipe->n_jobs];
        recipe->n_paths -= before->n_paths;
        recipe->n_pinned -= before->n_pinned;
    }
    recipe->jobs =
        cf_grow(recipe->jobs, recipe->n_jobs, &recipe->jobs_capacity, 1, sizeof *recipe->jobs);
    struct cf_recipe_job *added = &recipe->jobs[recipe->n_jobs++];
    *added = *job;
    added->begin = begin;
    added->n_paths = 0;
    added->n_pinned = 0;
}

static bool is_same(const struct cf_sampling *a, const struct cf_sampling *b)
{
    return a->temperature == b->temperature && a->top_p == b->top_p && a->min_p == b->min_p &&
           a->typical_p == b->typical_p && a->repeat_penalty == b->repeat_penalty &&
           a->presence_penalty == b->presence_penalty &&
           a->frequency_penalty == b->frequency_penalty && a->top_k == b->top_k &&
           a->repeat_last_n == b->repeat_last_n;
}

void cf_recipe_add_knobs(struct cf_recipe *recipe, int32_t begin,
                         const struct cf_sampling *sampling)
{
    assert(begin >= 0 && (size_t)begin <= recipe->n_tokens);
    assert(recipe->n_knobs > 0 ? begin >= recipe->knobs[recipe->n_knobs - 1].begin : begin == 0);
    if (recipe->n_knobs > 0 && recipe->knobs[recipe->n_knobs - 1].begin == begin) {
        recipe->n_knobs--;
    }
    if (recipe->n_knobs > 0 && is_same(&recipe->knobs[recipe->n_knobs - 1].sampling, sampling)) {
        return;
    }
    recipe->knobs =
        cf_grow(recipe->knobs, recipe->n_knobs, &recipe->knobs_capacity, 1, sizeof *recipe->knobs);
    recipe->knobs[recipe->n_knobs++] =
        (struct cf_recipe_knobs){.begin = begin, .sampling = *sampling};
}

static void put_number(struct cf_buf *blob, uint64_t number)
{
    char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (char)((number & 0x7F) | (number > 0x7F ? 0x80 : 0));
        number >>= 7;
    } while (number > 0);
    cf_buf_add(blob, bytes, n);
}

static void put_signed(struct cf_buf *blob, int64_t number)
{
    uint64_t doubled = (uint64_t)number << 1;
    put_number(blob, number < 0 ? ~doubled : doubled);
}

/* Little endian is the byte order of every machine confab runs on (configure sees to it). */
static void put_fixed(struct cf_buf *blob, const void *value, size_t size)
{
    cf_buf_add(blob, value, size);
}

void cf_recipe_add_token(struct cf_recipe *recipe, const struct cf_recipe_token *token)
{
    assert(token->id >= 0 && token->rank >= 0);
    recipe->tokens = cf_grow(recipe->tokens, recipe->n_tokens, &recipe->tokens_capacity, 1,
                             sizeof *recipe->tokens);
    recipe->tokens[recipe->n_tokens++] = *token;
    struct cf_buf *bytes = &recipe->token_bytes;
    put_number(bytes, ((uint64_t)token->id << 2) | (uint64_t)token->origin);
    put_number(bytes, (uint64_t)token->rank);
    put_fixed(bytes, &token->p_raw, sizeof token->p_raw);
    put_fixed(bytes, &token->p, sizeof token->p);
}

void cf_recipe_set_paths(struct cf_recipe *recipe, const struct cf_recipe_path *paths, size_t n)
{
    assert(recipe->n_jobs > 0);
    struct cf_recipe_job *job = &recipe->jobs[recipe->n_jobs - 1];
    recipe->n_paths -= job->n_paths;
    job->n_paths = 0;
    recipe->paths =
        cf_grow(recipe->paths, recipe->n_paths, &recipe->paths_capacity, n, sizeof *recipe->paths);
    for (size_t i = 0; i < n; i++) {
        struct cf_recipe_path *next = &recipe->paths[recipe->n_paths];
        if (paths[i].n <= 0) {
            continue;
        }
        if (job->n_paths > 0 && next[-1].path == paths[i].path) {
            next[-1].n += paths[i].n;
        } else {
            *next = paths[i];
            recipe->n_paths++;
            job->n_paths++;
        }
    }
}

void cf_recipe_add_pinned(struct cf_recipe *recipe, int32_t place)
{
    assert(recipe->n_jobs > 0 && place >= 0);
    struct cf_recipe_job *job = &recipe->jobs[recipe->n_jobs - 1];
    assert(job->n_pinned == 0 || recipe->pinned[recipe->n_pinned - 1] < place);
    recipe->pinned = cf_grow(recipe->pinned, recipe->n_pinned, &recipe->pinned_capacity, 1,
                             sizeof *recipe->pinned);
    recipe->pinned[recipe->n_pinned++] = place;
    job->n_pinned++;
}

void cf_recipe_copy_prefix(struct cf_recipe *to, const struct cf_recipe *from, int32_t n)
{
    assert(to->n_tokens == 0 && to->n_jobs == 0 && to->n_knobs == 0);
    assert(n >= 0 && (size_t)n <= from->n_tokens);
    size_t n_paths = 0;
    size_t n_pinned = 0;
    for (size_t i = 0; i < from->n_jobs && from->jobs[i].begin < n; i++) {
        to->jobs = cf_grow(to->jobs, to->n_jobs, &to->jobs_capacity, 1, sizeof *to->jobs);
        to->jobs[to->n_jobs++] = from->jobs[i];
        n_paths += from->jobs[i].n_paths;
        n_pinned += from->jobs[i].n_pinned;
    }
    to->paths = cf_grow(to->paths, 0, &to->paths_capacity, n_paths, sizeof *to->paths);
    if (n_paths > 0) {
        memcpy(to->paths, from->paths, n_paths * sizeof *to->paths);
    }
    to->n_paths = n_paths;
    to->pinned = cf_grow(to->pinned, 0, &to->pinned_capacity, n_pinned, sizeof *to->pinned);
    if (n_pinned > 0) {
        memcpy(to->pinned, from->pinned, n_pinned * sizeof *to->pinned);
    }
    to->n_pinned = n_pinned;
    for (size_t i = 0; i < from->n_knobs && from->knobs[i].begin < n; i++) {
        to->knobs = cf_grow(to->knobs, to->n_knobs, &to->knobs_capacity, 1, sizeof *to->knobs);
        to->knobs[to->n_knobs++] = from->knobs[i];
    }
    cf_recipe_reserve(to, (size_t)n);
    for (int32_t i = 0; i < n; i++) {
        struct cf_recipe_token token = from->tokens[i];
        token.origin = CF_TOKEN_COPIED;
        cf_recipe_add_token(to, &token);
    }
}

void cf_recipe_digest_ids(struct cf_digest *digest, const int32_t *ids, size_t n)
{
    struct cf_sha256 sum;
    cf_sha256_begin(&sum);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = (uint32_t)ids[i];
        const unsigned char bytes[4] = {(unsigned char)id, (unsigned char)(id >> 8),
                                        (unsigned char)(id >> 16), (unsigned char)(id >> 24)};
        cf_sha256_add(&sum, bytes, sizeof bytes);
    }
    cf_sha256_end(&sum, digest);
}

const struct cf_sampling *cf_recipe_sampling_at(const struct cf_recipe *recipe, int32_t k)
{
    assert(recipe->n_knobs > 0);
    size_t i = recipe->n_knobs - 1;
    while (i > 0 && recipe->knobs[i].begin > k) {
        i--;
    }
    return &recipe->knobs[i].sampling;
}

size_t cf_recipe_job_at(const struct cf_recipe *recipe, int32_t k)
{
    assert(recipe->n_jobs > 0);
    size_t i = recipe->n_jobs - 1;
    while (i > 0 && recipe->jobs[i].begin > k) {
        i--;
    }
    return i;
}

/* ---- Encoding ---- */

/* The doubles of the settings in the order of the mask's bits. */
static void list_doubles(double *list[N_DOUBLES], struct cf_sampling *sampling)
{
    double *const all[N_DOUBLES] = {
        &sampling->temperature,      &sampling->top_p,          &sampling->min_p,
        &sampling->typical_p,        &sampling->repeat_penalty, &sampling->presence_penalty,
        &sampling->frequency_penalty};
    memcpy(list, all, sizeof all);
}

static void put_knobs(struct cf_buf *blob, const struct cf_recipe_knobs *knobs,
                      const struct cf_sampling *before)
{
    struct cf_sampling old = *before;
    struct cf_sampling new = knobs->sampling;
    double *olds[N_DOUBLES];
    double *news[N_DOUBLES];
    list_doubles(olds, &old);
    list_doubles(news, &new);
    uint64_t mask = 0;
    for (int i = 0; i < N_DOUBLES; i++) {
        /* By their bytes: -0 is not 0. */
        mask |= memcmp(olds[i], news[i], sizeof(double)) != 0 ? (uint64_t)1 << i : 0;
    }
    mask |= old.top_k != new.top_k ? MASK_TOP_K : 0;
    mask |= old.repeat_last_n != new.repeat_last_n ? MASK_LAST_N : 0;
    put_number(blob, (uint64_t)knobs->begin);
    put_number(blob, mask);
    for (int i = 0; i < N_DOUBLES; i++) {
        if ((mask >> i & 1) != 0) {
            put_fixed(blob, news[i], sizeof(double));
        }
    }
    if ((mask & MASK_TOP_K) != 0) {
        put_signed(blob, new.top_k);
    }
    if ((mask & MASK_LAST_N) != 0) {
        put_signed(blob, new.repeat_last_n);
    }
}

static void put_job(struct cf_buf *blob, const struct cf_recipe_job *job)
{
    put_number(blob, (uint64_t)job->begin);
    put_number(blob, (uint64_t)job->max_tokens);
    put_signed(blob, job->started_ms);
    put_fixed(blob, &job->seed, sizeof job->seed);
    put_number(blob, job->stream);
    put_number(blob, job->first_draw);
    put_number(blob, (uint64_t)job->window_start);
    put_number(blob, (uint64_t)job->n_prompt);
    put_fixed(blob, job->prompt_digest.bytes, CF_DIGEST_SIZE);
    put_number(blob, job->n_paths);
    put_number(blob, job->n_pinned);
}

void cf_recipe_encode(const struct cf_recipe *recipe, struct cf_buf *blob)
{
    const struct cf_recipe_head *head = &recipe->head;
    size_t start = blob->size;
    cf_buf_reserve(blob, recipe->token_bytes.size + 512);
    cf_buf_add(blob, "cfr", 3);
    cf_buf_add_char(blob, CF_RECIPE_VERSION);
    put_fixed(blob, head->model_digest.bytes, CF_DIGEST_SIZE);
    put_fixed(blob, head->template_digest.bytes, CF_DIGEST_SIZE);
    put_fixed(blob, head->system_digest.bytes, CF_DIGEST_SIZE);
    put_number(blob, (uint64_t)head->dtype);
    put_number(blob, (uint64_t)head->kv_type);
    put_number(blob, strlen(head->instruction_set));
    cf_buf_add_str(blob, head->instruction_set);
    put_number(blob, head->kernel_version);
    put_number(blob, head->sampler_version);
    put_number(blob, (uint64_t)head->n_ctx);
    put_number(blob, recipe->n_jobs);
    for (size_t i = 0; i < recipe->n_jobs; i++) {
        put_job(blob, &recipe->jobs[i]);
    }
    put_number(blob, recipe->n_knobs);
    const struct cf_sampling init = CF_SAMPLING_INIT;
    for (size_t i = 0; i < recipe->n_knobs; i++) {
        put_knobs(blob, &recipe->knobs[i], i > 0 ? &recipe->knobs[i - 1].sampling : &init);
    }
    put_number(blob, recipe->n_paths);
    for (size_t i = 0; i < recipe->n_paths; i++) {
        put_number(blob, (uint64_t)recipe->paths[i].n);
        cf_buf_add_char(blob, (char)recipe->paths[i].path);
    }
    put_number(blob, recipe->n_pinned);
    for (size_t i = 0; i < recipe->n_pinned; i++) {
        put_number(blob, (uint64_t)recipe->pinned[i]);
    }
    put_number(blob, recipe->n_tokens);
    cf_buf_add(blob, recipe->token_bytes.data, recipe->token_bytes.size);
    struct cf_digest check;
    cf_digest_of(&check, blob->data + start, blob->size - start);
    cf_buf_add(blob, check.bytes, CHECK_SIZE);
}

/* ---- Decoding ---- */

/* Bytes not read yet.  After the first failure every read gives 0. */
struct reader {
    const unsigned char *at, *end;
    bool has_failed;
};

static uint64_t get_number(struct reader *reader, uint64_t most)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at == reader->end) {
            break;
        }
        unsigned char byte = *reader->at++;
        uint64_t bits = byte & 0x7FU;
        if (shift == 63 && bits > 1) {
            break;
        }
        number |= bits << shift;
        if ((byte & 0x80) == 0) {
            if (number > most) {
                break;
            }
            return number;
        }
    }
    reader->has_failed = true;
    reader->at = reader->end;
    return 0;
}

static int64_t get_signed(struct reader *reader)
{
    uint64_t doubled = get_number(reader, UINT64_MAX);
    return (int64_t)(doubled >> 1) ^ -(int64_t)(doubled & 1);
}

static int32_t get_signed_32(struct reader *reader)
{
    int64_t number = get_signed(reader);
    if (number < INT32_MIN || number > INT32_MAX) {
        reader->has_failed = true;
        return 0;
    }
    return (int32_t)number;
}

static void get_fixed(struct reader *reader, void *value, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->has_failed = true;
        reader->at = reader->end;
        memset(value, 0, size);
        return;
    }
    memcpy(value, reader->at, size);
    reader->at += size;
}

/* A count of things that take at least SIZE_MIN bytes each: no more than there is room for. */
static size_t get_count(struct reader *reader, size_t size_min)
{
    uint64_t room = (uint64_t)(reader->end - reader->at) / size_min;
    return (size_t)get_number(reader, room);
}

static void get_head(struct reader *reader, struct cf_recipe_head *head)
{
    *head = (struct cf_recipe_head){.dtype = CF_F32};
    get_fixed(reader, head->model_digest.bytes, CF_DIGEST_SIZE);
    get_fixed(reader, head->template_digest.bytes, CF_DIGEST_SIZE);
    get_fixed(reader, head->system_digest.bytes, CF_DIGEST_SIZE);
    uint32_t dtype = (uint32_t)get_number(reader, UINT32_MAX);
    uint32_t kv_type = (uint32_t)get_number(reader, UINT32_MAX);
    if (!cf_dtype_is_known(dtype) || !cf_dtype_is_known(kv_type)) {
        reader->has_failed = true;
    } else {
        head->dtype = (enum cf_dtype)dtype;
        head->kv_type = (enum cf_dtype)kv_type;
    }
    size_t size = (size_t)get_number(reader, CF_RECIPE_NAME_SIZE - 1);
    get_fixed(reader, head->instruction_set, size);
    head->kernel_version = (uint32_t)get_number(reader, UINT32_MAX);
    head->sampler_version = (uint32_t)get_number(reader, UINT32_MAX);
    head->n_ctx = (int32_t)get_number(reader, INT32_MAX);
    /* A NUL inside the name would make it another one when it is encoded again. */
    reader->has_failed = reader->has_failed || strlen(head->instruction_set) != size;
}

static void get_jobs(struct reader *reader, struct cf_recipe *recipe)
{
    size_t n = get_count(reader, JOB_SIZE_MIN);
    recipe->jobs = cf_grow(recipe->jobs, 0, &recipe->jobs_capacity, n, sizeof *recipe->jobs);
    for (; recipe->n_jobs < n && !reader->has_failed; recipe->n_jobs++) {
        struct cf_recipe_job *job = &recipe->jobs[recipe->n_jobs];
        *job = (struct cf_recipe_job){.begin = (int32_t)get_number(reader, INT32_MAX)};
        job->max_tokens = (int32_t)get_number(reader, INT32_MAX);
        job->started_ms = get_signed(reader);
        get_fixed(reader, &job->seed, sizeof job->seed);
        job->stream = (uint32_t)get_number(reader, UINT32_MAX);
        job->first_draw = (uint32_t)get_number(reader, UINT32_MAX);
        job->window_start = (int32_t)get_number(reader, INT32_MAX);
        job->n_prompt = (int32_t)get_number(reader, INT32_MAX);
        get_fixed(reader, job->prompt_digest.bytes, CF_DIGEST_SIZE);
        job->n_paths = (size_t)get_number(reader, INT32_MAX);
        job->n_pinned = (size_t)get_number(reader, INT32_MAX);
        bool ascends =
            recipe->n_jobs > 0 ? job->begin > recipe->jobs[recipe->n_jobs - 1].begin : true;
        reader->has_failed = reader->has_failed || !ascends;
    }
}

static void get_knobs(struct reader *reader, struct cf_recipe *recipe)
{
    size_t n = get_count(reader, KNOBS_SIZE_MIN);
    recipe->knobs = cf_grow(recipe->knobs, 0, &recipe->knobs_capacity, n, sizeof *recipe->knobs);
    struct cf_sampling sampling = CF_SAMPLING_INIT;
    for (; recipe->n_knobs < n && !reader->has_failed; recipe->n_knobs++) {
        int32_t begin = (int32_t)get_number(reader, INT32_MAX);
        uint64_t mask = get_number(reader, MASK_ALL);
        double *doubles[N_DOUBLES];
        list_doubles(doubles, &sampling);
        for (int i = 0; i < N_DOUBLES; i++) {
            if ((mask >> i & 1) != 0) {
                get_fixed(reader, doubles[i], sizeof(double));
            }
            /* Settings are numbers. */
            reader->has_failed = reader->has_failed || *doubles[i] - *doubles[i] != 0;
        }
        if ((mask & MASK_TOP_K) != 0) {
            sampling.top_k = get_signed_32(reader);
        }
        if ((mask & MASK_LAST_N) != 0) {
            sampling.repeat_last_n = get_signed_32(reader);
        }
        bool ascends =
            recipe->n_knobs > 0 ? begin > recipe->knobs[recipe->n_knobs - 1].begin : begin == 0;
        reader->has_failed = reader->has_failed || !ascends;
        recipe->knobs[recipe->n_knobs] =
            (struct cf_recipe_knobs){.begin = begin, .sampling = sampling};
    }
}

static void get_paths(struct reader *reader, struct cf_recipe *recipe)
{
    size_t n = get_count(reader, PATH_SIZE_MIN);
    recipe->paths = cf_grow(recipe->paths, 0, &recipe->paths_capacity, n, sizeof *recipe->paths);
    for (; recipe->n_paths < n && !reader->has_failed; recipe->n_paths++) {
        struct cf_recipe_path *path = &recipe->paths[recipe->n_paths];
        path->n = (int32_t)get_number(reader, INT32_MAX);
        get_fixed(reader, &path->path, 1);
        reader->has_failed = reader->has_failed || path->n == 0;
    }
}

static void get_pinned(struct reader *reader, struct cf_recipe *recipe)
{
    size_t n = get_count(reader, PINNED_SIZE_MIN);
    recipe->pinned =
        cf_grow(recipe->pinned, 0, &recipe->pinned_capacity, n, sizeof *recipe->pinned);
    for (; recipe->n_pinned < n && !reader->has_failed; recipe->n_pinned++) {
        recipe->pinned[recipe->n_pinned] = (int32_t)get_number(reader, INT32_MAX);
    }
}

static void get_tokens(struct reader *reader, struct cf_recipe *recipe)
{
    size_t n = get_count(reader, TOKEN_SIZE_MIN);
    if (n > INT32_MAX) {
        reader->has_failed = true;
        return;
    }
    cf_recipe_reserve(recipe, n);
    while (recipe->n_tokens < n && !reader->has_failed) {
        uint64_t id = get_number(reader, ((uint64_t)INT32_MAX << 2) | 3);
        struct cf_recipe_token token = {.id = (int32_t)(id >> 2)};
        token.rank = (int32_t)get_number(reader, INT32_MAX);
        get_fixed(reader, &token.p_raw, sizeof token.p_raw);
        get_fixed(reader, &token.p, sizeof token.p);
        unsigned origin = (unsigned)id & 3;
        if (origin > CF_TOKEN_COPIED) {
            reader->has_failed = true;
        } else {
            token.origin = (enum cf_token_origin)origin;
            cf_recipe_add_token(recipe, &token);
        }
    }
}

/* The places of each job's pinned turns ascend. */
static bool are_pinned_in_order(const struct cf_recipe *recipe)
{
    size_t at = 0;
    for (size_t i = 0; i < recipe->n_jobs; i++) {
        size_t n = recipe->jobs[i].n_pinned;
        if (n > recipe->n_pinned - at) {
            return false;
        }
        for (size_t k = 1; k < n; k++) {
            if (recipe->pinned[at + k] <= recipe->pinned[at + k - 1]) {
                return false;
            }
        }
        at += n;
    }
    return at == recipe->n_pinned;
}

/* Borders lie inside the reply, and every path run and pinned turn is of a job. */
static bool is_consistent(const struct cf_recipe *recipe)
{
    size_t n = recipe->n_tokens;
    size_t n_paths = 0;
    for (size_t i = 0; i < recipe->n_jobs; i++) {
        n_paths += recipe->jobs[i].n_paths;
    }
    if (n_paths != recipe->n_paths || !are_pinned_in_order(recipe)) {
        return false;
    }
    if (n > 0 && (recipe->n_jobs == 0 || recipe->n_knobs == 0 || recipe->jobs[0].begin != 0)) {
        return false;
    }
    return (recipe->n_jobs == 0 || (size_t)recipe->jobs[recipe->n_jobs - 1].begin <= n) &&
           (recipe->n_knobs == 0 || (size_t)recipe->knobs[recipe->n_knobs - 1].begin <= n);
}

/* Reads magic and version. */
static enum cf_code begin_reading(struct reader *reader, const void *blob, size_t size,
                                  struct cf_err *err)
{
    const unsigned char *bytes = blob;
    if (size < MAGIC_SIZE + HEAD_SIZE_MIN + CHECK_SIZE || memcmp(bytes, "cfr", 3) != 0) {
        return cf_err_set(err, CF_ERR_CORRUPT, "the recipe of the reply is damaged");
    }
    if (bytes[3] > CF_RECIPE_VERSION) {
        return cf_err_set(err, CF_ERR_NEWER, "the recipe of the reply was made by a newer confab");
    }
    if (bytes[3] == 0) {
        return cf_err_set(err, CF_ERR_CORRUPT, "the recipe of the reply is damaged");
    }
    *reader = (struct reader){.at = bytes + MAGIC_SIZE, .end = bytes + size - CHECK_SIZE};
    return CF_OK;
}

enum cf_code cf_recipe_decode_head(struct cf_recipe_head *head, const void *blob, size_t size,
                                   struct cf_err *err)
{
    struct reader reader;
    enum cf_code code = begin_reading(&reader, blob, size, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_recipe_head read;
    get_head(&reader, &read);
    if (reader.has_failed) {
        return cf_err_set(err, CF_ERR_CORRUPT, "the recipe of the reply is damaged");
    }
    *head = read;
    return CF_OK;
}

enum cf_code cf_recipe_decode(struct cf_recipe *recipe, const void *blob, size_t size,
                              struct cf_err *err)
{
    struct reader reader;
    enum cf_code code = begin_reading(&reader, blob, size, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_digest check;
    cf_digest_of(&check, blob, size - CHECK_SIZE);
    if (memcmp(check.bytes, reader.end, CHECK_SIZE) != 0) {
        return cf_err_set(err, CF_ERR_CORRUPT, "the recipe of the reply is damaged");
    }
    struct cf_recipe_head head;
    get_head(&reader, &head);
    struct cf_recipe read;
    cf_recipe_init(&read, &head);
    if (!reader.has_failed) {
        get_jobs(&reader, &read);
        get_knobs(&reader, &read);
        get_paths(&reader, &read);
        get_pinned(&reader, &read);
        get_tokens(&reader, &read);
    }
    if (reader.has_failed || reader.at != reader.end || !is_consistent(&read)) {
        cf_recipe_release(&read);
        return cf_err_set(err, CF_ERR_CORRUPT, "the recipe of the reply is damaged");
    }
    *recipe = read;
    return CF_OK;
}

void cf_recipe_assert_sane(const struct cf_recipe *recipe)
{
    assert(is_consistent(recipe));
    assert(recipe->n_knobs == 0 || recipe->knobs[0].begin == 0);
    for (size_t i = 1; i < recipe->n_knobs; i++) {
        assert(recipe->knobs[i].begin > recipe->knobs[i - 1].begin);
    }
    for (size_t i = 1; i < recipe->n_jobs; i++) {
        assert(recipe->jobs[i].begin > recipe->jobs[i - 1].begin);
    }
    for (size_t i = 0; i < recipe->n_paths; i++) {
        assert(recipe->paths[i].n > 0);
    }
    cf_buf_assert_sane(&recipe->token_bytes);
}
