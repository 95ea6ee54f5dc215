"""Which of the sorted elements that count with weights a quantile is, or lies between: a search in their cumulative mass."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .._keys import wide_float
from . import _define, _sharding
from ._ordering import index_dtype
from .gather import gather
from .linear_scan import linear_scan
from .quantile_ranks import divisors


def weighted_ranks(
    weights: Float[Array, "*shape"],
    begins: Bool[Array, "*shape"],
    first: Int[Array, "*ranks"],
    last: Int[Array, "*ranks"],
    q: Float[Array, "*ranks"],
    axis: int,
    method: str,
    scale: int,
) -> tuple[Int[Array, "*ranks"], Int[Array, "*ranks"], Float[Array, "*ranks"]]:
    """The ranks of `quantile_ranks` among sorted elements that count with `weights`; constants.

    Each quantile is one of a segment: those that start where `begins` says, of which the elements with a positive weight are from
    `first` to `last`. No weight is negative or infinite. A step, the mass up to an element, is hit as it is there: a whole weight
    is so many copies. Where the weights are not whole numbers, of which the sums are exact, it is also hit where the rounding of
    the weights may hide it.
    """
    lower, upper, fraction = _weighted_ranks(weights, begins, first, last, q, axis=axis, method=method, scale=scale)
    return lower, upper, fraction


def _shape(weights: Any, begins: Any, first: Any, last: Any, q: Any, *, axis: int, **params: Any) -> list[Any]:
    _sharding.require_unsharded("sorting", weights, axis)
    rank = q.update(dtype=jnp.dtype(index_dtype(weights.shape[axis])), weak_type=False)
    return [rank, rank, q.update(dtype=wide_float(q.dtype), weak_type=False)]


def _xla(
    weights: Array,
    begins: Array,
    first: Array,
    last: Array,
    q: Array,
    *,
    axis: int,
    method: str,
    scale: int,
    platform: str | None,
) -> list[Array]:
    dtype = index_dtype(weights.shape[axis])
    with jax.enable_x64(True):
        w = weights.astype(jnp.float64)
        # A power of two changes no ratio, and keeps the sum of large weights finite.
        unit = jnp.where(jnp.max(w, axis, keepdims=True) > 1, 2.0**-31, 1)
        mass, broken = (
            linear_scan((~begins).astype(w.dtype), y, axis) for y in (w * unit, (w != jnp.floor(w)).astype(w.dtype))
        )
        total, factor = divisors(gather(last, mass, axis), scale, q.shape)
        is_whole = (gather(last, broken, axis) == 0) & (scale * total < 2.0**53 * unit)
        target = total * q.astype(jnp.float64) / factor
        rounding = float(max(jnp.finfo(wide_float(q.dtype)).eps, 64 * jnp.finfo(jnp.float64).eps))
        slack = target * jnp.where(is_whole, 0, rounding)

        # Both say of each step what `snapped` does.
        def falls_short(mass: Array) -> Array:
            return (mass < target - slack) & ((scale * mass / total).astype(q.dtype) < q)

        def is_reached(mass: Array) -> Array:
            return (mass <= target + slack) | ((scale * mass / total).astype(q.dtype) <= q)

        first, last = first.astype(dtype), last.astype(dtype)
        lower = jnp.minimum(first + _count(falls_short, mass, first, last, axis), last)
        upper = lower
        if method == "averaged_inverted_cdf":
            upper = jnp.clip(first + _count(is_reached, mass, first, last, axis), lower, last)
        return [lower, upper, jnp.where(lower < upper, 0.5, 0).astype(wide_float(q.dtype))]


def _count(
    holds: Callable[[Array], Bool[Array, "*ranks"]], ascending: Array, first: Array, last: Array, axis: int
) -> Int[Array, "*ranks"]:
    """Of how many of the ascending numbers from `first` to `last` something `holds`, as it does of the first ones: by bisection."""
    n, size = ascending.shape[axis], last - first + 1
    bits = n.bit_length() if isinstance(n, int) else 31

    def halve(i: Array, count: Array) -> Array:
        more = count + jnp.left_shift(jnp.asarray(1, count.dtype), bits - 1 - i.astype(count.dtype))
        some = gather(first + jnp.minimum(more, size) - 1, ascending, axis)
        return jnp.where((more <= size) & holds(some), more, count)

    return lax.fori_loop(0, bits, halve, jnp.zeros_like(first))


_weighted_ranks = _define.define_constant("sortax_weighted_ranks", shape=_shape, xla=_xla)
