// How a kernel becomes a handler of XLA's foreign function interface.
//
// Contract: handlers are plain `extern "C"` symbols; errors come back as ffi::Error with a code and one sentence, and
// no exception leaves a handler. Built against the headers of the oldest supported jaxlib: a newer runtime accepts
// them, while the reverse would stop JAX from starting.

#pragma once

#include <memory>

#include "ffi/call.h"
#include "core/dtypes.h"

#define SORTAX_EXPORT extern "C" __attribute__((visibility("default")))

// Defines the symbol sortax_NAME, which runs the function sortax::NAME(Call&).
#define SORTAX_HANDLER(name)                                                                             \
  SORTAX_EXPORT XLA_FFI_Error* sortax_##name(XLA_FFI_CallFrame* frame);                                  \
  XLA_FFI_Error* sortax_##name(XLA_FFI_CallFrame* frame) {                                               \
    static xla::ffi::Ffi* const handler = sortax::make_handler("sortax_" #name, sortax::name).release(); \
    return handler->Call(frame);                                                                         \
  }

namespace sortax {

using Kernel = void (*)(Call&);

// Takes all operands, results and attributes as they come; the kernel has the Call check them.
std::unique_ptr<ffi::Ffi> make_handler(const char* name, Kernel kernel);

// Calls run with the format of a real floating type.
template <class Run>
void by_real_format(const Call& call, const Array& array, Run&& run) {
  switch (array.type()) {
    case ffi::F16: return run(Float16{});
    case ffi::BF16: return run(BFloat16{});
    case ffi::F32: return run(Plain<float, double>{});
    case ffi::F64: return run(Plain<double, double>{});
    default: call.reject_type(array, "a real floating type");
  }
}

// The same, of complex types too.
template <class Run>
void by_format(const Call& call, const Array& array, Run&& run) {
  switch (array.type()) {
    case ffi::C64: return run(Plain<std::complex<float>, std::complex<double>>{});
    case ffi::C128: return run(Plain<std::complex<double>, std::complex<double>>{});
    case ffi::F16:
    case ffi::BF16:
    case ffi::F32:
    case ffi::F64: return by_real_format(call, array, run);
    default: call.reject_type(array, "a floating or complex type");
  }
}

}  // namespace sortax
