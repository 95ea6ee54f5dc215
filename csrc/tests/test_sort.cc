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

template <class T>
static void sorts_as_stable_sort(const std::string& type, const Workers& workers, const std::string& input, const Grid& grid,
                                 bool descending, const std::string& segmented) {
  const auto [outer, n, inner] = grid;
  const std::vector<T> x = make<T>(input, outer * n * inner);
  const std::vector<int32_t> ids = make_segments(segmented, int64_t(x.size()));
  std::vector<T> expected(x.size());
  std::vector<int32_t> places[kPlaces];
  for (auto& place : places) place.resize(x.size());
  for (int64_t r = 0; r < grid.count(); ++r) {
    const auto at = [&](int64_t j) { return size_t(grid.start(r) + j * grid.inner); };
    if (n == 0) continue;
    std::vector<int32_t> order = stable_order(&x[at(0)], n, inner, descending);
    const auto segment = [&](int32_t j) { return ids.empty() ? 0 : ids[at(j)]; };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return segment(a) < segment(b); });
    for (int64_t j = 0, end; j < n; j = end) {
      const int32_t first = order[size_t(j)];
      for (end = j; end < n; ++end) {
        const int32_t from = order[size_t(end)];
        if (segment(from) != segment(first) || less(x[at(from)], x[at(first)]) || less(x[at(first)], x[at(from)])) break;
      }
      for (int64_t k = j; k < end; ++k) {
        const int32_t from = order[size_t(k)];
        expected[at(k)] = x[at(from)];
        places[kIndices][at(k)] = from;
        places[kInverse][at(from)] = int32_t(k);
        places[kFirst][at(from)] = int32_t(j);
        places[kLast][at(from)] = int32_t(end - 1);
      }
    }
  }
  for (int wanted : {1, 2, 3, 4, 5, 7, 8, 16, 25, 31}) {
    std::vector<T> values(x.size());
    std::vector<int32_t> found[kPlaces];
    const auto order = Ordered<T>::order(descending);
    Rows<std::decay_t<decltype(order)>> rows{grid, bits_of(x), ids.empty() ? nullptr : ids.data(), nullptr, {}, order};
    if (wanted & 1) rows.values = bits_of(values);
    for (size_t p = 0; p < kPlaces; ++p) {
      if (wanted >> (p + 1) & 1) {
        found[p].resize(x.size());
        rows.places[p] = found[p].data();
      }
    }
    sort_rows(workers, rows);
    const std::string what = type + ", " + input + ", " + segmented + ", (" + std::to_string(outer) + ", " +
                             std::to_string(n) + ", " + std::to_string(inner) +
                             (descending ? "), descending" : "), ascending") + ", outputs " + std::to_string(wanted);
    if (wanted & 1) CHECK(same(values, expected), "values of " + what);
    for (size_t p = 0; p < kPlaces; ++p) {
      if (wanted >> (p + 1) & 1) CHECK(same(found[p], places[p]), "place " + std::to_string(p) + " of " + what);
    }
  }
}

template <class T>
static void sorts_everything(const std::string& type, const Workers& workers) {
  const Grid grids[] = {{1, 0, 1},   {1, 1, 1},    {1, 2, 1},     {1, 3, 1},     {1, 33, 1},    {1, 64, 1},  {1, 65, 1},
                        {1, 100, 1}, {1, 700, 1},  {1, 5000, 1},  {1, 70000, 1}, {19, 16, 1},   {9, 200, 1}, {5, 300, 1},
                        {2, 7, 11},  {3, 300, 21}, {1, 40000, 3}, {0, 5, 1},     {12, 33000, 1}};
  for (const std::string input : kInputs) {
    for (const Grid& grid : grids) {
      const int64_t size = grid.count() * grid.n;
      if (size > 100000 && input != "random bits") continue;
      for (bool descending : {false, true}) sorts_as_stable_sort<T>(type, workers, input, grid, descending, "no segments");
      if (size > 100000 || (size > 10000 && input != "few values")) continue;
      for (const char* segmented : {"few segments", "many segments", "sorted segments", "far segments"}) {
        sorts_as_stable_sort<T>(type, workers, input, grid, input.size() % 2 == 0, segmented);
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
        const auto order = Ordered<Single>::order(false);
        sort_rows(workers,
                  Rows<FloatOrder<uint32_t>>{{1, int64_t(x.size()), 1}, bits_of(x), nullptr, bits_of(values), {}, order});
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
  sorts_as_stable_sort<Single>("float32, stalled pool", stalled.workers(4), "random bits", {1, 100000, 1}, false,
                               "no segments");
  many_callers_at_once();
}

}  // namespace sortax::test
