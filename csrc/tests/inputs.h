// Named inputs of every type, and the order of their values as NumPy has it.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "sort/keys.h"

namespace sortax::test {

// A float by its bits, with those of infinity, which tell its format.
template <class Unsigned, Unsigned Infinity>
struct FloatBits {
  Unsigned bits;
};
using Half = FloatBits<uint16_t, 0x7c00>;
using BFloat = FloatBits<uint16_t, 0x7f80>;
using Single = FloatBits<uint32_t, 0x7f800000u>;
using Double = FloatBits<uint64_t, 0x7ff0000000000000ull>;

// How the kernels order each type, and the unsigned integers as which they take its elements.
template <class T>
struct Ordered {
  using Bits = std::make_unsigned_t<T>;
  static constexpr Bits kSign = std::is_signed_v<T> ? kSignBit<Bits> : Bits(0);
  static auto order(bool descending) { return IntegerOrder<Bits>::make(std::is_signed_v<T>, descending); }
};
template <class Unsigned, Unsigned Infinity>
struct Ordered<FloatBits<Unsigned, Infinity>> {
  using Bits = Unsigned;
  static constexpr Bits kSign = kSignBit<Bits>;
  static auto order(bool descending) { return FloatOrder<Bits>::make(Infinity, descending); }
};

template <class T>
inline auto* bits_of(std::vector<T>& x) {
  return reinterpret_cast<typename Ordered<T>::Bits*>(x.data());
}
template <class T>
inline const auto* bits_of(const std::vector<T>& x) {
  return reinterpret_cast<const typename Ordered<T>::Bits*>(x.data());
}

// The value of an element, exactly: every type here fits a long double but the 64-bit integers' own order is theirs.
inline long double value_of(Half x) {
  const int exponent = x.bits >> 10 & 31, mantissa = x.bits & 1023;
  const long double sign = x.bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}
inline long double value_of(Single x) {
  float f;
  std::memcpy(&f, &x, sizeof f);
  return f;
}
inline long double value_of(BFloat x) { return value_of(Single{uint32_t(x.bits) << 16}); }
inline long double value_of(Double x) {
  double f;
  std::memcpy(&f, &x, sizeof f);
  return f;
}
template <class T>
inline T value_of(T x) {
  return x;
}

// NumPy's order: NaN after everything, -0 equal to +0.
template <class T>
inline bool less(T a, T b) {
  const auto x = value_of(a), y = value_of(b);
  if constexpr (std::is_floating_point_v<decltype(x)>) {
    if (std::isnan(x)) return false;
    if (std::isnan(y)) return true;
  }
  return x < y;
}

inline std::mt19937_64 generator(7);

// Named inputs, as bits of T.
template <class T>
inline std::vector<T> make(const std::string& name, int64_t n) {
  using Bits = typename Ordered<T>::Bits;
  std::vector<Bits> bits(static_cast<size_t>(n));
  const Bits sign = Ordered<T>::kSign;
  const Bits few[] = {0, sign, Bits(~Bits(0)), Bits(~sign), 1, Bits(sign | 1), Bits(~Bits(0) - 1)};
  for (int64_t i = 0; i < n; ++i) {
    Bits& b = bits[size_t(i)];
    if (name == "random bits") b = Bits(generator());
    if (name == "few values") b = few[generator() % 7];
    if (name == "constant") b = Bits(5);
    if (name == "small range") b = Bits(generator() % 200);
    if (name == "outlier") b = i == n / 2 ? Bits(sign ^ 3) : Bits(generator() % 60000);
    if (name == "sorted") b = Bits(std::min<int64_t>(i, 90));
    if (name == "reversed") b = Bits(n - i);
    if (name == "clusters") b = Bits((generator() % 3) << (sizeof(Bits) * 8 - 7) | generator() % 5);
  }
  std::vector<T> x(static_cast<size_t>(n));
  if (n > 0) std::memcpy(x.data(), bits.data(), bits.size() * sizeof(T));
  return x;
}

template <class T>
inline bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// The stable order of one row whose elements are `stride` apart.
template <class T>
inline std::vector<int32_t> stable_order(const T* x, int64_t n, int64_t stride, bool descending) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return descending ? less(x[b * stride], x[a * stride]) : less(x[a * stride], x[b * stride]);
  });
  return order;
}

inline const char* const kInputs[] = {"random bits", "few values", "constant", "small range",
                                      "outlier",     "sorted",     "reversed", "clusters"};

}  // namespace sortax::test
