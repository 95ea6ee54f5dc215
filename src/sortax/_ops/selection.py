"""The ops that need a part of the order only: `top_k`, `bottom_k`, `kth_value`, `partition`, `argpartition`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Shaped

from .. import _primitives as primitives
from .._checks import as_array, check_choice, concrete_or_none
from .._keys import chosen
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
    - `relax`: what sorting means, and so how the values differentiate; see [`sortax.Exact`][].

    **Returns:**

    Values and integer indices, both with `k` elements along the axis.

    **Ties:** equal elements come in their order, the first of them first; the derivative is what `relax` says. -0 and +0
    are equal (`jax.lax.top_k` has -0 below +0).

    **NaN:** largest, and so first, as in `sort(descending=True)`; last with `mode="smallest"`.

    **Cost:** O(n) time for small k, a part of a sort for large k; O(n) memory. The gradient reaches the selected
    elements only, or under `Exact("average")` those equal to the last of them as well.

    **Raises:** `ValueError` if `k` or `axis` is out of range or `mode` is unknown; `TypeError` if `k` is not an integer known
    when traced.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> values, indices = sx.top_k(jnp.array([3., 1., 4., 1., 5.]), 2)
        >>> print(values, indices)
        [5. 4.] [4 2]

        ```
    """
    check_choice("mode", mode, ("largest", "smallest"))
    return _first(operand, k, axis, mode == "largest", relax)


def bottom_k(
    operand: ArrayLike, k: int, *, axis: int = -1, relax: AbstractRelaxation = Exact()
) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
    r"""The `k` smallest elements along an axis, smallest first, and their indices.

    With $p$ the stable permutation that sorts, the values are $x_{p_0}, \dots, x_{p_{k-1}}$.

    **Arguments:**

    - `operand`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: how many, from 0 to the length of the axis; known when traced.
    - `axis`: the axis to select along.
    - `relax`: what sorting means, and so how the values differentiate; see [`sortax.Exact`][].

    **Returns:**

    Values and integer indices, both with `k` elements along the axis.

    **Ties:** equal elements come in their order; the derivative is what `relax` says.

    **NaN:** last, as in `sort`.

    **Cost:** O(n) time for small k, a part of a sort for large k; O(n) memory.

    **Raises:** `ValueError` if `k` or `axis` is out of range; `TypeError` if `k` is not an integer known when traced.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> values, indices = sx.bottom_k(jnp.array([3., 1., 4., 1., 5.]), 3)
        >>> print(values, indices)
        [1. 1. 3.] [1 3 0]

        ```
    """
    return _first(operand, k, axis, False, relax)


def kth_value(
    a: ArrayLike,
    k: ArrayLike,
    axis: int | tuple[int, ...] | None = -1,
    *,
    where: ArrayLike | None = None,
    keepdims: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The k-th smallest elements: `sort(a)[k]`, without sorting.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: a rank from 0, or an array of ranks; negative ones count from the end. May be traced.
    - `axis`: the axis, or several, to select along; `None` for all.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `keepdims`: keep the axis with length one.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`; the axes of `k` come first, in the place of the axes of `a` come none.

    **Ties:** the derivative is what `relax` says. **NaN:** last, as in `sort`. A rank out of range that is known only at
    run time (or a rank among no elements) gives NaN, and for integers the nearest element.

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
    y = _kth_value(x, ranks, mask, as_relaxation(relax), axis)
    return y.reshape(*ranks.shape, *shape) if keepdims else y


def partition(
    a: ArrayLike, kth: int | tuple[int, ...], axis: int | None = -1, *, relax: AbstractRelaxation = Exact()
) -> Shaped[Array, "..."]:
    """Put the kth element where a sort would, all smaller before it, all larger after it: `jax.numpy.partition`.

    Elements between pivots keep the order in which they came.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `kth`: a rank from 0, or several, known when traced; negative ones count from the end.
    - `axis`: the axis to partition, or `None` to flatten first.
    - `relax`: what sorting means; see [`sortax.Exact`][]. A soft relaxation puts everything in order.

    **Returns:**

    An array of the shape and dtype of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** before or after the pivot by position. `Exact("stable")` moves tangents with their elements;
    `Exact("average")` and `Exact("directional")` give equal elements what they would have in `sort`, in the order in which
    they stand here.

    **NaN:** last, as in `sort`.

    **Cost:** O(n) time and memory on a CPU, two sorts elsewhere.

    **Raises:** `ValueError` if `kth` or `axis` is out of range; `TypeError` if `kth` is not of integers known when traced.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.partition(jnp.array([5., 3., 4., 1., 2.]), 2))
        [1. 2. 3. 5. 4.]

        ```
    """
    x, axis, kth = _pivots("partition", a, kth, axis)
    return _partition(x, as_relaxation(relax), kth, axis)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _partition(x: Array, relax: AbstractRelaxation, kth: tuple[int, ...], axis: int) -> Array:
    return relax.partition(SortedOrder(x, axis), kth)


def argpartition(
    a: ArrayLike, kth: int | tuple[int, ...], axis: int | None = -1, *, relax: AbstractRelaxation = Exact()
) -> Int[Array, "..."]:
    """The integers that partition: `jax.numpy.argpartition`.

    `take_along_axis(a, argpartition(a, kth), -1)` is `partition(a, kth)`.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `kth`: a rank from 0, or several, known when traced; negative ones count from the end.
    - `axis`: the axis to partition, or `None` to flatten first.
    - `relax`: accepted as by every op; integers carry no derivative.

    **Returns:**

    Integers of the shape of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** before or after the pivot by position. **NaN:** last.

    **Cost:** O(n) time on a CPU, two sorts elsewhere; O(n) memory.

    **Raises:** `ValueError` if `kth` or `axis` is out of range; `TypeError` if `kth` is not of integers known when traced.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.argpartition(jnp.array([5., 3., 4., 1., 2.]), 2))
        [3 4 1 0 2]

        ```
    """
    as_relaxation(relax)
    x, axis, kth = _pivots("argpartition", a, kth, axis)
    (indices,) = primitives.partition(x, kth, axis, outputs=(primitives.INDICES,))
    return indices.astype(arguments.index_dtype(None, x.shape[axis]))


def _first(operand: Any, k: Any, axis: int, descending: bool, relax: Any) -> tuple[Array, Array]:
    x, k = as_array("operand", operand), arguments.as_integer("k", k)
    axis = arguments.normalize(axis, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(f"k must be from 0 to {x.shape[axis]}, the length of axis {axis}, got {k}.")
    return _top_k(x, as_relaxation(relax), k, axis, descending)


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _top_k(x: Array, relax: AbstractRelaxation, k: int, axis: int, descending: bool) -> tuple[Array, Array]:
    values, indices = relax.top_k(SortedOrder(x, axis, descending=descending), k)
    return values, indices.astype(arguments.index_dtype(None, x.shape[axis]))


def _pivots(op: str, a: Any, kth: Any, axis: int | None) -> tuple[Array, int, tuple[int, ...]]:
    x, axis = arguments.flatten_if_none(as_array("a", a), axis)
    n = x.shape[axis]
    ranks = [arguments.as_integer("kth", k) for k in (kth if isinstance(kth, list | tuple) else (kth,))]
    if not all(-n <= k < n for k in ranks):
        raise ValueError(f"kth must be from {-n} to {n - 1} for an axis of {n} elements, got {kth}.")
    return x, axis, tuple(sorted({k % n for k in ranks}))


@functools.partial(jax.jit, static_argnums=4)
def _kth_value(x: Array, k: Array, mask: Array | None, relax: Any, axis: int) -> Array:
    k_shape, ranks = k.shape, along(k.reshape(-1).astype(jnp.int32), x.ndim, axis)
    count = count_of(x, axis, mask)
    ranks = jnp.where(ranks < 0, ranks + count, ranks)
    y = entries(relax, x, jnp.clip(ranks, 0, jnp.maximum(count - 1, 0)), axis, mask)
    if jnp.issubdtype(x.dtype, jnp.inexact):
        y = chosen((ranks >= 0) & (ranks < count), y, jnp.full_like(y, jnp.nan))
    return in_front(y, axis, k_shape)
