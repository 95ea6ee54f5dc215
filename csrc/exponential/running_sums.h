// A running sum of one term along a row, from its beginning or its end.
//
// Contract: each number becomes itself plus the number before it on the way times what the gap in between leaves of it. A
// decay to zero lets nothing through, be it infinite or NaN. Allocates nothing.

#pragma once

#include "exponential/exponential_sum.h"

namespace sortax {

// Through `count` numbers of each column, in steps of +1 or -1; a and b are the decays into each, in the same direction. All
// columns advance together, so that they wait for each other only.
template <bool kTurns, int kColumns>
SORTAX_INLINE void scan_block(double* const* reals, double* const* imaginaries, int64_t step, int64_t count, const double* a,
                              const double* b, double* real_state, double* imaginary_state) {
  double x[kColumns], y[kColumns], *real[kColumns], *imaginary[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    x[c] = real_state[c], real[c] = reals[c];
    y[c] = kTurns ? imaginary_state[c] : 0.0, imaginary[c] = kTurns ? imaginaries[c] : nullptr;
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t j = i * step;
    const double p = a[j], q = kTurns ? b[j] : 0.0;
    // Rarely so, and then nothing waits for a comparison.
    if (__builtin_expect(p == 0.0 && q == 0.0, 0)) {
      for (int c = 0; c < kColumns; ++c) x[c] = y[c] = 0.0;
    }
    for (int c = 0; c < kColumns; ++c) {
      if constexpr (kTurns) {
        const double u = p * x[c] + (real[c][j] - q * y[c]), w = p * y[c] + (imaginary[c][j] + q * x[c]);
        real[c][j] = x[c] = u;
        imaginary[c][j] = y[c] = w;
      } else {
        real[c][j] = x[c] = p * x[c] + real[c][j];
      }
    }
  }
  for (int c = 0; c < kColumns; ++c) {
    real_state[c] = x[c];
    if constexpr (kTurns) imaginary_state[c] = y[c];
  }
}

}  // namespace sortax
