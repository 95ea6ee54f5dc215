"""The mean over runs of a sorted array, which averages over every way to order equal elements, and what it leaves.

A run is a group of equal neighbours, given by a boolean array that is True where a run starts. As a matrix the mean
is symmetric, so the primitive is its own transpose as well as its own JVP.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Inexact

from .. import _native
from ._linear import define_linear
from .linear_scan import shifted


def run_mean(start: Bool[Array, "*shape"], v: Inexact[Array, "*shape"], axis: int) -> Inexact[Array, "*shape"]:
    """Each element of `v` replaced by the mean of its run: symmetric, idempotent, doubly stochastic."""
    return _run_mean(start, v, axis=axis, residual=False)


def run_residual(start: Bool[Array, "*shape"], v: Inexact[Array, "*shape"], axis: int) -> Inexact[Array, "*shape"]:
    """Each element of `v` minus the mean of its run, rounded once; 0 for a run of one."""
    return _run_mean(start, v, axis=axis, residual=True)


def _run_mean_xla(start: Array, v: Array, *, axis: int, residual: bool, platform: str | None) -> list[Array]:
    if 0 in v.shape:
        return [v]
    # Long runs would lose digits in single precision, and large ones overflow.
    with jax.enable_x64(True):
        wide = jnp.complex128 if jnp.issubdtype(v.dtype, jnp.complexfloating) else jnp.float64
        # What is to be subtracted is not rounded before.
        x = v.astype(wide) if residual else v
        mean = jnp.moveaxis(_mean_of_runs(jnp.moveaxis(start, axis, -1), jnp.moveaxis(x, axis, -1), wide), -1, axis)
        if not residual:
            return [mean]
        place = lax.broadcasted_iota(jnp.int32, start.shape, axis)
        first = start | (place == 0)
        alone = first & shifted(first, axis, -1, True)
        return [jnp.where(alone, 0, x - mean).astype(v.dtype)]


def _mean_of_runs(start: Array, v: Array, wide: DTypeLike) -> Array:
    if v.ndim > 1:
        shared = start.shape[0] != v.shape[0]
        row = functools.partial(_mean_of_runs, wide=wide)
        return jax.vmap(row, (None if shared else 0, 0))(start[0] if shared else start, v)
    run = jnp.cumsum(start, dtype=jnp.int32) - 1

    def total(x: Array) -> Array:
        return jax.ops.segment_sum(x, run, v.size, indices_are_sorted=True)

    # Runs that there are not have no elements, and are not read.
    count = jnp.maximum(total(jnp.ones_like(run)), 1).astype(wide)
    if v.dtype != wide:
        # No sum of narrow numbers overflows.
        return (total(v.astype(wide)) / count).astype(v.dtype)[run]
    mean = total(v / count[run])
    # Rounding up can still overflow where all of a run are the largest number, and so each is the mean.
    overflow = ~jnp.isfinite(mean) & (total((~jnp.isfinite(v)).astype(jnp.int32)) == 0)
    return jnp.where(overflow[run], v, mean[run])


_run_mean = define_linear(
    "run_mean", xla=_run_mean_xla, transposed=lambda params, n: params, accepts=lambda start, v: v.dtype in _native.INEXACT
)
