// Arrays in every layout, with the structure that acts on one of their axes.

#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "core/layout.h"
#include "tests/check.h"

namespace sortax::test {

// An array in memory order, with some axes along which one structure serves all.
struct Case {
  std::vector<int64_t> sizes;
  int64_t axis;
  std::vector<int64_t> shared;
};

inline bool is_shared(const Case& c, int64_t d) { return std::count(c.shared.begin(), c.shared.end(), d) > 0; }

// The axes as XLA may present them: own ones, the axis worked on, shared ones.
inline std::vector<int64_t> order_of(const Case& c) {
  std::vector<int64_t> order;
  for (int64_t d = 0; d < int64_t(c.sizes.size()); ++d) {
    if (d != c.axis && !is_shared(c, d)) order.push_back(d);
  }
  order.push_back(c.axis);
  order.insert(order.end(), c.shared.begin(), c.shared.end());
  return order;
}

inline Layout layout_of(const Case& c) {
  const std::vector<int64_t> order = order_of(c);
  std::vector<int64_t> dims;
  for (int64_t d : order) dims.push_back(c.sizes[size_t(d)]);
  Layout layout;
  CHECK(Layout::make(dims, order, c.axis, c.shared, layout) == nullptr, "the axes fit");
  return layout;
}

inline int64_t stride_of(const Case& c, int64_t axis, bool structure) {
  int64_t stride = 1;
  for (int64_t d = int64_t(c.sizes.size()) - 1; d > axis; --d) {
    if (!structure || !is_shared(c, d)) stride *= c.sizes[size_t(d)];
  }
  return stride;
}

// Offset of element `flat` in the array, and of the structure's element that acts on it.
inline int64_t structure_offset(const Case& c, int64_t flat) {
  int64_t sum = 0;
  for (int64_t d = 0; d < int64_t(c.sizes.size()); ++d) {
    const int64_t coordinate = flat / stride_of(c, d, false) % c.sizes[size_t(d)];
    if (!is_shared(c, d)) sum += coordinate * stride_of(c, d, true);
  }
  return sum;
}

inline int64_t product(const std::vector<int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

inline int64_t structure_size(const Case& c) {
  int64_t size = product(c.sizes);
  for (int64_t d : c.shared) size /= c.sizes[size_t(d)];
  return size;
}

// The places of each row of an array, in the array and in the structure, in order or from the end.
template <class Visit>
void each_row(const Case& c, bool reverse, Visit visit) {
  const int64_t n = c.sizes[size_t(c.axis)], step = stride_of(c, c.axis, false), own_step = stride_of(c, c.axis, true);
  std::vector<size_t> own(static_cast<size_t>(n)), structure(own);
  for (int64_t flat = 0; flat < product(c.sizes); ++flat) {
    if (flat / step % n != 0) continue;
    for (int64_t j = 0; j < n; ++j) {
      const int64_t i = reverse ? n - 1 - j : j;
      own[size_t(j)] = size_t(flat + i * step);
      structure[size_t(j)] = size_t(structure_offset(c, flat) + i * own_step);
    }
    visit(own, structure);
  }
}

inline const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{7}, 0, {}},     {{1}, 0, {}},           {{3, 5}, 1, {}},        {{5, 3}, 0, {}},        {{5, 3}, 0, {1}},
      {{4, 5}, 1, {0}}, {{2, 5, 3, 4}, 1, {3}}, {{2, 5, 3, 4}, 1, {2}}, {{2, 3, 5, 4}, 2, {0}}, {{2, 3, 5, 4}, 2, {1, 3}},
      {{70000}, 0, {}}, {{300, 200, 2}, 1, {}}};
  return all;
}

}  // namespace sortax::test
