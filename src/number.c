/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text)) {
        text++;
    }
    return text;
}

static const char *skip_sign(const char *text)
{
    return *text == '+' || *text == '-' ? text + 1 : text;
}

static bool is_real(const char *text)
{
    const char *whole = skip_sign(text);
    const char *at = skip_digits(whole);
    bool has_digits = at > whole;
    if (*at == '.') {
        const char *end = skip_digits(at + 1);
        has_digits = has_digits || end > at + 1;
        at = end;
    }
    if (!has_digits) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        const char *exponent = skip_sign(at + 1);
        at = skip_digits(exponent);
        if (at == exponent) {
            return false;
        }
    }
    return *at == '\0';
}

/* Runs strtod or snprintf in the C locale, for this thread alone. */
static locale_t enter_c_locale(locale_t *before)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *before = uselocale(plain);
    return plain;
}

static void leave_c_locale(locale_t plain, locale_t before)
{
    (void)uselocale(before);
    if (plain != (locale_t)0) {
        freelocale(plain);
    }
}

bool cf_number_real(double *value, const char *text)
{
    if (!is_real(text)) {
        return false;
    }
    locale_t before;
    locale_t plain = enter_c_locale(&before);
    double number = strtod(text, NULL);
    leave_c_locale(plain, before);
    if (!isfinite(number)) {
        return false;
    }
    *value = number;
    return true;
}

bool cf_number_int(int64_t *value, const char *text, int64_t least, int64_t greatest,
                   bool *is_number)
{
    const char *digits = skip_sign(text);
    const char *end = skip_digits(digits);
    bool is_whole = end > digits && *end == '\0';
    if (is_number != NULL) {
        *is_number = is_whole;
    }
    if (!is_whole) {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno == ERANGE || number < least || number > greatest) {
        return false;
    }
    *value = number;
    return true;
}

bool cf_number_uint64(uint64_t *value, const char *text)
{
    if (text[0] == '\0' || *skip_digits(text) != '\0') {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno == ERANGE) {
        return false;
    }
    *value = number;
    return true;
}

void cf_number_format(double value, struct cf_buf *text)
{
    char digits[40];
    locale_t before;
    locale_t plain = enter_c_locale(&before);
    bool is_plain_whole = fabs(value) < 1e15 && floor(value) == value;
    int precision = is_plain_whole ? 17 : 1;
    (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
    while (precision < 17 && strtod(digits, NULL) != value) {
        precision++;
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
    }
    leave_c_locale(plain, before);
    cf_buf_add_str(text, digits);
}
