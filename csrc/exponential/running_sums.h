// Running sums of one term along a row, from its beginning or its end, in memory.
//
// Contract: each number becomes itself plus the number before it on the way times what the gap in between leaves of it. A
// decay to zero lets nothing through, be it infinite or NaN. Allocates what RunningSums holds.

#pragma once

#include "core/scratch.h"
#include "exponential/exponential_sum.h"

namespace sortax {

// The real parts of the sums of each column, and the imaginary ones if there is room for them.
template <int kColumns>
struct RunningSums {
  RunningSums(int64_t n, bool turns) : real_(kColumns * n), imaginary_(turns ? kColumns * n : 0), n_(n) {}
  double* real(int c) const { return real_.data() + c * n_; }
  double* imaginary(int c) const { return imaginary_.data() + c * n_; }

 private:
  Scratch<double> real_, imaginary_;
  const int64_t n_;
};

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

// Of n elements, of which each has gap(j) to the one before it.
template <class Gap, int kColumns>
void scan_sums(const Gap& gap, int64_t n, const Term& term, bool back, const RunningSums<kColumns>& sums) {
  constexpr int64_t kBlock = 256;
  double d[kBlock], a[kBlock], b[kBlock];
  double x[kColumns] = {}, y[kColumns] = {};
  const bool turns = term.turn != 0.0;
  const auto run = turns ? vectorized<scan_block<true, kColumns>> : vectorized<scan_block<false, kColumns>>;
  for (int64_t done = 0; done < n; done += kBlock) {
    const int64_t count = std::min(kBlock, n - done);
    const int64_t first = back ? n - done - count : done;
    for (int64_t c = 0; c < count; ++c) {
      // The gap between an element and the one that comes before it on the way.
      const int64_t j = first + c + (back ? 1 : 0);
      d[c] = j == n ? std::numeric_limits<double>::infinity() : gap(j);
    }
    decay(term, d, count, a, b);
    const int64_t at = back ? count - 1 : 0;
    double *real[kColumns], *imaginary[kColumns];
    for (int c = 0; c < kColumns; ++c) {
      real[c] = sums.real(c) + first + at, imaginary[c] = turns ? sums.imaginary(c) + first + at : nullptr;
    }
    run(real, imaginary, back ? -1 : 1, count, a + at, b + at, x, y);
  }
}

}  // namespace sortax
