// Scratch memory that is kept between calls.
//
// Contract: Scratch<T>(n) is uninitialised room for n objects of the trivial type T, aligned to a page, given back
// on destruction; none for n = 0. Blocks are kept for the next call, up to kRetained bytes in all, because the page faults
// of fresh memory cost as much as a sort; a block beyond that returns to the system. Thread-safe. Throws std::bad_alloc.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <type_traits>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace sortax {

class ScratchPool {
 public:
  struct Block {
    void* memory;
    size_t bytes;
  };

  static ScratchPool& instance() {
    // Never destroyed: a pool thread may still return a block while the process exits.
    static ScratchPool* const pool = new ScratchPool;
    return *pool;
  }

  Block take(size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      size_t best = free_.size();
      for (size_t i = 0; i < free_.size(); ++i) {
        const bool fits = free_[i].bytes >= bytes && free_[i].bytes / 4 <= bytes + kSmallPage;
        if (fits && (best == free_.size() || free_[i].bytes < free_[best].bytes)) best = i;
      }
      if (best < free_.size()) {
        const Block block = free_[best];
        free_[best] = free_.back();
        free_.pop_back();
        retained_ -= block.bytes;
        return block;
      }
    }
    // Huge pages spare both the faults and the address-translation misses of a scatter to thousands of streams.
    const size_t page = bytes >= kHugePage ? kHugePage : kSmallPage;
    const size_t rounded = (bytes + page - 1) / page * page;
    void* const memory = std::aligned_alloc(page, rounded);
    if (memory == nullptr) throw std::bad_alloc();
#ifdef __linux__
    if (page == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
    return {memory, rounded};
  }

  void give(Block block) noexcept {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (retained_ + block.bytes <= kRetained && free_.size() < free_.capacity()) {
        free_.push_back(block);
        retained_ += block.bytes;
        return;
      }
    }
    std::free(block.memory);
  }

 private:
  static constexpr size_t kRetained = size_t(256) << 20;  // 16 million packed pairs, twice
  static constexpr size_t kHugePage = size_t(2) << 20;
  static constexpr size_t kSmallPage = 4096;
  static constexpr size_t kBlocks = 64;

  ScratchPool() { free_.reserve(kBlocks); }

  std::mutex mutex_;
  std::vector<Block> free_;
  size_t retained_ = 0;
};

template <class T>
class Scratch {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit Scratch(int64_t n) {
    if (n > 0) block_ = ScratchPool::instance().take(static_cast<size_t>(n) * sizeof(T));
  }
  ~Scratch() {
    if (block_.memory != nullptr) ScratchPool::instance().give(block_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return static_cast<T*>(block_.memory); }

 private:
  ScratchPool::Block block_{nullptr, 0};
};

}  // namespace sortax
