// The handler of the average primitive: each element replaced by the mean of its run along an axis.
//
// Contract: starts (bool) and v, of floating or complex type, as in layout.h.

#include "linear/run_mean.h"
#include "ffi/handler.h"

namespace sortax {

static void average(Call& call) {
  call.expect_counts(2, 2, 1, 4);
  const Array starts = call.operand(0, "starts"), v = call.operand(1, "v"), out = call.result(0, "out");
  const Layout layout = call.layout_of(v);
  call.expect_structure(starts, ffi::PRED);
  call.expect(out, v.type());
  const bool deviation = call.attribute<bool>("deviation");
  if (v.is_empty()) return;
  by_format(call, v, [&](auto format) {
    using F = decltype(format);
    const auto run = deviation ? average_rows<F, true> : average_rows<F, false>;
    run(call.workers(), layout, starts.data<bool>(), v.data<void>(), out.data<void>());
  });
}

}  // namespace sortax

SORTAX_HANDLER(average)
