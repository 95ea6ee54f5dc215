// The unit tests of the kernels, without XLA; meant to run under the sanitizers.

#include "tests/check.h"

namespace sortax::test {
void test_parallel();
void test_sort();
void test_select();
void test_linear();
void test_soft();
void test_flow();
void test_borders();
}  // namespace sortax::test

int main() {
  using namespace sortax::test;
  test_parallel();
  test_sort();
  test_select();
  test_linear();
  test_soft();
  test_flow();
  test_borders();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
