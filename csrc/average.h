// Each element replaced by the mean of its run along an axis.
//
// Contract: starts (True where a run starts) and v as in layout.h; out like v. Sums are accumulated in double; a run of
// one element is copied bit by bit. Allocates nothing of the size of the data.

#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>

#include "layout.h"
#include "parallel.h"

namespace sortax {

inline constexpr int64_t kAverageTask = int64_t(1) << 15;  // elements worth handing to a thread

// Element types: how to widen to, and round from, the type that accumulates.
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

template <class F>
void average_rows(const Workers& workers, const Layout& layout, const bool* starts, const void* from, void* to) {
  using E = typename F::Element;
  using Wide = typename F::Wide;
  const int64_t n = layout.n, inner = layout.inner, rows = layout.outer * inner;
  // A long row is cut anywhere; a piece owns the runs that start in it.
  const int64_t pieces = std::max<int64_t>(std::min(n / kAverageTask, workers.count * 4), 1);
  const Split cuts{n, pieces};
  const Split tasks{rows, rows * n < kAverageTask ? 1 : std::min(rows, std::max<int64_t>(workers.count * 4 / pieces, 1))};
  for_each(workers, tasks.parts * pieces, [&](int64_t t) {
    const int64_t task = t / pieces, piece = t % pieces;
    for (int64_t r = tasks.begin(task); r < tasks.begin(task + 1); ++r) {
      const int64_t o = r / inner, i = r % inner;
      const bool* const start = starts + layout.outer_offset(o) + layout.inner_offset(i);
      const E* const in = static_cast<const E*>(from) + o * n * inner + i;
      E* const out = static_cast<E*>(to) + o * n * inner + i;
      const auto starts_at = [&](int64_t j) { return j == 0 || start[j * layout.step]; };
      int64_t j = cuts.begin(piece);
      const int64_t last = cuts.begin(piece + 1);
      while (j < last && !starts_at(j)) ++j;
      while (j < last) {
        int64_t end = j + 1;
        while (end < n && !starts_at(end)) ++end;
        if (end == j + 1) {
          out[j * inner] = in[j * inner];
        } else {
          Wide mean = F::widen(in[j * inner]);
          for (int64_t k = j + 1; k < end; ++k) mean += F::widen(in[k * inner]);
          mean /= double(end - j);
          // A sum of the largest doubles overflows where their mean, which an update at a time finds, does not.
          if (!std::isfinite(std::abs(mean))) {
            Wide careful = F::widen(in[j * inner]);
            for (int64_t k = j + 1; k < end; ++k) {
              const double part = 1.0 / double(k - j + 1);
              careful += F::widen(in[k * inner]) * part - careful * part;
            }
            if (std::isfinite(std::abs(careful))) mean = careful;
          }
          const E rounded = F::round(mean);
          for (int64_t k = j; k < end; ++k) out[k * inner] = rounded;
        }
        j = end;
      }
    }
  });
}

}  // namespace sortax
