// All rows of an array along one axis: which way each is sorted, and by which threads.
//
// Contract: short rows go through the network in groups; longer ones are copied into contiguous memory where their elements
// are not neighbours, several rows at a time so that every cache line is read once. Rows are shared among the threads; where
// there are fewer long rows than threads, all threads work on one row. Scratch: that of radix.h, parallel_row.h and
// segments.h, and copies of up to sixteen rows for each thread.

#pragma once

#include "sort/network.h"
#include "sort/parallel_row.h"
#include "sort/segments.h"
#include "sort/tiles.h"

namespace sortax {

// An array, and what is wanted of its rows: results whose rows may have another length.
template <class O>
struct Batch {
  using Key = typename O::Key;
  Grid from, to;
  const Key* in;
  const int32_t* segments;  // like the array, or null: what comes before the keys in the order
  const int32_t* ranks;     // like the results, or null: which are wanted
  Key* values;
  IndexOutputs outputs;
  O order;

  bool are_short() const {
    if (segments != nullptr) return false;
    return from.n <= (from.rows() >= NetworkLimits::kFewRows ? NetworkLimits::kMany : NetworkLimits::kFew);
  }
};

template <class T>
T* shifted(T* p, int64_t by) {
  return p == nullptr ? p : p + by;
}

// Runs body(workers, row, ids) on each row, contiguous or copied so, with its segments or ranks.
template <class O, class Body>
void for_each_row(const Workers& workers, const Batch<O>& batch, const Body& body) {
  using Key = typename O::Key;
  const int32_t* const all_ids = batch.segments != nullptr ? batch.segments : batch.ranks;
  const Grid &from = batch.from, &to = batch.to, ids_grid = batch.segments != nullptr ? from : to;
  for_each_tile(workers, from, [&](const Workers& some, int64_t first, int64_t count) {
    const int64_t stride = from.inner, copied = stride == 1 ? 0 : count;
    Row<O> row{batch.in + from.start(first), from.n, shifted(batch.values, to.start(first)), batch.outputs, batch.order};
    for (int32_t*& output : row.outputs) output = shifted(output, to.start(first));
    const int32_t* ids = shifted(all_ids, ids_grid.start(first));
    const Row<O> target = row;
    Scratch<Key> in(from.n * copied), values(row.values ? to.n * copied : 0);
    Scratch<int32_t> own_ids(ids ? ids_grid.n * copied : 0), outputs(row.outputs.count() * to.n * copied);
    if (copied > 0) {
      gather_rows(row.in, in.data(), from.n, stride, count);
      if (ids != nullptr) gather_rows(ids, own_ids.data(), ids_grid.n, stride, count);
      row.in = in.data(), row.values = values.data(), ids = own_ids.data();
      int64_t used = 0;
      for (int32_t*& output : row.outputs) {
        if (output != nullptr) output = outputs.data() + used++ * to.n * count;
      }
    }
    const Row<O> tile = row;
    for (int64_t r = 0; r < count; ++r) {
      body(some, row, shifted(ids, r * ids_grid.n));
      row.in += from.n;
      row.values = shifted(row.values, to.n);
      for (int32_t*& output : row.outputs) output = shifted(output, to.n);
    }
    if (copied == 0) return;
    if (target.values != nullptr) scatter_rows(tile.values, target.values, to.n, stride, count);
    for (size_t o = 0; o < kIndexOutputs; ++o) {
      if (target.outputs[o] != nullptr) scatter_rows(tile.outputs[o], target.outputs[o], to.n, stride, count);
    }
  });
}

template <class O, class R>
void sort_group(const Batch<O>& batch, int64_t first, int64_t count) {
  const O order = batch.order;
  const int64_t n = batch.from.n, stride = batch.from.inner;
  const IndexOutputs& outputs = batch.outputs;
  RowLanes<R> lanes;
  for (int64_t r = 0; r < count; ++r) {
    const typename O::Key* const in = batch.in + batch.from.start(first + r);
    for (int64_t j = 0; j < n; ++j) lanes.put(j, r, R::make(order.encode(in[j * stride]), uint32_t(j)));
  }
  lanes.sort(network(n));
  for (int64_t r = 0; r < count; ++r) {
    const int64_t start = batch.from.start(first + r);
    if constexpr (!kHasIndex<R>) {
      for (int64_t j = 0; j < n; ++j)
        batch.values[start + j * stride] = order.decode(typename O::Key(lanes.get(j, r).key()));
    } else {
      const auto source = [&](int64_t j) { return start + int64_t(lanes.get(j, r).index()) * stride; };
      for (int64_t j = 0; j < n; ++j) {
        const int64_t from = source(j), to = start + j * stride;
        if (batch.values != nullptr) batch.values[to] = batch.in[from];
        if (outputs[kIndices] != nullptr) outputs[kIndices][to] = int32_t(lanes.get(j, r).index());
        if (outputs[kInverse] != nullptr) outputs[kInverse][from] = int32_t(j);
      }
      if (!outputs.wants_runs()) continue;
      for_each_run(
          n, [&](int64_t j) { return lanes.get(j, r).key(); },
          [&](int64_t j, int64_t end) {
            for (int64_t k = j; k < end; ++k) outputs.put_run(source(k), j, end - 1);
          });
    }
  }
}

template <class O, class R>
void sort_short_rows(const Workers& workers, const Batch<O>& batch) {
  constexpr int64_t kWidth = RowLanes<R>::kWidth;
  const int64_t rows = batch.from.rows(), groups = (rows + kWidth - 1) / kWidth;
  for_each_item(workers, share_rows(workers, batch.from, groups), false, [&](const Workers&, int64_t g) {
    sort_group<O, R>(batch, g * kWidth, std::min(kWidth, rows - g * kWidth));
  });
}

template <class O, class R>
void sort_batch_with(const Workers& workers, const Batch<O>& batch) {
  // A network cannot restore the bits that a key lacks, so short rows of floats carry their positions.
  if constexpr (kHasIndex<R> || !O::kSpecials) {
    if (batch.are_short()) return sort_short_rows<O, R>(workers, batch);
  }
  for_each_row(workers, batch, [&](const Workers& some, const Row<O>& row, const int32_t* segments) {
    if constexpr (kHasIndex<R>) {
      if (segments != nullptr) return sort_segments(some, row, segments);
    }
    if (row.n >= ParallelLimits::kLong) return sort_parallel_row<O, R>(some, row);
    Scratch<PairRecord<O>> a(row.n), b(row.n);
    sort_row<O, R>(row, a.data(), b.data());
  });
}

template <class O>
void sort_batch(const Workers& workers, const Batch<O>& batch) {
  if (batch.from.n == 0 || batch.from.rows() == 0) return;
  const bool values_only = batch.outputs.count() == 0 && batch.segments == nullptr;
  if (values_only && !(O::kSpecials && batch.are_short())) return sort_batch_with<O, KeyRecord<O>>(workers, batch);
  return sort_batch_with<O, PairRecord<O>>(workers, batch);
}

}  // namespace sortax
