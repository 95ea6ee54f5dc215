// One row sorted by (segment, key, position): each segment is in order by itself, the lowest first.
//
// Contract: segments are any 32-bit integers, in any order, as many as the row is long. Elements are scattered by segment
// as a long row is by the leading digit of its keys, and each segment is then sorted in cache. Ids that range far wider
// than the row is long are numbered first, by a sort of their own. Scratch: as in parallel_row.h, and a counter a segment
// and thread.

#pragma once

#include "sort/parallel_row.h"

namespace sortax {

struct SegmentLimits {
  static constexpr int64_t kSparse = 4;  // ids a row's element from which their numbers are worth a sort
};

struct Range {
  int32_t least, most;
};

SORTAX_INLINE Range range_of(const int32_t* ids, int64_t begin, int64_t end) {
  int32_t least = ids[begin], most = ids[begin];
  for (int64_t i = begin; i < end; ++i) {
    least = std::min(least, ids[i]);
    most = std::max(most, ids[i]);
  }
  return {least, most};
}

template <class O>
void sort_segments(const Workers& workers, const Row<O>& row, const int32_t* ids) {
  const Split chunks = chunks_of(workers, row.n);
  std::vector<Range> ranges(static_cast<size_t>(chunks.count));
  for_each(workers, chunks.count,
           [&](int64_t p) { ranges[size_t(p)] = vectorized<range_of>(ids, chunks.begin(p), chunks.begin(p + 1)); });
  Range range = ranges[0];
  for (const Range& r : ranges) range = {std::min(range.least, r.least), std::max(range.most, r.most)};
  if (range.least == range.most) return sort_parallel_row<O, PairRecord<O>>(workers, row);

  const int64_t wide = int64_t(range.most) - range.least + 1;
  if (wide > row.n * SegmentLimits::kSparse) {
    // The position of the first of its equals is a number for each id, in order and less than the row is long.
    Scratch<int32_t> numbers(row.n);
    IndexOutputs outputs{};
    outputs[kFirst] = numbers.data();
    const auto order = order_of(Integer<int32_t>{}, false);
    const auto* const bits = reinterpret_cast<const uint32_t*>(ids);
    sort_parallel_row<IntegerOrder<uint32_t>, Pair32>(workers, {bits, row.n, nullptr, outputs, order});
    return sort_segments(workers, row, numbers.data());
  }
  const int64_t least = range.least;
  sort_by_scatter<O, PairRecord<O>>(workers, row, chunks, wide, false,
                                    [ids, least](int64_t i, typename Row<O>::Key) { return ids[i] - least; });
}

}  // namespace sortax
