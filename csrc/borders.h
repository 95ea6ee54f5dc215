// Where the places of a sorted row part, when each element counts as less than b by a degree.
//
// Contract: z has the distance of each element of a row from the one before it, and infinity where nothing flows; the first
// is not read. F(b) is the sum over all elements of C(b - x_j), where C lacks Re sum of w exp(-b d) to one at distance d >=
// 0. For each place wanted, one or as many in order as elements, the border is where F is the number of the place: `below`
// is how many elements come before it; `offset` + `rest` how far it lies above the element before it or, negative, below the
// one after it, whichever is nearer; NaN at infinity, as for the first place of what flows by itself. `width` is how far the
// next border is, infinite where one of them is. Computed in double. Allocates scratch of the size of a row a term.

#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <utility>
#include <vector>

#include "flow.h"
#include "scratch.h"

namespace sortax {

struct BorderLimits {
  static constexpr int kSteps = 60;                   // of Newton's method at most; a few are the rule
  static constexpr int64_t kTask = int64_t(1) << 10;  // borders worth handing to a thread
};

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

// How far above the element before it, or if there is none the one after it, F less the number of elements below is `rest`.
inline double solve(const Gap& gap, const Terms& terms) {
  const double guess = of_one_exponential(gap, terms[0]);
  // Where one side is missing, one exponential bounds how far out the border is.
  const bool both = gap.before.there && gap.after.there;
  const double reach = both ? gap.width : std::abs(guess) + 1 / terms[0].rate;
  double low = gap.before.there ? 0 : -reach, high = gap.before.there ? reach : 0;
  double y = std::min(std::max(guess, low), high);
  if (terms.size() == 1) return y;
  for (int step = 0; step < BorderLimits::kSteps; ++step) {
    double level = 0, slope = 0, size = 0;
    const auto add = [&](const Side& side, double distance, double sign) {
      for (size_t k = 0; side.there && k < terms.size(); ++k) {
        const Term& term = terms[k];
        const Complex here = side.sums[k] * decayed(term, distance) * Complex(term.weight, term.phase);
        level += sign * here.real();
        size += std::abs(here);
        slope += (here * Complex(term.rate, term.turn)).real();
      }
    };
    add(gap.before, gap.left(y), -1);
    add(gap.after, gap.right(y), 1);
    if (level < gap.rest) low = y;
    if (level > gap.rest) high = y;
    // A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat all of it is as good.
    const bool flat = slope <= std::numeric_limits<double>::min();
    const double newton = flat ? y : y - (level - gap.rest) / slope;
    const double next = newton >= low && newton <= high ? newton : low + (high - low) / 2;
    // The next step would be the square of this one, and below what rounding makes of F.
    if (std::abs(next - y) <= 1e-12 * std::abs(next) || std::abs(level - gap.rest) <= 4e-16 * size) return next;
    y = next;
  }
  return y;
}

template <class E>
struct BorderRow {
  const E* z;
  const int32_t* wanted;
  int32_t* below;
  E *offset, *rest, *width;
  int64_t step, n, count;  // between neighbours; elements; borders
};

// For each element the number of the first border that does not lie below it.
inline void first_above(const Workers& workers, const Terms& terms, const double* d, int64_t n, int32_t* upper) {
  Scratch<double> ones(n), before(n), after(n);
  std::fill_n(ones.data(), n, 1.0);
  Layout row;
  Layout::make(std::vector<int64_t>{n}, std::vector<int64_t>{0}, 0, std::vector<int64_t>{}, row);
  flow_all<double, false>(workers, row, terms, d, ones.data(), before.data());
  flow_all<double, true>(workers, row, terms, d, ones.data(), after.data());
  for (int64_t i = 0, end; i < n; i = end) {
    end = i + 1;
    while (end < n && d[end] == 0) ++end;
    // Of a run at one place, half counts as below it.
    const double level = after.data()[i] - before.data()[i] + double(end - i) / 2;
    const int64_t first = std::clamp<int64_t>(i + int64_t(std::ceil(level)), 0, n);
    std::fill(upper + i, upper + end, int32_t(first));
  }
}

// The factors of a block, and none of the work that only turns need.
inline void block_of_decays(const Term& term, const double* z, int64_t count, double* real, double* imaginary) {
  if (term.turn != 0.0) return decays<true>(z, count, term.rate, term.turn, real, imaginary);
  decays<false>(z, count, term.rate, 0, real, imaginary);
  std::fill_n(imaginary, count, 0.0);
}

// What elements from `begin` to `end` at positions x have left at position `at`, for all terms.
inline void direct_sums(const double* x, int64_t begin, int64_t end, double at, const Terms& terms, Complex* sums) {
  constexpr int64_t kBlock = FlowLimits::kBlock * FlowLimits::kLanes;
  double z[kBlock], real[kBlock], imaginary[kBlock];
  std::fill_n(sums, terms.size(), Complex());
  for (int64_t first = begin; first < end; first += kBlock) {
    const int64_t count = std::min(kBlock, end - first);
    for (int64_t j = 0; j < count; ++j) z[j] = std::abs(x[first + j] - at);
    for (size_t k = 0; k < terms.size(); ++k) {
      block_of_decays(terms[k], z, count, real, imaginary);
      // Several sums, of which none waits for another.
      double parts[8] = {};
      for (int64_t j = 0; j < count; ++j) parts[j & 3] += real[j], parts[4 + (j & 3)] += imaginary[j];
      sums[k] += Complex((parts[0] + parts[1]) + (parts[2] + parts[3]), (parts[4] + parts[5]) + (parts[6] + parts[7]));
    }
  }
}

// What has come up to the element next to each border, for all terms, from one end.
template <bool kReverse>
void gather_sums(const double* d, int64_t n, const Terms& terms, const int32_t* below, int64_t count, Complex* sums) {
  const size_t size = terms.size();
  constexpr int64_t kBlock = FlowLimits::kBlock;
  Scratch<double> factors(2 * kBlock * int64_t(size));
  std::vector<Complex> state(size);
  double z[kBlock];
  int64_t b = kReverse ? count - 1 : 0;
  const auto is_border = [&] { return b >= 0 && b < count; };
  const auto element = [&] { return kReverse ? int64_t(below[b]) : int64_t(below[b]) - 1; };
  // Those that lie beyond the end have nothing on this side.
  while (is_border() && (kReverse ? element() >= n : element() < 0)) b += kReverse ? -1 : 1;
  for (int64_t first = 0; first < n && is_border(); first += kBlock) {
    const int64_t steps = std::min(kBlock, n - first);
    for (int64_t j = 0; j < steps; ++j) {
      const int64_t i = kReverse ? n - first - j : first + j;
      z[j] = i < n ? d[i] : std::numeric_limits<double>::infinity();
    }
    for (size_t k = 0; k < size; ++k) {
      double* const real = factors.data() + 2 * kBlock * int64_t(k);
      block_of_decays(terms[k], z, steps, real, real + kBlock);
    }
    for (int64_t j = 0; j < steps; ++j) {
      for (size_t k = 0; k < size; ++k) {
        const double* const factor = factors.data() + 2 * kBlock * int64_t(k) + j;
        const double x = state[k].real(), y = state[k].imag();
        state[k] = {factor[0] * x - factor[kBlock] * y + 1, factor[0] * y + factor[kBlock] * x};
      }
      for (const int64_t i = kReverse ? n - 1 - first - j : first + j; is_border() && element() == i; b += kReverse ? -1 : 1)
        std::copy(state.begin(), state.end(), sums + b * int64_t(size));
    }
  }
}

template <class E>
void borders_of_row(const Workers& workers, const BorderRow<E>& row, const Terms& terms) {
  const int64_t n = row.n, count = row.count, size = int64_t(terms.size());
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  Scratch<double> distances(n), positions(n), offsets(count);
  Scratch<int32_t> cells(n), uppers(n), belows(count);
  double *const d = distances.data(), *const x = positions.data();
  int32_t *const cell = cells.data(), *const upper = uppers.data(), *const below = belows.data();
  for (int64_t i = 0; i < n; ++i) {
    d[i] = i == 0 ? infinity : double(row.z[i * row.step]);
    cell[i] = std::isinf(d[i]) ? int32_t(i) : cell[i - 1];
    // What is so far apart is cut by underflow, and sums of it shall not overflow.
    x[i] = i == 0 ? 0 : x[i - 1] + (std::isinf(d[i]) ? 0 : std::min(d[i], 1e290));
  }
  first_above(workers, terms, d, n, upper);
  if (count == 1) {
    below[0] = int32_t(std::count_if(upper, upper + n, [&](int32_t place) { return place <= row.wanted[0]; }));
  } else {
    std::fill_n(below, count, 0);
    for (int64_t i = 0; i < n; ++i) {
      if (upper[i] < count) ++below[upper[i]];
    }
    for (int64_t p = 1; p < count; ++p) below[p] += below[p - 1];
  }
  Scratch<Complex> befores(count * size), afters(count * size);
  if (count == 1) {
    const int64_t right = below[0], own = cell[std::clamp<int64_t>(row.wanted[0], 0, n - 1)];
    int64_t end = right;
    while (end < n && cell[end] == own) ++end;
    if (right > own) direct_sums(x, own, right, x[right - 1], terms, befores.data());
    if (end > right) direct_sums(x, right, end, x[right], terms, afters.data());
  } else {
    gather_sums<false>(d, n, terms, below, count, befores.data());
    gather_sums<true>(d, n, terms, below, count, afters.data());
  }
  const Split tasks{count, std::max<int64_t>(std::min(count / BorderLimits::kTask, workers.count * 4), 1)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    for (int64_t p = tasks.begin(t); p < tasks.begin(t + 1); ++p) {
      const int64_t wanted = row.wanted[p * row.step], own = cell[std::clamp<int64_t>(wanted, 0, n - 1)];
      double& offset = offsets.data()[p];
      offset = nan;
      // The border of what flows by itself is at infinity: it is none.
      if (wanted <= own || wanted >= n) continue;
      const bool has_left = below[p] > own, has_right = below[p] < n && cell[below[p]] == own;
      const Gap gap{{befores.data() + p * size, has_left},
                    {afters.data() + p * size, has_right},
                    has_left && has_right ? d[below[p]] : 0,
                    double(wanted - below[p])};
      if (!has_left && !has_right) continue;
      const double up = solve(gap, terms), down = has_left ? gap.width - up : -up;
      // From the nearer neighbour: what is next to an element keeps its digits.
      offset = has_right && (!has_left || down < up) && down > 0 ? -down : has_left ? up : 0;
    }
  });
  const auto position = [&](int64_t p) {
    const double offset = offsets.data()[p];
    return std::pair(x[std::clamp<int64_t>(offset < 0 ? below[p] : below[p] - 1, 0, n - 1)], offset);
  };
  for (int64_t p = 0; p < count; ++p) {
    const auto [from, offset] = position(p);
    double width = infinity;
    if (p + 1 < count) {
      const auto [to, next] = position(p + 1);
      width = (to - from) + (next - offset);
      if (std::isnan(width)) width = infinity;
    }
    const E rounded = E(offset);
    row.below[p * row.step] = below[p];
    row.offset[p * row.step] = rounded;
    row.rest[p * row.step] = E(offset - double(rounded));
    row.width[p * row.step] = E(std::max(width, 0.0));
  }
}

}  // namespace sortax
