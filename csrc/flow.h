// What flows to each element of a line from those before it: sums of weights that fall off exponentially with distance.
//
// Contract: z (the structure of layout.h) has the distance of each element from the one before it, and infinity where
// nothing flows; v and out are like the array. out_i is the sum of kappa(d_ij) v_j over j < i, or from the end over j > i,
// with kappa(d) = Re sum of w exp(-b d). Elements at distance zero share: each has half of what all of them, itself
// included, have. The distance before the first element is not read. Computed in double precision and rounded once an
// element. A step waits for the one before it, so several rows, or pieces of a long row, advance side by side: a piece is
// first run from zero to learn what it adds to what it is given. Allocates nothing of the size of the data.

#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "exponential.h"
#include "layout.h"
#include "parallel.h"

namespace sortax {

struct FlowLimits {
  static constexpr int64_t kLanes = 8;                // doubles in the widest vector, and enough to hide its latency
  static constexpr int64_t kColumns = 2;              // of one product, that share their factors
  static constexpr int64_t kBlock = 64;               // steps whose factors are computed together
  static constexpr int64_t kPiece = 512;              // steps of a piece at least
  static constexpr int64_t kTask = int64_t(1) << 12;  // elements worth handing to a thread
};

// Re(w exp(-b d)) with b = rate + i turn and w = weight + i phase.
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
  int64_t z_step, step, n, begin, size;
};

using Lanes = double[FlowLimits::kLanes];

// What has come so far of one term, for each column and lane.
struct Flowing {
  Lanes real[FlowLimits::kColumns], imaginary[FlowLimits::kColumns];
};

// Advances one term over a block: what stands at each step joins, and with kWrite what arrives there is added to `sum`.
template <bool kTurns, bool kWrite, int kColumns>
SORTAX_CLONES void advance_term(const double* real, const double* imaginary, const double* v, const Term& term,
                                int64_t steps, Flowing& flowing, double* sum) {
  constexpr int64_t kLanes = FlowLimits::kLanes;
  for (int c = 0; c < kColumns; ++c) {
    double x[kLanes], y[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) x[l] = flowing.real[c][l], y[l] = flowing.imaginary[c][l];
    const double* const own = v + c * FlowLimits::kBlock * kLanes;
    double* const to = sum + c * FlowLimits::kBlock * kLanes;
    for (int64_t j = 0; j < steps; ++j) {
      const double* const a = real + j * kLanes;
      const double* const b = imaginary + j * kLanes;
      for (int64_t l = 0; l < kLanes; ++l) {
        // What is nothing lets nothing through, be it infinite or NaN.
        if constexpr (kTurns) {
          const bool is_cut = a[l] == 0.0 && b[l] == 0.0;
          const double p = is_cut ? 0.0 : a[l] * x[l] - b[l] * y[l], q = is_cut ? 0.0 : a[l] * y[l] + b[l] * x[l];
          if constexpr (kWrite) to[j * kLanes + l] += term.weight * p - term.phase * q;
          x[l] = p + own[j * kLanes + l];
          y[l] = q;
        } else {
          const double p = a[l] == 0.0 ? 0.0 : a[l] * x[l];
          if constexpr (kWrite) to[j * kLanes + l] += term.weight * p;
          x[l] = p + own[j * kLanes + l];
        }
      }
    }
    for (int64_t l = 0; l < kLanes; ++l) flowing.real[c][l] = x[l], flowing.imaginary[c][l] = y[l];
  }
}

// Adds up the distances of each lane, and counts those that are zero.
SORTAX_CLONES inline int64_t measure(const double* z, int64_t steps, double* lengths) {
  constexpr int64_t kLanes = FlowLimits::kLanes;
  double zeros[kLanes] = {};
  for (int64_t j = 0; j < steps; ++j) {
    for (int64_t l = 0; l < kLanes; ++l) {
      lengths[l] += z[j * kLanes + l];
      zeros[l] += z[j * kLanes + l] == 0.0 ? 1.0 : 0.0;
    }
  }
  double all = 0;
  for (double some : zeros) all += some;
  return int64_t(all);
}

// Copies a block of a stretch into its lane; past its end nothing changes.
template <class E, bool kReverse, int kColumns>
void load_lane(const Stretch<E>& s, int64_t first, int64_t own, int64_t steps, double* z, double* v) {
  constexpr int64_t kLanes = FlowLimits::kLanes, kColumn = FlowLimits::kBlock * kLanes;
  const int64_t sign = kReverse ? -1 : 1;
  if (own > 0) {
    const int64_t i = kReverse ? s.begin + s.size - 1 - first : s.begin + first;
    // The distance of the step into an element: its own, or from the end that of the next one.
    const bool opens = kReverse ? i + 1 == s.n : i == 0;
    if (opens) z[0] = std::numeric_limits<double>::infinity();
    const E* d = s.z + (kReverse ? i + 1 : i) * s.z_step + opens * sign * s.z_step;
    for (int64_t j = opens; j < own; ++j, d += sign * s.z_step) z[j * kLanes] = double(*d);
    const E* x = s.v + i * s.step;
    for (int64_t j = 0; j < own; ++j, x += sign * s.step) {
      for (int c = 0; c < kColumns; ++c) v[c * kColumn + j * kLanes] = double(x[c]);
    }
  }
  for (int64_t j = own; j < steps; ++j) {
    z[j * kLanes] = 0;
    for (int c = 0; c < kColumns; ++c) v[c * kColumn + j * kLanes] = 0;
  }
}

template <class E, bool kReverse, int kColumns>
void store_lane(const Stretch<E>& s, int64_t first, int64_t own, const double* sum) {
  constexpr int64_t kLanes = FlowLimits::kLanes, kColumn = FlowLimits::kBlock * kLanes;
  E* to = s.out + (kReverse ? s.begin + s.size - 1 - first : s.begin + first) * s.step;
  for (int64_t j = 0; j < own; ++j, to += kReverse ? -s.step : s.step) {
    for (int c = 0; c < kColumns; ++c) to[c] = E(sum[c * kColumn + j * kLanes]);
  }
}

SORTAX_CLONES inline void scale(const double* v, int64_t count, double by, double* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = by * v[i];
}

// Advances all lanes together, each over its stretch, from what has come so far; writes only with kWrite. Returns whether
// neighbours were at distance zero, and adds up the distances.
template <class E, bool kReverse, bool kWrite, int kColumns>
bool advance_lanes(const Stretch<E>* stretches, int64_t count, const Terms& terms, Flowing* flowing, double* lengths) {
  using L = FlowLimits;
  constexpr int64_t kBlock = L::kBlock, kLanes = L::kLanes, kColumn = kBlock * kLanes;
  double z[kColumn], v[kColumns * kColumn], sum[kColumns * kColumn], real[kColumn], imaginary[kColumn];
  int64_t zeros = 0, longest = 0;
  for (int64_t l = 0; l < count; ++l) longest = std::max(longest, stretches[l].size);
  for (int64_t first = 0; first < longest; first += kBlock) {
    const int64_t steps = std::min(kBlock, longest - first);
    const auto own = [&](int64_t l) { return l < count ? std::clamp<int64_t>(stretches[l].size - first, 0, steps) : 0; };
    for (int64_t l = 0; l < kLanes; ++l) {
      load_lane<E, kReverse, kColumns>(stretches[std::min(l, count - 1)], first, own(l), steps, z + l, v + l);
      zeros -= steps - own(l);
    }
    zeros += measure(z, steps, lengths);
    if constexpr (kWrite) {
      for (int c = 0; c < kColumns; ++c) scale(v + c * kColumn, steps * kLanes, 0.5 * terms.at_zero(), sum + c * kColumn);
    }
    for (size_t k = 0; k < terms.size(); ++k) {
      const Term& term = terms[k];
      if (term.turn != 0.0 || term.phase != 0.0) {
        decays<true>(z, steps * kLanes, term.rate, term.turn, real, imaginary);
        advance_term<true, kWrite, kColumns>(real, imaginary, v, term, steps, flowing[k], sum);
      } else {
        decays<false>(z, steps * kLanes, term.rate, 0.0, real, imaginary);
        advance_term<false, kWrite, kColumns>(real, imaginary, v, term, steps, flowing[k], sum);
      }
    }
    if constexpr (kWrite) {
      for (int64_t l = 0; l < count; ++l) store_lane<E, kReverse, kColumns>(stretches[l], first, own(l), sum + l);
    }
  }
  return zeros > 0;
}

// Gives each element of a run at distance zero half of the run's own, where the steps gave it those before it whole. A run
// belongs to the stretch in which it begins.
template <class E, bool kReverse, int kColumns>
void share_runs(const Stretch<E>& s, const Terms& terms) {
  const double half = 0.5 * terms.at_zero();
  const auto goes_on = [&](int64_t i) { return i < s.n && s.z[i * s.z_step] == E(0); };
  int64_t i = s.begin;
  while (i > 0 && goes_on(i)) ++i;
  for (const int64_t last = s.begin + s.size; i < last; ++i) {
    while (i < last && !goes_on(i + 1)) ++i;
    if (i == last) break;
    int64_t end = i + 2;
    while (goes_on(end)) ++end;
    const int64_t first = kReverse ? end - 1 : i;
    for (int c = 0; c < kColumns; ++c) {
      double own = 0;
      for (int64_t m = i; m < end; ++m) own += double(s.v[m * s.step + c]);
      const double from_others = double(s.out[first * s.step + c]) - half * double(s.v[first * s.step + c]);
      for (int64_t m = i; m < end; ++m) s.out[m * s.step + c] = E(from_others + half * own);
    }
    i = end - 1;
  }
}

// Whole rows, side by side.
template <class E, bool kReverse, int kColumns>
void flow_rows(const Workers& workers, const std::vector<Stretch<E>>& rows, const Terms& terms) {
  using L = FlowLimits;
  const int64_t count = int64_t(rows.size()), groups = (count + L::kLanes - 1) / L::kLanes;
  const bool is_small = count * rows[0].n * kColumns < L::kTask;
  const Split tasks{groups, is_small ? 1 : std::min(groups, workers.count * 4)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    std::vector<Flowing> flowing(terms.size());
    for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
      std::fill(flowing.begin(), flowing.end(), Flowing{});
      const int64_t first = g * L::kLanes, own = std::min(L::kLanes, count - first);
      Lanes lengths = {};
      if (advance_lanes<E, kReverse, true, kColumns>(&rows[size_t(first)], own, terms, flowing.data(), lengths)) {
        for (int64_t l = 0; l < own; ++l) share_runs<E, kReverse, kColumns>(rows[size_t(first + l)], terms);
      }
    }
  });
}

// A long row, in pieces side by side.
template <class E, bool kReverse, int kColumns>
void flow_long(const Workers& workers, const Stretch<E>& row, const Terms& terms) {
  using L = FlowLimits;
  const int64_t groups = std::max<int64_t>(std::min(row.n / L::kTask, workers.count), 1), pieces = groups * L::kLanes;
  const Split cuts{row.n, pieces};
  std::vector<Stretch<E>> stretches(static_cast<size_t>(pieces), row);
  for (int64_t p = 0; p < pieces; ++p) {
    // In the order in which it flows.
    const int64_t q = kReverse ? pieces - 1 - p : p;
    stretches[size_t(p)].begin = cuts.begin(q);
    stretches[size_t(p)].size = cuts.begin(q + 1) - cuts.begin(q);
  }
  std::vector<Flowing> flowing(static_cast<size_t>(groups) * terms.size());
  std::vector<double> lengths(static_cast<size_t>(pieces));
  std::vector<char> has_ties(static_cast<size_t>(groups));
  const auto run = [&](auto write) {
    for_each(workers, groups, [&](int64_t g) {
      has_ties[size_t(g)] = advance_lanes<E, kReverse, decltype(write)::value, kColumns>(
          &stretches[size_t(g * L::kLanes)], L::kLanes, terms, &flowing[size_t(g) * terms.size()],
          &lengths[size_t(g * L::kLanes)]);
    });
  };
  run(std::false_type{});
  for (size_t k = 0; k < terms.size(); ++k) {
    double real[kColumns] = {}, imaginary[kColumns] = {};
    for (int64_t p = 0; p < pieces; ++p) {
      Flowing& own = flowing[size_t(p / L::kLanes) * terms.size() + k];
      const int64_t l = p % L::kLanes;
      double a, b = 0;
      decays<true>(&lengths[size_t(p)], 1, terms[k].rate, terms[k].turn, &a, &b);
      for (int c = 0; c < kColumns; ++c) {
        const bool is_cut = a == 0.0 && b == 0.0;
        const double x = is_cut ? 0.0 : a * real[c] - b * imaginary[c], y = is_cut ? 0.0 : a * imaginary[c] + b * real[c];
        // Each piece now starts from what the one before it was given and added.
        const double next_real = x + own.real[c][l], next_imaginary = y + own.imaginary[c][l];
        own.real[c][l] = real[c], own.imaginary[c][l] = imaginary[c];
        real[c] = next_real, imaginary[c] = next_imaginary;
      }
    }
  }
  run(std::true_type{});
  if (std::find(has_ties.begin(), has_ties.end(), char(true)) == has_ties.end()) return;
  for_each(workers, pieces, [&](int64_t p) { share_runs<E, kReverse, kColumns>(stretches[size_t(p)], terms); });
}

template <class E, bool kReverse, int kColumns>
void flow_columns(const Workers& workers, const Layout& layout, const Terms& terms, const E* z, const E* v, E* out,
                  int64_t first, int64_t last) {
  using L = FlowLimits;
  std::vector<Stretch<E>> rows;
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t i = first; i + kColumns <= last; i += kColumns) {
      const int64_t at = o * layout.n * layout.inner + i;
      rows.push_back({z + layout.outer_offset(o) + layout.inner_offset(i), v + at, out + at, layout.step, layout.inner,
                      layout.n, 0, layout.n});
    }
  }
  if (rows.empty()) return;
  if (int64_t(rows.size()) >= L::kLanes || layout.n < 2 * L::kPiece) {
    flow_rows<E, kReverse, kColumns>(workers, rows, terms);
  } else {
    for (const Stretch<E>& row : rows) flow_long<E, kReverse, kColumns>(workers, row, terms);
  }
}

template <class E, bool kReverse>
void flow_all(const Workers& workers, const Layout& layout, const Terms& terms, const E* z, const E* v, E* out) {
  // Neighbouring columns that share one row of distances share the factors, too.
  const int64_t paired = layout.inner_is_shared ? layout.inner / 2 * 2 : 0;
  if (paired > 0) flow_columns<E, kReverse, 2>(workers, layout, terms, z, v, out, 0, paired);
  flow_columns<E, kReverse, 1>(workers, layout, terms, z, v, out, paired, layout.inner);
}

}  // namespace sortax
