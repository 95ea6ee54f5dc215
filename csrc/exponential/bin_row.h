// A row of elements and of the edges of their bins, and the two functions of distance that masses in bins are made of.
//
// Contract: as in bin_masses.h. Allocates nothing.

#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "exponential/exponential_sum.h"

namespace sortax {

struct BinMassLimits {
  static constexpr int64_t kBlock = 256;              // edges whose exponentials are computed together
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

using BinBlock = std::array<double, BinMassLimits::kBlock>;

// What is lost of one term over widths w, 1 - exp(-(rate + i turn) w).
template <bool kTurns>
SORTAX_INLINE void losses(const double* w, int64_t count, double rate, double turn, double* real, double* imaginary) {
  for (int64_t i = 0; i < count; ++i) {
    const double lost = one_minus_exp_negative(rate * w[i]);
    real[i] = lost;
    if constexpr (kTurns) {
      const double left = 1.0 - lost;
      double cosine, sine;
      rotation(left < 1e-300 ? 0.0 : 0.5 * turn * w[i], cosine, sine);
      real[i] = lost + left * (2.0 * sine * sine);
      imaginary[i] = left * (2.0 * sine * cosine);
    }
  }
}

// The distribution function minus one half at distances x >= 0 above the middle.
SORTAX_INLINE void centred_cdf(const double* x, int64_t count, bool logistic, double* out) {
  for (int64_t i = 0; i < count; ++i) {
    const double lost = one_minus_exp_negative(x[i]);
    out[i] = logistic ? 0.5 * lost / (2.0 - lost) : 0.5 * lost;
  }
}

template <class E>
struct BinRow {
  const int32_t* below;
  const E *offset, *low, *width, *z;
  const E* v;
  E* out;
  int64_t step, inner, n;

  double gap(int64_t j) const { return j == 0 ? std::numeric_limits<double>::infinity() : double(z[j * step]); }
  bool is_finite(int64_t i) const { return std::isfinite(offset[i * step]); }
  double precise_offset(int64_t i) const { return double(offset[i * step]) + double(low[i * step]); }
  int64_t left(int64_t i) const { return std::clamp<int64_t>(below[i * step] - int64_t(1), 0, n - 1); }
  int64_t right(int64_t i) const { return std::clamp<int64_t>(below[i * step], 0, n - 1); }

  // How far the elements before and after an edge are, infinite where there is none.
  void distances(int64_t i, double& before, double& after) const {
    before = after = std::numeric_limits<double>::infinity();
    if (!is_finite(i)) return;
    const double at = precise_offset(i);
    const double other = std::max((below[i * step] < n ? gap(below[i * step]) : before) - std::abs(at), 0.0);
    before = at >= 0 ? at : other;
    after = at >= 0 ? other : -at;
  }
};

}  // namespace sortax
