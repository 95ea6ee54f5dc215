"""The largest element so far: which it is, among equal ones, and where it changes. Integers, which have no derivative."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int, Shaped

from .._keys import order_keys
from .linear_scan import shifted


def running_max(
    keys: Sequence[Shaped[Array, "*shape"]], axis: int, *, smallest: bool
) -> tuple[Bool[Array, "*shape"], Bool[Array, "*shape"]]:
    """Of each element whether it is the largest so far by `keys`, most significant first, and whether it is larger than all before.

    With `smallest` it is the smallest. NaN is larger, or smaller, than every number.
    """
    is_largest = jnp.ones(keys[0].shape, bool)
    begins = lax.broadcasted_iota(jnp.int32, keys[0].shape, axis) == 0
    for number, part in enumerate(part for key in keys for part in _parts(key, smallest)):
        candidates = jnp.where(is_largest, part, jnp.zeros_like(part))
        largest = lax.cummax(candidates, axis) if number == 0 else _of_runs(begins, candidates, axis)
        is_largest &= part == largest
        begins |= largest != shifted(largest, axis, 1)
    return is_largest, begins


def last_index(which: Bool[Array, "*shape"], axis: int) -> Int[Array, "*shape"]:
    """The index of the last element so far that is one of `which`, as the first is."""
    index = lax.broadcasted_iota(jnp.int32, which.shape, axis)
    return lax.cummax(jnp.where(which, index, 0), axis)


def _parts(key: Array, smallest: bool) -> list[Array]:
    parts = order_keys(key)
    if not smallest:
        return [*parts]
    # The key of NaN is the largest, and stays so.
    is_nan = jnp.isnan(key) if jnp.issubdtype(key.dtype, jnp.inexact) else jnp.zeros(key.shape, bool)
    return [jnp.where(is_nan, part, ~part) for part in parts]


def _of_runs(begins: Array, x: Array, axis: int) -> Array:
    """The largest element since a run began."""

    def larger(earlier: tuple[Array, Array], later: tuple[Array, Array]) -> tuple[Array, Array]:
        (begun, x), (begins, y) = earlier, later
        return begun | begins, jnp.where(begins, y, jnp.maximum(x, y))

    return lax.associative_scan(larger, (begins, x), axis=axis)[1]
