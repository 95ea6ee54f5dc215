// Work shared with the threads of XLA's own pool.
//
// Contract: for_each(workers, n, body) runs body(0) .. body(n - 1), each once, and returns when all have run. The
// calling thread takes part and claims chunks from the same counter as the helpers, so it never waits for a task
// that has not started: when every pool thread is busy inside a kernel, the caller does all the work by itself. It
// waits only for chunks that a running helper has claimed. A helper that starts late finds no chunk and touches
// nothing of the caller's. An exception in a body is rethrown in the caller. Allocates one small shared state.
// for_each_range does the same with contiguous ranges of items, which share() makes a few for each thread.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace sortax {

struct Workers {
  int64_t count = 1;                                    // threads that may run at once, the caller included
  std::function<void(std::function<void()>)> schedule;  // queues a task; may run it never, late, or at once
};

// A callable by reference, so that what takes it is compiled once; what it refers to must outlive its calls.
template <class... Arguments>
class Callable {
 public:
  template <class F>
  explicit Callable(const F& f)
      : f_(&f), call_([](const void* f, Arguments... arguments) { (*static_cast<const F*>(f))(arguments...); }) {}

  void operator()(Arguments... arguments) const { call_(f_, arguments...); }

 private:
  const void* f_;
  void (*call_)(const void*, Arguments...);
};

using LoopBody = Callable<int64_t>;

class Loop {
 public:
  Loop(int64_t size, const LoopBody& body) : size_(size), body_(body) {}

  void run() {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < size_;) {
      try {
        body_(i);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
      finished_.fetch_add(1, std::memory_order_release);
    }
  }

  void wait() {
    for (int spins = 0; finished_.load(std::memory_order_acquire) < size_; ++spins) {
      if (spins > 64) std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const int64_t size_;
  const LoopBody body_;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> finished_{0};
  std::mutex mutex_;
  std::exception_ptr error_;
};

inline void run_loop(const Workers& workers, int64_t n, const LoopBody& body) {
  if (workers.count <= 1 || n <= 1) {
    for (int64_t i = 0; i < n; ++i) body(i);
    return;
  }
  auto loop = std::make_shared<Loop>(n, body);
  const int64_t helpers = std::min(workers.count, n) - 1;
  for (int64_t h = 0; h < helpers; ++h) workers.schedule([loop] { loop->run(); });
  loop->run();
  loop->wait();
}

template <class Body>
void for_each(const Workers& workers, int64_t n, const Body& body) {
  run_loop(workers, n, LoopBody(body));
}

// Splits [0, size) into `count` contiguous ranges, the longer ones first; range p is [begin(p), begin(p + 1)).
struct Split {
  int64_t size;
  int64_t count;
  int64_t begin(int64_t p) const { return size / count * p + std::min(p, size % count); }
};

// Ranges of items that have so many elements together: one where that is less than the grain, which is worth waking a
// thread.
inline Split share(const Workers& workers, int64_t items, int64_t elements, int64_t grain, int64_t ranges_per_thread = 4) {
  return {items, elements < grain ? 1 : std::min(items, workers.count * ranges_per_thread)};
}

// Runs body(begin, end) on each range.
template <class Body>
void for_each_range(const Workers& workers, const Split& ranges, const Body& body) {
  for_each(workers, ranges.count, [&](int64_t p) { body(ranges.begin(p), ranges.begin(p + 1)); });
}

// Runs body(workers, i) on each item: with all threads on one after the other, or with one thread an item.
template <class Body>
void for_each_item(const Workers& workers, const Split& items, bool together, const Body& body) {
  const Workers alone;
  const Split ranges = together ? Split{items.size, 1} : items;
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(together ? workers : alone, i);
  };
  for_each_range(workers, ranges, run);
}

}  // namespace sortax
