"""Order inside segments, ragged groups given by ids as in `jax.ops.segment_sum`: no padding, ids in any order.

Here are `segment_sort`, `segment_argsort` and `segment_permutation`, and what all ops by segment share.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Shaped

from .. import _primitives as primitives
from .._checks import as_array, concrete_or_none
from .._permutation import Permutation
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .keys import permutation_of
from .order_statistics import along, check_whole
from .sorting import indices_of, sorted_of


def segment_sort(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """Sort inside segments: all of segment 0 in order, then all of segment 1, and so on.

    Where the ids are sorted, each segment stays where it is.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `descending`: largest first inside each segment; segments still ascend.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the shape and dtype of `data`. Elements of no segment come last, in order among themselves.

    **Ties:** equal elements of a segment keep their order; the derivative is what `relax` says.

    **NaN:** last in its segment (first when descending).

    **Cost:** O(n) time on a CPU, two sorts elsewhere; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_sort(x, ids))
        [1. 5. 2. 3. 4.]

        ```
    """
    descending = arguments.as_flag("descending", descending)
    x, ids, _, axis = segmented(data, segment_ids, num_segments, axis)
    return sorted_of(x, as_relaxation(relax), axis, descending, segments=ids)


def segment_argsort(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Int[Array, "..."]:
    """The integers that sort inside segments.

    `take_along_axis(data, segment_argsort(...), axis)` is `segment_sort(...)`.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `descending`: largest first inside each segment; segments still ascend.
    - `relax`: accepted as by every op; integers carry no derivative.

    **Returns:** integers of the shape of `data`, places along the whole axis.

    **Ties:** by position. **NaN:** last in its segment (first when descending).

    **Cost:** O(n) time on a CPU, two sorts elsewhere; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_argsort(x, ids))
        [1 3 2 0 4]

        ```
    """
    as_relaxation(relax)
    descending = arguments.as_flag("descending", descending)
    x, ids, _, axis = segmented(data, segment_ids, num_segments, axis)
    return indices_of(x, axis, descending, segments=ids).astype(arguments.index_dtype(None, x.shape[axis]))


def segment_permutation(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Permutation:
    """The permutation that sorts inside segments, as a linear operator: `P @ data` is `segment_sort(...)`, `P.T` puts back.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `descending`: largest first inside each segment; segments still ascend.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:** a [`sortax.Permutation`][] of the whole axis, in which no entry connects two segments. Elements of no
    segment come last, in order among themselves.

    **Ties:** equal elements of a segment keep their order; the derivative is what `relax` says.

    **NaN:** last in its segment (first when descending).

    **Cost:** that of [`sortax.segment_argsort`][] plus O(n) for the inverse; O(n) memory. `.dense()` takes n^2.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> P = sx.segment_permutation(x, ids)
        >>> print(P @ x, P.T @ jnp.arange(5.))
        [1. 5. 2. 3. 4.] [3. 0. 2. 1. 4.]

        ```
    """
    descending = arguments.as_flag("descending", descending)
    x, ids, _, axis = segmented(data, segment_ids, num_segments, axis)
    return permutation_of((x,), as_relaxation(relax), axis, (descending,), segments=ids)


def counts_of(k: Any, num_segments: int) -> Array:
    """`k` as one integer, or as one for each segment, which may be traced."""
    count = arguments.as_few("k", k)
    if not jnp.issubdtype(count.dtype, jnp.integer):
        raise TypeError(f"k must be an integer, or one for each segment, got dtype {count.dtype}.")
    if count.shape not in ((), (num_segments,)):
        raise ValueError(f"k must be one integer, or one for each of the {num_segments} segments, got shape {count.shape}.")
    values = concrete_or_none(k)
    if values is not None and values.min(initial=0) < 0:
        raise ValueError(f"k must not be negative, got {values}.")
    return count


def segmented(data: Any, segment_ids: Any, num_segments: Any, axis: Any) -> tuple[Array, Array, int, int]:
    """The array; ids that broadcast to it, with those of no segment at `num_segments`; how many; and the axis."""
    x, ids = as_array("data", data), as_array("segment_ids", segment_ids)
    axis = arguments.normalize(axis, x.ndim)
    check_whole(x, axis)
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise TypeError(f"segment_ids must be integers, got dtype {ids.dtype}.")
    if ids.shape == (x.shape[axis],):
        ids = along(ids, x.ndim, axis)
    elif ids.shape != x.shape:
        shapes = " or ".join(dict.fromkeys(map(str, ((x.shape[axis],), x.shape))))
        raise ValueError(f"segment_ids must have shape {shapes}, got {ids.shape}.")
    if num_segments is None:
        values = concrete_or_none(segment_ids)
        if values is None:
            raise ValueError("num_segments must be given where segment_ids are traced; pass one more than the largest id.")
        num_segments = int(values.max(initial=-1)) + 1
    num_segments = arguments.as_integer("num_segments", num_segments)
    if not 0 <= num_segments < np.iinfo(np.int32).max:
        raise ValueError(f"num_segments must be from 0 to 2^31 - 2, got {num_segments}.")
    # Narrow integers may not hold the number of segments.
    ids = ids if ids.dtype.itemsize >= 4 else ids.astype(jnp.int32)
    inside = (ids >= 0) & (ids < num_segments)
    return x, jnp.where(inside, ids, num_segments).astype(jnp.int32), num_segments, axis


def bounds(ids: Array, num_segments: int, axis: int) -> tuple[Array, Array]:
    """Where each segment starts in sorted order, and how many elements it has."""
    sizes = primitives.scatter_add(ids, jnp.ones_like(ids), axis, num_segments + 1)
    sizes = jax.lax.slice_in_dim(sizes, 0, num_segments, axis=axis)
    return jnp.cumsum(sizes, axis, dtype=jnp.int32) - sizes, sizes


def at(places: Array, sorted_x: Array, axis: int) -> Array:
    """The entries of a sorted array at places that are brought into range, and alike for all other axes if they are there."""
    n = sorted_x.shape[axis]
    shape = (*sorted_x.shape[:axis], places.shape[axis], *sorted_x.shape[axis + 1 :])
    return primitives.gather(jnp.broadcast_to(jnp.clip(places, 0, n - 1), shape), sorted_x, axis)
