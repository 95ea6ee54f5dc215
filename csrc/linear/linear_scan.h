// First-order linear recurrences along an axis: h_i = a_i h_{i-1} + b_i, or from the end h_i = a_{i+1} h_{i+1} + b_i.
//
// Contract: a (the structure) and b as in layout.h; out like b; h starts as the first b, so that the first a is never read.
// An a of zero cuts: what comes before, be it infinite or NaN, has no effect. Computed in double precision and rounded once
// an element. A chunk of a long row is first run from zero, which tells the affine map that it is. Allocates as in
// scan_schedule.h.

#pragma once

#include <cmath>

#include "core/dtypes.h"
#include "core/layout.h"
#include "core/scan_schedule.h"

namespace sortax {

// What a chunk makes of the value before it: factor * before + offset.
template <class Wide>
struct Affine {
  Wide factor = Wide(1), offset = Wide(0);
};

template <class Wide>
Wide apply(Wide a, Wide h, Wide b) {
  return (a == Wide(0) ? Wide(0) : a * h) + b;
}

template <class D, bool kReverse>
struct LinearScan {
  using E = typename D::Element;
  using Wide = typename D::Wide;

  static constexpr int64_t kLanes = 8;  // that hide the latency of a multiplication and an addition
  static constexpr int kColumns = 1;
  static constexpr int64_t kTask = int64_t(1) << 15;

  // Elements of a row from `begin`; before those of the whole row comes the value `first`.
  struct Chunk {
    const E* a;
    const E* b;
    E* out;
    int64_t a_step, step, begin, size;
    Wide first;
  };

  class Sweep {
   public:
    Sweep(const LinearScan&, int64_t) {}

    void set(const Chunk* chunks, int64_t count) {
      chunks_ = chunks, count_ = count;
      for (int64_t l = 0; l < count; ++l) state_[l] = Affine<Wide>();
    }
    void sweep() {
      for (int64_t l = 0; l < count_; ++l) state_[l].offset = chunks_[l].first;
      downsweep();
    }
    void upsweep() { advance<false>(chunks_, state_, count_); }
    void downsweep() { advance<true>(chunks_, state_, count_); }

    // From the value before a chunk, which is left in the state, to the one after it.
    void carry(int64_t l, Wide& value) {
      const Affine<Wide> chunk = state_[l];
      state_[l] = {1, value};
      Affine<Wide> after = state_[l];
      // What grows or is not finite does not compose as it runs one step at a time, and so is run.
      if (std::abs(chunk.factor) <= 1 && std::isfinite(std::abs(value))) {
        after.offset = apply(chunk.factor, value, chunk.offset);
      } else {
        advance<false>(&chunks_[l], &after, 1);
      }
      value = after.offset;
    }
    Wide first() const { return chunks_->first; }

   private:
    const Chunk* chunks_ = nullptr;
    int64_t count_ = 0;
    Affine<Wide> state_[kLanes];
  };

  const Layout& layout;
  const E* a;
  const E* b;
  E* out;

  // The first element has no coefficient: it is written here, and the chunk goes on from it.
  Chunk row(int64_t r) const {
    const int64_t first = kReverse ? layout.n - 1 : 0, step = layout.inner, start = layout.start(r);
    E* const to = out + start;
    const E value = b[start + first * step];
    to[first * step] = value;
    return {a + layout.structure_start(r), b + start, to, layout.step, step, !kReverse, layout.n - 1, D::widen(value)};
  }

  template <class Sweeps>
  void carry(const Sweeps& sweeps) const {
    Wide value = sweeps[0]->first();
    const int64_t chunks = int64_t(sweeps.size()) * kLanes;
    for (int64_t c = 0; c < chunks; ++c) {
      const int64_t p = kReverse ? chunks - 1 - c : c;
      sweeps[size_t(p / kLanes)]->carry(p % kLanes, value);
    }
  }

  // Advances all chunks together, from the values before them in `state`; with kWrite every value is written, and otherwise
  // only what each chunk makes of its start is found.
  template <bool kWrite>
  static void advance(const Chunk* chunks, Affine<Wide>* state, int64_t count) {
    const auto step = [&](int64_t l, int64_t j) {
      const Chunk& chunk = chunks[l];
      const int64_t i = kReverse ? chunk.begin + chunk.size - 1 - j : chunk.begin + j;
      Affine<Wide>& s = state[l];
      // The coefficient of the step between two elements is that of the later one.
      const Wide a = D::widen(chunk.a[(kReverse ? i + 1 : i) * chunk.a_step]);
      s.offset = apply(a, s.offset, Wide(D::widen(chunk.b[i * chunk.step])));
      if constexpr (kWrite) {
        chunk.out[i * chunk.step] = D::round(s.offset);
      } else {
        s.factor = a * s.factor;
      }
    };
    int64_t common = chunks[0].size;
    for (int64_t l = 1; l < count; ++l) common = std::min(common, chunks[l].size);
    const auto advance_lanes = [&](auto lanes) {
      for (int64_t j = 0; j < common; ++j) {
        for (int64_t l = 0; l < lanes; ++l) step(l, j);
      }
    };
    count == kLanes ? advance_lanes(std::integral_constant<int64_t, kLanes>{}) : advance_lanes(count);
    for (int64_t l = 0; l < count; ++l) {
      for (int64_t j = common; j < chunks[l].size; ++j) step(l, j);
    }
  }
};

template <class D, bool kReverse>
void linear_scan(const Workers& workers, const Layout& layout, const void* a, const void* b, void* out) {
  using E = typename D::Element;
  const LinearScan<D, kReverse> scan{layout, static_cast<const E*>(a), static_cast<const E*>(b), static_cast<E*>(out)};
  scan_rows(workers, layout.rows(), layout.n, scan);
}

}  // namespace sortax
