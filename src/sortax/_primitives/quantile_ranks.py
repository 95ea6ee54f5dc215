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
from . import _define, _sharding
from ._ordering import index_dtype

# Methods that are continuous in q, by their plotting positions (alpha, beta): the rank is n q + alpha + (1 - alpha - beta) q - 1.
CONTINUOUS = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
# Methods that step: from (n - 1) q and n q, ranks between which the quantile lies halfway.
_STEPPING: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "lower": lambda rank, mass: (jnp.floor(rank), jnp.floor(rank)),
    "higher": lambda rank, mass: (jnp.ceil(rank), jnp.ceil(rank)),
    "nearest": lambda rank, mass: (jnp.round(rank), jnp.round(rank)),
    "midpoint": lambda rank, mass: (jnp.floor(rank), jnp.ceil(rank)),
    "inverted_cdf": lambda rank, mass: (jnp.ceil(mass) - 1, jnp.ceil(mass) - 1),
    "averaged_inverted_cdf": lambda rank, mass: (jnp.ceil(mass) - 1, jnp.floor(mass)),
    # The nearest to n q - 1, to the even one of two when counted from 1.
    "closest_observation": lambda rank, mass: (jnp.round(mass) - 1, jnp.round(mass) - 1),
}
METHODS = (*CONTINUOUS, *_STEPPING)
WHOLE = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")  # which take one element as it is


def quantile_ranks(
    q: Float[Array, "*shape"], n: Int[Array, "*shape"], method: str
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"], Float[Array, "*shape"]]:
    """The ranks below and above the quantile `q` of `n` sorted elements, and the fraction of the way between them.

    The fraction is differentiable in `q`, from above where `q` hits a rank.
    """
    lower, upper, fraction = _bind(q, n, method=method)
    return lower, upper, fraction


def weighted_ranks(
    weights: Float[Array, "*shape"], q: Float[Array, "*ranks"], axis: int, method: str
) -> tuple[Int[Array, "*ranks"], Int[Array, "*ranks"], Float[Array, "*ranks"]]:
    """The same among sorted elements that count with `weights`, of which some are positive and none negative; constants."""
    weights, q = _sharding.align(lax.stop_gradient(weights), lax.stop_gradient(q))
    return tuple(weighted_ranks_p.bind(weights, q, axis=axis, method=method))


def share_of(q: Float[Array, "*shape"], n: Int[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The whole part of q n."""
    return _bind(q, n + 1, method="lower")[0]


def _bind(q: Array, n: Array, *, method: str) -> list[Array]:
    return quantile_ranks_p.bind(*_sharding.align(q, n), method=method)


def _shape(q: Any, n: Any, *, method: str) -> list[Any]:
    rank = q.update(dtype=n.dtype, weak_type=False)
    return [rank, rank, q.update(weak_type=False)]


def _xla(q: Array, n: Array, *, method: str, platform: str | None) -> list[Array]:
    with jax.enable_x64(True):
        count, share = n.astype(jnp.float64), q.astype(jnp.float64)
        last = jnp.maximum(count - 1, 0)
        if method in CONTINUOUS:
            alpha, beta = CONTINUOUS[method]
            rank = last * share if method == "linear" else count * share + (alpha + share * (1 - alpha - beta)) - 1
            rank = jnp.clip(rank, 0, last)
            lower, upper, fraction = jnp.floor(rank), jnp.floor(rank) + 1, rank - jnp.floor(rank)
        else:
            lower, upper = _STEPPING[method](_snap(last * share, q.dtype), _snap(count * share, q.dtype))
            lower, upper = jnp.clip(lower, 0, last), jnp.clip(upper, 0, last)
            fraction = jnp.where(lower < upper, 0.5, 0.0)
        return [lower.astype(n.dtype), jnp.minimum(upper, last).astype(n.dtype), fraction.astype(q.dtype)]


def _snap(rank: Array, dtype: Any) -> Array:
    """A step is meant to be hit where the quantile, as rounded to float32, says so: 0.1 of 10 elements is one.

    In double precision the product is rounded as in NumPy.
    """
    if dtype == jnp.float64:
        return rank
    near = jnp.round(2 * rank) / 2
    return jnp.where(jnp.abs(rank - near) <= float(jnp.finfo(dtype).eps) * near, near, rank)


def _jvp(primals: Any, tangents: Any, *, method: str) -> Any:
    (q, n), (dq, _) = primals, tangents
    lower, upper, fraction = _bind(q, n, method=method)
    still = [_jax.zero_tangent(rank) for rank in (lower, upper)]
    if _jax.is_zero(dq) or method not in CONTINUOUS:
        return [lower, upper, fraction], [*still, _jax.zero_tangent(fraction)]
    alpha, beta = CONTINUOUS[method]
    slope = n.astype(q.dtype) + np.asarray(1 - alpha - beta, q.dtype)
    before_first = q * slope + np.asarray(alpha - 1, q.dtype) < 0
    return [lower, upper, fraction], [*still, jnp.where(before_first, 0, slope * dq)]


def _batch(operands: Any, dims: Any, *, method: str) -> Any:
    return _bind(*_define.batched_at(0, operands, dims), method=method), [0, 0, 0]


quantile_ranks_p = _define.define("sortax_quantile_ranks", shape=_shape, xla=_xla)
_jax.set_rules(quantile_ranks_p, jvp=_jvp, batch=_batch)


def _weighted_shape(weights: Any, q: Any, *, axis: int, method: str) -> list[Any]:
    _sharding.require_unsharded("sorting", weights, axis)
    rank = q.update(dtype=jnp.dtype(index_dtype(weights.shape[axis])), weak_type=False)
    return [rank, rank, q.update(weak_type=False)]


def _weighted_xla(weights: Array, q: Array, *, axis: int, method: str, platform: str | None) -> list[Array]:
    n = weights.shape[axis]
    with jax.enable_x64(True):
        mass = jnp.cumsum(weights.astype(jnp.float64), axis)
        total = lax.slice_in_dim(mass, n - 1, n, axis=axis)
        target = q.astype(jnp.float64) * total
        # What the rounding of q, or of the sum of the weights, may hide.
        slack = target * float(max(jnp.finfo(q.dtype).eps, 64 * jnp.finfo(jnp.float64).eps))

        def before(falls_short: Callable[[Array], Array]) -> Array:
            """How many elements do not reach the target with all before them, for each target."""
            return jnp.moveaxis(jnp.sum(falls_short(jnp.expand_dims(mass, -1)), axis, dtype=jnp.int64), -1, axis)

        low, high, everything = (
            jnp.expand_dims(jnp.moveaxis(t, axis, -1), axis) for t in (target - slack, target + slack, total)
        )
        # Elements that weigh nothing are passed over, at either end as well.
        last = before(lambda mass: mass < everything)
        lower = jnp.maximum(before(lambda mass: mass < low), before(lambda mass: mass <= 0))
        upper = jnp.clip(before(lambda mass: mass <= high), lower, last) if method == "averaged_inverted_cdf" else lower
        dtype = index_dtype(n)
        return [lower.astype(dtype), upper.astype(dtype), jnp.where(lower < upper, 0.5, 0.0).astype(q.dtype)]


def _weighted_batch(operands: Any, dims: Any, *, axis: int, method: str) -> Any:
    return weighted_ranks_p.bind(*_define.batched_at(0, operands, dims), axis=axis + 1, method=method), [0, 0, 0]


weighted_ranks_p = _define.define("sortax_weighted_ranks", shape=_weighted_shape, xla=_weighted_xla)
_jax.set_rules(weighted_ranks_p, batch=_weighted_batch)
