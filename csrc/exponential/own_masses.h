// The mass of each element of a row in the bin that it lies in, where the CDF is not a sum of exponentials.
//
// Contract: as in bin_masses.h, with room for as many numbers as there are elements in `positions`, and for one more in
// `edges`. Allocates nothing.

#pragma once

#include "core/parallel.h"
#include "exponential/bin_row.h"
#include "exponential/positions.h"

namespace sortax {

template <class E>
class OwnMasses {
 public:
  OwnMasses(const Workers& workers, const BinRow<E>& row, bool transpose, bool logistic, double* positions, double* edges)
      : row_(row), transpose_(transpose), logistic_(logistic), position_(positions), edge_(edges) {
    find_positions([&](int64_t j) { return row.gap(j); }, row.n, positions);
    for_each_range(workers, ranges(workers), [&](int64_t first, int64_t last) {
      vectorized<find_edges>(row.below, row.offset, row.low, row.step, row.n, first, last, position_, edge_);
    });
    edge_[row.n] = kNone;
  }

  // Adds them for the column of that number.
  void add_to(double* total, int64_t column, const Workers& workers) const {
    for_each_range(workers, ranges(workers), [&](int64_t first, int64_t last) { add_to(total, column, first, last); });
  }

 private:
  static constexpr double kNone = std::numeric_limits<double>::infinity();

  Split ranges(const Workers& workers) const { return share(workers, row_.n, row_.n, BinMassLimits::kTask); }

  // Where the edges from `first` to `last` are; kNone for one at infinity.
  static SORTAX_INLINE void find_edges(const int32_t* below, const E* offset, const E* low, int64_t step, int64_t n,
                                       int64_t first, int64_t last, const double* position, double* __restrict edge) {
    for (int64_t i = first; i < last; ++i) {
      const double at = double(offset[i * step]) + double(low[i * step]);
      const int64_t anchor = int64_t(below[i * step]) - (at < 0 ? 0 : 1);
      const bool is_finite = at < kNone && at > -kNone;
      edge[i] = is_finite ? position[anchor < 0 ? 0 : anchor < n ? anchor : n - 1] + offset_in_positions(at) : kNone;
    }
  }

  // How much of each element lies in its bin, from how far above the lower edge and below the upper one it is.
  static SORTAX_INLINE void find_shares(const double* before, const double* after, int64_t count, bool logistic,
                                        double* __restrict share) {
    for (int64_t c = 0; c < count; ++c) share[c] = centred_cdf(before[c], logistic) + centred_cdf(after[c], logistic);
  }

  // Of a range of bins.
  void add_to(double* total, int64_t column, int64_t first, int64_t last) const {
    BinBlock before, after, share;
    std::array<int64_t, BinMassLimits::kBlock> bins;
    int64_t bin = first, next = first_of(bin + 1), count = 0;
    const int64_t end = first_of(last);
    for (int64_t j = first_of(first); j < end; ++j) {
      while (next <= j) next = first_of(++bin + 1);
      bins[size_t(count)] = bin;
      // At infinity half of an element lies on that side.
      before[size_t(count)] = edge_[bin] < kNone ? std::max(position_[j] - edge_[bin], 0.0) : kNone;
      after[size_t(count)] = std::max(edge_[bin + 1] - position_[j], 0.0);
      if (++count < BinMassLimits::kBlock && j + 1 < end) continue;
      vectorized<find_shares>(before.data(), after.data(), count, logistic_, share.data());
      for (int64_t c = 0; c < count; ++c) {
        const int64_t element = j + 1 - count + c, own = bins[size_t(c)];
        const int64_t from = transpose_ ? own : element, to = transpose_ ? element : own;
        if (share[size_t(c)] != 0.0) total[to] += share[size_t(c)] * double(row_.v[from * row_.inner + column]);
      }
      count = 0;
    }
  }

  // The first element of a bin: the first that does not come before its lower edge.
  int64_t first_of(int64_t bin) const {
    if (bin == 0 || bin >= row_.n) return bin == 0 ? 0 : row_.n;
    return std::clamp<int64_t>(row_.below[bin * row_.step], 0, row_.n);
  }

  const BinRow<E>& row_;
  const bool transpose_, logistic_;
  double *const position_, *const edge_;
};

}  // namespace sortax
