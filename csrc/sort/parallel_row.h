// One long row, sorted by all threads together.
//
// Contract: a row is scattered once, in parallel and stably, into buckets by the leading bits in which its keys
// differ; the buckets are then sorted independently, each in cache. Scratch: one record an element (4 to 16 bytes),
// plus room for the bucket in hand on each thread. Rows of 8- and 16-bit keys of which only values are wanted are
// counted instead: no record is moved.

#pragma once

#include <utility>
#include <vector>

#include "core/parallel.h"
#include "core/scratch.h"
#include "sort/row.h"

namespace sortax {

struct ParallelLimits {
  static constexpr int64_t kLong = int64_t(1) << 15;   // below: one thread, in its own cache
  static constexpr int64_t kChunk = int64_t(1) << 14;  // least work worth handing to a thread
  static constexpr int kBits = 11;
  static constexpr int64_t kGrain = 16;  // tasks a thread, so that uneven buckets even out
};

template <class O>
Summary summarize_in_parallel(const Workers& workers, const Row<O>& row, const Split& chunks) {
  std::vector<Summary> summaries(static_cast<size_t>(chunks.count));
  for_each(workers, chunks.count,
           [&](int64_t p) { summaries[size_t(p)] = vectorized<summarize<O>>(row, chunks.begin(p), chunks.begin(p + 1)); });
  for (const Summary& summary : summaries) summaries[0].merge(summary);
  return summaries[0];
}

// How many elements of each chunk of a row are in each bucket, and then where they go: an offset for each.
struct BucketCounts {
  const Split chunks;
  const int64_t buckets;
  const Scratch<uint32_t> counts{chunks.count * buckets};

  template <class O, class Bucket>
  BucketCounts(const Workers& workers, const Row<O>& row, const Split& in, int64_t count, const Bucket& bucket)
      : chunks(in), buckets(count) {
    for_each(workers, chunks.count, [&](int64_t p) {
      // Two tables break the chain of increments to one counter that few-valued input makes.
      uint32_t* const own = of_chunk(p);
      Scratch<uint32_t> second(buckets);
      std::fill_n(own, buckets, 0u);
      std::fill_n(second.data(), buckets, 0u);
      int64_t i = chunks.begin(p);
      const int64_t end = chunks.begin(p + 1);
      for (; i + 1 < end; i += 2) {
        ++own[bucket(i, row.key(i))];
        ++second.data()[bucket(i + 1, row.key(i + 1))];
      }
      if (i < end) ++own[bucket(i, row.key(i))];
      for (int64_t d = 0; d < buckets; ++d) own[d] += second.data()[d];
    });
  }

  uint32_t* of_chunk(int64_t p) const { return counts.data() + p * buckets; }
  int64_t total(int64_t d) const {
    int64_t sum = 0;
    for (int64_t p = 0; p < chunks.count; ++p) sum += of_chunk(p)[d];
    return sum;
  }
  // Makes of the counts of a bucket that begins at `begin` where those of each chunk go; returns its end.
  uint32_t to_offsets(int64_t d, uint32_t begin) const {
    for (int64_t p = 0; p < chunks.count; ++p) begin += std::exchange(of_chunk(p)[d], begin);
    return begin;
  }
};

template <class O>
void sort_by_counting(const Workers& workers, const Row<O>& row, const Split& chunks) {
  using Key = typename O::Key;
  const BucketCounts counts(workers, row, chunks, int64_t(1) << 8 * sizeof(Key), [](int64_t, Key key) { return key; });
  Key* out = row.values;
  for (int64_t d = 0; d < counts.buckets; ++d) out = std::fill_n(out, counts.total(d), row.order.decode(Key(d)));
}

// Sorts a row by (bucket, key), stably: bucket(i, key) is the number of the bucket of element i. Buckets of `whole` keys
// need no sorting inside.
template <class O, class R, class Bucket>
void sort_by_scatter(const Workers& workers, const Row<O>& row, const Split& chunks, int64_t buckets, bool whole,
                     const Bucket& bucket) {
  const int64_t n = row.n;
  const BucketCounts counts(workers, row, chunks, buckets, bucket);
  std::vector<uint32_t> bounds(static_cast<size_t>(buckets) + 1);
  for (int64_t d = 0; d < buckets; ++d) bounds[size_t(d) + 1] = counts.to_offsets(d, bounds[size_t(d)]);

  Scratch<R> records(n);
  for_each(workers, chunks.count, [&](int64_t p) {
    uint32_t* const offset = counts.of_chunk(p);
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) {
      const auto key = row.key(i);
      records.data()[offset[bucket(i, key)]++] = R::make(key, uint32_t(i));
    }
  });

  // Neighbouring small buckets make one task; a large one stands alone.
  std::vector<int64_t> tasks{0};
  const int64_t grain = std::max<int64_t>(n / (workers.count * ParallelLimits::kGrain), 1024);
  for (int64_t d = 0, begun = 0; d < buckets; ++d) {
    if (bounds[size_t(d) + 1] - begun >= grain || d + 1 == buckets) {
      tasks.push_back(d + 1);
      begun = bounds[size_t(d) + 1];
    }
  }
  const auto size = [&](int64_t d) { return int64_t(bounds[size_t(d) + 1]) - bounds[size_t(d)]; };
  for_each(workers, int64_t(tasks.size()) - 1, [&](int64_t t) {
    int64_t largest = 0;
    for (int64_t d = tasks[size_t(t)]; d < tasks[size_t(t) + 1]; ++d) largest = std::max(largest, size(d));
    Scratch<R> room(whole ? 0 : largest);
    for (int64_t d = tasks[size_t(t)]; d < tasks[size_t(t) + 1]; ++d) {
      const int64_t begin = bounds[size_t(d)], count = size(d);
      if (count == 0) continue;
      R* const inside = records.data() + begin;
      const R* const sorted = whole ? inside : sort_run(inside, room.data(), count);
      vectorized<emit<O, R>>(row, sorted, begin, count);
    }
  });
}

template <class O, class R>
void sort_by_leading_digit(const Workers& workers, const Row<O>& row, const Split& chunks, uint64_t varying) {
  const int high = highest_bit(varying) + 1;
  const int width = std::min(high, ParallelLimits::kBits);
  const Digit digit{high - width, width};
  sort_by_scatter<O, R>(workers, row, chunks, int64_t(1) << width, digit.low == 0,
                        [digit](int64_t, typename Row<O>::Key key) { return digit.of(key); });
}

inline Split chunks_of(const Workers& workers, int64_t n) {
  return {n, std::min(std::max<int64_t>(n / ParallelLimits::kChunk, 1), workers.count)};
}

template <class O, class R>
void sort_parallel_row(const Workers& workers, const Row<O>& row) {
  const Split chunks = chunks_of(workers, row.n);
  const Summary found = summarize_in_parallel(workers, row, chunks);
  if (emit_if_ordered(row, found)) return;
  // Two zeros or NaNs that share a key are told apart by their position only.
  if (kHasIndex<R> || found.lossy) return sort_by_leading_digit<O, PairRecord<O>>(workers, row, chunks, found.varying);
  if constexpr (sizeof(typename O::Key) <= 2) return sort_by_counting(workers, row, chunks);
  sort_by_leading_digit<O, R>(workers, row, chunks, found.varying);
}

}  // namespace sortax
