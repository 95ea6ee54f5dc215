// Exponentials and rotations of many numbers at once, in loops that compilers turn into vector instructions.
//
// Contract: logarithms of positive numbers; and for z >= 0 (infinity too) exp(-rate z), or exp(-(rate + i turn) z) with
// |turn z| up to 10^6 where that is not zero; relative to the result off by a few units in the last place. What is below
// 1e-307 is zero. Allocates nothing.

#pragma once

#include "core/dtypes.h"
#include "core/isa.h"

namespace sortax {

// Adding it to a number of at most 2^51 rounds that to an integer, which is then in its low bits.
inline constexpr double kRounder = 0x1.8p52;

SORTAX_INLINE double exp_negative(double z) {
  const double x = z < 707.0 ? -z : -707.0;
  const double shifted = x * 1.4426950408889634 + kRounder, n = shifted - kRounder;
  const double r = (x - n * 0x1.62e42fefap-1) - n * 0x1.cf79abc9e3b3ap-40;
  // Taylor's series, by pairs of terms: |r| is at most log(2) / 2.
  const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const double a = (1.0 + r) + r2 * (1.0 / 2 + r * (1.0 / 6));
  const double b = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040));
  const double c = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800));
  const double d = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
  const double mantissa = (a + r4 * b) + r8 * (c + r4 * d);
  const int64_t exponent = bits_as<int64_t>(shifted) - bits_as<int64_t>(kRounder) + 1023;
  const double y = mantissa * bits_as<double>(exponent << 52);
  return z < 707.0 ? y : 0.0;
}

// The natural logarithm of a positive number that is neither subnormal nor infinite.
SORTAX_INLINE double log_positive(double x) {
  // x = 2^k (1 + f), with 1 + f between the square roots of 1/2 and 2.
  constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcd, kOne = 0x3ff0000000000000;
  const uint64_t bits = bits_as<uint64_t>(x), biased = (bits - kRootHalf + kOne) >> 52;
  const double k = bits_as<double>(biased | bits_as<uint64_t>(0x1p52)) - (0x1p52 + 1023.0);
  const double f = bits_as<double>(bits - (biased << 52) + kOne) - 1.0;
  // log(1 + f) = 2 artanh(s).
  const double s = f / (2.0 + f), z = s * s;
  double series = 0.0;
#pragma GCC unroll 16
  for (int j = 21; j > 1; j -= 2) series = z * (1.0 / j + series);
  return k * 0x1.62e42fefap-1 + (2.0 * s + (2.0 * s * series + k * 0x1.cf79abc9e3b3ap-40));
}

SORTAX_INLINE void rotation(double angle, double& cosine, double& sine) {
  const double shifted = angle * 0.6366197723675814 + kRounder, n = shifted - kRounder;
  // A quarter turn in three parts, of which the first two have room for n.
  const double r = ((angle - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
  const double s = r * r;
  const double odd =
      r + r * s *
              (-1.0 / 6 +
               s * (1.0 / 120 +
                    s * (-1.0 / 5040 + s * (1.0 / 362880 + s * (-1.0 / 39916800 +
                                                                s * (1.0 / 6227020800.0 + s * (-1.0 / 1307674368000.0)))))));
  const double even =
      1.0 +
      s * (-1.0 / 2 +
           s * (1.0 / 24 +
                s * (-1.0 / 720 + s * (1.0 / 40320 +
                                       s * (-1.0 / 3628800 + s * (1.0 / 479001600 + s * (-1.0 / 87178291200.0 +
                                                                                         s * (1.0 / 20922789888000.0))))))));
  const int64_t quarter = bits_as<int64_t>(shifted);
  const bool swapped = (quarter & 1) != 0;
  const double c = swapped ? odd : even, d = swapped ? even : odd;
  cosine = ((quarter + 1) & 2) != 0 ? -c : c;
  sine = (quarter & 2) != 0 ? -d : d;
}

// Multiplies the sizes in `real` by rotations through -turn z; to be called through vectorized.
SORTAX_INLINE void rotate(const double* z, int64_t count, double turn, double* real, double* imaginary) {
  for (int64_t i = 0; i < count; ++i) {
    double cosine, sine;
    const double size = real[i];
    rotation(size == 0.0 ? 0.0 : turn * z[i], cosine, sine);
    real[i] = size * cosine;
    imaginary[i] = -size * sine;
  }
}

// Of `count` numbers, to be called through vectorized; `imaginary` is written only where there is a turn.
template <bool kTurns>
SORTAX_INLINE void decays(const double* z, int64_t count, double rate, double turn, double* real, double* imaginary) {
  for (int64_t i = 0; i < count; ++i) real[i] = exp_negative(rate * z[i]);
  if constexpr (kTurns) rotate(z, count, turn, real, imaginary);
}

}  // namespace sortax
