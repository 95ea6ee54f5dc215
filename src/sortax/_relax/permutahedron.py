"""Sorting and ranking as projections onto a permutahedron."""

import functools
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .. import _primitives as primitives
from .._axis import check_choice
from ._line import later, line
from .soft import (
    AbstractSoftRelaxation,
    as_floats,
    as_temperature,
    check_soft_ranks,
    mask_by_place,
    or_nan,
    reciprocal,
    wide,
)


class Permutahedron(AbstractSoftRelaxation):
    r"""Projections onto the permutahedron: exactly hard below a temperature, and pooled in blocks above it.

    Sorting maximises $\langle y, \rho \rangle$ over the convex hull $\mathcal{P}(x)$ of all permutations of $x$, with
    $\rho = (1, \dots, n)$, and placing $w$ maximises $\langle y, x \rangle$ over $\mathcal{P}(w)$. With a regulariser,

    $$ \mathrm{sort}(x) = \arg\min_{y \in \mathcal{P}(x)} \tfrac12 \lVert y - \rho/t \rVert^2, \qquad
       \mathrm{place}(x, w) = \arg\min_{y \in \mathcal{P}(w)} \tfrac12 \lVert y - x/t \rVert^2, $$

    both by isotonic regression in O(n log n). In each block $B$ of it, of which the members are in order,
    $y_i = \bar w_B + (x_i - \bar x_B)/t$, and $y_i = \bar x_B + (\rho_i - \bar\rho_B)/t$ when sorting. With `"kl"` the
    projection is that of Kullback and Leibler, and within a block the share of $i$ is a softmax:
    $y_i = \sum_B w \cdot e^{x_i/t} / \sum_B e^{x/t}$ for positive $w$; $w$ is moved to begin at 1, and the result back, so that
    ranks are those of $1, \dots, n$, less one.

    **Arguments:**

    - `temperature`: positive; a leaf. Of ranks and masks it is in units of $x$ per place; of sorted values, as published, in
      places per unit of $x$. Where it is small enough nothing is pooled, and values are those of `Exact()`.
    - `regularizer`: `"l2"` or `"kl"`.

    **Accuracy:** ranks are within $n - 1$ of exact, sum to $n(n-1)/2$ for any temperature, and are exact where no gap is
    below $t$. Sums are accumulated in double precision, and so is x/t formed: 32-bit results are within 1e-5 of 64-bit ones.
    `"kl"` is shifted by the largest of each block: nothing overflows.

    **Ties:** are pooled, and share what they have.

    **NaN:** last and by itself, as an infinity is.

    **Cost:** one exact sort and one isotonic regression, serial along a row on a CPU and log2(n) levels elsewhere; O(n) memory.

    **Raises:** `ValueError` if the temperature is known and not positive and finite (where it is traced, results are NaN), or for
    an unknown regulariser; ops raise `TypeError` for elements that are not floats.

    Blondel, Teboul, Berthet and Djolonga, "Fast differentiable sorting and ranking" (2020).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([5., 1., 2.])
        >>> print(sx.rank(x, relax=sx.Permutahedron(2.)), sx.rank(x, relax=sx.Permutahedron(1.)))
        [2.   0.25 0.75] [2. 0. 1.]
        >>> print(sx.sort(x, relax=sx.Permutahedron(1.)).round(3))
        [1.667 2.667 3.667]

        ```
    """

    temperature: Float[Array, ""] = eqx.field(converter=as_temperature)
    regularizer: Literal["l2", "kl"] = eqx.field(static=True, default="l2")

    def __check_init__(self) -> None:
        check_choice("regularizer", self.regularizer, primitives.REGULARIZERS)

    def sort(self, x: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return _sort(self, as_floats(self, x), segments, axis, descending)

    def place(self, x: Array, w: Array, axis: int, *, descending: bool = False, segments: Array | None = None) -> Array:
        return _place(self, wide(x), w, segments, axis, descending)

    def rank(self, x: Array, axis: int, *, method: str, descending: bool = False, segments: Array | None = None) -> Array:
        check_soft_ranks(self, method)
        places = primitives.places(x.shape, axis, segments).astype(wide(x).dtype)
        return self.place(x, places, axis, descending=descending, segments=segments)

    def mask(self, x: Array, k: Array, axis: int, *, segments: Array | None = None) -> Array:
        return mask_by_place(self, x, k, axis, segments=segments)

    def log_neighbours(self, x: Array, axis: int) -> Array:
        on = line(x, axis, segments=None, descending=False, ties="stable")
        values, w = (
            jnp.where(jnp.isfinite(on.values), on.values, 0),
            primitives.places(x.shape, axis, None).astype(on.values.dtype),
        )
        w = w if self.regularizer == "l2" else jnp.log1p(w)
        rate = reciprocal(self.temperature.astype(w.dtype))
        starts = primitives.isotonic(on.cut, values, w, axis, regularizer=self.regularizer, rate=rate)
        # The mean of the starts of a block is one over its size.
        return -jnp.log(primitives.average(starts, starts.astype(values.dtype), axis))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _sort(relax: Permutahedron, x: Array, segments: Array | None, axis: int, descending: bool) -> Array:
    on = line(x, axis, segments=segments, descending=descending, ties="average")
    dtype, finite = on.values.dtype, jnp.isfinite(on.values)
    places, values = primitives.places(x.shape, axis, segments).astype(dtype), jnp.where(finite, on.values, 0)
    rate = reciprocal(relax.temperature.astype(dtype))
    starts = primitives.isotonic(on.cut, places, values, axis, regularizer=relax.regularizer, rate=rate)
    if relax.regularizer == "l2":
        y = _project(starts, places, values, rate, axis)
    else:
        rho, of_rho = _shares(starts, places, rate, axis)
        shifted, of_values = _shares(starts, values, jnp.ones_like(rate), axis)
        # The logarithm of what the block has of exp(x), times the share of the place.
        y = values - shifted + jnp.log(of_values) + rho - jnp.log(of_rho)
    y = or_nan(relax.temperature, jnp.where(finite, y, on.values))
    return (-y if descending else y).astype(x.dtype)


@functools.partial(jax.jit, static_argnums=(4, 5))
def _place(relax: Permutahedron, x: Array, w: Array, segments: Array | None, axis: int, descending: bool) -> Array:
    on = line(x, axis, segments=segments, descending=descending, ties="stable")
    dtype = on.values.dtype
    values, v = jnp.where(jnp.isfinite(on.values), on.values, 0), w.astype(dtype)
    rate = reciprocal(relax.temperature.astype(dtype))
    if relax.regularizer == "l2":
        starts = primitives.isotonic(on.cut, values, v, axis, regularizer="l2", rate=rate)
        y = _project(starts, values, v, rate, axis)
    else:
        lowest = _carried(on.cut, v, axis) - 1
        v = v - lowest
        starts = primitives.isotonic(on.cut, values, jnp.log(v), axis, regularizer="kl", rate=rate)
        s, of_s = _shares(starts, values, rate, axis)
        y = primitives.average(starts, v, axis) * jnp.exp(s) / of_s + lowest
    return or_nan(relax.temperature, primitives.permute(on.indices, y, axis, transpose=True)).astype(w.dtype)


def _project(starts: Array, s: Array, w: Array, rate: Array, axis: int) -> Array:
    """The point of the permutahedron of `w` that is nearest to s times the rate, both in order, from its blocks."""
    return primitives.average(starts, w, axis) + primitives.deviation(starts, s, axis) * rate


def _shares(starts: Array, x: Array, rate: Array, axis: int) -> tuple[Array, Array]:
    """`x` less the largest of its block, times the rate, and the mean of the exponentials of that."""
    # Scaled last: a difference of scaled numbers could be rounded once where they are rounded twice.
    below = (x - lax.stop_gradient(_carried(starts, x, axis, last=True))) * rate
    return below, primitives.average(starts, jnp.exp(below), axis)


def _carried(starts: Array, x: Array, axis: int, *, last: bool = False) -> Array:
    """For each element the first of its run, or the last."""
    goes_on = (~starts).astype(x.dtype)
    ends = later(starts, axis, True)
    return primitives.recurrence(goes_on, jnp.where(ends if last else starts, x, 0), axis, reverse=last)
