"""The largest and the smallest: `max` and `min`, with the tie policy of every other op."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from .._checks import as_array
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import check_whole, count_of, entries

_Axes = int | tuple[int, ...] | None


def max(
    a: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
    *,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The largest element: `jax.numpy.max` with the tie policy of every other op; the last of `sort`.

    **Arguments:**

    - `a`: array of any boolean, integer, floating or complex dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`: refused, as `jax.numpy` does.
    - `keepdims`: keep the axis with length one.
    - `initial`: a value that takes part as well, without a place among ties.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`, without the axis.

    **Ties:** `Exact("stable")` gives the cotangent to the last of the largest, as `sort(a)[-1]` does; `Exact("average")`
    shares it, as `jnp.max` does.

    **NaN:** NaN if any element is, and the cotangent goes to the NaNs, by the same rule. NaN where `where` leaves none.

    **Cost:** O(n) time and memory.

    **Raises:** `ValueError` for an empty axis, or for integers with `where`, without `initial`; `ValueError` if `axis` is
    out of range or `where` does not fit; `TypeError` if `where` is not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 5., 5.])
        >>> print(sx.max(x), jax.grad(sx.max)(x))
        5.0 [0. 0. 1.]

        ```
    """
    arguments.refuse("max", out=out)
    return _extreme("max", a, axis, keepdims, initial, where, relax)


def min(
    a: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
    *,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The smallest element: `jax.numpy.min` with the tie policy of every other op; the first of `sort`.

    **Arguments:**

    - `a`: array of any boolean, integer, floating or complex dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`: refused, as `jax.numpy` does.
    - `keepdims`: keep the axis with length one.
    - `initial`: a value that takes part as well, without a place among ties.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`, without the axis.

    **Ties:** `Exact("stable")` gives the cotangent to the first of the smallest, as `sort(a)[0]` does;
    `Exact("average")` shares it, as `jnp.min` does.

    **NaN:** NaN if any element is, and the cotangent goes to the NaNs, by the same rule. NaN where `where` leaves none.

    **Cost:** O(n) time and memory.

    **Raises:** `ValueError` for an empty axis, or for integers with `where`, without `initial`; `ValueError` if `axis` is
    out of range or `where` does not fit; `TypeError` if `where` is not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 2., 5.])
        >>> print(sx.min(x), jax.grad(sx.min)(x))
        2.0 [1. 0. 0.]

        ```
    """
    arguments.refuse("min", out=out)
    return _extreme("min", a, axis, keepdims, initial, where, relax)


def _extreme(op: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any, relax: Any) -> Array:
    x, keepdims = as_array("a", a), arguments.as_flag("keepdims", keepdims)
    shape, mask = arguments.kept_shape(x.shape, axis), arguments.as_mask(where, x.shape)
    axis, rows, mask = arguments.merged(axis, x, mask)
    check_whole(rows, axis)
    if initial is None and rows.shape[axis] == 0:
        raise ValueError(f"{op} of an empty axis: an array of shape {x.shape} has no largest or smallest; pass initial.")
    if initial is None and mask is not None and not jnp.issubdtype(x.dtype, jnp.inexact):
        raise ValueError(f"{op} of {x.dtype} with where needs initial, since an integer cannot say that nothing is left.")
    start = None if initial is None else as_array("initial", initial).astype(x.dtype)
    y = _extreme_of(rows, mask, start, as_relaxation(relax), op == "max", axis)
    return y.reshape(shape) if keepdims else y


@functools.partial(jax.jit, static_argnums=(4, 5))
def _extreme_of(x: Array, mask: Array | None, initial: Array | None, relax: Any, largest: bool, axis: int) -> Array:
    if initial is not None and x.shape[axis] == 0:
        return jnp.broadcast_to(initial, (*x.shape[:axis], *x.shape[axis + 1 :]))
    count = count_of(x, axis, mask)
    top, floats = jnp.maximum(count - 1, 0), jnp.issubdtype(x.dtype, jnp.inexact)
    ranks = [top] if largest else [jnp.zeros_like(top), top] if floats else [jnp.zeros_like(top)]
    found = entries(relax, x, jnp.concatenate(ranks, axis), axis, mask)
    first, last = (lax.index_in_dim(found, j, axis) for j in (0, -1))
    # NaNs are last, and what is NaN as a whole comes from them.
    y = jnp.where(jnp.isnan(last), last, first) if len(ranks) > 1 else last
    if mask is not None:
        y = jnp.where(count > 0, y, jnp.nan if initial is None else initial)
    if initial is not None:
        y = jnp.maximum(y, initial) if largest else jnp.minimum(y, initial)
    return y.squeeze(axis)
