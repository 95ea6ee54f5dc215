// Selection, first k and partition, of every type, length and order, against std::stable_sort.

#include "select/partition.h"
#include "select/top_k.h"
#include "tests/check.h"
#include "tests/inputs.h"

namespace sortax::test {

template <class D>
static void selects(const std::string& type, const Workers& workers, const std::string& input, int64_t n, bool descending) {
  const std::vector<typename D::Bits> x = make<D>(input, n);
  const std::vector<int32_t> order = stable_order<D>(x.data(), n, 1, descending);
  const std::string what = type + ", " + input + ", " + std::to_string(n) + (descending ? ", descending" : ", ascending");
  const auto by = order_of(D{}, descending);
  Row<std::decay_t<decltype(by)>> row{x.data(), n, nullptr, {}, by};

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
    std::vector<RankedResult> sorted(ranks.size());
    for (int64_t j = 0; j < m; ++j) sorted[size_t(j)] = RankedResult::make(uint32_t(ranks[size_t(j)]), uint32_t(j));
    std::vector<int32_t> indices(ranks.size());
    select_row(workers, row, sorted.data(), m, indices.data());
    CHECK(are(ranks, indices), std::to_string(m) + " ranks of " + what);
  }
  for (int64_t k : {int64_t(1), std::min<int64_t>(n, 10), n / 40 + 1, n / 2 + 1, n}) {
    std::vector<int64_t> ranks(static_cast<size_t>(k));
    std::iota(ranks.begin(), ranks.end(), 0);
    std::vector<int32_t> indices(ranks.size());
    select_first(workers, row, k, indices.data());
    CHECK(are(ranks, indices), "first " + std::to_string(k) + " of " + what);
  }
  for (const std::vector<int64_t>& kth : {std::vector<int64_t>{n / 2}, {0}, {n - 1}, {n / 3, n - 1}}) {
    if (kth.size() > 1 && kth[0] >= kth[1]) continue;
    std::vector<typename D::Bits> values(x.size());
    std::vector<int32_t> indices(x.size());
    row.values = values.data();
    row.outputs[kIndices] = indices.data();
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
    for (size_t i = 0; i < x.size(); ++i) good &= values[i] == x[size_t(indices[i])];
    CHECK(good, "partition of " + what);
  }
}

template <class D>
static void selects_everything(const std::string& type, const Workers& workers) {
  for (const char* input : kInputs) {
    for (int64_t n : {1, 2, 3, 17, 64, 65, 300, 2000, 70000}) {
      for (bool descending : {false, true}) selects<D>(type, workers, input, n, descending);
    }
  }
}

void test_select() {
  Pool pool(2);
  const Workers workers = pool.workers(3);
  for_each_type([&](auto tag, const char* type) { selects_everything<decltype(tag)>(type, workers); });
}

}  // namespace sortax::test
