// The checks of call.h, and the one handler that all kernels share: compiled once, because XLA's templates take long.

#include "ffi/call.h"

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

void Call::expect_counts(size_t least_operands, size_t most_operands, size_t results, size_t attributes) const {
  expect_count("operands", operands_.size(), least_operands, most_operands);
  expect_count("results", results_.size(), results, results);
  // An attribute that the kernel does not read may ask for what it does not do.
  expect_count("attributes", attributes_.size(), attributes, attributes);
}

void Call::expect_count(const char* what, size_t given, size_t least, size_t most) const {
  if (given >= least && given <= most) return;
  const std::string expected = std::to_string(least) + (least == most ? "" : " to " + std::to_string(most));
  reject("there are " + std::to_string(given) + " " + what + ", expected " + expected);
}

Array Call::operand(size_t i, const char* name) const { return {"operand", name, *operands_.get<ffi::AnyBuffer>(i)}; }

Array Call::result(size_t i, const char* name) const { return {"result", name, **results_.get<ffi::AnyBuffer>(i)}; }

Layout Call::layout_of(const Array& main) {
  const auto axis = attribute<int64_t>("axis");
  const auto order = attribute<Integers>("order"), shared = attribute<Integers>("shared");
  Layout layout;
  main_ = main.dims();
  if (const char* const bad = Layout::make(main_, order, axis, shared, layout)) {
    const bool is_axis = bad == std::string("axis"), is_order = bad == std::string("order");
    const std::string given = is_axis ? std::to_string(axis) : text(numbers(is_order ? order : shared));
    const char* const expected = is_axis    ? "one of its axes"
                                 : is_order ? "a permutation of its axes"
                                            : "distinct axes of it other than the axis worked on";
    reject(std::string("attribute ") + bad + " is " + given + ", expected " + expected + ", where " + text(main));
  }
  is_shared_.assign(main_.size(), false);
  for (size_t i = 0; i < main_.size(); ++i) {
    const int64_t d = order.begin()[i];
    if (d == axis) axis_ = i;
    for (int64_t s : shared) is_shared_[i] = is_shared_[i] || s == d;
  }
  return layout;
}

Layout Call::layout_of_indexed(const Array& main) {
  const Layout layout = layout_of(main);
  const auto shared = attribute<Integers>("shared");
  if (shared.size() > 0) reject("attribute shared is " + text(numbers(shared)) + ", expected to be empty");
  if (layout.n > std::numeric_limits<int32_t>::max()) reject(text(main) + ", whose rows are too long for 32-bit indices");
  return layout;
}

void Call::expect(const Array& array, ffi::DataType type, const Dims& dims) const {
  if (array.type() != type || array.dims() != dims) reject(text(array) + ", expected " + text(type) + text(dims));
}

int64_t Call::expect_along_axis(const Array& array, ffi::DataType type, int64_t size) const {
  Dims dims = main_;
  const Dims given = array.dims();
  if (size != kAnySize) {
    dims[axis_] = size;
  } else if (given.size() == dims.size()) {
    dims[axis_] = given[axis_];
  }
  expect(array, type, dims);
  return dims[axis_];
}

void Call::expect_structure(const Array& array, ffi::DataType type) const {
  const bool is_whole = array.dims().size() == main_.size();
  Dims dims;
  for (size_t i = 0; i < main_.size(); ++i) {
    if (!is_shared_[i] || is_whole) dims.push_back(is_shared_[i] ? 1 : main_[i]);
  }
  expect(array, type, dims);
}

void Call::reject_type(const Array& array, const char* expected) const {
  reject(text(array) + ", expected elements of " + expected);
}

void Call::reject(const std::string& what) const { throw Invalid(std::string(kernel_) + ": " + what + "."); }

std::unique_ptr<ffi::Ffi> make_handler(const char* name, Kernel kernel) {
  const auto run = [name, kernel](ffi::ThreadPool pool, ffi::RemainingArgs operands, ffi::RemainingRets results,
                                  ffi::Dictionary attributes) -> ffi::Error {
    try {
      Call call(name, pool, operands, results, attributes);
      kernel(call);
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
