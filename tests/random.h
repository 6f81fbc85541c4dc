/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers and random texts for tests: the same on every machine and run. */
#ifndef RANDOM_H
#define RANDOM_H

#include <base.h>

#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
struct test_random {
    uint64_t state;
};

static inline uint64_t test_random_next(struct test_random *random)
{
    random->state += 0x9E3779B97F4A7C15;
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

/* A number below N, which is small. */
static inline size_t test_random_below(struct test_random *random, size_t n)
{
    return (size_t)(test_random_next(random) % n);
}

/* A text of at most SIZE bytes with something of everything: words, Han, marks, emoji, flags,
 * controls, broken bytes.  Returns its size. */
static inline size_t test_random_text(char *out, size_t size, struct test_random *random)
{
    static const char *const pieces[] = {
        "a",
        "Z",
        " ",
        "  ",
        "\n",
        "\t",
        "\r",
        "\x1b[31m",
        "-",
        "/",
        "word",
        "1,234",
        "(",
        ")",
        "\"",
        ": ",
        ".",
        "?",
        "$9",
        "http://a.b/c?d=e",
        "longwordlongword",
        "\xC3\xA9",
        "e\xCC\x81",
        "\xC2\xAB",
        "\xC2\xA0",
        "\xC2\xAD",
        "\xC2\x85",
        "\xE6\xAD\xA3",
        "\xE3\x80\x82",
        "\xE3\x80\x8C",
        "\xE3\x83\xBC",
        "\xED\x95\x9C",
        "\xE1\x84\x80\xE1\x85\xA1",
        "\xE0\xB8\x81",
        "\xE0\xA4\x95",
        "\xE0\xA5\x8D",
        "\xD9\x80",
        "\xF0\x9F\x98\x80",
        "\xF0\x9F\x91\xA9",
        "\xE2\x80\x8D",
        "\xEF\xB8\x8F",
        "\xE2\x80\x8B",
        "\xF0\x9F\x87\xA9",
        "\xF0\x9F\x87\xAA",
        "\xF0\x9F\x8F\xBD",
        "\xE2\x81\xA0",
        "\xCC\x81\xCC\x82\xCC\x83\xCC\x84\xCC\x85\xCC\x86",
        "\xE2\x80\xAE",
        "\xE2\x80\xA8",
        "\xEF\xBF\xBF",
        "\xF3\xA0\x81\x81",
        "\xFF",
        "\xE6",
        "\xAD",
        "\xF0\x9F",
    };
    size_t n = 0;
    for (;;) {
        const char *piece = pieces[test_random_below(random, CF_ARRAY_SIZE(pieces))];
        size_t n_piece = strlen(piece);
        if (n + n_piece > size || test_random_below(random, 60) == 0) {
            return n;
        }
        memcpy(out + n, piece, n_piece);
        n += n_piece;
    }
}

#endif
