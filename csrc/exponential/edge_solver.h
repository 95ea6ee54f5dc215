// Where between two neighbouring elements a sum of smoothed step functions is a given number.
//
// Contract: F(b) is the sum over all elements of C(b - x_j), where 1 - C(d) is an ExponentialSum of distance d >= 0. Given
// for each side the sum over its elements at the nearest of them, F is known all over the gap, and solve() finds where it
// is the number asked for, or else the end of the gap that is nearest to that. Allocates what GapBlock holds.

#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "exponential/exponential_sum.h"

namespace sortax {

inline constexpr int kSolveSteps = 60;      // at most; one or a few are the rule
inline constexpr int64_t kSolveBlock = 64;  // gaps that are solved together

using GapNumbers = std::array<double, kSolveBlock>;

// Gaps, each between two neighbours of which one may be missing.
struct GapBlock {
  explicit GapBlock(size_t terms) : sums_(4 * terms) {}

  int64_t count = 0;
  GapNumbers width;                  // between the elements on both sides; zero where there is only one
  GapNumbers excess;                 // F at the edge, minus the number of elements below
  GapNumbers guess;                  // how far the edge may be above the element before, or NaN where nothing is known
  GapNumbers has_before, has_after;  // 1 where there is an element, and 0 where not

  // For each term the sums over the elements of a side, 0 before and 1 after, at the nearest of them; zero where there is
  // none. The imaginary part is read only where a term turns.
  GapNumbers& real(size_t k, int side) { return sums_[4 * k + size_t(side)]; }
  GapNumbers& imaginary(size_t k, int side) { return sums_[4 * k + 2 + size_t(side)]; }
  const GapNumbers& real(size_t k, int side) const { return sums_[4 * k + size_t(side)]; }
  const GapNumbers& imaginary(size_t k, int side) const { return sums_[4 * k + 2 + size_t(side)]; }

 private:
  std::vector<GapNumbers> sums_;
};

// With u = exp(r y) of an offset y, W (after exp(-r (width - y)) - before exp(-r y)) = excess is a u^2 - excess u - b = 0,
// of which the positive root is taken. One side alone leaves a or b zero.
SORTAX_INLINE void solve_one_exponential(const double* before, const double* after, const double* width,
                                         const double* excess, int64_t count, double rate, double weight,
                                         double* __restrict found) {
  for (int64_t c = 0; c < count; ++c) {
    const double a = weight * after[c] * exp_negative(width[c] * rate), b = weight * before[c];
    const double size = excess[c] < 0 ? -excess[c] : excess[c];
    const double both = size + __builtin_sqrt(size * size + 4.0 * a * b);
    const double root = excess[c] < 0 ? 2.0 * b / both : both / (2.0 * a);
    found[c] = log_positive(root) / rate;
  }
}

// In a gap so wide that what a side leaves at the other underflows, while its logarithm does not.
inline double solve_wide_gap(double before, double after, double width, double excess, const Term& term) {
  // It is one hyperbolic sine around where the two sides are level: sinh(h) = |excess| / x.
  const double size = std::abs(excess);
  const double log_x = std::log(2 * term.weight) + 0.5 * (std::log(before) + std::log(after)) - width * term.rate / 2;
  const double x = std::exp(log_x);
  const double h = excess == 0 ? 0 : std::log(size + std::sqrt(size * size + x * x)) - log_x;
  return width / 2 + (0.5 * (std::log(before) - std::log(after)) + std::copysign(h, excess)) / term.rate;
}

// The offset of each edge as if the slowest term were the only one.
inline void solve_slowest_term(const GapBlock& gaps, const Term& term, double* found) {
  const double *const before = gaps.real(0, 0).data(), *const after = gaps.real(0, 1).data();
  vectorized<solve_one_exponential>(before, after, gaps.width.data(), gaps.excess.data(), gaps.count, term.rate, term.weight,
                                    found);
  for (int64_t c = 0; c < gaps.count; ++c) {
    const double width = gaps.width[size_t(c)];
    if (width * term.rate >= 600) found[c] = solve_wide_gap(before[c], after[c], width, gaps.excess[size_t(c)], term);
  }
}

// F minus the number of elements below, its first two derivatives, and the sum of the magnitudes of its terms.
struct CdfExcess {
  GapNumbers value, slope, curvature, size;
};

// Adds what the elements of one side are of a term; `sign` is 1 for those after the gap and -1 for those before it.
template <bool kTurns>
SORTAX_INLINE void add_term(const double* width, const double* offset, const double* reals, const double* imaginaries,
                            int64_t count, double sign, const Term& term, double* __restrict value, double* __restrict slope,
                            double* __restrict curvature, double* __restrict size) {
  const double rate = term.rate, turn = term.turn, weight = term.weight, phase = term.phase;
  for (int64_t c = 0; c < count; ++c) {
    const double from = sign < 0 ? offset[c] : width[c] - offset[c], d = from > 0 ? from : 0.0;
    const double left = exp_negative(rate * d);
    if constexpr (kTurns) {
      double cosine, sine;
      rotation(left == 0.0 ? 0.0 : turn * d, cosine, sine);
      const double u = left * (reals[c] * cosine + imaginaries[c] * sine);
      const double v = left * (imaginaries[c] * cosine - reals[c] * sine);
      const double p = u * weight - v * phase, q = u * phase + v * weight;
      const double p1 = p * rate - q * turn, q1 = p * turn + q * rate;
      value[c] += sign * p;
      slope[c] += p1;
      curvature[c] += sign * (p1 * rate - q1 * turn);
      size[c] += (p < 0 ? -p : p) + (q < 0 ? -q : q);
    } else {
      const double p = left * reals[c] * weight;
      value[c] += sign * p;
      slope[c] += p * rate;
      curvature[c] += sign * p * (rate * rate);
      size[c] += p < 0 ? -p : p;
    }
  }
}

// At an offset for each gap.
inline void excess_at(const GapBlock& gaps, const ExponentialSum& tail, const double* offsets, CdfExcess& excess) {
  for (GapNumbers* numbers : {&excess.value, &excess.slope, &excess.curvature, &excess.size}) numbers->fill(0.0);
  for (size_t k = 0; k < tail.size(); ++k) {
    const auto add = tail[k].turn != 0.0 ? vectorized<add_term<true>> : vectorized<add_term<false>>;
    for (int side = 0; side < 2; ++side) {
      add(gaps.width.data(), offsets, gaps.real(k, side).data(), gaps.imaginary(k, side).data(), gaps.count,
          side == 0 ? -1.0 : 1.0, tail[k], excess.value.data(), excess.slope.data(), excess.curvature.data(),
          excess.size.data());
    }
  }
}

// Offsets with the brackets that they are in; `open` is 1 until they have converged, and 0 then.
struct Brackets {
  GapNumbers offset, low, high, open;
};

// From guesses, or where those are NaN from the offsets by one term alone.
SORTAX_INLINE void set_brackets(const double* guess, const double* alone, const double* width, const double* has_before,
                                const double* has_after, int64_t count, double unit, double* __restrict offset,
                                double* __restrict low, double* __restrict high, double* __restrict open) {
  for (int64_t c = 0; c < count; ++c) {
    const double other = alone[c], known = guess[c], first = known == known ? known : other;
    const double far = (first < 0 ? -first : first) + unit, gap = width[c];
    // Where one side is missing, one exponential bounds how far out the edge is.
    const double reach = (has_before[c] != 0.0) & (has_after[c] != 0.0) ? gap : far;
    const double from = has_before[c] != 0.0 ? 0.0 : -reach, to = has_before[c] != 0.0 ? reach : 0.0;
    low[c] = from, high[c] = to, open[c] = 1.0;
    offset[c] = first < from ? from : first > to ? to : first;
  }
}

// A step of Halley's method for each gap, or of bisection where that leaves the bracket; how many are still open.
SORTAX_INLINE int64_t halley_step(const double* excess, const double* value, const double* slopes, const double* curvatures,
                                  const double* sizes, int64_t count, double* __restrict offset, double* __restrict low,
                                  double* __restrict high, double* __restrict open) {
  int64_t left = 0;
  for (int64_t c = 0; c < count; ++c) {
    const double y = offset[c], error = value[c] - excess[c], distance = error < 0 ? -error : error;
    const double lowest = low[c], highest = high[c], from = error < 0 ? y : lowest, to = error > 0 ? y : highest;
    const double slope = slopes[c], curvature = curvatures[c], size = sizes[c], was_open = open[c];
    // Where F is flat any point serves.
    const bool flat = !(slope > std::numeric_limits<double>::min());
    const double s = flat ? 1.0 : slope, newton = error / s, bend = 0.5 * newton * curvature / s;
    const double halley = y - newton / (1.0 - (bend < 0.5 ? bend : 0.0)), middle = from + 0.5 * (to - from);
    const double inside = (halley < from) | (halley > to) ? middle : halley, next = flat ? y : inside;
    const double step = next - y, far = step < 0 ? -step : step, reach = next < 0 ? -next : next;
    // The next step would be the cube of this one, or below what rounding makes of F.
    const bool is_near = (inside == halley) & (far * far * far <= 1e-16 * reach);
    const bool is_done = is_near | (far <= 1e-13 * reach) | (distance <= 4e-16 * size);
    const double is_open = is_done ? 0.0 : was_open;
    offset[c] = was_open != 0.0 ? next : y;
    low[c] = from, high[c] = to, open[c] = is_open;
    left += is_open != 0.0 ? 1 : 0;
  }
  return left;
}

SORTAX_INLINE int64_t count_unknown(const double* guess, int64_t count) {
  int64_t unknown = 0;
  for (int64_t c = 0; c < count; ++c) unknown += guess[c] == guess[c] ? 0 : 1;
  return unknown;
}

// How far each edge lies above the element before it or, where there is none, above the one after it.
inline void solve(const GapBlock& gaps, const ExponentialSum& tail, GapNumbers& found) {
  Brackets brackets;
  GapNumbers alone = {};
  if (vectorized<count_unknown>(gaps.guess.data(), gaps.count) > 0) solve_slowest_term(gaps, tail[0], alone.data());
  vectorized<set_brackets>(gaps.guess.data(), alone.data(), gaps.width.data(), gaps.has_before.data(), gaps.has_after.data(),
                           gaps.count, 1 / tail[0].rate, brackets.offset.data(), brackets.low.data(), brackets.high.data(),
                           brackets.open.data());
  CdfExcess excess;
  // One term alone is solved already.
  for (int step = 0; step < kSolveSteps && tail.size() > 1; ++step) {
    excess_at(gaps, tail, brackets.offset.data(), excess);
    const int64_t open = vectorized<halley_step>(
        gaps.excess.data(), excess.value.data(), excess.slope.data(), excess.curvature.data(), excess.size.data(),
        gaps.count, brackets.offset.data(), brackets.low.data(), brackets.high.data(), brackets.open.data());
    if (open == 0) break;
  }
  found = brackets.offset;
}

}  // namespace sortax
