// The inverse of a smoothed CDF: where a sum of smoothed steps, one at each element of a sorted row, has given levels.
//
// Contract: z has the distance of each element of a row from the one before it, and infinity where nothing flows; the first
// is not read. F(b) is the sum over all elements of C(b - x_j), where 1 - C(d) is an ExponentialSum of distance d >= 0. For
// each level, one or all of 0 to n - 1 in order, the edge is where F is that level: `below` is how many elements come before
// it; `offset` + `low` (its low word) how far it lies above the element before it or, negative, below the one after it,
// whichever is nearer; infinite at infinity, as for the first level of a component. Computed in double. Scratch for each row
// at work: 24 bytes an element; of one level 8 more, and of all levels 12 more and 16 a term, or 32 where it turns.

#pragma once

#include <memory>
#include <utility>

#include "core/layout.h"
#include "core/scratch.h"
#include "exponential/edge_search.h"
#include "exponential/running_sums.h"

namespace sortax {

inline constexpr int64_t kEdgesOfTask = int64_t(1) << 10;     // worth handing to a thread
inline constexpr int64_t kElementsOfTask = int64_t(1) << 12;  // the same, of rows

template <class E>
struct EdgeRow {
  const E* z;
  const int32_t* levels;
  int32_t* below;
  E *offset, *low;
  int64_t step, n, count;  // between neighbours; elements; edges
};

// The distances between elements, and where their components start.
struct RowElements {
  template <class E>
  explicit RowElements(const EdgeRow<E>& row) : n(row.n), distances_(n), starts_(n) {
    int32_t start = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double d = i == 0 ? std::numeric_limits<double>::infinity() : double(row.z[i * row.step]);
      distances_.data()[i] = d;
      starts_.data()[i] = start = std::isinf(d) ? int32_t(i) : start;
    }
  }

  double gap(int64_t i) const { return distances_.data()[i]; }
  const double* distances() const { return distances_.data(); }
  const int32_t* starts() const { return starts_.data(); }

  const int64_t n;

 private:
  const Scratch<double> distances_;
  const Scratch<int32_t> starts_;
};

// For each element the running sum of one term up to it, from the beginning of the row or from its end.
struct RunningSums {
  RunningSums(const RowElements& row, const Term& term, bool is_back)
      : real_(row.n), imaginary_(term.turn != 0.0 ? row.n : 0) {
    constexpr int64_t kBlock = 256;
    const int64_t n = row.n;
    std::fill_n(real_.data(), n, 1.0);
    if (term.turn != 0.0) std::fill_n(imaginary_.data(), n, 0.0);
    double d[kBlock];
    RunningState<1> state;
    for (int64_t done = 0; done < n; done += kBlock) {
      const int64_t count = std::min(kBlock, n - done), first = is_back ? n - done - count : done;
      gaps_on_the_way([&](int64_t j) { return row.gap(j); }, n, first, count, is_back, d);
      double* const real = real_.data() + first;
      double* const imaginary = term.turn != 0.0 ? imaginary_.data() + first : nullptr;
      scan_term<kBlock>(term, d, count, is_back, &real, &imaginary, state);
    }
  }

  const double* real() const { return real_.data(); }
  const double* imaginary() const { return imaginary_.data(); }

 private:
  const Scratch<double> real_, imaginary_;
};

// Edges as they are found: `offset` is from the nearer neighbour, and infinite at infinity.
struct FoundEdges {
  int32_t* below;
  double* offset;
};

// Of edges in gaps, how far they lie above the element before or, negative, below the one after, whichever is nearer.
SORTAX_INLINE void offsets_from_nearer(const double* up, const double* width, const double* has_before,
                                       const double* has_after, int64_t count, double* __restrict offset) {
  for (int64_t c = 0; c < count; ++c) {
    const bool before = has_before[c] != 0.0, after = has_after[c] != 0.0;
    const double down = before ? width[c] - up[c] : -up[c];
    // From the nearer neighbour: what is next to an element keeps its digits.
    const bool from_after = after && (!before || down < up[c]) && down > 0.0;
    const double nearest = from_after ? -down : before ? up[c] : 0.0;
    offset[c] = before || after ? nearest : std::numeric_limits<double>::infinity();
  }
}

inline void solve_block(const GapBlock& gaps, const ExponentialSum& tail, double* offset) {
  GapNumbers up;
  solve(gaps, tail, up);
  vectorized<offsets_from_nearer>(up.data(), gaps.width.data(), gaps.has_before.data(), gaps.has_after.data(), gaps.count,
                                  offset);
}

// Where elements lie, if components touch and a wide gap is one of kWide: to an element so far away nothing flows, and
// larger numbers would lose the digits of the others.
inline void find_positions(const RowElements& row, double* x) {
  constexpr double kWide = 3000;
  double at = 0;
  for (int64_t i = 0; i < row.n; ++i) x[i] = at += std::isinf(row.gap(i)) ? 0 : std::min(row.gap(i), kWide);
}

inline void find_one_edge(const Workers& workers, const RowElements& row, int64_t level, const ExponentialSum& tail,
                          const FoundEdges& edge) {
  const int64_t n = row.n, begin = row.starts()[std::clamp<int64_t>(level, 0, n - 1)];
  edge.below[0] = int32_t(std::clamp<int64_t>(level, 0, n)), edge.offset[0] = std::numeric_limits<double>::infinity();
  // The edge of the first level of a component is at infinity, and so is what lies outside.
  if (level <= begin || level >= n) return;
  int64_t end = level;
  while (end < n && row.starts()[end] == begin) ++end;
  const Scratch<double> positions(n);
  find_positions(row, positions.data());
  GapBlock gaps(tail.size());
  edge.below[0] = int32_t(find_edge(workers, positions.data(), begin, end, level, tail, gaps));
  solve_block(gaps, tail, edge.offset);
}

// The edges of all levels, by sums over all elements.
class EdgesOfAllLevels {
 public:
  EdgesOfAllLevels(const Workers& workers, const RowElements& row, const ExponentialSum& tail)
      : row_(row), tail_(tail), rise_(row.n), levels_(row.n), narrow_(tail.size() > 1 ? kNarrow : 0.0) {
    for (auto& side : sums_) side.resize(tail.size());
    for_each(workers, 2 * int64_t(tail.size()), [&](int64_t t) {
      const size_t side = size_t(t % 2), k = size_t(t / 2);
      sums_[side][k] = std::make_unique<RunningSums>(row, tail[k], side == 1);
    });
  }

  void find(const Workers& workers, const Split& ranges, const FoundEdges& edges) const {
    const int64_t n = row_.n;
    find_levels(workers, ranges);
    std::fill_n(edges.below, n, 0);
    for (int64_t i = 0; i < n; ++i) {
      if (levels_.data()[i] < n) ++edges.below[levels_.data()[i]];
    }
    for (int64_t e = 1; e < n; ++e) edges.below[e] += edges.below[e - 1];
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      GapBlock gaps(tail_.size());
      for (int64_t first = begin; first < end; first += kSolveBlock) {
        gaps.count = std::min(kSolveBlock, end - first);
        vectorized<find_gaps>(row_.distances(), row_.starts(), rise_.data(), edges.below, int32_t(first), int32_t(n),
                              int32_t(gaps.count), narrow_, gaps.width.data(), gaps.excess.data(), gaps.guess.data(),
                              gaps.has_before.data(), gaps.has_after.data());
        for (size_t k = 0; k < tail_.size(); ++k) {
          for (int side = 0; side < 2; ++side) {
            const RunningSums& sums = *sums_[size_t(side)][k];
            const double* const there = side == 0 ? gaps.has_before.data() : gaps.has_after.data();
            const int32_t* const below = edges.below + first;
            vectorized<sums_at_edges>(sums.real(), below, 1 - side, int32_t(n), int32_t(gaps.count), there,
                                      gaps.real(k, side).data());
            if (tail_[k].turn == 0.0) continue;
            vectorized<sums_at_edges>(sums.imaginary(), below, 1 - side, int32_t(n), int32_t(gaps.count), there,
                                      gaps.imaginary(k, side).data());
          }
        }
        solve_block(gaps, tail_, edges.offset + first);
      }
    });
  }

 private:
  // Gaps narrower than this are so short that F is nearly straight in them. One term alone needs no guess.
  static constexpr double kNarrow = 0.25;

  static SORTAX_INLINE void add_term(const double* before, const double* after, int64_t count, double weight,
                                     double* __restrict sum) {
    for (int64_t i = 0; i < count; ++i) sum[i] += weight * (after[i] - before[i]);
  }

  static SORTAX_INLINE void round_up(const double* rise, int32_t first, int32_t last, int32_t n, int32_t* __restrict level) {
    for (int32_t i = first; i < last; ++i) {
      const int32_t whole = int32_t(rise[i]), above = i + whole + (double(whole) < rise[i] ? 1 : 0);
      level[i] = above < 0 ? 0 : above < n ? above : n;
    }
  }

  // Adds to F, for `count` elements, what the tails of all others are there: of those after the elements from `after` on,
  // minus those before the ones from `before` on.
  void add_tails(int64_t before, int64_t after, int64_t count, double* rise) const {
    for (size_t k = 0; k < tail_.size(); ++k) {
      const RunningSums &from_begin = *sums_[0][k], &from_end = *sums_[1][k];
      vectorized<add_term>(from_begin.real() + before, from_end.real() + after, count, tail_[k].weight, rise);
      if (tail_[k].turn == 0.0) continue;
      vectorized<add_term>(from_begin.imaginary() + before, from_end.imaginary() + after, count, -tail_[k].phase, rise);
    }
  }

  // F at each element, minus the index of that; and the first level whose edge does not lie below it.
  void find_levels(const Workers& workers, const Split& ranges) const {
    const int64_t n = row_.n;
    double* const rise = rise_.data();
    int32_t* const level = levels_.data();
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      std::fill(rise + begin, rise + end, 0.5);
      add_tails(begin, begin, end - begin, rise + begin);
      vectorized<round_up>(rise, int32_t(begin), int32_t(end), int32_t(n), level);
    });
    for (int64_t i = 1, first = 0; i <= n; ++i) {
      if (i < n && row_.gap(i) == 0) continue;
      if (i - first > 1) {
        // Half of a run of equal elements counts as below them.
        double of_run = double(i - first) / 2;
        add_tails(i - 1, first, 1, &of_run);
        for (int64_t j = first; j < i; ++j) rise[j] = of_run - double(j - first);
        vectorized<round_up>(rise, int32_t(first), int32_t(i), int32_t(n), level);
      }
      first = i;
    }
  }

  static SORTAX_INLINE void find_gaps(const double* distance, const int32_t* start, const double* rise, const int32_t* below,
                                      int32_t first, int32_t n, int32_t count, double narrow, double* __restrict width,
                                      double* __restrict excess, double* __restrict guess, double* __restrict has_before,
                                      double* __restrict has_after) {
    for (int32_t c = 0; c < count; ++c) {
      const int32_t e = first + c, begin = start[e], next = below[e], at = next < n ? next : n - 1;
      const int32_t previous = next > 0 ? next - 1 : 0, begin_there = start[at];
      // The edge of the first level of a component is at infinity.
      const bool there = e > begin, before = there & (next > begin), after = there & (next < n) & (begin_there == begin);
      const double distance_there = distance[at], gap = before & after ? distance_there : 0.0, wanted = double(e - next);
      const double low = rise[previous] - 1.0, high = rise[at];
      const bool is_straight = before & after & (gap < narrow) & (low < high);
      width[c] = gap, excess[c] = wanted, has_before[c] = before ? 1.0 : 0.0, has_after[c] = after ? 1.0 : 0.0;
      const double straight = gap * ((wanted - low) / (high - low));
      guess[c] = is_straight ? straight : __builtin_nan("");
    }
  }

  static SORTAX_INLINE void sums_at_edges(const double* sums, const int32_t* below, int32_t before, int32_t n, int32_t count,
                                          const double* there, double* __restrict out) {
    for (int32_t c = 0; c < count; ++c) {
      const int32_t j = below[c] - before, element = j < 0 ? 0 : j < n ? j : n - 1;
      out[c] = there[c] * sums[element];
    }
  }

  const RowElements& row_;
  const ExponentialSum& tail_;
  const Scratch<double> rise_;
  const Scratch<int32_t> levels_;
  const double narrow_;
  std::array<std::vector<std::unique_ptr<RunningSums>>, 2> sums_;
};

template <class E>
void invert_row(const Workers& workers, const EdgeRow<E>& row, const ExponentialSum& tail) {
  const RowElements elements(row);
  const Scratch<double> offsets(row.count);
  const Scratch<int32_t> belows(row.count);
  const FoundEdges edges{belows.data(), offsets.data()};
  const Split ranges{row.count, std::max<int64_t>(std::min(row.count / kEdgesOfTask, workers.count * 4), 1)};
  if (row.count == 1) {
    find_one_edge(workers, elements, row.levels[0], tail, edges);
  } else {
    EdgesOfAllLevels(workers, elements, tail).find(workers, ranges, edges);
  }
  for_each_range(workers, ranges, [&](int64_t first, int64_t last) {
    for (int64_t e = first; e < last; ++e) {
      const double offset = edges.offset[e];
      const E rounded = E(offset);
      row.below[e * row.step] = edges.below[e];
      row.offset[e * row.step] = rounded;
      row.low[e * row.step] = offset < std::numeric_limits<double>::infinity() ? E(offset - double(rounded)) : E(0);
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
    for (E** result : {&row.offset, &row.low}) *result += edges.start(r);
    invert_row(some, row, tail);
  };
  const Split rows = share(workers, grid.rows(), grid.rows() * grid.n, kElementsOfTask);
  for_each_item(workers, rows, rows.size < workers.count, run);
}

}  // namespace sortax
