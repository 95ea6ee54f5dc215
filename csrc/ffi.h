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

// Arrays arrive with the axis worked on last, but lie in memory with it at position `axis`: (outer, n, inner).
struct Shape {
  int64_t outer = 1, n = 1, inner = 1;
};

inline Shape shape_of(const ffi::AnyBuffer& x, int64_t axis) {
  const auto dims = x.dimensions();
  Shape shape;
  const int64_t last = int64_t(dims.size()) - 1;
  shape.n = dims[size_t(last)];
  for (int64_t d = 0; d < last; ++d) (d < axis ? shape.outer : shape.inner) *= dims[size_t(d)];
  return shape;
}

}  // namespace sortax
