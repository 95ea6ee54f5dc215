"""The sort primitive: values, indices, inverse and ranks of one stable sort, each only if it is asked for."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, Shaped

from .._checks import exceeds
from .._keys import order_keys
from ._ordering import FIRST, INDICES, INVERSE, LAST, VALUES, define_ordering, index_dtype
from .gather import permute


def sort(
    x: Shaped[Array, "*shape"],
    axis: int,
    *,
    segments: Int[Array, "*shape"] | None = None,
    descending: bool = False,
    reverse_ties: bool = False,
    ties: str = "stable",
    outputs: Sequence[str] = (VALUES,),
) -> list[Array]:
    """Stable sort of `x` along the non-negative `axis`: the arrays named in `outputs`, in that order.

    `first` and `last` are, for each element of `x`, the places in sorted order of the first and the last equal to it.
    `segments` come first in the order, ascending, and elements of different ones are not equal. `ties` says how the
    values differentiate where elements are equal; see `sortax.Exact`. With `reverse_ties` equal elements stand in reverse
    order, and values, indices and the inverse may be asked for.
    """
    if reverse_ties:
        # It is the stable order of the other direction, read from its end.
        ids, n = None if segments is None else ~segments, x.shape[axis]
        found = sort(x, axis, segments=ids, descending=not descending, ties=ties, outputs=outputs)
        return [n - 1 - y if name == INVERSE else jnp.flip(y, axis) for name, y in zip(outputs, found, strict=True)]
    operands = (x,) if segments is None else (x, segments)
    return _sort(*operands, axis=axis, descending=descending, ties=ties, outputs=outputs)


def argsort(
    x: Shaped[Array, "*shape"], axis: int, *, segments: Int[Array, "*shape"] | None = None, descending: bool = False
) -> Int[Array, "*shape"]:
    return sort(x, axis, segments=segments, descending=descending, outputs=(INDICES,))[0]


def invert(order: Int[Array, "*shape"], axis: int) -> Int[Array, "*shape"]:
    """The inverse of a permutation along `axis`, in O(n): argsort(argsort(x)) without a second sort."""
    return permute(order, lax.broadcasted_iota(order.dtype, order.shape, axis), axis, transpose=True)


def starts(keys: Sequence[Shaped[Array, "*shape"]], axis: int) -> Bool[Array, "*shape"]:
    """Where a run of equal elements starts, in arrays sorted by `keys`; all NaNs are equal, and -0 equals +0."""
    start = lax.broadcasted_iota(jnp.int32, keys[0].shape, axis) == 0
    for key in keys:
        for part in order_keys(key):
            start |= part != jnp.roll(part, 1, axis)
    return start


def _xla(
    x: Array, *segments: Array, axis: int, descending: bool, outputs: tuple[str, ...], platform: str | None
) -> list[Array]:
    keys = [~key if descending else key for key in order_keys(x)]
    keys = [*(key for ids in segments for key in order_keys(ids)), *keys]
    if outputs == (VALUES,) and len(keys) == 1 and platform != "cpu":
        return [lax.sort((keys[0], x), dimension=axis, is_stable=True, num_keys=1)[1]]
    order = argsort_keys(keys, axis, platform)
    results = {
        VALUES: lambda: permute(order, x, axis),
        INDICES: lambda: order,
        INVERSE: lambda: invert(order, axis),
        FIRST: lambda: permute(order, _ends_of_runs(order, keys, axis, last=False), axis, transpose=True),
        LAST: lambda: permute(order, _ends_of_runs(order, keys, axis, last=True), axis, transpose=True),
    }
    return [results[name]() for name in outputs]


def argsort_keys(keys: Sequence[Array], axis: int, platform: str | None) -> Array:
    """Indices that sort by unsigned keys, most significant first: one stable pass a key, in plain JAX."""
    one_pass = _argsort_packed if platform == "cpu" else _argsort_pairs
    *more, last = keys
    order = one_pass(last, axis)
    for key in reversed(more):
        order = permute(one_pass(permute(order, key, axis), axis), order, axis)
    return order


def _argsort_pairs(key: Array, axis: int) -> Array:
    """(key, int32 position): on a GPU the pair that XLA hands to CUB's radix sort."""
    position = lax.broadcasted_iota(index_dtype(key.shape[axis]), key.shape, axis)
    return lax.sort((key, position), dimension=axis, is_stable=True, num_keys=1)[1]


def _argsort_packed(key: Array, axis: int) -> Array:
    """Key and position in one integer: XLA's CPU sort runs several times faster with a single operand."""
    n = key.shape[axis]
    bits = key.dtype.itemsize * 8
    if bits == 64 or exceeds(n, np.int32):
        return _argsort_pairs(key, axis)
    with jax.enable_x64(True):
        wide = jnp.uint32 if bits <= 16 and not exceeds(n, np.uint16) and isinstance(n, int) else jnp.uint64
        shift = np.asarray(16 if wide == jnp.uint32 else 32, wide)
        position = lax.broadcasted_iota(wide, key.shape, axis)
        packed = lax.sort((key.astype(wide) << shift) | position, dimension=axis, is_stable=False)
        return (packed & ((np.asarray(1, wide) << shift) - np.asarray(1, wide))).astype(jnp.int32)


def _ends_of_runs(order: Array, keys: Sequence[Array], axis: int, *, last: bool) -> Array:
    """In sorted order, the place where the run of each element starts, or where it ends."""
    start = starts([permute(order, key, axis) for key in keys], axis)
    place = lax.broadcasted_iota(order.dtype, order.shape, axis)
    if not last:
        return lax.cummax(jnp.where(start, place, 0), axis)
    n = order.shape[axis]
    end = jnp.roll(start, -1, axis)
    return lax.cummin(jnp.where(end, place, np.asarray(n - 1, place.dtype)), axis, reverse=True)


sort_p, _sort = define_ordering("sort", xla=_xla)
