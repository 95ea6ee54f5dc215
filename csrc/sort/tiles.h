// Rows along the middle axis of an array, in tiles of neighbours: copied to contiguous memory and shared among threads.
//
// Contract: for_each_tile calls body(workers, first, count) once for each tile of `count` rows from row `first`, which are
// neighbours; with all threads in turn where the rows are long and few, and otherwise one thread a tile. Allocates nothing.

#pragma once

#include "core/layout.h"
#include "sort/parallel_row.h"

namespace sortax {

struct TileLimits {
  static constexpr int64_t kParallel = int64_t(1) << 14;  // elements below which waking a thread costs more
  static constexpr int64_t kRows = 16;                    // neighbouring rows copied together: a cache line of floats
  static constexpr int64_t kTasks = 8;                    // tasks a thread
};

inline Split share_rows(const Workers& workers, const Grid& grid, int64_t items) {
  return share(workers, items, grid.rows() * grid.n, TileLimits::kParallel, TileLimits::kTasks);
}

inline void run_tiles(const Workers& workers, const Grid& grid, const Callable<const Workers&, int64_t, int64_t>& body) {
  if (grid.rows() == 0) return;
  const int64_t tiles_a_slab = (grid.inner + TileLimits::kRows - 1) / TileLimits::kRows;
  const int64_t tiles = grid.outer * tiles_a_slab;
  const auto run = [&](const Workers& some, int64_t t) {
    const int64_t i = t % tiles_a_slab * TileLimits::kRows;
    body(some, t / tiles_a_slab * grid.inner + i, std::min(TileLimits::kRows, grid.inner - i));
  };
  const bool are_few = grid.n >= ParallelLimits::kLong && tiles < workers.count * 4;
  for_each_item(workers, share_rows(workers, grid, tiles), are_few, run);
}

// The body is kept apart: inlined into these loops a sort is up to a seventh slower.
template <class Body>
void for_each_tile(const Workers& workers, const Grid& grid, const Body& body) {
  run_tiles(workers, grid, Callable<const Workers&, int64_t, int64_t>(body));
}

// Copies `count` neighbouring rows of length n, a stride apart, into contiguous ones; or back.
template <class E>
SORTAX_NOINLINE void gather_rows(const E* from, E* to, int64_t n, int64_t stride, int64_t count) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t r = 0; r < count; ++r) to[r * n + j] = from[j * stride + r];
  }
}
template <class E>
SORTAX_NOINLINE void scatter_rows(const E* from, E* to, int64_t n, int64_t stride, int64_t count) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t r = 0; r < count; ++r) to[j * stride + r] = from[r * n + j];
  }
}

}  // namespace sortax
