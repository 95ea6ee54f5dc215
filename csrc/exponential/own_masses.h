// The mass of each element of a row in the bin that it lies in, where the CDF is not a sum of exponentials.
//
// Contract: as in bin_masses.h, with room for as many numbers as there are elements in `room`. Allocates nothing.

#pragma once

#include "core/parallel.h"
#include "exponential/bin_row.h"
#include "exponential/positions.h"

namespace sortax {

template <class E>
class OwnMasses {
 public:
  OwnMasses(const BinRow<E>& row, bool transpose, bool logistic, double* room)
      : row_(row), transpose_(transpose), logistic_(logistic), position_(room) {
    find_positions([&](int64_t j) { return row.gap(j); }, row.n, position_);
  }

  void add_to(double* total, const Workers& workers) const {
    const Split ranges = share(workers, row_.n, row_.n, BinMassLimits::kTask);
    for_each_range(workers, ranges, [&](int64_t first, int64_t last) { add_to(total, first, last); });
  }

 private:
  // Of a range of bins.
  void add_to(double* total, int64_t first, int64_t last) const {
    BinBlock before, after;
    std::array<int64_t, BinMassLimits::kBlock> bins;
    int64_t bin = first, next = first_of(bin + 1), count = 0;
    const int64_t end = first_of(last);
    for (int64_t j = first_of(first); j < end; ++j) {
      while (next <= j) next = first_of(++bin + 1);
      bins[size_t(count)] = bin;
      before[size_t(count)] = distance(bin, j, -1), after[size_t(count)] = distance(bin + 1, j, 1);
      if (++count < BinMassLimits::kBlock && j + 1 < end) continue;
      vectorized<centred_cdf>(before.data(), count, logistic_, before.data());
      vectorized<centred_cdf>(after.data(), count, logistic_, after.data());
      for (int64_t c = 0; c < count; ++c) {
        const int64_t element = j + 1 - count + c, own = bins[size_t(c)];
        const double share = before[size_t(c)] + after[size_t(c)];
        if (share == 0.0) continue;
        const int64_t from = transpose_ ? own : element, to = transpose_ ? element : own;
        total[to] += share * double(row_.v[from * row_.inner]);
      }
      count = 0;
    }
  }

  // The first element of a bin: the first that does not come before its lower edge.
  int64_t first_of(int64_t bin) const {
    if (bin == 0 || bin >= row_.n) return bin == 0 ? 0 : row_.n;
    return std::clamp<int64_t>(row_.below[bin * row_.step], 0, row_.n);
  }

  // Of an edge from an element on the side of that sign.
  double distance(int64_t edge, int64_t j, double sign) const {
    if (edge >= row_.n || !row_.is_finite(edge)) return std::numeric_limits<double>::infinity();
    const int64_t anchor = row_.offset[edge * row_.step] < 0 ? row_.right(edge) : row_.left(edge);
    const double at = position_[anchor] + offset_in_positions(row_.precise_offset(edge));
    return std::max(sign * (at - position_[j]), 0.0);
  }

  const BinRow<E>& row_;
  const bool transpose_, logistic_;
  double* const position_;
};

}  // namespace sortax
