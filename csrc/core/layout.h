// How an array and the structure that acts on one of its axes lie in memory.
//
// Contract: the array is a Grid, (outer, n, inner) in memory, whose rows run along the middle. The structure (indices, or
// starts of runs) has the same axes except the `shared` ones, along which one structure serves all. The structure's offset
// for element j of row r is structure_start(r) + j * step. Allocates a table of offsets, one for each inner element.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sortax {

struct Grid {
  int64_t outer = 1, n = 0, inner = 1;

  int64_t rows() const { return outer * inner; }
  int64_t start(int64_t r) const { return r / inner * n * inner + r % inner; }  // of row r
  Grid with_length(int64_t m) const { return {outer, m, inner}; }
};

class Layout : public Grid {
 public:
  // `dims` as XLA presents the array; its i-th axis is the order[i]-th in memory. `axis` and `shared` are axes in
  // memory too. Returns the name of the one that does not fit, or null.
  template <class Dims, class Axes>
  static const char* make(const Dims& dims, const Axes& order, int64_t axis, const Axes& shared, Layout& layout) {
    const int64_t rank = int64_t(dims.size());
    std::vector<Dim> memory(static_cast<size_t>(rank), Dim{-1, 0});
    std::vector<bool> is_shared(static_cast<size_t>(rank), false);
    const auto valid = [&](int64_t d) { return d >= 0 && d < rank; };
    if (!valid(axis)) return "axis";
    if (int64_t(order.size()) != rank) return "order";
    for (int64_t d : shared) {
      if (!valid(d) || d == axis || is_shared[size_t(d)]) return "shared";
      is_shared[size_t(d)] = true;
    }
    for (int64_t i = 0; i < rank; ++i) {
      const int64_t d = order.begin()[i];
      if (!valid(d) || memory[size_t(d)].size >= 0) return "order";
      memory[size_t(d)].size = dims.begin()[i];
    }
    layout.n = memory[size_t(axis)].size;
    int64_t stride = 1;
    for (int64_t d = rank - 1; d >= 0; --d) {
      if (is_shared[size_t(d)]) continue;
      memory[size_t(d)].stride = stride;
      stride *= memory[size_t(d)].size;
    }
    layout.step = memory[size_t(axis)].stride;
    layout.outer_dims_.assign(memory.begin(), memory.begin() + axis);
    for (const Dim& dim : layout.outer_dims_) layout.outer *= dim.size;
    layout.inner_offsets_ = {0};
    for (int64_t d = axis + 1; d < rank; ++d) {
      layout.inner *= memory[size_t(d)].size;
      layout.inner_is_shared &= is_shared[size_t(d)] || memory[size_t(d)].size == 1;
    }
    // Of an empty array the other axes may be long beyond any table.
    if (!layout.inner_is_shared && layout.outer * layout.n > 0) {
      std::vector<Dim> inner(memory.begin() + axis + 1, memory.end());
      layout.inner_offsets_.resize(static_cast<size_t>(layout.inner));
      for (int64_t i = 0; i < layout.inner; ++i) layout.inner_offsets_[size_t(i)] = offset(inner, i);
    }
    return nullptr;
  }

  int64_t step = 1;             // between neighbours along the axis, in the structure
  bool inner_is_shared = true;  // one structure serves all inner elements

  int64_t outer_offset(int64_t o) const { return offset(outer_dims_, o); }
  int64_t inner_offset(int64_t i) const { return inner_is_shared ? 0 : inner_offsets_[size_t(i)]; }
  int64_t structure_start(int64_t r) const { return outer_offset(r / inner) + inner_offset(r % inner); }

 private:
  struct Dim {
    int64_t size, stride;
  };

  static int64_t offset(const std::vector<Dim>& dims, int64_t flat) {
    int64_t sum = 0;
    for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim) {
      sum += flat % dim->size * dim->stride;
      flat /= dim->size;
    }
    return sum;
  }

  std::vector<Dim> outer_dims_;
  std::vector<int64_t> inner_offsets_;
};

}  // namespace sortax
