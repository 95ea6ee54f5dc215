// The handler of the isotonic primitive: where the blocks of an isotonic regression start.
//
// Contract: borders (bool) and rates, s and w, of one real floating type, as in layout.h, and starts (bool); see isotonic.h.

#include "linear/isotonic.h"
#include "ffi/handler.h"

namespace sortax {

static void isotonic(Call& call) {
  call.expect_counts(4, 4, 1, 4);
  const Array borders = call.operand(0, "borders"), rates = call.operand(1, "rates"), s = call.operand(2, "s");
  const Array w = call.operand(3, "w"), starts = call.result(0, "starts");
  const Layout layout = call.layout_of(w);
  call.expect_structure(borders, ffi::PRED);
  call.expect_along_axis(rates, w.type(), 1);
  call.expect(s, w.type());
  call.expect(starts, ffi::PRED);
  const bool kl = call.attribute<bool>("kl");
  if (w.is_empty()) return;
  by_real_format(call, w, [&](auto format) {
    using F = decltype(format);
    const auto run = kl ? isotonic_rows<F, KlBlock> : isotonic_rows<F, MeanBlock>;
    run(call.workers(), layout, borders.data<bool>(), rates.data<void>(), s.data<void>(), w.data<void>(),
        starts.data<bool>());
  });
}

}  // namespace sortax

SORTAX_HANDLER(isotonic)
