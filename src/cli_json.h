/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_json: what the commands' JSON lines have in common. */
#ifndef CF_CLI_JSON_H
#define CF_CLI_JSON_H

#include <jansson.h>

#include "cli_out.h"

/* A string of any bytes: U+FFFD stands for what is not valid UTF-8.  A new reference. */
json_t *cf_json_text(const char *text, size_t size);
/* The same of a C string; null for NULL. */
json_t *cf_json_string(const char *text);
/* An integer, or null for 0. */
json_t *cf_json_id(int64_t id);
/* A moment in ms since 1970 as "2026-01-31T12:00:00.000Z". */
json_t *cf_json_date(int64_t ms);
/* A seed: beyond what a JSON integer holds here (63 bits) it is a string of its digits. */
json_t *cf_json_seed(uint64_t seed);
/* Adds OBJECT as one line of ASCII, and gives its reference up. */
void cf_out_add_json(struct cf_out *out, json_t *object);

#endif
