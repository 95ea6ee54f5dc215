"""A part of the order of each segment: `segment_top_k`, `segment_max` and `segment_min`."""

import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Shaped

from .._checks import check_choice, concrete_or_none
from .._keys import chosen, filler
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along
from .segments import at, bounds, counts_of, segmented


def segment_top_k(
    data: ArrayLike,
    segment_ids: ArrayLike,
    k: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    mode: Literal["largest", "smallest"] = "largest",
    relax: AbstractRelaxation = Exact(),
) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
    """The `k` largest elements of each segment, largest first, or the smallest, and their indices along the whole axis.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `k`: how many, or an array that says it for each of the `num_segments`; known when traced.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `mode`: `"largest"`, or `"smallest"` for the `k` smallest elements, smallest first.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Values and indices with the axes `(num_segments, k)`, for the largest `k`, in the place of the axis. Where a segment has
    fewer than its `k` elements, or its `k` is not the largest, the rest is -inf (the lowest number of an integer dtype), or
    inf with `mode="smallest"` (the highest one), with index -1.

    **Ties:** the first of equal elements first; the derivative is what `relax` says. **NaN:** largest.

    **Cost:** O(n) time on a CPU, two sorts elsewhere; O(n + k num_segments) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or if `k` is
    negative or of another shape; `TypeError` if `k` is not of integers that are known when traced.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 2, 1])
        >>> values, indices = sx.segment_top_k(x, ids, 2)
        >>> print(values)
        [[  1. -inf]
         [  4.   3.]
         [  5. -inf]]

        ```
    """
    check_choice("mode", mode, arguments.MODES)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    count, values = counts_of(k, num_segments), concrete_or_none(k)
    if values is None:
        raise TypeError(f"k must be known when traced, since the shape of the result depends on it, got {k!r}.")
    width = int(values.max(initial=0))
    values, indices = _segment_top_k(x, ids, count, as_relaxation(relax), width, num_segments, axis, mode == "largest")
    return values, indices.astype(arguments.index_dtype(None, x.shape[axis]))


def segment_max(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The largest element of each segment: `jax.ops.segment_max` with the tie policy of every other op.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:** an array of the dtype of `data` with `num_segments` in the place of the axis; -inf (the lowest number of an
    integer dtype) for a segment without elements.

    **Ties:** `Exact("stable")` gives the cotangent to the last of the largest, as in [`sortax.max`][]; `Exact("average")`
    shares it.

    **NaN:** NaN for a segment that has one, to which its cotangent goes. Other segments change nothing.

    **Cost:** one sort of pairs of a segment and an element; O(n + num_segments) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.segment_max(jnp.array([3., 1., 2., 5.]), jnp.array([0, 1, 0, 1])))
        [3. 5.]

        ```
    """
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    return _segment_extreme(x, ids, as_relaxation(relax), num_segments, axis, True)


def segment_min(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The smallest element of each segment: `jax.ops.segment_min` with the tie policy of every other op.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:** an array of the dtype of `data` with `num_segments` in the place of the axis; inf (the highest number of an
    integer dtype) for a segment without elements.

    **Ties:** `Exact("stable")` gives the cotangent to the first of the smallest, as in [`sortax.min`][]; `Exact("average")`
    shares it.

    **NaN:** NaN for a segment that has one, to which its cotangent goes. Other segments change nothing.

    **Cost:** one sort of pairs of a segment and an element; O(n + num_segments) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.segment_min(jnp.array([3., 1., 2., 5.]), jnp.array([0, 1, 0, 1])))
        [2. 1.]

        ```
    """
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    return _segment_extreme(x, ids, as_relaxation(relax), num_segments, axis, False)


@functools.partial(jax.jit, static_argnums=(4, 5, 6, 7))
def _segment_top_k(
    x: Array, ids: Array, count: Array, relax: Any, k: int, num_segments: int, axis: int, largest: bool
) -> tuple[Array, Array]:
    shape = (*x.shape[:axis], num_segments, k, *x.shape[axis + 1 :])
    beyond = filler(x.dtype, largest)
    if 0 in (x.shape[axis], k, num_segments):
        return jnp.full(shape, beyond), jnp.full(shape, -1, jnp.int32)
    start, size = (jnp.expand_dims(v, axis + 1) for v in bounds(ids, num_segments, axis))
    position = along(jnp.arange(k, dtype=jnp.int32), x.ndim + 1, axis + 1)
    count = along(count, x.ndim + 1, axis) if count.ndim else count
    places, exists = start + position, position < jnp.minimum(size, count.astype(jnp.int32))
    places = places.reshape(*places.shape[:axis], -1, *places.shape[axis + 2 :])
    order = SortedOrder(x, axis, segments=ids, descending=largest)
    values, indices = (at(places, y, axis).reshape(shape) for y in (relax.sort(order), order.indices))
    return chosen(exists, values, beyond), jnp.where(exists, indices, -1)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _segment_extreme(x: Array, ids: Array, relax: Any, num_segments: int, axis: int, largest: bool) -> Array:
    beyond = filler(x.dtype, largest)
    shape = (*x.shape[:axis], num_segments, *x.shape[axis + 1 :])
    if 0 in (x.shape[axis], num_segments):
        return jnp.full(shape, beyond)
    start, size = bounds(ids, num_segments, axis)
    s = relax.sort(SortedOrder(x, axis, segments=ids))
    y = last = at(start + size - 1, s, axis)
    if not largest:
        # NaNs are last, and what is NaN as a whole comes from them.
        y = chosen(last != last, last, at(start, s, axis))
    return chosen(jnp.broadcast_to(size > 0, shape), y, beyond)
