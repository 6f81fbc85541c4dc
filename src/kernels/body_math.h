/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body_math: exp and the two GELUs, lane by lane, so that a value's bits do not depend on the lane
 * or on whether it stood in a tail. */
#ifndef CF_KERNELS_BODY_MATH_H
#define CF_KERNELS_BODY_MATH_H

/* exp(x) for x <= 0 or NaN, to 2 units in the last place; 0 below -87.  Cephes' expf (Moshier):
 * x = n ln 2 + r, a polynomial in r, times 2^n. */
CF_INLINE vf vf_exp_of_negative(vf x)
{
    const vf lowest = vf_set(-87.0f);
    const vf magic = vf_set(0x1.8p23f);
    vf y = vf_max(lowest, x); /* a NaN stays */
    vf t = vf_fma(y, vf_set(0x1.715476p0f), magic);
    vf n = vf_sub(t, magic);
    vf r = vf_fma(n, vf_set(-0.693359375f), y); /* few bits: n times it is exact */
    r = vf_fma(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set(5.0000001201e-1f));
    p = vf_add(vf_fma(p, vf_mul(r, r), r), vf_set(1.0f));
    return vf_zero_if_less(vf_mul(p, vf_exp2_of_magic(t)), x, lowest);
}

/* x / 2 * (1 + tanh(u)), u = sqrt(2 / pi) (x + 0.044715 x^3), which is x times the logistic
 * function of 2 u: written so, nothing cancels for negative x. */
CF_INLINE vf vf_gelu_tanh(vf x)
{
    vf cube = vf_mul(vf_mul(x, x), x);
    vf u2 = vf_mul(vf_fma(vf_set(0.044715f), cube, x), vf_set(1.595769121605731f));
    vf e = vf_exp_of_negative(vf_sub(vf_zero(), vf_abs(u2)));
    vf one = vf_set(1.0f);
    return vf_div(vf_mul(x, vf_if_negative(u2, e, one)), vf_add(one, e));
}

/* x * Phi(x), the exact GELU.  With z = |x| / sqrt 2 and s = 1 / (1 + z / 2), Phi(-|x|) is
 * exp(-z^2) s P(s): P is the polynomial of degree 8 with the least relative error, 4e-8, for
 * z <= 9.5, where exp ends. */
CF_INLINE vf vf_gelu_erf(vf x)
{
    vf one = vf_set(1.0f);
    vf a = vf_abs(x);
    vf s = vf_div(one, vf_fma(a, vf_set(0.35355339f), one));
    vf p = vf_set(-0.0294489194f);
    p = vf_fma(p, s, vf_set(0.1418677659f));
    p = vf_fma(p, s, vf_set(-0.2427255587f));
    p = vf_fma(p, s, vf_set(0.138026293f));
    p = vf_fma(p, s, vf_set(-0.01261344126f));
    p = vf_fma(p, s, vf_set(0.1010448378f));
    p = vf_fma(p, s, vf_set(0.1216281314f));
    p = vf_fma(p, s, vf_set(0.1411770482f));
    p = vf_fma(p, s, vf_set(0.1410438219f));
    vf half_square = vf_mul(vf_mul(a, a), vf_set(-0.5f));
    vf tail = vf_mul(vf_mul(p, s), vf_exp_of_negative(half_square));
    return vf_mul(x, vf_if_negative(x, tail, vf_sub(one, tail)));
}

#endif
