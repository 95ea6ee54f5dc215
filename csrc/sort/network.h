// Many short rows at once: a sorting network, one row a vector lane.
//
// Contract: sorts rows of n <= kMany elements in groups of Lanes<R>::kWidth, whatever their stride. A network takes no
// branch that depends on the data; ties are resolved by position, which makes it stable. The comparisons run on
// vectors of 64 bytes: compiled for several instruction sets and chosen at load time where the compiler can do
// that. 32 KiB of stack; allocates a list of comparators on the first use of each n.

#pragma once

#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "core/isa.h"
#include "sort/row.h"

namespace sortax {

struct ShortLimits {
  static constexpr int64_t kMany = 256;  // a network of 3839 comparators for eight rows at once beats the radix sort
  static constexpr int64_t kFew = 64;    // with most lanes empty
  static constexpr int64_t kFewRows = 4;
};

using Comparators = std::vector<std::pair<uint8_t, uint8_t>>;

// Batcher's odd-even merge sort for n inputs: compare (i, j) with i < j, in order. Made on first use.
inline const Comparators& network(int64_t n) {
  static std::array<std::once_flag, ShortLimits::kMany + 1> once;
  static std::array<Comparators, ShortLimits::kMany + 1> networks;
  Comparators& made = networks[size_t(n)];
  std::call_once(once[size_t(n)], [&] {
    for (int64_t p = 1; p < n; p *= 2) {
      for (int64_t k = p; k >= 1; k /= 2) {
        for (int64_t j = k % p; j + k < n; j += 2 * k) {
          for (int64_t i = j; i < j + k && i + k < n; ++i) {
            if (i / (2 * p) == (i + k) / (2 * p)) made.emplace_back(uint8_t(i), uint8_t(i + k));
          }
        }
      }
    }
  });
  return made;
}

using Lanes32 = uint32_t __attribute__((vector_size(64)));
using Lanes64 = uint64_t __attribute__((vector_size(64)));

template <class V>
SORTAX_INLINE void exchange_all(V* x, const std::pair<uint8_t, uint8_t>* c, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const V a = x[c[i].first], b = x[c[i].second];
    const auto less = b < a;
    x[c[i].first] = less ? b : a;
    x[c[i].second] = less ? a : b;
  }
}

SORTAX_CLONES static void run_network(Lanes32* x, const std::pair<uint8_t, uint8_t>* c, size_t count) {
  exchange_all(x, c, count);
}
SORTAX_CLONES static void run_network(Lanes64* x, const std::pair<uint8_t, uint8_t>* c, size_t count) {
  exchange_all(x, c, count);
}

// 64-bit keys with their positions: two vectors that move together.
SORTAX_CLONES static void run_network(Lanes64* x, Lanes64* at, const std::pair<uint8_t, uint8_t>* c, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Lanes64 a = x[c[i].first], b = x[c[i].second];
    const Lanes64 p = at[c[i].first], q = at[c[i].second];
    const auto less = (b < a) | ((b == a) & (q < p));
    x[c[i].first] = less ? b : a;
    x[c[i].second] = less ? a : b;
    at[c[i].first] = less ? q : p;
    at[c[i].second] = less ? p : q;
  }
}

// A group of rows, transposed: element j of every row in one vector.
template <class R>
struct Lanes {
  static constexpr int64_t kWidth = sizeof(R) == 4 ? 16 : 8;
  using V = std::conditional_t<sizeof(R) == 4, Lanes32, Lanes64>;
  V x[ShortLimits::kMany];

  void put(int64_t j, int64_t lane, R r) {
    std::memcpy(reinterpret_cast<char*>(&x[j]) + lane * int64_t(sizeof(R)), &r, sizeof(R));
  }
  R get(int64_t j, int64_t lane) const {
    R r;
    std::memcpy(&r, reinterpret_cast<const char*>(&x[j]) + lane * int64_t(sizeof(R)), sizeof(R));
    return r;
  }
  void sort(const Comparators& c) { run_network(x, c.data(), c.size()); }
};

template <>
struct Lanes<Pair64> {
  static constexpr int64_t kWidth = 8;
  Lanes64 x[ShortLimits::kMany];
  Lanes64 at[ShortLimits::kMany];

  void put(int64_t j, int64_t lane, Pair64 r) { x[j][lane] = r.k, at[j][lane] = r.i; }
  Pair64 get(int64_t j, int64_t lane) const { return {x[j][lane], uint32_t(at[j][lane])}; }
  void sort(const Comparators& c) { run_network(x, at, c.data(), c.size()); }
};

}  // namespace sortax
