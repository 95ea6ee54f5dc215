// Gather, scatter, the mean over runs and their middles, in every layout, against loops over coordinates.

#include <cmath>
#include <numeric>
#include <random>

#include "linear/middle_of_run.h"
#include "linear/permute.h"
#include "linear/run_mean.h"
#include "tests/check.h"
#include "tests/layouts.h"

namespace sortax::test {

static std::mt19937 generator(11);

static void permutes(const Workers& workers, const Case& c) {
  const Layout layout = layout_of(c);
  const int64_t total = product(c.sizes), n = c.sizes[size_t(c.axis)], step = stride_of(c, c.axis, false);
  std::vector<int32_t> order(static_cast<size_t>(structure_size(c)));
  const int64_t own_step = stride_of(c, c.axis, true);
  std::vector<int32_t> row(static_cast<size_t>(n));
  for (int64_t s = 0; s < int64_t(order.size()); ++s) {
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

static void means(const Workers& workers, const Case& c, unsigned rarity) {
  const Layout layout = layout_of(c);
  const int64_t total = product(c.sizes), n = c.sizes[size_t(c.axis)], step = stride_of(c, c.axis, false);
  const int64_t count = structure_size(c);
  const std::unique_ptr<bool[]> starts(new bool[size_t(count)]);
  for (int64_t s = 0; s < count; ++s) starts[size_t(s)] = generator() % rarity == 0;
  std::vector<float> v(static_cast<size_t>(total)), out(v);
  for (float& x : v) x = float(generator() % 1000);
  std::vector<float> off(out);
  run_mean<Float32, false>(workers, layout, starts.get(), v.data(), out.data());
  run_mean<Float32, true>(workers, layout, starts.get(), v.data(), off.data());
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
      const double mean = sum / double(end - begin);
      good &= out[size_t(flat + begin * step)] == float(mean);
      for (int64_t k = begin; k < end; ++k) {
        good &= off[size_t(flat + k * step)] == float(v[size_t(flat + k * step)] - mean);
      }
    }
  }
  CHECK(good, "mean over runs");
}

static void middles(const Workers& workers, const Case& c, unsigned rarity) {
  const int64_t count = structure_size(c);
  const std::unique_ptr<bool[]> starts(new bool[size_t(count)]);
  for (int64_t s = 0; s < count; ++s) starts[size_t(s)] = generator() % rarity == 0;
  std::vector<float> x(static_cast<size_t>(product(c.sizes))), out(x);
  for (float& y : x) y = float(generator() % 1000);
  middle_of_run<float>(workers, layout_of(c), starts.get(), x.data(), out.data());
  bool good = true;
  each_row(c, false, [&](const std::vector<size_t>& own, const std::vector<size_t>& structure) {
    const size_t n = own.size();
    for (size_t begin = 0, end; begin < n; begin = end) {
      for (end = begin + 1; end < n && !starts[structure[end]];) ++end;
      const size_t nearest = std::clamp(n / 2, begin, end - 1);
      for (size_t j = begin; j < end; ++j) good &= out[own[j]] == x[own[nearest]];
    }
  });
  CHECK(good, "middles of runs");
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
    means(workers, c, 1);
    means(workers, c, 3);
    means(workers, c, 1000000);
    for (unsigned rarity : {1, 3, 1000000}) middles(workers, c, rarity);
  }
  rounds_halves();
}

}  // namespace sortax::test
