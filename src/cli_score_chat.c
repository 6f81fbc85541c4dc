/* SPDX-License-Identifier: GPL-3.0-or-later */
/* score --chat: conversations (OpenAI jsonl) through the model's template.
 *
 * Counted are the tokens of the turns' texts and the first token behind each, which ends it; role
 * marks and what else the template brings are not, and the bytes are those of the turns' texts: so
 * models with different vocabularies and templates compare. */
#include "base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_json.h"
#include "cli_scorer.h"
#include "mem.h"
#include "prompt.h"

enum { N_ROLES = CF_ROLE_ASSISTANT + 1 };

struct sums {
    struct cf_score_sum roles[N_ROLES];
    struct cf_score_sum all;
};

static void add(struct cf_score_sum *sum, const struct cf_score_sum *more)
{
    sum->n_tokens += more->n_tokens;
    sum->n_bytes += more->n_bytes;
    sum->nats += more->nats;
}

/* A conversation as it was read; texts belong to the JSON value. */
struct conversation {
    json_t *value;
    struct cf_turn *turns; /* one more than n: the empty turn that makes the last one end */
    size_t n;
    const char *system;
};

static void release(struct conversation *conversation)
{
    json_decref(conversation->value);
    free(conversation->turns);
    *conversation = (struct conversation){0};
}

static enum cf_code parse(struct conversation *conversation, const char *line, size_t size,
                          size_t number, struct cf_err *err)
{
    json_error_t error;
    *conversation = (struct conversation){0};
    json_t *value = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        return cf_err_set(err, CF_ERR_FORMAT, "line %zu is no JSON: %s", number, error.text);
    }
    conversation->value = value;
    json_t *messages = json_object_get(value, "messages");
    if (!json_is_array(messages)) {
        return cf_err_set(err, CF_ERR_FORMAT, "line %zu has no array \"messages\"", number);
    }
    conversation->turns = cf_calloc(json_array_size(messages) + 1, sizeof *conversation->turns);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        json_t *message = json_array_get(messages, i);
        const char *role_name = json_string_value(json_object_get(message, "role"));
        json_t *content = json_object_get(message, "content");
        enum cf_role role;
        if (role_name == NULL || !cf_role_find(&role, role_name) || !json_is_string(content)) {
            return cf_err_set(err, CF_ERR_FORMAT,
                              "line %zu: message %zu needs a role (user, assistant, system) and a "
                              "text as content",
                              number, i + 1);
        }
        if (role == CF_ROLE_SYSTEM) {
            conversation->system = json_string_value(content);
            continue;
        }
        conversation->turns[conversation->n++] = (struct cf_turn){
            .role = role,
            .text = json_string_value(content),
            .size = json_string_length(content),
        };
    }
    if (conversation->n == 0) {
        return cf_err_set(err, CF_ERR_FORMAT, "line %zu holds no message to score", number);
    }
    bool ends_with_user = conversation->turns[conversation->n - 1].role == CF_ROLE_USER;
    conversation->turns[conversation->n] = (struct cf_turn){
        .role = ends_with_user ? CF_ROLE_ASSISTANT : CF_ROLE_USER, .text = "", .size = 0};
    return CF_OK;
}

static void count(struct sums *sums, const struct conversation *conversation,
                  const struct cf_prompt *prompt, const struct cf_token_score *scores)
{
    int32_t owner_before = -1;
    for (size_t i = 0; i < prompt->ids.n; i++) {
        int32_t owner = prompt->owners.data[i];
        int32_t counted = owner >= 0 ? owner : owner_before;
        owner_before = owner;
        if (counted >= 0 && (size_t)counted < conversation->n && scores[i].p >= 0) {
            struct cf_score_sum one = {.n_tokens = 1, .nats = scores[i].nats};
            add(&sums->roles[conversation->turns[counted].role], &one);
        }
    }
    for (size_t i = 0; i < conversation->n; i++) {
        sums->roles[conversation->turns[i].role].n_bytes += (int64_t)conversation->turns[i].size;
    }
    for (size_t role = 0; role < N_ROLES; role++) {
        add(&sums->all, &sums->roles[role]);
    }
}

static enum cf_code score(struct sums *sums, struct cf_engine *engine,
                          const struct cf_template *template,
                          const struct conversation *conversation, int32_t stride,
                          struct cf_err *err)
{
    struct cf_prompt prompt = CF_PROMPT_INIT;
    /* No budget: windows are the scorer's business. */
    const struct cf_prompt_budget budget = {.n_ctx = INT32_MAX / 4, .max_tokens = 1};
    enum cf_code code = cf_prompt_build(&prompt, engine->tokenizer, template, conversation->system,
                                        conversation->turns, conversation->n + 1, &budget, err);
    if (code == CF_OK) {
        struct cf_token_score *scores = cf_calloc(prompt.ids.n, sizeof *scores);
        code = cf_score_ids(scores, engine, prompt.ids.data, prompt.ids.n, stride, err);
        if (code == CF_OK) {
            count(sums, conversation, &prompt, scores);
        }
        free(scores);
    }
    cf_prompt_release(&prompt);
    return code;
}

static json_t *json_bits(const struct cf_score_sum *sum)
{
    double bits = cf_score_bits_per_byte(sum);
    return isfinite(bits) ? json_real(bits) : json_null();
}

static void write_sums(struct cf_out *out, const struct cf_cli *cli, const char *name,
                       const struct sums *sums)
{
    const struct cf_score_sum *user = &sums->roles[CF_ROLE_USER];
    const struct cf_score_sum *assistant = &sums->roles[CF_ROLE_ASSISTANT];
    if (!cli->settings.json) {
        cf_out_addf(out, "%s\t%lld tokens\t%lld bytes\tuser %.4f\tassistant %.4f\tall %.4f\n", name,
                    (long long)sums->all.n_tokens, (long long)sums->all.n_bytes,
                    cf_score_bits_per_byte(user), cf_score_bits_per_byte(assistant),
                    cf_score_bits_per_byte(&sums->all));
        return;
    }
    json_t *object = json_object();
    if (strcmp(name, "total") == 0) {
        json_object_set_new(object, "event", json_string("total"));
        json_object_set_new(object, "perplexity", json_real(cf_score_perplexity(&sums->all)));
    } else {
        json_object_set_new(object, "event", json_string("conversation"));
        json_object_set_new(object, "index", json_integer(strtoll(name, NULL, 10)));
    }
    json_object_set_new(object, "tokens", json_integer(sums->all.n_tokens));
    json_object_set_new(object, "bytes", json_integer(sums->all.n_bytes));
    json_object_set_new(object, "bits_per_byte", json_bits(&sums->all));
    json_object_set_new(object, "user", json_bits(user));
    json_object_set_new(object, "assistant", json_bits(assistant));
    cf_out_add_json(out, object);
}

/* The template that --template names, else the model's. */
static enum cf_code choose_template(struct cf_template *template, const struct cf_cli *cli,
                                    const struct cf_engine *engine, struct cf_err *err)
{
    const struct cf_template *named = NULL;
    if (cli->settings.template_name == NULL) {
        (void)cf_template_of_model(template, cf_model_metadata_answer, engine->model);
        return CF_OK;
    }
    enum cf_code code =
        cf_config_find_template(&named, &cli->config, cli->settings.template_name, err);
    if (code == CF_OK) {
        cf_template_copy(template, named);
    }
    return code;
}

enum cf_code cf_score_chat(const struct cf_cli *cli, struct cf_engine *engine, int32_t stride,
                           struct cf_err *err)
{
    struct cf_template template = CF_TEMPLATE_INIT;
    struct cf_buf text = CF_BUF_INIT;
    struct sums total = {0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = choose_template(&template, cli, engine, err);
    if (code == CF_OK) {
        code = cf_cli_read_file(&text, cli, 0, err);
    }
    size_t number = 0;
    int64_t n_scored = 0;
    for (size_t begin = 0; code == CF_OK && begin < text.size;) {
        const char *newline = memchr(text.data + begin, '\n', text.size - begin);
        size_t end = newline != NULL ? (size_t)(newline - text.data) : text.size;
        number++;
        if (strspn(text.data + begin, " \t\r\n") < end - begin) {
            struct conversation conversation;
            struct sums sums = {0};
            code = parse(&conversation, text.data + begin, end - begin, number, err);
            if (code == CF_OK) {
                code = score(&sums, engine, &template, &conversation, stride, err);
            }
            release(&conversation);
            if (code == CF_OK) {
                char name[24];
                (void)snprintf(name, sizeof name, "%lld", (long long)++n_scored);
                write_sums(&out, cli, name, &sums);
                cf_out_flush(&out);
                for (size_t role = 0; role < N_ROLES; role++) {
                    add(&total.roles[role], &sums.roles[role]);
                }
                add(&total.all, &sums.all);
            }
        }
        begin = end + 1;
    }
    if (code == CF_OK && n_scored == 0) {
        code = cf_err_set(err, CF_ERR_FORMAT, "there is no conversation to score");
    }
    if (code == CF_OK) {
        write_sums(&out, cli, "total", &total);
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? err : NULL);
    cf_buf_release(&text);
    cf_template_release(&template);
    return code != CF_OK ? code : written;
}
