// Many short rows at once: a sorting network, one row a vector lane.
//
// Contract: sorts rows of n <= kMany elements in groups of RowLanes<R>::kWidth, whatever their stride. A network takes no
// branch that depends on the data; ties are resolved by position, which makes it stable. The comparisons run on
// vectors of 64 bytes, or as many shorter ones. 32 KiB of stack; allocates a list of comparators on the first use of each n.

#pragma once

#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "core/isa.h"
#include "sort/row.h"

namespace sortax {

struct NetworkLimits {
  static constexpr int64_t kMany = 256;  // a network of 3839 comparators for eight rows at once beats the radix sort
  static constexpr int64_t kFew = 64;    // with most lanes empty
  static constexpr int64_t kFewRows = 4;
};

using Comparators = std::vector<std::pair<uint8_t, uint8_t>>;

// Batcher's odd-even merge sort for n inputs: compare (i, j) with i < j, in order. Made on first use.
inline const Comparators& network(int64_t n) {
  static std::array<std::once_flag, NetworkLimits::kMany + 1> once;
  static std::array<Comparators, NetworkLimits::kMany + 1> networks;
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

using Vector32 = uint32_t __attribute__((vector_size(64)));
using Vector64 = uint64_t __attribute__((vector_size(64)));
using Comparator = Comparators::value_type;

template <class V>
SORTAX_INLINE void run_network(V* x, const Comparator* c, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const V a = x[c[i].first], b = x[c[i].second];
    const auto less = b < a;
    x[c[i].first] = less ? b : a;
    x[c[i].second] = less ? a : b;
  }
}

// 64-bit keys with their positions: two vectors that move together.
SORTAX_INLINE void run_pair_network(Vector64* x, Vector64* p, const Comparator* c, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Vector64 a = x[c[i].first], b = x[c[i].second];
    const Vector64 i_a = p[c[i].first], i_b = p[c[i].second];
    const auto less = (b < a) | ((b == a) & (i_b < i_a));
    x[c[i].first] = less ? b : a;
    x[c[i].second] = less ? a : b;
    p[c[i].first] = less ? i_b : i_a;
    p[c[i].second] = less ? i_a : i_b;
  }
}

// A group of rows, transposed: element j of every row in one vector.
template <class R>
struct RowLanes {
  using V = std::conditional_t<sizeof(R) == 4, Vector32, Vector64>;
  static constexpr int64_t kWidth = sizeof(V) / sizeof(R);
  V x[NetworkLimits::kMany];

  void put(int64_t j, int64_t lane, R r) {
    std::memcpy(reinterpret_cast<char*>(&x[j]) + lane * int64_t(sizeof(R)), &r, sizeof(R));
  }
  R get(int64_t j, int64_t lane) const {
    R r;
    std::memcpy(&r, reinterpret_cast<const char*>(&x[j]) + lane * int64_t(sizeof(R)), sizeof(R));
    return r;
  }
  void sort(const Comparators& c) { vectorized<run_network<V>>(x, c.data(), c.size()); }
};

template <>
struct RowLanes<Pair64> {
  static constexpr int64_t kWidth = 8;
  Vector64 x[NetworkLimits::kMany];
  Vector64 position[NetworkLimits::kMany];

  void put(int64_t j, int64_t lane, Pair64 r) { x[j][lane] = r.k, position[j][lane] = r.i; }
  Pair64 get(int64_t j, int64_t lane) const { return {x[j][lane], uint32_t(position[j][lane])}; }
  void sort(const Comparators& c) { vectorized<run_pair_network>(x, position, c.data(), c.size()); }
};

}  // namespace sortax
