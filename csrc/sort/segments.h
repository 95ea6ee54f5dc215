// One row sorted by (segment, key, position): each segment is in order by itself, the lowest first.
//
// Contract: segments are any 32-bit integers, in any order, as many as the row is long. Elements are scattered by segment
// as a long row is by the leading digit of its keys, and each segment is then sorted in cache. Ids that range far wider
// than the row is long are numbered first, by a sort of their own. Scratch: as in long_row, and a counter a segment and
// thread.

#pragma once

#include <algorithm>
#include <vector>

#include "sort/parallel_row.h"

namespace sortax {

struct SegmentLimits {
  static constexpr int64_t kSparse = 4;  // ids a row's element from which their numbers are worth a sort
};

struct Range {
  int32_t least, most;
};

SORTAX_CLONES inline Range range_of(const int32_t* ids, int64_t begin, int64_t end) {
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
  std::vector<Range> ranges(static_cast<size_t>(chunks.parts));
  for_each(workers, chunks.parts,
           [&](int64_t p) { ranges[size_t(p)] = range_of(ids, chunks.begin(p), chunks.begin(p + 1)); });
  Range range = ranges[0];
  for (const Range& part : ranges) range = {std::min(range.least, part.least), std::max(range.most, part.most)};
  if (range.least == range.most) return sort_long_row<O, PairRecord<O>>(workers, row);

  const int64_t wide = int64_t(range.most) - range.least + 1;
  if (wide > row.n * SegmentLimits::kSparse) {
    // The place of the first of its equals is a number for each id, in order and less than the row is long.
    Scratch<int32_t> numbers(row.n);
    Places places{};
    places[kFirst] = numbers.data();
    using Ids = IntegerOrder<uint32_t>;
    const auto* const bits = reinterpret_cast<const uint32_t*>(ids);
    sort_long_row<Ids, Pair32>(workers, Row<Ids>{bits, row.n, nullptr, places, Ids::make(true, false)});
    return sort_segments(workers, row, numbers.data());
  }
  const int64_t least = range.least;
  sort_by_scatter<O, PairRecord<O>>(workers, row, chunks, wide, false,
                                    [ids, least](int64_t i, typename Row<O>::Key) { return ids[i] - least; });
}

}  // namespace sortax
