"""The selection primitives: entries of the sorted array at given ranks, its first k, and a partition around some ranks.

None of them sorts the whole array where that can be helped: the kernels refine the histogram of the keys only where a rank
falls, and plain XLA counts keys by bisection.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, Shaped

from .._keys import bit_width, lowest, order_keys
from ._ordering import INDICES, VALUES, define_ordering, index_dtype
from .gather import gather, permute
from .sort import argsort_keys

FEW = 8  # ranks that are cheaper to find one by one than by sorting everything
_TOP = 1 / 32  # of the elements: more of them are cheaper to sort than for XLA's top_k to find


def select(
    x: Shaped[Array, "*shape"],
    ranks: Int[Array, "*ranks"],
    axis: int,
    *,
    where: Bool[Array, "*shape"] | None = None,
    descending: bool = False,
    ties: str = "stable",
    outputs: Sequence[str] = (VALUES,),
) -> list[Array]:
    """The elements (values, indices) whose places in the stable order along `axis` are `ranks`, which are in range.

    `ranks` are shaped like `x` but for their number along `axis`. Elements that are not `where` come after all others.
    """
    operands = (x, ranks) if where is None else (x, ranks, where)
    return _select(*operands, axis=axis, descending=descending, ties=ties, outputs=outputs)


def top_k(
    x: Shaped[Array, "*shape"],
    k: int,
    axis: int,
    *,
    descending: bool,
    ties: str = "stable",
    outputs: Sequence[str] = (VALUES, INDICES),
) -> list[Array]:
    """The first `k` elements (values, indices) in the stable order along `axis`."""
    return _top_k(x, k=k, axis=axis, descending=descending, ties=ties, outputs=outputs)


def partition(
    x: Shaped[Array, "*shape"],
    kth: tuple[int, ...],
    axis: int,
    *,
    descending: bool = False,
    ties: str = "stable",
    outputs: Sequence[str] = (VALUES,),
) -> list[Array]:
    """The elements (values, indices) of ranks `kth` (sorted, distinct) in their places, the others between in their old order."""
    if not descending:
        return _partition(x, kth=kth, axis=axis, ties=ties, outputs=outputs)
    # It is the ascending one of the array that is read from its end, read from its end: equal elements keep their order.
    n = x.shape[axis]
    from_end = tuple(n - 1 - k for k in reversed(kth))
    found = _partition(jnp.flip(x, axis), kth=from_end, axis=axis, ties=ties, outputs=outputs)
    found = [jnp.flip(y, axis) for y in found]
    return [n - 1 - y if name == INDICES else y for name, y in zip(outputs, found, strict=True)]


def _select_xla(
    x: Array, ranks: Array, *where: Array, axis: int, descending: bool, outputs: tuple[str, ...], platform: str | None
) -> list[Array]:
    if where:
        return _select_where(x, ranks, where[0], axis, descending, outputs)
    keys = [~key if descending else key for key in order_keys(x)]
    if len(keys) == 1 and ranks.shape[axis] <= FEW:
        index = _bisect(keys[0], ranks, axis)
    else:
        index = gather(ranks, argsort_keys(keys, axis, platform), axis)
    return _outputs(index, x, axis, outputs)


def _select_where(
    x: Array, ranks: Array, where: Array, axis: int, descending: bool, outputs: tuple[str, ...]
) -> list[Array]:
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        # Among integers no number is free for what is left out; nothing differentiates, so that values are enough.
        first = np.asarray(lowest(x.dtype), x.dtype)
        x = jnp.where(where, x, first if descending else (~first).astype(x.dtype))
        return select(x, ranks, axis, descending=descending, outputs=outputs)
    keys = order_keys(x)
    if len(keys) == 1:
        # Among the keys of floats the one before NaN's is free.
        last = np.asarray(jnp.iinfo(keys[0].dtype).max, keys[0].dtype)
        key = jnp.minimum(keys[0], last - np.asarray(1, last.dtype))
        key = ~key if descending else key
        (index,) = select(jnp.where(where, key, last), ranks, axis, outputs=(INDICES,))
    else:
        keys = [(~where).astype(jnp.uint8), *(~key if descending else key for key in keys)]
        index = gather(ranks, argsort_keys(keys, axis, None), axis)
    return _outputs(index, x, axis, outputs)


def _bisect(key: Array, ranks: Array, axis: int) -> Array:
    """The indices of the elements of those ranks, by counting: the key bit by bit, then the place among equal ones."""
    n = key.shape[axis]

    def count(which: Array) -> Array:
        return jnp.sum(which, axis, dtype=ranks.dtype, keepdims=True)

    def largest(bits: int, dtype: Any, holds: Callable[[Array], Array], like: Array) -> Array:
        """The largest number of so many bits for which `holds`, which fails for all numbers beyond one for which it does."""

        def step(i: Any, found: Array) -> Array:
            more = found | (np.asarray(1, dtype) << (np.asarray(bits - 1, dtype) - i.astype(dtype)))
            return jnp.where(holds(more), more, found)

        return lax.fori_loop(0, bits, step, jnp.zeros_like(like, dtype))

    def index_of(rank: Array) -> Array:
        found = largest(bit_width(key.dtype), key.dtype, lambda bound: count(key < bound) <= rank, rank)
        place = lax.broadcasted_iota(ranks.dtype, key.shape, axis)
        among = rank - count(key < found)
        width = max(int(n - 1).bit_length(), 1) if isinstance(n, int) else 31
        return largest(width, ranks.dtype, lambda end: count((key == found) & (place < end)) <= among, rank)

    each = [index_of(lax.slice_in_dim(ranks, j, j + 1, axis=axis)) for j in range(ranks.shape[axis])]
    return jnp.concatenate(each, axis) if each else ranks


def _top_k_xla(
    x: Array, *, k: int, axis: int, descending: bool, outputs: tuple[str, ...], platform: str | None
) -> list[Array]:
    keys = [~key if descending else key for key in order_keys(x)]
    n = x.shape[axis]
    if len(keys) == 1 and bit_width(keys[0].dtype) <= 32 and (platform != "cpu" or (isinstance(n, int) and k <= n * _TOP)):
        largest_first = jnp.moveaxis(_as_float(~keys[0]), axis, -1)
        index = jnp.moveaxis(lax.top_k(largest_first, k)[1], -1, axis).astype(index_dtype(n))
    else:
        index = lax.slice_in_dim(argsort_keys(keys, axis, platform), 0, k, axis=axis)
    return _outputs(index, x, axis, outputs)


def _as_float(key: Array) -> Array:
    """The float whose place in IEEE's total order, which `lax.top_k` follows, is the key: only for floats is it fast."""
    key = key.astype(jnp.uint32) << np.asarray(32 - bit_width(key.dtype), np.uint32)
    sign = np.asarray(1 << 31, np.uint32)
    return lax.bitcast_convert_type(jnp.where(key >= sign, key ^ sign, ~key), jnp.float32)


def _partition_xla(
    x: Array, *, kth: tuple[int, ...], axis: int, outputs: tuple[str, ...], platform: str | None
) -> list[Array]:
    keys = order_keys(x)
    order = argsort_keys(keys, axis, platform)
    # A class an interval and a class a pivot, told to each element by its place in sorted order.
    place = lax.broadcasted_iota(order.dtype, order.shape, axis)
    steps = [bound for k in kth for bound in (place >= k, place > k)]
    classes = functools.reduce(jnp.add, [step.astype(place.dtype) for step in steps], jnp.zeros_like(place))
    index = argsort_keys(order_keys(permute(order, classes, axis, transpose=True)), axis, platform)
    return _outputs(index, x, axis, outputs)


def _outputs(index: Array, x: Array, axis: int, outputs: tuple[str, ...]) -> list[Array]:
    return [index if name == INDICES else gather(index, x, axis) for name in outputs]


select_p, _select = define_ordering("select", xla=_select_xla, length=lambda n, m, *where, **params: m)
top_k_p, _top_k = define_ordering(
    "top_k",
    xla=_top_k_xla,
    length=lambda n, k, **params: k,
    attributes=lambda params: {**params, "k": np.int64(params["k"])},
)
partition_p, _partition = define_ordering(
    "partition", xla=_partition_xla, attributes=lambda params: {"kth": np.asarray(params["kth"], np.int64)}
)
