// Named inputs of every type, and the order of their values as NumPy has it.

#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "sort/keys.h"

namespace sortax::test {

// The value of an element by its tag and bits, exactly: every type here fits a long double, but the 64-bit integers' order
// is their own.
template <class T>
inline T value_of(Integer<T>, typename Integer<T>::Bits bits) {
  return T(bits);
}
inline long double value_of(Float16, uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const long double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}
inline long double value_of(Float32, uint32_t bits) { return bits_as<float>(bits); }
inline long double value_of(BFloat16, uint16_t bits) { return bits_as<float>(uint32_t(bits) << 16); }
inline long double value_of(Float64, uint64_t bits) { return bits_as<double>(bits); }

// NumPy's order: NaN after everything, -0 equal to +0.
template <class D>
inline bool less(typename D::Bits a, typename D::Bits b) {
  const auto x = value_of(D{}, a), y = value_of(D{}, b);
  if constexpr (std::is_floating_point_v<decltype(x)>) {
    if (std::isnan(x)) return false;
    if (std::isnan(y)) return true;
  }
  return x < y;
}

template <class D>
constexpr bool has_sign() {
  if constexpr (D::kKind == kInteger) return D::kSigned;
  return true;
}

inline std::mt19937_64 generator(7);

// Named inputs, by their bits.
template <class D>
inline std::vector<typename D::Bits> make(const std::string& name, int64_t n) {
  using Bits = typename D::Bits;
  std::vector<Bits> bits(static_cast<size_t>(n));
  const Bits sign = has_sign<D>() ? kSignBit<Bits> : Bits(0);
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
  return bits;
}

template <class T>
inline bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// The stable order of one row whose elements are `stride` apart.
template <class D>
inline std::vector<int32_t> stable_order(const typename D::Bits* x, int64_t n, int64_t stride, bool descending) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return descending ? less<D>(x[b * stride], x[a * stride]) : less<D>(x[a * stride], x[b * stride]);
  });
  return order;
}

// Calls run with each type's tag and name. Threads are shared out alike for every type, and the thread sanitizer is slow.
template <class Run>
inline void for_each_type(Run&& run) {
  run(Integer<uint8_t>{}, "uint8");
  run(Float32{}, "float32");
  run(Float64{}, "float64");
#ifndef __SANITIZE_THREAD__
  run(Integer<int8_t>{}, "int8");
  run(Integer<uint16_t>{}, "uint16");
  run(Integer<int16_t>{}, "int16");
  run(Integer<uint32_t>{}, "uint32");
  run(Integer<int32_t>{}, "int32");
  run(Integer<uint64_t>{}, "uint64");
  run(Integer<int64_t>{}, "int64");
  run(Float16{}, "float16");
  run(BFloat16{}, "bfloat16");
#endif
}

inline const char* const kInputs[] = {"random bits", "few values", "constant", "small range",
                                      "outlier",     "sorted",     "reversed", "clusters"};

}  // namespace sortax::test
