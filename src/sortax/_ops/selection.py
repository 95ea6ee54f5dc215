"""The ops that need a few elements of the order: `top_k`, `bottom_k` and `kth_value`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Shaped

from .._checks import as_array, check_choice, concrete_or_none
from .._keys import chosen, filler
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along, check_whole, count_of, entries, in_front


def top_k(
    operand: ArrayLike,
    k: int,
    *,
    axis: int = -1,
    mode: str = "largest",
    sorted: bool = True,
    is_stable: bool = True,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
    r"""The `k` largest elements along an axis, largest first, and their indices: `jax.lax.top_k` and `jax.numpy.top_k`.

    With $p$ the stable permutation that sorts in descending order, the values are $x_{p_0}, \dots, x_{p_{k-1}}$.

    **Arguments:**

    - `operand`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: how many, from 0 to the length of the axis; known when traced.
    - `axis`: the axis to select along.
    - `mode`: `"largest"`, or `"smallest"` for the `k` smallest elements, smallest first, as [`sortax.bottom_k`][] gives them.
    - `sorted`, `is_stable`: accepted as by JAX; the result is always in order, and equal elements always in their order.
    - `where`: boolean, broadcasts to `operand`: only these elements take part, and have a gradient.
    - `relax`: what sorting means, and so how the values differentiate; see [`sortax.Exact`][].

    **Returns:**

    Values and integer indices, both with `k` elements along the axis. Where fewer than `k` take part, the rest is -inf (the lowest
    number of an integer dtype), or inf with `mode="smallest"` (the highest one), with index -1.

    **Ties:** equal elements come in their order, the first of them first; the derivative is what `relax` says. -0 and +0
    are equal (`jax.lax.top_k` has -0 below +0).

    **NaN:** largest, and so first, as in `sort(descending=True)`; last with `mode="smallest"`.

    **Cost:** O(n) time for small k, a part of a sort for large k; O(n) memory. The gradient reaches the selected
    elements only, or under `Exact("average")` those equal to the last of them as well.

    **Raises:** `ValueError` if `k` or `axis` is out of range, `mode` is unknown or `where` does not fit; `TypeError` if `k` is not
    an integer known when traced or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> values, indices = sx.top_k(jnp.array([3., 1., 4., 1., 5.]), 2)
        >>> print(values, indices)
        [5. 4.] [4 2]

        ```
    """
    check_choice("mode", mode, arguments.MODES)
    return _first(operand, k, axis, mode == "largest", where, relax)


def bottom_k(
    operand: ArrayLike,
    k: int,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
    r"""The `k` smallest elements along an axis, smallest first, and their indices.

    With $p$ the stable permutation that sorts, the values are $x_{p_0}, \dots, x_{p_{k-1}}$.

    **Arguments:**

    - `operand`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: how many, from 0 to the length of the axis; known when traced.
    - `axis`: the axis to select along.
    - `where`: boolean, broadcasts to `operand`: only these elements take part, and have a gradient.
    - `relax`: what sorting means, and so how the values differentiate; see [`sortax.Exact`][].

    **Returns:**

    Values and integer indices, both with `k` elements along the axis. Where fewer than `k` take part, the rest is inf (the highest
    number of an integer dtype), with index -1.

    **Ties:** equal elements come in their order; the derivative is what `relax` says.

    **NaN:** last, as in `sort`.

    **Cost:** O(n) time for small k, a part of a sort for large k; O(n) memory.

    **Raises:** `ValueError` if `k` or `axis` is out of range or `where` does not fit; `TypeError` if `k` is not an integer known
    when traced or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> values, indices = sx.bottom_k(jnp.array([3., 1., 4., 1., 5.]), 3)
        >>> print(values, indices)
        [1. 1. 3.] [1 3 0]

        ```
    """
    return _first(operand, k, axis, False, where, relax)


def kth_value(
    a: ArrayLike,
    k: ArrayLike,
    axis: int | tuple[int, ...] | None = -1,
    *,
    descending: bool = False,
    where: ArrayLike | None = None,
    keepdims: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The k-th smallest elements, or the k-th largest: `sort(a)[k]`, without sorting.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: a rank from 0, or an array of ranks; negative ones count from the end. May be traced.
    - `axis`: the axis, or several, to select along; `None` for all.
    - `descending`: the largest element has rank 0.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `keepdims`: keep the axis with length one.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`; the axes of `k` come first, in the place of the axes of `a` come none.

    **Ties:** the derivative is what `relax` says.

    **NaN:** last, as in `sort`, and first when descending. A rank out of range that is known only at run time (or a rank among no
    elements) gives NaN, and for integers the nearest element.

    **Cost:** O(n) time and memory for a few ranks. The gradient reaches the selected elements only.

    **Raises:** `ValueError` if `k` is known and out of range, if the axis is empty or out of range, or if `where` does not
    fit; `TypeError` if `k` is not of integers or `where` not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 4., 1., 5.])
        >>> print(sx.kth_value(x, 2), sx.kth_value(x, jnp.array([0, -1])))
        3.0 [1. 5.]
        >>> print(jax.grad(sx.kth_value)(x, 2))
        [1. 0. 0. 0. 0.]

        ```
    """
    x, ranks = as_array("a", a), arguments.as_few("k", k)
    if not jnp.issubdtype(ranks.dtype, jnp.integer):
        raise TypeError(f"k must be an integer or an array of integers, got dtype {ranks.dtype}.")
    shape, mask = arguments.kept_shape(x.shape, axis), arguments.as_mask(where, x.shape)
    axis, x, mask = arguments.merged(axis, x, mask)
    check_whole(x, axis)
    n = x.shape[axis]
    if n == 0:
        raise ValueError(f"kth_value of an empty axis: an array of shape {x.shape} has no element to select.")
    values = concrete_or_none(k)
    if values is not None and values.size and not (-n <= values.min() and values.max() < n):
        raise ValueError(f"k must be from {-n} to {n - 1} for an axis of {n} elements, got {values}.")
    y = _kth_value(x, ranks, mask, as_relaxation(relax), axis, arguments.as_flag("descending", descending))
    return y.reshape(*ranks.shape, *shape) if keepdims else y


def _first(operand: Any, k: Any, axis: int, descending: bool, where: Any, relax: Any) -> tuple[Array, Array]:
    x, k = as_array("operand", operand), arguments.as_integer("k", k)
    mask = arguments.as_mask(where, x.shape)
    axis = arguments.normalize(axis, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(f"k must be from 0 to {x.shape[axis]}, the length of axis {axis}, got {k}.")
    return _top_k(x, mask, as_relaxation(relax), k, axis, descending)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _top_k(x: Array, mask: Array | None, relax: Any, k: int, axis: int, descending: bool) -> tuple[Array, Array]:
    order = SortedOrder(x, axis, descending=descending, where=mask)
    values, indices = relax.top_k(order, k)
    indices = indices.astype(arguments.index_dtype(None, x.shape[axis]))
    if mask is None:
        return values, indices
    is_left_out = jax.lax.slice_in_dim(order.is_left_out, 0, k, axis=axis)
    return chosen(is_left_out, filler(x.dtype, descending), values), jnp.where(is_left_out, -1, indices)


@functools.partial(jax.jit, static_argnums=(4, 5))
def _kth_value(x: Array, k: Array, mask: Array | None, relax: Any, axis: int, descending: bool) -> Array:
    k_shape, ranks = k.shape, along(k.reshape(-1).astype(jnp.int32), x.ndim, axis)
    count = count_of(x, axis, mask)
    ranks = jnp.where(ranks < 0, ranks + count, ranks)
    y = entries(relax, x, jnp.clip(ranks, 0, jnp.maximum(count - 1, 0)), axis, mask, descending)
    if jnp.issubdtype(x.dtype, jnp.inexact):
        y = chosen((ranks >= 0) & (ranks < count), y, jnp.full_like(y, jnp.nan))
    return in_front(y, axis, k_shape)
