/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"

static double mean_entropy(const struct cf_loop *loop)
{
    double sum = 0;
    for (int i = 0; i < CF_LOOP_RECENT; i++) {
        sum += (double)loop->entropies[i];
    }
    return sum / CF_LOOP_RECENT;
}

/* A block of D tokens stands three times in a row at the end. */
static bool has_three_blocks(const struct cf_loop *loop, int32_t d)
{
    int32_t same = loop->same[d];
    return same >= 2 * d && same + d >= CF_LOOP_TOKENS_MIN;
}

/* The most bytes at the end that stand D tokens before too, without overlapping themselves. */
static int64_t passage_size(const struct cf_loop *loop, int32_t d)
{
    int32_t n = loop->same[d] < d ? loop->same[d] : d;
    return n == 0 ? 0 : loop->size - loop->begins[(loop->n - n) % CF_LOOP_SPAN];
}

/* A passage that long stands at the end and in two places before, apart from each other. */
static bool has_three_passages(const struct cf_loop *loop, int32_t n_back, int64_t size)
{
    int32_t first = 0;
    for (int32_t d = 1; d <= n_back; d++) {
        if (passage_size(loop, d) < size) {
            continue;
        }
        if (first == 0) {
            first = d;
        } else if (d >= 2 * first || d - first >= loop->same[d]) {
            return true;
        }
    }
    return false;
}

bool cf_loop_add(struct cf_loop *loop, int32_t id, size_t size, float entropy)
{
    int32_t n_back = loop->n < CF_LOOP_SPAN ? (int32_t)loop->n : CF_LOOP_SPAN - 1;
    for (int32_t d = 1; d <= n_back; d++) {
        bool is_same = loop->ids[(loop->n - d) % CF_LOOP_SPAN] == id;
        loop->same[d] = is_same ? loop->same[d] + 1 : 0;
    }
    loop->ids[loop->n % CF_LOOP_SPAN] = id;
    loop->begins[loop->n % CF_LOOP_SPAN] = loop->size;
    loop->entropies[loop->n % CF_LOOP_RECENT] = entropy;
    loop->size += (int64_t)size;
    loop->n++;
    for (int32_t d = 1; 3 * d <= n_back + 1; d++) {
        if (has_three_blocks(loop, d)) {
            return true;
        }
    }
    bool is_sure = loop->n >= CF_LOOP_RECENT && mean_entropy(loop) < CF_LOOP_ENTROPY;
    return has_three_passages(loop, n_back, is_sure ? CF_LOOP_BYTES_MIN / 2 : CF_LOOP_BYTES_MIN);
}
