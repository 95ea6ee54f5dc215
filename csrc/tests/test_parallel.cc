// The loop of parallel.h: every chunk once, no wait for a task that does not start, exceptions come back.

#include <stdexcept>

#include "tests/check.h"

namespace sortax::test {

static void every_chunk_runs_once(const Workers& workers, const std::string& name) {
  for (int64_t n : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(n));
    for_each(workers, n, [&](int64_t i) { runs[size_t(i)].fetch_add(1); });
    bool once = true;
    for (const auto& r : runs) once &= r.load() == 1;
    CHECK(once, name + ": every chunk runs once, n = " + std::to_string(n));
  }
}

static void every_item_runs_once(const Workers& workers, const std::string& name) {
  for (int64_t n : {0, 1, 5, 100}) {
    for (bool together : {false, true}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(n));
      std::atomic<bool> has_threads{true};
      for_each_item(workers, share(workers, n, 1000, 10), together, [&](const Workers& some, int64_t i) {
        runs[size_t(i)].fetch_add(1);
        if (some.count != (together ? workers.count : 1)) has_threads = false;
      });
      bool once = true;
      for (const auto& r : runs) once &= r.load() == 1;
      CHECK(once, name + ": every item runs once, n = " + std::to_string(n));
      CHECK(has_threads, name + ": all threads share an item, or one has it");
    }
  }
}

static void exceptions_come_back(const Workers& workers, const std::string& name) {
  bool caught = false;
  try {
    for_each(workers, 100, [](int64_t i) {
      if (i % 7 == 3) throw std::runtime_error("chunk");
    });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  CHECK(caught, name + ": an exception reaches the caller");
}

static void loops_nest(const Workers& workers) {
  std::atomic<int> runs{0};
  for_each(workers, 16, [&](int64_t) { for_each(workers, 16, [&](int64_t) { runs.fetch_add(1); }); });
  CHECK(runs.load() == 256, "loops inside loops finish, though every thread is inside one");
}

void test_parallel() {
  Pool pool(3);
  Stalled stalled;
  for (const auto& [workers, name] :
       {std::pair{Workers{}, "alone"}, {pool.workers(4), "pool"}, {stalled.workers(4), "stalled"}}) {
    every_chunk_runs_once(workers, name);
    every_item_runs_once(workers, name);
    exceptions_come_back(workers, name);
  }
  loops_nest(pool.workers(4));
  loops_nest(stalled.workers(4));
  stalled.run_late();

  for (int64_t size : {0, 1, 5, 17}) {
    for (int64_t parts : {1, 2, 5, 8}) {
      const Split split{size, parts};
      bool ordered = split.begin(0) == 0 && split.begin(parts) == size;
      for (int64_t p = 0; p < parts; ++p) ordered &= split.begin(p) <= split.begin(p + 1);
      CHECK(ordered, "a split covers its range");
    }
  }
}

}  // namespace sortax::test
