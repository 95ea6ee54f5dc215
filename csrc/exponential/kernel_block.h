// One block of a flow: the same steps of several stretches side by side, and how one term advances through them.
//
// Contract: in double precision. A factor of zero lets nothing through, be it infinite or NaN. Allocates nothing but the
// list of terms.

#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "exponential/exponentials.h"

namespace sortax {

struct FlowLimits {
  static constexpr int64_t kLanes = 8;                // doubles in the widest vector, and enough to hide its latency
  static constexpr int kColumns = 2;                  // of one product, that share their factors
  static constexpr int64_t kBlock = 64;               // steps whose factors are computed together
  static constexpr int64_t kPiece = 512;              // steps of a piece at least
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

// Re(w exp(-b d)) with b = rate + i turn and w = weight + i phase. At an infinite rate nothing is left but at distance zero.
struct Term {
  double rate, turn, weight, phase;
};

class Terms {
 public:
  Terms(const double* numbers, size_t count) : terms_(count / 4) {
    for (size_t k = 0; k < terms_.size(); ++k) {
      const double* const x = numbers + 4 * k;
      terms_[k] = {x[0], x[1], x[2], x[3]};
      at_zero_ += x[2];
    }
  }

  // Without what they have at distance zero.
  Terms less_level() const {
    Terms terms = *this;
    terms.terms_.push_back({std::numeric_limits<double>::infinity(), 0, -at_zero_, 0});
    terms.at_zero_ = 0;
    return terms;
  }

  size_t size() const { return terms_.size(); }
  const Term& operator[](size_t k) const { return terms_[k]; }
  double at_zero() const { return at_zero_; }

 private:
  std::vector<Term> terms_;
  double at_zero_ = 0;
};

// Neighbouring columns of a row, or of a piece of it, that share their distances.
template <class E>
struct Stretch {
  const E* z;
  const E* v;
  E* out;
  int64_t z_step, step, begin, size;
};

using Lanes = double[FlowLimits::kLanes];

// What has come so far of one term, for each column and lane.
template <int kColumns>
struct Flowing {
  Lanes real[kColumns], imaginary[kColumns];
};

// The same steps of several stretches: distances, values and sums, and the factors of one term.
template <int kColumns>
struct Block {
  static constexpr int64_t kSize = FlowLimits::kBlock * FlowLimits::kLanes;
  double z[kSize], v[kColumns * kSize], sum[kColumns * kSize], real[kSize], imaginary[kSize];
};

SORTAX_CLONES inline void level(const double* z, int64_t count, double* real) {
  for (int64_t i = 0; i < count; ++i) real[i] = z[i] == 0.0 ? 1.0 : 0.0;
}

// What one term leaves of one over each of these distances; `imaginary` is written only where there is a turn.
inline void factors(const Term& term, const double* z, int64_t count, double* real, double* imaginary) {
  if (std::isinf(term.rate)) return level(z, count, real);
  if (term.turn != 0.0) return decays<true>(z, count, term.rate, term.turn, real, imaginary);
  decays<false>(z, count, term.rate, 0.0, real, imaginary);
}

// Advances one term of one column through a block, from before or with kBack from after: what is at each step joins, and
// with kWrite what arrives there is added to the sums, times `sign`.
template <bool kTurns, bool kBack, bool kWrite>
SORTAX_CLONES void advance_column(const double* real, const double* imaginary, const double* v, double* sum,
                                  const Term& term, double sign, int64_t steps, Lanes& real_state, Lanes& imaginary_state) {
  constexpr int64_t kLanes = FlowLimits::kLanes;
  const double weight = sign * term.weight, phase = sign * term.phase;
  double x[kLanes], y[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) x[l] = real_state[l], y[l] = imaginary_state[l];
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t j = (kBack ? steps - 1 - step : step) * kLanes;
    const double *const a = real + j, *const b = imaginary + j, *const own = v + j;
    double* const to = sum + j;
    for (int64_t l = 0; l < kLanes; ++l) {
      if constexpr (kBack) {
        if constexpr (kWrite) to[l] += kTurns ? weight * x[l] - phase * y[l] : weight * x[l];
        x[l] += own[l];
      }
      // What is nothing lets nothing through, be it infinite or NaN.
      if constexpr (kTurns) {
        const bool is_cut = a[l] == 0.0 && b[l] == 0.0;
        const double p = a[l] * x[l] - b[l] * y[l], q = a[l] * y[l] + b[l] * x[l];
        x[l] = is_cut ? 0.0 : p;
        y[l] = is_cut ? 0.0 : q;
      } else {
        x[l] = a[l] == 0.0 ? 0.0 : a[l] * x[l];
      }
      if constexpr (!kBack) {
        if constexpr (kWrite) to[l] += kTurns ? weight * x[l] - phase * y[l] : weight * x[l];
        x[l] += own[l];
      }
    }
  }
  for (int64_t l = 0; l < kLanes; ++l) real_state[l] = x[l], imaginary_state[l] = y[l];
}

template <bool kBack, bool kWrite, int kColumns>
void advance(Block<kColumns>& block, const Term& term, double sign, int64_t steps, Flowing<kColumns>& flowing) {
  const auto run = term.turn != 0.0 ? advance_column<true, kBack, kWrite> : advance_column<false, kBack, kWrite>;
  for (int c = 0; c < kColumns; ++c) {
    const int64_t column = c * Block<kColumns>::kSize;
    run(block.real, block.imaginary, block.v + column, block.sum + column, term, sign, steps, flowing.real[c],
        flowing.imaginary[c]);
  }
}

// Adds what a factor leaves of x + iy. What is nothing lets nothing through, be it infinite or NaN.
inline void add_left(double a, double b, double x, double y, double& real, double& imaginary) {
  if (a == 0.0 && b == 0.0) return;
  real += a * x - b * y;
  imaginary += a * y + b * x;
}

// Adds to `to` what is left of `from` over these distances.
template <int kColumns>
void carry(const Term& term, const Lanes& lengths, const Flowing<kColumns>& from, Flowing<kColumns>& to) {
  Lanes a, b = {};
  factors(term, lengths, FlowLimits::kLanes, a, b);
  for (int c = 0; c < kColumns; ++c) {
    for (int64_t l = 0; l < FlowLimits::kLanes; ++l) {
      add_left(a[l], b[l], from.real[c][l], from.imaginary[c][l], to.real[c][l], to.imaginary[c][l]);
    }
  }
}

SORTAX_CLONES inline void add_up(const double* z, int64_t steps, Lanes& lengths) {
  for (int64_t j = 0; j < steps; ++j) {
    for (int64_t l = 0; l < FlowLimits::kLanes; ++l) lengths[l] += z[j * FlowLimits::kLanes + l];
  }
}

SORTAX_CLONES inline void scale(const double* v, int64_t count, double by, double* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = by * v[i];
}

}  // namespace sortax
