// The handler of the flow primitive.
//
// Contract: z and v, of one type, float or double, as in layout.h; terms as four numbers each; see flow.h.

#include "flow.h"
#include "ffi.h"

namespace sortax {
namespace {

ffi::Error flow(ffi::ThreadPool pool, ffi::AnyBuffer z, ffi::AnyBuffer v, ffi::Result<ffi::AnyBuffer> out, int64_t axis,
                ffi::Span<const int64_t> order, ffi::Span<const int64_t> shared, ffi::Span<const double> terms, bool odd) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(v.dimensions(), order, axis, shared, layout))
      return invalid("sortax_flow: the axes do not fit the array.");
    if (v.element_count() == 0) return ffi::Error::Success();
    if (z.element_type() != v.element_type()) return invalid("sortax_flow: z and v must be of one type.");
    const Workers workers = workers_of(pool);
    const Terms sum(terms.begin(), terms.size());
    const auto run = [&](auto zero) {
      using E = decltype(zero);
      const E *x = static_cast<const E*>(z.untyped_data()), *y = static_cast<const E*>(v.untyped_data());
      E* const to = static_cast<E*>(out->untyped_data());
      flow_all<E>(workers, layout, sum, odd, x, y, to);
      return ffi::Error::Success();
    };
    switch (v.element_type()) {
      case ffi::F32: return run(float());
      case ffi::F64: return run(double());
      default: return invalid("sortax_flow: no kernel for this element type.");
    }
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_flow(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_flow, sortax::flow,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<xla::ffi::Span<const double>>("terms")
                                  .Attr<bool>("odd"));
