// Elements of given ranks in the sorted order of one row, without sorting the row.
//
// Contract: select_row finds, for each of m ranks in [0, n) in any order, the element of that rank in the stable order:
// its value and its position, either of which may not be wanted. The leading digit of the keys is counted, only the
// buckets in which a rank falls are gathered, and these are refined by the next digit, until a bucket is small or most of it
// is wanted. O(n) time for a few ranks; at most about that of a sort. Scratch: a record a gathered element, twice.

#pragma once

#include <algorithm>
#include <vector>

#include "long_row.h"
#include "scratch.h"

namespace sortax {

struct SelectLimits {
  static constexpr int64_t kSmall = 64;  // elements that are sorted on the stack
  static constexpr int64_t kDense = 8;   // a bucket of fewer elements a wanted rank is sorted
};

// One row and what is wanted of it: results for ranks[j] go to place j.
template <class T>
struct Selection {
  using Key = typename Order<T>::Key;
  const T* in;
  int64_t n;
  Key flip;
  T* values;
  int32_t* indices;

  Row<T> row() const { return {in, n, nullptr, {}, flip}; }
  void put(int64_t j, int64_t index) const {
    if (values != nullptr) values[j] = in[index];
    if (indices != nullptr) indices[j] = int32_t(index);
  }
};

// A rank and the place of its result, sorted by rank.
using Wanted = Pair32;

template <class T, class Index>
void put_all(const Selection<T>& to, const Wanted* wanted, int64_t m, Index&& index) {
  for (int64_t j = 0; j < m; ++j) to.put(wanted[j].index(), index(int64_t(wanted[j].key())));
}

// The buckets, by counts, in which ranks fall: for each its number, the rank of its first element, and its ranks.
struct Hit {
  int64_t bucket, base, size;
  const Wanted* wanted;
  int64_t m;
};

template <class Counts, class Body>
void for_each_hit(int64_t buckets, const Counts& count, const Wanted* wanted, int64_t m, int64_t base, Body&& body) {
  int64_t j = 0;
  for (int64_t d = 0; d < buckets && j < m; ++d) {
    const int64_t size = count(d), begin = j;
    while (j < m && int64_t(wanted[j].key()) < base + size) ++j;
    if (j > begin) body(Hit{d, base, size, wanted + begin, j - begin});
    base += size;
  }
}

// Finds ranks among the n records of `a`, in the order of their positions, the first of which has rank `base`.
// `a` and `b` have room for n + 1.
template <class T, class R>
void refine(const Selection<T>& to, R* a, R* b, int64_t n, int64_t base, const Wanted* wanted, int64_t m) {
  if (n <= SelectLimits::kSmall || m * SelectLimits::kDense >= n) {
    const R* const sorted = sort_run(a, b, n);
    return put_all(to, wanted, m, [&](int64_t rank) { return int64_t(sorted[rank - base].index()); });
  }
  const uint64_t varying = varying_bits(a, n);
  if (varying == 0) return put_all(to, wanted, m, [&](int64_t rank) { return int64_t(a[rank - base].index()); });
  const int high = highest_bit(varying) + 1;
  const int width = std::min(high, n < RadixLimits::kNarrow ? RadixLimits::kNarrowBits : RadixLimits::kWideBits);
  const Digit digit{high - width, width};
  uint32_t counts[1 << RadixLimits::kWideBits];
  std::memset(counts, 0, sizeof(uint32_t) << width);
  for (int64_t i = 0; i < n; ++i) ++counts[digit.of(a[i].key())];
  // Records of other buckets overwrite each other at the end.
  struct Target {
    uint32_t at, step;
  };
  Target targets[1 << RadixLimits::kWideBits];
  std::fill_n(targets, int64_t(1) << width, Target{uint32_t(n), 0});
  uint32_t taken = 0;
  const auto count = [&](int64_t d) { return int64_t(counts[d]); };
  for_each_hit(int64_t(1) << width, count, wanted, m, base, [&](const Hit& hit) {
    targets[hit.bucket] = {taken, 1};
    taken += uint32_t(hit.size);
  });
  for (int64_t i = 0; i < n; ++i) {
    Target& target = targets[digit.of(a[i].key())];
    b[target.at] = a[i];
    target.at += target.step;
  }
  for_each_hit(int64_t(1) << width, count, wanted, m, base, [&](const Hit& hit) {
    R* const begin = b + (targets[hit.bucket].at - hit.size);
    // The next bucket's first record is this one's overflow, and is put back.
    const R next = begin[hit.size];
    refine(to, begin, a, hit.size, hit.base, hit.wanted, hit.m);
    begin[hit.size] = next;
  });
}

template <class T>
void select_short(const Selection<T>& to, const Wanted* wanted, int64_t m) {
  using R = PairRecord<T>;
  if (to.n <= SelectLimits::kSmall) {
    R a[SelectLimits::kSmall], b[SelectLimits::kSmall];
    load(to.row(), a);
    const R* const sorted = sort_run(a, b, to.n);
    return put_all(to, wanted, m, [&](int64_t rank) { return int64_t(sorted[rank].index()); });
  }
  Scratch<R> a(to.n + 1), b(to.n + 1);
  load(to.row(), a.data());
  refine(to, a.data(), b.data(), to.n, 0, wanted, m);
}

template <class T>
void select_long(const Workers& workers, const Selection<T>& to, const Wanted* wanted, int64_t m) {
  using R = PairRecord<T>;
  const Row<T> row = to.row();
  const Split chunks = chunks_of(workers, to.n);
  const Scan found = scan_in_parallel(workers, row, chunks);
  if (!found.unsorted) return put_all(to, wanted, m, [](int64_t rank) { return rank; });
  if (!found.not_reversed) return put_all(to, wanted, m, [&](int64_t rank) { return to.n - 1 - rank; });

  const int high = highest_bit(found.varying) + 1;
  const Digit digit{std::max(high - LongLimits::kBits, 0), std::min(high, LongLimits::kBits)};
  const int64_t buckets = int64_t(1) << digit.width;
  Scratch<uint32_t> counts(chunks.parts * buckets);
  count_buckets(
      workers, row, chunks, buckets, [digit](int64_t, typename Row<T>::Key key) { return digit.of(key); }, counts.data());
  const auto count = [&](int64_t d) {
    int64_t sum = 0;
    for (int64_t p = 0; p < chunks.parts; ++p) sum += counts.data()[p * buckets + d];
    return sum;
  };
  std::vector<Hit> hits;
  int64_t total = 0;
  for_each_hit(buckets, count, wanted, m, 0, [&](const Hit& hit) {
    hits.push_back(hit);
    total += hit.size + 1;
  });
  // Each chunk has a place of its own for the records that are not wanted.
  constexpr int64_t kApart = 16;
  Scratch<R> records(total + chunks.parts * kApart);
  std::vector<int64_t> starts(hits.size());
  std::vector<uint8_t> steps(static_cast<size_t>(buckets), 0);
  for (int64_t h = 0, at = 0; h < int64_t(hits.size()); ++h) {
    const Hit& hit = hits[size_t(h)];
    starts[size_t(h)] = at;
    steps[size_t(hit.bucket)] = 1;
    for (int64_t p = 0; p < chunks.parts; ++p) {
      uint32_t& c = counts.data()[p * buckets + hit.bucket];
      const uint32_t size = c;
      c = uint32_t(at);
      at += size;
    }
    at += 1;
  }
  for_each(workers, chunks.parts, [&](int64_t p) {
    uint32_t* const offset = counts.data() + p * buckets;
    for (int64_t d = 0; d < buckets; ++d) {
      if (!steps[size_t(d)]) offset[d] = uint32_t(total + p * kApart);
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
    refine(to, records.data() + starts[size_t(h)], room.data(), hit.size, hit.base, hit.wanted, hit.m);
  });
}

// The least or the greatest key of a piece of a row.
template <class T, bool kMost>
SORTAX_CLONES typename Row<T>::Key extreme_key(const Row<T>& row, int64_t begin, int64_t end) {
  auto found = row.key(begin);
  for (int64_t i = begin + 1; i < end; ++i) {
    const auto key = row.key(i);
    found = kMost ? (key > found ? key : found) : (key < found ? key : found);
  }
  return found;
}

// The first of the least, or the last of the greatest: ranks 0 and n - 1.
template <class T, bool kMost>
int64_t extreme(const Workers& workers, const Row<T>& row) {
  using Key = typename Row<T>::Key;
  constexpr int64_t kBlock = 1024;
  const Split chunks = chunks_of(workers, row.n);
  std::array<Key, 64> inline_keys;
  std::vector<Key> more(chunks.parts > 64 ? size_t(chunks.parts) : 0);
  Key* const keys = more.empty() ? inline_keys.data() : more.data();
  for_each(workers, chunks.parts,
           [&](int64_t p) { keys[p] = extreme_key<T, kMost>(row, chunks.begin(p), chunks.begin(p + 1)); });
  int64_t best = 0;
  for (int64_t p = 1; p < chunks.parts; ++p) {
    if (kMost ? keys[p] >= keys[best] : keys[p] < keys[best]) best = p;
  }
  // Block by block from the side where it is wanted.
  const int64_t low = chunks.begin(best), high = chunks.begin(best + 1);
  for (int64_t b = 0;; ++b) {
    const int64_t begin = kMost ? std::max(low, high - (b + 1) * kBlock) : low + b * kBlock;
    const int64_t end = kMost ? high - b * kBlock : std::min(high, begin + kBlock);
    if (extreme_key<T, kMost>(row, begin, end) != keys[best]) continue;
    int64_t i = kMost ? end - 1 : begin;
    while (row.key(i) != keys[best]) i += kMost ? -1 : 1;
    return i;
  }
}

// `wanted` is sorted by rank.
template <class T>
void select_row(const Workers& workers, const Selection<T>& to, const Wanted* wanted, int64_t m) {
  const auto is_extreme = [&](int64_t j) { return wanted[j].key() == 0 || int64_t(wanted[j].key()) == to.n - 1; };
  if (m <= 2 && to.n > SelectLimits::kSmall && is_extreme(0) && is_extreme(m - 1)) {
    return put_all(to, wanted, m, [&](int64_t rank) {
      return rank == 0 ? extreme<T, false>(workers, to.row()) : extreme<T, true>(workers, to.row());
    });
  }
  to.n < LongLimits::kLong ? select_short(to, wanted, m) : select_long(workers, to, wanted, m);
}

}  // namespace sortax
