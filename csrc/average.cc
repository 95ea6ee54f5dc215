// The handler of the average primitive: each element replaced by the mean of its run along an axis.
//
// Contract: starts (bool) and v, of floating or complex type, as in layout.h.

#include "average.h"
#include "ffi.h"

namespace sortax {
namespace {

ffi::Error average(ffi::ThreadPool pool, ffi::AnyBuffer starts, ffi::AnyBuffer v, ffi::Result<ffi::AnyBuffer> out,
                   int64_t axis, ffi::Span<const int64_t> order, ffi::Span<const int64_t> shared, bool deviation) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(v.dimensions(), order, axis, shared, layout))
      return invalid("sortax_average: the axes do not fit the array.");
    if (v.element_count() == 0) return ffi::Error::Success();
    if (starts.element_type() != ffi::PRED) return invalid("sortax_average: starts must be boolean.");
    const Workers workers = workers_of(pool);
    const bool* const start = static_cast<const bool*>(starts.untyped_data());
    return by_format(v.element_type(), "sortax_average", [&](auto format) {
      using F = decltype(format);
      deviation ? average_rows<F, true>(workers, layout, start, v.untyped_data(), out->untyped_data())
                : average_rows<F, false>(workers, layout, start, v.untyped_data(), out->untyped_data());
      return ffi::Error::Success();
    });
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_average(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_average, sortax::average,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("deviation"));
