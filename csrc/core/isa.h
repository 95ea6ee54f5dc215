// Instruction sets: loops that gain from wide vectors are compiled for several, and one is chosen at load time.
//
// Contract: SORTAX_CLONES before a function makes the choice for it where the compiler and the C library can do that (GCC
// and glibc on x86-64), and nothing elsewhere; SORTAX_ONE_ISA turns it off. The library itself asks for no more than the
// architecture's baseline. SORTAX_NOINLINE keeps one copy of a function that many callers share.

#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(SORTAX_ONE_ISA)
#define SORTAX_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SORTAX_CLONES
#endif

#if defined(__GNUC__)
#define SORTAX_INLINE inline __attribute__((always_inline))
#define SORTAX_NOINLINE __attribute__((noinline))
#else
#define SORTAX_INLINE inline
#define SORTAX_NOINLINE
#endif
