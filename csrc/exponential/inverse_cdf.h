// Where the places of a sorted row part, when each element counts as less than b by a degree.
//
// Contract: z has the distance of each element of a row from the one before it, and infinity where nothing flows; the first
// is not read. F(b) is the sum over all elements of C(b - x_j), where C lacks Re sum of w exp(-b d) to one at distance d >=
// 0. For each place wanted, one or as many in order as elements, the border is where F is the number of the place: `below`
// is how many elements come before it; `offset` + `rest` how far it lies above the element before it or, negative, below the
// one after it, whichever is nearer; infinite at infinity, as for the first place of what flows by itself. `width` is how
// far the next border is, infinite where one of them is. Computed in double. Allocates scratch of the size of a row a term.

#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "exponential/edge_solver.h"
#include "core/scratch.h"

namespace sortax {

struct BorderLimits {
  static constexpr int64_t kTask = int64_t(1) << 10;    // borders worth handing to a thread
  static constexpr int64_t kDirect = int64_t(1) << 13;  // exponentials worth handing to a thread
  // In temperatures. Of wider gaps only that they are wide counts, on either side of a border in between: nothing flows
  // over them, and sums of distances that large would lose the digits of the others.
  static constexpr double kWide = 3000;
};

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
  Scratch<double> ones(n), less_after(n);
  std::fill_n(ones.data(), n, 1.0);
  Layout row;
  Layout::make(std::vector<int64_t>{n}, std::vector<int64_t>{0}, 0, std::vector<int64_t>{}, row);
  flow_all<double>(workers, row, terms, true, d, ones.data(), less_after.data());
  for (int64_t i = 0, end; i < n; i = end) {
    end = i + 1;
    while (end < n && d[end] == 0) ++end;
    // Of a run at one place, half counts as below it.
    const double level = double(end - i) / 2 - less_after.data()[i];
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
inline void direct_sums(const Workers& workers, const double* x, int64_t begin, int64_t end, double at, const Terms& terms,
                        Complex* sums) {
  constexpr int64_t kBlock = FlowLimits::kBlock * FlowLimits::kLanes;
  const Split tasks{end - begin, std::max<int64_t>(std::min((end - begin) / BorderLimits::kDirect, workers.count), 1)};
  const int64_t size = int64_t(terms.size());
  std::vector<Complex> parts(static_cast<size_t>(tasks.parts * size));
  for_each(workers, tasks.parts, [&](int64_t t) {
    double z[kBlock], real[kBlock], imaginary[kBlock];
    const int64_t last = begin + tasks.begin(t + 1);
    for (int64_t first = begin + tasks.begin(t); first < last; first += kBlock) {
      const int64_t count = std::min(kBlock, last - first);
      for (int64_t j = 0; j < count; ++j) z[j] = std::abs(x[first + j] - at);
      for (int64_t k = 0; k < size; ++k) {
        block_of_decays(terms[size_t(k)], z, count, real, imaginary);
        // Several sums, of which none waits for another.
        double some[8] = {};
        for (int64_t j = 0; j < count; ++j) some[j & 3] += real[j], some[4 + (j & 3)] += imaginary[j];
        parts[size_t(t * size + k)] +=
            Complex((some[0] + some[1]) + (some[2] + some[3]), (some[4] + some[5]) + (some[6] + some[7]));
      }
    }
  });
  std::fill_n(sums, size, Complex());
  for (int64_t t = 0; t < tasks.parts; ++t) {
    for (int64_t k = 0; k < size; ++k) sums[k] += parts[size_t(t * size + k)];
  }
}

// The border of one place, among elements that flow together from `own` to `end`: how many come before it, and what flows to
// it from both sides. F at the ends of a gap says on which side of it the border is, and its slope about how far.
inline int64_t find_one(const Workers& workers, const double* x, int64_t own, int64_t end, int64_t wanted,
                        const Terms& terms, Complex* before, Complex* after) {
  int64_t low = own, high = end, guess = wanted;
  for (;;) {
    const bool has_left = guess > own, has_right = guess < end;
    if (has_left) direct_sums(workers, x, own, guess, x[guess - 1], terms, before);
    if (has_right) direct_sums(workers, x, guess, end, x[guess], terms, after);
    const Gap gap{
        {before, has_left}, {after, has_right}, has_left && has_right ? x[guess] - x[guess - 1] : 0, double(wanted - guess)};
    const Level left = level_at(gap, terms, 0), right = level_at(gap, terms, has_left ? gap.width : 0);
    const bool is_below = has_left && left.value > gap.rest, is_above = has_right && right.value < gap.rest;
    if (!is_below && !is_above) return guess;
    (is_below ? high : low) = guess + (is_below ? -1 : 1);
    // Where rounding leaves nothing between them, this is as good.
    if (low > high) return guess;
    const double slope = is_below ? left.slope : right.slope;
    const double there =
        is_below ? x[guess - 1] - (left.value - gap.rest) / slope : x[guess] - (right.value - gap.rest) / slope;
    const int64_t next = slope > 0 ? std::upper_bound(x + own, x + end, there) - x : (low + high) / 2;
    // Where the slope has led astray, halves of what is left.
    guess = next >= low && next <= high ? next : low + (high - low) / 2;
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
  const double infinity = std::numeric_limits<double>::infinity();
  Scratch<double> distances(n), positions(n), offsets(count);
  Scratch<int32_t> cells(n), belows(count);
  Scratch<Complex> befores(count * size), afters(count * size);
  double *const d = distances.data(), *const x = positions.data();
  int32_t *const cell = cells.data(), *const below = belows.data();
  for (int64_t i = 0; i < n; ++i) {
    d[i] = i == 0 ? infinity : double(row.z[i * row.step]);
    cell[i] = std::isinf(d[i]) ? int32_t(i) : cell[i - 1];
    x[i] = i == 0 ? 0 : x[i - 1] + (std::isinf(d[i]) ? 0 : std::min(d[i], BorderLimits::kWide));
  }
  const auto own_of = [&](int64_t wanted) { return int64_t(cell[std::clamp<int64_t>(wanted, 0, n - 1)]); };
  // The border of what flows by itself is at infinity: it is none.
  const auto is_there = [&](int64_t wanted) { return wanted > own_of(wanted) && wanted < n; };
  if (count == 1) {
    const int64_t wanted = row.wanted[0], own = own_of(wanted);
    int64_t end = std::clamp<int64_t>(wanted, 0, n);
    while (end < n && cell[end] == own) ++end;
    below[0] = int32_t(is_there(wanted) ? find_one(workers, x, own, end, wanted, terms, befores.data(), afters.data())
                                        : std::clamp<int64_t>(wanted, 0, n));
  } else {
    Scratch<int32_t> upper(n);
    first_above(workers, terms, d, n, upper.data());
    std::fill_n(below, count, 0);
    for (int64_t i = 0; i < n; ++i) {
      if (upper.data()[i] < count) ++below[upper.data()[i]];
    }
    for (int64_t p = 1; p < count; ++p) below[p] += below[p - 1];
    gather_sums<false>(d, n, terms, below, count, befores.data());
    gather_sums<true>(d, n, terms, below, count, afters.data());
  }
  const Split tasks{count, std::max<int64_t>(std::min(count / BorderLimits::kTask, workers.count * 4), 1)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    for (int64_t p = tasks.begin(t); p < tasks.begin(t + 1); ++p) {
      const int64_t wanted = row.wanted[p * row.step], own = own_of(wanted);
      double& offset = offsets.data()[p];
      offset = infinity;
      const bool has_left = below[p] > own, has_right = below[p] < n && cell[below[p]] == own;
      if (!is_there(wanted) || (!has_left && !has_right)) continue;
      const Gap gap{{befores.data() + p * size, has_left},
                    {afters.data() + p * size, has_right},
                    has_left && has_right ? d[below[p]] : 0,
                    double(wanted - below[p])};
      const double up = solve(gap, terms), down = has_left ? gap.width - up : -up;
      // From the nearer neighbour: what is next to an element keeps its digits.
      offset = has_right && (!has_left || down < up) && down > 0 ? -down : has_left ? up : 0;
    }
  });
  // The element next to a border, and how far the border is above it.
  const auto position = [&](int64_t p) {
    const double offset = offsets.data()[p];
    constexpr double half = BorderLimits::kWide / 2;
    return std::pair(x[std::clamp<int64_t>(offset < 0 ? below[p] : below[p] - 1, 0, n - 1)],
                     std::clamp(offset, -half, half));
  };
  for (int64_t p = 0; p < count; ++p) {
    const double offset = offsets.data()[p];
    double width = infinity;
    if (p + 1 < count && !std::isinf(offset) && !std::isinf(offsets.data()[p + 1])) {
      const auto [from, here] = position(p);
      const auto [to, next] = position(p + 1);
      width = (to - from) + (next - here);
    }
    const E rounded = E(offset);
    row.below[p * row.step] = below[p];
    row.offset[p * row.step] = rounded;
    row.rest[p * row.step] = std::isinf(offset) ? E(0) : E(offset - double(rounded));
    row.width[p * row.step] = E(std::max(width, 0.0));
  }
}

}  // namespace sortax
