// Where the elements of given ranks are, found among records that are already gathered.
//
// Contract: select_in_buckets finds elements of given ranks among n records by the leading digit of their keys, and again
// inside the buckets in which a rank falls, until a bucket is small or most of it is wanted. O(n) time for a few ranks, at
// most that of a sort. No allocation; 24 KiB of stack a level.

#pragma once

#include "sort/parallel_row.h"

namespace sortax {

struct SelectLimits {
  static constexpr int64_t kSmall = 64;  // elements that are sorted on the stack
  static constexpr int64_t kDense = 8;   // a bucket of fewer elements a wanted rank is sorted
};

// A rank and the index of its result, sorted by rank.
using RankedResult = Pair32;

// The position of the element of each rank.
template <class Index>
void put_all(int32_t* found, const RankedResult* wanted, int64_t m, Index&& index) {
  for (int64_t j = 0; j < m; ++j) found[wanted[j].index()] = int32_t(index(int64_t(wanted[j].key())));
}

// The buckets, by counts, in which ranks fall: for each its number, the rank of its first element, and its ranks.
struct Hit {
  int64_t bucket, base, size;
  const RankedResult* wanted;
  int64_t m;
};

template <class Counts, class Body>
void for_each_hit(int64_t buckets, const Counts& count, const RankedResult* wanted, int64_t m, int64_t base, Body&& body) {
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
template <class R>
void select_in_buckets(int32_t* found, R* a, R* b, int64_t n, int64_t base, const RankedResult* wanted, int64_t m) {
  if (n <= SelectLimits::kSmall || m * SelectLimits::kDense >= n) {
    const R* const sorted = sort_run(a, b, n);
    return put_all(found, wanted, m, [&](int64_t rank) { return int64_t(sorted[rank - base].index()); });
  }
  const uint64_t varying = varying_bits(a, n);
  if (varying == 0) return put_all(found, wanted, m, [&](int64_t rank) { return int64_t(a[rank - base].index()); });
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
    select_in_buckets(found, begin, a, hit.size, hit.base, hit.wanted, hit.m);
    begin[hit.size] = next;
  });
}

}  // namespace sortax
