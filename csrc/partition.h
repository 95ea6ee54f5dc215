// One row partitioned around the elements of given ranks.
//
// Contract: partition_row puts the elements of the m ranks `kth`, which ascend, where the stable sort puts them, and between
// two of them, in the order of their positions, all elements that the stable order has there. O(n log m) time. Scratch:
// as for selecting the pivots, and m + 1 counters a thread.

#pragma once

#include "select.h"

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

template <class T, bool kLater>
SORTAX_CLONES int64_t count_above(const Row<T>& row, int64_t begin, int64_t end, typename Row<T>::Key pivot) {
  int64_t count = 0;
  for (int64_t i = begin; i < end; ++i) count += is_above<kLater>(row.key(i), pivot);
  return count;
}

template <class T, bool kLater, bool kValues, bool kIndices>
void distribute(const Selection<T>& to, int64_t begin, int64_t end, typename Row<T>::Key pivot, int64_t* next) {
  const Row<T> row = to.row();
  int64_t below = next[0], above = next[1];
  for (int64_t i = begin; i < end; ++i) {
    const bool up = is_above<kLater>(row.key(i), pivot);
    const int64_t at = up ? above : below;
    if constexpr (kValues) to.values[at] = to.in[i];
    if constexpr (kIndices) to.indices[at] = int32_t(i);
    above += up;
    below += !up;
  }
  next[0] = below;
  next[1] = above;
}

template <class T, bool kLater>
void distribute(const Selection<T>& to, int64_t begin, int64_t end, typename Row<T>::Key pivot, int64_t* next) {
  if (to.values == nullptr) return distribute<T, kLater, false, true>(to, begin, end, pivot, next);
  if (to.indices == nullptr) return distribute<T, kLater, true, false>(to, begin, end, pivot, next);
  distribute<T, kLater, true, true>(to, begin, end, pivot, next);
}

template <class T>
void partition_around(const Workers& workers, const Selection<T>& to, int64_t k, const Pivot<typename Row<T>::Key>& pivot) {
  const Row<T> row = to.row();
  const Split chunks = chunks_of(workers, to.n);
  std::vector<int64_t> next(static_cast<size_t>(2 * chunks.parts));
  // The pivot itself is of neither side.
  const auto earlier = [&](int64_t p) { return std::pair(chunks.begin(p), std::min(chunks.begin(p + 1), pivot.at)); };
  const auto later = [&](int64_t p) { return std::pair(std::max(chunks.begin(p), pivot.at + 1), chunks.begin(p + 1)); };
  for_each(workers, chunks.parts > 1 ? chunks.parts : 0, [&](int64_t p) {
    const auto [a, b] = earlier(p);
    const auto [c, d] = later(p);
    const int64_t above = count_above<T, false>(row, a, b, pivot.key) + count_above<T, true>(row, c, d, pivot.key);
    next[size_t(2 * p + 1)] = above;
    next[size_t(2 * p)] = std::max<int64_t>(b - a, 0) + std::max<int64_t>(d - c, 0) - above;
  });
  int64_t below = 0, above = k + 1;
  for (int64_t p = 0; p < chunks.parts; ++p) {
    below += std::exchange(next[size_t(2 * p)], below);
    above += std::exchange(next[size_t(2 * p + 1)], above);
  }
  for_each(workers, chunks.parts, [&](int64_t p) {
    const auto [a, b] = earlier(p);
    const auto [c, d] = later(p);
    distribute<T, false>(to, a, b, pivot.key, next.data() + 2 * p);
    distribute<T, true>(to, c, d, pivot.key, next.data() + 2 * p);
  });
  to.put(k, pivot.at);
}

template <class T>
void partition_row(const Workers& workers, const Selection<T>& to, const int64_t* kth, int64_t m) {
  using Key = typename Row<T>::Key;
  const Row<T> row = to.row();
  Scratch<Wanted> wanted(m);
  Scratch<int32_t> at(m);
  for (int64_t j = 0; j < m; ++j) wanted.data()[j] = Wanted::make(uint32_t(kth[j]), uint32_t(j));
  select_row(workers, Selection<T>{to.in, to.n, to.flip, nullptr, at.data()}, wanted.data(), m);
  Scratch<Pivot<Key>> pivots(m);
  for (int64_t j = 0; j < m; ++j) pivots.data()[j] = {row.key(at.data()[j]), at.data()[j]};
  if (m == 1) return partition_around(workers, to, kth[0], pivots.data()[0]);

  // How many pivots stand before an element; a pivot counts those before it.
  const Pivot<Key>* const pivot = pivots.data();
  const auto interval = [pivot, m](Key key, int64_t i) -> int64_t {
    return std::partition_point(pivot, pivot + m, [&](const Pivot<Key>& p) { return p.is_before(key, i); }) - pivot;
  };
  const Split chunks = chunks_of(workers, to.n);
  Scratch<int64_t> offsets(chunks.parts * (m + 1));
  for_each(workers, chunks.parts, [&](int64_t p) {
    int64_t* const count = offsets.data() + p * (m + 1);
    std::fill_n(count, m + 1, 0);
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) ++count[interval(row.key(i), i)];
    for (int64_t j = 0; j < m; ++j) count[j] -= pivot[j].at >= chunks.begin(p) && pivot[j].at < chunks.begin(p + 1);
  });
  for (int64_t c = 0; c <= m; ++c) {
    int64_t begin = c == 0 ? 0 : kth[c - 1] + 1;
    for (int64_t p = 0; p < chunks.parts; ++p) begin += std::exchange(offsets.data()[p * (m + 1) + c], begin);
  }
  for_each(workers, chunks.parts, [&](int64_t p) {
    int64_t* const next = offsets.data() + p * (m + 1);
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) {
      const int64_t c = interval(row.key(i), i);
      const bool is_pivot = c < m && pivot[c].at == i;
      to.put(is_pivot ? kth[c] : next[c]++, i);
    }
  });
}

}  // namespace sortax
