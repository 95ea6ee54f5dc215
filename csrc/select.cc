// The handlers of the selection primitives: entries of the sorted order at given ranks, its first k, and partitions.
//
// Contract: x of any type in the table of types.h, laid out as layout.h says; results as `outputs` says, bit 0 values, bit 1
// indices (int32), laid out as x but for their length along the axis. Ranks (int32) are shaped like the results; one that
// is out of range is brought into it. Rows of up to 2^31 - 1 elements.

#include <limits>
#include <vector>

#include "layout.h"
#include "partition.h"
#include "tiles.h"
#include "top_k.h"
#include "types.h"

namespace sortax {
namespace {

// What a handler is asked: an array, and results with rows of another length.
struct Request {
  const ffi::AnyBuffer* x;
  Grid from, to;
  const int32_t* ranks;
  bool descending;
  void* values;
  int32_t* indices;
};

// Runs body(workers, selection, ranks) on each row, contiguous or copied so.
template <class T, class Body>
void for_each_selection(const Workers& workers, const Request& request, Body&& body) {
  using Key = typename Order<T>::Key;
  const Grid &from = request.from, &to = request.to;
  const Key flip = request.descending ? Key(~Key(0)) : Key(0);
  const T* const x = static_cast<const T*>(request.x->untyped_data());
  T* const values = static_cast<T*>(request.values);
  const auto shift = [](auto* p, int64_t by) { return p == nullptr ? p : p + by; };
  for_each_tile(workers, from, [&](const Workers& some, int64_t first, int64_t count) {
    const int64_t n = from.n, m = to.n, stride = from.inner, start = to.start(first);
    if (stride == 1) {
      return body(some, Selection<T>{x + from.start(first), n, flip, shift(values, start), shift(request.indices, start)},
                  shift(request.ranks, start));
    }
    Scratch<T> in(n * count), out(values ? m * count : 0);
    Scratch<int32_t> ranks(request.ranks ? m * count : 0), indices(request.indices ? m * count : 0);
    gather_rows(x + from.start(first), in.data(), n, stride, count);
    if (request.ranks != nullptr) gather_rows(request.ranks + start, ranks.data(), m, stride, count);
    for (int64_t r = 0; r < count; ++r) {
      body(some,
           Selection<T>{in.data() + r * n, n, flip, values ? out.data() + r * m : nullptr,
                        request.indices ? indices.data() + r * m : nullptr},
           request.ranks ? ranks.data() + r * m : nullptr);
    }
    if (values != nullptr) scatter_rows(out.data(), values + start, m, stride, count);
    if (request.indices != nullptr) scatter_rows(indices.data(), request.indices + start, m, stride, count);
  });
}

using Axes = ffi::Span<const int64_t>;

// Checks the arrays, and calls run(type, workers, request) for the type of x.
template <class Run>
ffi::Error select_with(ffi::ThreadPool& pool, const ffi::AnyBuffer& x, ffi::RemainingRets& results, int64_t axis,
                       const Axes& order, const Axes& shared, bool descending, int32_t outputs, Run&& run) {
  return guarded([&]() -> ffi::Error {
    Layout from, to;
    auto first = results.get<ffi::AnyBuffer>(0);
    if (!first.has_value() || !Layout::make(x.dimensions(), order, axis, shared, from) ||
        !Layout::make((*first)->dimensions(), order, axis, shared, to) || from.outer != to.outer || from.inner != to.inner)
      return invalid("sortax: the axes of a selection do not fit the array.");
    if (from.n > std::numeric_limits<int32_t>::max()) return invalid("sortax: a row is too long for 32-bit indices.");
    if ((*first)->element_count() == 0) return ffi::Error::Success();
    if (from.n == 0) return invalid("sortax: an empty row has no element to select.");
    Request request{&x, {from.outer, from.n, from.inner}, {to.outer, to.n, to.inner}, nullptr, descending, nullptr, nullptr};
    size_t next = 0;
    if (outputs & 1) request.values = (*results.get<ffi::AnyBuffer>(next++))->untyped_data();
    if (outputs & 2) request.indices = static_cast<int32_t*>((*results.get<ffi::AnyBuffer>(next++))->untyped_data());
    const Workers workers = workers_of(pool);
    return for_type(x.element_type(), [&](auto type) { return run(type, workers, request); });
  });
}

ffi::Error select(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::AnyBuffer ranks, ffi::RemainingRets results, int64_t axis,
                  Axes order, Axes shared, bool descending, int32_t outputs) {
  const auto run = [&](auto type, const Workers& workers, Request& request) -> ffi::Error {
    using T = typename decltype(type)::Type;
    if (ranks.element_type() != ffi::S32 || int64_t(ranks.element_count()) != request.to.count() * request.to.n)
      return invalid("sortax_select: ranks must be int32, one for each result.");
    request.ranks = static_cast<const int32_t*>(ranks.untyped_data());
    const int64_t m = request.to.n;
    for_each_selection<T>(workers, request, [m](const Workers& some, const Selection<T>& to, const int32_t* wanted) {
      const auto fill = [&](Wanted* a, Wanted* b) {
        for (int64_t j = 0; j < m; ++j) {
          a[j] = Wanted::make(uint32_t(std::clamp<int64_t>(wanted[j], 0, to.n - 1)), uint32_t(j));
        }
        select_row(some, to, sort_run(a, b, m), m);
      };
      if (m <= SelectLimits::kSmall) {
        Wanted a[SelectLimits::kSmall], b[SelectLimits::kSmall];
        return fill(a, b);
      }
      Scratch<Wanted> a(m), b(m);
      fill(a.data(), b.data());
    });
    return ffi::Error::Success();
  };
  return select_with(pool, x, results, axis, order, shared, descending, outputs, run);
}

ffi::Error top_k(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::RemainingRets results, int64_t axis, Axes order, Axes shared,
                 bool descending, int64_t k, int32_t outputs) {
  const auto run = [&](auto type, const Workers& workers, Request& request) -> ffi::Error {
    using T = typename decltype(type)::Type;
    if (k != request.to.n || k > request.from.n) return invalid("sortax_top_k: k does not fit the arrays.");
    for_each_selection<T>(workers, request,
                          [k](const Workers& some, const Selection<T>& to, const int32_t*) { best_of_row(some, to, k); });
    return ffi::Error::Success();
  };
  return select_with(pool, x, results, axis, order, shared, descending, outputs, run);
}

ffi::Error partition(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::RemainingRets results, int64_t axis, Axes order,
                     Axes shared, Axes kth, int32_t outputs) {
  const auto run = [&](auto type, const Workers& workers, Request& request) -> ffi::Error {
    using T = typename decltype(type)::Type;
    int64_t before = -1;
    for (int64_t k : kth) {
      if (k <= before || k >= request.from.n) return invalid("sortax_partition: kth must ascend within the axis.");
      before = k;
    }
    for_each_selection<T>(workers, request, [&kth](const Workers& some, const Selection<T>& to, const int32_t*) {
      partition_row(some, to, kth.begin(), int64_t(kth.size()));
    });
    return ffi::Error::Success();
  };
  return select_with(pool, x, results, axis, order, shared, false, outputs, run);
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_select(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_select, sortax::select,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("descending")
                                  .Attr<int32_t>("outputs"));

SORTAX_EXPORT XLA_FFI_Error* sortax_top_k(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_top_k, sortax::top_k,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("descending")
                                  .Attr<int64_t>("k")
                                  .Attr<int32_t>("outputs"));

SORTAX_EXPORT XLA_FFI_Error* sortax_partition(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_partition, sortax::partition,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<xla::ffi::Span<const int64_t>>("kth")
                                  .Attr<int32_t>("outputs"));
