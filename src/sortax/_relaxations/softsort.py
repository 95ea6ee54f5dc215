"""SoftSort: rows of weights that decay exponentially with the distance from the sorted element."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._checks import check_choice
from .._order import SortedOrder
from .exponentials import EXPONENTIAL, gaussian
from .kernel import Kernel, ScaledKernelMatrix, balancing_scales, entropies, kernel_matrix
from .soft import AbstractMatrixRelaxation, Temperature, as_temperature, reciprocal


class SoftSort(AbstractMatrixRelaxation):
    r"""SoftSort, exact and in O(n log n): the i-th sorted element is a mean of those around it.

    With $s$ the sorted $x$ and the temperature $t$, in the units of $x$ (of its square for `"squared"`),

    $$ P_{ij} = e^{-d(s_i, x_j)/t} \Big/ \sum_k e^{-d(s_i, x_k)/t}, \qquad d(a, b) = |a - b| \text{ or } (a - b)^2. $$

    Rows sum to one, and with `doubly_stochastic` columns do as well: both are scaled alike until they do (Sinkhorn), and the
    derivative is that of the limit. In sorted order the kernel is a product of what each gap leaves of one, so that products
    with it are linear scans, one from each end; no matrix is made.

    **Arguments:**

    - `temperature`: positive, in the units of `x` (of its square for `"squared"`). A Python number stays a number; an array is a
      parameter, and may have one entry a row. In the limit of 0 it gives `Exact("average")`.
    - `distance`: `"absolute"` or `"squared"`.
    - `doubly_stochastic`: whether columns sum to one as well; then ranks sum to $n(n-1)/2$, and masks to $k$.

    **Accuracy:** entry i of `sort` is off by $\sum_j e^{-|s_i - s_j|/t} |s_j - s_i| \le (n - 1)\, t/e$ at most, and by
    $(n - 1)\, g\, e^{-g/t}$ if all gaps are $g \ge t$ at least. `"squared"` is a sum of exponentials with an error of 1e-6 of the
    largest weight in 32 bits, and 1e-13 in 64. Sums are accumulated in double precision: 32-bit results are within 1e-5 of
    64-bit ones at a million elements.

    **Ranks:** an element's mean position, $r_j = \sum_i P_{ij}\, i / \sum_i P_{ij}$: monotone in $x$ and from 0 to $n - 1$.
    A mask sums to $k$, but an entry can reach 1.2, the largest sum of a column; `doubly_stochastic=True` keeps all below 1.

    **Ties:** share a place by symmetry; the derivative is the one that is the same for equal elements.

    **NaN:** last and by itself, as an infinity is: nothing is soft between these and numbers.

    **Cost:** one exact sort and two linear scans a product, O(n) memory; with `doubly_stochastic` 30 products more (56 in double
    precision). `"squared"` has four complex scans for each (eight in double precision). `.dense()` takes n^2.

    **Raises:** `ValueError` if the temperature is known and not positive and finite (where it is traced, results are NaN), or for
    an unknown distance; ops raise `TypeError` for elements that are not floats.

    Prillo and Eisenschlos, "SoftSort: a continuous relaxation for the argsort operator" (2020), there in O(n^2).
    Hofmeyr, "Fast kernel smoothing with exponential kernels" (2019) has sums by linear scans.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 5., 4.])
        >>> for row in sx.permutation(x, relax=sx.SoftSort(1.)).dense():
        ...     print(*(f"{p:.3f}" for p in row))
        0.844 0.042 0.114
        0.090 0.245 0.665
        0.035 0.705 0.259
        >>> print(sx.sort(x, relax=sx.SoftSort(0.1)))
        [2.        4.0000453 4.9999547]

        ```
    """

    temperature: Temperature = eqx.field(converter=as_temperature)
    distance: Literal["absolute", "squared"] = eqx.field(static=True, default="absolute")
    doubly_stochastic: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        check_choice("distance", self.distance, ("absolute", "squared"))

    def matrix(self, order: SortedOrder) -> ScaledKernelMatrix:
        kernel = self._kernel(order)
        K = kernel_matrix(self.split(order), kernel)
        if self.doubly_stochastic:
            column_scales = balancing_scales(K)
            row_scales = order.run_mean(column_scales)
        else:
            column_scales = K.ones
            row_scales = 1 / K(K.ones)
        return ScaledKernelMatrix(order, kernel, K, self.nan_where_invalid(order, row_scales), column_scales)

    @property
    def temperature_power(self) -> int:
        return 2 if self.distance == "squared" else 1

    def log_neighbours(self, order: SortedOrder) -> Array:
        return entropies(self.split(order), self._kernel(order))

    def _kernel(self, order: SortedOrder) -> Kernel:
        t = self.temperature_of(order)
        if self.distance == "absolute":
            return Kernel(reciprocal(t), 1, EXPONENTIAL)
        return Kernel(reciprocal(jnp.sqrt(t)), 2, gaussian(order.dtype))
