"""Ranks, from the places of the first and the last of all equal elements; integers, which have no derivative."""

import functools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Real, Shaped

from .._keys import wide_float
from ._ordering import FIRST, INDICES, INVERSE, LAST, VALUES
from .gather import permute
from .sort import sort, starts

_PLACES = {"min": FIRST, "max": LAST, "ordinal": INVERSE}
RANK_METHODS = ("average", *_PLACES, "dense")


def rank(
    x: Shaped[Array, "*shape"], axis: int, *, method: str, descending: bool, segments: Int[Array, "*shape"] | None
) -> Real[Array, "*shape"]:
    """Ranks from 0, each inside its own segment: floats for the average of equal elements, otherwise integers."""
    ask = functools.partial(sort, x, axis, segments=segments, descending=descending)
    before = 0 if segments is None else sort(segments, axis, outputs=(FIRST,))[0]
    if method in _PLACES:
        return ask(outputs=(_PLACES[method],))[0] - before
    if method == "dense":
        values, indices = ask(outputs=(VALUES, INDICES))
        return _dense(values, indices, segments, axis)
    first, last = ask(outputs=(FIRST, LAST))
    dtype = wide_float(x.dtype)
    between = last - first
    return (first - before + between // 2).astype(dtype) + (between % 2).astype(dtype) / 2


def _dense(values: Array, indices: Array, segments: Array | None, axis: int) -> Array:
    keys = [values] if segments is None else [permute(indices, segments, axis), values]
    groups = jnp.cumsum(starts(keys, axis), axis, dtype=indices.dtype)
    # All groups so far, minus those up to and with the first of the segment.
    opened = lax.cummax(jnp.where(starts(keys[:-1], axis), groups, 1), axis) if segments is not None else 1
    return permute(indices, groups - opened, axis, transpose=True)
