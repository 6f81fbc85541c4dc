/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampler_filter: the tokens that are still in play, and the filters that cut them.
 *
 * Invariants: (1) ids ascend; (2) distances[i] = (best logit - logit of ids[i]) / temperature, and
 * weights[i] = exp(-distances[i]), so probabilities are weights over their sum; (3) at least one
 * token is left, the likeliest, so the greatest weight is 1. */
#ifndef CF_SAMPLER_FILTER_H
#define CF_SAMPLER_FILTER_H

#include "base.h"

enum { CF_CUT_BINS = 1024 };

struct cf_field {
    int32_t n; /* tokens in play */
    int32_t *ids;
    double *distances;
    double *weights;
    /* scratch of the filters, as many as tokens */
    double *keys;
    int32_t *order;
    double bin_mass[CF_CUT_BINS];
};

/* Room for n tokens. */
void cf_field_init(struct cf_field *field, int32_t n);
void cf_field_release(struct cf_field *field);

/* The sum of the weights. */
double cf_field_mass(const struct cf_field *field);

/* The k-th greatest of n values, k >= 1; -inf when there are no more than k.  HEAP is room for k
 * doubles. */
double cf_kth_greatest(const double *values, int32_t n, int32_t k, double *heap);

/* Keeps the likeliest tokens that make up the share p (Holtzman et al. 2019): a token stays while
 * those likelier, or equal with a lower id, make up less than p. */
void cf_field_top_p(struct cf_field *field, double p);
/* Keeps the tokens at least p times as likely as the likeliest. */
void cf_field_min_p(struct cf_field *field, double p);
/* Keeps the tokens whose surprise is nearest to the entropy until they make up the share p, and
 * those as near as the last of them (Meister et al. 2022, locally typical sampling). */
void cf_field_typical(struct cf_field *field, double p);

#endif
