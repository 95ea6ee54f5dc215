// All rows of an array along one axis: which way each is sorted, and by which threads.
//
// Contract: the array is (outer, n, inner) in memory and rows run along the middle; outputs have the same layout.
// Short rows go through the network in groups; longer ones are copied into contiguous memory if inner > 1,
// several neighbours at a time so that every cache line is read once. Rows are shared among the threads; where there
// are fewer long rows than threads, all threads work on one row. Scratch as in radix, long_row and segments.

#pragma once

#include <algorithm>

#include "long_row.h"
#include "segments.h"
#include "short_rows.h"
#include "tiles.h"

namespace sortax {

template <class T>
struct Rows : Grid {
  const T* in;
  const int32_t* segments;  // null, or what comes before the keys in the order
  T* values;
  Places places;
  typename Order<T>::Key flip;

  bool are_short() const {
    if (segments != nullptr) return false;
    return n <= (count() >= ShortLimits::kFewRows ? ShortLimits::kMany : ShortLimits::kFew);
  }
};

template <class T, class R>
void sort_group(const Rows<T>& rows, int64_t first, int64_t count) {
  using O = Order<T>;
  using Key = typename O::Key;
  Lanes<R> lanes;
  int64_t start[Lanes<R>::kWidth];
  for (int64_t r = 0; r < count; ++r) start[r] = rows.start(first + r);
  for (int64_t r = 0; r < count; ++r) {
    const T* const in = rows.in + start[r];
    for (int64_t j = 0; j < rows.n; ++j) {
      lanes.put(j, r, R::make(Key(O::encode(in[j * rows.inner]) ^ rows.flip), uint32_t(j)));
    }
  }
  lanes.sort(network(rows.n));
  for (int64_t r = 0; r < count; ++r) {
    for (int64_t j = 0; j < rows.n; ++j) {
      const int64_t at = start[r] + j * rows.inner;
      const R record = lanes.get(j, r);
      if constexpr (kHasIndex<R>) {
        const int64_t from = start[r] + int64_t(record.index()) * rows.inner;
        if (rows.values != nullptr) rows.values[at] = rows.in[from];
        if (rows.places[kIndices] != nullptr) rows.places[kIndices][at] = int32_t(record.index());
        if (rows.places[kInverse] != nullptr) rows.places[kInverse][from] = int32_t(j);
      } else {
        rows.values[at] = O::decode(Key(Key(record.key()) ^ rows.flip));
      }
    }
    if constexpr (kHasIndex<R>) {
      for (int64_t j = 0, end; j < rows.n; j = end) {
        if (rows.places[kFirst] == nullptr && rows.places[kLast] == nullptr) break;
        for (end = j + 1; end < rows.n && lanes.get(end, r).key() == lanes.get(j, r).key();) ++end;
        for (int64_t k = j; k < end; ++k) {
          const int64_t from = start[r] + int64_t(lanes.get(k, r).index()) * rows.inner;
          if (rows.places[kFirst] != nullptr) rows.places[kFirst][from] = int32_t(j);
          if (rows.places[kLast] != nullptr) rows.places[kLast][from] = int32_t(end - 1);
        }
      }
    }
  }
}

template <class T, class R>
void sort_short_rows(const Workers& workers, const Rows<T>& rows) {
  constexpr int64_t width = Lanes<R>::kWidth;
  const int64_t groups = (rows.count() + width - 1) / width;
  const int64_t wanted = rows.count() * rows.n < TileLimits::kParallel ? 1 : workers.count * TileLimits::kTasks;
  const Split tasks{groups, std::min(groups, wanted)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
      sort_group<T, R>(rows, g * width, std::min(width, rows.count() - g * width));
    }
  });
}

// Sorts `count` rows from `first`, neighbours along the inner axis, through `sort(Row, segments)`.
template <class T, class Sort>
void sort_tile(const Rows<T>& rows, int64_t first, int64_t count, Sort&& sort) {
  const int64_t n = rows.n, at = rows.start(first), stride = rows.inner;
  const auto shift = [](auto* p, int64_t by) { return p == nullptr ? p : p + by; };
  if (stride == 1) {
    Places places = rows.places;
    for (int32_t*& place : places) place = shift(place, at);
    sort(Row<T>{rows.in + at, n, shift(rows.values, at), places, rows.flip}, shift(rows.segments, at));
    return;
  }
  const int64_t wanted =
      std::count_if(rows.places.begin(), rows.places.end(), [](const int32_t* p) { return p != nullptr; });
  Scratch<T> in(n * count), values(rows.values ? n * count : 0);
  Scratch<int32_t> segments(rows.segments ? n * count : 0), tiles(wanted * n * count);
  gather_rows(rows.in + at, in.data(), n, stride, count);
  if (rows.segments != nullptr) gather_rows(rows.segments + at, segments.data(), n, stride, count);
  Places own{};
  int64_t used = 0;
  for (size_t p = 0; p < kPlaces; ++p) {
    if (rows.places[p] != nullptr) own[p] = tiles.data() + used++ * n * count;
  }
  for (int64_t r = 0; r < count; ++r) {
    Places places = own;
    for (int32_t*& place : places) place = shift(place, r * n);
    sort(Row<T>{in.data() + r * n, n, rows.values ? values.data() + r * n : nullptr, places, rows.flip},
         rows.segments ? segments.data() + r * n : nullptr);
  }
  if (rows.values != nullptr) scatter_rows(values.data(), rows.values + at, n, stride, count);
  for (size_t p = 0; p < kPlaces; ++p) {
    if (own[p] != nullptr) scatter_rows(own[p], rows.places[p] + at, n, stride, count);
  }
}

template <class T, class R>
void sort_rows_with(const Workers& workers, const Rows<T>& rows) {
  if (rows.are_short()) return sort_short_rows<T, R>(workers, rows);
  for_each_tile(workers, rows, [&](const Workers& some, int64_t first, int64_t count) {
    const bool is_long = rows.n >= LongLimits::kLong;
    Scratch<PairRecord<T>> a(is_long ? 0 : rows.n), b(is_long ? 0 : rows.n);
    sort_tile(rows, first, count, [&](const Row<T>& row, const int32_t* segments) {
      if (segments != nullptr) return sort_segments(some, row, segments);
      is_long ? sort_long_row<T, R>(some, row) : sort_row<T, R>(row, a.data(), b.data());
    });
  });
}

template <class T>
void sort_rows(const Workers& workers, const Rows<T>& rows) {
  if (rows.n == 0 || rows.count() == 0) return;
  // A network cannot restore the bits that a key lacks, so short rows of floats carry their positions.
  const bool values_only = !any(rows.places) && rows.segments == nullptr;
  if (values_only && !(Order<T>::kSpecials && rows.are_short())) return sort_rows_with<T, KeyRecord<T>>(workers, rows);
  return sort_rows_with<T, PairRecord<T>>(workers, rows);
}

}  // namespace sortax
