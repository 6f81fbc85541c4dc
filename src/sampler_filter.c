/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sampler_filter.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sampler_math.h"

void cf_field_init(struct cf_field *field, int32_t n)
{
    size_t count = (size_t)n;
    field->n = 0;
    field->ids = cf_calloc(count, sizeof *field->ids);
    field->distances = cf_calloc(count, sizeof *field->distances);
    field->weights = cf_calloc(count, sizeof *field->weights);
    field->keys = cf_calloc(count, sizeof *field->keys);
    field->order = cf_calloc(count, sizeof *field->order);
}

void cf_field_release(struct cf_field *field)
{
    free(field->ids);
    free(field->distances);
    free(field->weights);
    free(field->keys);
    free(field->order);
}

double cf_field_mass(const struct cf_field *field)
{
    return cf_sum(field->weights, (size_t)field->n);
}

/* Where a cut falls: tokens with a lesser key stay, and of those with this key the first ones up to
 * and with place LAST. */
struct border {
    double key;
    int32_t last;
};

/* What is being looked for: the token at which the running total of weights, in the order of keys
 * and places, first reaches TARGET. */
struct search {
    struct cf_field *field;
    const double *keys;
    double target;
    double total; /* of the tokens known to lie before the border */
};

/* Walks over places in order to the border. */
static struct border walk(struct search *search, const int32_t *order, int32_t n)
{
    int32_t i = 0;
    for (; i < n - 1; i++) {
        search->total += search->field->weights[order[i]];
        if (search->total >= search->target) {
            break;
        }
    }
    return (struct border){.key = search->keys[order[i]], .last = order[i]};
}

static void sort_few(const double *keys, int32_t *order, int32_t n)
{
    for (int32_t i = 1; i < n; i++) {
        int32_t place = order[i];
        int32_t j = i;
        for (; j > 0 && keys[order[j - 1]] > keys[place]; j--) {
            order[j] = order[j - 1];
        }
        order[j] = place;
    }
}

static int32_t bin_of(double key, double low, double scale)
{
    double bin = (key - low) * scale;
    return bin < CF_CUT_BINS - 1 ? (int32_t)bin : CF_CUT_BINS - 1;
}

static void find_range(const double *keys, const int32_t *order, int32_t n, double *low,
                       double *high)
{
    *low = keys[order[0]];
    *high = *low;
    for (int32_t i = 1; i < n; i++) {
        double key = keys[order[i]];
        *low = key < *low ? key : *low;
        *high = key > *high ? key : *high;
    }
}

/* One round: spreads the places in order[] over the bins, adds up to the bin in which the border
 * lies and keeps that bin's places, in order.  Returns how many. */
static int32_t narrow(struct search *search, int32_t *order, int32_t n, double low, double scale)
{
    struct cf_field *field = search->field;
    memset(field->bin_mass, 0, sizeof field->bin_mass);
    int32_t last_used = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t bin = bin_of(search->keys[order[i]], low, scale);
        field->bin_mass[bin] += field->weights[order[i]];
        last_used = bin > last_used ? bin : last_used;
    }
    int32_t border = 0;
    while (border < last_used && search->total + field->bin_mass[border] < search->target) {
        search->total += field->bin_mass[border];
        border++;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t place = order[i];
        order[kept] = place;
        kept += bin_of(search->keys[place], low, scale) == border;
    }
    return kept;
}

/* Finds the border among the N places in the field's order[], without sorting more than a few: the
 * expected cost is two looks at each token. */
static struct border find_border(struct search *search, int32_t n)
{
    enum { FEW = 48 };
    int32_t *order = search->field->order;
    while (n > FEW) {
        double low, high;
        find_range(search->keys, order, n, &low, &high);
        double scale = CF_CUT_BINS / (high - low);
        if (!(scale < DBL_MAX)) {
            break; /* all alike: in the order of places already */
        }
        n = narrow(search, order, n, low, scale);
    }
    if (n <= FEW) {
        sort_few(search->keys, order, n);
    }
    return walk(search, order, n);
}

static void keep(struct cf_field *field, int32_t from, int32_t to)
{
    field->ids[to] = field->ids[from];
    field->distances[to] = field->distances[from];
    field->weights[to] = field->weights[from];
}

/* Keeps the tokens before and at the border; ties with it, all or by place. */
static void cut(struct cf_field *field, const double *keys, struct border border, bool keeps_ties)
{
    int32_t n = 0;
    for (int32_t i = 0; i < field->n; i++) {
        if (keys[i] > border.key || (keys[i] >= border.key && !keeps_ties && i > border.last)) {
            continue;
        }
        keep(field, i, n++);
    }
    field->n = n;
}

/* Puts VALUE in the place of the least of a heap whose root is the least. */
static void replace_root(double *heap, int32_t n, double value)
{
    int32_t at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= n) {
            break;
        }
        if (child + 1 < n && heap[child + 1] < heap[child]) {
            child++;
        }
        if (!(heap[child] < value)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

double cf_kth_greatest(const double *values, int32_t n, int32_t k, double *heap)
{
    assert(k >= 1);
    if (k >= n) {
        return -(double)INFINITY;
    }
    for (int32_t i = 0; i < k; i++) {
        heap[i] = -(double)INFINITY; /* the k greatest so far, the least at the root */
    }
    for (int32_t i = 0; i < n; i++) {
        if (values[i] > heap[0]) {
            replace_root(heap, k, values[i]);
        }
    }
    return heap[0];
}

void cf_field_top_p(struct cf_field *field, double p)
{
    double mass = cf_field_mass(field);
    /* All tokens this light together make up less than the rest, so the border lies above them. */
    double light = (1.0 - p) * mass / field->n * 0.99;
    int32_t n = 0;
    for (int32_t i = 0; i < field->n; i++) {
        field->order[n] = i;
        n += field->weights[i] >= light;
    }
    struct search search = {.field = field, .keys = field->distances, .target = p * mass};
    cut(field, field->distances, find_border(&search, n), false);
}

void cf_field_min_p(struct cf_field *field, double p)
{
    int32_t n = 0;
    for (int32_t i = 0; i < field->n; i++) {
        if (field->weights[i] >= p) {
            keep(field, i, n++);
        }
    }
    field->n = n;
}

void cf_field_typical(struct cf_field *field, double p)
{
    double mass = cf_field_mass(field);
    /* The surprise of a token is distance + log mass, the entropy mean + log mass. */
    double mean = cf_dot(field->weights, field->distances, (size_t)field->n) / mass;
    for (int32_t i = 0; i < field->n; i++) {
        double key = field->distances[i] - mean;
        field->keys[i] = key < 0.0 ? -key : key;
        field->order[i] = i;
    }
    struct search search = {.field = field, .keys = field->keys, .target = p * mass};
    cut(field, field->keys, find_border(&search, field->n), true);
}
