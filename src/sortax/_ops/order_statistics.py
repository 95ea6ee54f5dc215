"""Entries of sorted arrays, and quantiles from them: what the ops on order statistics share."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _primitives as primitives
from .._checks import as_real, check_choice, check_real, concrete_or_none
from .._keys import wide_float
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, as_relaxation
from . import arguments

_WEIGHTED = ("inverted_cdf", "averaged_inverted_cdf")


def check_whole(x: Array, axis: int) -> None:
    """Under an explicit mesh the axis must lie whole on each device, before anything is computed along it."""
    primitives.require_unsharded("an order", jax.typeof(x), axis)


def along(vector: Array, ndim: int, axis: int) -> Array:
    """A vector along one of `ndim` axes."""
    return vector.reshape([-1 if d == axis else 1 for d in range(ndim)])


def entries(
    relax: AbstractRelaxation, x: Array, ranks: Array, axis: int, where: Array | None, descending: bool = False
) -> Array:
    """The entries of the sorted `x` at `ranks`, which broadcast to its other axes."""
    shape = (*x.shape[:axis], ranks.shape[axis], *x.shape[axis + 1 :])
    order = SortedOrder(x, axis, descending=descending, where=where)
    return relax.select(order, jnp.broadcast_to(ranks, shape))


def count_of(x: Array, axis: int, where: Array | None) -> Array:
    """How many elements take part, with the axis kept."""
    if where is None:
        return jnp.full([1] * x.ndim, x.shape[axis], jnp.int32)
    return jnp.sum(where, axis, keepdims=True, dtype=jnp.int32)


def in_front(y: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """The axis moved to the front, where it becomes axes of that shape."""
    y = jnp.moveaxis(y, axis, 0)
    return y.reshape(*shape, *y.shape[1:])


def as_probabilities(q: Any, scale: int) -> Array:
    """`q`, from 0 to `scale`, as floats: of its own dtype, which tells how far the ranks that it is meant to hit are rounded."""
    p = arguments.as_few("q", q)
    check_real("q", p)
    values = concrete_or_none(q)
    if values is not None and not ((values >= 0) & (values <= scale)).all():
        raise ValueError(f"q must be from 0 to {scale}, got {q}.")
    return p if jnp.issubdtype(p.dtype, jnp.floating) else p.astype(float)


def check_method(method: str, weighted: bool) -> None:
    check_choice("method", method, primitives.METHODS)
    if weighted and method not in _WEIGHTED:
        raise ValueError(f"weights need the method {' or '.join(map(repr, _WEIGHTED))}, got {method!r}.")


def quantiles(
    a: Any, q: Any, scale: int, axis: Any, method: str, keepdims: bool, weights: Any, where: Any, relax: Any, skip_nan: bool
) -> Array:
    """The ops of `quantiles.py` and `nan_quantiles.py`, with `q` from 0 to `scale`."""
    x, p = as_real("a", a), as_probabilities(q, scale)
    check_method(method, weights is not None)
    kept, mask = arguments.kept_shape(x.shape, axis), arguments.as_mask(where, x.shape)
    if skip_nan and jnp.issubdtype(x.dtype, jnp.floating):
        mask = ~jnp.isnan(x) if mask is None else mask & ~jnp.isnan(x)
    w = None if weights is None else as_weights(weights, x, axis)
    axis, x, mask, w = arguments.merged(axis, x, mask, w)
    check_whole(x, axis)
    y = _quantiles(x, p.reshape(-1), mask, w, as_relaxation(relax), axis, method, scale)
    y = in_front(y, axis, p.shape)
    return y.reshape(*p.shape, *kept) if keepdims else y


def medians(a: Any, axis: Any, keepdims: bool, weights: Any, where: Any, relax: Any, skip_nan: bool) -> Array:
    """The medians of `quantiles.py` and `nan_quantiles.py`."""
    # Put there explicitly: a user who forbids implicit transfers has given an array that is on its device.
    half = jax.device_put(0.5)
    method = "linear" if weights is None else "averaged_inverted_cdf"
    return quantiles(a, half, 1, axis, method, keepdims, weights, where, relax, skip_nan)


@functools.partial(jax.jit, static_argnums=(5, 6, 7))
def _quantiles(
    x: Array, q: Array, where: Array | None, weights: Array | None, relax: Any, axis: int, method: str, scale: int
) -> Array:
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float)
    if 0 in (x.shape[axis], q.size):
        return jnp.full((*x.shape[:axis], q.size, *x.shape[axis + 1 :]), jnp.nan, dtype)
    if weights is not None:
        return _weighted_quantiles(x.astype(dtype), q, where, weights, relax, axis, method, scale)
    count = count_of(x, axis, where)
    shape = (*count.shape[:axis], q.size, *count.shape[axis + 1 :])
    q, n = jnp.broadcast_to(along(q, x.ndim, axis), shape), jnp.broadcast_to(count, shape)
    lower, upper, fraction = primitives.quantile_ranks(q, n, method, scale)
    wanted = [lower] if method in primitives.WITHOUT_INTERPOLATION else [lower, upper]
    # The last tells whether there is a NaN, and is where the derivative goes then; integers have none.
    last = [jnp.maximum(count - 1, 0)] if dtype == x.dtype else []
    s = entries(relax, x, jnp.concatenate([*wanted, *last], axis), axis, where).astype(dtype)
    found = jnp.split(s, [q.shape[axis] * (i + 1) for i in range(len(wanted))], axis)
    y = found[0] if len(wanted) == 1 else interpolate(found[0], found[1], fraction)
    if last:
        y = jnp.where(jnp.isnan(found[-1]), found[-1], y)
    return jnp.where((q >= 0) & (q <= scale) & (count > 0), y, jnp.nan)


def _weighted_quantiles(
    x: Array, q: Array, where: Array | None, weights: Array, relax: Any, axis: int, method: str, scale: int
) -> Array:
    w, shape = jax.lax.stop_gradient(weights), (*x.shape[:axis], q.size, *x.shape[axis + 1 :])
    takes_part = (w != 0) & (True if where is None else where)
    bad = jnp.any(takes_part & ~((w > 0) & (w < jnp.inf)), axis, keepdims=True) | ~jnp.any(takes_part, axis, keepdims=True)
    has_nan = jnp.any(takes_part & jnp.isnan(x), axis, keepdims=True)
    has_infinity = jnp.any(takes_part & (x == jnp.inf), axis, keepdims=True)
    # What takes no part is tied to nothing that is read: it is behind all numbers, or before a NaN that comes last.
    behind = jnp.where(has_infinity, jnp.nan, jnp.inf)
    x = jnp.where(takes_part, x, jnp.where(has_nan, -jnp.inf, behind).astype(x.dtype))
    w, q = jnp.where(takes_part, w, 0), jnp.broadcast_to(along(q, x.ndim, axis), shape)
    at_weights = functools.partial(_at_weights, axis=axis, method=method, scale=scale)
    found = relax.weighted_quantile(SortedOrder(x, axis), w, q, at_weights)
    y, last = jnp.split(found, [q.shape[axis]], axis)
    y = jnp.where(has_nan, last, y)
    return jnp.where((q >= 0) & (q <= scale) & ~bad, y, jnp.nan)


def _at_weights(s: Array, w: Array, q: Array, *, axis: int, method: str, scale: int) -> Array:
    """The weighted quantiles of sorted elements, and the last of them."""
    place = jax.lax.broadcasted_iota(jnp.int32, w.shape, axis)
    first = jnp.min(jnp.where(w > 0, place, w.shape[axis] - 1), axis, keepdims=True)
    last = jnp.max(jnp.where(w > 0, place, 0), axis, keepdims=True)
    first, last = jnp.broadcast_to(jnp.minimum(first, last), q.shape), jnp.broadcast_to(last, q.shape)
    y = weighted_entries(s, w, place == 0, first, last, q, axis, method, scale)
    return jnp.concatenate([y, jax.lax.slice_in_dim(s, -1, None, axis=axis)], axis)


def weighted_entries(
    s: Array, w: Array, begins: Array, first: Array, last: Array, q: Array, axis: int, method: str, scale: int
) -> Array:
    """The weighted quantiles of a sorted array, each among the elements from `first` to `last` of one of its segments."""
    lower, upper, fraction = primitives.weighted_ranks(w, begins, first, last, q, axis, method, scale)
    return interpolate(primitives.gather(lower, s, axis), primitives.gather(upper, s, axis), fraction)


def as_weights(weights: Any, x: Array, axis: Any) -> Array:
    w = as_real("weights", weights)
    w = w if jnp.issubdtype(w.dtype, jnp.floating) else w.astype(float)
    if w.shape == x.shape:
        return w
    named = () if axis is None else axis if isinstance(axis, Sequence) else (axis,)
    axes = tuple(arguments.normalize(d, x.ndim) for d in named)
    reduced = tuple(x.shape[d] for d in axes)
    if axes and w.shape == reduced and len(set(axes)) == len(axes):
        in_order = w.transpose(sorted(range(len(axes)), key=axes.__getitem__))
        others = [d for d in range(x.ndim) if d not in axes]
        return jnp.broadcast_to(jnp.expand_dims(in_order, others), x.shape)
    shapes = " or ".join(dict.fromkeys(map(str, (x.shape, *([reduced] if axes else [])))))
    raise ValueError(f"weights must have the shape of the array or of the axes to reduce, here {shapes}, got {w.shape}.")


def interpolate(low: Float[Array, "*shape"], high: Float[Array, "*shape"], fraction: Float[Array, "..."]) -> Array:
    """`low + fraction (high - low)` for a fraction from 0 up to 1, without overflow.

    An infinity that is hit is the result; between -inf and inf, and from a NaN, comes NaN.
    """
    dtype, is_hit = low.dtype, fraction == 0
    wide = wide_float(dtype)
    low, high, fraction = low.astype(wide), high.astype(wide), fraction.astype(wide)
    finite = jnp.isfinite(low) & jnp.isfinite(high)
    a, b = jnp.where(finite, low, 0), jnp.where(finite, high, 0)
    # Of one sign their difference cannot overflow, and equal ends give themselves; of two, neither product can.
    # In the middle the products are exact, and so their sum is the mean, rounded once.
    by_difference = (a == b) | (((a < 0) == (b < 0)) & (fraction != 0.5))
    between = jnp.where(by_difference, a + (b - a) * fraction, a * (1 - fraction) + b * fraction)
    # A fraction that is rounded to 0 or 1 stands between the two all the same.
    fraction = jnp.where((fraction > 0) & (fraction < 1), fraction, 0.5)
    c, d = jnp.where(finite | is_hit, 0, low), jnp.where(finite | is_hit, 0, high)
    at_infinity = jnp.where(is_hit, low, c * (1 - fraction) + d * fraction)
    return jnp.where(finite, between, at_infinity).astype(dtype)
