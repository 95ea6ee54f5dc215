"""Exact sorting, with a choice of what its derivative is where elements are equal."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Shaped

from .. import _primitives as primitives
from .._axis import check_choice
from .._permutation import AbstractPermutation, AveragedPermutation, DirectionalPermutation, Permutation
from .base import AbstractPermutationRelaxation


class Exact(AbstractPermutationRelaxation):
    r"""Exact sorting: values as `jax.numpy` has them, derivatives by the permutation that sorts.

    Away from ties all three policies agree: with $p$ the permutation that sorts, $y_i = x_{p_i}$ and

    $$ dy_i = dx_{p_i}, \qquad \bar x_{p_i} = \bar y_i. $$

    At ties several permutations sort $x$, and `ties` says which of them differentiates:

    - `"stable"`, the default: the one that a stable sort picks, which is also the gradient of `jnp.sort`.
    - `"average"`: the mean of all of them. $dy$ is averaged over each group of equal elements, and so is the
      cotangent: the subgradient of least norm, the same for equal elements, as `jnp.max` has it. `P.T @ arange(n)`
      gives SciPy's "average" ranks, from 0.
    - `"directional"`: the true one-sided derivative $\lim_{h \downarrow 0} (\mathrm{sort}(x + h\,dx) - \mathrm{sort}(x))/h$,
      which sorts $dx$ inside each group. It is not linear in $dx$, so it exists in forward mode only; reverse mode
      raises `ValueError`.

    **Arguments:**

    - `ties`: `"stable"`, `"average"` or `"directional"`.

    **Ties:** equal means equal order: -0 ties with +0, and all NaNs tie with each other.

    **NaN:** after every number, in the order in which they came (before every number when descending).

    **Cost:** O(n log n) at most, O(n) by radix on a CPU; O(n) memory. `"average"` adds one pass over the tangent,
    `"directional"` a second sort.

    **Raises:** `ValueError` for another tie policy.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 1., 0., 2.])
        >>> def largest(ties):
        ...     return lambda x: sx.sort(x, relax=sx.Exact(ties))[-1]
        >>> print(jax.grad(largest("stable"))(x), jax.grad(largest("average"))(x))
        [0. 0. 0. 1.] [0.5 0.  0.  0.5]
        >>> print(jax.jvp(largest("directional"), (x,), (jnp.array([3., 1., 0., 1.]),))[1])
        3.0

        ```
    """

    ties: Literal["stable", "average", "directional"] = eqx.field(static=True, default="stable")

    def __check_init__(self) -> None:
        check_choice("tie policy", self.ties, primitives.POLICIES)

    def sort(self, x: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return primitives.sort(x, axis, segments=segments, descending=descending, ties=self.ties)[0]

    def place(self, x: Array, w: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        # Segments ascend also where the keys descend.
        keys = (x,) if segments is None else (~segments if descending else segments, x)
        return self.permutation(keys, axis, descending=descending).T @ w

    def sort_weighted(self, x: Array, w: Array, axis: int) -> tuple[Array, Array]:
        P = self.permutation((x,), axis, descending=False)
        return P @ x, P @ w

    def select(self, x: Array, ranks: Array, axis: int, *, where: Array | None = None) -> Array:
        return primitives.select(x, ranks, axis, where=where, ties=self.ties)[0]

    def top_k(self, x: Array, k: int, axis: int, *, descending: bool) -> tuple[Array, Array]:
        values, indices = primitives.top_k(x, k, axis, descending=descending, ties=self.ties)
        return values, indices

    def partition(self, x: Array, kth: tuple[int, ...], axis: int) -> Array:
        return primitives.partition(x, kth, axis, ties=self.ties)[0]

    def rank(self, x: Array, axis: int, *, method: str, descending: bool = False, segments: Array | None = None) -> Array:
        return primitives.rank(x, axis, method=method, descending=descending, segments=segments)

    def mask(self, x: Array, k: Array, axis: int, *, segments: Array | None = None) -> Array:
        taken = primitives.places(x.shape, axis, segments) < k
        dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float)
        return self.place(x, taken.astype(dtype), axis, descending=True, segments=segments)

    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> AbstractPermutation:
        if len(keys) == 1:
            indices, inverse = primitives.sort(keys[0], axis, descending=descending, outputs=("indices", "inverse"))
        else:
            indices = primitives.lexsort(keys, axis, descending=descending)
            inverse = primitives.invert(indices, axis)
        from_end = axis - indices.ndim
        if self.ties == "average":
            in_order = [primitives.permute(indices, key, axis) for key in keys]
            return AveragedPermutation(indices, inverse, from_end, primitives.starts(in_order, axis))
        if self.ties == "directional":
            return DirectionalPermutation(indices, inverse, from_end, keys, descending)
        return Permutation(indices, inverse, from_end)
