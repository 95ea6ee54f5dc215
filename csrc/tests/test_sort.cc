// Sorting, of every type, length, layout and order, against std::stable_sort on values compared as NumPy does.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "../rows.h"
#include "check.h"

namespace sortax::test {

// The value of an element, exactly: every type here fits a long double but the 64-bit integers' own order is theirs.
static long double value_of(Half x) {
  const int exponent = x.bits >> 10 & 31, mantissa = x.bits & 1023;
  const long double sign = x.bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}
static long double value_of(Single x) {
  float f;
  std::memcpy(&f, &x, sizeof f);
  return f;
}
static long double value_of(BFloat x) { return value_of(Single{uint32_t(x.bits) << 16}); }
static long double value_of(Double x) {
  double f;
  std::memcpy(&f, &x, sizeof f);
  return f;
}
template <class T>
static T value_of(T x) {
  return x;
}

// NumPy's order: NaN after everything, -0 equal to +0.
template <class T>
static bool less(T a, T b) {
  const auto x = value_of(a), y = value_of(b);
  if constexpr (std::is_floating_point_v<decltype(x)>) {
    if (std::isnan(x)) return false;
    if (std::isnan(y)) return true;
  }
  return x < y;
}

static std::mt19937_64 generator(7);

// Named inputs, as bits of T.
template <class T>
static std::vector<T> make(const std::string& name, int64_t n) {
  using Bits = typename Order<T>::Key;
  std::vector<Bits> bits(static_cast<size_t>(n));
  const Bits sign = Order<T>::kSign;
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
static bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
static void sorts_as_stable_sort(const std::string& type, const Workers& workers, const std::string& input, int64_t outer,
                                 int64_t n, int64_t inner, bool descending) {
  const std::vector<T> x = make<T>(input, outer * n * inner);
  std::vector<T> expected(x.size());
  std::vector<int32_t> expected_indices(x.size()), expected_inverse(x.size());
  std::vector<int32_t> order(static_cast<size_t>(n));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [&](int64_t j) { return size_t((o * n + j) * inner + i); };
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return descending ? less(x[at(b)], x[at(a)]) : less(x[at(a)], x[at(b)]);
      });
      for (int64_t j = 0; j < n; ++j) {
        const int32_t from = order[size_t(j)];
        expected[at(j)] = x[at(from)];
        expected_indices[at(j)] = from;
        expected_inverse[at(from)] = int32_t(j);
      }
    }
  }
  for (int wanted = 1; wanted < 8; ++wanted) {
    std::vector<T> values(x.size());
    std::vector<int32_t> indices(x.size()), inverse(x.size());
    using Key = typename Order<T>::Key;
    sort_rows(workers,
              Rows<T>{x.data(), outer, n, inner, wanted & 1 ? values.data() : nullptr, wanted & 2 ? indices.data() : nullptr,
                      wanted & 4 ? inverse.data() : nullptr, descending ? Key(~Key(0)) : Key(0)});
    const std::string what = type + ", " + input + ", (" + std::to_string(outer) + ", " + std::to_string(n) + ", " +
                             std::to_string(inner) + (descending ? "), descending" : "), ascending") + ", outputs " +
                             std::to_string(wanted);
    if (wanted & 1) CHECK(same(values, expected), "values of " + what);
    if (wanted & 2) CHECK(same(indices, expected_indices), "indices of " + what);
    if (wanted & 4) CHECK(same(inverse, expected_inverse), "inverse of " + what);
  }
}

template <class T>
static void sorts_everything(const std::string& type, const Workers& workers) {
  const int64_t shapes[][3] = {{1, 0, 1},     {1, 1, 1},     {1, 2, 1},   {1, 3, 1},     {1, 33, 1},
                               {1, 64, 1},    {1, 65, 1},    {1, 100, 1}, {1, 700, 1},   {1, 5000, 1},
                               {1, 70000, 1}, {19, 16, 1},   {9, 200, 1}, {5, 300, 1},   {2, 7, 11},
                               {3, 300, 21},  {1, 40000, 3}, {0, 5, 1},   {12, 33000, 1}};
  for (const char* input :
       {"random bits", "few values", "constant", "small range", "outlier", "sorted", "reversed", "clusters"}) {
    for (const auto& shape : shapes) {
      const bool large = shape[0] * shape[1] * shape[2] > 100000;
      if (large && std::string(input) != "random bits") continue;
      for (bool descending : {false, true}) {
        sorts_as_stable_sort<T>(type, workers, input, shape[0], shape[1], shape[2], descending);
      }
    }
  }
}

static void many_callers_at_once() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  std::vector<std::thread> callers;
  std::vector<int> good(8, 0);
  for (size_t c = 0; c < good.size(); ++c) {
    const std::vector<Single> x = make<Single>("random bits", 60000);
    callers.emplace_back([&workers, &good, c, x] {
      std::vector<Single> values(x.size());
      for (int repeat = 0; repeat < 5; ++repeat) {
        sort_rows(workers, Rows<Single>{x.data(), 1, int64_t(x.size()), 1, values.data(), nullptr, nullptr, 0});
      }
      good[c] = std::is_sorted(values.begin(), values.end(), less<Single>);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(std::accumulate(good.begin(), good.end(), 0) == 8, "eight callers share two threads");
}

void test_sort() {
  Pool pool(2);
  Stalled stalled;
  const Workers workers = pool.workers(3);
  sorts_everything<uint8_t>("uint8", workers);
  sorts_everything<Single>("float32", workers);
  sorts_everything<Double>("float64", workers);
  // Threads are shared out alike for every type, and the thread sanitizer is slow.
#ifndef __SANITIZE_THREAD__
  sorts_everything<int8_t>("int8", workers);
  sorts_everything<uint16_t>("uint16", workers);
  sorts_everything<int16_t>("int16", workers);
  sorts_everything<uint32_t>("uint32", workers);
  sorts_everything<int32_t>("int32", workers);
  sorts_everything<uint64_t>("uint64", workers);
  sorts_everything<int64_t>("int64", workers);
  sorts_everything<Half>("float16", workers);
  sorts_everything<BFloat>("bfloat16", workers);
#endif
  sorts_as_stable_sort<Single>("float32, stalled pool", stalled.workers(4), "random bits", 1, 100000, 1, false);
  many_callers_at_once();
}

}  // namespace sortax::test
