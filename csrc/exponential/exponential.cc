// The handlers of exponential kernel sums, of the inverse of the CDF, and of the masses between its edges.
//
// Contract: terms as four numbers each, of arrays of float or double; see kernel_sum.h, inverse_cdf.h and bin_masses.h.

#include "exponential/bin_masses.h"
#include "exponential/inverse_cdf.h"
#include "exponential/kernel_sum.h"
#include "ffi/dispatch.h"

namespace sortax {

static ExponentialSum terms_of(const Call& call) {
  const auto numbers = call.attribute<ffi::Span<const double>>("terms");
  if (numbers.size() == 0 || numbers.size() % 4 != 0)
    call.reject("attribute terms has " + std::to_string(numbers.size()) + " numbers, expected four for each term");
  return {numbers.begin(), numbers.size()};
}

static const Signature kKernelSum{
    {{"z", Extent::kStructure}, {"v", Extent::kMain}}, {{"out", Extent::kSame}}, {"terms", "odd"}};

static void kernel_sum(const Call& call) {
  const ExponentialSum kernel = terms_of(call);
  const bool odd = call.attribute<bool>("odd");
  by_type<kReal>(call, "elements of type F32 or F64", [&](auto tag) {
    using E = typename decltype(tag)::Element;
    kernel_sum<E>(call.workers(), call.layout(), kernel, odd, call.operand<E>(0), call.operand<E>(1), call.result<E>(0));
  });
}

static const Signature kInverseCdf{
    {{"levels", Extent::kLength, Type::kIndex}, {"z", Extent::kMain}},
    {{"below", Extent::kLength, Type::kIndex}, {"offset", Extent::kLength}, {"low", Extent::kLength}},
    {"terms"}};

static void inverse_cdf(const Call& call) {
  const Layout& layout = call.layout();
  const int64_t count = call.length();
  if (count != 1 && count != layout.n)
    call.reject("operand levels has " + std::to_string(count) + " for each row, expected one or as many as elements");
  const ExponentialSum tail = terms_of(call);
  by_type<kReal>(call, "elements of type F32 or F64", [&](auto tag) {
    using E = typename decltype(tag)::Element;
    const EdgeRow<E> first{call.operand<E>(1),
                           call.operand<int32_t>(0),
                           call.result<int32_t>(0),
                           call.result<E>(1),
                           call.result<E>(2),
                           layout.inner,
                           layout.n,
                           count};
    inverse_cdf(call.workers(), layout, first, tail);
  });
}

static const Signature kBinMasses{{{"below", Extent::kStructure, Type::kIndex},
                                   {"offset", Extent::kStructure},
                                   {"low", Extent::kStructure},
                                   {"z", Extent::kStructure},
                                   {"v", Extent::kMain}},
                                  {{"out", Extent::kSame}},
                                  {"terms", "slopes", "normalised", "transpose"}};

static constexpr int64_t kSteepest = 1000;  // a slope that no derivative asks for

static void bin_masses(const Call& call) {
  const ExponentialSum tail = terms_of(call);
  const Layout& layout = call.layout();
  const auto slopes = call.attribute<ffi::Span<const int64_t>>("slopes");
  const auto normalised = call.attribute<ffi::Span<const int64_t>>("normalised");
  const size_t columns = slopes.size();
  if (columns == 0 || columns > BinMassLimits::kColumns || layout.inner % int64_t(columns) != 0)
    call.reject("attribute slopes has " + std::to_string(columns) + " numbers, expected one for each of 1 to " +
                std::to_string(BinMassLimits::kColumns) + " columns");
  if (normalised.size() != columns)
    call.reject("attribute normalised has " + std::to_string(normalised.size()) + " numbers, expected " +
                std::to_string(columns));
  for (const int64_t slope : slopes) {
    if (slope < 0 || slope > kSteepest)
      call.reject("attribute slopes has " + std::to_string(slope) + ", expected 0 to " + std::to_string(kSteepest));
  }
  const BinMassOptions options{
      {slopes.begin(), slopes.end()}, {normalised.begin(), normalised.end()}, call.attribute<bool>("transpose")};
  by_type<kReal>(call, "elements of type F32 or F64", [&](auto tag) {
    using E = typename decltype(tag)::Element;
    const BinRow<E> first{call.operand<int32_t>(0),
                          call.operand<E>(1),
                          call.operand<E>(2),
                          call.operand<E>(3),
                          call.operand<E>(4),
                          call.result<E>(0),
                          layout.step,
                          layout.inner,
                          layout.n};
    bin_masses(call.workers(), layout, first, tail, options);
  });
}

}  // namespace sortax

SORTAX_HANDLER(kernel_sum, sortax::kKernelSum)
SORTAX_HANDLER(inverse_cdf, sortax::kInverseCdf)
SORTAX_HANDLER(bin_masses, sortax::kBinMasses)
