/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokenizer of a Hugging Face folder. */
#include "tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonfile.h"
#include "mapping.h"

/* Far above any real file: 200,000 tokens with their merges take some 20 MB. */
enum { FILE_SIZE_MAX = 256 << 20 };

#define END_OF_TEXT "<|endoftext|>"

static char *path_in(const char *folder, const char *name)
{
    struct cf_buf path = CF_BUF_INIT;
    size_t size = strlen(folder);
    cf_buf_addf(&path, "%s%s%s", folder, size > 0 && folder[size - 1] == '/' ? "" : "/", name);
    return cf_buf_take(&path);
}

static bool is_there(const char *folder, const char *name)
{
    char *path = path_in(folder, name);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

typedef enum cf_code load_fn(struct cf_tokenizer_build *build, json_t *json, struct cf_err *err);

/* Loads one JSON file into the build; one that is not there adds nothing. */
static enum cf_code load_file(struct cf_tokenizer_build *build, const char *folder,
                              const char *name, load_fn *load, struct cf_err *err)
{
    if (!is_there(folder, name)) {
        return CF_OK;
    }
    char *path = path_in(folder, name);
    json_t *json = NULL;
    enum cf_code code = cf_jsonfile_load(&json, path, FILE_SIZE_MAX, err);
    if (code == CF_OK) {
        build->file = path;
        code = load(build, json, err);
        build->file = folder;
    }
    json_decref(json);
    free(path);
    return code;
}

static enum cf_code load_merges(struct cf_tokenizer_build *build, const char *folder,
                                struct cf_err *err)
{
    char *path = path_in(folder, "merges.txt");
    struct cf_mapping mapping = {0};
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code == CF_OK && mapping.size > FILE_SIZE_MAX) {
        code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s: larger than %d bytes", path, FILE_SIZE_MAX);
    }
    if (code == CF_OK && mapping.size > 0) {
        build->file = path;
        code = cf_tokenizer_load_merges(build, mapping.data, mapping.size, err);
        build->file = folder;
    }
    cf_mapping_close(&mapping);
    free(path);
    return code;
}

static enum cf_code load_ids(struct cf_tokenizer_build *build, json_t *json, struct cf_err *err)
{
    (void)err;
    cf_tokenizer_load_ids(build, json);
    return CF_OK;
}

static enum cf_code none_found(const char *folder, struct cf_err *err)
{
    const char *half = is_there(folder, "vocab.json")   ? "vocab.json but no merges.txt"
                       : is_there(folder, "merges.txt") ? "merges.txt but no vocab.json"
                                                        : NULL;
    if (half != NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: it has %s", folder, half);
    }
    const char *other = is_there(folder, "vocab.txt")         ? "vocab.txt"
                        : is_there(folder, "tokenizer.model") ? "tokenizer.model"
                        : is_there(folder, "spiece.model")    ? "spiece.model"
                                                              : NULL;
    if (other != NULL) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED,
                          "%s: its tokenizer (%s) is no byte-level BPE, the only kind supported",
                          folder, other);
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND,
                      "%s: no tokenizer there (vocab.json with merges.txt, or tokenizer.json)",
                      folder);
}

static enum cf_code load_words(struct cf_tokenizer_build *build, const char *folder,
                               struct cf_err *err)
{
    if (is_there(folder, "vocab.json") && is_there(folder, "merges.txt")) {
        enum cf_code code = load_file(build, folder, "vocab.json", cf_tokenizer_load_vocab, err);
        if (code == CF_OK) {
            code = load_file(build, folder, "added_tokens.json", cf_tokenizer_load_added, err);
        }
        return code == CF_OK ? load_merges(build, folder, err) : code;
    }
    if (is_there(folder, "tokenizer.json")) {
        return load_file(build, folder, "tokenizer.json", cf_tokenizer_load_json, err);
    }
    return none_found(folder, err);
}

enum cf_code cf_tokenizer_open_folder(struct cf_tokenizer **tokenizer, const char *folder,
                                      struct cf_err *err)
{
    struct cf_tokenizer_build build;
    cf_tokenizer_build_init(&build, folder);
    enum cf_code code = load_words(&build, folder, err);
    /* GPT-2's own folder names its special token nowhere. */
    if (code == CF_OK) {
        code = cf_tokenizer_build_word(&build, -1, END_OF_TEXT, sizeof END_OF_TEXT - 1,
                                       CF_TOKEN_SPECIAL, err);
    }
    if (code == CF_OK) {
        code = load_file(&build, folder, "special_tokens_map.json", cf_tokenizer_load_config, err);
    }
    if (code == CF_OK) {
        code = load_file(&build, folder, "tokenizer_config.json", cf_tokenizer_load_config, err);
    }
    if (code == CF_OK) {
        code = load_file(&build, folder, "config.json", load_ids, err);
    }
    if (code == CF_OK) {
        code = load_file(&build, folder, "generation_config.json", load_ids, err);
    }
    if (code == CF_OK) {
        struct cf_tokenizer *made = build.tokenizer;
        int32_t end = cf_tokenizer_build_find(&build, END_OF_TEXT, sizeof END_OF_TEXT - 1);
        made->eos = made->eos >= 0 ? made->eos : end;
        made->bos = made->bos >= 0 ? made->bos : end;
        code = cf_tokenizer_build_finish(tokenizer, &build, err);
    }
    cf_tokenizer_build_release(&build);
    return code;
}
