// Gather along an axis by a permutation, or scatter back by it.
//
// Contract: order (the structure) and v as in layout.h; out like v. out[j] = v[order[j]], or with kTranspose out[order[j]] =
// v[j]. Elements are moved as bytes. Returns false if an index lay outside the axis; such an index is never followed.
// Allocates nothing of the size of the data.

#pragma once

#include <atomic>

#include "core/layout.h"
#include "core/parallel.h"

namespace sortax {

template <size_t kSize>
struct Bytes {
  unsigned char bytes[kSize];
};

inline constexpr int64_t kPermuteTask = int64_t(1) << 15;  // elements worth handing to a thread

template <class E, bool kTranspose>
bool permute_rows(const Workers& workers, const Layout& layout, const int32_t* order, const E* v, E* out) {
  const int64_t n = layout.n, inner = layout.inner, slices = layout.outer * n;
  std::atomic<bool> in_range{true};
  const Split ranges{slices, std::max<int64_t>(std::min(slices * inner / kPermuteTask, workers.count * 4), 1)};
  for_each_range(workers, ranges, [&](int64_t slice, int64_t last) {
    bool good = true;
    while (slice < last) {
      const int64_t o = slice / n, begin = slice % n, end = std::min(n, begin + (last - slice));
      const int32_t* const indices = order + layout.outer_offset(o);
      const E* const from = v + o * n * inner;
      E* const to = out + o * n * inner;
      const auto follow = [&](int64_t j, int64_t offset, int64_t first, int64_t stop) {
        const int64_t k = indices[j * layout.step + offset];
        if (uint64_t(k) >= uint64_t(n)) {
          good = false;
          return;
        }
        for (int64_t i = first; i < stop; ++i) {
          if constexpr (kTranspose) {
            to[k * inner + i] = from[j * inner + i];
          } else {
            to[j * inner + i] = from[k * inner + i];
          }
        }
      };
      if (inner == 1) {
        for (int64_t j = begin; j < end; ++j) follow(j, 0, 0, 1);
      } else if (layout.inner_is_shared) {
        for (int64_t j = begin; j < end; ++j) follow(j, 0, 0, inner);
      } else {
        for (int64_t j = begin; j < end; ++j) {
          for (int64_t i = 0; i < inner; ++i) follow(j, layout.inner_offset(i), i, i + 1);
        }
      }
      slice += end - begin;
    }
    if (!good) in_range.store(false, std::memory_order_relaxed);
  });
  return in_range.load();
}

}  // namespace sortax
