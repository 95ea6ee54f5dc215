"""Relaxations by a sum of distribution functions, and their permutations."""

import abc
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Shaped

from .. import _primitives as primitives
from .._permutation import sorted_places
from ._exponentials import EXPONENTIAL
from ._kernel import Falloff, entropies
from ._line import Line, later, line, with_columns
from ._soft_permutation import AbstractSoftPermutation
from .base import AbstractPermutationRelaxation
from .soft import (
    AbstractSoftRelaxation,
    as_floats,
    check_soft_ranks,
    mask_by_place,
    or_nan,
    place_by_operator,
    reciprocal,
    sort_by_operator,
    wide,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution symmetric around zero, with its unit for one temperature."""

    tail: Callable[[DTypeLike], primitives.Terms]
    """What the distribution function lacks to one, as a sum of exponentials for numbers of that dtype."""
    centred: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]
    """The distribution function less one half."""
    log_below: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]
    """The logarithm of the distribution function."""
    log_between: Callable[..., Float[Array, "*shape"]]
    """(lower, upper, width) -> the logarithm of the probability between two finite points, that far apart."""
    deviation: float
    """The standard deviation."""


class AbstractCdfRelaxation(AbstractSoftRelaxation, AbstractPermutationRelaxation):
    """Each element counts as less than another by a degree, a distribution function of their difference."""

    @property
    @abc.abstractmethod
    def distribution(self) -> Distribution:
        """What the degree is a probability of, in temperatures."""

    def log_neighbours(self, x: Array, axis: int) -> Array:
        # The tail of Laplace's distribution is also its density: that of the same deviation stands for all.
        dtype = wide(x).dtype
        rate = _rate(self, dtype) * (2**0.5 / self.distribution.deviation)
        return entropies(x, Falloff(rate, 1, EXPONENTIAL), axis)

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


def _rate(relax: AbstractCdfRelaxation, dtype: DTypeLike) -> Float[Array, ""]:
    return reciprocal(relax.temperature.astype(dtype))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _rank(relax: AbstractCdfRelaxation, x: Array, segments: Array | None, axis: int, descending: bool) -> Array:
    on = line(x, axis, segments=segments, descending=descending, ties="stable")
    rate, terms = _rate(relax, x.dtype), relax.distribution.tail(x.dtype)
    z, at = on.scaled(rate), on.centred(on.values, on.centre(rate)) * rate
    # How much less elements count below than exactly, and above; what is level with an element counts one half.
    missing = primitives.flow(z, at, at, jnp.ones_like(z), axis, terms=terms, odd=True)
    exact = primitives.average(on.starts, primitives.places(x.shape, axis, segments).astype(x.dtype), axis)
    return or_nan(relax.temperature, primitives.permute(on.indices, exact - missing, axis, transpose=True))


@functools.partial(jax.jit, static_argnums=3)
def _mask(relax: AbstractCdfRelaxation, x: Array, k: Array, axis: int) -> Array:
    n = x.shape[axis]
    wanted = n - jnp.broadcast_to(k, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    if n == 0:
        return x
    fixed, rate = lax.stop_gradient((x, _rate(relax, x.dtype)))
    on = line(fixed, axis, segments=None, descending=False, ties="stable")
    at = primitives.borders(on.scaled(rate), wanted, axis, terms=relax.distribution.tail(x.dtype))
    anchor = primitives.take(at.anchor(n), on.values, axis)
    finite = jnp.isfinite(x)
    # Between what is finite and what is not nothing is soft.
    is_soft = finite & at.there
    anchor = jnp.where(jnp.isfinite(anchor), anchor, 0)
    offset = _threshold(x, relax, jnp.where(at.there, at.offset, 0), anchor, axis)
    z = (jnp.where(finite, x, 0) - anchor) * _rate(relax, x.dtype) - offset
    hard = (on.inverse >= wanted).astype(x.dtype)
    return or_nan(relax.temperature, jnp.where(is_soft, 0.5 + relax.distribution.centred(z), hard))


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
        z = (anchor - jnp.where(finite, x, 0)) * _rate(relax, x.dtype) + b
        return jnp.sum(jnp.where(finite, relax.distribution.centred(z), 0), axis, keepdims=True)

    _, moved = jax.jvp(lambda x, relax: count(x, relax, here), (x, relax), tangents[:2])
    _, density = jax.jvp(lambda b: count(x, relax, b), (here,), (jnp.ones_like(here),))
    empty = density <= jnp.finfo(density.dtype).tiny
    return here, jnp.where(empty, 0, -moved / jnp.where(empty, 1, density))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _border_offset(axis: int, distribution: Distribution, at: primitives.Borders, z: Array, columns: Array) -> Array:
    """How far the borders are from the elements that they are measured from: they move so that as much stays below them."""
    return jnp.where(at.there, at.offset, 0)


@_border_offset.defjvp
def _border_offset_jvp(axis: int, distribution: Distribution, primals: Any, tangents: Any) -> Any:
    at, z, columns = primals
    offset = _border_offset(axis, distribution, *primals)
    anchor = at.anchor(z.shape[axis])
    rows = primitives.take(anchor, columns, axis) + offset
    sums = functools.partial(
        primitives.parted,
        at,
        z,
        rows,
        columns,
        axis=axis,
        terms=distribution.tail(columns.dtype),
        centred=distribution.centred,
        slope=1,
        normalised=True,
    )
    density, moved = sums(jnp.ones_like(columns)), sums(tangents[2])
    # A border at infinity moves nothing.
    flat = density <= jnp.finfo(density.dtype).tiny
    return offset, jnp.where(flat, 0, moved / jnp.where(flat, 1, density) - primitives.take(anchor, tangents[2], axis))


class CdfPermutation(AbstractSoftPermutation):
    """A soft permutation: row i has of each element what lies between the borders of place i. Rows and columns sum to one.

    `indices` and `inverse` are those of the stable sort.
    """

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    relax: AbstractCdfRelaxation
    line: Line
    z: Float[Array, "*shape"]
    """The gaps of the line, in temperatures."""
    at: primitives.Borders
    """The lower border of each place."""
    centre: Float[Array, "*shape"]
    columns: Float[Array, "*shape"]
    """Where the elements stand, in temperatures from the centre, and"""
    offset: Float[Array, "*shape"]
    """how far each border is from the element that it is measured from."""
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def in_order(self) -> Array:
        return self.line.values

    @property
    def T(self) -> "CdfPermutation":
        return dataclasses.replace(self, indices=self.inverse, inverse=self.indices, transposed=not self.transposed)

    def _product(self, v: Array, columns: int, into: int | None) -> Array:
        axis, of = self.axis % self.z.ndim, self.relax.distribution
        rows = primitives.take(self.at.anchor(self.z.shape[axis]), self.columns, axis) + self.offset
        at, z, rows, stand = jax.tree.map(lambda x: with_columns(x, columns), (self.at, self.z, rows, self.columns))
        y = primitives.parted(at, z, rows, stand, v, axis, terms=of.tail(self.columns.dtype), centred=of.centred, into=into)
        return or_nan(self.relax.temperature, y)

    def mix(self, v: Array, columns: int) -> Array:
        return self._product(v, columns, None)

    def spread(self, w: Array, columns: int) -> Array:
        return self._product(w, columns, self.z.shape[self.axis])

    def _log_entries(self, columns: Array, axis: int) -> Array:
        row, element = sorted_places(self, columns, axis, self.transposed)
        x, anchor = self.line.finite_values, self.at.anchor(columns.shape[axis])
        rate = _rate(self.relax, x.dtype)
        together = self.line.cell(row) == self.line.cell(element)
        of_element = primitives.take(element, x, axis)

        def from_element(value: Array, offset: Array, there: Array) -> tuple[Array, Array]:
            value, offset, there = (primitives.take(row, y, axis) for y in (value, offset, there))
            there &= together
            return jnp.where(there, jnp.where(there, value - of_element, 0) * rate + offset, 0), there

        border = primitives.take(anchor, x, axis), self.offset, self.at.there
        lower, has_lower = from_element(*border)
        upper, has_upper = from_element(*(later(y, axis) for y in border))
        both = has_lower & has_upper
        # The difference of two borders has the derivative; the width found with them has more digits.
        exact = primitives.take(row, self.at.width, axis)
        width = jnp.where(both, exact + ((upper - lower) - lax.stop_gradient(upper - lower)), 1)
        of = self.relax.distribution
        below, above = jnp.where(has_upper, of.log_below(upper), 0), of.log_below(-lower)
        log = jnp.where(both, of.log_between(lower, upper, width), jnp.where(has_lower, above, below))
        return or_nan(self.relax.temperature, jnp.where(together, log, -jnp.inf))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _permutation(
    relax: AbstractCdfRelaxation, x: Array, segments: Array | None, axis: int, descending: bool
) -> CdfPermutation:
    on = line(x, axis, segments=segments, descending=descending, ties="stable")
    dtype = on.values.dtype
    rate = _rate(relax, dtype)
    z, centre = on.scaled(rate), on.centre(rate)
    columns = on.centred(on.values, centre) * rate
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    at = primitives.borders(z, places, axis, terms=relax.distribution.tail(dtype))
    offset = _border_offset(axis, relax.distribution, at, z, columns) + _across(at, z, centre, rate, axis)
    return CdfPermutation(on.indices, on.inverse, on.axis, relax, on, z, at, centre, columns, offset)


def _across(at: primitives.Borders, z: Array, centre: Array, rate: Array, axis: int) -> Array:
    """0, with the derivative in the rate that a border has between two elements that are not measured from one centre.

    It is in the middle of so wide a gap, where what has come from each side is the same.
    """
    n = centre.shape[axis]
    left, right = (jnp.clip(at.below + i, 0, max(n - 1, 0)) for i in (-1, 0))
    between = at.there & (at.below < n) & jnp.isfinite(primitives.take(right, z, axis))
    half = jnp.where(between, (primitives.take(right, centre, axis) - primitives.take(left, centre, axis)) / 2, 0)
    return jnp.where(at.offset < 0, -half, half) * (rate - lax.stop_gradient(rate))
