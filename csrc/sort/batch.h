// All rows of an array along one axis: which way each is sorted, and by which threads.
//
// Contract: the array is (outer, n, inner) in memory and rows run along the middle; outputs have the same layout.
// Short rows go through the network in groups; longer ones are copied into contiguous memory if inner > 1,
// several neighbours at a time so that every cache line is read once. Rows are shared among the threads; where there
// are fewer long rows than threads, all threads work on one row. Scratch as in radix, long_row and segments.

#pragma once

#include <algorithm>

#include "sort/parallel_row.h"
#include "sort/segments.h"
#include "sort/network.h"
#include "sort/tiles.h"

namespace sortax {

template <class O>
struct Rows : Grid {
  using Key = typename O::Key;
  const Key* in;
  const int32_t* segments;  // null, or what comes before the keys in the order
  Key* values;
  Places places;
  O order;

  bool are_short() const {
    if (segments != nullptr) return false;
    return n <= (count() >= ShortLimits::kFewRows ? ShortLimits::kMany : ShortLimits::kFew);
  }
};

template <class O, class R>
void sort_group(const Rows<O>& rows, int64_t first, int64_t count) {
  const O order = rows.order;
  Lanes<R> lanes;
  int64_t start[Lanes<R>::kWidth];
  for (int64_t r = 0; r < count; ++r) start[r] = rows.start(first + r);
  for (int64_t r = 0; r < count; ++r) {
    const typename O::Key* const in = rows.in + start[r];
    for (int64_t j = 0; j < rows.n; ++j) {
      lanes.put(j, r, R::make(order.encode(in[j * rows.inner]), uint32_t(j)));
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
        rows.values[at] = order.decode(typename O::Key(record.key()));
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

template <class O, class R>
void sort_short_rows(const Workers& workers, const Rows<O>& rows) {
  constexpr int64_t width = Lanes<R>::kWidth;
  const int64_t groups = (rows.count() + width - 1) / width;
  const int64_t wanted = rows.count() * rows.n < TileLimits::kParallel ? 1 : workers.count * TileLimits::kTasks;
  const Split tasks{groups, std::min(groups, wanted)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
      sort_group<O, R>(rows, g * width, std::min(width, rows.count() - g * width));
    }
  });
}

// Sorts `count` rows from `first`, neighbours along the inner axis, through `sort(Row, segments)`. Only where they are not
// contiguous are they copied so, and back.
template <class O, class Sort>
void sort_tile(const Rows<O>& rows, int64_t first, int64_t count, Sort&& sort) {
  using Key = typename O::Key;
  const int64_t n = rows.n, at = rows.start(first), stride = rows.inner, size = stride == 1 ? 0 : n * count;
  const auto shift = [](auto* p, int64_t by) { return p == nullptr ? p : p + by; };
  const int64_t wanted =
      std::count_if(rows.places.begin(), rows.places.end(), [](const int32_t* p) { return p != nullptr; });
  Scratch<Key> in(size), values(rows.values ? size : 0);
  Scratch<int32_t> segments(rows.segments ? size : 0), tiles(wanted * size);
  Row<O> row{rows.in + at, n, shift(rows.values, at), rows.places, rows.order};
  const int32_t* ids = shift(rows.segments, at);
  for (int32_t*& place : row.places) place = shift(place, at);
  const Row<O> target = row;
  if (size > 0) {
    gather_rows(row.in, in.data(), n, stride, count);
    row.in = in.data();
    if (row.values != nullptr) row.values = values.data();
    if (ids != nullptr) gather_rows(ids, segments.data(), n, stride, count), ids = segments.data();
    int64_t used = 0;
    for (int32_t*& place : row.places) {
      if (place != nullptr) place = tiles.data() + used++ * size;
    }
  }
  const Row<O> tile = row;
  for (int64_t r = 0; r < count; ++r) {
    row.in = tile.in + r * n;
    row.values = shift(tile.values, r * n);
    for (size_t p = 0; p < kPlaces; ++p) row.places[p] = shift(tile.places[p], r * n);
    sort(row, shift(ids, r * n));
  }
  if (size == 0) return;
  if (target.values != nullptr) scatter_rows(tile.values, target.values, n, stride, count);
  for (size_t p = 0; p < kPlaces; ++p) {
    if (target.places[p] != nullptr) scatter_rows(tile.places[p], target.places[p], n, stride, count);
  }
}

template <class O, class R>
void sort_rows_with(const Workers& workers, const Rows<O>& rows) {
  // A network cannot restore the bits that a key lacks, so short rows of floats carry their positions.
  if constexpr (kHasIndex<R> || !O::kSpecials) {
    if (rows.are_short()) return sort_short_rows<O, R>(workers, rows);
  }
  for_each_tile(workers, rows, [&](const Workers& some, int64_t first, int64_t count) {
    const bool is_long = rows.n >= LongLimits::kLong;
    Scratch<PairRecord<O>> a(is_long ? 0 : rows.n), b(is_long ? 0 : rows.n);
    sort_tile(rows, first, count, [&](const Row<O>& row, const int32_t* segments) {
      if constexpr (kHasIndex<R>) {
        if (segments != nullptr) return sort_segments(some, row, segments);
      }
      is_long ? sort_long_row<O, R>(some, row) : sort_row<O, R>(row, a.data(), b.data());
    });
  });
}

template <class O>
void sort_rows(const Workers& workers, const Rows<O>& rows) {
  if (rows.n == 0 || rows.count() == 0) return;
  const bool values_only = !any(rows.places) && rows.segments == nullptr;
  if (values_only && !(O::kSpecials && rows.are_short())) return sort_rows_with<O, KeyRecord<O>>(workers, rows);
  return sort_rows_with<O, PairRecord<O>>(workers, rows);
}

}  // namespace sortax
