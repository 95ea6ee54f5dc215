// Each element replaced by the mean of its run along an axis, or by its residual, what it is above that mean.
//
// Contract: run_starts (True where a run of equal elements starts) and v as in layout.h; out like v. Sums are accumulated in
// double and rounded once; a run of one element is copied bit by bit, and its residual is zero. Allocates nothing of the
// size of the data.

#pragma once

#include <cmath>
#include <cstring>

#include "core/dtypes.h"
#include "core/layout.h"
#include "core/parallel.h"

namespace sortax {

inline constexpr int64_t kRunMeanTask = int64_t(1) << 15;  // elements worth handing to a thread

// The mean of v[0], v[step], ..., of which there are `size`.
template <class D>
SORTAX_INLINE typename D::Wide mean_of(const typename D::Element* v, int64_t step, int64_t size) {
  using Wide = typename D::Wide;
  // Four sums take turns, so that an addition need not wait for the one before it. From -0, a sum of -0 stays what it is.
  Wide sums[4] = {-Wide(), -Wide(), -Wide(), -Wide()};
  int64_t k = 0;
  for (; k + 4 <= size; k += 4) {
    for (int64_t s = 0; s < 4; ++s) sums[s] += D::widen(v[(k + s) * step]);
  }
  for (; k < size; ++k) sums[0] += D::widen(v[k * step]);
  const Wide mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / double(size);
  if (std::isfinite(std::abs(mean))) return mean;
  // A sum of the largest doubles overflows where their mean, which an update at a time finds, does not.
  Wide careful = D::widen(v[0]);
  for (k = 1; k < size; ++k) {
    const double share = 1.0 / double(k + 1);
    careful += D::widen(v[k * step]) * share - careful * share;
  }
  return std::isfinite(std::abs(careful)) ? careful : mean;
}

template <class D, bool kResidual>
void run_mean(const Workers& workers, const Layout& layout, const bool* run_starts, const void* from, void* to) {
  using E = typename D::Element;
  using Wide = typename D::Wide;
  const int64_t n = layout.n, inner = layout.inner, rows = layout.rows();
  // A long row is cut anywhere; a chunk owns the runs that start in it.
  const Split chunks{n, std::max<int64_t>(std::min(n / kRunMeanTask, workers.count * 4), 1)};
  const auto run_chunk = [&](int64_t r, int64_t chunk) {
    const bool* const start = run_starts + layout.structure_start(r);
    const E* const in = static_cast<const E*>(from) + layout.start(r);
    E* const out = static_cast<E*>(to) + layout.start(r);
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
    int64_t j = chunks.begin(chunk);
    const int64_t last = chunks.begin(chunk + 1);
    while (j < last && !starts_at(j)) ++j;
    while (j < last) {
      const int64_t end = end_of_run(j);
      if (end == j + 1) {
        out[j * inner] = kResidual ? D::round(Wide()) : in[j * inner];
      } else {
        const Wide mean = mean_of<D>(in + j * inner, inner, end - j);
        const E rounded = D::round(mean);
        for (int64_t k = j; k < end; ++k) {
          out[k * inner] = kResidual ? D::round(Wide(D::widen(in[k * inner])) - mean) : rounded;
        }
      }
      j = end;
    }
  };
  // One chunk of a row, or all rows of a range: chunks that lie together are the same task's.
  const int64_t most = std::max<int64_t>(workers.count * 4 / chunks.count, 1);
  const Split ranges{rows, rows * n < kRunMeanTask ? 1 : std::min(rows, most)};
  for_each(workers, ranges.count * chunks.count, [&](int64_t t) {
    const int64_t range = t / chunks.count;
    for (int64_t r = ranges.begin(range); r < ranges.begin(range + 1); ++r) run_chunk(r, t % chunks.count);
  });
}

}  // namespace sortax
