// The one table of element types, and what is known of each: its bits, its order, and the type that accumulates it.
//
// Contract: a type is known by a tag. Its `Element` is what lies in memory, `Bits` the unsigned integer of that width, and
// `Wide` the type that sums are accumulated in, to which widen() is exact and from which round() rounds to nearest even.
// by_dtype calls its argument with the tag of a type that XLA names. No function here allocates.

#pragma once

#include <complex>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/isa.h"

namespace sortax {

// What can be done with a type: kHalf and kReal differ in what computes with them.
enum Kind : unsigned { kInteger = 1, kHalf = 2, kReal = 4, kComplex = 8 };

template <class T>
struct Integer {
  using Bits = std::make_unsigned_t<T>;
  static constexpr Kind kKind = kInteger;
  static constexpr bool kSigned = std::is_signed_v<T>;
};

template <class T, class Sum, Kind kind>
struct Native {
  using Element = T;
  using Wide = Sum;
  static constexpr Kind kKind = kind;
  static Wide widen(T x) { return Wide(x); }
  static T round(Wide x) { return T(x); }
};

// Of a real floating type kInfinity has the bits of infinity, which tell its format.
struct Float32 : Native<float, double, kReal> {
  using Bits = uint32_t;
  static constexpr Bits kInfinity = 0x7f800000u;
};
struct Float64 : Native<double, double, kReal> {
  using Bits = uint64_t;
  static constexpr Bits kInfinity = 0x7ff0000000000000ull;
};
using Complex64 = Native<std::complex<float>, std::complex<double>, kComplex>;
using Complex128 = Native<std::complex<double>, std::complex<double>, kComplex>;

template <class To, class From>
SORTAX_INLINE To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

struct BFloat16 {
  using Element = uint16_t;
  using Bits = uint16_t;
  using Wide = double;
  static constexpr Kind kKind = kHalf;
  static constexpr Bits kInfinity = 0x7f80;

  static Wide widen(uint16_t x) { return bits_as<float>(uint32_t(x) << 16); }
  static uint16_t round(Wide x) {
    const auto bits = bits_as<uint32_t>(float(x));
    if ((bits & 0x7fffffffu) > 0x7f800000u) return uint16_t(bits >> 16 | 0x40);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};

struct Float16 {
  using Element = uint16_t;
  using Bits = uint16_t;
  using Wide = double;
  static constexpr Kind kKind = kHalf;
  static constexpr Bits kInfinity = 0x7c00;

  static Wide widen(uint16_t x) {
    const uint32_t sign = uint32_t(x & 0x8000u) << 16, exponent = x >> 10 & 31u, mantissa = x & 0x3ffu;
    if (exponent == 31) return bits_as<float>(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) return (sign ? -1.0 : 1.0) * double(mantissa) * 0x1p-24;
    return bits_as<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  }
  static uint16_t round(Wide wide) {
    const auto bits = bits_as<uint32_t>(float(wide));
    const uint16_t sign = uint16_t(bits >> 16 & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);
    // Below 2^-14 the spacing is fixed: adding one half makes the hardware round at that spacing, to even.
    if (magnitude < 0x38800000u) return uint16_t(sign | (bits_as<uint32_t>(bits_as<float>(magnitude) + 0.5f) - 0x3f000000u));
    return uint16_t(sign | ((magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000u) >> 13));
  }
};

// Calls run with the tag of a type, or not at all where it is none of these. The enumeration is XLA's, whose headers are
// not needed here.
template <class Enumeration, class Run>
void by_dtype(Enumeration type, Run&& run) {
  switch (type) {
    case Enumeration::PRED: return run(Integer<uint8_t>{});
    case Enumeration::U8: return run(Integer<uint8_t>{});
    case Enumeration::S8: return run(Integer<int8_t>{});
    case Enumeration::U16: return run(Integer<uint16_t>{});
    case Enumeration::S16: return run(Integer<int16_t>{});
    case Enumeration::U32: return run(Integer<uint32_t>{});
    case Enumeration::S32: return run(Integer<int32_t>{});
    case Enumeration::U64: return run(Integer<uint64_t>{});
    case Enumeration::S64: return run(Integer<int64_t>{});
    case Enumeration::F16: return run(Float16{});
    case Enumeration::BF16: return run(BFloat16{});
    case Enumeration::F32: return run(Float32{});
    case Enumeration::F64: return run(Float64{});
    case Enumeration::C64: return run(Complex64{});
    case Enumeration::C128: return run(Complex128{});
    default: return;
  }
}

}  // namespace sortax
