// The handlers of the flow and borders primitives, which are in one file because borders are found by a flow.
//
// Contract: terms as four numbers each. Of a flow z and v, of one type, float or double, as in layout.h; see flow.h. Of
// borders wanted (int32) and z (float or double), which may differ in length along the axis; below (int32), offset, rest and
// width like wanted; see borders.h.

#include "exponential/kernel_sum.h"
#include "exponential/inverse_cdf.h"
#include "ffi/handler.h"

namespace sortax {

static Terms terms_of(const Call& call) {
  const auto numbers = call.attribute<ffi::Span<const double>>("terms");
  if (numbers.size() == 0 || numbers.size() % 4 != 0)
    call.reject("attribute terms has " + std::to_string(numbers.size()) + " numbers, expected four for each term");
  return {numbers.begin(), numbers.size()};
}

// Calls run with a number of the type of the array.
template <class Run>
static void by_float(const Call& call, const Array& array, Run&& run) {
  switch (array.type()) {
    case ffi::F32: return run(float());
    case ffi::F64: return run(double());
    default: call.reject_type(array, "F32 or F64");
  }
}

static void flow(Call& call) {
  call.expect_counts(2, 2, 1, 5);
  const Array z = call.operand(0, "z"), v = call.operand(1, "v"), out = call.result(0, "out");
  const Layout layout = call.layout_of(v);
  call.expect_structure(z, v.type());
  call.expect(out, v.type());
  const Terms terms = terms_of(call);
  const bool odd = call.attribute<bool>("odd");
  if (v.is_empty()) return;
  by_float(call, v, [&](auto zero) {
    using E = decltype(zero);
    flow_all<E>(call.workers(), layout, terms, odd, z.data<E>(), v.data<E>(), out.data<E>());
  });
}

static void borders(Call& call) {
  call.expect_counts(2, 2, 4, 4);
  const Array wanted = call.operand(0, "wanted"), z = call.operand(1, "z"), below = call.result(0, "below");
  const Array offset = call.result(1, "offset"), rest = call.result(2, "rest"), width = call.result(3, "width");
  const Layout layout = call.layout_of_indexed(z);
  const int64_t rows = layout.outer * layout.inner, count = call.expect_along_axis(wanted, ffi::S32);
  if (count != 1 && count != layout.n)
    call.reject("operand wanted has " + std::to_string(count) + " places for each row, expected one or as many as elements");
  call.expect_along_axis(below, ffi::S32, count);
  for (const Array& result : {offset, rest, width}) call.expect_along_axis(result, z.type(), count);
  const Terms terms = terms_of(call);
  if (wanted.is_empty()) return;
  if (z.is_empty()) call.reject("operand z has empty rows, with no borders");
  by_float(call, z, [&](auto zero) {
    using E = decltype(zero);
    const auto run = [&](const Workers& some, int64_t r) {
      const int64_t o = r / layout.inner, i = r % layout.inner, at = o * count * layout.inner + i;
      borders_of_row<E>(
          some,
          {z.data<E>() + o * layout.n * layout.inner + i, wanted.data<int32_t>() + at, below.data<int32_t>() + at,
           offset.data<E>() + at, rest.data<E>() + at, width.data<E>() + at, layout.inner, layout.n, count},
          terms);
    };
    const Workers workers = call.workers();
    if (rows < workers.count) {
      for (int64_t r = 0; r < rows; ++r) run(workers, r);
      return;
    }
    const Workers alone;
    const Split tasks{rows, rows * layout.n < FlowLimits::kTask ? 1 : std::min(rows, workers.count * 4)};
    for_each(workers, tasks.parts, [&](int64_t t) {
      for (int64_t r = tasks.begin(t); r < tasks.begin(t + 1); ++r) run(alone, r);
    });
  });
}

}  // namespace sortax

SORTAX_HANDLER(flow)
SORTAX_HANDLER(borders)
