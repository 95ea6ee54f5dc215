// One row to sort, and what every way of sorting it shares: reading it into records and writing the results.
//
// Contract: a Row is contiguous; `values`, `indices` and `inverse` may each be null where they are not wanted. No
// function here allocates. Records without a position serve rows of which only the values are wanted: what a key
// cannot tell, the sign of zero and the bits of a NaN, is then restored from the input, in the order it came.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "isa.h"
#include "keys.h"
#include "radix.h"

namespace sortax {

template <class T>
struct Row {
  using Key = typename Order<T>::Key;
  const T* in;
  int64_t n;
  T* values;
  int32_t* indices;
  int32_t* inverse;
  Key flip;  // all ones to sort in descending order

  Key key(int64_t i) const { return Key(Order<T>::encode(in[i]) ^ flip); }
};

template <class T>
using KeyRecord = std::conditional_t<sizeof(T) == 8, Key64, Key32>;
template <class T>
using PairRecord = std::conditional_t<sizeof(T) == 8, Pair64, Pair32>;

template <class R>
inline constexpr bool kHasIndex = std::is_same_v<R, Pair32> || std::is_same_v<R, Pair64>;

// What one pass over the keys tells.
struct Scan {
  uint64_t varying = 0;       // bits in which some key differs from the first
  bool unsorted = false;      // some key is less than the one before it
  bool not_reversed = false;  // some key is not less than the one before it
  bool lossy = false;         // some value is not told by its key

  void merge(const Scan& other) {
    varying |= other.varying;
    unsorted |= other.unsorted;
    not_reversed |= other.not_reversed;
    lossy |= other.lossy;
  }
};

template <class T>
SORTAX_CLONES Scan scan(const Row<T>& row, int64_t begin, int64_t end) {
  using Key = typename Order<T>::Key;
  Key varying = 0, unsorted = 0, not_reversed = 0, lossy = 0;
  const Key first = row.key(0);
  if (begin == 0) lossy |= Order<T>::is_lossy(row.in[0]);
  for (int64_t i = begin + (begin == 0); i < end; ++i) {
    const Key before = row.key(i - 1), key = row.key(i);
    varying |= key ^ first;
    unsorted |= key < before;
    not_reversed |= key >= before;
    lossy |= Order<T>::is_lossy(row.in[i]);
  }
  return {uint64_t(varying), unsorted != 0, not_reversed != 0, lossy != 0};
}

template <class T, class R>
SORTAX_CLONES void load(const Row<T>& row, R* records) {
  for (int64_t i = 0; i < row.n; ++i) records[i] = R::make(row.key(i), uint32_t(i));
}

// The results of the sorted records that stand at `begin` and after in the row.
template <class T, class R>
SORTAX_CLONES void emit(const Row<T>& row, const R* records, int64_t begin, int64_t count) {
  using O = Order<T>;
  using Key = typename O::Key;
  if (row.values != nullptr) {
    for (int64_t i = 0; i < count; ++i) {
      const Key key = Key(Key(records[i].key()) ^ row.flip);
      if constexpr (kHasIndex<R>) {
        row.values[begin + i] = O::is_special(key) ? row.in[records[i].index()] : O::decode(key);
      } else {
        row.values[begin + i] = O::decode(key);
      }
    }
  }
  if constexpr (kHasIndex<R>) {
    if (row.indices != nullptr) {
      for (int64_t i = 0; i < count; ++i) row.indices[begin + i] = int32_t(records[i].index());
    }
    if (row.inverse != nullptr) {
      for (int64_t i = 0; i < count; ++i) row.inverse[records[i].index()] = int32_t(begin + i);
    }
  }
}

// Puts the zeros and the NaNs of the input, in their order, where the sorted values have zeros and NaNs.
template <class T>
void restore_lossy(const Row<T>& row) {
  if constexpr (Order<T>::kSpecials) {
    using O = Order<T>;
    using Key = typename O::Key;
    const auto place_of = [&](Key key) {
      const auto less = [&](T value, Key bound) { return Key(O::encode(value) ^ row.flip) < bound; };
      return std::lower_bound(row.values, row.values + row.n, Key(key ^ row.flip), less);
    };
    T* zero = place_of(O::kZero);
    T* nan = place_of(O::kNaN);
    for (int64_t i = 0; i < row.n; ++i) {
      const T value = row.in[i];
      const Key key = O::encode(value);
      if (!O::is_special(key)) continue;
      T*& place = key == O::kZero ? zero : nan;
      *place++ = value;
    }
  }
}

// Rows that come sorted, or strictly in reverse, are copied. Returns whether it was such a row.
template <class T>
bool emit_if_ordered(const Row<T>& row, const Scan& found) {
  if (found.unsorted && found.not_reversed) return false;
  const int64_t n = row.n;
  const bool forward = !found.unsorted;
  const int64_t start = forward ? 0 : n - 1, step = forward ? 1 : -1;
  if (row.values != nullptr) {
    if (forward) {
      std::memcpy(row.values, row.in, static_cast<size_t>(n) * sizeof(T));
    } else {
      for (int64_t i = 0; i < n; ++i) row.values[i] = row.in[n - 1 - i];
    }
  }
  for (int32_t* out : {row.indices, row.inverse}) {
    if (out == nullptr) continue;
    for (int64_t i = 0; i < n; ++i) out[i] = int32_t(start + step * i);
  }
  return true;
}

// The serial sort of one row; `a` and `b` have room for its records.
template <class T, class R>
void sort_row(const Row<T>& row, R* a, R* b) {
  const Scan found = scan(row, 0, row.n);
  if (emit_if_ordered(row, found)) return;
  load(row, a);
  emit(row, sort_run(a, b, row.n), 0, row.n);
  if (!kHasIndex<R> && found.lossy) restore_lossy(row);
}

}  // namespace sortax
