// Order keys: unsigned integers whose order is the sort order of NumPy.
//
// Contract: encode() maps every value of T to an unsigned key; all NaNs share the largest key, -0 and +0 share one,
// and otherwise keys are distinct and ordered as the values are. decode() inverts it, except that NaN and zero come
// back as one representative each: the caller restores their bits (see is_special). Descending order is the
// complement of the key, applied by the caller through `flip`. No allocation, no floating-point instruction.

#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sortax {

// A float is sorted by its bits; these tags tell its layout. Infinity is the largest magnitude that is not a NaN.
template <class Bits, Bits Infinity>
struct FloatBits {
  Bits bits;
};
using Half = FloatBits<uint16_t, 0x7c00>;
using BFloat = FloatBits<uint16_t, 0x7f80>;
using Single = FloatBits<uint32_t, 0x7f800000u>;
using Double = FloatBits<uint64_t, 0x7ff0000000000000ull>;

template <class T>
struct Order {
  using Key = std::make_unsigned_t<T>;
  static constexpr bool kSpecials = false;
  static constexpr Key kSign = std::is_signed_v<T> ? Key(Key(1) << (8 * sizeof(T) - 1)) : Key(0);

  static Key encode(T x) { return Key(Key(x) ^ kSign); }
  static T decode(Key key) { return T(Key(key ^ kSign)); }
  static bool is_special(Key) { return false; }
  static bool is_lossy(T) { return false; }
};

template <class Bits, Bits Infinity>
struct Order<FloatBits<Bits, Infinity>> {
  using T = FloatBits<Bits, Infinity>;
  using Key = Bits;
  static constexpr bool kSpecials = true;
  static constexpr Key kSign = Key(Key(1) << (8 * sizeof(Bits) - 1));
  static constexpr Key kZero = kSign;
  static constexpr Key kNaN = Key(~Key(0));

  static Key encode(T x) {
    const Key magnitude = Key(x.bits & Key(~kSign));
    const Key bits = magnitude == 0 ? Key(0) : x.bits;
    const Key key = bits & kSign ? Key(~bits) : Key(bits | kSign);
    return magnitude > Infinity ? kNaN : key;
  }
  static T decode(Key key) { return {key & kSign ? Key(key ^ kSign) : Key(~key)}; }

  // Keys that several bit patterns share: the pattern must be fetched from the input.
  static bool is_special(Key key) { return key == kZero || key == kNaN; }

  // Values that decode(encode(x)) does not give back: -0 and every NaN.
  static bool is_lossy(T x) { return x.bits == kSign || Key(x.bits & Key(~kSign)) > Infinity; }
};

}  // namespace sortax
