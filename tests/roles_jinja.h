/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ROLES_JINJA_H
#define ROLES_JINJA_H

/* The chat template of a model that is known, as its tokenizer_config.json has it. */
static const char test_roles_jinja[] =
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ '<|user|>' + m['content'] | trim + "
    "'<|endoftext|>' }}{% elif m['role'] == 'assistant' %}{{ '<|assistant|>' + m['content'] | trim "
    "+ '<|endoftext|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' "
    "}}{% endif %}";

#endif
