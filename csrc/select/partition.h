// One row partitioned around the elements of given ranks.
//
// Contract: partition_row puts the elements of the m ranks `kth`, which ascend, where the stable sort puts them, and between
// two of them, in the order of their positions, all elements that the stable order has there: values and indices of the row,
// each unless it is null. O(n log m) time. Scratch: as for selecting the pivots, and four counters a pivot for each thread.

#pragma once

#include "select/select.h"

namespace sortax {

// An element in the stable order: by key, then by position.
template <class Key>
struct Pivot {
  Key key;
  int64_t at;

  bool is_before(Key other, int64_t i) const { return (key < other) | ((key == other) & (at < i)); }
};

// Around one pivot, and on one side of it by position, one comparison tells where an element goes: kLater elements
// stand above the pivot if they are equal to it.
template <bool kLater, class Key>
SORTAX_INLINE bool is_above(Key key, Key pivot) {
  return kLater ? key >= pivot : key > pivot;
}

template <class O, bool kLater>
SORTAX_INLINE int64_t count_above(const Row<O>& row, int64_t begin, int64_t end, typename Row<O>::Key pivot) {
  int64_t count = 0;
  for (int64_t i = begin; i < end; ++i) count += is_above<kLater>(row.key(i), pivot);
  return count;
}

template <class O, bool kLater, bool kHasValues, bool kHasIndices>
void distribute(const Row<O> row, int64_t begin, int64_t end, typename Row<O>::Key pivot, int64_t* next) {
  int64_t below = next[0], above = next[1];
  for (int64_t i = begin; i < end; ++i) {
    const bool up = is_above<kLater>(row.key(i), pivot);
    const int64_t at = up ? above : below;
    if constexpr (kHasValues) row.values[at] = row.in[i];
    if constexpr (kHasIndices) row.outputs[kIndices][at] = int32_t(i);
    above += up;
    below += !up;
  }
  next[0] = below;
  next[1] = above;
}

template <class O, bool kLater>
void distribute(const Row<O>& row, int64_t begin, int64_t end, typename Row<O>::Key pivot, int64_t* next) {
  if (row.values == nullptr) return distribute<O, kLater, false, true>(row, begin, end, pivot, next);
  if (row.outputs[kIndices] == nullptr) return distribute<O, kLater, true, false>(row, begin, end, pivot, next);
  distribute<O, kLater, true, true>(row, begin, end, pivot, next);
}

template <class O>
void put(const Row<O>& row, int64_t at, int64_t i) {
  if (row.values != nullptr) row.values[at] = row.in[i];
  if (row.outputs[kIndices] != nullptr) row.outputs[kIndices][at] = int32_t(i);
}

template <class O>
void partition_around(const Workers& workers, const Row<O>& row, int64_t k, const Pivot<typename Row<O>::Key>& pivot) {
  const Split chunks = chunks_of(workers, row.n);
  std::vector<int64_t> next(static_cast<size_t>(2 * chunks.count));
  // The pivot itself is of neither side.
  const auto earlier = [&](int64_t p) { return std::pair(chunks.begin(p), std::min(chunks.begin(p + 1), pivot.at)); };
  const auto later = [&](int64_t p) { return std::pair(std::max(chunks.begin(p), pivot.at + 1), chunks.begin(p + 1)); };
  for_each(workers, chunks.count > 1 ? chunks.count : 0, [&](int64_t p) {
    const auto [a, b] = earlier(p);
    const auto [c, d] = later(p);
    const int64_t above =
        vectorized<count_above<O, false>>(row, a, b, pivot.key) + vectorized<count_above<O, true>>(row, c, d, pivot.key);
    next[size_t(2 * p + 1)] = above;
    next[size_t(2 * p)] = std::max<int64_t>(b - a, 0) + std::max<int64_t>(d - c, 0) - above;
  });
  int64_t below = 0, above = k + 1;
  for (int64_t p = 0; p < chunks.count; ++p) {
    below += std::exchange(next[size_t(2 * p)], below);
    above += std::exchange(next[size_t(2 * p + 1)], above);
  }
  for_each(workers, chunks.count, [&](int64_t p) {
    const auto [a, b] = earlier(p);
    const auto [c, d] = later(p);
    distribute<O, false>(row, a, b, pivot.key, next.data() + 2 * p);
    distribute<O, true>(row, c, d, pivot.key, next.data() + 2 * p);
  });
  put(row, k, pivot.at);
}

template <class O>
void partition_row(const Workers& workers, const Row<O>& row, const int64_t* kth, int64_t m) {
  using Key = typename Row<O>::Key;
  Scratch<RankedResult> wanted(m);
  Scratch<int32_t> at(m);
  for (int64_t j = 0; j < m; ++j) wanted.data()[j] = RankedResult::make(uint32_t(kth[j]), uint32_t(j));
  select_row(workers, row, wanted.data(), m, at.data());
  Scratch<Pivot<Key>> pivots(m);
  for (int64_t j = 0; j < m; ++j) pivots.data()[j] = {row.key(at.data()[j]), at.data()[j]};
  if (m == 1) return partition_around(workers, row, kth[0], pivots.data()[0]);

  // In order: the elements before the first pivot, the pivot, those between it and the second, ...
  const Pivot<Key>* const pivot = pivots.data();
  const auto bucket = [pivot, m](int64_t i, Key key) -> int64_t {
    const auto* const next =
        std::partition_point(pivot, pivot + m, [&](const Pivot<Key>& p) { return p.is_before(key, i); });
    return 2 * (next - pivot) + (next != pivot + m && next->at == i);
  };
  const BucketCounts counts(workers, row, chunks_of(workers, row.n), 2 * m + 1, bucket);
  uint32_t begin = 0;
  for (int64_t d = 0; d < counts.buckets; ++d) begin = counts.to_offsets(d, begin);
  for_each(workers, counts.chunks.count, [&](int64_t p) {
    uint32_t* const next = counts.of_chunk(p);
    for (int64_t i = counts.chunks.begin(p), end = counts.chunks.begin(p + 1); i < end; ++i) {
      put(row, next[bucket(i, row.key(i))]++, i);
    }
  });
}

}  // namespace sortax
