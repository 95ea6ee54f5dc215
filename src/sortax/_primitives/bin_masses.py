"""The mass of the CDF of each element in each bin, and sums of densities at the edges of the bins.

With C a distribution function, row i of the matrix has C(b_{i+1} - x_j) - C(b_i - x_j) of element j. The matrix is never made:
what an edge has of the elements on each side is a linear scan from that side. Linear in what is summed.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Inexact, Int

from .._jax import is_zero
from ._exponential_sum import FAR, ExponentialSum, as_attribute, at_rates, decay, rates_and_weights, total
from ._linear import define_linear
from ._two_sided_scan import gaps, spread
from .gather import gather, scatter_add
from .inverse_cdf import BinEdges
from .linear_scan import linear_scan, shifted


def bin_masses(
    edges: BinEdges,
    z: Float[Array, "*shape"],
    columns: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    *,
    terms: ExponentialSum,
    slope: int = 0,
    normalised: bool = False,
    into: int | None = None,
) -> Float[Array, "..."]:
    r"""$\sum_j (C(b_{i+1} - x_j) - C(b_i - x_j)) v_j$; or with a `slope` $k > 0$ at the edges $\sum_j C^{(k)}(b_i - x_j) v_j$.

    `terms` are one minus C. `z` has the distances between neighbours as in `kernel_sum`, and the derivative is that of elements
    at `columns`, of which only the tangents count, and of edges that move so that as much stays below them. A `normalised` slope
    is in units of what the nearest element would have if it decayed as the slowest term does: then not all of a row underflows.
    With `into`, the number of elements, the transpose. Computed in double precision.
    """
    structure = [x[..., None] for x in (*edges, z, columns)]
    structure = [x.astype(v.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in structure]
    options = {"terms": terms, "slopes": (slope,), "normalised": (normalised,), "into": into}
    return _bin_masses(*structure, v[..., None], axis=axis, **options)[..., 0]


def mean_at_edges(density: Callable[[Array], Array], v: Float[Array, "*shape"]) -> Float[Array, "*edges"]:
    """The mean of `v` by the density at each edge, which has normalised sums: by so much `v` of the elements moves the edge."""
    return _mean(density(v), density(jnp.ones_like(v)))


def _mean(moments: Array, mass: Array) -> Array:
    # An edge at infinity has no density, and nothing moves it.
    empty = mass <= jnp.finfo(mass.dtype).tiny
    return jnp.where(empty, 0, moments / jnp.where(empty, 1, mass))


def _xla(*operands: Array, axis: int, into: int | None, platform: str | None, **params: Any) -> list[Array]:
    *found, z, _, v = operands
    edges = BinEdges(*found)
    n = z.shape[axis] if into is None else into
    length = edges.below.shape[axis] if into is None else n
    if 0 in v.shape or n == 0:
        return [jnp.zeros((*v.shape[:axis], length, *v.shape[axis + 1 :]), v.dtype)]
    with jax.enable_x64(True):
        wide = v.astype(jnp.float64)
        if into is None:
            return [_product(edges, z, wide, axis, **params).astype(v.dtype)]
        shape = jax.ShapeDtypeStruct((*v.shape[:axis], n, *v.shape[axis + 1 :]), jnp.float64)
        transpose = jax.linear_transpose(lambda v: _product(edges, z, v, axis, **params), shape)
        return [transpose(wide)[0].astype(v.dtype)]


def _product(
    edges: BinEdges,
    z: Array,
    v: Array,
    axis: int,
    *,
    terms: ExponentialSum,
    slopes: tuple[int, ...],
    normalised: tuple[bool, ...],
) -> Array:
    n = z.shape[axis]
    d = gaps(z, axis)
    factors = decay(d, terms)
    source = spread(v, factors)
    up_to, from_on = linear_scan(factors, source, axis), linear_scan(factors, source, axis, reverse=True)
    left, right = jnp.clip(edges.below - 1, 0, n - 1), jnp.clip(edges.below, 0, n - 1)
    gap = jnp.where(edges.below < n, gather(right, d, axis), jnp.inf)
    before, after = edges.distances(gap)
    nearest = jnp.minimum(before, after) if any(normalised) else jnp.zeros_like(before)
    below = gather(left[..., None], up_to, axis) * _left_of_one(before, nearest, terms)
    above = gather(right[..., None], from_on, axis) * _left_of_one(after, nearest, terms)
    rates, weights = rates_and_weights(terms)

    def column(c: int, slope: int) -> Array:
        of_column = (lax.slice_in_dim(x, c, c + 1, axis=x.ndim - 2) for x in (below, above))
        before, after = (total(x, weights * rates**slope) for x in of_column)
        at_edges = after + before if slope % 2 else after - before
        if any(normalised) and not normalised[c]:
            at_edges = at_edges * jnp.exp(-jnp.where(jnp.isfinite(nearest), nearest, 0) * terms[0][0].real)
        if slope:
            return at_edges
        # A bin has all of its own elements but for what the tails beyond its edges have of them.
        own = scatter_add(_bins(edges, axis, n), v[..., c : c + 1], axis, n)
        return own + (shifted(at_edges, axis, -1) - at_edges)

    return jnp.concatenate([column(c, slope) for c, slope in enumerate(slopes)], -1)


def _left_of_one(distance: Array, nearest: Array, terms: ExponentialSum) -> Inexact[Array, "*edges terms"]:
    rates, _ = rates_and_weights(terms)
    there = jnp.isfinite(distance)
    unit = (jnp.where(there, nearest, 0) * terms[0][0].real)[..., None]
    exponent = at_rates(jnp.where(there, distance, 0), rates) - unit.astype(rates.dtype)
    gone = ~there[..., None] | (jnp.real(exponent) > FAR)
    return jnp.where(gone, 0, jnp.exp(-jnp.where(gone, 0, exponent)))


def _bins(edges: BinEdges, axis: int, n: int) -> Int[Array, "*shape"]:
    """The bin in which each of n elements lies."""
    counts = scatter_add(jnp.minimum(edges.below, n), jnp.ones_like(edges.below), axis, n + 1)
    bins = jnp.cumsum(counts, axis, dtype=jnp.int32)
    return jnp.clip(lax.slice_in_dim(bins, 0, n, axis=axis) - 1, 0, n - 1)


def _jvp(primals: Any, tangents: Any, *, axis: int, into: int | None, **params: Any) -> tuple[Array, Array | None]:
    *structure, v = primals
    *_, dx, dv = tangents
    slopes, normalised = params["slopes"], params["normalised"]

    def sums(
        v: Array, slopes: tuple[int, ...] = (1,), normalised: tuple[bool, ...] = (True,), into: int | None = None
    ) -> Array:
        options = {"slopes": slopes, "normalised": normalised, "into": into}
        return _bin_masses(*structure, v, axis=axis, **(params | options))

    def alike(v: Array, slopes: tuple[int, ...] = slopes) -> Array:
        return sums(v, slopes, normalised, into)

    def to_bins(at_edges: Array) -> Array:
        return shifted(at_edges, axis, -1) - at_edges

    if is_zero(dx):
        return alike(v), None if is_zero(dv) else alike(dv)
    if slopes == (0,) and into is None:
        # An edge moves by the mean of dx, so that of v there counts what is beyond its own mean.
        out, density, moments = _columns(sums(_stacked(v, jnp.ones_like(v), v), (0, 1, 1), (False, True, True)))
        dx, v_dx = jnp.broadcast_to(dx, v.shape), v * dx
        if is_zero(dv):
            tangent = None
            moved, moved_v = _columns(sums(_stacked(dx, v_dx), (1, 1), (False,) * 2))
        else:
            tangent, moved, moved_v = _columns(sums(_stacked(dv, dx, v_dx), (0, 1, 1), (False,) * 3))
        across = to_bins(_mean(moments, density) * moved - moved_v)
        return out, across if tangent is None else tangent + across
    move = mean_at_edges(sums, dx)
    is_mass = np.equal(slopes, 0)
    steeper = tuple(k + 1 for k in slopes)
    if into is None:
        at_edges = move * alike(v, steeper) - alike(v * dx, steeper)
        tangent = jnp.where(is_mass, to_bins(at_edges), at_edges)
    else:
        # What a bin is given, the edge behind it is given and the edge before it loses.
        u = jnp.where(is_mass, shifted(v, axis, 1) - v, v)
        tangent = alike(u * move, steeper) - dx * alike(u, steeper)
    return alike(v), tangent if is_zero(dv) else tangent + alike(dv)


def _stacked(*columns: Array) -> Array:
    return jnp.concatenate(columns, -1)


def _columns(x: Array) -> list[Array]:
    return jnp.split(x, x.shape[-1], -1)


def _is_served(*avals: Any) -> bool:
    """The kernel takes one edge for each element."""
    v, z = avals[-1], avals[3]
    return v.dtype.name in ("float32", "float64") and 0 not in v.shape and avals[0].shape == z.shape


def _attributes(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "terms": as_attribute(params["terms"]),
        "slopes": np.asarray(params["slopes"], np.int64),
        "normalised": np.asarray(params["normalised"], np.int64),
        "transpose": params["into"] is not None,
    }


_bin_masses = define_linear(
    "bin_masses",
    xla=_xla,
    accepts=_is_served,
    attributes=_attributes,
    reads=lambda operands: [*operands[:4], operands[-1]],
    transposed=lambda params, n: {**params, "into": n if params["into"] is None else None},
    length=lambda params, n_edges, n: n_edges if params["into"] is None else params["into"],
    jvp=_jvp,
    of_columns=True,
)
"""`bin_masses` of columns along the last axis, each with its slope; the structure has one there."""
