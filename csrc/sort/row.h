// One row to sort, and what every way of sorting it shares: reading it into records and writing the results.
//
// Contract: a Row is contiguous; any of its results may be null where it is not wanted. No function here allocates.
// Records without a position serve rows of which only the values are wanted, if no value is lossy: the sign of a zero and
// the bits of a NaN are not in the key, and come from the input through the position.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/isa.h"
#include "sort/keys.h"
#include "sort/radix.h"

namespace sortax {

// Integer results. In sorted order: indices, where each comes from. In the order of the input: inverse, the position of each
// in sorted order, and first and last, the positions of the first and of the last that is equal to it.
enum IndexOutput { kIndices, kInverse, kFirst, kLast, kIndexOutputs };

struct IndexOutputs : std::array<int32_t*, kIndexOutputs> {
  bool wants_runs() const { return (*this)[kFirst] != nullptr || (*this)[kLast] != nullptr; }
  void put_run(int64_t element, int64_t first, int64_t last) const {
    if ((*this)[kFirst] != nullptr) (*this)[kFirst][element] = int32_t(first);
    if ((*this)[kLast] != nullptr) (*this)[kLast][element] = int32_t(last);
  }
  int64_t count() const { return kIndexOutputs - std::count(begin(), end(), nullptr); }
};

// Calls visit(begin, end) on each run of equal keys among n in order.
template <class Key, class Visit>
inline void for_each_run(int64_t n, const Key& key, const Visit& visit) {
  for (int64_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && key(end) == key(i);) ++end;
    visit(i, end);
  }
}

template <class O>
struct Row {
  using Key = typename O::Key;
  const Key* in;
  int64_t n;
  Key* values;
  IndexOutputs outputs;
  O order;

  Key key(int64_t i) const { return order.encode(in[i]); }
};

template <class O>
using KeyRecord = KeyOnly<std::conditional_t<sizeof(typename O::Key) == 8, uint64_t, uint32_t>>;
template <class O>
using PairRecord = std::conditional_t<sizeof(typename O::Key) == 8, Pair64, Pair32>;

template <class R>
inline constexpr bool kHasIndex = std::is_same_v<R, Pair32> || std::is_same_v<R, Pair64>;

// What one pass over the keys tells.
struct Summary {
  uint64_t varying = 0;       // bits in which some key differs from the first
  bool unsorted = false;      // some key is less than the one before it
  bool not_reversed = false;  // some key is not less than the one before it
  bool lossy = false;         // some value is not told by its key

  void merge(const Summary& other) {
    varying |= other.varying;
    unsorted |= other.unsorted;
    not_reversed |= other.not_reversed;
    lossy |= other.lossy;
  }
};

// This, load and emit are to be called through vectorized, which takes the row by value: the order stays in registers.
template <class O>
SORTAX_INLINE Summary summarize(const Row<O>& row, int64_t begin, int64_t end) {
  using Key = typename O::Key;
  Key varying = 0, unsorted = 0, not_reversed = 0, lossy = 0;
  const Key first = row.key(0);
  if (begin == 0) lossy |= row.order.is_lossy(row.in[0]);
  for (int64_t i = begin + (begin == 0); i < end; ++i) {
    const Key before = row.key(i - 1), key = row.key(i);
    varying |= key ^ first;
    unsorted |= key < before;
    not_reversed |= key >= before;
    lossy |= row.order.is_lossy(row.in[i]);
  }
  return {uint64_t(varying), unsorted != 0, not_reversed != 0, lossy != 0};
}

template <class O, class R>
SORTAX_INLINE void load(const Row<O> row, R* records) {
  for (int64_t i = 0; i < row.n; ++i) records[i] = R::make(row.key(i), uint32_t(i));
}

template <class O, class R>
void emit_runs(const Row<O>& row, const R* records, int64_t begin, int64_t count) {
  for_each_run(
      count, [&](int64_t i) { return records[i].key(); },
      [&](int64_t i, int64_t end) {
        for (int64_t k = i; k < end; ++k) row.outputs.put_run(records[k].index(), begin + i, begin + end - 1);
      });
}

// The results of the sorted records, no run of which goes on outside, that stand at `begin` and after in the row.
template <class O, class R>
SORTAX_INLINE void emit(const Row<O> row, const R* records, int64_t begin, int64_t count) {
  using Key = typename O::Key;
  if (row.values != nullptr) {
    for (int64_t i = 0; i < count; ++i) {
      const Key key = Key(records[i].key());
      if constexpr (kHasIndex<R>) {
        row.values[begin + i] = row.order.is_special(key) ? row.in[records[i].index()] : row.order.decode(key);
      } else {
        row.values[begin + i] = row.order.decode(key);
      }
    }
  }
  if constexpr (kHasIndex<R>) {
    if (int32_t* const indices = row.outputs[kIndices]) {
      for (int64_t i = 0; i < count; ++i) indices[begin + i] = int32_t(records[i].index());
    }
    if (int32_t* const inverse = row.outputs[kInverse]) {
      for (int64_t i = 0; i < count; ++i) inverse[records[i].index()] = int32_t(begin + i);
    }
    if (row.outputs.wants_runs()) emit_runs(row, records, begin, count);
  }
}

// Rows that come sorted, or strictly in reverse, are copied. Returns whether it was such a row.
template <class O>
bool emit_if_ordered(const Row<O>& row, const Summary& found) {
  if (found.unsorted && found.not_reversed) return false;
  const int64_t n = row.n;
  const bool forward = !found.unsorted;
  const int64_t start = forward ? 0 : n - 1, step = forward ? 1 : -1;
  if (row.values != nullptr) {
    if (forward) {
      std::memcpy(row.values, row.in, static_cast<size_t>(n) * sizeof(typename O::Key));
    } else {
      for (int64_t i = 0; i < n; ++i) row.values[i] = row.in[n - 1 - i];
    }
  }
  for (int32_t* out : {row.outputs[kIndices], row.outputs[kInverse]}) {
    if (out == nullptr) continue;
    for (int64_t i = 0; i < n; ++i) out[i] = int32_t(start + step * i);
  }
  if (!row.outputs.wants_runs()) return true;
  for_each_run(
      n, [&](int64_t i) { return row.key(i); },
      [&](int64_t i, int64_t end) {
        // A row in strictly reverse order has runs of one element only.
        for (int64_t k = i; k < end; ++k) row.outputs.put_run(k, start + step * i, start + step * (end - 1));
      });
  return true;
}

// The serial sort of one row; `a` and `b` have room for its records.
template <class O, class R>
void sort_records(const Row<O>& row, R* a, R* b) {
  vectorized<load<O, R>>(row, a);
  vectorized<emit<O, R>>(row, sort_run(a, b, row.n), 0, row.n);
}

// The same with records that need no position, if there is room for those that do.
template <class O, class R>
void sort_row(const Row<O>& row, PairRecord<O>* a, PairRecord<O>* b) {
  const Summary found = vectorized<summarize<O>>(row, 0, row.n);
  if (emit_if_ordered(row, found)) return;
  if (kHasIndex<R> || found.lossy) return sort_records(row, a, b);
  sort_records(row, reinterpret_cast<R*>(a), reinterpret_cast<R*>(b));
}

}  // namespace sortax
