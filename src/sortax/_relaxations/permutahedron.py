"""Sorting and ranking as projections onto a permutahedron."""

from typing import Literal, NoReturn

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .. import _primitives as primitives
from .._checks import check_choice
from .._order import SortedOrder
from .base import check_floats, tied
from .soft import AbstractSoftRelaxation, Temperature, as_temperature


class Permutahedron(AbstractSoftRelaxation):
    r"""Projections onto the permutahedron: exactly hard below a temperature, and pooled in blocks above it.

    Sorting maximises $\langle y, \rho \rangle$ over the convex hull $\mathcal{P}(x)$ of all permutations of $x$, with
    $\rho = (1, \dots, n)$, and giving $w$ to the elements maximises
    $\langle y, x \rangle$ over $\mathcal{P}(w)$. With a regulariser,

    $$ \mathrm{sort}(x) = \arg\min_{y \in \mathcal{P}(x)} \tfrac12 \lVert y - \rho/t \rVert^2, \qquad
       \mathrm{spread}(x, w) = \arg\min_{y \in \mathcal{P}(w)} \tfrac12 \lVert y - x/t \rVert^2, $$

    both by isotonic regression in O(n log n). In each block $B$ of it, of which the members are in order,
    $y_i = \bar w_B + (x_i - \bar x_B)/t$, and $y_i = \bar x_B + (\rho_i - \bar\rho_B)/t$ when sorting. With `"kl"` the
    projection is that of Kullback and Leibler, and within a block the share of $i$ is a softmax:
    $y_i = \sum_B w \cdot e^{x_i/t} / \sum_B e^{x/t}$ for positive $w$; $w$ is moved to begin at 1, and the result back, so that
    ranks are those of $1, \dots, n$, minus one.

    **Arguments:**

    - `temperature`: positive. A Python number stays a number; an array is a parameter, and may have one entry a row.
      Of ranks and masks it is in units of $x$ per place; of sorted values, as published, in
      places per unit of $x$. Where it is small enough nothing is pooled, and values are those of `Exact()`.
    - `regularizer`: `"l2"` or `"kl"`.

    **Accuracy:** ranks are within $n - 1$ of exact, sum to $n(n-1)/2$ for any temperature, and are exact where no gap is
    below $t$. Sums are accumulated in double precision, and so is x/t formed: 32-bit results are within 1e-5 of 64-bit ones.
    `"kl"` is shifted by the largest of each block: nothing overflows. With it, which is not symmetric, sorting $x$ is published as
    minus what sorting $-x$ in descending order gives.

    **Ranks:** of `"l2"` are not moved by elements that are far away; those of `"kl"` are, since their published values depend on
    how many stand below.

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

    temperature: Temperature = eqx.field(converter=as_temperature)
    regularizer: Literal["l2", "kl"] = eqx.field(static=True, default="l2")

    def __check_init__(self) -> None:
        check_choice("regularizer", self.regularizer, ("l2", "kl"))

    def mix(self, order: SortedOrder, v: Array) -> NoReturn:
        raise TypeError(
            "Permutahedron is a projection and no matrix, so that it has no permutation and cannot sort by keys; "
            "take SoftSort, LapSum or SigmoidSum."
        )

    def permutation(self, order: SortedOrder) -> NoReturn:
        """Refused, as `mix` is."""
        self.mix(order, order.values)

    def spread(self, order: SortedOrder, w: Array) -> Array:
        """The projection onto the permutahedron of `w`."""
        axis, begins, rate = order.positive_axis, order.component_begins, self.rate(order)
        s = order.finite_values
        if self.regularizer == "l2":
            starts = primitives.isotonic(begins, s, w, axis, fit="l2", rate=rate)
            return self.nan_where_invalid(order, _project(starts, s, w, rate, axis))
        lowest = primitives.first_of_run(begins, w, axis) - 1
        w = w - lowest
        starts = primitives.isotonic(begins, s, jnp.log(w), axis, fit="kl", rate=rate)
        shares, of_shares = _shares(starts, s, rate, axis)
        y = primitives.run_mean(starts, w, axis) * jnp.exp(shares) / of_shares + lowest
        return self.nan_where_invalid(order, y)

    def sort(self, order: SortedOrder) -> Array:
        """The projection of the positions onto the permutahedron of `x`."""
        check_floats(self, order)
        axis, begins, rate = order.positive_axis, order.component_begins, self.rate(order)
        positions, x = order.position.astype(order.dtype), tied(order, order.finite_values)
        if self.regularizer == "l2":
            starts = primitives.isotonic(begins, positions, x, axis, fit="l2", rate=rate)
            y = _project(starts, positions, x, rate, axis)
        else:
            # As published, -x is sorted, largest first: what is turned around rises again.
            begins = lax.rev(primitives.shifted(begins, axis, -1, True), (axis,))
            positions, x = (lax.rev(-v, (axis,)) for v in (positions, x))
            starts = primitives.isotonic(begins, positions, x, axis, fit="kl", rate=rate)
            rho, of_rho = _shares(starts, positions, rate, axis)
            shifted, of_x = _shares(starts, x, jnp.ones_like(rate), axis)
            # The logarithm of what the block has of exp(x), times the share of the position.
            y = -lax.rev(x - shifted + jnp.log(of_x) + rho - jnp.log(of_rho), (axis,))
        y = self.nan_where_invalid(order, jnp.where(order.finite, y, order.ascending))
        return (-y if order.descending else y).astype(order.values.dtype)

    def rank(self, order: SortedOrder) -> Array:
        """The projection of x onto the permutahedron of the positions, as published."""
        return order.scatter(self.spread(order, order.position.astype(order.dtype)))

    def log_neighbours(self, order: SortedOrder) -> Array:
        axis, s = order.positive_axis, order.finite_values
        w = order.position.astype(order.dtype)
        w = w if self.regularizer == "l2" else jnp.log1p(w)
        starts = primitives.isotonic(order.component_begins, s, w, axis, fit=self.regularizer, rate=self.rate(order))
        # The mean of the starts of a block is one over its size.
        return -jnp.log(primitives.run_mean(starts, starts.astype(order.dtype), axis))


def _project(starts: Array, s: Array, w: Array, rate: Array, axis: int) -> Array:
    """The point of the permutahedron of `w` that is nearest to s times the rate, both in order, from its blocks."""
    return primitives.run_mean(starts, w, axis) + primitives.run_residual(starts, s, axis) * rate


def _shares(starts: Array, x: Array, rate: Array, axis: int) -> tuple[Array, Array]:
    """`x` minus the largest of its block, times the rate, and the mean of the exponentials of that."""
    # Scaled last: a difference of scaled numbers could be rounded once where they are rounded twice.
    below = (x - lax.stop_gradient(primitives.last_of_run(starts, x, axis))) * rate
    return below, primitives.run_mean(starts, jnp.exp(below), axis)
