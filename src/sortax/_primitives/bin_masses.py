"""The mass of the CDF of each element in each bin, and sums of densities at the edges of the bins.

With C a distribution function, row i of the matrix has C(b_{i+1} - x_j) - C(b_i - x_j) of element j. The matrix is never made:
what lies on each side of a bin is a linear scan from that side. Linear in what is summed.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int

from .._jax import is_zero
from ._exponential_sum import FAR, ExponentialSum, as_attribute, at_rates, decay, rates_and_weights, total
from ._linear import define_linear
from ._two_sided_scan import gaps, spread
from .gather import gather, scatter_add
from .inverse_cdf import BinEdges, positions
from .linear_scan import linear_scan, shifted


def _laplace(z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    # By the sides, and not by the absolute value, which would have no derivative at zero.
    beyond = -jnp.expm1(-jnp.where(z >= 0, z, -z)) / 2
    return jnp.where(z >= 0, beyond, -beyond)


CENTRED_CDF = {"laplace": _laplace, "logistic": lambda z: jnp.tanh(z / 2) / 2}
"""Distribution functions, in temperatures, minus one half."""


def bin_masses(
    edges: BinEdges,
    z: Float[Array, "*shape"],
    columns: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    *,
    terms: ExponentialSum,
    cdf: str,
    slope: int = 0,
    normalised: bool = False,
    into: int | None = None,
) -> Float[Array, "..."]:
    r"""$\sum_j (C(b_{i+1} - x_j) - C(b_i - x_j)) v_j$; or with a `slope` $k > 0$ at the edges $\sum_j C^{(k)}(b_i - x_j) v_j$.

    `terms` are one minus C, which inside a bin is the `cdf` of that name in `CENTRED_CDF`. `z` has the distances between
    neighbours as in `kernel_sum`, and the derivative is that of elements at `columns`, of which only the tangents count, and of
    edges that move so that as much stays below them. A `normalised` slope is in units of what the nearest element would have if
    it decayed as the slowest term does: then not all of a row underflows. With `into`, the number of elements, the transpose.
    Computed in double precision.
    """
    numbers = (*edges, z, columns)
    structure = [x.astype(v.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in numbers]
    options = {"terms": terms, "cdf": cdf, "slope": slope, "normalised": normalised, "into": into}
    return _bin_masses(*structure, v, axis=axis, **options)


def mean_at_edges(density: Callable[[Array], Array], v: Float[Array, "*shape"]) -> Float[Array, "*edges"]:
    """The mean of `v` by the density at each edge, which has normalised sums: by so much `v` of the elements moves the edge."""
    return _mean(density(v), density(jnp.ones_like(v)))


def _mean(moments: Array, mass: Array) -> Array:
    # An edge at infinity has no density, and nothing moves it.
    empty = mass <= jnp.finfo(mass.dtype).tiny
    return jnp.where(empty, 0, moments / jnp.where(empty, 1, mass))


def _pair(sums: Callable[[Array], Array], u: Array, v: Array) -> tuple[Array, Array]:
    """The sums of both, which as two columns share their exponentials."""
    if u.shape != v.shape:
        return sums(u), sums(v)
    both = sums(jnp.stack([u, v], -1))
    return both[..., 0], both[..., 1]


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
    edges: BinEdges, z: Array, v: Array, axis: int, *, terms: ExponentialSum, cdf: str, slope: int, normalised: bool
) -> Array:
    n = z.shape[axis]
    d = gaps(z, axis)
    factors = decay(d, terms)
    source = spread(v, factors)
    up_to, from_on = linear_scan(factors, source, axis), linear_scan(factors, source, axis, reverse=True)
    left, right = jnp.clip(edges.below - 1, 0, n - 1), jnp.clip(edges.below, 0, n - 1)
    gap = jnp.where(edges.below < n, gather(right, d, axis), jnp.inf)
    before, after = edges.distances(gap)
    nearest = jnp.minimum(before, after) if normalised else jnp.zeros_like(before)
    below = gather(left[..., None], up_to, axis) * _left_of_one(before, nearest, terms)
    above = gather(right[..., None], from_on, axis) * _left_of_one(after, nearest, terms)
    rates, weights = rates_and_weights(terms)
    if slope:
        return total(above + below if slope % 2 else above - below, weights * rates**slope)
    outside = total((below + shifted(above, axis, -1)) * _lost(edges.width, terms), weights)
    row, share = _own(edges, d, axis, cdf)
    return outside + scatter_add(row, share * v, axis, n)


def _left_of_one(distance: Array, nearest: Array, terms: ExponentialSum) -> Inexact[Array, "*edges terms"]:
    rates, _ = rates_and_weights(terms)
    there = jnp.isfinite(distance)
    unit = (jnp.where(there, nearest, 0) * terms[0][0].real)[..., None]
    exponent = at_rates(jnp.where(there, distance, 0), rates) - unit.astype(rates.dtype)
    gone = ~there[..., None] | (jnp.real(exponent) > FAR)
    return jnp.where(gone, 0, jnp.exp(-jnp.where(gone, 0, exponent)))


def _lost(width: Array, terms: ExponentialSum) -> Inexact[Array, "*edges terms"]:
    """By how much an exponential decays over the width of a bin."""
    rates, _ = rates_and_weights(terms)
    endless = jnp.isinf(width)
    return jnp.where(endless[..., None], 1, -jnp.expm1(-at_rates(jnp.where(endless, 0, width.astype(jnp.float64)), rates)))


def _own(edges: BinEdges, d: Array, axis: int, cdf: str) -> tuple[Int[Array, "*shape"], Float[Array, "*shape"]]:
    """The place in which each element lies, and how much of the element."""
    n = d.shape[axis]
    counts = scatter_add(jnp.minimum(edges.below, n), jnp.ones_like(edges.below), axis, n + 1)
    row = jnp.cumsum(counts, axis, dtype=jnp.int32)
    row = jnp.clip(jax.lax.slice_in_dim(row, 0, n, axis=axis) - 1, 0, n - 1)
    x, anchor = positions(d, axis), edges.anchor(n)
    offset = edges.near_offset()
    of_edge = gather(anchor, x, axis)

    def aside(edge: Array, sign: int) -> Array:
        inside = jnp.minimum(edge, n - 1)
        far = gather(inside, offset, axis)
        there = (edge < n) & jnp.isfinite(far)
        distance = sign * ((gather(inside, of_edge, axis) - x) + jnp.where(there, far, 0))
        # At infinity half of an element lies on that side.
        return CENTRED_CDF[cdf](jnp.where(there, jnp.maximum(distance, 0), jnp.inf))

    return row, aside(row, -1) + aside(row + 1, 1)


def _moved(
    out: Array, primals: Any, tangents: Any, *, axis: int, slope: int, normalised: bool, into: int | None, **params: Any
) -> list[Array]:
    *found, z, x, v = primals
    *_, dx, _ = tangents
    if is_zero(dx):
        return []

    def sums(v: Array, slope: int = 1, **options: Any) -> Array:
        # Whatever has one axis more than the structure has two columns there.
        structure = [y[..., None] if y.ndim < v.ndim else y for y in (*found, z, x)]
        *edges, gaps, columns = structure
        return bin_masses(BinEdges(*edges), gaps, columns, v, axis, slope=slope, **options, **params)

    density = functools.partial(sums, normalised=True)
    derivative = functools.partial(sums, slope=slope + 1, normalised=normalised, into=into)
    if into is not None:
        # What a bin is given, the edge behind it is given and the edge before it loses.
        u = v if slope else shifted(v, axis, 1) - v
        return [derivative(u * mean_at_edges(density, dx)), -dx * derivative(u)]
    if slope:
        return [mean_at_edges(density, dx) * derivative(v), -derivative(v * dx)]
    # An edge moves by the mean of dx, so that of v there counts what is beyond its own mean.
    mean = _mean(*_pair(density, v, jnp.ones_like(x)))
    moved, moved_v = _pair(derivative, dx, v * dx)
    across = mean * moved - moved_v
    return [shifted(across, axis, -1) - across]


def _is_served(*avals: Any) -> bool:
    """The kernel takes one edge for each element."""
    v, z = avals[-1], avals[4]
    return v.dtype.name in ("float32", "float64") and 0 not in v.shape and avals[0].shape == z.shape


def _attributes(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "terms": as_attribute(params["terms"]),
        "slope": np.int32(params["slope"]),
        "normalised": params["normalised"],
        "transpose": params["into"] is not None,
        "logistic": params["cdf"] == "logistic",
    }


_bin_masses = define_linear(
    "bin_masses",
    xla=_xla,
    accepts=_is_served,
    attributes=_attributes,
    reads=lambda operands: [*operands[:5], operands[-1]],
    transposed=lambda params, n: {**params, "into": n if params["into"] is None else None},
    length=lambda params, n_edges, n: n_edges if params["into"] is None else params["into"],
    moved=_moved,
)
