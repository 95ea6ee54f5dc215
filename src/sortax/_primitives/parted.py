"""The parted primitive: what each place has of elements that are parted at its borders, and sums of slopes at the borders.

With C a distribution function, row i of it has of element j what lies between the borders: C(b_{i+1} - x_j) - C(b_i - x_j). It is
never made: what lies on each side of a place arrives there by a recurrence. Linear in what is summed.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact, Int

from .._jax import is_zero
from ._arrivals import gaps, spread
from ._linear import define_linear
from ._terms import FAR, Terms, at_rates, fallen, rates_and_weights, total
from .borders import Borders, positions
from .recurrence import recurrence, shifted
from .take import take

Centred = Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]


def parted(
    at: Borders,
    z: Float[Array, "*shape"],
    rows: Float[Array, "*borders"],
    columns: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    *,
    terms: Terms,
    centred: Centred,
    slope: int = 0,
    normalised: bool = False,
    into: int | None = None,
) -> Float[Array, "..."]:
    r"""$\sum_j (C(b_{i+1} - x_j) - C(b_i - x_j)) v_j$; or with a `slope` $k > 0$ at the borders $\sum_j C^{(k)}(b_i - x_j) v_j$.

    `terms` are what C lacks to one, and `centred` is C less one half. `z` has the distances between neighbours as in `flow`, and
    the derivative is that of elements at `columns` and borders at `rows`: of these positions only the tangents count. A
    `normalised` slope is in units of what the nearest element would have if it decayed as the slowest term does: then not
    all of a row underflows. With `into`, the number of elements, the transpose. Computed in double precision.
    """
    numbers = (*at, z, rows, columns)
    structure = [x.astype(v.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in numbers]
    options = {"terms": terms, "centred": centred, "slope": slope, "normalised": normalised, "into": into}
    return _parted(*structure, v, axis=axis, **options)


def _xla(*operands: Array, axis: int, into: int | None, platform: str | None, **params: Any) -> list[Array]:
    *found, z, _, _, v = operands
    at = Borders(*found)
    n = z.shape[axis] if into is None else into
    length = at.below.shape[axis] if into is None else n
    if 0 in v.shape or n == 0:
        return [jnp.zeros((*v.shape[:axis], length, *v.shape[axis + 1 :]), v.dtype)]
    with jax.enable_x64(True):
        wide = v.astype(jnp.float64)
        if into is None:
            return [_product(at, z, wide, axis, **params).astype(v.dtype)]
        shape = jax.ShapeDtypeStruct((*v.shape[:axis], n, *v.shape[axis + 1 :]), jnp.float64)
        transpose = jax.linear_transpose(lambda v: _product(at, z, v, axis, **params), shape)
        return [transpose(wide)[0].astype(v.dtype)]


def _product(
    at: Borders, z: Array, v: Array, axis: int, *, terms: Terms, centred: Centred, slope: int, normalised: bool
) -> Array:
    n = z.shape[axis]
    d = gaps(z, axis)
    decay = fallen(d, terms)
    source = spread(v, decay)
    up_to, from_on = recurrence(decay, source, axis), recurrence(decay, source, axis, reverse=True)
    left, right = jnp.clip(at.below - 1, 0, n - 1), jnp.clip(at.below, 0, n - 1)
    gap = jnp.where(at.below < n, take(right, d, axis), jnp.inf)
    before, after = at.distances(gap)
    nearest = jnp.minimum(before, after) if normalised else jnp.zeros_like(before)
    below = take(left[..., None], up_to, axis) * _left_of_one(before, nearest, terms)
    above = take(right[..., None], from_on, axis) * _left_of_one(after, nearest, terms)
    rates, weights = rates_and_weights(terms)
    if slope:
        return total(above + below if slope % 2 else above - below, weights * rates**slope)
    outside = total((below + shifted(above, axis, -1)) * _lost(at.width, terms), weights)
    row, share = _own(at, d, axis, centred)
    return outside + take(row, share * v, axis, into=n)


def _left_of_one(distance: Array, nearest: Array, terms: Terms) -> Inexact[Array, "*borders terms"]:
    rates, _ = rates_and_weights(terms)
    there = jnp.isfinite(distance)
    unit = (jnp.where(there, nearest, 0) * terms[0][0].real)[..., None]
    exponent = at_rates(jnp.where(there, distance, 0), rates) - unit.astype(rates.dtype)
    gone = ~there[..., None] | (jnp.real(exponent) > FAR)
    return jnp.where(gone, 0, jnp.exp(-jnp.where(gone, 0, exponent)))


def _lost(width: Array, terms: Terms) -> Inexact[Array, "*borders terms"]:
    """What of one is lost over the width of a place."""
    rates, _ = rates_and_weights(terms)
    endless = jnp.isinf(width)
    return jnp.where(endless[..., None], 1, -jnp.expm1(-at_rates(jnp.where(endless, 0, width.astype(jnp.float64)), rates)))


def _own(at: Borders, d: Array, axis: int, centred: Centred) -> tuple[Int[Array, "*shape"], Float[Array, "*shape"]]:
    """The place in which each element lies, and how much of the element."""
    n = d.shape[axis]
    counts = take(jnp.minimum(at.below, n), jnp.ones_like(at.below), axis, into=n + 1)
    row = jnp.cumsum(counts, axis, dtype=jnp.int32)
    row = jnp.clip(jax.lax.slice_in_dim(row, 0, n, axis=axis) - 1, 0, n - 1)
    x, anchor = positions(d, axis), at.anchor(n)
    offset = at.near_offset()
    of_border = take(anchor, x, axis)

    def aside(border: Array, sign: int) -> Array:
        inside = jnp.minimum(border, n - 1)
        far = take(inside, offset, axis)
        there = (border < n) & jnp.isfinite(far)
        distance = sign * ((take(inside, of_border, axis) - x) + jnp.where(there, far, 0))
        # At infinity half of an element lies on that side.
        return centred(jnp.where(there, jnp.maximum(distance, 0), jnp.inf))

    return row, aside(row, -1) + aside(row + 1, 1)


def _moved(primals: Any, tangents: Any, *, axis: int, slope: int, into: int | None, **params: Any) -> list[Array]:
    *found, z, rows, columns, v = primals
    *_, drows, dcolumns, _ = tangents
    sums = functools.partial(parted, Borders(*found), z, rows, columns, axis=axis, slope=slope + 1, into=into, **params)
    at_borders = []
    if into is not None:
        # What is given to a place is given to the border behind it, and taken from the one before it.
        u = v if slope else shifted(v, axis, 1) - v
        by_rows = [] if is_zero(drows) else [sums(u * drows)]
        return by_rows if is_zero(dcolumns) else [*by_rows, -dcolumns * sums(u)]
    if not is_zero(drows):
        at_borders.append(drows * sums(v))
    if not is_zero(dcolumns):
        at_borders.append(-sums(v * dcolumns))
    return at_borders if slope else [shifted(y, axis, -1) - y for y in at_borders]


_parted = define_linear(
    "parted",
    xla=_xla,
    transposed=lambda params, n: {**params, "into": n if params["into"] is None else None},
    length=lambda params, n_borders, n: n_borders if params["into"] is None else params["into"],
    moved=_moved,
)
