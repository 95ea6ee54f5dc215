"""Order inside segments, ragged groups given by ids as in `jax.ops.segment_sum`: no padding, ids in any order."""

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, Shaped

from .. import _primitives as primitives
from .._checks import as_array, check_choice, concrete_or_none
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along, check_whole
from .ranking import mask_of, ranks_of
from .sorting import sorted_of


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
    return sorted_of(x, as_relaxation(relax), axis, descending, ids)


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
    indices = primitives.argsort(x, axis, segments=jnp.broadcast_to(ids, x.shape), descending=descending)
    return indices.astype(arguments.index_dtype(None, x.shape[axis]))


def segment_rank(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    method: Literal["average", "min", "max", "dense", "ordinal"] = "average",
    *,
    axis: int = 0,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Real[Array, "..."]:
    """The rank of each element inside its segment, from 0.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `method`: what equal elements get: the `"average"` of their ranks, the `"min"` or the `"max"` of them, ranks
      without gaps (`"dense"`), or ranks by position (`"ordinal"`).
    - `axis`: the axis that is segmented.
    - `descending`: the largest of a segment has rank 0.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which ranks are constants with derivative zero.

    **Returns:** an array of the shape of `data`: for `"average"` floats, of its dtype if that is floating and has at least 32 bits
    and else of JAX's default; for the other methods integers. 0 for elements of no segment.

    **Ties:** by `method`. **NaN:** ranked last in its segment, as one tie. **Cost:** two sorts; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or `method` is
    not one of these.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_rank(x, ids))
        [1. 0. 0. 1. 2.]

        ```
    """
    check_choice("method", method, primitives.RANK_METHODS)
    descending = arguments.as_flag("descending", descending)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    ranks = ranks_of(x, as_relaxation(relax), axis, method, descending, segments=ids)
    return jnp.where(ids < num_segments, ranks, 0)


def segment_top_k_mask(
    data: ArrayLike,
    segment_ids: ArrayLike,
    k: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """1 for the `k` largest elements of each segment, 0 for the others.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `k`: how many of each segment, not negative; may be traced. A segment that has fewer is taken whole.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which the mask is a constant with derivative zero.

    **Returns:** floats of the shape of `data`, of its dtype if that is floating and else of JAX's default; 0 for elements of no
    segment.

    **Ties:** the first of equal elements are taken; under `Exact("average")` those at the end share what is left.

    **NaN:** largest of its segment. **Cost:** two sorts; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or if `k` is
    known and negative; `TypeError` if `k` is not an integer.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_top_k_mask(x, ids, 1))
        [0. 0. 0. 1. 1.]

        ```
    """
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    count = arguments.as_count(k)
    value = concrete_or_none(k)
    if value is not None and value < 0:
        raise ValueError(f"k must not be negative, got {value}.")
    taken = mask_of(x, count, as_relaxation(relax), axis, segments=ids)
    return jnp.where(ids < num_segments, taken, 0)


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
