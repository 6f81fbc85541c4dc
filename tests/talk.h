/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations for the tests of prompt, with the tokenizer of tests/fixtures/prompt. */
#ifndef TALK_H
#define TALK_H

#include "test.h"

#include <stdio.h>

#include "mem.h"
#include "prompt.h"
#include "roles_jinja.h"

enum { MAX_TURNS = 64 };

static struct cf_tokenizer *tokenizer;
static struct cf_template roles = {.name = NULL};

static int open_tokenizer(void **state)
{
    (void)state;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/prompt", TEST_SRCDIR);
    struct cf_err err = CF_ERR_INIT;
    if (cf_tokenizer_open(&tokenizer, path, &err) != CF_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    return cf_template_recognise(&roles, test_roles_jinja) ? 0 : -1;
}

static int close_tokenizer(void **state)
{
    (void)state;
    cf_tokenizer_free(tokenizer);
    cf_template_release(&roles);
    return 0;
}

static const struct cf_template *find_template(const char *name)
{
    return strcmp(name, "roles") == 0 ? &roles : cf_template_builtin(name);
}

/* A conversation with room of its own. */
struct talk {
    struct cf_turn turns[MAX_TURNS];
    char *texts[MAX_TURNS];
    struct cf_ids ids[MAX_TURNS];
    size_t n;
};

static void talk_add(struct talk *talk, enum cf_role role, const char *text, size_t size)
{
    assert_true(talk->n < MAX_TURNS);
    talk->texts[talk->n] = cf_memdup_str(text, size);
    talk->turns[talk->n] =
        (struct cf_turn){.role = role, .text = talk->texts[talk->n], .size = size};
    talk->n++;
}

static void talk_say(struct talk *talk, enum cf_role role, const char *text)
{
    talk_add(talk, role, text, strlen(text));
}

/* A reply with its ids, here those that the tokenizer would choose. */
static void talk_reply(struct talk *talk, const char *text)
{
    talk_say(talk, CF_ROLE_ASSISTANT, text);
    struct cf_ids *ids = &talk->ids[talk->n - 1];
    cf_tokenizer_encode(tokenizer, text, strlen(text), ids);
    talk->turns[talk->n - 1].ids = ids->data;
    talk->turns[talk->n - 1].n_ids = (int32_t)ids->n;
}

static void talk_release(struct talk *talk)
{
    for (size_t i = 0; i < talk->n; i++) {
        free(talk->texts[i]);
        cf_ids_release(&talk->ids[i]);
    }
    *talk = (struct talk){.n = 0};
}

static struct cf_prompt build(const struct talk *talk, const char *template, const char *system,
                              int32_t n_ctx, int32_t max_tokens, size_t start)
{
    struct cf_prompt prompt = CF_PROMPT_INIT;
    struct cf_err err = CF_ERR_INIT;
    struct cf_prompt_budget budget = {.n_ctx = n_ctx, .max_tokens = max_tokens, .start = start};
    enum cf_code code = cf_prompt_build(&prompt, tokenizer, find_template(template), system,
                                        talk->turns, talk->n, &budget, &err);
    if (code != CF_OK) {
        print_error("%s\n", err.text);
    }
    assert_int_equal(code, CF_OK);
    assert_int_equal(prompt.owners.n, prompt.ids.n);
    assert_true(prompt.ids.n > 0 && prompt.ids.n <= (size_t)(n_ctx - prompt.n_reserved));
    assert_true(prompt.n_reply >= prompt.n_reserved);
    assert_true(prompt.n_reply <= max_tokens);
    return prompt;
}

static struct cf_buf spell(const struct cf_prompt *prompt)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_tokenizer_decode(tokenizer, prompt->ids.data, prompt->ids.n, &text);
    return text;
}

static void assert_spells(const struct cf_prompt *prompt, const char *expected)
{
    struct cf_buf text = spell(prompt);
    assert_string_equal(text.data, expected);
    cf_buf_release(&text);
}

#endif
