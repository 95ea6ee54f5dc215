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
        shares = []
        for j in range(count):
            member = groups == j
            size = jnp.sum(member, axis, keepdims=True, dtype=jnp.float64)
            share = wide if not spread else lax.slice_in_dim(wide, j, j + 1, axis=axis)
            shares.append(jnp.where(member, share / jnp.asarray(jnp.maximum(size, 1), wide.dtype), 0))
        out = (
            functools.reduce(jnp.add, shares)
            if spread
            else jnp.concatenate([jnp.sum(s, axis, keepdims=True) for s in shares], axis)
        )
        return [out.astype(v.dtype)]


_group_means = define_linear(
    "group_means",
    xla=_xla,
    transposed=lambda params, n: {**params, "spread": not params["spread"]},
    length=lambda params, n_groups, n: n_groups if params["spread"] else params["count"],
)
