// Where the elements of a row lie, in temperatures.
//
// Contract: components touch, and a gap wider than kWide counts as this wide, on either side of an edge inside it: nothing
// flows over it, and sums of distances that large would lose the digits of the others. Allocates nothing.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/isa.h"

namespace sortax {

inline constexpr double kWide = 3000;

// From the gap before each element, which is infinite before a component.
template <class Gaps>
void find_positions(const Gaps& gap, int64_t n, double* x) {
  double at = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = i == 0 ? 0 : gap(i);
    x[i] = at += std::isinf(d) ? 0 : std::min(d, kWide);
  }
}

// How far an edge is from its element in the same measure.
SORTAX_INLINE double offset_in_positions(double offset) {
  return offset < -kWide / 2 ? -kWide / 2 : offset > kWide / 2 ? kWide / 2 : offset;
}

}  // namespace sortax
