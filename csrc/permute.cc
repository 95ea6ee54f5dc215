// The handler of the permute primitive: gather along an axis by a permutation, or scatter back by it.
//
// Contract: order (int32) and v as in layout.h; out like v. out[j] = v[order[j]], or with `transpose`
// out[order[j]] = v[j]. Elements of 1 to 16 bytes are moved as bytes. An index outside the axis is an error and
// is never followed. Allocates nothing of the size of the data.

#include <atomic>
#include <cstring>

#include "ffi.h"
#include "layout.h"

namespace sortax {
namespace {

template <size_t Size>
struct Bytes {
  unsigned char bytes[Size];
};

constexpr int64_t kTaskElements = int64_t(1) << 15;

template <class E, bool Transpose>
bool permute_rows(const Workers& workers, const Layout& layout, const int32_t* order, const E* v, E* out) {
  const int64_t n = layout.n, inner = layout.inner;
  std::atomic<bool> in_range{true};
  const int64_t rows = layout.outer * n;
  const Split tasks{rows, std::max<int64_t>(std::min(rows * inner / kTaskElements, workers.count * 4), 1)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    bool good = true;
    int64_t row = tasks.begin(t);
    for (const int64_t last = tasks.begin(t + 1); row < last;) {
      const int64_t o = row / n, begin = row % n, end = std::min(n, begin + (last - row));
      const int32_t* const at = order + layout.outer_offset(o);
      const E* const from = v + o * n * inner;
      E* const to = out + o * n * inner;
      const auto move = [&](int64_t j, int64_t k, int64_t i) {
        if constexpr (Transpose) {
          to[k * inner + i] = from[j * inner + i];
        } else {
          to[j * inner + i] = from[k * inner + i];
        }
      };
      for (int64_t j = begin; j < end; ++j) {
        if (layout.inner_is_shared) {
          const int64_t k = at[j * layout.step];
          if (uint64_t(k) >= uint64_t(n)) {
            good = false;
            continue;
          }
          for (int64_t i = 0; i < inner; ++i) move(j, k, i);
        } else {
          for (int64_t i = 0; i < inner; ++i) {
            const int64_t k = at[j * layout.step + layout.inner_offset(i)];
            if (uint64_t(k) >= uint64_t(n)) {
              good = false;
              continue;
            }
            move(j, k, i);
          }
        }
      }
      row += end - begin;
    }
    if (!good) in_range.store(false, std::memory_order_relaxed);
  });
  return in_range.load();
}

template <size_t Size>
bool permute_as(const Workers& workers, const Layout& layout, const ffi::AnyBuffer& order, const ffi::AnyBuffer& v, ffi::AnyBuffer& out,
                bool transpose) {
  using E = Bytes<Size>;
  const auto* const at = static_cast<const int32_t*>(order.untyped_data());
  const auto* const from = static_cast<const E*>(v.untyped_data());
  auto* const to = static_cast<E*>(out.untyped_data());
  return transpose ? permute_rows<E, true>(workers, layout, at, from, to) : permute_rows<E, false>(workers, layout, at, from, to);
}

ffi::Error permute(ffi::ThreadPool pool, ffi::AnyBuffer order, ffi::AnyBuffer v, ffi::Result<ffi::AnyBuffer> out, int64_t axis,
                   ffi::Span<const int64_t> shared, bool transpose) {
  return guarded([&]() -> ffi::Error {
    Layout layout;
    if (!Layout::make(v, axis, shared, layout)) return invalid("sortax_permute: the axes do not fit the array.");
    if (v.element_count() == 0) return ffi::Error::Success();
    if (order.element_type() != ffi::S32) return invalid("sortax_permute: indices must be int32.");
    const Workers workers = workers_of(pool);
    bool in_range = false;
    switch (ffi::ByteWidth(v.element_type())) {
      case 1: in_range = permute_as<1>(workers, layout, order, v, *out, transpose); break;
      case 2: in_range = permute_as<2>(workers, layout, order, v, *out, transpose); break;
      case 4: in_range = permute_as<4>(workers, layout, order, v, *out, transpose); break;
      case 8: in_range = permute_as<8>(workers, layout, order, v, *out, transpose); break;
      case 16: in_range = permute_as<16>(workers, layout, order, v, *out, transpose); break;
      default: return invalid("sortax_permute: no kernel for this element type.");
    }
    if (!in_range) return invalid("sortax_permute: an index is outside the axis; the indices must be a permutation.");
    return ffi::Error::Success();
  });
}

}  // namespace
}  // namespace sortax

SORTAX_EXPORT XLA_FFI_Error* sortax_permute(XLA_FFI_CallFrame* call_frame);
XLA_FFI_DEFINE_HANDLER_SYMBOL(sortax_permute, sortax::permute,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("axis")
                                  .Attr<xla::ffi::Span<const int64_t>>("shared")
                                  .Attr<bool>("transpose"));
