/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON files of a Hugging Face tokenizer. */
#include "tokenizer_parts.h"

#include <string.h>

/* GPT-2's pattern as tokenizer.json files spell it. */
static const char *const gpt2_patterns[] = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
};

static enum cf_code unsupported(const struct cf_tokenizer_build *build, const char *what,
                                struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_UNSUPPORTED, "%s: %s is not supported", build->file, what);
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static bool is_type(const json_t *object, const char *type)
{
    const char *value = json_string_value(json_object_get(object, "type"));
    return value != NULL && strcmp(value, type) == 0;
}

/* The name of a token: a string or an object with "content"; NULL for anything else. */
static const json_t *name_of(const json_t *value)
{
    if (json_is_object(value)) {
        value = json_object_get(value, "content");
    }
    return json_is_string(value) ? value : NULL;
}

enum cf_code cf_tokenizer_load_vocab(struct cf_tokenizer_build *build, json_t *json,
                                     struct cf_err *err)
{
    const char *word;
    json_t *id;
    json_object_foreach(json, word, id)
    {
        if (!json_is_integer(id)) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: the id of token \"%.40s\" is no integer",
                              build->file, word);
        }
        enum cf_code code =
            cf_tokenizer_build_spelled(build, json_integer_value(id), word, strlen(word), err);
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

enum cf_code cf_tokenizer_load_merges(struct cf_tokenizer_build *build, const void *text,
                                      size_t size, struct cf_err *err)
{
    const char *line = text;
    const char *end = line + size;
    bool is_first = true;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline != NULL ? newline : end;
        size_t n = (size_t)(stop - line);
        n -= n > 0 && line[n - 1] == '\r';
        /* Only the first line may be a comment: "#" is a word as well. */
        bool is_comment = is_first && n >= 8 && memcmp(line, "#version", 8) == 0;
        if (n > 0 && !is_comment) {
            enum cf_code code = cf_tokenizer_build_merge_line(build, line, n, err);
            if (code != CF_OK) {
                return code;
            }
        }
        is_first = false;
        line = stop + 1;
    }
    return CF_OK;
}

/* A row of added_tokens or added_tokens_decoder. */
static enum cf_code load_word(struct cf_tokenizer_build *build, int64_t id, const json_t *row,
                              struct cf_err *err)
{
    const json_t *name = name_of(row);
    if (name == NULL || id < 0) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: an added token without %s", build->file,
                          name == NULL ? "content" : "a sound id");
    }
    bool is_special = is_true(row, "special");
    /* Special tokens are written by templates, where nothing is stripped. */
    if (!is_special &&
        (is_true(row, "lstrip") || is_true(row, "rstrip") || is_true(row, "single_word"))) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: lstrip, rstrip or single_word of added token \"%.40s\" is not "
                          "supported",
                          build->file, json_string_value(name));
    }
    return cf_tokenizer_build_word(build, id, json_string_value(name), json_string_length(name),
                                   is_special ? CF_TOKEN_SPECIAL : CF_TOKEN_ADDED, err);
}

/* ---- tokenizer.json ---- */

static bool is_empty(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_number(value) && !(json_number_value(value) > 0)) ||
           (json_is_object(value) && json_is_array(json_object_get(value, "normalizers")) &&
            json_array_size(json_object_get(value, "normalizers")) == 0);
}

static bool is_gpt2_split(const json_t *step)
{
    const char *pattern =
        json_string_value(json_object_get(json_object_get(step, "pattern"), "Regex"));
    const char *behavior = json_string_value(json_object_get(step, "behavior"));
    if (!is_type(step, "Split") || pattern == NULL || behavior == NULL ||
        strcmp(behavior, "Isolated") != 0 || is_true(step, "invert")) {
        return false;
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(gpt2_patterns); i++) {
        if (strcmp(pattern, gpt2_patterns[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ByteLevel, alone or as the only step of a sequence, or after a Split by the same pattern. */
static enum cf_code check_pre_tokenizer(const struct cf_tokenizer_build *build, json_t *step,
                                        struct cf_err *err)
{
    bool is_split = false;
    if (is_type(step, "Sequence")) {
        json_t *steps = json_object_get(step, "pretokenizers");
        size_t n = json_array_size(steps);
        is_split = n == 2 && is_gpt2_split(json_array_get(steps, 0));
        if (n != 1 && !is_split) {
            return unsupported(build, "this pre_tokenizer", err);
        }
        step = json_array_get(steps, n - 1);
    }
    if (!is_type(step, "ByteLevel")) {
        return unsupported(build, "a pre_tokenizer that is not GPT-2's ByteLevel", err);
    }
    if (is_true(step, "add_prefix_space")) {
        return unsupported(build, "add_prefix_space", err);
    }
    if (json_is_false(json_object_get(step, "use_regex")) != is_split) {
        return unsupported(build, is_split ? "a second split" : "ByteLevel without its pattern",
                           err);
    }
    return CF_OK;
}

static enum cf_code check_model(const struct cf_tokenizer_build *build, json_t *json,
                                struct cf_err *err)
{
    static const char *const unknown[] = {"dropout", "continuing_subword_prefix",
                                          "end_of_word_suffix", "byte_fallback", "ignore_merges"};
    json_t *model = json_object_get(json, "model");
    if (!json_is_object(model)) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: no object \"model\"", build->file);
    }
    if (json_object_get(model, "type") != NULL && !is_type(model, "BPE")) {
        return unsupported(build, "a model that is not BPE", err);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(unknown); i++) {
        if (!is_empty(json_object_get(model, unknown[i]))) {
            return unsupported(build, unknown[i], err);
        }
    }
    if (!is_empty(json_object_get(json, "normalizer"))) {
        return unsupported(build, "a normalizer", err);
    }
    return check_pre_tokenizer(build, json_object_get(json, "pre_tokenizer"), err);
}

static enum cf_code load_merge_list(struct cf_tokenizer_build *build, json_t *merges,
                                    struct cf_err *err)
{
    size_t i;
    json_t *merge;
    json_array_foreach(merges, i, merge)
    {
        enum cf_code code;
        json_t *left = json_array_get(merge, 0);
        json_t *right = json_array_get(merge, 1);
        if (json_is_string(merge)) {
            code = cf_tokenizer_build_merge_line(build, json_string_value(merge),
                                                 json_string_length(merge), err);
        } else if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right)) {
            code =
                cf_tokenizer_build_merge(build, json_string_value(left), json_string_length(left),
                                         json_string_value(right), json_string_length(right), err);
        } else {
            code = cf_err_set(err, CF_ERR_FORMAT, "%s: merge %zu is no pair of words", build->file,
                              i + 1);
        }
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

/* Whether texts begin with a special token, as TemplateProcessing says. */
static void load_post_processor(struct cf_tokenizer_build *build, json_t *step)
{
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(step, "processors"), i, part)
    {
        if (is_type(part, "TemplateProcessing")) {
            step = part;
            break;
        }
    }
    const json_t *first = json_array_get(json_object_get(step, "single"), 0);
    const json_t *id = json_object_get(json_object_get(first, "SpecialToken"), "id");
    if (is_type(step, "TemplateProcessing") && json_is_string(id)) {
        build->tokenizer->bos =
            cf_tokenizer_build_find(build, json_string_value(id), json_string_length(id));
        build->tokenizer->adds_bos = build->tokenizer->bos >= 0;
    }
}

enum cf_code cf_tokenizer_load_json(struct cf_tokenizer_build *build, json_t *json,
                                    struct cf_err *err)
{
    enum cf_code code = check_model(build, json, err);
    if (code != CF_OK) {
        return code;
    }
    json_t *model = json_object_get(json, "model");
    json_t *vocab = json_object_get(model, "vocab");
    json_t *merges = json_object_get(model, "merges");
    if (!json_is_object(vocab) || !json_is_array(merges)) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s: the model has no vocab or no merges",
                          build->file);
    }
    code = cf_tokenizer_load_vocab(build, vocab, err);
    if (code != CF_OK) {
        return code;
    }
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(json, "added_tokens"), i, row)
    {
        const json_t *id = json_object_get(row, "id");
        code = load_word(build, json_is_integer(id) ? json_integer_value(id) : -1, row, err);
        if (code != CF_OK) {
            return code;
        }
    }
    load_post_processor(build, json_object_get(json, "post_processor"));
    return load_merge_list(build, merges, err);
}

/* ---- the files beside ---- */

/* A decimal number, the whole of TEXT; -1 when it is none. */
static int64_t parse_id(const char *text)
{
    int64_t id = 0;
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || id > CF_TOKENIZER_ID_MAX) {
            return -1;
        }
        id = 10 * id + (*digit - '0');
    }
    return text[0] != '\0' ? id : -1;
}

static enum cf_code mark_special(struct cf_tokenizer_build *build, const json_t *value,
                                 struct cf_err *err)
{
    const json_t *name = name_of(value);
    return name == NULL || json_string_length(name) == 0
               ? CF_OK
               : cf_tokenizer_build_word(build, -1, json_string_value(name),
                                         json_string_length(name), CF_TOKEN_SPECIAL, err);
}

static void find_named(const struct cf_tokenizer_build *build, const json_t *json, const char *key,
                       int32_t *id)
{
    const json_t *name = name_of(json_object_get(json, key));
    int32_t found = name != NULL ? cf_tokenizer_build_find(build, json_string_value(name),
                                                           json_string_length(name))
                                 : -1;
    *id = found >= 0 ? found : *id;
}

enum cf_code cf_tokenizer_load_config(struct cf_tokenizer_build *build, json_t *json,
                                      struct cf_err *err)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    if (is_true(json, "add_prefix_space")) {
        return unsupported(build, "add_prefix_space", err);
    }
    enum cf_code code = CF_OK;
    const char *number;
    json_t *row;
    json_object_foreach(json_object_get(json, "added_tokens_decoder"), number, row)
    {
        code = load_word(build, parse_id(number), row, err);
        if (code != CF_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(keys) && code == CF_OK; i++) {
        code = mark_special(build, json_object_get(json, keys[i]), err);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(lists) && code == CF_OK; i++) {
        size_t at;
        json_t *list = json_object_get(json, lists[i]);
        json_array_foreach(list, at, row)
        {
            code = mark_special(build, row, err);
            if (code != CF_OK) {
                return code;
            }
        }
    }
    find_named(build, json, "bos_token", &build->tokenizer->bos);
    find_named(build, json, "eos_token", &build->tokenizer->eos);
    build->tokenizer->adds_bos |= is_true(json, "add_bos_token");
    return code;
}

enum cf_code cf_tokenizer_load_added(struct cf_tokenizer_build *build, json_t *json,
                                     struct cf_err *err)
{
    const char *word;
    json_t *id;
    json_object_foreach(json, word, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s: the id of token \"%.40s\" is no integer",
                              build->file, word);
        }
        enum cf_code code = cf_tokenizer_build_word(build, json_integer_value(id), word,
                                                    strlen(word), CF_TOKEN_ADDED, err);
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

static bool is_known(const struct cf_tokenizer_build *build, const json_t *id)
{
    json_int_t value = json_integer_value(id);
    return json_is_integer(id) && value >= 0 && value < build->tokenizer->n_tokens &&
           build->tokenizer->tokens[value].kind != CF_TOKEN_NONE;
}

void cf_tokenizer_load_ids(struct cf_tokenizer_build *build, json_t *json)
{
    struct cf_tokenizer *tokenizer = build->tokenizer;
    const json_t *bos = json_object_get(json, "bos_token_id");
    json_t *eos = json_object_get(json, "eos_token_id");
    if (tokenizer->bos < 0 && is_known(build, bos)) {
        tokenizer->bos = (int32_t)json_integer_value(bos);
    }
    const json_t *first = json_is_array(eos) ? json_array_get(eos, 0) : eos;
    if (tokenizer->eos < 0 && is_known(build, first)) {
        tokenizer->eos = (int32_t)json_integer_value(first);
    }
    if (is_known(build, eos)) {
        cf_tokenizer_build_end(build, json_integer_value(eos));
    }
    size_t i;
    const json_t *id;
    json_array_foreach(eos, i, id)
    {
        if (is_known(build, id)) {
            cf_tokenizer_build_end(build, json_integer_value(id));
        }
    }
}
