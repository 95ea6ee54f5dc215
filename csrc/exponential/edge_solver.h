// Where between two neighbouring elements a sum of smoothed step functions is a given number.
//
// Contract: F(b) is the sum over all elements of C(b - x_j), where 1 - C(d) is an ExponentialSum of distance d >= 0. Given
// for each side the sum over its elements at the nearest of them, F is known all over the gap, and solve() finds where it
// is the number asked for, or else the end of the gap that is nearest to that. Allocates nothing.

#pragma once

#include <complex>

#include "exponential/exponential_sum.h"

namespace sortax {

inline constexpr int kSolveSteps = 60;  // of Newton's method at most; a few are the rule

using Complex = std::complex<double>;

// One side of a gap: for each term, the sum over the elements of that side at the nearest of them.
struct Side {
  const Complex* sums;
  bool there;
};

struct Gap {
  Side before, after;
  double width;   // between the elements on both sides
  double excess;  // F at the edge, minus the number of elements below

  double left(double offset) const { return before.there ? offset : 0.0; }
  double right(double offset) const { return !after.there ? 0.0 : before.there ? width - offset : -offset; }
};

// W (after exp(-r (width - y)) - before exp(-r y)) = excess is one hyperbolic sine around where the two sides are level.
inline double solve_one_exponential(const Gap& gap, const Term& term) {
  const double before = gap.before.there ? gap.before.sums[0].real() : 0;
  const double after = gap.after.there ? gap.after.sums[0].real() : 0;
  if (!gap.after.there) return std::log(term.weight * before / -gap.excess) / term.rate;
  if (!gap.before.there) return -std::log(term.weight * after / gap.excess) / term.rate;
  const double size = std::abs(gap.excess);
  if (gap.width * term.rate < 600) {
    // With u = exp(r y) it is a u^2 - excess u - b = 0, of which the positive root is taken.
    const double a = term.weight * after * std::exp(-gap.width * term.rate), b = term.weight * before;
    const double both = size + std::sqrt(size * size + 4 * a * b);
    return std::log(gap.excess < 0 ? 2 * b / both : both / (2 * a)) / term.rate;
  }
  // sinh(h) = |excess| / x, where x may underflow and its logarithm does not.
  const double log_x = std::log(2 * term.weight) + 0.5 * (std::log(before) + std::log(after)) - gap.width * term.rate / 2;
  const double x = std::exp(log_x);
  const double h = gap.excess == 0 ? 0 : std::log(size + std::sqrt(size * size + x * x)) - log_x;
  return gap.width / 2 + (0.5 * (std::log(before) - std::log(after)) + std::copysign(h, gap.excess)) / term.rate;
}

// F minus the number of elements below, its derivative, and the sum of the magnitudes of its terms.
struct CdfExcess {
  double value, slope, size;
};

inline CdfExcess excess_at(const Gap& gap, const ExponentialSum& tail, double offset) {
  CdfExcess excess{0, 0, 0};
  const auto add = [&](const Side& side, double distance, double sign) {
    for (size_t k = 0; side.there && k < tail.size(); ++k) {
      const Term& term = tail[k];
      double real = 0, imaginary = 0;
      complex_decay(term, &distance, 1, &real, &imaginary);
      const double x = side.sums[k].real(), y = side.sums[k].imag();
      const double left = x * real - y * imaginary, turned = x * imaginary + y * real;
      const double p = left * term.weight - turned * term.phase, q = left * term.phase + turned * term.weight;
      excess.value += sign * p;
      excess.slope += p * term.rate - q * term.turn;
      excess.size += std::abs(p) + std::abs(q);
    }
  };
  add(gap.before, gap.left(offset), -1);
  add(gap.after, gap.right(offset), 1);
  return excess;
}

// How far the edge lies above the element before it or, where there is none, above the one after it.
inline double solve(const Gap& gap, const ExponentialSum& tail) {
  const double guess = solve_one_exponential(gap, tail[0]);
  // Where one side is missing, one exponential bounds how far out the edge is.
  const bool both = gap.before.there && gap.after.there;
  const double reach = both ? gap.width : std::abs(guess) + 1 / tail[0].rate;
  double low = gap.before.there ? 0 : -reach, high = gap.before.there ? reach : 0;
  double y = std::min(std::max(guess, low), high);
  if (tail.size() == 1) return y;
  for (int step = 0; step < kSolveSteps; ++step) {
    const CdfExcess here = excess_at(gap, tail, y);
    const double error = here.value - gap.excess;
    if (error < 0) low = y;
    if (error > 0) high = y;
    // A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat any point serves.
    const bool flat = here.slope <= std::numeric_limits<double>::min();
    const double newton = flat ? y : y - error / here.slope;
    const double next = newton >= low && newton <= high ? newton : low + (high - low) / 2;
    // The next step would be the square of this one, and below what rounding makes of F.
    if (std::abs(next - y) <= 1e-12 * std::abs(next) || std::abs(error) <= 4e-16 * here.size) return next;
    y = next;
  }
  return y;
}

}  // namespace sortax
