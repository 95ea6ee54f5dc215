// The handlers of the selection primitives: entries of the sorted order at given ranks, its first k, and partitions.
//
// Contract: x of any type in the table of types.h, laid out as layout.h says; results as `outputs` says, bit 0 values, bit 1
// indices (int32), laid out as x but for their length along the axis. Ranks (int32) are shaped like the results; one that
// is out of range is brought into it. Rows of up to 2^31 - 1 elements.

#include <vector>

#include "select/partition.h"
#include "sort/tiles.h"
#include "select/top_k.h"
#include "ffi/dispatch.h"

namespace sortax {

// What a handler is asked: an array, and results with rows of another length.
struct Request {
  Grid from, to;
  const int32_t* ranks = nullptr;
  void* values = nullptr;
  int32_t* indices = nullptr;
};

// Numbers of which there are mostly few: on the stack, if so.
template <class T>
class Few {
 public:
  explicit Few(int64_t n) : many_(n <= SelectLimits::kSmall ? 0 : n) {}
  T* data() { return many_.data() ? many_.data() : few_; }

 private:
  T few_[SelectLimits::kSmall];
  Scratch<T> many_;
};

// Runs body(workers, row, ranks) on each row, contiguous or copied so, whose results the row names.
template <class O, class Body>
void for_each_row(const Workers& workers, const Request& request, const void* x, O order, Body&& body) {
  using Key = typename O::Key;
  const Grid &from = request.from, &to = request.to;
  const auto shift = [](auto* p, int64_t by) { return p == nullptr ? p : p + by; };
  for_each_tile(workers, from, [&](const Workers& some, int64_t first, int64_t count) {
    const int64_t n = from.n, m = to.n, stride = from.inner, copied = stride == 1 ? 0 : count;
    const Key* in = static_cast<const Key*>(x) + from.start(first);
    Key* const values = shift(static_cast<Key*>(request.values), to.start(first));
    int32_t* const indices = shift(request.indices, to.start(first));
    const int32_t* ranks = shift(request.ranks, to.start(first));
    Scratch<Key> own_in(n * copied), own_values(values ? m * copied : 0);
    Scratch<int32_t> own_ranks(ranks ? m * copied : 0), own_indices(indices ? m * copied : 0);
    Key* out = values;
    int32_t* positions = indices;
    if (copied > 0) {
      gather_rows(in, own_in.data(), n, stride, count);
      if (ranks != nullptr) gather_rows(ranks, own_ranks.data(), m, stride, count);
      in = own_in.data(), ranks = own_ranks.data(), out = own_values.data(), positions = own_indices.data();
    }
    for (int64_t r = 0; r < count; ++r) {
      Places places{};
      places[kIndices] = shift(positions, r * m);
      body(some, Row<O>{in + r * n, n, shift(out, r * m), places, order}, shift(ranks, r * m));
    }
    if (copied > 0 && values != nullptr) scatter_rows(out, values, m, stride, count);
    if (copied > 0 && indices != nullptr) scatter_rows(positions, indices, m, stride, count);
  });
}

// The same for a body that finds the positions of m elements: body(workers, row, ranks, positions).
template <class O, class Body>
void for_each_found(const Workers& workers, const Request& request, const void* x, O order, Body&& body) {
  for_each_row(workers, request, x, order, [&](const Workers& some, const Row<O>& row, const int32_t* ranks) {
    const int64_t m = request.to.n;
    int32_t* const indices = row.places[kIndices];
    Few<int32_t> own(indices ? 0 : m);
    int32_t* const found = indices ? indices : own.data();
    body(some, row, ranks, found);
    for (int64_t j = 0; row.values != nullptr && j < m; ++j) row.values[j] = row.in[found[j]];
  });
}

using Results = Outputs<2>;

static Results results_of(const Call& call, size_t operands, size_t attributes) {
  static constexpr const char* kNames[] = {"values", "indices"};
  const Results results(call, kNames);
  call.expect_counts(operands, operands, results.count(), attributes);
  return results;
}

// Checks the results, which have `size` elements along the axis.
static Request request_of(const Call& call, const Results& results, const Array& x, const Layout& layout, int64_t size) {
  Request request;
  results.each(x.type(), [&](size_t which, const Array& result, ffi::DataType type) {
    call.expect_along_axis(result, type, size);
    which == 0 ? request.values = result.data<void>() : request.indices = result.data<int32_t>();
  });
  request.from = {layout.outer, layout.n, layout.inner};
  request.to = request.from.with_length(size);
  if (layout.n == 0 && request.to.count() * size > 0) call.reject("operand x has empty rows, with nothing to select");
  return request;
}

static void select(Call& call) {
  const Results results = results_of(call, 2, 5);
  const Array x = call.operand(0, "x"), ranks = call.operand(1, "ranks");
  const Layout layout = call.layout_of_indexed(x);
  Request request = request_of(call, results, x, layout, call.expect_along_axis(ranks, ffi::S32));
  const bool descending = call.attribute<bool>("descending");
  if (ranks.is_empty()) return;
  request.ranks = ranks.data<int32_t>();
  by_order(call, x, descending, [&](auto order) {
    using O = decltype(order);
    const auto body = [&](const Workers& some, const Row<O>& row, const int32_t* asked, int32_t* found) {
      const int64_t m = request.to.n;
      Few<Wanted> a(m), b(m);
      for (int64_t j = 0; j < m; ++j) {
        a.data()[j] = Wanted::make(uint32_t(std::clamp<int64_t>(asked[j], 0, row.n - 1)), uint32_t(j));
      }
      select_row(some, row, sort_run(a.data(), b.data(), m), m, found);
    };
    for_each_found(call.workers(), request, x.data<void>(), order, body);
  });
}

static void top_k(Call& call) {
  const Results results = results_of(call, 1, 6);
  const Array x = call.operand(0, "x");
  const Layout layout = call.layout_of_indexed(x);
  const auto k = call.attribute<int64_t>("k");
  if (k < 0 || k > layout.n)
    call.reject("attribute k is " + std::to_string(k) + ", expected 0 to " + std::to_string(layout.n));
  const Request request = request_of(call, results, x, layout, k);
  const bool descending = call.attribute<bool>("descending");
  if (request.to.count() * k == 0) return;
  by_order(call, x, descending, [&](auto order) {
    using O = decltype(order);
    const auto body = [&](const Workers& some, const Row<O>& row, const int32_t*, int32_t* found) {
      best_of_row(some, row, k, found);
    };
    for_each_found(call.workers(), request, x.data<void>(), order, body);
  });
}

static void partition(Call& call) {
  const Results results = results_of(call, 1, 5);
  const Array x = call.operand(0, "x");
  const Layout layout = call.layout_of_indexed(x);
  const Request request = request_of(call, results, x, layout, layout.n);
  const auto kth = call.attribute<ffi::Span<const int64_t>>("kth");
  int64_t before = -1;
  for (int64_t k : kth) {
    if (k <= before || k >= layout.n)
      call.reject("attribute kth has " + std::to_string(k) + ", expected ascending ranks of rows of " +
                  std::to_string(layout.n));
    before = k;
  }
  if (x.is_empty()) return;
  by_order(call, x, false, [&](auto order) {
    using O = decltype(order);
    const auto body = [&](const Workers& some, const Row<O>& row, const int32_t*) {
      partition_row(some, row, kth.begin(), int64_t(kth.size()));
    };
    for_each_row(call.workers(), request, x.data<void>(), order, body);
  });
}

}  // namespace sortax

SORTAX_HANDLER(select)
SORTAX_HANDLER(top_k)
SORTAX_HANDLER(partition)
