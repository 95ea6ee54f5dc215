// The handler of the recurrence primitive.
//
// Contract: a and b, of one floating or complex type, as in layout.h; see recurrence.h.

#include "recurrence.h"
#include "ffi.h"

namespace sortax {
namespace {

ffi::Error recurrence(ffi::ThreadPool pool, ffi::AnyBuffer a, ffi::AnyBuffer b, ffi::Result<ffi::AnyBuffer> out,
                      int64_t axis, ffi::Span<const int64_t> order, ffi::Span<const int64_t> shared, bool reverse) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(b.dimensions(), order, axis, shared, layout))
      return invalid("sortax_recurrence: the axes do not fit the array.");
    if (b.element_count() == 0) return ffi::Error::Success();
    if (a.element_type() != b.element_type()) return invalid("sortax_recurrence: a and b must be of one type.");
    const Workers workers = workers_of(pool);
    return by_format(b.element_type(), "sortax_recurrence", [&](auto format) {
      using F = decltype(format);
      const void *x = a.untyped_data(), *y = b.untyped_data();
      reverse ? recur_rows<F, true>(workers, layout, x, y, out->untyped_data())
              : recur_rows<F, false>(workers, layout, x, y, out->untyped_data());
      return ffi::Error::Success();
    });
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_recurrence(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_recurrence, sortax::recurrence,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("reverse"));
