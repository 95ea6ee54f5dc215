// The inverse of a smoothed CDF: where a sum of smoothed steps, one at each element of a sorted row, has given levels.
//
// Contract: z has the distance of each element of a row from the one before it, and infinity where nothing flows; the first
// is not read. F(b) is the sum over all elements of C(b - x_j), where 1 - C(d) is an ExponentialSum of distance d >= 0. For
// each level, one or all of 0 to n - 1 in order, the edge is where F is that level: `below` is how many elements come before
// it; `offset` + `low` (its low word) how far it lies above the element before it or, negative, below the one after it,
// whichever is nearer; infinite at infinity, as for the first level of a component. `width` is how far the next edge is,
// infinite where one of them is. Computed in double. Scratch for each row at work: 40 bytes an element, and for each edge 12
// bytes and 32 a term.

#pragma once

#include <utility>

#include "exponential/edge_search.h"
#include "exponential/kernel_sum.h"
#include "exponential/positions.h"

namespace sortax {

inline constexpr int64_t kEdgesOfTask = int64_t(1) << 10;  // worth handing to a thread

template <class E>
struct EdgeRow {
  const E* z;
  const int32_t* levels;
  int32_t* below;
  E *offset, *low, *width;
  int64_t step, n, count;  // between neighbours; elements; edges
};

// For each element the first level whose edge does not lie below it.
inline void first_above(const Workers& workers, const ExponentialSum& tail, const double* d, int64_t n, int32_t* upper) {
  Scratch<double> ones(n), minus_after(n);
  std::fill_n(ones.data(), n, 1.0);
  Layout row;
  Layout::make(std::vector<int64_t>{n}, std::vector<int64_t>{0}, 0, std::vector<int64_t>{}, row);
  kernel_sum<double>(workers, row, tail, true, d, ones.data(), minus_after.data());
  for (int64_t i = 0, end; i < n; i = end) {
    end = i + 1;
    while (end < n && d[end] == 0) ++end;
    // Half of a run of equal elements counts as below them.
    const double level = double(end - i) / 2 - minus_after.data()[i];
    const int64_t first = std::clamp<int64_t>(i + int64_t(std::ceil(level)), 0, n);
    std::fill(upper + i, upper + end, int32_t(first));
  }
}

// For each term, the running sum from one end at the element next to each edge.
template <bool kReverse>
void sum_up_to_edges(const double* d, int64_t n, const ExponentialSum& tail, const int32_t* below, int64_t count,
                     Complex* sums) {
  const size_t size = tail.size();
  constexpr int64_t kBlock = KernelSumLimits::kBlock;
  Scratch<double> decays(2 * kBlock * int64_t(size));
  std::vector<Complex> state(size);
  double distances[kBlock];
  int64_t e = kReverse ? count - 1 : 0;
  const auto is_edge = [&] { return e >= 0 && e < count; };
  const auto neighbour = [&] { return kReverse ? int64_t(below[e]) : int64_t(below[e]) - 1; };
  // Those that lie beyond the end have nothing on this side.
  while (is_edge() && (kReverse ? neighbour() >= n : neighbour() < 0)) e += kReverse ? -1 : 1;
  for (int64_t first = 0; first < n && is_edge(); first += kBlock) {
    const int64_t steps = std::min(kBlock, n - first);
    for (int64_t j = 0; j < steps; ++j) {
      const int64_t i = kReverse ? n - first - j : first + j;
      distances[j] = i < n ? d[i] : std::numeric_limits<double>::infinity();
    }
    for (size_t k = 0; k < size; ++k) {
      double* const real = decays.data() + 2 * kBlock * int64_t(k);
      complex_decay(tail[k], distances, steps, real, real + kBlock);
    }
    for (int64_t j = 0; j < steps; ++j) {
      for (size_t k = 0; k < size; ++k) {
        const double* const decay = decays.data() + 2 * kBlock * int64_t(k) + j;
        const double x = state[k].real(), y = state[k].imag();
        state[k] = {decay[0] * x - decay[kBlock] * y + 1, decay[0] * y + decay[kBlock] * x};
      }
      const int64_t i = kReverse ? n - 1 - first - j : first + j;
      for (; is_edge() && neighbour() == i; e += kReverse ? -1 : 1) {
        std::copy(state.begin(), state.end(), sums + e * int64_t(size));
      }
    }
  }
}

template <class E>
void invert_row(const Workers& workers, const EdgeRow<E>& row, const ExponentialSum& tail) {
  const int64_t n = row.n, count = row.count, size = int64_t(tail.size());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Scratch<double> distances(n), positions(n), offsets(count);
  Scratch<int32_t> starts(n), belows(count);
  Scratch<Complex> befores(count * size), afters(count * size);
  double *const d = distances.data(), *const x = positions.data();
  int32_t *const start = starts.data(), *const below = belows.data();
  for (int64_t i = 0; i < n; ++i) {
    d[i] = i == 0 ? infinity : double(row.z[i * row.step]);
    start[i] = std::isinf(d[i]) ? int32_t(i) : start[i - 1];
  }
  find_positions([d](int64_t i) { return d[i]; }, n, x);
  const auto component_of = [&](int64_t level) { return int64_t(start[std::clamp<int64_t>(level, 0, n - 1)]); };
  // The edge of the first level of a component is at infinity: it is none.
  const auto is_there = [&](int64_t level) { return level > component_of(level) && level < n; };
  if (count == 1) {
    const int64_t level = row.levels[0], begin = component_of(level);
    int64_t end = std::clamp<int64_t>(level, 0, n);
    if (is_there(level)) {
      while (end < n && start[end] == begin) ++end;
      end = find_edge(workers, x, begin, end, level, tail, befores.data(), afters.data());
    }
    below[0] = int32_t(end);
  } else {
    Scratch<int32_t> upper(n);
    first_above(workers, tail, d, n, upper.data());
    std::fill_n(below, count, 0);
    for (int64_t i = 0; i < n; ++i) {
      if (upper.data()[i] < count) ++below[upper.data()[i]];
    }
    for (int64_t e = 1; e < count; ++e) below[e] += below[e - 1];
    for_each(workers, 2, [&](int64_t side) {
      side == 0 ? sum_up_to_edges<false>(d, n, tail, below, count, befores.data())
                : sum_up_to_edges<true>(d, n, tail, below, count, afters.data());
    });
  }
  const int64_t tasks = std::max<int64_t>(std::min(count / kEdgesOfTask, workers.count * 4), 1);
  for_each_range(workers, {count, tasks}, [&](int64_t first, int64_t last) {
    Gap gaps[kSolveBlock];
    int64_t edges[kSolveBlock];
    double solved[kSolveBlock];
    for (int64_t e = first, open = 0; e < last; ++e) {
      const int64_t level = row.levels[e * row.step], begin = component_of(level);
      offsets.data()[e] = infinity;
      const bool has_left = below[e] > begin, has_right = below[e] < n && start[below[e]] == begin;
      if (is_there(level) && (has_left || has_right)) {
        edges[open] = e;
        gaps[open++] = {{befores.data() + e * size, has_left},
                        {afters.data() + e * size, has_right},
                        has_left && has_right ? d[below[e]] : 0,
                        double(level - below[e])};
      }
      if (open == 0 || (open < kSolveBlock && e + 1 < last)) continue;
      solve(gaps, open, tail, solved);
      for (int64_t c = 0; c < open; ++c) {
        const Gap& gap = gaps[c];
        const double up = solved[c], down = gap.before.there ? gap.width - up : -up;
        // From the nearer neighbour: what is next to an element keeps its digits.
        const bool from_right = gap.after.there && (!gap.before.there || down < up) && down > 0;
        offsets.data()[edges[c]] = from_right ? -down : gap.before.there ? up : 0;
      }
      open = 0;
    }
  });
  // The element next to an edge, and how far the edge is above it.
  const auto position = [&](int64_t e) {
    const double offset = offsets.data()[e];
    return std::pair(x[std::clamp<int64_t>(offset < 0 ? below[e] : below[e] - 1, 0, n - 1)], offset_in_positions(offset));
  };
  for_each_range(workers, {count, tasks}, [&](int64_t first, int64_t last) {
    for (int64_t e = first; e < last; ++e) {
      const double offset = offsets.data()[e];
      double width = infinity;
      if (e + 1 < count && !std::isinf(offset) && !std::isinf(offsets.data()[e + 1])) {
        const auto [from, here] = position(e);
        const auto [to, next] = position(e + 1);
        width = (to - from) + (next - here);
      }
      const E rounded = E(offset);
      row.below[e * row.step] = below[e];
      row.offset[e * row.step] = rounded;
      row.low[e * row.step] = std::isinf(offset) ? E(0) : E(offset - double(rounded));
      row.width[e * row.step] = E(std::max(width, 0.0));
    }
  });
}

// All rows of an array, of which `first` is the first: few of them with all threads in turn, and otherwise a thread a row.
template <class E>
void inverse_cdf(const Workers& workers, const Grid& grid, const EdgeRow<E>& first, const ExponentialSum& tail) {
  const Grid edges = grid.with_length(first.count);
  const auto run = [&](const Workers& some, int64_t r) {
    EdgeRow<E> row = first;
    row.z += grid.start(r), row.levels += edges.start(r), row.below += edges.start(r);
    for (E** result : {&row.offset, &row.low, &row.width}) *result += edges.start(r);
    invert_row(some, row, tail);
  };
  const Split rows = share(workers, grid.rows(), grid.rows() * grid.n, KernelSumLimits::kTask);
  for_each_item(workers, rows, rows.size < workers.count, run);
}

}  // namespace sortax
