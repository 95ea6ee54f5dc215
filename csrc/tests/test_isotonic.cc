// Isotonic regressions against merging one pair at a time, in long double.

#include "linear/isotonic.h"

#include <cmath>
#include <memory>
#include <random>

#include "tests/check.h"
#include "tests/layouts.h"

namespace sortax::test {

static std::mt19937 generator(13);

static double normal() { return std::normal_distribution<double>()(generator); }

using Numbers = std::vector<long double>;

// A run of elements, and its value; differences are formed in s and in w separately, since huge numbers leave no room.
struct Run {
  size_t begin, end;
};

static long double mean(const Numbers& x, Run run) {
  return std::accumulate(x.begin() + int64_t(run.begin), x.begin() + int64_t(run.end), 0.0L) / (run.end - run.begin);
}

static bool mean_rises(const Numbers& s, const Numbers& w, Run from, Run to) {
  return mean(s, to) - mean(s, from) > mean(w, to) - mean(w, from);
}

static long double weighted_mean(const Numbers& s, const Numbers& w, Run run) {
  // From the first element, so that the mean of equal numbers is that number.
  long double moved = 0, weight = 0;
  for (size_t i = run.begin; i < run.end; ++i) moved += (s[i] - s[run.begin]) * w[i], weight += w[i];
  return s[run.begin] + moved / weight;
}

static bool weighted_mean_rises(const Numbers& s, const Numbers& w, Run from, Run to) {
  return weighted_mean(s, w, to) > weighted_mean(s, w, from);
}

static long double log_sum_rise(const Numbers& x, Run from, Run to) {
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

static bool log_sum_rises(const Numbers& s, const Numbers& w, Run from, Run to) {
  return log_sum_rise(s, from, to) > log_sum_rise(w, from, to);
}

// Where the blocks start, by merging the first pair that does not rise until all do.
template <class Rises>
static std::vector<bool> merged(const std::vector<bool>& component, const Numbers& s, const Numbers& w, Rises rises) {
  std::vector<Run> runs;
  for (size_t i = 0; i < s.size(); ++i) runs.push_back({i, i + 1});
  for (size_t r = 1; r < runs.size();) {
    const Run a = runs[r - 1], b = runs[r];
    if (component[b.begin] || rises(s, w, a, b)) {
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

template <class D, class Block, class Rises>
static void fits(const Workers& workers, const Case& c, const std::string& name, double huge, unsigned rarity, Rises rises,
                 const std::string& what) {
  using E = typename D::Element;
  const int64_t total = product(c.sizes), count = structure_size(c);
  std::vector<E> s(static_cast<size_t>(total)), w(s);
  for (int64_t flat = 0; flat < total; ++flat) {
    const auto [x, y] = pair_of(name, flat / stride_of(c, c.axis, false) % c.sizes[size_t(c.axis)], huge);
    s[size_t(flat)] = D::round(x);
    w[size_t(flat)] = D::round(std::is_same_v<Block, WeightedBlock> ? std::abs(y) + 0.01 : y);
  }
  const std::unique_ptr<bool[]> component_starts(new bool[size_t(count)]), starts(new bool[size_t(total)]);
  for (int64_t i = 0; i < count; ++i) component_starts[size_t(i)] = generator() % rarity == 0;
  std::vector<E> rates(static_cast<size_t>(total / c.sizes[size_t(c.axis)]));
  // Powers of two keep sums exact.
  for (E& rate : rates) rate = D::round(std::ldexp(1.0, int(generator() % 3) - 1));
  isotonic_rows<D, Block>(workers, layout_of(c), component_starts.get(), rates.data(), s.data(), w.data(), starts.get());
  bool good = true;
  each_row(c, false, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    std::vector<bool> component, found;
    std::vector<long double> x, y;
    for (size_t j = 0; j < own.size(); ++j) {
      component.push_back(component_starts[structure[j]]);
      found.push_back(starts[own[j]]);
      x.push_back(D::widen(rates[row_of(c, own[j])]) * D::widen(s[own[j]]));
      y.push_back(D::widen(w[own[j]]));
    }
    good &= found == merged(component, x, y, rises);
  });
  CHECK(good, what + ", " + name + ", a component in " + std::to_string(rarity) + ", " + std::to_string(total));
}

template <class D>
static void fits_everything(const Workers& workers, const std::string& type, double huge) {
  const std::vector<Case> small = {{{1}, 0, {}},           {{2}, 0, {}},       {{16}, 0, {}},          {{40}, 0, {}},
                                   {{3, 9}, 1, {}},        {{9, 3}, 0, {}},    {{9, 3}, 0, {1}},       {{4, 9}, 1, {0}},
                                   {{2, 9, 3, 4}, 1, {3}}, {{2, 9, 3}, 1, {}}, {{2, 3, 9, 4}, 2, {1}}, {{1100, 15}, 1, {}}};
  for (const Case& c : small) {
    for (const char* name : {"random", "sorted", "reversed", "constant", "equal", "ties", "huge", "huge and level"}) {
      const bool has_ties = std::string(name) == "ties";
      if (has_ties && (sizeof(typename D::Element) < 4 || c.sizes[size_t(c.axis)] > 16)) continue;
      for (unsigned rarity : {1000000u, 4u, 1u}) {
        fits<D, MeanBlock>(workers, c, name, huge, rarity, mean_rises, type + " means");
        // Sums of exponentials are not whole numbers, and are rounded.
        if (has_ties) continue;
        fits<D, KlBlock>(workers, c, name, huge, rarity, log_sum_rises, type + " sums of exponentials");
        fits<D, WeightedBlock>(workers, c, name, huge, rarity, weighted_mean_rises, type + " weighted means");
      }
    }
  }
}

void test_isotonic() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  fits_everything<Float32>(workers, "float32", 0x1p100);
  fits_everything<Float64>(Workers{}, "float64", 0x1p1000);
  // Threads are shared out alike for every type, and the thread sanitizer is slow.
#ifndef __SANITIZE_THREAD__
  fits_everything<BFloat16>(workers, "bfloat16", 0x1p100);
  fits_everything<Float16>(workers, "float16", 0x1p15);
#endif
}

}  // namespace sortax::test
