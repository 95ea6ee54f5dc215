"""SigmoidSum: ranks, masks and permutations by the logistic function."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from .cdf import AbstractCdfRelaxation, Distribution
from .exponentials import logistic
from .soft import Temperature, as_temperature


class SigmoidSum(AbstractCdfRelaxation):
    r"""SigmoidSum: each element counts as less than another by the logistic function.

    With $C(z) = 1/(1 + e^{-z})$, the temperature $t$ in the units of $x$ and $F(b) = \sum_j C((b - x_j)/t)$,

    - ranks are $r_i = F(x_i) - \tfrac12 = \sum_{j \ne i} C((x_i - x_j)/t)$, as ApproxNDCG has them,
    - the mask of the k largest is $C((x_i - b)/t)$ at the threshold with $F(b) = n - k$, and sums to $k$,
    - the operator has the mass of each element in the bins between the edges $F(b_i) = i$:
      $P_{ij} = C((b_{i+1} - x_j)/t) - C((b_i - x_j)/t)$. Rows and columns sum to one, and `sort` is `P @ x`.

    On each side of zero the function is a short sum of exponentials, four terms in 32 bits and nine in 64, so that what is a sum
    over all pairs elsewhere takes O(n log n).

    **Arguments:**

    - `temperature`: positive, in the units of `x`. A Python number stays a number; an array is a parameter, and may have one entry
      a row. In the limit of 0 it gives `Exact("average")`.

    **Accuracy:** a rank is off by $(n - 1)/2$ at most, and by $e^{-g/t} / (1 - e^{-g/t})$ if all gaps are $g$ at least. The sum of
    exponentials is off by 2e-8 of a count in 32 bits, and by 4e-14 in 64. Ranks sum to $n(n-1)/2$; sorted values stay inside the
    range of $x$ and in order.

    **Ties:** equal elements have equal ranks, and a derivative each.

    **NaN:** last and by itself, as an infinity is: nothing is soft between these and numbers.

    **Cost:** one exact sort and eight linear scans, some of them complex, eighteen in 64 bits; for the operator as many a product,
    and a few steps of iteration for its edges. O(n) memory; `.dense()` takes n^2.

    **Raises:** `ValueError` if the temperature is known and not positive and finite (where it is traced, results are NaN); ops
    that sort raise `TypeError` for elements that are not floats.

    Qin, Liu and Li, "A general approximation framework for direct optimization of information retrieval measures" (2010), there
    in O(n^2).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> ranks = sx.rank(jnp.array([3., 1., 2.]), relax=sx.SigmoidSum(0.5))
        >>> print(*(f"{r:.2f}" for r in ranks))
        1.86 0.14 1.00

        ```
    """

    temperature: Temperature = eqx.field(converter=as_temperature)

    @property
    def distribution(self) -> Distribution:
        return _LOGISTIC


_LOGISTIC = Distribution(
    tail=logistic,
    centred=lambda z: jnp.tanh(z / 2) / 2,
    log_below=jax.nn.log_sigmoid,
    log_between=lambda lower, upper, width: (
        jax.nn.log_sigmoid(upper) + jax.nn.log_sigmoid(-lower) + jnp.log(-jnp.expm1(-width))
    ),
    deviation=math.pi / 3**0.5,
)
