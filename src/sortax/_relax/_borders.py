"""Where the places of a sorted array part, when each element counts as less than b by a degree.

F(b), the sum of C((b - x_j)/t) over all elements for the distribution function C of a symmetric variable, is monotone; place i of
the sorted array reaches from F(b) = i to F(b) = i + 1. Between two neighbouring elements F is a whole number
and two sums of exponentials, one from each side, so that each border is found by itself.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int

from .. import _primitives as primitives
from ._line import Line, at_rates, total


class Tail(eqx.Module):
    """What a symmetric distribution has beyond z temperatures, the real part of a sum of a exp(-b z)."""

    rates: Inexact[Array, " rates"]
    """b, over the temperature."""
    weights: Inexact[Array, " rates"]


class Flows(eqx.Module):
    """For each element in order, the sums over those before it and those after it of what a tail has left of them."""

    before: Inexact[Array, "*shape rates"]
    after: Inexact[Array, "*shape rates"]
    level: Float[Array, "*shape"]
    """F at the element, less its place and one half."""


def flows(on: Line, tail: Tail) -> Flows:
    decay = on.decay(tail.rates)
    one = jnp.ones_like(decay)
    before, after = on.before(one, decay), on.after(one, decay)
    return Flows(before, after, total(after, tail.weights) - total(before, tail.weights))


class Borders(eqx.Module):
    """Borders, each between two neighbours in order, of which one may be missing at an end."""

    left: Int[Array, "*borders"]
    right: Int[Array, "*borders"]
    has_left: Bool[Array, "*borders"]
    has_right: Bool[Array, "*borders"]
    """The places of the neighbours, and whether there are such."""
    offset: Float[Array, "*borders"]
    """How far the border lies above its left neighbour, or if there is none above its right one."""
    from_left: Float[Array, "*borders"]
    to_right: Float[Array, "*borders"]
    """The distances from the neighbours."""

    @property
    def anchor(self) -> Int[Array, "*borders"]:
        return jnp.where(self.has_left, self.left, self.right)


def upper_places(on: Line, f: Flows) -> Int[Array, "*shape"]:
    """The first border that is not below each element, along the whole axis: the k-th is where place k begins."""
    place = lax.broadcasted_iota(jnp.int32, f.level.shape, on.axis % f.level.ndim)
    return place + jnp.ceil(lax.stop_gradient(f.level) + 0.5).astype(jnp.int32)


def borders(on: Line, f: Flows, tail: Tail, wanted: Int[Array, "*borders"], below: Int[Array, "*borders"]) -> Borders:
    """The borders at which the places `wanted` begin, `below` which so many elements lie."""
    axis = on.axis % on.values.ndim
    n = on.values.shape[axis]

    def at(index: Array, x: Array) -> Array:
        return primitives.take(index.reshape(index.shape + (1,) * (x.ndim - index.ndim)), x, axis)

    left, right = jnp.clip(below - 1, 0, n - 1), jnp.clip(below, 0, n - 1)
    own = on.cell(jnp.clip(wanted, 0, n - 1))
    # The border of a cell is at infinity: it is none.
    there = (wanted > own) & (wanted < n)
    has_left, has_right = there & (below - 1 >= own), there & (below < n) & (on.cell(right) == own)
    gap = at(right, on.gaps)
    sums = at(left, f.before) + 1, at(right, f.after) + 1
    rest = jnp.where(there, wanted - below, 1).astype(gap.dtype)
    offset = _offset(*sums, gap, tail, rest, has_left, has_right)
    return Borders(left, right, has_left, has_right, offset, *_distances(offset, gap, has_left, has_right))


def _distances(offset: Array, gap: Array, has_left: Array, has_right: Array) -> tuple[Array, Array]:
    return jnp.where(has_left, offset, 0), jnp.where(has_right, jnp.where(has_left, gap - offset, -offset), 0)


def _level(
    offset: Array,
    before: Array,
    after: Array,
    gap: Array,
    tail: Tail,
    has_left: Array,
    has_right: Array,
    *,
    log_scale: Array | None = None,
) -> tuple[Array, Array]:
    """F at an offset, less the number of elements below, and its slope; both times exp(`log_scale`)."""
    left, right = _distances(offset, gap, has_left, has_right)
    scale = 0 if log_scale is None else log_scale[..., None].astype(tail.rates.dtype)
    below = jnp.where(has_left[..., None], before * jnp.exp(scale - at_rates(left, tail.rates)), 0)
    above = jnp.where(has_right[..., None], after * jnp.exp(scale - at_rates(right, tail.rates)), 0)
    return total(above - below, tail.weights), total(above + below, tail.weights * tail.rates)


@jax.custom_jvp
def _offset(
    before: Array, after: Array, gap: Array, tail: Tail, rest: Array, has_left: Array, has_right: Array
) -> Float[Array, "*borders"]:
    """The offset at which F less the number of elements below is `rest`."""
    slowest = Tail(jnp.real(tail.rates[0]), jnp.real(tail.weights[0]))
    found = _of_one_exponential(jnp.real(before[..., 0]), jnp.real(after[..., 0]), gap, slowest, rest, has_left, has_right)
    # Where one side is missing, one exponential bounds how far out the border is.
    reach = jnp.where(has_left & has_right, gap, jnp.abs(found) + 1 / slowest.rates)
    low, high = jnp.where(has_left, 0, -reach), jnp.where(has_left, reach, 0)
    found = jnp.clip(found, low, high)
    if tail.rates.size == 1:
        return found

    def refine(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        # A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat all of it is as good.
        y, low, high = state
        level, slope = _level(y, before, after, gap, tail, has_left, has_right)
        low, high = jnp.where(level < rest, y, low), jnp.where(level > rest, y, high)
        flat = slope <= jnp.finfo(slope.dtype).tiny
        step = jnp.where(flat, y, y - (level - rest) / jnp.where(flat, 1, slope))
        return jnp.where((step >= low) & (step <= high), step, low + (high - low) / 2), low, high

    return lax.fori_loop(0, 20 if gap.dtype == jnp.float32 else 40, refine, (found, low, high))[0]


@_offset.defjvp
def _offset_jvp(primals: Any, tangents: Any) -> Any:
    before, after, gap, tail, _, has_left, has_right = primals
    offset = _offset(*primals)
    # In the middle of a wide gap both the change of F and its slope underflow, but not their ratio.
    left, right = _distances(offset, gap, has_left, has_right)
    nearest = jnp.where(has_left & has_right, jnp.minimum(left, right), left + right)
    log_scale = lax.stop_gradient(nearest * jnp.real(tail.rates[0]))
    log_scale = jnp.where(jnp.isfinite(log_scale), log_scale, 0)

    def here(before: Array, after: Array, gap: Array, tail: Tail) -> Array:
        return _level(offset, before, after, gap, tail, has_left, has_right, log_scale=log_scale)[0]

    _, moved = jax.jvp(here, primals[:4], tangents[:4])
    _, slope = _level(offset, before, after, gap, tail, has_left, has_right, log_scale=log_scale)
    # A border at infinity moves nothing.
    flat = slope <= jnp.finfo(slope.dtype).tiny
    return offset, jnp.where(flat, 0, -moved / jnp.where(flat, 1, slope))


def _of_one_exponential(
    before: Array, after: Array, gap: Array, tail: Tail, rest: Array, has_left: Array, has_right: Array
) -> Array:
    """W (after exp(-r (gap - y)) - before exp(-r y)) = rest is one hyperbolic sine around where the two sides are level."""
    rate, weight = tail.rates, tail.weights
    alone_left = jnp.log(weight * before / jnp.maximum(-rest, 0)) / rate
    alone_right = -jnp.log(weight * after / jnp.maximum(rest, 0)) / rate
    # sinh(h) = |rest| / x, of which x may underflow: its logarithm does not.
    log_x = jnp.log(2 * weight) + 0.5 * (jnp.log(before) + jnp.log(after)) - gap * rate / 2
    x = jnp.exp(log_x)
    h = jnp.where(rest == 0, 0, jnp.log(jnp.abs(rest) + jnp.sqrt(rest * rest + x * x)) - log_x)
    between = gap / 2 + (0.5 * (jnp.log(before) - jnp.log(after)) + jnp.sign(rest) * h) / rate
    return jnp.where(has_left & has_right, between, jnp.where(has_left, alone_left, alone_right))
