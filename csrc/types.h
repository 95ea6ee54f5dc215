// The one dispatch table from XLA's types to kernels that order elements.
//
// Contract: for_type(type, run) calls run(Tag<T>{}) for the T by which keys.h orders elements of that type, and
// returns its error, or one that says that there is no kernel.

#pragma once

#include "ffi.h"
#include "keys.h"

namespace sortax {

template <class T>
struct Tag {
  using Type = T;
};

template <class Run>
ffi::Error for_type(ffi::DataType type, Run&& run) {
  switch (type) {
    case ffi::PRED:
    case ffi::U8: return run(Tag<uint8_t>{});
    case ffi::S8: return run(Tag<int8_t>{});
    case ffi::U16: return run(Tag<uint16_t>{});
    case ffi::S16: return run(Tag<int16_t>{});
    case ffi::U32: return run(Tag<uint32_t>{});
    case ffi::S32: return run(Tag<int32_t>{});
    case ffi::U64: return run(Tag<uint64_t>{});
    case ffi::S64: return run(Tag<int64_t>{});
    case ffi::F16: return run(Tag<Half>{});
    case ffi::BF16: return run(Tag<BFloat>{});
    case ffi::F32: return run(Tag<Single>{});
    case ffi::F64: return run(Tag<Double>{});
    default: return invalid("sortax: no kernel orders elements of this type.");
  }
}

}  // namespace sortax
