// Sorting, of every type, length, layout and order, against std::stable_sort on values compared as NumPy does.

#include "sort/batch.h"
#include "tests/check.h"
#include "tests/inputs.h"

namespace sortax::test {

// Ids of segments: none, few, many, sorted, or so far apart that they must be numbered.
static std::vector<int32_t> make_segments(const std::string& name, int64_t size) {
  std::vector<int32_t> ids(static_cast<size_t>(name == "no segments" ? 0 : size));
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto random = uint32_t(generator());
    if (name == "few segments") ids[i] = int32_t(random % 3) - 1;
    if (name == "many segments") ids[i] = int32_t(random % (size / 3 + 1));
    if (name == "sorted segments") ids[i] = int32_t(i / 7);
    if (name == "far segments") ids[i] = int32_t(random & 0x80000007u);
  }
  return ids;
}

template <class D>
static void sorts_as_stable_sort(const std::string& type, const Workers& workers, const std::string& input, const Grid& grid,
                                 bool descending, const std::string& segmented) {
  const auto [outer, n, inner] = grid;
  using Bits = typename D::Bits;
  const std::vector<Bits> x = make<D>(input, outer * n * inner);
  const std::vector<int32_t> ids = make_segments(segmented, int64_t(x.size()));
  std::vector<Bits> expected(x.size());
  std::vector<int32_t> outputs[kIndexOutputs];
  for (auto& output : outputs) output.resize(x.size());
  for (int64_t r = 0; r < grid.rows(); ++r) {
    const auto at = [&](int64_t j) { return size_t(grid.start(r) + j * grid.inner); };
    if (n == 0) continue;
    std::vector<int32_t> order = stable_order<D>(&x[at(0)], n, inner, descending);
    const auto segment = [&](int32_t j) { return ids.empty() ? 0 : ids[at(j)]; };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return segment(a) < segment(b); });
    for (int64_t j = 0, end; j < n; j = end) {
      const int32_t first = order[size_t(j)];
      for (end = j; end < n; ++end) {
        const int32_t from = order[size_t(end)];
        if (segment(from) != segment(first) || less<D>(x[at(from)], x[at(first)]) || less<D>(x[at(first)], x[at(from)]))
          break;
      }
      for (int64_t k = j; k < end; ++k) {
        const int32_t from = order[size_t(k)];
        expected[at(k)] = x[at(from)];
        outputs[kIndices][at(k)] = from;
        outputs[kInverse][at(from)] = int32_t(k);
        outputs[kFirst][at(from)] = int32_t(j);
        outputs[kLast][at(from)] = int32_t(end - 1);
      }
    }
  }
  for (int wanted : {1, 2, 3, 4, 5, 7, 8, 16, 25, 31}) {
    std::vector<Bits> values(x.size());
    std::vector<int32_t> found[kIndexOutputs];
    const auto order = order_of(D{}, descending);
    Batch<std::decay_t<decltype(order)>> batch{grid,    grid,    x.data(), ids.empty() ? nullptr : ids.data(),
                                               nullptr, nullptr, {},       order};
    if (wanted & 1) batch.values = values.data();
    for (size_t p = 0; p < kIndexOutputs; ++p) {
      if (wanted >> (p + 1) & 1) {
        found[p].resize(x.size());
        batch.outputs[p] = found[p].data();
      }
    }
    sort_batch(workers, batch);
    const std::string what = type + ", " + input + ", " + segmented + ", (" + std::to_string(outer) + ", " +
                             std::to_string(n) + ", " + std::to_string(inner) +
                             (descending ? "), descending" : "), ascending") + ", outputs " + std::to_string(wanted);
    if (wanted & 1) CHECK(same(values, expected), "values of " + what);
    for (size_t p = 0; p < kIndexOutputs; ++p) {
      if (wanted >> (p + 1) & 1) CHECK(same(found[p], outputs[p]), "index output " + std::to_string(p) + " of " + what);
    }
  }
}

template <class D>
static void sorts_everything(const std::string& type, const Workers& workers) {
  const Grid grids[] = {{1, 0, 1},   {1, 1, 1},    {1, 2, 1},     {1, 3, 1},     {1, 33, 1},    {1, 64, 1},  {1, 65, 1},
                        {1, 100, 1}, {1, 700, 1},  {1, 5000, 1},  {1, 70000, 1}, {19, 16, 1},   {9, 200, 1}, {5, 300, 1},
                        {2, 7, 11},  {3, 300, 21}, {1, 40000, 3}, {0, 5, 1},     {12, 33000, 1}};
  for (const std::string input : kInputs) {
    for (const Grid& grid : grids) {
      const int64_t size = grid.rows() * grid.n;
      if (size > 100000 && input != "random bits") continue;
      for (bool descending : {false, true}) sorts_as_stable_sort<D>(type, workers, input, grid, descending, "no segments");
      if (size > 100000 || (size > 10000 && input != "few values")) continue;
      for (const char* segmented : {"few segments", "many segments", "sorted segments", "far segments"}) {
        sorts_as_stable_sort<D>(type, workers, input, grid, input.size() % 2 == 0, segmented);
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
    const std::vector<uint32_t> x = make<Float32>("random bits", 60000);
    callers.emplace_back([&workers, &good, c, x] {
      std::vector<uint32_t> values(x.size());
      for (int repeat = 0; repeat < 5; ++repeat) {
        const Grid row{1, int64_t(x.size()), 1};
        sort_batch<FloatOrder<uint32_t>>(
            workers, {row, row, x.data(), nullptr, nullptr, values.data(), {}, order_of(Float32{}, false)});
      }
      good[c] = std::is_sorted(values.begin(), values.end(), less<Float32>);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(std::accumulate(good.begin(), good.end(), 0) == 8, "eight callers share two threads");
}

void test_sort() {
  Pool pool(2);
  Stalled stalled;
  const Workers workers = pool.workers(3);
  for_each_type([&](auto tag, const char* type) { sorts_everything<decltype(tag)>(type, workers); });
  sorts_as_stable_sort<Float32>("float32, stalled pool", stalled.workers(4), "random bits", {1, 100000, 1}, false,
                                "no segments");
  many_callers_at_once();
}

}  // namespace sortax::test
