// The one dispatch table from XLA's types to the orders of keys.h.
//
// Contract: by_order(call, x, descending, run) calls run with the order of the elements of x, which it takes by their bits.

#pragma once

#include "ffi/handler.h"
#include "sort/keys.h"

namespace sortax {

template <class Run>
void by_order(const Call& call, const Array& x, bool descending, Run&& run) {
  switch (x.type()) {
    case ffi::PRED:
    case ffi::U8:
    case ffi::S8: return run(IntegerOrder<uint8_t>::make(x.type() == ffi::S8, descending));
    case ffi::U16:
    case ffi::S16: return run(IntegerOrder<uint16_t>::make(x.type() == ffi::S16, descending));
    case ffi::U32:
    case ffi::S32: return run(IntegerOrder<uint32_t>::make(x.type() == ffi::S32, descending));
    case ffi::U64:
    case ffi::S64: return run(IntegerOrder<uint64_t>::make(x.type() == ffi::S64, descending));
    case ffi::F16: return run(FloatOrder<uint16_t>::make(0x7c00, descending));
    case ffi::BF16: return run(FloatOrder<uint16_t>::make(0x7f80, descending));
    case ffi::F32: return run(FloatOrder<uint32_t>::make(0x7f800000u, descending));
    case ffi::F64: return run(FloatOrder<uint64_t>::make(0x7ff0000000000000ull, descending));
    default: call.reject_type(x, "a boolean, integer or real floating type of 8 to 64 bits");
  }
}

// The results of an ordering kernel that its attribute `outputs` names, one bit each: the values, in the type of x, and then
// index arrays.
template <size_t kCount>
class Outputs {
 public:
  Outputs(const Call& call, const char* const (&names)[kCount]) : call_(call), names_(names) {
    wanted_ = call.attribute<int32_t>("outputs");
    if (wanted_ <= 0 || wanted_ >> kCount != 0)
      call.reject("attribute outputs is " + std::to_string(wanted_) + ", expected 1 to " +
                  std::to_string((1 << kCount) - 1));
  }

  size_t count() const { return size_t(__builtin_popcount(unsigned(wanted_))); }

  // Calls visit(which, array, type) on each that is wanted.
  template <class Visit>
  void each(ffi::DataType type, Visit&& visit) const {
    size_t next = 0;
    for (size_t which = 0; which < kCount; ++which) {
      if (wanted_ >> which & 1) visit(which, call_.result(next++, names_[which]), which == 0 ? type : ffi::S32);
    }
  }

 private:
  const Call& call_;
  const char* const (&names_)[kCount];
  int32_t wanted_;
};

}  // namespace sortax
