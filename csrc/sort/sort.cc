// The handler of the sort primitive; see batch.h.

#include "ffi/dispatch.h"
#include "sort/batch.h"

namespace sortax {

static const Signature kSort{{{"x", Extent::kMain}, {"segments", Extent::kSame, Type::kIndex}},
                             {{"values", Extent::kSame},
                              {"indices", Extent::kSame, Type::kIndex},
                              {"inverse", Extent::kSame, Type::kIndex},
                              {"first", Extent::kSame, Type::kIndex},
                              {"last", Extent::kSame, Type::kIndex}},
                             {"descending", "outputs"},
                             1};  // segments

static void sort(const Call& call) {
  IndexOutputs outputs;
  for (size_t o = 0; o < kIndexOutputs; ++o) outputs[o] = call.result<int32_t>(o + 1);
  by_order(call, call.attribute<bool>("descending"), [&](auto order) {
    using O = decltype(order);
    using Key = typename O::Key;
    const Layout& grid = call.layout();
    sort_batch<O>(call.workers(), {grid, grid, call.operand<Key>(0), call.operand<int32_t>(1), nullptr, call.result<Key>(0),
                                   outputs, order});
  });
}

}  // namespace sortax

SORTAX_HANDLER(sort, sortax::kSort)
