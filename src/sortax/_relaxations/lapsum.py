"""LapSum: ranks, masks and permutations by the distribution function of Laplace."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .cdf import AbstractCdfRelaxation, Distribution
from .exponentials import EXPONENTIAL
from .soft import Temperature, as_temperature


class LapSum(AbstractCdfRelaxation):
    r"""LapSum: each element counts as less than another by the distribution function of Laplace.

    With $C(z) = \tfrac12 e^z$ below zero and $1 - \tfrac12 e^{-z}$ above, and the temperature $t$ in the units of $x$, let
    $F(b) = \sum_j C((b - x_j)/t)$. Then

    - ranks are $r_i = F(x_i) - \tfrac12 = \sum_{j \ne i} C((x_i - x_j)/t)$,
    - the mask of the k largest is $C((x_i - b)/t)$ at the threshold with $F(b) = n - k$, and sums to $k$,
    - the operator has the mass of each element in the bins between the edges $F(b_i) = i$:
      $P_{ij} = C((b_{i+1} - x_j)/t) - C((b_i - x_j)/t)$. Rows and columns sum to one, and `sort` is `P @ x`.

    Between two elements $F$ is two exponentials, so that an edge is the inverse of a hyperbolic sine.

    **Arguments:**

    - `temperature`: positive, in the units of `x`. A Python number stays a number; an array is a parameter, and may have one entry
      a row. In the limit of 0 it gives `Exact("average")`.

    **Accuracy:** a rank is off by $(n - 1)/2$ at most, and by $\tfrac12 e^{-g/t} / (1 - e^{-g/t})$ if all gaps are $g$ at least.
    Ranks sum to $n(n-1)/2$. Sorted values stay inside the range of $x$ and in order. Sums are accumulated, and edges found, in
    double precision: 32-bit results are within 1e-5 of 64-bit ones at a million elements.

    **Ties:** equal elements have equal ranks, and a derivative each.

    **NaN:** last and by itself, as an infinity is: nothing is soft between these and numbers.

    **Cost:** one exact sort and two linear scans, and for the operator the edges and two linear scans a product; O(n) memory.
    Ranks need no edge, and masks without `where` only one. `.dense()` takes n^2.

    **Raises:** `ValueError` if the temperature is known and not positive and finite (where it is traced, results are NaN); ops
    that sort raise `TypeError` for elements that are not floats.

    Struski, Bednarczyk, Podolak and Tabor, "LapSum - one method to differentiate them all: ranking, sorting and top-k
    selection" (2025).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 2.])
        >>> print(*(f"{r:.2f}" for r in sx.rank(x, relax=sx.LapSum(0.5))))
        1.92 0.08 1.00
        >>> print(*(f"{m:.2f}" for m in sx.top_k_mask(x, 2, relax=sx.LapSum(0.5))))
        0.98 0.20 0.83

        ```
    """

    temperature: Temperature = eqx.field(converter=as_temperature)

    @property
    def distribution(self) -> Distribution:
        return _LAPLACE


def _centred(z: Array) -> Array:
    # By the sides, and not by the absolute value, which would have no derivative at zero.
    beyond = -jnp.expm1(-jnp.where(z >= 0, z, -z)) / 2
    return jnp.where(z >= 0, beyond, -beyond)


def _log_between(lower: Array, upper: Array, width: Array) -> Array:
    # By symmetry most of it lies above zero, where all of it falls off alike, or zero is inside.
    low, high = jnp.where(lower + upper < 0, -upper, lower), jnp.where(lower + upper < 0, -lower, upper)
    aside = low >= 0
    beyond = jnp.log(-jnp.expm1(-width)) - jnp.where(aside, low, 0)
    around = jnp.log(-jnp.expm1(-jnp.where(aside, 1, high)) - jnp.expm1(jnp.where(aside, -1, low)))
    return jnp.where(aside, beyond, around) - math.log(2)


def _log_below(z: Array) -> Array:
    below, above = jnp.where(z < 0, z, 0), jnp.where(z < 0, 0, z)
    return jnp.where(z < 0, below - math.log(2), jnp.log1p(-jnp.exp(-above) / 2))


_LAPLACE = Distribution(
    tail=lambda dtype: tuple((b, w / 2) for b, w in EXPONENTIAL),
    centred=_centred,
    log_below=_log_below,
    log_between=_log_between,
    deviation=2**0.5,
)
