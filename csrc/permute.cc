// The handler of the permute primitive: gather along an axis by a permutation, or scatter back by it.
//
// Contract: order (int32) and v, of elements of 1 to 16 bytes, as in layout.h. An index outside the axis is an error.

#include "permute.h"
#include "ffi.h"

namespace sortax {
namespace {

template <size_t Size>
bool permute_as(const Workers& workers, const Layout& layout, const ffi::AnyBuffer& order, const ffi::AnyBuffer& v,
                ffi::AnyBuffer& out, bool transpose) {
  using E = Bytes<Size>;
  const auto* const at = static_cast<const int32_t*>(order.untyped_data());
  const auto* const from = static_cast<const E*>(v.untyped_data());
  auto* const to = static_cast<E*>(out.untyped_data());
  return transpose ? permute_rows<E, true>(workers, layout, at, from, to)
                   : permute_rows<E, false>(workers, layout, at, from, to);
}

ffi::Error permute(ffi::ThreadPool pool, ffi::AnyBuffer order, ffi::AnyBuffer v, ffi::Result<ffi::AnyBuffer> out,
                   int64_t axis, ffi::Span<const int64_t> places, ffi::Span<const int64_t> shared, bool transpose) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(v.dimensions(), places, axis, shared, layout))
      return invalid("sortax_permute: the axes do not fit the array.");
    if (v.element_count() == 0) return ffi::Error::Success();
    if (order.element_type() != ffi::S32) return invalid("sortax_permute: indices must be int32.");
    const Workers workers = workers_of(pool);
    bool in_range = false;
    switch (ffi::ByteWidth(v.element_type())) {
      case 1: in_range = permute_as<1>(workers, layout, order, v, *out, transpose); break;
      case 2: in_range = permute_as<2>(workers, layout, order, v, *out, transpose); break;
      case 4: in_range = permute_as<4>(workers, layout, order, v, *out, transpose); break;
      case 8: in_range = permute_as<8>(workers, layout, order, v, *out, transpose); break;
      case 16: in_range = permute_as<16>(workers, layout, order, v, *out, transpose); break;
      default: return invalid("sortax_permute: no kernel for this element type.");
    }
    if (!in_range) return invalid("sortax_permute: an index is outside the axis; the indices must be a permutation.");
    return ffi::Error::Success();
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_permute(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_permute, sortax::permute,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("order")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("transpose"));
