// A check that names its place, counts, and lets the program fail at the end; and threads that misbehave on purpose.

#pragma once

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/parallel.h"

namespace sortax::test {

inline int failures = 0;
inline int checks = 0;

inline void fail(const std::string& what, const char* file, int line) {
  ++failures;
  if (failures <= 20) std::printf("%s:%d: failed: %s\n", file, line, what.c_str());
}

// What has failed is put into words only then.
#define CHECK(condition, what) \
  (++::sortax::test::checks, (condition) ? void() : ::sortax::test::fail((what), __FILE__, __LINE__))

// Real threads that drain a queue.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int t = 0; t < threads; ++t) threads_.emplace_back([this] { drain(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Workers workers(int64_t count) {
    return {count, [this](std::function<void()> task) {
              {
                std::lock_guard<std::mutex> lock(mutex_);
                tasks_.push_back(std::move(task));
              }
              wake_.notify_one();
            }};
  }

 private:
  void drain() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  bool stop_ = false;
};

// A pool whose threads are all busy: tasks are taken and never run, or run only when the loop is long over.
class Stalled {
 public:
  ~Stalled() { run_late(); }
  Workers workers(int64_t count) {
    return {count, [this](std::function<void()> task) { tasks_.push_back(std::move(task)); }};
  }
  void run_late() {
    for (const auto& task : tasks_) task();
    tasks_.clear();
  }

 private:
  std::vector<std::function<void()>> tasks_;
};

}  // namespace sortax::test
