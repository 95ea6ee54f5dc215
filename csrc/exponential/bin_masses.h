// The mass of the CDF of each element of a sorted row in each bin, and sums of densities at the edges of the bins.
//
// Contract: below, offset, low and z (the structure of layout.h) are the edges of inverse_cdf.h, one for each element, and
// the distances that they were found from; v and out are like the array, of which neighbours along the last axis are
// columns, each with its slope. With C a distribution function of which the tail 1 - C is an ExponentialSum, out_i is the
// sum over j of (C(b_{i+1} - x_j) - C(b_i - x_j)) v_j in a column of slope 0; with a slope k > 0 that of the k-th derivative
// of C at b_i - x_j times v_j, which if it is normalised is divided by what the slowest term is at the nearest element. Or
// the transpose of these. Computed in double and rounded once. Columns share the exponentials. Elements and edges are gone
// through block by block, once from each end. Scratch for each row at work: 16 bytes an element and column. Allocates
// nothing else of its size.

#pragma once

#include <vector>

#include "core/layout.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "exponential/bin_row.h"
#include "exponential/running_sums.h"

namespace sortax {

struct BinMassOptions {
  std::vector<int64_t> slopes;      // of each column; 0 for masses
  std::vector<int64_t> normalised;  // whether each is
  bool transpose;
};

// Each edge takes from the sum of its element by a decay and a factor.
template <bool kTurns>
SORTAX_INLINE void take_sums(const int32_t* element, int64_t count, const double* real, const double* imaginary,
                             double factor, double turned, const double* real_sums, const double* imaginary_sums,
                             double* __restrict total) {
  for (int64_t c = 0; c < count; ++c) {
    const double p = real[c], q = kTurns ? imaginary[c] : 0.0, x = real_sums[element[c]];
    double sum = factor * (p * x);
    if constexpr (kTurns) {
      const double y = imaginary_sums[element[c]];
      sum = factor * (p * x - q * y) - turned * (p * y + q * x);
    }
    // What is gone is nothing, be it infinite or NaN.
    total[c] += p == 0.0 && q == 0.0 ? 0.0 : sum;
  }
}

// What edges give: their values by a decay and a factor.
template <bool kTurns>
SORTAX_INLINE void scale_values(const double* real, const double* imaginary, double factor, double turned,
                                const double* value, int64_t count, double* __restrict out, double* __restrict turned_out) {
  for (int64_t c = 0; c < count; ++c) {
    const double p = real[c], q = kTurns ? imaginary[c] : 0.0, u = value[c];
    const bool is_gone = p == 0.0 && q == 0.0;
    out[c] = is_gone ? 0.0 : (kTurns ? p * factor - q * turned : p * factor) * u;
    if constexpr (kTurns) turned_out[c] = is_gone ? 0.0 : (p * turned + q * factor) * u;
  }
}

// Takes numbers out of units, of which zero leaves nothing.
SORTAX_INLINE void take_out_of_units(const double* unit, int64_t count, double* __restrict numbers) {
  for (int64_t c = 0; c < count; ++c) numbers[c] = unit[c] == 0.0 ? 0.0 : numbers[c] * unit[c];
}

// Columns of one row, with their slopes.
template <class E, int kColumns>
class BinMasses {
 public:
  BinMasses(const ExponentialSum& tail, const BinMassOptions& options, int64_t n)
      : tail_(tail), options_(options), n_(n), totals_{Scratch<double>(kColumns * n), Scratch<double>(kColumns * n)} {}

  void run(const Workers& workers, const BinRow<E>& row) {
    for_each(workers, 2, [&](int64_t side) { Sweep(*this, row, int(side)).run(); });
    for_each_range(workers, share(workers, n_, n_, BinMassLimits::kTask), [&](int64_t begin, int64_t end) {
      for (int c = 0; c < kColumns; ++c) {
        if (slope(c) != 0) {
          for (int64_t j = begin; j < end; ++j) row.out[j * row.inner + c] = E(total(c, j));
        } else {
          options_.transpose ? give_own(row, c, begin, end) : take_own(row, c, begin, end);
        }
      }
    });
  }

 private:
  // The elements before each edge, 0, or those after it, 1: in blocks of elements, with the edges next to these.
  class Sweep {
   public:
    Sweep(const BinMasses& masses, const BinRow<E>& row, int side)
        : masses_(masses),
          tail_(masses.tail_),
          row_(row),
          side_(side),
          is_back_((side == 1) != masses.options_.transpose),
          edge_(is_back_ ? masses.n_ : 0),
          sums_(size_t(kColumns) * tail_.size()),
          states_(tail_.size()) {
      for (size_t k = 0; k < tail_.size(); ++k) {
        for (int c = 0; c < kColumns; ++c) factors_.push_back(masses.factor(tail_[k], c, side));
      }
    }

    void run() {
      const int64_t n = masses_.n_;
      for (int64_t done = 0; done < n; done += kBlock) {
        const int64_t count = std::min(kBlock, n - done), first = is_back_ ? n - done - count : done;
        const auto [begin, end] = edges_next_to(first, count);
        if (masses_.options_.transpose) {
          for (Parts& sums : sums_) sums.real.fill(0.0), sums.imaginary.fill(0.0);
          for_each_block(begin, end, [&](int64_t e, int64_t edges) { give(first, count, e, edges); });
          scan(first, count);
          write_sums(first, count);
        } else {
          read_values(first, count);
          scan(first, count);
          for_each_block(begin, end, [&](int64_t e, int64_t edges) { take(first, count, e, edges); });
        }
      }
    }

   private:
    static constexpr int64_t kBlock = BinMassLimits::kBlock;

    struct Parts {
      BinBlock real, imaginary;
    };

    // The element that an edge is next to on this side.
    int64_t element_of(int64_t edge) const { return int64_t(row_.below[edge * row_.step]) - 1 + side_; }

    template <class Body>
    static void for_each_block(int64_t begin, int64_t end, const Body& body) {
      for (int64_t e = begin; e < end; e += kBlock) body(e, std::min(kBlock, end - e));
    }

    // The edges next to a block of elements; all edges are in order.
    std::pair<int64_t, int64_t> edges_next_to(int64_t first, int64_t count) {
      int64_t begin = edge_, end = edge_;
      if (is_back_) {
        while (begin > 0 && element_of(begin - 1) >= first) --begin;
        edge_ = begin;
      } else {
        while (end < masses_.n_ && element_of(end) < first + count) ++end;
        edge_ = end;
      }
      return {begin, end};
    }

    Parts& sums(size_t k, int c) { return sums_[k * kColumns + size_t(c)]; }

    // The sums run through a block of elements on their way.
    void scan(int64_t first, int64_t count) {
      double d[kBlock], *real[kColumns], *imaginary[kColumns];
      gaps_on_the_way([&](int64_t j) { return row_.gap(j); }, masses_.n_, first, count, is_back_, d);
      for (size_t k = 0; k < tail_.size(); ++k) {
        for (int c = 0; c < kColumns; ++c) real[c] = sums(k, c).real.data(), imaginary[c] = sums(k, c).imaginary.data();
        scan_term<kBlock>(tail_[k], d, count, is_back_, real, imaginary, states_[k]);
      }
    }

    void read_values(int64_t first, int64_t count) {
      for (int c = 0; c < kColumns; ++c) {
        BinBlock& values = sums(0, c).real;
        const E* const v = row_.v + first * row_.inner + c;
        for (int64_t j = 0; j < count; ++j) values[size_t(j)] = double(v[j * row_.inner]);
        for (size_t k = 0; k < tail_.size(); ++k) {
          if (k > 0) sums(k, c).real = values;
          if (tail_[k].turn != 0.0) sums(k, c).imaginary.fill(0.0);
        }
      }
    }

    // Where in a block of elements those next to some edges are, and how far those around the edges.
    void find_edges(int64_t first, int64_t count, int64_t edge, int64_t edges) {
      for (int64_t i = 0; i < edges; ++i) {
        elements_[size_t(i)] = int32_t(std::clamp<int64_t>(element_of(edge + i) - first, 0, count - 1));
      }
      const int64_t at = edge * row_.step;
      const auto run = row_.step == 1 ? vectorized<find_distances<E, true>> : vectorized<find_distances<E, false>>;
      run(row_.below + at, row_.offset + at, row_.low + at, row_.z, row_.step, int32_t(masses_.n_), edges, tail_[0].rate,
          before_.data(), after_.data(), unit_.data());
    }

    void find_decays(const Term& term, int64_t edges) {
      const auto run = term.turn != 0.0 ? vectorized<decays_from_edges<true>> : vectorized<decays_from_edges<false>>;
      run(side_ == 0 ? before_.data() : after_.data(), before_.data(), after_.data(), tail_[0].rate, edges, term.rate,
          term.turn, decays_.real.data(), decays_.imaginary.data());
    }

    // The edges take from the sums of the elements next to them.
    void take(int64_t first, int64_t count, int64_t edge, int64_t edges) {
      find_edges(first, count, edge, edges);
      BinBlock totals[kColumns];
      for (BinBlock& total : totals) total.fill(0.0);
      for (size_t k = 0; k < tail_.size(); ++k) {
        find_decays(tail_[k], edges);
        const auto run = tail_[k].turn != 0.0 ? vectorized<take_sums<true>> : vectorized<take_sums<false>>;
        for (int c = 0; c < kColumns; ++c) {
          const Complex factor = factors_[k * kColumns + size_t(c)];
          run(elements_.data(), edges, decays_.real.data(), decays_.imaginary.data(), factor.real(), factor.imag(),
              sums(k, c).real.data(), sums(k, c).imaginary.data(), totals[c].data());
        }
      }
      for (int c = 0; c < kColumns; ++c) {
        if (!masses_.is_in_units(c)) vectorized<take_out_of_units>(unit_.data(), edges, totals[c].data());
        std::copy_n(totals[c].begin(), edges, masses_.totals(side_, c) + edge);
      }
    }

    // The edges give to the elements next to them: of masses what the bin before an edge has more than the one behind it.
    void give(int64_t first, int64_t count, int64_t edge, int64_t edges) {
      find_edges(first, count, edge, edges);
      BinBlock values[kColumns], real, imaginary;
      for (int c = 0; c < kColumns; ++c) {
        const E* const v = row_.v + edge * row_.inner + c;
        for (int64_t i = 0; i < edges; ++i) values[c][size_t(i)] = double(v[i * row_.inner]);
        if (masses_.slope(c) == 0) {
          double before = edge > 0 ? double(v[-row_.inner]) : 0.0;
          for (int64_t i = 0; i < edges; ++i) {
            const double own = values[c][size_t(i)];
            values[c][size_t(i)] = before - own;
            before = own;
          }
        }
        if (!masses_.is_in_units(c)) vectorized<take_out_of_units>(unit_.data(), edges, values[c].data());
      }
      for (size_t k = 0; k < tail_.size(); ++k) {
        const bool turns = tail_[k].turn != 0.0;
        find_decays(tail_[k], edges);
        const auto run = turns ? vectorized<scale_values<true>> : vectorized<scale_values<false>>;
        for (int c = 0; c < kColumns; ++c) {
          const Complex factor = factors_[k * kColumns + size_t(c)];
          run(decays_.real.data(), decays_.imaginary.data(), factor.real(), factor.imag(), values[c].data(), edges,
              real.data(), imaginary.data());
          Parts& to = sums(k, c);
          for (int64_t i = 0; i < edges; ++i) to.real[size_t(elements_[size_t(i)])] += real[size_t(i)];
          if (!turns) continue;
          for (int64_t i = 0; i < edges; ++i) to.imaginary[size_t(elements_[size_t(i)])] += imaginary[size_t(i)];
        }
      }
    }

    void write_sums(int64_t first, int64_t count) {
      for (int c = 0; c < kColumns; ++c) {
        double* const total = masses_.totals(side_, c) + first;
        std::copy_n(sums(0, c).real.begin(), count, total);
        for (size_t k = 1; k < tail_.size(); ++k) {
          for (int64_t j = 0; j < count; ++j) total[j] += sums(k, c).real[size_t(j)];
        }
      }
    }

    const BinMasses& masses_;
    const ExponentialSum& tail_;
    const BinRow<E>& row_;
    const int side_;
    const bool is_back_;
    int64_t edge_;
    std::vector<Parts> sums_;
    std::vector<RunningState<kColumns>> states_;
    std::vector<Complex> factors_;
    std::array<int32_t, kBlock> elements_;
    BinBlock before_, after_, unit_;
    Parts decays_;
  };

  double* totals(int side, int c) const { return totals_[size_t(side)].data() + c * n_; }
  double total(int c, int64_t j) const { return j < n_ ? totals(0, c)[j] + totals(1, c)[j] : 0.0; }
  int64_t slope(int c) const { return options_.slopes[size_t(c) % options_.slopes.size()]; }
  bool is_in_units(int c) const { return options_.normalised[size_t(c) % options_.normalised.size()] != 0; }

  // The factor of a term in the sums of one side: 0, the elements before an edge; 1, those after it.
  Complex factor(const Term& term, int c, int side) const {
    Complex factor(term.weight, term.phase);
    for (int64_t k = 0; k < slope(c); ++k) factor *= Complex(term.rate, term.turn);
    return side == 0 && slope(c) % 2 == 0 ? -factor : factor;
  }

  // A bin has all of its own elements but for what the tails beyond its edges have of them. Most have one or two, or none:
  // these are counted without a branch.
  void take_own(const BinRow<E>& row, int c, int64_t begin, int64_t end) const {
    const E* const v = row.v + c;
    double at_next = total(c, begin);
    for (int64_t i = begin, next = row.first_of(begin); i < end; ++i) {
      const int64_t first = next;
      next = row.first_of(i + 1);
      const double one = double(v[std::min(first, n_ - 1) * row.inner]);
      const double other = double(v[std::min(first + 1, n_ - 1) * row.inner]);
      double own = (next > first ? one : 0.0) + (next > first + 1 ? other : 0.0);
      for (int64_t j = first + 2; j < next; ++j) own += double(v[j * row.inner]);
      const double here = at_next;
      at_next = total(c, i + 1);
      row.out[i * row.inner + c] = E(own + (at_next - here));
    }
  }

  // Every bin writes to two elements at least, of which those that are not its own are written again by their bins.
  void give_own(const BinRow<E>& row, int c, int64_t begin, int64_t end) const {
    const int64_t last = row.first_of(end);
    for (int64_t i = begin, next = row.first_of(begin); i < end; ++i) {
      const int64_t first = next;
      next = row.first_of(i + 1);
      const double own = double(row.v[i * row.inner + c]);
      for (int64_t j = first; j < std::min(std::max(next, first + 2), last); ++j) {
        row.out[j * row.inner + c] = E(own + total(c, j));
      }
    }
  }

  const ExponentialSum& tail_;
  const BinMassOptions& options_;
  const int64_t n_;
  const std::array<Scratch<double>, 2> totals_;
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
      row.below += structure, row.offset += structure, row.low += structure, row.z += structure;
      const int64_t start = outer * n * layout.inner + inner;
      row.v += start, row.out += start;
      masses.run(together ? workers : alone, row);
    }
  };
  if (rows > 0)
    for_each_range(workers, together ? Split{rows, 1} : share(workers, rows, rows * n, BinMassLimits::kTask), run);
}

// Of as many columns as there are slopes, up to BinMassLimits::kColumns, of which `inner` is a multiple.
template <class E>
void bin_masses(const Workers& workers, const Layout& layout, const BinRow<E>& first, const ExponentialSum& tail,
                const BinMassOptions& options) {
  if (layout.n == 0) return;
  const int64_t inner = layout.inner;
  if (options.slopes.size() == 3) return bin_masses_of_columns<3>(workers, layout, first, tail, options, 0, inner);
  if (options.slopes.size() == 2) return bin_masses_of_columns<2>(workers, layout, first, tail, options, 0, inner);
  // Neighbours that share one row of edges share the exponentials, too.
  const int64_t paired = layout.inner_is_shared ? inner / 2 * 2 : 0;
  bin_masses_of_columns<2>(workers, layout, first, tail, options, 0, paired);
  bin_masses_of_columns<1>(workers, layout, first, tail, options, paired, inner);
}

}  // namespace sortax
