/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static const char slot[] = "{text}";

#define STOPS(...)                                                                                 \
    {                                                                                              \
        .items = (char *[]){__VA_ARGS__}, .n = sizeof(char *[]){__VA_ARGS__} / sizeof(char *)      \
    }

static const struct cf_template builtins[] = {
    {.name = "transcript",
     .system = "{text}\n\n",
     .user = "User: {text}\nAssistant:",
     .assistant = " {text}\n",
     .stop = STOPS("\nUser:")},
    {.name = "dialogpt",
     .user = "{text}<|endoftext|>",
     .assistant = "{text}<|endoftext|>",
     .stop = STOPS("<|endoftext|>")},
    {.name = "chatml",
     .system = "<|im_start|>system\n{text}<|im_end|>\n",
     .user = "<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n",
     .assistant = "{text}<|im_end|>\n",
     .stop = STOPS("<|im_end|>")},
    {.name = "alpaca",
     .system = "{text}\n\n",
     .user = "### Instruction:\n{text}\n\n### Response:\n",
     .assistant = "{text}\n\n",
     .stop = STOPS("\n\n### Instruction:", "\n### Instruction:")},
    {.name = "questions",
     .system = "{text}\n\n",
     .user = "Q: {text}\nA:",
     .assistant = " {text}\n\n",
     .stop = STOPS("\n\n", "\nQ:")},
    {.name = "examples",
     .system = "{text}\n",
     .user = "{text} =>",
     .assistant = " {text}\n",
     .stop = STOPS("\n")},
    {.name = "plain",
     .system = "{text}\n\n",
     .user = "{text}",
     .assistant = "{text}",
     .is_verbatim = true},
};

void cf_template_release(struct cf_template *template)
{
    free(template->name);
    free(template->system);
    free(template->user);
    free(template->assistant);
    cf_texts_release(&template->stop);
    *template = CF_TEMPLATE_INIT;
}

static void replace(char **text, const char *by)
{
    char *copy = by != NULL ? cf_strdup(by) : NULL;
    free(*text);
    *text = copy;
}

void cf_template_copy(struct cf_template *template, const struct cf_template *from)
{
    if (template == from) {
        return;
    }
    replace(&template->name, from->name);
    replace(&template->system, from->system);
    replace(&template->user, from->user);
    replace(&template->assistant, from->assistant);
    cf_texts_copy(&template->stop, &from->stop);
    template->is_verbatim = from->is_verbatim;
}

static bool has_one_slot(const char *part)
{
    const char *first = strstr(part, slot);
    return first != NULL && strstr(first + 1, slot) == NULL;
}

enum cf_code cf_template_set(struct cf_template *template, const char *key, const char *value,
                             struct cf_err *err)
{
    char **part = strcmp(key, "system") == 0      ? &template->system
                  : strcmp(key, "user") == 0      ? &template->user
                  : strcmp(key, "assistant") == 0 ? &template->assistant
                                                  : NULL;
    if (part != NULL) {
        bool is_empty_system = part == &template->system && value[0] == '\0';
        if (!is_empty_system && !has_one_slot(value)) {
            return cf_err_set(err, CF_ERR_FORMAT, "the %s part of a template needs {text} once",
                              key);
        }
        replace(part, value);
        return CF_OK;
    }
    if (strcmp(key, "stop") == 0) {
        if (value[0] == '\0') {
            return cf_err_set(err, CF_ERR_FORMAT, "the stop text of a template is empty");
        }
        cf_texts_add(&template->stop, value);
        return CF_OK;
    }
    if (strcmp(key, "verbatim") == 0) {
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
            return cf_err_set(err, CF_ERR_FORMAT, "verbatim must be on or off, not %s", value);
        }
        template->is_verbatim = strcmp(value, "on") == 0;
        return CF_OK;
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND,
                      "a template has no '%s', only system, user, assistant, stop and verbatim",
                      key);
}

enum cf_code cf_template_check(const struct cf_template *template, struct cf_err *err)
{
    const char *missing = template->user == NULL        ? "user"
                          : template->assistant == NULL ? "assistant"
                                                        : NULL;
    if (missing == NULL) {
        return CF_OK;
    }
    return cf_err_set(err, CF_ERR_FORMAT, "the template %s has no %s part",
                      template->name != NULL ? template->name : "of the model", missing);
}

const struct cf_template *cf_template_builtin(const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(builtins); i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            return &builtins[i];
        }
    }
    return NULL;
}

const struct cf_template *cf_template_builtin_at(size_t i)
{
    return i < CF_ARRAY_SIZE(builtins) ? &builtins[i] : NULL;
}

/* A jinja text without the white space between its words and with one kind of quotes. */
static void compact(struct cf_buf *text, const char *jinja)
{
    for (const char *at = jinja; *at != '\0'; at++) {
        if (*at != ' ' && *at != '\n' && *at != '\r' && *at != '\t' && *at != '-') {
            cf_buf_add_char(text, *at == '\'' ? '"' : *at);
        }
    }
}

/* Turns that are just a role's token, the text and the end token: the family of chat-v0.  Templates
 * with line ends between them are another family. */
static bool recognise_role_tokens(struct cf_template *template, const char *jinja)
{
    bool has_end = strstr(jinja, "<|endoftext|>") != NULL || strstr(jinja, "eos_token") != NULL;
    if (strstr(jinja, "<|user|>") == NULL || strstr(jinja, "<|assistant|>") == NULL || !has_end ||
        strstr(jinja, "\\n") != NULL) {
        return false;
    }
    bool has_system = strstr(jinja, "<|system|>") != NULL;
    const struct cf_template made = {
        .name = "roles",
        .system = has_system ? "<|system|>{text}<|endoftext|>" : NULL,
        .user = "<|user|>{text}<|endoftext|><|assistant|>",
        .assistant = "{text}<|endoftext|>",
        .stop = STOPS("<|endoftext|>"),
    };
    cf_template_copy(template, &made);
    return true;
}

bool cf_template_recognise(struct cf_template *template, const char *jinja)
{
    static const struct {
        const char *marks[2];
        const char *name;
    } families[] = {
        {{"<|im_start|>", "<|im_end|>"}, "chatml"},
        {{"### Instruction:", "### Response:"}, "alpaca"},
        {{"User: ", "Assistant:"}, "transcript"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(families); i++) {
        if (strstr(jinja, families[i].marks[0]) != NULL &&
            strstr(jinja, families[i].marks[1]) != NULL) {
            cf_template_copy(template, cf_template_builtin(families[i].name));
            return true;
        }
    }
    if (recognise_role_tokens(template, jinja)) {
        return true;
    }
    /* The template that transformers gave to GPT-2 and DialoGPT. */
    static const char *const bare[] = {
        "{%formessageinmessages%}{{message.content}}{{eos_token}}{%endfor%}",
        "{%formessageinmessages%}{{message[\"content\"]}}{{eos_token}}{%endfor%}",
        "{%formessageinmessages%}{{message[\"content\"]+eos_token}}{%endfor%}",
    };
    struct cf_buf text = CF_BUF_INIT;
    compact(&text, jinja);
    bool is_bare = false;
    for (size_t i = 0; i < CF_ARRAY_SIZE(bare); i++) {
        is_bare = is_bare || strcmp(text.data, bare[i]) == 0;
    }
    cf_buf_release(&text);
    if (is_bare) {
        cf_template_copy(template, cf_template_builtin("dialogpt"));
    }
    return is_bare;
}

/* Our own keys in a model file, and the keys of the config file that they stand for. */
static const char key_prefix[] = "confab.template.";

/* The parts that our keys give; false when there is none or they make no template. */
static bool read_own(struct cf_template *template,
                     const char *(*find)(const void *model, const char *key), const void *model)
{
    static const char *const keys[] = {"user", "assistant", "system", "verbatim", "stop"};
    struct cf_template made = CF_TEMPLATE_INIT;
    char key[64];
    bool is_good = true;
    for (size_t i = 0; i < CF_ARRAY_SIZE(keys); i++) {
        (void)snprintf(key, sizeof key, "%s%s", key_prefix, keys[i]);
        const char *value = find(model, key);
        is_good =
            is_good && (value == NULL || cf_template_set(&made, keys[i], value, NULL) == CF_OK);
    }
    for (int i = 1; i < 100; i++) {
        (void)snprintf(key, sizeof key, "%sstop.%d", key_prefix, i);
        const char *value = find(model, key);
        if (value == NULL) {
            break;
        }
        is_good = is_good && cf_template_set(&made, "stop", value, NULL) == CF_OK;
    }
    (void)snprintf(key, sizeof key, "%sname", key_prefix);
    const char *name = find(model, key);
    replace(&made.name, name != NULL ? name : "model");
    is_good = is_good && cf_template_check(&made, NULL) == CF_OK;
    if (is_good) {
        cf_template_copy(template, &made);
    }
    cf_template_release(&made);
    return is_good;
}

enum cf_template_match cf_template_of_model(struct cf_template *template,
                                            const char *(*find)(const void *model, const char *key),
                                            const void *model)
{
    if (read_own(template, find, model)) {
        return CF_TEMPLATE_OWN;
    }
    const char *jinja = find(model, "tokenizer.chat_template");
    if (jinja != NULL && cf_template_recognise(template, jinja)) {
        return CF_TEMPLATE_RECOGNISED;
    }
    cf_template_copy(template, cf_template_builtin("transcript"));
    return jinja != NULL || find(model, "confab.template.user") != NULL ? CF_TEMPLATE_UNKNOWN
                                                                        : CF_TEMPLATE_NONE;
}

void cf_template_metadata(const struct cf_template *template,
                          void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
    fn(arg, "confab.template.name", template->name != NULL ? template->name : "model");
    if (template->system != NULL) {
        fn(arg, "confab.template.system", template->system);
    }
    fn(arg, "confab.template.user", template->user);
    fn(arg, "confab.template.assistant", template->assistant);
    if (template->is_verbatim) {
        fn(arg, "confab.template.verbatim", "on");
    }
    for (size_t i = 0; i < template->stop.n; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "%sstop.%zu", key_prefix, i);
        fn(arg, i == 0 ? "confab.template.stop" : key, template->stop.items[i]);
    }
}
