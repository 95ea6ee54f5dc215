"""Elements in order on a line: what sums over them, with weights that fall off with distance, are computed from."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int, Shaped

from .. import _primitives as primitives
from .._keys import wide_float


class Line(eqx.Module):
    """The elements of `x` in order along an axis, segment by segment."""

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    values: Float[Array, "*shape"]
    """`x` in order, in 32 bits at least; negated where the order is descending."""
    gaps: Float[Array, "*shape"]
    """From the element before; infinite where nothing flows in from it: at the start of a segment, and between what is
    finite and what is not."""
    axis: int = eqx.field(static=True)
    """Counted from the end."""

    @property
    def cut(self) -> Bool[Array, "*shape"]:
        return jnp.isinf(self.gaps)

    @property
    def starts(self) -> Bool[Array, "*shape"]:
        """Where a run of equal elements starts."""
        return self.gaps != 0

    def scaled(self, rate: Float[Array, ""]) -> Float[Array, "*shape"]:
        """The gaps times a rate, as the primitives take them: a structure, without a derivative."""
        return lax.stop_gradient(jnp.where(self.starts, self.gaps * rate, 0))

    @property
    def finite_values(self) -> Float[Array, "*shape"]:
        """The values, with 0 for those that are not finite."""
        return jnp.where(jnp.isfinite(self.values), self.values, 0)

    def centre(self, rate: Float[Array, ""]) -> Float[Array, "*shape"]:
        """For each element a number to measure from: that of its component which is nearest to the middle of the row.

        Components end also at gaps so wide that nothing flows over them in double precision: an element is never measured from
        one that has no part in its sums, which could be larger by any factor. Without a derivative.
        """
        axis, values = self.axis % self.gaps.ndim, self.finite_values
        place = lax.broadcasted_iota(jnp.int32, values.shape, axis)
        middle = values.shape[axis] // 2
        first = self.cut | (self.gaps * rate > primitives.FAR)

        def carried(begins: Array, *, reverse: bool) -> Array:
            begins = begins | (place == middle)
            goes_on = (~(primitives.shifted(begins, axis, 1) if reverse else begins)).astype(values.dtype)
            return primitives.recurrence(goes_on, jnp.where(begins, values, 0), axis, reverse=reverse)

        forth, back = carried(first, reverse=False), carried(later(first, axis, True), reverse=True)
        # Placed on devices as the values are, which a choice between them must be.
        is_before = (place < middle) | jnp.zeros_like(first)
        return lax.stop_gradient(jnp.where(is_before, back, forth))

    def centred(self, in_order: Float[Array, "*shape"], centre: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Numbers of `x` in order minus the `centre`; 0 for those that are not finite."""
        finite = jnp.isfinite(self.values)
        return jnp.where(finite, jnp.where(finite, in_order, 0) - centre, 0)

    def cell(self, places: Int[Array, "*places"]) -> Int[Array, "*places"]:
        """Where the piece starts that each of these places is in, of which nothing flows into another."""
        axis = self.axis % self.gaps.ndim
        own = lax.broadcasted_iota(jnp.int32, self.gaps.shape, axis)
        return primitives.take(places, lax.cummax(jnp.where(self.cut, own, 0), axis), axis)


def line(x: Float[Array, "*shape"], axis: int, *, segments: Array | None, descending: bool, ties: str) -> Line:
    """Put `x` in order, exactly; `ties` says how the values of equal elements differentiate."""
    outputs = (primitives.VALUES, primitives.INDICES, primitives.INVERSE)
    s, indices, inverse = primitives.sort(x, axis, segments=segments, descending=descending, ties=ties, outputs=outputs)
    border = lax.broadcasted_iota(jnp.int32, x.shape, axis) == 0
    if segments is not None:
        border |= _changes(primitives.permute(indices, segments, axis), axis)
    s = s.astype(wide_float(x.dtype))
    s = -s if descending else s
    before = _earlier(s, axis)
    # Infinities of one sign are no distance apart, and NaNs neither; all else is infinitely far from them.
    same = (s == before) | (jnp.isnan(s) & jnp.isnan(before))
    apart = s - before
    gaps = jnp.where(border, jnp.inf, jnp.where(same, 0, jnp.where(jnp.isfinite(apart), apart, jnp.inf)))
    return Line(indices, inverse, s, lax.stop_gradient(gaps), axis - x.ndim)


def individually(on: Line, x: Float[Array, "*shape"], axis: int, *, descending: bool) -> Float[Array, "*shape"]:
    """The values of `on`, which differentiate each by itself, in elements that are equal as well."""
    in_order = primitives.permute(on.indices, x, axis).astype(on.values.dtype)
    return -in_order if descending else in_order


def with_columns(x: Shaped[Array, "*shape"], columns: int) -> Array:
    """Axes of length one for so many columns, at the end."""
    return x.reshape(*x.shape, *(1,) * columns)


def later(x: Shaped[Array, "*shape"], axis: int, fill: ArrayLike = 0) -> Shaped[Array, "*shape"]:
    """What stands one later, and `fill` after the last."""
    return primitives.shifted(x, axis, -1, fill)


def _earlier(x: Array, axis: int) -> Array:
    return primitives.shifted(x, axis, 1)


def _changes(x: Array, axis: int) -> Array:
    return x != _earlier(x, axis)
