// One block of an exponential kernel sum: the same steps of several chunks of rows side by side, and how one term advances
// through them.
//
// Contract: in double precision. A decay to zero lets nothing through, be it infinite or NaN. Allocates nothing.

#pragma once

#include "exponential/exponential_sum.h"

namespace sortax {

struct KernelSumLimits {
  static constexpr int64_t kLanes = 8;                // doubles in the widest vector, and enough to hide its latency
  static constexpr int kColumns = 2;                  // of one product, that share their decays
  static constexpr int64_t kBlock = 64;               // steps whose decays are computed together
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

using LaneValues = double[KernelSumLimits::kLanes];

// The running sum of one term at a step, for each column and lane.
template <int kColumns>
struct PartialSum {
  LaneValues real[kColumns], imaginary[kColumns];
};

// The same steps of several chunks: distances, values and sums, and the decays of one term.
template <int kColumns>
struct KernelBlock {
  static constexpr int64_t kSize = KernelSumLimits::kBlock * KernelSumLimits::kLanes;
  double d[kSize], v[kColumns * kSize], sum[kColumns * kSize], real[kSize], imaginary[kSize];
};

// Advances the running sum of one term and one column through a block, or with kBack through it from its end. At each step
// the value there joins it; with kWrite the sum that arrives there is added to the results, times `sign`.
template <bool kTurns, bool kBack, bool kWrite>
SORTAX_INLINE void advance_column(const double* real, const double* imaginary, const double* v, double* __restrict sum,
                                  const Term& term, double sign, int64_t steps, LaneValues& real_state,
                                  LaneValues& imaginary_state) {
  constexpr int64_t kLanes = KernelSumLimits::kLanes;
  const double weight = sign * term.weight, phase = sign * term.phase;
  double x[kLanes], y[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) x[l] = real_state[l], y[l] = imaginary_state[l];
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t j = (kBack ? steps - 1 - step : step) * kLanes;
    const double *const a = real + j, *const b = imaginary + j, *const own = v + j;
    double* const to = sum + j;
    // Once unrolled, the loop over lanes would hardly be made into vectors.
#pragma GCC unroll 1
    for (int64_t l = 0; l < kLanes; ++l) {
      if constexpr (kBack) {
        if constexpr (kWrite) to[l] += kTurns ? weight * x[l] - phase * y[l] : weight * x[l];
        x[l] += own[l];
      }
      if constexpr (kTurns) {
        const bool is_cut = a[l] == 0.0 && b[l] == 0.0;
        const double p = a[l] * x[l] - b[l] * y[l], q = a[l] * y[l] + b[l] * x[l];
        x[l] = is_cut ? 0.0 : p;
        y[l] = is_cut ? 0.0 : q;
      } else {
        x[l] = a[l] == 0.0 ? 0.0 : a[l] * x[l];
      }
      if constexpr (!kBack) {
        if constexpr (kWrite) to[l] += kTurns ? weight * x[l] - phase * y[l] : weight * x[l];
        x[l] += own[l];
      }
    }
  }
  for (int64_t l = 0; l < kLanes; ++l) real_state[l] = x[l], imaginary_state[l] = y[l];
}

template <bool kBack, bool kWrite, int kColumns>
void advance(KernelBlock<kColumns>& block, const Term& term, double sign, int64_t steps, PartialSum<kColumns>& state) {
  const auto run =
      term.turn != 0.0 ? vectorized<advance_column<true, kBack, kWrite>> : vectorized<advance_column<false, kBack, kWrite>>;
  for (int c = 0; c < kColumns; ++c) {
    const int64_t column = c * KernelBlock<kColumns>::kSize;
    run(block.real, block.imaginary, block.v + column, block.sum + column, term, sign, steps, state.real[c],
        state.imaginary[c]);
  }
}

// Adds x + iy times the decay a + ib.
inline void add_decayed(double a, double b, double x, double y, double& real, double& imaginary) {
  if (a == 0.0 && b == 0.0) return;
  real += a * x - b * y;
  imaginary += a * y + b * x;
}

// Adds the sums `from`, decayed over these distances, to `to`.
template <int kColumns>
void add_decayed(const Term& term, const LaneValues& distances, const PartialSum<kColumns>& from, PartialSum<kColumns>& to) {
  LaneValues a, b = {};
  decay(term, distances, KernelSumLimits::kLanes, a, b);
  for (int c = 0; c < kColumns; ++c) {
    for (int64_t l = 0; l < KernelSumLimits::kLanes; ++l) {
      add_decayed(a[l], b[l], from.real[c][l], from.imaginary[c][l], to.real[c][l], to.imaginary[c][l]);
    }
  }
}

SORTAX_INLINE void add_steps(const double* d, int64_t steps, double* lengths) {
  for (int64_t j = 0; j < steps; ++j) {
    for (int64_t l = 0; l < KernelSumLimits::kLanes; ++l) lengths[l] += d[j * KernelSumLimits::kLanes + l];
  }
}

SORTAX_INLINE void scale(const double* v, int64_t count, double by, double* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = by * v[i];
}

}  // namespace sortax
