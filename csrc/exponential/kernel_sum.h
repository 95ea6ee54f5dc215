// Exponential kernel sums along an axis: a sum over all elements with weights that are a function of distance.
//
// Contract: z (the structure of layout.h) has the distance of each element from the one before it, and infinity where
// nothing flows; that of the first is not read. v and out are like the array. out_i is the sum of kappa(d_ij) v_j over all
// j, or if it is odd what comes from j < i minus what comes from j > i, to which elements at distance zero add nothing;
// kappa is an ExponentialSum. Computed in double precision and rounded once. A sweep first goes through a chunk from the
// end, to find what arrives at each block from those after it, and then from the beginning, to add up what comes from both
// sides. Scratch: for each element and term a quarter of a byte, in a long row of which all is worked on at once, and
// otherwise of eight rows for each thread. Allocates as in scan_schedule.h.

#pragma once

#include "core/layout.h"
#include "core/scan_schedule.h"
#include "core/scratch.h"
#include "exponential/kernel_block.h"

namespace sortax {

// Neighbouring columns, from `first` to `last`, that share their distances if they are several.
template <class E, int columns>
struct KernelSum {
  using L = KernelSumLimits;
  using State = PartialSum<columns>;
  static constexpr int64_t kLanes = L::kLanes, kTask = L::kTask;
  static constexpr int kColumns = columns;

  struct Chunk {
    const E* z;
    const E* v;
    E* out;
    int64_t z_step, step, begin, size;
  };

  const Layout& layout;
  const ExponentialSum& kernel;
  const bool odd;
  const E* z;
  const E* v;
  E* out;
  int64_t first, last;

  int64_t rows() const { return layout.outer * ((last - first) / kColumns); }
  Chunk row(int64_t r) const {
    const int64_t of_outer = (last - first) / kColumns, o = r / of_outer, i = first + r % of_outer * kColumns;
    const int64_t start = o * layout.n * layout.inner + i;
    return {
        z + layout.outer_offset(o) + layout.inner_offset(i), v + start, out + start, layout.step, layout.inner, 0, layout.n};
  }

  // For each chunk the sums that leave it at its end and at its beginning, and how long it is. The carry puts there instead
  // the sums that arrive at its beginning and at its end.
  struct Ends {
    std::vector<State> before, after;
    LaneValues lengths;
  };

  class Sweep {
   public:
    Sweep(const KernelSum& sum, int64_t longest)
        : kernel_(sum.kernel),
          odd_(sum.odd),
          blocks_((longest + L::kBlock - 1) / L::kBlock),
          lengths_(blocks_),
          after_(blocks_ * int64_t(kernel_.size())) {}

    void set(const Chunk* chunks, int64_t count) { chunks_ = chunks, count_ = count; }

    void sweep() {
      sweep_back<false>();
      sweep_forth<false>();
    }
    void upsweep() { sweep_back<true>(); }
    void downsweep() { sweep_forth<true>(); }

    Ends& ends() { return ends_; }

   private:
    // Finds the sum that arrives at the last step of each block from those after it in the chunk, and the distance of that
    // step from the end. Where chunks are parts of a row, it also finds the sums that leave them.
    template <bool kChunks>
    void sweep_back() {
      const size_t size = kernel_.size();
      std::vector<State>& after = state_;
      after.assign(size, State{});
      [[maybe_unused]] LaneValues lengths = {};
      if constexpr (kChunks) ends_.before.assign(size, State{});
      for (int64_t b = blocks_ - 1; b >= 0; --b) {
        if constexpr (kChunks) std::copy_n(lengths, kLanes, lengths_.data()[b]);
        std::copy(after.begin(), after.end(), after_of(b));
        if (b == 0 && !kChunks) break;
        const int64_t steps = load(b);
        for (size_t k = 0; k < size; ++k) {
          decay(kernel_[k], block_.d, steps * kLanes, block_.real, block_.imaginary);
          advance<true, false, kColumns>(block_, kernel_[k], 1, steps, after[k]);
          if constexpr (kChunks) {
            State alone = {};
            advance<false, false, kColumns>(block_, kernel_[k], 1, steps, alone);
            add_decayed(kernel_[k], lengths, alone, ends_.before[k]);
          }
        }
        if constexpr (kChunks) vectorized<add_steps>(block_.d, steps, lengths);
      }
      if constexpr (kChunks) {
        ends_.after = after;
        std::copy_n(lengths, kLanes, ends_.lengths);
      }
    }

    // Adds up what comes from both sides and writes it. Where chunks are parts of a row, the sums that arrive at them count.
    template <bool kChunks>
    void sweep_forth() {
      const size_t size = kernel_.size();
      std::vector<State>& before = state_;
      kChunks ? void(before = ends_.before) : before.assign(size, State{});
      for (int64_t b = 0; b < blocks_; ++b) {
        const int64_t steps = load(b);
        for (int c = 0; c < kColumns; ++c) {
          const int64_t column = c * KernelBlock<kColumns>::kSize, count = steps * kLanes;
          // An element adds nothing to its own odd sum, even where it is infinite or NaN.
          if (odd_) {
            std::fill_n(block_.sum + column, count, 0.0);
          } else {
            vectorized<scale>(block_.v + column, count, kernel_.at_zero(), block_.sum + column);
          }
        }
        for (size_t k = 0; k < size; ++k) {
          State after = after_of(b)[k];
          if constexpr (kChunks) add_decayed(kernel_[k], lengths_.data()[b], ends_.after[k], after);
          decay(kernel_[k], block_.d, steps * kLanes, block_.real, block_.imaginary);
          advance<false, true, kColumns>(block_, kernel_[k], 1, steps, before[k]);
          advance<true, true, kColumns>(block_, kernel_[k], odd_ ? -1 : 1, steps, after);
        }
        store(b);
      }
    }

    State* after_of(int64_t b) const { return after_.data() + b * int64_t(kernel_.size()); }

    int64_t steps_of(int64_t l, int64_t first) const {
      return l < count_ ? std::clamp<int64_t>(chunks_[l].size - first, 0, L::kBlock) : 0;
    }

    // Reads a block and returns its number of steps. Past the end of a chunk, its values and distances are zero.
    int64_t load(int64_t b) {
      constexpr int64_t kSize = KernelBlock<kColumns>::kSize;
      const int64_t first = b * L::kBlock, steps = steps_of(0, first);
      const E *z[kLanes], *v[kLanes];
      int64_t common = steps;
      for (int64_t l = 0; l < kLanes; ++l) {
        const Chunk& c = chunks_[std::min(l, count_ - 1)];
        z[l] = c.z + (c.begin + first) * c.z_step;
        v[l] = c.v + (c.begin + first) * c.step;
        common = std::min(common, steps_of(l, first));
      }
      const int64_t z_step = chunks_->z_step, step = chunks_->step;
      for (int64_t j = 0; j < common; ++j) {
        for (int64_t l = 0; l < kLanes; ++l) block_.d[j * kLanes + l] = double(z[l][j * z_step]);
        for (int c = 0; c < kColumns; ++c) {
          for (int64_t l = 0; l < kLanes; ++l) block_.v[c * kSize + j * kLanes + l] = double(v[l][j * step + c]);
        }
      }
      for (int64_t l = 0; l < kLanes; ++l) {
        const int64_t size = steps_of(l, first);
        for (int64_t j = common; j < steps; ++j) {
          const bool is_own = j < size;
          block_.d[j * kLanes + l] = is_own ? double(z[l][j * z_step]) : 0.0;
          for (int c = 0; c < kColumns; ++c) {
            block_.v[c * kSize + j * kLanes + l] = is_own ? double(v[l][j * step + c]) : 0.0;
          }
        }
        if (size > 0 && chunks_[l].begin + first == 0) block_.d[l] = std::numeric_limits<double>::infinity();
      }
      return steps;
    }

    void store(int64_t b) {
      const int64_t first = b * L::kBlock;
      for (int64_t l = 0; l < count_; ++l) {
        const Chunk& chunk = chunks_[l];
        const int64_t size = steps_of(l, first);
        const double* sum = block_.sum + l;
        E* to = chunk.out + (chunk.begin + first) * chunk.step;
        for (int64_t j = 0; j < size; ++j, to += chunk.step, sum += kLanes) {
          for (int c = 0; c < kColumns; ++c) to[c] = E(sum[c * KernelBlock<kColumns>::kSize]);
        }
      }
    }

    const Chunk* chunks_ = nullptr;
    int64_t count_ = 0;
    const ExponentialSum& kernel_;
    const bool odd_;
    const int64_t blocks_;
    Scratch<LaneValues> lengths_;
    Scratch<State> after_;
    std::vector<State> state_;
    Ends ends_;
    KernelBlock<kColumns> block_;
  };

  template <class Sweeps>
  void carry(const Sweeps& sweeps) const {
    carry(sweeps, false, &Ends::before);
    carry(sweeps, true, &Ends::after);
  }

 private:
  template <class Sweeps>
  void carry(const Sweeps& sweeps, bool back, std::vector<State> Ends::* side) const {
    const int64_t chunks = int64_t(sweeps.size()) * kLanes;
    for (size_t k = 0; k < kernel.size(); ++k) {
      double real[kColumns] = {}, imaginary[kColumns] = {};
      for (int64_t p = 0; p < chunks; ++p) {
        const int64_t q = back ? chunks - 1 - p : p, l = q % kLanes;
        Ends& ends = sweeps[size_t(q / kLanes)]->ends();
        State& own = (ends.*side)[k];
        double a, b = 0;
        decay(kernel[k], &ends.lengths[l], 1, &a, &b);
        for (int c = 0; c < kColumns; ++c) {
          // The chunk's own sum is taken out to be passed on, and the sum of those before it is put there instead.
          std::swap(own.real[c][l], real[c]), std::swap(own.imaginary[c][l], imaginary[c]);
          add_decayed(a, b, own.real[c][l], own.imaginary[c][l], real[c], imaginary[c]);
        }
      }
    }
  }
};

template <class E>
void kernel_sum(const Workers& workers, const Layout& layout, const ExponentialSum& kernel, bool odd, const E* z, const E* v,
                E* out) {
  const ExponentialSum used = odd ? kernel.without_zero() : kernel;
  const auto sum_columns = [&](auto columns, int64_t first, int64_t last) {
    const KernelSum<E, decltype(columns)::value> sum{layout, used, odd, z, v, out, first, last};
    scan_rows(workers, sum.rows(), layout.n, sum);
  };
  // Neighbouring columns that share one row of distances share the decays, too.
  constexpr int kColumns = KernelSumLimits::kColumns;
  const int64_t paired = layout.inner_is_shared ? layout.inner / kColumns * kColumns : 0;
  sum_columns(std::integral_constant<int, kColumns>{}, 0, paired);
  sum_columns(std::integral_constant<int, 1>{}, paired, layout.inner);
}

}  // namespace sortax
