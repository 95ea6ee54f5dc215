// Where between two neighbouring elements a sum of distribution functions is a given number.
//
// Contract: F(b) is the sum over all elements of C(b - x_j), where C lacks Re sum of w exp(-b d) to one at distance d >= 0.
// Given what the elements on each side have left at the nearest of them, F is known all over the gap, and `solve` finds
// where it is the number asked for, if it is so there; otherwise the end of the gap next to it. Allocates nothing.

#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "exponential/kernel_sum.h"

namespace sortax {

inline constexpr int kSolveSteps = 60;  // of Newton's method at most; a few are the rule

using Complex = std::complex<double>;

// What flows to a border: of each term what all elements on one side have left at the nearest of them, and how far the next
// on the other side is.
struct Side {
  const Complex* sums;
  bool there;
};

struct Gap {
  Side before, after;
  double width;  // between the elements on both sides
  double rest;   // F at the border, less the number of elements below

  double left(double offset) const { return before.there ? offset : 0.0; }
  double right(double offset) const { return !after.there ? 0.0 : before.there ? width - offset : -offset; }
};

inline Complex decayed(const Term& term, double d) {
  double real, imaginary = 0;
  decays<true>(&d, 1, term.rate, term.turn, &real, &imaginary);
  return {real, imaginary};
}

// W (after exp(-r (gap - y)) - before exp(-r y)) = rest is one hyperbolic sine around where the two sides are level.
inline double of_one_exponential(const Gap& gap, const Term& term) {
  const double before = gap.before.there ? gap.before.sums[0].real() : 0;
  const double after = gap.after.there ? gap.after.sums[0].real() : 0;
  if (!gap.after.there) return std::log(term.weight * before / -gap.rest) / term.rate;
  if (!gap.before.there) return -std::log(term.weight * after / gap.rest) / term.rate;
  // sinh(h) = |rest| / x, of which x may underflow: its logarithm does not.
  const double log_x = std::log(2 * term.weight) + 0.5 * (std::log(before) + std::log(after)) - gap.width * term.rate / 2;
  const double x = std::exp(log_x), size = std::abs(gap.rest);
  const double h = gap.rest == 0 ? 0 : std::log(size + std::sqrt(size * size + x * x)) - log_x;
  return gap.width / 2 + (0.5 * (std::log(before) - std::log(after)) + std::copysign(h, gap.rest)) / term.rate;
}

struct Level {
  double value, slope, size;  // of F less the number of elements below; of its terms together
};

inline Level level_at(const Gap& gap, const Terms& terms, double offset) {
  Level level{0, 0, 0};
  const auto add = [&](const Side& side, double distance, double sign) {
    for (size_t k = 0; side.there && k < terms.size(); ++k) {
      const Term& term = terms[k];
      const Complex here = side.sums[k] * decayed(term, distance) * Complex(term.weight, term.phase);
      level.value += sign * here.real();
      level.slope += (here * Complex(term.rate, term.turn)).real();
      level.size += std::abs(here);
    }
  };
  add(gap.before, gap.left(offset), -1);
  add(gap.after, gap.right(offset), 1);
  return level;
}

// How far above the element before it, or if there is none the one after it, F less the number of elements below is `rest`.
inline double solve(const Gap& gap, const Terms& terms) {
  const double guess = of_one_exponential(gap, terms[0]);
  // Where one side is missing, one exponential bounds how far out the border is.
  const bool both = gap.before.there && gap.after.there;
  const double reach = both ? gap.width : std::abs(guess) + 1 / terms[0].rate;
  double low = gap.before.there ? 0 : -reach, high = gap.before.there ? reach : 0;
  double y = std::min(std::max(guess, low), high);
  if (terms.size() == 1) return y;
  for (int step = 0; step < kSolveSteps; ++step) {
    const Level level = level_at(gap, terms, y);
    const double excess = level.value - gap.rest;
    if (excess < 0) low = y;
    if (excess > 0) high = y;
    // A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat all of it is as good.
    const bool flat = level.slope <= std::numeric_limits<double>::min();
    const double newton = flat ? y : y - excess / level.slope;
    const double next = newton >= low && newton <= high ? newton : low + (high - low) / 2;
    // The next step would be the square of this one, and below what rounding makes of F.
    if (std::abs(next - y) <= 1e-12 * std::abs(next) || std::abs(excess) <= 4e-16 * level.size) return next;
    y = next;
  }
  return y;
}

}  // namespace sortax
