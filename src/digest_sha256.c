/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 as FIPS 180-4 writes it, and the same through the x86 SHA instructions. */
#include "digest_sha256.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void cf_sha256_blocks_plain(uint32_t state[8], const unsigned char *data, size_t n_blocks)
{
    for (; n_blocks > 0; n_blocks--, data += 64) {
        uint32_t w[64];
        for (size_t i = 0; i < 16; i++) {
            w[i] = big_endian(data + 4 * i);
        }
        for (size_t i = 16; i < 64; i++) {
            uint32_t s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
            uint32_t s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        uint32_t v[8];
        memcpy(v, state, sizeof v);
        for (size_t i = 0; i < 64; i++) {
            uint32_t sum1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25);
            uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
            uint32_t t1 = v[7] + sum1 + choice + round_constants[i] + w[i];
            uint32_t sum0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22);
            uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            memmove(v + 1, v, 7 * sizeof *v);
            v[4] += t1;
            v[0] = t1 + sum0 + majority;
        }
        for (size_t i = 0; i < 8; i++) {
            state[i] += v[i];
        }
    }
}

#if defined(__x86_64__)
/* Intel's instructions keep the state as ABEF and CDGH and do two rounds at a time. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
add_blocks_sha(uint32_t state[8], const unsigned char *data, size_t n_blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xB1);
    __m128i hgfe =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    for (; n_blocks > 0; n_blocks--, data += 64) {
        __m128i abef_before = abef;
        __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (size_t i = 0; i < 4; i++) {
            const void *four = data + 16 * i;
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)four), swap);
        }
        for (size_t i = 0; i < 16; i++) {
            __m128i words = w[i % 4];
            const void *four = round_constants + 4 * i;
            __m128i sum = _mm_add_epi32(words, _mm_loadu_si128((const __m128i *)four));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            /* The four words sixteen rounds on. */
            __m128i next = _mm_sha256msg1_epu32(words, w[(i + 1) % 4]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
            w[i % 4] = _mm_sha256msg2_epu32(next, w[(i + 3) % 4]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* __builtin_cpu_supports knows no "sha" before gcc 14. */
static bool has_sha(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int answer; /* in a virtual machine the question is slow */
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known != UNKNOWN) {
        return known == YES;
    }
    unsigned eax = 7, ebx = 0, ecx = 0, edx = 0;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    bool has = (ebx >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1");
    atomic_store_explicit(&answer, has ? YES : NO, memory_order_relaxed);
    return has;
}
#endif

void cf_sha256_blocks(uint32_t state[8], const unsigned char *data, size_t n_blocks)
{
#if defined(__x86_64__)
    if (has_sha()) {
        add_blocks_sha(state, data, n_blocks);
        return;
    }
#endif
    cf_sha256_blocks_plain(state, data, n_blocks);
}

void cf_sha256_begin(struct cf_sha256 *sum)
{
    *sum = (struct cf_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                        0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void cf_sha256_add(struct cf_sha256 *sum, const void *bytes, size_t size)
{
    const unsigned char *data = bytes;
    size_t n_held = sum->n_added % 64;
    sum->n_added += size;
    if (n_held > 0) {
        size_t n = size < 64 - n_held ? size : 64 - n_held;
        memcpy(sum->block + n_held, data, n);
        if (n_held + n < 64) {
            return;
        }
        cf_sha256_blocks(sum->state, sum->block, 1);
        data += n;
        size -= n;
    }
    if (size >= 64) {
        cf_sha256_blocks(sum->state, data, size / 64);
        data += size / 64 * 64;
        size %= 64;
    }
    if (size > 0) {
        memcpy(sum->block, data, size);
    }
}

void cf_sha256_end(struct cf_sha256 *sum, struct cf_digest *digest)
{
    static const unsigned char padding[64] = {0x80};
    unsigned char n_bits[8];
    for (size_t i = 0; i < 8; i++) {
        n_bits[i] = (unsigned char)(sum->n_added * 8 >> (56 - 8 * i));
    }
    cf_sha256_add(sum, padding, 64 - (sum->n_added + 8) % 64);
    cf_sha256_add(sum, n_bits, sizeof n_bits);
    for (size_t i = 0; i < 32; i++) {
        digest->bytes[i] = (unsigned char)(sum->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
