/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model list, model info and model convert. */
#include "base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "cli_engine.h"
#include "cli_json.h"
#include "digest.h"
#include "mem.h"
#include "path.h"
#include "quantize.h"
#include "template.h"

enum cf_exit cf_cli_model_list(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_texts names = {0};
    struct cf_texts paths = {0};
    struct cf_out out;
    char *bundled = NULL;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_catalog_list(&names, &paths, &err);
    if (code == CF_OK && cf_catalog_find(&bundled, NULL, NULL) == CF_OK) {
        cf_texts_add(&names, "(bundled)");
        cf_texts_add(&paths, bundled);
    }
    for (size_t i = 0; code == CF_OK && i < names.n; i++) {
        if (cli->settings.json) {
            json_t *object = json_object();
            json_object_set_new(object, "name", cf_json_string(names.items[i]));
            json_object_set_new(object, "path", cf_json_string(paths.items[i]));
            cf_out_add_json(&out, object);
        } else {
            cf_out_add_text(&out, names.items[i], strlen(names.items[i]));
            cf_out_end_text(&out);
            cf_out_add(&out, "\t", 1);
            cf_out_add_text(&out, paths.items[i], strlen(paths.items[i]));
            cf_out_end_text(&out);
            cf_out_add(&out, "\n", 1);
        }
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
    free(bundled);
    cf_texts_release(&names);
    cf_texts_release(&paths);
    code = code != CF_OK ? code : written;
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}

/* What is known of a model, a pair a line or one JSON object. */
struct facts {
    struct cf_out out;
    json_t *object; /* NULL: lines */
};

static void add_text(struct facts *facts, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (facts->object != NULL) {
        json_object_set_new(facts->object, name, cf_json_string(text));
        return;
    }
    cf_out_addf(&facts->out, "%-14s ", name);
    cf_out_add_text(&facts->out, text, strlen(text));
    cf_out_end_text(&facts->out);
    cf_out_add(&facts->out, "\n", 1);
}

static void add_number(struct facts *facts, const char *name, int64_t number)
{
    if (facts->object != NULL) {
        json_object_set_new(facts->object, name, json_integer(number));
        return;
    }
    cf_out_addf(&facts->out, "%-14s %" PRId64 "\n", name, number);
}

/* Bytes: as a number in JSON, with a unit for people. */
static void add_size(struct facts *facts, const char *name, int64_t size)
{
    if (facts->object != NULL) {
        json_object_set_new(facts->object, name, json_integer(size));
        return;
    }
    cf_out_addf(&facts->out, "%-14s %.1f MB\n", name, (double)size / 1e6);
}

static void add_template(struct facts *facts, const struct cf_model *model)
{
    struct cf_template template = CF_TEMPLATE_INIT;
    switch (cf_template_of_model(&template, cf_model_metadata_answer, model)) {
    case CF_TEMPLATE_OWN:
    case CF_TEMPLATE_RECOGNISED:
        add_text(facts, "template", template.name);
        break;
    case CF_TEMPLATE_UNKNOWN:
        add_text(facts, "template", "transcript (the model's own is not understood)");
        break;
    case CF_TEMPLATE_NONE:
        add_text(facts, "template", "transcript (the model brings none)");
        break;
    }
    cf_template_release(&template);
}

static void add_facts(struct facts *facts, const struct cf_model *model, const char *path)
{
    add_text(facts, "name", model->name);
    add_text(facts, "path", path);
    add_text(facts, "architecture", "gpt2");
    add_text(facts, "type", cf_dtype_name(model->dtype));
    add_number(facts, "parameters", model->n_parameters);
    add_number(facts, "n_layer", model->n_layer);
    add_number(facts, "n_head", model->n_head);
    add_number(facts, "n_embd", model->n_embd);
    add_number(facts, "n_inner", model->n_inner);
    add_number(facts, "n_ctx", model->n_ctx);
    add_number(facts, "n_vocab", model->n_vocab);
    add_text(facts, "activation", model->gelu == CF_GELU_TANH ? "gelu_new" : "gelu");
    add_text(facts, "head",
             model->is_tied                ? "tied"
             : model->lm_head_bias != NULL ? "untied, with bias"
                                           : "untied");
    static const char *const keys[][2] = {
        {"description", "general.description"},
        {"licence", "general.license"},
        {"author", "general.author"},
        {"url", "general.url"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(keys); i++) {
        add_text(facts, keys[i][0], cf_model_metadata_find(model, keys[i][1]));
    }
    add_template(facts, model);
    const struct cf_session_params params = {.kv_type = model->dtype == CF_F32 ? CF_F32 : CF_F16,
                                             .n_branches = 1};
    int64_t weights = cf_model_size(model);
    add_size(facts, "weights", weights);
    add_size(facts, "memory", weights + (int64_t)cf_session_memory_size(model, &params));
}

enum cf_exit cf_cli_model_info(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_model *model = NULL;
    struct cf_digest digest;
    char *path = NULL;
    char *cache_path = NULL;
    enum cf_code code = cli->n_args > 0 ? cf_catalog_find(&path, cli->args[0], &err)
                                        : cf_cli_model_path(&path, cli, &err);
    if (code == CF_OK) {
        code = cf_model_open(&model, path, &err);
    }
    if (code == CF_OK) {
        if (cf_path_in(&cache_path, CF_FOLDER_CACHE, "digests", NULL) == CF_OK) {
            (void)cf_path_make_parent(cache_path, NULL);
        }
        code = cf_digest_model(&digest, path, cache_path, NULL, &err);
    }
    if (code == CF_OK) {
        struct facts facts = {.object = cli->settings.json ? json_object() : NULL};
        char text[CF_DIGEST_TEXT_SIZE];
        cf_digest_format(text, &digest);
        cf_out_init(&facts.out, STDOUT_FILENO);
        add_facts(&facts, model, path);
        add_text(&facts, "digest", text);
        if (facts.object != NULL) {
            cf_out_add_json(&facts.out, facts.object);
        }
        code = cf_out_finish(&facts.out, &err);
    }
    if (model != NULL) {
        cf_model_free(model);
    }
    free(cache_path);
    free(path);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}

static bool report_progress(void *data, uint64_t done, uint64_t total)
{
    int *shown = data;
    int percent = total > 0 ? (int)(done * 100 / total) : 100;
    if (*shown >= 0 && percent != *shown) {
        *shown = percent;
        fprintf(stderr, "\r%3d %%%s", percent, percent == 100 ? "\n" : "");
        fflush(stderr);
    }
    return cf_cli_signal() == 0;
}

/* The arguments behind the two files: KEY=VALUE.  The keys are cut off in TEXTS, which they stay
 * in. */
static enum cf_code read_metadata(struct cf_convert_metadata **rows, size_t *n_rows,
                                  struct cf_texts *texts, const struct cf_cli *cli,
                                  struct cf_err *err)
{
    for (int i = 2; i < cli->n_args; i++) {
        cf_texts_add(texts, cli->args[i]);
        char *text = texts->items[texts->n - 1];
        char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return cf_err_set(err, CF_ERR_USAGE, "metadata is KEY=VALUE, not %s", cli->args[i]);
        }
        *equals = '\0';
        *rows = cf_realloc_array(*rows, *n_rows + 1, sizeof **rows);
        (*rows)[(*n_rows)++] =
            (struct cf_convert_metadata){text, equals[1] != '\0' ? equals + 1 : NULL};
    }
    return CF_OK;
}

enum cf_exit cf_cli_model_convert(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_convert convert = {.dtype = CF_Q8_0, .may_replace = cli->settings.yes};
    char *path = NULL;
    enum cf_code code = CF_OK;
    (void)cf_settings_weights(&convert.dtype, &cli->settings);
    struct cf_convert_metadata *rows = NULL;
    struct cf_texts texts = {0};
    if (code == CF_OK) {
        code = read_metadata(&rows, &convert.n_metadata, &texts, cli, &err);
        convert.metadata = rows;
    }
    if (code == CF_OK) {
        code = cf_catalog_find(&path, cli->args[0], &err);
    }
    if (code == CF_OK) {
        int shown = isatty(STDERR_FILENO) == 1 && !cli->settings.quiet ? 0 : -1;
        convert.progress = (struct cf_progress){.report = report_progress, .data = &shown};
        cf_cli_catch_signals();
        code = cf_model_convert(path, cli->args[1], &convert, &err);
    }
    cf_texts_release(&texts);
    free(rows);
    free(path);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
