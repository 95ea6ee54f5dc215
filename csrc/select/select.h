// Elements of given ranks in the sorted order of one row, without sorting the row.
//
// Contract: select_row finds, for each of m ranks in [0, n), sorted, the position of the element of that rank in the stable
// order, and writes it to `found` at the index of its result. The first and the last are found by a scan; ranks that
// lie close together in a bracket from a sample; otherwise the leading digit of all keys is counted, and only the buckets in
// which a rank falls are gathered. O(n) time for a few ranks; at most about that of a sort. Scratch: a record a gathered
// element, twice.

#pragma once

#include "select/bracket.h"
#include "select/bucket_select.h"

namespace sortax {

template <class O>
void select_short(const Row<O>& row, const RankedResult* wanted, int64_t m, int32_t* found) {
  using R = PairRecord<O>;
  if (row.n <= SelectLimits::kSmall) {
    R a[SelectLimits::kSmall], b[SelectLimits::kSmall];
    vectorized<load<O, R>>(row, a);
    const R* const sorted = sort_run(a, b, row.n);
    return put_all(found, wanted, m, [&](int64_t rank) { return int64_t(sorted[rank].index()); });
  }
  Scratch<R> a(row.n + 1), b(row.n + 1);
  vectorized<load<O, R>>(row, a.data());
  select_in_buckets(found, a.data(), b.data(), row.n, 0, wanted, m);
}

template <class O>
void select_long(const Workers& workers, const Row<O>& row, const RankedResult* wanted, int64_t m, int32_t* found) {
  using R = PairRecord<O>;
  const Split chunks = chunks_of(workers, row.n);
  const Summary summary = summarize_in_parallel(workers, row, chunks);
  if (!summary.unsorted) return put_all(found, wanted, m, [](int64_t rank) { return rank; });
  if (!summary.not_reversed) return put_all(found, wanted, m, [&](int64_t rank) { return row.n - 1 - rank; });

  const int high = highest_bit(summary.varying) + 1;
  const Digit digit{std::max(high - ParallelLimits::kBits, 0), std::min(high, ParallelLimits::kBits)};
  const int64_t buckets = int64_t(1) << digit.width;
  const BucketCounts counts(workers, row, chunks, buckets,
                            [digit](int64_t, typename Row<O>::Key key) { return digit.of(key); });
  std::vector<Hit> hits;
  int64_t total = 0;
  for_each_hit(
      buckets, [&](int64_t d) { return counts.total(d); }, wanted, m, 0,
      [&](const Hit& hit) {
        hits.push_back(hit);
        total += hit.size + 1;
      });
  // Each chunk has a dump of its own for the records that are not wanted.
  constexpr int64_t kDump = 16;
  Scratch<R> records(total + chunks.count * kDump);
  std::vector<int64_t> starts(hits.size());
  std::vector<uint8_t> steps(static_cast<size_t>(buckets), 0);
  for (int64_t h = 0, at = 0; h < int64_t(hits.size()); ++h) {
    const Hit& hit = hits[size_t(h)];
    starts[size_t(h)] = at;
    steps[size_t(hit.bucket)] = 1;
    at = counts.to_offsets(hit.bucket, uint32_t(at)) + 1;
  }
  for_each(workers, chunks.count, [&](int64_t p) {
    uint32_t* const offset = counts.of_chunk(p);
    for (int64_t d = 0; d < buckets; ++d) {
      if (!steps[size_t(d)]) offset[d] = uint32_t(total + p * kDump);
    }
    const uint8_t* const step = steps.data();
    R* const out = records.data();
    for (int64_t i = chunks.begin(p), end = chunks.begin(p + 1); i < end; ++i) {
      const auto key = row.key(i);
      const uint32_t d = digit.of(key);
      out[offset[d]] = R::make(key, uint32_t(i));
      offset[d] += step[d];
    }
  });
  for_each(workers, int64_t(hits.size()), [&](int64_t h) {
    const Hit& hit = hits[size_t(h)];
    Scratch<R> room(hit.size + 1);
    select_in_buckets(found, records.data() + starts[size_t(h)], room.data(), hit.size, hit.base, hit.wanted, hit.m);
  });
}

// The least or the greatest key of a chunk of a row.
template <class O, bool kMost>
SORTAX_INLINE typename Row<O>::Key extreme_key(const Row<O>& row, int64_t begin, int64_t end) {
  auto found = row.key(begin);
  for (int64_t i = begin + 1; i < end; ++i) {
    const auto key = row.key(i);
    found = kMost ? (key > found ? key : found) : (key < found ? key : found);
  }
  return found;
}

// The position of the first of the least elements, which has rank 0, or of the last of the greatest, of rank n - 1.
template <class O, bool kMost>
int64_t extreme(const Workers& workers, const Row<O>& row) {
  using Key = typename Row<O>::Key;
  constexpr int64_t kBlock = 1024;
  const Split chunks = chunks_of(workers, row.n);
  const Scratch<Key> scratch(chunks.count);
  Key* const keys = scratch.data();
  for_each(workers, chunks.count,
           [&](int64_t p) { keys[p] = vectorized<extreme_key<O, kMost>>(row, chunks.begin(p), chunks.begin(p + 1)); });
  int64_t best = 0;
  for (int64_t p = 1; p < chunks.count; ++p) {
    if (kMost ? keys[p] >= keys[best] : keys[p] < keys[best]) best = p;
  }
  // The search goes block by block, from the side whose element is wanted.
  const int64_t low = chunks.begin(best), high = chunks.begin(best + 1);
  for (int64_t b = 0;; ++b) {
    const int64_t begin = kMost ? std::max(low, high - (b + 1) * kBlock) : low + b * kBlock;
    const int64_t end = kMost ? high - b * kBlock : std::min(high, begin + kBlock);
    if (vectorized<extreme_key<O, kMost>>(row, begin, end) != keys[best]) continue;
    int64_t i = kMost ? end - 1 : begin;
    while (row.key(i) != keys[best]) i += kMost ? -1 : 1;
    return i;
  }
}

template <class O>
void select_row(const Workers& workers, const Row<O>& row, const RankedResult* wanted, int64_t m, int32_t* found) {
  if (row.n <= SelectLimits::kSmall) return select_short(row, wanted, m, found);
  const auto rank = [&](int64_t j) { return int64_t(wanted[j].key()); };
  int64_t begin = 0, end = m;
  while (begin < end && rank(begin) == 0) ++begin;
  while (begin < end && rank(end - 1) == row.n - 1) --end;
  if (begin > 0) {
    const int64_t first = extreme<O, false>(workers, row);
    put_all(found, wanted, begin, [&](int64_t) { return first; });
  }
  if (end < m) {
    const int64_t last = extreme<O, true>(workers, row);
    put_all(found, wanted + end, m - end, [&](int64_t) { return last; });
  }
  if (begin == end) return;
  wanted += begin;
  m = end - begin;
  if (row.n < ParallelLimits::kLong) return select_short(row, wanted, m, found);
  if (!select_in_bracket(workers, row, wanted, m, found)) select_long(workers, row, wanted, m, found);
}

}  // namespace sortax
