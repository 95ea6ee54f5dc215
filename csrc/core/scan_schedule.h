// The schedule of every scan, a sequence of steps along a row each of which waits for the one before it.
//
// Contract: so that the latency of a step is hidden, up to Scan::kLanes chunks advance side by side. Where there are rows
// enough, or they are short, a chunk is a whole row. A long row is cut into chunks: the upsweep tells what each chunk makes
// of what it is given, the carry passes that on from chunk to chunk, and the downsweep writes the results. Where a row is
// cut depends on its length and on the number of threads alone. A Scan has
//
//   kLanes, kColumns, kTask       chunks side by side; elements of a row a step; elements worth waking a thread for
//   Chunk row(r)                  a whole row, with `begin` and `size`, ready to be advanced
//   Sweep(scan, longest)          room for kLanes chunks of at most that size
//     set(chunks, count)          the chunks to work on, the first of which is one of the longest
//     sweep()                     of chunks that are whole rows
//     upsweep(), downsweep()      of chunks of a long row
//   carry(sweeps)                 in between, on all sweeps of a row in order
//
// Allocates a Sweep for each thread, and for each row that is cut a list of its chunks.

#pragma once

#include <memory>
#include <vector>

#include "core/parallel.h"

namespace sortax {

inline constexpr int64_t kLeastChunk = 512;  // steps of a chunk of a row

template <class Scan>
void scan_long_row(const Workers& workers, const typename Scan::Chunk& row, int64_t groups, const Scan& scan) {
  const Split cuts{row.size, groups * Scan::kLanes};
  std::vector<typename Scan::Chunk> chunks(static_cast<size_t>(cuts.count), row);
  for (int64_t c = 0; c < cuts.count; ++c) {
    chunks[size_t(c)].begin = row.begin + cuts.begin(c);
    chunks[size_t(c)].size = cuts.begin(c + 1) - cuts.begin(c);
  }
  std::vector<std::unique_ptr<typename Scan::Sweep>> sweeps(static_cast<size_t>(groups));
  for_each(workers, groups, [&](int64_t g) {
    const typename Scan::Chunk* const own = &chunks[size_t(g * Scan::kLanes)];
    sweeps[size_t(g)] = std::make_unique<typename Scan::Sweep>(scan, own->size);
    sweeps[size_t(g)]->set(own, Scan::kLanes);
    sweeps[size_t(g)]->upsweep();
  });
  scan.carry(sweeps);
  for_each(workers, groups, [&](int64_t g) { sweeps[size_t(g)]->downsweep(); });
}

template <class Scan>
void scan_rows(const Workers& workers, int64_t rows, int64_t n, const Scan& scan) {
  constexpr int64_t kLanes = Scan::kLanes;
  if (rows == 0) return;
  if (rows < kLanes && n >= 2 * kLeastChunk) {
    const int64_t groups = std::max<int64_t>(std::min(n / Scan::kTask, workers.count), 1);
    for (int64_t r = 0; r < rows; ++r) scan_long_row(workers, scan.row(r), groups, scan);
    return;
  }
  const Split ranges = share(workers, (rows + kLanes - 1) / kLanes, rows * n * Scan::kColumns, Scan::kTask);
  for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
    typename Scan::Sweep sweep(scan, n);
    typename Scan::Chunk chunks[kLanes];
    for (int64_t g = begin; g < end; ++g) {
      const int64_t count = std::min(kLanes, rows - g * kLanes);
      for (int64_t l = 0; l < count; ++l) chunks[l] = scan.row(g * kLanes + l);
      sweep.set(chunks, count);
      sweep.sweep();
    }
  });
}

}  // namespace sortax
