// The edge of one level alone, found without a sum along the whole row.
//
// Contract: the positions x of a component are in order. Each guess costs one exponential a term of each element; a few
// guesses are the rule. Allocates a few numbers for each thread.

#pragma once

#include <vector>

#include "core/parallel.h"
#include "exponential/edge_solver.h"

namespace sortax {

inline constexpr int64_t kExponentialsOfTask = int64_t(1) << 13;  // worth handing to a thread

// For each term, the sum at a position over the elements from `begin` to `end`, which are at positions x.
inline void sum_directly(const Workers& workers, const double* x, int64_t begin, int64_t end, double position,
                         const ExponentialSum& tail, Complex* sums) {
  constexpr int64_t kBlock = 512;
  const Split ranges{end - begin, std::max<int64_t>(std::min((end - begin) / kExponentialsOfTask, workers.count), 1)};
  const int64_t size = int64_t(tail.size());
  std::vector<Complex> of_range(static_cast<size_t>(ranges.count * size));
  for_each(workers, ranges.count, [&](int64_t t) {
    double d[kBlock], real[kBlock], imaginary[kBlock];
    const int64_t last = begin + ranges.begin(t + 1);
    for (int64_t first = begin + ranges.begin(t); first < last; first += kBlock) {
      const int64_t count = std::min(kBlock, last - first);
      for (int64_t j = 0; j < count; ++j) d[j] = std::abs(x[first + j] - position);
      for (int64_t k = 0; k < size; ++k) {
        complex_decay(tail[size_t(k)], d, count, real, imaginary);
        // Four sums take turns, so that an addition need not wait for the one before it.
        double some[8] = {};
        for (int64_t j = 0; j < count; ++j) some[j & 3] += real[j], some[4 + (j & 3)] += imaginary[j];
        of_range[size_t(t * size + k)] +=
            Complex((some[0] + some[1]) + (some[2] + some[3]), (some[4] + some[5]) + (some[6] + some[7]));
      }
    }
  });
  std::fill_n(sums, size, Complex());
  for (int64_t t = 0; t < ranges.count; ++t) {
    for (int64_t k = 0; k < size; ++k) sums[k] += of_range[size_t(t * size + k)];
  }
}

// How many elements come before the edge of one level, in a component from `begin` to `end`; and the gap that it is in, as
// the first of a block. F at the ends of a gap says on which side of it the edge is, and its slope about how far.
inline int64_t find_edge(const Workers& workers, const double* x, int64_t begin, int64_t end, int64_t level,
                         const ExponentialSum& tail, GapBlock& gaps) {
  std::vector<Complex> sums(tail.size());
  int64_t low = begin, high = end, guess = level;
  for (;;) {
    const bool has_left = guess > begin, has_right = guess < end;
    const double width = has_left && has_right ? x[guess] - x[guess - 1] : 0;
    const auto set = [&](int side, bool there, int64_t first, int64_t last, int64_t nearest) {
      std::fill(sums.begin(), sums.end(), Complex());
      if (there) sum_directly(workers, x, first, last, x[nearest], tail, sums.data());
      for (size_t k = 0; k < tail.size(); ++k) {
        gaps.real(k, side).fill(sums[k].real()), gaps.imaginary(k, side).fill(sums[k].imag());
      }
    };
    set(0, has_left, begin, guess, guess - 1);
    set(1, has_right, guess, end, guess);
    gaps.width.fill(width), gaps.excess.fill(double(level - guess)), gaps.guess.fill(std::nan(""));
    gaps.has_before.fill(has_left), gaps.has_after.fill(has_right);
    gaps.count = 2;
    const double ends[] = {0, has_left ? width : 0};
    CdfExcess there;
    excess_at(gaps, tail, ends, there);
    gaps.count = 1;
    const double excess = gaps.excess[0];
    const bool is_below = has_left && there.value[0] > excess, is_above = has_right && there.value[1] < excess;
    if (!is_below && !is_above) return guess;
    (is_below ? high : low) = guess + (is_below ? -1 : 1);
    // Where rounding leaves no place between them, this one serves.
    if (low > high) return guess;
    const size_t at = is_below ? 0 : 1;
    const double slope = there.slope[at], step = (there.value[at] - excess) / slope;
    const double next_position = (is_below ? x[guess - 1] : x[guess]) - step;
    const int64_t next = slope > 0 ? std::upper_bound(x + begin, x + end, next_position) - x : (low + high) / 2;
    // Where the slope leads outside the bracket, the bracket is halved.
    guess = next >= low && next <= high ? next : low + (high - low) / 2;
  }
}

}  // namespace sortax
