// What a handler is called with: every attribute, operand and result is checked here before a kernel reads it.
//
// Contract: a call may come from an exported program that somebody edited or wrote by hand, so that nothing it says is taken
// on trust. What does not fit throws Invalid, which becomes an error of one sentence: the kernel, the attribute or array,
// what was given and what is expected. All arrays of a call have the axes of one of them, its main array, with its sizes but
// along the axis worked on; a structure has size one along the shared axes, or lacks them.

#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "core/layout.h"
#include "core/parallel.h"
#include "xla/ffi/api/ffi.h"

namespace sortax {

namespace ffi = xla::ffi;

class Invalid : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Dims = std::vector<int64_t>;

inline constexpr int64_t kAnySize = -1;

// One operand or result.
struct Array {
  const char* role;
  const char* name;
  ffi::AnyBuffer buffer;

  ffi::DataType type() const { return buffer.element_type(); }
  Dims dims() const { return {buffer.dimensions().begin(), buffer.dimensions().end()}; }
  bool is_empty() const { return buffer.element_count() == 0; }
  template <class T>
  T* data() const {
    return static_cast<T*>(buffer.untyped_data());
  }
};

class Call {
 public:
  Call(const char* kernel, ffi::ThreadPool& pool, const ffi::RemainingArgs& operands, const ffi::RemainingRets& results,
       const ffi::Dictionary& attributes)
      : kernel_(kernel), pool_(pool), operands_(operands), results_(results), attributes_(attributes) {}

  // XLA's pool, as the loops of parallel.h see it.
  Workers workers() const;

  // Of type bool, int32_t, int64_t, or a span of int64_t or double.
  template <class T>
  T attribute(const char* name) const;

  // To be asked before any array is.
  void expect_counts(size_t least_operands, size_t most_operands, size_t results, size_t attributes) const;
  size_t operand_count() const { return operands_.size(); }
  Array operand(size_t i, const char* name) const;
  Array result(size_t i, const char* name) const;

  // How the main array lies in memory; the others are held to its sizes from here on.
  Layout layout_of(const Array& main);
  // The same for a kernel without a structure, whose results are 32-bit indices of its rows.
  Layout layout_of_indexed(const Array& main);

  void expect(const Array& array, ffi::DataType type) const { expect(array, type, main_); }
  // With another size along the axis, or any; returns which.
  int64_t expect_along_axis(const Array& array, ffi::DataType type, int64_t size = kAnySize) const;
  void expect_structure(const Array& array, ffi::DataType type) const;

  [[noreturn]] void reject_type(const Array& array, const char* expected) const;
  [[noreturn]] void reject(const std::string& what) const;

 private:
  void expect(const Array& array, ffi::DataType type, const Dims& dims) const;
  void expect_count(const char* what, size_t given, size_t least, size_t most) const;

  const char* const kernel_;
  ffi::ThreadPool& pool_;
  const ffi::RemainingArgs& operands_;
  const ffi::RemainingRets& results_;
  const ffi::Dictionary& attributes_;
  Dims main_;
  std::vector<bool> is_shared_;
  size_t axis_ = 0;
};

}  // namespace sortax
