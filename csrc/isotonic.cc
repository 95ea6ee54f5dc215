// The handler of the isotonic primitive: where the blocks of an isotonic regression start.
//
// Contract: borders (bool) and rates, s and w, of one real floating type, as in layout.h, and starts (bool); see isotonic.h.

#include "isotonic.h"
#include "ffi.h"

namespace sortax {
namespace {

ffi::Error isotonic(ffi::ThreadPool pool, ffi::AnyBuffer borders, ffi::AnyBuffer rates, ffi::AnyBuffer s, ffi::AnyBuffer w,
                    ffi::Result<ffi::AnyBuffer> starts, int64_t axis, ffi::Span<const int64_t> order,
                    ffi::Span<const int64_t> shared, bool kl) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(w.dimensions(), order, axis, shared, layout))
      return invalid("sortax_isotonic: the axes do not fit the array.");
    if (w.element_count() == 0) return ffi::Error::Success();
    if (borders.element_type() != ffi::PRED) return invalid("sortax_isotonic: borders must be boolean.");
    if (s.element_type() != w.element_type() || rates.element_type() != w.element_type())
      return invalid("sortax_isotonic: rates, s and w must be of one type.");
    if (int64_t(rates.element_count()) != layout.outer * layout.inner)
      return invalid("sortax_isotonic: there must be one rate for each row.");
    const Workers workers = workers_of(pool);
    const bool* const border = static_cast<const bool*>(borders.untyped_data());
    bool* const out = static_cast<bool*>(starts->untyped_data());
    return by_real_format(w.element_type(), "sortax_isotonic", [&](auto format) {
      using F = decltype(format);
      kl ? isotonic_rows<F, KlBlock>(workers, layout, border, rates.untyped_data(), s.untyped_data(), w.untyped_data(), out)
         : isotonic_rows<F, MeanBlock>(workers, layout, border, rates.untyped_data(), s.untyped_data(), w.untyped_data(),
                                       out);
      return ffi::Error::Success();
    });
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_isotonic(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_isotonic, sortax::isotonic,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("kl"));
