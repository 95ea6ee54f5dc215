"""Relaxations by a sum of distribution functions: each element counts as less than another by a degree."""

import abc
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from .. import _primitives as primitives
from .._order import SortedOrder
from .._permutation import AbstractMatrix
from .base import in_floats, weighted_positions
from .exponentials import EXPONENTIAL
from .kernel import Kernel, entropies, scaled_gaps
from .soft import AbstractMatrixRelaxation


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution symmetric around zero, with its unit for one temperature."""

    tail: Callable[[DTypeLike], primitives.ExponentialSum]
    """One minus the distribution function, as a sum of exponentials for numbers of that dtype."""
    centred: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]
    """The distribution function minus one half."""
    log_below: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]
    """The logarithm of the distribution function."""
    log_between: Callable[..., Float[Array, "*shape"]]
    """(lower, upper, width) -> the logarithm of the probability between two finite points, that far apart."""
    deviation: float
    """The standard deviation."""

    def masses(self, edges: primitives.BinEdges, z: Array, columns: Array, v: Array, **options: Any) -> Array:
        """The mass in each bin, of elements that each have `v`, as `bin_masses` sums it up."""
        return primitives.bin_masses(edges, z, columns, v, terms=self.tail(columns.dtype), **options)


class AbstractCdfRelaxation(AbstractMatrixRelaxation):
    """Each element counts as less than another by a degree, a distribution function of their difference."""

    @property
    @abc.abstractmethod
    def distribution(self) -> Distribution:
        """What the degree is a probability of, in temperatures."""

    def matrix(self, order: SortedOrder) -> "CdfMatrix":
        rate = self.rate(order)
        gaps, columns = scaled_gaps(order, rate), self.split(order).centred * rate
        edges = primitives.inverse_cdf(gaps, order.index, order.positive_axis, terms=self.distribution.tail(order.dtype))
        return CdfMatrix(order, self, gaps, edges, columns)

    def rank(self, order: SortedOrder) -> Array:
        """The sum of the degrees, which is published: not the mean position."""
        exact = order.run_mean(order.position.astype(order.dtype))
        return self._rank(order, exact, jnp.ones(order.shape, order.dtype))

    def weighted_rank(self, order: SortedOrder, weights: Array) -> Array:
        """The sum of the degrees, each counted as often as its element."""
        return self._rank(order, weighted_positions(order, weights), weights)

    def _rank(self, order: SortedOrder, exact: Array, weights: Array) -> Array:
        rate, terms = self.rate(order), self.distribution.tail(order.dtype)
        gaps, x = scaled_gaps(order, rate), self.split(order).centred * rate
        # By how much fewer elements count below than exactly; what is level with an element counts one half.
        missing = primitives.kernel_sum(gaps, x, x, weights, order.positive_axis, terms=terms, odd=True)
        return order.scatter(self.nan_where_invalid(order, exact - missing))

    def top_k_mask(self, order: SortedOrder, k: Array) -> Array:
        """The degree to which each element is above one threshold, where there is one: of a whole axis."""
        if order.segments is not None or order.shape[order.positive_axis] == 0:
            return super().top_k_mask(order, k)
        axis, n = order.positive_axis, order.shape[order.positive_axis]
        # Nothing is sorted in the derivative.
        x, rate = order.x.astype(order.dtype), self.rate(order)
        x = -x if order.descending else x
        begins = n - jnp.broadcast_to(k, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
        fixed = lax.stop_gradient(scaled_gaps(order, rate))
        edges = primitives.inverse_cdf(fixed, begins, axis, terms=self.distribution.tail(order.dtype))
        anchor = lax.stop_gradient(primitives.gather(edges.anchor(n), order.ascending, axis))
        finite = jnp.isfinite(x)
        # Between what is finite and what is not nothing is soft.
        is_soft = finite & edges.is_finite
        anchor = jnp.where(jnp.isfinite(anchor), anchor, 0)
        offset = _threshold(axis, self.distribution, x, rate, jnp.where(edges.is_finite, edges.offset, 0), anchor)
        z = (jnp.where(finite, x, 0) - anchor) * rate - offset
        hard = (order.inverse >= begins).astype(x.dtype)
        return self.nan_where_invalid(order, jnp.where(is_soft, 0.5 + self.distribution.centred(z), hard))

    def log_neighbours(self, order: SortedOrder) -> Array:
        # The tail of Laplace's distribution is also its density: that of the same deviation stands for all.
        rate = self.rate(order) * (2**0.5 / self.distribution.deviation)
        return entropies(self.split(order), Kernel(rate, 1, EXPONENTIAL))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _threshold(axis: int, distribution: Distribution, x: Array, rate: Array, offset: Array, anchor: Array) -> Array:
    """`offset`, which differentiates so that the sum of distribution functions at the threshold stays what it is."""
    return offset


@_threshold.defjvp
def _threshold_jvp(axis: int, distribution: Distribution, primals: Any, tangents: Any) -> Any:
    x, rate, _, anchor = primals
    here = _threshold(axis, distribution, *primals)
    finite = jnp.isfinite(x)

    def count(x: Array, rate: Array, b: Array) -> Array:
        z = (anchor - jnp.where(finite, x, 0)) * rate + b
        return jnp.sum(jnp.where(finite, distribution.centred(z), 0), axis, keepdims=True)

    _, moved = jax.jvp(lambda x, rate: count(x, rate, here), (x, rate), tangents[:2])
    _, density = jax.jvp(lambda b: count(x, rate, b), (here,), (jnp.ones_like(here),))
    empty = density <= jnp.finfo(density.dtype).tiny
    return here, jnp.where(empty, 0, -moved / jnp.where(empty, 1, density))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _edge_offsets(axis: int, distribution: Distribution, edges: primitives.BinEdges, z: Array, columns: Array) -> Array:
    """How far edges are from their anchors, 0 at infinity: they move so that as much stays below them."""
    return jnp.where(edges.is_finite, edges.offset, 0)


@_edge_offsets.defjvp
def _edge_offsets_jvp(axis: int, distribution: Distribution, primals: Any, tangents: Any) -> Any:
    edges, z, columns = primals
    density = functools.partial(distribution.masses, edges, z, columns, axis=axis, slope=1, normalised=True)
    of_anchor = primitives.gather(edges.anchor(z.shape[axis]), tangents[2], axis)
    return _edge_offsets(axis, distribution, *primals), primitives.mean_at_edges(density, tangents[2]) - of_anchor


class CdfMatrix(AbstractMatrix):
    """Row i is the mass of each element in bin i. Rows and columns sum to one."""

    relax: AbstractCdfRelaxation
    gaps: Float[Array, "*shape"]
    """The distances between neighbours, in temperatures."""
    edges: primitives.BinEdges
    """The lower edge of each bin."""
    columns: Float[Array, "*shape"]
    """Where the elements stand, in temperatures from the centre."""

    def _product(self, v: Array, into: int | None) -> Array:
        axis = self.order.positive_axis

        def product(v: Array) -> Array:
            y = self.relax.distribution.masses(self.edges, self.gaps, self.columns, v, axis=axis, into=into)
            return self.relax.nan_where_invalid(self.order, y)

        return in_floats(product, v, self.order.dtype)

    def mix(self, v: Array) -> Array:
        return self._product(v, None)

    def spread(self, w: Array) -> Array:
        return self._product(w, self.order.shape[self.order.positive_axis])

    def log_entries(self, rows: Int[Array, "*shape"], columns: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        order, axis = self.order, self.order.positive_axis
        x, anchor = order.finite_values, self.edges.anchor(order.shape[axis])
        rate, together = self.relax.rate(order), order.share_component(rows, columns)
        of_element = primitives.gather(columns, x, axis)

        def from_element(value: Array, offset: Array, there: Array) -> tuple[Array, Array]:
            value, offset, there = (primitives.gather(rows, y, axis) for y in (value, offset, there))
            there &= together
            return jnp.where(there, jnp.where(there, value - of_element, 0) * rate + offset, 0), there

        centre = self.relax.split(order).centre
        offset = _edge_offsets(axis, self.relax.distribution, self.edges, self.gaps, self.columns)
        offset += _across(self.edges, self.gaps, centre, rate, axis)
        edge = primitives.gather(anchor, x, axis), offset, self.edges.is_finite
        lower, has_lower = from_element(*edge)
        upper, has_upper = from_element(*(primitives.shifted(y, axis, -1) for y in edge))
        both = has_lower & has_upper
        # The difference of two edges has the derivative; the width found from their offsets has more digits.
        exact = primitives.gather(rows, primitives.edge_widths(self.edges, self.gaps, axis), axis)
        width = jnp.where(both, exact + ((upper - lower) - lax.stop_gradient(upper - lower)), 1)
        of = self.relax.distribution
        below, above = jnp.where(has_upper, of.log_below(upper), 0), of.log_below(-lower)
        log = jnp.where(both, of.log_between(lower, upper, width), jnp.where(has_lower, above, below))
        return self.relax.nan_where_invalid(order, jnp.where(together, log, -jnp.inf))


def _across(edges: primitives.BinEdges, z: Array, centre: Array, rate: Array, axis: int) -> Array:
    """0, with the derivative in the rate that an edge has between two elements that are not measured from one centre.

    It is in the middle of so wide a gap, where what has come from each side is the same.
    """
    n = centre.shape[axis]
    left, right = (jnp.clip(edges.below + i, 0, max(n - 1, 0)) for i in (-1, 0))
    between = edges.is_finite & (edges.below < n) & jnp.isfinite(primitives.gather(right, z, axis))
    half = jnp.where(between, (primitives.gather(right, centre, axis) - primitives.gather(left, centre, axis)) / 2, 0)
    return jnp.where(edges.offset < 0, -half, half) * (rate - lax.stop_gradient(rate))
