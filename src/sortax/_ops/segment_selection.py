"""A part of the order of each segment: `segment_top_k`, `segment_quantile` and `segment_median`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Shaped

from .. import _primitives as primitives
from .._checks import as_real
from .._keys import lowest
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along, as_probabilities, check_method, interpolate
from .segments import segmented


def segment_top_k(
    data: ArrayLike,
    segment_ids: ArrayLike,
    k: int,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    relax: AbstractRelaxation = Exact(),
) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
    """The `k` largest elements of each segment, largest first, and their indices along the whole axis.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `k`: how many; known when traced.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Values and indices with the axes `(num_segments, k)` in the place of the axis. Where a segment has fewer than `k`
    elements, the rest is -inf (the lowest number of an integer dtype), with index -1.

    **Ties:** the first of equal elements first; the derivative is what `relax` says. **NaN:** first.

    **Cost:** O(n) time on a CPU, two sorts elsewhere; O(n + k num_segments) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or if `k` is
    negative; `TypeError` if `k` is not an integer that is known when traced.

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
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    k = arguments.as_integer("k", k)
    if k < 0:
        raise ValueError(f"k must not be negative, got {k}.")
    values, indices = _segment_top_k(x, ids, as_relaxation(relax), k, num_segments, axis)
    return values, indices.astype(arguments.index_dtype(None, x.shape[axis]))


def segment_quantile(
    data: ArrayLike,
    segment_ids: ArrayLike,
    q: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    method: str = "linear",
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """The quantiles of each segment, differentiable in the array and in `q`.

    **Arguments:**

    - `data`: array of any real dtype.
    - `segment_ids`: the segment of each element: integers, along the axis or of the shape of `data`, in any order. Elements of
      none of the segments are left out: padding.
    - `q`: probabilities from 0 to 1, of any shape; may be traced.
    - `num_segments`: how many segments; by default one more than the largest id, which must be known then.
    - `axis`: the axis along which the segments lie.
    - `method`: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`, `"inverted_cdf"`,
      `"averaged_inverted_cdf"`, `"closest_observation"`, `"interpolated_inverted_cdf"`, `"hazen"`, `"weibull"`,
      `"median_unbiased"` or `"normal_unbiased"`, as NumPy defines them.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats: the axes of `q`, then those of `data` with `num_segments` in the place of the axis; of the dtype of `data`, or of
    JAX's default for integers.

    **Hits:** a rank of a segment is hit where its `q` by the formula of the method, rounded to the dtype of the given `q`, is
    that `q`.

    **Ties:** the derivative of the order statistics is what `relax` says. In `q` it is the one from above.

    **NaN:** NaN for a segment that has one, to which its cotangent goes, and for one without elements; and where `q` is traced and
    outside of [0, 1]. Other segments change nothing. An infinity whose rank is hit is the result.

    **Cost:** one sort of pairs of a segment and an element; O(n + q num_segments) memory.

    **Raises:** `ValueError` if `q` is known and outside of [0, 1], if `method` is not one of these, if `axis` is out of range, if
    `segment_ids` do not fit, or if `num_segments` is missing where they are traced; `TypeError` if `data` is complex or
    `segment_ids` are not integers.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_quantile(x, ids, 0.5))
        [3. 3.]

        ```
    """
    as_real("data", data)
    p = as_probabilities(q, 1)
    check_method(method, weighted=False)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    y = _segment_quantile(x, ids, p.reshape(-1), as_relaxation(relax), num_segments, axis, method)
    return y.reshape(*p.shape, *y.shape[1:])


def segment_median(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """The median of each segment: the middle element, or the mean of the two in the middle.

    **Arguments:**

    - `data`: array of any real dtype.
    - `segment_ids`: the segment of each element: integers, along the axis or of the shape of `data`, in any order. Elements of
      none of the segments are left out: padding.
    - `num_segments`: how many segments; by default one more than the largest id, which must be known then.
    - `axis`: the axis along which the segments lie.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:** floats of the shape of `data` with `num_segments` in the place of the axis; of the dtype of `data`, or of JAX's
    default for integers.

    **Ties:** the derivative of the order statistics is what `relax` says.

    **NaN:** NaN for a segment that has one, to which its cotangent goes, and for one without elements. Other segments change
    nothing.

    **Cost:** one sort of pairs of a segment and an element; O(n + num_segments) memory.

    **Raises:** `ValueError` if `axis` is out of range, if `segment_ids` do not fit, or if `num_segments` is missing where they are
    traced; `TypeError` if `data` is complex or `segment_ids` are not integers.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.segment_median(jnp.array([3., 1., 2., 5.]), jnp.array([0, 1, 0, 1])))
        [2.5 3. ]

        ```
    """
    return segment_quantile(data, segment_ids, 0.5, num_segments, axis=axis, relax=relax)


def _bounds(ids: Array, num_segments: int, axis: int) -> tuple[Array, Array]:
    """Where each segment starts in sorted order, and how many elements it has."""
    sizes = primitives.scatter_add(ids, jnp.ones_like(ids), axis, num_segments + 1)
    sizes = jax.lax.slice_in_dim(sizes, 0, num_segments, axis=axis)
    return jnp.cumsum(sizes, axis, dtype=jnp.int32) - sizes, sizes


def _at(places: Array, sorted_x: Array, axis: int) -> Array:
    """The entries of a sorted array at places that are brought into range, and alike for all other axes if they are there."""
    n = sorted_x.shape[axis]
    shape = (*sorted_x.shape[:axis], places.shape[axis], *sorted_x.shape[axis + 1 :])
    return primitives.gather(jnp.broadcast_to(jnp.clip(places, 0, n - 1), shape), sorted_x, axis)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _segment_top_k(x: Array, ids: Array, relax: Any, k: int, num_segments: int, axis: int) -> tuple[Array, Array]:
    shape = (*x.shape[:axis], num_segments, k, *x.shape[axis + 1 :])
    filler = jnp.asarray(lowest(x.dtype), x.dtype)
    if 0 in (x.shape[axis], k, num_segments):
        return jnp.full(shape, filler), jnp.full(shape, -1, jnp.int32)
    start, size = (jnp.expand_dims(v, axis + 1) for v in _bounds(ids, num_segments, axis))
    position = along(jnp.arange(k, dtype=jnp.int32), x.ndim + 1, axis + 1)
    places, exists = start + position, position < size
    places = places.reshape(*places.shape[:axis], -1, *places.shape[axis + 2 :])
    order = SortedOrder(x, axis, segments=ids, descending=True)
    values, indices = (_at(places, y, axis).reshape(shape) for y in (relax.sort(order), order.indices))
    return jnp.where(exists, values, filler), jnp.where(exists, indices, -1)


@functools.partial(jax.jit, static_argnums=(4, 5, 6))
def _segment_quantile(x: Array, ids: Array, q: Array, relax: Any, num_segments: int, axis: int, method: str) -> Array:
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float)
    if 0 in (x.shape[axis], q.size, num_segments):
        return jnp.full((q.size, *x.shape[:axis], num_segments, *x.shape[axis + 1 :]), jnp.nan, dtype)
    start, size = _bounds(ids, num_segments, axis)
    s = relax.sort(SortedOrder(x, axis, segments=ids))
    last = _at(start + size - 1, s, axis).astype(dtype)

    def one(q: Array) -> Array:
        lower, upper, fraction = primitives.quantile_ranks(jnp.full(size.shape, q), size, method, 1)
        low, high = (_at(start + rank, s, axis).astype(dtype) for rank in (lower, upper))
        y = low if method in primitives.WITHOUT_INTERPOLATION else interpolate(low, high, fraction)
        return jnp.where((q >= 0) & (q <= 1) & (size > 0), jnp.where(jnp.isnan(last), last, y), jnp.nan)

    return jax.vmap(one)(q)
