// One element of each run along an axis, carried to all of the run: the one that is nearest to the middle of the row.
//
// Contract: run_starts (True where a run starts; the first element always starts one) and x as in layout.h; out like x. In
// the run that holds the middle of the row it is the element there, in a run before that its last and in one after it its
// first. Allocates nothing.

#pragma once

#include "core/layout.h"
#include "core/parallel.h"

namespace sortax {

template <class E>
void middle_of_run(const Workers& workers, const Layout& layout, const bool* run_starts, const E* x, E* out) {
  constexpr int64_t kTask = int64_t(1) << 15;  // elements worth handing to a thread
  const int64_t n = layout.n, inner = layout.inner, middle = n / 2;
  if (n == 0) return;
  for_each_range(workers, share(workers, layout.rows(), layout.rows() * n, kTask), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const bool* const start = run_starts + layout.structure_start(r);
      const E* const from = x + layout.start(r);
      E* const to = out + layout.start(r);
      E carried = from[middle * inner];
      for (int64_t j = middle; j < n; ++j) {
        if (j > middle && start[j * layout.step]) carried = from[j * inner];
        to[j * inner] = carried;
      }
      carried = from[middle * inner];
      for (int64_t j = middle - 1; j >= 0; --j) {
        if (start[(j + 1) * layout.step]) carried = from[j * inner];
        to[j * inner] = carried;
      }
    }
  });
}

}  // namespace sortax
