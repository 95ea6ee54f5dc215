// Instruction sets: loops that gain from wide vectors are compiled for several, and the widest is chosen at run time.
//
// Contract: vectorized<loop>(arguments...) is loop(arguments...), compiled for AVX-512, for AVX2 and for the architecture's
// baseline, of which it takes the best that this processor has. `loop` is a SORTAX_INLINE function, and all that is to
// become vector instructions must be inlined into it; what a loop reads while it writes is better taken by value. Works
// alike with GCC and Clang, whatever the C library; on other architectures than x86-64 there is the baseline alone. The
// library itself asks for no more than that.

#pragma once

// SORTAX_NOINLINE keeps one copy of a function that many callers share.
#define SORTAX_INLINE inline __attribute__((always_inline))
#define SORTAX_NOINLINE __attribute__((noinline))

namespace sortax {

enum class Instructions { kBaseline, kAvx2, kAvx512 };

#if defined(__x86_64__)
#define SORTAX_AVX2 "avx2,fma,bmi,bmi2"
#define SORTAX_AVX512 SORTAX_AVX2 ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"

inline Instructions best_instructions() {
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                        __builtin_cpu_supports("bmi2");
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  return !has_avx2 ? Instructions::kBaseline : has_avx512 ? Instructions::kAvx512 : Instructions::kAvx2;
}

// Those in use; the unit tests try the lower ones as well.
inline Instructions instructions = best_instructions();
#else
inline constexpr Instructions instructions = Instructions::kBaseline;
#endif

template <auto kLoop, class = decltype(kLoop)>
struct Vectorized;

template <auto kLoop, class Result, class... A>
struct Vectorized<kLoop, Result (*)(A...)> {
#if defined(__x86_64__)
  __attribute__((target(SORTAX_AVX512))) SORTAX_NOINLINE static Result avx512(A... a) { return kLoop(a...); }
  __attribute__((target(SORTAX_AVX2))) SORTAX_NOINLINE static Result avx2(A... a) { return kLoop(a...); }
#endif
  SORTAX_NOINLINE static Result baseline(A... a) { return kLoop(a...); }

  static Result run(A... a) {
#if defined(__x86_64__)
    if (instructions == Instructions::kAvx512) return avx512(a...);
    if (instructions == Instructions::kAvx2) return avx2(a...);
#endif
    return baseline(a...);
  }
};

template <auto kLoop>
inline constexpr auto vectorized = Vectorized<kLoop>::run;

inline const char* name_of_instructions() {
#if defined(__x86_64__)
  return instructions == Instructions::kAvx512 ? "AVX-512" : instructions == Instructions::kAvx2 ? "AVX2" : "SSE2";
#elif defined(__aarch64__)
  return "NEON";
#else
  return "no vectors";
#endif
}

}  // namespace sortax
