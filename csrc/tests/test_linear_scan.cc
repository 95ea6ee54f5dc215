// Linear scans against a serial loop in long double.

#include <cmath>
#include <complex>
#include <random>

#include "linear/linear_scan.h"
#include "tests/check.h"
#include "tests/layouts.h"

namespace sortax::test {

static std::mt19937 generator(13);

static double normal() { return std::normal_distribution<double>()(generator); }
static bool chance(double p) { return std::uniform_real_distribution<double>()(generator) < p; }

template <class D>
static constexpr bool kIsComplex = !std::is_same_v<typename D::Wide, double>;

template <class D>
using Exact = std::conditional_t<kIsComplex<D>, std::complex<long double>, long double>;

template <class D>
static typename D::Element element(double real, double imaginary = 0) {
  if constexpr (kIsComplex<D>) {
    return D::round({real, imaginary});
  } else {
    return D::round(real);
  }
}

// Whether `out` is what the serial loop has, rounded once, and infinite or NaN where that is.
template <class D>
static bool is_serial(const Case& c, bool reverse, const std::vector<typename D::Element>& a,
                      const std::vector<typename D::Element>& b, const std::vector<typename D::Element>& out,
                      long double roundoff) {
  bool good = true;
  each_row(c, reverse, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    Exact<D> h = 0;
    long double magnitude = 0;
    for (size_t j = 0; j < own.size(); ++j) {
      const Exact<D> x = D::widen(b[own[j]]), y = D::widen(out[own[j]]);
      const Exact<D> factor = j == 0 ? Exact<D>(0) : Exact<D>(D::widen(a[structure[reverse ? j - 1 : j]]));
      h = factor == Exact<D>(0) ? x : factor * h + x;
      magnitude = factor == Exact<D>(0) ? std::abs(x) : std::abs(factor) * magnitude + std::abs(x);
      const bool is_close = std::abs(y - h) <= roundoff * std::abs(h) + 1e-14L * magnitude;
      if constexpr (kIsComplex<D>) {
        good &= std::isfinite(std::abs(h)) ? is_close : !std::isfinite(std::abs(y));
      } else {
        // What is finite may still be too large for the type.
        good &= std::isnan(h) ? std::isnan(y) : y == h || is_close || y == D::widen(D::round(double(h)));
      }
    }
  });
  return good;
}

// With `wild`, some numbers are not finite and products of coefficients leave the range of double.
template <class D>
static void scans(const Workers& workers, const Case& c, const std::string& what, long double roundoff, bool wild) {
  using E = typename D::Element;
  const Layout layout = layout_of(c);
  std::vector<E> a(static_cast<size_t>(structure_size(c))), b(static_cast<size_t>(product(c.sizes))), out(b);
  const double strange[] = {INFINITY, -INFINITY, NAN, 60000, 1e-5};
  for (E& x : a) {
    // Decays slow enough to be felt from chunk to chunk, and no growth.
    const double angle = normal(), size = chance(0.01) ? 0 : chance(0.1) ? 1 : 1 - 0.1 * std::abs(std::sin(normal()));
    x = kIsComplex<D> ? element<D>(0.999 * size * std::cos(angle), 0.999 * size * std::sin(angle))
                      : element<D>(std::copysign(size, angle));
    if (wild && chance(0.02)) x = element<D>(strange[generator() % 5]);
  }
  for (E& x : b) x = wild && chance(0.01) ? element<D>(strange[generator() % 3]) : element<D>(normal(), normal());
  // What stands before a row is not read.
  each_row(c, false,
           [&](const std::vector<size_t>&, const std::vector<size_t>& structure) { a[structure[0]] = element<D>(NAN); });
  linear_scan<D, false>(workers, layout, a.data(), b.data(), out.data());
  CHECK(is_serial<D>(c, false, a, b, out, roundoff), "scan of " + what);
  linear_scan<D, true>(workers, layout, a.data(), b.data(), out.data());
  CHECK(is_serial<D>(c, true, a, b, out, roundoff), "scan from the end of " + what);
}

template <class D>
static void scans_everywhere(const Workers& workers, const std::string& type, long double roundoff) {
  constexpr int64_t kLanes = LinearScan<D, false>::kLanes, two = 2 * kLeastChunk * kLanes;
  std::vector<Case> all = cases();
  for (int64_t n : {int64_t(2), kLanes, kLanes + 1, kLeastChunk - 1, kLeastChunk, kLeastChunk + 1, 2 * kLeastChunk - 1,
                    2 * kLeastChunk, 2 * kLeastChunk + 1, two - 1, two, two + 1, int64_t(100000)}) {
    all.push_back({{n}, 0, {}});
  }
  for (const Case& c : std::vector<Case>{{{3, two}, 1, {}},
                                         {{two, 3}, 0, {1}},
                                         {{2, two + 1, 2}, 1, {0}},
                                         {{2, 2, 2 * kLeastChunk}, 2, {1}},
                                         {{9, kLeastChunk}, 1, {}},
                                         {{2, 2 * kLeastChunk, 7}, 1, {2}}}) {
    all.push_back(c);
  }
  for (const Case& c : all) {
    std::string what = type + ", axis " + std::to_string(c.axis) + " of";
    for (int64_t size : c.sizes) what += " " + std::to_string(size);
    scans<D>(workers, c, what, roundoff, false);
    scans<D>(workers, c, what + " with what is not finite", roundoff, true);
  }
}

// A row that is worked on in chunks is what the serial loop makes of it, whatever the product of its coefficients.
static void chunks_are_serial(const Workers& workers) {
  using D = Float64;
  const Case c{{100000}, 0, {}};
  const auto last = [&](double a, double b, double first) {
    std::vector<double> coefficients(100000, a), offsets(100000, b), out(offsets);
    offsets[0] = first;
    linear_scan<D, false>(workers, layout_of(c), coefficients.data(), offsets.data(), out.data());
    return out.back();
  };
  CHECK(last(2, 0, 0) == 0, "nothing grows from nothing");
  CHECK(last(2, -1, 1) == 1, "an unstable fixed point");
  CHECK(std::isnan(last(0.5, 1, NAN)), "NaN outlasts a product that underflows");
  CHECK(last(0.5, 1, INFINITY) == INFINITY, "infinity outlasts a product that underflows");
  CHECK(last(0, 3, NAN) == 3, "zero cuts NaN");
}

void test_linear_scan() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  // Halves are rounded through float, and the smallest ones are spaced evenly: their bound is that of one in the last place.
  scans_everywhere<Float32>(workers, "float32", 0x1p-24L);
  scans_everywhere<Float64>(Workers{}, "float64", 0x1p-53L);
  chunks_are_serial(workers);
  // Threads are shared out alike for every type, and the thread sanitizer is slow.
#ifndef __SANITIZE_THREAD__
  scans_everywhere<Float64>(pool.workers(40), "float64, more workers than chunks", 0x1p-53L);
  scans_everywhere<Complex64>(workers, "complex64", 0x1p-23L);
  scans_everywhere<Complex128>(workers, "complex128", 0x1p-52L);
  scans_everywhere<BFloat16>(workers, "bfloat16", 0x1p-7L);
  scans_everywhere<Float16>(workers, "float16", 0x1p-10L);
#endif
}

}  // namespace sortax::test
