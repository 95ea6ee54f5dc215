"""The ops that put a few elements in their places, and all others on their sides: `partition` and `argpartition`."""

import functools
from typing import Any

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Shaped

from .._checks import as_array
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments


def partition(
    a: ArrayLike,
    kth: int | tuple[int, ...],
    axis: int | None = -1,
    *,
    descending: bool = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """Put the kth element where a sort would, all smaller before it, all larger after it: `jax.numpy.partition`.

    Elements between pivots keep the order in which they came.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `kth`: a rank from 0, or several, known when traced; negative ones count from the end.
    - `axis`: the axis to partition, or `None` to flatten first.
    - `descending`: the largest element has rank 0, and larger ones stand before smaller ones.
    - `where`: boolean, broadcasts to `a`: only these elements take part, and are put in order; the others follow them, in the
      order of the input and without a derivative.
    - `relax`: what sorting means; see [`sortax.Exact`][]. A soft relaxation puts everything in order.

    **Returns:**

    An array of the shape and dtype of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** before or after the pivot by position. `Exact("stable")` moves tangents with their elements;
    `Exact("average")` and `Exact("directional")` give equal elements what they would have in `sort`, in the order in which
    they stand here.

    **NaN:** last, as in `sort`; first when descending.

    **Cost:** O(n) time and memory on a CPU, two sorts elsewhere; one sort with `where`.

    **Raises:** `ValueError` if `kth` or `axis` is out of range or `where` does not fit; `TypeError` if `kth` is not of integers
    known when traced or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.partition(jnp.array([5., 3., 4., 1., 2.]), 2))
        [1. 2. 3. 5. 4.]

        ```
    """
    x, mask, axis, kth = _pivots(a, kth, axis, where)
    return _partition(x, mask, as_relaxation(relax), kth, axis, arguments.as_flag("descending", descending))


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _partition(
    x: Array, mask: Array | None, relax: AbstractRelaxation, kth: tuple[int, ...], axis: int, descending: bool
) -> Array:
    order = SortedOrder(x, axis, descending=descending, where=mask)
    return order.with_left_out(relax.partition(order, kth), x)


def argpartition(
    a: ArrayLike,
    kth: int | tuple[int, ...],
    axis: int | None = -1,
    *,
    descending: bool = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Int[Array, "..."]:
    """The integers that partition: `jax.numpy.argpartition`.

    `take_along_axis(a, argpartition(a, kth), -1)` is `partition(a, kth)`.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `kth`: a rank from 0, or several, known when traced; negative ones count from the end.
    - `axis`: the axis to partition, or `None` to flatten first.
    - `descending`: the largest element has rank 0, and larger ones stand before smaller ones.
    - `where`: boolean, broadcasts to `a`: only these elements take part, and are put in order; the others follow them, in the
      order of the input.
    - `relax`: accepted as by every op; integers carry no derivative.

    **Returns:**

    Integers of the shape of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** before or after the pivot by position. **NaN:** last; first when descending.

    **Cost:** O(n) time on a CPU, two sorts elsewhere, one sort with `where`; O(n) memory.

    **Raises:** `ValueError` if `kth` or `axis` is out of range or `where` does not fit; `TypeError` if `kth` is not of integers
    known when traced or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.argpartition(jnp.array([5., 3., 4., 1., 2.]), 2))
        [3 4 1 0 2]

        ```
    """
    as_relaxation(relax)
    x, mask, axis, kth = _pivots(a, kth, axis, where)
    indices = _argpartition(x, mask, kth, axis, arguments.as_flag("descending", descending))
    return indices.astype(arguments.index_dtype(None, x.shape[axis]))


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _argpartition(x: Array, mask: Array | None, kth: tuple[int, ...], axis: int, descending: bool) -> Array:
    order = SortedOrder(x, axis, descending=descending, where=mask)
    return order.partitioned(kth)[1] if mask is None else order.indices


def _pivots(a: Any, kth: Any, axis: int | None, where: Any) -> tuple[Array, Array | None, int, tuple[int, ...]]:
    x = as_array("a", a)
    axis, x, mask = arguments.flatten_if_none(axis, x, arguments.as_mask(where, x.shape))
    n = x.shape[axis]
    ranks = [arguments.as_integer("kth", k) for k in (kth if isinstance(kth, list | tuple) else (kth,))]
    if not all(-n <= k < n for k in ranks):
        raise ValueError(f"kth must be from {-n} to {n - 1} for an axis of {n} elements, got {kth}.")
    return x, mask, axis, tuple(sorted({k % n for k in ranks}))
