// Order keys: unsigned integers whose order is the sort order of NumPy.
//
// Contract: elements are taken by their bits, as an unsigned integer of their width, so that types of one width share their
// code. encode() maps them to keys of that width; all NaNs share one key and -0 and +0 another, and otherwise keys are
// distinct and ordered as the values are, or the other way around in a descending order. decode() inverts it, except that
// NaN and zero come back as one representative each: the caller restores their bits (see is_special). No allocation, no
// floating-point instruction.

#pragma once

#include "core/dtypes.h"

namespace sortax {

template <class Bits>
inline constexpr Bits kSignBit = Bits(Bits(1) << (8 * sizeof(Bits) - 1));

template <class Bits>
struct IntegerOrder {
  using Key = Bits;
  static constexpr bool kSpecials = false;

  Key flip;  // the bits to invert: the sign of signed integers, and all in a descending order

  Key encode(Bits x) const { return Key(x ^ flip); }
  Bits decode(Key key) const { return Bits(key ^ flip); }
  bool is_special(Key) const { return false; }
  bool is_lossy(Bits) const { return false; }
};

template <class Bits>
struct FloatOrder {
  using Key = Bits;
  static constexpr bool kSpecials = true;
  static constexpr Key kZero = kSignBit<Bits>;
  static constexpr Key kNaN = Key(~Key(0));

  Key infinity;  // the largest magnitude that is not a NaN
  Key flip;      // all ones in a descending order

  Key encode(Bits x) const {
    const Key magnitude = Key(x & Key(~kSignBit<Bits>));
    const Key bits = magnitude == 0 ? Key(0) : x;
    const Key key = bits & kSignBit<Bits> ? Key(~bits) : Key(bits | kSignBit<Bits>);
    return Key((magnitude > infinity ? kNaN : key) ^ flip);
  }
  Bits decode(Key flipped) const {
    const Key key = Key(flipped ^ flip);
    return key & kSignBit<Bits> ? Bits(key ^ kSignBit<Bits>) : Bits(~key);
  }

  // Keys that several bit patterns share: the pattern must be fetched from the input.
  bool is_special(Key flipped) const {
    const Key key = Key(flipped ^ flip);
    return key == kZero || key == kNaN;
  }

  // Values that decode(encode(x)) does not give back: -0 and every NaN.
  bool is_lossy(Bits x) const { return x == kSignBit<Bits> || Key(x & Key(~kSignBit<Bits>)) > infinity; }
};

// The order of a type, by its tag.
template <class D>
auto order_of(D, bool descending) {
  using Bits = typename D::Bits;
  const Bits flip = descending ? Bits(~Bits(0)) : Bits(0);
  if constexpr (D::kKind == kInteger) {
    return IntegerOrder<Bits>{Bits(flip ^ (D::kSigned ? kSignBit<Bits> : Bits(0)))};
  } else {
    return FloatOrder<Bits>{D::kInfinity, flip};
  }
}

}  // namespace sortax
