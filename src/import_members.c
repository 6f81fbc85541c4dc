/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_members.h"

#include <string.h>

#include "base64.h"

void cf_import_wrong(struct cf_import_members *members, const char *key, const char *what)
{
    if (members->code == CF_OK) {
        members->code = cf_scan_fail(&members->import->scan, CF_ERR_FORMAT, members->err,
                                     "\"%s\" %s", key, what);
    }
}

const json_t *cf_import_member(const struct cf_import_members *members, const char *key)
{
    const json_t *value = json_object_get(members->object, key);
    return json_is_null(value) ? NULL : value;
}

const char *cf_import_get_bytes(struct cf_import_members *members, const char *key, size_t *size)
{
    char exact[32];
    (void)strncpy(exact, key, sizeof exact - 1);
    exact[sizeof exact - 1] = '\0';
    (void)strncat(exact, "_base64", sizeof exact - strlen(exact) - 1);
    const json_t *encoded = cf_import_member(members, exact);
    const json_t *text = cf_import_member(members, key);
    *size = 0;
    if (encoded != NULL) {
        struct cf_buf bytes = CF_BUF_INIT;
        char *copy = NULL;
        if (!json_is_string(encoded) ||
            !cf_base64_decode(&bytes, json_string_value(encoded), json_string_length(encoded))) {
            cf_import_wrong(members, exact, "must be base64");
        } else {
            *size = bytes.size;
            copy = cf_arena_alloc(members->arena, bytes.size + 1);
            memcpy(copy, bytes.data, bytes.size);
        }
        cf_buf_release(&bytes);
        return copy;
    }
    if (text != NULL && !json_is_string(text)) {
        cf_import_wrong(members, key, "must be a text");
        return NULL;
    }
    *size = text != NULL ? json_string_length(text) : 0;
    return text != NULL ? json_string_value(text) : NULL;
}

char *cf_import_get_text(struct cf_import_members *members, const char *key)
{
    size_t size;
    const char *text = cf_import_get_bytes(members, key, &size);
    if (text != NULL && memchr(text, '\0', size) != NULL) {
        cf_import_wrong(members, key, "holds a NUL, which it must not");
        return NULL;
    }
    return (char *)(uintptr_t)text;
}

int64_t cf_import_get_number(struct cf_import_members *members, const char *key, int64_t greatest)
{
    const json_t *value = cf_import_member(members, key);
    if (value == NULL) {
        return 0;
    }
    const int64_t number = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
    if (number < 0 || number > greatest) {
        cf_import_wrong(members, key,
                        greatest == CF_IMPORT_TIME_MAX
                            ? "must be a moment of the years 1970 to 9999 in ms"
                            : "must be a whole number that is not negative and not too large");
        return 0;
    }
    return number;
}

int64_t cf_import_get_time(struct cf_import_members *members, const char *key)
{
    return cf_import_get_number(members, key, CF_IMPORT_TIME_MAX);
}

bool cf_import_get_flag(struct cf_import_members *members, const char *key)
{
    const json_t *value = cf_import_member(members, key);
    if (value != NULL && !json_is_boolean(value)) {
        cf_import_wrong(members, key, "must be true or false");
    }
    return json_is_true(value);
}

/* Lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12. */
static bool is_uuid(const char *text, size_t size)
{
    bool is_one = size == CF_UUID_SIZE - 1;
    for (size_t i = 0; is_one && i < size; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        is_one = is_dash ? text[i] == '-' : text[i] != '\0' && strchr("0123456789abcdef", text[i]);
    }
    return is_one;
}

void cf_import_get_uuid(char uuid[CF_UUID_SIZE], struct cf_import_members *members, const char *key,
                        bool is_needed)
{
    const json_t *value = cf_import_member(members, key);
    uuid[0] = '\0';
    if (value == NULL ? is_needed
                      : !is_uuid(json_string_value(value) != NULL ? json_string_value(value) : "",
                                 json_string_length(value))) {
        cf_import_wrong(members, key, "must be a uuid");
    } else if (value != NULL) {
        memcpy(uuid, json_string_value(value), CF_UUID_SIZE);
    }
}

bool cf_import_get_digest(struct cf_import_members *members, const char *key,
                          struct cf_digest *digest)
{
    const json_t *value = cf_import_member(members, key);
    if (value == NULL) {
        return false;
    }
    if (!json_is_string(value) || !cf_digest_parse(digest, json_string_value(value))) {
        cf_import_wrong(members, key, "must be a SHA-256 of 64 hexadecimal digits");
        return false;
    }
    return true;
}
