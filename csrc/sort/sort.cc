// The handler of the sort primitive.
//
// Contract: x of any type in the table of types.h and, if they are given, segments (int32), both laid out as layout.h says;
// results as `outputs` says, bit 0 values, and of int32 bit 1 indices, bit 2 inverse, bit 3 first, bit 4 last, in that
// order, laid out as x. Rows of up to 2^31 - 1 elements.

#include "sort/batch.h"
#include "ffi/dispatch.h"

namespace sortax {

static void sort(Call& call) {
  static constexpr const char* kNames[] = {"values", "indices", "inverse", "first", "last"};
  const Outputs<kPlaces + 1> outputs(call, kNames);
  call.expect_counts(1, 2, outputs.count(), 5);
  const Array x = call.operand(0, "x");
  const Layout layout = call.layout_of_indexed(x);
  const int32_t* segments = nullptr;
  if (call.operand_count() > 1) {
    const Array ids = call.operand(1, "segments");
    call.expect(ids, ffi::S32);
    segments = ids.data<int32_t>();
  }
  void* values = nullptr;
  Places places{};
  outputs.each(x.type(), [&](size_t which, const Array& result, ffi::DataType type) {
    call.expect(result, type);
    which == 0 ? values = result.data<void>() : places[which - 1] = result.data<int32_t>();
  });
  by_order(call, x, call.attribute<bool>("descending"), [&](auto order) {
    using O = decltype(order);
    using Key = typename O::Key;
    sort_rows(call.workers(), Rows<O>{{layout.outer, layout.n, layout.inner},
                                      x.data<const Key>(),
                                      segments,
                                      static_cast<Key*>(values),
                                      places,
                                      order});
  });
}

}  // namespace sortax

SORTAX_HANDLER(sort)
