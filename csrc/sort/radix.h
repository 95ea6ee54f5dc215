// Serial radix sort of a run of records, the building block of every longer sort.
//
// Contract: sort_run(a, b, n) sorts the n records of `a` stably by key, with `b` as room for as many, and returns
// whichever of the two holds the result. Time O(n) per eleven varying key bits, at most; bits that all keys share
// cost nothing, and low bits cost one pass if the high ones nearly tell the order. No allocation; 32 KiB of stack at
// one level, and a level handles at least eight bits.

#pragma once

#include <cstdint>
#include <cstring>

#include "core/isa.h"

namespace sortax {

// Records: a key, alone or with the position it came from. A pair of 32-bit key and position is one integer.
template <class K>
struct KeyOnly {
  using Key = K;
  K k;
  static KeyOnly make(Key key, uint32_t) { return {key}; }
  Key key() const { return k; }
};
struct Pair32 {
  using Key = uint32_t;
  uint64_t ki;
  static Pair32 make(Key key, uint32_t index) { return {uint64_t(key) << 32 | index}; }
  Key key() const { return Key(ki >> 32); }
  uint32_t index() const { return uint32_t(ki); }
};
struct Pair64 {
  using Key = uint64_t;
  uint64_t k;
  uint32_t i;
  static Pair64 make(Key key, uint32_t index) { return {key, index}; }
  Key key() const { return k; }
  uint32_t index() const { return i; }
};

struct RadixLimits {
  static constexpr int64_t kInsertion = 24;  // below: insertion sort beats clearing the counters
  static constexpr int64_t kNarrow = 1500;   // below: 256 counters cost less than 2048
  static constexpr int kNarrowBits = 8;
  static constexpr int kWideBits = 11;   // 2048 write streams fit the second-level TLB
  static constexpr int kPasses = 4;      // more digits than this: split by the leading one first
  static constexpr int kSpareBits = 10;  // leading bits beyond log2(n) that leave very few records out of place
  static constexpr int64_t kMoves = 4;   // moves a record after which an insertion sort gives up
};

// The bits [low, low + width) of a key.
struct Digit {
  int low;
  int width;
  template <class Key>
  SORTAX_INLINE uint32_t of(Key key) const {
    return uint32_t(key >> low) & ((1u << width) - 1);
  }
};

inline int highest_bit(uint64_t x) { return 63 - __builtin_clzll(x); }
inline int lowest_bit(uint64_t x) { return __builtin_ctzll(x); }

// Sorts stably with at most `moves` moves; returns false, with equal keys still in order, if that does not suffice.
template <class R>
bool insertion_sort(R* a, int64_t n, int64_t moves) {
  for (int64_t i = 1; i < n; ++i) {
    const R r = a[i];
    int64_t j = i;
    for (; j > 0 && r.key() < a[j - 1].key(); --j) a[j] = a[j - 1];
    a[j] = r;
    moves -= i - j;
    if (moves < 0) return false;
  }
  return true;
}

template <class R>
uint64_t varying_bits(const R* a, int64_t n) {
  typename R::Key varying = 0;
  const typename R::Key first = a[0].key();
  for (int64_t i = 1; i < n; ++i) varying |= a[i].key() ^ first;
  return varying;
}

// Counts to starting offsets, in place.
inline void exclusive_sum(uint32_t* counts, int64_t n) {
  uint32_t sum = 0;
  for (int64_t d = 0; d < n; ++d) {
    const uint32_t c = counts[d];
    counts[d] = sum;
    sum += c;
  }
}

// Least significant digit first; `digits` digits from bit `low`, each `width` wide.
template <class R>
R* sort_by_digits(R* a, R* b, int64_t n, int low, int width, int digits) {
  uint32_t counts[RadixLimits::kPasses][1 << RadixLimits::kWideBits];
  for (int d = 0; d < digits; ++d) std::memset(counts[d], 0, sizeof(uint32_t) << width);
  for (int64_t i = 0; i < n; ++i) {
    const auto key = a[i].key();
    for (int d = 0; d < digits; ++d) ++counts[d][Digit{low + d * width, width}.of(key)];
  }
  for (int d = 0; d < digits; ++d) {
    const Digit digit{low + d * width, width};
    uint32_t* const offset = counts[d];
    if (offset[digit.of(a[0].key())] == n) continue;
    exclusive_sum(offset, int64_t(1) << width);
    for (int64_t i = 0; i < n; ++i) {
      const R r = a[i];
      b[offset[digit.of(r.key())]++] = r;
    }
    R* const t = a;
    a = b;
    b = t;
  }
  return a;
}

template <class R>
R* sort_run(R* a, R* b, int64_t n);

// Most significant digit first: scatter into buckets, sort each, and leave all in `b`.
template <class R>
R* sort_by_buckets(R* a, R* b, int64_t n, Digit digit) {
  const int64_t buckets = int64_t(1) << digit.width;
  uint32_t offset[1 << RadixLimits::kWideBits];
  std::memset(offset, 0, sizeof(uint32_t) * static_cast<size_t>(buckets));
  for (int64_t i = 0; i < n; ++i) ++offset[digit.of(a[i].key())];
  exclusive_sum(offset, buckets);
  for (int64_t i = 0; i < n; ++i) {
    const R r = a[i];
    b[offset[digit.of(r.key())]++] = r;
  }
  for (int64_t d = 0, begin = 0; d < buckets; ++d) {
    const int64_t end = offset[d], size = end - begin;
    if (size > 1) {
      const R* const sorted = sort_run(b + begin, a + begin, size);
      if (sorted != b + begin) std::memcpy(b + begin, sorted, static_cast<size_t>(size) * sizeof(R));
    }
    begin = end;
  }
  return b;
}

template <class R>
R* sort_run(R* a, R* b, int64_t n) {
  using L = RadixLimits;
  if (n <= L::kInsertion) {
    insertion_sort(a, n, n * n);
    return a;
  }
  const uint64_t varying = varying_bits(a, n);
  if (varying == 0) return a;
  const int low = lowest_bit(varying), bits = highest_bit(varying) - low + 1;
  const int widest = n < L::kNarrow ? L::kNarrowBits : L::kWideBits;
  const int digits = (bits + widest - 1) / widest;
  // Once the leading bits tell nearly all records apart, the rest is an insertion sort over short distances.
  const int leading = (highest_bit(uint64_t(n)) + L::kSpareBits + widest) / widest;
  if (leading < digits) {
    R* const sorted = sort_by_digits(a, b, n, low + bits - leading * widest, widest, leading);
    if (insertion_sort(sorted, n, n * L::kMoves)) return sorted;
    // Equal keys have kept their order, so that a stable sort may start from here.
    b = sorted == a ? b : a;
    a = sorted;
  }
  if (digits <= L::kPasses) return sort_by_digits(a, b, n, low, (bits + digits - 1) / digits, digits);
  return sort_by_buckets(a, b, n, Digit{low + bits - widest, widest});
}

}  // namespace sortax
