// Masses in bins, and slopes at their edges, against sums over all pairs in long double.

#include "exponential/bin_masses.h"

#include <cmath>
#include <complex>
#include <random>

#include "tests/check.h"

namespace sortax::test {

static std::mt19937 generator(47);

static double uniform() { return std::uniform_real_distribution<double>()(generator); }

using Wide = std::complex<long double>;

// The sum of terms at a distance, each times its rate so many times.
static long double sum_of(const std::vector<Term>& terms, long double distance, int32_t slope, long double unit = 0) {
  long double sum = 0;
  for (const Term& term : terms) {
    Wide x = Wide(term.weight, term.phase) * std::exp(-Wide(term.rate, term.turn) * Wide(distance) + Wide(unit));
    for (int32_t k = 0; k < slope; ++k) x *= Wide(term.rate, term.turn);
    sum += x.real();
  }
  return sum;
}

// The element (i, j) of the matrix of a row in one component, with elements at x and edges at b, of which the first is -inf.
static long double entry(const std::vector<long double>& x, const std::vector<long double>& b, size_t i, size_t j,
                         const std::vector<Term>& terms, int32_t slope, bool normalised) {
  if (slope > 0) {
    if (std::isinf(b[i])) return 0;
    const auto after = std::lower_bound(x.begin(), x.end(), b[i]);
    long double nearest = after == x.end() ? INFINITY : *after - b[i];
    if (after != x.begin()) nearest = std::min(nearest, b[i] - after[-1]);
    const long double d = b[i] - x[j], unit = normalised ? nearest * terms[0].rate : 0;
    const long double size = sum_of(terms, std::abs(d), slope, unit);
    return d > 0 && slope % 2 == 0 ? -size : size;
  }
  const long double low = b[i], high = i + 1 < b.size() ? b[i + 1] : INFINITY;
  const auto tail = [&](long double edge) { return std::isinf(edge) ? 0 : sum_of(terms, std::abs(edge - x[j]), 0); };
  if (x[j] >= low && x[j] < high) return 1 - tail(low) - tail(high);
  return x[j] < low ? tail(low) - tail(high) : tail(high) - tail(low);
}

// A row whose numbers are multiples of a power of two, of which differences are exact.
template <class E>
struct BinInput {
  std::vector<long double> x, b;
  std::vector<int32_t> below;
  std::vector<E> offset, low, z, v;

  explicit BinInput(int64_t n)
      : x(static_cast<size_t>(n)), b(x), below(x.size()), offset(x.size()), low(x.size(), E(0)), z(x.size()), v(x.size()) {
    const auto multiple = [](double y) { return std::round(y * 256) / 256; };
    for (long double& y : x) y = multiple(uniform() * double(n) / 8);
    for (long double& y : b) y = multiple(uniform() * double(n) / 8) + 0x1p-10;
    std::sort(x.begin(), x.end()), std::sort(b.begin(), b.end());
    b[0] = -INFINITY;
    for (size_t i = 0; i < x.size(); ++i) {
      z[i] = i == 0 ? E(0) : E(x[i] - x[i - 1]);
      v[i] = E(multiple(uniform() - 0.5));
      below[i] = int32_t(std::lower_bound(x.begin(), x.end(), b[i]) - x.begin());
      const long double before = below[i] > 0 ? b[i] - x[size_t(below[i] - 1)] : INFINITY;
      const long double after = below[i] < n ? x[size_t(below[i])] - b[i] : INFINITY;
      offset[i] = i == 0 ? E(INFINITY) : E(before <= after ? before : -after);
    }
  }

  // Of v, and of as many more columns that share the row.
  std::vector<E> run(const Workers& workers, const std::vector<Term>& terms, const BinMassOptions& options,
                     const std::vector<std::vector<E>>& more = {}) const {
    const int64_t n = int64_t(x.size()), columns = int64_t(more.size()) + 1;
    std::vector<double> numbers;
    for (const Term& term : terms) numbers.insert(numbers.end(), {term.rate, term.turn, term.weight, term.phase});
    const ExponentialSum tail(numbers.data(), numbers.size());
    Layout layout;
    Layout::make(std::vector<int64_t>{n, columns}, std::vector<int64_t>{0, 1}, 0, std::vector<int64_t>{1}, layout);
    std::vector<E> values, out(x.size() * size_t(columns));
    for (size_t j = 0; j < x.size(); ++j) {
      values.push_back(v[j]);
      for (const std::vector<E>& column : more) values.push_back(column[j]);
    }
    bin_masses<E>(workers, layout,
                  {below.data(), offset.data(), low.data(), z.data(), values.data(), out.data(), 1, columns, n}, tail,
                  options);
    return out;
  }
};

template <class E>
static void sums(const Workers& workers, int64_t n, const std::vector<Term>& terms, const BinMassOptions& options,
                 const std::string& what) {
  const int32_t slope = int32_t(options.slopes[0]);
  const BinInput<E> row(n);
  const std::vector<E> out = row.run(workers, terms, options);
  bool good = true;
  for (size_t i = 0; i < out.size(); ++i) {
    long double sum = 0, room = 0;
    for (size_t j = 0; j < out.size(); ++j) {
      const size_t from = options.transpose ? j : i, to = options.transpose ? i : j;
      const long double m = entry(row.x, row.b, from, to, terms, slope, options.normalised[0] != 0) * row.v[j];
      sum += m, room += std::abs(m);
    }
    good &= std::abs(out[i] - sum) <= room * (sizeof(E) == 4 ? 1e-6L : 1e-12L) + 1e-14L;
  }
  CHECK(good, what + ", " + std::to_string(n));
}

template <class E>
static void sums_everything(const Workers& workers, const std::string& type) {
  const std::vector<std::vector<Term>> tails = {{{1, 0, 0.5, 0}}, {{1, 0, 0.6, 0}, {2, 0.5, 0.3, 0.1}, {3, 1.5, -0.4, 0.2}}};
  for (const std::vector<Term>& terms : tails) {
    for (int64_t n : {1, 2, 17, 257}) {
      for (int32_t slope : {0, 1, 2}) {
        for (unsigned flags = 0; flags < 4; ++flags) {
          const BinMassOptions options{{slope}, {flags & 1}, (flags & 2) != 0};
          if (slope == 0 && (flags & 1) != 0) continue;
          sums<E>(workers, n, terms, options, type + " slope " + std::to_string(slope) + " flags " + std::to_string(flags));
        }
      }
    }
  }
}

// Long rows are shared out among threads.
static void threads_change_nothing(const Workers& workers) {
  const BinInput<double> row(20000);
  const std::vector<Term> terms = {{1, 0, 0.6, 0}, {2, 0.5, 0.4, 0.1}};
  for (int32_t slope : {0, 1}) {
    for (bool transpose : {false, true}) {
      const BinMassOptions options{{slope}, {0}, transpose};
      CHECK(row.run(workers, terms, options) == row.run(Workers{}, terms, options),
            "threads, slope " + std::to_string(slope));
    }
  }
}

// Columns that share a row, and so its exponentials.
static void columns_are_as_alone(const Workers& workers) {
  const BinInput<double> row(300);
  BinInput<double> doubled = row, shifted = row;
  for (double& v : doubled.v) v *= 2;
  for (double& v : shifted.v) v += 0.5;
  const std::vector<Term> terms = {{1, 0, 0.6, 0}, {2, 0.5, 0.4, 0.1}};
  const auto run = [&](const std::vector<int64_t>& slopes, const std::vector<int64_t>& normalised, bool transpose) {
    const std::vector<double> together = row.run(workers, terms, {slopes, normalised, transpose}, {doubled.v, shifted.v});
    const BinInput<double>* const inputs[] = {&row, &doubled, &shifted};
    bool same = true;
    for (size_t c = 0; c < 3; ++c) {
      const size_t k = c % slopes.size();
      const std::vector<double> alone = inputs[c]->run(workers, terms, {{slopes[k]}, {normalised[k]}, transpose});
      for (size_t j = 0; j < alone.size(); ++j) same &= together[3 * j + c] == alone[j];
    }
    CHECK(same, "columns, slope " + std::to_string(slopes.back()));
  };
  for (bool transpose : {false, true}) {
    run({0}, {0}, transpose), run({1}, {0}, transpose), run({1}, {1}, transpose);
    run({0, 1, 1}, {0, 1, 1}, transpose), run({2, 0, 1}, {1, 0, 0}, transpose);
  }
}

void test_bin_masses() {
  Pool pool(2);
  columns_are_as_alone(pool.workers(3));
  threads_change_nothing(pool.workers(3));
  sums_everything<double>(Workers{}, "float64");
  sums_everything<float>(pool.workers(3), "float32");
}

}  // namespace sortax::test
