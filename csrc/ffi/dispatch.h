// The one dispatch on the type of the main operand, over the table in dtypes.h.
//
// Contract: each function calls run with what stands for the type, and rejects the call where the kernel does not serve it.

#pragma once

#include "core/dtypes.h"
#include "ffi/handler.h"
#include "sort/keys.h"

namespace sortax {

// Calls run with the tag of the type, if it is of one of the kinds.
template <unsigned kKinds, class Run>
void by_type(const Call& call, const char* expected, Run&& run) {
  bool is_served = false;
  by_dtype(call.main().type(), [&](auto tag) {
    if constexpr ((decltype(tag)::kKind & kKinds) != 0) {
      is_served = true;
      run(tag);
    }
  });
  if (!is_served) call.reject_main(expected);
}

// Calls run with the order of the type's elements, which are taken by their bits.
template <class Run>
void by_order(const Call& call, bool descending, Run&& run) {
  by_type<kInteger | kHalf | kReal>(call, "elements of a boolean, integer or real floating type of 8 to 64 bits",
                                    [&](auto tag) { run(order_of(tag, descending)); });
}

}  // namespace sortax
