"""How an order differentiates where elements are equal: `stable`, `average` or `directional`.

The JVP of an ordering primitive asks the same kernel call for the permutation as well, then applies the tie policy to
the tangent; the transpose of that is reverse mode. A plain forward sort never computes a permutation.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Shaped

from .. import _jax
from .._keys import order_keys
from . import _define, _sharding
from ._ordering import INDICES, VALUES, define_tangent
from .gather import gather, permute
from .group_means import group_means
from .lexsort import lexsort
from .run_mean import run_mean
from .select import FEW, _partition, _select, _top_k, partition_p, select_p, top_k_p
from .sort import _sort, argsort, sort, sort_p, starts

POLICIES = ("stable", "average", "directional")


def permute_by_tangents(
    keys: Sequence[Shaped[Array, "*shape"]],
    v: Shaped[Array, "*shape"],
    axis: int,
    *,
    descending: Sequence[bool],
    transpose: bool = False,
) -> Shaped[Array, "*shape"]:
    """`v` in the order of `keys`, most significant first, each in its own direction: the one-sided derivative by x, then dx.

    Forward mode only: a perturbation sorts the elements of a tie by its own direction, which is not linear in it.
    """
    return _permute_by_tangents(*keys, v, axis=axis, descending=tuple(descending), transpose=transpose)


def _permute_by_tangents(*operands: Array, **params: Any) -> Array:
    return permute_by_tangents_p.bind(*_sharding.align(*operands), **params)[0]


def _permute_by_tangents_shape(*operands: Any, axis: int, **params: Any) -> list[Any]:
    _sharding.require_unsharded("sorting", operands[-1], axis)
    return [operands[-1].update(weak_type=False)]


def _permute_by_tangents_xla(
    *operands: Array, axis: int, descending: tuple[bool, ...], transpose: bool, platform: str | None
) -> list[Array]:
    *keys, v = operands
    return [permute(lexsort(keys, axis, descending=descending), v, axis, transpose=transpose)]


def _permute_by_tangents_jvp(primals: Any, tangents: Any, *, descending: tuple[bool, ...], **params: Any) -> Any:
    *dkeys, dv = tangents
    out = _permute_by_tangents(*primals, descending=descending, **params)
    if _jax.is_zero(dv):
        return [out], [_jax.zero_tangent(out)]
    if all(map(_jax.is_zero, dkeys)):
        # Keys that stand still break no tie: the derivative is linear, and so has a reverse mode.
        return [out], _permute_by_tangents_xla(*primals[:-1], dv, descending=descending, **params, platform=None)
    # The perturbation of a key outranks the keys after it.
    by_key = zip(primals[:-1], dkeys, descending, strict=True)
    refined = [(x, falls) for *pair, falls in by_key for x in pair if not _jax.is_zero(x)]
    keys, directions = zip(*refined, strict=True)
    return [out], [_permute_by_tangents(*keys, dv, descending=directions, **params)]


def _permute_by_tangents_transpose(cotangents: Any, *operands: Any, **params: Any) -> Any:
    raise ValueError(
        'Exact(ties="directional") has a forward derivative only, and reverse mode was asked for; '
        'use jax.jvp or jax.jacfwd, or pass ties="stable" or ties="average".'
    )


def _permute_by_tangents_batch(operands: Any, dims: Any, *, axis: int, **params: Any) -> Any:
    return [_permute_by_tangents(*_define.batched_at(0, operands, dims), axis=axis + 1, **params)], [0]


def _tangent_of_sort(x: Array, dx: Array, *segments: Array, axis: int, descending: bool, ties: str, **found: Any) -> Array:
    if ties == "directional":
        directions = [*(False for _ in segments), descending, descending]
        return permute_by_tangents([*segments, x, dx], dx, axis, descending=directions)
    moved = permute(found["indices"], dx, axis)
    if ties == "stable":
        return moved
    in_order = [*(permute(found["indices"], ids, axis) for ids in segments), found["values"]]
    return run_mean(starts(in_order, axis), moved, axis)


def _tangent_of_all(x: Array, dx: Array, *segments: Array, **params: Any) -> Array:
    values, indices = sort(
        x,
        params["axis"],
        segments=segments[0] if segments else None,
        descending=params["descending"],
        outputs=(VALUES, INDICES),
    )
    return _tangent_of_sort(x, dx, *segments, **params, values=values, indices=indices)


def _tangent_of_select(
    x: Array, dx: Array, ranks: Array, *where: Array, values: Array, indices: Array, axis: int, descending: bool, ties: str
) -> Array:
    if ties == "stable":
        return gather(indices, dx, axis)
    if ties == "average" and ranks.shape[axis] <= FEW:
        return _means_of_ties(x, dx, values, axis, *where)
    left_out = [(~mask).astype(jnp.int32) for mask in where]
    return gather(ranks, _tangent_of_all(x, dx, *left_out, axis=axis, descending=descending, ties=ties), axis)


def _means_of_ties(x: Array, dx: Array, values: Array, axis: int, *where: Array) -> Array:
    """For each of a few `values`, the mean of `dx` over the elements of `x` that are equal to it."""
    count = values.shape[axis]
    each = [lax.slice_in_dim(values, j, j + 1, axis=axis) for j in range(count)]
    # Equal values share the group of the first of them.
    of_elements, of_values = jnp.full_like(x, -1, jnp.int32), jnp.zeros_like(values, jnp.int32)
    for j in reversed(range(count)):
        of_elements = jnp.where(_equal(x, each[j]), j, of_elements)
        of_values = jnp.where(_equal(values, each[j]), j, of_values)
    for mask in where:
        of_elements = jnp.where(mask, of_elements, -1)
    return gather(of_values, group_means(of_elements, dx, axis, count), axis)


def _equal(x: Array, y: Array) -> Array:
    parts = zip(order_keys(x), order_keys(y), strict=True)
    return functools.reduce(jnp.logical_and, [a == b for a, b in parts])


def _tangent_of_top_k(
    x: Array, dx: Array, *, values: Array, indices: Array, k: int, axis: int, descending: bool, ties: str
) -> Array:
    if ties == "directional":
        in_order = permute_by_tangents((x, dx), dx, axis, descending=(descending, descending))
        return lax.slice_in_dim(in_order, 0, k, axis=axis)
    moved = gather(indices, dx, axis)
    if ties == "stable" or k == 0:
        return moved
    # Only the ties of the last may lie outside.
    last = lax.slice_in_dim(values, k - 1, k, axis=axis)
    inside = run_mean(starts([values], axis), moved, axis)
    return jnp.where(_equal(values, last), _means_of_ties(x, dx, last, axis), inside)


def _tangent_of_partition(
    x: Array, dx: Array, *, values: Array, indices: Array, kth: tuple[int, ...], axis: int, ties: str
) -> Array:
    if ties == "stable":
        return permute(indices, dx, axis)
    # Equal elements stand in their old order, among others: what a sort would give them goes where they are.
    in_order = _tangent_of_all(x, dx, axis=axis, descending=False, ties=ties)
    return permute(argsort(values, axis), in_order, axis, transpose=True)


permute_by_tangents_p = _define.define(
    "sortax_permute_by_tangents", shape=_permute_by_tangents_shape, xla=_permute_by_tangents_xla
)
_jax.set_rules(
    permute_by_tangents_p,
    jvp=_permute_by_tangents_jvp,
    transpose=_permute_by_tangents_transpose,
    batch=_permute_by_tangents_batch,
)
define_tangent(sort_p, _sort, _tangent_of_sort)
define_tangent(select_p, _select, _tangent_of_select)
define_tangent(top_k_p, _top_k, _tangent_of_top_k)
define_tangent(partition_p, _partition, _tangent_of_partition)
