// Exponential kernel sums against a serial loop in long double, and the exponentials they are made of.

#include <cmath>
#include <complex>
#include <random>

#include "exponential/kernel_sum.h"
#include "tests/check.h"
#include "tests/layouts.h"

namespace sortax::test {

static std::mt19937 generator(29);

static double uniform() { return std::uniform_real_distribution<double>()(generator); }

using Wide = std::complex<long double>;

static Wide decay(const Term& term, long double d) {
  return std::isinf(d) ? Wide(0) : std::exp(-Wide(term.rate, term.turn) * Wide(d));
}

static void exponentials_are_exact() {
  double worst = 0;
  for (double z = 1e-300; z < 800; z = z < 1e-9 ? z * 10 : z * 1.003) {
    double real, imaginary;
    vectorized<decays<true>>(&z, 1, 1.0, 3.0, &real, &imaginary);
    const Wide exact = decay({1, 3, 0, 0}, z);
    if (z >= 707) {
      CHECK(real == 0 && imaginary == 0, "what underflows is zero");
      continue;
    }
    const double size = double(std::abs(exact));
    // The product of a distance and a turn is rounded.
    worst = std::max(worst, double(std::abs(Wide(real, imaginary) - exact)) / size / (1 + z));
  }
  CHECK(worst < 2e-15, "a decay is off by " + std::to_string(worst * 1e16) + "e-16");
  const double ends[] = {0, INFINITY};
  double real[2], imaginary[2];
  vectorized<decays<true>>(ends, 2, 0.7, 1.3, real, imaginary);
  CHECK(real[0] == 1 && imaginary[0] == 0 && real[1] == 0 && imaginary[1] == 0, "nothing is lost over no distance");
}

// In each row the sum that every element receives from both sides, one step after another.
template <class E>
static bool is_serial(const Case& c, const std::vector<Term>& terms, bool odd, const std::vector<E>& z,
                      const std::vector<E>& v, const std::vector<E>& out) {
  bool good = true;
  each_row(c, false, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    const size_t n = own.size();
    const auto gap = [&](size_t j) {
      return j == 0 || j == n ? std::numeric_limits<long double>::infinity() : (long double)z[structure[j]];
    };
    // For each element the sum that it receives, and how large that could be; then for each run of equal elements.
    std::vector<long double> sums(n), sizes(n);
    for (const bool back : {false, true}) {
      std::vector<Wide> given(terms.size());
      long double size = 0;
      for (size_t s = 0; s < n; ++s) {
        const size_t j = back ? n - 1 - s : s;
        const long double d = gap(back ? j + 1 : j);
        size *= std::exp(-0.5L * (std::isinf(d) ? 1e9L : d));
        for (size_t k = 0; k < terms.size(); ++k) {
          given[k] *= decay(terms[k], d);
          sums[j] += (back && odd ? -1 : 1) * std::real(Wide(terms[k].weight, terms[k].phase) * given[k]);
          given[k] += (long double)v[own[j]];
        }
        size += std::abs((long double)v[own[j]]);
        sizes[j] += size;
      }
    }
    long double at_zero = 0;
    for (const Term& term : terms) at_zero += term.weight;
    for (size_t j = 0, end; j < n; j = end) {
      end = j + 1;
      while (end < n && gap(end) == 0) ++end;
      long double after = 0;
      for (size_t m = j + 1; m < end; ++m) after += v[own[m]];
      const long double expected = sums[j] + at_zero * (odd ? after : (long double)v[own[j]]);
      for (size_t m = j; m < end; ++m) {
        const long double error = std::abs((long double)out[own[m]] - expected);
        good &= error <= std::numeric_limits<E>::epsilon() * std::abs(expected) + 1e-13L * sizes[m];
      }
    }
  });
  return good;
}

template <class E>
static void sums(const Workers& workers, const Case& c, const std::vector<Term>& terms, const std::string& what) {
  std::vector<E> z(static_cast<size_t>(structure_size(c))), v(static_cast<size_t>(product(c.sizes))), out(v);
  const double scale = std::pow(10, 4 * uniform() - 3);
  for (E& d : z) d = uniform() < 0.02 ? E(INFINITY) : uniform() < 0.1 ? E(0) : E(-std::log(uniform()) * scale);
  for (E& x : v) x = E(2 * uniform() - 1);
  // What stands before a row is not read.
  each_row(c, false, [&](const std::vector<size_t>&, const std::vector<size_t>& structure) { z[structure[0]] = E(NAN); });
  std::vector<double> numbers;
  for (const Term& term : terms) numbers.insert(numbers.end(), {term.rate, term.turn, term.weight, term.phase});
  const ExponentialSum kernel(numbers.data(), numbers.size());
  const Layout layout = layout_of(c);
  for (const bool odd : {false, true}) {
    kernel_sum<E>(workers, layout, kernel, odd, z.data(), v.data(), out.data());
    CHECK(is_serial<E>(c, terms, odd, z, v, out), (odd ? "odd sum of " : "even sum of ") + what);
  }
}

template <class E>
static void sums_everywhere(const Workers& workers, const std::string& type) {
  using L = KernelSumLimits;
  std::vector<Case> all = cases();
  for (int64_t n : {int64_t(2), L::kBlock, L::kBlock + 1, 2 * kLeastChunk - 1, 2 * kLeastChunk, 2 * kLeastChunk + 1,
                    int64_t(5000), int64_t(100000)}) {
    all.push_back({{n}, 0, {}});
  }
  for (const Case& c : std::vector<Case>{
           {{3, 5000}, 1, {}}, {{5000, 3}, 0, {1}}, {{2, 3000, 2}, 1, {0}}, {{9, 700}, 1, {}}, {{2, 1200, 7}, 1, {2}}}) {
    all.push_back(c);
  }
  const std::vector<std::vector<Term>> kernels = {
      {{1, 0, 1, 0}}, {{1, 0, 0.5, 0}, {2, 0, -0.3, 0}}, {{1, 0, 1, 0}, {1.5, 2.5, -0.4, 0.3}, {3, 0.2, 0.1, 0}}};
  for (const Case& c : all) {
    std::string what = type + ", axis " + std::to_string(c.axis) + " of";
    for (int64_t size : c.sizes) what += " " + std::to_string(size);
    for (const auto& terms : kernels) sums<E>(workers, c, terms, what + ", terms " + std::to_string(terms.size()));
  }
}

void test_kernel_sum() {
  Pool pool(2);
  exponentials_are_exact();
  sums_everywhere<float>(pool.workers(3), "float32");
  sums_everywhere<double>(Workers{}, "float64");
}

}  // namespace sortax::test
