"""Relaxations by a sum of distribution functions, and their permutations."""

import abc
import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact, Int, Shaped

from .. import _primitives as primitives
from .._keys import wide_float
from .._permutation import AbstractPermutation, sorted_places
from ._borders import Borders, Tail, borders, flows, upper_places
from ._exponentials import exponential
from ._kernel import Falloff, entropies
from ._line import Line, at_rates, later, line, total
from .base import AbstractPermutationRelaxation
from .soft import (
    AbstractSoftRelaxation,
    as_floats,
    check_soft_ranks,
    mask_by_place,
    place_by_operator,
    reciprocal,
    sort_by_operator,
    wide,
)


class AbstractCdfRelaxation(AbstractSoftRelaxation, AbstractPermutationRelaxation):
    r"""Each element counts as less than another by a degree, a distribution function of their difference.

    A subclass gives that function, less one half, and what it lacks to one, as a sum of exponentials.
    """

    @abc.abstractmethod
    def centred(self, z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The distribution function less one half, at z temperatures."""

    @abc.abstractmethod
    def log_between(
        self, lower: Float[Array, "*shape"], upper: Float[Array, "*shape"], width: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """The logarithm of the probability between two finite points, `width` temperatures apart."""

    @abc.abstractmethod
    def log_below(self, z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The logarithm of the distribution function."""

    @abc.abstractmethod
    def exponentials(self, dtype: Any) -> tuple[Inexact[Array, " rates"], Inexact[Array, " rates"]]:
        """The b and a of the tail, the real part of a sum of a exp(-b z) for z >= 0."""

    @property
    @abc.abstractmethod
    def deviation(self) -> float:
        """The standard deviation of the distribution, in temperatures."""

    def log_neighbours(self, x: Array, axis: int) -> Array:
        # The tail of Laplace's distribution is also its density: that of the same deviation stands for all.
        dtype = wide(x).dtype
        rate = reciprocal(self.temperature.astype(dtype)) * (2**0.5 / self.deviation)
        return entropies(x, Falloff(rate, 1, exponential(dtype)), axis)

    def sort(self, x: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return sort_by_operator(_permutation, self, as_floats(self, x), segments, axis, descending)

    def place(self, x: Array, w: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return place_by_operator(_permutation, self, wide(x), w, segments, axis, descending)

    def rank(self, x: Array, axis: int, *, method: str, descending: bool = False, segments: Array | None = None) -> Array:
        check_soft_ranks(self, method)
        return _rank(self, wide(x), segments, axis, descending)

    def mask(self, x: Array, k: Array, axis: int, *, segments: Array | None = None) -> Array:
        if segments is not None:
            return mask_by_place(self, x, k, axis, segments=segments)
        return _mask(self, wide(x), k, axis)

    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> "CdfPermutation":
        *groups, x = keys
        segments = primitives.group_ids(groups, axis, descending=descending) if groups else None
        return _permutation(self, as_floats(self, x), segments, axis, descending)


def _tail(relax: AbstractCdfRelaxation, dtype: Any) -> Tail:
    rates, weights = relax.exponentials(dtype)
    return Tail(rates * reciprocal(relax.temperature.astype(dtype)).astype(rates.dtype), weights)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _rank(relax: AbstractCdfRelaxation, x: Array, segments: Array | None, axis: int, descending: bool) -> Array:
    on = line(x, axis, segments=segments, descending=descending, ties="stable")
    level = flows(on, _tail(relax, x.dtype)).level
    ranks = primitives.places(x.shape, axis, segments).astype(x.dtype) + level
    return primitives.permute(on.indices, ranks, axis, transpose=True)


@functools.partial(jax.jit, static_argnums=3)
def _mask(relax: AbstractCdfRelaxation, x: Array, k: Array, axis: int) -> Array:
    n = x.shape[axis]
    wanted = n - jnp.broadcast_to(k, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    if n == 0:
        return x
    fixed, tail = lax.stop_gradient((x, _tail(relax, x.dtype)))
    on = line(fixed, axis, segments=None, descending=False, ties="stable")
    f = flows(on, tail)
    below = jnp.sum(upper_places(on, f) <= wanted, axis, keepdims=True, dtype=jnp.int32)
    b = borders(on, f, tail, wanted, below)
    anchor = primitives.take(b.anchor, on.values, axis)
    offset = _threshold(x, relax, b.offset, anchor, axis)
    soft = 0.5 + relax.centred(((x - anchor) - offset) * reciprocal(relax.temperature.astype(x.dtype)))
    # Between what is finite and what is not nothing is soft.
    parted = (wanted <= 0) | (wanted >= n) | primitives.take(jnp.clip(wanted, 0, n - 1), on.cut, axis)
    return jnp.where(parted | ~jnp.isfinite(x), (on.inverse >= wanted).astype(x.dtype), soft)


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def _threshold(x: Array, relax: AbstractCdfRelaxation, offset: Array, anchor: Array, axis: int) -> Array:
    """`offset`, which differentiates so that the sum of distribution functions at the threshold stays what it is."""
    return offset


@_threshold.defjvp
def _threshold_jvp(axis: int, primals: Any, tangents: Any) -> Any:
    x, relax, offset, anchor = primals
    here = _threshold(x, relax, offset, anchor, axis)
    finite = jnp.isfinite(x)

    def count(x: Array, relax: Any, b: Array) -> Array:
        z = ((anchor - jnp.where(finite, x, 0)) + b) * reciprocal(relax.temperature.astype(x.dtype))
        return jnp.sum(jnp.where(finite, relax.centred(z), 0), axis, keepdims=True)

    _, moved = jax.jvp(lambda x, relax: count(x, relax, here), (x, relax), tangents[:2])
    _, density = jax.jvp(lambda b: count(x, relax, b), (here,), (jnp.ones_like(here),))
    empty = density <= jnp.finfo(density.dtype).tiny
    return here, jnp.where(empty, 0, -moved / jnp.where(empty, 1, density))


class CdfPermutation(AbstractPermutation):
    """A soft permutation: row i has of each element what lies between the borders of place i. Rows and columns sum to one.

    `indices` and `inverse` are those of the stable sort.
    """

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    relax: AbstractCdfRelaxation
    line: Line
    tail: Tail
    borders: Borders
    position: Float[Array, "*shape"]
    """The element that the lower border of each place is measured from."""
    width: Float[Array, "*shape"]
    """Of each place; 0 where it reaches to infinity."""
    from_left: Inexact[Array, "*shape rates"]
    to_right: Inexact[Array, "*shape rates"]
    """What is left of one at the lower border of each place, from its neighbours; 0 where there are none."""
    passed: Inexact[Array, "*shape rates"]
    """What of one is lost within each place."""
    row: Int[Array, "*shape"]
    """The place in which each element lies, and"""
    share: Float[Array, "*shape"]
    """how much of it."""
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def T(self) -> "CdfPermutation":
        return dataclasses.replace(self, indices=self.inverse, inverse=self.indices, transposed=not self.transposed)

    def _apply(self, v: Array, axis: int, columns: int) -> Array:
        if jnp.issubdtype(v.dtype, jnp.complexfloating):
            return lax.complex(self._apply(v.real, axis, columns), self._apply(v.imag, axis, columns))
        if not jnp.issubdtype(v.dtype, jnp.floating):
            raise TypeError(f"a soft permutation mixes values, which {v.dtype} cannot hold; pass floats.")
        dtype = jnp.promote_types(self.share.dtype, wide_float(v.dtype))
        product = functools.partial(self._rows, axis=axis, columns=columns)
        if self.transposed:
            transpose = jax.linear_transpose(product, jax.ShapeDtypeStruct(v.shape, dtype))
            return transpose(v.astype(dtype))[0].astype(v.dtype)
        return product(v.astype(dtype)).astype(v.dtype)

    def _log_entries(self, columns: Array, axis: int) -> Array:
        row, element = sorted_places(self, columns, axis, self.transposed)
        rate = reciprocal(self.relax.temperature.astype(self.share.dtype))
        x = primitives.take(element, jnp.where(jnp.isfinite(self.line.values), self.line.values, 0), axis)
        is_border = ~self.line.cut
        has_lower, has_upper = (primitives.take(row, there, axis) for there in (is_border, later(is_border, axis)))

        def from_element(position: Array, offset: Array, there: Array) -> Array:
            distance = (primitives.take(row, position, axis) - x) + primitives.take(row, offset, axis)
            return jnp.where(there, distance, 0) * rate

        lower = from_element(self.position, self.borders.offset, has_lower)
        upper = from_element(later(self.position, axis), later(self.borders.offset, axis), has_upper)
        both = has_lower & has_upper
        width = jnp.where(both, primitives.take(row, self.width, axis) * rate, 1)
        below, above = jnp.where(has_upper, self.relax.log_below(upper), 0), self.relax.log_below(-lower)
        aside = jnp.where(has_lower, above, below)
        log = jnp.where(both, self.relax.log_between(lower, upper, width), aside)
        return jnp.where(self.line.cell(row) == self.line.cell(element), log, -jnp.inf)

    def _rows(self, v: Array, axis: int, columns: int) -> Array:
        def wide_as(x: Array) -> Array:
            return x.reshape(*self.row.shape, *(1,) * columns, *x.shape[self.row.ndim :])

        v = primitives.permute(wide_as(self.line.indices), v, axis)
        decay = wide_as(self.line.decay(self.tail.rates))
        sources = jnp.broadcast_to(v[..., None], (*v.shape, decay.shape[-1])).astype(decay.dtype)
        up_to, from_on = self.line.before(sources, decay) + sources, self.line.after(sources, decay) + sources

        def at(index: Array, x: Array) -> Array:
            return primitives.take(wide_as(index)[..., None], x, axis)

        below = at(self.borders.left, up_to) * wide_as(self.from_left)
        above = at(self.borders.right, from_on) * wide_as(self.to_right)
        outside = total((below + later(above, axis)) * wide_as(self.passed), self.tail.weights)
        inside = primitives.take(wide_as(self.row), v * wide_as(self.share).astype(v.dtype), axis, into=v.shape[axis])
        return inside + outside.astype(v.dtype)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _permutation(
    relax: AbstractCdfRelaxation, x: Array, segments: Array | None, axis: int, descending: bool
) -> CdfPermutation:
    on = line(x, axis, segments=segments, descending=descending, ties="stable")
    dtype = on.values.dtype
    tail = _tail(relax, dtype)
    f = flows(on, tail)
    n = x.shape[axis]
    place = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    upper = upper_places(on, f)
    # How many elements lie below each border.
    counts = primitives.take(upper, jnp.ones_like(upper), axis, into=n + 1)
    below = lax.slice_in_dim(jnp.cumsum(counts, axis, dtype=jnp.int32), 0, n, axis=axis)
    b = borders(on, f, tail, place, below)
    is_border, is_next = ~on.cut, later(~on.cut, axis)

    def reached(distance: Array, there: Array) -> Array:
        return jnp.where((there & is_border)[..., None], jnp.exp(-at_rates(distance, tail.rates)), 0)

    # Distances are only taken inside a cell, and those of infinities have none.
    values = jnp.where(jnp.isfinite(on.values), on.values, 0)
    position = primitives.take(b.anchor, values, axis)
    both = is_border & is_next
    width = jnp.where(both, (later(position, axis) - position) + (later(b.offset, axis) - b.offset), 0)
    passed = jnp.where(both[..., None], -jnp.expm1(-at_rates(jnp.maximum(width, 0), tail.rates)), 1)
    t = reciprocal(relax.temperature.astype(dtype))

    def share(border: Array) -> Array:
        """What lies below a border, less one half, of each element; all of it where the border is at infinity."""
        inside = jnp.clip(border, 0, n - 1)
        there = (border < n) & primitives.take(inside, is_border, axis)
        distance = (primitives.take(inside, position, axis) - values) + primitives.take(inside, b.offset, axis)
        return jnp.where(there, relax.centred(jnp.where(there, distance, 0) * t), jnp.where(border < upper, -0.5, 0.5))

    return CdfPermutation(
        on.indices,
        on.inverse,
        on.axis,
        relax,
        on,
        tail,
        b,
        position,
        width,
        from_left=reached(b.from_left, b.has_left),
        to_right=reached(b.to_right, b.has_right),
        passed=passed,
        row=upper - 1,
        share=share(upper) - share(upper - 1),
    )
