/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target: lets one file be compiled for instructions that the rest of the program may not use.
 * Written between CF_TARGET_BEGIN("avx2,fma") and CF_TARGET_END, after all system headers. */
#ifndef CF_KERNELS_TARGET_H
#define CF_KERNELS_TARGET_H

#include "base.h"

#define CF_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define CF_TARGET_BEGIN(features)                                                                  \
    CF_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define CF_TARGET_END CF_PRAGMA(clang attribute pop)
#define CF_UNROLL CF_PRAGMA(clang loop unroll(full))
#define CF_UNROLL_BY_4 CF_PRAGMA(clang loop unroll_count(4))
#else
#define CF_TARGET_BEGIN(features) CF_PRAGMA(GCC push_options) CF_PRAGMA(GCC target(features))
#define CF_TARGET_END CF_PRAGMA(GCC pop_options)
#define CF_UNROLL CF_PRAGMA(GCC unroll 16)
#define CF_UNROLL_BY_4 CF_PRAGMA(GCC unroll 4)
#endif

/* Loops over constants in functions that are always inlined unroll, and their arrays live in
 * registers.  Under a sanitizer each unrolled copy would bring its checks along, and clang would
 * work on a file for minutes: there the loops stay loops.  The order of the arithmetic is the same.
 */
#if defined(CONFAB_SANITIZE_ADDRESS) || defined(CONFAB_SANITIZE_UNDEFINED) ||                      \
    defined(CONFAB_SANITIZE_THREAD)
#undef CF_UNROLL
#define CF_UNROLL
#define CF_INLINE static CF_UNUSED
#else
#define CF_INLINE static inline __attribute__((always_inline))
#endif

#endif
