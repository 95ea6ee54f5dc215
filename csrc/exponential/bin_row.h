// A row of elements and of the edges of their bins, how far these are apart, and what masses in bins are made of.
//
// Contract: as in bin_masses.h; loops are to be called through vectorized. Allocates nothing.

#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "exponential/exponential_sum.h"

namespace sortax {

struct BinMassLimits {
  static constexpr int kColumns = 2;                  // of one product, that share their exponentials
  static constexpr int64_t kBlock = 256;              // edges whose exponentials are computed together
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

using BinBlock = std::array<double, BinMassLimits::kBlock>;

// The edges and the distances between elements, `step` numbers apart; values and results, `inner` numbers apart.
template <class E>
struct BinRow {
  const int32_t* below;
  const E *offset, *low, *width, *z;
  const E* v;
  E* out;
  int64_t step, inner, n;

  double gap(int64_t j) const { return j == 0 ? std::numeric_limits<double>::infinity() : double(z[j * step]); }
};

// For edges `first` to `last` of a row of at least one element, how far the elements before and after each are, infinite
// where there is none.
template <class E>
SORTAX_INLINE void find_distances(const int32_t* below, const E* offset, const E* low, const E* z, int64_t step, int64_t n,
                                  int64_t first, int64_t last, double* __restrict before, double* __restrict after) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (int64_t i = first; i < last; ++i) {
    const int64_t next = below[i * step], there = next < n ? next : n - 1;
    const double gap = next > 0 && next < n ? double(z[there * step]) : infinity;
    const double at = double(offset[i * step]) + double(low[i * step]), distance = at < 0 ? -at : at;
    const double left = gap - distance, other = left > 0 ? left : 0.0;
    const bool is_finite = distance < infinity;
    before[i] = !is_finite ? infinity : at < 0 ? other : distance;
    after[i] = !is_finite ? infinity : at < 0 ? distance : other;
  }
}

// 1 - exp(-(rate + i turn) w), what is lost of a term over a width; `imaginary` is written only where there is a turn.
template <bool kTurns>
SORTAX_INLINE void loss(double w, double rate, double turn, double& real, double& imaginary) {
  const double lost = one_minus_exp_negative(rate * w);
  real = lost;
  if constexpr (kTurns) {
    const double left = 1.0 - lost;
    double cosine, sine;
    rotation(left < 1e-300 ? 0.0 : 0.5 * turn * w, cosine, sine);
    real = lost + left * (2.0 * sine * sine);
    imaginary = left * (2.0 * sine * cosine);
  }
}

// What an edge takes from the sums of one side or gives to them: a term at each distance, times a factor and, of masses,
// times what is lost of it over the width of the bin. Slopes may be in units of what the rate `unit` leaves at the nearest
// element.
template <class E, bool kTurns, bool kMasses>
SORTAX_INLINE void find_coefficients(const double* distance, const double* before, const double* after, double unit,
                                     const E* width, int64_t step, int64_t count, double rate, double turn, double factor,
                                     double turned_factor, double* __restrict real, double* __restrict imaginary) {
  for (int64_t c = 0; c < count; ++c) {
    double exponent = rate * distance[c];
    if constexpr (!kMasses) {
      const double nearest = before[c] < after[c] ? before[c] : after[c];
      exponent -= nearest < std::numeric_limits<double>::infinity() ? unit * nearest : 0.0;
    }
    double x = exp_negative(exponent), y = 0.0;
    if constexpr (kTurns) {
      double cosine, sine;
      rotation(x == 0.0 ? 0.0 : turn * distance[c], cosine, sine);
      y = -x * sine, x = x * cosine;
    }
    if constexpr (kMasses) {
      double lost, turned = 0.0;
      loss<kTurns>(double(width[c * step]), rate, turn, lost, turned);
      const double p = kTurns ? x * lost - y * turned : x * lost;
      if constexpr (kTurns) y = x * turned + y * lost;
      x = p;
    }
    real[c] = kTurns ? x * factor - y * turned_factor : x * factor;
    if constexpr (kTurns) imaginary[c] = x * turned_factor + y * factor;
  }
}

// The distribution function minus one half at distances x >= 0 above the middle.
SORTAX_INLINE double centred_cdf(double x, bool logistic) {
  const double lost = one_minus_exp_negative(x);
  return logistic ? 0.5 * lost / (2.0 - lost) : 0.5 * lost;
}

}  // namespace sortax
