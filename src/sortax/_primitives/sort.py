"""The sort primitive: values, indices and inverse of one stable sort, each only if it is asked for.

Its derivative depends on what ties mean, and stands with them in `ties.py`.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import batching, partial_eval
from jaxtyping import Array, Int, Shaped

from .. import _native
from .._axis import exceeds
from .._keys import order_keys
from . import _define, _sharding
from .permute import permute

VALUES, INDICES, INVERSE = "values", "indices", "inverse"
OUTPUTS = (VALUES, INDICES, INVERSE)


def sort(
    x: Shaped[Array, "*shape"],
    axis: int,
    *,
    descending: bool = False,
    ties: str = "stable",
    outputs: tuple[str, ...] = (VALUES,),
) -> list[Array]:
    """Stable sort of `x` along the non-negative `axis`: the arrays named in `outputs`, in that order.

    `ties` says how the values differentiate where elements are equal; see `sortax.Exact`.
    """
    results = sort_p.bind(x, axis=axis, descending=descending, ties=ties, outputs=_canonical(outputs))
    found = dict(zip(_canonical(outputs), results, strict=True))
    return [found[name] for name in outputs]


def argsort(x: Shaped[Array, "*shape"], axis: int, *, descending: bool = False) -> Int[Array, "*shape"]:
    return sort(x, axis, descending=descending, outputs=(INDICES,))[0]


def lexsort(keys: Sequence[Shaped[Array, "*shape"]], axis: int, *, descending: bool = False) -> Int[Array, "*shape"]:
    """Indices that sort by `keys`, most significant first: one stable pass a key, least significant first."""
    *more, last = keys
    order = argsort(last, axis, descending=descending)
    for key in reversed(more):
        order = permute(argsort(permute(order, key, axis), axis, descending=descending), order, axis)
    return order


def _index_dtype(n: Any) -> Any:
    """int32 unless the axis is too long for it."""
    if not exceeds(n, np.int32):
        return jnp.int32
    if jax.dtypes.canonicalize_dtype(np.int64) != np.int64:
        raise ValueError(
            f"an axis of {n} elements needs 64-bit indices; enable them with jax.config.update('jax_enable_x64', True)."
        )
    return jnp.int64


def _canonical(outputs: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in OUTPUTS if name in outputs)


def _shape(x: Any, *, axis: int, descending: bool, ties: str, outputs: tuple[str, ...]) -> list[Any]:
    _sharding.require_unsharded("sorting", x, axis)
    indices = jnp.dtype(_index_dtype(x.shape[axis]))
    return [x.update(dtype=x.dtype if name == VALUES else indices, weak_type=False) for name in outputs]


def _xla(x: Array, *, axis: int, descending: bool, ties: str, outputs: tuple[str, ...], platform: str | None) -> list[Array]:
    keys = [~key if descending else key for key in order_keys(x)]
    if outputs == (VALUES,) and len(keys) == 1 and platform != "cpu":
        return [lax.sort((keys[0], x), dimension=axis, is_stable=True, num_keys=1)[1]]
    one_pass = _argsort_packed if platform == "cpu" else _argsort_pairs
    order = one_pass(keys[-1], axis)
    if len(keys) == 2:
        order = permute(one_pass(permute(order, keys[0], axis), axis), order, axis)
    results = {INDICES: lambda: order, VALUES: lambda: permute(order, x, axis), INVERSE: lambda: invert(order, axis)}
    return [results[name]() for name in outputs]


def _argsort_pairs(key: Array, axis: int) -> Array:
    """(key, int32 position): on a GPU the pair that XLA hands to CUB's radix sort."""
    position = lax.broadcasted_iota(_index_dtype(key.shape[axis]), key.shape, axis)
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


def invert(order: Int[Array, "*shape"], axis: int) -> Int[Array, "*shape"]:
    """The inverse of a permutation along `axis`, in O(n): argsort(argsort(x)) without a second sort."""
    return permute(order, lax.broadcasted_iota(order.dtype, order.shape, axis), axis, transpose=True)


def _native_lowering(ctx: Any, x: Any, *, axis: int, descending: bool, ties: str, outputs: tuple[str, ...]) -> Any:
    (aval,) = ctx.avals_in
    if exceeds(aval.shape[axis], np.int32) or aval.dtype not in _native.SORTABLE:
        return None
    wanted = sum(1 << OUTPUTS.index(name) for name in outputs)
    return _native.lower(ctx, "sort", x, axis=axis, descending=descending, outputs=np.int32(wanted))


def _batch(operands: Any, dims: Any, *, axis: int, outputs: tuple[str, ...], **params: Any) -> Any:
    (x,), (d,) = operands, dims
    results = sort_p.bind(x, axis=axis + (d <= axis), outputs=outputs, **params)
    return results, [d] * len(results)


def _drop_unused(used: list[bool], eqn: Any) -> Any:
    """Dead-code elimination reaches inside: results nobody reads are not computed."""
    if not any(used):
        return [False], None
    kept = tuple(name for name, u in zip(eqn.params["outputs"], used, strict=True) if u)
    outvars = [v for v, u in zip(eqn.outvars, used, strict=True) if u]
    return [True], eqn.replace(outvars=outvars, params={**eqn.params, "outputs": kept})


sort_p = _define.define("sortax_sort", shape=_shape, xla=_xla, native=_native_lowering)
batching.primitive_batchers[sort_p] = _batch
partial_eval.dce_rules[sort_p] = _drop_unused
