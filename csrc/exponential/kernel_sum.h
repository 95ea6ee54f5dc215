// Sums along a line, with weights that fall off exponentially with distance.
//
// Contract: z (the structure of layout.h) has the distance of each element from the one before it, and infinity where
// nothing flows; that of the first is not read. v and out are like the array. out_i is the sum of kappa(d_ij) v_j over all
// j, with kappa(d) = Re sum of w exp(-b d); or if it is odd what comes from j < i less what comes from j > i, to which
// elements at distance zero add nothing. Computed in double precision and rounded once. A step waits for the one before
// it, so several rows, or pieces of a long row, advance side by side, in blocks: a first pass, from the end, learns what
// flows from each block, and a second one, from the beginning, adds up in each what comes from both sides. Allocates
// a few numbers for each block and term.

#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "exponential/kernel_block.h"
#include "core/layout.h"
#include "core/parallel.h"
#include "core/scratch.h"

namespace sortax {

// What flows out of a stretch at its end and at its beginning, or into it there, for each term; and how long it is.
template <int kColumns>
struct Ends {
  std::vector<Flowing<kColumns>> before, after;
  Lanes lengths;
};

// Up to as many stretches as there are lanes; the first is one of the longest.
template <class E, int kColumns>
class SideBySide {
 public:
  using L = FlowLimits;
  using State = Flowing<kColumns>;

  SideBySide(const Terms& terms, bool odd, int64_t longest)
      : terms_(terms),
        odd_(odd),
        blocks_((longest + L::kBlock - 1) / L::kBlock),
        lengths_(blocks_),
        after_(blocks_ * int64_t(terms.size())) {}

  void set(const Stretch<E>* stretches, int64_t count) { stretches_ = stretches, count_ = count; }

  // From the end: what arrives at the last step of each block from those after it in the stretch, and how far that is from
  // the end. With `ends`, what flows out of the stretches.
  void learn(Ends<kColumns>* ends) {
    const size_t size = terms_.size();
    std::vector<State>& after = flowing_;
    after.assign(size, State{});
    Lanes lengths = {};
    if (ends) ends->before.assign(size, State{});
    for (int64_t b = blocks_ - 1; b >= 0; --b) {
      std::copy_n(lengths, L::kLanes, lengths_.data()[b]);
      std::copy(after.begin(), after.end(), after_of(b));
      if (b == 0 && !ends) break;
      const int64_t steps = load(b);
      for (size_t k = 0; k < size; ++k) {
        factors(terms_[k], block_.z, steps * L::kLanes, block_.real, block_.imaginary);
        advance<true, false, kColumns>(block_, terms_[k], 1, steps, after[k]);
        if (!ends) continue;
        State alone = {};
        advance<false, false, kColumns>(block_, terms_[k], 1, steps, alone);
        carry(terms_[k], lengths, alone, ends->before[k]);
      }
      add_up(block_.z, steps, lengths);
    }
    if (!ends) return;
    ends->after = after;
    std::copy_n(lengths, L::kLanes, ends->lengths);
  }

  // From the beginning: adds up and writes what comes from both sides, with `ends` what flows into the stretches.
  void write(const Ends<kColumns>* ends) {
    const size_t size = terms_.size();
    std::vector<State>& before = flowing_;
    if (ends) {
      before = ends->before;
    } else {
      before.assign(size, State{});
    }
    for (int64_t b = 0; b < blocks_; ++b) {
      const int64_t steps = load(b);
      for (int c = 0; c < kColumns; ++c) {
        const int64_t column = c * Block<kColumns>::kSize, count = steps * L::kLanes;
        // Of an odd sum an element itself, be it infinite or NaN, is no part.
        if (odd_) {
          std::fill_n(block_.sum + column, count, 0.0);
        } else {
          scale(block_.v + column, count, terms_.at_zero(), block_.sum + column);
        }
      }
      for (size_t k = 0; k < size; ++k) {
        State after = after_of(b)[k];
        if (ends) carry(terms_[k], lengths_.data()[b], ends->after[k], after);
        factors(terms_[k], block_.z, steps * L::kLanes, block_.real, block_.imaginary);
        advance<false, true, kColumns>(block_, terms_[k], 1, steps, before[k]);
        advance<true, true, kColumns>(block_, terms_[k], odd_ ? -1 : 1, steps, after);
      }
      store(b);
    }
  }

 private:
  State* after_of(int64_t b) const { return after_.data() + b * int64_t(terms_.size()); }

  int64_t own(int64_t l, int64_t first) const {
    return l < count_ ? std::clamp<int64_t>(stretches_[l].size - first, 0, L::kBlock) : 0;
  }

  // Returns the number of steps; past the end of a stretch nothing changes.
  int64_t load(int64_t b) {
    constexpr int64_t kLanes = L::kLanes, kSize = Block<kColumns>::kSize;
    const int64_t first = b * L::kBlock, steps = own(0, first);
    const E *z[kLanes], *v[kLanes];
    int64_t common = steps;
    for (int64_t l = 0; l < kLanes; ++l) {
      const Stretch<E>& s = stretches_[std::min(l, count_ - 1)];
      z[l] = s.z + (s.begin + first) * s.z_step;
      v[l] = s.v + (s.begin + first) * s.step;
      common = std::min(common, own(l, first));
    }
    const int64_t z_step = stretches_->z_step, step = stretches_->step;
    for (int64_t j = 0; j < common; ++j) {
      for (int64_t l = 0; l < kLanes; ++l) block_.z[j * kLanes + l] = double(z[l][j * z_step]);
      for (int c = 0; c < kColumns; ++c) {
        for (int64_t l = 0; l < kLanes; ++l) block_.v[c * kSize + j * kLanes + l] = double(v[l][j * step + c]);
      }
    }
    for (int64_t l = 0; l < kLanes; ++l) {
      const int64_t size = own(l, first);
      for (int64_t j = common; j < steps; ++j) {
        const bool is_own = j < size;
        block_.z[j * kLanes + l] = is_own ? double(z[l][j * z_step]) : 0.0;
        for (int c = 0; c < kColumns; ++c) block_.v[c * kSize + j * kLanes + l] = is_own ? double(v[l][j * step + c]) : 0.0;
      }
      if (size > 0 && stretches_[l].begin + first == 0) block_.z[l] = std::numeric_limits<double>::infinity();
    }
    return steps;
  }

  void store(int64_t b) {
    const int64_t first = b * L::kBlock;
    for (int64_t l = 0; l < count_; ++l) {
      const Stretch<E>& s = stretches_[l];
      const int64_t size = own(l, first);
      const double* sum = block_.sum + l;
      E* to = s.out + (s.begin + first) * s.step;
      for (int64_t j = 0; j < size; ++j, to += s.step, sum += L::kLanes) {
        for (int c = 0; c < kColumns; ++c) to[c] = E(sum[c * Block<kColumns>::kSize]);
      }
    }
  }

  const Stretch<E>* stretches_ = nullptr;
  int64_t count_ = 0;
  const Terms& terms_;
  const bool odd_;
  const int64_t blocks_;
  Scratch<Lanes> lengths_;
  Scratch<State> after_;
  std::vector<State> flowing_;
  Block<kColumns> block_;
};

// Whole rows, side by side.
template <class E, int kColumns>
void flow_rows(const Workers& workers, const std::vector<Stretch<E>>& rows, const Terms& terms, bool odd) {
  using L = FlowLimits;
  const int64_t count = int64_t(rows.size()), groups = (count + L::kLanes - 1) / L::kLanes;
  const bool is_small = count * rows[0].size * kColumns < L::kTask;
  const Split tasks{groups, is_small ? 1 : std::min(groups, workers.count * 4)};
  for_each(workers, tasks.parts, [&](int64_t t) {
    SideBySide<E, kColumns> group(terms, odd, rows[0].size);
    for (int64_t g = tasks.begin(t); g < tasks.begin(t + 1); ++g) {
      const int64_t first = g * L::kLanes;
      group.set(&rows[size_t(first)], std::min(L::kLanes, count - first));
      group.learn(nullptr);
      group.write(nullptr);
    }
  });
}

// From what flows out of each piece by itself to what flows into it: lane l of group g is piece g * lanes + l.
template <int kColumns>
void pass_on(const Terms& terms, bool back, std::vector<Flowing<kColumns>> Ends<kColumns>::* side,
             std::vector<Ends<kColumns>>& groups) {
  constexpr int64_t kLanes = FlowLimits::kLanes;
  const int64_t pieces = int64_t(groups.size()) * kLanes;
  for (size_t k = 0; k < terms.size(); ++k) {
    double real[kColumns] = {}, imaginary[kColumns] = {};
    for (int64_t p = 0; p < pieces; ++p) {
      const int64_t q = back ? pieces - 1 - p : p, l = q % kLanes;
      Ends<kColumns>& ends = groups[size_t(q / kLanes)];
      Flowing<kColumns>& own = (ends.*side)[k];
      double a, b = 0;
      factors(terms[k], &ends.lengths[l], 1, &a, &b);
      for (int c = 0; c < kColumns; ++c) {
        // Its own is taken out to be passed on, and what has come so far is left in its place.
        std::swap(own.real[c][l], real[c]), std::swap(own.imaginary[c][l], imaginary[c]);
        add_left(a, b, own.real[c][l], own.imaginary[c][l], real[c], imaginary[c]);
      }
    }
  }
}

// A long row, in pieces side by side.
template <class E, int kColumns>
void flow_long(const Workers& workers, const Stretch<E>& row, const Terms& terms, bool odd) {
  using L = FlowLimits;
  const int64_t groups = std::max<int64_t>(std::min(row.size / L::kTask, workers.count), 1), pieces = groups * L::kLanes;
  const Split cuts{row.size, pieces};
  std::vector<Stretch<E>> stretches(static_cast<size_t>(pieces), row);
  for (int64_t p = 0; p < pieces; ++p) {
    stretches[size_t(p)].begin = cuts.begin(p);
    stretches[size_t(p)].size = cuts.begin(p + 1) - cuts.begin(p);
  }
  std::vector<std::unique_ptr<SideBySide<E, kColumns>>> parts(static_cast<size_t>(groups));
  std::vector<Ends<kColumns>> ends(static_cast<size_t>(groups));
  for_each(workers, groups, [&](int64_t g) {
    const Stretch<E>* const own = &stretches[size_t(g * L::kLanes)];
    parts[size_t(g)] = std::make_unique<SideBySide<E, kColumns>>(terms, odd, own->size);
    parts[size_t(g)]->set(own, L::kLanes);
    parts[size_t(g)]->learn(&ends[size_t(g)]);
  });
  pass_on(terms, false, &Ends<kColumns>::before, ends);
  pass_on(terms, true, &Ends<kColumns>::after, ends);
  for_each(workers, groups, [&](int64_t g) { parts[size_t(g)]->write(&ends[size_t(g)]); });
}

template <class E, int kColumns>
void flow_columns(const Workers& workers, const Layout& layout, const Terms& terms, bool odd, const E* z, const E* v, E* out,
                  int64_t first, int64_t last) {
  using L = FlowLimits;
  std::vector<Stretch<E>> rows;
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t i = first; i + kColumns <= last; i += kColumns) {
      const int64_t at = o * layout.n * layout.inner + i;
      rows.push_back(
          {z + layout.outer_offset(o) + layout.inner_offset(i), v + at, out + at, layout.step, layout.inner, 0, layout.n});
    }
  }
  if (rows.empty()) return;
  if (int64_t(rows.size()) >= L::kLanes || layout.n < 2 * L::kPiece) {
    flow_rows<E, kColumns>(workers, rows, terms, odd);
  } else {
    for (const Stretch<E>& row : rows) flow_long<E, kColumns>(workers, row, terms, odd);
  }
}

template <class E>
void flow_all(const Workers& workers, const Layout& layout, const Terms& even, bool odd, const E* z, const E* v, E* out) {
  const Terms terms = odd ? even.less_level() : even;
  // Neighbouring columns that share one row of distances share the factors, too.
  constexpr int kColumns = FlowLimits::kColumns;
  const int64_t paired = layout.inner_is_shared ? layout.inner / kColumns * kColumns : 0;
  if (paired > 0) flow_columns<E, kColumns>(workers, layout, terms, odd, z, v, out, 0, paired);
  flow_columns<E, 1>(workers, layout, terms, odd, z, v, out, paired, layout.inner);
}

}  // namespace sortax
