// Recurrences against a serial loop and isotonic regressions against merging one pair at a time, in long double.

#include <cmath>
#include <complex>
#include <memory>
#include <random>

#include "core/dtypes.h"
#include "linear/isotonic.h"
#include "linear/linear_scan.h"
#include "tests/check.h"
#include "tests/layouts.h"

namespace sortax::test {

static std::mt19937 generator(13);

static double normal() { return std::normal_distribution<double>()(generator); }
static bool chance(double p) { return std::uniform_real_distribution<double>()(generator) < p; }

template <class F>
static constexpr bool kIsComplex = !std::is_same_v<typename F::Wide, double>;

template <class F>
using Exact = std::conditional_t<kIsComplex<F>, std::complex<long double>, long double>;

template <class F>
static typename F::Element element(double real, double imaginary = 0) {
  if constexpr (kIsComplex<F>) {
    return F::round({real, imaginary});
  } else {
    return F::round(real);
  }
}

// Whether `out` is what the serial loop has, rounded once, and infinite or NaN where that is.
template <class F>
static bool is_serial(const Case& c, bool reverse, const std::vector<typename F::Element>& a,
                      const std::vector<typename F::Element>& b, const std::vector<typename F::Element>& out,
                      long double roundoff) {
  bool good = true;
  each_row(c, reverse, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    Exact<F> h = 0;
    long double magnitude = 0;
    for (size_t j = 0; j < own.size(); ++j) {
      const Exact<F> x = F::widen(b[own[j]]), y = F::widen(out[own[j]]);
      const Exact<F> factor = j == 0 ? Exact<F>(0) : Exact<F>(F::widen(a[structure[reverse ? j - 1 : j]]));
      h = factor == Exact<F>(0) ? x : factor * h + x;
      magnitude = factor == Exact<F>(0) ? std::abs(x) : std::abs(factor) * magnitude + std::abs(x);
      const bool is_close = std::abs(y - h) <= roundoff * std::abs(h) + 1e-14L * magnitude;
      if constexpr (kIsComplex<F>) {
        good &= std::isfinite(std::abs(h)) ? is_close : !std::isfinite(std::abs(y));
      } else {
        // What is finite may still be too large for the type.
        good &= std::isnan(h) ? std::isnan(y) : y == h || is_close || y == F::widen(F::round(double(h)));
      }
    }
  });
  return good;
}

// With `wild`, some numbers are not finite and products of coefficients leave the range of double.
template <class F>
static void recurs(const Workers& workers, const Case& c, const std::string& what, long double roundoff, bool wild) {
  using E = typename F::Element;
  const Layout layout = layout_of(c);
  std::vector<E> a(static_cast<size_t>(structure_size(c))), b(static_cast<size_t>(product(c.sizes))), out(b);
  const double strange[] = {INFINITY, -INFINITY, NAN, 60000, 1e-5};
  for (E& x : a) {
    // Decays slow enough to be felt from piece to piece, and no growth.
    const double angle = normal(), size = chance(0.01) ? 0 : chance(0.1) ? 1 : 1 - 0.1 * std::abs(std::sin(normal()));
    x = kIsComplex<F> ? element<F>(0.999 * size * std::cos(angle), 0.999 * size * std::sin(angle))
                      : element<F>(std::copysign(size, angle));
    if (wild && chance(0.02)) x = element<F>(strange[generator() % 5]);
  }
  for (E& x : b) x = wild && chance(0.01) ? element<F>(strange[generator() % 3]) : element<F>(normal(), normal());
  // What stands before a row is not read.
  each_row(c, false,
           [&](const std::vector<size_t>&, const std::vector<size_t>& structure) { a[structure[0]] = element<F>(NAN); });
  recur_rows<F, false>(workers, layout, a.data(), b.data(), out.data());
  CHECK(is_serial<F>(c, false, a, b, out, roundoff), "recurrence of " + what);
  recur_rows<F, true>(workers, layout, a.data(), b.data(), out.data());
  CHECK(is_serial<F>(c, true, a, b, out, roundoff), "recurrence from the end of " + what);
}

template <class F>
static void recurs_everywhere(const Workers& workers, const std::string& type, long double roundoff) {
  using L = RecurrenceLimits;
  const int64_t two = 2 * L::kPiece * L::kLanes;
  std::vector<Case> all = cases();
  for (int64_t n : {int64_t(2), L::kLanes, L::kLanes + 1, L::kPiece - 1, L::kPiece, L::kPiece + 1, 2 * L::kPiece - 1,
                    2 * L::kPiece, 2 * L::kPiece + 1, two - 1, two, two + 1, int64_t(100000)}) {
    all.push_back({{n}, 0, {}});
  }
  for (const Case& c : std::vector<Case>{{{3, two}, 1, {}},
                                         {{two, 3}, 0, {1}},
                                         {{2, two + 1, 2}, 1, {0}},
                                         {{2, 2, 2 * L::kPiece}, 2, {1}},
                                         {{9, L::kPiece}, 1, {}},
                                         {{2, 2 * L::kPiece, 7}, 1, {2}}}) {
    all.push_back(c);
  }
  for (const Case& c : all) {
    std::string what = type + ", axis " + std::to_string(c.axis) + " of";
    for (int64_t size : c.sizes) what += " " + std::to_string(size);
    recurs<F>(workers, c, what, roundoff, false);
    recurs<F>(workers, c, what + " with what is not finite", roundoff, true);
  }
}

// A row that is worked on in pieces is what the serial loop makes of it, whatever the product of its coefficients.
static void pieces_are_serial(const Workers& workers) {
  using F = Plain<double, double>;
  const Case c{{100000}, 0, {}};
  const auto last = [&](double a, double b, double first) {
    std::vector<double> coefficients(100000, a), offsets(100000, b), out(offsets);
    offsets[0] = first;
    recur_rows<F, false>(workers, layout_of(c), coefficients.data(), offsets.data(), out.data());
    return out.back();
  };
  CHECK(last(2, 0, 0) == 0, "nothing grows from nothing");
  CHECK(last(2, -1, 1) == 1, "an unstable fixed point");
  CHECK(std::isnan(last(0.5, 1, NAN)), "NaN outlasts a product that underflows");
  CHECK(last(0.5, 1, INFINITY) == INFINITY, "infinity outlasts a product that underflows");
  CHECK(last(0, 3, NAN) == 3, "zero cuts NaN");
}

// A run of elements, and what it is worth; differences are formed apart in s and in w, as huge numbers leave no room.
struct Run {
  size_t begin, end;
};

static long double mean(const std::vector<long double>& x, Run run) {
  return std::accumulate(x.begin() + int64_t(run.begin), x.begin() + int64_t(run.end), 0.0L) / (run.end - run.begin);
}

static long double mean_rise(const std::vector<long double>& x, Run from, Run to) { return mean(x, to) - mean(x, from); }

static long double log_sum_rise(const std::vector<long double>& x, Run from, Run to) {
  const auto largest = [&](Run run) {
    return *std::max_element(x.begin() + int64_t(run.begin), x.begin() + int64_t(run.end));
  };
  const auto sum = [&](Run run) {
    long double total = 0;
    for (size_t i = run.begin; i < run.end; ++i) total += std::exp(x[i] - largest(run));
    return total;
  };
  return largest(to) - largest(from) + std::log(sum(to) / sum(from));
}

// Where the blocks start, by merging the first pair that does not rise until all do.
template <class Rise>
static std::vector<bool> merged(const std::vector<bool>& border, const std::vector<long double>& s,
                                const std::vector<long double>& w, Rise rise) {
  std::vector<Run> runs;
  for (size_t i = 0; i < s.size(); ++i) runs.push_back({i, i + 1});
  for (size_t r = 1; r < runs.size();) {
    const Run a = runs[r - 1], b = runs[r];
    if (border[b.begin] || rise(s, a, b) > rise(w, a, b)) {
      ++r;
      continue;
    }
    runs[r - 1].end = b.end;
    runs.erase(runs.begin() + int64_t(r));
    r = 1;
  }
  std::vector<bool> starts(s.size());
  for (const Run& run : runs) starts[run.begin] = true;
  return starts;
}

// s and w of one element of a named input; `huge` is a power of two, of which every sum is exact.
static std::pair<double, double> pair_of(const std::string& name, int64_t i, double huge) {
  const double x = normal(), y = normal();
  if (name == "sorted") return {double(i), 0.0};
  if (name == "reversed") return {double(-i), 0.0};
  if (name == "constant") return {3.0, 1.0};
  if (name == "equal") return {x, x};
  // All means of up to sixteen of these are whole numbers.
  if (name == "ties") return {720720.0 * double(generator() % 3), 720720.0 * double(generator() % 3)};
  if (name == "huge") return {std::copysign(huge, x) / double(1 << generator() % 4), y};
  if (name == "huge and level") return {huge, y};
  return {x, y};
}

static size_t row_of(const Case& c, size_t flat) {
  const size_t inner = size_t(stride_of(c, c.axis, false));
  return flat / (inner * size_t(c.sizes[size_t(c.axis)])) * inner + flat % inner;
}

template <class F, class Block, class Rise>
static void fits(const Workers& workers, const Case& c, const std::string& name, double huge, unsigned rarity, Rise rise,
                 const std::string& what) {
  using E = typename F::Element;
  const int64_t total = product(c.sizes), count = structure_size(c);
  std::vector<E> s(static_cast<size_t>(total)), w(s);
  for (int64_t flat = 0; flat < total; ++flat) {
    const auto [x, y] = pair_of(name, flat / stride_of(c, c.axis, false) % c.sizes[size_t(c.axis)], huge);
    s[size_t(flat)] = F::round(x);
    w[size_t(flat)] = F::round(y);
  }
  const std::unique_ptr<bool[]> borders(new bool[size_t(count)]), starts(new bool[size_t(total)]);
  for (int64_t i = 0; i < count; ++i) borders[size_t(i)] = generator() % rarity == 0;
  std::vector<E> rates(static_cast<size_t>(total / c.sizes[size_t(c.axis)]));
  // Powers of two keep sums exact.
  for (E& rate : rates) rate = F::round(std::ldexp(1.0, int(generator() % 3) - 1));
  isotonic_rows<F, Block>(workers, layout_of(c), borders.get(), rates.data(), s.data(), w.data(), starts.get());
  bool good = true;
  each_row(c, false, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    std::vector<bool> border, found;
    std::vector<long double> x, y;
    for (size_t j = 0; j < own.size(); ++j) {
      border.push_back(borders[structure[j]]);
      found.push_back(starts[own[j]]);
      x.push_back(F::widen(rates[row_of(c, own[j])]) * F::widen(s[own[j]]));
      y.push_back(F::widen(w[own[j]]));
    }
    good &= found == merged(border, x, y, rise);
  });
  CHECK(good, what + ", " + name + ", a border in " + std::to_string(rarity) + ", " + std::to_string(total));
}

template <class F>
static void fits_everything(const Workers& workers, const std::string& type, double huge) {
  const std::vector<Case> small = {{{1}, 0, {}},           {{2}, 0, {}},       {{16}, 0, {}},          {{40}, 0, {}},
                                   {{3, 9}, 1, {}},        {{9, 3}, 0, {}},    {{9, 3}, 0, {1}},       {{4, 9}, 1, {0}},
                                   {{2, 9, 3, 4}, 1, {3}}, {{2, 9, 3}, 1, {}}, {{2, 3, 9, 4}, 2, {1}}, {{1100, 15}, 1, {}}};
  for (const Case& c : small) {
    for (const char* name : {"random", "sorted", "reversed", "constant", "equal", "ties", "huge", "huge and level"}) {
      const bool has_ties = std::string(name) == "ties";
      if (has_ties && (sizeof(typename F::Element) < 4 || c.sizes[size_t(c.axis)] > 16)) continue;
      for (unsigned rarity : {1000000u, 4u, 1u}) {
        fits<F, MeanBlock>(workers, c, name, huge, rarity, mean_rise, type + " means");
        // Of exponentials no sums are whole numbers.
        if (!has_ties) fits<F, KlBlock>(workers, c, name, huge, rarity, log_sum_rise, type + " sums of exponentials");
      }
    }
  }
}

void test_soft() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  // Halves are rounded through float, and the smallest ones are spaced evenly: their bound is that of one in the last place.
  recurs_everywhere<Plain<float, double>>(workers, "float32", 0x1p-24L);
  recurs_everywhere<Plain<double, double>>(Workers{}, "float64", 0x1p-53L);
  pieces_are_serial(workers);
  fits_everything<Plain<float, double>>(workers, "float32", 0x1p100);
  fits_everything<Plain<double, double>>(Workers{}, "float64", 0x1p1000);
  // Threads are shared out alike for every type, and the thread sanitizer is slow.
#ifndef __SANITIZE_THREAD__
  recurs_everywhere<Plain<double, double>>(pool.workers(40), "float64, more workers than pieces", 0x1p-53L);
  recurs_everywhere<Plain<std::complex<float>, std::complex<double>>>(workers, "complex64", 0x1p-23L);
  recurs_everywhere<Plain<std::complex<double>, std::complex<double>>>(workers, "complex128", 0x1p-52L);
  recurs_everywhere<BFloat16>(workers, "bfloat16", 0x1p-7L);
  recurs_everywhere<Float16>(workers, "float16", 0x1p-10L);
  fits_everything<BFloat16>(workers, "bfloat16", 0x1p100);
  fits_everything<Float16>(workers, "float16", 0x1p15);
#endif
}

}  // namespace sortax::test
