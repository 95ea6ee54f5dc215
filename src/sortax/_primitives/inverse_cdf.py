"""The inverse of the smoothed CDF: the edges of the bins, one for each entry of the sorted array.

F(b), the sum of C(b - x_j) over all elements for the distribution function C of a symmetric variable, is monotone; bin i
reaches from F(b) = i to F(b) = i + 1. Between two neighbouring elements F is a whole number and two sums of exponentials, one
from each side, so that each edge is found by itself. A structure, and so without a derivative.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .. import _native
from . import _define, _sharding
from ._exponential_sum import FAR, ExponentialSum, as_attribute, decay, rates_and_weights, total
from ._two_sided_scan import gaps, two_sided_scan
from .gather import gather, scatter_add
from .linear_scan import linear_scan, shifted

WIDE = 4 * FAR
"""Wider gaps are taken to be as wide as this: more would cost digits, and nothing is left of an element so far away."""


class BinEdges(NamedTuple):
    """The edges of bins, each between two neighbours in order, of which one may be missing at an end."""

    below: Int[Array, "*edges"]
    """How many elements of the axis come before it."""
    offset: Float[Array, "*edges"]
    """How far it lies above the element before it or, negative, below the one after it, whichever is nearer; infinite where the
    edge is at infinity, as the first edge of each component is."""
    low_word: Float[Array, "*edges"]
    """What rounding the offset has left out."""

    @property
    def is_finite(self) -> Bool[Array, "*edges"]:
        """Whether the edge is at a finite point."""
        return jnp.isfinite(self.offset)

    def distances(self, gap: Float[Array, "*edges"]) -> tuple[Array, Array]:
        """From the elements before and after it, that are `gap` apart, in double precision; infinite where there is none."""
        offset = jnp.where(self.is_finite, self.precise_offset, 0)
        other = jnp.maximum(gap - jnp.abs(offset), 0)
        before, after = jnp.where(offset >= 0, offset, other), jnp.where(offset >= 0, other, -offset)
        return jnp.where(self.is_finite, before, jnp.inf), jnp.where(self.is_finite, after, jnp.inf)

    @property
    def precise_offset(self) -> Float[Array, "*edges"]:
        """The offset in double precision."""
        return self.offset.astype(jnp.float64) + self.low_word.astype(jnp.float64)

    def anchor(self, n: int) -> Int[Array, "*edges"]:
        """The element that `offset` is measured from."""
        return jnp.clip(jnp.where(self.offset < 0, self.below, self.below - 1), 0, max(n - 1, 0))


def inverse_cdf(z: Float[Array, "*shape"], wanted: Int[Array, "*edges"], axis: int, *, terms: ExponentialSum) -> BinEdges:
    r"""Where bins begin: with one number along `axis` the bin `wanted`, with as many as there are elements all bins in order.

    `z` has the distances between neighbours as in `kernel_sum`; `terms` are one minus C.
    """
    return BinEdges(*_inverse_cdf(wanted, z, axis=axis, terms=terms))


def edge_widths(edges: BinEdges, z: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """How far the next edge is; infinite where that one or this one is at infinity."""
    return _edge_widths(*edges, z, axis=axis)[0]


def component_starts(d: Float[Array, "*shape"], axis: int) -> Int[Array, "*shape"]:
    """For each element the index at which its component starts."""
    place = lax.broadcasted_iota(jnp.int32, d.shape, axis)
    return lax.cummax(jnp.where(jnp.isinf(d), place, 0), axis)


def _shape(wanted: Any, z: Any, *, axis: int, terms: ExponentialSum) -> list[Any]:
    _sharding.require_unsharded("an inverse CDF", z, axis)
    numbers = z.update(shape=wanted.shape, weak_type=False)
    return [numbers.update(dtype=jnp.dtype(jnp.int32)), numbers, numbers]


def _native_lowering(ctx: Any, wanted: Any, z: Any, *, axis: int, terms: ExponentialSum) -> Any:
    aval = ctx.avals_in[1]
    if aval.dtype.name not in ("float32", "float64") or 0 in aval.shape:
        return None
    return _native.lower(ctx, "inverse_cdf", wanted, z, axis=axis, terms=as_attribute(terms))


def _xla(wanted: Array, z: Array, *, axis: int, terms: ExponentialSum, platform: str | None) -> list[Array]:
    n = z.shape[axis]
    if 0 in z.shape:
        infinite = jnp.full(wanted.shape, jnp.inf, z.dtype)
        return [jnp.zeros(wanted.shape, jnp.int32), infinite, jnp.zeros_like(infinite)]
    with jax.enable_x64(True):
        d = gaps(z, axis)
        before, after = two_sided_scan(d, jnp.ones_like(d), axis, lambda arrived: arrived, terms=terms, platform=platform)
        _, weights = rates_and_weights(terms)
        place = lax.broadcasted_iota(jnp.int32, z.shape, axis)
        # F at an element, and so the first edge that does not lie below it.
        level = total(after, weights) - total(before, weights) + 0.5
        upper = jnp.clip(place + jnp.ceil(level).astype(jnp.int32), 0, n)
        if wanted.shape[axis] == 1:
            below = jnp.sum(upper <= wanted, axis, keepdims=True, dtype=jnp.int32)
        else:
            counts = scatter_add(upper, jnp.ones_like(upper), axis, n + 1)
            below = lax.slice_in_dim(jnp.cumsum(counts, axis, dtype=jnp.int32), 0, n, axis=axis)
        component = component_starts(d, axis)
        own = gather(jnp.clip(wanted, 0, n - 1), component, axis)
        left, right = jnp.clip(below - 1, 0, n - 1), jnp.clip(below, 0, n - 1)
        # The first edge of a component is at infinity.
        there = (wanted > own) & (wanted < n)
        has_left, has_right = there & (below - 1 >= own), there & (below < n) & (gather(right, component, axis) == own)
        gap = gather(right, d, axis)
        sums = gather(left[..., None], before, axis) + 1, gather(right[..., None], after, axis) + 1
        remainder = jnp.where(there, wanted - below, 1).astype(jnp.float64)
        steps = 24 if z.dtype == jnp.float32 else 40
        offset = _solve(*sums, jnp.where(jnp.isinf(gap), 0, gap), terms, remainder, has_left, has_right, steps)
        # From the nearer neighbour: what is next to an element keeps its digits.
        to_right = jnp.where(has_left, gap - offset, -offset)
        from_right = has_right & ((to_right < offset) | ~has_left) & (to_right > 0)
        offset = jnp.where(from_right, -to_right, jnp.where(has_left, offset, 0))
        offset = jnp.where(there, offset, 0)
        rounded = offset.astype(z.dtype)
        low_word = (offset - rounded.astype(jnp.float64)).astype(z.dtype)
        return [below, jnp.where(there, rounded, jnp.inf), low_word]


def _solve(
    before: Array,
    after: Array,
    gap: Array,
    terms: ExponentialSum,
    remainder: Array,
    has_left: Array,
    has_right: Array,
    steps: int,
) -> Array:
    """How far above its left neighbour, or if there is none its right one, F minus the number of elements below is `remainder`."""
    (slowest, weight), *others = terms
    found = _of_one_exponential(
        jnp.real(before[..., 0]), jnp.real(after[..., 0]), gap, slowest.real, weight.real, remainder, has_left, has_right
    )
    # Where one side is missing, one exponential bounds how far out the edge is.
    reach = jnp.where(has_left & has_right, gap, jnp.abs(found) + 1 / slowest.real)
    low, high = jnp.where(has_left, 0, -reach), jnp.where(has_left, reach, 0)
    found = jnp.clip(found, low, high)
    if not others:
        return found
    rates, weights = rates_and_weights(terms)

    def level(offset: Array) -> tuple[Array, Array]:
        left = jnp.where(has_left, offset, 0)
        right = jnp.where(has_right, jnp.where(has_left, gap - offset, -offset), 0)
        below = jnp.where(has_left[..., None], before * decay(left, terms), 0)
        above = jnp.where(has_right[..., None], after * decay(right, terms), 0)
        return total(above - below, weights), total(above + below, weights * rates)

    def newton_step(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        # A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat all of it is as good.
        y, low, high = state
        here, slope = level(y)
        low, high = jnp.where(here < remainder, y, low), jnp.where(here > remainder, y, high)
        flat = slope <= jnp.finfo(slope.dtype).tiny
        newton = jnp.where(flat, y, y - (here - remainder) / jnp.where(flat, 1, slope))
        return jnp.where((newton >= low) & (newton <= high), newton, low + (high - low) / 2), low, high

    # As many steps for all: to ask whether all have arrived would take a sum over devices.
    return lax.fori_loop(0, steps, newton_step, (found, low, high))[0]


def _of_one_exponential(
    before: Array, after: Array, gap: Array, rate: float, weight: float, remainder: Array, has_left: Array, has_right: Array
) -> Array:
    """W (after exp(-r (gap - y)) - before exp(-r y)) = remainder is one hyperbolic sine around where the two sides are level."""
    alone_left = jnp.log(weight * before / jnp.maximum(-remainder, 0)) / rate
    alone_right = -jnp.log(weight * after / jnp.maximum(remainder, 0)) / rate
    # sinh(h) = |remainder| / x, of which x may underflow: its logarithm does not.
    log_x = jnp.log(2 * weight) + 0.5 * (jnp.log(before) + jnp.log(after)) - gap * rate / 2
    x = jnp.exp(log_x)
    h = jnp.where(remainder == 0, 0, jnp.log(jnp.abs(remainder) + jnp.sqrt(remainder * remainder + x * x)) - log_x)
    between = gap / 2 + (0.5 * (jnp.log(before) - jnp.log(after)) + jnp.sign(remainder) * h) / rate
    return jnp.where(has_left & has_right, between, jnp.where(has_left, alone_left, alone_right))


_inverse_cdf = _define.define_constant("sortax_inverse_cdf", shape=_shape, xla=_xla, native=_native_lowering)


def _width_shape(below: Any, offset: Any, low_word: Any, z: Any, *, axis: int) -> list[Any]:
    _sharding.require_unsharded("a width of bins", z, axis)
    return [offset]


def _xla_widths(*operands: Array, axis: int, platform: str | None) -> list[Array]:
    *found, z = operands
    if 0 in z.shape:
        return [z]
    with jax.enable_x64(True):
        edges, d = BinEdges(*found), gaps(z, axis)
        # Where the elements lie, if components touch. Over a wide gap nothing flows: more would cost the digits of the others.
        steps = jnp.where(jnp.isinf(d), 0, jnp.minimum(d, WIDE))
        x = linear_scan(jnp.ones_like(steps), steps, axis)
        offset = jnp.where(edges.is_finite, jnp.clip(edges.precise_offset, -WIDE / 2, WIDE / 2), 0)
        anchor = gather(edges.anchor(z.shape[axis]), x, axis)
        width = (shifted(anchor, axis, -1) - anchor) + (shifted(offset, axis, -1) - offset)
        are_finite = edges.is_finite & shifted(edges.is_finite, axis, -1)
        return [jnp.where(are_finite, jnp.maximum(width, 0), jnp.inf).astype(z.dtype)]


_edge_widths = _define.define_constant("sortax_edge_widths", shape=_width_shape, xla=_xla_widths)
