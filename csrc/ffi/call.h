// What a handler is called with: every attribute, operand and result is bound, laid out and checked here, by the kernel's
// signature, before the kernel reads it.
//
// Contract: a call may come from an exported program that somebody edited or wrote by hand, so that nothing it says is taken
// on trust. What does not fit throws Invalid, which becomes an error of one sentence: the kernel, the attribute or array,
// what was given and what is expected. All arrays of a call have the axes of its main operand, with its sizes except as
// their extent says.

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

enum class Extent {
  kMain,       // of the main operand, of which there is one
  kSame,       // like it
  kStructure,  // one along the shared axes, or without them
  kOne,        // one along the axis worked on
  kLength      // any length along that axis, the same for all of these
};
enum class Type { kSame, kBool, kIndex };

struct ArraySignature {
  const char* name;
  Extent extent;
  Type type = Type::kSame;
};

// A kernel without a structure works on 32-bit indices of its rows, and takes no shared axes.
struct Signature {
  std::vector<ArraySignature> operands, results;
  // The attributes beside those that say how arrays lie. `outputs` has a bit for each result, set if it is there. `k` is the
  // length of arrays whose extent is kLength, at most that of a row, where no operand tells it.
  std::vector<std::string> attributes;
  size_t optional = 0;  // operands at the end that may be missing

  bool has(const std::string& attribute) const;
};

// One operand or result.
struct Array {
  const char* role;
  const char* name;
  ffi::AnyBuffer buffer;

  ffi::DataType type() const { return buffer.element_type(); }
  Dims dims() const { return {buffer.dimensions().begin(), buffer.dimensions().end()}; }
  bool is_empty() const { return buffer.element_count() == 0; }
};

class Call {
 public:
  // Checks everything but the values of the kernel's own attributes.
  Call(const char* kernel, const Signature& signature, ffi::ThreadPool& pool, const ffi::RemainingArgs& operands,
       const ffi::RemainingRets& results, const ffi::Dictionary& attributes);

  // XLA's pool, as the loops of parallel.h see it.
  Workers workers() const;

  // An attribute, as a bool, int32_t, int64_t, or a span of int64_t or double.
  template <class T>
  T attribute(const char* name) const;

  const Layout& layout() const { return layout_; }   // of the main operand
  int64_t length() const { return length_; }         // of arrays of another length along the axis
  bool has_results() const { return has_results_; }  // that are not empty
  const Array& main() const { return *operands_[main_]; }

  // The data of an operand or result, by its index in the signature; null if it is missing.
  template <class T>
  const T* operand(size_t i) const {
    return data<T>(operands_[i]);
  }
  template <class T>
  T* result(size_t i) const {
    return data<T>(results_[i]);
  }

  [[noreturn]] void reject(const std::string& what) const;
  [[noreturn]] void reject_main(const char* expected) const;

 private:
  using Arrays = std::vector<std::optional<Array>>;

  template <class T>
  static T* data(const std::optional<Array>& array) {
    return array ? static_cast<T*>(array->buffer.untyped_data()) : nullptr;
  }

  void expect_count(const char* what, size_t given, size_t least, size_t most) const;
  void lay_out(const Signature& signature);
  void check(const ArraySignature& expected, const Array& array);

  const char* const kernel_;
  ffi::ThreadPool& pool_;
  const ffi::Dictionary& attributes_;
  Arrays operands_, results_;
  size_t main_ = 0;
  Layout layout_;
  Dims dims_;
  std::vector<bool> is_shared_;
  size_t axis_ = 0;
  int64_t length_ = kUnknown;
  bool has_results_ = false;

  static constexpr int64_t kUnknown = -1;
};

}  // namespace sortax
