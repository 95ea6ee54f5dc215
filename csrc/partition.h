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

  // How many pivots stand before an element; a pivot counts those before it.
  const Pivot<Key>* const pivot = pivots.data();
  const auto interval = [pivot, m](Key key, int64_t i) -> int64_t {
    if (m == 1) return pivot[0].is_before(key, i);
    return std::partition_point(pivot, pivot + m, [&](const Pivot<Key>& p) { return p.is_before(key, i); }) - pivot;
  };
  const Split chunks = chunks_of(workers, to.n);
  Scratch<int64_t> offsets(chunks.parts * (m + 1));
  const auto is_pivot = [pivot, m](int64_t c, int64_t i) { return c < m && pivot[c].at == i; };
  for_each(workers, chunks.parts > 1 ? chunks.parts : 0, [&](int64_t p) {
    int64_t* const count = offsets.data() + p * (m + 1);
    std::fill_n(count, m + 1, 0);
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) ++count[interval(row.key(i), i)];
    for (int64_t j = 0; j < m; ++j) count[j] -= pivot[j].at >= chunks.begin(p) && pivot[j].at < chunks.begin(p + 1);
  });
  for (int64_t c = 0; c <= m; ++c) {
    int64_t begin = c == 0 ? 0 : kth[c - 1] + 1;
    for (int64_t p = 0; p < chunks.parts; ++p) {
      int64_t& offset = offsets.data()[p * (m + 1) + c];
      const int64_t count = chunks.parts > 1 ? offset : 0;
      offset = begin;
      begin += count;
    }
  }
  for_each(workers, chunks.parts, [&](int64_t p) {
    int64_t* const offset = offsets.data() + p * (m + 1);
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) {
      const int64_t c = interval(row.key(i), i);
      to.put(is_pivot(c, i) ? kth[c] : offset[c]++, i);
    }
  });
}

}  // namespace sortax
