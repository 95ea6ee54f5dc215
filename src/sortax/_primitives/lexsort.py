"""Sorting by several keys, one stable pass each."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Int, Shaped

from .gather import permute
from .sort import argsort, starts


def lexsort(keys: Sequence[Shaped[Array, "*shape"]], axis: int, *, descending: Sequence[bool]) -> Int[Array, "*shape"]:
    """Indices that sort by `keys`, most significant first, each in its own direction: one stable pass a key, the last first."""
    *more, last = zip(keys, descending, strict=True)
    order = argsort(last[0], axis, descending=last[1])
    for key, falls in reversed(more):
        order = permute(argsort(permute(order, key, axis), axis, descending=falls), order, axis)
    return order


def groups_of(
    keys: Sequence[Shaped[Array, "*shape"]], indices: Int[Array, "*shape"], axis: int
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"]]:
    """Numbers, ascending in the order of these indices, of what has the same `keys`: of each element, and in order."""
    begins = starts([permute(indices, key, axis) for key in keys], axis)
    in_order = jnp.cumsum(begins, axis, dtype=jnp.int32)
    return permute(indices, in_order, axis, transpose=True), in_order
