// Gather, scatter and the mean over runs, in every layout, against loops over coordinates.

#include <cmath>
#include <numeric>
#include <random>

#include "../average.h"
#include "../permute.h"
#include "check.h"

namespace sortax::test {

static std::mt19937 generator(11);

// An array in memory order, with some axes along which one structure serves all.
struct Case {
  std::vector<int64_t> sizes;
  int64_t axis;
  std::vector<int64_t> shared;
};

static bool is_shared(const Case& c, int64_t d) { return std::count(c.shared.begin(), c.shared.end(), d) > 0; }

// The axes as XLA may present them: own ones, the axis worked on, shared ones.
static std::vector<int64_t> order_of(const Case& c) {
  std::vector<int64_t> order;
  for (int64_t d = 0; d < int64_t(c.sizes.size()); ++d) {
    if (d != c.axis && !is_shared(c, d)) order.push_back(d);
  }
  order.push_back(c.axis);
  order.insert(order.end(), c.shared.begin(), c.shared.end());
  return order;
}

static Layout layout_of(const Case& c) {
  const std::vector<int64_t> order = order_of(c);
  std::vector<int64_t> dims;
  for (int64_t d : order) dims.push_back(c.sizes[size_t(d)]);
  Layout layout;
  CHECK(Layout::make(dims, order, c.axis, c.shared, layout), "the axes fit");
  return layout;
}

static int64_t stride_of(const Case& c, int64_t axis, bool structure) {
  int64_t stride = 1;
  for (int64_t d = int64_t(c.sizes.size()) - 1; d > axis; --d) {
    if (!structure || !is_shared(c, d)) stride *= c.sizes[size_t(d)];
  }
  return stride;
}

// Offset of element `flat` in the array, and of the structure's element that acts on it.
static int64_t structure_offset(const Case& c, int64_t flat) {
  int64_t sum = 0;
  for (int64_t d = 0; d < int64_t(c.sizes.size()); ++d) {
    const int64_t coordinate = flat / stride_of(c, d, false) % c.sizes[size_t(d)];
    if (!is_shared(c, d)) sum += coordinate * stride_of(c, d, true);
  }
  return sum;
}

static int64_t product(const std::vector<int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

static const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{7}, 0, {}},     {{1}, 0, {}},           {{3, 5}, 1, {}},        {{5, 3}, 0, {}},        {{5, 3}, 0, {1}},
      {{4, 5}, 1, {0}}, {{2, 5, 3, 4}, 1, {3}}, {{2, 5, 3, 4}, 1, {2}}, {{2, 3, 5, 4}, 2, {0}}, {{2, 3, 5, 4}, 2, {1, 3}},
      {{70000}, 0, {}}, {{300, 200, 2}, 1, {}}};
  return all;
}

static void permutes(const Workers& workers, const Case& c) {
  const Layout layout = layout_of(c);
  const int64_t total = product(c.sizes), n = c.sizes[size_t(c.axis)], step = stride_of(c, c.axis, false);
  int64_t structure_size = total;
  for (int64_t d : c.shared) structure_size /= c.sizes[size_t(d)];
  std::vector<int32_t> order(static_cast<size_t>(structure_size));
  const int64_t own_step = stride_of(c, c.axis, true);
  std::vector<int32_t> row(static_cast<size_t>(n));
  for (int64_t s = 0; s < structure_size; ++s) {
    if (s / own_step % n != 0) continue;
    std::iota(row.begin(), row.end(), 0);
    std::shuffle(row.begin(), row.end(), generator);
    for (int64_t j = 0; j < n; ++j) order[size_t(s + j * own_step)] = row[size_t(j)];
  }
  using E = Bytes<4>;
  std::vector<int32_t> v(static_cast<size_t>(total)), gathered(v), scattered(v), expected(v), expected_back(v);
  std::iota(v.begin(), v.end(), 0);
  for (int64_t flat = 0; flat < total; ++flat) {
    const int64_t j = flat / step % n, k = order[size_t(structure_offset(c, flat))];
    expected[size_t(flat)] = v[size_t(flat + (k - j) * step)];
    expected_back[size_t(flat + (k - j) * step)] = v[size_t(flat)];
  }
  const auto* from = reinterpret_cast<const E*>(v.data());
  CHECK((permute_rows<E, false>(workers, layout, order.data(), from, reinterpret_cast<E*>(gathered.data()))), "in range");
  CHECK((permute_rows<E, true>(workers, layout, order.data(), from, reinterpret_cast<E*>(scattered.data()))), "in range");
  CHECK(gathered == expected, "gather");
  CHECK(scattered == expected_back, "scatter");
  order[0] = int32_t(n);
  CHECK((!permute_rows<E, false>(workers, layout, order.data(), from, reinterpret_cast<E*>(gathered.data()))),
        "an index too large");
  order[0] = -1;
  CHECK((!permute_rows<E, true>(workers, layout, order.data(), from, reinterpret_cast<E*>(scattered.data()))),
        "a negative index");
}

static void averages(const Workers& workers, const Case& c, unsigned rarity) {
  const Layout layout = layout_of(c);
  const int64_t total = product(c.sizes), n = c.sizes[size_t(c.axis)], step = stride_of(c, c.axis, false);
  int64_t structure_size = total;
  for (int64_t d : c.shared) structure_size /= c.sizes[size_t(d)];
  const std::unique_ptr<bool[]> starts(new bool[size_t(structure_size)]);
  for (int64_t s = 0; s < structure_size; ++s) starts[size_t(s)] = generator() % rarity == 0;
  std::vector<float> v(static_cast<size_t>(total)), out(v);
  for (float& x : v) x = float(generator() % 1000);
  average_rows<Plain<float, double>>(workers, layout, starts.get(), v.data(), out.data());
  bool good = true;
  for (int64_t flat = 0; flat < total; ++flat) {
    const int64_t j = flat / step % n;
    if (j != 0 && starts[size_t(structure_offset(c, flat))]) continue;
    if (j != 0) {
      good &= out[size_t(flat)] == out[size_t(flat - step)];
      continue;
    }
    for (int64_t begin = 0, end; begin < n; begin = end) {
      double sum = 0;
      end = begin;
      do sum += v[size_t(flat + end++ * step)];
      while (end < n && !starts[size_t(structure_offset(c, flat + end * step))]);
      good &= out[size_t(flat + begin * step)] == float(sum / double(end - begin));
    }
  }
  CHECK(good, "mean over runs");
}

// Every half is its own mean, and halves of doubles round to even.
static void rounds_halves() {
  bool good = true;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t h = uint16_t(bits);
    const bool half_nan = (h & 0x7fff) > 0x7c00, bfloat_nan = (h & 0x7fff) > 0x7f80;
    if (!half_nan) good &= Float16::round(Float16::widen(h)) == h;
    if (!bfloat_nan) good &= BFloat16::round(BFloat16::widen(h)) == h;
    if (half_nan) good &= (Float16::round(NAN) & 0x7fff) > 0x7c00;
    if (h < 0x7bff) good &= Float16::round((Float16::widen(h) + Float16::widen(uint16_t(h + 1))) / 2) == (h + (h & 1));
    if (h < 0x7f7f) good &= BFloat16::round((BFloat16::widen(h) + BFloat16::widen(uint16_t(h + 1))) / 2) == (h + (h & 1));
  }
  CHECK(good, "halves survive widening and rounding");
  CHECK(Float16::round(65520.0) == 0x7c00 && Float16::round(65519.0) == 0x7bff, "halves overflow to infinity");
}

void test_linear() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  for (const Case& c : cases()) {
    permutes(workers, c);
    averages(workers, c, 1);
    averages(workers, c, 3);
    averages(workers, c, 1000000);
  }
  rounds_halves();
}

}  // namespace sortax::test
