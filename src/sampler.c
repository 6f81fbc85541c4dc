/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sampler.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sampler_filter.h"
#include "sampler_math.h"

enum { BLOCK = 64 };

struct cf_sampler {
    int32_t n_vocab;
    int32_t n_blocks; /* of BLOCK tokens, the last one perhaps shorter */
    struct cf_field field;
    float *sane;     /* a copy of logits that needed mending */
    float *bests;    /* [n_blocks] the best logit of each block */
    int32_t *counts; /* of each token in the history; zero between calls */
    enum cf_cut cut; /* what made the field as small as it is */
};

struct cf_sampler *cf_sampler_new(int32_t n_vocab)
{
    assert(n_vocab > 0);
    struct cf_sampler *sampler = cf_calloc(1, sizeof *sampler);
    sampler->n_vocab = n_vocab;
    sampler->n_blocks = (n_vocab + BLOCK - 1) / BLOCK;
    sampler->sane = cf_calloc((size_t)n_vocab, sizeof *sampler->sane);
    sampler->bests = cf_calloc((size_t)sampler->n_blocks, sizeof *sampler->bests);
    cf_field_init(&sampler->field, n_vocab);
    sampler->counts = cf_calloc((size_t)n_vocab, sizeof *sampler->counts);
    return sampler;
}

void cf_sampler_free(struct cf_sampler *sampler)
{
    if (sampler == NULL) {
        return;
    }
    cf_field_release(&sampler->field);
    free(sampler->sane);
    free(sampler->bests);
    free(sampler->counts);
    free(sampler);
}

static int32_t block_end(const struct cf_sampler *sampler, int32_t block)
{
    return block + 1 < sampler->n_blocks ? (block + 1) * BLOCK : sampler->n_vocab;
}

/* The greatest of one block of logits.  Eight lanes, so that compilers make vectors of them; BROKEN
 * becomes NaN when a logit is not finite. */
static float look_at_block(const float *logits, float broken[8])
{
    float best[8];
    memcpy(best, logits, sizeof best);
    for (int i = 0; i < BLOCK; i += 8) {
        for (int k = 0; k < 8; k++) {
            best[k] = logits[i + k] > best[k] ? logits[i + k] : best[k];
        }
        for (int k = 0; k < 8; k++) {
            broken[k] += logits[i + k] * 0.0F;
        }
    }
    for (int k = 1; k < 8; k++) {
        best[0] = best[k] > best[0] ? best[k] : best[0];
    }
    return best[0];
}

/* Finds the best of each block of finite logits; false when one is not finite. */
static bool find_bests(struct cf_sampler *sampler, const float *logits)
{
    float broken[8] = {0.0F};
    for (int32_t block = 0; block < sampler->n_blocks; block++) {
        const float *begin = logits + block * BLOCK;
        float padded[BLOCK];
        int32_t n = block_end(sampler, block) - block * BLOCK;
        if (n < BLOCK) {
            for (int32_t i = 0; i < BLOCK; i++) {
                padded[i] = begin[i < n ? i : 0];
            }
            begin = padded;
        }
        sampler->bests[block] = look_at_block(begin, broken);
    }
    float sum = 0.0F;
    for (int k = 0; k < 8; k++) {
        sum += broken[k];
    }
    return sum == 0.0F;
}

/* The logits as they count: NaN is -inf, +inf merely very large.  They are copied only where that
 * changes one.  Fills bests. */
static const float *look_at(struct cf_sampler *sampler, const float *logits)
{
    if (find_bests(sampler, logits)) {
        return logits;
    }
    for (int32_t i = 0; i < sampler->n_vocab; i++) {
        float logit = logits[i] <= FLT_MAX ? logits[i] : -INFINITY;
        sampler->sane[i] = logits[i] > FLT_MAX ? FLT_MAX : logit;
    }
    (void)find_bests(sampler, sampler->sane);
    return sampler->sane;
}

/* The greatest of values [n]. */
static double greatest(const double *values, int32_t n)
{
    double lanes[4];
    for (int k = 0; k < 4; k++) {
        lanes[k] = values[k < n ? k : 0];
    }
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (int k = 0; k < 4; k++) {
            lanes[k] = values[i + k] > lanes[k] ? values[i + k] : lanes[k];
        }
    }
    for (; i < n; i++) {
        lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
    }
    for (int k = 1; k < 4; k++) {
        lanes[0] = lanes[k] > lanes[0] ? lanes[k] : lanes[0];
    }
    return lanes[0];
}

static bool is_known(const struct cf_sampler *sampler, int32_t id)
{
    return id >= 0 && id < sampler->n_vocab;
}

/* Applies the repetition penalty REPEAT or the two over the reply, USE, once to each distinct token
 * of the history from BEGIN on.  Every count is zero again afterwards. */
static void penalise(struct cf_sampler *sampler, double *logits, const struct cf_history *history,
                     int32_t begin, const struct cf_sampling *repeat, const struct cf_sampling *use)
{
    for (int32_t i = begin; i < history->n; i++) {
        if (is_known(sampler, history->ids[i])) {
            sampler->counts[history->ids[i]]++;
        }
    }
    for (int32_t i = begin; i < history->n; i++) {
        int32_t id = history->ids[i];
        if (!is_known(sampler, id) || sampler->counts[id] == 0) {
            continue;
        }
        if (repeat != NULL) {
            double penalty = repeat->repeat_penalty;
            logits[id] = logits[id] < 0.0 ? logits[id] * penalty : logits[id] / penalty;
        }
        if (use != NULL) {
            logits[id] -= use->presence_penalty + use->frequency_penalty * sampler->counts[id];
        }
        sampler->counts[id] = 0;
    }
}

/* The penalties that look back, on logits [n_vocab]. */
static void apply_penalties(struct cf_sampler *sampler, double *logits,
                            const struct cf_sampling *sampling, const struct cf_history *history)
{
    if (history == NULL || history->n == 0) {
        return;
    }
    if (sampling->repeat_penalty != 1.0 && sampling->repeat_last_n != 0) {
        int32_t last_n = sampling->repeat_last_n;
        int32_t begin = last_n < 0 || last_n >= history->n ? 0 : history->n - last_n;
        penalise(sampler, logits, history, begin, sampling, NULL);
    }
    if (sampling->presence_penalty != 0.0 || sampling->frequency_penalty != 0.0) {
        penalise(sampler, logits, history, history->n_prompt, NULL, sampling);
    }
}

/* Fills the field with the tokens that top-k leaves and their distances; with temperature 0 with
 * the best alone.  False when no token can be drawn. */
static bool fill_field(struct cf_sampler *sampler, const float *logits,
                       const struct cf_sampling *sampling, const struct cf_history *history)
{
    struct cf_field *field = &sampler->field;
    double *values = field->distances; /* first the logits, each in the place of its id */
    for (int32_t id = 0; id < sampler->n_vocab; id++) {
        values[id] = logits[id];
    }
    apply_penalties(sampler, values, sampling, history);
    double top = greatest(values, sampler->n_vocab);
    field->n = 0;
    sampler->cut = CF_CUT_NONE;
    if (top < -DBL_MAX) {
        return false;
    }
    if (!(sampling->temperature > 0.0)) {
        int32_t best = 0;
        while (values[best] < top) {
            best++;
        }
        field->ids[0] = best;
        field->distances[0] = 0.0;
        field->n = 1;
        sampler->cut = CF_CUT_BEST;
        return true;
    }
    /* Top-k first: it cuts by the order of logits, which no temperature changes. */
    double least = -DBL_MAX;
    if (sampling->top_k > 0) {
        double border = cf_kth_greatest(values, sampler->n_vocab, sampling->top_k, field->keys);
        least = border > least ? border : least;
    }
    double scale = sampling->temperature > 1e-300 ? 1.0 / sampling->temperature : 1e300;
    int32_t n = 0;
    int32_t n_possible = 0;
    for (int32_t id = 0; id < sampler->n_vocab; id++) {
        double value = values[id];
        n_possible += value >= -DBL_MAX;
        if (value >= least) {
            double distance = (top - value) * scale;
            field->ids[n] = id;
            values[n] = distance < 1e300 ? distance : 1e300;
            n++;
        }
    }
    field->n = n;
    sampler->cut = n < n_possible ? CF_CUT_TOP_K : CF_CUT_NONE;
    return true;
}

/* Notes that CUT is to account for what is left, if that is less than the *N before it. */
static void note_cut(struct cf_sampler *sampler, enum cf_cut cut, int32_t *n)
{
    if (sampler->field.n < *n) {
        sampler->cut = cut;
        *n = sampler->field.n;
    }
}

/* The field in force.  False when no token can be drawn. */
static bool make_field(struct cf_sampler *sampler, const float *logits,
                       const struct cf_sampling *sampling, const struct cf_history *history)
{
    struct cf_field *field = &sampler->field;
    if (!fill_field(sampler, logits, sampling, history)) {
        return false;
    }
    int32_t n = field->n;
    cf_exp_down(field->distances, field->weights, (size_t)field->n);
    if (sampling->top_p < 1.0) {
        cf_field_top_p(field, sampling->top_p);
        note_cut(sampler, CF_CUT_TOP_P, &n);
    }
    if (sampling->min_p > 0.0) {
        cf_field_min_p(field, sampling->min_p);
        note_cut(sampler, CF_CUT_MIN_P, &n);
    }
    if (sampling->typical_p < 1.0) {
        cf_field_typical(field, sampling->typical_p);
        note_cut(sampler, CF_CUT_TYPICAL_P, &n);
    }
    return true;
}

static int32_t draw(const struct cf_field *field, double mass, double uniform)
{
    double target = uniform * mass;
    double total = 0.0;
    int32_t last = 0;
    for (int32_t i = 0; i < field->n; i++) {
        if (field->weights[i] > 0.0) {
            total += field->weights[i];
            last = i;
            if (total > target) {
                break;
            }
        }
    }
    return field->ids[last];
}

/* The probability in force of a token; 0 when it was cut. */
static double in_force(const struct cf_field *field, double mass, int32_t id)
{
    int32_t low = 0;
    int32_t high = field->n;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (field->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < field->n && field->ids[low] == id ? field->weights[low] / mass : 0.0;
}

/* The raw distribution: its best logit, the sum of exp(logit - best), and its entropy in bits. */
struct raw {
    double best;
    double mass;
    double entropy;
};

static struct raw measure_raw(const struct cf_sampler *sampler, const float *logits)
{
    enum { CHUNK = 512 };
    struct raw raw = {.best = -(double)INFINITY};
    for (int32_t block = 0; block < sampler->n_blocks; block++) {
        raw.best = sampler->bests[block] > raw.best ? sampler->bests[block] : raw.best;
    }
    if (raw.best < -DBL_MAX) {
        return raw;
    }
    double distances[CHUNK], weights[CHUNK];
    double weighted = 0.0;
    for (int32_t begin = 0; begin < sampler->n_vocab; begin += CHUNK) {
        int32_t left = sampler->n_vocab - begin;
        size_t n = left < CHUNK ? (size_t)left : CHUNK;
        for (size_t i = 0; i < n; i++) {
            double distance = raw.best - logits[(size_t)begin + i];
            distances[i] = distance < CF_EXP_END ? distance : CF_EXP_END;
        }
        cf_exp_down(distances, weights, n);
        raw.mass += cf_sum(weights, n);
        weighted += cf_dot(weights, distances, n);
    }
    raw.entropy = (cf_log(raw.mass) + weighted / raw.mass) * 0x1.71547652b82fep+0;
    return raw;
}

static double raw_probability(const struct raw *raw, double logit)
{
    if (!(raw->mass > 0.0)) {
        return 0.0;
    }
    double distance = raw->best - logit;
    double weight;
    cf_exp_down(&distance, &weight, 1);
    return weight / raw->mass;
}

/* The likeliest tokens by raw logit, ties by id. */
static void find_candidates(const struct cf_sampler *sampler, const float *logits,
                            struct cf_choice *choice)
{
    struct cf_candidate *list = choice->candidates;
    float top[CF_CHOICE_MAX];
    int32_t n_list = 0;
    for (int32_t block = 0; block < sampler->n_blocks; block++) {
        if (n_list == CF_CHOICE_MAX && !(sampler->bests[block] > top[CF_CHOICE_MAX - 1])) {
            continue;
        }
        for (int32_t id = block * BLOCK; id < block_end(sampler, block); id++) {
            float logit = logits[id];
            if (n_list == CF_CHOICE_MAX && !(logit > top[CF_CHOICE_MAX - 1])) {
                continue;
            }
            int32_t place = n_list < CF_CHOICE_MAX ? n_list++ : CF_CHOICE_MAX - 1;
            for (; place > 0 && logit > top[place - 1]; place--) {
                top[place] = top[place - 1];
                list[place].id = list[place - 1].id;
            }
            top[place] = logit;
            list[place].id = id;
        }
    }
    choice->n_candidates = n_list;
}

static int32_t rank_of(const struct cf_sampler *sampler, const float *logits, int32_t id)
{
    float own = logits[id];
    int32_t rank = 0;
    for (int32_t i = 0; i < id; i++) {
        rank += logits[i] >= own;
    }
    for (int32_t i = id + 1; i < sampler->n_vocab; i++) {
        rank += logits[i] > own;
    }
    return rank;
}

bool cf_sampler_sample(struct cf_sampler *sampler, const float *logits,
                       const struct cf_sampling *sampling, const struct cf_history *history,
                       uint64_t seed, uint32_t stream, uint32_t index, int32_t forced,
                       struct cf_choice *choice)
{
    struct cf_field *field = &sampler->field;
    assert(forced < sampler->n_vocab);
    logits = look_at(sampler, logits);
    bool has_any = make_field(sampler, logits, sampling, history);
    double mass = cf_field_mass(field);
    struct raw raw = measure_raw(sampler, logits);
    int32_t id = 0;
    if (forced >= 0) {
        id = forced;
    } else if (has_any) {
        id = draw(field, mass, cf_uniform(seed, stream, index));
    }
    choice->id = id;
    choice->rank = rank_of(sampler, logits, id);
    choice->p_raw = (float)raw_probability(&raw, (double)logits[id]);
    choice->p = (float)in_force(field, mass, id);
    choice->entropy = (float)raw.entropy;
    choice->n_inside = field->n;
    choice->cut = sampler->cut;
    find_candidates(sampler, logits, choice);
    for (int32_t i = 0; i < choice->n_candidates; i++) {
        struct cf_candidate *candidate = &choice->candidates[i];
        candidate->p_raw = (float)raw_probability(&raw, (double)logits[candidate->id]);
        candidate->p = (float)in_force(field, mass, candidate->id);
    }
    return has_any;
}

bool cf_sampler_distribution(struct cf_sampler *sampler, const float *logits,
                             const struct cf_sampling *sampling, const struct cf_history *history,
                             double *probabilities)
{
    struct cf_field *field = &sampler->field;
    logits = look_at(sampler, logits);
    bool has_any = make_field(sampler, logits, sampling, history);
    memset(probabilities, 0, (size_t)sampler->n_vocab * sizeof *probabilities);
    double mass = cf_field_mass(field);
    for (int32_t i = 0; i < field->n; i++) {
        probabilities[field->ids[i]] = field->weights[i] / mass;
    }
    return has_any;
}
