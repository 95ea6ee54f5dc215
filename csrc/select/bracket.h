// One rank, or a few that lie close together, found between two keys that a sample of the row suggests.
//
// Contract: select_in_bracket returns whether it found the ranks; if the sample misled it, or if it expects no gain, nothing
// has been written. One pass over the row counts the keys below the bracket and keeps the records inside, a few in a
// hundred. Scratch: room for a record an element, of which as much is touched as is kept.

#pragma once

#include "select/bucket_select.h"

namespace sortax {

struct BracketLimits {
  static constexpr int64_t kSample = 4096;  // whose sorting takes a few hundredths of the pass over 10^6 elements
  static constexpr int64_t kMargin = 128;   // of the sample on either side of a rank: four deviations at the median
  static constexpr int64_t kBlock = 512;
  static constexpr int64_t kClose = 64;  // a share of the row that ranks with one bracket are apart at most
};

// What a pass over a chunk of a row finds.
struct Inside {
  int64_t below = 0, kept = 0;
};

template <class O>
SORTAX_INLINE int64_t encode_block(const Row<O> row, int64_t begin, int64_t count, typename Row<O>::Key low,
                                   typename Row<O>::Key* keys) {
  int64_t below = 0;
  for (int64_t j = 0; j < count; ++j) {
    keys[j] = row.key(begin + j);
    below += keys[j] < low;
  }
  return below;
}

template <class O>
Inside keep_inside(const Row<O> row, int64_t begin, int64_t end, typename Row<O>::Key low, typename Row<O>::Key width,
                   PairRecord<O>* records) {
  using Key = typename Row<O>::Key;
  Inside found;
  Key keys[BracketLimits::kBlock];
  for (int64_t block = begin; block < end; block += BracketLimits::kBlock) {
    const int64_t count = std::min(end - block, BracketLimits::kBlock);
    found.below += vectorized<encode_block<O>>(row, block, count, low, keys);
    for (int64_t j = 0; j < count; ++j) {
      records[found.kept] = PairRecord<O>::make(keys[j], uint32_t(block + j));
      found.kept += Key(keys[j] - low) <= width;
    }
  }
  return found;
}

template <class O>
bool select_in_bracket(const Workers& workers, const Row<O>& row, const RankedResult* wanted, int64_t m, int32_t* found) {
  using R = PairRecord<O>;
  using Key = typename Row<O>::Key;
  using L = BracketLimits;
  const int64_t least = wanted[0].key(), most = wanted[m - 1].key();
  if (row.n < L::kSample * 16 || (most - least) * L::kClose > row.n) return false;

  Key sample[L::kSample];
  for (int64_t i = 0; i < L::kSample; ++i) {
    // Spread evenly, but not in step with a period of the data.
    const uint64_t jitter = uint64_t(i) * 0x9e3779b97f4a7c15u >> 40;
    const int64_t stride = row.n / L::kSample;
    sample[i] = row.key(i * stride + int64_t(jitter % uint64_t(stride)));
  }
  std::sort(sample, sample + L::kSample);
  const auto in_sample = [&](int64_t rank, int64_t margin) { return rank * L::kSample / row.n + margin; };
  const int64_t from = in_sample(least, -L::kMargin), until = in_sample(most, L::kMargin);
  const Key low = from < 0 ? Key(0) : sample[from];
  const Key high = until >= L::kSample ? Key(~Key(0)) : sample[until];
  if (low == high) return false;

  const Split chunks = chunks_of(workers, row.n);
  Scratch<R> records(row.n + 1);
  std::vector<Inside> inside(static_cast<size_t>(chunks.count));
  for_each(workers, chunks.count, [&](int64_t p) {
    inside[size_t(p)] =
        keep_inside(row, chunks.begin(p), chunks.begin(p + 1), low, Key(high - low), records.data() + chunks.begin(p));
  });
  Inside all;
  for (int64_t p = 0; p < chunks.count; ++p) {
    const R* const own = records.data() + chunks.begin(p);
    std::copy(own, own + inside[size_t(p)].kept, records.data() + all.kept);
    all.kept += inside[size_t(p)].kept;
    all.below += inside[size_t(p)].below;
  }
  if (least < all.below || most >= all.below + all.kept) return false;
  Scratch<R> room(all.kept + 1);
  select_in_buckets(found, records.data(), room.data(), all.kept, all.below, wanted, m);
  return true;
}

}  // namespace sortax
