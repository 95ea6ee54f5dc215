"""Hard values with soft derivatives."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Int, Shaped

from .._permutation import AbstractPermutation
from .base import AbstractPermutationRelaxation, AbstractRelaxation, as_permutation_relaxation, as_relaxation
from .exact import Exact


class StraightThrough(AbstractPermutationRelaxation):
    r"""The values of one relaxation with the derivatives of another: hard forward, soft backward.

    $y = y_\text{forward}$ and $dy = dy_\text{relax}$, in either mode and to any order, for every op.

    **Arguments:**

    - `relax`: what differentiates.
    - `forward`: what has the values; by default [`sortax.Exact`][].

    **Ties:** values have them as `forward` has, derivatives as `relax` has. **NaN:** likewise.

    **Cost:** that of both; under differentiation soft values are not computed where only their derivative is needed.

    **Raises:** `TypeError` if either is not a relaxation; `permutation` and `sort_by` need two that have an operator.

    Bengio, Léonard and Courville, "Estimating or propagating gradients through stochastic neurons" (2013).

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 2.])
        >>> hard = sx.StraightThrough(sx.LapSum(1.))
        >>> print(sx.rank(x, relax=hard))
        [2. 0. 1.]
        >>> print(*(f"{g:.3f}" for g in jax.grad(lambda x: sx.rank(x, relax=hard)[0])(x)))
        0.252 -0.068 -0.184

        ```
    """

    relax: AbstractRelaxation = eqx.field(converter=as_relaxation)
    forward: AbstractRelaxation = eqx.field(converter=as_relaxation, default_factory=Exact)

    def sort(self, x: Array, axis: int, **options: Any) -> Array:
        return _with_derivative(self.forward.sort(x, axis, **options), self.relax.sort(x, axis, **options))

    def place(self, x: Array, w: Array, axis: int, **options: Any) -> Array:
        return _with_derivative(self.forward.place(x, w, axis, **options), self.relax.place(x, w, axis, **options))

    def sort_weighted(self, x: Array, w: Array, axis: int) -> tuple[Array, Array]:
        hard, weights = self.forward.sort_weighted(x, w, axis)
        return _with_derivative(hard, self.relax.sort_weighted(x, w, axis)[0]), weights

    def select(self, x: Array, ranks: Array, axis: int, **options: Any) -> Array:
        return _with_derivative(self.forward.select(x, ranks, axis, **options), self.relax.select(x, ranks, axis, **options))

    def top_k(self, x: Array, k: int, axis: int, *, descending: bool) -> tuple[Array, Array]:
        hard, indices = self.forward.top_k(x, k, axis, descending=descending)
        return _with_derivative(hard, self.relax.top_k(x, k, axis, descending=descending)[0]), indices

    def partition(self, x: Array, kth: tuple[int, ...], axis: int) -> Array:
        # In full order, of which a partition is a part: what is soft knows no other.
        return self.sort(x, axis)

    def rank(self, x: Array, axis: int, **options: Any) -> Array:
        return _with_derivative(self.forward.rank(x, axis, **options), self.relax.rank(x, axis, **options))

    def mask(self, x: Array, k: Array, axis: int, **options: Any) -> Array:
        return _with_derivative(self.forward.mask(x, k, axis, **options), self.relax.mask(x, k, axis, **options))

    def permutation(
        self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool
    ) -> "StraightThroughPermutation":
        relaxations = map(as_permutation_relaxation, (self.forward, self.relax))
        hard, soft = (relax.permutation(keys, axis, descending=descending) for relax in relaxations)
        return StraightThroughPermutation(hard.indices, hard.inverse, hard.axis, hard, soft)


class StraightThroughPermutation(AbstractPermutation):
    """The products of one operator with the derivatives of another."""

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    hard: AbstractPermutation
    soft: AbstractPermutation

    @property
    def T(self) -> "StraightThroughPermutation":
        return StraightThroughPermutation(self.inverse, self.indices, self.axis, self.hard.T, self.soft.T)

    def _apply(self, v: Array, axis: int, columns: int) -> Array:
        return _with_derivative(self.hard._apply(v, axis, columns), self.soft._apply(v, axis, columns))

    def _log_entries(self, columns: Array, axis: int) -> Array:
        return _with_derivative(self.hard._log_entries(columns, axis), self.soft._log_entries(columns, axis))


@jax.custom_jvp
def _with_derivative(value: Array, carrier: Array) -> Array:
    """`value`, with the derivative of `carrier`."""
    return value


@_with_derivative.defjvp
def _with_derivative_jvp(primals: Any, tangents: Any) -> Any:
    return _with_derivative(*primals), tangents[1]
