// A row of elements and of the edges of their bins, how far these are apart, and what edges have of the elements around.
//
// Contract: as in bin_masses.h; loops are to be called through vectorized. Allocates nothing.

#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "exponential/exponential_sum.h"

namespace sortax {

struct BinMassLimits {
  static constexpr int kColumns = 3;                  // of one product, that share their exponentials
  static constexpr int64_t kBlock = 128;              // elements or edges that are worked on together
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

using BinBlock = std::array<double, BinMassLimits::kBlock>;

// The edges and the distances between elements, `step` numbers apart; values and results, `inner` numbers apart.
template <class E>
struct BinRow {
  const int32_t* below;
  const E *offset, *low, *z;
  const E* v;
  E* out;
  int64_t step, inner, n;

  double gap(int64_t j) const { return j == 0 ? std::numeric_limits<double>::infinity() : double(z[j * step]); }

  // The first element of a bin: the first that does not come before its lower edge.
  int64_t first_of(int64_t bin) const {
    if (bin == 0 || bin >= n) return bin == 0 ? 0 : n;
    return std::clamp<int64_t>(below[bin * step], 0, n);
  }
};

// For `count` edges from the first on, of a row of n elements, how far the elements before and after each are, infinite
// where there is none; and what the slowest term leaves of one at the nearest of them.
template <class E, bool kNeighbours>
SORTAX_INLINE void find_distances(const int32_t* below, const E* offset, const E* low, const E* z, int64_t apart, int32_t n,
                                  int64_t count, double rate, double* __restrict before, double* __restrict after,
                                  double* __restrict unit) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const int64_t step = kNeighbours ? 1 : apart;
  // The gap that each edge is in, alone: a loop that reads by index hardly becomes vector instructions.
  for (int64_t i = 0; i < count; ++i) {
    const int32_t next = below[i * step];
    unit[i] = next > 0 && next < n ? double(z[next * step]) : infinity;
  }
  for (int64_t i = 0; i < count; ++i) {
    const double at = double(offset[i * step]) + double(low[i * step]), distance = at < 0 ? -at : at;
    const double gap = unit[i], left = gap - distance, other = left > 0 ? left : 0.0;
    const double above = at < 0 ? other : distance, under = at < 0 ? distance : other;
    const double from_before = distance < infinity ? above : infinity, to_after = distance < infinity ? under : infinity;
    before[i] = from_before, after[i] = to_after;
    unit[i] = exp_negative(rate * (from_before < to_after ? from_before : to_after));
  }
}

// What is left of a term over each distance from an edge, in units of what the rate `slowest` leaves at the nearest element.
template <bool kTurns>
SORTAX_INLINE void decays_from_edges(const double* distance, const double* before, const double* after, double slowest,
                                     int64_t count, double rate, double turn, double* __restrict real,
                                     double* __restrict imaginary) {
  for (int64_t c = 0; c < count; ++c) {
    const double nearest = before[c] < after[c] ? before[c] : after[c];
    const bool is_near = nearest < std::numeric_limits<double>::infinity();
    const double left = exp_negative(rate * distance[c] - (is_near ? slowest * nearest : 0.0));
    real[c] = left;
    if constexpr (kTurns) {
      double cosine, sine;
      rotation(left == 0.0 ? 0.0 : turn * distance[c], cosine, sine);
      real[c] = left * cosine, imaginary[c] = -left * sine;
    }
  }
}

}  // namespace sortax
