"""Losses made of an order, differentiable by a relaxation of it."""

import functools

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ._checks import as_array
from ._ops import arguments
from ._ops.ranking import rank
from ._relaxations import AbstractRelaxation, Exact, as_relaxation


def spearman(
    x: ArrayLike, y: ArrayLike, axis: int = -1, *, where: ArrayLike | None = None, relax: AbstractRelaxation
) -> Float[Array, "..."]:
    r"""One less Spearman's rank correlation of predictions `x` and targets `y`: 0 if they agree in order, 2 if they are reversed.

    With the soft ranks $r$ of $x$ and the exact ranks $q$ of $y$, ties averaged, it is $1 - \mathrm{corr}(r, q)$.

    **Arguments:**

    - `x`: predictions, of any shape.
    - `y`: targets of that shape. Only their order counts; they may have another unit than `x`.
    - `axis`: the axis along which they are compared.
    - `where`: boolean, broadcasts to `x`: only these elements take part.
    - `relax`: what ranking means; [`sortax.temperature_for`][] finds a temperature.

    **Returns:** floats without the axis, of the dtype of `x` in 32 bits at least; 1 where either has no two different ranks.

    **Ties:** of `x` by `relax`, of `y` averaged. **NaN:** NaN if an element of `x` or `y` that takes part is.

    **Cost:** two ranks, O(n log n) time; O(n) memory.

    **Raises:** `TypeError` if an argument is not an array; `ValueError` if shapes or `axis` do not fit.

    Spearman, "The proof and measurement of association between two things" (1904).

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x, y = jnp.array([0.3, 2.0, 1.0]), jnp.array([1., 3., 2.])
        >>> loss = lambda x: sx.losses.spearman(x, y, relax=sx.LapSum(0.5))
        >>> print(f"{loss(x):.3f}", sx.losses.spearman(x, -y, relax=sx.Exact()))
        0.001 2.0

        ```
    """
    predictions, targets = as_array("x", x), as_array("y", y)
    if predictions.shape != targets.shape:
        raise ValueError(f"x and y must have one shape, got {predictions.shape} and {targets.shape}.")
    axis = arguments.normalize(axis, predictions.ndim)
    mask = arguments.as_mask(where, predictions.shape)
    return _spearman(predictions, targets, mask, as_relaxation(relax), axis)


@functools.partial(jax.jit, static_argnums=4)
def _spearman(x: Array, y: Array, where: Array | None, relax: AbstractRelaxation, axis: int) -> Array:
    r, q = rank(x, axis=axis, where=where, relax=relax), rank(y, axis=axis, where=where, relax=Exact())

    def centred(ranks: Array) -> Array:
        ranks = ranks.astype(r.dtype)
        # A constant that is no sum over all keeps large ranks exact.
        return ranks - jnp.mean(ranks, axis, keepdims=True, where=where)

    r, q = centred(r), jax.lax.stop_gradient(centred(q))
    total = functools.partial(jnp.sum, axis=axis, where=where)
    # Scaled to about one: a sum of squares of ranks of a million elements is near what single precision counts to.
    scale = jnp.asarray(x.shape[axis], r.dtype)
    r, q = r / scale, q / scale
    square = total(r * r) * total(q * q)
    constant = square <= 0
    correlation = jnp.where(constant, 0, total(r * q) / jnp.sqrt(jnp.where(constant, 1, square)))
    # Ranks put NaN last, and so would hide it.
    unknown = jnp.any((x != x) | (y != y), axis, where=where)
    return 1 - correlation * jnp.where(unknown, jnp.nan, 1).astype(r.dtype)
