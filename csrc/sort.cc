// The handler of the sort primitive: the one dispatch table from XLA's types to kernels.
//
// Contract: x of any type in the table, laid out as layout.h says; results as `outputs` says, bit 0 values, bit 1
// indices (int32), bit 2 inverse (int32), in that order, laid out as x. Rows of up to 2^31 - 1 elements.

#include <limits>

#include "ffi.h"
#include "layout.h"
#include "rows.h"

namespace sortax {
namespace {

enum Output : int32_t { kValues = 1, kIndices = 2, kInverse = 4 };

template <class T>
ffi::Error sort_as(const Workers& workers, const ffi::AnyBuffer& x, ffi::RemainingRets& results, const Layout& shape,
                   bool descending, int32_t outputs) {
  size_t next = 0;
  const auto take = [&](Output output) -> void* {
    if (!(outputs & output)) return nullptr;
    auto result = results.get<ffi::AnyBuffer>(next++);
    return result.has_value() ? (*result)->untyped_data() : nullptr;
  };
  Rows<T> rows{static_cast<const T*>(x.untyped_data()), shape.outer, shape.n, shape.inner, nullptr, nullptr, nullptr, 0};
  rows.values = static_cast<T*>(take(kValues));
  rows.indices = static_cast<int32_t*>(take(kIndices));
  rows.inverse = static_cast<int32_t*>(take(kInverse));
  using Key = typename Order<T>::Key;
  rows.flip = descending ? Key(~Key(0)) : Key(0);
  sort_rows(workers, rows);
  return ffi::Error::Success();
}

ffi::Error sort(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::RemainingRets results, int64_t axis,
                ffi::Span<const int64_t> order, bool descending, int32_t outputs) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(x.dimensions(), order, axis, {}, layout))
      return invalid("sortax_sort: the axes do not fit the array.");
    if (layout.n > std::numeric_limits<int32_t>::max()) return invalid("sortax_sort: a row is too long for 32-bit indices.");
    const Workers workers = workers_of(pool);
    switch (x.element_type()) {
      case ffi::PRED:
      case ffi::U8: return sort_as<uint8_t>(workers, x, results, layout, descending, outputs);
      case ffi::S8: return sort_as<int8_t>(workers, x, results, layout, descending, outputs);
      case ffi::U16: return sort_as<uint16_t>(workers, x, results, layout, descending, outputs);
      case ffi::S16: return sort_as<int16_t>(workers, x, results, layout, descending, outputs);
      case ffi::U32: return sort_as<uint32_t>(workers, x, results, layout, descending, outputs);
      case ffi::S32: return sort_as<int32_t>(workers, x, results, layout, descending, outputs);
      case ffi::U64: return sort_as<uint64_t>(workers, x, results, layout, descending, outputs);
      case ffi::S64: return sort_as<int64_t>(workers, x, results, layout, descending, outputs);
      case ffi::F16: return sort_as<Half>(workers, x, results, layout, descending, outputs);
      case ffi::BF16: return sort_as<BFloat>(workers, x, results, layout, descending, outputs);
      case ffi::F32: return sort_as<Single>(workers, x, results, layout, descending, outputs);
      case ffi::F64: return sort_as<Double>(workers, x, results, layout, descending, outputs);
      default: return invalid("sortax_sort: no kernel for this element type.");
    }
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_sort(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_sort, sortax::sort,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<bool>("descending")
                                  .Attr<int32_t>("outputs"));
