"""Exact sorting, with a choice of what its derivative is where elements are equal."""

from typing import Literal

import equinox as eqx
from jaxtyping import Array, Shaped

from .._permutation import AbstractPermutation, AveragedPermutation, DirectionalPermutation, Permutation
from .._primitives import POLICIES, invert, lexsort, permute, sort, starts
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
        if self.ties not in POLICIES:
            raise ValueError(f"unknown tie policy {self.ties!r}; pass one of {', '.join(map(repr, POLICIES))}.")

    def sort(self, x: Shaped[Array, "*shape"], axis: int, *, descending: bool) -> Shaped[Array, "*shape"]:
        return sort(x, axis, descending=descending, ties=self.ties)[0]

    def place(self, x: Shaped[Array, "*shape"], w: Shaped[Array, "*shape"], axis: int) -> Shaped[Array, "*shape"]:
        return self.permutation((x,), axis, descending=False).T @ w

    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> AbstractPermutation:
        if len(keys) == 1:
            indices, inverse = sort(keys[0], axis, descending=descending, outputs=("indices", "inverse"))
        else:
            indices = lexsort(keys, axis, descending=descending)
            inverse = invert(indices, axis)
        from_end = axis - indices.ndim
        if self.ties == "average":
            in_order = [permute(indices, key, axis) for key in keys]
            return AveragedPermutation(indices, inverse, from_end, starts(in_order, axis))
        if self.ties == "directional":
            return DirectionalPermutation(indices, inverse, from_end, keys, descending)
        return Permutation(indices, inverse, from_end)
