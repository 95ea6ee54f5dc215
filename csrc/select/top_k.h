// The first k elements in the sorted order of one row.
//
// Contract: select_first writes the positions of the first k elements in the stable order of the keys. For small k the row
// is streamed past a threshold, the k-th key so far: blocks without a key below it are passed over by a vectorised scan, and
// the others fill a buffer that is cut back to k when full. For large k the ranks 0 to k - 1 are selected. O(n) time for
// small k, at most that of a sort. Scratch: five records a wanted element and thread.

#pragma once

#include "select/select.h"

namespace sortax {

struct TopLimits {
  static constexpr int64_t kShare = 128;  // elements a wanted one: with fewer, buckets are quicker than a threshold
  static constexpr int64_t kBlock = 128;
  static constexpr int64_t kRoom = 4;  // wanted elements the buffer holds, so that cutting it takes constant time each
};

// Candidates in the order of their positions.
template <class O>
class Best {
 public:
  using R = PairRecord<O>;
  using Key = typename R::Key;

  Best(int64_t k, R* records, Key* keys) : k_(k), room_(k * TopLimits::kRoom), records_(records), keys_(keys) {}

  static int64_t room(int64_t k) { return k * TopLimits::kRoom + TopLimits::kBlock; }

  void add(const Row<O>& row, int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block += TopLimits::kBlock) {
      const int64_t stop = std::min(end, block + TopLimits::kBlock);
      if (bounded_ && vectorized<extreme_key<O, false>>(row, block, stop) >= bound_) continue;
      for (int64_t i = block; i < stop; ++i) {
        const Key key = row.key(i);
        records_[size_] = R::make(key, uint32_t(i));
        // An element whose key is the bound comes after those that are kept, which stand before it in the row.
        size_ += !bounded_ || key < bound_;
      }
      if (size_ >= room_) cut();
    }
  }

  void add(const R* records, int64_t count) {
    std::copy_n(records, count, records_ + size_);
    size_ += count;
  }

  // Leaves the first k in the order, still by position.
  void cut() {
    if (size_ <= k_) return;
    for (int64_t i = 0; i < size_; ++i) keys_[i] = records_[i].key();
    std::nth_element(keys_, keys_ + (k_ - 1), keys_ + size_);
    bound_ = keys_[k_ - 1];
    bounded_ = true;
    int64_t ties = k_;
    for (int64_t i = 0; i < size_; ++i) ties -= records_[i].key() < bound_;
    int64_t kept = 0;
    for (int64_t i = 0; i < size_; ++i) {
      const Key key = records_[i].key();
      const bool keep = key < bound_ || (key == bound_ && ties-- > 0);
      records_[kept] = records_[i];
      kept += keep;
    }
    size_ = kept;
  }

  const R* records() const { return records_; }
  int64_t size() const { return size_; }

 private:
  int64_t k_, room_;
  R* records_;
  Key* keys_;
  int64_t size_ = 0;
  bool bounded_ = false;
  Key bound_ = 0;
};

template <class O>
void select_first_by_threshold(const Workers& workers, const Row<O>& row, int64_t k, int32_t* found) {
  using R = PairRecord<O>;
  using Key = typename R::Key;
  const int64_t room = Best<O>::room(k);
  const Split chunks = chunks_of(workers, row.n);
  Scratch<R> records(chunks.count * room);
  Scratch<Key> keys(chunks.count * room);
  std::vector<Best<O>> of_chunk;
  for (int64_t p = 0; p < chunks.count; ++p) of_chunk.emplace_back(k, records.data() + p * room, keys.data() + p * room);
  for_each(workers, chunks.count, [&](int64_t p) {
    Best<O> best = of_chunk[size_t(p)];
    best.add(row, chunks.begin(p), chunks.begin(p + 1));
    best.cut();
    of_chunk[size_t(p)] = best;
  });
  Scratch<R> merged(chunks.count * k + TopLimits::kBlock), sorted(k);
  Scratch<Key> merged_keys(chunks.count * k + TopLimits::kBlock);
  Best<O> all(k, merged.data(), merged_keys.data());
  for (const Best<O>& best : of_chunk) all.add(best.records(), best.size());
  all.cut();
  const R* const first = sort_run(merged.data(), sorted.data(), k);
  for (int64_t j = 0; j < k; ++j) found[j] = int32_t(first[j].index());
}

template <class O>
void select_first(const Workers& workers, const Row<O>& row, int64_t k, int32_t* found) {
  if (k * TopLimits::kShare <= row.n && row.n > SelectLimits::kSmall)
    return select_first_by_threshold(workers, row, k, found);
  Scratch<RankedResult> wanted(k);
  for (int64_t j = 0; j < k; ++j) wanted.data()[j] = RankedResult::make(uint32_t(j), uint32_t(j));
  select_row(workers, row, wanted.data(), k, found);
}

}  // namespace sortax
