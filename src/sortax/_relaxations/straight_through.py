"""Hard values with soft derivatives."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from .._order import SortedOrder
from .._permutation import AbstractMatrix, Permutation
from .base import AbstractRelaxation, as_relaxation, with_derivative
from .exact import Exact


def _of_both(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method with the values of `forward` and the derivatives of `relax`."""

    # Without the mark of an abstract method.
    @functools.wraps(method, updated=())
    def of_both(self: Any, *operands: Any) -> Any:
        values, carriers = (getattr(each, method.__name__)(*operands) for each in (self.forward, self.relax))
        return jax.tree.map(with_derivative, values, carriers)

    return of_both


class StraightThrough(AbstractRelaxation):
    r"""The values of one relaxation with the derivatives of another: hard forward, soft backward.

    $y = y_\text{forward}$ and $dy = dy_\text{relax}$, in either mode and to any order, for every op.

    **Arguments:**

    - `relax`: what differentiates.
    - `forward`: what has the values; by default [`sortax.Exact`][].

    **Ties:** values have them as `forward` has, derivatives as `relax` has. **NaN:** likewise.

    **Cost:** that of both; under differentiation soft values are not computed where only their derivative is needed.

    **Raises:** `TypeError` if either is not a relaxation, and whatever one of them raises.

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

    mix = _of_both(AbstractRelaxation.mix)
    spread = _of_both(AbstractRelaxation.spread)
    sort = _of_both(AbstractRelaxation.sort)
    rank = _of_both(AbstractRelaxation.rank)
    weighted_rank = _of_both(AbstractRelaxation.weighted_rank)
    top_k_mask = _of_both(AbstractRelaxation.top_k_mask)
    select = _of_both(AbstractRelaxation.select)
    top_k = _of_both(AbstractRelaxation.top_k)
    weighted_quantile = _of_both(AbstractRelaxation.weighted_quantile)
    running_max = _of_both(AbstractRelaxation.running_max)
    log_entries = _of_both(AbstractRelaxation.log_entries)

    def permutation(self, order: SortedOrder) -> Permutation:
        relax, forward = (each.permutation(order).matrix for each in (self.relax, self.forward))
        return Permutation(StraightThroughMatrix(order, relax, forward))

    def temperature_for(self, order: SortedOrder, neighbours: Array) -> Array:
        return self.relax.temperature_for(order, neighbours)


class StraightThroughMatrix(AbstractMatrix):
    """The products of one matrix with the derivatives of another."""

    relax: AbstractMatrix
    forward: AbstractMatrix

    mix = _of_both(AbstractMatrix.mix)
    spread = _of_both(AbstractMatrix.spread)
    log_entries = _of_both(AbstractMatrix.log_entries)
