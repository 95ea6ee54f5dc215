"""The borders primitive: where the places of a sorted array part, when each element counts as less than b by a degree.

F(b), the sum of C(b - x_j) over all elements for the distribution function C of a symmetric variable, is monotone; place i of
the sorted array reaches from F(b) = i to F(b) = i + 1. Between two neighbouring elements F is a whole number and two
sums of exponentials, one from each side, so that each border is found by itself. A structure, and so without a derivative.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .. import _jax, _native
from . import _define, _sharding
from ._arrivals import arrivals, gaps
from ._terms import FAR, Terms, as_attribute, fallen, rates_and_weights, total
from .recurrence import recurrence, shifted
from .take import take

WIDE = 4 * FAR
"""Of wider gaps only that they are wide counts, on either side of a border in between: they would take the digits of the rest."""


class Borders(NamedTuple):
    """Borders, each between two neighbours in order, of which one may be missing at an end."""

    below: Int[Array, "*borders"]
    """How many elements of the axis come before it."""
    offset: Float[Array, "*borders"]
    rest: Float[Array, "*borders"]
    """How far it lies above the element before it or, negative, below the one after it, whichever is nearer: rounded, and what
    that leaves. Infinite where the border is at infinity, as at the start of what flows by itself."""
    width: Float[Array, "*borders"]
    """How far the next border is; infinite where that one or this one is at infinity."""

    @property
    def there(self) -> Bool[Array, "*borders"]:
        """Whether it is at a finite place."""
        return jnp.isfinite(self.offset)

    def distances(self, gap: Float[Array, "*borders"]) -> tuple[Array, Array]:
        """From the elements before and after it, that are `gap` apart, in double precision; infinite where there is none."""
        offset = jnp.where(self.there, self.offset.astype(jnp.float64) + self.rest.astype(jnp.float64), 0)
        other = jnp.maximum(gap - jnp.abs(offset), 0)
        before, after = jnp.where(offset >= 0, offset, other), jnp.where(offset >= 0, other, -offset)
        return jnp.where(self.there, before, jnp.inf), jnp.where(self.there, after, jnp.inf)

    def near_offset(self) -> Float[Array, "*borders"]:
        """The offset in double precision, in the measure of `positions`; infinite where the border is at infinity."""
        offset = self.offset.astype(jnp.float64) + self.rest.astype(jnp.float64)
        return jnp.where(self.there, jnp.clip(offset, -WIDE / 2, WIDE / 2), jnp.inf)

    def anchor(self, n: int) -> Int[Array, "*borders"]:
        """The element that `offset` is measured from."""
        return jnp.clip(jnp.where(self.offset < 0, self.below, self.below - 1), 0, max(n - 1, 0))


def borders(z: Float[Array, "*shape"], wanted: Int[Array, "*borders"], axis: int, *, terms: Terms) -> Borders:
    r"""Where places begin: of one number along `axis` that of place `wanted`, of as many as elements those of all in order.

    `z` has the distances between neighbours as in `flow`; `terms` are what C lacks to one.
    """
    return Borders(*borders_p.bind(*_sharding.align(wanted, z), axis=axis, terms=terms))


def positions(d: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """Where the elements lie on the line, if what does not flow has no extent, and a wide gap is one of `WIDE`."""
    steps = jnp.where(jnp.isinf(d), 0, jnp.minimum(d, WIDE))
    return recurrence(jnp.ones_like(steps), steps, axis)


def cells(d: Float[Array, "*shape"], axis: int) -> Int[Array, "*shape"]:
    """For each element where the piece starts that flows by itself."""
    place = lax.broadcasted_iota(jnp.int32, d.shape, axis)
    return lax.cummax(jnp.where(jnp.isinf(d), place, 0), axis)


def _shape(wanted: Any, z: Any, *, axis: int, terms: Terms) -> list[Any]:
    _sharding.require_unsharded("borders", z, axis)
    numbers = z.update(shape=wanted.shape, weak_type=False)
    return [numbers.update(dtype=jnp.dtype(jnp.int32)), numbers, numbers, numbers]


def _native_lowering(ctx: Any, wanted: Any, z: Any, *, axis: int, terms: Terms) -> Any:
    aval = ctx.avals_in[1]
    if aval.dtype.name not in ("float32", "float64") or 0 in aval.shape:
        return None
    return _native.lower(ctx, "inverse_cdf", wanted, z, axis=axis, terms=as_attribute(terms))


def _xla(wanted: Array, z: Array, *, axis: int, terms: Terms, platform: str | None) -> list[Array]:
    n = z.shape[axis]
    if 0 in z.shape:
        infinite = jnp.full(wanted.shape, jnp.inf, z.dtype)
        return [jnp.zeros(wanted.shape, jnp.int32), infinite, jnp.zeros_like(infinite), infinite]
    with jax.enable_x64(True):
        d = gaps(z, axis)
        before, after = arrivals(d, jnp.ones_like(d), axis, lambda arrived: arrived, terms=terms, platform=platform)
        _, weights = rates_and_weights(terms)
        place = lax.broadcasted_iota(jnp.int32, z.shape, axis)
        # F at an element, and so the first border that does not lie below it.
        level = total(after, weights) - total(before, weights) + 0.5
        upper = jnp.clip(place + jnp.ceil(level).astype(jnp.int32), 0, n)
        if wanted.shape[axis] == 1:
            below = jnp.sum(upper <= wanted, axis, keepdims=True, dtype=jnp.int32)
        else:
            counts = take(upper, jnp.ones_like(upper), axis, into=n + 1)
            below = lax.slice_in_dim(jnp.cumsum(counts, axis, dtype=jnp.int32), 0, n, axis=axis)
        cell = cells(d, axis)
        own = take(jnp.clip(wanted, 0, n - 1), cell, axis)
        left, right = jnp.clip(below - 1, 0, n - 1), jnp.clip(below, 0, n - 1)
        # The border of a cell is at infinity: it is none.
        there = (wanted > own) & (wanted < n)
        has_left, has_right = there & (below - 1 >= own), there & (below < n) & (take(right, cell, axis) == own)
        gap = take(right, d, axis)
        sums = take(left[..., None], before, axis) + 1, take(right[..., None], after, axis) + 1
        rest = jnp.where(there, wanted - below, 1).astype(jnp.float64)
        steps = 24 if z.dtype == jnp.float32 else 40
        offset = _solve(*sums, jnp.where(jnp.isinf(gap), 0, gap), terms, rest, has_left, has_right, steps)
        # From the nearer neighbour: what is next to an element keeps its digits.
        to_right = jnp.where(has_left, gap - offset, -offset)
        from_right = has_right & ((to_right < offset) | ~has_left) & (to_right > 0)
        offset = jnp.where(from_right, -to_right, jnp.where(has_left, offset, 0))
        offset = jnp.where(there, offset, 0)
        rounded = offset.astype(z.dtype)
        rest = (offset - rounded.astype(jnp.float64)).astype(z.dtype)
        found = Borders(below, jnp.where(there, rounded, jnp.inf), rest, jnp.zeros_like(rounded))
        return [*found[:-1], _widths(found, d, axis).astype(z.dtype)]


def _widths(found: Borders, d: Array, axis: int) -> Array:
    x = take(found.anchor(d.shape[axis]), positions(d, axis), axis)
    there, offset = found.there, jnp.where(found.there, found.near_offset(), 0)
    width = (shifted(x, axis, -1) - x) + (shifted(offset, axis, -1) - offset)
    return jnp.where(there & shifted(there, axis, -1), jnp.maximum(width, 0), jnp.inf)


def _solve(
    before: Array, after: Array, gap: Array, terms: Terms, rest: Array, has_left: Array, has_right: Array, steps: int
) -> Array:
    """How far above its left neighbour, or if there is none its right one, F less the number of elements below is `rest`."""
    (slowest, weight), *others = terms
    found = _of_one_exponential(
        jnp.real(before[..., 0]), jnp.real(after[..., 0]), gap, slowest.real, weight.real, rest, has_left, has_right
    )
    # Where one side is missing, one exponential bounds how far out the border is.
    reach = jnp.where(has_left & has_right, gap, jnp.abs(found) + 1 / slowest.real)
    low, high = jnp.where(has_left, 0, -reach), jnp.where(has_left, reach, 0)
    found = jnp.clip(found, low, high)
    if not others:
        return found
    rates, weights = rates_and_weights(terms)

    def level(offset: Array) -> tuple[Array, Array]:
        left = jnp.where(has_left, offset, 0)
        right = jnp.where(has_right, jnp.where(has_left, gap - offset, -offset), 0)
        below = jnp.where(has_left[..., None], before * fallen(left, terms), 0)
        above = jnp.where(has_right[..., None], after * fallen(right, terms), 0)
        return total(above - below, weights), total(above + below, weights * rates)

    def refine(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        # A step of Newton's method, or of bisection where that leaves the bracket. Where F is flat all of it is as good.
        y, low, high = state
        here, slope = level(y)
        low, high = jnp.where(here < rest, y, low), jnp.where(here > rest, y, high)
        flat = slope <= jnp.finfo(slope.dtype).tiny
        newton = jnp.where(flat, y, y - (here - rest) / jnp.where(flat, 1, slope))
        return jnp.where((newton >= low) & (newton <= high), newton, low + (high - low) / 2), low, high

    # As many steps for all: to ask whether all have arrived would take a sum over devices.
    return lax.fori_loop(0, steps, refine, (found, low, high))[0]


def _of_one_exponential(
    before: Array, after: Array, gap: Array, rate: float, weight: float, rest: Array, has_left: Array, has_right: Array
) -> Array:
    """W (after exp(-r (gap - y)) - before exp(-r y)) = rest is one hyperbolic sine around where the two sides are level."""
    alone_left = jnp.log(weight * before / jnp.maximum(-rest, 0)) / rate
    alone_right = -jnp.log(weight * after / jnp.maximum(rest, 0)) / rate
    # sinh(h) = |rest| / x, of which x may underflow: its logarithm does not.
    log_x = jnp.log(2 * weight) + 0.5 * (jnp.log(before) + jnp.log(after)) - gap * rate / 2
    x = jnp.exp(log_x)
    h = jnp.where(rest == 0, 0, jnp.log(jnp.abs(rest) + jnp.sqrt(rest * rest + x * x)) - log_x)
    between = gap / 2 + (0.5 * (jnp.log(before) - jnp.log(after)) + jnp.sign(rest) * h) / rate
    return jnp.where(has_left & has_right, between, jnp.where(has_left, alone_left, alone_right))


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    found = borders_p.bind(*primals, **params)
    return found, [_jax.zero_tangent(x) for x in found]


def _batch(operands: Any, dims: Any, *, axis: int, terms: Terms) -> Any:
    found = borders_p.bind(*_sharding.align(*_define.batched_at(0, operands, dims)), axis=axis + 1, terms=terms)
    return found, [0] * len(found)


borders_p = _define.define("sortax_borders", shape=_shape, xla=_xla, native=_native_lowering)
_jax.set_rules(borders_p, jvp=_jvp, batch=_batch)
