// The mass of the CDF of each element of a sorted row in each bin, and sums of densities at the edges of the bins.
//
// Contract: below, offset, low, width and z (the structure of layout.h) are the edges of inverse_cdf.h, one for each
// element, and the distances that they were found from; v and out are like the array. With C a distribution function of
// which the tail 1 - C is an ExponentialSum, and which is exact inside a bin, out_i is the sum over j of (C(b_{i+1} - x_j) -
// C(b_i - x_j)) v_j; with a slope k > 0 that of the k-th derivative of C at b_i - x_j times v_j, which if it is normalised
// is divided by what the slowest term is at the nearest element. Or the transpose of these. Computed in double, one term
// after the other, and rounded once. Scratch for each row at work: 40 bytes an element. Allocates nothing else of its size.

#pragma once

#include "core/layout.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "exponential/own_masses.h"

namespace sortax {

struct BinMassOptions {
  int32_t slope;    // 0 for masses
  bool normalised;  // of slopes
  bool transpose, logistic;
};

// One term's running sums of elements, or of what the edges give them, from one side.
struct BinSums {
  explicit BinSums(int64_t n) : real_(n), imaginary_(n) {}
  double* real() const { return real_.data(); }
  double* imaginary() const { return imaginary_.data(); }

 private:
  Scratch<double> real_, imaginary_;
};

template <class E>
class BinMasses {
 public:
  BinMasses(const ExponentialSum& tail, const BinMassOptions& options, int64_t n)
      : tail_(tail), options_(options), sums_{BinSums(n), BinSums(n)}, total_(n) {}

  void run(const Workers& workers, const BinRow<E>& row) {
    const int64_t n = row.n;
    std::fill_n(total_.data(), n, 0.0);
    const Split blocks{n, (n + BinMassLimits::kBlock - 1) / BinMassLimits::kBlock};
    const Split ranges = share(workers, blocks.count, n, BinMassLimits::kTask);
    for (size_t k = 0; k < tail_.size(); ++k) {
      const Term& term = tail_[k];
      const bool turns = term.turn != 0.0;
      if (options_.transpose) {
        for_each(workers, 2, [&](int64_t side) {
          std::fill_n(sums_[size_t(side)].real(), n, 0.0);
          std::fill_n(sums_[size_t(side)].imaginary(), n, 0.0);
          for_each_block(blocks, 0, blocks.count, [&](int64_t i, int64_t count) { give(row, term, side, i, count); });
          scan(row, term, side == 0, sums_[size_t(side)]);
        });
        for (int64_t side = 0; side < 2; ++side) {
          const double* const real = sums_[size_t(side)].real();
          for (int64_t j = 0; j < n; ++j) total_.data()[j] += real[j];
        }
        continue;
      }
      for_each(workers, 2, [&](int64_t side) {
        for (int64_t j = 0; j < n; ++j) sums_[size_t(side)].real()[j] = double(row.v[j * row.inner]);
        if (turns) std::fill_n(sums_[size_t(side)].imaginary(), n, 0.0);
        scan(row, term, side == 1, sums_[size_t(side)]);
      });
      for_each_range(workers, ranges, [&](int64_t begin, int64_t end) {
        for_each_block(blocks, begin, end, [&](int64_t i, int64_t count) {
          take(row, term, 0, i, count);
          take(row, term, 1, i, count);
        });
      });
    }
    if (options_.slope == 0) {
      const OwnMasses<E> own{row, options_.transpose, options_.logistic, sums_[0].real()};
      own.add_to(total_.data(), workers);
    }
    for (int64_t j = 0; j < n; ++j) row.out[j * row.inner] = E(total_.data()[j]);
  }

 private:
  // One block of edges: what of the sums at `element` each is given.
  struct Coefficients {
    BinBlock real, imaginary;
    std::array<int64_t, BinMassLimits::kBlock> element;
  };

  template <class Body>
  static void for_each_block(const Split& blocks, int64_t begin, int64_t end, const Body& body) {
    for (int64_t b = begin; b < end; ++b) body(blocks.begin(b), blocks.begin(b + 1) - blocks.begin(b));
  }

  // Of side 0, the elements before an edge; of side 1 those after it, which a bin takes from its next edge.
  void find(const BinRow<E>& row, const Term& term, int64_t side, int64_t first, int64_t count, Coefficients& found) const {
    BinBlock distance, exponent, widths, lost, turned;
    double *const a = found.real.data(), *const b = found.imaginary.data();
    const bool turns = term.turn != 0.0, is_mass = options_.slope == 0;
    found.imaginary.fill(0.0), turned.fill(0.0);
    for (int64_t c = 0; c < count; ++c) {
      const int64_t i = first + c, edge = is_mass && side == 1 ? i + 1 : i;
      double before = std::numeric_limits<double>::infinity(), after = before;
      if (edge < row.n) row.distances(edge, before, after);
      const int64_t there = std::min(edge, row.n - 1);
      found.element[size_t(c)] = side == 0 ? row.left(there) : row.right(there);
      const double nearest = std::min(before, after);
      distance[size_t(c)] = side == 0 ? before : after;
      exponent[size_t(c)] = term.rate * distance[size_t(c)];
      if (options_.normalised && !is_mass && std::isfinite(nearest)) exponent[size_t(c)] -= tail_[0].rate * nearest;
      widths[size_t(c)] = double(row.width[i * row.step]);
    }
    vectorized<decays<false>>(exponent.data(), count, 1.0, 0.0, a, nullptr);
    if (turns) vectorized<rotate>(distance.data(), count, term.turn, a, b);
    Complex factor(term.weight, term.phase);
    for (int32_t k = 0; k < options_.slope; ++k) factor *= Complex(term.rate, term.turn);
    if (!is_mass && side == 0 && options_.slope % 2 == 0) factor = -factor;
    if (is_mass) {
      const auto lose = turns ? vectorized<losses<true>> : vectorized<losses<false>>;
      lose(widths.data(), count, term.rate, term.turn, lost.data(), turned.data());
      multiply(a, b, lost.data(), turned.data(), count);
    }
    lost.fill(factor.real()), turned.fill(factor.imag());
    multiply(a, b, lost.data(), turned.data(), count);
  }

  // x + iy becomes its product with p + iq.
  static void multiply(double* x, double* y, const double* p, const double* q, int64_t count) {
    for (int64_t c = 0; c < count; ++c) {
      const double real = x[c] * p[c] - y[c] * q[c];
      y[c] = x[c] * q[c] + y[c] * p[c];
      x[c] = real;
    }
  }

  // The edges of a block take from the sums of one side.
  void take(const BinRow<E>& row, const Term& term, int64_t side, int64_t first, int64_t count) const {
    Coefficients found;
    find(row, term, side, first, count, found);
    const BinSums& sums = sums_[size_t(side)];
    for (int64_t c = 0; c < count; ++c) {
      const int64_t j = found.element[size_t(c)];
      const double p = found.real[size_t(c)], q = found.imaginary[size_t(c)];
      if (p == 0.0 && q == 0.0) continue;
      total_.data()[first + c] += p * sums.real()[j] - (q == 0.0 ? 0.0 : q * sums.imaginary()[j]);
    }
  }

  // The edges of a block give to the sums of one side.
  void give(const BinRow<E>& row, const Term& term, int64_t side, int64_t first, int64_t count) const {
    Coefficients found;
    find(row, term, side, first, count, found);
    const BinSums& sums = sums_[size_t(side)];
    for (int64_t c = 0; c < count; ++c) {
      const double p = found.real[size_t(c)], q = found.imaginary[size_t(c)];
      if (p == 0.0 && q == 0.0) continue;
      const double u = double(row.v[(first + c) * row.inner]);
      sums.real()[found.element[size_t(c)]] += p * u;
      sums.imaginary()[found.element[size_t(c)]] += q * u;
    }
  }

  // Adds to each element what is left of the sum at its neighbour, from the end or from the beginning.
  void scan(const BinRow<E>& row, const Term& term, bool back, const BinSums& sums) const {
    BinBlock d, a, b;
    b.fill(0.0);
    double x = 0, y = 0;
    double *const real = sums.real(), *const imaginary = sums.imaginary();
    const bool turns = term.turn != 0.0;
    for (int64_t done = 0; done < row.n; done += BinMassLimits::kBlock) {
      const int64_t count = std::min(BinMassLimits::kBlock, row.n - done);
      for (int64_t c = 0; c < count; ++c) {
        // The gap between an element and the one that comes before it on the way.
        const int64_t j = back ? row.n - (done + c) : done + c;
        d[size_t(c)] = j == row.n ? std::numeric_limits<double>::infinity() : row.gap(j);
      }
      decay(term, d.data(), count, a.data(), b.data());
      for (int64_t c = 0; c < count; ++c) {
        const int64_t j = back ? row.n - 1 - (done + c) : done + c;
        const double p = a[size_t(c)], q = b[size_t(c)];
        if (turns) {
          const bool is_cut = p == 0.0 && q == 0.0;
          const double u = is_cut ? 0.0 : p * x - q * y, w = is_cut ? 0.0 : p * y + q * x;
          real[j] = x = real[j] + u;
          imaginary[j] = y = imaginary[j] + w;
        } else {
          real[j] = x = real[j] + (p == 0.0 ? 0.0 : p * x);
        }
      }
    }
  }

  const ExponentialSum& tail_;
  const BinMassOptions options_;
  const std::array<BinSums, 2> sums_;
  const Scratch<double> total_;
};

template <class E>
void bin_masses(const Workers& workers, const Layout& layout, const BinRow<E>& first, const ExponentialSum& tail,
                const BinMassOptions& options) {
  const int64_t rows = layout.rows(), n = layout.n;
  if (n == 0) return;
  const bool together = rows < workers.count;
  const Workers alone;
  const auto run = [&](int64_t begin, int64_t end) {
    BinMasses<E> masses(tail, options, n);
    for (int64_t r = begin; r < end; ++r) {
      BinRow<E> row = first;
      const int64_t structure = layout.structure_start(r);
      row.below += structure, row.offset += structure, row.low += structure, row.width += structure, row.z += structure;
      row.v += layout.start(r), row.out += layout.start(r);
      masses.run(together ? workers : alone, row);
    }
  };
  for_each_range(workers, together ? Split{rows, 1} : share(workers, rows, rows * n, BinMassLimits::kTask), run);
}

}  // namespace sortax
