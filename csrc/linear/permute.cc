// The handler of the permute primitive: gather along an axis by a permutation, or scatter back by it.
//
// Contract: order (int32) and v, of elements of 1 to 16 bytes, as in layout.h. An index outside the axis is an error.

#include "linear/permute.h"
#include "ffi/handler.h"

namespace sortax {

template <size_t Size>
static bool permute_as(const Call& call, const Layout& layout, const Array& order, const Array& v, const Array& out,
                       bool transpose) {
  using E = Bytes<Size>;
  const auto run = transpose ? permute_rows<E, true> : permute_rows<E, false>;
  return run(call.workers(), layout, order.data<int32_t>(), v.data<E>(), out.data<E>());
}

static bool permute_any(const Call& call, const Layout& layout, const Array& order, const Array& v, const Array& out,
                        bool transpose) {
  switch (ffi::ByteWidth(v.type())) {
    case 1: return permute_as<1>(call, layout, order, v, out, transpose);
    case 2: return permute_as<2>(call, layout, order, v, out, transpose);
    case 4: return permute_as<4>(call, layout, order, v, out, transpose);
    case 8: return permute_as<8>(call, layout, order, v, out, transpose);
    case 16: return permute_as<16>(call, layout, order, v, out, transpose);
    default: call.reject_type(v, "a type of 1 to 16 bytes");
  }
}

static void permute(Call& call) {
  call.expect_counts(2, 2, 1, 4);
  const Array order = call.operand(0, "order"), v = call.operand(1, "v"), out = call.result(0, "out");
  const Layout layout = call.layout_of(v);
  call.expect_structure(order, ffi::S32);
  call.expect(out, v.type());
  const bool transpose = call.attribute<bool>("transpose");
  if (v.is_empty()) return;
  if (!permute_any(call, layout, order, v, out, transpose))
    call.reject("operand order has an index outside 0 to " + std::to_string(layout.n - 1) +
                "; the indices must be a permutation");
}

}  // namespace sortax

SORTAX_HANDLER(permute)
