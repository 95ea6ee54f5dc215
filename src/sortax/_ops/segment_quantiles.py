"""Quantiles of each segment: `segment_quantile` and `segment_median`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .. import _primitives as primitives
from .._checks import as_real
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along, as_probabilities, as_weights, check_method, interpolate, weighted_entries
from .segments import at, bounds, segmented


def segment_quantile(
    data: ArrayLike,
    segment_ids: ArrayLike,
    q: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    method: str = "linear",
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """The quantiles of each segment, differentiable in the array and in `q`.

    **Arguments:**

    - `data`: array of any real dtype.
    - `segment_ids`: the segment of each element: integers, along the axis or of the shape of `data`, in any order. Elements
      of none of the segments are left out: padding.
    - `q`: probabilities from 0 to 1, of any shape; may be traced.
    - `num_segments`: how many segments; by default one more than the largest id, which must be known then.
    - `axis`: the axis along which the segments lie.
    - `method`: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`, `"inverted_cdf"`,
      `"averaged_inverted_cdf"`, `"closest_observation"`, `"interpolated_inverted_cdf"`, `"hazen"`, `"weibull"`,
      `"median_unbiased"` or `"normal_unbiased"`, as NumPy defines them.
    - `weights`: how often each element counts, not negative and finite: a vector along the axis, or of the shape of `data`.
      A whole weight is so many copies. For the methods `"inverted_cdf"` and `"averaged_inverted_cdf"`. They have derivative
      zero. With a soft relaxation they say, in exact order, where the soft sorted values are read.
    - `where`: boolean, broadcasts to `data`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats: the axes of `q`, then those of `data` with `num_segments` in the place of the axis; of the dtype of `data`, or of
    JAX's default for integers.

    **Hits:** a rank of a segment is hit where its `q` by the formula of the method, rounded to the dtype of the given `q`,
    is that `q`.

    **Ties:** the derivative of the order statistics is what `relax` says. In `q` it is the one from above.

    **NaN:** NaN for a segment that has one, to which its cotangent goes, and for one without elements; where one of its
    weights is negative, infinite or NaN, or all are zero; and where `q` is traced and outside of [0, 1]. Other segments
    change nothing. An infinity whose rank is hit is the result.

    **Cost:** one sort of pairs of a segment and an element; O(n + q num_segments) memory.

    **Raises:** `ValueError` if `q` is known and outside of [0, 1], if `method` is not one of these, if `axis` is out of
    range, if `segment_ids`, `where` or `weights` do not fit, or if `num_segments` is missing where they are traced;
    `TypeError` if `data` is complex or `segment_ids` are not integers.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_quantile(x, ids, 0.5))
        [3. 3.]

        ```
    """
    p = as_probabilities(q, 1)
    check_method(method, weights is not None)
    return _by_segment(data, segment_ids, p, num_segments, axis, method, weights, where, relax)


def segment_median(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """The median of each segment: the middle element, or the mean of the two in the middle.

    **Arguments:**

    - `data`: array of any real dtype.
    - `segment_ids`: the segment of each element: integers, along the axis or of the shape of `data`, in any order. Elements
      of none of the segments are left out: padding.
    - `num_segments`: how many segments; by default one more than the largest id, which must be known then.
    - `axis`: the axis along which the segments lie.
    - `weights`: how often each element counts, not negative and finite: a vector along the axis, or of the shape of `data`.
      A whole weight is so many copies. They have derivative zero. With a soft relaxation they say, in exact order, where the
      soft sorted values are read.
    - `where`: boolean, broadcasts to `data`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:** floats of the shape of `data` with `num_segments` in the place of the axis; of the dtype of `data`, or of
    JAX's default for integers.

    **Ties:** the derivative of the order statistics is what `relax` says.

    **NaN:** NaN for a segment that has one, to which its cotangent goes, and for one without elements, or where one of its
    weights is negative, infinite or NaN, or all are zero. Other segments change nothing.

    **Cost:** one sort of pairs of a segment and an element; O(n + num_segments) memory.

    **Raises:** `ValueError` if `axis` is out of range, if `segment_ids`, `where` or `weights` do not fit, or if
    `num_segments` is missing where they are traced; `TypeError` if `data` is complex or `segment_ids` are not integers.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.segment_median(jnp.array([3., 1., 2., 5.]), jnp.array([0, 1, 0, 1])))
        [2.5 3. ]

        ```
    """
    method = "linear" if weights is None else "averaged_inverted_cdf"
    return _by_segment(data, segment_ids, jnp.asarray(0.5), num_segments, axis, method, weights, where, relax)


def _by_segment(
    data: Any, segment_ids: Any, q: Array, num_segments: Any, axis: Any, method: str, weights: Any, where: Any, relax: Any
) -> Array:
    as_real("data", data)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    mask = arguments.as_mask(where, x.shape)
    if mask is not None:
        ids = jnp.where(mask, ids, num_segments)
    if weights is None:
        y = _segment_quantile(x, ids, q.reshape(-1), as_relaxation(relax), num_segments, axis, method)
    else:
        w = as_weights(weights, x, axis)
        y = _weighted_segment_quantile(x, ids, w, q.reshape(-1), as_relaxation(relax), num_segments, axis, method)
    return y.reshape(*q.shape, *y.shape[1:])


@functools.partial(jax.jit, static_argnums=(4, 5, 6))
def _segment_quantile(x: Array, ids: Array, q: Array, relax: Any, num_segments: int, axis: int, method: str) -> Array:
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float)
    if 0 in (x.shape[axis], q.size, num_segments):
        return jnp.full((q.size, *x.shape[:axis], num_segments, *x.shape[axis + 1 :]), jnp.nan, dtype)
    start, size = bounds(ids, num_segments, axis)
    s = relax.sort(SortedOrder(x, axis, segments=ids))
    last = at(start + size - 1, s, axis).astype(dtype)

    def one(q: Array) -> Array:
        lower, upper, fraction = primitives.quantile_ranks(jnp.full(size.shape, q), size, method, 1)
        low, high = (at(start + rank, s, axis).astype(dtype) for rank in (lower, upper))
        y = low if method in primitives.WITHOUT_INTERPOLATION else interpolate(low, high, fraction)
        return jnp.where((q >= 0) & (q <= 1) & (size > 0), jnp.where(jnp.isnan(last), last, y), jnp.nan)

    return jax.vmap(one)(q)


@functools.partial(jax.jit, static_argnums=(5, 6, 7))
def _weighted_segment_quantile(
    x: Array, ids: Array, weights: Array, q: Array, relax: Any, num_segments: int, axis: int, method: str
) -> Array:
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.result_type(float))
    shape = (*x.shape[:axis], q.size, num_segments, *x.shape[axis + 1 :])
    if 0 in (x.shape[axis], q.size, num_segments):
        return jnp.moveaxis(jnp.full(shape, jnp.nan, x.dtype), axis, 0)
    w = jax.lax.stop_gradient(weights)
    # What has no weight is in no segment.
    ids = jnp.where(w != 0, ids, num_segments)
    is_bad = (w != 0) & ~((w > 0) & (w < jnp.inf))
    bad = primitives.scatter_add(ids, is_bad.astype(jnp.int32), axis, num_segments + 1)
    bad = jax.lax.slice_in_dim(bad, 0, num_segments, axis=axis) > 0
    start, size = bounds(ids, num_segments, axis)
    n = x.shape[axis]
    first, last = jnp.clip(start, 0, n - 1), jnp.clip(start + size - 1, 0, n - 1)

    def each(y: Array) -> Array:
        """What there is of each segment, for each of `q`, along the axis."""
        return jnp.broadcast_to(jnp.expand_dims(y, axis), shape).reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])

    of_q = jnp.broadcast_to(jnp.expand_dims(along(q, x.ndim, axis), axis + 1), shape).reshape(each(first).shape)
    order = SortedOrder(x, axis, segments=ids)
    where_read = of_q, order.segment_begins, each(jnp.minimum(first, last)), each(last), last
    at_weights = functools.partial(_at_weights, axis=axis, method=method)
    found = relax.weighted_quantile(order, w, where_read, at_weights)
    y, largest = jnp.split(found, [of_q.shape[axis]], axis)
    y = jnp.where(jnp.isnan(each(largest)), each(largest), y)
    y = jnp.where((of_q >= 0) & (of_q <= 1) & each((size > 0) & ~bad), y, jnp.nan)
    return jnp.moveaxis(y.reshape(shape), axis, 0)


def _at_weights(s: Array, w: Array, where_read: tuple[Array, ...], *, axis: int, method: str) -> Array:
    """The weighted quantiles of segments that are sorted, and the last element of each segment."""
    q, begins, first, last, last_of_each = where_read
    y = weighted_entries(s, w, begins, first, last, q, axis, method, 1)
    return jnp.concatenate([y, at(last_of_each, s, axis)], axis)
