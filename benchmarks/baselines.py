"""What users of JAX, NumPy and SciPy write today for ops that these do not have as one call."""

import jax
import jax.numpy as jnp
from jax import Array, lax


def segment_sort(x: Array, ids: Array, num_segments: int) -> Array:
    return lax.sort((ids, x), num_keys=2)[1]


def segment_median(x: Array, ids: Array, num_segments: int) -> Array:
    ids, x = lax.sort((ids, x), num_keys=2)
    sizes = jax.ops.segment_sum(jnp.ones_like(ids), ids, num_segments)
    start = jnp.cumsum(sizes) - sizes
    return (x[start + (sizes - 1) // 2] + x[start + sizes // 2]) / 2


def quantile(x: Array, q: tuple[float, ...]) -> Array:
    return jnp.quantile(x, jnp.array(q))


def rank(x: Array) -> Array:
    return jax.scipy.stats.rankdata(x)
