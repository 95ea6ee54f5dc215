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

// Where a scan stands: the sums that it carries into a block of elements.
template <int kColumns>
struct RunningState {
  double real[kColumns] = {}, imaginary[kColumns] = {};
};

// The distances that a scan of n elements goes through `count` elements by, from `first` on: each from the element that
// comes before it on the way. gap(j) is that of element j from the one before it in the row.
template <class Gap>
void gaps_on_the_way(const Gap& gap, int64_t n, int64_t first, int64_t count, bool is_back, double* d) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t j = first + i + (is_back ? 1 : 0);
    d[i] = j == n ? std::numeric_limits<double>::infinity() : gap(j);
  }
}

// One term through a block of up to kMost elements, of which each column has its parts at these addresses; imaginary ones
// are used only where the term turns.
template <int64_t kMost, int kColumns>
void scan_term(const Term& term, const double* d, int64_t count, bool is_back, double* const* reals,
               double* const* imaginaries, RunningState<kColumns>& state) {
  double a[kMost], b[kMost], *real[kColumns], *imaginary[kColumns];
  decay(term, d, count, a, b);
  const bool turns = term.turn != 0.0;
  const int64_t at = is_back ? count - 1 : 0;
  for (int c = 0; c < kColumns; ++c) {
    real[c] = reals[c] + at, imaginary[c] = turns ? imaginaries[c] + at : nullptr;
  }
  const auto run = turns ? vectorized<scan_block<true, kColumns>> : vectorized<scan_block<false, kColumns>>;
  run(real, imaginary, is_back ? -1 : 1, count, a + at, b + at, state.real, state.imaginary);
}

}  // namespace sortax
