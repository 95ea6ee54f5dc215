"""Which order statistics a quantile lies between, and how far: exact also where float32 cannot count the elements.

Definitions are those of NumPy, after Hyndman and Fan, "Sample quantiles in statistical packages" (1996).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from .. import _jax
from .._keys import wide_float
from . import _define, _sharding

# Methods that are continuous in q, as integers (a, b, c): the rank r is that of q = (a r + b) / (a n + c).
_CONTINUOUS = {
    "linear": (1, 0, -1),
    "interpolated_inverted_cdf": (1, 1, 0),
    "hazen": (2, 1, 0),
    "weibull": (1, 1, 1),
    "median_unbiased": (3, 2, 1),
    "normal_unbiased": (8, 5, 2),
}
# Methods that step: from a, c and h = (n + c / a) q, where a h is whole at every step, the ranks between which the quantile lies
# halfway.
_STEPPING: dict[str, tuple[int, int, Callable[[Array], tuple[Array, Array]]]] = {
    "lower": (1, -1, lambda h: (jnp.floor(h), jnp.floor(h))),
    "higher": (1, -1, lambda h: (jnp.ceil(h), jnp.ceil(h))),
    "nearest": (2, -2, lambda h: (jnp.round(h), jnp.round(h))),
    "midpoint": (1, -1, lambda h: (jnp.floor(h), jnp.ceil(h))),
    "inverted_cdf": (1, 0, lambda h: (jnp.ceil(h) - 1, jnp.ceil(h) - 1)),
    "averaged_inverted_cdf": (1, 0, lambda h: (jnp.ceil(h) - 1, jnp.floor(h))),
    # The nearest to n q - 1, to the even one of two when counted from 1.
    "closest_observation": (2, 0, lambda h: (jnp.round(h) - 1, jnp.round(h) - 1)),
}
METHODS = (*_CONTINUOUS, *_STEPPING)
# Those that take one element as it is.
WITHOUT_INTERPOLATION = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")


def quantile_ranks(
    q: Float[Array, "*shape"], n: Int[Array, "*shape"], method: str, scale: int
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"], Float[Array, "*shape"]]:
    """The ranks below and above the quantile `q`, from 0 to `scale`, of `n` sorted elements, and the fraction of the way.

    A rank, or a step of the method, is hit where its `q` by the formula of the method, rounded to the dtype of `q`, is the one
    given; and in double precision also where the rank of `q` is rounded to it, as in NumPy. Of several that one `q` of few bits
    is meant for, the nearest is hit. The fraction is differentiable in `q`, from above where `q` hits a rank.
    """
    lower, upper, fraction = _bind(q, n, method=method, scale=scale)
    return lower, upper, fraction


def share_of(share: np.floating, n: int | Int[Array, "*shape"]) -> Any:
    """The whole part of `share` n, which is k where k / n, rounded to the dtype of the share, is the share."""
    if isinstance(n, int):
        return int(np.floor(snapped(share, np.float64(max(n, 1)), 1, np)))
    with jax.enable_x64(True):
        q = jnp.full(n.shape, share)
    # The whole part is the upper of the ranks between which this method lies.
    return quantile_ranks(q, n, "averaged_inverted_cdf", 1)[1]


def divisors(total: Array, scale: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Both as arrays of the shape of what they divide: XLA would multiply by the reciprocal of one number, and round twice."""
    wide = (jnp.broadcast_to(total, shape), jnp.full(shape, scale, jnp.float64))
    total, factor = lax.optimization_barrier(wide)
    return total, factor


def snapped(q: Any, total: Any, scale: Any, xp: Any, a: int = 1, b: int = 0) -> Any:
    """The rank r of q = scale (a r + b) / total, in double precision and NumPy or JAX, which `q` hits as above."""
    rank = (total * q.astype(xp.float64) / scale - b) / a
    nearest = xp.round(rank)
    meant = (scale * (a * nearest + b) / total).astype(q.dtype) == q
    # In the middle between two ranks `q` is meant for neither.
    return xp.where(meant & (xp.abs(rank - nearest) < 0.5), nearest, rank)


def _bind(q: Array, n: Array, **params: Any) -> list[Array]:
    return quantile_ranks_p.bind(*_sharding.align(q, n), **params)


def _shape(q: Any, n: Any, **params: Any) -> list[Any]:
    rank = q.update(dtype=n.dtype, weak_type=False)
    return [rank, rank, q.update(dtype=wide_float(q.dtype), weak_type=False)]


def _xla(q: Array, n: Array, *, method: str, scale: int, platform: str | None) -> list[Array]:
    with jax.enable_x64(True):
        count, dtype = n.astype(jnp.float64), wide_float(q.dtype)
        last = jnp.maximum(count - 1, 0)
        q = jnp.where((q >= 0) & (q <= scale), q, 0)
        if method in _CONTINUOUS:
            a, b, c = _CONTINUOUS[method]
            rank = snapped(q, *divisors(jnp.maximum(a * count + c, 1), scale, q.shape), jnp, a, b)
            lower, upper = jnp.floor(rank), jnp.floor(rank) + 1
            # Also in fewer bits, a rank that is not hit does not seem to be.
            fraction = jnp.minimum((rank - lower).astype(dtype), 1 - float(jnp.finfo(dtype).epsneg))
            fraction = jnp.where((rank > 0) & (rank < last), fraction, 0)
        else:
            a, c, ranks = _STEPPING[method]
            lower, upper = ranks(snapped(q, *divisors(jnp.maximum(a * count + c, 1), scale, q.shape), jnp) / a)
            lower, upper = jnp.maximum(lower, 0), jnp.minimum(upper, last)
            fraction = jnp.where(lower < upper, 0.5, 0).astype(dtype)
        return [*(jnp.clip(rank, 0, last).astype(n.dtype) for rank in (lower, upper)), fraction]


def _jvp(primals: Any, tangents: Any, *, method: str, scale: int) -> Any:
    (q, n), (dq, _) = primals, tangents
    lower, upper, fraction = _bind(q, n, method=method, scale=scale)
    still = [_jax.zero_tangent(rank) for rank in (lower, upper)]
    if _jax.is_zero(dq) or method not in _CONTINUOUS:
        return [lower, upper, fraction], [*still, _jax.zero_tangent(fraction)]
    a, _, c = _CONTINUOUS[method]
    slope = (n.astype(fraction.dtype) + np.asarray(c / a, fraction.dtype)) / np.asarray(scale, fraction.dtype)
    return [lower, upper, fraction], [*still, slope * dq.astype(fraction.dtype)]


def _batch(operands: Any, dims: Any, *, method: str, scale: int) -> Any:
    return _bind(*_define.batched_at(0, operands, dims), method=method, scale=scale), [0, 0, 0]


quantile_ranks_p = _define.define("sortax_quantile_ranks", shape=_shape, xla=_xla)
_jax.set_rules(quantile_ranks_p, jvp=_jvp, batch=_batch)
