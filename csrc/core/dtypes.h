// Element types that are computed with: how to widen to, and round from, the type that accumulates.

#pragma once

#include <complex>
#include <cstdint>
#include <cstring>

namespace sortax {

template <class T, class Sum>
struct Plain {
  using Element = T;
  using Wide = Sum;
  static Wide widen(T x) { return Wide(x); }
  static T round(Wide x) { return T(x); }
};

inline float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

struct BFloat16 {
  using Element = uint16_t;
  using Wide = double;
  static Wide widen(uint16_t x) { return float_of(uint32_t(x) << 16); }
  static uint16_t round(Wide x) {
    const uint32_t bits = bits_of(float(x));
    if ((bits & 0x7fffffffu) > 0x7f800000u) return uint16_t(bits >> 16 | 0x40);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};

struct Float16 {
  using Element = uint16_t;
  using Wide = double;
  static Wide widen(uint16_t x) {
    const uint32_t sign = uint32_t(x & 0x8000u) << 16, exponent = x >> 10 & 31u, mantissa = x & 0x3ffu;
    if (exponent == 31) return float_of(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) return (sign ? -1.0 : 1.0) * double(mantissa) * 0x1p-24;
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
  }
  static uint16_t round(Wide wide) {
    const uint32_t bits = bits_of(float(wide));
    const uint16_t sign = uint16_t(bits >> 16 & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);
    // Below 2^-14 the spacing is fixed: adding one half makes the hardware round at that spacing, to even.
    if (magnitude < 0x38800000u) return uint16_t(sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u));
    return uint16_t(sign | ((magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000u) >> 13));
  }
};

}  // namespace sortax
