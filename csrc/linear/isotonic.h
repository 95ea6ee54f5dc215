// Where the blocks of an isotonic regression start: pool adjacent violators.
//
// Contract: component_starts (True where nothing pools with what is before) as the structure of layout.h; s, w and
// block_starts (bool) like the array, and one rate for each row of it. A block's value is mean(s) - mean(w), of a KlBlock
// logsumexp(s) - logsumexp(w), and of a WeightedBlock sum(s w) / sum(w) of its members, where s is multiplied by the rate;
// the blocks are those of the least pooling after which these values increase. Neighbours of equal value are pooled. All is
// computed in double, and of exponentials only ratios are formed, so that none overflows.
// Scratch: for each thread a block for each element of a row, 24 to 48 bytes.

#pragma once

#include <cmath>

#include "core/dtypes.h"
#include "core/layout.h"
#include "core/parallel.h"
#include "core/scratch.h"

namespace sortax {

// The sums and means of a block. s and w are compared apart: where s is equal a small w still tells.
struct MeanBlock {
  double s, w, mean_s, mean_w;
  int64_t begin, size;

  static constexpr int64_t kTask = int64_t(1) << 14;  // elements worth handing to a thread

  static MeanBlock of(double s, double w, int64_t at) { return {s, w, s, w, at, 1}; }

  bool pools_with(const MeanBlock& next) const { return next.mean_s - mean_s <= next.mean_w - mean_w; }

  void pool(const MeanBlock& next) {
    s += next.s;
    w += next.w;
    size += next.size;
    mean_s = s / double(size);
    mean_w = w / double(size);
  }
};

// The logarithm of a sum of exponentials.
struct LogSum {
  double largest, sum;  // sum of exp(x - largest)

  void add(const LogSum& other) {
    if (other.largest == largest) {  // infinities too
      sum += other.sum;
    } else if (other.largest > largest) {
      sum = sum * std::exp(largest - other.largest) + other.sum;
      largest = other.largest;
    } else {
      sum += other.sum * std::exp(other.largest - largest);
    }
  }
};

struct KlBlock {
  LogSum s, w;
  int64_t begin;

  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread: each may take an exponential

  static double rise(double from, double to) { return to == from ? 0.0 : to - from; }  // of infinities too

  static KlBlock of(double s, double w, int64_t at) { return {{s, 1}, {w, 1}, at}; }
  // Whether s rises no more than w does. The sums are at most the sizes, and often tell without their logarithm.
  bool pools_with(const KlBlock& next) const {
    const double rise_s = rise(s.largest, next.s.largest), rise_w = rise(w.largest, next.w.largest);
    const double more = rise_w == rise_s ? 0.0 : rise_w - rise_s;
    const double ratio = (next.s.sum * w.sum) / (s.sum * next.w.sum);
    if (more >= 0 ? ratio <= 1 : ratio >= 1) return more >= 0;
    return std::log(ratio) <= more;
  }
  void pool(const KlBlock& next) {
    s.add(next.s);
    w.add(next.w);
  }
};

struct WeightedBlock {
  double mean, weight;
  int64_t begin;

  static constexpr int64_t kTask = MeanBlock::kTask;
  // A weight of zero: it decides where its element belongs, and moves nothing.
  static constexpr double kNoWeight = 1e-300;

  static WeightedBlock of(double s, double w, int64_t at) { return {s, w == 0 ? kNoWeight : w, at}; }
  bool pools_with(const WeightedBlock& next) const { return next.mean <= mean; }
  void pool(const WeightedBlock& next) {
    weight += next.weight;
    mean += (next.mean - mean) * (next.weight / weight);  // of equal numbers that number
  }
};

template <class D, class Block>
void isotonic_rows(const Workers& workers, const Layout& layout, const bool* component_starts, const void* rates,
                   const void* s, const void* w, bool* block_starts) {
  using E = typename D::Element;
  const int64_t n = layout.n, inner = layout.inner, rows = layout.rows();
  if (n == 0) return;
  for_each_range(workers, share(workers, rows, rows * n, Block::kTask), [&](int64_t begin, int64_t end) {
    Scratch<Block> scratch(n);
    Block* const blocks = scratch.data();
    for (int64_t r = begin; r < end; ++r) {
      const bool* const component = component_starts + layout.structure_start(r);
      const E* const x = static_cast<const E*>(s) + layout.start(r);
      const E* const y = static_cast<const E*>(w) + layout.start(r);
      bool* const start = block_starts + layout.start(r);
      const double rate = D::widen(static_cast<const E*>(rates)[r]);
      // The last block stays in registers; `count` are before it.
      Block top = Block::of(rate * D::widen(x[0]), D::widen(y[0]), 0);
      int64_t count = 0;
      start[0] = true;
      for (int64_t j = 1; j < n; ++j) {
        start[j * inner] = false;
        const Block next = Block::of(rate * D::widen(x[j * inner]), D::widen(y[j * inner]), j);
        if (component[j * layout.step] || !top.pools_with(next)) {
          blocks[count++] = top;
          top = next;
          continue;
        }
        for (top.pool(next); count > 0 && !component[top.begin * layout.step] && blocks[count - 1].pools_with(top);) {
          blocks[count - 1].pool(top);
          top = blocks[--count];
        }
      }
      start[top.begin * inner] = true;
      for (int64_t b = 0; b < count; ++b) start[blocks[b].begin * inner] = true;
    }
  });
}

}  // namespace sortax
