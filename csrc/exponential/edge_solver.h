// Where between two neighbouring elements a sum of smoothed step functions is a given number.
//
// Contract: F(b) is the sum over all elements of C(b - x_j), where 1 - C(d) is an ExponentialSum of distance d >= 0. Given
// for each side the sum over its elements at the nearest of them, F is known all over the gap, and solve() finds where it
// is the number asked for, or else the end of the gap that is nearest to that. Allocates nothing.

#pragma once

#include "exponential/exponential_sum.h"

namespace sortax {

inline constexpr int kSolveSteps = 60;      // of Newton's method at most; a few are the rule
inline constexpr int64_t kSolveBlock = 64;  // gaps whose exponentials are computed together

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

// Adds what a term is at these distances from one side of each gap.
inline void add_term(const Gap* const* gaps, int64_t count, bool after, const Term& term, size_t k, const double* distances,
                     double* real, double* imaginary, CdfExcess* excess) {
  complex_decay(term, distances, count, real, imaginary);
  for (int64_t c = 0; c < count; ++c) {
    const Side& side = after ? gaps[c]->after : gaps[c]->before;
    if (!side.there) continue;
    const double x = side.sums[k].real(), y = side.sums[k].imag();
    const double left = x * real[c] - y * imaginary[c], turned = x * imaginary[c] + y * real[c];
    const double p = left * term.weight - turned * term.phase, q = left * term.phase + turned * term.weight;
    excess[c].value += after ? p : -p;
    excess[c].slope += p * term.rate - q * term.turn;
    excess[c].size += std::abs(p) + std::abs(q);
  }
}

// At an offset for each of up to kSolveBlock gaps.
inline void excess_at(const Gap* const* gaps, int64_t count, const ExponentialSum& tail, const double* offsets,
                      CdfExcess* excess) {
  double left[kSolveBlock], right[kSolveBlock], real[kSolveBlock], imaginary[kSolveBlock];
  for (int64_t c = 0; c < count; ++c) {
    left[c] = gaps[c]->left(offsets[c]), right[c] = gaps[c]->right(offsets[c]);
    excess[c] = {0, 0, 0};
  }
  for (size_t k = 0; k < tail.size(); ++k) {
    add_term(gaps, count, false, tail[k], k, left, real, imaginary, excess);
    add_term(gaps, count, true, tail[k], k, right, real, imaginary, excess);
  }
}

// How far each edge lies above the element before it or, where there is none, above the one after it; of up to kSolveBlock.
inline void solve(const Gap* gaps, int64_t count, const ExponentialSum& tail, double* found) {
  const Gap* open[kSolveBlock];
  double y[kSolveBlock], low[kSolveBlock], high[kSolveBlock];
  CdfExcess excess[kSolveBlock];
  for (int64_t c = 0; c < count; ++c) {
    const Gap& gap = gaps[c];
    const double guess = solve_one_exponential(gap, tail[0]);
    // Where one side is missing, one exponential bounds how far out the edge is.
    const double reach = gap.before.there && gap.after.there ? gap.width : std::abs(guess) + 1 / tail[0].rate;
    open[c] = &gap, low[c] = gap.before.there ? 0 : -reach, high[c] = gap.before.there ? reach : 0;
    found[c] = y[c] = std::min(std::max(guess, low[c]), high[c]);
  }
  if (tail.size() == 1) return;
  for (int step = 0; step < kSolveSteps && count > 0; ++step) {
    excess_at(open, count, tail, y, excess);
    int64_t left = 0;
    for (int64_t c = 0; c < count; ++c) {
      const CdfExcess& here = excess[c];
      const double error = here.value - open[c]->excess;
      const double from = error < 0 ? y[c] : low[c], to = error > 0 ? y[c] : high[c];
      // A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat any point serves.
      const bool flat = here.slope <= std::numeric_limits<double>::min();
      const double newton = flat ? y[c] : y[c] - error / here.slope;
      const double next = newton >= from && newton <= to ? newton : from + (to - from) / 2;
      found[open[c] - gaps] = next;
      // The next step would be the square of this one, and below what rounding makes of F.
      if (std::abs(next - y[c]) <= 1e-12 * std::abs(next) || std::abs(error) <= 4e-16 * here.size) continue;
      open[left] = open[c], y[left] = next, low[left] = from, high[left] = to;
      ++left;
    }
    count = left;
  }
}

}  // namespace sortax
