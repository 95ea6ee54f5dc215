// What every handler needs of XLA's foreign function interface.
//
// Contract: handlers are plain `extern "C"` symbols; errors come back as ffi::Error with a code and one sentence, and
// no exception leaves a handler. Built against the headers of the oldest supported jaxlib: a newer runtime accepts
// them, while the reverse would stop JAX from starting.

#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "formats.h"
#include "parallel.h"
#include "xla/ffi/api/ffi.h"

#define SORTAX_EXPORT extern "C" __attribute__((visibility("default")))

namespace sortax {

namespace ffi = xla::ffi;

// XLA's pool, as the loops of parallel.h see it.
inline Workers workers_of(ffi::ThreadPool& pool) {
  return {pool.num_threads(), [&pool](std::function<void()> task) { pool.Schedule(std::move(task)); }};
}

inline ffi::Error invalid(std::string sentence) { return ffi::Error(ffi::ErrorCode::kInvalidArgument, std::move(sentence)); }

template <class Body>
ffi::Error guarded(Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "sortax: no memory for the scratch space of a kernel.");
  } catch (const std::exception& error) {
    return ffi::Error(ffi::ErrorCode::kInternal, std::string("sortax: a kernel failed: ") + error.what());
  }
}

// Calls run with the format of a real floating type, or says that `kernel` has none.
template <class Run>
ffi::Error by_real_format(ffi::DataType type, const char* kernel, Run&& run) {
  switch (type) {
    case ffi::F16: return run(Float16{});
    case ffi::BF16: return run(BFloat16{});
    case ffi::F32: return run(Plain<float, double>{});
    case ffi::F64: return run(Plain<double, double>{});
    default: return invalid(std::string(kernel) + ": no kernel for this element type.");
  }
}

// The same, of complex types too.
template <class Run>
ffi::Error by_format(ffi::DataType type, const char* kernel, Run&& run) {
  switch (type) {
    case ffi::C64: return run(Plain<std::complex<float>, std::complex<double>>{});
    case ffi::C128: return run(Plain<std::complex<double>, std::complex<double>>{});
    default: return by_real_format(type, kernel, run);
  }
}

}  // namespace sortax
