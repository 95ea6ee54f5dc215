// The mass of the CDF of each element of a sorted row in each bin, and sums of densities at the edges of the bins.
//
// Contract: below, offset, low, width and z (the structure of layout.h) are the edges of inverse_cdf.h, one for each
// element, and the distances that they were found from; v and out are like the array. With C a distribution function of
// which the tail 1 - C is an ExponentialSum, and which is exact inside a bin, out_i is the sum over j of (C(b_{i+1} - x_j) -
// C(b_i - x_j)) v_j; with a slope k > 0 that of the k-th derivative of C at b_i - x_j times v_j, which if it is normalised
// is divided by what the slowest term is at the nearest element. Or the transpose of these. Computed in double, one term
// after the other, and rounded once. Neighbouring columns that share their edges share the exponentials. Scratch for each
// row at work: 16 bytes an element, and for each column 24, or 40 where a term turns. Allocates nothing else of its size.

#pragma once

#include "core/layout.h"
#include "core/parallel.h"
#include "exponential/own_masses.h"
#include "exponential/running_sums.h"

namespace sortax {

struct BinMassOptions {
  int32_t slope;    // 0 for masses
  bool normalised;  // of slopes
  bool transpose, logistic;
};

// Each edge takes from the sums of its elements, or gives to them: those at `below` minus `before`.
template <bool kTurns>
SORTAX_INLINE void take_sums(const int32_t* below, int64_t step, int64_t n, int64_t before, int64_t count,
                             const double* real, const double* imaginary, const double* real_sums,
                             const double* imaginary_sums, double* __restrict total) {
  for (int64_t c = 0; c < count; ++c) {
    const int64_t j = below[c * step] - before, element = j < 0 ? 0 : j < n ? j : n - 1;
    const double p = real[c], q = kTurns ? imaginary[c] : 0.0;
    double sum = p * real_sums[element];
    if constexpr (kTurns) sum -= q == 0.0 ? 0.0 : q * imaginary_sums[element];
    // What is gone is nothing, be it infinite or NaN.
    total[c] += p == 0.0 && q == 0.0 ? 0.0 : sum;
  }
}

template <class E, int kColumns>
class BinMasses {
 public:
  BinMasses(const ExponentialSum& tail, const BinMassOptions& options, int64_t n)
      : tail_(tail),
        options_(options),
        before_(n + 1),
        after_(n + 1),
        sums_{Sums(n + 1, tail.turns()), Sums(n + 1, tail.turns())},
        total_(kColumns * n) {}

  void run(const Workers& workers, const BinRow<E>& row) {
    const int64_t n = row.n;
    const Split ranges = share(workers, n, n, BinMassLimits::kTask);
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      vectorized<find_distances<E>>(row.below, row.offset, row.low, row.z, row.step, n, begin, end, before_.data(),
                                    after_.data());
      for (int c = 0; c < kColumns; ++c) std::fill_n(total(n, c) + begin, end - begin, 0.0);
    });
    before_.data()[n] = after_.data()[n] = std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < tail_.size(); ++k) {
      options_.transpose ? give(workers, ranges, row, tail_[k]) : take(workers, ranges, row, tail_[k]);
    }
    if (options_.slope == 0) {
      const OwnMasses<E> own(workers, row, options_.transpose, options_.logistic, sums_[0].real(0), sums_[1].real(0));
      for (int c = 0; c < kColumns; ++c) own.add_to(total(n, c), c, workers);
    }
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        for (int c = 0; c < kColumns; ++c) row.out[j * row.inner + c] = E(total(n, c)[j]);
      }
    });
  }

 private:
  using Sums = RunningSums<kColumns>;

  // What a block of edges has to do with the elements on one side: 0, those before an edge; 1, those after it, which a bin
  // has from its next edge.
  struct Coefficients {
    BinBlock real, imaginary;
  };

  double* total(int64_t n, int c) const { return total_.data() + c * n; }
  bool is_of_masses() const { return options_.slope == 0; }
  int64_t edge_of(int64_t i, int64_t side) const { return is_of_masses() && side == 1 ? i + 1 : i; }

  void find(const BinRow<E>& row, const Term& term, int64_t side, int64_t first, int64_t count, Coefficients& found) const {
    Complex factor(term.weight, term.phase);
    for (int32_t k = 0; k < options_.slope; ++k) factor *= Complex(term.rate, term.turn);
    if (!is_of_masses() && side == 0 && options_.slope % 2 == 0) factor = -factor;
    const bool turns = term.turn != 0.0;
    const auto run =
        is_of_masses()
            ? (turns ? vectorized<find_coefficients<E, true, true>> : vectorized<find_coefficients<E, false, true>>)
            : (turns ? vectorized<find_coefficients<E, true, false>> : vectorized<find_coefficients<E, false, false>>);
    const int64_t edge = edge_of(first, side);
    const double *const before = before_.data() + edge, *const after = after_.data() + edge;
    run(side == 0 ? before : after, before, after, options_.normalised ? tail_[0].rate : 0.0, row.width + first * row.step,
        row.step, count, term.rate, term.turn, factor.real(), factor.imag(), found.real.data(), found.imaginary.data());
  }

  template <class Body>
  void for_each_block(int64_t begin, int64_t end, const Body& body) const {
    for (int64_t i = begin; i < end; i += BinMassLimits::kBlock) body(i, std::min(BinMassLimits::kBlock, end - i));
  }

  // The edges take from the sums of the elements on both sides.
  void take(const Workers& workers, const Split& ranges, const BinRow<E>& row, const Term& term) const {
    const int64_t n = row.n;
    const bool turns = term.turn != 0.0;
    for_each(workers, 2, [&](int64_t side) {
      const Sums& sums = sums_[size_t(side)];
      for (int c = 0; c < kColumns; ++c) {
        for (int64_t j = 0; j < n; ++j) sums.real(c)[j] = double(row.v[j * row.inner + c]);
        if (turns) std::fill_n(sums.imaginary(c), n, 0.0);
      }
      scan_sums([&](int64_t j) { return row.gap(j); }, n, term, side == 1, sums);
    });
    const auto run = turns ? vectorized<take_sums<true>> : vectorized<take_sums<false>>;
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      for_each_block(begin, end, [&](int64_t first, int64_t whole) {
        Coefficients found;
        for (int64_t side = 0; side < 2; ++side) {
          const int64_t edge = edge_of(first, side), count = std::min(whole, n - edge);
          const Sums& sums = sums_[size_t(side)];
          find(row, term, side, first, count, found);
          for (int c = 0; c < kColumns; ++c) {
            run(row.below + edge * row.step, row.step, n, 1 - side, count, found.real.data(), found.imaginary.data(),
                sums.real(c), turns ? sums.imaginary(c) : nullptr, total(n, c) + first);
          }
        }
      });
    });
  }

  // The edges give to the elements on both sides, which pass it on.
  void give(const Workers& workers, const Split& ranges, const BinRow<E>& row, const Term& term) const {
    const int64_t n = row.n;
    const bool turns = term.turn != 0.0;
    for_each(workers, 2, [&](int64_t side) {
      const Sums& sums = sums_[size_t(side)];
      for (int c = 0; c < kColumns; ++c) {
        std::fill_n(sums.real(c), n, 0.0);
        if (turns) std::fill_n(sums.imaginary(c), n, 0.0);
      }
      for_each_block(0, n, [&](int64_t first, int64_t whole) {
        Coefficients found;
        const int64_t edge = edge_of(first, side), count = std::min(whole, n - edge);
        find(row, term, side, first, count, found);
        for (int64_t i = 0; i < count; ++i) {
          const double p = found.real[size_t(i)], q = turns ? found.imaginary[size_t(i)] : 0.0;
          if (p == 0.0 && q == 0.0) continue;
          const int64_t element = std::clamp<int64_t>(row.below[(edge + i) * row.step] + side - 1, 0, n - 1);
          for (int c = 0; c < kColumns; ++c) {
            const double u = double(row.v[(first + i) * row.inner + c]);
            sums.real(c)[element] += p * u;
            if (turns) sums.imaginary(c)[element] += q * u;
          }
        }
      });
      scan_sums([&](int64_t j) { return row.gap(j); }, n, term, side == 0, sums);
    });
    for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
      for (int c = 0; c < kColumns; ++c) {
        const double *const before = sums_[0].real(c), *const after = sums_[1].real(c);
        for (int64_t j = begin; j < end; ++j) total(n, c)[j] += before[j] + after[j];
      }
    });
  }

  const ExponentialSum& tail_;
  const BinMassOptions options_;
  const Scratch<double> before_, after_;
  const std::array<Sums, 2> sums_;
  const Scratch<double> total_;
};

// The columns from `begin` to `end` of each row of inner elements.
template <int kColumns, class E>
void bin_masses_of_columns(const Workers& workers, const Layout& layout, const BinRow<E>& first, const ExponentialSum& tail,
                           const BinMassOptions& options, int64_t begin, int64_t end) {
  const int64_t n = layout.n, of_outer = (end - begin) / kColumns, rows = layout.outer * of_outer;
  const bool together = rows < workers.count;
  const Workers alone;
  const auto run = [&](int64_t from, int64_t to) {
    BinMasses<E, kColumns> masses(tail, options, n);
    for (int64_t r = from; r < to; ++r) {
      const int64_t outer = r / of_outer, inner = begin + r % of_outer * kColumns;
      BinRow<E> row = first;
      const int64_t structure = layout.outer_offset(outer) + layout.inner_offset(inner);
      row.below += structure, row.offset += structure, row.low += structure, row.width += structure, row.z += structure;
      const int64_t start = outer * n * layout.inner + inner;
      row.v += start, row.out += start;
      masses.run(together ? workers : alone, row);
    }
  };
  if (rows > 0)
    for_each_range(workers, together ? Split{rows, 1} : share(workers, rows, rows * n, BinMassLimits::kTask), run);
}

template <class E>
void bin_masses(const Workers& workers, const Layout& layout, const BinRow<E>& first, const ExponentialSum& tail,
                const BinMassOptions& options) {
  if (layout.n == 0) return;
  constexpr int kColumns = BinMassLimits::kColumns;
  const int64_t paired = layout.inner_is_shared ? layout.inner / kColumns * kColumns : 0;
  bin_masses_of_columns<kColumns>(workers, layout, first, tail, options, 0, paired);
  bin_masses_of_columns<1>(workers, layout, first, tail, options, paired, layout.inner);
}

}  // namespace sortax
