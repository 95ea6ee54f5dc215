"""Means over a few groups of elements, given by their numbers: what averages over ties of a few selected entries.

As a matrix each row holds 1/size at the members of its group; the transpose gives each member its share.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Inexact, Int

from ._linear import define_linear


def group_means(groups: Int[Array, "*shape"], v: Inexact[Array, "*shape"], axis: int, count: int) -> Inexact[Array, "..."]:
    """Along `axis`, the means of `v` over the elements of group 0 to `count` - 1, and 0 where a group has none."""
    return _group_means(groups, v, axis=axis, count=count, spread=False)


def _xla(groups: Array, v: Array, *, axis: int, count: int, spread: bool, platform: str | None) -> list[Array]:
    # Large groups would lose digits in single precision, and large values overflow if they were added before they are divided.
    with jax.enable_x64(True):
        wide = v.astype(jnp.complex128 if jnp.issubdtype(v.dtype, jnp.complexfloating) else jnp.float64)
        parts = [_part(groups == j, wide, axis, j, spread) for j in range(count)]
        out = functools.reduce(jnp.add, parts) if spread else jnp.concatenate(parts, axis)
        return [out.astype(v.dtype)]


def _part(member: Array, v: Array, axis: int, j: int, spread: bool) -> Array:
    """The mean of a group; or with `spread` the share of its members in entry `j`."""
    size = jnp.maximum(jnp.sum(member, axis, keepdims=True, dtype=jnp.float64), 1).astype(v.dtype)
    if spread:
        return jnp.where(member, lax.slice_in_dim(v, j, j + 1, axis=axis) / size, 0)
    mean = jnp.sum(jnp.where(member, v / size, 0), axis, keepdims=True)
    if jnp.iscomplexobj(v):
        return mean
    # Rounding up can still overflow where all members are nearly the largest number.
    overflow = jnp.isinf(mean) & ~jnp.any(member & jnp.isinf(v), axis, keepdims=True)
    return jnp.where(overflow, jnp.sign(mean) * jnp.finfo(v.dtype).max, mean)


_group_means = define_linear(
    "group_means",
    xla=_xla,
    transposed=lambda params, n: {**params, "spread": not params["spread"]},
    length=lambda params, n_groups, n: n_groups if params["spread"] else params["count"],
)
