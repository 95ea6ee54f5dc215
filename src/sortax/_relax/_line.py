"""Elements in order on a line, and sums over them whose weights fall off exponentially with distance.

In order, exp(-|x_i - x_j|) is the product of what each gap between i and j leaves of one, so a sum over all j is two linear
recurrences, one from each end: O(n), unconditionally stable, and exact.
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Inexact, Int, Shaped

from .. import _primitives as primitives
from .._keys import wide_float

# Of one, nothing is left after so many temperatures, in double precision.
_FAR = 750.0


class Line(eqx.Module):
    """The elements of `x` in order along an axis, segment by segment."""

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    values: Float[Array, "*shape"]
    """`x` in order, in 32 bits at least; negated where the order is descending."""
    gaps: Float[Array, "*shape"]
    """From the element before; 0 where nothing flows."""
    cut: Bool[Array, "*shape"]
    """Where nothing flows in from before: at the start of a segment, and between what is finite and what is not."""
    starts: Bool[Array, "*shape"]
    """Where a run of equal elements starts."""
    axis: int = eqx.field(static=True)
    """Counted from the end."""

    def decay(self, rates: Inexact[Array, " rates"]) -> Inexact[Array, "*shape rates"]:
        """What is left of one after each gap, at each rate."""
        # Nothing is multiplied that would overflow: the derivative in the rate would not be a number.
        far = self.cut | (self.gaps * jnp.max(jnp.real(rates)) > _FAR)
        gaps = jnp.where(far, 0, self.gaps)
        return jnp.where(far[..., None], 0, jnp.exp(-at_rates(gaps, rates)))

    def cell(self, places: Int[Array, "*places"]) -> Int[Array, "*places"]:
        """Where the piece starts that each of these places is in, of which nothing flows into another."""
        axis = self.axis % self.cut.ndim
        own = lax.broadcasted_iota(jnp.int32, self.cut.shape, axis)
        if places.shape[axis] == 1:
            return jnp.max(jnp.where(self.cut & (own <= places), own, 0), axis, keepdims=True)
        return primitives.take(places, lax.cummax(jnp.where(self.cut, own, 0), axis), axis)

    def before(self, v: Inexact[Array, "*shape_and_rates"], decay: Array) -> Array:
        r"""$\sum_{j < i} e^{-r d_{ij}} v_j$ at distances d, for `v` in order with the rates on its last axis."""
        axis = self.axis % self.values.ndim
        return primitives.inflow(decay, primitives.recurrence(decay, v, axis), axis)

    def after(self, v: Inexact[Array, "*shape_and_rates"], decay: Array) -> Array:
        r"""$\sum_{j > i} e^{-r d_{ij}} v_j$ likewise."""
        axis = self.axis % self.values.ndim
        return primitives.inflow(decay, primitives.recurrence(decay, v, axis, reverse=True), axis, reverse=True)


def line(x: Float[Array, "*shape"], axis: int, *, segments: Array | None, descending: bool, ties: str) -> Line:
    """Put `x` in order, exactly; `ties` says how the values of equal elements differentiate."""
    outputs = (primitives.VALUES, primitives.INDICES, primitives.INVERSE)
    s, indices, inverse = primitives.sort(x, axis, segments=segments, descending=descending, ties=ties, outputs=outputs)
    border = lax.broadcasted_iota(jnp.int32, x.shape, axis) == 0
    if segments is not None:
        border |= _changes(primitives.permute(indices, segments, axis), axis)
    starts = border | (_changes(s, axis) & ~(jnp.isnan(s) & jnp.isnan(_earlier(s, axis))))
    s = s.astype(wide_float(x.dtype))
    s = -s if descending else s
    gaps = s - _earlier(s, axis)
    # Infinities of one sign are no distance apart, and NaNs neither; all else is infinitely far from them.
    cut = border | (starts & ~jnp.isfinite(gaps))
    gaps = jnp.where(cut | ~jnp.isfinite(gaps), 0, gaps)
    return Line(indices, inverse, s, gaps, cut, starts, axis - x.ndim)


def at_rates(x: Float[Array, "*shape"], rates: Inexact[Array, " rates"]) -> Inexact[Array, "*shape rates"]:
    """`x` times each rate."""
    return x[..., None].astype(rates.dtype) * rates.reshape((1,) * x.ndim + (-1,))


def total(x: Inexact[Array, "*shape rates"], weights: Inexact[Array, " rates"]) -> Float[Array, "*shape"]:
    """The sum over the rates with these weights, of which the real part counts."""
    return jnp.real(jnp.sum(x * weights.reshape((1,) * (x.ndim - 1) + (-1,)), -1))


def later(x: Shaped[Array, "*shape"], axis: int, fill: ArrayLike = 0) -> Shaped[Array, "*shape"]:
    """What stands one later, and `fill` after the last."""
    return primitives.shifted(x, axis, -1, fill)


def _earlier(x: Array, axis: int) -> Array:
    return primitives.shifted(x, axis, 1)


def _changes(x: Array, axis: int) -> Array:
    return x != _earlier(x, axis)
