// The handlers of what is linear along an axis, under a structure, and of isotonic regression: see the headers.

#include "ffi/dispatch.h"
#include "linear/isotonic.h"
#include "linear/linear_scan.h"
#include "linear/middle_of_run.h"
#include "linear/permute.h"
#include "linear/run_mean.h"

namespace sortax {

// A linear kernel of an array v: its structure, whose name and type differ, and an attribute of its own.
static Signature linear(const char* structure, Type type, const char* v, const char* attribute) {
  return {{{structure, Extent::kStructure, type}, {v, Extent::kMain}}, {{"out", Extent::kSame}}, {attribute}};
}

template <size_t kSize>
static bool permute_as(const Call& call, bool transpose) {
  using E = Bytes<kSize>;
  const auto run = transpose ? permute_rows<E, true> : permute_rows<E, false>;
  return run(call.workers(), call.layout(), call.operand<int32_t>(0), call.operand<E>(1), call.result<E>(0));
}

// Elements are only moved, so that any type serves, even one that the table lacks.
static bool permute_by_width(const Call& call, bool transpose) {
  switch (ffi::ByteWidth(call.main().type())) {
    case 1: return permute_as<1>(call, transpose);
    case 2: return permute_as<2>(call, transpose);
    case 4: return permute_as<4>(call, transpose);
    case 8: return permute_as<8>(call, transpose);
    case 16: return permute_as<16>(call, transpose);
    default: call.reject_main("elements of 1 to 16 bytes");
  }
}

static void permute(const Call& call) {
  if (!permute_by_width(call, call.attribute<bool>("transpose")))
    call.reject("operand order has an index outside 0 to " + std::to_string(call.layout().n - 1) +
                "; the indices must be a permutation");
}

static void run_mean(const Call& call) {
  const bool residual = call.attribute<bool>("residual");
  by_type<kHalf | kReal | kComplex>(call, "elements of a floating or complex type", [&](auto tag) {
    using D = decltype(tag);
    const auto run = residual ? run_mean<D, true> : run_mean<D, false>;
    run(call.workers(), call.layout(), call.operand<bool>(0), call.operand<void>(1), call.result<void>(0));
  });
}

static const Signature kMiddleOfRun{
    {{"run_starts", Extent::kStructure, Type::kBool}, {"x", Extent::kMain}}, {{"out", Extent::kSame}}, {}};

static void middle_of_run(const Call& call) {
  by_type<kReal>(call, "elements of type F32 or F64", [&](auto tag) {
    using E = typename decltype(tag)::Element;
    middle_of_run<E>(call.workers(), call.layout(), call.operand<bool>(0), call.operand<E>(1), call.result<E>(0));
  });
}

static void linear_scan(const Call& call) {
  const bool reverse = call.attribute<bool>("reverse");
  by_type<kHalf | kReal | kComplex>(call, "elements of a floating or complex type", [&](auto tag) {
    using D = decltype(tag);
    const auto run = reverse ? linear_scan<D, true> : linear_scan<D, false>;
    run(call.workers(), call.layout(), call.operand<void>(0), call.operand<void>(1), call.result<void>(0));
  });
}

static const Signature kIsotonic{{{"component_starts", Extent::kStructure, Type::kBool},
                                  {"rates", Extent::kOne},
                                  {"s", Extent::kSame},
                                  {"w", Extent::kMain}},
                                 {{"block_starts", Extent::kSame, Type::kBool}},
                                 {"fit"}};

static void isotonic(const Call& call) {
  // In the order of the fits in isotonic.py.
  const int32_t fit = call.attribute<int32_t>("fit");
  if (fit < 0 || fit > 2) call.reject("attribute fit is " + std::to_string(fit) + ", expected 0, 1 or 2");
  by_type<kHalf | kReal>(call, "elements of a real floating type", [&](auto tag) {
    using D = decltype(tag);
    const auto run = fit == 0   ? isotonic_rows<D, MeanBlock>
                     : fit == 1 ? isotonic_rows<D, KlBlock>
                                : isotonic_rows<D, WeightedBlock>;
    run(call.workers(), call.layout(), call.operand<bool>(0), call.operand<void>(1), call.operand<void>(2),
        call.operand<void>(3), call.result<bool>(0));
  });
}

}  // namespace sortax

SORTAX_HANDLER(permute, sortax::linear("order", sortax::Type::kIndex, "v", "transpose"))
SORTAX_HANDLER(run_mean, sortax::linear("run_starts", sortax::Type::kBool, "v", "residual"))
SORTAX_HANDLER(middle_of_run, sortax::kMiddleOfRun)
SORTAX_HANDLER(linear_scan, sortax::linear("a", sortax::Type::kSame, "b", "reverse"))
SORTAX_HANDLER(isotonic, sortax::kIsotonic)
