// The handler of the recurrence primitive.
//
// Contract: a and b, of one floating or complex type, as in layout.h; see recurrence.h.

#include "linear/linear_scan.h"
#include "ffi/handler.h"

namespace sortax {

static void recurrence(Call& call) {
  call.expect_counts(2, 2, 1, 4);
  const Array a = call.operand(0, "a"), b = call.operand(1, "b"), out = call.result(0, "out");
  const Layout layout = call.layout_of(b);
  call.expect_structure(a, b.type());
  call.expect(out, b.type());
  const bool reverse = call.attribute<bool>("reverse");
  if (b.is_empty()) return;
  by_format(call, b, [&](auto format) {
    using F = decltype(format);
    const auto run = reverse ? recur_rows<F, true> : recur_rows<F, false>;
    run(call.workers(), layout, a.data<void>(), b.data<void>(), out.data<void>());
  });
}

}  // namespace sortax

SORTAX_HANDLER(recurrence)
