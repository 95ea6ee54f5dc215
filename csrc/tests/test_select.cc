// Selection, first k and partition, of every type, length and order, against std::stable_sort.

#include "select/partition.h"
#include "select/top_k.h"
#include "tests/check.h"
#include "tests/inputs.h"

namespace sortax::test {

template <class T>
static void selects(const std::string& type, const Workers& workers, const std::string& input, int64_t n, bool descending) {
  const std::vector<T> x = make<T>(input, n);
  const std::vector<int32_t> order = stable_order(x.data(), n, 1, descending);
  const std::string what = type + ", " + input + ", " + std::to_string(n) + (descending ? ", descending" : ", ascending");
  using O = decltype(Ordered<T>::order(descending));
  Row<O> row{bits_of(x), n, nullptr, {}, Ordered<T>::order(descending)};

  const auto are = [&](const std::vector<int64_t>& ranks, const std::vector<int32_t>& indices) {
    for (size_t j = 0; j < ranks.size(); ++j) {
      if (indices[j] != order[size_t(ranks[j])]) return false;
    }
    return true;
  };

  const std::vector<std::vector<int64_t>> wanted = {
      {0}, {n - 1}, {0, n - 1}, {n / 2}, {(n - 1) / 2, n / 2}, {n / 4, n / 3, n / 2, n / 2, n - 1}, {}};
  for (std::vector<int64_t> ranks : wanted) {
    if (ranks.empty()) {
      for (int64_t r = 0; r < n; r += 3) ranks.push_back(r);
    }
    const auto m = int64_t(ranks.size());
    std::vector<Wanted> sorted(ranks.size());
    for (int64_t j = 0; j < m; ++j) sorted[size_t(j)] = Wanted::make(uint32_t(ranks[size_t(j)]), uint32_t(j));
    std::vector<int32_t> indices(ranks.size());
    select_row(workers, row, sorted.data(), m, indices.data());
    CHECK(are(ranks, indices), std::to_string(m) + " ranks of " + what);
  }
  for (int64_t k : {int64_t(1), std::min<int64_t>(n, 10), n / 40 + 1, n / 2 + 1, n}) {
    std::vector<int64_t> ranks(static_cast<size_t>(k));
    std::iota(ranks.begin(), ranks.end(), 0);
    std::vector<int32_t> indices(ranks.size());
    best_of_row(workers, row, k, indices.data());
    CHECK(are(ranks, indices), "first " + std::to_string(k) + " of " + what);
  }
  for (const std::vector<int64_t>& kth : {std::vector<int64_t>{n / 2}, {0}, {n - 1}, {n / 3, n - 1}}) {
    if (kth.size() > 1 && kth[0] >= kth[1]) continue;
    std::vector<T> values(x.size());
    std::vector<int32_t> indices(x.size());
    row.values = bits_of(values);
    row.places[kIndices] = indices.data();
    partition_row(workers, row, kth.data(), int64_t(kth.size()));
    std::vector<int32_t> expected = order;
    int64_t begin = 0;
    for (size_t j = 0; j <= kth.size(); ++j) {
      const int64_t end = j < kth.size() ? kth[j] : n;
      std::sort(expected.begin() + begin, expected.begin() + end);
      begin = end + 1;
      if (begin > n) break;
    }
    bool good = same(indices, expected);
    for (size_t i = 0; i < x.size(); ++i) good &= std::memcmp(&values[i], &x[size_t(indices[i])], sizeof(T)) == 0;
    CHECK(good, "partition of " + what);
  }
}

template <class T>
static void selects_everything(const std::string& type, const Workers& workers) {
  for (const char* input : kInputs) {
    for (int64_t n : {1, 2, 3, 17, 64, 65, 300, 2000, 70000}) {
      for (bool descending : {false, true}) selects<T>(type, workers, input, n, descending);
    }
  }
}

void test_select() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  selects_everything<uint8_t>("uint8", workers);
  selects_everything<Single>("float32", workers);
  selects_everything<Double>("float64", workers);
  // Threads are shared out alike for every type, and the thread sanitizer is slow.
#ifndef __SANITIZE_THREAD__
  selects_everything<int8_t>("int8", workers);
  selects_everything<uint16_t>("uint16", workers);
  selects_everything<int16_t>("int16", workers);
  selects_everything<uint32_t>("uint32", workers);
  selects_everything<int32_t>("int32", workers);
  selects_everything<uint64_t>("uint64", workers);
  selects_everything<int64_t>("int64", workers);
  selects_everything<Half>("float16", workers);
  selects_everything<BFloat>("bfloat16", workers);
#endif
}

}  // namespace sortax::test
