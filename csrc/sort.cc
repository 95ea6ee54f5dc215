// The handler of the sort primitive.
//
// Contract: x of any type in the table of types.h and, if they are given, segments (int32), both laid out as layout.h says;
// results as `outputs` says, bit 0 values, and of int32 bit 1 indices, bit 2 inverse, bit 3 first, bit 4 last, in that
// order, laid out as x. Rows of up to 2^31 - 1 elements.

#include <limits>

#include "ffi.h"
#include "layout.h"
#include "rows.h"
#include "types.h"

namespace sortax {
namespace {

template <class T>
ffi::Error sort_as(const Workers& workers, const ffi::AnyBuffer& x, const int32_t* segments, ffi::RemainingRets& results,
                   const Layout& shape, bool descending, int32_t outputs) {
  size_t next = 0;
  const auto take = [&](int bit) -> void* {
    if (!(outputs >> bit & 1)) return nullptr;
    auto result = results.get<ffi::AnyBuffer>(next++);
    return result.has_value() ? (*result)->untyped_data() : nullptr;
  };
  Rows<T> rows{{shape.outer, shape.n, shape.inner}, static_cast<const T*>(x.untyped_data()), segments, nullptr, {}, 0};
  rows.values = static_cast<T*>(take(0));
  for (int place = 0; place < kPlaces; ++place) rows.places[size_t(place)] = static_cast<int32_t*>(take(place + 1));
  using Key = typename Order<T>::Key;
  rows.flip = descending ? Key(~Key(0)) : Key(0);
  sort_rows(workers, rows);
  return ffi::Error::Success();
}

ffi::Error sort(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::RemainingArgs more, ffi::RemainingRets results, int64_t axis,
                ffi::Span<const int64_t> order, ffi::Span<const int64_t> shared, bool descending, int32_t outputs) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(x.dimensions(), order, axis, shared, layout))
      return invalid("sortax_sort: the axes do not fit the array.");
    const int32_t* segments = nullptr;
    if (more.size() > 0) {
      auto ids = more.get<ffi::AnyBuffer>(0);
      if (!ids.has_value() || ids->element_type() != ffi::S32 || ids->element_count() != x.element_count())
        return invalid("sortax_sort: segments must be int32, one for each element.");
      segments = static_cast<const int32_t*>(ids->untyped_data());
    }
    if (layout.n > std::numeric_limits<int32_t>::max()) return invalid("sortax_sort: a row is too long for 32-bit indices.");
    const Workers workers = workers_of(pool);
    return for_type(x.element_type(), [&](auto type) {
      return sort_as<typename decltype(type)::Type>(workers, x, segments, results, layout, descending, outputs);
    });
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_sort(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_sort, sortax::sort,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("descending")
                                  .Attr<int32_t>("outputs"));
