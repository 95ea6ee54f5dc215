// All rows of an array along one axis: which way each is sorted, and by which threads.
//
// Contract: the array is (outer, n, inner) in memory and rows run along the middle; outputs have the same layout.
// Short rows go through the network in groups; longer ones are copied into contiguous memory if inner > 1,
// several neighbours at a time so that every cache line is read once. Rows are shared among the threads; where there
// are fewer long rows than threads, all threads work on one row. Scratch as in radix and long_row.

#pragma once

#include <algorithm>

#include "long_row.h"
#include "short_rows.h"

namespace sortax {

template <class T>
struct Rows {
  const T* in;
  int64_t outer, n, inner;
  T* values;
  int32_t* indices;
  int32_t* inverse;
  typename Order<T>::Key flip;

  int64_t count() const { return outer * inner; }
  bool are_short() const { return n <= (count() >= ShortLimits::kFewRows ? ShortLimits::kMany : ShortLimits::kFew); }
  int64_t start(int64_t r) const { return r / inner * n * inner + r % inner; }
};

struct RowsLimits {
  static constexpr int64_t kParallel = int64_t(1) << 14;  // elements below which waking a thread costs more
  static constexpr int64_t kTile = 16;                    // neighbouring rows copied together: a cache line of floats
  static constexpr int64_t kTasks = 8;                    // tasks a thread
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
        if (rows.indices != nullptr) rows.indices[at] = int32_t(record.index());
        if (rows.inverse != nullptr) rows.inverse[from] = int32_t(j);
      } else {
        rows.values[at] = O::decode(Key(Key(record.key()) ^ rows.flip));
      }
    }
  }
}

template <class T, class R>
void sort_short_rows(const Workers& workers, const Rows<T>& rows) {
  constexpr int64_t width = Lanes<R>::kWidth;
  const int64_t groups = (rows.count() + width - 1) / width;
  const int64_t wanted = rows.count() * rows.n < RowsLimits::kParallel ? 1 : workers.count * RowsLimits::kTasks;
  const Split tasks{groups, std::min(groups, wanted)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
      sort_group<T, R>(rows, g * width, std::min(width, rows.count() - g * width));
    }
  });
}

// Copies `count` neighbouring rows of length n, a stride apart, into contiguous ones; or back.
template <class E>
void gather_rows(const E* from, E* to, int64_t n, int64_t stride, int64_t count) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t r = 0; r < count; ++r) to[r * n + j] = from[j * stride + r];
  }
}
template <class E>
void scatter_rows(const E* from, E* to, int64_t n, int64_t stride, int64_t count) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t r = 0; r < count; ++r) to[j * stride + r] = from[r * n + j];
  }
}

// Sorts `count` rows from `first`, neighbours along the inner axis, through `sort(Row)`.
template <class T, class Sort>
void sort_tile(const Rows<T>& rows, int64_t first, int64_t count, Sort&& sort) {
  const int64_t n = rows.n, at = rows.start(first), stride = rows.inner;
  const auto row = [&](const T* in, T* values, int32_t* indices, int32_t* inverse) {
    sort(Row<T>{in, n, values, indices, inverse, rows.flip});
  };
  const auto shift = [](auto* p, int64_t by) { return p == nullptr ? p : p + by; };
  if (stride == 1) {
    row(rows.in + at, shift(rows.values, at), shift(rows.indices, at), shift(rows.inverse, at));
    return;
  }
  Scratch<T> in(n * count), values(rows.values ? n * count : 0);
  Scratch<int32_t> indices(rows.indices ? n * count : 0), inverse(rows.inverse ? n * count : 0);
  gather_rows(rows.in + at, in.data(), n, stride, count);
  for (int64_t r = 0; r < count; ++r) {
    const auto own = [&](auto* wanted, auto* tile) { return wanted ? tile + r * n : nullptr; };
    row(in.data() + r * n, own(rows.values, values.data()), own(rows.indices, indices.data()),
        own(rows.inverse, inverse.data()));
  }
  if (rows.values) scatter_rows(values.data(), rows.values + at, n, stride, count);
  if (rows.indices) scatter_rows(indices.data(), rows.indices + at, n, stride, count);
  if (rows.inverse) scatter_rows(inverse.data(), rows.inverse + at, n, stride, count);
}

template <class T, class R>
void sort_rows_with(const Workers& workers, const Rows<T>& rows) {
  if (rows.are_short()) return sort_short_rows<T, R>(workers, rows);
  const int64_t tiles_a_slab = (rows.inner + RowsLimits::kTile - 1) / RowsLimits::kTile;
  const int64_t tiles = rows.outer * tiles_a_slab;
  const auto for_tile = [&](int64_t t, auto&& sort) {
    const int64_t slab = t / tiles_a_slab, i = t % tiles_a_slab * RowsLimits::kTile;
    sort_tile(rows, slab * rows.inner + i, std::min(RowsLimits::kTile, rows.inner - i), sort);
  };
  if (rows.n >= LongLimits::kLong && tiles < workers.count * 4) {
    for (int64_t t = 0; t < tiles; ++t) for_tile(t, [&](const Row<T>& row) { sort_long_row<T, R>(workers, row); });
    return;
  }
  const int64_t wanted = rows.count() * rows.n < RowsLimits::kParallel ? 1 : workers.count * RowsLimits::kTasks;
  const Split tasks{tiles, std::min(tiles, wanted)};
  const Workers alone;
  for_each(workers, tasks.parts, [&](int64_t p) {
    const bool is_long = rows.n >= LongLimits::kLong;
    Scratch<R> a(is_long ? 0 : rows.n), b(is_long ? 0 : rows.n);
    for (int64_t t = tasks.begin(p); t < tasks.begin(p + 1); ++t) {
      for_tile(t, [&](const Row<T>& row) { is_long ? sort_long_row<T, R>(alone, row) : sort_row(row, a.data(), b.data()); });
    }
  });
}

template <class T>
void sort_rows(const Workers& workers, const Rows<T>& rows) {
  if (rows.n == 0 || rows.count() == 0) return;
  // A network cannot restore the bits that a key lacks, so short rows of floats carry their positions.
  const bool values_only = rows.indices == nullptr && rows.inverse == nullptr;
  if (values_only && !(Order<T>::kSpecials && rows.are_short())) return sort_rows_with<T, KeyRecord<T>>(workers, rows);
  return sort_rows_with<T, PairRecord<T>>(workers, rows);
}

}  // namespace sortax
