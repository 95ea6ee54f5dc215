"""SigmoidSum: ranks, masks and permutations by the logistic function."""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._cdf import AbstractCdfRelaxation
from ._exponentials import logistic
from .soft import as_temperature


class SigmoidSum(AbstractCdfRelaxation):
    r"""SigmoidSum: each element counts as less than another by the logistic function.

    With $C(z) = 1/(1 + e^{-z})$ the distribution function of the logistic distribution and $t$ the temperature,
    in the units of $x$, let $F(b) = \sum_j C((b - x_j)/t)$. Then

    - ranks are $r_i = F(x_i) - \tfrac12 = \sum_{j \ne i} C((x_i - x_j)/t)$,
    - the mask of the k largest is $C((x_i - b)/t)$ at the threshold with $F(b) = n - k$, and sums to $k$,
    - the operator parts the elements at all borders $F(b_i) = i$: $P_{ij} = C((b_{i+1} - x_j)/t) - C((b_i - x_j)/t)$,
      of which rows and columns sum to one; `sort` is `P @ x` and `place(w)` is `P.T @ w`.

    The logistic function is a short sum of exponentials on each side, four terms in 32 bits and nine in 64: what is a sum over all
    pairs elsewhere takes O(n log n). Ranks are those of ApproxNDCG.

    **Arguments:**

    - `temperature`: positive; a leaf, so it can be traced and learned. To 0 it gives `Exact("average")`.

    **Accuracy:** a rank is off by $\sum_{j \ne i} C(-|x_i - x_j|/t) \le \tfrac{n - 1}{2}$, and by $2 e^{-g/t}/(1 - e^{-g/t})$ if all gaps are
    $g$ at least. The sum of exponentials is off by 2e-8 of a count in 32 bits, and by 4e-14 in 64. Ranks sum to $n(n-1)/2$. Sorted values stay inside the range of $x$ and in order.

    **Ties:** equal elements have equal ranks, and a derivative each.

    **NaN:** last and by itself, as an infinity is: nothing is soft between these and numbers.

    **Cost:** one exact sort and eight complex recurrences (eighteen in 64 bits; twice that a product of the operator, and a bisection for its borders); O(n) memory. Ranks and masks are cheaper than what needs all borders.
    `.dense()` takes n^2.

    **Raises:** `ValueError` if the temperature is known and not positive and finite; ops that sort raise `TypeError` for elements
    that are not floats.

    Qin, Liu and Li, "A general approximation framework for direct optimization of information retrieval measures" (2010), there
    in O(n^2).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 2.])
        >>> print(*(f"{r:.2f}" for r in sx.rank(x, relax=sx.SigmoidSum(0.5))))
        1.86 0.14 1.00
        >>> print(*(f"{m:.2f}" for m in sx.top_k_mask(x, 2, relax=sx.SigmoidSum(0.5))))
        0.96 0.29 0.75

        ```
    """

    temperature: Float[Array, ""] = eqx.field(converter=as_temperature)

    @property
    def deviation(self) -> float:
        return math.pi / 3**0.5

    def centred(self, z: Array) -> Array:
        return jnp.tanh(z / 2) / 2

    def exponentials(self, dtype: Any) -> tuple[Array, Array]:
        return logistic(dtype)
