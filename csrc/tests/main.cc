// The unit tests of the kernels, without XLA; meant to run under the sanitizers.

#include "tests/check.h"

namespace sortax::test {
void test_parallel();
void test_sort();
void test_select();
void test_linear();
void test_linear_scan();
void test_isotonic();
void test_kernel_sum();
void test_inverse_cdf();
}  // namespace sortax::test

int main() {
  using namespace sortax::test;
  test_parallel();
  test_sort();
  test_select();
  test_linear();
  test_linear_scan();
  test_isotonic();
  test_kernel_sum();
  test_inverse_cdf();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
