"""The exponential kernel sum: sums over all elements, with weights that decay exponentially with distance.

In order exp(-|x_i - x_j|) is the product of what each gap between i and j leaves of one, so a sum over all j is one linear
scan from each end: O(n), unconditionally stable and exact. It is linear in what is summed, and is its own transpose.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._jax import is_zero
from ._exponential_sum import ExponentialSum, as_attribute, negative_derivative, rates_and_weights, total
from ._linear import define_linear
from ._two_sided_scan import gaps, two_sided_scan


def kernel_sum(
    z: Float[Array, "*shape"],
    rows: Float[Array, "*shape"],
    columns: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    *,
    terms: ExponentialSum,
    odd: bool = False,
) -> Float[Array, "*shape"]:
    r"""$\sum_j \kappa(d_{ij}) v_j$, or if `odd` $\sum_j \operatorname{sign}(d_{ij}) \kappa(d_{ij}) v_j$, positive for $j < i$.

    `z` has the distance of each element from the one before it, and infinity where a component begins; its first is not read;
    $|d_{ij}|$ is the sum of those between i and j, and the sign of zero is zero. Computed in double precision. `z` has the rank
    of `v`; where it has length one and `v` has not, one row of distances serves all.

    The derivative is that of $r_i - c_j$ for $d_{ij}$, where elements that stand at `columns` are summed up at `rows`: of these
    positions, which are shaped like `z`, only the tangents count. It is again a kernel sum, of the negative derivative.
    """
    structure = [x.astype(v.dtype) for x in (z, rows, columns)]
    return _kernel_sum(*structure, v, axis=axis, terms=terms, odd=odd)


def _xla(
    z: Array, rows: Array, columns: Array, v: Array, *, axis: int, terms: ExponentialSum, odd: bool, platform: str | None
) -> list[Array]:
    if 0 in v.shape:
        return [v]
    with jax.enable_x64(True):
        _, weights = rates_and_weights(terms)
        # One after the other, as in the kernels; Python's own sum is of more digits since 3.12.
        at_zero = float(np.cumsum(np.real(weights))[-1])
        # What is level with an element has no part in an odd sum.
        counted = np.append(weights, -at_zero) if odd else weights
        add = functools.partial(total, weights=counted)
        before, after = two_sided_scan(gaps(z, axis), v, axis, add, terms=terms, levels=odd, platform=platform)
        y = before - after if odd else before + after + at_zero * v.astype(jnp.float64)
        return [y.astype(v.dtype)]


def _moved(out: Array, primals: Any, tangents: Any, *, axis: int, terms: ExponentialSum, odd: bool) -> list[Array]:
    z, rows, columns, v = primals
    _, drows, dcolumns, _ = tangents
    derivative = functools.partial(kernel_sum, z, rows, columns, axis=axis, terms=negative_derivative(terms), odd=not odd)
    parts = [] if is_zero(drows) else [-drows * derivative(v)]
    if not is_zero(dcolumns):
        parts.append(derivative(v * dcolumns))
    return parts


def _transposed(params: dict[str, Any], n: int) -> dict[str, Any]:
    """An odd sum is minus its own transpose."""
    terms = tuple((b, -w) for b, w in params["terms"]) if params["odd"] else params["terms"]
    return {**params, "terms": terms}


_kernel_sum = define_linear(
    "kernel_sum",
    xla=_xla,
    transposed=_transposed,
    accepts=lambda *avals: avals[-1].dtype.name in ("float32", "float64"),
    attributes=lambda params: {**params, "terms": as_attribute(params["terms"])},
    reads=lambda operands: [operands[0], operands[-1]],
    swapped=lambda structure: [structure[0], structure[2], structure[1]],
    moved=_moved,
)
