// How a kernel becomes a handler of XLA's foreign function interface.
//
// Contract: handlers are plain `extern "C"` symbols; errors come back as ffi::Error with a code and one sentence, and
// no exception leaves a handler. Built against the headers of the oldest supported jaxlib: a newer runtime accepts
// them, while the reverse would stop JAX from starting.

#pragma once

#include <memory>

#include "ffi/call.h"

#define SORTAX_EXPORT extern "C" __attribute__((visibility("default")))

// Defines the symbol sortax_NAME, which runs the function sortax::NAME(const Call&) on calls that fit the signature.
#define SORTAX_HANDLER(name, signature)                                                                             \
  SORTAX_EXPORT XLA_FFI_Error* sortax_##name(XLA_FFI_CallFrame* frame);                                             \
  XLA_FFI_Error* sortax_##name(XLA_FFI_CallFrame* frame) {                                                          \
    static xla::ffi::Ffi* const handler = sortax::make_handler("sortax_" #name, signature, sortax::name).release(); \
    return handler->Call(frame);                                                                                    \
  }

namespace sortax {

using Kernel = void (*)(const Call&);

// The kernel is called where there is something to compute.
std::unique_ptr<ffi::Ffi> make_handler(const char* name, const Signature& signature, Kernel kernel);

}  // namespace sortax
