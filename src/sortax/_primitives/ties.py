"""How a sort differentiates where elements are equal: `stable`, `average` or `directional`.

The JVP of the sort primitive asks the same kernel call for the permutation as well, then applies the tie policy to
the tangent; the transpose of that is reverse mode. A plain forward sort never computes a permutation.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.interpreters import ad, batching
from jaxtyping import Array, Bool, Shaped

from .._keys import order_keys
from . import _define, _sharding
from .average import average
from .permute import permute
from .sort import INDICES, VALUES, lexsort, sort, sort_p

POLICIES = ("stable", "average", "directional")


def starts(keys: Sequence[Shaped[Array, "*shape"]], axis: int) -> Bool[Array, "*shape"]:
    """Where a run of equal elements starts, in arrays sorted by `keys`; all NaNs are equal, and -0 equals +0."""
    start = lax.broadcasted_iota(jnp.int32, keys[0].shape, axis) == 0
    for key in keys:
        for part in order_keys(key):
            start |= part != jnp.roll(part, 1, axis)
    return start


def refine(
    keys: Sequence[Shaped[Array, "*shape"]],
    v: Shaped[Array, "*shape"],
    axis: int,
    *,
    descending: bool,
    transpose: bool = False,
) -> Shaped[Array, "*shape"]:
    """`v` in the order of `keys`, most significant first: the one-sided derivative where the keys are x, then dx.

    Forward mode only: a perturbation sorts the elements of a tie by its own direction, which is not linear in it.
    """
    return _refine(*keys, v, axis=axis, descending=descending, transpose=transpose)


def _refine(*operands: Array, **params: Any) -> Array:
    return refine_p.bind(*_sharding.align(*operands), **params)[0]


def _refine_shape(*operands: Any, axis: int, **params: Any) -> list[Any]:
    _sharding.require_unsharded("sorting", operands[-1], axis)
    return [operands[-1].update(weak_type=False)]


def _refine_xla(*operands: Array, axis: int, descending: bool, transpose: bool, platform: str | None) -> list[Array]:
    *keys, v = operands
    return [permute(lexsort(keys, axis, descending=descending), v, axis, transpose=transpose)]


def _refine_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    *dkeys, dv = tangents
    out = _refine(*primals, **params)
    if _define.is_zero(dv):
        return [out], [_define.zero_tangent(out)]
    if all(map(_define.is_zero, dkeys)):
        # Keys that stand still break no tie: the derivative is linear, and so has a reverse mode.
        return [out], _refine_xla(*primals[:-1], dv, **params, platform=None)
    # The perturbation of a key outranks the keys after it.
    refined = [x for pair in zip(primals[:-1], dkeys, strict=True) for x in pair if not _define.is_zero(x)]
    return [out], [_refine(*refined, dv, **params)]


def _refine_transpose(cotangents: Any, *operands: Any, **params: Any) -> Any:
    raise ValueError(
        'Exact(ties="directional") has a forward derivative only, and reverse mode was asked for; '
        'use jax.jvp or jax.jacfwd, or pass ties="stable" or ties="average".'
    )


def _refine_batch(operands: Any, dims: Any, *, axis: int, **params: Any) -> Any:
    (size,) = {x.shape[d] for x, d in zip(operands, dims, strict=True) if d is not None}
    moved = [
        jnp.broadcast_to(x, (size, *x.shape)) if d is None else jnp.moveaxis(x, d, 0)
        for x, d in zip(operands, dims, strict=True)
    ]
    return [_refine(*moved, axis=axis + 1, **params)], [0]


def _sort_jvp(primals: Any, tangents: Any, *, outputs: tuple[str, ...], **params: Any) -> Any:
    (x,), (dx,) = primals, tangents
    axis, descending, ties = params["axis"], params["descending"], params["ties"]
    if VALUES not in outputs or _define.is_zero(dx):
        results = sort_p.bind(x, outputs=outputs, **params)
        return results, [_define.zero_tangent(r) for r in results]
    needed = outputs if ties == "directional" else (*outputs, INDICES)
    found = sort(x, axis, descending=descending, ties=ties, outputs=needed)
    if ties == "directional":
        dy = refine((x, dx), dx, axis, descending=descending)
    elif ties == "average":
        dy = average(starts(found[:1], axis), permute(found[-1], dx, axis), axis)
    else:
        dy = permute(found[-1], dx, axis)
    results = found[: len(outputs)]
    return results, [dy if name == VALUES else _define.zero_tangent(r) for name, r in zip(outputs, results, strict=True)]


refine_p = _define.define("sortax_refine", shape=_refine_shape, xla=_refine_xla)
ad.primitive_jvps[refine_p] = _refine_jvp
ad.primitive_transposes[refine_p] = _refine_transpose
batching.primitive_batchers[refine_p] = _refine_batch
ad.primitive_jvps[sort_p] = _sort_jvp
