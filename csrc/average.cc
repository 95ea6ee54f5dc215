// The handler of the average primitive: each element replaced by the mean of its run along an axis.
//
// Contract: starts (bool, True where a run starts) and v as in layout.h; out like v. float16, bfloat16, float32 and
// float64, and complex numbers as pairs of floats. Sums are accumulated in double; a run of one element is copied bit by
// bit. Allocates nothing of the size of the data.

#include <complex>
#include <cstring>

#include "ffi.h"
#include "layout.h"

namespace sortax {
namespace {

constexpr int64_t kTaskElements = int64_t(1) << 15;

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
  const int64_t pieces = std::max<int64_t>(std::min(n / kTaskElements, workers.count * 4), 1);
  const Split cuts{n, pieces};
  const Split tasks{rows, rows * n < kTaskElements ? 1 : std::min(rows, std::max<int64_t>(workers.count * 4 / pieces, 1))};
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
        Wide sum = F::widen(in[j * inner]);
        int64_t end = j + 1;
        for (; end < n && !starts_at(end); ++end) sum += F::widen(in[end * inner]);
        if (end == j + 1) {
          out[j * inner] = in[j * inner];
        } else {
          const E mean = F::round(sum / double(end - j));
          for (int64_t k = j; k < end; ++k) out[k * inner] = mean;
        }
        j = end;
      }
    }
  });
}

ffi::Error average(ffi::ThreadPool pool, ffi::AnyBuffer starts, ffi::AnyBuffer v, ffi::Result<ffi::AnyBuffer> out, int64_t axis,
                   ffi::Span<const int64_t> shared) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(v, axis, shared, layout)) return invalid("sortax_average: the axes do not fit the array.");
    if (v.element_count() == 0) return ffi::Error::Success();
    if (starts.element_type() != ffi::PRED) return invalid("sortax_average: starts must be boolean.");
    const Workers workers = workers_of(pool);
    const bool* const start = static_cast<const bool*>(starts.untyped_data());
    const auto run = [&](auto format) {
      average_rows<decltype(format)>(workers, layout, start, v.untyped_data(), out->untyped_data());
      return ffi::Error::Success();
    };
    switch (v.element_type()) {
      case ffi::F16: return run(Float16{});
      case ffi::BF16: return run(BFloat16{});
      case ffi::F32: return run(Plain<float, double>{});
      case ffi::F64: return run(Plain<double, double>{});
      case ffi::C64: return run(Plain<std::complex<float>, std::complex<double>>{});
      case ffi::C128: return run(Plain<std::complex<double>, std::complex<double>>{});
      default: return invalid("sortax_average: no kernel for this element type.");
    }
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_average(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_average, sortax::average,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared"));
