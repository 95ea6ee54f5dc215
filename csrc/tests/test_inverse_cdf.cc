// The edges of levels against the sum of smoothed steps in long double.

#include <cmath>
#include <complex>
#include <random>

#include "exponential/inverse_cdf.h"
#include "tests/check.h"

namespace sortax::test {

static std::mt19937 generator(31);

static double uniform() { return std::uniform_real_distribution<double>()(generator); }

// F at distance `offset` above the element `anchor` of elements at x, of one component.
static long double cdf(const std::vector<long double>& x, int64_t anchor, long double offset,
                       const std::vector<Term>& terms) {
  long double sum = 0;
  for (long double y : x) {
    const long double d = (x[size_t(anchor)] - y) + offset;
    long double tail = 0;
    for (const Term& term : terms) {
      tail += std::real(std::complex<long double>(term.weight, term.phase) *
                        std::exp(-std::complex<long double>(term.rate, term.turn) * std::complex<long double>(std::abs(d))));
    }
    sum += d >= 0 ? 1 - tail : tail;
  }
  return sum;
}

template <class E>
static void inverts(const Workers& workers, int64_t n, double scale, const std::vector<Term>& terms,
                    const std::string& what) {
  std::vector<E> z(static_cast<size_t>(n));
  for (E& d : z) d = uniform() < 0.3 ? E(0) : uniform() < 2.0 / double(n) ? E(INFINITY) : E(-std::log(uniform()) * scale);
  std::vector<double> numbers;
  for (const Term& term : terms) numbers.insert(numbers.end(), {term.rate, term.turn, term.weight, term.phase});
  const ExponentialSum tail(numbers.data(), numbers.size());
  std::vector<int32_t> levels(static_cast<size_t>(n)), below(levels);
  std::vector<E> offset(z), low(z);
  for (int64_t i = 0; i < n; ++i) levels[size_t(i)] = int32_t(i);
  invert_row<E>(workers, {z.data(), levels.data(), below.data(), offset.data(), low.data(), 1, n, n}, tail);
  bool finds = true, alone = true;
  for (int64_t own = 0, end; own < n; own = end) {
    std::vector<long double> x = {0};
    for (end = own + 1; end < n && !std::isinf(z[size_t(end)]); ++end) x.push_back(x.back() + z[size_t(end)]);
    finds &= std::isinf(offset[size_t(own)]) && low[size_t(own)] == 0;
    for (int64_t i = own + 1; i < end; ++i) {
      const bool is_above = !(offset[size_t(i)] < 0);
      const int64_t anchor = below[size_t(i)] - (is_above ? 1 : 0) - own;
      const long double at = (long double)offset[size_t(i)] + low[size_t(i)];
      if (anchor < 0 || anchor >= end - own) {
        finds = false;
        continue;
      }
      // The edge may be off by the rounding of its position, or of F.
      const long double room = 1e-12L * double(end - own) + 1e-9L;
      const long double tiny = std::abs(at) * 1e-13L;
      finds &= cdf(x, anchor, at - tiny, terms) <= i - own + room && cdf(x, anchor, at + tiny, terms) >= i - own - room;
      // One edge by itself is the same.
      int32_t one = levels[size_t(i)], one_below;
      E one_offset, one_low;
      invert_row<E>(workers, {z.data(), &one, &one_below, &one_offset, &one_low, 1, n, 1}, tail);
      const bool one_above = !(one_offset < 0);
      const int64_t one_anchor = one_below - (one_above ? 1 : 0) - own;
      const long double one_at = (long double)one_offset + one_low;
      alone &= one_anchor >= 0 && one_anchor < end - own &&
               std::abs(cdf(x, one_anchor, one_at, terms) - cdf(x, anchor, at, terms)) <= room;
    }
  }
  CHECK(finds, "edges of " + what);
  CHECK(alone, "single edges of " + what);
}

template <class E>
static void inverts_everywhere(const Workers& workers, const std::string& type) {
  // Laplace's distribution, and the logistic one to 2e-8.
  const std::vector<std::vector<Term>> kernels = {
      {{1, 0, 0.5, 0}},
      {{1.0000143011767377, 0, 1.0001251945663447, 0},
       {1.9846321849057584, 0, -0.9190579234937977, 0},
       {2.7330899739157237, 0.5433398662638333, 0.42510533116238836, 0.10055475125556895},
       {3.3569424150110048, 1.9264049588998322, -0.0061726022349354315, 0.006563136525324624}}};
  for (const auto& terms : kernels) {
    for (int64_t n : {1, 2, 3, 17, 150}) {
      for (double scale : {1e-4, 0.1, 3.0, 100.0}) {
        inverts<E>(workers, n, scale, terms,
                   type + ", " + std::to_string(n) + " about " + std::to_string(scale) + " apart, terms " +
                       std::to_string(terms.size()));
      }
    }
  }
}

void test_inverse_cdf() {
  Pool pool(2);
  inverts_everywhere<float>(pool.workers(3), "float32");
  inverts_everywhere<double>(Workers{}, "float64");
}

}  // namespace sortax::test
