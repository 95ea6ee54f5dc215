// The unit tests of the kernels, without XLA; meant to run under the sanitizers.

#include "core/isa.h"
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
void test_bin_masses();
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
  test_bin_masses();
#if defined(__x86_64__)
  while (sortax::instructions != sortax::Instructions::kBaseline) {
    sortax::instructions = sortax::Instructions(int(sortax::instructions) - 1);
    test_select();
    test_kernel_sum();
  }
#endif
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
