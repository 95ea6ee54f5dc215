"""The flow primitive: sums along a line, with weights that fall off exponentially with distance.

In order exp(-|x_i - x_j|) is the product of what each gap between i and j leaves of one, so a sum over all j is one linear
recurrence from each end: O(n), unconditionally stable and exact. It is linear in what is summed, and its transpose flows the
other way.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Inexact

from ._define import is_zero
from ._linear import define_linear
from .recurrence import inflow, recurrence

Terms = tuple[tuple[complex, complex], ...]
"""A function of distance d, Re sum of w exp(-b d), as pairs of b and w."""

FAR = 750.0
"""Of one, nothing is left after so many temperatures, in double precision."""


def flow(
    z: Float[Array, "*shape"],
    rows: Float[Array, "*shape"],
    columns: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    *,
    terms: Terms,
    reverse: bool = False,
) -> Float[Array, "*shape"]:
    r"""$\sum_{j < i} \kappa(d_{ij}) v_j$, or with `reverse` over $j > i$; $d_{ij}$ is the sum of the `z` between j and i.

    `z` has the distance of each element from the one before it, and infinity where nothing flows; its first is not read. Elements
    at distance zero share: each has half of what all of them, itself included, have, so that the sum of both directions has
    all of it and their difference nothing. Computed in double precision. `z` has the rank of `v`; where it has length one and
    `v` has not, one row of distances serves all.

    The derivative is that of $|r_i - c_j|$ for $d_{ij}$, where elements that stand at `columns` are summed up at `rows`: of these
    positions, which are shaped like `z`, only the tangents count. It is again a flow, of steeper terms.
    """
    structure = [x.astype(v.dtype) for x in (z, rows, columns)]
    return _flow(*structure, v, axis=axis, terms=terms, reverse=reverse)


def steeper(terms: Terms) -> Terms:
    """Less the derivative of the function of these."""
    return tuple((b, w * b) for b, w in terms)


def as_attribute(terms: Terms) -> np.ndarray:
    """As the kernels take them: four numbers each."""
    return np.asarray(terms, np.complex128).reshape(-1).view(np.float64)


def rates_and_weights(terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    """As arrays, real where all are."""
    numbers = np.asarray(terms, np.complex128)
    numbers = numbers.real if not numbers.imag.any() else numbers
    return numbers[:, 0], numbers[:, 1]


def at_rates(d: Float[Array, "*shape"], rates: np.ndarray) -> Inexact[Array, "*shape terms"]:
    """Distances times each rate."""
    return d[..., None].astype(rates.dtype) * rates.reshape((1,) * d.ndim + (-1,))


def fallen(d: Float[Array, "*shape"], terms: Terms) -> Inexact[Array, "*shape terms"]:
    """What each of these exponentials leaves of one at these distances."""
    rates, _ = rates_and_weights(terms)
    far = d * np.real(rates).max() > FAR
    return jnp.where(far[..., None], 0, jnp.exp(-at_rates(jnp.where(far, 0, d), rates)))


def gaps(z: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """The distances in double precision, with nothing flowing into the first."""
    first = lax.broadcasted_iota(jnp.int32, z.shape, axis) == 0
    return jnp.where(first, jnp.inf, z.astype(jnp.float64))


def total(x: Inexact[Array, "*shape terms"], weights: np.ndarray) -> Float[Array, "*shape"]:
    """The sum over the terms with these weights, of which the real part counts."""
    return jnp.real(jnp.sum(x * weights.reshape((1,) * (x.ndim - 1) + (-1,)).astype(x.dtype), -1))


def spread(v: Float[Array, "*shape"], decay: Inexact[Array, "*shape terms"]) -> Inexact[Array, "*shape terms"]:
    """`v`, once for each term."""
    return jnp.broadcast_to(v[..., None], (*v.shape, decay.shape[-1])).astype(decay.dtype)


def _xla(z: Array, v: Array, *, axis: int, terms: Terms, reverse: bool, platform: str | None) -> list[Array]:
    if 0 in v.shape:
        return [v]
    with jax.enable_x64(True):
        d, wide = gaps(z, axis), v.astype(jnp.float64)
        _, weights = rates_and_weights(terms)
        # Along a run of equal elements all is kept: one more term counts those of the run.
        decay = fallen(d, terms)
        decay = jnp.concatenate([decay, (d == 0)[..., None].astype(decay.dtype)], -1)
        arrived = inflow(decay, recurrence(decay, spread(wide, decay), axis, reverse=reverse), axis, reverse=reverse)
        # One after another, as the kernels do.
        half = sum(np.real(weights).tolist()) / 2
        own, before = (d == 0).astype(jnp.float64), jnp.real(arrived[..., -1])
        after = inflow(own, recurrence(own, wide, axis, reverse=not reverse), axis, reverse=not reverse)
        return [total(arrived[..., :-1], weights) + half * (wide + (after - before))]


def _lowered(z: Array, rows: Array, columns: Array, v: Array, **params: Any) -> list[Array]:
    return [y.astype(v.dtype) for y in _xla(z, v, **params)]


def _moved(primals: Any, tangents: Any, *, axis: int, terms: Terms, reverse: bool) -> list[Array]:
    z, rows, columns, v = primals
    _, drows, dcolumns, _ = tangents
    steep = functools.partial(flow, z, rows, columns, axis=axis, terms=steeper(terms), reverse=reverse)
    away = 1 if reverse else -1
    parts = []
    if not is_zero(drows):
        parts.append(away * (drows * steep(v)))
    if not is_zero(dcolumns):
        # The sign is on this side, so that the transpose flows from what that of the values does, where that is as steep.
        parts.append(steep(v * (-away * dcolumns)))
    return parts


_flow = define_linear(
    "flow",
    xla=_lowered,
    transposed=lambda params, n: {**params, "reverse": not params["reverse"]},
    accepts=lambda v: v.dtype.name in ("float32", "float64"),
    attributes=lambda params: {**params, "terms": as_attribute(params["terms"])},
    reads=lambda operands: [operands[0], operands[-1]],
    swapped=lambda structure: [structure[0], structure[2], structure[1]],
    moved=_moved,
)
