// The handler of the borders primitive.
//
// Contract: wanted (int32) and z (float or double), which may differ in length along the axis; below (int32), offset, rest
// and width like wanted; terms as four numbers each; see borders.h.

#include "borders.h"
#include "ffi.h"

namespace sortax {
namespace {

template <class E>
ffi::Error run(const Workers& workers, const Layout& layout, const Terms& terms, ffi::AnyBuffer& wanted, ffi::AnyBuffer& z,
               ffi::Result<ffi::AnyBuffer>& below, ffi::Result<ffi::AnyBuffer>& offset, ffi::Result<ffi::AnyBuffer>& rest,
               ffi::Result<ffi::AnyBuffer>& width) {
  const int64_t rows = layout.outer * layout.inner, count = int64_t(wanted.element_count()) / rows;
  if (count != 1 && count != layout.n)
    return invalid("sortax_borders: there must be one place for each row, or as many as elements.");
  const auto place = [&](const Workers& some, int64_t r) {
    const int64_t o = r / layout.inner, i = r % layout.inner, at = o * count * layout.inner + i;
    const auto numbers = [&](ffi::Result<ffi::AnyBuffer>& of) { return static_cast<E*>(of->untyped_data()) + at; };
    borders_of_row<E>(
        some,
        {static_cast<const E*>(z.untyped_data()) + o * layout.n * layout.inner + i,
         static_cast<const int32_t*>(wanted.untyped_data()) + at, static_cast<int32_t*>(below->untyped_data()) + at,
         numbers(offset), numbers(rest), numbers(width), layout.inner, layout.n, count},
        terms);
  };
  if (rows < workers.count) {
    for (int64_t r = 0; r < rows; ++r) place(workers, r);
  } else {
    const Workers alone;
    const Split tasks{rows, rows * layout.n < FlowLimits::kTask ? 1 : std::min(rows, workers.count * 4)};
    for_each(workers, tasks.parts, [&](int64_t t) {
      for (int64_t r = tasks.begin(t); r < tasks.begin(t + 1); ++r) place(alone, r);
    });
  }
  return ffi::Error::Success();
}

ffi::Error borders(ffi::ThreadPool pool, ffi::AnyBuffer wanted, ffi::AnyBuffer z, ffi::Result<ffi::AnyBuffer> below,
                   ffi::Result<ffi::AnyBuffer> offset, ffi::Result<ffi::AnyBuffer> rest, ffi::Result<ffi::AnyBuffer> width,
                   int64_t axis, ffi::Span<const int64_t> order, ffi::Span<const int64_t> shared,
                   ffi::Span<const double> terms) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(z.dimensions(), order, axis, shared, layout))
      return invalid("sortax_borders: the axes do not fit the array.");
    if (z.element_count() == 0 || wanted.element_count() == 0)
      return invalid("sortax_borders: there must be elements and places.");
    if (wanted.element_type() != ffi::S32) return invalid("sortax_borders: places must be of int32.");
    const Workers workers = workers_of(pool);
    const Terms sum(terms.begin(), terms.size());
    switch (z.element_type()) {
      case ffi::F32: return run<float>(workers, layout, sum, wanted, z, below, offset, rest, width);
      case ffi::F64: return run<double>(workers, layout, sum, wanted, z, below, offset, rest, width);
      default: return invalid("sortax_borders: no kernel for this element type.");
    }
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_borders(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_borders, sortax::borders,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<xla::ffi::Span<const double>>("terms"));
