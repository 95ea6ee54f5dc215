// A sum of exponentials as a function of distance, and the decay of its terms over many distances at once.
//
// Contract: kappa(d) = Re sum of w exp(-b d) over the terms, in double precision. Allocates nothing but the list of terms.

#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "exponential/exponentials.h"

namespace sortax {

using Complex = std::complex<double>;

// Re(w exp(-b d)) with b = rate + i turn and w = weight + i phase. At an infinite rate it is zero but at distance zero.
struct Term {
  double rate, turn, weight, phase;
};

class ExponentialSum {
 public:
  // From four numbers for each term, in the order of its fields.
  ExponentialSum(const double* numbers, size_t count) : terms_(count / 4) {
    for (size_t k = 0; k < terms_.size(); ++k) {
      const double* const x = numbers + 4 * k;
      terms_[k] = {x[0], x[1], x[2], x[3]};
      at_zero_ += x[2];
    }
  }

  // The same function, except that it is zero at distance zero.
  ExponentialSum without_zero() const {
    ExponentialSum sum = *this;
    sum.terms_.push_back({std::numeric_limits<double>::infinity(), 0, -at_zero_, 0});
    sum.at_zero_ = 0;
    return sum;
  }

  size_t size() const { return terms_.size(); }
  const Term& operator[](size_t k) const { return terms_[k]; }
  double at_zero() const { return at_zero_; }

 private:
  std::vector<Term> terms_;
  double at_zero_ = 0;
};

SORTAX_INLINE void indicate_zero(const double* d, int64_t count, double* real) {
  for (int64_t i = 0; i < count; ++i) real[i] = d[i] == 0.0 ? 1.0 : 0.0;
}

// The decay exp(-b d) of one term over each of these distances; `imaginary` is written only where there is a turn.
inline void decay(const Term& term, const double* d, int64_t count, double* real, double* imaginary) {
  if (std::isinf(term.rate)) return vectorized<indicate_zero>(d, count, real);
  if (term.turn != 0.0) return vectorized<decays<true>>(d, count, term.rate, term.turn, real, imaginary);
  vectorized<decays<false>>(d, count, term.rate, 0.0, real, imaginary);
}

// The same with `imaginary` written in any case.
inline void complex_decay(const Term& term, const double* d, int64_t count, double* real, double* imaginary) {
  decay(term, d, count, real, imaginary);
  if (term.turn == 0.0) std::fill_n(imaginary, count, 0.0);
}

}  // namespace sortax
