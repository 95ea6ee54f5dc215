// The handlers of the selection primitives: entries of the sorted order at given ranks, its first k, and partitions.
//
// Contract: a rank that is out of range is brought into it; see select.h, top_k.h and partition.h.

#include "ffi/dispatch.h"
#include "select/partition.h"
#include "select/top_k.h"
#include "sort/batch.h"

namespace sortax {

// A list of numbers, which is on the stack while it is short, as it mostly is.
template <class T>
class Few {
 public:
  explicit Few(int64_t n) : many_(n <= SelectLimits::kSmall ? 0 : n) {}
  T* data() { return many_.data() ? many_.data() : few_; }

 private:
  T few_[SelectLimits::kSmall];
  Scratch<T> many_;
};

// Runs body(workers, row, ranks) on each row, whose results have length m.
template <class O, class Body>
static void for_each_row(const Call& call, O order, int64_t m, const int32_t* ranks, const Body& body) {
  using Key = typename O::Key;
  const Grid& grid = call.layout();
  const Batch<O> batch{grid,  grid.with_length(m), call.operand<Key>(0),        nullptr,
                       ranks, call.result<Key>(0), {{call.result<int32_t>(1)}}, order};
  for_each_row(call.workers(), batch, body);
}

// The same for a body that finds the positions of m elements: body(workers, row, ranks, found).
template <class O, class Body>
static void for_each_found(const Call& call, O order, int64_t m, const int32_t* ranks, const Body& body) {
  for_each_row(call, order, m, ranks, [&](const Workers& some, const Row<O>& row, const int32_t* own_ranks) {
    int32_t* const indices = row.outputs[kIndices];
    Few<int32_t> own(indices ? 0 : m);
    int32_t* const found = indices ? indices : own.data();
    body(some, row, own_ranks, found);
    for (int64_t j = 0; row.values != nullptr && j < m; ++j) row.values[j] = row.in[found[j]];
  });
}

static void select(const Call& call) {
  const int64_t m = call.length();
  by_order(call, call.attribute<bool>("descending"), [&](auto order) {
    using O = decltype(order);
    const auto body = [m](const Workers& some, const Row<O>& row, const int32_t* ranks, int32_t* found) {
      Few<RankedResult> a(m), b(m);
      for (int64_t j = 0; j < m; ++j) {
        a.data()[j] = RankedResult::make(uint32_t(std::clamp<int64_t>(ranks[j], 0, row.n - 1)), uint32_t(j));
      }
      select_row(some, row, sort_run(a.data(), b.data(), m), m, found);
    };
    for_each_found(call, order, m, call.operand<int32_t>(1), body);
  });
}

static void top_k(const Call& call) {
  const int64_t k = call.length();
  by_order(call, call.attribute<bool>("descending"), [&](auto order) {
    using O = decltype(order);
    const auto body = [k](const Workers& some, const Row<O>& row, const int32_t*, int32_t* found) {
      select_first(some, row, k, found);
    };
    for_each_found(call, order, k, nullptr, body);
  });
}

static void partition(const Call& call) {
  const int64_t n = call.layout().n;
  const auto kth = call.attribute<ffi::Span<const int64_t>>("kth");
  int64_t before = -1;
  for (int64_t k : kth) {
    if (k <= before || k >= n)
      call.reject("attribute kth has " + std::to_string(k) + ", expected ascending ranks of rows of " + std::to_string(n));
    before = k;
  }
  by_order(call, false, [&](auto order) {
    using O = decltype(order);
    for_each_row(call, order, n, nullptr, [&](const Workers& some, const Row<O>& row, const int32_t*) {
      partition_row(some, row, kth.begin(), int64_t(kth.size()));
    });
  });
}

// The signature of a kernel whose results are values and their indices, as many in a row as the extent says.
static Signature selection(std::vector<ArraySignature> operands, Extent extent, std::vector<std::string> attributes) {
  attributes.push_back("outputs");
  return {std::move(operands), {{"values", extent}, {"indices", extent, Type::kIndex}}, std::move(attributes)};
}

static const Signature kSelect =
    selection({{"x", Extent::kMain}, {"ranks", Extent::kLength, Type::kIndex}}, Extent::kLength, {"descending"});
static const Signature kTopK = selection({{"x", Extent::kMain}}, Extent::kLength, {"descending", "k"});
static const Signature kPartition = selection({{"x", Extent::kMain}}, Extent::kSame, {"kth"});

}  // namespace sortax

SORTAX_HANDLER(select, sortax::kSelect)
SORTAX_HANDLER(top_k, sortax::kTopK)
SORTAX_HANDLER(partition, sortax::kPartition)
