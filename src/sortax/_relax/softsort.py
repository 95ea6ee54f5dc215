"""SoftSort: rows of weights that fall off exponentially with the distance from the sorted element."""

import functools
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Shaped

from .. import _primitives as primitives
from .._axis import check_choice
from .._keys import wide_float
from ._exponentials import EXPONENTIAL, gaussian
from ._kernel import Falloff, Kernel, KernelPermutation, balance, entropies, kernel
from .base import AbstractPermutationRelaxation
from .soft import (
    AbstractSoftRelaxation,
    as_floats,
    as_temperature,
    check_soft_ranks,
    mask_by_place,
    or_nan,
    place_by_operator,
    reciprocal,
    sort_by_operator,
    wide,
)


class SoftSort(AbstractSoftRelaxation, AbstractPermutationRelaxation):
    r"""SoftSort, exact and in O(n log n): the i-th sorted element is a mean of those around it.

    With $s$ the sorted $x$ and the temperature $t$, in the units of $x$ (of its square for `"squared"`),

    $$ P_{ij} = e^{-d(s_i, x_j)/t} \Big/ \sum_k e^{-d(s_i, x_k)/t}, \qquad d(a, b) = |a - b| \text{ or } (a - b)^2. $$

    Rows sum to one, and with `doubly_stochastic` columns do as well: both are scaled alike until they do (Sinkhorn), and the
    derivative is that of the limit. In sorted order the kernel is a product of what each gap leaves of one, so that products
    with it are linear recurrences, one from each end; no matrix is made.

    **Arguments:**

    - `temperature`: positive; a leaf, so it can be traced and learned. To 0 it gives `Exact("average")`.
    - `distance`: `"absolute"` or `"squared"`.
    - `doubly_stochastic`: whether columns sum to one as well; then ranks sum to $n(n-1)/2$, and masks to $k$.

    **Accuracy:** entry i of `sort` is off by $\sum_j e^{-|s_i - s_j|/t} |s_j - s_i| \le (n - 1)\, t/e$ at most, and by
    $(n - 1)\, g\, e^{-g/t}$ if all gaps are $g \ge t$ at least. `"squared"` is a sum of exponentials with an error of 1e-6 of the
    largest weight in 32 bits, and 1e-13 in 64. Sums are accumulated in double precision: 32-bit results are within 1e-5 of
    64-bit ones at a million elements.

    **Ties:** share a place by symmetry; the derivative is the one that is the same for equal elements.

    **NaN:** last and by itself, as an infinity is: nothing flows between these and numbers.

    **Cost:** one exact sort and two recurrences a product, O(n) memory; with `doubly_stochastic` 30 products more (56 in double
    precision). `"squared"` has four complex recurrences for each (eight in double precision). `.dense()` takes n^2.

    **Raises:** `ValueError` if the temperature is known and not positive and finite (where it is traced, results are NaN), or for
    an unknown distance; ops raise `TypeError` for elements that are not floats.

    Prillo and Eisenschlos, "SoftSort: a continuous relaxation for the argsort operator" (2020), there in O(n^2).
    Hofmeyr, "Fast kernel smoothing with exponential kernels" (2019) has sums by recurrence.

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

    temperature: Float[Array, ""] = eqx.field(converter=as_temperature)
    distance: Literal["absolute", "squared"] = eqx.field(static=True, default="absolute")
    doubly_stochastic: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        check_choice("distance", self.distance, ("absolute", "squared"))

    def sort(self, x: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return sort_by_operator(_permutation, self, as_floats(self, x), segments, axis, descending)

    def place(self, x: Array, w: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return place_by_operator(_permutation, self, wide(x), w, segments, axis, descending)

    def rank(self, x: Array, axis: int, *, method: str, descending: bool = False, segments: Array | None = None) -> Array:
        check_soft_ranks(self, method)
        places = primitives.places(x.shape, axis, segments).astype(wide_float(x.dtype))
        return self.place(x, places, axis, descending=descending, segments=segments)

    def mask(self, x: Array, k: Array, axis: int, *, segments: Array | None = None) -> Array:
        return mask_by_place(self, x, k, axis, segments=segments)

    def log_neighbours(self, x: Array, axis: int) -> Array:
        return entropies(x, _falloff(self, wide(x).dtype), axis)

    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> KernelPermutation:
        *groups, x = keys
        segments = primitives.group_ids(groups, axis, descending=descending) if groups else None
        return _permutation(self, as_floats(self, x), segments, axis, descending)


def _falloff(relax: SoftSort, dtype: DTypeLike) -> Falloff:
    t = relax.temperature.astype(dtype)
    if relax.distance == "absolute":
        return Falloff(reciprocal(t), 1, EXPONENTIAL)
    return Falloff(reciprocal(jnp.sqrt(t)), 2, gaussian(dtype))


def _kernel(relax: SoftSort, x: Array, segments: Array | None, axis: int, descending: bool) -> Kernel:
    return kernel(x, _falloff(relax, wide(x).dtype), axis, segments=segments, descending=descending)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _permutation(relax: SoftSort, x: Array, segments: Array | None, axis: int, descending: bool) -> KernelPermutation:
    K = _kernel(relax, x, segments, axis, descending)
    if relax.doubly_stochastic:
        columns = balance(K)
        rows = primitives.average(K.line.starts, columns, axis)
    else:
        columns = jnp.ones_like(K.line.values)
        rows = 1 / K(columns)
    return KernelPermutation(K.line.indices, K.line.inverse, K.line.axis, K, or_nan(relax.temperature, rows), columns)
