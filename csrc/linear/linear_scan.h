// First-order linear recurrences along an axis: h_i = a_i h_{i-1} + b_i, or from the end h_i = a_{i+1} h_{i+1} + b_i.
//
// Contract: a (the structure) and b as in layout.h; out like b; h starts as the first b, so that the first a is never read.
// An a of zero cuts: what comes before, be it infinite or NaN, has no effect.
// Computed in double precision and rounded once an element. A step waits for the one before it, so several rows, or several
// pieces of a long row, advance side by side: a piece is first run from zero to learn what it makes of what it is given.
// Allocates nothing of the size of the data.

#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <type_traits>
#include <vector>

#include "core/layout.h"
#include "core/parallel.h"

namespace sortax {

struct RecurrenceLimits {
  static constexpr int64_t kLanes = 8;                // that hide the latency of a multiplication and an addition
  static constexpr int64_t kPiece = 512;              // steps of a piece at least
  static constexpr int64_t kTask = int64_t(1) << 15;  // elements worth handing to a thread
};

// One row, or a piece of it from element `begin`.
template <class E>
struct Lane {
  const E* a;
  const E* b;
  E* out;
  int64_t a_step, step, begin, size;
};

// What a piece makes of the value before it: factor * before + offset.
template <class Wide>
struct Affine {
  Wide factor = Wide(1), offset = Wide(0);
};

template <class Wide>
Wide apply(Wide a, Wide h, Wide b) {
  return (a == Wide(0) ? Wide(0) : a * h) + b;
}

// Advances all lanes together, from the values before them in `state`; with kWrite every value is written, and otherwise
// only what each lane makes of its start is learnt.
template <class F, bool kReverse, bool kWrite>
void advance(const Lane<typename F::Element>* lanes, Affine<typename F::Wide>* state, int64_t count) {
  using Wide = typename F::Wide;
  const auto step = [&](int64_t l, int64_t j) {
    const Lane<typename F::Element>& lane = lanes[l];
    const int64_t i = kReverse ? lane.begin + lane.size - 1 - j : lane.begin + j;
    Affine<Wide>& s = state[l];
    // The coefficient of the step between two elements is that of the later one.
    const Wide a = F::widen(lane.a[(kReverse ? i + 1 : i) * lane.a_step]);
    s.offset = apply(a, s.offset, Wide(F::widen(lane.b[i * lane.step])));
    if constexpr (kWrite) {
      lane.out[i * lane.step] = F::round(s.offset);
    } else {
      s.factor = a * s.factor;
    }
  };
  int64_t common = lanes[0].size;
  for (int64_t l = 1; l < count; ++l) common = std::min(common, lanes[l].size);
  if (count == RecurrenceLimits::kLanes) {
    for (int64_t j = 0; j < common; ++j) {
      for (int64_t l = 0; l < RecurrenceLimits::kLanes; ++l) step(l, j);
    }
  } else {
    for (int64_t j = 0; j < common; ++j) {
      for (int64_t l = 0; l < count; ++l) step(l, j);
    }
  }
  for (int64_t l = 0; l < count; ++l) {
    for (int64_t j = common; j < lanes[l].size; ++j) step(l, j);
  }
}

// The first element of a row has no coefficient: it is written, and the lane goes on from it.
template <class F, bool kReverse>
void open_row(Lane<typename F::Element>& lane, Affine<typename F::Wide>& state) {
  const int64_t i = kReverse ? lane.begin + lane.size - 1 : lane.begin;
  const auto first = lane.b[i * lane.step];
  lane.out[i * lane.step] = first;
  state.offset = F::widen(first);
  lane.begin += !kReverse;
  lane.size -= 1;
}

template <class F, bool kReverse>
void recur_rows(const Workers& workers, const Layout& layout, const void* a, const void* b, void* out) {
  using E = typename F::Element;
  using State = Affine<typename F::Wide>;
  using L = RecurrenceLimits;
  const int64_t n = layout.n, rows = layout.outer * layout.inner;
  const auto lane_of = [&](int64_t r) {
    const int64_t o = r / layout.inner, i = r % layout.inner, at = o * n * layout.inner + i;
    return Lane<E>{static_cast<const E*>(a) + layout.outer_offset(o) + layout.inner_offset(i),
                   static_cast<const E*>(b) + at,
                   static_cast<E*>(out) + at,
                   layout.step,
                   layout.inner,
                   0,
                   n};
  };
  if (rows >= L::kLanes || n < 2 * L::kPiece) {
    const int64_t groups = (rows + L::kLanes - 1) / L::kLanes;
    const Split tasks{groups, rows * n < L::kTask ? 1 : std::min(groups, workers.count * 4)};
    return for_each(workers, tasks.parts, [&](int64_t t) {
      for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
        const int64_t first = g * L::kLanes, count = std::min(L::kLanes, rows - first);
        Lane<E> lanes[L::kLanes];
        State state[L::kLanes];
        for (int64_t l = 0; l < count; ++l) {
          lanes[l] = lane_of(first + l);
          open_row<F, kReverse>(lanes[l], state[l]);
        }
        advance<F, kReverse, true>(lanes, state, count);
      }
    });
  }
  // Few long rows: pieces of each, in groups side by side, first to learn what each makes of its start.
  const int64_t groups = std::max<int64_t>(std::min(n / L::kTask, workers.count), 1);
  for (int64_t r = 0; r < rows; ++r) {
    const Split cuts{n - 1, groups * L::kLanes};
    Lane<E> whole = lane_of(r);
    State start;
    open_row<F, kReverse>(whole, start);
    std::vector<Lane<E>> lanes(static_cast<size_t>(cuts.parts), whole);
    std::vector<State> state(static_cast<size_t>(cuts.parts));
    for (int64_t p = 0; p < cuts.parts; ++p) {
      // In the order in which the recurrence runs.
      const int64_t q = kReverse ? cuts.parts - 1 - p : p;
      lanes[size_t(p)].begin = whole.begin + cuts.begin(q);
      lanes[size_t(p)].size = cuts.begin(q + 1) - cuts.begin(q);
    }
    const auto run = [&](auto write) {
      for_each(workers, groups, [&](int64_t g) {
        advance<F, kReverse, decltype(write)::value>(lanes.data() + g * L::kLanes, state.data() + g * L::kLanes, L::kLanes);
      });
    };
    run(std::false_type{});
    auto before = start.offset;
    for (size_t p = 0; p < state.size(); ++p) {
      State after{1, before};
      // What grows or is not finite does not compose as it runs one step at a time, and so is run.
      if (std::abs(state[p].factor) <= 1 && std::isfinite(std::abs(before))) {
        after.offset = apply(state[p].factor, before, state[p].offset);
      } else {
        advance<F, kReverse, false>(&lanes[p], &after, 1);
      }
      state[p] = {1, before};
      before = after.offset;
    }
    run(std::true_type{});
  }
}

}  // namespace sortax
