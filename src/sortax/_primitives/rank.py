"""Ranks, from the places of the first and the last of all equal elements; integers, which have no derivative."""

import functools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Real, Shaped

from .._keys import wide_float
from ._ordering import FIRST, INDICES, INVERSE, LAST, VALUES
from .sort import sort, starts
from .take import permute

_PLACES = {"min": FIRST, "max": LAST, "ordinal": INVERSE}
RANK_METHODS = ("average", *_PLACES, "dense")


def places(
    shape: tuple[int, ...], axis: int, segments: Int[Array, "*shape"] | None, *, from_end: bool = False
) -> Int[Array, "*shape"]:
    """0, 1, 2, ... along `axis`, and in each segment anew where these are in order; or so from the end of each."""
    place = lax.broadcasted_iota(jnp.int32, shape, axis)
    if segments is None:
        return shape[axis] - 1 - place if from_end else place
    border, order = sort(segments, axis, outputs=(LAST if from_end else FIRST, INDICES))
    border = permute(order, border, axis).astype(jnp.int32)
    return border - place if from_end else place - border


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
    # All groups so far, less those up to and with the first of the segment.
    opened = lax.cummax(jnp.where(starts(keys[:-1], axis), groups, 1), axis) if segments is not None else 1
    return permute(indices, groups - opened, axis, transpose=True)
