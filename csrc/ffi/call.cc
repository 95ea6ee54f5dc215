// The checks of call.h, and the one handler that all kernels share: compiled once, because XLA's templates take long.

#include "ffi/call.h"

#include <algorithm>
#include <limits>
#include <new>
#include <sstream>

#include "ffi/handler.h"

namespace sortax {

static std::string text(ffi::DataType type) {
  std::ostringstream out;
  out << type;
  return out.str();
}

static std::string text(const Dims& numbers) {
  std::string out = "[";
  for (int64_t x : numbers) out += (out.size() > 1 ? "," : "") + std::to_string(x);
  return out + "]";
}

static std::string text(const Array& array) {
  return std::string(array.role) + " " + array.name + " is " + text(array.type()) + text(array.dims());
}

using Integers = ffi::Span<const int64_t>;

static Dims numbers(const Integers& span) { return {span.begin(), span.end()}; }

bool Signature::has(const std::string& attribute) const {
  return std::find(attributes.begin(), attributes.end(), attribute) != attributes.end();
}

void Call::reject(const std::string& what) const { throw Invalid(std::string(kernel_) + ": " + what + "."); }

void Call::reject_main(const char* expected) const { reject(text(main()) + ", expected " + expected); }

Workers Call::workers() const {
  ffi::ThreadPool& pool = pool_;
  return {pool.num_threads(), [&pool](std::function<void()> task) { pool.Schedule(std::move(task)); }};
}

template <class T>
T Call::attribute(const char* name) const {
  const auto value = attributes_.get<T>(name);
  if (!value.has_value()) reject(std::string("attribute ") + name + " is missing or of another type");
  return *value;
}

template bool Call::attribute<bool>(const char*) const;
template int32_t Call::attribute<int32_t>(const char*) const;
template int64_t Call::attribute<int64_t>(const char*) const;
template Integers Call::attribute<Integers>(const char*) const;
template ffi::Span<const double> Call::attribute<ffi::Span<const double>>(const char*) const;

void Call::expect_count(const char* what, size_t given, size_t least, size_t most) const {
  if (given >= least && given <= most) return;
  const std::string expected = std::to_string(least) + (least == most ? "" : " to " + std::to_string(most));
  reject("there are " + std::to_string(given) + " " + what + ", expected " + expected);
}

Call::Call(const char* kernel, const Signature& signature, ffi::ThreadPool& pool, const ffi::RemainingArgs& operands,
           const ffi::RemainingRets& results, const ffi::Dictionary& attributes)
    : kernel_(kernel),
      pool_(pool),
      attributes_(attributes),
      operands_(signature.operands.size()),
      results_(signature.results.size()) {
  unsigned outputs = (1u << results_.size()) - 1;
  if (signature.has("outputs")) {
    const auto given = attribute<int32_t>("outputs");
    if (given <= 0 || unsigned(given) > outputs)
      reject("attribute outputs is " + std::to_string(given) + ", expected 1 to " + std::to_string(outputs));
    outputs = unsigned(given);
  }
  const auto count = size_t(__builtin_popcount(outputs));
  expect_count("operands", operands.size(), operands_.size() - signature.optional, operands_.size());
  expect_count("results", results.size(), count, count);
  // An attribute that the kernel does not read may ask for what it does not do.
  const size_t expected = 3 + signature.attributes.size();
  expect_count("attributes", attributes.size(), expected, expected);

  for (size_t i = 0; i < operands.size(); ++i) {
    operands_[i] = Array{"operand", signature.operands[i].name, *operands.get<ffi::AnyBuffer>(i)};
    if (signature.operands[i].extent == Extent::kMain) main_ = i;
  }
  for (size_t i = 0, next = 0; i < results_.size(); ++i) {
    if (outputs >> i & 1) results_[i] = Array{"result", signature.results[i].name, **results.get<ffi::AnyBuffer>(next++)};
  }
  lay_out(signature);
  for (size_t i = 0; i < operands.size(); ++i) check(signature.operands[i], *operands_[i]);
  for (size_t i = 0; i < results_.size(); ++i) {
    if (!results_[i]) continue;
    check(signature.results[i], *results_[i]);
    has_results_ = has_results_ || !results_[i]->is_empty();
  }
  if (has_results_ && main().is_empty()) reject_main("rows that are not empty, where the results are not");
}

// How the main operand lies in memory; the others are held to its sizes from here on.
void Call::lay_out(const Signature& signature) {
  const auto axis = attribute<int64_t>("axis");
  const auto order = attribute<Integers>("order"), shared = attribute<Integers>("shared");
  dims_ = main().dims();
  if (const char* const bad = Layout::make(dims_, order, axis, shared, layout_)) {
    const std::string which = bad;
    const std::string what = which == "axis" ? std::to_string(axis) + ", expected one of its axes"
                             : which == "order"
                                 ? text(numbers(order)) + ", expected a permutation of its axes"
                                 : text(numbers(shared)) + ", expected distinct axes other than that worked on";
    reject("attribute " + which + " is " + what + ", where " + text(main()));
  }
  is_shared_.assign(dims_.size(), false);
  for (size_t i = 0; i < dims_.size(); ++i) {
    const int64_t d = order.begin()[i];
    if (d == axis) axis_ = i;
    for (int64_t s : shared) is_shared_[i] = is_shared_[i] || s == d;
  }
  bool has_structure = false;
  for (const ArraySignature& operand : signature.operands) has_structure |= operand.extent == Extent::kStructure;
  if (!has_structure) {
    if (shared.size() > 0) reject("attribute shared is " + text(numbers(shared)) + ", expected to be empty");
    if (layout_.n > std::numeric_limits<int32_t>::max()) reject_main("rows short enough for 32-bit indices");
  }
  if (!signature.has("k")) return;
  length_ = attribute<int64_t>("k");
  if (length_ < 0 || length_ > layout_.n)
    reject("attribute k is " + std::to_string(length_) + ", expected 0 to " + std::to_string(layout_.n));
}

void Call::check(const ArraySignature& expected, const Array& array) {
  const Dims given = array.dims();
  Dims dims = dims_;
  if (expected.extent == Extent::kLength) {
    if (length_ == kUnknown && given.size() == dims.size()) length_ = given[axis_];
    if (length_ != kUnknown) dims[axis_] = length_;
  } else if (expected.extent == Extent::kOne) {
    dims[axis_] = 1;
  } else if (expected.extent == Extent::kStructure) {
    dims.clear();
    for (size_t i = 0; i < dims_.size(); ++i) {
      if (!is_shared_[i] || given.size() == dims_.size()) dims.push_back(is_shared_[i] ? 1 : dims_[i]);
    }
  }
  const ffi::DataType type = expected.type == Type::kBool    ? ffi::PRED
                             : expected.type == Type::kIndex ? ffi::S32
                                                             : main().type();
  if (array.type() != type || given != dims) reject(text(array) + ", expected " + text(type) + text(dims));
}

std::unique_ptr<ffi::Ffi> make_handler(const char* name, const Signature& signature, Kernel kernel) {
  const auto run = [name, signature, kernel](ffi::ThreadPool pool, ffi::RemainingArgs operands, ffi::RemainingRets results,
                                             ffi::Dictionary attributes) -> ffi::Error {
    try {
      const Call call(name, signature, pool, operands, results, attributes);
      if (call.has_results()) kernel(call);
      return ffi::Error::Success();
    } catch (const Invalid& error) {
      return ffi::Error(ffi::ErrorCode::kInvalidArgument, error.what());
    } catch (const std::bad_alloc&) {
      return ffi::Error(ffi::ErrorCode::kResourceExhausted, std::string(name) + ": no memory for scratch space.");
    } catch (const std::exception& error) {
      return ffi::Error(ffi::ErrorCode::kInternal, std::string(name) + ": " + error.what());
    }
  };
  return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().RemainingArgs().RemainingRets().Attrs().To(run);
}

}  // namespace sortax
