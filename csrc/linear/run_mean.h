// Each element replaced by the mean of its run along an axis, or by what it is off that mean.
//
// Contract: starts (True where a run starts) and v as in layout.h; out like v. Sums are accumulated in double and rounded
// once; a run of one element is copied bit by bit, and off its mean by zero. Allocates nothing of the size of the data.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/dtypes.h"
#include "core/layout.h"
#include "core/parallel.h"

namespace sortax {

inline constexpr int64_t kAverageTask = int64_t(1) << 15;  // elements worth handing to a thread

template <class F, bool kDeviation>
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
      const auto end_of_run = [&](int64_t j) {
        int64_t end = j + 1;
        if (layout.step == 1 && end < n && !starts_at(end)) {
          const void* const next = std::memchr(start + end, true, size_t(n - end));
          return next == nullptr ? n : static_cast<const bool*>(next) - start;
        }
        while (end < n && !starts_at(end)) ++end;
        return end;
      };
      int64_t j = cuts.begin(piece);
      const int64_t last = cuts.begin(piece + 1);
      while (j < last && !starts_at(j)) ++j;
      while (j < last) {
        const int64_t end = end_of_run(j);
        if (end == j + 1) {
          out[j * inner] = kDeviation ? F::round(Wide()) : in[j * inner];
        } else {
          // Several sums, of which none waits for another; the zero that leaves a sum of -0 what it is.
          Wide sums[4] = {-Wide(), -Wide(), -Wide(), -Wide()};
          int64_t k = j;
          for (; k + 4 <= end; k += 4) {
            for (int64_t part = 0; part < 4; ++part) sums[part] += F::widen(in[(k + part) * inner]);
          }
          for (; k < end; ++k) sums[0] += F::widen(in[k * inner]);
          Wide mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / double(end - j);
          // A sum of the largest doubles overflows where their mean, which an update at a time finds, does not.
          if (!std::isfinite(std::abs(mean))) {
            Wide careful = F::widen(in[j * inner]);
            for (int64_t k = j + 1; k < end; ++k) {
              const double part = 1.0 / double(k - j + 1);
              careful += F::widen(in[k * inner]) * part - careful * part;
            }
            if (std::isfinite(std::abs(careful))) mean = careful;
          }
          if constexpr (kDeviation) {
            for (int64_t k = j; k < end; ++k) out[k * inner] = F::round(Wide(F::widen(in[k * inner])) - mean);
          } else {
            const E rounded = F::round(mean);
            for (int64_t k = j; k < end; ++k) out[k * inner] = rounded;
          }
        }
        j = end;
      }
    }
  });
}

}  // namespace sortax
