/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template: how a conversation becomes text for a model.
 *
 * A template has three parts, each a text with {text} once: the system part, the user part (which
 * ends with the cue for the model) and the assistant part (which begins where the model begins to
 * write), and the stop strings.  Names of special tokens in the parts become those tokens when the
 * prompt is built (src/prompt.h); inside {text} never. */
#ifndef CF_TEMPLATE_H
#define CF_TEMPLATE_H

#include "buf.h"
#include "err.h"
#include "texts.h"

struct cf_template {
    char *name;
    char *system;    /* "" or NULL: a system prompt has no place in this template */
    char *user;      /* "User: {text}\nAssistant:" */
    char *assistant; /* " {text}\n" */
    struct cf_texts stop;
    bool is_verbatim; /* texts as they are; otherwise white space at their ends is left out */
};
#define CF_TEMPLATE_INIT ((struct cf_template){.name = NULL})

void cf_template_release(struct cf_template *template);
/* Makes TEMPLATE equal to FROM by copying.  TEMPLATE is initialised. */
void cf_template_copy(struct cf_template *template, const struct cf_template *from);

/* Sets a part by its key in the config file: system, user, assistant, stop (again adds), verbatim
 * (on, off).  CF_ERR_NOT_FOUND for another key, CF_ERR_FORMAT when {text} is not there once. */
enum cf_code cf_template_set(struct cf_template *template, const char *key, const char *value,
                             struct cf_err *err);
/* CF_ERR_FORMAT when user or assistant part are missing. */
enum cf_code cf_template_check(const struct cf_template *template, struct cf_err *err);

/* The built-in one of that name (transcript, dialogpt, chatml, alpaca, questions, examples, plain), or NULL. */
const struct cf_template *cf_template_builtin(const char *name);
/* The i-th built-in one, or NULL behind the last. */
const struct cf_template *cf_template_builtin_at(size_t i);

/* How a model's own template was found. */
enum cf_template_match {
    CF_TEMPLATE_OWN,        /* confab's keys: confab.template.user, .assistant, .system, .stop */
    CF_TEMPLATE_RECOGNISED, /* tokenizer.chat_template, one whose meaning is known */
    CF_TEMPLATE_UNKNOWN,    /* tokenizer.chat_template, not understood: transcript instead */
    CF_TEMPLATE_NONE,       /* the model brings none: transcript */
};

/* The template that a model brings.  FIND answers the text of a metadata key or NULL (see
 * cf_model_metadata_find) and gets MODEL.  Further stop strings stand under confab.template.stop.1,
 * .2 and so on.  Never fails: keys that make no template count as unknown.  TEMPLATE is
 * initialised. */
enum cf_template_match cf_template_of_model(struct cf_template *template,
                                            const char *(*find)(const void *model, const char *key),
                                            const void *model);
/* Recognises the text of a jinja chat template; false when its meaning is not known. */
bool cf_template_recognise(struct cf_template *template, const char *jinja);

/* Calls FN with each metadata pair under which cf_template_of_model finds this template again: for
 * a writer of model files. */
void cf_template_metadata(const struct cf_template *template,
                          void (*fn)(void *arg, const char *key, const char *value), void *arg);

#endif
